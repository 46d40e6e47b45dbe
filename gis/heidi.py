"""Build the embedded schematic district of HEIDI."""

from collections.abc import Hashable
from dataclasses import replace
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis import outlines
from gis.boundary import build_boundary
from gis.boundary_recipe import BoundaryRecipe, read_boundary_recipe
from gis.crs import PLAN
from gis.district import LANDMARK_COLUMNS, District, complete_buildings
from gis.footprints import repair_footprints
from gis.heights import stand_on_terrain
from gis.relief import set_level, spread_levels
from gis.terrain import Grid, Terrain

GRID = Grid(west=99300.0, north=6214050.0, cell=5.0, rows=250, columns=220)
"""Window of the embedded terrain: E 99300-100400, N 6212800-6214050 [m]."""

WATER_LEVEL = -0.2
"""Water surface [m RH2000], from the public elevation model of the harbour."""

BED_LEVEL = -2.0
"""Ground under the water [m RH2000]: no sounding, but deep enough that the surface is drawn
clear of the bed and that quays show their walls."""

QUAY_LEVEL = 2.0
"""Old quays [m RH2000]."""

SMOOTHING = 8.0
"""Rounds the folds between levels that lie some 30 m apart [m]."""

QUAY_RAMP = 10.0
"""Slope between the raised pier and the old quays [m]; assumed, no wider than the basin to
the north, whose far quay is an old one."""

CREDITS = (
    "Schematic model, not survey data",
    "City of Helsingborg",
    "Lantmäteriet",
    "Digital Twin Cities Centre (DTCC)",
)

NOTES = (
    "The embedded district is schematic, not survey data: rotated boxes in whole metres, "
    "heights in half metres.",
    "The boundary is not official, none is published: it is built from hubs, landmarks and "
    "natural edges.",
    "Prisma, WTC, Tura, Oceanpiren's courtyard blocks, Fabriken1891, RecoLab and the "
    "digesters are drawn after published descriptions and floor areas.",
    "Oceanpiren stands at its published quay level of 3.5 m; the bed of the water and the "
    "slope east of the blocks are assumed.",
    "Center for Innovation – Parken has no published street address; its position is "
    "assumed within 150 m.",
    "The street trees stand in assumed rows, they are not surveyed.",
)

FloatArray = npt.NDArray[np.float64]


def heidi_district() -> District:
    """Helsingborg Innovation District as it comes with the project.

    Returns
    -------
    District
        Schematic, not survey data. Every call returns tables of its own.

    Notes
    -----
    Sources, shapes and assumptions are listed in docs/district.md.
    """
    district = _build()
    return replace(
        district,
        buildings=district.buildings.copy(),
        landmarks=district.landmarks.copy(),
        trees=district.trees.copy(),
    )


def heidi_recipe() -> BoundaryRecipe:
    """Recipe of the boundary of the embedded district.

    Returns
    -------
    BoundaryRecipe
        Its anchors are ids of the landmarks and names of the buildings of `heidi_district`.
    """
    with as_file(files("gis.data").joinpath("boundary.toml")) as path:
        return read_boundary_recipe(path)


@cache
def _build() -> District:
    """Build the district once per process."""
    recipe = heidi_recipe()
    water = shapely.MultiPolygon(list(_rings("water.csv").values()))
    footprints, repairs = repair_footprints(_footprints(_read("massing.csv")), snap=0.0)
    terrain = Terrain(GRID, _ground(footprints, water), "schematic levels, not survey data")
    standing, levels = stand_on_terrain(footprints, terrain)
    buildings = complete_buildings(standing).sort_index()
    landmarks = _landmarks()
    return District(
        name=recipe.name,
        boundary=_boundary(recipe, buildings, landmarks, water),
        buildings=buildings,
        terrain=terrain,
        water=water,
        landmarks=landmarks,
        trees=_trees(),
        schematic=True,
        credits=CREDITS,
        notes=(*NOTES, *repairs, *levels),
        water_level=WATER_LEVEL,
    )


def _read(name: str) -> pd.DataFrame:
    """Table of the embedded data; blank text stays "", blank numbers become NaN."""
    with files("gis.data").joinpath(name).open(encoding="utf-8") as stream:
        table = pd.read_csv(stream)
    text = table.select_dtypes(exclude="number").columns
    return table.assign(**{column: table[column].fillna("") for column in text})


def _rings(name: str) -> dict[str, shapely.Polygon]:
    """Polygons by name from a table of corners in order."""
    corners = _read(name).groupby("name", sort=False)[["easting", "northing"]]
    return {
        str(key): shapely.orient_polygons(shapely.Polygon(ring.to_numpy()))
        for key, ring in corners
    }


