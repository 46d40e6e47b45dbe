"""A run follows physics: what meters count is what flows, and sums close."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from gis.errors import TableError
from twin.equipment import equipment, with_systems
from twin.expectation.plants import place_of, plants_of
from twin.expectation.power import expect
from twin.kinds import Kind
from twin.model import SystemKind
from twin.quantities import FLOW_OF, Quantity
from twin.simulation import (
    battery,
    climate,
    collectors,
    demand,
    district,
    rooms,
    run,
    ventilation,
    waste,
    water,
)
from twin.simulation.collectors import size_collectors
from twin.simulation.run import make_run
from twin.simulation.water import WATER

Q, K = Quantity, SystemKind


def of(run, system, quantity):
    """Return the course of a point."""
    return next(
        run.courses.values[p.id]
        for p in run.model.points
        if p.system == system and p.quantity is quantity
    )


def systems(run, kind):
    found = [s for s in run.model.systems if s.kind is kind]
    assert found, kind
    return found


def test_every_point_of_the_full_equipment_is_simulated(clean):
    assert clean.courses.left_out == {}
    assert {p.id for p in clean.model.points} == {t.point.id for t in clean.tracks}
    assert {s.kind for s in clean.model.systems} == set(K)


def test_every_register_is_the_integral_of_its_flow(clean):
    hours, count = clean.climate.hours, 0
    by_system = {}
    for point in clean.model.points:
        by_system.setdefault(point.system, {})[point.quantity] = point
    for points in by_system.values():
        for register, flow in FLOW_OF.items():
            if register not in points or flow not in points:
                continue
            told = clean.courses.values[points[register].id]
            power = clean.courses.values[points[flow].id]
            passed = np.maximum(power * register.sign, 0) * hours
            exact = told[0] + np.r_[0.0, np.cumsum(passed)[:-1]]
            digit = {"kWh": 0.1, "m3": 0.01}[register.unit]
            assert np.abs(told - exact).max() <= digit + 1e-3
            count += 1
    assert count > 100


def test_what_meters_tell_of_a_register_is_what_their_power_says(clean):
    """Also behind noise and digits: over four days the energies agree within 1 %."""
    told = {t.point.id: t.value for t in clean.tracks}
    for system in systems(clean, K.HEAT):
        power = told[f"{system.id}/power"]
        energy = told[f"{system.id}/heat_energy"]
        # Hours of power beside quarters of the register.
        counted = energy[-4] - energy[0]
        assert counted == pytest.approx(np.nansum(power[:-1]), rel=0.02, abs=1.0)


def test_flow_and_temperatures_carry_the_heat(clean):
    for system in systems(clean, K.HEAT):
        warm, cold = (
            of(clean, system.id, Q.SUPPLY_TEMPERATURE),
            of(clean, system.id, Q.RETURN_TEMPERATURE),
        )
        carried = WATER * of(clean, system.id, Q.FLOW) * (warm - cold)
        np.testing.assert_allclose(carried, of(clean, system.id, Q.HEAT_POWER), rtol=1e-9)


def test_the_connection_to_the_grid_balances(clean):
    stores = {s.building: s.id for s in systems(clean, K.BATTERY)}
    panels = {s.building: s.id for s in systems(clean, K.PV)}
    for system in systems(clean, K.ELECTRICITY):
        own = system.building
        flows = of(clean, system.id, Q.ELECTRICITY_POWER).copy()
        if own in panels:
            flows += of(clean, panels[own], Q.PV_POWER)
        if own in stores:
            flows += of(clean, stores[own], Q.BATTERY_POWER)
        np.testing.assert_allclose(flows, of(clean, system.id, Q.GRID_POWER), atol=1e-9)


def test_heat_comes_from_the_network_or_is_made(clean):
    """A heat pump's heat is its electricity plus what it takes from the ground."""
    for system in systems(clean, K.HEAT_PUMP):
        heat = -of(clean, system.id, Q.HEAT_PUMP_HEAT_POWER)
        power = of(clean, system.id, Q.HEAT_PUMP_ELECTRIC_POWER)
        runs = heat > 0
        assert runs.any()
        assert (heat[runs] / power[runs] > 2).all()
        assert (heat[runs] / power[runs] < 7).all()
        assert (power[~runs] == 0).all()
        fall = of(clean, system.id, Q.SUPPLY_TEMPERATURE) - of(
            clean, system.id, Q.RETURN_TEMPERATURE
        )
        assert (fall > 0).all()


