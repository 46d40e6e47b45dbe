"""Write buildings as CityJSON 2.0."""

import datetime
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gis.district import District
from gis.errors import GeometryError, TableError
from gis.faults import count_things
from gis.files import atomic_path
from meshes.formats.cityjson_around import around_objects
from meshes.formats.cityjson_sequence import to_sequence
from meshes.formats.cityjson_values import is_known, known
from meshes.formats.surroundings import Surroundings
from meshes.polygons import FloatArray, IntArray, make_polygons
from meshes.predicates import examine
from meshes.solids import Kind, Solids

COMPOUND_EPSG = 5847
"""SWEREF99 13 30 + RH2000 height; PROJ splits it into EPSG:3008 and EPSG:5613."""

REFERENCE_SYSTEM = f"https://www.opengis.net/def/crs/EPSG/0/{COMPOUND_EPSG}"

LOD = "1.2"
"""Blocks from footprints with one height each, after Biljecki et al. 2016."""

SCALE = 0.0001
"""Grid of the coordinates [m]. At 1 mm, corners of real outlines fall together and solids
become invalid, as the authors of the roofer reconstruction found; at 0.1 mm they stay."""

SURFACES = {
    Kind.ROOF: "RoofSurface",
    Kind.WALL: "WallSurface",
    Kind.GROUND: "GroundSurface",
    Kind.UNDERSIDE: "OuterCeilingSurface",
}

_LOD = re.compile(r"[0-3](\.[0-3])?")

Faces = list[tuple[int, list[IntArray]]]
Json = dict[str, object]


def write_cityjson(
    path: Path,
    district: District,
    solids: Solids,
    *,
    attributes: pd.DataFrame | None = None,
    surfaces: pd.DataFrame | None = None,
    lod: str | Sequence[str] = LOD,
    reference_date: datetime.date | None = None,
    contact: Mapping[str, str] | None = None,
    surroundings: Surroundings | None = None,
) -> None:
    """Write one city object per building, with parts of its own where it has several.

    Parameters
    ----------
    path : Path
        Usually ends in ``.city.json``; if it ends in ``.jsonl``, CityJSONSeq is written,
        one building a line.
    district : District
        Names, uses, years, heights and their sources, credits.
    solids : Solids
        Closed solids of its building parts, in the order of its buildings table.
    attributes : DataFrame, optional
        Results by building: its index holds building ids, every column becomes an
        attribute of its name. Missing values are left out, numbers rounded to 0.001.

    surfaces : DataFrame, optional
        Results by face: one row for each face of ``solids``, in their order; each face
        then has a semantic surface of its own with every column as an attribute.
    lod : str or sequence of str
        Level of detail, such as ``"2.0"``, of all parts or of each.
    reference_date : date, optional
        When the model held.
    contact : mapping, optional
        Who answers for it: at least ``contactName`` and ``emailAddress``.
    surroundings : Surroundings, optional
        Ground, water and trees of the same district, with the solids' origin.

    Raises
    ------
    TableError
        If solids, results, surroundings and district do not belong together, or a result
        is infinite.
    GeometryError
        If a solid would not be valid in the file, or a level of detail is none.
    OutputError
        If the file cannot be written.

    Notes
    -----
    Coordinates are written east, north, up, as every CityJSON reader expects them, although
    EPSG registers the system as north, east, up. The standard prescribes no attribute names
    since version 2.0; ``measuredHeight``, ``function`` and ``yearOfConstruction`` are those
    of CityGML. The height is the one above ground of the highest part; how it is known
    stands in ``height_source``. Equal input gives equal bytes. Buildings are the same with
    and without surroundings, to the numbers of their vertices.
    """
    _check(district, solids, attributes)
    levels = _levels(solids, lod)
    told = _surface_rows(solids, surfaces)
    vertices, faces = _quantise(solids)
    check_written(solids, vertices, faces)
    geometry = _geometry(solids, faces, levels, told)
    objects = _city_objects(district, geometry, attributes)
    low, high = vertices.min(axis=0) * SCALE, vertices.max(axis=0) * SCALE
    templates: Json = {}
    if surroundings is not None:
        around = around_objects(
            surroundings, district.trees, vertices, scale=SCALE, taken=objects
        )
        objects |= around.objects
        vertices = around.vertices
        low, high = np.minimum(low, around.low), np.maximum(high, around.high)
        templates = around.templates
    metadata: Json = {
        "title": _title(district),
        "referenceSystem": REFERENCE_SYSTEM,
        "geographicalExtent": _extent(low, high, solids.origin),
        "credits": list(district.credits),
    }
    if reference_date is not None:
        metadata["referenceDate"] = reference_date.isoformat()
    if contact is not None:
        metadata["pointOfContact"] = _contact(contact)
    document: Json = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {
            "scale": [SCALE, SCALE, SCALE],
            "translate": [float(value) for value in solids.origin],
        },
        "metadata": metadata,
        "CityObjects": objects,
        "vertices": vertices.tolist(),
    }
    if templates:
        document["geometry-templates"] = templates
    lines = to_sequence(document) if path.suffix == ".jsonl" else [document]
    text = "\n".join(
        json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        for line in lines
    )
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode())


