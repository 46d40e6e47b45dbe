"""Feed a simulated day into a twin, hour by hour."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gis.errors import SourceError, TableError
from twin.ingest.gate import Admission, Gate, Reason
from twin.live import LiveTwin
from twin.model import SystemKind
from twin.simulation.day_faults import FILE, Faults, plan_faults, record_faults
from twin.simulation.demand import SOURCE, simulate_day
from twin.store.log import Log

WEATHER = "weather.parquet"
"""Name of the file with the weather year in the twin folder."""


@dataclass(frozen=True)
class Day:
    """A simulated day, ready to be fed.

    Attributes
    ----------
    faults : Faults
        What was planted: the truth.
    batches : tuple of (Timestamp, list of dict)
        Rows for the gate, hour by hour.
    """

    faults: Faults
    batches: tuple[tuple[pd.Timestamp, list[dict[str, Any]]], ...]

    @property
    def rows(self) -> int:
        """Rows of all hours."""
        return sum(len(rows) for _, rows in self.batches)


def make_day(twin: LiveTwin, *, day: date, seed: int = 0, gaps: bool = True) -> Day:
    """Make up the day's values and plant faults in them.

    Parameters
    ----------
    twin : LiveTwin
        Things and expectations; its folder holds the weather.
    day : date
        Day, UTC. Sun and air are those of the same day of the weather year (29 February:
        of the 28th where it has none), the habits those of the day's weekday.
    seed : int
        Which faults; the same seed plants the same.
    gaps : bool
        Whether intervals are missing.

    Returns
    -------
    Day

    Raises
    ------
    SourceError
        If the weather is missing.
    TableError
        If buildings lack a floor area, or meters are not those of the build.
    """
    lacking = [b.id for b in twin.model.buildings if b.floor_area is None]
    if lacking:
        message = (
            f"a day can be simulated where floor areas are known, {len(lacking)} lack "
            f"one: {', '.join(lacking[:5])}; build the twin again"
        )
        raise TableError(message)
    buildings = pd.DataFrame(
        {
            "use": [b.use for b in twin.model.buildings],
            "year": [np.nan if b.year is None else b.year for b in twin.model.buildings],
            "floor_area": [b.floor_area for b in twin.model.buildings],
        },
        index=pd.Index([b.id for b in twin.model.buildings], name="building"),
    )
    hours = pd.date_range(pd.Timestamp(day, tz="UTC"), periods=24, freq="h", unit="us")
    expected = pd.DataFrame(
        twin.expected_at(list(hours.asi8)).T, index=hours, columns=buildings.index
    )
    panels = {s.building for s in twin.model.systems if s.kind is SystemKind.PV}
    expected = expected[[name for name in expected.columns if name in panels]]
    weather = _weather(twin.folder / WEATHER, day.year)
    table = simulate_day(buildings, expected, weather, day=day)
    power = table[table["quantity"] == "pv_power"]
    given = {
        str(name): 0.0 - group["value"].to_numpy(np.float64)
        for name, group in power.groupby("building")
    }
    faults = plan_faults(twin.model, given, day=day, seed=seed, gaps=gaps)
    order = {point.id: k for k, point in enumerate(twin.model.points)}
    other = [point for point in table["point"].unique() if point not in order]
    if other:
        message = (
            f"the hours of a day are made for the meters of the build, but {len(other)} of "
            f"them are not among the twin's things, first {other[0]}; take --days 1, which "
            "follows whatever meters there are"
        )
        raise TableError(message)
    batches: list[list[tuple[int, dict[str, Any]]]] = [[] for _ in hours]
    told = zip(table["point"], table["time"], table["value"], table["unit"], strict=True)
    for point, time, value, unit in told:
        sent, reading = faults.apply(point, time.hour, float(value))
        if sent:
            row = {
                "point": point,
                "time": time.to_pydatetime(),
                "value": reading,
                "unit": unit,
                "source": SOURCE,
            }
            batches[time.hour].append((order[point], row))
    return Day(
        faults,
        tuple(
            (hour, [row for _, row in sorted(rows, key=lambda pair: pair[0])])
            for hour, rows in zip(hours, batches, strict=True)
        ),
    )


def feed_day(
    twin: LiveTwin, log: Log, day: Day
) -> Iterator[tuple[pd.Timestamp, Admission]]:
    """Feed the day through the gate, one batch an hour, in the order of time.

    Parameters
    ----------
    twin : LiveTwin
    log : Log
        Where the values go; it must not hold values that were measured.
    day : Day

    Yields
    ------
    hour : Timestamp
        Start of the hour.
    admission : Admission
        What became of its rows; they are on the disk.

    Raises
    ------
    TableError
        If the log holds values that are not simulated, or the day was planned otherwise.
    OutputError, SourceError
        If the log cannot be written.
    """
    check_apart(twin, log)
    # The truth first: whatever happens, no planted value is without it.
    record_faults(twin.folder / FILE, day.faults)
    gate = Gate(twin.model, log)
    for hour, rows in day.batches:
        admission = gate.admit(rows, simulated=True)
        if any(row.reason == Reason.MIXED for row in admission.refused):
            # Somebody's meter was faster than the first hour.
            raise _mixed(twin, "a meter")
        yield hour, admission


def check_apart(twin: LiveTwin, log: Log) -> None:
    """Refuse a log that holds values that were measured.

    Parameters
    ----------
    twin : LiveTwin
    log : Log
        Of that twin; it is only read.

    Raises
    ------
    TableError
        If it holds any.
    """
    real = [source for source in log.sources() if source != SOURCE]
    if real:
        raise _mixed(twin, ", ".join(real[:3]))


def _mixed(twin: LiveTwin, whose: str) -> TableError:
    """Say that the log is one of measured values."""
    message = (
        f"simulated values must not mix with measured ones, but {twin.log_path} holds "
        f"values of {whose}; simulate in a copy of the folder without it"
    )
    return TableError(message)


def _weather(path: Path, year: int) -> pd.DataFrame:
    """Read the weather year and date it as another year."""
    if not path.is_file():
        message = f"{path} must exist, but is missing; build the twin again"
        raise SourceError(message)
    try:
        table = pd.read_parquet(path, columns=["time", "temp_air"])
    except (OSError, ValueError) as error:
        message = f"{path} must hold time and temp_air: {error}; build the twin again"
        raise SourceError(message) from error
    return redated(table.set_index("time"), year)


def redated(weather: pd.DataFrame, year: int) -> pd.DataFrame:
    """Date a year of hours as another year, day by day.

    Parameters
    ----------
    weather : DataFrame
        Index: hours of one year, UTC.
    year : int
        29 February is left out, or taken from the 28th, as it needs.

    Returns
    -------
    DataFrame
        The hours of the year, as many as it has.

    Raises
    ------
    SourceError
        If the weather lacks hours.
    """
    index = pd.DatetimeIndex(weather.index)
    keys = pd.MultiIndex.from_arrays([index.month, index.day, index.hour])
    start = pd.Timestamp(year=year, month=1, day=1, tz="UTC")
    hours = pd.date_range(start, start + pd.DateOffset(years=1), freq="h", inclusive="left")
    wanted = pd.MultiIndex.from_arrays([hours.month, hours.day, hours.hour])
    rows = keys.get_indexer(wanted)
    leap = (hours.month == 2) & (hours.day == 29) & (rows < 0)
    rows[leap] = rows[np.flatnonzero(leap) - 24]
    if (rows < 0).any():
        lacking = hours[rows < 0]
        message = (
            f"the weather must hold a whole year, {len(lacking)} hours are missing, first "
            f"{lacking[0]:%d %B %H:%M} UTC; build the twin again"
        )
        raise SourceError(message)
    return weather.iloc[rows].set_axis(hours)
