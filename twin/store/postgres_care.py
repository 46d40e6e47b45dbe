"""Look after the tables of a twin in PostgreSQL."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from twin.store.postgres_link import Link
from twin.store.postgres_schema import COLUMNS, FOREVER, add_months, month_of
from twin.store.postgres_tables import by_month
from twin.store.postgres_wire import array

_LISTED = ", ".join(COLUMNS)
_DAYS_28 = 28 * 86_400_000_000

_NEWEST = """
    SELECT {columns} FROM unnest(%(points)s::integer[]) w(point) CROSS JOIN LATERAL (
        SELECT * FROM (
            (SELECT * FROM recent WHERE point = w.point AND time <= %(until)s AND
             known <= %(known_at)s AND stops > %(known_at)s AND value IS NOT NULL
             ORDER BY time DESC LIMIT 1)
            UNION ALL
            (SELECT * FROM history WHERE point = w.point AND time <= %(until)s AND
             known <= %(known_at)s AND stops > %(known_at)s AND value IS NOT NULL
             ORDER BY time DESC LIMIT 1)
        ) b ORDER BY time DESC LIMIT 1
    ) s ORDER BY s.point
"""

_STOPS = f"""
    SELECT s.point, s.time, s.revision, CASE
        WHEN s.version < max(s.version) OVER earlier THEN s.known
        ELSE coalesce((
            SELECT n.known FROM statements n WHERE n.point = s.point AND n.time = s.time
            AND n.sequence > s.sequence AND n.version >= s.version
            ORDER BY n.sequence LIMIT 1
        ), {FOREVER})
    END AS stops
    FROM (SELECT DISTINCT point, time FROM statements WHERE revision > 0) c
    JOIN statements s USING (point, time)
    WINDOW earlier AS (PARTITION BY s.point, s.time ORDER BY s.sequence
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
"""
# What is outranked when it comes never stands; else it stands until the first that comes
# later and is not outranked by it.


def newest_query(columns: str) -> str:
    """Return the query for the newest value of each of some points.

    One descent of an index per point in each table: the limits keep the planner from
    reading the years before.
    """
    return _NEWEST.format(columns=columns)


def find_latest(link: Link, points: Sequence[int]) -> None:
    """Find the newest values of points that have none in ``latest``."""
    listed = ", ".join(f"s.{name}" for name in COLUMNS)
    link.run(
        f"INSERT INTO latest({_LISTED}) {newest_query(listed)}",
        {"points": array(points), "until": FOREVER, "known_at": FOREVER - 1},
    )


def compact(link: Link) -> int:
    """Move what came in into the history, by point and time."""
    with link.writing(large=True) as connection:
        # A stretch of 28 days touches two months at most: those of its ends.
        ends = connection.execute(
            f"SELECT min(time), max(time) FROM recent GROUP BY time / {_DAYS_28}"
        ).fetchall()
        times = [int(time) for pair in ends for time in pair]
        if not times:
            return 0
        add_months(connection, times)
        # Deleted and not truncated, as whoever reads a snapshot must still see them here.
        moved = connection.execute(
            "WITH moved AS (DELETE FROM recent RETURNING *) "
            f"INSERT INTO history({_LISTED}) "
            f"SELECT {_LISTED} FROM moved ORDER BY point, time"
        ).rowcount
        connection.execute("UPDATE head SET settled = greatest(settled, %s)", (max(times),))
    link.tend("VACUUM (ANALYZE, SKIP_LOCKED) recent")
    _tidy(link, times)
    return moved


def tidy_history(link: Link, times: NDArray[np.int64]) -> None:
    """Let the planner know of rows that were added to the history."""
    _, of_months = by_month(times, times)
    _tidy(link, of_months)


def _tidy(link: Link, times: Iterable[int]) -> None:
    """Collect statistics of the parts of the history that hold some times."""
    if link.inside:
        return
    there = link.months()
    for name in sorted({month_of(time)[0] for time in times}) if there else ["history"]:
        if name in there or not there:
            link.tend(f"VACUUM (ANALYZE, SKIP_LOCKED) {name}")


def rebuild(link: Link) -> None:
    """Work out again what follows from the statements, and put them in order."""
    with link.writing(large=True) as connection:
        find_stops(link)
        for table in ("recent", "history"):
            connection.execute(
                f"UPDATE {table} t SET stops = {FOREVER} WHERE stops <> {FOREVER} AND "
                "revision = 0 AND NOT EXISTS (SELECT FROM statements s WHERE "
                "s.point = t.point AND s.time = t.time AND s.revision > 0)"
            )
        connection.execute(
            "UPDATE head SET "
            "(first, last) = (SELECT min(time), max(time) FROM statements), "
            "settled = (SELECT max(time) FROM history), "
            "sequence = greatest(sequence, (SELECT max(sequence) FROM statements)), "
            "known = greatest(known, (SELECT max(known) FROM statements))"
        )
        connection.execute("DELETE FROM latest")
        find_latest(link, every_point(link))
    for name in ("recent", "latest", *link.months()):
        index = link.run(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass "
            "AND indisunique ORDER BY indnatts DESC LIMIT 1",
            (name,),
        ).fetchone()
        if index:
            link.tend(f"CLUSTER {name} USING {index[0].split('.')[-1]}")
            link.tend(f"VACUUM (ANALYZE, SKIP_LOCKED) {name}")


def find_stops(link: Link) -> None:
    """Work out again until when statements stand, of points and times with several."""
    for table in ("recent", "history"):
        link.run(
            f"UPDATE {table} t SET stops = r.stops FROM ({_STOPS}) r WHERE "
            "t.point = r.point AND t.time = r.time AND t.revision = r.revision "
            "AND t.stops <> r.stops"
        )


def every_point(link: Link) -> list[int]:
    """Return the numbers of all points."""
    return [
        int(number) for (number,) in link.run("SELECT number FROM points ORDER BY number")
    ]


def retire(link: Link, before: int) -> int:
    """Forget statements of times before another."""
    with link.writing(large=True) as connection:
        gone = 0
        for table in ("recent", "history", "latest"):
            done = connection.execute(f"DELETE FROM {table} WHERE time < %s", (before,))
            gone += done.rowcount if table != "latest" else 0
        if gone:
            first = _first_time(link)
            connection.execute(
                "UPDATE head SET first = %(first)s, "
                "last = CASE WHEN %(first)s::bigint IS NULL THEN NULL ELSE last END",
                {"first": first},
            )
    if gone:
        for name in ("recent", *(link.months() or ["history"])):
            if name == "recent" or name == "history" or name <= month_of(before)[0]:
                link.tend(f"VACUUM (ANALYZE, SKIP_LOCKED) {name}")
    return gone


def _first_time(link: Link) -> int | None:
    """Return the first time of all statements; the months are in order of time."""
    found = [link.run("SELECT min(time) FROM recent").fetchall()[0][0]]
    for name in link.months() or ["history"]:
        time = link.run(f"SELECT min(time) FROM {name}").fetchall()[0][0]
        if time is not None:
            found.append(time)
            break
    return min((int(time) for time in found if time is not None), default=None)
