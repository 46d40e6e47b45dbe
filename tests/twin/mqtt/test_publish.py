"""What is published is acknowledged, or it is said that it was not."""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gis.errors import OutputError, SourceError, TableError
from twin.ingest.mqtt_address import read_broker
from twin.ingest.payloads.forms import decode
from twin.ingest.publish import Parcel, pack, publish_http, publish_mqtt
from twin.store.records import Observation, Quality

from .brokers import free_port
from .conftest import START, check_all, message, row, rows_of, wait_for

UNITS = {f"b{k}/heat/{what}": "kW" for k in range(20) for what in ("power", "flow")}


def observations(count: int) -> list[Observation]:
    """Return the rows of messages as observations."""
    told = map(row, range(count))
    return [Observation(r["point"], r["time_us"], r["value"], "meter") for r in told]


@pytest.mark.parametrize("most", [1, 7])
def test_packed_observations_are_read_as_they_were(most):
    rows = [
        Observation("b1/heat/power", START, 2.5, "meter"),
        Observation("b1/heat/flow", START, None, "meter", Quality.ESTIMATED, 3),
        Observation("b2/heat/power", START + 1, -0.1, "simulated", Quality.SIMULATED),
    ]
    parcels = list(pack(rows, units=UNITS, most=most))
    assert [parcel.rows for parcel in parcels] == ([1, 1, 1] if most == 1 else [2, 1])
    read = []
    for parcel in parcels:
        decoded = decode(parcel.body, topic=parcel.topic)
        assert not decoded.refused
        read += [
            Observation(told.name, told.time, told.value, told.source, told.quality,
                        told.version)
            for told in decoded.readings
        ]  # fmt: skip
    assert read == rows


def test_ids_that_no_topic_holds_are_named_in_the_row():
    (parcel,) = pack([Observation("b+/x/#1", START, 1.0, "me")], units={"b+/x/#1": "kW"})
    assert parcel.topic == "hid/v1/twin/rows"
    (told,) = decode(parcel.body, topic=parcel.topic).readings
    assert told.name == "b+/x/#1"


def test_what_cannot_be_packed_is_said():
    rows = [Observation("b1/heat/power", START, 1.0, "me")]
    with pytest.raises(TableError, match="must have a unit"):
        list(pack(rows, units={}))
    with pytest.raises(TableError, match="an owner must be"):
        list(pack(rows, units=UNITS, owner="a/b"))
    with pytest.raises(TableError, match="1 observation or more"):
        list(pack(rows, units=UNITS, most=0))


def test_a_broker_that_restarts_gets_all_of_it(broker, listening, folder):
    listening(broker)

    def some():
        for place, parcel in enumerate(pack(observations(600), units=UNITS)):
            if place == 300:
                broker.stop()
                threading.Timer(0.3, broker.start).start()
            yield parcel

    sent = publish_mqtt(some(), read_broker(broker.address, mqtt5=True))
    assert (sent.messages, sent.rows) == (600, 600)
    assert sent.repeats >= 1
    wait_for(lambda: len(rows_of(folder)) == 600)
    check_all(rows_of(folder), 600)


def test_a_broker_that_stays_away_is_given_up(broker):
    def some():
        yield Parcel("hid/v1/me/rows", b"[]", 0)
        broker.stop()
        yield Parcel("hid/v1/me/rows", b"[]", 0)

    with pytest.raises(OutputError, match="must acknowledge, but did not for"):
        publish_mqtt(some(), read_broker(broker.address), patience=0.5)


def test_no_broker_at_all():
    with pytest.raises(SourceError, match="must be reachable"):
        publish_mqtt([], read_broker(f"mqtt://127.0.0.1:{free_port()}"))


@pytest.fixture
def interface():
    """Serve an interface that answers as it is told to; returns address, answers, posts."""
    answers: list[int] = []
    posts: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posts.append((self.headers.get("Authorization", ""), body))
            status = answers.pop(0) if answers else 200
            self.send_response(status)
            self.send_header("Content-Length", "2")
            if status == 429:
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(b"no")

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/ingest", answers, posts
    server.shutdown()
    server.server_close()
    thread.join()


def parcels(count: int) -> list[Parcel]:
    """Return messages."""
    return [Parcel("t", message(number).encode(), 1) for number in range(count)]


def test_posts_that_were_not_taken_are_posted_again(interface):
    address, answers, posts = interface
    answers[:] = [200, 503, 200, 500, 502, 200]
    sent = publish_http(parcels(5), address, token="a-long-secret-token")
    assert (sent.messages, sent.rows, sent.repeats) == (5, 5, 3)
    assert {who for who, _ in posts} == {"Bearer a-long-secret-token"}
    counts = Counter(json.loads(body)["point"] for _, body in posts)
    assert sorted(counts.values()) == [1, 1, 1, 2, 3]


def test_the_interface_says_how_long_to_wait(interface):
    address, answers, _ = interface
    answers[:] = [429]
    began = time.monotonic()
    assert publish_http(parcels(1), address).repeats == 1
    assert time.monotonic() - began >= 1.0


def test_a_refused_post_is_told_and_not_repeated(interface):
    address, answers, posts = interface
    answers[:] = [200, 401]
    with pytest.raises(OutputError, match="got 401: no"):
        publish_http(parcels(3), address)
    assert len(posts) == 2


def test_nobody_answers_posts():
    address = f"http://127.0.0.1:{free_port()}/ingest"
    with pytest.raises(OutputError, match="nobody answers there; 0 were taken"):
        publish_http(parcels(1), address, patience=0.5)
