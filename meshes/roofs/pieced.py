"""Roof outlines of many corners with the planes that rise from their sides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.creases import Surfaces
from meshes.roofs.forms import HIP_START, profile
from meshes.roofs.outlines import Outline, right_angled_outline
from meshes.roofs.plots import BoolArray, Plots, Rise, roof_rise
from meshes.roofs.shells import Shells
from meshes.roofs.standing import Traced, stand_walls
from meshes.roofs.tracing import Faces, trace_faces

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
    """Make roofs on outlines of right angles.

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
    rectangles. Walls in line within a decimetre share a plane, which the skeleton itself
    (`meshes.roofs.freeform`) does not give.

    .. [1] O. Aichholzer, F. Aurenhammer, D. Alberts and B. Gärtner, "A novel type of
       skeleton for polygons", J. Universal Computer Science 1 (1995).
    """
    cases, refused = _cases(plots, which)
    linear = [_linear(case.outline, form) for case in cases]
    faces = _trace(cases, linear)
    runs = np.array([one.highest for one in faces], np.float64)
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
        faces = [next(ready) if ok else Traced.nothing() for ok in small]
    kept = [k for k, one in enumerate(faces) if one.roofs and rise.height[k] > 0.0]
    for k, one in enumerate(faces):
        if not one.roofs:
            refused[int(numbers[k])] = "its planes do not close"
    chosen = np.array(kept, np.int64)
    made = Rise(rise.height[chosen], rise.source[chosen], rise.lowered[chosen])
    shells = stand_walls(
        plots,
        [cases[k].plot for k in kept],
        [cases[k].middle for k in kept],
        [faces[k] for k in kept],
        made.height,
    )
    return shells, numbers[chosen], made, refused


def _cases(plots: Plots, which: IntArray) -> tuple[list[_Case], dict[int, str]]:
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


def _trace(cases: Sequence[_Case], fields: Sequence[_Field]) -> list[Traced]:
    """Trace the faces of many buildings, those of one pattern together."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for k, (case, field) in enumerate(zip(cases, fields, strict=True)):
        key = (field.pattern, tuple(len(ring) for ring in case.rings))
        groups.setdefault(key, []).append(k)
    traced: list[Traced] = [Traced.nothing()] * len(cases)
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


def _one(faces: Faces, place: int) -> Traced:
    """Take one surface's faces out of many."""
    roofs, walls = faces.roofs[place], faces.walls[place]
    used = sorted({p for ring in (*roofs, *walls) for p in ring})
    number = {p: k for k, p in enumerate(used)}
    return Traced(
        faces.xy[used],
        faces.height[used],
        [[number[p] for p in ring] for ring in roofs],
        [[number[p] for p in ring] for ring in walls],
    )
