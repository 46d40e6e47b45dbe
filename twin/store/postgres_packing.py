"""Pack a column of numbers into bytes.

A packed column is a header and what departs from a straight line. Times of a meter and
numbers in order of arrival are nearly one; what is the same in every row takes no bytes at
all. Values go as whole numbers of their last decimal place, if all of them come back so to
the last bit, else as they are. The views of `postgres_schema` unpack the same form in SQL.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from gis.errors import SourceError

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

HEADER = struct.Struct("<IBBBxIqqq")
"""Checksum of the rest, form, bytes a number, decimal places, one spare, count; then start,
step and unit of the line: number i is start + step * i + unit * departure i, of 64 bits,
what is over falls away. Least significant byte first."""

LINE = np.dtype(
    {
        "names": ["form", "width", "places", "count", "start", "step", "unit"],
        "formats": ["u1", "u1", "u1", "<u4", "<i8", "<i8", "<i8"],
        "offsets": [4, 5, 6, 8, 12, 20, 28],
        "itemsize": HEADER.size,
    }
)
"""`HEADER` as an element of an array."""

WHOLE, DECIMAL, BITS = range(3)
"""Forms: whole numbers; values in decimal places, where all bits set mean a gap; values as
they are, of 64 bits."""

PLACES = 6
"""Decimal places that are tried at most."""

_KINDS: dict[int, np.dtype[Any]] = {
    1: np.dtype("u1"),
    2: np.dtype("<u2"),
    4: np.dtype("<u4"),
    8: np.dtype("<u8"),
}
_EXACT = 2.0**53
_SAMPLE = 64
_POWERS = 10.0 ** np.arange(PLACES + 1)


def pack_numbers(numbers: Integers) -> bytes:
    """Return whole numbers as bytes.

    Parameters
    ----------
    numbers : (n,) int64
        At least one.
    """
    first = int(numbers[0])
    if first == numbers[-1] and (numbers == first).all():
        return pack_same(first, len(numbers))
    return _packed(WHOLE, 0, *_line(numbers), gaps=None)


@lru_cache(maxsize=4096)
def pack_same(number: int, count: int) -> bytes:
    """Return one whole number, many times, as bytes."""
    return _sealed(WHOLE, 0, 0, count, (number, 0, 1), b"")


def pack_values(values: Floats) -> bytes:
    """Return values as bytes; NaN is a gap, there is no minus zero.

    Parameters
    ----------
    values : (n,) float64
        At least one.
    """
    gaps = np.isnan(values)
    some = bool(gaps.any())
    if not gaps.all():
        held = values[~gaps] if some else values
        places = _places(held)
        if places >= 0:
            whole = np.rint(values * _POWERS[places])
            if some:
                whole[gaps] = whole[~gaps][0]
            line, rest = _line(whole.astype(np.int64))
            if int(rest.max()) < 2**32 - 1:
                return _packed(DECIMAL, places, line, rest, gaps=gaps if some else None)
    return _sealed(BITS, 8, 0, len(values), (0, 0, 1), values.astype("<f8").tobytes())


def count_packed(data: bytes) -> int:
    """Return how many numbers were packed."""
    return int(HEADER.unpack_from(data)[4])


def unpack_numbers(data: bytes) -> Integers:
    """Return the whole numbers of a packed column.

    Raises
    ------
    SourceError
        If they are damaged.
    """
    _, width, _, count, line = _opened(data)
    return _drawn(data, width, count, line)


def unpack_values(data: bytes) -> Floats:
    """Return the values of a packed column; NaN is a gap.

    Raises
    ------
    SourceError
        If they are damaged.
    """
    form, width, places, count, line = _opened(data)
    if form == BITS:
        return np.frombuffer(data, "<f8", count, HEADER.size).astype(np.float64)
    values: Floats = _drawn(data, width, count, line) / _POWERS[places]
    if width:
        rest = np.frombuffer(data, _KINDS[width], count, HEADER.size)
        gaps = rest == np.iinfo(_KINDS[width]).max
        values[gaps] = np.nan
    return values


def checked_head(data: bytes) -> bytes:
    """Return the header of a packed column, for `lines_of`, once it was checked.

    Raises
    ------
    SourceError
        If the column is damaged.
    """
    _opened(data)
    return data[: HEADER.size]


def lines_of(heads: bytes) -> NDArray[Any]:
    """Return headers, one after another, as an array of `LINE`."""
    return np.frombuffer(heads, LINE)


def numbers_at(
    lines: NDArray[Any], columns: Sequence[bytes], rows: Integers
) -> Integers | Floats:
    """Return one number of each of several packed columns, which were checked before.

    Parameters
    ----------
    lines : (n,) array of `LINE`
        Of whole numbers all, or of values all.
    columns : sequence of bytes
    rows : (n,) int
        Which number of each.

    Returns
    -------
    (n,) int64 or float64
        NaN is a gap.

    Notes
    -----
    Checked against unpacking all in tests/twin/store/test_postgres_packing.py.
    """
    rest = np.zeros(len(rows), np.uint64)
    gaps = np.zeros(len(rows), bool)
    for width, kind in _KINDS.items():
        some = np.flatnonzero(lines["width"] == width)
        if len(some):
            starts = (HEADER.size + width * rows[some]).tolist()
            pairs = zip(some.tolist(), starts, strict=True)
            data = b"".join([columns[k][at : at + width] for k, at in pairs])
            rest[some] = found = np.frombuffer(data, kind)
            gaps[some] = found == np.iinfo(kind).max
    numbers: Integers = rest.view(np.int64) * lines["unit"]
    numbers += lines["start"] + lines["step"] * rows
    form = lines["form"]
    if (form == WHOLE).all():
        return numbers
    values = numbers / _POWERS[lines["places"]]
    values[gaps] = np.nan
    told: Floats = np.where(form == BITS, rest.view(np.float64), values)
    return told


def _places(values: Floats) -> int:
    """Return how many decimal places hold values to the last bit; -1 if none do."""
    start = 0
    for few in (values[:_SAMPLE], values):
        for places in range(start, PLACES + 1):
            if not (abs(few) < _EXACT / _POWERS[places]).all():
                return -1
            if (np.rint(few * _POWERS[places]) / _POWERS[places] == few).all():
                start = places
                break
        else:
            return -1
    return start


def _line(numbers: Integers) -> tuple[tuple[int, int, int], NDArray[np.uint64]]:
    """Return the line that numbers lie near, and how far each departs from it."""
    count = len(numbers)
    if count == 1:
        return (int(numbers[0]), 0, 1), np.zeros(1, np.uint64)
    steps = numbers[1:] - numbers[:-1]
    step = int(steps[0])
    slopes = [step]
    if (steps != step).any():
        across = (int(numbers[-1]) - int(numbers[0])) // (count - 1)
        slopes = [0, int(np.partition(steps, count // 2 - 1)[count // 2 - 1]), across]
    found: list[tuple[tuple[int, int, int], NDArray[np.uint64]]] = []
    for slope in dict.fromkeys(slopes):
        if not -(2**63) <= slope < 2**63:
            continue
        departing = numbers - slope * np.arange(count) if slope else numbers
        start = departing.min()
        rest = departing.astype(np.uint64) - start.astype(np.uint64)
        unit = _unit(rest)
        if unit > 1:
            rest //= np.uint64(unit)
        found.append(((int(start), slope, unit), rest))
    return min(found, key=lambda one: int(one[1].max()))


def _unit(numbers: NDArray[np.uint64]) -> int:
    """Return what all numbers are whole multiples of; most are of nothing but one."""
    unit = int(np.gcd.reduce(numbers[:_SAMPLE]))
    if unit != 1:
        unit = int(np.gcd.reduce(numbers))
    return unit if 1 < unit < 2**63 else 1


def _packed(
    form: int,
    places: int,
    line: tuple[int, int, int],
    rest: NDArray[np.uint64],
    *,
    gaps: NDArray[np.bool_] | None,
) -> bytes:
    """Return a line and what departs from it as bytes."""
    most = int(rest.max())
    # All bits set would be a gap.
    most += form == DECIMAL
    width = next(w for w in (0, 1, 2, 4, 8) if most < 2 ** (8 * w))
    if form == DECIMAL and most == 1 and gaps is None:
        width = 0
    if not width:
        return _sealed(form, 0, places, len(rest), line, b"")
    kept = rest.astype(_KINDS[width])
    if gaps is not None:
        kept[gaps] = np.iinfo(_KINDS[width]).max
    return _sealed(form, width, places, len(rest), line, kept.tobytes())


def _sealed(
    form: int, width: int, places: int, count: int, line: tuple[int, int, int], data: bytes
) -> bytes:
    """Return a packed column with its checksum."""
    body = HEADER.pack(0, form, width, places, count, *line)[4:] + data
    return crc32(body).to_bytes(4, "little") + body


def _opened(data: bytes) -> tuple[int, int, int, int, tuple[int, int, int]]:
    """Return form, width, decimal places, count and line, once they were checked."""
    if len(data) < HEADER.size:
        raise SourceError(_DAMAGED)
    check, form, width, places, count, *line = HEADER.unpack_from(data)
    if len(data) != HEADER.size + width * count or check != crc32(memoryview(data)[4:]):
        raise SourceError(_DAMAGED)
    return form, width, places, count, (line[0], line[1], line[2])


def _drawn(data: bytes, width: int, count: int, line: tuple[int, int, int]) -> Integers:
    """Return the numbers of a line with what departs from it."""
    start, step, unit = line
    if not step:
        numbers = np.full(count, start)
    else:
        numbers = np.arange(count)
        numbers *= step
        numbers += start
    if width:
        rest = np.frombuffer(data, _KINDS[width], count, HEADER.size)
        numbers += rest.astype(np.int64) * unit if unit != 1 else rest.astype(np.int64)
    return numbers


_DAMAGED = (
    "packed statements must be whole, but some are damaged; restore the twin from a copy"
)
