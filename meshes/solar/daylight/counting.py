"""Count how many directions each sensor sees, 64 sensors at a time.

A count is kept as one bit of each power of two: adding a row of bits carries from plane to
plane as on paper, a word for 64 sensors. Sums are whole numbers, so that they do not depend
on their order or on the number of threads.
"""

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray
from meshes.solar.gather import BLOCK, PIECE, Progress
from meshes.solar.shadow import Caster
from meshes.solar.visibility import Bits


class BitCounts:
    """Counts of every cell, as planes of bits; grows as it is added to.

    Parameters
    ----------
    words : int
        Length of a row of bits.
    """

    def __init__(self, words: int) -> None:
        self._planes: list[Bits] = []
        self._words = words

    def add(self, row: Bits, times: int = 1) -> None:
        """Add 1, or more, to the cells whose bit is set."""
        for place in range(times.bit_length()):
            if times >> place & 1:
                self._carry(row, place)

    def _carry(self, row: Bits, place: int) -> None:
        """Add a row at the plane of two to the power of ``place``."""
        carry = row
        while True:
            while place >= len(self._planes):
                self._planes.append(np.zeros(self._words, np.uint64))
            plane = self._planes[place]
            following = plane & carry
            plane ^= carry
            if not following.any():
                return
            carry = following
            place += 1

    def of_cells(self) -> IntArray:
        """(64 words,) int: the count of each cell."""
        counts = np.zeros(self._words * 64, np.int64)
        for place, plane in enumerate(self._planes):
            bits = np.unpackbits(plane.astype("<u8").view(np.uint8), bitorder="little")
            counts += bits.astype(np.int64) << place
        return counts

    def of_sensors(self, facets: Facets) -> IntArray:
        """(n,) int: the count of each sensor."""
        counts: IntArray = self.of_cells()[facets.sensor_bit]
        return counts


def seen_blocks(
    caster: Caster,
    facets: Facets,
    directions: FloatArray,
    *,
    told: str = "sun",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[int, Bits]]:
    """Cast directions, a block at a time.

    Parameters
    ----------
    caster : Caster
        Facets and what blocks their view.
    facets : Facets
        The same facets.
    directions : (k, 3) float
        Unit vectors.
    told : str
        What to call the work.
    threads : int, optional
        Working threads; all processors by default.
    progress : callable, optional
        Told how far it is.

    Yields
    ------
    int, (j, words) uint64
        First direction of each block, and 1 for sensors that see a direction. The array is
        used again for the next block.
    """
    held = np.empty((BLOCK, caster.words), np.uint64)
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        for first in range(0, len(directions), BLOCK):
            block = directions[first : first + BLOCK]

            def cast(start: int, block: FloatArray = block) -> None:
                for k in range(start, min(start + PIECE, len(block))):
                    caster.cast(block[k], held[k])
                    np.invert(held[k], out=held[k])
                    held[k] &= facets.mask

            list(pool.map(cast, range(0, len(block), PIECE)))
            if progress is not None:
                progress(told, (first + len(block)) / len(directions))
            yield first, held[: len(block)]


def facet_runs(facets: Facets, pieces: int) -> list[tuple[int, int]]:
    """Split facets into runs of about equal numbers of cells.

    Parameters
    ----------
    facets : Facets
    pieces : int
        How many at most.
    """
    targets = np.linspace(0, len(facets.mask) * 64, max(pieces, 1) + 1)[1:-1]
    cuts = np.unique(np.r_[0, np.searchsorted(facets.bit_start, targets), len(facets)])
    return [(int(a), int(b)) for a, b in itertools.pairwise(cuts)]
