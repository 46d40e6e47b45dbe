"""Prove which cells lie in polygons by asking for each centre."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.cells_inside import cells_inside
from gis.terrain import Grid

GRID = Grid(west=1000.3, north=2000.9, cell=0.7, rows=30, columns=41)


def one_by_one(polygons, grid):
    x, y = np.meshgrid(grid.x, grid.y)
    found = []
    for owner, polygon in enumerate(polygons):
        row, column = np.nonzero(shapely.contains_xy(polygon, x, y))
        found.append(np.stack([np.full(len(row), owner), row, column]))
    return np.concatenate(found, axis=1)


corner = st.tuples(st.floats(-9.0, 38.0), st.floats(-31.0, 12.0))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(corner, min_size=3, max_size=9), min_size=1, max_size=4))
def test_they_are_those_whose_centres_the_polygon_contains(rings):
    shapes = [
        shapely.make_valid(shapely.Polygon(np.add(ring, [1000.3, 2000.9])))
        for ring in rings
    ]
    polygons = np.array([s.buffer(0) for s in shapes if s.buffer(0).area > 1e-3])
    if not len(polygons):
        return
    x, y = np.meshgrid(GRID.x, GRID.y)
    edges = shapely.union_all(shapely.boundary(polygons))
    # Whose a centre on a wall is has a rule of its own.
    if shapely.distance(edges, shapely.points(x, y)).min() < 1e-9:
        return
    assert np.array_equal(cells_inside(polygons, GRID), one_by_one(polygons, GRID))


def test_courtyards_and_islands_are_left_out():
    outer = shapely.box(1003, 1985, 1020, 1998)
    yard = outer - shapely.box(1007, 1989, 1015, 1994)
    both = shapely.union_all([yard, shapely.box(1009, 1990.5, 1012, 1992.5)])
    assert both.geom_type == "MultiPolygon"
    found = cells_inside(np.array([yard, both]), GRID)
    assert np.array_equal(found, one_by_one([yard, both], GRID))


def test_every_centre_on_a_shared_wall_belongs_to_one():
    grid = Grid(west=0.0, north=20.0, cell=1.0, rows=20, columns=30)
    # All corners on centres of cells: walls run through many of them.
    places = np.random.default_rng(4).integers([2, 2], [28, 18], (60, 2)) + 0.5
    triangles = shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(places)))
    turned = np.array([t if i % 2 else t.reverse() for i, t in enumerate(triangles)])
    owner, row, column = cells_inside(turned, grid)
    cells, times = np.unique(row * 30 + column, return_counts=True)
    assert times.max() == 1
    hull = shapely.union_all(triangles)
    x, y = np.meshgrid(grid.x, grid.y)
    within = np.flatnonzero(shapely.contains_xy(hull, x, y))
    assert np.isin(within, cells).all()
    assert len(np.unique(owner)) > 20


def test_their_number_is_the_area():
    square = shapely.box(1000.3, 2000.9 - 21.0, 1000.3 + 28.7, 2000.9)
    turned = shapely.affinity.rotate(square, 33.0)
    fine = Grid(west=980.0, north=2020.0, cell=0.02, rows=3000, columns=3000)
    share = len(cells_inside(np.array([turned]), fine)[0]) * 0.02**2 / square.area
    # Only cells on the rim can be wrong, and they are so at random.
    assert share == pytest.approx(1.0, abs=1e-4)


def test_absurd_coordinates_take_no_memory():
    huge = shapely.box(-1e300, -1e300, 1e300, 1e300)
    away = shapely.box(5e9, 5e9, 6e9, 6e9)
    owner, row, column = cells_inside(np.array([away, huge]), GRID)
    assert set(owner.tolist()) == {1}
    assert len(row) == GRID.rows * GRID.columns == len(np.unique(row * 41 + column))
