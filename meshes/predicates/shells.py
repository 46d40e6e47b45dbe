"""Find shells that are open, branched, in pieces or turned."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.faults import count_things
from meshes.polygons import FloatArray, IntArray
from meshes.predicates.codes import Code, Fault
from meshes.predicates.skin import BoolArray, Skin

FEWEST_FACES = 4
"""Faces of a tetrahedron."""


def shell_faults(skin: Skin, sound: BoolArray) -> Iterator[Fault]:
    """Find parts whose faces do not join to closed, evenly turned surfaces.

    Parameters
    ----------
    skin : Skin
    sound : (parts,) bool
        Parts to look at; their faces must be sound.

    Yields
    ------
    Fault
        609; or 301; or 302 and 303 for edges; or 303 for corners; or 307.
    """
    solids = skin.solids
    faces = np.bincount(solids.part, minlength=len(solids.parts))
    for part in np.flatnonzero(sound & (faces < FEWEST_FACES)).tolist():
        count = int(faces[part])
        chosen = tuple(np.flatnonzero(solids.part == part).tolist())
        where = (
            solids.faces.vertices[solids.faces.vertex_start[chosen[0]]] if chosen else NAN
        )
        code = Code.TOO_FEW_POLYGONS if count else Code.CITYOBJECT_HAS_NO_GEOMETRY
        told = count_things(count, "face")
        words = f"The part has {told}; a body needs {FEWEST_FACES}."
        yield Fault(part, code, chosen, where, float(count), words)
    kept = sound & (faces >= FEWEST_FACES)
    slots = np.flatnonzero(kept[skin.part])
    edge, uses = _edges(skin, slots)
    for code, odd, words in (
        (Code.SHELL_NOT_CLOSED, uses == 1, "The surface is open along"),
        (Code.NON_MANIFOLD_CASE, uses > 2, "More than two faces meet at"),
    ):
        for part, at in _by_part(skin, slots[odd[edge]]):
            kept[part] = False
            count = len(np.unique(edge[np.searchsorted(slots, at)]))
            told = f"{words} {count_things(count, 'edge')}."
            yield _fault(skin, part, code, at, float(count), told)
    pairs = _pairs(slots, edge, kept[skin.part[slots]])
    for part, at in _by_part(skin, _pinched(skin, pairs)):
        kept[part] = False
        count = len(np.unique(skin.corner[at]))
        words = f"Bodies hang together by {count_things(count, 'corner')} only."
        yield _fault(skin, part, Code.NON_MANIFOLD_CASE, at, float(count), words)
    pairs = pairs[kept[skin.part[pairs[:, 0]]]]
    same = skin.corner[pairs[:, 0]] == skin.corner[pairs[:, 1]]
    for part, _ in _by_part(skin, pairs[same, 0]):
        turned, consistent = _turned(skin, pairs[skin.part[pairs[:, 0]] == part], part)
        slot = solids.faces.vertex_start[turned[:1]]
        words = (
            f"Against the look of their neighbours: {count_things(len(turned), 'face')}."
            if consistent
            else "The surface has one side only, so that no turning of faces mends it."
        )
        where = skin.vertices[slot[0]]
        amount = float(len(turned))
        wrong = Code.POLYGON_WRONG_ORIENTATION
        yield Fault(part, wrong, tuple(turned), where, amount, words)


NAN: FloatArray = np.full(3, np.nan)


@dataclass(frozen=True)
class Shells:
    """Connected surfaces of sound parts.

    Attributes
    ----------
    of_face : (f,) int
        Shell of each face, -1 where not looked at.
    part : (s,) int
        Part of each shell.
    volume : (s,) float
        Signed volume [m3]: negative where the faces look inwards.
    """

    of_face: IntArray
    part: IntArray
    volume: FloatArray


def find_shells(skin: Skin, sound: BoolArray) -> Shells:
    """Return the connected surfaces of the chosen parts, parts in order."""
    solids = skin.solids
    chosen = sound[solids.part]
    slots = np.flatnonzero(chosen[skin.face])
    count = len(solids.faces)
    nodes = count + skin.corner_count
    links = (np.ones(len(slots), np.int8), (skin.face[slots], count + skin.corner[slots]))
    _, label = connected_components(coo_array(links, shape=(nodes, nodes)), directed=False)
    of_face = np.full(count, -1, np.int64)
    of_face[chosen] = pd.factorize(label[:count][chosen])[0]
    shells = int(of_face.max(initial=-1)) + 1
    part = np.zeros(shells, np.int64)
    part[of_face[chosen]] = solids.part[chosen]
    # From a corner of the part, so that far from the origin no digits are lost.
    anchor = np.zeros((len(solids.parts), 3))
    anchor[skin.part[slots]] = skin.vertices[slots]
    first = solids.faces.vertices[solids.faces.vertex_start[:-1][chosen]]
    reach = first - anchor[solids.part[chosen]]
    flux: FloatArray = np.einsum("fx,fx->f", reach, skin.vector[chosen]) / 3
    volume = np.bincount(of_face[chosen], flux, minlength=shells).astype(np.float64)
    return Shells(of_face, part, volume)


def edge_pairs(skin: Skin, sound: BoolArray) -> IntArray:
    """Return the two slots of each edge of the chosen parts, (e, 2) int."""
    slots = np.flatnonzero(sound[skin.part])
    edge, _ = _edges(skin, slots)
    return _pairs(slots, edge, np.ones(len(slots), np.bool_))


def _edges(skin: Skin, slots: IntArray) -> tuple[IntArray, IntArray]:
    """Return the edge that starts at each slot, whichever way, and the uses of each."""
    here, there = skin.corner[slots], skin.corner[skin.end[slots]]
    key = np.minimum(here, there) * skin.corner_count + np.maximum(here, there)
    edge = pd.factorize(key)[0].astype(np.int64)
    return edge, np.bincount(edge)


def _pairs(slots: IntArray, edge: IntArray, kept: BoolArray) -> IntArray:
    """Return the two slots of each edge, (e, 2) int, where every edge has two."""
    order = np.argsort(edge[kept], kind="stable")
    return slots[kept][order].reshape(-1, 2)


def _pinched(skin: Skin, pairs: IntArray) -> IntArray:
    """Return a slot for every fan of faces at corners that have several fans."""
    one, other = pairs[:, 0], pairs[:, 1]
    # A slot stands for its face's wedge at the corner; the two faces of an edge join their
    # wedges at either end, whichever way they walk it.
    same = skin.corner[one] == skin.corner[other]
    near = np.where(same, other, skin.end[other])
    far = np.where(same, skin.end[other], other)
    count = len(skin.corner)
    links = (
        np.ones(2 * len(pairs), np.int8),
        (np.r_[one, skin.end[one]], np.r_[near, far]),
    )
    _, fan = connected_components(coo_array(links, shape=(count, count)), directed=False)
    slots = np.unique(pairs)
    _, first = np.unique(fan[slots], return_index=True)
    heads = slots[first]
    fans = np.bincount(skin.corner[heads], minlength=skin.corner_count)
    return heads[fans[skin.corner[heads]] > 1]


def _by_part(skin: Skin, slots: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Sort slots by their parts."""
    slots = np.sort(slots)
    order = np.argsort(skin.part[slots], kind="stable")
    slots = slots[order]
    parts, first = np.unique(skin.part[slots], return_index=True)
    yield from zip(parts.tolist(), np.split(slots, first[1:]), strict=False)


