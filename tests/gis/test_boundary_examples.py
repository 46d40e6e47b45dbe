"""The example recipes are complete and build the districts that they promise."""

import math
import shutil
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis.boundary import TracedBoundary, build_boundary, trace_boundary
from gis.boundary_account import follow, unused_layers
from gis.boundary_anchors import anchor_points
from gis.boundary_recipe import read_boundary_recipe, recipe_files
from gis.crs import PLAN
from gis.errors import SourceError
from gis.heidi import heidi_district

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
RECIPES = sorted(EXAMPLES.glob("*_boundary.toml"))

ROUND_CORNER = 0.002  # relative: circles are drawn with 64 corners


@pytest.fixture(scope="module")
def heidi(shared_data, tmp_path_factory) -> TracedBoundary:
    """Return the example on real water, with the layer beside the recipe as it asks."""
    folder = tmp_path_factory.mktemp("heidi")
    for name in ("heidi_boundary.toml", "heidi_edges.geojson"):
        shutil.copy(EXAMPLES / name, folder)
    recipe = read_boundary_recipe(folder / "heidi_boundary.toml")
    shutil.copy(shared_data / "helsingborg" / recipe.water.name, folder)
    return trace_boundary(recipe)


@pytest.fixture(scope="module")
def footprint(shared_data) -> shapely.Polygon:
    """Hull of the hubs and 50 m around it: rough, and half a kilometre of it is water."""
    path = shared_data / "helsingborg" / "heidi_working_footprint_wgs84.geojson"
    return gpd.read_file(path).to_crs(PLAN).geometry.iloc[0]


def test_there_are_two_cities():
    assert [path.stem for path in RECIPES] == ["heidi_boundary", "lindholmen_boundary"]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_anchor_says_how_well_it_is_known(path):
    recipe = read_boundary_recipe(path)
    assert recipe.name
    points = anchor_points(recipe)
    assert len(points) == len(recipe.anchors) >= 2
    assert (points["kind"] == "hub").all()
    assert not points["basis"].str.contains("assumed").any()


def test_lindholmen_is_a_strip_between_its_anchors_in_gothenburgs_plan():
    recipe = read_boundary_recipe(EXAMPLES / "lindholmen_boundary.toml")
    assert recipe_files(recipe) == ()
    boundary = build_boundary(recipe)
    one, other = (anchor.at for anchor in recipe.anchors)
    length = math.dist(one, other)
    area = math.pi * recipe.reach**2 + 2 * recipe.reach * length
    assert boundary.area == pytest.approx(area, rel=ROUND_CORNER)
    place = gpd.GeoSeries([boundary.centroid], crs=recipe.plan).to_crs("OGC:CRS84")
    # The city district lies at 57 degrees 42' 27'' N, 11 degrees 56' 5'' E.
    assert place.iloc[0].distance(shapely.Point(11.9347, 57.7075)) < 0.005


def test_the_recipe_of_heidi_asks_for_the_water_that_is_not_shipped(tmp_path):
    for name in ("heidi_boundary.toml", "heidi_edges.geojson"):
        shutil.copy(EXAMPLES / name, tmp_path)
    with pytest.raises(SourceError, match=r"harbour_land_water_epsg3008\.gpkg; check"):
        build_boundary(read_boundary_recipe(tmp_path / "heidi_boundary.toml"))


@pytest.mark.real
def test_heidi_on_real_water_holds_its_hubs_and_no_water(heidi):
    shape = heidi.shape
    assert isinstance(shape, shapely.Polygon)
    hubs = anchor_points(heidi.recipe)
    assert hubs.index.tolist() == [
        "helsingborg-c", "oceanhamnen", "recolab", "campus-helsingborg"
    ]  # fmt: skip
    assert hubs.within(shape).all()
    assert shape.intersection(heidi.parts.water).area == pytest.approx(0.0, abs=1e-3)


@pytest.mark.real
def test_heidi_follows_water_and_streets_and_hardly_its_reach(heidi):
    stretches = follow(heidi)
    share = {
        kind: sum(one.line.length for one in stretches if one.kind == kind)
        / heidi.shape.length
        for kind in ("water", "edge", "reach")
    }
    assert share["water"] > 0.5
    assert share["edge"] > 0.3
    assert share["reach"] < 0.05
    assert unused_layers(heidi, stretches) == ()


@pytest.mark.real
def test_heidi_overlaps_the_working_footprint(heidi, footprint):
    """The footprint is a hull: it holds basins, and blocks beyond the streets."""
    land = footprint.difference(heidi.parts.water)
    shared = heidi.shape.intersection(land).area
    assert shared > 0.85 * land.area, "share of the footprint's land that is inside"
    assert shared > 0.95 * heidi.shape.area, "share of the district in the footprint"


@pytest.mark.real
def test_four_anchors_on_real_water_make_the_embedded_district(heidi):
    """Thirteen anchors on the schematic sheet and four on real water, a reach apart."""
    embedded = heidi_district().boundary
    shared = heidi.shape.intersection(embedded).area
    assert shared > 0.85 * heidi.shape.union(embedded).area
    assert heidi.shape.area == pytest.approx(embedded.area, rel=0.05)


@pytest.mark.real
def test_heidi_cuts_few_real_buildings(heidi, shared_data):
    """Streets are natural edges because nothing stands on them."""
    path = shared_data / "helsingborg" / "harbour_buildings_epsg3008.gpkg"
    shapes = gpd.read_file(path).geometry
    large = shapes[shapes.area > 100.0]
    inside = large.intersection(heidi.shape).area / large.area
    cut = int(((inside > 0.02) & (inside < 0.98)).sum())
    assert cut <= 0.1 * int((inside > 0.5).sum())
