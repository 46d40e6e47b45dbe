"""Argue that the typical year takes the most usual months and joins them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import WeatherError
from gis.sources.weather_files import read_weather
from gis.typical_months import (
    SMOOTHED,
    WEIGHTS,
    assemble_typical_year,
    finkelstein_schafer,
)
from gis.typical_year import typical_year
from gis.weather import closure_error, make_weather, sun_height

YEAR = typical_year()
LIGHT = ["ghi", "dni", "dhi"]


def like(year=2018, *, warmer=0.0, brighter=1.0, months=range(1, 13), **changes):
    """Make the typical year of another calendar, changed in some months."""
    table = YEAR.table.copy()
    here = np.isin(pd.DatetimeIndex(table.index).month, list(months))
    table["temp_air"] += np.where(here, warmer, 0.0)
    for name in LIGHT:
        table[name] *= np.where(here, brighter, 1.0)
    table.index = pd.date_range(f"{year}-01-01", periods=8760, freq="h", tz="UTC")
    made = replace(YEAR, table=table, flags=None, source=f"made {year}")
    return replace(made, **changes)


def test_equal_samples_have_no_distance_and_far_ones_half_of_all():
    whole = np.arange(31.0)
    assert finkelstein_schafer(whole, whole) == 0.0
    assert finkelstein_schafer(whole, np.tile(whole, 3)) == 0.0
    # Two months that do not overlap: each sits in its own half, on average a quarter off.
    both = np.concatenate([whole, whole + 100.0])
    assert finkelstein_schafer(whole, both) == pytest.approx(0.25)
    assert finkelstein_schafer(whole + 100.0, both) == pytest.approx(0.25)


@given(
    st.lists(st.floats(-50, 50), min_size=2, max_size=30),
    st.lists(st.floats(-50, 50), min_size=1, max_size=30),
    st.sampled_from([1.0, 2.0, 0.5]),
)
def test_the_statistic_knows_no_unit_and_lies_within_one(sample, rest, factor):
    mine, whole = np.array(sample), np.array(sample + rest)
    here = finkelstein_schafer(mine, whole)
    assert 0.0 <= here <= 1.0
    assert finkelstein_schafer(factor * mine, factor * whole) == pytest.approx(here)


def test_the_middle_one_of_three_years_is_taken_each_month():
    made = assemble_typical_year(
        [like(2017, warmer=-4.0, brighter=0.8), like(2018), like(2019, warmer=4.0,
         brighter=1.1)]
    )  # fmt: skip
    chosen = made.choice[made.choice["chosen"]]
    assert chosen.index.get_level_values("year").tolist() == [2018] * 12
    assert made.choice["chosen"].groupby(level="month").sum().tolist() == [1] * 12
    for name in (*LIGHT, "temp_air", "wind_speed"):
        assert made.weather.table[name].tolist() == YEAR.table[name].tolist(), name
    assert not (made.weather.flags == "smoothed").any(axis=None)


def test_the_order_of_the_years_does_not_matter():
    years = [like(2009 + n, warmer=w) for n, w in enumerate((1.0, -2.0, 0.5))]
    one = assemble_typical_year(years).weather
    two = assemble_typical_year(years[::-1]).weather
    pd.testing.assert_frame_equal(one.table, two.table)


def test_a_year_beside_tells_what_is_usual_and_gives_no_month():
    cold, usual = like(2017, warmer=-4.0), like(2019, warmer=0.5)
    alone = assemble_typical_year([cold, usual]).choice
    # Each of two lies as far from both together, but for ties of single days.
    distance = alone["distance"].to_numpy().reshape(12, 2)
    assert distance[:, 0] == pytest.approx(distance[:, 1], abs=0.02)
    made = assemble_typical_year([cold, usual], context=[YEAR])
    chosen = made.choice[made.choice["chosen"]]
    assert chosen.index.get_level_values("year").tolist() == [2019] * 12
    assert set(made.choice.index.get_level_values("year")) == {2017, 2019}
    with pytest.raises(WeatherError, match="two years or more, got 1"):
        assemble_typical_year([cold], context=[YEAR])


def mixed():
    """Two cold and two warm half years: January to June comes from another year."""
    spring, autumn = range(1, 7), range(7, 13)
    return [
        like(2015, warmer=-6.0, brighter=0.8),
        like(2018, warmer=3.0, months=autumn),
        like(2017, warmer=3.0, months=spring),
        like(2019, warmer=6.0, brighter=1.1),
    ]


def test_joints_are_led_together_and_keep_the_sum_and_the_light():
    rough = assemble_typical_year(mixed(), smoothed=0).weather
    smooth = assemble_typical_year(mixed()).weather
    jumps = np.abs(np.diff(rough.table["temp_air"], append=rough.table["temp_air"].iloc[0]))
    moved = (smooth.flags["temperature"] == "smoothed").to_numpy()
    assert 0 < moved.sum() <= 12 * 2 * SMOOTHED
    assert smooth.table["temp_air"].sum() == pytest.approx(rough.table["temp_air"].sum())
    pd.testing.assert_frame_equal(smooth.table[LIGHT], rough.table[LIGHT])
    kept = smooth.table["temp_air"].to_numpy()[~moved]
    assert kept == pytest.approx(rough.table["temp_air"].to_numpy()[~moved])
    after = np.abs(np.diff(smooth.table["temp_air"]))
    assert after[moved[:-1]].max() < jumps[:-1][moved[:-1]].max()


def test_a_jump_becomes_a_twelfth_of_itself():
    base = like(2018)
    flat = [
        replace(base, table=base.table.assign(temp_air=level, wind_speed=3.0))
        for level in (0.0, 12.0)
    ]
    # Equal weather in all else: temperature alone cannot decide, so wind does by month.
    flat[0].table.loc[pd.DatetimeIndex(base.table.index).month > 6, "wind_speed"] = 3.5
    made = assemble_typical_year(flat, weights={"wind_mean": 1.0}).weather
    air = made.table["temp_air"].to_numpy()
    steps = np.abs(np.diff(air))
    assert set(np.round(air[~(made.flags["temperature"] == "smoothed")], 9)) <= {0.0, 12.0}
    assert steps.max() <= 12.0 / SMOOTHED / 2.0 + 1e-9


def test_a_month_with_gaps_is_not_taken_and_29_february_is_left_out():
    gappy = like(2018)
    gappy.table.loc["2018-03-01":"2018-03-10", "filled"] = True
    others = [like(2017, warmer=-4.0), like(2019, warmer=4.0)]
    made = assemble_typical_year([others[0], gappy, others[1]])
    chosen = made.choice[made.choice["chosen"]].index
    assert dict(chosen)[3] != 2018
    assert dict(chosen)[4] == 2018
    index = pd.date_range("2016-01-01", periods=8784, freq="h", tz="UTC")
    day = YEAR.table.loc["2018-02-28"]
    rows = pd.concat([YEAR.table[:"2018-02-28"], day, YEAR.table["2018-03-01":]])
    leap = make_weather(
        rows.set_axis(index), latitude=56.0, longitude=12.7, source="leap", notes=()
    )
    assert assemble_typical_year([leap, leap]).weather.hours == 8760


@pytest.mark.parametrize(
    ("years", "words"),
    [
        pytest.param([], "two years or more, got 0", id="none"),
        pytest.param([like()], "two years or more, got 1", id="one"),
        pytest.param([like(), like(sun_offset_minutes=60.0)], "got 30, 60 min", id="clock"),
        pytest.param(
            [like(), like(latitude=40.0, longitude=12.0)], "16.0 degrees", id="far"
        ),
        pytest.param(
            [like(), like(table=YEAR.table.shift(freq="24h"))], "1 January", id="2 January"
        ),
        pytest.param([like(), like(2016)], "calendar years", id="a day short"),
    ],
)
def test_years_that_cannot_be_joined_are_refused(years, words):
    with pytest.raises(WeatherError, match=words):
        assemble_typical_year(years)


@pytest.mark.parametrize("weights", [{}, {"ghi": 0.0}, {"snow": 1.0}, {"ghi": -1.0}])
def test_weights_that_weigh_nothing_are_refused(weights):
    with pytest.raises(WeatherError, match="weights must be positive"):
        assemble_typical_year([like(), like(2019)], weights=weights)


@settings(max_examples=6, deadline=None)
@given(part=st.sampled_from(sorted(WEIGHTS)), factor=st.floats(0.1, 10.0))
def test_only_ratios_of_weights_count(part, factor):
    years = mixed()
    one = assemble_typical_year(years, weights={part: 1.0})
    two = assemble_typical_year(years, weights={part: factor})
    assert one.choice["chosen"].tolist() == two.choice["chosen"].tolist()


@pytest.mark.real
def test_two_measured_years_and_the_embedded_one_make_a_year(shared_data):
    years = [
        read_weather(shared_data / "weather" / f"dtu_lyngby_{year}_hourly.csv")
        for year in (2016, 2017)
    ]
    made = assemble_typical_year([*years, YEAR])
    weather = made.weather
    assert weather.hours == 8760
    sums = [year.annual("ghi") for year in (*years, YEAR)]
    assert min(sums) < weather.annual("ghi") < max(sums)
    height = sun_height(weather.sun_times, latitude=56.041, longitude=12.696)
    error = closure_error(weather.table, height)[weather.table["ghi"] > 50.0]
    assert np.sqrt((error**2).mean()) < 15.0  # 8 and 15 in the measured years
    filled = made.choice.loc[made.choice["chosen"], "filled"]
    assert (filled <= 0.1).all()
    assert any("few" in note for note in weather.notes)
    assert any("1: 2" in note for note in weather.notes)
