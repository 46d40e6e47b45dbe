"""Read buildings of CityJSON."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError as ProjCrsError

from gis.errors import CrsError, SourceError, TableError
from gis.faults import count_things, name_some
from gis.sources import json_text
from gis.sources.cityjson_attributes import (
    read_attributes,
    to_floats,
    to_roof_shapes,
    to_words,
    to_year,
)
from gis.sources.cityjson_faces import KINDS, OTHER, Faces, Measured, measure
from gis.sources.geojson import MOST_COORDINATE
from gis.sources.json_text import mapping, sequence
from gis.sources.origin import Origin, SourceTable

VERSIONS = ("1.0", "1.1", "2.0")

MOST_VERTICES = 50_000_000
"""Vertices of a file; a city of a million in detail has fewer."""

LEAST_HEIGHT = 0.5
"""Extent below which the geometry is an outline without height [m]."""

DISAGREES = 1.0
"""Distance between stated and modelled height that is worth a note [m]."""

_EPSG = re.compile(r"EPSG(?:[/:][^/:]*)?[/:](\d{3,6})$", re.IGNORECASE)


FloatArray = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]


@dataclass
class _City:
    """Objects and vertices gathered from a document or from its features."""

    objects: dict[str, dict[str, object]] = field(default_factory=dict)
    shifts: dict[str, int] = field(default_factory=dict)
    vertices: list[FloatArray] = field(default_factory=list)
    count: int = 0
    repeated: int = 0

    def add(self, document: dict[str, object], name: str) -> None:
        """Take the objects and vertices of a document or a feature."""
        listed = sequence(document.get("vertices"))
        self.count += len(listed)
        if self.count > MOST_VERTICES:
            message = f"{name} must have at most {MOST_VERTICES:,} vertices; cut it"
            raise SourceError(message)
        xyz = np.array(listed, dtype=np.float64).reshape(-1, 3)
        if len(xyz) != len(listed):
            message = "vertices are not of three numbers"
            raise ValueError(message)
        for key, thing in mapping(document.get("CityObjects")).items():
            if key in self.objects:
                self.repeated += 1
                continue
            self.objects[key] = mapping(thing)
            self.shifts[key] = self.count - len(listed)
        self.vertices.append(xyz)


@dataclass(frozen=True)
class _Body:
    """The geometry chosen for an object."""

    identity: str
    building: str
    level: float
    geometry: dict[str, object]


def read_cityjson(path: Path) -> SourceTable:
    """Read buildings of a CityJSON file.

    Parameters
    ----------
    path : Path
        CityJSON 1.0, 1.1 or 2.0, or CityJSONSeq: first a line of metadata, then a feature a
        line.

    Returns
    -------
    SourceTable
        In the file's own system; none if it states none. Columns ``part`` and ``building``
        (a BuildingPart belongs to its parent), ``name``, ``use``, ``year``, ``height``,
        ``height_source``, ``ground``, ``roof`` (highest point) [m],
        ``building:levels``, ``roof:shape``, ``roof:height``.

    Raises
    ------
    SourceError
        If the file is missing, damaged, too large or not CityJSON.
    TableError
        If it holds no building with geometry.
    CrsError
        If its reference system is unknown or in degrees.

    Notes
    -----
    The level of detail is the best of each building. The footprint is that of
    `gis.sources.cityjson_faces.measure`; the height reaches from the lowest point of the
    base to the highest of the roof, which for a sloped roof is its ridge.
    """
    text, notes = json_text.decode(json_text.read_bytes(path), path.name)
    return cityjson_of(documents_of(text, path.name), path.name, notes)


def documents_of(text: str, name: str) -> list[object]:
    """Parse CityJSON, or the lines of CityJSONSeq.

    Parameters
    ----------
    text : str
        The file.
    name : str
        Its name, for messages.

    Returns
    -------
    list
        The document, or the line of metadata and the features.

    Raises
    ------
    SourceError
        If it is not whole JSON.
    """
    first, _, rest = text.partition("\n")
    if not rest.strip() or not first.rstrip().endswith("}"):
        return [json_text.parse(text, name)]
    lines = [line for line in text.split("\n") if line.strip()]
    return [json_text.parse(line, name) for line in lines]


def is_cityjson(document: object) -> bool:
    """Tell whether a parsed document is CityJSON or the first line of CityJSONSeq."""
    return mapping(document).get("type") == "CityJSON"


def cityjson_of(
    documents: list[object], name: str, notes: tuple[str, ...] = ()
) -> SourceTable:
    """Take buildings out of parsed CityJSON.

    Parameters
    ----------
    documents : list
        As `documents_of` gives them.
    name : str
        Of the file, for messages.
    notes : tuple of str
        What was met before.

    Returns
    -------
    SourceTable
        As `read_cityjson` has it, with its errors.
    """
    head = head_of(documents, name)
    version = str(head["version"])
    told = list(notes)
    try:
        city = gather_city(documents, name)
        bodies = _choose(city.objects, told)
        if not bodies:
            message = f"a city model must hold buildings with geometry, {name} has none"
            raise TableError(message)
        faces = Faces()
        for owner, body in enumerate(bodies):
            shift = city.shifts[body.identity]
            for rings, kind in _faces_of(body.geometry):
                faces.add(rings, owner=owner, kind=kind, shift=shift)
        points = points_city(head, city)
        _check_vertices(faces, points, name)
        pairs = [(body.identity, body.building) for body in bodies]
        attributes = read_attributes(city.objects, pairs)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        if isinstance(error, TableError):
            raise
        message = (
            f"{name} must be formed as CityJSON {version}, it is not "
            f"({type(error).__name__}: {' '.join(str(error).split())[:80]}); validate it, "
            "for example with cjval"
        )
        raise SourceError(message) from error
    if city.repeated:
        told.append(f"{count_things(city.repeated, 'repeated object')} counted once")
    system = system_city(head, name, told)
    measured = measure(faces, points, len(bodies))
    return _table(bodies, measured, attributes, system, told, name, _origin(head))


def head_of(documents: list[object], name: str) -> dict[str, object]:
    """Return the document, or the first line of several, if its version can be read."""
    head = mapping(documents[0])
    version = str(head.get("version", ""))
    if not is_cityjson(head) or version[:3] not in VERSIONS:
        message = (
            f"CityJSON must be of version {', '.join(VERSIONS)}, {name} says "
            f"{version[:20]!r}; convert it, for example with cjio upgrade"
        )
        raise SourceError(message)
    return head


def gather_city(documents: list[object], name: str) -> _City:
    """Collect objects of the document and of the features that follow it."""
    city = _City()
    for document in documents:
        city.add(mapping(document), name)
    return city


def _choose(objects: dict[str, dict[str, object]], notes: list[str]) -> list[_Body]:
    """Choose the geometry of every building and part, at each building's best level."""
    parents = {
        str(child): key
        for key, thing in objects.items()
        for child in sequence(thing.get("children"))
    }
    bodies: list[_Body] = []
    instances = 0
    for key, thing in objects.items():
        kind = thing.get("type")
        if kind not in ("Building", "BuildingPart"):
            continue
        listed = [mapping(geometry) for geometry in sequence(thing.get("geometry"))]
        instances += sum(g.get("type") == "GeometryInstance" for g in listed)
        usable = [g for g in listed if g.get("type") in _DEPTHS]
        if not usable:
            continue
        best = max(usable, key=_level)
        parent = key
        if kind == "BuildingPart":
            stated = sequence(thing.get("parents"))
            parent = str(stated[0]) if stated else parents.get(key, key)
        bodies.append(_Body(key, parent, _level(best), best))
    if instances:
        notes.append(f"{count_things(instances, 'geometry template')} left out")
    whole: dict[str, int] = {}
    for body in bodies:
        whole[body.building] = max(whole.get(body.building, -1), int(body.level))
    kept = [body for body in bodies if int(body.level) == whole[body.building]]
    if len(kept) < len(bodies):
        notes.append(
            f"{count_things(len(bodies) - len(kept), 'geometry', 'geometries')} of a "
            "building known in more detail by its parts (or they by it) left out"
        )
    return kept


