"""Hold planar polygons with rings as flat arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import GeometryError

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Polygons:
    """Planar polygons in space; ring 0 of each is its outline, the others are holes.

    Attributes
    ----------
    vertices : (v, 3) float
        Corners [m], east, north, up, relative to a local origin. Rings are open
        (the first corner is not repeated); outlines turn counter-clockwise seen
        against the normal, holes clockwise.
    ring_start : (r + 1,) int
        Ring ``k`` owns ``vertices[ring_start[k]:ring_start[k + 1]]``.
    polygon_start : (p + 1,) int
        Polygon ``k`` owns rings ``polygon_start[k]:polygon_start[k + 1]``.
    normal : (p, 3) float
        Unit normals.
    area : (p,) float
        Areas without the holes [m2].
    """

    vertices: FloatArray
    ring_start: IntArray
    polygon_start: IntArray
    normal: FloatArray
    area: FloatArray

    def __len__(self) -> int:
        """Return the number of polygons."""
        return len(self.polygon_start) - 1

    @property
    def vertex_start(self) -> IntArray:
        """(p + 1,) int: first corner of each polygon."""
        return self.ring_start[self.polygon_start]

    def rings(self, polygon: int) -> list[FloatArray]:
        """Return the rings of one polygon, each (n, 3) float [m], the outline first."""
        first, last = self.polygon_start[polygon], self.polygon_start[polygon + 1]
        return [
            self.vertices[self.ring_start[k] : self.ring_start[k + 1]]
            for k in range(first, last)
        ]

    def take(self, chosen: IntArray) -> "Polygons":
        """Return the chosen polygons in the given order."""
        rings = _runs(self.polygon_start, chosen)
        corners = _runs(self.ring_start, rings)
        lengths, counts = (
            np.diff(self.ring_start)[rings],
            np.diff(self.polygon_start)[chosen],
        )
        return Polygons(
            vertices=self.vertices[corners],
            ring_start=np.r_[0, np.cumsum(lengths)],
            polygon_start=np.r_[0, np.cumsum(counts)],
            normal=self.normal[chosen],
            area=self.area[chosen],
        )

    def is_convex(self) -> NDArray[np.bool_]:
        """(p,) bool: a single ring that turns one way only, straight corners allowed."""
        _, end = self.edges()
        step = self.vertices[end] - self.vertices
        owner = np.repeat(np.arange(len(self)), np.diff(self.vertex_start))
        turn = np.einsum("vx,vx->v", np.cross(step, step[end]), self.normal[owner])
        left = np.bincount(owner, turn < 0, minlength=len(self)) == 0
        convex: NDArray[np.bool_] = left & (np.diff(self.polygon_start) == 1)
        return convex

    def edges(self) -> tuple[IntArray, IntArray]:
        """Return start and end corner of every edge, (v,) int each; edge k starts at k."""
        start = np.arange(len(self.vertices))
        end = start + 1
        end[self.ring_start[1:] - 1] = self.ring_start[:-1]
        return start, end

    def triangles(self) -> tuple[IntArray, IntArray]:
        """Cut all polygons into triangles of their own corners.

        Returns
        -------
        corners : (t, 3) int
            Indices into ``vertices``, counter-clockwise seen against the normal.
        polygon : (t,) int
            Polygon of each triangle.
        """
        corners: list[IntArray] = []
        owner: list[IntArray] = []
        counts = np.diff(self.vertex_start)
        simple = (counts == 4) & (np.diff(self.polygon_start) == 1)
        for p in np.flatnonzero(~simple):
            found = self._triangles_of(int(p))
            corners.append(found)
            owner.append(np.full(len(found), p))
        # A single ring of four corners may still be concave: only walls made by
        # extrusion and other parallelograms are split without looking.
        first = self.vertex_start[:-1][simple]
        quads = self.vertices[first[:, None] + np.arange(4)]
        skew = quads[:, 0] - quads[:, 1] + quads[:, 2] - quads[:, 3]
        flat = np.abs(skew).max(axis=1, initial=0.0) < 1e-6
        indices = np.flatnonzero(simple)
        for p in indices[~flat]:
            found = self._triangles_of(int(p))
            corners.append(found)
            owner.append(np.full(len(found), p))
        base = first[flat]
        for pattern in ((0, 1, 2), (0, 2, 3)):
            corners.append(base[:, None] + np.array(pattern))
            owner.append(indices[flat])
        joined, polygon = np.concatenate(corners), np.concatenate(owner)
        order = np.argsort(polygon, kind="stable")
        return joined[order], polygon[order]

    def _triangles_of(self, polygon: int) -> IntArray:
        """Cut one polygon by a constrained Delaunay triangulation in its plane."""
        u, v = plane_axes(self.normal[polygon])
        rings = self.rings(polygon)
        flat = [np.c_[ring @ u, ring @ v] for ring in rings]
        pieces = shapely.constrained_delaunay_triangles(shapely.Polygon(flat[0], flat[1:]))
        first = int(self.ring_start[self.polygon_start[polygon]])
        lookup = {
            (x, y): first + k for k, (x, y) in enumerate(np.concatenate(flat).tolist())
        }
        found = np.empty((len(pieces.geoms), 3), np.int64)
        for k, piece in enumerate(pieces.geoms):
            ring = shapely.get_coordinates(piece)[:3]
            if (ring[1] - ring[0])[0] * (ring[2] - ring[0])[1] < (ring[1] - ring[0])[1] * (
                ring[2] - ring[0]
            )[0]:
                ring = ring[::-1]
            found[k] = [lookup[x, y] for x, y in ring.tolist()]
        return found


def _runs(start: IntArray, chosen: IntArray) -> IntArray:
    """List the members of the chosen runs, run after run."""
    lengths = np.diff(start)[chosen]
    ends = np.cumsum(lengths)
    shift = np.repeat(start[chosen] - (ends - lengths), lengths)
    members: IntArray = np.arange(lengths.sum()) + shift
    return members


def plane_axes(normal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return two unit vectors that span the plane and with the normal form a right hand."""
    helper = (
        np.array([0.0, 0.0, 1.0]) if abs(normal[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    )
    u = np.cross(helper, normal)
    u /= np.linalg.norm(u)
    return u, np.cross(normal, u)


def make_polygons(faces: Sequence[Sequence[FloatArray]]) -> Polygons:
    """Flatten faces given as rings and measure their normals and areas.

    Parameters
    ----------
    faces : sequence of sequence of (n, 3) float
        For each polygon its rings [m], outline first, counter-clockwise seen from
        outside, holes the other way round.

    Raises
    ------
    GeometryError
        If a ring has fewer than three corners or a polygon has no area.

    Notes
    -----
    Normal and area come from Newell's sum of cross products over all rings, which is
    exact for planar rings, concave ones and holes included.
    """
    rings = [np.asarray(ring, np.float64) for face in faces for ring in face]
    lengths = np.array([len(ring) for ring in rings], np.int64)
    if lengths.size and lengths.min() < 3:
        message = (
            f"each ring needs at least 3 corners, got {lengths.min()}; repair the outlines"
        )
        raise GeometryError(message)
    vertices = np.concatenate(rings) if rings else np.empty((0, 3))
    ring_start = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    polygon_start = np.r_[0, np.cumsum([len(face) for face in faces])].astype(np.int64)
    following = np.arange(1, len(vertices) + 1)
    following[ring_start[1:] - 1] = ring_start[:-1]
    # Cross products relative to each polygon's first corner keep the digits.
    per_polygon = np.diff(ring_start[polygon_start])
    anchor = np.repeat(vertices[ring_start[polygon_start[:-1]]], per_polygon, axis=0)
    cross = np.cross(vertices - anchor, vertices[following] - anchor)
    sums = np.add.reduceat(cross, ring_start[polygon_start[:-1]]) if rings else cross
    length = np.linalg.norm(sums, axis=1)
    if length.size and length.min() <= 1e-9:
        message = (
            f"polygon {int(length.argmin())} has no area; drop or repair degenerate faces"
        )
        raise GeometryError(message)
    return Polygons(vertices, ring_start, polygon_start, sums / length[:, None], length / 2)
