"""Read buildings of OpenStreetMap."""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj.exceptions import CRSError as ProjCrsError

from gis.errors import CrsError, SourceError, TableError
from gis.faults import count_things
from gis.sources import json_text
from gis.sources.geojson import Features, features_of
from gis.sources.identity import drop_repeats, number_parts
from gis.sources.origin import Origin, SourceTable
from gis.sources.osm_areas import Areas, areas_of
from gis.sources.osm_elements import overpass_elements, year_of
from gis.sources.osm_features import feature_areas
from gis.sources.osm_passages import passages_of_document, passages_of_elements
from gis.sources.osm_tags import (
    NUMBERS,
    ROOF_TEXTS,
    is_outline,
    read_numbers,
    read_texts,
    reason_to_leave_out,
)
from gis.sources.osm_xml import xml_elements
from gis.sources.parts import stand_parts

CREDIT = "© OpenStreetMap contributors"
LICENCE = "ODbL 1.0"

_HEAD = 1024  # bytes within which the first sign stands

Texts = npt.NDArray[np.object_]


def read_osm(path: Path) -> SourceTable:
    """Read buildings of OpenStreetMap from a file.

    Parameters
    ----------
    path : Path
        Overpass JSON, ``.osm`` XML, or GeoJSON made of either; told apart by content.

    Returns
    -------
    SourceTable
        Columns ``part`` and ``building`` (identities such as "way/123"), ``name``,
        ``address``, ``use``, ``year``, and those of ``height``, ``min_height``,
        ``building:levels``, ``roof:shape``, ``roof:height``, ``roof:levels``,
        ``roof:direction``, ``roof:orientation``, ``roof:angle`` that any
        element tells; heights in metres.

    Raises
    ------
    SourceError
        If the file is missing, damaged or of another kind.
    TableError
        If it holds no building.
    """
    try:
        with path.open("rb") as source:
            head = source.read(_HEAD)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; check the path"
        raise SourceError(message) from error
    if head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<"):
        return osm_of_xml(path)
    text, notes = json_text.decode(json_text.read_bytes(path), path.name)
    document = json_text.parse(text, path.name)
    read = osm_of_overpass if is_overpass(document) else osm_of_geojson
    table = read(document, path.name)
    return replace(table, notes=(*notes, *table.notes))


def is_overpass(document: object) -> bool:
    """Tell whether a parsed document is a reply of Overpass."""
    reply = json_text.mapping(document)
    return isinstance(reply.get("elements"), list) and "features" not in reply


def osm_of_xml(path: Path) -> SourceTable:
    """Read buildings of an ``.osm`` file; see `read_osm`."""
    elements = xml_elements(path)
    table = _table(areas_of(elements), "buildings, XML extract", elements.year, path.name)
    return replace(table, passages=passages_of_elements(elements))


def osm_of_overpass(document: object, name: str) -> SourceTable:
    """Take buildings out of a parsed reply of Overpass; see `read_osm`."""
    elements = overpass_elements(document, name)
    table = _table(areas_of(elements), "buildings, Overpass extract", elements.year, name)
    return replace(table, passages=passages_of_elements(elements))


def osm_of_geojson(
    document: object, name: str, features: Features | None = None
) -> SourceTable:
    """Take buildings out of a parsed GeoJSON extract.

    Parameters
    ----------
    document : object
        FeatureCollection; tags are the properties themselves, or packed in ``tags`` or
        ``other_tags``.
    name : str
        Of the file, for messages.
    features : Features, optional
        Those of the document if they were taken out already.

    Returns
    -------
    SourceTable
        As `read_osm` has it.

    Raises
    ------
    SourceError, TableError, CrsError
        If it is no such document, holds no building, or names an unknown system.
    """
    found = features or features_of(document, name)
    stamp = json_text.mapping(document).get("timestamp")
    areas = _told_of_others(feature_areas(found), len(found.ids))
    crs = found.crs or "EPSG:4326"
    table = _table(areas, "buildings, GeoJSON extract", year_of(stamp), name, crs=crs)
    return replace(table, passages=passages_of_document(document, crs))


def osm_of_frame(frame: gpd.GeoDataFrame, name: str) -> SourceTable:
    """Take buildings out of the areas that GDAL makes of OpenStreetMap.

    Parameters
    ----------
    frame : GeoDataFrame
        Its layer ``multipolygons``, with ``osm_id``, ``osm_way_id`` and ``other_tags``.
    name : str
        Of the file, for messages.

    Returns
    -------
    SourceTable
        As `read_osm` has it, with its errors.
    """
    shapes = frame.geometry.to_numpy()
    kinds = ["" if shape is None else shape.geom_type for shape in shapes]
    is_area = np.array([kind in ("Polygon", "MultiPolygon") for kind in kinds])
    table = frame.drop(columns=frame.geometry.name).astype(object)
    rows = table.where(table.notna(), None).to_dict("records")
    features = Features(
        ids=[""] * len(frame),
        properties=[{str(k): v for k, v in row.items()} for row in rows],
        geometry=shapely.force_2d(np.where(is_area, shapes, None)),
        kinds=kinds,
        closed=np.zeros(len(frame), dtype=np.intp),
        holes=0,
        crs=None,
    )
    crs = "EPSG:4326" if frame.crs is None else frame.crs.to_wkt()
    areas = _told_of_others(feature_areas(features), len(frame))
    return _table(areas, "buildings, areas made by GDAL", None, name, crs=crs)


