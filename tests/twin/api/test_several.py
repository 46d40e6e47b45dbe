"""Two meters of a quantity in one building go all the way: sent, told, expected, judged."""

import dataclasses
import json

import numpy as np
import pytest

from twin.api.points import LatestTexts, encoded, point_rows
from twin.as_of import Roll
from twin.equipment import equipment, with_systems
from twin.expectation.plants import plants_of
from twin.expected_systems import write_systems
from twin.ingest.gate import time_text
from twin.live import open_live
from twin.quantities import Quantity
from twin.reopen import open_twin
from twin.store.embedded import EmbeddedStore
from twin.store.records import Kept, Observation, Quality
from twin.system_kinds import SystemKind
from twin.things import FILE, read_model, write_model

from .conftest import HOUR, START

HEATS = ("b2/heat/power", "b2/heat-3/power")
PANELS = ("b2/pv/power", "b2/pv-2/power")
NOON = "2026-06-21T12:00:00Z"


@pytest.fixture
def several(whole):
    """Return a folder whose ``b2`` has two heat meters, two fields and collectors."""
    model = read_model(whole / FILE)
    (panels,) = (s for s in model.systems if s.id == "b2/pv")
    heat, meters = equipment(
        "b2", SystemKind.HEAT, number=3, quantities=[Quantity.HEAT_POWER]
    )
    field, power = equipment(
        "b2",
        SystemKind.PV,
        number=2,
        quantities=[Quantity.PV_POWER],
        facets=panels.facets[1:],
        rated_kw=7.5,
        limit_kw=6.0,
    )
    collectors, gains = equipment(
        "b2",
        SystemKind.SOLAR_THERMAL,
        quantities=[Quantity.SOLAR_HEAT_POWER],
        facets=panels.facets[:1],
        area_m2=10.0,
    )
    kept = tuple(
        dataclasses.replace(s, facets=s.facets[:1]) if s.id == "b2/pv" else s
        for s in model.systems
    )
    more = with_systems(
        dataclasses.replace(model, systems=kept),
        [heat, field, collectors],
        [*meters, *power, *gains],
    )
    write_model(whole / FILE, more)
    write_systems(whole, open_twin(whole), more)
    return whole


def test_two_meters_from_the_message_to_the_status(several, served, heidi):
    twin = open_live(several)
    assert len(twin.members[twin.places["b2"], Quantity.PV_POWER]) == 2
    client = served(several, writable=True)
    told = {
        HEATS[0]: {h: 40.0 + h for h in range(12)},
        HEATS[1]: {h: 7.5 - 0.5 * h for h in range(12)},
        PANELS[0]: {h: -0.25 * h for h in range(12)},
        PANELS[1]: {h: -0.5 * h for h in range(12)},
    }
    rows = [
        {"point": p, "time": time_text(START + h * HOUR), "value": v, "unit": "kW"}
        for p, values in told.items()
        for h, v in values.items()
    ]
    answer = client.post("/api/ingest", json=rows)
    assert answer.status_code == 200, answer.text
    state = client.get("/api/status", params={"at": NOON}).json()
    (b2,) = (one for one in state["buildings"] if one["id"] == "b2")
    assert b2["heat_power"] == 51.0 + 2.0 == state["now"]["heat_power"]
    assert b2["pv_power"] == -0.75 * 11 == state["now"]["pv_power"]
    assert {part["point"]: part["value"] for part in b2["parts"]} == {
        point: values[11] for point, values in told.items()
    }
    day = client.get("/api/buildings/b2", params={"at": NOON}).json()
    assert day["curves"]["heat_power"][:12] == [47.5 + 0.5 * h for h in range(12)]
    said = json.loads(heidi("status", several, "--at", NOON, "--json"))
    assert [one for one in said["buildings"] if one["id"] == "b2"] == [b2]
    over = {"start": time_text(START), "end": NOON}
    expected = client.get("/api/expected", params={"building": "b2", **over}).json()
    own = {system["system"]: system for system in expected["systems"]}
    assert {name: one["kind"] for name, one in own.items()} == {
        "b2/pv": "pv",
        "b2/pv-2": "pv",
        "b2/solar-thermal": "solar-thermal",
    }
    whole = sum(own[name]["expected_kw"][11] for name in ("b2/pv", "b2/pv-2"))
    assert b2["pv_power_expected"] == pytest.approx(whole, abs=2e-3)
    assert b2["pv_day"]["expected_kwh"] == pytest.approx(
        sum(own[name]["expected_kwh"] for name in ("b2/pv", "b2/pv-2")), abs=0.01
    )
    heat = own["b2/solar-thermal"]
    assert heat["expected_kwh"] == 0.0, "nothing was measured there"
    assert heat["expected_total_kwh"] == pytest.approx(-sum(heat["expected_kw"]), abs=0.01)
    looked = client.get("/api/state", params={"at": NOON}).json()
    assert looked["solar_heat_power_expected"] == pytest.approx(
        heat["expected_kw"][11], abs=2e-3
    )
    (thing,) = client.get("/api/things", params={"q": "b2/pv-2", "type": "system"}).json()[
        "things"
    ]
    assert (thing["rated_kw"], thing["area_m2"], thing["limit_kw"]) == (7.5, None, 6.0)


