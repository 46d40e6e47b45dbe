"""Light between tiles obeys its laws."""

from functools import partial

import numpy as np
import pytest

from meshes.solar.reflection.radiosity import (
    between,
    glow,
    received,
    settle,
    tile_light,
)
from meshes.solar.reflection.rays import Scene, form_factors
from meshes.solar.reflection.receive import reflected
from meshes.solar.reflection.sources import Sources, sky_sources
from meshes.solar.reflection.surfaces import Ground, reflecting_surfaces
from meshes.solar.reflection.tiles import make_tiles
from meshes.solar.shadow import make_caster
from meshes.solar.sky import reinhart_patches

STREET = 20.0
"""Width and height of the street [m]."""


def even_sky() -> Sources:
    """Return the whole sky as one group of radiance 1 / pi: a free roof gets 1."""
    sky = sky_sources(reinhart_patches(4))
    return Sources(sky.direction, np.zeros(len(sky.group), int), sky.flux / np.pi, 1)


def lit(occluders, sources, *, reflectance=0.3, albedo=0.2, **options):
    surfaces = reflecting_surfaces(occluders, reflectance=reflectance)
    tiles = make_tiles(surfaces, Ground(albedo=albedo), **options)
    light = tile_light(tiles, make_caster(tiles.facets, occluders), sources)
    return Scene(tiles), light


@pytest.fixture(scope="module")
def sun() -> Sources:
    towards = np.array([[0.48, -0.64, 0.6]])
    return Sources(towards, np.zeros(1, int), towards, 1)


@pytest.mark.parametrize("reflectance", [0.1, 0.5, 0.8])
def test_even_light_in_a_closed_room_is_a_geometric_series(hollow, reflectance):
    """Each surface sees only surfaces as bright as itself: B = r E / (1 - r)."""
    room = hollow((0, 0, 10, 8, 6, 15))
    scene, light = lit(room, even_sky(), reflectance=reflectance, finest=0.8, budget=3000)
    found = glow(scene, np.ones_like(light), rays=128)
    inner = inside_of(scene)
    assert found.emitted[inner] == pytest.approx(reflectance / (1 - reflectance), rel=2e-3)


@pytest.mark.parametrize("reflectance", [0.3, 0.7])
def test_a_closed_room_absorbs_what_is_shone_into_it(hollow, reflectance):
    room = hollow((0, 0, 10, 8, 6, 15))
    scene, light = lit(room, even_sky(), reflectance=reflectance, finest=0.8, budget=3000)
    tiles, inner = scene.tiles, inside_of(scene)
    source = np.zeros_like(light)
    lamp = inner[(tiles.position[inner, 0] < 3) & (tiles.normal[inner, 2] > 0.9)]
    source[lamp] = 5.0
    found = glow(scene, source, rays=512)
    ground, building = received(found.factors, tiles, found.emitted)
    incoming = source[:-1] + ground + building
    absorbed = (tiles.area[inner] @ incoming[inner]) * (1 - reflectance)
    # Rays of a tile are a sample of its view; summed over the room 1 % remains.
    assert absorbed == pytest.approx(tiles.area[lamp].sum() * 5.0, rel=0.01)
    outer = np.setdiff1d(np.flatnonzero(~tiles.is_ground[:-1]), inner)
    assert incoming[outer].max() == 0.0


def inside_of(scene: Scene) -> np.ndarray:
    """Return the tiles that look into the room around (4, 3, 12.5)."""
    tiles = scene.tiles
    towards = np.array([4, 3, 12.5]) - tiles.position
    inwards = np.einsum("mx,mx->m", towards, tiles.normal) > 0
    return np.flatnonzero(inwards & ~tiles.is_ground[:-1])


def test_sweeps_equal_the_inverted_matrix(blocks, sun):
    scene, light = lit(
        blocks((0, 10, 0, 30, 20, 12), (-5, -15, 0, 20, 0, 18)),
        sun + even_sky(),
        reflectance=0.6,
        budget=1500,
    )
    tiles = scene.tiles
    view = form_factors(scene, tiles.position, tiles.normal, rays=64)
    square = np.zeros((len(tiles) + 1, len(tiles) + 1))
    square[:-1] = view.toarray()
    rho = tiles.reflectance[:, None].astype(np.float64)
    exact = np.linalg.solve(np.eye(len(square)) - rho * square, rho * light)
    errors = [
        np.abs(settle(tiles, view, light, tolerance=step) - exact).max()
        for step in (1e-1, 1e-3, 1e-6)
    ]
    assert errors[2] < errors[1] < errors[0]
    assert errors[1] < 1e-3 * exact.max()
    assert errors[2] < 1e-5


@pytest.mark.parametrize("tilt", [0, 30, 45, 90, 150])
def test_free_planes_get_the_textbooks_share_of_the_ground(blocks, sun, tilt):
    """(1 - cos t) / 2 times albedo times what the ground gets."""
    scene, light = lit(blocks((0, 0, 0, 1, 1, 1)), sun + even_sky(), albedo=0.25)
    angle = np.radians(tilt)
    normal = np.array([[np.sin(angle), 0.0, np.cos(angle)]])
    emitted = glow(scene, light, rays=16).emitted
    ground, building = reflected(
        scene, emitted, np.array([[800.0, 0, 30]]), normal, rays=4096
    )
    share = (1 - np.cos(angle)) / 2 * 0.25
    assert ground[0] == pytest.approx([share * 0.6, share], abs=1e-3)
    assert building.max() == 0


