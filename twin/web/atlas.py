"""Pack the sensors' values of all facets into one picture for the graphics card."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray

Values = NDArray[np.float32] | NDArray[np.float64]

MOST_TEXELS = 4_000_000
"""Largest atlas; above it neighbouring sensors are averaged. A report stays below 15 MB."""

WIDEST = 4096
"""Largest width and height of a texture that every WebGL 2 device of today takes."""

EDGE = 1
"""Frame of repeated values around each facet, so that smoothing never mixes two facets."""


@dataclass(frozen=True)
class Atlas:
    """All facets' values side by side in one picture.

    Attributes
    ----------
    texels : (height, width) uint8
        0 unknown, 1 to 255 for 0 to ``top``.
    place : (f, 2) int
        Column and row of each facet's first value.
    block : int
        Sensors along each side that share one value.
    """

    texels: NDArray[np.uint8]
    place: IntArray
    block: int

    def locate(self, facets: Facets, points: FloatArray, facet: IntArray) -> FloatArray:
        """Return where points on facets lie in the picture, (n, 2) float [texels].

        Parameters
        ----------
        facets : Facets
            The facets that were packed.
        points : (n, 3) float
            Points on them [m], relative to the local origin.
        facet : (n,) int
            Facet of each point.
        """
        offset = points - facets.corner[facet]
        u = np.einsum("nx,nx->n", offset, facets.e1[facet]) / facets.step[facet, 0]
        v = np.einsum("nx,nx->n", offset, facets.e2[facet]) / facets.step[facet, 1]
        cells = np.clip(np.c_[u, v], 0.0, facets.shape[facet])
        placed: FloatArray = self.place[facet] + cells / self.block
        return placed


def pack_atlas(
    facets: Facets, sensor_values: Values, *, top: float, most_texels: int = MOST_TEXELS
) -> Atlas:
    """Lay the facets' sensor grids side by side.

    Parameters
    ----------
    facets : Facets
        The facets.
    sensor_values : (n,) float
        Value of each sensor.
    top : float
        Value that gets the largest number; more gets the same.
    most_texels : int
        Size from which on values are averaged over square blocks of sensors.

    Returns
    -------
    Atlas
        Cells without a sensor carry the value of the nearest one of their facet.
    """
    block = _block(facets.shape, most_texels)
    shape = -(-facets.shape // block) + 2 * EDGE
    place, width, height = _shelves(shape)
    values = np.zeros((height, width), np.uint8)
    stored = 1.0 + 254.0 * np.clip(sensor_values / top, 0.0, 1.0)
    for k in range(len(facets)):
        first, last = facets.sensor_start[k], facets.sensor_start[k + 1]
        columns, rows = facets.shape[k]
        cells = np.full(rows * columns, np.nan)
        cells[facets.sensor_bit[first:last] - facets.bit_start[k]] = stored[first:last]
        grid = _fill(_average(cells.reshape(rows, columns), block))
        column, row = place[k]
        framed = np.pad(np.round(grid), EDGE, mode="edge").astype(np.uint8)
        values[row : row + shape[k, 1], column : column + shape[k, 0]] = framed
    return Atlas(values, place + EDGE, block)


def _block(shape: IntArray, most_texels: int) -> int:
    """Smallest block side with which everything fits."""
    block = 1
    while True:
        padded = -(-shape // block) + 2 * EDGE
        if padded.prod(axis=1).sum() <= most_texels and padded.max(initial=0) <= WIDEST:
            return block
        if block > shape.max(initial=1):
            return block
        block += 1


def _shelves(shape: IntArray) -> tuple[IntArray, int, int]:
    """Place rectangles on shelves, the tallest first; return corners, width, height."""
    total = int(shape.prod(axis=1).sum())
    width = max(
        int(np.ceil(np.sqrt(total * 1.05) / 64)) * 64, int(shape[:, 0].max(initial=64))
    )
    place = np.zeros_like(shape)
    column = row = shelf = 0
    for k in np.lexsort((-shape[:, 0], -shape[:, 1])):
        wide, high = shape[k]
        if column + wide > width:
            column, row, shelf = 0, row + shelf, 0
        place[k] = column, row
        column += int(wide)
        shelf = max(shelf, int(high))
    return place, width, max(row + shelf, 1)


def _average(grid: FloatArray, block: int) -> FloatArray:
    """Mean of the known values in each block; NaN where none is known."""
    if block == 1:
        return grid
    rows, columns = (-(-side // block) for side in grid.shape)
    padded = np.full((rows * block, columns * block), np.nan)
    padded[: grid.shape[0], : grid.shape[1]] = grid
    cells = padded.reshape(rows, block, columns, block)
    known = np.isfinite(cells)
    count = known.sum(axis=(1, 3))
    sums = np.where(known, cells, 0.0).sum(axis=(1, 3))
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)


def _fill(grid: FloatArray) -> FloatArray:
    """Give unknown cells the nearest known value, 0 if there is none at all."""
    unknown = np.isnan(grid)
    if not unknown.any():
        return grid
    if unknown.all():
        return np.zeros_like(grid)
    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    filled: FloatArray = grid[tuple(nearest)]
    return filled
