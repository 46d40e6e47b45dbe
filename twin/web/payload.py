"""Turn a lit district into what the 3D viewer draws."""

import base64
from collections.abc import Sequence

import numpy as np
import pandas as pd
import shapely
from numpy.typing import DTypeLike, NDArray

from gis.district import District
from gis.errors import TableError
from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray
from twin.web.atlas import Values, pack_atlas
from twin.web.colours import UNIT, ColourScale, irradiation_scale
from twin.web.sun_days import sun_days

PART_COLUMNS = (
    "building",
    "name",
    "use",
    "height",
    "roof_area",
    "roof_kwh_m2",
    "facade_area",
    "facade_kwh_m2",
    "pv_kwp",
    "pv_kwh",
    "pv_roof_kwh",
)
"""Columns that a table of results must have; its index holds the part ids."""

MARGIN = 90.0
"""Ground shown around the buildings [m]."""

MOST_GROUND_POINTS = 220
"""Points of the shown ground along its longer side."""

LABEL_ABOVE = 2.0
"""Height of a place's label above the ground or roof it names [m]."""

SMOOTHEST_CURVE = 0.25
"""Drawn outlines may leave the exact ones by so much [m]."""


def viewer_payload(
    district: District,
    facets: Facets,
    parts: pd.DataFrame,
    *,
    sensor_kwh_m2: Values,
    year: int,
) -> dict[str, object]:
    """Describe buildings, light, ground and sun as plain JSON values.

    Parameters
    ----------
    district : District
        Ground, water, places, trees.
    facets : Facets
        Geometry and sensor grids of its buildings.
    parts : DataFrame
        Results by part, columns `PART_COLUMNS`; NaN where unknown.
    sensor_kwh_m2 : (n,) float
        Irradiation of each sensor [kWh/m2 a year].
    year : int
        Year of the sun's path.

    Returns
    -------
    dict
        Numbers, strings, lists and base64 texts of little-endian arrays, for
        ``viewer_payload.js``. Coordinates are metres east, north, up of the local origin.

    Raises
    ------
    TableError
        If values and facets or results and parts do not belong together.
    """
    _check(facets, parts, sensor_kwh_m2)
    origin = facets.solids.origin
    scale = irradiation_scale(sensor_kwh_m2)
    atlas = pack_atlas(facets, sensor_kwh_m2, top=scale.top)
    positions, facet, triangles = _triangles(facets)
    return {
        "scale": _scale(scale),
        "mesh": {
            "position": _encode(positions, "<f4"),
            "texel": _encode(atlas.locate(facets, positions, facet), "<f4"),
            "index": _encode(triangles, "<u4"),
            "part": _encode(facets.part[facet[triangles[:, 0]]], "<u4"),
        },
        "atlas": {
            "width": atlas.texels.shape[1],
            "height": atlas.texels.shape[0],
            "values": _encode(atlas.texels, "u1"),
        },
        "ground": _ground(district, origin),
        "plan": {
            "name": district.name,
            "water": _outlines(district.water, origin),
            "boundary": _outlines(district.boundary, origin),
        },
        "trees": _trees(district, origin),
        "places": _places(district, origin),
        "parts": _parts(district, facets, parts),
        "sun": sun_days(district.latitude, district.longitude, year=year),
    }


def _check(facets: Facets, parts: pd.DataFrame, sensor_kwh_m2: Values) -> None:
    """Refuse results of another district."""
    if len(sensor_kwh_m2) != facets.sensor_count:
        message = (
            f"there must be one irradiation for each of the {facets.sensor_count} sensors, "
            f"got {len(sensor_kwh_m2)}; compute light and facets from the same buildings"
        )
        raise TableError(message)
    missing = [name for name in PART_COLUMNS if name not in parts.columns]
    if missing:
        found = ", ".join(map(str, parts.columns))
        message = f"the results by part must have the columns {missing}, got {found}"
        raise TableError(message)
    absent = sorted(set(facets.solids.parts) - set(parts.index))
    if absent:
        message = (
            f"each part must have results, {len(absent)} have none: "
            f"{', '.join(absent[:5])}; compute results and facets from the same buildings"
        )
        raise TableError(message)


def _encode(array: NDArray[np.generic], kind: DTypeLike) -> str:
    """Return an array's bytes, row by row, as base64."""
    return base64.b64encode(np.ascontiguousarray(array, dtype=kind).tobytes()).decode(
        "ascii"
    )


def _scale(scale: ColourScale) -> dict[str, object]:
    """Return the colours and what they mean."""
    return {
        "label": "Solar irradiation",
        "unit": UNIT,
        "max": scale.top,
        "ticks": scale.ticks,
        "colours": _encode(scale.colours, "u1"),
    }


def _triangles(facets: Facets) -> tuple[FloatArray, IntArray, IntArray]:
    """Return the facets' corners, the facet of each, and triangles of corners."""
    faces = facets.solids.faces
    facet_of_face = np.full(len(faces), -1, np.int64)
    facet_of_face[facets.face] = np.arange(len(facets))
    triangles, face = faces.triangles()
    triangles = triangles[facet_of_face[face] >= 0]
    facet_of_corner = np.repeat(facet_of_face, np.diff(faces.vertex_start))
    used = facet_of_corner >= 0
    renumbered = np.cumsum(used) - 1
    return faces.vertices[used], facet_of_corner[used], renumbered[triangles]


