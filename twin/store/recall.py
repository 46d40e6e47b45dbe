"""Find what history says of single points and times, fast when asked again and again.

Whoever delivers old messages once more asks for the same few blocks with every batch:
they stay in memory, and a key is found in them by bisection.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from twin.store.columns import Columns, IntArray
from twin.store.manifest import Manifest
from twin.store.segments import Segment

ROWS = 3_000_000
"""Rows that are kept in memory at most, 64 bytes each."""

CONTENT = ("version", "value", "source", "quality")

Found = tuple[int, int, tuple[int, float | None, int, int]]
"""Point, time and content of a statement."""


@dataclass(frozen=True)
class RecalledBlock:
    """A block in memory.

    Attributes
    ----------
    columns : Columns
        Sorted by rank, then time.
    ranks : (p,) int
        Those in it, sorted.
    low, span : int
        First time and how far the times reach.
    keys : (n,) int
        Place of the rank and time in one number, sorted.
    """

    columns: Columns
    ranks: IntArray
    low: int
    span: int
    keys: IntArray

    def find(self, rank: IntArray, time: IntArray) -> IntArray:
        """Return the rows that speak of any of some ranks and times."""
        place = np.searchsorted(self.ranks, rank).clip(max=len(self.ranks) - 1)
        inside = (self.ranks[place] == rank) & (time >= self.low)
        inside &= time < self.low + self.span
        key = place[inside] * self.span + (time[inside] - self.low)
        first = np.searchsorted(self.keys, key)
        count = np.searchsorted(self.keys, key, side="right") - first
        within = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
        rows: IntArray = np.repeat(first, count) + within
        return rows


@dataclass
class Recall:
    """The blocks that were asked for last.

    Attributes
    ----------
    blocks : dict
        By file and place in it: a file never changes.
    rows : int
        In all of them.
    """

    blocks: OrderedDict[tuple[str, int], RecalledBlock] = field(default_factory=OrderedDict)
    rows: int = 0

    def find(
        self, manifest: Manifest, ranks: IntArray, point: IntArray, time: IntArray
    ) -> Iterator[Found]:
        """Give every sealed statement of some keys.

        Parameters
        ----------
        manifest : Manifest
        ranks : (p + 1,) int
            By number of the point.
        point, time : (k,) int
            The keys, each once.
        """
        rank = ranks[point]
        wanted = np.unique(rank)
        for segment in manifest.overlapping(int(time.min()), int(time.max()) + 1):
            for place in manifest.places(segment, wanted):
                block = self._block(manifest, segment, place, ranks)
                rows = block.find(rank, time)
                if not len(rows):
                    continue
                part = {name: block.columns[name][rows].tolist() for name in block.columns}
                for told in zip(
                    part["point"],
                    part["time"],
                    *(part[name] for name in CONTENT),
                    strict=True,
                ):
                    value = told[3]
                    # NaN is not itself.
                    held = None if value != value else value
                    yield told[0], told[1], (told[2], held, told[4], told[5])

    def _block(
        self, manifest: Manifest, segment: Segment, place: int, ranks: IntArray
    ) -> RecalledBlock:
        """Return a block, from memory if it is there."""
        name = segment.file, place
        block = self.blocks.pop(name, None)
        if block is None:
            columns = manifest.read_blocks(segment, [place], ["point", "time", *CONTENT])
            own, index = np.unique(ranks[columns["point"]], return_inverse=True)
            low = int(columns["time"].min())
            span = int(columns["time"].max()) - low + 1
            keys = index * span + (columns["time"] - low)
            block = RecalledBlock(columns, own, low, span, keys)
            self.rows += len(keys)
            while self.rows > ROWS and self.blocks:
                _, old = self.blocks.popitem(last=False)
                self.rows -= len(old.keys)
        self.blocks[name] = block
        return block
