"""Facet by facet the same bits come out as direction by direction."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from meshes.facets import Facets, make_facets
from meshes.polygons import make_polygons
from meshes.solar.cast_words import Compass, by_azimuth, find_words, receive
from meshes.solar.changed_words import Words
from meshes.solar.occluders import Occluders, open_occluders, solid_occluders
from meshes.solar.shadow import make_caster
from meshes.solar.sky import unit_vectors
from meshes.solar.visibility import facet_bits
from meshes.solids import lod1_solids


def cast(facets: Facets, bodies: Occluders, compass: Compass) -> np.ndarray:
    """Return what the shadow kernel calls blocked on facets that face the light."""
    caster = make_caster(facets, bodies)
    bits = np.empty((len(compass), caster.words), np.uint64)
    for direction, row in zip(compass.direction, bits, strict=True):
        caster.cast(direction, row)
    turned = facets.normal @ compass.direction.T <= 1e-9
    words = np.repeat(np.arange(len(facets)), facets.words_per_facet)
    bits[turned.T[:, words]] = 0
    return bits & facets.mask


def laid_out(facets: Facets, words: Words, compass: Compass) -> np.ndarray:
    bits = np.zeros((len(compass), len(facets.mask)), np.uint64)
    bits[words.direction, facets.bit_start[words.facet] // 64 + words.word] = words.bits
    return bits


def found(facets, bodies, compass, *, before=None, workers=2) -> Words:
    """Find what bodies block of what was not blocked before; all of it by default."""
    if before is None:
        before = np.zeros((len(compass), len(facets.mask)), np.uint64)
    bits = facet_bits(before, facets)
    with ThreadPoolExecutor(workers) as pool:
        return find_words(
            receive(facets), bodies, compass, bits, pool=pool, workers=workers
        )


def directions(seed: int, count: int = 60) -> Compass:
    rng = np.random.default_rng(seed)
    azimuth = rng.uniform(0, 2 * np.pi, count)
    elevation = np.arcsin(rng.uniform(0.001, 1, count))
    # Straight up, level, and along the axes, where ties are.
    special = [
        [0, 0, 1],
        [0, 1, 0],
        [1, 0, 0],
        [0.6, 0, 0.8],
        [0, -0.6, 0.8],
        [-0.8, 0, 0.6],
    ]
    return by_azimuth(np.concatenate([unit_vectors(azimuth, elevation), special]))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_any_buildings_cast_the_same_bits(seed, random_blocks):
    facets = make_facets(lod1_solids(random_blocks(seed, 7)), spacing=1.3)
    others = lod1_solids(random_blocks(seed + 1, 3), origin=facets.solids.origin)
    compass = directions(seed)
    bodies = solid_occluders(others)
    words = found(facets, bodies, compass)
    expected = cast(facets, bodies, compass)
    np.testing.assert_array_equal(laid_out(facets, words, compass), expected)
    assert expected.any(), "they shade something"


@settings(max_examples=25, deadline=None)
@given(
    corner=st.tuples(*[st.integers(-3, 12)] * 2),
    size=st.tuples(*[st.integers(1, 8)] * 3),
    base=st.integers(-2, 6),
)
def test_blocks_on_the_grid_cast_the_same_bits(corner, size, base, blocks):
    """Edges run through sensors and faces lie in facets' planes, or touch them."""
    table = blocks([shapely.box(0, 0, 6, 4), shapely.box(6, 1, 9, 9)], [0, 0], [5, 8])
    facets = make_facets(lod1_solids(table, origin=np.zeros(3)), spacing=1.0)
    outline = shapely.box(*corner, corner[0] + size[0], corner[1] + size[1])
    block = lod1_solids(blocks([outline], [base], [base + size[2]]), origin=np.zeros(3))
    compass = directions(sum(size))
    bodies = solid_occluders(block)
    np.testing.assert_array_equal(
        laid_out(facets, found(facets, bodies, compass), compass),
        cast(facets, bodies, compass),
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), side=st.sampled_from([-1, 0, 1]))
def test_loose_polygons_cast_the_same_bits(seed, side, random_blocks):
    rng = np.random.default_rng(seed)
    facets = make_facets(lod1_solids(random_blocks(seed, 4)), spacing=1.1)
    triangles = rng.uniform([-20, -20, -10], [100, 100, 45], (12, 3, 3))
    faces = [[triangle - facets.solids.origin] for triangle in triangles]
    # One with a dent and a hole, upright.
    dent = np.array([[0, 0], [20, 0], [20, 9], [12, 4], [0, 20.0]])
    hole = np.array([[3, 3], [3, 6], [6, 6], [6, 3.0]])
    east = float(rng.uniform(0, 60))
    faces.append([np.c_[ring + east, np.full(len(ring), 33.0)][:, [0, 2, 1]]
                  - facets.solids.origin for ring in (dent, hole)])  # fmt: skip
    bodies = open_occluders(make_polygons(faces))
    bodies = Occluders(bodies.polygons, np.full(len(faces), side, np.int8), bodies.part)
    compass = directions(seed)
    np.testing.assert_array_equal(
        laid_out(facets, found(facets, bodies, compass), compass),
        cast(facets, bodies, compass),
    )


def test_what_was_blocked_before_is_not_found_again(random_blocks):
    facets = make_facets(lod1_solids(random_blocks(5, 8)), spacing=1.2)
    compass = directions(5)
    before = cast(facets, solid_occluders(facets.solids), compass)
    others = solid_occluders(lod1_solids(random_blocks(6, 3), origin=facets.solids.origin))
    words = found(facets, others, compass, before=before)
    expected = cast(facets, others, compass) & ~before
    np.testing.assert_array_equal(laid_out(facets, words, compass), expected)


@pytest.mark.parametrize("workers", [1, 3])
def test_words_are_in_order_whatever_the_threads(workers, random_blocks):
    facets = make_facets(lod1_solids(random_blocks(9, 8)), spacing=1.2)
    others = solid_occluders(lod1_solids(random_blocks(2, 3), origin=facets.solids.origin))
    words = found(facets, others, directions(1), workers=workers)
    key = np.stack([words.facet, words.direction, words.word])
    assert (np.lexsort(key[::-1]) == np.arange(len(words))).all()
    again = found(facets, others, directions(1))
    np.testing.assert_array_equal(words.bits, again.bits)


def test_too_many_corners_are_taken_in_turns(random_blocks, monkeypatch):
    facets = make_facets(lod1_solids(random_blocks(9, 8)), spacing=1.2)
    others = solid_occluders(lod1_solids(random_blocks(2, 3), origin=facets.solids.origin))
    compass = directions(1)
    whole = found(facets, others, compass)
    monkeypatch.setattr("meshes.solar.cast_words.CORNERS", 1000)
    turns = found(facets, others, compass)
    for name in ("facet", "direction", "word", "bits"):
        np.testing.assert_array_equal(getattr(turns, name), getattr(whole, name))
