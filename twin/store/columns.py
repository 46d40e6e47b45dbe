"""Sort statements that lie in columns into what stands, and sum it up."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Columns = dict[str, NDArray[Any]]
"""Columns of equal length by name: ``point`` and ``source`` as numbers, NaN is a gap."""

FOREVER = 2**63 - 1
"""Stands where a statement was not superseded."""

KINDS: Mapping[str, type] = {
    "value": np.float64,
    "point": np.int64,
    "time": np.int64,
    "source": np.int64,
    "quality": np.int64,
    "version": np.int64,
    "sequence": np.int64,
    "known": np.int64,
    "revision": np.int64,
    "superseded": np.int64,
    "mark": np.int64,
}


def empty(names: Iterable[str]) -> Columns:
    """Return columns without rows."""
    return {name: np.empty(0, KINDS[name]) for name in names}


def from_rows(rows: Sequence[tuple[object, ...]], names: Sequence[str]) -> Columns:
    """Return rows of a database as columns; None becomes NaN in ``value``."""
    if not rows:
        return empty(names)
    return {
        name: np.array(column, KINDS[name])
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def joined(pieces: Sequence[Columns], names: Iterable[str]) -> Columns:
    """Return some columns of pieces one after another."""
    if len(pieces) == 1:
        return {name: pieces[0][name] for name in names}
    if not pieces:
        return empty(names)
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in names}


def taken(columns: Columns, rows: IntArray | BoolArray | slice) -> Columns:
    """Return some of the rows; of a slice they are not copied."""
    return {name: column[rows] for name, column in columns.items()}


def key_order(group: IntArray, time: IntArray) -> IntArray | None:
    """Return the stable order by group, then time; None where it is so already.

    Parameters
    ----------
    group : (n,) int
        Not negative.
    time : (n,) int

    Returns
    -------
    (n,) int or None
    """
    if not len(group):
        return None
    low, last = int(time.min()), int(group.max())
    span = int(time.max()) - low + 1
    if span * (last + 1) < FOREVER:
        key = group * span + (time - low) if last else time
        if (key[1:] >= key[:-1]).all():
            return None
        # Pieces are sorted in themselves, which this sort finds out and merges.
        return np.argsort(key, kind="stable")
    return np.lexsort((time, group))


def starts_of(group: IntArray, time: IntArray) -> IntArray:
    """Return where each new pair of group and time begins, of sorted ones."""
    if not len(group):
        return np.empty(0, np.int64)
    change = (group[1:] != group[:-1]) | (time[1:] != time[:-1])
    return np.concatenate([[0], np.flatnonzero(change) + 1])


def any_twice(group: IntArray, time: IntArray) -> bool:
    """Say whether any pair of group and time is there twice, of sorted ones."""
    twice = time[1:] == time[:-1]
    # Mostly no two times are the same, and groups need not be looked at.
    return bool(twice.any() and (twice & (group[1:] == group[:-1])).any())


def standing_rows(
    group: IntArray, time: IntArray, version: IntArray, sequence: IntArray
) -> IntArray:
    """Return which of all rows stand, by group, then time.

    Of each group and time the highest version stands, of equal ones the last to arrive.
    """
    order = np.lexsort((sequence, version, time, group))
    starts = starts_of(group[order], time[order])
    ends = np.append(starts[1:], len(order)) - 1
    return order[ends] if len(order) else order


def superseded_by(columns: Columns, group: IntArray) -> tuple[IntArray, IntArray]:
    """Return the order of rows in a segment, and when each ceased to stand.

    Parameters
    ----------
    columns : Columns
        Statements, at least ``time``, ``version``, ``sequence`` and ``known``.
    group : (n,) int
        What to sort by first.

    Returns
    -------
    order : (n,) int
        By group, time and sequence.
    superseded : (n,) int
        In that order: when a statement that outranks the row was learned, `FOREVER` while
        it stands. One that never stood has the time it was learned itself.
    """
    time, version = columns["time"], columns["version"]
    sequence, known = columns["sequence"], columns["known"]
    order = key_order(group, time)
    order = np.arange(len(group)) if order is None else order
    starts = starts_of(group[order], time[order])
    until = np.full(len(order), FOREVER)
    if len(starts) == len(order):
        return order, until
    order = np.lexsort((sequence, time, group))
    inside = np.arange(len(order)) - np.repeat(
        starts, np.diff(np.append(starts, len(order)))
    )
    version, known = version[order], known[order]
    # Mostly versions rise as they arrive, and each statement supersedes the one before.
    outranks = (inside[1:] > 0) & (version[1:] >= version[:-1])
    until[:-1][outranks] = known[1:][outranks]
    fallen = np.flatnonzero((inside[1:] > 0) & ~outranks) + 1
    for start in np.unique(fallen - inside[fallen]).tolist():
        standing = start
        place = start + 1
        while place < len(order) and inside[place]:
            over = version[place] >= version[standing]
            until[standing if over else place] = known[place]
            standing = place if over else standing
            place += 1
        until[standing] = FOREVER
    return order, until


def summed_up(
    group: IntArray, time: IntArray, value: NDArray[np.float64], start: int, step: int
) -> Columns:
    """Sum up values in steps, by group, then start.

    Parameters
    ----------
    group, time : (n,) int
        Sorted by group, then time.
    value : (n,) float
        NaN, a gap, is left out.
    start, step : int
        First step and its length, in the unit of ``time``.

    Returns
    -------
    Columns
        ``group``, ``start``, ``count``, ``mean``, ``low``, ``high`` and ``last`` of each
        step that has a value.
    """
    gap = np.isnan(value)
    if gap.any():
        group, time, value = group[~gap], time[~gap], value[~gap]
    bucket = (time - start) // step
    starts = starts_of(group, bucket)
    if not len(starts):
        whole = {name: np.empty(0, np.int64) for name in ("group", "start", "count")}
        return whole | {name: np.empty(0) for name in ("mean", "low", "high", "last")}
    ends = np.append(starts[1:], len(value))
    count = ends - starts
    return {
        "group": group[starts],
        "start": bucket[starts] * step + start,
        "count": count,
        "mean": np.add.reduceat(value, starts) / count,
        "low": np.minimum.reduceat(value, starts),
        "high": np.maximum.reduceat(value, starts),
        "last": value[ends - 1],
    }
