"""Printed tiles are closed bodies of the right size and thickness, with their credits."""

import sys
import zipfile
from dataclasses import replace
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import trimesh
from defusedxml import ElementTree

from gis.crs import PLAN
from gis.decks import DECK_COLUMNS
from gis.district import District, complete_buildings
from gis.errors import ComponentError, GeometryError, OutputError
from gis.terrain import Grid, Terrain
from meshes.formats.print3d import print_model, write_print
from meshes.formats.print_body import STEP, extrude, settle, union
from meshes.formats.print_cuts import choose_cuts
from meshes.formats.print_plan import swell, thin_places, widen
from meshes.formats.stl import read_stl
from meshes.formats.triangle_mesh import mesh_of_solids
from meshes.solids import lod1_solids

manifold3d = pytest.importorskip("manifold3d")

WEST, SOUTH = 99800.0, 6213300.0
SCALE = 1 / 1000
GROUND, LEVEL = 2.0, 0.5
"""A flat quay and the water before it [m RH2000]."""

OVERLAP = 0.01
"""How far walls are moved outwards [mm]."""

PLANS = {
    "block": shapely.box(20, 20, 40, 30),
    "neighbour": shapely.box(40, 20, 50, 30),
    "corner": shapely.box(50, 30, 60, 40),
    "wall": shapely.box(20, 60, 60, 60.4),
    "post": shapely.box(80, 80, 80.2, 80.2),
}
"""Two that share a wall, one that meets them in a corner, a 0.4 mm wall, one too small."""

TOPS = (12.0, 18.0, 9.0, 7.0, 30.0)


def place(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: xy + np.array([WEST, SOUTH]))


@pytest.fixture
def district() -> District:
    grid = Grid(WEST - 20, SOUTH + 140, 2.0, 80, 120)
    terrain = Terrain(grid, np.full((80, 120), GROUND), "made for tests")
    table = gpd.GeoDataFrame(
        {
            "building": list(PLANS),
            "name": "",
            "use": "",
            "year": np.nan,
            "height": np.array(TOPS) - GROUND,
            "height_source": "assumed",
            "base": GROUND,
            "base_source": "terrain",
            "top": TOPS,
        },
        index=pd.Index(list(PLANS), name="part"),
        geometry=[shapely.orient_polygons(place(shape)) for shape in PLANS.values()],
        crs=PLAN,
    )
    none = gpd.GeoDataFrame(geometry=[], crs=PLAN)
    return District(
        name="Kvarteret Älgen",
        boundary=place(shapely.box(0, 0, 180, 120)),
        buildings=complete_buildings(table),
        terrain=terrain,
        water=shapely.MultiPolygon([place(shapely.box(100, -50, 300, 200))]),
        landmarks=none.assign(name=[], kind=[], accuracy=[], basis=[]),
        trees=none.assign(height=[], crown_radius=[], source=[]),
        schematic=True,
        credits=("City of Helsingborg", "Läntmäteriet & <others>"),
        notes=(),
        water_level=LEVEL,
    )


BOUNDS = (WEST, SOUTH, WEST + 180, SOUTH + 120)


@pytest.fixture
def model(district):
    solids = lod1_solids(district.buildings)
    return print_model(district, solids, scale=SCALE, bounds=BOUNDS, bed_mm=(100, 100))


def as_trimesh(tile):
    return trimesh.Trimesh(tile.mesh.vertices, tile.mesh.triangles, process=False)


def joined(model):
    """Put the tiles side by side again."""
    bodies = []
    for tile in model.tiles:
        body = as_trimesh(tile)
        shift = (np.array(tile.place[:2]) - BOUNDS[:2]) * 1000 * model.scale
        body.apply_translation([*shift, 0.0])
        bodies.append(body)
    return trimesh.util.concatenate(bodies)


