"""Make up the weather of a run from the hours of a year, finer where that is wanted."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib
from scipy.signal import lfilter

from gis.errors import WeatherError
from twin.expectation.conditions import (
    MINUTE,
    Conditions,
    FloatArray,
    IntArray,
    instants,
    make_conditions,
    mean_heights,
)
from twin.expectation.plant import Place
from twin.simulation.assumption import Assumption

HOUR = 60 * MINUTE

BROKEN = Assumption(
    "spread of the beam within an hour under half-covered sky, as logarithm",
    0.35,
    "1",
    "assumed; one-minute records of June 2016 at Lyngby scatter alike",
)
BROADEST = Assumption("most that the beam rises above the hour's mean", 1.6, "1", "assumed")
DEW = Assumption(
    "dew point below the day's lowest temperature", 1.0, "K", "common estimate, assumed"
)
PRESSURE = Assumption("mean air pressure", 1013.0, "hPa", "standard atmosphere")
PRESSURE_SPREAD = Assumption("spread of the air pressure", 9.0, "hPa", "assumed")
WIND_FROM = Assumption("usual direction of the wind", 240.0, "deg", "assumed: southwest")
WIND_TURN = Assumption("spread of the direction", 55.0, "deg", "assumed")
RAINY = Assumption("share of sunless time in which it rains", 0.2, "1", "assumed")
RAIN = Assumption("usual rain while it rains", 0.9, "mm/h", "assumed")

ASSUMPTIONS = (
    BROKEN,
    BROADEST,
    DEW,
    PRESSURE,
    PRESSURE_SPREAD,
    WIND_FROM,
    WIND_TURN,
    RAINY,
    RAIN,
)


@dataclass(frozen=True)
class Climate:
    """Weather of a run; everything but light, air and wind is made up of nothing better.

    Attributes
    ----------
    conditions : Conditions
        Light, air temperature and wind of t even steps without holes.
    humidity : (t,) float
        Relative, outdoors [%].
    pressure : (t,) float
        [hPa].
    direction : (t,) float
        Where the wind comes from [degrees clockwise from north].
    rain : (t,) float
        [mm/h].
    """

    conditions: Conditions
    humidity: FloatArray
    pressure: FloatArray
    direction: FloatArray
    rain: FloatArray

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.conditions)

    @property
    def start(self) -> IntArray:
        """Starts of the steps [microseconds since 1970, UTC]."""
        return self.conditions.start

    @property
    def step(self) -> int:
        """Length of a step [microseconds]."""
        return self.conditions.step

    @property
    def hours(self) -> float:
        """Length of a step [h]."""
        return self.conditions.step / HOUR


def make_climate(conditions: Conditions, place: Place, *, step: int, seed: int) -> Climate:
    """Bring weather to the steps of a run and complete it.

    Parameters
    ----------
    conditions : Conditions
        Weather in steps of a minute to an hour without holes, whole hours of it.
    place : Place
        Where the sun is seen from.
    step : int
        Wanted [microseconds]; an even part of an hour.
    seed : int
        Of clouds, rain, wind's direction and pressure.

    Raises
    ------
    WeatherError
        If light is missing somewhere, or the steps do not fit each other.

    Notes
    -----
    Finer steps than those given: the sky's light follows the height of the sun, the beam
    comes and goes besides as clouds do, and both keep the mean of each given step; air and
    wind run straight from middle to middle. Coarser ones are means.
    """
    _check(conditions, step)
    rng = np.random.default_rng([seed, 17])
    if step < conditions.step:
        conditions = _refined(conditions, place, step, rng)
    elif step > conditions.step:
        conditions = _averaged(conditions, place, step)
    count, hours = len(conditions), step / HOUR
    sunless = conditions.dni < 5.0
    falling = _red(rng, count, hours, 5.0) > _above(RAINY.value)
    return Climate(
        conditions,
        humidity=_humidity(conditions),
        pressure=PRESSURE.value + PRESSURE_SPREAD.value * _red(rng, count, hours, 60.0),
        direction=(WIND_FROM.value + WIND_TURN.value * _red(rng, count, hours, 20.0)) % 360,
        rain=np.where(
            sunless & falling, RAIN.value * np.exp(0.7 * _red(rng, count, hours, 1.0)), 0.0
        ),
    )


def _check(conditions: Conditions, step: int) -> None:
    """Refuse weather with holes and steps that do not fit."""
    light = (conditions.ghi, conditions.dni, conditions.dhi)
    known = np.all([np.isfinite(values) for values in light], axis=0)
    even = (np.diff(conditions.start) == conditions.step).all()
    longer, shorter = max(step, conditions.step), min(step, conditions.step)
    faults = []
    if not known.all():
        faults.append(f"{int((~known).sum()):,} of {len(known):,} steps have no light")
    if not even:
        faults.append("steps are missing")
    if longer % shorter or HOUR % step or (len(conditions) * conditions.step) % step:
        faults.append(
            f"steps of {conditions.step / MINUTE:g} min do not become {step / MINUTE:g} min"
        )
    if faults:
        message = (
            f"the weather of a run must be whole: {'; '.join(faults)}; choose another "
            "time, step or file"
        )
        raise WeatherError(message)


def _refined(
    conditions: Conditions, place: Place, step: int, rng: np.random.Generator
) -> Conditions:
    """Cut steps into finer ones with the same means of sun and sky."""
    parts = conditions.step // step
    start = conditions.start[0] + step * np.arange(len(conditions) * parts, dtype=np.int64)
    height, up = mean_heights(
        instants(start + step // 2),
        step / MINUTE,
        latitude=place.latitude,
        longitude=place.longitude,
    )
    lit = height * up
    share = conditions.dhi / np.maximum(conditions.ghi, 1.0)
    broken = np.repeat(np.clip(4 * share * (1 - share), 0, 1), parts)
    passing = np.exp(BROKEN.value * broken * _red(rng, len(start), step / HOUR, 0.4))
    passing = np.minimum(passing, BROADEST.value) * np.ceil(up)
    table = pd.DataFrame(
        {
            "dni": _shared(conditions.dni, passing, parts),
            "dhi": _shared(conditions.dhi, lit, parts),
            "temp_air": _between(conditions.start, conditions.temp_air, start, parts),
            "wind_speed": _between(conditions.start, conditions.wind_speed, start, parts),
        },
        index=instants(start),
    )
    return _again(table, conditions, place, step)


def _shared(mean: FloatArray, shape: FloatArray, parts: int) -> FloatArray:
    """Share out means over the parts of their steps by a shape, evenly where it is 0."""
    rows = shape.reshape(-1, parts)
    whole = rows.mean(axis=1, keepdims=True)
    rows = np.where(whole > 1e-9, rows / np.maximum(whole, 1e-9), 1.0)
    return np.asarray((mean[:, None] * rows).ravel(), np.float64)


def _between(
    coarse: IntArray, values: FloatArray, fine: IntArray, parts: int
) -> FloatArray:
    """Run straight from middle to middle."""
    step = int(fine[1] - fine[0])
    run = np.interp(fine + step / 2, coarse + parts * step / 2, values)
    return np.asarray(run, np.float64)


def _averaged(conditions: Conditions, place: Place, step: int) -> Conditions:
    """Join steps."""
    parts = step // conditions.step
    names = ("dni", "dhi", "temp_air", "wind_speed")
    table = pd.DataFrame(
        {name: getattr(conditions, name).reshape(-1, parts).mean(axis=1) for name in names},
        index=instants(conditions.start[::parts]),
    )
    return _again(table, conditions, place, step)


def _again(
    table: pd.DataFrame, conditions: Conditions, place: Place, step: int
) -> Conditions:
    """Make conditions of other steps."""
    return make_conditions(
        table,
        latitude=place.latitude,
        longitude=place.longitude,
        source=conditions.source,
        step_minutes=step / MINUTE,
        notes=conditions.notes,
    )


def _humidity(conditions: Conditions) -> FloatArray:
    """Return the relative humidity [%] of air whose dew point follows the coldest hour."""
    air = pd.Series(conditions.temp_air, index=instants(conditions.start))
    lowest = air.rolling("24h", center=True).min().to_numpy(np.float64)
    dew = lowest - DEW.value
    share = 100 * vapour(dew) / vapour(conditions.temp_air)
    return np.asarray(np.clip(share, 15.0, 100.0), np.float64)


def vapour(temperature: FloatArray) -> FloatArray:
    """Return the pressure of saturated vapour [hPa] (Magnus, as by WMO-No. 8).

    Examples
    --------
    >>> float(vapour(np.array(20.0)).round(1))
    23.3
    """
    return np.asarray(
        6.112 * np.exp(17.62 * temperature / (243.12 + temperature)), np.float64
    )


def sun_places(climate: Climate, place: Place) -> tuple[FloatArray, FloatArray]:
    """Return azimuth and elevation of the sun in the middle of the steps [degrees]."""
    found = pvlib.solarposition.get_solarposition(
        climate.conditions.middle, place.latitude, place.longitude
    )
    return (
        found["azimuth"].to_numpy(np.float64),
        found["apparent_elevation"].to_numpy(np.float64),
    )


def _red(rng: np.random.Generator, count: int, hours: float, memory: float) -> FloatArray:
    """Return noise of variance 1 that forgets within ``memory`` hours."""
    kept = float(np.exp(-hours / memory))
    white = rng.normal(size=count) * np.sqrt(1 - kept**2)
    first = rng.normal() * kept
    made, _ = lfilter([1.0], [1.0, -kept], white, zi=[first])
    return np.asarray(made, np.float64)


def _above(share: float) -> float:
    """Return what a standard normal value exceeds with a chance."""
    from scipy.stats import norm

    return float(norm.isf(share))
