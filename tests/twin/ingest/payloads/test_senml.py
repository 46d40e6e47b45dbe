"""SenML packs resolve as RFC 8428 says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.ingest.payloads.fields import SECOND
from twin.ingest.payloads.senml import decode
from twin.ingest.readings import Reading
from twin.store.records import Quality

ARRIVAL = 1_795_345_200_000_000
MAC = "urn:dev:mac:94193a010b000001"


def read(document: object, arrival: int | None = ARRIVAL):
    return decode(json.dumps(document).encode(), arrival=arrival)


def test_base_fields_hold_for_what_follows():
    pack = [
        {"bn": f"{MAC}:", "bt": 1795341600, "bu": "Wh", "n": "energy", "v": 2616752000},
        {"n": "tf", "u": "Cel", "v": 63.3},
        {"n": "tf", "u": "Cel", "t": -60.5, "v": 63.1},
        {"bn": "urn:dev:mac:2/", "n": "on", "u": "", "vb": False},
    ]
    nine = 1795341600 * SECOND
    assert read(pack).readings == [
        Reading(MAC, "energy", nine, 2616752000.0, "Wh"),
        Reading(MAC, "tf", nine, 63.3, "Cel"),
        Reading(MAC, "tf", nine - 60_500_000, 63.1, "Cel"),
        Reading("urn:dev:mac:2", "on", nine, 0.0, ""),
    ]


@given(st.integers(0, len(f"{MAC}:energy")))
def test_the_name_counts_and_not_where_its_base_ends(cut):
    full = f"{MAC}:energy"
    pack = [{"bn": full[:cut], "n": full[cut:], "v": 1}]
    (reading,) = read(pack).readings
    assert (reading.device, reading.name) == (MAC, "energy")


def test_base_values_and_sums_are_added():
    pack = [
        {"bn": "m/", "bv": 20, "bs": 100, "u": "W", "n": "p", "v": 1.5, "s": 7},
        {"n": "p", "u": "W", "v": -1},
    ]
    told = [(row.name, row.value, row.unit) for row in read(pack).readings]
    assert told == [("p", 21.5, "W"), ("p.s", 107.0, "W.s"), ("p", 19.0, "W")]


@pytest.mark.parametrize(
    ("base", "own", "time", "quality"),
    [
        pytest.param(0, 0, None, 0, id="now: the arrival counts"),
        pytest.param(0, -300, ARRIVAL - 300 * SECOND, Quality.CLOCK, id="minutes ago"),
        pytest.param(-10, 4, ARRIVAL - 6 * SECOND, Quality.CLOCK, id="both count"),
        pytest.param(1795341600, -1e-3, 1795341599_999_000, 0, id="since 1970"),
    ],
)
def test_times_below_2_to_28_are_relative_to_now(base, own, time, quality):
    (reading,) = read([{"bt": base, "t": own, "n": "x", "v": 1}]).readings
    assert (reading.time, reading.quality) == (time, quality)


def test_a_relative_time_needs_an_arrival():
    (row,) = read([{"n": "x", "t": -5, "v": 1}], arrival=None).refused
    assert row.reason == "time"


@pytest.mark.parametrize(
    ("record", "reason", "told"),
    [
        ({"n": "x", "vs": "open"}, "value", "got 'open'"),
        ({"n": "x", "vd": "AAAA"}, "value", "got 'AAAA'"),
        ({"n": "x", "v": 1, "vb": True}, "shape", "one value, got v and vb"),
        ({"n": "x"}, "shape", "a value or a sum"),
        ({"n": "x", "v": 1, "new_": 5}, "shape", "end with _ must be understood"),
        ({"n": 5, "v": 1}, "shape", "n must be text"),
        ({"v": 1}, "shape", "a name must be"),
        ({"n": "x", "v": 1, "t": "9"}, "value", "finite number"),
        ({"n": "x", "v": 1, "t": 1e12}, "time", "of 2000 to 2200"),
        ({"n": "x", "v": 1, "t": 3e8}, "time", "of 2000 to 2200"),
        ({"n": "x", "v": 1, "t": -1e300}, "time", "of our era"),
        ({"n": "x", "v": 1, "u": []}, "shape", "a unit must be"),
        (7, "shape", "must be an object, got 7"),
    ],
)
def test_a_bad_record_is_refused_and_the_others_kept(record, reason, told):
    good = {"n": "a:y", "v": 2}
    decoded = read([good, record, good])
    if record == 7:
        # Its base fields, had it any, would hold for the rest.
        assert len(decoded.readings) == 1
    else:
        assert len(decoded.readings) == 2
    (row,) = decoded.refused
    assert row.reason == reason
    assert told in row.message


def test_a_refused_record_is_kept_with_its_base():
    pack = [{"bn": "a:", "bt": 1795341600, "bu": "Cel"}, {"n": "x", "v": "bad"}]
    (row,) = read(pack).refused
    mended = json.loads(row.payload)
    mended[0]["v"] = 5
    assert read(mended).readings == [Reading("a", "x", 1795341600 * SECOND, 5.0, "Cel")]


@pytest.mark.parametrize(
    "base", [{"bn": 5}, {"bt": "x"}, {"bver": 11}, {"bv": True}, {"bu": {}}]
)
def test_after_a_bad_base_nothing_is_certain(base):
    decoded = read([{"n": "a", "v": 1}, {**base, "n": "b", "v": 2}, {"n": "c", "v": 3}])
    assert [reading.device for reading in decoded.readings] == ["a"]
    (row,) = decoded.refused
    assert "records after it rest on that" in row.message
    assert len(json.loads(row.payload)) == 3
