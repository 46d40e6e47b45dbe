"""Write history as Parquet segments, clustered by building, series and time.

A segment is a file that is never changed. Its rows are sorted by building, point, time
and arrival; a block of it (a row group) holds one long series, or several short ones of a
building, or small buildings. Each block's bytes and the footer have a checksum in the
manifest, for a flipped byte in history must be told and not read.
"""

import os
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from twin.store.arrow import arrow_of, named
from twin.store.columns import Columns, IntArray, superseded_by, taken
from twin.store.faults import file_told
from twin.store.footers import row_group_spans

if TYPE_CHECKING:
    import pyarrow as pa

SMALL = 16_384
"""Rows that a block has before a further building begins another one. A series of as many
has blocks of its own: who asks for it alone reads nothing else."""

LEAST = 1_024
"""The same of small segments, as of corrections: who asks for a series of a year reads a
block of each."""

BLOCKS = 32
"""Blocks that a small segment has, about."""

LARGE = 131_072
"""Rows of a block at most."""

DICTIONARY = 65_536
"""Size at which values are written as they are and no longer by their place among those
that occur [bytes]. Meters round: two decimals by place took two thirds of the room and
were read in two fifths of the time. Where nearly every value is another one, it costs 7 %
of room."""

SHORT = ("quality", "revision", "point_number", "source_number")
"""Columns of 32 bits in the file."""

MONTH = 32
"""Bits of a point's number within its rank."""

Names = dict[int, str]


@dataclass(frozen=True)
class Blocks:
    """The row groups of a segment, in their order.

    Attributes
    ----------
    first_rank, last_rank : (b,) int
        Ranks of the first and last row.
    rows : (b,) int
    start, length, checksum : (b,) int
        Bytes in the file.
    first_sequence, last_sequence : (b,) int
        Ranges.
    told, telling : (b,) int
        Where in the footer a block is told of, and how long [bytes]; 0 where that is not
        known.
    """

    first_rank: IntArray
    last_rank: IntArray
    rows: IntArray
    start: IntArray
    length: IntArray
    checksum: IntArray
    first_sequence: IntArray
    last_sequence: IntArray
    told: IntArray
    telling: IntArray

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> Self:
        """Return blocks from rows of numbers, in the order of the attributes."""
        return cls(*np.array(rows, "<i8").reshape(-1, len(fields(cls))).T)

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Return blocks as `to_bytes` wrote them."""
        return cls(*np.frombuffer(content, "<i8").reshape(len(fields(cls)), -1))

    def to_bytes(self) -> bytes:
        """Return all numbers, attribute after attribute, 64 bits each."""
        return b"".join(
            getattr(self, field.name).astype("<i8").tobytes() for field in fields(self)
        )


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
        self._blocks: list[tuple[int, ...]] = []
        self._told: list[tuple[int, ...]] = []
        with file_told(self._temporary, writing=True):
            make_folder(folder)
            delta = ("time", "sequence", "known")
            self._writer = pq.ParquetWriter(
                self._temporary,
                segment_schema(),
                compression="zstd",
                compression_level=1,
                use_dictionary=[
                    name for name in segment_schema().names if name not in delta
                ],
                dictionary_pagesize_limit=DICTIONARY,
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
                numbers = part["sequence"]
                self._blocks.append(
                    (first, last, end - start, int(numbers.min()), int(numbers.max()))
                )
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

    def finish(self) -> tuple[Segment, Blocks]:
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

    def _measured(self, path: Path) -> tuple[Blocks, int]:
        """Return the blocks with their places in the file, and the footer's checksum."""
        import pyarrow.parquet as pq

        with path.open("rb") as file:
            content = memoryview(file.read())
        metadata = pq.read_metadata(path)
        begin = footer_start(bytes(content[-8:]), len(content))
        spans = row_group_spans(bytes(content[begin:-8]))
        blocks = []
        for place, (first, last, rows, *numbers) in enumerate(self._blocks):
            start, length = _extent(metadata.row_group(place))
            checksum = zlib.crc32(content[start : start + length])
            blocks.append(
                (first, last, rows, start, length, checksum, *numbers, *spans[place])
            )
        return Blocks.of(blocks), zlib.crc32(content[begin:])

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


def make_folder(folder: Path) -> None:
    """Make a folder if it is missing; its name is on the disk when this returns."""
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        sync_folder(folder.parent)


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
    """Return where blocks begin and end: at buildings and long series."""
    edges = [*(np.flatnonzero(rank[1:] != rank[:-1]) + 1).tolist(), len(rank)]
    buildings = (rank[[0, *edges[:-1]]] >> MONTH).tolist() if len(rank) else []
    cuts, start, begin, before = [], 0, 0, -1
    small = min(SMALL, max(LEAST, len(rank) // BLOCKS))
    for edge, building in zip(edges, buildings, strict=True):
        held, more = begin - start, edge - begin
        due = small if building != before else 2 * small
        if held and (held >= due or more >= small or held + more > LARGE):
            cuts.append((start, begin))
            start = begin
        if more >= small:
            while edge - start > LARGE:
                cuts.append((start, start + LARGE))
                start += LARGE
            cuts.append((start, edge))
            start = edge
        begin, before = edge, building
    if start < len(rank):
        cuts.append((start, len(rank)))
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


def footer_start(tail: bytes, size: int) -> int:
    """Return where the footer begins, from the file's last eight bytes."""
    length = int.from_bytes(tail[:4], "little")
    return max(0, size - 8 - length)
