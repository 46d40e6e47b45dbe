"""Find creases by the pairs of planes: the compiled part of `creases`."""

import numba
import numpy as np

from meshes.polygons import FloatArray, IntArray

SLACK = 0.1
"""Depth below an outline's lowest corner that a surface never reaches [m]."""


@numba.njit(inline="always", error_model="numpy")
def _at(plane: FloatArray, x: float, y: float) -> float:
    """Height of a plane at a place."""
    return plane[0] * x + plane[1] * y + plane[2]  # type: ignore[no-any-return]


@numba.njit(error_model="numpy")
def _height(planes: FloatArray, pieces: IntArray, x: float, y: float) -> float:
    """Height of a surface at a place."""
    best = -np.inf
    for piece in pieces:
        least = np.inf
        for k in piece:
            least = min(least, _at(planes[k], x, y))
        best = max(best, least)
    return best


@numba.njit(error_model="numpy")
def _beside(
    planes: FloatArray,
    pieces: IntArray,
    x: float,
    y: float,
    height: float,
    dx: float,
    dy: float,
    tie: float,
) -> int:
    """Plane of a surface just beside a place: among those that tie, by how they rise."""
    best, label = -np.inf, -1
    for piece in pieces:
        least, lower = np.inf, -1
        for k in piece:
            above = _at(planes[k], x, y) - height
            if above >= tie:
                continue
            rise = -np.inf if above <= -tie else planes[k, 0] * dx + planes[k, 1] * dy
            if rise < least:
                least, lower = rise, k
        if lower >= 0 and least > best:
            best, label = least, lower
    return label


@numba.njit(error_model="numpy")
def _is_inside(start: FloatArray, end: FloatArray, x: float, y: float) -> bool:
    """Whether a place lies within rings, by the edges that a ray from it crosses."""
    inside = False
    for k in range(len(start)):
        y0, y1 = start[k, 1], end[k, 1]
        if (y0 > y) != (y1 > y):
            at = start[k, 0] + (y - y0) / (y1 - y0) * (end[k, 0] - start[k, 0])
            if at > x:
                inside = not inside
    return inside


@numba.njit(nogil=True, cache=True, error_model="numpy")
def crease_pieces(
    planes: FloatArray,
    pieces: IntArray,
    start: FloatArray,
    end: FloatArray,
    tie: float,
    shortest: float,
) -> tuple[IntArray, FloatArray]:
    """Find creases of surfaces of one pattern; arguments as in `creases.Surfaces`.

    Returns owner, left and right plane, (s, 3) int, and ends ``x0, y0, x1, y1``, (s, 4).
    """
    who = np.empty((256, 3), np.int64)
    where = np.empty((256, 4))
    found = 0
    cuts = np.empty(planes.shape[1] + start.shape[1])
    for b in range(len(planes)):
        own, sets, first, last = planes[b], pieces[b], start[b], end[b]
        low_x, high_x = first[:, 0].min(), first[:, 0].max()
        low_y, high_y = first[:, 1].min(), first[:, 1].max()
        floor = np.inf
        for k in range(len(first)):
            floor = min(floor, _height(own, sets, first[k, 0], first[k, 1]))
        floor -= SLACK
        for i in range(len(own)):
            for j in range(i + 1, len(own)):
                gx, gy, gz = own[i] - own[j]
                steep = np.hypot(gx, gy)
                if steep < 1e-9:
                    continue
                fx, fy = -gx * gz / steep**2, -gy * gz / steep**2
                ux, uy = -gy / steep, gx / steep
                count = 0
                for c in range(len(own) + len(first)):
                    if c < len(own):
                        if c in (i, j):
                            continue
                        rate = (own[c, 0] - own[i, 0]) * ux + (own[c, 1] - own[i, 1]) * uy
                        value = _at(own[c], fx, fy) - _at(own[i], fx, fy)
                    else:
                        k = c - len(own)
                        ex, ey = last[k, 0] - first[k, 0], last[k, 1] - first[k, 1]
                        size = np.hypot(ex, ey)
                        rate = (ex * uy - ey * ux) / size
                        value = (ex * (fy - first[k, 1]) - ey * (fx - first[k, 0])) / size
                    if abs(rate) < 1e-12:
                        continue
                    t = -value / rate
                    x, y = fx + t * ux, fy + t * uy
                    # A little beyond the outline's box, for cuts at its corners.
                    if (
                        x < low_x - shortest
                        or x > high_x + shortest
                        or y < low_y - shortest
                        or y > high_y + shortest
                    ):
                        continue
                    cuts[count] = t
                    count += 1
                ordered = np.sort(cuts[:count])
                for k in range(count - 1):
                    if ordered[k + 1] - ordered[k] <= shortest:
                        continue
                    t = (ordered[k] + ordered[k + 1]) / 2.0
                    x, y = fx + t * ux, fy + t * uy
                    height = _at(own[i], x, y)
                    if height < floor or abs(_height(own, sets, x, y) - height) >= tie:
                        continue
                    if not _is_inside(first, last, x, y):
                        continue
                    height = _height(own, sets, x, y)
                    left = _beside(own, sets, x, y, height, -uy, ux, tie)
                    right = _beside(own, sets, x, y, height, uy, -ux, tie)
                    if left == right:
                        continue
                    if found == len(who):
                        who = np.concatenate((who, np.empty_like(who)))
                        where = np.concatenate((where, np.empty_like(where)))
                    who[found] = b, left, right
                    where[found] = (
                        fx + ordered[k] * ux,
                        fy + ordered[k] * uy,
                        fx + ordered[k + 1] * ux,
                        fy + ordered[k + 1] * uy,
                    )
                    found += 1
    return who[:found], where[:found]
