"""Roof outlines of many corners with the planes that rise from their sides."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.creases import Surfaces
from meshes.roofs.forms import HIP_START, profile
from meshes.roofs.outlines import Outline, convex_outline, right_angled_outline
from meshes.roofs.plots import BoolArray, Plots, Rise, roof_rise
from meshes.roofs.shells import Shells
from meshes.roofs.tracing import Faces, Ring, trace_faces
from meshes.solids import Kind

FORMS = ("gabled", "hipped", "half-hipped", "mansard", "gambrel", "round")
"""Forms made here."""

GABLED = ("gabled", "gambrel", "round")
"""Forms whose gables reach up to the ridge."""

MOST_PLANES = 150
"""Planes of a roof above which none is tried; time grows with their third power."""

STEP = 1e-3
"""Spans of a round roof's wings are told apart to this [m]."""


@dataclass(frozen=True)
class _Case:
    """A building on the way to its roof."""

    plot: int
    middle: FloatArray
    rings: list[FloatArray]
    outline: Outline


@dataclass(frozen=True)
class _Field:
    """Planes of a surface and the pieces they bound."""

    planes: FloatArray
    pieces: list[list[int]]

    @property
    def pattern(self) -> tuple[int, int, int]:
        """Numbers of planes, pieces and most planes of a piece."""
        return len(self.planes), len(self.pieces), max(len(p) for p in self.pieces)


def pieced_roofs(
    plots: Plots, which: IntArray, form: str
) -> tuple[Shells, IntArray, Rise, dict[int, str]]:
    """Make roofs on outlines of right angles, or convex ones for hipped and mansard.

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
    refused : dict of int to str
        Why the others could not be made.

    Notes
    -----
    The roof of a right-angled outline is the highest of the roofs over the largest
    rectangles within it; its depth below pitch 45 degrees, if hipped, is the distance from
    the outline in the larger of both directions, which is the roof of the straight skeleton
    (Aichholzer et al. 1995 [1]_). Gables stand on whole walls at the short ends of the
    rectangles. A convex outline's roof is the lowest of the planes from its sides.

    .. [1] O. Aichholzer, F. Aurenhammer, D. Alberts and B. Gärtner, "A novel type of
       skeleton for polygons", J. Universal Computer Science 1 (1995).
    """
    cases, refused = _cases(plots, which, form)
    linear = [_linear(case.outline, form) for case in cases]
    faces = _trace(cases, linear)
    runs = np.array([_highest(one) for one in faces], np.float64)
    numbers = np.array([case.plot for case in cases], np.int64)
    rise = roof_rise(plots, numbers, form, run=runs)
    if form in {"mansard", "gambrel", "round"}:
        curved = [
            _curved(case.outline, form, float(run), float(height))
            for case, run, height in zip(cases, runs, rise.height, strict=True)
        ]
        small = [len(field.planes) <= MOST_PLANES for field in curved]
        again = _trace(
            [case for case, ok in zip(cases, small, strict=True) if ok],
            [field for field, ok in zip(curved, small, strict=True) if ok],
        )
        ready = iter(again)
        faces = [next(ready) if ok else _Traced.nothing() for ok in small]
    kept = [k for k, one in enumerate(faces) if one.roofs and rise.height[k] > 0.0]
    for k, one in enumerate(faces):
        if not one.roofs:
            refused[int(numbers[k])] = "its planes do not close"
    chosen = np.array(kept, np.int64)
    made = Rise(rise.height[chosen], rise.source[chosen], rise.lowered[chosen])
    shells = _shells(plots, [cases[k] for k in kept], [faces[k] for k in kept], made.height)
    return shells, numbers[chosen], made, refused


def _cases(plots: Plots, which: IntArray, form: str) -> tuple[list[_Case], dict[int, str]]:
    """Find the sides of outlines, and why some have none."""
    cases: list[_Case] = []
    refused: dict[int, str] = {}
    for plot in which.tolist():
        exact = plots.rings(plot)
        middle = (exact[0].min(axis=0) + exact[0].max(axis=0)) / 2
        rings = [ring - middle for ring in exact]
        outline = right_angled_outline(
            rings,
            facing=float(plots.direction[plot]),
            across=bool(plots.across[plot]),
        )
        if isinstance(outline, str) and form in {"hipped", "mansard"}:
            convex = convex_outline(rings)
            outline = convex if isinstance(convex, Outline) or len(rings) == 1 else outline
        if isinstance(outline, str):
            refused[plot] = outline
        else:
            cases.append(_Case(plot, middle, rings, outline))
    return cases, refused


