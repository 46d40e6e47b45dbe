"""Give tests of pages a small, asymmetric district with known light."""

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.district import District, complete_buildings
from gis.terrain import flat_terrain
from meshes.facets import Facets, make_facets
from meshes.polygons import FloatArray
from meshes.solids import Kind, lod1_solids

EAST, NORTH = 99500.0, 6213000.0


def small_district(*, schematic: bool = True, first_name: str = "Prisma") -> District:
    """Return three blocks, one L-shaped and one outside the boundary, water in the west."""
    shapes = [
        shapely.box(0, 0, 30, 12),
        shapely.Polygon([(40, 5), (70, 5), (70, 15), (52, 15), (52, 40), (40, 40)]),
        shapely.box(150, 20, 158, 50),
    ]
    buildings = gpd.GeoDataFrame(
        {
            "building": ["b1", "b2", "b3"],
            "name": [first_name, "", "Far & away"],
            "use": ["office", "", "housing"],
            "year": [2020.0, np.nan, 1931.0],
            "height": [10.0, 21.0, 15.0],
            "height_source": ["published", "measured", "measured"],
            "base": 2.0,
            "base_source": "flat",
            "top": [12.0, 23.0, 17.0],
        },
        geometry=[shapely.affinity.translate(s, EAST, NORTH) for s in shapes],
        index=pd.Index(["p1", "p2", "p3"], name="part"),
        crs=3008,
    )
    points = [shapely.Point(EAST + 5, NORTH + 5), shapely.Point(EAST + 6, NORTH + 5)]
    points.append(shapely.Point(EAST + 60, NORTH + 60))
    landmarks = gpd.GeoDataFrame(
        {
            "name": ["Hub <one>", "Hub two", "Square"],
            "kind": ["hub", "hub", "landmark"],
            "accuracy": 10.0,
            "basis": "made up",
        },
        geometry=points,
        crs=3008,
    )
    trees = gpd.GeoDataFrame(
        {"height": [8.0], "crown_radius": [3.0], "source": ["made up"]},
        geometry=[shapely.Point(EAST + 80, NORTH + 60)],
        crs=3008,
    )
    ground = (EAST - 150, NORTH - 150, EAST + 300, NORTH + 200)
    return District(
        name="Small & <bold> district",
        boundary=shapely.box(EAST - 20, NORTH - 20, EAST + 100, NORTH + 80),
        buildings=complete_buildings(buildings),
        terrain=flat_terrain(ground, z=2.0),
        water=shapely.MultiPolygon(
            [shapely.box(EAST - 150, NORTH - 150, EAST - 40, NORTH + 200)]
        ),
        landmarks=landmarks,
        trees=trees,
        schematic=schematic,
        credits=("Made up for a test",),
        notes=("2 footprints repaired",),
        water_level=-0.5,
    )


def small_facets(district: District) -> Facets:
    """Return sensor grids of the district's blocks."""
    return make_facets(lod1_solids(district.buildings), spacing=1.7)


def known_light(facets: Facets) -> FloatArray:
    """Return a smooth irradiation [kWh/m2 a year] that differs between all facets."""
    position = facets.sensor_positions()
    base = np.where(facets.kind[facets.sensor_facet] == Kind.ROOF, 700.0, 250.0)
    return base + 1.5 * position[:, 0] - position[:, 1] + 4.0 * position[:, 2]


def facet_means(facets: Facets, sensor_values: FloatArray) -> FloatArray:
    """Return the mean of each facet's sensors."""
    sums = np.bincount(facets.sensor_facet, sensor_values, len(facets))
    means: FloatArray = sums / facets.sensors_per_facet
    return means


def results(district: District, facets: Facets, facet_values: FloatArray) -> pd.DataFrame:
    """Return results by part that follow from the facets."""
    rows = []
    for number, part in enumerate(facets.solids.parts):
        row = {"part": part}
        for kind, name in ((Kind.ROOF, "roof"), (Kind.WALL, "facade")):
            chosen = (facets.part == number) & (facets.kind == kind)
            area = float(facets.area[chosen].sum())
            row[f"{name}_area"] = area
            row[f"{name}_kwh_m2"] = float(facet_values[chosen] @ facets.area[chosen]) / area
        row["pv_kwp"] = 0.1 * row["roof_area"]
        row["pv_kwh"] = row["pv_kwp"] * 900.0
        row["pv_roof_kwh"] = 0.75 * row["pv_kwh"]
        rows.append(row)
    table = pd.DataFrame(rows).set_index("part")
    return district.buildings[["building", "name", "use", "height"]].join(table)


@dataclass(frozen=True)
class LitDistrict:
    """A district with the light on it."""

    district: District
    facets: Facets
    light: FloatArray
    facet_light: FloatArray
    parts: pd.DataFrame


@pytest.fixture(scope="session")
def make_lit() -> Callable[..., LitDistrict]:
    """Make a small district; ``light`` may replace its light, the rest changes it."""

    def make(
        light: Callable[[Facets], FloatArray] = known_light, **changes: object
    ) -> LitDistrict:
        district = small_district(**changes)
        facets = small_facets(district)
        sensor_light = light(facets)
        facet_light = facet_means(facets, sensor_light)
        parts = results(district, facets, facet_light)
        return LitDistrict(district, facets, sensor_light, facet_light, parts)

    return make


@pytest.fixture(scope="session")
def lit(make_lit) -> LitDistrict:
    """Return the small district with a smooth light."""
    return make_lit()
