"""Argue that a weather year holds what it promises."""

import numpy as np
import pandas as pd
import pytest

from gis.errors import HeidiError, WeatherError
from gis.weather import (
    COLUMNS,
    DISTRICT_LATITUDE,
    DISTRICT_LONGITUDE,
    closure_error,
    extraterrestrial,
    make_weather,
    sun_elevation,
    sun_height,
)


def year(hours=8760, start="2023-01-01"):
    index = pd.date_range(start, periods=hours, freq="h", tz="UTC")
    table = pd.DataFrame(index=index)
    return table.assign(ghi=100.0, dni=50.0, dhi=80.0, temp_air=9.0, wind_speed=4.0)


def weather(table, **changes):
    arguments = {"latitude": 56.0, "longitude": 12.7, "source": "made for a test"}
    return make_weather(table, **(arguments | changes))


def test_constant_radiation_sums_up_to_power_times_time():
    made = weather(year())
    assert made.hours == 8760
    assert made.annual("ghi") == pytest.approx(876.0)
    assert made.annual("dni") == pytest.approx(438.0)
    assert made.mean_temperature == pytest.approx(9.0)


def test_months_sum_up_to_the_year_and_february_knows_leap_years():
    made = weather(year(8784, "2024-01-01"))
    assert made.monthly("dhi").sum() == pytest.approx(made.annual("dhi"))
    assert made.monthly("ghi")[2] == pytest.approx(29 * 24 * 0.1)
    assert list(made.monthly("ghi").index) == list(range(1, 13))


def test_sun_times_are_the_labels_moved_by_the_offset():
    made = weather(year(), sun_offset_minutes=60.0)
    assert made.sun_times[0] == pd.Timestamp("2023-01-01T01:00Z")
    assert weather(year()).sun_times[0] == pd.Timestamp("2023-01-01T00:30Z")


def test_table_is_its_own_and_has_the_named_columns():
    table = year().assign(extra=1.0)
    made = weather(table)
    assert tuple(made.table.columns) == COLUMNS
    assert not made.table["filled"].any()
    assert made.filled_hours == 0
    table["ghi"] = 0.0
    assert made.annual("ghi") == pytest.approx(876.0)


def test_unknown_place_is_the_district():
    made = weather(year(), latitude=None, longitude=None)
    assert made.position == (DISTRICT_LATITUDE, DISTRICT_LONGITUDE)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        pytest.param(year().iloc[:-1], "full year", id="an hour short"),
        pytest.param(year(9000), "full year", id="too long"),
        pytest.param(year().tz_localize(None), "timezone-aware", id="naive"),
        pytest.param(year().tz_convert("Europe/Stockholm"), "UTC", id="local time"),
        pytest.param(year().shift(freq="10min"), "minute 0", id="half-way labels"),
        pytest.param(
            pd.concat([year().iloc[:5], year(9000).iloc[6:8761]]), "follow", id="a hole"
        ),
        pytest.param(year().iloc[::-1], "follow", id="backwards"),
        pytest.param(year().drop(columns="dhi"), "dhi", id="no diffuse"),
        pytest.param(year().assign(dni=np.nan), "dni misses 8760", id="no values"),
        pytest.param(year().assign(ghi="sun"), "ghi misses 8760", id="text"),
        pytest.param(year().assign(ghi=-1.0), "0 to 1500 W/m2, got -1", id="negative"),
        pytest.param(year().assign(temp_air=282.0), "degC, got 282", id="kelvin"),
        pytest.param(year().assign(dhi=np.inf), "got inf", id="infinite"),
        pytest.param(year().reset_index(drop=True), "timezone-aware", id="no times"),
    ],
)
def test_a_table_that_is_no_year_of_weather_is_refused_in_one_line(table, words):
    with pytest.raises(WeatherError, match=words) as caught:
        weather(table)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, HeidiError)


@pytest.mark.parametrize(
    "place",
    [
        {"latitude": 91.0},
        {"longitude": 200.0},
        {"latitude": None},
        {"latitude": float("nan")},
        {"sun_offset_minutes": 300.0},
        {"sun_offset_minutes": float("nan")},
    ],
    ids=str,
)
def test_a_place_or_offset_off_the_earth_is_refused(place):
    with pytest.raises(WeatherError):
        weather(year(), **place)


def test_only_five_faults_are_named_and_the_rest_counted():
    bad = year().assign(ghi=-1.0, dni=-1.0, dhi=-1.0, temp_air=99.0, wind_speed=-1.0)
    with pytest.raises(WeatherError, match="7 faults") as caught:
        weather(bad, latitude=91.0, sun_offset_minutes=999.0)
    assert "wind_speed" not in str(caught.value)


def test_noon_sun_stands_at_the_colatitude_at_equinox_and_23_4_degrees_off_at_solstices():
    # Apparent noon at 15 degrees east is near 11:00 UTC; declination is 0 and +-23.44.
    for day, declination in (
        ("2023-03-20", 0.0),
        ("2023-06-21", 23.44),
        ("2023-12-22", -23.44),
    ):
        times = pd.date_range(f"{day}T10:00Z", f"{day}T12:00Z", freq="min")
        highest = sun_elevation(times, latitude=56.0, longitude=15.0).max()
        refraction = 0.1  # degrees at 10 degrees of elevation, less above
        assert 90.0 - 56.0 + declination == pytest.approx(highest, abs=refraction + 0.15)


def test_sun_height_is_zero_below_the_horizon_and_the_sine_above():
    times = pd.date_range("2023-06-21", periods=24, freq="h", tz="UTC")
    elevation = sun_elevation(times, latitude=56.0, longitude=12.7)
    height = sun_height(times, latitude=56.0, longitude=12.7)
    assert (height[elevation <= 0.0] == 0.0).all()
    up = elevation > 0.0
    assert np.sin(np.radians(elevation[up])) == pytest.approx(height[up])
    assert up.sum() == 17  # 17.5 h of daylight


def test_extraterrestrial_radiation_is_six_percent_higher_in_january_than_in_july():
    ends = extraterrestrial(pd.DatetimeIndex(["2023-01-03", "2023-07-05"], tz="UTC"))
    # Distances 0.9833 and 1.0167 au, inverse squares.
    assert ends[0] / ends[1] == pytest.approx((1.0167 / 0.9833) ** 2, rel=2e-3)


def test_closure_error_is_what_ghi_has_too_much():
    table = pd.DataFrame({"ghi": [500.0, 100.0], "dni": [400.0, 0.0], "dhi": [90.0, 100.0]})
    assert closure_error(table, np.array([1.0, 0.3])) == pytest.approx([10.0, 0.0])
