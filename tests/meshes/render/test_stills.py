"""Stills are complete, stable to the byte, and refuse what they cannot draw."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gis.errors import OutputError, TableError
from meshes.render.camera import Camera
from meshes.render.scene import build_scene
from meshes.render.stills import write_stills
from meshes.render.sunlight import Sun
from meshes.render.views import data_view, farthest_building, model_view, plan_view

SIZE = (480, 270)
BOXES = [(30.0, 40.0, 70.0, 60.0, 15.0), (90.0, 100.0, 150.0, 150.0, 25.0)]
NAMES = [
    "still_aerial_irradiation.png",
    "still_model_sun.png",
    "still_plan_irradiation.png",
]


@pytest.mark.parametrize("water", [True, False], ids=["water", "dry"])
@pytest.mark.parametrize("trees", [True, False], ids=["trees", "bare"])
def test_same_input_gives_the_same_bytes(harbour, tmp_path, water, trees):
    district, facets = harbour(BOXES, water=water, trees=trees)
    annual = np.linspace(50, 1100, facets.sensor_count)
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        paths = write_stills(folder, district, facets, annual, size=SIZE)
        assert [path.name for path in paths] == NAMES
        assert sorted(path.name for path in folder.iterdir()) == NAMES
    for name in NAMES:
        assert (first / name).read_bytes() == (second / name).read_bytes()
        with Image.open(first / name) as image:
            assert image.size == SIZE
            assert image.info == {}  # neither date nor software


def test_the_stated_moment_changes_the_shadows(harbour, tmp_path):
    district, facets = harbour(BOXES)
    annual = np.full(facets.sensor_count, 800.0)
    taken = []
    for hour in ("10", "17"):
        when = pd.Timestamp(f"2026-06-21T{hour}:00+02:00")
        paths = write_stills(tmp_path, district, facets, annual, when=when, size=SIZE)
        taken.append(paths[2].read_bytes())
    assert taken[0] != taken[1]


def test_night_and_missing_irradiation_are_drawn(harbour, tmp_path):
    district, facets = harbour(BOXES, water=True, trees=True)
    annual = np.full(facets.sensor_count, np.nan)
    when = pd.Timestamp("2026-01-01T00:00+01:00")
    assert len(write_stills(tmp_path, district, facets, annual, when=when, size=SIZE)) == 3


def test_irradiation_must_match_the_sensors(harbour, tmp_path):
    district, facets = harbour(BOXES)
    with pytest.raises(TableError, match="one irradiation"):
        write_stills(tmp_path, district, facets, np.zeros(3))


def test_tiny_pictures_are_refused(harbour, tmp_path):
    district, facets = harbour(BOXES)
    annual = np.zeros(facets.sensor_count)
    with pytest.raises(OutputError, match="pixels"):
        write_stills(tmp_path, district, facets, annual, size=(480, 20))


def bearing(camera: Camera) -> float:
    """Side from which a camera looks [degrees]."""
    return float(np.degrees(np.arctan2(-camera.forward[0], -camera.forward[1])) % 360)


def test_data_are_seen_from_between_water_and_south_west(harbour):
    for water, low, high in ((False, 224.9, 225.1), (True, 226.0, 270.0)):
        district, facets = harbour(BOXES, water=water)
        camera = data_view(district, build_scene(district, facets), SIZE)
        assert low < bearing(camera) < high


@pytest.mark.parametrize("azimuth", [100.0, 180.0, 260.0])
def test_the_sun_falls_into_the_model_from_the_side(harbour, azimuth):
    district, facets = harbour(BOXES, water=True)
    sun = Sun(azimuth, 20.0, pd.Timestamp("2026-03-20T16:00+01:00"))
    camera = model_view(district, build_scene(district, facets), SIZE, sun=sun)
    turn = (bearing(camera) - azimuth + 180) % 360 - 180
    assert 30 < abs(turn) < 80


def test_every_view_shows_the_whole_district(harbour):
    district, facets = harbour(BOXES)
    scene = build_scene(district, facets)
    sun = Sun(240.0, 20.0, pd.Timestamp("2026-03-20T16:00+01:00"))
    for camera in (
        data_view(district, scene, SIZE),
        model_view(district, scene, SIZE, sun=sun),
        plan_view(scene, SIZE),
    ):
        places, depth = camera.project(scene.subject)
        assert (depth > 0).all()
        assert (places > 0).all()
        assert (places < SIZE).all()
        corners = scene.triangles.corners[scene.triangles.facet >= 0].reshape(-1, 3)
        distance = np.linalg.norm(corners - camera.position, axis=1)
        assert farthest_building(scene, camera) == pytest.approx(distance.max(), rel=1e-6)
