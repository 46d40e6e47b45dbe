"""Assemble a typical year from months of measured years."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.errors import WeatherError
from gis.typical_year import NOMINAL_YEAR
from gis.weather import (
    IRRADIANCE,
    FloatArray,
    Weather,
    closure_error,
    make_weather,
    sun_height,
)
from gis.weather_flags import Method, blank_flags

# Weights of the third Typical Meteorological Year [1]_ (NREL/TP-581-43156, table 2) without
# the dew point, which few files have; in twentieths there, made to add up to 1 here.
WEIGHTS: Mapping[str, float] = {
    "temp_max": 1.0,
    "temp_min": 1.0,
    "temp_mean": 2.0,
    "wind_max": 1.0,
    "wind_mean": 1.0,
    "ghi": 5.0,
    "dni": 5.0,
}
"""Part of each daily value in the choice of a month."""

SMOOTHED = 6
"""Hours on either side of a joint over which temperature and wind are led together."""

MOST_FILLED = 0.1
"""Share of a month's hours that may be filled, unless all candidates have more."""

_FEW_YEARS = 8  # ISO 15927-4 asks for ten years; fewer are said in a note
_NEAR = 1.0  # [degrees] between places of one climate


@dataclass(frozen=True)
class TypicalYear:
    """A year of chosen months, and how they were chosen.

    Attributes
    ----------
    weather : Weather
        8,760 hours of the nominal year 2018; its flags say which hours were smoothed.
    choice : pd.DataFrame
        Indexed by month 1 to 12 and year: ``distance`` (weighted Finkelstein-Schafer
        statistic, 0 for a month like all years together), ``filled`` (share of hours),
        ``chosen`` (one true a month), and the statistic of each of `WEIGHTS`.
    """

    weather: Weather
    choice: pd.DataFrame


def assemble_typical_year(
    years: Sequence[Weather],
    *,
    context: Sequence[Weather] = (),
    weights: Mapping[str, float] = WEIGHTS,
    smoothed: int = SMOOTHED,
) -> TypicalYear:
    """Choose for each month the year nearest to all years, and join the months.

    Parameters
    ----------
    years : sequence of Weather
        Two or more to take months from, of one place and one offset of the sun.
    context : sequence of Weather
        Years of that place that tell what is usual and give no months, such as the
        embedded typical year. Two years alone cannot tell which of them is more usual.
    weights : mapping
        Part of each daily value, names of `WEIGHTS`; only ratios count.
    smoothed : int
        Hours on either side of a joint over which temperature and wind are led together;
        0 joins them as they are.

    Returns
    -------
    TypicalYear

    Raises
    ------
    WeatherError
        If there are fewer than two years, their places or sun offsets differ, or no weight
        is positive.

    Notes
    -----
    The Finkelstein-Schafer statistic [2]_ of a daily value is the mean distance between the
    cumulative distribution of a month's days and that of the days of the same month in all
    years. The month with the least weighted sum is taken (ties: the earlier year). This is
    the first step of TMY3 [1]_ and of ISO 15927-4; their second steps (persistence of
    dull and mild runs, wind) choose among five or three candidates and say nothing with a
    handful of years. At each joint, New Year included, half of the jump of temperature and
    wind is added before and half taken off after, fading in a straight line: the sum over
    the joint is kept, except where wind would become negative. Radiation is not touched,
    so that it still closes; at these latitudes joints lie in the dark. 29 February is left
    out. Checked in tests/gis/test_typical_months.py.

    References
    ----------
    .. [1] S. Wilcox and W. Marion, "Users Manual for TMY3 Data Sets", NREL/TP-581-43156
       (2008).
    .. [2] J. M. Finkelstein and R. E. Schafer, "Improved goodness-of-fit tests",
       Biometrika 58 (1971) 641-645.
    """
    _check_years([*years, *context], weights, candidates=len(years))
    parts = tuple(_part(year) for year in years)
    choice = _choose(parts, (*parts, *(_part(year) for year in context)), weights)
    chosen = choice.index[choice["chosen"].to_numpy()]
    by_month = {int(month): int(place) for month, place in chosen}
    index = pd.date_range(f"{NOMINAL_YEAR}-01-01", periods=8760, freq="h", tz="UTC")
    months = index.month.to_numpy()
    table = pd.DataFrame(index=index)
    for name in (*IRRADIANCE, "temp_air", "wind_speed", "filled"):
        stacked = np.stack([part.table[name].to_numpy() for part in parts])
        rows = np.array([by_month[int(month)] for month in months])
        table[name] = stacked[rows, np.arange(8760)]
    flags = _joined_flags(parts, np.array([by_month[int(m)] for m in months]), index)
    joints = [
        int(np.argmax(months == month))
        for month in range(1, 13)
        if by_month[month] != by_month[(month - 2) % 12 + 1]
    ]
    for name, column in (("temp_air", "temperature"), ("wind_speed", "wind")):
        values, moved = _joined(table[name].to_numpy(dtype=np.float64), joints, smoothed)
        table[name] = np.clip(values, 0.0, None) if name == "wind_speed" else values
        flags.loc[moved, column] = Method.SMOOTHED.value
    labels = [int(pd.DatetimeIndex(year.table.index)[4380].year) for year in years]
    choice.index = pd.MultiIndex.from_tuples(
        [(month, labels[place]) for month, place in choice.index], names=["month", "year"]
    )
    return TypicalYear(
        weather=_typical(years, context, table, flags, by_month, labels, joints, smoothed),
        choice=choice,
    )


