"""What is planted is what devices show, where and when the truth says so."""

from datetime import date

import numpy as np
import pytest

from gis.errors import TableError
from twin.model import SystemKind
from twin.quantities import Quantity
from twin.simulation.faults import (
    DAY,
    MANY,
    FaultKind,
    plan_run,
    read_counts,
    room_for,
    too_long,
)
from twin.simulation.fitting import fit_out
from twin.simulation.run import make_run

FIRST = date(2026, 5, 1)
EVERY = (
    "outage=8,stuck=4,clock=3,unit=4,silence=3,soiling=1,shading=2,spike=2,drift=3,"
    "swap=2,rollover=2,gaps=1,duplicates=1,late=2"
)


@pytest.fixture(scope="module")
def pair(built, model):
    """Return the same 45 days with everything that can go wrong, and with nothing."""
    fitted, _ = fit_out(model, interval=3600)
    options = {"day": FIRST, "days": 45, "seed": 3}
    return (
        make_run(built, fitted, faults=EVERY, **options),
        make_run(built, fitted, faults="none", **options),
    )


def series(run):
    return {track.point.id: track for track in run.tracks}


def planted(pair, kind):
    """Yield each fault of a kind with what is told and what would be, and when."""
    broken, whole = (series(run) for run in pair)
    for fault in pair[0].plan.of(kind):
        told, would = broken[fault.point], whole[fault.point]
        inside = (told.start >= fault.start) & (told.start < fault.end)
        yield fault, told.value, would.value, inside


def touched(pair, fault) -> bool:
    """Say whether plants of a fault's building give less, which its meters feel."""
    owner = pair[0].model.owner
    system = {p.id: p.system for p in pair[0].model.points}
    physical = pair[0].plan.of(FaultKind.OUTAGE, FaultKind.SOILING, FaultKind.SHADING)
    places = {owner[system[one.point]] for one in physical}
    return owner[system[fault.point]] in places


def test_all_that_was_wanted_is_planted(pair):
    wanted = read_counts(EVERY, room=dict.fromkeys(FaultKind, 999), days=45)
    found = {kind: len(pair[0].plan.of(kind)) for kind in wanted}
    # On north roofs no new shadow is seen.
    found[FaultKind.SHADING] = wanted[FaultKind.SHADING]
    assert found == wanted, pair[0].plan.notes


def test_what_is_not_planted_is_as_it_would_be(pair):
    """But for the panels whose loss the connection to the grid and its meters feel."""
    broken, whole = (series(run) for run in pair)
    owner = pair[0].model.owner
    system = {p.id: p.system for p in pair[0].model.points}
    touched = {owner[system[f.point]] for f in pair[0].plan.faults if f.point in system}
    for name, track in broken.items():
        if owner[track.point.system] not in touched:
            np.testing.assert_array_equal(track.value, whole[name].value)


def test_outages_show_nothing(pair):
    for fault, told, would, inside in planted(pair, FaultKind.OUTAGE):
        # At either end an interval shares some seconds of a clock that is off.
        assert (told[inside][1:-1] == 0).all()
        assert np.abs(would[inside]).sum() > 0
        if fault.point.endswith("/pv/power"):
            # Before what it loses: loss and tolerance are in both.
            assert np.abs(would[inside]).sum() == pytest.approx(fault.size, rel=0.03)


def test_registers_feel_outages_of_panels(pair):
    outages = [
        f for f in pair[0].plan.of(FaultKind.OUTAGE) if f.point.endswith("/pv/power")
    ]
    assert outages
    for fault in outages:
        register = series(pair[0])[fault.point.replace("/power", "/pv_energy")]
        inside = (register.start >= fault.start) & (register.start < fault.end)
        assert np.ptp(register.value[inside]) <= 0.2


def test_stuck_values_repeat_the_first(pair):
    for _, told, would, inside in planted(pair, FaultKind.STUCK):
        assert len(set(told[inside])) == 1
        assert told[inside][0] == would[inside][0]
        assert len(set(would[inside])) > 2


