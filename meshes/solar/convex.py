"""Cut polygons into convex pieces of their own corners."""

from collections.abc import Mapping

import numpy as np

from meshes.polygons import FloatArray, IntArray

Cycle = list[int]


def convex_cycles(triangles: IntArray, points: FloatArray) -> list[Cycle]:
    """Join triangles over their common edges as long as what comes out is convex.

    Parameters
    ----------
    triangles : (t, 3) int
        Of one polygon: corners, counter-clockwise.
    points : (v, 2) float
        Places of the corners.

    Returns
    -------
    list of list of int
        Corners of each piece, counter-clockwise; straight angles are allowed.

    Notes
    -----
    Hertel & Mehlhorn 1983 (FCT, LNCS 158): every diagonal that can go is taken away; at
    most four times as many pieces are left as the least number.
    """
    cycles: list[Cycle | None] = [list(row) for row in triangles.tolist()]
    owner = {}
    for piece, cycle in enumerate(cycles):
        assert cycle is not None
        for k, start in enumerate(cycle):
            owner[start, cycle[(k + 1) % 3]] = piece
    places = {k: points[k].tolist() for k in np.unique(triangles).tolist()}
    moved = list(range(len(cycles)))

    def find(piece: int) -> int:
        while moved[piece] != piece:
            piece = moved[piece]
        return piece

    diagonals = sorted(edge for edge in owner if edge[0] < edge[1] and edge[::-1] in owner)
    for start, end in diagonals:
        one, other = find(owner[start, end]), find(owner[end, start])
        left, right = cycles[one], cycles[other]
        if one == other or left is None or right is None:
            continue
        k, m = left.index(start), right.index(end)
        # From the diagonal's end around the left piece, then around the right one.
        around = left[k + 1 :] + left[: k + 1]
        beyond = right[m + 1 :] + right[: m + 1]
        joined = around + beyond[1:-1]
        if _turns_left(places, around[-2], start, beyond[1]) and _turns_left(
            places, beyond[-2], end, around[1]
        ):
            cycles[one], cycles[other] = joined, None
            moved[other] = one
    return [cycle for cycle in cycles if cycle is not None]


def _turns_left(places: Mapping[int, list[float]], a: int, b: int, c: int) -> bool:
    """Whether the way over three corners turns left or goes straight on."""
    (ax, ay), (bx, by), (cx, cy) = places[a], places[b], places[c]
    return (bx - ax) * (cy - by) >= (by - ay) * (cx - bx)
