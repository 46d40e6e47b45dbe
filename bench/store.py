"""Time the store of observations: what goes in, what is asked, what it weighs.

Run from a checkout: ``.venv/bin/python bench/store.py --days 14 --folder /tmp``; with
``--server`` it asks the store in PostgreSQL, on a private server that is started for it
and waits for its disk; processor time is then that of both ends. 5,000
points of 200 buildings: 85 at one minute, 500 at 15 minutes, the others hourly; a year
of them is a hundred million rows (about 300 MB, which are removed at the end). CPU seconds
count, for other programs may share the machine; the wall clock stands beside them.
"""

import argparse
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa

from twin.store.embedded import FILE, HISTORY, EmbeddedStore
from twin.store.postgres import PostgresStore
from twin.store.protocol import Store
from twin.store.records import Observation

MINUTE = 60_000_000
DAY = 1440 * MINUTE
START = 1_767_225_600_000_000  # 2026-01-01T00:00Z
POINTS = 5_000
PER_BUILDING = 25
BATCH = 1_000
TARGETS = {"append": 50_000, "load": 200_000}
"""Rows a second that are asked for."""
CLOCKS: list[Callable[[], float]] = [time.process_time]
"""Processor seconds of all that works for a store."""
SERVER = Path(__file__).parents[1] / "tests/twin/store/postgres_server.py"


@contextmanager
def timed() -> Iterator[Callable[[], tuple[float, float]]]:
    """Give a function that tells CPU and wall seconds since."""
    cpu, wall = sum(clock() for clock in CLOCKS), time.perf_counter()
    yield lambda: (
        sum(clock() for clock in CLOCKS) - cpu,
        time.perf_counter() - wall,
    )


class ServerClock:
    """Processor seconds of a server's processes, those that ended included."""

    def __init__(self, folder: Path) -> None:
        self.number = int((folder / "data/postmaster.pid").read_text().split()[0])
        self.told: dict[int, float] = {}

    def __call__(self) -> float:
        """Return them."""
        children = Path(f"/proc/{self.number}/task/{self.number}/children")
        for number in [self.number, *map(int, children.read_text().split())]:
            # A process may have ended since.
            with suppress(OSError):
                told = Path(f"/proc/{number}/schedstat").read_text().split()
                self.told[number] = int(told[0]) / 1e9
        return sum(self.told.values())


def names() -> list[str]:
    return [f"heidi-{k // PER_BUILDING:03d}/system/point-{k:04d}" for k in range(POINTS)]


