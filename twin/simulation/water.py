"""Carry heat by water: substations, waste water, heat pumps, collectors' tanks."""

from dataclasses import dataclass

import numpy as np

from twin.expectation.conditions import FloatArray
from twin.simulation.assumption import Assumption

WATER = 1.163
"""Heat of a cubic metre of water per kelvin [kWh/m3/K]: 1000 kg at 4.187 kJ/kg/K."""

SUPPLY_COLD = Assumption(
    "supply of district heating at -15 degC outdoors", 95.0, "degC", "usual in Sweden"
)
SUPPLY_WARM = Assumption(
    "supply of district heating above 5 degC outdoors", 75.0, "degC", "usual in Sweden"
)
RADIATOR_RETURN = Assumption(
    "return of rooms' heating at -15 degC outdoors, 25 degC at 17",
    45.0,
    "degC",
    "assumed: radiators of 60/40 and a heat exchanger of 3 to 5 K",
)
WATER_RETURN = Assumption(
    "return of hot water's heating", 25.0, "degC", "assumed: preheating of cold water"
)
CHILLED = Assumption("supply of district cooling", 6.0, "degC", "usual: 6/16")
CHILLED_RETURN = Assumption("return of district cooling", 16.0, "degC", "usual: 6/16")
HOT = Assumption("heat of a m3 of hot water", 55.0, "kWh/m3", "10 to 57 degC")
DRAINED = Assumption(
    "share of the hot water's heat that reaches the drain", 0.8, "1", "assumed"
)
HOT_SHARE = Assumption(
    "hot water as share of all water",
    0.39,
    "1",
    "measured in 27 Swedish flats with a waste-water exchanger",
)
RECOVERY = Assumption(
    "effectiveness of the waste-water exchanger",
    0.5,
    "1",
    "assumed: 16 % of the heat of hot water comes back, usual are 10 to 20",
)
CARNOT = Assumption(
    "share of Carnot's coefficient that a heat pump reaches", 0.45, "1", "ground: 0.45-0.5"
)
PINCH = Assumption("temperature lost in each exchanger", 5.0, "K", "usual")
GROUND = Assumption("temperature of the heat pump's source", 7.0, "degC", "assumed: ground")
TANK = Assumption("tank per m2 of collector", 60.0, "l/m2", "usual: 50 to 75")
TANK_SWING = Assumption("temperature that a tank can use", 40.0, "K", "assumed")

ASSUMPTIONS = (
    SUPPLY_COLD,
    SUPPLY_WARM,
    RADIATOR_RETURN,
    WATER_RETURN,
    CHILLED,
    CHILLED_RETURN,
    HOT,
    DRAINED,
    HOT_SHARE,
    RECOVERY,
    CARNOT,
    PINCH,
    GROUND,
    TANK,
    TANK_SWING,
)


def flow_of(power: FloatArray, warm: FloatArray, cold: FloatArray) -> FloatArray:
    """Return the water that carries a power [m3/h].

    Examples
    --------
    >>> float(flow_of(np.array(11.63), np.array(70.0), np.array(60.0)))
    1.0
    """
    return np.asarray(power / (WATER * np.maximum(warm - cold, 0.5)), np.float64)


def network_supply(outdoor: FloatArray) -> FloatArray:
    """Return the supply temperature of district heating [degC]."""
    return np.interp(outdoor, [-15.0, 5.0], [SUPPLY_COLD.value, SUPPLY_WARM.value])


