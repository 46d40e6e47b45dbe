"""Project the shadows of polygons onto facets, one direction at a time.

All rays towards one direction are parallel. So instead of tracing a ray per sensor, each
occluding polygon is mapped along the direction onto the plane of a facet and the spans of
the facet's sensor grid that it covers are filled, 64 sensors per machine word. The answer
at the sensors is the ray casting answer:

    a sensor at P is blocked in direction d when the ray P + t d meets an occluder at a
    point that lies more than ``EPSILON`` above the plane of the sensor's facet.

Of a closed solid only the faces turned towards d are drawn: every ray that starts
outside or inside of the solid and runs through it leaves it by one of them. Of a height
field only the faces turned away are drawn: a ray that starts above the ground enters it by
one of them.

An upright convex block is drawn as one: its silhouette is a convex polygon that covers
just what its faces turned towards d cover. Where it gets behind a wall or below a level
roof it is cut, and what is left is such a block again. Only what gets behind a slanted
facet is drawn face by face.

The height above the facet's plane at which the ray of a grid point meets the polygon is a
linear function of the grid coordinates; so a polygon that reaches behind the facet needs no
clipping in space, its spans are cut where that height falls below ``EPSILON``.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray, polygons_from_rings
from meshes.solar.bodies import find_bodies
from meshes.solar.occluders import Occluders
from meshes.solar.shadow_kernel import cast_shadows
from meshes.solar.shadow_lanes_kernel import LANES, cast_lanes

EPSILON = 1e-3
"""Height above a facet's plane below which nothing can block its sensors [m].

