"""Anchors of a boundary become hubs of a district, each with what is known of its place."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.affinity import translate

from gis.boundary import build_boundary
from gis.boundary_anchors import ASSUMED_ACCURACY, anchor_points
from gis.boundary_recipe import Anchor, BoundaryRecipe, read_boundary_recipe
from gis.crs import PLAN, from_wgs84
from gis.district import LANDMARK_COLUMNS
from gis.errors import CrsError, TableError
from gis.heidi import heidi_district

STATION = Anchor("Station", (13.5, 56.0), "CRS84", accuracy=15.0, basis="city map")
BRIDGE = Anchor("Bridge", (150_300.0, 6_208_500.0), "EPSG:3008", kind="landmark")
RECIPE = BoundaryRecipe(anchors=(STATION, BRIDGE, "Mill"), reach=100.0)
MILL = {"Mill": shapely.Point(150_800, 6_208_200)}


def test_anchors_tell_name_kind_accuracy_and_basis():
    points = anchor_points(RECIPE, places=MILL)
    assert points.crs == PLAN
    assert points.index.name == "landmark"
    assert points.index.tolist() == ["station", "bridge", "mill"]
    assert [*points.columns] == [*LANDMARK_COLUMNS, "geometry"]
    assert points["name"].tolist() == ["Station", "Bridge", "Mill"]
    assert points["kind"].tolist() == ["hub", "landmark", "hub"]
    assert points["accuracy"].tolist() == [15.0, ASSUMED_ACCURACY, ASSUMED_ACCURACY]
    assert points["basis"]["station"] == "city map"
    assert points["basis"]["bridge"] == (
        "coordinates of the recipe in EPSG:3008; accuracy not stated, 50 m assumed"
    )
    # The central meridian of the plan is 13.5 degrees east, at easting 150 000 m.
    assert points.geometry["station"].x == pytest.approx(150_000.0, abs=1e-6)
    assert points.geometry["mill"] == MILL["Mill"]


def test_a_district_takes_them_as_its_landmarks():
    heidi = heidi_district()
    at = heidi.landmarks.geometry.to_dict()
    recipe = BoundaryRecipe(("recolab", "campus", "helsingborg-c"), reach=100.0)
    district = replace(heidi, landmarks=anchor_points(recipe, places=at))
    assert (district.landmarks["kind"] == "hub").all()
    assert district.landmarks.geometry["campus"] == at["campus"]


def test_a_place_that_the_walk_passes_twice_is_one_landmark():
    recipe = replace(RECIPE, anchors=("Mill", STATION, "mill", BRIDGE, STATION))
    points = anchor_points(recipe, places=MILL)
    assert points["name"].tolist() == ["Mill", "Station", "Bridge"]


def test_two_places_of_one_name_stay_two_with_keys_of_their_own():
    north = replace(STATION, at=(13.5, 56.01))
    points = anchor_points(replace(RECIPE, anchors=(STATION, north)))
    assert points.index.tolist() == ["station", "station-2"]
    assert points.geometry["station-2"].y > points.geometry["station"].y + 1000.0


def test_names_without_latin_letters_get_keys():
    nameless = replace(STATION, name="港"), replace(BRIDGE, name="")
    points = anchor_points(replace(RECIPE, anchors=nameless))
    assert points.index.tolist() == ["anchor", "anchor-2"]


def test_the_point_of_a_courtyard_block_is_on_the_block():
    block = shapely.box(0, 0, 60, 40).difference(shapely.box(10, 10, 50, 30))
    block = translate(block, 150_000.0, 6_208_000.0)
    recipe = BoundaryRecipe(("Court", STATION), reach=50.0)
    point = anchor_points(recipe, places={"Court": block}).geometry["court"]
    assert not block.centroid.intersects(block)
    assert point.within(block)


def test_the_point_of_an_area_across_the_boundary_is_inside():
    """A pier whose longer part lies in the water."""
    pier = shapely.box(150_000, 6_208_000, 150_400, 6_208_020)
    water = shapely.box(150_050, 6_207_000, 151_000, 6_209_000)
    recipe = BoundaryRecipe(("Pier", replace(STATION, at=(13.4995, 55.995))), reach=150.0)
    boundary = build_boundary(recipe, places={"Pier": pier}, water=water)
    free = anchor_points(recipe, places={"Pier": pier})
    held = anchor_points(recipe, places={"Pier": pier}, within=boundary)
    assert not free.geometry["pier"].intersects(boundary)
    assert held.intersects(boundary).all()
    assert held.geometry["station"] == free.geometry["station"]


def test_anchors_of_another_plan_come_to_that_of_the_district():
    """Gothenburg's own plan, EPSG:3007, has its meridian at 12 degrees east."""
    places = (Anchor("West", (150_000.0, 6_400_000.0), "EPSG:3007"), STATION)
    recipe = BoundaryRecipe(anchors=places, reach=100.0, plan="EPSG:3007")
    west = anchor_points(recipe).geometry["west"]
    (inverse,) = gpd.GeoSeries([west], crs=PLAN).to_crs("OGC:CRS84")
    assert inverse.x == pytest.approx(12.0, abs=1e-9)
    assert np.allclose(from_wgs84(np.array([inverse.x, inverse.y])), [west.x, west.y])


def test_a_city_beyond_the_plan_of_districts_is_refused():
    berlin = Anchor("Berlin", (13.37, 52.53), "CRS84")
    museum = Anchor("Museum", (13.40, 52.52), "CRS84")
    recipe = BoundaryRecipe((berlin, museum), reach=100.0, plan="EPSG:25833")
    assert build_boundary(recipe).area > 0.0
    with pytest.raises(CrsError, match="where EPSG:3008 holds; 2 of 2"):
        anchor_points(recipe)


def test_unknown_names_are_refused():
    with pytest.raises(TableError, match=r"'Mil' \(perhaps 'Mill'\)"):
        anchor_points(replace(RECIPE, anchors=("Mil", STATION)), places=MILL)


def test_places_of_files_say_which(tmp_path):
    frame = gpd.GeoDataFrame(
        {"name": ["Mill", "Library"]},
        geometry=[MILL["Mill"], shapely.Point(150_100, 6_208_900)],
        crs=PLAN,
    )
    frame.to_file(tmp_path / "houses.gpkg")
    (tmp_path / "recipe.toml").write_text(
        'reach = 50\nplaces = "houses.gpkg"\nanchors = ["MILL", "library"]\n'
    )
    points = anchor_points(read_boundary_recipe(tmp_path / "recipe.toml"))
    assert points["basis"].str.startswith("place of that name in houses.gpkg").all()
    assert points.geometry["mill"].equals_exact(MILL["Mill"], 1e-9)
