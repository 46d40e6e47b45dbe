"""Clean the faces of a city model until the light engine can take them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.faults import count_things
from gis.sources.cityjson_faces import VERTICAL
from gis.sources.geojson import build_polygons
from meshes.formats.cityjson_gather import BY_NORMAL, FaceTable
from meshes.formats.cityjson_turn import Edges, turn_outward
from meshes.polygons import FloatArray, IntArray, Polygons, make_polygons
from meshes.solids import Kind

PLANAR = 0.01
"""Distance of a corner from its face's plane above which the face is cut [m]."""

LEAST_AREA = 1e-6
"""Area below which a face is none [m2]: a square of a millimetre."""

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class CleanFaces:
    """Planar faces with an area.

    Attributes
    ----------
    polygons : Polygons
        The faces [m], in the frame that was asked for.
    source : (f,) int
        Face of the table that each comes from.
    closed : (s,) bool
        Of each shell whether it is closed, before faces without area went.
    """

    polygons: Polygons
    source: IntArray
    closed: BoolArray


@dataclass(frozen=True)
class _Rings:
    """Corners of all rings with what is known of their faces.

    ``place`` numbers the corners so that equal places have equal numbers.
    """

    xyz: FloatArray
    place: IntArray
    size: IntArray
    face: IntArray

    @property
    def start(self) -> IntArray:
        """First corner of each ring."""
        start: IntArray = np.cumsum(self.size) - self.size
        return start

    @property
    def is_outer(self) -> BoolArray:
        """Whether a ring is the first of its face."""
        outer: BoolArray = np.r_[True, self.face[1:] != self.face[:-1]][: len(self.face)]
        return outer

    def next_corner(self) -> IntArray:
        """Return the corner that follows each, around its ring."""
        after = np.arange(1, len(self.xyz) + 1)
        after[self.start + self.size - 1] = self.start
        return after

    def keep(self, rings: BoolArray) -> "_Rings":
        """Return the chosen rings."""
        corners = np.repeat(rings, self.size)
        return _Rings(
            self.xyz[corners], self.place[corners], self.size[rings], self.face[rings]
        )

    def reverse(self, rings: BoolArray) -> "_Rings":
        """Return the rings, the chosen ones walked the other way."""
        ring = np.repeat(np.arange(len(self.size)), self.size)
        position = np.arange(len(self.xyz)) - self.start[ring]
        back = self.start[ring] + self.size[ring] - 1 - position
        order = np.where(rings[ring], back, np.arange(len(self.xyz)))
        return replace(self, xyz=self.xyz[order], place=self.place[order])

    def normals(self) -> FloatArray:
        """Return the normal of each ring, as long as twice its area (Newell's sum)."""
        if not len(self.size):
            return np.empty((0, 3))
        from_start = self.xyz - np.repeat(self.xyz[self.start], self.size, axis=0)
        cross = np.cross(from_start, from_start[self.next_corner()])
        sums: FloatArray = np.add.reduceat(cross, self.start)
        return sums


def clean_faces(
    table: FaceTable,
    points: FloatArray,
    origin: FloatArray,
    *,
    turn: bool,
    notes: list[str],
) -> CleanFaces:
    """Clean faces: drop what is no face, turn what looks inward, cut what is not planar.

    Parameters
    ----------
    table : FaceTable
        Rings of vertex numbers.
    points : (v, 3) float
        Vertices [m], NaN where a coordinate is absurd.
    origin : (3,) float
        What the local frame starts from [m].
    turn : bool
        Whether the shells bound volumes, so that outside is known.
    notes : list of str
        Extended by what was done, with counts.

    Returns
    -------
    CleanFaces
        Corners that are not moved keep their bits.
    """
    rings = _usable_rings(table, points, origin, notes)
    normal = rings.normals()
    owner = rings.face[rings.is_outer]
    outer = np.zeros((len(table.body), 3))
    outer[owner] = normal[rings.is_outer]
    astray = ~rings.is_outer & (np.einsum("rx,rx->r", normal, outer[rings.face]) > 0)
    if astray.any():
        notes.append(f"{count_things(int(astray.sum()), 'hole')} turned against its face")
        rings = rings.reverse(astray)
        normal[astray] *= -1
    total = np.zeros_like(outer)
    for axis in range(3):
        total[:, axis] = np.bincount(rings.face, normal[:, axis], minlength=len(outer))
    closed = np.zeros(len(table.is_surface), bool)
    if turn:
        flip, closed = _turn(rings, table, total, notes)
        rings = rings.reverse(flip[rings.face])
        total[flip] *= -1
    area = np.linalg.norm(total, axis=1) / 2
    there = np.zeros(len(area), bool)
    there[owner] = True
    thin = there & (area < LEAST_AREA)
    if thin.any():
        notes.append(f"{count_things(int(thin.sum()), 'face')} without area left out")
        rings = rings.keep(~thin[rings.face])
    return _planar(rings, total, closed, notes)


