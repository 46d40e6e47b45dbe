"""Make the light of the sky, patch by patch, out of weather."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gis.errors import WeatherError
from gis.weather import Weather, extraterrestrial
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.skies_kernel import spread_light
from meshes.solar.skies_perez import sky_shapes
from meshes.solar.sky import SkyPatches, unit_vectors
from meshes.solar.sun import sun_samples

TWILIGHT = -6.0
"""Height of the sun below which the sky has no bright side [degrees]: end of twilight."""

SKY_STEP_MINUTES = 60.0
"""Longest time between two suns of an interval's sky [min].

One sun an hour, as Radiance has it. Against one every five minutes, walls get up to 0.11 %
more or less in a year and hours differ by 1.0 % (RMSE of the mean); with two suns an hour
by 0.03 and 0.4 %, in twice the time (Copenhagen, six planes)."""


@dataclass(frozen=True)
class SkyDome:
    """Light of the sky without the sun's disc.

    Attributes
    ----------
    patches : SkyPatches
        The p patches.
    radiance : (p, h) float32
        Mean radiance of each patch at each time [W/m2/sr]; one time after the other in
        memory. Daylight may stand in for power: then [cd/m2].
    month : (h,) int
        Month of each time, 0 to 11; 0 where none was given.
    """

    patches: SkyPatches
    radiance: Float32Array
    month: IntArray

    @property
    def horizontal(self) -> FloatArray:
        """(h,) float: irradiance of a free horizontal plane [W/m2]."""
        return np.asarray(self.patches.flux[:, 2] @ self.radiance, dtype=np.float64)

    def on_planes(self, normals: FloatArray) -> Float32Array:
        """Light that free planes get from the sky, the ground left out.

        Parameters
        ----------
        normals : (k, 3) float
            Outward unit normals, east, north, up.

        Returns
        -------
        (k, h) float32
            [W/m2].
        """
        cosines = np.maximum(normals @ self.patches.flux.T, 0.0).astype(np.float32)
        light: Float32Array = cosines @ self.radiance
        return light


def perez_sky(
    weather: Weather,
    patches: SkyPatches,
    *,
    latitude: float,
    longitude: float,
    step_minutes: float = SKY_STEP_MINUTES,
    grid_convergence: float = 0.0,
) -> SkyDome:
    """Spread the diffuse light of a weather year by Perez' all-weather model.

    Parameters
    ----------
    weather : Weather
        Hourly ``dni`` and ``dhi`` [W/m2].
    patches : SkyPatches
        Of `reinhart_patches`.
    latitude, longitude : float
        Place of the buildings [degrees].
    step_minutes, grid_convergence : float
        As for `perez_dome`.

    Returns
    -------
    SkyDome
        Hour by hour; on the free horizontal plane it gives ``dhi``.
    """
    table = weather.table
    dome = perez_dome(
        weather.sun_times,
        table["dni"].to_numpy(np.float64),
        table["dhi"].to_numpy(np.float64),
        patches,
        latitude=latitude,
        longitude=longitude,
        step_minutes=step_minutes,
        grid_convergence=grid_convergence,
    )
    return SkyDome(patches, dome.radiance, _months(pd.DatetimeIndex(table.index)))


def perez_dome(
    times: pd.DatetimeIndex,
    dni: FloatArray,
    dhi: FloatArray,
    patches: SkyPatches,
    *,
    latitude: float,
    longitude: float,
    interval_minutes: float | None = None,
    step_minutes: float = SKY_STEP_MINUTES,
    grid_convergence: float = 0.0,
) -> SkyDome:
    """Spread diffuse light at any times by Perez' all-weather model.

    Parameters
    ----------
    times : (h,) DatetimeIndex
        Moment whose sun represents each interval, timezone-aware, in even steps.
    dni, dhi : (h,) float
        Direct normal and diffuse horizontal irradiance of each interval [W/m2].
    patches : SkyPatches
        Of `reinhart_patches`.
    latitude, longitude : float
        Place of the buildings [degrees].
    interval_minutes : float, optional
        Length of an interval [min]; by default the time from one to the next.
    step_minutes : float
        Longest time between two suns of an interval, whose skies are averaged [min].
    grid_convergence : float
        Azimuth of the grid's north (`gis.grid_north.grid_convergence`) [degrees].
        The sky is turned into axes of the grid.

    Returns
    -------
    SkyDome
        On the free horizontal plane it gives ``dhi``.

    Raises
    ------
    WeatherError
        If lengths differ, a value is missing or negative, or the times are not even.

    Notes
    -----
    The radiance is that of the middle of each patch, scaled so that the whole gives
    ``dhi``. An interval counts only its suns above the horizon. While the sun is down all
    the time it stands on the horizon without beam, and below ``TWILIGHT`` the sky is even.

    The glow around the sun stays in the patches. To let it travel with the sun's own
    direction was tried: what lies within 5 degrees is 0.2 % of the diffuse light and
    changes nothing, while a wider share taken for a point makes hourly errors grow, from
    2.9 to 9.9 % of the mean in a courtyard with all within 25 degrees. Nor do several
    points a patch near the sun help, hour by hour or in the year.

    Checked patch by patch against Radiance in tests/meshes/solar/test_skies_radiance.py.
    """
    times = pd.DatetimeIndex(times)
    _check_light(times, dni=dni, dhi=dhi)
    row, azimuth, elevation = sun_samples(
        times,
        np.flatnonzero(dhi > 0),
        latitude=latitude,
        longitude=longitude,
        interval_minutes=interval_minutes,
        step_minutes=step_minutes,
        grid_convergence=grid_convergence,
    )
    up = elevation > 0
    night = np.bincount(row[up], minlength=len(dhi)) == 0
    used = up | night[row]
    row, azimuth, elevation = row[used], azimuth[used], elevation[used]
    shape = sky_shapes(
        90.0 - elevation,
        np.where(elevation > 0, dni[row], 0.0),
        dhi[row],
        extraterrestrial(times)[row],
    )
    shape[elevation < TWILIGHT] = 0.0
    amount = dhi[row] / np.bincount(row, minlength=len(dhi))[row]
    sun = unit_vectors(np.radians(azimuth), np.radians(np.maximum(elevation, 0.0)))
    return SkyDome(patches, _spread(patches, shape, sun, row, amount, dhi), _months(times))


def isotropic_sky(weather: Weather, patches: SkyPatches) -> SkyDome:
    """Spread the diffuse light of a weather year evenly over the sky.

    Parameters
    ----------
    weather : Weather
        Hourly ``dhi`` [W/m2].
    patches : SkyPatches
        Of `reinhart_patches`.

    Returns
    -------
    SkyDome
        Hour by hour; on the free horizontal plane it gives ``dhi``.
    """
    even = weather.table["dhi"].to_numpy(np.float64) / np.pi
    radiance = np.repeat(even.astype(np.float32)[:, None], len(patches.row), axis=1).T
    return SkyDome(patches, radiance, _months(pd.DatetimeIndex(weather.table.index)))


def shaped_sky(
    patches: SkyPatches, shapes: FloatArray, sun: FloatArray, horizontal: FloatArray
) -> SkyDome:
    """Spread light over the sky by given shapes.

    Parameters
    ----------
    patches : SkyPatches
        Of `reinhart_patches`.
    shapes : (h, 5) float
        a, b, c, d, e of (1 + a exp(b / sin h)) (1 + c exp(d g) + e cos(g)^2), the radiance
        at height h and at angle g from the sun, without scale.
    sun : (h, 3) float
        Unit vectors to the sun.
    horizontal : (h,) float
        Light on the free horizontal plane, [W/m2] or [lx].

    Returns
    -------
    SkyDome
        Without months.
    """
    row = np.arange(len(horizontal))
    radiance = _spread(patches, shapes, sun, row, horizontal, horizontal)
    return SkyDome(patches, radiance, np.zeros(len(horizontal), np.int64))


def _spread(
    patches: SkyPatches,
    shape: FloatArray,
    sun: FloatArray,
    row: IntArray,
    amount: FloatArray,
    whole: FloatArray,
) -> Float32Array:
    """Call the kernel; ``whole`` has as many values as the dome has times."""
    radiance = np.zeros((len(whole), len(patches.row)), np.float32)
    spread_light(
        np.ascontiguousarray(shape, dtype=np.float64),
        np.ascontiguousarray(sun, dtype=np.float64),
        np.ascontiguousarray(row, dtype=np.int64),
        np.ascontiguousarray(amount, dtype=np.float64),
        patches.middle,
        patches.first,
        np.ascontiguousarray(patches.flux[:, 2]),
        radiance,
    )
    return radiance.T


def _months(times: pd.DatetimeIndex) -> IntArray:
    """Month of each time, 0 to 11."""
    return times.month.to_numpy().astype(np.int64) - 1


def _check_light(times: pd.DatetimeIndex, **columns: FloatArray) -> None:
    """Refuse light that does not fit the times."""
    for name, values in columns.items():
        if np.shape(values) != (len(times),):
            message = (
                f"{name} must have a value for each of {len(times)} times, "
                f"got {np.size(values)}; give tables of equal length"
            )
            raise WeatherError(message)
        bad = ~(np.asarray(values) >= 0)
        if bad.any():
            message = (
                f"{name} must be 0 or more [W/m2] at all times, got "
                f"{np.asarray(values)[bad][0]:g} and {int(bad.sum()) - 1} more; "
                "fill gaps first"
            )
            raise WeatherError(message)
