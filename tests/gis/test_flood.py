"""Hold floods against bowls, ramps, walls and a plain flood fill."""

from collections import deque

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gis.errors import TerrainError
from gis.flood import cells_under, flood_at, flooded_buildings
from gis.terrain import Grid, Terrain, flat_terrain, read_terrain
from gis.tracing import trace_cells

GRID = Grid(99_700.0, 6_213_800.0, 2.0, 40, 60)
SEA = shapely.box(99_700, 6_213_720, 99_710, 6_213_800)
"""The five western columns."""


def terrain_of(function, grid=GRID):
    """Elevations of a function of the metres east and south of the grid's corner."""
    x, y = np.meshgrid(grid.x - grid.west, grid.north - grid.y)
    return Terrain(grid, function(x, y), "made")


def plain_fill(below, seeds, *, corners):
    """Flood fill cell by cell, the slow way."""
    reached = np.zeros_like(below)
    queue = deque(map(tuple, np.argwhere(seeds & below)))
    steps = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    steps += [(1, 1), (1, -1), (-1, 1), (-1, -1)] if corners else []
    while queue:
        row, column = queue.popleft()
        if reached[row, column]:
            continue
        reached[row, column] = True
        for dr, dc in steps:
            r, c = row + dr, column + dc
            inside = 0 <= r < below.shape[0] and 0 <= c < below.shape[1]
            if inside and below[r, c] and not reached[r, c]:
                queue.append((r, c))
    return reached


@pytest.mark.parametrize("level", [0.5, 2.0, 3.5])
def test_a_ramp_is_flooded_up_to_the_level(level):
    """Rises 1:20 from the shore: the water reaches 20 m inland for each metre."""
    terrain = terrain_of(lambda x, _y: np.where(x < 10, -2.0, (x - 10) / 20))
    flood = flood_at(terrain, SEA, level=level)
    inland = 20 * level
    assert flood.area == pytest.approx(inland * 80)
    assert flood.enclosed_area == 0.0
    # A wedge: half of the greatest depth times the area.
    assert flood.volume == pytest.approx(inland * level / 2 * 80)
    assert flood.outlines.area.sum() == pytest.approx(flood.area)


def test_a_bowl_converges_to_its_circle_and_its_volume():
    """Z = r^2/20 below 3 m: a circle of area 60 pi with pi * 20 * 3^2 / 2 of water."""
    errors = []
    for cell in (2.0, 1.0, 0.5, 0.25):
        grid = Grid(99_700.0, 6_213_800.0, cell, int(40 / cell), int(44 / cell))
        terrain = terrain_of(
            lambda x, y: ((x - 21.3) ** 2 + (y - 19.1) ** 2) / 20, grid=grid
        )
        pond = shapely.Point(99_721.3, 6_213_780.9).buffer(2 * cell)
        flood = flood_at(terrain, pond, level=3.0)
        wet = flood.area + np.count_nonzero((terrain.z < 3.0) & ~flood.connected) * cell**2
        assert wet == pytest.approx(60 * np.pi, rel=0.1)
        errors.append(abs(flood.volume - 90 * np.pi))
    assert errors[-1] < errors[0] / 8


@pytest.mark.parametrize("gap", [True, False], ids=["open gate", "closed gate"])
def test_a_wall_keeps_low_ground_dry(gap):
    def ground(x, y):
        wall = (
            (x > 40) & (x < 44) & ~((y > 40) & (y < 44) if gap else np.zeros_like(x, bool))
        )
        return np.where(wall, 5.0, 1.0)

    flood = flood_at(terrain_of(ground), SEA, level=3.5)
    behind = 76 * 80
    assert (flood.enclosed_area == behind) is not gap
    assert (flood.area > 30 * 80) is gap
    assert set(flood.outlines["reach"]) == (
        {"connected"} if gap else {"connected", "enclosed"}
    )


def test_only_corners_let_water_through_a_slanting_wall():
    terrain = terrain_of(
        lambda x, y: np.where(np.floor(x / 2) == np.floor(y / 2) + 8, 9.0, 1.0)
    )
    sides = flood_at(terrain, SEA, level=3.0)
    corners = flood_at(terrain, SEA, level=3.0, through_corners=True)
    assert sides.enclosed_area > 0
    assert corners.enclosed_area == 0
    assert "over sides or corners" in corners.words


elevations = hnp.arrays(float, (7, 10), elements=st.integers(0, 4).map(float))
SMALL = Grid(0.0, 70.0, 10.0, 7, 10)
POND = shapely.box(20, 30, 40, 50)


@settings(deadline=None, max_examples=60)
@given(z=elevations, level=st.floats(-1, 5), corners=st.booleans())
def test_it_equals_the_plain_flood_fill(z, level, corners):
    flood = flood_at(Terrain(SMALL, z, "made"), POND, level=level, through_corners=corners)
    seeds = np.zeros_like(z, dtype=bool)
    seeds[2:4, 2:4] = True
    reached = plain_fill(z < level, seeds, corners=corners)
    assert (flood.connected == (reached & ~seeds)).all()
    assert ((flood.connected | flood.enclosed) == ((z < level) & ~seeds)).all()
    assert not (flood.connected & flood.enclosed).any()
    assert (flood.depth > 0).sum() == (flood.connected | flood.enclosed).sum()


