"""Coplanar faces of a part become one, whatever corners an outline has on a wall."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from meshes.facets import make_facets
from meshes.planes.faces import merge_faces
from meshes.solids import Kind, closure_defects, lod1_solids

L_SHAPE = ((0, 0), (20, 0), (20, 8), (9, 8), (9, 15), (0, 15))


def with_corners(ring, shares):
    """Put a corner on each edge that has a share of its length."""
    out = []
    for k, here in enumerate(ring):
        out.append(here)
        if shares[k] is not None:
            there = ring[(k + 1) % len(ring)]
            out.append(
                tuple(a + shares[k] * (b - a) for a, b in zip(here, there, strict=True))
            )
    return out


@settings(max_examples=30, deadline=None)
@given(
    shares=st.lists(
        st.one_of(st.none(), st.sampled_from((0.25, 0.5, 0.75))), min_size=6, max_size=6
    )
)
def test_a_corner_more_on_a_wall_changes_no_facet(shares, blocks):
    plain = make_facets(lod1_solids(blocks([shapely.Polygon(L_SHAPE)], [1], [9])))
    outline = shapely.Polygon(with_corners(L_SHAPE, shares))
    solids = lod1_solids(blocks([outline], [1], [9]))
    merged, face = merge_faces(solids)
    facets = make_facets(merged)
    assert facets.ids == plain.ids
    np.testing.assert_allclose(facets.area, plain.area)
    np.testing.assert_allclose(facets.normal, plain.normal, atol=1e-12)
    np.testing.assert_allclose(facets.sensor_positions(), plain.sensor_positions())
    assert not len(closure_defects(merged))
    assert merged.volume() == pytest.approx(solids.volume())
    area = np.bincount(face, solids.faces.area)
    np.testing.assert_allclose(area, merged.faces.area)


def test_an_outline_that_starts_on_a_wall_has_the_ids_of_the_one_without_that_corner(
    blocks,
):
    started = [(10, 0), *L_SHAPE[1:], L_SHAPE[0]]
    merged, _ = merge_faces(lod1_solids(blocks([shapely.Polygon(started)], [0], [5])))
    rest = lod1_solids(blocks([shapely.Polygon(started[1:])], [0], [5]))
    ours, theirs = make_facets(merged), make_facets(rest)
    assert ours.ids == theirs.ids
    np.testing.assert_allclose(ours.normal, theirs.normal, atol=1e-12)
    np.testing.assert_allclose(ours.area, theirs.area)


def test_courtyards_keep_their_hole(blocks):
    shape = shapely.Polygon(
        [(0, 0), (10, 0), (20, 0), (20, 20), (0, 20)],
        [[(5, 5), (5, 15), (15, 15), (15, 5), (10, 5)]],
    )
    solids = lod1_solids(blocks([shape], [0], [6]))
    merged, _ = merge_faces(solids)
    assert np.count_nonzero(merged.kind == Kind.WALL) == 8
    assert merged.volume() == pytest.approx(300 * 6)
    assert not len(closure_defects(merged))


def test_bent_walls_stay_apart(blocks):
    turn = np.linspace(0, 2 * np.pi, 721)[:-1]  # each wall turns by half a degree
    ring = 40 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    solids = lod1_solids(blocks([shapely.Polygon(ring)], [0], [6]))
    merged, _ = merge_faces(solids)
    assert len(merged.faces) == len(solids.faces)


def test_nothing_to_merge_changes_nothing(random_blocks):
    solids = lod1_solids(random_blocks(3, 5))
    merged, face = merge_faces(solids)
    assert merged is solids
    assert face.tolist() == list(range(len(solids.faces)))


def test_parts_that_touch_in_one_plane_stay_two(blocks):
    table = blocks([shapely.box(0, 0, 5, 5), shapely.box(5, 0, 9, 5)], [0, 0], [4, 4])
    merged, _ = merge_faces(lod1_solids(table))
    assert len(merged.faces) == 12
