"""Find bodies that are turned, in pieces, cut themselves or fill each other's space."""

from collections.abc import Iterator

import numpy as np
import shapely

from gis.faults import count_things
from meshes.polygons import FloatArray, IntArray
from meshes.predicates.codes import Code, Fault
from meshes.predicates.contacts import (
    Contacts,
    Triangles,
    cut_up,
    find_contacts,
    piercings,
)
from meshes.predicates.shells import Shells, edge_pairs, find_shells
from meshes.predicates.skin import BoolArray, Skin

MOST_ANGLES = 1_000_000
"""Solid angles asked for at once, so that memory stays bounded."""


def solid_faults(skin: Skin, sound: BoolArray) -> Iterator[Fault]:
    """Find parts whose shells cut or touch each other, or do not bound one body.

    Parameters
    ----------
    skin : Skin
    sound : (parts,) bool
        Parts to look at; their shells must be closed and evenly turned.

    Yields
    ------
    Fault
        306 and 401; or one of 305, 403, 405.
    """
    shells = find_shells(skin, sound)
    triangles = cut_up(skin, sound[skin.solids.part])
    contacts = find_contacts(skin, triangles)
    cut = np.zeros(len(skin.solids.parts), np.bool_)
    for fault in _contact_faults(skin, shells, contacts):
        cut[fault.part] = True
        yield fault
    count = np.bincount(shells.part, minlength=len(cut))
    turned = (shells.volume <= 0) & (count[shells.part] == 1) & ~cut[shells.part]
    for shell in np.flatnonzero(turned).tolist():
        words = "All faces look inwards: the body is turned inside out."
        volume = float(shells.volume[shell])
        yield _fault(skin, shells, Code.WRONG_ORIENTATION_SHELL, [shell], volume, words)
    for part in np.flatnonzero((count > 1) & ~cut).tolist():
        several = np.flatnonzero(shells.part == part)
        yield from _several(skin, shells, several, triangles)


def _contact_faults(skin: Skin, shells: Shells, contacts: Contacts) -> Iterator[Fault]:
    """Sum contacts by part, those within one shell and those between two apart."""
    shell = shells.of_face[contacts.faces]
    part = skin.solids.part[contacts.faces[:, 0]]
    within = shell[:, 0] == shell[:, 1]
    for code, chosen, what in (
        (Code.SHELL_SELF_INTERSECTION, within, "faces"),
        (Code.INTERSECTION_SHELLS, ~within, "faces of different shells"),
    ):
        for number in np.unique(part[chosen]).tolist():
            here = np.flatnonzero(chosen & (part == number))
            faces = np.unique(contacts.faces[here]).tolist()
            worst = here[int(np.argmax(contacts.depth[here]))]
            depth = float(contacts.depth[worst])
            how = f"cut each other, by up to {depth:.3g} m" if depth else "touch"
            words = f"{len(faces)} {what} {how}."
            where = contacts.where[worst]
            yield Fault(int(number), code, tuple(faces), where, depth, words)


def _fault(
    skin: Skin, shells: Shells, code: Code, which: list[int], amount: float, words: str
) -> Fault:
    """Return a fault of some shells of a part."""
    faces = np.flatnonzero(np.isin(shells.of_face, which))
    where = skin.vertices[skin.solids.faces.vertex_start[faces[0]]]
    return Fault(
        int(shells.part[which[0]]), code, tuple(faces.tolist()), where, amount, words
    )


def _several(
    skin: Skin, shells: Shells, which: IntArray, triangles: Triangles
) -> Iterator[Fault]:
    """Judge a part of several shells: one body, cavities in it, nothing else."""
    shell_of = shells.of_face[triangles.face]
    start = skin.solids.faces.vertex_start[:-1]
    depth = np.zeros(len(which), np.int64)
    for k, shell in enumerate(which.tolist()):
        point = skin.vertices[start[np.flatnonzero(shells.of_face == shell)[:1]]]
        others = [triangles.places[shell_of == s] for s in which.tolist() if s != shell]
        depth[k] = sum(abs(windings(point, places)[0]) > 0.5 for places in others)
    outward = shells.volume[which] > 0
    bodies = which[outward & (depth % 2 == 0)].tolist()
    astray = which[~outward & (depth % 2 == 0)].tolist()
    turned = which[outward & (depth % 2 == 1)].tolist()
    if not bodies:
        words = "The shell around all others looks inwards."
        wrong, count = Code.WRONG_ORIENTATION_SHELL, float(len(astray))
        yield _fault(skin, shells, wrong, astray, count, words)
        return
    if len(bodies) > 1:
        words = f"The faces form {len(bodies)} bodies that do not touch."
        wrong, count = Code.MULTIPLE_CONNECTED_COMPONENTS, float(len(bodies))
        yield _fault(skin, shells, wrong, bodies, count, words)
    if astray:
        words = f"In no body, yet looking inwards: {count_things(len(astray), 'shell')}."
        wrong, count = Code.INNER_SHELL_OUTSIDE, float(len(astray))
        yield _fault(skin, shells, wrong, astray, count, words)
    if turned:
        words = (
            f"Within the body, yet looking outwards: {count_things(len(turned), 'shell')}."
        )
        wrong, count = Code.WRONG_ORIENTATION_SHELL, float(len(turned))
        yield _fault(skin, shells, wrong, turned, count, words)


