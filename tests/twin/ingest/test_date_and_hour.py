"""Tables with date and hour in columns of their own come out as zoneinfo has it."""

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from twin.ingest.checks import microseconds
from twin.ingest.exports import Reader
from twin.ingest.files import feed_file
from twin.ingest.local_time import Label
from twin.ingest.mapping import parse_mapping
from twin.store.embedded import EmbeddedStore

from .small_twin import HEAT, HOUR, small_model

MODEL = small_model()
ZONE = ZoneInfo("Europe/Stockholm")
SWEDISH = Reader(zone="Europe/Stockholm")
DAYS = {"23 hours": "2026-03-28", "24 hours": "2026-06-01", "25 hours": "2026-10-24"}
"""Days from which on three are written: the clock is changed on the second."""

MAPPING = parse_mapping(f"device,name,point,unit\n7,kW,{HEAT},kW\n7,note,-,\n")


@pytest.fixture
def store(tmp_path):
    with EmbeddedStore(tmp_path / "live.sqlite") as opened:
        yield opened


def hours(first: str) -> list[datetime]:
    """Return the starts of all hours of three days."""
    start = datetime.fromisoformat(first).replace(tzinfo=ZONE)
    end = (start + timedelta(days=3)).astimezone(UTC)
    moment, found = start.astimezone(UTC), []
    while moment < end:
        found.append(moment)
        moment += timedelta(hours=1)
    return found


def local(moment: datetime, what: str) -> str:
    return f"{moment.astimezone(ZONE):{what}}"


def counted(moment: datetime) -> int:
    """Return which hour of its day it is, from 1."""
    day = datetime.fromisoformat(local(moment, "%Y-%m-%d")).replace(tzinfo=ZONE)
    return (moment - day.astimezone(UTC)) // timedelta(hours=1) + 1


def last_hour(moment: datetime) -> int:
    """Return the number that the wall clock gives to the end of an hour, from 1 to 24."""
    return (moment + timedelta(hours=1)).astimezone(ZONE).hour or 24


def ends(moment: datetime) -> str:
    return f"{last_hour(moment):02d}:00"


WAYS = {
    "1 to 24, all hours counted": ("Timme", counted),
    "1 to 24, by the wall clock": ("Timme", lambda m: int(local(m, "%H")) + 1),
    "1 to 24, ends by the wall clock": ("Timme", last_hour),
    "0 to 23, all hours counted": ("Hour", lambda m: counted(m) - 1),
    "0 to 23, by the wall clock": ("Timme", lambda m: int(local(m, "%H"))),
    "clock": ("Tid", lambda m: local(m, "%H:%M")),
    "clock with seconds": ("Time", lambda m: local(m, "%H:%M:%S")),
    "clock of the end, 24:00": ("Klockslag", ends),
    "intervals": ("Timme", lambda m: f"{local(m, '%H')}-{last_hour(m):02d}"),
    "from and until": ("Från;Till", lambda m: f"{local(m, '%H:%M')};{ends(m)}"),
}


def write(path, rows: list[str]) -> None:
    path.write_text("\n".join(rows) + "\n")


def table(path, first: str, way: str, *, backwards: bool = False) -> None:
    """Write three days; the value of each hour is its number, from 0."""
    column, shown = WAYS[way]
    rows = [
        f"7;{local(moment, '%Y-%m-%d')};{shown(moment)};{k},5"
        for k, moment in enumerate(hours(first))
    ]
    write(path, [f"Anläggning;Datum;{column};kW", *(rows[::-1] if backwards else rows)])


@pytest.mark.parametrize(("days", "way"), list(product(DAYS, WAYS)))
def test_each_hour_is_where_zoneinfo_has_it(store, tmp_path, days, way):
    for backwards in (False, True):
        table(tmp_path / "t.csv", DAYS[days], way, backwards=backwards)
        fed = feed_file(tmp_path / "t.csv", MODEL, store, MAPPING, how=SWEDISH)
        assert fed.load.reasons == {}
        assert (fed.load.new, fed.load.repeated) in (
            (len(hours(DAYS[days])), 0),
            (0, fed.load.rows),
        )
        assert any("times are those of 'Datum'" in note for note in fed.notes)
    kept = [(k.time, k.value) for k in store.between(0, 2**62)]
    starts = [microseconds(moment) for moment in hours(DAYS[days])]
    assert kept == [(start, k + 0.5) for k, start in enumerate(starts)]


def test_what_was_assumed_is_said_and_can_be_told_otherwise(store, tmp_path):
    path = tmp_path / "t.csv"
    write(path, ["Anläggning;Datum;Timme;kW", *(f"7;2026-06-01;{k};{k}" for k in (1, 2))])
    fed = feed_file(path, MODEL, store, MAPPING, how=SWEDISH)
    assert "hours from 1 on are taken as the ends of hours" in fed.notes[0]
    assert "--label start" in fed.notes[0]
    how = Reader(zone="Europe/Stockholm", label=Label.START)
    midnight = microseconds(datetime(2026, 5, 31, 22, tzinfo=UTC))
    assert [k.time for k in store.between(0, 2**62)] == [midnight, midnight + HOUR]
    with EmbeddedStore(tmp_path / "other.sqlite") as other:
        feed_file(path, MODEL, other, MAPPING, how=how)
        assert [k.time for k in other.between(0, 2**62)] == [
            midnight + HOUR,
            midnight + 2 * HOUR,
        ]


