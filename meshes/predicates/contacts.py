"""Find faces that cut or touch each other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from meshes.polygons import FloatArray, IntArray
from meshes.predicates.skin import CONTACT, BoolArray, Skin

CHUNK = 200_000
"""Edges or triangles asked at once, so that memory stays bounded."""


NEARLY_PARALLEL = 0.99
"""Cosine between faces that may lie in one plane; two triangles higher than 0.02 mm that
lean more are not within `CONTACT` of each other's planes."""


@dataclass(frozen=True)
class Triangles:
    """Triangles of sound faces.

    Attributes
    ----------
    slots : (t, 3) int
        Their corners.
    face : (t,) int
        Face of each.
    normal : (t, 3) float
        Unit normals.
    places : (t, 3, 3) float
        Corner by corner [m].
    """

    slots: IntArray
    face: IntArray
    normal: FloatArray
    places: FloatArray

    def take(self, chosen: IntArray) -> "Triangles":
        """Return the chosen triangles."""
        return Triangles(
            self.slots[chosen],
            self.face[chosen],
            self.normal[chosen],
            self.places[chosen],
        )


@dataclass(frozen=True)
class Contacts:
    """Pairs of faces that meet where they should not.

    Attributes
    ----------
    faces : (n, 2) int
        Which.
    where : (n, 3) float
        A point of the contact [m].
    depth : (n,) float
        How far one reaches beyond the other [m]; 0 where they touch only.
    """

    faces: IntArray
    where: FloatArray
    depth: FloatArray


def cut_up(skin: Skin, sound: BoolArray) -> Triangles:
    """Cut the chosen faces into triangles; those lower than `CONTACT` are left out."""
    faces = np.flatnonzero(sound)
    polygons = skin.sound_polygons(faces)
    corners, owner = polygons.triangles()
    slots = skin.slots_of(faces)[corners]
    places = skin.vertices[slots]
    a, b, c = places[:, 0], places[:, 1], places[:, 2]
    cross = np.cross(b - a, c - a)
    size = np.linalg.norm(cross, axis=1)
    longest = np.sqrt(
        np.max([((p - q) ** 2).sum(1) for p, q in ((a, b), (b, c), (c, a))], 0)
    )
    # Of the sides of a sliver nothing is certain, and no fault is hidden in it.
    kept = size > CONTACT * longest
    return Triangles(
        slots[kept], faces[owner[kept]], cross[kept] / size[kept, None], places[kept]
    )


def find_contacts(skin: Skin, triangles: Triangles) -> Contacts:
    """Return the faces of one part that meet elsewhere than at common corners and edges.

    Parameters
    ----------
    skin : Skin
    triangles : Triangles
        Of closed surfaces only, each edge with two faces.

    Notes
    -----
    Two faces that lie in different planes meet in lines that end at the rim of one of
    them, so that edges against triangles find every cut. What comes nearer than `CONTACT`
    touches. An edge that starts at a corner of a face cannot cut it, which spares
    neighbours all questions of rounding. Faces in one plane are compared as triangles by
    the separating axes of the plane.
    """
    index = _Index(skin, triangles, _shift(skin))
    used = np.zeros(len(skin.solids.faces), np.bool_)
    used[triangles.face] = True
    slots = np.flatnonzero(used[skin.face] & (skin.corner < skin.corner[skin.end]))
    rims = _Rims(skin)
    found = [_empty()]
    for first in range(0, len(slots), CHUNK):
        chunk = slots[first : first + CHUNK]
        found += _cuts(skin, triangles, rims, *index.near_edges(chunk))
    for first in range(0, len(triangles.face), CHUNK):
        chunk = np.arange(first, min(first + CHUNK, len(triangles.face)))
        found += _coplanar(triangles, *index.near_triangles(chunk))
    faces = np.concatenate([f for f, _, _ in found])
    where = np.concatenate([w for _, w, _ in found])
    depth = np.concatenate([d for _, _, d in found])
    return Contacts(faces, where, depth)


Found = tuple[IntArray, FloatArray, FloatArray]


def _empty() -> Found:
    """Return no contacts."""
    return np.empty((0, 2), np.int64), np.empty((0, 3)), np.empty(0)


def _shift(skin: Skin) -> FloatArray:
    """Return for each part how far east to move it, so that boxes of parts lie apart."""
    count = len(skin.solids.parts)
    west, east = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(west, skin.part, skin.vertices[:, 0])
    np.maximum.at(east, skin.part, skin.vertices[:, 0])
    known = np.isfinite(west) & np.isfinite(east)
    width = np.where(known, east - west, 0.0) + 1.0
    return np.where(known, np.cumsum(width) - width - west, 0.0)


