"""Planted faults are found, told with their figures, and not found where none are."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from twin.expectation.hint import HintKind
from twin.expectation.hints import find_hints, hints_of
from twin.expectation.tracks import DAY, HOUR, Nature, Track
from twin.expectation.typical import with_typical

START = 20_600 * DAY
DAYS = 60
RATED = 50.0


def bell(days=DAYS, seed=1) -> np.ndarray:
    """Return hours of light, 0 to 1, with a cloudiness that changes by the hour."""
    rng = np.random.default_rng(seed)
    hour = np.arange(24 * days) % 24 + 0.5
    clear = np.maximum(0.0, np.sin((hour - 5) / 14 * np.pi)) * ((hour > 5) & (hour < 19))
    return (
        clear * np.repeat(rng.uniform(0.4, 1.0, days), 24) * rng.uniform(0.7, 1, 24 * days)
    )


def plant(change=lambda value: value, *, seed=1) -> Track:
    """Return a plant that does as expected but for a per cent, and a change."""
    expected = RATED * bell(seed=seed)
    noise = 1 + 0.01 * np.random.default_rng(seed + 9).normal(size=len(expected))
    value = change(np.round(expected * noise, 2))
    return Track(
        "b/pv/power", Nature.SOLAR, START, HOUR, value, expected, 0.06 * expected, RATED
    )


def at(day: int, hour: int = 0) -> int:
    return 24 * day + hour


def only(hints, kind) -> object:
    assert [hint.kind for hint in hints] == [kind], [hint.evidence for hint in hints]
    return hints[0]


def test_a_plant_in_order_gives_no_hint():
    assert hints_of(plant()) == []


def test_an_outage_is_told_with_what_it_cost():
    def change(value):
        value[at(20, 11) : at(22, 9)] = 0.0
        return value

    track = plant(change)
    hint = only(hints_of(track), HintKind.OUTAGE)
    lost = track.expected[at(20, 11) : at(22, 9)].sum()
    assert hint.start == START + at(20, 11) * HOUR
    assert hint.end == START + at(22, 9) * HOUR
    assert hint.figures["expected_energy"] == pytest.approx(lost, rel=0.05)
    assert f"{hint.figures['expected_energy']:,.1f} kWh" in hint.evidence
    assert hint.confidence > 0.8


def test_night_is_no_outage_and_a_dark_day_neither():
    dark = plant()
    faint = replace(dark, value=dark.value * 0, expected=dark.expected * 0.02)
    assert hints_of(faint) == []


@pytest.mark.parametrize(
    ("factor", "shown"), [(1000.0, 1000.0), (1e-3, 1e-3), (3.6, 3.6), (-1.0, -1.0)]
)
def test_a_wrong_unit_is_told_by_its_factor(factor, shown):
    def change(value):
        value[at(15, 0) : at(25, 0)] *= factor
        return value

    hint = only(hints_of(plant(change)), HintKind.UNIT)
    assert hint.figures["factor"] == shown
    assert abs(hint.start - START - 15 * DAY) <= DAY
    assert abs(hint.end - START - 25 * DAY) <= DAY


@pytest.mark.parametrize("minutes", [-120, -60, 60, 180])
def test_a_wrong_clock_is_told_in_minutes(minutes):
    def change(value):
        late = np.roll(value, minutes // 60)
        value[at(20) : at(40)] = late[at(20) : at(40)]
        return value

    hint = only(hints_of(plant(change)), HintKind.CLOCK)
    shift, doubt = hint.figures["shift_minutes"], hint.figures["doubt_minutes"]
    assert shift == pytest.approx(minutes, abs=2 * doubt)
    assert ("late" if minutes > 0 else "early") in hint.evidence
    assert abs(hint.start - START - 20 * DAY) <= 2 * DAY


def test_a_clock_wrong_all_the_time_is_told_and_a_turned_roof_is_not():
    late = plant(lambda value: np.roll(value, 1))
    assert only(hints_of(late), HintKind.CLOCK).figures["shift_minutes"] == pytest.approx(
        60, abs=12
    )
    fine = np.interp(np.arange(len(late)) - 0.25, np.arange(len(late)), late.expected)
    assert hints_of(replace(late, value=fine)) == []


def test_a_stuck_value_is_told_and_a_flat_top_is_not():
    def stuck(value):
        value[at(30, 11) : at(31, 14)] = value[at(30, 11)]
        return value

    hint = only(hints_of(plant(stuck)), HintKind.STUCK)
    assert hint.start == START + at(30, 11) * HOUR
    assert hint.figures["hours"] == 27
    track = plant()
    held = np.minimum(track.value, 0.4 * RATED)
    flat = replace(track, value=held, expected=np.minimum(track.expected, 0.4 * RATED))
    assert hints_of(flat) == []


def test_a_gap_is_told_and_single_holes_are_not():
    def change(value):
        value[at(10) : at(10, 5)] = np.nan
        value[::50] = np.nan
        return value

    hint = only(hints_of(plant(change)), HintKind.GAP)
    assert hint.figures["steps"] in (5, 6)
    assert hint.confidence == 1.0


def test_part_of_a_plant_off_is_told_by_its_share():
    def change(value):
        value[at(20) : at(32)] *= 2 / 3
        return value

    hint = only(hints_of(plant(change)), HintKind.PARTIAL)
    assert hint.figures["missing_share"] == pytest.approx(1 / 3, abs=0.03)


def test_dirt_that_is_washed_off_is_told_by_its_loss():
    def change(value):
        value[at(10) : at(50)] *= 1 - 0.2 * np.linspace(0, 1, 24 * 40)
        return value

    hint = only(hints_of(plant(change)), HintKind.SOILING)
    assert hint.figures["lost_share"] == pytest.approx(0.2, abs=0.06)
    assert abs(hint.end - START - 50 * DAY) <= 2 * DAY


def test_a_shadow_is_told_by_the_place_of_the_sun():
    hour = np.arange(24 * DAYS) % 24 + 0.5
    sun = {"azimuth": hour * 15.0, "elevation": 40.0 * bell() / max(bell()) + 3.0}
    track = replace(plant(), **sun, beam=np.full(24 * DAYS, 0.8))
    hidden = (track.azimuth > 210) & (track.azimuth < 240)
    shady = replace(track, value=np.where(hidden, 0.4 * track.value, track.value))
    hints = [hint for hint in hints_of(shady) if hint.kind is HintKind.SHADING]
    assert hints
    assert min(hint.figures["azimuth_from"] for hint in hints) == 210.0
    assert max(hint.figures["azimuth_to"] for hint in hints) == 240.0
    assert all(0.5 < hint.figures["missing_share"] < 0.7 for hint in hints)


def meter(change=lambda value: value, *, days=120) -> Track:
    """Return a meter of electricity with its habits."""
    rng = np.random.default_rng(4)
    hour = np.arange(24 * days) % 24
    shape = 3 + 4 * np.exp(-((hour - 8) ** 2) / 6) + 6 * np.exp(-((hour - 19) ** 2) / 8)
    value = change(np.round(shape * np.exp(0.1 * rng.normal(size=len(shape))), 2))
    nothing = np.full(len(value), np.nan)
    blank = Track("b/el/power", Nature.DEMAND, START, HOUR, value, nothing, nothing, 1.0)
    return with_typical(blank)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda v: np.where(np.arange(len(v)) // 24 == 40, 0.0, v), HintKind.OUTAGE),
        (lambda v: np.where(np.arange(len(v)) // 48 == 20, 4.2, v), HintKind.STUCK),
        (lambda v: np.where(np.arange(len(v)) // 240 == 4, v * 3.6, v), HintKind.UNIT),
        (lambda v: np.where(np.arange(len(v)) // 240 == 4, v / 1000, v), HintKind.UNIT),
        (
            lambda v: np.where(np.arange(len(v)) // 480 == 2, np.roll(v, 2), v),
            HintKind.CLOCK,
        ),
    ],
    ids=["nothing", "stuck", "MJ for kWh", "MW for kW", "two hours late"],
)
def test_a_meter_is_judged_by_its_own_past(change, kind):
    only(hints_of(meter(change)), kind)


def test_a_meter_in_order_gives_no_hint():
    assert hints_of(meter()) == []


def test_a_value_that_a_meter_rests_at_is_not_stuck():
    """Every night it stands for eight hours, and once by day: only that is odd."""

    def rests(value):
        night = (np.arange(len(value)) % 24) < 8
        return np.where(night & (np.arange(len(value)) // 24 % 3 > 0), 0.4, value)

    assert hints_of(meter(rests)) == []

    def hangs(value):
        value = rests(value)
        value[at(50, 9) : at(50, 21)] = 3.3
        return value

    hint = only(hints_of(meter(hangs)), HintKind.STUCK)
    assert hint.start == START + at(50, 9) * HOUR


def heated(change=lambda value: value, *, mild=14.0) -> Track:
    """Return a heat meter that takes nothing from 12 degrees on, over a cool spring."""
    rng = np.random.default_rng(8)
    hour = np.arange(24 * DAYS)
    air = mild - 8 * np.cos(hour / (24 * DAYS) * 2 * np.pi) - 6
    air = air + 3 * np.sin((hour % 24 - 9) / 24 * 2 * np.pi) + rng.normal(size=len(hour))
    noise = np.exp(0.1 * rng.normal(size=len(hour)))
    value = change(np.round(2.0 * np.maximum(0.0, 12.0 - air) * noise, 2))
    nothing = np.full(len(value), np.nan)
    blank = Track("b/heat/power", Nature.DEMAND, START, HOUR, value, nothing, nothing, 1.0)
    return with_typical(blank, air)


@pytest.mark.parametrize("mild", [8.0, 12.0, 14.0, 17.0])
def test_no_heat_in_mild_hours_is_no_outage_and_none_in_the_cold_is(mild):
    assert [h for h in hints_of(heated(mild=mild)) if h.kind is HintKind.OUTAGE] == []

    def off(value):
        value[at(2) : at(3, 12)] = 0.0
        return value

    hints = [h for h in hints_of(heated(off, mild=mild)) if h.kind is HintKind.OUTAGE]
    assert [hint.start for hint in hints] == [START + at(2) * HOUR]


def test_a_cold_day_outdoors_is_no_other_unit():
    """Air swings by more than rooms do; only a leap is of another unit."""
    hour = np.arange(24 * 60)
    rng = np.random.default_rng(6)
    air = 3.0 + 2 * np.sin(hour / 24 * 2 * np.pi) + 0.3 * rng.normal(size=len(hour))
    air = air - 14.0 * np.exp(-(((hour - 700) / 18.0) ** 2))
    nothing = np.full(len(air), np.nan)
    track = Track("w", Nature.STATE, START, HOUR, air, nothing, nothing, 1.0, "degC")
    assert hints_of(with_typical(track)) == []


@pytest.mark.parametrize(
    ("wrong", "factor"),
    [(lambda v: v + 273.15, 1.0), (lambda v: v * 1.8 + 32, 1.8), (lambda v: v * 10, 10.0)],
    ids=["kelvin", "fahrenheit", "tenths"],
)
def test_temperatures_of_another_unit_are_told(wrong, factor):
    rng = np.random.default_rng(2)
    value = np.round(21 + 0.5 * rng.normal(size=24 * 60), 1)
    value[480:600] = wrong(value[480:600])
    nothing = np.full(len(value), np.nan)
    room = Track("r", Nature.STATE, START, HOUR, value, nothing, nothing, 1.0, "degC")
    hint = only(hints_of(with_typical(room)), HintKind.UNIT)
    assert hint.figures["factor"] == factor


def test_hints_can_be_written_as_json():
    def change(value):
        value[at(20, 11) : at(22, 9)] = 0.0
        return value

    records = [hint.record() for hint in find_hints([plant(change), meter()])]
    again = json.loads(json.dumps(records))
    assert again[0]["kind"] == "outage"
    assert (
        again[0]["start"]
        == f"{pd.Timestamp(START + at(20, 11) * HOUR, unit='us'):%Y-%m-%dT%H:%MZ}"
    )


@pytest.mark.parametrize(
    "value", [np.nan, 0.0, 7.0], ids=["nothing", "zeros", "a constant"]
)
def test_records_without_life_break_nothing(value):
    track = plant(lambda values: np.full(len(values), value))
    for hint in hints_of(track):
        assert 0 <= hint.confidence <= 1
    short = Track("p", Nature.SOLAR, START, HOUR, *(np.full(3, value),) * 3, 1.0)
    assert isinstance(hints_of(short), list)
    blank = replace(track, expected=track.value * np.nan)
    assert all(h.kind in (HintKind.STUCK, HintKind.GAP) for h in hints_of(blank))
