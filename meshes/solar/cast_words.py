"""Cast the shadows of few bodies as single words of bits.

The shadow kernel fills the bits of all facets, direction by direction. A few bodies touch
few of them: here each facet is asked only in the directions in which they can stand before
it, and only the words are kept that they touch.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray
from meshes.solar.changed_words import SparseBits, Words, keys_of, no_bits
from meshes.solar.near import around, body_boxes, narrow
from meshes.solar.near_kernel import directions_before
from meshes.solar.newcomer_kernel import pile, project, shade_facets
from meshes.solar.occluders import Occluders
from meshes.solar.shadow import EPSILON, make_caster
from meshes.solar.visibility import Bits, FacetBits

CORNERS = 4_000_000
"""Projected corners that are held at a time, 16 bytes each."""

PIECES = 8
"""Pieces of work for each thread: some facets take longer than others."""

TOGETHER = 256
"""Bodies whose shadows are held before they are counted."""


@dataclass(frozen=True)
class Compass:
    """Directions in the order of their azimuth.

    Attributes
    ----------
    direction : (d, 3) float
        Unit vectors.
    azimuth : (d,) float
        Clockwise from north, -pi to pi, rising [radians].
    number : (d,) int
        Their numbers before they were put in order.
    """

    direction: FloatArray
    azimuth: FloatArray
    number: IntArray

    def __len__(self) -> int:
        """Return the number of directions."""
        return len(self.azimuth)


@dataclass(frozen=True)
class Receivers:
    """Facets laid out for the kernel of newcomers, in their own order.

    Attributes
    ----------
    arrays : tuple of array
        Corner, cell along e1, cell along e2 [m], normal, shape, first bit and mask of all
        sensors, as in `meshes.solar.shadow.Caster`.
    boxes : (f, 6) float
        Centre and half extent of each grid [m].
    none : Facets
        No facets at all, to lay out bodies alone with.
    """

    arrays: tuple[NDArray[np.generic], ...]
    boxes: FloatArray
    none: Facets


def by_azimuth(direction: FloatArray) -> Compass:
    """Put directions, (d, 3), in the order of their azimuth."""
    azimuth = np.arctan2(direction[:, 0], direction[:, 1])
    order = np.argsort(azimuth, kind="stable")
    return Compass(np.ascontiguousarray(direction[order]), azimuth[order], order)


def receive(facets: Facets) -> Receivers:
    """Lay out facets for the kernel."""
    cell1, cell2 = facets.e1 * facets.step[:, :1], facets.e2 * facets.step[:, 1:]
    side1, side2 = cell1 * facets.shape[:, :1], cell2 * facets.shape[:, 1:]
    centre = facets.corner + (side1 + side2) / 2
    half = (np.abs(side1) + np.abs(side2)) / 2
    arrays = (
        facets.corner,
        cell1,
        cell2,
        facets.normal,
        facets.shape,
        facets.bit_start,
        facets.mask,
    )
    return Receivers(
        tuple(np.ascontiguousarray(array) for array in arrays),
        np.hstack([centre, half]),
        facets.take(np.empty(0, np.int64)),
    )


def find_words(
    receivers: Receivers,
    bodies: Occluders,
    compass: Compass,
    bits: FacetBits,
    *,
    pool: ThreadPoolExecutor,
    workers: int,
    all_blocked: bool = False,
) -> Words:
    """Cast the shadow of a few bodies.

    Parameters
    ----------
    receivers : Receivers
        Facets.
    bodies : Occluders
        What blocks light.
    compass : Compass
        The directions.
    bits : FacetBits
        What is blocked already in these directions.
    pool : ThreadPoolExecutor
        Shares out the facets.
    workers : int
        Its threads; the result does not depend on them.
    all_blocked : bool
        Whether to find all that the bodies block, or only what is not blocked already.

    Returns
    -------
    Words
    """
    caster = make_caster(receivers.none, bodies)
    casters = caster.casters
    if not len(bodies.polygons):
        return _sorted([])
    bounds = _bounds(bodies)
    corners = max(len(casters[0]) + caster.outline_corners, 1)
    step = max(CORNERS // corners, 1)
    found = []
    groups = [np.flatnonzero(bits.piece == piece) for piece in range(len(bits.pieces))]
    for first in range(0, len(compass), step):
        directions = compass.direction[first : first + step]
        azimuth = compass.azimuth[first : first + step]
        projected = project(directions, casters, caster.outline_corners)
        jobs = [
            pool.submit(
                shade_facets,
                run,
                receivers.arrays,
                receivers.boxes,
                casters,
                bounds,
                caster.longest,
                projected,
                directions,
                azimuth,
                first,
                EPSILON,
                piece,
                bits.start,
                all_blocked,
            )
            for group, piece in zip(groups, bits.pieces, strict=True)
            for run in np.array_split(group, min(PIECES * workers, len(group) or 1))
        ]
        found += [job.result() for job in jobs]
    return _sorted(found)


def _sorted(found: list[tuple[IntArray, IntArray, IntArray, Bits]]) -> Words:
    """Join what was found, by facet, then direction, then word."""
    if not found:
        none = np.empty(0, np.int64)
        return Words(none, none, none, np.empty(0, np.uint64))
    words = Words(*(np.concatenate(column) for column in zip(*found, strict=True)))
    step = np.diff(words.facet)
    if (step < 0).any():
        words = words.take(np.lexsort((words.word, words.direction, words.facet)))
    return words


def _bounds(bodies: Occluders) -> FloatArray:
    """Return centre and half extent of the box around bodies, (1, 6) [m]."""
    vertices = bodies.polygons.vertices
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    bounds: FloatArray = np.r_[(low + high) / 2, (high - low) / 2][None]
    return bounds


def count_shadows(
    receivers: Receivers,
    bodies: Occluders,
    compass: Compass,
    *,
    most: int,
    pool: ThreadPoolExecutor,
    facets: IntArray | None = None,
) -> tuple[SparseBits, ...]:
    """Cast bodies one by one and count how many stand before each cell.

    Parameters
    ----------
    receivers : Receivers
        Facets.
    bodies : Occluders
        Convex bodies.
    compass : Compass
        The directions.
    most : int
        Up to how many are counted.
    pool : ThreadPoolExecutor
        Shares out the bodies.
    facets : (k,) int, optional
        The only facets that are looked at.

    Returns
    -------
    tuple of SparseBits
        The cells behind one body or more, behind two or more, ... up to ``most``.
    """
    chosen = np.arange(len(receivers.boxes)) if facets is None else facets
    planes = tuple(no_bits() for _ in range(most))
    if not len(chosen) or not len(bodies.polygons):
        return planes
    nowhere = np.zeros(len(receivers.boxes), np.int64)
    whole, near = make_caster(receivers.none, bodies), around(receivers.boxes[chosen])
    order = np.argsort(whole.part, kind="stable")
    apart = np.split(order, np.flatnonzero(np.diff(whole.part[order])) + 1)
    boxes = body_boxes(whole)

    def cast(body: IntArray) -> SparseBits:
        bounds = around(boxes[body])[None]
        towards = directions_before(bounds[0], near, compass.direction)
        if not len(towards):
            return no_bits()
        caster, some = narrow(whole, body), compass.direction[towards]
        facet, direction, word, bits = shade_facets(
            chosen,
            receivers.arrays,
            receivers.boxes,
            caster.casters,
            bounds,
            caster.longest,
            project(some, caster.casters, caster.outline_corners),
            some,
            compass.azimuth[towards],
            0,
            EPSILON,
            np.empty(0, np.uint64),
            nowhere,
            True,  # noqa: FBT003 - compiled code takes no names
        )
        return SparseBits(keys_of(facet, towards[direction], word), bits)

    for first in range(0, len(apart), TOGETHER):
        shadows = pool.map(cast, apart[first : first + TOGETHER])
        planes = count_up([*planes, *shadows], most=most)
    return planes


def count_up(shadows: Sequence[SparseBits], *, most: int) -> tuple[SparseBits, ...]:
    """Count in how many of some shadows each cell lies.

    Parameters
    ----------
    shadows : sequence of SparseBits
        What was counted before may be among them: the cells behind one body, and behind
        two, count like two bodies.
    most : int
        Up to how many are counted.

    Returns
    -------
    tuple of SparseBits
        The cells in one or more, in two or more, ... up to ``most``.
    """
    key = np.concatenate([np.empty(0, np.int64), *(each.key for each in shadows)])
    bits = np.concatenate([np.empty(0, np.uint64), *(each.bits for each in shadows)])
    order = np.argsort(key, kind="stable")
    found, planes = pile(key[order], bits[order], most)
    some = [np.flatnonzero(plane) for plane in planes]
    return tuple(
        SparseBits(found[which], plane[which])
        for which, plane in zip(some, planes, strict=True)
    )
