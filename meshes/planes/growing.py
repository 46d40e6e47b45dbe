"""Grow planar regions over triangles that lie beside each other."""

import numpy as np
from numpy.typing import NDArray

from meshes.planes.welding import components, measures
from meshes.polygons import FloatArray, IntArray

RUNGS = 7
"""Steps of the ladder of tolerances."""

STEP = 1 / 3
"""Share of the tolerances that is left on the next step; at last 1/729."""

LEAST_GRANT = 1 / 64
"""Share of the angle that low triangles are granted on the last steps of the ladder."""


def grow_regions(
    places: FloatArray,
    triangles: IntArray,
    one: IntArray,
    other: IntArray,
    *,
    distance: float,
    angle: float,
    noise: float,
) -> IntArray:
    """Join triangles to planar regions.

    Parameters
    ----------
    places : (v, 3) float
        Corners [m].
    triangles : (t, 3) int
    one, other : (n,) int
        Neighbouring triangles that may become one region.
    distance : float
        Farthest that a corner lies off the plane of its region [m].
    angle : float
        Largest angle between a triangle and its region [radians].
    noise : float
        Rounding of corners [m]; it turns low triangles, who are granted that.

    Returns
    -------
    (t,) int
        From 0 on, in order of the first triangle.

    Notes
    -----
    Neighbours within the tolerances of each other are joined, and each whole is compared
    with its own mean plane. Where it does not fit, as on a curved surface whose steps are
    small, its triangles are joined anew with a third of the tolerances, and so on: at last
    only what is flat up to rounding is one. Nothing depends on the order of triangles.
    """
    count = len(triangles)
    double, longest, normal = measures(places, triangles)
    slack = np.arctan2(2 * noise * longest, double)
    turn, off = _steps(places, triangles, normal, one, other)
    region, settled = np.arange(count), np.zeros(count, np.bool_)
    for rung in range(RUNGS):
        part = STEP**rung
        granted = slack[one] + slack[other]
        if rung:
            # On the first step any triangle may be as far turned as rounding can turn it. A
            # sliver between two planes would hold them together for ever.
            np.minimum(granted, angle * max(part, LEAST_GRANT), out=granted)
        near = turn <= angle * part + granted
        near &= off <= max(2 * distance * part, 4 * noise)
        joined = np.zeros(count, np.bool_)
        joined[one[near]] = joined[other[near]] = True
        chosen, local = np.flatnonzero(joined), np.cumsum(joined) - 1
        group = components(len(chosen), local[one[near]], local[other[near]])
        fits = fitting(
            places[triangles[chosen].ravel()],
            np.repeat(np.arange(len(chosen)), 3),
            group,
            normal[chosen],
            double[chosen],
            angle=angle + slack[chosen],
            distance=distance,
        )[group]
        first = chosen[np.unique(group, return_index=True)[1]]
        region[chosen[fits]] = first[group[fits]]
        settled[chosen[fits]] = True
        left = near & ~(settled[one] | settled[other])
        if not left.any():
            break
        one, other, turn, off = one[left], other[left], turn[left], off[left]
    return components(count, np.arange(count), region)


def _steps(
    places: FloatArray,
    triangles: IntArray,
    normal: FloatArray,
    one: IntArray,
    other: IntArray,
) -> tuple[FloatArray, FloatArray]:
    """Return angle [radians] and farthest corner off each other's plane [m] of pairs."""
    turn = _angle(normal[one], normal[other])
    off = np.zeros(len(one))
    for a, b in ((one, other), (other, one)):
        begin = places[triangles[a, 0]]
        for k in range(3):
            gap = np.einsum("nx,nx->n", places[triangles[b, k]] - begin, normal[a])
            np.maximum(off, np.abs(gap), out=off)
    return turn, off


def fitting(
    corners: FloatArray,
    owner: IntArray,
    group: IntArray,
    normal: FloatArray,
    weight: FloatArray,
    *,
    angle: FloatArray | float,
    distance: float,
) -> NDArray[np.bool_]:
    """Tell which groups of faces lie in their mean plane.

    Parameters
    ----------
    corners : (n, 3) float
        Corners of all faces [m].
    owner : (n,) int
        Face of each.
    group : (f,) int
        Group of each face, from 0 on.
    normal : (f, 3) float
        Unit normals of the faces.
    weight : (f,) float
        Their areas, in any unit.
    angle : float or (f,) float
        Largest angle between a face and its group [radians].
    distance : float
        Farthest that a corner lies off the plane of its group [m].

    Returns
    -------
    (g,) bool
    """
    count = int(group.max(initial=-1)) + 1
    mean = np.empty((count, 3))
    for axis in range(3):
        mean[:, axis] = np.bincount(group, weight * normal[:, axis], minlength=count)
    size = np.linalg.norm(mean, axis=1, keepdims=True)
    mean /= np.where(size > 0, size, 1.0)
    bad = np.bincount(group, _angle(normal, mean[group]) > angle, minlength=count)
    level = bad == 0
    if not level.all():  # most of what is curved need not be looked at twice
        kept = level[group[owner]]
        corners, owner = corners[kept], owner[kept]
    whose = group[owner]
    hub = np.zeros((count, 3))
    hub[whose[::-1]] = corners[::-1]  # the first corner of each group
    gap = np.einsum("nx,nx->n", corners - hub[whose], mean[whose])
    # The first corner of each group lies at 0.
    low, high = np.zeros(count), np.zeros(count)
    np.minimum.at(low, whose, gap)
    np.maximum.at(high, whose, gap)
    fits: NDArray[np.bool_] = level & (high - low <= 2 * distance)
    return fits


def _angle(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the angles between unit vectors [radians], small ones too."""
    gap = one - other
    half = np.sqrt(np.einsum("nx,nx->n", gap, gap)) / 2
    angle: FloatArray = 2 * np.arcsin(np.minimum(half, 1.0))
    return angle