def test_every_tile_is_one_closed_body_for_three_judges(model) -> None:
    for tile in model.tiles:
        body = as_trimesh(tile)
        assert body.is_watertight
        assert body.is_winding_consistent
        assert body.body_count == 1
        assert not tile.mesh.open_groups().size
        again = manifold3d.Manifold(
            manifold3d.Mesh64(tile.mesh.vertices, tile.mesh.triangles.astype(np.uint64))
        )
        assert again.status() == manifold3d.Error.NoError
        assert again.volume() == pytest.approx(tile.mesh.volume()[0])
        assert again.volume() > 0


def test_volume_is_that_of_the_plan(model) -> None:
    # Ground 4.5 mm and water 3 mm above the bed, buildings above the ground, in mm3.
    plan = 100 * 120 * (3 + (GROUND - LEVEL)) + 80 * 120 * 3
    for name, top in zip(PLANS, TOPS, strict=True):
        plan += PLANS[name].area * (top - GROUND) * (name != "post")
    wall = PLANS["wall"].buffer(0.4, quad_segs=4).area - PLANS["wall"].area
    plan += wall * (TOPS[3] - GROUND)
    edges = sum(shape.length for shape in PLANS.values()) * OVERLAP * max(TOPS)
    assert model.volume == pytest.approx(plan, abs=edges)


def test_tiles_add_up_to_the_whole(model) -> None:
    total = sum(tile.mesh.volume()[0] for tile in model.tiles)
    surface = sum(tile.mesh.area().sum() for tile in model.tiles)
    assert total == pytest.approx(model.volume, abs=surface * STEP / 2)


def test_tiles_fit_the_bed_and_tell_their_place(model) -> None:
    assert [tile.name for tile in model.tiles] == ["A1", "A2", "B1", "B2"]
    for tile in model.tiles:
        low, high = tile.mesh.vertices.min(axis=0), tile.mesh.vertices.max(axis=0)
        assert (low == 0).all()
        assert (high[:2] <= 100).all()
        told = np.array([tile.place[2] - tile.place[0], tile.place[3] - tile.place[1]])
        assert high[:2] == pytest.approx(told * 1000 * SCALE, abs=STEP)
    west, north = model.tiles[0].place[0], model.tiles[0].place[3]
    assert (west, north) == pytest.approx((BOUNDS[0], BOUNDS[3]))


def test_the_base_is_flat_and_whole(model) -> None:
    for tile in model.tiles:
        body = as_trimesh(tile)
        flat = (body.triangles[..., 2] == 0).all(axis=1)
        assert body.face_normals[flat, 2] == pytest.approx(-1)
        assert body.area_faces[flat].sum() == pytest.approx(tile.size[0] * tile.size[1])
        assert not (body.face_normals[~flat, 2] < -1e-6).any(), "nothing overhangs"


def height_at(body: trimesh.Trimesh, x: float, y: float) -> float:
    """Return the highest point of a body above a place, by hand."""
    a, b, c = (body.triangles[:, k] for k in range(3))

    def cross(p, q):
        return p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]

    area = cross(b - a, c - a)
    up = area > 1e-9
    a, b, c, area = a[up], b[up], c[up], area[up]
    p = np.array([[x, y, 0.0]])
    u, v = cross(p - a, c - a) / area, cross(b - a, p - a) / area
    hit = (u >= 0) & (v >= 0) & (u + v <= 1)
    return float((a[:, 2] + u * (b - a)[:, 2] + v * (c - a)[:, 2])[hit].max())


@pytest.mark.parametrize(
    ("x", "y", "level"),
    [
        (10, 10, GROUND),
        (150, 50, LEVEL),
        (99.9, 100, GROUND),
        (100.1, 100, LEVEL),
        (30.3, 25, 12),
        (45, 25.2, 18),
        (55, 35.1, 9),
        (40.5, 60.2, 7),
        (80.1, 80.1, GROUND),  # the post is left out
    ],
)
def test_heights_are_those_of_the_city(model, x, y, level) -> None:
    # The water is lowest, so it lies on the plinth of 3 mm.
    found = height_at(joined(model), x, y)
    assert found == pytest.approx(3.0 + (level - LEVEL), abs=STEP)