def _told_of_others(areas: Areas, features: int) -> Areas:
    """Note how many features of an extract are no buildings."""
    others = features - len(areas.ids)
    if others <= 0:
        return areas
    note = f"{others:,} of {features:,} features are no outline of a building, passed over"
    return replace(areas, notes=(*areas.notes, note))


def _table(
    areas: Areas, dataset: str, year: int | None, name: str, *, crs: str = "EPSG:4326"
) -> SourceTable:
    """Describe areas in the columns of this twin."""
    notes = list(areas.notes)
    frame = _frame(areas.polygons, crs, name)
    crossed = [areas.ids[row] for row in np.flatnonzero(~shapely.is_valid(areas.polygons))]
    areas, frame = _standing(areas, frame, notes, name)
    ids = _named(areas.ids, frame)
    frame, repeats = drop_repeats(frame.assign(_row=np.arange(len(frame))), ids)
    if repeats:
        notes.append(f"{count_things(repeats, 'repeated outline')} counted once")
    rows = frame.pop("_row").to_numpy()
    ids, tags = ids[rows], [areas.tags[row] for row in rows]
    parts = np.array([not is_outline(own) for own in tags], dtype=np.bool_)
    described = frame.assign(**read_numbers(tags, ids, notes), **read_texts(tags))
    described.insert(0, "building", ids)
    described.insert(0, "part", number_parts(ids, frame.geometry.to_numpy()))
    if parts.any():
        described = stand_parts(described, parts, areas.groups, notes)
    empty = [
        column
        for column in (*ROOF_TEXTS, "address", *NUMBERS)
        if described[column].isna().all() or (described[column] == "").all()
    ]
    kept = described.drop(columns=[*empty, *({"min_level"} - set(empty))])
    columns = [c for c in kept.columns if c != "geometry"]
    return SourceTable(
        frame=kept[[*columns, "geometry"]],
        notes=tuple(notes),
        origin=Origin("OpenStreetMap", dataset, LICENCE, CREDIT, year),
        mended={"unclosed ring": areas.closed, "self-crossing": dict.fromkeys(crossed, 1)},
    )


def _frame(polygons: Texts, crs: str, name: str) -> gpd.GeoDataFrame:
    """Table of valid areas in a known reference system."""
    valid = polygons.copy()
    bad = np.flatnonzero(~shapely.is_valid(valid))
    valid[bad] = shapely.make_valid(valid[bad], method="structure", keep_collapsed=False)
    try:
        return gpd.GeoDataFrame(geometry=valid, crs=crs)
    except ProjCrsError as error:
        message = f"the reference system of {name} must be known, got {crs[:60]!r}"
        raise CrsError(message) from error


def _standing(
    areas: Areas, frame: gpd.GeoDataFrame, notes: list[str], name: str
) -> tuple[Areas, gpd.GeoDataFrame]:
    """Keep what stands above the ground and has an area."""
    reasons = [reason_to_leave_out(own) for own in areas.tags]
    empty = shapely.is_empty(frame.geometry.to_numpy())
    reasons = [
        "without area" if nothing and not why else why
        for why, nothing in zip(reasons, empty, strict=True)
    ]
    for reason in dict.fromkeys(why for why in reasons if why):
        count = count_things(reasons.count(reason), "element")
        notes.append(f"{count} {reason}, left out")
    kept = np.array([not why for why in reasons], dtype=np.bool_)
    if not kept.any():
        message = (
            f"an extract of OpenStreetMap must hold buildings, {name} has none with an "
            'outline; ask Overpass for wr["building"] and out geom'
        )
        raise TableError(message)
    chosen = replace(
        areas,
        ids=[i for i, keep in zip(areas.ids, kept, strict=True) if keep],
        tags=[t for t, keep in zip(areas.tags, kept, strict=True) if keep],
        polygons=areas.polygons[kept],
    )
    return chosen, frame[kept].reset_index(drop=True)


def _named(ids: list[str], frame: gpd.GeoDataFrame) -> Texts:
    """Identities; elements without one are named by the place of their first vertex."""
    named = np.array(ids, dtype=object)
    for place in np.flatnonzero(named == ""):
        x, y = frame.geometry.iloc[place].representative_point().coords[0]
        named[place] = f"osm-{x:.6f},{y:.6f}"
    return named
