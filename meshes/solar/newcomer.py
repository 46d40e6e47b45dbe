"""Add a building to a lit scene by its shadows alone.

What a newcomer takes is what it blocks and nothing else blocked before. Its shadow is
cast facet by facet, only in the directions in which the facet sees it, and compared with
the bits that the scene keeps; only the light that comes from the newly blocked directions
is summed and taken away. Facets that lose nothing are not touched.
"""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from meshes.facets import Facets
from meshes.polygons import IntArray
from meshes.solar.irradiance import Irradiation
from meshes.solar.light import MONTHS
from meshes.solar.lit_scene import Compass, LitScene, Receivers
from meshes.solar.newcomer_kernel import project, shade_facets, sum_words
from meshes.solar.occluders import Occluders
from meshes.solar.shadow import EPSILON, make_caster
from meshes.solar.visibility import Bits, FacetBits

CORNERS = 4_000_000
"""Projected corners that are held at a time, 16 bytes each."""

PIECES = 8
"""Pieces of work for each thread: some facets take longer than others."""


@dataclass(frozen=True)
class Shaded:
    """The facets that a newcomer takes light from.

    Attributes
    ----------
    facets : (k,) int
        Which facets of the scene lose light, ascending.
    before, after : Irradiation
        Their light without and with the newcomer.
    """

    facets: IntArray
    before: Irradiation
    after: Irradiation


@dataclass(frozen=True)
class Words:
    """Words of bits that change, in order of facet, direction and word.

    Attributes
    ----------
    facet : (m,) int
        Whose.
    direction : (m,) int
        Place of the direction in the compass.
    word : (m,) int
        Which of the facet's words.
    bits : (m,) uint64
        The cells that change.
    """

    facet: IntArray
    direction: IntArray
    word: IntArray
    bits: Bits

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self.facet)

    def take(self, which: IntArray) -> "Words":
        """Return some of them."""
        return Words(
            self.facet[which], self.direction[which], self.word[which], self.bits[which]
        )


def shade(scene: LitScene, newcomer: Occluders, *, threads: int | None = None) -> Shaded:
    """Take from a lit scene the light that a newcomer blocks.

    Parameters
    ----------
    scene : LitScene
        The scene as it is lit now: `meshes.solar.lit_scene.light_scene`.
    newcomer : Occluders
        What is added, in the local frame of the scene's facets.
    threads : int, optional
        Working threads; all processors by default. The result does not depend on it.

    Returns
    -------
    Shaded

    Notes
    -----
    Every bit equals that of a new run of `meshes.solar.irradiance.irradiate` with the
    newcomer among the occluders, and so do the means of facets by part and direction;
    sums of sensors differ by rounding (float32), below 0.001 kWh/m2. What ground and
    buildings throw back is left as it was: the newcomer hides some of it and throws back
    light of its own. Checked in tests/meshes/solar/test_newcomer.py.
    """
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        words = find_words(
            scene.receivers, newcomer, scene.compass, scene.bits, pool=pool, workers=workers
        )
        facets = np.unique(words.facet)
        before = scene.light.take(facets)
        after = relight(
            scene, before, facets, words, gained=False, pool=pool, workers=workers
        )
    return Shaded(facets, before, after)


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
    vertices = bodies.polygons.vertices
    if not len(vertices):
        return _sorted([])
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    bounds = np.r_[(low + high) / 2, (high - low) / 2][None]
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


def count_words(words: Words, facets: Facets) -> IntArray:
    """Return in how many directions words hold each sensor, (n,) int."""
    flags = np.unpackbits(words.bits.view(np.uint8), bitorder="little").reshape(-1, 64)
    entry, cell = np.nonzero(flags)
    first = facets.bit_start[words.facet] // 64 + words.word
    counts = np.bincount(first[entry] * 64 + cell, minlength=len(facets.mask) * 64)
    return counts[facets.sensor_bit]


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


def relight(
    scene: LitScene,
    before: Irradiation,
    facets: IntArray,
    words: Words,
    *,
    gained: bool,
    pool: ThreadPoolExecutor,
    workers: int,
) -> Irradiation:
    """Change the light of facets by words that they gain or lose.

    Parameters
    ----------
    scene : LitScene
        The scene.
    before : Irradiation
        The light of ``facets``.
    facets : (k,) int
        Which of the scene's facets, ascending: those of the words.
    words : Words
        Cells that see more directions, or fewer.
    gained : bool
        Whether they see more.
    pool, workers
        As in `find_words`.

    Returns
    -------
    Irradiation
        Of the same facets; what ground and buildings throw back is left as it was.
    """
    own = before.facets
    cells = len(own.mask) * 64
    direct, diffuse, sky = (np.zeros(cells, np.float32) for _ in range(3))
    beam = np.zeros((len(facets), MONTHS))
    view, share = before.patch_view.copy(), before.sun_share.copy()
    sign = 1 if gained else -1
    start = np.searchsorted(words.facet, np.r_[facets, len(scene.facets)])
    cuts = np.searchsorted(start, np.linspace(0, len(words), PIECES * workers + 1))
    cuts[0], cuts[-1] = 0, len(facets)
    jobs = [
        pool.submit(
            sum_words,
            first,
            stop,
            start,
            words.direction,
            words.word,
            words.bits,
            own.bit_start // 64,
            own.sensors_per_facet,
            own.normal,
            scene.compass.number,
            scene.weights.shape[1],
            scene.weights,
            scene.plane[facets],
            scene.annual_radiance,
            scene.beam.start,
            scene.beam.towards,
            scene.beam.energy,
            scene.beam.month,
            sign,
            direct,
            diffuse,
            sky,
            view,
            share,
            beam,
        )
        for first, stop in itertools.pairwise(np.unique(cuts).tolist())
    ]
    for job in jobs:
        job.result()
    bit = own.sensor_bit
    parts = before.sensor_parts.copy()
    parts[:, 0] += direct[bit]
    parts[:, 1] += diffuse[bit]
    facet_parts = before.facet_parts.copy()
    facet_parts[:, 0] += beam
    seen = view.astype(np.float64) - before.patch_view
    facet_parts[:, 1] += seen @ scene.radiance
    return replace(
        before,
        sensor_parts=np.maximum(parts, 0, out=parts),
        sensor_sky_view=np.maximum(
            before.sensor_sky_view + sky[bit] / np.float32(np.pi), 0
        ),
        facet_parts=np.maximum(facet_parts, 0.0, out=facet_parts),
        patch_view=view,
        sun_share=share,
    )
