"""Find the largest rectangles within an outline of right angles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from meshes.polygons import FloatArray

MOST_LINES = 32
"""Lines along one axis above which no rectangles are sought; their pairs are many."""


@dataclass(frozen=True)
class Box:
    """A rectangle that cannot grow within the outline.

    Attributes
    ----------
    sides : tuple of (int, int)
        Direction of the wall (quarter turns, inside to the left) and line of its west,
        south, east and north side.
    sizes : (float, float)
        Along both axes [m].
    whole : tuple of bool
        Whether one wall reaches over exactly the whole side, for the same four.
    """

    sides: tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
    sizes: tuple[float, float]
    whole: tuple[bool, bool, bool, bool]


def largest_rectangles(
    rings: Sequence[FloatArray], lines: tuple[FloatArray, FloatArray]
) -> list[Box] | str:
    """Find all rectangles that cannot grow within an outline.

    Parameters
    ----------
    rings : sequence of (n, 2) float
        Outline and holes whose corners lie on the lines exactly.
    lines : tuple of (m,) float
        Ascending places of the lines across the first and second axis.

    Returns
    -------
    list of Box, or str
        The rectangles, or why there are none.
    """
    x, y = lines
    if max(len(x), len(y)) > MOST_LINES:
        return f"the outline's walls lie on more than {MOST_LINES} lines"
    shape = shapely.Polygon(rings[0], rings[1:])
    if not shape.is_valid or shape.area <= 0.0:
        return "the outline squared up crosses itself"
    centre_x, centre_y = (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2
    inside = shapely.contains_xy(shape, *np.meshgrid(centre_x, centre_y, indexing="ij"))
    cells = np.zeros((len(x), len(y)), np.int64)
    cells[1:, 1:] = inside.cumsum(axis=0).cumsum(axis=1)
    w, e = np.triu_indices(len(x), 1)
    s, n = np.triu_indices(len(y), 1)
    filled = (
        cells[e[:, None], n]
        - cells[w[:, None], n]
        - cells[e[:, None], s]
        + cells[w[:, None], s]
    )
    full = np.zeros((len(x), len(x), len(y), len(y)), np.bool_)
    full[w[:, None], e[:, None], s, n] = filled == (e - w)[:, None] * (n - s)
    grown = np.zeros_like(full)
    grown[1:] |= full[:-1]  # one line further west
    grown[:, :-1] |= full[:, 1:]
    grown[:, :, 1:] |= full[:, :, :-1]
    grown[..., :-1] |= full[..., 1:]
    walls = _walls(rings, x, y)
    boxes = []
    for west, east, south, north in np.argwhere(full & ~grown).tolist():
        sides = ((3, west), (0, south), (1, east), (2, north))
        spans = ((south, north), (west, east), (south, north), (west, east))
        whole = [(side, span) in walls for side, span in zip(sides, spans, strict=True)]
        boxes.append(
            Box(
                sides,
                (float(x[east] - x[west]), float(y[north] - y[south])),
                (whole[0], whole[1], whole[2], whole[3]),
            )
        )
    return boxes


def _walls(
    rings: Sequence[FloatArray], x: FloatArray, y: FloatArray
) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    """Side (direction and line) and span (lines) of walls between two convex corners."""
    walls = set()
    for ring in rings:
        column, row = np.searchsorted(x, ring[:, 0]), np.searchsorted(y, ring[:, 1])
        step = np.concatenate((ring[1:], ring[:1])) - ring
        before = np.concatenate((step[-1:], step[:-1]))
        convex = before[:, 0] * step[:, 1] - before[:, 1] * step[:, 0] > 0.0
        for k in range(len(ring)):
            after = (k + 1) % len(ring)
            if not (convex[k] and convex[after]):
                continue
            if abs(step[k, 0]) > abs(step[k, 1]):
                span = sorted((int(column[k]), int(column[after])))
                side = (0 if step[k, 0] > 0 else 2, int(row[k]))
            else:
                span = sorted((int(row[k]), int(row[after])))
                side = (1 if step[k, 1] > 0 else 3, int(column[k]))
            walls.add((side, (span[0], span[1])))
    return walls
