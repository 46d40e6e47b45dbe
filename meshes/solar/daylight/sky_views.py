"""Measure how much of the sky sensors see, and what light an overcast sky gives them."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray
from meshes.solar.daylight.counting import BitCounts, facet_runs, seen_blocks
from meshes.solar.facing import TURNED, facing_weights
from meshes.solar.gather import Progress
from meshes.solar.occluders import Occluders
from meshes.solar.shadow import make_caster
from meshes.solar.skies_cie import cie_overcast_sky
from meshes.solar.sky import SkyPatches, reinhart_patches
from meshes.solar.sum_kernel import add_views

SPLIT = 4
"""Splits of Tregenza's patches both ways: 2,305 directions."""


@dataclass(frozen=True)
class SkyViews:
    """View of the sky of each sensor.

    Attributes
    ----------
    solid : (n,) float32
        Share of the sky's solid angle, each direction counting alike: the sky view factor
        of urban climate where a sensor lies level. A free level sensor has 1, a free
        vertical one 0.5.
    cosine : (n,) float32
        Share weighted by the cosine to the sensor's normal: the view factor of exchanged
        heat, and the light of an even sky. A free level sensor has 1, a free vertical one
        0.5.
    overcast : (n,) float32
        Light of the CIE overcast sky as a share of that on free level ground: on a
        vertical plane the vertical sky component. A free level sensor has 1, a free
        vertical one 0.396 (`rules.FREE_VERTICAL`).
    """

    solid: Float32Array
    cosine: Float32Array
    overcast: Float32Array


def sky_views(
    facets: Facets,
    occluders: Occluders,
    *,
    sky: SkyPatches | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> SkyViews:
    """Measure the view of the sky; nothing is reflected.

    Parameters
    ----------
    facets : Facets
        Where the light is received.
    occluders : Occluders
        What blocks it.
    sky : SkyPatches, optional
        Directions; Reinhart's 2,305 patches by default.
    threads : int, optional
        Working threads; the result does not depend on it.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    SkyViews

    Notes
    -----
    One exact ray a patch. A patch that a sensor's own plane cuts weighs what lies before
    the plane. Checked in tests/meshes/solar/daylight/test_sky_views.py against the closed
    forms of a street, a court and an endless obstruction under both skies.
    """
    patches = reinhart_patches(SPLIT) if sky is None else sky
    workers = threads or os.cpu_count() or 1
    normals, form = np.unique(facets.normal.round(9), axis=0, return_inverse=True)
    form = form.reshape(-1)
    facing = facing_weights(normals, patches)
    front = _front_scale(normals, patches)[form]
    alike = [BitCounts(len(facets.mask)) for _ in range(len(patches.first) - 1)]
    radiance = cie_overcast_sky(patches).radiance[:, 0].astype(np.float64)
    caster = make_caster(facets, occluders)
    counts = facets.sensors_per_facet
    light, view = np.zeros((2, caster.words * 64), np.float32)
    with ThreadPoolExecutor(workers) as pool:
        for first, seen in seen_blocks(
            caster,
            facets,
            patches.direction,
            told="sky",
            threads=threads,
            progress=progress,
        ):
            block = slice(first, first + len(seen))
            blocked = np.invert(seen)
            weights = np.ascontiguousarray(facing[form, block])
            jobs = [
                pool.submit(
                    add_views,
                    blocked,
                    facets.mask,
                    facets.bit_start,
                    facets.shape,
                    counts,
                    0,
                    weights,
                    radiance[block],
                    a,
                    b,
                    light,
                    view,
                    np.empty(weights.shape, np.float32),
                )
                for a, b in facet_runs(facets, 4 * workers)
            ]
            for row, ring in zip(seen, patches.row[block].tolist(), strict=True):
                alike[ring].add(row)
            for job in jobs:
                job.result()
    # The patches of a ring are of one size.
    sizes = patches.solid_angle[patches.first[:-1]] / (2 * np.pi)
    solid = np.zeros(caster.words * 64)
    for size, ring in zip(sizes.tolist(), alike, strict=True):
        solid += size * ring.of_cells()
    bit = facets.sensor_bit
    return SkyViews(
        solid=(solid[bit] * front[facets.sensor_facet]).astype(np.float32),
        cosine=view[bit] / np.float32(np.pi),
        overcast=light[bit],
    )


def _front_scale(normals: FloatArray, patches: SkyPatches) -> FloatArray:
    """Solid angle before each plane, per that of the patches whose ray is, (n,)."""
    # A lune as wide as the plane is tilted lies behind it.
    tilt = np.arccos(np.clip(normals[:, 2], -1.0, 1.0))
    seen = (normals @ patches.direction.T > TURNED) @ patches.solid_angle
    whole = 2.0 * (np.pi - tilt)
    scale: FloatArray = np.divide(whole, seen, out=np.ones_like(whole), where=seen > 0)
    return scale