def kinds_of(polygons: Polygons, label: IntArray, notes: list[str]) -> NDArray[np.int8]:
    """Tell what faces are, by their label or else by the direction they look to.

    Parameters
    ----------
    polygons : Polygons
        Faces turned outward.
    label : (f,) int
        `Kind` or `BY_NORMAL`.
    notes : list of str
        Extended by how many were told by direction.

    Returns
    -------
    (f,) int8
        `Kind`; what looks down from a roof is an underside, as the ground face is.
    """
    up = polygons.normal[:, 2]
    seen = np.select([up > VERTICAL, up < -VERTICAL], [Kind.ROOF, Kind.GROUND], Kind.WALL)
    untold = label == BY_NORMAL
    untold |= (label == Kind.UNDERSIDE) & (up >= -VERTICAL)
    if untold.any():
        count = count_things(int(untold.sum()), "face")
        notes.append(f"{count} without a fitting label told by the direction it looks to")
    under = (label == Kind.ROOF) & (up < -VERTICAL)
    if under.any():
        count = count_things(int(under.sum()), "roof face")
        notes.append(f"{count} that looks down taken as an underside")
    kind = np.where(untold | under, seen, label)
    return kind.astype(np.int8)


def _usable_rings(
    table: FaceTable, points: FloatArray, origin: FloatArray, notes: list[str]
) -> _Rings:
    """Return rings of three corners and more at sane places, of faces with an outline."""
    xyz = points[table.corner] - origin
    _, place = np.unique(xyz, axis=0, return_inverse=True)
    rings = _Rings(xyz, place.reshape(-1).astype(np.int64), table.size, table.face)
    rings = rings.keep(rings.size > 0)
    ring = np.repeat(np.arange(len(rings.size)), rings.size)
    absurd = np.zeros(len(table.body), bool)
    absurd[rings.face[ring[np.isnan(rings.xyz).any(axis=1)]]] = True
    if absurd.any():
        count = count_things(int(absurd.sum()), "face")
        notes.append(f"{count} with an absurd coordinate left out")
    repeated = rings.place == rings.place[rings.next_corner()]
    if repeated.any():
        count = count_things(int(repeated.sum()), "repeated corner")
        notes.append(f"{count} left out")
    size = np.bincount(ring[~repeated], minlength=len(rings.size))
    kept = ~repeated
    rings = _Rings(rings.xyz[kept], rings.place[kept], size, rings.face)
    # A face whose outline has gone is gone; its holes must not take the outline's place.
    first = np.r_[True, table.face[1:] != table.face[:-1]][: len(table.face)]
    first = first[table.size > 0]
    whole = np.zeros(len(table.body), bool)
    whole[rings.face[first & (size >= 3)]] = True
    lost = len(table.body) - int((whole | absurd).sum())
    if lost:
        notes.append(f"{count_things(lost, 'face')} of fewer than three corners left out")
    return rings.keep((size >= 3) & whole[rings.face] & ~absurd[rings.face])


def _turn(
    rings: _Rings, table: FaceTable, total: FloatArray, notes: list[str]
) -> tuple[BoolArray, BoolArray]:
    """Find faces to be turned and shells that are closed."""
    face = np.repeat(rings.face, rings.size)
    edges = Edges(rings.place, rings.place[rings.next_corner()], face)
    # Volumes against a corner of the shell itself keep the digits.
    first = np.zeros((len(total), 3))
    outer = rings.is_outer
    first[rings.face[outer]] = rings.xyz[rings.start[outer]]
    anchor = np.zeros((len(table.is_surface), 3))
    weight = np.bincount(table.shell, minlength=len(anchor))
    for axis in range(3):
        sums = np.bincount(table.shell, first[:, axis], minlength=len(anchor))
        anchor[:, axis] = sums / np.maximum(weight, 1)
    flux = np.einsum("fx,fx->f", first - anchor[table.shell], total) / 6
    vote = total[:, 2] * np.select(
        [table.label == Kind.ROOF, table.label == Kind.GROUND], [1.0, -1.0], 0.0
    )
    turned = turn_outward(edges, table.shell, table.is_surface, flux, vote)
    count = int(turned.flip[np.unique(rings.face)].sum())
    if count:
        notes.append(f"{count_things(count, 'face')} turned outward")
    return turned.flip, turned.closed


