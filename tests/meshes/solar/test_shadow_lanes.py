"""Directions that are cast together give what they give one by one, bit for bit."""

import numpy as np
import pytest
import shapely
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
from meshes.solar.shadow import bundle, make_caster
from meshes.solar.shadow_lanes_kernel import LANES
from meshes.solar.sky import reinhart_patches, unit_vectors
from meshes.solids import lod1_solids

from .test_shadow import mixed_scene


def around(azimuth: float, elevation: float, width: float, count: int) -> np.ndarray:
    """Return directions spread over some degrees, none of them level."""
    rng = np.random.default_rng(int(azimuth * 1e3))
    away = rng.uniform(-width / 2, width / 2, (2, count))
    up = np.clip(elevation + away[1], 0.2, 90.0)
    wide = away[0] / np.maximum(np.cos(np.radians(up)), 0.05)
    return unit_vectors(np.radians(azimuth + wide), np.radians(up))


def both_ways(
    facets: Facets, occluders: Occluders, directions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sensors' bits, cast together and one by one, (k, n) each."""
    caster = make_caster(facets, occluders)
    together = np.empty((len(directions), caster.words), np.uint64)
    alone = np.empty_like(together)
    caster.cast_many(directions, together)
    for direction, row in zip(directions, alone, strict=True):
        caster.cast(direction, row)
    one, other = (
        np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")[:, facets.sensor_bit]
        for bits in (together, alone)
    )
    return one.astype(bool), other.astype(bool)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    azimuth=st.floats(0.01, 359.9),
    elevation=st.floats(0.3, 89.9),
    width=st.sampled_from([0.5, 3.0, 12.0]),
    count=st.integers(1, LANES),
)
def test_mixed_scenes_equal_single_casts_and_brute_force(
    seed, azimuth, elevation, width, count, random_blocks
):
    facets, occluders = mixed_scene(seed, random_blocks)
    directions = around(azimuth, elevation, width, count)
    together, alone = both_ways(facets, occluders, directions)
    assert (together == alone).all()
    normals = facets.normal[facets.sensor_facet]
    exact = is_blocked(
        facets.sensor_positions(), normals, directions[0], occluders.polygons
    )
    assert (together[0] == exact).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), azimuth=st.floats(0, 359), elevation=st.floats(1.0, 60))
def test_terrain_equals_single_casts(seed, azimuth, elevation, random_blocks):
    rng = np.random.default_rng(seed)
    hills = 9 * rng.random((5, 5)).repeat(8, 0).repeat(8, 1) + rng.random((40, 40))
    terrain = Terrain(Grid(-20.0, 100.0, 3.0, 40, 40), hills, "hills")
    facets = make_facets(lod1_solids(random_blocks(seed, 5)), spacing=0.4, terrain=terrain)
    ground = terrain_occluders(terrain, facets.solids.origin, cell=6.0)
    occluders = solid_occluders(facets.solids) + ground
    together, alone = both_ways(facets, occluders, around(azimuth, elevation, 2.0, LANES))
    assert (together == alone).all()


@pytest.mark.parametrize("azimuth", [0.0, 45.0, 90.0, 225.0])
def test_round_directions_on_round_boxes_equal_single_casts(azimuth, blocks):
    """Rays along walls and through edges, where rounding alone could decide."""
    shapes = [(0, 0, 8, 8), (8, 0, 16, 8), (0, 16, 8, 24), (20, 4, 90, 12)]
    table = blocks([shapely.box(*shape) for shape in shapes], [0] * 4, [8, 4, 16, 2])
    facets = make_facets(lod1_solids(table, origin=np.zeros(3)), spacing=0.7)
    directions = unit_vectors(
        np.radians(azimuth + np.array([0, 1, -1, 0, 2, -2, 0, 3.0])),
        np.radians(np.array([45, 45, 45, 44, 45, 45, 46, 45.0])),
    )
    together, alone = both_ways(facets, solid_occluders(facets.solids), directions)
    assert (together == alone).mean() > 0.999


def test_nothing_shades_when_there_is_nothing(blocks):
    facets = make_facets(lod1_solids(blocks([shapely.box(0, 0, 9, 9)], [0], [3])))
    directions = around(100.0, 40.0, 5.0, 5)
    together, alone = both_ways(facets, open_occluders(make_polygons([])), directions)
    assert (together == alone).all()
    assert not together[:, facets.normal[facets.sensor_facet, 2] > 0.9].any()


def test_bundles_hold_each_direction_once_and_neighbours_together():
    sky = reinhart_patches().direction
    found = bundle(sky)
    assert (np.sort(np.concatenate(found)) == np.arange(len(sky))).all()
    assert max(map(len, found)) == LANES
    high = [part for part in found if sky[part, 2].min() > np.sin(np.radians(20))]
    assert np.mean([len(part) for part in high]) > 6
    for part in high:
        middle = sky[part].mean(axis=0)
        assert np.linalg.norm(sky[part] - middle, axis=1).max() < np.radians(20)
    assert [len(part) for part in bundle(sky[:0])] == []
    assert [part.tolist() for part in bundle(sky[:1])] == [[0]]
