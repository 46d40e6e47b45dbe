"""Simulate one day of meter data for every building, labelled as simulated."""

import hashlib
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import TableError, WeatherError
from twin.model import point_id
from twin.quantities import Quantity
from twin.simulation.assumption import Assumption

FloatArray = NDArray[np.float64]

SOURCE = "simulated"
"""Stands beside every value, so that none can be taken for a measurement."""

COLUMNS = ("point", "building", "quantity", "time", "value", "unit", "source")

CLOCK = ZoneInfo("Europe/Stockholm")
"""Clock that people in the district live by."""


@dataclass(frozen=True)
class Demand:
    """What a kind of building needs in a year, per m2 of floor."""

    space_heat: Assumption
    hot_water: Assumption
    electricity: Assumption
    at_work: bool
    """True where people come by day on weekdays, False where they live."""


def _demand(
    what: str,
    heat: tuple[float, str],
    water: tuple[float, str],
    power: tuple[float, str],
    *,
    at_work: bool,
) -> Demand:
    """Make the three figures of one kind of building."""
    per_area = "kWh/m2 a year"
    return Demand(
        Assumption(f"space heat, {what}", heat[0], per_area, heat[1]),
        Assumption(f"hot water, {what}", water[0], per_area, water[1]),
        Assumption(f"electricity, {what}", power[0], per_area, power[1]),
        at_work=at_work,
    )


NEW_FLATS = _demand(
    "flats from 2010 or later",
    (25.0, "middle of the usual range of new Swedish flats, 15 to 35"),
    (25.0, "middle of the usual range of flats, 20 to 30"),
    (40.0, "usual figures of flats: household 30, services of the building 10"),
    at_work=False,
)
STOCK = _demand(
    "older flats, other uses and buildings of unknown use",
    (
        123.0,
        "Swedish Energy Agency: 148 for heat and hot water, mean of flats 2009, less 25",
    ),
    (25.0, "middle of the usual range of flats, 20 to 30"),
    (40.0, "usual figures of flats: household 30, services of the building 10"),
    at_work=False,
)
OFFICES = _demand(
    "offices",
    (45.0, "middle of the usual range of offices, 30 to 60"),
    (3.5, "middle of the usual range of offices, 2 to 5"),
    (65.0, "usual figures of offices: tenants 50, services 15; cooling is left out"),
    at_work=True,
)
SCHOOLS = _demand(
    "education",
    (75.0, "middle of the usual range of schools, 60 to 90"),
    (10.0, "usual figure of schools"),
    (65.0, "no figure at hand: that of offices"),
    at_work=True,
)

NEW_FROM = 2010
"""First year of construction whose flats count as new."""

HEATING_LIMIT = Assumption(
    "outdoor temperature below which rooms are heated",
    17.0,
    "degC",
    "base of the degree-days of the Swedish weather service (SMHI)",
    unverified=False,
)
INDOOR = Assumption("mean indoor temperature", 21.0, "degC", "usual set-point of flats")
INDOOR_SPREAD = Assumption(
    "largest difference of a building from it", 0.6, "K", "assumed for a lifelike day"
)
INDOOR_SWING = Assumption(
    "daily swing around the mean, warmest at 16 h", 0.4, "K", "assumed for a lifelike day"
)
INDOOR_RISE = Assumption(
    "rise of the rooms per degree that the air is above the heating limit",
    0.2,
    "K/K",
    "assumed for a lifelike day",
)
DEMAND_SPREAD = Assumption(
    "largest share by which a building departs from the demand of its kind",
    0.1,
    "1",
    "assumed: buildings of a kind differ",
)
LEAST_LOSS = Assumption(
    "least share of the expected solar power lost to soiling and the inverter",
    0.02,
    "1",
    "assumed for a lifelike residual",
)
MOST_LOSS = Assumption(
    "largest such share", 0.06, "1", "assumed for a lifelike residual; no fault is planted"
)