def test_waste_water_gives_less_than_the_drains_carry(clean):
    for system in systems(clean, K.WASTE_WATER):
        heat = -of(clean, system.id, Q.WASTE_WATER_HEAT_POWER)
        warm = of(clean, system.id, Q.WASTE_WATER_INLET_TEMPERATURE)
        cold = of(clean, system.id, Q.WASTE_WATER_OUTLET_TEMPERATURE)
        assert (heat >= 0).all()
        assert (warm >= cold).all()
        assert heat.sum() > 0


@pytest.mark.parametrize(
    ("kind", "quantity"), [(K.PV, Q.PV_POWER), (K.SOLAR_THERMAL, Q.SOLAR_HEAT_POWER)]
)
def test_plants_give_what_is_expected_of_them_within_their_tolerance(
    built, clean, kind, quantity
):
    """The same light as `heidi expect`; meters of real plants differ by a few per cent."""
    # Fields that tell nothing of their size are built as large as hot water wants.
    told = size_collectors(built, clean.model)
    own = {system.id for system in told.systems if system.kind is kind}
    expected = expect(
        built.light,
        [plant for plant in plants_of(built, told) if plant.id in own],
        clean.climate.conditions,
        place_of(built),
        geometry="",
        version="",
    )
    ratios = []
    for row, system in enumerate(expected.systems):
        made = -of(clean, system, quantity).sum()
        ratios.append(made / expected.power[row].sum())
    assert min(ratios) > 0.90
    assert max(ratios) < 1.02
    if len(ratios) > 3:
        assert np.std(ratios) > 0.005


def test_fields_are_built_for_the_water_of_their_building(built, model):
    """Half of a day's hot water on a bright day, and no more than the roofs carry."""
    panels = next(s for s in model.systems if s.kind is K.PV)
    field, points = equipment(panels.building, K.SOLAR_THERMAL, facets=panels.facets)
    other, more = equipment(
        panels.building, K.SOLAR_THERMAL, number=2, area_m2=5.0, rated_kw=3.0
    )
    things = with_systems(model, [field, other], [*points, *more])
    sized = {s.id: s for s in size_collectors(built, things).systems}
    (house,) = [b for b in model.buildings if b.id == panels.building]
    told = {"use": [house.use], "year": [house.year or np.nan]}
    (kind,) = demand.kinds_of(pd.DataFrame(told))
    daily = kind.hot_water.value * house.floor_area / 365
    roofs = sum(built.facets.area[built.facets.ids.index(name)] for name in panels.facets)
    wanted = min(0.5 * daily / 2.5, 0.15 * roofs)
    assert sized[field.id].area_m2 == pytest.approx(wanted, rel=0.35)
    assert sized[field.id].area_m2 <= 0.15 * roofs + 0.05
    assert sized[other.id] == other
    again = replace(things, systems=tuple(sized.values()))
    assert size_collectors(built, again) is again


def test_each_of_several_fields_has_its_own_heat(built, model):
    """Two fields of a building and one of the district, as large as they tell."""
    panels = [s for s in model.systems if s.kind is K.PV][:3]
    made = [
        equipment(
            panels[0].building, K.SOLAR_THERMAL, facets=panels[0].facets, area_m2=4.0
        ),
        equipment(
            panels[0].building,
            K.SOLAR_THERMAL,
            number=2,
            facets=panels[1].facets,
            area_m2=2.0,
        ),
        equipment("", K.SOLAR_THERMAL, facets=panels[2].facets, area_m2=9.0),
    ]
    things = with_systems(
        model, [system for system, _ in made], [p for _, points in made for p in points]
    )
    one = make_run(built, things, day=date(2026, 6, 1), days=2, faults="none")
    heat = [-of(one, system.id, Q.SOLAR_HEAT_POWER).sum() for system, _ in made]
    assert all(value > 0 for value in heat)
    assert len({round(value, 3) for value in heat}) == 3
    assert one.courses.left_out == {}


def test_rooms_stay_within_what_people_bear(clean):
    for system in systems(clean, K.INDOOR):
        air = of(clean, system.id, Q.INDOOR_TEMPERATURE)
        assert air.min() > 19
        assert air.max() < 29
        co2 = of(clean, system.id, Q.CO2)
        assert co2.min() > 400
        assert co2.max() < 2500


def test_a_year_takes_the_heat_that_its_assumptions_say(built, model):
    """Per m2: rooms and hot water of each kind, within a third; gains vary with sun."""
    one = make_run(built, model, day=date(2025, 1, 1), days=365, seed=1, faults="none")
    for building in model.buildings:
        made = np.nansum(
            next(t.value for t in one.tracks if t.point.id == f"{building.id}/heat/power")
        )
        told = {"use": [building.use], "year": [building.year or np.nan]}
        (kind,) = demand.kinds_of(pd.DataFrame(told))
        figure = kind.space_heat.value + kind.hot_water.value + district.CIRCULATION.value
        assert made / building.floor_area == pytest.approx(figure, rel=0.33)


