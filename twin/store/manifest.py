"""Know which segments there are and which of their blocks a question needs."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field, fields
from functools import cached_property
from pathlib import Path

import numpy as np

from twin.store.columns import Columns, IntArray
from twin.store.segments import MONTH, Block, Segment, SegmentReader

SEGMENT = tuple(item.name for item in fields(Segment) if item.name != "number")
BLOCK = tuple(item.name for item in fields(Block))


def read_mark(connection: sqlite3.Connection, name: str) -> int:
    """Return one of `twin.store.schema.MARKS`."""
    query = "SELECT value FROM marks WHERE name = ?"
    return int(connection.execute(query, (name,)).fetchone()[0])


def set_mark(connection: sqlite3.Connection, name: str, value: int) -> None:
    """Set one of `twin.store.schema.MARKS`."""
    connection.execute("UPDATE marks SET value = ? WHERE name = ?", (value, name))


def next_generation(connection: sqlite3.Connection) -> None:
    """Tell every reader that the segments have changed."""
    connection.execute("UPDATE marks SET value = value + 1 WHERE name = 'generation'")


def add_segment(
    connection: sqlite3.Connection, segment: Segment, blocks: Sequence[Block]
) -> None:
    """Enter a segment that is on the disk."""
    added = connection.execute(
        f"INSERT INTO segments({', '.join(SEGMENT)}) "
        f"VALUES ({', '.join('?' * len(SEGMENT))})",
        tuple(getattr(segment, name) for name in SEGMENT),
    )
    connection.executemany(
        f"INSERT INTO blocks(segment, place, {', '.join(BLOCK)}) VALUES (?,?,?,?,?,?,?,?)",
        [(added.lastrowid, place, *astuple(block)) for place, block in enumerate(blocks)],
    )


def drop_segments(
    connection: sqlite3.Connection, segments: Iterable[Segment], *, now: int
) -> None:
    """Strike segments out; their files stay a while for who still reads them."""
    for segment in segments:
        connection.execute("DELETE FROM blocks WHERE segment = ?", (segment.number,))
        connection.execute("DELETE FROM segments WHERE number = ?", (segment.number,))
        connection.execute("INSERT INTO leftovers VALUES (?, ?)", (segment.file, now))


def read_ranks(connection: sqlite3.Connection) -> IntArray:
    """Return what segments are sorted by, building before point, by number of the point.

    Returns
    -------
    (p + 1,) int
        Numbers begin at 1; the first is no point's.
    """
    rows = connection.execute("SELECT number, building FROM points").fetchall()
    ranks = np.zeros(1 + max((number for number, _ in rows), default=0), np.int64)
    for number, building in rows:
        ranks[number] = (building << MONTH) | number
    return ranks


@dataclass
class Manifest:
    """The segments as one generation of the store has them.

    Attributes
    ----------
    folder : Path
        History folder.
    generation : int
    segments : tuple of Segment
        By first time.
    blocks : dict of int to list of Block
        By number of the segment.
    """

    folder: Path
    generation: int
    segments: tuple[Segment, ...]
    blocks: dict[int, list[Block]]
    _open: dict[int, SegmentReader] = field(default_factory=dict)

    @classmethod
    def read(
        cls, connection: sqlite3.Connection, folder: Path, before: "Manifest | None"
    ) -> "Manifest":
        """Return the present manifest, with the files that are open already."""
        generation = read_mark(connection, "generation")
        if before and before.generation == generation:
            return before
        segments = tuple(
            Segment(*row)
            for row in connection.execute(
                f"SELECT {', '.join(SEGMENT)}, number FROM segments ORDER BY first, number"
            )
        )
        blocks: dict[int, list[Block]] = {segment.number: [] for segment in segments}
        for number, *block in connection.execute(
            f"SELECT segment, {', '.join(BLOCK)} FROM blocks ORDER BY segment, place"
        ):
            blocks[number].append(Block(*block))
        made = cls(folder, generation, segments, blocks)
        if before:
            files = {segment.file: segment.number for segment in segments}
            for segment in before.segments:
                reader = before._open.pop(segment.number, None)
                if reader and files.get(segment.file) == segment.number:
                    made._open[segment.number] = reader
                elif reader:
                    reader.close()
        return made

    def close(self) -> None:
        """Let go of the files."""
        for reader in self._open.values():
            reader.close()
        self._open.clear()

    @cached_property
    def _bounds(self) -> dict[int, tuple[IntArray, IntArray]]:
        """First and last rank of each block, by number of the segment."""
        return {
            number: (
                np.array([block.first_rank for block in blocks], np.int64),
                np.array([block.last_rank for block in blocks], np.int64),
            )
            for number, blocks in self.blocks.items()
        }

    @property
    def last_sequence(self) -> int:
        """Largest number in any segment, 0 without."""
        return max((segment.last_sequence for segment in self.segments), default=0)

    def overlapping(self, start: int, end: int) -> list[Segment]:
        """Return the segments with times of ``start <= time < end``."""
        return [one for one in self.segments if one.first < end and one.last >= start]

    def places(self, segment: Segment, ranks: IntArray | None) -> list[int]:
        """Return the blocks that can hold any of some ranks, which are sorted."""
        first, last = self._bounds[segment.number]
        if ranks is None:
            return list(range(len(first)))
        hit = np.searchsorted(ranks, first) < np.searchsorted(ranks, last, side="right")
        return [int(place) for place in np.flatnonzero(hit)]

    def read_blocks(self, segment: Segment, places: list[int], names: list[str]) -> Columns:
        """Return columns of some blocks of a segment."""
        reader = self._open.get(segment.number)
        if reader is None:
            reader = SegmentReader(self.folder, segment, self.blocks[segment.number])
            self._open[segment.number] = reader
        return reader.read(places, names)
