"""Straight skeletons lie where planes, offsets and distances of other kinds put them."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from meshes.roofs.skeleton import MOST_CORNERS, Skeleton, straight_skeleton

ON_PLANE = 1e-6
"""Distance of a point from its face's plane [m], as asked of the model."""

ROUNDING = 1e-7
"""Error of areas and depths [m2, m]: what counts as touching."""

NOISE = 1e-8
"""Coordinates of 6e6 m and a turn carry this [m]."""


def rings_of(shape):
    """Rings of an outline, open, outline counter-clockwise and holes clockwise."""
    shape = shapely.orient_polygons(shape)
    return [shapely.get_coordinates(r)[:-1] for r in (shape.exterior, *shape.interiors)]


def skeleton_of(shape) -> Skeleton:
    """Skeleton of an outline that has one."""
    found = straight_skeleton(rings_of(shape))
    assert isinstance(found, Skeleton), found
    return found


def face_shapes(skeleton):
    """Faces as polygons in plan."""
    return shapely.polygons(
        [shapely.linearrings(skeleton.points[face, :2]) for face in skeleton.faces]
    )


def check_laws(shape, skeleton):
    """Assert that plane faces cover the outline once, and rise behind their sides."""
    faces = face_shapes(skeleton)
    assert shapely.is_valid(faces).all()
    assert shapely.area(faces).sum() == pytest.approx(shape.area, rel=ROUNDING)
    assert shapely.union_all(faces).area == pytest.approx(shape.area, rel=1e-6)
    for side, face in enumerate(skeleton.faces):
        places = skeleton.points[face]
        depth = (places[:, :2] - skeleton.points[side, :2]) @ skeleton.normal[side]
        assert np.abs(depth - places[:, 2]).max() < ON_PLANE


def depth_at(skeleton, xy):
    """Depth at places within the outline, by the face that covers each."""
    tree = shapely.STRtree(face_shapes(skeleton))
    place, face = tree.query(shapely.points(xy), predicate="intersects")
    side = np.zeros(len(xy), np.int64)
    side[place] = face
    return ((xy - skeleton.points[side, :2]) * skeleton.normal[side]).sum(axis=1)


def places_in(shape, rng, count=200):
    """Random places within an outline."""
    west, south, east, north = shape.bounds
    xy = rng.uniform((west, south), (east, north), (count, 2))
    return xy[shapely.contains_xy(shape, xy)]


def test_rectangle_has_its_ridge_half_the_width_from_all_walls():
    skeleton = skeleton_of(shapely.box(2, 1, 14, 7))  # its first wall looks east
    upper = skeleton.points[4:]
    ridge = sorted({tuple(point) for point in upper[:, :3].round(9).tolist()})
    assert ridge == [(5.0, 4.0, 3.0), (11.0, 4.0, 3.0)]
    assert [len(set(face)) for face in skeleton.faces] == [3, 4, 3, 4]


def test_court_gives_rings_of_equal_width_a_ridge_all_around():
    shape = shapely.Polygon(
        [(0, 0), (20, 0), (20, 16), (0, 16)], [[(4, 4), (4, 12), (16, 12), (16, 4)]]
    )
    skeleton = skeleton_of(shape)
    check_laws(shape, skeleton)
    assert skeleton.points[:, 2].max() == pytest.approx(2.0)
    used = {point for face in skeleton.faces for point in face}
    high = skeleton.points[[p for p in used if p >= 8], :2]
    assert {tuple(p) for p in high.round(6).tolist()} == {
        (2, 2),
        (18, 2),
        (18, 14),
        (2, 14),
    }


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_convex_outlines_have_the_lowest_of_the_planes(seed):
    rng = np.random.default_rng(seed)
    shape = shapely.MultiPoint(rng.normal(size=(12, 2)) * (9, 5)).convex_hull
    skeleton = skeleton_of(shape)
    check_laws(shape, skeleton)
    xy = places_in(shape, rng)
    behind = np.stack(
        [
            (xy - skeleton.points[side, :2]) @ skeleton.normal[side]
            for side in range(len(skeleton.faces))
        ]
    )
    assert depth_at(skeleton, xy) == pytest.approx(behind.min(axis=0), abs=ROUNDING)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), noise=st.sampled_from([0.0, 1e-9, NOISE]))
def test_right_angles_have_the_distance_in_the_larger_of_both_directions(
    outlines, seed, noise
):
    rng = np.random.default_rng(seed)
    shape = outlines.grid(rng)
    xy = places_in(shape, rng)
    distance = np.full(len(xy), np.inf)
    for ring in rings_of(shape):
        for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            low, high = np.minimum(start, end), np.maximum(start, end)
            off = np.maximum(np.maximum(low - xy, xy - high), 0.0).max(axis=1)
            distance = np.minimum(distance, off)
    turn = rng.uniform(0, 2 * np.pi)

    def shaken(ring):
        return ring + rng.uniform(-noise, noise, ring.shape)

    rings = [shaken(ring) for ring in rings_of(outlines.turned(shape, turn))]
    shape = shapely.Polygon(rings[0], rings[1:])
    skeleton = skeleton_of(shape)
    check_laws(shape, skeleton)
    spots = shapely.get_coordinates(outlines.turned(shapely.MultiPoint(xy), turn))
    assert depth_at(skeleton, spots) == pytest.approx(distance, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_fronts_are_mitred_offsets_until_the_first_of_them_is_split(outlines, seed):
    rng = np.random.default_rng(seed)
    shape = outlines.star(rng)
    skeleton = skeleton_of(shape)
    check_laws(shape, skeleton)
    used = {point for face in skeleton.faces for point in face}
    depth = skeleton.points[sorted(used), 2]
    first = 0.9 * depth[depth > 0.0].min()
    inner = shape.buffer(-first, join_style="mitre", mitre_limit=1e6)
    xy = places_in(shape, rng)
    near = shapely.distance(shapely.points(xy), inner.boundary) < 1e-6
    within = shapely.contains_xy(inner, xy)
    found = depth_at(skeleton, xy) > first
    assert (found == within)[~near].all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_mirrored_outline_has_the_mirrored_skeleton(outlines, seed):
    rng = np.random.default_rng(seed)
    shape = outlines.star(rng)
    mirrored = shapely.transform(shape, lambda xy: xy * (-1.0, 1.0))
    xy = places_in(shape, rng)
    one = depth_at(skeleton_of(shape), xy)
    other = depth_at(skeleton_of(mirrored), xy * (-1.0, 1.0))
    assert one == pytest.approx(other, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_walls_that_stay_have_no_slope_and_lift_the_others(seed):
    rng = np.random.default_rng(seed)
    wide, deep = rng.uniform(12, 30), rng.uniform(4, 11)
    skew = rng.uniform(-1.0, 1.0, 2)
    corners = [(0, 0), (wide, 0), (wide + skew[0], deep), (skew[1], deep)]
    found = straight_skeleton([np.array(corners)], gables=[1, 3])
    assert isinstance(found, Skeleton)
    areas = shapely.area(face_shapes(found))
    assert areas[[1, 3]] == pytest.approx(0.0, abs=1e-9)
    assert areas[[0, 2]].sum() == pytest.approx(shapely.Polygon(corners).area)
    assert found.points[:, 2].max() == pytest.approx(deep / 2)


def test_too_many_corners_are_refused():
    ring = shapely.get_coordinates(shapely.Point(0, 0).buffer(9, quad_segs=80))[:0:-1]
    assert straight_skeleton([ring]) == f"the outline has more than {MOST_CORNERS} corners"
