"""Move statements from the hot log into segments, merge them, and forget what is old.

A segment is whole on the disk before the manifest names it, in the same transaction that
takes its rows out of the hot log: killed at any moment, a store holds each statement once.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.store import catalogue
from twin.store.columns import Columns, IntArray, joined, taken
from twin.store.faults import file_told, translated
from twin.store.manifest import (
    Manifest,
    add_segment,
    drop_segments,
    next_generation,
    set_mark,
)
from twin.store.marks import MARKED, checked
from twin.store.schema import COLUMNS
from twin.store.segments import (
    Blocks,
    Segment,
    SegmentWriter,
    make_folder,
    month_of,
)

CHUNK = 2_000_000
"""Rows that are sealed at a time."""

MANY = 8
"""Segments of about one size in a month that are merged into one."""

LEAST = 20_000
"""Rows below which all segments are of one size."""

GRACE = 600_000_000
"""How long files that were merged stay for who still reads them [microseconds]."""

LOCK = ".lock"
"""File in the history folder that one caretaker at a time holds."""

Written = list[tuple[Segment, Blocks]]


def write_segments(
    folder: Path, connection: sqlite3.Connection, columns: Columns, ranks: IntArray
) -> Written:
    """Write statements into one new segment a month.

    Parameters
    ----------
    folder : Path
        History folder.
    connection : sqlite3.Connection
    columns : Columns
        With the names `COLUMNS`.
    ranks : (p + 1,) int
        Of `twin.store.manifest.read_ranks`.

    Returns
    -------
    list of (Segment, Blocks)
        On the disk, and not yet in the manifest.
    """
    points, sources = catalogue.all_points(connection), catalogue.all_sources(connection)
    months = month_of(columns["time"])
    written: Written = []
    try:
        for month in np.unique(months).tolist():
            inside = months == month
            part = columns if inside.all() else taken(columns, inside)
            written.append(_written(folder, [(part, ranks)], points, sources))
    except BaseException:
        discard(folder, written)
        raise
    return written


def discard(folder: Path, written: Written) -> None:
    """Remove segments that did not get into the manifest."""
    for segment, _ in written:
        (folder / segment.file).unlink(missing_ok=True)


def enter(connection: sqlite3.Connection, written: Written) -> None:
    """Enter new segments into the manifest, within the caller's transaction."""
    for segment, blocks in written:
        add_segment(connection, segment, blocks)
    next_generation(connection)


def mark_sealed(connection: sqlite3.Connection, columns: Columns) -> None:
    """Remember up to when each point is sealed, and the last number there."""
    points, index = np.unique(columns["point"], return_inverse=True)
    newest = np.full(len(points), catalogue.NEVER)
    np.maximum.at(newest, index, columns["time"])
    connection.executemany(
        "UPDATE points SET sealed = max(sealed, ?) WHERE number = ?",
        zip(newest.tolist(), points.tolist(), strict=True),
    )
    for name in ("sequence", "known"):
        connection.execute(
            "UPDATE marks SET value = max(value, ?) WHERE name = ?",
            (int(columns[name].max()), name),
        )


def hot_rows(connection: sqlite3.Connection) -> Columns:
    """Return the oldest rows of the hot log, `CHUNK` at most."""
    rows = connection.execute(
        f"SELECT {', '.join(MARKED)} FROM observations ORDER BY sequence LIMIT ?", (CHUNK,)
    )
    return checked(connection, rows.fetchall())


def count_until(connection: sqlite3.Connection, last: int) -> int:
    """Return how many rows the hot log has up to a number."""
    query = "SELECT count(*) FROM observations WHERE sequence <= ?"
    return int(connection.execute(query, (last,)).fetchone()[0])


def take_out(connection: sqlite3.Connection, last: int) -> None:
    """Take rows that are sealed out of the hot log, within the caller's transaction."""
    set_mark(connection, "sealed", last)
    connection.execute("DELETE FROM observations WHERE sequence <= ?", (last,))


