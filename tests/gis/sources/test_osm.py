"""Prove that buildings of OpenStreetMap mean the same however they were packed."""

import json
import math

import numpy as np
import pytest
import shapely

from gis.errors import SourceError, TableError
from gis.sources.osm import read_osm
from gis.sources.osm_tags import read_metres

LON, LAT = 12.69, 56.04
HEAD = {"version": 0.6, "osm3s": {"timestamp_osm_base": "2024-05-01T00:00:00Z"}}


def ring(west, south, width, height):
    """Draw a box, in ten-thousandths of a degree from a place in Helsingborg."""
    corners = [(west, south), (west + width, south), (west + width, south + height),
               (west, south + height)]  # fmt: skip
    return [(round(LON + x * 1e-4, 7), round(LAT + y * 1e-4, 7)) for x, y in corners]


BLOCKS = {
    1: (ring(0, 0, 4, 4), {"building": "apartments", "name": "Källan", "height": "21.5 m",
                           "addr:street": "Redaregatan", "addr:housenumber": "48"}),
    2: (ring(6, 0, 4, 4), {"building": "yes", "building:levels": "3", "start_date": "1890s",
                           "roof:shape": "Gabled", "roof:height": "2,5",
                           "amenity": "school"}),
    3: (ring(12, 0, 4, 4), {"building": "no"}),
    4: (ring(18, 0, 8, 4), {"building": "office", "height": "40"}),
    5: (ring(18, 0, 4, 4), {"building:part": "yes", "height": "40", "min_height": "4"}),
    6: (ring(22, 0, 4, 4), {"building:part": "yes", "building:levels": "5"}),
    7: (ring(30, 0, 4, 4), {"building": "garage", "location": "underground"}),
    8: (ring(36, 0, 4, 4), {"highway": "service", "area": "yes"}),
}  # fmt: skip
"""Number, corners and tags of ways."""


def geometry(points):
    return [{"lat": y, "lon": x} for x, y in [*points, points[0]]]


def overpass_geom():
    ways = [
        {"type": "way", "id": n, "bounds": {}, "geometry": geometry(p), "tags": tags}
        for n, (p, tags) in BLOCKS.items()
    ]
    return json.dumps({**HEAD, "elements": ways})


def overpass_skeleton():
    elements = []
    for n, (points, tags) in BLOCKS.items():
        nodes = [10 * n + k for k in range(len(points))]
        elements.append({"type": "way", "id": n, "nodes": [*nodes, nodes[0]], "tags": tags})
        elements += [{"type": "node", "id": k, "lat": y, "lon": x}
                     for k, (x, y) in zip(nodes, points, strict=True)]  # fmt: skip
    return json.dumps({**HEAD, "elements": elements})


def xml():
    lines = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6">',
             '<meta osm_base="2024-05-01T00:00:00Z"/>']  # fmt: skip
    for n, (points, _) in BLOCKS.items():
        lines += [f'<node id="{10 * n + k}" lat="{y}" lon="{x}"/>'
                  for k, (x, y) in enumerate(points)]  # fmt: skip
    for n, (points, tags) in BLOCKS.items():
        lines += [f'<way id="{n}">']
        lines += [f'<nd ref="{10 * n + k % len(points)}"/>' for k in range(len(points) + 1)]
        lines += [f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()]
        lines += ["</way>"]
    return "\n".join([*lines, "</osm>"])


def xml_geom():
    lines = ['<osm version="0.6"><meta osm_base="2024-05-01T00:00:00Z"/>']
    for n, (points, tags) in BLOCKS.items():
        lines += [f'<way id="{n}">']
        lines += [f'<nd ref="{k}" lat="{y}" lon="{x}"/>'
                  for k, (x, y) in enumerate([*points, points[0]], 1)]  # fmt: skip
        lines += [f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()]
        lines += ["</way>"]
    return "\n".join([*lines, "</osm>"])


def geojson(pack):
    features = []
    for n, (points, tags) in BLOCKS.items():
        own, identity = pack(n, tags)
        shape = {"type": "Polygon", "coordinates": [[*points, points[0]]]}
        feature = {"type": "Feature", "properties": own, "geometry": shape}
        features.append(feature | ({"id": identity} if identity else {}))
    return json.dumps({"type": "FeatureCollection", "timestamp": "2024-05-01T00:00:00Z",
                       "features": features}, ensure_ascii=False)  # fmt: skip


def hstore(tags):
    return ",".join(f'"{k}"=>"{v}"' for k, v in tags.items())


