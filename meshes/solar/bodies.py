"""Group occluders into upright convex blocks and lone polygons.

Seen from the sun an upright convex block hides what its silhouette hides: one convex
outline instead of a roof and several walls. Most buildings are such blocks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.polygons import FloatArray, IntArray
from meshes.solar.occluders import Occluders

UPRIGHT = 1e-12
"""Deviation of a normal from level or plumb that is taken for rounding."""


@dataclass(frozen=True)
class Bodies:
    """Occluding polygons in groups that the kernel meets as one.

    Attributes
    ----------
    face_start : (b + 1,) int
        Body ``k`` owns ``faces[face_start[k]:face_start[k + 1]]``.
    faces : (p,) int
        Occluding polygons, body after body.
    roof : (b,) int
        For a block the polygon of its roof, the first of its faces; -1 otherwise.
    base : (b,) float
        For a block the height of its ground face [m, local].
    """

    face_start: IntArray
    faces: IntArray
    roof: IntArray
    base: FloatArray


def find_bodies(occluders: Occluders) -> Bodies:
    """Find the blocks among the closed solids; all other polygons stand alone.

    Parameters
    ----------
    occluders : Occluders
        Polygons with the building parts they belong to.

    Returns
    -------
    Bodies
        A part is a block if it is closed and consists of a convex level roof, a level
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
    for group in groups:
        block = _as_block(occluders, group, convex)
        if block is None:
            lists += [group[k : k + 1] for k in range(len(group))]
            roofs += [-1] * len(group)
            bases += [0.0] * len(group)
        else:
            roof, base = block
            lists.append(np.r_[roof, group[group != roof]])
            roofs.append(roof)
            bases.append(base)
    return Bodies(
        face_start=np.r_[0, np.cumsum([len(faces) for faces in lists])].astype(np.int64),
        faces=np.concatenate(lists) if lists else np.empty(0, np.int64),
        roof=np.array(roofs, np.int64),
        base=np.array(bases, np.float64),
    )


def _as_block(
    occluders: Occluders, group: IntArray, convex: NDArray[np.bool_]
) -> tuple[int, float] | None:
    """Return roof and base height of a part that is an upright convex block."""
    polygons = occluders.polygons
    up = polygons.normal[group, 2]
    roofs, grounds = group[up > 1 - UPRIGHT], group[up < -1 + UPRIGHT]
    walls = group[np.abs(up) < UPRIGHT]
    if len(roofs) != 1 or len(grounds) != 1 or not convex[roofs[0]]:
        return None
    top, bottom = polygons.rings(int(roofs[0]))[0], polygons.rings(int(grounds[0]))[0]
    corners = np.diff(polygons.vertex_start)[walls]
    if len(walls) != len(top) or len(group) != len(top) + 2 or (corners != 4).any():
        return None
    same = np.array_equal(_sorted(top[:, :2]), _sorted(bottom[:, :2]))
    if not same or np.ptp(top[:, 2]) > 0 or np.ptp(bottom[:, 2]) > 0:
        return None
    return int(roofs[0]), float(bottom[0, 2])


def _sorted(points: FloatArray) -> FloatArray:
    """Return points in the order of their coordinates."""
    return points[np.lexsort(points.T)]