def test_wrong_clocks_tell_other_hours(pair):
    for fault, told, would, inside in planted(pair, FaultKind.CLOCK):
        moved = np.roll(would, round(fault.size / 60))
        known = inside & (np.abs(moved) > 1)
        # The same noise lies over other hours.
        assert np.median(np.abs(told[known] / moved[known] - 1)) < 0.02
        assert not np.array_equal(told[inside], would[inside])


def test_wrong_units_are_off_by_their_factor(pair):
    for fault, told, would, inside in planted(pair, FaultKind.UNIT):
        np.testing.assert_allclose(told[inside], would[inside] * fault.size, rtol=1e-9)
        np.testing.assert_array_equal(told[~inside], would[~inside])


def test_silence_sends_nothing(pair):
    for _, told, _, inside in planted(pair, FaultKind.SILENCE):
        assert np.isnan(told[inside]).all()
        assert np.isfinite(told[~inside]).all()


def test_dirt_grows_and_is_washed_off(pair):
    for fault, told, would, inside in planted(pair, FaultKind.SOILING):
        bright = inside & (would < 0.3 * would.min())
        ratio = told[bright] / would[bright]
        assert ratio[0] > 0.97
        assert ratio[-1] == pytest.approx(1 - fault.size, abs=0.03)
        after = ~inside & (would < 0.3 * would.min())
        # The first interval behind it shares some seconds of a clock that is off.
        np.testing.assert_allclose(told[after], would[after], rtol=0.005)


def test_shadows_take_beam_at_the_same_places_of_the_sun(pair):
    for fault, told, would, inside in planted(pair, FaultKind.SHADING):
        lacking = np.where(would < -1, 1 - told / np.minimum(would, -1), 0.0)
        assert (lacking > -0.05).all()
        assert lacking.max() <= fault.size + 0.05
        hit = lacking > 0.1
        assert hit.any()
        assert inside[hit].all()


def test_drifts_grow_in_a_straight_line(pair):
    """Where collectors are sound: others change what returns to the network."""
    count = 0
    for fault, told, would, inside in planted(pair, FaultKind.DRIFT):
        if touched(pair, fault):
            continue
        count += 1
        off = (told - would)[inside]
        assert off[0] == pytest.approx(0, abs=0.05)
        assert off[-1] == pytest.approx(fault.size, rel=0.05)
        assert np.abs(np.diff(off, 2)).max() < 1e-6
    assert count


def test_spikes_stand_alone(pair):
    for fault, told, would, inside in planted(pair, FaultKind.SPIKE):
        hit = told != would
        assert hit.sum() >= 1
        assert inside[hit].all()
        np.testing.assert_allclose(told[hit], would[hit] * fault.size, rtol=1e-9)


def test_another_meter_begins_at_nothing(pair):
    for fault, told, would, _ in planted(pair, FaultKind.SWAP):
        first = int(np.argmax(series(pair[0])[fault.point].start >= fault.start))
        assert told[first] == 0
        assert told[first - 1] > 0
        if not touched(pair, fault):
            np.testing.assert_allclose(
                np.diff(told[first:]), np.diff(would[first:]), atol=1e-5
            )


def test_registers_pass_their_end_once(pair):
    for fault, told, would, _ in planted(pair, FaultKind.ROLLOVER):
        first = int(np.argmax(series(pair[0])[fault.point].start >= fault.start))
        (fall,) = np.flatnonzero(np.diff(told) < 0) + 1
        # Nothing may have passed between that and the time of the truth.
        assert fall <= first
        assert np.ptp(told[fall : first + 1]) == 0
        assert told[first] == 0
        assert told.max() < fault.size
        if not touched(pair, fault):
            np.testing.assert_allclose(
                np.mod(np.diff(told), fault.size), np.diff(would), atol=1e-5
            )


def test_one_fault_a_point_within_the_run(pair):
    run = pair[0]
    own = [f.point for f in run.plan.faults if f.kind not in ("gaps", "duplicates", "late")]
    assert len(set(own)) == len(own)
    for fault in run.plan.faults:
        assert run.start <= fault.start <= fault.end <= run.end


