"""Several points of a quantity in one building are told as what they make together."""

import dataclasses
import json
from datetime import date

import numpy as np
import pytest

from twin.equipment import equipment, with_systems
from twin.expected import read_expected
from twin.ingest.gate import Gate, read_time, time_text
from twin.live import DAY, HOUR, open_live
from twin.live_look import look
from twin.live_record import building_details, building_record, status_record
from twin.model import Model, SystemKind
from twin.quantities import Quantity
from twin.store.log import Log
from twin.things import read_model, write_model

START = read_time("2026-06-21T00:00Z")
NOW = START + DAY
HEATS = ("b2/heat/power", "b2/heat-2/power")
PANELS = ("b2/pv/power", "b2/pv-2/power")
ROOMS = ("b2/indoor/temperature", "b2/indoor-2/temperature", "b2/indoor-3/temperature")
USED = ("b2/electricity/power", "b2/electricity-2/power")


def doubled(model: Model) -> Model:
    """Return the model with two of each meter in ``b2``, and three rooms."""
    systems, points = [], []
    for kind, quantity, number in (
        (SystemKind.HEAT, Quantity.HEAT_POWER, 2),
        (SystemKind.PV, Quantity.PV_POWER, 2),
        (SystemKind.ELECTRICITY, Quantity.ELECTRICITY_POWER, 2),
        (SystemKind.INDOOR, Quantity.INDOOR_TEMPERATURE, 2),
        (SystemKind.INDOOR, Quantity.INDOOR_TEMPERATURE, 3),
    ):
        facets = ["b2-east"] if kind is SystemKind.PV else []
        system, own = equipment(
            "b2", kind, number=number, quantities=[quantity], facets=facets
        )
        systems.append(system)
        points += own
    return with_systems(model, systems, points)


@pytest.fixture
def folder2(folder):
    write_model(folder / "model.json", doubled(read_model(folder / "model.json")))
    return folder


@pytest.fixture
def twin(folder2):
    return open_live(folder2)


def feed(twin, told: dict[str, dict[int, float | None]]) -> None:
    unit = {point.id: point.quantity.unit for point in twin.model.points}
    rows = [
        {
            "point": point,
            "time": time_text(START + hour * HOUR),
            "value": value,
            "unit": unit[point],
            "source": "meter",
        }
        for point, values in told.items()
        for hour, value in values.items()
    ]
    with Log(twin.log_path) as log:
        assert Gate(twin.model, log).admit(rows, at=NOW).refused == ()


def see(twin, hour: float):
    with Log(twin.log_path, read_only=True) as log:
        return look(twin, log, now=NOW, moment=START + int(hour * HOUR))


def day_of_all(seed: int = 5) -> dict[str, dict[int, float]]:
    """Return a day of every meter of ``b2``, none like another."""
    chance = np.random.default_rng(seed)
    scale = {"heat": 40.0, "pv": -50.0, "electricity": 20.0, "indoor": 22.0}
    return {
        point: {
            hour: round(float(scale[point[3:].split("/")[0].split("-")[0]] * share), 3)
            for hour, share in enumerate(chance.uniform(0.5, 1.0, 24))
        }
        for point in (*HEATS, *PANELS, *ROOMS, *USED)
    }


def test_powers_are_added_up_and_temperatures_are_the_mean(twin):
    told = day_of_all()
    feed(twin, told)
    state, place = see(twin, 13), twin.places["b2"]
    sums = {
        Quantity.HEAT_POWER: sum(told[p][12] for p in HEATS),
        Quantity.PV_POWER: sum(told[p][12] for p in PANELS),
        Quantity.ELECTRICITY_POWER: sum(told[p][12] for p in USED),
        Quantity.INDOOR_TEMPERATURE: sum(told[p][12] for p in ROOMS) / 3,
    }
    for quantity, value in sums.items():
        assert state.values[quantity][place] == pytest.approx(value)
        assert state.times[quantity][place] == START + 12 * HOUR
    assert state.total(Quantity.HEAT_POWER) == pytest.approx(sums[Quantity.HEAT_POWER])
    assert (state.points[place], state.points_fresh[place]) == (9, 9)
    day = state.day.measured[place]
    assert day[:13] == pytest.approx([sum(told[p][h] for p in PANELS) for h in range(13)])
    assert np.isnan(day[13:]).all()
    with Log(twin.log_path, read_only=True) as log:
        details = building_details(state, place, log.between(START, START + 13 * HOUR))
    for quantity, points in (("heat_power", HEATS), ("electricity_power", USED)):
        assert details["curves"][quantity][:13] == pytest.approx(
            [sum(told[p][h] for p in points) for h in range(13)], abs=1e-3
        )
    assert details["curves"]["indoor_temperature"][7] == pytest.approx(
        np.mean([told[p][7] for p in ROOMS]), abs=1e-3
    )
    parts = {part["point"]: part for part in details["parts"]}
    assert set(parts) == set(told), "every point stays visible by itself"
    assert all(part["value"] == told[name][12] for name, part in parts.items())
    json.dumps(status_record(state), allow_nan=False)


def test_a_sum_is_that_of_the_newest_hour_in_which_all_are_known(twin):
    """A plain loop over hours and points says which that is."""
    for seed in range(4):
        chance = np.random.default_rng(seed)
        told = {
            point: {h: v for h, v in values.items() if chance.random() < 0.6}
            for point, values in day_of_all(10 + seed).items()
        }
        folder = twin.folder / f"log{seed}"
        folder.mkdir()
        other = dataclasses.replace(twin, folder=folder)
        feed(other, told)
        place = twin.places["b2"]
        for hour in (3, 9, 15, 24):
            state = see(other, hour)
            for quantity, points in (
                (Quantity.HEAT_POWER, HEATS),
                (Quantity.PV_POWER, PANELS),
                (Quantity.ELECTRICITY_POWER, USED),
            ):
                whole = [h for h in range(hour) if all(h in told[p] for p in points)]
                if not whole:
                    assert np.isnan(state.values[quantity][place])
                    continue
                newest = max(whole)
                assert state.times[quantity][place] == START + newest * HOUR
                assert state.values[quantity][place] == pytest.approx(
                    sum(told[point][newest] for point in points)
                )


