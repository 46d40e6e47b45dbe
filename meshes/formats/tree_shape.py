"""Shape one tree that every tree of a model repeats."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from meshes.polygons import FloatArray, IntArray
from meshes.render.trees import CROWN_SHARE, TRUNK_SHARE, TRUNK_SIDES

RINGS, SIDES = 5, 10
"""Circles of latitude of the crown between its poles, and corners on each."""


@dataclass(frozen=True)
class TreeShape:
    """A round crown on a trunk, 1 m high and with a crown of 1 m radius.

    Attributes
    ----------
    corners, normals : (v, 3) float
        East, north, up from the foot [m]; unit normals.
    triangles : (t, 3) int
        Counter-clockwise seen from outside.
    is_trunk : (v,) bool
        Whether a corner belongs to the trunk.
    """

    corners: FloatArray
    normals: FloatArray
    triangles: IntArray
    is_trunk: NDArray[np.bool_]


@cache
def tree_shape() -> TreeShape:
    """Return the tree; scale it by its crown's radius, twice, and its height."""
    polar = np.pi * np.arange(1, RINGS + 1) / (RINGS + 1)
    turn = 2 * np.pi * np.arange(SIDES) / SIDES
    rings = np.stack(
        [
            np.outer(np.sin(polar), np.cos(turn)),
            np.outer(np.sin(polar), np.sin(turn)),
            np.outer(np.cos(polar), np.ones(SIDES)),
        ],
        axis=-1,
    ).reshape(-1, 3)
    ball = np.concatenate([[[0.0, 0.0, 1.0]], rings, [[0.0, 0.0, -1.0]]])
    half = CROWN_SHARE / 2
    crown = ball * [1, 1, half] + np.array([0, 0, 1 - half])
    tilted = ball / [1, 1, half]
    tilted /= np.linalg.norm(tilted, axis=1, keepdims=True)
    around = 2 * np.pi * np.arange(TRUNK_SIDES) / TRUNK_SIDES
    out = np.c_[np.cos(around), np.sin(around), np.zeros(TRUNK_SIDES)]
    foot = out * TRUNK_SHARE
    trunk = np.concatenate([foot, foot + np.array([0, 0, 1 - half])])
    return TreeShape(
        corners=np.concatenate([crown, trunk]),
        normals=np.concatenate([tilted, out, out]),
        triangles=np.concatenate([_ball_triangles(), _tube_triangles(len(crown))]),
        is_trunk=np.arange(len(crown) + len(trunk)) >= len(crown),
    )


def _ball_triangles() -> IntArray:
    """Triangles between the poles and rings of the crown."""
    here = np.arange(SIDES)
    there = (here + 1) % SIDES
    last = 1 + (RINGS - 1) * SIDES
    top = np.c_[np.zeros(SIDES, np.int64), 1 + here, 1 + there]
    bottom = np.c_[np.full(SIDES, last + SIDES), last + there, last + here]
    bands = [
        np.concatenate(
            [
                np.c_[a + here, b + here, b + there],
                np.c_[a + here, b + there, a + there],
            ]
        )
        for a, b in ((1 + k * SIDES, 1 + (k + 1) * SIDES) for k in range(RINGS - 1))
    ]
    return np.concatenate([top, *bands, bottom]).astype(np.int64)


def _tube_triangles(first: int) -> IntArray:
    """Triangles of the open trunk, whose foot's corners start at ``first``."""
    here = first + np.arange(TRUNK_SIDES)
    there = first + (np.arange(TRUNK_SIDES) + 1) % TRUNK_SIDES
    return np.concatenate(
        [
            np.c_[here, there, there + TRUNK_SIDES],
            np.c_[here, there + TRUNK_SIDES, here + TRUNK_SIDES],
        ]
    )
