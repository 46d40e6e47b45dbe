"""Light a newcomer in a lit scene, what it takes from others and what it gets itself.

What a newcomer takes is what it blocks and nothing else blocked before. Its shadow is
cast facet by facet, only in the directions in which the facet sees it, and compared with
the bits that the scene keeps; only the light that comes from the newly blocked directions
is summed and taken away: of what is seen through the crowns of trees just what they let
through. Facets that lose nothing are not touched.

Its own facets are few: they are cast past the bodies near their rays, and their bits
are kept as they are.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from meshes.facets import Facets
from meshes.polygons import IntArray
from meshes.solar.canopy import Canopy
from meshes.solar.cast_words import find_words
from meshes.solar.changed_words import Words
from meshes.solar.irradiance import Irradiation, sum_light
from meshes.solar.lit_scene import LitScene, scene_like
from meshes.solar.occluders import Occluders
from meshes.solar.reflector import TiledReflector
from meshes.solar.regrowth import grown
from meshes.solar.relight import relight
from meshes.solar.shadow import Caster
from meshes.solar.visibility import Bits, facet_bits


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


def light_newcomer(
    scene: LitScene,
    facets: Facets,
    caster: Caster,
    *,
    canopy: Canopy,
    reflector: TiledReflector | None = None,
    threads: int | None = None,
) -> LitScene:
    """Light the facets of a newcomer.

    Parameters
    ----------
    scene : LitScene
        Where it comes to: its sun and sky are used.
    facets : Facets
        Of the newcomer.
    caster : Caster
        For these facets, past all that stands and the newcomer itself.
    canopy : Canopy
        Trees that stand there.
    reflector : TiledReflector, optional
        What ground and buildings throw back; nothing by default.
    threads : int, optional
        Working threads; the result does not depend on them.

    Returns
    -------
    LitScene
        The newcomer's facets alone, as `meshes.solar.irradiance.irradiate` lights them.
    """
    compass, light = scene.compass, scene.light
    place = np.empty(len(compass), np.int64)
    place[compass.number] = np.arange(len(compass))
    bits = np.empty((len(compass), caster.words), np.uint64)

    def keep(numbers: IntArray, rows: Bits) -> None:
        bits[place[numbers]] = rows

    own = sum_light(
        facets,
        caster,
        light.light,
        light.path,
        light.sky,
        keep=keep,
        reflector=reflector,
        threads=threads,
    )
    fresh = scene_like(scene, own, facet_bits(bits, facets))
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        return grown(fresh, canopy, pool=pool, workers=workers)


def count_words(words: Words, facets: Facets) -> IntArray:
    """Return in how many directions words hold each sensor, (n,) int."""
    flags = np.unpackbits(words.bits.view(np.uint8), bitorder="little").reshape(-1, 64)
    entry, cell = np.nonzero(flags)
    first = facets.bit_start[words.facet] // 64 + words.word
    counts = np.bincount(first[entry] * 64 + cell, minlength=len(facets.mask) * 64)
    return counts[facets.sensor_bit]
