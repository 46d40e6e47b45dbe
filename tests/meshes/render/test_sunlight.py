"""The sun stands where an almanac says, and captions say which clock is meant."""

import numpy as np
import pandas as pd
import pytest

from meshes.render.sunlight import day_path, sun_at

LATITUDE, LONGITUDE = 56.04, 12.69


def at(text):
    return sun_at(pd.Timestamp(text), latitude=LATITUDE, longitude=LONGITUDE)


def test_noon_height_is_colatitude_plus_declination():
    # Midsummer declination 23.44 degrees; the sun culminates at 13:11 CEST here.
    sun = at("2026-06-21T13:11+02:00")
    assert sun.elevation == pytest.approx(90 - LATITUDE + 23.44, abs=0.05)
    assert sun.azimuth == pytest.approx(180, abs=1.0)


def test_direction_is_a_unit_vector_to_that_place():
    sun = at("2026-03-20T16:00+01:00")
    east, north, up = sun.direction.astype(float)
    assert np.linalg.norm([east, north, up]) == pytest.approx(1)
    assert np.degrees(np.arctan2(east, north)) % 360 == pytest.approx(sun.azimuth, abs=1e-3)
    assert np.degrees(np.arcsin(up)) == pytest.approx(sun.elevation, abs=1e-3)


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        pytest.param(
            "2026-01-05T14:30Z", "5 January 2026, 15:30 CET (UTC+1)", id="winter time"
        ),
        pytest.param(
            "2026-07-05T14:30Z", "5 July 2026, 16:30 CEST (UTC+2)", id="summer time"
        ),
    ],
)
def test_captions_give_local_time_and_its_offset(instant, words):
    assert at(instant).date_words == words


def test_night_is_said():
    assert at("2026-01-05T23:00+01:00").place_words == "sun below the horizon"


def test_naive_times_are_refused():
    with pytest.raises(ValueError, match="must have a zone"):
        at("2026-03-20T16:00")


def test_the_day_rises_in_the_east_and_sets_in_the_west():
    sun = at("2026-03-20T16:00+01:00")
    path = day_path(sun.when, latitude=LATITUDE, longitude=LONGITUDE)
    assert path[0, 0] == pytest.approx(90, abs=2)
    assert path[-1, 0] == pytest.approx(270, abs=2)
    assert path[:, 1].max() == pytest.approx(90 - LATITUDE, abs=0.3)