def _linear(outline: Outline, form: str) -> _Field:
    """Planes of pitch 45 degrees for a form."""
    planes = list(outline.planes)
    pieces = []
    for piece, gable in zip(outline.pieces, outline.gables, strict=True):
        if form in GABLED:
            pieces.append(piece[~gable].tolist())
        elif form == "half-hipped":
            start = HIP_START * _half_span(outline, piece, gable)
            own = piece[~gable].tolist()
            for side in piece[gable]:
                own.append(len(planes))
                planes.append(outline.planes[side] + (0.0, 0.0, start))
            pieces.append(own)
        else:
            pieces.append(piece.tolist())
    return _Field(np.array(planes), pieces)


def _half_span(outline: Outline, piece: IntArray, gable: BoolArray) -> float:
    """Half the distance between the sides of a rectangle that carry its ridge [m]."""
    even = bool(gable[0] or gable[2])
    pairs = ((1, 3),) if even else ((0, 2),) if gable.any() else ((0, 2), (1, 3))
    spans = []
    for a, b in pairs:
        one, other = outline.planes[piece[a]], outline.planes[piece[b]]
        # Opposite planes add up to their distance, but for the angle between them.
        spans.append((one[2] + other[2]) / 2)
    return float(min(spans))


def _curved(outline: Outline, form: str, run: float, height: float) -> _Field:
    """Planes of a form whose cross section breaks."""
    planes: list[FloatArray] = []
    known: dict[tuple[int, float, float], int] = {}
    pieces = []
    for piece, gable in zip(outline.pieces, outline.gables, strict=True):
        # Wings of a round roof are arcs of their own; mansards break at one level.
        half = _half_span(outline, piece, gable) if form == "round" else run
        half = round(half / STEP) * STEP if form == "round" else half
        ways, heights = profile(
            form, run=np.array([half]), rise=np.array([height * half / max(run, STEP)])
        )
        own = []
        for side in (piece[~gable] if form in GABLED else piece).tolist():
            for k in range(ways.shape[1] - 1):
                slope = float(
                    (heights[0, k + 1] - heights[0, k]) / (ways[0, k + 1] - ways[0, k])
                )
                lift = float(heights[0, k] - slope * ways[0, k])
                # Arcs of any span begin with the same slope: equal planes must be one.
                key = (side, round(slope, 9), round(lift, 9))
                if key not in known:
                    known[key] = len(planes)
                    planes.append(outline.planes[side] * slope + (0.0, 0.0, lift))
                own.append(known[key])
        pieces.append(own)
    return _Field(np.array(planes), pieces)


@dataclass(frozen=True)
class _Traced:
    """Faces of one building: points with heights, roofs and walls as numbers of them."""

    xy: FloatArray
    height: FloatArray
    roofs: list[Ring]
    walls: list[Ring]

    @staticmethod
    def nothing() -> "_Traced":
        """Return no faces."""
        return _Traced(np.empty((0, 2)), np.empty(0), [], [])


def _highest(traced: _Traced) -> float:
    """Largest height of a surface, 0 if it has no faces [m]."""
    return float(traced.height.max()) if len(traced.roofs) else 0.0


