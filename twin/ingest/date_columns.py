"""Find the columns of a table that tell date and hour apart, and read their cells."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gis.errors import TableError
from twin.ingest.export_files import texts_of
from twin.ingest.local_time import HOUR, read_local
from twin.ingest.payloads.fields import EPOCH, short

if TYPE_CHECKING:
    import pyarrow as pa

IntArray = npt.NDArray[np.int64]

NEVER = np.iinfo(np.int64).min
"""Stands where there is no time."""

DATES = ("datum", "date", "dag", "day", "dygn")
"""Names of columns of dates, in small letters and without what is in brackets."""

CLOCKS = (
    "timme",
    "tim",
    "hour",
    "hour of day",
    "timintervall",
    "tidsintervall",
    "intervall",
    "interval",
    "tidsperiod",
    "period",
    "klockslag",
    "klockan",
    "klocka",
    "kl",
    "kl.",
    "clock",
    "tid",
    "time",
    "tidpunkt",
    "starttid",
    "start time",
    "från",
    "from",
    "start",
    "från kl",
    "från tid",
)
"""Names of columns of hours or times of day, the surest first."""

ENDS = ("till", "to", "end", "slut", "sluttid", "end time", "stop", "till kl", "till tid")
"""Names of columns of where an interval ends, beside one of where it starts."""

HOURS = (
    "timme",
    "tim",
    "hour",
    "hour of day",
    "klockslag",
    "klockan",
    "klocka",
    "kl",
    "kl.",
    "tid",
    "time",
)
"""Those of them that may hold bare numbers; an interval may be so many minutes."""

FIRSTS = ("från", "from", "start", "starttid", "start time", "från kl", "från tid")

DATE = re.compile(r"(\d{4}-?\d\d-?\d\d)(?:[T ]00:?00(?::?00(?:[.,]0+)?)?)?", re.ASCII)
TIME = r"(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:[.,]0+)?)?"
CLOCK = re.compile(rf"(?:kl\.?\s*)?{TIME}", re.ASCII)
SPAN = re.compile(
    rf"(?:{TIME}|(\d{{1,2}}))\s*(?:-|\u2013|till|to)\s*\d{{1,2}}(?:[:.]\d\d){{0,2}}",
    re.ASCII,
)
NUMBER = re.compile(r"(?:h|timme|hour|tim)?\s*(\d{1,2})(?:[.,]0+)?", re.ASCII | re.I)

MOST_HOUR = 25
"""Hours of the longest day."""


class Kind(StrEnum):
    """What stands beside the date."""

    CLOCK = "times of day"
    SPAN = "intervals"
    HOUR = "hours"


@dataclass(frozen=True)
class Beside:
    """A column of dates and what stands beside it.

    Attributes
    ----------
    date, clock : str
        Names of the columns.
    until : str
        Name of the column of where the intervals end; "" if there is none.
    kind : Kind
    """

    date: str
    clock: str
    until: str
    kind: Kind

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that tell the time besides that of the dates."""
        return (self.clock, self.until) if self.until else (self.clock,)


def find_beside(table: "pa.Table", *, time: str | None = None) -> Beside | None:
    """Return the columns of a table that tell date and hour, None if one tells both.

    Parameters
    ----------
    table : pyarrow.Table
    time : str, optional
        The column of times or dates, where the usual words do not tell.
    """
    plain = {_plain(name): name for name in map(str, table.column_names)}
    dates = [plain[word] for word in DATES if word in plain]
    clocks = [plain[word] for word in CLOCKS if word in plain]
    if time is not None:
        if _are_dates(texts_in(table, time)):
            dates, clocks = [time], [name for name in clocks if name != time]
        else:
            clocks = [time]
    for day in dates:
        if not _are_dates(texts_in(table, day)):
            continue
        for clock in clocks:
            kind = _kind(texts_in(table, clock))
            if clock == day or kind is None:
                continue
            if kind is Kind.HOUR and clock != time and _plain(clock) not in HOURS:
                continue
            until = ""
            if kind is not Kind.SPAN and _plain(clock) in FIRSTS:
                ends = [plain[word] for word in ENDS if word in plain]
                until = next((e for e in ends if _kind(texts_in(table, e)) is kind), "")
            return Beside(day, clock, until, kind)
    return None


def ends_of(table: "pa.Table", when: str) -> tuple[str, ...]:
    """Return columns of where intervals end whose start is a column of whole times."""
    if _plain(when) not in FIRSTS:
        return ()
    plain = {_plain(name): name for name in map(str, table.column_names)}
    found = (plain[word] for word in ENDS if word in plain)
    return tuple(name for name in found if _is_whole(texts_in(table, name)))


