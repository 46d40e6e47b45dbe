"""Areas, normals and triangles of planar polygons."""

import numpy as np
import pytest
import shapely

from gis.errors import GeometryError
from meshes.polygons import make_polygons, number_points, plane_axes, polygons_from_rings

SQUARE = np.array([[0, 0, 0], [4, 0, 0], [4, 3, 0], [0, 3, 0.0]])
HOLE = np.array([[1, 1, 0], [1, 2, 0], [3, 2, 0], [3, 1, 0.0]])
ARROW = np.array([[0, 0, 0], [4, 0, 0], [1, 1, 0], [0, 4, 0.0]])  # concave, 4 corners


@pytest.mark.parametrize(
    ("rings", "area"),
    [
        pytest.param([SQUARE], 12.0, id="rectangle-4x3"),
        pytest.param([SQUARE, HOLE], 10.0, id="hole-2x1-is-taken-off"),
        pytest.param([ARROW], 4.0, id="concave-quadrilateral-by-shoelace"),
        pytest.param([SQUARE[:, [2, 0, 1]]], 12.0, id="upright"),
    ],
)
def test_area_and_triangles_agree_with_the_closed_form(rings, area):
    polygons = make_polygons([rings])
    assert polygons.area[0] == pytest.approx(area, abs=1e-12)
    corners, owner = polygons.triangles()
    a, b, c = (polygons.vertices[corners[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a) / 2
    assert np.linalg.norm(cross, axis=1).sum() == pytest.approx(area, abs=1e-9)
    assert (cross @ polygons.normal[0] > 0).all()
    assert (owner == 0).all()


def test_normals_turn_with_the_order_of_corners():
    polygons = make_polygons([[SQUARE], [SQUARE[::-1]]])
    assert polygons.normal.tolist() == [[0, 0, 1], [0, 0, -1]]


def test_area_keeps_its_digits_far_from_the_origin():
    polygons = make_polygons([[SQUARE + np.array([99_700, 6_213_500, 0])]])
    assert polygons.area[0] == pytest.approx(12.0, rel=1e-12)


def test_triangles_stay_with_their_polygon_in_a_mixed_set():
    polygons = make_polygons([[ARROW], [SQUARE, HOLE], [SQUARE]])
    corners, owner = polygons.triangles()
    bounds = polygons.vertex_start
    assert (np.diff(owner) >= 0).all()
    assert (
        (corners >= bounds[owner][:, None]) & (corners < bounds[owner + 1][:, None])
    ).all()


def test_flat_arrays_give_what_lists_give():
    faces = [[ARROW], [SQUARE, HOLE], [SQUARE[:, [2, 0, 1]]]]
    one = make_polygons(faces)
    other = polygons_from_rings(
        np.concatenate([ring for face in faces for ring in face]),
        np.array([0, 4, 8, 12, 16]),
        np.array([0, 1, 3, 4]),
    )
    for name in ("vertices", "ring_start", "polygon_start", "normal", "area"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    assert len(make_polygons([])) == 0


@pytest.mark.parametrize("turn", range(4))
def test_triangles_of_concave_faces_lie_in_them_however_they_lean(turn):
    rng = np.random.default_rng(turn)
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    axes *= np.linalg.det(axes)
    faces = [[ARROW], [SQUARE, HOLE], [ARROW * 2], [SQUARE + 9], [SQUARE[:3]], [ARROW[:3]]]
    leaning = [[ring @ axes.T for ring in face] for face in faces]
    polygons = make_polygons(leaning)
    corners, owner = polygons.triangles()
    places = polygons.vertices[corners]
    cross = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]) / 2
    area = np.einsum("tx,tx->t", cross, polygons.normal[owner])
    assert (area > 0).all()
    assert np.bincount(owner, area) == pytest.approx(polygons.area)
    assert owner.tolist() == sorted(owner)
    flat = {
        k: shapely.Polygon(face[0][:, :2], [h[:, :2] for h in face[1:]])
        for k, face in enumerate(faces)
    }
    for k, place in zip(owner, places @ axes, strict=True):
        assert flat[k].buffer(1e-9).contains(shapely.Polygon(place[:, :2]))


def test_points_have_one_number_if_and_only_if_they_are_equal():
    rng = np.random.default_rng(5)
    points = rng.integers(0, 3, (300, 3)).astype(float)
    points[points == 0] *= rng.choice([-1.0, 1.0], np.count_nonzero(points == 0))
    group = rng.integers(0, 4, 300)
    number = number_points(points, group=group)
    same = (points[:, None] == points).all(axis=2) & (group[:, None] == group)
    assert ((number[:, None] == number) == same).all(), "also of 0 and -0"
    assert sorted(set(number.tolist())) == list(range(number.max() + 1))


@pytest.mark.parametrize("normal", [[0, 0, 1.0], [0.6, 0, 0.8], [1.0, 0, 0], [0, -1.0, 0]])
def test_plane_axes_form_a_right_hand(normal):
    u, v = plane_axes(np.array(normal))
    assert np.cross(u, v) == pytest.approx(np.array(normal))


@pytest.mark.parametrize(
    ("faces", "words"),
    [
        ([[SQUARE[:2]]], "at least 3 corners"),
        ([[SQUARE[[0, 1, 1]]]], "no area"),
        ([[SQUARE], [SQUARE * np.nan]], "no area"),
        ([[SQUARE], []], "needs an outline"),
    ],
)
def test_degenerate_faces_are_refused(faces, words):
    with pytest.raises(GeometryError, match=words):
        make_polygons(faces)
