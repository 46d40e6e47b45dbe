"""What is sent with QoS 1 is in the store, once, before it is acknowledged."""

import json
import random
import re
import sqlite3
import threading
import time

import pytest

from twin.ingest.mqtt_counts import read_counts
from twin.store.embedded import EmbeddedStore
from twin.store.postgres import PostgresStore
from twin.store.records import Quality

from .conftest import START, check_all, message, row, rows_of, wait_for

TOPIC = "hid/v1/obs"


def lines(numbers) -> str:
    """Return rows as messages of ``mosquitto_pub``."""
    return "\n".join(map(message, numbers)) + "\n"


@pytest.mark.parametrize("mqtt5", [False, True], ids=["3.1.1", "5"])
def test_what_a_real_client_sends_is_in_the_store(broker, listening, folder, mqtt5):
    listener = listening(broker, mqtt5=mqtt5)
    version = ("-V", "5" if mqtt5 else "311")
    broker.publish(TOPIC, *version, lines=lines(range(500)))
    wait_for(lambda: listener.counts().acknowledged == 500)
    counts = listener.stop()
    check_all(rows_of(folder), 500)
    assert (counts.received, counts.new, counts.refused, counts.behind) == (500, 500, 0, 0)
    assert (counts.connected, counts.ended) == (False, True)


def test_messages_are_shuffled_and_doubled_and_stored_once(broker, listening, folder):
    listener = listening(broker)
    numbers = [*range(300), *range(0, 300, 3)]
    random.Random(5).shuffle(numbers)
    broker.publish(TOPIC, lines=lines(numbers))
    wait_for(lambda: listener.counts().acknowledged == 400)
    counts = listener.stop()
    check_all(rows_of(folder), 300)
    assert (counts.new, counts.repeated, counts.revised) == (300, 100, 0)


@pytest.mark.parametrize("mqtt5", [False, True], ids=["3.1.1", "5"])
def test_the_broker_keeps_what_comes_while_nobody_listens(broker, listening, folder, mqtt5):
    listening(broker, mqtt5=mqtt5).stop()
    broker.publish(TOPIC, lines=lines(range(100)))
    broker.stop()
    broker.start()
    listener = listening(broker, mqtt5=mqtt5)
    wait_for(lambda: listener.counts().acknowledged == 100)
    check_all(rows_of(folder), 100)


def test_topics_of_an_earlier_start_are_given_up(broker, listening, folder):
    listening(broker, "before/#", "both/#").stop()
    listener = listening(broker, "both/#", "after/#")
    for number, topic in enumerate(("before/x", "both/x", "after/x")):
        broker.publish(topic, "-m", message(number))
    wait_for(lambda: listener.counts().acknowledged == 2)
    assert listener.stop().received == 2
    assert {kept.value for kept in rows_of(folder)} == {1.0, 2.0}


def test_a_broker_that_restarts_is_found_again(broker, listening, folder):
    told = []
    listener = listening(broker, told=told)
    broker.publish(TOPIC, lines=lines(range(50)))
    broker.stop()
    wait_for(lambda: not listener.counts().connected)
    assert "trying again" in told[-1]
    broker.start()
    broker.publish(TOPIC, lines=lines(range(50, 100)))
    wait_for(lambda: listener.counts().new == 100)
    counts = listener.stop()
    check_all(rows_of(folder), 100)
    assert (counts.reconnects, counts.forgotten) == (1, 0)


def test_a_broker_that_forgot_us_is_told_of(broker_with, listening):
    told = []
    broker = broker_with("allow_anonymous true\npersistence false")
    listener = listening(broker, told=told)
    broker.stop()
    broker.start()
    wait_for(lambda: listener.counts().reconnects)
    assert listener.counts().forgotten == 1
    assert any("knows nothing of our session" in line for line in told)


def test_a_broken_message_lies_in_the_quarantine_and_is_acknowledged(
    broker, listening, store
):
    listener = listening(broker)
    broker.publish(TOPIC, "-m", "no JSON at all")
    stranger = json.dumps(row(1, point="b99/heat/power"))
    broker.publish(TOPIC, lines=f"{message(0)}\n{stranger}\n")
    broker.publish(TOPIC, "-n")
    wait_for(lambda: listener.counts().acknowledged == 4)
    counts = listener.stop()
    assert (counts.new, counts.refused) == (1, 3)
    kept = {refused.payload: refused for refused in store.quarantine()}
    assert b"no JSON at all" in kept
    assert kept[b"no JSON at all"].origin == f"{broker.address} topic {TOPIC}"
    # Acknowledged is acknowledged: it does not come again.
    again = listening(broker)
    broker.publish(TOPIC, "-m", message(1))
    wait_for(lambda: again.counts().acknowledged == 1)
    assert again.stop().received == 1


