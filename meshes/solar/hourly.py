"""Unroll the light on facets into hours."""

import numpy as np

from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.irradiance import Irradiation
from meshes.solar.sum_kernel import add_beam_hours


def facet_hours(
    light: Irradiation,
    facets: IntArray,
    *,
    transmission: FloatArray | None = None,
    diffuse_transmission: tuple[FloatArray, FloatArray, FloatArray] | None = None,
) -> Float32Array:
    """Return the hourly irradiance of some facets, mean over their sensors.

    Parameters
    ----------
    light : Irradiation
        The year's light.
    facets : (k,) int
        Which facets.
    transmission : (m,) float, optional
        Share of the beam that passes a cover, on an even grid of the cosine of the
        angle of incidence from 0 to 1; 1 by default.
    diffuse_transmission : three (k,) float, optional
        Share that passes of dome, horizon and ground light; 1 by default.

    Returns
    -------
    (k, h) float32
        [W/m2]. Without cover the year adds up to ``light.facet_annual`` within
        0.3 kWh/m2: a darker horizon is limited hour by hour here, month by month there.
    """
    through = diffuse_transmission or (np.ones(len(facets)),) * 3
    parts = (
        (light.light.dome, light.facet_sky_view[facets] * through[0]),
        (light.light.horizon, light.horizon_view[facets] * through[1]),
        (light.light.ground, light.ground_view[facets] * through[2]),
        # Facades stand above and below the horizon: the mean of both serves them.
        (light.light.facade, light.facade_view[facets] * (through[0] + through[2]) / 2),
    )
    hours = np.zeros((len(facets), light.hours), np.float32)
    for course, weight in parts:
        hours += np.multiply.outer(weight.astype(np.float32), course.astype(np.float32))
    # The dark horizon of an overcast sky may not take more than there is.
    np.maximum(hours, 0, out=hours)
    path = light.path
    add_beam_hours(
        light.facets.normal[facets],
        light.sun_share[facets],
        path.direction,
        path.hour,
        path.bin,
        light.light.beam[path.hour] * path.share,
        np.ones(2) if transmission is None else transmission,
        hours,
    )
    return hours
