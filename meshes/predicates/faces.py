"""Find faces that are no planar polygons."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import shapely

from meshes.polygons import FloatArray, IntArray, Polygons, plane_axes
from meshes.predicates.codes import Code, Fault
from meshes.predicates.skin import BoolArray, Skin, by_group

LARGEST_FOLD = 20.0
"""Angle between a triangle of a face and the face from which on it is folded [degrees]; the
default of val3dity."""

SMALLEST_AREA = 5e-10
"""Area below which a ring is a line [m2]; `meshes.polygons.make_polygons` refuses it."""

PLACE = re.compile(r"\[(\S+) (\S+)\]")


def face_faults(skin: Skin, sound: BoolArray, *, tolerance: float) -> Iterator[Fault]:
    """Find faces that are not planar, or whose rings do not bound one area.

    Parameters
    ----------
    skin : Skin
    sound : (f,) bool
        Faces to look at; their rings must be rings.
    tolerance : float
        Largest distance of a corner from the plane [m].

    Yields
    ------
    Fault
        One a face at most: the first of 203, 104, 201, 202, 205, 206, 207, 208, 204.
    """
    faces = np.flatnonzero(sound)
    normal, distance, worst = _planes(skin, faces)
    bent = distance > tolerance
    for k in np.flatnonzero(bent).tolist():
        yield _fault(
            skin,
            Code.NON_PLANAR_POLYGON_DISTANCE_PLANE,
            int(faces[k]),
            skin.vertices[worst[k]],
            float(distance[k]),
            f"A corner of face {faces[k]} lies {distance[k]:.3f} m from its plane; "
            f"{tolerance:g} m are allowed.",
        )
    faces, normal = faces[~bent], normal[~bent]
    polygons = replace(skin.solids.faces.take(faces), normal=normal)
    broken = np.zeros(len(faces), np.bool_)
    asked = np.flatnonzero(~_is_plain(polygons))
    if len(asked):
        some = polygons.take(asked)
        _, shapes = some.in_plane()
        for k in np.flatnonzero(~shapely.is_valid(shapes)).tolist():
            broken[asked[k]] = True
            code, place, amount, words = _explain(shapes[k])
            yield _fault(
                skin,
                code,
                int(faces[asked[k]]),
                _lift(some, k, place),
                amount,
                f"In face {faces[asked[k]]} {words}.",
            )
    same = np.zeros(len(skin.solids.faces), np.bool_)
    for face, ring in _turned_holes(skin):
        if sound[face] and not same[face]:
            same[face] = True
            yield _fault(
                skin,
                Code.ORIENTATION_RINGS_SAME,
                face,
                skin.vertices[skin.solids.faces.ring_start[ring]],
                1.0,
                f"A hole of face {face} turns the same way as its outline.",
            )
    yield from _folds(skin, faces[~broken & ~same[faces]], tolerance)


def _fault(
    skin: Skin, code: Code, face: int, where: FloatArray, amount: float, words: str
) -> Fault:
    """Return a fault of one face."""
    return Fault(int(skin.solids.part[face]), code, (face,), where, amount, words)


def _planes(skin: Skin, faces: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return normals, the largest distance of a corner and its slot, for each face.

    The plane of the area vector is near enough for almost all; the best one by least
    squares is sought for the others.
    """
    polygons = skin.sound_polygons(faces)
    counts = np.diff(polygons.vertex_start)
    owner = np.repeat(np.arange(len(faces)), counts)
    middle = by_group(polygons.vertices, owner, len(faces)) / counts[:, None]
    offset = polygons.vertices - middle[owner]
    normal, distance = polygons.normal, np.empty(len(offset))
    flat = polygons.area > SMALLEST_AREA
    distance = np.abs(np.einsum("vx,vx->v", offset, normal[owner]))
    far = np.zeros(len(faces))
    np.maximum.at(far, owner, distance)
    doubtful = np.flatnonzero(~flat | (far > CERTAINLY_PLANAR))
    if len(doubtful):
        spread = np.empty((len(faces), 3, 3))
        for row, column in itertools.product(range(3), range(3)):
            spread[:, row, column] = np.bincount(
                owner, offset[:, row] * offset[:, column], minlength=len(faces)
            )
        _, vectors = np.linalg.eigh(spread[doubtful])
        best = vectors[:, :, 0]
        best *= np.where((best * normal[doubtful]).sum(axis=1) < 0, -1.0, 1.0)[:, None]
        other = normal.copy()
        other[doubtful] = best
        near = np.abs(np.einsum("vx,vx->v", offset, other[owner]))
        reach = np.zeros(len(faces))
        np.maximum.at(reach, owner, near)
        better = (reach < far) | ~flat
        better[flat & (far <= CERTAINLY_PLANAR)] = False
        normal = np.where(better[:, None], other, normal)
        distance = np.where(better[owner], near, distance)
        far = np.where(better, reach, far)
    order = np.lexsort((-distance, owner))
    worst = skin.slots_of(faces)[order[polygons.vertex_start[:-1]]]
    return normal, far, worst


CERTAINLY_PLANAR = 1e-3
"""Distance up to which no better plane is sought [m]."""