def _check(district: District, solids: Solids, attributes: pd.DataFrame | None) -> None:
    """Refuse solids or results of another district."""
    if solids.parts != tuple(district.buildings.index):
        message = (
            f"solids must be those of the district's {len(district.buildings)} parts in "
            f"their order, got {len(solids.parts)} parts; make them with lod1_solids"
        )
        raise TableError(message)
    if attributes is None:
        return
    repeated = attributes.index[attributes.index.duplicated()]
    unknown = attributes.index.difference(pd.Index(district.buildings["building"]))
    for what, ids in (("unknown", unknown), ("repeated", repeated)):
        if len(ids):
            message = (
                f"results must have one row per building of the district, got {len(ids)} "
                f"{what} ids: {', '.join(str(name) for name in ids[:5])}"
            )
            raise TableError(message)


def _levels(solids: Solids, lod: str | Sequence[str]) -> list[str]:
    """Return the level of detail of each part."""
    levels = [lod] * len(solids.parts) if isinstance(lod, str) else list(lod)
    if len(levels) != len(solids.parts):
        message = (
            f"levels of detail must be one or one per part, of {len(solids.parts)} parts, "
            f"got {len(levels)}"
        )
        raise GeometryError(message)
    odd = [
        level for level in levels if not (isinstance(level, str) and _LOD.fullmatch(level))
    ]
    if odd:
        message = (
            f"a level of detail must be a text such as 1.2 or 2, got {odd[0]!r}; "
            "see Biljecki et al. 2016"
        )
        raise GeometryError(message)
    return levels


def _surface_rows(solids: Solids, surfaces: pd.DataFrame | None) -> list[Json] | None:
    """Return the results of each face."""
    if surfaces is None:
        return None
    if len(surfaces) != len(solids.faces):
        message = (
            f"results must have one row per face, of {len(solids.faces)} faces, got "
            f"{len(surfaces)}; make them from these solids"
        )
        raise TableError(message)
    names = [str(name) for name in surfaces.columns]
    rows = surfaces.itertuples(index=False, name=None)
    return [known(zip(names, row, strict=True)) for row in rows]


def _contact(contact: Mapping[str, str]) -> Json:
    """Return who answers for the model, as the standard asks for it."""
    missing = {"contactName", "emailAddress"} - set(contact)
    if missing:
        message = f"a contact must have {' and '.join(sorted(missing))}; add them"
        raise TableError(message)
    return dict(contact)


def check_written(solids: Solids, vertices: IntArray, faces: Faces) -> None:
    """Refuse solids that are not valid once their corners lie on the grid.

    Parameters
    ----------
    solids : Solids
        What shall be written.
    vertices : (v, 3) int
        Corners on the grid of `SCALE`.
    faces : list of (int, list of (n,) int)
        Kind and rings of corner numbers of each face of ``solids``; no ring where the
        face fell together.

    Raises
    ------
    GeometryError
        With the faults of the first parts; see `meshes.predicates.Code`.
    """
    corners: FloatArray = np.multiply(vertices, SCALE, dtype=np.float64)
    kept = [number for number, (_, rings) in enumerate(faces) if rings]
    written = Solids(
        faces=make_polygons([[corners[ring] for ring in faces[k][1]] for k in kept]),
        kind=solids.kind[kept],
        part=solids.part[kept],
        parts=solids.parts,
        origin=solids.origin,
    )
    faults = examine(written).table
    if len(faults):
        first = faults.drop_duplicates("part")
        told = "; ".join(
            f"{row.part}: {row.code} {row.name}"
            for row in first.head(3).itertuples(index=False)
        )
        message = (
            f"only valid solids can be written, {count_things(len(first), 'part')} "
            f"{'is' if len(first) == 1 else 'are'} not ({told}); give them a simpler form"
        )
        raise GeometryError(message)


def _title(district: District) -> str:
    """Name the model and say so if it is not surveyed."""
    return (
        f"{district.name}, schematic, not survey data"
        if district.schematic
        else district.name
    )


def _quantise(solids: Solids) -> tuple[IntArray, Faces]:
    """Round the corners to the grid and list each face's kind and rings of corner numbers.

    Corners that fall together are one corner: rings lose repeated corners, faces that
    are left without an area are dropped. Both sides of an edge lose the same, so that a
    closed solid stays closed.
    """
    polygons = solids.faces
    grid = np.rint(polygons.vertices / SCALE).astype(np.int64)
    vertices, number = np.unique(grid, axis=0, return_inverse=True)
    number = number.reshape(-1)
    starts = polygons.ring_start
    rings = [_without_repeats(number[a:b]) for a, b in itertools.pairwise(starts)]
    faces: Faces = []
    for face, first in enumerate(polygons.polygon_start[:-1]):
        outline, *holes = rings[first : polygons.polygon_start[face + 1]]
        kept = [outline, *(hole for hole in holes if len(hole) > 2)]
        faces.append((int(solids.kind[face]), kept if len(outline) > 2 else []))
    used = np.unique(np.concatenate([ring for _, rings in faces for ring in rings]))
    renumbered = np.zeros(len(vertices), np.int64)
    renumbered[used] = np.arange(len(used))
    return vertices[used], [(kind, [renumbered[r] for r in rings]) for kind, rings in faces]


