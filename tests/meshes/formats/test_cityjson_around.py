"""Ground, water and trees go out beside unchanged buildings, and come back the same."""

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gis.errors import TableError
from meshes.crowns import make_crowns
from meshes.formats.cityjson import SCALE, write_cityjson
from meshes.formats.cityjson_read import read_city_model
from meshes.formats.cityjson_rules import rule_faults
from meshes.formats.cityjson_write import write_city_model
from meshes.formats.surroundings import Layer, Surroundings, TreePlaces, surroundings

KINDS = ["TINRelief", "WaterBody", "GenericCityObject", "SolitaryVegetationObject"]


def lines_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def around(quarter, facets):
    return surroundings(quarter, origin=facets.solids.origin)


@pytest.fixture(scope="module")
def named(quarter):
    """Return the quarter with what is told of two of its trees."""
    trees = quarter.trees.assign(
        species=["Tilia cordata", "", "Pinus nigra"],
        leaf_cycle=["deciduous", "", "evergreen"],
    )
    return replace(quarter, trees=trees)


@pytest.fixture(scope="module", params=["q.city.json", "q.city.jsonl"])
def path(request, tmp_path_factory, named, facets, around):
    path = tmp_path_factory.mktemp("around") / request.param
    write_cityjson(path, named, facets.solids, surroundings=around)
    return path


@pytest.fixture(scope="module")
def document(tmp_path_factory, named, facets, around):
    path = tmp_path_factory.mktemp("around") / "one.city.json"
    write_cityjson(path, named, facets.solids, surroundings=around)
    return lines_of(path)[0]


def of_type(document, kind) -> dict[str, dict]:
    return {k: v for k, v in document["CityObjects"].items() if v["type"] == kind}


def corners(document) -> np.ndarray:
    return np.array(document["vertices"]) * SCALE


def test_no_rule_of_the_format_is_broken(path):
    assert rule_faults(lines_of(path)) == []


def test_buildings_are_the_same_to_the_numbers_of_their_vertices(
    tmp_path, named, facets, document
):
    bare = tmp_path / "bare.city.json"
    write_cityjson(bare, named, facets.solids)
    (alone,) = lines_of(bare)
    for name, thing in alone["CityObjects"].items():
        assert document["CityObjects"][name] == thing
    assert document["vertices"][: len(alone["vertices"])] == alone["vertices"]
    assert document["transform"] == alone["transform"]
    others = {
        thing["type"]
        for name, thing in document["CityObjects"].items()
        if name not in alone["CityObjects"]
    }
    assert others == set(KINDS)


def test_every_vertex_is_used_and_none_twice(document):
    found = [tuple(v) for v in document["vertices"]]
    assert len(set(found)) == len(found)
    used = set()

    def walk(thing):
        if isinstance(thing, list):
            for inner in thing:
                walk(inner)
        else:
            used.add(thing)

    for thing in document["CityObjects"].values():
        for geometry in thing.get("geometry", []):
            walk(geometry["boundaries"])
    assert used == set(range(len(found)))


def test_ground_is_one_piece_each_and_has_the_area_and_place_of_the_layer(document, around):
    layer = next(k for k in around.layers if k.name == "ground")
    points, area = corners(document), 0.0
    sizes = []
    for thing in of_type(document, "TINRelief").values():
        (geometry,) = thing["geometry"]
        assert geometry["type"] == "CompositeSurface"
        rings = np.array([ring for (ring,) in geometry["boundaries"]])
        a, b, c = (points[rings[:, k]] for k in range(3))
        cross = np.cross(b - a, c - a)
        assert (cross[:, 2] > -1e-9).all(), "ground looks up"
        area += cross[:, 2].sum() / 2
        sizes.append(len(rings))
        # One piece: from the first triangle all others are reached over edges.
        edges = {}
        for t, ring in enumerate(rings):
            for k in range(3):
                edge = frozenset((ring[k], ring[(k + 1) % 3]))
                edges.setdefault(edge, []).append(t)
        assert max(map(len, edges.values())) <= 2
        near = {t: set() for t in range(len(rings))}
        for pair in edges.values():
            for one in pair:
                near[one].update(pair)
        seen, todo = {0}, [0]
        while todo:
            fresh = near[todo.pop()] - seen
            seen |= fresh
            todo += fresh
        assert len(seen) == len(rings)
    assert sizes == sorted(sizes, reverse=True)
    a, b, c = (layer.corners[layer.triangles[:, k]] for k in range(3))
    wanted = np.cross(b - a, c - a)[:, 2].sum() / 2
    assert area == pytest.approx(wanted, rel=1e-6)


def test_water_is_level_and_means_water(document, quarter, around):
    (thing,) = of_type(document, "WaterBody").values()
    (geometry,) = thing["geometry"]
    assert geometry["semantics"]["surfaces"] == [{"type": "WaterSurface"}]
    rings = np.array([ring for (ring,) in geometry["boundaries"]])
    height = corners(document)[rings][..., 2] + document["transform"]["translate"][2]
    assert height == pytest.approx(quarter.water_level)
    layer = next(k for k in around.layers if k.name == "water")
    assert len(rings) == len(layer.triangles)


