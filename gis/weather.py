"""Hold a checked year of hourly weather."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pvlib import irradiance, solarposition

from gis.errors import WeatherError
from gis.weather_flags import FLAG_COLUMNS, Method, blank_flags

FloatArray = npt.NDArray[np.float64]
Kind = Literal["ghi", "dni", "dhi"]

# Centre of the district's model window; the sun's place where a file names none.
DISTRICT_LATITUDE = 56.041  # [degrees north]
DISTRICT_LONGITUDE = 12.696  # [degrees east]

MIDDLE_OF_HOUR = 30.0  # [min] from the label to the sun that represents the hour
IRRADIANCE = ("ghi", "dni", "dhi")
COLUMNS = (*IRRADIANCE, "temp_air", "wind_speed", "filled")

# Plausible range of each column. Radiation above the solar constant or a wind above the
# strongest gusts on record in the region is a unit or a column taken for another.
RANGES: dict[str, tuple[float, float, str]] = {
    "ghi": (0.0, 1500.0, "W/m2"),
    "dni": (0.0, 1500.0, "W/m2"),
    "dhi": (0.0, 1500.0, "W/m2"),
    "temp_air": (-50.0, 55.0, "degC"),
    "wind_speed": (0.0, 75.0, "m/s"),
}


@dataclass(frozen=True)
class Weather:
    """One year of hourly weather.

    Built by `make_weather`, which checks what is promised here.

    Attributes
    ----------
    table : pd.DataFrame
        8,760 or 8,784 rows, indexed by the start of the hour in UTC, no gaps: ``ghi``,
        ``dni``, ``dhi`` [W/m2], ``temp_air`` [degC], ``wind_speed`` [m/s] and ``filled``,
        true where a value was taken from other hours. Treat it as read-only.
    latitude, longitude : float or None
        Where it was measured or modelled [degrees], as far as the source says.
    source : str
        Origin in one line, with credit.
    notes : tuple of str
        What was assumed, repaired or found odd; one sentence each.
    sun_offset_minutes : float
        The sun at the label plus this time represents the hour [min]. 30 is the middle of
        the hour; files whose radiation belongs to the end of the hour have 60.
    flags : pd.DataFrame or None
        How each value came about (`gis.weather_flags.Method`), the rows of ``table``:
        ``radiation``, ``temperature``, ``wind``. None where that is not told.
    """

    table: pd.DataFrame
    latitude: float | None
    longitude: float | None
    source: str
    notes: tuple[str, ...] = ()
    sun_offset_minutes: float = MIDDLE_OF_HOUR
    flags: pd.DataFrame | None = None

    @property
    def hours(self) -> int:
        """Number of hours: 8,760, or 8,784 in a leap year."""
        return len(self.table)

    @property
    def position(self) -> tuple[float, float]:
        """Latitude and longitude [degrees], the district's where the source names none."""
        return place_or_district(self.latitude, self.longitude)

    @property
    def sun_times(self) -> pd.DatetimeIndex:
        """The moment whose sun represents each hour, UTC."""
        index = pd.DatetimeIndex(self.table.index)
        return index + pd.Timedelta(minutes=self.sun_offset_minutes)

    @property
    def filled_hours(self) -> int:
        """Hours in which a value was taken from other hours."""
        return int(self.table["filled"].sum())

    @property
    def mean_temperature(self) -> float:
        """Mean air temperature [degC]."""
        return float(self.table["temp_air"].mean())

    def annual(self, kind: Kind) -> float:
        """Sum of the year [kWh/m2]."""
        return float(self.table[kind].sum()) / 1000.0

    def monthly(self, kind: Kind) -> pd.Series:
        """Sum of each UTC month [kWh/m2], indexed 1 to 12."""
        months = pd.DatetimeIndex(self.table.index).month
        return self.table[kind].groupby(months).sum().rename_axis("month") / 1000.0


def make_weather(
    table: pd.DataFrame,
    *,
    latitude: float | None,
    longitude: float | None,
    source: str,
    notes: tuple[str, ...] = (),
    sun_offset_minutes: float = MIDDLE_OF_HOUR,
    flags: pd.DataFrame | None = None,
) -> Weather:
    """Check a complete table and make it a `Weather`.

    Parameters
    ----------
    table : pd.DataFrame
        Columns ``ghi, dni, dhi`` [W/m2], ``temp_air`` [degC], ``wind_speed`` [m/s] and, if
        any hour was filled, ``filled``; other columns are left out.
    latitude, longitude : float or None
        Place of the weather [degrees]; both or neither.
    source : str
        Origin in one line.
    notes : tuple of str
        What the user should know.
    sun_offset_minutes : float
        From the label to the sun that represents the hour [min].
    flags : pd.DataFrame or None
        How each value came about, rows of ``table``; without it every value counts as
        read, or as taken from neighbours where ``filled`` says so.

    Returns
    -------
    Weather
        With a table of its own.

    Raises
    ------
    WeatherError
        If the table is not one year of whole UTC hours in order, a value is missing or out
        of range, or the place is not on Earth; up to five faults are named.
    """
    faults = _index_faults(table.index) + _place_faults(latitude, longitude)
    missing = [name for name in COLUMNS[:-1] if name not in table.columns]
    if missing:
        faults.append(f"columns must include {', '.join(missing)}")
    for name, (low, high, unit) in RANGES.items():
        if name in table.columns:
            faults += _value_faults(table[name], low=low, high=high, unit=unit)
    if not -180.0 <= sun_offset_minutes <= 180.0:
        faults.append(f"sun offset must be within 180 min, got {sun_offset_minutes:g} min")
    if flags is not None and not (
        flags.index.equals(table.index) and set(FLAG_COLUMNS) <= set(flags.columns)
    ):
        faults.append(f"flags must have the table's rows and {', '.join(FLAG_COLUMNS)}")
    if faults:
        more = f" ({len(faults)} faults)" if len(faults) > 5 else ""
        message = f"weather cannot be used: {'; '.join(faults[:5])}{more}; mend the source"
        raise WeatherError(message)
    clean = table[list(COLUMNS[:-1])].astype(np.float64)
    filled = table["filled"].astype(bool) if "filled" in table.columns else False
    clean = clean.assign(filled=filled).rename_axis("time")
    if flags is None:
        flags = blank_flags(clean.index)
        flags.loc[clean["filled"], ["radiation", "temperature"]] = Method.NEIGHBOURS.value
    return Weather(
        table=clean,
        latitude=latitude,
        longitude=longitude,
        source=source,
        notes=notes,
        sun_offset_minutes=float(sun_offset_minutes),
        flags=flags[list(FLAG_COLUMNS)].astype(object).rename_axis("time"),
    )


