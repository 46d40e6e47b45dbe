"""Number names, keep editions and the quarantine of the embedded store."""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from twin.store.records import Edition, Quarantined, Refused

NEVER = -(2**63)
"""Stands where nothing was sealed yet."""


def building_of(point: str) -> str:
    """Return the building that an id of a point begins with.

    Examples
    --------
    >>> building_of("heidi-064/pv/power")
    'heidi-064'
    """
    return point.partition("/")[0]


@dataclass
class Names:
    """What one connection remembers of the numbers of names.

    Attributes
    ----------
    connection : sqlite3.Connection
    buildings : mapping of str to str
        Building of each point whose id does not begin with it.
    points : dict of str to (int, int)
        Number, and the last time that is sealed.
    sources : dict of str to int
    seen : int
        SQLite's count of other connections' changes when this was read.
    """

    connection: sqlite3.Connection
    buildings: Mapping[str, str] = field(default_factory=dict)
    points: dict[str, tuple[int, int]] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    seen: int = -1

    def refresh(self) -> None:
        """Forget everything if another connection has written since."""
        found = int(self.connection.execute("PRAGMA data_version").fetchone()[0])
        if found != self.seen:
            self.forget()
            self.seen = found

    def forget(self) -> None:
        """Forget what may have been rolled back or changed."""
        self.points.clear()
        self.sources.clear()

    def number_points(self, names: Iterable[str]) -> None:
        """Know all these points; unknown ones get the next numbers in this order."""
        run = self.connection.execute
        for name in dict.fromkeys(name for name in names if name not in self.points):
            found = run(
                "SELECT number, sealed FROM points WHERE name=?", (name,)
            ).fetchone()
            if found is None:
                building = self.buildings.get(name) or building_of(name)
                run("INSERT OR IGNORE INTO buildings(name) VALUES (?)", (building,))
                added = run(
                    "INSERT INTO points(name, building) "
                    "SELECT ?, number FROM buildings WHERE name = ?",
                    (name, building),
                )
                found = added.lastrowid, NEVER
            self.points[name] = int(found[0]), int(found[1])

    def number_sources(self, names: Iterable[str]) -> None:
        """Know all these sources; unknown ones get the next numbers in this order."""
        run = self.connection.execute
        for name in dict.fromkeys(name for name in names if name not in self.sources):
            found = run("SELECT number FROM sources WHERE name=?", (name,)).fetchone()
            if found is None:
                added = run("INSERT INTO sources(name) VALUES (?)", (name,))
                found = (added.lastrowid,)
            self.sources[name] = int(found[0])


def all_points(connection: sqlite3.Connection) -> dict[int, str]:
    """Return the names of all points by number, in the order of first arrival."""
    names = connection.execute("SELECT name FROM points ORDER BY number").fetchall()
    (last,) = connection.execute("SELECT max(number) FROM points").fetchone()
    if last == len(names):
        # As nearly always: reading the numbers too would take half as long again.
        return {number: name for number, (name,) in enumerate(names, 1)}
    return dict(
        connection.execute("SELECT number, name FROM points ORDER BY number").fetchall()
    )


def all_sources(connection: sqlite3.Connection) -> dict[int, str]:
    """Return the names of all sources by number, in the order of first arrival."""
    return dict(
        connection.execute("SELECT number, name FROM sources ORDER BY number").fetchall()
    )


# -- editions ---------------------------------------------------------------------------


def read_editions(connection: sqlite3.Connection) -> list[Edition]:
    """Return all editions in order of arrival."""
    rows = connection.execute(
        "SELECT valid_from, geometry, model, number, known FROM editions ORDER BY number"
    )
    return [Edition(*row) for row in rows]


def find_edition(
    connection: sqlite3.Connection, *, at: int | None, known_at: int | None
) -> Edition | None:
    """Return the edition that was valid at a time, as was known at another."""
    row = connection.execute(
        "SELECT valid_from, geometry, model, number, known FROM editions "
        "WHERE valid_from <= ? AND known <= ? "
        "ORDER BY valid_from DESC, number DESC LIMIT 1",
        (2**63 - 1 if at is None else at, 2**63 - 1 if known_at is None else known_at),
    ).fetchone()
    return None if row is None else Edition(*row)


def keep_edition(connection: sqlite3.Connection, edition: Edition, learned: int) -> bool:
    """Add an edition; False if the one valid then says the same."""
    held = find_edition(connection, at=edition.valid_from, known_at=None)
    if held and (held.geometry, held.model) == (edition.geometry, edition.model):
        return False
    connection.execute(
        "INSERT INTO editions(valid_from, geometry, model, known) VALUES (?, ?, ?, "
        "max(?, coalesce((SELECT max(known) FROM editions), ?)))",
        (edition.valid_from, edition.geometry, edition.model, learned, learned),
    )
    return True


# -- quarantine -------------------------------------------------------------------------

QUARANTINED = (
    "place, reason, message, row, origin, form, payload, "
    "first_known, last_known, times, released"
)


def digest(row: Refused) -> bytes:
    """Return what tells one refused row from another."""
    parts = (row.reason, row.row, row.origin, row.form)
    return hashlib.sha256(b"".join(map(_counted, parts)) + row.payload).digest()


def _counted(part: str) -> bytes:
    """Return a text with its length before it."""
    content = part.encode("utf-8", "surrogatepass")
    return len(content).to_bytes(8, "big") + content


def keep_refused(
    connection: sqlite3.Connection,
    row: Refused,
    *,
    first: int,
    last: int,
    times: int = 1,
    released: int | None = None,
) -> None:
    """Keep a refused row; the same again is counted, not kept twice, and waits anew."""
    connection.execute(
        f"INSERT INTO quarantine(digest, {QUARANTINED}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) "
        "ON CONFLICT(digest) DO UPDATE SET times = times + excluded.times, "
        "last_known = excluded.last_known, released = excluded.released",
        (
            digest(row),
            row.number,
            row.reason,
            row.message,
            row.row,
            row.origin,
            row.form,
            row.payload,
            first,
            last,
            times,
            released,
        ),
    )


def read_quarantine(
    connection: sqlite3.Connection, *, count: int, reason: str | None, waiting: bool
) -> list[Quarantined]:
    """Return refused rows, the newest first."""
    where = ["TRUE"]
    values: list[object] = []
    if reason is not None:
        where.append("reason = ?")
        values.append(reason)
    if waiting:
        where.append("released IS NULL")
    rows = connection.execute(
        "SELECT number, reason, message, row, origin, form, payload, first_known, "
        f"last_known, times, released FROM quarantine WHERE {' AND '.join(where)} "
        "ORDER BY last_known DESC, number DESC LIMIT ?",
        (*values, count),
    )
    return [Quarantined(*row) for row in rows]


def release_rows(
    connection: sqlite3.Connection, numbers: Sequence[int], learned: int
) -> int:
    """Mark rows as fed again; return how many were waiting."""
    before = connection.total_changes
    connection.executemany(
        "UPDATE quarantine SET released = ? WHERE number = ? AND released IS NULL",
        [(learned, number) for number in numbers],
    )
    return connection.total_changes - before
