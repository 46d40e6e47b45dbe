"""Merge the coplanar faces of building parts."""

from dataclasses import replace

import numpy as np

from meshes.planes.growing import fitting
from meshes.planes.rings import needed_corners, trace_rings
from meshes.planes.welding import components
from meshes.polygons import FloatArray, IntArray, number_points, polygons_from_rings
from meshes.solids import Kind, Solids

DISTANCE = 1e-3
"""Farthest that a corner lies off the plane of its merged face [m]."""

ANGLE = 0.5
"""Largest angle between a face and the one it becomes a part of [degrees]."""

STRAIGHT = 1e-9
"""Distance from a line below which a corner is none [m]: areas stay exact."""


def merge_faces(solids: Solids) -> tuple[Solids, IntArray]:
    """Join the faces of a part that lie beside each other in one plane.

    Parameters
    ----------
    solids : Solids
        Corners that meet within a part are equal to the last bit.

    Returns
    -------
    merged : Solids
        The same bodies with fewer faces; closed ones stay closed. Faces keep their order:
        each stands where its first one stood, but walls that are joined across the start of
        an outline stand where the run of them begins.
    face : (f,) int
        Face of ``merged`` that each face of ``solids`` is a part of.

    Notes
    -----
    Only faces of one part and kind are joined. A corner that all its faces run straight
    through is dropped, so that an outline with one more corner on a straight wall gives the
    same faces, and `meshes.facets.make_facets` the same ids.
    """
    faces = solids.faces
    count = len(faces)
    owner = np.repeat(np.arange(count), np.diff(faces.vertex_start))
    number = number_points(faces.vertices, group=solids.part[owner].astype(np.int64))
    places = np.empty((int(number.max(initial=-1)) + 1, 3))
    places[number] = faces.vertices
    start, end = (number[k] for k in faces.edges())
    one, other = _beside(start, end, owner, solids)
    group = _planes(solids, owner, one, other)
    if int(group.max(initial=-1)) + 1 == count:
        return solids, np.arange(count)
    normal = _mean_normals(solids, group)
    rings = trace_rings(places, start, end, group[owner], normal)
    bad = np.bincount(rings.region[rings.area > 0], minlength=len(normal)) != 1
    if bad.any():  # faces around a hole may touch themselves: they stay apart
        lone = bad[group]
        first = np.unique(group, return_index=True)[1]
        names = np.where(lone, np.arange(count), first[group])
        group = components(count, np.arange(count), names)
        normal = _mean_normals(solids, group)
        rings = trace_rings(places, start, end, group[owner], normal)
    rings = rings.keep(needed_corners(places, rings, tolerance=STRAIGHT))
    rank, first = _order(solids, group)
    merged = polygons_from_rings(
        places[rings.corner],
        rings.start,
        np.r_[0, np.cumsum(np.bincount(rings.region))].astype(np.int64),
    ).take(np.argsort(rank))
    return replace(
        solids, faces=merged, kind=solids.kind[first], part=solids.part[first]
    ), rank[group]


def _beside(
    start: IntArray, end: IntArray, owner: IntArray, solids: Solids
) -> tuple[IntArray, IntArray]:
    """Return pairs of faces of one part and kind with an edge in common."""
    span = int(max(start.max(initial=0), end.max(initial=0))) + 1
    there, back = start * span + end, end * span + start
    order = np.argsort(there, kind="stable")
    found = np.searchsorted(there[order], back)
    found = order[np.minimum(found, len(order) - 1)] if len(order) else found
    meets = (there[found] == back) & (start < end)
    one, other = owner[meets], owner[found[meets]]
    alike = (solids.kind[one] == solids.kind[other]) & (one != other)
    return one[alike], other[alike]


def _planes(solids: Solids, owner: IntArray, one: IntArray, other: IntArray) -> IntArray:
    """Return groups of faces, each in one plane."""
    faces = solids.faces
    count = len(faces)
    angle = float(np.radians(ANGLE))
    turn = np.linalg.norm(faces.normal[one] - faces.normal[other], axis=1)
    for part in (1.0, 1e-3):  # what bends a little as a whole is joined only where exact
        near = turn <= angle * part
        group = components(count, one[near], other[near])
        fits = fitting(
            faces.vertices,
            owner,
            group,
            faces.normal,
            faces.area,
            angle=angle,
            distance=DISTANCE,
        )
        if fits.all():
            return group
        left = fits[group[one]] | (turn <= angle * 1e-3)
        one, other, turn = one[left], other[left], turn[left]
    good = fits[group]
    first = np.unique(group, return_index=True)[1]
    return components(
        count, np.arange(count), np.where(good, first[group], np.arange(count))
    )


def _mean_normals(solids: Solids, group: IntArray) -> FloatArray:
    """Return the unit normals of groups of faces."""
    sums = np.zeros((int(group.max(initial=-1)) + 1, 3))
    np.add.at(sums, group, solids.faces.normal * solids.faces.area[:, None])
    sums /= np.linalg.norm(sums, axis=1, keepdims=True)
    return sums


def _order(solids: Solids, group: IntArray) -> tuple[IntArray, IntArray]:
    """Return the place of each group among all, and the first face of each place.

    An outline may start in the middle of a wall. Then the wall's first and last faces are
    one, and the wall stands last, as it does when the outline starts at its end.
    """
    first = np.unique(group, return_index=True)[1]
    last = len(group) - 1 - np.unique(group[::-1], return_index=True)[1]
    sizes = np.bincount(group)
    around = (last - first + 1 != sizes) & (solids.kind[first] == Kind.WALL)
    place = np.where(around, last, first)
    order = np.argsort(place, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank, first[order]
