"""Generate the embedded typical year of the district from monthly means."""

from collections.abc import Callable
from importlib import resources

import numpy as np
import numpy.typing as npt
import pandas as pd
from pvlib import atmosphere

from gis.weather import (
    DISTRICT_LATITUDE,
    DISTRICT_LONGITUDE,
    MIDDLE_OF_HOUR,
    FloatArray,
    Weather,
    extraterrestrial,
    make_weather,
    sun_elevation,
)

IntArray = npt.NDArray[np.int32]

# No leap year, and the middle of the four-year leap cycle: its sun is the average one.
NOMINAL_YEAR = 2018

MEAN_TEMPERATURE = 9.2  # [degC] SMHI, Helsingborg, 1991-2020

# Clear-sky beam as transmittance ** (air mass ** 0.678) of the extraterrestrial beam,
# A. B. Meinel and M. P. Meinel, Applied Solar Energy (1976); 0.7 there is a mean sky. The
# spread is the difference between hazy and very clear days.
_TRANSMITTANCE, _TRANSMITTANCE_SPREAD = 0.71, 0.025
_AIR_MASS_EXPONENT = 0.678

# Shape of the weather, chosen so that the hourly distributions of beam and diffuse and the
# persistence of days look like those of the measured years that the means come from.
_DAY_PERSISTENCE = 0.45
_HOUR_PERSISTENCE = 0.8
_DAY_WEIGHT = 0.7  # of the day against the hour in the cloudiness
_CLOUD_CONTRAST = 4.8  # how sharply the sun switches between shining and covered
_DIFFUSE_CLEAR, _DIFFUSE_CLOUD, _DIFFUSE_BROKEN = 0.11, 0.36, 0.09
_DIFFUSE_THINNING = 0.65
_DIFFUSE_SPREAD = 0.15  # clouds of equal beam differ in brightness
_DUSK = 0.02  # softens the horizon for diffuse light, as a cosine

_SYNOPTIC_PERSISTENCE = 0.75
_SYNOPTIC_SPREAD = (3.1, 2.5)  # [K] winter, summer
_SYNOPTIC_SUN = (-0.35, 0.35)  # correlation with clear days: cold winter, warm summer
_DAILY_RANGE_DULL = (1.6, 3.6)  # [K] between night and afternoon on a dull day
_DAILY_RANGE_CLEAR = (6.0, 9.5)
_RESTLESS = 0.6  # [K] hourly wandering
_COLDEST, _WARMEST = 3.5, 13.5  # [h UTC]

_MOST_CLOUD, _MOST_TILT = 8.0, 12.0  # bounds of the search, in spreads of the cloudiness
_STEPS = 28  # of bisection: far below the rounding of the result


