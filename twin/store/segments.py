"""Write history as Parquet segments, clustered by building, series and time.

A segment is a file that is never changed. Its rows are sorted by building, point, time
and arrival; a block of it (a row group) holds whole buildings where they are small. Each
block's bytes and the footer have a checksum in the manifest, for a flipped byte in history
must be told and not read.
"""

import os
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.errors import SourceError
from twin.store.arrow import array_of, arrow_of, named
from twin.store.columns import Columns, IntArray, superseded_by, taken
from twin.store.faults import file_told

if TYPE_CHECKING:
    import pyarrow as pa

SMALL = 16_384
"""Rows that a block has before a further building begins another one."""

LARGE = 131_072
"""Rows of a block at most."""

NUMBERS = {"point": "point_number", "source": "source_number"}
"""Names in the file of columns that hold numbers here."""

SHORT = ("quality", "revision", "point_number", "source_number")
"""Columns of 32 bits in the file."""

MONTH = 32
"""Bits of a point's number within its rank."""

Names = dict[int, str]


@dataclass(frozen=True)
class Block:
    """A row group: ranks of its first and last row, and its bytes in the file."""

    first_rank: int
    last_rank: int
    rows: int
    start: int
    length: int
    checksum: int


@dataclass(frozen=True)
class Segment:
    """One file of history and what is in it.

    Attributes
    ----------
    file : str
        Name in the history folder.
    month : int
        Months since January 1970, UTC.
    rows, revised, superseded : int
        Statements; those that revise another; those that do not stand within the file.
    first, last, first_sequence, last_sequence, first_known, last_known : int
        Ranges.
    bytes, footer : int
        Size of the file and checksum of its footer.
    number : int
        In the manifest.
    """

    file: str
    month: int
    rows: int
    revised: int
    superseded: int
    first: int
    last: int
    first_sequence: int
    last_sequence: int
    first_known: int
    last_known: int
    bytes: int
    footer: int
    number: int = 0


def month_of(time: IntArray) -> IntArray:
    """Return months since January 1970, UTC.

    Examples
    --------
    >>> month_of(np.array([-1, 0, 31 * 86_400_000_000])).tolist()
    [-1, 0, 1]
    """
    month: IntArray = time.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    return month


class SegmentWriter:
    """Write a segment part by part.

    Parameters
    ----------
    folder : Path
        History folder.
    points, sources : dict of int to str
        Names, which the file holds besides the numbers: it explains itself.

    Notes
    -----
    Parts must come in order of rank; rows of one rank must come together.
    """

    def __init__(self, folder: Path, points: Names, sources: Names) -> None:
        import pyarrow.parquet as pq

        self._folder, self._points, self._sources = folder, points, sources
        self._file = f"{uuid.uuid4().hex}.parquet"
        self._temporary = folder / f".{self._file}.part"
        self._blocks: list[tuple[int, int, int]] = []
        self._told: list[tuple[int, ...]] = []
        with file_told(self._temporary, writing=True):
            folder.mkdir(exist_ok=True)
            delta = ("time", "sequence", "known")
            self._writer = pq.ParquetWriter(
                self._temporary,
                segment_schema(),
                compression="zstd",
                compression_level=1,
                use_dictionary=[
                    name for name in segment_schema().names if name not in (*delta, "value")
                ],
                column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
                write_statistics=False,
            )

    def write(self, columns: Columns, rank: IntArray) -> None:
        """Add statements; what stands among them is found out here.

        Parameters
        ----------
        columns : Columns
            Statements in any order.
        rank : (n,) int
            Building and point of each row (`Manifest.ranks`).
        """
        # Ranks are sparse; their order is all that sorting needs.
        ranks, group = np.unique(rank, return_inverse=True)
        order, superseded = superseded_by(columns, group)
        columns = taken(columns, order)
        columns["superseded"] = superseded
        group = group[order]
        with file_told(self._temporary, writing=True):
            for start, end in _cuts(ranks[group]):
                part = taken(columns, np.arange(start, end))
                self._writer.write_table(self._table(part), row_group_size=end - start)
                first, last = int(ranks[group[start]]), int(ranks[group[end - 1]])
                self._blocks.append((first, last, end - start))
        stands = superseded == np.iinfo(np.int64).max
        known, sequence, time = columns["known"], columns["sequence"], columns["time"]
        self._told.append(
            (
                len(time),
                int((columns["revision"] > 0).sum()),
                int((~stands).sum()),
                int(time.min()),
                int(time.max()),
                int(sequence.min()),
                int(sequence.max()),
                int(known.min()),
                int(known.max()),
            )
        )

    def finish(self) -> tuple[Segment, list[Block]]:
        """Give the file its name; when this returns, it is on the disk."""
        path = self._folder / self._file
        with file_told(path, writing=True):
            self._writer.close()
            with self._temporary.open("rb+") as file:
                os.fsync(file.fileno())
            self._temporary.rename(path)
            sync_folder(self._folder)
        blocks, footer = self._measured(path)
        told = np.array(self._told)
        rows, revised, superseded = told[:, :3].sum(axis=0).tolist()
        lows, highs = told[:, 3::2].min(axis=0).tolist(), told[:, 4::2].max(axis=0).tolist()
        segment = Segment(
            file=self._file,
            month=int(month_of(told[:1, 3])[0]),
            rows=rows,
            revised=revised,
            superseded=superseded,
            first=lows[0],
            last=highs[0],
            first_sequence=lows[1],
            last_sequence=highs[1],
            first_known=lows[2],
            last_known=highs[2],
            bytes=path.stat().st_size,
            footer=footer,
        )
        return segment, blocks

    def give_up(self) -> None:
        """Leave nothing behind."""
        self._writer.close()
        self._temporary.unlink(missing_ok=True)

    def _measured(self, path: Path) -> tuple[list[Block], int]:
        """Return the blocks with their places in the file, and the footer's checksum."""
        import pyarrow.parquet as pq

        with path.open("rb") as file:
            content = memoryview(file.read())
        metadata = pq.read_metadata(path)
        blocks = []
        for place, (first, last, rows) in enumerate(self._blocks):
            start, length = _extent(metadata.row_group(place))
            checksum = zlib.crc32(content[start : start + length])
            blocks.append(Block(first, last, rows, start, length, checksum))
        return blocks, zlib.crc32(
            content[_footer_start(bytes(content[-8:]), len(content)) :]
        )

    def _table(self, columns: Columns) -> "pa.Table":
        """Return columns as they lie in the file."""
        import pyarrow as pa

        held: dict[str, pa.Array] = {
            "point": named(columns["point"], self._points),
            "source": named(columns["source"], self._sources),
        }
        for name in segment_schema().names:
            if name not in held:
                inside = name.removesuffix("_number")
                held[name] = arrow_of(columns[inside], small=name in SHORT)
        return pa.table(held, schema=segment_schema())


