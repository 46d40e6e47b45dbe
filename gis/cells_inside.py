"""Find the cells of a grid whose centres lie in polygons."""

import numpy as np
import numpy.typing as npt
import shapely

from gis.terrain import Grid

FloatArray = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
Polygons = npt.NDArray[np.object_]


def cells_inside(polygons: Polygons, grid: Grid) -> tuple[Positions, Positions, Positions]:
    """Find the cells whose centres lie in each polygon.

    Parameters
    ----------
    polygons : (n,) object
        Valid polygons or multipolygons, EPSG:3008. Where they overlap, each has the cells.
    grid : Grid
        The cells. Only its cells count.

    Returns
    -------
    owner, row, column : (k,) int
        Polygon and place of each cell, sorted by polygon, then southwards, then eastwards.
        A centre on a wall that two polygons share corner by corner belongs to one of them.

    Notes
    -----
    Even-odd rule along every row of centres. Each crossing is computed from the western
    or northern end of its wall, whatever the direction in which that is drawn: so the two
    sides of a shared wall agree to the bit. Time and memory grow with the rows that walls
    cross and with the cells found, not with those of bounding boxes. Checked against
    `shapely.contains_xy` in tests/gis/test_cells_inside.py.
    """
    parts, part_of = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    whose = part_of[part]
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    # Counted in cells between centres: column and row of a centre are whole numbers.
    along = (xy[:, 0] - grid.west) / grid.cell - 0.5
    down = (grid.north - xy[:, 1]) / grid.cell - 0.5
    first = np.flatnonzero(np.diff(ring) == 0)
    begin, end = down[first], down[first + 1]
    north = np.where(begin <= end, first, first + 1)
    south = np.where(begin <= end, first + 1, first)
    # A wall meets the rows from its northern end to before its southern one.
    top = np.ceil(down[north]).clip(0, grid.rows).astype(np.int64)
    bottom = np.ceil(down[south]).clip(0, grid.rows).astype(np.int64)
    wall, row = _spans(top, bottom)
    north, south = north[wall], south[wall]
    slope = (along[south] - along[north]) / (down[south] - down[north])
    crossing = along[north] + (row - down[north]) * slope
    owner = whose[ring[north]].astype(np.int64)
    line = owner * (grid.rows + 1) + row
    order = np.lexsort((crossing, line))
    # Rings are closed, so every line is crossed an even number of times.
    inward, outward = order[0::2], order[1::2]
    left = np.ceil(crossing[inward]).clip(0, grid.columns).astype(np.int64)
    right = np.ceil(crossing[outward]).clip(0, grid.columns).astype(np.int64)
    span, column = _spans(left, right)
    at = inward[span]
    return owner[at], row[at], column


def _spans(begin: Positions, end: Positions) -> tuple[Positions, Positions]:
    """Count from each begin to before its end; also which span each number is of."""
    many = np.maximum(end - begin, 0)
    span = np.repeat(np.arange(len(many)), many)
    within = np.arange(len(span)) - np.repeat(np.cumsum(many) - many, many)
    return span, begin[span] + within
