"""A register is the integral of what passes, as far as its digits go."""

import numpy as np
import pytest

from gis.errors import TableError
from twin.simulation.counters import Counter, worn_offset


@pytest.mark.parametrize("resolution", [0.1, 1.0, 0.01])
def test_differences_are_the_integral(resolution):
    flow = 7 * np.random.default_rng(4).random(2000)
    told = Counter(123.0, resolution).read(flow, 0.25)
    exact = 123.0 + 0.25 * np.r_[0.0, np.cumsum(flow)[:-1]]
    assert (np.diff(told) >= 0).all()
    assert (told <= exact + 1e-5).all(), "digits are cut off, not rounded"
    assert (exact - told < resolution + 1e-5).all(), "the error does not grow"


def test_it_starts_again_behind_its_largest_number():
    flow = np.full(100, 3.0)
    told = Counter(950.0, 1.0, largest=1000.0).read(flow, 1.0)
    np.testing.assert_allclose(told, (950 + 3 * np.arange(100)) % 1000)
    assert (np.diff(told) < 0).sum() == 1


def test_tenths_do_not_get_lost():
    told = Counter(0.0, 0.1).read(np.full(11, 0.1), 1.0)
    np.testing.assert_allclose(told, 0.1 * np.arange(11), atol=1e-9)


@pytest.mark.parametrize(
    ("offset", "resolution", "largest"), [(-1.0, 1.0, 10.0), (10.0, 1.0, 10.0), (0, 0, 10)]
)
def test_registers_that_show_nothing_are_refused(offset, resolution, largest):
    with pytest.raises(TableError, match="last digit below its largest"):
        Counter(offset, resolution, largest)


def test_meters_have_run_for_years():
    flow = np.full(10, 2.0)
    assert worn_offset(flow, 0.0, 1.0) == 2 * 8760
    assert worn_offset(flow, 1.0, 1.0) == 9 * 2 * 8760
