"""Gather the light of sky and sun on sensors, a block of directions at a time.

Blocks keep memory from growing with the number of directions. Threads share out
directions while casting and facets while summing: every sum is added in one fixed order,
whatever their number.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.light import Light
from meshes.solar.shadow import Caster, bundle
from meshes.solar.sum_kernel import MONTHS, add_beam, add_patches
from meshes.solar.sun import SunPath
from meshes.solar.visibility import Bits

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0..1."""

Keep = Callable[[IntArray, Bits], None]
"""Takes the numbers of some directions and their blocked bits, (k, words), which change
afterwards; called from several threads, in any order."""

BLOCK = 64
"""Directions whose bits are held at a time."""

PIECE = 8
"""Directions that a thread takes at a time: handing over costs more than a small cast."""

Blocks = Iterable[tuple[IntArray, Bits]]
"""Numbers of each block's directions and their blocked bits, (k, words)."""


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
    keep: Keep | None,
) -> Iterator[tuple[IntArray, Bits]]:
    """Cast all directions, a block of neighbours at a time.

    The next block is cast while one is spent, so that no thread waits for another.

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
    keep : callable or None
        Takes the bits of every direction.

    Yields
    ------
    (k,) int, (k, w) uint64
        Numbers of the directions and blocked bits of each block.
    """

    def cast(numbers: IntArray, rows: Bits) -> None:
        caster.cast_many(directions[numbers], rows)
        rows &= mask
        if keep is not None:
            keep(numbers, rows)

    waiting: tuple[IntArray, Bits, list[Future[None]]] | None = None
    for few in _blocks_of(bundle(directions)):
        edges = np.r_[0, np.cumsum([len(one) for one in few])]
        bits = np.empty((edges[-1], caster.words), np.uint64)
        jobs = [
            pool.submit(cast, one, bits[a:b])
            for one, (a, b) in zip(few, itertools.pairwise(edges), strict=True)
        ]
        if waiting is not None:
            yield _done(*waiting)
        waiting = np.concatenate(few), bits, jobs
    if waiting is not None:
        yield _done(*waiting)


def _done(numbers: IntArray, bits: Bits, jobs: list[Future[None]]) -> tuple[IntArray, Bits]:
    """Wait until a block is cast."""
    for job in jobs:
        job.result()
    return numbers, bits


def _blocks_of(bundles: list[IntArray]) -> Iterator[list[IntArray]]:
    """Put bundles that follow each other into blocks of at most `BLOCK` directions."""
    few: list[IntArray] = []
    for one in bundles:
        if few and sum(map(len, few)) + len(one) > BLOCK:
            yield few
            few = []
        few.append(one)
    if few:
        yield few


def _ranges(facets: Facets, workers: int) -> list[tuple[int, int]]:
    """Split the facets into runs of about equal numbers of bits, four a worker."""
    pieces = max(1, min(len(facets), 4 * workers))
    targets = np.linspace(0, len(facets.mask) * 64, pieces + 1)[1:-1]
    cuts = np.unique(np.r_[0, np.searchsorted(facets.bit_start, targets), len(facets)])
    return [(int(a), int(b)) for a, b in itertools.pairwise(cuts)]


def _numbers(first: int | IntArray, count: int) -> IntArray:
    """Return the numbers of a block's directions."""
    numbers: IntArray = (
        np.arange(count) + first if np.ndim(first) == 0 else np.asarray(first)
    )
    return numbers


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
    blocks : iterable of ((k,) int, (k, w) uint64)
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
    done = 0
    for numbers, blocked in blocks:
        done += len(numbers)
        progress("sky", done / len(radiance))
        add_sky(
            views,
            facets,
            blocked,
            weights[:, numbers],
            radiance[numbers],
            first=numbers,
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
    first: int | IntArray,
    pool: ThreadPoolExecutor,
    workers: int,
) -> None:
    """Add a block of patches, (k, w) bits, to views; arguments are as in `sum_sky`.

    ``weights`` and ``radiance`` are those of the block alone; ``first`` is its first patch,
    or the numbers of all of them.
    """
    numbers = _numbers(first, len(blocked))
    block = np.ascontiguousarray(weights)
    if not block.any():
        return
    counts = facets.sensors_per_facet
    jobs = [
        pool.submit(
            add_patches,
            blocked,
            facets.mask,
            facets.bit_start,
            facets.shape,
            counts,
            numbers,
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
    blocks : iterable of ((k,) int, (k, w) uint64)
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
    done = 0
    for numbers, blocked in blocks:
        done += len(numbers)
        progress("sun", done / len(path.bin_direction))
        add_sun(sums, facets, blocked, course, first=numbers, pool=pool, workers=workers)
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
    first: int | IntArray,
    pool: ThreadPoolExecutor,
    workers: int,
) -> None:
    """Add a block of bins, (k, w) bits, to sums.

    ``first`` is its first bin, or the numbers of all of them.
    """
    numbers = _numbers(first, len(blocked))
    counts = facets.sensors_per_facet
    jobs = [
        pool.submit(
            add_beam,
            blocked,
            facets.mask,
            facets.bit_start,
            facets.shape,
            counts,
            facets.normal,
            numbers,
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