def test_thin_walls_are_as_wide_as_asked(model) -> None:
    body = joined(model)
    across = np.arange(58.0, 63.0, 0.05)
    high = [height_at(body, 40.0, y + 0.013) > 3 + GROUND for y in across]
    assert np.count_nonzero(high) * 0.05 >= 0.8
    assert any("1 part with places thinner than 0.8 mm" in note for note in model.notes)
    assert any("1 building part too small" in note for note in model.notes)


def test_a_finer_nozzle_leaves_walls_as_they_are(district) -> None:
    solids = lod1_solids(district.buildings)
    model = print_model(district, solids, wall_mm=0.1, bounds=BOUNDS, bed_mm=(300, 300))
    assert not any("thinner" in note or "small" in note for note in model.notes)
    assert height_at(as_trimesh(model.tiles[0]), 80.1, 80.1) > 30


def test_half_the_scale_is_an_eighth_of_what_stands_on_the_plinth(district) -> None:
    solids = lod1_solids(district.buildings)
    above = []
    for scale in (1 / 500, 1 / 1000):
        model = print_model(
            district, solids, scale=scale, plinth_mm=4, wall_mm=0.01, bounds=BOUNDS
        )
        floor = 180 * 120 * (1000 * scale) ** 2 * 4
        above.append(model.volume - floor)
    assert above[0] == pytest.approx(8 * above[1], rel=2e-3)  # walls move 0.01 mm in both


def test_bridges_stand_on_the_ground(district) -> None:
    row = dict.fromkeys(DECK_COLUMNS, 5.0) | {"name": "", "level_source": "assumed"}
    deck = gpd.GeoDataFrame([row], geometry=[place(shapely.box(90, 50, 120, 56))], crs=PLAN)
    bridged = replace(district, decks=deck)
    model = print_model(bridged, lod1_solids(district.buildings), bounds=BOUNDS)
    assert height_at(as_trimesh(model.tiles[0]), 110.1, 53.2) == pytest.approx(
        7.5, abs=STEP
    )
    assert any("1 bridge filled" in note for note in model.notes)
    assert as_trimesh(model.tiles[0]).is_watertight


def test_files_hold_the_same_bodies_bit_by_bit(model, tmp_path) -> None:
    paths = write_print(model, tmp_path)
    names = [path.name for path in paths]
    assert names[0] == "kvarteret-algen-print.txt"
    assert names[1:3] == ["kvarteret-algen-A1.3mf", "kvarteret-algen-A1.stl"]
    for tile in model.tiles:
        stem = tmp_path / f"kvarteret-algen-{tile.name}"
        vertices, triangles, _ = read_3mf(stem.with_suffix(".3mf"))
        assert (vertices == tile.mesh.vertices).all()
        assert (triangles == tile.mesh.triangles).all()
        other = trimesh.load_mesh(stem.with_suffix(".stl"))
        assert other.is_watertight
        assert other.volume == pytest.approx(tile.mesh.volume()[0], rel=1e-9)
        ours = read_stl(stem.with_suffix(".stl"))
        assert ours.volume() == pytest.approx(tile.mesh.volume(), rel=1e-9)


def read_3mf(path):
    """Read a 3MF by the letter of its specification."""
    space = "{http://schemas.microsoft.com/3dmanufacturing/core/2015/02}"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "[Content_Types].xml"
        relations = ElementTree.fromstring(archive.read("_rels/.rels"))
        model = ElementTree.fromstring(archive.read(relations[0].get("Target").lstrip("/")))
    assert model.tag == f"{space}model"
    assert model.get("unit") == "millimeter"
    (body,) = model.iter(f"{space}object")
    (item,) = model.iter(f"{space}item")
    assert body.get("id") == item.get("objectid")
    vertices = [[float(v.get(a)) for a in "xyz"] for v in model.iter(f"{space}vertex")]
    corners = [
        [int(t.get(f"v{k}")) for k in (1, 2, 3)] for t in model.iter(f"{space}triangle")
    ]
    told = {m.get("name"): m.text for m in model.iter(f"{space}metadata")}
    return np.array(vertices), np.array(corners), told


