"""Cameras obey the closed forms of perspective and undo themselves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import GeometryError
from meshes.render.camera import Camera, axes_towards, fit_perspective, fit_plan

SIZE = (640, 360)
TINY = 1e-6  # rounding of coordinates of a few kilometres


@pytest.fixture
def cloud() -> np.ndarray:
    rng = np.random.default_rng(5)
    return rng.uniform((-400, -700, 0), (500, 300, 60), (200, 3))


@pytest.fixture
def oblique(cloud) -> Camera:
    return fit_perspective(cloud, SIZE, azimuth=62, pitch=24, view_angle=40)


@given(
    azimuth=st.floats(0, 360),
    pitch=st.floats(0, 90),
)
def test_axes_are_a_right_handed_frame(azimuth, pitch):
    right, up, forward = axes_towards(azimuth, pitch)
    frame = np.stack([right, up, -forward])
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1.0)
    assert forward[2] == pytest.approx(-math.sin(math.radians(pitch)))


@pytest.mark.parametrize(
    ("azimuth", "expected"),
    [
        pytest.param(0, (0, 1, 0), id="north is +y"),
        pytest.param(90, (1, 0, 0), id="east is +x"),
        pytest.param(180, (0, -1, 0), id="south is -y"),
    ],
)
def test_level_views_go_where_the_azimuth_says(azimuth, expected):
    np.testing.assert_allclose(axes_towards(azimuth, 0)[2], expected, atol=1e-12)


def test_size_in_the_picture_falls_with_distance():
    right, up, forward = axes_towards(0, 0)
    camera = Camera(np.zeros(3), right, up, forward, SIZE, focal=500.0)
    places, depth = camera.project([(3.0, 100.0, 2.0), (3.0, 200.0, 2.0)])
    np.testing.assert_allclose(depth, [100, 200])
    np.testing.assert_allclose(places[0], [320 + 500 * 3 / 100, 180 - 500 * 2 / 100])
    np.testing.assert_allclose(places[1], [320 + 500 * 3 / 200, 180 - 500 * 2 / 200])


def test_rays_pass_through_what_is_projected(oblique, cloud):
    places, _ = oblique.project(cloud)
    origins, directions = oblique.rays(places[:, 0], places[:, 1])
    towards = cloud - origins
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    np.testing.assert_allclose(directions, towards, atol=TINY)


def test_ground_points_are_seen_where_they_were_asked_for(oblique):
    for place in [(10.0, 350.0), (600.0, 200.0), (320.0, 180.0)]:
        point = oblique.ground_point(*place, level=4.0)
        assert point[2] == pytest.approx(4.0)
        np.testing.assert_allclose(oblique.project(point[None])[0][0], place, atol=TINY)


def test_above_the_horizon_there_is_no_ground():
    right, up, forward = axes_towards(30, 5)
    camera = Camera(np.array([0, 0, 50.0]), right, up, forward, SIZE, focal=300.0)
    with pytest.raises(GeometryError, match="below the horizon"):
        camera.ground_point(320, 1, level=0.0)


@pytest.mark.parametrize("azimuth", [0, 62, 200])
@pytest.mark.parametrize("frame", [(0, 0, 1, 1), (0.1, 0.3, 0.8, 0.95)])
def test_the_subject_touches_its_frame_and_stays_within(cloud, azimuth, frame):
    camera = fit_perspective(
        cloud, SIZE, azimuth=azimuth, pitch=24, view_angle=40, frame=frame
    )
    places, depth = camera.project(cloud)
    share = places / np.array(SIZE)
    low, high = share.min(axis=0), share.max(axis=0)
    assert (depth > 0).all()
    slack = np.array([*(low - frame[:2]), *(np.array(frame[2:]) - high)])
    assert (slack > -TINY).all()
    left, top, right, bottom = slack
    assert max(left, right) < TINY or max(top, bottom) < TINY


def test_a_plan_keeps_north_up_and_metres_true():
    camera = fit_plan((10, 20, 210, 120), (400, 400), height=900, frame=(0.5, 0, 1, 1))
    places, _ = camera.project([(10, 20, 0), (210, 20, 50), (10, 120, -3)])
    np.testing.assert_allclose(places[1] - places[0], [200, 0], atol=TINY)
    np.testing.assert_allclose(places[2] - places[0], [0, -100], atol=TINY)
    np.testing.assert_allclose(places[:, 0].min(), 200, atol=TINY)
    assert camera.pixel == pytest.approx(1.0)
