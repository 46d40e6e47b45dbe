"""Tiles cover what reflects, small where it matters."""

import itertools

import numpy as np
import pytest

from gis.errors import GeometryError
from gis.terrain import Grid, Terrain
from meshes.polygons import make_polygons
from meshes.solar.occluders import open_occluders, terrain_occluders
from meshes.solar.reflection.receive import tile_blend
from meshes.solar.reflection.surfaces import Ground, reflecting_surfaces
from meshes.solar.reflection.tiles import Tiles, make_tiles

GABLE = np.array([(0.0, 0, 2), (7, 0, 2), (7, 0, 6), (3, 0, 9), (0, 0, 6)])
COURT = [
    np.array([(0.0, 0, 5), (20, 0, 5), (20, 14, 5), (0, 14, 5)]),
    np.array([(6.0, 4, 5), (6, 10, 5), (13, 10, 5), (13, 4, 5)]),
]


def tiled(occluders, **options) -> Tiles:
    return make_tiles(reflecting_surfaces(occluders, reflectance=0.3), **options)


def of_buildings(tiles: Tiles) -> np.ndarray:
    return np.flatnonzero(~tiles.is_ground[:-1])


def test_tiles_of_a_box_have_its_area(blocks):
    tiles = tiled(blocks((0, 0, 0, 9, 7, 11)))
    walls = of_buildings(tiles)
    # Its underside lies on the ground and reflects nothing.
    assert tiles.area[walls].sum() == pytest.approx(2 * (9 + 7) * 11 + 9 * 7)


def test_ground_tiles_fill_their_square_exactly(blocks):
    tiles = tiled(blocks((0, 0, 0, 9, 7, 11)))
    ground = tiles.is_ground[:-1]
    assert tiles.area[ground].sum() == pytest.approx((9 + 2 * 50) * (7 + 2 * 50))
    assert np.allclose(tiles.position[ground, 2], 0)


@pytest.mark.parametrize(
    ("rings", "area"), [([GABLE], 7 * 4 + 7 * 3 / 2), (COURT, 20 * 14 - 7 * 6)]
)
def test_cells_off_the_outline_are_no_tiles(rings, area):
    tiles = tiled(open_occluders(make_polygons([rings])), finest=0.25)
    walls = of_buildings(tiles)
    assert tiles.area[walls].sum() == pytest.approx(2 * area, rel=0.02)  # both sides
    if rings is COURT:
        x, y = tiles.position[walls, 0], tiles.position[walls, 1]
        assert not ((x > 6) & (x < 13) & (y > 4) & (y < 10)).any()


def test_slivers_keep_one_tile():
    sliver = np.array([(0.0, 0, 3), (10, 0, 3), (10, 0.01, 3)])
    tiles = tiled(open_occluders(make_polygons([[sliver]])), finest=3.0)
    assert len(of_buildings(tiles)) >= 2


def test_both_sides_of_an_open_sheet_reflect(blocks):
    sheet = make_polygons([[np.array([(0.0, 0, 5), (4, 0, 5), (4, 3, 5), (0, 3, 5)])]])
    tiles = tiled(open_occluders(sheet))
    up = tiles.normal[of_buildings(tiles), 2]
    assert (up == 1).sum() == (up == -1).sum() > 0


def test_tiles_shrink_towards_receivers(blocks):
    place = np.array([[0.0, 10.0, 3.0]])
    tiles = tiled(blocks((-500, 10, 0, 500, 30, 20)), receivers=place)
    side = np.sqrt(tiles.area)
    away = np.linalg.norm(tiles.position - place, axis=1)
    assert side[away < 3].max() < 1.0
    assert side.max() > 5.0
    # A tile is nowhere much wider than a sixth of its distance.
    assert (side / np.maximum(away, 5)).max() < 1 / 5