def network_return(
    rooms: FloatArray, water: FloatArray, *, supply: FloatArray, outdoor: FloatArray
) -> FloatArray:
    """Return the mixed return temperature of rooms' and hot water's heating [degC].

    Parameters
    ----------
    rooms, water : (b, t) float
        Powers that the network gives for each [kW].
    supply : (b, t) float
        Supply temperature at each building [degC].
    outdoor : (t,) float
        [degC].

    Notes
    -----
    Both streams leave the same supply, so that flows are powers by the fall of each, and
    the mixture keeps their heat: mixed return = supply - power / (flow * heat of water).
    """
    from_rooms = np.interp(outdoor, [-15.0, 17.0], [RADIATOR_RETURN.value, 25.0])
    streams = flow_of(rooms, supply, from_rooms) + flow_of(
        water, supply, np.full_like(outdoor, WATER_RETURN.value)
    )
    power = rooms + water
    fall = power / np.maximum(WATER * streams, 1e-12)
    return np.where(streams > 1e-9, supply - fall, WATER_RETURN.value)


def cold_water(day_of_year: FloatArray) -> FloatArray:
    """Return the temperature of cold water in the pipes [degC]; assumed."""
    return np.asarray(9.5 + 4.5 * np.sin(2 * np.pi * (day_of_year - 140) / 365), np.float64)


@dataclass(frozen=True)
class WasteWater:
    """Waste-water exchangers: heat that comes back [kW], water [m3/h], [degC]."""

    recovered: FloatArray
    flow: FloatArray
    inlet: FloatArray
    outlet: FloatArray


def recover(water: FloatArray, cold: FloatArray) -> WasteWater:
    """Return what exchangers take back of the heat of hot water.

    Parameters
    ----------
    water : (b, t) float
        Heat of the hot water that is used [kW].
    cold : (t,) float
        Temperature of cold water [degC].

    Notes
    -----
    All water runs down the drain as warm as its heat makes it; the fresh water that is
    warmed before the boiler is that of hot water alone, which is less and so limits the
    exchange. What is recovered cannot exceed what reached the drain.
    """
    hot = water / HOT.value
    everything = hot / HOT_SHARE.value
    warmer = DRAINED.value * HOT.value * HOT_SHARE.value / WATER
    recovered = RECOVERY.value * WATER * hot * warmer
    inlet = np.broadcast_to(cold + warmer, water.shape).copy()
    fall = recovered / np.maximum(WATER * everything, 1e-12)
    outlet = np.where(everything > 1e-9, inlet - fall, inlet)
    return WasteWater(recovered, everything, inlet, outlet)


def heat_pump_cop(delivered: FloatArray) -> FloatArray:
    """Return the coefficient of performance of a heat pump.

    Parameters
    ----------
    delivered : (...,) float
        Temperature of the water that it gives [degC].

    Examples
    --------
    >>> float(heat_pump_cop(np.array(45.0)).round(2))
    3.03
    """
    warm = delivered + PINCH.value + 273.15
    cold = GROUND.value - PINCH.value + 273.15
    return np.asarray(CARNOT.value * warm / (warm - cold), np.float64)


def heating_curve(outdoor: FloatArray) -> FloatArray:
    """Return the temperature of water for floors and low radiators [degC]; assumed."""
    return np.interp(outdoor, [-15.0, 17.0], [50.0, 28.0])


@dataclass(frozen=True)
class Tank:
    """A collector's tank: heat in and out [kW], heat held at the start of steps [kWh]."""

    charged: FloatArray
    drawn: FloatArray
    held: FloatArray
    last: float


def serve_from_tank(
    offered: FloatArray, wanted: FloatArray, *, capacity: float, hours: float
) -> Tank:
    """Store heat of collectors until it is wanted.

    Parameters
    ----------
    offered, wanted : (t,) float
        What the collectors could give, and what could be used [kW].
    capacity : float
        [kWh].
    hours : float
        Length of a step [h].

    Returns
    -------
    Tank
        Heat is conserved; what finds no room is not taken: the collectors stand still.
    """
    charged, drawn, held = (np.empty(len(offered)) for _ in range(3))
    now = 0.3 * capacity
    for k in range(len(offered)):
        held[k] = now
        drawn[k] = min(wanted[k], now / hours + offered[k])
        charged[k] = min(offered[k], (capacity - now) / hours + drawn[k])
        now = now + (charged[k] - drawn[k]) * hours
    return Tank(charged, drawn, held, float(now))