def segment_schema() -> "pa.Schema":
    """Return the columns of a segment."""
    import pyarrow as pa

    text = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [
            ("point", text),
            ("time", pa.int64()),
            ("value", pa.float64()),
            ("source", text),
            ("quality", pa.int32()),
            ("version", pa.int64()),
            ("sequence", pa.int64()),
            ("known", pa.int64()),
            ("revision", pa.int32()),
            ("superseded", pa.int64()),
            ("point_number", pa.int32()),
            ("source_number", pa.int32()),
        ]
    )


class SegmentReader:
    """Read blocks of one segment, each checked before its first use.

    Parameters
    ----------
    folder : Path
        History folder.
    segment : Segment
    blocks : list of Block

    Raises
    ------
    SourceError
        If the file is missing or damaged.
    """

    def __init__(self, folder: Path, segment: Segment, blocks: list[Block]) -> None:
        import pyarrow.parquet as pq

        self._path = folder / segment.file
        self._blocks = blocks
        self._checked: set[int] = set()
        with file_told(self._path):
            self._raw = self._path.open("rb")
            try:
                self._check_footer(segment)
                self._file: pq.ParquetFile = pq.ParquetFile(self._path)
            except BaseException:
                self._raw.close()
                raise

    def _check_footer(self, segment: Segment) -> None:
        """Refuse a file of another size or footer than was written."""
        size = self._raw.seek(0, os.SEEK_END)
        self._raw.seek(max(0, size - 8))
        self._raw.seek(_footer_start(self._raw.read(8), size))
        if size != segment.bytes or zlib.crc32(self._raw.read()) != segment.footer:
            self._refuse()

    def read(self, places: list[int], names: list[str]) -> Columns:
        """Return columns of some blocks."""
        with file_told(self._path):
            for place in places:
                if place not in self._checked:
                    block = self._blocks[place]
                    self._raw.seek(block.start)
                    if zlib.crc32(self._raw.read(block.length)) != block.checksum:
                        self._refuse()
                    self._checked.add(place)
            inside = [NUMBERS.get(name, name) for name in names]
            table = self._file.read_row_groups(places, columns=inside)
            return {
                name: array_of(table.column(held))
                for name, held in zip(names, inside, strict=True)
            }

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        self._raw.close()

    def _refuse(self) -> None:
        """Tell that the file is not what was written."""
        message = (
            f"{self._path} must be as it was written, but is damaged; put it back from a "
            "copy of the folder: all other files of it are still good"
        )
        raise SourceError(message)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cuts(rank: IntArray) -> list[tuple[int, int]]:
    """Return where blocks begin and end: at buildings, unless those are large."""
    building = rank >> MONTH
    edges = [*(np.flatnonzero(building[1:] != building[:-1]) + 1).tolist(), len(rank)]
    cuts, start = [], 0
    for edge in edges:
        while edge - start > LARGE:
            cuts.append((start, start + LARGE))
            start += LARGE
        if edge - start >= SMALL or (edge == len(rank) and edge > start):
            cuts.append((start, edge))
            start = edge
    return cuts


def _extent(group: Any) -> tuple[int, int]:  # noqa: ANN401 (pyarrow has no types)
    """Return where a row group begins and how long it is [bytes]."""
    start = end = None
    for k in range(group.num_columns):
        column = group.column(k)
        begin = column.data_page_offset
        if column.has_dictionary_page and column.dictionary_page_offset:
            begin = min(begin, column.dictionary_page_offset)
        stop = begin + column.total_compressed_size
        start = begin if start is None else min(start, begin)
        end = stop if end is None else max(end, stop)
    return int(start or 0), int((end or 0) - (start or 0))


def _footer_start(tail: bytes, size: int) -> int:
    """Return where the footer begins, from the file's last eight bytes."""
    length = int.from_bytes(tail[:4], "little")
    return max(0, size - 8 - length)
