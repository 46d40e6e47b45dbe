"""Batteries give back what they took less their loss, within their limits."""

import numpy as np
import pytest

from twin.simulation.battery import FLOOR, RATE, ROUND_TRIP, run_battery

WAY = np.sqrt(ROUND_TRIP.value)


@pytest.mark.parametrize("hours", [0.25, 1.0])
def test_the_balance_holds_in_every_step(hours):
    surplus = 30 * np.random.default_rng(2).normal(size=800)
    stored = run_battery(surplus, capacity=40.0, hours=hours)
    after = np.r_[stored.charge[1:], stored.last]
    inside = np.where(stored.power > 0, stored.power * WAY, stored.power / WAY) * hours
    np.testing.assert_allclose(after - stored.charge, inside, atol=1e-9)
    assert (stored.charge <= 40 + 1e-9).all()
    assert (stored.charge >= 40 * FLOOR.value / 100 - 1e-9).all()
    assert (np.abs(stored.power) <= RATE.value * 40 + 1e-9).all()


def test_it_never_makes_things_worse():
    """It takes no more than is left over, and gives no more than lacks."""
    surplus = 30 * np.random.default_rng(2).normal(size=800)
    power = run_battery(surplus, capacity=40.0, hours=0.5).power
    assert (np.abs(surplus - power) <= np.abs(surplus) + 1e-12).all()
    assert (power * surplus >= 0).all()


def test_a_round_trip_costs_its_loss():
    surplus = np.r_[np.full(40, 5.0), np.full(40, -5.0)]
    stored = run_battery(surplus, capacity=40.0, hours=1.0)
    start = 0.5 * 40
    taken, given = stored.power[:40].sum(), -stored.power[40:].sum()
    floor = FLOOR.value / 100 * 40
    assert taken == pytest.approx((40 - start) / WAY)
    assert given == pytest.approx((40 - floor) * WAY)
