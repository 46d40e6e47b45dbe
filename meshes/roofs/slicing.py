"""Cut the faces of even roofs at the levels where a cross section breaks."""

import itertools
from collections.abc import Sequence

import numpy as np

from meshes.polygons import FloatArray
from meshes.roofs.standing import Ring, Traced

CLEAR = 4e-3
"""Levels keep this far from every point of a roof [m]: no slivers, no cuts that touch."""


def clear_levels(levels: FloatArray, height: FloatArray) -> FloatArray:
    """Raise levels until they are clear of all heights.

    Parameters
    ----------
    levels : (k,) float
        Ascending.
    height : (v,) float
        Heights that no level may meet.

    Returns
    -------
    (k,) float
        Each raised by a multiple of twice `CLEAR`.
    """
    raised = levels.copy()
    for k, level in enumerate(levels.tolist()):
        while (np.abs(height - level) < CLEAR).any():
            level += 2.0 * CLEAR
        raised[k] = level
    return raised


def slice_faces(traced: Traced, levels: FloatArray) -> Traced | None:
    """Cut faces along levels.

    Parameters
    ----------
    traced : Traced
        Plane faces of one slope, without holes; the heights say where they are cut.
    levels : (k,) float
        Ascending, clear of all points (`clear_levels`).

    Returns
    -------
    Traced or None
        Faces between levels, walls with the points of their cuts; None where a cut does
        not close.
    """
    xy, height = traced.xy.tolist(), traced.height.tolist()
    band = np.searchsorted(levels, traced.height).tolist()
    steps = levels.tolist()
    cuts: dict[tuple[int, int], list[int]] = {}

    def crossed(start: int, stop: int) -> list[int]:
        """Points where an edge crosses levels, in order; one list for both directions."""
        if band[start] > band[stop]:
            return crossed(stop, start)[::-1]
        if band[start] == band[stop]:
            return []
        key = (start, stop)
        if key not in cuts:
            cuts[key] = []
            (x0, y0), (x1, y1) = xy[start], xy[stop]
            low, high = height[start], height[stop]
            for level in steps[band[start] : band[stop]]:
                share = (level - low) / (high - low)
                cuts[key].append(len(xy))
                xy.append([x0 + share * (x1 - x0), y0 + share * (y1 - y0)])
                height.append(level)
        return cuts[key]

    roofs: list[Ring] = []
    for ring in traced.roofs:
        if len({band[point] for point in ring}) == 1:
            roofs.append(ring)
            continue
        ahead: dict[tuple[int, int], int] = {}  # band and point to the next point
        at_level: dict[int, list[int]] = {}
        for start, stop in zip(ring, [*ring[1:], ring[0]], strict=True):
            points = [start, *crossed(start, stop), stop]
            up = 1 if band[stop] > band[start] else -1
            for k in range(len(points) - 1):
                ahead[band[start] + up * k, points[k]] = points[k + 1]
                if k:
                    level = band[start] + up * k - (up > 0)
                    at_level.setdefault(level, []).append(points[k])
        across = _across(ring, xy, height)
        for level, points in at_level.items():
            points.sort(key=lambda p: xy[p][0] * across[0] + xy[p][1] * across[1])
            for one, other in zip(points[::2], points[1::2], strict=True):
                ahead[level + 1, one] = other
                ahead[level, other] = one
        pieces = _follow(ahead)
        if pieces is None:
            return None
        roofs += pieces
    walls = [
        [
            point
            for start, stop in itertools.pairwise(wall)
            for point in (start, *crossed(start, stop))
        ]
        + wall[-1:]
        for wall in traced.walls
    ]
    return Traced(np.array(xy), np.array(height), roofs, walls)


def _across(
    ring: Ring, xy: Sequence[Sequence[float]], height: Sequence[float]
) -> tuple[float, float]:
    """Level direction of a plane face, its upper side to the left."""
    x0, y0, z0 = *xy[ring[0]], height[ring[0]]
    east = north = 0.0
    for one, other in itertools.pairwise(ring):
        ax, ay, az = xy[one][0] - x0, xy[one][1] - y0, height[one] - z0
        bx, by, bz = xy[other][0] - x0, xy[other][1] - y0, height[other] - z0
        east += ay * bz - az * by
        north += az * bx - ax * bz
    # The slope falls along the normal's horizontal part.
    return -north, east


def _follow(ahead: dict[tuple[int, int], int]) -> list[Ring] | None:
    """Follow directed edges of bands around the faces."""
    rings = []
    while ahead:
        (band, start), at = ahead.popitem()
        ring = [start]
        while at != start:
            ring.append(at)
            following = ahead.pop((band, at), None)
            if following is None:
                return None
            at = following
        if len(ring) < 3:
            return None
        rings.append(ring)
    return rings
