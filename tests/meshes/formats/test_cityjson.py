"""The written CityJSON is well formed, closed, outward, exact, and readable by cjio."""

import datetime
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from gis.crs import HEIGHT_EPSG, PLAN, PLAN_EPSG
from gis.district import District, complete_buildings
from gis.errors import GeometryError, OutputError, TableError
from gis.heidi import heidi_district
from gis.terrain import flat_terrain
from meshes.formats.cityjson import COMPOUND_EPSG, REFERENCE_SYSTEM, SCALE, write_cityjson
from meshes.polygons import make_polygons
from meshes.solids import Kind, Solids, lod1_solids

WEST, SOUTH = 99_800.0, 6_213_300.0

L_SHAPE = [(0, 0), (30, 2), (29, 12), (11, 10), (10, 25), (-2, 24)]
TOWER = [(50, 0), (62, 0), (62, 9), (50, 9)]
COURT = [(62, 0), (90, 0), (90, 33), (62, 33)]
HOLE = [(68, 6), (68, 20), (80, 20), (80, 6)]


def polygon(ring, *holes) -> shapely.Polygon:
    def place(corners):
        return [(WEST + x, SOUTH + y) for x, y in corners]

    return shapely.Polygon(place(ring), [place(hole) for hole in holes])


def make_district(shapes: dict[str, shapely.Polygon], **columns) -> District:
    """Make a district whose parts differ in everything that could be confused."""
    n = len(shapes)
    base = 2.0 + 0.25 * np.arange(n)
    height = 7.5 + 3.0 * np.arange(n)
    table = {
        "building": list(shapes),
        "given": [""] * n,
        "name": [""] * n,
        "use": [""] * n,
        "year": [np.nan] * n,
        "height": height,
        "height_source": [f"assumed {k}" for k in range(n)],
        **dict.fromkeys(
            ("height_year", "height_uncertainty", "eaves", "ridge"), [np.nan] * n
        ),
        "base": base,
        "base_source": ["terrain"] * n,
        "top": base + height,
        **columns,
    }
    index = pd.Index(list(shapes), name="part")
    buildings = gpd.GeoDataFrame(
        table, index=index, geometry=list(shapes.values()), crs=PLAN
    )
    nothing = gpd.GeoDataFrame(
        {"name": [], "kind": [], "accuracy": [], "basis": []}, geometry=[], crs=PLAN
    )
    trees = gpd.GeoDataFrame(
        {"height": [], "crown_radius": [], "source": []}, geometry=[], crs=PLAN
    )
    return District(
        name="Quay",
        boundary=shapely.box(WEST - 50, SOUTH - 50, WEST + 150, SOUTH + 90),
        buildings=complete_buildings(buildings),
        terrain=flat_terrain((WEST - 50, SOUTH - 50, WEST + 150, SOUTH + 90), 2.0),
        water=shapely.MultiPolygon(),
        landmarks=nothing,
        trees=trees,
        schematic=True,
        credits=("City of Helsingborg", "Lantmäteriet"),
        notes=(),
    )


@pytest.fixture
def district() -> District:
    """One plain building and one of two parts, of which one is called like the building."""
    return make_district(
        {"a": polygon(L_SHAPE), "b": polygon(TOWER), "b-yard": polygon(COURT, HOLE)},
        building=["a", "b", "b"],
        name=["Åkern", "", "Gården"],
        use=["office", "residential", ""],
        year=[1891.0, np.nan, 2021.0],
    )


def read(path) -> dict:
    """Strict JSON: NaN and Infinity are no numbers there."""

    def refuse(name):
        raise AssertionError(name)

    return json.loads(path.read_bytes(), parse_constant=refuse)


def write(path, district, **options) -> dict:
    write_cityjson(path, district, lod1_solids(district.buildings), **options)
    return read(path)


@pytest.fixture
def model(tmp_path, district) -> dict:
    return write(tmp_path / "quay.city.json", district)


