"""Unroll the light on facets into hours."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.irradiance import Irradiation
from meshes.solar.sum_kernel import add_beam_hours

OPEN = np.ones(2)
"""A cover that lets all light pass, whatever its angle of incidence."""

FEW = 32
"""Facets whose sun is not worth sharing out among threads."""


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
    _add_sun(light, facets, light.sun_share[facets], light.light.beam, cover, hours)
    if light.crowns is not None:
        which, row = light.crowns.rows(facets)
        for share, held in zip(light.crowns.sun_share, light.crowns.held, strict=True):
            taken = np.zeros((len(which), light.hours), np.float32)
            beam = light.light.beam * held[light.light.month]
            _add_sun(light, facets[which], share[row], beam, cover, taken)
            hours[which] -= taken
        np.maximum(hours, 0, out=hours)
    return hours


def _add_sun(
    light: Irradiation,
    facets: IntArray,
    share: Float32Array,
    beam: FloatArray,
    cover: FloatArray,
    into: Float32Array,
) -> None:
    """Add the sun that is seen by shares of facets, (k, b), to their hours, (k, h)."""
    path = light.path
    start = np.flatnonzero(np.diff(path.hour, prepend=-1))
    normal = light.facets.normal[facets]
    towards = np.ascontiguousarray(path.direction.T)
    energy = beam[path.hour] * path.share
    edges = np.r_[start, len(path.hour)]

    def add(first: int, stop: int) -> None:
        add_beam_hours(
            normal,
            share,
            towards,
            edges,
            path.hour[start],
            path.bin,
            energy,
            cover,
            first,
            stop,
            into,
        )

    if len(facets) < FEW:
        add(0, len(facets))
        return
    workers = os.cpu_count() or 1
    cuts = np.linspace(0, len(facets), 2 * workers + 1).astype(int).tolist()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(add, cuts[:-1], cuts[1:]))


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
    passed: Float32Array = np.ones((len(facets), 1), np.float32)
    if cover is not OPEN:
        cosine = light.facets.normal[facets] @ light.sky.direction.T
        grid = np.linspace(0.0, 1.0, len(cover))
        passed = np.interp(cosine, grid, cover).astype(np.float32)
    radiance = light.light.dome.radiance
    whole: Float32Array = light.patch_view[facets] * passed
    hours: Float32Array = whole @ radiance
    if light.crowns is not None:
        which, row = light.crowns.rows(facets)
        for view, held in zip(light.crowns.patch_view, light.crowns.held, strict=True):
            share = held.astype(np.float32)[light.light.month]
            taken: Float32Array = (view[row] * passed[which]) @ radiance
            hours[which] -= taken * share
        np.maximum(hours, 0, out=hours)
    return hours
