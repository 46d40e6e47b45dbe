"""Read what stands, or stood, from the hot log and the history together."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.store.columns import (
    FOREVER,
    BoolArray,
    Columns,
    IntArray,
    empty,
    from_rows,
    joined,
    key_order,
    standing_rows,
    starts_of,
    taken,
)
from twin.store.manifest import Manifest
from twin.store.schema import COLUMNS
from twin.store.segments import Segment

FEW = 400
"""Points that a question to the hot log names one by one."""

MANY = 20_000
"""Corrected keys beyond which all rows are read again with their ranks."""

WINDOWS = (3_600_000_000, 86_400_000_000, 30 * 86_400_000_000)
"""How far back the newest value is looked for, step by step [microseconds]."""

LEAST, MOST = -(2**62), 2**62
"""Times that stand for no bound."""


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
        columns = joined(self._pieces(wanted, needed), needed)
        group = columns["point"]
        if wanted.points is not None:
            group = self._places(wanted.points)[group]
        if wanted.every:
            return columns | {"group": group}
        order = key_order(group, columns["time"])
        if order is not None:
            columns, group = taken(columns, order), group[order]
        starts = starts_of(group, columns["time"])
        if len(starts) == len(group):
            return columns | {"group": group}
        if {"version", "sequence"} <= set(needed):
            stands = standing_rows(
                group, columns["time"], columns["version"], columns["sequence"]
            )
            return taken(columns | {"group": group}, stands)
        return self._settled(wanted, columns | {"group": group}, starts, list(names))

    def _settled(
        self, wanted: Wanted, columns: Columns, starts: IntArray, names: list[str]
    ) -> Columns:
        """Return what stands of sorted rows, some keys of which have several statements.

        Corrections are rare: only where there are some, it is read who outranks whom.
        """
        counts = np.diff(np.append(starts, len(columns["time"])))
        several = starts[counts > 1]
        if len(several) > MANY:
            return self.read(wanted, [*names, "version", "sequence"])
        group, time = columns["group"][several], columns["time"][several]
        points = np.unique(columns["point"][several])
        few = Wanted(int(time.min()), int(time.max()) + 1, points, wanted.known_at)
        settled = self.read(few, [*names, "version", "sequence"])
        if wanted.points is None:
            settled["group"] = settled["point"]
        else:
            settled["group"] = self._places(wanted.points)[settled["point"]]
        keys = set(zip(group.tolist(), time.tolist(), strict=True))
        held = zip(settled["group"].tolist(), settled["time"].tolist(), strict=True)
        due = np.fromiter((key in keys for key in held), bool, len(settled["time"]))
        once = taken(columns, np.repeat(counts == 1, counts))
        both = joined([once, taken({n: settled[n] for n in once}, due)], once)
        order = key_order(both["group"], both["time"])
        return both if order is None else taken(both, order)

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

    def after(self, sequence: int, count: int) -> Columns:
        """Return statements after a number, in order of arrival, ``count`` at most."""
        hot = self.connection.execute(
            f"SELECT {', '.join(COLUMNS)} FROM observations WHERE sequence > ? "
            "ORDER BY sequence LIMIT ?",
            (sequence, count),
        ).fetchall()
        pieces = [from_rows(hot, COLUMNS)]
        bound = _reach(pieces[0]["sequence"], count)
        segments = [s for s in self.manifest.segments if s.last_sequence > sequence]
        for segment in sorted(segments, key=lambda one: one.first_sequence):
            if segment.first_sequence > bound:
                continue
            places = self.manifest.places(segment, None)
            numbers = self.manifest.read_blocks(segment, places, ["sequence"])["sequence"]
            due = (numbers > sequence) & (numbers <= bound)
            if not due.any():
                continue
            rows = taken(self.manifest.read_blocks(segment, places, list(COLUMNS)), due)
            pieces.append(taken(rows, np.argsort(rows["sequence"])[:count]))
            bound = _reach(np.concatenate([one["sequence"] for one in pieces]), count)
        columns = joined(pieces, COLUMNS)
        return taken(columns, np.argsort(columns["sequence"], kind="stable")[:count])

    def has_history(self, wanted: Wanted) -> bool:
        """Say whether any segment is needed."""
        return bool(self._blocks(wanted))

    def _pieces(self, wanted: Wanted, names: list[str]) -> list[Columns]:
        """Return what each segment and the hot log have of it."""
        member = None if wanted.points is None else self._places(wanted.points) >= 0
        pieces = []
        for segment, places in self._blocks(wanted):
            stood = not wanted.every and segment.superseded > 0
            as_known = wanted.known_at is not None and wanted.known_at < segment.last_known
            extra = ["superseded"] * stood + ["known"] * as_known
            read = list(dict.fromkeys([*names, *extra]))
            columns = self.manifest.read_blocks(segment, places, read)
            keep = _within(columns["time"], segment.first, segment.last, wanted)
            if member is not None:
                keep = _both(keep, member[columns["point"]])
            if as_known:
                keep = _both(keep, columns["known"] <= wanted.known_at)
            if stood:
                limit = FOREVER - 1 if wanted.known_at is None else wanted.known_at
                keep = _both(keep, columns["superseded"] > limit)
            columns = {name: columns[name] for name in names}
            pieces.append(columns if keep is None or keep.all() else taken(columns, keep))
        hot = self.hot(wanted, names)
        if len(hot["point"]):
            if member is not None:
                hot = taken(hot, member[hot["point"]])
            pieces.append(hot)
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
        where = "time >= ? AND time < ?"
        values = [wanted.start, wanted.end]
        if wanted.known_at is not None:
            where += " AND known <= ?"
            values.append(wanted.known_at)
        if wanted.points is not None and len(wanted.points) <= FEW:
            where += f" AND point IN ({', '.join(map(str, wanted.points.tolist()))})"
        rows = self.connection.execute(
            f"SELECT {', '.join(names)} FROM observations WHERE {where}", values
        )
        return from_rows(rows.fetchall(), names)

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


def _within(time: IntArray, first: int, last: int, wanted: Wanted) -> BoolArray | None:
    """Say which times are asked for; None where all of a segment are."""
    if wanted.start <= first and last < wanted.end:
        return None
    inside: BoolArray = (time >= wanted.start) & (time < wanted.end)
    return inside


def _both(keep: BoolArray | None, more: BoolArray) -> BoolArray:
    """Join two choices, the first of which may be all."""
    return more if keep is None else keep & more


def _reach(numbers: IntArray, count: int) -> int:
    """Return the largest number that can be among the first ``count``."""
    if len(numbers) < count or not count:
        return FOREVER
    return int(np.partition(numbers, count - 1)[count - 1])
