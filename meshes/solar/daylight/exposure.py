"""Measure the hours of sun that sensors get."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from gis.errors import WeatherError
from gis.weather import Weather
from meshes.facets import Facets
from meshes.polygons import Float32Array, IntArray
from meshes.solar.daylight.counting import BitCounts, seen_blocks
from meshes.solar.daylight.rules import SUNNY, is_winter
from meshes.solar.daylight.sun_steps import WHOLE_DAY, SunSteps, sun_steps
from meshes.solar.gather import Progress
from meshes.solar.occluders import Occluders
from meshes.solar.shadow import Caster, make_caster
from meshes.solar.sun import BIN_DEGREES, STEP_MINUTES, SunPath, sun_path
from meshes.solar.sun_hours import CLOCK
from meshes.solar.sun_hours import STEP_MINUTES as DAY_STEP_MINUTES

FINEST_MINUTES = 0.25
"""Step at which refining ends [min]: in it the sun moves a ninth of its own width."""


@dataclass(frozen=True)
class SunHours:
    """Hours of sun of each sensor in a window of one or more days.

    Attributes
    ----------
    hours : (n,) float32
        Sum over the days [h].
    error : (n,) float32
        Half a step for each edge at which the sensor's sun begins or ends [h]: the hours
        are right to this, but for light or shadow that comes and goes within one step.
    possible : float
        Hours in which the sun is up within the window [h].
    days : int
        Days that were summed.
    step : float
        Longest step [h].
    """

    hours: Float32Array
    error: Float32Array
    possible: float
    days: int
    step: float

    @property
    def per_day(self) -> Float32Array:
        """(n,) float32: mean of a day [h]."""
        mean: Float32Array = self.hours / np.float32(self.days)
        return mean


@dataclass(frozen=True)
class ProbableSun:
    """Share of a weather year's hours of sunshine that each sensor gets.

    Attributes
    ----------
    year, winter : (n,) float32
        Hours of the whole year and of BRE's winter, each as a share of all ``hours``.
    hours, winter_hours : float
        Hours of sunshine on free level ground in the year and in winter [h].
    """

    year: Float32Array
    winter: Float32Array
    hours: float
    winter_hours: float


def sun_hours(
    facets: Facets,
    occluders: Occluders,
    first: date,
    last: date | None = None,
    *,
    latitude: float,
    longitude: float,
    window: tuple[float, float] = WHOLE_DAY,
    step_minutes: float = DAY_STEP_MINUTES,
    lowest: float = 0.0,
    tolerance_minutes: float | None = None,
    grid_convergence: float = 0.0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> SunHours:
    """Count the hours of sun in a window of the clock on one or more days.

    Parameters
    ----------
    facets : Facets
        Where the sun is received.
    occluders : Occluders
        What blocks it.
    first, last : date
        Days, both included; one day where no last is given.
    latitude, longitude : float
        Place [degrees].
    window : (float, float)
        Begin and end on the clock of the district [h].
    step_minutes : float
        Time between two positions of the sun [min].
    lowest : float
        Least height of the sun that counts [degrees].
    tolerance_minutes : float, optional
        Halve the steps until no sensor's error in a day's mean is larger, or down to
        `FINEST_MINUTES`.
    grid_convergence : float
        Azimuth of the grid's north [degrees].
    threads : int, optional
        Working threads; the result does not depend on it.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    SunHours

    Raises
    ------
    WeatherError
        If days, window or step are none.

    Notes
    -----
    Every step's shadow is exact, so that all error lies in time. Checked against brute
    force, a street's geometry and the limit of short steps in
    tests/meshes/solar/daylight/test_exposure.py.
    """
    caster = make_caster(facets, occluders)
    minutes = step_minutes
    while True:
        steps = sun_steps(
            first,
            last,
            latitude=latitude,
            longitude=longitude,
            window=window,
            step_minutes=minutes,
            lowest=lowest,
            grid_convergence=grid_convergence,
        )
        found = count_sun(caster, facets, steps, threads=threads, progress=progress)
        if tolerance_minutes is None or minutes / 2 < FINEST_MINUTES:
            return found
        if float(found.error.max(initial=0.0)) * 60 / found.days <= tolerance_minutes:
            return found
        minutes /= 2


def count_sun(
    caster: Caster,
    facets: Facets,
    steps: SunSteps,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> SunHours:
    """Count hours of sun with a caster and steps at hand: see `sun_hours`."""
    lengths = np.unique(steps.length)
    hours = np.zeros(facets.sensor_count)
    error = np.zeros(facets.sensor_count)
    # Steps differ in length only where the clock changes within the window.
    sums = [(BitCounts(caster.words), BitCounts(caster.words)) for _ in lengths]
    which = np.searchsorted(lengths, steps.length)
    begins = np.diff(steps.run, prepend=-1) > 0
    before = np.zeros(caster.words, np.uint64)
    for start, seen in seen_blocks(
        caster, facets, steps.direction, threads=threads, progress=progress
    ):
        for k, row in enumerate(seen, start):
            seconds, edges = sums[which[k]]
            seconds.add(row)
            if begins[k]:
                # What was lit at the end of a run ended there, at an edge but for the
                # window's own end.
                if k and not steps.cut[k - 1, 1]:
                    edges.add(before)
                if not steps.cut[k, 0]:
                    edges.add(row)
            else:
                edges.add(row ^ before)
            before = row.copy()
    if len(steps.length) and not steps.cut[-1, 1]:
        sums[which[-1]][1].add(before)
    for length, (lit, edges) in zip(lengths, sums, strict=True):
        hours += lit.of_sensors(facets) * length
        error += edges.of_sensors(facets) * (length / 2)
    return SunHours(
        hours.astype(np.float32),
        error.astype(np.float32),
        steps.possible,
        steps.days,
        float(lengths.max(initial=0.0)),
    )


def probable_sun(
    facets: Facets,
    occluders: Occluders,
    weather: Weather,
    *,
    latitude: float,
    longitude: float,
    sunny: float = SUNNY,
    bin_degrees: float = BIN_DEGREES,
    grid_convergence: float = 0.0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ProbableSun:
    """Share of a year's hours of sunshine that each sensor gets.

    Parameters
    ----------
    facets : Facets
        Where the sun is received.
    occluders : Occluders
        What blocks it.
    weather : Weather
        A year with ``dni`` [W/m2].
    latitude, longitude : float
        Place [degrees].
    sunny : float
        Direct light above which the sun shines [W/m2].
    bin_degrees : float
        Width of the bins of sun positions that share one direction [degrees]; 0 casts
        every position, one each ten minutes.
    grid_convergence : float
        Azimuth of the grid's north [degrees].
    threads : int, optional
        Working threads; the result does not depend on it.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    ProbableSun

    Raises
    ------
    WeatherError
        If the sun never shines.

    Notes
    -----
    BRE counts points of a chart that stand for long-term hours of sunshine; here the hours
    are those of the weather year, and each counts for as long as the sun is up in it. An
    hour of mean beam above the limit counts whole, one below it not at all.
    """
    dni = weather.table["dni"].to_numpy(np.float64)
    path = sun_path(
        weather.sun_times,
        (dni > sunny).astype(np.float64),
        latitude=latitude,
        longitude=longitude,
        bin_degrees=bin_degrees,
        grid_convergence=grid_convergence,
    )
    if not len(path.bin):
        message = (
            f"the sun must shine in the weather year, but no hour has more than {sunny:g} "
            "W/m2 of direct light; take another year"
        )
        raise WeatherError(message)
    all_year, winter = _positions(path, weather)
    step = STEP_MINUTES / 60
    caster = make_caster(facets, occluders)
    sums = BitCounts(caster.words), BitCounts(caster.words)
    for start, seen in seen_blocks(
        caster, facets, path.bin_direction, threads=threads, progress=progress
    ):
        for k, row in enumerate(seen, start):
            sums[0].add(row, int(all_year[k]))
            sums[1].add(row, int(winter[k]))
    whole = float(all_year.sum())
    year, cold = ((one.of_sensors(facets) / whole).astype(np.float32) for one in sums)
    return ProbableSun(year, cold, whole * step, float(winter.sum()) * step)


def _positions(path: SunPath, weather: Weather) -> tuple[IntArray, IntArray]:
    """Count the sun positions of each bin, in the year and in winter."""
    local = pd.DatetimeIndex(weather.table.index).tz_convert(CLOCK)
    cold = np.array(
        [is_winter(m, d) for m, d in zip(local.month, local.day, strict=True)], np.bool_
    )
    bins = len(path.bin_direction)
    return (
        np.bincount(path.bin, minlength=bins),
        np.bincount(path.bin[cold[path.hour]], minlength=bins),
    )
