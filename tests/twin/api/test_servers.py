"""`heidi serve` on a PostgreSQL server and beside a Mosquitto, as people run them."""

import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from ..mqtt.brokers import (  # noqa: TID252 - the tests are no package
    MOSQUITTO,
    PUBLISH,
    Mosquitto,
    free_port,
    need,
)

TOKEN = "a token that is long enough"
WRITER = {"authorization": f"Bearer {TOKEN}"}
PATIENCE = 60.0
HEAT = "b2/heat/power"

ROUTES = [
    "/",
    "/docs",
    "/openapi.json",
    "/api/status",
    "/api/status?at=2026-06-21T12:00Z&known_at=2026-06-22T06:00Z",
    "/api/things?type=system",
    "/api/buildings",
    "/api/buildings/b2",
    "/api/points",
    f"/api/points/{HEAT}",
    f"/api/points/{HEAT}/values?start=2026-06-20T00:00Z&end=2026-06-22T00:00Z",
    f"/api/points/{HEAT}/history?start=2026-06-20T00:00Z&end=2026-06-22T00:00Z&step=6h",
    "/api/latest",
    "/api/state?at=2026-06-21T12:00Z",
    "/api/expected?start=2026-06-20T00:00Z&end=2026-06-21T00:00Z",
    "/api/hints?start=2026-06-01T00:00Z&end=2026-06-22T00:00Z",
    "/api/quarantine",
    "/ogc",
    "/ogc/conformance",
    "/ogc/collections",
    "/ogc/collections/facets/items?limit=2",
    "/ogc/collections/buildings/items/b2",
]


def row(hour: int, value: float, *, day: str = "2026-06-20") -> dict[str, object]:
    """Return a row of the heat meter."""
    time_ = f"{day}T{hour:02d}:00:00Z"
    return {"point": HEAT, "time": time_, "value": value, "unit": "kW", "source": "meter"}


def post(client: httpx.Client, *rows: dict[str, object]) -> httpx.Response:
    return client.post("/api/observations", json={"observations": rows}, headers=WRITER)


def newest(client: httpx.Client) -> tuple[str, float] | None:
    """Return time and value of the heat meter."""
    told = client.get("/api/latest", params={"building": "b2"}).json()
    (one,) = [point for point in told["points"] if point["point"] == HEAT]
    return None if one["time"] is None else (one["time"], one["value"])


def wait_for(what: Callable[[], object]) -> object:
    """Wait until something holds and return it."""
    last = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < last, "waited in vain"
        time.sleep(0.05)
    return found


class Listening:
    """Somebody who listens to events, and calls again as a browser would."""

    def __init__(self, address: str) -> None:
        self.rows: list[dict[str, object]] = []
        self._number = 0
        self._client = httpx.Client(base_url=address, timeout=5)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while not self._ends.is_set():
            try:
                self._hear()
            except httpx.HTTPError:
                self._ends.wait(0.1)

    def _hear(self) -> None:
        head = {"last-event-id": str(self._number)}
        with self._client.stream("GET", "/api/events", headers=head) as answer:
            for line in answer.iter_lines():
                if self._ends.is_set():
                    return
                if line.startswith("id: "):
                    self._number = int(line.removeprefix("id: "))
                if line.startswith("data: ") and '"values"' in line:
                    self.rows += json.loads(line.removeprefix("data: "))["values"]

    def close(self) -> None:
        """Listen no longer."""
        self._ends.set()
        self._thread.join(30)
        self._client.close()


@pytest.fixture
def started(heidi) -> Iterator[Callable[..., httpx.Client]]:
    """Start `heidi serve` and wait for its line."""
    made: list[httpx.Client] = []

    def start(folder, *words: object, **more: str) -> httpx.Client:
        process = heidi.start(
            "serve", folder, "--port", "0", *words, HEIDI_TOKEN=TOKEN, **more
        )
        line = process.stdout.readline()
        found = re.search(r"http://[^/ ]+", line)
        assert found, process.communicate()[1]
        made.append(httpx.Client(base_url=found[0], timeout=PATIENCE))
        return made[-1]

    yield start
    for client in made:
        client.close()


