"""Refuse files that hold no data of their own but point at others."""

import re
import zipfile
import zlib
from pathlib import Path

from gis.errors import SourceError

HEAD = 65_536
"""Bytes of a file that are looked at: GDAL knows a format by fewer."""

MOST_MEMBERS = 1000
"""Files in an archive that are looked at."""

OFFLINE = {
    # No schema of a GML file is fetched, and no file is read over the network, whatever
    # name a file gives: the one name allowed is none that a server can have.
    "GML_DOWNLOAD_SCHEMA": "NO",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "/vsicurl/none",
}
"""Options that keep GDAL from the network while it reads a file."""

_POINTERS = re.compile(
    rb"<(?:OGRVRTDataSource|OGRWFSDataSource|OGRGMLASDataSource|VRTDataset"
    rb"|GDALTileIndexDataset|GDAL_WM|WCS_GDAL|TileMapService|(?:\w+:)?WFS_Capabilities)"
    rb"|\bgdal_streamed_alg\b",
    re.IGNORECASE,
)
"""What begins virtual layers and rasters, pipelines and descriptions of services."""

_SUFFIXES = (".vrt", ".gdalg.json", ".gti.gpkg", ".gti.fgb", ".gti.parquet", ".wms")
_ELSEWHERE = re.compile(r"/+vsi\w*/|[a-z][\w+.-]+:", re.IGNORECASE)


def refuse_pointer(path: Path) -> None:
    """Refuse what would make GDAL read another file or ask a server.

    Parameters
    ----------
    path : Path
        A file that is about to be opened; archives are looked into, folders are not.

    Raises
    ------
    SourceError
        If it is no path of a file, cannot be read, or points at other files or services.
    """
    if _ELSEWHERE.match(str(path)):
        message = (
            f"data must lie in a file of this machine, got {str(path)[:80]}; download it "
            "and give the file"
        )
        raise SourceError(message)
    if path.is_dir():
        return
    _check(path.name, path.name, _read_head(path))
    if zipfile.is_zipfile(path):
        for name, head in _read_members(path):
            _check(name, f"{name[:80]} in {path.name}", head)


def refuse_raster_pointer(path: Path) -> None:
    """Refuse rasters that are descriptions of others; see `refuse_pointer`.

    Parameters
    ----------
    path : Path
        A file that is about to be opened as a raster.

    Raises
    ------
    SourceError
        As `refuse_pointer`, and if it is XML or JSON: no elevations are written so, but
        tile services, mosaics and catalogues are.
    """
    refuse_pointer(path)
    text = _read_head(path).removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"<", b"{", b"[")):
        message = (
            f"a raster must be a readable GeoTIFF or another grid of cells, {path.name} is "
            "XML or JSON, which holds none; give the raster itself"
        )
        raise SourceError(message)


def _check(name: str, shown: str, head: bytes) -> None:
    """Refuse a file by its name and its first bytes."""
    # GDAL looks for these words up to the first zero: in binary files they are only text.
    if name.lower().endswith(_SUFFIXES) or _POINTERS.search(head.split(b"\0", 1)[0]):
        raise SourceError(_message(shown))


def _read_head(path: Path) -> bytes:
    """First bytes of a file."""
    try:
        with path.open("rb") as source:
            return source.read(HEAD)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; check the path"
        raise SourceError(message) from error


def _read_members(path: Path) -> list[tuple[str, bytes]]:
    """Names and first bytes of the files in an archive that are text."""
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            for member in members[:MOST_MEMBERS]:
                with archive.open(member) as source:
                    head = source.read(HEAD)
                found.append((member.filename, head.split(b"\0", 1)[0]))
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,  # a compression that Python does not know
        RuntimeError,  # a password
        ValueError,
        OSError,
    ) as error:
        message = f"{path.name} must be a whole archive without password; unpack it"
        raise SourceError(message) from error
    if len(members) > MOST_MEMBERS:
        message = (
            f"an archive must have at most {MOST_MEMBERS:,} files, {path.name} has "
            f"{len(members):,}; unpack the wanted one"
        )
        raise SourceError(message)
    return found


def _message(name: str) -> str:
    """Say why a file is not opened."""
    return (
        f"a file must hold its data itself, {name} only points at other files or services; "
        "give the data, for example converted with gdal_translate or ogr2ogr"
    )
