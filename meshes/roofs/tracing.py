"""Trace the faces of surfaces around their creases."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.creases import Surfaces, find_creases

MEET = 3e-7
"""Ends of creases this near to each other or to a corner are one point [m]."""

ON_EDGE = 1e-6
"""Points this near to an edge of the outline lie on it [m]."""

APART = 1e4
"""Distance between surfaces in the search for points that meet [m]."""

Ring = list[int]


@dataclass(frozen=True)
class Faces:
    """Faces of surfaces in plan.

    Attributes
    ----------
    xy : (v, 2) float
        Points [m]; those of the outlines come first, surface after surface.
    height : (v,) float
        Height of the surface there [m].
    roofs : list of list of Ring
        For each surface the rings of its faces as numbers of points, counter-clockwise,
        holes clockwise, in order of their planes.
    walls : list of list of Ring
        For each surface and edge of its outline the points along it, both ends included.
    """

    xy: FloatArray
    height: FloatArray
    roofs: list[list[Ring]]
    walls: list[list[Ring]]


def trace_faces(surfaces: Surfaces, *, following: IntArray) -> Faces:
    """Find the faces of surfaces of one pattern.

    Parameters
    ----------
    surfaces : Surfaces
        Outlines and planes.
    following : (n,) int
        Edge of the outline that comes after each.

    Returns
    -------
    Faces
        Empty lists of roofs where the creases do not close.
    """
    creases = find_creases(surfaces)
    count, edges = surfaces.start.shape[:2]
    owner = np.concatenate(
        [np.repeat(np.arange(count), edges), np.repeat(creases.owner, 2)]
    )
    xy, number, owner = _join_points(
        np.concatenate([surfaces.start.reshape(-1, 2), creases.ends.reshape(-1, 2)]), owner
    )
    joint = number[count * edges :].reshape(-1, 2)
    pair = np.sort(joint, axis=1)
    fresh = ~pd.DataFrame(pair).duplicated().to_numpy() & (joint[:, 0] != joint[:, 1])
    joint, left, right = joint[fresh], creases.left[fresh], creases.right[fresh]
    corner = number[: count * edges].reshape(count, edges)
    walls, on_outline = _walls(surfaces, xy, owner, corner, following)
    along = [
        (ring[k], ring[k + 1])
        for sides in walls
        for ring in sides
        for k in range(len(ring) - 1)
    ]
    rim = np.array(along, np.int64).reshape(-1, 2)
    step = xy[rim[:, 1]] - xy[rim[:, 0]]
    inward = np.stack([-step[:, 1], step[:, 0]], axis=1)
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    rim_label = surfaces.labels(
        owner[rim[:, 0]], (xy[rim[:, 0]] + xy[rim[:, 1]]) / 2, inward
    )
    passed = _passed(len(xy), joint, left, right) & ~on_outline
    rings = _rings(
        np.concatenate([rim, joint, joint[:, ::-1]]),
        np.concatenate([rim_label, left, right]),
        xy,
        surfaces.planes.shape[1] * owner,
    )
    roofs: list[list[Ring]] = [[] for _ in range(count)]
    for ring in rings:
        kept = [point for point in ring if not passed[point]]
        roofs[owner[ring[0]]].append(kept)
    return Faces(xy, surfaces.heights(owner, xy), roofs, walls)


def _join_points(xy: FloatArray, owner: IntArray) -> tuple[FloatArray, IntArray, IntArray]:
    """Make points that meet one: the first of them.

    Returns the points left, for each given one the number of its own, and owners.
    """
    spread = np.c_[xy, owner * APART]
    near = cKDTree(spread).query_pairs(MEET, output_type="ndarray")
    links = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(xy),) * 2)
    _, group = connected_components(links, directed=False)
    first = np.unique(group, return_index=True)[1]
    order = np.argsort(first, kind="stable")  # outlines stay ahead, in their order
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return xy[first[order]], rank[group], owner[first[order]]


def _walls(
    surfaces: Surfaces,
    xy: FloatArray,
    owner: IntArray,
    corner: IntArray,
    following: IntArray,
) -> tuple[list[list[Ring]], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """List the points along every edge of the outlines, and put them there exactly.

    Returns the lists and which points lie on an outline; moves points of ``xy``.
    """
    on = np.zeros(len(xy), np.bool_)
    on[corner.ravel()] = True
    others = np.flatnonzero(~on)
    of = owner[others]
    start, edge = surfaces.start[of], (surfaces.end - surfaces.start)[of]
    length = np.linalg.norm(edge, axis=2)
    spoke = xy[others][:, None] - start
    off = np.abs(edge[..., 0] * spoke[..., 1] - edge[..., 1] * spoke[..., 0]) / length
    along = np.einsum("qnx,qnx->qn", edge, spoke) / length
    off[(along <= 0.0) | (along >= length)] = np.inf
    nearest = off.argmin(axis=1) if len(others) else np.empty(0, np.int64)
    rows = np.arange(len(others))
    hit = off[rows, nearest] < ON_EDGE
    on[others[hit]] = True
    # Joining moved them by a trifle, which would show in the outline's area.
    edge_hit = edge[rows, nearest][hit]
    share = (along[rows, nearest] / length[rows, nearest])[hit]
    xy[others[hit]] = start[rows, nearest][hit] + edge_hit * share[:, None]
    walls = [
        [[int(a), int(b)] for a, b in zip(row, row[following], strict=True)]
        for row in corner
    ]
    order = np.flatnonzero(hit)[np.argsort(along[rows, nearest][hit])]
    for k in order:
        walls[of[k]][nearest[k]].insert(-1, int(others[k]))
    return walls, on


def _passed(
    count: int, joint: IntArray, left: IntArray, right: IntArray
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a point only cuts a crease in two: the same two planes on both pieces."""
    ends = joint.ravel()
    both = np.repeat(np.minimum(left, right) * (1 << 32) + np.maximum(left, right), 2)
    degree = np.bincount(ends, minlength=count)
    lowest = np.full(count, np.iinfo(np.int64).max)
    highest = np.full(count, -1)
    np.minimum.at(lowest, ends, both)
    np.maximum.at(highest, ends, both)
    passed: np.ndarray[tuple[int], np.dtype[np.bool_]] = (degree == 2) & (lowest == highest)
    return passed