Neighbouring walls of real data lie within about a millimetre of one plane."""

SPREAD = 1.25
"""Angle from their middle to which directions are cast together, in elevations of the
lowest of them: what is met at low sun differs much between directions."""

CURVE_CELL = 16.0
"""Cell of the space-filling curve [m]."""


@dataclass(frozen=True)
class Caster:
    """Facets and occluders laid out for the kernel; made once, used for all directions.

    Attributes
    ----------
    receivers : tuple of array
        Of the facets: corner, cell along e1, cell along e2 [m], normal, shape, first bit;
        last the mask of all sensors.
    casters : tuple of array
        Of the polygons, which stand body after body: corners [m], end of each edge, first
        corner, normal, offset of the plane [m], side; of the bodies: first face, roof, base
        [m], centre, half extent [m]; last whether a polygon is convex.
    words : int
        Length of the bit array, 64 cells a word.
    part : (b,) int
        Part of the occluders that each body belongs to.
    longest, outline_corners : int
        Most corners of any outline, and corners of all blocks' silhouettes together.
    """

    receivers: tuple[NDArray[np.generic], ...]
    casters: tuple[NDArray[np.generic], ...]
    part: IntArray
    words: int
    longest: int
    outline_corners: int

    @cached_property
    def _layout(self) -> tuple[tuple[NDArray[np.generic], ...], ...]:
        """Receivers, blocks and polygons as the kernel reads them."""
        facets: tuple[NDArray[Any], ...] = self.receivers[:-1]
        mask = self.receivers[-1]
        ahead = np.r_[mask, np.zeros(1, mask.dtype)]  # the kernel reads a word ahead
        box = _box_around(facets[0], facets[1], facets[2], facets[4])
        return (*facets, ahead, box), *_lay_out_bodies(*self.casters)

    def cast(self, direction: FloatArray, blocked: NDArray[np.uint64]) -> None:
        """Write which cells are blocked towards ``direction``; releases the GIL.

        Parameters
        ----------
        direction : (3,) float
            Unit vector towards the light.
        blocked : (w,) uint64
            One bit per cell, overwritten: 1 = blocked or turned away. Bits of cells
            without sensor are undefined.
        """
        receivers, blocks, polygons = self._layout
        cast_shadows(
            np.ascontiguousarray(direction, np.float64),
            receivers,
            blocks,
            polygons,
            self.longest,
            EPSILON,
            blocked,
        )

    def cast_many(self, directions: FloatArray, blocked: NDArray[np.uint64]) -> None:
        """Write which cells are blocked towards some neighbouring directions.

        Several times as quick as `cast` one by one, and the same.

        Parameters
        ----------
        directions : (k, 3) float
            Unit vectors towards the light, at most `LANES`: see `bundle`.
        blocked : (k, w) uint64
            As for `cast`.
        """
        count = len(directions)
        if count < 2 or not _are_near(directions):
            for direction, row in zip(directions, blocked, strict=True):
                self.cast(direction, row)
            return
        receivers, blocks, polygons = self._convex_layout
        cast_lanes(
            np.ascontiguousarray(directions[np.arange(LANES) % count], np.float64),
            count,
            receivers,
            blocks,
            polygons,
            self.longest,
            EPSILON,
            blocked,
        )

    @cached_property
    def _convex_layout(self) -> tuple[tuple[NDArray[np.generic], ...], ...]:
        """The layout with all polygons that are not convex cut into triangles."""
        receivers, blocks, polygons = self._layout
        return receivers, *_cut_to_triangles(blocks, polygons)


def _are_near(directions: FloatArray) -> bool:
    """Tell whether directions are worth casting together."""
    middle = directions.mean(axis=0)
    apart = float(np.linalg.norm(directions - middle, axis=1).max())
    return apart <= SPREAD * float(directions[:, 2].min())


def bundle(directions: FloatArray, *, most: int = LANES) -> list[IntArray]:
    """Put neighbouring directions together that are worth casting together.

    Parameters
    ----------
    directions : (n, 3) float
        Unit vectors.
    most : int
        Directions of a bundle.

    Returns
    -------
    list of (k,) int
        Their numbers; neighbouring bundles mostly follow each other.
    """
    found, waiting = [], [np.arange(len(directions))]
    while waiting:
        part = waiting.pop()
        count = len(part)
        if count < 2 or (count <= most and _are_near(directions[part])):
            found.append(np.sort(part))
            continue
        axis = int(np.ptp(directions[part], axis=0).argmax())
        part = part[np.argsort(directions[part, axis], kind="stable")]
        whole = most if count > most else 1
        middle = -(-count // (2 * whole)) * whole
        waiting += [part[middle:], part[:middle]]
    return [part for part in found if len(part)]


def make_caster(facets: Facets, occluders: Occluders) -> Caster:
    """Lay out facets and occluders for the kernel.

    Both are put in the order of a space-filling curve: what is near in space is then near
    in memory, which matters more to the kernel than arithmetic. Ground that lies wholly
    below all facets is left out, because light comes from above.
    """
    occluders = _without_low_ground(occluders, facets)
    bodies = find_bodies(occluders)
    occluders = bodies.occluders
    start = occluders.polygons.vertex_start
    first = occluders.polygons.vertices[start[bodies.faces[bodies.face_start[:-1]]]]
    sequence = curve_order(first)
    spans = [
        bodies.faces[bodies.face_start[b] : bodies.face_start[b + 1]] for b in sequence
    ]
    faces = np.concatenate(spans) if spans else np.empty(0, np.int64)
    polygons = occluders.polygons.take(faces)
    start = polygons.vertex_start
    face_start = np.r_[0, np.cumsum([len(span) for span in spans])].astype(np.int64)
    roof = np.where(bodies.roof[sequence] < 0, -1, face_start[:-1])
    if len(spans):
        low = np.minimum.reduceat(polygons.vertices, start[face_start[:-1]])
        high = np.maximum.reduceat(polygons.vertices, start[face_start[:-1]])
    else:
        low = high = np.empty((0, 3))
    corner_of_face = polygons.vertices[start[:-1]]
    casters = (
        polygons.vertices,
        polygons.edges()[1],
        start,
        polygons.normal,
        np.einsum("px,px->p", polygons.normal, corner_of_face),
        occluders.side[faces],
        face_start,
        roof,
        bodies.base[sequence],
        (low + high) / 2,
        (high - low) / 2,
        polygons.is_convex(),
    )
    corners = np.diff(start)
    return Caster(
        receivers=_lay_out_facets(facets),
        casters=tuple(np.ascontiguousarray(array) for array in casters),
        part=occluders.part[faces[face_start[:-1]]],
        words=len(facets.mask),
        longest=int(corners.max(initial=0)) + 2,
        outline_corners=int((corners[roof[roof >= 0]] + 2).sum()),
    )


def _box_around(
    corner: FloatArray,
    cell1: FloatArray,
    cell2: FloatArray,
    shape: IntArray,
) -> FloatArray:
    """Return middle and half extent of the box around all facets' grids, (6,) [m]."""
    if not len(corner):
        return np.zeros(6)
    along, across = cell1 * shape[:, :1], cell2 * shape[:, 1:]
    low = (corner + np.minimum(along, 0) + np.minimum(across, 0)).min(axis=0)
    high = (corner + np.maximum(along, 0) + np.maximum(across, 0)).max(axis=0)
    box: FloatArray = np.r_[(low + high) / 2, (high - low) / 2]
    return box


def _lay_out_bodies(*casters: NDArray[Any]) -> tuple[tuple[NDArray[Any], ...], ...]:
    """Split `Caster.casters` into what the kernel reads of blocks and of polygons.

    Returns
    -------
    blocks : tuple of array
        Corners of the ground faces and steps to the next corner [m, plan], (n, 4); first
        corner of each block; heights of ground face and roof [m], (b, 2); of all bodies,
        blocks before lone polygons, first and last face, (m, 2).
    polygons : tuple of array
        Corners [m], end of each edge, first corner, normal, offset of the plane [m], side,
        whether convex; last centre and half extent of each body [m], (m, 6).
    """
    (
        vertices, edge_end, start, normal, offset, side,
        face_start, roof, base, centre, half, convex,
    ) = casters  # fmt: skip
    order = np.argsort(roof < 0, kind="stable")
    blocks = order[: np.count_nonzero(roof >= 0)]
    first, corners = start[roof[blocks]], np.diff(start)[roof[blocks]]
    ends = np.cumsum(corners)
    ring = np.arange(corners.sum()) + np.repeat(first - (ends - corners), corners)
    place = vertices[ring, :2]
    return (
        (
            np.concatenate([place, vertices[edge_end[ring], :2] - place], axis=1),
            np.r_[0, ends].astype(np.int64),
            np.stack([base[blocks], vertices[first, 2]], axis=-1),
            np.stack([face_start[order], face_start[order + 1]], axis=-1),
        ),
        (
            vertices, edge_end, start, normal, offset, side, convex,
            np.concatenate([centre, half], axis=1)[order],
        ),
    )  # fmt: skip


