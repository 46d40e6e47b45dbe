"""Prove trees from points by cones of known height and width."""

import numpy as np
import pytest
import shapely
from pyproj import CRS

from gis.cloud_ground import terrain_from_points
from gis.crowns import SMALLEST_CROWN, trees_from_points
from gis.district import TREE_COLUMNS
from gis.errors import TerrainError
from gis.sources.pointcloud import Points, open_point_cloud, read_pieces
from gis.terrain import Grid, Terrain

WEST, NORTH = 99_700.0, 6_213_500.0
GRID = Grid(WEST, NORTH, 1.0, 80, 100)
X, Y = np.meshgrid(GRID.x, GRID.y)
SLOPE = Terrain(GRID, 4.0 + 0.1 * (X - WEST) - 0.04 * (Y - NORTH), "slope")
DENSITY = 10.0

TREES = [(20.0, 20.0, 12.0, 3.0), (55.0, 30.0, 22.0, 5.0), (75.0, 60.0, 7.0, 2.0)]
"""East, south, height and crown radius [m]."""


def tree(east, south, height, radius, *, kind=5, seed=1, density=DENSITY):
    """Points on a paraboloid from the tip to half the height."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-radius, radius, (int(4 * radius**2 * density), 2))
    share = np.hypot(*xy.T) / radius
    xy, share = xy[share < 1], share[share < 1]
    x, y = WEST + east + xy[:, 0], NORTH - south + xy[:, 1]
    z = SLOPE.sample(WEST + east, NORTH - south) + height * (1 - 0.5 * share**2)
    return Points(np.column_stack([x, y, z]), np.full(len(xy), kind, dtype=np.uint8))


def join(*some):
    return Points(
        np.concatenate([p.xyz for p in some]), np.concatenate([p.kind for p in some])
    )


def block(kind, *, east=30.0, south=50.0, height=15.0):
    rng = np.random.default_rng(3)
    x, y = rng.uniform((east, south), (east + 20, south + 15), (4000, 2)).T
    z = SLOPE.sample(WEST + east, NORTH - south) + height
    xyz = np.column_stack([WEST + x, NORTH - y, np.full(4000, z)])
    return Points(xyz, np.full(4000, kind, dtype=np.uint8))


FOOTPRINT = shapely.box(WEST + 30, NORTH - 65, WEST + 50, NORTH - 50)


def check(found):
    assert len(found) == len(TREES)
    assert set(TREE_COLUMNS) <= set(found.columns)
    assert found.index.name == "tree"
    by_east = found.sort_values("height").iloc[[1, 2, 0]]
    for (_, row), (east, south, height, radius) in zip(
        by_east.iterrows(), TREES, strict=True
    ):
        assert row.geometry.x == pytest.approx(WEST + east, abs=1.0)
        assert row.geometry.y == pytest.approx(NORTH - south, abs=1.0)
        # The ground under the tip is half a metre higher or lower than under the crown.
        assert row["height"] == pytest.approx(height, abs=2 * row["height_uncertainty"])
        assert row["crown_radius"] == pytest.approx(radius, abs=0.6)


@pytest.mark.parametrize("kind", [5, 1], ids=["classified", "not classified"])
def test_height_place_and_crown_of_trees_on_a_slope(kind):
    points = join(*(tree(*t, kind=kind) for t in TREES), block(6 if kind == 5 else 1))
    found, notes = trees_from_points(
        [points], SLOPE, GRID.bounds, footprints=np.array([FOOTPRINT]), source="scan"
    )
    check(found)
    assert (found["source"] == "scan").all()
    assert any("no classes of vegetation" in note for note in notes) == (kind == 1)


def test_order_and_pieces_have_no_say():
    points = join(*(tree(*t) for t in TREES))
    order = np.random.default_rng(6).permutation(len(points))
    pieces = [Points(points.xyz[p], points.kind[p]) for p in np.array_split(order, 5)]
    one, _ = trees_from_points([points], SLOPE, GRID.bounds)
    other, _ = trees_from_points(pieces, SLOPE, GRID.bounds)
    assert one.equals(other)


def test_two_crowns_that_touch_are_two_trees_and_a_dent_makes_no_second():
    pair = join(tree(30, 30, 15.0, 4.0), tree(39, 30, 13.0, 4.0, seed=2))
    assert len(trees_from_points([pair], SLOPE, GRID.bounds)[0]) == 2
    dented = join(tree(30, 30, 15.0, 4.0), tree(32, 30, 14.8, 4.0, seed=2))
    assert len(trees_from_points([dented], SLOPE, GRID.bounds)[0]) == 1


def test_lamp_posts_bushes_cranes_and_roofs_are_no_trees():
    post = Points(
        np.array([[WEST + 60, NORTH - 20, SLOPE.sample(WEST + 60, NORTH - 20) + 8.0]]),
        np.array([1], dtype=np.uint8),
    )
    points = join(
        post, tree(20, 20, 2.0, 2.0, kind=1), block(1), block(1, east=70, height=70.0)
    )
    found, notes = trees_from_points(
        [points], SLOPE, GRID.bounds, footprints=np.array([FOOTPRINT])
    )
    assert found.empty
    assert f"1 top with a crown below {SMALLEST_CROWN:g} m2 left out" in notes


def test_an_area_that_is_too_large_is_refused():
    with pytest.raises(TerrainError, match="at most"):
        trees_from_points([], SLOPE, (0.0, 0.0, 1e5, 1e5))


def test_no_points_are_no_trees():
    found, _ = trees_from_points([], SLOPE, GRID.bounds)
    assert found.empty
    assert set(TREE_COLUMNS) <= set(found.columns)


@pytest.mark.real
def test_trees_of_a_real_tile_stand_where_its_vegetation_is(shared_data):
    """Single trees of the tile, seen by eye in a picture of its points."""
    path = shared_data / "pointcloud" / "ign_test_data_77050_627760_LA93_IGN69.laz"
    cloud = open_point_cloud(path, plane=CRS.from_epsg(2154))
    terrain, _ = terrain_from_points(read_pieces(cloud), cloud.bounds)
    found, _ = trees_from_points(read_pieces(cloud), terrain, cloud.bounds, source="IGN")
    seen = [(509, 570, 8.4, 4.0), (518, 561, 8.7, 5.0), (527, 591, 9.4, 6.0)]
    for east, north, height, radius in seen:
        spot = shapely.Point(770_000 + east, 6_277_000 + north)
        near = found[found.distance(spot) < 2.5]
        assert len(near) == 1
        assert near["height"].iloc[0] == pytest.approx(height, abs=0.5)
        assert near["crown_radius"].iloc[0] == pytest.approx(radius, abs=1.2)
