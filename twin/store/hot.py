"""Add statements to the hot log and keep the latest values beside it."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twin.store.catalogue import Names
from twin.store.columns import Columns
from twin.store.marks import MARKED, MarkedRow, marked, packed
from twin.store.queries import Shelves
from twin.store.ranges import check_numbers
from twin.store.records import Observation
from twin.store.schema import COLUMNS

Row = tuple[int, int, int, float | None, int, int, int, int, int]
"""A row of ``observations``: the values of `COLUMNS`."""

Key = tuple[int, int]
"""Point and time."""

Content = tuple[int, float | None, int, int]
"""Version, value, source and quality: what makes two statements of a key the same."""

Said = dict[Key, list[Content]]
"""Contents of the statements of each point and time."""

INSERT = f"INSERT INTO observations({', '.join(MARKED)}) VALUES (?,?,?,?,?,?,?,?,?,?)"
TRY = INSERT.replace("INSERT", "INSERT OR IGNORE", 1)

LATEST = (
    "INSERT INTO latest(point, time, sequence, row) VALUES (?,?,?,?) ON CONFLICT(point) "
    "DO UPDATE SET time = excluded.time, sequence = excluded.sequence, row = excluded.row"
)
FORWARD = f"{LATEST} WHERE excluded.time > latest.time"


@dataclass(frozen=True)
class Added:
    """What became of rows."""

    new: int
    repeated: int
    revised: int


def last_number(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return the last number of the store and when it was learned."""
    hot = connection.execute(
        "SELECT sequence, known FROM observations ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    sealed = dict(
        connection.execute(
            "SELECT name, value FROM marks WHERE name IN ('sequence', 'known')"
        ).fetchall()
    )
    if hot is None:
        return int(sealed["sequence"]), int(sealed["known"])
    return max(int(hot[0]), int(sealed["sequence"])), max(int(hot[1]), int(sealed["known"]))


def add(
    connection: sqlite3.Connection,
    names: Names,
    rows: Sequence[Observation],
    *,
    known: int,
    shelves: Callable[[], Shelves],
    recall: Callable[[Sequence[Row]], Said],
) -> Added:
    """Add statements in order of arrival, within the caller's transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
    names : Names
        Those of the connection, refreshed.
    rows : sequence of Observation
    known : int
        When they were learned at the earliest.
    shelves : callable
        Returns where everything lies; called only where a value is corrected.
    recall : callable
        Returns what history says of the keys of rows; called only where it may.

    Returns
    -------
    Added

    Raises
    ------
    TableError
        If a time, quality or version is one that no store keeps.
    """
    if not rows:
        return Added(0, 0, 0)
    check_numbers("time", [row.time for row in rows])
    check_numbers("quality", [row.quality for row in rows])
    check_numbers("version", [row.version for row in rows])
    sequence, latest = last_number(connection)
    learned = max(known, latest)
    points, sources = names.points, names.sources
    unknown = {row.point for row in rows} - points.keys()
    if unknown:
        names.number_points(row.point for row in rows if row.point in unknown)
    names.number_sources(row.source for row in rows)
    made: list[Row] = []
    late: list[Row] = []
    for number, row in enumerate(rows, sequence + 1):
        point, sealed = points[row.point]
        time, value = row.time, row.value
        # NaN, which alone is not itself, is a gap; adding zero turns -0 into 0.
        held = None if value is None or value != value else value + 0.0
        entry = (
            number,
            point,
            time,
            held,
            sources[row.source],
            int(row.quality),
            row.version,
            learned,
            0,
        )
        made.append(entry)
        if time <= sealed:
            late.append(entry)
    if not late:
        before = connection.total_changes
        connection.execute("SAVEPOINT quick")
        due = marked(made)
        connection.executemany(TRY, due)
        if connection.total_changes - before == len(made):
            connection.execute("RELEASE quick")
            _move_forward(connection, due)
            return Added(len(made), 0, 0)
        # Something is said twice, or is no statement at all: look at each.
        connection.execute("ROLLBACK TO quick")
        connection.execute("RELEASE quick")
    return _add_slowly(
        connection, made, sequence, said=recall(late) if late else {}, shelves=shelves
    )


