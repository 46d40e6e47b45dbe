"""The shadow kernel gives the brute force answer, bit for bit."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.terrain import Grid, Terrain
from meshes.facets import Facets, make_facets
from meshes.polygons import make_polygons
from meshes.solar.occluders import (
    Occluders,
    open_occluders,
    solid_occluders,
    terrain_occluders,
)
from meshes.solar.reference import is_blocked
from meshes.solar.shadow import make_caster
from meshes.solar.sky import unit_vectors
from meshes.solids import Kind, Solids, lod1_solids

Faces = list[tuple[list[np.ndarray], Kind, int]]
"""Rings, kind and part of each face."""


def cast(facets: Facets, occluders: Occluders, direction: np.ndarray) -> np.ndarray:
    """Return which sensors are blocked."""
    caster = make_caster(facets, occluders)
    bits = np.empty(caster.words, np.uint64)
    caster.cast(direction, bits)
    flags = np.unpackbits(bits.view(np.uint8), bitorder="little")
    return flags[facets.sensor_bit].astype(bool)


def brute(facets: Facets, occluders: Occluders, direction: np.ndarray) -> np.ndarray:
    normals = facets.normal[facets.sensor_facet]
    return is_blocked(facets.sensor_positions(), normals, direction, occluders.polygons)


def towards(azimuth: float, elevation: float) -> np.ndarray:
    return unit_vectors(np.radians(azimuth), np.radians(elevation))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    azimuth=st.floats(0.01, 359.9),
    elevation=st.floats(0.2, 89.9),
)
def test_kernel_equals_brute_force(seed, azimuth, elevation, random_blocks):
    solids = lod1_solids(random_blocks(seed, 10))
    facets = make_facets(solids, spacing=1.7)
    occluders = solid_occluders(solids)
    # Off the round numbers: a ray through an edge may fall either way.
    direction = towards(azimuth + 0.0123, elevation + 0.0071)
    assert (cast(facets, occluders, direction) == brute(facets, occluders, direction)).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), elevation=st.floats(1, 80))
def test_open_triangles_and_overhangs_equal_brute_force(seed, elevation, random_blocks):
    rng = np.random.default_rng(seed)
    facets = make_facets(lod1_solids(random_blocks(seed, 3)), spacing=1.1)
    triangles = (
        rng.uniform([-20, -20, -10], [100, 100, 45], (30, 3, 3)) - facets.solids.origin
    )
    floating = open_occluders(make_polygons([[t] for t in triangles]))
    direction = towards(float(rng.uniform(0, 360)), elevation)
    assert (cast(facets, floating, direction) == brute(facets, floating, direction)).all()


def gabled(rng: np.random.Generator, part: int) -> Faces:
    """Return a house of random place and size under a gabled roof."""
    w, h = rng.uniform(5, 14, 2) / 2
    eave, ridge = rng.uniform(3, 15) + np.r_[0, rng.uniform(1, 6)]
    plan = [(-w, -h), (w, -h), (w, h), (-w, h)]
    low, high = ([(x, y, z) for x, y in plan] for z in (-3, eave))
    corner = np.array([*low, *high, (0, -h, ridge), (0, h, ridge)])
    turn = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(turn), np.sin(turn)
    corner = corner @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    corner += [*rng.uniform(0, 70, 2), 0]
    roofs, ground = [(5, 6, 9, 8), (7, 4, 8, 9)], (3, 2, 1, 0)
    walls = [(0, 1, 5, 8, 4), (1, 2, 6, 5), (2, 3, 7, 9, 6), (3, 0, 4, 7)]
    return [
        *[([corner[list(face)]], Kind.ROOF, part) for face in roofs],
        *[([corner[list(face)]], Kind.WALL, part) for face in walls],
        ([corner[list(ground)]], Kind.GROUND, part),
    ]


def sheets(rng: np.random.Generator, count: int) -> list[list[np.ndarray]]:
    """Return rectangles with a hole each, some plumb, some level, some aslant."""
    found = []
    for k in range(count):
        along = np.array([*rng.normal(size=2), 0.0])
        along /= np.linalg.norm(along)
        level = np.array([-along[1], along[0], 0.0])
        up = [np.array([0, 0, 1.0]), level, level + rng.uniform(0.2, 1) * np.eye(3)[2]]
        across = up[k % 3] / np.linalg.norm(up[k % 3])
        square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1.0)])
        plane = np.stack([along * rng.uniform(3, 9), across * rng.uniform(2, 6)])
        middle = rng.uniform([0, 0, 2], [70, 70, 25])
        found.append([middle + square @ plane, middle + 0.6 * square[::-1] @ plane])
    return found


def mixed_scene(seed: int, random_blocks) -> tuple[Facets, Occluders]:
    """Return everything at once.

    Boxes, ells and courtyards, some of them over passages; two that share a wall and the
    plane of another; gabled houses; sheets with holes, which receive light too; and planes
    of one sensor each at any place, turned anywhere.
    """
    rng = np.random.default_rng(seed)
    table = random_blocks(seed, 7)
    table.loc[table.index[:2], "base"] = rng.uniform(2, 3.5, 2)
    x, y = rng.uniform(10, 50, 2)
    twins = [shapely.box(x, y, x + 9.1, y + 11.3), shapely.box(x + 9.1, y, x + 20.7, y + 7)]
    turn = rng.uniform(0, 360)
    shapes = list(table.geometry)
    shapes[2:4] = [shapely.affinity.rotate(s, turn, origin=(x, y)) for s in twins]
    table = table.set_geometry(shapely.orient_polygons(np.array(shapes)))
    blocks = lod1_solids(table, origin=np.zeros(3))
    faces: Faces = [
        (blocks.faces.rings(k), Kind(blocks.kind[k]), int(blocks.part[k]))
        for k in range(len(blocks.faces))
    ]
    for part in range(7, 10):
        faces += gabled(rng, part)
    closed = len(faces)
    open_ones = sheets(rng, 6)
    faces += [(rings, Kind.ROOF, 10 + k) for k, rings in enumerate(open_ones)]
    for k in range(40):
        point, one, other = rng.uniform([0, 0, -3], [70, 70, 25]), *rng.normal(size=(2, 3))
        triangle = point + 0.3 * np.array([[0, 0, 0], one, other])
        faces.append(([triangle], Kind.ROOF, 16 + k))
    solids = Solids(
        make_polygons([rings for rings, _, _ in faces]),
        np.array([kind for _, kind, _ in faces], np.int8),
        np.array([part for _, _, part in faces], np.int32),
        tuple(f"p{k}" for k in range(faces[-1][2] + 1)),
        np.zeros(3),
    )
    houses = Occluders(
        solids.faces.take(np.arange(closed)),
        np.ones(closed, np.int8),
        solids.part[:closed].astype(np.int64),
        solids.parts,
    )
    occluders = houses + open_occluders(make_polygons(open_ones))
    return make_facets(solids, spacing=float(rng.choice([0.3, 1.3, 2.9]))), occluders


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    azimuth=st.floats(0.01, 359.9),
    elevation=st.one_of(
        st.floats(0.2, 89.9), st.floats(-30, 2), st.sampled_from([0.0, 1e-7, -1e-7, 90.0])
    ),
    along_a_wall=st.booleans(),
)
def test_mixed_scenes_equal_brute_force(
    seed, azimuth, elevation, along_a_wall, random_blocks
):
    facets, occluders = mixed_scene(seed, random_blocks)
    direction = towards(azimuth, elevation)
    if along_a_wall:
        walls = np.flatnonzero((facets.normal[:, 2] == 0) & (facets.part < 7))
        along = facets.e1[walls[seed % len(walls)]] * [1, 1, 0]
        flat = np.hypot(direction[0], direction[1])
        direction = along / max(np.linalg.norm(along), 1e-9) * flat
        direction[2] = np.sin(np.radians(elevation))
        direction /= np.linalg.norm(direction)
    assert (cast(facets, occluders, direction) == brute(facets, occluders, direction)).all()


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000), azimuth=st.floats(0, 359), elevation=st.floats(0.01, 60)
)
def test_terrain_equals_brute_force(seed, azimuth, elevation, random_blocks):
    """Rays start above ground: they enter it before they could leave it."""
    rng = np.random.default_rng(seed)
    hills = 9 * rng.random((5, 5)).repeat(8, 0).repeat(8, 1) + rng.random((40, 40))
    terrain = Terrain(Grid(-20.0, 100.0, 3.0, 40, 40), hills, "hills")
    table = random_blocks(seed, 5)
    facets = make_facets(lod1_solids(table), spacing=2.3, terrain=terrain)
    ground = terrain_occluders(terrain, facets.solids.origin, cell=6.0)
    occluders = solid_occluders(facets.solids) + ground
    direction = towards(azimuth + 0.0123, elevation)
    assert (cast(facets, occluders, direction) == brute(facets, occluders, direction)).all()


def test_the_answer_does_not_depend_on_threads(random_blocks):
    facets, occluders = mixed_scene(3, random_blocks)
    caster = make_caster(facets, occluders)
    directions = [towards(a + 0.1, 3.0 + a / 5) for a in range(0, 360, 4)]
    alone = np.empty((len(directions), caster.words), np.uint64)
    shared = np.empty_like(alone)
    for direction, row in zip(directions, alone, strict=True):
        caster.cast(direction, row)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(caster.cast, directions[::-1], shared[::-1]))
    assert (alone & facets.mask == shared & facets.mask).all()


@pytest.mark.parametrize("elevation", [20.0, 45.0, 70.0])
def test_shadow_length_is_height_over_tangent(blocks, elevation):
    wall_and_ground = blocks(
        [shapely.box(0, 0, 40, 1), shapely.box(-5, -100, 45, -0.001)], [0, -1], [10, 0]
    )
    facets = make_facets(lod1_solids(wall_and_ground), spacing=0.25)
    floor = facets.ids.index("b1-roof")
    blocked = cast(facets, solid_occluders(facets.solids), towards(0.0, elevation))
    points = facets.sensor_positions()[facets.sensor_facet == floor] + facets.solids.origin
    shaded = points[blocked[facets.sensor_facet == floor]]
    middle = shaded[np.abs(shaded[:, 0] - 20) < 5]
    assert -middle[:, 1].min() == pytest.approx(
        10 / np.tan(np.radians(elevation)), abs=0.25
    )


def test_light_does_not_leak_through_seams(blocks):
    """A wall cut into a fan of pieces shades exactly like the whole wall."""
    table = blocks([shapely.box(-30, -60, 30, -0.5)], [-1], [0])
    facets = make_facets(lod1_solids(table, origin=np.zeros(3)), spacing=0.31)
    ring = np.array([[-10, 0, -2], [10, 0, -2], [10, 0, 12], [-10, 0, 12.0]])
    hub = np.array([0.1234, 0, 3.456])
    fan = [[np.array([ring[k], ring[(k + 1) % 4], hub])] for k in range(4)]
    whole = open_occluders(make_polygons([[ring]]))
    pieces = open_occluders(make_polygons(fan))
    for azimuth in np.linspace(-60, 60, 41):
        direction = towards(float(azimuth) + 0.017, 31.7)
        assert (cast(facets, pieces, direction) == cast(facets, whole, direction)).all()


def test_a_lone_convex_block_never_shades_itself(blocks):
    facets = make_facets(lod1_solids(blocks([shapely.box(0, 0, 13, 7)], [0], [9])))
    occluders = solid_occluders(facets.solids)
    for azimuth in range(0, 360, 15):
        for elevation in (0.5, 10, 45, 89):
            direction = towards(azimuth, elevation)
            away = (facets.normal @ direction <= 1e-9)[facets.sensor_facet]
            assert (cast(facets, occluders, direction) == away).all()


def test_a_shared_wall_is_dark(blocks):
    facets = make_facets(
        lod1_solids(
            blocks([shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)], [0, 0], [8, 8])
        )
    )
    shared = np.flatnonzero((facets.part == 0) & (facets.normal[:, 0] > 0.9))[0]
    for elevation in (5.0, 40.0, 85.0):
        blocked = cast(facets, solid_occluders(facets.solids), towards(90.0, elevation))
        assert blocked[facets.sensor_facet == shared].all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), elevation=st.floats(2, 85), azimuth=st.floats(0, 359))
def test_a_further_building_never_adds_light(seed, elevation, azimuth, random_blocks):
    table = random_blocks(seed, 8)
    facets = make_facets(lod1_solids(table), spacing=1.5)
    every = solid_occluders(facets.solids)
    some = solid_occluders(lod1_solids(table.iloc[:5], origin=facets.solids.origin))
    direction = towards(azimuth, elevation)
    assert (cast(facets, some, direction) <= cast(facets, every, direction)).all()


def test_terrain_hides_the_low_sun_but_not_the_high(blocks):
    """A ridge of 60 m, 200 m to the south: its crest stands 16 degrees high."""
    x = np.arange(400) + 0.5 - 200
    north_south = 200 - (np.arange(800) + 0.5)
    ridge = np.clip(60 - np.abs(north_south + 200) * 1.0, 0, None)
    terrain = Terrain(
        Grid(-200.0, 200.0, 1.0, 800, 400), np.tile(ridge[:, None], (1, x.size)), "ridge"
    )
    facets = make_facets(
        lod1_solids(blocks([shapely.box(-5, -5, 5, 5)], [0], [3])), terrain=terrain
    )
    ground = terrain_occluders(terrain, facets.solids.origin, cell=10.0)
    roof = facets.sensor_facet == facets.ids.index("b0-roof")
    crest = np.degrees(np.arctan2(60 - 3, 200))
    assert cast(facets, ground, towards(180.0, crest - 3))[roof].all()
    assert not cast(facets, ground, towards(180.0, crest + 2))[roof].any()
    assert not cast(facets, ground, towards(0.0, 2.0))[roof].any(), "nothing to the north"


def test_terrain_surface_is_nowhere_above_the_ground():
    rng = np.random.default_rng(4)
    terrain = Terrain(Grid(0.0, 0.0, 2.0, 53, 41), rng.uniform(0, 9, (53, 41)), "noise")
    ground = terrain_occluders(terrain, np.zeros(3), cell=8.0)
    corners, _ = ground.polygons.triangles()
    triangles = ground.polygons.vertices[corners]
    x, y = np.meshgrid(terrain.grid.x, terrain.grid.y)
    for a, b, c in triangles:
        matrix = np.array([b[:2] - a[:2], c[:2] - a[:2]]).T
        weights = np.linalg.solve(matrix, np.stack([x.ravel(), y.ravel()]) - a[:2, None])
        inside = (weights >= 0).all(axis=0) & (weights.sum(axis=0) <= 1)
        height = a[2] + weights[0] * (b[2] - a[2]) + weights[1] * (c[2] - a[2])
        assert (height[inside] <= terrain.z.ravel()[inside] + 1e-9).all()


def test_facets_without_occluders_see_everything(blocks):
    facets = make_facets(lod1_solids(blocks([shapely.box(0, 0, 9, 9)], [0], [3])))
    nothing = open_occluders(make_polygons([]))
    roof = facets.kind[facets.sensor_facet] == Kind.ROOF
    assert not cast(facets, nothing, towards(12.0, 3.0))[roof].any()


def test_a_stray_polygon_far_away_costs_no_memory(blocks):
    """Bins cover the whole scene: a thousand kilometres of it, too."""
    near, far = shapely.box(0, 0, 10, 10), shapely.box(1e6, 1e6, 1e6 + 10, 1e6 + 10)
    solids = lod1_solids(blocks([near, far], [0, 0], [9, 9]), origin=np.zeros(3))
    facets = make_facets(solids, spacing=2.0)
    caster = make_caster(facets, solid_occluders(solids))
    bits = np.empty(caster.words, np.uint64)
    direction = np.array([0.6, 0.0, 0.8])
    caster.cast(direction, bits)
    flags = np.unpackbits(bits.view(np.uint8), bitorder="little")
    turned = (facets.normal @ direction <= 0)[facets.sensor_facet]
    assert (flags[facets.sensor_bit].astype(bool) == turned).all()
