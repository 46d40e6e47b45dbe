"""Give statements in order of arrival, reading ahead of who goes on asking.

History is sorted by building, point and time: what arrived together lies in all of a
file's blocks. Whoever replays a store asks for the next thousand again and again, so the
next statements are read once, a million at most, and given out from memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from twin.store.columns import FOREVER, Columns, IntArray, empty, joined, taken
from twin.store.manifest import Manifest
from twin.store.marks import MARKED, checked
from twin.store.queries import Shelves
from twin.store.schema import COLUMNS
from twin.store.segments import Segment

AHEAD = 1_000_000
"""Statements that are read ahead at most, 72 bytes each."""

FASTER = 8
"""How many times more is read ahead each time that more is asked for."""

AT_ONCE = 500_000
"""Rows, about, that are looked through at a time."""


@dataclass
class Arrivals:
    """Sealed statements that are next in order of arrival.

    Attributes
    ----------
    generation : int
        Of the manifest that they were read from.
    low, high : int
        All sealed statements of ``low < sequence <= high`` are in memory.
    columns : Columns
        They, in order.
    ahead : int
        How many to read next.
    """

    generation: int = -1
    low: int = 0
    high: int = 0
    columns: Columns = field(default_factory=lambda: empty(COLUMNS))
    ahead: int = 0

    def after(self, shelves: Shelves, sequence: int, count: int) -> Columns:
        """Return statements after a number, in order of arrival, ``count`` at most."""
        rows = shelves.connection.execute(
            f"SELECT {', '.join(MARKED)} FROM observations WHERE sequence > ? "
            "ORDER BY sequence LIMIT ?",
            (sequence, count),
        ).fetchall()
        hot = checked(shelves.connection, rows)
        if sequence >= shelves.manifest.last_sequence:
            self.forget()
            return hot
        bound = _reach(hot["sequence"], count)
        pieces = [self._sealed(shelves.manifest, sequence, count, bound), hot]
        columns = joined([one for one in pieces if len(one["sequence"])], COLUMNS)
        order = np.argsort(columns["sequence"], kind="stable")[:count]
        return taken(columns, order)

    def forget(self) -> None:
        """Let go of what is in memory."""
        self.generation, self.low, self.high, self.ahead = -1, 0, 0, 0
        self.columns = empty(COLUMNS)

    def _sealed(self, manifest: Manifest, sequence: int, count: int, bound: int) -> Columns:
        """Return sealed statements, ``count`` at most, none beyond a number."""
        if self.generation != manifest.generation or not self.low <= sequence <= self.high:
            self.forget()
            self.generation, self.low, self.high = manifest.generation, sequence, sequence
        first = int(np.searchsorted(self.columns["sequence"], sequence, side="right"))
        while (
            len(self.columns["sequence"]) - first < count
            and self.high < bound
            and self.high < manifest.last_sequence
        ):
            missing = count - (len(self.columns["sequence"]) - first)
            more, high = _next(manifest, self.high, max(missing, self.ahead))
            held = taken(self.columns, slice(first, None))
            self.columns = joined([held, more], COLUMNS)
            self.low, self.high, first = sequence, high, 0
            self.ahead = min(AHEAD, FASTER * max(count, self.ahead))
        end = first + count
        if bound != FOREVER:
            inside = int(np.searchsorted(self.columns["sequence"], bound, side="right"))
            end = min(end, inside)
        return taken(self.columns, slice(first, end))


def _next(manifest: Manifest, low: int, count: int) -> tuple[Columns, int]:
    """Return about the next ``count`` sealed statements, and up to which number."""
    segments = sorted(
        (one for one in manifest.segments if one.last_sequence > low),
        key=lambda one: one.first_sequence,
    )
    numbers: list[IntArray] = []
    high = FOREVER
    for segment in segments:
        if segment.first_sequence > high:
            break
        for places in _parts(manifest, segment, low, high):
            found = manifest.read_blocks(segment, places, ["sequence"])["sequence"]
            numbers.append(found[(found > low) & (found <= high)])
        together = np.concatenate(numbers)
        # What was found to be too late is not carried along.
        high = min(high, _reach(together, count))
        numbers = [together[together <= high]]
    if high == FOREVER:
        high = manifest.last_sequence
    pieces = []
    for segment in segments:
        for places in _parts(manifest, segment, low, high):
            rows = manifest.read_blocks(segment, places, list(COLUMNS))
            due = (rows["sequence"] > low) & (rows["sequence"] <= high)
            pieces.append(taken(rows, due))
    columns = joined(pieces, COLUMNS)
    return taken(columns, np.argsort(columns["sequence"])), high


def _parts(
    manifest: Manifest, segment: Segment, low: int, high: int
) -> Iterator[list[int]]:
    """Give the blocks of a segment that can hold some numbers, a few at a time."""
    if segment.first_sequence > high:
        return
    blocks = manifest.blocks[segment.number]
    due = np.flatnonzero((blocks.last_sequence > low) & (blocks.first_sequence <= high))
    if len(due):
        part = np.cumsum(blocks.rows[due]) // AT_ONCE
        for places in np.split(due, np.flatnonzero(np.diff(part)) + 1):
            yield places.tolist()


def _reach(numbers: IntArray, count: int) -> int:
    """Return the largest number that can be among the first ``count``."""
    if len(numbers) < count or not count:
        return FOREVER
    return int(np.partition(numbers, count - 1)[count - 1])
