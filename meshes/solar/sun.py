"""Follow the sun through the year in ten-minute steps."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib

from meshes.polygons import FloatArray, IntArray
from meshes.solar.sky import unit_vectors

STEPS_PER_HOUR = 6
"""Sun positions per hour: the sun moves 2.5 degrees between them."""

BIN_DEGREES = 2.0
"""Width of the bins that share one visibility direction [degrees].

A test compares it with bins of half a degree."""


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
        Share of the hour's beam that arrives from this position; 1 in sum for each hour
        with sun.
    bin : (n,) int
        Bin of each position.
    bin_direction : (b, 3) float
        Mean direction of each bin, weighted by beam energy.
    """

    direction: FloatArray
    hour: IntArray
    share: FloatArray
    bin: IntArray
    bin_direction: FloatArray


def sun_path(
    times: pd.DatetimeIndex,
    beam: FloatArray,
    *,
    latitude: float,
    longitude: float,
    bin_degrees: float = BIN_DEGREES,
) -> SunPath:
    """Compute and bin the sun positions of all hours with beam.

    Parameters
    ----------
    times : (h,) DatetimeIndex
        Moment whose sun represents each hour, timezone-aware.
    beam : (h,) float
        Beam irradiance of each hour [W/m2]; the weights of the bins.
    latitude, longitude : float
        Place of the buildings [degrees].
    bin_degrees : float
        Width of the bins in elevation, and along the circle of equal elevation.

    Returns
    -------
    SunPath
        Within an hour the beam is spread evenly over the positions at which the sun is
        up, so that the hour's energy is kept.

    Notes
    -----
    Solar position by NREL's SPA as implemented in pvlib.
    """
    hours = np.flatnonzero(beam > 0)
    minutes = (np.arange(STEPS_PER_HOUR) + 0.5) * (60 / STEPS_PER_HOUR) - 30
    hour = np.repeat(hours, STEPS_PER_HOUR)
    moments = times[hour] + pd.to_timedelta(np.tile(minutes, len(hours)), unit="min")
    position = pvlib.solarposition.spa_python(moments, latitude, longitude)
    elevation = position["apparent_elevation"].to_numpy()
    azimuth = position["azimuth"].to_numpy()
    up = elevation > 0
    hour, elevation, azimuth = hour[up], elevation[up], azimuth[up]
    share = 1.0 / np.bincount(hour, minlength=len(beam))[hour]
    direction = unit_vectors(np.radians(azimuth), np.radians(elevation))
    row = np.floor(elevation / bin_degrees).astype(np.int64)
    ring = np.cos(np.radians((row + 0.5) * bin_degrees)) * 360.0 / bin_degrees
    column = np.floor(azimuth / 360.0 * np.maximum(1, np.round(ring))).astype(np.int64)
    _, bins = np.unique(row * 1_000_000 + column, return_inverse=True)
    weight = share * beam[hour]
    sums = np.stack(
        [np.bincount(bins, weight * direction[:, k]) for k in range(3)], axis=-1
    )
    return SunPath(
        direction=direction,
        hour=hour,
        share=share,
        bin=bins,
        bin_direction=sums / np.linalg.norm(sums, axis=1, keepdims=True),
    )