def _trace(cases: Sequence[_Case], fields: Sequence[_Field]) -> list[_Traced]:
    """Trace the faces of many buildings, those of one pattern together."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for k, (case, field) in enumerate(zip(cases, fields, strict=True)):
        key = (field.pattern, tuple(len(ring) for ring in case.rings))
        groups.setdefault(key, []).append(k)
    traced: list[_Traced] = [_Traced.nothing()] * len(cases)
    for members in groups.values():
        first = cases[members[0]]
        sizes = [len(ring) for ring in first.rings]
        ends = np.cumsum(sizes)
        following = np.arange(1, ends[-1] + 1)
        following[ends - 1] = ends - sizes
        start = np.array([np.concatenate(cases[k].rings) for k in members])
        most = fields[members[0]].pattern[2]
        surfaces = Surfaces(
            planes=np.array([fields[k].planes for k in members]),
            pieces=np.array(
                [[(p * most)[:most] for p in fields[k].pieces] for k in members], np.int64
            ),
            start=start,
            end=start[:, following],
        )
        faces = trace_faces(surfaces, following=following)
        for place, k in enumerate(members):
            traced[k] = _one(faces, place)
    return traced


def _one(faces: Faces, place: int) -> _Traced:
    """Take one surface's faces out of many."""
    roofs, walls = faces.roofs[place], faces.walls[place]
    used = sorted({p for ring in (*roofs, *walls) for p in ring})
    number = {p: k for k, p in enumerate(used)}
    return _Traced(
        faces.xy[used],
        faces.height[used],
        [[number[p] for p in ring] for ring in roofs],
        [[number[p] for p in ring] for ring in walls],
    )


def _shells(
    plots: Plots, cases: Sequence[_Case], traced: Sequence[_Traced], rise: FloatArray
) -> Shells:
    """Stand walls under the roofs and close them with the ground."""
    blocks: list[FloatArray] = []
    corners: list[int] = []
    lengths: list[int] = []
    rows: list[tuple[int, int, int, int]] = []  # rings, kind, rank, plot
    shift = 0
    for case, one, height in zip(cases, traced, rise.tolist(), strict=True):
        plan = one.xy + case.middle
        first = [wall[0] for wall in one.walls]
        plan[first] = np.concatenate(plots.rings(case.plot))
        top, base = plots.top[case.plot], plots.base[case.plot]
        peak = one.height.max()
        level = top - (peak - one.height) * (height / peak)
        block = np.empty((2, len(plan), 3))
        block[:, :, :2], block[0, :, 2], block[1, :, 2] = plan, level, base
        blocks.append(block.reshape(-1, 3))
        low = shift + len(plan)
        for rank, rings in enumerate(_with_holes(one.roofs, one.xy)):
            rows.append((len(rings), Kind.ROOF, rank, case.plot))
            lengths += [len(ring) for ring in rings]
            corners += [shift + p for ring in rings for p in ring]
        for rank, wall in enumerate(one.walls):
            rows.append((1, Kind.WALL, rank, case.plot))
            lengths.append(len(wall) + 2)
            corners += [low + wall[0], low + wall[-1], *(shift + p for p in wall[::-1])]
        ends = np.cumsum([len(ring) for ring in case.rings])
        rows.append((len(ends), Kind.GROUND, 0, case.plot))
        for stop, ring in zip(ends.tolist(), case.rings, strict=True):
            lengths.append(len(ring))
            corners += [low + p for p in first[stop - len(ring) : stop][::-1]]
        shift += 2 * len(plan)
    table = np.array(rows, np.int64).reshape(-1, 4)
    points = np.concatenate([np.empty((0, 3)), *blocks])
    return Shells(
        vertices=points[np.array(corners, np.int64)],
        ring_start=np.r_[0, np.cumsum(lengths)].astype(np.int64),
        polygon_start=np.r_[0, np.cumsum(table[:, 0])],
        kind=table[:, 1].astype(np.int8),
        rank=table[:, 2],
        plot=table[:, 3],
    )


def _with_holes(rings: Iterable[Ring], xy: FloatArray) -> list[list[Ring]]:
    """Give clockwise rings as holes to the smallest face around them."""
    outer: list[tuple[float, Ring]] = []
    holes: list[tuple[float, Ring]] = []
    places = xy.tolist()
    for ring in rings:
        area = _twice_area([places[point] for point in ring])
        (outer if area > 0.0 else holes).append((area, ring))
    faces = [[ring] for _, ring in outer]
    for _, hole in holes:
        place = shapely.Point(xy[hole[0]])
        around = [
            (area, k)
            for k, (area, ring) in enumerate(outer)
            if shapely.Polygon(xy[ring]).covers(place) and not set(hole) & set(ring)
        ]
        if around:
            faces[min(around)[1]].append(hole)
    return faces


def _twice_area(points: Sequence[Sequence[float]]) -> float:
    """Twice the area of a short ring; positive counter-clockwise."""
    x0, y0 = points[0]
    return sum(
        (a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0)
        for a, b in itertools.pairwise(points)
    )
