"""Hold slope and aspect against surfaces whose derivatives are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import TerrainError
from gis.slope import slope_and_aspect
from gis.terrain import Grid, Terrain

WEST, NORTH = 99_700.0, 6_213_800.0

ROUNDING = 1e-6
"""Of coordinates of 6e6 m and elevations of 10 m over cells of metres [degrees]."""


def terrain_of(function, *, cell=2.5, rows=9, columns=14):
    """Elevations of a function of the metres east and north of the grid's corner."""
    grid = Grid(WEST, NORTH, cell, rows, columns)
    x, y = np.meshgrid(grid.x - WEST, grid.y - NORTH)
    return Terrain(grid, function(x, y), "made")


def difference(a, b):
    """Smallest turn between two directions [degrees]."""
    return np.abs((np.asarray(a) - b + 180.0) % 360.0 - 180.0)


@settings(deadline=None)
@given(azimuth=st.floats(0.0, 359.9), gradient=st.floats(1e-3, 5.0))
def test_a_plane_falls_where_it_falls(azimuth, gradient):
    east, north = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
    terrain = terrain_of(lambda x, y: 50.0 - gradient * (east * x + north * y))
    slope, aspect = slope_and_aspect(terrain)
    assert slope == pytest.approx(np.full_like(slope, np.degrees(np.arctan(gradient))))
    assert difference(aspect, azimuth).max() < 1e-6 / gradient
    assert (aspect < 360.0).all()


def test_a_paraboloid_is_exact_up_to_the_border():
    terrain = terrain_of(lambda x, y: 0.02 * x**2 + 0.05 * y**2 - 0.01 * x * y)
    x, y = np.meshgrid(terrain.grid.x - WEST, terrain.grid.y - NORTH)
    east, north = 0.04 * x - 0.01 * y, 0.1 * y - 0.01 * x
    slope, aspect = slope_and_aspect(terrain)
    assert slope == pytest.approx(
        np.degrees(np.arctan(np.hypot(east, north))), abs=ROUNDING
    )
    assert difference(aspect, np.degrees(np.arctan2(-east, -north))).max() < 1e-4


def test_a_cone_converges_with_the_square_of_the_cell():
    errors = []
    for cell in (4.0, 2.0, 1.0, 0.5):
        count = int(80 / cell)
        terrain = terrain_of(
            lambda x, y: 40.0 - 0.3 * np.hypot(x - 10.0, y + 20.0),
            cell=cell,
            rows=count,
            columns=count,
        )
        x, y = np.meshgrid(terrain.grid.x - WEST - 10.0, terrain.grid.y - NORTH + 20.0)
        slope, aspect = slope_and_aspect(terrain)
        far = np.hypot(x, y) > 16.0
        assert difference(aspect, np.degrees(np.arctan2(x, y)))[far].max() < cell**2
        errors.append(np.abs(slope - np.degrees(np.arctan(0.3)))[far].max())
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    assert (ratios > 3.0).all()


def test_level_ground_has_no_direction():
    slope, aspect = slope_and_aspect(terrain_of(lambda x, _y: np.full_like(x, 12.3)))
    assert (slope == 0.0).all()
    assert np.isnan(aspect).all()


def test_two_cells_are_enough_for_a_plane_and_one_is_not():
    terrain = terrain_of(lambda x, y: 3.0 + 0.1 * x - 0.2 * y, rows=2, columns=2)
    slope, _ = slope_and_aspect(terrain)
    assert slope == pytest.approx(
        np.full((2, 2), np.degrees(np.arctan(np.hypot(0.1, 0.2))))
    )
    with pytest.raises(TerrainError, match="1 rows and 5 columns"):
        slope_and_aspect(terrain_of(lambda x, _y: x, rows=1, columns=5))
