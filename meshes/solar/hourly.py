"""Unroll the light on facets into hours."""

import numpy as np

from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.irradiance import Irradiation
from meshes.solar.sum_kernel import add_beam_hours

OPEN = np.ones(2)
"""A cover that lets all light pass, whatever its angle of incidence."""


def facet_hours(
    light: Irradiation,
    facets: IntArray,
    *,
    transmission: FloatArray | None = None,
    reflected_transmission: tuple[FloatArray, FloatArray] | None = None,
) -> Float32Array:
    """Return the hourly irradiance of some facets, mean over their sensors.

    Parameters
    ----------
    light : Irradiation
        The year's light.
    facets : (k,) int
        Which facets.
    transmission : (m,) float, optional
        Share of light that passes a cover, on an even grid of the cosine of the angle of
        incidence from 0 to 1; 1 by default. It serves the sun and each patch of the sky.
    reflected_transmission : two (k,) float, optional
        Share that passes of the light thrown back by ground and by buildings; 1 by
        default.

    Returns
    -------
    (k, h) float32
        [W/m2]. Without cover the year adds up to ``light.facet_annual``.
    """
    cover = OPEN if transmission is None else transmission
    hours = sky_hours(light, facets, cover)
    if light.courses is not None and light.bounced.shape[2]:
        bounced = light.bounced[facets]
        ground, building = bounced[:, 0], bounced[:, 1]
        if reflected_transmission is not None:
            below, beside = (share.astype(np.float32) for share in reflected_transmission)
            ground, building = ground * below[:, None], building * beside[:, None]
        hours += (ground + building) @ light.courses.strength
    path = light.path
    add_beam_hours(
        light.facets.normal[facets],
        light.sun_share[facets],
        path.direction,
        path.hour,
        path.bin,
        light.light.beam[path.hour] * path.share,
        cover,
        hours,
    )
    return hours


def part_hours(
    light: Irradiation, facets: IntArray
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Return the hourly irradiance of some facets by where it comes from.

    Parameters
    ----------
    light : Irradiation
        The year's light.
    facets : (k,) int
        Which facets.

    Returns
    -------
    direct, diffuse, reflected : (k, h) float32
        From the sun, from the sky, from ground and buildings [W/m2]; they add up to
        `facet_hours`.
    """
    diffuse = sky_hours(light, facets, OPEN)
    reflected = np.zeros_like(diffuse)
    if light.courses is not None:
        reflected = light.bounced[facets].sum(axis=1) @ light.courses.strength
    return facet_hours(light, facets) - diffuse - reflected, diffuse, reflected


def sky_hours(light: Irradiation, facets: IntArray, cover: FloatArray) -> Float32Array:
    """Return the hourly light of the sky on some facets behind a cover, (k, h) [W/m2]."""
    view = light.patch_view[facets]
    if cover is not OPEN:
        cosine = light.facets.normal[facets] @ light.sky.direction.T
        grid = np.linspace(0.0, 1.0, len(cover))
        view = view * np.interp(cosine, grid, cover).astype(np.float32)
    radiance = light.light.dome.radiance
    hours: Float32Array = view @ radiance
    return hours
