"""Check documents against the rules of CityJSON 1.1 and 2.0."""

import datetime
import re
from collections.abc import Iterator, Sequence
from numbers import Real

from gis.sources.json_text import mapping, sequence
from meshes.formats.cityjson_bodies import DEPTHS, INSTANCE

Json = dict[str, object]

_PARTS = {
    "Building": "Part Installation ConstructiveElement Furniture Storey Room Unit",
    "Bridge": "Part Installation ConstructiveElement Furniture Room",
    "Tunnel": "Part Installation ConstructiveElement Furniture HollowSpace",
}
CHILDREN = frozenset(
    owner + part for owner, parts in _PARTS.items() for part in parts.split()
)
"""Types of objects that cannot be without a parent."""

TYPES = CHILDREN | frozenset(
    [
        "Building",
        "Bridge",
        "Tunnel",
        "CityFurniture",
        "CityObjectGroup",
        "GenericCityObject",
        "LandUse",
        "OtherConstruction",
        "PlantCover",
        "SolitaryVegetationObject",
        "TINRelief",
        "TransportSquare",
        "Railway",
        "Road",
        "WaterBody",
        "Waterway",
    ]
)
SURFACE_TYPES = frozenset(
    [
        "RoofSurface",
        "GroundSurface",
        "WallSurface",
        "ClosureSurface",
        "OuterCeilingSurface",
        "OuterFloorSurface",
        "Window",
        "Door",
        "InteriorWallSurface",
        "CeilingSurface",
        "FloorSurface",
        "WaterSurface",
        "WaterGroundSurface",
        "WaterClosureSurface",
        "TrafficArea",
        "AuxiliaryTrafficArea",
        "TransportationMarking",
        "TransportationHole",
    ]
)

_LOD = re.compile(r"[0-3](\.[0-3])?")
_CRS = re.compile(r"https?://www\.opengis\.net/def/crs/\S+")


def rule_faults(documents: Sequence[object]) -> list[str]:
    """List what breaks the rules of the format.

    Parameters
    ----------
    documents : sequence
        One document, or the first line and the features of CityJSONSeq, parsed.

    Returns
    -------
    list of str
        One sentence a fault; empty if there is none.

    Notes
    -----
    Written from the standard (OGC 20-072): members and their types, vertex numbers,
    nesting, semantics, materials, parents and children. Extensions (names that start
    with "+") and textures are not looked into, nor is geometry: see `meshes.predicates`.
    """
    head = mapping(documents[0])
    faults = [*_head(head)]
    materials = len(sequence(mapping(head.get("appearance")).get("materials")))
    templates = mapping(head.get("geometry-templates"))
    faults += _templates(templates, materials)
    count = len(sequence(templates.get("templates")))
    for number, thing in enumerate(documents):
        document = mapping(thing)
        if number and document.get("type") != "CityJSONFeature":
            faults.append(f"line {number + 1} is no CityJSONFeature")
        if not isinstance(document.get("CityObjects"), dict):
            faults.append("CityObjects must be a mapping")
        elif number and str(document.get("id")) not in mapping(document["CityObjects"]):
            faults.append(f"line {number + 1} has an id that none of its objects has")
        faults += _vertices(document)
        faults += _objects(document, materials, count)
    return faults


def _templates(templates: Json, materials: int) -> Iterator[str]:
    """Yield faults of the geometries that objects share."""
    vertices = sequence(templates.get("vertices-templates"))
    odd = sum(not _are_numbers(vertex, 3) for vertex in vertices)
    if odd:
        yield f"vertices of templates must be three numbers each, {odd} are not"
    for number, thing in enumerate(sequence(templates.get("templates"))):
        geometry = mapping(thing)
        if geometry.get("type") == INSTANCE:
            yield f"template {number} must not be an instance itself"
            continue
        for fault in _geometry(geometry, len(vertices), materials, 0):
            yield f"template {number}: {fault}"


def _head(head: Json) -> Iterator[str]:
    """Yield faults of the members of the whole model."""
    if head.get("type") != "CityJSON":
        yield "type must be CityJSON"
    if head.get("version") not in ("1.1", "2.0"):
        yield f"version must be 1.1 or 2.0, got {head.get('version')!r}"
    transform = mapping(head.get("transform"))
    for name in ("scale", "translate"):
        if not _are_numbers(transform.get(name), 3):
            yield f"transform must have three numbers as {name}"
    metadata = mapping(head.get("metadata"))
    if "geographicalExtent" in metadata and not _are_numbers(
        metadata["geographicalExtent"], 6
    ):
        yield "geographicalExtent must be six numbers"
    if "referenceSystem" in metadata and not _CRS.fullmatch(
        str(metadata["referenceSystem"])
    ):
        yield "referenceSystem must be an address of opengis.net"
    if "title" in metadata and not isinstance(metadata["title"], str):
        yield "title must be text"
    if "referenceDate" in metadata and not _is_date(metadata["referenceDate"]):
        yield "referenceDate must be a date such as 2026-03-20"
    contact = metadata.get("pointOfContact")
    if contact is not None and not {"contactName", "emailAddress"} <= set(mapping(contact)):
        yield "pointOfContact must have contactName and emailAddress"