_DEPTHS = {
    "MultiSurface": 0,
    "CompositeSurface": 0,
    "Solid": 1,
    "MultiSolid": 2,
    "CompositeSolid": 2,
}
"""Levels of lists around the faces of a geometry."""


def _level(geometry: dict[str, object]) -> float:
    """Level of detail, -1 where none is told."""
    try:
        level = float(str(geometry.get("lod")))
    except ValueError:
        return -1.0
    return level if 0.0 <= level < 10.0 else -1.0


def _faces_of(geometry: dict[str, object]) -> Iterator[tuple[list[list[int]], int]]:
    """Rings and kind of each face of the outer shells of a geometry."""
    semantics = mapping(geometry.get("semantics"))
    surfaces = sequence(semantics.get("surfaces"))
    kinds = [KINDS.get(str(mapping(s).get("type")), OTHER) for s in surfaces]
    depth = _DEPTHS[str(geometry["type"])]
    shells: list[tuple[object, object]] = [
        (geometry.get("boundaries"), semantics.get("values"))
    ]
    for level in range(depth):
        inner = []
        for boundaries, values in shells:
            pairs = list(_paired(boundaries, values))
            # The first shell of a solid is its outside; those after it are hollows.
            inner += pairs[:1] if level == depth - 1 else pairs
        shells = inner
    for boundaries, values in shells:
        for rings, value in _paired(boundaries, values):
            kind = 0
            if isinstance(value, int) and 0 <= value < len(kinds):
                kind = kinds[value]
            yield [sequence(ring) for ring in sequence(rings)], kind  # type: ignore[misc]


