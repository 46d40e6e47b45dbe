"""City models become solids that look outward, and go out again with nothing lost."""

import copy
import importlib.util
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Proj

from gis.errors import CrsError, GeometryError, SourceError, TableError
from meshes.formats.cityjson_light import _to_true_north
from meshes.formats.cityjson_read import city_model_of, read_city_model
from meshes.formats.cityjson_write import BY_DIRECTION, CityResults, write_city_model
from meshes.polygons import make_polygons
from meshes.predicates import examine
from meshes.solids import Kind

AT = np.array([84_600.0, 447_400.0, 1.5])
DUTCH = "https://www.opengis.net/def/crs/EPSG/0/7415"
FILES = (
    "3dbag_b2.city.json",
    "3dbag_b2.city.jsonl",
    "berlin_lod2.city.json",
    "delft.city.json",
    "denhaag_01_subset.city.json",
    "multi_lod.city.json",
)

# A house of 10 m x 8 m, eaves at 6 m, ridge at 9 m along x: 10 x 8 x 6 + 10 x 8 x 3 / 2.
CORNERS = [
    *[(0, 0, 0), (10, 0, 0), (10, 8, 0), (0, 8, 0)],
    *[(0, 0, 6), (10, 0, 6), (10, 8, 6), (0, 8, 6), (0, 4, 9), (10, 4, 9)],
]
VOLUME = 600.0
HOUSE = [
    [[3, 2, 1, 0]],
    [[0, 1, 5, 4]],
    [[1, 2, 6, 9, 5]],
    [[2, 3, 7, 6]],
    [[3, 0, 4, 8, 7]],
    [[4, 5, 9, 8]],
    [[6, 7, 8, 9]],
]
MEANS = ["GroundSurface", *["WallSurface"] * 4, "RoofSurface", "RoofSurface"]
KINDS = [Kind.GROUND, *[Kind.WALL] * 4, Kind.ROOF, Kind.ROOF]


def document(objects: dict, vertices=CORNERS, **more) -> dict:
    return {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": DUTCH},
        "transform": {"scale": [0.001] * 3, "translate": AT.tolist()},
        "CityObjects": objects,
        "vertices": [[round(x * 1000) for x in vertex] for vertex in vertices],
        **more,
    }


def house(faces=HOUSE, *, labelled=True, **more) -> dict:
    solid = {"type": "Solid", "lod": "2.2", "boundaries": [faces], **more}
    if labelled:
        solid["semantics"] = {
            "surfaces": [{"type": kind, "id": f"s{k}"} for k, kind in enumerate(MEANS)],
            "values": [list(range(len(MEANS)))],
        }
    return {"type": "Building", "attributes": {"storeys": 2}, "geometry": [solid]}


def model_of(objects: dict, **more):
    return city_model_of([document(objects, **more)], "house.city.json")


def test_a_house_is_a_solid_of_its_volume():
    model = model_of({"h": house()})
    assert model.solids.volume() == pytest.approx(VOLUME)
    assert model.solids.kind.tolist() == KINDS
    assert model.surface.tolist() == list(range(7))
    assert model.closed.tolist() == [True]
    assert examine(model.solids).valid.all()
    middle = model.solids.faces.vertices.mean(axis=0) + model.solids.origin
    assert np.abs(middle - AT).max() < 10


def test_what_has_no_label_is_told_by_where_it_looks():
    model = model_of({"h": house(labelled=False)})
    assert model.solids.kind.tolist() == KINDS
    assert any("7 faces without a fitting label" in note for note in model.notes)


@settings(max_examples=60, deadline=None)
@given(flips=st.lists(st.booleans(), min_size=7, max_size=7))
def test_any_faces_may_be_turned_inward(flips):
    faces = [
        [ring[::-1] for ring in face] if flip else face
        for face, flip in zip(HOUSE, flips, strict=True)
    ]
    model = model_of({"h": house(faces)})
    assert model.solids.volume() == pytest.approx(VOLUME)
    assert model.closed.all()
    turned = sum("turned outward" in note for note in model.notes)
    assert turned == any(flips)


def test_a_house_of_loose_surfaces_is_turned_too():
    inside_out = [[ring[::-1] for ring in face] for face in HOUSE]
    thing = house(labelled=False)
    thing["geometry"] = [{"type": "MultiSurface", "lod": "2", "boundaries": inside_out}]
    model = model_of({"h": thing})
    assert model.solids.volume() == pytest.approx(VOLUME)
    assert model.closed.all()


