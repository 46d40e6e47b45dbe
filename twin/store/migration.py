"""Turn a file of version 1 into one of this version."""

import sqlite3

from twin.store import catalogue
from twin.store.records import Refused
from twin.store.schema import LAYOUT, VERSION

OLD = ("points", "sources", "observations", "current", "quarantine")
"""Tables of version 1."""


def migrate(connection: sqlite3.Connection) -> None:
    """Lay a file of version 1 out anew, within the caller's transaction.

    Every statement keeps its number, time and revision. Version 1 knew neither quality
    nor the sender's version: both become 0, and the last to arrive stands, as it did.
    """
    run = connection.execute
    for trigger in ("observations_stand", "observations_stay"):
        run(f"DROP TRIGGER IF EXISTS {trigger}")
    run("DROP INDEX IF EXISTS corrections")
    for name in OLD:
        run(f"ALTER TABLE {name} RENAME TO old_{name}")
    for statement in LAYOUT:
        run(statement)
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
    run(
        "INSERT INTO observations SELECT sequence, point, time, value, source, 0, 0, "
        "known, revision FROM old_observations ORDER BY sequence"
    )
    run(
        "INSERT INTO latest(sequence, point, time, value, source, quality, version, known, "
        "revision) SELECT c.sequence, c.point, c.time, c.value, c.source, 0, 0, c.known, "
        "c.revision FROM old_points p CROSS JOIN old_current c ON c.point = p.number AND "
        "c.time = (SELECT max(n.time) FROM old_current n WHERE n.point = p.number "
        "AND n.value IS NOT NULL)"
    )
    rows = run(
        "SELECT reason, message, row, first_known, last_known, times FROM old_quarantine "
        "ORDER BY number"
    ).fetchall()
    for reason, message, row, first, last, times in rows:
        refused = Refused(0, reason, message, row)
        catalogue.keep_refused(connection, refused, first=first, last=last, times=times)
    for name in reversed(OLD):
        run(f"DROP TABLE old_{name}")
    run(f"PRAGMA user_version={VERSION}")
