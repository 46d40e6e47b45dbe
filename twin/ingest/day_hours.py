"""Join a date with the hour, or the time of day, that stands in a column beside it."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twin.ingest.date_columns import NEVER, READERS, Beside, Kind, date_of, read_cells
from twin.ingest.local_time import (
    DAY,
    HOUR,
    Label,
    UtcTimes,
    day_bounds,
    read_local,
    to_utc,
)

if TYPE_CHECKING:
    import pyarrow as pa

IntArray = npt.NDArray[np.int64]

ALL = "all hours of the day"
STARTS = "starts by the clock"
ENDED = "ends by the clock"
"""How the hours of a day of 23 or 25 are numbered."""


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
    day, faults = read_cells(table.column(beside.date), date_of)
    past, more = read_cells(table.column(beside.clock), READERS[beside.kind])
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
