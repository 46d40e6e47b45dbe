"""Prove sampling, filling and reading of terrain by planes and brute force."""

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyproj import CRS, Transformer

from gis.crs import PLAN
from gis.errors import CrsError, SourceError, TerrainError
from gis.sources.geotiff import label_cells, read_raster
from gis.terrain import Grid, Terrain, fill_nearest, flat_terrain, read_terrain

GRID = Grid(west=99_700.0, north=6_213_800.0, cell=2.5, rows=7, columns=11)
"""Asymmetric, so that a transposed axis fails."""

ROUNDING = 1e-8
"""Of national coordinates of 6e6 m in double precision, times slopes below 0.1 [m]."""


def plane(x, y):
    """Rises east, falls north; 20 m at the corner of the grid."""
    return 20.0 + 0.03 * (np.asarray(x) - GRID.west) - 0.07 * (np.asarray(y) - GRID.north)


def terrain_of(function, grid=GRID):
    x, y = np.meshgrid(grid.x, grid.y)
    return Terrain(grid, function(x, y), "test")


def write(
    path,
    z,
    *,
    west=GRID.west,
    north=GRID.north,
    cell=GRID.cell,
    crs=PLAN,
    nodata=None,
    **more,
):
    transform = more.pop("transform", Affine(cell, 0, west, 0, -cell, north))
    z = np.asarray(z)
    bands = z if z.ndim == 3 else z[None]
    tags = more.pop("after", lambda _target: None)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(bands),
        height=bands.shape[1],
        width=bands.shape[2],
        dtype=bands.dtype,
        crs=None if crs is None else crs.to_wkt("WKT2_2019"),
        transform=transform,
        nodata=nodata,
        **more,
    ) as target:
        target.write(bands)
        tags(target)
    return path


def place(t, column, row):
    return t.a * column + t.b * row + t.c, t.d * column + t.e * row + t.f


inside = st.tuples(st.floats(GRID.x[0], GRID.x[-1]), st.floats(GRID.y[-1], GRID.y[0]))


@given(inside)
def test_a_plane_is_sampled_exactly(place):
    assert terrain_of(plane).sample(*place) == pytest.approx(plane(*place), abs=ROUNDING)


@given(hnp.arrays(float, (7, 11), elements=st.floats(-400, 8000)), inside)
def test_a_sample_lies_between_lowest_and_highest(z, place):
    value = Terrain(GRID, z, "test").sample(*place)
    assert z.min() - ROUNDING * 8000 <= value <= z.max() + ROUNDING * 8000


def test_a_cell_centre_has_the_value_of_its_cell():
    terrain = terrain_of(lambda _x, _y: np.arange(77.0).reshape(7, 11))
    x, y = np.meshgrid(GRID.x, GRID.y)
    assert terrain.sample(x, y) == pytest.approx(terrain.z, abs=1e-6)


def test_halfway_between_four_centres_is_their_mean():
    z = np.zeros((7, 11))
    z[2, 3], z[2, 4], z[3, 3], z[3, 4] = 1, 2, 4, 8
    middle = (GRID.x[3] + GRID.x[4]) / 2, (GRID.y[2] + GRID.y[3]) / 2
    assert Terrain(GRID, z, "test").sample(*middle) == pytest.approx(15 / 4)


@pytest.mark.parametrize(
    ("dx", "dy", "corner"),
    [
        (-1e4, 1e4, (0, 0)),
        (1e4, 1e4, (0, -1)),
        (-1e4, -1e4, (-1, 0)),
        (1e4, -1e4, (-1, -1)),
    ],
)
def test_far_beyond_the_border_the_corner_counts(dx, dy, corner):
    terrain = terrain_of(plane)
    assert terrain.sample(GRID.west + dx, GRID.north + dy) == terrain.z[corner]


def test_many_places_give_what_each_gives_alone():
    terrain = terrain_of(lambda x, y: np.sin(x) + np.cos(2 * y))
    x = np.linspace(GRID.west - 3, GRID.west + 30, 13)[:, None]
    y = np.linspace(GRID.north + 3, GRID.north - 20, 5)
    together = terrain.sample(x, y)
    assert together.shape == (13, 5)
    assert together[4, 3] == terrain.sample(x[4, 0], y[3])


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1)])
def test_a_single_row_or_column_can_be_sampled(shape):
    grid = Grid(0.0, 0.0, 1.0, *shape)
    z = np.arange(6.0)[: shape[0] * shape[1]].reshape(shape)
    terrain = Terrain(grid, z, "test")
    assert terrain.sample(grid.x[-1], grid.y[-1]) == z[-1, -1]


def test_elevations_cannot_be_changed_afterwards():
    z = np.zeros((7, 11))
    terrain = Terrain(GRID, z, "test")
    with pytest.raises(ValueError, match="read-only"):
        terrain.z[0, 0] = 1.0
    z[0, 0] = 5.0  # the array handed in stays its owner's


