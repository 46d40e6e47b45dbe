"""Answer what a twin in PostgreSQL knows."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.store.columns import summed_up
from twin.store.postgres_care import newest_query
from twin.store.postgres_link import Link
from twin.store.postgres_names import Names
from twin.store.postgres_quarantine import COLUMNS as QUARANTINED
from twin.store.postgres_quarantine import quarantined
from twin.store.postgres_schema import FOREVER
from twin.store.postgres_wire import Column, Kind, array, from_array
from twin.store.protocol import BUCKETS
from twin.store.records import Edition, Kept, Quarantined

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg.pq.abc import PGresult

NOW = FOREVER - 1
"""Moment of knowledge at which every statement is known and only those that stand do."""

FIELDS: dict[str, Kind] = {
    "point": np.int32,
    "time": np.int64,
    "value": np.float64,
    "source": np.int32,
    "quality": np.int32,
    "version": np.int64,
    "sequence": np.int64,
    "known": np.int64,
    "revision": np.int32,
}
"""Columns of `Kept` in their order, as they lie in the tables."""

_EDITION = "valid_from, geometry, model, number, known"
_LISTED = ", ".join(FIELDS)
_STANDING = "known <= %(known_at)s AND stops > %(known_at)s"


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
    """

    sequence: int
    known: int
    first: int | None
    last: int | None
    settled: int | None


