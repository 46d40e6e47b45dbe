"""Every format carries bodies that hang in the air, and roofs behind rims."""

import json
from dataclasses import replace

import numpy as np
import pytest
import shapely
import shapely.affinity

from gis.district import District, complete_buildings
from meshes.formats.cityjson import write_cityjson
from meshes.formats.cityjson_read import read_city_model
from meshes.formats.gltf import write_glb
from meshes.formats.obj import read_obj, write_obj
from meshes.formats.ply import read_ply, write_ply
from meshes.formats.stl import read_stl, write_stl
from meshes.formats.tiles3d import write_tiles
from meshes.predicates import invalid_parts
from meshes.roofs.raising import raise_buildings
from meshes.solids import Kind, Solids

MILLIMETRES = 1e-3
FLOAT32 = 1e-4  # of a volume, where corners are stored as single floats


@pytest.fixture(scope="module")
def hanging(quarter) -> District:
    """Return the quarter with a hat over the tower and a passage through the ell."""
    table = quarter.buildings.copy()
    table.loc["yard", ["parapet_height", "parapet_width"]] = 0.9, 0.4
    table.loc["ell", "underside"] = 4.0
    tower = table.loc["tower"]
    hat = tower.copy()
    wide = shapely.affinity.scale(tower["geometry"], 1.5, 1.5)
    hat["geometry"] = shapely.orient_polygons(wide, exterior_cw=False)
    hat["height"], hat["underside"] = tower["height"] + 5.0, tower["height"]
    hat["top"] = tower["top"] + 5.0
    table.loc["hat"] = hat
    return replace(quarter, buildings=complete_buildings(table))


@pytest.fixture(scope="module")
def solids(hanging) -> Solids:
    made, _ = raise_buildings(hanging.buildings)
    assert not len(invalid_parts(made))
    assert (made.kind == Kind.UNDERSIDE).sum() == 2
    return made


def test_volumes_are_those_of_the_table(hanging, solids):
    table = hanging.buildings
    area = table.area
    volume = dict(zip(solids.parts, solids.volume(), strict=True))
    assert volume["hat"] == pytest.approx(area["hat"] * 5.0)
    assert volume["ell"] == pytest.approx(area["ell"] * (table["height"]["ell"] - 4.0))
    yard = table.geometry["yard"]
    sunk = yard.buffer(-0.4, join_style="mitre").area * 0.9
    depth = table["top"]["yard"] - table["base"]["yard"]
    assert volume["yard"] == pytest.approx(yard.area * depth - sunk)


@pytest.mark.parametrize(
    ("write", "read", "name"),
    [
        pytest.param(write_obj, read_obj, "a.obj", id="OBJ"),
        pytest.param(write_ply, read_ply, "a.ply", id="PLY"),
        pytest.param(write_stl, read_stl, "a.stl", id="STL"),
    ],
)
def test_triangles_come_back_with_the_same_volume(write, read, name, solids, tmp_path):
    write(tmp_path / name, solids)
    back = read(tmp_path / name)
    assert back.volume().sum() == pytest.approx(solids.volume().sum(), rel=FLOAT32)


def test_cityjson_calls_undersides_outer_ceilings(hanging, solids, tmp_path):
    path = tmp_path / "a.city.json"
    write_cityjson(path, hanging, solids, lod="2.0")
    told = json.loads(path.read_text())
    words = [
        geometry["semantics"]["surfaces"][value]["type"]
        for thing in told["CityObjects"].values()
        for geometry in thing.get("geometry", ())
        if geometry["type"] == "Solid"
        for value in geometry["semantics"]["values"][0]
    ]
    assert words.count("OuterCeilingSurface") == 2
    assert words.count("GroundSurface") == 3
    back = read_city_model(path)
    assert back.solids.volume().sum() == pytest.approx(
        solids.volume().sum(), rel=MILLIMETRES
    )
    for kind in Kind:
        area = solids.faces.area[solids.kind == kind].sum()
        found = back.solids.faces.area[back.solids.kind == kind].sum()
        assert found == pytest.approx(area, rel=MILLIMETRES)


def test_gltf_names_the_kind_of_every_face(solids, parse, tmp_path):
    write_glb(tmp_path / "a.glb", solids)
    kinds = parse(tmp_path / "a.glb").table("facet")["kind"]
    assert (np.array(kinds) == "underside").sum() == 2


def test_tiles_hold_all_parts(hanging, solids, tmp_path):
    write_tiles(tmp_path, solids)
    assert (tmp_path / "tileset.json").exists()


def test_vtk_brings_the_same_faces_back(solids, tmp_path):
    pyvista = pytest.importorskip("pyvista", reason="PyVista is optional, not installed")
    from meshes.formats.vtk import from_pyvista, to_pyvista

    to_pyvista(solids).save(tmp_path / "a.vtp")
    back = from_pyvista(pyvista.read(tmp_path / "a.vtp"))
    assert back.volume() == pytest.approx(solids.volume())
    area = solids.faces.area[solids.kind == Kind.UNDERSIDE].sum()
    assert back.faces.area[back.kind == Kind.UNDERSIDE].sum() == pytest.approx(area)


def test_what_hangs_is_printed_down_to_the_ground(hanging, solids):
    pytest.importorskip("manifold3d")
    from meshes.formats.print3d import print_model

    dry = replace(hanging, water=shapely.MultiPolygon())
    model = print_model(dry, solids, scale=1 / 1000, bed_mm=(400.0, 400.0))
    assert len(model.tiles) == 1
