"""The district is told as it was, as it was known, and the newest of it at once."""

import json

import pytest

from twin.as_of import flags, look_back
from twin.district_twin import Twin
from twin.editions import ALWAYS, keep_edition
from twin.equipment import equipment, with_systems
from twin.ingest.gate import read_time
from twin.live import open_live
from twin.quantities import Quantity
from twin.store.embedded import EmbeddedStore
from twin.store.records import Quality
from twin.system_kinds import SystemKind
from twin.things import FILE, read_model, write_model

START = read_time("2026-06-21T00:00Z")
HOUR = 3_600_000_000
HEAT, ENERGY = "b2/heat/power", "b2/heat-2/heat_energy"
LATER = START + 40 * HOUR


def back(folder, at=None, known_at=None):
    """Look back in a folder."""
    with EmbeddedStore(folder / "live.sqlite", read_only=True) as store:
        return look_back(open_live(folder), store, now=LATER, at=at, known_at=known_at)


def value(state, point):
    """Return the value of a point."""
    return next(one for one in state.points if one.point == point)


def test_what_lay_ahead_is_not_told(whole, keep):
    """An interval counts once it is over, a register's reading at once."""
    keep(whole, HEAT, {8: 10.0, 9: 11.0})
    keep(whole, ENERGY, {8: 100.0, 9: 111.0})
    for hour, power, energy in ((9, 10.0, 111.0), (9.99, 10.0, 111.0), (10, 11.0, 111.0)):
        state = back(whole, at=START + int(hour * HOUR))
        assert value(state, HEAT).value == power
        assert value(state, ENERGY).value == energy
    assert value(back(whole, at=START + 8 * HOUR), HEAT).value is None


def test_a_correction_counts_from_when_it_was_known(whole, keep):
    keep(whole, HEAT, {8: 10.0}, known=START + 10 * HOUR)
    keep(whole, HEAT, {8: 12.0}, known=START + 20 * HOUR, version=1)
    at = START + 12 * HOUR
    assert value(back(whole, at, START + 9 * HOUR), HEAT).value is None
    assert value(back(whole, at, START + 19 * HOUR), HEAT).value == 10.0
    assert value(back(whole, at, START + 20 * HOUR), HEAT).value == 12.0
    assert value(back(whole, at), HEAT).value == 12.0


def test_late_values_do_not_change_what_was_known(whole, keep):
    """What is told of a time as known at a time stays so, whatever comes in after."""
    at, known = START + 12 * HOUR, START + 12 * HOUR
    keep(whole, HEAT, {8: 10.0}, known=START + 11 * HOUR)
    before = back(whole, at, known)
    keep(whole, HEAT, {7: 1.0, 9: 2.0, 10: 3.0}, known=START + 14 * HOUR)
    keep(whole, ENERGY, {9: 5.0}, known=START + 15 * HOUR)
    after = back(whole, at, known)
    assert after.points == before.points
    assert after.gaps == before.gaps


def test_age_and_freshness_go_by_the_interval(whole, keep):
    keep(whole, HEAT, {8: 10.0})
    for hour, age, fresh in ((9, 0, True), (12, 3, True), (12.01, 3.01, False)):
        found = value(back(whole, at=START + int(hour * HOUR)), HEAT)
        assert found.age == pytest.approx(age * HOUR)
        assert found.fresh is fresh


def test_gaps_are_told_apart(whole, keep):
    keep(whole, HEAT, {8: 10.0, 9: None})
    state = back(whole, at=START + 10 * HOUR)
    gaps = {gap.point: gap for gap in state.gaps}
    assert gaps[HEAT].reported
    assert not gaps["b2/indoor/temperature"].reported
    assert len(gaps) == len(state.points), "nobody else said anything"
    assert value(state, HEAT).value == 10.0, "a gap does not hide the value before"
    assert HEAT not in {gap.point for gap in back(whole, at=START + 9 * HOUR).gaps}


def test_panels_are_expected_what_the_typical_hour_gives(whole, keep):
    keep(whole, HEAT, {11: 10.0})
    state = back(whole, at=START + 12 * HOUR)
    twin = open_live(whole)
    awaited = twin.expected_at([START + 11 * HOUR])[:, 0]
    assert state.hour == START + 11 * HOUR
    assert sum(state.expected.values()) == pytest.approx(-awaited[awaited > 0].sum())
    assert sum(state.expected.values()) < -1.0


def test_editions_are_kept_when_things_change_and_only_then(whole):
    model = read_model(whole / FILE)
    with EmbeddedStore(whole / "live.sqlite") as store:
        assert keep_edition(whole, store, at=START)
        assert not keep_edition(whole, store)
        battery, points = equipment("b1", SystemKind.BATTERY)
        write_model(whole / FILE, with_systems(model, [battery], points))
        assert keep_edition(whole, store, at=START + 5 * HOUR)
        assert not keep_edition(whole, store)
        text = (whole / "heidi.toml").read_text(encoding="utf-8")
        told = text.replace('inputs = "', 'inputs = "f00', 1)
        (whole / "heidi.toml").write_text(told, encoding="utf-8")
        assert keep_edition(whole, store, at=START + 6 * HOUR)
        kept = store.editions()
    assert [one.valid_from for one in kept] == [
        ALWAYS,
        START + 5 * HOUR,
        START + 6 * HOUR,
    ], "the first says how things always were, as far as anybody knows"


