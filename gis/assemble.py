"""Assemble a district from files of buildings, terrain, water and surveys."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.errors import ShapelyError

from gis.boundary import build_boundary
from gis.boundary_anchors import anchor_points
from gis.boundary_recipe import BoundaryRecipe, read_boundary_recipe, recipe_files
from gis.building_layer import BuildingLayer, describe_buildings, read_building_layer
from gis.built import set_built
from gis.crs import PLAN, PLAN_EPSG, to_plan
from gis.decks import cut_decks, is_bridge, make_decks
from gis.declared import match_declared, with_height
from gis.district import (
    LANDMARK_COLUMNS,
    ROOF_COLUMNS,
    District,
    complete_buildings,
)
from gis.errors import GeometryError, SourceError, TerrainError
from gis.faults import count_things
from gis.footprints import repair_and_log
from gis.height_candidates import (
    POINTS,
    SURFACE,
    Candidates,
    attribute_candidates,
    declared_candidates,
    storey_candidates,
)
from gis.height_fusion import fuse_heights
from gis.heights import fill_heights, read_heights, stand_on_terrain
from gis.identity import keep_ids
from gis.layers import Identities
from gis.parapets import PARAPET_COLUMNS, read_parapets
from gis.passages import open_passages
from gis.plan_rules import read_plan_rules
from gis.records import Records, no_records
from gis.repair_log import add_mended
from gis.roof_words import roof_words
from gis.sources.declared_heights import DeclaredHeights, read_declared
from gis.sources.geotiff import open_raster
from gis.sources.recognise import credit_of_content
from gis.sources.sidecar import credits_of
from gis.sources.vector import read_layer
from gis.stacks import settle_stacks
from gis.surveys import (
    Clouds,
    ground_of_clouds,
    heights_of_clouds,
    heights_of_surface,
    open_clouds,
)
from gis.terrain import Terrain, flat_terrain, read_terrain
from gis.tree_layer import empty_points, read_tree_layer
from gis.undersides import read_undersides
from gis.water import Water, read_water

EDGE = 20.0
"""Ground that belongs to the district around its outermost buildings [m]."""

MARGIN = 200.0
"""Ground that is kept around the buildings, for shade and sight [m]."""

HUGE = 100_000.0
"""Footprints above this make one doubt that the layer holds buildings [m2]."""

FLAT_CELL, FLAT_CELLS = 10.0, 500
"""Cell of level ground [m] and the most cells a side."""

_SOURCE_COUNT = re.compile(r"[\d,]+ heights? from ")


@dataclass(frozen=True)
class Sources:
    """Files that a district is read from; only the buildings are needed.

    Attributes
    ----------
    buildings : Path
        Outlines with or without heights: any provider, format and reference system.
    buildings_year : int, optional
        Year of the survey behind the heights in it, where the file does not tell.
    terrain : Path, optional
        Elevation raster [m]; without it the ground points of a cloud, else level ground.
    water : Path, optional
        Open water; where a column ``kind`` exists, its rows with ``water``.
    surface : Path, optional
        Raster of the highest thing in each cell [m RH2000]; needs a terrain.
    surface_year : int, optional
        Year of its survey.
    points : Path, optional
        Point cloud (LAS, LAZ, COPC), or a folder of tiles: heights, trees, and the ground
        where there is no terrain.
    points_year : int, optional
        Year of the flight, where it is known better than the files tell.
    ceiling : float, optional
        Level above which the surveys were cut off [m RH2000].
    heights : Path, optional
        Heights, storeys or years of building that somebody answers for, see
        `gis.sources.declared_heights`.
    trees : Path, optional
        CSV or vector file of trees.
    bridges : Path, optional
        Vector file with bridges, such as roads of OpenStreetMap.
    passages : Path, optional
        Vector file with ways or areas that lead through buildings; where a column
        ``tunnel`` exists, its rows with ``building_passage``. By default those in the file
        of the buildings.
    parapet : float, optional
        Height of the parapets of flat roofs of which nothing is told [m].
    plan : Path, optional
        Plots or plan rules.
    boundary : Path, optional
        Recipe of the district's boundary (TOML); else all buildings belong to it.
    previous : Identities, optional
        Those of an earlier import, which are kept; see `gis.layers.read_identities`.
    """

    buildings: Path
    buildings_year: int | None = None
    terrain: Path | None = None
    water: Path | None = None
    surface: Path | None = None
    surface_year: int | None = None
    points: Path | None = None
    points_year: int | None = None
    ceiling: float | None = None
    heights: Path | None = None
    trees: Path | None = None
    bridges: Path | None = None
    passages: Path | None = None
    parapet: float | None = None
    plan: Path | None = None
    boundary: Path | None = None
    previous: Identities | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are given, and those that the recipe of the boundary names."""
        every = (
            *(self.buildings, self.terrain, self.water, self.surface, self.points),
            *(self.heights, self.trees, self.bridges, self.passages),
            *(self.plan, self.boundary),
        )
        named = () if self.recipe is None else recipe_files(self.recipe)
        given = (Path(path) for path in every if path is not None)
        return tuple(dict.fromkeys((*given, *named)))

    @cached_property
    def recipe(self) -> BoundaryRecipe | None:
        """Recipe of the boundary, in the plan; None without one."""
        if self.boundary is None:
            return None
        # Anchors and layers name their own systems: a recipe's plan matters for a map only.
        return replace(read_boundary_recipe(Path(self.boundary)), plan=f"EPSG:{PLAN_EPSG}")


