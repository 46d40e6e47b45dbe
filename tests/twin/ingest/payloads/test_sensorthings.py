"""Observations say the same, however many come at once."""

import json

import pytest

from twin.ingest.payloads.fields import instant
from twin.ingest.payloads.sensorthings import decode, stream_of_topic
from twin.ingest.readings import Reading
from twin.store.records import Quality

TOPIC = "v1.1/Datastreams(12)/Observations"
HOUR = "2026-11-22T08:00:00Z/2026-11-22T09:00:00Z"
EIGHT, NINE = instant("2026-11-22T08:00:00Z"), instant("2026-11-22T09:00:00Z")
SINGLE = {"phenomenonTime": HOUR, "result": 41.2, "resultQuality": "good"}
READ = Reading("Datastreams(12)", "result", EIGHT, 41.2, "")


def read(document: object, topic: str = ""):
    return decode(json.dumps(document).encode(), topic=topic)


def test_a_single_observation_is_of_the_stream_of_its_topic():
    # An interval is labelled by its start.
    assert read(SINGLE, TOPIC).readings == [READ]
    prefixed = "sensors/v1.1/Datastreams(12)/Observations"
    assert read(SINGLE, prefixed).readings == [READ]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({**SINGLE, "Datastream": {"@iot.id": 12}}, id="named in the body"),
        pytest.param([{**SINGLE, "Datastream": {"@iot.id": 12}}], id="list"),
        pytest.param({"value": [{**SINGLE, "Datastream": {"@iot.id": 12}}]}, id="answer"),
        pytest.param(
            [
                {
                    "Datastream": {"@iot.id": 12},
                    "components": ["result", "phenomenonTime"],
                    "dataArray@iot.count": 1,
                    "dataArray": [[41.2, HOUR]],
                }
            ],
            id="data array",
        ),
        pytest.param(
            {"requests": [{"id": "1", "method": "post", "url": TOPIC, "body": SINGLE}]},
            id="batch",
        ),
    ],
)
def test_every_way_of_sending_says_the_same(document):
    decoded = read(document)
    assert decoded.readings == [READ]
    assert decoded.refused == ()


def test_ids_that_are_texts_read_as_in_an_address():
    body = {**SINGLE, "Datastream": {"@iot.id": "roof's"}}
    topic = "v1.1/Datastreams('roof''s')/Observations"
    assert read(body).readings == read(SINGLE, topic).readings


def test_the_unit_comes_with_the_stream_or_not_at_all():
    stream = {"@iot.id": 12, "unitOfMeasurement": {"name": "Centigrade", "symbol": "°C"}}
    (reading,) = read({"result": 5, "Datastream": stream}).readings
    assert (reading.time, reading.value, reading.unit) == (None, 5.0, "°C")


def test_a_result_worked_out_again_ranks_higher():
    told = {**SINGLE, "resultTime": "2026-11-22T09:00:00Z"}
    (reading,) = read(told, TOPIC).readings
    assert reading.version == NINE
    (reading,) = read({**told, "phenomenonTime": None}, TOPIC).readings
    assert reading.version == 0


@pytest.mark.parametrize(
    ("told", "flags"),
    [
        ("good", 0),
        (None, 0),
        ("bad", Quality.DOUBTFUL),
        ("Estimated", Quality.ESTIMATED),
        ([{"nameOfMeasure": "estimated"}, "suspect"], Quality.ESTIMATED | Quality.DOUBTFUL),
        ("never heard of", Quality.DOUBTFUL),
        (7, 0),
    ],
)
def test_quality_travels(told, flags):
    (reading,) = read({**SINGLE, "resultQuality": told}, TOPIC).readings
    assert reading.quality == flags


def test_several_results_are_several_readings():
    stream = {
        "@iot.id": 3,
        "unitOfMeasurements": [{"symbol": "kW"}, {"symbol": "degC"}],
    }
    rows = read({"result": [5, True], "MultiDatastream": stream}).readings
    assert [(row.device, row.name, row.value, row.unit) for row in rows] == [
        ("MultiDatastreams(3)", "result[0]", 5.0, "kW"),
        ("MultiDatastreams(3)", "result[1]", 1.0, "degC"),
    ]


@pytest.mark.parametrize(
    ("change", "reason", "told"),
    [
        ({"result": "on"}, "value", "finite number"),
        ({"result": {}}, "value", "got an object"),
        ({"phenomenonTime": "2026-11-22T08:00:00"}, "time", "time zone"),
        (
            {"phenomenonTime": "2026-11-22T09:00:00Z/2026-11-22T08:00:00Z"},
            "time",
            "must not end before it starts",
        ),
        ({"Datastream": {"@iot.id": "$ds-1"}}, "shape", "which the batch makes"),
        ({"Datastream": 12}, "shape", "an object with @iot.id"),
        ({"Datastream": {}}, "shape", "a whole number or text"),
    ],
)
def test_what_does_not_hold_is_refused_and_can_be_fed_again(change, reason, told):
    decoded = read([{**SINGLE, **change}, SINGLE], TOPIC)
    assert decoded.readings == [READ]
    (row,) = decoded.refused
    assert row.reason == reason
    assert told in row.message
    # Fed again without the topic, it fails for the same reason.
    again = decode(row.payload)
    assert [bad.message for bad in again.refused] == [row.message]


def test_an_observation_without_a_stream_is_refused():
    (row,) = read(SINGLE).refused
    assert "must name its Datastream" in row.message
    assert stream_of_topic("v1.1/Datastreams/Observations") == ""


def test_a_bad_row_of_an_array_is_kept_with_its_stream():
    array = {
        "Datastream": {"@iot.id": 12},
        "components": ["phenomenonTime", "result"],
        "dataArray": [[HOUR, 41.2], [HOUR], [HOUR, "x"]],
    }
    decoded = read([array])
    assert decoded.readings == [READ]
    assert [row.reason for row in decoded.refused] == ["shape", "value"]
    mended = json.loads(decoded.refused[1].payload)
    mended[0]["dataArray"][0][1] = 41.2
    assert read(mended).readings == [READ]


@pytest.mark.real
def test_a_batch_that_makes_things_is_told_and_kept(shared_data):
    body = (shared_data / "iot" / "frost_dataBatchPost.json").read_bytes()
    decoded = decode(body)
    assert decoded.readings == []
    assert "8 Datastreams" in decoded.notes[0]
    (row,) = decoded.refused
    assert "must hold observations" in row.message
    assert row.payload == body
    # With observations in it, those are taken and the rest is told.
    batch = json.loads(body)
    batch["requests"].append({"method": "post", "url": TOPIC, "body": SINGLE})
    decoded = read(batch)
    assert decoded.readings == [READ]
    assert decoded.refused == ()
    assert "4 Things" in decoded.notes[0]