def test_things_are_those_of_the_time(whole):
    """Before the battery was there it has no points; then another geometry stood there."""
    model = read_model(whole / FILE)
    with EmbeddedStore(whole / "live.sqlite") as store:
        keep_edition(whole, store)
        battery, points = equipment(
            "b1", SystemKind.BATTERY, quantities=[Quantity.BATTERY_POWER]
        )
        write_model(whole / FILE, with_systems(model, [battery], points))
        text = (whole / "heidi.toml").read_text(encoding="utf-8")
        (whole / "heidi.toml").write_text(
            text.replace('inputs = "', 'inputs = "f00', 1), encoding="utf-8"
        )
        keep_edition(whole, store, at=START + 5 * HOUR)
    before, after = back(whole, at=START), back(whole, at=START + 6 * HOUR)
    new = {one.point for one in after.points} - {one.point for one in before.points}
    assert new == {points[0].id}
    assert after.geometry == f"f00{before.geometry}"
    assert before.expected == {}, "the folder's light is of the later geometry"
    assert after.expected
    assert (before.edition.number, after.edition.number) == (1, 2)


def test_the_face_of_the_twin_gives_a_table(whole, keep):
    keep(whole, HEAT, {8: 10.0})
    twin = Twin.open(whole)
    table = twin.state(at="2026-06-21T09:00Z").table
    assert table.loc[HEAT, "value"] == 10.0
    assert str(table.loc[HEAT, "time"]) == "2026-06-21 08:00:00+00:00"
    assert table.loc[ENERGY].isna()["value"]
    known = twin.state(at="2026-06-21T09:00Z", known_at="2026-06-21T09:00Z")
    assert known.table["value"].isna().all()


def test_the_interface_tells_the_same(whole, keep, served):
    keep(whole, HEAT, {8: 10.0, 9: None}, quality=int(Quality.ESTIMATED))
    params = {"at": "2026-06-21T10:00Z", "known_at": "2026-06-23T00:00Z"}
    told = served(whole).get("/api/state", params=params).json()
    state = back(whole, START + 10 * HOUR, START + 48 * HOUR)
    assert told["points"] == {"all": len(state.points), "heard": 1, "fresh": 1}
    assert told["gaps"] == {"reported": 1, "unheard": len(state.points) - 1}
    (row,) = [one for one in told["values"] if one["point"] == HEAT]
    assert (row["value"], row["quality"], row["age_s"]) == (10.0, ["estimated"], 3600.0)
    assert told["expected"] == pytest.approx(dict(state.expected), abs=1e-3)
    assert told["edition"] is None, "nobody kept one"


def test_the_newest_of_all_points_comes_at_once(whole, keep, served):
    client = served(whole)
    assert {one["value"] for one in client.get("/api/latest").json()["points"]} == {None}
    keep(whole, HEAT, {8: 10.0})
    told = client.get("/api/latest").json()
    model = read_model(whole / FILE)
    assert [one["point"] for one in told["points"]] == [one.id for one in model.points]
    (row,) = [one for one in told["points"] if one["value"] is not None]
    assert (row["point"], row["time"]) == (HEAT, "2026-06-21T08:00:00Z")
    keep(whole, HEAT, {8: 11.0}, version=1)
    few = client.get("/api/latest", params={"building": "b2", "quantity": "heat_power"})
    assert [(one["value"], one["version"]) for one in few.json()["points"]] == [(11.0, 1)]


def test_a_store_that_is_replaced_is_seen(whole, keep, served):
    """Stores stay open between questions; another file in the same place is another log."""
    client = served(whole)
    keep(whole, HEAT, {8: 10.0})
    assert client.get("/api/latest").json()["sequence"] == 1
    for path in whole.glob("live.sqlite*"):
        path.unlink()
    assert client.get("/api/latest").json()["sequence"] == 0
    keep(whole, HEAT, {8: 10.0, 9: 11.0})
    assert client.get("/api/latest").json()["sequence"] == 2


def test_status_as_known_leaves_out_what_came_later(whole, keep, served):
    keep(whole, HEAT, {8: 10.0}, known=START + 10 * HOUR)
    keep(whole, HEAT, {8: 12.0}, known=START + 20 * HOUR, version=1)
    client = served(whole)

    def heat(**params: str) -> float | None:
        told = client.get("/api/status", params=params).json()
        (building,) = [one for one in told["buildings"] if one["id"] == "b2"]
        return building["heat_power"]

    assert heat(at="2026-06-21T10:00Z") == 12.0
    assert heat(known_at="2026-06-21T10:00Z") == 10.0
    assert heat(at="2026-06-21T10:00Z", known_at="2026-06-21T09:00Z") is None


@pytest.mark.parametrize("address", ["/api/state", "/api/status"])
@pytest.mark.parametrize("told", ["noon", "2026-06-21T12:00", "1990-01-01T00:00Z"])
def test_moments_that_are_none(whole, served, address, told):
    client = served(whole)
    for name in ("at", "known_at"):
        answer = client.get(address, params={name: told})
        assert answer.status_code == 422
        assert "a time must" in answer.json()["detail"]


def test_flags_are_told_by_name():
    every = [flag.name.lower() for flag in Quality]
    assert flags(sum(Quality)) == every
    assert json.dumps(flags(0)) == "[]"