def test_trees_say_what_they_are_and_stand_where_they_do(document, named, around):
    things = of_type(document, "SolitaryVegetationObject")
    assert list(things) == [str(name) for name in named.trees.index]
    for k, thing in enumerate(things.values()):
        told, row = thing["attributes"], named.trees.iloc[k]
        assert told["height"] == row["height"]
        assert told["crownDiameter"] == 2 * row["crown_radius"]
        assert told["trunkDiameter"] == pytest.approx(0.1 * row["crown_radius"])
        assert "assumed" in told["trunkDiameter_source"]
        assert told.get("species", "") == row["species"]
        assert told.get("leaf_cycle", "") == row["leaf_cycle"]
        (geometry,) = thing["geometry"]
        (number,) = geometry["boundaries"]
        assert corners(document)[number] == pytest.approx(
            around.trees.foot[k], abs=SCALE / 2 + 1e-9
        )
    assert len(document["geometry-templates"]["templates"]) == 1


def test_the_extent_holds_everything_even_the_tops_of_trees(document, quarter, around):
    extent = np.array(document["metadata"]["geographicalExtent"])
    shift = np.array(document["transform"]["translate"])
    points = corners(document) + shift
    trees = around.trees
    tops = trees.foot + shift + np.c_[np.zeros((3, 2)), trees.height]
    sides = [
        trees.foot[:, k] + shift[k] + s * trees.crown_radius
        for k in (0, 1)
        for s in (-1, 1)
    ]
    low = np.r_[
        [min(points[:, k].min(), sides[2 * k].min()) for k in (0, 1)], points[:, 2].min()
    ]
    high = np.r_[
        [max(points[:, k].max(), sides[2 * k + 1].max()) for k in (0, 1)],
        max(points[:, 2].max(), tops[:, 2].max()),
    ]
    assert extent == pytest.approx(np.r_[low, high], abs=SCALE)


def test_a_tall_wide_tree_at_the_rim_widens_the_extent(tmp_path, named, facets, around):
    trees = around.trees
    grown = replace(
        trees,
        height=trees.height + np.array([0.0, 0.0, 70.0]),
        crown_radius=trees.crown_radius + np.array([0.0, 0.0, 90.0]),
    )
    path = tmp_path / "t.city.json"
    write_cityjson(path, named, facets.solids, surroundings=replace(around, trees=grown))
    (document,) = lines_of(path)
    west, south, _, east, north, top = document["metadata"]["geographicalExtent"]
    x, y, z = grown.foot[2] + document["transform"]["translate"]
    wide, tall = grown.crown_radius[2], grown.height[2]
    wanted = [x - wide, y - wide, x + wide, y + wide, z + tall]
    found = [west, south, east, north, top]
    # The ground reaches further west than the tree; to the other sides the tree does.
    assert found[1:] == pytest.approx(wanted[1:], abs=SCALE)
    assert found[0] <= wanted[0]


def test_the_reader_gives_back_bodies_surfaces_and_all_of_the_file(
    tmp_path, path, facets, around
):
    model = read_city_model(path)
    assert model.closed.all()
    assert model.solids.volume().sum() == pytest.approx(
        facets.solids.volume().sum(), abs=0.5
    )
    count = Counter(model.other_types)
    layers = {layer.name: len(layer.triangles) for layer in around.layers}
    assert count["TINRelief"] == layers["ground"]
    assert count["WaterBody"] == layers["water"]
    assert count["SolitaryVegetationObject"] == 3 * (60 + 8)
    # The trees' faces reach from their feet to their tops, as wide as their crowns.
    is_tree = np.array(model.other_types) == "SolitaryVegetationObject"
    crowns = model.others.take(np.flatnonzero(is_tree))
    shift = model.solids.origin - facets.solids.origin
    points = crowns.vertices + shift
    feet = around.trees.foot
    assert points[:, 2].max() == pytest.approx(
        (feet[:, 2] + around.trees.height).max(), abs=1e-3
    )
    assert points[:, 0].max() == pytest.approx(
        (feet[:, 0] + around.trees.crown_radius).max(), abs=1e-3
    )
    again = tmp_path / path.name
    write_city_model(again, model)
    assert lines_of(again) == lines_of(path)


def test_lines_hold_one_object_and_the_first_line_the_templates(
    tmp_path, named, facets, around
):
    path = tmp_path / "q.city.jsonl"
    write_cityjson(path, named, facets.solids, surroundings=around)
    head, *features = lines_of(path)
    assert len(head["geometry-templates"]["templates"]) == 1
    assert head["CityObjects"] == {}
    trees = [f for f in features if f["id"] in set(map(str, named.trees.index))]
    assert len(trees) == 3
    assert all(len(f["vertices"]) == 1 for f in trees)


