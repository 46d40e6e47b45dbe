"""Read what stands, or stood, from the hot log and the history together."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.store.columns import (
    FOREVER,
    BoolArray,
    Columns,
    IntArray,
    any_twice,
    empty,
    joined,
    key_order,
    standing_rows,
    taken,
)
from twin.store.manifest import Manifest
from twin.store.marks import MARKED, checked
from twin.store.schema import COLUMNS
from twin.store.segments import Segment

FEW = 400
"""Points that a question to the hot log names one by one."""

WINDOWS = (3_600_000_000, 86_400_000_000, 30 * 86_400_000_000)
"""How far back the newest value is looked for, step by step [microseconds]."""

LEAST, MOST = -(2**62), 2**62
"""Times that stand for no bound."""

SEEK = 10
"""How many rows of an index are passed in the time that one is looked up."""

MOST_TIMES = 5_000
"""Times of the hot log that are asked for one by one at most."""

TIMES = """
WITH RECURSIVE due(time) AS (
    SELECT min(time) FROM observations WHERE time >= ?1
    UNION ALL
    SELECT (SELECT min(time) FROM observations WHERE time > due.time)
    FROM due WHERE due.time < ?2
) SELECT time FROM due WHERE time < ?2 LIMIT ?3
"""
"""Each time that the hot log has once, jumping from one to the next in its index."""


@dataclass(frozen=True)
class Wanted:
    """A question.

    Attributes
    ----------
    start, end : int
        ``start <= time < end``.
    points : (n,) int, optional
        Numbers, in the order wanted; default all, by number.
    known_at : int, optional
        As known when; default now.
    every : bool
        All statements, not only what stands.
    """

    start: int
    end: int
    points: IntArray | None = None
    known_at: int | None = None
    every: bool = False


@dataclass(frozen=True)
class Shelves:
    """Where statements lie.

    Attributes
    ----------
    connection : sqlite3.Connection
    manifest : Manifest
    ranks : (p + 1,) int
        Of `twin.store.manifest.read_ranks`.
    """

    connection: sqlite3.Connection
    manifest: Manifest
    ranks: IntArray

    def read(self, wanted: Wanted, names: Sequence[str]) -> Columns:
        """Return statements by point, then time; with ``every`` in no order.

        Parameters
        ----------
        wanted : Wanted
        names : sequence of str
            Columns to read; ``group`` is returned besides, the place of each row's point
            among those wanted, or its number.

        Returns
        -------
        Columns
        """
        needed = list(dict.fromkeys(["point", "time", *names]))
        hot = self.hot(wanted, COLUMNS)
        pieces = self._pieces(wanted, needed, hot)
        if wanted.points is not None and len(wanted.points) == 1:
            # A number of all rows need not lie in memory once a row.
            columns = joined(pieces, [name for name in needed if name != "point"])
            count = len(columns["time"])
            columns["point"] = np.broadcast_to(wanted.points, count)
            group = np.broadcast_to(np.int64(0), count)
        else:
            columns = joined(pieces, needed)
            group = columns["point"]
            if wanted.points is not None:
                group = self._places(wanted.points)[group]
        if wanted.every:
            return columns | {"group": group}
        order = key_order(group, columns["time"])
        if order is not None:
            columns, group = taken(columns, order), group[order]
        if not any_twice(group, columns["time"]):
            return columns | {"group": group}
        # Corrections are rare: only where there are some, it is read who outranks whom.
        outranks = ["version", "sequence"]
        ranks = columns
        if not set(outranks) <= set(needed):
            ranks = joined(self._pieces(wanted, outranks, hot), outranks)
            ranks = ranks if order is None else taken(ranks, order)
        return taken(columns | {"group": group}, _standing(group, columns["time"], ranks))

    def newest(self, points: IntArray, until: int | None, known_at: int | None) -> Columns:
        """Return the newest value of each point that has one, by place in ``points``."""
        left = np.unique(points)
        end = MOST if until is None else until + 1
        bounds = self._span(left, end)
        found: list[Columns] = []
        for window in (*WINDOWS, None):
            if bounds is None or not len(left):
                break
            first, last = bounds
            start = first if window is None else max(first, last + 1 - window)
            rows = self.read(Wanted(start, min(end, last + 1), left, known_at), COLUMNS)
            rows = taken(rows, ~np.isnan(rows["value"]))
            ends = np.flatnonzero(np.append(rows["point"][1:] != rows["point"][:-1], True))
            rows = taken(rows, ends[: len(rows["point"])])
            found.append(rows)
            left = np.setdiff1d(left, rows["point"])
            if start <= first:
                break
        columns = joined(found, [*COLUMNS, "group"]) if found else empty(COLUMNS)
        place = self._places(points)[columns["point"]]
        return taken(columns, np.argsort(place, kind="stable"))

    def has_history(self, wanted: Wanted) -> bool:
        """Say whether any segment is needed."""
        return bool(self._blocks(wanted))

    def _pieces(self, wanted: Wanted, names: list[str], hot: Columns) -> list[Columns]:
        """Return what each segment and the hot log have of it, in the same order always."""
        member = None if wanted.points is None else self._places(wanted.points) >= 0
        pieces = []
        for segment, places in self._blocks(wanted):
            stood = not wanted.every and segment.superseded > 0
            as_known = wanted.known_at is not None and wanted.known_at < segment.last_known
            extra = ["superseded"] * stood + ["known"] * as_known
            cut = segment.first < wanted.start or segment.last >= wanted.end
            mixed = member is not None and not self.manifest.is_single(segment, places)
            extra += ["time"] * cut + ["point"] * mixed
            read = list(dict.fromkeys([*names, *extra]))
            columns = self.manifest.read_blocks(segment, places, read)
            keep: BoolArray | None = None
            if cut:
                time = columns["time"]
                keep = (time >= wanted.start) & (time < wanted.end)
            if member is not None and mixed:
                keep = _both(keep, member[columns["point"]])
            if as_known:
                keep = _both(keep, columns["known"] <= wanted.known_at)
            if stood:
                known_at = FOREVER if wanted.known_at is None else wanted.known_at
                limit = min(known_at, FOREVER - 1)
                keep = _both(keep, columns["superseded"] > limit)
            columns = {name: columns[name] for name in names}
            pieces.append(columns if keep is None or keep.all() else taken(columns, keep))
        if len(hot["point"]):
            own = {name: hot[name] for name in names}
            pieces.append(own if member is None else taken(own, member[hot["point"]]))
        return pieces

    def _blocks(self, wanted: Wanted) -> list[tuple[Segment, list[int]]]:
        """Return the segments and blocks that can hold rows of it."""
        ranks = None
        if wanted.points is not None:
            ranks = np.sort(self.ranks[wanted.points])
        found = []
        for segment in self.manifest.overlapping(wanted.start, wanted.end):
            if wanted.known_at is not None and segment.first_known > wanted.known_at:
                continue
            places = self.manifest.places(segment, ranks)
            if places:
                found.append((segment, places))
        return found

    def hot(self, wanted: Wanted, names: Sequence[str]) -> Columns:
        """Return what the hot log has, of all points where they are many."""
        source = "observations"
        where = "time >= ? AND time < ?"
        values: list[int | str] = [wanted.start, wanted.end]
        if wanted.points is not None and len(wanted.points) <= FEW:
            times = self._hot_times(wanted, len(wanted.points))
            if times is not None:
                # CROSS JOIN keeps SQLite from turning the loops round.
                asked = "(SELECT value AS due FROM json_each(?))"
                source = f"{asked} CROSS JOIN observations"
                where, values = "time = due", [times]
            where += f" AND point IN ({', '.join(map(str, wanted.points.tolist()))})"
        if wanted.known_at is not None:
            where += " AND known <= ?"
            values.append(wanted.known_at)
        rows = self.connection.execute(
            f"SELECT {', '.join(MARKED)} FROM {source} WHERE {where}", values
        )
        columns = checked(self.connection, rows.fetchall())
        return {name: columns[name] for name in names}

    def _hot_times(self, wanted: Wanted, points: int) -> str | None:
        """Return the times that the hot log has, as JSON; None if they are too many.

        Its index begins with the time: few points of many times are found by asking for
        each time and point, which pays while most points report at the same times. A
        million rows of 200 times: 10 ms instead of 150 ms for 25 points.
        """
        first, last = self.connection.execute(
            "SELECT (SELECT min(sequence) FROM observations), "
            "(SELECT max(sequence) FROM observations)"
        ).fetchone()
        # Points that the store never heard of have no number.
        if first is None or not points:
            return None
        limit = min(MOST_TIMES, (last - first) // (SEEK * points))
        rows = self.connection.execute(TIMES, (wanted.start, wanted.end, limit + 1))
        times = [row[0] for row in rows]
        return None if len(times) > limit else json.dumps(times)

    def _places(self, points: IntArray) -> IntArray:
        """Return the place of each number among those wanted, -1 of others."""
        places = np.full(len(self.ranks), -1, np.int64)
        places[points] = np.arange(len(points))
        return places

    def _span(self, points: IntArray, end: int) -> tuple[int, int] | None:
        """Return the first and last time before an end, of all points."""
        del points
        times = [
            (one.first, min(one.last, end - 1))
            for one in self.manifest.segments
            if one.first < end
        ]
        first = self.connection.execute("SELECT min(time) FROM observations").fetchone()[0]
        last = self.connection.execute(
            "SELECT max(time) FROM observations WHERE time < ?", (end,)
        ).fetchone()[0]
        if last is not None:
            times.append((first, last))
        if not times:
            return None
        return min(low for low, _ in times), max(high for _, high in times)


def _standing(group: IntArray, time: IntArray, ranks: Columns) -> BoolArray:
    """Say which rows stand, of sorted ones, some keys of which have several."""
    same = (group[1:] == group[:-1]) & (time[1:] == time[:-1])
    twice = np.zeros(len(group), bool)
    twice[1:] = same
    twice[:-1] |= same
    rows = np.flatnonzero(twice)
    best = standing_rows(
        group[rows], time[rows], ranks["version"][rows], ranks["sequence"][rows]
    )
    stands = ~twice
    stands[rows[best]] = True
    return stands


def _both(keep: BoolArray | None, more: BoolArray) -> BoolArray:
    """Join two choices, the first of which may be all."""
    return more if keep is None else keep & more
