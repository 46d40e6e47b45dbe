"""Compare samples of roofs with their neighbours on small grids."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RoofCells:
    """Grids of many footprints side by side in one array.

    Attributes
    ----------
    slot : (n,) int
        Place of each sample in the array.
    cells : (m,) int
        Places that hold samples, each once, rising.
    width : (m,) int
        Places from a cell to its southern neighbour.
    owner : (m,) int
        Footprint of each cell.
    size : int
        Length of the array. Every grid has a rim of ``rim`` empty places on each side, so
        that neighbours can be looked up without asking whose they are.
    rim : int
        See ``size``.
    """

    slot: Positions
    cells: Positions
    width: Positions
    owner: Positions
    size: int
    rim: int


def lay_cells(
    owner: Positions, row: Positions, column: Positions, *, rim: int
) -> RoofCells:
    """Give every footprint a grid of its own.

    Parameters
    ----------
    owner : (n,) int
        Footprint of each sample, not falling.
    row, column : (n,) int
        Cell of each sample southwards and eastwards, from any origin.
    rim : int
        Empty cells around each grid.

    Returns
    -------
    RoofCells
        Memory grows with the bounding boxes of the footprints.
    """
    if not len(owner):
        nothing = np.empty(0, dtype=np.int64)
        return RoofCells(nothing, nothing, nothing, nothing, 0, rim)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    group = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(owner)))
    first_row = np.minimum.reduceat(row, starts)
    first_column = np.minimum.reduceat(column, starts)
    rows = np.maximum.reduceat(row, starts) - first_row + 1 + 2 * rim
    widths = np.maximum.reduceat(column, starts) - first_column + 1 + 2 * rim
    offsets = np.concatenate([[0], np.cumsum(rows * widths)])
    slot = (
        offsets[group]
        + (row - first_row[group] + rim) * widths[group]
        + (column - first_column[group] + rim)
    )
    size = int(offsets[-1])
    # Marking cells in the array is several times faster than sorting them.
    whose = np.full(size, -1, dtype=np.int64)
    whose[slot] = group
    cells = np.flatnonzero(whose >= 0)
    whose = whose[cells]
    return RoofCells(slot, cells, widths[whose], owner[starts[whose]], size, rim)


def open_roofs(grid: RoofCells, z: FloatArray) -> FloatArray:
    """Level of each roof without what is narrower than a window.

    Parameters
    ----------
    grid : RoofCells
        The window is a square of ``2 * rim + 1`` cells.
    z : (n,) float
        Height of each sample [m]; a cell has that of its highest.

    Returns
    -------
    (n,) float
        Grey-scale opening at each sample: over the windows that hold its cell, the
        highest of their lowest. Cells of other footprints and empty ones have no say, so
        that a roof narrower than the window keeps its level.

    Notes
    -----
    Serra, J. (1982), Image Analysis and Mathematical Morphology, ch. XII. Checked against
    scipy.ndimage in tests/gis/test_roof_cells.py.
    """
    highest = np.full(grid.size, -np.inf)
    np.maximum.at(highest, grid.slot, z)
    highest[np.isneginf(highest)] = np.inf
    steps = range(-grid.rim, grid.rim + 1)
    eroded = highest[grid.cells]
    for down in steps:
        for right in steps:
            place = grid.cells + down * grid.width + right
            np.minimum(eroded, highest[place], out=eroded)
    # An empty cell can be the middle of a window too, but only cells near samples count:
    # one that is left out makes the opening lower, never higher.
    spread = np.full(grid.size, -np.inf)
    spread[grid.cells] = eroded
    opened = eroded.copy()
    for down in steps:
        for right in steps:
            place = grid.cells + down * grid.width + right
            np.maximum(opened, spread[place], out=opened)
    level = np.empty(grid.size)
    level[grid.cells] = opened
    result: FloatArray = level[grid.slot]
    return result


def tops_of_cells(grid: RoofCells, z: FloatArray) -> FloatArray:
    """Height of the highest sample in the cell of each.

    Parameters
    ----------
    grid : RoofCells
        Where the samples lie.
    z : (n,) float
        Height of each sample [m].

    Returns
    -------
    (n,) float
        Not below ``z``.
    """
    highest = np.full(grid.size, -np.inf)
    np.maximum.at(highest, grid.slot, z)
    result: FloatArray = highest[grid.slot]
    return result


def roof_slopes(
    grid: RoofCells, z: FloatArray, count: int, *, cell: float, fewest: int
) -> FloatArray:
    """Slope that half of each roof exceeds.

    Parameters
    ----------
    grid : RoofCells
        With a rim of at least one cell.
    z : (n,) float
        Height of each sample [m]; a cell has their mean.
    count : int
        Footprints.
    cell : float
        Side of a cell [m].
    fewest : int
        Cells with all four neighbours that a slope needs.

    Returns
    -------
    (count,) float
        Rise by run, median over the cells of the length of the central differences; NaN
        where too few cells have neighbours. Exact for planes.
    """
    total = np.bincount(grid.slot, weights=z, minlength=grid.size)
    number = np.bincount(grid.slot, minlength=grid.size)
    with np.errstate(invalid="ignore"):
        mean = total / np.where(number > 0, number, np.nan)
    east, west = mean[grid.cells + 1], mean[grid.cells - 1]
    south, north = mean[grid.cells + grid.width], mean[grid.cells - grid.width]
    slope = np.hypot(east - west, north - south) / (2.0 * cell)
    known = ~np.isnan(slope)
    owner, slope = grid.owner[known], slope[known]
    order = order_within(owner, slope)
    found = quantiles(slope[order], owner[order], count, (0.5,))[0]
    enough = np.bincount(owner, minlength=count) >= fewest
    return np.where(enough, found, np.nan)


def order_within(owner: Positions, value: FloatArray) -> Positions:
    """Order values within groups, three times as fast as `numpy.lexsort`.

    Parameters
    ----------
    owner : (n,) int
        Group of each value, not negative.
    value : (n,) float
        NaN comes last in its group.

    Returns
    -------
    (n,) int
        Positions by group and then by value; equal values in any order.
    """
    order = np.argsort(value)
    group = owner[order]
    if len(owner) and owner.max() <= np.iinfo(np.uint16).max:
        # Numbers of two bytes are sorted by counting.
        group = group.astype(np.uint16)
    return order[np.argsort(group, kind="stable")]


def quantiles(
    value: FloatArray, owner: Positions, count: int, shares: tuple[float, ...]
) -> tuple[FloatArray, ...]:
    """Quantiles of groups.

    Parameters
    ----------
    value : (n,) float
        Rising within each group.
    owner : (n,) int
        Group of each value, not falling.
    count : int
        Groups.
    shares : tuple of float
        0..1.

    Returns
    -------
    tuple of (count,) float
        One array a share, NaN for groups without values; linear between order statistics
        (type 7 of Hyndman and Fan 1996, as numpy.quantile).
    """
    number = np.bincount(owner, minlength=count)
    start = np.concatenate([[0], np.cumsum(number)[:-1]])
    full = number > 0
    result = []
    for share in shares:
        place = share * (number[full] - 1)
        below = np.floor(place).astype(np.intp)
        above = np.minimum(below + 1, number[full] - 1)
        part = place - below
        low, high = value[start[full] + below], value[start[full] + above]
        found = np.full(count, np.nan)
        found[full] = low + part * (high - low)
        result.append(found)
    return tuple(result)
