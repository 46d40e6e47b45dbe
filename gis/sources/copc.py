"""Check the index of a COPC file, so that a query of it ends."""

import struct
from pathlib import Path

from gis.errors import SourceError
from gis.sources.las_header import MOST_POINTS_PER_BYTE, LasHead

_ENTRY = struct.Struct("<4iQii")
_PAGE = -1


def check_hierarchy(path: Path, head: LasHead) -> None:
    """Walk through all pages of the index once.

    Parameters
    ----------
    path : Path
        A COPC file.
    head : LasHead
        Its header.

    Raises
    ------
    SourceError
        If pages form a circle, places lie beyond the end of the file, or the nodes hold
        other points than the header claims.

    Notes
    -----
    COPC specification 1.0, section 3: a page is a list of entries of 32 bytes (voxel key,
    offset, size, number of points); -1 points stand for a page that tells more of its key.
    """
    counts: dict[tuple[int, ...], int] = {}
    pages: list[tuple[tuple[int, ...] | None, int, int]] = [
        (None, head.root_offset, head.root_size)
    ]
    seen: set[int] = set()
    with path.open("rb") as file:
        while pages:
            key, offset, size = pages.pop()
            if offset in seen or size % _ENTRY.size or not 0 < offset <= head.size - size:
                _refuse(path, "its index is damaged or runs in a circle")
            seen.add(offset)
            file.seek(offset)
            told = {}
            for *voxel, at, length, points in _ENTRY.iter_unpack(file.read(size)):
                told[tuple(voxel)] = (at, length, points)
            if key is not None and told.get(key, (0, 0, _PAGE))[2] == _PAGE:
                _refuse(path, "its index is damaged or runs in a circle")
            for voxel_key, (at, length, points) in told.items():
                if points == _PAGE:
                    pages.append((voxel_key, at, length))
                    continue
                most = length * MOST_POINTS_PER_BYTE
                if not (0 <= points <= most and 0 <= length <= head.size - at):
                    _refuse(path, f"its index claims {points:,} points in {length:,} bytes")
                counts[voxel_key] = points
    total = sum(counts.values())
    if total != head.count:
        _refuse(path, f"its index holds {total:,} points, its header {head.count:,}")


def _refuse(path: Path, why: str) -> None:
    """Say that an index cannot be followed."""
    message = f"the COPC file {path.name} must have a sound index, {why}; fetch it again"
    raise SourceError(message)