def _fault(
    skin: Skin, part: int, code: Code, slots: IntArray, amount: float, words: str
) -> Fault:
    """Return a fault at some slots, in the middle of the first edge or at the corner."""
    faces = tuple(np.unique(skin.face[slots]).tolist())
    return Fault(part, code, faces, skin.vertices[slots[0]], amount, words)


def _turned(skin: Skin, pairs: IntArray, part: int) -> tuple[list[int], bool]:
    """Return the faces of a part to turn, the smaller area, and whether that mends it."""
    same = (skin.corner[pairs[:, 0]] == skin.corner[pairs[:, 1]]).tolist()
    neighbours: dict[int, list[tuple[int, bool]]] = {}
    for (one, other), turn in zip(skin.face[pairs].tolist(), same, strict=True):
        neighbours.setdefault(one, []).append((other, turn))
        neighbours.setdefault(other, []).append((one, turn))
    area = np.linalg.norm(skin.vector, axis=1)
    turned: list[int] = []
    flip: dict[int, bool] = {}
    consistent = True
    for seed in np.flatnonzero(skin.solids.part == part).tolist():
        if seed in flip:
            continue
        flip[seed] = False
        shell, waiting = [seed], deque([seed])
        while waiting:
            face = waiting.popleft()
            for neighbour, turn in neighbours.get(face, []):
                wanted = flip[face] != turn
                if neighbour not in flip:
                    flip[neighbour] = wanted
                    shell.append(neighbour)
                    waiting.append(neighbour)
                consistent &= flip[neighbour] == wanted
        sides = [[f for f in shell if flip[f] is side] for side in (True, False)]
        turned += min(sides, key=lambda side: float(area[side].sum()))
    return sorted(turned), consistent