def intervals() -> np.ndarray:
    """Return the interval of each point [microseconds]; buildings are mixed."""
    found = np.full(POINTS, 60 * MINUTE)
    found[::10] = 15 * MINUTE
    found[:: POINTS // 85] = MINUTE
    return found


def table(first: int, days: int, chance: np.random.Generator) -> pa.Table:
    """Return all values of some days as they arrive: by time."""
    steps = intervals()
    times = [START + first * DAY + np.arange(days * DAY // step) * step for step in steps]
    point = np.repeat(np.arange(POINTS, dtype=np.int32), [len(one) for one in times])
    time_ = np.concatenate(times)
    order = np.argsort(time_, kind="stable")
    value = np.round(chance.normal(20.0, 5.0, len(order)), 2)
    texts = pa.DictionaryArray.from_arrays(pa.array(point[order]), pa.array(names()))
    source = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(len(order), np.int32)), pa.array(["meter"])
    )
    return pa.table(
        {"point": texts, "time": time_[order], "value": value, "source": source}
    )


def fill(store: Store, days: int, chunk: int) -> None:
    """Load everything in large tables."""
    chance = np.random.default_rng(0)
    rows, cpu, wall = 0, 0.0, 0.0
    for first in range(0, days, chunk):
        some = table(first, min(chunk, days - first), chance)
        with timed() as took:
            receipt = store.load(some, known=START + (first + chunk) * DAY)
        assert receipt.new == some.num_rows
        one = took()
        rows, cpu, wall = rows + some.num_rows, cpu + one[0], wall + one[1]
    rate("load of tables", rows, cpu, wall, TARGETS["load"])
    with timed() as took:
        receipt = store.load(some)
    assert receipt.repeated == some.num_rows
    rate("load of the last table once more", some.num_rows, *took(), TARGETS["load"])


def rate(what: str, rows: int, cpu: float, wall: float, target: int) -> None:
    print(
        f"{what:<38}{rows:>12,} rows {rows / cpu:>12,.0f} rows/CPU s "
        f"{rows / wall:>12,.0f} rows/s  {rows / cpu / target:5.1f} x target"
    )


def feed(store: Store, days: int, count: int) -> None:
    """Append batches as they come in, one moment after another."""
    ids = names()
    begin = START + days * DAY

    def batches(shift: float) -> Iterator[list[Observation]]:
        for number in range(count // BATCH):
            minute, part = divmod(number, POINTS // BATCH)
            some = ids[part * BATCH : (part + 1) * BATCH]
            moment = begin + minute * MINUTE
            yield [Observation(p, moment, minute + shift, "meter") for p in some]

    for what, shift in (
        ("append of 1,000-row batches", 0.0),
        ("append of the same once more", 0.0),
        ("append of corrections", 0.5),
    ):
        made = list(batches(shift))
        with timed() as took:
            for batch in made:
                store.append(batch)
        rate(what, count, *took(), TARGETS["append"])
    with timed() as took:
        moved = store.compact()
    rate("compact", moved, *took(), TARGETS["load"])
    again = list(batches(0.0))[: 40_000 // BATCH]
    with timed() as took:
        for batch in again:
            assert store.append(batch).repeated == BATCH
    target = TARGETS["append"]
    rate("append of what is sealed once more", len(again) * BATCH, *took(), target)
    changed = list(batches(0.25))[: 40_000 // BATCH]
    with timed() as took:
        for batch in changed:
            store.append(batch)
    rate("append of corrections of sealed values", len(changed) * BATCH, *took(), target)


def ask(store: Store, days: int) -> None:
    """Ask what planners ask."""
    ids = names()
    end = START + days * DAY
    building = ids[:PER_BUILDING]
    known = START + (days - 1) * DAY
    step = 15 * MINUTE
    questions: dict[str, tuple[Callable[[], object], float]] = {
        "latest of 5,000 points": (store.latest, 10),
        "latest until an hour ago": (lambda: store.latest(until=end + DAY), 10),
        "building, all time, 15 min": (
            lambda: store.resample(START, end, step, points=building),
            200,
        ),
        "the same as known": (
            lambda: store.resample(START, end, step, points=building, known_at=known),
            400,
        ),
        "one 1-min series, all time, 15 min": (
            lambda: store.resample(START, end, step, points=ids[:1]),
            50,
        ),
        "the same as known ": (
            lambda: store.resample(START, end, step, points=ids[:1], known_at=known),
            100,
        ),
        "one 1-min series as a table": (
            lambda: store.table(START, end, points=ids[:1]),
            200,
        ),
        "one hour of a building, sealed": (
            lambda: store.between(end - 60 * MINUTE, end, points=building),
            50,
        ),
        "one day of all points, hourly": (
            lambda: store.resample(end - DAY, end, 60 * MINUTE, points=ids),
            500,
        ),
    }
    print(
        f"{'question [ms]':<38}{'first CPU':>10}{'CPU':>10}{'first wall':>12}{'wall':>10}"
        f"{'target':>8}   load {os.getloadavg()[0]:.1f}"
    )
    for what, (question, target) in questions.items():
        with timed() as took:
            question()
        first = [1e3 * part for part in took()]
        runs = []
        for _ in range(7):
            with timed() as took:
                question()
            runs.append(took())
        cpu, wall = (1e3 * statistics.median(run[k] for run in runs) for k in (0, 1))
        print(
            f"{what:<38}{first[0]:>10.1f}{cpu:>10.1f}{first[1]:>12.1f}{wall:>10.1f}"
            f"{target:>8}"
        )


def replay(store: EmbeddedStore, count: int) -> None:
    """Read statements in order of arrival, as who rebuilds something from them does."""
    for size in (1_000, 10_000):
        last = rows = 0
        with timed() as took:
            while rows < count:
                some = store.since(last, count=size)
                rows, last = rows + len(some), some[-1].sequence
        rate(f"replay by {size:,}", rows, *took(), TARGETS["load"])


def unsealed(store: EmbeddedStore, days: int, count: int) -> None:
    """Ask while much lies in the log, then while it corrects values of long ago."""
    ids = names()
    begin = START + (days + 1) * DAY
    with timed() as took:
        for number in range(count // BATCH):
            minute, part = divmod(number, POINTS // BATCH)
            some = ids[part * BATCH : (part + 1) * BATCH]
            moment = begin + minute * MINUTE
            store.append([Observation(p, moment, float(minute), "meter") for p in some])
    rate("append of fresh batches", count, *took(), TARGETS["append"])
    print(f"-- while {count:,} fresh rows lie in the log")
    ask(store, days)
    moments = range(0, days, max(1, days // 40))
    with timed() as took:
        for day in moments:
            for start in range(0, POINTS, BATCH):
                some = ids[start : start + BATCH]
                moment = START + day * DAY
                store.append([Observation(p, moment, -1.0, "typed", 0, 1) for p in some])
    changed = len(moments) * POINTS
    rate("append of corrections of old values", changed, *took(), TARGETS["append"])
    print(f"-- while besides {changed:,} corrections of old values lie in the log")
    ask(store, days)
    with timed() as took:
        moved = store.compact()
    rate("compact", moved, *took(), TARGETS["load"])
    print("-- after all of it is sealed")
    ask(store, days)


def weigh(folder: Path, rows: int) -> None:
    files = list((folder / HISTORY).glob("*.parquet"))
    history = sum(file.stat().st_size for file in files)
    log = (folder / FILE).stat().st_size
    print(
        f"history {history / 1e6:,.0f} MB in {len(files)} files "
        f"({history / rows:.1f} bytes a row), log {log / 1e6:,.1f} MB"
    )


def on_server(told: argparse.Namespace) -> None:
    """Time the store in PostgreSQL."""
    spec = importlib.util.spec_from_file_location("postgres_server", SERVER)
    assert spec is not None
    assert spec.loader is not None
    servers = importlib.util.module_from_spec(spec)
    sys.modules["postgres_server"] = servers
    spec.loader.exec_module(servers)
    with servers.server(durable=True) as server:
        CLOCKS.append(ServerClock(server.folder))
        with PostgresStore(server.address) as store:
            fill(store, told.days, told.chunk)
            rows = store.sequence
            with timed() as took:
                store.compact()
            print(f"compact after loading: {took()[0]:.1f} CPU s")
            ask(store, told.days)
            feed(store, told.days, told.feed)
            print("-- the same questions after the feed, beside an open correction")
            store.append([Observation(names()[0], START, -1.0, "meter", version=1)])
            ask(store, told.days)
            with psycopg.connect(server.address) as connection:
                size = connection.execute(
                    "SELECT pg_total_relation_size('heidi_twin.history'), "
                    "(SELECT count(*) FROM heidi_twin.history)"
                ).fetchone()
            assert size is not None
            print(
                f"{rows:,} rows; history {size[0] / 1e6:,.0f} MB in {size[1]:,} packs "
                f"({size[0] / rows:.1f} bytes a row)"
            )
        begin = time.perf_counter()
        server.restart("immediate")
        started = time.perf_counter() - begin
        with PostgresStore(server.address) as store:
            count = len(store.latest())
        took = time.perf_counter() - begin
        print(
            f"killed and started in {started:.2f} s, {count} latest values in all after "
            f"{took:.2f} s (target 2 s)"
        )


FIRST = """
import sys, time
from pathlib import Path
import pyarrow.parquet
from twin.store.embedded import EmbeddedStore
point, start, end, step = sys.argv[2], *map(int, sys.argv[3:])
cpu, wall = time.process_time(), time.perf_counter()
with EmbeddedStore(Path(sys.argv[1]), read_only=True) as store:
    store.resample(start, end, step, points=[point])
print(f"a new process that has loaded its libraries reads a series of all time in "
      f"{1e3 * (time.process_time() - cpu):.0f} CPU ms, "
      f"{1e3 * (time.perf_counter() - wall):.0f} ms")
"""

REOPEN = """
import sys, time
from pathlib import Path
begin = time.perf_counter()
from twin.store.embedded import EmbeddedStore
with EmbeddedStore(Path(sys.argv[1])) as store:
    rows = len(store.latest())
assert "duckdb" not in sys.modules and "pyarrow" not in sys.modules
print(f"a new process opens it and reads {rows} latest values in "
      f"{time.perf_counter() - begin:.2f} s (target 2 s)")
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--days", type=int, default=14, help="of history")
    asked.add_argument("--chunk", type=int, default=14, help="days that a table holds")
    asked.add_argument("--feed", type=int, default=200_000, help="rows to append")
    asked.add_argument("--fresh", type=int, default=100_000, help="rows left in the log")
    asked.add_argument("--folder", type=Path, help="where to; default: a temporary one")
    asked.add_argument("--server", action="store_true", help="ask PostgreSQL")
    told = asked.parse_args()
    if told.server:
        on_server(told)
        return
    with tempfile.TemporaryDirectory(dir=told.folder) as name:
        folder = Path(name)
        with EmbeddedStore(folder / FILE) as store:
            fill(store, told.days, told.chunk)
            rows = store.sequence
            ask(store, told.days)
            replay(store, min(rows, 1_000_000))
            weigh(folder, rows)
        end = START + told.days * DAY
        asked_first = [names()[0], *map(str, (START, end, 15 * MINUTE))]
        for _ in range(3):
            subprocess.run(
                [sys.executable, "-c", FIRST, str(folder / FILE), *asked_first], check=True
            )
        with EmbeddedStore(folder / FILE) as store:
            feed(store, told.days, told.feed)
            unsealed(store, told.days, told.fresh)
        subprocess.run([sys.executable, "-c", REOPEN, str(folder / FILE)], check=True)
        shutil.rmtree(folder / HISTORY)


if __name__ == "__main__":
    main()
