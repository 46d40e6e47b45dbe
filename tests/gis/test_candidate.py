"""A candidate is read as it is meant, or refused in one clear line."""

import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.candidate import read_candidate
from gis.crs import to_wgs84
from gis.errors import CrsError, GeometryError, HeidiError, SourceError, TableError
from gis.heidi import heidi_district

PLAN = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3008"}}
OUTLINE = np.array(
    [(99_960.0, 6_213_250.0), (99_990.0, 6_213_255.0), (99_985.0, 6_213_275.0)]
)
"""A triangle of 312.5 m2 on free ground."""


def feature(ring=OUTLINE, **properties):
    given = {"height_m": 18, "use": "residential", **properties}
    corners = np.asarray(ring).tolist()
    return {
        "type": "Feature",
        "properties": {k: v for k, v in given.items() if v is not ...},
        "geometry": {"type": "Polygon", "coordinates": [[*corners, corners[0]]]},
    }


@pytest.fixture(scope="module")
def district():
    return heidi_district()


@pytest.fixture
def read(tmp_path, district):
    """Read a candidate from a JSON value or text."""

    def go(content, *, crs=PLAN):
        if isinstance(content, dict) and crs is not None:
            content = {**content, "crs": crs}
        path = tmp_path / "c.geojson"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_candidate(path, district)

    return go


def test_plan_coordinates_and_degrees_mean_the_same_place(read):
    metres = read(feature())
    degrees = read(feature(to_wgs84(OUTLINE)), crs=None)
    assert metres.outline.area == pytest.approx(312.5)
    # Nine decimals of JSON are a tenth of a millimetre.
    assert metres.outline.hausdorff_distance(degrees.outline) < 1e-3


def test_it_stands_on_the_ground_by_its_height(read, district):
    got = read(feature())
    row = got.parts.iloc[0]
    corners = district.terrain.sample(*OUTLINE.T)
    assert row["base"] <= corners.min()
    assert row["top"] - row["base"] >= 18.0
    assert row["top"] <= corners.max() + 18.0 + 0.5
    assert got.floor == row["base"]
    assert got.floor_source == "lowest ground under the footprint"
    assert (row["use"], row["height"]) == ("residential", 18.0)


def test_a_raised_floor_lifts_the_roof_and_not_the_ground(read):
    low, raised = read(feature()), read(feature(base_m_rh2000=4.0))
    assert raised.floor == 4.0
    assert raised.parts["top"].iloc[0] == 22.0
    assert raised.parts["base"].iloc[0] == low.parts["base"].iloc[0]


def test_floors_are_kept_if_they_are_told(read):
    told = read(feature(storeys=5, gross_area_m2=1500)).parts.iloc[0]
    assert (told["storeys"], told["gross_area"]) == (5.0, 1500.0)
    silent = read(feature()).parts.iloc[0]
    assert np.isnan([silent["storeys"], silent["gross_area"]]).all()


def test_the_area_of_a_feature_is_shared_by_its_polygons(read):
    """The second triangle is twice as large in both directions."""
    one, other = OUTLINE, OUTLINE[0] + [60.0, 0.0] + 2.0 * (OUTLINE - OUTLINE[0])
    rings = [[[*ring.tolist(), ring[0].tolist()]] for ring in (one, other)]
    shape = {"type": "MultiPolygon", "coordinates": rings}
    parts = read(feature(storeys=3, gross_area_m2=1000) | {"geometry": shape}).parts
    assert parts["gross_area"].to_list() == pytest.approx([200.0, 800.0])
    assert parts["storeys"].to_list() == [3.0, 3.0]


@pytest.mark.parametrize("told", [{"storeys": "V"}, {"storeys": 0}, {"gross_area_m2": -5}])
def test_floors_that_no_building_has_are_refused(read, told):
    with pytest.raises(TableError, match=next(iter(told))):
        read(feature(**told))


def test_several_blocks_are_one_building(read):
    other = feature(np.add(OUTLINE, [60.0, 0.0]), height_m=9, name="North wing")
    got = read({"type": "FeatureCollection", "features": [feature(), other]})
    assert got.parts["building"].nunique() == 1
    assert got.parts.index.is_unique
    assert got.parts["height"].tolist() == [18.0, 9.0]
    assert got.outline.area == pytest.approx(625.0)


def test_its_id_is_not_that_of_a_standing_building(read, district):
    got = read(feature())
    assert got.building not in set(district.buildings["building"])


BOW_TIE = OUTLINE[[0, 1, 2, 2]] + [[0, 0], [0, 0], [-25, 0], [0, -25]]

