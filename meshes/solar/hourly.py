"""Unroll the light on facets into hours."""

import numpy as np

from meshes.polygons import FloatArray, IntArray
from meshes.solar.irradiance import Float32Array, Irradiation
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
        [W/m2]; its sum over the year equals ``light.facet_annual`` without cover.
    """
    normal = light.facets.normal[facets]
    facing_up = normal[:, 2]
    through = diffuse_transmission or (np.ones(len(facets)),) * 3
    view = light.facet_sky_view[facets]
    openness = view / np.maximum((1 + facing_up) / 2, 1e-12)
    parts = (
        (light.light.dome, view * through[0]),
        (
            light.light.horizon,
            light.horizon_view[facets]
            * np.sqrt(np.maximum(0, 1 - facing_up**2))
            * through[1],
        ),
        (light.light.ground, openness * (1 - facing_up) / 2 * through[2]),
    )
    hours = np.zeros((len(facets), light.hours), np.float32)
    for course, weight in parts:
        hours += np.multiply.outer(weight.astype(np.float32), course.astype(np.float32))
    # The dark horizon of an overcast sky may not take more than there is.
    np.maximum(hours, 0, out=hours)
    path = light.path
    add_beam_hours(
        normal,
        light.sun_share[facets],
        path.direction,
        path.hour,
        path.bin,
        light.light.beam[path.hour] * path.share,
        np.ones(2) if transmission is None else transmission,
        hours,
    )
    return hours
