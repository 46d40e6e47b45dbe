"""Read buildings from a file of any provider, told by its content."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import pyarrow.parquet as pq
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from gis.errors import SourceError
from gis.sources import json_text
from gis.sources.archive import is_archive, open_archive
from gis.sources.baskarta import baskarta_of, find_table, is_baskarta, read_baskarta
from gis.sources.cityjson import cityjson_of, documents_of, is_cityjson
from gis.sources.gdal_options import NO_SIDE_FILES, gdal_options
from gis.sources.geojson import features_of, parse_lines
from gis.sources.lantmateriet import describe, find_package, is_lantmateriet
from gis.sources.origin import Origin, SourceTable
from gis.sources.osm import (
    is_overpass,
    osm_of_frame,
    osm_of_geojson,
    osm_of_overpass,
    osm_of_xml,
)
from gis.sources.osm_features import is_osm_geojson
from gis.sources.overture import (
    MAGIC,
    has_overture_columns,
    is_overture,
    overture_of,
    parquet_errors,
    read_overture,
)
from gis.sources.pointers import OFFLINE
from gis.sources.vector import read_layer

NOT_STATED = Origin("not stated", "vector layer", "not stated", "")

_HEAD = 65_536  # bytes that tell what a text is
_JSON_SIGNS = (
    b'"CityJSON',
    b'"elements"',
    b'"osm3s"',
    b'"FeatureCollection"',
    b'"Feature"',
)


def read_buildings(path: Path) -> SourceTable:
    """Read buildings from whatever file holds them.

    Parameters
    ----------
    path : Path
        A file of OpenStreetMap (Overpass JSON, ``.osm``, GeoJSON), Lantmäteriet (GeoPackage
        or its zip), Helsingborg's base map (zip or GeoJSON), Overture (GeoParquet or
        GeoJSON), CityJSON or CityJSONSeq; of anything else that OGR can read, the layer
        of areas.

    Returns
    -------
    SourceTable
        As the provider's reader gives it; the first note says what the file was taken for.

    Raises
    ------
    HeidiError
        One line where the file is missing, damaged, hostile or holds no buildings.
    """
    if not path.exists():
        message = f"a file of buildings must exist, got {path}; check the path"
        raise SourceError(message)
    if path.is_dir():
        # Shapefiles in a folder and file geodatabases are folders.
        return _any_layer(path)
    return _of_archive(path) if is_archive(path) else _of_file(path)


def _of_file(path: Path) -> SourceTable:
    """Read a single file that is no archive."""
    head = _head(path)
    if head.startswith(MAGIC):
        return _of_parquet(path)
    if head.startswith(b"SQLite format 3\0"):
        return _of_package(path)
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0\x1e")
    if start.startswith(b"<") and b"<osm" in head.replace(b"\0", b""):
        return _taken("an OpenStreetMap file", osm_of_xml(path))
    if start.startswith((b"{", b"[")):
        return _of_json(path, head)
    return _any_layer(path)


def _taken(what: str, table: SourceTable) -> SourceTable:
    """Say first what a file was taken for."""
    return replace(table, notes=(f"read as {what}", *table.notes))


def _head(path: Path) -> bytes:
    """First bytes of a file."""
    try:
        with path.open("rb") as source:
            return source.read(_HEAD)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; check the path"
        raise SourceError(message) from error


def _of_archive(path: Path) -> SourceTable:
    """Read what an archive holds, after checking what it would unpack to."""
    with open_archive(path) as archive:
        base_map = find_table(archive)
        inside = find_package(archive)
        if inside is None and len(archive.names) == 1:
            inside = archive.names[0]
        if inside is not None and base_map is None:
            with TemporaryDirectory() as folder:
                unpacked = archive.unpack(inside, Path(folder))
                # One archive deep only: nested ones are how bombs are built.
                if not is_archive(unpacked):
                    return _of_file(unpacked)
    if base_map is not None:
        return _taken("the base map of Helsingborg", read_baskarta(path))
    return _any_layer(path)  # such as the files of a Shapefile


def _of_package(path: Path) -> SourceTable:
    """Read a GeoPackage: the building register, or any layer."""
    frame, notes = read_layer(path)
    if is_lantmateriet(map(str, frame.columns)):
        return _taken("the building register of Lantmäteriet", describe(frame, notes))
    return _layer(path, frame, notes)


def _of_parquet(path: Path) -> SourceTable:
    """Read GeoParquet: that of Overture, or any."""
    with parquet_errors(path.name):
        names = pq.read_schema(path).names
    if has_overture_columns(names):
        return _taken("buildings of Overture Maps", read_overture(path))
    with parquet_errors(path.name):
        frame = gpd.read_parquet(path)
    return _layer(path, frame, ())


def _of_json(path: Path, head: bytes) -> SourceTable:
    """Read JSON of any provider."""
    size = path.stat().st_size
    plain = head.replace(b"\0", b"").replace(b" ", b"")
    if size > json_text.MOST_BYTES and b'"FeatureCollection"' in plain:
        table = _any_layer(path)  # streamed by OGR, whoever made it
        return replace(table, notes=(*table.notes, "too large to look for its provider"))
    text, notes = json_text.decode(json_text.read_bytes(path), path.name)
    try:
        table = _of_text(text, path)
    except SourceError:
        if any(sign in plain for sign in _JSON_SIGNS):
            raise
        table = _any_layer(path)  # other JSON that OGR knows, such as TopoJSON
    return replace(table, notes=(*table.notes[:1], *notes, *table.notes[1:]))


def _of_text(text: str, path: Path) -> SourceTable:
    """Read JSON that is in memory."""
    name = path.name
    if '"CityJSON' in text[:_HEAD].replace(" ", "") or '"CityObjects"' in text:
        documents = documents_of(text, name)
        if is_cityjson(documents[0]):
            kind = "CityJSON" if len(documents) == 1 else "CityJSONSeq"
            return _taken(kind, cityjson_of(documents, name))
    document = parse_lines(text, name)
    if is_overpass(document):
        return _taken("a reply of Overpass", osm_of_overpass(document, name))
    features = features_of(document, name)
    for what, decide, read in _GEOJSON:
        if decide(features):
            return _taken(what, read(document, name, features))
    del document, features
    return _any_layer(path)


_GEOJSON: tuple[tuple[str, Callable[..., bool], Callable[..., SourceTable]], ...] = (
    ("buildings of Overture Maps", is_overture, overture_of),
    ("GeoJSON of OpenStreetMap", is_osm_geojson, osm_of_geojson),
    ("the base map of Helsingborg", is_baskarta, baskarta_of),
)


def _any_layer(path: Path) -> SourceTable:
    """Read any layer of areas."""
    frame, notes = read_layer(path)
    return _layer(path, frame, notes)


def _layer(path: Path, frame: gpd.GeoDataFrame, notes: tuple[str, ...]) -> SourceTable:
    """Wrap a layer whose provider is not known, with what its file tells of it."""
    if {"osm_id", "osm_way_id"} <= {str(column) for column in frame.columns}:
        table = osm_of_frame(frame, path.name)
        table = replace(table, notes=(*notes, *table.notes))
        return _taken("areas of OpenStreetMap by GDAL", table)
    return _taken("a vector layer of no known provider",
                  SourceTable(frame, notes, _told_origin(path)))  # fmt: skip


def _told_origin(path: Path) -> Origin:
    """Origin by the metadata of the file, "not stated" where it says nothing."""
    try:
        with gdal_options(NO_SIDE_FILES | OFFLINE), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the layer was read and told of already
            info = pyogrio.read_info(path)
    except (DataSourceError, DataLayerError, ValueError, OSError):
        return NOT_STATED
    pairs = [
        pair
        for group in ("dataset_metadata", "layer_metadata")
        for pair in (info.get(group) or {}).items()
    ]
    told = {str(key).lower(): " ".join(str(value).split()) for key, value in pairs}
    return Origin(
        provider=told.get("provider", told.get("publisher", "not stated"))[:80],
        dataset=told.get("title", told.get("identifier", "vector layer"))[:80],
        licence=told.get("licence", told.get("license", "not stated"))[:80],
        credit=told.get("credit", told.get("attribution", ""))[:160],
    )
