"""Split the light of each hour into parts with a direction."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pvlib

from gis.weather import Weather
from meshes.polygons import FloatArray, IntArray

GROUND_ALBEDO = 0.2
"""Reflectance of urban ground [-]; the default of pvlib and of the Radiance references."""

FACADE_ALBEDO = 0.2
"""Reflectance of facades [-]: between that of windows and of plaster. Assumption."""

LOWEST_SUN = float(np.cos(np.radians(85.0)))
"""Floor of cos(zenith) that the Perez model puts under circumsolar light [1]_.

.. [1] Perez, R. et al. (1990). Modeling daylight availability and irradiance components
   from direct and global irradiance. Solar Energy 44, 271-289."""


@dataclass(frozen=True)
class Light:
    """Hourly light [W/m2], (h,) float each.

    Attributes
    ----------
    beam : float
        From the sun and the bright sky around it, on a plane that faces the sun.
    dome : float
        From the even part of the sky, on a free horizontal plane.
    horizon : float
        From the band along the horizon, on a free vertical plane; negative where the
        sky is darker there.
    ground : float
        From a free, sunlit ground, on a plane that faces down to it.
    facade : float
        From free facades of all azimuths together, on a plane that sees nothing else.
    month : (h,) int
        Month of each hour in UTC, 0 to 11.
    """

    beam: FloatArray
    dome: FloatArray
    horizon: FloatArray
    ground: FloatArray
    facade: FloatArray
    month: IntArray


def split_light(
    weather: Weather,
    *,
    latitude: float,
    longitude: float,
    albedo: float = GROUND_ALBEDO,
    facade_albedo: float = FACADE_ALBEDO,
) -> Light:
    """Split beam and diffuse irradiance by the Perez-Driesse sky model.

    Parameters
    ----------
    weather : Weather
        Hourly ``ghi``, ``dni``, ``dhi`` [W/m2].
    latitude, longitude : float
        Place of the buildings [degrees].
    albedo, facade_albedo : float
        Reflectance of ground and facades.

    Returns
    -------
    Light
        On a free plane of any orientation the parts but ``facade`` add up to
        ``pvlib.irradiance.get_total_irradiance(model="perez-driesse")``.

    Notes
    -----
    The weights come from pvlib: its isotropic part on a horizontal plane is
    ``dhi (1 - F1)``, its horizon part on a vertical plane ``dhi F2``.
    """
    table = weather.table
    sun = pvlib.solarposition.spa_python(weather.sun_times, latitude, longitude)
    zenith = sun["apparent_zenith"].to_numpy()
    azimuth = sun["azimuth"].to_numpy()
    dhi, dni = table["dhi"].to_numpy(np.float64), table["dni"].to_numpy(np.float64)
    index = pd.DatetimeIndex(table.index)
    days = index.day_of_year.to_numpy()
    extra = pvlib.irradiance.get_extra_radiation(days)
    up = zenith < 90.0

    def part(name: str, tilt: float) -> FloatArray:
        found = pvlib.irradiance.perez_driesse(
            tilt, azimuth, dhi, dni, extra, zenith, azimuth, return_components=True
        )
        values: FloatArray = np.where(up, np.nan_to_num(np.asarray(found[name])), 0.0)
        return values

    dome = np.where(up, part("poa_isotropic", 0.0), dhi)
    cosine = np.maximum(np.cos(np.radians(zenith)), LOWEST_SUN)
    beam = np.where(up, dni + np.maximum(dhi - dome, 0.0) / cosine, 0.0)
    horizon = part("poa_horizon", 90.0)
    ground = albedo * table["ghi"].to_numpy(np.float64)
    # The mean over all azimuths of the positive part of a cosine is 1 / pi.
    walls = dome / 2 + horizon + ground / 2 + beam * np.sin(np.radians(zenith)) / np.pi
    facade = facade_albedo * np.maximum(walls, 0.0)
    month = index.month.to_numpy().astype(np.int64) - 1
    return Light(beam, dome, horizon, ground, facade, month)
