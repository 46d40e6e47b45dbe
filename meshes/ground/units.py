"""Count places of the plan in whole units, so that their order is exact."""

import numpy as np
from numpy.typing import NDArray

from meshes.polygons import FloatArray, IntArray

UNIT = 1e-4
"""Side of the raster on which lines are drawn [m]; finer than any survey."""


def to_units(plan: FloatArray) -> IntArray:
    """Return the nearest places of the raster.

    Parameters
    ----------
    plan : (n, 2) float
        Places [m] relative to a local origin, at most 100 km from it.

    Returns
    -------
    (n, 2) int
        In `UNIT`.
    """
    places: IntArray = np.rint(plan / UNIT).astype(np.int64)
    return places


def turns(a: IntArray, b: IntArray, c: IntArray) -> IntArray:
    """Return twice the areas of triangles, exactly; positive if they turn left.

    Parameters
    ----------
    a, b, c : (..., 2) int
        Their corners, at most 2 ** 30 apart.
    """
    one, other = b - a, c - a
    area: IntArray = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return area


def codes(places: IntArray) -> IntArray:
    """Return one number for each place (n, 2), the same for the same place only."""
    number: IntArray = (places[:, 0] << 32) + (places[:, 1] + 2**31)
    return number


def edge_codes(edges: IntArray) -> IntArray:
    """Return one number for each directed edge (n, 2), corners below 2 ** 31."""
    number: IntArray = (edges[:, 0] << 32) + edges[:, 1]
    return number


def distinct_edges(edges: IntArray) -> IntArray:
    """Return each edge (n, 2) once, whichever way it goes, the smaller corner first."""
    code = np.unique(edge_codes(np.sort(edges, axis=1)))
    return np.stack([code >> 32, code & (2**32 - 1)], axis=1)


def directed_edges(triangles: IntArray) -> IntArray:
    """Return the three edges of every triangle (t, 3) in its sense, (3 t, 2)."""
    return np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)])


def is_whole(places: IntArray, triangles: IntArray, area: int) -> bool:
    """Whether triangles fill an area once: all turn left and no two share a side.

    Parameters
    ----------
    places : (n, 2) int
        Corners in `UNIT`.
    triangles : (t, 3) int
        Of them.
    area : int
        Twice the area.
    """
    found = turns(*(places[triangles[:, k]] for k in range(3)))
    sides = edge_codes(directed_edges(triangles))
    once: NDArray[np.bool_] = np.diff(np.sort(sides)) > 0
    return bool((found > 0).all() and int(found.sum()) == area and once.all())
