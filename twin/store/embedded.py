"""Keep observations in a twin folder: a durable log, and history beside it.

``live.sqlite`` is the log, the catalogue and the latest values: a write-ahead log, every
commit forced to the disk, many readers beside a writer. ``history/`` holds what was sealed
as Parquet segments, which nothing changes.
"""

import time as clock
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from twin.store import care, catalogue, hot, loading, questions, transfer
from twin.store.arrow import arrow_of, spelled
from twin.store.columns import starts_of, summed_up, taken
from twin.store.files import StoreFiles
from twin.store.queries import Wanted
from twin.store.records import Edition, Kept, Observation, Quarantined, Receipt, Refused
from twin.store.schema import COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "live.sqlite"
"""Name of the log in the twin folder."""

HISTORY = "history"
"""Name of the folder of segments in the twin folder."""

WAIT = 5.0
"""How long to wait for another writer before giving up [s]."""

SMALL = 20_000
"""Rows of a table below which they go through the log, for segments should be large."""


class EmbeddedStore:
    """The observations of one twin, in its folder (`twin.store.protocol.Store`).

    Parameters
    ----------
    path : Path
        ``live.sqlite``; made if missing, unless only reading.
    read_only : bool
        Whether nothing shall be written; a missing file reads as empty. Another process
        may write meanwhile.
    buildings : mapping of str to str, optional
        Building of each point whose id does not begin with it; of use before its first
        value.
    wait : float
        How long to wait for another writer [s].

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

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        buildings: Mapping[str, str] | None = None,
        wait: float = WAIT,
    ) -> None:
        folder = path.with_name(HISTORY if path.name == FILE else f"{path.stem}-{HISTORY}")
        self._files = StoreFiles.open(
            path, folder, read_only=read_only, wait=wait, buildings=buildings or {}
        )
        if not read_only:
            care.tidy(self._files, now=now())

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._files.close()

    # -- writing ---------------------------------------------------------------------

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
            What says something new is added; what was said before has no effect.
        refused : sequence of Refused
            Rows of the same batch for the quarantine.
        known : int, optional
            When this was learned [microseconds since 1970, UTC]; default now. A clock that
            runs backwards does not make the store do so.

        Returns
        -------
        Receipt
        """
        rows = list(batch)
        learned = now() if known is None else known
        with self._files.transaction():
            added = hot.add(
                self._files.connection,
                self._files.names,
                rows,
                known=learned,
                shelves=self._files.shelves,
                recall=self._files.recalled,
            )
            sequence, latest = hot.last_number(self._files.connection)
            for row in refused:
                moment = max(learned, latest)
                catalogue.keep_refused(
                    self._files.connection, row, first=moment, last=moment
                )
        return Receipt(added.new, added.repeated, added.revised, len(refused), sequence)

    def load(self, table: "pa.Table", *, known: int | None = None) -> Receipt:
        """Add a long table as a whole, to the same effect as `append`.

        Parameters
        ----------
        table : pyarrow.Table
            With `twin.store.protocol.COLUMNS`; ``quality`` and ``version`` may be left
            away. It is taken in memory: cut what is longer than 20 million rows.
        known : int, optional
            When this was learned [microseconds since 1970, UTC]; default now.

        Returns
        -------
        Receipt

        Raises
        ------
        TableError
            If the table has other columns or kinds of values.
        """
        coded = loading.coded(table)
        if table.num_rows < SMALL:
            return self.append(coded.rows(), known=known)
        learned = now() if known is None else known
        with self._files.transaction():
            return care.load(self._files, coded, learned)

    def release(self, numbers: Iterable[int], *, known: int | None = None) -> int:
        """Mark rows of the quarantine as fed again; return how many were waiting."""
        learned = now() if known is None else known
        with self._files.transaction():
            return catalogue.release_rows(self._files.connection, list(numbers), learned)

    def add_edition(self, edition: Edition, *, known: int | None = None) -> bool:
        """Keep the things of the district from a time on; False if they are the same."""
        learned = now() if known is None else known
        with self._files.transaction():
            return catalogue.keep_edition(self._files.connection, edition, learned)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other writers out; what is appended within is on the disk at the end."""
        with self._files.alone():
            yield

    # -- reading ---------------------------------------------------------------------

    def latest(
        self,
        *,
        points: Sequence[str] | None = None,
        until: int | None = None,
        known_at: int | None = None,
    ) -> list[Kept]:
        """Return the newest value of each point, by the time it is of, not by arrival.

        Parameters
        ----------
        points : sequence of str, optional
            Whose; default: all.
        until : int, optional
            Last time that counts [microseconds since 1970, UTC]. Gaps do not count: the
            value before stands.
        known_at : int, optional
            As known when; default now.
        """
        with self._files.reading():
            latest = self._files.latest() if known_at is None else {}
            if points is None and until is None and known_at is None:
                return list(latest.values())
            wanted = self._files.numbers(points)
            found = {
                number: latest[number]
                for number in wanted.tolist()
                if number in latest and (until is None or latest[number].time <= until)
            }
            if until is not None or known_at is not None:
                left = [n for n in wanted.tolist() if n not in found]
                if left:
                    columns = self._files.shelves().newest(
                        np.array(left, np.int64), until, known_at
                    )
                    found |= zip(
                        columns["point"].tolist(), self._files.kept(columns), strict=True
                    )
            return [found[number] for number in wanted.tolist() if number in found]

    def between(
        self,
        start: int,
        end: int,
        *,
        points: Sequence[str] | None = None,
        count: int = -1,
        known_at: int | None = None,
    ) -> list[Kept]:
        """Return what is known of ``start <= time < end``, gaps included.

        Parameters
        ----------
        start, end : int
            First time, and the first that is too late [microseconds since 1970, UTC].
        points : sequence of str, optional
            Whose; default: all.
        count : int
            Values of each point at most; below 0: all.
        known_at : int, optional
            As known when; default now.

        Returns
        -------
        list of Kept
            By point, in the order given or of first arrival, then by time.
        """
        with self._files.reading():
            wanted = Wanted(start, end, self._files.numbers(points), known_at)
            columns = self._files.shelves().read(wanted, COLUMNS)
            if count >= 0:
                group = columns["group"]
                starts = starts_of(group, np.zeros_like(group))
                counts = np.diff(np.append(starts, len(group)))
                place = np.arange(len(group)) - np.repeat(starts, counts)
                columns = taken(columns, place < count)
            return self._files.kept(columns)

    def table(
        self,
        start: int,
        end: int,
        *,
        points: Sequence[str] | None = None,
        known_at: int | None = None,
    ) -> "pa.Table":
        """Return the same as `between` as an Arrow table."""
        with self._files.reading():
            wanted = Wanted(start, end, self._files.numbers(points), known_at)
            return self._files.arrow(self._files.shelves().read(wanted, COLUMNS))

    def resample(
        self,
        start: int,
        end: int,
        step: int,
        *,
        points: Sequence[str],
        known_at: int | None = None,
    ) -> "pa.Table":
        """Sum up values in steps from ``start`` on.

        Parameters
        ----------
        start, end, step : int
            [microseconds since 1970, UTC]; [microseconds].
        points : sequence of str
        known_at : int, optional
            As known when; default now.

        Returns
        -------
        pyarrow.Table
            With `twin.store.protocol.BUCKETS`, by point in the order given, then start.
            Steps without a value have no row.
        """
        import pyarrow as pa

        if step <= 0:
            message = f"step must be above 0 microseconds, got {step}"
            raise ValueError(message)
        with self._files.reading():
            numbers = self._files.numbers(points)
            wanted = Wanted(start, end, numbers, known_at)
            columns = self._files.shelves().read(wanted, ("value",))
            sums = summed_up(
                columns["group"], columns["time"], columns["value"], start, step
            )
            names = dict(enumerate(self._files.point_names[n] for n in numbers.tolist()))
            point = spelled(sums.pop("group"), names)
            figures = {name: arrow_of(column) for name, column in sums.items()}
            return pa.table({"point": point, **figures})

    def coverage(self, start: int, end: int) -> dict[str, tuple[int, int]]:
        """Count, by point, the times that were heard of and those with a value."""
        with self._files.reading():
            columns = self._files.shelves().read(Wanted(start, end), ("value",))
            point = columns["point"]
            heard = np.bincount(point)
            told = np.bincount(point, ~np.isnan(columns["value"]))
            return {
                self._files.point_names[number]: (int(heard[number]), int(told[number]))
                for number in np.flatnonzero(heard).tolist()
            }

    def since(self, sequence: int, *, count: int = 10_000) -> list[Kept]:
        """Return what arrived after a number, in order of arrival."""
        with self._files.reading():
            return self._files.kept(self._files.after(sequence, count))

    def history(self, point: str, time: int) -> list[Kept]:
        """Return every statement ever made of a point and time, in order of arrival."""
        with self._files.reading():
            wanted = Wanted(time, time + 1, self._files.numbers([point]), every=True)
            columns = self._files.shelves().read(wanted, COLUMNS)
            return self._files.kept(taken(columns, np.argsort(columns["sequence"])))

    def editions(self) -> list[Edition]:
        """Return all editions of the district's things, in order of arrival."""
        with self._files.reading():
            return catalogue.read_editions(self._files.connection)

    def edition(
        self, *, at: int | None = None, known_at: int | None = None
    ) -> Edition | None:
        """Return the edition that was valid at a time, as was known at another.

        The default is the one with the latest ``valid_from``, as known now.
        """
        with self._files.reading():
            return catalogue.find_edition(self._files.connection, at=at, known_at=known_at)

    def quarantine(
        self, *, count: int = 100, reason: str | None = None, waiting: bool = False
    ) -> list[Quarantined]:
        """Return refused rows, the newest first; ``number`` is the store's own."""
        with self._files.reading():
            return catalogue.read_quarantine(
                self._files.connection, count=count, reason=reason, waiting=waiting
            )

    def refusals(self) -> dict[str, int]:
        """Return how many rows were refused for each reason, repeats included."""
        with self._files.reading():
            rows = self._files.connection.execute(
                "SELECT reason, sum(times) FROM quarantine GROUP BY reason ORDER BY reason"
            )
            return {str(reason): int(count) for reason, count in rows}

    def sources(self) -> tuple[str, ...]:
        """Return where values came from, in the order of first arrival."""
        with self._files.reading():
            return tuple(catalogue.all_sources(self._files.connection).values())

    def revisions(self) -> int:
        """Return how many statements were added to a point and time that had one."""
        with self._files.reading():
            row = self._files.connection.execute(
                "SELECT (SELECT count(*) FROM observations WHERE revision > 0) "
                "+ (SELECT coalesce(sum(revised), 0) FROM segments)"
            ).fetchone()
            return int(row[0])

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last time of all, None while there is none."""
        with self._files.reading():
            # One descent of the index each: asked for together they read all of it.
            first, last = self._files.connection.execute(
                "SELECT min(first), max(last) FROM ("
                "SELECT (SELECT min(time) FROM observations) first, "
                "(SELECT max(time) FROM observations) last "
                "UNION ALL SELECT min(first), max(last) FROM segments)"
            ).fetchone()
            return None if first is None else (int(first), int(last))

    def sql(self, question: str) -> "pa.Table":
        """Answer a question in SQL with DuckDB (`twin.store.questions.answer`).

        Parameters
        ----------
        question : str
            One SELECT over the views ``statements`` and ``standing``.
        """
        return questions.answer(self._files, question)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See the store as it is now in all queries within, whatever is written."""
        with self._files.snapshot():
            yield

    @property
    def sequence(self) -> int:
        """Last number of the store, 0 while it is empty."""
        with self._files.reading():
            return hot.last_number(self._files.connection)[0]

    # -- care ------------------------------------------------------------------------

    def compact(self) -> int:
        """Seal what came in as history; return how many rows moved."""
        return care.compact(self._files, now=now())

    def rebuild(self) -> None:
        """Check every file, join the segments of each month, find the latest values anew.

        Raises
        ------
        SourceError
            If anything is damaged: the file is named.
        """
        care.rebuild(self._files, now=now())

    def retire(self, before: int) -> int:
        """Forget statements of times before; return how many. The only way to lose any."""
        return care.retire(self._files, before, now=now())

    def export(self, folder: Path) -> None:
        """Write everything as open files that `restore` of any store reads."""
        transfer.export(self._files, folder)

    def restore(self, folder: Path) -> Receipt:
        """Read what `export` wrote into an empty store: numbers and times as they were."""
        return transfer.restore(self._files, folder)


def now() -> int:
    """Return the time [microseconds since 1970, UTC]."""
    return clock.time_ns() // 1000