ASSUMPTIONS: tuple[Assumption, ...] = (
    *(
        figure
        for kind in (NEW_FLATS, STOCK, OFFICES, SCHOOLS)
        for figure in (kind.space_heat, kind.hot_water, kind.electricity)
    ),
    HEATING_LIMIT,
    INDOOR,
    INDOOR_SPREAD,
    INDOOR_SWING,
    INDOOR_RISE,
    DEMAND_SPREAD,
    LEAST_LOSS,
    MOST_LOSS,
)
"""Every number behind the simulated values, with its source. The daily shapes below are
assumed as well."""


def _week(weekday: list[float], weekend: list[float]) -> FloatArray:
    """Return a (7, 24) shape by day and hour of the local clock, Monday first, mean 1."""
    shape = np.array([weekday] * 5 + [weekend] * 2, np.float64)
    return np.asarray(shape / shape.mean(), np.float64)


# fmt: off
HOME_ELECTRICITY = _week(
    [.6, .55, .5, .5, .5, .6, .9, 1.2, 1.1, .9, .8, .85,
     .9, .85, .85, .95, 1.2, 1.5, 1.7, 1.7, 1.6, 1.4, 1.1, .8],
    [.65, .6, .55, .5, .5, .55, .65, .85, 1.1, 1.25, 1.25, 1.25,
     1.25, 1.2, 1.15, 1.2, 1.35, 1.55, 1.65, 1.6, 1.5, 1.35, 1.1, .85],
)
WORK_ELECTRICITY = _week(
    [.45, .45, .45, .45, .45, .5, .8, 1.4, 1.9, 2., 2., 1.95,
     1.8, 1.95, 1.95, 1.85, 1.6, 1.2, .8, .6, .5, .5, .45, .45],
    [.45] * 24,
)
HOME_WATER = _week(
    [.3, .2, .1, .1, .15, .5, 1.4, 2.2, 1.9, 1.1, .8, .8,
     .8, .7, .7, .8, 1., 1.3, 1.7, 1.8, 1.8, 1.6, 1.1, .6],
    [.4, .2, .1, .1, .1, .3, .6, 1.1, 1.7, 1.9, 1.6, 1.3,
     1.1, 1., .9, 1., 1.1, 1.3, 1.6, 1.7, 1.7, 1.5, 1.1, .7],
)
WORK_WATER = _week(
    [0., 0., 0., 0., 0., .2, .8, 1.8, 2.4, 2.4, 2.4, 2.8,
     2.8, 2.4, 2.2, 2., 1.4, .6, .2, 0., 0., 0., 0., 0.],
    [0.] * 24,
)
# fmt: on


