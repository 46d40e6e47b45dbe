"""Turn a file of an older version into one of this version."""

import sqlite3

from twin.store import catalogue
from twin.store.hot import INSERT, LATEST
from twin.store.marks import marked, packed
from twin.store.records import Refused
from twin.store.schema import COLUMNS, LAYOUT, VERSION
from twin.store.segments import Blocks

FIRST = ("points", "sources", "observations", "current", "quarantine")
"""Tables of version 1."""

SECOND = (
    "marks",
    "buildings",
    "points",
    "sources",
    "observations",
    "latest",
    "segments",
    "leftovers",
    "editions",
    "quarantine",
)
"""Tables of version 2, but for that of blocks."""

AT_ONCE = 100_000
"""Rows that are marked at a time."""


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Lay a file of an older version out anew, within the caller's transaction.

    Every statement keeps its number, time and revision. Version 1 knew neither quality
    nor the sender's version: both become 0, and the last to arrive stands, as it did.
    Version 2 had no marks, and told less of the blocks of history.
    """
    old = FIRST if version == 1 else SECOND
    run = connection.execute
    for trigger in ("observations_stand", "observations_stay"):
        run(f"DROP TRIGGER IF EXISTS {trigger}")
    for index in ("keys", "corrections", "refusals", "lately"):
        run(f"DROP INDEX IF EXISTS {index}")
    for name in old:
        run(f"ALTER TABLE {name} RENAME TO old_{name}")
    for statement in LAYOUT:
        run(statement)
    if version == 1:
        _from_first(connection)
    else:
        _from_second(connection)
    for name in reversed(old):
        run(f"DROP TABLE old_{name}")
    run(f"PRAGMA user_version={VERSION}")


def _from_first(connection: sqlite3.Connection) -> None:
    """Take over what a file of version 1 holds."""
    run = connection.execute
    names = run("SELECT name FROM old_points ORDER BY number").fetchall()
    buildings = dict.fromkeys(catalogue.building_of(name) for (name,) in names)
    connection.executemany(
        "INSERT INTO buildings(name) VALUES (?)", [(name,) for name in buildings]
    )
    for number, name in run("SELECT number, name FROM old_points").fetchall():
        run(
            "INSERT INTO points(number, name, building) "
            "SELECT ?, ?, number FROM buildings WHERE name = ?",
            (number, name, catalogue.building_of(name)),
        )
    run("INSERT INTO sources SELECT number, name FROM old_sources")
    columns = "c.sequence, c.point, c.time, c.value, c.source, 0, 0, c.known, c.revision"
    _mark(connection, f"SELECT {columns} FROM old_observations c")
    latest = run(
        f"SELECT {columns} FROM old_points p "
        "CROSS JOIN old_current c ON c.point = p.number AND "
        "c.time = (SELECT max(n.time) FROM old_current n WHERE n.point = p.number "
        "AND n.value IS NOT NULL)"
    ).fetchall()
    connection.executemany(LATEST, map(packed, marked(latest)))
    rows = run(
        "SELECT reason, message, row, first_known, last_known, times FROM old_quarantine "
        "ORDER BY number"
    ).fetchall()
    for reason, message, row, first, last, times in rows:
        refused = Refused(0, reason, message, row)
        catalogue.keep_refused(connection, refused, first=first, last=last, times=times)


def _from_second(connection: sqlite3.Connection) -> None:
    """Take over what a file of version 2 holds."""
    run = connection.execute
    for name in SECOND:
        told = f"SELECT {', '.join(COLUMNS)} FROM old_{name}"
        if name == "observations":
            _mark(connection, told)
            continue
        if name == "latest":
            connection.executemany(LATEST, map(packed, marked(run(told).fetchall())))
            continue
        columns = [row[1] for row in run(f"PRAGMA table_info(old_{name})")]
        into, held = ", ".join(columns), ", ".join(columns)
        if name == "segments":
            into, held = f"{into}, blocks", f"{held}, x''"
        run(f"INSERT OR REPLACE INTO {name}({into}) SELECT {held} FROM old_{name}")
    segments = run("SELECT number, first_sequence, last_sequence FROM segments").fetchall()
    for number, *numbers in segments:
        rows = run(
            "SELECT first_rank, last_rank, rows, start, length, checksum FROM blocks "
            "WHERE segment = ? ORDER BY place",
            (number,),
        ).fetchall()
        blocks = Blocks.of([(*row, *numbers, 0, 0) for row in rows])
        run("UPDATE segments SET blocks = ? WHERE number = ?", (blocks.to_bytes(), number))
    run("DROP TABLE blocks")


def _mark(connection: sqlite3.Connection, query: str) -> None:
    """Add the rows of a query to the log, with marks."""
    rows = connection.execute(query)
    while some := rows.fetchmany(AT_ONCE):
        connection.executemany(INSERT, marked(some))
