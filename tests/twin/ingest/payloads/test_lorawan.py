"""Uplinks of every network give the same readings of the same telegram."""

import base64
import json

import pytest

from twin.ingest.payloads.fields import instant
from twin.ingest.payloads.lorawan import decode
from twin.store.records import Quality

FRAME = bytes.fromhex(
    "000C06526761020C14978999000B2D0000000B3B0000000A5A33060A5E41050C782911036602FD170000"
)
WHEN = "2026-11-22T08:07:11.482093112Z"
EUI = "94193A010B000001"


def things_stack(frame: bytes | None = FRAME, **uplink: object) -> dict[str, object]:
    told = {"f_cnt": 123, "f_port": 2, "received_at": WHEN}
    if frame is not None:
        told["frm_payload"] = base64.b64encode(frame).decode()
    return {
        "end_device_ids": {"device_id": "meter-12", "dev_eui": EUI},
        "received_at": "2026-11-22T08:07:11.690000000Z",
        "uplink_message": {**told, **uplink},
    }


def chirpstack_4(frame: bytes = FRAME) -> dict[str, object]:
    return {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": WHEN,
        "deviceInfo": {"devEui": EUI.lower(), "deviceName": "meter 12"},
        "fCnt": 123,
        "fPort": 2,
        "data": base64.b64encode(frame).decode(),
    }


def chirpstack_3(frame: bytes = FRAME) -> dict[str, object]:
    return {
        "applicationID": "1",
        "deviceName": "meter 12",
        "devEUI": base64.b64encode(bytes.fromhex(EUI)).decode(),
        "rxInfo": [{"gatewayID": "x"}, {"gatewayID": "y", "time": WHEN}],
        "fCnt": 123,
        "fPort": 2,
        "data": base64.b64encode(frame).decode(),
        "objectJSON": "",
    }


def read(message: object):
    return decode(json.dumps(message).encode())


@pytest.mark.parametrize("network", [things_stack, chirpstack_4, chirpstack_3])
def test_the_telegram_is_read_whatever_network_carries_it(network):
    decoded = read(network())
    assert decoded.refused == ()
    told = {reading.name: reading for reading in decoded.readings}
    assert told["energy"].value == 2_616_752
    assert told["energy"].unit == "kWh"
    assert told["volume"].value == 9_989.97
    assert told["return_temperature"].value == 54.1
    assert {reading.device for reading in decoded.readings} == {EUI.lower()}
    assert {reading.time for reading in decoded.readings} == {instant(WHEN)}
    # The telegram does not tell when its values were measured.
    assert {reading.quality for reading in decoded.readings} == {Quality.CLOCK}


def test_what_the_network_made_of_a_telegram_is_not_believed():
    frame = FRAME.replace(bytes.fromhex("0B3B000000"), bytes.fromhex("0B3B230100"))
    decoded = read(things_stack(frame, decoded_payload={"flow": {"value": 0.291}}))
    flow = next(row for row in decoded.readings if row.name == "flow")
    assert flow.value == 0.123


def test_power_far_from_flow_and_temperatures_is_flagged_and_told():
    # 1.163 x 2.000 m3/h x (63.3 - 54.1) K = 21.4 kW; the meter tells 214 kW.
    frame = FRAME.replace(bytes.fromhex("0B3B000000"), bytes.fromhex("0B3B002000"))
    frame = frame.replace(bytes.fromhex("0B2D000000"), bytes.fromhex("0B2D402100"))
    decoded = read(things_stack(frame))
    flagged = {row.name for row in decoded.readings if row.quality & Quality.UNIT}
    assert flagged == {"power", "flow"}
    assert "got 214 kW and 21.4 kW; they differ by 10**1" in decoded.notes[0]


def test_other_devices_are_taken_as_decoded_upstream():
    payload = {"temperature": 21.5, "occupied": True, "battery": {"v": 3.6}, "kind": "ERS"}
    decoded = read(things_stack(b"\x01\x00\xd7", decoded_payload=payload))
    told = {reading.name: reading.value for reading in decoded.readings}
    assert told == {"temperature": 21.5, "occupied": 1.0, "battery.v": 3.6}
    assert {reading.unit for reading in decoded.readings} == {""}
    assert decoded.notes == (f"{EUI.lower()}: values without a number passed over: kind",)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        pytest.param(things_stack(FRAME[:-1]), "chain of M-Bus records", id="cut off"),
        pytest.param(things_stack(b"\xff\x00"), "be decoded by the network", id="unknown"),
        pytest.param(
            things_stack(b"\x09\x09", decoded_payload={"energy": 1, "power": 2, "flow": 3}),
            "read from its bytes",
            id="a heat meter decoded upstream",
        ),
        pytest.param(things_stack(frm_payload="!!"), "base 64", id="no base 64"),
        pytest.param(things_stack(received_at="2026-11-22"), "time zone", id="naive"),
        pytest.param(
            {"end_device_ids": {}, "join_accept": {}}, "no other event", id="join"
        ),
        pytest.param({"deviceInfo": {}, "fPort": 1}, "must have data", id="no data"),
    ],
)
def test_what_cannot_be_read_is_kept_whole(message, told):
    decoded = read(message)
    assert decoded.readings == []
    (row,) = decoded.refused
    assert told in row.message
    assert json.loads(row.payload) == message


def test_digits_that_are_none_refuse_the_value_and_keep_the_others():
    frame = FRAME.replace(bytes.fromhex("0B3B000000"), bytes.fromhex("0B3BEEEEEE"))
    decoded = read(things_stack(frame))
    assert len(decoded.readings) == 7
    (row,) = decoded.refused
    assert row.reason == "value"
    assert "flow must be a number" in row.message


def test_an_uplink_without_a_payload_is_told():
    decoded = read(things_stack(None))
    assert decoded.readings == []
    assert decoded.refused == ()
    assert decoded.notes == (f"{EUI.lower()}: an uplink without a payload passed over",)
