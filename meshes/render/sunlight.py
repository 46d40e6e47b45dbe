"""Place the sun over the district at a stated local time."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pvlib.solarposition import get_solarposition

ZONE = "Europe/Stockholm"
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
COMPASS = (
    "north", "north-north-east", "north-east", "east-north-east",
    "east", "east-south-east", "south-east", "south-south-east",
    "south", "south-south-west", "south-west", "west-south-west",
    "west", "west-north-west", "north-west", "north-north-west",
)  # fmt: skip


@dataclass(frozen=True)
class Sun:
    """Where the sun stands.

    Attributes
    ----------
    azimuth : float
        Degrees clockwise from north.
    elevation : float
        Degrees above the horizon, with refraction.
    when : Timestamp
        Local time, aware of its zone.
    """

    azimuth: float
    elevation: float
    when: pd.Timestamp

    @property
    def is_up(self) -> bool:
        """Whether the sun's middle is above the horizon."""
        return self.elevation > 0.0

    @property
    def direction(self) -> NDArray[np.float32]:
        """(3,) float: unit vector towards the sun, east, north, up."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        level = math.cos(e)
        return np.array(
            [math.sin(a) * level, math.cos(a) * level, math.sin(e)], dtype=np.float32
        )

    @property
    def date_words(self) -> str:
        """Date, time, zone and offset, as ``20 March 2026, 16:00 CET (UTC+1)``."""
        offset = self.when.strftime("%z")
        hours, minutes = int(offset[:3]), offset[3:5]
        shift = f"UTC{hours:+d}" + (f":{minutes}" if minutes != "00" else "")
        # strftime's month names follow the machine's language; pictures must not.
        day = f"{self.when.day} {MONTHS[self.when.month - 1]} {self.when:%Y, %H:%M}"
        return f"{day} {self.when.tzname()} ({shift})"

    @property
    def place_words(self) -> str:
        """Height and side, as ``sun 19° high in the west-south-west``."""
        if not self.is_up:
            return "sun below the horizon"
        side = COMPASS[round(self.azimuth / 22.5) % 16]
        return f"sun {self.elevation:.0f}° high in the {side}"


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
        With the time in Swedish local time.

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
    )


def day_path(
    when: pd.Timestamp, *, latitude: float, longitude: float
) -> NDArray[np.float64]:
    """Return the sun's way on one day, (n, 2): azimuth and elevation above 0 [degrees].

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
