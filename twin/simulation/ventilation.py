"""Blow air through buildings."""

import numpy as np

from twin.expectation.conditions import FloatArray
from twin.quantities import Quantity
from twin.simulation.assumption import Assumption

HOME_AIR = Assumption("fresh air of flats", 1.26, "m3/h/m2", "0.35 l/s/m2, BBR")
WORK_AIR = Assumption(
    "fresh air of offices and schools by day", 4.68, "m3/h/m2", "1.3 l/s/m2"
)
NIGHT_AIR = Assumption("share of it by night", 0.1, "1", "assumed")
FANS = Assumption("electricity of fans", 1.5, "kW/(m3/s)", "usual SFP of new fans")
HEAT_BACK = Assumption("heat that ventilation recovers", 0.8, "1", "usual: 0.75 to 0.85")
BLOWN = Assumption("set-point of the supply air", 19.0, "degC", "usual")

ASSUMPTIONS = (HOME_AIR, WORK_AIR, NIGHT_AIR, FANS, HEAT_BACK, BLOWN)


def ventilate(
    air: FloatArray, indoor: FloatArray, outdoor: FloatArray
) -> dict[Quantity, FloatArray]:
    """Return what is measured at a ventilation system.

    Parameters
    ----------
    air : (t,) float
        What it blows [m3/h].
    indoor, outdoor : (t,) float
        [degC].
    """
    warmed = outdoor + HEAT_BACK.value * (indoor - outdoor)
    # In summer the heat goes around the exchanger.
    blown = np.where(outdoor > BLOWN.value, outdoor, np.maximum(warmed, BLOWN.value))
    blown = np.where(outdoor > BLOWN.value, blown, np.minimum(blown, indoor))
    return {
        Quantity.SUPPLY_AIR_FLOW: air,
        Quantity.EXHAUST_AIR_FLOW: 0.98 * air,
        Quantity.FAN_POWER: FANS.value * air / 3600,
        Quantity.SUPPLY_AIR_TEMPERATURE: blown,
        Quantity.EXHAUST_AIR_TEMPERATURE: indoor,
        Quantity.SUPPLY_AIR_TEMPERATURE_SETPOINT: np.full(len(air), BLOWN.value),
    }
