"""The sun stands where an almanac says, and only possible moments are taken."""

import numpy as np
import pandas as pd
import pytest
from pyproj import Geod, Transformer

from gis.crs import PLAN
from gis.errors import TableError
from meshes.render.sunlight import (
    at_clock,
    day_path,
    read_day,
    solar_day,
    sun_at,
    turning_point,
)

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
    turned = np.degrees(np.arctan2(east, north)) % 360
    assert turned == pytest.approx(sun.grid_azimuth, abs=1e-3)
    assert np.degrees(np.arcsin(up)) == pytest.approx(sun.elevation, abs=1e-3)


def test_in_the_plan_the_sun_stands_over_what_lies_under_it():
    # A mast one kilometre away towards the sun's true azimuth, along the ellipsoid: in
    # the plan it must lie below the drawn sun. The plan's north is 0.67 degrees off.
    sun = at("2026-03-20T16:00+01:00")
    far = Geod(ellps="GRS80").fwd(LONGITUDE, LATITUDE, sun.azimuth, 1000.0)[:2]
    plan = Transformer.from_crs("EPSG:4258", PLAN, always_xy=True)
    here, mast = plan.transform(LONGITUDE, LATITUDE), plan.transform(*far)
    way = np.subtract(mast, here)
    bearing = np.degrees(np.arctan2(way[0], way[1])) % 360
    east, north, _ = sun.direction.astype(float)
    assert np.degrees(np.arctan2(east, north)) % 360 == pytest.approx(bearing, abs=0.01)
    assert abs(bearing - sun.azimuth) > 0.6


def test_naive_times_are_refused():
    with pytest.raises(ValueError, match="must have a zone"):
        at("2026-03-20T16:00")


def test_the_day_rises_in_the_east_and_sets_in_the_west():
    sun = at("2026-03-20T16:00+01:00")
    path = day_path(sun.when, latitude=LATITUDE, longitude=LONGITUDE)
    assert path[0, 0] == pytest.approx(90, abs=2)
    assert path[-1, 0] == pytest.approx(270, abs=2)
    assert path[:, 1].max() == pytest.approx(90 - LATITUDE, abs=0.3)


@pytest.mark.parametrize(
    ("date", "turn"),
    [
        # Published by the USNO, UTC: 2026-03-20 14:46, 06-21 08:24, 09-23 00:05,
        # 12-21 20:50; 2024-03-20 03:06; 2028-12-21 08:19.
        ("2026-03-20", 0),
        ("2026-06-21", 1),
        ("2026-09-23", 2),
        ("2026-12-21", 3),
        ("2024-03-20", 0),
        ("2028-12-21", 3),
        ("2026-03-19", None),
        ("2026-03-21", None),
        ("2026-09-22", None),
        ("2026-12-22", None),
    ],
)
def test_turns_of_the_year_fall_on_published_days(date, turn):
    assert turning_point(read_day(date)) == turn


def test_every_year_has_each_turn_once():
    days = [read_day("2027-01-01") + pd.DateOffset(days=k) for k in range(365)]
    assert [turn for day in days if (turn := turning_point(day)) is not None] == [
        0,
        1,
        2,
        3,
    ]


def test_days_are_as_long_as_the_clock_has_them():
    place = {"latitude": LATITUDE, "longitude": LONGITUDE}
    assert len(solar_day(read_day("2026-06-21"), **place)) == 24 * 60 + 1
    assert len(solar_day(read_day("2026-03-29"), **place)) == 23 * 60 + 1
    assert len(solar_day(read_day("2026-10-25"), **place)) == 25 * 60 + 1


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "2026-13-01", "midsummer", "21-06-2026", "", "1200-01-01", "2026-6-1"],
)
def test_impossible_dates_are_refused(text):
    with pytest.raises(TableError, match=r"date|years"):
        read_day(text)


@pytest.mark.parametrize("text", ["25:00", "12:60", "noon", "1200", ""])
def test_impossible_times_are_refused(text):
    with pytest.raises(TableError, match="time must be written"):
        at_clock(read_day("2026-06-21"), text)


def test_clock_changes_are_met():
    with pytest.raises(TableError, match="clocks go forward"):
        at_clock(read_day("2026-03-29"), "02:30")
    # The hour that comes twice: the first is meant, still summer time.
    assert at_clock(read_day("2026-10-25"), "02:30").strftime("%z") == "+0200"
    assert at_clock(read_day("2026-10-25"), "3:30").strftime("%z %H") == "+0100 03"
