"""Change the light of facets by the words of bits that they gain or lose.

What stands open is summed as if there were no trees. What crowns hold back of it is summed
in the same way, class by class with the share that the class holds back, and taken off:
just as `meshes.solar.crown_shade` does it for a whole scene.
"""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.cast_words import PIECES
from meshes.solar.changed_words import Words, words_at
from meshes.solar.crown_shade import CrownShade
from meshes.solar.gather import BeamCourse
from meshes.solar.irradiance import Irradiation
from meshes.solar.light import MONTHS
from meshes.solar.lit_crowns import held_beam
from meshes.solar.lit_scene import LitScene
from meshes.solar.newcomer_kernel import sum_words
from meshes.solar.visibility import Bits, FacetBits


@dataclass(frozen=True)
class Sums:
    """Light of words, summed up in place.

    Attributes
    ----------
    direct, diffuse, sky : (cells,) float32
        What cells gain over the year [kWh/m2], and of their view of the sky [sr].
    beam : (k, 12) float
        What facets gain of the sun by month [kWh/m2].
    view : (k, p) float32
        What facets receive of each patch; starts as it was before.
    share : (k, b) float32
        Share of their sensors that see each sun bin; starts as it was before.
    """

    direct: Float32Array
    diffuse: Float32Array
    sky: Float32Array
    beam: FloatArray
    view: Float32Array
    share: Float32Array


@dataclass(frozen=True)
class Change:
    """What is added to the light of sun and sky.

    Attributes
    ----------
    sensors : (n, 2) float32
        Of each sensor over the year [kWh/m2].
    facets : (k, 2, 12) float
        Mean of each facet's sensors by month [kWh/m2].
    """

    sensors: Float32Array
    facets: FloatArray

    def __add__(self, other: "Change") -> "Change":
        """Return both together."""
        return Change(self.sensors + other.sensors, self.facets + other.facets)

    def __neg__(self) -> "Change":
        """Return what takes this back."""
        return Change(-self.sensors, -self.facets)

    def __sub__(self, other: "Change") -> "Change":
        """Return this without another."""
        return self + -other


@dataclass(frozen=True)
class Workers:
    """Threads that share out facets; no result depends on their number."""

    pool: ThreadPoolExecutor
    count: int


def relight(
    scene: LitScene,
    before: Irradiation,
    facets: IntArray,
    words: Words,
    *,
    gained: bool,
    pool: ThreadPoolExecutor,
    workers: int,
) -> Irradiation:
    """Change the light of facets by words that they gain or lose.

    Parameters
    ----------
    scene : LitScene
        The scene; its trees stand where they stood.
    before : Irradiation
        The light of ``facets``.
    facets : (k,) int
        Which of the scene's facets, ascending: those of the words.
    words : Words
        Cells that see more directions, or fewer.
    gained : bool
        Whether they see more.
    pool : ThreadPoolExecutor
        Shares out the facets.
    workers : int
        Its threads; the result does not depend on them.

    Returns
    -------
    Irradiation
        Of the same facets; what ground and buildings throw back is left as it was.
    """
    threads = Workers(pool, workers)
    sums = _no_sums(before, before.patch_view, before.sun_share)
    _add_words(
        sums, scene, before, facets, words,
        scene.annual_radiance, scene.beam, gained=gained, threads=threads,
    )  # fmt: skip
    change = _change(sums, before, before.patch_view, scene.radiance)
    after = replace(
        before,
        sensor_sky_view=np.maximum(
            before.sensor_sky_view + sums.sky[before.facets.sensor_bit] / np.float32(np.pi),
            0,
        ),
        patch_view=sums.view,
        sun_share=sums.share,
    )
    if scene.crowns is None or before.crowns is None:
        return _changed(after, change)
    cells = scene.crowns.classes(words.key, words.bits)
    touched = [words.holding(some) for some in cells]
    none = [words.take(np.empty(0, np.int64)) for _ in cells]
    more, fewer = (touched, none) if gained else (none, touched)
    shade, held = _reshade(scene, before, before.crowns, facets, more, fewer, threads)
    return _changed(replace(after, crowns=shade), change - held)


