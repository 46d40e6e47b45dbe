"""Read hourly or finer weather from CSV text."""

import io
import re
import warnings

import numpy as np
import pandas as pd

from gis.errors import TableError, WeatherError
from gis.sources.weather_hours import VALUES, RawHours, brief, whole_steps
from gis.weather import HOUR

# Names that loggers, PVGIS, Open-Meteo, NSRDB and pvlib give to the same thing, in lower
# case without units; the first that is present wins.
ALIASES: dict[str, tuple[str, ...]] = {
    "ghi": (
        "ghi", "g(h)", "global_horizontal_irradiance", "global_horizontal", "glohor",
        "shortwave_radiation", "global_irradiance", "global_radiation",
    ),
    "dni": (
        "dni", "gb(n)", "direct_normal_irradiance", "direct_normal", "dirnor",
        "beam_normal_irradiance",
    ),
    "dhi": (
        "dhi", "gd(h)", "diffuse_horizontal_irradiance", "diffuse_horizontal", "difhor",
        "diffuse_radiation", "diffuse_irradiance",
    ),
    "temp_air": (
        "temp_air", "air_temperature", "temperature_2m", "t2m", "temperature", "temp",
        "dry_bulb", "dry_bulb_temperature", "t_air", "ta",
    ),
    "wind_speed": (
        "wind_speed", "wind_speed_avg", "wind_speed_10m", "ws10m", "windspeed",
        "ws", "wind",
    ),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng"),
}  # fmt: skip
_TIME_NAMES = ("time", "date", "utc", "hour_start")
_UTC_NAME = re.compile(r"(^|[^a-z])(utc|gmt)([^a-z]|$)")
_STAMP_ZONE = re.compile(r"\d:?\d{2}.*(?:z|[+-]\d{2}:?\d{2}|[+-]\d{2}|utc)$", re.IGNORECASE)
_NOTHING = frozenset(
    {"", "nan", "na", "n/a", "null", "none", "nil", "-", "--", "nd", "missing"}
)


def read_csv_hours(text: str, name: str, *, step_minutes: float | None = HOUR) -> RawHours:
    """Read a table with a header line.

    Parameters
    ----------
    text : str
        Comma, semicolon (with decimal comma or point) or tab between columns; lines that
        start with ``#`` are left out. Time stamps carry their offset from UTC, or the name
        of their column says ``utc``. Steps of an hour or finer.
    name : str
        Of the file, for messages and the source line.
    step_minutes : float or None
        Steps to average to [min]; None keeps those of the file.

    Returns
    -------
    RawHours
        All its steps.

    Raises
    ------
    TableError
        If there is no table, a column is missing or holds text for numbers.
    WeatherError
        If the time stamps cannot be trusted.
    """
    cells, separator = _cells(text, name)
    columns = _columns(cells, name)
    times = _times(cells)
    numbers = pd.DataFrame(
        {key: _numbers(cells[column], separator) for key, column in columns.items()}
    )
    notes: list[str] = []
    if "wind_speed" in columns and "km/h" in str(columns["wind_speed"]).lower():
        numbers["wind_speed"] /= 3.6
        notes.append("Wind speed was converted from km/h.")
    place = [_constant(numbers, key) for key in ("latitude", "longitude")]
    known = place[0] is not None and place[1] is not None
    values = numbers[[key for key in VALUES if key in numbers]]
    table, step = whole_steps(
        values.set_axis(times, axis=0), notes, step_minutes=step_minutes
    )
    return RawHours(
        table=table,
        latitude=place[0] if known else None,
        longitude=place[1] if known else None,
        source=f"Weather file {name}",
        notes=tuple(notes),
        step_minutes=step,
    )