def monthly_climate() -> pd.DataFrame:
    """Monthly means behind the typical year.

    Returns
    -------
    pd.DataFrame
        Indexed by month 1 to 12: ``ghi, dni, dhi`` [kWh/m2], ``temp_air`` [degC] with the
        year's mean at 9.2 degC, ``wind_speed`` [m/s], and the source of each.

    Notes
    -----
    The file's temperatures are given to a tenth; they are moved by the same few hundredths
    of a kelvin so that the year has SMHI's mean.
    """
    with resources.files("gis.data").joinpath("climate.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, index_col="month")
    table = table.rename(
        columns={
            "ghi_kwh_m2": "ghi",
            "dni_kwh_m2": "dni",
            "dhi_kwh_m2": "dhi",
            "temp_air_deg_c": "temp_air",
            "wind_speed_m_s": "wind_speed",
        }
    )
    days = pd.date_range(
        f"{NOMINAL_YEAR}-01", periods=12, freq="MS"
    ).days_in_month.to_numpy()
    mean = float((table["temp_air"] * days).sum() / days.sum())
    return table.assign(temp_air=table["temp_air"] + (MEAN_TEMPERATURE - mean))


def typical_year() -> Weather:
    """Typical weather of the district, the same bytes on every machine.

    Returns
    -------
    Weather
        8,760 hours of the nominal year 2018 in UTC. Monthly sums of GHI, DNI and DHI and
        monthly mean temperatures are those of `monthly_climate`; hours and days are made
        up. ``GHI = DNI cos z + DHI`` holds within the rounding to 0.1 W/m2, with the sun at
        the middle of the hour.

    Notes
    -----
    Cloudiness is a sum of a daily and an hourly autoregressive series of hashed numbers;
    the days of each month are ranked, so that every month has its clear and its dull days.
    For each month three knobs meet the three sums: the cloud threshold (beam), a tilt of
    that threshold with the sun's height (the beam's part on the horizontal) and a factor on
    the diffuse light. No beam exceeds that of a clear sky. Checked in
    tests/gis/test_typical_year.py.
    """
    index = pd.date_range(f"{NOMINAL_YEAR}-01-01", periods=8760, freq="h", tz="UTC")
    climate = monthly_climate()
    elevation = sun_elevation(
        index + pd.Timedelta(minutes=MIDDLE_OF_HOUR),
        latitude=DISTRICT_LATITUDE,
        longitude=DISTRICT_LONGITUDE,
    )
    height = np.clip(np.sin(np.radians(elevation)), 0.0, None)
    month = index.month.to_numpy()
    clearness = _day_clearness(month[::24])
    dni, dhi = _radiation(index, elevation, clearness, climate)
    # Rounded first and then added up, so that the printed digits close.
    dni, dhi = np.round(dni, 1), np.round(dhi, 1)
    table = pd.DataFrame(
        {
            "ghi": np.round(dni * height + dhi, 1),
            "dni": dni,
            "dhi": dhi,
            "temp_air": _temperature(month, clearness, climate["temp_air"].to_numpy()),
            "wind_speed": _wind(month, climate["wind_speed"].to_numpy()),
        },
        index=index,
    )
    return make_weather(
        table,
        latitude=DISTRICT_LATITUDE,
        longitude=DISTRICT_LONGITUDE,
        source=(
            "Typical year made from monthly means: radiation measured at Lyngby 2015-2025 "
            "(DTU Construct), temperature with SMHI's mean of Helsingborg 1991-2020"
        ),
        notes=(
            "The weather is synthetic: its monthly means are measured or estimated, its "
            f"days and hours are made up (nominal year {NOMINAL_YEAR}).",
            "Radiation is that of Lyngby, 30 km to the south-west; the course of "
            "temperature over the months is an estimate, the mean of 9.2 degC is SMHI's.",
            "Wind speed is an assumption for a coastal town, not a measurement.",
        ),
    )


def _radiation(
    index: pd.DatetimeIndex,
    elevation: FloatArray,
    clearness: FloatArray,
    climate: pd.DataFrame,
) -> tuple[FloatArray, FloatArray]:
    """Hourly DNI and DHI [W/m2] that meet the monthly sums."""
    height = np.clip(np.sin(np.radians(elevation)), 0.0, None)
    beyond = extraterrestrial(index)
    haze = np.repeat(_noise(365, stream=3), 24)
    transmittance = _TRANSMITTANCE + _TRANSMITTANCE_SPREAD * haze
    mass = atmosphere.get_relative_airmass(np.clip(90.0 - elevation, 0.0, 89.9))
    clear = np.where(
        height > 0.0, beyond * transmittance ** (mass**_AIR_MASS_EXPONENT), 0.0
    )
    passing = _autoregressive(_noise(8760, stream=2), _HOUR_PERSISTENCE)
    sunniness = (
        _DAY_WEIGHT * np.repeat(_standard(_logit(clearness)), 24)
        + np.sqrt(1.0 - _DAY_WEIGHT**2) * passing
    )
    dusk = np.sin(np.radians(elevation))
    bright = 1.0 + _DIFFUSE_SPREAD * _autoregressive(_noise(8760, stream=7), 0.7)
    lit = bright * beyond * 0.5 * (dusk + np.hypot(dusk, _DUSK)) * (elevation > -6.0)
    dni, dhi = np.zeros(8760), np.zeros(8760)
    for month, row in climate.iterrows():
        use = index.month == month
        dni[use], dhi[use] = _month(
            sunniness[use],
            clear[use],
            height[use],
            lit[use],
            sums=1000.0 * row[["ghi", "dni", "dhi"]].to_numpy(dtype=np.float64),
        )
    return dni, dhi


def _month(
    sunniness: FloatArray,
    clear: FloatArray,
    height: FloatArray,
    lit: FloatArray,
    *,
    sums: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """DNI and DHI [W/m2] of one month with the given sums of GHI, DNI, DHI [Wh/m2]."""
    ghi_sum, dni_sum, dhi_sum = sums
    beam_sum = ghi_sum - dhi_sum  # on the horizontal
    up = height > 0.0  # the search leaves the night out

    def sunshine(threshold: float, tilt: float) -> FloatArray:
        return _share(_CLOUD_CONTRAST * (sunniness[up] - threshold + tilt * height[up]))

    def threshold_for(tilt: float) -> float:
        return _bisect(
            lambda x: float(clear[up] @ sunshine(x, tilt)) - dni_sum,
            _MOST_CLOUD,
            -_MOST_CLOUD,
        )

    def horizontal(tilt: float) -> float:
        return float((clear * height)[up] @ sunshine(threshold_for(tilt), tilt))

    tilt = _bisect(lambda x: horizontal(x) - beam_sum, -_MOST_TILT, _MOST_TILT)
    threshold = threshold_for(tilt)
    sun = np.zeros_like(height)
    sun[up] = sunshine(threshold, tilt)
    depth = np.minimum(sunniness - threshold + tilt * height, 0.0)
    cloud = np.exp(_DIFFUSE_THINNING * depth)
    share = _DIFFUSE_CLEAR * sun + _DIFFUSE_CLOUD * (1.0 - sun) * cloud
    diffuse = lit * (share + 4.0 * _DIFFUSE_BROKEN * sun * (1.0 - sun))
    return clear * sun, diffuse * (dhi_sum / diffuse.sum())


def _temperature(month: IntArray, clearness: FloatArray, means: FloatArray) -> FloatArray:
    """Hourly temperature [degC] in tenths with the monthly means kept."""
    summer = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(365) - 15.0) / 365.0)  # 0..1

    def between(pair: tuple[float, float]) -> FloatArray:
        return np.asarray(pair[0] + (pair[1] - pair[0]) * summer)

    sun = _standard(_logit(clearness))
    link = between(_SYNOPTIC_SUN)
    weather = _autoregressive(_noise(365, stream=4), _SYNOPTIC_PERSISTENCE)
    synoptic = between(_SYNOPTIC_SPREAD) * (link * sun + np.sqrt(1.0 - link**2) * weather)
    swing = between(_DAILY_RANGE_DULL) + clearness * (
        between(_DAILY_RANGE_CLEAR) - between(_DAILY_RANGE_DULL)
    )
    hour = np.tile(np.arange(24) + 0.5, 365)
    since = (hour - _COLDEST) % 24.0
    rise = _WARMEST - _COLDEST
    phase = np.where(since < rise, since / rise - 1.0, (since - rise) / (24.0 - rise))
    middles = np.array([np.flatnonzero(month == m).mean() for m in range(1, 13)])
    course = np.interp(np.arange(8760), middles, means, period=8760)
    restless = _RESTLESS * _autoregressive(_noise(8760, stream=8), 0.9)
    daily = 0.5 * _hourly(swing) * np.cos(np.pi * phase)
    values = course + _hourly(synoptic) + daily + restless
    for number, mean in enumerate(means, start=1):
        values[month == number] += mean - values[month == number].mean()
    # Rounding the running sum keeps the sum, rounding each value would lose a little.
    return np.diff(np.round(10.0 * np.cumsum(values)), prepend=0.0) / 10.0