def read_cells(
    column: "pa.ChunkedArray", read: Callable[[str], int]
) -> tuple[IntArray, list[tuple[int, str]]]:
    """Return the cells of a column as times.

    Parameters
    ----------
    column : ChunkedArray
    read : callable
        Returns a text as time, or raises a `TableError`.

    Returns
    -------
    (n,) int
        [microseconds]; `NEVER` where there is a fault.
    list of (int, str)
        Rows with a fault, and what it is.
    """
    encoded = texts_of(column).combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    found = np.full(len(texts) + 1, NEVER, np.int64)
    faults = {len(texts): "a time must be there, got an empty cell"}
    for k, text in enumerate(texts):
        try:
            found[k] = read(text.strip())
        except TableError as fault:
            faults[k] = str(fault)
    places = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    bad = np.flatnonzero(np.isin(places, list(faults)))
    return found[places], [(int(row), faults[int(places[row])]) for row in bad]


def date_text(time: int) -> str:
    """Return the date of a time of the wall clock as text."""
    return (EPOCH + timedelta(microseconds=time)).date().isoformat()


def date_of(text: str) -> int:
    """Return the start of a date by the wall clock [microseconds since 1970]."""
    found = DATE.fullmatch(text)
    if found is None:
        message = f"a date must be like 2026-10-25, got {short(text)}"
        raise TableError(message)
    return read_local(found.group(1))


def _clock(text: str) -> int:
    """Return the time of a day."""
    found = CLOCK.fullmatch(text)
    return _past(text, found.groups() if found else ())


def _span(text: str) -> int:
    """Return the time of a day at which an interval starts."""
    found = SPAN.fullmatch(text)
    if found is None:
        return _past(text, ())
    hour, minute, second, only = found.groups()
    return _past(text, (hour or only, minute, second))


def _hour(text: str) -> int:
    """Return the number of an hour as a time."""
    if not _is_hour(text):
        message = f"an hour must be a number of 0 to {MOST_HOUR}, got {short(text)}"
        raise TableError(message)
    found = NUMBER.fullmatch(text)
    return int(found.group(1)) * HOUR if found else NEVER


def _past(text: str, parts: Sequence[str | None]) -> int:
    """Return hour, minute and second as a time."""
    numbers = [int(part or 0) for part in parts]
    if len(numbers) == 3:
        hour, minute, second = numbers
        if (hour < 24 and minute < 60 and second < 60) or numbers == [24, 0, 0]:
            return hour * HOUR + minute * (HOUR // 60) + second * (HOUR // 3600)
    message = f"a time of day must be like 02:15, got {short(text)}"
    raise TableError(message)


def _plain(name: str) -> str:
    """Return the name of a column without what is in brackets."""
    return re.sub(r"\s*[\[(].*$", "", name.strip()).casefold()


def texts_in(table: "pa.Table", name: str) -> list[str]:
    """Return the different texts of a column."""
    import pyarrow as pa

    if table.column_names.count(name) != 1:
        return []
    try:
        column = texts_of(table.column(name))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return []
    found = column.combine_chunks().dictionary_encode().dictionary.to_pylist()
    return [text.strip() for text in found if text and text.strip()]


def _are_dates(texts: Sequence[str]) -> bool:
    """Return whether texts are dates without a time of day, nearly all of them."""
    return _mostly(texts, lambda text: DATE.fullmatch(text) is not None)


def _is_whole(texts: Sequence[str]) -> bool:
    """Return whether texts are times with their dates, or times of day."""
    dated = re.compile(r"\d{4}-?\d\d-?\d\d([T ].*)?|\d{1,2}:\d\d.*", re.ASCII)
    return _mostly(texts, lambda text: dated.fullmatch(text) is not None)


def _kind(texts: Sequence[str]) -> Kind | None:
    """Return what the texts of a column are beside a date, None if nothing of a time."""
    if _mostly(texts, lambda text: CLOCK.fullmatch(text) is not None):
        return Kind.CLOCK
    if _mostly(texts, lambda text: SPAN.fullmatch(text) is not None):
        return Kind.SPAN
    return Kind.HOUR if _mostly(texts, _is_hour) else None


def _is_hour(text: str) -> bool:
    """Return whether a text is the number of an hour."""
    found = NUMBER.fullmatch(text)
    return found is not None and int(found.group(1)) <= MOST_HOUR


def _mostly(texts: Sequence[str], holds: Callable[[str], bool]) -> bool:
    """Return whether something holds for more than half of some texts."""
    return bool(texts) and 2 * sum(map(holds, texts)) > len(texts)


READERS: Mapping[Kind, Callable[[str], int]] = {
    Kind.CLOCK: _clock,
    Kind.SPAN: _span,
    Kind.HOUR: _hour,
}
"""Read a cell of each kind as microseconds since the start of the date."""
