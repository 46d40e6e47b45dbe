"""Read observations and radiation fields of SMHI, one quantity a file."""

import csv
import re
from dataclasses import dataclass

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

CREDIT = "SMHI, CC BY 4.0"
_MOST_ROWS = 5_000_000  # 100 years of hours four times over


@dataclass(frozen=True)
class _Quantity:
    """A column, what an SMHI file calls it, and how much its label is late [h]."""

    column: str
    word: str
    late: int = 0


# https://opendata.smhi.se/metobs: parameters of one value an hour. Hourly means and sums
# carry the end of their hour, momentary values their own time.
METOBS: dict[int, _Quantity] = {
    1: _Quantity("temp_air", "lufttemperatur"),
    3: _Quantity("wind_direction", "vindriktning"),
    4: _Quantity("wind_speed", "vindhastighet"),
    6: _Quantity("relative_humidity", "relativ luftfuktighet"),
    7: _Quantity("precipitation", "nederbördsmängd", late=1),
    9: _Quantity("pressure", "lufttryck"),
    11: _Quantity("ghi", "global irradians", late=1),
    39: _Quantity("dew_point", "daggpunktstemperatur"),
}
# Momentary values of the full hour; the search for the sun finds that again.
STRANG: dict[int, str] = {
    117: "ghi",
    118: "dni",
    121: "beam_horizontal",
    122: "dhi",
}
_STRANG_OTHERS = {116: "UV", 119: "sunshine", 120: "PAR"}
_GOOD, _COARSE = "G", "Y"
_HOURLY = ("1 gång/tim", "1 timme")
_STRANG_NUMBER = re.compile(r"(?<!\d)(11[6-9]|12[0-2])(?!\d)")
_STRANG_MISSING = -900.0  # -999 and below


def is_metobs_csv(text: str) -> bool:
    """Tell whether a text is a CSV file of SMHI's observations.

    Parameters
    ----------
    text : str
        Of the file.

    Returns
    -------
    bool
        True if its preamble is SMHI's.
    """
    return text[:200].lstrip("\ufeff \r\n").lower().startswith("stationsnamn;")


def read_metobs_csv(text: str, name: str) -> RawHours:
    """Read a CSV file of SMHI's observations (metobs), one parameter.

    Parameters
    ----------
    text : str
        Preamble (station, parameter, periods of its place), a line that begins with
        ``Datum;Tid (UTC)``, then values with a quality code: G checked, Y checked coarsely.
    name : str
        Of the file, for messages.

    Returns
    -------
    RawHours
        One column, such as ``temp_air`` or ``ghi``; values of other codes are left out.
        The place is the station's last one.

    Raises
    ------
    SourceError
        If it is not such a file or the parameter is not an hourly one of `METOBS`.
    """
    lines = text.lstrip("\ufeff").splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("Datum;")), None)
    if start is None:
        message = (
            f"{name} must have a line that begins with Datum;Tid (UTC), got none; give an "
            "hourly parameter of SMHI's observations, whole"
        )
        raise SourceError(message)
    head = [line.split(";") for line in lines[:start]]
    station = _below(head, "stationsnamn")
    parameter = _below(head, "parameternamn")
    period = _below(head, "tidsperiod", last=True)
    words = parameter[0] if parameter else "".join(lines[start].split(";")[2:3])
    quantity = _metobs_quantity(None, words, " ".join(parameter[1:2]), name)
    rows = [row for row in csv.reader(lines[start + 1 :], delimiter=";") if any(row)]
    if any(len(row) < 4 for row in rows):
        bad = next(n for n, row in enumerate(rows, start=start + 2) if len(row) < 4)
        message = (
            f"{name} must have date, time, value and quality in each row, got less in "
            f"line {bad} or after; get the file again"
        )
        raise SourceError(message)
    stamps = [f"{row[0].strip()}T{row[1].strip()}" for row in rows]
    return _series(
        pd.to_datetime(pd.Series(stamps, dtype=str), format="%Y-%m-%dT%H:%M:%S",
                       utc=True, errors="coerce"),
        np.array([as_float(row[2].replace(",", ".")) for row in rows]),
        [row[3].strip() for row in rows],
        quantity,
        place=on_earth(*period[3:5]) if len(period) >= 5 else (None, None),
        station=station[0] if station else "",
        name=name,
    )  # fmt: skip


