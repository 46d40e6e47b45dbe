"""Raise pyramids and domes over the middle of an outline."""

import numpy as np

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.forms import ARC_STEPS
from meshes.roofs.plots import BoolArray, Plots, Rise, roof_rise
from meshes.roofs.quads import Face
from meshes.roofs.shells import Shells, join_shells, shells_from_template
from meshes.solids import Kind

FORMS = ("pyramid", "dome")
"""Forms made here."""

LEAST_SIGHT = 0.1
"""Least distance of the middle from the line of an edge [m]."""

LEAST_REACH = 0.15
"""And by this share of the radius of a disc as large: one near a wall, as in an L, makes no
apex. Rectangles of one to thirty just pass."""


def fan_roofs(plots: Plots, which: IntArray, form: str) -> tuple[Shells, IntArray, Rise]:
    """Make roofs that run together above the middle of the outline.

    Parameters
    ----------
    plots : Plots
        All buildings.
    which : (k,) int
        Candidates; those with holes or whose centroid does not see all edges are left out.
    form : str
        ``pyramid``, or ``dome``: its cross sections are quarter ellipses.

    Returns
    -------
    shells : Shells
        The buildings that could be made.
    made : (m,) int
        Their numbers.
    rise : Rise
        How high their roofs are.
    """
    shells, made, rises = [], [], []
    simple = which[plots.is_simple[which]]
    counts = plots.corner_count[simple]
    for count in np.unique(counts):
        some = simple[counts == count]
        first = plots.ring_start[plots.plot_start[some]]
        ring = plots.plan[first[:, None] + np.arange(count)]
        middle = _centroid(ring)
        run, seen = _sight(ring, middle)
        rise = roof_rise(plots, some, form, run=run)
        good = seen & (rise.height > 0.0)
        top, base = plots.top[some], plots.base[some]
        rows = [_at(ring, base), _at(ring, top - rise.height)]
        if form == "dome":
            for angle in np.linspace(0.0, np.pi / 2, ARC_STEPS + 1)[1:-1]:
                shrunk = middle[:, None] + np.cos(angle) * (ring - middle[:, None])
                rows.append(_at(shrunk, top - rise.height * (1.0 - np.sin(angle))))
        corners = np.concatenate([*rows, _at(middle[:, None], top)], axis=1)
        faces = _fan(int(count), len(rows))
        shells.append(shells_from_template(corners[good], faces, some[good]))
        made.append(some[good])
        rises.append((rise.height[good], rise.source[good], rise.lowered[good]))
    if not shells:
        empty = Rise(np.empty(0), np.empty(0, object), np.empty(0, np.bool_))
        return join_shells([]), np.empty(0, np.int64), empty
    height, source, lowered = (np.concatenate(one) for one in zip(*rises, strict=True))
    return join_shells(shells), np.concatenate(made), Rise(height, source, lowered)


def _centroid(ring: FloatArray) -> FloatArray:
    """Centroids of outlines, (b, 2)."""
    spoke = ring - ring[:, :1]
    following = np.roll(spoke, -1, axis=1)
    cross = spoke[..., 0] * following[..., 1] - spoke[..., 1] * following[..., 0]
    moment = np.einsum("be,bex->bx", cross, spoke + following)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(ring[:, 0] + moment / (3.0 * cross.sum(axis=1))[:, None])


def _sight(ring: FloatArray, middle: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Least distance of the middle from the edges' lines, and whether it sees all well."""
    edge = np.roll(ring, -1, axis=1) - ring
    spoke = middle[:, None] - ring
    cross = edge[..., 0] * spoke[..., 1] - edge[..., 1] * spoke[..., 0]
    run = (cross / np.linalg.norm(edge, axis=2)).min(axis=1)
    # The triangles from the middle to the edges fill the outline.
    radius = np.sqrt(np.maximum(cross.sum(axis=1), 0.0) / (2.0 * np.pi))
    return np.maximum(run, 0.0), run > np.maximum(LEAST_SIGHT, LEAST_REACH * radius)


def _at(ring: FloatArray, height: FloatArray) -> FloatArray:
    """Outlines at a height each, (b, n, 3)."""
    level = np.broadcast_to(height[:, None, None], (*ring.shape[:2], 1))
    return np.concatenate([ring, level], axis=2)


def _fan(count: int, rows: int) -> list[Face]:
    """Faces over ``count`` corners: ground, eaves and inner rings, last the apex."""
    around = [(k, (k + 1) % count) for k in range(count)]
    faces: list[Face] = []
    for row in range(1, rows - 1):
        low, high = row * count, (row + 1) * count
        faces += [
            (Kind.ROOF, len(faces) + k, [low + k, low + n, high + n, high + k])
            for k, n in around
        ]
    last, apex = (rows - 1) * count, rows * count
    faces += [(Kind.ROOF, len(faces) + k, [last + k, last + n, apex]) for k, n in around]
    faces += [(Kind.WALL, k, [k, n, count + n, count + k]) for k, n in around]
    return [*faces, (Kind.GROUND, 0, list(range(count))[::-1])]
