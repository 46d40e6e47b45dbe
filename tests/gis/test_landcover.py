"""Argue that ground is divided without overlap, gap or loss."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.crs import to_wgs84
from gis.errors import CrsError, GeometryError, SourceError, TableError
from gis.landcover import (
    CLASSES,
    COVER_COLUMNS,
    classify_ground,
    divide_ground,
    mean_albedo,
    read_landcover,
)
from gis.landcover_tags import LANTMATERIET, OSM_RULES, WORDS, class_of_osm

WEST, SOUTH = 99_700.0, 6_213_600.0
WINDOW = shapely.box(WEST, SOUTH, WEST + 100, SOUTH + 70)

RELATIVE = 1e-9
"""Of areas of overlays at national coordinates."""


def box(west, south, east, north):
    """Box in metres from the corner of the window."""
    return shapely.box(WEST + west, SOUTH + south, WEST + east, SOUTH + north)


def cover_of(*rows, source="made"):
    """Classified ground from pairs of class and shape."""
    frame = gpd.GeoDataFrame(
        {"class": [name for name, _ in rows]}, geometry=[s for _, s in rows], crs=3008
    )
    return classify_ground(frame, source=source)[0]


def areas(ground):
    return ground.area.groupby(ground["class"]).sum().to_dict()


def test_every_class_of_every_table_is_known():
    assert set(WORDS) <= set(CLASSES)
    assert set(LANTMATERIET) <= set(CLASSES)
    assert {name for _, _, name in OSM_RULES} <= set(CLASSES)
    assert all(0.0 < ground.albedo < 1.0 for ground in CLASSES.values())
    assert all(ground.source for ground in CLASSES.values())


def test_what_lies_on_top_is_what_counts():
    ground, notes = divide_ground(
        cover_of(
            ("grass", box(0, 0, 50, 70)),
            ("paved", box(40, 0, 60, 70)),
            ("building", box(10, 10, 30, 40)),
            ("water", box(50, 0, 100, 20)),
        ),
        WINDOW,
    )
    assert areas(ground) == pytest.approx(
        {
            "building": 600.0,
            "water": 1000.0,
            "paved": 20 * 70 - 10 * 20,
            "grass": 40 * 70 - 600,
            "unknown": 40 * 50,
        }
    )
    assert tuple(ground.columns) == (*COVER_COLUMNS, "geometry")
    assert any("covered more than once" in note for note in notes)
    assert any("2,000 m2 (28.6%) of the window are unknown" in note for note in notes)


def test_of_equal_classes_the_first_source_counts():
    city = cover_of(("grass", box(0, 0, 60, 70)), source="city")
    osm = cover_of(("grass", box(40, 0, 100, 70)), source="osm")
    both = pd.concat([city, osm], ignore_index=True)
    ground, _ = divide_ground(both, WINDOW)
    assert ground.area.groupby(ground["source"]).sum().to_dict() == pytest.approx(
        {"city": 4200.0, "osm": 2800.0}
    )


boxes = st.tuples(
    st.sampled_from(list(CLASSES)),
    st.tuples(
        st.floats(-20, 120, width=32),
        st.floats(-20, 90, width=32),
        st.floats(1, 80, width=32),
        st.floats(1, 80, width=32),
        st.floats(-3, 3, width=32),
    ),
)


def turned(west, south, width, height, angle):
    """Box turned about its middle [radians]."""
    shape = box(west, south, west + width, south + height)
    middle = np.array([shape.centroid.x, shape.centroid.y])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return shapely.transform(shape, lambda xy: (xy - middle) @ turn + middle)


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(boxes, min_size=1, max_size=12))
def test_nothing_is_lost_and_nothing_doubled(rows):
    covers = cover_of(*((name, turned(*numbers)) for name, numbers in rows))
    ground, _ = divide_ground(covers, WINDOW)
    assert ground.area.sum() == pytest.approx(WINDOW.area, rel=RELATIVE)
    assert shapely.union_all(ground.geometry).area == pytest.approx(WINDOW.area, rel=1e-7)
    assert ground.is_valid.all()
    order = list(CLASSES)
    # Brute force: at any place the first class of those that cover it.
    x, y = (
        np.random.default_rng(1).uniform((WEST, SOUTH), (WEST + 100, SOUTH + 70), (40, 2)).T
    )
    for place in shapely.points(x, y):
        over = covers["class"][covers.contains(place)]
        wanted = min(over, key=order.index) if len(over) else "unknown"
        hit = ground["class"][ground.contains(place)].to_list()
        assert hit in ([wanted], [])
    again, _ = divide_ground(ground, WINDOW)
    for name, area in areas(ground).items():
        assert areas(again)[name] == pytest.approx(area, rel=1e-7, abs=1e-5)


@settings(deadline=None, max_examples=20)
@given(rows=st.lists(boxes, min_size=2, max_size=8), seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(rows, seed):
    covers = cover_of(*((name, turned(*numbers)) for name, numbers in rows))
    mixed = covers.sample(frac=1.0, random_state=seed)
    one, other = (areas(divide_ground(c, WINDOW)[0]) for c in (covers, mixed))
    for name in one.keys() | other.keys():
        assert one.get(name, 0.0) == pytest.approx(other.get(name, 0.0), abs=1e-5)


@pytest.mark.parametrize(
    ("tags", "is_area", "wanted"),
    [
        ({"natural": "water"}, True, "water"),
        ({"leisure": "park"}, True, "grass"),
        ({"leisure": "pitch", "surface": "asphalt"}, True, "paved"),
        ({"landuse": "residential", "building": "yes"}, True, "building"),
        ({"landuse": "residential"}, True, "built"),
        ({"building": "no", "landuse": "forest"}, True, "trees"),
        ({"highway": "residential"}, False, "paved"),
        ({"highway": "residential", "tunnel": "yes"}, False, ""),
        ({"highway": "footway", "bridge": "yes"}, False, ""),
        ({"highway": "proposed"}, False, ""),
        ({"railway": "rail"}, False, "rail"),
        ({"railway": "subway"}, False, ""),
        ({"railway": "abandoned"}, False, ""),
        ({"waterway": "stream"}, False, ""),
        ({"boundary": "administrative"}, True, ""),
        ({"place": "suburb"}, True, ""),
    ],
)
def test_tags_of_openstreetmap(tags, is_area, wanted):
    assert class_of_osm(tags, is_area=is_area) == wanted


def test_a_geojson_of_tags_is_read_with_its_lines(tmp_path):
    def degrees(shape):
        return shapely.transform(shape, to_wgs84)

    shapes = [
        ({"leisure": "park"}, box(0, 0, 50, 70)),
        (
            {"highway": "residential", "width": "8"},
            shapely.LineString([(WEST + 60, SOUTH), (WEST + 60, SOUTH + 70)]),
        ),
        (
            {"railway": "rail"},
            shapely.LineString([(WEST + 80, SOUTH), (WEST + 80, SOUTH + 70)]),
        ),
        ({"amenity": "bench"}, shapely.Point(WEST + 5, SOUTH + 5)),
        ({"boundary": "administrative", "natural": ""}, box(0, 0, 100, 70)),
    ]
    features = [
        {
            "type": "Feature",
            "properties": tags,
            "geometry": json.loads(shapely.to_geojson(degrees(s))),
        }
        for tags, s in shapes
    ]
    path = tmp_path / "extract.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    cover, notes = read_landcover(path)
    assert cover["class"].to_list() == ["grass", "paved", "rail"]
    assert cover.area.to_list() == pytest.approx([3500, 8 * 70, 4 * 70], rel=1e-4)
    assert (cover["source"] == "extract.geojson").all()
    assert any("2 lines of roads and tracks" in note for note in notes)
    assert any("of no class of ground" in note for note in notes)


def test_names_of_land_cover_are_understood(tmp_path):
    frame = gpd.GeoDataFrame(
        {
            "objekttyp": ["Lövskog", "Hög bebyggelse", "Sjö", "Åker", "Torg", "Okarterat"],
            "objekttypnr": [2645, 2636, 2631, 2642, 2634, 0],
        },
        geometry=[box(10 * i, 0, 10 * i + 10, 70) for i in range(6)],
        crs=3008,
    ).to_crs(3006)
    frame.to_file(tmp_path / "mark.gpkg", layer="mark")
    cover, notes = read_landcover(tmp_path / "mark.gpkg")
    assert cover["class"].to_list() == ["trees", "built", "water", "crops", "paved"]
    assert cover.area.to_list() == pytest.approx([700.0] * 5, rel=1e-3)
    assert any("1 feature of no class of ground, left out (Okarterat)" in n for n in notes)


def test_a_named_column_is_taken():
    frame = gpd.GeoDataFrame(
        {"typ": ["hårdgjord yta", "Gräs", "?"], "class": ["water"] * 3},
        geometry=[box(0, 0, 9, 9)] * 3,
        crs=3008,
    )
    cover, _ = classify_ground(frame, source="city", column="typ")
    assert cover["class"].to_list() == ["paved", "grass"]
    with pytest.raises(TableError, match="must have the column nope"):
        classify_ground(frame, source="city", column="nope")


def test_the_mean_albedo_leaves_out_the_roofs():
    covers = cover_of(("building", box(0, 0, 50, 70)), ("water", box(50, 0, 75, 70)))
    ground, _ = divide_ground(covers, WINDOW)
    wanted = (CLASSES["water"].albedo + CLASSES["unknown"].albedo) / 2
    assert mean_albedo(ground) == pytest.approx(wanted)
    roofs, _ = divide_ground(cover_of(("building", WINDOW)), WINDOW)
    assert np.isnan(mean_albedo(roofs))


def test_a_crossed_outline_is_mended():
    bow = shapely.Polygon(
        [(WEST, SOUTH), (WEST + 10, SOUTH + 10), (WEST + 10, SOUTH), (WEST, SOUTH + 10)]
    )
    cover = cover_of(("grass", bow), ("water", None), ("water", box(20, 0, 30, 10)))
    assert cover.is_valid.all()
    assert cover.area.to_list() == pytest.approx([50.0, 100.0])


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (
            gpd.GeoDataFrame({"a": [1]}, geometry=[WINDOW], crs=3008),
            TableError,
            "tell its classes",
        ),
        (
            gpd.GeoDataFrame({"class": ["blue"]}, geometry=[WINDOW], crs=3008),
            TableError,
            "tell its classes",
        ),
        (
            gpd.GeoDataFrame(
                {"natural": ["water"]}, geometry=[shapely.Point(WEST, SOUTH)], crs=3008
            ),
            GeometryError,
            "areas with a known class",
        ),
        (
            gpd.GeoDataFrame({"class": ["grass"]}, geometry=[WINDOW]),
            CrsError,
            "reference system",
        ),
    ],
    ids=["no class", "unknown words", "points", "nowhere"],
)
def test_what_is_no_ground_is_refused(frame, error, words):
    with pytest.raises(error, match=words):
        classify_ground(frame, source="made")


def test_a_window_and_a_file_must_exist(tmp_path):
    with pytest.raises(GeometryError, match="must have an area"):
        divide_ground(cover_of(("grass", WINDOW)), shapely.Point(0, 0))
    with pytest.raises(SourceError, match="must exist"):
        read_landcover(tmp_path / "absent.gpkg")


@pytest.mark.real
def test_a_swedish_land_cover_sample(shared_data):
    """Codes of the Fastighetskarta, in Web Mercator."""
    cover, notes = read_landcover(shared_data / "vector" / "landuse_testdata.shp")
    assert cover["class"].value_counts().to_dict() == {
        "built": 26,
        "open": 20,
        "trees": 17,
        "water": 3,
        "paved": 1,
    }
    assert notes == ()
    window = shapely.box(*cover.total_bounds)
    ground, _ = divide_ground(cover, window)
    assert ground.area.sum() == pytest.approx(window.area, rel=RELATIVE)


@pytest.mark.real
def test_an_openstreetmap_extract(shared_data):
    path = shared_data / "helsingborg" / "residential_osm_dirty.geojson"
    cover, notes = read_landcover(path)
    assert (cover["class"] == "building").sum() > 500
    assert (cover["class"] == "paved").sum() > 100
    window = shapely.box(*cover.total_bounds).buffer(-50)
    ground, _ = divide_ground(cover, window)
    assert ground.area.sum() == pytest.approx(window.area, rel=RELATIVE)
    assert 0.1 < mean_albedo(ground) < 0.25
    assert any("rings not closed" in note for note in notes)
