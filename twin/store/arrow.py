"""Turn arrays of numbers and names into Arrow columns and back.

pyarrow's own ways load pandas on their first use, which takes a second: longer than the
small questions of live views.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

DTYPES = {"int32": "i4", "int64": "i8", "double": "f8"}
"""Kinds of columns of numbers, in Arrow's words and in numpy's."""

FEW = 4
"""Rows that a name must stand for on average, for copying it as one to pay."""

LONGEST = 2**31 - 1
"""Length of all texts of a column at most [bytes]."""


def arrow_of(array: "np.ndarray[Any, Any]", *, small: bool = False) -> "pa.Array":
    """Return numbers as an Arrow array; NaN is missing.

    Parameters
    ----------
    array : (n,) int or float
    small : bool
        Whether 32 bits are enough for whole numbers.
    """
    import pyarrow as pa

    if array.dtype == np.float64:
        held = np.ascontiguousarray(array)
        valid = pa.py_buffer(np.packbits(~np.isnan(held), bitorder="little"))
        return pa.Array.from_buffers(pa.float64(), len(held), [valid, pa.py_buffer(held)])
    held = np.ascontiguousarray(array, np.int32 if small else np.int64)
    kind = pa.int32() if small else pa.int64()
    return pa.Array.from_buffers(kind, len(held), [None, pa.py_buffer(held)])


def array_of(column: "pa.ChunkedArray") -> Any:  # noqa: ANN401 (any dtype)
    """Return a column of numbers as an array of 64 bits; what is missing is NaN."""
    dtype = np.dtype(DTYPES[str(column.type)])
    parts = [_part(chunk, dtype) for chunk in column.chunks]
    array = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, dtype), *parts])
    return array.astype(np.int64) if dtype == np.int32 else array


def _part(chunk: "pa.Array", dtype: "np.dtype[Any]") -> Any:  # noqa: ANN401 (any dtype)
    """Return a chunk of a column."""
    end = chunk.offset + len(chunk)
    valid, held = chunk.buffers()
    part = np.frombuffer(held, dtype, end)[chunk.offset :]
    if not chunk.null_count:
        return part
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), count=end, bitorder="little")
    return np.where(bits[chunk.offset :], part, np.nan)


def texts(names: Sequence[str]) -> "pa.Array":
    """Return names as an Arrow array.

    Examples
    --------
    >>> texts(["Råå", ""]).to_pylist()
    ['Råå', '']
    """
    import pyarrow as pa

    encoded = [name.encode() for name in names]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(
        len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))
    )


def spelled(numbers: "np.ndarray[Any, Any]", names: dict[int, str]) -> "pa.Array":
    """Return numbers as the names they stand for, each row on its own.

    pyarrow's own way to do so loads all of its functions on first use, which takes longer
    than to read a series of a year. Here equal names that follow on each other are copied
    as one.
    """
    import pyarrow as pa

    edges = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
    if len(edges) > len(numbers) // FEW or not len(numbers):
        return named(numbers, names).dictionary_decode()
    starts = np.concatenate([[0], edges])
    counts = np.diff(np.append(starts, len(numbers)))
    encoded = [names[number].encode() for number in numbers[starts].tolist()]
    ends = np.zeros(len(numbers) + 1, np.int64)
    np.cumsum(np.repeat([len(name) for name in encoded], counts), out=ends[1:])
    if ends[-1] > LONGEST:
        return named(numbers, names).dictionary_decode()
    runs = zip(encoded, counts.tolist(), strict=True)
    content = b"".join(name * count for name, count in runs)
    return pa.StringArray.from_buffers(
        len(numbers), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(content)
    )


def named(numbers: "np.ndarray[Any, Any]", names: dict[int, str]) -> "pa.DictionaryArray":
    """Return numbers as the names they stand for, each name held once."""
    import pyarrow as pa

    used, index = np.unique(numbers, return_inverse=True)
    held = texts([names[number] for number in used.tolist()])
    return pa.DictionaryArray.from_arrays(arrow_of(index, small=True), held)
