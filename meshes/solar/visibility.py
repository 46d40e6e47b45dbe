"""Keep which sensors every direction of sky and sun cannot reach, as packed bits.

Neighbouring sensors mostly share their fate, so a direction's bits shrink to a few per
cent of their size: the whole embedded district needs some ten megabytes for 2,700
directions of 550,000 sensors.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

CODEC = "zstd"

Bits = NDArray[np.uint64]


@dataclass(frozen=True)
class Visibility:
    """Bits of all directions, one packed text a direction.

    Attributes
    ----------
    sky : tuple of bytes
        For each sky patch the blocked cells, packed by `pack_bits`: 1 = blocked or turned
        away, 0 = seen or no sensor. The bits are laid out as `meshes.facets.Facets` says.
    sun : tuple of bytes
        The same for each bin of the sun path.
    words : int
        Length of a direction's bits, 64 cells a word.
    """

    sky: tuple[bytes, ...]
    sun: tuple[bytes, ...]
    words: int

    def unpack(self) -> tuple[Bits, Bits]:
        """Return the bits of sky and sun, (577, words) and (b, words) uint64.

        An eighth of a byte for each sensor and direction: 200 MB for the embedded
        district.
        """
        sky, sun = (
            np.empty((len(packed), self.words), np.uint64)
            for packed in (self.sky, self.sun)
        )
        for bits, packed in ((sky, self.sky), (sun, self.sun)):
            for row, text in zip(bits, packed, strict=True):
                row[:] = unpack_bits(text, self.words)
        return sky, sun


def pack_bits(bits: Bits) -> bytes:
    """Compress the bits of one direction; little-endian words, zstd."""
    packed: bytes = pa.Codec(CODEC, compression_level=1).compress(
        bits.astype("<u8", copy=False).tobytes(), asbytes=True
    )
    return packed


def unpack_bits(packed: bytes, words: int) -> Bits:
    """Return the bits of one direction, (words,) uint64, read-only."""
    text = pa.Codec(CODEC).decompress(packed, decompressed_size=words * 8)
    return np.frombuffer(text, "<u8").astype(np.uint64, copy=False)
