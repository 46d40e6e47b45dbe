"""Hints name what was planted on collectors, after all that happens on the way."""

import importlib.util
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from twin.expectation.hint import HintKind
from twin.folder import write_twin
from twin.simulation.faults import SOLAR_POWERS, FaultKind
from twin.simulation.run import make_run
from twin.simulation.score import Score, table
from twin.things import read_model, write_model

CORE = (HintKind.OUTAGE, HintKind.STUCK, HintKind.CLOCK, HintKind.UNIT)
PRECISION, RECALL = 0.9, 0.8


@pytest.fixture(scope="module")
def bench():
    """Return the module that puts collectors on homes; it brings that which runs trials."""
    path = Path(__file__).resolve().parents[3] / "bench" / "collectors.py"
    spec = importlib.util.spec_from_file_location("bench_collectors", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_collectors"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["bench_collectors"]


@pytest.fixture(scope="module")
def fields(built, bench, tmp_path_factory):
    """Return a folder with collectors on ninety homes."""
    folder = tmp_path_factory.mktemp("fields") / "twin"
    write_twin(built, folder, stills=False)
    model = bench.collector_model(
        built, read_model(folder / "model.json"), fields=90, minutes=60
    )
    write_model(folder / "model.json", model)
    return folder


def test_collectors_have_the_faults_of_panels_and_the_truth_says_so(built, fields):
    model = read_model(fields / "model.json")
    run = make_run(
        built, model, day=date(2026, 5, 1), days=45, seed=7, faults="outage=5,soiling=5"
    )
    outages = run.plan.of(FaultKind.OUTAGE)
    assert len(outages) == len(run.plan.of(FaultKind.SOILING)) == 5
    told = {track.point.id: track for track in run.tracks}
    for fault in outages:
        track = told[fault.point]
        assert track.point.quantity in SOLAR_POWERS
        inside = (track.start >= fault.start) & (track.start < fault.end)
        # Clocks that are off by seconds let a little of the neighbours in.
        assert np.abs(track.value[inside]).max() < 0.02 * np.abs(track.value).max()
        assert fault.size > 0
    assert {f["point"] for f in run.record()["faults"]} >= {f.point for f in outages}


@pytest.mark.slow
def test_planted_faults_of_collectors_are_found_and_hardly_anything_else(
    built, bench, fields
):
    """45 days of spring at an hour; docs/simulation.md has more seeds."""
    trials = bench.hints_bench()
    found = trials.trial(fields, built, seed=101, first=date(2026, 5, 1), days=45)
    trials.forget(fields)
    core = sum((found.scores[kind] for kind in CORE), Score())
    assert core.found + core.missed >= 15, table(found.scores)
    assert core.precision >= PRECISION, table(found.scores)
    assert core.recall >= RECALL, table(found.scores)
