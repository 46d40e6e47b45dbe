"""Hold the hours of a weather file as its reader found them."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gis.errors import SourceError, WeatherError
from gis.weather import HOUR, STEPS, count_steps

VALUES = ("ghi", "dni", "dhi", "temp_air", "wind_speed")
MOST_BYTES = 500_000_000  # a year of minutes with fifty columns
MOST_JSON_BYTES = 100_000_000  # twenty years of hours; parsed JSON takes ten times more

_FEWEST_SAMPLES = 0.5  # share of an hour's samples that make a mean
_YEAR_SHARE = 0.9  # of the hours, without which it is no year
MOST_HOLES = 2  # times as many steps as rows, beyond which it is no one stretch of time
_EARLIEST, _LATEST = 1850, 2200  # no weather was logged before, and none will be soon


class NotAYearError(WeatherError):
    """Weather that does not cover a year."""


@dataclass(frozen=True)
class RawYear:
    """One year of hours, not yet checked.

    Attributes
    ----------
    table : pd.DataFrame
        UTC labels on whole steps without holes, such as 8,760 or 8,784 hours; some of
        `VALUES`, NaN where missing.
    latitude, longitude : float or None
        Place [degrees].
    source : str
        Origin in one line.
    notes : tuple of str
        What the reader did.
    step_minutes : float
        Length of a step [min].
    """

    table: pd.DataFrame
    latitude: float | None
    longitude: float | None
    source: str
    notes: tuple[str, ...] = ()
    step_minutes: float = HOUR


@dataclass(frozen=True)
class RawHours:
    """Hours, or finer steps, of any stretch of time, not yet checked.

    Attributes
    ----------
    table : pd.DataFrame
        UTC labels on whole steps, rising, holes allowed; some of `VALUES` or other
        quantities, NaN where missing.
    latitude, longitude : float or None
        Place [degrees].
    source : str
        Origin in one line.
    notes : tuple of str
        What the reader did.
    step_minutes : float
        Length of a step [min].
    """

    table: pd.DataFrame
    latitude: float | None
    longitude: float | None
    source: str
    notes: tuple[str, ...] = ()
    step_minutes: float = HOUR

    @property
    def years(self) -> tuple[int, ...]:
        """Calendar years of which nine tenths of the radiation or more are there."""
        index = pd.DatetimeIndex(self.table.index)
        known = index.year[_light(self.table).notna().to_numpy()]
        years, counts = np.unique(known, return_counts=True)
        return tuple(
            int(year)
            for year, count in zip(years, counts, strict=True)
            if count >= _YEAR_SHARE * len(_calendar_year(int(year), self.step_minutes))
        )


def whole_hours(values: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Bring rows in order and to means over whole hours: see `whole_steps`."""
    return whole_steps(values, notes, step_minutes=HOUR)[0]


def whole_steps(
    values: pd.DataFrame, notes: list[str], *, step_minutes: float | None = None
) -> tuple[pd.DataFrame, float]:
    """Bring rows in order and to means over whole steps.

    Parameters
    ----------
    values : (n, ...) pd.DataFrame
        Numbers, indexed by UTC moments in any order; NaN where missing.
    notes : list of str
        What was done is added here.
    step_minutes : float, optional
        One of `gis.weather.STEPS`, no finer than the rows; by default the rows' own.

    Returns
    -------
    table : pd.DataFrame
        Rising labels on whole steps; steps with less than half of their samples are NaN.
    minutes : float
        Their length [min].

    Raises
    ------
    WeatherError
        If a time has two values, rows are further apart than an hour, or finer steps are
        wanted than there are.
    """
    index = pd.DatetimeIndex(values.index)
    strange = (index.year < _EARLIEST) | (index.year > _LATEST)
    if strange.any():
        message = (
            f"times must lie in {_EARLIEST} to {_LATEST}, got "
            f"{index[int(np.argmax(strange))]:%Y-%m-%d}; mend the time stamps"
        )
        raise WeatherError(message)
    if not index.is_monotonic_increasing:
        values = values.sort_index(kind="stable")
        index = pd.DatetimeIndex(values.index)
        notes.append("Rows were not in order of time; they were sorted.")
    twice = index.duplicated(keep=False)
    if twice.any():
        same = values.reset_index(names="time").drop_duplicates()
        if same["time"].duplicated().any():
            message = (
                "each time must occur once, got different values twice for "
                f"{index[int(np.argmax(twice))]:%Y-%m-%d %H:%M} and "
                f"{int(twice.sum()) - 1} more rows; give UTC, not local time with "
                "daylight saving"
            )
            raise WeatherError(message)
        notes.append(f"{len(values) - len(same)} repeated rows were left out.")
        values = same.set_index("time")
        index = pd.DatetimeIndex(values.index)
    if len(index) < 2:
        message = (
            f"weather must cover a full year, got {len(index)} row; give a year of hours"
        )
        raise WeatherError(message)
    step = float(np.median(np.diff(index.to_numpy()) / np.timedelta64(1, "m")))
    if step > 60.0:
        message = (
            f"weather must come every hour or finer, got every {step:g} min; interpolate it"
        )
        raise WeatherError(message)
    wanted = _wanted_step(step, step_minutes)
    grid = index.floor(f"{wanted:g}min")
    if step == wanted and (index == grid).all():
        return values, wanted
    every = "hours" if wanted == HOUR else f"steps of {wanted:g} min"
    if step < wanted:
        notes.append(f"Values every {step:g} min were averaged to {every}.")
    elif wanted == HOUR:
        notes.append(f"Labels at minute {index[0].minute} were moved to the full hour.")
    else:
        notes.append(f"Labels were moved to the start of their {every}.")
    group = values.groupby(grid)
    enough = group.count() >= _FEWEST_SAMPLES * wanted / step
    return group.mean().where(enough), wanted


