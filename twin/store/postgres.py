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
from twin.store.columns import key_order
from twin.store.loading import coded
from twin.store.postgres_batch import (
    Batch,
    Held,
    Settled,
    batch_of,
    newest,
    numbered,
    settle,
)
from twin.store.postgres_identity import Identity
from twin.store.postgres_link import Link
from twin.store.postgres_quarantine import refuse
from twin.store.postgres_reading import Head, PostgresReader
from twin.store.postgres_recall import Recall
from twin.store.postgres_schema import COLUMNS, FOREVER, SUPERSEDED
from twin.store.postgres_wire import bigints, copied, doubles, integers
from twin.store.records import Edition, Observation, Receipt, Refused

if TYPE_CHECKING:
    import pyarrow as pa

    from twin.store.columns import Columns, IntArray

_NEWEST = (
    "unnest(%s::integer[], %s::bigint[], %s::double precision[], %s::integer[], "
    "%s::integer[], %s::bigint[], %s::bigint[], %s::integer[]) "
    "k(point, time, value, source, quality, version, sequence, revision)"
)
_RECENT = f"COPY recent ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_SUPERSEDED = f"COPY superseded ({', '.join(SUPERSEDED)}) FROM STDIN (FORMAT BINARY)"
_NEVER = -(2**63)

LARGE = 20_000
"""From so many rows on a table goes straight to the history."""

