"""The baked sun follows the astronomy that needs no library."""

import numpy as np
import pytest

from twin.web.sun_days import sun_days

LATITUDE, LONGITUDE = 56.04, 12.69
TILT = 23.44  # [degrees] obliquity of the ecliptic
REFRACTION = 0.1  # [degrees] at the noon elevations of the winter, less at others
WITHIN_A_DAY = 0.4  # [degrees] how far the declination moves around the equinox


@pytest.fixture(scope="module")
def days():
    return sun_days(LATITUDE, LONGITUDE, year=2018)


@pytest.mark.parametrize(
    ("number", "declination"),
    [
        pytest.param(0, 0.0, id="equinox"),
        pytest.param(1, TILT, id="midsummer"),
        pytest.param(2, -TILT, id="midwinter"),
    ],
)
def test_noon_elevation(days, number, declination):
    highest = max(days[number]["elevation"])
    expected = 90.0 - LATITUDE + declination
    assert highest == pytest.approx(expected, abs=REFRACTION + WITHIN_A_DAY)


def test_culminates_in_the_south(days):
    for day in days:
        noon = int(np.argmax(day["elevation"]))
        # Ten minutes turn the sun by at most 5 degrees at this latitude in June.
        assert day["azimuth"][noon] == pytest.approx(180.0, abs=5.0)


def test_clock_of_the_season(days):
    assert [day["zone"] for day in days] == ["CET", "CEST", "CET"]
    # The mean sun is 4 min a degree late on the zone's meridian, 15 degrees east; the
    # equation of time stays within 17 min.
    for day, hours in zip(days, (12, 13, 12), strict=True):
        noon = int(np.argmax(day["elevation"])) * day["step"]
        mean_noon = hours * 60 + (15.0 - LONGITUDE) * 4
        assert abs(noon - mean_noon) <= 17 + day["step"] / 2


def test_slider_holds_all_daylight(days):
    for day in days:
        up = np.flatnonzero(np.array(day["elevation"]) > 0) * day["step"]
        assert day["earliest"] <= up.min() + 30
        assert up.max() - 30 <= day["latest"]
