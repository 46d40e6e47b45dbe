"""Hold checked weather: a year of hours, or any even steps of any time."""

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

HOUR = 60.0  # [min]
MIDDLE_OF_HOUR = HOUR / 2.0  # [min] from the label to the sun that represents the hour
STEPS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)  # [min] that divide the hour evenly
SHORTEST = pd.Timedelta(days=1)  # below which there is no course of a day
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
    """One year of hourly weather, or another stretch of time in even steps.

    Built by `make_weather`, which checks what is promised here.

    Attributes
    ----------
    table : pd.DataFrame
        Indexed by the start of each step in UTC, no gaps: 8,760 or 8,784 hours, or as many
        of `STEPS` as the time has: ``ghi``, ``dni``, ``dhi`` [W/m2], ``temp_air`` [degC],
        ``wind_speed`` [m/s] and ``filled``, true where a value was taken from other times.
        Treat it as read-only.
    latitude, longitude : float or None
        Where it was measured or modelled [degrees], as far as the source says.
    source : str
        Origin in one line, with credit.
    notes : tuple of str
        What was assumed, repaired or found odd; one sentence each.
    sun_offset_minutes : float
        The sun at the label plus this time represents the step [min]. 30 is the middle of
        an hour; files whose radiation belongs to the end of the hour have 60.
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
    def step_minutes(self) -> float:
        """Length of a step [min]."""
        return step_of(pd.DatetimeIndex(self.table.index))

    @property
    def is_year(self) -> bool:
        """Whether it covers a year; else sums are those of the time it covers."""
        return self.hours in (8760, 8784)

    @property
    def is_hourly_year(self) -> bool:
        """Whether it is a year of hours, as twins are built with."""
        return self.is_year and self.step_minutes == HOUR

    @property
    def hours(self) -> int:
        """Number of hours that it covers: 8,760, or 8,784 in a leap year."""
        return round(len(self.table) * self.step_minutes / HOUR)

    @property
    def position(self) -> tuple[float, float]:
        """Latitude and longitude [degrees], the district's where the source names none."""
        return place_or_district(self.latitude, self.longitude)

    @property
    def sun_times(self) -> pd.DatetimeIndex:
        """The moment whose sun represents each step, UTC."""
        index = pd.DatetimeIndex(self.table.index)
        return index + pd.Timedelta(minutes=self.sun_offset_minutes)

    @property
    def filled_hours(self) -> int:
        """Hours in which a value was taken from other hours."""
        return round(int(self.table["filled"].sum()) * self.step_minutes / HOUR)

    @property
    def mean_temperature(self) -> float:
        """Mean air temperature [degC]."""
        return float(self.table["temp_air"].mean())

    def annual(self, kind: Kind) -> float:
        """Sum of the year, or of the time it covers [kWh/m2]."""
        return float(self.table[kind].sum()) * self.step_minutes / HOUR / 1000.0

    def monthly(self, kind: Kind) -> pd.Series:
        """Sum of each UTC month [kWh/m2], indexed 1 to 12, or by the months it covers."""
        months = pd.DatetimeIndex(self.table.index).month
        sums = self.table[kind].groupby(months).sum().rename_axis("month")
        return sums * (self.step_minutes / HOUR / 1000.0)


def step_of(index: pd.DatetimeIndex) -> float:
    """Shortest time from one label to the next, at most an hour [min]."""
    if len(index) < 2:
        return HOUR
    steps = np.diff(index.to_numpy()) / np.timedelta64(1, "m")
    return min(HOUR, float(steps.min()))


def count_steps(count: int, minutes: float) -> str:
    """Write a number of steps of some minutes, as ``3 hours`` or ``3 steps of 10 min``."""
    if minutes == HOUR:
        return f"{count} hour" if count == 1 else f"{count} hours"
    return f"{count} step{'' if count == 1 else 's'} of {minutes:g} min"


def make_weather(
    table: pd.DataFrame,
    *,
    latitude: float | None,
    longitude: float | None,
    source: str,
    notes: tuple[str, ...] = (),
    sun_offset_minutes: float | None = None,
    flags: pd.DataFrame | None = None,
    part: bool = False,
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
    sun_offset_minutes : float, optional
        From the label to the sun that represents a step [min]; the middle by default.
    flags : pd.DataFrame or None
        How each value came about, rows of ``table``; without it every value counts as
        read, or as taken from neighbours where ``filled`` says so.
    part : bool
        Whether any stretch of time from a day on will do, instead of a year.

    Returns
    -------
    Weather
        With a table of its own.

    Raises
    ------
    WeatherError
        If the table is not one year of even UTC steps in order (`STEPS`), a value is
        missing or out of range, or the place is not on Earth; up to five faults are named.
    """
    faults = _index_faults(table.index, part=part) + _place_faults(latitude, longitude)
    if sun_offset_minutes is None:
        labels = table.index
        step = step_of(labels) if isinstance(labels, pd.DatetimeIndex) else HOUR
        sun_offset_minutes = step / 2.0
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


def _index_faults(index: pd.Index, *, part: bool) -> list[str]:
    """Say what keeps an index from being one year of even UTC steps."""
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        return ["time stamps must be timezone-aware"]
    if str(index.tz) != "UTC":
        return [f"time stamps must be in UTC, got {index.tz}"]
    # The usual step: a single one that is broken shall be named as such.
    gaps = np.diff(index.to_numpy()) / np.timedelta64(1, "m")
    step = float(np.median(gaps)) if len(gaps) else HOUR
    if abs(step) not in STEPS:
        return [f"steps must divide the hour evenly, got {step:g} min"]
    step = abs(step)
    rows = (8760 * HOUR / step, 8784 * HOUR / step)
    if not part and len(index) not in rows:
        every = "hours" if step == HOUR else f"steps of {step:g} min"
        return [
            f"a full year of {rows[0]:.0f} or {rows[1]:.0f} {every} is needed, got "
            f"{len(index)}"
        ]
    if len(index) * step < SHORTEST / pd.Timedelta(minutes=1):
        return [f"a day of weather is needed at least, got {len(index) * step / HOUR:g} h"]
    if index[0] != index[0].floor(f"{step:g}min"):
        return [f"hours must start at minute 0, got {index[0]:%H:%M:%S}"]
    uneven = gaps != step
    if uneven.any():
        first = index[int(np.argmax(uneven))]
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
