"""Carry columns of numbers to PostgreSQL and back in bulk."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.int64] | NDArray[np.int32] | NDArray[np.float64]

Kind = type[np.int32] | type[np.int64] | type[np.float64]

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
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
        return _HEADER + flat[kept].tobytes() + _TRAILER
    return _HEADER + rows.tobytes() + _TRAILER


def array(values: Sequence[object] | Column) -> str:
    """Return numbers as text that PostgreSQL casts to an array of them.

    Examples
    --------
    >>> array([1, 2])
    '{1,2}'
    >>> array(np.array([0.5, np.nan]))
    '{0.5,nan}'
    """
    listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
    return "{" + str(listed)[1:-1].replace(" ", "") + "}"


def from_array(data: bytes, kind: Kind) -> Column:
    """Return the numbers of an array in binary form; there is no NULL among them."""
    code = np.dtype(kind).newbyteorder(">").str
    element = np.dtype([("size", ">i4"), ("value", code)])
    numbers: Any = np.frombuffer(data, element, offset=_ARRAY_HEADER)["value"]
    told: Column = numbers.astype(kind)
    return told