class PostgresReader:
    """The reading half of a store in PostgreSQL; `twin.store.protocol.Store` tells it."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._points = Names(link, "points")
        self._sources = Names(link, "sources")

    def latest(
        self,
        *,
        points: Sequence[str] | None = None,
        until: int | None = None,
        known_at: int | None = None,
    ) -> list[Kept]:
        """Return the newest value of each point, by the time it is of, not by arrival."""
        numbers = self._wanted(points)
        if until is None and known_at is None:
            chosen = "" if points is None else "WHERE point = ANY(%(points)s::integer[])"
            query = f"SELECT {_LISTED} FROM latest {chosen} ORDER BY point"
            rows = self._kept(query, {"points": array(numbers)})
        else:
            rows = self._kept(
                newest_query(_prefixed("s")),
                {
                    "points": array(numbers),
                    "until": FOREVER if until is None else until,
                    "known_at": NOW if known_at is None else known_at,
                },
            )
        if points is None:
            return rows
        by_point = {row.point: row for row in rows}
        return [by_point[name] for name in dict.fromkeys(points) if name in by_point]

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
        if count < 0:
            columns = self._columns(start, end, points, known_at)
            return self._rows(columns)
        return self._kept(
            f"SELECT {_prefixed('s')} FROM unnest(%(points)s::integer[]) WITH ORDINALITY "
            "w(point, place) CROSS JOIN LATERAL (SELECT * FROM statements WHERE "
            "point = w.point AND time >= %(start)s AND time < %(end)s AND "
            f"{_STANDING} ORDER BY time LIMIT %(count)s) s ORDER BY w.place, s.time",
            {
                "points": array(self._wanted(points)),
                "start": start,
                "end": end,
                "count": count,
                "known_at": NOW if known_at is None else known_at,
            },
        )

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

        columns = self._columns(start, end, points, known_at)
        missing = np.isnan(columns["value"])
        arrays = {name: pa.array(column) for name, column in columns.items()}
        arrays["value"] = pa.array(columns["value"], mask=missing)
        for name, names in (("point", self._points), ("source", self._sources)):
            arrays[name] = _named(columns[name], names.of(columns[name]))
        schema = observation_schema()
        cast = [arrays[field.name].cast(field.type) for field in schema]
        return pa.table(cast, schema=schema)

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

        # Summed up here, as the server takes five times as long to group a year by quarters
        # of an hour as to send it (bench/store.py).
        held = self._columns(start, end, points, known_at, fields=("time", "value"))
        numbers, times = held["point"], held["time"].astype(np.int64, copy=False)
        groups = np.cumsum(np.diff(numbers, prepend=numbers[:1]) != 0)
        values = held["value"].astype(np.float64, copy=False)
        sums = summed_up(groups, times, values, start, step)
        firsts = np.unique(groups, return_index=True)[1]
        of_group = numbers[firsts][sums.pop("group")]
        arrays = {name: pa.array(column) for name, column in sums.items()}
        arrays["point"] = _named(of_group, self._points.of(of_group))
        return pa.table({name: arrays[name] for name in BUCKETS})

    def coverage(self, start: int, end: int) -> dict[str, tuple[int, int]]:
        """Count, by point, the times that were heard of and those with a value."""
        rows = self._link.run(
            "SELECT p.name, c.heard, c.told FROM points p JOIN ("
            "SELECT point, count(*) heard, count(value) told FROM statements "
            "WHERE time >= %s AND time < %s AND stops = %s GROUP BY point"
            ") c ON c.point = p.number ORDER BY p.number",
            (start, end, FOREVER),
        )
        return {str(name): (int(heard), int(told)) for name, heard, told in rows}

    def since(self, sequence: int, *, count: int = 10_000) -> list[Kept]:
        """Return what arrived after a number, in order of arrival."""
        found: list[Kept] = []
        last, reach = self._head().sequence, max(count, 1)
        # Numbers have no holes but where statements were retired: a window of as many
        # numbers as rows are wanted reads little, and grows where it found nothing.
        while len(found) < count and sequence < last:
            end = min(sequence + reach, last)
            rows = self._kept(
                f"SELECT {_LISTED} FROM statements WHERE sequence > %(after)s AND "
                "sequence <= %(end)s ORDER BY sequence LIMIT %(count)s",
                {"after": sequence, "end": end, "count": count - len(found)},
            )
            found += rows
            sequence = end
            reach *= 1 if rows else 8
        return found

    def history(self, point: str, time: int) -> list[Kept]:
        """Return every statement ever made of a point and time, in order of arrival."""
        numbers = self._wanted([point])
        return self._kept(
            f"SELECT {_LISTED} FROM statements WHERE "
            "point = ANY(%(points)s::integer[]) AND time = %(time)s ORDER BY sequence",
            {"points": array(numbers), "time": time},
        )

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
        return int(self._one("SELECT count(*) FROM statements WHERE revision > 0")[0])

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

    def _head(self) -> Head:
        """Return where the store stands."""
        return Head(*self._one("SELECT sequence, known, first, last, settled FROM head"))

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

    def _kept(self, query: str, values: Mapping[str, object]) -> list[Kept]:
        """Run a query for rows with `FIELDS`."""
        rows = self._link.run(query, values).fetchall()
        points = self._points.up_to(max((row[0] for row in rows), default=0))
        sources = self._sources.up_to(max((row[3] for row in rows), default=0))
        return [
            Kept(points[point - 1], time, value, sources[source - 1], *rest)
            for point, time, value, source, *rest in rows
        ]

    def _columns(
        self,
        start: int,
        end: int,
        points: Sequence[str] | None,
        known_at: int | None,
        *,
        fields: Iterable[str] = FIELDS,
    ) -> dict[str, Column]:
        """Return what is known of a time as columns; NaN is a gap."""
        wanted = self._wanted(points)
        kinds = {name: FIELDS[name] for name in fields if name != "point"}
        where = f"time >= %(start)s AND time < %(end)s AND {_STANDING}"
        if points is None:
            query = (
                f"SELECT point, {gathered(kinds)} FROM statements WHERE {where} GROUP BY 1"
            )
        else:
            # Point by point by the index, whatever the planner thinks of their number.
            query = (
                "SELECT w.point, s.* FROM unnest(%(points)s::integer[]) w(point) "
                f"CROSS JOIN LATERAL (SELECT {gathered(kinds)} FROM statements "
                f"WHERE point = w.point AND {where}) s"
            )
        result = self._link.arrays(
            query,
            {
                "points": array(wanted),
                "start": start,
                "end": end,
                "known_at": NOW if known_at is None else known_at,
            },
        )
        return _assembled(result, kinds, None if points is None else wanted)

    def _rows(self, columns: Mapping[str, Column]) -> list[Kept]:
        """Return columns as rows."""
        points = self._points.of(columns["point"])
        sources = self._sources.of(columns["source"])
        value = columns["value"].astype(object)
        value[np.isnan(columns["value"])] = None
        listed = {name: column.tolist() for name, column in columns.items()}
        listed["value"] = value.tolist()
        listed["point"] = [points[number - 1] for number in listed["point"]]
        listed["source"] = [sources[number - 1] for number in listed["source"]]
        return [Kept(*row) for row in zip(*(listed[name] for name in FIELDS), strict=True)]


def _prefixed(table: str) -> str:
    """Return the names of `FIELDS` of a table in a query."""
    return ", ".join(f"{table}.{name}" for name in FIELDS)


def gathered(names: Iterable[str], *, gap: str = "value") -> str:
    """Return what makes each column one array: faster to carry than rows.

    NULL becomes NaN in the column ``gap``, so that all elements have one size.
    """
    told = (f"coalesce({name}, 'NaN')" if name == gap else name for name in names)
    return ", ".join(f"array_agg({column})" for column in told)


def _assembled(
    result: "PGresult", kinds: Mapping[str, Kind], wanted: Sequence[int] | None
) -> dict[str, Column]:
    """Return arrays by point as columns over all points, each in order of time."""
    groups: dict[int, dict[str, Column]] = {}
    for row in range(result.ntuples):
        # What has no row is an array that is not there.
        if result.get_value(row, 1) is None:
            continue
        point = int.from_bytes(result.get_value(row, 0) or b"", "big")
        columns = {
            name: from_array(result.get_value(row, place) or b"", kind)
            for place, (name, kind) in enumerate(kinds.items(), 1)
        }
        if (np.diff(columns["time"]) < 0).any():
            order = np.argsort(columns["time"])
            columns = {name: column[order] for name, column in columns.items()}
        columns["point"] = np.full(len(columns["time"]), point, np.int32)
        groups[point] = columns
    listed = sorted(groups) if wanted is None else [p for p in wanted if p in groups]
    every: dict[str, Kind] = {"point": np.int32, **kinds}
    return {
        name: np.concatenate(
            [np.empty(0, kind), *(groups[point][name] for point in listed)]
        )
        for name, kind in every.items()
    }


def _named(numbers: Column, names: Sequence[str]) -> "pa.Array":
    """Return numbers of names as names."""
    import pyarrow as pa

    spelled = pa.DictionaryArray.from_arrays(
        pa.array(numbers - 1, pa.int32()), pa.array(names, pa.string())
    )
    return spelled.cast(pa.string())
