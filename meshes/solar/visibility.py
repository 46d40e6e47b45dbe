"""Keep which sensors every direction of sky and sun cannot reach.

Packed, direction by direction: neighbouring sensors mostly share their fate, so a
direction's bits shrink to a few per cent of their size; the whole embedded district needs
some ten megabytes for 2,700 directions of 550,000 sensors. Unpacked, facet by facet: for
questions that touch few facets, from memory or from a file that is mapped into it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.errors import SourceError
from gis.files import atomic_path
from meshes.facets import Facets
from meshes.polygons import IntArray
from meshes.solar.visibility_kernel import by_facet

CODEC = "zstd"

BLOCK = 64
"""Directions unpacked at a time."""

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

    def save(self, path: Path) -> None:
        """Write the packed bits to a file of their own; raises OutputError if that fails.

        An Arrow file of two columns, ``set`` (sky or sun) and ``blocked``.
        """
        table = pa.table(
            {
                "set": ["sky"] * len(self.sky) + ["sun"] * len(self.sun),
                "blocked": pa.array([*self.sky, *self.sun], pa.binary()),
            }
        ).replace_schema_metadata({"words": str(self.words)})
        with (
            atomic_path(path) as temporary,
            pa.OSFile(str(temporary), "wb") as file,
            pa.ipc.new_file(file, table.schema) as writer,
        ):
            writer.write_table(table)

    @classmethod
    def load(cls, path: Path) -> "Visibility":
        """Read what `save` wrote; raises SourceError if that fails."""
        try:
            with pa.memory_map(str(path)) as file:
                table = pa.ipc.open_file(file).read_all()
                words = int(table.schema.metadata[b"words"])
                names = table["set"].to_pylist()
                blocked = table["blocked"].to_pylist()
            if blocked:
                unpack_bits(blocked[0], words)
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
            message = f"{path} must hold saved visibility, but: {error}; save it again"
            raise SourceError(message) from error
        count = names.count("sky")
        return cls(tuple(blocked[:count]), tuple(blocked[count:]), words)


@dataclass(frozen=True)
class FacetBits:
    """Bits of all directions, unpacked, facet by facet.

    Attributes
    ----------
    pieces : tuple of (m,) uint64
        Words; in memory or mapped from a file, never changed.
    piece : (f,) int
        The piece that holds each facet.
    start : (f,) int
        Its first word there. The facet's words of the first direction come first.
    words : (f,) int
        Words of each facet for one direction.
    directions : int
        Number of directions.
    """

    pieces: tuple[Bits, ...]
    piece: IntArray
    start: IntArray
    words: IntArray
    directions: int

    def __len__(self) -> int:
        """Return the number of facets."""
        return len(self.piece)

    def of(self, facet: int) -> Bits:
        """Return the blocked cells of one facet, (directions, words) uint64; a view."""
        first, words = int(self.start[facet]), int(self.words[facet])
        block = self.pieces[self.piece[facet]][first : first + self.directions * words]
        bits: Bits = block.reshape(self.directions, words)
        return bits

    def take(self, facets: IntArray) -> "FacetBits":
        """Return some facets; nothing is copied."""
        return FacetBits(
            self.pieces,
            self.piece[facets],
            self.start[facets],
            self.words[facets],
            self.directions,
        )

    def __add__(self, other: "FacetBits") -> "FacetBits":
        """Return the facets of both; nothing is copied."""
        return FacetBits(
            self.pieces + other.pieces,
            np.r_[self.piece, other.piece + len(self.pieces)],
            np.r_[self.start, other.start],
            np.r_[self.words, other.words],
            self.directions,
        )


def unpack_by_facet(
    visibility: Visibility, facets: Facets, order: IntArray, *, path: Path | None = None
) -> FacetBits:
    """Unpack bits facet by facet.

    Parameters
    ----------
    visibility : Visibility
        Packed bits.
    facets : Facets
        Whose they are.
    order : (d,) int
        The directions in the order in which they are wanted: patches of the sky, after
        them bins of the sun.
    path : Path, optional
        A file to write them to, from which they are then mapped into memory; whole or not
        there at all, whoever else writes it. By default they stay in memory.

    Returns
    -------
    FacetBits
        An eighth of a byte for each cell and direction.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    found = _layout(facets, len(order))
    size = int(found.words.sum()) * len(order)
    if path is None:
        into = np.empty(size, np.uint64)
        _unpack_into(visibility, facets, order, found, into)
        return _filled(found, into)
    with atomic_path(path) as temporary:
        mapped = np.lib.format.open_memmap(
            temporary, mode="w+", dtype=np.uint64, shape=(size,)
        )
        _unpack_into(visibility, facets, order, found, mapped)
        mapped.flush()
        del mapped
    return map_by_facet(path, facets, len(order))


def facet_bits(bits: Bits, facets: Facets) -> FacetBits:
    """Lay bits at hand, (d, words) uint64, out facet by facet."""
    found = _layout(facets, len(bits))
    into = np.empty(int(found.words.sum()) * len(bits), np.uint64)
    by_facet(bits, 0, facets.bit_start // 64, found.words, found.start, into)
    return _filled(found, into)


def map_by_facet(path: Path, facets: Facets, directions: int) -> FacetBits:
    """Map a file of unpacked bits into memory.

    Parameters
    ----------
    path : Path
        What `unpack_by_facet` wrote.
    facets : Facets
        Whose bits they are.
    directions : int
        Number of directions.

    Raises
    ------
    SourceError
        If the file cannot be read or is of another size.
    """
    found = _layout(facets, directions)
    size = int(found.words.sum()) * directions
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        message = f"{path} must hold the bits of sensors, but: {error}; delete it"
        raise SourceError(message) from error
    if mapped.dtype != np.uint64 or mapped.shape != (size,):
        message = (
            f"{path} must hold {size} words of uint64, but holds {mapped.shape} of "
            f"{mapped.dtype}; delete it"
        )
        raise SourceError(message)
    return _filled(found, np.asarray(mapped))


def _layout(facets: Facets, directions: int) -> FacetBits:
    """Place the facets one after the other in a piece that is still to come."""
    words = facets.words_per_facet
    start = (np.cumsum(words) - words) * directions
    return FacetBits((), np.zeros(len(words), np.int64), start, words, directions)


def _filled(layout: FacetBits, piece: Bits) -> FacetBits:
    """Return the layout with its piece."""
    return FacetBits((piece,), layout.piece, layout.start, layout.words, layout.directions)


def _unpack_into(
    visibility: Visibility, facets: Facets, order: IntArray, layout: FacetBits, into: Bits
) -> None:
    """Unpack all directions, a block at a time."""
    texts = [*visibility.sky, *visibility.sun]
    first_word = facets.bit_start // 64
    rows = np.empty((BLOCK, visibility.words), np.uint64)
    for first in range(0, len(order), BLOCK):
        numbers = order[first : first + BLOCK].tolist()
        for row, number in zip(rows, numbers, strict=False):
            row[:] = unpack_bits(texts[number], visibility.words)
        by_facet(rows[: len(numbers)], first, first_word, layout.words, layout.start, into)


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