def finkelstein_schafer(sample: FloatArray, whole: FloatArray) -> float:
    """Measure how far a sample's distribution lies from that of the whole.

    Parameters
    ----------
    sample, whole : (n,), (m,) float
        Values; the whole holds the sample's kind.

    Returns
    -------
    float
        Mean over the sample of the distance between the two cumulative distributions,
        each counted as ``(rank - 0.5) / number``, 0..1; 0 for a sample that is the whole.

    Notes
    -----
    Counting from the middle of each step makes a month that equals all years together
    have 0 whatever its number of days.
    """
    own = _ranks(sample, sample)
    all_ranks = _ranks(sample, whole)
    return float(np.abs(own - all_ranks).mean())


def _ranks(values: FloatArray, among: FloatArray) -> FloatArray:
    """Cumulative distribution of ``among`` at ``values``, from the middle of ties."""
    ordered = np.sort(among)
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    return np.asarray((below + upto) / (2.0 * len(ordered)))


@dataclass(frozen=True)
class _Part:
    """A year without 29 February, and its daily values."""

    table: pd.DataFrame
    flags: pd.DataFrame
    days: pd.DataFrame
    month: npt.NDArray[np.int32]


def _check_years(
    years: Sequence[Weather], weights: Mapping[str, float], *, candidates: int
) -> None:
    """Refuse what cannot be joined."""
    if candidates < 2:
        message = f"a typical year needs two years or more, got {candidates}; add years"
        raise WeatherError(message)
    unknown = set(weights) - set(WEIGHTS)
    if unknown or min(weights.values(), default=0.0) < 0.0 or not sum(weights.values()):
        message = (
            f"weights must be positive and of {', '.join(WEIGHTS)}, got {dict(weights)}"
        )
        raise WeatherError(message)
    offsets = sorted({year.sun_offset_minutes for year in years})
    if len(offsets) > 1:
        message = (
            "years of one typical year must share the sun's offset from the label, got "
            f"{', '.join(f'{offset:g}' for offset in offsets)} min; take one source"
        )
        raise WeatherError(message)
    places = np.array([year.position for year in years])
    away = float(np.ptp(places, axis=0).max())
    if away > _NEAR:
        message = (
            f"years of one typical year must come from one place, got {away:.1f} degrees "
            "between them; take one place"
        )
        raise WeatherError(message)


def _part(weather: Weather) -> _Part:
    """Leave 29 February out and sum up the days of one year."""
    index = pd.DatetimeIndex(weather.table.index)
    keep = ~((index.month == 2) & (index.day == 29))
    if index[0].month != 1 or index[0].day != 1 or index[0].hour or keep.sum() != 8760:
        message = (
            "a year must be one from 1 January, 0 h UTC, got "
            f"{index[0]:%Y-%m-%d %H:%M} to {index[-1]:%Y-%m-%d %H:%M}; take calendar years"
        )
        raise WeatherError(message)
    table = weather.table[keep]
    flags = weather.flags if weather.flags is not None else blank_flags(index)
    numbers = {name: table[name].to_numpy(dtype=np.float64).reshape(365, 24)
               for name in ("ghi", "dni", "temp_air", "wind_speed")}  # fmt: skip
    days = pd.DataFrame(
        {
            "temp_max": numbers["temp_air"].max(axis=1),
            "temp_min": numbers["temp_air"].min(axis=1),
            "temp_mean": numbers["temp_air"].mean(axis=1),
            "wind_max": numbers["wind_speed"].max(axis=1),
            "wind_mean": numbers["wind_speed"].mean(axis=1),
            "ghi": numbers["ghi"].sum(axis=1),
            "dni": numbers["dni"].sum(axis=1),
        }
    )
    return _Part(table, flags[keep], days, index[keep].month.to_numpy()[::24])


