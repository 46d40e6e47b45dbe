"""Lay a terrain through the ground points of a cloud."""

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy.interpolate import LinearNDInterpolator
from scipy.ndimage import binary_dilation

from gis.errors import TerrainError
from gis.faults import count_things
from gis.sources.geotiff import Bounds
from gis.sources.pointcloud import GROUND, Points
from gis.terrain import Grid, Terrain, fill_nearest

MOST_CELLS = 16_000_000
"""Cells of a terrain, 4 km x 4 km at 1 m."""

FloatArray = npt.NDArray[np.float64]


def terrain_from_points(
    pieces: Iterable[Points], bounds: Bounds, *, cell: float = 1.0
) -> tuple[Terrain, tuple[str, ...]]:
    """Average the ground points (class 2) in cells, and span the gaps.

    Parameters
    ----------
    pieces : iterable of Points
        Such as `gis.sources.pointcloud.read_pieces` gives; only sums are kept.
    bounds : (west, south, east, north)
        Extent of the terrain, EPSG:3008 [m]; widened to whole cells.
    cell : float
        Side of a cell [m].

    Returns
    -------
    terrain : Terrain
        Gaps, such as below buildings, are spanned by triangles between the cells on their
        rim; beyond the outermost points by the nearest cell.
    notes : tuple of str
        How much is spanned.

    Raises
    ------
    TerrainError
        If no ground point lies within the bounds, or the grid would be too large.
    """
    west, north = math.floor(bounds[0] / cell) * cell, math.ceil(bounds[3] / cell) * cell
    columns = max(math.ceil((bounds[2] - west) / cell), 1)
    rows = max(math.ceil((north - bounds[1]) / cell), 1)
    if rows * columns > MOST_CELLS:
        message = (
            f"a terrain from points must have at most {MOST_CELLS:,} cells, got "
            f"{rows:,} x {columns:,}; take coarser cells or parts of the area"
        )
        raise TerrainError(message)
    grid = Grid(west, north, cell, rows, columns)
    total, number = np.zeros(rows * columns), np.zeros(rows * columns, dtype=np.int64)
    for piece in pieces:
        x, y, z = piece.xyz[piece.kind == GROUND].T
        column = np.floor((x - west) / cell).astype(np.int64)
        row = np.floor((north - y) / cell).astype(np.int64)
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        place = row[inside] * columns + column[inside]
        np.add.at(total, place, z[inside])
        np.add.at(number, place, 1)
    if not number.any():
        message = (
            "a terrain needs ground points (class 2), the cloud has none within "
            f"E {west:.0f}..{grid.bounds[2]:.0f}, N {grid.bounds[1]:.0f}..{north:.0f}; "
            "give an elevation raster instead"
        )
        raise TerrainError(message)
    z = np.where(number > 0, total / np.maximum(number, 1), np.nan).reshape(rows, columns)
    gaps = int(np.isnan(z).sum())
    notes: tuple[str, ...] = ()
    if gaps:
        notes = (
            f"{gaps:,} of {count_things(z.size, 'terrain cell')} without ground points, "
            "spanned between their neighbours",
        )
    return Terrain(grid, _span(z), "ground points of the cloud"), notes


def _span(z: FloatArray) -> FloatArray:
    """Fill gaps by triangles between the cells on their rim, then by the nearest cell."""
    gaps = np.isnan(z)
    rim = binary_dilation(gaps, np.ones((3, 3), dtype=np.bool_)) & ~gaps
    row, column = np.nonzero(rim)
    if not gaps.any() or len(row) < 3 or np.ptp(row) == 0 or np.ptp(column) == 0:
        return fill_nearest(z)
    if np.linalg.matrix_rank(np.column_stack([row - row[0], column - column[0]])) < 2:
        return fill_nearest(z)
    spanned = z.copy()
    spanned[gaps] = LinearNDInterpolator(np.column_stack([row, column]), z[rim])(
        np.column_stack(np.nonzero(gaps))
    )
    return fill_nearest(spanned)