def test_waste_stations_fill_and_are_emptied(clean):
    for system in systems(clean, K.WASTE):
        level = of(clean, system.id, Q.WASTE_FILL_LEVEL)
        mass = of(clean, system.id, Q.WASTE_MASS)
        falls = np.diff(level) < 0
        assert (level >= 0).all()
        assert (np.diff(mass) >= 0).all()
        # Between two lorries the level rises by what came in.
        start = 1 + (np.flatnonzero(falls)[-1] if falls.any() else -1)
        risen = (level[-1] - level[start]) / 100 * waste.CONTAINER.value
        assert risen == pytest.approx(mass[-1] - mass[start], abs=2.0)


def test_meters_have_noise_and_nothing_stays_nothing(clean):
    own = {t.point.id: t for t in clean.tracks}
    for system in systems(clean, K.PV):
        track = own[f"{system.id}/power"]
        exact = clean.courses.values[track.point.id].reshape(-1, 4).mean(axis=1)
        dark = exact == 0
        assert dark.any()
        # A clock that is off by seconds lets a little of the morning into the night.
        assert np.abs(track.value[dark]).max() < 0.01 * np.abs(exact).max()
        assert (track.value[~dark] != exact[~dark]).mean() > 0.9
        assert np.abs(track.value - exact).max() < 0.06 * np.abs(exact).max()


def test_all_readings_are_possible(clean):
    for track in clean.tracks:
        quantity = track.point.quantity
        assert (track.value >= quantity.low).all(), track.point.id
        assert (track.value <= quantity.high).all(), track.point.id
        if quantity.kind is Kind.FLOW and quantity.sign:
            assert (track.value * quantity.sign >= 0).all()


def test_the_same_seed_makes_the_same_run(built, fitted, clean):
    again = make_run(built, fitted, day=date(2026, 4, 12), days=4, seed=5, faults="none")
    other = make_run(built, fitted, day=date(2026, 4, 12), days=4, seed=6, faults="none")
    same = [
        (a.value == b.value).all() for a, b in zip(clean.tracks, again.tracks, strict=True)
    ]
    assert all(same)
    assert again.record() == clean.record()
    moved = [
        (a.value != b.value).any() for a, b in zip(clean.tracks, other.tracks, strict=True)
    ]
    assert np.mean(moved) > 0.8


def test_points_keep_their_own_intervals(built, model, clean):
    """Hours from quarters are their means: power of the same panels."""
    own = {t.point.id: t for t in clean.tracks}
    system = systems(clean, K.PV)[0]
    assert len(own[f"{system.id}/power"].value) == 4 * 24
    assert len(own[f"{system.id}/pv_energy"].value) == 4 * 96


@pytest.mark.parametrize(
    ("days", "message"), [(0, "1 to 366 days"), (400, "1 to 366 days")]
)
def test_endless_runs_are_refused(built, model, days, message):
    with pytest.raises(TableError, match=message):
        make_run(built, model, day=date(2026, 4, 12), days=days)


def test_intervals_of_seconds_are_refused(built, model):
    fast = replace(model.points[0], interval=7)
    with pytest.raises(TableError, match="intervals of points must be"):
        make_run(
            built, replace(model, points=(fast, *model.points[1:])), day=date(2026, 4, 12)
        )


def test_other_weather_must_hold_all_days(built, model, tmp_path):
    path = tmp_path / "june.csv"
    lines = ["time,ghi,temp_air"]
    lines += [f"2016-06-01T{h:02d}:00Z,{50 * min(h, 23 - h)},15" for h in range(24)]
    path.write_text("\n".join(lines) + "\n")
    told = make_run(built, model, day=date(2016, 6, 1), weather=path, faults="none", seed=2)
    assert "june.csv" in told.record()["weather"]
    with pytest.raises(TableError, match=r"must hold every step .* 1.00 of 2 days"):
        make_run(built, model, day=date(2016, 6, 1), days=2, weather=path)


def test_every_number_has_a_source():
    modules = (
        *(battery, climate, collectors, demand, district, rooms, run),
        *(ventilation, waste, water),
    )
    figures = [figure for module in modules for figure in module.ASSUMPTIONS]
    assert len({figure.name for figure in figures}) == len(figures)
    assert all(figure.source and figure.unit for figure in figures)
