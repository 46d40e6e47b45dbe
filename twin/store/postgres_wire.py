"""Carry columns of numbers to PostgreSQL and back in bulk."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.store.postgres_driver import psycopg

Column = NDArray[np.int64] | NDArray[np.int32] | NDArray[np.float64]

Kind = type[np.int32] | type[np.int64] | type[np.float64]

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
"""Frame of a transfer in binary form."""
_ARRAY_HEADER = 20
"""Bytes of an array of one dimension before its first element."""


def copied(columns: Sequence[Column]) -> bytes:
    """Return rows as ``COPY ... FROM STDIN (FORMAT BINARY)`` takes them.

    Parameters
    ----------
    columns : sequence of (n,) array
        int32 for ``integer``, int64 for ``bigint``, float64 for ``double precision``; NaN
        becomes NULL, in one column at most.

    Notes
    -----
    Binary form as in the notes of COPY in PostgreSQL's manual: a row is its number of
    fields, then each field's size and bytes, all most significant byte first.
    """
    kinds = [("fields", ">i2")]
    for number, column in enumerate(columns):
        kinds += [
            (f"size{number}", ">i4"),
            (f"value{number}", column.dtype.newbyteorder(">").str),
        ]
    rows = np.empty(len(columns[0]), dtype=kinds)
    rows["fields"] = len(columns)
    for number, column in enumerate(columns):
        rows[f"size{number}"] = column.dtype.itemsize
        rows[f"value{number}"] = column
    flat = rows.view(np.uint8).reshape(len(rows), rows.itemsize)
    for number, column in enumerate(columns):
        if column.dtype.kind != "f" or not (missing := np.isnan(column)).any():
            continue
        # A NULL has the size -1 and no bytes.
        rows[f"size{number}"][missing] = -1
        kept = np.ones(flat.shape, bool)
        start = 2 + sum(4 + before.dtype.itemsize for before in columns[:number]) + 4
        kept[missing, start : start + column.dtype.itemsize] = False
        return HEADER + flat[kept].tobytes() + TRAILER
    return HEADER + rows.tobytes() + TRAILER


@dataclass(frozen=True, slots=True)
class Array:
    """Numbers on their way to the server as an array in binary form."""

    data: bytes


class Integers(Array):
    """As ``integer[]``."""


class Bigints(Array):
    """As ``bigint[]``."""


class Doubles(Array):
    """As ``double precision[]``."""


_ELEMENTS = {Integers: (23, 1007), Bigints: (20, 1016), Doubles: (701, 1022)}
"""Numbers of the types of elements and arrays in PostgreSQL's catalogue."""


def integers(values: Sequence[int] | Column) -> Integers:
    """Return numbers as the server takes an ``integer[]``."""
    return Integers(_array(np.asarray(values, np.int32), ">i4", 23))


def bigints(values: Sequence[int] | Column) -> Bigints:
    """Return numbers as the server takes a ``bigint[]``."""
    return Bigints(_array(np.asarray(values, np.int64), ">i8", 20))


def doubles(values: Sequence[float] | Column) -> Doubles:
    """Return numbers as the server takes a ``double precision[]``."""
    return Doubles(_array(np.asarray(values, np.float64), ">f8", 701))


def adapt(connection: psycopg.Connection) -> None:
    """Let a connection send arrays in binary form."""
    for kind, (_, number) in _ELEMENTS.items():
        dumper = type(f"{kind.__name__}Dumper", (_ArrayDumper,), {"oid": number})
        connection.adapters.register_dumper(kind, dumper)


class _ArrayDumper(psycopg.adapt.Dumper):
    """Hands an array over as it is."""

    format = psycopg.pq.Format.BINARY

    def dump(self, obj: Array) -> bytes:
        """Return the bytes."""
        return obj.data


def _array(numbers: Column, code: str, kind: int) -> bytes:
    """Return numbers as an array of one dimension in binary form."""
    if not len(numbers):
        return struct.pack(">iii", 0, 0, kind)
    elements = np.empty(len(numbers), [("size", ">i4"), ("value", code)])
    elements["size"] = elements.dtype["value"].itemsize
    elements["value"] = numbers
    return struct.pack(">iiiii", 1, 0, kind, len(numbers), 1) + elements.tobytes()


def from_array(data: bytes, kind: Kind, told: Kind | None = None) -> Column:
    """Return the numbers of an array in binary form; there is no NULL among them.

    Parameters
    ----------
    data : bytes
    kind : type
        As it lies in the array.
    told : type, optional
        As it is returned, default the same.
    """
    code = np.dtype(kind).newbyteorder(">").str
    element = np.dtype([("size", ">i4"), ("value", code)])
    numbers: Any = np.frombuffer(data, element, offset=min(_ARRAY_HEADER, len(data)))
    column: Column = numbers["value"].astype(told or kind)
    return column
