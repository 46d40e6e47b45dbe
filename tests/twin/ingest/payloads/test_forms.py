"""A form is recognised by its content; what is of none is kept whole. Nothing raises."""

import json
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.ingest.payloads.collector import MOST_REFUSED
from twin.ingest.payloads.document import LARGEST, MOST_BROKEN
from twin.ingest.payloads.forms import FORMS, decode, recognise

NINE = "2026-11-22T09:00:00Z"
ROW = {"point": "b12/heat/power", "time": NINE, "value": 2.5, "unit": "kW"}
TELEGRAM = "AAwGUmdhAgwUl4mZAAstAAAACzsAAAAKWjMGCl5BBQx4KREDZgL9FwAA"

GOLDEN: dict[str, tuple[object, str]] = {
    "native": (ROW, ""),
    "native list": ([ROW, ROW], ""),
    "native columns": ({"point": "a", "value": [1, 2], "time": [NINE, NINE]}, ""),
    "native topic": (21.5, "hid/v1/owner/b12/heat/power/obs"),
    "rec": (
        {
            "format": "rec3.3",
            "deviceId": "d",
            "observations": [{"observationTime": NINE, "value": 16.1, "sensorId": "s"}],
            "exceptions": [{"exceptionTime": NINE, "id": "s", "exception": "x"}],
        },
        "",
    ),
    "ngsi": ({"id": "urn:a", "type": "Room", "temperature": {"value": 20.5}}, ""),
    "ngsi list": ([{"id": "urn:a", "type": "Room", "temperature": 20.5}], ""),
    "ngsi notification": (
        {"subscriptionId": "s", "data": [{"id": "urn:a", "type": "Room", "t": 20.5}]},
        "",
    ),
    "senml": ([{"bn": "urn:x:", "bt": 1795341600, "n": "tf", "u": "Cel", "v": 63.3}], ""),
    "sensorthings": (
        {"phenomenonTime": NINE, "result": 1.5, "Datastream": {"@iot.id": 1}},
        "",
    ),
    "sensorthings topic": ({"result": 1.5}, "v1.1/Datastreams(12)/Observations"),
    "sensorthings array": (
        [
            {
                "Datastream": {"@iot.id": 1},
                "components": ["result"],
                "dataArray": [[1.5], [2.5]],
            }
        ],
        "",
    ),
    "sensorthings batch": (
        {
            "requests": [
                {
                    "method": "post",
                    "url": "Datastreams(1)/Observations",
                    "body": {"result": 5},
                }
            ]
        },
        "",
    ),
    "lorawan": (
        {
            "end_device_ids": {"dev_eui": "94193A010B000001"},
            "uplink_message": {"received_at": NINE, "frm_payload": TELEGRAM},
        },
        "",
    ),
    "lorawan 4": (
        {"deviceInfo": {"devEui": "94193a010b000001"}, "time": NINE, "data": TELEGRAM},
        "",
    ),
    "lorawan 3": ({"devEUI": "94193a010b000001", "fPort": 2, "data": TELEGRAM}, ""),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_every_form_is_recognised_by_what_stands_in_it(case):
    document, topic = GOLDEN[case]
    body = json.dumps(document).encode()
    assert recognise(body, topic) == case.split()[0]
    decoded = decode(body, topic=topic)
    assert decoded.form == case.split()[0]
    assert decoded.readings
    assert decoded.refused == ()


@pytest.mark.parametrize("case", GOLDEN)
def test_the_general_decoder_says_what_that_of_the_form_says(case):
    document, topic = GOLDEN[case]
    body = json.dumps(document).encode()
    special = FORMS[recognise(body, topic)]
    assert decode(body, topic=topic) == special(body, topic=topic)


def test_lines_are_recognised_by_the_first():
    body = b"\n".join([json.dumps(ROW).encode()] * 3)
    assert recognise(body) == "native-lines"
    assert len(decode(body).readings) == 3
    entity = json.dumps(GOLDEN["ngsi"][0]).encode()
    assert recognise(entity + b"\n" + entity) == "ngsi-lines"
    # One broken line of many is refused, the rest is taken.
    decoded = decode(body + b"\n{\n" + json.dumps(ROW).encode())
    assert len(decoded.readings) == 4
    assert [row.number for row in decoded.refused] == [3]


def test_the_content_type_settles_the_form():
    assert recognise(b"[]", content_type="application/senml+json") == "senml"
    assert recognise(b"[]") == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"21.5",
        b"{}",
        b"[]",
        b"null",
        b"hello",
        b'{"temperature": 21.5}',
        b'{"value": 5}',
        b"\xff\xfe\x00",
        b'{"id": 5, "type": "Room"}',
        b"\x00\x0c\x06\x52\x67\x61\x02",
        b'{"type": "FeatureCollection", "features": []}',
    ],
)
def test_what_is_of_no_form_is_one_row_with_the_whole_message(body):
    decoded = decode(body)
    assert (decoded.form, decoded.readings) == ("", [])
    (row,) = decoded.refused
    assert row.payload == body
    assert row.reason in ("form", "shape")
    assert row.message


