"""Shape the few trees that all trees of a model repeat."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from meshes.crowns import CROWN_SHARE, TRUNK_SHARE, Crowns
from meshes.polygons import FloatArray, IntArray

RINGS, SIDES = 5, 10
"""Circles of latitude of the crown between its poles, and corners on each."""

TRUNK_SIDES = 6

STEPS = 50
"""Proportions are told apart to a fiftieth: of the height for the base of a crown, of the
crown's radius for the trunk's. A repeated tree is off by half of that at most."""


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


@dataclass(frozen=True)
class TreeBodies:
    """The same tree as two closed bodies of planar faces, crown and trunk.

    Attributes
    ----------
    corners : (v, 3) float
        East, north, up from the foot [m].
    bodies : tuple of tuple of (n,) int
        Of crown and trunk the faces, each a ring of corner numbers seen from outside.
    """

    corners: FloatArray
    bodies: tuple[tuple[tuple[int, ...], ...], ...]


def tree_proportions(crowns: Crowns) -> tuple[list[tuple[float, float]], IntArray]:
    """Sort trees by their proportions.

    Parameters
    ----------
    crowns : Crowns
        Trees.

    Returns
    -------
    proportions : list of (float, float)
        The crown's share of the height and the trunk's share of the crown's radius, which
        `tree_shape` and `tree_bodies` take; those that occur, in rising order.
    number : (n,) int
        Which of them each tree has.
    """
    crown = (crowns.height - crowns.base) / crowns.height
    trunk = crowns.trunk_radius / crowns.radius
    pairs = np.c_[crown, trunk]
    usual = np.abs(pairs - [CROWN_SHARE, TRUNK_SHARE]).max(axis=1) < 1e-9
    rounded = np.maximum(np.rint(pairs * STEPS), 1.0) / STEPS
    rounded[usual] = CROWN_SHARE, TRUNK_SHARE
    found, number = np.unique(rounded, axis=0, return_inverse=True)
    return [(float(a), float(b)) for a, b in found], number.reshape(-1)


@cache
def tree_shape(crown: float = CROWN_SHARE, trunk: float = TRUNK_SHARE) -> TreeShape:
    """Return a tree to look at; scale it by its crown's radius, twice, and its height.

    Parameters
    ----------
    crown : float
        The crown's share of the height.
    trunk : float
        The trunk's share of the crown's radius.
    """
    half = crown / 2
    ball = _ball()
    placed = ball * [1, 1, half] + np.array([0, 0, 1 - half])
    tilted = ball / [1, 1, half]
    tilted /= np.linalg.norm(tilted, axis=1, keepdims=True)
    out = _circle(TRUNK_SIDES)
    foot = out * trunk
    tube = np.concatenate([foot, foot + np.array([0, 0, 1 - half])])
    return TreeShape(
        corners=np.concatenate([placed, tube]),
        normals=np.concatenate([tilted, out, out]),
        triangles=np.concatenate([_cut(_ball_faces()), _cut(_tube_faces(len(placed)))]),
        is_trunk=np.arange(len(placed) + len(tube)) >= len(placed),
    )


@cache
def tree_bodies(crown: float = CROWN_SHARE, trunk: float = TRUNK_SHARE) -> TreeBodies:
    """Return the same tree with closed bodies; see `tree_shape`."""
    shape = tree_shape(crown, trunk)
    first = int(np.count_nonzero(~shape.is_trunk))
    low = [first + k for k in range(TRUNK_SIDES)]
    high = [k + TRUNK_SIDES for k in low]
    prism = (*_tube_faces(first), tuple(high), tuple(reversed(low)))
    return TreeBodies(shape.corners, (_ball_faces(), prism))


def _circle(sides: int) -> FloatArray:
    """Return corners of a level ring of radius 1, (sides, 3)."""
    turn = 2 * np.pi * np.arange(sides) / sides
    circle: FloatArray = np.stack([np.cos(turn), np.sin(turn), np.zeros(sides)], axis=1)
    return circle


def _ball() -> FloatArray:
    """Return the corners of a round crown: a pole, the rings from above, a pole."""
    polar = np.pi * np.arange(1, RINGS + 1) / (RINGS + 1)
    rings = _circle(SIDES) * np.sin(polar)[:, None, None]
    rings[..., 2] = np.cos(polar)[:, None]
    pole = np.array([[0.0, 0.0, 1.0]])
    ball: FloatArray = np.concatenate([pole, rings.reshape(-1, 3), -pole])
    return ball


def _ball_faces() -> tuple[tuple[int, ...], ...]:
    """Return triangles at the poles and planar quadrilaterals between the rings."""
    last = 1 + (RINGS - 1) * SIDES
    pairs = [(k, (k + 1) % SIDES) for k in range(SIDES)]
    top = [(0, 1 + a, 1 + b) for a, b in pairs]
    bottom = [(last + SIDES, last + b, last + a) for a, b in pairs]
    rings = [(1 + k * SIDES, 1 + (k + 1) * SIDES) for k in range(RINGS - 1)]
    bands = [(u + a, v + a, v + b, u + b) for u, v in rings for a, b in pairs]
    return (*top, *bands, *bottom)


def _tube_faces(first: int) -> tuple[tuple[int, ...], ...]:
    """Return the sides of the trunk, whose foot's corners start at ``first``."""
    pairs = [(first + k, first + (k + 1) % TRUNK_SIDES) for k in range(TRUNK_SIDES)]
    return tuple((a, b, b + TRUNK_SIDES, a + TRUNK_SIDES) for a, b in pairs)


def _cut(faces: tuple[tuple[int, ...], ...]) -> IntArray:
    """Cut faces of three or four corners into triangles."""
    cut = [
        (face[0], face[k], face[k + 1]) for face in faces for k in range(1, len(face) - 1)
    ]
    return np.array(cut, np.int64)
