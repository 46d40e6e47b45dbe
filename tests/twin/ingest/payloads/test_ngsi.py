"""Entities of every dialect give the same readings."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.ingest.payloads.fields import instant
from twin.ingest.payloads.ngsi import decode, decode_lines
from twin.ingest.readings import Reading
from twin.store.records import Quality

NINE = "2026-11-22T09:00:00Z"
TEN = "2026-11-22T10:00:00Z"
METER = "urn:ngsi-ld:Device:94193A010B000001"

LD = {
    "id": "urn:ngsi-ld:SmartMeteringObservation:7",
    "type": "SmartMeteringObservation",
    "refDevice": {"type": "Relationship", "object": METER},
    "meterType": {"type": "Property", "value": "Heat"},
    "totalConsumption": {
        "type": "Property",
        "value": 41.25,
        "unitCode": "KWH",
        "observedAt": NINE,
    },
}
CONCISE = {
    "id": "urn:ngsi-ld:SmartMeteringObservation:7",
    "type": "SmartMeteringObservation",
    "refDevice": {"object": METER},
    "meterType": "Heat",
    "totalConsumption": {"value": 41.25, "unitCode": "KWH", "observedAt": NINE},
}
V2 = {
    "id": "urn:ngsi-ld:SmartMeteringObservation:7",
    "type": "SmartMeteringObservation",
    "refDevice": {"type": "Text", "value": METER},
    "meterType": {"type": "Text", "value": "Heat"},
    "totalConsumption": {
        "type": "Number",
        "value": 41.25,
        "metadata": {
            "unitCode": {"type": "Text", "value": "KWH"},
            "timestamp": {"type": "DateTime", "value": NINE},
        },
    },
}
KEY_VALUES = {
    "id": "urn:ngsi-ld:SmartMeteringObservation:7",
    "type": "SmartMeteringObservation",
    "refDevice": METER,
    "meterType": "Heat",
    "dateObserved": NINE,
    "totalConsumption": 41.25,
}
READ = Reading(METER, "totalConsumption", instant(NINE), 41.25, "KWH")


def read(document: object):
    return decode(json.dumps(document).encode())


@pytest.mark.parametrize("entity", [LD, CONCISE, V2], ids=["ld", "concise", "v2"])
def test_every_dialect_says_the_same(entity):
    decoded = read(entity)
    assert decoded.readings == [READ]
    assert decoded.refused == ()
    assert decoded.notes == ("attributes without a number passed over: meterType",)


def test_key_values_have_no_units():
    (reading,) = read(KEY_VALUES).readings
    assert (reading.time, reading.value, reading.unit) == (instant(NINE), 41.25, "")


@pytest.mark.parametrize(
    "wrapped",
    [
        pytest.param([LD, LD], id="list"),
        pytest.param({"subscriptionId": "s", "data": [V2, V2]}, id="v2 notification"),
        pytest.param(
            {"id": "urn:n", "type": "Notification", "data": [LD, CONCISE]},
            id="ld notification",
        ),
    ],
)
def test_lists_and_notifications_hold_entities(wrapped):
    assert read(wrapped).readings == [READ, READ]


def test_a_dump_has_one_entity_on_each_line():
    lines = "\n".join(json.dumps(entity) for entity in (LD, V2)) + "\n{broken\n"
    decoded = decode_lines(lines.encode())
    assert decoded.readings == [READ, READ]
    assert [row.number for row in decoded.refused] == [2]


def test_a_measurement_is_named_by_what_it_controls():
    entity = {
        "id": "urn:m:1",
        "type": "DeviceMeasurement",
        "refDevice": METER,
        "controlledProperty": "humidity",
        "numValue": 55.2,
        "dateObserved": NINE,
        "unit": "P1",
    }
    (reading,) = read(entity).readings
    assert (reading.device, reading.name, reading.unit) == (METER, "humidity", "P1")
    # Without that, two measurements of one device differ by their own ids alone.
    del entity["controlledProperty"]
    (reading,) = read(entity).readings
    assert (reading.device, reading.name) == ("urn:m:1", "numValue")


def test_an_entity_without_a_device_is_one():
    entity = {key: part for key, part in KEY_VALUES.items() if key != "refDevice"}
    assert read(entity).readings[0].device == KEY_VALUES["id"]


def test_the_course_in_time_of_an_attribute_is_many_readings():
    instances = [
        {"type": "Property", "value": value, "observedAt": when, "unitCode": "CEL"}
        for value, when in ((20.5, NINE), (21.5, TEN))
    ]
    simplified = {"type": "Property", "values": [[20.5, NINE], [21.5, TEN]]}
    entity = {"id": "urn:room", "type": "Room"}
    for temperature in (instances, simplified):
        decoded = read({**entity, "temperature": temperature})
        told = [(row.time, row.value) for row in decoded.readings]
        assert told == [(instant(NINE), 20.5), (instant(TEN), 21.5)]


def test_data_sets_of_an_attribute_are_told_apart():
    speed = [
        {"type": "Property", "value": 3.0, "observedAt": NINE},
        {"type": "Property", "value": 4.0, "observedAt": NINE, "datasetId": "urn:roof"},
    ]
    decoded = read({"id": "urn:mast", "type": "Mast", "windSpeed": speed})
    assert [row.name for row in decoded.readings] == ["windSpeed", "windSpeed@urn:roof"]


def test_modification_is_a_rank_and_at_need_a_suspect_time():
    modified = {**KEY_VALUES, "dateModified": TEN}
    (reading,) = read(modified).readings
    assert (reading.time, reading.version) == (instant(NINE), instant(TEN))
    del modified["dateObserved"]
    (reading,) = read(modified).readings
    assert (reading.time, reading.version) == (instant(TEN), 0)
    assert reading.quality == Quality.CLOCK


def test_a_measurement_without_any_time_or_unit_has_none():
    entity = {"id": "urn:x", "type": "Thing", "power": 5}
    assert read(entity).readings == [Reading("urn:x", "power", None, 5.0, "")]


def test_an_outlier_is_doubtful():
    (reading,) = read({**KEY_VALUES, "outlier": True}).readings
    assert reading.quality == Quality.DOUBTFUL


def test_null_in_full_is_a_known_gap_and_bare_null_is_nothing():
    entity = {"id": "urn:x", "type": "Thing"}
    (gap,) = read({**entity, "power": {"type": "Number", "value": None}}).readings
    assert gap.value is None
    assert read({**entity, "power": None}).readings == []


def test_a_device_packs_its_values_in_a_text():
    entity = {"id": "d-1", "type": "Device", "value": "l%3D0.22%3Bt%3D21.2%3Bs%3Dok"}
    told = [(row.device, row.name, row.value) for row in read(entity).readings]
    assert told == [("d-1", "l", 0.22), ("d-1", "t", 21.2)]


@pytest.mark.parametrize(
    ("change", "reason", "told"),
    [
        ({"dateObserved": "2026-11-22T09:00:00"}, "time", "time zone"),
        ({"dateObserved": "1012-11-22T09:00:00Z"}, "time", "2000 to 2200"),
        ({"totalConsumption": {"value": 1, "unitCode": []}}, "shape", "a unit must be"),
        ({"totalConsumption": {"values": [[1]]}}, "shape", "pairs of value and time"),
        ({"id": None}, "shape", "id must be"),
    ],
)
def test_what_does_not_hold_is_kept_as_an_entity_of_its_own(change, reason, told):
    decoded = read([KEY_VALUES, {**KEY_VALUES, **change}])
    assert len(decoded.readings) == 1
    (row,) = decoded.refused
    assert row.reason == reason
    assert told in row.message
    kept = json.loads(row.payload)
    assert "totalConsumption" in kept


@pytest.mark.real
@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("Building-example", {"floorsAboveGround": 7.0}),
        ("Device-example", {"batteryLevel": 0.75, "rssi": 0.86, "l": 0.22, "t": 21.2}),
        ("DeviceMeasurement-example", {"humidity": 55.2}),
        (
            "SmartMeteringObservation-example",
            {"totalConsumption": 7.0, "powerFactor": 0.98},
        ),
        (
            "WeatherObserved-example",
            {"temperature": 3.3, "illuminance": 1000.0, "windDirection": 135.0},
        ),
    ],
)
def test_the_samples_of_smart_data_models_are_read(shared_data, stem, expected):
    paths = sorted((shared_data / "iot").glob(f"{stem}*"))
    assert len(paths) == 4
    for path in paths:
        decoded = decode(path.read_bytes())
        assert decoded.refused == (), path.name
        told = {reading.name: reading for reading in decoded.readings}
        for name, value in expected.items():
            assert told[name].value == value, (path.name, name)
        times = {reading.time for reading in decoded.readings}
        if stem.startswith("Weather"):
            # Its ids change from hour to hour; the station's does not.
            assert all(row.device.endswith("device-0A3478") for row in decoded.readings)
            assert times == {instant("2016-11-30T07:00:00Z")}
        elif stem.startswith("DeviceM"):
            assert times == {instant("2021-09-03T07:33:18Z")}
            assert told["humidity"].unit == "UDT0000016"
            assert told["humidity"].quality == Quality.DOUBTFUL
        elif stem.startswith("Smart"):
            # The official example tells neither time nor unit.
            assert times == {None}
            assert {reading.unit for reading in decoded.readings} == {""}


CELL = st.sampled_from(
    [1.5, -2.0, 3, True, None, "text", "7", float("nan"), {"a": 1}, [1.0, 2.0], "a=1;b=2"]
)
WHENS = st.sampled_from(
    [
        "2026-11-22T09:00:00Z",
        "2026-11-22T09:00:00Z/2026-11-22T10:00:00Z",
        "soon",
        "",
        None,
        7,
    ]
)
MEMBERS = st.fixed_dictionaries(
    {"value": CELL},
    optional={
        "type": st.sampled_from(["Property", "Number", "Text"]),
        "observedAt": WHENS,
        "unitCode": st.sampled_from(["CEL", "", None, 3, {"value": "KWH"}]),
        "unit": st.just("kW"),
        "datasetId": st.just("urn:roof"),
    },
)
PLAIN_ONES = st.fixed_dictionaries(
    {"value": st.just(1.5), "observedAt": st.just("2026-11-22T09:00:00Z")},
    optional={"type": st.just("Property"), "unitCode": st.just("CEL")},
)
NAMES = st.sampled_from(
    ["urn:1", {"value": "urn:2"}, {"object": "urn:3"}, ["urn:4"], ""]
) | (st.sampled_from([{"value": "urn:5", "object": "urn:6"}, None, 7]))


@given(
    entity=st.fixed_dictionaries(
        {"id": st.sampled_from(["urn:m:1", "", 5, "x\x00"])},
        optional={
            "type": st.sampled_from(["Device", "Room", 3]),
            "refDevice": NAMES,
            "controlledProperty": NAMES,
            "unitText": st.just("kWh"),
            "numValue": MEMBERS | PLAIN_ONES,
            "temperature": MEMBERS | PLAIN_ONES | CELL,
            "value": MEMBERS,
            "observedAt": WHENS,
        },
    )
)
def test_plain_entities_say_the_same_as_by_asking_for_all(entity):
    """An outlier that is none makes no difference but that the entity is not plain."""
    short = decode(json.dumps(entity).encode())
    long = decode(json.dumps({**entity, "outlier": False}).encode())
    assert short.readings == long.readings
    assert short.notes == long.notes
    assert [(row.reason, row.message) for row in short.refused] == [
        (row.reason, row.message) for row in long.refused
    ]