def for_facets(caster: Caster, facets: Facets) -> Caster:
    """Return a caster of the same bodies for other facets.

    The bodies must hold all that can hide light from them: `make_caster` leaves out ground
    below its own facets.
    """
    return replace(caster, receivers=_lay_out_facets(facets), words=len(facets.mask))


def _lay_out_facets(facets: Facets) -> tuple[NDArray[np.generic], ...]:
    """Return `Caster.receivers`."""
    order = curve_order(facets.corner)
    receivers = (
        facets.corner[order],
        (facets.e1 * facets.step[:, :1])[order],
        (facets.e2 * facets.step[:, 1:])[order],
        facets.normal[order],
        facets.shape[order],
        facets.bit_start[order],
        facets.mask,
    )
    return tuple(np.ascontiguousarray(array) for array in receivers)


def _cut_to_triangles(
    blocks: tuple[NDArray[Any], ...], polygons: tuple[NDArray[Any], ...]
) -> tuple[tuple[NDArray[Any], ...], ...]:
    """Put triangles in the place of lone polygons that are not convex."""
    ring, ring_start, span, faces = blocks
    vertices, edge_end, start, normal, offset, side, convex, boxes = polygons
    first_face = faces[len(span) :, 0]
    odd = np.flatnonzero(~convex[first_face]) + len(span)
    if not len(odd):
        return blocks, polygons
    whose = faces[odd, 0]
    chosen = np.concatenate([np.arange(start[p], start[p + 1]) for p in whose])
    ends = np.flatnonzero(edge_end[chosen] != chosen + 1) + 1
    lengths = np.cumsum(np.diff(start)[whose])
    cut = polygons_from_rings(
        vertices[chosen], np.r_[0, ends], np.r_[0, np.searchsorted(ends, lengths) + 1]
    )
    corners, owner = cut.triangles()
    corner = cut.vertices[corners]
    low, high = corner.min(axis=1), corner.max(axis=1)
    count, last, face = len(corner), len(vertices), len(start) - 1
    number = np.arange(count)
    kept = np.setdiff1d(np.arange(len(faces)), odd)
    turn = np.tile([1, 2, 0], count) + np.repeat(last + 3 * number, 3)
    return (
        (
            ring,
            ring_start,
            span,
            np.r_[faces[kept], np.c_[face + number, face + number + 1]],
        ),
        (
            np.concatenate([vertices, corner.reshape(-1, 3)]),
            np.r_[edge_end, turn],
            np.r_[start, last + 3 * (number + 1)],
            np.concatenate([normal, normal[whose[owner]]]),
            np.r_[offset, offset[whose[owner]]],
            np.r_[side, side[whose[owner]]],
            np.r_[convex, np.ones(count, convex.dtype)],
            np.concatenate([boxes[kept], np.c_[(low + high) / 2, (high - low) / 2]]),
        ),
    )


def _without_low_ground(occluders: Occluders, facets: Facets) -> Occluders:
    """Leave out terrain that no ray from a facet can meet."""
    start = occluders.polygons.vertex_start
    if not len(facets) or not len(start) > 1:
        return occluders
    highest = np.maximum.reduceat(occluders.polygons.vertices[:, 2], start[:-1])
    spans = facets.shape * facets.step
    # The lowest corner of a facet's grid; no sensor of it lies lower.
    falls = np.minimum(facets.e1[:, 2] * spans[:, 0], 0.0)
    falls += np.minimum(facets.e2[:, 2] * spans[:, 1], 0.0)
    lowest = float((facets.corner[:, 2] + falls).min())
    kept = (occluders.part >= 0) | (highest > lowest)
    return occluders if kept.all() else occluders.take(np.flatnonzero(kept))


def curve_order(points: FloatArray) -> IntArray:
    """Return the order of points along a Z-curve over the plan.

    Parameters
    ----------
    points : (n, 3) float
        Only east and north matter [m].
    """
    if not len(points):
        return np.empty(0, np.int64)
    cell = np.floor((points[:, :2] - points[:, :2].min(axis=0)) / CURVE_CELL).astype(
        np.uint64
    )
    code = np.zeros(len(points), np.uint64)
    for bit in range(20):
        for axis in range(2):
            digit = (cell[:, axis] >> np.uint64(bit)) & np.uint64(1)
            code |= digit << np.uint64(2 * bit + axis)
    return np.argsort(code, kind="stable")
