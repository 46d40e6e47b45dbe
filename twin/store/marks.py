"""Mark rows of the log, so that a bit that changed in one is told.

SQLite keeps checksums of its write-ahead log for the time after a crash, and none of the
file itself: a value with a flipped bit would be read as if nothing had happened.
"""

import sqlite3
import struct
from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from gis.errors import SourceError
from twin.store.columns import Columns, IntArray, from_rows
from twin.store.schema import COLUMNS

MARKED = (*COLUMNS, "mark")
"""Columns of tables with marks."""

SEED = np.uint64(0x9E3779B97F4A7C15)
PRIME = np.uint64(0xD6E8FEB86659FD93)
"""Odd numbers: to multiply by one can be undone, as every step here can. So rows that
differ in one column have different marks, and others nearly always."""

SHIFT = np.uint64(32)

PACKED = np.dtype([(name, "<f8" if name == "value" else "<i8") for name in MARKED])
"""A row of the table of latest values."""

PACK = struct.Struct("<3qd6q")
"""The same for one row."""

MarkedRow = tuple[int, int, int, float | None, int, int, int, int, int, int]


def marks_of(columns: Columns) -> IntArray:
    """Return the mark of each row.

    Parameters
    ----------
    columns : Columns
        With the names `COLUMNS`.
    """
    mixed = np.full(len(columns["time"]), SEED)
    for name in COLUMNS:
        column = columns[name]
        if name == "value":
            # All gaps are one.
            column = np.where(np.isnan(column), np.nan, column)
        mixed ^= np.ascontiguousarray(column).view(np.uint64)
        mixed *= PRIME
        mixed ^= mixed >> SHIFT
    return mixed.view(np.int64)


def marked(rows: Sequence[tuple[int | float | None, ...]]) -> list[MarkedRow]:
    """Return rows of the log with their marks."""
    marks = marks_of(from_rows(rows, COLUMNS)).tolist()
    return [(*row, mark) for row, mark in zip(rows, marks, strict=True)]


def packed(row: MarkedRow) -> tuple[int, int, int, bytes]:
    """Return a row of the table of latest values: point, time, sequence and all."""
    return row[1], row[2], row[0], PACK.pack(*row)


def unpacked(connection: sqlite3.Connection, rows: Sequence[tuple[bytes]]) -> Columns:
    """Return rows of the table of latest values as columns.

    Raises
    ------
    SourceError
        If one is not as it was written.
    """
    content = b"".join([row for (row,) in rows])
    if len(content) != len(rows) * PACKED.itemsize:
        _refuse(connection)
    held = np.frombuffer(content, PACKED)
    columns: Columns = {name: np.ascontiguousarray(held[name]) for name in MARKED}
    return _true(connection, columns)


def checked(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> Columns:
    """Return rows with the columns `MARKED` as columns without it.

    Raises
    ------
    SourceError
        If one is not as it was written.
    """
    try:
        columns = from_rows(rows, MARKED)
    except (TypeError, ValueError, OverflowError):
        # Its very kind has changed.
        _refuse(connection)
    return _true(connection, columns)


def _true(connection: sqlite3.Connection, columns: Columns) -> Columns:
    """Return columns without their marks, which must be right."""
    if (columns.pop("mark") != marks_of(columns)).any():
        _refuse(connection)
    return columns


def check_log(connection: sqlite3.Connection) -> None:
    """Refuse a log some of whose rows cannot be found, before it is moved on.

    Raises
    ------
    SourceError
        If the table and its index do not tell the same.
    """
    (told,) = connection.execute("PRAGMA integrity_check(observations)").fetchone()
    if told != "ok":
        _refuse(connection, told)


def _refuse(connection: sqlite3.Connection, told: str = "a row has changed") -> NoReturn:
    """Tell that the log is damaged."""
    path = connection.execute("PRAGMA database_list").fetchone()[2] or "the log"
    message = (
        f"{path} must be as it was written, but is damaged ({told}); restore it from a "
        "copy, or remove and feed it again"
    )
    raise SourceError(message)
