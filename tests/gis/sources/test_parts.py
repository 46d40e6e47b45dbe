"""Prove that parts take the place of outlines without loss of ground or identity."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.sources.parts import find_outlines, give_way, stand_parts


def boxes(*corners):
    return np.array([shapely.box(*c) for c in corners], dtype=object)


def table(shapes, ids, **columns):
    count = len(shapes)
    filled = {
        "part": ids, "building": ids, "name": [""] * count, "use": [""] * count,
        "address": [""] * count, "year": np.full(count, np.nan),
        "height": np.full(count, np.nan), "building:levels": np.full(count, np.nan),
    }  # fmt: skip
    return gpd.GeoDataFrame({**filled, **columns}, geometry=list(shapes), crs=3008)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 6),
                          st.integers(1, 6)), min_size=1, max_size=6))  # fmt: skip
def test_rest_and_parts_cover_the_ground_of_the_outline(places):
    outline = boxes((0, 0, 10, 10))
    parts = boxes(*((10 * x, 10 * y, 10 * (x + w), 10 * (y + h)) for x, y, w, h in places))
    outline = shapely.transform(outline, lambda xy: xy * 10)
    owner = find_outlines(parts, outline)
    rest = give_way(outline, parts, owner, is_degrees=False)
    mine = shapely.union_all(parts[owner == 0])
    left = rest.polygons[0]
    left = shapely.Polygon() if left is None else left
    assert shapely.area(shapely.intersection(left, mine)) == pytest.approx(0.0, abs=1e-6)
    whole = shapely.union(left, mine)
    assert shapely.area(shapely.difference(outline[0], whole)) == pytest.approx(
        0.0, abs=1e-6
    )
    assert rest.cut[0] == (owner == 0).any()


def test_a_part_belongs_to_the_smallest_outline_that_holds_it():
    outlines = boxes((0, 0, 100, 100), (10, 10, 30, 30), (200, 0, 210, 10))
    parts = boxes(
        (12, 12, 20, 20), (50, 50, 60, 60), (96, 0, 104, 9), (97, 0, 113, 9), (300, 0, 9, 9)
    )
    assert find_outlines(parts, outlines).tolist() == [1, 0, 0, -1, -1]


@pytest.mark.parametrize("scale", [1.0, 1.0 / 111_195.0], ids=["metres", "degrees"])
def test_inexact_drawing_leaves_no_slivers(scale):
    outline = shapely.transform(boxes((0, 0, 50, 30)), lambda xy: xy * scale)
    parts = shapely.transform(
        boxes((0.1, 0, 25, 30), (25, 0, 50, 29.8)), lambda xy: xy * scale
    )
    rest = give_way(outline, parts, np.array([0, 0]), is_degrees=scale != 1.0)
    assert rest.polygons[0] is None


def test_parts_keep_their_heights_and_take_the_building():
    shapes = boxes((0, 0, 20, 10), (0, 0, 10, 10), (10, 0, 20, 10))
    notes = []
    frame = table(
        shapes,
        ["w1", "w2", "w3"],
        name=["Källan", "", "Tornet"],
        use=["office", "", ""],
        height=[40.0, 40.0, np.nan],
        **{"building:levels": [9, np.nan, np.nan]},
    )
    stood = stand_parts(frame, np.array([False, True, True]), {}, notes)
    assert stood["part"].tolist() == ["w2", "w3"]
    assert stood["building"].tolist() == ["w1", "w1"]
    assert stood["name"].tolist() == ["Källan", "Tornet"]
    assert stood["use"].tolist() == ["office", "office"]
    assert stood["height"].tolist() == [40.0, 40.0]
    assert stood["building:levels"].tolist() == pytest.approx([np.nan, 9], nan_ok=True)
    assert notes == [
        "1 part without height or storeys, those of the outline taken",
        "2 parts of 1 building take the place of the outline; 1 outline wholly replaced, "
        "of the others the rest is kept",
    ]


def test_the_rest_of_an_outline_does_not_take_the_height_of_the_tower():
    shapes = boxes((0, 0, 20, 10), (0, 0, 5, 10))
    for tower, expected in ((40.0, np.nan), (30.0, 40.0)):
        stood = stand_parts(
            table(shapes, ["w1", "w2"], height=[40.0, tower]),
            np.array([False, True]),
            {},
            [],
        )
        assert stood["part"].tolist() == ["w1", "w2"]
        assert stood.area.tolist() == [150.0, 50.0]
        assert stood["height"].tolist() == pytest.approx([expected, tower], nan_ok=True)


def test_a_stated_building_counts_before_the_place():
    shapes = boxes((0, 0, 10, 10), (50, 0, 60, 10), (2, 2, 4, 4), (80, 0, 90, 9))
    is_part = np.array([False, False, True, True])
    notes = []
    stood = stand_parts(
        table(shapes, ["a", "b", "p", "q"]), is_part, {"p": "b", "q": "z"}, notes
    )
    assert dict(zip(stood["part"], stood["building"], strict=True)) == {
        "a": "a", "b": "b", "p": "b", "q": "z"
    }  # fmt: skip
    assert notes[0].startswith("1 part of a building without an outline around")
