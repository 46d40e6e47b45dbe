"""Shape the light of the sky by Perez' all-weather model."""

import numpy as np

from meshes.polygons import FloatArray

CLEARNESS = (1.065, 1.230, 1.500, 1.950, 2.800, 4.500, 6.200)
"""Upper ends of the first seven bins of clearness [1]_.

.. [1] Perez, R., Ineichen, P., Seals, R., Michalsky, J. and Stewart, R. (1990). Modeling
   daylight availability and irradiance components from direct and global irradiance.
   Solar Energy 44, 271-289, table 1."""

SHAPE = np.array(
    [
        # a                              b
        [1.3525, -0.2576, -0.2690, -1.4366, -0.7670, 0.0007, 1.2734, -0.1233],
        [-1.2219, -0.7730, 1.4148, 1.1016, -0.2054, 0.0367, -3.9128, 0.9156],
        [-1.1000, -0.2515, 0.8952, 0.0156, 0.2782, -0.1812, -4.5000, 1.1766],
        [-0.5484, -0.6654, -0.2672, 0.7117, 0.7234, -0.6219, -5.6812, 2.6297],
        [-0.6000, -0.3566, -2.5000, 2.3250, 0.2937, 0.0496, -5.6812, 1.8415],
        [-1.0156, -0.3670, 1.0078, 1.4051, 0.2875, -0.5328, -3.8500, 3.3750],
        [-1.0000, 0.0211, 0.5025, -0.5119, -0.3000, 0.1922, 0.7023, -1.6317],
        [-1.0500, 0.0289, 0.4260, 0.3590, -0.3250, 0.1156, 0.7781, 0.0025],
    ]
)
"""Gradation from the horizon to the zenith: coefficients 1 to 4 of a, then of b [2]_."""

GLOW = np.array(
    [
        # c                                  d
        [2.8000, 0.6004, 1.2375, 1.0000, 1.8734, 0.6297, 0.9738, 0.2809],
        [6.9750, 0.1774, 6.4477, -0.1239, -1.5798, -0.5081, -1.7812, 0.1080],
        [24.7219, -13.0812, -37.7000, 34.8438, -5.0000, 1.5218, 3.9229, -2.6204],
        [33.3389, -18.3000, -62.2500, 52.0781, -3.5000, 0.0016, 1.1477, 0.1062],
        [21.0000, -4.7656, -21.5906, 7.2492, -3.5000, -0.1554, 1.4062, 0.3988],
        [14.0000, -0.9999, -7.1406, 7.5469, -3.4000, -0.1078, -1.0750, 1.5702],
        [19.0000, -5.0000, 1.2438, -1.9094, -4.0000, 0.0250, 0.3844, 0.2656],
        [31.0625, -14.5000, -46.1148, 55.3750, -7.2312, 0.4050, 13.3500, 0.6234],
    ]
)
"""Glow around the sun: coefficients 1 to 4 of c, then of d."""

BACKSCATTER = np.array(
    [
        [0.0356, -0.1246, -0.5718, 0.9938],
        [0.2624, 0.0672, -0.2190, -0.4285],
        [-0.0156, 0.1597, 0.4199, -0.5562],
        [0.4659, -0.3296, -0.0876, -0.0329],
        [0.0032, 0.0766, -0.0656, -0.1294],
        [-0.0672, 0.4016, 0.3017, -0.4844],
        [1.0468, -0.3788, -2.4517, 1.4656],
        [1.5000, -0.6426, 1.8564, 0.5636],
    ]
)
"""Coefficients 1 to 4 of e.

.. [2] Perez, R., Seals, R. and Michalsky, J. (1993). All-weather model for sky luminance
   distribution - preliminary configuration and validation. Solar Energy 50, 235-245,
   table 1; erratum in Solar Energy 51, 423."""

HIGHEST_SUN = 87.0
"""The glow of a sun nearer to the zenith is drawn there, as Radiance does [degrees]."""

LEAST_BRIGHTNESS = 0.2
"""Least brightness in bins 2 to 5, where the coefficients fail below it (as Radiance)."""

MOST_BRIGHTNESS = 0.6
"""Brightness up to which the model is used.

Brighter hours have the sun within a degree or two of the horizon, or at a wrong place
because hours are mislabelled; there the exponents run away. 0.05 % of the diffuse light of
Gothenburg's file is concerned where it is read half an hour wrong, none where right."""


def sky_shapes(
    zenith: FloatArray, dni: FloatArray, dhi: FloatArray, extra: FloatArray
) -> FloatArray:
    """Return the five parameters of the all-weather model.

    Parameters
    ----------
    zenith : (n,) float
        Angle of the sun from the zenith [degrees], 0 to 90.
    dni, dhi : (n,) float
        Direct normal and diffuse horizontal irradiance [W/m2]; ``dhi`` above 0.
    extra : (n,) float
        Irradiance outside the atmosphere on a plane that faces the sun [W/m2].

    Returns
    -------
    (n, 5) float
        a, b, c, d, e of (1 + a exp(b / sin h)) (1 + c exp(d g) + e cos(g)^2), the radiance
        at height h and at angle g from the sun, without scale.

    Notes
    -----
    Equations 1, 6, 7 and 8 of [2]_; clearness and brightness by equations 1 and 2 of [1]_
    with the air mass of [3]_ that the model was fitted with. Checked against Radiance's
    own in tests/meshes/solar/test_skies_radiance.py.

    .. [3] Kasten, F. (1966). A new table and approximation formula for the relative
       optical air mass. Arch. Meteorol. Geophys. Bioklimatol. B14, 206-223.
    """
    angle = np.clip(zenith, 90.0 - HIGHEST_SUN, 90.0)
    z = np.radians(angle)
    bend = 1.041 * z**3
    clearness = (1.0 + dni / dhi + bend) / (1.0 + bend)
    air_mass = 1.0 / (np.cos(z) + 0.15 * (93.885 - angle) ** -1.253)
    brightness = np.minimum(dhi * air_mass / extra, MOST_BRIGHTNESS)
    group = np.searchsorted(CLEARNESS, clearness, side="right")
    middling = (clearness > CLEARNESS[0]) & (clearness < CLEARNESS[4])
    brightness = np.where(middling, np.maximum(brightness, LEAST_BRIGHTNESS), brightness)

    def linear(k: FloatArray) -> FloatArray:
        k = k[group].T
        value: FloatArray = k[0] + k[1] * z + brightness * (k[2] + k[3] * z)
        return value

    # Above 0 the exponent of the gradation would know no bounds towards the horizon.
    a, b = linear(SHAPE[:, :4]), np.minimum(linear(SHAPE[:, 4:]), 0.0)
    c, d = linear(GLOW[:, :4]), linear(GLOW[:, 4:])
    # The overcast bin has forms of its own for the glow.
    low, wide = GLOW[0, :4], GLOW[0, 4:]
    glow = np.exp((brightness * (low[0] + low[1] * z)) ** low[2]) - low[3]
    fall = -np.exp(brightness * (wide[0] + wide[1] * z)) + wide[2] + brightness * wide[3]
    c, d = np.where(group == 0, glow, c), np.where(group == 0, fall, d)
    return np.stack([a, b, c, d, linear(BACKSCATTER)], axis=-1)
