"""Find roofed buildings that are no valid solids."""

import numpy as np
import shapely

from meshes.polygons import IntArray, newell_sums
from meshes.roofs.plots import BoolArray, Plots
from meshes.roofs.shells import Shells, members, solids_from_shells
from meshes.solids import Kind, closure_defects

LEAST_AREA = 1e-6
"""A face must be larger than this [m2]."""

LEAST_RISE = 0.02
"""A roof's normal must rise by more than this: pitch below 88.9 degrees."""

FLATNESS = 1e-6
"""Corners must lie this near to the plane of their face [m]."""


def is_valid(shells: Shells, plots: Plots) -> BoolArray:
    """Return which buildings are valid solids with proper roofs.

    Parameters
    ----------
    shells : Shells
        Faces of some buildings.
    plots : Plots
        All buildings.

    Returns
    -------
    (n,) bool
        False for buildings without faces too.

    Notes
    -----
    Looked at: area and flatness of each face; that roofs look up, are simple in plan and
    stay above the base; that the surface is closed and turned outwards. A closed surface
    whose roofs look up and whose walls are upright covers its outline exactly once.
    """
    count = len(plots.base)
    good = np.zeros(count, np.bool_)
    good[shells.plot] = True
    bad = _bad_faces(shells, plots)
    good[shells.plot[bad]] = False
    shells = shells.keep(good)
    if not len(shells.kind):
        return good
    names = tuple(str(k) for k in range(count))
    solids = solids_from_shells(shells, parts=names, origin=np.zeros(3))
    good[closure_defects(solids)] = False
    good &= solids.volume() > 0.0
    return good


def _bad_faces(shells: Shells, plots: Plots) -> BoolArray:
    """Whether each face is wrong by itself."""
    sums = newell_sums(shells.vertices, shells.ring_start, shells.polygon_start)
    length = np.linalg.norm(sums, axis=1)
    bad = ~(length > 2.0 * LEAST_AREA)
    normal = sums / np.where(bad, 1.0, length)[:, None]
    first = shells.ring_start[shells.polygon_start]
    sizes = np.diff(first)
    anchor = shells.vertices[first[:-1]]
    spoke = shells.vertices - np.repeat(anchor, sizes, axis=0)
    off = np.abs(np.einsum("vx,vx->v", spoke, np.repeat(normal, sizes, axis=0)))
    if len(sizes):
        bad |= ~(np.maximum.reduceat(off, first[:-1]) < FLATNESS)
        lowest = np.minimum.reduceat(shells.vertices[:, 2], first[:-1])
        roof = shells.kind == Kind.ROOF
        bad |= roof & ~(normal[:, 2] > LEAST_RISE)
        bad |= roof & ~(lowest > plots.base[shells.plot])
        asked = np.flatnonzero(roof & ~bad & (sizes > 3))
        bad[asked] = ~_is_simple(shells, asked)
    return np.asarray(bad, np.bool_)


def _is_simple(shells: Shells, faces: IntArray) -> BoolArray:
    """Whether faces are simple polygons in plan."""
    if not len(faces):
        return np.empty(0, np.bool_)
    rings, ring_start = members(shells.polygon_start, faces)
    corners, corner_start = members(shells.ring_start, rings)
    lines = shapely.linearrings(
        shells.vertices[corners, :2],
        indices=np.repeat(np.arange(len(rings)), np.diff(corner_start)),
    )
    plans = shapely.polygons(
        lines, indices=np.repeat(np.arange(len(faces)), np.diff(ring_start))
    )
    return np.asarray(shapely.is_valid(plans), np.bool_)