def _add_slowly(
    connection: sqlite3.Connection,
    made: list[Row],
    sequence: int,
    *,
    said: Said,
    shelves: Callable[[], Shelves],
) -> Added:
    """Add rows of which some may have been said before, in history or the hot log."""
    select = (
        "SELECT version, value, source, quality FROM observations "
        "WHERE time = ? AND point = ?"
    )
    asked: set[Key] = set()
    kept: list[Row] = []
    # Rows that stand now, and the highest version of each key that was looked at.
    standing: dict[Key, Row] = {}
    highest: dict[Key, int] = {}
    revised = 0
    for _, point, time, value, source, quality, version, known, _ in made:
        key = point, time
        contents = said.setdefault(key, [])
        if key not in asked:
            asked.add(key)
            contents += connection.execute(select, (time, point)).fetchall()
            if contents:
                highest[key] = max(content[0] for content in contents)
        content = version, value, source, quality
        if content in contents:
            continue
        sequence += 1
        revised += bool(contents)
        row = (sequence, *key, value, source, quality, version, known, len(contents))
        kept.append(row)
        contents.append(content)
        if version >= highest.get(key, version):
            highest[key] = version
            standing[key] = row
    connection.executemany(INSERT, marked(kept))
    _correct(connection, standing, shelves)
    return Added(len(kept) - revised, len(made) - len(kept), revised)


def _correct(
    connection: sqlite3.Connection,
    standing: dict[Key, Row],
    shelves: Callable[[], Shelves],
) -> None:
    """Set the latest values by rows that stand now, some of them instead of others."""
    newest: dict[int, Row] = {}
    gaps: dict[int, list[int]] = {}
    for (point, time), row in standing.items():
        if row[3] is None:
            gaps.setdefault(point, []).append(time)
        elif point not in newest or time > newest[point][2]:
            newest[point] = row
    connection.executemany(
        f"{LATEST} WHERE excluded.time >= latest.time",
        map(packed, marked(list(newest.values()))),
    )
    # Where a gap stands now at the time of the latest value, the one before is looked for.
    query = "SELECT time FROM latest WHERE point = ?"
    lost = []
    for point, times in gaps.items():
        held = connection.execute(query, (point,)).fetchone()
        if held and held[0] in times:
            lost.append(point)
    set_latest(connection, shelves, lost)


def _move_forward(connection: sqlite3.Connection, rows: Iterable[MarkedRow]) -> None:
    """Let newer values of points take the place of older ones.

    The rows are the only statements of their keys, or their points are looked at again.
    """
    newest: dict[int, MarkedRow] = {}
    for row in rows:
        if row[3] is not None:
            held = newest.get(row[1])
            if held is None or row[2] > held[2]:
                newest[row[1]] = row
    connection.executemany(FORWARD, map(packed, newest.values()))


def set_latest(
    connection: sqlite3.Connection, shelves: Callable[[], Shelves], points: Sequence[int]
) -> None:
    """Find the latest values of points from all statements; they may go back in time."""
    if not len(points):
        return
    connection.executemany(
        "DELETE FROM latest WHERE point = ?", [(int(point),) for point in points]
    )
    numbers = np.array(points, np.int64)
    newest = as_rows(shelves().newest(numbers, None, None))
    connection.executemany(LATEST, map(packed, marked(newest)))
    connection.execute("UPDATE marks SET value = value + 1 WHERE name = 'latest'")


def as_lists(columns: Columns) -> dict[str, list[Any]]:
    """Return columns as lists, NaN as None."""
    lists = {name: columns[name].tolist() for name in COLUMNS}
    if np.isnan(columns["value"]).any():
        # NaN is not itself.
        lists["value"] = [None if value != value else value for value in lists["value"]]
    return lists


def as_rows(columns: Columns) -> list[Row]:
    """Return columns as rows of the hot log, NaN as None."""
    return list(zip(*as_lists(columns).values(), strict=True))
