"""Check the fixed header of a LAS file before a library believes it."""

import math
import struct
from dataclasses import dataclass
from pathlib import Path

from gis.errors import SourceError
from gis.sources.geotiff import Bounds

MOST_POINTS_PER_BYTE = 16
"""Points that a byte of a compressed file may claim; real ones need 2 to 10 bytes each."""

MOST_RECORDS = 10_000
"""Variable records that a header may claim; real files have fewer than ten."""

_LENGTH = {0: 20, 1: 28, 2: 26, 3: 34, 4: 57, 5: 63, 6: 30, 7: 36, 8: 38, 9: 59, 10: 67}
"""Least bytes of a point by format; LAS specification 1.4 R15, section 2.6."""

_HEAD = 375
_COMPRESSED = 0x80
_COPC_RECORD = 54 + 160


@dataclass(frozen=True)
class LasHead:
    """What the fixed header of a LAS file tells.

    Attributes
    ----------
    count : int
        Points.
    extent : (west, south, east, north)
        In the system of the file.
    is_compressed, is_copc : bool
        Whether points are packed by LAZ, and whether they are indexed.
    year : int or None
        When the file was made.
    size : int
        Bytes of the file.
    length, offset : int
        Where variable records and where points begin [bytes].
    records, point_length : int
        Variable records, and bytes of an unpacked point.
    root_offset, root_size : int
        Place of the first page of a COPC index [bytes]; 0 elsewhere.
    """

    count: int
    extent: Bounds
    is_compressed: bool
    is_copc: bool
    year: int | None
    size: int
    length: int
    offset: int
    records: int
    point_length: int
    root_offset: int = 0
    root_size: int = 0


def read_head(path: Path) -> LasHead:
    """Read the header of a LAS, LAZ or COPC file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    LasHead
        Of a file that can hold what it claims.

    Raises
    ------
    SourceError
        If it is missing, no LAS file, cut short, or claims more than it can hold.
    """
    if not path.is_file():
        message = f"the point cloud must be an existing file, got {path}; check the path"
        raise SourceError(message)
    size = path.stat().st_size
    with path.open("rb") as file:
        raw = file.read(_HEAD)
        rest = file.read(_COPC_RECORD)
    if len(raw) < 227 or raw[:4] != b"LASF":
        _refuse(path, "it does not begin as one")
    major, minor = raw[24], raw[25]
    if major != 1 or minor > 4:
        _refuse(path, f"version {major}.{minor} is not known")
    length, offset, records, point_format, point_length, count = struct.unpack_from(
        "<HIIBHI", raw, 94
    )
    year = struct.unpack_from("<H", raw, 92)[0]
    numbers = struct.unpack_from("<12d", raw, 131)
    if minor == 4:
        if len(raw) < _HEAD or length < _HEAD:
            _refuse(path, "its header is cut short")
        count = struct.unpack_from("<Q", raw, 247)[0]
        start, extra = struct.unpack_from("<QI", raw, 235)
        if extra > MOST_RECORDS or (extra and start >= size):
            _refuse(path, f"its {extra:,} extended records lie beyond its end")
    packed = bool(point_format & _COMPRESSED)
    least = _LENGTH.get(point_format & 0x3F)
    if least is None:
        _refuse(path, f"point format {point_format & 0x3F} is not known")
    elif point_length < least:
        _refuse(path, f"points of {point_length} bytes cannot be of that format")
    if length < 227 or offset < length or offset > size:
        _refuse(path, f"its points begin at byte {offset:,} of {size:,}")
    if records > MOST_RECORDS:
        _refuse(path, f"it claims {records:,} variable records")
    held = (
        (size - offset) * MOST_POINTS_PER_BYTE
        if packed
        else (size - offset) // point_length
    )
    if count > held:
        _refuse(path, f"{size:,} bytes cannot hold the {count:,} points it claims")
    extent = _check_numbers(path, numbers)
    root = (0, 0)
    is_copc = minor == 4 and packed and rest[2:6] == b"copc"
    if is_copc:
        # User id, record id, length and description take 54 bytes; centre, half size and
        # spacing 40 more, then the place of the first page.
        root = struct.unpack_from("<QQ", rest, 54 + 40)
    return LasHead(
        count=count,
        extent=extent,
        is_compressed=packed,
        is_copc=is_copc,
        year=year if 1990 <= year <= 2100 else None,
        size=size,
        length=length,
        offset=offset,
        records=records,
        point_length=point_length,
        root_offset=root[0],
        root_size=root[1],
    )


def _check_numbers(path: Path, numbers: tuple[float, ...]) -> Bounds:
    """Extent of the points, refused with scales and offsets that give no places."""
    scales, offsets, limits = numbers[:3], numbers[3:6], numbers[6:]
    if not all(math.isfinite(s) and s > 0.0 for s in scales):
        _refuse(path, f"its scales {scales} must be positive")
    if not all(math.isfinite(n) and abs(n) < 1e9 for n in (*offsets, *limits)):
        _refuse(path, "its offsets and extent must be coordinates of this Earth")
    east, west, north, south = limits[:4]
    if west > east or south > north:
        _refuse(path, "its extent must run from least to most")
    return west, south, east, north


def _refuse(path: Path, why: str) -> None:
    """Say that a file is no usable point cloud."""
    message = (
        f"the point cloud must be a readable LAS, LAZ or COPC file, got {path.name}: "
        f"{why}; fetch or export it again"
    )
    raise SourceError(message)