class _Index:
    """Boxes of triangles, to be asked which are near."""

    def __init__(self, skin: Skin, triangles: Triangles, shift: FloatArray) -> None:
        self._skin = skin
        self._low = triangles.places.min(axis=1) - CONTACT
        self._high = triangles.places.max(axis=1) + CONTACT
        self._shift = shift
        move = shift[skin.solids.part[triangles.face]]
        self._boxes = _boxes(self._low, self._high, move)
        self._tree = shapely.STRtree(self._boxes)
        self._face = triangles.face

    def near_edges(self, slots: IntArray) -> tuple[IntArray, IntArray]:
        """Return slots of edges and triangles of other faces whose boxes meet."""
        skin = self._skin
        one, other = skin.vertices[slots], skin.vertices[skin.end[slots]]
        low, high = np.minimum(one, other), np.maximum(one, other)
        boxes = _boxes(low, high, self._shift[skin.part[slots]])
        edge, triangle = self._tree.query(boxes)
        meet = (low[edge, 2] <= self._high[triangle, 2]) & (
            high[edge, 2] >= self._low[triangle, 2]
        )
        return slots[edge[meet]], triangle[meet]

    def near_triangles(self, chosen: IntArray) -> tuple[IntArray, IntArray]:
        """Return triangles and later ones of other faces whose boxes meet."""
        place, other = self._tree.query(self._boxes[chosen])
        one = chosen[place]
        meet = (
            (one < other)
            & (self._face[one] != self._face[other])
            & (self._low[one, 2] <= self._high[other, 2])
            & (self._high[one, 2] >= self._low[other, 2])
        )
        return one[meet], other[meet]


def _boxes(low: FloatArray, high: FloatArray, move: FloatArray) -> FloatArray:
    """Return boxes in plan, moved east."""
    boxes: FloatArray = shapely.box(
        low[:, 0] + move, low[:, 1], high[:, 0] + move, high[:, 1]
    )
    return boxes


class _Rims:
    """Corners and edges of each face, to be asked what belongs to it."""

    def __init__(self, skin: Skin) -> None:
        self._corner, self._count = skin.corner, skin.corner_count
        one, other = skin.corner, skin.corner[skin.end]
        pair = np.minimum(one, other) * self._count + np.maximum(one, other)
        self._edge, edges = pd.factorize(pair)
        self._edges = len(edges)
        self._corners_of = np.unique(skin.face * self._count + skin.corner)
        self._edges_of = np.unique(skin.face * self._edges + self._edge)

    def has_corner(self, face: IntArray, slot: IntArray) -> BoolArray:
        """Whether the corners at slots are corners of faces."""
        return _is_in(face * self._count + self._corner[slot], self._corners_of)

    def has_edge(self, face: IntArray, slot: IntArray) -> BoolArray:
        """Whether the edges from slots are edges of faces, whichever way."""
        return _is_in(face * self._edges + self._edge[slot], self._edges_of)


def _cuts(
    skin: Skin, triangles: Triangles, rims: _Rims, slot: IntArray, triangle: IntArray
) -> Iterator[Found]:
    """Find edges that cut or touch triangles of faces without common corners."""
    face = triangles.face[triangle]
    starts = rims.has_corner(face, slot)
    ends = rims.has_corner(face, skin.end[slot])
    # Most are edges of the face itself.
    asked = ~(starts & ends)
    asked[~asked] = ~rims.has_edge(face[~asked], slot[~asked])
    slot, triangle, face = slot[asked], triangle[asked], face[asked]
    starts, ends = starts[asked], ends[asked]
    normal, origin = triangles.normal[triangle], triangles.places[triangle, 0]
    here, there = skin.vertices[slot], skin.vertices[skin.end[slot]]
    above = np.einsum("nx,nx->n", here - origin, normal)
    beyond = np.einsum("nx,nx->n", there - origin, normal)

    apart = ~starts & ~ends & (above * beyond < 0)
    deep = np.minimum(np.abs(above), np.abs(beyond))
    k = np.flatnonzero(apart & (deep > CONTACT))
    share = above[k] / (above[k] - beyond[k])
    point = here[k] + share[:, None] * (there[k] - here[k])
    inside = _inside(triangles, triangle[k], point)
    k = k[inside]
    yield _found(skin, slot[k], face[k], point[inside], deep[k])

    for distance, place, member in ((above, here, starts), (beyond, there, ends)):
        k = np.flatnonzero(~member & (np.abs(distance) <= CONTACT))
        k = k[_inside(triangles, triangle[k], place[k])]
        yield _found(skin, slot[k], face[k], place[k], np.zeros(len(k)))

    # An edge between two corners of a face that is no edge of it may lie on the face.
    k = np.flatnonzero(starts & ends)
    middle = (here[k] + there[k]) / 2
    level = np.abs((above[k] + beyond[k]) / 2) <= CONTACT
    k, middle = k[level], middle[level]
    inside = _inside(triangles, triangle[k], middle)
    k = k[inside]
    yield _found(skin, slot[k], face[k], middle[inside], np.zeros(len(k)))