def test_slim_trees_repeat_a_template_of_their_own(tmp_path, named, facets, around):
    slim = replace(
        around,
        trees=replace(around.trees, height=np.array([8.0, 15.0, 5.0])),
    )
    wide = np.array([3.0, 2.0, 1.5])
    slim = replace(slim, trees=replace(slim.trees, crown_radius=wide))
    path = tmp_path / "s.city.json"
    write_cityjson(path, named, facets.solids, surroundings=slim)
    (document,) = lines_of(path)
    assert rule_faults([document]) == []
    number = [
        thing["geometry"][0]["template"]
        for thing in of_type(document, "SolitaryVegetationObject").values()
    ]
    assert number == [1, 0, 1]
    model = read_city_model(path)
    crowns = make_crowns(slim.trees.foot, slim.trees.height, wide)
    told = [
        thing["attributes"]["crown_base_m"]
        for thing in of_type(document, "SolitaryVegetationObject").values()
    ]
    assert told == pytest.approx(crowns.base, abs=1e-3)
    assert Counter(model.other_types)["SolitaryVegetationObject"] == 3 * (60 + 8)


def test_names_that_buildings_bear_stay_theirs(tmp_path, facets, around, named):
    trees = named.trees.set_axis(["tower", "ground", "c"]).rename_axis("tree")
    path = tmp_path / "n.city.json"
    write_cityjson(path, replace(named, trees=trees), facets.solids, surroundings=around)
    (document,) = lines_of(path)
    types = {name: thing["type"] for name, thing in document["CityObjects"].items()}
    assert types["tower"] == "Building"
    assert types["ground"] == "TINRelief"
    assert types["c"] == types["tower-2"] == "SolitaryVegetationObject"
    assert rule_faults([document]) == []


def test_nothing_around_changes_nothing(tmp_path, named, facets):
    empty = Surroundings((), TreePlaces(np.empty((0, 3)), np.empty(0), np.empty(0)))
    bare = replace(named, trees=named.trees.iloc[:0])
    for name, given in (("a.city.json", None), ("b.city.json", empty)):
        write_cityjson(tmp_path / name, bare, facets.solids, surroundings=given)
    one, other = (tmp_path / f"{k}.city.json" for k in "ab")
    assert one.read_bytes() == other.read_bytes()


def test_slivers_that_fall_together_on_the_grid_are_left_out(tmp_path, named, facets):
    """A needle of a hundredth of a millimetre, and one whose corners lie in a row."""
    points = np.array(
        [[0, 0, 0], [5, 0, 0], [0, 5, 0], [5, 1e-5, 0], [10, 0, 0], [5, 5, 0]], float
    )
    rows = np.array([[0, 1, 2], [0, 1, 3], [0, 1, 4], [1, 5, 2]])
    layer = Layer("ground", points, rows, "#ffffff")
    nothing = TreePlaces(np.empty((0, 3)), np.empty(0), np.empty(0))
    path = tmp_path / "t.city.json"
    write_cityjson(
        path, replace(named, trees=named.trees.iloc[:0]), facets.solids,
        surroundings=Surroundings((layer,), nothing),
    )  # fmt: skip
    (document,) = lines_of(path)
    (thing,) = of_type(document, "TINRelief").values()
    assert len(thing["geometry"][0]["boundaries"]) == 2
    assert rule_faults([document]) == []


def test_trees_of_another_district_are_refused(tmp_path, quarter, facets, around):
    fewer = replace(quarter, trees=quarter.trees.iloc[1:])
    with pytest.raises(TableError, match="2 trees, got 3"):
        write_cityjson(tmp_path / "x.city.json", fewer, facets.solids, surroundings=around)
    assert not list(tmp_path.iterdir())


CJIO = """
import json, sys
from cjio import cityjson
with open(sys.argv[1], encoding="utf-8") as file:
    model = cityjson.reader(file, ignore_duplicate_keys=False)
print(json.dumps({
    "bbox": [str(v) for v in model.calculate_bbox()],
    "types": sorted(model.get_info(long=True)),
    "orphans": str(model.remove_orphan_vertices()),
    "duplicates": str(model.remove_duplicate_vertices()),
    "left": len(model.j["vertices"]),
    "trees": sorted(k for k, v in model.j["CityObjects"].items()
                    if v["type"] == "SolitaryVegetationObject"),
}))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("cjio") is None, reason="cjio is not installed"
)
def test_cjio_reads_it(tmp_path, named, facets, around):
    path = tmp_path / "q.city.json"
    write_cityjson(path, named, facets.solids, surroundings=around)
    run = subprocess.run(
        [sys.executable, "-c", CJIO, str(path)], capture_output=True, text=True, check=True
    )
    seen = json.loads(run.stdout)
    (document,) = lines_of(path)
    assert seen["left"] == len(document["vertices"])
    assert seen["trees"] == sorted(map(str, named.trees.index))
    assert "TINRelief" in " ".join(seen["types"])
