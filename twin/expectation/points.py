"""Make tracks of a district's points: values beside what they should be."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gis.errors import WeatherError
from meshes.solar.sun import sun_positions
from twin.counted import counted
from twin.expectation.conditions import (
    Conditions,
    FloatArray,
    IntArray,
    instants,
    make_conditions,
)
from twin.expectation.expected_power import Basis, Expected
from twin.expectation.plant import Place
from twin.expectation.residual import on_steps
from twin.expectation.shared_course import with_shared_course
from twin.expectation.tracks import DAY, HOUR, Nature, Track
from twin.expectation.typical import with_typical
from twin.expected import ExpectedYear
from twin.ingest.registers import spread
from twin.model import Model, Point, SystemKind
from twin.quantities import FLOW_OF, Quantity

SOLAR = (
    Quantity.PV_POWER,
    Quantity.SOLAR_HEAT_POWER,
    Quantity.PV_ENERGY,
    Quantity.SOLAR_HEAT_ENERGY,
)
"""Quantities that follow from light; of registers what they count by time."""

HEAT = (Quantity.SOLAR_HEAT_POWER, Quantity.SOLAR_HEAT_ENERGY)
"""Those of them that collectors give, into a tank."""

FINEST = HOUR // 4
"""Finest step in which meters are looked at [microseconds]; finer values are averaged."""

LEAST_DAYS = 14
"""Days from which on a meter's own past says what is usual."""

WEATHER: Mapping[Quantity, str] = {
    Quantity.GHI: "ghi",
    Quantity.DNI: "dni",
    Quantity.DHI: "dhi",
    Quantity.AIR_TEMPERATURE: "temp_air",
    Quantity.WIND_SPEED: "wind_speed",
}
"""Quantities of weather stations and their columns."""

Values = tuple[IntArray, FloatArray]
"""Times [microseconds since 1970, UTC] and values, NaN for known gaps."""


@dataclass(frozen=True)
class Tracks:
    """Tracks of points, and why other points have none.

    Attributes
    ----------
    tracks : tuple of Track
        In the order of the model's points.
    left_out : mapping of str to int
        Points without a track, by reason.
    """

    tracks: tuple[Track, ...]
    left_out: Mapping[str, int]


def nature_of(quantity: Quantity) -> Nature | None:
    """Return how a quantity behaves; None where no fault of it is looked for.

    Registers of solar plants are looked at by what they count (`counted_power`), others
    not; set-points and codes may stand for ever, and what has two directions has no habits
    to go by.
    """
    if quantity in SOLAR:
        return Nature.SOLAR
    if quantity.is_power:
        return Nature.DEMAND if quantity.sign == 1 else None
    if quantity.unit == "degC" and "setpoint" not in quantity.value:
        return Nature.STATE
    return None


def make_tracks(
    values: Mapping[str, Values],
    model: Model,
    expected: Expected | None,
    *,
    place: Place,
    conditions: Conditions | None = None,
) -> Tracks:
    """Lay the values of points beside what they should be.

    Parameters
    ----------
    values : mapping of str to (times, values)
        Of each point that has any.
    model : Model
        Which quantity a point has and which system it belongs to.
    expected : Expected or None
        Of the systems that follow from light.
    place : Place
        Where the sun is seen from.
    conditions : Conditions, optional
        The weather behind the expectation: its air temperature explains heat, its beam
        tells shadows from clouds.

    Returns
    -------
    Tracks
    """
    rows = {} if expected is None else {name: k for k, name in enumerate(expected.systems)}
    left_out: Counter[str] = Counter()
    tracks: list[Track] = []
    # Those whose own past is too short to go by, with others of their kind.
    short: defaultdict[tuple[Quantity, int], list[int]] = defaultdict(list)
    sun: dict[tuple[int, int, int], tuple[FloatArray, FloatArray]] = {}
    with_power = _with_power(values, model.points)
    hot = _field_temperatures(values, model)
    # What fell silent did so before the others did.
    last = max((int(times.max()) for times, _ in values.values() if len(times)), default=0)
    for point in model.points:
        nature = nature_of(point.quantity)
        if nature is None:
            left_out["quantity without habits"] += 1
        elif len(values.get(point.id, ((),))[0]) < (2 if point.quantity in FLOW_OF else 1):
            left_out["no value"] += 1
        elif point.quantity in FLOW_OF and point.system in with_power:
            left_out["register beside a power"] += 1
        elif nature is Nature.SOLAR and (expected is None or point.system not in rows):
            left_out["no expectation of the system"] += 1
        elif nature is Nature.SOLAR:
            assert expected is not None
            tracks.append(
                _solar(
                    point,
                    values[point.id],
                    expected,
                    rows[point.system],
                    place,
                    sun,
                    conditions,
                    last,
                    hot.get(point.system),
                )
            )
        else:
            track = _metered(point, nature, values[point.id], conditions, last)
            if not track.both.any():
                short[point.quantity, track.step].append(len(tracks))
            tracks.append(track)
    for alike in short.values():
        shared = with_shared_course([tracks[k] for k in alike])
        for k, track in zip(alike, shared, strict=True):
            tracks[k] = track
            if not track.both.any():
                left_out["too few days, so gaps and stuck values only"] += 1
    return Tracks(tuple(tracks), dict(left_out))