@pytest.mark.parametrize("budget", [3_000, 12_000])
def test_budget_is_kept(blocks, budget):
    tiles = tiled(blocks((0, 0, 0, 90, 70, 40), (120, 0, 0, 150, 60, 25)), budget=budget)
    assert 0.4 * budget < len(tiles) <= budget


def ball(centre: tuple[float, float, float], rows: int) -> list[list[np.ndarray]]:
    """Return the quadrilaterals of a ball of radius 5 m, without its poles."""
    height = np.radians(np.linspace(-85, 85, rows + 1))
    turn = np.radians(np.linspace(0, 360, 2 * rows + 1))
    flat = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    ring = [np.c_[5 * np.cos(h) * flat, np.full(len(turn), 5 * np.sin(h))] for h in height]
    return [
        [np.array([a[k], a[k + 1], b[k + 1], b[k]]) + centre]
        for a, b in itertools.pairwise(ring)
        for k in range(2 * rows)
    ]


def test_small_faces_share_tiles_of_neighbours_that_look_alike():
    occluders = open_occluders(make_polygons(ball((0, 0, 8), 40)))
    few = tiled(occluders, budget=2000)
    assert len(occluders.side) == 3200
    assert len(few) <= 2000
    # Rays find a tile close to where they end, which faces nearly the same way.
    frame = few.frame
    for side, sign in ((few.front, 1), (few.back, -1)):
        normal = sign * occluders.polygons.normal
        e1, e2 = (axis[side[: len(normal)]] for axis in frame[:2])
        cosine = np.einsum("px,px->p", np.cross(e1, e2), normal)
        assert cosine.min() > np.cos(np.radians(45))


def test_blending_is_exact_for_what_changes_evenly(blocks):
    box = (0.0, 0, 0, 9, 7, 11)
    tiles = tiled(blocks(box))
    rng = np.random.default_rng(2)
    count = 60
    points = np.c_[rng.uniform(1, 8, count), np.zeros(count), rng.uniform(1, 10, count)]
    normals = np.tile((0.0, -1, 0), (count, 1))
    weights = tile_blend(tiles, points, np.full(count, 2), normals)
    values = tiles.position @ (1.0, 2.0, -3.0)
    assert weights @ values == pytest.approx(points @ (1.0, 2.0, -3.0), abs=1e-4)


def test_terrain_tiles_follow_the_slope(blocks):
    grid = Grid(-200, 200, 5, 80, 80)
    x, y = np.meshgrid(grid.x, grid.y)
    terrain = Terrain(grid, 10 + 0.2 * x - 0.1 * y, "plane")
    ground = Ground(terrain=terrain)
    tiles = tiled(blocks((0, 0, 2, 9, 7, 25)), ground=ground)
    on = tiles.is_ground[:-1]
    normal = np.array([-0.2, 0.1, 1]) / np.linalg.norm([-0.2, 0.1, 1])
    assert np.allclose(tiles.normal[on], normal)
    px, py, pz = tiles.position[on].T
    assert pz == pytest.approx(10 + 0.2 * px - 0.1 * py, abs=1e-6)
    # What lies below the slope has no tile.
    wall = of_buildings(tiles)
    assert tiles.position[wall, 2].min() > 9.0


@pytest.mark.parametrize("bad", [-0.1, 1.0, 30.0, np.nan])
def test_reflectances_that_make_light_are_refused(blocks, bad):
    with pytest.raises(GeometryError, match="at least 0 and below 1"):
        reflecting_surfaces(blocks((0, 0, 0, 1, 1, 1)), reflectance=bad)
    with pytest.raises(GeometryError, match="albedo"):
        Ground(albedo=bad)


def test_terrain_among_buildings_is_refused(blocks):
    grid = Grid(0, 100, 10, 10, 10)
    terrain = terrain_occluders(Terrain(grid, np.zeros((10, 10)), "level"), np.zeros(3))
    both = terrain + blocks((0, 0, 0, 1, 1, 1))
    with pytest.raises(GeometryError, match="terrain must come last"):
        reflecting_surfaces(both, reflectance=0.3)