PACKED = {
    "Overpass out geom": overpass_geom(),
    "Overpass out body; >;": overpass_skeleton(),
    "XML": xml(),
    "XML out geom": xml_geom(),
    "osmtogeojson": geojson(lambda n, tags: ({**tags, "@id": f"way/{n}"}, f"way/{n}")),
    "tags flat": geojson(lambda n, tags: ({**tags, "id": f"way/{n}"}, None)),
    "tags nested": geojson(lambda n, tags: ({"type": "way", "id": n, "tags": tags}, None)),
    "tags as text": geojson(
        lambda n, tags: ({"@id": f"way/{n}", "tags": json.dumps(tags)}, None)),
    "other_tags": geojson(lambda n, tags: (
        {"osm_id": None, "osm_way_id": str(n), "building": tags.get("building"),
         "name": tags.get("name"), "other_tags": hstore(tags)}, None)),
}  # fmt: skip


def read(folder, content, name="osm"):
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return read_osm(path)


@pytest.mark.parametrize("packed", PACKED)
def test_however_packed_the_buildings_are_the_same(tmp_path, packed):
    table = read(tmp_path, PACKED[packed])
    frame = table.frame.set_index("part")
    assert frame.index.tolist() == ["way/1", "way/2", "way/5", "way/6"]
    assert frame["building"].tolist() == ["way/1", "way/2", "way/4", "way/4"]
    assert frame["name"].tolist() == ["Källan", "", "", ""]
    assert frame["address"].tolist() == ["Redaregatan 48", "", "", ""]
    assert frame["use"].tolist() == ["residential", "education", "office", "office"]
    nan = np.nan
    columns = {
        "year": [nan, 1890, nan, nan],
        "height": [21.5, nan, 40, nan],
        "min_height": [nan, nan, 4, nan],
        "building:levels": [nan, 3, nan, 5],
        "roof:height": [nan, 2.5, nan, nan],
    }
    for column, values in columns.items():
        assert frame[column].tolist() == pytest.approx(values, nan_ok=True), column
    assert frame["roof:shape"].tolist() == ["", "gabled", "", ""]
    assert frame.crs.to_epsg() == 4326
    assert shapely.area(frame.geometry.array) == pytest.approx(16e-8, rel=1e-5)
    assert "1 element not a building by the key building, left out" in table.notes
    assert "1 element below the ground, left out" in table.notes
    assert table.origin.provider == "OpenStreetMap"
    assert table.origin.licence == "ODbL 1.0"
    assert table.origin.credit == "© OpenStreetMap contributors"
    assert table.origin.year == 2024


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("12", 12.0), ("12.5m", 12.5), ("12,5 m", 12.5), ("~8", 8.0), ("30 ft", 9.144),
        ("30'", 9.144), ("5'11\"", 1.8034), ("1 ft 6 in", 0.4572), ("", np.nan),
        ("3-4", np.nan), ("2;3", np.nan), ("high", np.nan), ("1e400", np.inf),
        ("9" * 5000, np.nan),
    ],
)  # fmt: skip
def test_heights_are_read_with_their_units(text, metres):
    assert read_metres(text) == pytest.approx(metres, nan_ok=True)


def test_numbers_that_cannot_be_read_are_listed(tmp_path):
    ways = [{"type": "way", "id": n, "geometry": geometry(ring(6 * n, 0, 4, 4)),
             "tags": {"building": "yes", "height": height}}
            for n, height in enumerate(["12", "tall", "8..9"], 1)]  # fmt: skip
    table = read(tmp_path, json.dumps({"elements": ways}))
    assert table.frame["height"].tolist() == pytest.approx(
        [12, np.nan, np.nan], nan_ok=True
    )
    assert table.notes == (
        "2 values of height not readable as numbers, taken as missing "
        "(way/2: 'tall', way/3: '8..9')",
    )


def by_part(frame):
    return dict(zip(frame["part"], frame.geometry.to_wkt(), strict=True))


def test_repeated_features_count_once_and_pieces_are_numbered(tmp_path):
    shapes = [ring(0, 0, 4, 4), ring(0, 0, 4, 4), ring(9, 0, 2, 2)]
    features = [
        {"type": "Feature", "id": "way/1", "properties": {"building": "yes"},
         "geometry": {"type": "Polygon", "coordinates": [[*points, points[0]]]}}
        for points in shapes
    ]  # fmt: skip
    content = json.dumps({"type": "FeatureCollection", "features": features})
    table = read(tmp_path, content)
    assert table.frame["part"].tolist() == ["way/1-1", "way/1-2"]
    assert table.frame["building"].tolist() == ["way/1", "way/1"]
    assert "1 repeated outline counted once" in table.notes
    reverse = json.dumps({"type": "FeatureCollection", "features": features[::-1]})
    again = read(tmp_path, reverse).frame
    assert by_part(again) == by_part(table.frame)


def test_a_line_that_should_be_an_outline_is_closed_and_named(tmp_path):
    features = [{"type": "Feature", "id": "way/1", "properties": {"building": "yes"},
                 "geometry": {"type": "LineString", "coordinates": ring(0, 0, 4, 4)}},
                {"type": "Feature", "id": "node/2", "properties": {"building": "yes"},
                 "geometry": {"type": "Point", "coordinates": [LON, LAT]}}]  # fmt: skip
    table = read(tmp_path, json.dumps({"type": "FeatureCollection", "features": features}))
    assert shapely.area(table.frame.geometry.array) == pytest.approx([16e-8], rel=1e-5)
    assert table.notes == (
        "1 outline not closed, closed by the first vertex (way/1)",
        "1 building mapped as a point without outline, left out",
        "1 of 2 features are no outline of a building, passed over",
    )


