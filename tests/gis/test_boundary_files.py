"""Files of a boundary give it back, in degrees or in the plan, and say what it follows."""

import json

import geopandas as gpd
import pyogrio
import pytest
import shapely

from gis.boundary import TracedBoundary, trace_boundary
from gis.boundary_account import follow
from gis.boundary_files import check_target, write_boundary
from gis.boundary_recipe import Anchor, BoundaryRecipe
from gis.errors import OutputError

CENTIMETRE = 0.01  # degrees are written with seven decimals

SYSTEM = "EPSG:25833"
EAST, NORTH = 391_000.0, 5_820_000.0


@pytest.fixture
def traced() -> TracedBoundary:
    """Two banks of a river with a basin in one of them, in UTM zone 33."""
    anchors = (
        Anchor("Östra", (EAST, NORTH), SYSTEM),
        Anchor("Mill; new", (EAST + 700, NORTH + 300), SYSTEM, kind="landmark"),
    )
    recipe = BoundaryRecipe(
        anchors, reach=180.0, is_closed=False, plan=SYSTEM, name="Nyhamn", credits=("Me",)
    )
    river = shapely.box(EAST + 300, NORTH - 900, EAST + 380, NORTH + 900)
    basin = shapely.box(EAST + 40, NORTH + 20, EAST + 90, NORTH + 60)
    road = shapely.LineString([(EAST - 90, NORTH - 900), (EAST - 60, NORTH + 900)])
    water = shapely.MultiPolygon([river, basin])
    return trace_boundary(recipe, water=water, edges=[road])


def test_geojson_gives_the_boundary_back_in_degrees(traced, tmp_path):
    path = tmp_path / "nyhamn.geojson"
    write_boundary(path, traced)
    document = json.loads(path.read_text(encoding="utf-8"))
    (feature,) = document["features"]
    properties = feature["properties"]
    assert properties["name"] == "Nyhamn"
    assert properties["area_m2"] == pytest.approx(traced.shape.area, abs=0.05)
    assert properties["anchors"] == "Östra; Mill; new"
    assert document["heidi"]["pieces"] == 2
    assert "crs" not in document, "RFC 7946 knows longitude and latitude only"
    back = gpd.read_file(path)
    assert back.crs.equals("OGC:CRS84") or back.crs.to_epsg() == 4326
    (shape,) = back.to_crs(SYSTEM).geometry
    assert shape.is_valid
    assert shape.boundary.hausdorff_distance(traced.shape.boundary) < CENTIMETRE
    assert sorted(len(part.interiors) for part in shape.geoms) == [0, 1]
    degrees = back.geometry.iloc[0]
    assert all(part.exterior.is_ccw for part in degrees.geoms)
    assert not any(ring.is_ccw for part in degrees.geoms for ring in part.interiors)


def test_geopackage_holds_boundary_anchors_and_outline_in_the_plan(traced, tmp_path):
    path = tmp_path / "nyhamn.gpkg"
    write_boundary(path, traced)
    assert pyogrio.list_layers(path)[:, 0].tolist() == ["boundary", "anchors", "outline"]
    layers = {name: gpd.read_file(path, layer=name) for name in ("boundary", "anchors")}
    layers["outline"] = gpd.read_file(path, layer="outline")
    assert {frame.crs.to_epsg() for frame in layers.values()} == {25833}
    assert layers["boundary"].geometry.iloc[0].equals(traced.shape)
    assert layers["boundary"]["credits"].tolist() == ["Me"]
    anchors = layers["anchors"].set_index("landmark")
    assert anchors["kind"].to_dict() == {"ostra": "hub", "mill-new": "landmark"}
    assert anchors.geometry["mill-new"].x == EAST + 700
    outline = layers["outline"]
    assert outline["kind"].tolist() == [one.kind for one in follow(traced)]
    assert outline["length_m"].sum() == pytest.approx(traced.shape.length, abs=0.2)


@pytest.mark.parametrize("name", ["a.geojson", "a.json", "a.GPKG"])
def test_equal_boundaries_give_equal_bytes_and_replace_the_old(traced, tmp_path, name):
    path, other = tmp_path / name, tmp_path / f"b{name}"
    path.write_text("old")
    write_boundary(path, traced)
    write_boundary(other, traced)
    assert path.read_bytes() == other.read_bytes()
    assert {p.name for p in tmp_path.iterdir()} == {path.name, other.name}


@pytest.mark.parametrize("name", ["a.shp", "a", "a.geojson.zip"])
def test_other_formats_are_refused(traced, tmp_path, name):
    with pytest.raises(OutputError, match=r"\.geojson or \.json or \.gpkg, got a"):
        write_boundary(tmp_path / name, traced)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["geojson", "gpkg"])
def test_nothing_is_left_where_nothing_can_be_written(traced, tmp_path, suffix):
    with pytest.raises(OutputError, match="cannot write"):
        write_boundary(tmp_path / "none" / f"a.{suffix}", traced)
    assert not list(tmp_path.iterdir())


def test_results_do_not_replace_what_they_are_made_of(tmp_path):
    recipe = tmp_path / "recipe.json"
    recipe.write_text("")
    (tmp_path / "deep").mkdir()
    for target, words in (
        (tmp_path / "deep" / ".." / "recipe.json", "must not replace"),
        (tmp_path / "none" / "a.json", "folder of a result must exist"),
        (tmp_path / "deep", "is a folder"),
    ):
        with pytest.raises(OutputError, match=words):
            check_target(target, [recipe])
    check_target(tmp_path / "a.json", [recipe])