def _paired(boundaries: object, values: object) -> Iterable[tuple[object, object]]:
    """Members of boundaries with their values, None where there are none."""
    inside, told = sequence(boundaries), sequence(values)
    told = told + [None] * (len(inside) - len(told))
    return zip(inside, told, strict=False)


def points_city(head: dict[str, object], city: _City) -> FloatArray:
    """Places of all vertices [m], NaN where they are absurd."""
    xyz = np.concatenate(city.vertices)
    transform = mapping(head.get("transform"))
    if transform:
        scale = np.array(transform["scale"], dtype=np.float64).reshape(3)
        translate = np.array(transform["translate"], dtype=np.float64).reshape(3)
        with np.errstate(over="ignore", invalid="ignore"):
            xyz = xyz * scale + translate
    sane = (np.abs(xyz) <= MOST_COORDINATE).min(axis=1, initial=True, keepdims=True)
    return np.where(sane, xyz, np.nan)


def _check_vertices(faces: Faces, points: FloatArray, name: str) -> None:
    """Refuse faces of vertices that do not exist."""
    if not len(faces.vertices):
        return
    numbers = np.array(faces.vertices, dtype=np.int64)
    if numbers.min() < 0 or numbers.max() >= len(points):
        message = (
            f"faces of {name} must use its {len(points):,} vertices, one uses number "
            f"{numbers.max() if numbers.max() >= len(points) else numbers.min()}"
        )
        raise ValueError(message)


def system_city(head: dict[str, object], name: str, notes: list[str]) -> CRS | None:
    """Find the reference system, None where none is stated."""
    metadata = mapping(head.get("metadata"))
    told = metadata.get("referenceSystem") or mapping(metadata.get("crs")).get("epsg")
    if not told:
        notes.append("reference system not stated")
        return None
    found = _EPSG.search(str(told)[:200])
    try:
        system = CRS.from_user_input(int(found.group(1)) if found else str(told)[:200])
    except ProjCrsError as error:
        message = f"the reference system of {name} must be known, got {str(told)[:60]!r}"
        raise CrsError(message) from error
    if system.is_geographic:
        message = (
            f"a city model must be in metres, {name} is in degrees ({system.name}); "
            "convert it, for example with cjio crs_reproject"
        )
        raise CrsError(message)
    return system


