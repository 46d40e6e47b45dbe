"""Find the planes that rise from an outline's edges."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.forms import SQUARE
from meshes.roofs.plots import BoolArray
from meshes.roofs.rectangles import largest_rectangles

STRAIGHT = 0.05
"""Corners this near to the line of their neighbours are no corners of the roof [m]."""

JOG = 0.1
"""Steps of a wall up to this size do not break the roof [m]."""

MOST_RUNS = 60
"""Walls of an outline above which no roof is tried; time grows with their third power."""

EQUAL = 1e-10
"""Planes that differ by less in a corner meet there [m]."""

COS_SQUARE = float(np.cos(np.radians(SQUARE)))
"""Walls whose directions agree better than by this look the same way."""

LEAST_CONVEX = 1e-3
"""Sine of the turn below which a corner to the right still counts as straight."""


@dataclass(frozen=True)
class Outline:
    """Sides of an outline, and which of them bound the roof's simple pieces.

    The depth of a place below a hipped roof with pitch 45 degrees is the largest over the
    pieces of the least depth below the piece's planes: for outlines of right angles the
    pieces are the largest rectangles within, for convex ones there is one of all sides.

    Attributes
    ----------
    planes : (e, 3) float
        Depth of a place behind each side: ``x, y, 1`` times a row [m].
    pieces : tuple of (m,) int
        Sides around each piece; sides opposite of each other are two apart in the four
        of a rectangle: west, south, east, north in the outline's own frame.
    gables : tuple of (m,) bool
        Whether the piece's side is a whole wall at a short end.
    """

    planes: FloatArray
    pieces: tuple[IntArray, ...]
    gables: tuple[BoolArray, ...]


@dataclass(frozen=True)
class _Run:
    """Corners between two real corners of a ring, and where it looks."""

    start: FloatArray
    end: FloatArray
    axis: int  # 0..3: quarter turns of its direction from the frame's first axis


def convex_outline(rings: Sequence[FloatArray]) -> Outline | str:
    """Find the sides of a convex outline.

    Parameters
    ----------
    rings : sequence of (n, 2) float
        One ring, counter-clockwise [m].

    Returns
    -------
    Outline or str
        The sides, or why there are none.
    """
    if len(rings) > 1:
        return "the outline has courtyards and angles other than right ones"
    ring = _real_corners(rings[0])
    if len(ring) > MOST_RUNS:
        return f"the outline has more than {MOST_RUNS} sides"
    edge = _ahead(ring) - ring
    length = np.hypot(edge[:, 0], edge[:, 1])
    following = _ahead(edge)
    turn = edge[:, 0] * following[:, 1] - edge[:, 1] * following[:, 0]
    if len(ring) < 3 or (turn < LEAST_CONVEX * length * _ahead(length)).any():
        return "the outline is neither convex nor of right angles"
    planes = _plane(ring, edge / length[:, None])
    return Outline(planes, (np.arange(len(ring)),), (np.zeros(len(ring), np.bool_),))


def right_angled_outline(
    rings: Sequence[FloatArray], *, facing: float = np.nan, across: bool = False
) -> Outline | str:
    """Find the sides of an outline of right angles and the largest rectangles within.

    Parameters
    ----------
    rings : sequence of (n, 2) float
        Outline counter-clockwise and holes clockwise [m], near the origin.
    facing : float
        Direction that the roof faces [degrees from north]; it and ``across`` decide where
        the gables of an outline are that is a single rectangle.
    across : bool
        Whether the ridge runs across the longer side.

    Returns
    -------
    Outline or str
        The sides, or why there are none.

    Notes
    -----
    Angles may be off by `SQUARE`, walls may step by `JOG`: sides that lie in one line
    within that share one plane. Planes go through the exact ends of their sides where a
    side stands alone; planes of several sides are tilted, and their neighbours with them,
    by the least that lets two planes meet in each corner of the outline.
    """
    corners = [_real_corners(ring) for ring in rings]
    if sum(len(ring) for ring in corners) > MOST_RUNS:
        return f"the outline has more than {MOST_RUNS} sides"
    turn = _main_direction(corners)
    frame = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    ring_runs = [_runs(ring, frame) for ring in corners]
    if any(runs is None for runs in ring_runs):
        return "the outline is not of right angles"
    loops = [runs for runs in ring_runs if runs is not None]
    runs = [run for loop in loops for run in loop]
    offset, side, lines = _align(runs, frame)
    ideal = _square_up(loops, offset)
    found = largest_rectangles(ideal, lines)
    if isinstance(found, str):
        return found
    planes = _planes(loops, side)
    if planes is None:
        return "the walls step too often for planes through them"
    number = {key: k for k, key in enumerate(dict.fromkeys(side))}
    if any(key not in number for box in found for key in box.sides):
        return "the walls step too often for planes through them"
    pieces = tuple(np.array([number[key] for key in box.sides]) for box in found)
    gables = tuple(
        _gables(
            box.sizes, box.whole, frame, facing=facing, across=across, alone=len(found) == 1
        )
        for box in found
    )
    return Outline(planes, pieces, gables)


def has_walls_in_line(rings: Sequence[FloatArray]) -> bool:
    """Whether two walls of an outline look the same way and lie in one line within `JOG`.

    Parameters
    ----------
    rings : sequence of (n, 2) float
        Outline and holes [m], near the origin.

    Notes
    -----
    Planes from such walls should be one; the skeleton makes them two with a thin step
    between.
    """
    starts = [_real_corners(ring) for ring in rings]
    start = np.concatenate(starts)
    edge = np.concatenate([_ahead(ring) for ring in starts]) - start
    along = edge / np.hypot(edge[:, 0], edge[:, 1])[:, None]
    inward = np.stack((-along[:, 1], along[:, 0]), axis=1)
    middle = start + edge / 2
    off = inward @ middle.T - (inward * start).sum(axis=1)[:, None]
    alike = (along @ along.T > COS_SQUARE) & (np.abs(off) < JOG)
    return int(alike.sum()) > len(start)  # each is in line with itself


def _ahead(values: FloatArray) -> FloatArray:
    """Each corner's follower; numpy's roll takes five times as long on short arrays."""
    return np.concatenate((values[1:], values[:1]))


def kept_corners(ring: FloatArray) -> IntArray:
    """Find the corners of a ring that do not lie nearly in line with others.

    Parameters
    ----------
    ring : (n, 2) float
        An open ring [m].

    Returns
    -------
    (m,) int
        Their numbers, ascending; the one farthest out is always among them.
    """
    kept = {(x, y) for x, y in _real_corners(ring).tolist()}
    return np.array([k for k, (x, y) in enumerate(ring.tolist()) if (x, y) in kept])


def _real_corners(ring: FloatArray) -> FloatArray:
    """Drop corners that lie nearly in line, never the one farthest out."""
    far = int(np.argmax(((ring - ring.mean(axis=0)) ** 2).sum(axis=1)))
    turned = np.concatenate((ring[far:], ring[:far]))
    line = shapely.LineString(np.concatenate([turned, turned[:1]]))
    kept: FloatArray = shapely.get_coordinates(
        line.simplify(STRAIGHT, preserve_topology=False)
    )
    return kept[:-1]


def _main_direction(rings: Sequence[FloatArray]) -> float:
    """Direction of the walls, modulo a quarter turn, weighted by their length [radians]."""
    edges = np.concatenate([_ahead(ring) - ring for ring in rings])
    length = np.hypot(edges[:, 0], edges[:, 1])
    angle = np.arctan2(edges[:, 1], edges[:, 0])
    # Long walls say more than short ones by more than their length: squared.
    total = (length**2 * np.exp(4j * angle)).sum()
    return float(np.angle(total) / 4.0)


def _runs(ring: FloatArray, frame: FloatArray) -> list[_Run] | None:
    """Walls of a ring in turn, None if one is neither along nor across."""
    local = ring @ frame.T
    edge = _ahead(local) - local
    length = np.hypot(edge[:, 0], edge[:, 1])
    quarter = np.arctan2(edge[:, 1], edge[:, 0]) / (np.pi / 2)
    axis = np.rint(quarter).astype(np.int64)
    off = np.abs(np.sin((quarter - axis) * np.pi / 2)) * length
    if (off > np.maximum(np.sin(np.radians(SQUARE)) * length, STRAIGHT)).any():
        return None
    runs = [
        _Run(ring[k], ring[(k + 1) % len(ring)], int(axis[k]) % 4) for k in range(len(ring))
    ]
    return _without_jogs(runs)


def _without_jogs(runs: list[_Run]) -> list[_Run] | None:
    """Join walls in line and walls with a small step between; None if walls bend."""
    changed = True
    while changed and len(runs) > 4:
        changed = False
        for k in range(len(runs)):
            one, two, three = (runs[(k + j) % len(runs)] for j in range(3))
            small = float(np.hypot(*(two.end - two.start))) <= JOG
            if one.axis == two.axis:
                if _bulge(one.start, two.start, two.end) > JOG:
                    return None
                joined, gone = _Run(one.start, two.end, one.axis), 2
            elif small and one.axis == three.axis:
                joined, gone = _Run(one.start, three.end, one.axis), 3
            else:
                continue
            turned = runs[k:] + runs[:k]
            runs = [joined, *turned[gone:]]
            changed = True
            break
    turns = [(b.axis - a.axis) % 4 for a, b in zip(runs, [*runs[1:], runs[0]], strict=True)]
    return runs if len(runs) >= 4 and set(turns) <= {1, 3} else None


def _bulge(start: FloatArray, middle: FloatArray, end: FloatArray) -> float:
    """Distance of a corner from the line between two others [m]."""
    (x0, y0), (x, y), (x1, y1) = start.tolist(), middle.tolist(), end.tolist()
    dx, dy = x1 - x0, y1 - y0
    return float(abs(dx * (y - y0) - dy * (x - x0)) / max(np.hypot(dx, dy), 1e-9))


Side = tuple[int, int]


def _align(
    runs: Sequence[_Run], frame: FloatArray
) -> tuple[FloatArray, list[Side], tuple[FloatArray, FloatArray]]:
    """Put walls in line on lines.

    Returns the line of each wall across its direction, its side (axis and number of the
    line) and the lines along both axes of the frame.
    """
    middle = np.array([(run.start + run.end) / 2 for run in runs]) @ frame.T
    axis = np.array([run.axis for run in runs])
    offset = np.where(axis % 2 == 0, middle[:, 1], middle[:, 0])
    number = np.zeros(len(runs), np.int64)
    lines = [np.empty(0), np.empty(0)]
    for way in (0, 1):
        some = np.flatnonzero(axis % 2 == way)
        order = some[np.argsort(offset[some])]
        group = np.r_[0, np.cumsum(np.diff(offset[order]) > JOG)]
        number[order] = group
        centre = np.bincount(group, offset[order]) / np.bincount(group)
        offset[order] = centre[group]
        lines[1 - way] = centre
    sides = [(int(a), int(n)) for a, n in zip(axis, number, strict=True)]
    return offset, sides, (lines[0], lines[1])


def _square_up(loops: Sequence[Sequence[_Run]], offset: FloatArray) -> list[FloatArray]:
    """Corners of rings whose walls lie on their lines, in the frame."""
    rings, first = [], 0
    for loop in loops:
        own = offset[first : first + len(loop)]
        first += len(loop)
        before = np.concatenate((own[-1:], own[:-1]))
        along = np.array([run.axis % 2 == 0 for run in loop])
        rings.append(
            np.stack((np.where(along, before, own), np.where(along, own, before)), axis=1)
        )
    return rings


def _plane(points: FloatArray, direction: FloatArray) -> FloatArray:
    """Depth behind lines through points, (n, 3); directions are unit vectors."""
    x, y = -direction[:, 1], direction[:, 0]
    return np.stack((x, y, -(x * points[:, 0] + y * points[:, 1])), axis=1)


def _planes(loops: Sequence[Sequence[_Run]], side: Sequence[Side]) -> FloatArray | None:
    """Planes of all sides, (e, 3), equal in the corners where two sides meet."""
    number = {key: k for k, key in enumerate(dict.fromkeys(side))}
    runs = [run for loop in loops for run in loop]
    of_run = np.array([number[key] for key in side])
    span = np.array([run.end - run.start for run in runs])
    weight = np.hypot(span[:, 0], span[:, 1])
    total = np.stack([np.bincount(of_run, span[:, k]) for k in (0, 1)], 1)
    direction: FloatArray = total / np.hypot(total[:, 0], total[:, 1])[:, None]
    middle = np.array([(run.start + run.end) / 2 for run in runs])
    moment = np.stack([np.bincount(of_run, weight * middle[:, k]) for k in (0, 1)], 1)
    centre: FloatArray = moment / np.bincount(of_run, weight)[:, None]
    planes = _plane(centre, direction)
    if len(number) == len(runs):
        return planes
    # Raise and tilt each plane along its side by a and b, so that the planes of both
    # sides have one depth in every corner: the least change, by Lagrange's multipliers.
    before = np.arange(len(runs))
    sizes = np.array([len(loop) for loop in loops])
    after = before + 1
    after[np.cumsum(sizes) - 1] -= sizes
    corner = np.array([run.end for run in runs])
    one, depth_one = _rows(of_run[before], corner, planes, centre, direction)
    two, depth_two = _rows(of_run[after], corner, planes, centre, direction)
    fit, tie = np.concatenate((one, two)), one - two
    wish, gap = -np.concatenate((depth_one, depth_two)), depth_two - depth_one
    system = np.block([[fit.T @ fit, tie.T], [tie, np.zeros((len(tie), len(tie)))]])
    right = np.concatenate((fit.T @ wish, gap))
    change = np.linalg.lstsq(system, right, rcond=None)[0][: 2 * len(number)]
    if np.abs(tie @ change - gap).max() > EQUAL:
        return None
    lift, tilt = change[0::2], change[1::2]
    if np.abs(tilt).max() > np.tan(np.radians(SQUARE)):
        return None
    planes[:, :2] += tilt[:, None] * direction
    planes[:, 2] += lift - tilt * np.einsum("ex,ex->e", direction, centre)
    return planes


def _rows(
    side: IntArray,
    corner: FloatArray,
    planes: FloatArray,
    centre: FloatArray,
    direction: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return what lift and tilt of sides add to the depth of corners, and that depth."""
    number = np.arange(len(side))
    rows = np.zeros((len(side), 2 * len(planes)))
    rows[number, 2 * side] = 1.0
    rows[number, 2 * side + 1] = ((corner - centre[side]) * direction[side]).sum(axis=1)
    return rows, (planes[side, :2] * corner).sum(axis=1) + planes[side, 2]


def _gables(
    sizes: tuple[float, float],
    whole: tuple[bool, bool, bool, bool],
    frame: FloatArray,
    *,
    facing: float,
    across: bool,
    alone: bool,
) -> BoolArray:
    """Which sides of a rectangle are gables: whole walls at the ends of its ridge."""
    ridge_along_x = sizes[0] >= sizes[1]
    if alone:
        ridge_along_x ^= across
        if np.isfinite(facing):
            wish = frame @ np.array(
                [np.sin(np.radians(facing)), np.cos(np.radians(facing))]
            )
            if abs(abs(wish[0]) - abs(wish[1])) > 0.1:
                ridge_along_x = bool(abs(wish[1]) > abs(wish[0]))
    ends = (ridge_along_x, not ridge_along_x, ridge_along_x, not ridge_along_x)
    return np.array(ends, np.bool_) & np.array(whole, np.bool_)
