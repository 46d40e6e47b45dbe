"""Read typical years made by weather services: EPW text, PVGIS JSON."""

import csv
import json
import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.errors import SourceError
from gis.sources.weather_hours import VALUES, RawYear, brief
from gis.typical_year import NOMINAL_YEAR

# EnergyPlus Auxiliary Programs, "EPW CSV format": position of the column (from 0) and the
# value from which on it means missing.
_EPW_COLUMNS = {
    "ghi": (13, 9999.0),
    "dni": (14, 9999.0),
    "dhi": (15, 9999.0),
    "temp_air": (6, 99.9),
    "wind_speed": (21, 999.0),
}
_EPW_HEADER = 8  # lines
_EPW_FEWEST = 22  # columns up to wind speed
_PVGIS_COLUMNS = {
    "ghi": "G(h)",
    "dni": "Gb(n)",
    "dhi": "Gd(h)",
    "temp_air": "T2m",
    "wind_speed": "WS10m",
}


def read_epw_hours(text: str, name: str) -> RawYear:
    """Read an EnergyPlus weather file.

    Parameters
    ----------
    text : str
        Eight header lines and one line for each hour of local standard time, hour 1 being
        0 to 1 o'clock; several lines an hour are averaged.
    name : str
        Of the file, for messages.

    Returns
    -------
    RawYear
        In UTC from 1 January, 0 h; the hours that the time zone moves over New Year stand
        at the other end. Months of different years are put into one nominal year.

    Raises
    ------
    SourceError
        If header or lines are not those of an EPW file of one year.

    Notes
    -----
    Compared with pvlib's reader in tests/gis/test_weather_files.py; this one names the
    faulty line and does not depend on the years in the file.
    """
    lines = text.splitlines()
    place = next(csv.reader(lines[:1]), [])
    if not lines or place[:1] != ["LOCATION"] or len(place) < 10:
        _refuse(name, f"begin with LOCATION and its nine values, got {brief(text[:40])}")
    latitude, longitude, zone = _floats(place[6:9], name, "line 1")
    if abs(latitude) > 90.0 or abs(longitude) > 180.0 or abs(zone) > 14.0:
        _refuse(name, f"name a place on Earth, got {', '.join(place[6:9])}")
    rows = [line.split(",") for line in lines[_EPW_HEADER:] if line.strip()]
    for number, row in enumerate(rows, start=_EPW_HEADER + 1):
        if len(row) < _EPW_FEWEST:
            _refuse(
                name, f"have {_EPW_FEWEST} cells or more, got {len(row)} in line {number}"
            )
    stamps = np.array([_floats(row[:4], name, f"line {_EPW_HEADER + n}")
                       for n, row in enumerate(rows, start=1)]).reshape(-1, 4)  # fmt: skip
    values = {
        key: np.array([_float(row[at], name, f"line {_EPW_HEADER + n}")
                       for n, row in enumerate(rows, start=1)])
        for key, (at, _) in _EPW_COLUMNS.items()
    }  # fmt: skip
    for key, (_, missing) in _EPW_COLUMNS.items():
        values[key] = np.where(values[key] >= missing, np.nan, values[key])
    return _nominal_year(
        pd.DataFrame(values),
        stamps - np.array([0.0, 0.0, 0.0, 1.0]),
        zone=zone,
        place=(latitude, longitude),
        name=name,
        source=f"EPW file {name}: {_words(place[1:5])}",
    )


def read_pvgis_hours(text: str, name: str) -> RawYear:
    """Read the typical year of PVGIS (tool ``tmy``, output format JSON).

    Parameters
    ----------
    text : str
        The reply as it was saved.
    name : str
        Of the file, for messages.

    Returns
    -------
    RawYear
        UTC, months of different years put into one nominal year.

    Raises
    ------
    SourceError
        If it is not such a reply.
    """
    try:
        reply = json.loads(text)
        hourly = reply["outputs"]["tmy_hourly"]
        location = reply["inputs"]["location"]
        place = (float(location["latitude"]), float(location["longitude"]))
        times = pd.to_datetime([row["time(UTC)"] for row in hourly], format="%Y%m%d:%H%M")
        values = {
            key: np.array([float(row[column]) for row in hourly])
            for key, column in _PVGIS_COLUMNS.items()
        }
    except RecursionError as error:
        message = f"{name} must be JSON of PVGIS, got deep nesting; fetch it again"
        raise SourceError(message) from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        message = (
            f"{name} must be the JSON of PVGIS' typical year (tmy), got a fault at "
            f"{brief(error)}; fetch it again"
        )
        raise SourceError(message) from error
    stamps = np.column_stack([times.year, times.month, times.day, times.hour]).astype(
        np.float64
    )
    return _nominal_year(
        pd.DataFrame(values),
        stamps,
        zone=0.0,
        place=place,
        name=name,
        source=f"PVGIS typical year {name} ((c) European Union, PVGIS)",
    )


def _nominal_year(
    values: pd.DataFrame,
    stamps: npt.NDArray[np.float64],
    *,
    zone: float,
    place: tuple[float, float],
    name: str,
    source: str,
) -> RawYear:
    """Put local hours (year, month, day, hour from 0) into one year of UTC hours."""
    notes: list[str] = []
    hours = values.groupby([pd.Series(stamps[:, column]) for column in (1, 2, 3)]).mean()
    if len(values) > len(hours):
        notes.append(f"{len(values)} lines were averaged to {len(hours)} hours.")
    years = np.unique(stamps[:, 0])
    leap = len(hours) == 8784
    one = len(years) == 1 and _is_leap(int(years[0])) == leap
    if leap and not one:
        hours = hours.drop(index=(2.0, 29.0))
        notes.append("29 February was left out, as the months come from different years.")
    year = int(years[0]) if one else NOMINAL_YEAR
    local = pd.date_range(f"{year}-01-01", f"{year + 1}-01-01", freq="h", inclusive="left")
    expected = np.column_stack([local.month, local.day, local.hour])
    found = np.array(hours.index.to_list()).reshape(-1, 3)
    if len(found) != len(expected) or (found != expected).any():
        _refuse(
            name,
            f"hold each hour of a year once, got {len(found)} of {len(expected)} hours",
        )
    if not one:
        notes.append(f"A typical year of several years' months; labelled as {year}.")
    # Half-hour zones keep whole labels; the search for the sun finds their offset.
    table = pd.DataFrame(
        np.roll(hours[list(VALUES)].to_numpy(), -math.ceil(zone), axis=0),
        index=local.tz_localize("UTC"),
        columns=list(VALUES),
    )
    return RawYear(
        table=table,
        latitude=place[0],
        longitude=place[1],
        source=source,
        notes=tuple(notes),
    )


def _words(cells: list[str]) -> str:
    """Join what the header says of the place, without placeholders."""
    words = ("".join(filter(str.isprintable, cell)).strip()[:40] for cell in cells)
    return ", ".join(word for word in words if word not in ("", "-"))


def _is_leap(year: int) -> bool:
    """Tell whether the year has a 29 February."""
    return bool(pd.Timestamp(year=min(max(year, 1700), 2200), month=1, day=1).is_leap_year)


def _floats(cells: list[str], name: str, where: str) -> list[float]:
    """Read numbers."""
    return [_float(cell, name, where) for cell in cells]


def _float(cell: str, name: str, where: str) -> float:
    """Read one finite number."""
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        _refuse(name, f"hold numbers, got {brief(cell)} in {where}")
    return number


def _refuse(name: str, what: str) -> None:
    """Raise the one line on a file that is not what it should be."""
    message = f"{name} must {what}; get the file again"
    raise SourceError(message)
