"""Hold land, water and quays against basins whose walls are known."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.errors import TerrainError
from gis.shore import Cover, classify_water, shore_stretches
from gis.terrain import Grid, Terrain, flat_terrain, read_terrain

WEST, SOUTH = 99_700.0, 6_213_600.0
BASIN = shapely.box(WEST + 50, SOUTH + 60, WEST + 150, SOUTH + 140)
"""100 m from west to east, 80 m from south to north."""


def terrain_of(function, cell=1.0):
    """Elevations of a function of the metres east and north of the basin's corner."""
    grid = Grid(WEST, SOUTH + 200, cell, int(200 / cell), int(220 / cell))
    x, y = np.meshgrid(grid.x - WEST - 50, grid.y - SOUTH - 60)
    return Terrain(grid, function(x, y), "made")


def harbour(x, y):
    """Quays of 2.0 m in the west, 3.2 m in north and south, a beach 1:10 in the east."""
    land = np.where((y < 0) | (y > 80), 3.2, np.where(x < 0, 2.0, 0.0))
    beach = (x > 100) & (y >= 0) & (y <= 80)
    land = np.where(beach, np.minimum((x - 100) / 10, 6.0), land)
    inside = (x > 0) & (x < 100) & (y > 0) & (y < 80)
    return np.where(inside, -0.2, land)


def test_every_side_of_a_basin_is_found_with_its_level():
    table, notes = shore_stretches(terrain_of(harbour), BASIN)
    assert notes[0].startswith("water level taken as -0.20 m")
    quays = table[table["kind"] == "quay"].sort_values("level")
    beach = table[table["kind"] != "quay"]
    assert quays["level"].to_list() == pytest.approx([2.0, 3.2, 3.2], abs=0.01)
    assert quays["height"].to_list() == pytest.approx([2.2, 3.4, 3.4], abs=0.01)
    # Places are 2 m apart and a median of five rounds the corners.
    assert quays["length"].to_list() == pytest.approx([80, 100, 100], abs=12)
    assert beach["kind"].to_list() == ["slope"]
    assert beach["length"].sum() == pytest.approx(80, abs=12)
    assert table["length"].sum() == pytest.approx(360.0, abs=0.05)
    assert table.geometry.distance(BASIN.boundary).max() < 1e-6


def test_a_basin_of_one_level_is_one_ring():
    table, _ = shore_stretches(
        terrain_of(
            lambda x, y: np.where((x > 0) & (x < 100) & (y > 0) & (y < 80), 0.0, 2.5)
        ),
        BASIN,
    )
    assert len(table) == 1
    assert table["level"].iloc[0] == 2.5
    assert table["length"].iloc[0] == pytest.approx(360.0, abs=0.05)


@pytest.mark.parametrize("width", [2.0, 4.0])
def test_a_wall_smeared_over_cells_is_still_a_wall(width):
    """Terrain models draw a wall as a ramp of some cells."""

    def smeared(x, y):
        away = np.maximum.reduce([-x, x - 100, -y, y - 80])
        return np.clip((away + width / 2) / width, 0, 1) * 2.4

    table, _ = shore_stretches(terrain_of(smeared), BASIN, level=0.0)
    assert set(table["kind"]) == {"quay"}
    assert table["level"].to_list() == pytest.approx([2.4] * len(table), abs=0.35)


def test_a_wall_smeared_over_ten_metres_is_a_step():
    def smeared(x, y):
        away = np.maximum.reduce([-x, x - 100, -y, y - 80])
        return np.clip(away / 9.0, 0, 1) * 2.0

    table, _ = shore_stretches(terrain_of(smeared), BASIN, level=0.0)
    assert set(table["kind"]) == {"step"}
    assert np.average(table["level"], weights=table["length"]) == pytest.approx(
        2.0, abs=0.05
    )