def windings(points: FloatArray, triangles: FloatArray) -> FloatArray:
    """Count how often closed surfaces go round points.

    Parameters
    ----------
    points : (n, 3) float
    triangles : (t, 3, 3) float
        Of closed surfaces, counter-clockwise seen from outside.

    Returns
    -------
    (n,) float
        1 inside a body, 0 outside; in between on its surface.

    Notes
    -----
    The sum of solid angles by Van Oosterom and Strackee (1983),
    doi 10.1109/TBME.1983.325207. Checked against a box in the tests.
    """
    chunk = max(1, MOST_ANGLES // max(1, len(triangles)))
    pieces = [points[k : k + chunk] for k in range(0, len(points), chunk)]
    turns = [_angles(piece, triangles).sum(axis=1) / (4 * np.pi) for piece in pieces]
    return np.concatenate(turns) if turns else np.empty(0)


def _angles(points: FloatArray, triangles: FloatArray) -> FloatArray:
    """Return the solid angle of each triangle seen from each point, (n, t) float [sr]."""
    corners = triangles[None] - points[:, None, None]
    a, b, c = corners[:, :, 0], corners[:, :, 1], corners[:, :, 2]
    la, lb, lc = (np.linalg.norm(side, axis=2) for side in (a, b, c))
    above = np.einsum("ntx,ntx->nt", a, np.cross(b, c))
    below = la * lb * lc
    for one, other, length in ((a, b, lc), (b, c, la), (c, a, lb)):
        below = below + np.einsum("ntx,ntx->nt", one, other) * length
    angles: FloatArray = 2 * np.arctan2(above, below)
    return angles


def overlap_faults(skin: Skin, sound: BoolArray, *, tolerance: float) -> Iterator[Fault]:
    """Find pairs of parts that fill the same space deeper than the tolerance.

    Parameters
    ----------
    skin : Skin
    sound : (parts,) bool
        Parts to look at.
    tolerance : float
        How deep parts may lie in each other [m]; walls and roofs may coincide.

    Yields
    ------
    Fault
        601 for the first part of each pair.

    Notes
    -----
    Edges and the middles of triangles are moved into their own part by twice the
    tolerance. Parts overlap where such an edge goes through a face of the other, or such a
    middle lies in the other: then both contain the point, and parts that only touch are
    told from them without regard to how they touch.
    """
    triangles = cut_up(skin, sound[skin.solids.part])
    part = skin.solids.part[triangles.face].astype(np.int64)
    low = np.full((len(sound), 3), np.inf)
    high = -low
    np.minimum.at(low, part, triangles.places.min(axis=1))
    np.maximum.at(high, part, triangles.places.max(axis=1))
    known = np.flatnonzero(np.isfinite(low[:, 0]))
    low, high = low[known] + tolerance / 2, high[known] - tolerance / 2
    boxes = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    one, other = shapely.STRtree(boxes).query(boxes)
    meet = (one < other) & (low[one, 2] < high[other, 2]) & (low[other, 2] < high[one, 2])
    below = triangles.places.mean(axis=1) - 2.0 * tolerance * triangles.normal
    start, end, owner = _inner_edges(skin, sound, 2.0 * tolerance)
    numbers = np.arange(len(sound))
    of, edges_of = _members(part, numbers), _members(owner, numbers)
    for a, b in zip(known[one[meet]].tolist(), known[other[meet]].tolist(), strict=True):
        points = []
        for mine, theirs in ((a, b), (b, a)):
            bodies = triangles.take(of[theirs])
            least, most = bodies.places.min(axis=(0, 1)), bodies.places.max(axis=(0, 1))
            near = below[of[mine]]
            near = near[((near > least) & (near < most)).all(axis=1)]
            points.append(near[windings(near, bodies.places) > 0.5])
            lines = edges_of[mine]
            reach = (np.minimum(start, end)[lines] < most).all(axis=1)
            reach &= (np.maximum(start, end)[lines] > least).all(axis=1)
            cuts = piercings(bodies, start[lines[reach]], end[lines[reach]])
            own = triangles.places[of[mine]]
            points.append(cuts[_are_well_inside(cuts, own, depth=tolerance)])
        found = np.concatenate(points)
        if len(found):
            words = (
                f"It fills space of part {skin.solids.parts[b]} too, more than "
                f"{tolerance:g} m deep."
            )
            yield Fault(
                a, Code.BUILDINGPARTS_OVERLAP, (), found[0], float(len(found)), words
            )


def _are_well_inside(
    points: FloatArray, triangles: FloatArray, *, depth: float
) -> BoolArray:
    """Whether points lie in a body with all that is so far east, west ... of them.

    In sharp corners an edge moved inwards sticks out at the other side.
    """
    steps = depth * np.concatenate([np.eye(3), -np.eye(3)])
    around = (points[:, None] + steps).reshape(-1, 3)
    inside = windings(around, triangles).reshape(-1, 6) > 0.99
    return np.asarray(inside.all(axis=1))


def _members(owner: IntArray, numbers: IntArray) -> list[IntArray]:
    """Return for each number what it owns."""
    order = np.argsort(owner, kind="stable")
    return np.split(order, np.searchsorted(owner[order], numbers[1:]))


def _inner_edges(
    skin: Skin, sound: BoolArray, inset: float
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return starts and ends of edges moved into their parts, and the parts."""
    pairs = edge_pairs(skin, sound)
    area = np.linalg.norm(skin.vector, axis=1)
    normal = skin.vector / np.maximum(area, np.finfo(float).tiny)[:, None]
    inwards = -inset * normal[skin.face[pairs]].sum(axis=1)
    one, other = skin.vertices[pairs[:, 0]], skin.vertices[skin.end[pairs[:, 0]]]
    length = np.linalg.norm(other - one, axis=1)
    # Ends are drawn in, so that they do not stick out where a third face cuts them short.
    drawn = np.minimum(2.0 * inset / np.maximum(length, inset), 0.25)[:, None]
    step = drawn * (other - one)
    return one + step + inwards, other - step + inwards, skin.part[pairs[:, 0]]
