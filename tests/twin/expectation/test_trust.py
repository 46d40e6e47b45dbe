"""What is flagged as bad is not taken as measured, and hints name the flags."""

import numpy as np
import pytest

from gis.errors import TableError
from twin.expectation.hint import HintKind
from twin.expectation.hints import hints_of
from twin.expectation.tracks import DAY, HOUR, Nature, Track
from twin.expectation.trust import sift, with_flags
from twin.expectation.typical import with_typical
from twin.store.records import Quality

START = 20_600 * DAY
COUNT = 24 * 60
TIMES = START + np.arange(COUNT) * HOUR
PART = slice(480, 530)
INSIDE = np.isin(np.arange(COUNT), np.arange(COUNT)[PART])


def judged(value: np.ndarray, quality: np.ndarray):
    """Return the hints of a meter whose values came with flags."""
    sifted = sift({"p": (TIMES, value)}, {"p": quality})
    nothing = np.full(COUNT, np.nan)
    track = Track(
        "p", Nature.DEMAND, START, HOUR, sifted.measured["p"][1], nothing, nothing, 1.0
    )
    return hints_of(with_flags(with_typical(track), TIMES, sifted.flags["p"]))


def habit() -> np.ndarray:
    hour = np.arange(COUNT) % 24
    rng = np.random.default_rng(3)
    return (4 + 3 * np.sin(hour / 24 * 2 * np.pi)) * np.exp(0.1 * rng.normal(size=COUNT))


def flagged(flag: Quality) -> np.ndarray:
    return np.where(INSIDE, int(flag), 0)


WRONG = {
    HintKind.STUCK: np.where(INSIDE, 4.2, habit()),
    HintKind.UNIT: np.where(INSIDE, 1000.0, 1.0) * habit(),
}


@pytest.mark.parametrize("kind", WRONG, ids=[kind.value for kind in WRONG])
@pytest.mark.parametrize("flag", [Quality.DOUBTFUL, Quality.ESTIMATED, Quality.SPIKE])
def test_bad_values_raise_no_hint_as_if_measured(kind, flag):
    """The same values without a flag do; with it only their lack is told."""
    plain = judged(WRONG[kind], np.zeros(COUNT, np.int64))
    assert [hint.kind for hint in plain] == [kind]
    (hint,) = judged(WRONG[kind], flagged(flag))
    assert hint.kind is HintKind.GAP
    assert "No usable value" in hint.evidence
    name = "spikes" if flag is Quality.SPIKE else flag.name.lower()
    assert f"50 {name}" in hint.evidence


@pytest.mark.parametrize("kind", WRONG, ids=[kind.value for kind in WRONG])
def test_a_flag_that_names_a_fault_is_told_as_such(kind):
    flag = Quality.STUCK if kind is HintKind.STUCK else Quality.UNIT
    (hint,) = judged(WRONG[kind], flagged(flag))
    assert hint.kind is kind
    assert "came flagged as" in hint.evidence
    assert hint.figures["steps"] == 50
    assert (hint.start, hint.end) == (TIMES[PART.start], TIMES[PART.stop])


@pytest.mark.parametrize("flag", [Quality.LATE, Quality.MANUAL, Quality.CLOCK])
def test_flags_that_leave_the_value_good_are_only_named(flag):
    (hint,) = judged(WRONG[HintKind.STUCK], flagged(flag))
    assert hint.kind is HintKind.STUCK
    assert "Flags in its 50 steps: 50 " in hint.evidence


def test_a_stated_gap_is_told_apart_from_silence():
    value = habit()
    value[PART] = np.nan
    (stated,) = judged(value, np.zeros(COUNT, np.int64))
    assert "50 told to be missing" in stated.evidence
    silent = np.flatnonzero(~INSIDE)
    sifted = sift({"p": (TIMES[silent], value[silent])})
    assert not sifted.flags["p"].any()


def test_a_point_that_tells_estimates_alone_is_judged_by_them():
    """Registers read by rounding are all estimates; a stuck one may be one of these."""
    value = habit()
    value[PART] = 0.0
    hints = judged(value, np.full(COUNT, int(Quality.ESTIMATED)))
    assert [hint.kind for hint in hints] == [HintKind.OUTAGE]
    assert "50 estimated" in hints[0].evidence
    still = judged(WRONG[HintKind.STUCK], np.full(COUNT, int(Quality.ESTIMATED)))
    assert still == []


def test_nothing_flagged_changes_nothing():
    value = habit()
    value[::7] = np.nan
    simulated = sift({"p": (TIMES, value)}, {"p": np.full(COUNT, int(Quality.SIMULATED))})
    plain = sift({"p": (TIMES, value)})
    np.testing.assert_array_equal(simulated.measured["p"][1], value)
    np.testing.assert_array_equal(simulated.flags["p"], plain.flags["p"])


def test_flags_must_be_as_many_as_values():
    with pytest.raises(TableError, match="1440 values and 3 flags"):
        sift({"p": (TIMES, habit())}, {"p": np.zeros(3, np.int64)})
