"""Read a year of weather from a file of any known format."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from gis.errors import SourceError, TableError, WeatherError
from gis.sources.weather_csv import read_csv_hours
from gis.sources.weather_folder import join_hours, weather_files_in
from gis.sources.weather_hours import (
    VALUES,
    NotAYearError,
    RawHours,
    RawYear,
    one_year,
    read_text,
    whole_stretch,
)
from gis.sources.weather_json import read_json_hours
from gis.sources.weather_models import read_epw_hours
from gis.sources.weather_smhi import is_metobs_csv, read_metobs_csv
from gis.weather import (
    HOUR,
    IRRADIANCE,
    RANGES,
    Weather,
    count_steps,
    make_weather,
    place_or_district,
)
from gis.weather_clock import find_sun_offset
from gis.weather_gaps import MOST_REPLACED, fill_year


def _read_text_hours(
    text: str, name: str, *, step_minutes: float | None = HOUR
) -> RawHours:
    """Read a CSV table, SMHI's or any other."""
    if is_metobs_csv(text):
        return read_metobs_csv(text, name)
    return read_csv_hours(text, name, step_minutes=step_minutes)


READERS: dict[str, Callable[[str, str], RawYear | RawHours]] = {
    ".csv": _read_text_hours,
    ".txt": _read_text_hours,
    ".epw": read_epw_hours,
    ".json": read_json_hours,
}

TEXTS = (".csv", ".txt")
"""Files whose steps may be finer than an hour; all others hold hours."""

# Of a part of the year, from the darkest month with a sun to a polar summer.
_LEAST_PART, _MOST_PART = 20.0, 4000.0
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
    raw = _raw(Path(path), step_minutes=HOUR)
    if isinstance(raw, RawHours):
        _check_quantities(raw, Path(path).name)
        least = None if reference is None else 1.0 - MOST_REPLACED
        return _weather(one_year(raw, year=year, least=least), reference)
    held = pd.DatetimeIndex(raw.table.index)[0].year
    if year not in (None, held):
        message = f"{path} holds one year, labelled {held}, got year={year}; leave it out"
        raise WeatherError(message)
    return _weather(raw, reference)


def read_series(
    path: Path, *, step_minutes: float | None = None, reference: Weather | None = None
) -> Weather:
    """Read, align, complete and check weather in the steps that the file has.

    Parameters
    ----------
    path : Path
        As of `read_weather`.
    step_minutes : float, optional
        Steps to average to, one of `gis.weather.STEPS`; by default those of the file.
    reference : Weather or None
        A year of hours that stands in for gaps too long for their neighbours.

    Returns
    -------
    Weather
        One year where the file holds one, else all from its first to its last step, a day
        at least; a note says so.

    Raises
    ------
    SourceError, TableError, WeatherError
        As `read_weather`, or if the file has no such steps.
    """
    raw = _raw(Path(path), step_minutes=step_minutes)
    if step_minutes not in (None, raw.step_minutes):
        message = (
            f"{Path(path).name} has steps of {raw.step_minutes:g} min, got a wish for "
            f"{step_minutes:g} min; only finer steps can be averaged"
        )
        raise WeatherError(message)
    if isinstance(raw, RawYear):
        return _weather(raw, reference)
    _check_quantities(raw, Path(path).name)
    try:
        return _weather(one_year(raw), reference)
    except NotAYearError:
        return _weather(whole_stretch(raw), reference, part=True)


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
    raw = _raw(Path(path), step_minutes=HOUR)
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


def read_hours(path: Path, *, step_minutes: float | None = HOUR) -> RawHours:
    """Read the hours of a file or folder as they stand, whatever their number.

    Parameters
    ----------
    path : Path
        As of `read_weather`; nothing is repaired.
    step_minutes : float or None
        Steps to average to [min]; None keeps those of the file.

    Returns
    -------
    RawHours
        With some of the columns ``ghi, dni, dhi, temp_air, wind_speed`` or others.

    Raises
    ------
    SourceError, TableError, WeatherError
        If the file cannot be read.
    """
    raw = _raw(Path(path), step_minutes=step_minutes)
    if isinstance(raw, RawHours):
        return raw
    return RawHours(raw.table, raw.latitude, raw.longitude, raw.source, raw.notes)


def _raw(path: Path, *, step_minutes: float | None) -> RawYear | RawHours:
    """Read a file, or the files of a folder, by their suffix."""
    if path.is_dir() and not path.suffix:
        files = weather_files_in(path, tuple(READERS))
        parts = []
        for file in files:
            part = _raw(file, step_minutes=step_minutes)
            if isinstance(part, RawYear):
                message = (
                    f"a folder of weather must hold series, got the typical year "
                    f"{file.name}; give that file alone"
                )
                raise SourceError(message)
            parts.append(part)
        if len({part.step_minutes for part in parts}) > 1:
            # Minutes beside hours: what can be joined are hours.
            return _raw(path, step_minutes=HOUR)
        return join_hours(parts, path.name)
    suffix = path.suffix.lower()
    if suffix in TEXTS:
        return _read_text_hours(read_text(path), path.name, step_minutes=step_minutes)
    reader = READERS.get(suffix)
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


