"""Tell the light on all facets at a moment, from one measured value."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib

from gis.errors import WeatherError
from meshes.polygons import FloatArray
from meshes.solar.irradiance import Irradiation
from meshes.solar.reflection.sources import group_radiance, sun_groups
from meshes.solar.skies import perez_dome
from meshes.solar.sky import unit_vectors
from meshes.solar.sun import sun_positions

BRIGHTEST = 1500.0
"""Largest light on level ground that is believed [W/m2]."""


@dataclass(frozen=True)
class NowLight:
    """Light on facets at one moment, means over their sensors.

    Attributes
    ----------
    direct, diffuse, reflected : (f,) float
        From the sun, from the sky, from ground and buildings [W/m2].
    dni, dhi : float
        Light of the sun on a plane that faces it, and of the sky on level ground [W/m2].
    elevation : float
        Height of the sun [degrees].
    bin_error : float
        Angle between the sun and the direction its shadows were cast in [degrees].
    """

    direct: FloatArray
    diffuse: FloatArray
    reflected: FloatArray
    dni: float
    dhi: float
    elevation: float
    bin_error: float

    @property
    def total(self) -> FloatArray:
        """(f,) float: all of it [W/m2]."""
        return self.direct + self.diffuse + self.reflected


def light_now(
    light: Irradiation,
    *,
    time: pd.Timestamp,
    ghi: float,
    latitude: float,
    longitude: float,
    grid_convergence: float = 0.0,
) -> NowLight:
    """Spread a measured value of light on level ground over all facets.

    Parameters
    ----------
    light : Irradiation
        A year of light, which knows what every facet sees.
    time : Timestamp
        Moment, timezone-aware.
    ghi : float
        Light on level ground at it [W/m2].
    latitude, longitude : float
        Place [degrees].
    grid_convergence : float
        Direction of the plan's north, clockwise from true north [degrees].

    Returns
    -------
    NowLight
        The facets' shadows are those of the bin nearest to the sun.

    Raises
    ------
    WeatherError
        If the moment has no time zone or the value cannot be.

    Notes
    -----
    Sun and sky are told apart by Erbs' correlation as Driesse made it continuous
    (pvlib), the sky is Perez' all-weather sky.
    """
    if time.tzinfo is None:
        message = f"a moment needs its time zone, got {time}; write +00:00 for UTC"
        raise WeatherError(message)
    if not 0.0 <= ghi <= BRIGHTEST:
        message = f"light on level ground must be 0..{BRIGHTEST:g} W/m2, got {ghi:g}"
        raise WeatherError(message)
    times = pd.DatetimeIndex([time.tz_convert("UTC")])
    azimuth, elevation = sun_positions(
        times, latitude=latitude, longitude=longitude, grid_convergence=grid_convergence
    )
    towards = unit_vectors(np.radians(azimuth), np.radians(elevation))[0]
    dni, dhi = _split(ghi, 90.0 - float(elevation[0]), times)
    dome = perez_dome(
        times,
        np.array([dni]),
        np.array([dhi]),
        light.sky,
        latitude=latitude,
        longitude=longitude,
        interval_minutes=1.0,
        grid_convergence=grid_convergence,
    )
    radiance = dome.radiance[:, 0].astype(np.float64)
    cosines = light.path.bin_direction @ towards
    nearest = int(np.argmax(cosines))
    beam = dni * np.maximum(light.facets.normal @ towards, 0.0)
    direct = beam * light.sun_share[:, nearest]
    diffuse = (light.patch_view @ radiance).astype(np.float64)
    month = times[0].month - 1
    if light.crowns is not None:
        which = light.crowns.facets
        for view, share, held in zip(
            light.crowns.patch_view, light.crowns.sun_share, light.crowns.held, strict=True
        ):
            diffuse[which] -= held[month] * (view @ radiance)
            direct[which] -= held[month] * beam[which] * share[:, nearest]
    return NowLight(
        direct=np.maximum(direct, 0.0),
        diffuse=np.maximum(diffuse, 0.0),
        reflected=_reflected(light, radiance, dni, nearest, month),
        dni=dni,
        dhi=dhi,
        elevation=float(elevation[0]),
        bin_error=float(np.degrees(np.arccos(np.clip(cosines[nearest], -1.0, 1.0)))),
    )


def _split(ghi: float, zenith: float, times: pd.DatetimeIndex) -> tuple[float, float]:
    """Return beam and diffuse light [W/m2]; without sun all light is diffuse."""
    if ghi <= 0 or zenith >= 90.0:
        return 0.0, ghi
    found = pvlib.irradiance.erbs_driesse(
        np.array([ghi]), np.array([zenith]), times.day_of_year.to_numpy()
    )
    return float(found["dni"][0]), float(found["dhi"][0])


def _reflected(
    light: Irradiation, radiance: FloatArray, dni: float, nearest: int, month: int
) -> FloatArray:
    """Return the light thrown back on the facets [W/m2]."""
    if light.courses is None:
        return np.zeros(len(light.facets))
    sky = group_radiance(light.sky, radiance.astype(np.float32))
    groups = sun_groups(light.path)
    sun = np.zeros(int(groups.max()) + 1, np.float32)
    sun[groups[nearest]] = dni
    strength = np.concatenate([sky, sun])
    if len(light.courses) > len(strength):
        strength = np.concatenate([strength, strength * light.courses.snow_share(month)])
    thrown = light.bounced.sum(axis=1) @ strength
    return np.asarray(thrown, np.float64)
