"""Work out what a batch adds to the statements that are there already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from twin.store.postgres_schema import FOREVER
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
    revision, stops : (n,) int64
    """

    revision: Integers
    stops: Integers


_NO_NUMBERS = np.empty(0, np.int64)
NOTHING = Held(
    point=_NO_NUMBERS,
    time=_NO_NUMBERS,
    value=np.empty(0),
    source=_NO_NUMBERS,
    quality=_NO_NUMBERS,
    version=_NO_NUMBERS,
    revision=_NO_NUMBERS,
    stops=_NO_NUMBERS,
)


def joined(parts: Sequence[Held]) -> Held:
    """Return statements one part after another."""
    return Held(
        **{
            f.name: np.concatenate([getattr(p, f.name) for p in parts])
            for f in fields(Held)
        }
    )


@dataclass(frozen=True)
class Settled:
    """What becomes of a batch.

    Attributes
    ----------
    new : (n,) bool
        Whether a row is a statement that was not made before.
    revision, stops : (n,) int64
        As in the tables, where ``new``.
    superseded : tuple of (int, int, int)
        Point, time and revision of held statements that stand no more.
    """

    new: NDArray[np.bool_]
    revision: Integers
    stops: Integers
    superseded: tuple[tuple[int, int, int], ...]


def batch_of(
    rows: Iterable[Observation], points: Mapping[str, int], sources: Mapping[str, int]
) -> Batch:
    """Return observations as columns."""
    rows = list(rows)
    return Batch(
        point=np.array([points[row.point] for row in rows], np.int64),
        time=np.array([row.time for row in rows], np.int64),
        value=np.array([row.value for row in rows], np.float64) + 0.0,  # no minus zero
        source=np.array([sources[row.source] for row in rows], np.int64),
        quality=np.array([int(row.quality) for row in rows], np.int64),
        version=np.array([row.version for row in rows], np.int64),
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
    Most points and times are heard of once; only the others are looked at one by one.
    Checked against the contract in its simplest words in tests/twin/store.
    """
    new = np.ones(len(batch), bool)
    revision = np.zeros(len(batch), np.int64)
    stops = np.full(len(batch), FOREVER, np.int64)
    superseded: list[tuple[int, int, int]] = []
    for rivals in _contested(batch, held):
        count = 0
        said: set[tuple[float | None, int, int, int]] = set()
        standing: tuple[int, int] | None = None
        for number in rivals.tolist():
            old = number < len(held)
            here, row = (held, number) if old else (batch, number - len(held))
            version = int(here.version[row])
            content = _content(here, row)
            if old:
                said.add(content)
                count = int(held.revision[row]) + 1
                if held.stops[row] == FOREVER:
                    standing = version, number
                continue
            if content in said:
                new[row] = False
                continue
            said.add(content)
            revision[row] = count
            count += 1
            if standing and version < standing[0]:
                stops[row] = learned
                continue
            if standing and standing[1] >= len(held):
                stops[standing[1] - len(held)] = learned
            elif standing:
                before = standing[1]
                superseded.append(
                    (
                        int(held.point[before]),
                        int(held.time[before]),
                        int(held.revision[before]),
                    )
                )
            standing = version, number
    return Settled(new, revision, stops, tuple(superseded))


def newest(batch: Batch, stands: NDArray[np.bool_]) -> Integers:
    """Return the rows with the newest value of each point, of those that stand."""
    rows = np.flatnonzero(stands & ~np.isnan(batch.value))
    rows = rows[np.lexsort((batch.time[rows], batch.point[rows]))]
    point = batch.point[rows]
    last = np.ones(len(rows), bool)
    last[:-1] = point[1:] != point[:-1]
    return rows[last]


def _content(rows: Batch, row: int) -> tuple[float | None, int, int, int]:
    """Return what makes two statements of a point and time the same."""
    value = float(rows.value[row])
    return (
        None if value != value else value,
        int(rows.source[row]),
        int(rows.quality[row]),
        int(rows.version[row]),
    )


def _contested(batch: Batch, held: Held) -> list[Integers]:
    """Return the places of rivals for each point and time: held ones, then new ones."""
    point = np.concatenate([held.point, batch.point])
    time = np.concatenate([held.time, batch.time])
    order = np.lexsort((time, point))  # stable: rivals stay in order of arrival
    point, time = point[order], time[order]
    starts = np.ones(len(order), bool)
    starts[1:] = (point[1:] != point[:-1]) | (time[1:] != time[:-1])
    edges = np.append(np.flatnonzero(starts), len(order))
    several = np.flatnonzero(np.diff(edges) > 1)
    return [order[edges[group] : edges[group + 1]] for group in several]