def _is_plain(polygons: Polygons) -> BoolArray:
    """Whether a face is one ring of three or four corners that all turn left."""
    _, end = polygons.edges()
    step = polygons.vertices[end] - polygons.vertices
    owner = np.repeat(np.arange(len(polygons)), np.diff(polygons.vertex_start))
    turn = np.einsum("vx,vx->v", np.cross(step, step[end]), polygons.normal[owner])
    corners = np.diff(polygons.vertex_start)
    straight = np.bincount(owner, turn <= 2 * SMALLEST_AREA, minlength=len(polygons)) > 0
    plain: BoolArray = ~straight & (corners <= 4) & (np.diff(polygons.polygon_start) == 1)
    return plain


def _lift(polygons: Polygons, number: int, place: FloatArray) -> FloatArray:
    """Return the point in space of a point of a polygon laid flat."""
    u, v = plane_axes(polygons.normal[number])
    normal = polygons.normal[number]
    first = polygons.vertices[polygons.vertex_start[number]]
    point: FloatArray = place[0] * u + place[1] * v + (first @ normal) * normal
    return point


def _explain(shape: shapely.Polygon) -> tuple[Code, FloatArray, float, str]:
    """Tell why a polygon is invalid: code, place in its plane, amount, words."""
    rings = [shape.exterior, *shape.interiors]
    areas = [shapely.Polygon(ring) for ring in rings]
    for ring, area in zip(rings, areas, strict=True):
        if not area.is_valid or area.area <= SMALLEST_AREA:
            told = PLACE.search(shapely.is_valid_reason(area))
            place = (
                np.array([float(told[1]), float(told[2])])
                if told
                else shapely.get_coordinates(ring)[0]
            )
            collapsed = area.area <= SMALLEST_AREA and ring.is_valid and not told
            words = "a ring has no area" if collapsed else "a ring meets itself"
            return Code.RING_SELF_INTERSECTION, place, 1.0, words
    for one, other in itertools.combinations(areas, 2):
        place = shapely.get_coordinates(other)[0]
        if one.equals(other):
            return Code.DUPLICATED_RINGS, place, 1.0, "two rings are the same"
    for (k, one), (_, other) in itertools.combinations(enumerate(areas), 2):
        common = shapely.intersection(one.exterior, other.exterior)
        cross = shapely.relate_pattern(one, other, "T*T***T**") or common.length > 0
        if cross:
            place = shapely.get_coordinates(common)[0]
            words = "two rings cross" if common.length == 0 else "two rings share a line"
            return Code.INTERSECTION_RINGS, place, float(common.length), words
        place = shapely.get_coordinates(other)[0]
        if k == 0 and not one.covers(other):
            return Code.INNER_RING_OUTSIDE, place, 1.0, "a hole lies outside the outline"
        if k > 0 and shapely.relate_pattern(one, other, "T********"):
            return Code.INNER_RINGS_NESTED, place, 1.0, "a hole lies in another hole"
    place = shapely.get_coordinates(areas[-1])[0]
    pieces = float(shapely.get_num_geometries(shapely.make_valid(shape)))
    words = f"holes cut the area into {pieces:.0f} pieces"
    return Code.POLYGON_INTERIOR_DISCONNECTED, place, pieces, words


def _turned_holes(skin: Skin) -> list[tuple[int, int]]:
    """Return face and ring of the holes that turn the same way as their outlines."""
    faces = skin.solids.faces
    rings = np.diff(faces.polygon_start)
    if (rings <= 1).all():
        return []
    vectors = skin.ring_vectors()
    owner = np.repeat(np.arange(len(faces)), rings)
    first = faces.polygon_start[owner]
    inner = np.arange(len(owner)) > first
    same = inner & (np.einsum("rx,rx->r", vectors, vectors[first]) > 0)
    chosen = np.flatnonzero(same)
    return list(zip(owner[chosen].tolist(), chosen.tolist(), strict=True))


def _folds(skin: Skin, faces: IntArray, tolerance: float) -> Iterator[Fault]:
    """Find faces with triangles, higher than the tolerance, that lean from them."""
    counts = np.diff(skin.solids.faces.vertex_start)[faces]
    faces = faces[counts > 3]
    if not len(faces):
        return
    polygons = skin.sound_polygons(faces)
    corners, owner = polygons.triangles()
    a, b, c = (polygons.vertices[corners[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    size = np.linalg.norm(cross, axis=1)
    longest = np.sqrt(
        np.max([((p - q) ** 2).sum(1) for p, q in ((a, b), (b, c), (c, a))], 0)
    )
    high = size > tolerance * longest
    cosine = np.einsum("tx,tx->t", cross, polygons.normal[owner]) / np.maximum(size, 1e-300)
    angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    folded = np.flatnonzero(high & (angle > LARGEST_FOLD))
    for k in np.unique(owner[folded]).tolist():
        triangles = folded[owner[folded] == k]
        worst = triangles[int(np.argmax(angle[triangles]))]
        yield _fault(
            skin,
            Code.NON_PLANAR_POLYGON_NORMALS_DEVIATION,
            int(faces[k]),
            (a + b + c)[worst] / 3,
            float(angle[worst]),
            f"Face {faces[k]} is folded by {angle[worst]:.0f} degrees; {LARGEST_FOLD:g} "
            "are allowed.",
        )
