"""Argue that each length of gap has its method, and that the flags say which."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import WeatherError
from gis.typical_year import typical_year
from gis.weather import extraterrestrial, make_weather, sun_height
from gis.weather_flags import FILLED, Method, count_flags
from gis.weather_gaps import fill_year

SUN = {"latitude": 56.041, "longitude": 12.696, "sun_offset_minutes": 30.0}
LIGHT = ["ghi", "dni", "dhi"]
YEAR = typical_year()
TABLE = YEAR.table.drop(columns="filled")
HEIGHT = sun_height(YEAR.sun_times, latitude=56.041, longitude=12.696)


def without(start, hours, columns=(*LIGHT, "temp_air", "wind_speed"), table=TABLE):
    first = table.index.get_loc(pd.Timestamp(start, tz="UTC"))
    holed = table.copy()
    holed.iloc[first : first + hours, [holed.columns.get_loc(c) for c in columns]] = np.nan
    return holed, np.arange(first, first + hours)


def steady(year, longitude=12.696, offset=0.0):
    """Weather of one clearness under the sun of a place, at its middle of the hour."""
    index = pd.date_range(f"{year}-01-01", f"{year + 1}-01-01", freq="h", tz="UTC",
                          inclusive="left")  # fmt: skip
    beyond = extraterrestrial(index)
    height = sun_height(
        index + pd.Timedelta(minutes=30), latitude=56.041, longitude=longitude
    )
    dni = np.where(height > 0.0, 0.5 * beyond, 0.0)
    dhi = 0.1 * beyond * np.maximum(height, 0.02) * (height > 0.0)
    day = 10.0 * np.sin(2.0 * np.pi * index.day_of_year.to_numpy() / 365.0)
    table = pd.DataFrame(
        {
            "ghi": dni * height + dhi,
            "dni": dni,
            "dhi": dhi,
            "temp_air": day + offset,
            "wind_speed": 3.0,
        },
        index=index,
    )
    return make_weather(
        table, latitude=56.041, longitude=longitude, source="steady", notes=()
    )


METHODS = [
    pytest.param(1, Method.INTERPOLATED, Method.INTERPOLATED, id="1 hour"),
    pytest.param(6, Method.NEIGHBOURS, Method.NEIGHBOURS, id="6 hours"),
    pytest.param(72, Method.NEIGHBOURS, Method.NEIGHBOURS, id="3 days"),
    pytest.param(240, Method.REFERENCE, Method.NEIGHBOURS, id="10 days"),
    pytest.param(504, Method.REFERENCE, Method.REFERENCE, id="3 weeks"),
    pytest.param(744, Method.REFERENCE, Method.REFERENCE, id="a month"),
    pytest.param(4344, Method.REFERENCE, Method.REFERENCE, id="half a year"),
]


@pytest.mark.parametrize(("hours", "light", "air"), METHODS)
def test_each_length_has_its_method_and_its_flag(hours, light, air):
    holed, rows = without("2018-05-01T09:00", hours)
    done = fill_year(holed, **SUN, reference=YEAR)
    flags = done.flags
    assert set(flags["radiation"].iloc[rows]) == {light.value}
    assert set(flags["temperature"].iloc[rows]) == {air.value}
    assert set(flags["wind"].iloc[rows]) == {air.value}
    rest = np.setdiff1d(np.arange(8760), rows)
    assert set(flags.iloc[rest].to_numpy().ravel()) == {Method.READ.value}
    assert done.table["filled"].to_numpy().nonzero()[0].tolist() == rows.tolist()
    assert not done.table.isna().any(axis=None)
    assert count_flags(flags).sum().tolist() == [8760] * 3


@pytest.mark.parametrize("hours", [121, 504, 744])
def test_without_a_reference_year_long_gaps_are_refused(hours):
    holed, _ = without("2018-05-01T09:00", hours)
    with pytest.raises(WeatherError, match="reference year"):
        fill_year(holed, **SUN)


def test_more_than_half_a_year_is_refused_even_so():
    holed, _ = without("2018-02-01T00:00", 4500)
    with pytest.raises(WeatherError, match="50% of the hours"):
        fill_year(holed, **SUN, reference=YEAR)


def test_the_same_year_as_reference_restores_itself():
    holed, rows = without("2018-06-03T05:00", 744)
    done = fill_year(holed, **SUN, reference=YEAR)
    for name in (*LIGHT, "temp_air", "wind_speed"):
        found = done.table[name].to_numpy()[rows]
        assert found == pytest.approx(TABLE[name].to_numpy()[rows], abs=0.06), name


def test_a_reference_elsewhere_lends_its_clearness_and_not_its_clock():
    truth = steady(2018)
    other = steady(2016, longitude=40.0)  # the sun is almost two hours earlier there
    holed, rows = without("2018-07-01", 744, table=truth.table.drop(columns="filled"))
    done = fill_year(holed, **SUN, reference=other)
    high = rows[HEIGHT[rows] > 0.5]  # up in both places
    for name in LIGHT:
        assert done.table[name].to_numpy()[high] == pytest.approx(
            truth.table[name].to_numpy()[high], rel=1e-3
        ), name


@pytest.mark.parametrize("offset", [-7.0, 0.0, 4.0])
def test_temperature_of_the_reference_takes_the_level_of_the_ends(offset):
    truth, other = steady(2018), steady(2018, offset=offset)
    holed, rows = without(
        "2018-03-01", 700, ["temp_air"], truth.table.drop(columns="filled")
    )
    done = fill_year(holed, **SUN, reference=other)
    assert done.table["temp_air"].to_numpy()[rows] == pytest.approx(
        truth.table["temp_air"].to_numpy()[rows], abs=1e-9
    )


def test_the_29th_of_february_is_filled_from_the_28th():
    leap, common = steady(2016), steady(2018)
    rows = without("2016-02-20", 480, table=leap.table.drop(columns="filled"))
    done = fill_year(rows[0], **SUN, reference=common)
    day = done.table.loc["2016-02-29"]
    assert not day.isna().any(axis=None)
    assert day["dni"].max() == pytest.approx(
        common.table.loc["2018-02-28", "dni"].max(), rel=0.01
    )


def test_a_gap_at_the_start_of_the_year_takes_the_level_behind_it():
    other = steady(2018, offset=5.0)
    truth = steady(2018).table.drop(columns="filled")
    holed, rows = without("2018-01-01", 500, ["temp_air"], truth)
    done = fill_year(holed, **SUN, reference=other)
    assert done.table["temp_air"].to_numpy()[rows] == pytest.approx(
        truth["temp_air"].to_numpy()[rows], abs=1e-9
    )


def test_filling_twice_changes_nothing():
    holed, _ = without("2018-05-01", 700)
    once = fill_year(holed, **SUN, reference=YEAR).table
    twice = fill_year(once.drop(columns="filled"), **SUN, reference=YEAR).table
    pd.testing.assert_frame_equal(
        once.drop(columns="filled"), twice.drop(columns="filled"), check_exact=False
    )
    assert not twice["filled"].any()


def test_a_split_is_flagged_by_day_and_closure_in_its_hours():
    table = TABLE.assign(dni=np.nan)
    table.iloc[3000:3200, table.columns.get_loc("dhi")] = np.nan
    done = fill_year(table, **SUN)
    counts = count_flags(done.flags)["radiation"]
    assert 80 < counts["split"] < 200  # the light hours of 200
    assert counts["closure"] == 8760 - 200
    assert not done.table["filled"].any()
    kept = done.table["ghi"] - done.table["dni"] * HEIGHT - done.table["dhi"]
    assert np.abs(kept[3000:3200]).max() < 1e-9


@settings(max_examples=15, deadline=None)
@given(
    gaps=st.lists(
        st.tuples(st.integers(0, 8759), st.integers(1, 900)), min_size=1, max_size=4
    )
)
def test_laws_hold_for_any_gaps_with_a_reference(gaps):
    holed = TABLE.copy()
    for start, length in gaps:
        holed.iloc[start : start + length] = np.nan
    done = fill_year(holed, **SUN, reference=YEAR)
    lost = holed["ghi"].isna().to_numpy()
    assert not done.table.isna().any(axis=None)
    assert (done.table["filled"].to_numpy() == lost).all()
    ways = {method.value for method in FILLED}
    assert (done.flags["radiation"].isin(ways).to_numpy() == lost).all()
    closure = done.table["ghi"] - done.table["dni"] * HEIGHT - done.table["dhi"]
    assert np.abs(closure).max() < 0.06
    assert (done.table[LIGHT] >= 0.0).all(axis=None)
    assert (done.table["dni"] <= extraterrestrial(YEAR.sun_times) + 1e-9).all()
