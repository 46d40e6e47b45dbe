"""Time the way in: from the bytes of messages and files to rows on the disk.

Run from a checkout: ``.venv/bin/python bench/ingest.py --folder /tmp``. Messages hold 1,000
values and each is a commit of its own; files hold a long table. CPU seconds count, for
other programs may share the machine; the wall clock stands beside them.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from twin.ingest.files import feed_file
from twin.ingest.intake import Intake, Message
from twin.ingest.mapping import Mapping, Target, parse_mapping
from twin.model import BUILDING_QUANTITIES, Model, district_model
from twin.store.embedded import FILE, EmbeddedStore

POINTS = 1_000
"""Values of a message: four of each of 250 buildings."""

BATCHES = 60
HOURS = 600
"""Rows of a wide table; a long one has a thousand times as many."""

TARGETS = {"messages": 50_000, "files": 200_000}
"""Values a second that are asked for."""

START = datetime(2026, 1, 1, tzinfo=UTC)
SENSOR = "https://recref.example/sensor/"
ENCODER = msgspec.json.Encoder()


def district() -> Model:
    """Return a district of 250 buildings with panels."""
    names = [f"heidi-{k:03d}" for k in range(POINTS // len(BUILDING_QUANTITIES))]
    table = pd.DataFrame(
        {"name": "", "use": "", "year": np.nan, "floor_area": 1000.0},
        index=pd.Index(names, name="building"),
    )
    return district_model(table, pv_facets={name: [f"{name}-roof"] for name in names})


def foreign(model: Model, device: str, name: str) -> Mapping:
    """Return a mapping of names; ``#`` in them stands for the number of the point."""
    rows = [
        (device, name, point.id, point.quantity.unit) for point in model.points[:POINTS]
    ]
    lines = [",".join(row).replace("#", str(k)) for k, row in enumerate(rows)]
    return parse_mapping("\n".join(["device,name,point,unit", *lines]))


def values(batch: int, model: Model) -> Iterator[tuple[int, str, str, float]]:
    """Yield number, point, unit and value of an hour."""
    for k, point in enumerate(model.points[:POINTS]):
        value = 20 + (k % 7) + batch / 100
        yield k, point.id, point.quantity.unit, -value if point.quantity.sign < 0 else value


def native(batch: int, model: Model) -> bytes:
    when = f"{START + timedelta(hours=batch):%Y-%m-%dT%H:%M:%SZ}"
    return ENCODER.encode(
        [
            {"point": point, "time": when, "value": value, "unit": unit, "source": "bms"}
            for _, point, unit, value in values(batch, model)
        ]
    )


def rec(batch: int, model: Model) -> bytes:
    when = f"{START + timedelta(hours=batch):%Y-%m-%dT%H:%M:%SZ}"
    rows = [
        {"observationTime": when, "value": value, "sensorId": f"{SENSOR}{k}"}
        for k, _, _, value in values(batch, model)
    ]
    message = {"format": "rec3.3", "deviceId": "https://recref.example/device"}
    return ENCODER.encode({**message, "observations": rows})


def senml(batch: int, model: Model) -> bytes:
    rows: list[dict[str, object]] = [
        {"n": f"{k}:v", "v": value} for k, _, _, value in values(batch, model)
    ]
    base = (START + timedelta(hours=batch)).timestamp()
    rows[0] |= {"bn": "urn:dev:", "bt": base}
    return ENCODER.encode(rows)


def rate(what: str, rows: int, cpu: float, wall: float, target: int) -> None:
    print(
        f"{what:<40}{rows:>10,} values {rows / cpu:>10,.0f}/CPU s {rows / wall:>10,.0f}/s"
        f"  {rows / cpu / target:5.2f} x target"
    )


def feed(
    folder: Path,
    what: str,
    make: Callable[[int, Model], bytes],
    *,
    names: tuple[str, str] = ("unused", "#"),
    again: bool = False,
) -> None:
    """Take messages one by one, then maybe the same once more."""
    model = district()
    messages = [Message(make(batch, model), "bench") for batch in range(BATCHES)]
    with EmbeddedStore(folder / f"{what}-{FILE}") as store:
        intake = Intake(model, store, foreign(model, *names))
        intake.take(messages[:1])
        for name in (what, f"{what}, once more") if again else (what,):
            cpu, wall = time.process_time(), time.perf_counter()
            count = 0
            for message in messages[1:]:
                receipt = intake.take([message]).receipt
                assert not receipt.refused
                count += receipt.new + receipt.repeated
            spent = time.process_time() - cpu, time.perf_counter() - wall
            rate(name, count, *spent, TARGETS["messages"])


def tables(folder: Path) -> None:
    """Feed the same values as a long table and as a wide one, then as lines of messages."""
    model = district()
    hours = pd.date_range(START, periods=HOURS, freq="h")
    times = hours.strftime("%Y-%m-%dT%H:%M:%SZ")
    columns = {}
    for k, point, _, value in values(0, model):
        columns[point] = value + np.sin(np.arange(HOURS) + k).round(3) * 0.5
    wide = pd.DataFrame(columns, index=pd.Index(times, name="time"))
    long = wide.reset_index().melt("time", var_name="point")
    long = long.sort_values("time", kind="stable", ignore_index=True)
    unit = {point.id: point.quantity.unit for point in model.points}
    long["unit"] = long["point"].map(unit)
    long["source"] = "bms"
    files = {
        "long table, CSV": folder / "long.csv",
        "long table, Parquet": folder / "long.parquet",
        "wide table, CSV": folder / "wide.csv",
        "native-lines": folder / "lines.json",
    }
    long.to_csv(files["long table, CSV"], index=False)
    long.to_parquet(files["long table, Parquet"], index=False)
    wide.rename(columns=lambda point: f"{point} [{unit[point]}]").to_csv(
        files["wide table, CSV"]
    )
    few = long.iloc[: len(long) // 4]
    few.to_json(files["native-lines"], orient="records", lines=True)
    names = [("wide", f"{point} [{one}]", Target(point, "")) for point, one in unit.items()]
    for what, path in files.items():
        mapping = Mapping(names) if "wide" in what else None
        with EmbeddedStore(folder / f"{path.suffix[1:]}-{path.stem}-{FILE}") as store:
            for again in ("", ", once more"):
                cpu, wall = time.process_time(), time.perf_counter()
                load = feed_file(path, model, store, mapping).load
                spent = time.process_time() - cpu, time.perf_counter() - wall
                assert not load.reasons, load.reasons
                rate(f"{what}{again}", load.rows, *spent, TARGETS["files"])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--folder", type=Path, help="where to; default: a temporary one")
    told = asked.parse_args()
    with tempfile.TemporaryDirectory(dir=told.folder) as name:
        folder = Path(name)
        feed(folder, "native", native, again=True)
        feed(folder, "rec", rec, names=("https://recref.example/device", f"{SENSOR}#"))
        feed(folder, "senml", senml, names=("urn:dev:#", "v"))
        tables(folder)


if __name__ == "__main__":
    main()
