"""Weld the corners of triangles and put both in an order of their own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from meshes.polygons import FloatArray, IntArray

WELD = 2.0**-22
"""Distance of corners that are one, as a share of the longest side of the mesh's box.

Numbers of 32 bits, as most formats have them, are off by 2**-24 of the largest; two corners
that were one by twice that, and sums of transforms by a little more."""

MOST_WELD = 5e-4
"""Farthest that corners are welded [m]: files in millimetres keep all of theirs."""

LEAST_DOUBLE_AREA = 1e-8
"""Twice the area below which a triangle is nothing [m2]; `Polygons` refuses 1e-9."""


@dataclass(frozen=True)
class Welded:
    """Triangles on shared corners, in an order that only their places decide.

    Attributes
    ----------
    vertices : (v, 3) float
        Corners of the input [m], bit for bit, sorted by x, then y, then z.
    triangles : (t, 3) int
        Corners, the lowest number first; sorted.
    source : (t,) int
        Triangle of the input that each was.
    tolerance : float
        Distance up to which corners were welded [m].
    welded : int
        Corners that moved to another one; equal ones do not count.
    slivers, repeated : int
        Triangles left out: without area, and those that were there already.
    """

    vertices: FloatArray
    triangles: IntArray
    source: IntArray
    tolerance: float
    welded: int
    slivers: int
    repeated: int


def weld(vertices: FloatArray, triangles: IntArray, labels: IntArray) -> Welded:
    """Give corners of one place one number, and leave out what is no triangle.

    Parameters
    ----------
    vertices : (v, 3) float
        Places [m].
    triangles : (t, 3) int
        Corners.
    labels : (t,) int
        Of equal triangles the one with the lowest label stays.

    Returns
    -------
    Welded
        The same for any order of the vertices and triangles, and for any first corner.

    Notes
    -----
    Corners within `WELD` of the longest side of their box, and at most `MOST_WELD`, become
    the first of them by x, y and z. A triangle lower than that has no area.
    """
    is_used = np.zeros(len(vertices), np.bool_)
    is_used[triangles] = True
    used = np.flatnonzero(is_used)
    sorted_places, number = _distinct(vertices[used] + 0.0)  # -0 is 0
    longest = float(np.ptp(sorted_places, axis=0).max()) if len(used) else 0.0
    tolerance = min(WELD * longest, MOST_WELD)
    first = _joined(sorted_places, tolerance)
    kept, number = np.unique(first[number], return_inverse=True)
    places = sorted_places[kept]
    new = np.zeros(len(vertices), np.int64)
    new[used] = number
    corners = new[triangles]
    turn = corners.argmin(axis=1)[:, None]
    corners = np.take_along_axis(corners, (turn + np.arange(3)) % 3, axis=1)
    double, longest_edge, _ = measures(places, corners)
    sound = (double > tolerance * longest_edge) & (double > LEAST_DOUBLE_AREA)
    order = np.lexsort((labels, *corners.T[::-1]))
    order = order[sound[order]]
    corners = corners[order]
    again = np.zeros(len(order), np.bool_)
    again[1:] = (corners[1:] == corners[:-1]).all(axis=1)
    return Welded(
        vertices=places,
        triangles=corners[~again],
        source=order[~again],
        tolerance=tolerance,
        welded=len(sorted_places) - len(kept),
        slivers=len(triangles) - len(order),
        repeated=int(again.sum()),
    )


def measures(
    places: FloatArray, triangles: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return twice the area [m2], the longest edge [m] and the unit normal of triangles.

    A triangle without area has the normal (0, 0, 0).
    """
    a, b, c = (places[triangles[:, k]] for k in range(3))
    one, other = b - a, c - a
    cross = _cross(one, other)
    double = np.sqrt(np.einsum("tx,tx->t", cross, cross))
    squares = [np.einsum("tx,tx->t", edge, edge) for edge in (one, other, other - one)]
    longest = np.sqrt(np.maximum.reduce(squares))
    normal: FloatArray = cross / np.where(double > 0, double, 1.0)[:, None]
    return double, longest, normal


def triple(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    """Return the volumes of the boxes that three vectors span, (n,) float."""
    volume: FloatArray = np.einsum("nx,nx->n", _cross(a, b), c)
    return volume


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return cross products, (n, 3) float; numpy's takes three times as long."""
    cross = np.empty((len(a), 3))
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        cross[:, k] = a[:, i] * b[:, j] - a[:, j] * b[:, i]
    return cross


def components(count: int, one: IntArray, other: IntArray) -> IntArray:
    """Give connected things one number, from 0 on in order of their first things.

    Parameters
    ----------
    count : int
        Things.
    one, other : (n,) int
        Pairs of things that are connected.
    """
    if not count:
        return np.empty(0, np.int64)
    links = coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(count, count))
    raw = connected_components(links, directed=False)[1]
    _, first, back = np.unique(raw, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    found: IntArray = rank[back]
    return found


def _distinct(places: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the distinct places in order, and the number of each place."""
    order = np.lexsort(places.T[::-1])
    ranked = places[order]
    new: NDArray[np.bool_] = np.ones(len(places), np.bool_)
    new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    number = np.empty(len(places), np.int64)
    number[order] = np.cumsum(new) - 1
    return ranked[new], number


def _joined(places: FloatArray, tolerance: float) -> IntArray:
    """Return for each place the first of those that are one with it."""
    count = len(places)
    if tolerance <= 0 or count < 2:
        return np.arange(count)
    # Without the search for balance a tree of a million places stands in half the time.
    tree = cKDTree(places, balanced_tree=False, compact_nodes=False)
    pairs = tree.query_pairs(tolerance, output_type="ndarray")
    if not len(pairs):
        return np.arange(count)
    body = components(count, pairs[:, 0], pairs[:, 1])
    first: IntArray = np.unique(body, return_index=True)[1]
    return first[body]
