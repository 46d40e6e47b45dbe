"""Every quantity says what it means, and nothing else is called the same."""

import pickle

import pytest

from twin.model import LAYOUT, point_id
from twin.quantities import Quantity


def test_names_are_those_that_tables_rely_on():
    assert {quantity.value: quantity.unit for quantity in Quantity} == {
        "pv_power": "kW",
        "heat_power": "kW",
        "electricity_power": "kW",
        "indoor_temperature": "degC",
    }


def test_generation_is_negative_and_consumption_positive():
    assert {quantity.value: quantity.sign for quantity in Quantity} == {
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
    assert quantity.meaning.endswith(".")
    assert quantity.is_power == (quantity.quantity_kind == "Power")
    assert quantity.brick.endswith("_Sensor")


def test_every_quantity_has_a_place_of_its_own():
    assert set(LAYOUT) == set(Quantity)
    assert len({point_id("b", quantity) for quantity in Quantity}) == len(Quantity)
