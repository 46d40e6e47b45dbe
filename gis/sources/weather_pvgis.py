"""Read the hourly series of PVGIS."""

import numpy as np
import pandas as pd

from gis.errors import SourceError
from gis.sources.weather_hours import (
    RawHours,
    as_float,
    brief,
    listed,
    on_earth,
    whole_hours,
)

_LEVEL = 0.5  # [degrees] up to which a plane counts as horizontal
_LOW_SUN = 3.0  # [degrees] below which beam cannot be told from its part on the ground
_MOST_ROWS = 1_000_000  # a century of hours
_INSTEAD = (
    "fetch seriescalc again with angle=0, aspect=0 and components=1, "
    "or the typical year (tmy)"
)


def read_pvgis_series(reply: object, name: str) -> RawHours:
    """Read the reply of PVGIS' tool ``seriescalc``, output format JSON.

    Parameters
    ----------
    reply : object
        The parsed reply. The plane must be horizontal: its light is the weather's then.
    name : str
        Of the file, for messages.

    Returns
    -------
    RawHours
        GHI [W/m2], air temperature [degC], wind speed [m/s]. With components (``Gb(i)``,
        ``Gd(i)``) also DHI, and DNI where the sun stands 3 degrees high or more; below
        that it follows later from closure. Labels are full hours: PVGIS stamps the minute
        of the satellite's overpass, and the search for the sun finds it again.

    Raises
    ------
    SourceError
        If it is not such a reply, or its light is that of a tilted or moving plane.

    Notes
    -----
    On a horizontal plane ``Gb(i) = DNI sin(H_sun)``, with the sun's height that the reply
    itself states, so that the beam is the one PVGIS started from. Checked in
    tests/gis/test_weather_series.py against a reply made from a known year.
    """
    try:
        inputs, rows = reply["inputs"], reply["outputs"]["hourly"]  # type: ignore[index]
        location = inputs["location"]
        mounting = inputs.get("mounting_system", {})
        rows = listed(rows, _MOST_ROWS, name, "hours in outputs.hourly")
        stamps = [str(row["time"]) for row in rows]
        times = pd.to_datetime(stamps, format="%Y%m%d:%H%M", utc=True)
        columns = {
            key: np.array([as_float(row.get(key)) for row in rows])
            for key in ("G(i)", "Gb(i)", "Gd(i)", "Gr(i)", "H_sun", "T2m", "WS10m")
        }
        place = on_earth(location["latitude"], location["longitude"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        message = (
            f"{name} must be the JSON of PVGIS' hourly series, got a fault at "
            f"{brief(error)}; fetch it again"
        )
        raise SourceError(message) from error
    _check_plane(mounting, name)
    values, note = _light(columns, name)
    values["temp_air"] = columns["T2m"]
    values["wind_speed"] = columns["WS10m"]
    notes = [note]
    table = pd.DataFrame(values, index=pd.DatetimeIndex(times))
    return RawHours(
        table=whole_hours(table, notes),
        latitude=place[0],
        longitude=place[1],
        source=f"PVGIS hourly series {name} ((c) European Union, PVGIS)",
        notes=tuple(notes),
    )


def _check_plane(mounting: object, name: str) -> None:
    """Refuse light that fell on a tilted or moving plane."""
    fixed = mounting.get("fixed") if isinstance(mounting, dict) else None
    slope = fixed.get("slope") if isinstance(fixed, dict) else None
    degrees = as_float(slope.get("value") if isinstance(slope, dict) else slope)
    if abs(degrees) <= _LEVEL:
        return
    if isinstance(mounting, dict) and not isinstance(fixed, dict):
        moving = ", ".join(map(str, mounting)) or "no mounting"
        plane = f"a plane with {brief(moving)}"
    else:
        plane = f"a plane tilted by {degrees:g} degrees"
    message = (
        f"{name} must hold light on a horizontal plane, got only plane-of-array values of "
        f"{plane}; {_INSTEAD}"
    )
    raise SourceError(message)


def _light(columns: dict[str, np.ndarray], name: str) -> tuple[dict[str, np.ndarray], str]:
    """GHI, and DHI and DNI where the components are there [W/m2]."""
    beam, diffuse = columns["Gb(i)"], columns["Gd(i)"]
    if np.isnan(beam).all() or np.isnan(diffuse).all():
        if np.isnan(columns["G(i)"]).all():
            message = f"{name} must hold G(i) or its components, got neither; {_INSTEAD}"
            raise SourceError(message)
        return {"ghi": columns["G(i)"]}, (
            "The series was fetched without components; beam and diffuse are modelled."
        )
    height = np.sin(np.radians(columns["H_sun"]))
    up = columns["H_sun"] >= _LOW_SUN
    night = (beam <= 0.0) & (columns["H_sun"] <= 0.0)
    dni = np.where(up, beam / np.where(up, height, 1.0), np.where(night, 0.0, np.nan))
    # A level plane sees no ground; what is stated there is rounding.
    ghi = beam + diffuse + np.nan_to_num(columns["Gr(i)"])
    return {"ghi": ghi, "dni": dni, "dhi": diffuse}, (
        "DNI is the series' beam on the horizontal divided by the sine of its sun's height."
    )