def test_a_remark_of_the_server_is_passed_on(tmp_path):
    reply = json.loads(PACKED["Overpass out geom"])
    reply["remark"] = "runtime error: Query timed out"
    table = read(tmp_path, json.dumps(reply))
    assert any(
        "may be incomplete: runtime error: Query timed out" in n for n in table.notes
    )
    reply["elements"] = []
    with pytest.raises(TableError, match="Query timed out"):
        read(tmp_path, json.dumps(reply))


BILLION_LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE osm [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<osm><node id="1" lat="1" lon="1"><tag k="name" v="&d;"/></node></osm>"""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (BILLION_LAUGHS, "declares a document type or entities"),
        ('<!DOCTYPE osm SYSTEM "file:///etc/passwd"><osm/>', "declares a document type"),
        ('<!DOCTYPE osm [<!ENTITY x SYSTEM "file:///etc/passwd">]><osm/>', "declares"),
        ("<osm>" + "<a>" * 100, "nested more than"),
        ("<gpx><wpt/></gpx>", "the outermost element is 'gpx'"),
        ("<osm></osm>", "must have elements"),
        ('<osm><way id="x"></way></osm>', "got a fault at line 1"),
        ('<osm><way><nd ref="1"/></way></osm>', "got a fault at line 1"),
        ('<osm><node id="1" lat="a" lon="2"/></osm>', "got a fault at line 1"),
        (f'<osm><way id="{10**30}"><nd ref="{10**30}"/></way></osm>', "got a fault"),
        ('<osm><way id="1">' + '<nd ref="1"/>' * 100_002 + "</way></osm>", "100,000"),
        ('<?xml version="1.0" encoding="nonsense"?><osm/>', "got a fault"),
        ('{"elements": [{"type": "way", "id": "one"}]}', "element 1 is not"),
        ('{"elements": [{"type": "way", "id": 1, "geometry": [{"lat": 1}]}]}', "element 1"),
        ('{"elements": [7]}', "element 1 is not"),
        ('{"elements": []}', "must have elements"),
        ('{"elements": [{"type": "way", "id": 1', "must be whole JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("", "it is empty"),
        (PACKED["Overpass out geom"].replace('"building"', '"hut"')
         .replace("building:part", "x"), "must hold buildings"),
    ],
)  # fmt: skip
def test_hostile_and_broken_files_are_refused_in_one_line(tmp_path, content, told):
    with pytest.raises((SourceError, TableError)) as caught:
        read(tmp_path, content)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_text_in_another_encoding_is_read(tmp_path):
    content = PACKED["osmtogeojson"]
    for encoding, notes in (("utf-16", 0), ("utf-8-sig", 0), ("latin-1", 1)):
        path = tmp_path / "osm.json"
        path.write_bytes(content.encode(encoding))
        table = read_osm(path)
        assert table.frame["name"].iloc[0] == "Källan"
        assert sum("Latin-1" in note for note in table.notes) == notes
    xml_bytes = PACKED["XML"].replace("UTF-8", "ISO-8859-1").encode("latin-1")
    path.write_bytes(xml_bytes)
    assert read_osm(path).frame["name"].iloc[0] == "Källan"


@pytest.mark.real
def test_the_dirty_extract_of_helsingborg_is_mended_and_listed(shared_data):
    folder = shared_data / "helsingborg"
    dirty = read_osm(folder / "residential_osm_dirty.geojson")
    clean = read_osm(folder / "residential_osm_closed.geojson")
    others = "301 of 880 features are no outline of a building, passed over"
    assert dirty.notes == (
        "5 rings of 4 features not closed, closed by the first vertex "
        "(relation/5525145, relation/5525156, relation/5525160, relation/5525178)",
        others,
    )
    assert clean.notes == (others,)
    assert dirty.frame.drop(columns="geometry").equals(clean.frame.drop(columns="geometry"))
    assert shapely.equals_exact(dirty.frame.geometry, clean.frame.geometry, 1e-9).all()
    assert dirty.frame["part"].is_unique


@pytest.mark.real
def test_a_planet_extract_keeps_its_relation_with_holes(shared_data):
    path = shared_data / "vector" / "osm_sample_planet_10.068_48.135.osm"
    table = read_osm(path)
    assert table.origin.year == 2020
    # Counted in the file: elements tagged building whose nodes are all there.
    assert len(table.frame) == 32
    assert any("relation/318560: members missing" in note for note in table.notes)
    assert math.isclose(table.frame["building:levels"].max(), 2.0)
