"""Read city models of CityJSON as solids, keeping all else they hold."""

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer

from gis.crs import WGS84, horizontal
from gis.errors import CrsError, GeometryError, HeidiError, SourceError
from gis.faults import count_things, name_some
from gis.sources import json_text
from gis.sources.cityjson import (
    documents_of,
    gather_city,
    head_of,
    points_city,
    system_city,
)
from gis.sources.json_text import mapping
from meshes.formats.cityjson_bodies import Body, choose_bodies
from meshes.formats.cityjson_faces import CleanFaces, clean_faces, kinds_of
from meshes.formats.cityjson_gather import FaceTable, Templates, gather_faces
from meshes.formats.cityjson_model import CityModel
from meshes.polygons import FloatArray
from meshes.solids import Solids

Json = dict[str, object]


def read_city_model(path: Path, *, lod: str | None = None) -> CityModel:
    """Read a city model.

    Parameters
    ----------
    path : Path
        CityJSON 1.0, 1.1 or 2.0, or CityJSONSeq.
    lod : str, optional
        Level of detail of the buildings, such as ``"1.2"``; by default the highest of each.

    Returns
    -------
    CityModel
        Buildings as solids turned outward, with planar faces; the documents as they were.

    Raises
    ------
    SourceError
        If the file is missing, damaged, too large or not CityJSON.
    CrsError
        If its reference system is unknown, in degrees or in other units than metres.
    GeometryError
        If it holds no building with faces, or none at the level of detail.

    Notes
    -----
    Roofs, walls and ground faces are told by their labels, and what has no label by the
    direction it looks to. A closed shell whose volume is negative is turned inside out.
    Hollows inside of solids are left out, as no light gets there. The file's coordinates
    are kept but for a shift to a local origin, so that corners that meet stay equal.
    """
    text, notes = json_text.decode(json_text.read_bytes(path), path.name)
    return city_model_of(documents_of(text, path.name), path.name, lod=lod, notes=notes)


def city_model_of(
    documents: list[object],
    name: str,
    *,
    lod: str | None = None,
    notes: tuple[str, ...] = (),
) -> CityModel:
    """Take solids out of parsed CityJSON.

    Parameters
    ----------
    documents : list
        One document, or the first line and the features of CityJSONSeq.
    name : str
        Of the file, for messages.
    lod : str, optional
        Level of detail of the buildings.
    notes : tuple of str
        What was met before.

    Returns
    -------
    CityModel
        As `read_city_model` has it, with its errors.
    """
    version = str(head_of(documents, name)["version"])
    told = list(notes)
    try:
        return _model(documents, name, lod, told)
    except HeidiError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        message = (
            f"{name} must be formed as CityJSON {version}, it is not "
            f"({type(error).__name__}: {' '.join(str(error).split())[:80]}); validate it, "
            "for example with cjval"
        )
        raise SourceError(message) from error


def _model(
    documents: list[object], name: str, lod: str | None, notes: list[str]
) -> CityModel:
    """Build the model of well-formed documents."""
    head = mapping(documents[0])
    city = gather_city(documents, name)
    if city.repeated:
        notes.append(f"{count_things(city.repeated, 'repeated object')} counted once")
    templates = Templates.of(head)
    bodies, others = choose_bodies(
        city.objects, templates.of_instance, lod=lod, notes=notes
    )
    system = _metric(system_city(head, name, notes), name)
    points = points_city(head, city)
    table, corners = gather_faces(bodies, city.shifts, points, templates, name)
    origin = _origin(corners[table.corner])
    faces = clean_faces(table, corners, origin, turn=True, notes=notes)
    if not len(faces.source):
        message = (
            f"a city model must hold buildings with faces, {name} has none; "
            "give a file with Building objects of LoD1 or more"
        )
        raise GeometryError(message)
    if table.hollows:
        notes.append(f"{count_things(table.hollows, 'hollow')} inside of solids left out")
    solids, kept = _solids(faces, table, bodies, origin, notes)
    closed = _closed_parts(faces, table, len(bodies))[kept]
    if not closed.all():
        names = name_some(np.array(solids.parts, object)[~closed])
        count = count_things(int((~closed).sum()), "building part")
        notes.append(f"{count} not closed ({names})")
    chosen = [bodies[k] for k in kept]
    surroundings = _others(others, city.shifts, points, templates, origin, name, notes)
    levels = Counter(body.lod or "untold" for body in chosen)
    listed = ", ".join(f"{level}: {count:,}" for level, count in sorted(levels.items()))
    notes.append(f"building parts by level of detail: {listed}")
    latitude, longitude, convergence = _place(system, solids)
    return CityModel(
        name=name,
        documents=tuple(mapping(document) for document in documents),
        solids=solids,
        building=tuple(body.building for body in chosen),
        lod=tuple(body.lod for body in chosen),
        geometry=np.array([body.position for body in chosen], np.int64),
        closed=closed,
        surface=table.number[faces.source],
        others=surroundings[0].polygons,
        other_types=surroundings[1],
        system=system,
        latitude=latitude,
        longitude=longitude,
        convergence=convergence,
        notes=tuple(notes),
    )


