"""Read a year of weather from a file of any known format."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from gis.errors import SourceError, TableError, WeatherError
from gis.sources.weather_csv import read_csv_hours
from gis.sources.weather_folder import join_hours, weather_files_in
from gis.sources.weather_hours import VALUES, RawHours, RawYear, one_year, read_text
from gis.sources.weather_json import read_json_hours
from gis.sources.weather_models import read_epw_hours
from gis.sources.weather_smhi import is_metobs_csv, read_metobs_csv
from gis.weather import (
    IRRADIANCE,
    MIDDLE_OF_HOUR,
    RANGES,
    Weather,
    make_weather,
    place_or_district,
)
from gis.weather_clock import find_sun_offset
from gis.weather_gaps import MOST_REPLACED, fill_year


def _read_text_hours(text: str, name: str) -> RawHours:
    """Read a CSV table, SMHI's or any other."""
    return (
        read_metobs_csv(text, name) if is_metobs_csv(text) else read_csv_hours(text, name)
    )


READERS: dict[str, Callable[[str, str], RawYear | RawHours]] = {
    ".csv": _read_text_hours,
    ".txt": _read_text_hours,
    ".epw": read_epw_hours,
    ".json": read_json_hours,
}

# Yearly GHI on Earth lies between the poles' and the Atacama's [kWh/m2].
_LEAST_GHI, _MOST_GHI = 300.0, 2800.0
_NIGHT_OFFSET = -20.0  # [W/m2] zero offsets of pyranometers at night are a few watts
_MOST_SPOILED = 0.2  # share of sun hours above the range that is no longer a sentinel
_PLAUSIBLE_AIR = (-30.0, 40.0)  # [degC] median of a year


def read_weather(
    path: Path, *, year: int | None = None, reference: Weather | None = None
) -> Weather:
    """Read, align, complete and check one year of weather.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.txt`` with a header (see docs/weather.md) or of SMHI, ``.epw``,
        ``.json`` of PVGIS (tmy, seriescalc) or SMHI, or a folder of such files that are
        joined.
    year : int or None
        Calendar year to take where the hours span several; None takes the fullest.
    reference : Weather or None
        Another year that stands in for gaps too long for their neighbours; None refuses
        them.

    Returns
    -------
    Weather
        Its notes and flags say everything that was assumed or repaired.

    Raises
    ------
    SourceError
        If the file cannot be read or is of no known format.
    TableError
        If columns are missing or hold text for numbers.
    WeatherError
        If the hours are not one plausible year.
    """
    raw = _raw(Path(path))
    if isinstance(raw, RawHours):
        _check_quantities(raw, Path(path).name)
        least = None if reference is None else 1.0 - MOST_REPLACED
        return _weather(one_year(raw, year=year, least=least), reference)
    held = pd.DatetimeIndex(raw.table.index)[0].year
    if year not in (None, held):
        message = f"{path} holds one year, labelled {held}, got year={year}; leave it out"
        raise WeatherError(message)
    return _weather(raw, reference)


def read_years(path: Path) -> tuple[Weather, ...]:
    """Read every full calendar year of a file or folder.

    Parameters
    ----------
    path : Path
        As of `read_weather`.

    Returns
    -------
    tuple of Weather
        One or more, rising; a year that cannot be completed is left out.

    Raises
    ------
    HeidiError
        As `read_weather`, if no year can be used.
    """
    raw = _raw(Path(path))
    if not isinstance(raw, RawHours):
        return (_weather(raw, None),)
    _check_quantities(raw, Path(path).name)
    found, failed = [], None
    for year in raw.years:
        try:
            found.append(_weather(one_year(raw, year=year), None))
        except WeatherError as error:
            failed = error
    if found:
        return tuple(found)
    if failed is not None:
        raise failed
    return (_weather(one_year(raw), None),)


def read_hours(path: Path) -> RawHours:
    """Read the hours of a file or folder as they stand, whatever their number.

    Parameters
    ----------
    path : Path
        As of `read_weather`; finer steps are averaged to hours, nothing is repaired.

    Returns
    -------
    RawHours
        With some of the columns ``ghi, dni, dhi, temp_air, wind_speed`` or others.

    Raises
    ------
    SourceError, TableError, WeatherError
        If the file cannot be read.
    """
    raw = _raw(Path(path))
    if isinstance(raw, RawHours):
        return raw
    return RawHours(raw.table, raw.latitude, raw.longitude, raw.source, raw.notes)


def _raw(path: Path) -> RawYear | RawHours:
    """Read a file, or the files of a folder, by their suffix."""
    if path.is_dir() and not path.suffix:
        files = weather_files_in(path, tuple(READERS))
        parts = []
        for file in files:
            part = _raw(file)
            if isinstance(part, RawYear):
                message = (
                    f"a folder of weather must hold series, got the typical year "
                    f"{file.name}; give that file alone"
                )
                raise SourceError(message)
            parts.append(part)
        return join_hours(parts, path.name)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        message = f"weather must be one of {known}, got {path.name!r}; convert or rename it"
        raise SourceError(message)
    return reader(read_text(path), path.name)


