"""Turn times of the wall clock, as exports have them, into UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from gis.errors import TableError
from twin.ingest.payloads.fields import EPOCH

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SWEDEN = "Europe/Stockholm"

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
"""[microseconds]"""

YEARS = (2000, 2200)
"""Years that times are of, the last one left out."""

UNKNOWN = np.iinfo(np.int64).min
"""Stands where a time cannot be told."""

PATTERN = re.compile(
    r"\s*(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[T ]\s*(\d\d)[:.]?(\d\d)(?:[:.]?(\d\d)(?:[.,]0+)?)?)?\s*",
    re.ASCII,
)


class Label(StrEnum):
    """Which end of an interval its label names, and by which clock."""

    START = "start"
    """The wall clock when it starts."""
    END = "end"
    """The wall clock when it ends."""
    START_PLUS_STEP = "start plus step"
    """The wall clock when it starts, plus the length, whatever the clock does: labels of
    the end as made by programs that know nothing of summer time."""


@dataclass(frozen=True)
class UtcTimes:
    """Times of an export.

    Attributes
    ----------
    start : (n,) int64
        Start of each interval [microseconds since 1970, UTC]; `UNKNOWN` where it cannot
        be told.
    known : (n,) bool
        Where it can.
    findings : tuple of str
        What could not be told and why, in words, with counts.
    """

    start: IntArray
    known: BoolArray
    findings: tuple[str, ...]


def read_local(text: str) -> int:
    """Return a time of the wall clock.

    Parameters
    ----------
    text : str
        Such as ``2026-10-25 02:15``, ``20261025 0215``, ``2026-10-25T24:00:00`` or a date.

    Returns
    -------
    int
        Microseconds since 1970 by the same clock.

    Raises
    ------
    TableError
        If it is none, or brings a zone of its own.

    Examples
    --------
    >>> read_local("1970-01-01 24:00") == 24 * 3_600_000_000
    True
    """
    found = PATTERN.fullmatch(text[:64])
    try:
        if found is None:
            raise ValueError  # noqa: TRY301 - the two ways of being no time end alike
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        # The last hour of a day ends at 24:00 to some.
        if (hour, minute, second) == (24, 0, 0):
            time = datetime(year, month, day, tzinfo=UTC) + timedelta(days=1)
        else:
            time = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        message = (
            f"a local time must be like 2026-10-25 02:15 without a zone, got {text[:64]!r}"
        )
        raise TableError(message) from error
    return (time - EPOCH) // timedelta(microseconds=1)


def to_utc(
    wall: IntArray, *, step: int, label: Label = Label.START, zone: str = SWEDEN
) -> UtcTimes:
    """Return the starts of intervals that are labelled by the wall clock.

    The hour that comes twice in autumn is told apart by the order of the rows: what comes
    after the clock went back is of the second. Where the order does not tell, because only
    one of the two is there or rows come thrice or shuffled, nothing is guessed.

    Parameters
    ----------
    wall : (n,) int64
        Labels in the order of the file, of one series [microseconds since 1970 by the same
        clock], as of `read_local`. Ascending or descending.
    step : int
        Length of the intervals [microseconds].
    label : Label
        What the labels name.
    zone : str
        Name of the time zone.

    Returns
    -------
    UtcTimes
        Of the same order.

    Raises
    ------
    TableError
        If there is no such zone or the step is not positive.

    Notes
    -----
    Checked against zoneinfo for all days on which the clock is changed in
    tests/twin/ingest/test_local_time.py.
    """
    if step <= 0:
        message = f"a step must be above 0 microseconds, got {step}"
        raise TableError(message)
    labels = np.asarray(wall, dtype=np.int64)
    if label is Label.START_PLUS_STEP:
        labels = labels - step
    lowest, highest = (_year_start(year) for year in YEARS)
    in_range = (labels >= lowest + DAY) & (labels < highest - DAY)
    findings = _counted(
        ~in_range, f"are not of {YEARS[0]} to {YEARS[1]}; they are left out"
    )
    known = in_range.copy()
    start = np.full(len(labels), UNKNOWN, dtype=np.int64)
    if in_range.any():
        inner = labels[in_range]
        found, told, more = _resolve(inner, zone)
        start[in_range] = np.where(told, found, UNKNOWN)
        known[in_range] = told
        findings += more
    else:
        zone_of(zone)
    if label is Label.END:
        start[known] -= step
    return UtcTimes(start, known, tuple(findings))


def day_bounds(day: date, *, zone: str = SWEDEN) -> tuple[int, int]:
    """Return when a day of the calendar starts and ends.

    Returns
    -------
    (int, int)
        Microseconds since 1970, UTC; 23, 24 or 25 hours apart.

    Examples
    --------
    >>> start, end = day_bounds(date(2026, 10, 25))
    >>> (end - start) // 3_600_000_000
    25
    """
    where = zone_of(zone)
    # A wall clock and zone: the start of a day is never in the hour that comes twice.
    bounds = [
        datetime(one.year, one.month, one.day, tzinfo=where).astimezone(UTC)
        for one in (day, day + timedelta(days=1))
    ]
    first, last = ((bound - EPOCH) // timedelta(microseconds=1) for bound in bounds)
    return first, last


def _resolve(labels: IntArray, zone: str) -> tuple[IntArray, BoolArray, list[str]]:
    """Return times of labels of our era, which of them are known, and what is not."""
    changes = _changes(labels, zone)
    moment, before, after = changes
    # By the wall clock each change begins and ends at these times.
    late = moment + np.maximum(before, after)
    early = moment + np.minimum(before, after)
    which = np.searchsorted(late, labels, side="right")
    offsets = np.concatenate([before[:1], after])
    found = labels - offsets[which]
    told = np.ones(len(labels), dtype=bool)
    findings: list[str] = []
    doubtful = np.zeros(len(labels), dtype=bool)
    within = np.searchsorted(early, labels, side="right") - 1
    inside = (within >= 0) & (within == which)
    if not inside.any():
        return found, told, findings
    descending = _is_descending(labels)
    doubtful[inside] = True
    ordered = _is_ordered(labels[~doubtful], descending=descending)
    for change in np.unique(within[inside]):
        rows = np.flatnonzero(inside & (within == change))
        span = f"{_wall_text(early[change])} to {_wall_text(late[change])}"
        if after[change] > before[change]:
            told[rows] = False
            findings.append(
                f"{len(rows)} rows are of an hour that the clock leaves out, {span}; they "
                "are left out: the labels may be of another zone or end"
            )
            continue
        rows = rows[::-1] if descending else rows
        second = _second_pass(labels[rows]) if ordered else None
        if second is None:
            told[rows] = False
            findings.append(
                f"{len(rows)} rows are of an hour that comes twice, {span}, and their "
                "order does not tell of which; they are left out"
            )
            continue
        found[rows[second]] = labels[rows[second]] - after[change]
    return found, told, findings


def _second_pass(labels: IntArray) -> BoolArray | None:
    """Return which labels of a repeated hour are of its second time, None if unclear."""
    back = np.diff(labels) <= 0
    if back.sum() != 1:
        return None
    second = np.zeros(len(labels), dtype=bool)
    second[int(np.argmax(back)) + 1 :] = True
    return second


def _is_descending(labels: IntArray) -> bool:
    """Return whether rows come newest first."""
    steps = np.diff(labels)
    return bool((steps < 0).sum() > (steps > 0).sum())


def _is_ordered(labels: IntArray, *, descending: bool) -> bool:
    """Return whether rows come in order."""
    steps = np.diff(labels)
    return bool(np.all(steps <= 0) if descending else np.all(steps >= 0))


def _changes(labels: IntArray, zone: str) -> tuple[IntArray, IntArray, IntArray]:
    """Return when the clock is changed in the years of labels, offsets before and after."""
    first = (EPOCH + timedelta(microseconds=int(labels.min()))).year - 1
    last = (EPOCH + timedelta(microseconds=int(labels.max()))).year + 1
    rows = [row for year in range(first, last + 1) for row in _changes_of(zone, year)]
    if not rows:
        # A zone without summer time: one change that changes nothing.
        offset = _offset(zone_of(zone), _year_start(first))
        rows = [(_year_start(first), offset, offset)]
    moment, before, after = np.array(rows, dtype=np.int64).T
    return moment, before, after


@lru_cache(maxsize=512)
def _changes_of(zone: str, year: int) -> tuple[tuple[int, int, int], ...]:
    """Return the changes of the clock within a year, to the second."""
    where = zone_of(zone)
    days = range(_year_start(year), _year_start(year + 1) + 1, DAY)
    offsets = [_offset(where, day) for day in days]
    found = []
    for day, before, after in zip(days, offsets[:-1], offsets[1:], strict=False):
        if before == after:
            continue
        low, high = day, day + DAY
        while high - low > SECOND:
            middle = (low + high) // (2 * SECOND) * SECOND
            low, high = (
                (middle, high) if _offset(where, middle) == before else (low, middle)
            )
        found.append((high, before, after))
    return tuple(found)


def _offset(where: ZoneInfo, time: int) -> int:
    """Return how far the wall clock is ahead of UTC [microseconds]."""
    offset = (EPOCH + timedelta(microseconds=time)).astimezone(where).utcoffset()
    return (offset or timedelta()) // timedelta(microseconds=1)


def _year_start(year: int) -> int:
    """Return the start of a year, UTC."""
    return (datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name.

    Raises
    ------
    TableError
        If there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"a time zone must be one such as {SWEDEN}, got {name[:64]!r}"
        raise TableError(message) from error


def _wall_text(time: np.int64) -> str:
    """Return a time of the wall clock as text."""
    return f"{EPOCH + timedelta(microseconds=int(time)):%Y-%m-%d %H:%M}"


def _counted(rows: BoolArray, what: str) -> list[str]:
    """Return a sentence on some rows, none if there are none."""
    count = int(rows.sum())
    return [f"{count} rows {what}"] if count else []
