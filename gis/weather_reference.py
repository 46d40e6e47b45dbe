"""Bring another year's weather to the hours of this one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.errors import WeatherError
from gis.weather import FloatArray, Weather, extraterrestrial, sun_height

DUSK = 0.02
"""Cosine of the zenith that stands for twilight, where diffuse light has no sun."""

_ENDS = 3 * 24  # [h] at either end of a gap that tell the level of the temperature


@dataclass(frozen=True)
class ReferenceHours:
    """Another year in the hours of this one, free of its own sun.

    Attributes
    ----------
    beam : (n,) float
        DNI as share of the extraterrestrial beam.
    diffuse : (n,) float
        DHI as share of the extraterrestrial horizontal radiation.
    air : (n,) float
        Air temperature [degC].
    wind : (n,) float
        Wind speed [m/s].
    """

    beam: FloatArray
    diffuse: FloatArray
    air: FloatArray
    wind: FloatArray


def reference_hours(weather: Weather, index: pd.DatetimeIndex) -> ReferenceHours:
    """Find the same hours of the calendar in another year.

    Parameters
    ----------
    weather : Weather
        The other year, of any place; 28 February stands in for a 29th that it lacks.
    index : (n,) DatetimeIndex
        UTC labels of this year; steps finer than an hour get the hour's.

    Returns
    -------
    ReferenceHours
        n values each.

    Raises
    ------
    WeatherError
        If the other year is none of hours.
    """
    if not weather.is_hourly_year:
        message = (
            "a reference must be a year of hours, got "
            f"{weather.hours:,} h in steps of {weather.step_minutes:g} min; give a year"
        )
        raise WeatherError(message)
    theirs = pd.DatetimeIndex(weather.table.index)
    rows = pd.Series(np.arange(len(theirs)), index=_calendar(theirs))
    wanted = _calendar(index)
    leap = ~wanted.isin(rows.index)
    at = rows.loc[wanted.where(~leap, wanted - 100)].to_numpy()
    latitude, longitude = weather.position
    beyond = extraterrestrial(theirs)
    height = sun_height(weather.sun_times, latitude=latitude, longitude=longitude)
    table = weather.table
    return ReferenceHours(
        beam=np.minimum(table["dni"].to_numpy(dtype=np.float64) / beyond, 1.0)[at],
        diffuse=(table["dhi"].to_numpy() / (beyond * np.maximum(height, DUSK)))[at],
        air=table["temp_air"].to_numpy(dtype=np.float64)[at],
        wind=table["wind_speed"].to_numpy(dtype=np.float64)[at],
    )


def levelled(
    other: FloatArray,
    values: FloatArray,
    gaps: list[tuple[int, int]],
    per_hour: int = 1,
) -> npt.NDArray[np.float64]:
    """Move another year's values to the level of the days at either end of each gap.

    Parameters
    ----------
    other : (n,) float
        Values of the other year.
    values : (n,) float
        Values of this one, NaN in the gaps.
    gaps : list of (int, int)
        First step and length of each.
    per_hour : int
        Steps of an hour.

    Returns
    -------
    (n,) float
        ``other`` with a straight line added in each gap, so that the difference to
        ``values`` over three days before and after goes on inside. At the ends of the
        year, and where nothing is known beside, one end or none counts.
    """
    moved = other.copy()
    away = values - other
    near = _ENDS * per_hour
    for start, length in gaps:
        stop = start + length
        ends = (away[max(start - near, 0) : start], away[stop : stop + near])
        steps = [float(np.nanmean(end)) for end in ends if np.isfinite(end).any()]
        if steps:
            moved[start:stop] += np.linspace(steps[0], steps[-1], length)
    return moved


def _calendar(index: pd.DatetimeIndex) -> pd.Index:
    """Month, day and hour as one whole number, MMDDHH."""
    return pd.Index(10_000 * index.month + 100 * index.day + index.hour)
