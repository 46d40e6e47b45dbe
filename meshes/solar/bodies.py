"""Group occluders into upright convex blocks and lone polygons.

Seen from the sun an upright convex block hides what its silhouette hides: one convex
outline instead of a roof and several walls. Most buildings are such blocks, or a few of
them: a level roof with inner corners or courtyards is cut into convex pieces, and what the
solid hides, its pieces hide together.
"""

from dataclasses import dataclass

import numpy as np

from meshes.polygons import FloatArray, IntArray, polygons_from_rings
from meshes.solar.convex import convex_cycles
from meshes.solar.occluders import Occluders

UPRIGHT = 1e-12
"""Deviation of a normal from level or plumb that is taken for rounding."""


@dataclass(frozen=True)
class Bodies:
    """Occluding polygons in groups that the kernel meets as one.

    Attributes
    ----------
    occluders : Occluders
        The occluders, and after them the roofs and ground faces of convex pieces.
    face_start : (b + 1,) int
        Body ``k`` owns ``faces[face_start[k]:face_start[k + 1]]``.
    faces : (p,) int
        Polygons of ``occluders``, body after body. Of a piece they are its roof, its ground
        face and its outer walls; where it meets other pieces there is no wall.
    roof : (b,) int
        For a block the polygon of its roof, the first of its faces; -1 otherwise.
    base : (b,) float
        For a block the height of its ground face [m, local].
    """

    occluders: Occluders
    face_start: IntArray
    faces: IntArray
    roof: IntArray
    base: FloatArray


@dataclass(frozen=True)
class _Prism:
    """A part with level roof and ground face and one upright wall per edge."""

    roof: int
    ground: int
    walls: dict[frozenset[tuple[float, float]], int]
    base: float


def find_bodies(occluders: Occluders) -> Bodies:
    """Find the blocks among the closed solids; all other polygons stand alone.

    Parameters
    ----------
    occluders : Occluders
        Polygons with the building parts they belong to.

    Returns
    -------
    Bodies
        A part is made of blocks if it is closed and consists of a level roof, a level
        ground face below the same corners and one upright wall per corner.
    """
    part = np.where(occluders.side == 1, occluders.part, -1)
    order = np.argsort(part, kind="stable")
    first = np.searchsorted(part[order], 0)
    cuts = np.flatnonzero(np.diff(part[order[first:]])) + 1
    groups = np.split(order[first:], cuts) if first < len(order) else []
    convex = occluders.polygons.is_convex()
    lists: list[IntArray] = [order[k : k + 1] for k in range(first)]
    roofs: list[int] = [-1] * first
    bases: list[float] = [0.0] * first
    split: list[_Prism] = []
    for group in groups:
        prism = _as_prism(occluders, group)
        if prism is None:
            lists += [group[k : k + 1] for k in range(len(group))]
            roofs += [-1] * len(group)
            bases += [0.0] * len(group)
        elif convex[prism.roof]:
            lists.append(np.r_[prism.roof, group[group != prism.roof]])
            roofs.append(prism.roof)
            bases.append(prism.base)
        else:
            split.append(prism)
    pieces = _Pieces(occluders)
    for prism, corners in zip(split, _triangles(occluders, split), strict=True):
        pieces.add(prism, corners)
    joined = pieces.occluders()
    return Bodies(
        joined,
        face_start=np.r_[0, np.cumsum([len(f) for f in lists + pieces.faces])].astype(
            np.int64
        ),
        faces=np.concatenate([*lists, *pieces.faces, np.empty(0, np.int64)]).astype(
            np.int64
        ),
        roof=np.array(roofs + pieces.roof, np.int64),
        base=np.array(bases + pieces.base, np.float64),
    )


def _as_prism(occluders: Occluders, group: IntArray) -> _Prism | None:
    """Return a part as an upright prism, if it is one."""
    polygons = occluders.polygons
    up = polygons.normal[group, 2]
    roofs, grounds = group[up > 1 - UPRIGHT], group[up < -1 + UPRIGHT]
    walls = group[np.abs(up) < UPRIGHT]
    if len(roofs) != 1 or len(grounds) != 1 or len(walls) + 2 != len(group):
        return None
    start = polygons.vertex_start
    top = polygons.vertices[start[roofs[0]] : start[roofs[0] + 1]]
    bottom = polygons.vertices[start[grounds[0]] : start[grounds[0] + 1]]
    if len(walls) != len(top) or ((start[walls + 1] - start[walls]) != 4).any():
        return None
    same = np.array_equal(_sorted(top[:, :2]), _sorted(bottom[:, :2]))
    if not same or np.ptp(top[:, 2]) > 0 or np.ptp(bottom[:, 2]) > 0:
        return None
    corners = polygons.vertices[start[walls][:, None] + np.arange(4), :2].tolist()
    named = {
        frozenset((x, y) for x, y in quad): int(wall)
        for quad, wall in zip(corners, walls, strict=True)
    }
    if len(named) != len(walls) or any(len(edge) != 2 for edge in named):
        return None
    return _Prism(int(roofs[0]), int(grounds[0]), named, float(bottom[0, 2]))


def _triangles(occluders: Occluders, prisms: list[_Prism]) -> list[IntArray]:
    """Cut the roofs of prisms into triangles: corners of each, (t, 3)."""
    if not prisms:
        return []
    roofs = np.array([prism.roof for prism in prisms])
    polygons = occluders.polygons.take(roofs)
    corners, owner = polygons.triangles()
    shift = occluders.polygons.vertex_start[roofs] - polygons.vertex_start[:-1]
    cuts = np.searchsorted(owner, np.arange(1, len(prisms)))
    return np.split(corners + shift[owner][:, None], cuts)


class _Pieces:
    """Convex pieces of prisms while they are gathered."""

    def __init__(self, occluders: Occluders) -> None:
        self._occluders = occluders
        self._rings: list[FloatArray] = []
        self.faces: list[IntArray] = []
        self.roof: list[int] = []
        self.base: list[float] = []

    def add(self, prism: _Prism, triangles: IntArray) -> None:
        """Cut a prism into convex blocks."""
        vertices = self._occluders.polygons.vertices
        points = {k: tuple(vertices[k, :2].tolist()) for k in np.unique(triangles).tolist()}
        walls = dict(prism.walls)
        for cycle in convex_cycles(triangles, vertices[:, :2]):
            top = vertices[cycle]
            low = top[::-1].copy()
            low[:, 2] = prism.base
            first = len(self._occluders.polygons) + len(self._rings)
            self._rings += [top, low]
            outer = [
                walls.pop(edge)
                for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True)
                if (edge := frozenset((points[a], points[b]))) in walls
            ]
            self.faces.append(np.array([first, first + 1, *outer], np.int64))
            self.roof.append(first)
            self.base.append(prism.base)

    def occluders(self) -> Occluders:
        """Return the occluders with the pieces' roofs and ground faces behind them."""
        if not self._rings:
            return self._occluders
        lengths = [len(ring) for ring in self._rings]
        count = len(self._rings)
        polygons = polygons_from_rings(
            np.concatenate(self._rings),
            np.r_[0, np.cumsum(lengths)].astype(np.int64),
            np.arange(count + 1),
        )
        return self._occluders + Occluders(
            polygons, np.ones(count, np.int8), np.full(count, -1)
        )


def _sorted(points: FloatArray) -> FloatArray:
    """Return points in the order of their coordinates."""
    return points[np.lexsort(points.T)]