def _metric(system: CRS | None, name: str) -> CRS | None:
    """Refuse a system whose lengths are not metres."""
    units = {axis.unit_name for axis in system.axis_info} if system is not None else set()
    odd = units - {"metre"}
    if odd:
        message = (
            f"a city model must be in metres, {name} is in {', '.join(sorted(odd))}; "
            "convert it, for example with cjio crs_reproject"
        )
        raise CrsError(message)
    return system


def _origin(corners: FloatArray) -> FloatArray:
    """Return a round point near the middle of the corners, height 0 [m]."""
    sane = corners[~np.isnan(corners).any(axis=1)]
    if not len(sane):
        return np.zeros(3)
    middle = (sane.min(axis=0) + sane.max(axis=0)) / 2
    rounded: FloatArray = np.round(middle / 100) * 100 * [1, 1, 0]
    return rounded


def _solids(
    faces: CleanFaces,
    table: FaceTable,
    bodies: list[Body],
    origin: FloatArray,
    notes: list[str],
) -> tuple[Solids, NDArray[np.int64]]:
    """Return the solids, and the bodies that have faces left."""
    body = table.body[faces.source]
    kept, part = np.unique(body, return_inverse=True)
    if len(kept) < len(bodies):
        lost = count_things(len(bodies) - len(kept), "building part")
        notes.append(f"{lost} without a face left out")
    solids = Solids(
        faces=faces.polygons,
        kind=kinds_of(faces.polygons, table.label[faces.source], notes),
        part=part.astype(np.int32),
        parts=tuple(bodies[k].identity for k in kept),
        origin=origin,
    )
    return solids, kept


def _closed_parts(faces: CleanFaces, table: FaceTable, count: int) -> NDArray[np.bool_]:
    """Tell which bodies have nothing but closed shells."""
    body_of_shell = np.zeros(len(table.is_surface), np.int64)
    body_of_shell[table.shell] = table.body
    open_shells = np.bincount(body_of_shell[~faces.closed], minlength=count)
    closed: NDArray[np.bool_] = open_shells == 0
    return closed


def _others(
    bodies: list[Body],
    shifts: dict[str, int],
    points: FloatArray,
    templates: Templates,
    origin: FloatArray,
    name: str,
    notes: list[str],
) -> tuple[CleanFaces, tuple[str, ...]]:
    """Return the surfaces of objects that are no buildings, with their types."""
    table, corners = gather_faces(bodies, shifts, points, templates, name)
    told: list[str] = []
    faces = clean_faces(table, corners, origin, turn=False, notes=told)
    notes += [f"other objects: {note}" for note in told]
    kinds = Counter(body.kind for body in bodies)
    if kinds:
        listed = ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()))
        notes.append(f"other objects, taken as bare surfaces: {listed}")
    return faces, tuple(bodies[k].kind for k in table.body[faces.source])


def _place(system: CRS | None, solids: Solids) -> tuple[float | None, float | None, float]:
    """Return latitude, longitude and meridian convergence of the middle [degrees]."""
    if system is None:
        return None, None, 0.0
    plane = horizontal(system)
    low, high = (extreme(solids.faces.vertices, axis=0) for extreme in (np.min, np.max))
    x, y = ((low + high) / 2 + solids.origin)[:2]
    longitude, latitude = Transformer.from_crs(plane, WGS84, always_xy=True).transform(x, y)
    if not (np.isfinite(longitude) and np.isfinite(latitude)):
        message = (
            f"the buildings must lie where {plane.name} holds, got x {x:.1f}, y {y:.1f}; "
            "correct the reference system"
        )
        raise CrsError(message)
    geodetic = plane.geodetic_crs
    own = Transformer.from_crs(plane, geodetic, always_xy=True).transform(x, y)
    convergence = float(Proj(plane).get_factors(*own).meridian_convergence)
    return float(latitude), float(longitude), convergence