def corners(model) -> np.ndarray:
    """Decode the vertices, (v, 3) [m], relative to the origin to keep the digits."""
    return np.array(model["vertices"]) * model["transform"]["scale"]


def solids(model) -> dict[str, dict]:
    objects = model["CityObjects"].items()
    return {name: thing["geometry"][0] for name, thing in objects if "geometry" in thing}


def edges(solid) -> Counter:
    """Directed edges of all rings of the outer shell."""
    shell = solid["boundaries"][0]
    return Counter(
        edge
        for face in shell
        for ring in face
        for edge in zip(ring, ring[1:] + ring[:1], strict=True)
    )


def flux(points: np.ndarray, face) -> float:
    """Three times the volume under a face, by fans over its rings (holes turn back)."""
    apex = points[face[0][0]]
    total = 0.0
    for ring in face:
        p = points[ring]
        cross = np.cross(p - apex, np.roll(p, -1, axis=0) - apex).sum(axis=0) / 2
        total += float(cross @ apex)
    return total


def volume(points: np.ndarray, solid) -> float:
    return sum(flux(points, face) for face in solid["boundaries"][0]) / 3


def volume_tolerance(part) -> float:
    """Allow every face to move by half a step of the grid along each axis [m3]."""
    surface = 2 * part.geometry.area + part.geometry.length * (part["top"] - part["base"])
    return surface * SCALE / 2 * np.sqrt(3)


def assert_well_formed(model) -> None:
    """Check what the schema of CityJSON 2.0 demands of the objects written here."""
    assert model["type"] == "CityJSON"
    assert model["version"] == "2.0"
    assert {"transform", "CityObjects", "vertices"} <= set(model)
    assert all(len(v) == 3 and all(type(x) is int for x in v) for v in model["vertices"])
    assert len({tuple(v) for v in model["vertices"]}) == len(model["vertices"])
    used = set()
    for name, thing in model["CityObjects"].items():
        assert thing["type"] in {"Building", "BuildingPart"}
        assert ("parents" in thing) == (thing["type"] == "BuildingPart")
        for child in thing.get("children", []):
            assert model["CityObjects"][child]["parents"] == [name]
        for parent in thing.get("parents", []):
            assert name in model["CityObjects"][parent]["children"]
    for solid in solids(model).values():
        assert solid["type"] == "Solid"
        assert solid["lod"] == "1.2"
        (shell,), (values,) = solid["boundaries"], solid["semantics"]["values"]
        assert len(shell) == len(values)
        assert set(values) <= set(range(len(solid["semantics"]["surfaces"])))
        for face in shell:
            for ring in face:
                assert len(ring) == len(set(ring)) >= 3
                used.update(ring)
    assert used == set(range(len(model["vertices"])))


def assert_closed(solid) -> None:
    """Every directed edge meets its reverse, each exactly once."""
    found = edges(solid)
    assert set(found.values()) == {1}
    assert all((end, start) in found for start, end in found)


def test_model_is_well_formed(model):
    assert_well_formed(model)


def test_every_solid_is_closed_and_faces_outward(model, district):
    points = corners(model)
    names = {"a": "a", "b-part": "b", "b-yard": "b-yard"}
    assert set(solids(model)) == set(names)
    for name, solid in solids(model).items():
        assert_closed(solid)
        part = district.buildings.loc[names[name]]
        exact = part.geometry.area * (part["top"] - part["base"])
        assert volume(points, solid) == pytest.approx(exact, abs=volume_tolerance(part))


def test_faces_mean_what_they_are(model):
    """One roof and one ground; one wall per edge of the outline and of the hole."""
    for name, walls in {"a": 6, "b-part": 4, "b-yard": 8}.items():
        solid = solids(model)[name]
        kinds = [s["type"] for s in solid["semantics"]["surfaces"]]
        count = Counter(kinds[v] for v in solid["semantics"]["values"][0])
        assert count == {"RoofSurface": 1, "WallSurface": walls, "GroundSurface": 1}


