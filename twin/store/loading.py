"""Work out what a large table adds to a store, all rows at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.errors import TableError
from twin.store.arrow import array_of
from twin.store.catalogue import Names
from twin.store.columns import (
    BoolArray,
    Columns,
    IntArray,
    key_order,
    starts_of,
    taken,
)
from twin.store.protocol import COLUMNS
from twin.store.queries import Shelves, Wanted
from twin.store.ranges import RANGES, check_range
from twin.store.records import Observation

if TYPE_CHECKING:
    import pyarrow as pa

CONTENT = ("time", "value", "source", "quality", "version")
OPTIONAL = ("quality", "version")
KINDS = {"point": "text", "source": "text", "value": "numbers"} | dict.fromkeys(
    ("time", "quality", "version"), "whole numbers"
)


@dataclass(frozen=True)
class Coded:
    """A table with numbers in the place of names.

    Attributes
    ----------
    columns : Columns
        ``point``, ``time``, ``value``, ``source``, ``quality``, ``version`` in order of
        arrival; points and sources as places in the names below.
    points, sources : tuple of str
        In order of first arrival.
    """

    columns: Columns
    points: tuple[str, ...]
    sources: tuple[str, ...]

    def rows(self) -> list[Observation]:
        """Return the rows one by one."""
        lists = [self.columns[name].tolist() for name in COLUMNS]
        return [
            # NaN, which is not itself, is a gap.
            Observation(
                self.points[point],
                time,
                None if value != value else value,
                self.sources[source],
                quality,
                version,
            )
            for point, time, value, source, quality, version in zip(*lists, strict=True)
        ]

    def numbered(self, names: Names) -> Columns:
        """Return the columns with the store's own numbers."""
        names.number_points(self.points)
        names.number_sources(self.sources)
        points = np.array([names.points[name][0] for name in self.points], np.int64)
        sources = np.array([names.sources[name] for name in self.sources], np.int64)
        return self.columns | {
            "point": points[self.columns["point"]],
            "source": sources[self.columns["source"]],
        }


def coded(table: "pa.Table") -> Coded:
    """Check a table and put numbers in the place of names.

    Raises
    ------
    TableError
        If columns are missing, hold another kind, or nothing where something must be, or
        a time or quality is one that no store keeps.
    """
    import pyarrow as pa

    missing = [name for name in COLUMNS if name not in (*table.column_names, *OPTIONAL)]
    if missing:
        message = (
            f"a table must have the columns {', '.join(COLUMNS[:4])}, "
            f"but lacks {', '.join(missing)}"
        )
        raise TableError(message)
    columns: Columns = {}
    names = {}
    for name in COLUMNS:
        if name not in table.column_names:
            columns[name] = np.zeros(table.num_rows, np.int64)
            continue
        column = table.column(name)
        if name != "value" and column.null_count:
            message = f"{name} must be in every row, {column.null_count} have none"
            raise TableError(message)
        try:
            if name in ("point", "source"):
                columns[name], names[name] = _encoded(column)
            else:
                kind = pa.float64() if name == "value" else pa.int64()
                columns[name] = array_of(column.cast(kind))
        except (pa.ArrowException, TypeError) as error:
            message = f"{name} must be {KINDS[name]}, got {column.type}: {error}"
            raise TableError(message) from error
    if table.num_rows:
        for name in RANGES:
            check_range(name, int(columns[name].min()), int(columns[name].max()))
    # Turns -0 into 0.
    columns["value"] = columns["value"].astype(float) + 0.0
    return Coded(columns, names["point"], names["source"])


