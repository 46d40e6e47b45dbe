"""Hold triangles that know which surface they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]


NO_RIM = 1e6
"""Marks edges that are not drawn; further away than anything [m]."""


class Surface(IntEnum):
    """What a triangle shows."""

    ROOF = 0
    WALL = 1
    GROUND = 2
    QUAY = 3
    WATER = 4
    CROWN = 5
    TRUNK = 6


@dataclass(frozen=True)
class Triangles:
    """Triangles with meaning, relative to a local origin.

    Attributes
    ----------
    corners : (t, 3, 3) float32
        Corners [m], east, north, up.
    normals : (t, 3, 3) float32
        Unit normal at each corner; equal ones make a flat face, others a round one.
    surface : (t,) int8
        `Surface` of each triangle.
    facet : (t,) int32
        Facet that receives light, -1 for none.
    rim : (t, 3) float32
        Height of the triangle over the edge opposite each corner [m] where that edge is
        an edge of the body to be drawn, else `NO_RIM`: the weight of the corner times
        this is the distance of a place from the drawn edge.
    """

    corners: Float32Array
    normals: Float32Array
    surface: NDArray[np.int8]
    facet: Int32Array
    rim: Float32Array

    def __len__(self) -> int:
        """Return the number of triangles."""
        return len(self.surface)


def make_triangles(
    corners: ArrayLike,
    surface: Surface,
    *,
    normals: ArrayLike | None = None,
) -> Triangles:
    """Give plain triangles a meaning.

    Parameters
    ----------
    corners : (t, 3, 3) float
        Corners [m, local].
    surface : Surface
        What they all show.
    normals : (t, 3, 3) float, optional
        Normals at the corners; by default those of the flat triangles, by the right hand.
    """
    places = np.asarray(corners, np.float64).reshape(-1, 3, 3)
    given = (
        flat_normals(places) if normals is None else np.asarray(normals).reshape(-1, 3, 3)
    )
    return Triangles(
        corners=places.astype(np.float32),
        normals=given.astype(np.float32),
        surface=np.full(len(places), surface, np.int8),
        facet=np.full(len(places), -1, np.int32),
        rim=np.full((len(places), 3), NO_RIM, np.float32),
    )


def flat_normals(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit normal of each triangle at its three corners, (t, 3, 3) float."""
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    unit = np.divide(normal, length, out=np.zeros_like(normal), where=length > 0.0)
    return np.repeat(unit[:, None, :], 3, axis=1)


def rim_heights(corners: NDArray[np.float64], is_drawn: NDArray[np.bool_]) -> Float32Array:
    """Return the heights over drawn edges, (t, 3), see `Triangles.rim`.

    Parameters
    ----------
    corners : (t, 3, 3) float
        Corners [m].
    is_drawn : (t, 3) bool
        Whether the edge opposite each corner is drawn.
    """
    following, last = np.roll(corners, -1, axis=1), np.roll(corners, -2, axis=1)
    length = np.linalg.norm(last - following, axis=2)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    double_area = np.linalg.norm(normal, axis=1)[:, None]
    height = np.divide(double_area, length, out=np.zeros_like(length), where=length > 0.0)
    return np.where(is_drawn, height, NO_RIM).astype(np.float32)


def join_triangles(pieces: Sequence[Triangles]) -> Triangles:
    """Put triangles one after another."""
    return Triangles(
        corners=np.concatenate([piece.corners for piece in pieces]),
        normals=np.concatenate([piece.normals for piece in pieces]),
        surface=np.concatenate([piece.surface for piece in pieces]),
        facet=np.concatenate([piece.facet for piece in pieces]),
        rim=np.concatenate([piece.rim for piece in pieces]),
    )


def quads(a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike) -> NDArray[np.float64]:
    """Cut quadrilaterals a-b-c-d, each (n, 3) float, into (2 n, 3, 3) triangles."""
    corners = np.stack([np.asarray(k, np.float64) for k in (a, b, c, d)], axis=-2)
    cut = corners[..., [[0, 1, 2], [0, 2, 3]], :]
    halves: NDArray[np.float64] = cut.reshape(-1, 3, 3)
    return halves