def _rings(
    edges: IntArray, label: IntArray, xy: FloatArray, first_label: IntArray
) -> Sequence[Ring]:
    """Follow directed edges with one face to their left around the faces."""
    face = first_label[edges[:, 0]] + label
    order = np.lexsort((edges[:, 0], face))
    edges, face = edges[order], face[order]
    key = face * len(xy) + edges[:, 0]
    wanted = face * len(xy) + edges[:, 1]
    low = np.searchsorted(key, wanted, side="left")
    high = np.searchsorted(key, wanted, side="right")
    follow = np.where(high > low, low, -1)
    for k in np.flatnonzero(high - low > 1):
        # Faces that touch themselves in a point: keep to the right.
        back = xy[edges[k, 0]] - xy[edges[k, 1]]
        out = xy[edges[low[k] : high[k], 1]] - xy[edges[k, 1]]
        turn = np.arctan2(back[1], back[0]) - np.arctan2(out[:, 1], out[:, 0])
        follow[k] = low[k] + int(np.argmin(turn % (2.0 * np.pi)))
    begins, ahead = edges[:, 0].tolist(), follow.tolist()
    seen = [False] * len(begins)
    rings: list[Ring] = []
    for first in range(len(begins)):
        ring: Ring = []
        at = first
        while at >= 0 and not seen[at]:
            seen[at] = True
            ring.append(begins[at])
            at = ahead[at]
        if len(ring) > 2 and at == first:
            rings.append(ring)
    return rings
