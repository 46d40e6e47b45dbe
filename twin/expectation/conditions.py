"""Hold the weather of any stretch of time in steps of a minute to an hour."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib
from numpy.typing import NDArray

from gis.errors import WeatherError
from meshes.solar.sun import sun_samples

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MINUTE = 60_000_000
"""[microseconds]."""

LONGEST_STEP = 60 * MINUTE
"""Longest step of a weather table [microseconds]: shadows move on in longer ones."""

LOWEST, BRIGHTEST = -20.0, 1500.0
"""Light that is believed [W/m2]; pyranometers read a little below 0 at night."""

AIR = (-50.0, 55.0)
"""Air temperature that is believed [deg C]."""

STRONGEST_WIND = 75.0
"""[m/s]."""

USUAL_AIR = 10.0
"""Air temperature where none is told [deg C]: near the mean of the region's years. 10 K
change the power of a solar cell by about 4 %. Assumption."""

USUAL_WIND = 3.0
"""Wind where none is told [m/s]. Assumption."""


@dataclass(frozen=True)
class Conditions:
    """Weather in even steps, holes allowed; made by `make_conditions`.

    Attributes
    ----------
    start : (t,) int
        Starts of the steps [microseconds since 1970, UTC], rising.
    step : int
        Length of a step [microseconds].
    ghi, dni, dhi : (t,) float
        Light on level ground, of the sun on a plane that faces it, of the sky on level
        ground [W/m2], means of the step; NaN where the light is not known.
    temp_air, wind_speed : (t,) float
        [deg C], [m/s]; never missing.
    split : (t,) bool
        Where sun and sky were told apart by a correlation and not measured.
    source : str
        Origin in one line.
    notes : tuple of str
        What was assumed.
    """

    start: IntArray
    step: int
    ghi: FloatArray
    dni: FloatArray
    dhi: FloatArray
    temp_air: FloatArray
    wind_speed: FloatArray
    split: BoolArray
    source: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.start)

    @property
    def step_minutes(self) -> float:
        """Length of a step [min]."""
        return self.step / MINUTE

    @property
    def middle(self) -> pd.DatetimeIndex:
        """Middles of the steps, UTC."""
        return instants(self.start + self.step // 2)

    def take(self, rows: IntArray | BoolArray | slice) -> "Conditions":
        """Return some of the steps."""
        return Conditions(
            self.start[rows],
            self.step,
            self.ghi[rows],
            self.dni[rows],
            self.dhi[rows],
            self.temp_air[rows],
            self.wind_speed[rows],
            self.split[rows],
            self.source,
            self.notes,
        )


def instants(times: IntArray) -> pd.DatetimeIndex:
    """Return microseconds since 1970 as instants in UTC."""
    return pd.DatetimeIndex(times.astype("datetime64[us]")).tz_localize("UTC")


def make_conditions(
    table: pd.DataFrame,
    *,
    latitude: float,
    longitude: float,
    source: str,
    step_minutes: float | None = None,
    notes: tuple[str, ...] = (),
) -> Conditions:
    """Check a weather table and complete its light.

    Parameters
    ----------
    table : DataFrame
        Index: starts of steps, timezone-aware, rising, holes allowed. ``ghi`` alone, or
        ``dni`` and ``dhi``, or all [W/m2]; ``temp_air`` [deg C] and ``wind_speed`` [m/s]
        where they are known. Values may be missing.
    latitude, longitude : float
        Place [degrees].
    source : str
        Origin in one line.
    step_minutes : float, optional
        Length of a step [min]; default: the shortest time between two rows.
    notes : tuple of str
        What the reader did.

    Raises
    ------
    WeatherError
        If times are naive, not rising or no multiple of the step apart, steps are longer
        than an hour, or there is no light at all.

    Notes
    -----
    Where only light on level ground is known, sun and sky are told apart by Erbs'
    correlation as Driesse made it continuous (pvlib), with the mean height of the sun
    while it is up. Light that cannot be becomes unknown and is counted in the notes.
    """
    start, step = _times(table.index, step_minutes)
    told = list(notes)
    columns = {
        name: _believed(table, name, *bounds, told)
        for name, bounds in {
            "ghi": (LOWEST, BRIGHTEST),
            "dni": (LOWEST, BRIGHTEST),
            "dhi": (LOWEST, BRIGHTEST),
            "temp_air": AIR,
            "wind_speed": (0.0, STRONGEST_WIND),
        }.items()
    }
    light = [np.maximum(columns[name], 0.0) for name in ("ghi", "dni", "dhi")]
    if not (np.isfinite(light[0]) | (np.isfinite(light[1]) & np.isfinite(light[2]))).any():
        message = (
            f"weather must tell ghi, or dni and dhi, got none from {source}; give a table "
            "with light on level ground"
        )
        raise WeatherError(message)
    ghi, dni, dhi, split = _completed(
        *light, start=start, step=step, latitude=latitude, longitude=longitude
    )
    if split.any():
        told.append(
            f"Sun and sky were told apart by a correlation in {int(split.sum()):,} of "
            f"{len(split):,} steps."
        )
    for name, usual, unit in (
        ("temp_air", USUAL_AIR, "deg C"),
        ("wind_speed", USUAL_WIND, "m/s"),
    ):
        columns[name] = _bridged(columns[name], name, usual, unit, told)
    return Conditions(
        start=start,
        step=step,
        ghi=ghi,
        dni=dni,
        dhi=dhi,
        temp_air=columns["temp_air"],
        wind_speed=columns["wind_speed"],
        split=split,
        source=source,
        notes=tuple(told),
    )


def mean_heights(
    middle: pd.DatetimeIndex, step_minutes: float, *, latitude: float, longitude: float
) -> tuple[FloatArray, FloatArray]:
    """Return the sine of the sun's height, mean while it is up, and the share it is up.

    Parameters
    ----------
    middle : (t,) DatetimeIndex
        Middles of steps.
    step_minutes : float
        Their length [min].
    latitude, longitude : float
        Place [degrees].
    """
    count = len(middle)
    row, _, elevation = sun_samples(
        middle,
        np.arange(count),
        latitude=latitude,
        longitude=longitude,
        interval_minutes=step_minutes,
    )
    up = elevation > 0
    lit = np.bincount(row[up], minlength=count)
    sums = np.bincount(row[up], np.sin(np.radians(elevation[up])), minlength=count)
    share = lit / np.maximum(np.bincount(row, minlength=count), 1)
    return sums / np.maximum(lit, 1), share


def _times(index: pd.Index, step_minutes: float | None) -> tuple[IntArray, int]:
    """Return starts and length of the steps [microseconds]."""
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        message = (
            "times of weather must carry their time zone, got none; write them as "
            "2026-06-21T12:00Z"
        )
        raise WeatherError(message)
    if len(index) == 0:
        message = "weather must have rows, got none; give a table with a time and ghi"
        raise WeatherError(message)
    start = index.tz_convert("UTC").tz_localize(None).to_numpy("datetime64[us]")
    times = start.astype(np.int64)
    apart = np.diff(times)
    if (apart <= 0).any():
        first = index[int(np.argmax(apart <= 0)) + 1]
        message = f"times of weather must rise, but {first} does not; sort the table"
        raise WeatherError(message)
    if step_minutes is not None:
        step = round(step_minutes * MINUTE)
    else:
        step = int(apart.min()) if len(apart) else LONGEST_STEP
    if not MINUTE <= step <= LONGEST_STEP or (apart % step != 0).any():
        message = (
            "weather must have even steps of 1 to 60 minutes, holes allowed, got "
            f"{step / MINUTE:g} min and others; bring it to one step"
        )
        raise WeatherError(message)
    return times, step


def _believed(
    table: pd.DataFrame, name: str, low: float, high: float, notes: list[str]
) -> FloatArray:
    """Return a column, NaN where it is missing or cannot be."""
    if name not in table.columns:
        return np.full(len(table), np.nan)
    values = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64).copy()
    wild = (values < low) | (values > high)
    if wild.any():
        values[wild] = np.nan
        notes.append(
            f"{int(wild.sum()):,} values of {name} outside {low:g}..{high:g} were left out."
        )
    return values


def _completed(
    ghi: FloatArray,
    dni: FloatArray,
    dhi: FloatArray,
    *,
    start: IntArray,
    step: int,
    latitude: float,
    longitude: float,
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Fill the light that follows from the rest; say where it was split."""
    middle = instants(start + step // 2)
    height, up = mean_heights(middle, step / MINUTE, latitude=latitude, longitude=longitude)
    told = np.isfinite(dni) & np.isfinite(dhi)
    alone = ~told & np.isfinite(ghi)
    zenith = np.degrees(np.arccos(np.clip(height, 0.0, 1.0)))
    found = pvlib.irradiance.erbs_driesse(
        np.where(alone, ghi, 0.0), zenith, middle.day_of_year.to_numpy()
    )
    lit = alone & (up > 0)
    beam = np.where(lit, np.nan_to_num(np.asarray(found["dni"])), 0.0)
    # The closure holds with the very height that was used, so that no light is lost.
    beam = np.minimum(beam, BRIGHTEST)
    sky = np.where(alone, np.maximum(ghi - beam * height, 0.0), np.nan)
    dni = np.where(told, dni, np.where(alone, beam, np.nan))
    dhi = np.where(told, dhi, sky)
    ghi = np.where(np.isfinite(ghi), ghi, dni * height + dhi)
    return ghi, dni, dhi, alone & (ghi > 0)


def _bridged(
    values: FloatArray, name: str, usual: float, unit: str, notes: list[str]
) -> FloatArray:
    """Fill holes by a straight line, or by what is usual where nothing is known."""
    known = np.isfinite(values)
    if not known.any():
        notes.append(f"No {name} is told; {usual:g} {unit} was assumed.")
        return np.full(len(values), usual)
    if known.all():
        return values
    notes.append(f"{int((~known).sum()):,} missing values of {name} were bridged.")
    place = np.arange(len(values), dtype=np.float64)
    return np.interp(place, place[known], values[known]).astype(np.float64)
