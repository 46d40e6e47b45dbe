"""Lay out a year of sun and sky for a place."""

from gis.horizon import HorizonLine
from gis.weather import Weather
from meshes.solar.far_land import behind_land
from meshes.solar.light import Light, year_of_light
from meshes.solar.sky import SkyPatches
from meshes.solar.sun import BIN_DEGREES, STEP_MINUTES, SunPath, sun_path


def sun_and_sky(
    weather: Weather,
    sky: SkyPatches,
    *,
    latitude: float,
    longitude: float,
    grid_convergence: float = 0.0,
    bin_degrees: float = BIN_DEGREES,
    step_minutes: float = STEP_MINUTES,
    horizon: HorizonLine | None = None,
) -> tuple[Light, SunPath]:
    """Return the light of a year and the path of its sun.

    Parameters
    ----------
    weather : Weather
        One year of hours.
    sky : SkyPatches
        Directions of diffuse light.
    latitude, longitude : float
        Place [degrees].
    grid_convergence, bin_degrees, step_minutes, horizon
        As in `meshes.solar.irradiance.irradiate`.
    """
    light = year_of_light(
        weather,
        sky,
        latitude=latitude,
        longitude=longitude,
        grid_convergence=grid_convergence,
    )
    path = sun_path(
        weather.sun_times,
        light.beam,
        latitude=latitude,
        longitude=longitude,
        grid_convergence=grid_convergence,
        bin_degrees=bin_degrees,
        step_minutes=step_minutes,
    )
    if horizon is None:
        return light, path
    return behind_land(light, path, sky, horizon, grid_convergence=grid_convergence)
