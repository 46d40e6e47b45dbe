"""Roof outlines of four corners by closed forms."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.forms import HIP_START, SQUARE, profile
from meshes.roofs.plots import BoolArray, Plots, Rise, roof_rise
from meshes.roofs.shells import Shells, shells_from_template
from meshes.solids import Kind

FORMS = ("gabled", "hipped", "half-hipped", "mansard", "gambrel", "round")
"""Forms made here."""

NARROW = 0.01
"""Ridges and steps shorter than this are left to `meshes.roofs.envelope` [m]."""

Face = tuple[Kind, int, Sequence[int]]


@dataclass(frozen=True)
class _Ridge:
    """Ridge of four-cornered roofs whose eaves are the edges 0 and 2.

    Planes rise from the exact edges with one slope, so that a ridge between edges that are
    not quite parallel is not quite level.
    """

    quad: FloatArray  # (b, 4, 2) corners, counter-clockwise
    normal: FloatArray  # (b, 4, 2) unit normals of the edges, inward
    foot: FloatArray  # (b, 2, 2) where the ridge meets the edges 1 and 3
    depth: FloatArray  # (b, 2) their distance from the eaves [m]

    @property
    def run(self) -> FloatArray:
        """(b,) float: largest distance from the eaves [m]."""
        return np.asarray(self.depth.max(axis=1))


def right_quads(plots: Plots, which: IntArray) -> tuple[IntArray, FloatArray]:
    """Return which outlines are nearly rectangles, and their corners, (k, 4, 2)."""
    which = which[plots.is_simple[which] & (plots.corner_count[which] == 4)]
    first = plots.ring_start[plots.plot_start[which]]
    quad = plots.plan[first[:, None] + np.arange(4)]
    square = _is_square(quad)
    return which[square], quad[square]


def quad_roofs(plots: Plots, which: IntArray, form: str) -> tuple[Shells, IntArray, Rise]:
    """Make roofs on outlines of four corners that are nearly rectangles.

    Parameters
    ----------
    plots : Plots
        All buildings.
    which : (k,) int
        Candidates.
    form : str
        One of `FORMS`.

    Returns
    -------
    shells : Shells
        The buildings that could be made.
    made : (m,) int
        Their numbers.
    rise : Rise
        How high their roofs are.

    Notes
    -----
    The ridge runs along the longer side, or across if so told; a stated direction decides
    before both: the roof faces it, so that the ridge is at right angles. Hips rise from the
    corners at the slope of the main planes, so that hipped and mansard roofs always run
    along.
    """
    which, quad = right_quads(plots, which)
    turn = _turn(plots, which, quad, free=form not in {"hipped", "mansard"})
    quad = quad[np.arange(len(quad))[:, None], (np.arange(4) + turn[:, None]) % 4]
    if not len(which):
        return shells_from_template(np.empty((0, 1, 3)), [], which), which, _no_rise()
    ridge = _find_ridge(quad)
    rise = roof_rise(plots, which, form, run=ridge.run)
    good = rise.height > 0.0
    make = _hipped if form in {"hipped", "mansard", "half-hipped"} else _gabled
    points, heights, faces, fits = make(ridge, rise.height, form)
    good &= fits
    top, base = plots.top[which], plots.base[which]
    eaves = top - rise.height
    corners = np.concatenate(
        [
            np.concatenate(
                [quad, np.broadcast_to(base[:, None, None], (*quad.shape[:2], 1))], 2
            ),
            np.concatenate(
                [quad, np.broadcast_to(eaves[:, None, None], (*quad.shape[:2], 1))], 2
            ),
            # Down from the top, so that the highest point is the top exactly.
            np.concatenate(
                [points, (top[:, None] - (rise.height[:, None] - heights))[..., None]], 2
            ),
        ],
        axis=1,
    )
    shells = shells_from_template(corners[good], faces, which[good], turn=turn[good])
    made = Rise(rise.height[good], rise.source[good], rise.lowered[good])
    return shells, which[good], made


def _no_rise() -> Rise:
    """Rise of no roof."""
    return Rise(np.empty(0), np.empty(0, object), np.empty(0, np.bool_))


def _is_square(quad: FloatArray) -> BoolArray:
    """Whether all angles are right within `SQUARE`."""
    edge = np.roll(quad, -1, axis=1) - quad
    length = np.linalg.norm(edge, axis=2)
    following, next_length = np.roll(edge, -1, axis=1), np.roll(length, -1, axis=1)
    bend = np.einsum("bex,bex->be", edge, following)
    turn = edge[..., 0] * following[..., 1] - edge[..., 1] * following[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.abs(bend) / (length * next_length)
    square = (off <= np.sin(np.radians(SQUARE))) & (turn > 0.0)
    good: BoolArray = square.all(axis=1) & (length.min(axis=1) > 4.0 * NARROW)
    return good


def _turn(plots: Plots, which: IntArray, quad: FloatArray, *, free: bool) -> IntArray:
    """Choose the corner from which the eaves run: 0 or 1, (b,)."""
    edge = np.roll(quad, -1, axis=1) - quad
    length = np.linalg.norm(edge, axis=2)
    along: IntArray = np.array(
        length[:, 1] + length[:, 3] > length[:, 0] + length[:, 2], np.int64
    )
    if not free:
        return along
    turn = np.where(plots.across[which], 1 - along, along)
    # The roof faces where its eaves' normal points: nearest to the direction or against.
    facing = np.radians(plots.direction[which])
    normal = np.stack([edge[..., 1], -edge[..., 0]], axis=2) / length[..., None]
    fit = np.abs(
        normal[..., 0] * np.sin(facing)[:, None] + normal[..., 1] * np.cos(facing)[:, None]
    )
    told = (fit[:, 1] + fit[:, 3] > fit[:, 0] + fit[:, 2]).astype(np.int64)
    # Between both, at 45 degrees, a direction says nothing.
    clear = np.isfinite(facing) & (np.abs(fit[:, 0] - fit[:, 1]) > 0.1)
    return np.where(clear, told, turn).astype(np.int64)


def _find_ridge(quad: FloatArray) -> _Ridge:
    """Cut the planes over the edges 0 and 2 with the edges 1 and 3."""
    edge = np.roll(quad, -1, axis=1) - quad
    normal = np.stack([-edge[..., 1], edge[..., 0]], axis=2)
    normal /= np.linalg.norm(edge, axis=2, keepdims=True)
    # Depth of each edge's ends below the plane over the other eaves.
    far = np.einsum(
        "bex,bex->be",
        normal[:, [2, 0, 0, 2]],
        quad[:, [1, 2, 3, 0]] - quad[:, [2, 0, 0, 2]],
    )
    # Edge 1 starts on edge 0, edge 3 on edge 2.
    share = np.stack(
        [far[:, 0] / (far[:, 0] + far[:, 1]), far[:, 2] / (far[:, 2] + far[:, 3])], 1
    )
    foot = quad[:, [1, 3]] + share[..., None] * edge[:, [1, 3]]
    return _Ridge(quad, normal, foot, share * far[:, [1, 3]])


Made = tuple[FloatArray, FloatArray, list[Face], BoolArray]


def _walls(first: int, breaks: Mapping[int, Sequence[int]]) -> list[Face]:
    """Four walls, with corners of the roof between the eaves' where there are any."""
    walls: list[Face] = [
        (Kind.WALL, k, [k, (k + 1) % 4, first + (k + 1) % 4, *breaks.get(k, ()), first + k])
        for k in range(4)
    ]
    return [*walls, (Kind.GROUND, 0, [3, 2, 1, 0])]


