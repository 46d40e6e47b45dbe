"""Tiles hold every building once, within their boxes, at its place on the Earth."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from gis.errors import CrsError, OutputError
from meshes.facets import make_facets
from meshes.formats import tiles3d
from meshes.formats.surroundings import surroundings
from meshes.formats.tiles3d import FILE, write_tiles
from meshes.solids import lod1_solids

GEOID = 36.2
CENTIMETRE = 1e-2


def read(folder) -> dict:
    return json.loads((folder / FILE).read_text(encoding="utf-8"))


def tiles(tile, parents=()):
    """Every tile with the tiles above it."""
    yield tile, parents
    for child in tile.get("children", []):
        yield from tiles(child, (*parents, tile))


def bounds(volume) -> tuple[np.ndarray, np.ndarray]:
    middle, axes = np.array(volume["box"][:3]), np.array(volume["box"][3:]).reshape(3, 3)
    assert np.array_equal(axes, np.diag(axes.diagonal())), "boxes stand along the axes"
    return middle - axes.diagonal(), middle + axes.diagonal()


def placed(model) -> list[np.ndarray]:
    """All corners that nodes of the content put into the tile's frame, z up."""
    found = []
    nodes = model.document["nodes"]
    for node in nodes:
        if "mesh" not in node:
            continue
        mesh = model.document["meshes"][node["mesh"]]
        scales = np.array([node.get("scale", [1, 1, 1])])
        shifts = np.array([node.get("translation", [0, 0, 0])])
        repeated = node.get("extensions", {}).get("EXT_mesh_gpu_instancing")
        if repeated:
            scales, shifts = (
                model.attribute(repeated, name) for name in ("SCALE", "TRANSLATION")
            )
        for primitive in mesh["primitives"]:
            for scale, shift in zip(scales, shifts, strict=True):
                x, up, south = (model.attribute(primitive, "POSITION") * scale + shift).T
                found.append(np.stack([x, -south, up], axis=1))
    return found


def test_trees_are_repeated_by_the_graphics_card_where_they_stand(
    written, parse, quarter, facets
):
    model = parse(written / "trees.glb")
    assert len(model.document["meshes"]) == 1
    assert sum("mesh" in node for node in model.document["nodes"]) == 1
    trees = np.array([[p.min(axis=0), p.max(axis=0)] for p in placed(model)])
    feet = surroundings(quarter, origin=facets.solids.origin).trees.foot
    assert len(trees) == len(feet) == 3
    # The plane is bent by less than a centimetre over these hundred metres.
    assert trees[:, 0, 2] == pytest.approx(feet[:, 2], abs=CENTIMETRE)
    assert np.ptp(trees[..., 2], axis=1) == pytest.approx(quarter.trees["height"], abs=2e-3)
    middle = trees[..., :2].mean(axis=1)
    assert middle == pytest.approx(feet[:, :2], abs=CENTIMETRE)
    assert model.document["extensionsRequired"] == ["EXT_mesh_gpu_instancing"]


@pytest.fixture
def written(tmp_path, quarter, facets, values):
    around = surroundings(quarter, origin=facets.solids.origin)
    folder = tmp_path / "tiles"
    write_tiles(
        folder,
        facets,
        values=values,
        attributes=pd.DataFrame(quarter.buildings.drop(columns="geometry")),
        around=around,
        title="Kvarteret",
        credits=quarter.credits,
        geoid=GEOID,
    )
    return folder


@pytest.fixture(scope="module")
def town(blocks):
    """Two hundred boxes of many sizes over 1.6 km, at the place of the district."""
    rng = np.random.default_rng(11)
    x, y = rng.uniform(0, 1600, 200), rng.uniform(0, 900, 200)
    side = rng.uniform(3, 14, 200)
    shapes = [
        shapely.box(99_000 + a, 6_213_000 + b, 99_000 + a + s, 6_213_000 + b + 2 * s)
        for a, b, s in zip(x, y, side, strict=True)
    ]
    return make_facets(lod1_solids(blocks(shapes, [2.0] * 200, 5 + 2 * side)), spacing=20.0)


