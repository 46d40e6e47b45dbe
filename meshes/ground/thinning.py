"""Choose cells of the terrain whose triangles stay close to all the others."""

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from gis.cells_inside import cells_inside
from gis.terrain import Grid, Terrain
from meshes.ground.edges_kept import keep_edges
from meshes.ground.linework import Linework
from meshes.ground.units import UNIT, codes, to_units, turns
from meshes.polygons import FloatArray, IntArray
from meshes.render.ground import Land

FIRST_STEP = 32
"""Cells between the first corners of the thinned ground."""

NEAREST = 20
"""Cells closer to a line than this are no corners [units]: 2 mm."""

BITS = 21
"""Bits for a corner in the number of a triangle: two million corners."""

BoolArray = NDArray[np.bool_]


def thin_ground(land: Land, *, tolerance: float) -> tuple[FloatArray, IntArray]:
    """Thin out the terrain alone, without lines.

    Parameters
    ----------
    land : Land
        Where.
    tolerance : float
        Largest difference of elevation at cell centres on land [m].

    Returns
    -------
    corners : (v, 3) float
        EPSG:3008 and RH2000 [m].
    triangles : (t, 3) int
        Facing up; together they cover the rectangle of the outermost cell centres.
    """
    grid = land.terrain.grid
    if grid.rows < 2 or grid.columns < 2:
        return np.empty((0, 3)), np.empty((0, 3), np.int64)
    shift = np.array([grid.x[0], grid.y[-1]])
    plan = cell_middles(grid) - shift
    ends = np.array([0, grid.columns - 1, len(plan) - grid.columns, len(plan) - 1])
    used, triangles = refine(
        Linework(to_units(plan[ends]), np.empty((0, 2), np.int64)),
        land.terrain.z.ravel()[ends],
        land.terrain,
        shift=shift,
        # What lies deep under the water is never seen.
        matters=(land.shore <= 2 * grid.cell).ravel(),
        tolerance=tolerance,
    )
    cell = np.r_[ends, np.arange(len(plan))][used]
    return np.c_[plan + shift, land.terrain.z.ravel()][cell], triangles


def cell_middles(grid: Grid) -> FloatArray:
    """Return the centres of all cells, row after row, (rows * columns, 2) [m]."""
    x, y = np.meshgrid(grid.x, grid.y)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def refine(
    lines: Linework,
    level: FloatArray,
    terrain: Terrain,
    *,
    shift: FloatArray,
    matters: BoolArray,
    tolerance: float,
) -> tuple[IntArray, IntArray]:
    """Make triangles of lines and of as few cells as the tolerance allows.

    Parameters
    ----------
    lines : Linework
        Kept as edges; their places hold the corners of the rectangle of cell centres.
    level : (n,) float
        Of their places [m].
    terrain : Terrain
        The cells.
    shift : (2,) float
        Local origin, EPSG:3008 [m].
    matters : (rows * columns,) bool
        Cells that the triangles must be close to; no others become corners.
    tolerance : float
        Largest difference of elevation [m].

    Returns
    -------
    used : (v,) int
        Corners: places of the lines, then cells, counted from there on row after row.
    triangles : (t, 3) int
        Of ``used``; turning left.

    Notes
    -----
    Greedy insertion after Garland & Heckbert 1995 (CMU-CS-95-181): every round adds the
    worst cell of each triangle that is off by more than the tolerance. The lines are put
    in once the triangles of all corners alone are close.
    """
    cells = to_units(cell_middles(terrain.grid) - shift)
    fixed = len(lines.places)
    free = matters & ~_near(cells, lines, terrain.grid, shift)
    chosen = np.flatnonzero(free & _is_first(terrain.grid))
    free[chosen] = False
    width, height = np.ptp(lines.places, axis=0).tolist()
    fit = _Fit(cells, terrain, shift)
    strict = False
    while True:
        # Corners keep their numbers from round to round.
        places = np.concatenate([lines.places, cells[chosen]])
        heights = np.concatenate([level, terrain.z.ravel()[chosen]])
        triangles = _delaunay(places)
        if strict:
            triangles = keep_edges(
                places, triangles, lines.segments, area=2 * width * height
            )
        fit.measure(places, heights, triangles)
        bad = np.flatnonzero(free & (fit.off > tolerance))
        if not bad.size and strict:
            break
        if strict and len(lines.segments):
            # The lines disturb few triangles: a round more costs more than some corners.
            more = bad
        else:
            ranked = bad[np.lexsort((bad, -fit.off[bad], fit.owner[bad]))]
            more = ranked[np.unique(fit.owner[ranked], return_index=True)[1]]
            strict = not bad.size
        free[more] = False
        chosen = np.concatenate([chosen, more])
    return np.r_[np.arange(fixed), fixed + chosen], triangles