def reshade(
    scene: LitScene,
    before: Irradiation,
    shade: CrownShade,
    facets: IntArray,
    *,
    more: Sequence[Words],
    fewer: Sequence[Words],
    pool: ThreadPoolExecutor,
    workers: int,
) -> Irradiation:
    """Change the light of facets by cells that come behind crowns, or out from there.

    Parameters
    ----------
    scene : LitScene
        The scene; what blocks its light is left as it was.
    before : Irradiation
        The light of ``facets``.
    shade : CrownShade
        What is seen through crowns before, by the classes of ``more`` and ``fewer``.
    facets : (k,) int
        Which of the scene's facets, ascending: those of the words.
    more, fewer : sequence of Words
        For each class the cells that now see a direction through its crowns, and those
        that no longer do.
    pool, workers
        As in `relight`.
    """
    threads = Workers(pool, workers)
    found, held = _reshade(scene, before, shade, facets, more, fewer, threads)
    return _changed(replace(before, crowns=found), -held)


def _reshade(
    scene: LitScene,
    before: Irradiation,
    shade: CrownShade,
    facets: IntArray,
    more: Sequence[Words],
    fewer: Sequence[Words],
    threads: Workers,
) -> tuple[CrownShade, Change]:
    """Return what is seen through crowns now, and what they hold back more than before."""
    classes = len(shade.transmittance)
    views, shares = (
        np.zeros((classes, len(facets), whole.shape[1]), np.float32)
        for whole in (before.patch_view, before.sun_share)
    )
    views[:, shade.facets], shares[:, shade.facets] = shade.patch_view, shade.sun_share
    held = _no_change(before)
    for c, passed in enumerate(shade.transmittance):
        if not (len(more[c]) or len(fewer[c])):
            continue
        sums = _no_sums(before, views[c], shares[c])
        radiance = scene.radiance * (1.0 - passed)
        beam = held_beam(scene.beam, passed)
        for words, gained in ((more[c], True), (fewer[c], False)):
            _add_words(
                sums, scene, before, facets, words,
                radiance.sum(axis=1), beam, gained=gained, threads=threads,
            )  # fmt: skip
        held += _change(sums, before, views[c], radiance)
        views[c], shares[c] = sums.view, sums.share
    seen = np.flatnonzero(views.any(axis=(0, 2)) | shares.any(axis=(0, 2)))
    after = CrownShade(seen, shade.transmittance, views[:, seen], shares[:, seen])
    return after, held


def _no_sums(before: Irradiation, view: Float32Array, share: Float32Array) -> Sums:
    """Return sums of nothing as yet."""
    cells = len(before.facets.mask) * 64
    direct, diffuse, sky = (np.zeros(cells, np.float32) for _ in range(3))
    beam = np.zeros((len(before.facets), MONTHS))
    return Sums(direct, diffuse, sky, beam, view.copy(), share.copy())


def _no_change(before: Irradiation) -> Change:
    """Return that nothing changes."""
    return Change(
        np.zeros((before.facets.sensor_count, 2), np.float32),
        np.zeros((len(before.facets), 2, MONTHS)),
    )


def _change(
    sums: Sums, before: Irradiation, view: Float32Array, radiance: FloatArray
) -> Change:
    """Return what sums change; ``view`` is what facets received of the patches before."""
    bit = before.facets.sensor_bit
    seen = (sums.view.astype(np.float64) - view) @ radiance
    return Change(
        np.stack([sums.direct[bit], sums.diffuse[bit]], axis=1),
        np.stack([sums.beam, seen], axis=1),
    )


def _changed(light: Irradiation, change: Change) -> Irradiation:
    """Return the light with what changes; sums in other orders round differently."""
    sensors, facets = light.sensor_parts.copy(), light.facet_parts.copy()
    sensors[:, :2] += change.sensors
    facets[:, :2] += change.facets
    return replace(
        light,
        sensor_parts=np.maximum(sensors, 0, out=sensors),
        facet_parts=np.maximum(facets, 0.0, out=facets),
    )


