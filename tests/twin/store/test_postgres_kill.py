"""Whoever feeds a store in PostgreSQL may be killed at any moment."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .postgres_writer import batch

WRITER = Path(__file__).with_name("postgres_writer.py")
ROOT = Path(__file__).resolve().parents[3]
KILLS = int(os.environ.get("HEIDI_KILLS", "10"))
"""How often the writer is killed; a long run takes 100."""


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_doubled(postgres_server, postgres_store):
    chance = random.Random(11)
    place = postgres_store()
    place.open().close()
    acknowledged = -1
    for _ in range(KILLS):
        # What was sent last but not acknowledged is sent again, and one that was.
        first = max(acknowledged, 0)
        writer = subprocess.Popen(
            [sys.executable, str(WRITER), postgres_server.address, place.twin, str(first)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert writer.stdout is not None
        begun = writer.stdout.readline()
        assert begun.endswith("\n"), "the writer must come to its first batch"
        time.sleep(chance.uniform(0.0, 0.15))
        writer.kill()
        told = [begun, *writer.stdout]
        writer.wait()
        writer.stdout.close()
        # The kill may have torn the last line.
        acknowledged = max(int(line) for line in told if line.endswith("\n"))

        opened = time.monotonic()
        with place.open(read_only=True) as store:
            held = store.since(0, count=10**6)
            assert time.monotonic() - opened < 2
            last = max(row.time for row in held)
            assert last >= acknowledged
            # Batches are there whole, in order, once.
            wanted = [row for number in range(last + 1) for row in batch(number)]
            assert [(r.point, r.time, r.value, r.version) for r in held] == [
                (r.point, r.time, r.value, r.version) for r in wanted
            ]
            assert [row.sequence for row in held] == list(range(1, len(held) + 1))
            newest = {row.point: row for row in store.between(0, last + 1)
                      if row.value is not None}  # fmt: skip
            assert store.latest() == list(newest.values())
