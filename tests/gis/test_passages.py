"""A passage cuts what stands over it, and the pieces add up to the house."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.assemble import Sources, assemble_district
from gis.building_layer import read_building_layer
from gis.errors import SourceError
from gis.passages import CLEAR, FOOT_CLEAR, FOOT_WIDTH, WIDTH, cut_passages, make_passages
from gis.undersides import bottom_levels

E, N = 100_000.0, 6_213_000.0


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(E + west, N + south, E + east, N + north)


def way(*corners: tuple[float, float], **tags: str) -> dict[str, object]:
    return {"geometry": shapely.LineString([(E + x, N + y) for x, y in corners]), **tags}


def ways(*rows: dict[str, object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(list(rows), geometry="geometry", crs=3008)


def houses(*shapes: shapely.Geometry, height: float = 15.0, **columns) -> gpd.GeoDataFrame:
    ids = [f"h{k}" for k in range(len(shapes))]
    blank = {"underside": 0.0, "roof_shape": "", "roof_direction": np.nan}
    table = {"id": ids, "height": height, **blank, "roof_orientation": "", **columns}
    return gpd.GeoDataFrame(table, geometry=list(shapes), crs=3008)


HOUSE = box(0, 0, 40, 10)


def test_a_house_is_split_into_what_stands_and_what_hangs():
    passage = make_passages(ways(way((20, 0), (20, 10), width="3", maxheight="3,5 m")))
    cut, notes = cut_passages(houses(HOUSE), passage)
    assert cut["part"].tolist() == ["h0", "h0-passage"]
    assert cut["building"].tolist() == ["h0", "h0"]
    assert cut["underside"].tolist() == [0.0, 3.5]
    assert cut.area.tolist() == pytest.approx([370.0, 30.0])
    assert len(shapely.get_parts(cut.geometry[0])) == 2
    assert notes == (
        "1 footprint cut by passages: what hangs over them begins above the ground",
    )


@pytest.mark.parametrize(
    ("tags", "width", "clear"),
    [
        pytest.param({}, WIDTH, CLEAR, id="a drive"),
        pytest.param({"highway": "footway"}, FOOT_WIDTH, FOOT_CLEAR, id="on foot"),
        pytest.param({"width": "2.8", "maxheight": "default"}, 2.8, CLEAR, id="no number"),
        pytest.param({"maxheight": "11 ft"}, WIDTH, 3.3528, id="feet"),
        pytest.param({"width": "0"}, WIDTH, CLEAR, id="no width"),
    ],
)
def test_what_is_not_told_is_assumed_by_the_kind_of_way(tags, width, clear):
    passage = make_passages(ways(way((20, 0), (20, 10), **tags)))
    cut, _ = cut_passages(houses(HOUSE), passage)
    assert cut.area[1] == pytest.approx(width * 10.0)
    assert cut["underside"][1] == pytest.approx(clear)


@settings(max_examples=60, deadline=None)
@given(
    low=st.floats(-8.0, 48.0),
    high=st.floats(-8.0, 48.0),
    width=st.floats(0.6, 9.0),
    height=st.floats(3.1, 30.0),
)
def test_pieces_cover_the_house_once_and_leave_the_strip_open(low, high, width, height):
    line = way((low, -1), (high, 11), width=str(width))
    passages = make_passages(ways(line))
    cut, _ = cut_passages(houses(HOUSE, height=height), passages)
    shapes = cut.geometry.to_numpy()
    assert shapely.union_all(shapes).area == pytest.approx(shapely.area(shapes).sum())
    assert shapely.area(shapes).sum() == pytest.approx(400.0, abs=2.0)  # slivers below 1 m2
    assert (cut["height"] - cut["underside"] >= 1.0).all()
    if len(cut) == 2:
        strip = line["geometry"].buffer(width / 2, cap_style="flat")
        assert shapes[0].intersection(strip).area < 1e-6
        reach = passages.table.geometry[0].intersection(HOUSE)
        assert shapely.area(shapes[1]) == pytest.approx(reach.area)


def test_a_slanting_way_that_ends_at_the_walls_leaves_no_corner_standing():
    line = way((15, 0), (25, 10))
    cut, _ = cut_passages(houses(HOUSE), make_passages(ways(line)))
    assert len(shapely.get_parts(cut.geometry[0])) == 2
    assert cut.area[1] == pytest.approx(10.0 * WIDTH * np.sqrt(2))


def test_low_houses_neighbours_and_raised_parts_are_left_alone():
    frame = houses(HOUSE, box(0, -9, 40, -0.5), box(60, 0, 70, 10), height=15.0)
    frame = frame.assign(height=[15.0, 15.0, 2.5])
    frame = gpd.GeoDataFrame(frame).assign(underside=[4.0, 0.0, 0.0])
    lines = ways(way((20, 0), (20, 10)), way((65, 0), (65, 10)), way((80, 0), (80, 5)))
    cut, notes = cut_passages(frame, make_passages(lines))
    assert cut.geometry.equals(frame.geometry)
    text = "; ".join(notes)
    assert "1 footprint too low for the passage" in text
    assert "1 passage that leads through no building" in text


def test_areas_are_taken_from_wall_to_wall():
    area = gpd.GeoDataFrame(
        {"clear_height": [3.2]}, geometry=[box(5, -1, 11, 11)], crs=3008
    )
    cut, _ = cut_passages(houses(HOUSE), make_passages(area))
    assert cut.area.tolist() == pytest.approx([340.0, 60.0])
    assert cut["underside"][1] == 3.2


def test_a_roof_over_a_passage_falls_along_it():
    frame = houses(HOUSE, roof_shape="gabled")
    cut, _ = cut_passages(frame, make_passages(ways(way((20, 10), (20, 0)))))
    assert cut["roof_direction"][1] == pytest.approx(180.0)
    told, _ = cut_passages(
        frame.assign(roof_direction=90.0), make_passages(ways(way((20, 0), (20, 10))))
    )
    assert told["roof_direction"][1] == 90.0


OSM = """<osm version="0.6">
 <node id="1" lat="56.0400" lon="12.6900"/><node id="2" lat="56.0400" lon="12.6907"/>
 <node id="3" lat="56.0402" lon="12.6907"/><node id="4" lat="56.0402" lon="12.6900"/>
 <node id="5" lat="56.0400" lon="12.6904"/><node id="6" lat="56.0402" lon="12.6904"/>
 <way id="7"><nd ref="1"/><nd ref="5"/><nd ref="2"/><nd ref="3"/><nd ref="6"/><nd ref="4"/>
  <nd ref="1"/><tag k="building" v="apartments"/><tag k="height" v="16"/></way>
 <way id="8"><nd ref="5"/><nd ref="6"/><tag k="highway" v="service"/>
  <tag k="tunnel" v="building_passage"/><tag k="maxheight" v="3.4"/></way>
 <way id="9"><nd ref="1"/><nd ref="6"/><tag k="highway" v="service"/></way>
