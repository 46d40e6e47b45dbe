"""Describe roofs of each form over an outline as surfaces from 0 at the eaves to 1."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from meshes.polygons import FloatArray, IntArray
from meshes.roofs.creases import Surfaces
from meshes.roofs.forms import BREAK_RISE, BREAK_RUN, HIP_START
from meshes.roofs.outlines import Outline, convex_outline, right_angled_outline
from meshes.roofs.shells import members

SHED, ACROSS_SHED = ("shed", ""), ("shed", "across")
GABLED, ACROSS_GABLED = ("gabled", "along"), ("gabled", "across")
PYRAMID, HIPPED = ("pyramid", ""), ("hipped", "")
HALF_HIPPED, ACROSS_HALF_HIPPED = ("half-hipped", "along"), ("half-hipped", "across")
GAMBREL, ACROSS_GAMBREL = ("gambrel", "along"), ("gambrel", "across")
MANSARD = ("mansard", "")

CANDIDATES = (
    *(SHED, ACROSS_SHED, GABLED, ACROSS_GABLED, PYRAMID, HIPPED),
    *(HALF_HIPPED, ACROSS_HALF_HIPPED, GAMBREL, ACROSS_GAMBREL, MANSARD),
)
"""Form and orientation of what is tried, the simplest first. The two sheds fall across the
longest wall and along it."""

LEAST_RUN = 0.5
"""Roofs with less than this between eaves and ridge are not tried [m]."""

RADIUS = 0.01
"""Error of the radius of the largest circle in a convex outline [m]."""

Candidate = tuple[str, str]


@dataclass(frozen=True)
class Shape:
    """A roof of height 1 over an outline.

    Attributes
    ----------
    planes : (e, 3) float
        Height of a place, relative to the outline's middle: ``x, y, 1`` times a row.
    pieces : tuple of tuple of int
        The height is the largest over the pieces of the least over their planes.
    run : float
        Way from the eaves to the ridge [m]; for sheds from the low to the high end.
    facing : float
        Direction that the roof faces [degrees from north], NaN if it has none.
    breaks : bool
        Whether the cross section breaks as that of a mansard.
    """

    planes: FloatArray
    pieces: tuple[tuple[int, ...], ...]
    run: float
    facing: float = np.nan
    breaks: bool = False


def shapes_over(rings: Sequence[FloatArray]) -> dict[Candidate, Shape]:
    """Find the roofs that an outline can carry.

    Parameters
    ----------
    rings : sequence of (n, 2) float
        Outline counter-clockwise and holes clockwise [m], relative to its middle.

    Returns
    -------
    dict of Candidate to Shape
        Sheds for any outline. Right-angled outlines have all others that do not need a
        single rectangle, convex ones hipped, mansard and pyramid.

    Notes
    -----
    The surfaces are those of `meshes.roofs.lod2`: the same planes behind the same sides,
    scaled by the way to the ridge. Checked against its solids in
    tests/meshes/test_roofs_fit.py.
    """
    shapes = _sheds(rings[0])
    outline = right_angled_outline(rings)
    if isinstance(outline, str):
        convex = convex_outline(rings)
        if isinstance(convex, str):
            return shapes
        radius = shapely.maximum_inscribed_circle(shapely.Polygon(rings[0]), RADIUS).length
        shapes |= _hips(convex, radius)
        shapes |= _pyramid(convex, rings[0])
    else:
        shapes |= _hips(outline, max(_half_span(outline, k) for k in _pieces(outline)))
        shapes |= _gables(outline, "along")
        if len(outline.pieces) == 1:
            shapes |= _pyramid(outline, rings[0])
            shapes |= _gables(_turned(outline), "across")
    return {key: shape for key, shape in shapes.items() if shape.run >= LEAST_RUN}


def heights_on(
    shapes: Sequence[Shape], start: IntArray, parts: IntArray, xy: FloatArray
) -> FloatArray:
    """Evaluate roofs at places.

    Parameters
    ----------
    shapes : sequence of Shape
        Of some buildings, one each.
    start : (n + 1,) int
        First place of each building of all.
    parts : (m,) int
        The buildings that the shapes belong to.
    xy : (q, 2) float
        All places, relative to the middle of their outline [m].

    Returns
    -------
    (q,) float
        Heights, 0 eaves, 1 ridge; NaN for places of other buildings.
    """
    heights = np.full(len(xy), np.nan)
    groups: dict[tuple[int, int, int], list[int]] = {}
    for k, shape in enumerate(shapes):
        most = max(len(piece) for piece in shape.pieces)
        groups.setdefault((len(shape.planes), len(shape.pieces), most), []).append(k)
    for (_, _, most), some in groups.items():
        surfaces = Surfaces(
            planes=np.array([shapes[k].planes for k in some]),
            pieces=np.array(
                [[(p * most)[:most] for p in shapes[k].pieces] for k in some], np.int64
            ),
            start=np.empty((len(some), 0, 2)),
            end=np.empty((len(some), 0, 2)),
        )
        places, first = members(start, parts[some])
        if not len(places):
            continue
        owner = np.repeat(np.arange(len(some)), np.diff(first))
        found = surfaces.heights(owner, xy[places])
        breaks = np.array([shapes[k].breaks for k in some], np.bool_)[owner]
        heights[places] = np.where(breaks, _broken(found), found)
    return heights


def _broken(height: FloatArray) -> FloatArray:
    """Bend an even slope to that of a mansard."""
    low = height * (BREAK_RISE / BREAK_RUN)
    high = BREAK_RISE + (height - BREAK_RUN) * ((1.0 - BREAK_RISE) / (1.0 - BREAK_RUN))
    return np.minimum(low, high)


def _azimuth(outward: FloatArray) -> float:
    """Direction of a vector [degrees from north]."""
    return float(np.degrees(np.arctan2(outward[0], outward[1])) % 360.0)


def _sheds(ring: FloatArray) -> dict[Candidate, Shape]:
    """Slopes down across the longest wall, outward, and along it."""
    edge = np.roll(ring, -1, axis=0) - ring
    along = edge[np.argmax(np.hypot(edge[:, 0], edge[:, 1]))]
    along = along / np.hypot(*along)
    shapes = {}
    for key, down in ((SHED, np.array([along[1], -along[0]])), (ACROSS_SHED, along)):
        way = ring @ down
        extent = float(np.ptp(way))
        plane = np.array([[-down[0], -down[1], way.max()]]) / extent
        shapes[key] = Shape(plane, ((0,),), extent, _azimuth(down))
    return shapes


def _pieces(outline: Outline) -> range:
    """Numbers of an outline's pieces."""
    return range(len(outline.pieces))


