"""Measure messages through a real broker: how many a second, and what kills lose.

Run: python bench/mqtt.py [messages]. Needs Mosquitto; makes its own twin folder.

This process sends 250-byte messages at QoS 1 as fast as they are acknowledged, a real
Mosquitto passes them on, and ``heidi listen`` stores them. Besides: the same with 100 rows
in a message; what is lost where the listener is killed with -9; and, for comparison, how
many messages a subscriber of the same library counts that stores nothing.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from twin.ingest.mqtt_address import read_broker
from twin.ingest.publish import Parcel, publish_mqtt
from twin.model import Building, Model, Point, System
from twin.quantities import Quantity
from twin.store.embedded import EmbeddedStore
from twin.system_kinds import SystemKind
from twin.things import write_model

BUILDINGS = 200
START = 1_795_338_000_000_000
MINUTE = 60_000_000

CONFIG = """
user root
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
max_queued_messages 1000000
max_inflight_messages {window}
"""

LISTEN = "import sys; sys.argv[0] = 'heidi'; from twin.cli import main; main()"

SUBSCRIBE = """
import sys, time
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
port, wanted = int(sys.argv[1]), int(sys.argv[2])
client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench", clean_session=False)
count = 0
def came(*_):
    global count
    count += 1
client.on_message = came
client.connect("127.0.0.1", port)
client.subscribe("hid/v1/#", 1)
client.loop_start()
print("listening to", file=sys.stderr, flush=True)
while count < wanted:
    time.sleep(0.01)
client.disconnect()
"""


def row(number: int) -> dict[str, object]:
    """Return one of many rows; as text it has about 250 bytes."""
    return {
        "point": f"b{number % BUILDINGS}/heat/power",
        "time_us": START - (number // BUILDINGS + 1) * MINUTE,
        "value": float(number % 97),
        "unit": "kW",
        "source": "meter of the bench, which has a long name to fill a message",
    }


def parcels(count: int, size: int):
    """Yield messages of so many rows."""
    for first in range(0, count, size):
        rows = [row(number) for number in range(first, min(count, first + size))]
        body = json.dumps(rows if size > 1 else rows[0]).encode().ljust(250)
        topic = f"hid/v1/bench/{rows[0]['point']}/{'obs' if size == 1 else 'rows'}"
        yield Parcel(topic, body, len(rows))


def make_folder(folder: Path) -> Path:
    """Write a twin folder with meters."""
    folder.mkdir()
    names = [f"b{k}" for k in range(BUILDINGS)]
    model = Model(
        tuple(Building(name, "") for name in names),
        tuple(System(f"{name}/heat", name, SystemKind.HEAT) for name in names),
        tuple(
            Point(f"{name}/heat/power", f"{name}/heat", Quantity.HEAT_POWER, 60)
            for name in names
        ),
    )
    write_model(folder / "model.json", model)
    return folder


@contextlib.contextmanager
def mosquitto(folder: Path, *, window: int = 200):
    """Run a broker; yields its port."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        sys.exit("mosquitto must be installed: apt-get install mosquitto")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(CONFIG.format(port=port, folder=folder, window=window))
    with subprocess.Popen([program, "-c", config], stderr=subprocess.DEVNULL) as process:
        for _ in range(500):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.02)
        try:
            yield port
        finally:
            process.terminate()


def start(command: list[object]) -> subprocess.Popen:
    """Start a listener and wait until it listens."""
    process = subprocess.Popen(
        [sys.executable, "-c", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stderr.readline()
    if "listening to" not in line:
        sys.exit(line)
    return process


def stored(folder: Path) -> int:
    """Return how many rows are in the store."""
    with EmbeddedStore(folder / "live.sqlite", read_only=True) as store:
        return store.sequence


def through(count: int, *, size: int = 1, mqtt5: bool = False, window: int = 200) -> None:
    """Measure the way from a publisher to the disk."""
    with (
        tempfile.TemporaryDirectory() as place,
        mosquitto(Path(place), window=window) as port,
    ):
        folder = make_folder(Path(place) / "twin")
        address = f"mqtt://127.0.0.1:{port}"
        options = ["--mqtt5"] if mqtt5 else []
        process = start([LISTEN, "listen", folder, "--broker", address, *options])
        before = os.times()
        began = time.perf_counter()
        broker = read_broker(address, mqtt5=True)
        publish_mqtt(parcels(count, size), broker)
        published = time.perf_counter() - began
        while stored(folder) < count:
            time.sleep(0.2)
        took = time.perf_counter() - began
        process.send_signal(signal.SIGTERM)
        process.wait()
        after = os.times()
        spent = after.children_user + after.children_system
        spent -= before.children_user + before.children_system
        messages = -(-count // size)
        print(
            f"{messages:>7,} messages of {size:>3} rows, MQTT {'5' if mqtt5 else '3.1.1'}, "
            f"window {window:>4}: {messages / took:>7,.0f} messages/s, "
            f"{count / took:>8,.0f} rows/s on the disk (published in {published:.1f} s of "
            f"{took:.1f} s; listener {spent:.1f} s of CPU)"
        )


def counted(count: int) -> None:
    """Measure the same without a store."""
    with tempfile.TemporaryDirectory() as place, mosquitto(Path(place)) as port:
        process = start([SUBSCRIBE, port, count])
        began = time.perf_counter()
        publish_mqtt(parcels(count, 1), read_broker(f"mqtt://127.0.0.1:{port}"))
        process.wait()
        took = time.perf_counter() - began
        print(f"{count:>7,} messages counted by a subscriber: {count / took:>7,.0f} /s")


def killed(count: int, kills: int, *, rate: float) -> None:
    """Count what is lost where the listener is killed."""
    with tempfile.TemporaryDirectory() as place, mosquitto(Path(place)) as port:
        folder = make_folder(Path(place) / "twin")
        address = f"mqtt://127.0.0.1:{port}"
        command = [LISTEN, "listen", folder, "--broker", address]
        process = start(command)
        began = time.perf_counter()

        def paced():
            for number, parcel in enumerate(parcels(count, 1)):
                time.sleep(max(0.0, began + number / rate - time.perf_counter()))
                yield parcel

        publisher = threading.Thread(
            target=lambda: publish_mqtt(paced(), read_broker(address, mqtt5=True))
        )
        publisher.start()
        chance = random.Random(7)
        for _ in range(kills):
            time.sleep(chance.uniform(0.1, 0.9) * count / rate / kills)
            process.kill()
            process.communicate()
            process = start(command)
        publisher.join()
        last = time.perf_counter() + 30
        while stored(folder) < count and time.perf_counter() < last:
            time.sleep(0.1)
        process.terminate()
        process.communicate()
        with EmbeddedStore(folder / "live.sqlite", read_only=True) as store:
            rows = store.since(0, count=10**9)
        keys = {(kept.point, kept.time) for kept in rows}
        print(
            f"{count:>7,} messages at {rate:,.0f}/s, {kills} kills: "
            f"{count - len(keys)} lost, {len(rows) - len(keys)} doubled"
        )


if __name__ == "__main__":
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    counted(messages)
    through(messages)
    through(messages, mqtt5=True)
    through(messages // 4, window=20)
    through(messages * 10, size=100)
    killed(messages, 6, rate=2000.0)
    print(f"load of the machine {os.getloadavg()[0]:.1f}")
