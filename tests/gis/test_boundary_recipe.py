"""A boundary of any city comes from a page of text, and a bad page gives one clear line."""

import json
import math
from importlib.resources import files
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from gis.boundary import build_boundary, district_boundary
from gis.boundary_recipe import Anchor, BoundaryRecipe, read_boundary_recipe
from gis.crs import PLAN
from gis.errors import CrsError, GeometryError, HeidiError, SourceError, TableError
from gis.heidi import heidi_district, heidi_recipe

ROUND_CORNER = 0.002  # relative: circles are drawn with 64 corners

EAST, NORTH = 391_000.0, 5_820_000.0
"""An invented town in UTM zone 33, where EPSG:3008 is not the plan."""

TOWN = "EPSG:25833"

RECIPE = """
name = "Nyhamn"
plan = "EPSG:25833"
reach = 150
narrowest = 6
walk = "closed"
places = ["places.geojson"]
water = "harbour.geojson"
edges = ["railway.geojson", "park.geojson"]
anchors = [
    "Nyhamn central",
    { name = "Library", at = [391930, 5820340], crs = "EPSG:25833" },
    "Strandgatan 4",
    { name = "Mill", at = [MILL], crs = "CRS84" },
]
"""


def at(*shapes):
    return [shapely.transform(s, lambda xy: xy + np.array([EAST, NORTH])) for s in shapes]


def write(path, shapes, crs="OGC:CRS84", **columns):
    """Write GeoJSON as the world does: longitude and latitude."""
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=TOWN).to_crs(crs)
    path.write_text(frame.to_json(drop_id=True), encoding="utf-8")


STATION = shapely.box(400, 0, 520, 60)
HOUSE = shapely.box(300, 700, 330, 730)
HARBOUR = shapely.Polygon([(680, 400), (1200, 520), (1150, 1000), (660, 800)])
RAILWAY = shapely.LineString([(-500, -20), (2000, -10)])
PARK = shapely.box(-600, -600, 250, 2000)
MILL = shapely.Point(610, 710)


@pytest.fixture
def town(tmp_path):
    names = {"name": ["Nyhamn Central", ""], "address": [None, "Strandgatan 4"]}
    write(tmp_path / "places.geojson", at(STATION, HOUSE), **names)
    harbour, meadow = at(HARBOUR, shapely.box(0, 0, 100, 100))
    write(tmp_path / "harbour.geojson", [harbour, meadow], kind=["water", "land"])
    write(tmp_path / "railway.geojson", at(RAILWAY))
    write(tmp_path / "park.geojson", at(PARK))
    to_degrees = Transformer.from_crs(TOWN, "OGC:CRS84", always_xy=True)
    longitude, latitude = to_degrees.transform(EAST + MILL.x, NORTH + MILL.y)
    text = RECIPE.replace("[MILL]", f"[{longitude:.9f}, {latitude:.9f}]")
    (tmp_path / "recipe.toml").write_text(text, encoding="utf-8")
    return tmp_path / "recipe.toml"


def test_another_city_is_built_from_a_file(town):
    boundary = build_boundary(read_boundary_recipe(town))
    by_hand = district_boundary(
        at(STATION, shapely.Point(930, 340), HOUSE, MILL),
        reach=150,
        water=at(HARBOUR)[0],
        edges=at(RAILWAY, PARK.exterior),
        narrowest=6,
    )
    # Files hold degrees of 15 digits: a micrometre.
    assert boundary.symmetric_difference(by_hand).area < 0.01
    assert boundary.intersection(at(HARBOUR)[0].buffer(-0.01)).is_empty
    assert boundary.intersection(at(PARK)[0].buffer(-0.01)).is_empty
    assert boundary.bounds[1] > NORTH - 20.0


def test_an_open_walk_encloses_nothing(town):
    text = town.read_text(encoding="utf-8")
    town.write_text(text.replace('"closed"', '"open"'), encoding="utf-8")
    recipe = read_boundary_recipe(town)
    assert recipe.is_closed is False
    assert recipe.narrowest == 6.0
    assert recipe.name == "Nyhamn"


def test_two_anchors_in_degrees_and_metres_give_a_capsule():
    recipe = BoundaryRecipe(
        anchors=(
            Anchor("here", (13.5, 56.0), "CRS84"),
            Anchor("there", (150_000.0, 6_209_000.0), "EPSG:3008"),
        ),
        reach=100.0,
        is_closed=False,
    )
    boundary = build_boundary(recipe)
    south, north = boundary.bounds[1::2]
    length = north - south - 200.0
    area = math.pi * 100.0**2 + 200.0 * length
    assert boundary.area == pytest.approx(area, rel=ROUND_CORNER)
    assert boundary.centroid.x == pytest.approx(150_000.0, abs=0.01)