def test_rated_is_what_the_lit_twin_has_and_not_the_largest_hour(several, served):
    model = read_model(several / FILE)
    plants = plants_of(open_twin(several), model)
    told = served(several).get(
        "/api/expected", params={"start": time_text(START), "end": NOON}
    )
    systems = {one["system"]: one for one in told.json()["systems"]}
    assert {plant.id for plant in plants} == set(systems)
    for plant in plants:
        assert systems[plant.id]["rated_kw"] == pytest.approx(plant.rated, abs=1e-3)
    assert systems["b2/solar-thermal"]["area_m2"] == 10.0
    assert systems["b2/pv-2"]["rated_kw"] == 7.5


def test_hints_look_at_each_of_two_meters_and_at_their_flags(several, served):
    hour = np.arange(21 * 24)
    chance = np.random.default_rng(3)
    kw = (
        60
        + 25 * np.cos(2 * np.pi * (hour % 24 - 6) / 24)
        + chance.normal(0, 1.5, len(hour))
    )
    stuck = kw.copy()
    stuck[19 * 24 + 3 : 20 * 24 + 9] = kw[19 * 24 + 3]
    flags = np.zeros(len(hour), int)
    flags[17 * 24 : 17 * 24 + 9] = int(Quality.UNIT)
    with EmbeddedStore(several / "live.sqlite") as store:
        for point, values, quality in (
            (HEATS[0], kw + 10, flags),
            (HEATS[1], stuck, 0 * flags),
        ):
            store.append(
                [
                    Observation(point, START + int(k) * HOUR, float(v), "meter", int(q))
                    for k, v, q in zip(hour, values, quality, strict=True)
                ]
            )
    hints = served(several).get("/api/hints", params={"building": "b2"}).json()["hints"]
    found = {(hint["point"], hint["kind"]) for hint in hints}
    assert found == {(HEATS[0], "unit"), (HEATS[1], "stuck")}
    (flagged,) = (hint for hint in hints if hint["kind"] == "unit")
    assert "flagged" in flagged["evidence"]


def test_texts_kept_for_the_same_values_are_those_written_anew(several):
    """Whatever is new: nothing, a value, the moment, an hour that is late, a point."""
    roll = Roll(read_model(several / FILE))
    kept = LatestTexts(roll)
    names = list(roll.begins)
    rows = [
        Kept(name, START + (k % 3) * HOUR, float(k), "meter")
        for k, name in enumerate(names)
        if k % 4
    ]
    newer = [*rows[:5], newer_row(rows[5]), *rows[6:]]
    for given in (rows, rows, newer, newer[:-2], [], rows):
        for at in (START + 2 * HOUR, START + 9 * HOUR + 1):
            told = kept.rows(given, at=at)
            assert told == encoded(point_rows(roll.states(given, at=at)))
            few = frozenset(names[::5])
            part = encoded(point_rows(roll.states(given, at=at, points=few)))
            assert kept.rows(given, at=at, points=few) == part


def newer_row(row: Kept) -> Kept:
    """Return a row of the same point that is newer."""
    return Kept(row.point, row.time + HOUR, None, "other", quality=4)
