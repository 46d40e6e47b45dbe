"""Whoever reads beside a writer sees one state of the store at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from twin.store.arrivals import AHEAD
from twin.store.embedded import EmbeddedStore
from twin.store.records import Observation

HOUR = 3_600_000_000
POINTS = 40

WRITER = """
import sys
from pathlib import Path
import twin.store.embedded
from twin.store.embedded import EmbeddedStore
from twin.store.records import Observation
with EmbeddedStore(Path(sys.argv[1])) as store:
    print("begun", flush=True)
    for number in range(10_000):
        rows = [
            Observation(f"b{k % 3}/p{k}", number * 3_600_000_000, float(number), "m")
            for k in range(40)
        ]
        # All values of the hour before are corrected with it.
        rows += [
            Observation(r.point, r.time - 3_600_000_000, r.value - 0.5, "m", version=1)
            for r in rows if number
        ]
        store.append(rows)
        if number % 4 == 3:
            store.compact()
        if number % 50 == 49:
            store.rebuild()
"""


def test_a_reader_beside_compaction_sees_each_statement_once(tmp_path: Path):
    """Another process appends, corrects, seals and joins files without rest."""
    path = tmp_path / "live.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        try:
            assert writer.stdout.readline() == "begun\n"
            seen = generations = last = 0
            with EmbeddedStore(path, read_only=True) as reader:
                while seen < 60 or generations < 8:
                    assert writer.poll() is None
                    with reader.snapshot():
                        rows = reader.between(-1, 2**62)
                        hours = len(rows) // POINTS
                        assert reader.sequence == max(0, 2 * len(rows) - POINTS)
                        assert reader.revisions() == max(0, len(rows) - POINTS)
                        latest = reader.latest()
                        arrived = reader.since(0, count=10**6)
                        means = reader.resample(0, 2**61, HOUR, points=["b0/p0"])
                    assert len(rows) == hours * POINTS, "batches are whole"
                    wanted = [n + 0.5 for n in range(hours - 1)] + [hours - 1.0] * (
                        hours > 0
                    )
                    assert [r.value for r in rows if r.point == "b0/p0"] == wanted
                    assert means.column("mean").to_pylist() == wanted
                    assert {r.value for r in latest} == set(wanted[-1:])
                    numbers = [row.sequence for row in arrived]
                    assert numbers == list(range(1, len(numbers) + 1))
                    assert len(rows) >= last, "it does not go back"
                    generations += reader._files._manifest.generation > seen
                    seen, last = seen + 1, len(rows)
        finally:
            writer.kill()


@pytest.mark.parametrize("size", [7, 400, 5_000])
def test_a_replay_gives_every_statement_once_whatever_is_written_meanwhile(tmp_path, size):
    path = tmp_path / "live.sqlite"
    with EmbeddedStore(path) as store, EmbeddedStore(path, read_only=True) as reader:
        for number in range(30):
            store.append(
                [Observation(f"p{k}", number * HOUR, 1.0, "m") for k in range(POINTS)]
            )
            if number % 5 == 4:
                store.compact()
        found, last = [], 0
        while rows := reader.since(last, count=size):
            found += [row.sequence for row in rows]
            last = rows[-1].sequence
            if len(found) % 3 == 0 and store.sequence < 1_500:
                store.append([Observation("q", len(found) * HOUR, 1.0, "m")])
                store.compact()
        assert found == list(range(1, store.sequence + 1))
        assert [row.sequence for row in reader.since(17, count=3)] == [18, 19, 20]
        assert [row.sequence for row in reader.since(9, count=3)] == [10, 11, 12], "back"
        store.retire(3 * HOUR)
        assert reader.since(0, count=1)[0].sequence == 3 * POINTS + 1
        assert size < AHEAD
