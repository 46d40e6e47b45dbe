"""Write buildings as CityJSON 2.0."""

import itertools
import json
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from gis.district import District
from gis.errors import TableError
from gis.files import atomic_path
from meshes.polygons import FloatArray, IntArray
from meshes.solids import Kind, Solids

COMPOUND_EPSG = 5847
"""SWEREF99 13 30 + RH2000 height; PROJ splits it into EPSG:3008 and EPSG:5613."""

REFERENCE_SYSTEM = f"https://www.opengis.net/def/crs/EPSG/0/{COMPOUND_EPSG}"

LOD = "1.2"
"""Blocks from footprints with one height each, after Biljecki et al. 2016."""

SCALE = 0.0001
"""Grid of the coordinates [m]. At 1 mm, corners of real outlines fall together and solids
become invalid, as the authors of the roofer reconstruction found; at 0.1 mm they stay."""

DECIMALS = 3
"""Digits kept of attributes after the point."""

SURFACES = {
    Kind.ROOF: "RoofSurface",
    Kind.WALL: "WallSurface",
    Kind.GROUND: "GroundSurface",
}

Faces = list[tuple[int, list[IntArray]]]
Json = dict[str, object]


def write_cityjson(
    path: Path,
    district: District,
    solids: Solids,
    *,
    attributes: pd.DataFrame | None = None,
) -> None:
    """Write one city object per building, with parts of its own where it has several.

    Parameters
    ----------
    path : Path
        Usually ends in ``.city.json``.
    district : District
        Names, uses, years, heights and their sources, credits.
    solids : Solids
        Closed solids of its building parts, in the order of its buildings table.
    attributes : DataFrame, optional
        Results by building: its index holds building ids, every column becomes an
        attribute of its name. Missing values are left out, numbers rounded to 0.001.

    Raises
    ------
    TableError
        If solids, results and district do not belong together, or a result is infinite.
    OutputError
        If the file cannot be written.

    Notes
    -----
    Coordinates are written east, north, up, as every CityJSON reader expects them, although
    EPSG registers the system as north, east, up. The standard prescribes no attribute names
    since version 2.0; ``measuredHeight``, ``function`` and ``yearOfConstruction`` are those
    of CityGML. The height is the one above ground of the highest part; how it is known
    stands in ``height_source``. Equal input gives equal bytes.
    """
    _check(district, solids, attributes)
    vertices, faces = _quantise(solids)
    extent = _extent(vertices, solids.origin)
    metadata: Json = {
        "title": _title(district),
        "referenceSystem": REFERENCE_SYSTEM,
        "geographicalExtent": extent,
        "credits": list(district.credits),
    }
    document: Json = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {
            "scale": [SCALE, SCALE, SCALE],
            "translate": [float(value) for value in solids.origin],
        },
        "metadata": metadata,
        "CityObjects": _city_objects(district, solids, faces, attributes),
        "vertices": vertices.tolist(),
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
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


def _extent(vertices: IntArray, origin: FloatArray) -> list[float]:
    """Return smallest and largest east, north, up [m]."""
    corners = np.concatenate([vertices.min(axis=0), vertices.max(axis=0)])
    extent: list[float] = (corners * SCALE + np.tile(origin, 2)).round(4).tolist()
    return extent


def _city_objects(
    district: District, solids: Solids, faces: Faces, attributes: pd.DataFrame | None
) -> Json:
    """Return the buildings and their parts by id."""
    bounds = np.searchsorted(solids.part, np.arange(len(solids.parts) + 1))
    geometry = {
        part: _solid(faces[bounds[k] : bounds[k + 1]])
        for k, part in enumerate(solids.parts)
    }
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


def _solid(faces: Faces) -> Json:
    """Return one solid of one shell with a meaning for every face."""
    kept = [(kind, rings) for kind, rings in faces if rings]
    order = list(SURFACES)
    return {
        "type": "Solid",
        "lod": LOD,
        "boundaries": [[[ring.tolist() for ring in rings] for _, rings in kept]],
        "semantics": {
            "surfaces": [{"type": name} for name in SURFACES.values()],
            "values": [[order.index(Kind(kind)) for kind, _ in kept]],
        },
    }


def _building_attributes(group: pd.DataFrame) -> Json:
    """Describe a building by its highest part and by the first known name, use and year."""
    highest = group.iloc[int(group["height"].argmax())].copy()
    for column in ("name", "use", "year"):
        known = [value for value in group[column] if _is_known(value)]
        highest[column] = known[0] if known else ""
    return _attributes(highest)


def _attributes(row: pd.Series) -> Json:
    """Describe a part in the words of CityGML, without what is unknown."""
    year = row["year"]
    named = {
        "name": row["name"],
        "function": row["use"],
        "yearOfConstruction": int(year) if _is_known(year) else "",
        "measuredHeight": row["height"],
        "height_source": row["height_source"],
        "base_source": row["base_source"],
    }
    return _known(named.items())


def _results(attributes: pd.DataFrame, building: str) -> Json:
    """Return the results of one building."""
    if building not in attributes.index:
        return {}
    row = attributes.loc[building]
    return _known((str(name), row[name]) for name in attributes.columns)


def _is_known(value: object) -> bool:
    """Whether a value of a table is neither missing nor empty."""
    return value is not None and value != "" and not pd.isna(value)  # type: ignore[call-overload]


def _known(values: Iterable[tuple[str, object]]) -> Json:
    """Keep what is known, as plain values of JSON."""
    return {name: _plain(name, value) for name, value in values if _is_known(value)}


def _plain(name: str, value: object) -> object:
    """Return a value as JSON knows it, fractions rounded."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            message = f"results must be finite or missing, got {name}={value}"
            raise TableError(message)
        return round(float(value), DECIMALS)
    return str(value)