@pytest.fixture
def many(tmp_path, town):
    """Return the town in tiles of seven buildings, as a city is in tiles of a hundred."""
    pairs = [f"house {k // 2}" for k in range(200)]
    attributes = pd.DataFrame({"building": pairs}, index=list(town.solids.parts))
    write_tiles(tmp_path / "town", town, attributes=attributes, geoid=GEOID, per_tile=7)
    return tmp_path / "town"


def test_the_tileset_is_well_formed(written):
    tileset = read(written)
    assert tileset["asset"]["version"] == "1.1"
    names = set()
    for tile, parents in tiles(tileset["root"]):
        assert tile["geometricError"] >= 0
        assert ("refine" in tile) == (not parents)
        if "content" in tile:
            names.add(tile["content"]["uri"])
    assert {path.name for path in written.iterdir()} == {FILE, *names}
    schema = tileset["schema"]["classes"][tileset["metadata"]["class"]]["properties"]
    told = tileset["metadata"]["properties"]
    assert set(told) <= set(schema)
    assert told["geoid"] == GEOID
    assert told["name"] == "Kvarteret"
    assert told["scale_top"] == 1200.0


def test_contents_are_sound_files_that_name_the_sources(written, parse, quarter):
    for tile, _ in tiles(read(written)["root"]):
        if "content" in tile:
            model = parse(written / tile["content"]["uri"])
            assert model.document["asset"]["copyright"] == "; ".join(quarter.credits)


@pytest.mark.parametrize("folder", ["written", "many"])
def test_contents_lie_within_their_boxes_and_all_above(folder, request, parse):
    folder = request.getfixturevalue(folder)
    for tile, parents in tiles(read(folder)["root"]):
        if "content" not in tile:
            continue
        volumes = [each["boundingVolume"] for each in (tile, *parents)]
        volumes += (
            [tile["content"]["boundingVolume"]]
            if "boundingVolume" in tile["content"]
            else []
        )
        for points in placed(parse(folder / tile["content"]["uri"])):
            for low, high in map(bounds, volumes):
                assert (points >= low).all()
                assert (points <= high).all()


def test_boxes_are_tight(many, parse):
    for tile, _ in tiles(read(many)["root"]):
        if "content" in tile:
            points = np.concatenate(placed(parse(many / tile["content"]["uri"])))
            low, high = bounds(tile["content"]["boundingVolume"])
            assert points.min(axis=0) == pytest.approx(low, abs=2 * tiles3d.SLACK)
            assert points.max(axis=0) == pytest.approx(high, abs=2 * tiles3d.SLACK)


def test_every_part_is_in_one_tile_with_its_building(many, parse, town):
    counted, home = Counter(), {}
    for tile, _ in tiles(read(many)["root"]):
        if "content" not in tile:
            continue
        table = parse(many / tile["content"]["uri"]).table("part")
        counted.update(table["id"])
        for name in set(table["building"]):
            assert home.setdefault(name, tile["content"]["uri"]) == tile["content"]["uri"]
    assert counted == Counter(town.solids.parts)
    assert len(home) == 100


def test_facets_keep_their_names_and_light(written, parse, facets, values):
    found = {}
    for tile, _ in tiles(read(written)["root"]):
        if tile.get("content", {}).get("uri", "").startswith("buildings"):
            table = parse(written / tile["content"]["uri"]).table("facet")
            found |= dict(zip(table["id"], table["irradiation"], strict=True))
    assert [found[name] for name in facets.ids] == pytest.approx(values, rel=1e-6)


