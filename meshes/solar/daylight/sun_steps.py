"""Follow the sun through chosen days and hours of the clock."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import WeatherError
from meshes.polygons import FloatArray, IntArray
from meshes.solar.sky import unit_vectors
from meshes.solar.sun import sun_positions
from meshes.solar.sun_hours import CLOCK, STEP_MINUTES

WHOLE_DAY = (0.0, 24.0)
"""From midnight to midnight."""

MOST_DAYS = 366
"""Days that are followed at most."""

MINUTE = 1.0 / 60.0  # [h]


@dataclass(frozen=True)
class SunSteps:
    """The sun in the middles of equal steps, while it is up.

    Attributes
    ----------
    times : (k,) DatetimeIndex
        Middles of the steps, on the clock of the district.
    direction : (k, 3) float
        Unit vectors to the sun, refraction included.
    length : (k,) float
        Length of each step [h].
    run : (k,) int
        Steps of one number follow each other without a gap.
    cut : (k, 2) bool
        Whether a step is the first, or the last, of its day's window: what is lit there
        begins or ends with the window and not at an edge of light.
    days : int
        Days that were looked at.
    """

    times: pd.DatetimeIndex
    direction: FloatArray
    length: FloatArray
    run: IntArray
    cut: NDArray[np.bool_]
    days: int

    @property
    def possible(self) -> float:
        """Hours in which the sun is up and high enough."""
        return float(self.length.sum())


def sun_steps(
    first: date,
    last: date | None = None,
    *,
    latitude: float,
    longitude: float,
    window: tuple[float, float] = WHOLE_DAY,
    step_minutes: float = STEP_MINUTES,
    lowest: float = 0.0,
    grid_convergence: float = 0.0,
) -> SunSteps:
    """Follow the sun through a window of the clock on one or more days.

    Parameters
    ----------
    first, last : date
        Days, both included; only the first where no last is given.
    latitude, longitude : float
        Place [degrees].
    window : (float, float)
        Begin and end on the clock of the district [h], 9.5 for half past nine. Changes to
        and from summer time are heeded.
    step_minutes : float
        Longest step [min]; a whole number of steps fills the window.
    lowest : float
        Least height of the sun that counts [degrees].
    grid_convergence : float
        Azimuth of the grid's north (`gis.grid_north.grid_convergence`) [degrees].

    Returns
    -------
    SunSteps
        The moment in which the sun rises above ``lowest`` is known to half a step, as
        every other edge of light.

    Raises
    ------
    WeatherError
        If days or hours are not in order, are too many, or the step has no length.
    """
    end = first if last is None else last
    _check(first, end, window, step_minutes)
    middles, lengths, bounds, places = [], [], [], []
    for number in range((end - first).days + 1):
        day = first + timedelta(days=number)
        begin, finish = _moment(day, window[0]), _moment(day, window[1])
        hours = (finish - begin) / pd.Timedelta(hours=1)
        count = int(np.ceil(hours / (step_minutes * MINUTE) - 1e-9))
        if count < 1:
            continue  # an hour that the change to summer time leaves out
        step = hours / count
        place = np.arange(count)
        middles.append(begin + pd.to_timedelta((place + 0.5) * step, unit="h"))
        lengths.append(np.full(count, step))
        bounds.append(np.stack([place == 0, place == count - 1], axis=1))
        # Numbers are left out between days, so that they do not follow each other.
        places.append(place + number * 1_000_000)
    if not middles:
        message = "no hour of the window exists on that day; choose another window"
        raise WeatherError(message)
    times = pd.DatetimeIndex(middles[0].append(middles[1:]))
    azimuth, elevation = sun_positions(
        times, latitude=latitude, longitude=longitude, grid_convergence=grid_convergence
    )
    up = (elevation > 0.0) & (elevation >= lowest)
    return SunSteps(
        times=times[up],
        direction=unit_vectors(np.radians(azimuth[up]), np.radians(elevation[up])),
        length=np.concatenate(lengths)[up],
        run=np.cumsum(np.diff(np.concatenate(places)[up], prepend=-1) != 1),
        cut=np.concatenate(bounds)[up],
        days=(end - first).days + 1,
    )


def _moment(day: date, hour: float) -> pd.Timestamp:
    """Return an hour of a day's clock as a moment; what is left out moves forward."""
    plain = pd.Timestamp(day) + pd.Timedelta(hours=hour)
    return plain.tz_localize(CLOCK, nonexistent="shift_forward", ambiguous=True)


def _check(
    first: date, last: date, window: tuple[float, float], step_minutes: float
) -> None:
    """Refuse what is no span of time."""
    days = (last - first).days + 1
    if not 1 <= days <= MOST_DAYS:
        message = (
            f"days must be in order and at most {MOST_DAYS}, got {first} to {last}; "
            "give the earlier one first"
        )
        raise WeatherError(message)
    begin, end = window
    if not 0.0 <= begin < end <= 24.0:
        message = (
            f"a window must lie within 0 to 24 h and begin before it ends, got {begin:g} "
            f"to {end:g}"
        )
        raise WeatherError(message)
    if not 0.05 <= step_minutes <= 60.0:
        message = f"steps must be 0.05 to 60 minutes long, got {step_minutes:g}"
        raise WeatherError(message)