def _vertices(document: Json) -> Iterator[str]:
    """Yield a fault if a vertex is not of three whole numbers."""
    if not isinstance(document.get("vertices"), list):
        yield "vertices must be a list"
    odd = sum(
        len(sequence(vertex)) != 3 or any(type(x) is not int for x in sequence(vertex))
        for vertex in sequence(document.get("vertices"))
    )
    if odd:
        yield f"vertices must be three whole numbers each, {odd} are not"


def _objects(document: Json, materials: int, templates: int) -> Iterator[str]:
    """Yield faults of the city objects of a document or a feature."""
    objects = {
        name: mapping(thing) for name, thing in mapping(document.get("CityObjects")).items()
    }
    count = len(sequence(document.get("vertices")))
    for name, thing in objects.items():
        kind = str(thing.get("type"))
        if kind not in TYPES and not kind.startswith("+"):
            yield f"object {name} is of no known type: {kind!r}"
        if kind in CHILDREN and not sequence(thing.get("parents")):
            yield f"object {name} of type {kind} must have a parent"
        for here, there in (("parents", "children"), ("children", "parents")):
            for other in sequence(thing.get(here)):
                if name not in sequence(mapping(objects.get(str(other))).get(there)):
                    yield f"object {name} has {other} among its {here}, which disagrees"
        if "attributes" in thing and not isinstance(thing["attributes"], dict):
            yield f"attributes of object {name} must be a mapping"
        for geometry in sequence(thing.get("geometry")):
            for fault in _geometry(mapping(geometry), count, materials, templates):
                yield f"object {name}: {fault}"


def _geometry(geometry: Json, count: int, materials: int, templates: int) -> Iterator[str]:
    """Yield faults of one geometry."""
    kind = str(geometry.get("type"))
    if kind == INSTANCE:
        if not _are_numbers(geometry.get("transformationMatrix"), 16):
            yield "an instance must have a matrix of sixteen numbers"
        if not _is_number_of(geometry.get("template"), templates):
            yield f"an instance must repeat a template 0..{templates - 1}"
        place = sequence(geometry.get("boundaries"))
        if len(place) != 1 or not _is_number_of(place[0], count):
            yield f"an instance must stand on one vertex 0..{count - 1}"
        return
    if kind not in DEPTHS:
        if kind not in ("MultiPoint", "MultiLineString"):
            yield f"geometry of no known type: {kind!r}"
        return
    lod = geometry.get("lod")
    if not (isinstance(lod, str) and _LOD.fullmatch(lod)):
        yield f"lod must be text such as 2.2, got {lod!r}"
    boundaries, levels = geometry.get("boundaries"), DEPTHS[kind] + 1
    if not _nests(boundaries, levels, count):
        yield f"boundaries must nest as those of a {kind}, with vertices 0..{count - 1}"
    semantics = mapping(geometry.get("semantics"))
    surfaces = [str(mapping(s).get("type")) for s in sequence(semantics.get("surfaces"))]
    for name in sorted(set(surfaces) - SURFACE_TYPES):
        if not name.startswith("+"):
            yield f"semantic surface of no known type: {name!r}"
    if semantics and not _mirrors(
        boundaries, semantics.get("values"), levels, len(surfaces)
    ):
        yield "values of semantics must mirror the boundaries"
    for theme, told in mapping(geometry.get("material")).items():
        one = mapping(told).get("value")
        fits = (
            _is_number_of(one, materials)
            if one is not None
            else _mirrors(boundaries, mapping(told).get("values"), levels, materials)
        )
        if not fits:
            yield f"values of material theme {theme!r} must mirror the boundaries"


def _nests(boundaries: object, levels: int, count: int) -> bool:
    """Whether boundaries nest down to rings of three or more vertices."""
    if not isinstance(boundaries, list):
        return False
    if levels < 0:
        return len(boundaries) >= 3 and all(_is_number_of(v, count) for v in boundaries)
    return all(_nests(inner, levels - 1, count) for inner in boundaries)


def _mirrors(boundaries: object, values: object, levels: int, count: int) -> bool:
    """Whether values nest like boundaries, each None or a number below ``count``."""
    if values is None:
        return True
    if levels == 0:
        return _is_number_of(values, count)
    inside = sequence(boundaries)
    return (
        isinstance(values, list)
        and len(values) == len(inside)
        and all(
            _mirrors(boundary, value, levels - 1, count)
            for boundary, value in zip(inside, values, strict=True)
        )
    )


def _is_number_of(value: object, count: int) -> bool:
    """Whether a value is a whole number from 0 below ``count``."""
    return type(value) is int and 0 <= value < count


def _are_numbers(value: object, count: int) -> bool:
    """Whether a value is a list of so many numbers."""
    listed = sequence(value)
    return len(listed) == count and all(
        isinstance(x, Real) and not isinstance(x, bool) for x in listed
    )


def _is_date(value: object) -> bool:
    """Whether a value is a date as RFC 3339 writes it."""
    try:
        return datetime.date.fromisoformat(str(value)).isoformat() == value
    except ValueError:
        return False