def test_heidi_is_one_call_of_it():
    """Its recipe, its places and tables of water and edges make its boundary to the bit."""
    district = heidi_district()
    buildings = district.buildings
    by_name = buildings[buildings["name"] != ""].dissolve("name").geometry
    places = {**district.landmarks.geometry.to_dict(), **by_name.to_dict()}
    with files("gis.data").joinpath("edges.csv").open(encoding="utf-8") as stream:
        edges = pd.read_csv(stream).groupby("name", sort=False)[["easting", "northing"]]
    lines = [shapely.LineString(edge.to_numpy()) for _, edge in edges]
    recipe = heidi_recipe()
    boundary = build_boundary(recipe, places=places, water=district.water, edges=lines)
    assert shapely.to_wkb(boundary) == shapely.to_wkb(district.boundary)
    assert recipe.name == district.name
    by_hand = district_boundary(
        [places[name] for name in recipe.anchors],
        reach=recipe.reach,
        water=district.water,
        edges=lines,
    )
    assert shapely.to_wkb(by_hand) == shapely.to_wkb(boundary)


def change(old, new):
    def spoil(recipe):
        text = recipe.read_text(encoding="utf-8")
        assert old in text
        recipe.write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def edit(name, spoil):
    def change_file(recipe):
        path = recipe.parent / name
        content = json.loads(path.read_text(encoding="utf-8"))
        spoil(content)
        path.write_text(json.dumps(content), encoding="utf-8")

    return change_file


def empty(name):
    return lambda recipe: (recipe.parent / name).write_text("", encoding="utf-8")


MILL_LINE = '{ name = "Mill", at ='


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        pytest.param(
            change("Nyhamn central", "Nyhamn zentral"), TableError,
            r"1 of 4 are not known: 'Nyhamn zentral' \(perhaps 'Nyhamn Central'\)",
            id="unknown anchor",
        ),
        pytest.param(
            change('crs = "CRS84"', 'kind = "mill"'), CrsError,
            "the anchor Mill must name the reference system of its coordinates, got none",
            id="coordinates without a system",
        ),
        pytest.param(
            change('"CRS84"', '"EPSG:99999999"'), CrsError,
            "the anchor Mill: the reference system must be known", id="unknown system",
        ),
        pytest.param(
            change("at = [391930, 5820340]", "at = [391900, 5820600]"), GeometryError,
            r"1 of 4 do not \(Library at 391900, 5820600 lies in the water\)",
            id="anchor in the water",
        ),
        pytest.param(
            change("at = [391930, 5820340]", "at = [5820340, 391930]"), CrsError,
            "the anchor Library: .*axes are swapped", id="axes swapped",
        ),
        pytest.param(
            change("at = [391930, 5820340]", "at = [391930, 5920340]"), GeometryError,
            "must lie within 50 km, got 1", id="typing error of 100 km",
        ),
        pytest.param(
            change("at = [391930, 5820340]", 'at = [391930, "x"]'), TableError,
            "the anchor Library must have two numbers", id="text for a number",
        ),
        pytest.param(
            change("reach = 150", "reech = 150"), TableError,
            r"unknown key 'reech' \(perhaps 'reach'\); reach is missing", id="unknown key",
        ),
        pytest.param(
            change("reach = 150", "reach = nan"), TableError,
            "reach must be a number of metres, got 'nan'", id="no number",
        ),
        pytest.param(
            change('crs = "CRS84"', 'crs = "CRS84", acuracy = 5'), TableError,
            r"the anchor Mill: unknown key 'acuracy' \(perhaps 'accuracy'\)",
            id="unknown key of an anchor",
        ),
        pytest.param(
            change('crs = "CRS84"', 'crs = "CRS84", accuracy = -3'), TableError,
            "the anchor Mill: accuracy must be a number of metres, got '-3'",
            id="negative accuracy",
        ),
        pytest.param(
            change('crs = "CRS84"', 'crs = "CRS84", kind = "mill", basis = 1'), TableError,
            "basis must be a text, got '1'; kind must be .hub. or .landmark., got 'mill'",
            id="two faults of an anchor",
        ),
        pytest.param(
            change("harbour.geojson", "a\\u0000.geojson"), TableError,
            "water must be a file, got 'a", id="file name with a zero",
        ),
        pytest.param(
            change("harbour.geojson", "h" * 5000), TableError,
            "water must be a file, got 'hhh", id="endless file name",
        ),
        pytest.param(
            change('"park.geojson"', '""'), TableError,
            "edges must be a file or a list of files", id="no file name",
        ),
        pytest.param(
            change("reach = 150", f"reach = 1{'0' * 400}"), TableError,
            "reach must be a number of metres, got '1000", id="number of 400 digits",
        ),
        pytest.param(
            change("reach = 150", f"reach = 1{'0' * 9000}"), SourceError,
            "recipe.toml must be TOML", id="number of 9,000 digits",
        ),
        pytest.param(
            change("reach = 150", "reach = 1e300"), GeometryError,
            "reach must be positive and at most 50,000 m, got 1e",
            id="reach of a continent",
        ),
        pytest.param(
            change('walk = "closed"', "credits = 1"), TableError,
            "credits must be a text or a list of texts, got '1'", id="number for credits",
        ),
        pytest.param(
            change("at = [391930, 5820340]", "at = [1e300, 5820340]"), CrsError,
            "the anchor Library: coordinates must lie where", id="absurd coordinates",
        ),
        pytest.param(
            change('"Strandgatan 4"', '"Strandgatan 4", ' * 500 + '"Mill"'), GeometryError,
            "at most 500 anchors, got 504", id="endless walk",
        ),
        pytest.param(
            change("reach = 150", "reach = -5"), GeometryError,
            "reach must be positive", id="negative reach",
        ),
        pytest.param(
            change('"closed"', '"round"'), TableError,
            'walk must be "closed" or "open"', id="unknown walk",
        ),
        pytest.param(
            change("EPSG:25833\"\nreach", "EPSG:4326\"\nreach"), CrsError,
            "the plan must be a projected system in metres", id="plan in degrees",
        ),
        pytest.param(
            change("EPSG:25833\"\nreach", "EPSG:3008\"\nreach"), CrsError,
            "coordinates must lie within", id="a plan of elsewhere",
        ),
        pytest.param(
            change("anchors = [", "anchors = [["), SourceError,
            "recipe.toml must be TOML", id="no TOML",
        ),
        pytest.param(
            change('"Strandgatan 4"', "7"), TableError,
            "an anchor must be a name or a place", id="number for a name",
        ),
        pytest.param(
            change("harbour.geojson", "haven.geojson"), SourceError,
            "haven.geojson", id="missing layer",
        ),
        pytest.param(
            change("harbour.geojson", "railway.geojson"), GeometryError,
            "a layer of water must hold polygons, railway.geojson has none",
            id="lines for water",
        ),
        pytest.param(
            edit("railway.geojson", lambda c: c["features"][0]["geometry"].update(
                type="Point", coordinates=[13.4, 52.5])), GeometryError,
            "a layer of edges must hold lines", id="points for edges",
        ),
        pytest.param(
            edit("places.geojson", lambda c: [f.update(properties={"z": 1})
                 for f in c["features"]]), TableError,
            "must have a column of names, places.geojson has z", id="no names",
        ),
        pytest.param(empty("places.geojson"), SourceError, "places.geojson", id="empty"),
    ],
)  # fmt: skip
def test_a_bad_recipe_gives_one_clear_line(town, spoil, error, message):
    spoil(town)
    with pytest.raises(error, match=message) as caught:
        build_boundary(read_boundary_recipe(town))
    assert isinstance(caught.value, HeidiError)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no devices")