def read_district(
    buildings: Path,
    terrain: Path | None = None,
    *,
    water: Path | None = None,
    name: str | None = None,
) -> District:
    """Read a district from buildings, terrain and water; see `assemble_district`.

    Parameters
    ----------
    buildings, terrain, water : Path
        See `Sources`.
    name : str, optional
        What to call the district; the name of the buildings' file if not given.

    Returns
    -------
    District
    """
    return assemble_district(Sources(buildings, terrain=terrain, water=water), name=name)


def district_name(sources: Sources) -> str:
    """Call a district as the recipe of its boundary does, else as the buildings' file.

    Parameters
    ----------
    sources : Sources
        The files.

    Returns
    -------
    str
    """
    told = "" if sources.recipe is None else sources.recipe.name
    return told or Path(sources.buildings).stem


def assemble_district(sources: Sources, *, name: str | None = None) -> District:
    """Read a district from real data, repairing what can be repaired.

    Parameters
    ----------
    sources : Sources
        The files.
    name : str, optional
        What to call the district; by default the name in the recipe of its boundary, else
        that of the buildings' file.

    Returns
    -------
    District
        Its ``notes`` say what was repaired, assumed or left out, with counts, and its
        ``records`` row by row.

    Raises
    ------
    HeidiError
        One line on what must hold and what to do, where nothing sensible can be built.

    Notes
    -----
    Heights: every source is asked, and `gis.height_fusion.fuse_heights` chooses. The
    outlines are repaired before, with the heights that they state deciding overlaps.
    """
    if sources.surface is not None and sources.terrain is None and sources.points is None:
        message = (
            "heights above ground need the ground, got a surface model without terrain; "
            "give an elevation raster as well"
        )
        raise TerrainError(message)
    layer = read_building_layer(Path(sources.buildings))
    clouds = (
        None
        if sources.points is None
        else open_clouds(sources.points, year=sources.points_year)
    )
    stated, notes = read_heights(layer.frame)
    roofs, told = roof_words(layer.frame)
    notes += told
    underside, told = read_undersides(layer.frame, stated["height"].to_numpy(np.float64))
    notes += told
    parapets, told = read_parapets(layer.frame, assumed=sources.parapet)
    described = describe_buildings(layer.frame).assign(
        **{str(column): stated[column] for column in stated},
        **{column: roofs[column] for column in ROOF_COLUMNS if column in roofs},
        roof_source=np.where(roofs["roof_shape"] != "", "stated", ""),
        underside=underside,
        **{column: parapets[column] for column in PARAPET_COLUMNS},
    )
    notes += told
    described, told = open_passages(described, layer.passages, sources.passages)
    notes += told
    solid, records, told = _repair(described, layer, sources.previous)
    read, kept = (
        count_things(len(layer.frame), "footprint"),
        count_things(len(solid), "part"),
    )
    notes = (f"{read} read, {kept} kept", *layer.notes, *notes, *told)
    ground, told = _read_ground(sources.terrain, clouds, solid)
    notes += told
    declared = None if sources.heights is None else read_declared(Path(sources.heights))
    solid, conflicts, told = _choose_heights(
        solid, layer, sources, declared, clouds, ground
    )
    notes += told
    if sources.terrain is None and clouds is None:
        # Assumed ground has no say on stated levels, and they none on it.
        solid = solid.drop(columns="ground")
    solid, told = stand_on_terrain(solid, _finest(sources.terrain, ground))
    notes += told
    solid, told = settle_stacks(solid)
    notes += told
    water = Water() if sources.water is None else read_water(sources.water, ground)
    decks, ground, told = _read_decks(layer, sources.bridges, ground, water)
    notes += (*water.notes, *told)
    trees, told = read_tree_layer(sources.trees, clouds, solid, ground)
    notes += told
    plan = None if sources.plan is None else read_plan_rules(Path(sources.plan))
    notes += () if plan is None else plan.notes
    boundary, landmarks = _read_boundary(sources.recipe, solid)
    if sources.boundary is not None and not solid.intersects(boundary).any():
        message = (
            f"a boundary must hold buildings, {Path(sources.boundary).name} draws one that "
            f"holds none of {len(solid)}; check the anchors"
        )
        raise GeometryError(message)
    return District(
        name=name or district_name(sources),
        boundary=boundary,
        buildings=complete_buildings(solid),
        terrain=ground,
        water=water.area,
        landmarks=landmarks,
        trees=trees,
        schematic=False,
        credits=_credits(sources, layer, declared),
        notes=notes,
        water_level=water.level,
        decks=decks,
        plan=plan,
        records=Records(records.repairs, conflicts, records.identities, records.retired),
    )