def _is_in(values: IntArray, members: IntArray) -> BoolArray:
    """Whether values are among sorted members."""
    if not len(members):
        return np.zeros(len(values), np.bool_)
    place = np.minimum(np.searchsorted(members, values), len(members) - 1)
    found: BoolArray = members[place] == values
    return found


def _inside(triangles: Triangles, triangle: IntArray, points: FloatArray) -> BoolArray:
    """Whether points in the planes of triangles lie in them or nearer than `CONTACT`."""
    inside = np.ones(len(points), np.bool_)
    places, normal = triangles.places[triangle], triangles.normal[triangle]
    for side in range(3):
        start, step = places[:, side], places[:, (side + 1) % 3] - places[:, side]
        left = np.cross(normal, step)
        reach = np.einsum("nx,nx->n", points - start, left)
        inside &= reach >= -CONTACT * np.linalg.norm(step, axis=1)
    return inside


def _found(
    skin: Skin, slots: IntArray, face: IntArray, where: FloatArray, depth: FloatArray
) -> Found:
    """Return contacts of the faces that edges belong to with other faces."""
    return np.stack([skin.face[slots], face], axis=1), where, depth


def _coplanar(triangles: Triangles, one: IntArray, other: IntArray) -> Iterator[Found]:
    """Find triangles in one plane that overlap."""
    # Most pairs lean against each other by far; only the others are measured.
    along = np.einsum("nx,nx->n", triangles.normal[one], triangles.normal[other])
    near = np.abs(along) > NEARLY_PARALLEL
    one, other = one[near], other[near]
    level = np.ones(len(one), np.bool_)
    for a, b in ((one, other), (other, one)):
        offset = triangles.places[b] - triangles.places[a, :1]
        height = np.abs(np.einsum("nkx,nx->nk", offset, triangles.normal[a]))
        level &= height.max(axis=1, initial=0.0) <= CONTACT
    one, other = one[level], other[level]
    depth = np.full(len(one), np.inf)
    normal = triangles.normal[one]
    for owner in (one, other):
        places = triangles.places[owner]
        for side in range(3):
            step = places[:, (side + 1) % 3] - places[:, side]
            axis = np.cross(step, normal)
            axis /= np.maximum(np.linalg.norm(axis, axis=1), 1e-300)[:, None]
            p = np.einsum("nkx,nx->nk", triangles.places[one] - places[:, :1], axis)
            q = np.einsum("nkx,nx->nk", triangles.places[other] - places[:, :1], axis)
            reach = np.minimum(p.max(1) - q.min(1), q.max(1) - p.min(1))
            depth = np.minimum(depth, reach)
    deep = depth > CONTACT
    pairs = np.stack([triangles.face[one], triangles.face[other]], axis=1)[deep]
    middle = (triangles.places[one].mean(axis=1) + triangles.places[other].mean(axis=1)) / 2
    yield pairs, middle[deep], depth[deep]


def piercings(triangles: Triangles, start: FloatArray, end: FloatArray) -> FloatArray:
    """Return where lines go through triangles.

    Parameters
    ----------
    triangles : Triangles
        All are asked.
    start, end : (n, 3) float
        Ends of the lines [m].

    Returns
    -------
    (m, 3) float
        Points [m].
    """
    line, triangle = (
        grid.ravel()
        for grid in np.meshgrid(np.arange(len(start)), np.arange(len(triangles.face)))
    )
    normal, origin = triangles.normal[triangle], triangles.places[triangle, 0]
    above = np.einsum("nx,nx->n", start[line] - origin, normal)
    beyond = np.einsum("nx,nx->n", end[line] - origin, normal)
    k = np.flatnonzero(above * beyond < 0)
    share = above[k] / (above[k] - beyond[k])
    point = start[line[k]] + share[:, None] * (end - start)[line[k]]
    found: FloatArray = point[_inside(triangles, triangle[k], point)]
    return found