def _ground(district: District, origin: FloatArray) -> dict[str, object]:
    """Sample the ground around the buildings, water surfaces where there is water."""
    shown = shapely.union_all(
        [district.boundary, shapely.box(*district.buildings.total_bounds)]
    )
    west, south, east, north = shown.bounds
    west, south, east, north = west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN
    known = district.terrain.grid.bounds
    west, south = max(west, known[0]), max(south, known[1])
    east, north = min(east, known[2]), min(north, known[3])
    cell = max(
        max(east - west, north - south) / MOST_GROUND_POINTS, district.terrain.grid.cell
    )
    columns = max(2, int(np.ceil((east - west) / cell)) + 1)
    rows = max(2, int(np.ceil((north - south) / cell)) + 1)
    x, y = np.meshgrid(np.linspace(west, east, columns), np.linspace(north, south, rows))
    z = district.terrain.sample(x, y)
    if not district.water.is_empty:
        wet = shapely.contains_xy(district.water, x, y)
        z = np.where(wet, district.water_level, z)
    lowest, highest = np.iinfo(np.int16).min, np.iinfo(np.int16).max
    centimetres = np.clip(np.round((z - origin[2]) * 100.0), lowest, highest)
    return {
        "west": round(west - origin[0], 3),
        "north": round(north - origin[1], 3),
        "cell_x": (east - west) / (columns - 1),
        "cell_y": (north - south) / (rows - 1),
        "rows": rows,
        "columns": columns,
        "z": _encode(centimetres, "<i2"),
    }


def _outlines(
    shape: shapely.Polygon | shapely.MultiPolygon, origin: FloatArray
) -> list[list[list[float]]]:
    """Return each polygon's rings as x, y, x, y, ... [m, local]."""
    simple = shapely.simplify(shape, SMOOTHEST_CURVE)
    polygons = [part for part in shapely.get_parts(simple) if not part.is_empty]
    return [
        [
            np.round(shapely.get_coordinates(ring)[:-1] - origin[:2], 1).ravel().tolist()
            for ring in (polygon.exterior, *polygon.interiors)
        ]
        for polygon in polygons
    ]


def _trees(district: District, origin: FloatArray) -> str:
    """Return x, y, foot, height, crown radius of each tree [m]."""
    trees = district.trees
    x, y = trees.geometry.x.to_numpy(), trees.geometry.y.to_numpy()
    foot = district.terrain.sample(x, y) - origin[2]
    columns = [x - origin[0], y - origin[1], foot, trees["height"], trees["crown_radius"]]
    return _encode(np.stack([np.asarray(c, np.float64) for c in columns], axis=-1), "<f4")


def _places(district: District, origin: FloatArray) -> list[dict[str, object]]:
    """Return named places, hubs first, each above the ground or the roof under it."""
    marks = district.landmarks
    order = np.argsort((marks["kind"] != "hub").to_numpy(), kind="stable")
    x, y = marks.geometry.x.to_numpy(), marks.geometry.y.to_numpy()
    z = np.maximum(district.terrain.sample(x, y), district.water_level)
    point, part = district.buildings.sindex.query(marks.geometry, predicate="within")
    z[point] = np.maximum(z[point], district.buildings["top"].to_numpy(np.float64)[part])
    return [
        {
            "name": str(marks["name"].iloc[k]),
            "kind": str(marks["kind"].iloc[k]),
            "x": round(float(x[k] - origin[0]), 1),
            "y": round(float(y[k] - origin[1]), 1),
            "z": round(float(z[k] - origin[2] + LABEL_ABOVE), 1),
        }
        for k in order
    ]


def _parts(
    district: District, facets: Facets, parts: pd.DataFrame
) -> dict[str, Sequence[object]]:
    """Return what a click on a building tells, column by column."""
    ids = list(facets.solids.parts)
    table = parts.loc[ids]
    sources = district.buildings["height_source"].reindex(ids).fillna("")
    return {
        "id": ids,
        "name": [str(name) for name in table["name"].fillna("")],
        "use": [str(use) for use in table["use"].fillna("")],
        "height": _numbers(table["height"], 2),
        "height_source": [str(source) for source in sources],
        "roof_kwh_m2": _numbers(table["roof_kwh_m2"], 1),
        "roof_kwh": _numbers(table["roof_kwh_m2"] * table["roof_area"], 0),
        "facade_kwh_m2": _numbers(table["facade_kwh_m2"], 1),
        "pv_kwh": _numbers(table["pv_kwh"], 0),
    }


def _numbers(column: pd.Series, digits: int) -> list[float | None]:
    """Return rounded numbers, None for NaN."""
    return [
        round(float(value), digits) if np.isfinite(value) else None
        for value in column.to_numpy(np.float64)
    ]