SHARE = 1_000_000
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
    folder : Path, optional
        Twin folder that must be the one whose observations these are; the first that
        writes is (`twin.store.postgres_identity`). Without, nothing is compared.

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
        self,
        address: str,
        *,
        read_only: bool = False,
        twin: str = "twin",
        folder: Path | None = None,
    ) -> None:
        super().__init__(Link(address, twin=twin, read_only=read_only, folder=folder))
        self._reach = Reach()
        self._recall = Recall()
        self._shown: tuple[tuple[int, int], set[int]] = (-1, -1), set()

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

    @property
    def identity(self) -> Identity | None:
        """Whose observations these are, None where no folder has fed them yet."""
        return self._link.identity()

    @property
    def where(self) -> str:
        """Words for the twin and its server, without any password."""
        return self._link.where

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
            add = self._add_large if large else self._add
            receipt = add(rows, head, learned=learned)
        if large:
            postgres_care.tidy(self._link)
        return receipt

    def release(self, numbers: Iterable[int], *, known: int | None = None) -> int:
        """Mark rows of the quarantine as fed again; return how many were waiting."""
        with self._link.writing():
            learned = _learned(known, self._head().known)
            done = self._link.run(
                "UPDATE quarantine SET released = %s WHERE released IS NULL AND "
                "number = ANY(%s::bigint[])",
                (learned, bigints([int(number) for number in numbers])),
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

    def _add(self, batch: Batch, head: Head, *, learned: int) -> Receipt:
        """Add statements to the recent ones."""
        held = self._held(batch, head)
        settled = settle(batch, held, learned=learned)
        rows = np.flatnonzero(settled.new)
        if len(rows):
            added, revision = batch.part(rows), settled.revision[rows]
            sequence = head.sequence + 1 + np.arange(len(rows))
            stops = settled.stops[rows]
            statements: Columns = {
                **{name: getattr(added, name) for name in Batch.__dataclass_fields__},
                "sequence": sequence,
                "known": np.full(len(rows), learned),
                "revision": revision,
            }
            self._link.copy(_RECENT, [copied(postgres_care.as_rows(statements))])
            self._end(held, settled, learned=learned)
            over = stops != FOREVER
            self._supersede(added.part(over), sequence[over], stops[over])
            self._move_head(added, int(sequence[-1]), learned=learned, settled=False)
            stands = stops == FOREVER
            self._renew_latest(added, stands, sequence, revision, head, learned=learned)
            self._reach.extend(added, int(sequence[-1]))
        return _receipt(settled.new, settled.revision, head.sequence + len(rows))

    def _add_large(self, batch: Batch, head: Head, *, learned: int) -> Receipt:
        """Add statements to the history, some points after the others."""
        count = len(batch)
        order = key_order(batch.point, batch.time)
        order = np.arange(count) if order is None else order
        new = np.empty(count, bool)
        revision, stops = np.empty((2, count), np.int64)
        for rows in _shares(batch.point, order):
            part = batch.part(rows)
            held = self._held(part, head)
            settled = settle(part, held, learned=learned)
            new[rows] = settled.new
            revision[rows], stops[rows] = settled.revision, settled.stops
            self._end(held, settled, learned=learned)
        sequence = head.sequence + np.cumsum(new)
        added = batch.part(new)
        if len(added):
            newest_rows = []
            for rows in _shares(batch.point, order):
                kept = rows[new[rows]]
                statements: Columns = {
                    name: getattr(batch, name)[kept] for name in Batch.__dataclass_fields__
                }
                statements |= {
                    "sequence": sequence[kept],
                    "known": np.full(len(kept), learned),
                    "revision": revision[kept],
                    "stops": stops[kept],
                }
                postgres_care.write_packs(self._link, statements)
                newest_rows.append(kept[newest(batch.part(kept), stops[kept] == FOREVER)])
            last = int(sequence[-1])
            self._move_head(added, last, learned=learned, settled=True)
            gaps = np.isnan(batch.value) & new & (stops == FOREVER)
            rows = np.concatenate([*newest_rows, np.flatnonzero(gaps)])
            self._renew_latest(
                batch.part(rows),
                np.ones(len(rows), bool),
                sequence[rows],
                revision[rows],
                head,
                learned=learned,
            )
            self._reach.extend(added, last)
            postgres_care.join_packs(self._link)
        return _receipt(new, revision, head.sequence + len(added))

    def _held(self, batch: Batch, head: Head) -> Held:
        """Return what is known of the points and times of a batch."""
        # What is later than all that is there need not be looked for.
        self._reach.follow(head, self._link.renewals)
        late = batch.part(batch.time <= self._reach.of(batch.point))
        return self._recall.held(self._link, late, settled=head.settled)

    def _end(self, held: Held, settled: Settled, *, learned: int) -> None:
        """Take note of held statements that stand no more."""
        over = held.part(settled.superseded)
        self._supersede(over, over.sequence, np.full(len(over), learned))

    def _supersede(self, rows: Batch, sequence: "IntArray", stops: "IntArray") -> None:
        """Take note of statements that stand no more from some time on."""
        if len(rows):
            point = rows.point.astype(np.int32)
            columns = (rows.time, sequence, stops, point)
            self._link.copy(_SUPERSEDED, [copied(columns)])

    def _move_head(
        self, added: Batch, sequence: int, *, learned: int, settled: bool
    ) -> None:
        """Write down where the store stands."""
        last = int(added.time.max())
        self._stood = self._link.renewals, sequence
        self._link.run(
            "UPDATE head SET sequence = %(sequence)s, known = %(known)s, "
            "first = least(first, %(first)s), last = greatest(last, %(last)s), "
            "settled = greatest(settled, %(settled)s)",
            {
                "sequence": sequence,
                "known": learned,
                "first": int(added.time.min()),
                "last": last,
                "settled": last if settled else None,
            },
        )

    def _renew_latest(
        self,
        added: Batch,
        stands: NDArray[np.bool_],
        sequence: "IntArray",
        revision: "IntArray",
        head: Head,
        *,
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
                (integers(added.point[gaps]), bigints(added.time[gaps])),
            ).fetchall()
            if uncovered:
                self._link.run("UPDATE head SET turns = turns + 1")
                postgres_care.find_latest(self._link, [row[0] for row in uncovered])
        rows = newest(added, stands)
        if not len(rows):
            return
        some = added.part(rows)
        columns = (
            integers(some.point),
            bigints(some.time),
            doubles(some.value),
            integers(some.source),
            integers(some.quality),
            bigints(some.version),
            bigints(sequence[rows]),
            integers(revision[rows]),
        )
        self._link.run(
            "UPDATE latest l SET time = k.time, value = k.value, source = k.source, "
            "quality = k.quality, version = k.version, sequence = k.sequence, "
            f"revision = k.revision, known = %s FROM {_NEWEST} "
            "WHERE l.point = k.point AND l.time <= k.time",
            (learned, *columns),
        )
        # Inserting only where something may be missing costs half of an upsert.
        at = self._link.renewals, head.turns
        if self._shown[0] != at:
            self._shown = at, set()
        shown = set(some.point.tolist())
        if not shown <= self._shown[1]:
            self._link.run(
                "INSERT INTO latest(point, time, value, source, quality, version, "
                f"sequence, revision, known) SELECT k.*, %s::bigint FROM {_NEWEST} "
                "ON CONFLICT (point) DO NOTHING",
                (learned, *columns),
            )
            self._shown[1].update(shown)


def _shares(
    points: NDArray[np.int64], order: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Give rows, ordered by point, in shares with all rows of a point in one."""
    start = 0
    while start < len(order):
        end = start + SHARE
        if end < len(order):
            end = int(np.searchsorted(points[order], points[order[end]], "left"))
            if end <= start:
                point = points[order[start]]
                end = int(np.searchsorted(points[order], point, "right"))
        yield order[start:end]
        start = end


def _receipt(new: NDArray[np.bool_], revision: NDArray[np.int64], sequence: int) -> Receipt:
    """Return what became of rows."""
    count = int(np.count_nonzero(new))
    revised = int(np.count_nonzero(revision[new]))
    return Receipt(count - revised, len(new) - count, revised, 0, sequence)


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
