"""Day turns into night without a jump, and stays one light while the sun is high."""

import numpy as np
import pandas as pd
import pytest

from meshes.render.camera import fit_plan
from meshes.render.coat import Painter
from meshes.render.colours import hex_linear, irradiation_scale
from meshes.render.light import GOLDEN, daylight
from meshes.render.looks import DATA, MODEL
from meshes.render.picture import develop, expose, keep_edges, take_picture
from meshes.render.scene import build_scene
from meshes.render.sunlight import Sun

NOON = pd.Timestamp("2026-03-20T13:00+01:00")
HEIGHTS = np.arange(-12.0, 30.0, 0.1)
MOST = 0.05  # a twentieth of the way between night and day


def strengths(look):
    """Everything that the light of a moment consists of, by height of the sun."""
    rows = []
    for height in HEIGHTS:
        day = daylight(Sun(200.0, float(height), NOON))
        rows.append(
            np.concatenate(
                [
                    [day.sun, day.ambient(look.ambient)],
                    day.grade,
                    day.sunlight(hex_linear(look.sunlight)),
                    day.haze(hex_linear(look.haze)),
                ]
            )
        )
    return np.array(rows)


@pytest.mark.parametrize("look", [MODEL, DATA], ids=["model", "data"])
def test_light_changes_little_in_a_tenth_of_a_degree(look):
    assert np.abs(np.diff(strengths(look), axis=0)).max() < MOST


def test_a_high_sun_gives_one_exposure():
    rows = strengths(MODEL)[HEIGHTS > GOLDEN]
    assert (rows == rows[0]).all()
    day = daylight(Sun(200.0, GOLDEN + 0.1, NOON))
    assert day.sun == 1.0
    assert day.ambient(MODEL.ambient) == MODEL.ambient
    assert (day.grade == 1.0).all()


def test_without_a_sun_there_is_no_sunlight():
    assert daylight(Sun(200.0, 0.0, NOON)).sun == 0.0
    assert daylight(Sun(200.0, -3.0, NOON)).sun == 0.0


def make_scene(harbour, pixels=240):
    district, facets = harbour([(60.0, 60.0, 84.0, 92.0, 18.0)], water=True, trees=True)
    scene = build_scene(district, facets)
    west, south = -scene.origin[:2] + (99_000.0, 6_213_000.0)
    bounds = (west - 20, south, west + 180, south + 200)
    return scene, fit_plan(bounds, (pixels, pixels), height=500.0)


@pytest.mark.parametrize("look", [MODEL, DATA], ids=["model", "data"])
def test_no_picture_jumps_when_the_sun_sets(harbour, look):
    scene, camera = make_scene(harbour)
    annual = np.full(scene.facets.sensor_count, 800.0)
    more = {"annual": annual, "scale": irradiation_scale(annual)} if look is DATA else {}
    exposure = expose(Painter(scene, camera, Sun(260.0, 0.0, NOON), look, **more))
    just_up, just_down = (
        develop(exposure, Sun(260.0, height, NOON)) for height in (0.05, -0.05)
    )
    assert np.abs(just_up - just_down).max() < 1.5 / 255 * 2
    dusk, day = (develop(exposure, Sun(260.0, height, NOON)) for height in (-6.0, 20.0))
    assert dusk.mean() < 0.85 * day.mean()


def test_dusk_leaves_the_colours_of_data_readable(harbour):
    scene, camera = make_scene(harbour)
    annual = np.full(scene.facets.sensor_count, 800.0)
    scale = irradiation_scale(annual)
    painter = Painter(
        scene, camera, Sun(260.0, -4.0, NOON), DATA, annual=annual, scale=scale
    )
    place = camera.project(np.array([[99_072.0, 6_213_076.0, 21.0]]) - scene.origin)[0][
        0
    ].astype(int)
    roof = take_picture(painter)[place[1], place[0]]
    assert np.abs(roof - scale.srgb([800.0])[0]).max() < 0.12


@pytest.mark.parametrize("height", [35.0, 6.0, 1.5, -2.0])
def test_kept_edges_change_nothing_but_the_time(harbour, height):
    scene, camera = make_scene(harbour)
    sun = Sun(225.0, height, NOON)
    painter = Painter(scene, camera, sun, MODEL)
    plain = take_picture(painter)
    suns = [Sun(120.0, 20.0, NOON), Sun(225.0, 35.0, NOON)]
    kept = develop(keep_edges(expose(painter), suns), sun)
    # A dot product over other blocks of rays may round its last bit otherwise.
    assert np.abs(kept - plain).max() < 1e-4