FORMS = {
    "native": ("hid/v1/me/b1/heat/power/obs", "41.5", "", 41.5),
    "rec": (
        "rec/7",
        {
            "format": "rec3.3",
            "deviceId": "d-7",
            "observations": [
                {
                    "observationTime": "2026-11-22T09:00:00Z",
                    "value": 42.5,
                    "quantityKind": "https://w3id.org/rec/core/Power",
                    "sensorId": "s-1",
                }
            ],
        },
        "d-7,s-1,b2/heat/power,kW",
        42.5,
    ),
    "senml": (
        "senml/7",
        [{"bn": "d-7:", "bt": 1795338000, "n": "s-1", "u": "W", "v": 43_500}],
        "d-7,s-1,b2/heat/power,",
        43.5,
    ),
    "sensorthings": (
        "v1.1/Datastreams(12)/Observations",
        {"phenomenonTime": "2026-11-22T09:00:00Z", "result": 44.5},
        "Datastreams(12),*,b4/heat/power,kW",
        44.5,
    ),
    "lorawan": (
        "v3/app@ttn/devices/d-7/up",
        {
            "end_device_ids": {"device_id": "d-7", "dev_eui": "0004A30B001C0530"},
            "received_at": "2026-11-22T09:00:01Z",
            "uplink_message": {
                "f_port": 1,
                "f_cnt": 3,
                "decoded_payload": {"power": 45.5},
                "received_at": "2026-11-22T09:00:00Z",
            },
        },
        "0004a30b001c0530,power,b2/heat/power,kW",
        45.5,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_message_finds_its_point(broker, listening, folder, tmp_path, form):
    topic, body, tied, value = FORMS[form]
    mapping = tmp_path / "mapping.csv"
    mapping.write_text(f"device,name,point,unit\n{tied}\n")
    listener = listening(broker, "#", mapping=mapping)
    broker.publish(topic, "-m", body if isinstance(body, str) else json.dumps(body))
    wait_for(lambda: listener.counts().acknowledged)
    listener.stop()
    with EmbeddedStore(folder / "live.sqlite") as store:
        assert not store.quarantine()
        (kept,) = store.since(0)
    assert kept.value == pytest.approx(value, rel=1e-12)
    if form == "native":
        # It tells no time: that of its arrival counts, and says so.
        assert kept.quality & Quality.CLOCK
        assert abs(kept.time / 1e6 - time.time()) < 60
    else:
        assert kept.time == START


def test_two_listeners_share_the_messages(broker, listening, folder):
    pair = [listening(broker, share="keepers", client=name) for name in ("one", "two")]
    broker.publish(TOPIC, lines=lines(range(400)))
    wait_for(lambda: sum(listener.counts().acknowledged for listener in pair) == 400)
    counts = [listener.stop() for listener in pair]
    assert all(count.received > 50 for count in counts), "both had a part"
    check_all(rows_of(folder), 400)


def test_nothing_is_acknowledged_while_the_store_is_locked(broker, listening, folder):
    told = []
    listener = listening(broker, told=told)
    other = sqlite3.connect(folder / "live.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    broker.publish(TOPIC, lines=lines(range(300)))
    # The store waits some seconds for another writer before it gives up.
    wait_for(lambda: listener.counts().failing)
    counts = listener.counts()
    assert (counts.acknowledged, counts.new) == (0, 0)
    assert 0 < counts.behind == counts.received <= 200, "no more than the broker sends"
    assert counts.connected
    wait_for(lambda: read_counts(folder)[0].failing == counts.failing)
    (left,) = read_counts(folder)
    assert left.alive(left.written)
    assert (left.received, left.topics) == (counts.received, ("hid/v1/#",))
    other.execute("ROLLBACK")
    other.close()
    wait_for(lambda: listener.counts().acknowledged == 300)
    assert listener.stop().failing == ""
    check_all(rows_of(folder), 300)
    assert [line for line in told if "not stored" in line] == told[:1]
    assert told[-1] == "observations are stored again"


def test_what_a_stopped_listener_could_not_store_comes_again(broker, listening, folder):
    listener = listening(broker)
    other = sqlite3.connect(folder / "live.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    broker.publish(TOPIC, lines=lines(range(30)))
    wait_for(lambda: listener.counts().failing)
    assert listener.stop().behind == 30
    other.close()
    again = listening(broker)
    wait_for(lambda: again.counts().acknowledged == 30)
    check_all(rows_of(folder), 30)


def test_a_bare_number_handed_over_twice_keeps_its_time(broker, listening, folder):
    """The connection breaks between the number's arrival and its acknowledgement."""
    listener = listening(broker)
    other = sqlite3.connect(folder / "live.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    broker.publish("hid/v1/me/b1/heat/power/obs", "-m", "41.2")
    wait_for(lambda: listener.counts().received)
    broker.stop()
    broker.start()
    wait_for(lambda: listener.counts().received == 2)
    other.execute("ROLLBACK")
    other.close()
    wait_for(lambda: listener.counts().repeated)
    listener.stop()
    assert len(rows_of(folder)) == 1


@pytest.mark.parametrize("mqtt5", [False, True], ids=["3.1.1", "5"])
def test_a_retained_number_without_a_time_does_not_seem_fresh(
    broker, listening, folder, store, mqtt5
):
    broker.publish("hid/v1/me/b1/heat/power/obs", "-r", "-m", "41.2")
    timed = json.dumps({"time_us": START, "value": 1.5, "unit": "kW"})
    broker.publish("hid/v1/me/b2/heat/power/obs", "-r", "-m", timed)
    listener = listening(broker, mqtt5=mqtt5)
    wait_for(lambda: listener.counts().acknowledged == 2)
    listener.stop()
    (kept,) = rows_of(folder)
    assert (kept.point, kept.time, kept.value) == ("b2/heat/power", START, 1.5)
    (refused,) = store.quarantine()
    assert (refused.reason, refused.payload) == ("time", b"41.2")


def test_nothing_is_read_while_there_is_no_room(broker, listening, folder, monkeypatch):
    monkeypatch.setattr("twin.ingest.mqtt.ROOM", 40)
    listener = listening(broker)
    other = sqlite3.connect(folder / "live.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    broker.publish(TOPIC, lines=lines(range(10)))
    wait_for(lambda: listener.counts().behind == 10)
    broker.publish(TOPIC, lines=lines(range(10, 400)))
    wait_for(lambda: listener.counts().failing)
    assert listener.counts().received == 50, "ten in hand, forty in line"
    other.execute("ROLLBACK")
    other.close()
    wait_for(lambda: listener.counts().acknowledged == 400)
    assert listener.stop().reconnects == 0
    check_all(rows_of(folder), 400)


def test_a_mended_mapping_is_read_while_listening(
    broker, listening, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr("twin.ingest.mqtt.LOOK", 0.0)
    mapping = tmp_path / "mapping.csv"
    mapping.write_text("device,name,point,unit\n")
    told = []
    listener = listening(broker, mapping=mapping, told=told)
    foreign = {"device": "d", "name": "n", "time_us": START, "value": 2.0, "unit": "kW"}
    broker.publish(TOPIC, "-m", json.dumps(foreign))
    wait_for(lambda: listener.counts().refused == 1)
    mapping.write_text("half a file\n")
    wait_for(lambda: any("going on" in line for line in told))
    mapping.write_text("device,name,point,unit\nd,n,b3/heat/power,\n")
    wait_for(lambda: any("read again" in line for line in told))
    broker.publish(TOPIC, "-m", json.dumps(foreign))
    wait_for(lambda: listener.counts().new == 1)


def test_a_database_that_restarts_loses_nothing(
    broker, listening, folder, postgres_server, postgres_store, monkeypatch
):
    place = postgres_store()
    monkeypatch.setattr(
        "twin.ingest.mqtt_keeper.open_store",
        lambda _: PostgresStore(place.address, twin=place.twin),
    )
    told = []
    listener = listening(broker, told=told)
    publisher = threading.Thread(
        target=lambda: broker.publish(TOPIC, lines=lines(range(2000)))
    )
    publisher.start()
    wait_for(lambda: listener.counts().acknowledged > 100)
    postgres_server.restart()
    publisher.join()
    wait_for(lambda: listener.counts().behind == 0 and listener.counts().received >= 2000)
    listener.stop()
    with place.open() as store:
        check_all(store.since(0, count=10_000), 2000)


LOGGED = "allow_anonymous true\nlog_type all"


def packets(broker, what: str) -> list[int]:
    """Return the numbers of packets of a kind between the broker and the listener."""
    text = (broker.folder / "log").read_text()
    found = re.findall(
        rf"{what} (?:to|from) heidi\w* \((?:Mid: |d\d, q1, r\d, m)(\d+)", text
    )
    return [int(number) for number in found]


def test_acknowledgements_go_out_after_the_commit_and_in_order(
    broker_with, listening, folder
):
    broker = broker_with(LOGGED)
    listener = listening(broker)
    other = sqlite3.connect(folder / "live.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    broker.publish(TOPIC, lines=lines(range(300)))
    wait_for(lambda: listener.counts().failing)
    assert len(packets(broker, "Sending PUBLISH")) == listener.counts().received > 0
    assert packets(broker, "Received PUBACK") == []
    other.execute("ROLLBACK")
    other.close()
    wait_for(lambda: listener.counts().acknowledged == 300)
    wait_for(lambda: len(packets(broker, "Received PUBACK")) == 300)
    assert packets(broker, "Received PUBACK") == packets(broker, "Sending PUBLISH")
    check_all(rows_of(folder), 300)


def test_a_number_of_an_earlier_connection_is_not_acknowledged(
    broker_with, listening, folder
):
    """A broker that forgot all counts from 1 again: the same number, another message."""
    broker = broker_with(f"{LOGGED}\npersistence false")
    listener = listening(broker)
    other = sqlite3.connect(folder / "live.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    broker.publish(TOPIC, "-m", message(0))
    wait_for(lambda: listener.counts().received == 1)
    broker.stop()
    broker.start()
    wait_for(lambda: listener.counts().reconnects == 1)
    broker.publish(TOPIC, "-m", message(1))
    wait_for(lambda: listener.counts().received == 2)
    other.execute("ROLLBACK")
    other.close()
    wait_for(lambda: listener.counts().new == 2)
    wait_for(lambda: packets(broker, "Received PUBACK"))
    listener.stop()
    assert packets(broker, "Sending PUBLISH") == [1, 1]
    assert packets(broker, "Received PUBACK") == [1]