def strip_factors(edges: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return views from strips to strips of an endless street by crossed strings."""

    def distance(a, b):
        return np.linalg.norm(a[:, None] - b[None], axis=-1)

    a0, a1, b0, b1 = edges[:-1], edges[1:], other[:-1], other[1:]
    width = np.linalg.norm(a1 - a0, axis=1)
    crossed = distance(a0, b0) + distance(a1, b1)
    straight = distance(a0, b1) + distance(a1, b0)
    return np.abs(crossed - straight) / 2 / width[:, None]


def test_endless_street_agrees_with_crossed_strings(blocks):
    """Radiosity of the section in two dimensions, an independent calculation."""
    n, half, rho, albedo = 120, STREET / 2, 0.4, 0.2
    floor = np.c_[np.linspace(-half, half, n + 1), np.zeros(n + 1)]
    left = np.c_[np.full(n + 1, -half), np.linspace(0, STREET, n + 1)]
    right = left * (-1, 1)
    top = np.array([(-half, STREET), (half, STREET)])
    parts = [floor, left, right]
    view = np.block(
        [
            [np.zeros((n, n)) if a is b else strip_factors(a, b) for b in parts]
            for a in parts
        ]
    )
    sky = np.concatenate([strip_factors(part, top)[:, 0] for part in parts])
    assert view.sum(axis=1) + sky == pytest.approx(1.0)
    reflectance = np.repeat([albedo, rho, rho], n)
    leaving = np.linalg.solve(
        np.eye(3 * n) - reflectance[:, None] * view, reflectance * sky
    )
    from_floor, from_walls = view[:, :n] @ leaving[:n], view[:, n:] @ leaving[n:]
    street = blocks(
        (-2500, half, 0, 2500, half + 15, STREET),
        (-2500, -half - 15, 0, 2500, -half, STREET),
    )
    heights = np.array([1.25, 5.25, 10.25, 15.25, 19.25])
    points = np.r_[
        np.c_[np.zeros(5), np.full(5, half), heights],
        np.c_[np.zeros(4), [-9.0, -4.0, 0.0, 6.0], np.zeros(4)],
    ]
    normals = np.repeat([(0.0, -1, 0), (0.0, 0, 1)], [5, 4], axis=0)
    scene, light = lit(street, even_sky(), reflectance=rho, albedo=albedo, receivers=points)
    emitted = glow(scene, light, rays=128).emitted
    ground, building = reflected(scene, emitted, points, normals, rays=2048)
    strip = np.r_[
        n + (heights / STREET * n).astype(int),
        ((points[5:, 1] + half) / STREET * n).astype(int),
    ]
    # One direction a sky patch leaves a hundredth of the free roof's light, times rho.
    assert ground[:, 0] == pytest.approx(from_floor[strip], abs=0.004)
    assert building[:, 0] == pytest.approx(from_walls[strip], abs=0.006)


def test_light_only_grows_with_reflectance(blocks, sun):
    boxes = blocks((0, 10, 0, 30, 20, 12), (-5, -15, 0, 20, 0, 18))
    make = partial(lit, boxes, sun + even_sky(), budget=2000)
    found = []
    for reflectance in (0.0, 0.2, 0.5):
        scene, light = make(reflectance=reflectance)
        found.append(glow(scene, light, rays=64).emitted)
    assert (found[0] <= found[1] + 1e-6).all()
    assert (found[1] <= found[2] + 1e-6).all()
    assert found[0][~scene.tiles.is_ground].max() == 0


def test_snow_lies_nearly_on_the_straight_line_between_albedos(blocks):
    boxes = blocks((0, 10, 0, 30, 20, 12), (-5, -15, 0, 20, 0, 18))
    scene, light = lit(boxes, even_sky(), budget=2000)
    first = glow(scene, light, rays=128)
    bare, half, snow = (
        glow(scene, light, factors=first.factors, albedo=albedo).emitted
        for albedo in (0.2, 0.45, 0.7)
    )
    assert np.array_equal(bare, first.emitted)
    line = between(bare, snow, 0.5)
    assert (line >= half - 1e-4).all()
    assert (line - half).max() < 0.02 * snow.max()


def test_threads_change_nothing(blocks, sun):
    boxes = blocks((0, 10, 0, 30, 20, 12), (-5, -15, 0, 20, 0, 18))
    tiles = make_tiles(reflecting_surfaces(boxes, reflectance=0.3), budget=1000)
    caster, sources = (
        make_caster(tiles.facets, boxes),
        sun + sky_sources(reinhart_patches()),
    )
    one, two = (tile_light(tiles, caster, sources, threads=n) for n in (1, 2))
    assert np.array_equal(one, two)
    view = form_factors(Scene(tiles), tiles.position, tiles.normal, rays=32)
    again = form_factors(Scene(tiles), tiles.position, tiles.normal, rays=32)
    assert (view != again).nnz == 0
    one, two = (settle(tiles, view, one, threads=n) for n in (1, 2))
    assert np.array_equal(one, two)