def place_or_district(
    latitude: float | None, longitude: float | None
) -> tuple[float, float]:
    """Give the place [degrees], the district's where it is not known."""
    if latitude is None or longitude is None:
        return DISTRICT_LATITUDE, DISTRICT_LONGITUDE
    return latitude, longitude


def sun_elevation(
    times: pd.DatetimeIndex, *, latitude: float, longitude: float
) -> FloatArray:
    """Apparent elevation of the sun (refraction included) at each moment.

    Parameters
    ----------
    times : (n,) DatetimeIndex
        Timezone-aware moments.
    latitude, longitude : float
        Place [degrees].

    Returns
    -------
    (n,) float
        [degrees], negative below the horizon.

    Notes
    -----
    NREL's solar position algorithm as implemented in pvlib.
    """
    position = solarposition.spa_python(times, latitude, longitude, how="numpy")
    elevation: FloatArray = position["apparent_elevation"].to_numpy(dtype=np.float64)
    return elevation


def sun_height(times: pd.DatetimeIndex, *, latitude: float, longitude: float) -> FloatArray:
    """Cosine of the sun's apparent zenith at each moment, 0 below the horizon.

    Parameters
    ----------
    times : (n,) DatetimeIndex
        Timezone-aware moments.
    latitude, longitude : float
        Place [degrees].

    Returns
    -------
    (n,) float
        0..1.
    """
    elevation = sun_elevation(times, latitude=latitude, longitude=longitude)
    return np.clip(np.sin(np.radians(elevation)), 0.0, None)


def extraterrestrial(times: pd.DatetimeIndex) -> FloatArray:
    """Radiation of the sun outside the atmosphere on a plane that faces it.

    Parameters
    ----------
    times : (n,) DatetimeIndex
        Moments; only the day counts.

    Returns
    -------
    (n,) float
        [W/m2], 1,321 in July to 1,414 in January.

    Notes
    -----
    Spencer's series as implemented in pvlib, which is handed days because it asks pandas
    for them by a name that pandas gives up.
    """
    days = times.day_of_year.to_numpy(dtype=np.float64)
    return np.asarray(irradiance.get_extra_radiation(days), dtype=np.float64)


def closure_error(table: pd.DataFrame, height: FloatArray) -> FloatArray:
    """Residual ``GHI - DNI cos z - DHI`` of each hour.

    Parameters
    ----------
    table : (n, ...) pd.DataFrame
        Columns ``ghi, dni, dhi`` [W/m2].
    height : (n,) float
        Cosine of the zenith, 0 below the horizon.

    Returns
    -------
    (n,) float
        [W/m2]; NaN where one of the three is missing.
    """
    ghi, dni, dhi = (table[name].to_numpy(dtype=np.float64) for name in IRRADIANCE)
    return np.asarray(ghi - dni * height - dhi, dtype=np.float64)


def _index_faults(index: pd.Index) -> list[str]:
    """Say what keeps an index from being one year of whole UTC hours."""
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        return ["time stamps must be timezone-aware"]
    if str(index.tz) != "UTC":
        return [f"time stamps must be in UTC, got {index.tz}"]
    if len(index) not in (8760, 8784):
        return [f"a full year of 8760 or 8784 hours is needed, got {len(index)}"]
    if index[0] != index[0].floor("h"):
        return [f"hours must start at minute 0, got {index[0]:%H:%M:%S}"]
    steps = np.diff(index.to_numpy()) != np.timedelta64(1, "h")
    if steps.any():
        first = index[int(np.argmax(steps))]
        return [f"hours must follow each other, broken after {first:%Y-%m-%d %H:%M}"]
    return []


def _place_faults(latitude: float | None, longitude: float | None) -> list[str]:
    """Say what is wrong with a place."""
    if latitude is None and longitude is None:
        return []
    if latitude is None or longitude is None:
        return ["latitude and longitude must be given together"]
    if not (-90.0 <= latitude <= 90.0 and -180.0 <= longitude <= 180.0):
        return [
            f"place must be on Earth, got latitude {latitude:g}, longitude {longitude:g}"
        ]
    return []


def _value_faults(
    values: "pd.Series[float]", *, low: float, high: float, unit: str
) -> list[str]:
    """Say how many values of one column are missing or out of range."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    faults = []
    if missing := int(np.isnan(numbers).sum()):
        faults.append(f"{values.name} misses {missing} values or holds text there")
    outside = (numbers < low) | (numbers > high)
    if outside.any():
        worst = numbers[int(np.argmax(outside))]
        faults.append(
            f"{values.name} must be {low:g} to {high:g} {unit}, "
            f"got {worst:g} and {int(outside.sum()) - 1} more"
        )
    return faults
