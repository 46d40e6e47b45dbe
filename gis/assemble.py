"""Assemble a district from files of buildings, terrain and water."""

import math
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.errors import ShapelyError

from gis.attributes import as_text, find_columns, given_ids
from gis.crs import PLAN, features_in_area_of_use, to_plan
from gis.district import BUILDING_COLUMNS, LANDMARK_COLUMNS, TREE_COLUMNS, District
from gis.errors import GeometryError, TableError
from gis.faults import count_things
from gis.footprints import repair_footprints
from gis.heights import fill_heights, ground_under, read_heights, stand_on_terrain
from gis.sources.buildings import read_buildings
from gis.sources.origin import Origin
from gis.sources.uses import osm_use
from gis.sources.vector import WATER_LAYERS, read_layer
from gis.terrain import Terrain, flat_terrain, read_terrain

EDGE = 20.0
"""Ground that belongs to the district around its outermost buildings [m]."""

MARGIN = 200.0
"""Ground that is kept around the buildings, for shade and sight [m]."""

HUGE = 100_000.0
"""Footprints above this make one doubt that the layer holds buildings [m2]."""

FLAT_CELL, FLAT_CELLS = 10.0, 500
"""Cell of level ground [m] and the most cells a side."""

NAME_COLUMNS = ("name", "namn", "byggnadsnamn1", "addr:housename")
USE_COLUMNS = (
    "use",
    "andamal1",
    "ändamål1",
    "purpose_resolved",
    "geodb_subtype_name",
    "building:use",
    "class",
    "subtype",
)
YEAR_COLUMNS = ("year", "byggar", "byggår", "year_built", "construction_year", "start_date")

NO_BUILDING = {"", "no", "false", "0", "nej"}
"""Values of the OpenStreetMap key ``building`` that say that there is none."""

_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|20[0-9]{2})(?!\d)")


def read_district(
    buildings: Path,
    terrain: Path | None = None,
    *,
    water: Path | None = None,
    name: str | None = None,
) -> District:
    """Read a district from real data, repairing what can be repaired.

    Parameters
    ----------
    buildings : Path
        Outlines with or without heights: any vector format and reference system. Where a
        column ``building`` is empty or says no (OpenStreetMap), the feature is passed over.
    terrain : Path, optional
        Elevation raster in metres; without it the ground is level.
    water : Path, optional
        Open water; where a column ``kind`` exists, its rows with ``water``.
    name : str, optional
        What to call the district; the file's name if not given.

    Returns
    -------
    District
        Its ``notes`` say what was repaired, assumed or left out, with counts.

    Raises
    ------
    SourceError, CrsError, TableError, GeometryError, TerrainError
        One line on what must hold and what to do, where nothing sensible can be built.
    """
    buildings = Path(buildings)
    outlines, notes, origin = _read_outlines(buildings)
    heights, told = read_heights(outlines)
    notes += told
    described = _describe(outlines).assign(**{c: heights[c] for c in heights.columns})
    try:
        solid, told = repair_footprints(described)
    except ShapelyError as error:
        message = (
            f"outlines must be repairable, those of {buildings.name} are not: {error}; "
            "repair them, for example with ogr2ogr -makevalid"
        )
        raise GeometryError(" ".join(message.split())) from error
    notes += told
    solid, told = fill_heights(solid)
    notes += told
    read, kept = count_things(len(outlines), "footprint"), count_things(len(solid), "part")
    notes = (f"{read} read, {kept} kept", *notes)
    huge = int((solid.area > HUGE).sum())
    if huge:
        notes += (
            f"{count_things(huge, 'part')} above {HUGE:,.0f} m2: is it all buildings?",
        )
    ground, told = _read_ground(terrain, solid)
    notes += told
    if terrain is None:
        # Assumed ground has no say on stated levels, and they none on it.
        solid = solid.drop(columns="ground")
    solid, told = stand_on_terrain(solid, ground)
    notes += told
    sea, level, told = _read_water(water, ground)
    notes += told
    given = [Path(path).name for path in (buildings, terrain, water) if path is not None]
    return District(
        name=name or buildings.stem,
        boundary=_hull(solid).buffer(EDGE),
        buildings=solid[[*BUILDING_COLUMNS, "geometry"]],
        terrain=ground,
        water=sea,
        landmarks=_empty(LANDMARK_COLUMNS),
        trees=_empty(TREE_COLUMNS),
        schematic=False,
        credits=(
            *([origin.credit] if origin.credit else []),
            *(f"{file}, as given by the user" for file in given),
        ),
        notes=notes,
        water_level=level,
    )


def _read_outlines(path: Path) -> tuple[gpd.GeoDataFrame, tuple[str, ...], Origin]:
    """Read the features that are buildings, in the plan, and whose they are."""
    read = read_buildings(path)
    notes = read.notes
    frame = to_plan(read.frame)
    tags = _tag_columns(frame)
    if tags:
        is_building = ~as_text(frame[tags[0]]).str.lower().isin(NO_BUILDING).to_numpy()
        if not is_building.any():
            message = (
                f"features of {path.name} must be buildings, the column {tags[0]} is "
                "empty or no in all of them; fill it or leave it out"
            )
            raise TableError(message)
        if not is_building.all():
            count = count_things(int((~is_building).sum()), "feature")
            notes += (f"{count} not a building by the column {tags[0]}, left out",)
        frame = frame[is_building]
    present = ~(frame.geometry.isna() | frame.geometry.is_empty).to_numpy()
    far = present & ~features_in_area_of_use(frame)
    if far.any():
        notes += (f"{count_things(int(far.sum()), 'feature')} far off the plan, left out",)
    frame = frame[~far].reset_index(drop=True)
    if not shapely.get_dimensions(frame.geometry.to_numpy()).max(initial=-1) >= 1:
        message = f"a layer of buildings must hold polygons, {path.name} has none"
        raise GeometryError(message)
    return frame, notes, read.origin


