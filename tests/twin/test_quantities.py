"""Every quantity says what it means, and nothing else is called the same."""

import math
import pickle
import re
from collections import Counter

import pytest

from twin.model import LAYOUT, point_id
from twin.quantities import BUILDING_QUANTITIES, FLOW_OF, Kind, Quantity
from twin.system_kinds import SystemKind
from twin.units import conversion, converter, qudt_name

SHOWN = {"Sensor", "Setpoint", "Status", "Alarm"}
"""How classes of points end in Brick."""


def test_names_are_those_that_tables_rely_on():
    assert {quantity.value: quantity.unit for quantity in BUILDING_QUANTITIES} == {
        "pv_power": "kW",
        "heat_power": "kW",
        "electricity_power": "kW",
        "indoor_temperature": "degC",
    }


def test_generation_is_negative_and_consumption_positive():
    assert {quantity.value: quantity.sign for quantity in BUILDING_QUANTITIES} == {
        "pv_power": -1,
        "heat_power": 1,
        "electricity_power": 1,
        "indoor_temperature": 0,
    }


@pytest.mark.parametrize("quantity", Quantity)
def test_a_quantity_is_a_text_that_knows_its_meaning(quantity):
    assert quantity == quantity.value == str(quantity)
    assert Quantity(quantity.value) is quantity
    assert pickle.loads(pickle.dumps(quantity)) is quantity
    assert re.fullmatch(r"[a-z0-9_]+", quantity)
    assert quantity.meaning.endswith(".")
    assert quantity.is_power == (quantity.quantity_kind == "Power")
    assert quantity.brick.rpartition("_")[2] in SHOWN
    assert quantity.basis
    assert qudt_name(quantity.unit)
    assert converter(quantity.unit, quantity).factor == 1.0


@pytest.mark.parametrize("quantity", Quantity)
def test_a_range_agrees_with_sign_and_kind(quantity):
    assert math.isfinite(quantity.low)
    assert quantity.low < quantity.high
    if quantity.kind is Kind.REGISTER:
        assert quantity.low == 0.0, "registers count up, whichever way they count"
        assert quantity.sign != 0, "a register counts one direction"
        assert quantity.still is None, "nothing may pass for ever"
    elif quantity.sign > 0:
        assert quantity.low >= 0.0
    elif quantity.sign < 0:
        # Devices that generate take a little while they rest.
        assert quantity.high <= 0.001 * -quantity.low
    if quantity.leap is not None:
        assert 0 < quantity.leap <= quantity.high - quantity.low
    if quantity.still is not None:
        assert quantity.still >= 3600
    if quantity.brick.endswith("Setpoint"):
        assert quantity.still is None, "a setpoint is left as it is"


@pytest.mark.parametrize(("register", "flow"), FLOW_OF.items())
def test_a_register_adds_up_a_flow(register, flow):
    """Its unit is that of the flow for an hour, and it runs no faster than that can."""
    assert (register.kind, flow.kind) == (Kind.REGISTER, Kind.FLOW)
    assert conversion(f"{register.unit}/h", to=flow.unit).factor == 1.0
    assert register.leap == max(flow.high, -flow.low)
    assert flow.sign in (register.sign, 0)


def test_every_counter_but_that_of_waste_has_its_flow():
    registers = {quantity for quantity in Quantity if quantity.kind is Kind.REGISTER}
    assert registers - set(FLOW_OF) == {Quantity.WASTE_MASS}


def test_every_building_quantity_has_a_place_of_its_own():
    assert set(LAYOUT) == set(BUILDING_QUANTITIES)
    ids = {point_id("b", quantity) for quantity in BUILDING_QUANTITIES}
    assert len(ids) == len(BUILDING_QUANTITIES)


def test_every_quantity_is_measured_on_some_kind_of_system():
    placed = Counter(quantity for kind in SystemKind for quantity in kind.quantities)
    rare = {
        # On request only: few meters tell them.
        Quantity.PLANE_IRRADIANCE,
        Quantity.MODULE_TEMPERATURE,
        Quantity.GRID_POWER,
        Quantity.VOLTAGE,
        Quantity.CURRENT,
        Quantity.HOT_WATER_TEMPERATURE,
        Quantity.SUPPLY_TEMPERATURE_SETPOINT,
    }
    assert set(Quantity) - set(placed) == rare
    for kind in SystemKind:
        assert len(set(kind.quantities)) == len(kind.quantities)


@pytest.mark.parametrize("kind", SystemKind)
def test_a_kind_of_system_tells_its_quantities_apart_by_class(kind):
    """Brick's classes decide what a foreign point measures, with its unit if need be."""
    told = Counter((quantity.brick, quantity.unit) for quantity in kind.quantities)
    same = {key[0] for key, count in told.items() if count > 1}
    # What Brick 1.4 has one class for; there our own word must stand beside it.
    unclear = {
        SystemKind.BATTERY: {"Electric_Energy_Sensor"},
        SystemKind.WEATHER: {"Solar_Irradiance_Sensor"},
    }
    assert same == unclear.get(kind, set())
