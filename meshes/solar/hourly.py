"""Unroll the light on facets into hours."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.irradiance import Irradiation
from meshes.solar.sum_kernel import add_beam_hours

OPEN = np.ones(2)
"""A cover that lets all light pass, whatever its angle of incidence."""

EVERY = slice(None)
"""All positions of the sun."""

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
    share = light.sun_share[facets]
    if light.crowns is None:
        _add_sun(light, facets, share, cover, hours)
        return hours
    which, row = light.crowns.rows(facets)
    clear = np.setdiff1d(np.arange(len(facets)), which)
    lit = hours[clear]
    _add_sun(light, facets[clear], share[clear], cover, lit)
    hours[clear] = lit
    # What crowns hold changes with the month, and the sun of a month is its own.
    lit = hours[which]
    for number, positions in _by_month(light.light.month[light.path.hour]):
        left = share[which]
        for taken, held in zip(light.crowns.sun_share, light.crowns.held, strict=True):
            left -= taken[row] * np.float32(held[number])
        np.maximum(left, 0, out=left)
        _add_sun(light, facets[which], left, cover, lit, positions=positions)
    hours[which] = lit
    return hours


def _add_sun(
    light: Irradiation,
    facets: IntArray,
    share: Float32Array,
    cover: FloatArray,
    into: Float32Array,
    *,
    positions: slice = EVERY,
) -> None:
    """Add the sun that is seen by shares of facets, (k, b), to their hours, (k, h)."""
    path = light.path
    hour, bins = path.hour[positions], path.bin[positions]
    start = np.flatnonzero(np.diff(hour, prepend=-1))
    normal = light.facets.normal[facets]
    towards = np.ascontiguousarray(path.direction[positions].T)
    energy = light.light.beam[hour] * path.share[positions]
    edges = np.r_[start, len(hour)]

    def add(first: int, stop: int) -> None:
        add_beam_hours(
            normal,
            share,
            towards,
            edges,
            hour[start],
            bins,
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


def _by_month(month: IntArray) -> list[tuple[int, slice]]:
    """Return the stretches of one month each; a year that begins anew has more of them."""
    edges = np.flatnonzero(np.diff(month, prepend=-1, append=-1)).tolist()
    return [(int(month[first]), slice(first, stop)) for first, stop in pairwise(edges)]


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
    view: Float32Array = light.patch_view[facets] * passed
    hours: Float32Array = view @ radiance
    if light.crowns is None:
        return hours
    which, row = light.crowns.rows(facets)
    for number, columns in _by_month(light.light.month):
        if not len(which) or not light.crowns.held[:, number].any():
            continue
        left = light.patch_view[facets[which]]
        for taken, held in zip(light.crowns.patch_view, light.crowns.held, strict=True):
            left -= taken[row] * np.float32(held[number])
        hours[which, columns] = (left * passed[which]) @ radiance[:, columns]
    np.maximum(hours, 0, out=hours)
    return hours
