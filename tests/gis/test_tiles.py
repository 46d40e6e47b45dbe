"""Prove that tiles hold every footprint once, in windows of bounded size."""

import numpy as np
import pytest
import shapely

from gis.errors import GeometryError
from gis.tiles import TILE, footprint_tiles


def test_every_footprint_is_in_one_tile_and_within_its_bounds():
    x, y = np.random.default_rng(8).uniform(-3000, 4000, (2, 500))
    shapes = shapely.box(x, y, x + 30.0, y + 50.0)
    seen = []
    for rows, (west, south, east, north) in footprint_tiles(shapes):
        box = shapely.bounds(shapes[rows])
        assert (west, south) == tuple(box[:, :2].min(axis=0))
        assert (east, north) == tuple(box[:, 2:].max(axis=0))
        assert max(east - west, north - south) <= TILE + 50.0
        seen += rows.tolist()
    assert sorted(seen) == list(range(500))


def test_a_giant_does_not_widen_the_window_of_its_neighbours():
    giant = shapely.box(0, 0, 9000, 7000)
    houses = shapely.box([4400, 4500], [3500, 3550], [4410, 4510], [3520, 3570])
    tiles = {
        tuple(rows): bounds for rows, bounds in footprint_tiles(np.array([giant, *houses]))
    }
    assert tiles == {(0,): (0, 0, 9000, 7000), (1, 2): (4400, 3500, 4510, 3570)}


def test_nothing_has_no_tiles():
    assert list(footprint_tiles(np.empty(0, dtype=object))) == []


@pytest.mark.parametrize(
    "shape", [shapely.Polygon(), shapely.Point(np.inf, 3.0)], ids=["empty", "infinite"]
)
def test_what_lies_nowhere_is_refused(shape):
    with pytest.raises(GeometryError, match="1 are empty or infinite"):
        list(footprint_tiles(np.array([shapely.box(0, 0, 1, 1), shape])))
