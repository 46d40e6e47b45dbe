"""Give tests of the listener a twin folder with points, and brokers to listen to."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from twin.ingest.mqtt import Listener, Settings, start_listening
from twin.ingest.mqtt_address import read_broker
from twin.model import Building, Model, Point, System
from twin.quantities import Quantity
from twin.store.embedded import EmbeddedStore
from twin.store.protocol import Store
from twin.store.records import Kept
from twin.system_kinds import SystemKind
from twin.things import write_model

# The server of the tests of the store serves here too.
from ..store.conftest import postgres_server, postgres_store  # noqa: F401, TID252
from .brokers import MOSQUITTO, Mosquitto, free_port, need

LAUNCH = """
import sys
sys.argv[0] = "heidi"
from twin.cli import main
main()
"""

START = 1_795_338_000_000_000
"""A full hour in November 2026 [microseconds since 1970]."""

MINUTE = 60_000_000


def small_model() -> Model:
    """Return 20 buildings with a heat meter each."""
    names = [f"b{k}" for k in range(20)]
    return Model(
        buildings=tuple(Building(id=name, name="") for name in names),
        systems=tuple(
            System(id=f"{name}/heat", building=name, kind=SystemKind.HEAT)
            for name in names
        ),
        points=tuple(
            Point(id=f"{name}/heat/power", system=f"{name}/heat",
                  quantity=Quantity.HEAT_POWER, interval=60)
            for name in names
        ),
    )  # fmt: skip


def row(number: int, **more: object) -> dict[str, object]:
    """Return one of many rows, each of another point and time."""
    return {
        "point": f"b{number % 20}/heat/power",
        "time_us": START - (number // 20 + 1) * MINUTE,
        "value": float(number % 97),
        "unit": "kW",
        **more,
    }


def message(number: int) -> str:
    """Return a row as message."""
    return json.dumps(row(number))


def wait_for(what: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something holds."""
    last = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < last, "waited in vain"
        time.sleep(0.02)


def rows_of(folder: Path) -> list[Kept]:
    """Return all statements in the store of a folder."""
    with EmbeddedStore(folder / "live.sqlite", read_only=True) as store:
        return store.since(0, count=10**9)


def check_all(rows: list[Kept], count: int) -> None:
    """Check that the first messages are all there, once."""
    keys = [(kept.point, kept.time, kept.value) for kept in rows]
    wanted = {
        (told["point"], told["time_us"], told["value"]) for told in map(row, range(count))
    }
    assert set(keys) == wanted, f"{len(wanted - set(keys))} lost of {count}"
    assert len(keys) == len(wanted), "some doubled"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a locked store soon."""
    monkeypatch.setattr(
        "twin.ingest.mqtt_keeper.open_store",
        lambda folder: EmbeddedStore(folder / "live.sqlite", wait=0.3),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a twin folder without observations."""
    path = tmp_path / "twin"
    path.mkdir()
    write_model(path / "model.json", small_model())
    return path


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    """Return its store, open."""
    with EmbeddedStore(folder / "live.sqlite") as opened:
        yield opened


@pytest.fixture
def broker_with(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Mosquitto]]:
    """Return what starts brokers with lines of configuration."""
    need(MOSQUITTO, "mosquitto")
    made: list[Mosquitto] = []

    def start(lines: str = "allow_anonymous true", **more: object) -> Mosquitto:
        folder = tmp_path_factory.mktemp("broker")
        broker = Mosquitto(folder, free_port(), lines, **more)
        made.append(broker)
        broker.start()
        return broker

    yield start
    for broker in made:
        broker.stop()


@pytest.fixture
def broker(broker_with: Callable[..., Mosquitto]) -> Mosquitto:
    """Return a broker that lets everybody in."""
    return broker_with()


@pytest.fixture
def listening(folder: Path) -> Iterator[Callable[..., Listener]]:
    """Return what starts listeners in this process."""
    made: list[Listener] = []

    def start(
        broker: Mosquitto, *topics: str, place: Path = folder, mqtt5: bool = False,
        told: list[str] | None = None, patient: bool = False, **more: object,
    ) -> Listener:  # fmt: skip
        settings = Settings(
            read_broker(broker.address, mqtt5=mqtt5), topics or ("hid/v1/#",), **more
        )
        tell = (lambda _: None) if told is None else told.append
        made.append(start_listening(place, settings, tell=tell, patient=patient))
        return made[-1]

    yield start
    for listener in made:
        listener.stop()


@pytest.fixture
def heidi() -> Iterator[Callable[..., subprocess.Popen]]:
    """Return what starts ``heidi`` as a program of its own."""
    made: list[subprocess.Popen] = []

    def start(*what: object, **environment: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *map(str, what)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        made.append(process)
        return process

    yield start
    for process in made:
        if process.poll() is None:
            process.kill()
        if not process.stdout.closed:
            process.communicate()
