"""Find the sun that fits a weather file's time labels."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pvlib import solarposition

from gis.weather import (
    HOUR,
    IRRADIANCE,
    FloatArray,
    Weather,
    extraterrestrial,
    place_or_district,
    step_of,
)

# Grid of the search for the sun around the middle of a step: wide enough for labels at the
# end of the hour (-60) and an hour's mistake in the time zone on either side.
_AROUND = np.arange(-120.0, 121.0, 5.0)
_THIN = 10.0  # [min] finer steps are searched by every tenth minute or so
_CLOSURE_DNI, _CLOSURE_GHI = 100.0, 50.0  # [W/m2] hours below say little about the sun
_FEWEST_CLOSURE_HOURS = 100
_FEWEST_CLEAR_DAYS = 10
_CLEAR_DAY_SHARE = 0.9  # days above this quantile of the clearness index count as clear
_DECISIVE_MINUTES = 10.0
_DECISIVE_MINUTES_ELSEWHERE = 20.0  # 5 degrees of longitude, where the place is a guess
_DECISIVE_GAIN = 0.75


@dataclass(frozen=True)
class Alignment:
    """Where the sun stood, told by the radiation itself.

    Attributes
    ----------
    minutes : float
        Best offset of the sun from the label [min], in steps of 5 from the middle.
    error, error_at_middle : float
        Misfit at the best offset and in the middle of a step: root mean square of
        ``GHI - a DNI cos z - b DHI`` [W/m2] with the best factors by closure,
        ``1 - correlation`` on clear days.
    method : str
        ``"closure"``, ``"clear days"`` or, where nothing could be told, ``"none"``.
    samples : int
        Hours (closure) or days (clear days) that were used.
    decisive : bool
        True if the offset differs from the middle by more than the method's doubt.
    middle : float
        Middle of a step [min], 30 of an hour.
    """

    minutes: float
    error: float
    error_at_middle: float
    method: Literal["closure", "clear days", "none"]
    samples: int
    decisive: bool
    middle: float = HOUR / 2.0

    @property
    def out_of_range(self) -> bool:
        """True if the best offset lies on the border of the search."""
        return self.decisive and abs(self.minutes - self.middle) >= _AROUND[-1]


def sun_offset_minutes(weather: Weather) -> Alignment:
    """Find which sun fits the hours of a weather year.

    Parameters
    ----------
    weather : Weather
        Hours that were filled are left out.

    Returns
    -------
    Alignment
        About 30 min for means over the hour after the label. Where the radiation was split
        by a model, it tells the offset that the model was given.

    Notes
    -----
    See `find_sun_offset`.
    """
    measured = weather.table[~weather.table["filled"]]
    return find_sun_offset(measured, latitude=weather.latitude, longitude=weather.longitude)


def find_sun_offset(
    table: pd.DataFrame, *, latitude: float | None, longitude: float | None
) -> Alignment:
    """Find the offset of the sun from the labels that fits the radiation best.

    Parameters
    ----------
    table : (n, ...) pd.DataFrame
        UTC labels in steps of an hour or finer; columns ``ghi, dni, dhi`` [W/m2], NaN
        where unknown.
    latitude, longitude : float or None
        Place [degrees]; None stands for the district, with a wider doubt.

    Returns
    -------
    Alignment
        By closure where there are enough hours with all three; else by clear days.

    Notes
    -----
    Closure is exact at the true offset whatever the clouds, because ``cos z`` is the only
    thing in it that depends on the clock. Beam and diffuse get a factor each, so that the
    calibration of three instruments does not pass for a clock. Without beam and diffuse,
    the GHI of the clearest tenth of days is correlated with a clear sky's [2]_. The sun
    comes from the Fourier series of [1]_ (0.5 min in the equation of time), which is
    enough for a grid of 5 min. Checked in tests/gis/test_weather_clock.py with years
    shifted by known times and on measured years.

    References
    ----------
    .. [1] J. W. Spencer, "Fourier series representation of the position of the sun",
       Search 2 (1971) 172.
    .. [2] B. Haurwitz, "Insolation in relation to cloudiness and cloud density", Journal of
       Meteorology 2 (1945) 154-166.
    """
    guessed = latitude is None or longitude is None
    place = place_or_district(latitude, longitude)
    doubt = _DECISIVE_MINUTES_ELSEWHERE if guessed else _DECISIVE_MINUTES
    index = pd.DatetimeIndex(table.index)
    step = step_of(index)
    if step < _THIN:
        # As good for the clock, and a year of minutes fits into memory.
        grid = step * np.floor(_THIN / step)
        table = table[(index.hour * HOUR + index.minute) % grid == 0]
    offsets = step / 2.0 + _AROUND
    use = (
        (table["dni"] > _CLOSURE_DNI) & (table["ghi"] > _CLOSURE_GHI) & table["dhi"].notna()
    )
    if use.sum() >= _FEWEST_CLOSURE_HOURS:
        hours = table[use]
        heights = _heights_at_offsets(pd.DatetimeIndex(hours.index), place, offsets)
        errors = np.array([_closure_misfit(hours, height) for height in heights])
        return _alignment(
            errors, offsets, method="closure", samples=len(hours), doubt=doubt
        )
    return _clear_day_alignment(table["ghi"], place, offsets, doubt=doubt)


def _alignment(
    errors: FloatArray,
    offsets: FloatArray,
    *,
    method: Literal["closure", "clear days"],
    samples: int,
    doubt: float,
) -> Alignment:
    """Judge the misfit over the grid of offsets."""
    best = int(np.argmin(errors))
    minutes, error = float(offsets[best]), float(errors[best])
    at_middle = float(errors[len(offsets) // 2])
    far = abs(_AROUND[best]) >= doubt
    return Alignment(
        minutes=minutes,
        error=error,
        error_at_middle=at_middle,
        method=method,
        samples=samples,
        decisive=bool(far and error < _DECISIVE_GAIN * at_middle),
        middle=float(offsets[len(offsets) // 2]),
    )


def _closure_misfit(table: pd.DataFrame, height: FloatArray) -> float:
    """Root mean square of GHI less beam and diffuse with their best factors [W/m2]."""
    ghi, dni, dhi = (table[name].to_numpy(dtype=np.float64) for name in IRRADIANCE)
    parts = np.column_stack([dni * height, dhi])
    factors = np.linalg.lstsq(parts, ghi, rcond=None)[0]
    return float(np.sqrt(np.mean((ghi - parts @ factors) ** 2)))


def _clear_day_alignment(
    ghi: "pd.Series[float]",
    place: tuple[float, float],
    offsets: FloatArray,
    *,
    doubt: float,
) -> Alignment:
    """Correlate the clearest days' GHI with a clear sky's at each offset."""
    central = float(offsets[len(offsets) // 2])
    none = Alignment(central, np.nan, np.nan, "none", 0, decisive=False, middle=central)
    index = pd.DatetimeIndex(ghi.index)
    heights = _heights_at_offsets(index, place, offsets)
    # The sun's own days, lest a far longitude cut them at noon.
    days = (index + pd.Timedelta(hours=place[1] / 15.0)).floor("D")
    top = extraterrestrial(index)
    middle = heights[len(offsets) // 2]
    sums = (
        pd.DataFrame(
            {"ghi": ghi.to_numpy(), "top": top * middle, "ok": ghi.notna().to_numpy()}
        )
        .groupby(days)
        .agg({"ghi": "sum", "top": "sum", "ok": "sum"})
    )
    # Days with gaps and the short days of winter would be judged by a few hours of low sun.
    whole = round(24.0 * HOUR / step_of(index))
    sums = sums[(sums["ok"] == whole) & (sums["top"] > sums["top"].max() / 3.0)]
    clearness = sums["ghi"] / sums["top"]
    clear = clearness.index[clearness >= clearness.quantile(_CLEAR_DAY_SHARE)]
    if len(clear) < _FEWEST_CLEAR_DAYS:
        return none
    use = np.asarray(days.isin(clear))
    values = ghi.to_numpy(dtype=np.float64)[use]
    if values.std() == 0.0:
        return none
    skies = (clear_sky(height[use]) for height in heights)
    errors = np.array([1.0 - np.corrcoef(values, sky)[0, 1] for sky in skies])
    return _alignment(
        errors, offsets, method="clear days", samples=len(clear), doubt=1.5 * doubt
    )


def clear_sky(height: FloatArray) -> FloatArray:
    """Estimate the GHI of a clear sky after Haurwitz.

    Parameters
    ----------
    height : (n,) float
        Cosine of the zenith, 0 below the horizon.

    Returns
    -------
    (n,) float
        [W/m2], 0 at night.
    """
    up = np.clip(height, 1e-3, None)
    return np.asarray(1098.0 * height * np.exp(-0.059 / up), dtype=np.float64)


def _heights_at_offsets(
    index: pd.DatetimeIndex, place: tuple[float, float], offsets: FloatArray
) -> FloatArray:
    """Cosine of the true zenith at each offset of the grid, (offsets, n)."""
    latitude, longitude = np.radians(place)
    hour = (index.hour + index.minute / 60.0).to_numpy(dtype=np.float64)
    day = index.day_of_year.to_numpy(dtype=np.float64) + hour / 24.0
    declination = np.asarray(solarposition.declination_spencer71(day))
    equation = np.asarray(solarposition.equation_of_time_spencer71(day))  # [min]
    solar_hour = hour + equation / 60.0 + offsets[:, None] / 60.0
    angle = np.radians(15.0 * solar_hour - 180.0) + longitude
    height = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(
        declination
    ) * np.cos(angle)
    return np.asarray(np.clip(height, 0.0, None), dtype=np.float64)
