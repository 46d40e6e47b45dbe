"""What a boundary follows adds up to its outline and has the lengths of closed forms."""

import json
import math

import geopandas as gpd
import pytest
import shapely
from shapely.affinity import translate

from gis.boundary import trace_boundary
from gis.boundary_account import boundary_record, credit_lines, follow, unused_layers
from gis.boundary_recipe import Anchor, BoundaryRecipe

EAST, NORTH, REACH = 150_000.0, 6_208_000.0, 100.0
FACETS = 0.001  # relative: circles are drawn with 64 corners, 0.04 % short of length
STRIP = 0.2  # m: where stretches meet, each may reach as far as a boundary touches


def at(shape):
    return translate(shape, EAST, NORTH)


def anchor(name, x, y):
    return Anchor(name, (EAST + x, NORTH + y), "EPSG:3008")


TWO = (anchor("one", 0, 0), anchor("other", 500, 0))


def recipe(**options):
    return BoundaryRecipe(TWO, REACH, **{"is_closed": False, **options})


def write(path, shapes, **columns):
    frame = gpd.GeoDataFrame(columns, geometry=[at(s) for s in shapes], crs=3008)
    frame.to_file(path)
    return path


def by_name(stretches):
    return {one.name or one.kind: one.line.length for one in stretches}


def test_a_free_boundary_is_the_limit_of_its_reach():
    traced = trace_boundary(recipe())
    (only,) = follow(traced)
    assert (only.kind, only.name, only.source) == ("reach", "", "")
    around = 2 * 500 + 2 * math.pi * REACH
    assert only.line.length == pytest.approx(around, rel=FACETS)


def test_shore_edges_and_rest_have_the_lengths_of_a_cut_capsule(tmp_path):
    """Water beyond y = 40, a railway at y = -60, a road across the round end at x = 570."""
    water = write(tmp_path / "sea.gpkg", [shapely.box(-900, 40, 900, 900)])
    lines = [
        shapely.LineString([(-900, -60), (900, -60)]),
        shapely.LineString([(570, -900), (570, 900)]),
        shapely.LineString([(-900, -300), (900, -300)]),
    ]
    edges = write(tmp_path / "lines.gpkg", lines, name=["railway", "road", "far away"])
    traced = trace_boundary(recipe(water=water, edges=(edges,)))
    stretches = follow(traced)
    lengths = by_name(stretches)
    west = {y: math.sqrt(REACH**2 - y**2) for y in (40, -60)}
    assert lengths["water"] == pytest.approx(west[40] + 570, abs=STRIP)
    assert lengths["railway"] == pytest.approx(west[-60] + 570, abs=STRIP)
    assert lengths["road"] == pytest.approx(100, abs=STRIP)
    arc = REACH * (math.asin(0.4) + math.asin(0.6))
    assert lengths["reach"] == pytest.approx(arc, rel=FACETS, abs=STRIP)
    assert [one.kind for one in stretches] == ["water", "edge", "edge", "reach"]
    assert {one.source for one in stretches} == {"sea.gpkg", "lines.gpkg", ""}
    assert unused_layers(traced, stretches) == ()


def test_stretches_share_nothing_and_miss_nothing(tmp_path):
    bay = shapely.Polygon([(100, 300), (180, -20), (320, 40), (400, 300)])
    streets = [
        shapely.LineString([(-50, -300), (-30, 300)]),
        shapely.LineString([(-300, -70), (900, -45)]),
    ]
    traced = trace_boundary(
        recipe(), water=at(bay), edges=[at(street) for street in streets]
    )
    lines = [one.line for one in follow(traced)]
    together = shapely.union_all(lines)
    outline = traced.shape.boundary
    assert sum(line.length for line in lines) == pytest.approx(outline.length, abs=1e-6)
    assert together.length == pytest.approx(outline.length, abs=1e-6)
    assert together.hausdorff_distance(outline) < STRIP


def test_where_a_shore_and_an_edge_coincide_it_is_the_shore():
    quay = shapely.LineString([(-900, 40), (900, 40)])
    water = shapely.box(-900, 40, 900, 900)
    traced = trace_boundary(recipe(), water=at(water), edges=[at(quay)])
    assert set(by_name(follow(traced))) == {"water", "reach"}


def test_files_without_effect_are_named(tmp_path):
    dangling = [shapely.LineString([(250, -500), (250, 0)])]
    ends = write(tmp_path / "ends_inside.gpkg", dangling)
    wood = write(tmp_path / "wood.gpkg", [shapely.box(-900, 70, 900, 900)])
    lake = write(tmp_path / "lake.gpkg", [shapely.box(2000, 0, 2500, 600)])
    traced = trace_boundary(recipe(water=lake, edges=(ends, wood)))
    stretches = follow(traced)
    assert unused_layers(traced, stretches) == ("lake.gpkg", "ends_inside.gpkg")
    assert [one.source for one in stretches] == ["wood.gpkg", ""]


def test_a_basin_inside_counts_as_shore():
    basin = shapely.box(200, -20, 240, 30)
    traced = trace_boundary(recipe(), water=at(basin))
    assert by_name(follow(traced))["water"] == pytest.approx(basin.length, abs=STRIP)


def test_the_record_is_json_and_agrees_with_the_shape():
    river = at(shapely.box(230, -900, 260, 900))
    traced = trace_boundary(recipe(name="Nyhamn", credits=("Surveyor",)), water=river)
    record = json.loads(json.dumps(boundary_record(traced), allow_nan=False))
    assert record["name"] == "Nyhamn"
    assert record["pieces"] == 2
    assert record["plan"].startswith("EPSG:3008 ")
    assert record["area_m2"] == pytest.approx(traced.shape.area, abs=0.05)
    lengths = sum(one["length_m"] for one in record["follows"])
    assert lengths == pytest.approx(record["length_m"], abs=0.2)
    assert record["extent"]["plan"] == pytest.approx(traced.shape.bounds, abs=0.01)
    west, south, east, north = record["extent"]["degrees"]
    # The central meridian of the plan, 13.5 degrees east, lies at easting 150 000 m.
    assert west < 13.5 < east
    assert east - 13.5 == pytest.approx(6 * (13.5 - west), rel=1e-3)
    assert 55.9 < south < north < 56.1
    assert [one["name"] for one in record["anchors"]] == ["one", "other"]
    assert record["anchors"][1]["x"] - record["anchors"][0]["x"] == 500.0
    assert record["anchors"][0]["longitude"] == pytest.approx(13.5, abs=1e-7)
    assert record["credits"] == ["Surveyor"]


def test_without_credits_the_files_are_named_as_given(tmp_path):
    sea = write(tmp_path / "sea.gpkg", [shapely.box(-900, 40, 900, 900)])
    traced = trace_boundary(recipe(water=sea))
    assert credit_lines(traced) == ("sea.gpkg, as given by the user",)
