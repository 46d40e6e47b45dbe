"""Bring the tables of an earlier version up to date."""

from collections.abc import Iterator

import numpy as np

from twin.store.columns import KINDS, Columns, taken
from twin.store.postgres_driver import psycopg
from twin.store.postgres_packs import COPY, packed
from twin.store.postgres_schema import CARE, VERSION, lay_out_statements
from twin.store.postgres_wire import Kind, from_array

ROWS = 1_000_000
"""Statements that are moved at a time."""

WINDOW = 31 * 86_400_000_000
"""Times of one point that are moved at least at a time [microseconds]."""

_KINDS: dict[str, Kind] = {
    "point": np.int32,
    "time": np.int64,
    "value": np.float64,
    "source": np.int32,
    "quality": np.int32,
    "version": np.int64,
    "sequence": np.int64,
    "known": np.int64,
    "revision": np.int32,
    "stops": np.int64,
}
"""Columns of the rows of version 1."""


def migrate(connection: psycopg.Connection, schema: str) -> None:
    """Change tables of version 1 in place, within a transaction of the caller.

    There all statements were rows: in ``recent``, and in ``history``, cut by month. All of
    them are packed, and the rows go. Killed meanwhile, the twin is as it was.
    """
    connection.execute(f"SET LOCAL {CARE} = on; SET LOCAL enable_seqscan = on")
    for table in ("recent", "history"):
        connection.execute(f"DROP TRIGGER stands ON {table}")
    connection.execute("DROP FUNCTION stands()")
    connection.execute("DROP VIEW statements")
    for table in ("recent", "history"):
        connection.execute(f"ALTER TABLE {table} RENAME TO {table}_1")
    connection.execute("ALTER TABLE head ADD COLUMN turns bigint NOT NULL DEFAULT 0")
    connection.execute("ALTER TABLE latest DROP COLUMN stops")
    # Names of indexes follow those of tables, and the new tables want them.
    renaming = connection.execute(
        "SELECT format('ALTER INDEX %I RENAME TO %I', relname, relname || '_1') "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE "
        "indrelid IN ('recent_1'::regclass, 'history_1'::regclass)"
    ).fetchall()
    for (statement,) in renaming:
        connection.execute(statement)
    lay_out_statements(connection, schema)
    counts = connection.execute(
        "SELECT point, count(*) FROM (SELECT point FROM recent_1 UNION ALL "
        "SELECT point FROM history_1) s GROUP BY point ORDER BY point"
    ).fetchall()
    first, size = None, 0
    for point, count in counts:
        if count > ROWS:
            if first is not None:
                _move(connection, first, point - 1)
            for begin, end in _spans(connection, point):
                _move(connection, point, point, begin, end)
            first, size = None, 0
            continue
        first = point if first is None else first
        size += count
        if size >= ROWS:
            _move(connection, first, point)
            first, size = None, 0
    if first is not None:
        _move(connection, first, counts[-1][0])
    for table in ("recent", "history"):
        connection.execute(f"DROP TABLE {table}_1")
    connection.execute("UPDATE head SET settled = last")
    connection.execute("UPDATE layout SET version = %s", (VERSION,))


def _spans(connection: psycopg.Connection, point: int) -> Iterator[tuple[int, int]]:
    """Give first and last times that share the statements of a point.

    The server answers with arrays of 1 GB at most: some 89 million rows, which years of
    one point at its every second exceed, but no `WINDOW`.
    """
    rows = connection.execute(
        "SELECT min(time), max(time), count(*) FROM (SELECT point, time FROM recent_1 "
        "UNION ALL SELECT point, time FROM history_1) s WHERE point = %s "
        "GROUP BY time / %s ORDER BY 1",
        (point, WINDOW),
    ).fetchall()
    begin, size = None, 0
    for place, (first, last, count) in enumerate(rows, 1):
        begin = first if begin is None else begin
        size += count
        if size >= ROWS or place == len(rows):
            yield begin, last
            begin, size = None, 0


def _move(
    connection: psycopg.Connection,
    first: int,
    last: int,
    begin: int = -(2**63),
    end: int = 2**63 - 1,
) -> None:
    """Pack the statements of some points, of times from ``begin`` to ``end``."""
    listed = ", ".join(
        f"array_send(array_agg(coalesce({name}, 'NaN')))"
        if name == "value"
        else f"array_send(array_agg({name}))"
        for name in _KINDS
    )
    result = connection.execute(
        f"SELECT {listed} FROM (SELECT * FROM recent_1 UNION ALL SELECT * FROM "
        "history_1) s WHERE point BETWEEN %s AND %s AND time BETWEEN %s AND %s",
        (first, last, begin, end),
        binary=True,
    ).pgresult
    assert result is not None
    columns: Columns = {
        name: from_array(result.get_value(0, place) or b"", kind).astype(
            KINDS.get(name, np.int64)
        )
        for place, (name, kind) in enumerate(_KINDS.items())
    }
    order = np.lexsort((columns["sequence"], columns["time"], columns["point"]))
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for part in packed(taken(columns, order)):
            copy.write(part)
