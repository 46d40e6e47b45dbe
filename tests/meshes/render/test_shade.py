"""Shadows fall where geometry puts them, and data colours do not lie."""

import math

import numpy as np
import pandas as pd
import pytest

from meshes.render.ambient import cosine_pattern, measure_openness
from meshes.render.camera import fit_plan
from meshes.render.coat import Painter
from meshes.render.colours import irradiation_scale, to_linear
from meshes.render.looks import DATA, MODEL
from meshes.render.picture import take_picture
from meshes.render.rays import RayTracer
from meshes.render.scene import build_scene
from meshes.render.shade import CORNER_TONE, SHADOW_TONE, in_sun
from meshes.render.sunlight import Sun

NOON = pd.Timestamp("2026-03-20T13:00+01:00")
SOUTH_WEST = Sun(azimuth=225.0, elevation=35.0, when=NOON)
HIDDEN = Sun(azimuth=225.0, elevation=-5.0, when=NOON)
TOWER = [(60.0, 60.0, 84.0, 92.0, 18.0)]
JUST_VISIBLE = 2.3  # CIE 1976 colour difference that a person just notices


def delta_e(one, other):
    """CIE 1976 colour difference of sRGB colours, D65."""

    def lab(srgb):
        matrix = [
            [0.4124, 0.3576, 0.1805],
            [0.2126, 0.7152, 0.0722],
            [0.0193, 0.1192, 0.9505],
        ]
        xyz = (
            np.array(matrix) @ to_linear(np.asarray(srgb, np.float32)) / [0.9505, 1, 1.089]
        )
        f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
        return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])

    return float(np.linalg.norm(lab(one) - lab(other)))


def plan(scene, side=200.0, pixels=400):
    west, south = -scene.origin[:2] + (99_000.0, 6_213_000.0)
    bounds = (west, south, west + side, south + side)
    return fit_plan(bounds, (pixels, pixels), height=500.0)


def pixel_of(scene, camera, x, y, z=3.0):
    """Row and column where a place [m from the harbour's corner] is seen."""
    point = np.array([[99_000.0 + x, 6_213_000.0 + y, z]]) - scene.origin
    column, row = camera.project(point)[0][0]
    return int(row), int(column)


@pytest.mark.parametrize("elevation", [20.0, 35.0, 60.0])
@pytest.mark.parametrize("azimuth", [180.0, 225.0, 290.0])
def test_shadow_length_is_height_over_the_tangent_of_the_elevation(
    harbour, azimuth, elevation
):
    district, facets = harbour(TOWER)
    scene = build_scene(district, facets)
    sun = Sun(azimuth, elevation, NOON)
    length = 18.0 / math.tan(math.radians(elevation))
    away = -np.array([math.sin(math.radians(azimuth)), math.cos(math.radians(azimuth))])
    # From the middle of the roof's edge, along the shadow's direction on the ground.
    corner = np.array([84.0 if away[0] > 0.01 else 60.0, 92.0 if away[1] > 0.01 else 60.0])
    corner = np.where(np.abs(away) < 0.01, (72.0, 76.0), corner)
    inward = -0.2 * np.sign(np.where(np.abs(away) < 0.01, 0, away))
    start = corner + inward
    for share, expected in ((0.97, 0.0), (1.06, 1.0)):
        spot = start + share * length * away
        point = np.array([[99_000 + spot[0], 6_213_000 + spot[1], 3.0]]) - scene.origin
        up = np.array([[0.0, 0.0, 1.0]], np.float32)
        seen = in_sun(scene, sun, point.astype(np.float32), up, np.ones(1, np.float32))
        assert seen[0] == expected


