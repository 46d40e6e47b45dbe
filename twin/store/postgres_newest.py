"""Find the newest value of each point, at any time and as known at any."""

import numpy as np

from twin.store.columns import Columns, IntArray, joined, taken
from twin.store.postgres_latest import FIELDS
from twin.store.postgres_link import Link
from twin.store.postgres_pieces import NOW, Asked, gathered, read, spread
from twin.store.postgres_wire import integers

WINDOWS = (3_600_000_000, 86_400_000_000, 31 * 86_400_000_000)
"""How far back is looked, step by step [microseconds]."""


def newest(
    link: Link, points: IntArray, *, until: int, known_at: int = NOW, kept: bool = True
) -> Columns:
    """Return the newest value of each of some points that has one, in the order given.

    Parameters
    ----------
    link : Link
        In a snapshot or a transaction of a writer.
    points : (n,) int
    until : int
        Last time that counts.
    known_at : int
        As known when.
    kept : bool
        Whether the table of latest values may be believed.
    """
    found = [_still(link, points, until, known_at)] if kept else []
    left = points if not found else np.setdiff1d(points, found[0]["point"])
    span = link.run("SELECT first, last FROM head").fetchone()
    first, last = span or (None, None)
    if first is not None and last is not None:
        end = min(until, last) + 1
        for window in (*WINDOWS, None):
            if not len(left) or end <= first:
                break
            start = first if window is None else max(first, end - window)
            rows = read(link, Asked(start, end, left, known_at), FIELDS)
            rows = taken(rows, ~np.isnan(rows["value"]))
            ends = np.append(rows["point"][1:] != rows["point"][:-1], True)
            rows = taken(rows, np.flatnonzero(ends[: len(rows["point"])]))
            found.append({name: rows[name] for name in FIELDS})
            left = np.setdiff1d(left, rows["point"])
            if start <= first:
                break
    columns = joined(found, FIELDS)
    places = np.zeros(int(points.max(initial=0)) + 1, np.int64)
    places[points] = np.arange(len(points))
    return taken(columns, np.argsort(places[columns["point"]]))


def _still(link: Link, points: IntArray, until: int, known_at: int) -> Columns:
    """Return latest values that were so already: nothing later was heard of their points.

    A later statement may be a gap, or have been taken back since.
    """
    result = link.arrays(
        f"SELECT {gathered(FIELDS)} FROM unnest(%s::integer[]) w(point) "
        "JOIN latest s USING (point) WHERE s.time <= %s AND s.known <= %s "
        "AND NOT EXISTS (SELECT FROM recent r WHERE r.point = s.point AND r.time > s.time) "
        "AND NOT EXISTS (SELECT FROM history h WHERE h.point = s.point "
        "AND h.last > s.time)",
        (integers(points), until, known_at),
    )
    return spread(result, 0, FIELDS)
