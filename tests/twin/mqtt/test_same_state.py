"""The same data ends in the same store, to the bit, whichever way and order it comes.

Files, HTTP and MQTT are fed the same rows; HTTP and MQTT shuffled, in messages of other
sizes, some of them twice, and with a broker that restarts in the midst of it.
"""

import hashlib
import json
import random
import struct
import threading
import time

import pandas as pd
import pytest

from twin.ingest.files import feed_file
from twin.ingest.gate import read_time
from twin.ingest.intake import Intake, Message
from twin.ingest.mapping import parse_mapping
from twin.ingest.mqtt import Settings, start_listening
from twin.ingest.mqtt_address import read_broker
from twin.ingest.publish import Parcel, publish_mqtt
from twin.store.embedded import EmbeddedStore
from twin.things import FILE, read_model

from ..api.conftest import whole, whole_template  # noqa: F401, TID252
from ..serving import served  # noqa: F401, TID252
from .conftest import wait_for

START = read_time("2026-06-20T00:00Z")
HOUR = 3_600_000_000

MAPPING = """device,name,point,unit,factor,digits,most
m7,energy,b2/heat-2/heat_energy,MWh,,6,
room,t,b1/indoor/temperature,degF,,,
room,rssi,-,,,,
"""


def rows() -> list[dict[str, object]]:
    """Return rows of every kind whose fate does not hang on their order."""
    made: list[dict[str, object]] = []
    for hour in range(24):
        for quarter in range(4):
            when = START + hour * HOUR + quarter * HOUR // 4
            row = {"time_us": when, "source": "bms"}
            power = 3 + (hour % 7) / 3 + quarter / 16
            made.append({**row, "point": "b1/heat/power", "value": power, "unit": "kW"})
            made.append({**row, "device": "room", "name": "t", "value": 68 + quarter / 3})
            register = 1.5 + (4 * hour + quarter) / 64
            made.append({**row, "device": "m7", "name": "energy", "value": register})
        row = {"time_us": START + hour * HOUR, "source": "station"}
        sky = {**row, "point": "weather/air_temperature", "unit": "degC"}
        made.append({**sky, "value": None if hour == 5 else 12.1 + hour / 9})
        if hour % 6 == 0:
            # A correction, and the word of a person.
            made.append({**sky, "value": 13.7, "version": 2, "quality": ["manual"]})
            made.append({**row, "device": "room", "name": "rssi", "value": -70})
            made.append({**row, "device": "who", "name": "x", "value": hour})
            made.append({**row, "point": "b2/heat/power", "value": hour, "unit": "furlong"})
            made.append({**row, "point": "b2/heat/power", "value": 1e9, "unit": "kW"})
            made.append({**row, "point": "b2/heat/power", "value": "high", "unit": "kW"})
    far = {"time_us": START + 50 * 365 * 24 * HOUR, "value": 1, "unit": "kW"}
    made.append({"point": "b2/heat/power", **far})
    made.append({"point": "b2/heat/power", "time": "2026-06-20T08:00", "value": 1})
    return made


