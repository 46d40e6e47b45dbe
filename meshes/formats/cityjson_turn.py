"""Turn the faces of shells outward."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from meshes.polygons import FloatArray, IntArray

BoolArray = NDArray[np.bool_]

LEAST_VOLUME = 1e-6
"""Volume that decides what is outward [m3]; a bare plane has none but for rounding."""


@dataclass(frozen=True)
class Turned:
    """How shells were oriented.

    Attributes
    ----------
    flip : (f,) bool
        Faces to be turned.
    closed : (s,) bool
        Shells that close once their faces are turned.
    """

    flip: BoolArray
    closed: BoolArray


@dataclass(frozen=True)
class Edges:
    """Directed edges of the rings of many faces.

    Attributes
    ----------
    start, end : (e,) int
        Vertex numbers; equal numbers are one place.
    face : (e,) int
        Face of each edge.
    """

    start: IntArray
    end: IntArray
    face: IntArray


def turn_outward(
    edges: Edges,
    shell: IntArray,
    is_surface: BoolArray,
    flux: FloatArray,
    vote: FloatArray,
) -> Turned:
    """Find the faces that look inward.

    Parameters
    ----------
    edges : Edges
        All edges of all faces.
    shell : (f,) int
        Shell of each face.
    is_surface : (s,) bool
        Shells of bare surfaces; their connected pieces are turned one by one.
    flux : (f,) float
        Volume between each face and a point of its shell [m3], positive for a face that
        looks away from it.
    vote : (f,) float
        Evidence for the direction of each face, positive if it looks as its label says;
        asked where a shell is not closed.

    Returns
    -------
    Turned
        In a closed shell every edge is walked as often forth as back; its volume says
        which side is out. Where edges disagree, neighbours are turned to agree first.
    """
    count = len(is_surface)
    key, sign, use = _keys(edges, shell, count)
    closed = _closed(key, sign, edges.face, shell, count, np.zeros(len(shell), bool))
    flip = np.zeros(len(shell), bool)
    for bad in np.flatnonzero(~closed):
        members = np.flatnonzero(shell[edges.face] == bad)
        _agree(key[members], sign[members], use[members], edges.face[members], flip)
    if not closed.all():
        closed = _closed(key, sign, edges.face, shell, count, flip)
    group = _groups(key, edges.face, shell, is_surface)
    turned = np.where(flip, -1.0, 1.0)
    volume = np.bincount(group, turned * flux)
    votes = np.bincount(group, turned * vote)
    whole = closed[shell]
    unsure = np.bincount(group, np.abs(vote)) == 0.0
    inward = np.where(
        whole | unsure[group], volume[group] < -LEAST_VOLUME, votes[group] < 0.0
    )
    return Turned(flip ^ inward, closed)


def _keys(edges: Edges, shell: IntArray, count: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return number, direction and use of each edge, forth and back being one edge."""
    low, high = np.minimum(edges.start, edges.end), np.maximum(edges.start, edges.end)
    most = int(high.max(initial=0)) + 1
    _, pair = np.unique(low * most + high, return_inverse=True)
    _, key, uses = np.unique(
        pair * count + shell[edges.face], return_inverse=True, return_counts=True
    )
    sign = np.where(edges.start < edges.end, 1, -1)
    return key, sign, uses[key]


def _closed(
    key: IntArray, sign: IntArray, face: IntArray, shell: IntArray, count: int,
    flip: BoolArray,
) -> BoolArray:  # fmt: skip
    """Tell the shells whose edges are all walked as often forth as back."""
    balance = np.bincount(key, np.where(flip[face], -sign, sign))
    closed = np.bincount(shell, minlength=count) > 0
    closed[shell[face[balance[key] != 0]]] = False
    return closed


def _agree(
    key: IntArray, sign: IntArray, use: IntArray, face: IntArray, flip: BoolArray
) -> None:
    """Turn faces of one shell until neighbours walk their common edge opposite ways.

    The first face of each connected piece stays as it is. Only edges of two faces tell.
    """
    pairs = np.flatnonzero(use == 2)
    pairs = pairs[np.argsort(key[pairs], kind="stable")]
    one, other = pairs[::2], pairs[1::2]
    near: dict[int, list[tuple[int, bool]]] = {}
    for a, b, same in zip(
        face[one].tolist(), face[other].tolist(), (sign[one] == sign[other]).tolist(),
        strict=True,
    ):  # fmt: skip
        if a != b:
            near.setdefault(a, []).append((b, same))
            near.setdefault(b, []).append((a, same))
    seen: set[int] = set()
    for first in near:
        if first in seen:
            continue
        seen.add(first)
        queue = deque([first])
        while queue:
            here = queue.popleft()
            for there, same in near[here]:
                if there not in seen:
                    seen.add(there)
                    flip[there] = flip[here] ^ same
                    queue.append(there)


def _groups(
    key: IntArray, face: IntArray, shell: IntArray, is_surface: BoolArray
) -> IntArray:
    """Return what is turned together: the shells of solids, the pieces of surfaces."""
    count = len(shell)
    loose = is_surface[shell[face]]
    if not loose.any():
        return shell
    rows, columns = face[loose], key[loose] + count
    size = count + int(key.max()) + 1
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(size, size))
    pieces, label = connected_components(graph.tocsr(), directed=False)
    group = np.where(is_surface[shell], label[:count], pieces + shell)
    _, numbered = np.unique(group, return_inverse=True)
    return numbered.astype(np.int64)