@pytest.mark.parametrize(
    ("z", "words"),
    [
        (np.zeros((11, 7)), "fill the grid"),
        (np.full((7, 11), np.nan), "77 of 77"),
        (np.full((7, 11), -9999.0), "77 of 77"),
    ],
    ids=["transposed", "missing", "nodata as number"],
)
def test_elevations_that_are_none_are_refused(z, words):
    with pytest.raises(TerrainError, match=words):
        Terrain(GRID, z, "test")


@pytest.mark.parametrize(
    "numbers",
    [(0, 0, 0, 1, 1), (0, 0, 1, 0, 1), (np.nan, 0, 1, 1, 1), (0, 0, np.inf, 1, 1)],
)
def test_grids_without_place_or_cells_are_refused(numbers):
    with pytest.raises(TerrainError):
        Grid(*numbers)


@given(
    hnp.arrays(
        float, (5, 8), elements=st.one_of(st.just(np.nan), st.floats(0, 9, width=16))
    ).filter(lambda z: not np.isnan(z).all())
)
def test_a_gap_takes_a_nearest_known_cell(z):
    filled = fill_nearest(z)
    known = ~np.isnan(z)
    assert (filled[known] == z[known]).all()
    places = np.argwhere(known)
    for row, column in np.argwhere(~known):
        distance = ((places - [row, column]) ** 2).sum(axis=1)
        nearest = places[distance == distance.min()]
        assert filled[row, column] in z[tuple(nearest.T)]


def test_saved_and_read_again_nothing_has_changed(tmp_path):
    terrain = terrain_of(lambda x, y: np.pi * plane(x, y))
    terrain.save(tmp_path / "a.tif")
    terrain.save(tmp_path / "b.tif")
    again, notes = read_terrain(tmp_path / "a.tif")
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert again.grid == GRID
    assert (again.z == terrain.z).all()
    assert notes == ()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif", "b.tif"]


def test_a_window_is_the_crop_of_the_whole(tmp_path):
    path = write(tmp_path / "t.tif", terrain_of(lambda x, y: np.sin(x * y)).z)
    west, north = GRID.west + 4 * GRID.cell, GRID.north - 2 * GRID.cell
    part, _ = read_terrain(path, (west + 1, north - 4, west + 4, north - 1), margin=0.0)
    whole, _ = read_terrain(path)
    assert (part.grid.west, part.grid.north) == (west, north)
    assert (part.z == whole.z[2:4, 4:6]).all()


def test_a_plane_in_another_system_stays_the_plane(tmp_path):
    """Bilinear is exact for planes, but for the warp's own approximation of the place."""
    there = Transformer.from_crs(PLAN, 3006, always_xy=True)
    west, north = there.transform(GRID.west, GRID.north)
    west, north = west - 60, north + 60
    x, y = np.meshgrid(west + 2 * np.arange(80) + 1, north - 2 * np.arange(90) - 1)
    z = plane(*there.transform(x, y, direction="INVERSE"))
    path = write(tmp_path / "t.tif", z, west=west, north=north, cell=2.0, crs=CRS(5845))
    terrain, notes = read_terrain(path, GRID.bounds, margin=5.0)
    x, y = np.meshgrid(terrain.grid.x, terrain.grid.y)
    assert terrain.z == pytest.approx(plane(x, y), abs=0.01)
    assert terrain.grid.cell == 2.0
    assert any("resampled from SWEREF99 TM" in note for note in notes)


@pytest.mark.parametrize(
    "transform",
    [
        pytest.param(Affine(2.5, 0, 99_700, 0, 2.5, 6_213_700), id="south row first"),
        pytest.param(Affine(2.5, 0, 99_700, 0, -5.0, 6_213_900), id="oblong cells"),
        pytest.param(
            Affine(1.9, 0.7, 99_700, 0.7, -1.9, 6_213_800),
            id="turned",
        ),
    ],
)
def test_odd_layouts_stay_the_plane_they_show(tmp_path, transform):
    column, row = np.meshgrid(np.arange(40) + 0.5, np.arange(40) + 0.5)
    x, y = place(transform, column, row)
    path = write(tmp_path / "t.tif", plane(x, y), transform=transform)
    cx, cy = place(transform, 20, 20)
    terrain, _ = read_terrain(path, (cx - 8, cy - 8, cx + 8, cy + 8), margin=0.0)
    x, y = np.meshgrid(terrain.grid.x, terrain.grid.y)
    assert terrain.z == pytest.approx(plane(x, y), abs=1e-3)


def test_missing_cells_are_filled_and_counted(tmp_path):
    z = terrain_of(plane).z.copy()
    z[1, 2:5] = -9999.0
    z[6, 10] = 1e30
    path = write(tmp_path / "t.tif", z, nodata=-9999.0)
    terrain, notes = read_terrain(path)
    assert terrain.z[1] == pytest.approx(terrain_of(plane).z[1], abs=1e-5)
    assert terrain.z[6, 10] in (z[5, 10], z[6, 9])
    assert any(note.startswith("4 of 77 terrain cells (5.2%)") for note in notes)
    assert any(note.startswith("1 terrain cells lie outside") for note in notes)


