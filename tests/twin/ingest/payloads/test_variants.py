"""Messages as other people write them, by the letter of each specification."""

import base64
import json

import pytest

from twin.ingest.payloads.document import MOST_VALUES
from twin.ingest.payloads.fields import instant
from twin.ingest.payloads.forms import decode

TIME = "2026-11-22T08:00:00Z"
TEMPERATURE = {"type": "Property", "value": 21.5, "observedAt": TIME}
ENTITY = {"id": "urn:ngsi-ld:Room:1", "type": "Room", "temperature": TEMPERATURE}
UPLINK = {
    "end_device_ids": {"device_id": "eui-94", "dev_eui": "94193A010B000001"},
    "received_at": TIME,
    "uplink_message": {
        "f_port": 2,
        "frm_payload": base64.b64encode(b"\x01\x02").decode(),
        "decoded_payload": {"temperature": 21.5},
    },
}
ROOM = "urn:ngsi-ld:Room:1"
METER = "94193a010b000001"


def told(message: object, **more: str) -> list[tuple[str, str, float | None]]:
    """Return device, name and value of all readings, which are of one time."""
    decoded = decode(json.dumps(message).encode(), **more)
    assert decoded.refused == ()
    assert {reading.time for reading in decoded.readings} <= {instant(TIME)}
    return [(one.device, one.name, one.value) for one in decoded.readings]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(
            {"type": "Notification", "id": "urn:n", "subscriptionId": "urn:s",
             "notifiedAt": TIME, "data": ENTITY},
            id="a notification of one entity without a list",
        ),
        pytest.param(
            {"type": "FeatureCollection", "features": [
                {"id": ROOM, "type": "Feature", "geometry": None,
                 "properties": {"type": "Room", "temperature": TEMPERATURE}}]},
            id="GeoJSON",
        ),
        pytest.param(
            {"id": "urn:n", "type": "Notification", "subscriptionId": "urn:s", "data": {
                "type": "FeatureCollection", "features": [
                    {"id": ROOM, "type": "Feature", "geometry": None,
                     "properties": {"type": "Room", "temperature": TEMPERATURE}}]}},
            id="a notification in GeoJSON",
        ),
        pytest.param(
            {"actionType": "append", "entities": [
                {"id": ROOM, "type": "Room", "temperature": {
                    "type": "Number", "value": 21.5, "metadata": {
                        "TimeInstant": {"type": "DateTime", "value": TIME}}}}]},
            id="an update of many",
        ),
        pytest.param(
            {"id": ROOM, "temperature": {"type": "Number", "value": 21.5},
             "TimeInstant": {"type": "DateTime", "value": TIME}},
            id="an entity without a type",
        ),
        pytest.param(
            {"id": ROOM, "type": "Room", "temperature": {"type": "Number", "value": "21.5"},
             "TimeInstant": {"type": "DateTime", "value": TIME}},
            id="a number told as text by its agent",
        ),
    ],
)  # fmt: skip
def test_ngsi(message):
    assert told(message) == [(ROOM, "temperature", 21.5)]


@pytest.mark.parametrize("text", ["on", "1,5", "nan", "1e", "\u0661", " 1", "9" * 40])
def test_a_text_whose_type_is_a_number_and_that_is_none_is_refused(text):
    entity = {"id": ROOM, "type": "Room", "t": {"type": "Number", "value": text}}
    decoded = decode(json.dumps(entity).encode())
    assert [row.reason for row in decoded.refused] == ["value"]
    again = decode(decoded.refused[0].payload)
    assert [row.message for row in again.refused] == [decoded.refused[0].message]


def test_geography_without_entities_is_of_no_form():
    feature = {"type": "Feature", "properties": {"name": "x"}, "geometry": None}
    for message in (feature, {"type": "FeatureCollection", "features": [feature]}):
        assert decode(json.dumps(message).encode()).form == ""


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(
            {"@iot.id": 1, "phenomenonTime": TIME, "result": 21.5, "resultTime": None,
             "Datastream@iot.navigationLink": "https://h/v1.1/Datastreams(7)"},
            id="an answer with the link to its stream",
        ),
        pytest.param(
            {"@iot.nextLink": "x", "value": [
                {"Datastream@iot.navigationLink": "https://h/v1.1/Datastreams(7)",
                 "components": ["id", "phenomenonTime", "resultTime", "result"],
                 "dataArray@iot.count": 1, "dataArray": [[1, TIME, None, 21.5]]}]},
            id="an answer in data arrays",
        ),
        pytest.param(
            {"phenomenonTime": f"{TIME}/2026-11-22T09:00:00Z", "result": 21.5,
             "resultQuality": "Good", "Datastream": {"@iot.id": 7}},
            id="an interval of good quality",
        ),
    ],
)  # fmt: skip
def test_sensorthings(message):
    assert told(message) == [("Datastreams(7)", "result", 21.5)]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(UPLINK, id="itself"),
        pytest.param({"result": UPLINK}, id="from storage"),
        pytest.param({"name": "as.up.data.forward", "time": TIME, "data": UPLINK},
                     id="as event"),
    ],
)  # fmt: skip
def test_the_things_stack(message):
    assert told(message) == [(METER, "temperature", 21.5)]


def test_commands_to_a_device_are_told_and_no_measurement():
    observation = {"observationTime": TIME, "value": 21.5, "sensorId": "s"}
    command = {"actuationCommandTime": TIME, "actuationCommandId": "c", "actuatorId": "a",
               "valueBoolean": True}  # fmt: skip
    message = {"format": "rec3.3", "deviceId": "d", "observations": [observation],
               "actuationCommands": [command]}  # fmt: skip
    assert told(message) == [("d", "s", 21.5)]
    (note,) = decode(json.dumps(message).encode()).notes
    assert "commands" in note


def test_an_answer_to_a_command_may_leave_its_actuator_to_the_command():
    message = {"format": "rec3.2", "deviceId": "d", "actuationCommandResponses": [
        {"actuationCommandId": "c", "responseCode": "rejected",
         "actuationResponseTime": TIME}]}  # fmt: skip
    (event,) = decode(json.dumps(message).encode()).events
    assert (event.device, event.command, event.text) == ("d", "c", "rejected")


def test_more_values_than_fit_into_memory_are_one_refused_row():
    many = b"0," * MOST_VALUES
    for body in (
        b'{"point":"p","value":[' + many + b"0]}",
        b'{"point":"p","value":1}\n{"point":"p","value":[' + many + b"0]}",
    ):
        decoded = decode(body)
        assert [row.reason for row in decoded.refused] == ["size"]
        assert decoded.refused[0].payload == body


def test_a_million_values_are_read():
    decoded = decode(b'{"point":"p","value":[' + b"0," * 999_999 + b"0]}")
    assert len(decoded.readings) == 1_000_000
