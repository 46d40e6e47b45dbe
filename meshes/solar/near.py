"""Cast rays from few facets past the bodies that can stand in their way alone.

The shadow kernel puts all bodies of a scene in order for every direction. Where only some
facets ask, most bodies are out of their way: a scene's bodies are laid out once, and each
question takes those whose boxes its rays can meet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray, make_polygons
from meshes.solar.near_kernel import bodies_before
from meshes.solar.occluders import Occluders, open_occluders
from meshes.solar.shadow import Caster, make_caster

SECTOR = np.radians(15.0)
"""Width of the sectors in which bodies are looked for [radians]."""

BANDS = np.tan(np.radians([0.0, 4.0, 10.0, 20.0, 35.0, 60.0]))
"""Tangents of the elevations at which their bands begin."""

WIDER = 1e-6
"""Widening of boxes against rounding [m, radians]."""

START, FACE_START = 2, 6
"""Places of first corners and first faces in `Caster.casters`; both have an end more."""

FEW = 8
"""Bodies that are cast in all directions: to choose among them would cost more."""


def lay_out(facets: Facets, occluders: Occluders) -> Caster:
    """Lay out bodies alone, for no facets as yet; ``facets`` are any of the scene."""
    return make_caster(facets.take(np.empty(0, np.int64)), occluders)


def for_facets(facets: Facets) -> Caster:
    """Lay out facets alone, before no bodies as yet."""
    return make_caster(facets, open_occluders(make_polygons([])))


def boxes_of(facets: Facets) -> FloatArray:
    """Return centre and half extent of each facet's grid, (f, 6) [m]."""
    side1 = facets.e1 * (facets.step * facets.shape)[:, :1]
    side2 = facets.e2 * (facets.step * facets.shape)[:, 1:]
    centre = facets.corner + (side1 + side2) / 2
    return np.hstack([centre, (np.abs(side1) + np.abs(side2)) / 2])


def body_boxes(standing: Caster) -> FloatArray:
    """Return centre and half extent of each body, (b, 6) [m]."""
    centre, half = standing.casters[9], standing.casters[10]
    boxes: FloatArray = np.hstack([centre, half]).astype(np.float64)
    return boxes


def around(boxes: FloatArray) -> FloatArray:
    """Return the box around boxes, (6,)."""
    low = (boxes[:, :3] - boxes[:, 3:]).min(axis=0)
    high = (boxes[:, :3] + boxes[:, 3:]).max(axis=0)
    box: FloatArray = np.r_[(low + high) / 2, (high - low) / 2]
    return box


def bodies_met(boxes: FloatArray, starts: FloatArray, directions: FloatArray) -> IntArray:
    """Return the bodies that rays from some facets can meet, ascending, and some more.

    Parameters
    ----------
    boxes, starts : (b, 6), (f, 6) float
        Centre and half extent of bodies and of the facets' grids [m].
    directions : (d, 3) float
        Unit vectors.
    """
    met: IntArray = bodies_before(boxes, starts, around(starts), directions)
    return met


def narrow(standing: Caster, bodies: IntArray) -> Caster:
    """Return a caster of some of the bodies only.

    Parameters
    ----------
    standing : Caster
        All bodies, as `lay_out` gives them.
    bodies : (k,) int
        Which bodies, ascending.
    """
    laid_out: tuple[Any, ...] = standing.casters
    (
        vertices, edge_end, start, normal, offset, side,
        face_start, roof, base, centre, half, convex,
    ) = laid_out  # fmt: skip
    faces = _runs(face_start[bodies], face_start[bodies + 1])
    first_face = np.r_[0, np.cumsum(face_start[bodies + 1] - face_start[bodies])]
    corners = start[faces + 1] - start[faces]
    first_corner = np.r_[0, np.cumsum(corners)].astype(np.int64)
    chosen = _runs(start[faces], start[faces + 1])
    moved = np.repeat(first_corner[:-1] - start[faces], corners)
    is_block = roof[bodies] >= 0
    casters = (
        vertices[chosen],
        edge_end[chosen] + moved,
        first_corner,
        normal[faces],
        offset[faces],
        side[faces],
        first_face.astype(np.int64),
        np.where(is_block, first_face[:-1], -1).astype(np.int64),
        base[bodies],
        centre[bodies],
        half[bodies],
        convex[faces],
    )
    roof_corners = corners[first_face[:-1][is_block]]
    return replace(
        standing,
        casters=casters,
        part=standing.part[bodies],
        longest=int(corners.max(initial=0)) + 2,
        outline_corners=int((roof_corners + 2).sum()),
    )


def for_receivers(bodies: Caster, receivers: Caster) -> Caster:
    """Return a caster of the bodies of one for the facets of another."""
    return replace(bodies, receivers=receivers.receivers, words=receivers.words)


def _joined(each: Sequence[Caster]) -> Caster:
    """Return a caster of the bodies of all, for the facets of the first."""
    first, *others = each
    if not others:
        return first
    columns: list[tuple[Any, ...]] = []
    corners = faces = 0
    for caster in each:
        laid_out: tuple[Any, ...] = caster.casters
        (
            vertices, edge_end, start, normal, offset, side,
            face_start, roof, base, centre, half, convex,
        ) = laid_out  # fmt: skip
        columns.append(
            (
                vertices, edge_end + corners, start[:-1] + corners, normal, offset, side,
                face_start[:-1] + faces, np.where(roof < 0, -1, roof + faces), base,
                centre, half, convex,
            )
        )  # fmt: skip
        corners, faces = corners + len(vertices), faces + len(normal)
    joined = [np.concatenate(column) for column in zip(*columns, strict=True)]
    joined[START], joined[FACE_START] = (
        np.r_[joined[START], corners],
        np.r_[joined[FACE_START], faces],
    )
    return replace(
        first,
        casters=tuple(joined),
        part=np.concatenate([caster.part for caster in each]),
        longest=max(caster.longest for caster in each),
        outline_corners=sum(caster.outline_corners for caster in each),
    )


