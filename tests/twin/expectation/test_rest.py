"""A field with a full tank is in order, one that is off on other days is not."""

from dataclasses import replace

import numpy as np
import pytest

from twin.expectation.hint import HintKind
from twin.expectation.hints import hints_of
from twin.expectation.rest import resting
from twin.expectation.tracks import DAY, HOUR, Nature, Track

START = 20_600 * DAY
DAYS = 45
RATED = 50.0
BY_DAY = np.arange(24 * DAYS) // 24
BY_HOUR = np.arange(24 * DAYS) % 24
SUNDAY = 3
"""Day of the week of the tests, counted from their first day."""


def field(*off: np.ndarray, tank: bool = True, hot: np.ndarray | None = None) -> Track:
    """Return collectors in fine weather that give nothing in some hours."""
    hour = BY_HOUR + 0.5
    clear = np.maximum(0.0, np.sin((hour - 5) / 14 * np.pi)) * ((hour > 5) & (hour < 19))
    days = np.random.default_rng(4).uniform(0.7, 1.0, DAYS)
    expected = RATED * clear * days[BY_DAY]
    noise = 1 + 0.01 * np.random.default_rng(5).normal(size=len(expected))
    value = np.round(expected * noise, 2)
    for hours in off:
        value[hours] = 0.0
    size = 0.06 * expected
    return Track(
        "b", Nature.SOLAR, START, HOUR, value, expected, size, RATED, tank=tank, hot=hot
    )


def sundays(hour: int = 11) -> np.ndarray:
    return (BY_DAY % 7 == SUNDAY) & (hour <= BY_HOUR)


def between(day: float, until: float) -> np.ndarray:
    hours = np.arange(24 * DAYS)
    return (hours >= 24 * day) & (hours < 24 * until)


def outages(track: Track) -> list:
    return [hint for hint in hints_of(track) if hint.kind is HintKind.OUTAGE]


def test_a_field_that_rests_on_sundays_gives_no_hint():
    assert hints_of(field(sundays())) == []
    assert len(outages(field(sundays(), tank=False))) == 6, "panels have no tank"


def test_all_that_rests_is_zero_and_on_those_days():
    track = field(sundays())
    rest = resting(track)
    assert (track.value[rest] == 0).all()
    assert set(track.day[rest] % 7) == {SUNDAY}
    assert not resting(field(sundays(), tank=False)).any()
    assert not resting(field()).any()


@pytest.mark.parametrize(
    ("day", "until"),
    [
        pytest.param(21.3, 21.9, id="a single other day"),
        pytest.param(23.0, 25.0, id="with a Sunday in it"),
        pytest.param(22.0, 28.0, id="six days"),
        pytest.param(20.0, 40.0, id="three Sundays"),
    ],
)
def test_an_outage_is_told_all_the_same(day, until):
    (hint,) = outages(field(sundays(), between(day, until)))
    shared = min(hint.end, START + until * DAY) - max(hint.start, START + day * DAY)
    assert shared > 0.5 * (until - day) * DAY
    assert "full tank" in hint.evidence


def test_a_field_too_large_rests_every_day_and_an_outage_is_longer():
    track = field(BY_HOUR >= 13)
    assert outages(track) == []
    (hint,) = outages(field(BY_HOUR >= 13, between(20, 22)))
    assert hint.start < START + 21 * DAY < hint.end


@pytest.mark.parametrize("weeks", [(1,), (1, 3)])
def test_once_or_twice_is_no_habit(weeks):
    some = np.isin(BY_DAY, [SUNDAY + 7 * week for week in weeks]) & (BY_HOUR >= 11)
    assert len(outages(field(some))) == len(weeks)


def test_a_hot_field_stagnates_on_any_day():
    off = between(21.4, 21.9)
    warm = np.where(off, 60.0, 55.0)
    assert len(outages(field(off, hot=warm))) == 1
    assert outages(field(off, hot=np.where(off, 110.0, 55.0))) == []
    unknown = np.full(len(off), np.nan)
    assert len(outages(field(off, hot=unknown))) == 1


def test_what_rests_says_nothing_of_dirt_or_shadows():
    track = field(sundays())
    assert {hint.kind for hint in hints_of(replace(track, value=0.8 * track.value))} <= {
        hint.kind for hint in hints_of(replace(field(), value=0.8 * field().value))
    }
