"""Sensors on open ground stand over the centres of a raster, on the ground."""

from dataclasses import replace
from datetime import date

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.district import District, complete_buildings
from gis.errors import GeometryError
from gis.terrain import Grid, Terrain
from meshes.mesh_facets import point_facets
from meshes.solar.daylight.exposure import sun_hours
from meshes.solar.daylight.ground import FLATNESS, fit_tiles, ground_facets
from meshes.solar.daylight.sun_steps import sun_steps
from meshes.solar.occluders import district_occluders, terrain_occluders
from meshes.solar.reference import is_blocked
from meshes.solids import lod1_solids

EAST, NORTH = 99_500.0, 6_213_000.0
ORIGIN = np.array([EAST, NORTH, 0.0])
PLACE = {"latitude": 56.04, "longitude": 12.69}
EQUINOX = date(2026, 3, 20)


def district(z=lambda x, y: np.zeros(np.broadcast_shapes(x.shape, y.shape)), *, tall=12.0):
    """Return a house, a raised house and a pond on some ground."""
    grid = Grid(EAST - 100, NORTH + 100, 2.0, 100, 100)
    level = np.asarray(z(grid.x[None, :] - EAST, grid.y[:, None] - NORTH), float)
    shapes = [(-20, -10, 5, 3), (20, 20, 31, 44)]
    houses = gpd.GeoDataFrame(
        {
            "building": ["a", "b"],
            "name": "",
            "use": "",
            "year": np.nan,
            "height": tall,
            "height_source": "made up",
            "base": float(level.min()),
            "base_source": "made up",
            "top": float(level.max()) + tall,
            "underside": [0.0, 4.0],
        },
        geometry=shapely.orient_polygons(
            [shapely.box(EAST + w, NORTH + s, EAST + e, NORTH + n) for w, s, e, n in shapes]
        ),
        index=["a", "b"],
        crs=3008,
    )
    houses.index.name = "part"
    none = gpd.GeoDataFrame(geometry=[], crs=3008)
    return District(
        name="Ground",
        boundary=shapely.box(EAST - 60.5, NORTH - 51, EAST + 70, NORTH + 61),
        buildings=complete_buildings(houses),
        terrain=Terrain(grid, np.broadcast_to(level, (100, 100)), "made up"),
        water=shapely.MultiPolygon(
            [shapely.box(EAST - 55, NORTH + 10, EAST - 30, NORTH + 40)]
        ),
        landmarks=none.assign(name="", kind="hub", accuracy=1.0, basis=""),
        trees=none.assign(height=1.0, crown_radius=1.0, source=""),
        schematic=False,
        credits=(),
        notes=(),
        water_level=-2.0,
    )


def slope(x, y):
    return 5 + 0.04 * x - 0.03 * y


@pytest.mark.parametrize("height", [0.0, 1.5])
def test_sensors_stand_over_the_centres_on_a_slope(height):
    town = replace(district(slope), water=shapely.MultiPolygon())
    found = ground_facets(town, origin=ORIGIN, spacing=1.0, height=height)
    spots = found.facets.sensor_positions() + ORIGIN
    np.testing.assert_allclose(spots[:, 0], found.grid.x[found.column], atol=1e-8)
    np.testing.assert_allclose(spots[:, 1], found.grid.y[found.row], atol=1e-8)
    wanted = slope(spots[:, 0] - EAST, spots[:, 1] - NORTH) + height
    np.testing.assert_allclose(spots[:, 2], wanted, atol=1e-5)
    normal = np.array([-0.04, 0.03, 1.0]) / np.sqrt(1 + 0.04**2 + 0.03**2)
    large = found.facets.shape[:, 0] > 4
    np.testing.assert_allclose(
        found.facets.normal[large], np.tile(normal, (large.sum(), 1)), atol=1e-6
    )
    assert found.facets.area.sum() == pytest.approx(len(spots) / normal[2], rel=1e-4)


