"""Gather the light of sky and sun on sensors, a block of directions at a time.

Blocks keep memory from growing with the number of directions. Threads share out
directions while casting and facets while summing: every sum is added in one fixed order,
whatever their number.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.facing import TURNED
from meshes.solar.light import Light
from meshes.solar.shadow import Caster
from meshes.solar.sum_kernel import MONTHS, add_beam, add_views
from meshes.solar.sun import SunPath
from meshes.solar.visibility import Bits, pack_bits

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0..1."""

BLOCK = 64
"""Directions whose bits are held at a time."""

PIECE = 8
"""Directions that a thread takes at a time: handing over costs more than a small cast."""

Blocks = Iterable[tuple[int, Bits]]
"""First direction of each block and the blocked bits, (k, words)."""


@dataclass(frozen=True)
class Views:
    """What is seen of the sky.

    Attributes
    ----------
    diffuse : (bits,) float32
        Irradiation of each cell by the sky over the year [kWh/m2].
    sky : (bits,) float32
        View of the sky of each cell: solid angle times cosine [sr]; pi in the open.
    facet : (f, p) float32
        Mean over the sensors of what each facet receives of each patch per unit of its
        radiance [sr].
    """

    diffuse: Float32Array
    sky: Float32Array
    facet: Float32Array


@dataclass(frozen=True)
class Beam:
    """Beam of the year.

    Attributes
    ----------
    direct : (bits,) float32
        Irradiation of each cell [kWh/m2].
    facet : (f, 12) float
        Mean of each facet's sensors by month [kWh/m2].
    share : (f, b) float32
        Share of each facet's sensors that see each sun bin.
    """

    direct: Float32Array
    facet: FloatArray
    share: Float32Array


def cast_blocks(
    caster: Caster,
    directions: FloatArray,
    pool: ThreadPoolExecutor,
    *,
    mask: Bits,
    packed: list[bytes],
    facing: Facets | None = None,
) -> Iterator[tuple[int, Bits]]:
    """Cast all directions, a block at a time.

    Parameters
    ----------
    caster : Caster
        Facets and what blocks their view.
    directions : (n, 3) float
        Unit vectors.
    pool : ThreadPoolExecutor
        Shares out the directions.
    mask : (w,) uint64
        The facets' sensors; other cells count as not blocked.
    packed : list of bytes
        Takes the bits of every direction for `Visibility`.
    facing : Facets, optional
        The facets themselves: if given, those turned away count as not blocked either.

    Yields
    ------
    int, (k, w) uint64
        First direction and blocked bits of each block.
    """
    for first in range(0, len(directions), BLOCK):
        block = directions[first : first + BLOCK]
        bits = np.empty((len(block), caster.words), np.uint64)

        def cast(start: int, block: FloatArray = block, bits: Bits = bits) -> list[bytes]:
            stop = min(start + PIECE, len(block))
            for k in range(start, stop):
                caster.cast(block[k], bits[k])
            bits[start:stop] &= mask
            if facing is not None:
                away = facing.normal @ block[start:stop].T <= TURNED
                lengths = facing.words_per_facet
                bits[start:stop][np.repeat(away, lengths, axis=0).T] = 0
            return [pack_bits(row) for row in bits[start:stop]]

        for texts in pool.map(cast, range(0, len(block), PIECE)):
            packed.extend(texts)
        yield first, bits


def _ranges(facets: Facets, workers: int) -> list[tuple[int, int]]:
    """Split the facets into runs of about equal numbers of bits, four a worker."""
    pieces = max(1, min(len(facets), 4 * workers))
    targets = np.linspace(0, len(facets.mask) * 64, pieces + 1)[1:-1]
    cuts = np.unique(np.r_[0, np.searchsorted(facets.bit_start, targets), len(facets)])
    return [(int(a), int(b)) for a, b in itertools.pairwise(cuts)]


def sum_sky(
    facets: Facets,
    blocks: Blocks,
    weights: FloatArray,
    radiance: FloatArray,
    *,
    pool: ThreadPoolExecutor,
    workers: int,
    progress: Progress,
) -> Views:
    """Sum the light of the patches that are not blocked.

    Parameters
    ----------
    facets : Facets
        Where the light is received.
    blocks : iterable of (int, (k, w) uint64)
        Blocked bits of the patches.
    weights : (f, p) float
        What a free facet receives per unit of radiance [sr]: see
        `meshes.solar.facing.facing_weights`.
    radiance : (p,) float
        Of the patches over the year [kWh/m2/sr].
    pool : ThreadPoolExecutor
        Shares out the facets.
    workers : int
        Its threads; the result does not depend on them.
    progress : callable
        Told how far it is.

    Returns
    -------
    Views
    """
    views = no_views(facets, len(radiance))
    for first, blocked in blocks:
        stop = first + len(blocked)
        progress("sky", stop / len(radiance))
        add_sky(
            views,
            facets,
            blocked,
            weights[:, first:stop],
            radiance[first:stop],
            first=first,
            pool=pool,
            workers=workers,
        )
    return views