def _tag_columns(frame: gpd.GeoDataFrame) -> list[str]:
    """Column of the OpenStreetMap key; a twin's own table has identities there."""
    return [] if find_columns(frame, ["part"]) else find_columns(frame, ["building"])


def _describe(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Reduce a table to outlines, identity, name, use and year."""
    described = gpd.GeoDataFrame(
        {
            "name": _first_text(frame, NAME_COLUMNS),
            "use": _read_use(frame),
            "year": _read_year(frame),
        },
        geometry=frame.geometry.to_numpy(),
        index=frame.index,
        crs=PLAN,
    )
    part, building = find_columns(frame, ["part"]), find_columns(frame, ["building"])
    if part and building:
        return described.assign(part=frame[part[0]], building=frame[building[0]])
    return described.assign(id=given_ids(frame))


def _first_text(frame: gpd.GeoDataFrame, columns: tuple[str, ...]) -> pd.Series:
    """First text a row of several columns, "" where there is none."""
    text = pd.Series("", index=frame.index, dtype=object)
    for column in find_columns(frame, columns):
        text = text.where(text != "", as_text(frame[column]))
    return text


def _read_use(frame: gpd.GeoDataFrame) -> pd.Series:
    """Use of each building in the words of this twin where they are known."""
    use = _first_text(frame, USE_COLUMNS)
    tags = _tag_columns(frame)
    if tags:
        use = use.where(use != "", as_text(frame[tags[0]]).map(osm_use))
    return use


def _read_year(frame: gpd.GeoDataFrame) -> pd.Series:
    """Year of construction [a], NaN where no four-digit year is told."""
    found = _first_text(frame, YEAR_COLUMNS).str.extract(_YEAR, expand=False)
    return pd.to_numeric(found).astype(np.float64)


def _read_ground(
    path: Path | None, solid: gpd.GeoDataFrame
) -> tuple[Terrain, tuple[str, ...]]:
    """Read the terrain around buildings, or lay a level one at their stated ground."""
    west, south, east, north = (float(b) for b in solid.total_bounds)
    if path is not None:
        return read_terrain(Path(path), (west, south, east, north), margin=MARGIN)
    stated = solid["ground"].dropna()
    level = round(float(stated.median()), 1) if len(stated) else 0.0
    basis = "the median stated ground" if len(stated) else "no level is known"
    bounds = (west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN)
    cell = max(FLAT_CELL, max(east - west, north - south) / FLAT_CELLS)
    note = f"no terrain given, ground taken as level at {level:g} m ({basis})"
    return flat_terrain(bounds, level, cell=float(math.ceil(cell))), (note,)


def _read_water(
    path: Path | None, ground: Terrain
) -> tuple[shapely.MultiPolygon, float, tuple[str, ...]]:
    """Read open water and its level, none at all if no file is given."""
    if path is None:
        return shapely.MultiPolygon(), 0.0, ()
    frame, notes = read_layer(Path(path), prefer=WATER_LAYERS)
    frame = to_plan(frame)
    kinds = find_columns(frame, ["kind"])
    if kinds:
        frame = frame[as_text(frame[kinds[0]]).str.lower() == "water"]
    valid = shapely.make_valid(frame.geometry.dropna().to_numpy())
    parts = shapely.get_parts(shapely.get_parts(valid))
    areas = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    if not len(areas):
        message = f"a layer of water must hold polygons, {Path(path).name} has none"
        raise GeometryError(message)
    sea = shapely.union_all(areas)
    sea = shapely.intersection(sea, shapely.box(*ground.grid.bounds))
    parts = shapely.get_parts(sea)
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    if not len(parts):
        return shapely.MultiPolygon(), 0.0, (*notes, "no water within the terrain")
    stated = find_columns(frame, ["level"])
    if stated and pd.api.types.is_numeric_dtype(frame[stated[0]]):
        told = frame[stated[0]].dropna()
        if len(told):
            return shapely.MultiPolygon(list(parts)), round(float(told.median()), 2), notes
    _, middle = ground_under(parts, ground)
    level = round(float(np.average(middle, weights=shapely.area(parts))), 2)
    notes += (f"water level taken as {level:g} m, the terrain under the water",)
    return shapely.MultiPolygon(list(parts)), level, notes


def _hull(solid: gpd.GeoDataFrame) -> shapely.Polygon:
    """Convex hull of all buildings."""
    return shapely.convex_hull(shapely.multipolygons(solid.geometry.to_numpy()))


def _empty(columns: tuple[str, ...]) -> gpd.GeoDataFrame:
    """Table of no points with the right columns."""
    kinds = {"height": float, "crown_radius": float, "accuracy": float}
    data = {c: pd.Series([], dtype=kinds.get(c, object)) for c in columns}
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries([], crs=PLAN))