def _wanted_step(own: float, wanted: float | None) -> float:
    """Return the step to bring rows to; refuse what cannot be."""
    if wanted is None:
        wanted = own
    if wanted not in STEPS or wanted < own:
        message = (
            f"steps of weather must be one of {', '.join(map(str, STEPS))} min and no "
            f"finer than the file's, got {wanted:g} min from a file of {own:g} min; "
            "choose another"
        )
        raise WeatherError(message)
    return float(wanted)


def one_year(
    raw: RawHours, *, year: int | None = None, least: float | None = None
) -> RawYear:
    """Cut one year out of hours.

    Parameters
    ----------
    raw : RawHours
        With radiation and, for more than this, temperature.
    year : int or None
        Calendar year; None takes the one with most hours of radiation or, where that is
        no full one, the year from the first label.
    least : float or None
        Share of the year's hours that must be there; None is nine tenths.

    Returns
    -------
    RawYear
        Without holes in its labels.

    Raises
    ------
    WeatherError
        If fewer hours of the year are there.
    """
    least = _YEAR_SHARE if least is None else least
    index = pd.DatetimeIndex(raw.table.index)
    counts = _light(raw.table).groupby(index.year).count()
    chosen = int(counts.index[int(counts.to_numpy().argmax())]) if year is None else year
    step = raw.step_minutes
    known = _EARLIEST <= chosen <= _LATEST
    full = _calendar_year(chosen, step) if known else index[:0]
    if year is None and counts[chosen] < least * len(full):
        end = index[0] + pd.DateOffset(years=1)
        full = pd.date_range(index[0], end, freq=f"{step:g}min", inclusive="left")
    within = int(index.isin(full).sum())
    if within < least * len(full) or not within:
        what = "weather must cover a full year" if year is None else f"{year} must be full"
        held = count_steps(within if year else len(index), step)
        message = (
            f"{what}, got {held} from "
            f"{index[0]:%Y-%m-%d %H:%M} to {index[-1]:%Y-%m-%d %H:%M} UTC; "
            "give a year of hours"
        )
        raise NotAYearError(message)
    notes = list(raw.notes)
    if len(index) > within:
        notes.append(
            f"Of the file's {count_steps(len(index), step)}, the year from "
            f"{full[0]:%Y-%m-%d} was taken."
        )
    return RawYear(
        table=raw.table.reindex(full),
        latitude=raw.latitude,
        longitude=raw.longitude,
        source=raw.source,
        notes=tuple(notes),
        step_minutes=step,
    )


