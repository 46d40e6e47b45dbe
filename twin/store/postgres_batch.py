"""Work out what a batch adds to the statements that are there already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from twin.store.columns import key_order, starts_of
from twin.store.loading import Coded
from twin.store.postgres_schema import FOREVER
from twin.store.ranges import check_numbers
from twin.store.records import Observation

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Batch:
    """Statements as columns; names are replaced by their numbers.

    Attributes
    ----------
    point, time, source, quality, version : (n,) int64
    value : (n,) float64
        NaN is a gap.
    """

    point: Integers
    time: Integers
    value: Floats
    source: Integers
    quality: Integers
    version: Integers

    def __len__(self) -> int:
        """Return the number of statements."""
        return len(self.time)

    def part(self, chosen: slice | NDArray[np.bool_] | Integers) -> Self:
        """Return some of the statements."""
        return type(self)(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


@dataclass(frozen=True)
class Held(Batch):
    """Statements in the store, of each point and time in order of arrival.

    Attributes
    ----------
    sequence, revision, stops : (n,) int64
    """

    sequence: Integers
    revision: Integers
    stops: Integers


_NO_NUMBERS = np.empty(0, np.int64)
NOTHING = Held(
    **{f.name: np.empty(0) if f.name == "value" else _NO_NUMBERS for f in fields(Held)}  # type: ignore[arg-type]
)


def joined(parts: Sequence[Held]) -> Held:
    """Return statements one part after another, by number."""
    whole = {
        f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Held)
    }
    order = np.argsort(whole["sequence"], kind="stable")
    return Held(**{name: column[order] for name, column in whole.items()})


@dataclass(frozen=True)
class Settled:
    """What becomes of a batch.

    Attributes
    ----------
    new : (n,) bool
        Whether a row is a statement that was not made before.
    revision, stops : (n,) int64
        As in the store, where ``new``.
    superseded : (k,) int64
        Rows of what was held that stand no more.
    """

    new: NDArray[np.bool_]
    revision: Integers
    stops: Integers
    superseded: Integers


def batch_of(
    rows: Iterable[Observation], points: Mapping[str, int], sources: Mapping[str, int]
) -> Batch:
    """Return observations as columns.

    Raises
    ------
    TableError
        If a time, quality or version is one that no store keeps.
    """
    rows = list(rows)
    time = [row.time for row in rows]
    quality = [int(row.quality) for row in rows]
    version = [row.version for row in rows]
    check_numbers("time", time)
    check_numbers("quality", quality)
    check_numbers("version", version)
    return Batch(
        point=np.array([points[row.point] for row in rows], np.int64),
        time=np.array(time, np.int64),
        value=np.array([row.value for row in rows], np.float64) + 0.0,  # no minus zero
        source=np.array([sources[row.source] for row in rows], np.int64),
        quality=np.array(quality, np.int64),
        version=np.array(version, np.int64),
    )


def numbered(told: Coded, points: Mapping[str, int], sources: Mapping[str, int]) -> Batch:
    """Return a table with the numbers that the store gave the names."""
    of_point = np.array([points[name] for name in told.points], np.int64)
    of_source = np.array([sources[name] for name in told.sources], np.int64)
    columns = told.columns
    return Batch(
        point=of_point[columns["point"]],
        time=columns["time"],
        value=columns["value"],
        source=of_source[columns["source"]],
        quality=columns["quality"],
        version=columns["version"],
    )


def settle(batch: Batch, held: Held, *, learned: int) -> Settled:
    """Work out which rows of a batch say something new and how long it stands.

    Parameters
    ----------
    batch : Batch
        In order of arrival.
    held : Held
        Everything that is known of the points and times of the batch; more does no harm.
    learned : int
        When the batch was learned [microseconds since 1970, UTC].

    Notes
    -----
    Checked against the contract in its simplest words in tests/twin/store.
    """
    count, old = len(batch), len(held)
    new = np.ones(count, bool)
    revision = np.zeros(count, np.int64)
    stops = np.full(count, FOREVER, np.int64)
    nothing = Settled(new, revision, stops, _NO_NUMBERS)
    rivals = _rivals(batch, held)
    if not len(rivals):
        return nothing
    both = {f.name: _picked(f.name, batch, held, rivals) for f in fields(Batch)}
    fresh = rivals >= old
    repeats = fresh & _repeated(both)
    new[rivals[repeats] - old] = False
    # Of the others, what was there and what comes; what stood no more is only counted.
    kept = ~repeats
    rivals, fresh = rivals[kept], fresh[kept]
    starts = starts_of(both["point"][kept], both["time"][kept])
    inside = np.arange(len(rivals)) - np.repeat(
        starts, np.diff(np.append(starts, len(rivals)))
    )
    revision[rivals[fresh] - old] = inside[fresh]
    ends = np.full(len(rivals), FOREVER)
    ends[~fresh] = held.stops[rivals[~fresh]]
    stands = fresh | (ends == FOREVER)
    gone = np.zeros(len(rivals), bool)
    gone[_ended(stands, inside, both["version"][kept])] = True
    ends[gone] = learned
    stops[rivals[fresh] - old] = ends[fresh]
    return Settled(new, revision, stops, rivals[~fresh & gone])


def newest(batch: Batch, stands: NDArray[np.bool_]) -> Integers:
    """Return the rows with the newest value of each point, of those that stand."""
    rows = np.flatnonzero(stands & ~np.isnan(batch.value))
    rows = rows[np.lexsort((batch.time[rows], batch.point[rows]))]
    point = batch.point[rows]
    last = np.ones(len(rows), bool)
    last[:-1] = point[1:] != point[:-1]
    return rows[last]


def _rivals(batch: Batch, held: Held) -> Integers:
    """Return the places, held ones first, of all that share point and time with a new one.

    By point, time and order of arrival; a new one counts on from those held.
    """
    point = np.concatenate([held.point, batch.point])
    time = np.concatenate([held.time, batch.time])
    found = key_order(point, time)
    order: Integers = np.arange(len(point)) if found is None else found
    starts = starts_of(point[order], time[order])
    counts = np.diff(np.append(starts, len(order)))
    if not len(counts) or counts.max() == 1:
        return _NO_NUMBERS
    # The last to arrive of each tells whether any is new.
    due = (counts > 1) & (order[starts + counts - 1] >= len(held))
    return order[np.repeat(due, counts)]


def _picked(name: str, batch: Batch, held: Held, rows: Integers) -> NDArray[Any]:
    """Return rows of a column, held ones before new ones."""
    column: NDArray[Any] = np.concatenate([getattr(held, name), getattr(batch, name)])
    return column[rows]


def _repeated(rows: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Say which rows say what an earlier one of the same point and time says."""
    # All gaps are equal here, as bits.
    value = np.where(np.isnan(rows["value"]), np.nan, rows["value"]).view(np.int64)
    keys = [value, *(rows[name] for name in ("source", "quality", "version"))]
    group = np.zeros(len(value), np.int64)
    group[starts_of(rows["point"], rows["time"])[1:]] = 1
    keys.append(np.cumsum(group))
    order = np.lexsort([np.arange(len(value)), *keys])
    equal = np.ones(len(value) - 1, bool)
    for key in keys:
        equal &= key[order[1:]] == key[order[:-1]]
    repeated = np.zeros(len(value), bool)
    repeated[order[1:][equal]] = True
    return repeated


def _ended(stands: NDArray[np.bool_], inside: Integers, version: Integers) -> Integers:
    """Return which rows of those that may stand do so no more.

    Parameters
    ----------
    stands : (n,) bool
        Held ones that stand and all new ones, by point, time and order of arrival.
    inside : (n,) int
        Place among those of the same point and time.
    version : (n,) int
    """
    rows: Integers = np.flatnonzero(stands)
    group: Integers = np.cumsum(inside == 0)[rows]
    same: NDArray[np.bool_] = group[1:] == group[:-1]
    rising = version[rows[1:]] >= version[rows[:-1]]
    if (rising | ~same).all():
        # Each supersedes the one before it.
        ends: Integers = rows[:-1][same]
        return ends
    fallen = np.isin(group, group[1:][same & ~rising])
    last = np.append(~same, True)
    gone = ~last & ~fallen
    # Of a group the highest version stands at the end, of equal ones the last to arrive.
    some = np.flatnonzero(fallen)
    order = np.lexsort((some, version[rows[some]], group[some]))
    beaten = np.append(group[some][order][1:] == group[some][order][:-1], False)
    gone[some[order[beaten]]] = True
    return rows[gone]
