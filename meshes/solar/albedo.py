"""Tell how much light the ground reflects, month by month."""

from collections.abc import Sequence

import numpy as np
import pvlib

from gis.errors import WeatherError
from meshes.polygons import FloatArray
from meshes.solar.materials import find_material

BARE_GROUND = 0.2
"""Albedo of unknown urban ground without snow; the usual value (PVsyst: 0.14 to 0.22)."""

SNOW_COVER = (0.20, 0.22, 0.10, 0.02, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.12)
"""Share of each month, January first, in which snow covers the ground in Helsingborg.

An assumption: 20 days a winter. SMHI says of snow cover that the coasts of Götaland have
fewer than 50 days a year, the southernmost parts a few days only in some winters, and the
last of them at the end of March [1]_. Snow lies shorter on streets that are cleared.

.. [1] SMHI, Kunskapsbanken: Snötäckets utbredning och varaktighet. For 1961-1990; since
   then Götaland has lost 20 days (klimatanpassning.se, Snö)."""

WATER_COLOUR, WATER_WAVES = 0.16, 0.70
"""Clear water with ripples up to 2.5 cm [2]_.

.. [2] Dvoracek, M. J. and Hannabas, B. (1990). Prediction of albedo for use in
   evapotranspiration and irrigation scheduling. ASAE Publication 04-90, 692-699."""


def monthly_albedo(
    bare: float = BARE_GROUND,
    *,
    snow_cover: Sequence[float] = SNOW_COVER,
    snow: float | None = None,
) -> FloatArray:
    """Return the mean albedo of the ground in each month.

    Parameters
    ----------
    bare : float
        Albedo without snow.
    snow_cover : sequence of 12 float
        Share of each month in which snow covers the ground, January first.
    snow : float, optional
        Albedo of snow; by default that of old snow, 0.65.

    Returns
    -------
    (12,) float
        January first; between ``bare`` and ``snow``.

    Raises
    ------
    WeatherError
        If a share or an albedo is outside 0 to 1, or not twelve months are given.
    """
    white = find_material("old snow").reflectance if snow is None else snow
    cover = np.asarray(snow_cover, dtype=np.float64)
    if cover.shape != (12,):
        message = f"snow cover must have 12 months, January first, got {cover.size}"
        raise WeatherError(message)
    values = np.concatenate([cover, [bare, white]])
    if not ((values >= 0) & (values <= 1)).all():
        bad = values[~((values >= 0) & (values <= 1))][0]
        message = f"snow cover and albedo must be 0 to 1, got {bad:g}; give shares"
        raise WeatherError(message)
    return bare + cover * (white - bare)


def water_albedo(elevation: FloatArray) -> FloatArray:
    """Return the albedo of calm water under the sun's beam.

    Parameters
    ----------
    elevation : (n,) float
        Height of the sun [degrees]; below the horizon it counts as 0.

    Returns
    -------
    (n,) float
        0.16 at the horizon, falling to 0.04 at the zenith.

    Notes
    -----
    Dvoracek and Hannabas [2]_ as implemented in pvlib, which is made for lakes and does not
    reach the mirror-like 0.3 and more of a flat sea below 10 degrees.
    """
    albedo = pvlib.albedo.inland_water_dvoracek(
        np.asarray(elevation, dtype=np.float64),
        color_coeff=WATER_COLOUR,
        wave_roughness_coeff=WATER_WAVES,
    )
    return np.asarray(albedo, dtype=np.float64)
