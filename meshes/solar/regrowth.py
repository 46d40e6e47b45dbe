"""Put crowns before a lit scene, or others than stand there, and light what changes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from meshes.polygons import FloatArray, IntArray
from meshes.solar.canopy import Canopy, facets_below
from meshes.solar.cast_words import count_shadows
from meshes.solar.changed_words import SparseBits, Words, words_at
from meshes.solar.crown_shade import CrownShade
from meshes.solar.lit_crowns import LitCrowns, lit_crowns
from meshes.solar.lit_scene import LitScene
from meshes.solar.relight import open_at, patched, reshade
from meshes.solar.visibility import Bits


def grown(
    scene: LitScene, canopy: Canopy, *, pool: ThreadPoolExecutor, workers: int
) -> LitScene:
    """Put the first crowns before a lit scene.

    Parameters
    ----------
    scene : LitScene
        Lit without trees.
    canopy : Canopy
        Trees.
    pool, workers
        As in `regrown`.
    """
    if not canopy.groves:
        return scene
    below = facets_below(scene.facets, canopy)
    layers = [
        bits
        for grove in canopy.groves
        for bits in count_shadows(
            scene.receivers,
            grove.bodies,
            scene.compass,
            most=grove.most,
            pool=pool,
            facets=below,
        )
    ]
    crowns = lit_crowns(layers, canopy.transmittance)
    return regrown(scene, crowns, layers, pool=pool, workers=workers)


def regrown(
    scene: LitScene,
    crowns: LitCrowns | None,
    turned: Sequence[SparseBits],
    *,
    pool: ThreadPoolExecutor,
    workers: int,
) -> LitScene:
    """Put other crowns before a lit scene.

    Parameters
    ----------
    scene : LitScene
        The scene; it may have crowns.
    crowns : LitCrowns or None
        The crowns from now on.
    turned : sequence of SparseBits
        Bits that differ, layer by layer in any order.
    pool : ThreadPoolExecutor
        Shares out the facets.
    workers : int
        Its threads; the result does not depend on them.
    """
    nowhere = np.empty(0, np.int64)
    key = np.unique(np.concatenate([nowhere, *(bits.key for bits in turned)]))
    visible = words_at(key, open_at(scene, key))
    words = visible.holding(visible.bits)
    shares = [each.shares for each in (scene.crowns, crowns) if each is not None]
    classes = np.unique(np.concatenate(shares), axis=0)
    before, after = (_cells(each, classes, words) for each in (scene.crowns, crowns))
    facets = np.unique(words.facet)
    light = replace(scene.light, crowns=_renamed(scene, classes))
    if len(facets):
        part = light.take(facets)
        assert part.crowns is not None, "a shade of all classes was given"
        fresh = reshade(
            scene,
            part,
            part.crowns,
            facets,
            more=[words.holding(cells) for cells in after & ~before],
            fewer=[words.holding(cells) for cells in before & ~after],
            pool=pool,
            workers=workers,
        )
        light = patched(light, facets, fresh)
    shade = light.crowns
    assert shade is not None, "a shade of all classes was given"
    kept = None if crowns is None else _chosen(shade, classes, crowns.shares)
    return replace(scene, light=replace(light, crowns=kept), crowns=crowns)


def _cells(crowns: LitCrowns | None, classes: FloatArray, words: Words) -> Bits:
    """Return the cells that look through crowns of each of some classes, (c, m) uint64."""
    cells = np.zeros((len(classes), len(words)), np.uint64)
    if crowns is not None:
        cells[_rows(crowns.shares, classes)] = crowns.classes(words.key, words.bits)
    return cells


def _rows(shares: FloatArray, classes: FloatArray) -> IntArray:
    """Return where the rows of shares stand among classes."""
    place = {row.tobytes(): number for number, row in enumerate(classes)}
    return np.array([place[row.tobytes()] for row in shares], np.int64)


def _renamed(scene: LitScene, classes: FloatArray) -> CrownShade:
    """Return what a scene sees through crowns by more classes than there are as yet."""
    light, shade = scene.light, scene.light.crowns
    seen = np.empty(0, np.int64) if shade is None else shade.facets
    view, share = (
        np.zeros((len(classes), len(seen), whole.shape[1]), np.float32)
        for whole in (light.patch_view, light.sun_share)
    )
    if shade is not None:
        rows = _rows(shade.transmittance, classes)
        view[rows], share[rows] = shade.patch_view, shade.sun_share
    return CrownShade(seen, classes, view, share)


def _chosen(shade: CrownShade, classes: FloatArray, shares: FloatArray) -> CrownShade:
    """Return a shade by the classes that there are now: nothing is seen through others."""
    rows = _rows(shares, classes)
    return CrownShade(shade.facets, shares, shade.patch_view[rows], shade.sun_share[rows])
