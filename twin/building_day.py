"""Put what is expected of a day beside what the meters say of it."""

import re
from dataclasses import dataclass
from datetime import UTC
from datetime import date as Date  # noqa: N812 - a parameter is called date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from gis.errors import TableError
from twin.model import point_id
from twin.printed import printable
from twin.quantities import Quantity
from twin.store.log import FILE as LOG
from twin.store.log import Log
from twin.twin_tables import TwinTables

CLOCK = ZoneInfo("Europe/Stockholm")
"""Clock that people in the district live by."""

METERED = {
    Quantity.PV_POWER: ("pv_kw", -1.0),
    Quantity.HEAT_POWER: ("heat_kw", 1.0),
    Quantity.ELECTRICITY_POWER: ("electricity_kw", 1.0),
    Quantity.INDOOR_TEMPERATURE: ("indoor_degc", 1.0),
}
"""Name of each quantity's column and what it is multiplied by: yields count positive."""

YEARS = (1900, 2100)
"""Years that a day can lie in: far from what the clock's rules and pandas can tell."""

METER_FILE = "meters_simulated.parquet"
METER_COLUMNS = ("quantity", "time", "value", "source")


@dataclass(frozen=True)
class Meters:
    """What was metered in a building on a day.

    Attributes
    ----------
    hours : (h,) DatetimeIndex
        Starts of the day's hours on the local clock: 24, or 23 and 25 when it changes.
    observed : DataFrame
        Columns ``quantity``, ``time`` (UTC), ``value``, ``source``; the meters' own signs.
    """

    hours: pd.DatetimeIndex
    observed: pd.DataFrame


def read_day(tables: TwinTables, building: str, date: str | Date | None) -> Meters:
    """Read the meters of a building on a day.

    Parameters
    ----------
    tables : TwinTables
        The twin's files.
    building : str
        Its id.
    date : str or date, optional
        As in `DistrictBuilding.day`.

    Returns
    -------
    Meters
        Of the live log; of the simulated day where that holds nothing of the day.

    Raises
    ------
    TableError
        If the date cannot be read.
    SourceError
        If a file is damaged.
    """
    simulated = tables.rows(METER_FILE, METER_COLUMNS, building=building)
    with Log(tables.folder / LOG, read_only=True) as log:
        span = log.span()
        hours = _local_hours(_chosen_day(date, span, simulated))
        start, end = (
            int(moment.timestamp()) * 1_000_000
            for moment in (hours[0], hours[-1] + pd.Timedelta(hours=1))
        )
        names = {point_id(building, quantity): quantity for quantity in METERED}
        kept = log.between(start, end, points=list(names))
    if kept:
        values = pd.DataFrame(
            {
                "quantity": [names[one.point].value for one in kept],
                "time": pd.to_datetime([one.time for one in kept], unit="us", utc=True),
                "value": [np.nan if one.value is None else one.value for one in kept],
                "source": [one.source for one in kept],
            }
        )
        return Meters(hours, values)
    during = simulated["time"].between(hours[0], hours[-1])
    return Meters(hours, simulated[during])


def day_table(year: pd.DataFrame, meters: Meters) -> pd.DataFrame:
    """Put a day's meters beside what is expected.

    Parameters
    ----------
    year : DataFrame
        A building's hours, as `Solar.hours` returns them.
    meters : Meters
        What was metered.

    Returns
    -------
    DataFrame
        As `DistrictBuilding.day` describes it.
    """
    table = pd.DataFrame(index=meters.hours.rename("time"))
    expected = year.set_index(_keys(pd.DatetimeIndex(year.index)))
    due = expected.reindex(_keys(meters.hours.tz_convert(UTC)))
    for name, column in (
        ("roof_kw", "roof_kw"),
        ("facade_kw", "facade_kw"),
        ("pv_kw_expected", "pv_kw"),
    ):
        table[name] = due[column].to_numpy()
    for quantity, (column, sign) in METERED.items():
        own = meters.observed[meters.observed["quantity"] == quantity.value]
        for source, group in own.groupby("source", sort=True):
            series = group.set_index("time")["value"].reindex(meters.hours)
            # Adding zero turns the night's -0.0 into 0.0.
            table[f"{column}_{_word(str(source))}"] = sign * series.to_numpy() + 0.0
    units = {name: "°C" if "_degc_" in name else "kW" for name in table.columns}
    return printable(table, units)


def _keys(hours: pd.DatetimeIndex) -> "pd.Index[int]":
    """Return month, day and hour as one number; 29 February as the 28th."""
    leap = (hours.month == 2) & (hours.day == 29)
    day = np.where(leap, 28, hours.day)
    keys: pd.Index[int] = pd.Index(
        np.asarray(hours.month) * 10_000 + day * 100 + hours.hour
    )
    return keys


def _word(source: str) -> str:
    """Return a source as the end of a column's name."""
    return re.sub(r"\W+", "_", source.lower()).strip("_")


def _chosen_day(
    date: str | Date | None, span: tuple[int, int] | None, simulated: pd.DataFrame
) -> Date:
    """Return the day that is meant; the newest with values where none is told."""
    if span is not None:
        newest = pd.Timestamp(span[1], unit="us", tz="UTC").date()
    elif len(simulated):
        newest = simulated["time"].max().date()
    else:
        newest = Date(2018, 6, 21)
    if date is None:
        return newest
    try:
        day = _read_date(date, newest.year)
    except (ValueError, TypeError) as error:
        message = (
            f"a day must be written like '2018-06-21' or '06-21', got {date!r} ({error}); "
            "write year, month and day as numbers"
        )
        raise TableError(message) from error
    if not YEARS[0] <= day.year <= YEARS[1]:
        message = (
            f"a day must lie in the years {YEARS[0]} to {YEARS[1]}, got {date!r}; "
            "write the year with four digits"
        )
        raise TableError(message)
    return day


def _read_date(date: object, year: int) -> Date:
    """Return what a date says; a year for those without one. Raises as `Date` does."""
    if isinstance(date, Date):
        return Date(date.year, date.month, date.day)
    if not isinstance(date, str):
        message = f"{type(date).__name__} is no date"
        raise TypeError(message)
    text = f"{year}-{date}" if re.fullmatch(r"\d{1,2}-\d{1,2}", date) else date
    return Date(*(int(number) for number in text.split("-")))


def _local_hours(day: Date) -> pd.DatetimeIndex:
    """Return the starts of a day's hours on the local clock."""
    start = pd.Timestamp(day).tz_localize(CLOCK)
    end = (pd.Timestamp(day) + pd.Timedelta(days=1)).tz_localize(CLOCK)
    return pd.date_range(start, end, freq="h", inclusive="left")