def _repair(
    described: gpd.GeoDataFrame, layer: BuildingLayer, previous: Identities | None
) -> tuple[gpd.GeoDataFrame, Records, tuple[str, ...]]:
    """Repair outlines and give them the identities of an earlier import."""
    try:
        solid, repairs = repair_and_log(described)
    except ShapelyError as error:
        message = (
            f"outlines must be repairable, these are not: {error}; "
            "repair them, for example with ogr2ogr -makevalid"
        )
        raise GeometryError(" ".join(message.split())) from error
    notes = repairs.notes
    huge = int((solid.area > HUGE).sum())
    if huge:
        notes += (
            f"{count_things(huge, 'part')} above {HUGE:,.0f} m2: is it all buildings?",
        )
    identities = no_records().identities
    retired: tuple[str, ...] = ()
    table = add_mended(repairs.table, layer.mended, solid)
    if previous is not None and not _share_ground(previous.buildings, solid):
        notes += ("the earlier twin stands elsewhere, all identities are new",)
    elif previous is not None:
        again = keep_ids(previous.buildings, solid, retired=previous.retired)
        notes += again.notes
        table = _rename(table, solid, again.frame)
        solid, identities = again.frame, again.table
        retired = tuple(sorted(again.retired))
    return solid, Records(table, no_records().conflicts, identities, retired), notes