def test_credits_and_order_go_with_the_tiles(model, tmp_path) -> None:
    paths = write_print(model, tmp_path, formats=["3mf"])
    _, _, told = read_3mf(paths[1])
    assert told["Title"] == "Kvarteret Älgen, 1:1000, tile A1"
    for credit in model.credits:
        assert credit in told["LicenseTerms"]
        assert credit in paths[0].read_text(encoding="utf-8")
    text = paths[0].read_text(encoding="utf-8").splitlines()
    assert "    A1   A2" in text
    assert text.index("    A1   A2") < text.index("    B1   B2"), "north is up"


def test_equal_districts_give_equal_bytes(district, tmp_path) -> None:
    written = []
    for name in "ab":
        (tmp_path / name).mkdir()
        solids = lod1_solids(district.buildings)
        model = print_model(district, solids, bounds=BOUNDS, bed_mm=(100, 100))
        paths = write_print(model, tmp_path / name)
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]


def test_random_towns_close(random_blocks, district) -> None:
    # Overlapping, touching and turned boxes with yards, all over the place.
    for seed in range(3):
        table = random_blocks(seed, 25)
        shift = np.array([WEST + 5, SOUTH + 5])
        table = table.set_geometry(
            shapely.transform(table.geometry.to_numpy(), lambda xy, by=shift: xy + by)
        )
        table["top"] += 5
        model = print_model(district, lod1_solids(table), bounds=BOUNDS, bed_mm=(70, 90))
        assert all(as_trimesh(tile).is_watertight for tile in model.tiles)
        total = sum(tile.mesh.volume()[0] for tile in model.tiles)
        assert total == pytest.approx(model.volume, rel=1e-4)


def test_bodies_that_only_touch_are_pinned_together() -> None:
    floor = extrude([shapely.box(0, 0, 10, 10)], 0.0, 1.0)
    towers = extrude([shapely.box(2, 2, 5, 5), shapely.box(5, 5, 8, 8)], 0.0, 6.0)
    mesh, pins = settle(union([*floor, *towers]))
    assert pins > 0
    body = trimesh.Trimesh(mesh.vertices, mesh.triangles, process=False)
    assert body.is_watertight
    assert 100 + 2 * 9 * 5 < body.volume < 100 + 2 * 9 * 5 + 5


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (shapely.box(0, 0, 5, 3), 0.0),
        (shapely.box(0, 0, 5, 0.8), 0.0),
        (shapely.box(0, 0, 5, 0.5), 2.5),
        (shapely.union(shapely.box(0, 0, 3, 3), shapely.box(3, 1, 7, 1.5)), 2.0),
        (shapely.box(0, 0, 5, 5).difference(shapely.box(0.5, 0.5, 4.5, 4.5)), 9.0),
    ],
    ids=["thick", "just thick", "thin", "thick with a thin wing", "thin around a yard"],
)
def test_thin_places_are_found(shape, area) -> None:
    # Crumbs of a fiftieth of the width stay at the joint.
    assert thin_places(shape, width=0.8).area == pytest.approx(area, abs=0.02)


def test_a_thin_house_between_high_ones_is_no_thin_wall() -> None:
    row = np.array([shapely.box(k * 0.5, 0, k * 0.5 + 0.5, 5) for k in range(4)], object)
    added, lost = widen(row, np.full(4, 10.0), width=0.8)
    assert shapely.is_empty(added).all()
    assert not lost.any()
    added, _ = widen(row, np.array([10.0, 20.0, 10.0, 10.0]), width=0.8)
    assert shapely.is_empty(added).tolist() == [True, False, True, True]


