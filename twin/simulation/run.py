"""Make up days and weeks of a twin, with faults whose truth is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gis.errors import TableError
from twin.build import Built
from twin.expectation.conditions import Conditions, FloatArray, make_conditions
from twin.expectation.plant import CollectorField, Place
from twin.expectation.plants import place_of, plants_of
from twin.expectation.power import expect
from twin.expectation.weather_files import read_conditions
from twin.model import Model, Point
from twin.simulation import demand
from twin.simulation.assumption import Assumption
from twin.simulation.chance import chance_of
from twin.simulation.climate import HOUR, Climate, make_climate, sun_places
from twin.simulation.collectors import size_collectors
from twin.simulation.damage import damage_panels, seen_only
from twin.simulation.day import redated
from twin.simulation.district import Courses, simulate_district
from twin.simulation.faults import Plan, plan_run, read_counts, room_for, too_long
from twin.simulation.readings import Track, measure
from twin.simulation.transport import count_rows
from twin.simulation.truth import time_text

LONGEST = 366
"""Days of a run at most."""

MOST_VALUES = 60_000_000
"""Values of all points and steps that fit into memory."""

RATED = Assumption(
    "largest share by which panels and collectors depart from what they are rated at",
    0.03,
    "1",
    "usual tolerance of modules; of collectors assumed",
)
ASSUMPTIONS = (RATED,)


@dataclass(frozen=True)
class Run:
    """A simulated stretch of time, ready to be sent.

    Attributes
    ----------
    model : Model
    climate : Climate
    courses : Courses
        What was, faults of panels included.
    tracks : tuple of Track
        What devices tell of it.
    plan : Plan
        What went wrong: the truth.
    start, end : int
        [microseconds since 1970, UTC].
    seed : int
    """

    model: Model
    climate: Climate
    courses: Courses
    tracks: tuple[Track, ...]
    plan: Plan
    start: int
    end: int
    seed: int

    @property
    def rows(self) -> int:
        """Values that are measured."""
        return count_rows(self.tracks)

    def record(self) -> dict[str, Any]:
        """Return the truth for the file beside the twin."""
        return {
            "start": time_text(self.start),
            "end": time_text(self.end),
            "seed": self.seed,
            "weather": self.climate.conditions.source,
            "points": len(self.tracks),
            "values": self.rows,
            "faults": [
                {
                    "kind": fault.kind.value,
                    "point": fault.point,
                    "start": time_text(fault.start),
                    "end": time_text(fault.end),
                    "size": fault.size,
                    "meaning": fault.kind.meaning,
                }
                for fault in self.plan.faults
            ],
            "notes": list(self.plan.notes),
        }


def make_run(
    built: Built,
    model: Model,
    *,
    day: date,
    days: int = 1,
    seed: int = 0,
    faults: str = "some",
    weather: Path | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Run:
    """Make up some days of a twin.

    Parameters
    ----------
    built : Built
        The lit twin: what its facets see.
    model : Model
        Its things; their intervals are the steps of what is told.
    day : date
        First day, UTC.
    days : int
        How many, 1 to `LONGEST`.
    seed : int
        Of clouds, noise, habits and faults; the same gives the same.
    faults : str
        As `twin.simulation.faults.read_counts` takes it.
    weather : Path, optional
        Weather of that very time; default: the twin's own year, dated as asked.
    progress : callable, optional
        Told what is being done and how far it is.

    Raises
    ------
    TableError, WeatherError, SourceError
        If buildings lack floor areas, the weather has holes, or a choice makes no sense.
    """
    told = progress or (lambda _text, _share: None)
    if not 1 <= days <= LONGEST:
        message = f"a run must have 1 to {LONGEST} days, got {days}"
        raise TableError(message)
    step = step_of(model.points) * 1_000_000
    _check_size(model, days)
    first = pd.Timestamp(day, tz="UTC")
    start, end = (
        int(moment.value // 1000) for moment in (first, first + pd.Timedelta(days=days))
    )
    # What is wrong with the choice is said before anything heavy is done.
    read_counts(faults, room=room_for(model), days=days)
    place = place_of(built)
    told("weather", 0.1)
    conditions = (
        year_conditions(built, first, days)
        if weather is None
        else _file_conditions(weather, place, first, days)
    )
    climate = make_climate(conditions, place, step=step, seed=seed)
    told("sun on panels", 0.2)
    power, area = _solar(built, model, climate, place)
    counts = read_counts(faults, room=room_for(model, power), days=days)
    plan = plan_run(model, power, start=start, end=end, step=step, counts=counts, seed=seed)
    azimuth, elevation = sun_places(climate, place)
    light = climate.conditions
    beam = 1 - np.clip(light.dhi / np.maximum(light.ghi, 1.0), 0.0, 1.0)
    damage = partial(
        damage_panels,
        system_of={point.id: point.system for point in model.points},
        start=climate.start,
        azimuth=azimuth,
        elevation=elevation,
        beam=beam,
    )
    plan = seen_only(plan, power, damage(power, plan), model)
    power = damage(power, plan)
    told("buildings", 0.4)
    courses = simulate_district(model, climate, power, collector_area=area, seed=seed)
    told("meters", 0.8)
    tracks, plan = measure(courses, model, plan, seed=seed)
    left = tuple(
        f"{n} points not simulated: {what}" for what, n in courses.left_out.items()
    )
    plan = Plan(plan.faults, (*too_long(faults, days), *plan.notes, *left))
    told("meters", 1.0)
    return Run(model, climate, courses, tracks, plan, start, end, seed)


def step_of(points: Sequence[Point], *, finest: int = 60, longest: int = 3600) -> int:
    """Return the step of a run that fits the intervals of its points [s].

    Parameters
    ----------
    points : sequence of Point
    finest, longest : int
        Least and greatest step [s].

    Raises
    ------
    TableError
        If no step fits: intervals must be whole minutes.
    """
    intervals = [point.interval for point in points]
    step = int(np.gcd.reduce([longest, *intervals]))
    if step < finest:
        message = (
            f"intervals of points must be whole parts or multiples of an hour from a "
            f"minute on, got {min(intervals)} s; give them others in model.json"
        )
        raise TableError(message)
    return step


def _check_size(model: Model, days: int) -> None:
    """Refuse what would not fit into memory."""
    values = sum(days * 86_400 / point.interval for point in model.points)
    if values > MOST_VALUES:
        message = (
            f"a run must have at most {MOST_VALUES:,} values, got {values:,.0f}; choose "
            "fewer days or a longer step"
        )
        raise TableError(message)


def year_conditions(built: Built, first: pd.Timestamp, days: int) -> Conditions:
    """Return days of the twin's weather year, dated as asked.

    Parameters
    ----------
    built : Built
    first : Timestamp
        First day, UTC.
    days : int
    """
    table = built.weather.table
    last = first + pd.Timedelta(days=days)
    parts = [redated(table, year) for year in range(first.year, last.year + 1)]
    whole = pd.concat(parts)
    chosen = whole[(whole.index >= first) & (whole.index < last)]
    place = place_of(built)
    return make_conditions(
        chosen,
        latitude=place.latitude,
        longitude=place.longitude,
        source=f"{built.weather.source}, dated {first.year}",
        step_minutes=60,
    )


def _file_conditions(
    path: Path, place: Place, first: pd.Timestamp, days: int
) -> Conditions:
    """Return the weather of a file; it must hold all days."""
    last = first + pd.Timedelta(days=days)
    found = read_conditions(
        path, latitude=place.latitude, longitude=place.longitude, start=first, end=last
    )
    if len(found) * found.step != days * 24 * HOUR:
        message = (
            f"{path} must hold every step from {first:%Y-%m-%d} to {last:%Y-%m-%d}, got "
            f"{len(found) * found.step / 24 / HOUR:.2f} of {days} days; choose another "
            "--date or --days"
        )
        raise TableError(message)
    return found


def _solar(
    built: Built, model: Model, climate: Climate, place: Place
) -> tuple[dict[str, FloatArray], dict[str, float]]:
    """Return what panels give and collectors could give [kW], and collectors' areas."""
    # Whoever has not told how large a field is has built one all the same.
    plants = plants_of(built, size_collectors(built, model))
    if not plants:
        return {}, {}
    # Expected steps are an hour at most; so are those of a run.
    found = expect(built.light, plants, climate.conditions, place, geometry="", version="")
    power = {
        plant.id: np.nan_to_num(row) * _unlike_told(plant.id)
        for plant, row in zip(plants, found.power, strict=True)
    }
    areas = {
        plant.id: float(plant.area.sum())
        for plant in plants
        if isinstance(plant, CollectorField)
    }
    return power, areas


def _unlike_told(system: str) -> float:
    """Return how much a plant gives of what is told of it; nobody outside knows it."""
    loss = demand.LEAST_LOSS.value + (
        demand.MOST_LOSS.value - demand.LEAST_LOSS.value
    ) * chance_of(f"{system} loss")
    return (1 - loss) * (1 + RATED.value * (2 * chance_of(f"{system} rated") - 1))
