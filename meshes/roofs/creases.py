"""Find the creases of surfaces that are the highest of the lowest of planes."""

from dataclasses import dataclass

import numpy as np

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.creases_kernel import crease_pieces

TIE = 1e-7
"""Planes this near to the surface at a place belong to it there [m]."""

SHORTEST = 1e-7
"""Shorter pieces of a crease are nothing [m]; less than what `tracing` joins."""

MOST_VALUES = 4_000_000
"""Values held at a time while places are compared with planes."""


@dataclass(frozen=True)
class Surfaces:
    """Surfaces over outlines of one pattern: of as many sides, planes and pieces each.

    The height at a place is the largest over the pieces of the least over their planes.

    Attributes
    ----------
    planes : (b, e, 3) float
        Height of a place: ``x, y, 1`` times a row [m].
    pieces : (b, r, m) int
        Planes of each piece; repeated where a piece has fewer than m.
    start, end : (b, n, 2) float
        Ends of the outlines' edges [m], inside to the left.
    """

    planes: FloatArray
    pieces: IntArray
    start: FloatArray
    end: FloatArray

    def heights(self, owner: IntArray, xy: FloatArray) -> FloatArray:
        """Return the height of places on the surfaces of their owners, (q,) [m]."""
        return np.concatenate(
            [
                self._pick(owner[some], self._planes_at(owner[some], xy[some]))[0]
                for some in self._blocks(len(xy))
            ]
        )

    def labels(self, owner: IntArray, xy: FloatArray, toward: FloatArray) -> IntArray:
        """Return the plane of each place, just beside it in a direction, (q,) int."""
        return np.concatenate(
            [self._label(owner[k], xy[k], toward[k]) for k in self._blocks(len(xy))]
        )

    def _label(self, owner: IntArray, xy: FloatArray, toward: FloatArray) -> IntArray:
        """Planes beside places: among those that tie, by how they rise."""
        value = self._planes_at(owner, xy)
        height = self._pick(owner, value)[0][:, None]
        gradient = self.planes[owner][..., :2]
        rise = gradient[..., 0] * toward[:, :1] + gradient[..., 1] * toward[:, 1:]
        far = np.where(value > height, np.inf, -np.inf)
        return self._pick(owner, np.where(np.abs(value - height) < TIE, rise, far))[1]

    def _planes_at(self, owner: IntArray, xy: FloatArray) -> FloatArray:
        """Height of every plane at places, (q, e)."""
        plane = self.planes[owner]
        values: FloatArray = (
            plane[..., 0] * xy[:, :1] + plane[..., 1] * xy[:, 1:] + plane[..., 2]
        )
        return values

    def _pick(self, owner: IntArray, values: FloatArray) -> tuple[FloatArray, IntArray]:
        """Largest over the pieces of the least over their planes, and which plane it is."""
        rows = np.arange(len(owner))
        best = np.full(len(owner), -np.inf)
        label = np.zeros(len(owner), np.int64)
        for piece in range(self.pieces.shape[1]):
            planes = self.pieces[owner, piece]
            lowest, lower = values[rows, planes[:, 0]], planes[:, 0]
            for k in range(1, planes.shape[1]):
                other = values[rows, planes[:, k]]
                less = other < lowest
                lowest = np.where(less, other, lowest)
                lower = np.where(less, planes[:, k], lower)
            better = lowest > best
            best = np.where(better, lowest, best)
            label = np.where(better, lower, label)
        return best, label

    def _blocks(self, count: int) -> list[slice]:
        """Split places so that not too many values are held at a time."""
        step = max(1, MOST_VALUES // (8 * self.planes.shape[1]))
        return [slice(k, k + step) for k in range(0, max(count, 1), step)]


@dataclass(frozen=True)
class Creases:
    """Straight pieces of creases.

    Attributes
    ----------
    owner : (s,) int
        Surface of each.
    ends : (s, 2, 2) float
        From where to where [m].
    left, right : (s,) int
        Planes on both sides, seen along the piece.
    """

    owner: IntArray
    ends: FloatArray
    left: IntArray
    right: IntArray


def find_creases(surfaces: Surfaces) -> Creases:
    """Find where surfaces break within their outlines.

    Parameters
    ----------
    surfaces : Surfaces
        Of one pattern.

    Returns
    -------
    Creases
        Pieces that meet at their ends only, within rounding.

    Notes
    -----
    Wherever a surface breaks two of its planes cross. So the crossing line of every pair
    is cut where it meets any other plane or an edge of the outline, and of these pieces
    those are kept that lie within the outline and on the surface, with another plane on
    either side.
    """
    who, where = crease_pieces(
        surfaces.planes, surfaces.pieces, surfaces.start, surfaces.end, TIE, SHORTEST
    )
    return Creases(who[:, 0], where.reshape(-1, 2, 2), who[:, 1], who[:, 2])
