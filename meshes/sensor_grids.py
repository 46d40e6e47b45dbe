"""Lay regular grids of sensors on planar polygons."""

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from meshes.polygons import FloatArray, IntArray, Polygons

LEVEL = 1e-9
"""Vertical part of a normal below which a face is upright and its grid level."""

MOST_CELLS = 2_000_000
"""Cells that are looked up at a time."""


@dataclass(frozen=True)
class Grids:
    """Grids of cells, one a polygon; cells lie row after row, grid after grid.

    Attributes
    ----------
    corner, e1, e2 : (g, 3) float
        Corner [m] and axes (unit vectors).
    step : (g, 2) float
        Cell size along e1 and e2 [m].
    shape : (g, 2) int
        Cells along e1 and e2.
    inside : (c,) bool
        Whether the centre of a cell lies on the polygon.
    """

    corner: FloatArray
    e1: FloatArray
    e2: FloatArray
    step: FloatArray
    shape: IntArray
    inside: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of grids."""
        return len(self.corner)

    @property
    def cells(self) -> IntArray:
        """(g,) int: cells of each grid."""
        cells: IntArray = self.shape.prod(axis=1)
        return cells

    @property
    def sensors(self) -> IntArray:
        """(g,) int: cells of each grid that lie on the polygon."""
        owner = np.repeat(np.arange(len(self)), self.cells)
        return np.bincount(owner[self.inside], minlength=len(self))

    def centres(self, cells: IntArray) -> FloatArray:
        """Return the centres of some cells, (n, 3) float [m]."""
        grid, row, column = _places(self.shape, cells)
        along = ((column + 0.5) * self.step[grid, 0])[:, None] * self.e1[grid]
        across = ((row + 0.5) * self.step[grid, 1])[:, None] * self.e2[grid]
        centres: FloatArray = self.corner[grid] + along + across
        return centres

    def take(self, chosen: IntArray) -> "Grids":
        """Return some grids, in rising order."""
        kept = np.zeros(len(self), np.bool_)
        kept[chosen] = True
        return Grids(
            corner=self.corner[chosen],
            e1=self.e1[chosen],
            e2=self.e2[chosen],
            step=self.step[chosen],
            shape=self.shape[chosen],
            inside=self.inside[np.repeat(kept, self.cells)],
        )


def lay_grids(faces: Polygons, spacing: float) -> Grids:
    """Fit a grid to every polygon, level on upright ones, else along the longest edge.

    Parameters
    ----------
    faces : Polygons
    spacing : float
        Largest size of a cell [m]; cells shrink so that a whole number fits.

    Returns
    -------
    Grids
        Every one has a sensor: a sliver between the centres of cells gets one of its own.
    """
    outline = _outlines(faces)
    normal = faces.normal
    e1 = _axes(outline, normal)
    e2 = np.cross(normal, e1)
    owner = np.repeat(np.arange(len(faces)), np.diff(outline.ring_start))
    starts = outline.ring_start[:-1]
    flat = np.stack(
        [np.einsum("vx,vx->v", outline.vertices, axis[owner]) for axis in (e1, e2)], axis=1
    )
    if not len(faces):
        low = high = np.empty((0, 2))
    else:
        low = np.minimum.reduceat(flat, starts)
        high = np.maximum.reduceat(flat, starts)
    extent = high - low
    shape = np.maximum(1, np.ceil(extent / spacing - 1e-9)).astype(np.int64)
    lift = np.einsum("fx,fx->f", outline.vertices[starts], normal)
    grids = Grids(
        corner=low[:, :1] * e1 + low[:, 1:] * e2 + lift[:, None] * normal,
        e1=e1,
        e2=e2,
        step=extent / shape,
        shape=shape,
        inside=np.ones(int(shape.prod(axis=1).sum()), np.bool_),
    )
    partly = np.diff(faces.polygon_start) > 1
    partly |= faces.area < extent.prod(axis=1) * (1 - 1e-9)
    chosen = np.flatnonzero(partly)
    return _masked(grids, faces, chosen, low) if len(chosen) else grids


def _outlines(faces: Polygons) -> Polygons:
    """Return the polygons without their holes; normals and areas stay."""
    first = faces.polygon_start[:-1]
    lengths = np.diff(faces.ring_start)[first]
    ends = np.cumsum(lengths)
    corner = np.arange(lengths.sum()) + np.repeat(
        faces.ring_start[first] - (ends - lengths), lengths
    )
    return replace(
        faces,
        vertices=faces.vertices[corner],
        ring_start=np.r_[0, ends].astype(np.int64),
        polygon_start=np.arange(len(faces) + 1),
    )


def _axes(outline: Polygons, normal: FloatArray) -> FloatArray:
    """Return the first axis of each grid, (g, 3) float."""
    if not len(outline):
        return np.empty((0, 3))
    start, end = outline.edges()
    edge = outline.vertices[end] - outline.vertices[start]
    # Rounded, so that of edges of equal length the first counts.
    square = np.einsum("ex,ex->e", edge, edge).round(6)
    owner = np.repeat(np.arange(len(outline)), np.diff(outline.ring_start))
    longest = np.maximum.reduceat(square, outline.ring_start[:-1])
    best = np.flatnonzero(square == longest[owner])
    _, first = np.unique(owner[best], return_index=True)
    chosen = edge[best[first]]
    sloped = chosen - normal * np.einsum("gx,gx->g", chosen, normal)[:, None]
    level = np.stack([-normal[:, 1], normal[:, 0], np.zeros(len(normal))], axis=1)
    axes = np.where((np.abs(normal[:, 2]) < LEVEL)[:, None], level, sloped)
    axes /= np.sqrt(np.einsum("gx,gx->g", axes, axes))[:, None]
    return axes


def _masked(grids: Grids, faces: Polygons, chosen: IntArray, low: FloatArray) -> Grids:
    """Take away the cells whose centre is off their polygon."""
    some = faces.take(chosen)
    owner = np.repeat(np.arange(len(some)), np.diff(some.vertex_start))
    grid = chosen[owner]
    flat = np.stack(
        [
            np.einsum("vx,vx->v", some.vertices, axis[grid]) - low[grid, k]
            for k, axis in enumerate((grids.e1, grids.e2))
        ],
        axis=1,
    )
    ring = np.repeat(np.arange(len(some.ring_start) - 1), np.diff(some.ring_start))
    rings = shapely.linearrings(flat, indices=ring)
    shapes = shapely.polygons(
        rings, indices=np.repeat(np.arange(len(some)), np.diff(some.polygon_start))
    )
    shapely.prepare(shapes)
    place = np.full(len(grids), -1)
    place[chosen] = np.arange(len(chosen))
    inside = grids.inside.copy()
    cells = np.flatnonzero(np.repeat(place >= 0, grids.cells))
    for begin in range(0, len(cells), MOST_CELLS):
        piece = cells[begin : begin + MOST_CELLS]
        at, row, column = _places(grids.shape, piece)
        x = (column + 0.5) * grids.step[at, 0]
        y = (row + 0.5) * grids.step[at, 1]
        inside[piece] = shapely.contains_xy(shapes[place[at]], x, y)
    grids = replace(grids, inside=inside)
    empty = chosen[grids.sensors[chosen] == 0]
    return _single(grids, faces, empty, shapes[place[empty]]) if len(empty) else grids


def _single(
    grids: Grids, faces: Polygons, chosen: IntArray, shapes: NDArray[np.object_]
) -> Grids:
    """Give slivers between the centres of cells one sensor, inside them."""
    points = shapely.point_on_surface(shapes)
    side = np.sqrt(faces.area[chosen])
    shape, step, corner = grids.shape.copy(), grids.step.copy(), grids.corner.copy()
    shape[chosen], step[chosen] = 1, side[:, None]
    corner[chosen] += (shapely.get_x(points) - side / 2)[:, None] * grids.e1[chosen]
    corner[chosen] += (shapely.get_y(points) - side / 2)[:, None] * grids.e2[chosen]
    lone = np.zeros(len(grids), np.bool_)
    lone[chosen] = True
    inside = np.ones(int(shape.prod(axis=1).sum()), np.bool_)
    inside[~np.repeat(lone, shape.prod(axis=1))] = grids.inside[
        ~np.repeat(lone, grids.cells)
    ]
    return replace(grids, corner=corner, step=step, shape=shape, inside=inside)


def _places(shape: IntArray, cells: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return grid, row and column of cells that are numbered over all grids."""
    counts = shape.prod(axis=1)
    ends = np.cumsum(counts)
    grid = np.searchsorted(ends, cells, side="right")
    row, column = np.divmod(cells - (ends - counts)[grid], shape[grid, 0])
    return grid, row, column
