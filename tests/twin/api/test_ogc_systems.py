"""Features come in the reference systems they are asked for in, facets as they stand."""

import json
import subprocess
import sys

import numpy as np
import pyogrio
import pytest
import shapely
from pyproj import CRS, Transformer

from meshes.formats.ellipsoid import HELSINGBORG_GEOID
from twin.feature_shapes import SYSTEMS
from twin.features import read_collections

DEFS = "http://www.opengis.net/def/crs"
CRS84, CRS84H = f"{DEFS}/OGC/1.3/CRS84", f"{DEFS}/OGC/0/CRS84h"
PLAN, PLAN_HEIGHT = f"{DEFS}/EPSG/0/3008", f"{DEFS}/EPSG/0/5847"
FACETS = "/ogc/collections/facets/items"
BUILDINGS = "/ogc/collections/buildings/items"
ROUNDED = 0.02
"""Coordinates are rounded to a centimetre [m]."""


@pytest.fixture
def client(whole, served):
    return served(whole)


def features(client, address, **params):
    answer = client.get(address, params={"limit": 10_000, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()["features"]


def shapes(client, address, **params):
    found = features(client, address, **params)
    return {f["id"]: shapely.geometry.shape(f["geometry"]) for f in found}


def properties(client):
    return {f["id"]: f["properties"] for f in features(client, FACETS)}


def space_area(polygon) -> float:
    """Return the area of a polygon in space with metres on all axes, by Newell's sums."""
    rings = [polygon.exterior, *polygon.interiors]
    sums = np.zeros(3)
    for ring in rings:
        xyz = shapely.get_coordinates(ring, include_z=True)
        sums += np.cross(xyz[:-1], xyz[1:]).sum(axis=0) / 2
    return float(np.linalg.norm(sums))


def test_facets_are_polygons_of_their_area_in_space(client):
    """In EPSG:5847 all axes are metres: the area above ground is that of the polygon."""
    found = shapes(client, FACETS, crs=PLAN_HEIGHT)
    for name, told in properties(client).items():
        polygon = found[name]
        assert polygon.geom_type == "Polygon"
        assert polygon.has_z
        # What terrain hides of a wall is not counted.
        assert told["area_m2"] <= space_area(polygon) * 1.01
        assert told["area_m2"] >= space_area(polygon) * 0.5
    roofs = [name for name in found if "roof" in name]
    for name in roofs:
        area = space_area(found[name])
        assert area == pytest.approx(properties(client)[name]["area_m2"], rel=1e-3)


def test_outlines_turn_against_the_clock_seen_from_outside(client):
    """Their normal is that of azimuth and tilt (x: east, y: north)."""
    for name, polygon in shapes(client, FACETS, crs=PLAN_HEIGHT).items():
        north, east, up = shapely.get_coordinates(polygon, include_z=True).T
        xyz = np.column_stack([east, north, up])
        xyz -= xyz.mean(axis=0)
        normal = np.cross(xyz[:-1], xyz[1:]).sum(axis=0)
        normal /= np.linalg.norm(normal)
        told = properties(client)[name] if name.endswith("1") else None
        if told is None or told["azimuth"] is None:
            assert abs(normal[2] - 1) < 1e-6 or told is None
            continue
        azimuth, tilt = np.radians([told["azimuth"], told["tilt"]])
        expected = [
            np.sin(azimuth) * np.sin(tilt),
            np.cos(azimuth) * np.sin(tilt),
            np.cos(tilt),
        ]
        assert normal == pytest.approx(expected, abs=0.02)


def test_the_middle_lies_on_the_facet(client, whole):
    """Its height is a property, RH2000; in EPSG:5847 heights are the same."""
    for name, polygon in shapes(client, FACETS, crs=PLAN_HEIGHT).items():
        up = shapely.get_coordinates(polygon, include_z=True)[:, 2]
        told = client.get(f"{FACETS}/{name}").json()["properties"]["height_m"]
        assert up.min() - ROUNDED <= told <= up.max() + ROUNDED


def test_heights_above_the_ellipsoid_differ_by_the_geoid(client):
    level = shapes(client, FACETS, crs=PLAN_HEIGHT)
    for name, polygon in shapes(client, FACETS).items():
        up = shapely.get_coordinates(polygon, include_z=True)[:, 2]
        rh2000 = shapely.get_coordinates(level[name], include_z=True)[:, 2]
        assert up == pytest.approx(rh2000 + HELSINGBORG_GEOID, abs=0.002)


@pytest.mark.parametrize(
    ("address", "usual"), [(BUILDINGS, CRS84), (FACETS, CRS84H)], ids=["flat", "heights"]
)
def test_the_answer_names_its_system(client, address, usual):
    """Of part 2: /req/crs/fc-crs-action, ogc-crs-header; usual: /req/core/crs84."""
    assert client.get(address).headers["content-crs"] == f"<{usual}>"
    for system in client.get(address.removesuffix("/items")).json()["crs"]:
        answer = client.get(address, params={"crs": system})
        assert answer.headers["content-crs"] == f"<{system}>"
        assert answer.headers["content-type"] == "application/geo+json"
        name = answer.json()["features"][0]["id"]
        one = client.get(f"{address}/{name}", params={"crs": system})
        assert one.headers["content-crs"] == f"<{system}>"
        assert one.json()["geometry"] == answer.json()["features"][0]["geometry"]


def test_collections_name_their_systems(client):
    """Of part 2: /req/crs/crs-uri, fc-md-crs-list, fc-md-storageCrs."""
    told = {c["id"]: c for c in client.get("/ogc/collections").json()["collections"]}
    assert told["buildings"]["crs"] == [CRS84, PLAN]
    assert told["facets"]["crs"] == [CRS84H, CRS84, PLAN_HEIGHT, PLAN]
    assert told["buildings"]["storageCrs"] == PLAN
    assert told["facets"]["storageCrs"] == PLAN_HEIGHT
    assert CRS.from_epsg(5847).sub_crs_list[0].to_epsg() == 3008
    assert CRS.from_epsg(5847).sub_crs_list[1].to_epsg() == 5613


@pytest.mark.parametrize(
    ("address", "flat", "metres"),
    [(BUILDINGS, CRS84, PLAN), (FACETS, CRS84, PLAN), (FACETS, CRS84H, PLAN_HEIGHT)],
)
def test_systems_are_those_of_proj_with_their_axes(client, address, flat, metres):
    """EPSG has northing first; PROJ's own order of axes is the witness."""
    there = Transformer.from_crs("EPSG:3008", "EPSG:4326")  # both with EPSG's axes
    plan, degrees = shapes(client, address, crs=metres), shapes(client, address, crs=flat)
    assert plan.keys() == degrees.keys()
    for name, shape in plan.items():
        northing, easting = shapely.get_coordinates(shape).T
        latitude, longitude = there.transform(northing, easting)
        assert 6_100_000 < northing.min() < 6_300_000
        found = shapely.get_coordinates(degrees[name])
        expected = np.column_stack([longitude, latitude])
        assert found == pytest.approx(expected, abs=2e-7)


@pytest.mark.parametrize("system", [CRS84, PLAN])
def test_seen_from_above_all_shapes_are_valid(client, system):
    found, told = shapes(client, FACETS, crs=system), properties(client)
    for name, shape in found.items():
        assert shape.is_valid
        assert not shape.has_z
        expected = ("LineString",) if told[name]["tilt"] == 90 else ("Polygon",)
        assert shape.geom_type in expected
    assert {"LineString", "Polygon"} == {shape.geom_type for shape in found.values()}


def test_roofs_seen_from_above_are_the_outlines(client, whole):
    """Roofs of a building together cover its footprint: nothing is lost or laid twice."""
    roofs, told = shapes(client, FACETS, crs=PLAN, kind="roof"), properties(client)
    for building, outline in shapes(client, BUILDINGS, crs=PLAN).items():
        own = [shape for name, shape in roofs.items() if told[name]["building"] == building]
        assert shapely.union_all(own).symmetric_difference(outline).area < 0.1


def test_a_box_in_any_system_finds_the_same(client, whole):
    """Of part 2: /req/crs/fc-bbox-crs-definition, fc-bbox-crs-action; against shapely."""
    plan = shapes(client, FACETS, crs=PLAN)
    south, west, north, east = shapely.total_bounds(list(plan.values()))
    for share in (0.2, 0.5, 1.0):
        box = (south, west, north, west + share * (east - west))
        expected = {k for k, s in plan.items() if s.intersects(shapely.box(*box))}
        told = ",".join(repr(float(v)) for v in box)
        for system in (PLAN, PLAN_HEIGHT):
            found = shapes(client, FACETS, **{"bbox": told, "bbox-crs": system})
            assert found.keys() == expected
        assert expected


def test_heights_of_a_box_count(client):
    """Of six numbers the third and the last; in degrees above the ellipsoid."""
    level = shapes(client, FACETS, crs=PLAN_HEIGHT)
    up = {
        name: shapely.get_coordinates(polygon, include_z=True)[:, 2]
        for name, polygon in level.items()
    }
    middle = float(np.median([z.max() for z in up.values()])) - 0.5
    expected = {name for name, z in up.items() if z.max() >= middle}
    wide = f"6100000,0,{middle},6300000,300000,999"
    found = shapes(client, FACETS, **{"bbox": wide, "bbox-crs": PLAN_HEIGHT})
    assert found.keys() == expected
    assert 0 < len(expected) < len(level)
    degrees = f"12,55,{middle + HELSINGBORG_GEOID},14,57,999"
    assert shapes(client, FACETS, bbox=degrees).keys() == expected
    assert len(shapes(client, BUILDINGS, bbox=degrees)) == 3, "they have no heights"


@pytest.mark.parametrize(
    "params",
    [
        {"crs": "EPSG:3008"},
        {"crs": f"{DEFS}/EPSG/0/4326"},
        {"crs": ""},
        {"bbox-crs": "ghost"},
        {"bbox": "1,2,3,4", "bbox-crs": "ghost"},
        {"bbox": "1,2,3,4,5,6", "bbox-crs": PLAN},
        {"bbox": "1,2,3,4,5,6", "bbox-crs": CRS84},
        {"bbox": "1,3,2,2", "bbox-crs": PLAN},
        {"bbox": "3,1,2,2", "bbox-crs": PLAN},
        {"bbox": "1,2,9,3,4,8"},
        {"bbox": "1,2,3,4,5"},
        {"bbox": "1," * 1000},
    ],
)
def test_wrong_systems_and_boxes(client, params):
    """Of part 2: /req/crs/fc-crs-valid-value, fc-bbox-crs-valid-value."""
    for address in (BUILDINGS, FACETS):
        assert client.get(address, params=params).status_code == 400


def test_a_flat_collection_is_not_given_with_heights(client):
    assert client.get(BUILDINGS, params={"crs": CRS84H}).status_code == 400


def test_pages_keep_their_question(client):
    params = {"crs": PLAN_HEIGHT, "limit": 3, "kind": "wall", "datetime": "../.."}
    seen, page = [], client.get(FACETS, params=params)
    while True:
        assert page.headers["content-crs"] == f"<{PLAN_HEIGHT}>"
        told = page.json()
        assert told["numberReturned"] == len(told["features"]) <= 3
        seen += told["features"]
        following = [link for link in told["links"] if link["rel"] == "next"]
        if not following:
            break
        page = client.get(following[0]["href"])
    whole = features(client, FACETS, crs=PLAN_HEIGHT, kind="wall")
    assert seen == whole
    back = [link["href"] for link in told["links"] if link["rel"] == "prev"]
    assert client.get(back[0]).json()["features"][-1] in whole


# GDAL holds Python's lock while it waits for an answer: it needs a process of its own.
READ = """
import json, sys, warnings
import geopandas as gpd
import pyogrio
warnings.simplefilter("ignore", RuntimeWarning)
address = sys.argv[1]
told = {}
for name, kind in pyogrio.list_layers(address):
    table = gpd.read_file(address, layer=name, engine="pyogrio")
    west, south, east, north = table.total_bounds
    box = (west, south, west + 0.3 * (east - west), north)
    some = gpd.read_file(address, layer=name, engine="pyogrio", bbox=box)
    told[name] = {
        "kind": kind,
        "columns": list(table.columns),
        "crs": table.crs.to_string(),
        "wkt": dict(zip(table["id"], table.geometry.to_wkt(rounding_precision=-1))),
        "within": sorted(some["id"]),
        "box": box,
    }
print(json.dumps(told))
"""


@pytest.fixture
def read_by_gdal(client):
    """Return what GDAL's client reads of all collections."""
    if "OAPIF" not in pyogrio.list_drivers():
        pytest.skip("this GDAL has no OAPIF driver")
    done = subprocess.run(
        [sys.executable, "-c", READ, f"OAPIF:{client.base_url}/ogc"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_gdal_reads_everything_as_it_lies_on_disk(client, whole, read_by_gdal):
    """GDAL's client of OGC API - Features asks page after page, and for a box."""
    assert list(read_by_gdal) == ["buildings", "facets"]
    for name, own in read_collections(whole).items():
        told = read_by_gdal[name]
        assert set(own.table.columns) <= set(told["columns"])
        assert tuple(told["wkt"]) == own.ids
        read = shapely.from_wkt(list(told["wkt"].values()))
        system = SYSTEMS[PLAN if name == "buildings" else PLAN_HEIGHT]
        # Asked for in the system that coordinates are kept in, and given east first.
        expected = shapely.transform(
            own.shapes[system],
            lambda at: at[:, [1, 0, 2][: at.shape[1]]],
            include_z=system.heights,
        )
        assert shapely.equals_identical(read, expected).all()
        assert told["crs"] == f"EPSG:{system.uri.rpartition('/')[2]}"
        flat = shapely.transform(own.shapes[SYSTEMS[PLAN]], lambda at: at[:, [1, 0]])
        within = shapely.intersects(flat, shapely.box(*told["box"]))
        assert told["within"] == sorted(np.array(own.ids)[within])
        assert 0 < within.sum() < len(own.ids)
