"""Prove tables of trees as people write them."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.crs import PLAN, to_wgs84
from gis.district import TREE_COLUMNS
from gis.errors import CrsError, HeidiError, SourceError, TableError
from gis.trees import (
    ASSUMED_HEIGHT,
    CROWN_BY_HEIGHT,
    merge_trees,
    read_trees,
    trees_from_table,
)

PLACES = np.array(
    [[99_600.0, 6_213_500.0], [99_612.5, 6_213_480.0], [99_655.0, 6_213_530.0]]
)
LON_LAT = to_wgs84(PLACES)


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def check(trees):
    xy = shapely.get_coordinates(trees.geometry.to_numpy())
    assert xy[np.lexsort(xy.T[::-1])] == pytest.approx(PLACES, abs=0.01)
    assert trees.crs == PLAN
    assert trees.index.name == "tree"
    assert trees.index.is_unique
    assert set(TREE_COLUMNS) <= set(trees.columns)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_csv_of_degrees_in_any_dress(tmp_path, delimiter, encoding):
    decimal = "." if delimiter == "," else ","
    rows = [["Lon", "Lat", "Höjd", "Krondiameter"]] + [
        [f"{x:.8f}".replace(".", decimal), f"{y:.8f}".replace(".", decimal), h, d]
        for (x, y), h, d in zip(LON_LAT, ("12", "8", ""), ("6", "", "4"), strict=True)
    ]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    trees, notes = read_trees(write(tmp_path / "trees.csv", text, encoding))
    check(trees)
    by_name = trees.sort_index()
    assert by_name["height"].tolist() == [12.0, 8.0, ASSUMED_HEIGHT]
    assert by_name["crown_radius"].tolist() == [3.0, round(CROWN_BY_HEIGHT * 8.0, 2), 2.0]
    assert by_name["source"].tolist() == [
        "trees.csv", "trees.csv, crown assumed", "trees.csv, height assumed",
    ]  # fmt: skip
    assert any("read as Latin-1" in note for note in notes) == (encoding == "latin-1")


def test_csv_of_metres_needs_a_reference_system(tmp_path):
    text = "x,y,height\n" + "\n".join(f"{x},{y},9" for x, y in PLACES)
    path = write(tmp_path / "trees.csv", text)
    with pytest.raises(CrsError, match="name it, for example EPSG:3008"):
        read_trees(path)
    check(read_trees(path, system="EPSG:3008")[0])


def test_geojson_keeps_natural_tree_and_leaves_the_rest(tmp_path):
    frame = gpd.GeoDataFrame(
        {"natural": ["tree", "tree", "tree", "shrub"], "height": ["10 m", "7,5", None, "2"],
         "diameter_crown": ["5", None, None, None]},
        geometry=[*shapely.points(LON_LAT), shapely.Point(12.69, 56.04)], crs="EPSG:4326",
    )  # fmt: skip
    path = tmp_path / "trees.geojson"
    frame.to_file(path)
    trees, notes = read_trees(path)
    check(trees)
    assert trees.sort_index()["height"].tolist() == [10.0, 7.5, ASSUMED_HEIGHT]
    assert notes[-1] == "3 trees from trees.geojson"


def test_openstreetmap_xml(tmp_path):
    nodes = "".join(
        f'<node id="{i}" lat="{y:.8f}" lon="{x:.8f}" version="1">'
        f'<tag k="natural" v="tree"/><tag k="height" v="{6 + i}"/></node>'
        for i, (x, y) in enumerate(LON_LAT, 1)
    )
    bench = '<node id="9" lat="56.04" lon="12.69"><tag k="amenity" v="bench"/></node>'
    text = f'<?xml version="1.0"?><osm version="0.6">{nodes}{bench}</osm>'
    trees, _ = read_trees(write(tmp_path / "trees.osm", text))
    check(trees)
    assert trees.sort_index()["height"].tolist() == [7.0, 8.0, 9.0]


def test_absurd_values_are_missing_and_named():
    frame = gpd.GeoDataFrame(
        {"id": list("abc"), "height": [900.0, 0.1, 9.0], "crown_radius": [3.0, 400.0, 2.0]},
        geometry=shapely.points(PLACES), crs=PLAN,
    )  # fmt: skip
    trees, notes = trees_from_table(frame, source="table")
    assert trees["height"].max() <= 60
    assert (
        "2 values of height outside 0.5..60 m, taken as missing (a: 900 m, b: 0.1 m)"
        in notes
    )
    assert any("crown radius outside" in note for note in notes)


def test_the_median_serves_where_enough_is_known():
    places = shapely.points(PLACES[0] + 9.0 * np.arange(12).reshape(6, 2))
    frame = gpd.GeoDataFrame(
        {"height": [4.0, 5.0, 6.0, 7.0, 20.0, np.nan]}, geometry=places, crs=PLAN
    )
    trees, _ = trees_from_table(frame, source="table")
    assert trees.sort_index()["height"].tolist() == [4, 5, 6, 7, 20, 6]


def test_names_last_however_the_rows_are_ordered():
    frame = gpd.GeoDataFrame({"height": [4.0, 5.0, 6.0]}, geometry=shapely.points(PLACES),
                             crs=PLAN)  # fmt: skip
    one, _ = trees_from_table(frame, source="table")
    other, _ = trees_from_table(frame.iloc[[2, 0, 1]], source="table")
    assert one.equals(other)


def test_doubles_and_broken_places_are_left_out_and_counted():
    shapes = [*shapely.points(PLACES), shapely.Point(PLACES[0]), shapely.Point(), None,
              shapely.Point(np.nan, 3.0), shapely.Point(1e9, 1e9)]  # fmt: skip
    frame = gpd.GeoDataFrame({"height": [5.0] * 8}, geometry=shapes, crs=PLAN)
    trees, notes = trees_from_table(frame, source="table")
    check(trees)
    assert "3 trees without a usable place left out" in notes
    assert "1 tree far off the plan left out" in notes
    assert "1 tree in the place of another left out" in notes


def test_trees_known_twice_count_once():
    first = gpd.GeoDataFrame(
        {"height": [5.0, 6.0]}, geometry=shapely.points(PLACES[:2]), crs=PLAN
    )
    near = shapely.points([PLACES[1] + 1.0, PLACES[2]])
    second = gpd.GeoDataFrame({"height": [9.0, 8.0]}, geometry=near, crs=PLAN)
    one, two = (trees_from_table(f, source="t")[0] for f in (first, second))
    merged, notes = merge_trees(one, two)
    check(merged)
    assert merged.sort_index()["height"].tolist() == [5.0, 6.0, 8.0]
    assert notes == ("1 tree known from two sources, counted once",)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("gone.csv", None, SourceError),
        ("empty.csv", b"", TableError),
        ("head.csv", b"lon,lat\n", TableError),
        ("other.csv", b"a,b\n1,2\n", TableError),
        ("binary.csv", bytes(range(256)) * 20, SourceError),
        ("text.csv", b"lon,lat\nfar,away\n", TableError),
        ("cut.geojson", b'{"type": "FeatureCollection", "features": [{"ty', SourceError),
        ("none.geojson", b'{"type": "FeatureCollection", "features": []}', HeidiError),
        ("bomb.osm", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">'
         b'<!ENTITY c "&b;&b;&b;&b;">]><osm version="0.6"><node id="1">&c;', HeidiError),
    ],
)  # fmt: skip
def test_bad_files_are_refused_in_one_line(tmp_path, name, content, kind):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind) as caught:
        read_trees(path)
    assert "\n" not in str(caught.value)