def _gabled(ridge: _Ridge, rise: FloatArray, form: str) -> Made:
    """Gabled, gambrel and round roofs: a cross section drawn along the ridge."""
    way, height = profile(form, run=ridge.run, rise=rise)
    steps = way.shape[1] - 2
    slope = (height[:, -1] - height[:, -2]) / (way[:, -1] - way[:, -2])
    points, heights = [], []
    for k in range(1, steps + 1):
        # On edge 1 from its start, on edge 3 to its end, then the same over edge 2.
        for side, end, start in ((0, 1, 1), (0, 3, 0), (2, 3, 3), (2, 1, 2)):
            points.append(
                _on_edge(ridge, side=side, edge=end, corner=start, depth=way[:, k])
            )
            heights.append(height[:, k])
    points += [ridge.foot[:, 0], ridge.foot[:, 1]]
    heights += [rise - (ridge.run - ridge.depth[:, k]) * slope for k in (0, 1)]
    crown = (8 + 4 * steps, 9 + 4 * steps)
    rows = [(4, 5, 6, 7)]  # corners over (0, 1, 2, 3), from the eaves up
    for k in range(steps):
        at = 8 + 4 * k
        rows.append((at + 1, at, at + 3, at + 2))
    rows.append((crown[1], crown[0], crown[0], crown[1]))
    faces: list[Face] = []
    for low, high in itertools.pairwise(rows):
        faces.append((Kind.ROOF, len(faces), [low[0], low[1], high[1], high[0]]))
    for low, high in itertools.pairwise(rows):
        faces.append((Kind.ROOF, len(faces), [low[2], low[3], high[3], high[2]]))
    inner = rows[1:-1]
    breaks = {
        1: [*(row[2] for row in inner), crown[0], *(row[1] for row in inner[::-1])],
        3: [*(row[0] for row in inner), crown[1], *(row[3] for row in inner[::-1])],
    }
    fits = ridge.depth.min(axis=1) > way[:, -2] + NARROW
    faces += _walls(4, breaks)
    return np.stack(points, 1), np.stack(heights, 1), faces, fits