def _add_words(
    sums: Sums,
    scene: LitScene,
    before: Irradiation,
    facets: IntArray,
    words: Words,
    radiance: FloatArray,
    course: BeamCourse,
    *,
    gained: bool,
    threads: Workers,
) -> None:
    """Add the light of words to sums, or take it off if it is lost."""
    if not len(words):
        return
    own = before.facets
    start = np.searchsorted(words.facet, np.r_[facets, len(scene.facets)])
    pieces = np.linspace(0, len(words), PIECES * threads.count + 1)
    cuts = np.searchsorted(start, pieces)
    cuts[0], cuts[-1] = 0, len(facets)
    plane = scene.plane[facets]
    jobs = [
        threads.pool.submit(
            sum_words,
            first,
            stop,
            start,
            words.direction,
            words.word,
            words.bits,
            own.bit_start // 64,
            own.sensors_per_facet,
            own.normal,
            scene.compass.number,
            scene.weights.shape[1],
            scene.weights,
            plane,
            radiance,
            course.start,
            course.towards,
            course.energy,
            course.month,
            1 if gained else -1,
            sums.direct,
            sums.diffuse,
            sums.sky,
            sums.view,
            sums.share,
            sums.beam,
        )
        for first, stop in itertools.pairwise(np.unique(cuts).tolist())
    ]
    for job in jobs:
        job.result()


def patched(light: Irradiation, facets: IntArray, after: Irradiation) -> Irradiation:
    """Return all the light with that of some facets replaced."""
    sensors = light.facets.sensors_of(facets)
    changed: dict[str, Any] = {}
    for name in ("sensor_parts", "sensor_sky_view"):
        changed[name] = getattr(light, name).copy()
        changed[name][sensors] = getattr(after, name)
    for name in ("facet_parts", "patch_view", "sun_share"):
        changed[name] = getattr(light, name).copy()
        changed[name][facets] = getattr(after, name)
    if light.crowns is not None and after.crowns is not None:
        changed["crowns"] = _patched_shade(light.crowns, facets, after.crowns)
    return replace(light, **changed)


def _patched_shade(shade: CrownShade, facets: IntArray, after: CrownShade) -> CrownShade:
    """Return what is seen through crowns with that of some facets replaced."""
    kept = np.flatnonzero(~np.isin(shade.facets, facets))
    others = CrownShade(
        shade.facets[kept],
        shade.transmittance,
        shade.patch_view[:, kept],
        shade.sun_share[:, kept],
    )
    return join_shades(others, replace(after, facets=facets[after.facets]))


def join_shades(one: CrownShade, other: CrownShade) -> CrownShade:
    """Return what different facets see through the crowns of the same classes."""
    facets = np.r_[one.facets, other.facets]
    order = np.argsort(facets)
    view = np.concatenate([one.patch_view, other.patch_view], axis=1)
    share = np.concatenate([one.sun_share, other.sun_share], axis=1)
    return CrownShade(facets[order], one.transmittance, view[:, order], share[:, order])


def open_at(scene: LitScene, key: IntArray) -> Bits:
    """Return the cells of words that nothing opaque blocks, by their keys, (m,) uint64."""
    words = words_at(key, np.empty(0, np.uint64))
    mask = scene.facets.mask[scene.facets.bit_start[words.facet] // 64 + words.word]
    seen: Bits = mask & ~look_up(scene.bits, words)
    return seen


def look_up(bits: FacetBits, words: Words) -> Bits:
    """Return the blocked cells where words are, (m,) uint64."""
    at = bits.start[words.facet] + words.direction * bits.words[words.facet] + words.word
    blocked = np.zeros(len(at), np.uint64)
    for number, piece in enumerate(bits.pieces):
        here = bits.piece[words.facet] == number
        blocked[here] = piece[at[here]]
    return blocked
