"""Local times come back to the UTC they were made from, on every day the clock changes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import TableError
from twin.ingest.local_time import (
    DAY,
    HOUR,
    SWEDEN,
    UNKNOWN,
    Label,
    day_bounds,
    read_local,
    to_utc,
)

QUARTER = HOUR // 4
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def last_sunday(year: int, month: int) -> date:
    """Return the day on which clocks in Europe are changed, by the rule since 1996."""
    day = date(year, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


CHANGES = [last_sunday(year, month) for year in range(2001, 2041) for month in (3, 10)]


def walls(utc: np.ndarray, zone: str = SWEDEN) -> np.ndarray:
    """Return the wall clock at times, by zoneinfo one by one."""
    where = ZoneInfo(zone)
    read = []
    for time in utc:
        local = (EPOCH + timedelta(microseconds=int(time))).astimezone(where)
        read.append((local.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1))
    return np.array(read, dtype=np.int64)


def days_around(day: date, step: int) -> np.ndarray:
    """Return the starts of intervals of three days of the calendar, UTC."""
    first, _ = day_bounds(day - timedelta(days=1))
    _, last = day_bounds(day + timedelta(days=1))
    return np.arange(first, last, step)


@pytest.mark.parametrize("step", [QUARTER, HOUR], ids=["15 min", "hour"])
@pytest.mark.parametrize("order", [1, -1], ids=["ascending", "descending"])
@pytest.mark.parametrize("label", list(Label))
def test_what_was_written_in_local_time_is_read_back(step, order, label):
    for day in CHANGES:
        utc = days_around(day, step)[::order]
        if label is Label.START:
            wall = walls(utc)
        elif label is Label.END:
            wall = walls(utc + step)
        else:
            wall = walls(utc) + step
        times = to_utc(wall, step=step, label=label)
        assert times.findings == (), day
        np.testing.assert_array_equal(times.start, utc, err_msg=str(day))


def test_a_year_at_once_is_what_its_days_are():
    first, _ = day_bounds(date(2024, 1, 1))
    _, last = day_bounds(date(2026, 12, 31))
    utc = np.arange(first, last, QUARTER)
    times = to_utc(walls(utc), step=QUARTER)
    assert times.known.all()
    np.testing.assert_array_equal(times.start, utc)


@pytest.mark.parametrize("day", CHANGES[-8:], ids=str)
def test_days_have_23_or_25_hours(day):
    start, end = day_bounds(day)
    assert (end - start) // HOUR == (23 if day.month == 3 else 25)
    start, end = day_bounds(day + timedelta(days=1))
    assert end - start == DAY


def test_the_hour_that_does_not_exist_is_reported():
    day = last_sunday(2026, 3)
    midnight = read_local(day.isoformat())
    # A program that knows nothing of summer time writes 24 hours.
    wall = midnight + HOUR * np.arange(24)
    times = to_utc(wall, step=HOUR)
    assert list(np.flatnonzero(~times.known)) == [2]
    assert times.start[2] == UNKNOWN
    (finding,) = times.findings
    assert finding.startswith(
        "1 rows are of an hour that the clock leaves out, "
        "2026-03-29 02:00 to 2026-03-29 03:00"
    )


@pytest.mark.parametrize(
    ("hours", "reason"),
    [
        pytest.param([0, 1, 2, 3, 4], "only one is there", id="24 rows"),
        pytest.param([0, 1, 2, 2, 2, 3], "thrice", id="thrice"),
        pytest.param([2], "nothing around", id="alone"),
        pytest.param([0, 3, 1, 2, 2, 4], "shuffled", id="shuffled"),
    ],
)
def test_an_hour_that_came_twice_is_not_guessed(hours, reason):
    midnight = read_local(last_sunday(2026, 10).isoformat())
    wall = midnight + HOUR * np.array(hours)
    times = to_utc(wall, step=HOUR)
    assert list(~times.known) == [hour == 2 for hour in hours], reason
    assert "and their order does not tell of which" in times.findings[0]


def test_rows_that_are_missing_in_the_repeated_hour_do_not_confuse():
    midnight = read_local(last_sunday(2026, 10).isoformat())
    minutes = [105, 120, 150, 135, 165, 180]
    wall = midnight + HOUR // 60 * np.array(minutes)
    times = to_utc(wall, step=QUARTER)
    assert times.known.all()
    first, _ = day_bounds(last_sunday(2026, 10))
    told = (times.start - first) // (HOUR // 60)
    assert told.tolist() == [105, 120, 150, 195, 225, 240]


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(
        [SWEDEN, "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "UTC"]
    ),
    st.datetimes(datetime(2005, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001
    st.integers(1, 200),
    st.sampled_from([QUARTER, HOUR // 2]),
)
def test_every_zone_comes_back_whatever_its_rule(zone, begin, count, step):
    # Half an hour is what Lord Howe changes by.
    first = (begin.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1) // step * step
    utc = first + step * np.arange(count)
    times = to_utc(walls(utc, zone), step=step, zone=zone)
    # Where the rows end within a repeated hour they do not tell; never is one wrong.
    np.testing.assert_array_equal(times.start[times.known], utc[times.known])
    assert times.known.all() or times.findings


@given(st.lists(st.integers(-(2**62), 2**62), max_size=20))
def test_any_labels_give_times_or_findings(labels):
    times = to_utc(np.array(labels, dtype=np.int64), step=HOUR)
    assert len(times.start) == len(labels)
    assert times.known.all() or times.findings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-25 02:15", "2026-10-25T02:15"),
        ("2026-10-25T02:15:30", "2026-10-25T02:15:30"),
        (" 20261025 0215 ", "2026-10-25T02:15"),
        ("2026-10-25 02.15", "2026-10-25T02:15"),
        ("2026-10-25 24:00", "2026-10-26T00:00"),
        ("2026-12-31 24:00:00", "2027-01-01T00:00"),
        ("2026-10-25", "2026-10-25T00:00"),
        ("2026-10-25 02:15:00.000", "2026-10-25T02:15"),
    ],
)
def test_local_times_are_read(text, expected):
    wall = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert read_local(text) == (wall - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text",
    ["", "25/10/2026 02:15", "2026-10-25 02:15Z", "2026-10-25 02:15+02:00", "2026-02-30",
     "2026-10-25 24:15", "2026-10-25 25:00", "9999-12-31 24:00", "x" * 1000],
)  # fmt: skip
def test_what_is_no_local_time_is_refused(text):
    with pytest.raises(TableError, match="must be like 2026-10-25 02:15 without a zone"):
        read_local(text)


def test_wrong_questions_are_refused():
    with pytest.raises(TableError, match="must be one such as Europe/Stockholm"):
        to_utc(np.array([0]), step=HOUR, zone="../../etc/passwd")
    with pytest.raises(TableError, match="above 0"):
        to_utc(np.array([0]), step=0)