</osm>"""


def overpass() -> dict[str, object]:
    """Return the same as a reply of Overpass."""
    places = {1: (0, 0), 2: (7, 0), 3: (7, 2), 4: (0, 2), 5: (4, 0), 6: (4, 2)}

    def element(number: int, nodes: list[int], tags: dict[str, str]) -> dict[str, object]:
        points = [
            {"lon": 12.69 + places[n][0] / 1e4, "lat": 56.04 + places[n][1] / 1e4}
            for n in nodes
        ]
        return {
            "type": "way",
            "id": number,
            "nodes": nodes,
            "geometry": points,
            "tags": tags,
        }

    house = element(7, [1, 5, 2, 3, 6, 4, 1], {"building": "apartments", "height": "16"})
    tags = {"highway": "service", "tunnel": "building_passage", "maxheight": "3.4"}
    return {"elements": [house, element(8, [5, 6], tags)]}


def geojson() -> dict[str, object]:
    """Return the same as features."""
    features = []
    for element in overpass()["elements"]:
        points = [[p["lon"], p["lat"]] for p in element["geometry"]]
        area = "building" in element["tags"]
        shape = {
            "type": "Polygon" if area else "LineString",
            "coordinates": [points] if area else points,
        }
        identity = f"way/{element['id']}"
        features.append(
            {
                "type": "Feature",
                "id": identity,
                "properties": {"@id": identity, **element["tags"]},
                "geometry": shape,
            }
        )
    return {"type": "FeatureCollection", "features": features}


@pytest.fixture(params=["house.osm", "house.json", "house.geojson"])
def extract(request, tmp_path) -> Path:
    path = tmp_path / request.param
    text = {
        ".osm": OSM,
        ".json": json.dumps(overpass()),
        ".geojson": json.dumps(geojson()),
    }
    path.write_text(text[path.suffix])
    return path


def test_readers_of_openstreetmap_find_passages_themselves(extract):
    layer = read_building_layer(extract)
    assert len(layer.frame) == 1
    assert layer.passages["id"].tolist() == ["way/8"]
    district = assemble_district(Sources(extract))
    parts = district.buildings
    assert set(parts["building"]) == {"way/7"}
    over = parts.loc["way/7-passage"]
    assert over["underside"] == pytest.approx(3.4)
    depth = layer.passages.to_crs(3008).length[0]
    assert over.geometry.area == pytest.approx(WIDTH * depth, rel=1e-3)
    bottom = bottom_levels(parts)
    volume = parts.area @ (parts["top"].to_numpy() - bottom)
    whole = shapely.union_all(parts.geometry.to_numpy()).area
    assert volume == pytest.approx(16 * whole - 3.4 * over.geometry.area, rel=1e-9)
    assert any("cut by passages" in note for note in district.notes)


def test_a_file_of_passages_takes_their_place(extract, tmp_path):
    path = tmp_path / "ways.geojson"
    path.write_text(json.dumps({**geojson(), "features": geojson()["features"][1:]}))
    frame = gpd.read_file(path)
    frame.assign(maxheight="2.9").to_file(path)
    district = assemble_district(Sources(extract, passages=path))
    assert district.buildings["underside"].max() == pytest.approx(2.9)
    frame.assign(tunnel="yes").to_file(path)
    with pytest.raises(SourceError, match="tunnel=building_passage"):
        assemble_district(Sources(extract, passages=path))


def test_points_are_no_passages():
    spots = gpd.GeoDataFrame(geometry=[shapely.Point(E, N)], crs=3008)
    with pytest.raises(SourceError, match="lines or areas"):
        make_passages(spots)
