"""A store of 5,000 points is told whole, and its news come to all who listen."""

import json
import threading

import numpy as np
import pytest

from twin.equipment import equipment, with_systems
from twin.quantities import Quantity
from twin.store.embedded import EmbeddedStore
from twin.store.records import Observation
from twin.system_kinds import SystemKind
from twin.things import FILE, read_model, write_model

START = 1_782_036_000_000_000
COUNT = 5_000


@pytest.fixture
def many(whole):
    """Return a folder whose first building has thousands of points, each with a value."""
    kinds = [q for q in Quantity if q.unit == "degC" and q.value != "indoor_temperature"]
    model, points = read_model(whole / FILE), []
    systems = []
    for number in range(-(-COUNT // len(kinds))):
        system, own = equipment(
            "b1", SystemKind.BEMS, number=number + 1, quantities=kinds, interval=60
        )
        systems.append(system)
        points += own
    points = points[:COUNT]
    write_model(whole / FILE, with_systems(model, systems, points))
    with EmbeddedStore(whole / "live.sqlite") as store:
        store.append(
            Observation(point.id, START, float(k), "meter")
            for k, point in enumerate(points)
        )
    return whole, [point.id for point in points]


def news(client, since: int, count: int) -> dict[str, float]:
    """Listen from a number on until so many values came."""
    found: dict[str, float] = {}
    params = {"since": since}
    with client.stream("GET", "/api/events", params=params) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: ") and "values" in line:
                rows = json.loads(line.removeprefix("data: "))["values"]
                found |= {row["point"]: row["value"] for row in rows}
                if len(found) >= count:
                    break
    return found


def test_all_of_them_and_their_news(many, served):
    folder, points = many
    client = served(folder)
    told = {
        one["point"]: one["value"] for one in client.get("/api/latest").json()["points"]
    }
    assert [told[name] for name in points] == np.arange(COUNT).tolist()
    heard: list[dict[str, float]] = []
    listeners = [
        threading.Thread(target=lambda: heard.append(news(client, COUNT, COUNT)))
        for _ in range(3)
    ]
    for listener in listeners:
        listener.start()
    with EmbeddedStore(folder / "live.sqlite") as store:
        for part in np.array_split(np.arange(COUNT), 5):
            store.append(
                Observation(points[k], START + 60_000_000, -float(k), "meter") for k in part
            )
    for listener in listeners:
        listener.join(timeout=30)
    expected = {name: -float(k) for k, name in enumerate(points)}
    assert heard == [expected] * 3
    told = {
        one["point"]: one["value"] for one in client.get("/api/latest").json()["points"]
    }
    assert told.items() >= expected.items()