def test_a_device_without_end_is_refused():
    with pytest.raises(SourceError, match="a page of text, got zero with 1,000,001 bytes"):
        read_boundary_recipe(Path("/dev/zero"))


def test_recipes_that_are_missing_or_no_text_are_refused(tmp_path):
    with pytest.raises(SourceError, match="must be readable"):
        read_boundary_recipe(tmp_path / "none.toml")
    (tmp_path / "long.toml").write_bytes(b"#" * 2_000_000)
    with pytest.raises(SourceError, match="2,000,000 bytes"):
        read_boundary_recipe(tmp_path / "long.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="must be TOML"):
        read_boundary_recipe(tmp_path / "bytes.toml")
    (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000, encoding="utf-8")
    with pytest.raises(SourceError, match="must be TOML"):
        read_boundary_recipe(tmp_path / "deep.toml")


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        ((), "two or more anchors, got none"),
        (("a",), "two or more anchors, got a"),
        (("a", "b", "a"), r"all 3 \(a, b, a\) are at 99500, 6213500"),
    ],
)
def test_anchors_that_make_no_district_are_refused(anchors, message):
    places = dict.fromkeys("ab", shapely.Point(99_500.0, 6_213_500.0))
    with pytest.raises(GeometryError, match=message):
        build_boundary(BoundaryRecipe(anchors=anchors, reach=50.0), places=places)


def test_a_layer_without_system_is_refused(tmp_path):
    frame = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.Point(99500, 6213500)])
    with pytest.warns(UserWarning, match="'crs' was not provided"):
        frame.to_file(tmp_path / "places.gpkg")
    recipe = BoundaryRecipe(("a", "b"), reach=50.0, places=(tmp_path / "places.gpkg",))
    with pytest.raises(CrsError, match=r"places\.gpkg: coordinates must come with"):
        build_boundary(recipe)


def test_an_anchor_on_a_strip_that_is_cleaned_away_is_named():
    basins = shapely.union_all(
        [shapely.box(99_530, 6_213_000, 99_900, 6_213_498),
         shapely.box(99_530, 6_213_501, 99_900, 6_214_000)]
    )  # fmt: skip
    places = {
        "pier": shapely.Point(99_600, 6_213_500),
        "town": shapely.Point(99_500, 6_213_500),
    }
    recipe = BoundaryRecipe(("town", "pier"), reach=150.0)
    with pytest.raises(
        GeometryError, match="pier at 99600, 6213500 lies on ground narrower"
    ):
        build_boundary(recipe, places=places, water=basins)


def test_the_plan_of_the_product_is_the_default():
    assert BoundaryRecipe(("a", "b"), reach=1.0).plan == f"EPSG:{PLAN.to_epsg()}"
