"""Killed at any moment, a listener loses nothing that was sent and doubles nothing."""

import random
import resource
import threading
import time

import pytest

from twin.ingest.mqtt_address import read_broker
from twin.ingest.mqtt_counts import read_counts
from twin.ingest.publish import Parcel, publish_mqtt

from .conftest import check_all, message, row, rows_of, wait_for

SIZES = [
    pytest.param(2_000, 3, "311", id="2000 messages, 3 kills"),
    pytest.param(2_000, 3, "5", id="2000 messages, 3 kills, MQTT 5"),
    pytest.param(20_000, 6, "311", id="20000 messages, 6 kills", marks=pytest.mark.slow),
]


def paced(count: int, rate: float):
    """Yield messages at a rate [1/s], shuffled a little, every tenth of them twice."""
    chance = random.Random(count)
    began = time.monotonic()
    numbers = sorted(range(count), key=lambda number: number + chance.uniform(0, 50))
    for place, number in enumerate(numbers):
        time.sleep(max(0.0, began + place / rate - time.monotonic()))
        for _ in range(1 + (number % 10 == 0)):
            point = row(number)["point"]
            yield Parcel(f"hid/v1/me/{point}/obs", message(number).encode(), 1)


@pytest.mark.parametrize(("count", "kills", "version"), SIZES)
def test_a_killed_listener_loses_and_doubles_nothing(
    broker, folder, heidi, count, kills, version
):
    options = ("--mqtt5",) if version == "5" else ()
    command = ("listen", folder, "--broker", broker.address, *options)

    def start():
        process = heidi(*command)
        assert "listening to" in process.stderr.readline()
        return process

    process = start()
    rate = 1000.0
    address = read_broker(broker.address, mqtt5=True)
    sent = []
    publisher = threading.Thread(
        target=lambda: sent.append(publish_mqtt(paced(count, rate), address))
    )
    publisher.start()
    chance = random.Random(count)
    for _ in range(kills):
        time.sleep(chance.uniform(0.1, 0.9) * count / rate / kills)
        process.kill()
        process.communicate()
        time.sleep(chance.uniform(0.0, 0.3))
        process = start()
    publisher.join()
    (done,) = sent
    assert (done.messages, done.unheard) == (count + -(-count // 10), 0)
    wait_for(lambda: len(rows_of(folder)) >= count, 60)
    process.terminate()
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "0 behind" in told
    check_all(rows_of(folder), count)


def test_a_restarting_broker_and_a_killed_listener_together(broker, folder, heidi):
    """Messages lie with the broker, on its disk and under way when each of them falls."""
    count = 3_000
    command = ("listen", folder, "--broker", broker.address)
    process = heidi(*command)
    assert "listening to" in process.stderr.readline()
    address = read_broker(broker.address, mqtt5=True)
    sent = []
    publisher = threading.Thread(
        target=lambda: sent.append(publish_mqtt(paced(count, 1000.0), address))
    )
    publisher.start()
    for _ in range(2):
        time.sleep(0.5)
        broker.stop()
        process.kill()
        process.communicate()
        broker.start()
        process = heidi(*command)
        assert "listening to" in process.stderr.readline()
    publisher.join()
    (done,) = sent
    assert done.repeats >= 1
    wait_for(lambda: len(rows_of(folder)) >= count, 60)
    check_all(rows_of(folder), count)


def test_a_full_disk_is_waited_out(broker, folder, heidi):
    """A limit on the size of files stands for the disk: it can be lifted from outside."""
    process = heidi("listen", folder, "--broker", broker.address)
    assert "listening to" in process.stderr.readline()
    small = 150_000
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (small, resource.RLIM_INFINITY))
    address = read_broker(broker.address, mqtt5=True)
    publisher = threading.Thread(
        target=lambda: publish_mqtt(paced(4_000, 4_000.0), address)
    )
    publisher.start()
    line = process.stderr.readline()
    assert "not stored, so not acknowledged, and tried again: " in line
    (left,) = read_counts(folder)
    assert left.failing in line
    publisher.join()
    assert len(rows_of(folder)) < 4_000
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
    assert "stored again" in process.stderr.readline()
    wait_for(lambda: len(rows_of(folder)) >= 4_000, 60)
    process.terminate()
    told, _ = process.communicate(timeout=30)
    assert "0 behind" in told
    check_all(rows_of(folder), 4_000)
