"""Read blocks of one segment, each checked before its first use."""

import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gis.errors import SourceError
from twin.store.arrow import array_of
from twin.store.columns import Columns, joined
from twin.store.faults import file_told
from twin.store.footers import cut_footer
from twin.store.segments import MONTH, Blocks, Segment, footer_start

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

NUMBERS = {"point": "point_number", "source": "source_number"}
"""Names in the file of columns that hold numbers here."""

FEW = 6
"""Blocks that are read one by one, without taking the whole footer apart."""

KEPT = 256
"""Blocks of a file whose part of the footer is kept ready, 20 kB each."""


class SegmentReader:
    """Read blocks of one segment.

    Parameters
    ----------
    folder : Path
        History folder.
    segment : Segment
    blocks : Blocks

    Raises
    ------
    SourceError
        If the file is missing or damaged.
    """

    def __init__(self, folder: Path, segment: Segment, blocks: Blocks) -> None:
        import pyarrow as pa

        self._path = folder / segment.file
        self._blocks = blocks
        self._checked: set[int] = set()
        self._groups: dict[int, pq.ParquetFile] = {}
        self._all: pq.ParquetFile | None = None
        with file_told(self._path):
            self._raw: pa.NativeFile = pa.OSFile(os.fspath(self._path))
            try:
                self._footer = self._checked_footer(segment)
            except BaseException:
                self._raw.close()
                raise

    def _checked_footer(self, segment: Segment) -> bytes:
        """Return the footer; refuse a file of another size or footer than was written."""
        size = self._raw.size()
        if size != segment.bytes:
            self._refuse()
        begin = footer_start(self._raw.read_at(8, size - 8), size)
        footer: bytes = self._raw.read_at(size - begin, begin)
        if zlib.crc32(footer) != segment.footer:
            self._refuse()
        return footer[:-8]

    def read(self, places: list[int], names: list[str]) -> Columns:
        """Return columns of some blocks, one block after another."""
        with file_told(self._path):
            for place in places:
                if place not in self._checked:
                    self._check(place)
            if len(places) <= FEW and self._blocks.telling[places].all():
                return joined([self._one(place, names) for place in places], names)
            if self._all is None:
                import pyarrow.parquet as pq

                self._all = pq.ParquetFile(self._path)
            inside = [NUMBERS.get(name, name) for name in names]
            return _arrays(self._all.read_row_groups(places, columns=inside), names)

    def close(self) -> None:
        """Let go of the file."""
        self._groups.clear()
        if self._all is not None:
            self._all.close()
        self._raw.close()

    def _check(self, place: int) -> None:
        """Refuse a block that is not what was written."""
        blocks = self._blocks
        held = self._raw.read_at(int(blocks.length[place]), int(blocks.start[place]))
        if zlib.crc32(held) != blocks.checksum[place]:
            self._refuse()
        self._checked.add(place)

    def _one(self, place: int, names: list[str]) -> Columns:
        """Return columns of one block."""
        blocks = self._blocks
        rank = int(blocks.first_rank[place])
        alone = rank == blocks.last_rank[place]
        # The block of a single series: its number need not be read.
        read = [name for name in names if not (alone and name == "point")]
        columns: Columns = {}
        if read:
            inside = [NUMBERS.get(name, name) for name in read]
            # Waking other threads takes longer than reading so little.
            table = self._group(place).read_row_groups(
                [0], columns=inside, use_threads=False
            )
            columns = _arrays(table, read)
        if alone and "point" in names:
            number = np.int64(rank & ((1 << MONTH) - 1))
            columns["point"] = np.broadcast_to(number, int(blocks.rows[place]))
        return columns

    def _group(self, place: int) -> "pq.ParquetFile":
        """Return a block as if it were alone in the file."""
        found = self._groups.get(place)
        if found is None:
            import pyarrow as pa
            import pyarrow.parquet as pq

            told, telling = self._blocks.told, self._blocks.telling
            cut = cut_footer(
                self._footer,
                int(told[0]),
                int(told[-1] + telling[-1]),
                len(told),
                (int(told[place]), int(telling[place])),
            )
            if len(self._groups) >= KEPT:
                self._groups.clear()
            metadata = pq.read_metadata(pa.BufferReader(cut))
            found = pq.ParquetFile(self._raw, metadata=metadata)
            self._groups[place] = found
        return found

    def _refuse(self) -> None:
        """Tell that the file is not what was written."""
        message = (
            f"{self._path} must be as it was written, but is damaged; put it back from a "
            "copy of the folder: all other files of it are still good"
        )
        raise SourceError(message)


def _arrays(table: "pa.Table", names: list[str]) -> Columns:
    """Return the columns of a table under the names they have here."""
    return {name: array_of(table.column(NUMBERS.get(name, name))) for name in names}
