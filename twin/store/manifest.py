"""Know which segments there are and which of their blocks a question needs."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from gis.errors import OutputError
from twin.store.columns import Columns, IntArray
from twin.store.reader import SegmentReader
from twin.store.segments import MONTH, Blocks, Segment

SEGMENT = tuple(item.name for item in fields(Segment) if item.name != "number")

OPEN = 100
"""Files of history that are held open at most, each once or twice: some systems give a
program 256, most 1,024."""


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


def add_segment(connection: sqlite3.Connection, segment: Segment, blocks: Blocks) -> None:
    """Enter a segment that is on the disk."""
    connection.execute(
        f"INSERT INTO segments({', '.join(SEGMENT)}, blocks) "
        f"VALUES ({', '.join('?' * len(SEGMENT))}, ?)",
        (*(getattr(segment, name) for name in SEGMENT), blocks.to_bytes()),
    )


def drop_segments(
    connection: sqlite3.Connection, segments: Iterable[Segment], *, now: int
) -> None:
    """Strike segments out; their files stay a while for who still reads them."""
    for segment in segments:
        gone = connection.execute(
            "DELETE FROM segments WHERE number = ? AND file = ?",
            (segment.number, segment.file),
        )
        if gone.rowcount != 1:
            # Nothing is lost: the caller's transaction is undone.
            message = (
                f"{segment.file} must stay in the history until it is replaced, but "
                "another program has taken it out; nothing was changed, do it again"
            )
            raise OutputError(message)
        connection.execute("INSERT INTO leftovers VALUES (?, ?)", (segment.file, now))


def read_ranks(connection: sqlite3.Connection) -> IntArray:
    """Return what segments are sorted by, building before point, by number of the point.

    Returns
    -------
    (p + 1,) int
        Numbers begin at 1; the first is no point's.
    """
    rows = connection.execute("SELECT number, building FROM points").fetchall()
    number, building = np.array(rows, np.int64).reshape(-1, 2).T
    ranks = np.zeros(1 + int(number.max(initial=0)), np.int64)
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
    blocks : dict of int to Blocks
        By number of the segment.
    """

    folder: Path
    generation: int
    segments: tuple[Segment, ...]
    blocks: dict[int, Blocks]
    _open: dict[int, SegmentReader] = field(default_factory=dict)

    @classmethod
    def read(
        cls, connection: sqlite3.Connection, folder: Path, before: "Manifest | None"
    ) -> "Manifest":
        """Return the present manifest, with the files that are open already."""
        generation = read_mark(connection, "generation")
        if before and before.generation == generation:
            return before
        rows = connection.execute(
            f"SELECT blocks, {', '.join(SEGMENT)}, number FROM segments "
            "ORDER BY first, number"
        ).fetchall()
        segments = tuple(Segment(*row[1:]) for row in rows)
        blocks = {row[-1]: Blocks.from_bytes(row[0]) for row in rows}
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

    @property
    def last_sequence(self) -> int:
        """Largest number in any segment, 0 without."""
        return max((segment.last_sequence for segment in self.segments), default=0)

    def overlapping(self, start: int, end: int) -> list[Segment]:
        """Return the segments with times of ``start <= time < end``."""
        return [one for one in self.segments if one.first < end and one.last >= start]

    def places(self, segment: Segment, ranks: IntArray | None) -> list[int]:
        """Return the blocks that can hold any of some ranks, which are sorted."""
        blocks = self.blocks[segment.number]
        first, last = blocks.first_rank, blocks.last_rank
        if ranks is None:
            return list(range(len(first)))
        hit = np.searchsorted(ranks, first) < np.searchsorted(ranks, last, side="right")
        return [int(place) for place in np.flatnonzero(hit)]

    def is_single(self, segment: Segment, places: list[int]) -> bool:
        """Say whether each of some blocks holds one series and nothing else."""
        blocks = self.blocks[segment.number]
        return bool((blocks.first_rank[places] == blocks.last_rank[places]).all())

    def read_blocks(self, segment: Segment, places: list[int], names: list[str]) -> Columns:
        """Return columns of some blocks of a segment."""
        reader = self._open.pop(segment.number, None)
        if reader is None:
            while len(self._open) >= OPEN:
                # The one that was not read for longest.
                self._open.pop(next(iter(self._open))).close()
            reader = SegmentReader(self.folder, segment, self.blocks[segment.number])
        self._open[segment.number] = reader
        return reader.read(places, names)
