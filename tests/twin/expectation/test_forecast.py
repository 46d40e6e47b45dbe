"""Forecasts know when they were issued, carry a band, and are judged against yesterday."""

import numpy as np
import pandas as pd
import pytest

from gis.errors import WeatherError
from twin.expectation.conditions import make_conditions
from twin.expectation.forecast import (
    choose_issue,
    coverage,
    forecast_power,
    persistence,
    skill,
)
from twin.expectation.plant import CollectorField
from twin.expectation.power import expect

RECORD = {"geometry": "g", "version": "1"}
ISSUES = pd.to_datetime(["2018-06-20T06:00Z", "2018-06-20T12:00Z"])


def issued(built, *, hours=60, **columns) -> pd.DataFrame:
    """Return two issues of the year's own weather, the first a tenth darker."""
    parts = []
    for k, issue in enumerate(ISSUES):
        rows = built.weather.table.loc[issue : issue + pd.Timedelta(hours=hours - 1)]
        light = rows[["ghi", "dni", "dhi"]] * (0.9 if k == 0 else 1.0)
        part = light.assign(temp_air=rows["temp_air"], wind_speed=rows["wind_speed"])
        parts.append(part.assign(time=rows.index, issue_time=issue, **columns))
    return pd.concat(parts, ignore_index=True)


def test_the_newest_issue_that_was_out_counts(built):
    table = issued(built)
    newest, rows = choose_issue(table)
    assert newest == ISSUES[1]
    assert rows["time"].min() == ISSUES[1]
    assert rows["time"].max() == ISSUES[1] + pd.Timedelta(hours=47)
    earlier, _ = choose_issue(table, known_at=ISSUES[1] - pd.Timedelta(seconds=1))
    assert earlier == ISSUES[0]
    with pytest.raises(WeatherError, match="must have been issued by"):
        choose_issue(table, known_at=ISSUES[0] - pd.Timedelta(hours=1))
    with pytest.raises(WeatherError, match="issue_time"):
        choose_issue(table.drop(columns="issue_time"))


def test_collectors_are_forecast_beside_panels(built, plants, place):
    """Heat stays heat: its area goes with it, and a brighter sky gives more of it."""
    field = CollectorField("field", plants[0].facets, np.full(len(plants[0].facets), 3.0))
    table = issued(built)
    dim, bright = (
        forecast_power(
            built.light,
            [plants[0], field],
            table,
            place,
            source="perfect",
            known_at=known,
            **RECORD,
        )
        for known in (ISSUES[0], None)
    )
    assert bright.expected.collectors.tolist() == [False, True]
    assert bright.expected.collector_area[1] == pytest.approx(3.0 * len(field.area))
    both = slice(0, 40)
    late = dim.expected.power[1, 6:46].sum()
    assert late < bright.expected.power[1, both].sum()
    heat = bright.expected.power[1]
    assert heat.max() > 0
    assert (bright.low[1] <= heat).all()
    assert (bright.high[1] >= heat).all()
    told = bright.table()
    assert set(told.loc[told["system"] == "field", "quantity"]) == {"solar_heat_power"}


def test_a_perfect_forecast_is_the_expectation(built, plants, place):
    table = issued(built)
    found = forecast_power(
        built.light, plants[:4], table, place, source="perfect", **RECORD
    )
    rows = built.weather.table.loc[ISSUES[1] :].iloc[:48]
    conditions = make_conditions(
        rows, latitude=place.latitude, longitude=place.longitude, source="x"
    )
    wanted = expect(built.light, plants[:4], conditions, place, **RECORD)
    np.testing.assert_allclose(found.expected.power, wanted.power)
    np.testing.assert_array_equal(found.lead, np.arange(48.0))
    assert "too narrow" in found.spread
    lit = wanted.power > 0
    assert (found.low <= found.expected.power).all()
    assert (found.high > found.expected.power)[lit].all()
    assert (found.high[~lit] == 0).all()
    assert coverage(found, found.expected.power) == 1.0
    assert coverage(found, found.high + 1.0) == 0.0
    told = found.table()
    assert (told["expected_kw"] <= 0).all()
    assert (told["issue_time"] == ISSUES[1]).all()


