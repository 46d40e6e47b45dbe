"""Places and sensors receive what their surroundings send."""

import numpy as np
import pytest

from gis.errors import GeometryError
from meshes.facets import make_facets
from meshes.polygons import make_polygons
from meshes.solar.occluders import solid_occluders
from meshes.solar.reflection.radiosity import glow, received, tile_light
from meshes.solar.reflection.rays import Scene
from meshes.solar.reflection.receive import (
    facet_blend,
    light_facets,
    reflected,
    sensor_places,
    tile_blend,
)
from meshes.solar.reflection.sources import Sources, sky_sources
from meshes.solar.reflection.surfaces import reflecting_surfaces
from meshes.solar.reflection.tiles import make_tiles
from meshes.solar.shadow import make_caster
from meshes.solar.sky import reinhart_patches
from meshes.solids import Kind, Solids

from .conftest import box_faces

BOXES = ((0.0, 10, 0, 30, 20, 12), (-5.0, -15, 0, 20, 0, 18), (35.0, -10, 0, 45, 20, 9))


@pytest.fixture(scope="module")
def solids() -> Solids:
    kinds = [Kind.ROOF, Kind.GROUND] + [Kind.WALL] * 4
    return Solids(
        make_polygons([face for box in BOXES for face in box_faces(box)]),
        np.array(kinds * len(BOXES), np.int8),
        np.repeat(np.arange(len(BOXES), dtype=np.int32), 6),
        ("a", "b", "c"),
        np.zeros(3),
    )


@pytest.fixture(scope="module")
def scene(solids) -> Scene:
    surfaces = reflecting_surfaces(solid_occluders(solids), reflectance=0.4)
    return Scene(make_tiles(surfaces, finest=1.5))


@pytest.fixture(scope="module")
def light(scene, solids) -> np.ndarray:
    sky = sky_sources(reinhart_patches())
    group = np.zeros(len(sky.group), int)
    sun = np.array([[0.48, -0.64, 0.6]])
    both = Sources(sun, np.zeros(1, int), sun, 1)
    both += Sources(sky.direction, group, sky.flux / np.pi, 1)
    return tile_light(
        scene.tiles, make_caster(scene.tiles.facets, solid_occluders(solids)), both
    )


def test_blended_tiles_agree_with_rays_of_the_sensors_own(scene, light, solids):
    facets = make_facets(solids, spacing=1.0)
    found = glow(scene, light, rays=512)
    parts = received(found.factors, scene.tiles, found.emitted)
    sensors, means = facet_blend(scene.tiles, facets)
    chosen = np.arange(0, facets.sensor_count, 7)
    owner = facets.sensor_facet
    own = reflected(
        scene,
        found.emitted,
        facets.sensor_positions()[chosen],
        facets.normal[owner[chosen]],
    )
    for blended, exact in zip(parts, own, strict=True):
        mine = (sensors @ blended)[chosen]
        # A free roof gets 1 of sky and 0.6 of sun; so a hundredth is little.
        assert np.sqrt(((mine - exact) ** 2).mean(axis=0)).max() < 0.01
        assert np.abs(mine.mean(axis=0) - exact.mean(axis=0)).max() < 0.003
    of_facets = means @ parts[0]
    assert of_facets[:, 0] == pytest.approx(
        np.bincount(owner, (sensors @ parts[0])[:, 0]) / facets.sensors_per_facet, rel=1e-4
    )


@pytest.mark.parametrize("threads", [1, 3])
def test_light_on_facets_is_the_product_with_their_weights(scene, solids, threads):
    facets = make_facets(solids, spacing=0.7)
    rng = np.random.default_rng(5)
    light = rng.uniform(0, 9, (len(scene.tiles), 2)).astype(np.float32)
    lit = rng.random(facets.sensor_count) < 0.8
    sensors, means = facet_blend(scene.tiles, facets)
    found, weights = light_facets(scene.tiles, facets, light, lit, threads=threads)
    wanted = (sensors @ light) * lit[:, None]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    of_facets = [
        np.bincount(facets.sensor_facet, part) / facets.sensors_per_facet
        for part in wanted.T
    ]
    np.testing.assert_allclose(weights @ light, np.stack(of_facets, axis=1), atol=1e-4)
    everywhere = light_facets(scene.tiles, facets, light, np.ones(len(lit), bool))[1]
    assert np.abs((everywhere - means).data).max(initial=0) < 1e-5


def test_places_of_sensors_are_those_of_their_facets(solids):
    facets = make_facets(solids, spacing=0.7)
    chosen = np.arange(3, facets.sensor_count, 11)
    places = sensor_places(facets, chosen, facets.sensor_facet[chosen])
    np.testing.assert_allclose(places, facets.sensor_positions()[chosen], atol=1e-12)


def test_a_place_against_another_body_lies_inside_it(scene):
    """The first box ends at x = 30; 5 mm before a place there lies what it is asked of."""
    inside = scene.is_inside(
        np.array([[20.0, 10, 5], [30, 10, 5], [37, 0, 4], [20, 10, 12]]),
        np.array([[0.0, 0, 1], [1, 0, 0], [-1, 0, 0], [0, 0, 1]]),
    )
    assert inside.tolist() == [True, False, True, False]


def test_weights_of_a_sensor_add_up(scene, solids):
    sensors, means = facet_blend(scene.tiles, make_facets(solids, spacing=0.7))
    assert np.asarray(sensors.sum(axis=1)) == pytest.approx(1.0)
    assert np.asarray(means.sum(axis=1)) == pytest.approx(1.0, rel=1e-4)


def test_faces_on_the_ground_have_no_tiles_to_blend(scene):
    weights = tile_blend(
        scene.tiles, np.array([[3.0, 12, 0]]), np.array([1]), np.array([[0.0, 0, -1]])
    )
    assert weights.nnz == 0


def test_strengths_before_or_after_give_the_same(scene, light):
    emitted = glow(scene, light, rays=64).emitted
    strength = np.array([[300.0, 20.0], [50.0, 120.0]], np.float32)
    points, normals = np.array([[10.0, 10, 4]]), np.array([[0.0, -1, 0]])
    late = [part @ strength for part in reflected(scene, emitted, points, normals)]
    early = reflected(scene, emitted @ strength, points, normals)
    assert np.allclose(late, early, rtol=1e-4)


def test_more_rays_are_nearer_the_truth(scene, light):
    emitted = glow(scene, light, rays=64).emitted
    rng = np.random.default_rng(4)
    points = np.c_[rng.uniform(1, 29, 40), np.full(40, 10.0), rng.uniform(0.5, 11, 40)]
    normals = np.tile((0.0, -1, 0), (40, 1))
    best = sum(reflected(scene, emitted, points, normals, rays=32768))
    errors = [
        np.abs(sum(reflected(scene, emitted, points, normals, rays=rays)) - best).mean()
        for rays in (32, 256, 2048)
    ]
    assert errors[2] < errors[1] < errors[0]


def test_normals_of_another_length_are_refused(scene, light):
    with pytest.raises(GeometryError, match="unit length, got 2"):
        reflected(scene, light, np.zeros((1, 3)), np.array([[0.0, 0, 2]]))