def messages(chance: random.Random) -> list[list[dict[str, object]]]:
    """Return the rows shuffled in messages of any size, a fifth of those twice."""
    some = rows()
    chance.shuffle(some)
    cut = []
    while some:
        size = chance.choice([1, 1, 7, 90])
        cut.append(some[:size])
        some = some[size:]
    cut += chance.sample(cut, max(len(cut) // 5, 1))
    chance.shuffle(cut)
    return cut


def digest(store) -> str:
    """Return a digest of all that a store says, but not of when it learned it."""
    said = sorted(
        (
            kept.point,
            kept.time,
            kept.version,
            b"" if kept.value is None else struct.pack("<d", kept.value),
            kept.source,
            kept.quality,
        )
        for kept in store.since(0, count=10**9)
    )
    points = sorted({one[0] for one in said})
    stands = [
        (kept.point, kept.time, repr(kept.value), kept.source, kept.quality, kept.version)
        for kept in (*store.between(0, 2**62, points=points), *store.latest(points=points))
    ]
    hours = store.resample(START, START + 30 * HOUR, HOUR, points=points).to_pylist()
    # Why it was refused may name the time of that; where it came from differs.
    refused = sorted({(row.reason, row.row) for row in store.quarantine(count=10**6)})
    told = repr((said, stands, hours, refused, sorted(store.sources())))
    return hashlib.sha256(told.encode()).hexdigest()


@pytest.fixture
def mapping(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text(MAPPING, encoding="utf-8")
    return path


@pytest.fixture
def by_file(whole, tmp_path) -> str:  # noqa: F811
    """Return the digest of a store that was fed a file, in the order of time."""
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows())), encoding="utf-8")
    with EmbeddedStore(tmp_path / "file.sqlite") as store:
        fed = feed_file(path, read_model(whole / FILE), store, parse_mapping(MAPPING))
        assert fed.load.reasons == {"point": 4, "unit": 4, "range": 4, "value": 4,
                                    "future": 1, "time": 1}  # fmt: skip
        assert fed.load.unwanted == 4
        assert fed.load.new == 24 * 13, "24 of the sky, 288 of the buildings"
        assert fed.load.revised == 4
        found = digest(store)
        feed_file(path, read_model(whole / FILE), store, parse_mapping(MAPPING))
        assert digest(store) == found, "once more has no effect"
        store.compact()
        assert digest(store) == found
        return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_by_http(whole, served, mapping, by_file, seed):  # noqa: F811
    client = served(whole, writable=True, mapping=mapping)
    for some in messages(random.Random(seed)):
        answer = client.post("/api/ingest", json=some)
        # 422 where nothing of a message holds: it lies in the quarantine.
        assert answer.status_code in (200, 201, 207, 422), answer.text
    with EmbeddedStore(whole / "live.sqlite", read_only=True) as store:
        assert digest(store) == by_file


@pytest.mark.parametrize("mqtt5", [False, True], ids=["3.1.1", "5"])
def test_by_mqtt_while_the_broker_restarts(
    whole, broker, mapping, by_file, mqtt5  # noqa: F811
):  # fmt: skip
    settings = Settings(
        read_broker(broker.address, mqtt5=mqtt5), ("hid/v1/#",), mapping=mapping
    )
    listener = start_listening(whole, settings)
    sent = messages(random.Random(4))

    def paced():
        for some in sent:
            time.sleep(2.0 / len(sent))
            yield Parcel("hid/v1/me/rows", json.dumps(some).encode(), len(some))

    address = read_broker(broker.address, mqtt5=mqtt5)
    publisher = threading.Thread(target=lambda: publish_mqtt(paced(), address))
    publisher.start()
    try:
        time.sleep(0.7)
        broker.stop()
        time.sleep(0.3)
        broker.start()
        publisher.join(timeout=60)
        assert not publisher.is_alive()
        wait_for(lambda: listener.counts().acknowledged >= len(sent))
    finally:
        counts = listener.stop()
    assert counts.reconnects >= 1
    with EmbeddedStore(whole / "live.sqlite", read_only=True) as store:
        assert digest(store) == by_file


def test_by_tables(whole, tmp_path):  # noqa: F811
    """What is all well ends in the same bits as Parquet, shuffled, and as messages."""
    model = read_model(whole / FILE)
    good = [
        row
        for row in rows()
        if row.get("device") != "who" and row.get("unit") != "furlong"
        and row["value"] not in ("high", 1e9) and row.get("time_us", 2**60) < START * 1.1
    ]  # fmt: skip
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, good)), encoding="utf-8")
    with EmbeddedStore(tmp_path / "lines.sqlite") as store:
        feed_file(path, model, store, parse_mapping(MAPPING))
        expected = digest(store)
    random.Random(5).shuffle(good)
    with EmbeddedStore(tmp_path / "tables.sqlite") as store:
        for key in ("point", "device"):
            some = pd.DataFrame([row for row in good if key in row])
            some["time"] = pd.to_datetime(some.pop("time_us"), unit="us", utc=True)
            some["value"] = some["value"].astype(float)
            if key == "point":
                some["version"] = some["version"].fillna(0).astype(int)
                some["quality"] = 512 * some["quality"].notna()
            table = tmp_path / f"{key}.parquet"
            some.to_parquet(table)
            assert not feed_file(table, model, store, parse_mapping(MAPPING)).load.reasons
        assert digest(store) == expected


def test_on_a_server(whole, by_file, postgres_store, tmp_path):  # noqa: F811
    """The other kind of store says the same, shuffled and in small messages."""
    store = postgres_store().open()
    intake = Intake(read_model(whole / FILE), store, parse_mapping(MAPPING))
    for some in messages(random.Random(6)):
        intake.take([Message(json.dumps(some).encode(), "x", arrived=START)])
    assert digest(store) == by_file