REFUSED = {
    "outside the district": (
        feature(np.add(OUTLINE, [3000, 0])),
        GeometryError,
        "inside the dist",
    ),
    "partly outside": (feature(np.add(OUTLINE, [-700, 0])), GeometryError, "inside the"),
    "self-crossing": (feature(BOW_TIE), GeometryError, "must not cross"),
    "negative height": (feature(height_m=-5), TableError, "got -5"),
    "no height": (feature(height_m=...), TableError, "got nothing"),
    "text for height": (feature(height_m="18"), TableError, 'got "18"'),
    "true for height": (feature(height_m=True), TableError, "got true"),
    "a tower of a kilometre": (feature(height_m=1000), TableError, "2..400 m, got 1000"),
    "number for use": (feature(use=7), TableError, "use as text, got 7"),
    "text for level": (feature(base_m_rh2000="high"), TableError, 'got "high"'),
    "a point": (
        {**feature(), "geometry": {"type": "Point", "coordinates": [1, 2]}},
        TableError,
        'got "Point"',
    ),
    "no geometry": ({**feature(), "geometry": None}, TableError, "got null"),
    "ring of two": (feature(OUTLINE[:1]), TableError, "pairs of numbers"),
    "letters for numbers": (
        {**feature(), "geometry": {"type": "Polygon", "coordinates": [[["a", "b"]] * 4]}},
        TableError,
        "pairs of numbers",
    ),
    "a needle": (
        feature(OUTLINE[[0, 1, 1]] + [[0, 0], [0, 0], [0, 0.1]]),
        GeometryError,
        "m2",
    ),
    "blocks on each other": (
        {"type": "FeatureCollection", "features": [feature(), feature()]},
        GeometryError,
        "overlap each other",
    ),
    "a height of 400 digits": (feature(height_m=10**400), TableError, "2..400 m"),
    "a corner of 400 digits": (
        feature([[10**400, 1], [2, 3], [4, 5]]),
        TableError,
        "pairs",
    ),
    "a corner without number": (
        {
            **feature(),
            "geometry": {"type": "Polygon", "coordinates": [[[np.nan, 1.0]] * 4]},
        },
        TableError,
        "pairs of numbers",
    ),
    "swapped axes": (feature(OUTLINE[:, ::-1]), CrsError, "axes are swapped"),
    "nothing": ({"type": "FeatureCollection", "features": []}, TableError, "got none"),
    "another kind of JSON": ({"type": "Topology"}, SourceError, "Feature"),
    "a list": ("[1, 2]", SourceError, "Feature"),
    "no JSON": ("height 18", SourceError, "no JSON"),
    "empty": ("", SourceError, "no JSON"),
    "deep": ("[" * 100_000, SourceError, "no JSON"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_meant_is_refused_in_one_line(read, fault):
    content, error, words = REFUSED[fault]
    with pytest.raises(error) as caught:
        read(content)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_metres_without_a_reference_system_are_refused(read):
    with pytest.raises(CrsError, match=r"names no reference system.*declare the true one"):
        read(feature(), crs=None)


def test_swapped_degrees_are_told(read):
    with pytest.raises(CrsError, match="axes are swapped"):
        read(feature(to_wgs84(OUTLINE)[:, ::-1]), crs=None)


@pytest.mark.parametrize("crs", [7, {}, {"type": "name", "properties": {"name": "Mars"}}])
def test_unknown_reference_systems_are_refused(read, crs):
    with pytest.raises(CrsError, match="must be known"):
        read(feature(), crs=crs)


def test_a_missing_file_is_named(tmp_path, district):
    with pytest.raises(SourceError, match=r"absent\.geojson"):
        read_candidate(tmp_path / "absent.geojson", district)


def test_all_faults_are_told_at_once(read):
    two = {
        "type": "FeatureCollection",
        "features": [feature(height_m=-1), feature(np.add(OUTLINE, [60, 0]), use=3)],
    }
    with pytest.raises(TableError, match=r"feature 1 .*; feature 2 "):
        read(two)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "features", "geometry", "properties", "coordinates", "crs"]
            )
            | st.text(max_size=4),
            inner
            | st.sampled_from(["Feature", "FeatureCollection", "Polygon", "MultiPolygon"]),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_no_json_breaks_the_reader(tmp_path_factory, district, value):
    path = tmp_path_factory.getbasetemp() / "random.geojson"
    path.write_text(json.dumps(value))
    with pytest.raises(HeidiError):
        read_candidate(path, district)


def test_holes_are_kept(read):
    ring = shapely.box(99_950, 6_213_240, 99_990, 6_213_280)
    court = ring.difference(shapely.box(99_960, 6_213_250, 99_980, 6_213_270))
    got = read({**feature(), "geometry": shapely.geometry.mapping(court)})
    assert got.outline.area == pytest.approx(1200.0)


def test_an_outline_of_thousands_of_corners_is_thinned_out(read):
    circle = shapely.Point(99_972, 6_213_262).buffer(10, quad_segs=1250)
    got = read({**feature(), "geometry": shapely.geometry.mapping(circle)})
    assert len(circle.exterior.coords) == 5001
    assert len(got.outline.exterior.coords) < 60
    assert got.outline.hausdorff_distance(circle) < 0.051


def test_corners_given_twice_are_one(read):
    twice = read(feature(OUTLINE[[0, 0, 1, 1, 2]]))
    assert twice.outline.equals(read(feature()).outline)
    assert len(twice.outline.exterior.coords) == 4


def test_names_are_one_short_line(read):
    got = read(feature(name="Tower\n\x1b[31m " + "o" * 500, use="\ud800 office"))
    name = got.parts["name"].iloc[0]
    assert name.isprintable()
    assert len(name) <= 80
    assert name.startswith("Tower [31m o")
    assert got.parts["use"].iloc[0] == "office"


def test_a_floor_in_the_air_is_noted(read):
    assert any("above the ground" in note for note in read(feature(base_m_rh2000=60)).notes)
    assert not read(feature(base_m_rh2000=4.0)).notes


def test_a_place_far_off_makes_one_doubt_the_reference_system(read):
    wrong = {"type": "name", "properties": {"name": "EPSG:3007"}}
    with pytest.raises(GeometryError, match="reference system the true one"):
        read(feature(), crs=wrong)


def test_a_crossing_is_told_in_degrees(read):
    with pytest.raises(
        GeometryError, match=r"self-intersection at 12\.69\d+, 56\.0\d+ \(E"
    ):
        read(feature(BOW_TIE))
