"""Keep observations in PostgreSQL, for twins that outgrow a folder."""

import time as clock
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from twin.store import postgres_care, postgres_moving
from twin.store.loading import coded
from twin.store.postgres_batch import (
    NOTHING,
    Batch,
    Held,
    Settled,
    batch_of,
    joined,
    newest,
    settle,
)
from twin.store.postgres_link import Link
from twin.store.postgres_quarantine import refuse
from twin.store.postgres_reading import Head, PostgresReader, gathered
from twin.store.postgres_schema import COLUMNS, FOREVER, add_months
from twin.store.postgres_tables import by_month, numbered
from twin.store.postgres_wire import Kind, array, copied, from_array
from twin.store.records import Edition, Observation, Receipt, Refused

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg.pq.abc import PGresult

HELD: dict[str, Kind] = {
    "point": np.int32,
    "time": np.int64,
    "value": np.float64,
    "source": np.int32,
    "quality": np.int32,
    "version": np.int64,
    "revision": np.int32,
    "stops": np.int64,
}
"""Columns of `Held` as they lie in the tables."""

_NEWEST = (
    "unnest(%s::integer[], %s::bigint[], %s::double precision[], %s::integer[], "
    "%s::integer[], %s::bigint[], %s::bigint[], %s::integer[]) "
    "k(point, time, value, source, quality, version, sequence, revision)"
)
_NEVER = -(2**63)

LARGE = 20_000
"""From so many rows on a table goes straight to the history."""

CHUNK = 500_000
"""Rows of a large table that are worked on at a time."""


