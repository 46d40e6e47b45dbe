"""Outlines have the areas of their closed forms and lie where compass bearings say."""

import math

import numpy as np
import pytest
import shapely

from gis.errors import GeometryError
from gis.outlines import SIDES, arc, bay, block, corner, court, disc, place

ROUNDING = 1e-9  # relative, a few dozen float operations


@pytest.mark.parametrize(
    ("outline", "area"),
    [
        pytest.param(block(61, 30), 61 * 30, id="block: length times width"),
        pytest.param(court(55, 46, wing=11), 55 * 46 - 33 * 24, id="court: box less yard"),
        pytest.param(bay(48, 22, wing=11), 48 * 22 - 26 * 11, id="bay: box less open yard"),
        pytest.param(corner(38, 40, wing=12), 38 * 12 + 28 * 12, id="corner: two wings"),
        pytest.param(
            disc(17), SIDES / 2 * 8.5**2 * math.sin(2 * math.pi / SIDES), id="disc: n-gon"
        ),
        pytest.param(
            arc(80, wing=14, span=90),
            (SIDES // 4) / 2 * (40**2 - 26**2) * math.sin(2 * math.pi / SIDES),
            id="arc: a quarter of an n-gon ring",
        ),
    ],
)
def test_area_is_the_closed_form(outline, area):
    assert outline.is_valid
    assert outline.area == pytest.approx(area, rel=ROUNDING)


def test_disc_is_as_round_as_its_sides_allow():
    outline = disc(17)
    roundness = 4 * math.pi * outline.area / outline.length**2
    assert roundness == pytest.approx((math.pi / SIDES) / math.tan(math.pi / SIDES))


@pytest.mark.parametrize(
    ("azimuth", "ahead", "right"),
    [
        pytest.param(0, (0, 1), (1, 0), id="north: right is east"),
        pytest.param(90, (1, 0), (0, -1), id="east: right is south"),
        pytest.param(180, (0, -1), (-1, 0), id="south: right is west"),
        pytest.param(30, (0.5, 3**0.5 / 2), (3**0.5 / 2, -0.5), id="30 degrees: clockwise"),
    ],
)
def test_place_follows_the_compass(azimuth, ahead, right):
    placed = place(
        block(8, 2), easting=500, northing=900, azimuth=azimuth, along=10, across=3
    )
    expected = np.array([500, 900]) + 10 * np.array(ahead) + 3 * np.array(right)
    centre = placed.centroid
    assert (centre.x, centre.y) == pytest.approx(tuple(expected), abs=1e-9)
    # The length of 8 m, not the width of 2 m, lies along the azimuth.
    reach = (shapely.get_coordinates(placed) - expected) @ np.array(ahead)
    assert reach.max() == pytest.approx(4)


def test_place_keeps_area_and_turns_rings_the_agreed_way():
    placed = place(court(55, 46, wing=11), easting=99668, northing=6213474, azimuth=144)
    assert placed.area == pytest.approx(55 * 46 - 33 * 24, rel=1e-7)
    assert placed.exterior.is_ccw
    assert not placed.interiors[0].is_ccw


def test_parts_of_one_frame_share_corners_to_the_bit():
    frame = {"easting": 99588.0, "northing": 6213574.0, "azimuth": 160.0}
    tower = place(block(33.5, 30), along=-13.75, **frame)
    podium = place(block(27.5, 30), along=16.75, **frame)
    shared = set(tower.exterior.coords) & set(podium.exterior.coords)
    assert len(shared) == 2
    assert tower.intersection(podium).area == 0.0


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda: block(0, 5), id="no length"),
        pytest.param(lambda: block(5, float("nan")), id="width unknown"),
        pytest.param(lambda: court(20, 10, wing=5), id="wings fill the court"),
        pytest.param(lambda: bay(20, 10, wing=10), id="wings fill the bay"),
        pytest.param(lambda: corner(20, 10, wing=0), id="no wing"),
        pytest.param(lambda: arc(80, wing=14, span=360), id="arc meets itself"),
    ],
)
def test_measures_without_a_shape_are_refused(draw):
    with pytest.raises(GeometryError, match="must"):
        draw()
