"""Marks on pictures point, measure, and keep clear of each other."""

import numpy as np
import pytest

from meshes.render.camera import fit_perspective, fit_plan
from meshes.render.colours import irradiation_scale
from meshes.render.marks import (
    Label,
    Window,
    bar_length,
    dome_place,
    draw_legend,
    north_needle,
    place_labels,
)
from meshes.render.sheet import Sheet

POINTS = np.array([(-300.0, -400, 0), (300, 400, 0), (-300, 400, 0), (300, -400, 30)])
SIZE = (960, 540)


@pytest.mark.parametrize("azimuth", [0.0, 62.0, 134.0, 250.0])
def test_needle_points_at_the_projected_north(azimuth):
    camera = fit_perspective(POINTS, SIZE, azimuth=azimuth, pitch=26, view_angle=38)
    window = Window(camera, 0.0, 0.0, 0.5)
    place = (120.0, 900.0)
    ring, needle, name = north_needle(window, place, level=2.0, radius=40)
    middle = window.ground(place, level=2.0)
    ahead = window.place((middle + np.array([0, 1.0, 0]))[None])[0] - np.array(place)
    for target in (needle[0], name[0]):
        drawn = target - np.array(place)
        cosine = drawn @ ahead / np.linalg.norm(drawn) / np.linalg.norm(ahead)
        assert cosine == pytest.approx(1.0, abs=1e-4)
    # Off the axis of the view the ellipse leans and is a little wider than its row.
    assert 80 <= np.ptp(ring[:, 0]) < 84


def test_in_a_plan_north_is_up():
    window = Window(fit_plan((0, 0, 400, 300), SIZE, height=500), 50.0, 20.0, 0.5)
    _, needle, _ = north_needle(window, (600.0, 400.0), level=0.0, radius=40)
    tip = needle[0] - np.array([600.0, 400.0])
    assert tip[0] == pytest.approx(0.0, abs=1e-9)
    assert tip[1] == pytest.approx(-0.86 * 40)


def test_scale_bar_measures_the_ground_in_the_middle():
    camera = fit_perspective(POINTS, SIZE, azimuth=40, pitch=30, view_angle=38)
    window = Window(camera, 0.0, 0.0, 0.5)
    length, width = bar_length(window, widest=300, level=5.0)
    middle = window.ground((960.0, 540.0), level=5.0)
    half = camera.right * length / 2
    ends = window.place(np.stack([middle - half, middle + half]))
    assert np.ptp(ends[:, 0]) == pytest.approx(width, rel=1e-6)
    assert 300 / 2.5 <= width <= 300
    assert length in {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}


def test_legend_shows_the_colours_of_the_scale():
    sheet = Sheet((1080, 1080))
    scale = irradiation_scale([0.0])
    draw_legend(sheet, scale, left=100, top=200, width=800)
    bar = sheet.pixels()[230, 100:900] / 255
    values = (np.arange(800) + 0.5) / 800 * scale.top
    step = np.abs(np.diff(scale.srgb(np.linspace(0, scale.top, 256)), axis=0)).max()
    assert np.abs(bar - scale.srgb(values)).max() <= step + 1e-6


def test_pictures_come_out_unchanged():
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3))
    sheet = Sheet((200, 160))
    sheet.picture((pixels / 255).astype(np.float32), (30, 20))
    np.testing.assert_array_equal(sheet.pixels()[20:60, 30:90], pixels)


def test_wrapped_lines_fit_and_lose_no_word():
    sheet = Sheet((1000, 1080))
    words = "Block model with flat roofs and upright walls, computed for one stated moment"
    lines = sheet.wrap(words, width=180, height=15)
    assert " ".join(lines) == words
    assert all(sheet.measure(line, height=15) <= 180 for line in lines)


def test_labels_do_not_cover_each_other_and_main_ones_are_kept():
    labels = [
        Label("one", (200.0, 200.0), is_main=True),
        Label("two", (205.0, 204.0), is_main=True),
        Label("three", (203.0, 198.0), is_main=False),
        Label("outside", (5000.0, 10.0), is_main=True),
    ]
    offsets = ((1.2, 0.0), (-1.2, 0.0), (0.0, -1.3))
    placed = place_labels(
        labels, [80.0, 80.0, 80.0, 80.0], (0, 0, 400, 400), offsets=offsets, height=24
    )
    assert [label.name for label, _ in placed] == ["one", "two"]
    (_, one), (_, two) = placed
    assert one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]


def test_labels_move_off_what_is_dear():
    label = Label("one", (200.0, 200.0), is_main=True)
    offsets = ((1.2, 0.0), (-1.2, 0.0))

    def is_east(box):
        return float(box[0] > 200)

    ((_, box),) = place_labels(
        [label], [80.0], (0, 0, 400, 400), offsets=offsets, height=24, cost=is_east
    )
    assert box[2] < 200


def test_sky_map_has_the_zenith_in_the_middle_and_east_to_the_right():
    places = dome_place(
        np.array([0.0, 90.0, 180.0, 33.0]), np.array([0.0, 0.0, 45.0, 90.0])
    )
    np.testing.assert_allclose(places, [(0, -1), (1, 0), (0, 0.5), (0, 0)], atol=1e-12)