def _check_quantities(raw: RawHours, name: str) -> None:
    """Refuse a series that lacks radiation or temperature."""
    held = set(raw.table.columns)
    if "temp_air" in held and ("ghi" in held or {"dni", "dhi"} <= held):
        return
    message = (
        f"{name} must hold air temperature and GHI (or DNI and DHI), got "
        f"{', '.join(map(str, raw.table.columns))} only; put the files of all quantities "
        "into one folder and give the folder"
    )
    raise TableError(message)


def _weather(raw: RawYear, reference: Weather | None) -> Weather:
    """Make a checked year of what a reader found."""
    notes = list(raw.notes)
    table = _plausible(raw.table, notes)
    latitude, longitude = place_or_district(raw.latitude, raw.longitude)
    if raw.latitude is None:
        notes.append("The file names no place; the sun is computed for the district.")
    table, minutes = _aligned(table, raw, notes)
    done = fill_year(
        table,
        latitude=latitude,
        longitude=longitude,
        sun_offset_minutes=minutes,
        reference=reference,
    )
    return make_weather(
        done.table,
        latitude=raw.latitude,
        longitude=raw.longitude,
        source=raw.source,
        notes=(*notes, *done.notes),
        sun_offset_minutes=minutes,
        flags=done.flags,
    )


def _plausible(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Turn sentinels to NaN and night offsets to zero; refuse wrong units."""
    clean = table.reindex(columns=list(VALUES)).astype(np.float64)
    negative = np.zeros(len(clean), dtype=np.bool_)
    for name in IRRADIANCE:
        values = clean[name]
        high = RANGES[name][1]
        positive = values > 0.0
        if (values > high).sum() > _MOST_SPOILED * max(int(positive.sum()), 1):
            message = (
                f"{name.upper()} must be in W/m2, got {values.max():,.0f} at most and more "
                f"than {high:,.0f} in {int((values > high).sum())} hours; "
                "divide J/m2 per hour by 3600"
            )
            raise WeatherError(message)
        offset = (values < 0.0) & (values >= _NIGHT_OFFSET)
        negative |= offset.to_numpy()
        clean[name] = values.mask(offset, 0.0)
    _check_units(clean)
    dropped = 0
    for name, (low, high, _) in RANGES.items():
        outside = (clean[name] < low) | (clean[name] > high)
        dropped += int(outside.sum())
        clean[name] = clean[name].mask(outside)
    if count := int(negative.sum()):
        notes.append(
            f"Small negative radiation was set to 0 in {count} hours (zero offset)."
        )
    if dropped:
        notes.append(f"{dropped} values out of range (such as -999) were taken as missing.")
    return clean


def _check_units(table: pd.DataFrame) -> None:
    """Refuse sums and means that only another unit explains."""
    ghi, (low, high, _) = table["ghi"], RANGES["ghi"]
    ghi = ghi[(ghi >= low) & (ghi <= high)]
    if len(ghi):
        annual = float(ghi.mean()) * 8.76
        if not _LEAST_GHI <= annual <= _MOST_GHI:
            message = (
                f"GHI must sum up to {_LEAST_GHI:g} to {_MOST_GHI:g} kWh/m2 a year, "
                f"got {annual:.4g}; give W/m2 "
                "(1000 times kWh/m2 per hour, J/m2 per hour divided by 3600)"
            )
            raise WeatherError(message)
    air = table["temp_air"].dropna()
    if len(air) and not _PLAUSIBLE_AIR[0] <= air.median() <= _PLAUSIBLE_AIR[1]:
        message = (
            f"temperature must be in degC, got a median of {air.median():g}; convert it"
        )
        raise WeatherError(message)


def _aligned(
    table: pd.DataFrame, raw: RawYear, notes: list[str]
) -> tuple[pd.DataFrame, float]:
    """Find the sun of the labels; move labels by whole hours where they need it."""
    fit = find_sun_offset(table, latitude=raw.latitude, longitude=raw.longitude)
    if not fit.decisive:
        return table, MIDDLE_OF_HOUR
    if fit.out_of_range:
        message = (
            "the radiation must fit the sun at the file's place, got the best fit "
            f"{fit.minutes:+g} min or more from the labels; check time zone and place"
        )
        raise WeatherError(message)
    misfit = {
        "closure": f"RMSE {fit.error:.1f} instead of {fit.error_at_middle:.1f} W/m2",
        "clear days": f"{fit.samples} clear days",
    }.get(fit.method, "")
    notes.append(
        f"The sun {fit.minutes:+g} min from the labels fits the radiation better than the "
        f"middle of the hour (by {fit.method}, {misfit}); it is used."
    )
    # Offsets of 0 to 60 min belong to the labelled hour; the rest are other labels.
    shift = (
        int(np.floor((fit.minutes + 15.0) / 60.0)) if not -15 <= fit.minutes <= 75 else 0
    )
    if shift == 0:
        return table, fit.minutes
    notes.append(
        f"Labels were moved by {shift:+d} h to the start of the hour; what left the year "
        "at one end stands at the other."
    )
    moved = pd.DataFrame(
        np.roll(table.to_numpy(), shift, axis=0), index=table.index, columns=table.columns
    )
    return moved, fit.minutes - 60.0 * shift