def test_roofs_lie_on_top_and_grounds_below(model):
    points = corners(model)
    for solid in solids(model).values():
        kinds = [s["type"] for s in solid["semantics"]["surfaces"]]
        heights = {"RoofSurface": set(), "GroundSurface": set()}
        for face, value in zip(
            solid["boundaries"][0], solid["semantics"]["values"][0], strict=True
        ):
            if kinds[value] in heights:
                heights[kinds[value]] |= set(points[face[0], 2])
        assert len(heights["RoofSurface"]) == len(heights["GroundSurface"]) == 1
        assert max(heights["RoofSurface"]) > max(heights["GroundSurface"])


def test_courtyard_is_an_inner_ring_that_turns_against_the_outline(model):
    points = corners(model)
    yard = solids(model)["b-yard"]
    pierced = [face for face in yard["boundaries"][0] if len(face) > 1]
    assert [len(face) for face in pierced] == [2, 2]
    for face in pierced:
        outer, inner = (
            shapely.LinearRing(points[ring][:, :2]) for ring in (face[0], face[1])
        )
        assert outer.is_ccw != inner.is_ccw
        assert shapely.Polygon(inner).area == pytest.approx(12 * 14)


def test_corners_are_east_north_up_where_the_footprint_is(model, district):
    """Data with unlike axes: a swap would put them thousands of kilometres away."""
    absolute = corners(model) + model["transform"]["translate"]
    assert model["transform"]["scale"] == [SCALE] * 3
    wanted = np.concatenate(
        [shapely.get_coordinates(shape) for shape in district.buildings.geometry]
    )
    distance = shapely.distance(
        shapely.points(absolute[:, :2]), shapely.MultiPoint(shapely.points(wanted))
    )
    assert distance.max() <= SCALE
    extent = model["metadata"]["geographicalExtent"]
    west, south, east, north = district.buildings.total_bounds
    low, high = district.buildings["base"].min(), district.buildings["top"].max()
    assert extent == pytest.approx([west, south, low, east, north, high], abs=SCALE)


def test_reference_system_is_the_plan_with_rh2000(model):
    plan, heights = CRS.from_epsg(COMPOUND_EPSG).sub_crs_list
    assert plan.to_epsg() == PLAN_EPSG
    assert heights.to_epsg() == HEIGHT_EPSG
    assert model["metadata"]["referenceSystem"] == REFERENCE_SYSTEM
    assert REFERENCE_SYSTEM == "https://www.opengis.net/def/crs/EPSG/0/5847"


@pytest.mark.parametrize("schematic", [True, False])
def test_title_says_whether_it_is_surveyed(tmp_path, district, schematic):
    model = write(tmp_path / "q.city.json", replace(district, schematic=schematic))
    title = model["metadata"]["title"]
    assert ("schematic, not survey data" in title) == schematic
    assert model["metadata"]["credits"] == ["City of Helsingborg", "Lantmäteriet"]


def test_building_speaks_for_its_parts(model):
    """Height and its source from the highest part, the rest from the first that knows."""
    objects = model["CityObjects"]
    assert objects["a"]["attributes"] == {
        "name": "Åkern",
        "function": "office",
        "yearOfConstruction": 1891,
        "measuredHeight": 7.5,
        "height_source": "assumed 0",
        "base_elevation_m": 2.0,
        "base_source": "terrain",
    }
    assert objects["b"]["children"] == ["b-part", "b-yard"]
    assert "geometry" not in objects["b"]
    assert objects["b"]["attributes"] == {
        "name": "Gården",
        "function": "residential",
        "yearOfConstruction": 2021,
        "measuredHeight": 13.5,
        "height_source": "assumed 2",
        "base_elevation_m": 2.5,
        "base_source": "terrain",
    }
    assert objects["b-part"]["attributes"] == {
        "function": "residential",
        "measuredHeight": 10.5,
        "height_source": "assumed 1",
        "base_elevation_m": 2.25,
        "base_source": "terrain",
    }