def no_views(facets: Facets, patches: int) -> Views:
    """Return views of nothing, for `add_sky` to fill."""
    bits = facets.mask.size * 64
    return Views(
        np.zeros(bits, np.float32),
        np.zeros(bits, np.float32),
        np.zeros((len(facets), patches), np.float32),
    )


def add_sky(
    views: Views,
    facets: Facets,
    blocked: Bits,
    weights: FloatArray,
    radiance: FloatArray,
    *,
    first: int,
    pool: ThreadPoolExecutor,
    workers: int,
) -> None:
    """Add a block of patches, (k, w) bits, to views; arguments are as in `sum_sky`.

    ``weights`` and ``radiance`` are those of the block alone, ``first`` is its first patch.
    """
    block = np.ascontiguousarray(weights)
    if not block.any():
        return
    jobs = [
        pool.submit(
            add_views,
            blocked,
            facets.mask,
            facets.bit_start,
            facets.shape,
            facets.sensors_per_facet,
            first,
            block,
            np.ascontiguousarray(radiance),
            a,
            b,
            views.diffuse,
            views.sky,
            views.facet,
        )
        for a, b in _ranges(facets, workers)
    ]
    for job in jobs:
        job.result()


def sum_sun(
    facets: Facets,
    blocks: Blocks,
    light: Light,
    path: SunPath,
    *,
    pool: ThreadPoolExecutor,
    workers: int,
    progress: Progress,
) -> Beam:
    """Sum the beam over the sun positions that are not blocked.

    Parameters
    ----------
    facets : Facets
        Where the light is received.
    blocks : iterable of (int, (k, w) uint64)
        Blocked bits of the sun bins.
    light : Light
        The year's beam.
    path : SunPath
        The year's sun.
    pool, workers, progress
        As in `sum_sky`.

    Returns
    -------
    Beam
    """
    sums = no_beam(facets, path)
    course = follow_beam(light, path)
    for first, blocked in blocks:
        progress("sun", (first + len(blocked)) / len(path.bin_direction))
        add_sun(sums, facets, blocked, course, first=first, pool=pool, workers=workers)
    return sums


@dataclass(frozen=True)
class BeamCourse:
    """The sun's beam over the year, position by position in the order of their bins.

    Attributes
    ----------
    start : (b + 1,) int
        First position of each bin.
    towards : (s, 3) float
        Unit vectors to the sun.
    energy : (s,) float
        Beam on a plane that faces it [kWh/m2].
    month : (s,) int
        0 to 11.
    """

    start: IntArray
    towards: FloatArray
    energy: FloatArray
    month: IntArray


def follow_beam(light: Light, path: SunPath) -> BeamCourse:
    """Put the sun's positions in the order of their bins."""
    order = np.argsort(path.bin, kind="stable")
    return BeamCourse(
        start=np.searchsorted(path.bin[order], np.arange(len(path.bin_direction) + 1)),
        towards=path.direction[order],
        energy=(light.beam[path.hour] * path.share)[order] * (light.step / 1000.0),
        month=light.month[path.hour][order],
    )


def no_beam(facets: Facets, path: SunPath) -> Beam:
    """Return a beam of nothing, for `add_sun` to fill."""
    return Beam(
        np.zeros(facets.mask.size * 64, np.float32),
        np.zeros((len(facets), MONTHS)),
        np.zeros((len(facets), len(path.bin_direction)), np.float32),
    )


def add_sun(
    sums: Beam,
    facets: Facets,
    blocked: Bits,
    course: BeamCourse,
    *,
    first: int,
    pool: ThreadPoolExecutor,
    workers: int,
) -> None:
    """Add a block of bins, (k, w) bits, to sums; ``first`` is its first bin."""
    jobs = [
        pool.submit(
            add_beam,
            blocked,
            facets.mask,
            facets.bit_start,
            facets.shape,
            facets.sensors_per_facet,
            facets.normal,
            first,
            course.start,
            course.towards,
            course.energy,
            course.month,
            a,
            b,
            sums.direct,
            sums.facet,
            sums.share,
        )
        for a, b in _ranges(facets, workers)
    ]
    for job in jobs:
        job.result()
