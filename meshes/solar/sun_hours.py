"""Count the hours of sun on facets on one day."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pvlib
from numpy.typing import NDArray

from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray
from meshes.solar.shadow import Caster
from meshes.solar.sky import unit_vectors
from meshes.solar.visibility import Bits

CLOCK = "Europe/Stockholm"
"""Clock that the hours of a day are told by."""

STEP_MINUTES = 5
"""Time between sun positions [min]; a shadow's edge is known to half of it."""


@dataclass(frozen=True)
class SunDay:
    """The sun's way over one day.

    Attributes
    ----------
    times : (k,) DatetimeIndex
        Middles of equal steps in which the sun is up, on the clock of the district.
    direction : (k, 3) float
        Unit vectors to the sun, refraction included.
    step : float
        Length of a step [h].
    """

    times: pd.DatetimeIndex
    direction: FloatArray
    step: float

    def between(self, start: int, stop: int) -> NDArray[np.bool_]:
        """(k,) bool: which steps lie between two full hours of the clock."""
        hour = self.times.hour.to_numpy()
        inside: NDArray[np.bool_] = (hour >= start) & (hour < stop)
        return inside


def sun_day(
    day: date,
    *,
    latitude: float,
    longitude: float,
    step_minutes: int = STEP_MINUTES,
    grid_convergence: float = 0.0,
) -> SunDay:
    """Follow the sun over a day of the district's clock.

    Parameters
    ----------
    day : date
        Which.
    latitude, longitude : float
        Place [degrees].
    step_minutes : int
        Time between two positions [min].
    grid_convergence : float
        Direction of the plan's north, clockwise from true north [degrees].

    Returns
    -------
    SunDay

    Notes
    -----
    NREL's algorithm as in pvlib, with refraction.
    """
    start = pd.Timestamp(day, tz=CLOCK)
    stop = start + pd.DateOffset(days=1)
    times = pd.date_range(start, stop, freq=f"{step_minutes}min", inclusive="left")
    times += pd.Timedelta(minutes=step_minutes / 2)
    sun = pvlib.solarposition.spa_python(times, latitude, longitude)
    elevation = sun["apparent_elevation"].to_numpy()
    up = elevation > 0
    direction = unit_vectors(
        np.radians(sun["azimuth"].to_numpy()[up] - grid_convergence),
        np.radians(elevation[up]),
    )
    return SunDay(times[up], direction, step_minutes / 60)


def blocked_bits(
    caster: Caster, facets: Facets, day: SunDay, *, threads: int | None = None
) -> Bits:
    """Return which sensors have no sun at each step, (k, words) uint64."""
    bits = np.empty((len(day.direction), caster.words), np.uint64)
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        list(pool.map(caster.cast, day.direction, bits))
    bits &= facets.mask
    return bits


def count_hours(facets: Facets, bits: Bits, step: float) -> Float32Array:
    """Add up the steps whose bit is set.

    Parameters
    ----------
    facets : Facets
        They carry the n sensors.
    bits : (k, words) uint64
        One row a step.
    step : float
        Length of a step [h].

    Returns
    -------
    (n,) float32
        Hours of each sensor.
    """
    steps = np.zeros(facets.sensor_count, np.uint16)
    # Most words of a small shadow are empty: unpack those that are not.
    words = np.flatnonzero(bits.any(axis=0))
    place = np.full(bits.shape[1], -1, np.int64)
    place[words] = np.arange(len(words))
    counted = np.zeros(len(words) * 64, np.uint16)
    for row in np.ascontiguousarray(bits[:, words]):
        counted += np.unpackbits(row.view(np.uint8), bitorder="little")
    word, cell = np.divmod(facets.sensor_bit, 64)
    some = place[word] >= 0
    steps[some] = counted[place[word[some]] * 64 + cell[some]]
    hours: Float32Array = steps * np.float32(step)
    return hours
