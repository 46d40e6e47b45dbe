"""Edge messages give observations, answers and faults."""

import json

import pytest

from twin.ingest.payloads.fields import instant
from twin.ingest.payloads.rec import decode
from twin.ingest.readings import Event, Reading

SENSOR = "https://recref.example/sensor/e0d5120b"
DEVICE = "https://recref.example/device/64b65a99"
WHEN = "2026-05-27T20:07:44Z"
OBSERVATION = {
    "observationTime": WHEN,
    "value": 16.1,
    "quantityKind": "https://w3id.org/rec/core/Temperature",
    "sensorId": SENSOR,
}
RESPONSE = {
    "actuatorId": "damper-1",
    "actuationCommandId": "c-7",
    "responseCode": "success",
    "actuationResponseTime": WHEN,
}
EXCEPTION = {
    "exceptionTime": WHEN,
    "origin": "actuator",
    "id": "damper-1",
    "exception": "Unexpected failure",
    "retry": 1,
}


def message(**parts: object) -> dict[str, object]:
    return {"format": "rec3.3", "deviceId": DEVICE, **parts}


def read(document: object):
    return decode(json.dumps(document).encode())


def test_observations_are_readings_of_their_sensors():
    on = {"observationTime": WHEN, "valueBoolean": True, "sensorId": "pump"}
    decoded = read(message(observations=[OBSERVATION, on]))
    assert decoded.readings == [
        Reading(DEVICE, SENSOR, instant(WHEN), 16.1, ""),
        Reading(DEVICE, "pump", instant(WHEN), 1.0, ""),
    ]
    assert decoded.refused == ()


@pytest.mark.parametrize("part", ["actuationResponses", "actuationCommandResponses"])
def test_both_names_of_responses_are_understood(part):
    (event,) = read(message(**{part: [RESPONSE]})).events
    assert event == Event(DEVICE, "damper-1", instant(WHEN), "response", "success", "c-7")


def test_exceptions_are_events():
    (event,) = read(message(exceptions=[EXCEPTION])).events
    assert (event.kind, event.name, event.text) == (
        "exception",
        "damper-1",
        "Unexpected failure",
    )


@pytest.mark.parametrize(
    ("change", "reason", "told"),
    [
        ({"value": "x"}, "value", "finite number"),
        ({"valueBoolean": True}, "shape", "one of value, valueString, valueBoolean, got 2"),
        ({"observationTime": "2026-05-27T20:07:44"}, "time", "time zone"),
        ({"sensorId": None}, "shape", "sensorId must be"),
    ],
)
def test_a_bad_observation_is_kept_as_a_message_of_its_own(change, reason, told):
    decoded = read(message(observations=[OBSERVATION, {**OBSERVATION, **change}]))
    assert len(decoded.readings) == 1
    (row,) = decoded.refused
    assert (row.number, row.reason) == (1, reason)
    assert told in row.message
    kept = json.loads(row.payload)
    assert kept["deviceId"] == DEVICE
    assert kept["observations"] == [{**OBSERVATION, **change}]


def test_texts_are_no_measurements():
    text = {"observationTime": WHEN, "valueString": "auto", "sensorId": "mode"}
    (row,) = read(message(observations=[text])).refused
    assert row.reason == "value"
    assert "got the text 'auto'" in row.message


@pytest.mark.parametrize(
    "document",
    [{}, [], 5, {"observations": {}}, {"observations": [], "deviceId": []}, message()],
)
def test_messages_that_hold_nothing_are_refused_whole(document):
    decoded = read(document)
    assert len(decoded.refused) == 1
    assert json.loads(decoded.refused[0].payload) == document