def _cells(text: str, name: str) -> tuple[pd.DataFrame, str]:
    """Split text into cells, all of them strings."""
    lines = [line for line in text.splitlines() if line.strip() and line.lstrip()[0] != "#"]
    if len(lines) < 2:
        message = (
            f"{name} must hold a header and rows, got {len(lines)} lines; give a CSV table"
        )
        raise TableError(message)
    separator = max(",;\t", key=lines[0].count)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            cells = pd.read_csv(
                io.StringIO("\n".join(lines)),
                sep=separator,
                dtype=str,
                index_col=False,
                keep_default_na=False,
                skipinitialspace=True,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        detail = brief(str(error).strip().splitlines()[0], length=100)
        message = (
            f"{name} must have as many cells as names in each row, got {detail}; mend it"
        )
        raise TableError(message) from error
    return cells.fillna(""), separator


def _plain(column: str) -> str:
    """Name in lower case without unit and punctuation."""
    bare = re.sub(r"[\[(].*?[\])]", "", column.lower())
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


def _columns(cells: pd.DataFrame, name: str) -> dict[str, str]:
    """Find which column holds which quantity."""
    plain = {_plain(column): column for column in reversed(cells.columns)}
    plain |= {column.lower().strip(): column for column in reversed(cells.columns)}
    found = {
        key: plain[next(alias for alias in aliases if alias in plain)]
        for key, aliases in ALIASES.items()
        if any(alias in plain for alias in aliases)
    }
    if "temp_air" not in found or not ("ghi" in found or {"dni", "dhi"} <= found.keys()):
        shown = brief(", ".join(map(str, cells.columns)), length=120)
        message = (
            f"{name} must have columns for air temperature and GHI (or DNI and DHI), "
            f"got {shown}; rename them to temp_air, ghi, dni, dhi"
        )
        raise TableError(message)
    return found


def _times(cells: pd.DataFrame) -> pd.DatetimeIndex:
    """Read the time stamps as UTC."""
    named = [column for column in cells.columns if _plain(column).startswith(_TIME_NAMES)]
    if not named:
        message = (
            "a column must hold the time, got none whose name begins with time or date; "
            "name it time_utc"
        )
        raise TableError(message)
    column = named[0]
    stamps = cells[column].str.strip()
    zoned = stamps.str.contains(_STAMP_ZONE)
    if not zoned.all():
        if zoned.any():
            bad = stamps[~zoned].iloc[0]
            message = (
                f"either all or no time stamps must have an offset, {brief(bad)} has none"
            )
            raise WeatherError(message)
        if not _UTC_NAME.search(column.lower()):
            message = (
                "time stamps must carry their offset from UTC, got "
                f"{brief(stamps.iloc[0])} in column {brief(column)}; write "
                "2024-01-01T00:00:00Z or, if it is UTC, name the column time_utc"
            )
            raise WeatherError(message)
    times = pd.to_datetime(stamps, utc=True, format="ISO8601", errors="coerce")
    if times.isna().all():
        # The compact form of PVGIS.
        times = pd.to_datetime(stamps, utc=True, format="%Y%m%d:%H%M", errors="coerce")
    if times.isna().any():
        row = int(np.argmax(times.isna().to_numpy()))
        message = (
            f"time stamps must be ISO 8601, got {brief(stamps.iloc[row])} in "
            f"row {row + 1} and {int(times.isna().sum()) - 1} more; "
            "write 2024-01-01T00:00:00Z"
        )
        raise TableError(message)
    return pd.DatetimeIndex(times)


def _numbers(cells: "pd.Series[str]", separator: str) -> "pd.Series[float]":
    """Read a column of numbers, empty cells as NaN."""
    text = cells.str.strip()
    if separator == ";":
        text = text.str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(text, errors="coerce")
    wrong = numbers.isna() & ~text.str.lower().isin(_NOTHING)
    if wrong.any():
        row = int(np.argmax(wrong.to_numpy()))
        message = (
            f"column {brief(cells.name)} must hold numbers, got {brief(cells.iloc[row])} "
            f"in row {row + 1} and {int(wrong.sum()) - 1} more; leave missing values empty"
        )
        raise TableError(message)
    return numbers.astype(np.float64).replace([np.inf, -np.inf], np.nan)


def _constant(numbers: pd.DataFrame, key: str) -> float | None:
    """Value of a column that is the same in every row."""
    if key not in numbers:
        return None
    values = numbers[key].dropna().unique()
    if len(values) != 1:
        message = (
            f"{key} must be the same in every row, got {len(values)} values; give one place"
        )
        raise TableError(message)
    return float(values[0])
