"""Hold planar polygons with rings as flat arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
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
        counts = np.diff(self.vertex_start)
        # Extruded walls and other parallelograms are split without looking; another
        # ring of four corners may be concave.
        indices = np.flatnonzero((counts == 4) & (np.diff(self.polygon_start) == 1))
        quads = self.vertices[self.vertex_start[indices][:, None] + np.arange(4)]
        skew = quads[:, 0] - quads[:, 1] + quads[:, 2] - quads[:, 3]
        indices = indices[np.abs(skew).max(axis=1, initial=0.0) < 1e-6]
        three = np.flatnonzero(counts == 3)
        rest = np.ones(len(self), np.bool_)
        rest[indices] = rest[three] = False
        found, of = self._triangulate(np.flatnonzero(rest))
        base = self.vertex_start[indices][:, None]
        joined = np.concatenate(
            [
                found,
                self.vertex_start[three][:, None] + np.arange(3),
                base + np.array((0, 1, 2)),
                base + np.array((0, 2, 3)),
            ]
        )
        polygon = np.concatenate([of, three, indices, indices])
        order = np.argsort(polygon, kind="stable")
        return joined[order], polygon[order]

    def _triangulate(self, chosen: IntArray) -> tuple[IntArray, IntArray]:
        """Cut polygons by constrained Delaunay triangulations in their planes."""
        some = self.take(chosen)
        flat, shapes = some.in_plane()
        triangles, polygon = shapely.get_parts(
            shapely.constrained_delaunay_triangles(shapes), return_index=True
        )
        xy = shapely.get_coordinates(triangles).reshape(-1, 4, 2)[:, :3]
        one, other = xy[:, 1] - xy[:, 0], xy[:, 2] - xy[:, 0]
        right = one[:, 0] * other[:, 1] < one[:, 1] * other[:, 0]
        xy[right] = xy[right, ::-1]
        # A triangle's corner is the polygon's corner of the same place.
        owner = np.repeat(np.arange(len(some)), np.diff(some.vertex_start))
        place = number_points(
            np.concatenate([flat, xy.reshape(-1, 2)]),
            group=np.concatenate([owner, np.repeat(polygon, 3)]),
        )
        corner = np.empty(place.max(initial=-1) + 1, np.int64)
        corner[place[: len(flat)]] = np.arange(len(flat))
        local = corner[place[len(flat) :]]
        shift = (self.vertex_start[chosen] - some.vertex_start[:-1])[owner[local]]
        return (local + shift).reshape(-1, 3), chosen[polygon]

    def in_plane(self) -> tuple[FloatArray, NDArray[np.object_]]:
        """Lay every polygon flat.

        Returns
        -------
        corners : (v, 2) float
            Corners [m] along the two axes of `plane_axes`, seen against the normal.
        shapes : (p,) object
            The same as shapely polygons, valid or not.
        """
        u, v = plane_axes(self.normal)
        owner = np.repeat(np.arange(len(self)), np.diff(self.vertex_start))
        flat = np.stack(
            [np.einsum("vx,vx->v", self.vertices, axis[owner]) for axis in (u, v)], axis=1
        )
        ring = np.repeat(np.arange(len(self.ring_start) - 1), np.diff(self.ring_start))
        rings = shapely.linearrings(flat, indices=ring)
        polygon = np.repeat(np.arange(len(self)), np.diff(self.polygon_start))
        shapes = (
            shapely.polygons(rings, indices=polygon)
            if len(rings)
            else np.empty(0, np.object_)
        )
        return flat, shapes


def number_points(points: FloatArray, *, group: IntArray) -> IntArray:
    """Give equal points of one group, and only these, the same number.

    Parameters
    ----------
    points : (n, d) float
        Coordinates; they are compared exactly.
    group : (n,) int
        From 0 on.

    Returns
    -------
    (n,) int
        From 0 on, without gaps, in order of first appearance.
    """
    # Hashing column after column is ten times faster than sorting rows.
    number = pd.factorize(group)[0].astype(np.int64)
    for column in points.T:
        code, values = pd.factorize(column, use_na_sentinel=False)
        number = pd.factorize(number * len(values) + code)[0].astype(np.int64)
    return number


def _runs(start: IntArray, chosen: IntArray) -> IntArray:
    """List the members of the chosen runs, run after run."""
    lengths = np.diff(start)[chosen]
    ends = np.cumsum(lengths)
    shift = np.repeat(start[chosen] - (ends - lengths), lengths)
    members: IntArray = np.arange(lengths.sum()) + shift
    return members


def plane_axes(normal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return two unit vectors that span the plane and with the normal form a right hand.

    Parameters
    ----------
    normal : (..., 3) float
        Unit normals.

    Returns
    -------
    (..., 3) float, twice
    """
    steep = np.abs(normal[..., 2:]) < 0.9
    helper = np.where(steep, np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]))
    u = np.cross(helper, normal)
    u /= np.linalg.norm(u, axis=-1, keepdims=True)
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
    return polygons_from_rings(
        np.concatenate(rings) if rings else np.empty((0, 3)),
        np.r_[0, np.cumsum([len(ring) for ring in rings])].astype(np.int64),
        np.r_[0, np.cumsum([len(face) for face in faces])].astype(np.int64),
    )


def polygons_from_rings(
    vertices: FloatArray, ring_start: IntArray, polygon_start: IntArray
) -> Polygons:
    """Measure normals and areas of faces that lie in flat arrays already.

    Parameters
    ----------
    vertices, ring_start, polygon_start
        As in `Polygons`; they are kept, not copied.

    Raises
    ------
    GeometryError
        If a ring has fewer than three corners or a polygon has no area.

    See Also
    --------
    make_polygons : the same of lists, and where normal and area come from.
    """
    lengths = np.diff(ring_start)
    if lengths.size and lengths.min() < 3:
        message = (
            f"each ring needs at least 3 corners, got {lengths.min()}; repair the outlines"
        )
        raise GeometryError(message)
    if not (np.diff(polygon_start) > 0).all():
        message = "each polygon needs an outline, got one without rings; leave it out"
        raise GeometryError(message)
    sums = newell_sums(vertices, ring_start, polygon_start)
    length = np.linalg.norm(sums, axis=1)
    # Written so that NaN is refused too.
    if length.size and not length.min() > 1e-9:
        message = (
            f"polygon {int(length.argmin())} has no area; drop or repair degenerate faces"
        )
        raise GeometryError(message)
    return Polygons(vertices, ring_start, polygon_start, sums / length[:, None], length / 2)


def newell_sums(
    vertices: FloatArray, ring_start: IntArray, polygon_start: IntArray
) -> FloatArray:
    """Return twice the area vector of each polygon, (p, 3) float [m2]."""
    if not len(polygon_start) > 1:
        return np.empty((0, 3))
    first = ring_start[polygon_start]
    following = np.arange(1, len(vertices) + 1)
    following[ring_start[1:] - 1] = ring_start[:-1]
    # Cross products relative to each polygon's first corner keep the digits.
    spoke = vertices - np.repeat(vertices[first[:-1]], np.diff(first), axis=0)
    sums: FloatArray = np.add.reduceat(np.cross(spoke, spoke[following]), first[:-1])
    return sums
