"""Gather the faces of roofed buildings while they are made in groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.polygons import FloatArray, IntArray, polygons_from_rings
from meshes.solids import Kind, Solids


@dataclass(frozen=True)
class Shells:
    """Faces of some buildings, in any order.

    Attributes
    ----------
    vertices : (v, 3) float
        Corners [m], relative to the origin.
    ring_start, polygon_start : int
        As in `meshes.polygons.Polygons`.
    kind : (p,) int8
        `meshes.solids.Kind` of each face.
    rank : (p,) int
        Place of a face among those of its kind and building.
    plot : (p,) int
        Building of each face.
    """

    vertices: FloatArray
    ring_start: IntArray
    polygon_start: IntArray
    kind: NDArray[np.int8]
    rank: IntArray
    plot: IntArray

    def keep(self, plots: NDArray[np.bool_]) -> "Shells":
        """Return the faces of some buildings.

        Parameters
        ----------
        plots : (n,) bool
            Whether to keep each building of the table.
        """
        face = plots[self.plot]
        counts, lengths = np.diff(self.polygon_start), np.diff(self.ring_start)
        ring = np.repeat(face, counts)
        return Shells(
            self.vertices[np.repeat(ring, lengths)],
            np.r_[0, np.cumsum(lengths[ring])],
            np.r_[0, np.cumsum(counts[face])],
            self.kind[face],
            self.rank[face],
            self.plot[face],
        )


def join_shells(shells: Sequence[Shells]) -> Shells:
    """Put groups of buildings together."""
    lengths = [np.diff(one.ring_start) for one in shells]
    counts = [np.diff(one.polygon_start) for one in shells]
    nothing = np.empty(0, np.int64)
    return Shells(
        np.concatenate([np.empty((0, 3)), *(one.vertices for one in shells)]),
        np.r_[0, np.cumsum(np.concatenate([nothing, *lengths]))],
        np.r_[0, np.cumsum(np.concatenate([nothing, *counts]))],
        np.concatenate([nothing, *(one.kind for one in shells)]).astype(np.int8),
        np.concatenate([nothing, *(one.rank for one in shells)]),
        np.concatenate([nothing, *(one.plot for one in shells)]),
    )


def shells_from_template(
    corners: FloatArray,
    faces: Sequence[tuple[Kind, int, Sequence[int]]],
    plots: IntArray,
    *,
    turn: IntArray | None = None,
) -> Shells:
    """Make many buildings of one pattern.

    Parameters
    ----------
    corners : (b, k, 3) float
        Corners of each building [m].
    faces : sequence of (kind, rank, corners)
        One ring each, counter-clockwise seen from outside.
    plots : (b,) int
        Numbers of the buildings.
    turn : (b,) int, optional
        By how much the ranks of the walls are turned, where the pattern's first wall is
        not the building's.
    """
    count = len(corners)
    kind = np.array([kind for kind, _, _ in faces], np.int8)
    lengths = np.array([len(ring) for _, _, ring in faces], np.int64)
    rank = np.tile(np.array([rank for _, rank, _ in faces], np.int64), (count, 1))
    if turn is not None:
        walls = kind == Kind.WALL
        rank[:, walls] = (rank[:, walls] + turn[:, None]) % int(walls.sum())
    index = np.array([corner for _, _, ring in faces for corner in ring], np.int64)
    return Shells(
        vertices=corners[:, index].reshape(-1, 3),
        ring_start=np.r_[0, np.cumsum(np.tile(lengths, count))],
        polygon_start=np.arange(count * len(faces) + 1),
        kind=np.tile(kind, count),
        rank=rank.ravel(),
        plot=np.repeat(plots, len(faces)).astype(np.int64),
    )


def shells_from_solids(solids: Solids, plots: IntArray) -> Shells:
    """Take the faces of solids whose parts are these buildings."""
    first = np.searchsorted(solids.part, np.arange(len(solids.parts)))
    return Shells(
        vertices=solids.faces.vertices,
        ring_start=solids.faces.ring_start,
        polygon_start=solids.faces.polygon_start,
        kind=solids.kind,
        rank=np.arange(len(solids.faces)) - first[solids.part],
        plot=plots[solids.part].astype(np.int64),
    )


def solids_from_shells(
    shells: Shells, *, parts: tuple[str, ...], origin: FloatArray
) -> Solids:
    """Bring the faces into order: by building, then roofs, walls and ground.

    Parameters
    ----------
    shells : Shells
        All buildings.
    parts : tuple of str
        Ids of the buildings, in their order.
    origin : (3,) float
        Local origin [m].

    Raises
    ------
    GeometryError
        If a face has no area.
    """
    order = np.lexsort((shells.rank, shells.kind, shells.plot))
    rings, ring_start = members(shells.polygon_start, order)
    corners, corner_start = members(shells.ring_start, rings)
    faces = polygons_from_rings(shells.vertices[corners], corner_start, ring_start)
    return Solids(
        faces=faces,
        kind=shells.kind[order],
        part=shells.plot[order].astype(np.int32),
        parts=parts,
        origin=origin,
    )


def members(start: IntArray, order: IntArray) -> tuple[IntArray, IntArray]:
    """List the members of runs in a new order, and where the runs now start."""
    lengths = np.diff(start)[order]
    starts = np.r_[0, np.cumsum(lengths)]
    return np.arange(starts[-1]) + np.repeat(start[order] - starts[:-1], lengths), starts
