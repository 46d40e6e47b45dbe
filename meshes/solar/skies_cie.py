"""Make the standard skies of daylight."""

import numpy as np

from gis.errors import WeatherError
from meshes.polygons import FloatArray
from meshes.solar.skies import SkyDome, shaped_sky
from meshes.solar.sky import SkyPatches, unit_vectors

STANDARD_SKIES = (
    (4.0, -0.70, 0.0, -1.0, 0.00),  # overcast, steep gradation, even around
    (4.0, -0.70, 2.0, -1.5, 0.15),  # overcast, steep, brighter towards the sun
    (1.1, -0.80, 0.0, -1.0, 0.00),  # overcast, moderate, even around
    (1.1, -0.80, 2.0, -1.5, 0.15),  # overcast, moderate, brighter towards the sun
    (0.0, -1.00, 0.0, -1.0, 0.00),  # even
    (0.0, -1.00, 2.0, -1.5, 0.15),  # partly cloudy, no gradation
    (0.0, -1.00, 5.0, -2.5, 0.30),  # partly cloudy, brighter around the sun
    (0.0, -1.00, 10.0, -3.0, 0.45),  # partly cloudy, distinct corona
    (-1.0, -0.55, 2.0, -1.5, 0.15),  # partly cloudy, obscured sun
    (-1.0, -0.55, 5.0, -2.5, 0.30),  # partly cloudy, brighter around the sun
    (-1.0, -0.55, 10.0, -3.0, 0.45),  # white-blue, distinct corona
    (-1.0, -0.32, 10.0, -3.0, 0.45),  # clear, low turbidity
    (-1.0, -0.32, 16.0, -3.0, 0.30),  # clear, polluted
    (-1.0, -0.15, 16.0, -3.0, 0.30),  # cloudless turbid, broad corona
    (-1.0, -0.15, 24.0, -2.8, 0.15),  # white-blue turbid, broad corona
)
"""a, b, c, d, e of the fifteen standard general skies, 1 to 15 [1]_.

.. [1] ISO 15469:2004 (CIE S 011/E:2003), Spatial distribution of daylight - CIE standard
   general sky, table 1."""

TRADITIONAL = 16
"""Number of the traditional overcast sky: radiance as 1 + 2 sin h, equation 6 of [1]_."""

OVERCAST, CLEAR = 1, 12
"""Standard overcast sky, and standard clear sky of low turbidity."""


def cie_sky(
    patches: SkyPatches,
    *,
    kind: int,
    azimuth: FloatArray | float = 180.0,
    elevation: FloatArray | float = 90.0,
    horizontal: FloatArray | float = 1.0,
) -> SkyDome:
    """Return a CIE standard sky for one or several suns.

    Parameters
    ----------
    patches : SkyPatches
        Of `reinhart_patches`.
    kind : int
        1 to 15 as in ISO 15469, 16 for the traditional overcast sky.
    azimuth, elevation : float or (h,) float
        Of the sun [degrees]; nothing to 1, 3, 5 and 16, which are even around.
    horizontal : float or (h,) float
        Light on the free horizontal plane without the sun, [lx] or [W/m2].

    Returns
    -------
    SkyDome
        Without months; luminance [cd/m2] where ``horizontal`` is in lux.

    Raises
    ------
    WeatherError
        If there is no such kind, or the sun is below the horizon.

    Notes
    -----
    Checked against the closed form of a vertical plane under the traditional sky,
    3/14 + 4/(7 pi), and the ratio of zenith to horizon in test_skies_cie.py.
    """
    if not 1 <= kind <= TRADITIONAL:
        message = f"a CIE sky must be one of 1 to {TRADITIONAL}, got {kind}; 1 is overcast"
        raise WeatherError(message)
    given = np.broadcast_arrays(azimuth, elevation, horizontal)
    turn, height, light = np.atleast_1d(*given)
    if not ((height >= 0) & (height <= 90)).all():
        message = (
            f"the sun of a CIE sky must be 0 to 90 degrees high, got {height.min():g} to "
            f"{height.max():g}; leave night out"
        )
        raise WeatherError(message)
    if kind == TRADITIONAL:
        mean_sine = patches.flux[:, 2] / patches.solid_angle
        relative = 1.0 + 2.0 * mean_sine
        relative /= patches.flux[:, 2] @ relative
        radiance = np.multiply.outer(light, relative).astype(np.float32).T
        return SkyDome(patches, radiance, np.zeros(len(light), np.int64))
    a, b, c, d, e = STANDARD_SKIES[kind - 1]
    # The standard's glow falls to nothing at a right angle; divide by what is left.
    floor = 1.0 - c * np.exp(d * np.pi / 2)
    shape = np.tile([a, b, c / floor, d, e / floor], (len(light), 1))
    sun = unit_vectors(np.radians(turn), np.radians(height))
    return shaped_sky(patches, shape, sun, light.astype(np.float64))


def cie_overcast_sky(
    patches: SkyPatches, *, horizontal: FloatArray | float = 1.0
) -> SkyDome:
    """Return the traditional overcast sky, by which vertical sky component is defined.

    Parameters
    ----------
    patches : SkyPatches
        Of `reinhart_patches`.
    horizontal : float or (h,) float
        Light on the free horizontal plane, [lx] or [W/m2].

    Returns
    -------
    SkyDome
        Three times as bright at the zenith as at the horizon.
    """
    return cie_sky(patches, kind=TRADITIONAL, horizontal=horizontal)


def cie_clear_sky(
    patches: SkyPatches,
    *,
    azimuth: FloatArray | float,
    elevation: FloatArray | float,
    horizontal: FloatArray | float = 1.0,
) -> SkyDome:
    """Return the standard clear sky of low turbidity, number 12.

    Parameters
    ----------
    patches : SkyPatches
        Of `reinhart_patches`.
    azimuth, elevation : float or (h,) float
        Of the sun [degrees].
    horizontal : float or (h,) float
        Light on the free horizontal plane without the sun, [lx] or [W/m2].

    Returns
    -------
    SkyDome
        Brightest around the sun, which itself is left out.
    """
    return cie_sky(
        patches, kind=CLEAR, azimuth=azimuth, elevation=elevation, horizontal=horizontal
    )
