"""Prove comparisons of neighbouring cells against plain images and planes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from gis.roof_cells import lay_cells, open_roofs, quantiles, roof_slopes, tops_of_cells

RNG = np.random.default_rng(5)


def spread(image, owner=0):
    """Sample every cell of an image."""
    row, column = np.indices(image.shape).reshape(2, -1)
    return np.full(row.size, owner), row, column, image.ravel()


@pytest.mark.parametrize("rim", [1, 2, 3])
def test_the_opening_of_a_whole_rectangle_is_that_of_an_image(rim):
    image = RNG.normal(20, 5, (17, 23))
    owner, row, column, z = spread(image)
    found = open_roofs(lay_cells(owner, row, column, rim=rim), z).reshape(image.shape)
    eroded = ndimage.minimum_filter(image, 2 * rim + 1, mode="constant", cval=np.inf)
    wanted = ndimage.maximum_filter(eroded, 2 * rim + 1, mode="constant", cval=-np.inf)
    assert np.array_equal(found, wanted)


def test_footprints_do_not_see_each_other_however_close():
    tower, hall = RNG.normal(60, 3, (2, 30)), RNG.normal(6, 1, (9, 30))
    apart = [
        open_roofs(lay_cells(*spread(image)[:3], rim=2), image.ravel())
        for image in (tower, hall)
    ]
    a, b = spread(tower, 0), spread(hall, 1)
    owner, row, column, z = (np.concatenate(pair) for pair in zip(a, b, strict=True))
    row[owner == 1] += len(tower)
    together = open_roofs(lay_cells(owner, row, column, rim=2), z)
    assert np.array_equal(together, np.concatenate(apart))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_an_opening_is_never_above_the_roof_and_opening_twice_changes_nothing(seed, rim):
    rng = np.random.default_rng(seed)
    cells = rng.choice(20 * 15, rng.integers(1, 150), replace=False)
    row, column = np.divmod(cells, 15)
    z = rng.uniform(0, 50, len(cells))
    owner = np.zeros(len(cells), dtype=np.int64)
    grid = lay_cells(owner, row, column, rim=rim)
    once = open_roofs(grid, z)
    assert (once <= z).all()
    assert np.array_equal(open_roofs(grid, once), once)


def test_a_cell_has_the_height_of_its_highest_sample():
    owner, row, column = np.zeros(3, int), np.array([4, 4, 5]), np.array([7, 7, 7])
    grid = lay_cells(owner, row, column, rim=0)
    assert tops_of_cells(grid, np.array([3.0, 9.0, 4.0])).tolist() == [9.0, 9.0, 4.0]


@pytest.mark.parametrize("cell", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("east", "south"), [(0.3, -0.4), (0.0, 0.7), (-1.1, 0.0)])
def test_the_slope_of_a_plane_is_exact(east, south, cell):
    row, column = np.indices((8, 11)).reshape(2, -1)
    z = 12.0 + cell * (east * column + south * row)
    grid = lay_cells(np.zeros(88, int), row, column, rim=1)
    found = roof_slopes(grid, z, 1, cell=cell, fewest=4)
    assert found == pytest.approx([np.hypot(east, south)])


def test_a_slope_needs_cells_with_all_neighbours():
    grid = lay_cells(np.zeros(5, int), np.arange(5), np.zeros(5, int), rim=1)
    assert np.isnan(roof_slopes(grid, np.arange(5.0), 1, cell=1.0, fewest=1)).all()


def test_quantiles_of_groups_equal_those_of_numpy():
    owner = np.sort(RNG.integers(0, 9, 200))
    owner = owner[owner != 4]
    value = RNG.normal(size=len(owner))
    order = np.lexsort((value, owner))
    shares = (0.0, 0.05, 0.5, 0.7, 1.0)
    found = quantiles(value[order], owner[order], 10, shares)
    for group in range(10):
        mine = value[owner == group]
        for share, result in zip(shares, found, strict=True):
            wanted = np.quantile(mine, share) if len(mine) else np.nan
            assert result[group] == pytest.approx(wanted, nan_ok=True)


def test_nothing_gives_nothing():
    none = np.empty(0, dtype=np.int64)
    grid = lay_cells(none, none, none, rim=2)
    assert grid.size == 0
    assert np.isnan(quantiles(np.empty(0), none, 2, (0.5,))[0]).all()
