"""Grow trees as round crowns on trunks."""

from functools import cache

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from gis.terrain import Terrain
from meshes.crowns import crowns_of_trees
from meshes.render.triangles import (
    Surface,
    Triangles,
    join_triangles,
    make_triangles,
    quads,
)

TRUNK_SIDES = 6

FloatArray = NDArray[np.float64]


def tree_triangles(
    trees: gpd.GeoDataFrame, terrain: Terrain, *, origin: FloatArray
) -> Triangles:
    """Build the trees of a district.

    Parameters
    ----------
    trees : GeoDataFrame
        Points with ``height`` [m] and ``crown_radius`` [m]; may be empty.
    terrain : Terrain
        The ground they stand on.
    origin : (3,) float
        Local origin [m].

    Returns
    -------
    Triangles
        An ellipsoid whose top is at the tree's height, and a prism below it, in the
        proportions of `meshes.crowns`.
    """
    grown = crowns_of_trees(trees, terrain, origin=origin)
    middle, radii, ball = grown.middle, grown.radii, _ball()
    crowns = middle[:, None, None] + ball * radii[:, None, None]
    tilted = ball / radii[:, None, None]
    tilted /= np.linalg.norm(tilted, axis=-1, keepdims=True)
    return join_triangles(
        [
            make_triangles(crowns, Surface.CROWN, normals=tilted),
            make_triangles(_trunks(grown.foot, middle, grown.trunk_radius), Surface.TRUNK),
        ]
    )


def _trunks(foot: FloatArray, middle: FloatArray, radius: FloatArray) -> FloatArray:
    """Prisms from the ground to the middle of the crown, (n, 3, 3)."""
    turn = np.arange(TRUNK_SIDES + 1) * 2 * np.pi / TRUNK_SIDES
    ring = np.c_[np.cos(turn), np.sin(turn), np.zeros_like(turn)] * radius[:, None, None]
    low, high = foot[:, None] + ring, middle[:, None] + ring
    return quads(low[:, :-1], low[:, 1:], high[:, 1:], high[:, :-1])


@cache
def _ball() -> FloatArray:
    """Build a unit sphere of 320 triangles: an icosahedron, cut twice, outward."""
    ball: FloatArray
    golden = (1 + 5**0.5) / 2
    # The twelve corners are the cyclic orders of (0, +-1, +-golden); the faces are the
    # triples at edge length.
    base = np.array([(0.0, i, j * golden) for i in (-1, 1) for j in (-1, 1)])
    corners = np.concatenate([np.roll(base, k, axis=1) for k in range(3)])
    near = np.abs(np.linalg.norm(corners[:, None] - corners[None], axis=2) - 2.0) < 1e-9
    faces = [
        (a, b, c)
        for a in range(12)
        for b in range(a + 1, 12)
        for c in range(b + 1, 12)
        if near[a, b] and near[b, c] and near[a, c]
    ]
    ball = corners[np.array(faces)]
    for _ in range(2):
        a, b, c = ball[:, 0], ball[:, 1], ball[:, 2]
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        ball = np.concatenate(
            [
                np.stack(t, axis=1)
                for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))
            ]
        )
        ball /= np.linalg.norm(ball, axis=2, keepdims=True)
    ball /= np.linalg.norm(ball, axis=2, keepdims=True)
    inward = (
        np.einsum(
            "tx,tx->t",
            np.cross(ball[:, 1] - ball[:, 0], ball[:, 2] - ball[:, 0]),
            ball[:, 0],
        )
        < 0.0
    )
    ball[inward] = ball[inward][:, ::-1]
    return ball