def test_results_become_attributes_and_unknown_ones_are_left_out(tmp_path, district):
    results = pd.DataFrame(
        {"pv_kwh": [1234.56789, np.nan], "floors": [3, 7], "is_lit": [True, False]},
        index=["b", "a"],
    )
    objects = write(tmp_path / "q.city.json", district, attributes=results)["CityObjects"]
    b, a = objects["b"]["attributes"], objects["a"]["attributes"]
    assert (b["pv_kwh"], b["floors"], b["is_lit"]) == (1234.568, 3, True)
    assert "pv_kwh" not in a
    assert a["is_lit"] is False
    assert "floors" not in objects["b-yard"]["attributes"]


def test_bytes_depend_on_the_district_alone(tmp_path, district):
    for name in ("one", "two"):
        write(tmp_path / f"{name}.city.json", district)
    one, two = (tmp_path / f"{name}.city.json" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    dense = json.dumps(read(one), ensure_ascii=False, separators=(",", ":"))
    assert one.read_bytes() == dense.encode()
    assert sorted(path.name for path in tmp_path.iterdir()) == [one.name, two.name]


def test_corners_closer_than_the_grid_become_one_and_the_solid_stays_closed(tmp_path):
    """Edges of 0.02 mm and a hole of 0.03 mm vanish together with their walls."""
    tiny = 2e-5
    outline = [(0, 0), (40, 0), (40, tiny), (40, 17), (0, 17)]
    speck = [(20, 8), (20, 8 + tiny), (20 + tiny, 8 + tiny), (20 + tiny, 8)]
    district = make_district({"c": polygon(outline, speck)})
    model = write(tmp_path / "c.city.json", district)
    assert_well_formed(model)
    (solid,) = solids(model).values()
    assert_closed(solid)
    assert len(model["vertices"]) == 8
    assert len(solid["boundaries"][0]) == 6
    part = district.buildings.iloc[0]
    assert volume(corners(model), solid) == pytest.approx(
        40 * 17 * part["height"], abs=volume_tolerance(part)
    )


def test_corners_a_third_of_a_millimetre_apart_stay_apart(tmp_path):
    outline = [(0, 0), (40, 0), (40, 3e-4), (39.9997, 17), (0, 17)]
    model = write(tmp_path / "c.city.json", make_district({"c": polygon(outline)}))
    (solid,) = solids(model).values()
    assert_closed(solid)
    assert len(model["vertices"]) == 10


@pytest.mark.parametrize(
    ("results", "fault"),
    [
        pytest.param(pd.DataFrame({"v": [1.0]}, ["ghost"]), "1 unknown ids: ghost"),
        pytest.param(pd.DataFrame({"v": [1.0, 2]}, ["a", "a"]), "1 repeated ids: a"),
        pytest.param(pd.DataFrame({"v": [np.inf]}, ["a"]), "finite or missing, got v=inf"),
    ],
)
def test_results_of_another_district_are_refused(tmp_path, district, results, fault):
    with pytest.raises(TableError, match=fault):
        write(tmp_path / "q.city.json", district, attributes=results)
    assert not list(tmp_path.iterdir())


def test_solids_of_another_district_are_refused(tmp_path, district):
    others = lod1_solids(district.buildings.iloc[:2])
    with pytest.raises(TableError, match="3 parts in their order, got 2"):
        write_cityjson(tmp_path / "q.city.json", district, others)


def test_missing_folder_is_named(tmp_path, district):
    with pytest.raises(OutputError, match="absent"):
        write(tmp_path / "absent" / "q.city.json", district)


def test_what_is_known_of_heights_is_told_with_its_unit(tmp_path):
    known = {
        "given": ["way/7"],
        "height_year": [2021.0],
        "height_uncertainty": [0.4],
        "eaves": [6.5],
        "ridge": [9.25],
    }
    model = write(tmp_path / "q.city.json", make_district({"c": polygon(L_SHAPE)}, **known))
    told = model["CityObjects"]["c"]["attributes"]
    assert told["source_id"] == "way/7"
    assert (told["height_year"], told["height_uncertainty_m"]) == (2021, 0.4)
    assert (told["eaves_height_m"], told["ridge_height_m"]) == (6.5, 9.25)


def test_each_part_has_its_level_of_detail(tmp_path, district):
    model = write(tmp_path / "q.city.json", district, lod=["1.2", "2.0", "2.2"])
    levels = {name: solid["lod"] for name, solid in solids(model).items()}
    assert levels == {"a": "1.2", "b-part": "2.0", "b-yard": "2.2"}


@pytest.mark.parametrize("lod", ["high", "4", "2.25", [2, 2, 2], ["1.2"]])
def test_odd_levels_of_detail_are_refused(tmp_path, district, lod):
    with pytest.raises(GeometryError, match="level"):
        write(tmp_path / "q.city.json", district, lod=lod)
    assert not list(tmp_path.iterdir())


def test_results_of_faces_stay_with_their_face(tmp_path, district):
    """Every face tells its own area; Newell's sum of the written corners agrees."""
    made = lod1_solids(district.buildings)
    results = pd.DataFrame({"area_m2": made.faces.area, "gain": np.nan})
    model = write(tmp_path / "q.city.json", district, surfaces=results)
    assert_well_formed(model)
    points = corners(model)
    for solid in solids(model).values():
        surfaces = solid["semantics"]["surfaces"]
        values = solid["semantics"]["values"][0]
        assert sorted(values) == list(range(len(surfaces)))
        for face, value in zip(solid["boundaries"][0], values, strict=True):
            twice = sum(
                np.cross(points[ring], np.roll(points[ring], -1, axis=0)).sum(axis=0)
                for ring in face
            )
            area = np.linalg.norm(twice) / 2
            assert surfaces[value]["area_m2"] == pytest.approx(area, abs=2e-2)
            assert "gain" not in surfaces[value]


def test_results_of_other_faces_are_refused(tmp_path, district):
    with pytest.raises(TableError, match="one row per face, of 24 faces, got 2"):
        write(tmp_path / "q.city.json", district, surfaces=pd.DataFrame({"a": [1.0, 2]}))


def test_date_and_contact_are_told(tmp_path, district):
    contact = {"contactName": "City", "emailAddress": "city@example.org"}
    day = datetime.date(2026, 3, 20)
    model = write(tmp_path / "q.city.json", district, reference_date=day, contact=contact)
    assert model["metadata"]["referenceDate"] == "2026-03-20"
    assert model["metadata"]["pointOfContact"] == contact
    with pytest.raises(TableError, match="contact must have emailAddress"):
        write(tmp_path / "r.city.json", district, contact={"contactName": "City"})


@pytest.mark.parametrize("fault", ["open", "inside out", "askew", "roof as ground"])
def test_no_invalid_solid_is_written(tmp_path, district, fault):
    made = lod1_solids(district.buildings)
    faces = [made.faces.rings(k) for k in range(len(made.faces))]
    kind, part = made.kind.copy(), made.part
    if fault == "open":
        faces, kind, part = faces[1:], kind[1:], part[1:]
    if fault == "inside out":
        first = part == 0
        faces = [
            [ring[::-1] for ring in rings] if mine else rings
            for rings, mine in zip(faces, first, strict=True)
        ]
    if fault == "askew":
        peak = faces[0][0][0].copy()
        higher = peak + np.array([0, 0, 0.5])
        faces = [
            [np.where((ring == peak).all(axis=1)[:, None], higher, ring)
             for ring in rings]
            for rings in faces
        ]  # fmt: skip
    if fault == "roof as ground":
        kind[0] = Kind.GROUND
    broken = Solids(make_polygons(faces), kind, part, made.parts, made.origin)
    with pytest.raises(GeometryError, match=r"only valid solids .* 1 part is not \(a: \d+"):
        write_cityjson(tmp_path / "q.city.json", district, broken)
    assert not list(tmp_path.iterdir())


def test_sequence_holds_the_same_as_the_document(tmp_path, district):
    """Features put together again give the same corners, faces and attributes."""
    whole = write(tmp_path / "q.city.json", district)
    write_cityjson(tmp_path / "q.city.jsonl", district, lod1_solids(district.buildings))
    head, *features = [
        json.loads(line)
        for line in (tmp_path / "q.city.jsonl").read_text("utf-8").splitlines()
    ]
    assert head["type"] == "CityJSON"
    assert (head["CityObjects"], head["vertices"]) == ({}, [])
    assert head["transform"] == whole["transform"]
    assert head["metadata"] == whole["metadata"]
    assert [feature["id"] for feature in features] == ["a", "b"]
    for feature in features:
        assert feature["type"] == "CityJSONFeature"
        for name, thing in feature["CityObjects"].items():
            other = whole["CityObjects"][name]
            assert thing["attributes"] == other["attributes"]
            for mine, theirs in zip(
                thing.get("geometry", []), other.get("geometry", []), strict=True
            ):
                assert mine["semantics"] == theirs["semantics"]
                assert [
                    feature["vertices"][k]
                    for f in mine["boundaries"][0]
                    for r in f
                    for k in r
                ] == [
                    whole["vertices"][k]
                    for f in theirs["boundaries"][0]
                    for r in f
                    for k in r
                ]


@pytest.fixture(scope="module")
def heidi_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("heidi") / "district.city.json"
    heidi = heidi_district()
    write_cityjson(path, heidi, lod1_solids(heidi.buildings))
    return path, heidi


def test_whole_district_is_closed_and_keeps_its_volume(heidi_file):
    path, heidi = heidi_file
    model = read(path)
    assert_well_formed(model)
    assert len([o for o in model["CityObjects"].values() if o["type"] == "Building"]) == 189
    points = corners(model)
    for name, solid in solids(model).items():
        assert_closed(solid)
        part = heidi.buildings.loc[name]
        exact = part.geometry.area * (part["top"] - part["base"])
        assert volume(points, solid) == pytest.approx(exact, abs=volume_tolerance(part))


CJIO = """
import json, sys
from cjio import cityjson
with open(sys.argv[1], encoding="utf-8") as file:
    model = cityjson.reader(file)
model.check_version()
print(json.dumps({
    "version": model.get_version(),
    "epsg": model.get_epsg(),
    "bbox": [str(value) for value in model.calculate_bbox()],
    "buildings": model.number_city_objects_level1(),
    "title": model.get_title(),
    "info": model.get_info(long=True),
    "orphans": str(model.remove_orphan_vertices()),
    "duplicates": str(model.remove_duplicate_vertices()),
    "left": len(model.j["vertices"]),
}))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("cjio") is None, reason="cjio is not installed"
)
def test_cjio_reads_it(heidi_file):
    """In a process of its own: cjio replaces the encoder of Python's json."""
    path, heidi = heidi_file
    run = subprocess.run(
        [sys.executable, "-c", CJIO, str(path)], capture_output=True, text=True, check=True
    )
    seen = json.loads(run.stdout)
    model = read(path)
    assert seen["version"] == "2.0"
    assert seen["epsg"] == COMPOUND_EPSG
    assert seen["buildings"] == heidi.buildings["building"].nunique()
    assert seen["title"] == f"{heidi.name}, schematic, not survey data"
    assert seen["left"] == len(model["vertices"])
    extent = [float(value) for value in seen["bbox"]]
    assert extent == pytest.approx(model["metadata"]["geographicalExtent"], abs=SCALE)
    info = " ".join(seen["info"])
    for word in ("RoofSurface", "WallSurface", "GroundSurface", "measuredHeight", "1.2"):
        assert word in info
