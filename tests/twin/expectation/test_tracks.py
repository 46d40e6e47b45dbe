"""Records are cut where it costs least, runs and days are counted right."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from twin.expectation.tracks import DAY, HOUR, Nature, Track, coarser, runs, segments


@pytest.mark.parametrize("seed", range(5))
def test_no_other_cut_costs_less(seed):
    """Against every way to cut nine values."""
    rng = np.random.default_rng(seed)
    values = np.repeat(rng.normal(size=3), 3) + 0.3 * rng.normal(size=9)

    def piece(first, last):
        return float(((values[first:last] - values[first:last].mean()) ** 2).sum())

    penalty = 0.4
    found = segments(
        9, lambda end: np.array([piece(first, end) for first in range(end)]), penalty
    )

    def price(cuts):
        edges = [0, *cuts, 9]
        pieces = list(pairwise(edges))
        return sum(piece(*p) for p in pieces) + penalty * (len(pieces) - 1)

    best = min(
        price(cuts) for count in range(9) for cuts in combinations(range(1, 9), count)
    )
    assert price([first for first, _ in found[1:]]) == pytest.approx(best)
    assert found[0][0] == 0
    assert found[-1][1] == 9


def test_one_piece_where_nothing_changes():
    assert segments(6, lambda end: np.zeros(end), 1.0) == [(0, 6)]


@pytest.mark.parametrize("mask", [[], [0], [1], [1, 1, 0, 1], [0, 1, 1]])
def test_runs_cover_the_mask(mask):
    mask = np.array(mask, bool)
    again = np.zeros(len(mask), bool)
    for first, last in runs(mask):
        assert not again[first:last].any()
        again[first:last] = True
    np.testing.assert_array_equal(again, mask)


def test_days_are_those_of_utc():
    track = Track(
        "p",
        Nature.SOLAR,
        5 * DAY + 22 * HOUR,
        HOUR,
        np.ones(5),
        np.ones(5),
        np.ones(5),
        1.0,
    )
    np.testing.assert_array_equal(track.day, [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(track.by_day(track.value, track.both), [2, 3])
    assert track.day_start(1) == 6 * DAY
    assert track.time(2) == 6 * DAY


@pytest.mark.parametrize("late", [0, 1, 3])
def test_longer_steps_are_means_of_what_is_known(late):
    """Against a plain loop, from a start within an hour on."""
    quarter = HOUR // 4
    start = 20_000 * DAY + 5 * HOUR + late * quarter
    value = np.arange(30.0) ** 2
    value[[2, 3, 4, 12, 13, 14, 15]] = np.nan
    track = Track("p", Nature.DEMAND, start, quarter, value, value, value, 1.0)
    hours = coarser(track, HOUR)
    assert hours.start == 20_000 * DAY + 5 * HOUR
    for k in range(len(hours)):
        inside = (start + np.arange(30) * quarter) // HOUR == hours.time(k) // HOUR
        known = value[inside][np.isfinite(value[inside])]
        if len(known) >= 2:
            assert hours.value[k] == pytest.approx(known.mean())
        else:
            assert np.isnan(hours.value[k])
