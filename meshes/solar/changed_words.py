"""Hold the few words of bits that matter, without all the others.

A word is 64 cells of one facet towards one direction. What changes with a new building
touches few of them, and so do the crowns of trees.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meshes.polygons import IntArray
from meshes.solar.visibility import Bits

FACET, DIRECTION = 40, 20
"""Places of facet and direction in a key; the lowest 20 bits count the facet's words."""

LOW = (1 << 20) - 1

FAN = 32
"""Neighbouring directions that are cast again together."""


@dataclass(frozen=True)
class Words:
    """Words of bits that change, in order of facet, direction and word.

    Attributes
    ----------
    facet : (m,) int
        Whose.
    direction : (m,) int
        Place of the direction in the compass.
    word : (m,) int
        Which of the facet's words.
    bits : (m,) uint64
        The cells that change.
    """

    facet: IntArray
    direction: IntArray
    word: IntArray
    bits: Bits

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self.facet)

    def take(self, which: IntArray) -> "Words":
        """Return some of them."""
        return Words(
            self.facet[which], self.direction[which], self.word[which], self.bits[which]
        )

    def holding(self, bits: Bits) -> "Words":
        """Return the same words with other bits, (m,) uint64; empty ones are left out."""
        which = np.flatnonzero(bits)
        found = self.take(which)
        return Words(found.facet, found.direction, found.word, bits[which])

    def fans(self) -> list[IntArray]:
        """Return the numbers of the words in each `FAN` of neighbouring directions."""
        order = np.argsort(self.direction, kind="stable")
        cuts = np.flatnonzero(np.diff(self.direction[order] // FAN)) + 1
        return np.split(order, cuts) if len(order) else []

    @property
    def key(self) -> IntArray:
        """(m,) int: their places in a row, ascending."""
        return keys_of(self.facet, self.direction, self.word)


@dataclass(frozen=True)
class SparseBits:
    """Bits of all facets and directions, of which most are 0.

    Attributes
    ----------
    key : (m,) int
        Place of each word that is not 0, ascending: `keys_of`.
    bits : (m,) uint64
        The words.
    """

    key: IntArray
    bits: Bits

    def __len__(self) -> int:
        """Return the number of words that are not 0."""
        return len(self.key)

    def at(self, key: IntArray) -> Bits:
        """Return the words at some places, (k,) uint64."""
        found: Bits = np.zeros(len(key), np.uint64)
        if len(self):
            place = np.minimum(np.searchsorted(self.key, key), len(self) - 1)
            here = self.key[place] == key
            found[here] = self.bits[place[here]]
        return found

    def turned(self, bits: "SparseBits") -> "SparseBits":
        """Return the bits with some turned over."""
        return _folded([self, bits])

    def take(self, facets: IntArray) -> "SparseBits":
        """Return the bits of some facets, ascending, numbered anew."""
        own = self.key >> FACET
        place = np.searchsorted(facets, own)
        inside = np.flatnonzero(place < len(facets))
        inside = inside[facets[place[inside]] == own[inside]]
        rest = self.key[inside] & ((1 << FACET) - 1)
        return SparseBits((place[inside] << FACET) | rest, self.bits[inside])

    def after(self, count: int) -> "SparseBits":
        """Return the bits with ``count`` other facets before their own."""
        return SparseBits(self.key + (count << FACET), self.bits)

    def __add__(self, other: "SparseBits") -> "SparseBits":
        """Return the bits of both, whose places are apart."""
        return _folded([self, other])


def no_bits() -> SparseBits:
    """Return bits that are all 0."""
    return SparseBits(np.empty(0, np.int64), np.empty(0, np.uint64))


def keys_of(facet: IntArray, direction: IntArray, word: IntArray) -> IntArray:
    """Return the places of words in a row, by facet, then direction, then word, (m,)."""
    key: IntArray = (
        (np.asarray(facet, np.int64) << FACET)
        | (np.asarray(direction, np.int64) << DIRECTION)
        | word
    )
    return key


def words_at(key: IntArray, bits: Bits) -> Words:
    """Return words by their keys."""
    return Words(key >> FACET, (key >> DIRECTION) & LOW, key & LOW, bits)


def _folded(each: Sequence[SparseBits]) -> SparseBits:
    """Lay bits over one another: what is in two of them is in none."""
    key = np.concatenate([one.key for one in each])
    bits = np.concatenate([one.bits for one in each])
    if not len(key):
        return no_bits()
    order = np.argsort(key, kind="stable")
    key, bits = key[order], bits[order]
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    bits = np.bitwise_xor.reduceat(bits, first)
    left = np.flatnonzero(bits)
    return SparseBits(key[first][left], bits[left])
