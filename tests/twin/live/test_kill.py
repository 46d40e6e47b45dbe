"""Killed at any moment, the log holds all that was acknowledged, once."""

import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twin.ingest.gate import HOUR, read_time
from twin.simulation.day_faults import FILE
from twin.store.embedded import EmbeddedStore
from twin.store.log import Log

START = read_time("2026-06-21T00:00Z")
KILLS = int(os.environ.get("HEIDI_KILLS", "10"))
"""How often each writer is killed; a long run takes 100."""

RESTART = 2.0
"""How long a store that was killed may take until it answers [CPU s]."""


def contents(path: Path) -> list[tuple]:
    """Return every statement in order; when it was learned differs from run to run."""
    with Log(path, read_only=True) as log:
        return [
            (row.sequence, row.point, row.time, row.value, row.source, row.revision)
            for row in log.since(0, count=1_000_000)
        ]


def restarted(path: Path) -> float:
    """Open a store that was killed as its next writer does; return how long it took."""
    begin = time.process_time()
    with EmbeddedStore(path) as store:
        store.latest()
    took = time.process_time() - begin
    assert took < RESTART
    return took


def renewed(path: Path) -> int:
    """Begin a new store, for answers to stay quick; return its first batch."""
    shutil.rmtree(path.parent / "history", ignore_errors=True)
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    return 0


def told_of(kills: int, batches: int, slowest: float) -> None:
    """Tell what a long run found."""
    sys.stdout.write(
        f"{kills} kills, {batches} batches, slowest restart {slowest:.3f} CPU s\n"
    )


ACKNOWLEDGED = re.compile(r"^acknowledged (\S+) .* sequence (\d+)\n", re.MULTILINE)
"""Hour and number of the log in a whole line; one that the kill tore is none."""


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_doubled(template, tmp_path, heidi):
    whole = shutil.copytree(template, tmp_path / "whole")
    heidi("simulate", whole)
    complete = contents(whole / "live.sqlite")
    broken = shutil.copytree(template, tmp_path / "broken")
    path = broken / "live.sqlite"
    chance = random.Random(8)
    kept = 0
    for number in range(KILLS):
        # Now slow, to be hit on its way through the day, now as fast as it can.
        pace = ("0.01", "0")[number % 2]
        process = heidi.start("simulate", broken, "--verbose", "--pace", pace)
        wanted, told = chance.randrange(1, 24), []
        while len(told) < wanted and (line := process.stdout.readline()):
            told += ACKNOWLEDGED.findall(line)
        time.sleep(chance.uniform(0.0, 0.02))
        process.kill()
        # What was printed and not yet read was acknowledged as well.
        told += ACKNOWLEDGED.findall(process.communicate()[0])
        assert len(told) >= wanted
        restarted(path)
        rows = contents(path)
        assert rows == complete[: len(rows)], "what is kept is the beginning of the day"
        assert len({row[1:3] for row in rows}) == len(rows), "no point and hour twice"
        hour, sequence = told[-1]
        assert len(rows) >= int(sequence) >= kept, "every acknowledged number is there"
        ended = read_time(hour) + HOUR
        due = [row for row in complete if row[2] < ended]
        assert rows[: len(due)] == due, "every row of every acknowledged hour is there"
        kept = len(rows)
    heidi("simulate", broken)
    assert contents(path) == complete
    assert (broken / FILE).read_bytes() == (whole / FILE).read_bytes()


WRITER = """
import sys
from pathlib import Path
from twin.store.log import Log
from twin.store.records import Observation
start = int(sys.argv[2])
with Log(Path(sys.argv[1])) as log:
    for batch in range(start, start + 10_000):
        times = [(batch * 400 + k) * 3_600_000_000 for k in range(400)]
        rows = [Observation(f"p{k % 7}", time, 1.0, "m") for k, time in enumerate(times)]
        rows += [Observation("again", 0, float(batch), "m")]
        log.append(rows)
        print("acknowledged", batch, flush=True)
"""