def read_metobs_json(reply: object, name: str) -> RawHours:
    """Read a JSON file of SMHI's observations (metobs), one parameter.

    Parameters
    ----------
    reply : object
        The parsed file: ``value`` (date in ms, value, quality), ``parameter``, ``station``,
        ``position``.
    name : str
        Of the file, for messages.

    Returns
    -------
    RawHours
        As of `read_metobs_csv`.

    Raises
    ------
    SourceError
        If it is not such a file or the parameter is not an hourly one of `METOBS`.
    """
    try:
        rows = reply["value"]  # type: ignore[index]
        about = reply["parameter"]  # type: ignore[index]
        station = str(reply.get("station", {}).get("name", ""))  # type: ignore[attr-defined]
        positions = reply.get("position") or [{}]  # type: ignore[attr-defined]
        place = on_earth(positions[-1].get("latitude"), positions[-1].get("longitude"))
        quantity = _metobs_quantity(
            int(as_float(about.get("key", 0))),
            str(about.get("name", "")),
            str(about.get("summary", "")),
            name,
        )
        rows = listed(rows, _MOST_ROWS, name, "values")
        dates = np.array([as_float(row["date"]) for row in rows])
        values = np.array([as_float(row["value"]) for row in rows])
        codes = [str(row.get("quality", "")) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        message = (
            f"{name} must be the JSON of SMHI's observations, got a fault at "
            f"{brief(error)}; get the file again"
        )
        raise SourceError(message) from error
    # Beyond this no moment can be held; 1e14 ms is the year 5138.
    known = np.where(np.abs(dates) < 1e14, dates, np.nan)
    times = pd.Series(pd.to_datetime(known, unit="ms", utc=True, errors="coerce"))
    return _series(times, values, codes, quantity, place=place, station=station, name=name)


def read_strang(reply: object, name: str) -> RawHours:
    """Read a point series of SMHI's radiation model STRANG.

    Parameters
    ----------
    reply : object
        The parsed JSON: a list of ``date_time`` (UTC) and ``value`` [W/m2].
    name : str
        Of the file; it must tell the parameter, as in ``strang_117.json``, because the
        reply does not.

    Returns
    -------
    RawHours
        One column: ``ghi`` (117), ``dni`` (118), ``beam_horizontal`` (121) or ``dhi``
        (122). The reply names no place.

    Raises
    ------
    SourceError
        If it is not such a series or the name does not tell which.
    """
    rows = listed(reply, _MOST_ROWS, name, "pairs of date_time and value")
    found = {int(number) for number in _STRANG_NUMBER.findall(name)}
    if len(found) != 1:
        message = (
            f"a STRANG file must tell its parameter in its name, got {brief(name)}; call "
            "it strang_117.json for GHI, 118 is DNI, 121 direct horizontal, 122 DHI"
        )
        raise SourceError(message)
    number = found.pop()
    if number not in STRANG:
        message = (
            f"{name} must be radiation (117, 118, 121, 122), got parameter {number} "
            f"({_STRANG_OTHERS[number]}); leave it out"
        )
        raise SourceError(message)
    try:
        stamps = pd.Series([str(row["date_time"]) for row in rows])
        values = np.array([as_float(row["value"]) for row in rows])
    except (KeyError, TypeError) as error:
        message = (
            f"{name} must be the JSON of STRANG, got a fault at {brief(error)}; "
            "fetch it again"
        )
        raise SourceError(message) from error
    times = pd.to_datetime(stamps, format="ISO8601", utc=True, errors="coerce")
    values = np.where(values > _STRANG_MISSING, values, np.nan)
    notes = ["The hours come from SMHI's radiation model STRANG, not from an instrument."]
    return RawHours(
        table=_table(times, values, STRANG[number], notes, name),
        latitude=None,
        longitude=None,
        source=f"STRANG {number} {name} ({CREDIT})",
        notes=tuple(notes),
    )


def _below(head: list[list[str]], first: str, *, last: bool = False) -> list[str]:
    """Cells of the line (or the last of the lines) under the heading ``first``."""
    at = next(
        (n for n, row in enumerate(head) if row[0].strip().lower().startswith(first)), None
    )
    if at is None:
        return []
    lines = []
    for row in head[at + 1 :]:
        if not any(cell.strip() for cell in row):
            break
        lines.append([cell.strip() for cell in row])
    return (lines[-1] if last else lines[0]) if lines else []


def _metobs_quantity(key: int | None, words: str, summary: str, name: str) -> _Quantity:
    """Find the quantity by number or Swedish name; refuse daily and unknown ones."""
    plain = words.strip().lower()
    match = METOBS.get(key) if key is not None else None
    if match is None and key is None:
        match = next((q for q in METOBS.values() if plain.startswith(q.word)), None)
    hourly = not summary or any(part in summary.lower() for part in _HOURLY)
    if match is None or not hourly:
        known = ", ".join(map(str, METOBS))
        message = (
            f"{name} must hold an hourly parameter of SMHI ({known}), got "
            f"{brief(f'{words} {summary}'.strip())}; choose another parameter"
        )
        raise SourceError(message)
    return match


def _series(
    times: "pd.Series[pd.Timestamp]",
    values: "np.ndarray",
    codes: list[str],
    quantity: _Quantity,
    *,
    place: tuple[float | None, float | None],
    station: str,
    name: str,
) -> RawHours:
    """Put observations into hours."""
    code = np.array(codes, dtype=object)
    known = (code == _GOOD) | (code == _COARSE)
    dropped, coarse = int((~known).sum()), int((code == _COARSE).sum())
    notes = []
    if coarse:
        notes.append(
            f"{coarse:,} of {len(code):,} values of {quantity.column} are checked coarsely "
            "only (quality Y)."
        )
    if dropped:
        notes.append(
            f"{dropped:,} values of {quantity.column} without quality G or Y were left out."
        )
    late = pd.Timedelta(hours=quantity.late)
    if quantity.late:
        notes.append(
            f"SMHI labels {quantity.column} by the end of the hour; its start is used."
        )
    where = "".join(filter(str.isprintable, station))[:60]
    return RawHours(
        table=_table(
            times - late, np.where(known, values, np.nan), quantity.column, notes, name
        ),
        latitude=place[0],
        longitude=place[1],
        source=f"SMHI observations {name}{', ' if where else ''}{where} ({CREDIT})",
        notes=tuple(notes),
    )


def _table(
    times: "pd.Series[pd.Timestamp]",
    values: "np.ndarray",
    column: str,
    notes: list[str],
    name: str,
) -> pd.DataFrame:
    """Hours of one column; refuses times that are none."""
    bad = times.isna().to_numpy()
    if not len(times) or bad.any():
        where = f"value {int(np.argmax(bad)) + 1}" if len(times) else "no values"
        message = f"{name} must hold a UTC time for each value, got {where}; get it again"
        raise SourceError(message)
    table = pd.DataFrame({column: values}, index=pd.DatetimeIndex(times))
    return whole_hours(table, notes)
