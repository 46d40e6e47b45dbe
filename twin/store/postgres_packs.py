"""Put sorted statements into packs, and take them out again."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twin.store.columns import Columns
from twin.store.postgres_packing import (
    pack_numbers,
    pack_same,
    pack_values,
    unpack_numbers,
    unpack_values,
)
from twin.store.postgres_schema import FOREVER, PACK
from twin.store.postgres_unpacking import OF_COLUMN, PACKED
from twin.store.postgres_wire import HEADER, TRAILER

SIZE = 45_000
"""Statements in a pack at most: a month of minutes."""

FIRST_MONTH, LAST_MONTH = (2000, 1), (2100, 1)
"""Times outside share one month each, so that a wrong clock cannot make months at will."""

STATEMENT = ("point", "time", "value", "source", "quality", "version", "sequence", "known",
             "revision")  # fmt: skip
"""Columns of a statement in the order of `twin.store.records.Kept`."""

_FIXED = struct.Struct(">h" + "iq" * 5 + "ii" * 6)
_SIZE = struct.Struct(">i")

COPY = f"COPY history ({', '.join((*PACK, *PACKED))}) FROM STDIN (FORMAT BINARY)"
"""How `packed` goes into the database."""


def month_edges(first: int, last: int) -> tuple[int, NDArray[np.int64]]:
    """Return the number of the month of a time, and the starts of those after it.

    Parameters
    ----------
    first, last : int
        Times [microseconds since 1970, UTC], the starts end after the month of ``last``.

    Returns
    -------
    number : int
        Months since January 1970 of ``first``.
    edges : (m,) int64
        Starts of the following months [microseconds since 1970, UTC].
    """
    low, high = _month(*FIRST_MONTH), _month(*LAST_MONTH)
    begin = _month_of(first, low, high)
    end = _month_of(last, low, high)
    return begin, np.array([_start(month) for month in range(begin + 1, end + 1)], np.int64)


def packed(columns: Columns) -> Iterator[bytes]:
    """Give packs of statements as rows of `COPY`, the frame of the transfer included.

    Parameters
    ----------
    columns : Columns
        Those of `STATEMENT` and ``stops``, by point, time and sequence.
    """
    yield HEADER
    count = len(columns["time"])
    if count:
        yield from _rows(columns, *_bounds(columns["point"], columns["time"]))
    yield TRAILER


def _bounds(
    point: NDArray[np.int64], time: NDArray[np.int64]
) -> tuple[list[int], list[int]]:
    """Return where packs begin, with the end of the last, and the month of each."""
    begin, edges = month_edges(int(time.min()), int(time.max()))
    month = np.searchsorted(edges, time, "right") if len(edges) else np.zeros(1, np.int64)
    change = point[1:] != point[:-1]
    if len(edges):
        change |= month[1:] != month[:-1]
    starts = np.concatenate([[0], np.flatnonzero(change) + 1, [len(time)]])
    if (np.diff(starts) > SIZE).any():
        pairs = zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
        parts = [np.arange(low, high, SIZE) for low, high in pairs]
        starts = np.append(np.concatenate(parts), len(time))
    if not len(edges):
        return starts.tolist(), [begin] * (len(starts) - 1)
    return starts.tolist(), (begin + month[starts[:-1]]).tolist()


def _rows(columns: Columns, starts: list[int], months: list[int]) -> Iterator[bytes]:
    """Give rows of ``history`` in binary form."""
    point, time, value = columns["point"], columns["time"], columns["value"]
    heads = np.array(starts[:-1])
    told = np.add.reduceat(~np.isnan(value), heads, dtype=np.int64).tolist()
    revised = np.add.reduceat(columns["revision"] > 0, heads, dtype=np.int64).tolist()
    ended = np.add.reduceat(columns["stops"] != FOREVER, heads, dtype=np.int64).tolist()
    low = np.minimum.reduceat(columns["sequence"], heads).tolist()
    high = np.maximum.reduceat(columns["sequence"], heads).tolist()
    learned = np.maximum.reduceat(columns["known"], heads).tolist()
    first, last = time[heads].tolist(), time[np.array(starts[1:]) - 1].tolist()
    points = point[heads].tolist()
    # What is the same everywhere, as most are, need not be looked at pack by pack.
    same = {name: _only(columns[name]) for name in OF_COLUMN}
    for k, (begin, end) in enumerate(pairwise(starts)):
        fixed = (
            (8, first[k]), (8, last[k]), (8, low[k]), (8, high[k]), (8, learned[k]),
            (4, points[k]), (4, months[k]), (4, end - begin), (4, told[k]),
            (4, revised[k]), (4, ended[k]),
        )  # fmt: skip
        parts = [_FIXED.pack(len(PACK) + len(PACKED), *(x for pair in fixed for x in pair))]
        for name in OF_COLUMN:
            number = same[name]
            if number is not None:
                data = pack_same(number, end - begin)
            elif name == "value":
                data = pack_values(value[begin:end])
            else:
                data = pack_numbers(columns[name][begin:end])
            parts += (_SIZE.pack(len(data)), data)
        yield b"".join(parts)


def _only(column: NDArray[np.int64]) -> int | None:
    """Return the one number that all of a column are, if it is one."""
    if column.dtype.kind == "f":
        return None
    number = int(column[0])
    return number if column[-1] == number and (column == number).all() else None


def unpacked(data: Mapping[str, bytes]) -> Columns:
    """Return packed columns as columns, by the names of statements."""
    return {
        name: unpack_values(part) if name == "value" else unpack_numbers(part)
        for name, part in data.items()
    }


def listed(names: Iterable[str], table: str) -> str:
    """Return the packed columns of columns of statements in a query."""
    return ", ".join(f"{table}.{OF_COLUMN[name]}" for name in names)


def sorted_rows(columns: Columns) -> Columns:
    """Return statements by point, time and sequence."""
    order = np.lexsort((columns["sequence"], columns["time"], columns["point"]))
    return {name: column[order] for name, column in columns.items()}


def _month(year: int, month: int) -> int:
    """Return how many months lie between January 1970 and another."""
    return 12 * (year - 1970) + month - 1


def _start(month: int) -> int:
    """Return the start of a month [microseconds since 1970, UTC]."""
    begin = datetime(1970 + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return int(begin.timestamp()) * 1_000_000


def _month_of(time: int, low: int, high: int) -> int:
    """Return the number of the month of a time; one before ``low`` for all before."""
    if time < _start(low):
        return low - 1
    if time >= _start(high):
        return high
    at = datetime.fromtimestamp(time // 1_000_000, UTC)
    return _month(at.year, at.month)