def test_members_widen_the_band(built, plants, place):
    one = issued(built)
    factors = np.linspace(0.6, 1.2, 7)
    members = pd.concat(
        [
            one.assign(member=k, ghi=one["ghi"] * f, dni=one["dni"] * f, dhi=one["dhi"] * f)
            for k, f in enumerate(factors)
        ]
    )
    alone, many = (
        forecast_power(built.light, plants[:3], table, place, source="test", **RECORD)
        for table in (one, members)
    )
    assert many.members == 7
    lit = alone.expected.power > 1.0
    # The low side ends at nothing.
    assert (many.high - many.low)[lit].sum() > 1.3 * (alone.high - alone.low)[lit].sum()
    # Nearly linear in light: the mean of the members is that of their mean light.
    np.testing.assert_allclose(
        many.expected.power.sum(), alone.expected.power.sum() * factors.mean(), rtol=0.03
    )


def test_a_stated_spread_becomes_a_band(built, plants, place):
    sure, unsure = (
        forecast_power(
            built.light,
            plants[:3],
            issued(built, ghi_sd=spread),
            place,
            source="test",
            **RECORD,
        )
        for spread in (1.0, 150.0)
    )
    assert "stated" in unsure.spread
    width = [(f.high - f.low).sum() for f in (sure, unsure)]
    assert width[1] > 1.5 * width[0]


def test_members_must_tell_the_same_times(built, plants, place):
    table = issued(built)
    table = pd.concat([table.assign(member=0), table.iloc[:-30].assign(member=1)])
    with pytest.raises(WeatherError, match="same times"):
        forecast_power(built.light, plants[:1], table, place, source="test", **RECORD)


def test_persistence_is_yesterday_again_and_again():
    day = np.arange(24.0)
    measured = np.vstack(
        [np.r_[day * 0, day, day * 9, day * 9], np.r_[day, day + 1, day, day]]
    )
    found = persistence(measured, per_day=24, issue=48)
    np.testing.assert_array_equal(found, np.hstack([measured[:, 24:48]] * 2))
    assert np.isnan(persistence(measured, per_day=24, issue=10)).all()


def test_skill_of_the_perfect_of_the_same_and_of_the_worse():
    truth = np.array([0.0, 4.0, 8.0, np.nan])
    other = truth + np.array([1.0, -1.0, 1.0, 5.0])
    assert skill(truth, other, truth)["skill"] == 1.0
    assert skill(other, other, truth)["skill"] == 0.0
    worse = skill(truth + 2.0, other, truth)
    assert worse["skill"] == pytest.approx(-1.0)
    assert worse["bias"] == pytest.approx(2.0)
    assert worse["steps"] == 3


@pytest.mark.parametrize("real", [False, pytest.param(True, marks=pytest.mark.real)])
def test_a_perfect_weather_forecast_beats_yesterday(trials, measured, real):
    """Plants of another physics, with clouds of their own, two days ahead every day."""
    if real and measured is None:
        pytest.skip("real test data is not beside this checkout (expected ../shared/data)")
    site = trials.make_site(trials.measured_weather(measured if real else None), seed=5)
    case = trials.solar_case(site, np.random.default_rng(5), 0, kinds=[])
    truth, plan = case.track.value[None], case.track.expected[None]
    perfect, other, wanted = [], [], []
    for issue in range(24 * 5, site.steps - 48, 24 * 3):
        ahead = slice(issue, issue + 48)
        perfect.append(plan[:, ahead])
        other.append(persistence(truth[:, : issue + 48], per_day=24, issue=issue))
        wanted.append(truth[:, ahead])
    found = skill(*(np.stack(parts) for parts in (perfect, other, wanted)))
    assert found["steps"] > 2000
    assert found["skill"] > 0.5, found


def test_most_of_what_plants_do_lies_within_the_doubt(trials, measured):
    """Eight of ten steps within the band of 80 %: the doubt is honest, not timid."""
    site = trials.make_site(trials.measured_weather(measured), seed=6)
    rng = np.random.default_rng(6)
    shares = []
    for k in range(6):
        track = trials.solar_case(site, rng, k, kinds=[]).track
        lit = track.both & (track.expected > 0.05 * track.size)
        apart = np.abs(track.value - track.expected)[lit]
        shares.append(np.mean(apart <= 1.2816 * track.doubt[lit]))
    assert 0.55 < np.mean(shares) < 0.95, shares