def test_what_is_of_two_forms_at_once_is_not_guessed():
    both = {**ROW, "id": "urn:a", "type": "Room"}
    (row,) = decode(json.dumps(both).encode()).refused
    assert row.reason == "form"
    assert "of one form, got native and ngsi at once" in row.message


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["2026-11-22T09:00:00Z", "value", "$", "2026-11-22/x", "é\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["value", "time", "point", "id", "type", "bn", "n", "v", "data", "result"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def changed(document: object, place: int, junk: object) -> object:
    """Return a document with junk at one of its places, counted through its nests."""
    left = [place]

    def walk(thing: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            return junk
        if isinstance(thing, dict):
            return {key: walk(inner) for key, inner in thing.items()}
        if isinstance(thing, list):
            return [walk(inner) for inner in thing]
        return thing

    return walk(document)


def hold_together(decoded, body: bytes) -> None:
    """Check what holds of every answer, whatever was asked."""
    assert decoded.readings or decoded.refused or decoded.events or decoded.notes
    assert len(decoded.refused) <= MOST_BROKEN + MOST_REFUSED + 2
    for reading in decoded.readings:
        assert reading.device or reading.name
        assert (reading.device + reading.name + reading.unit + reading.source).isprintable()
        assert reading.value is None or abs(reading.value) <= sys.float_info.max
        assert reading.time is None or isinstance(reading.time, int)
        assert 0 <= reading.version < 2**63
    for row in decoded.refused:
        assert row.reason
        assert row.message
        assert isinstance(row.payload, bytes)
        row.message.encode()
        row.row.encode()


@given(st.binary(max_size=200), st.sampled_from(sorted(FORMS)))
def test_random_bytes_raise_nothing(body, form):
    hold_together(decode(body), body)
    hold_together(FORMS[form](body), body)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(GOLDEN)),
    st.integers(1, 25),
    JSON,
    st.sampled_from(sorted(FORMS)),
)
def test_junk_at_any_place_of_a_message_raises_nothing(case, place, junk, form):
    document, topic = GOLDEN[case]
    body = json.dumps(changed(document, place, junk)).encode()
    hold_together(decode(body, topic=topic, arrival=0), body)
    hold_together(FORMS[form](body, topic=topic, arrival=0), body)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(GOLDEN)), st.integers(1, 25), JSON)
def test_what_is_refused_is_refused_again_until_it_is_mended(case, place, junk):
    document, topic = GOLDEN[case]
    body = json.dumps(changed(document, place, junk)).encode()
    decoded = decode(body, topic=topic, arrival=0)
    for row in decoded.refused:
        if not row.payload or not row.form:
            continue
        again = FORMS[row.form](row.payload, topic=topic, arrival=0)
        assert row.reason in {bad.reason for bad in again.refused}
        # And what was taken at once is not taken as something else.
        known = {(one.device, one.name, one.time) for one in decoded.readings}
        assert {(one.device, one.name, one.time) for one in again.readings} <= known


@given(st.sampled_from(sorted(GOLDEN)), st.integers(0, 400), st.integers(0, 255))
def test_a_flipped_byte_raises_nothing(case, place, byte):
    document, topic = GOLDEN[case]
    body = bytearray(json.dumps(document).encode())
    body[place % len(body)] = byte
    hold_together(decode(bytes(body), topic=topic), bytes(body))


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 1_000_000, id="nested lists"),
        pytest.param(b'{"value":' * 200_000, id="nested objects"),
        pytest.param(b"[" * 900 + b"]" * 900, id="nested and whole"),
        pytest.param(b'{"value":' * 900 + b"1" + b"}" * 900, id="objects in objects"),
        pytest.param(b"9" * 300_000, id="very many digits"),
        pytest.param(b"[" + b"{}," * 50_000 + b"{}]", id="many empty rows"),
        pytest.param(b'{"value":"' + b"x" * 3_000_000 + b'"}', id="megabytes of text"),
        pytest.param(b'{"a":1,"a":2,' * 2 + b'"b":[]}}', id="keys that come twice"),
        pytest.param(b"\n" * 1_000_000, id="empty lines"),
        pytest.param(b"{\n" * 100_000, id="broken lines"),
        pytest.param(b'{"id":"' + b"\\ud800" * 10 + b'","type":"x"}', id="half pairs"),
        pytest.param("{}".encode("utf-16"), id="another encoding"),
    ],
)
def test_no_message_takes_long(body, form):
    start = time.process_time()
    hold_together(FORMS[form](body), body)
    hold_together(decode(body), body)
    assert time.process_time() - start < 5


def test_ten_megabytes_of_rows_are_read_in_a_moment():
    body = b"[" + b",".join([json.dumps(ROW).encode()] * 120_000) + b"]"
    assert len(body) > 10_000_000
    start = time.process_time()
    assert len(decode(body).readings) == 120_000
    assert time.process_time() - start < 5


def test_lines_after_too_many_broken_ones_are_kept_and_not_read():
    good = json.dumps(ROW).encode()
    body = good + b"\n" + b"{\n" * 1_500 + good
    decoded = decode(body)
    assert len(decoded.readings) == 1
    assert "the 501 lines from line 1002 on are not read" in decoded.refused[-1].message
    assert decoded.refused[-1].payload.endswith(good)


def test_a_message_beyond_the_largest_is_not_read():
    (row,) = decode(b" " * (LARGEST + 1)).refused
    assert row.reason == "size"
    (row,) = FORMS["native-lines"](b" " * (LARGEST + 1)).refused
    assert row.reason == "size"
