"""Few facets see past all bodies what they see past those near their rays."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from meshes.facets import make_facets
from meshes.polygons import make_polygons
from meshes.solar.near import lay_out, near_caster
from meshes.solar.occluders import Occluders, open_occluders, solid_occluders
from meshes.solar.shadow import bundle, make_caster
from meshes.solar.sky import unit_vectors
from meshes.solids import lod1_solids


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_same_bits_as_past_all_bodies(seed, random_blocks):
    rng = np.random.default_rng(seed)
    solids = lod1_solids(random_blocks(seed, 14))
    facets = make_facets(solids, spacing=1.7)
    few = facets.take(np.flatnonzero(facets.part == seed % 14))
    triangles = rng.uniform([-20, -20, -10], [100, 100, 25], (8, 3, 3)) - solids.origin
    loose = open_occluders(make_polygons([[t] for t in triangles]))
    loose = Occluders(loose.polygons, rng.integers(-1, 2, 8).astype(np.int8), loose.part)
    buildings = solid_occluders(solids)
    every = make_caster(few, buildings + loose)
    near = near_caster(few, lay_out(facets, buildings), lay_out(facets, loose))
    one, other = np.empty((2, every.words), np.uint64)
    azimuth = rng.uniform(0, 2 * np.pi, 80)
    elevation = np.arcsin(rng.uniform(0, 1, 80) ** 2)
    special = [[0, 0, 1.0], [0, -1, 0], [-1, 0, 0], [0, -0.6, 0.8]]
    directions = np.concatenate([unit_vectors(azimuth, elevation), special])
    for some in bundle(directions):
        together = np.empty((len(some), every.words), np.uint64)
        near.cast_many(directions[some], together)
        for number, row in zip(some, together, strict=True):
            every.cast(directions[number], one)
            np.testing.assert_array_equal(one & few.mask, row & few.mask)
    for direction in directions:
        every.cast(direction, one)
        near.cast(direction, other)
        np.testing.assert_array_equal(one & few.mask, other & few.mask)