def test_a_narrow_pier_has_its_own_level():
    """8 m of pier at 1.5 m with water on both sides, and high land behind the water."""
    water = shapely.difference(
        BASIN, shapely.box(WEST + 96, SOUTH + 60, WEST + 104, SOUTH + 130)
    )

    def ground(x, y):
        pier = (x > 46) & (x < 54) & (y < 70)
        sea = (x > 0) & (x < 100) & (y > 0) & (y < 80) & ~pier
        return np.where(sea, 0.0, np.where(pier, 1.5, 6.0))

    table, _ = shore_stretches(terrain_of(ground), water, level=0.0)
    sides = table[table["level"] < 3.0]
    assert sides["level"].to_list() == pytest.approx([1.5] * len(sides), abs=0.01)
    assert sides["length"].sum() == pytest.approx(70 + 8 + 70, abs=15)


def test_the_edge_of_the_terrain_is_no_shore():
    sea = shapely.box(WEST - 500, SOUTH - 500, WEST + 100, SOUTH + 700)
    table, _ = shore_stretches(
        terrain_of(lambda x, _y: np.where(x < 50, 0.0, 2.0)), sea, level=0.0
    )
    assert table["length"].sum() == pytest.approx(198.0, abs=0.1)
    assert set(table["kind"]) == {"quay"}


def test_water_without_a_shore_or_a_level_is_refused():
    terrain = flat_terrain((0, 0, 100, 100))
    far = shapely.box(900, 900, 950, 950)
    with pytest.raises(TerrainError, match="level of the water must be given"):
        shore_stretches(terrain, far)
    with pytest.raises(TerrainError, match="must have a shore"):
        shore_stretches(terrain, far, level=0.0)
    with pytest.raises(TerrainError, match="must be given or found"):
        classify_water(terrain, shapely.Polygon())


def test_map_and_terrain_are_held_against_each_other():
    """A pier in the mapped basin, and a dock beside it that the map lacks."""

    def ground(x, y):
        sea = (x > 0) & (x < 100) & (y > 0) & (y < 80)
        z = np.where(sea, 0.0, 2.0)
        z = np.where((x > 40) & (x < 50) & (y > 20) & (y < 60), 3.0, z)
        z = np.where((x > 100) & (x < 120) & (y > 10) & (y < 30), 0.0, z)
        return np.where((x > 140) & (x < 150) & (y > 10) & (y < 30), -1.0, z)

    result = classify_water(terrain_of(ground), BASIN)
    area = {kind: result.outline(kind).area for kind in Cover}
    assert result.level == 0.0
    assert area[Cover.RAISED] == 10 * 40
    assert area[Cover.LOW] == 20 * 20
    assert area[Cover.WATER] == 100 * 80 - 10 * 40
    assert sum(area.values()) == pytest.approx(200 * 220)
    assert any(note.startswith("400 m2 in water bodies stand") for note in result.notes)
    assert any(note.startswith("400 m2 of land lie no higher") for note in result.notes)
    assert result.outline(Cover.WATER, Cover.LOW).area == 100 * 80
    with pytest.raises(ValueError, match="read-only"):
        result.cover[0, 0] = Cover.WATER


@pytest.mark.real
def test_the_shore_of_the_harbour(shared_data):
    folder = shared_data / "helsingborg"
    terrain, _ = read_terrain(folder / "harbour_dtm_1m_epsg3008.tif")
    layer = gpd.read_file(folder / "harbour_land_water_epsg3008.gpkg")
    sea = layer[layer["kind"] == "water"].union_all()
    found = classify_water(terrain, sea)
    # Water of the model is at the level of the day of the survey.
    assert found.level == pytest.approx(-0.19, abs=0.05)
    assert found.outline(Cover.WATER).area == pytest.approx(sea.area, rel=0.01)
    table, notes = shore_stretches(terrain, sea)
    west, south, east, north = terrain.grid.bounds
    frame = shapely.box(west + 1, south + 1, east - 1, north - 1)
    shore = shapely.intersection(sea.boundary, frame).length
    assert table["length"].sum() == pytest.approx(shore, rel=1e-3)
    # Old quays lie at +2 m; this terrain smears their walls over some ten metres.
    hard = table[table["kind"] != "slope"]
    assert hard["length"].sum() > 0.7 * shore
    assert 1.3 < np.average(hard["level"], weights=hard["length"]) < 2.3
    assert "m of shore" in notes[-1]
