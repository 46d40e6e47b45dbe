"""Place the sun over the district at a stated local time."""

import math
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.typing import NaTType
from pvlib.solarposition import get_solarposition

from gis.errors import TableError
from gis.grid_north import grid_convergence

ZONE = "Europe/Stockholm"

FIRST_YEAR, LAST_YEAR = 1950, 2100
"""Years for which the difference of the earth's clock from an even one is well known."""

LAST_HOUR, LAST_MINUTE = 23, 59


@dataclass(frozen=True)
class Sun:
    """Where the sun stands.

    Attributes
    ----------
    azimuth : float
        Degrees clockwise from true north.
    elevation : float
        Degrees above the horizon, with refraction.
    when : Timestamp
        Local time, aware of its zone.
    grid_convergence : float
        Azimuth of the plan's north (`gis.grid_north`) [degrees].
    """

    azimuth: float
    elevation: float
    when: pd.Timestamp
    grid_convergence: float = 0.0

    @property
    def is_up(self) -> bool:
        """Whether the sun's middle is above the horizon."""
        return self.elevation > 0.0

    @property
    def grid_azimuth(self) -> float:
        """Degrees clockwise from the plan's north, 0..360."""
        return (self.azimuth - self.grid_convergence) % 360.0

    @property
    def direction(self) -> NDArray[np.float32]:
        """(3,) float: unit vector towards the sun in the plan's east, north, up."""
        a, e = math.radians(self.grid_azimuth), math.radians(self.elevation)
        level = math.cos(e)
        return np.array(
            [math.sin(a) * level, math.cos(a) * level, math.sin(e)], dtype=np.float32
        )


def sun_at(when: pd.Timestamp, *, latitude: float, longitude: float) -> Sun:
    """Compute where the sun stands.

    Parameters
    ----------
    when : Timestamp
        An instant, aware of its zone.
    latitude, longitude : float
        Place, WGS84 [degrees].

    Returns
    -------
    Sun
        With the time in Swedish local time, and turned to the plan's north of the place.

    Raises
    ------
    ValueError
        If the time has no zone.

    Notes
    -----
    NREL's algorithm as in pvlib, the one source of sun positions of the project.
    """
    if when.tzinfo is None:
        message = (
            f"the time must have a zone, got {when}; write it as in 2026-03-20T16:00+01:00"
        )
        raise ValueError(message)
    local = when.tz_convert(ZONE)
    table = get_solarposition(pd.DatetimeIndex([local]), latitude, longitude)
    return Sun(
        azimuth=float(table["azimuth"].iloc[0]),
        elevation=float(table["apparent_elevation"].iloc[0]),
        when=local,
        grid_convergence=grid_convergence(latitude, longitude),
    )


def day_path(
    when: pd.Timestamp, *, latitude: float, longitude: float
) -> NDArray[np.float64]:
    """Return the sun's way on one day, (n, 2): azimuth and elevation above 0 [degrees].

    Azimuths count from true north, as in `Sun`.

    Parameters
    ----------
    when : Timestamp
        Any time of the day, in local time.
    latitude, longitude : float
        Place, WGS84 [degrees].
    """
    minutes = pd.date_range(when.normalize(), periods=288, freq="5min")
    table = get_solarposition(minutes, latitude, longitude)
    path = table[["azimuth", "apparent_elevation"]].to_numpy(np.float64)
    above: NDArray[np.float64] = path[path[:, 1] > 0.0]
    return above


def solar_day(
    day: pd.Timestamp, *, latitude: float, longitude: float
) -> "pd.Series[float]":
    """Return the sun's height at each minute of a local day, with refraction [degrees].

    Parameters
    ----------
    day : Timestamp
        Any time of the day, aware of its zone.
    latitude, longitude : float
        Place, WGS84 [degrees].
    """
    start = day.tz_convert(ZONE).normalize()
    minutes = pd.date_range(start, start + pd.DateOffset(days=1), freq="1min")
    table = get_solarposition(minutes, latitude, longitude)
    heights: pd.Series[float] = table["apparent_elevation"]
    return heights


def turning_point(day: pd.Timestamp) -> int | None:
    """Return which turn of the year falls on a local day, None for none.

    Parameters
    ----------
    day : Timestamp
        Any time of the day, aware of its zone.

    Returns
    -------
    int, optional
        0 March equinox, 1 June solstice, 2 September equinox, 3 December solstice.
    """
    start = day.tz_convert(ZONE).normalize()
    before, after = (
        ecliptic_longitude(k) / 90.0 for k in (start, start + pd.DateOffset(days=1))
    )
    crossed = math.floor(after) != math.floor(before)
    return math.floor(after) % 4 if crossed else None


def ecliptic_longitude(when: pd.Timestamp) -> float:
    """Return the sun's apparent longitude on the ecliptic, 0..360 [degrees].

    Parameters
    ----------
    when : Timestamp
        An instant, aware of its zone.

    Notes
    -----
    Low-precision formula of Meeus, Astronomical Algorithms (1998), chapter 25: 0.01
    degrees, a quarter of an hour. Checked against published equinoxes and solstices.
    """
    days = (when - pd.Timestamp("2000-01-01T12:00Z")) / pd.Timedelta(days=1)
    t = days / 36525.0
    mean = 280.46646 + 36000.76983 * t + 0.0003032 * t**2
    anomaly = math.radians(357.52911 + 35999.05029 * t - 0.0001537 * t**2)
    centre = (
        (1.914602 - 0.004817 * t - 0.000014 * t**2) * math.sin(anomaly)
        + (0.019993 - 0.000101 * t) * math.sin(2 * anomaly)
        + 0.000289 * math.sin(3 * anomaly)
    )
    node = math.radians(125.04 - 1934.136 * t)
    return (mean + centre - 0.00569 - 0.00478 * math.sin(node)) % 360.0


def read_day(text: str) -> pd.Timestamp:
    """Return the local midnight of a date, written as in 2026-06-21.

    Raises
    ------
    TableError
        If there is no such date.
    """
    message = f"a date must be written as in 2026-06-21 and exist, got {text!r}; mend it"
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise TableError(message)
    try:
        day = pd.Timestamp(text)
    except ValueError as error:
        raise TableError(message) from error
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        message = (
            f"the sun is known for the years {FIRST_YEAR} to {LAST_YEAR}, got {text}; "
            "choose another date"
        )
        raise TableError(message)
    return day.tz_localize(ZONE)


def at_clock(day: pd.Timestamp, text: str) -> pd.Timestamp:
    """Return a local time of a day, written as in 16:15.

    Parameters
    ----------
    day : Timestamp
        Local midnight, aware of its zone.
    text : str
        Hours and minutes.

    Raises
    ------
    TableError
        If the day has no such time.
    """
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", text)
    if not found or int(found[1]) > LAST_HOUR or int(found[2]) > LAST_MINUTE:
        message = f"a time must be written as in 16:15, got {text!r}; mend it"
        raise TableError(message)
    clock = day.tz_localize(None).replace(hour=int(found[1]), minute=int(found[2]))
    # In autumn one hour comes twice: the first is meant. In spring one is left out.
    local = clock.tz_localize(ZONE, ambiguous=True, nonexistent="NaT")
    if isinstance(local, NaTType):
        message = f"{clock:%Y-%m-%d} has no {text}, the clocks go forward; choose another"
        raise TableError(message)
    return local
