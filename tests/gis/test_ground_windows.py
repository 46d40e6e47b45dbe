"""Prove that the ground read by window is that of the whole, without ever holding it."""

import tracemalloc

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.windows import Window

from gis.cores import usable_cores
from gis.crs import PLAN
from gis.errors import GeometryError, TerrainError
from gis.ground_windows import MARGIN, ground_levels, open_ground
from gis.heights import ground_under, stand_on_terrain
from gis.roof_heights import roof_heights_from_surface
from gis.sources.geotiff import read_raster, write_raster
from gis.terrain import Grid, Terrain
from gis.tiles import TILE

WEST, NORTH, CELL = 98_304.4, 6_214_656.7, 4.3
ROWS, COLUMNS = 350, 450


def write(path, z, *, west=WEST, north=NORTH, cell=CELL):
    write_raster(np.asarray(z, dtype=np.float64), path, west=west, north=north, cell=cell)
    return path


def in_memory(path):
    raster = read_raster(path)
    rows, columns = raster.values.shape
    grid = Grid(raster.west, raster.north, raster.cell, rows, columns)
    return Terrain(grid, raster.values, path.name)


def houses(count, *, size=(3.0, 40.0), seed=2):
    """Slanting houses, some over the borders of windows and of the raster."""
    rng = np.random.default_rng(seed)
    x = WEST + rng.uniform(-5.0, COLUMNS * CELL + 5.0, count)
    y = NORTH - rng.uniform(-5.0, ROWS * CELL + 5.0, count)
    # A third stands on the border of a tile.
    x[::3] = np.round(x[::3] / TILE) * TILE + rng.uniform(-9, 9, len(x[::3]))
    wide, deep = rng.uniform(*size, (2, count))
    boxes = shapely.box(x - wide / 2, y - deep / 2, x + wide / 2, y + deep / 2)
    turn = rng.uniform(0.0, 90.0, count)
    pairs = zip(boxes, turn, strict=True)
    return np.array([shapely.affinity.rotate(b, float(t)) for b, t in pairs])


@pytest.fixture(scope="module")
def rough(tmp_path_factory):
    z = np.random.default_rng(6).uniform(-3.0, 60.0, (ROWS, COLUMNS))
    return write(tmp_path_factory.mktemp("ground") / "rough.tif", z)


def test_levels_by_window_are_those_in_memory_to_the_bit(rough):
    shapes = houses(900)
    memory, windows = ground_under(shapes, in_memory(rough)), ground_under(shapes, rough)
    assert np.array_equal(memory, windows)
    assert np.isfinite(windows).all()
    # And they are nobody else's: one footprint alone is read in another window.
    for at in range(0, 900, 111):
        alone = ground_under(shapes[at : at + 1], rough)
        assert np.array_equal(np.ravel(alone), np.array(windows)[:, at])


def test_levels_are_those_of_the_outline_and_of_each_cell_inside(rough):
    shapes, terrain = houses(60, seed=9), in_memory(rough)
    shapes[0] = shapely.box(WEST + 700.1, NORTH - 301.4, WEST + 700.4, NORTH - 301.2)
    lowest, median = ground_under(shapes, rough)
    x, y = np.meshgrid(terrain.grid.x, terrain.grid.y)
    for shape, low, middle in zip(shapes, lowest, median, strict=True):
        outline = shapely.get_coordinates(shapely.segmentize(shape, CELL / 2))
        edge = terrain.sample(*outline.T)
        inside = terrain.z[shapely.contains_xy(shape, x, y)]
        assert low == min(edge.min(), inside.min(initial=np.inf))
        assert middle == pytest.approx(
            np.median(inside if len(inside) else edge), abs=1e-12
        )


def test_buildings_stand_on_a_file_as_on_the_terrain_in_memory(rough):
    shapes = houses(40, seed=4)
    frame = gpd.GeoDataFrame({"height": [9.0] * 40}, geometry=shapes, crs=PLAN)
    one, told = stand_on_terrain(frame, in_memory(rough))
    other, again = stand_on_terrain(frame, rough)
    assert told == again
    assert one.drop(columns="geometry").equals(other.drop(columns="geometry"))


def test_a_file_beside_the_buildings_is_refused(rough):
    away = gpd.GeoDataFrame({"height": [9.0]}, geometry=[shapely.box(0, 0, 9, 9)], crs=PLAN)
    with pytest.raises(TerrainError, match="1 of 1 lie beyond it"):
        stand_on_terrain(away, rough)