def _on_edge(
    ridge: _Ridge, *, side: int, edge: int, corner: int, depth: FloatArray
) -> FloatArray:
    """Point of an edge at a distance from the eaves that end in one of its corners."""
    start = ridge.quad[:, corner]
    other = edge if edge != corner else (edge + 1) % 4
    along = ridge.quad[:, other] - start
    rate = np.einsum("bx,bx->b", ridge.normal[:, side], along)
    return np.asarray(start + along * (depth / rate)[:, None])


def _hipped(ridge: _Ridge, rise: FloatArray, form: str) -> Made:
    """Hipped, half-hipped and mansard roofs: the ridge ends where the hips meet it."""
    start = HIP_START * ridge.run * (form == "half-hipped")
    ends, depths, taken = _ridge_ends(ridge, start)
    run = depths.max(axis=1)
    way, height = profile("mansard" if form == "mansard" else "hipped", run=run, rise=rise)
    slope = (height[:, -1] - height[:, -2]) / (way[:, -1] - way[:, -2])
    fits = taken.sum(axis=1) <= 1.0 + 1e-12
    fits &= depths.min(axis=1) > way[:, -2] + NARROW
    length = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    fits &= length > NARROW
    tops = [rise - (run - depths[:, k]) * slope for k in (0, 1)]
    if form == "half-hipped":
        marks = [
            _on_edge(ridge, side=side, edge=edge, corner=corner, depth=start)
            for side, edge, corner in ((0, 1, 1), (0, 3, 0), (2, 3, 3), (2, 1, 2))
        ]
        faces: list[Face] = [
            (Kind.ROOF, 0, [4, 5, 8, 12, 13, 9]),
            (Kind.ROOF, 1, [8, 11, 12]),
            (Kind.ROOF, 2, [6, 7, 10, 13, 12, 11]),
            (Kind.ROOF, 3, [10, 9, 13]),
        ]
        points = np.stack([*marks, ends[:, 0], ends[:, 1]], 1)
        low = start * slope
        faces += _walls(4, {1: [11, 8], 3: [9, 10]})
        return points, np.stack([low, low, low, low, *tops], 1), faces, fits
    if form == "mansard":
        inner = _inset(ridge, way[:, 1])
        faces = [
            (Kind.ROOF, k, [4 + k, 4 + (k + 1) % 4, 8 + (k + 1) % 4, 8 + k])
            for k in range(4)
        ]
        faces += _cap(8, (12, 13), rank=4)
        points = np.concatenate([inner, ends], 1)
        heights = np.concatenate([np.repeat(height[:, 1:2], 4, 1), np.stack(tops, 1)], 1)
    else:
        faces = _cap(4, (8, 9), rank=0)
        points, heights = ends, np.stack(tops, 1)
    faces += _walls(4, {})
    return points, heights, faces, fits


def _cap(first: int, ends: tuple[int, int], *, rank: int) -> list[Face]:
    """Two long and two hip planes over four corners."""
    a, b, c, d = first, first + 1, first + 2, first + 3
    one, other = ends
    return [
        (Kind.ROOF, rank, [a, b, one, other]),
        (Kind.ROOF, rank + 1, [b, c, one]),
        (Kind.ROOF, rank + 2, [c, d, other, one]),
        (Kind.ROOF, rank + 3, [d, a, other]),
    ]


def _ridge_ends(
    ridge: _Ridge, start: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where hips that begin at a height above the eaves cut the ridge.

    Returns points (b, 2, 2), their distance from the eaves and the shares of the ridge
    that are cut away at the ends over the edges 1 and 3, (b, 2) each.
    """
    points, depths, shares = [], [], []
    for here, there, edge in ((0, 1, 1), (1, 0, 3)):
        along = ridge.foot[:, there] - ridge.foot[:, here]
        gain = np.einsum("bx,bx->b", ridge.normal[:, edge], along)
        climb = ridge.depth[:, there] - ridge.depth[:, here]
        share = (ridge.depth[:, here] - start) / (gain - climb)
        points.append(ridge.foot[:, here] + share[:, None] * along)
        depths.append(ridge.depth[:, here] + share * climb)
        shares.append(share)
    return np.stack(points, 1), np.stack(depths, 1), np.stack(shares, 1)


def _inset(ridge: _Ridge, depth: FloatArray) -> FloatArray:
    """Corners of the outline moved inwards by a distance, (b, 4, 2)."""
    before = np.roll(ridge.normal, 1, axis=1)
    both = before + ridge.normal
    scale = depth[:, None] / (1.0 + np.einsum("bex,bex->be", before, ridge.normal))
    return np.asarray(ridge.quad + both * scale[..., None])