def test_short_runs_leave_long_faults_out():
    assert FaultKind.SOILING not in read_counts(
        "many", room=dict.fromkeys(FaultKind, 100), days=10
    )
    assert FaultKind.STUCK in read_counts(
        "many", room=dict.fromkeys(FaultKind, 100), days=10
    )


def test_many_are_so_many_in_a_hundred():
    counts = read_counts("many", room=dict.fromkeys(FaultKind, 1000), days=60)
    assert counts[FaultKind.STUCK] == 50
    assert (
        read_counts("some", room=dict.fromkeys(FaultKind, 9), days=60)[FaultKind.OUTAGE]
        == 1
    )
    assert read_counts("none", room=dict.fromkeys(FaultKind, 9), days=60) == {}


@pytest.mark.parametrize("text", ["few", "outage", "outage=-1", "stuck=٣", "fire=1", ""])
def test_what_is_no_choice_is_refused(text):
    with pytest.raises(TableError, match="faults must be many, some, none or like"):
        read_counts(text, room=dict.fromkeys(FaultKind, 9), days=9)


def test_what_finds_no_place_is_told(model):
    plan = plan_run(
        model,
        {},
        start=0,
        end=DAY * 10,
        step=3_600_000_000,
        counts={FaultKind.SWAP: 2, FaultKind.SOILING: 1},
        seed=1,
    )
    assert plan.faults == ()
    assert len(plan.notes) == 2


def test_equipment_is_added_once_and_facets_are_shared_by_kinds(model):
    fitted, told = fit_out(model, interval=900)
    assert "points added" in told[0]
    assert fit_out(fitted, interval=900) == (fitted, ())
    assert fitted.points[: len(model.points)] == model.points
    fields = [s for s in fitted.systems if s.kind is SystemKind.SOLAR_THERMAL]
    panels = {s.building: s.facets for s in fitted.systems if s.kind is SystemKind.PV}
    assert fields
    assert all(field.facets == panels[field.building] for field in fields)
    grid = [p for p in fitted.points if p.quantity is Quantity.GRID_POWER]
    assert len(grid) == len(model.buildings)


def test_shares_are_of_the_points_that_a_kind_can_fall_on(fitted):
    """Most points are of equipment: five in 100 of all would be most of the meters."""
    room = room_for(fitted)
    assert room[FaultKind.SHADING] < room[FaultKind.OUTAGE] < len(fitted.points)
    counts = read_counts("many", room=room, days=60)
    for kind, count in counts.items():
        if kind in MANY:
            assert count == max(1, round(MANY[kind] * room[kind] / 100))
    touched = sum(counts[kind] for kind in MANY if kind is not FaultKind.LATE)
    assert touched < 0.3 * len(fitted.points)
    # Panels that see no sun have nothing to lose.
    dark = room_for(fitted, {})
    assert dark[FaultKind.SHADING] == 0
    assert FaultKind.SHADING not in read_counts("many", room=dark, days=60)


def test_many_are_spread_and_all_kinds_find_a_place(built, fitted):
    run = make_run(built, fitted, day=FIRST, days=45, seed=2, faults="many")
    kinds = {fault.kind for fault in run.plan.faults}
    assert kinds >= set(MANY) - {FaultKind.SHADING}, run.plan.notes
    quantity = {point.id: point.quantity for point in fitted.points}
    hit = {quantity[f.point] for f in run.plan.faults if f.point in quantity}
    assert len(hit) > 10


def test_a_run_too_short_for_a_kind_says_how_long_it_must_be(built, model):
    run = make_run(built, model, day=FIRST, days=7, seed=2, faults="shading=1,stuck=1")
    assert "1 of 1 shading found no place: it needs a run of 20 days" in run.plan.notes
    assert "shading left out: it needs a run of 20 days" in too_long("many", 7)
    assert too_long("stuck=1", 7) == ()
