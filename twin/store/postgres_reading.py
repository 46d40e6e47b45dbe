"""Answer what a twin in PostgreSQL knows."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.store.arrow import arrow_of
from twin.store.columns import Columns, IntArray, starts_of, summed_up, taken
from twin.store.postgres_arrival import Arrival
from twin.store.postgres_latest import FIELDS, Latest, kept_rows
from twin.store.postgres_link import Link
from twin.store.postgres_names import Names
from twin.store.postgres_newest import newest
from twin.store.postgres_pieces import NOW, Asked, read
from twin.store.postgres_quarantine import COLUMNS as QUARANTINED
from twin.store.postgres_quarantine import quarantined
from twin.store.postgres_schema import FOREVER
from twin.store.protocol import BUCKETS
from twin.store.records import Edition, Kept, Quarantined

if TYPE_CHECKING:
    import pyarrow as pa

WINDOW = 86_400_000_000
"""How far a question for a few values of each point looks at first [microseconds]."""

_EDITION = "valid_from, geometry, model, number, known"


@dataclass(frozen=True)
class Head:
    """Where a store stands.

    Attributes
    ----------
    sequence, known : int
        Last number, and when it was learned.
    first, last : int or None
        First and last time of all statements.
    settled : int or None
        Last time in the history.
    turns : int
        How often latest values went back in time, or vanished.
    """

    sequence: int
    known: int
    first: int | None
    last: int | None
    settled: int | None
    turns: int


class PostgresReader:
    """The reading half of a store in PostgreSQL; `twin.store.protocol.Store` tells it."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._points = Names(link, "points")
        self._sources = Names(link, "sources")
        self._latest = Latest(link, self._points, self._sources)
        self._arrival = Arrival(link)
        self._stood = (-1, 0)

    def latest(
        self,
        *,
        points: Sequence[str] | None = None,
        until: int | None = None,
        known_at: int | None = None,
    ) -> list[Kept]:
        """Return the newest value of each point, by the time it is of, not by arrival."""
        if until is None and known_at is None:
            by_point = self._latest.rows()
            if points is None:
                return list(by_point.values())
            return [by_point[name] for name in dict.fromkeys(points) if name in by_point]
        end = FOREVER - 1 if until is None else until
        known_at = None if known_at is None else min(known_at, NOW)
        with self.snapshot():
            if known_at is None or known_at >= self._head().known:
                return self._latest_until(end, points)
            numbers = np.array(self._wanted(points), np.int64)
            return self._kept(newest(self._link, numbers, until=end, known_at=known_at))

    def _latest_until(self, until: int, points: Sequence[str] | None) -> list[Kept]:
        """Return the newest values up to a time, in a snapshot."""
        by_point = self._latest.rows()
        if points is not None:
            names = dict.fromkeys(points)
            by_point = {name: by_point[name] for name in names if name in by_point}
        # A point's newest value is its newest of any earlier time, too.
        late = [name for name, row in by_point.items() if row.time > until]
        if late:
            numbers = np.array(self._wanted(late), np.int64)
            found = newest(self._link, numbers, until=until, kept=False)
            rows = {row.point: row for row in self._kept(found)}
            by_point = {
                name: rows.get(name, row)
                for name, row in by_point.items()
                if row.time <= until or name in rows
            }
        return list(by_point.values())

    def between(
        self,
        start: int,
        end: int,
        *,
        points: Sequence[str] | None = None,
        count: int = -1,
        known_at: int | None = None,
    ) -> list[Kept]:
        """Return what is known of ``start <= time < end``, gaps included."""
        asked = self._asked(start, end, points, known_at)
        if count < 0:
            return self._kept(read(self._link, asked, FIELDS))
        if not count:
            return []
        with self.snapshot():
            head = self._head()
            if head.first is None or head.last is None:
                return []
            first, after = max(start, head.first), min(end, head.last + 1)
            reach = WINDOW
            while True:
                asked = self._asked(start, min(first + reach, after), points, known_at)
                columns = read(self._link, asked, FIELDS)
                group = columns["group"]
                counts = np.bincount(group, minlength=1)
                if first + reach >= after or (
                    points is not None
                    and (counts >= count).sum() == len(asked.points or ())
                ):
                    break
                reach *= 8
        begin = np.flatnonzero(np.append(True, group[1:] != group[:-1])[: len(group)])
        inside = np.arange(len(group)) - np.repeat(
            begin, np.diff(np.append(begin, len(group)))
        )
        return self._kept(taken(columns, inside < count))

    def table(
        self,
        start: int,
        end: int,
        *,
        points: Sequence[str] | None = None,
        known_at: int | None = None,
    ) -> "pa.Table":
        """Return the same as `between` as an Arrow table with more columns."""
        import pyarrow as pa

        from twin.store.exported import observation_schema

        columns = read(self._link, self._asked(start, end, points, known_at), FIELDS)
        schema = observation_schema()
        made = []
        for field in schema:
            column = columns[field.name]
            if field.name in ("point", "source"):
                made.append(self.named(field.name, column))
            else:
                made.append(arrow_of(column, small=field.type == pa.int32()))
        return pa.table(made, schema=schema)

    def resample(
        self,
        start: int,
        end: int,
        step: int,
        *,
        points: Sequence[str],
        known_at: int | None = None,
    ) -> "pa.Table":
        """Sum up values in steps from ``start`` on, as a table with `BUCKETS`."""
        import pyarrow as pa

        # Summed up here: the server takes many times as long to group a year by quarters
        # of an hour as to send it (bench/store.py).
        asked = self._asked(start, end, points, known_at)
        held = read(self._link, asked, ("value",))
        sums = summed_up(held["group"], held["time"], held["value"], start, step)
        of_group = np.array(asked.points, np.int64)[sums.pop("group")]
        arrays = {name: arrow_of(column) for name, column in sums.items()}
        arrays["point"] = self.named("point", of_group)
        return pa.table({name: arrays[name] for name in BUCKETS})

    def coverage(self, start: int, end: int) -> dict[str, tuple[int, int]]:
        """Count, by point, the times that were heard of and those with a value."""
        with self.snapshot():
            # Of packs that lie within the time and all stand, their heads tell.
            rows = self._link.run(
                "SELECT point, sum(count)::bigint, sum(told)::bigint, bool_and(whole) "
                "FROM (SELECT point, count, told, first >= %(start)s AND last < %(end)s "
                "AND ended = 0 AND NOT EXISTS (SELECT FROM superseded e WHERE "
                "e.point = h.point AND e.time BETWEEN h.first AND h.last) AS whole "
                "FROM history h WHERE first < %(end)s AND last >= %(start)s "
                "UNION ALL SELECT point, 1, 0, false FROM recent "
                "WHERE time >= %(start)s AND time < %(end)s) b GROUP BY point",
                {"start": start, "end": end},
            ).fetchall()
            counts = {point: (heard, told) for point, heard, told, whole in rows if whole}
            others = sorted(row[0] for row in rows if not row[3])
            columns = read(self._link, Asked(start, end, others), ("value",))
        starts = starts_of(columns["point"], columns["point"])
        if len(starts):
            told = np.add.reduceat(~np.isnan(columns["value"]), starts, dtype=np.int64)
            heard = np.diff(np.append(starts, len(columns["point"])))
            points = columns["point"][starts]
            for point, *both in zip(
                points.tolist(), heard.tolist(), told.tolist(), strict=True
            ):
                counts[point] = (both[0], both[1])
        names = self._points.up_to(max(counts, default=0))
        return {names[point - 1]: counts[point] for point in sorted(counts)}

    def since(self, sequence: int, *, count: int = 10_000) -> list[Kept]:
        """Return what arrived after a number, in order of arrival."""
        with self.snapshot():
            return self._kept(self._arrival.since(sequence, count=count))

    def history(self, point: str, time: int) -> list[Kept]:
        """Return every statement ever made of a point and time, in order of arrival."""
        asked = Asked(time, time + 1, self._wanted([point]), every=True)
        return self._kept(read(self._link, asked, FIELDS))

    def editions(self) -> list[Edition]:
        """Return all editions of the district's things, in order of arrival."""
        rows = self._link.run(f"SELECT {_EDITION} FROM editions ORDER BY number")
        return [Edition(*row) for row in rows]

    def edition(
        self, *, at: int | None = None, known_at: int | None = None
    ) -> Edition | None:
        """Return the edition that was valid at a time, as was known at another."""
        row = self._link.run(
            f"SELECT {_EDITION} FROM editions WHERE valid_from <= %s AND known <= %s "
            "ORDER BY valid_from DESC, number DESC LIMIT 1",
            (FOREVER if at is None else at, FOREVER if known_at is None else known_at),
        ).fetchone()
        return None if row is None else Edition(*row)

    def quarantine(
        self, *, count: int = 100, reason: str | None = None, waiting: bool = False
    ) -> list[Quarantined]:
        """Return refused rows, the newest first; ``number`` is the store's own."""
        rows = self._link.run(
            f"SELECT {QUARANTINED} FROM quarantine WHERE (%(reason)s::text IS NULL OR "
            "reason = %(reason)s::text) AND (NOT %(waiting)s OR released IS NULL) "
            "ORDER BY last_known DESC, number DESC LIMIT %(count)s",
            {"reason": reason, "waiting": waiting, "count": None if count < 0 else count},
        )
        return [quarantined(row) for row in rows]

    def refusals(self) -> Mapping[str, int]:
        """Return how many rows were refused for each reason, repeats included."""
        rows = self._link.run(
            "SELECT reason, sum(times)::bigint FROM quarantine GROUP BY reason "
            'ORDER BY reason COLLATE "C"'
        )
        return {str(reason): int(count) for reason, count in rows}

    def sources(self) -> tuple[str, ...]:
        """Return where values came from, in the order of first arrival."""
        return tuple(self._sources.all())

    def revisions(self) -> int:
        """Return how many statements were added to a point and time that had one."""
        return int(
            self._one(
                "SELECT (SELECT count(*) FROM recent WHERE revision > 0) + "
                "(SELECT coalesce(sum(revised), 0) FROM history)::bigint"
            )[0]
        )

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last time of all, None while there is none."""
        head = self._head()
        return None if head.first is None or head.last is None else (head.first, head.last)

    def snapshot(self) -> AbstractContextManager[None]:
        """See the store as it is now in all queries within, whatever is written."""
        return self._link.snapshot()

    @property
    def sequence(self) -> int:
        """Last number of the store, 0 while it is empty."""
        return self._head().sequence

    def named(self, field: str, numbers: IntArray) -> "pa.Array":
        """Return numbers of points or sources as their names."""
        names = self._points if field == "point" else self._sources
        return _named(numbers, names.of(numbers))

    def _head(self) -> Head:
        """Return where the store stands."""
        head = Head(
            *self._one("SELECT sequence, known, first, last, settled, turns FROM head")
        )
        if self._stood[0] == self._link.renewals and head.sequence < self._stood[1]:
            # Somebody put an earlier state into the tables: what is remembered is not it.
            self._link.renewals += 1
        self._stood = self._link.renewals, head.sequence
        return head

    def _one(self, query: str) -> tuple[Any, ...]:
        """Run a query for one row."""
        row = self._link.run(query).fetchone()
        assert row is not None, query
        return row

    def _wanted(self, points: Sequence[str] | None) -> list[int]:
        """Return the numbers of the points that there are, in the order given."""
        if points is None:
            return list(range(1, len(self._points.all()) + 1))
        return list(self._points.known(points).values())

    def _asked(
        self, start: int, end: int, points: Sequence[str] | None, known_at: int | None
    ) -> Asked:
        """Return a question with points as numbers; all are in the order of numbers."""
        numbers = None if points is None else self._wanted(points)
        # Later than that would be when the statements that stand stop to do so.
        return Asked(start, end, numbers, NOW if known_at is None else min(known_at, NOW))

    def _kept(self, columns: Columns) -> list[Kept]:
        """Return columns as rows."""
        points = self._points.of(columns["point"])
        return kept_rows(columns, points, self._sources.of(columns["source"]))


def _named(numbers: IntArray, names: Sequence[str]) -> "pa.Array":
    """Return numbers of names as names."""
    import pyarrow as pa

    spelled = pa.DictionaryArray.from_arrays(
        arrow_of(numbers - 1, small=True), pa.array(names, pa.string())
    )
    return spelled.cast(pa.string())
