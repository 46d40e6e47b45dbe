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
from meshes.polygons import Float32Array, FloatArray
from meshes.solar.light import Light
from meshes.solar.shadow import Caster
from meshes.solar.sky import SkyPatches
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
    """View of dome and horizon, per bit and per facet, as shares of the free plane's."""

    dome_bits: Float32Array
    dome_facet: FloatArray
    horizon_bits: Float32Array
    horizon_facet: FloatArray


@dataclass(frozen=True)
class Beam:
    """Beam energy per month and bit [Wh/m2], per facet and month, and visible shares."""

    bits: Float32Array
    facet: FloatArray
    share: Float32Array


def cast_blocks(
    caster: Caster,
    directions: FloatArray,
    pool: ThreadPoolExecutor,
    *,
    mask: Bits,
    packed: list[bytes],
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
    patches: SkyPatches,
    *,
    pool: ThreadPoolExecutor,
    workers: int,
    progress: Progress,
) -> Views:
    """Sum the views of dome and horizon over the patches that are not blocked.

    Parameters
    ----------
    facets : Facets
        Where the light is received.
    blocks : iterable of (int, (k, w) uint64)
        Blocked bits of the patches.
    patches : SkyPatches
        All of them.
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
    cosine = np.maximum(facets.normal @ patches.direction.T, 0.0)
    dome = cosine * patches.solid_angle
    level = patches.direction * [1.0, 1.0, 0.0]
    level /= np.maximum(np.linalg.norm(level, axis=1, keepdims=True), 1e-12)
    band = (patches.row == 0) & (patches.direction[:, 2] < 1.0)
    horizon = np.maximum(facets.normal @ level.T, 0.0) * band
    dome /= np.maximum(dome.sum(axis=1, keepdims=True), 1e-12)
    horizon /= np.maximum(horizon.sum(axis=1, keepdims=True), 1e-12)
    bits = facets.mask.size * 64
    views = Views(
        np.zeros((1, bits), np.float32),
        np.zeros(len(facets)),
        np.zeros((1, bits), np.float32),
        np.zeros(len(facets)),
    )
    counts = facets.sensors_per_facet
    for first, blocked in blocks:
        stop = first + len(blocked)
        progress("sky", stop / len(patches.direction))
        for weights, into, total in (
            (dome, views.dome_bits, views.dome_facet),
            (horizon, views.horizon_bits, views.horizon_facet),
        ):
            block = np.ascontiguousarray(weights[:, first:stop])
            if not block.any():
                continue
            jobs = [
                pool.submit(
                    add_views,
                    blocked,
                    facets.mask,
                    facets.bit_start,
                    facets.shape,
                    counts,
                    block,
                    a,
                    b,
                    into,
                    total,
                )
                for a, b in _ranges(facets, workers)
            ]
            for job in jobs:
                job.result()
    return views


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
    """Sum the beam by month over the sun positions that are not blocked.

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
    bits = facets.mask.size * 64
    sums = Beam(
        np.zeros((MONTHS, bits), np.float32),
        np.zeros((len(facets), MONTHS)),
        np.zeros((len(facets), len(path.bin_direction)), np.float32),
    )
    order = np.argsort(path.bin, kind="stable")
    start = np.searchsorted(path.bin[order], np.arange(len(path.bin_direction) + 1))
    energy = (light.beam[path.hour] * path.share)[order]
    month = light.month[path.hour][order]
    towards = path.direction[order]
    counts = facets.sensors_per_facet
    for first, blocked in blocks:
        progress("sun", (first + len(blocked)) / len(path.bin_direction))
        jobs = [
            pool.submit(
                add_beam,
                blocked,
                facets.mask,
                facets.bit_start,
                facets.shape,
                counts,
                facets.normal,
                first,
                start,
                towards,
                energy,
                month,
                a,
                b,
                sums.bits,
                sums.facet,
                sums.share,
            )
            for a, b in _ranges(facets, workers)
        ]
        for job in jobs:
            job.result()
    return sums
