"""Fit rows of equal rectangles into outlines."""

from dataclasses import dataclass

import numpy as np
import shapely

from meshes.polygons import FloatArray, IntArray

SLACK = 1e-7
"""What a rectangle may stick out for rounding [m]."""

TRIALS = 4
"""Places of the first row that are tried on an outline that is no rectangle."""


@dataclass(frozen=True)
class Packed:
    """Equal rectangles in rows.

    Attributes
    ----------
    u, v : (n,) float
        Lower left corners [m].
    row : (n,) int
        Row of each, counted from the lowest.
    """

    u: FloatArray
    v: FloatArray
    row: IntArray

    def __len__(self) -> int:
        """Return the number of rectangles."""
        return len(self.u)


def pack_rows(
    shape: shapely.Geometry, *, width: float, depth: float, gap: float, pitch: float
) -> Packed:
    """Fit as many rectangles into an outline as rows of one pitch allow.

    Parameters
    ----------
    shape : shapely Polygon or MultiPolygon
        Outline along the axes u and v [m].
    width, depth : float
        Size of a rectangle along u and v [m].
    gap : float
        Between rectangles of a row [m].
    pitch : float
        From row to row [m], at least ``depth``.

    Returns
    -------
    Packed
        No rectangle leaves the outline or meets another. A rectangle of a by b holds
        ``floor((a + gap) / (width + gap)) * floor((b + pitch - depth) / pitch)`` of them.

    Notes
    -----
    Of the strip of a row, what lies off the outline is thrown on the row's axis: a
    rectangle fits just where no such shadow falls. The lowest row is moved up in
    `TRIALS` steps on outlines that are no rectangles, and the fullest layout wins.
    """
    if shape.is_empty:
        return Packed(np.empty(0), np.empty(0), np.empty(0, np.int64))
    left, low, right, high = shape.bounds
    plain = shape.area > (right - left) * (high - low) * (1 - 1e-9)
    best: Packed | None = None
    for trial in range(1 if plain else TRIALS):
        first = low + trial * pitch / TRIALS
        found = _fill(shape, (left, right), first, width, depth, gap, pitch)
        if best is None or len(found) > len(best):
            best = found
    return best or Packed(np.empty(0), np.empty(0), np.empty(0, np.int64))


def _fill(
    shape: shapely.Geometry,
    span: tuple[float, float],
    first: float,
    width: float,
    depth: float,
    gap: float,
    pitch: float,
) -> Packed:
    """Fill the rows from the first on."""
    rows = int(np.floor((shape.bounds[3] - first + pitch - depth + SLACK) / pitch))
    start = first + np.arange(max(rows, 0)) * pitch
    strips = shapely.box(span[0] - 1, start + SLACK, span[1] + 1, start + depth - SLACK)
    parts, owner = shapely.get_parts(shapely.difference(strips, shape), return_index=True)
    bounds = shapely.bounds(parts)
    us: list[FloatArray] = []
    vs: list[FloatArray] = []
    cuts = np.searchsorted(owner, np.arange(len(strips) + 1))
    for row in range(len(strips)):
        shadows = bounds[cuts[row] : cuts[row + 1]]
        shadows = shadows[np.argsort(shadows[:, 0], kind="stable")]
        reach = np.maximum.accumulate(shadows[:, 2])
        room = shadows[1:, 0] - reach[:-1]
        numbers = np.floor((room + gap + SLACK) / (width + gap)).astype(np.int64)
        placed = [
            begin + np.arange(number) * (width + gap)
            for begin, number in zip(
                reach[:-1][numbers > 0], numbers[numbers > 0], strict=True
            )
        ]
        us.append(np.concatenate(placed) if placed else np.empty(0))
        vs.append(np.full(len(us[-1]), start[row]))
    counts = np.array([len(some) for some in us], np.int64)
    return Packed(
        np.concatenate([np.empty(0), *us]),
        np.concatenate([np.empty(0), *vs]),
        np.repeat(np.arange(len(counts)), counts),
    )
