"""Keep observations in an append-only log that survives being killed.

One SQLite file: a write-ahead log, every commit forced to the disk, many readers beside a
writer. ``observations`` holds every statement ever accepted and is never changed;
``current`` holds the latest known statement of each point and time and follows from it.
"""

import os
import sqlite3
import time as clock
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gis.errors import SourceError
from twin.store.faults import translated
from twin.store.records import Kept, Observation, Receipt, Refused
from twin.store.schema import LAYOUT, VERSION

FILE = "live.sqlite"
"""Name of the log in the twin folder."""

WAIT = 5.0
"""How long to wait for another writer before giving up [s]."""


class Log:
    """The observations of one twin.

    Parameters
    ----------
    path : Path
        ``live.sqlite``; made if missing, unless only reading.
    read_only : bool
        Whether nothing shall be written; a missing file reads as empty. Another process
        may write meanwhile.

    Raises
    ------
    SourceError
        If the file is damaged, of a newer version, or of another program.
    OutputError
        If it is locked, may not be written or the disk is full.

    Notes
    -----
    An instance belongs to the thread that made it.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._alone = False
        with translated(path):
            self._connection = _connect(path, read_only=read_only)
        try:
            with translated(path):
                self._open(read_only=read_only)
        except BaseException:
            self._connection.close()
            raise

    def _open(self, *, read_only: bool) -> None:
        """Set the file up and check whose it is."""
        run = self._connection.execute
        if not read_only:
            run("PRAGMA journal_mode=WAL")
            run("PRAGMA synchronous=FULL")
        version = self._version()
        if version == 0:
            if run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                message = (
                    f"{self._path} must be a HEIDI log, got another program's database; "
                    "move it away"
                )
                raise SourceError(message)
            if read_only:
                # Its writer was stopped before the first word: as good as missing.
                self._connection.close()
                self._connection = _nothing()
            with self._transaction():
                # Another process may have been faster.
                if self._version() == 0:
                    self._make()
            version = self._version()
        if version != VERSION:
            message = (
                f"{self._path} must be a log of version {VERSION}, got version {version}; "
                "update this program"
            )
            raise SourceError(message)

    def _version(self) -> int:
        """Return the version of the file's layout, 0 of an empty file."""
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _make(self) -> None:
        """Lay out an empty file."""
        for statement in LAYOUT:
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version={VERSION}")

    def __enter__(self) -> Self:
        """Return the open log."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the log."""
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with translated(self._path):
            self._connection.close()

    def append(
        self,
        batch: Iterable[Observation],
        *,
        refused: Sequence[Refused] = (),
        known: int | None = None,
    ) -> Receipt:
        """Add a batch as a whole; when this returns, it is on the disk.

        Parameters
        ----------
        batch : iterable of Observation
            What is new or changed is added; what is the latest known already has no effect.
        refused : sequence of Refused
            Rows of the same batch for the quarantine.
        known : int, optional
            When this was learned [microseconds since 1970, UTC]; default now. A clock that
            runs backwards does not make the log do so.

        Returns
        -------
        Receipt

        Raises
        ------
        OutputError
            If it cannot be written; then nothing of the batch is kept.
        SourceError
            If the file is damaged.
        """
        rows = list(batch)
        with translated(self._path), self._transaction():
            sequence, latest = self._end()
            learned = max(now() if known is None else known, latest)
            points = self._numbers("points", (row.point for row in rows))
            sources = self._numbers("sources", (row.source for row in rows))
            # Content and revision of each key, as the batch leaves it.
            standing: dict[tuple[int, int], tuple[float | None, int, int]] = {}
            added: list[tuple[object, ...]] = []
            revised = 0
            for row in rows:
                key = points[row.point], row.time
                content = row.value, sources[row.source]
                found = standing.get(key) or self._standing(*key)
                if found and found[:2] == content:
                    continue
                revision = found[2] + 1 if found else 0
                revised += revision > 0
                sequence += 1
                standing[key] = (*content, revision)
                added.append((sequence, *key, *content, learned, revision))
            self._connection.executemany(
                "INSERT INTO observations VALUES (?,?,?,?,?,?,?)", added
            )
            # The last of several statements of a key stands, as they come in order.
            self._connection.executemany(
                "REPLACE INTO current(sequence, point, time, value, source, known, "
                "revision) VALUES (?,?,?,?,?,?,?)",
                added,
            )
            self._quarantine(refused, learned)
        return Receipt(
            new=len(added) - revised,
            repeated=len(rows) - len(added),
            revised=revised,
            refused=len(refused),
            sequence=sequence,
        )

    def latest(self, *, until: int | None = None) -> list[Kept]:
        """Return the newest value of each point, by the time it is of, not by arrival.

        Parameters
        ----------
        until : int, optional
            Last start of interval that counts [microseconds since 1970, UTC]. Gaps do not
            count: the value before stands.
        """
        # One descent of the index per point, whatever the log's length: the planner left
        # to itself would read every row, which the order of a CROSS JOIN forbids.
        return self._kept(
            "SELECT p.name, c.time, c.value, s.name, c.sequence, c.known, c.revision "
            "FROM points p CROSS JOIN current c ON c.point = p.number AND c.time = ("
            "SELECT n.time FROM current n WHERE n.point = p.number AND n.time <= ? "
            "AND n.value IS NOT NULL ORDER BY n.time DESC LIMIT 1) "
            "JOIN sources s ON s.number = c.source",
            (2**62 if until is None else until,),
        )

    def between(
        self,
        start: int,
        end: int,
        *,
        points: Sequence[str] | None = None,
        count: int = -1,
    ) -> list[Kept]:
        """Return what is now known of a time, gaps included.

        Parameters
        ----------
        start, end : int
            First start of interval, and the first that is too late [microseconds since
            1970, UTC].
        points : sequence of str, optional
            Whose; default: all.
        count : int
            Values of each point at most; below 0: all.

        Returns
        -------
        list of Kept
            By point, in the order given or of first arrival, then by time.
        """
        with translated(self._path):
            if points is None:
                query = "SELECT name, number FROM points ORDER BY number"
                wanted = dict(self._connection.execute(query).fetchall())
            else:
                query = "SELECT name, number FROM points WHERE name=?"
                found = (self._connection.execute(query, (p,)).fetchone() for p in points)
                wanted = dict(pair for pair in found if pair)
        return [
            row
            for name, number in wanted.items()
            for row in self._kept(
                "SELECT ?, c.time, c.value, s.name, c.sequence, c.known, c.revision "
                "FROM current c JOIN sources s ON s.number = c.source "
                "WHERE c.point = ? AND c.time >= ? AND c.time < ? ORDER BY c.time LIMIT ?",
                (name, number, start, end, count),
            )
        ]

    def coverage(self, start: int, end: int) -> dict[str, tuple[int, int]]:
        """Count what came in of a time.

        Parameters
        ----------
        start, end : int
            First start of interval, and the first that is too late [microseconds since
            1970, UTC].

        Returns
        -------
        dict of str to (int, int)
            Intervals that were heard of and those of them that have a value, by point.
        """
        with translated(self._path):
            rows = self._connection.execute(
                "SELECT p.name, count(*), count(c.value) FROM points p "
                "JOIN current c ON c.point = p.number "
                "WHERE c.time >= ? AND c.time < ? GROUP BY p.number",
                (start, end),
            )
            return {str(name): (int(heard), int(told)) for name, heard, told in rows}

    def since(self, sequence: int, *, count: int = 10_000) -> list[Kept]:
        """Return what arrived after a number, in order of arrival.

        Parameters
        ----------
        sequence : int
            The last number that is known already; 0 for everything.
        count : int
            Rows at most.
        """
        return self._kept(
            "SELECT p.name, o.time, o.value, s.name, o.sequence, o.known, o.revision "
            "FROM observations o JOIN points p ON p.number = o.point "
            "JOIN sources s ON s.number = o.source "
            "WHERE o.sequence > ? ORDER BY o.sequence LIMIT ?",
            (sequence, count),
        )

    def history(self, point: str, time: int) -> list[Kept]:
        """Return every statement ever made of a point and time, the latest known last."""
        return self._kept(
            "SELECT p.name, o.time, o.value, s.name, o.sequence, o.known, o.revision "
            "FROM observations o JOIN points p ON p.number = o.point "
            "JOIN sources s ON s.number = o.source "
            "WHERE p.name = ? AND o.time = ? ORDER BY o.revision",
            (point, time),
        )

    @property
    def sequence(self) -> int:
        """Last number of the log, 0 while it is empty."""
        with translated(self._path):
            return self._end()[0]

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last start of interval, None while there is none."""
        # One descent per point: a plain min and max would read the whole table.
        row = self._one(
            "SELECT min(first), max(last) FROM (SELECT "
            "(SELECT min(time) FROM current c WHERE c.point = p.number) first, "
            "(SELECT max(time) FROM current c WHERE c.point = p.number) last FROM points p)"
        )
        return None if row[0] is None else (int(row[0]), int(row[1]))

    def sources(self) -> tuple[str, ...]:
        """Return where values came from, in the order of first arrival."""
        with translated(self._path):
            rows = self._connection.execute("SELECT name FROM sources ORDER BY number")
            return tuple(str(row[0]) for row in rows)

    def refusals(self) -> dict[str, int]:
        """Return how many rows were refused for each reason, repeats included."""
        with translated(self._path):
            rows = self._connection.execute(
                "SELECT reason, sum(times) FROM quarantine GROUP BY reason ORDER BY reason"
            )
            return {str(reason): int(count) for reason, count in rows}

    def quarantine(self, *, count: int = 100) -> list[Refused]:
        """Return the rows that were refused last, the newest first."""
        with translated(self._path):
            rows = self._connection.execute(
                "SELECT number, reason, message, row FROM quarantine "
                "ORDER BY last_known DESC, number DESC LIMIT ?",
                (count,),
            )
            return [Refused(*row) for row in rows]

    def revisions(self) -> int:
        """Return how many statements superseded another."""
        return int(self._one("SELECT count(*) FROM observations WHERE revision > 0")[0])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See the log as it is now in all queries within, whatever is written meanwhile."""
        with translated(self._path):
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            with translated(self._path):
                self._connection.execute("COMMIT")

    def _kept(self, query: str, values: tuple[object, ...]) -> list[Kept]:
        """Run a query for observations."""
        with translated(self._path):
            return [Kept(*row) for row in self._connection.execute(query, values)]

    def _one(self, query: str) -> tuple[Any, ...]:
        """Run a query for one row."""
        with translated(self._path):
            row: tuple[Any, ...] = self._connection.execute(query).fetchone()
            return row

    def _standing(self, point: int, time: int) -> tuple[float | None, int, int] | None:
        """Return value, source and revision that are known of a key."""
        query = "SELECT value, source, revision FROM current WHERE point=? AND time=?"
        found: tuple[float | None, int, int] | None
        found = self._connection.execute(query, (point, time)).fetchone()
        return found

    def _end(self) -> tuple[int, int]:
        """Return the last number and when it was learned."""
        row = self._connection.execute(
            "SELECT sequence, known FROM observations ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def _numbers(self, table: str, names: Iterable[str]) -> dict[str, int]:
        """Return the number of each name; unknown ones get the next."""
        numbers: dict[str, int] = {}
        for name in dict.fromkeys(names):
            select = f"SELECT number FROM {table} WHERE name=?"
            found = self._connection.execute(select, (name,)).fetchone()
            if found is None:
                insert = f"INSERT INTO {table}(name) VALUES (?)"
                numbers[name] = int(
                    self._connection.execute(insert, (name,)).lastrowid or 0
                )
            else:
                numbers[name] = int(found[0])
        return numbers

    def _quarantine(self, refused: Sequence[Refused], learned: int) -> None:
        """Keep refused rows; the same row again is counted, not kept twice."""
        self._connection.executemany(
            "INSERT INTO quarantine(reason, message, row, first_known, last_known, times) "
            "VALUES (?,?,?,?,?,1) ON CONFLICT(reason, row) DO UPDATE SET "
            "times = times + 1, last_known = excluded.last_known",
            [(row.reason, row.message, row.row, learned, learned) for row in refused],
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other writers out; what is appended within is on the disk at the end."""
        with translated(self._path), self._transaction():
            self._alone = True
            try:
                yield
            finally:
                self._alone = False

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Do all or nothing; the end is on the disk."""
        if self._alone:
            # The end is that of `alone`.
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # A full disk rolls back by itself.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def now() -> int:
    """Return the time [microseconds since 1970, UTC]."""
    return clock.time_ns() // 1000


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open the file; what nobody has fed yet reads as empty."""
    if read_only and not path.exists():
        return _nothing()
    address = path.absolute().as_uri()
    if not read_only:
        return _open_at(f"{address}?mode=rwc")
    folder_open = os.access(path.parent, os.W_OK)
    if folder_open and os.access(path, os.W_OK):
        # What a killed writer left half done can be put right only by who may write.
        connection = _open_at(f"{address}?mode=rw")
        connection.execute("PRAGMA query_only=ON")
        return connection
    # A reader needs to write beside the log to see its tail. Where it may not, and there
    # is no tail, the file is whole by itself.
    whole = not folder_open and not path.with_name(f"{path.name}-wal").exists()
    return _open_at(f"{address}?mode=ro{'&immutable=1' if whole else ''}")


def _open_at(address: str) -> sqlite3.Connection:
    """Open an address of SQLite; transactions are begun by name."""
    return sqlite3.connect(address, uri=True, timeout=WAIT, isolation_level=None)


def _nothing() -> sqlite3.Connection:
    """Return an empty database that is nowhere."""
    return sqlite3.connect(":memory:", isolation_level=None)