def test_an_open_house_is_turned_by_its_labels_and_told_as_open():
    inside_out = [[ring[::-1] for ring in face] for face in HOUSE[1:]]
    thing = house(inside_out)
    thing["geometry"][0]["semantics"]["values"] = [list(range(1, 7))]
    model = model_of({"h": thing})
    assert not model.closed.any()
    assert (model.solids.faces.normal[-2:, 2] > 0).all()
    assert any("1 building part not closed (h)" in note for note in model.notes)


def test_holes_that_turn_like_their_face_are_turned():
    """A slab of 10 m x 10 m x 2 m with a shaft of 4 m x 3 m."""
    outer = [(0, 0), (10, 0), (10, 10), (0, 10)]
    shaft = [(3, 3), (7, 3), (7, 6), (3, 6)]
    vertices = [(x, y, z) for ring in (outer, shaft) for z in (0, 2) for x, y in ring]
    low, high, inner_low, inner_high = (list(range(k, k + 4)) for k in (0, 4, 8, 12))
    around = [(k, (k + 1) % 4) for k in range(4)]
    faces = [
        [low[::-1], inner_low[::-1]],
        [high, inner_high],
        *[[[low[a], low[b], high[b], high[a]]] for a, b in around],
        *[[[inner_low[b], inner_low[a], inner_high[a], inner_high[b]]] for a, b in around],
    ]
    model = model_of({"h": house(faces, labelled=False)}, vertices=vertices)
    assert model.solids.volume() == pytest.approx(2 * (100 - 12))
    assert model.closed.all()
    assert any("2 holes turned" in note for note in model.notes)


def test_bent_faces_are_cut_in_triangles_and_the_solid_stays_closed():
    """A block whose roof has one corner 1 m too high: 4 x 10 x 10 + 1/3 or 1/6 of 100."""
    vertices = [(x, y, 0) for x, y in ((0, 0), (10, 0), (10, 10), (0, 10))]
    vertices += [(0, 0, 4), (10, 0, 4), (10, 10, 5), (0, 10, 4)]
    faces = [
        [[3, 2, 1, 0]],
        [[4, 5, 6, 7]],
        *[[[k, (k + 1) % 4, (k + 1) % 4 + 4, k + 4]] for k in range(4)],
    ]
    model = model_of({"h": house(faces, labelled=False)}, vertices=vertices)
    assert len(model.solids.faces) == 7
    assert model.surface.tolist() == [0, 1, 1, 2, 3, 4, 5]
    assert (
        min(abs(model.solids.volume()[0] - 400 - extra) for extra in (100 / 3, 50 / 3))
        < 1e-9
    )
    assert examine(model.solids).valid.all()


def test_faces_of_no_area_and_repeated_corners_go():
    faces = [*HOUSE, [[0, 1, 0]], [[4, 5, 5, 4]]]
    faces[1] = [[0, 1, 1, 5, 4, 4]]
    model = model_of({"h": house(faces)})
    assert len(model.solids.faces) == 7
    assert model.solids.volume() == pytest.approx(VOLUME)
    assert model.closed.all()


def test_a_face_that_crosses_itself_is_taken_apart():
    """A bow tie over a trapezoid of 10 m and 8 m, 8 m apart: its diagonals part it."""
    bow = [[[0, 1, 3, 2]]]
    thing = {"type": "Building", "geometry": [
        {"type": "MultiSurface", "lod": "2", "boundaries": bow}]}  # fmt: skip
    model = model_of({"h": thing}, vertices=[(0, 0, 5), (10, 0, 5), (8, 8, 5), (0, 8, 5)])
    assert len(model.solids.faces) == 2
    # The two pieces at its parallel sides stay; their heights share the 8 m as 10 : 8.
    u = 10 / 18
    assert model.solids.faces.area.sum() == pytest.approx(
        10 * 8 * u / 2 + 8 * 8 * (1 - u) / 2
    )


def test_templates_stand_where_their_instances_are():
    """A quarter turn about the vertical and a shift, in the order matrix, then point."""
    turn = [0, -1, 0, 2, 1, 0, 0, 3, 0, 0, 1, 0, 0, 0, 0, 1]
    instance = {
        "type": "GeometryInstance",
        "template": 0,
        "boundaries": [1],
        "transformationMatrix": turn,
    }
    shared = house()["geometry"][0]
    templates = {"templates": [shared], "vertices-templates": [list(c) for c in CORNERS]}
    objects = {"h": {"type": "Building", "geometry": [instance]}}
    model = model_of(objects, **{"geometry-templates": templates})
    assert model.solids.volume() == pytest.approx(VOLUME)
    assert set(model.surface) == {-1}
    low, high = (f(model.solids.faces.vertices, axis=0) for f in (np.min, np.max))
    # (x, y) goes to (2 - y, 3 + x), then to the corner (10, 0) of the house's vertices.
    assert low + model.solids.origin == pytest.approx(AT + np.array([10 + 2 - 8, 3, 0]))
    assert high + model.solids.origin == pytest.approx(AT + np.array([10 + 2, 13, 9]))


