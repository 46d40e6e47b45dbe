"""Argue that the radiation tells which sun it saw."""

import numpy as np
import pandas as pd
import pytest

from gis.sources.weather_files import read_weather
from gis.typical_year import typical_year
from gis.weather import sun_height
from gis.weather_clock import find_sun_offset, sun_offset_minutes

PLACE = {"latitude": 56.041, "longitude": 12.696}
GRID = 5.0  # [min] step of the search


@pytest.fixture(scope="module")
def typical():
    return typical_year()


def seen_at(table, minutes, **place):
    """Radiation whose sun stood at the label plus ``minutes``."""
    height = sun_height(table.index + pd.Timedelta(minutes=minutes), **(PLACE | place))
    dni = table["dni"].where(height > 0.0, 0.0)
    return table.assign(dni=dni, ghi=dni * height + table["dhi"])


def clear(table, minutes):
    """GHI of a sky without clouds, and nothing else."""
    height = sun_height(table.index + pd.Timedelta(minutes=minutes), **PLACE)
    return table.assign(ghi=950.0 * height**1.2, dni=np.nan, dhi=np.nan)


def test_typical_year_belongs_to_the_middle_of_the_hour(typical):
    found = sun_offset_minutes(typical)
    assert found.minutes == 30.0
    assert found.method == "closure"
    assert not found.decisive


@pytest.mark.parametrize("minutes", [-60.0, -30.0, 0.0, 10.0, 60.0, 90.0])
def test_a_sun_at_a_known_offset_is_found_and_decisive(typical, minutes):
    found = find_sun_offset(seen_at(typical.table, minutes), **PLACE)
    assert found.minutes == minutes
    assert found.decisive
    assert found.error < 2.0 < found.error_at_middle


@pytest.mark.parametrize("minutes", [-30.0, 0.0, 60.0])
def test_clear_days_tell_the_same_when_only_ghi_is_known(typical, minutes):
    found = find_sun_offset(clear(typical.table, minutes), **PLACE)
    assert found.method == "clear days"
    assert found.minutes == pytest.approx(minutes, abs=GRID)
    assert found.decisive


def test_clouds_do_not_hide_the_offset_from_clear_days(typical):
    # Moving all hours to the next label is labelling by the end of the hour.
    ghi = np.roll(typical.table["ghi"], 1)
    ghi_only = typical.table.assign(ghi=ghi, dni=np.nan, dhi=np.nan)
    found = find_sun_offset(ghi_only, **PLACE)
    assert found.minutes == pytest.approx(-30.0, abs=GRID)


def test_offset_does_not_follow_the_calibration(typical):
    table = seen_at(typical.table, 60.0)
    wrong = table.assign(ghi=1.04 * table["ghi"], dni=0.97 * table["dni"])
    found = find_sun_offset(wrong, **PLACE)
    assert found.minutes == 60.0
    assert found.decisive


def test_fifteen_degrees_of_longitude_are_an_hour(typical):
    east = seen_at(typical.table, 30.0, longitude=12.696 + 15.0)
    found = find_sun_offset(east, **PLACE)
    # The same labels at a place further west see the sun an hour earlier.
    assert found.minutes == pytest.approx(90.0, abs=GRID)


def test_an_unknown_place_leaves_more_doubt(typical):
    table = seen_at(typical.table, 45.0)
    assert find_sun_offset(table, **PLACE).decisive
    assert not find_sun_offset(table, latitude=None, longitude=None).decisive


def test_an_offset_beyond_the_search_is_told(typical):
    assert find_sun_offset(seen_at(typical.table, 240.0), **PLACE).out_of_range
    assert not find_sun_offset(seen_at(typical.table, 60.0), **PLACE).out_of_range


def test_nothing_is_told_without_sun(typical):
    dark = typical.table.assign(ghi=0.0, dni=0.0, dhi=0.0)
    found = find_sun_offset(dark, **PLACE)
    assert found.method == "none"
    assert found.minutes == 30.0
    assert not found.decisive


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "minutes"),
    [
        pytest.param("dtu_lyngby_2016_hourly.csv", 30.0, id="measured means of the hour"),
        pytest.param("dtu_lyngby_2017_hourly.csv", 30.0, id="another measured year"),
        pytest.param("DNK_Copenhagen.061800_IWEC.epw", 30.0, id="modelled, middle"),
        pytest.param(
            "SWE_VG_Gothenburg-Landvetter.AP.025260_TMYx.2007-2021.epw",
            60.0,
            id="modelled, end of the hour",
        ),
        pytest.param("pvgis_tmy_45_8.json", 10.0, id="satellite overpass, 0.1761 h"),
    ],
)
def test_closure_and_clear_days_agree_on_real_files(shared_data, name, minutes):
    weather = read_weather(shared_data / "weather" / name)
    by_closure = sun_offset_minutes(weather)
    ghi_only = weather.table.assign(dni=np.nan, dhi=np.nan)
    by_clear_days = find_sun_offset(
        ghi_only, latitude=weather.latitude, longitude=weather.longitude
    )
    assert weather.sun_offset_minutes == minutes
    assert by_closure.minutes == pytest.approx(minutes, abs=GRID)
    assert by_clear_days.minutes == pytest.approx(minutes, abs=GRID)
