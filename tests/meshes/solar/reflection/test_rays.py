"""Rays meet the right tiles in the right shares."""

import numpy as np
import pytest

import meshes.solar.reflection.rays as rays_module
from gis.errors import ComponentError
from gis.terrain import Grid, Terrain
from meshes.solar.reflection.light_kernel import SKY
from meshes.solar.reflection.rays import Scene, form_factors
from meshes.solar.reflection.surfaces import Ground, reflecting_surfaces
from meshes.solar.reflection.tiles import make_tiles

UP = np.array([[0.0, 0.0, 1.0]])


def scene_of(occluders, **options) -> Scene:
    return Scene(make_tiles(reflecting_surfaces(occluders, reflectance=0.3), **options))


@pytest.mark.parametrize("tilt", [0, 30, 60, 90, 135, 180])
def test_free_planes_see_the_ground_by_the_cosine_of_their_tilt(blocks, tilt):
    scene = scene_of(blocks((0, 0, 0, 1, 1, 1)))
    angle = np.radians(tilt)
    normal = np.array([[np.sin(angle) * 0.6, np.sin(angle) * 0.8, np.cos(angle)]])
    view = form_factors(scene, np.array([[400.0, 300.0, 50.0]]), normal, rays=4096)
    assert view.sum() == pytest.approx((1 - np.cos(angle)) / 2, abs=2e-3)


def test_street_views_converge_to_the_strings(blocks):
    """Infinite street: floor to walls 1 - (cos a + cos b) / 2."""
    scene = scene_of(
        blocks((-4000, 10, 0, 4000, 30, 20), (-4000, -30, 0, 4000, -10, 20)),
        receivers=np.zeros((1, 3)),
    )
    x = 4.0
    a, b = np.arctan2(20, 10 - x), np.arctan2(20, 10 + x)
    expected = 1 - (np.cos(a) + np.cos(b)) / 2
    errors = []
    for rays in (64, 1024, 16384):
        places = np.c_[np.linspace(-3, 3, 8), np.full(8, x), np.zeros(8)]
        view = form_factors(scene, places, np.repeat(UP, 8, axis=0), rays=rays)
        errors.append(np.abs(np.asarray(view.sum(axis=1)) - expected).mean())
    assert errors[2] < errors[1] < errors[0]
    assert errors[1] < 3e-3


def test_nothing_is_seen_through_a_closed_room(hollow):
    scene = scene_of(hollow((0, 0, 10, 8, 6, 15)))
    seen = scene.see(np.array([[3.0, 2.0, 10.0]]), UP, rays=2048)
    assert (seen >= 0).all()
    assert (scene.tiles.position[seen, 2] > 10).all()


def test_inside_of_a_body_is_dark(blocks):
    scene = scene_of(blocks((0, 0, 0, 8, 6, 15)))
    assert form_factors(scene, np.array([[3.0, 2.0, 5.0]]), UP, rays=256).nnz == 0


def test_views_are_mutual_within_their_noise(blocks):
    """A_i F_ij = A_j F_ji, summed over two facing walls."""
    scene = scene_of(blocks((0, 10, 0, 30, 20, 12), (-5, -15, 0, 20, 0, 18)), budget=4000)
    tiles = scene.tiles
    view = form_factors(scene, tiles.position, tiles.normal, rays=512)[:, : len(tiles)]
    y, facing = tiles.position[:, 1], tiles.normal[:, 1]
    north = np.flatnonzero((np.abs(y - 10) < 1e-6) & (facing < -0.9))
    south = np.flatnonzero((np.abs(y) < 1e-6) & (facing > 0.9))
    there = (tiles.area[:, None] * view.toarray())[np.ix_(north, south)].sum()
    back = (tiles.area[:, None] * view.toarray())[np.ix_(south, north)].sum()
    assert there == pytest.approx(back, rel=0.01)
    assert there > 10


def test_plain_search_finds_what_the_ray_tracer_finds(blocks, monkeypatch):
    boxes = blocks((0, 10, 0, 30, 20, 12), (-5, -15, 0, 20, 0, 18))
    fast = scene_of(boxes, budget=2000)

    def missing(_corners):
        message = "not here"
        raise ComponentError(message)

    monkeypatch.setattr(rays_module, "RayTracer", missing)
    slow = scene_of(boxes, budget=2000)
    assert "embreex" in slow.notes[0]
    assert not fast.notes
    points, normals = fast.tiles.position[::40], fast.tiles.normal[::40]
    same = fast.see(points, normals, rays=64) == slow.see(points, normals, rays=64)
    assert same.mean() > 0.999


def test_far_coordinates_change_nothing(blocks):
    far = np.array([6000.0, -9000.0, 0.0])
    box = np.array([0.0, 10, 0, 30, 20, 12])
    place, wall = np.array([[12.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 0.0]])
    here, there = (
        scene_of(blocks(tuple(box + np.r_[shift, shift])), receivers=place + shift)
        for shift in (np.zeros(3), far)
    )
    one = here.see(place, wall, rays=1024)
    other = there.see(place + far, wall, rays=1024)
    assert (one == other).mean() > 0.99


def test_places_below_the_fitted_ground_are_lifted(blocks):
    grid = Grid(-200, 200, 5, 80, 80)
    terrain = Terrain(grid, np.full((80, 80), 3.0), "level")
    scene = scene_of(blocks((0, 0, 0, 9, 7, 25)), ground=Ground(terrain=terrain))
    seen = scene.see(np.array([[40.0, 40.0, 2.9]]), UP, rays=512)
    assert (seen == SKY).mean() > 0.9
