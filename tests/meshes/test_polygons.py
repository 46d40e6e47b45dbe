"""Areas, normals and triangles of planar polygons."""

import numpy as np
import pytest

from gis.errors import GeometryError
from meshes.polygons import make_polygons, plane_axes

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


@pytest.mark.parametrize("normal", [[0, 0, 1.0], [0.6, 0, 0.8], [1.0, 0, 0], [0, -1.0, 0]])
def test_plane_axes_form_a_right_hand(normal):
    u, v = plane_axes(np.array(normal))
    assert np.cross(u, v) == pytest.approx(np.array(normal))


@pytest.mark.parametrize(
    ("faces", "words"),
    [
        ([[SQUARE[:2]]], "at least 3 corners"),
        ([[SQUARE[[0, 1, 1]]]], "no area"),
    ],
)
def test_degenerate_faces_are_refused(faces, words):
    with pytest.raises(GeometryError, match=words):
        make_polygons(faces)