def test_water_and_standing_houses_have_no_sensors_and_raised_ones_do():
    town = district()
    found = ground_facets(town, origin=ORIGIN, spacing=1.0)
    spots = shapely.points(found.grid.x[found.column], found.grid.y[found.row])
    shapes = town.buildings.geometry
    assert shapely.within(spots, town.boundary).all()
    assert not shapely.within(spots, town.water).any()
    assert not shapely.within(spots, shapes["a"]).any()
    assert shapely.within(spots, shapes["b"]).sum() == pytest.approx(shapes["b"].area)
    area = town.boundary.area - town.water.area - shapes["a"].area
    assert len(spots) == pytest.approx(area, rel=0.01)
    assert found.facets.sensor_count == len(spots)


def test_a_raster_gives_back_what_it_was_given():
    found = ground_facets(district(slope), origin=ORIGIN, spacing=2.0)
    raster = found.raster(found.grid.x[found.column])
    assert raster.shape == (found.grid.rows, found.grid.columns)
    filled = np.isfinite(raster)
    assert filled.sum() == found.facets.sensor_count
    np.testing.assert_array_equal(
        raster[filled], np.broadcast_to(found.grid.x, raster.shape)[filled]
    )


def test_rough_ground_is_followed_to_the_flatness():
    rng = np.random.default_rng(5)
    grid = Grid(0.0, 83.0, 1.0, 83, 71)
    level = rng.normal(0, 0.05, (83, 71)).cumsum(axis=0) + 0.02 * np.arange(71)
    level[40:, 30:] += 4.0  # a quay
    is_open = rng.random((83, 71)) < 0.8
    found = fit_tiles(level, is_open, grid, origin=np.zeros(3))
    spots = found.facets.sensor_positions()
    assert is_open[found.row, found.column].all()
    assert found.facets.sensor_count == is_open.sum()
    off = np.abs(spots[:, 2] - level[found.row, found.column])
    assert off.max() <= FLATNESS + 1e-9
    np.testing.assert_allclose(spots[:, :2], np.stack(
        [grid.x[found.column], grid.y[found.row]], axis=1), atol=1e-9)  # fmt: skip
    assert len(np.unique(found.facets.shape)) > 2, "tiles of several sizes"


@pytest.mark.parametrize("z", [slope, lambda x, y: 4 * np.sin(x / 19) * np.cos(y / 23)])
def test_shadows_on_the_ground_equal_brute_force(z):
    """Also on tiles whose axes are not at right angles."""
    town = district(z)
    solids = lod1_solids(town.buildings, origin=ORIGIN)
    occluders = district_occluders(town, solids)
    blockers = district_occluders(town, solids).polygons
    found = ground_facets(town, origin=ORIGIN, spacing=3.0, height=0.2)
    facets = found.facets
    steps = sun_steps(EQUINOX, **PLACE, step_minutes=60)
    hours = np.zeros(facets.sensor_count)
    normals = facets.normal[facets.sensor_facet]
    for direction in steps.direction:
        hours += ~is_blocked(facets.sensor_positions(), normals, direction, blockers)
    mine = sun_hours(facets, occluders, EQUINOX, **PLACE, step_minutes=60)
    np.testing.assert_array_equal(mine.hours, hours)
    assert (hours < len(steps.direction)).any()
    alone = point_facets(facets.sensor_positions(), normals)
    single = sun_hours(alone, occluders, EQUINOX, **PLACE, step_minutes=60)
    np.testing.assert_array_equal(single.hours, hours)


def test_free_ground_has_the_whole_day_where_no_slope_turns_away():
    town = district(tall=5.0)
    found = ground_facets(town, origin=ORIGIN, spacing=4.0)
    terrain = terrain_occluders(town.terrain, ORIGIN)
    mine = sun_hours(found.facets, terrain, EQUINOX, **PLACE)
    np.testing.assert_allclose(mine.hours, mine.possible)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"spacing": 0.0}, "above 0"),
        ({"spacing": float("nan")}, "above 0"),
        ({"spacing": 1e-3}, "cells"),
        ({"spacing": 500.0}, "cells"),
        ({"window": shapely.box(0, 0, 1, 1)}, "on the terrain"),
        ({"window": shapely.Polygon()}, "on the terrain"),
        ({"window": shapely.box(EAST - 15, NORTH - 8, EAST, NORTH)}, "open ground"),
    ],
)
def test_ground_that_cannot_be_laid_is_refused(wrong, word):
    with pytest.raises(GeometryError, match=word):
        ground_facets(district(), origin=ORIGIN, **wrong)
