"""Follow the air of buildings: warmth, carbon dioxide, humidity."""

from dataclasses import dataclass

import numpy as np

from twin.expectation.conditions import BoolArray, FloatArray
from twin.simulation.assumption import Assumption
from twin.simulation.climate import vapour

CAPACITY = Assumption(
    "heat that a m2 of floor stores per kelvin",
    0.0458,
    "kWh/K/m2",
    "ISO 13790 table 12, medium: 165 kJ/K/m2",
)
GRIP = Assumption(
    "heating power per kelvin below the set-point, as share of what leaks per kelvin",
    20.0,
    "1",
    "assumed: thermostats hold within 1 K",
)
STRONGEST = Assumption(
    "largest heating power, by what leaks per kelvin",
    40.0,
    "K",
    "assumed: -20 degC outdoors",
)
OPENING = Assumption(
    "rooms above which people open windows", 24.0, "degC", "assumed for a lifelike summer"
)
AIRING = Assumption(
    "how much more leaks then, at most", 4.0, "1", "assumed for a lifelike summer"
)
COOLED = Assumption("set-point of cooling", 24.0, "degC", "usual set-point of offices")
OUTDOOR_CO2 = Assumption("carbon dioxide outdoors", 425.0, "ppm", "level of 2024, NOAA")
EXHALED = Assumption(
    "carbon dioxide that a person breathes out", 0.018, "m3/h", "usual at light work"
)
MOISTURE = Assumption(
    "vapour in rooms above that outdoors", 2.5, "g/m3", "usual in Swedish flats, 2 to 3"
)
STOREY = Assumption("height of rooms", 2.6, "m", "usual")

ASSUMPTIONS = (
    CAPACITY,
    GRIP,
    STRONGEST,
    OPENING,
    AIRING,
    COOLED,
    OUTDOOR_CO2,
    EXHALED,
    MOISTURE,
    STOREY,
)


@dataclass(frozen=True)
class Warmth:
    """What became of the heat of b buildings in t steps.

    Attributes
    ----------
    indoor : (b, t) float
        Temperature at the start of each step [degC].
    last : (b,) float
        Temperature at the end of the last step [degC].
    heating, cooling : (b, t) float
        Power [kW], 0 or more.
    gained, leaked : (b, t) float
        Power of people, devices and sun; power that left through walls and windows [kW].
    """

    indoor: FloatArray
    last: FloatArray
    heating: FloatArray
    cooling: FloatArray
    gained: FloatArray
    leaked: FloatArray


def follow_warmth(
    outdoor: FloatArray,
    gains: FloatArray,
    *,
    leak: FloatArray,
    capacity: FloatArray,
    setpoint: FloatArray,
    cooled: BoolArray,
    first: FloatArray,
    hours: float,
) -> Warmth:
    """Follow the temperature of rooms with thermostats.

    Parameters
    ----------
    outdoor : (t,) float
        Air [degC].
    gains : (b, t) float
        Power of people, devices and sun [kW].
    leak : (b,) float
        Heat that leaves per kelvin [kW/K].
    capacity : (b,) float
        Heat that is stored per kelvin [kWh/K].
    setpoint : (b,) float
        Of heating [degC].
    cooled : (b,) bool
        Buildings with cooling.
    first : (b,) float
        Temperature at the start [degC].
    hours : float
        Length of a step [h].

    Returns
    -------
    Warmth
        Heat is conserved: ``capacity * rise = (gained + heating - cooling - leaked) *
        hours`` in every step.

    Notes
    -----
    One capacity, one resistance a building. Heating is what holds the set-point in steady
    state plus `GRIP` for what is lacking, cooling likewise; the power of a step is that
    of its start. Windows open steadily from `OPENING` to 2 K above.
    """
    count, steps = gains.shape
    indoor, heating, cooling, leaked = (np.empty((count, steps)) for _ in range(4))
    now = first.astype(np.float64)
    # More than this per step would swing over the set-point.
    most = capacity / hours
    for k in range(steps):
        indoor[:, k] = now
        above = np.clip((now - OPENING.value) / 2.0, 0.0, 1.0)
        above = np.where(cooled | (now < outdoor[k]), 0.0, above)
        through = leak * (1 + AIRING.value * above)
        lost = np.clip(through, 0, 0.9 * most) * (now - outdoor[k])
        free = gains[:, k]
        grip = np.minimum(GRIP.value * leak, 0.5 * most)
        need = leak * (setpoint - outdoor[k]) - free + grip * (setpoint - now)
        warm = np.clip(need, 0.0, STRONGEST.value * leak)
        surplus = free - lost + grip * (now - COOLED.value)
        hot = cooled & np.asarray(now > COOLED.value - 0.5)
        cold = np.where(hot, np.maximum(surplus, 0.0), 0.0)
        warm = np.where(cold > 0, 0.0, warm)
        heating[:, k], cooling[:, k], leaked[:, k] = warm, cold, lost
        now = now + (free + warm - cold - lost) * hours / capacity
    return Warmth(indoor, now, heating, cooling, gains, leaked)


def follow_co2(
    people: FloatArray, air: FloatArray, volume: FloatArray, *, hours: float
) -> FloatArray:
    """Return the carbon dioxide of rooms at the start of each step [ppm].

    Parameters
    ----------
    people : (b, t) float
        How many are there.
    air : (b, t) float
        Fresh air [m3/h], above 0.
    volume : (b,) float
        Of the rooms [m3].
    hours : float
        Length of a step [h].

    Notes
    -----
    Well mixed air, exact within a step: it falls towards ``outdoor + source / air`` with
    the time constant ``volume / air``.
    """
    told = np.empty_like(people)
    now = np.full(len(people), OUTDOOR_CO2.value)
    final = OUTDOOR_CO2.value + 1e6 * EXHALED.value * people / air
    kept = np.exp(-hours * air / volume[:, None])
    for k in range(people.shape[1]):
        told[:, k] = now
        now = final[:, k] + (now - final[:, k]) * kept[:, k]
    return told


def room_humidity(
    indoor: FloatArray, outdoor: FloatArray, humidity: FloatArray
) -> FloatArray:
    """Return the relative humidity of rooms [%].

    Parameters
    ----------
    indoor : (b, t) float
        Room temperature [degC].
    outdoor, humidity : (t,) float
        Air [degC] and its relative humidity [%] outdoors.
    """
    # Gas law of vapour: 216.7 g K / m3 / hPa.
    outside = 216.7 * humidity / 100 * vapour(outdoor) / (outdoor + 273.15)
    inside = (outside + MOISTURE.value) * (indoor + 273.15) / 216.7
    return np.clip(100 * inside / vapour(indoor), 5.0, 95.0)