@settings(deadline=None, max_examples=60)
@given(z=elevations, lower=st.floats(-1, 5), more=st.floats(0, 3))
def test_higher_water_never_dries_anything(z, lower, more):
    terrain = Terrain(SMALL, z, "made")
    one = flood_at(terrain, POND, level=lower)
    other = flood_at(terrain, POND, level=lower + more)
    assert not (one.connected & ~other.connected).any()
    assert other.volume >= one.volume


@settings(deadline=None, max_examples=60)
@given(mask=hnp.arrays(bool, (7, 10)))
def test_outlines_have_the_area_of_their_cells(mask):
    shape = trace_cells(mask, SMALL)
    assert shape.is_valid
    assert shape.area == pytest.approx(mask.sum() * 100.0)
    x, y = np.meshgrid(SMALL.x, SMALL.y)
    assert (shapely.contains_xy(shape, x, y) == mask).all()


def test_a_pond_on_a_hill_lets_nothing_out():
    terrain = terrain_of(lambda x, _y: np.where(x < 10, 30.0, 1.0))
    flood = flood_at(terrain, SEA, level=3.5)
    assert flood.area == 0.0
    assert flood.enclosed_area == 110 * 80
    assert "no water below that level" in flood.words


@pytest.mark.parametrize("level", [np.nan, np.inf, -9999.0, 1e5])
def test_a_level_that_is_none_is_refused(level):
    with pytest.raises(TerrainError, match="level of the water"):
        flood_at(terrain_of(lambda x, _y: x), SEA, level=level)


def test_buildings_are_told_by_the_ground_they_stand_on():
    terrain = terrain_of(lambda x, _y: np.where(x < 10, -1.0, np.where(x < 60, 2.0, 6.0)))
    west, north = GRID.west, GRID.north
    buildings = gpd.GeoDataFrame(
        geometry=[
            shapely.box(west + 90, north - 20, west + 100, north - 10),
            shapely.box(west + 50, north - 20, west + 70, north - 10),
            shapely.box(west + 30.1, north - 20.3, west + 30.4, north - 20.1),
            shapely.box(west + 5000, north, west + 5010, north + 10),
        ],
        index=["dry", "half", "tiny", "elsewhere"],
        crs=3008,
    )
    table = flooded_buildings(flood_at(terrain, SEA, level=3.5), terrain, buildings)
    assert table.index.to_list() == ["half", "tiny"]
    assert table["share"].to_list() == [0.5, 1.0]
    assert table["depth"].to_list() == [1.5, 1.5]
    assert table["ground"].to_list() == [2.0, 2.0]
    assert (table["reach"] == "connected").all()
    cut_off = flooded_buildings(
        flood_at(terrain, shapely.Polygon(), level=3.5), terrain, buildings
    )
    assert (cut_off["reach"] == "enclosed").all()
    with pytest.raises(TerrainError, match="same terrain"):
        flooded_buildings(
            flood_at(terrain, SEA, level=3.5), flat_terrain(GRID.bounds), buildings
        )


def test_no_building_gives_an_empty_table():
    owner, cell = cells_under(np.array([], dtype=object), GRID)
    assert len(owner) == len(cell) == 0


@pytest.mark.real
def test_the_harbour_at_three_and_a_half_metres(shared_data):
    folder = shared_data / "helsingborg"
    terrain, _ = read_terrain(folder / "harbour_dtm_1m_epsg3008.tif")
    layer = gpd.read_file(folder / "harbour_land_water_epsg3008.gpkg")
    sea = layer[layer["kind"] == "water"].union_all()
    levels = [0.0, 1.0, 2.0, 2.5, 3.5]
    floods = [flood_at(terrain, sea, level=level) for level in levels]
    areas = np.array([flood.area for flood in floods])
    assert (np.diff(areas) > 0).all()
    # Quays lie at +2 m: most of the harbour goes under between 2 m and 2.5 m.
    assert areas[3] - areas[2] > 2 * (areas[2] - areas[1])
    land = terrain.z.size - sea.area
    assert 0.3 < areas[-1] / land < 0.6
    outlines = floods[-1].outlines
    assert outlines.is_valid.all()
    assert outlines["area"].sum() == pytest.approx(
        floods[-1].area + floods[-1].enclosed_area
    )
    buildings = gpd.read_file(folder / "harbour_buildings_epsg3008.gpkg")
    table = flooded_buildings(floods[-1], terrain, buildings)
    # The model's own ground, from the raw points, agrees on who stands below.
    low = buildings.loc[table.index, "ground_m"].dropna()
    assert (low < 3.5 + 0.5).mean() > 0.95