def test_the_best_or_the_asked_level_of_detail_is_taken():
    thing = house()
    block = {"type": "Solid", "lod": "1.2", "boundaries": [
        [[[3, 2, 1, 0]], [[4, 5, 6, 7]], *[[[k, (k + 1) % 4, (k + 1) % 4 + 4, k + 4]]
         for k in range(4)]]]}  # fmt: skip
    thing["geometry"].insert(0, block)
    documents = [document({"h": thing})]
    assert city_model_of(documents, "h").solids.volume() == pytest.approx(VOLUME)
    low = city_model_of(documents, "h", lod="1.2")
    assert low.solids.volume() == pytest.approx(480)
    assert (low.lod, low.geometry.tolist()) == (("1.2",), [0])
    with pytest.raises(GeometryError, match=r"detail 3, there is 1\.2, 2\.2"):
        city_model_of(documents, "h", lod="3")


def test_other_objects_are_bare_surfaces():
    bridge = {"type": "Bridge", "geometry": [
        {"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2, 3]]]}]}  # fmt: skip
    room = {**house(), "type": "BuildingRoom", "parents": ["h"]}
    model = model_of({"h": house(), "b": bridge, "r": room})
    assert model.solids.parts == ("h",)
    assert model.other_types == ("Bridge",)
    assert model.others.area == pytest.approx([80])


def test_hollows_get_no_light_and_keep_the_numbers_of_surfaces():
    """The hollow's faces are counted, so that later solids keep their places."""
    thing = house(labelled=False)
    shell = thing["geometry"][0]["boundaries"][0]
    hollow = [[ring[::-1] for ring in face] for face in shell]
    thing["geometry"] = [
        {"type": "MultiSolid", "lod": "2", "boundaries": [[shell, hollow], [shell]]}
    ]
    model = model_of({"h": thing})
    assert model.surface.tolist() == [*range(7), *range(14, 21)]
    assert any("1 hollow inside" in note for note in model.notes)


def test_place_and_north_come_from_the_reference_system():
    """The Dutch grid starts at the tower of Amersfoort: 5.387 E, 52.155 N."""
    model = model_of({"h": house()})
    assert (model.latitude, model.longitude) == pytest.approx((52.010, 4.362), abs=2e-3)
    own = Proj(28992)(*AT[:2], inverse=True)
    north = np.array(Proj(28992)(own[0], own[1] + 0.01)) - AT[:2]
    east_of_north = np.degrees(np.arctan2(north[0], north[1]))
    # True north lies clockwise of the grid's, so the grid's lies the other way.
    assert model.convergence == pytest.approx(-east_of_north, abs=1e-3)
    assert model.convergence < -0.7


def test_turning_to_true_north_turns_a_line_to_true_north_upright():
    length = 100.0
    own = Proj(28992)(*AT[:2], inverse=True)
    tip = np.array(Proj(28992)(own[0], own[1] + 0.001)) - AT[:2]
    tip *= length / np.linalg.norm(tip)
    faces = make_polygons([[np.array([[0.0, 0, 0], [*tip, 0], [0, 0, 5]])]])
    turned = _to_true_north(faces, model_of({"h": house()}).convergence)
    assert turned.vertices[1] == pytest.approx([0, length, 0], abs=0.01)
    again = make_polygons([turned.rings(0)])
    assert turned.normal == pytest.approx(again.normal)


def lonely(**metadata) -> list:
    return [document({"h": house()}, metadata=metadata)]


@pytest.mark.parametrize(
    ("documents", "error", "fault"),
    [
        pytest.param([{"type": "FeatureCollection"}], SourceError, "version", id="GeoJSON"),
        pytest.param(
            [{**document({}), "version": "0.6"}], SourceError, "cjio upgrade", id="too old"
        ),
        pytest.param([document({})], GeometryError, "buildings with faces", id="empty"),
        pytest.param(
            [document({"h": house([[[0, 1, 99]]])})], SourceError, "0..9, one uses 99",
            id="vertex that is none",
        ),
        pytest.param(
            [document({"h": house([[["a", 1, 2]]])})], SourceError, "formed as CityJSON",
            id="text for a vertex",
        ),
        pytest.param(
            lonely(referenceSystem="http://www.opengis.net/def/crs/EPSG/0/4326"),
            CrsError, "in degrees", id="degrees",
        ),
        pytest.param(
            lonely(referenceSystem="http://www.opengis.net/def/crs/EPSG/0/2263"),
            CrsError, "must be in metres, h is in US survey foot", id="feet",
        ),
        pytest.param(
            [document({"h": house()}, transform={"scale": [1, 1], "translate": [0, 0, 0]})],
            SourceError, "formed as CityJSON", id="transform of two numbers",
        ),
        pytest.param(
            [document({"h": house()}, vertices=[(1e12, 0, 0)] * 10)],
            GeometryError, "buildings with faces", id="absurd coordinates",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_one_line(documents, error, fault):
    with pytest.raises(error, match=fault) as caught:
        city_model_of(documents, "h")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b'{"type":"CityJSON"', b"\xff\xfe\x00"])
def test_broken_files_are_refused(tmp_path, content):
    path = tmp_path / "x.city.json"
    path.write_bytes(content)
    with pytest.raises(SourceError):
        read_city_model(path)


def results_of(model) -> CityResults:
    """Give every object and face a number of its own."""
    ids = list(dict.fromkeys([*model.solids.parts, *model.building]))
    count = len(model.solids.faces)
    return CityResults(
        objects=pd.DataFrame({"twin_number": np.arange(len(ids)) + 0.5}, index=ids),
        faces=pd.DataFrame({"twin_value": np.arange(count, dtype=float)}),
    )


def without_results(documents: list) -> list:
    """Take away what writing may add."""
    left = copy.deepcopy(documents)
    for each in left:
        for thing in each.get("CityObjects", {}).values():
            thing.get("attributes", {}).pop("twin_number", None)
            if not thing.get("attributes", {"": 0}):
                thing.pop("attributes")
            for geometry in thing.get("geometry", []):
                surfaces = geometry.get("semantics", {}).get("surfaces", [])
                for surface in surfaces:
                    surface.pop("twin_value", None)
                if surfaces and all("type_source" in surface for surface in surfaces):
                    geometry.pop("semantics")
    return left


def parsed(path) -> list:
    text = path.read_text("utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return [json.loads(text)]


def without_empty_attributes(documents: list) -> list:
    left = copy.deepcopy(documents)
    for each in left:
        for thing in each.get("CityObjects", {}).values():
            if thing.get("attributes") == {}:
                thing.pop("attributes")
    return left


@pytest.mark.real
@pytest.mark.parametrize("name", FILES)
def test_real_files_go_out_as_they_came(tmp_path, shared_data, name):
    source = shared_data / "cityjson" / name
    model = read_city_model(source)
    before = parsed(source)
    write_city_model(tmp_path / name, model)
    assert parsed(tmp_path / name) == before
    write_city_model(tmp_path / name, model, results_of(model))
    after = parsed(tmp_path / name)
    assert after != before
    assert without_results(after) == without_empty_attributes(before)
    assert list(model.documents) == before
    again = read_city_model(tmp_path / name)
    assert np.array_equal(again.solids.faces.vertices, model.solids.faces.vertices)
    assert np.array_equal(again.solids.kind, model.solids.kind)


@pytest.mark.real
@pytest.mark.parametrize("name", [name for name in FILES if name != "delft.city.json"])
def test_real_buildings_are_sound_solids(shared_data, name):
    model = read_city_model(shared_data / "cityjson" / name)
    assert model.closed.all()
    assert (model.solids.volume() > 0).all()
    # Corners may lie a centimetre off both ways (`PLANAR`) before a face is cut.
    assert examine(model.solids, tolerance=0.02).solid.all()


@pytest.mark.real
def test_delft_lacks_nothing_but_its_floors(shared_data):
    """What a shell lacks has the opposite of its vector area: as large as the roof."""
    model = read_city_model(shared_data / "cityjson" / "delft.city.json")
    solids = model.solids
    assert len(solids.parts) == 160
    assert not model.closed.any()
    vector = solids.faces.area[:, None] * solids.faces.normal
    sums = np.stack([np.bincount(solids.part, vector[:, k]) for k in range(3)], axis=1)
    roof = solids.kind == Kind.ROOF
    area = np.bincount(solids.part[roof], solids.faces.area[roof])
    assert np.abs(sums[:, :2]).max() < 0.05
    assert sums[:, 2] == pytest.approx(area, rel=1e-3)


def test_shared_surfaces_tell_the_mean_or_are_split(tmp_path):
    """Four walls of 60, 48 + 12, 60 and 48 + 12 m2 share one surface; two roofs another."""
    thing = house()
    thing["geometry"][0]["semantics"] = {
        "surfaces": [{"type": k, "glass": 0.2} for k in dict.fromkeys(MEANS)],
        "values": [[0, 1, 1, 1, 1, 2, 2]],
    }
    model = model_of({"h": thing})
    values = np.array([np.nan, 1, 2, 3, 4, 10, 30.0])
    results = CityResults(faces=pd.DataFrame({"kwh": values}))
    write_city_model(tmp_path / "a.city.json", model, results)
    (document_,) = parsed(tmp_path / "a.city.json")
    semantics = document_["CityObjects"]["h"]["geometry"][0]["semantics"]
    assert semantics["values"] == [[0, 1, 1, 1, 1, 2, 2]]
    area = model.solids.faces.area
    walls = (area[1:5] @ values[1:5]) / area[1:5].sum()
    assert [s.get("kwh") for s in semantics["surfaces"]] == [None, round(walls, 3), 20.0]
    write_city_model(tmp_path / "b.city.json", model, results, split=True)
    (document_,) = parsed(tmp_path / "b.city.json")
    semantics = document_["CityObjects"]["h"]["geometry"][0]["semantics"]
    told = [semantics["surfaces"][k] for k in semantics["values"][0]]
    assert [s["type"] for s in told] == MEANS
    assert {s["glass"] for s in told} == {0.2}
    assert [s.get("kwh") for s in told] == [None, 1, 2, 3, 4, 10, 30]


def test_geometry_without_semantics_gets_surfaces_that_say_so(tmp_path):
    model = model_of({"h": house(labelled=False)})
    results = CityResults(faces=pd.DataFrame({"kwh": np.arange(7.0)}))
    write_city_model(tmp_path / "a.city.json", model, results)
    (document_,) = parsed(tmp_path / "a.city.json")
    semantics = document_["CityObjects"]["h"]["geometry"][0]["semantics"]
    assert [s["type"] for s in semantics["surfaces"]] == MEANS
    assert {s["type_source"] for s in semantics["surfaces"]} == {BY_DIRECTION}
    assert semantics["values"] == [[0, 1, 2, 3, 4, 5, 6]]


@pytest.mark.parametrize(
    ("results", "fault"),
    [
        (CityResults(objects=pd.DataFrame({"a": [1]}, ["ghost"])), "1 unknown ids: ghost"),
        (CityResults(objects=pd.DataFrame({"a": [1, 2]}, ["h", "h"])), "1 repeated ids: h"),
        (
            CityResults(objects=pd.DataFrame({"storeys": [3]}, ["h"])),
            "object h has storeys",
        ),
        (CityResults(objects=pd.DataFrame({"a": [np.inf]}, ["h"])), "finite"),
        (CityResults(faces=pd.DataFrame({"a": [1.0]})), "per face of the model's 7, got 1"),
        (CityResults(faces=pd.DataFrame({"id": np.ones(7)})), "surface of object h has id"),
    ],
)
def test_results_that_do_not_fit_are_refused(tmp_path, results, fault):
    model = model_of({"h": house()})
    with pytest.raises(TableError, match=fault):
        write_city_model(tmp_path / "a.city.json", model, results)
    assert not list(tmp_path.iterdir())


def test_numbers_that_json_does_not_know_are_refused(tmp_path):
    thing = {**house(), "attributes": {"a": float("nan")}}
    with pytest.raises(SourceError, match="finite"):
        write_city_model(tmp_path / "a.city.json", model_of({"h": thing}))
    assert not list(tmp_path.iterdir())


CJIO = """
import json, sys
from cjio import cityjson
with open(sys.argv[1], encoding="utf-8") as file:
    model = cityjson.reader(file)
model.check_version()
print(json.dumps({
    "objects": len(model.j["CityObjects"]),
    "version": model.get_version(),
    "info": model.get_info(long=True),
    "bbox": [str(value) for value in model.calculate_bbox()],
}))
"""


@pytest.mark.real
@pytest.mark.skipif(
    importlib.util.find_spec("cjio") is None, reason="cjio is not installed"
)
@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("json")])
def test_cjio_reads_what_is_written(tmp_path, shared_data, name):
    model = read_city_model(shared_data / "cityjson" / name)
    write_city_model(tmp_path / name, model, results_of(model))
    run = subprocess.run(
        [sys.executable, "-c", CJIO, str(tmp_path / name)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    seen = json.loads(run.stdout)
    assert seen["version"] == model.documents[0]["version"]
    assert seen["objects"] == len(model.documents[0]["CityObjects"])
    assert "twin_number" in " ".join(seen["info"])