def _choose(
    parts: Sequence[_Part], everything: Sequence[_Part], weights: Mapping[str, float]
) -> pd.DataFrame:
    """Weighted distance of each month of each year, and which is taken."""
    total = sum(weights.values())
    rows = []
    for month in range(1, 13):
        for place, candidate in enumerate(parts):
            mine = candidate.days[candidate.month == month]
            row: dict[str, float] = {"month": month, "year": place}
            for name in WEIGHTS:
                days = [part.days[name].to_numpy()[part.month == month]
                        for part in everything]  # fmt: skip
                whole = np.concatenate(days)
                row[name] = finkelstein_schafer(mine[name].to_numpy(), whole)
            row["distance"] = sum(weights[key] * row[key] for key in weights) / total
            hours = np.repeat(candidate.month == month, 24)
            row["filled"] = float(candidate.table["filled"].to_numpy()[hours].mean())
            rows.append(row)
    table = pd.DataFrame(rows).set_index(["month", "year"])
    table.index = pd.MultiIndex.from_tuples([(int(m), int(p)) for m, p in table.index])
    sound = table["filled"] <= MOST_FILLED
    # Where all have gaps, the fullest counts as sound.
    least = table.groupby(level=0)["filled"].transform("min")
    usable = table["distance"].where(sound | (table["filled"] == least))
    best = usable.groupby(level=0).idxmin()
    return table.assign(chosen=table.index.isin(list(best)))[
        ["distance", "filled", "chosen", *WEIGHTS]
    ]


def _joined_flags(
    parts: Sequence[_Part], rows: npt.NDArray[np.intp], index: pd.DatetimeIndex
) -> pd.DataFrame:
    """Put the flags of the chosen months together."""
    columns = {
        name: np.stack([part.flags[name].to_numpy() for part in parts])[
            rows, np.arange(8760)
        ]
        for name in parts[0].flags.columns
    }
    return pd.DataFrame(columns, index=index, dtype=object)


def _joined(
    values: FloatArray, joints: list[int], hours: int
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Lead values together at each joint (index of a month's first hour)."""
    smooth = values.copy()
    moved = np.zeros(len(values), dtype=np.bool_)
    if hours < 1:
        return smooth, moved
    # Fades to nothing one hour beyond the smoothed ones.
    fade = 0.5 * (1.0 - (np.arange(hours) + 0.5) / hours)
    for joint in joints:
        before = (joint - 1 - np.arange(hours)) % len(values)
        after = (joint + np.arange(hours)) % len(values)
        jump = values[joint] - values[joint - 1]
        smooth[before] += jump * fade
        smooth[after] -= jump * fade
        moved[before] = moved[after] = True
    return smooth, moved


def _typical(
    years: Sequence[Weather],
    context: Sequence[Weather],
    table: pd.DataFrame,
    flags: pd.DataFrame,
    by_month: dict[int, int],
    labels: list[int],
    joints: list[int],
    smoothed: int,
) -> Weather:
    """Make the year and say how it came about."""
    first = years[0]
    months = ", ".join(f"{month}: {labels[place]}" for month, place in by_month.items())
    notes = [
        f"A typical year of months from {len(years)} years (month: year), chosen by the "
        f"weighted Finkelstein-Schafer statistic: {months}; labelled as {NOMINAL_YEAR}."
    ]
    if context:
        told = "; ".join(dict.fromkeys(year.source for year in context))[:300]
        notes.append(f"What is usual was told by these years as well: {told}.")
    elif len(years) == 2:
        notes.append(
            "Two years alone are about equally far from both together: the choice between "
            "them says little."
        )
    if len(years) + len(context) < _FEW_YEARS:
        notes.append(
            f"{len(years) + len(context)} years are few for a typical year; it is the most "
            "usual of them, not of the climate."
        )
    if joints and smoothed:
        notes.append(
            f"Temperature and wind were led together over {smoothed} h on either side of "
            f"{len(joints)} joints."
        )
    weather = make_weather(
        table,
        latitude=first.latitude,
        longitude=first.longitude,
        source="Typical year of " + "; ".join(dict.fromkeys(y.source for y in years))[:300],
        notes=tuple(notes),
        sun_offset_minutes=first.sun_offset_minutes,
        flags=flags,
    )
    latitude, longitude = weather.position
    height = sun_height(weather.sun_times, latitude=latitude, longitude=longitude)
    error = closure_error(weather.table, height)[weather.table["ghi"].to_numpy() > 50.0]
    if len(error):
        notes.append(
            "GHI = DNI cos z + DHI holds with RMSE "
            f"{float(np.sqrt((error**2).mean())):.1f} W/m2 under the nominal year's sun."
        )
    return make_weather(
        weather.table,
        latitude=weather.latitude,
        longitude=weather.longitude,
        source=weather.source,
        notes=tuple(notes),
        sun_offset_minutes=weather.sun_offset_minutes,
        flags=flags,
    )
