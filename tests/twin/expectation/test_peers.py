"""What the weather does to all plants is taken off, what one has alone stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.expectation.hint import HintKind
from twin.expectation.hints import find_hints, hints_of
from twin.expectation.peers import FEWEST, median_of_others, with_peers
from twin.expectation.soiling import find_soiling
from twin.expectation.tracks import DAY, HOUR, Nature, Track

START = 20_600 * DAY
DAYS = 90


def clear(days=DAYS) -> np.ndarray:
    hour = np.arange(24 * days) % 24 + 0.5
    return np.maximum(0.0, np.sin((hour - 5) / 14 * np.pi)) * ((hour > 5) & (hour < 19))


def fleet(
    count: int, weather: np.ndarray, *, noise=0.01, loss=None, days=DAYS
) -> list[Track]:
    """Return plants whose expectation knows no weather; the first has a loss."""
    tracks = []
    for k in range(count):
        rng = np.random.default_rng(k)
        size = 10.0 * (k + 1)
        expected = size * clear(days)
        value = (
            expected * weather * (0.9 + 0.02 * k) * (1 + noise * rng.normal(size=24 * days))
        )
        if loss is not None and k == 0:
            value = value * (1 - np.repeat(loss, 24))
        tracks.append(
            Track(
                f"p{k}", Nature.SOLAR, START, HOUR, value, expected, 0.06 * expected, size
            )
        )
    return tracks


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(0, 10_000))
def test_the_median_of_others_is_that_of_a_plain_loop(rows, seed):
    rng = np.random.default_rng(seed)
    table = np.round(rng.normal(size=(rows, 12)), 1)
    table[rng.random(table.shape) < 0.3] = np.nan
    median, count = median_of_others(table)
    for i in range(rows):
        for t in range(12):
            others = np.delete(table[:, t], i)
            others = others[np.isfinite(others)]
            assert count[i, t] == len(others)
            if len(others):
                assert median[i, t] == pytest.approx(np.median(others), abs=1e-12)
            else:
                assert np.isnan(median[i, t])


def test_weather_that_is_alike_for_all_is_taken_off():
    """Whatever the district's light was: ratios to the corrected expectation are level."""
    rng = np.random.default_rng(5)
    weather = np.repeat(rng.uniform(0.5, 1.3, DAYS), 24)
    for track in with_peers(fleet(6, weather)):
        lit = track.expected > 0.1 * track.size
        ratio = track.value[lit] / track.expected[lit]
        assert np.std(ratio) / np.mean(ratio) < 0.015
        assert track.peers == 5


def test_too_few_plants_stay_as_they_are():
    weather = np.ones(24 * DAYS)
    tracks = fleet(FEWEST, weather)
    assert with_peers(tracks) == tracks


def test_a_plant_does_not_correct_itself():
    """A loss of one plant leaves its own expectation, and hardly moves the others'."""
    weather = np.ones(24 * DAYS)
    before = with_peers(fleet(5, weather))
    after = with_peers(fleet(5, weather, loss=np.full(DAYS, 0.3)))
    lit = before[0].expected > 0
    np.testing.assert_allclose(after[0].expected[lit], before[0].expected[lit], rtol=1e-9)
    for a, b in zip(after[1:], before[1:], strict=True):
        np.testing.assert_allclose(a.expected[lit], b.expected[lit], rtol=0.05)


def saw(begin: int, end: int, lost: float) -> np.ndarray:
    tooth = np.zeros(DAYS)
    tooth[begin:end] = lost * np.arange(end - begin) / (end - begin)
    return tooth


@pytest.mark.parametrize("lost", [0.06, 0.1, 0.2])
@pytest.mark.parametrize("length", [20, 35, 55])
def test_dirt_is_told_by_its_size_and_end(lost, length):
    """Drawn saw teeth under weather that is off by a fifth: among others only."""
    rng = np.random.default_rng(2)
    weather = np.repeat(rng.uniform(0.8, 1.2, DAYS), 24)
    tracks = fleet(6, weather, loss=saw(70 - length, 70, lost))
    hints = [hint for hint in find_hints(tracks) if hint.kind is HintKind.SOILING]
    assert [hint.point for hint in hints] == ["p0"]
    (hint,) = hints
    assert hint.figures["lost_share"] == pytest.approx(
        lost, abs=0.02 + 3 * hint.figures["doubt_share"]
    )
    assert abs(hint.end - START - 70 * DAY) <= 2 * DAY
    assert "5 other plants" in hint.evidence
    assert not [hint for hint in hints_of(tracks[0]) if hint.kind is HintKind.SOILING]


@pytest.mark.parametrize(
    "course",
    [
        np.zeros(DAYS),
        np.linspace(0, 0.1, DAYS),
        0.08 * np.sin(np.arange(DAYS) / DAYS * np.pi),
        np.where((np.arange(DAYS) >= 30) & (np.arange(DAYS) < 60), 0.08, 0.0),
        0.1 * np.maximum(0.0, 1 - np.abs(np.arange(DAYS) - 45) / 25),
    ],
    ids=["nothing", "ageing", "season", "a step down and up", "there and back slowly"],
)
def test_what_never_rises_at_once_is_no_dirt(course):
    (track, *_) = fleet(1, np.ones(24 * DAYS), loss=course)
    assert find_soiling(track) == []


def test_dirt_of_all_plants_is_seen_against_the_weather():
    """Dust of a desert settles everywhere: others tell nothing then."""
    tooth = np.repeat(1 - saw(20, 60, 0.15), 24)
    hints = [h for h in find_hints(fleet(6, tooth)) if h.kind is HintKind.SOILING]
    assert {hint.point for hint in hints} == {f"p{k}" for k in range(6)}
    assert all("against the weather" in hint.evidence for hint in hints)


def test_gaps_and_a_later_start_of_a_plant_break_nothing():
    tracks = fleet(5, np.ones(24 * DAYS))
    late = tracks[2]
    cut = 24 * 11
    tracks[2] = Track(
        late.point,
        late.nature,
        late.start + cut * HOUR,
        HOUR,
        late.value[cut:],
        late.expected[cut:],
        late.doubt[cut:],
        late.size,
    )
    found = with_peers(tracks)
    assert [len(track) for track in found] == [len(track) for track in tracks]
    empty = Track("e", Nature.SOLAR, START, HOUR, *(np.full(24, np.nan),) * 3, 1.0)
    assert with_peers([empty, *tracks])[0] is empty
