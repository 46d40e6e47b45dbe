"""Meters with a short past are judged by the course of others; closed forms say how."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.expectation.hint import HintKind
from twin.expectation.hints import hints_of
from twin.expectation.shared_course import FEWEST, with_shared_course
from twin.expectation.tracks import DAY, HOUR, Nature, Track

START = 20_000 * DAY


def common(days: int) -> np.ndarray:
    """Return a course that all share, with a day of its own each: hourly, 0.3 to 2."""
    hour = np.arange(24 * days)
    return (1 + 0.5 * np.sin(hour / 24 * 2 * np.pi)) * (1 + 0.2 * np.cos(hour / 24 * 1.7))


def meter(value: np.ndarray, nature: Nature = Nature.DEMAND, name: str = "m") -> Track:
    nothing = np.full(len(value), np.nan)
    return Track(name, nature, START, HOUR, value.astype(float), nothing, nothing, 1.0)


def fleet(days: int, count: int = 9) -> list[Track]:
    """Return meters of one course at their own levels, with own habits in the morning."""
    habit = np.where(np.arange(24 * days) % 24 < 8, 1.3, 1.0)
    return [
        meter(level * common(days) * (habit if k % 4 == 1 else 1.0), name=f"m{k}")
        for k, level in enumerate(np.geomspace(1, 500, count))
    ]


def test_without_faults_what_is_measured_is_expected():
    for track in with_shared_course(fleet(5)):
        np.testing.assert_allclose(track.expected, track.value, rtol=1e-9)
        assert (track.doubt > 0).all()


@given(
    factor=st.sampled_from([0.0, 1e-3, 1 / 3.6, 3.6, 1000.0]),
    first=st.integers(0, 60),
    length=st.integers(24, 50),
    which=st.integers(0, 8),
)
def test_a_fault_does_not_move_what_is_expected(factor, first, length, which):
    tracks = fleet(5)
    right = tracks[which].value.copy()
    wrong = right.copy()
    wrong[first : first + length] *= factor
    tracks[which] = replace(tracks[which], value=wrong)
    found = with_shared_course(tracks)[which]
    np.testing.assert_allclose(found.expected, right, rtol=1e-6)


def test_states_are_judged_by_sums():
    swing = 2 * np.sin(np.arange(96) / 24 * 2 * np.pi) + np.arange(96) / 48
    tracks = [meter(20.0 + k / 4 + swing, Nature.STATE) for k in range(7)]
    right = tracks[3].value.copy()
    tracks[3].value[30:60] += 273.15
    found = with_shared_course(tracks)[3]
    np.testing.assert_allclose(found.expected, right, atol=1e-9)


@pytest.mark.parametrize(
    ("factor", "kind"),
    [(0.0, HintKind.OUTAGE), (3.6, HintKind.UNIT), (1e-3, HintKind.UNIT)],
)
def test_what_is_off_for_a_day_and_a_half_in_a_week_is_named(factor, kind):
    tracks = fleet(7)
    noise = np.random.default_rng(1).normal(1, 0.05, len(tracks[4].value))
    value = tracks[4].value * noise
    value[50:86] *= factor
    tracks[4] = replace(tracks[4], value=value)
    hints = hints_of(with_shared_course(tracks)[4])
    assert [hint.kind for hint in hints] == [kind]
    assert hints[0].start == pytest.approx(START + 50 * HOUR, abs=2 * HOUR)
    assert hints[0].end == pytest.approx(START + 86 * HOUR, abs=2 * HOUR)


def test_few_meters_have_no_course_but_their_own_habits():
    alone = with_shared_course(fleet(5)[: FEWEST - 1])
    usual = alone[0].value.reshape(5, 24)
    np.testing.assert_allclose(
        alone[0].expected.reshape(5, 24), np.tile(np.median(usual, axis=0), (5, 1))
    )


def test_two_days_tell_nothing():
    assert not any(track.both.any() for track in with_shared_course(fleet(2)))


def test_one_that_begins_later_is_laid_beside_the_others():
    tracks = fleet(6)
    late = tracks[2]
    tracks[2] = replace(
        late, start=START + 30 * HOUR, value=late.value[30:], expected=late.expected[30:],
        doubt=late.doubt[30:],
    )  # fmt: skip
    np.testing.assert_allclose(
        with_shared_course(tracks)[2].expected, late.value[30:], rtol=1e-9
    )
