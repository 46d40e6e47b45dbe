"""Join a date with the hour, or the time of day, that stands in a column beside it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gis.errors import TableError
from twin.ingest.export_files import texts_of
from twin.ingest.local_time import (
    DAY,
    HOUR,
    Label,
    UtcTimes,
    day_bounds,
    read_local,
    to_utc,
)
from twin.ingest.payloads.fields import short

if TYPE_CHECKING:
    import pyarrow as pa

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NEVER = np.iinfo(np.int64).min

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

HOURS = ("timme", "tim", "hour", "hour of day") + (
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

ALL = "all hours of the day"
STARTS = "starts by the clock"
ENDED = "ends by the clock"
"""How the hours of a day of 23 or 25 are numbered."""


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


@dataclass(frozen=True)
class Labels:
    """Times of the wall clock as a table tells them in two columns.

    Attributes
    ----------
    day : (n,) int
        Start of the date by the wall clock [microseconds since 1970]; `NEVER` if none.
    past : (n,) int
        What is added to it [microseconds].
    label : Label
        What they name.
    counted : bool
        Whether ``past`` is the number of an hour of its day from 0, as days of 23 and 25
        hours may have them.
    ended : bool
        Whether the table names the ends.
    note : str
        What was assumed.
    faults : list of (int, str)
        Rows that tell no time, and why.
    """

    day: IntArray
    past: IntArray
    label: Label
    counted: bool
    ended: bool
    note: str
    faults: list[tuple[int, str]]

    @property
    def wall(self) -> IntArray:
        """Labels of the wall clock."""
        return np.where(self.day == NEVER, NEVER, self.day + self.past)


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
        if _are_dates(_texts(table, time)):
            dates, clocks = [time], [name for name in clocks if name != time]
        else:
            clocks = [time]
    for day in dates:
        if not _are_dates(_texts(table, day)):
            continue
        for clock in clocks:
            kind = _kind(_texts(table, clock))
            if clock == day or kind is None:
                continue
            if kind is Kind.HOUR and clock != time and _plain(clock) not in HOURS:
                continue
            until = ""
            if kind is not Kind.SPAN and _plain(clock) in FIRSTS:
                ends = [plain[word] for word in ENDS if word in plain]
                until = next((e for e in ends if _kind(_texts(table, e)) is kind), "")
            return Beside(day, clock, until, kind)
    return None


def ends_of(table: "pa.Table", when: str) -> tuple[str, ...]:
    """Return columns of where intervals end whose start is a column of whole times."""
    if _plain(when) not in FIRSTS:
        return ()
    plain = {_plain(name): name for name in map(str, table.column_names)}
    found = (plain[word] for word in ENDS if word in plain)
    return tuple(name for name in found if _is_whole(_texts(table, name)))


def read_beside(
    table: "pa.Table", beside: Beside, label: Label | None, *, group: IntArray
) -> Labels:
    """Return the times that two columns of a table tell together.

    Parameters
    ----------
    table : pyarrow.Table
    beside : Beside
    label : Label or None
        What is named, if somebody said so. Else hours from 0 and times of day name the
        start, hours from 1 the end of an hour: the first is over at 1.
    group : (n,) int
        Which series each row belongs to.
    """
    day, faults = _read(table.column(beside.date), _date)
    read: Callable[[str], int] = {
        Kind.CLOCK: _clock, Kind.SPAN: _span, Kind.HOUR: _hour
    }[beside.kind]  # fmt: skip
    past, more = _read(table.column(beside.clock), read)
    faults += [row for row in more if day[row[0]] != NEVER]
    gone = (day == NEVER) | (past == NEVER)
    day, past = np.where(gone, NEVER, day), np.where(gone, 0, past)
    names = f"{beside.date!r} and {beside.clock!r}"
    if beside.kind is Kind.HOUR and not beside.until:
        numbers = past[~gone]
        from_one = bool(len(numbers)) and int(numbers.min()) >= HOUR
        ends = from_one if label is None else label is Label.END
        told = "end" if ends else "start"
        note = (
            f"times are those of {names}; hours from {int(from_one)} on are taken as the "
            f"{told}s of hours"
        )
        if label is None:
            other = "start" if ends else "end"
            note += f"; if they are the {other}s, say --label {other}"
        if from_one == ends:
            past = past - HOUR if ends else past
            return Labels(
                day, past, Label.START, counted=True, ended=ends, note=note, faults=faults
            )
        return Labels(
            day, past, Label(told), counted=False, ended=ends, note=note, faults=faults
        )
    if beside.kind is Kind.SPAN or beside.until:
        note = f"times are those of {names}, where intervals start"
        return Labels(
            day, past, Label.START, counted=False, ended=False, note=note, faults=faults
        )
    late = _late_midnights(day, past, group[: len(day)])
    if label is Label.END or (label is None and (len(late) or (past == DAY).any())):
        # The last hour of a day ends at 00:00, which some call that of the same day.
        past[late] = DAY
        label = Label.END
    label = label or Label.START
    note = f"times are those of {names}, taken as the {label.value}s of intervals"
    return Labels(
        day,
        past,
        label,
        counted=False,
        ended=label is Label.END,
        note=note,
        faults=faults,
    )


def _late_midnights(day: IntArray, past: IntArray, group: IntArray) -> IntArray:
    """Return rows at 00:00 that come after the others of their date, if all of them do."""
    order = np.argsort(group, kind="stable")
    day, past, group = day[order], past[order], group[order]
    steps = np.diff(day + past)[(np.diff(group) == 0) & (day[1:] != NEVER)]
    if (steps < 0).sum() > (steps > 0).sum():
        day, past, group, order = day[::-1], past[::-1], group[::-1], order[::-1]
    midnight = np.flatnonzero((past == 0) & (day != NEVER))
    before = midnight[midnight > 0] - 1
    late = (day[before] == day[before + 1]) & (group[before] == group[before + 1])
    late &= past[before] > 0
    if len(before) < len(midnight) or not late.all():
        return np.zeros(0, np.int64)
    found: IntArray = order[midnight]
    return found


def counted_to_utc(day: IntArray, past: IntArray, *, zone: str, ended: bool) -> UtcTimes:
    """Return the starts of hours that are told by their number within the day.

    Over a day of 23 or 25 hours some number all its hours, and others go by the wall
    clock: one number is left out, or comes twice. Which of them shows in the numbers that
    are there; where it does not, the rows after the change are not guessed.

    Parameters
    ----------
    day : (n,) int
        Start of the date by the wall clock [microseconds since 1970], of one series in
        the order of the file.
    past : (n,) int
        Whole hours since then, from 0, as numbered [microseconds].
    zone : str
    ended : bool
        Whether the table names the ends of hours: one more.

    Returns
    -------
    UtcTimes
    """
    start = np.full(len(day), NEVER, np.int64)
    known = np.zeros(len(day), dtype=bool)
    by_clock = np.ones(len(day), dtype=bool)
    findings: list[str] = []
    for one in np.unique(day).tolist():
        if not _is_day(one):
            continue
        when = date.fromordinal(one // DAY + date(1970, 1, 1).toordinal())
        first, last = day_bounds(when, zone=zone)
        length = last - first
        if length == DAY or length % HOUR:
            continue
        rows = np.flatnonzero(day == one)
        change = _change(first, one, length, zone)
        way = _numbering(past[rows], length=length, change=change, ended=ended)
        if way == STARTS:
            continue
        if way == ENDED:
            by_clock[rows] = False
            labels = day[rows] + past[rows] + HOUR
            found = to_utc(labels, step=HOUR, label=Label.END, zone=zone)
            start[rows], known[rows] = found.start, found.known
            findings += found.findings
        elif way == ALL:
            by_clock[rows] = False
            start[rows] = first + past[rows]
            known[rows] = past[rows] < length
        else:
            doubtful = rows[past[rows] >= change - HOUR * ended]
            by_clock[doubtful] = False
            findings.append(
                f"{len(doubtful)} rows of {when} are of hours that cannot be told: the day "
                f"has {length // HOUR}, and the numbers do not show which of them are "
                "meant; they are left out"
            )
    rows = np.flatnonzero(by_clock)
    found = to_utc(day[rows] + past[rows], step=HOUR, zone=zone)
    start[rows], known[rows] = found.start, found.known
    return UtcTimes(start, known, (*findings, *found.findings))


def _numbering(past: IntArray, *, length: int, change: int, ended: bool) -> str:
    """Return how the hours of a day are numbered, "" if that is unclear.

    ``change`` is the number, from 0, of the hour that the wall clock leaves out or shows
    twice; of the ends of hours it is the number before.
    """
    hours, counts = np.unique(past, return_counts=True)
    told = dict(zip(hours.tolist(), counts.tolist(), strict=True))
    if max(told) < change - HOUR:
        return STARTS
    last, before = DAY - HOUR in told, change - HOUR
    if length > DAY:
        if length - HOUR in told:
            return ALL if max(counts) == 1 else ""
        twice = [hour for hour, count in told.items() if count == 2]
        if twice == [change]:
            return STARTS
        if ended and twice == [before]:
            return ENDED
        return STARTS if last and change not in told and before not in told else ""
    if change not in told:
        return STARTS if last or before in told else ""
    if ended and before not in told:
        return ENDED if last else ""
    return "" if last else ALL


def _change(first: int, day: int, length: int, zone: str) -> int:
    """Return the first number of an hour that comes twice, or that the clock leaves out."""
    for past in range(0, length, HOUR):
        found = to_utc(np.array([day + past]), step=HOUR, zone=zone)
        if not found.known[0] or int(found.start[0]) != first + past:
            return past
    return length


def _is_day(day: int) -> bool:
    """Return whether a date is of our era."""
    low, high = (read_local(f"{year}-01-02") for year in (2000, 2199))
    return low <= day < high


def _plain(name: str) -> str:
    """Return the name of a column without what is in brackets."""
    return re.sub(r"\s*[\[(].*$", "", name.strip()).casefold()


def _texts(table: "pa.Table", name: str) -> list[str]:
    """Return the different texts of a column."""
    import pyarrow as pa

    if name not in table.column_names:
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
    for kind, pattern in ((Kind.CLOCK, CLOCK), (Kind.SPAN, SPAN)):
        if _mostly(texts, lambda text, p=pattern: p.fullmatch(text) is not None):
            return kind
    return Kind.HOUR if _mostly(texts, _is_hour) else None


def _is_hour(text: str) -> bool:
    """Return whether a text is the number of an hour."""
    found = NUMBER.fullmatch(text)
    return found is not None and int(found.group(1)) <= MOST_HOUR


def _mostly(texts: Sequence[str], holds: Callable[[str], bool]) -> bool:
    """Return whether something holds for more than half of some texts."""
    return bool(texts) and 2 * sum(map(holds, texts)) > len(texts)


def _read(
    column: "pa.ChunkedArray", read: Callable[[str], int]
) -> tuple[IntArray, list[tuple[int, str]]]:
    """Return the cells of a column as read, `NEVER` where there is a fault, and those."""
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


def _date(text: str) -> int:
    """Return the start of a date by the wall clock."""
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