def _encoded(column: "pa.ChunkedArray") -> tuple[IntArray, tuple[str, ...]]:
    """Return texts as places among them in order of first arrival."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    column = column.cast(pa.dictionary(pa.int32(), pa.string())).unify_dictionaries()
    if not len(column):
        return np.empty(0, np.int64), ()
    texts = column.chunk(0).dictionary.to_pylist()
    places = pa.chunked_array([chunk.indices for chunk in column.chunks], pa.int32())
    # A dictionary may hold more than is used, and the same text twice.
    used, first, index = np.unique(array_of(places), return_index=True, return_inverse=True)
    order = np.argsort(first)
    names = [texts[k] for k in used[order].tolist()]
    if None in names:
        message = "a text is missing"
        raise TypeError(message)
    place = np.empty(len(used), np.int64)
    place[order] = np.arange(len(used))
    once = {name: k for k, name in enumerate(dict.fromkeys(names))}
    merged = np.array([once[name] for name in names], np.int64)
    return merged[place][index], tuple(once)


@dataclass(frozen=True)
class Addition:
    """What of a table is new.

    Attributes
    ----------
    columns : Columns
        The rows that say something new, in order of arrival, with their ``revision``.
    repeated, revised : int
        Rows that do not; rows that add a statement to a point and time that has one.
    """

    columns: Columns
    repeated: int
    revised: int


def addition(columns: Columns, shelves: Shelves, sealed: IntArray) -> Addition:
    """Work out what rows add to what is known.

    Parameters
    ----------
    columns : Columns
        As of `Coded.numbered`.
    shelves : Shelves
        Where everything lies.
    sealed : (p + 1,) int
        By number of the point: no segment holds later times of it.

    Returns
    -------
    Addition
    """
    point, time = columns["point"], columns["time"]
    count = len(time)
    order = key_order(point, time)
    order = np.arange(count) if order is None else order
    starts = starts_of(point[order], time[order])
    twice = len(starts) < count
    past = _past(columns, shelves, sealed)
    revision = np.zeros(count, np.int64)
    if past is None and not twice:
        return Addition(columns | {"revision": revision}, 0, 0)
    mixed = columns if past is None else {
        name: np.concatenate([past[name], columns[name]]) for name in ("point", *CONTENT)
    }  # fmt: skip
    before = len(mixed["time"]) - count
    order = key_order(mixed["point"], mixed["time"])
    order = np.arange(len(mixed["time"])) if order is None else order
    keep = ~_repeats(mixed, order)
    # A log of version 1 may hold a content twice: what is there stays.
    keep[:before] = True
    held = order[keep[order]]
    starts = starts_of(mixed["point"][held], mixed["time"][held])
    counts = np.diff(np.append(starts, len(held)))
    place = np.empty(len(mixed["time"]), np.int64)
    place[held] = np.arange(len(held)) - np.repeat(starts, counts)
    kept = keep[before:]
    made = taken(columns | {"revision": place[before:]}, kept)
    return Addition(made, int(count - kept.sum()), int((made["revision"] > 0).sum()))


def _past(columns: Columns, shelves: Shelves, sealed: IntArray) -> Columns | None:
    """Return all statements that may be of the same keys, in order of arrival."""
    point, time = columns["point"], columns["time"]
    late = time <= sealed[point]
    low, high = int(time.min()), int(time.max()) + 1
    hot = shelves.connection.execute(
        "SELECT EXISTS (SELECT 1 FROM observations WHERE time >= ? AND time < ?)",
        (low, high),
    ).fetchone()[0]
    if hot:
        late = np.ones(len(time), bool)
    if not late.any():
        return None
    wanted = Wanted(
        int(time[late].min()),
        int(time[late].max()) + 1,
        np.unique(point[late]),
        every=True,
    )
    past = shelves.read(wanted, ("sequence", *CONTENT))
    if not len(past["time"]):
        return None
    return taken(past, np.argsort(past["sequence"], kind="stable"))


def _repeats(columns: Columns, order: IntArray) -> BoolArray:
    """Say which rows say what an earlier one says.

    Parameters
    ----------
    columns : Columns
        In order of arrival.
    order : (n,) int
        By point, then time, stable.
    """
    count = len(order)
    repeats = np.zeros(count, bool)
    point, time = columns["point"][order], columns["time"][order]
    same = np.zeros(count, bool)
    same[1:] = (point[1:] == point[:-1]) & (time[1:] == time[:-1])
    same[:-1] |= same[1:]
    rows = order[same]
    if not len(rows):
        return repeats
    # All gaps are equal here, as bits.
    bits = np.where(np.isnan(columns["value"][rows]), np.nan, columns["value"][rows])
    keys = [rows, bits.view(np.int64)]
    keys += [columns[name][rows] for name in ("source", "quality", "version")]
    keys += [columns["time"][rows], columns["point"][rows]]
    by_content = np.lexsort(keys)
    equal = np.ones(len(rows) - 1, bool)
    for key in keys[1:]:
        equal &= key[by_content][1:] == key[by_content][:-1]
    repeats[rows[by_content[1:][equal]]] = True
    return repeats


def newest_of(columns: Columns) -> Columns:
    """Return the row with the newest value of each point, of rows with one a key."""
    some = taken(columns, ~np.isnan(columns["value"]))
    order = np.lexsort((some["time"], some["point"]))
    ends = np.append(some["point"][order][1:] != some["point"][order][:-1], True)
    return taken(some, order[ends[: len(order)]])
