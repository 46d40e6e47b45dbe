"""The ground's albedo follows its snow, water's the height of the sun."""

import numpy as np
import pytest

from gis.errors import WeatherError
from meshes.solar.albedo import SNOW_COVER, monthly_albedo, water_albedo


def test_months_without_snow_are_bare_and_all_lie_between():
    albedo = monthly_albedo(0.15)
    assert (albedo[4:9] == 0.15).all(), "May to September"
    assert ((albedo >= 0.15) & (albedo < 0.65)).all()
    assert albedo.argmax() in (0, 1), "January or February"


def test_full_snow_is_snow_and_none_is_bare():
    assert (monthly_albedo(0.2, snow_cover=[1.0] * 12, snow=0.8) == 0.8).all()
    assert (monthly_albedo(0.2, snow_cover=[0.0] * 12) == 0.2).all()


def test_months_are_the_weighted_mean():
    cover = np.linspace(0, 1, 12)
    expected = (1 - cover) * 0.1 + cover * 0.7
    found = monthly_albedo(0.1, snow_cover=cover, snow=0.7)
    np.testing.assert_allclose(found, expected)


def test_helsingborg_s_winter_is_short():
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    assert 15 < (np.array(SNOW_COVER) * days).sum() < 30


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"snow_cover": [0.1] * 11}, "12 months, January first, got 11"),
        ({"snow_cover": [20.0] + [0.0] * 11}, "must be 0 to 1, got 20"),
        ({"bare": -0.1}, "must be 0 to 1, got -0.1"),
        ({"bare": np.nan}, "must be 0 to 1, got nan"),
        ({"snow": 1.2}, "must be 0 to 1, got 1.2"),
    ],
)
def test_what_is_no_share_is_refused(given, said):
    with pytest.raises(WeatherError, match=said):
        monthly_albedo(**given)


def test_water_is_brighter_the_lower_the_sun():
    albedo = water_albedo(np.array([-5.0, 0.0, 10.0, 40.0, 90.0]))
    assert albedo[0] == albedo[1]
    assert (np.diff(albedo[1:]) < 0).all()
    assert albedo[1] == pytest.approx(0.16)
    assert albedo[-1] == pytest.approx(0.16**1.7)
