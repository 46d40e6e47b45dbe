"""Hold back the light that crowns of trees take, month by month.

What stands before a sensor is told in bits twice: what blocks its view, and which layers
of crowns it looks through. Sensors that see a direction through the same layers form a
class, with the product of the layers' transmittances; what a class gets is summed like
any other light, and the share that its crowns hold back is taken off. Without trees nothing
is touched.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.canopy import Canopy, facets_below
from meshes.solar.cast_words import by_azimuth, count_shadows, receive
from meshes.solar.changed_words import SparseBits, words_at
from meshes.solar.facing import facing_weights
from meshes.solar.gather import (
    BLOCK,
    Progress,
    add_sky,
    add_sun,
    follow_beam,
    no_beam,
    no_views,
)
from meshes.solar.light import Light
from meshes.solar.sky import SkyPatches
from meshes.solar.sum_kernel import split_by_crowns
from meshes.solar.sun import SunPath
from meshes.solar.visibility import Bits, Visibility, pack_bits, unpack_bits

FULL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


@dataclass(frozen=True)
class CrownBits:
    """Which sensors look at crowns, whether or not something opaque stands before them.

    Attributes
    ----------
    facets : (k,) int
        Facets that have trees before them, ascending; no crown shades any other.
    layers : tuple of Visibility
        For each layer of the canopy the bits of all directions, laid out as those of
        ``Facets.take(facets)``: 1 = faces the direction and is behind a crown.
    transmittance : (l, 12) float
        Of the layers in each month.
    """

    facets: IntArray
    layers: tuple[Visibility, ...]
    transmittance: FloatArray


@dataclass(frozen=True)
class CrownShade:
    """Light that reaches facets through crowns, as it would be without them.

    Attributes
    ----------
    facets : (k,) int
        Facets that see some light through crowns, ascending.
    transmittance : (c, 12) float
        Share that each class of crowns lets through in each month.
    patch_view : (c, k, p) float32
        What each facet receives of each sky patch through the crowns of a class, per unit
        of radiance behind them [sr]; part of `Irradiation.patch_view`.
    sun_share : (c, k, b) float32
        Share of each facet's sensors that see each sun bin through them; part of
        `Irradiation.sun_share`.
    bits : CrownBits or None
        Where they come from; None where they were not kept.
    """

    facets: IntArray
    transmittance: FloatArray
    patch_view: Float32Array
    sun_share: Float32Array
    bits: CrownBits | None = None

    @property
    def held(self) -> FloatArray:
        """(c, 12) float: share of the light that each class holds back in each month."""
        held: FloatArray = 1.0 - self.transmittance
        return held

    def rows(self, facets: IntArray) -> tuple[IntArray, IntArray]:
        """Return which of some facets see light through crowns, and their rows here."""
        place = np.searchsorted(self.facets, facets)
        inside = np.flatnonzero(place < len(self.facets))
        inside = inside[self.facets[place[inside]] == facets[inside]]
        return inside, place[inside]

    def take(self, facets: IntArray) -> "CrownShade":
        """Return the shade of some facets, numbered anew; bits are left behind."""
        which, row = self.rows(facets)
        return CrownShade(
            which, self.transmittance, self.patch_view[:, row], self.sun_share[:, row]
        )


@dataclass(frozen=True)
class Held:
    """Light that crowns hold back.

    Attributes
    ----------
    sensors : (n,) int
        Which sensors of the scene.
    direct, diffuse : (n,) float32
        What each would get more over the year without trees [kWh/m2].
    facets : (k,) int
        Which facets.
    facet_parts : (k, 2, 12) float
        Mean over each facet's sensors, direct and diffuse, by UTC month [kWh/m2].
    """

    sensors: IntArray
    direct: Float32Array
    diffuse: Float32Array
    facets: IntArray
    facet_parts: FloatArray


def cast_canopy(
    facets: Facets,
    canopy: Canopy,
    sky: SkyPatches,
    path: SunPath,
    *,
    pool: ThreadPoolExecutor,
) -> CrownBits:
    """Cast the shadows of all layers of crowns.

    Parameters
    ----------
    facets : Facets
        Roofs and walls.
    canopy : Canopy
        Trees.
    sky, path : SkyPatches, SunPath
        Directions.
    pool : ThreadPoolExecutor
        Shares out the directions.

    Returns
    -------
    CrownBits
        Only facets that have trees before them are looked at.
    """
    which = facets_below(facets, canopy)
    near = facets.take(which)
    compass = by_azimuth(np.concatenate([sky.direction, path.bin_direction]))
    receivers = receive(near)
    layers = [
        _packed(bits, near, compass.number, patches=len(sky.direction), pool=pool)
        for grove in canopy.groves
        for bits in count_shadows(
            receivers, grove.bodies, compass, most=grove.most, pool=pool
        )
    ]
    return CrownBits(which, tuple(layers), canopy.transmittance)


def _packed(
    bits: SparseBits,
    facets: Facets,
    number: IntArray,
    *,
    patches: int,
    pool: ThreadPoolExecutor,
) -> Visibility:
    """Pack bits direction by direction; ``number`` tells each place in the compass."""
    words = words_at(bits.key, bits.bits)
    direction = number[words.direction]
    order = np.argsort(direction, kind="stable")
    cuts = np.searchsorted(direction[order], np.arange(len(number) + 1))
    place = facets.bit_start[words.facet] // 64 + words.word

    def pack(k: int) -> bytes:
        own = order[cuts[k] : cuts[k + 1]]
        row = np.zeros(len(facets.mask), np.uint64)
        row[place[own]] = words.bits[own]
        return pack_bits(row)

    texts = tuple(pool.map(pack, range(len(number))))
    return Visibility(texts[:patches], texts[patches:], len(facets.mask))


def crown_classes(transmittance: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return what every set of layers lets through, equal ones only once.

    Parameters
    ----------
    transmittance : (l, 12) float
        Of the layers.

    Returns
    -------
    shares : (c, 12) float
        Product of the layers of each class.
    number : (2 ** l,) int
        Class of each set of layers, bit by bit; of the empty set -1.
    """
    count = len(transmittance)
    sets = np.arange(1, 2**count)
    inside = (sets[:, None] >> np.arange(count)) & 1
    product = np.where(inside[..., None] > 0, transmittance, 1.0).prod(axis=1)
    shares, number = np.unique(product, axis=0, return_inverse=True)
    return shares, np.r_[-1, number.reshape(-1)].astype(np.int64)