@pytest.fixture
def listening() -> Iterator[Callable[[httpx.Client], Listening]]:
    made: list[Listening] = []

    def listen(client: httpx.Client) -> Listening:
        made.append(Listening(str(client.base_url)))
        return made[-1]

    yield listen
    for one in made:
        one.close()


@pytest.fixture
def on_postgres(postgres_server, whole, tmp_path, heidi, started) -> Iterator[httpx.Client]:
    """Return a server of a twin whose values are kept by PostgreSQL."""
    name = f"twin-{tmp_path.name}"[-40:]
    folder = shutil.move(whole, tmp_path / name)
    yield started(folder, HEIDI_DATABASE=postgres_server.address)
    for process in heidi.running:
        process.kill()
        process.wait(20)
    assert not (folder / "live.sqlite").exists(), "nothing is kept in the folder"
    postgres_server.drop([name])


def test_every_address_is_answered_on_postgres(on_postgres):
    assert post(on_postgres, *(row(hour, 10.0 + hour) for hour in range(24))).json() == {
        "new": 24,
        "repeated": 0,
        "revised": 0,
        "refused": [],
        "sequence": 24,
    }
    form = [row(0, 5.0, day="2026-06-21"), {"point": "ghost"}]
    told = on_postgres.post("/api/ingest", json=form, headers=WRITER)
    assert (told.status_code, told.json()["new"]) == (207, 1)
    for address in ROUTES:
        answer = on_postgres.get(address, headers=WRITER)
        assert answer.status_code == 200, (address, answer.text)
    history = on_postgres.get(ROUTES[11]).json()
    means = [step["mean"] for step in history["steps"][:4]]
    assert means == [12.5, 18.5, 24.5, 30.5], "of 10 to 33 by sixes"
    assert newest(on_postgres) == ("2026-06-21T00:00:00Z", 5.0)
    told = on_postgres.get("/api/quarantine", headers=WRITER).json()
    assert sum(told["reasons"].values()) == 1


def test_a_restart_of_the_database_loses_nothing(on_postgres, postgres_server, listening):
    """Killed as if the power failed: who reads goes on, who writes is told 503 or 200."""
    heard = listening(on_postgres)
    assert post(on_postgres, row(0, 1.0)).status_code == 200
    wait_for(lambda: len(heard.rows) == 1)
    postgres_server.restart()
    assert newest(on_postgres) == ("2026-06-20T00:00:00Z", 1.0), "at once"

    def taken() -> bool:
        answer = post(on_postgres, row(1, 2.0))
        assert answer.status_code in (200, 503), answer.text
        return answer.status_code == 200

    wait_for(taken)
    assert newest(on_postgres) == ("2026-06-20T01:00:00Z", 2.0)
    wait_for(lambda: len(heard.rows) == 2)
    assert [one["value"] for one in heard.rows] == [1.0, 2.0]


@pytest.fixture
def broker(tmp_path) -> Iterator[Mosquitto]:
    """Return a running Mosquitto, or skip with the reason."""
    need(MOSQUITTO, "mosquitto")
    need(PUBLISH, "mosquitto_pub")
    folder = tmp_path / "broker"
    folder.mkdir()
    running = Mosquitto(folder, free_port())
    running.start()
    yield running
    running.stop()


def test_what_is_published_is_the_latest_value_and_an_event(
    whole, started, broker, listening
):
    """`heidi serve --mqtt` beside a real broker, which is stopped and started again."""
    client = started(whole, "--mqtt", broker.address)
    heard = listening(client)

    def publish(hour: int, value: float) -> None:
        broker.publish("hid/v1/gateway", "-m", json.dumps(row(hour, value)))

    # Its subscription is kept by the broker from the first connection on.
    def connected() -> bool:
        publish(0, 41.5)
        return newest(client) is not None

    wait_for(connected)
    assert newest(client) == ("2026-06-20T00:00:00Z", 41.5)
    wait_for(lambda: heard.rows)
    assert heard.rows[0]["value"] == 41.5
    broker.stop()
    assert client.get("/api/status").status_code == 200, "served without a broker, too"
    broker.start()
    publish(1, 43.25)
    wait_for(lambda: newest(client) == ("2026-06-20T01:00:00Z", 43.25))
    wait_for(lambda: len(heard.rows) == 2)
    assert [one["value"] for one in heard.rows] == [41.5, 43.25], "each once"
