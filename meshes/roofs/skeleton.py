"""Find the straight skeletons of outlines."""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.skeleton_kernel import shrink

Ring = list[int]

MEET = 1e-7
"""Events this near to each other or to a corner are one point [m]."""

TOLERANCES = ((1e-7, 1e-7), (1e-9, 1e-9), (1e-6, 1e-6))
"""What counts as touching [m] and as parallel [sine], one after another until the fronts
close: noise of coordinates between two of them makes one event of some, two of others."""

MOST_CORNERS = 240
"""Corners of an outline above which no skeleton is sought; time grows with the third
power of those that point inward."""


@dataclass(frozen=True)
class Skeleton:
    """Faces of the roof of even slope that rises from all sides of an outline.

    Attributes
    ----------
    points : (m, 3) float
        Place and depth behind the sides [m]; corners of the outline come first, their
        depth is 0.
    faces : list of Ring
        For each side the points around its face, counter-clockwise from the side's start.
    normal : (n, 2) float
        Unit normals of the sides, inward.
    """

    points: FloatArray
    faces: list[Ring]
    normal: FloatArray


def straight_skeleton(
    rings: Sequence[FloatArray], *, gables: Collection[int] = ()
) -> Skeleton | str:
    """Find the faces that the sides of an outline sweep while they move inward.

    Parameters
    ----------
    rings : sequence of (n, 2) float
        Outline counter-clockwise and holes clockwise [m], near the origin.
    gables : collection of int
        Sides that stay where they are: walls without a slope. Their faces have no area.

    Returns
    -------
    Skeleton or str
        The faces, or why there are none.

    Notes
    -----
    All fronts but gables move at one speed. The next of all edges that vanish and corners
    that split a front is looked for anew after each event (Aichholzer et al. 1995 [1]_):
    no queue can hold what is past. Points where several events meet are one. Checked
    against GEOS's mitred offsets, the rectangles of `meshes.roofs.rectangles` and the
    planes of convex outlines in tests/meshes/roofs/test_skeleton.py.

    .. [1] O. Aichholzer, F. Aurenhammer, D. Alberts and B. Gärtner, "A novel type of
       skeleton for polygons", J. Universal Computer Science 1 (1995).
    """
    xy = np.concatenate(rings)
    if len(xy) > MOST_CORNERS:
        return f"the outline has more than {MOST_CORNERS} corners"
    following = ring_followers([len(ring) for ring in rings])
    pace = np.ones(len(xy))
    pace[list(gables)] = 0.0
    corners = np.ascontiguousarray(xy)
    for touch, parallel in TOLERANCES:
        points, arcs, done = shrink(corners, following, pace, touch, parallel)
        faces = _faces(points, arcs, following) if done else None
        if faces is not None:
            break
    else:
        return "its fronts do not close"
    edge = xy[following] - xy
    length = np.hypot(edge[:, 0], edge[:, 1])
    normal = np.stack((-edge[:, 1], edge[:, 0]), axis=1) / length[:, None]
    return Skeleton(points, faces, normal)


def ring_followers(sizes: Sequence[int]) -> IntArray:
    """Return the corner after each in rings of these sizes that lie one after another."""
    ends = np.cumsum(sizes)
    following: IntArray = np.arange(1, ends[-1] + 1)
    following[ends - 1] = ends - sizes
    return following


def _faces(points: FloatArray, arcs: IntArray, following: IntArray) -> list[Ring] | None:
    """Follow arcs around the face of each side; None where they do not close."""
    first = _first_of_same(points, arcs)
    ahead: list[dict[int, int]] = [{} for _ in following]
    for start, stop, left, right in arcs.tolist():
        p, q = first[start], first[stop]
        if p == q:
            continue
        if p in ahead[left] or q in ahead[right]:
            return None  # a face that touches itself
        ahead[left][p] = q
        ahead[right][q] = p
    faces = []
    for side, (begin, end) in enumerate(enumerate(following.tolist())):
        ring, at = [begin], end
        while at != begin:
            ring.append(at)
            at = ahead[side].get(at, -1)
            if at < 0 or len(ring) > len(points):
                return None
        faces.append(ring)
    return faces


def _first_of_same(points: FloatArray, arcs: IntArray) -> list[int]:
    """For each point the first of those that arcs of no length join it to."""
    first = list(range(len(points)))

    def root(point: int) -> int:
        while first[point] != point:
            point = first[point]
        return point

    step = points[arcs[:, 0], :2] - points[arcs[:, 1], :2]
    short = arcs[np.abs(step).max(axis=1, initial=0.0) < MEET]
    for start, stop in short[:, :2].tolist():
        low, high = sorted((root(start), root(stop)))
        first[high] = low
    return [root(point) for point in range(len(points))] if len(short) else first


def ring_pairs(ring: Ring) -> list[tuple[int, int]]:
    """Return the directed edges of a ring."""
    return list(itertools.pairwise([*ring, ring[0]]))
