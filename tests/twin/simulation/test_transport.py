"""Whatever happens on the way, what arrives is what was told but for what was lost."""

from datetime import date

import numpy as np
import pytest

from twin.kinds import Kind
from twin.simulation.demand import SOURCE
from twin.simulation.faults import FaultKind
from twin.simulation.run import make_run
from twin.simulation.transport import deliver
from twin.store.records import Quality


@pytest.fixture(scope="module")
def run(built, fitted):
    return make_run(
        built,
        fitted,
        day=date(2026, 5, 4),
        days=2,
        seed=8,
        faults="gaps=1,duplicates=1,late=3,silence=2",
    )


@pytest.fixture(scope="module")
def deliveries(run):
    return list(deliver(run.tracks, run.model, run.plan, seed=run.seed))


def told(run):
    return {
        (track.point.id, int(time)): float(value)
        for track in run.tracks
        for time, value in zip(track.start, track.value, strict=True)
        if np.isfinite(value)
    }


def test_everything_is_labelled(deliveries):
    rows = [row for delivery in deliveries for row in delivery.rows]
    assert {row.source for row in rows} == {SOURCE}
    assert {row.quality for row in rows} == {Quality.SIMULATED}


def test_what_arrives_is_what_was_told(run, deliveries):
    truth, seen, gaps = told(run), set(), 0
    for delivery in deliveries:
        for row in delivery.rows:
            key = (row.point, row.time)
            seen.add(key)
            if row.value is None:
                gaps += 1
            else:
                assert row.value == truth[key]
    lost = len(truth) - len(seen)
    share = run.plan.of(FaultKind.GAPS)[0].size
    assert lost / len(truth) == pytest.approx(share / 2, rel=0.3)
    assert gaps / len(truth) == pytest.approx(share / 2, rel=0.3)


def test_some_come_twice(run, deliveries):
    keys = [(row.point, row.time) for one in deliveries for row in one.rows]
    again = len(keys) - len(set(keys))
    share = run.plan.of(FaultKind.DUPLICATES)[0].size
    assert again / len(keys) == pytest.approx(share, rel=0.3)


def test_nothing_is_known_before_it_is_over(run, deliveries):
    lengths = {
        p.id: p.interval * 1_000_000 if p.quantity.kind is Kind.FLOW else 0
        for p in run.model.points
    }
    moments = [delivery.moment for delivery in deliveries]
    assert moments == sorted(moments)
    for delivery in deliveries:
        assert all(
            row.time + lengths[row.point] <= delivery.moment for row in delivery.rows
        )


def test_late_gateways_send_all_at_the_end_newest_first(run, deliveries):
    owner = run.model.owner
    system = {p.id: p.system for p in run.model.points}
    for fault in run.plan.of(FaultKind.LATE):
        held = [
            (delivery.moment, row.time)
            for delivery in deliveries
            for row in delivery.rows
            if owner[system[row.point]] == fault.point
            and fault.start <= row.time < fault.end
        ]
        assert held
        assert min(moment for moment, _ in held) >= fault.end
        times = [time for moment, time in held if moment == fault.end]
        assert times[-1] < times[0], "out of order"


def test_the_same_seed_delivers_the_same(run, deliveries):
    assert list(deliver(run.tracks, run.model, run.plan, seed=run.seed)) == deliveries
    other = list(deliver(run.tracks, run.model, run.plan, seed=run.seed + 1))
    assert other != deliveries
