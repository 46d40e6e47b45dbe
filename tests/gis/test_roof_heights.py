"""Prove roof heights by roofs of known shape, in points and in surface models."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gis.cloud_ground import terrain_from_points
from gis.errors import GeometryError, SourceError, TerrainError
from gis.roof_heights import (
    BARE_GROUND,
    FLOOR,
    LEVEL,
    MEASURED,
    NO_DATA,
    TOO_FEW,
    roof_heights_from_points,
    roof_heights_from_surface,
)
from gis.sources.geotiff import write_raster
from gis.sources.pointcloud import Points, open_point_cloud, read_pieces, read_points
from gis.terrain import Grid, Terrain

WEST, SOUTH = 99_700.0, 6_213_400.0
SIZE = 120
GRID = Grid(WEST, SOUTH + SIZE, 1.0, SIZE, SIZE)
LEVEL_GROUND = Terrain(GRID, np.full((SIZE, SIZE), 3.0), "level")
DENSITY = 8.0
"""Points per m2."""

SAMPLING = 0.25
"""Error of heights of gables of 10 m x 25 m at 8 points per m2: three times the standard
error of a quantile of a roof of 4 m relief [m]."""


def house(west=20.0, south=30.0, width=10.0, depth=25.0):
    """Footprint from metres east and north of the corner of the terrain."""
    x, y = WEST + west, SOUTH + south
    return shapely.box(x, y, x + width, y + depth)


def gable(footprint, eaves, ridge):
    """Roof with its ridge along the northing: level [m] at places."""
    west, _, east, _ = footprint.bounds

    def level(x, y):
        across = np.minimum(x - west, east - x) / ((east - west) / 2)
        return eaves + (ridge - eaves) * across

    return level


def flat(z):
    return lambda x, _: np.full(np.shape(x), z)


def sample(footprint, level, *, density=DENSITY, seed=2, kind=1, noise=0.0):
    """Points of a roof, evenly spread by chance."""
    rng = np.random.default_rng(seed)
    west, south, east, north = footprint.bounds
    count = int((east - west) * (north - south) * density)
    xy = rng.uniform((west, south), (east, north), (count, 2))
    xy = xy[shapely.contains_xy(footprint, *xy.T)]
    z = level(*xy.T) + rng.normal(0, noise, len(xy))
    return Points(np.column_stack([xy, z]), np.full(len(xy), kind, dtype=np.uint8))


def join(*some):
    return Points(
        np.concatenate([p.xyz for p in some]), np.concatenate([p.kind for p in some])
    )


def ground_points(seed=9, density=2.0, ground=LEVEL_GROUND):
    everywhere = shapely.box(*GRID.bounds)
    return sample(everywhere, ground.sample, density=density, seed=seed, kind=2)


def measure(footprints, points, ground=LEVEL_GROUND, **options):
    return roof_heights_from_points(np.array(footprints), [points], ground, **options)


def paint(*roofs, ground=LEVEL_GROUND):
    """Surface model: the ground with roofs (footprint, level) on it."""
    x, y = np.meshgrid(GRID.x, GRID.y)
    z = ground.z.copy()
    for footprint, level in roofs:
        inside = shapely.contains_xy(footprint, x, y)
        z[inside] = level(x[inside], y[inside])
    return z


@pytest.fixture
def surface(tmp_path):
    def write(z, name="dsm.tif"):
        path = tmp_path / name
        write_raster(z, path, west=GRID.west, north=GRID.north, cell=GRID.cell)
        return path

    return write


@pytest.mark.parametrize("height", [2.5, 11.0, 80.0])
def test_a_flat_roof_has_one_height(height, surface):
    shape = house()
    points = sample(shape, flat(3.0 + height))
    dsm = surface(paint((shape, flat(3.0 + height))))
    for roofs in (
        measure([shape], points)[0],
        roof_heights_from_surface(np.array([shape]), dsm, LEVEL_GROUND)[0],
    ):
        roof = roofs.iloc[0]
        assert roof[["height", "eaves", "ridge"]].tolist() == pytest.approx([height] * 3)
        assert roof[["ground", "base"]].tolist() == [3.0, 3.0]
        assert (roof["shape"], roof["status"]) == ("flat", MEASURED)
        assert roof["covered"] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(("eaves", "ridge"), [(6.0, 10.0), (12.0, 14.0), (4.0, 9.0)])
def test_a_gable_gives_ridge_and_eaves(eaves, ridge, surface):
    shape = house()
    level = gable(shape, 3.0 + eaves, 3.0 + ridge)
    by_points = measure([shape], sample(shape, level))[0].iloc[0]
    dsm = surface(paint((shape, level)))
    by_cells = roof_heights_from_surface(np.array([shape]), dsm, LEVEL_GROUND)[0].iloc[0]
    # Cells of 1 m see the roof at their centres only: half a cell times the slope.
    coarse = 0.5 * (ridge - eaves) / 5.0
    for roof, tolerance in ((by_points, SAMPLING), (by_cells, coarse)):
        assert roof["shape"] == "pitched"
        assert roof["ridge"] == pytest.approx(ridge, abs=tolerance)
        assert roof["eaves"] == pytest.approx(eaves, abs=2 * tolerance)
        wanted = eaves + LEVEL * (ridge - eaves)
        assert roof["height"] == pytest.approx(wanted, abs=tolerance)


def test_errors_of_a_gable_fall_with_the_density_of_points():
    shape = house(width=12.0, depth=30.0)
    level = gable(shape, 9.0, 14.0)
    wanted = np.array([6.0 + LEVEL * 5.0, 6.0, 11.0])
    errors = []
    for density in (0.5, 4.0, 32.0):
        found = np.array(
            [
                measure([shape], sample(shape, level, density=density, seed=seed))[0]
                .loc[0, ["height", "eaves", "ridge"]]
                .to_numpy(dtype=float)
                for seed in range(12)
            ]
        )
        errors.append(np.sqrt(np.mean((found - wanted) ** 2)))
    assert errors[1:] < errors[:-1]
    assert errors[-1] < 0.15


def test_the_stated_uncertainty_covers_the_error():
    """Of 60 noisy gables, at least nine in ten lie within two standard uncertainties."""
    shape = house()
    level = gable(shape, 9.0, 13.0)
    wanted = 6.0 + LEVEL * 4.0
    ratios = []
    for seed in range(60):
        points = sample(shape, level, density=1.0, seed=seed, noise=0.1)
        roof = measure([shape], points)[0].iloc[0]
        ratios.append(abs(roof["height"] - wanted) / roof["uncertainty"])
    assert np.mean(np.array(ratios) < 2.0) >= 0.9


def test_a_step_gives_both_levels_and_the_upper_where_it_covers_enough(surface):
    low, high = house(width=20.0, depth=12.0), house(south=42.0, width=20.0, depth=18.0)
    whole = shapely.union_all([low, high])
    points = join(sample(low, flat(31.0)), sample(high, flat(43.0), seed=3))
    dsm = surface(paint((low, flat(31.0)), (high, flat(43.0))))
    for roofs in (
        measure([whole], points)[0],
        roof_heights_from_surface(np.array([whole]), dsm, LEVEL_GROUND)[0],
    ):
        roof = roofs.iloc[0]
        assert roof["shape"] == "stepped"
        assert roof[["height", "eaves", "ridge"]].tolist() == pytest.approx([40, 28, 40])


def jib(shape, z, *, width=1.4, density=DENSITY):
    """Arm of a crane across a footprint."""
    west, _, east, _ = shape.bounds
    y = shapely.get_coordinates(shape.centroid)[0, 1]
    arm = shapely.box(west - 10, y - width / 2, east + 10, y + width / 2)
    return arm, sample(arm, flat(z), seed=4, density=density)


@pytest.mark.parametrize("above", [5.0, 20.0, 60.0])
def test_a_crane_above_a_flat_roof_is_removed(above, surface):
    shape = house(width=15.0, depth=12.0)
    arm, over = jib(shape, 23.0 + above)
    mast = shapely.box(WEST + 24, SOUTH + 32, WEST + 26, SOUTH + 34)
    tower = sample(mast, flat(30.0 + above), seed=5)
    points = join(sample(shape, flat(23.0)), over, tower)
    dsm = surface(paint((shape, flat(23.0)), (arm, flat(23.0 + above)),
                        (mast, flat(30.0 + above))))  # fmt: skip
    for roofs, notes in (
        measure([shape], points),
        roof_heights_from_surface(np.array([shape]), dsm, LEVEL_GROUND),
    ):
        roof = roofs.iloc[0]
        assert roof[["height", "eaves", "ridge"]].tolist() == pytest.approx([20.0] * 3)
        assert roof["spikes"] > 0
        assert any("removed as cranes, masts or birds" in note for note in notes)


def test_birds_are_removed_and_a_lift_house_stays():
    shape = house(width=15.0, depth=12.0)
    birds = Points(
        np.array([[WEST + 22, SOUTH + 33, 60.0], [WEST + 30, SOUTH + 40, 75.0]]),
        np.ones(2, dtype=np.uint8),
    )
    lift = shapely.box(WEST + 22, SOUTH + 32, WEST + 28, SOUTH + 38)
    points = join(sample(shape, flat(23.0)), birds, sample(lift, flat(28.5), seed=6))
    roof = measure([shape], points)[0].iloc[0]
    assert roof["spikes"] == 2
    assert roof["ridge"] == pytest.approx(25.5)
    assert roof["height"] == pytest.approx(20.0)


def test_a_steep_ridge_is_no_spike():
    shape = house(width=14.0, depth=25.0)
    points = sample(shape, gable(shape, 9.0, 9.0 + 7.0 * np.tan(np.radians(60))))
    roof = measure([shape], points)[0].iloc[0]
    assert roof["spikes"] == 0
    assert roof["ridge"] == pytest.approx(6.0 + 12.12, abs=3 * SAMPLING)


def test_the_ground_of_a_courtyard_is_no_part_of_the_roof(surface):
    outer, yard = house(width=40.0, depth=40.0), house(32.0, 42.0, 16.0, 16.0)
    ring = outer.difference(yard)
    assert len(ring.interiors) == 1
    points = join(sample(ring, flat(20.0)), ground_points())
    dsm = surface(paint((ring, flat(20.0))))
    for roofs in (
        measure([ring], points)[0],
        roof_heights_from_surface(np.array([ring]), dsm, LEVEL_GROUND)[0],
    ):
        assert roofs.loc[0, "height"] == pytest.approx(17.0)
        assert roofs.loc[0, "covered"] == pytest.approx(1.0, abs=0.02)
    # A yard that the map does not know is ground within the footprint, not roof.
    roof = measure([outer], points)[0].iloc[0]
    assert roof["height"] == pytest.approx(17.0)
    assert roof["covered"] == pytest.approx(1 - 15**2 / 39**2, abs=0.03)


def test_on_a_slope_heights_count_from_the_median_ground(surface):
    x, y = np.meshgrid(GRID.x, GRID.y)
    slope = Terrain(GRID, 5.0 + 0.10 * (x - WEST) - 0.05 * (y - SOUTH), "slope")
    shape = house(width=20.0, depth=10.0)
    points = join(sample(shape, flat(25.0)), ground_points(ground=slope))
    middle = 5.0 + 0.10 * 30.0 - 0.05 * 35.0
    dsm = surface(paint((shape, flat(25.0)), ground=slope))
    dtm = surface(slope.z, "dtm.tif")
    for roof in (
        measure([shape], points, slope)[0].iloc[0],
        roof_heights_from_surface(np.array([shape]), dsm, slope)[0].iloc[0],
        roof_heights_from_surface(np.array([shape]), dsm, dtm)[0].iloc[0],
    ):
        assert roof["ground"] == pytest.approx(middle, abs=0.06)
        assert roof["height"] == pytest.approx(25.0 - middle, abs=0.06)
        assert roof["base"] == pytest.approx(5.0 + 0.10 * 20.0 - 0.05 * 40.0, abs=0.08)


def test_bare_ground_within_a_footprint_is_no_height(surface):
    shape, old = house(), house(60.0)
    points = join(ground_points(), sample(old, flat(12.0)))
    dsm = surface(paint((old, flat(12.0))))
    for roofs, notes in (
        measure([shape, old], points),
        roof_heights_from_surface(np.array([shape, old]), dsm, LEVEL_GROUND),
    ):
        assert roofs["status"].tolist() == [BARE_GROUND, MEASURED]
        assert np.isnan(
            roofs.loc[0, ["height", "eaves", "uncertainty"]].astype(float)
        ).all()
        assert (
            "1 footprint over bare ground: younger than the survey or gone, not measured"
            in notes
        )


def test_few_points_and_none_are_told_apart():
    few, none = house(), house(60.0)
    points = sample(few, flat(12.0))
    points = Points(points.xyz[:4], points.kind[:4])
    roofs, notes = measure([few, none], points)
    assert roofs["status"].tolist() == [TOO_FEW, NO_DATA]
    assert len(notes) == 3


def test_class_6_is_preferred_and_class_1_serves_where_it_is_missing():
    classed, bare = house(), house(60.0)
    tree = sample(classed, flat(30.0), density=3.0, seed=7, kind=1)
    points = join(
        sample(classed, flat(12.0), kind=6), tree, sample(bare, flat(15.0), kind=1)
    )
    assert measure([classed, bare], points)[0]["height"].tolist() == [9.0, 12.0]


@pytest.mark.parametrize("kind", [2, 3, 4, 5, 9, 17])
def test_ground_water_vegetation_and_bridges_are_never_roofs(kind):
    shape = house()
    roofs, _ = measure([shape], sample(shape, flat(12.0), kind=kind))
    assert roofs.loc[0, "status"] != MEASURED


def test_walls_below_the_eaves_do_not_lower_them():
    """A third of the points of a hall hang on its walls, in the outermost half metre."""
    shape = house(width=10.0, depth=25.0)
    wall = sample(shape.difference(shape.buffer(-0.9)), flat(0.0), seed=8, density=20.0)
    height = np.random.default_rng(1).uniform(3.0, 19.0, len(wall))
    wall.xyz[:, 2] = height
    roof = measure([shape], join(sample(shape, flat(19.0)), wall))[0].iloc[0]
    assert roof[["height", "eaves", "ridge"]].tolist() == pytest.approx(
        [16.0] * 3, abs=0.01
    )
    assert roof["shape"] == "flat"


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.floats(0.5, 6.0))
def test_points_on_the_ground_change_no_roof(seed, density):
    shapes = [house(), house(60.0, 20.0, 18.0, 9.0)]
    roof = join(
        sample(shapes[0], gable(shapes[0], 9.0, 13.0)), sample(shapes[1], flat(8.0), seed=3)
    )
    columns = ["height", "eaves", "ridge", "shape", "status", "samples", "uncertainty"]
    before = measure(shapes, roof)[0][columns]
    after = measure(shapes, join(roof, ground_points(seed=seed, density=density)))[0]
    assert after[columns].equals(before)


@settings(deadline=None, max_examples=15)
@given(st.integers(-60, 60), st.integers(-40, 40), st.floats(-1.5, 30.0))
def test_moving_everything_moves_levels_and_nothing_else(east, north, up):
    shape = house()
    points = join(sample(shape, gable(shape, 9.0, 13.0)), jib(shape, 30.0)[1])
    shift = np.array([east * 10.0, north * 10.0, up])
    grid = Grid(GRID.west + shift[0], GRID.north + shift[1], 1.0, SIZE, SIZE)
    ground = Terrain(grid, LEVEL_GROUND.z + up, "moved")
    moved = Points(points.xyz + shift, points.kind)
    there = shapely.transform(shape, lambda xy: xy + shift[:2])
    columns = ["height", "eaves", "ridge", "spread", "uncertainty"]
    before = measure([shape], points)[0][columns]
    after = measure([there], moved, ground)[0][columns]
    # Rounding of national coordinates can move a point across the edge of a cell.
    assert after.to_numpy() == pytest.approx(before.to_numpy(), abs=0.02)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 7))
def test_the_order_and_the_pieces_of_the_points_have_no_say(seed, number):
    shapes = np.array([house(), house(60.0, 20.0, 18.0, 9.0)])
    points = join(
        sample(shapes[0], gable(shapes[0], 9.0, 13.0)),
        sample(shapes[1], flat(8.0), noise=0.1),
        ground_points(),
    )
    order = np.random.default_rng(seed).permutation(len(points))
    pieces = [
        Points(points.xyz[part], points.kind[part])
        for part in np.array_split(order, number)
    ]
    before, _ = roof_heights_from_points(shapes, [points], LEVEL_GROUND)
    after, _ = roof_heights_from_points(shapes, pieces, LEVEL_GROUND)
    assert after.equals(before)


def test_the_order_of_footprints_is_that_of_the_table_across_tiles(surface):
    """The same roofs, asked for backwards and one by one."""
    shapes = [house(10.0 + 18.0 * i, 10.0 + 7.0 * i, 9.0 + i, 11.0) for i in range(5)]
    dsm = surface(paint(*((s, flat(9.0 + i)) for i, s in enumerate(shapes))))
    forth, _ = roof_heights_from_surface(np.array(shapes), dsm, LEVEL_GROUND)
    back, _ = roof_heights_from_surface(np.array(shapes[::-1]), dsm, LEVEL_GROUND)
    assert forth["height"].tolist() == pytest.approx([6.0, 7.0, 8.0, 9.0, 10.0])
    assert back["height"].tolist() == forth["height"].tolist()[::-1]
    for i, shape in enumerate(shapes):
        alone, _ = roof_heights_from_surface(np.array([shape]), dsm, LEVEL_GROUND)
        assert alone.iloc[0].equals(forth.iloc[i].rename(0))


def test_footprints_beyond_the_surface_are_told_and_all_beyond_are_refused(surface):
    dsm = surface(paint((house(), flat(12.0))))
    far = shapely.transform(house(), lambda xy: xy + 5000.0)
    roofs, notes = roof_heights_from_surface(np.array([far, house()]), dsm, LEVEL_GROUND)
    assert roofs["status"].tolist() == [NO_DATA, MEASURED]
    assert "1 footprint without any sample, not measured" in notes
    with pytest.raises(TerrainError, match="must overlap"):
        roof_heights_from_surface(np.array([far]), dsm, LEVEL_GROUND)


def test_gaps_in_the_surface_are_no_roof(surface):
    z = paint((house(), flat(12.0)))
    z[:, 25:] = np.nan
    roofs, _ = roof_heights_from_surface(np.array([house()]), surface(z), LEVEL_GROUND)
    assert roofs.loc[0, "height"] == pytest.approx(9.0)
    assert roofs.loc[0, "covered"] == pytest.approx(0.5, abs=0.01)


def test_narrow_footprints_keep_their_cells(surface):
    wall = house(20.0, 30.0, 2.0, 30.0)
    dsm = surface(paint((wall, flat(8.0))))
    roofs, _ = roof_heights_from_surface(np.array([wall]), dsm, LEVEL_GROUND)
    assert roofs.loc[0, "height"] == pytest.approx(5.0)


def test_a_cut_file_and_empty_footprints_are_refused(surface, tmp_path):
    rough = np.random.default_rng(3).normal(9.0, 1.0, (SIZE, SIZE))
    raw = surface(rough).read_bytes()
    (tmp_path / "cut.tif").write_bytes(raw[: len(raw) // 2])
    dsm = surface(paint(), "whole.tif")
    with pytest.raises(SourceError, match="readable GeoTIFF"):
        roof_heights_from_surface(np.array([house()]), tmp_path / "cut.tif", LEVEL_GROUND)
    with pytest.raises(GeometryError, match="1 are empty"):
        roof_heights_from_surface(np.array([house(), shapely.Polygon()]), dsm, LEVEL_GROUND)


def test_no_footprints_give_an_empty_table(surface):
    empty = np.empty(0, dtype=object)
    by_cells, _ = roof_heights_from_surface(empty, surface(paint()), LEVEL_GROUND)
    by_points, _ = roof_heights_from_points(empty, [ground_points()], LEVEL_GROUND)
    assert len(by_cells) == len(by_points) == 0
    assert by_cells.columns.tolist() == by_points.columns.tolist()


def test_ground_points_make_a_plane_exact_below_a_building():
    """Cells hold one point at their centre each; a hole of 20 m is spanned."""
    x, y = np.meshgrid(GRID.x, GRID.y)
    z = 7.0 + 0.2 * (x - WEST) - 0.1 * (y - SOUTH)
    gap = (x > WEST + 40) & (x < WEST + 60) & (y > SOUTH + 30) & (y < SOUTH + 55)
    points = Points(
        np.column_stack([x[~gap], y[~gap], z[~gap]]), np.full((~gap).sum(), 2, np.uint8)
    )
    terrain, notes = terrain_from_points([points], GRID.bounds)
    assert terrain.z == pytest.approx(z, abs=1e-6)
    assert "spanned between their neighbours" in notes[0]


def test_a_terrain_needs_ground_points_and_a_modest_grid():
    roof = sample(house(), flat(9.0))
    with pytest.raises(TerrainError, match="class 2"):
        terrain_from_points([roof], GRID.bounds)
    with pytest.raises(TerrainError, match="at most"):
        terrain_from_points([roof], (0.0, 0.0, 1e6, 1e6))


@pytest.mark.real
def test_a_real_block_with_class_6_stands_as_high_without_it(shared_data):
    """Roof levels of the tile, read off its points, and the same when class 6 becomes 1."""
    path = shared_data / "pointcloud" / "ign_test_data_77050_627755_LA93_IGN69.laz"
    cloud = open_point_cloud(path, plane=CRS.from_epsg(2154))
    terrain, _ = terrain_from_points(read_pieces(cloud), cloud.bounds)
    corner = np.array([770_500.0, 6_277_500.0])
    outline = [(11.5, 0.5), (21.5, 0.5), (44, 35), (22, 48.5), (14, 48.5), (11.5, 44.5),
               (28.5, 32.5)]  # fmt: skip
    block = shapely.Polygon(corner + np.array(outline))
    points, _ = read_points(cloud)
    unclassed = np.where(points.kind == 6, 1, points.kind).astype(np.uint8)
    with_it, _ = roof_heights_from_points(np.array([block]), [points], terrain)
    without, _ = roof_heights_from_points(
        np.array([block]), [Points(points.xyz, unclassed)], terrain
    )
    inside = shapely.contains_xy(block.buffer(-2), *points.xyz[:, :2].T)
    roof = np.median(points.xyz[inside & (points.kind == 6), 2])
    assert with_it.loc[0, "shape"] == "flat"
    found = with_it.loc[0, "height"] + with_it.loc[0, "ground"]
    assert found == pytest.approx(roof, abs=with_it.loc[0, "uncertainty"] * 2)
    assert without.loc[0, "height"] == pytest.approx(with_it.loc[0, "height"], abs=0.1)


@pytest.mark.real
def test_the_real_harbour_gives_back_the_heights_it_was_made_of(shared_data):
    """The surface model was burnt from the heights; only edges and ground differ."""
    import geopandas as gpd

    folder = shared_data / "helsingborg"
    frame = gpd.read_file(folder / "harbour_buildings_epsg3008.gpkg")
    frame = frame[frame["height_reliable"] & (frame["footprint_m2"] > 200)]
    roofs, _ = roof_heights_from_surface(
        frame.geometry.to_numpy(),
        folder / "harbour_dsm_lod1_1m_epsg3008.tif",
        folder / "harbour_dtm_1m_epsg3008.tif",
    )
    fine = (roofs["status"] == MEASURED).to_numpy()
    assert fine.mean() > 0.98
    level = (roofs["height"] + roofs["ground"]).to_numpy()
    error = np.abs(level - frame["roof_m"].to_numpy())[fine]
    assert np.median(error) < 0.1
    assert np.mean(error < 0.5) > 0.95
    assert (roofs["height"][fine] >= FLOOR).all()
