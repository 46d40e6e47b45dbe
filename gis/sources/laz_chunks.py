"""Check the packed points of a LAZ file, so that unpacking stays within its size."""

import io
import struct
from pathlib import Path
from typing import Any

from gis.errors import SourceError
from gis.sources.las_header import LasHead

MOST_PER_CHUNK = 10_000_000
"""Points that a chunk may claim; writers put 50,000 into one."""

VARIABLE = 2**32 - 1
"""Chunk size that says that chunks differ, as in COPC."""

_LAYERED = 3
_SIZES = {10: 9, 11: 1, 12: 2, 13: 1}
"""Layers by type of item: point, colour, colour with infrared, wave packet."""

_EXTRA = 14
"""Extra bytes have a layer each."""


def check_chunks(path: Path, head: LasHead, lazrs: Any) -> None:  # noqa: ANN401
    """Compare what the chunks of a LAZ file claim with what the file holds.

    Parameters
    ----------
    path : Path
        A LAZ or COPC file.
    head : LasHead
        Its header.
    lazrs : module
        The library that unpacks, which believes every size it reads.

    Raises
    ------
    SourceError
        If the table of chunks, a chunk or a layer claims more than there is.

    Notes
    -----
    The record "laszip encoded" tells the items of a point (12 bytes on, type, size and
    version, two bytes each); a layered chunk begins with a whole point, the number of its
    points and the sizes of its layers. Isenburg, M. (2013), LASzip, doi
    10.14358/PERS.79.2.209, and its source for the layers of LAS 1.4.
    """
    record = _laszip_record(path, head)
    if len(record) < _ITEMS:
        _refuse(path, "the record that tells how it is packed is missing")
    compressor = struct.unpack_from("<H", record, 0)[0]
    chunk_size = struct.unpack_from("<I", record, 12)[0]
    number = struct.unpack_from("<H", record, 32)[0]
    if len(record) < _ITEMS + 6 * number or not number:
        _refuse(path, "the record that tells how it is packed is cut short")
    items = [struct.unpack_from("<HHH", record, _ITEMS + 6 * i) for i in range(number)]
    if sum(size for _, size, _ in items) != head.point_length:
        _refuse(path, "the items of a point do not make up its length")
    if not 0 < chunk_size <= MOST_PER_CHUNK and chunk_size != VARIABLE:
        _refuse(path, f"its chunks claim {chunk_size:,} points each")
    with path.open("rb") as file:
        _check_table_size(path, head, file, chunk_size)
        table = lazrs.read_chunk_table(file, lazrs.LazVlr(record))
        total, at = 0, head.offset + 8
        for points, length in table:
            variable = chunk_size == VARIABLE
            if variable and not 0 <= points <= MOST_PER_CHUNK:
                _refuse(path, f"a chunk claims {points:,} points")
            total += length
            if length < 0 or at + length > head.size:
                _refuse(path, "its chunks reach beyond its end")
            if compressor == _LAYERED and length:
                file.seek(at)
                _check_layers(path, file, items, head.point_length, length)
            at += length


_ITEMS = 34
_RECORD = struct.Struct("<H16sHH32s")


def _laszip_record(path: Path, head: LasHead) -> bytes:
    """Content of the record that tells how points are packed."""
    with path.open("rb") as file:
        file.seek(head.length)
        for _ in range(head.records):
            raw = file.read(_RECORD.size)
            if len(raw) < _RECORD.size:
                break
            _, user, number, length, _ = _RECORD.unpack(raw)
            content = file.read(length)
            if user.rstrip(b"\0") == b"laszip encoded" and number == 22204:
                return content
    return b""


def _check_table_size(
    path: Path, head: LasHead, file: io.BufferedReader, chunk_size: int
) -> None:
    """Refuse a table of more chunks than the points can fill."""
    file.seek(head.offset)
    raw = file.read(8)
    at = struct.unpack("<q", raw)[0] if len(raw) == 8 else -1
    if at == -1:
        file.seek(head.size - 8)
        at = struct.unpack("<q", file.read(8))[0]
    if not head.offset < at <= head.size - 8:
        _refuse(path, "its table of chunks lies beyond its end")
    file.seek(at)
    _, number = struct.unpack("<II", file.read(8))
    most = head.count if chunk_size == VARIABLE else head.count // chunk_size + 1
    # Every chunk holds a point unpacked.
    if number > max(most, 1) or number > head.size // head.point_length + 1:
        _refuse(path, f"its table claims {number:,} chunks")
    file.seek(head.offset)


def _check_layers(
    path: Path,
    file: io.BufferedReader,
    items: list[tuple[int, int, int]],
    point_length: int,
    length: int,
) -> None:
    """Refuse a chunk whose layers are larger than itself."""
    layers = sum(size if kind == _EXTRA else _SIZES.get(kind, 0) for kind, size, _ in items)
    begin = point_length + 4 + 4 * layers
    raw = file.read(begin)
    if len(raw) == begin:
        sizes = struct.unpack_from(f"<{layers}I", raw, point_length + 4)
        if sum(sizes) + begin <= length:
            return
    _refuse(path, "a chunk claims more bytes than it has")


def _refuse(path: Path, why: str) -> None:
    """Say that packed points cannot be unpacked."""
    message = f"the points of {path.name} must be soundly packed, {why}; fetch it again"
    raise SourceError(message)