def _wind(month: IntArray, means: FloatArray) -> FloatArray:
    """Hourly wind speed [m/s] in tenths around the monthly means."""
    days = _autoregressive(_noise(365, stream=5), 0.6)
    hours = _autoregressive(_noise(8760, stream=6), 0.8)
    breeze = np.tile(-np.cos(2.0 * np.pi * (np.arange(24) - 1.5) / 24.0), 365)
    shape = (1.0 + 0.22 * _hourly(days) + 0.12 * hours + 0.06 * breeze) ** 2
    for number, mean in enumerate(means, start=1):
        shape[month == number] *= mean / shape[month == number].mean()
    return np.round(shape, 1)


def _day_clearness(month: IntArray) -> FloatArray:
    """Rank of each day within its month, 0 dull .. 1 clear, in a persistent sequence."""
    days = _autoregressive(_noise(365, stream=1), _DAY_PERSISTENCE)
    ranks = pd.Series(days).groupby(month).rank().to_numpy()
    count = pd.Series(days).groupby(month).transform("size").to_numpy()
    return np.asarray((ranks - 0.5) / count)


def _noise(count: int, *, stream: int) -> FloatArray:
    """Hashed numbers of mean 0 and variance 1, nearly normal."""
    return _standard(
        np.sum([_hashed(count, stream=10 * stream + part) for part in range(4)], axis=0)
    )


def _hashed(count: int, *, stream: int) -> FloatArray:
    """Uniform numbers 0..1 by the splitmix64 hash of a counter (G. Steele et al., 2014)."""
    start = np.uint64(stream) << np.uint64(32)
    state = (np.arange(count, dtype=np.uint64) + start + np.uint64(1)) * np.uint64(
        0x9E3779B97F4A7C15
    )
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) / 2.0**53


def _autoregressive(noise: FloatArray, persistence: float) -> FloatArray:
    """First-order autoregressive series of mean 0 and variance 1."""
    values = np.empty_like(noise)
    last = float(noise[-1])
    for step, push in enumerate(noise):
        last = persistence * last + np.sqrt(1.0 - persistence**2) * push
        values[step] = last
    return _standard(values)


def _standard(values: FloatArray) -> FloatArray:
    """Scale to mean 0 and variance 1."""
    return np.asarray((values - values.mean()) / values.std())


def _hourly(days: FloatArray) -> FloatArray:
    """Straight lines from noon to noon, round the year."""
    return np.interp(np.arange(8760), 24.0 * np.arange(365) + 12.0, days, period=8760)


def _logit(share: FloatArray) -> FloatArray:
    """Spread 0..1 over the real line."""
    return np.asarray(np.log(share / (1.0 - share)))


def _share(value: FloatArray) -> FloatArray:
    """Squeeze the real line into 0..1."""
    return np.asarray(1.0 / (1.0 + np.exp(-value)))


def _bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """Root of a function that is negative at ``low`` and positive at ``high``."""
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if function(middle) < 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
