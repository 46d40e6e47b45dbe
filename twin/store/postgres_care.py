"""Look after the tables of a twin in PostgreSQL."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np

from twin.store.columns import KINDS, Columns, IntArray, superseded_by, taken
from twin.store.postgres_link import Link
from twin.store.postgres_newest import newest
from twin.store.postgres_packs import COPY, SIZE, listed, packed, unpacked
from twin.store.postgres_pieces import (
    EVERYTHING,
    Asked,
    ended,
    gathered,
    read,
    spread,
)
from twin.store.postgres_schema import COLUMNS, FOREVER
from twin.store.postgres_wire import Column, bigints, copied, integers

ROWS = 2_000_000
"""Statements that are worked on at a time."""

FEW = 8
"""Packs of a point and month that may stay beside each other."""

_OF_PACK = tuple(name for name in EVERYTHING if name != "point")


def write_packs(link: Link, columns: Columns) -> None:
    """Put statements, sorted by point, time and sequence, into the history."""
    if len(columns["time"]):
        link.copy(COPY, packed(columns))


def compact(link: Link) -> int:
    """Move what came in into the history, by point and time."""
    with link.writing(large=True) as connection:
        counts = connection.execute(
            "SELECT point, count(*) FROM recent GROUP BY point ORDER BY point"
        ).fetchall()
        for points in _shares(counts):
            write_packs(link, _recent(link, points[0], points[-1]))
        # Deleted and not truncated, as whoever reads a snapshot must still see them here.
        connection.execute(
            "DELETE FROM superseded e USING recent s WHERE e.point = s.point "
            "AND e.time = s.time AND e.sequence = s.sequence"
        )
        last = connection.execute("SELECT max(time) FROM recent").fetchone()
        moved = connection.execute("DELETE FROM recent").rowcount
        connection.execute("UPDATE head SET settled = greatest(settled, %s)", last)
        joined = join_packs(link)
    if moved or joined:
        tidy(link)
    return moved


def join_packs(link: Link) -> int:
    """Make one pack of those of a point and month that are small beside each other.

    As the parts grow, each statement is moved a few times in all. Packs that hold what was
    superseded since are made anew as well. Returns how many packs were.
    """
    due = link.run(
        "SELECT array_agg(number), sum(count)::bigint FROM history WHERE count < %(size)s "
        "GROUP BY point, month HAVING count(*) > %(few)s OR "
        "count(*) > 1 AND 4 * (sum(count) - max(count)) >= max(count) "
        "UNION ALL SELECT array_agg(DISTINCT h.number), 0 FROM superseded e "
        "JOIN history h ON h.point = e.point AND e.time BETWEEN h.first AND h.last "
        "GROUP BY h.point, h.month",
        {"size": SIZE, "few": FEW},
    ).fetchall()
    numbers = set(chain.from_iterable(row[0] for row in due))
    if numbers:
        counts = link.run(
            "SELECT number, count FROM history WHERE number = ANY(%s::bigint[]) "
            "ORDER BY point, month, number",
            (bigints(list(numbers)),),
        ).fetchall()
        for some in _shares(counts):
            _renew(link, some)
    return len(numbers)


def _renew(link: Link, numbers: Sequence[int]) -> None:
    """Write packs anew, those of a point and month as one."""
    columns, over = taken_out(link, numbers)
    ends = ended(columns, over)
    hit = np.flatnonzero(np.isin(columns["sequence"], over[0]))
    write_packs(link, ends)
    if len(hit):
        link.run(
            "DELETE FROM superseded e USING unnest(%s::integer[], %s::bigint[], "
            "%s::bigint[]) k(point, time, sequence) WHERE e.point = k.point "
            "AND e.time = k.time AND e.sequence = k.sequence",
            (
                integers(columns["point"][hit]),
                bigints(columns["time"][hit]),
                bigints(columns["sequence"][hit]),
            ),
        )


def taken_out(
    link: Link, numbers: Sequence[int]
) -> tuple[Columns, tuple[IntArray, IntArray]]:
    """Take packs out of the history.

    Returns
    -------
    columns : Columns
        What they hold, by point, time and sequence.
    over : tuple of (k,) int
        Sequence, rising, and end of what was superseded in them since.
    """
    result = link.arrays(
        f"WITH gone AS (DELETE FROM history WHERE number = ANY(%s::bigint[]) RETURNING *) "
        f"SELECT h.point, {listed(_OF_PACK, 'h')} FROM gone h",
        (bigints(numbers),),
    )
    found: list[Columns] = []
    for row in range(result.ntuples):
        point = int.from_bytes(result.get_value(row, 0) or b"")
        columns = unpacked(
            {name: result.get_value(row, k) or b"" for k, name in enumerate(_OF_PACK, 1)}
        )
        found.append(columns | {"point": np.full(len(columns["time"]), point)})
    whole: Columns = {
        name: np.concatenate(
            [np.empty(0, KINDS.get(name, np.int64)), *(columns[name] for columns in found)]
        )
        for name in EVERYTHING
    }
    order = np.lexsort((whole["sequence"], whole["time"], whole["point"]))
    ends = link.arrays(
        "SELECT array_send(array_agg(e.sequence ORDER BY e.sequence)), "
        "array_send(array_agg(e.stops ORDER BY e.sequence)) FROM superseded e "
        "WHERE point = ANY(%s::integer[])",
        (integers(np.unique(whole["point"])),),
    )
    over = spread(ends, 0, ("sequence", "stops"))
    return taken(whole, order), (over["sequence"], over["stops"])


def _recent(link: Link, first: int, last: int) -> Columns:
    """Return recent rows of some points with their ends, by point, time and sequence."""
    names = [name for name in EVERYTHING if name != "stops"]
    result = link.arrays(
        f"SELECT {gathered(names)}, array_send(array_agg(coalesce(e.stops, {FOREVER}))) "
        "FROM recent s LEFT JOIN superseded e ON e.point = s.point AND e.time = s.time "
        "AND e.sequence = s.sequence WHERE s.point BETWEEN %s AND %s",
        (first, last),
    )
    columns = spread(result, 0, (*names, "stops"))
    return taken(
        columns, np.lexsort((columns["sequence"], columns["time"], columns["point"]))
    )


def _shares(counts: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    """Give numbers in shares that hold not too many statements, in the order given."""
    share: list[int] = []
    size = 0
    for number, count in counts:
        share.append(int(number))
        size += int(count)
        if size >= ROWS:
            yield share
            share, size = [], 0
    if share:
        yield share


def tidy(link: Link) -> None:
    """Make room where rows were taken out."""
    for table in ("recent", "superseded", "history"):
        link.tend(f"VACUUM (ANALYZE, SKIP_LOCKED) {table}")


def rebuild(link: Link) -> None:
    """Work out again what follows from the statements, and put them in order.

    Raises
    ------
    SourceError
        If a pack is damaged.
    """
    with link.writing(large=True) as connection:
        counts = connection.execute(
            "SELECT point, sum(n)::bigint FROM (SELECT point, 1 AS n FROM recent "
            "UNION ALL SELECT point, count FROM history) b GROUP BY point ORDER BY point"
        ).fetchall()
        for points in _shares(counts):
            columns = read(link, Asked(points=points, every=True), EVERYTHING)
            connection.execute(
                "DELETE FROM history WHERE point = ANY(%s::integer[])", (integers(points),)
            )
            columns["group"] = columns["point"]
            order, until = superseded_by(columns, columns["point"])
            write_packs(link, taken(columns, order) | {"stops": until})
        for table in ("recent", "superseded", "latest"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute(
            "UPDATE head SET turns = turns + 1, (first, last, settled) = "
            "(SELECT min(first), max(last), max(last) FROM history), "
            "sequence = greatest(sequence, (SELECT max(high) FROM history)), "
            "known = greatest(known, (SELECT max(learned) FROM history))"
        )
        find_latest(link, every_point(link))
    tidy(link)
    link.tend("VACUUM (ANALYZE, SKIP_LOCKED) latest")


def every_point(link: Link) -> list[int]:
    """Return the numbers of all points."""
    return [
        int(number) for (number,) in link.run("SELECT number FROM points ORDER BY number")
    ]


def find_latest(link: Link, points: Sequence[int]) -> None:
    """Find the newest values of points that have none in ``latest``."""
    columns = newest(link, np.array(points, np.int64), until=FOREVER - 1, kept=False)
    if len(columns["time"]):
        link.copy(
            f"COPY latest ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)",
            [copied(as_rows(columns))],
        )


def as_rows(columns: Columns) -> list[Column]:
    """Return columns as they lie in tables of rows."""
    small = ("point", "source", "quality", "revision")
    return [
        columns[name].astype(np.int32) if name in small else columns[name]
        for name in COLUMNS
    ]


def retire(link: Link, before: int) -> int:
    """Forget statements of times before another."""
    with link.writing(large=True) as connection:
        torn = connection.execute(
            "SELECT number, count FROM history WHERE first < %s AND last >= %s "
            "ORDER BY point",
            (before, before),
        ).fetchall()
        gone = 0
        for numbers in _shares(torn):
            columns, _ = taken_out(link, numbers)
            late = columns["time"] >= before
            gone += int(np.count_nonzero(~late))
            write_packs(link, taken(columns, late))
        whole = connection.execute(
            "WITH gone AS (DELETE FROM history WHERE last < %s RETURNING count) "
            "SELECT coalesce(sum(count), 0)::bigint FROM gone",
            (before,),
        ).fetchone()
        gone += int(whole[0]) if whole else 0
        for table in ("recent", "superseded", "latest"):
            done = connection.execute(f"DELETE FROM {table} WHERE time < %s", (before,))
            gone += done.rowcount if table == "recent" else 0
        if gone:
            connection.execute(
                "UPDATE head SET turns = turns + 1, first = t.first, "
                "last = CASE WHEN t.first IS NULL THEN NULL ELSE last END FROM "
                "(SELECT least((SELECT min(time) FROM recent), "
                "(SELECT min(first) FROM history)) AS first) t"
            )
    if gone:
        tidy(link)
    return gone