def _is_first(grid: Grid) -> BoolArray:
    """Whether cells are among the first corners, (rows * columns,); the last ones are."""
    row, column = (k.ravel() for k in np.ogrid[: grid.rows, : grid.columns])
    down = (row % FIRST_STEP == 0) | (row == grid.rows - 1)
    along = (column % FIRST_STEP == 0) | (column == grid.columns - 1)
    first: BoolArray = (down[:, None] & along).ravel()
    return first


def _near(places: IntArray, lines: Linework, grid: Grid, shift: FloatArray) -> BoolArray:
    """Whether cells lie on lines or at their ends, as good as."""
    near: BoolArray = np.isin(codes(places), codes(lines.places))
    if len(lines.segments):
        drawn = shapely.linestrings(lines.places[lines.segments].astype(np.float64))
        strips = shapely.buffer(drawn, NEAREST, cap_style="square")
        _, row, column = cells_inside(strips, _in_units(grid, shift))
        near[row * grid.columns + column] = True
    return near


def _in_units(grid: Grid, shift: FloatArray, *, shrunk: float = 0.0) -> Grid:
    """Return a grid relative to the local origin in units, shrunk about its middle."""
    middle = np.array([grid.x.mean(), grid.y.mean()]) - shift
    side = grid.cell * (1.0 - shrunk) / UNIT
    return Grid(
        float(middle[0] / UNIT - side * grid.columns / 2),
        float(middle[1] / UNIT + side * grid.rows / 2),
        side,
        grid.rows,
        grid.columns,
    )


def _delaunay(places: IntArray) -> IntArray:
    """Triangles of all places, turning left or flat."""
    # Around the middle the library keeps most digits.
    middle = places.mean(axis=0)
    triangles = Delaunay((places - middle) * UNIT).simplices.astype(np.int64)
    turn = turns(*(places[triangles[:, k]] for k in range(3)))
    turned: IntArray = np.where((turn < 0)[:, None], triangles[:, ::-1], triangles)
    return turned


class _Fit:
    """How far triangles are from cells, measured anew only where they changed."""

    def __init__(self, cells: IntArray, terrain: Terrain, shift: FloatArray) -> None:
        self.off = np.zeros(len(cells))
        self.owner = np.full(len(cells), -1, np.int64)
        self._cells, self._level = cells, terrain.z.ravel()
        # A little inside, so that those on the rim lie in triangles too.
        self._grid = _in_units(terrain.grid, shift, shrunk=1e-9)
        self._known = np.empty(0, np.int64)

    def measure(self, places: IntArray, heights: FloatArray, triangles: IntArray) -> None:
        """Set ``off`` [m] and ``owner``, a number of the triangle around each cell."""
        a, b, c = np.sort(triangles, axis=1).T
        number = (a << 2 * BITS) | (b << BITS) | c
        whole = turns(*(places[triangles[:, k]] for k in range(3)))
        new = ~np.isin(number, self._known) & (whole != 0)
        self._known = number
        triangles, number, whole = triangles[new], number[new], whole[new]
        rings = shapely.polygons(places[triangles].astype(np.float64))
        found, row, column = cells_inside(rings, self._grid)
        cell = row * self._grid.columns + column
        # Planes by their gradients, relative to the first corner.
        one, other = (places[triangles[:, k]] - places[triangles[:, 0]] for k in (1, 2))
        rise, fall = (heights[triangles[:, k]] - heights[triangles[:, 0]] for k in (1, 2))
        east = (rise * other[:, 1] - fall * one[:, 1]) / whole
        north = (fall * one[:, 0] - rise * other[:, 0]) / whole
        spot = self._cells[cell] - places[triangles[:, 0]][found]
        level = heights[triangles[:, 0]][found]
        level = level + east[found] * spot[:, 0] + north[found] * spot[:, 1]
        self.off[cell] = np.abs(level - self._level[cell])
        self.owner[cell] = number[found]
