"""Follow the sun through the intervals of a weather table."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib

from gis.errors import WeatherError
from meshes.polygons import FloatArray, IntArray
from meshes.solar.sky import unit_vectors

STEP_MINUTES = 10.0
"""Longest time between sun positions of an interval [min]; the sun moves 2.5 degrees."""

BIN_DEGREES = 2.0
"""Width of the bins that share one visibility direction [degrees].

A test compares it with bins of half a degree."""

HOUR = 60.0  # [min]


@dataclass(frozen=True)
class SunPath:
    """Every sun position of a year, and the bins that stand for them in visibility.

    Attributes
    ----------
    direction : (n, 3) float
        Unit vectors to the sun while it is up, refraction included.
    hour : (n,) int
        Row of the weather table each position belongs to.
    share : (n,) float
        Share of the row's beam that arrives from this position; 1 in sum for each row
        with sun.
    bin : (n,) int
        Bin of each position.
    bin_direction : (b, 3) float
        Mean direction of each bin, weighted by beam energy.
    dark : (d,) int
        Rows with beam while the sun is down all the time; no position stands for them.
    """

    direction: FloatArray
    hour: IntArray
    share: FloatArray
    bin: IntArray
    bin_direction: FloatArray
    dark: IntArray

    @property
    def bin_error(self) -> FloatArray:
        """(n,) float: angle between each position and its bin's direction [degrees]."""
        apart = np.linalg.norm(self.direction - self.bin_direction[self.bin], axis=1)
        angle: FloatArray = np.degrees(2 * np.arcsin(np.minimum(apart / 2, 1.0)))
        return angle

    def dark_note(self, beam: FloatArray, *, interval_minutes: float = HOUR) -> str | None:
        """Say how much beam has no sun, None if all has.

        Parameters
        ----------
        beam : (h,) float
            What `sun_path` was given [W/m2].
        interval_minutes : float
            Length of a row [min].
        """
        if not len(self.dark):
            return None
        lost = beam[self.dark].sum() * interval_minutes / HOUR / 1000.0
        total = beam.sum() * interval_minutes / HOUR / 1000.0
        return (
            f"{len(self.dark)} rows have beam while the sun is down ({lost:.1f} of "
            f"{total:.1f} kWh/m2); it is left out."
        )


def sun_path(
    times: pd.DatetimeIndex,
    beam: FloatArray,
    *,
    latitude: float,
    longitude: float,
    bin_degrees: float = BIN_DEGREES,
    interval_minutes: float | None = None,
    step_minutes: float = STEP_MINUTES,
    grid_convergence: float = 0.0,
) -> SunPath:
    """Compute and bin the sun positions of all rows with beam.

    Parameters
    ----------
    times : (h,) DatetimeIndex
        Moment whose sun represents each row, timezone-aware, in even steps.
    beam : (h,) float
        Beam irradiance of each row [W/m2]; the weights of the bins.
    latitude, longitude : float
        Place of the buildings [degrees].
    bin_degrees : float
        Width of the bins in elevation, and along the circle of equal elevation; 0 gives
        each position a bin of its own.
    interval_minutes : float, optional
        Length of a row [min]; by default the time from one row to the next.
    step_minutes : float
        Longest time between two positions of a row [min].
    grid_convergence : float
        Azimuth of the grid's north (`gis.grid_north.grid_convergence`) [degrees].
        Directions are in axes of the grid.

    Returns
    -------
    SunPath
        Within a row the beam is spread evenly over the positions at which the sun is up,
        so that the row's energy is kept.

    Raises
    ------
    WeatherError
        If the times are not even.

    Notes
    -----
    Solar position by NREL's SPA as implemented in pvlib. No position is further from its
    bin's direction than `bin_bound`, 2.83 degrees for bins of 2; a shadow's edge that
    falls from a distance s moves across the ray by at most s times its tangent, s / 20.
    The mean over the beam of a year is 0.54 degrees, s / 105, and either way.
    """
    row, azimuth, elevation = sun_samples(
        times,
        np.flatnonzero(beam > 0),
        latitude=latitude,
        longitude=longitude,
        interval_minutes=interval_minutes,
        step_minutes=step_minutes,
        grid_convergence=grid_convergence,
    )
    up = elevation > 0
    row, azimuth, elevation = row[up], azimuth[up], elevation[up]
    count = np.bincount(row, minlength=len(beam))
    share = 1.0 / count[row]
    direction = unit_vectors(np.radians(azimuth), np.radians(elevation))
    bins = _bins(azimuth, elevation, bin_degrees)
    weight = share * beam[row]
    sums = np.stack(
        [np.bincount(bins, weight * direction[:, k]) for k in range(3)], axis=-1
    )
    return SunPath(
        direction=direction,
        hour=row,
        share=share,
        bin=bins,
        bin_direction=sums / np.linalg.norm(sums, axis=1, keepdims=True),
        dark=np.flatnonzero((beam > 0) & (count == 0)),
    )


