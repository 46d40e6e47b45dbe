"""Hold what crowns of trees keep from a lit scene, ready for questions and edits."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray
from meshes.solar.changed_words import DIRECTION, SparseBits, keys_of, no_bits
from meshes.solar.crown_shade import CrownBits, crown_classes, split_words
from meshes.solar.gather import BeamCourse
from meshes.solar.visibility import Bits, unpack_bits


@dataclass(frozen=True)
class LitCrowns:
    """Layers of crowns before the facets of a scene, and the light that they hold back.

    Attributes
    ----------
    layers : tuple of SparseBits
        For each layer of the canopy the cells that face a direction and are behind a
        crown.
    transmittance : (l, 12) float
        Of the layers by month.
    shares : (c, 12) float
        What each class of layers lets through: `meshes.solar.crown_shade.crown_classes`.
    number : (2 ** l,) int
        Class of each set of layers.
    """

    layers: tuple[SparseBits, ...]
    transmittance: FloatArray
    shares: FloatArray
    number: NDArray[np.int64]

    def classes(self, key: IntArray, visible: Bits) -> Bits:
        """Return which cells look through the crowns of each class, (c, m) uint64.

        Parameters
        ----------
        key : (m,) int
            Places of words: `meshes.solar.changed_words.keys_of`.
        visible : (m,) uint64
            Their cells that see the direction, but for crowns.
        """
        behind = np.stack([layer.at(key) for layer in self.layers])
        others = split_words(visible, behind, self.number, classes=len(self.shares))
        return ~others

    def take(self, facets: IntArray) -> "LitCrowns":
        """Return the crowns before some facets, ascending."""
        return replace(self, layers=tuple(layer.take(facets) for layer in self.layers))

    def joined(self, other: "LitCrowns", count: int) -> "LitCrowns":
        """Return the same crowns before further facets, behind ``count`` of their own."""
        both = zip(self.layers, other.layers, strict=True)
        return replace(self, layers=tuple(a + b.after(count) for a, b in both))


def lit_crowns(layers: Iterable[SparseBits], transmittance: FloatArray) -> LitCrowns:
    """Put layers of crowns together; ``transmittance`` is theirs by month, (l, 12)."""
    return LitCrowns(tuple(layers), transmittance, *crown_classes(transmittance))


def unpack_crowns(bits: CrownBits, facets: Facets, order: IntArray) -> LitCrowns:
    """Look up where crowns stand before the facets of a scene.

    Parameters
    ----------
    bits : CrownBits
        Packed bits.
    facets : Facets
        All facets of the scene.
    order : (d,) int
        The directions in the order of the scene's compass: patches of the sky, numbered
        first, and bins of the sun.
    """
    lengths = facets.words_per_facet[bits.facets]
    owner = np.repeat(bits.facets, lengths)
    ends = np.cumsum(lengths)
    word = np.arange(lengths.sum()) - np.repeat(ends - lengths, lengths)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    nowhere = np.zeros(len(owner), np.int64)
    base = keys_of(owner, nowhere, word)
    layers = []
    for layer in bits.layers:
        keys, found = [], []
        for number, text in enumerate((*layer.sky, *layer.sun)):
            row = unpack_bits(text, len(owner))
            some = np.flatnonzero(row)
            if len(some):
                keys.append(base[some] | (int(place[number]) << DIRECTION))
                found.append(row[some])
        if not keys:
            layers.append(no_bits())
            continue
        key, behind = np.concatenate(keys), np.concatenate(found)
        ascending = np.argsort(key, kind="stable")
        layers.append(SparseBits(key[ascending], behind[ascending]))
    return lit_crowns(layers, bits.transmittance)


def held_beam(beam: BeamCourse, share: FloatArray) -> BeamCourse:
    """Return the beam that crowns of a class hold back, by their ``share`` of (12,)."""
    return replace(beam, energy=beam.energy * (1.0 - share)[beam.month])
