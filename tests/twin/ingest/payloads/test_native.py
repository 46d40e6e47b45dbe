"""Our own rows, columns, lines and bare numbers say the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.ingest.payloads.fields import EARLIEST, LATEST, instant
from twin.ingest.payloads.native import decode, decode_lines, encode
from twin.ingest.readings import Reading
from twin.store.records import Quality

NINE = instant("2026-11-22T09:00:00Z")
TOPIC = "hid/v1/owner/b12/heat/power/obs"
ROW = {
    "point": "b12/heat/power",
    "time": "2026-11-22T09:00:00Z",
    "value": 2.5,
    "unit": "kW",
}

TEXTS = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20)
READINGS = st.builds(
    Reading,
    device=TEXTS | st.just(""),
    name=TEXTS,
    time=st.none() | st.integers(EARLIEST, LATEST - 1),
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    unit=st.sampled_from(["", "kW", "°C"]),
    version=st.integers(0, 2**62),
    # The flag of simulated values goes with their source.
    quality=st.integers(0, Quality.SIMULATED - 1),
    source=st.sampled_from(["", "meter"]),
)


def read(document: object, **options: object):
    return decode(json.dumps(document).encode(), **options)


@given(st.lists(READINGS, min_size=1, max_size=5))
def test_what_is_encoded_is_read_again(readings):
    decoded = read([encode(reading) for reading in readings])
    assert decoded.refused == ()
    assert decoded.readings == readings


@given(st.lists(READINGS, min_size=1, max_size=5))
def test_lines_say_the_same_as_a_list(readings):
    rows = [encode(reading) for reading in readings]
    lines = "\r\n\n".join(json.dumps(row) for row in rows).encode()
    assert decode_lines(lines).readings == read(rows).readings


def test_columns_say_the_same_as_rows():
    table = {
        "device": "bms-1",
        "unit": "degC",
        "name": ["t1", "t2", "t1"],
        "time": ["2026-11-22T09:00:00Z", "2026-11-22T10:00:00+01:00", None],
        "value": [20.5, None, 21],
    }
    assert read(table).readings == [
        Reading("bms-1", "t1", NINE, 20.5, "degC"),
        Reading("bms-1", "t2", NINE, None, "degC"),
        Reading("bms-1", "t1", None, 21.0, "degC"),
    ]


def test_tables_may_come_in_lists_and_their_cells_must_be_no_lists():
    table = {"point": "a", "unit": "kW", "value": [1, [2], 3]}
    decoded = read([ROW, table, ROW])
    assert [reading.value for reading in decoded.readings] == [2.5, 1.0, 3.0, 2.5]
    (row,) = decoded.refused
    assert row.number == 2
    # Fed again it is not taken for a table of its own.
    assert "got a list" in decode(row.payload).refused[0].message


def test_a_bad_cell_of_a_column_is_refused_as_a_row_that_can_be_fed_again():
    table = {"point": "a", "unit": "kW", "time_us": [NINE, 5], "value": [1, 2]}
    decoded = read(table)
    assert decoded.readings == [Reading("", "a", NINE, 1.0, "kW")]
    (row,) = decoded.refused
    assert (row.number, row.reason) == (1, "time")
    mended = {**json.loads(row.payload), "time_us": NINE}
    assert read(mended).readings == [Reading("", "a", NINE, 2.0, "kW")]


def test_a_topic_of_ours_names_the_point():
    (reading,) = decode(b"21.5", topic=TOPIC).readings
    assert reading == Reading("", "b12/heat/power", None, 21.5, "")
    (reading,) = read({"value": 3, "unit": "kW"}, topic=TOPIC).readings
    assert reading == Reading("", "b12/heat/power", None, 3.0, "kW")
    decoded = read({**ROW, "point": "b13/heat/power"}, topic=TOPIC)
    assert "must be that of the topic" in decoded.refused[0].message


def test_a_row_refused_on_a_topic_can_be_fed_again_without_it():
    decoded = read({"value": "x", "unit": "kW"}, topic=TOPIC)
    assert json.loads(decoded.refused[0].payload)["point"] == "b12/heat/power"


@pytest.mark.parametrize(
    ("change", "reason", "told"),
    [
        ({"time": "2026-11-22T09:00:00"}, "time", "must have a time zone"),
        ({"time": 1795341600}, "time", "seconds to some and milliseconds to others"),
        ({"time": "0026-11-22T09:00:00Z"}, "time", "of 2000 to 2200"),
        ({"time": "x" * 100_000}, "time", "got 'xxx"),
        ({"time_us": True, "time": None}, None, ""),
        ({"value": "2.5"}, "value", "finite number or null, got '2.5'"),
        ({"value": True}, "value", "got True"),
        ({"value": {}}, "value", "got an object"),
        ({"unit": 5}, "shape", "a unit must be"),
        ({"unit": "k\nW"}, "shape", "printable"),
        ({"point": ""}, "shape", "1 to 256 printable"),
        ({"point": "x" * 257}, "shape", "1 to 256 printable"),
        ({"version": -1}, "shape", "version must be"),
        ({"version": 1.5}, "shape", "version must be"),
        ({"quality": 2**20}, "shape", "quality must be of estimated"),
        ({"quality": ["wrong"]}, "shape", "quality must be of estimated"),
        ({"source": 7.5}, "shape", "source must be"),
    ],
)
def test_rows_that_do_not_hold_say_why(change, reason, told):
    decoded = read([{**ROW, **change}])
    if reason is None:
        assert decoded.refused == ()
        return
    (row,) = decoded.refused
    assert told in row.message
    assert row.reason == reason
    assert json.loads(row.payload) == {**ROW, **change}


def test_quality_is_told_by_names_or_number_and_simulated_ones_say_so():
    flags = Quality.ESTIMATED | Quality.MANUAL
    for told in (["estimated", "manual"], flags.value):
        (reading,) = read({**ROW, "quality": told}).readings
        assert reading.quality == flags
    (reading,) = read({**ROW, "source": "simulated"}).readings
    assert reading.quality == Quality.SIMULATED


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "Infinity", "1e999", "9" * 6000])
def test_numbers_that_json_has_not_refuse_their_row_and_no_other(text):
    good = json.dumps(ROW)
    body = f"[{good}, {good.replace('2.5', text)}, {good}]".encode()
    decoded = decode(body)
    if text == "NaN":
        # By which programs say that they have no value.
        assert [reading.value for reading in decoded.readings] == [2.5, None, 2.5]
    else:
        assert [reading.value for reading in decoded.readings] == [2.5, 2.5]
        assert decoded.refused[0].reason == "value"


def test_many_bad_rows_are_told_singly_up_to_a_bound_and_none_is_lost():
    decoded = read([{}] * 5000)
    assert len(decoded.refused) == 1001
    assert "4000 more rows" in decoded.refused[-1].message
    assert json.loads(decoded.refused[-1].payload) == [{}] * 5000


def test_columns_of_several_lengths_are_refused_as_a_whole():
    decoded = read({"point": "a", "time": ["2026-11-22T09:00:00Z"], "value": [1, 2]})
    (row,) = decoded.refused
    assert "of one length, got [1, 2]" in row.message