def _own_step(point: Point, times: IntArray) -> int:
    """Return the time from one value to the next [microseconds]."""
    if len(times) < 2:
        return point.interval * 1_000_000
    return int(np.median(np.diff(np.sort(times)))) or point.interval * 1_000_000


def _solar(
    point: Point,
    values: Values,
    expected: Expected,
    row: int,
    place: Place,
    sun: dict[tuple[int, int, int], tuple[FloatArray, FloatArray]],
    conditions: Conditions | None,
    last: int,
    hot: Values | None,
) -> Track:
    """Lay a plant beside its expectation, on the longer of both steps."""
    times, measured = counted_power(point, values)
    order = np.argsort(times, kind="stable")
    times, measured = times[order], 0.0 - measured[order]
    step = max(expected.step, _whole(_own_step(point, times)))
    first = max(int(times[0]), int(expected.start[0])) // step * step
    last = min(last, int(expected.start[-1]))
    start = np.arange(first, last + 1, step, dtype=np.int64)
    if not len(start):
        start = np.array([first], np.int64)

    def brought(series: FloatArray) -> FloatArray:
        return on_steps(expected.start, series, start=start, step=step)

    key = (first, len(start), step)
    if key not in sun:
        sun[key] = sun_positions(
            instants(start + step // 2), latitude=place.latitude, longitude=place.longitude
        )
    beam = None
    if conditions is not None:
        direct = 1.0 - np.divide(
            conditions.dhi,
            conditions.ghi,
            out=np.ones_like(conditions.ghi),
            where=conditions.ghi > 1.0,
        )
        beam = np.clip(
            np.nan_to_num(on_steps(conditions.start, direct, start=start, step=step)), 0, 1
        )
    known = conditions is not None
    return Track(
        point=point.id,
        nature=Nature.SOLAR,
        start=first,
        step=step,
        value=on_steps(times, measured, start=start, step=step),
        expected=brought(expected.power[row]),
        doubt=brought(expected.doubt[row]),
        size=float(expected.rated[row]),
        unit=point.quantity.unit,
        azimuth=sun[key][0] if known else None,
        elevation=sun[key][1] if known else None,
        beam=beam,
        tank=point.quantity in HEAT,
        hot=None if hot is None else on_steps(*hot, start=start, step=step),
    )


def _metered(
    point: Point,
    nature: Nature,
    values: Values,
    conditions: Conditions | None,
    last: int,
) -> Track:
    """Lay a meter on even steps, beside what is usual for it."""
    times, measured = values
    order = np.argsort(times, kind="stable")
    times, measured = times[order], measured[order]
    step = max(FINEST, _whole(_own_step(point, times)))
    first = int(times[0]) // step * step
    start = np.arange(first, last + 1, step, dtype=np.int64)
    nothing = np.full(len(start), np.nan)
    track = Track(
        point=point.id,
        nature=nature,
        start=first,
        step=step,
        value=on_steps(times, measured, start=start, step=step),
        expected=nothing,
        doubt=nothing,
        size=1.0,
        unit=point.quantity.unit,
    )
    outdoor = None
    if conditions is not None and point.quantity is Quantity.HEAT_POWER:
        outdoor = np.interp(
            start, conditions.start, conditions.temp_air, left=np.nan, right=np.nan
        )
    if track.days < LEAST_DAYS:
        return track
    return with_typical(track, outdoor)


def _whole(step: int) -> int:
    """Return the shortest even part of a day that is no shorter than a step."""
    parts = [DAY // count for count in (96, 48, 24, 12, 8, 6, 4, 3, 2, 1)]
    fine = [60_000_000 * minutes for minutes in (1, 2, 3, 5, 10)]
    return next((part for part in (*fine, *parts) if part >= step), DAY)


def expected_of_year(
    year: ExpectedYear, model: Model, *, start: int, end: int, certain: bool
) -> Expected | None:
    """Return what panels and collectors give in the typical year, for want of weather.

    Parameters
    ----------
    year : ExpectedYear
        Of every building.
    model : Model
        Its panels, the whole of a building as that of its one system, and what
        `ExpectedYear.systems` tells of: collectors, and panels that tell their size.
    start, end : int
        First hour and first that is too late [microseconds since 1970, UTC].
    certain : bool
        Whether the values to compare with were made from that very year: simulated ones.

    Returns
    -------
    Expected or None
        None without any.

    Notes
    -----
    Other days have other clouds: the doubt of the power is half of the year's largest
    then, so that only outages of many days, stuck sensors and units stand out.
    """
    first = start // HOUR * HOUR
    hours = np.arange(first, max(end, first + HOUR), HOUR, dtype=np.int64)
    rows = {name: k for k, name in enumerate(year.buildings)}
    panels = Counter(s.building for s in model.systems if s.kind is SystemKind.PV)
    # The hours of a building are those of all its panels: of one of several nobody knows.
    systems = [
        system
        for system in model.systems
        if system.id in year.systems
        or (
            system.kind is SystemKind.PV
            and system.building in rows
            and panels[system.building] == 1
        )
    ]
    if not systems:
        return None
    times = [int(hour) for hour in hours]
    whole = year.at(times)
    power = np.array(
        [
            year.of_system(system.id, times)
            if system.id in year.systems
            else whole[rows[system.building]]
            for system in systems
        ]
    )
    largest = [
        year.systems[system.id].max()
        if system.id in year.systems
        else year.peak[rows[system.building]]
        for system in systems
    ]
    rated = np.maximum(largest, 1e-9)
    share = (0.07, 0.01) if certain else (0.3, 0.2)
    return Expected(
        systems=tuple(system.id for system in systems),
        rated=rated,
        start=hours,
        step=HOUR,
        power=power,
        doubt=share[0] * np.nan_to_num(power) + share[1] * rated[:, None],
        light=np.full_like(power, np.nan),
        cell=np.full_like(power, np.nan),
        basis=Basis("", "", "the typical year of the twin", ""),
        heat=np.array(
            [system.kind is SystemKind.SOLAR_THERMAL for system in systems], bool
        ),
    )


def measures_light(values: Mapping[str, Values], model: Model) -> bool:
    """Say whether a point of the district measured the light on level ground."""
    found = {point.quantity for point in model.points if point.id in values}
    return Quantity.GHI in found or {Quantity.DNI, Quantity.DHI} <= found


def logged_weather(values: Mapping[str, Values], model: Model, place: Place) -> Conditions:
    """Return the weather that the district's own stations measured.

    Parameters
    ----------
    values : mapping of str to (times, values)
        As of `make_tracks`.
    model : Model
        Points of `WEATHER` are taken; of several of a quantity the first with values.
    place : Place
        Where the sun is seen from.

    Returns
    -------
    Conditions

    Raises
    ------
    WeatherError
        If no point measured the light: see `measures_light`.
    """
    columns: dict[str, pd.Series[float]] = {}
    for point in model.points:
        name = WEATHER.get(point.quantity)
        if name is not None and name not in columns and point.id in values:
            times, measured = values[point.id]
            columns[name] = pd.Series(measured, index=instants(times)).sort_index()
    light = columns.get("ghi", columns.get("dni"))
    if light is None:
        message = "a weather station must have measured ghi, or dni and dhi, but none did"
        raise WeatherError(message)
    times = light.index.to_numpy("datetime64[us]").astype(np.int64)
    own = np.diff(times) if len(times) > 1 else np.array([HOUR])
    step = min(HOUR, _whole(int(np.median(own))))
    minutes = f"{step // 60_000_000}min"
    table = pd.DataFrame(
        {name: series.resample(minutes).mean() for name, series in columns.items()}
    )
    lit = table[[name for name in ("ghi", "dni", "dhi") if name in table]]
    return make_conditions(
        table[lit.notna().any(axis=1)],
        latitude=place.latitude,
        longitude=place.longitude,
        source="the district's own weather station",
        step_minutes=step / 60_000_000,
    )


def measured_on(
    values: Mapping[str, Values], expected: Expected, points: Sequence[Point]
) -> FloatArray:
    """Return measured generation of the systems on the steps of their expectation, (s, t).

    Parameters
    ----------
    values : mapping of str to (times, values)
        As of `make_tracks`, generation negative.
    expected : Expected
        What is compared with.
    points : sequence of Point
        Points of power, and registers of systems without a value of power; several of a
        system are added up.
    """
    rows = {name: k for k, name in enumerate(expected.systems)}
    with_power = _with_power(values, points)
    found = np.full(expected.power.shape, np.nan)
    for point in points:
        row = rows.get(point.system)
        if row is None or point.id not in values or point.quantity not in SOLAR:
            continue
        if point.quantity in FLOW_OF and point.system in with_power:
            continue
        times, measured = counted_power(point, values[point.id])
        own = on_steps(times, 0.0 - measured, start=expected.start, step=expected.step)
        found[row] = np.where(np.isnan(found[row]), own, found[row] + np.nan_to_num(own))
    return found


def counted_power(point: Point, values: Values) -> Values:
    """Return values of a power as they are, of a register the power that it counted.

    Parameters
    ----------
    point : Point
    values : (times, values)
        As of `make_tracks`.

    Returns
    -------
    (times, values)
        Of a register: on whole multiples of the usual time between its readings, mean
        power of each [kW], generation negative; NaN where readings are missing or the
        meter was changed, for nobody knows how it came then.
    """
    if point.quantity not in FLOW_OF:
        return values
    times, readings = values
    if len(times) < 2:
        return times[:0], readings[:0]
    step = _own_step(point, times)
    found = counted(point, times, readings)
    long = found.end - found.start > 1.5 * step
    told = replace(found, amount=np.where(long, np.nan, found.amount))
    shared = spread(told, step=step)
    return shared.start, point.quantity.sign * shared.amount / (step / HOUR)


def _field_temperatures(values: Mapping[str, Values], model: Model) -> dict[str, Values]:
    """Return how warm the water is that fields of collectors give, by system, in order."""
    fields = {s.id for s in model.systems if s.kind is SystemKind.SOLAR_THERMAL}
    found: dict[str, Values] = {}
    for point in model.points:
        if (
            point.quantity is Quantity.SUPPLY_TEMPERATURE
            and point.system in fields
            and point.id in values
        ):
            times, measured = values[point.id]
            order = np.argsort(times, kind="stable")
            found[point.system] = times[order], measured[order]
    return found


def _with_power(values: Mapping[str, Values], points: Iterable[Point]) -> set[str]:
    """Return the systems of which some solar power is known: registers say it again."""
    return {
        point.system
        for point in points
        if point.quantity in SOLAR and point.quantity not in FLOW_OF
        if point.id in values and np.isfinite(values[point.id][1]).any()
    }