def _half_span(outline: Outline, number: int) -> float:
    """Half the distance between the sides of a rectangle that carry its ridge [m]."""
    piece, gable = outline.pieces[number], outline.gables[number]
    spans = []
    for a, b in ((0, 2), (1, 3)):
        if not (gable[a] or gable[b]):
            # Opposite planes add up to their distance, but for the angle between them.
            spans.append(outline.planes[piece[[a, b]], 2].sum() / 2)
    return float(min(spans))


def _hips(outline: Outline, run: float) -> dict[Candidate, Shape]:
    """Roofs that rise from all sides."""
    pieces = tuple(tuple(piece.tolist()) for piece in outline.pieces)
    planes = outline.planes / run
    return {
        HIPPED: Shape(planes, pieces, run),
        MANSARD: Shape(planes, pieces, run, breaks=True),
    }


def _pyramid(outline: Outline, ring: FloatArray) -> dict[Candidate, Shape]:
    """Planes that meet above the centroid."""
    middle = shapely.Polygon(ring).centroid
    depth = outline.planes @ (middle.x, middle.y, 1.0)
    if depth.min() < LEAST_RUN:
        return {}
    pieces = (tuple(outline.pieces[0].tolist()),)
    return {PYRAMID: Shape(outline.planes / depth[:, None], pieces, float(depth.min()))}


def _turned(outline: Outline) -> Outline:
    """Return the outline of one rectangle with its gables at the other ends."""
    return Outline(outline.planes, outline.pieces, (~outline.gables[0],))


def _gables(outline: Outline, way: str) -> dict[Candidate, Shape]:
    """Roofs with gables at whole walls, upright or half-hipped."""
    if not any(gable.any() for gable in outline.gables):
        return {}  # hipped
    spans = [_half_span(outline, k) for k in _pieces(outline)]
    run = max(spans)
    facing = np.nan
    if len(outline.pieces) == 1:
        eaves = outline.pieces[0][~outline.gables[0]][0]
        # Both sides are faced: the one between north and south by east is told.
        facing = _azimuth(-outline.planes[eaves, :2]) % 180.0
    upright, planes, half, peaks = [], list(outline.planes), [], []
    for piece, gable, span in zip(outline.pieces, outline.gables, spans, strict=True):
        own = piece[~gable].tolist()
        upright.append(tuple(own))
        for side in piece[gable].tolist():
            own.append(len(planes))
            planes.append(outline.planes[side] + (0.0, 0.0, HIP_START * span))
        half.append(tuple(own))
        # Hips of short roofs meet below the ridge.
        ends = piece[gable | np.roll(gable, 2)]
        meet = outline.planes[ends, 2].sum() / 2 + HIP_START * span if len(ends) else span
        peaks.append(min(span, meet))
    even = outline.planes / run
    hipped = np.array(planes) / max(peaks)
    return {
        ("gabled", way): Shape(even, tuple(upright), run, facing),
        ("gambrel", way): Shape(even, tuple(upright), run, facing, breaks=True),
        ("half-hipped", way): Shape(hipped, tuple(half), max(peaks), facing),
    }