def simulate_day(
    buildings: pd.DataFrame,
    pv_kw: pd.DataFrame,
    weather: pd.DataFrame,
    *,
    day: date,
) -> pd.DataFrame:
    """Make up a day of meter values from expected solar power, weather and usual demand.

    Parameters
    ----------
    buildings : DataFrame
        As `twin.model.building_table` makes it: index ``building``; columns ``use`` ("" or
        unlisted: as older flats), ``year`` of construction and ``floor_area`` [m2].
    pv_kw : (24 or 96, b) DataFrame
        Expected yield of the panels [kW], 0 or positive, mean of each interval. Index: the
        starts of the hours or quarters of ``day`` in UTC; columns: the buildings that
        carry panels.
    weather : DataFrame
        Table of a whole year that holds ``day``, as in `gis.weather.Weather`: hourly UTC
        index and ``temp_air`` [degC].
    day : date
        Day in UTC.

    Returns
    -------
    DataFrame
        `COLUMNS`, sorted by building, quantity and time: mean values per interval, UTC
        interval starts, consumption positive, generation negative. ``source`` is
        "simulated" throughout.

    Raises
    ------
    TableError
        If buildings or expected yields cannot be used.
    WeatherError
        If the weather does not hold the day.

    Notes
    -----
    Heat for rooms shares out the yearly figure by degree-hours below `HEATING_LIMIT`, hot
    water and electricity follow weekly shapes by the local clock, so that a year of days
    adds up to the yearly figures. What differs between buildings comes from a hash of the
    point's id: the same input gives the same values. `ASSUMPTIONS` lists every number.
    """
    times = _check_times(pv_kw, day)
    _check_buildings(buildings, pv_kw)
    outdoor, share = _outdoor(weather, times)
    everyone = buildings.index
    parts = [
        _rows(Quantity.PV_POWER, pv_kw.columns, times, _pv(pv_kw)),
        _rows(Quantity.HEAT_POWER, everyone, times, _heat(buildings, times, share)),
        _rows(Quantity.ELECTRICITY_POWER, everyone, times, _electricity(buildings, times)),
        _rows(
            Quantity.INDOOR_TEMPERATURE, everyone, times, _indoor(buildings, times, outdoor)
        ),
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows.sort_values(["building", "quantity", "time"], ignore_index=True)


def _check_times(pv_kw: pd.DataFrame, day: date) -> pd.DatetimeIndex:
    """Refuse anything but the hours or quarters of the day in UTC."""
    start = pd.Timestamp(day, tz="UTC")
    for count, step in ((24, "h"), (96, "15min")):
        times = pd.date_range(start, periods=count, freq=step)
        if len(pv_kw) == count and (pv_kw.index == times).all():
            return times
    message = (
        f"expected yields must hold the 24 hours or 96 quarters of {day} in UTC, got "
        f"{len(pv_kw)} rows from {pv_kw.index[0] if len(pv_kw) else 'nowhere'}"
    )
    raise TableError(message)


def _check_buildings(buildings: pd.DataFrame, pv_kw: pd.DataFrame) -> None:
    """Refuse areas and yields that make no sense."""
    area = buildings["floor_area"].to_numpy(np.float64)
    yields = pv_kw.to_numpy(np.float64)
    unknown = pv_kw.columns.difference(buildings.index)
    faults = [f"building {name!r} with panels is unknown" for name in unknown]
    faults += [
        f"building {name!r} repeats"
        for name in buildings.index[buildings.index.duplicated()]
    ]
    if not (np.isfinite(area) & (area > 0)).all():
        faults.append("every building must have a floor area above 0 m2")
    if not (np.isfinite(yields) & (yields >= 0)).all():
        faults.append("expected yields must be 0 kW or more without gaps")
    if faults:
        message = (
            f"a day cannot be simulated: {'; '.join(faults[:5])} ({len(faults)} faults)"
        )
        raise TableError(message)


def _outdoor(
    weather: pd.DataFrame, times: pd.DatetimeIndex
) -> tuple[FloatArray, FloatArray]:
    """Return air temperature [degC] and degree-hours as share of the year, per hour."""
    rows = weather.index.get_indexer(times.floor("h"))
    if (rows < 0).any():
        message = (
            f"weather must hold {times[0]:%Y-%m-%d}, got {weather.index[0]:%Y-%m-%d} to "
            f"{weather.index[-1]:%Y-%m-%d}; choose a day of that year"
        )
        raise WeatherError(message)
    air = weather["temp_air"].to_numpy(np.float64)
    degrees = np.maximum(0.0, HEATING_LIMIT.value - air)
    total = degrees.sum()
    share = degrees / total if total > 0 else np.zeros_like(degrees)
    return air[rows], share[rows]


def _rows(
    quantity: Quantity, buildings: pd.Index, times: pd.DatetimeIndex, values: FloatArray
) -> pd.DataFrame:
    """Lay (b, t) values out as rows."""
    names = buildings.to_numpy(dtype=object)
    points = np.array([point_id(name, quantity) for name in names], dtype=object)
    return pd.DataFrame(
        {
            "point": points.repeat(len(times)),
            "building": names.repeat(len(times)),
            "quantity": quantity.value,
            "time": times[np.tile(np.arange(len(times)), len(names))],
            "value": values.ravel(),
            "unit": quantity.unit,
            "source": SOURCE,
        }
    )


def _pv(pv_kw: pd.DataFrame) -> FloatArray:
    """Return what the panels' meters would show [kW], generation negative."""
    chance = chances(pv_kw.columns, Quantity.PV_POWER)
    loss = LEAST_LOSS.value + (MOST_LOSS.value - LEAST_LOSS.value) * chance
    # Taken from zero, not negated: night must be 0 and not -0.
    return 0.0 - pv_kw.to_numpy(np.float64).T * (1 - loss)[:, None]


def _heat(
    buildings: pd.DataFrame, times: pd.DatetimeIndex, share: FloatArray
) -> FloatArray:
    """Return heat for rooms and hot water [kW]."""
    kinds = kinds_of(buildings)
    rooms = np.array([kind.space_heat.value for kind in kinds])[:, None] * share
    water = np.array([kind.hot_water.value for kind in kinds]) / 8760
    shapes = weekly_shapes(kinds, times, home=HOME_WATER, work=WORK_WATER)
    scale = scaled_area(buildings, Quantity.HEAT_POWER)
    return (rooms + water[:, None] * shapes) * scale[:, None]


def _electricity(buildings: pd.DataFrame, times: pd.DatetimeIndex) -> FloatArray:
    """Return the electricity used [kW]."""
    kinds = kinds_of(buildings)
    mean = np.array([kind.electricity.value for kind in kinds]) / 8760
    shapes = weekly_shapes(kinds, times, home=HOME_ELECTRICITY, work=WORK_ELECTRICITY)
    return (
        mean[:, None] * shapes * scaled_area(buildings, Quantity.ELECTRICITY_POWER)[:, None]
    )


def _indoor(
    buildings: pd.DataFrame, times: pd.DatetimeIndex, outdoor: FloatArray
) -> FloatArray:
    """Return the room temperature [degC]."""
    chance = chances(buildings.index, Quantity.INDOOR_TEMPERATURE)
    local = times.tz_convert(CLOCK)
    hour = (local.hour + local.minute / 60).to_numpy(np.float64)
    swing = INDOOR_SWING.value * np.cos(2 * np.pi * (hour - 16) / 24)
    rise = INDOOR_RISE.value * np.maximum(0.0, outdoor - HEATING_LIMIT.value)
    own = INDOOR.value + INDOOR_SPREAD.value * (2 * chance - 1)
    return own[:, None] + swing + rise


def kinds_of(buildings: pd.DataFrame) -> list[Demand]:
    """Return the demand figures that fit each building's use and year."""
    kinds = []
    for use, year in zip(buildings["use"], buildings["year"], strict=True):
        if use == "residential" and year >= NEW_FROM:
            kinds.append(NEW_FLATS)
        else:
            kinds.append({"office": OFFICES, "education": SCHOOLS}.get(use, STOCK))
    return kinds


def weekly_shapes(
    kinds: list[Demand], times: pd.DatetimeIndex, *, home: FloatArray, work: FloatArray
) -> FloatArray:
    """Return the weekly shape of each building at the times of the local clock, (b, t)."""
    local = times.tz_convert(CLOCK)
    cut = [shape[local.day_of_week, local.hour] for shape in (home, work)]
    return np.array([cut[kind.at_work] for kind in kinds]).reshape(len(kinds), len(times))


def scaled_area(buildings: pd.DataFrame, quantity: Quantity) -> FloatArray:
    """Return each building's floor area [m2] times its departure from its kind."""
    chance = chances(buildings.index, quantity)
    area = buildings["floor_area"].to_numpy(np.float64)
    return area * (1 + DEMAND_SPREAD.value * (2 * chance - 1))


def chances(buildings: pd.Index, quantity: Quantity) -> FloatArray:
    """Return a number in 0..1 for each building that hangs on the point's id alone."""
    digests = (
        hashlib.blake2b(point_id(str(name), quantity).encode(), digest_size=8).digest()
        for name in buildings
    )
    return np.array([int.from_bytes(digest) / 2**64 for digest in digests], np.float64)