class PostgresStore(PostgresReader):
    """The observations of one twin in a database, as `twin.store.protocol.Store` tells.

    Parameters
    ----------
    address : str
        As libpq reads it: ``postgresql://user@host:5432/database``. A password is better
        kept in ``PGPASSFILE`` or ``PGPASSWORD``; no message repeats it.
    read_only : bool
        Whether nothing shall be written; a twin that is not there reads as empty.
    twin : str
        Which of the database's twins: each has a schema of its own.

    Raises
    ------
    SourceError, OutputError
        As told in `twin.store.protocol.Store`.

    Notes
    -----
    Needs a session of its own: no pooler that hands out transactions. A connection that is
    lost ends the call with an `OutputError`; the next call makes a new one.
    """

    def __init__(
        self, address: str, *, read_only: bool = False, twin: str = "twin"
    ) -> None:
        super().__init__(Link(address, twin=twin, read_only=read_only))
        self._reach = Reach()

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
        """Let go of it."""
        self._link.close()

    def append(
        self,
        batch: Iterable[Observation],
        *,
        refused: Sequence[Refused] = (),
        known: int | None = None,
    ) -> Receipt:
        """Add a batch as a whole; when this returns, it is on the disk."""
        rows = list(batch)
        with self._link.writing():
            head = self._head()
            learned = _learned(known, head.known)
            told = batch_of(
                rows,
                self._points.given(row.point for row in rows),
                self._sources.given(row.source for row in rows),
            )
            receipt = self._add(told, head, learned=learned)
            refuse(self._link, refused, learned=learned)
        return Receipt(
            receipt.new, receipt.repeated, receipt.revised, len(refused), receipt.sequence
        )

    def load(self, table: "pa.Table", *, known: int | None = None) -> Receipt:
        """Add a long table as a whole, to the same effect as `append`."""
        told = coded(table)
        large = len(table) >= LARGE
        with self._link.writing(large=large):
            head = self._head()
            learned = _learned(known, head.known)
            rows = numbered(
                told, self._points.given(told.points), self._sources.given(told.sources)
            )
            receipt = Receipt(0, 0, 0, 0, head.sequence)
            for start in range(0, len(rows), CHUNK):
                chunk = rows.part(slice(start, start + CHUNK))
                added = self._add(chunk, self._head(), learned=learned, large=large)
                receipt = Receipt(
                    receipt.new + added.new,
                    receipt.repeated + added.repeated,
                    receipt.revised + added.revised,
                    0,
                    added.sequence,
                )
        if large:
            postgres_care.tidy_history(self._link, rows.time)
        return receipt

    def release(self, numbers: Iterable[int], *, known: int | None = None) -> int:
        """Mark rows of the quarantine as fed again; return how many were waiting."""
        with self._link.writing():
            learned = _learned(known, self._head().known)
            done = self._link.run(
                "UPDATE quarantine SET released = %s WHERE released IS NULL AND "
                "number = ANY(%s::bigint[])",
                (learned, array([int(number) for number in numbers])),
            )
            return done.rowcount

    def add_edition(self, edition: Edition, *, known: int | None = None) -> bool:
        """Keep the things of the district from a time on; False if they are the same."""
        with self._link.writing():
            before = self.edition(at=edition.valid_from)
            if before and (before.geometry, before.model) == (
                edition.geometry,
                edition.model,
            ):
                return False
            last = self._one("SELECT coalesce(max(known), 0), count(*) FROM editions")
            learned = _learned(known, max(self._head().known, last[0]))
            self._link.run(
                "INSERT INTO editions(number, valid_from, geometry, model, known) "
                "VALUES (%s, %s, %s, %s, %s)",
                (last[1] + 1, edition.valid_from, edition.geometry, edition.model, learned),
            )
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other writers out; what is appended within is on the disk at the end."""
        with self._link.writing():
            yield

    def compact(self) -> int:
        """Move what came in to where it is read fast; return how many rows moved."""
        return postgres_care.compact(self._link)

    def rebuild(self) -> None:
        """Make everything again that follows from the statements themselves."""
        postgres_care.rebuild(self._link)

    def retire(self, before: int) -> int:
        """Forget statements of times before; return how many. The only way to lose any."""
        return postgres_care.retire(self._link, before)

    def export(self, folder: Path) -> None:
        """Write everything as open files that `restore` of any store reads."""
        postgres_moving.export(self, self._link, folder)

    def restore(self, folder: Path) -> Receipt:
        """Read what `export` wrote into an empty store: numbers and times as they were."""
        return postgres_moving.restore(self._link, folder)

    def _add(
        self, batch: Batch, head: Head, *, learned: int, large: bool = False
    ) -> Receipt:
        """Add statements to the tables and what follows from them."""
        settled = settle(batch, self._held(batch, head), learned=learned)
        count = int(np.count_nonzero(settled.new))
        revised = int(np.count_nonzero(settled.new & (settled.revision > 0)))
        if count:
            self._write(batch, settled, head, learned=learned, large=large)
        return Receipt(
            new=count - revised,
            repeated=len(batch) - count,
            revised=revised,
            refused=0,
            sequence=head.sequence + count,
        )

    def _held(self, batch: Batch, head: Head) -> Held:
        """Return what is known of the points and times of a batch."""
        # What is later than all that is there need not be looked for.
        self._reach.follow(head, self._link.renewals)
        batch = batch.part(batch.time <= self._reach.of(batch.point))
        parts = []
        listed = gathered((f"s.{name}" for name in HELD), gap="s.value")
        for table, end in (("history", head.settled), ("recent", head.last)):
            asked = batch.part(batch.time <= end) if end is not None else NOTHING
            if not len(asked):
                continue
            result = self._link.arrays(
                f"SELECT {listed} FROM unnest(%s::integer[], %s::bigint[]) k(point, time) "
                f"JOIN {table} s USING (point, time)",
                (array(asked.point), array(asked.time)),
            )
            if result.get_value(0, 0) is not None:
                parts.append(_held(result))
        if not parts:
            return NOTHING
        held = joined(parts)
        # Revisions count as they arrive, wherever each of them lies now.
        return held.part(np.argsort(held.revision, kind="stable"))

    def _write(
        self, batch: Batch, settled: Settled, head: Head, *, learned: int, large: bool
    ) -> None:
        """Write what is new of a batch."""
        rows = np.flatnonzero(settled.new)
        added = batch.part(rows)
        sequence = head.sequence + 1 + np.arange(len(rows))
        known = np.full(len(rows), learned)
        stops, revision = settled.stops[rows], settled.revision[rows]
        data = {
            "sequence": sequence,
            "time": added.time,
            "known": known,
            "stops": stops,
            "version": added.version,
            "value": added.value,
            "point": added.point.astype(np.int32),
            "source": added.source.astype(np.int32),
            "quality": added.quality.astype(np.int32),
            "revision": revision.astype(np.int32),
        }
        if settled.superseded:
            point, time, number = (
                array(list(c)) for c in zip(*settled.superseded, strict=True)
            )
            settled_too = head.settled is not None and int(added.time.min()) <= head.settled
            for table in ("recent", "history") if settled_too else ("recent",):
                self._link.run(
                    f"UPDATE {table} s SET stops = %s FROM unnest(%s::integer[], "
                    "%s::bigint[], %s::integer[]) k(point, time, revision) WHERE "
                    "s.point = k.point AND s.time = k.time AND s.revision = k.revision",
                    (learned, point, time, number),
                )
        if large:
            order, months = by_month(added.point, added.time)
            with self._link.writing(large=True) as connection:
                add_months(connection, months)
            data = {name: column[order] for name, column in data.items()}
        table = "history" if large else "recent"
        self._link.copy(
            f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)",
            copied([data[name] for name in COLUMNS]),
        )
        last = int(added.time.max())
        self._link.run(
            "UPDATE head SET sequence = %(sequence)s, known = %(known)s, "
            "first = least(first, %(first)s), last = greatest(last, %(last)s), "
            "settled = greatest(settled, %(settled)s)",
            {
                "sequence": int(sequence[-1]),
                "known": learned,
                "first": int(added.time.min()),
                "last": last,
                "settled": last if large else None,
            },
        )
        self._renew_latest(added, stops == FOREVER, sequence, revision, learned)
        self._reach.extend(added, int(sequence[-1]))

    def _renew_latest(
        self,
        added: Batch,
        stands: NDArray[np.bool_],
        sequence: NDArray[np.int64],
        revision: NDArray[np.int64],
        learned: int,
    ) -> None:
        """Bring the newest values of the points of a batch up to date."""
        gaps = stands & np.isnan(added.value)
        if gaps.any():
            # A value that was taken back uncovers the one before.
            uncovered = self._link.run(
                "DELETE FROM latest l USING "
                "unnest(%s::integer[], %s::bigint[]) k(point, time) "
                "WHERE l.point = k.point AND l.time = k.time RETURNING l.point",
                (array(added.point[gaps]), array(added.time[gaps])),
            ).fetchall()
            if uncovered:
                postgres_care.find_latest(self._link, [row[0] for row in uncovered])
        rows = newest(added, stands)
        if not len(rows):
            return
        columns = [
            array(column[rows])
            for column in (
                added.point,
                added.time,
                added.value,
                added.source,
                added.quality,
                added.version,
                sequence,
                revision,
            )
        ]
        renewed = self._link.run(
            "UPDATE latest l SET time = k.time, value = k.value, source = k.source, "
            "quality = k.quality, version = k.version, sequence = k.sequence, "
            f"revision = k.revision, known = %s FROM {_NEWEST} "
            "WHERE l.point = k.point AND l.time <= k.time",
            (learned, *columns),
        ).rowcount
        # Inserting only where something is missing costs half of an upsert.
        if renewed < len(rows):
            self._link.run(
                "INSERT INTO latest(point, time, value, source, quality, version, "
                "sequence, revision, known, stops) SELECT k.*, %s::bigint, %s::bigint "
                f"FROM {_NEWEST} ON CONFLICT (point) DO NOTHING",
                (learned, FOREVER, *columns),
            )


class Reach:
    """How late the statements of each point may be, as far as this writer knows.

    It holds as long as nobody else writes: then the numbers go on where it left them.
    """

    def __init__(self) -> None:
        self._at = (-1, -1)
        self._floor = _NEVER
        self._last = np.empty(0, np.int64)

    def follow(self, head: Head, renewals: int) -> None:
        """Forget what was known if others wrote, or a batch was undone."""
        if self._at != (head.sequence, renewals):
            self._at = head.sequence, renewals
            self._floor = _NEVER if head.last is None else head.last
            self._last = np.empty(0, np.int64)

    def of(self, points: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return times that no statement of some points is later than."""
        self._grow(int(points.max(initial=0)))
        return self._last[points]

    def extend(self, batch: Batch, sequence: int) -> None:
        """Take note of what was written, up to a number."""
        self._grow(int(batch.point.max(initial=0)))
        np.maximum.at(self._last, batch.point, batch.time)
        self._at = sequence, self._at[1]

    def _grow(self, number: int) -> None:
        """Hold points up to a number."""
        more = max(0, number + 1 - len(self._last))
        self._last = np.append(self._last, np.full(more, self._floor))


def now() -> int:
    """Return the time [microseconds since 1970, UTC]."""
    return clock.time_ns() // 1000


def _learned(known: int | None, before: int) -> int:
    """Return when something is learned: a clock that runs backwards does not make it so."""
    return max(now() if known is None else known, before)


def _held(result: "PGresult") -> Held:
    """Return statements that the server sent as arrays."""
    columns = {
        name: from_array(result.get_value(0, place) or b"", kind)
        for place, (name, kind) in enumerate(HELD.items())
    }
    return Held(
        **{
            name: column if name == "value" else column.astype(np.int64)
            for name, column in columns.items()
        }  # type: ignore[arg-type]
    )