def _planar(
    rings: _Rings, total: FloatArray, closed: BoolArray, notes: list[str]
) -> CleanFaces:
    """Cut the faces that are not planar or cross themselves."""
    if not len(rings.size):
        return CleanFaces(make_polygons([]), np.empty(0, np.int64), closed)
    index, local = np.unique(rings.face, return_inverse=True)
    length = np.linalg.norm(total[index], axis=1, keepdims=True)
    normal = total[index] / length
    first = np.flatnonzero(rings.is_outer)
    anchor = rings.xyz[rings.start[first]]
    corner = np.repeat(local, rings.size)
    offset = rings.xyz - anchor[corner]
    away = np.einsum("cx,cx->c", offset, normal[corner])
    spread = np.zeros(len(index))
    np.maximum.at(spread, corner, np.abs(away - _mean(away, corner, len(index))[corner]))
    axes = _plane_axes(normal)
    flat = np.einsum("cax,cx->ca", axes[corner], offset)
    shapes = build_polygons(flat, rings.size, np.ones(len(rings.size), bool), rings.face)
    bent = spread > PLANAR
    crossed = ~shapely.is_valid(shapes)
    ring_of_face = np.searchsorted(rings.face, index)
    ring_end = np.r_[ring_of_face[1:], len(rings.size)]
    faces: list[list[FloatArray]] = []
    source: list[int] = []
    start = rings.start
    for k, (a, b) in enumerate(zip(ring_of_face, ring_end, strict=True)):
        mine = [rings.xyz[start[r] : start[r] + rings.size[r]] for r in range(a, b)]
        pieces = [mine]
        if bent[k] or crossed[k]:
            low, high = start[a], start[b - 1] + rings.size[b - 1]
            shape = _Shape(
                shapes[k], flat[low:high], rings.xyz[low:high], anchor[k], axes[k]
            )
            pieces = list(_pieces(shape, cut=bool(bent[k])))
        faces += pieces
        source += [int(index[k])] * len(pieces)
    if bent.any():
        count = count_things(int(bent.sum()), "face")
        notes.append(f"{count} more than {PLANAR:g} m off its plane cut in triangles")
    if crossed.any():
        count = count_things(int(crossed.sum()), "face")
        notes.append(f"{count} that crosses or touches itself taken apart")
    return CleanFaces(make_polygons(faces), np.array(source, np.int64), closed)


def _plane_axes(normal: FloatArray) -> FloatArray:
    """Return two unit vectors in each plane, (n, 2, 3), a right hand with the normal."""
    steep = np.abs(normal[:, 2:]) < 0.9
    u = np.cross(np.where(steep, [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]), normal)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    return np.stack([u, np.cross(normal, u)], axis=1)


def _mean(values: FloatArray, owner: IntArray, count: int) -> FloatArray:
    """Return the mean of the values of each owner."""
    sums = np.bincount(owner, values, minlength=count)
    mean: FloatArray = sums / np.bincount(owner, minlength=count)
    return mean


@dataclass(frozen=True)
class _Shape:
    """A face drawn in its plane: outline, corners there and in space, and the plane."""

    outline: shapely.Polygon
    flat: FloatArray
    xyz: FloatArray
    anchor: FloatArray
    axes: FloatArray

    def lift(self, ring: shapely.LinearRing) -> FloatArray:
        """Bring a ring into space: corners to their place, others into the plane."""
        known = dict(zip(map(tuple, self.flat.tolist()), self.xyz, strict=True))
        return np.array(
            [
                known.get((x, y), self.anchor + x * self.axes[0] + y * self.axes[1])
                for x, y in shapely.get_coordinates(ring)[:-1].tolist()
            ]
        )


def _pieces(shape: _Shape, *, cut: bool) -> Iterator[list[FloatArray]]:
    """Yield valid pieces of one face in space, triangles if they are to be cut."""
    whole = shape.outline
    if not whole.is_valid:
        whole = shapely.make_valid(whole, method="structure", keep_collapsed=False)
    parts = [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]
    if cut:
        parts = [
            piece
            for part in parts
            for piece in shapely.get_parts(shapely.constrained_delaunay_triangles(part))
        ]
    for part in shapely.orient_polygons(np.array(parts, object)):
        lifted = [shape.lift(ring) for ring in (part.exterior, *part.interiors)]
        if _area(lifted) >= LEAST_AREA:
            yield lifted


def _area(rings: list[FloatArray]) -> float:
    """Return the area of a face in space, its holes turned against it."""
    twice = np.zeros(3)
    for ring in rings:
        spokes = ring - ring[0]
        twice += np.cross(spokes, np.roll(spokes, -1, axis=0)).sum(axis=0)
    return float(np.linalg.norm(twice)) / 2
