"""Read rows of our own form that are all alike, column by column."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import repeat
from typing import cast

import numpy as np

from twin.ingest.payloads.fields import EARLIEST, LATEST, NAME_LENGTH, UNIT_LENGTH
from twin.ingest.payloads.instants import instants
from twin.ingest.readings import Reading
from twin.store.records import Quality

FEW = 16
"""Rows below which this is no faster."""

TOLD = ("point", "device", "name", "time", "time_us", "value", "unit", "source")
RANKS = ("version", "quality")

MOST_FLAGS = sum(Quality)
SIMULATED = "simulated"

Column = Sequence[object]


def columns_of(rows: Sequence[object]) -> dict[str, Column] | None:
    """Return rows as columns, None if they are not alike."""
    if len(rows) < FEW or set(map(type, rows)) != {dict}:
        return None
    alike = cast("Sequence[dict[str, object]]", rows)
    keys = list(alike[0])
    if set(map(len, alike)) != {len(keys)}:
        return None
    columns: dict[str, Column] = {}
    try:
        for key in keys:
            if key in TOLD or key in RANKS:
                columns[key] = [row[key] for row in alike]
    except KeyError:
        return None
    return columns


def readings_of(
    columns: Mapping[str, Column], count: int, place: str
) -> list[Reading] | None:
    """Return the readings of rows given as columns.

    Parameters
    ----------
    columns : mapping of str to sequence
        Fields of our own form (`twin.ingest.payloads.native`), of one length.
    count : int
        Of rows.
    place : str
        The point that the topic names, "" if none.

    Returns
    -------
    list of Reading or None
        The same as row by row; None if any row does not hold, or is not plain.
    """
    values = _numbers(columns.get("value", ()))
    who = _who(columns, count, place)
    if values is None or who is None:
        return None
    times: Iterable[int | None] | None = repeat(None, count)
    if "time" in columns:
        times = instants(columns["time"])
    elif "time_us" in columns:
        times = _moments(columns["time_us"])
    units = _texts(columns.get("unit"), count, most=UNIT_LENGTH, empty=True)
    sources = _texts(columns.get("source"), count, most=NAME_LENGTH, empty=True)
    versions = _ranks(columns.get("version"), count, 2**63 - 1)
    flags = _ranks(columns.get("quality"), count, MOST_FLAGS)
    if (
        times is None
        or units is None
        or sources is None
        or versions is None
        or flags is None
    ):
        return None
    if SIMULATED in sources:
        made_up = Quality.SIMULATED.value
        flags = [
            flag | made_up if source == SIMULATED else flag
            for flag, source in zip(flags, sources, strict=True)
        ]
    return list(map(Reading, *who, times, values, units, versions, flags, sources))


def _who(
    columns: Mapping[str, Column], count: int, place: str
) -> tuple[Sequence[str], Sequence[str]] | None:
    """Return devices and names of rows."""
    nobody = [""] * count
    if "point" in columns:
        points = _texts(columns["point"], count)
        if points is None or (place and set(points) != {place}):
            return None
        return nobody, points
    if "device" in columns:
        devices = _texts(columns["device"], count)
        names = _texts(columns.get("name", nobody), count, empty=True)
        return None if devices is None or names is None else (devices, names)
    return (nobody, [place] * count) if place else None


def _texts(
    column: Column | None, count: int, *, most: int = NAME_LENGTH, empty: bool = False
) -> Sequence[str] | None:
    """Return texts that can be printed, "" for a column that is not there."""
    if column is None:
        return [""] * count
    try:
        distinct = set(column)
    except TypeError:
        return None
    return column if _are_plain(distinct, most, empty=empty) else None  # type: ignore[return-value]


def _are_plain(texts: Collection[object], most: int, *, empty: bool) -> bool:
    """Return whether these are texts that can be printed and kept."""
    return all(
        type(text) is str and len(text) <= most and text.isprintable() and (empty or text)
        for text in texts
    )


def _numbers(column: Column) -> Sequence[float | None] | None:
    """Return numbers and gaps."""
    kinds = set(map(type, column))
    if not kinds or not kinds <= {float, int, type(None)}:
        return None
    if kinds == {float}:
        numbers: Sequence[float | None] = column  # type: ignore[assignment]
        held = column
    else:
        try:
            numbers = [None if cell is None else float(cell) for cell in column]  # type: ignore[arg-type]
        except OverflowError:
            return None
        held = [cell for cell in numbers if cell is not None]
    return numbers if np.isfinite(np.array(held, np.float64)).all() else None


def _moments(column: Column) -> Sequence[int] | None:
    """Return whole microseconds of our era."""
    return _whole(column, EARLIEST, LATEST - 1)


def _ranks(column: Column | None, count: int, most: int) -> Sequence[int] | None:
    """Return whole numbers that are not negative, 0 for a column that is not there."""
    return [0] * count if column is None else _whole(column, 0, most)


def _whole(column: Column, low: int, high: int) -> Sequence[int] | None:
    """Return whole numbers within limits."""
    if set(map(type, column)) != {int}:
        return None
    numbers: Sequence[int] = column  # type: ignore[assignment]
    return numbers if low <= min(numbers) and max(numbers) <= high else None
