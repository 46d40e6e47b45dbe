"""Add a building to a lit scene by its shadows alone.

What a newcomer takes is what it blocks and nothing else blocked before. Its shadow is
cast facet by facet, only in the directions in which the facet sees it, and compared with
the bits that the scene keeps; only the light that comes from the newly blocked directions
is summed and taken away: of what is seen through the crowns of trees just what they let
through. Facets that lose nothing are not touched.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from meshes.facets import Facets
from meshes.polygons import IntArray
from meshes.solar.cast_words import find_words
from meshes.solar.changed_words import Words
from meshes.solar.irradiance import Irradiation
from meshes.solar.lit_scene import LitScene
from meshes.solar.occluders import Occluders
from meshes.solar.relight import relight


@dataclass(frozen=True)
class Shaded:
    """The facets that a newcomer takes light from.

    Attributes
    ----------
    facets : (k,) int
        Which facets of the scene lose light, ascending.
    before, after : Irradiation
        Their light without and with the newcomer.
    """

    facets: IntArray
    before: Irradiation
    after: Irradiation


def shade(scene: LitScene, newcomer: Occluders, *, threads: int | None = None) -> Shaded:
    """Take from a lit scene the light that a newcomer blocks.

    Parameters
    ----------
    scene : LitScene
        The scene as it is lit now: `meshes.solar.lit_scene.light_scene`.
    newcomer : Occluders
        What is added, in the local frame of the scene's facets.
    threads : int, optional
        Working threads; all processors by default. The result does not depend on it.

    Returns
    -------
    Shaded

    Notes
    -----
    Every bit equals that of a new run of `meshes.solar.irradiance.irradiate` with the
    newcomer among the occluders, and so do the means of facets by part and direction;
    sums of sensors differ by rounding (float32), below 0.001 kWh/m2. What ground and
    buildings throw back is left as it was: the newcomer hides some of it and throws back
    light of its own. Checked in tests/meshes/solar/test_newcomer.py.
    """
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        words = find_words(
            scene.receivers, newcomer, scene.compass, scene.bits, pool=pool, workers=workers
        )
        facets = np.unique(words.facet)
        before = scene.light.take(facets)
        after = relight(
            scene, before, facets, words, gained=False, pool=pool, workers=workers
        )
    return Shaded(facets, before, after)


def count_words(words: Words, facets: Facets) -> IntArray:
    """Return in how many directions words hold each sensor, (n,) int."""
    flags = np.unpackbits(words.bits.view(np.uint8), bitorder="little").reshape(-1, 64)
    entry, cell = np.nonzero(flags)
    first = facets.bit_start[words.facet] // 64 + words.word
    counts = np.bincount(first[entry] * 64 + cell, minlength=len(facets.mask) * 64)
    return counts[facets.sensor_bit]
