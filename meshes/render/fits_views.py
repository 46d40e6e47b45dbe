"""See a building and its samples from aslant, from above, cut through."""

from dataclasses import dataclass

import numpy as np
import shapely

from meshes.polygons import FloatArray, IntArray, Polygons
from meshes.roofs.plots import BoolArray
from meshes.solids import Kind, Solids

ELEVATION = 38.0
"""Of the oblique view [degrees]: most roofs are flatter, so that few sides are hidden."""

ASIDE = 35.0
"""The oblique view looks this far beside the way across the ridge [degrees]."""

HALF_SLAB, WIDEST_SLAB = 0.5, 2.0
"""Samples this near to a section are shown in it [m], more where there are few."""

FEW = 60
"""Samples below which the slab grows."""

LEVEL = 0.01
"""Part of the area, fallen sideways, below which no side is the way across."""


@dataclass(frozen=True)
class Body:
    """One building with its samples, in the local frame of its body.

    Attributes
    ----------
    faces : Polygons
        All its faces.
    kind : (f,) int8
        `Kind` of each.
    samples : (n, 3) float
        East, north, up [m].
    face : (n,) int
        Face of each sample, counted in ``faces``.
    off : (n,) float
        Height above it [m].
    """

    faces: Polygons
    kind: np.ndarray[tuple[int], np.dtype[np.int8]]
    samples: FloatArray
    face: IntArray
    off: FloatArray

    @property
    def roofs(self) -> IntArray:
        """Numbers of the roof faces."""
        return np.flatnonzero(self.kind == Kind.ROOF)

    @property
    def levels(self) -> tuple[float, float]:
        """Lowest and highest corner of the roof [m]."""
        corners = self.faces.take(self.roofs).vertices[:, 2]
        return float(corners.min()), float(corners.max())


def body_of(
    solids: Solids, part: int, xyz: FloatArray, face: IntArray, off: FloatArray
) -> Body:
    """Take one part of some bodies, with its samples.

    Parameters
    ----------
    solids : Solids
        Bodies.
    part : int
        Which.
    xyz : (n, 3) float
        Its samples, easting, northing, height [m].
    face : (n,) int
        Face of ``solids`` under each; samples without one are left out.
    off : (n,) float
        Height above it [m].
    """
    own = np.flatnonzero(solids.part == part)
    known = face >= 0
    return Body(
        faces=solids.faces.take(own),
        kind=solids.kind[own],
        samples=xyz[known] - solids.origin,
        face=np.searchsorted(own, face[known]),
        off=off[known],
    )


def way_across(body: Body) -> FloatArray:
    """Return the way in which most of the roof falls, across the ridge.

    Parameters
    ----------
    body : Body
        A building.

    Returns
    -------
    (2,) float
        Unit vector, east and north; where no way is favoured, as on flat roofs and
        pyramids, along the longer side of the smallest box: steps lie across it.

    Notes
    -----
    Angles are doubled, so that both sides of a ridge say the same.
    """
    normal, area = body.faces.normal[body.roofs], body.faces.area[body.roofs]
    fall = np.hypot(normal[:, 0], normal[:, 1])
    angle = 2 * np.arctan2(normal[:, 1], normal[:, 0])
    mean = np.array(
        [(area * fall * np.cos(angle)).sum(), (area * fall * np.sin(angle)).sum()]
    )
    if np.hypot(*mean) > LEVEL * area.sum():
        half = np.arctan2(mean[1], mean[0]) / 2
        return np.array([np.cos(half), np.sin(half)])
    corners = body.faces.take(body.roofs).vertices[:, :2]
    box = shapely.get_coordinates(shapely.MultiPoint(corners).minimum_rotated_rectangle)
    sides = np.diff(box[:3], axis=0)
    long = sides[np.argmax(np.hypot(sides[:, 0], sides[:, 1]))]
    return np.asarray(long / np.hypot(*long))


@dataclass(frozen=True)
class Seen:
    """What a view shows: places in metres, x to the right and y up.

    Attributes
    ----------
    outlines : list of (list of (n, 2) float)
        Rings of the faces, the farthest first.
    faces : list of int
        Their numbers.
    samples : (n, 2) float
        Places of all samples.
    """

    outlines: list[list[FloatArray]]
    faces: list[int]
    samples: FloatArray


def oblique(body: Body) -> Seen:
    """Look at a building from aslant, parallel.

    Parameters
    ----------
    body : Body
        A building.

    Returns
    -------
    Seen
        Faces that look away are left out; walls come before roofs, for seen from above
        no wall hides a roof with level eaves.
    """
    to_eye = _best_eye(body)
    right = np.array([-to_eye[1], to_eye[0], 0.0]) / np.hypot(*to_eye[:2])
    axes = np.stack([right, np.cross(to_eye, right)])
    faces = body.faces
    middle = np.add.reduceat(faces.vertices, faces.vertex_start[:-1])
    middle = middle / np.diff(faces.vertex_start)[:, None]
    shown = np.flatnonzero((faces.normal @ to_eye > 1e-6) & (body.kind != Kind.GROUND))
    order = shown[
        np.lexsort((middle[shown] @ to_eye, (body.kind[shown] == Kind.ROOF).astype(int)))
    ]
    outlines = [[ring @ axes.T for ring in faces.rings(k)] for k in order.tolist()]
    return Seen(outlines, order.tolist(), body.samples @ axes.T)


