"""Make a small twin for tests of the way in: panels, a heat meter, a weather station."""

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from twin.equipment import equipment, with_systems
from twin.ingest.checks import microseconds
from twin.ingest.intake import Message
from twin.model import Model, SystemKind, district_model
from twin.quantities import Quantity
from twin.store.protocol import Store
from twin.things import FILE, write_model

NOW = microseconds(datetime(2026, 11, 22, 14, 10, tzinfo=UTC))
HOUR = 3_600_000_000
DAY = microseconds(datetime(2026, 11, 20, tzinfo=UTC))
"""A day that is over by then."""

TEMPERATURE = "b2/indoor/temperature"
HEAT = "b2/heat/power"
ENERGY = "b2/heat-2/heat_energy"
VOLUME = "b2/heat-2/volume"
QUARTERLY = "b2/heat-2/flow"
"""A flow that comes every 15 minutes."""


def clock() -> int:
    return NOW


def small_model() -> Model:
    table = pd.DataFrame(
        {"name": "", "use": "", "year": np.nan, "floor_area": 1000.0},
        index=pd.Index(["b1", "b2"], name="building"),
    )
    model = district_model(table, pv_facets={"b1": ["roof"]})
    system, points = equipment("b2", SystemKind.HEAT, number=2)
    points = tuple(
        dataclasses.replace(p, interval=900) if p.quantity is Quantity.FLOW else p
        for p in points
    )
    station, weather = equipment("", SystemKind.WEATHER)
    return with_systems(model, [system, station], [*points, *weather])


def write_twin(folder: Path) -> Path:
    """Write what of a twin folder the way in needs."""
    folder.mkdir()
    (folder / "heidi.toml").write_text('[twin]\nname = "x"\nschematic = true\n')
    write_model(folder / FILE, small_model())
    return folder


def row(point: str, hour: float, value: object, unit: str, **more: object) -> dict:
    """Return a row of our own form at an hour of `DAY`."""
    time = DAY + round(hour * HOUR)
    return {"point": point, "time_us": time, "value": value, "unit": unit, **more}


def message(*rows: object, origin: str = "test", **more: object) -> Message:
    return Message(json.dumps(rows).encode(), origin, **more)


def standing(store: Store) -> list[tuple]:
    """Return what stands in a store, bit by bit, whatever the order of arrival."""
    return sorted(
        (kept.point, kept.time, repr(kept.value), kept.source, kept.quality, kept.version)
        for kept in store.between(0, 2**62)
    )
