"""Level the slopes at the water's edge to the quay behind them."""

import numpy as np
import shapely

from gis.cells_inside import cells_inside
from gis.district import District
from gis.terrain import Grid, Terrain
from gis.voids import fill_nearest

BANK = 0.6
"""Ground this close to the shore, in cells, is the slope into the water, not the quay."""

MOST_CELLS = 4_000_000
"""Terrain cells that are looked at; square groups of finer ones are averaged."""


def quay_terrain(district: District) -> tuple[Terrain, shapely.MultiPolygon]:
    """Draw quays up to the shore.

    Parameters
    ----------
    district : District
        Its terrain and water.

    Returns
    -------
    terrain : Terrain
        Of at most `MOST_CELLS` cells. Those on water or on a `BANK` beside it have the
        level of the nearest that is neither, if there is one.
    water : MultiPolygon
        Open water within the centres of the outermost cells; may be empty.
    """
    terrain = _averaged(district.terrain)
    grid = terrain.grid
    rim = shapely.box(grid.x[0], grid.y[-1], grid.x[-1], grid.y[0])
    parts = shapely.get_parts(shapely.intersection(district.water, rim))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    water = shapely.MultiPolygon(shapely.orient_polygons(parts).tolist())
    if not len(parts):
        return terrain, water
    bank = shapely.buffer(water, BANK * grid.cell)
    wet = np.zeros((grid.rows, grid.columns), np.bool_)
    _, row, column = cells_inside(np.array([bank], object), grid)
    wet[row, column] = True
    if wet.all():
        return terrain, water
    filled = fill_nearest(np.where(wet, np.nan, terrain.z))
    return Terrain(grid, filled, terrain.source), water


def _averaged(terrain: Terrain) -> Terrain:
    """Average square groups of cells where there are too many."""
    grid = terrain.grid
    step = int(np.ceil(np.sqrt(grid.rows * grid.columns / MOST_CELLS)))
    rows, columns = grid.rows // step, grid.columns // step
    if step == 1 or not (rows and columns):
        return terrain
    z = terrain.z[: rows * step, : columns * step]
    means = z.reshape(rows, step, columns, step).mean(axis=(1, 3))
    coarse = Grid(grid.west, grid.north, grid.cell * step, rows, columns)
    return Terrain(coarse, means, terrain.source)