def test_walls_move_outwards_by_the_same_everywhere(blocks) -> None:
    yard = shapely.box(0, 0, 9, 6).difference(shapely.box(2, 2, 5, 4))
    ell = shapely.Polygon([(20, 0), (26, 0), (26, 2), (22, 2), (22, 7), (20, 7)])
    mesh, _ = mesh_of_solids(
        lod1_solids(blocks([yard, ell], [0, 0], [5, 3]), origin=np.zeros(3))
    )
    shapes = shapely.orient_polygons([yard, ell])
    moved = replace(mesh, vertices=swell(mesh, shapes, width=0.1))
    grown = shapely.buffer([yard, ell], 0.1, join_style="mitre")
    assert moved.volume() == pytest.approx(shapely.area(grown) * (5, 3))
    assert not moved.open_groups().size


def test_cuts_spare_buildings_where_the_bed_leaves_room() -> None:
    ends = np.array([[95.0, 105.0], [20.0, 30.0]])
    edges = choose_cuts(200.0, 2, 120.0, ends, 0.8)
    assert edges[0] == 0
    assert edges[-1] == 200
    assert not 95 < edges[1] < 105
    tight = choose_cuts(200.0, 2, 100.0, ends, 0.8)
    assert tight == pytest.approx([0, 100, 200])
    for most in (70.0, 85.0, 100.0):
        edges = choose_cuts(200.0, 3, most, ends, 0.8)
        assert all(b - a <= most + STEP for a, b in pairwise(edges))


@pytest.mark.parametrize(
    "wrong",
    [
        {"scale": 0},
        {"scale": -0.001},
        {"scale": float("nan")},
        {"plinth_mm": 0},
        {"wall_mm": -1},
        {"bed_mm": (200, 0)},
        {"bed_mm": (1, 1)},
        {"bounds": (0, 0, 10, 10)},
        {"bounds": (WEST + 10, SOUTH, WEST, SOUTH + 10)},
        {"bounds": (float("nan"), SOUTH, WEST, SOUTH + 10)},
    ],
)
def test_impossible_sizes_are_refused_in_one_line(district, wrong) -> None:
    with pytest.raises(GeometryError) as told:
        print_model(district, lod1_solids(district.buildings), **wrong)
    assert "\n" not in str(told.value)


def test_unknown_formats_and_missing_folders_are_told(model, tmp_path) -> None:
    with pytest.raises(OutputError, match="gcode"):
        write_print(model, tmp_path, formats=["gcode"])
    with pytest.raises(OutputError):
        write_print(model, tmp_path / "none")
    assert not list(tmp_path.iterdir())


def test_a_missing_library_is_named_with_the_remedy(district, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "manifold3d", None)
    with pytest.raises(ComponentError, match="make extras"):
        print_model(district, lod1_solids(district.buildings))


def test_a_turned_row_of_houses_is_joined_without_gaps(district, blocks) -> None:
    # Each shares a piece of wall with the next, equal but for the last bit.
    row = [shapely.box(8 * k, (k % 3) * 3, 8 * k + 8, 20 + (k % 4)) for k in range(8)]
    turned = [shapely.affinity.rotate(house, 33.3, origin=(7, 11)) for house in row]
    moved = [place(shapely.affinity.translate(house, 25, 10)) for house in turned]
    solids = lod1_solids(blocks(moved, [GROUND] * 8, 12.0 + np.arange(8)))
    model = print_model(district, solids, bounds=BOUNDS)
    assert not any("pins" in note for note in model.notes)
    (tile,) = model.tiles
    plan = 100 * 120 * 4.5 + 80 * 120 * 3
    plan += sum(house.area * (10 + k) for k, house in enumerate(row))
    edges = sum(house.length * (10 + k) for k, house in enumerate(row)) * OVERLAP
    assert model.volume == pytest.approx(plan, abs=edges)
    surface = tile.mesh.area().sum()
    assert tile.mesh.volume()[0] == pytest.approx(model.volume, abs=surface * STEP / 2)
