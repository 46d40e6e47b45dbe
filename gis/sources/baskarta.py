"""Read buildings of the base map of the City of Helsingborg."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj.exceptions import CRSError as ProjCrsError

from gis.attributes import as_text, find_columns, given_ids
from gis.errors import CrsError, TableError
from gis.faults import count_things, name_some
from gis.sources import json_text
from gis.sources.archive import Archive, is_archive, open_archive
from gis.sources.geojson import Features, features_of
from gis.sources.identity import drop_repeats, number_parts
from gis.sources.origin import Origin, SourceTable
from gis.sources.uses import LANTMATERIET, LANTMATERIET_PURPOSES

CREDIT = "City of Helsingborg"
LICENCE = "not stated"

SIGNS = frozenset({"geodb_subtype_name", "purpose_resolved"})
"""Attributes by which the map is known, in lower case."""

TABLES = ("building", "byggnad")
"""Words that tell the table of buildings by its name."""

_HOMES = ("småhus", "flerfamilj", "flerbostad", "bostad", "radhus", "kedjehus")

PLACES = {"EPSG:3008": (60_000.0, 140_000.0), "EPSG:3006": (310_000.0, 400_000.0)}
"""Eastings of the municipality, with a margin, in the systems the city uses [m]."""

NORTHINGS = (6_180_000.0, 6_250_000.0)
"""Northings of the municipality in either system, with a margin [m]."""

Texts = npt.NDArray[np.object_]


def read_baskarta(path: Path) -> SourceTable:
    """Read buildings of Helsingborg's base map ("baskarta").

    Parameters
    ----------
    path : Path
        The zip of GeoJSON files named ``<THEME>.<TABLE>.geojson``, or the one of buildings
        (``Bebyggelse.MAPBUILDING.geojson``) itself.

    Returns
    -------
    SourceTable
        Columns ``part``, ``building`` (both "" where the map has no identities) and
        ``use``.

    Raises
    ------
    SourceError
        If the file is missing, damaged or hostile.
    TableError
        If it holds no table of buildings.
    CrsError
        If its reference system is neither stated nor to be seen from its coordinates.
    """
    name = path.name
    if is_archive(path):
        with open_archive(path) as archive:
            member = find_table(archive)
            if member is None:
                message = (
                    f"the base map must hold one table of buildings, {path.name} has "
                    f"{name_some(archive.names) or 'nothing'}; give that file by itself"
                )
                raise TableError(message)
            content = archive.read(member, most=json_text.MOST_BYTES)
            name = PurePosixPath(member).name
    else:
        content = json_text.read_bytes(path)
    text, notes = json_text.decode(content, name)
    table = baskarta_of(json_text.parse(text, name), name)
    return replace(table, notes=(*notes, *table.notes))


def find_table(archive: Archive) -> str | None:
    """Name of the table of buildings in an archive of the base map.

    Parameters
    ----------
    archive : Archive
        Any.

    Returns
    -------
    str or None
        The only GeoJSON whose table (the last word of its name but the suffix) tells of
        buildings, or the one called MAPBUILDING.
    """
    tables = {
        name: name.lower().rsplit("/", 1)[-1].removesuffix(".geojson").rsplit(".", 1)[-1]
        for name in archive.names
        if name.lower().endswith(".geojson")
    }
    told = [name for name, table in tables.items() if any(w in table for w in TABLES)]
    exact = [name for name in told if tables[name] == "mapbuilding"]
    for found in (told, exact):
        if len(found) == 1:
            return found[0]
    return None


def is_baskarta(features: Features) -> bool:
    """Tell whether features have the attributes of the base map.

    Parameters
    ----------
    features : Features
        Of a GeoJSON document.

    Returns
    -------
    bool
        Whether the first has any of `SIGNS`.
    """
    first = features.properties[0] if features.properties else {}
    return not SIGNS.isdisjoint(key.lower() for key in first)


def baskarta_of(
    document: object, name: str, features: Features | None = None
) -> SourceTable:
    """Take buildings out of the parsed table.

    Parameters
    ----------
    document : object
        FeatureCollection.
    name : str
        Of the file, for messages.
    features : Features, optional
        Those of the document if they were taken out already.

    Returns
    -------
    SourceTable
        As `read_baskarta` has it, with its errors.
    """
    found = features or features_of(document, name)
    notes: list[str] = []
    if found.closed.any():
        numbers = (f"feature {n + 1}" for n in np.flatnonzero(found.closed))
        notes.append(
            f"{count_things(int(found.closed.sum()), 'ring')} not closed, closed by the "
            f"first vertex ({name_some(numbers)})"
        )
    is_area = np.array([_is_area(shape) for shape in found.geometry], dtype=np.bool_)
    if not is_area.any():
        message = f"a layer of buildings must hold polygons, {name} has none"
        raise TableError(message)
    if not is_area.all():
        count = count_things(int((~is_area).sum()), "feature")
        notes.append(f"{count} without usable outline left out")
    kept = np.flatnonzero(is_area)
    attributes = pd.DataFrame([found.properties[n] for n in kept])
    whole = gpd.GeoDataFrame(
        attributes, geometry=found.geometry[kept], crs=_system(found, kept, name, notes)
    )
    ids = _ids(attributes, [found.ids[n] for n in kept])
    given = ids
    table, repeats = drop_repeats(whole.assign(_id=ids), ids)
    if repeats:
        notes.append(f"{count_things(repeats, 'repeated outline')} counted once")
    ids = table["_id"].to_numpy(dtype=object)
    parts = np.array(number_parts(ids, table.geometry.to_numpy()), dtype=object)
    if (ids == "").any():
        count = count_things(int((ids == "").sum()), "building")
        notes.append(f"{count} without identity in the map")
    described = gpd.GeoDataFrame(
        {"part": np.where(ids == "", "", parts), "building": ids, "use": _uses(table)},
        geometry=table.geometry.to_numpy(),
        crs=table.crs,
    )
    origin = Origin("City of Helsingborg", "buildings, base map", LICENCE, CREDIT)
    closed = zip(given, found.closed[kept], strict=True)
    mended = {"unclosed ring": {str(i): int(n) for i, n in closed if i and n}}
    return SourceTable(described, tuple(notes), origin, mended)


def _is_area(shape: object) -> bool:
    """Whether a geometry is a polygon or several."""
    return getattr(shape, "geom_type", "") in ("Polygon", "MultiPolygon")


def _ids(attributes: pd.DataFrame, feature_ids: list[str]) -> Texts:
    """Identities that stay the same: those of the attributes, never the row's number."""
    ids = given_ids(attributes).to_numpy(dtype=object)
    lasting = [f if len(f) >= 16 else "" for f in feature_ids]  # UUIDs, no counters
    return np.where(ids != "", ids, np.array(lasting, dtype=object))