def _table(
    bodies: list[_Body],
    measured: Measured,
    attributes: dict[str, list[object]],
    system: CRS | None,
    notes: list[str],
    name: str,
    origin: Origin,
) -> SourceTable:
    """Describe bodies in the columns of this twin."""
    has = np.array([shape is not None for shape in measured.footprints], dtype=np.bool_)
    if not has.any():
        message = (
            f"buildings of {name} must have faces that cover ground, none has; check it"
        )
        raise TableError(message)
    ids = np.array([body.identity for body in bodies], dtype=object)
    if not has.all():
        count = count_things(int((~has).sum()), "object")
        notes.append(
            f"{count} without faces that cover ground left out ({name_some(ids[~has])})"
        )
    if measured.projected.any():
        count = count_things(int(measured.projected.sum()), "footprint")
        notes.append(f"{count} taken as seen from above, for want of a base")
    metre = _metres_per_unit(system, notes)
    extent = (measured.top - measured.ground) * metre
    has_height = extent >= LEAST_HEIGHT
    stated = to_floats(attributes["stated"])
    levels = np.array([body.level for body in bodies])
    source = np.array(
        [f"CityJSON, level of detail {level:g}" for level in levels], dtype=object
    )
    by_attribute = ~has_height & ~np.isnan(stated)
    _note_heights(extent, stated, has_height, by_attribute, notes)
    told = pd.Series(levels).value_counts().sort_index()
    listed = ", ".join(f"{level:g}: {count:,}" for level, count in told.items())
    notes.append(f"objects by level of detail: {listed}")
    frame = gpd.GeoDataFrame(
        {
            "part": ids,
            "building": np.array([body.building for body in bodies], dtype=object),
            "name": to_words(attributes["name"]),
            "use": to_words(attributes["use"]),
            "year": np.array([to_year(value) for value in attributes["year"]]),
            "height": np.where(has_height, extent, stated),
            "height_source": np.where(
                has_height, source, np.where(by_attribute, "attribute measuredHeight", "")
            ),
            "ground": np.where(has_height, measured.ground * metre, np.nan),
            "roof": np.where(has_height, measured.top * metre, np.nan),
            "building:levels": to_floats(attributes["building:levels"]),
            "roof:shape": to_roof_shapes(
                attributes["roof:shape"], measured.is_flat & (levels >= 2.0)
            ),
            "roof:height": np.where(
                has_height & (levels >= 2.0), measured.roof_height * metre, np.nan
            ),
        },
        geometry=measured.footprints,
        crs=system,
    )[has]
    empty = [
        column
        for column in ("building:levels", "roof:shape", "roof:height", "ground", "roof")
        if frame[column].isna().all() or (frame[column] == "").all()
    ]
    return SourceTable(
        frame=frame.drop(columns=empty).reset_index(drop=True),
        notes=tuple(notes),
        origin=origin,
    )


def _metres_per_unit(system: CRS | None, notes: list[str]) -> float:
    """Length of the unit of heights, which is that of the plan if only that is told [m]."""
    axis = system.axis_info[-1] if system is not None and system.axis_info else None
    factor = 1.0 if axis is None else float(axis.unit_conversion_factor)
    if axis is not None and factor != 1.0:
        notes.append(f"heights converted from {axis.unit_name} to metres")
    return factor


def _origin(head: dict[str, object]) -> Origin:
    """Whose model it is, as far as its metadata tells."""
    metadata = mapping(head.get("metadata"))
    contact = mapping(metadata.get("pointOfContact"))
    owner = contact.get("organization") or contact.get("contactName") or "not stated"
    title = metadata.get("title") or "CityJSON city model"
    year = to_year(metadata.get("referenceDate"))
    return Origin(
        provider=" ".join(str(owner).split())[:80],
        dataset=" ".join(str(title).split())[:80],
        licence="not stated",
        credit="",
        year=None if np.isnan(year) else int(year),
    )


def _note_heights(
    extent: FloatArray,
    stated: FloatArray,
    has_height: npt.NDArray[np.bool_],
    by_attribute: npt.NDArray[np.bool_],
    notes: list[str],
) -> None:
    """Note which heights are only stated, and which disagree with the geometry."""
    if by_attribute.any():
        count = count_things(int(by_attribute.sum()), "height")
        notes.append(f"{count} by measuredHeight, as the geometry has none")
    apart = has_height & (np.abs(extent - stated) > DISAGREES)
    if apart.any():
        count = count_things(int(apart.sum()), "modelled height")
        worst = float(np.nanmax(np.abs(extent - stated)[apart]))
        notes.append(
            f"{count} more than {DISAGREES:g} m off measuredHeight (up to {worst:.1f} m), "
            "the model taken"
        )