def _without_repeats(ring: IntArray) -> IntArray:
    """Drop corners equal to the one before them, around the ring."""
    kept: IntArray = ring[ring != np.roll(ring, 1)]
    return kept


def _extent(low: FloatArray, high: FloatArray, origin: FloatArray) -> list[float]:
    """Return smallest and largest east, north, up [m]."""
    extent: list[float] = np.r_[low + origin, high + origin].round(4).tolist()
    return extent


def _geometry(
    solids: Solids, faces: Faces, levels: list[str], told: list[Json] | None
) -> dict[str, Json]:
    """Return the solid of each part."""
    order = np.argsort(solids.part, kind="stable")
    bounds = np.searchsorted(solids.part[order], np.arange(len(solids.parts) + 1))
    geometry = {}
    for k, part in enumerate(solids.parts):
        mine = [n for n in order[bounds[k] : bounds[k + 1]].tolist() if faces[n][1]]
        rows = None if told is None else [told[n] for n in mine]
        geometry[part] = _solid([faces[n] for n in mine], levels[k], rows)
    return geometry


def _city_objects(
    district: District, geometry: dict[str, Json], attributes: pd.DataFrame | None
) -> Json:
    """Return the buildings and their parts by id."""
    rows = district.buildings.drop(columns="geometry")
    taken = set(rows["building"])
    objects: Json = {}
    for building, group in rows.groupby("building", sort=False):
        results = {} if attributes is None else _results(attributes, str(building))
        described = {**_building_attributes(group), **results}
        name = str(building)
        if len(group) == 1:
            objects[name] = {
                "type": "Building",
                "attributes": described,
                "geometry": [geometry[group.index[0]]],
            }
            continue
        children = {part: _child_id(part, taken) for part in group.index}
        objects[name] = {
            "type": "Building",
            "attributes": described,
            "children": list(children.values()),
        }
        for part, child in children.items():
            objects[child] = {
                "type": "BuildingPart",
                "attributes": _attributes(group.loc[part]),
                "geometry": [geometry[part]],
                "parents": [name],
            }
    return objects


def _child_id(part: str, taken: set[str]) -> str:
    """Return an id for a part that no other city object has."""
    child = part
    while child in taken:
        child += "-part"
    taken.add(child)
    return child


def _solid(faces: Faces, lod: str, told: list[Json] | None) -> Json:
    """Return one solid of one shell with a meaning for every face."""
    surfaces: list[Json]
    if told is None:
        order = [kind for kind in SURFACES if any(kind == own for own, _ in faces)]
        surfaces = [{"type": SURFACES[kind]} for kind in order]
        values = [order.index(Kind(kind)) for kind, _ in faces]
    else:
        surfaces = [
            {"type": SURFACES[Kind(kind)], **row}
            for (kind, _), row in zip(faces, told, strict=True)
        ]
        values = list(range(len(faces)))
    return {
        "type": "Solid",
        "lod": lod,
        "boundaries": [[[ring.tolist() for ring in rings] for _, rings in faces]],
        "semantics": {"surfaces": surfaces, "values": [values]},
    }


def _building_attributes(group: pd.DataFrame) -> Json:
    """Describe a building by its highest part and by the first known name, use and year."""
    highest = group.iloc[int(group["height"].argmax())].copy()
    for column in ("name", "use", "year"):
        found = [value for value in group[column] if is_known(value)]
        highest[column] = found[0] if found else ""
    return _attributes(highest)


def _attributes(row: pd.Series) -> Json:
    """Describe a part in the words of CityGML, without what is unknown."""
    named = {
        "name": row["name"],
        "function": row["use"],
        "yearOfConstruction": _whole(row["year"]),
        "measuredHeight": row["height"],
        "height_source": row["height_source"],
        "height_year": _whole(row["height_year"]),
        "height_uncertainty_m": row["height_uncertainty"],
        "eaves_height_m": row["eaves"],
        "ridge_height_m": row["ridge"],
        "base_elevation_m": row["base"],
        "base_source": row["base_source"],
        "source_id": row["given"],
    }
    return known(named.items())


def _whole(year: object) -> object:
    """Return a year as a whole number, unknown ones as they are."""
    return int(float(str(year))) if is_known(year) else year


def _results(attributes: pd.DataFrame, building: str) -> Json:
    """Return the results of one building."""
    if building not in attributes.index:
        return {}
    row = attributes.loc[building]
    return known((str(name), row[name]) for name in attributes.columns)
