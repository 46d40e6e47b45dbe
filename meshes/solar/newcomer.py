"""Add a building to a lit scene by its shadows alone.

What a newcomer takes is what it blocks and nothing else blocked before. Its shadow is
cast alone, which costs next to nothing, and laid over the bits that the scene keeps; only
the light that comes from the newly blocked directions is summed and taken away. Facets
that lose nothing are not touched.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from gis.errors import GeometryError
from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.gather import BLOCK, Beam, Views, sum_sky, sum_sun
from meshes.solar.irradiance import DiffuseShares, Irradiation, diffuse_shares
from meshes.solar.newcomer_kernel import new_words
from meshes.solar.occluders import Occluders
from meshes.solar.shadow import Caster, make_caster
from meshes.solar.sum_kernel import MONTHS
from meshes.solar.visibility import Bits


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


def shade(
    light: Irradiation,
    newcomer: Occluders,
    *,
    bits: tuple[Bits, Bits] | None = None,
    threads: int | None = None,
) -> Shaded:
    """Take from a lit scene the light that a newcomer blocks.

    Parameters
    ----------
    light : Irradiation
        The scene as it is lit now, with its visibility.
    newcomer : Occluders
        What is added, in the local frame of the scene's facets.
    bits : pair of uint64 arrays, optional
        ``light.visibility.unpack()``, which is worth keeping from one newcomer to the next.
    threads : int, optional
        Working threads; all processors by default. The result does not depend on it.

    Returns
    -------
    Shaded

    Raises
    ------
    GeometryError
        If the scene's visibility was not kept.

    Notes
    -----
    Every bit equals that of a new run of `meshes.solar.irradiance.irradiate` with the
    newcomer among the occluders; sums differ by rounding (float32), below 0.001 kWh/m2 of a
    sensor. Checked in tests/meshes/solar/test_newcomer.py.
    """
    if light.visibility is None:
        message = (
            "the scene must keep its visibility, got light without; take all its facets"
        )
        raise GeometryError(message)
    sky_bits, sun_bits = light.visibility.unpack() if bits is None else bits
    caster = make_caster(light.facets, newcomer)
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        sky, sun = (
            _newly_blocked(caster, directions, blocked, light.facets.mask, pool)
            for directions, blocked in (
                (light.sky.direction, sky_bits),
                (light.path.bin_direction, sun_bits),
            )
        )
        facets = _touched(light.facets, sky, sun)
        before = light.take(facets)
        words = light.facets.words_of(facets)
        shared = before.facets
        views = sum_sky(
            shared,
            sky.blocks(words),
            light.sky,
            pool=pool,
            workers=workers,
            progress=_quiet,
        )
        beam = sum_sun(
            shared,
            sun.blocks(words),
            light.light,
            light.path,
            pool=pool,
            workers=workers,
            progress=_quiet,
        )
    return Shaded(facets, before, _take_away(before, views, beam))


@dataclass(frozen=True)
class _Newly:
    """Words with newly blocked cells, sorted by direction.

    Attributes
    ----------
    start : (d + 1,) int
        First entry of each direction.
    word : (m,) int
        Which word of the facets' bits.
    bits : (m,) uint64
        Its newly blocked cells.
    words : int
        Length of the facets' bits.
    """

    start: IntArray
    word: IntArray
    bits: Bits
    words: int

    def blocks(self, words: IntArray) -> Iterator[tuple[int, Bits]]:
        """Yield blocks of directions in which only newly blocked cells count as seen."""
        place = np.full(self.words, -1, np.int64)
        place[words] = np.arange(len(words))
        directions = len(self.start) - 1
        for first in range(0, directions, BLOCK):
            stop = min(first + BLOCK, directions)
            low, high = self.start[first], self.start[stop]
            row = np.repeat(np.arange(stop - first), np.diff(self.start[first : stop + 1]))
            seen = np.zeros((stop - first, len(words)), np.uint64)
            seen[row, place[self.word[low:high]]] = self.bits[low:high]
            yield first, ~seen


def _newly_blocked(
    caster: Caster,
    directions: FloatArray,
    blocked: Bits,
    mask: Bits,
    pool: ThreadPoolExecutor,
) -> _Newly:
    """Find the cells that the newcomer blocks and nothing blocked before."""

    def find(first: int) -> list[tuple[IntArray, Bits]]:
        found = []
        shadow = np.empty(caster.words, np.uint64)
        word, bits = np.empty(caster.words, np.int64), np.empty(caster.words, np.uint64)
        for k in range(first, min(first + BLOCK, len(directions))):
            caster.cast(directions[k], shadow)
            count = new_words(shadow, blocked[k], mask, word, bits)
            found.append((word[:count].copy(), bits[:count].copy()))
        return found

    blocks = pool.map(find, range(0, len(directions), BLOCK))
    found = [one for block in blocks for one in block]
    return _Newly(
        start=np.r_[0, np.cumsum([len(word) for word, _ in found])].astype(np.int64),
        word=np.concatenate([word for word, _ in found]),
        bits=np.concatenate([bits for _, bits in found]),
        words=caster.words,
    )


def _touched(facets: Facets, *newly: _Newly) -> IntArray:
    """Return the facets with newly blocked sensors."""
    words = np.unique(np.concatenate([some.word for some in newly]))
    owner = np.searchsorted(facets.bit_start // 64, words, side="right") - 1
    return np.unique(owner)


def _quiet(_text: str, _share: float) -> None:
    """Tell nothing."""


def _take_away(before: Irradiation, views: Views, beam: Beam) -> Irradiation:
    """Return the light that is left without the lost views and beam."""
    facets, light = before.facets, before.light
    bit, counts, owner = facets.sensor_bit, facets.sensors_per_facet, facets.sensor_facet
    free = diffuse_shares(
        facets, *(np.ones(len(bit), np.float32) for _ in ("dome", "horizon"))
    )
    seen = _left(before.sensor_sky_view, free.sky, views.dome_bits[0, bit])
    rim = _left(before.sensor_horizon_view, free.horizon, views.horizon_bits[0, bit])
    old = diffuse_shares(
        facets,
        _left(before.sensor_sky_view, free.sky, np.zeros_like(seen)),
        _left(before.sensor_horizon_view, free.horizon, np.zeros_like(rim)),
    )
    new = diffuse_shares(facets, seen, rim)
    lost = DiffuseShares(
        *(
            getattr(old, name) - getattr(new, name)
            for name in ("sky", "horizon", "ground", "facade")
        )
    ).monthly(light)
    lost += beam.bits[:MONTHS, bit].T / np.float32(1000)
    left = np.maximum(before.sensor_monthly - lost, 0)

    def mean(values: Float32Array) -> FloatArray:
        return np.bincount(owner, values, minlength=len(facets)) / counts

    facet_lost = np.stack([mean(lost[:, m]) for m in range(MONTHS)], axis=1)
    return replace(
        before,
        sensor_monthly=left,
        sensor_sky_view=new.sky,
        sensor_horizon_view=new.horizon,
        facet_monthly=np.maximum(before.facet_monthly - facet_lost, 0.0),
        facet_sky_view=before.facet_sky_view - mean(old.sky - new.sky),
        horizon_view=before.horizon_view - mean(old.horizon - new.horizon),
        ground_view=before.ground_view - mean(old.ground - new.ground),
        facade_view=before.facade_view - mean(old.facade - new.facade),
        sun_share=np.maximum(before.sun_share - beam.share, 0),
    )


def _left(view: Float32Array, free: Float32Array, lost: Float32Array) -> Float32Array:
    """Return the share of the free plane's view that is left, 0..1."""
    whole = np.divide(view, free, out=np.zeros_like(view), where=free > 0)
    left: Float32Array = np.maximum(whole - lost, 0)
    return left