def _system(
    features: Features, kept: npt.NDArray[np.intp], name: str, notes: list[str]
) -> str:
    """Find the reference system by its name or by where the coordinates lie."""
    if features.crs is not None:
        try:
            gpd.GeoSeries([], crs=features.crs)
        except ProjCrsError as error:
            told = features.crs[:60]
            message = f"the reference system of {name} must be known, got {told!r}"
            raise CrsError(message) from error
        return features.crs
    west, south, east, north = gpd.GeoSeries(features.geometry[kept]).total_bounds
    if max(abs(west), abs(east)) <= 180.0 and max(abs(south), abs(north)) <= 90.0:
        return "EPSG:4326"
    x, y = (west + east) / 2.0, (south + north) / 2.0
    for system, (low, high) in PLACES.items():
        if low <= x <= high and NORTHINGS[0] <= y <= NORTHINGS[1]:
            notes.append(f"reference system not stated, {system} by the coordinates")
            return system
    message = (
        f"the reference system of {name} must be stated, its coordinates about "
        f"{x:.0f}, {y:.0f} tell none of Helsingborg's; export it with one"
    )
    raise CrsError(message)


def _uses(frame: gpd.GeoDataFrame) -> Texts:
    """Use of each building in the words of this twin."""
    columns = []
    for name in ("purpose_resolved", "geodb_subtype_name"):
        found = find_columns(frame, [name])
        empty = pd.Series("", index=frame.index, dtype=object)
        columns.append(as_text(frame[found[0]]) if found else empty)
    known: dict[tuple[str, str], str] = {}
    for pair in zip(*columns, strict=True):
        known.setdefault(pair, _use(*pair))
    return np.array([known[pair] for pair in zip(*columns, strict=True)], dtype=object)


def _use(purpose: str, subtype: str) -> str:
    """Word for a resolved purpose such as "Småhus - friliggande", else for the subtype."""
    pieces = [piece.strip() for piece in purpose.lower().split(" - ")]
    for piece in reversed(pieces):
        if piece in LANTMATERIET_PURPOSES:
            return LANTMATERIET_PURPOSES[piece]
    for piece in pieces:
        if piece in LANTMATERIET:
            return LANTMATERIET[piece]
        if piece.startswith(_HOMES):
            return "residential"
    return LANTMATERIET.get(subtype.lower(), "")