def _runs(first: IntArray, stop: IntArray) -> IntArray:
    """Return the numbers first .. stop of all runs in a row."""
    length = stop - first
    ends = np.cumsum(length)
    runs: IntArray = np.arange(ends[-1] if len(ends) else 0)
    runs += np.repeat(first - (ends - length), length)
    return runs


@dataclass(frozen=True)
class NearCaster(Caster):
    """A caster that takes for every direction only the bodies that lie in its sector.

    Attributes
    ----------
    standing : tuple of Caster
        Bodies, laid out one after the other.
    ranges : tuple of (4, b) float
        For the bodies of each, as seen from the facets' box: azimuth of the middle, half
        width of azimuths [radians], lowest and highest tangent of the elevation.
    """

    standing: tuple[Caster, ...] = ()
    ranges: tuple[FloatArray, ...] = ()
    _found: dict[tuple[int, int], Caster] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def cast(self, direction: FloatArray, blocked: NDArray[np.uint64]) -> None:
        """Write which cells are blocked: see `Caster.cast`."""
        self.cast_many(direction[None], blocked[None])

    def cast_many(self, directions: FloatArray, blocked: NDArray[np.uint64]) -> None:
        """Write which cells are blocked towards some directions: see `Caster.cast_many`."""
        sectors = _sectors(directions)
        for sector in dict.fromkeys(sectors):
            mine = [k for k, other in enumerate(sectors) if other == sector]
            found = np.empty((len(mine), blocked.shape[1]), blocked.dtype)
            self._towards(sector).cast_many(directions[mine], found)
            blocked[mine] = found

    def _towards(self, sector: tuple[int, int]) -> Caster:
        """Return the caster of a sector."""
        with self._lock:
            if sector not in self._found:
                near = [
                    bodies
                    if seen.shape[1] <= FEW
                    else narrow(bodies, np.flatnonzero(_meets(seen, *sector)))
                    for bodies, seen in zip(self.standing, self.ranges, strict=True)
                ]
                self._found[sector] = for_receivers(_joined(near), self)
            return self._found[sector]


def near_caster(facets: Facets, *standing: Caster) -> NearCaster:
    """Make a caster for few facets that lie near each other.

    Parameters
    ----------
    facets : Facets
        Where rays start.
    *standing : Caster
        Bodies, as `lay_out` gives them. The answer is that of `make_caster` with all of
        their occluders.
    """
    nothing = for_facets(facets)
    own = around(boxes_of(facets))
    return NearCaster(
        **{name: getattr(nothing, name) for name in Caster.__dataclass_fields__},
        standing=standing,
        ranges=tuple(_seen_from(own, body_boxes(bodies)) for bodies in standing),
    )


def _sectors(directions: FloatArray) -> list[tuple[int, int]]:
    """Return sector and band of each direction."""
    east, north, up = directions.T
    flat = np.hypot(east, north)
    sector = np.floor(np.arctan2(east, north) / SECTOR).astype(np.int64)
    steep = np.divide(up, flat, out=np.full(len(up), np.inf), where=flat > 0)
    band = np.searchsorted(BANDS, steep, side="right") - 1
    return list(zip(sector.tolist(), band.tolist(), strict=True))


def _seen_from(own: FloatArray, boxes: FloatArray) -> FloatArray:
    """Return where boxes lie as seen from one: `NearCaster.ranges`, (4, b)."""
    away = boxes[:, :3] - own[:3]
    reach = boxes[:, 3:] + own[3:] + WIDER
    x, y = away[:, 0], away[:, 1]
    middle = np.arctan2(x, y)
    width = np.zeros(len(boxes))
    for east, north in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        px, py = x + east * reach[:, 0], y + north * reach[:, 1]
        width = np.maximum(width, np.abs(np.arctan2(px * y - py * x, px * x + py * y)))
    gap = np.maximum(np.abs(away[:, :2]) - reach[:, :2], 0.0)
    nearest = np.hypot(gap[:, 0], gap[:, 1])
    farthest = np.hypot(*(np.abs(away[:, :2]) + reach[:, :2]).T)
    width = np.where(nearest > 0, width + WIDER, np.pi)
    top, bottom = away[:, 2] + reach[:, 2], away[:, 2] - reach[:, 2]
    steepest = np.divide(top, nearest, out=np.full(len(top), np.inf), where=nearest > 0)
    # Behind a box that lies partly below, all directions up to its top remain.
    steepest = np.where(top < 0, -1.0, steepest + WIDER)
    lowest = np.where(bottom > 0, bottom / farthest, -np.inf) - WIDER
    return np.stack([middle, width, lowest, steepest])


def _meets(seen: FloatArray, sector: int, band: int) -> NDArray[np.bool_]:
    """Whether rays of a sector and band can meet each body."""
    middle, width, lowest, steepest = seen
    azimuth = (sector + 0.5) * SECTOR
    turn = np.abs((middle - azimuth + np.pi) % (2 * np.pi) - np.pi)
    low = BANDS[band] if band > 0 else -np.inf
    high = BANDS[band + 1] if band + 1 < len(BANDS) else np.inf
    meets: NDArray[np.bool_] = (
        (turn <= width + SECTOR / 2 + WIDER) & (steepest >= low) & (lowest <= high)
    )
    return meets
