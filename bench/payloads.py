"""Time the decoding of messages of a thousand values, each family by itself.

Run from a checkout: ``.venv/bin/python bench/payloads.py``. Printed is the CPU time of one
message, the best of several rounds, beside that of reading the same JSON and doing nothing
with it, which no decoder can undercut.
"""

import base64
import time

import msgspec

from twin.ingest.payloads.forms import decode
from twin.ingest.payloads.native import encode
from twin.ingest.readings import Reading

ROWS = 1_000
ROUNDS = 30
TARGET = 3.0
"""CPU time allowed for a message of a thousand values [ms]."""

START = 1_795_341_600_000_000
MINUTE = 60_000_000


def main() -> None:
    print(f"{'form':<22}{'kB':>7}{'JSON ms':>9}{'ms':>8}{'values/s':>12}")
    for form, body, topic in messages():
        decoder = msgspec.json.Decoder()
        json = decoder.decode_lines if form.endswith("lines") else decoder.decode
        raw = best(lambda body=body, json=json: json(body))
        decoded = decode(body, topic=topic, arrival=START)
        spent = best(lambda body=body, topic=topic: decode(body, topic=topic))
        count = len(decoded.readings)
        verdict = "" if spent * 1_000 < TARGET else f"  above {TARGET:g} ms"
        print(
            f"{form:<22}{len(body) / 1e3:7.0f}{1e3 * raw:9.2f}{1e3 * spent:8.2f}"
            f"{count / spent:12,.0f}{verdict}"
        )


def best(work) -> float:
    """Return the least CPU time of some rounds [s]."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def messages():
    """Yield form, message and topic."""
    times = [START + MINUTE * (row % 60) for row in range(ROWS)]
    texts = [f"2026-11-22T08:{row % 60:02d}:00Z" for row in range(ROWS)]
    distinct = [f"2026-11-22T08:{row // 60:02d}:{row % 60:02d}.5Z" for row in range(ROWS)]
    values = [20 + row / 100 for row in range(ROWS)]
    points = [f"heidi-{row:03d}/indoor/temperature" for row in range(ROWS)]
    encoder = msgspec.json.Encoder()

    rows = [
        {"point": point, "time": text, "value": value, "unit": "degC", "source": "bms"}
        for point, text, value in zip(points, texts, values, strict=True)
    ]
    yield "native", encoder.encode(rows), ""
    for row, text in zip(rows, distinct, strict=True):
        row["time"] = text
    yield "native, own times", encoder.encode(rows), ""
    yield "native-lines", encoder.encode_lines(rows), ""
    encoded = [
        encode(Reading("", point, when, value, "degC"))
        for point, when, value in zip(points, times, values, strict=True)
    ]
    yield "native, time_us", encoder.encode(encoded), ""
    table = {"point": points, "time": texts, "value": values, "unit": "degC"}
    yield "native, columns", encoder.encode(table), ""
    sensor = "https://recref.example/sensor"
    observations = [
        {
            "observationTime": text,
            "value": value,
            "quantityKind": "https://w3id.org/rec/core/Temperature",
            "sensorId": f"{sensor}/{row:08d}-0000-4000-8000-000000000000",
        }
        for row, (text, value) in enumerate(zip(distinct, values, strict=True))
    ]
    message = {"format": "rec3.3", "deviceId": "https://recref.example/device/64b6"}
    yield "rec", encoder.encode({**message, "observations": observations}), ""
    records: list[dict[str, object]] = [
        {"n": f"room{row}:temperature", "u": "Cel", "t": row, "v": value}
        for row, value in enumerate(values)
    ]
    records[0] |= {"bn": "urn:dev:mac:94193a010b000001:", "bt": START / 1e6}
    yield "senml", encoder.encode(records), ""
    entities = [
        {
            "id": f"urn:ngsi-ld:DeviceMeasurement:{row}",
            "type": "DeviceMeasurement",
            "refDevice": {"type": "Relationship", "object": f"urn:ngsi-ld:Device:{row}"},
            "controlledProperty": {"type": "Property", "value": "temperature"},
            "numValue": {
                "type": "Property",
                "value": value,
                "unitCode": "CEL",
                "observedAt": text,
            },
        }
        for row, (text, value) in enumerate(zip(distinct, values, strict=True))
    ]
    yield "ngsi", encoder.encode(entities), ""
    array = {
        "Datastream": {"@iot.id": 12},
        "components": ["phenomenonTime", "result"],
        "dataArray": [list(row) for row in zip(distinct, values, strict=True)],
    }
    yield "sensorthings, array", encoder.encode([array]), ""
    frame = "000C06526761020C14978999000B2D0000000B3B0000000A5A33060A5E41050C78291103660"
    uplink = {
        "end_device_ids": {"dev_eui": "94193A010B000001"},
        "uplink_message": {
            "received_at": "2026-11-22T08:00:00.123456789Z",
            "frm_payload": base64.b64encode(bytes.fromhex(frame + "2FD170000")).decode(),
        },
    }
    yield "lorawan, one uplink", encoder.encode(uplink), ""


if __name__ == "__main__":
    main()