@pytest.mark.parametrize(
    ("day", "numbers", "kept"),
    [
        ("2026-10-25", range(1, 25), 2),
        ("2026-03-29", range(1, 25), 2),
        ("2026-10-25", range(1, 11), 2),
        ("2026-03-29", range(6, 12), 0),
    ],
    ids=["24 of 25", "24 of 23", "cut, of 25", "cut, of 23"],
)
def test_hours_that_the_numbers_do_not_tell_are_not_guessed(
    store, tmp_path, day, numbers, kept
):
    path = tmp_path / "t.csv"
    write(path, ["Anläggning;Datum;Timme;kW", *(f"7;{day};{k};{k}" for k in numbers)])
    load = feed_file(path, MODEL, store, MAPPING, how=SWEDISH).load
    # The hour before that may be told at its end is not known, either, in autumn.
    assert load.new <= kept
    assert load.new + load.reasons["time"] == len(numbers)


def test_midnight_after_the_other_hours_of_its_date_ends_the_day(store, tmp_path):
    path = tmp_path / "t.csv"
    clocks = [*(f"{k:02d}:00" for k in range(1, 24)), "00:00"]
    rows = [f"7;2026-06-0{day};{clock};{day}" for day in (1, 2) for clock in clocks]
    write(path, ["Anläggning;Datum;Tid;kW", *rows])
    fed = feed_file(path, MODEL, store, MAPPING, how=SWEDISH)
    assert (fed.load.new, "taken as the ends" in fed.notes[0]) == (48, True)
    times = [k.time for k in store.between(0, 2**62)]
    assert times[0] == microseconds(datetime(2026, 5, 31, 22, tzinfo=UTC))
    assert times[-1] - times[0] == 47 * HOUR


def test_a_date_alone_that_comes_again_is_refused(store, tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"7;2026-06-0{day};1" for day in (1, 2)]
    write(path, ["Anläggning;Datum;kW", *rows])
    assert feed_file(path, MODEL, store, MAPPING, how=SWEDISH).load.new == 2
    rows += [f"7;2026-06-03;{k}" for k in range(24)]
    write(path, ["Anläggning;Datum;kW", *rows, rows[0]])
    load = feed_file(path, MODEL, store, MAPPING, how=SWEDISH).load
    assert (load.new, load.repeated, load.reasons) == (0, 3, {"time": 24})
    assert "got 2026-06-03 again" in load.refused[0].message
    assert load.refused[0].number == 4


def test_hours_of_no_number_are_put_aside_with_what_stands_there(store, tmp_path):
    path = tmp_path / "t.csv"
    cells = ["1", "2", "3", "x", "", "26"]
    write(path, ["Anläggning;Datum;Timme;kW", *(f"7;2026-06-01;{c};1" for c in cells)])
    load = feed_file(path, MODEL, store, MAPPING, how=SWEDISH).load
    assert (load.new, load.reasons) == (3, {"time": 3})
    assert any("got 'x'" in row.message for row in load.refused)


def test_a_column_of_whole_times_stays_what_it_is(store, tmp_path):
    """A date beside it, of reading or printing, is no date of the value."""
    path = tmp_path / "t.csv"
    rows = [f"7;2026-07-01;2026-06-01 0{k}:00;{k}" for k in range(3)]
    write(path, ["Anläggning;Utskriven;Tid;kW", *rows])
    load = feed_file(path, MODEL, store, MAPPING, how=SWEDISH).load
    assert load.new == 3
    assert load.reasons in ({"value": 3}, {"point": 3})


def test_different_values_of_one_time_in_a_table_are_no_revisions(store, tmp_path):
    path = tmp_path / "t.csv"
    when = "2026-06-01T00:00Z"
    write(path, ["time,device,name,value,unit", f"{when},7,kW,1,kW", f"{when},7,kW,2,kW",
                 "2026-06-01T01:00Z,7,kW,3,kW", "2026-06-01T01:00Z,7,kW,3,kW",
                 f"{when},7,note,1,", f"{when},7,note,2,"])  # fmt: skip
    for _ in range(2):
        load = feed_file(path, MODEL, store, MAPPING).load
        assert (load.reasons, load.unwanted, load.revised) == ({"conflict": 2}, 2, 0)
        assert [row.number for row in load.refused] == [2, 3]
    assert [k.value for k in store.between(0, 2**62)] == [3]


def test_ranked_statements_of_one_time_are_revisions(store, tmp_path):
    path = tmp_path / "t.csv"
    write(path, ["time,device,name,value,unit,version"] + [
        f"2026-06-01T00:00Z,7,kW,{k},kW,{k}" for k in (1, 2)])  # fmt: skip
    load = feed_file(path, MODEL, store, MAPPING).load
    assert (load.new + load.revised, load.reasons) == (2, {})
    assert store.latest()[0].value == 2