def bin_bound(bin_degrees: float = BIN_DEGREES) -> float:
    """Largest angle between a sun position and its bin's direction [degrees].

    Parameters
    ----------
    bin_degrees : float
        Width of the bins [degrees].

    Notes
    -----
    The diameter of a bin, by the haversine of its sides: its height and its width along
    the lower edge, the longer one. The mean of positions is nearer to each of them than
    the furthest other one. Tested at random places in tests/meshes/solar/test_sun.py.
    """
    side = np.radians(bin_degrees) / 2
    return float(np.degrees(2 * np.arcsin(min(1.0, np.hypot(np.sin(side), side)))))


def sun_samples(
    times: pd.DatetimeIndex,
    rows: IntArray,
    *,
    latitude: float,
    longitude: float,
    interval_minutes: float | None = None,
    step_minutes: float = STEP_MINUTES,
    grid_convergence: float = 0.0,
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the sun's positions in the middles of equal parts of each interval.

    Parameters
    ----------
    times : (h,) DatetimeIndex
        Moment whose sun represents each interval, timezone-aware, in even steps.
    rows : (r,) int
        Which of them.
    latitude, longitude, interval_minutes, step_minutes, grid_convergence : float
        As for `sun_path`.

    Returns
    -------
    row : (n,) int
        Where each position belongs.
    azimuth, elevation : (n,) float
        [degrees]; refraction included; also below the horizon.

    Raises
    ------
    WeatherError
        If the times are not even.
    """
    interval = interval_minutes or _interval_minutes(times)
    parts = max(1, int(np.ceil(interval / step_minutes - 1e-9)))
    minutes = ((np.arange(parts) + 0.5) / parts - 0.5) * interval
    row = np.repeat(rows, parts)
    moments = times[row] + pd.to_timedelta(np.tile(minutes, len(rows)), unit="min")
    azimuth, elevation = sun_positions(
        moments, latitude=latitude, longitude=longitude, grid_convergence=grid_convergence
    )
    return row, azimuth, elevation


def sun_positions(
    times: pd.DatetimeIndex,
    *,
    latitude: float,
    longitude: float,
    grid_convergence: float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """Return the sun's exact azimuth and elevation at moments.

    Parameters
    ----------
    times : (n,) DatetimeIndex
        Timezone-aware moments.
    latitude, longitude : float
        Place [degrees].
    grid_convergence : float
        Azimuth of the grid's north [degrees].

    Returns
    -------
    azimuth, elevation : (n,) float
        [degrees], clockwise from the grid's north, 0 to 360, and above the horizon with
        refraction.

    Notes
    -----
    NREL's SPA as implemented in pvlib, whose error is 0.0003 degrees without refraction.
    """
    sun = pvlib.solarposition.spa_python(times, latitude, longitude)
    azimuth = (sun["azimuth"].to_numpy(np.float64) - grid_convergence) % 360.0
    return azimuth, sun["apparent_elevation"].to_numpy(np.float64)


def _bins(azimuth: FloatArray, elevation: FloatArray, width: float) -> IntArray:
    """Give each position the number of its cell, without gaps."""
    if width == 0:
        return np.arange(len(azimuth))
    row = np.floor(elevation / width).astype(np.int64)
    # Rounding up by the lower edge, the longer one, keeps every cell within the width.
    columns = np.ceil(np.cos(np.radians(row * width)) * 360.0 / width)
    column = np.floor(azimuth / 360.0 * np.maximum(1, columns)).astype(np.int64)
    _, bins = np.unique(row * 1_000_000 + column, return_inverse=True)
    return bins


def _interval_minutes(times: pd.DatetimeIndex) -> float:
    """Time from one row to the next [min]."""
    if len(times) < 2:
        return HOUR
    steps = np.diff(times.to_numpy()) / np.timedelta64(1, "m")
    if steps.min() <= 0 or np.ptp(steps) > 1e-6:
        message = (
            f"times must follow each other in even steps, got steps of {steps.min():g} to "
            f"{steps.max():g} min; fill the gaps or give interval_minutes"
        )
        raise WeatherError(message)
    return float(steps[0])
