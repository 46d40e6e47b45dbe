"""Read measured or forecast weather from a file, in the steps it has."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from gis.errors import SourceError, TableError
from gis.sources.weather_files import read_hours
from twin.expectation.conditions import Conditions, make_conditions

FORECAST = "issue_time"
"""Column that makes a table a forecast."""

TABLES = (".csv", ".parquet")


def read_conditions(
    path: Path,
    *,
    latitude: float,
    longitude: float,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
) -> Conditions:
    """Read measured weather.

    Parameters
    ----------
    path : Path
        What `gis.sources.weather_files.read_hours` reads, steps of a minute to an hour;
        or ``.parquet`` with ``time`` and columns named as there.
    latitude, longitude : float
        Place of the twin [degrees]: the sun's.
    start, end : Timestamp, optional
        First moment, and first that is too late.

    Raises
    ------
    SourceError, TableError, WeatherError
        If the file cannot be used, or has nothing of that time.
    """
    path = Path(path)
    if path.suffix.lower() == ".parquet":
        table = _parquet(path)
        if "time" not in table.columns:
            message = f"{path} must have a column time, got {', '.join(table.columns)}"
            raise TableError(message)
        table, source = table.set_index("time"), path.name
        step: float | None = None
        notes: tuple[str, ...] = ()
    else:
        raw = read_hours(path, step_minutes=None)
        table, step = raw.table, raw.step_minutes
        source, notes = raw.source, raw.notes
    span = f"{table.index.min()} to {table.index.max()}"
    if start is not None:
        table = table[table.index >= start]
    if end is not None:
        table = table[table.index < end]
    if not len(table):
        message = (
            f"{path} must hold weather of the time that is asked for, but holds {span}; "
            "choose another time or file"
        )
        raise TableError(message)
    return make_conditions(
        table,
        latitude=latitude,
        longitude=longitude,
        source=source,
        step_minutes=step,
        notes=tuple(notes),
    )


def is_forecast(path: Path) -> bool:
    """Say whether a file is a table of forecasts: it has a column ``issue_time``."""
    path = Path(path)
    if path.suffix.lower() == ".parquet":
        return FORECAST in _parquet(path, head=True).columns
    if path.suffix.lower() != ".csv":
        return False
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return FORECAST in file.readline(100_000).strip().split(",")
    except OSError as error:
        message = f"{path} must be a file that can be read: {error.strerror}"
        raise SourceError(message) from error


def read_forecasts(path: Path) -> pd.DataFrame:
    """Read a table of forecasts.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.parquet`` as `twin.expectation.forecast.choose_issue` wants it;
        times as ISO 8601 with their zone.

    Raises
    ------
    SourceError, TableError
        If it cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() == ".parquet":
        return _parquet(path)
    try:
        table = pd.read_csv(path)
    except FileNotFoundError as error:
        message = f"{path} must exist, but is missing; name the forecast's table"
        raise SourceError(message) from error
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} must be a text file that can be read: {error}"
        raise SourceError(message) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        message = f"{path} must be a table of commas, got {error}; mend it"
        raise TableError(message) from error
    for name in {"time", FORECAST} & set(table.columns):
        times = pd.to_datetime(table[name], utc=True, errors="coerce", format="ISO8601")
        naive = ~table[name].astype(str).str.contains(r"(?:Z|[+-]\d\d:?\d\d)$")
        if times.isna().any() or naive.any():
            bad = table[name][times.isna() | naive].iloc[0]
            message = (
                f"{path} must hold times with their zone in {name}, got {bad!r}; write "
                "2026-06-21T06:00Z"
            )
            raise TableError(message)
        table[name] = times
    return table


def _parquet(path: Path, *, head: bool = False) -> pd.DataFrame:
    """Read a table, or its columns alone."""
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            if head:
                table: pd.DataFrame = file.schema_arrow.empty_table().to_pandas()
            else:
                table = file.read().to_pandas()
    except FileNotFoundError as error:
        message = f"{path} must exist, but is missing; name a file of weather"
        raise SourceError(message) from error
    except (OSError, pa.ArrowException) as error:
        message = f"{path} must be Parquet that can be read: {error}"
        raise SourceError(message) from error
    return table