def split_words(
    visible: Bits, layers: Bits, number: NDArray[np.int64], *, classes: int
) -> Bits:
    """Tell apart the cells that look through crowns.

    Parameters
    ----------
    visible : (m,) uint64
        Words of cells that see a direction.
    layers : (l, m) uint64
        For each layer the cells that are behind its crowns.
    number : (2 ** l,) int
        Class of each set of layers: `crown_classes`.
    classes : int
        How many there are.

    Returns
    -------
    (classes, m) uint64
        1 = the cell does not see the direction, or not through the crowns of the class.
    """
    others = np.full((classes, len(visible)), FULL, np.uint64)
    split_by_crowns(
        np.ascontiguousarray(visible), np.ascontiguousarray(layers), number, others
    )
    return others


def sum_crowns(
    facets: Facets,
    bits: CrownBits,
    visibility: Visibility,
    light: Light,
    path: SunPath,
    sky: SkyPatches,
    *,
    pool: ThreadPoolExecutor,
    workers: int,
    progress: Progress,
) -> tuple[CrownShade, Held]:
    """Sum the light that is seen through crowns.

    Parameters
    ----------
    facets : Facets
        Roofs and walls.
    bits : CrownBits
        Which sensors look at crowns.
    visibility : Visibility
        Which sensors' view is blocked.
    light, path, sky : Light, SunPath, SkyPatches
        The year's light.
    pool, workers, progress
        As in `meshes.solar.gather.sum_sky`.

    Returns
    -------
    CrownShade, Held
    """
    near = facets.take(bits.facets)
    words = facets.words_of(bits.facets)
    shares, number = crown_classes(bits.transmittance)
    shade_of, radiance = 1.0 - shares, light.monthly_radiance()
    weights = facing_weights(near.normal, sky)
    views = [no_views(near, len(sky.direction)) for _ in shares]
    beams = [no_beam(near, path) for _ in shares]
    held_sky = shade_of @ radiance.T
    held_sun = [
        follow_beam(replace(light, beam=light.beam * share[light.month]), path)
        for share in shade_of
    ]

    def split(
        texts: Sequence[bytes], layers: list[tuple[bytes, ...]]
    ) -> Iterator[tuple[int, int, Bits]]:
        """Yield first direction, class and the cells outside of it, block by block."""
        for first in range(0, len(texts), BLOCK):
            some = slice(first, first + BLOCK)
            blocked = np.stack(
                [unpack_bits(text, visibility.words)[words] for text in texts[some]]
            )
            behind = np.stack(
                [
                    np.concatenate([unpack_bits(text, len(words)) for text in layer[some]])
                    for layer in layers
                ]
            )
            visible = (near.mask & ~blocked).reshape(-1)
            others = split_words(visible, behind, number, classes=len(shares))
            for c, cells in enumerate(others.reshape(len(shares), *blocked.shape)):
                if (cells != FULL).any():
                    yield first, c, cells

    for first, c, cells in split(visibility.sky, [each.sky for each in bits.layers]):
        progress("trees", 0.3 * first / len(visibility.sky))
        some = slice(first, first + len(cells))
        add_sky(
            views[c],
            near,
            cells,
            weights[:, some],
            held_sky[c, some],
            first=first,
            pool=pool,
            workers=workers,
        )
    for first, c, cells in split(visibility.sun, [each.sun for each in bits.layers]):
        progress("trees", 0.3 + 0.7 * first / len(visibility.sun))
        add_sun(beams[c], near, cells, held_sun[c], first=first, pool=pool, workers=workers)
    progress("trees", 1.0)
    parts = np.zeros((len(near), 2, 12))
    diffuse, direct = (np.zeros(len(near.mask) * 64, np.float32) for _ in range(2))
    for view, beam, share in zip(views, beams, shade_of, strict=True):
        parts[:, 0] += beam.facet
        parts[:, 1] += view.facet.astype(np.float64) @ (radiance * share)
        direct += beam.direct
        diffuse += view.diffuse
    patch_view = np.stack([view.facet for view in views])
    sun_share = np.stack([beam.share for beam in beams])
    seen = patch_view.any(axis=(0, 2)) | sun_share.any(axis=(0, 2))
    shade = CrownShade(
        bits.facets[seen], shares, patch_view[:, seen], sun_share[:, seen], bits
    )
    bit = near.sensor_bit
    sensors = facets.sensors_of(bits.facets)
    return shade, Held(sensors, direct[bit], diffuse[bit], bits.facets, parts)