def test_the_error_falls_and_tells_what_is_missing(many, parse):
    """What a tile hands on is smaller than all it holds, and its error is its size."""
    for tile, parents in tiles(read(many)["root"]):
        for parent in parents[-1:]:
            assert tile["geometricError"] <= parent["geometricError"]
        if "children" not in tile:
            assert tile["geometricError"] == 0
    first = read(many)["root"]["children"][0]
    below = [t for t, parents in tiles(first) if parents]
    assert below
    largest = 0.0
    for tile in below:
        model = parse(many / tile["content"]["uri"])
        (points,) = placed(model)
        owner = model.attribute(model.mesh("buildings")[0], "_FEATURE_ID_1").astype(int)
        building = pd.factorize(model.table("part")["building"])[0][owner]
        for k in np.unique(building):
            largest = max(largest, np.linalg.norm(np.ptp(points[building == k], axis=0)))
    assert first["geometricError"] == pytest.approx(largest, abs=CENTIMETRE)


def test_corners_lie_at_their_place_on_the_earth(many, parse, town):
    """Every corner of 1.6 km of town, by PROJ from the plan, below a centimetre."""
    tileset = read(many)
    matrix = np.array(tileset["root"]["transform"]).reshape(4, 4).T
    proj = Transformer.from_pipeline(
        "+proj=pipeline +step +inv +proj=tmerc +lat_0=0 +lon_0=13.5 +k=1 +x_0=150000 "
        "+y_0=0 +ellps=GRS80 +step +proj=cart +ellps=GRS80"
    )
    solids = town.solids
    owner = np.repeat(solids.part, np.diff(solids.faces.vertex_start))
    given = solids.faces.vertices + solids.origin + [0, 0, GEOID]
    expected = np.stack(proj.transform(*given.T), axis=1)
    checked = 0
    for tile, _ in tiles(tileset["root"]):
        if "content" not in tile:
            continue
        model = parse(many / tile["content"]["uri"])
        (primitive,) = model.mesh("buildings")
        (points,) = placed(model)
        there = (matrix @ np.c_[points, np.ones(len(points))].T).T[:, :3]
        part = model.attribute(primitive, "_FEATURE_ID_1").astype(int)
        for k, name in enumerate(model.table("part")["id"]):
            mine = expected[owner == solids.parts.index(name)]
            far = np.linalg.norm(there[part == k][:, None] - mine[None], axis=2)
            assert far.min(axis=1).max() < CENTIMETRE
            assert far.min(axis=0).max() < CENTIMETRE
            checked += 1
    assert checked == 200


def test_buildings_at_one_place_end_the_tree(tmp_path, blocks):
    """Equal buildings at one place cannot be told apart by squares."""
    solids = lod1_solids(blocks([shapely.box(0, 0, 9, 9)] * 20, [0] * 20, [9] * 20))
    shifted = type(solids)(
        solids.faces, solids.kind, solids.part, solids.parts, np.array([1e5, 6.2e6, 0.0])
    )
    write_tiles(tmp_path / "t", shifted, per_tile=1)
    deepest = max(len(parents) for _, parents in tiles(read(tmp_path / "t")["root"]))
    assert deepest == tiles3d.DEEPEST + 1


def test_tiles_are_the_same_every_time(tmp_path, town):
    for name in ("one", "two"):
        write_tiles(tmp_path / name, town, geoid=GEOID)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "two").iterdir())
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (
            tmp_path / "two" / name
        ).read_bytes()


def test_an_earlier_tileset_is_replaced_whole(tmp_path, town, facets):
    write_tiles(tmp_path / "tiles", town)
    before = set((tmp_path / "tiles").iterdir())
    write_tiles(tmp_path / "tiles", facets)
    assert set((tmp_path / "tiles").iterdir()) != before
    assert [path.name for path in tmp_path.iterdir()] == ["tiles"]


def test_other_folders_are_left_alone(tmp_path, facets):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(OutputError, match="earlier tileset"):
        write_tiles(tmp_path / "mine", facets)
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_in_the_way_is_told(tmp_path, facets):
    (tmp_path / "tiles").write_text("a file")
    with pytest.raises(OutputError, match="tiles"):
        write_tiles(tmp_path / "tiles", facets)
    assert (tmp_path / "tiles").read_text() == "a file"


def test_nothing_is_left_of_a_tileset_that_failed(tmp_path, facets):
    with pytest.raises(CrsError):
        write_tiles(tmp_path / "tiles", facets, geoid=500.0)
    assert not list(tmp_path.iterdir())