def due_merges(manifest: Manifest) -> list[list[Segment]]:
    """Return groups of segments that are better one: many of one size in a month.

    Merging by size, each row is rewritten only a few times however long rows come in.
    """
    groups: dict[tuple[int, int], list[Segment]] = {}
    for segment in manifest.segments:
        size = max(0, (segment.rows // LEAST).bit_length() - 1) // 3
        groups.setdefault((segment.month, size), []).append(segment)
    return [group for group in groups.values() if len(group) >= MANY]


def merged(
    manifest: Manifest,
    segments: list[Segment],
    connection: sqlite3.Connection,
    ranks: IntArray,
    *,
    before: int | None = None,
) -> Written:
    """Write several segments of a month as one.

    Parameters
    ----------
    manifest : Manifest
    segments : list of Segment
    connection : sqlite3.Connection
    ranks : (p + 1,) int
    before : int, optional
        Statements of times before are left out.

    Returns
    -------
    list of (Segment, Blocks)
        One, or none if nothing is left.
    """
    points, sources = catalogue.all_points(connection), catalogue.all_sources(connection)
    parts = _clusters(manifest, segments, ranks, before)
    first = next(parts, None)
    if first is None:
        return []

    def all_parts() -> Iterator[tuple[Columns, IntArray]]:
        yield first, ranks
        for part in parts:
            yield part, ranks

    return [_written(manifest.folder, all_parts(), points, sources)]


def _clusters(
    manifest: Manifest, segments: list[Segment], ranks: IntArray, before: int | None
) -> Iterator[Columns]:
    """Give the statements of segments in order of rank, a few buildings at a time."""
    wanted = np.sort(ranks[1:])
    total = sum(segment.rows for segment in segments)
    # So many points at a time that a part is of a bearable size.
    count = max(1, -(-total // CHUNK))
    for some in np.array_split(wanted, min(count, len(wanted))):
        pieces = []
        for segment in segments:
            places = manifest.places(segment, some)
            if places:
                rows = manifest.read_blocks(segment, places, list(COLUMNS))
                rank = ranks[rows["point"]]
                keep = (rank >= some[0]) & (rank <= some[-1])
                if before is not None:
                    keep &= rows["time"] >= before
                pieces.append(taken(rows, keep))
        columns = joined(pieces, COLUMNS)
        if len(columns["time"]):
            yield columns


def _written(
    folder: Path,
    parts: Iterable[tuple[Columns, IntArray]],
    points: dict[int, str],
    sources: dict[int, str],
) -> tuple[Segment, Blocks]:
    """Write one segment."""
    writer = SegmentWriter(folder, points, sources)
    try:
        for columns, ranks in parts:
            writer.write(columns, ranks[columns["point"]])
        return writer.finish()
    except BaseException:
        writer.give_up()
        raise


@dataclass
class Caretaker:
    """Who alone may add and remove files of history, until it ends or is killed.

    Attributes
    ----------
    folder : Path
        History folder.
    wait : float
        How long to wait for another one [s].
    """

    folder: Path
    wait: float

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Keep other caretakers out."""
        with file_told(self.folder, writing=True):
            make_folder(self.folder)
        path = self.folder / LOCK
        with translated(path):
            # SQLite's locks end with the process that holds them, on every system.
            lock = sqlite3.connect(path, timeout=self.wait, isolation_level=None)
        try:
            with translated(path):
                lock.execute("BEGIN EXCLUSIVE")
            yield
        finally:
            lock.close()

    def clean(self, connection: sqlite3.Connection, *, now: int) -> None:
        """Remove files that no manifest names, in the caller's transaction and `busy`."""
        forgotten = connection.execute(
            "SELECT file FROM leftovers WHERE since < ?", (now - GRACE,)
        ).fetchall()
        connection.execute("DELETE FROM leftovers WHERE since < ?", (now - GRACE,))
        held = {
            str(file)
            for (file,) in connection.execute(
                "SELECT file FROM segments UNION SELECT file FROM leftovers"
            )
        }
        gone = {str(file) for (file,) in forgotten}
        for path in self.folder.iterdir():
            killed = path.name.endswith(".parquet.part")
            stray = path.suffix == ".parquet" and path.name not in held
            if killed or stray or path.name in gone - held:
                path.unlink(missing_ok=True)


def strike(
    connection: sqlite3.Connection, segments: list[Segment], written: Written, now: int
) -> None:
    """Put new segments in the place of others, within the caller's transaction."""
    drop_segments(connection, segments, now=now)
    enter(connection, written)
