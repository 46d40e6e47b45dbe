"""Fill waste stations and empty them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from twin.expectation.conditions import FloatArray
from twin.simulation.assumption import Assumption

PER_PERSON = Assumption(
    "household waste of a person in a year", 380.0, "kg", "NW Scania 2006"
)
CONTAINER = Assumption("what a station holds", 2500.0, "kg", "assumed")
FULL = Assumption("level from which on it is emptied", 75.0, "%", "assumed")
EMPTIED_AT = 6
"""Hour of the local clock at which the lorry comes on weekdays; assumed."""

ASSUMPTIONS = (PER_PERSON, CONTAINER, FULL)


@dataclass(frozen=True)
class Filled:
    """A station: waste that comes in [kg/h], and how full it is at each start [%]."""

    coming: FloatArray
    level: FloatArray


def fill(persons: float, local: pd.DatetimeIndex, *, hours: float, chance: float) -> Filled:
    """Fill a station by day and empty it when it is full and a lorry comes.

    Parameters
    ----------
    persons : float
        Who bring their waste there.
    local : (t,) DatetimeIndex
        Steps by the local clock.
    hours : float
        Length of a step [h].
    chance : float
        0..1, what it holds at the start.
    """
    clock = (local.hour + local.minute / 60).to_numpy(np.float64)
    shape = np.clip(np.cos(2 * np.pi * (clock - 17) / 24) + 0.6, 0.0, None)
    mean = np.clip(np.cos(2 * np.pi * (np.arange(24) - 17) / 24) + 0.6, 0.0, None).mean()
    coming = persons * PER_PERSON.value / 8760 * shape / mean
    level = np.empty(len(local))
    weekday = (local.day_of_week < 5) & (local.hour == EMPTIED_AT)
    now = 0.6 * chance * CONTAINER.value
    for k in range(len(local)):
        if weekday[k] and now > FULL.value / 100 * CONTAINER.value:
            now = 0.0
        level[k] = 100 * now / CONTAINER.value
        now = min(now + coming[k] * hours, 1.5 * CONTAINER.value)
    return Filled(coming, level)