def test_a_writer_that_never_rests_is_killed_within_its_batches(tmp_path):
    """Batches of 401 rows one after another: most kills hit one half written."""
    path = tmp_path / "live.sqlite"
    chance = random.Random(3)
    start = batches = 0
    slowest = 0.0
    for number in range(max(20, KILLS)):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(start)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            first = process.stdout.readline()
            assert first == f"acknowledged {start}\n"
            time.sleep(chance.uniform(0.0, 0.05))
            process.kill()
            # A line that the kill tore is no acknowledgement.
            rest = re.findall(r"^acknowledged (\d+)\n", process.stdout.read(), re.MULTILINE)
            told = [start, *map(int, rest)]
        slowest = max(slowest, restarted(path))
        with Log(path, read_only=True) as log:
            whole, rest = divmod(log.sequence, 401)
            assert rest == 0, "batches are whole"
            assert told[-1] < whole <= told[-1] + 2, "at most the last was not yet told"
            (last,) = log.between(0, 1, points=["again"])
            assert (last.value, last.revision) == (whole - 1.0, whole - 1)
            assert len(log.between(0, 2**62)) == 400 * whole + 1
        batches, start = batches + whole - start, whole
        if number % 20 == 19:
            start = renewed(path)
    told_of(number + 1, batches, slowest)


CARER = """
import sys
from pathlib import Path
import pyarrow as pa
import twin.store.embedded
from twin.store.embedded import EmbeddedStore
from twin.store.records import Observation
twin.store.embedded.SMALL = 300
start, hour = int(sys.argv[2]), 3_600_000_000
with EmbeddedStore(Path(sys.argv[1])) as store:
    for batch in range(start, start + 10_000):
        rows = [
            (f"b{k % 3}/p{k % 7}", (batch * 60 + k // 7) * hour, float(k))
            for k in range(399)
        ]
        rows += [("again", 0, float(batch))]
        if batch % 3 == 2:
            points, times, values = zip(*rows)
            columns = points, times, values, ["m"] * 400
            names = ["point", "time", "value", "source"]
            store.load(pa.table([pa.array(column) for column in columns], names))
        else:
            store.append([Observation(p, t, v, "m") for p, t, v in rows])
        print("acknowledged", batch, flush=True)
        if batch % 2:
            store.compact()
"""


def check_whole(path: Path, told: list[int]) -> int:
    """Check all that a killed writer left; return how many batches that is."""
    with EmbeddedStore(path) as store:
        whole, rest = divmod(store.sequence, 400)
        assert rest == 0, "batches are whole"
        assert told[-1] < whole <= told[-1] + 2, "at most the last was not yet told"
        rows = store.since(0, count=10**9)
        assert [row.sequence for row in rows] == list(range(1, 400 * whole + 1))
        keys = {(row.point, row.time, row.value) for row in rows}
        assert len(keys) == len(rows), "each statement once"
        (last,) = store.latest(points=["again"])
        assert (last.value, last.revision) == (whole - 1.0, whole - 1)
        standing = store.between(0, 2**62)
        assert len(standing) == 399 * whole + 1
        assert store.coverage(0, 2**62)["again"] == (1, 1)
        manifest = sqlite3.connect(path)
        query = "SELECT file FROM segments UNION SELECT file FROM leftovers"
        named = {file for (file,) in manifest.execute(query)}
        manifest.close()
        held = {file.name for file in (path.parent / "history").glob("*.parquet*")}
        assert held == named, "no file too few, none left over"
    return whole


@pytest.mark.parametrize(
    "rounds", [3, pytest.param(max(20, KILLS), marks=pytest.mark.slow)]
)
def test_a_writer_that_also_loads_and_compacts_is_killed_anywhere(tmp_path, rounds):
    """Rows go through the log and as tables, and move into segments, all the time."""
    path = tmp_path / "live.sqlite"
    chance = random.Random(rounds)
    start = batches = 0
    slowest = 0.0
    for number in range(rounds):
        with subprocess.Popen(
            [sys.executable, "-c", CARER, str(path), str(start)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            first = process.stdout.readline()
            assert first == f"acknowledged {start}\n"
            time.sleep(chance.uniform(0.0, 0.3))
            process.kill()
            rest = re.findall(r"^acknowledged (\d+)\n", process.stdout.read(), re.MULTILINE)
        slowest = max(slowest, restarted(path))
        whole = check_whole(path, [start, *map(int, rest)])
        batches, start = batches + whole - start, whole
        if number % 20 == 19:
            start = renewed(path)
    told_of(rounds, batches, slowest)


def test_killed_before_its_first_word_leaves_a_folder_that_works(folder, heidi):
    process = heidi.start("simulate", folder, "--verbose", "--pace", "5")
    while not (folder / "live.sqlite").exists():
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.communicate()
    with Log(folder / "live.sqlite", read_only=True) as log:
        before = log.sequence
    assert "SIMULATED 21 June 2026" in heidi("simulate", folder)
    rows = contents(folder / "live.sqlite")
    assert len(rows) > before
    assert len({row[1:3] for row in rows}) == len(rows)
    assert rows[0][2] == START