def _footprints(massing: pd.DataFrame) -> gpd.GeoDataFrame:
    """Outline of every part as the massing table describes it; neighbours may overlap."""
    shapes = [_outline(row) for row in massing.to_dict("records")]
    numbers = {"year": float, "height": float, "ground": float}
    texts = ["part", "building", "name", "use", "height_source"]
    table = massing[[*texts, *numbers]].astype(numbers)
    return gpd.GeoDataFrame(table, geometry=shapes, crs=PLAN)


def _outline(row: dict[Hashable, Any]) -> shapely.Polygon:
    """Outline of one row of the massing table."""
    length, width, wing = row["length"], row["width"], row["wing"]
    match row["shape"]:
        case "court":
            shape = outlines.court(length, width, wing=wing)
        case "bay":
            shape = outlines.bay(length, width, wing=wing)
        case "corner":
            shape = outlines.corner(length, width, wing=wing)
        case "disc":
            shape = outlines.disc(length)
        case "arc":
            shape = outlines.arc(length, wing=wing, span=row["span"])
        case _:
            shape = outlines.block(length, width)
    frame = ("easting", "northing", "azimuth", "along", "across")
    return outlines.place(shape, **{key: row[key] for key in frame})


def _ground(footprints: gpd.GeoDataFrame, water: shapely.MultiPolygon) -> FloatArray:
    """Ground elevations: sheet levels and old quays, then the raised pier, then the bed."""
    pier = _rings("quays.csv")["Oceanpiren"].difference(water)
    pier_level = float(_read("quays.csv")["level"].iloc[0])
    inside = shapely.get_coordinates(footprints.geometry.centroid.to_numpy())
    sheet = np.column_stack([inside, footprints["ground"]])
    old = sheet[~shapely.contains_xy(pier, inside[:, 0], inside[:, 1])]
    shore = shapely.get_coordinates(shapely.segmentize(water.boundary, 25.0))
    quays = np.column_stack([shore, np.full(len(shore), QUAY_LEVEL)])
    more = _read("levels.csv")[["easting", "northing", "level"]].to_numpy(dtype=np.float64)
    ground = spread_levels(GRID, np.concatenate([old, quays, more]), smoothing=SMOOTHING)
    ground = set_level(ground, GRID, pier, level=pier_level, ramp=QUAY_RAMP)
    # The quay wall is one cell wide and centred on the water's edge, so that the contour of
    # the water level follows the edge and not the cells.
    wall = GRID.cell
    return set_level(ground, GRID, water, level=BED_LEVEL, ramp=wall, inward=wall / 2)


def _landmarks() -> gpd.GeoDataFrame:
    """Hubs and landmarks with the accuracy of their position."""
    table = _read("landmarks.csv").set_index("landmark")
    points = gpd.points_from_xy(table["easting"], table["northing"])
    columns = table[list(LANDMARK_COLUMNS)].astype({"accuracy": float})
    return gpd.GeoDataFrame(columns, geometry=points, crs=PLAN)


def _trees() -> gpd.GeoDataFrame:
    """Street trees at even steps along their rows, a little unequal in size."""
    rows = []
    for row in _read("trees.csv").to_dict("records"):
        street = shapely.LineString(
            [
                (row["from_easting"], row["from_northing"]),
                (row["to_easting"], row["to_northing"]),
            ]
        )
        step = float(row["spacing"])
        for n in range(int(street.length // step) + 1):
            # Multiples of the golden ratio spread evenly and never repeat: 0.85 to 1.15.
            size = 0.85 + 0.3 * (n * 0.618034 % 1.0)
            rows.append(
                {
                    "tree": f"{row['row']}-{n + 1:02d}",
                    "height": float(row["height"]) * size,
                    "crown_radius": float(row["crown_radius"]) * size,
                    "source": f"schematic row, {row['street']}",
                    "geometry": street.interpolate(n * step),
                }
            )
    return gpd.GeoDataFrame(rows, crs=PLAN).set_index("tree")


def _boundary(
    recipe: BoundaryRecipe,
    buildings: gpd.GeoDataFrame,
    landmarks: gpd.GeoDataFrame,
    water: shapely.MultiPolygon,
) -> shapely.Polygon | shapely.MultiPolygon:
    """Boundary along the walk of the recipe, cut by the water and the natural edges."""
    by_name = buildings[buildings["name"] != ""].dissolve("name").geometry
    edges = _read("edges.csv").groupby("name", sort=False)[["easting", "northing"]]
    return build_boundary(
        recipe,
        places={**landmarks.geometry.to_dict(), **by_name.to_dict()},
        water=water,
        edges=[shapely.LineString(edge.to_numpy()) for _, edge in edges],
    )
