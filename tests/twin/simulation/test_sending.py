"""Simulated values come in as measured ones do, and always say what they are."""

import json
from datetime import date

import msgspec
import numpy as np
import pytest

from gis.errors import TableError
from twin.ingest.publish import Sent
from twin.simulation import sending
from twin.simulation.run import make_run
from twin.simulation.sending import feed_run, publish_run
from twin.simulation.truth import FILE, read_truth, record_run
from twin.store.log import Log
from twin.store.records import Observation, Quality

FAULTS = "outage=1,silence=2,swap=1,rollover=1,gaps=1,duplicates=1,late=2"


@pytest.fixture(scope="module")
def run(built, fitted):
    return make_run(built, fitted, day=date(2026, 5, 4), days=2, seed=8, faults=FAULTS)


def held(store, run):
    return {
        (row.point, row.time): (row.value, row.source, row.quality)
        for row in store.between(run.start, run.end)
    }


def test_the_store_holds_what_devices_told(run, tmp_path):
    with Log(tmp_path / "live.sqlite") as store:
        receipt = feed_run(run, store)
        kept = held(store, run)
        assert store.sources() == ("simulated",)
        refused = store.quarantine()
    assert receipt.refused == len(refused) == 0, refused[:3]
    assert receipt.repeated > 0
    truth = {
        (t.point.id, int(time)): float(value)
        for t in run.tracks
        for time, value in zip(t.start, t.value, strict=True)
        if np.isfinite(value)
    }
    assert set(kept) <= set(truth)
    assert len(kept) > 0.99 * len(truth)
    for key, (value, source, quality) in kept.items():
        assert value is None or value == pytest.approx(truth[key], abs=1e-9)
        assert source == "simulated"
        assert quality & Quality.SIMULATED


def test_feeding_again_adds_nothing(run, tmp_path):
    with Log(tmp_path / "live.sqlite") as store:
        first = feed_run(run, store)
        again = feed_run(run, store)
        assert again.new == again.revised == 0
        assert again.sequence == first.sequence


def test_measured_values_stay_alone(run, tmp_path):
    with Log(tmp_path / "live.sqlite") as store:
        store.append([Observation(run.tracks[0].point.id, 0, 0.0, "a meter")])
        with pytest.raises(TableError, match="must not mix with measured ones"):
            feed_run(run, store)
        assert store.sequence == 1


def test_parcels_are_labelled_in_topic_and_body(run, monkeypatch):
    taken = []

    def publish(parcels, broker):
        taken.append(broker.address)
        taken.extend(parcels)
        return Sent(len(taken), sum(parcel.rows for parcel in taken[1:]))

    monkeypatch.setattr(sending, "publish_mqtt", publish)
    sent = publish_run(run, "mqtt://127.0.0.1:1883")
    address, *parcels = taken
    assert address == "mqtt://127.0.0.1:1883"
    assert sent.rows > run.rows * 0.99
    for parcel in parcels:
        assert parcel.topic.startswith("hid/v1/simulated/")
        body = msgspec.json.decode(parcel.body)
        for row in body if isinstance(body, list) else [body]:
            assert row["source"] == "simulated"
            assert row["quality"] == Quality.SIMULATED


def test_http_goes_to_the_ingest_of_the_server(run, monkeypatch):
    asked = {}

    def publish(parcels, address, *, token):
        asked.update(address=address, token=token, rows=sum(p.rows for p in parcels))
        return Sent(1, asked["rows"])

    monkeypatch.setattr(sending, "publish_http", publish)
    publish_run(run, "http://127.0.0.1:8000/", token="x" * 16)
    assert asked["address"] == "http://127.0.0.1:8000/api/ingest"
    assert asked["token"] == "x" * 16


@pytest.mark.parametrize("address", ["ftp://x", "127.0.0.1", ""])
def test_other_addresses_are_refused(run, address):
    with pytest.raises(TableError, match="values can be sent to mqtt://"):
        publish_run(run, address)


def test_the_truth_is_written_once_and_with_the_same_bytes(run, tmp_path):
    path = tmp_path / FILE
    record_run(path, run.record())
    before = path.read_bytes()
    record_run(path, run.record())
    assert path.read_bytes() == before
    told = json.loads(before)
    assert told["label"] == "simulated"
    (only,) = told["runs"]
    assert {"kind", "point", "start", "end", "size", "meaning"} <= set(only["faults"][0])
    assert len(only["faults"]) == len(run.plan.faults)


def test_the_same_time_is_not_simulated_twice_in_two_ways(built, fitted, run, tmp_path):
    path = tmp_path / FILE
    record_run(path, run.record())
    other = make_run(built, fitted, day=date(2026, 5, 5), days=1, seed=1, faults="none")
    with pytest.raises(TableError, match="with other choices"):
        record_run(path, other.record())
    later = make_run(built, fitted, day=date(2026, 5, 6), days=1, seed=1, faults="none")
    record_run(path, later.record())
    _, runs = read_truth(path)
    assert [one["start"] for one in runs] == [
        "2026-05-04T00:00:00Z",
        "2026-05-06T00:00:00Z",
    ]