def whole_stretch(raw: RawHours) -> RawYear:
    """Return all steps from the first to the last, without holes in their labels.

    Parameters
    ----------
    raw : RawHours
        With radiation and temperature.

    Raises
    ------
    WeatherError
        If most of it is holes: files of times far apart.
    """
    index = pd.DatetimeIndex(raw.table.index)
    step = raw.step_minutes
    count = int((index[-1] - index[0]) / pd.Timedelta(minutes=step)) + 1
    if count > MOST_HOLES * len(index):
        message = (
            "weather must be one stretch of time, got "
            f"{count_steps(len(index), step)} from {index[0]:%Y-%m-%d} to "
            f"{index[-1]:%Y-%m-%d}; give one stretch alone"
        )
        raise WeatherError(message)
    full = pd.date_range(index[0], periods=count, freq=f"{step:g}min")
    return RawYear(
        table=raw.table.reindex(full),
        latitude=raw.latitude,
        longitude=raw.longitude,
        source=raw.source,
        notes=raw.notes,
        step_minutes=step,
    )


def _light(table: pd.DataFrame) -> "pd.Series[float]":
    """Column that tells of which hours the radiation is known."""
    known = [name for name in ("ghi", "dni", *table.columns) if name in table]
    column: pd.Series[float] = table[known[0]]
    return column


def _calendar_year(year: int, step: float) -> pd.DatetimeIndex:
    """Return the labels of a calendar year in steps [min], UTC."""
    return pd.date_range(
        f"{year}-01-01",
        f"{year + 1}-01-01",
        freq=f"{step:g}min",
        tz="UTC",
        inclusive="left",
    )


def read_text(path: Path) -> str:
    """Read a text file.

    Parameters
    ----------
    path : Path
        UTF-8 with or without byte order mark, or Latin-1 as in older EPW files.

    Returns
    -------
    str
        Its text.

    Raises
    ------
    SourceError
        If the file is absent, unreadable, too large or not text.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MOST_BYTES else None
    except OSError as error:
        message = f"cannot read weather file {path}: {error.strerror}; check the path"
        raise SourceError(message) from error
    if content is None:
        message = (
            f"{path.name} must have at most {MOST_BYTES:,} bytes, got {size:,}; cut it"
        )
        raise SourceError(message)
    if b"\0" in content:
        message = f"weather file must be text, got binary content in {path.name}; unpack it"
        raise SourceError(message)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def read_json(text: str, name: str) -> object:
    """Parse JSON of a bounded size.

    Parameters
    ----------
    text : str
        The document.
    name : str
        Of the file, for messages.

    Returns
    -------
    object
        What it holds.

    Raises
    ------
    SourceError
        If it is too large, nested too deep or not JSON.
    """
    if len(text) > MOST_JSON_BYTES:
        message = (
            f"{name} must have at most {MOST_JSON_BYTES:,} characters, got {len(text):,}; "
            "fetch fewer years"
        )
        raise SourceError(message)
    try:
        return json.loads(text)
    except RecursionError as error:
        message = f"{name} must be plain JSON, got deep nesting; fetch it again"
        raise SourceError(message) from error
    except ValueError as error:
        message = f"{name} must be JSON, got a fault: {brief(error)}; fetch it again"
        raise SourceError(message) from error


def listed(rows: object, most: int, name: str, what: str) -> list[Any]:
    """Take a list of a foreign file, if it is one of sensible length.

    Parameters
    ----------
    rows : object
        What should be a list.
    most : int
        Entries allowed.
    name, what : str
        The file and the list, for the message.

    Returns
    -------
    list
        The rows.

    Raises
    ------
    SourceError
        If it is no list, empty or too long.
    """
    if isinstance(rows, list) and 0 < len(rows) <= most:
        return rows
    count = f"{len(rows):,}" if isinstance(rows, list) else "none"
    message = f"{name} must hold 1 to {most:,} {what}, got {count}; fetch it again"
    raise SourceError(message)


def as_float(value: object) -> float:
    """Read a number or its text; NaN where it is none.

    Parameters
    ----------
    value : object
        From a foreign file.

    Returns
    -------
    float
        NaN for what is no finite number; true and false are none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def on_earth(latitude: object, longitude: object) -> tuple[float | None, float | None]:
    """Read a place, nothing where one of its numbers is missing or not on Earth.

    Parameters
    ----------
    latitude, longitude : object
        From a foreign file [degrees].

    Returns
    -------
    tuple of float or None
        Latitude and longitude, both or neither.
    """
    north, east = as_float(latitude), as_float(longitude)
    if abs(north) <= 90.0 and abs(east) <= 180.0:
        return north, east
    return None, None


def brief(text: object, *, length: int = 40) -> str:
    """Quote foreign text so that it fits a line of a message."""
    shown = repr(str(text))
    return shown if len(shown) <= length else f"{shown[: length - 4]}...'"
