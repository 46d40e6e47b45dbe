"""Rooms keep their heat, and their air mixes as the closed forms say."""

import numpy as np
import pytest

from twin.simulation.rooms import (
    CAPACITY,
    EXHALED,
    OUTDOOR_CO2,
    STRONGEST,
    follow_co2,
    follow_warmth,
    room_humidity,
)

AREA = np.array([300.0, 2500.0])
LEAK = np.array([0.5, 2.0])


def follow(outdoor, gains=None, *, hours=0.25, cooled=(False, True), first=21.0):
    steps = len(outdoor)
    return follow_warmth(
        np.asarray(outdoor, float),
        np.zeros((2, steps)) if gains is None else gains,
        leak=LEAK,
        capacity=CAPACITY.value * AREA,
        setpoint=np.array([21.0, 20.5]),
        cooled=np.array(cooled),
        first=np.full(2, first),
        hours=hours,
    )


@pytest.mark.parametrize("hours", [1 / 12, 0.25, 1.0])
def test_heat_is_conserved_in_every_step(hours):
    rng = np.random.default_rng(1)
    outdoor = 15 + 14 * rng.normal(size=300)
    made = follow(outdoor, 3 * rng.random((2, 300)), hours=hours)
    after = np.column_stack([made.indoor[:, 1:], made.last])
    stored = (CAPACITY.value * AREA)[:, None] * (after - made.indoor)
    brought = (made.gained + made.heating - made.cooling - made.leaked) * hours
    np.testing.assert_allclose(stored, brought, atol=1e-9)
    assert (made.heating >= 0).all()
    assert (made.cooling >= 0).all()
    assert not ((made.heating > 0) & (made.cooling > 0)).any()


@pytest.mark.parametrize("hours", [0.25, 1.0])
def test_steady_cold_takes_what_leaks(hours):
    """In the end heating is leak times difference, less what is free."""
    made = follow(np.full(2000, -5.0), np.full((2, 2000), 1.5), hours=hours)
    np.testing.assert_allclose(made.heating[:, -1], LEAK * (made.last + 5) - 1.5, rtol=1e-6)
    np.testing.assert_allclose(made.last, [21.0, 20.5], atol=1e-6)


def test_without_heat_rooms_cool_down_exponentially():
    """Gains that hold 21 degC go away: towards outdoors with capacity by resistance."""
    outdoor = np.full(4000, 20.0)
    made = follow(outdoor, hours=1 / 60, cooled=(False, False), first=23.9)
    free = made.heating[0] == 0
    time = np.arange(4000)[free] / 60
    exact = 20 + 3.9 * np.exp(-time * LEAK[0] / (CAPACITY.value * AREA[0]))
    np.testing.assert_allclose(made.indoor[0][free], exact, atol=0.01)


def test_heating_has_an_end():
    made = follow(np.full(500, -80.0))
    assert made.heating.max() <= STRONGEST.value * LEAK.max()
    assert made.last[0] < 20


def test_cooled_rooms_stay_cool_and_others_open_windows():
    made = follow(np.full(3000, 26.0), np.full((2, 3000), 4.0))
    assert made.cooling[0].max() == 0
    assert made.last[1] < 24.6
    assert made.last[0] > 26


def test_carbon_dioxide_ends_at_source_by_air():
    people, air = np.full((1, 400), 3.0), np.full((1, 400), 60.0)
    told = follow_co2(people, air, np.array([150.0]), hours=0.25)[0]
    final = OUTDOOR_CO2.value + 1e6 * EXHALED.value * 3 / 60
    time = 0.25 * np.arange(400)
    exact = final + (OUTDOOR_CO2.value - final) * np.exp(-time * 60 / 150)
    np.testing.assert_allclose(told, exact, rtol=1e-9)


def test_carbon_dioxide_does_not_hang_on_the_step():
    people = np.repeat(np.array([[0.0, 5.0, 2.0, 0.0]]), 12, axis=1)
    air = np.full((1, 48), 40.0)
    coarse = follow_co2(people, air, np.array([90.0]), hours=1.0)
    fine = follow_co2(
        people.repeat(6, axis=1), air.repeat(6, axis=1), np.array([90.0]), hours=1 / 6
    )
    np.testing.assert_allclose(fine[:, ::6], coarse, rtol=1e-9)


def test_cold_air_is_dry_indoors():
    indoor = np.full((1, 2), 21.0)
    told = room_humidity(indoor, np.array([-10.0, 18.0]), np.array([90.0, 70.0]))[0]
    assert told[0] < 30
    assert 55 < told[1] < 80
