"""Run a battery beside panels."""

from dataclasses import dataclass

import numpy as np

from twin.expectation.conditions import FloatArray
from twin.simulation.assumption import Assumption

ROUND_TRIP = Assumption(
    "share of energy that comes back", 0.9, "1", "usual: lithium, 0.88-0.92"
)
RATE = Assumption("power by capacity", 0.5, "1/h", "usual: full in two hours")
FLOOR = Assumption("least charge", 10.0, "%", "assumed")
SIZE = Assumption("capacity per rated power of panels", 1.0, "kWh/kW", "assumed")

ASSUMPTIONS = (ROUND_TRIP, RATE, FLOOR, SIZE)


@dataclass(frozen=True)
class Stored:
    """What a battery did.

    Attributes
    ----------
    power : (t,) float
        At its terminals [kW], charging positive.
    charge : (t,) float
        Energy inside at the start of each step [kWh].
    last : float
        Energy inside at the end [kWh].
    """

    power: FloatArray
    charge: FloatArray
    last: float


def run_battery(surplus: FloatArray, *, capacity: float, hours: float) -> Stored:
    """Take up what panels give too much and give it back when it lacks.

    Parameters
    ----------
    surplus : (t,) float
        Generation less use [kW].
    capacity : float
        [kWh].
    hours : float
        Length of a step [h].

    Notes
    -----
    Half of the loss falls on charging, half on discharging: what is inside rises by
    ``power * sqrt(ROUND_TRIP)`` and falls by ``power / sqrt(ROUND_TRIP)``.
    """
    way = float(np.sqrt(ROUND_TRIP.value))
    floor, most = FLOOR.value / 100 * capacity, RATE.value * capacity
    power, charge = np.empty(len(surplus)), np.empty(len(surplus))
    now = 0.5 * capacity
    for k, over in enumerate(surplus):
        charge[k] = now
        if over >= 0:
            taken = min(over, most, max(capacity - now, 0.0) / hours / way)
            now += taken * way * hours
        else:
            taken = -min(-over, most, max(now - floor, 0.0) / hours * way)
            now += taken / way * hours
        power[k] = taken + 0.0
    return Stored(power, charge, float(now))