def _best_eye(body: Body) -> FloatArray:
    """Direction to the eye that sees most of the roofs, the south if sides are alike."""
    across = way_across(body)
    turn = np.radians([ASIDE, 180 - ASIDE, 180 + ASIDE, -ASIDE])
    bearing = np.arctan2(across[1], across[0]) + turn
    bearing = bearing[np.argsort(np.sin(bearing).round(6), kind="stable")]
    rise = np.radians(ELEVATION)
    eyes = np.column_stack(
        [
            np.cos(bearing) * np.cos(rise),
            np.sin(bearing) * np.cos(rise),
            np.full(len(turn), np.sin(rise)),
        ]
    )
    normal, area = body.faces.normal[body.roofs], body.faces.area[body.roofs]
    seen = (np.maximum(eyes @ normal.T, 0.0) * area).sum(axis=1)
    return np.asarray(eyes[np.argmax(seen >= 0.99 * seen.max())])


def from_above(body: Body) -> Seen:
    """Look at the roofs of a building from above, north up."""
    roofs = body.roofs.tolist()
    outlines = [[ring[:, :2] for ring in body.faces.rings(k)] for k in roofs]
    return Seen(outlines, roofs, body.samples[:, :2])


@dataclass(frozen=True)
class Section:
    """A building cut through upright.

    Attributes
    ----------
    start, end : (2,) float
        Ends of the cut in plan, east and north [m].
    roof, wall : (k, 2, 2) float
        Lines where it meets faces: way along the cut from its start, height [m].
    shown : (n,) bool
        Samples near the cut.
    samples : (n, 2) float
        Way along the cut and height of all samples [m].
    half : float
        Distance up to which samples are shown [m].
    """

    start: FloatArray
    end: FloatArray
    roof: FloatArray
    wall: FloatArray
    shown: BoolArray
    samples: FloatArray
    half: float


def section_across(body: Body) -> Section:
    """Cut a building across its ridge, through the middle of its largest roof face.

    Parameters
    ----------
    body : Body
        A building.
    """
    across = way_across(body)
    if across[0] < 0 or (across[0] == 0 and across[1] < 0):
        across = -across  # from west to east
    along = np.array([-across[1], across[0]])
    largest = body.roofs[np.argmax(body.faces.area[body.roofs])]
    middle = _middle(body.faces.rings(int(largest)))
    lines: dict[int, list[FloatArray]] = {Kind.ROOF: [], Kind.WALL: []}
    for k in np.flatnonzero(body.kind != Kind.GROUND).tolist():
        rings = [
            np.column_stack(
                [
                    (ring[:, :2] - middle) @ across,
                    (ring[:, :2] - middle) @ along,
                    ring[:, 2],
                ]
            )
            for ring in body.faces.rings(k)
        ]
        lines[int(body.kind[k])] += _cut(rings)
    roof = np.array(lines[Kind.ROOF]).reshape(-1, 2, 2)
    wall = np.array(lines[Kind.WALL]).reshape(-1, 2, 2)
    low, high = float(roof[..., 0].min()), float(roof[..., 0].max())
    shift = np.array([low, 0.0])
    place = body.samples[:, :2] - middle
    way = place @ across
    beside = np.where((way >= low) & (way <= high), np.abs(place @ along), np.inf)
    half = HALF_SLAB
    if (beside <= half).sum() < FEW and len(beside):
        nearest = np.sort(beside)[min(FEW, len(beside)) - 1]
        half = float(np.clip(np.ceil(nearest * 10) / 10, HALF_SLAB, WIDEST_SLAB))
    return Section(
        start=middle + low * across,
        end=middle + high * across,
        roof=roof - shift,
        wall=wall - shift,
        shown=beside <= half,
        samples=np.column_stack([way - low, body.samples[:, 2]]),
        half=half,
    )


def _middle(rings: list[FloatArray]) -> FloatArray:
    """Centroid of a face in plan: whatever its form, each line through it meets it."""
    shape = shapely.Polygon(rings[0][:, :2], [ring[:, :2] for ring in rings[1:]])
    return np.array([shape.centroid.x, shape.centroid.y])


def _cut(rings: list[FloatArray]) -> list[FloatArray]:
    """Lines in which a face meets the cut, whose second coordinate is 0."""
    crossings = []
    for ring in rings:
        following = np.roll(ring, -1, axis=0)
        # Half-open, so that a corner on the cut counts once.
        crossed = (ring[:, 1] < 0) != (following[:, 1] < 0)
        a, b = ring[crossed], following[crossed]
        share = a[:, 1] / (a[:, 1] - b[:, 1])
        crossings.append(a + share[:, None] * (b - a))
    found = np.concatenate(crossings)[:, [0, 2]]
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    return [found[k : k + 2] for k in range(0, len(found) - 1, 2)]