def test_a_sum_whose_part_is_silent_is_stale_and_says_whose(twin):
    told = day_of_all()
    told[HEATS[1]] = {h: v for h, v in told[HEATS[1]].items() if h < 8}
    feed(twin, told)
    place = twin.places["b2"]
    record = building_record(see(twin, 13), place)
    assert record["heat_power"] == pytest.approx(told[HEATS[0]][7] + told[HEATS[1]][7])
    assert record["silent"] == ["heat_power"]
    assert record["points_fresh"] == 8
    (stale,) = (f for f in record["findings"] if f["kind"] == "stale")
    assert stale["text"] == (
        "1 of 9 points silent since 08:00 UTC; heat_power of 2 points: "
        "b2/heat-2/power silent"
    )
    assert np.isnan(see(twin, 13).total(Quantity.HEAT_POWER)), "half a sum is none"
    parts = {part["point"]: part for part in record["parts"]}
    assert parts[HEATS[0]]["value"] == told[HEATS[0]][12]
    assert [parts[p]["fresh"] for p in HEATS] == [True, False]


def test_meters_that_take_turns_are_never_known_together(twin):
    told = day_of_all()
    for k, point in enumerate(HEATS):
        told[point] = {h: v for h, v in told[point].items() if h % 2 == k}
    feed(twin, told)
    record = building_record(see(twin, 13), twin.places["b2"])
    assert record["points_fresh"] == 9
    assert record["heat_power"] is None
    texts = [finding["text"] for finding in record["findings"]]
    assert "heat_power of 2 points: never all in one hour" in texts


def test_a_silent_room_leaves_the_mean_of_the_others(twin):
    told = day_of_all()
    told[ROOMS[1]] = {0: 15.0}
    feed(twin, told)
    state, place = see(twin, 13), twin.places["b2"]
    assert state.values[Quantity.INDOOR_TEMPERATURE][place] == pytest.approx(
        (told[ROOMS[0]][12] + told[ROOMS[2]][12]) / 2
    )
    assert state.points_fresh[place] == 8


def test_a_gap_of_one_of_two_panels_is_no_missing_yield(twin):
    told = day_of_all()
    told[PANELS[0]][10] = None
    feed(twin, told)
    day = see(twin, 13).day
    place = twin.places["b2"]
    assert np.isnan(day.measured[place, 10])
    assert not np.isnan(day.measured[place, [9, 11]]).any()
    assert not day.compared[place, 10]


def test_a_second_meter_counts_from_its_first_day_on(folder2):
    """Before it was there the first one was the whole."""
    model = read_model(folder2 / "model.json")
    first = date(2026, 6, 21)
    systems = tuple(
        dataclasses.replace(s, valid_from=first) if s.id == "b2/heat-2" else s
        for s in model.systems
    )
    write_model(folder2 / "model.json", dataclasses.replace(model, systems=systems))
    twin = open_live(folder2)
    place = twin.places["b2"]
    feed(twin, {HEATS[0]: {h: 10.0 + h for h in range(-5, 4)}, HEATS[1]: {1: 5.0, 2: 6.0}})
    for hour, value in ((0, 9.0), (1, 9.0), (2, 11.0 + 5.0), (3, 12.0 + 6.0)):
        assert see(twin, hour).values[Quantity.HEAT_POWER][place] == value, hour
    counts = [int(see(twin, hour).points[place]) for hour in (0, 1)]
    assert counts == [8, 9]


@pytest.mark.parametrize("vague", [False, True])
def test_what_panels_should_give_is_the_sum_of_those_measured(folder2, vague):
    """Known only where all of them lie on known surfaces."""
    model = read_model(folder2 / "model.json")
    if vague:
        systems = tuple(
            dataclasses.replace(s, facets=()) if s.id == "b2/pv-2" else s
            for s in model.systems
        )
        write_model(folder2 / "model.json", dataclasses.replace(model, systems=systems))
    twin = open_live(folder2)
    year = read_expected(folder2 / "hourly.parquet")
    place, row = twin.places["b2"], year.buildings.index("b2")
    own = {"b2/pv": 0.25 * year.kw[row], "b2/pv-2": 0.5 * year.kw[row]}
    lit = dataclasses.replace(
        twin, expected=dataclasses.replace(year, systems={} if vague else own)
    )
    noon = START + 11 * HOUR
    whole = year.at([noon])[row, 0]
    (awaited,) = lit.expected_at([noon])[place]
    if vague:
        assert np.isnan(awaited)
        return
    assert awaited == pytest.approx(0.75 * whole)
    assert lit.peak[place] == pytest.approx(0.75 * year.peak[row])
    points = tuple(p for p in model.points if p.id != PANELS[1])
    single = dataclasses.replace(lit, model=dataclasses.replace(model, points=points))
    assert single.expected_at([noon])[place, 0] == pytest.approx(0.25 * whole)
    gone = tuple(
        dataclasses.replace(s, valid_to=date(2026, 6, 21)) if s.id == "b2/pv" else s
        for s in model.systems
    )
    later = dataclasses.replace(lit, model=dataclasses.replace(model, systems=gone))
    before, after = later.expected_at([noon - DAY, noon])[place]
    assert before == pytest.approx(0.75 * year.at([noon - DAY])[row, 0])
    assert after == pytest.approx(0.5 * whole)
