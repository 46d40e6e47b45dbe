"""Bake the sun's path on three days of the year into tables."""

import pandas as pd
from pvlib import solarposition

from gis.grid_north import grid_convergence

ZONE = "Europe/Stockholm"
STEP = 10  # [min]
DAYS = ((3, 21, "21 March"), (6, 21, "21 June"), (12, 21, "21 December"))
SHOWN_FIRST = 0  # at the equinox the shadows are neither shortest nor longest
OPENING = 15 * 60  # [min] the afternoon hour with which a page opens
DAYLIGHT = (
    3 * 60 + 30,
    22 * 60,
)  # [min] holds the longest day of the latitudes of the plan


def sun_days(latitude: float, longitude: float, *, year: int) -> list[dict[str, object]]:
    """Return azimuth and elevation of the sun for the days of `DAYS`.

    Parameters
    ----------
    latitude, longitude : float
        WGS84 [degrees].
    year : int
        The sun of a date differs between years by a tenth of a degree.

    Returns
    -------
    list of dict
        For each day ``label``, ``zone`` (abbreviated), ``step`` [min], ``azimuth`` from
        the plan's north and ``elevation`` (apparent, with refraction) [degrees] from
        local midnight on.
    """
    turn = grid_convergence(latitude, longitude)
    tables: list[dict[str, object]] = []
    for number, (month, day, label) in enumerate(DAYS):
        start = pd.Timestamp(year=year, month=month, day=day, tz=ZONE)
        times = start + pd.to_timedelta(range(0, 24 * 60, STEP), unit="min")
        sun = solarposition.get_solarposition(times, latitude, longitude)
        tables.append(
            {
                "label": label,
                "zone": str(start.tzname()),
                "step": STEP,
                "earliest": DAYLIGHT[0],
                "latest": DAYLIGHT[1],
                "opening": OPENING,
                "shown_first": number == SHOWN_FIRST,
                "azimuth": [
                    round(float(value - turn) % 360, 2) for value in sun["azimuth"]
                ],
                "elevation": [
                    round(float(value), 2) for value in sun["apparent_elevation"]
                ],
            }
        )
    return tables