def test_stated_scale_and_offset_are_applied(tmp_path):
    def scale(target):
        target.scales, target.offsets = (0.1,), (100.0,)

    path = write(tmp_path / "t.tif", np.full((3, 4), 55, np.int16), after=scale)
    assert read_terrain(path)[0].z == pytest.approx(np.full((3, 4), 105.5))


def test_too_many_cells_are_averaged(tmp_path):
    path = write(tmp_path / "t.tif", terrain_of(plane).z)
    raster = read_raster(path, most_cells=20)
    assert raster.cell == 2 * GRID.cell
    z = terrain_of(plane).z
    assert raster.values[1, 2] == pytest.approx(z[2:4, 4:6].mean())
    assert "averaged from 2.5 m to 5 m" in raster.notes[0]


def feet(target):
    target.units = ("ft",)


@pytest.mark.parametrize(
    ("z", "more", "error", "words"),
    [
        (np.zeros((3, 4, 4)), {}, TerrainError, "one band"),
        (np.zeros((4, 4), complex), {}, TerrainError, "real numbers"),
        (np.zeros((4, 4)), {"crs": None}, CrsError, "reference system"),
        (np.zeros((4, 4)), {"after": feet}, TerrainError, "metres"),
        (np.full((4, 4), np.nan), {}, TerrainError, "lacks 100%"),
        (np.full((4, 4), -32768.0), {}, TerrainError, "lacks 100%"),
    ],
    ids=["picture", "complex", "no system", "feet", "empty", "undeclared nodata"],
)
def test_what_is_no_terrain_is_refused(tmp_path, z, more, error, words):
    with pytest.raises(error, match=words):
        read_terrain(write(tmp_path / "t.tif", z, **more))


def test_gaps_count_under_the_buildings_only(tmp_path):
    z = terrain_of(plane).z.copy()
    z[:, 5:] = np.nan
    path = write(tmp_path / "t.tif", z)
    west, _, _, north = GRID.bounds
    read_terrain(path, (west + 1, north - 8, west + 11, north - 1))
    with pytest.raises(TerrainError, match="lacks 100%"):
        read_terrain(path, (west + 14, north - 8, west + 25, north - 1))


def test_a_terrain_elsewhere_is_refused(tmp_path):
    path = write(tmp_path / "t.tif", terrain_of(plane).z)
    with pytest.raises(TerrainError, match=r"must overlap the buildings.*E 99700\.\.99728"):
        read_terrain(path, (90_000, 6_100_000, 90_100, 6_100_100))
    with pytest.raises(TerrainError, match="ends beside them"):
        read_terrain(path, (99_800, 6_213_790, 99_810, 6_213_795))


def test_files_that_are_no_raster_are_refused(tmp_path):
    (tmp_path / "t.tif").write_text("elevation")
    with pytest.raises(SourceError, match="readable GeoTIFF"):
        read_terrain(tmp_path / "t.tif")
    with pytest.raises(SourceError, match="existing file"):
        read_terrain(tmp_path / "absent.tif")


@settings(max_examples=30)
@given(
    st.tuples(st.floats(0, 50), st.floats(0, 50)),
    st.tuples(st.floats(0, 300), st.floats(0, 300)),
    st.floats(0.5, 40),
)
def test_level_ground_covers_its_bounds(corner, size, cell):
    bounds = (*corner, corner[0] + size[0], corner[1] + size[1])
    terrain = flat_terrain(bounds, 3.25, cell=cell)
    west, south, east, north = terrain.grid.bounds
    assert west <= bounds[0] + 1e-9
    assert south <= bounds[1] + 1e-9
    assert east >= bounds[2] - 1e-9
    assert north >= bounds[3] - 1e-9
    assert (terrain.z == 3.25).all()


def test_level_ground_needs_bounds_in_order():
    with pytest.raises(TerrainError, match="west, south, east, north"):
        flat_terrain((5.0, 0.0, 1.0, 2.0))


def test_labels_name_the_shape_over_each_centre():
    shapes = np.array([shapely.box(0, 0, 2, 1), shapely.box(3, 1, 4, 3)])
    labels = label_cells(shapes, west=0.0, north=3.0, cell=1.0, rows=3, columns=4)
    assert labels.tolist() == [[0, 0, 0, 2], [0, 0, 0, 2], [1, 1, 0, 0]]


@pytest.mark.real
def test_the_harbour_ground(shared_data):
    path = shared_data / "helsingborg" / "harbour_dtm_1m_epsg3008.tif"
    terrain, notes = read_terrain(path)
    assert (terrain.grid.rows, terrain.grid.columns, terrain.grid.cell) == (1874, 1168, 1.0)
    assert notes[0].startswith("1,874 of 2,188,832 terrain cells")
