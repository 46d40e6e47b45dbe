"""Lines of least absolute misfit are those that trying all pairs of points finds."""

from itertools import combinations

import numpy as np
import pytest

from twin.expectation.typical import least_absolute_lines


def misfit(level, slope, x, y) -> float:
    return float(np.abs(level + slope * x - y).sum())


@pytest.mark.parametrize("seed", range(6))
def test_no_line_through_two_points_is_better(seed):
    """A least absolute line passes through two of the points: try them all."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, 40)
    x = rng.uniform(0, 20, 40)
    y = 3.0 + (1 + group) * x + rng.normal(size=40)
    y[:4] += 100.0
    level, slope = least_absolute_lines(x, y, group, count=3)
    for k in range(3):
        own = np.flatnonzero(group == k)
        best = np.inf
        for a, b in combinations(own, 2):
            steep = (y[b] - y[a]) / (x[b] - x[a])
            best = min(best, misfit(y[a] - steep * x[a], steep, x[own], y[own]))
        assert misfit(level[k], slope[k], x[own], y[own]) <= 1.02 * best


def test_outliers_do_not_bend_a_line():
    x = np.arange(30.0)
    y = 2.0 + 0.5 * x
    y[[3, 7, 12, 16, 21, 26]] = 500.0
    level, slope = least_absolute_lines(x, y, np.zeros(30, np.int64), count=1)
    assert level[0] == pytest.approx(2.0, abs=0.1)
    assert slope[0] == pytest.approx(0.5, abs=0.01)


def test_a_single_x_has_no_slope_and_an_empty_group_nothing():
    y = np.array([1.0, 2.0, 9.0])
    level, slope = least_absolute_lines(np.full(3, 4.0), y, np.zeros(3, np.int64), count=2)
    assert slope.tolist() == [0.0, 0.0]
    assert level[0] == pytest.approx(2.0, abs=0.05)
    assert level[1] == 0.0