def test_a_plane_stays_one_over_its_gaps(tmp_path):
    rng = np.random.default_rng(1)
    row, column = np.mgrid[0:ROWS, 0:COLUMNS]
    z = 30.0 + 0.02 * column - 0.05 * row
    gaps = np.zeros(z.shape, dtype=bool)
    for r, c in rng.integers([9, 9], [ROWS - 30, COLUMNS - 30], (40, 2)):
        gaps[r : r + 17, c : c + 12] = True
    path = write(tmp_path / "gaps.tif", np.where(gaps, np.nan, z))
    shapes = houses(300, seed=5)
    inside = shapely.box(
        WEST + CELL, NORTH - (ROWS - 1) * CELL, WEST + (COLUMNS - 1) * CELL, NORTH - CELL
    )
    shapes = shapes[shapely.contains(inside, shapes)]
    lowest, _ = ground_under(shapes, path)
    whole = Terrain(Grid(WEST, NORTH, CELL, ROWS, COLUMNS), z, "plane")
    assert lowest == pytest.approx(ground_under(shapes, whole)[0], abs=1e-7)
    with open_ground(path) as ground:
        _, _, notes = ground_levels(shapes, ground)
    assert "terrain cells around footprints were missing" in notes[0]


def test_noise_in_a_raster_takes_the_nearest_cell(tmp_path):
    row, column = np.mgrid[0:ROWS, 0:COLUMNS]
    z = 30.0 + 0.02 * column - 0.05 * row
    gaps = np.random.default_rng(1).random(z.shape) < 0.02
    path = write(tmp_path / "noise.tif", np.where(gaps, np.nan, z))
    shapes = houses(100, seed=5)
    whole = Terrain(Grid(WEST, NORTH, CELL, ROWS, COLUMNS), z, "plane")
    off = ground_under(shapes, path)[0] - ground_under(shapes, whole)[0]
    # No known cell is farther than two, along both axes.
    assert 0.0 < np.abs(off).max() <= 2 * (0.02 + 0.05)


def test_a_footprint_far_from_any_terrain_takes_the_level_of_the_nearest(tmp_path):
    z = np.full((300, 400), 7.0)
    z[:, :190] = np.nan
    z[:, 300:] = 9.0
    path = write(tmp_path / "half.tif", z, west=90_000.0, north=6_210_000.0, cell=10.0)
    far = shapely.box(90_900, 6_209_000, 90_910, 6_209_020)
    assert MARGIN + TILE / 2 < 91_900 - 90_910
    near = shapely.box(92_200, 6_209_000, 92_210, 6_209_020)
    east = shapely.box(93_500, 6_208_000, 93_530, 6_208_010)
    more = shapely.box(93_600, 6_208_000, 93_630, 6_208_010)
    with open_ground(path) as ground:
        lowest, median, notes = ground_levels(np.array([far, near, east, more]), ground)
        assert lowest.tolist() == median.tolist() == [7.0, 7.0, 9.0, 9.0]
        assert "1 footprint without any terrain within 200 m" in notes[-1]
        with pytest.raises(TerrainError, match=r"half\.tif lacks 100%"):
            ground_levels(np.array([far]), ground)


def test_empty_outlines_are_refused_and_none_have_no_levels(rough):
    with pytest.raises(GeometryError, match="empty or infinite"):
        ground_under(np.array([shapely.Polygon()]), rough)
    lowest, median = ground_under(np.empty(0, dtype=object), rough)
    assert len(lowest) == len(median) == 0


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """10 km x 10 km at 1 m, of which the file holds but a few tiles."""
    path = tmp_path_factory.mktemp("large") / "sparse.tif"
    profile = {
        "driver": "GTiff",
        "count": 1,
        "width": 10_000,
        "height": 10_000,
        "dtype": "float32",
        "crs": PLAN.to_wkt("WKT1_GDAL"),
        "transform": Affine(1, 0, 90_000, 0, -1, 6_220_000),
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "SPARSE_OK": True,
    }
    with rasterio.open(path, "w", **profile) as target:
        block = np.full((512, 512), 12.5, dtype=np.float32)
        for at in (0, 2048, 9216):
            target.write(block, 1, window=Window(at, 512, 512, 512))
    assert path.stat().st_size < 5e6
    return path


@pytest.mark.parametrize("what", ["ground", "roofs"])
def test_a_large_raster_is_never_held_whole(sparse, what):
    # Houses all over it: every window is read.
    x, y = np.meshgrid(
        np.arange(90_100, 99_900, 400.0), np.arange(6_210_100, 6_219_900, 400)
    )
    shapes = shapely.box(x.ravel(), y.ravel(), x.ravel() + 12.0, y.ravel() + 8.0)
    shapes[0] = shapely.box(92_050, 6_219_100, 92_062, 6_219_108)
    tracemalloc.start()
    try:
        if what == "ground":
            lowest, _ = ground_under(shapes, sparse)
        else:
            roofs, _ = roof_heights_from_surface(shapes, sparse, sparse)
            lowest = roofs["base"].to_numpy()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lowest[0] == 12.5
    assert (lowest[1:] == 0.0).sum() > 500
    whole = 10_000**2 * 8
    window = TILE**2 * 8
    # Every thread holds a window, its file's numbers, its mask and what is in between.
    assert peak < 8 * window * (usable_cores() + 1)
    assert usable_cores() > 2 or peak < whole / 4