def _share_ground(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> bool:
    """Whether any building of one import touches one of the other."""
    tree = shapely.STRtree(before.geometry.to_numpy())
    found = tree.query(after.geometry.to_numpy(), predicate="intersects")
    return bool(found.size)


def _rename(
    repairs: gpd.GeoDataFrame, before: gpd.GeoDataFrame, after: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Call parts and buildings in the log of repairs by the identities they keep."""
    parts: Mapping[str, str] = dict(zip(before.index, after.index, strict=True))
    names: Mapping[str, str] = dict(zip(before["building"], after["building"], strict=True))
    return repairs.assign(
        part=[parts.get(part, part) for part in repairs["part"]],
        building=[names.get(name, name) for name in repairs["building"]],
    )


def _read_ground(
    path: Path | None, clouds: Clouds | None, solid: gpd.GeoDataFrame
) -> tuple[Terrain, tuple[str, ...]]:
    """Read the terrain around buildings, make it of points, or lay a level one."""
    west, south, east, north = (float(b) for b in solid.total_bounds)
    around = (west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN)
    if path is not None:
        return read_terrain(Path(path), (west, south, east, north), margin=MARGIN)
    if clouds is not None:
        return ground_of_clouds(clouds, around)
    stated = solid["ground"].dropna()
    level = round(float(stated.median()), 1) if len(stated) else 0.0
    basis = "the median stated ground" if len(stated) else "no level is known"
    cell = max(FLAT_CELL, max(east - west, north - south) / FLAT_CELLS)
    note = f"no terrain given, ground taken as level at {level:g} m ({basis})"
    return flat_terrain(around, level, cell=float(math.ceil(cell))), (note,)


def _finest(path: Path | None, ground: Terrain) -> Terrain | Path:
    """Return the file itself where the ground was averaged to fit into memory."""
    if path is None:
        return ground
    with open_raster(Path(path)) as raster:
        return Path(path) if ground.grid.cell > 1.5 * raster.cell else ground


def _choose_heights(
    solid: gpd.GeoDataFrame,
    layer: BuildingLayer,
    sources: Sources,
    declared: DeclaredHeights | None,
    clouds: Clouds | None,
    ground: Terrain,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, tuple[str, ...]]:
    """Ask every source for heights, choose, and assume the rest."""
    notes: tuple[str, ...] = ()
    year = sources.buildings_year or layer.origin.year
    stated = attribute_candidates(solid, year=math.nan if year is None else float(year))
    storeys, _ = storey_candidates(solid)
    candidates: list[Candidates] = []
    roofs: dict[str, pd.DataFrame] = {}
    if declared is not None:
        matched, told = match_declared(solid, declared)
        # When it was built decides which surveys can know a house.
        solid, years = set_built(solid, matched)
        notes += (*declared.notes, *told, *years)
        candidates += declared_candidates(with_height(matched))
    if clouds is not None:
        measured, roofs[POINTS], told = heights_of_clouds(solid, clouds, ground)
        candidates.append(measured)
        notes += told
    if sources.surface is not None:
        flown = math.nan if sources.surface_year is None else float(sources.surface_year)
        measured, roofs[SURFACE], told = heights_of_surface(
            solid,
            Path(sources.surface),
            _finest(sources.terrain, ground),
            year=flown,
        )
        candidates.append(measured)
        notes += told
    ceiling = math.inf if sources.ceiling is None else sources.ceiling
    fused = fuse_heights(solid, [*candidates, stated, storeys], ceiling=ceiling)
    chosen = fused.frame.assign(eaves=np.nan, ridge=np.nan)
    for kind, seen in roofs.items():
        # Eaves and ridge belong to the height of the same survey.
        own = chosen["height_source"].str.startswith(f"{kind}: ").to_numpy()
        chosen.loc[own, ["eaves", "ridge"]] = seen.loc[own, ["eaves", "ridge"]]
    filled, told = fill_heights(chosen)
    # `fill_heights` counts the sources itself, one by one.
    kept = tuple(note for note in fused.notes if not _SOURCE_COUNT.match(note))
    return filled, fused.conflicts.rename_axis("part"), (*notes, *kept, *told)


def _read_decks(
    layer: BuildingLayer, bridges: Path | None, ground: Terrain, water: Water
) -> tuple[gpd.GeoDataFrame, Terrain, tuple[str, ...]]:
    """Lay bridges over the ground and take them out of it."""
    found = layer.bridges
    notes: tuple[str, ...] = ()
    if bridges is not None:
        read, told = read_layer(Path(bridges))
        notes = told
        more = read[is_bridge(read)]
        if more.empty:
            message = (
                f"a layer of bridges must have features tagged as such (bridge=yes), "
                f"{Path(bridges).name} has none; of an .osm file give the lines, as "
                "ogr2ogr roads.geojson FILE lines makes them, or leave it out"
            )
            raise SourceError(message)
        found = gpd.GeoDataFrame(
            pd.concat([found, to_plan(more)], ignore_index=True), crs=PLAN
        )
    decks = make_decks(found, ground)
    open_ground, told = cut_decks(ground, decks, water=water.area, level=water.level)
    return decks.table, open_ground, (*notes, *decks.notes, *told)


def _read_boundary(
    recipe: BoundaryRecipe | None, solid: gpd.GeoDataFrame
) -> tuple[shapely.Polygon | shapely.MultiPolygon, gpd.GeoDataFrame]:
    """Build the boundary, and its anchors as landmarks."""
    if recipe is None:
        hull = shapely.convex_hull(shapely.multipolygons(solid.geometry.to_numpy()))
        return hull.buffer(EDGE), empty_points(LANDMARK_COLUMNS, "landmark")
    named = solid[solid["name"] != ""]
    places = named.dissolve("name").geometry.to_dict() if len(named) else {}
    boundary = build_boundary(recipe, places=places)
    return boundary, anchor_points(recipe, places=places, within=boundary)


def _credits(
    sources: Sources, layer: BuildingLayer, declared: DeclaredHeights | None
) -> tuple[str, ...]:
    """Whom to name: providers, then the files."""
    files = sources.files
    given = tuple(f"{path.name}, as given by the user" for path in files)
    origins = (layer.origin, *(() if declared is None else (declared.origin,)))
    own = [origin.credit for origin in origins]
    own += () if sources.recipe is None else sources.recipe.credits
    own += [credit_of_content(path) for path in files]
    named = [credit for credit in own if credit]
    return tuple(dict.fromkeys((*named, *credits_of(files), *given)))
