"""Water carries as much heat as it is given, and nothing comes from nothing."""

import numpy as np
import pytest

from twin.simulation.water import (
    DRAINED,
    WATER,
    flow_of,
    heat_pump_cop,
    heating_curve,
    network_return,
    network_supply,
    recover,
    serve_from_tank,
)

OUTDOOR = np.linspace(-18.0, 28.0, 400)
RNG = np.random.default_rng(3)


def test_flow_times_fall_is_power():
    rooms, taps = 50 * RNG.random((3, 400)), 10 * RNG.random((3, 400))
    rooms[:, 200:] = 0.0
    supply = network_supply(OUTDOOR)[None, :] - np.array([[0.0], [1.5], [4.0]])
    back = network_return(rooms, taps, supply=supply, outdoor=OUTDOOR)
    flow = flow_of(rooms + taps, supply, back)
    np.testing.assert_allclose(WATER * flow * (supply - back), rooms + taps, rtol=1e-9)
    assert (back < supply).all()
    assert (back >= 24.9).all()


def test_more_hot_water_brings_a_colder_return():
    supply = np.full((1, 1), 80.0)
    one, outdoor = np.full((1, 1), 10.0), np.array([0.0])
    few = network_return(one, 0.1 * one, supply=supply, outdoor=outdoor)
    many = network_return(one, 5 * one, supply=supply, outdoor=outdoor)
    assert many < few


def test_nothing_flows_where_nothing_is_used():
    none = np.zeros((1, 2))
    back = network_return(
        none, none, supply=np.full((1, 2), 75.0), outdoor=np.array([3.0, 30.0])
    )
    assert (flow_of(none, np.full((1, 2), 75.0), back) == 0).all()


def test_waste_water_never_gives_more_than_hot_water_brought():
    water = 20 * RNG.random((4, 500)) * (RNG.random((4, 500)) > 0.3)
    cold = 5 + 9 * RNG.random(500)
    drains = recover(water, cold)
    reached = DRAINED.value * water
    assert (drains.recovered <= reached + 1e-12).all()
    assert (drains.recovered[water == 0] == 0).all()
    # What leaves is what came less what was taken, and never colder than cold water.
    fall = WATER * drains.flow * (drains.inlet - drains.outlet)
    np.testing.assert_allclose(fall, drains.recovered, atol=1e-9)
    assert (drains.outlet >= cold - 1e-9).all()
    assert 0.10 < drains.recovered.sum() / water.sum() < 0.20


def test_waste_water_is_as_warm_as_measured_mixtures():
    drains = recover(np.array([[5.0]]), np.array([9.5]))
    assert 22 < drains.inlet[0, 0] < 27


def test_heat_pumps_stay_below_carnot():
    warm = heating_curve(OUTDOOR)
    cop = heat_pump_cop(warm)
    assert (cop < (warm + 273.15) / (warm + 273.15 - 280.15)).all()
    assert (np.diff(cop) >= 0).all(), "milder weather, cooler water, better"
    assert 2.5 < cop.mean() < 5


@pytest.mark.parametrize("hours", [0.25, 1.0])
def test_tanks_keep_their_heat(hours):
    offered, wanted = 8 * RNG.random(600), 6 * RNG.random(600)
    tank = serve_from_tank(offered, wanted, capacity=20.0, hours=hours)
    after = np.r_[tank.held[1:], tank.last]
    np.testing.assert_allclose(
        after - tank.held, (tank.charged - tank.drawn) * hours, atol=1e-9
    )
    assert (tank.held >= -1e-9).all()
    assert (tank.held <= 20 + 1e-9).all()
    assert (tank.charged <= offered + 1e-12).all()
    assert (tank.drawn <= wanted + 1e-12).all()


def test_a_full_tank_stands_still():
    tank = serve_from_tank(np.full(50, 5.0), np.zeros(50), capacity=10.0, hours=1.0)
    assert tank.last == pytest.approx(10.0)
    assert tank.charged[-1] == pytest.approx(0.0)
