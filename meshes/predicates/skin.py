"""Lay the faces of solids open for checks: which corner, edge, face and part is where."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gis.errors import GeometryError
from meshes.polygons import FloatArray, IntArray, Polygons, number_points
from meshes.solids import Solids

BoolArray = NDArray[np.bool_]

CONTACT = 1e-6
"""Distance at which things touch [m]: far above the rounding of coordinates of 10 km
(2e-12), far below the 0.1 mm grid on which models are written."""


@dataclass(frozen=True)
class Skin:
    """Solids with everything that checks ask again and again.

    A slot is a place in ``solids.faces.vertices``; slot k also stands for the edge that
    starts there.

    Attributes
    ----------
    solids : Solids
        As they are, but that 0 stands for coordinates that are no numbers.
    finite : (v,) bool
        Slots whose coordinates are numbers.
    ring, face, part : (v,) int
        Of each slot.
    end : (v,) int
        Slot at the end of each edge.
    corner : (v,) int
        Number of the corner at each slot: equal where part and coordinates are, bit by bit.
    vector : (f, 3) float
        Area vectors of the faces [m2], measured from their corners.
    """

    solids: Solids
    finite: BoolArray
    ring: IntArray
    face: IntArray
    part: IntArray
    end: IntArray
    corner: IntArray
    vector: FloatArray

    @property
    def vertices(self) -> FloatArray:
        """(v, 3) float: place of each slot [m]."""
        return self.solids.faces.vertices

    @property
    def corner_count(self) -> int:
        """Number of different corners."""
        return int(self.corner.max(initial=-1)) + 1

    def ring_vectors(self) -> FloatArray:
        """Return the area vector of each ring, (r, 3) float [m2]."""
        first = np.minimum(self.solids.faces.ring_start[:-1], len(self.vertices) - 1)
        return self._sums(first[self.ring], self.ring, len(first))

    def _sums(self, anchor: IntArray, owner: IntArray, count: int) -> FloatArray:
        """Sum half the cross products of edges by ring or face."""
        one = self.vertices - self.vertices[anchor]
        other = self.vertices[self.end] - self.vertices[anchor]
        return by_group(np.cross(one, other) / 2, owner, count)

    def sound_polygons(self, faces: IntArray) -> Polygons:
        """Return some faces with the normals and areas that their corners make."""
        area = np.linalg.norm(self.vector[faces], axis=1)
        taken = self.solids.faces.take(faces)
        normal = self.vector[faces] / np.maximum(area, np.finfo(float).tiny)[:, None]
        return replace(taken, normal=normal, area=area)

    def slots_of(self, faces: IntArray) -> IntArray:
        """Return the slots of some faces, in the order of `Polygons.take`."""
        start = self.solids.faces.vertex_start
        lengths = np.diff(start)[faces]
        ends = np.cumsum(lengths)
        slots: IntArray = np.arange(lengths.sum()) + np.repeat(
            start[faces] - (ends - lengths), lengths
        )
        return slots


def by_group(values: FloatArray, group: IntArray, count: int) -> FloatArray:
    """Sum rows by group: (n, d) float to (count, d) float."""
    columns = [np.bincount(group, column, minlength=count) for column in values.T]
    return np.stack(columns, axis=1)


def lay_open(solids: Solids) -> Skin:
    """Prepare solids for checks.

    Raises
    ------
    GeometryError
        If there is not one kind and one part for every face.
    """
    faces = solids.faces
    if not len(solids.kind) == len(solids.part) == len(faces):
        message = (
            f"each of the {len(faces)} faces must have a kind and a part, got "
            f"{len(solids.kind)} kinds and {len(solids.part)} parts"
        )
        raise GeometryError(message)
    astray = (solids.part < 0) | (solids.part >= len(solids.parts))
    if astray.any():
        first = int(np.argmax(astray))
        message = (
            f"each face must belong to one of the {len(solids.parts)} parts, got face "
            f"{first} of part {solids.part[first]}"
        )
        raise GeometryError(message)
    finite: BoolArray = np.asarray(np.isfinite(faces.vertices).all(axis=1))
    if not finite.all():
        known = np.where(finite[:, None], faces.vertices, 0.0)
        faces = replace(faces, vertices=known)
        solids = replace(solids, faces=faces)
    lengths = np.diff(faces.ring_start)
    ring = np.repeat(np.arange(len(lengths)), lengths)
    face_of_ring = np.repeat(np.arange(len(faces)), np.diff(faces.polygon_start))
    end = np.arange(1, len(faces.vertices) + 1)
    filled = lengths > 0
    end[faces.ring_start[1:][filled] - 1] = faces.ring_start[:-1][filled]
    face = face_of_ring[ring]
    part = solids.part.astype(np.int64)[face]
    skin = Skin(
        solids=solids,
        finite=finite,
        ring=ring,
        face=face,
        part=part,
        end=end,
        corner=number_points(faces.vertices, group=part),
        vector=np.empty((0, 3)),
    )
    # Over all rings from one anchor: holes are taken off and no digits are lost.
    anchor = np.minimum(faces.vertex_start[:-1], max(len(faces.vertices) - 1, 0))
    return replace(skin, vector=skin._sums(anchor[face], face, len(faces)))