def _weather(raw: RawYear, reference: Weather | None, *, part: bool = False) -> Weather:
    """Make a checked year, or a part of one, of what a reader found."""
    notes = list(raw.notes)
    if part:
        index = pd.DatetimeIndex(raw.table.index)
        notes.append(
            f"The weather is no year: sums are those of {index[0]:%Y-%m-%d %H:%M} to "
            f"{index[-1] + pd.Timedelta(minutes=raw.step_minutes):%Y-%m-%d %H:%M} UTC."
        )
    table = _plausible(raw, notes, part=part)
    latitude, longitude = place_or_district(raw.latitude, raw.longitude)
    if raw.latitude is None:
        notes.append("The file names no place; the sun is computed for the district.")
    table, minutes = _aligned(table, raw, notes, part=part)
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
        part=part,
    )


def _plausible(raw: RawYear, notes: list[str], *, part: bool) -> pd.DataFrame:
    """Turn sentinels to NaN and night offsets to zero; refuse wrong units."""
    clean = raw.table.reindex(columns=list(VALUES)).astype(np.float64)
    negative = np.zeros(len(clean), dtype=np.bool_)
    for name in IRRADIANCE:
        values = clean[name]
        high = RANGES[name][1]
        positive = values > 0.0
        if (values > high).sum() > _MOST_SPOILED * max(int(positive.sum()), 1):
            message = (
                f"{name.upper()} must be in W/m2, got {values.max():,.0f} at most and more "
                f"than {high:,.0f} in "
                f"{count_steps(int((values > high).sum()), raw.step_minutes)}; "
                "divide J/m2 per hour by 3600"
            )
            raise WeatherError(message)
        offset = (values < 0.0) & (values >= _NIGHT_OFFSET)
        negative |= offset.to_numpy()
        clean[name] = values.mask(offset, 0.0)
    _check_units(clean, part=part)
    dropped = 0
    for name, (low, high, _) in RANGES.items():
        outside = (clean[name] < low) | (clean[name] > high)
        dropped += int(outside.sum())
        clean[name] = clean[name].mask(outside)
    if count := int(negative.sum()):
        notes.append(
            "Small negative radiation was set to 0 in "
            f"{count_steps(count, raw.step_minutes)} (zero offset)."
        )
    if dropped:
        notes.append(f"{dropped} values out of range (such as -999) were taken as missing.")
    return clean


def _check_units(table: pd.DataFrame, *, part: bool) -> None:
    """Refuse sums and means that only another unit explains."""
    least, most = (_LEAST_PART, _MOST_PART) if part else (_LEAST_GHI, _MOST_GHI)
    ghi, (low, high, _) = table["ghi"], RANGES["ghi"]
    ghi = ghi[(ghi >= low) & (ghi <= high)]
    if len(ghi):
        annual = float(ghi.mean()) * 8.76
        if not least <= annual <= most:
            message = (
                f"GHI must sum up to {least:g} to {most:g} kWh/m2 a year, "
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
    table: pd.DataFrame, raw: RawYear, notes: list[str], *, part: bool
) -> tuple[pd.DataFrame, float]:
    """Find the sun of the labels; move labels by whole steps where they need it."""
    step = raw.step_minutes
    fit = find_sun_offset(table, latitude=raw.latitude, longitude=raw.longitude)
    if not fit.decisive:
        return table, step / 2.0
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
    every = "hour" if step == HOUR else "step"
    notes.append(
        f"The sun {fit.minutes:+g} min from the labels fits the radiation better than the "
        f"middle of the {every} (by {fit.method}, {misfit}); it is used."
    )
    # Offsets of 0 to 60 min belong to the labelled hour; the rest are other labels.
    slack = step / 4.0
    within = -slack <= fit.minutes <= step + slack
    shift = 0 if within else int(np.floor((fit.minutes + slack) / step))
    if shift == 0:
        return table, fit.minutes
    away = f"{shift:+d} h" if step == HOUR else f"{shift * step:+g} min"
    if part:
        notes.append(f"Labels were moved by {away} to the start of the {every}.")
        moved = table.set_axis(table.index + pd.Timedelta(minutes=shift * step), axis=0)
        return moved, fit.minutes - step * shift
    notes.append(
        f"Labels were moved by {away} to the start of the {every}; what left the year "
        "at one end stands at the other."
    )
    moved = pd.DataFrame(
        np.roll(table.to_numpy(), shift, axis=0), index=table.index, columns=table.columns
    )
    return moved, fit.minutes - step * shift