def test_a_roof_in_full_sun_has_the_colour_of_the_legend(harbour):
    district, facets = harbour(TOWER)
    annual = np.full(facets.sensor_count, 870.0)
    scale = irradiation_scale(annual)
    scene = build_scene(district, facets)
    camera = plan(scene)
    picture = take_picture(
        Painter(scene, camera, SOUTH_WEST, DATA, annual=annual, scale=scale)
    )
    row, column = pixel_of(scene, camera, 72, 76, 21.0)
    roof = picture[row - 4 : row + 5, column - 4 : column + 5].reshape(-1, 3)
    legend = scale.srgb([870.0])[0]
    assert max(delta_e(pixel, legend) for pixel in roof) < JUST_VISIBLE


def test_each_sensor_shows_its_own_irradiation(harbour):
    district, facets = harbour(TOWER)
    x = facets.sensor_positions()[:, 0] + facets.solids.origin[0] - 99_000
    annual = np.where(x < 72, 300.0, 1100.0)
    scale = irradiation_scale(annual)
    scene = build_scene(district, facets)
    camera = plan(scene)
    picture = take_picture(
        Painter(scene, camera, SOUTH_WEST, DATA, annual=annual, scale=scale)
    )
    for place, value in ((66, 300.0), (78, 1100.0)):
        pixel = picture[pixel_of(scene, camera, place, 76, 21.0)]
        assert delta_e(pixel, scale.srgb([value])[0]) < JUST_VISIBLE


def test_shadow_takes_little_from_a_data_colour(harbour):
    # The low roof lies in the shadow of the tower south of it.
    district, facets = harbour([(60, 60, 84, 92, 60.0), (60, 95, 84, 110, 6.0)])
    annual = np.full(facets.sensor_count, 700.0)
    scale = irradiation_scale(annual)
    scene = build_scene(district, facets)
    camera = plan(scene)
    sun = Sun(180.0, 35.0, NOON)
    picture = take_picture(Painter(scene, camera, sun, DATA, annual=annual, scale=scale))
    shaded = picture[pixel_of(scene, camera, 72, 102, 9.0)]
    share = shaded / scale.srgb([700.0])[0]
    assert (share < 1 - SHADOW_TONE / 2).all()
    assert (share >= 1 - SHADOW_TONE - CORNER_TONE - 0.01).all()
    np.testing.assert_allclose(share, share.mean(), atol=0.02)  # no shift of hue


def test_below_the_horizon_the_sun_casts_no_shadow(harbour):
    district, facets = harbour(TOWER)
    scene = build_scene(district, facets)
    camera = plan(scene)
    by_day = take_picture(Painter(scene, camera, SOUTH_WEST, MODEL))
    by_night = take_picture(Painter(scene, camera, HIDDEN, MODEL))
    shadow, open_ground = (pixel_of(scene, camera, *k) for k in ((94, 102), (180, 20)))
    assert by_day[shadow].mean() < 0.8 * by_day[open_ground].mean()
    assert by_night[shadow].mean() > 0.9 * by_night[open_ground].mean()


def test_directions_are_even_and_mixed():
    pattern = cosine_pattern(72).astype(float)
    assert len(np.unique(pattern.round(5), axis=0)) == 72
    np.testing.assert_allclose(pattern.mean(axis=0), 0, atol=0.02)


def test_openness_at_the_foot_of_a_long_wall_is_one_half():
    # Closed form: an endless wall of unbounded height hides half of the cosine-weighted
    # sky from ground right before it, (1 - sin(elevation of its top)) / 2 further away.
    low, far, high, near = (0, -900, 0), (0, 900, 0), (0, 900, 900), (0, -900, 900)
    wall = np.array([(low, far, high), (low, high, near)], np.float32)
    rows, columns = 30, 30
    points = np.zeros((rows, columns, 3), np.float32)
    points[..., 0] = 0.5
    points[..., 1] = np.arange(rows)[:, None] * 0.1 + np.arange(columns) * 0.001
    normals = np.zeros_like(points)
    normals[..., 2] = 1
    found = measure_openness(
        RayTracer(wall), points, normals, np.ones((rows, columns), bool), step=2, reach=1e4
    )
    assert found.value.mean() == pytest.approx(0.5, abs=0.02)
    assert np.ptp(found.value[3:-3, 3:-3]) < 0.05
