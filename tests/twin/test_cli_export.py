"""The model of a twin leaves it whole, with its roofs, ids and light."""

import json
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
import trimesh

from gis.errors import GeometryError
from gis.typical_year import typical_year
from meshes.solids import Kind
from twin.build import build
from twin.exporting import export_gltf, export_mesh, export_print, export_tiles
from twin.folder import write_twin
from twin.reopen import open_twin

from .command import heidi


@pytest.fixture(scope="module")
def twin(tmp_path_factory) -> Path:
    """Build a gabled house, a hipped L and a block from tags of OpenStreetMap."""
    from gis.assemble import read_district

    folder = tmp_path_factory.mktemp("export")
    wings = shapely.union(shapely.box(30, 0, 60, 10), shapely.box(30, 0, 42, 30))
    frame = gpd.GeoDataFrame(
        {
            "id": ["gable", "ell", "block"],
            "height": [9.0, 11.0, 12.0],
            "roof:shape": ["gabled", "hipped", None],
            "roof:height": [3.0, None, None],
        },
        geometry=[shapely.box(0, 0, 20, 10), wings, shapely.box(0, 30, 14, 44)],
        crs=3008,
    )
    frame = frame.set_geometry(frame.translate(99_700, 6_213_500))
    frame.to_file(folder / "houses.gpkg")
    built = build(read_district(folder / "houses.gpkg"), typical_year(), spacing=2.0)
    write_twin(built, folder / "twin", stills=False)
    return folder / "twin"


def test_roofs_of_tags_stand_on_the_twin_and_survive_the_folder(twin):
    built = open_twin(twin)
    table = built.roofs.table
    assert table["roof_shape"].to_dict() == {
        "gable": "gabled",
        "ell": "hipped",
        "block": "flat",
    }
    roofs = built.facets.kind == Kind.ROOF
    names = [built.facets.ids[k] for k in roofs.nonzero()[0]]
    assert sum(name.startswith("gable-roof-") for name in names) == 2
    assert "block-roof" in names
    # Half of a gable faces south here; it gets more than the northern half.
    gable = [k for k, name in enumerate(built.facets.ids) if name.startswith("gable-roof-")]
    light = {
        round(float(built.facets.normal[k, 1]), 3): built.light.facet_annual[k]
        for k in gable
    }
    south, north = light[min(light)], light[max(light)]
    assert south > 1.1 * north
    document = json.loads((twin / "district.city.json").read_text(encoding="utf-8"))
    objects = document["CityObjects"].values()
    lods = {g["lod"] for o in objects for g in o.get("geometry", [])}
    assert lods == {"1.2", "2.0"}
    buildings = gpd.read_file(twin / "buildings.gpkg", layer="buildings").set_index("part")
    assert buildings.loc["gable", "roof_form"] == "gabled"
    assert buildings.loc["gable", "lod"] == "2.0"


def test_gltf_is_one_file_with_all_buildings(twin, tmp_path):
    result = heidi("export", "gltf", twin, "--out", tmp_path / "a.glb", "--no-ground")
    assert result.returncode == 0, result.stderr
    assert "written" in result.stdout
    assert "credit" in result.stdout
    scene = trimesh.load(tmp_path / "a.glb")
    wanted = open_twin(twin).solids.faces.area.sum()
    assert scene.area == pytest.approx(wanted, rel=1e-6)
    sensors = heidi(
        "export", "gltf", twin, "--out", tmp_path / "s.glb", "--look", "sensors"
    )
    assert sensors.returncode == 0, sensors.stderr


def test_tiles_and_cityjson_are_written(twin, tmp_path):
    result = heidi("export", "tiles", twin, "--out", tmp_path / "tiles", "--geoid", "36.1")
    assert result.returncode == 0, result.stderr
    tileset = json.loads((tmp_path / "tiles" / "tileset.json").read_text(encoding="utf-8"))
    assert tileset["asset"]["version"] == "1.1"
    lines = tmp_path / "a.city.jsonl"
    written = heidi("export", "cityjson", twin, "--out", lines, "--no-ground")
    assert written.returncode == 0, written.stderr
    assert len(lines.read_text(encoding="utf-8").splitlines()) == 1 + 3


def test_cityjson_has_ground_and_the_folder_buildings_alone(twin, tmp_path):
    file = tmp_path / "a.city.json"
    assert heidi("export", "cityjson", twin, "--out", file).returncode == 0

    def kinds(path):
        objects = json.loads(path.read_text(encoding="utf-8"))["CityObjects"].values()
        return {thing["type"] for thing in objects}

    assert kinds(file) == {"Building", "TINRelief"}
    assert kinds(twin / "district.city.json") == {"Building"}


def test_no_unsound_body_is_handed_on(twin, tmp_path):
    """A body that lost a face is refused by every writer, and no file is left."""
    built = open_twin(twin)
    solids = built.solids
    kept = np.arange(1, len(solids.faces))
    torn = replace(
        solids,
        faces=solids.faces.take(kept),
        kind=solids.kind[kept],
        part=solids.part[kept],
    )
    spoiled = replace(built, solids=torn)
    for write, name in (
        (export_gltf, "a.glb"),
        (export_mesh, "a.stl"),
        (lambda b, path: export_tiles(b, path, geoid=36.0), "tiles"),
        (lambda b, p: export_print(b, p, scale=0.001, bed=(200, 200), wall=0.8), "print"),
    ):
        with pytest.raises(GeometryError, match="sound to be written, 1 are not"):
            write(spoiled, tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["obj", "ply", "stl"])
def test_plain_meshes_hold_the_volume(twin, tmp_path, ending):
    file = tmp_path / f"a.{ending}"
    result = heidi("export", "mesh", twin, "--out", file)
    assert result.returncode == 0, result.stderr
    whole = trimesh.load_mesh(file)
    volume = open_twin(twin).solids.volume().sum()
    assert whole.volume == pytest.approx(volume, rel=1e-4)


def test_printed_tiles_are_watertight_and_fit_the_bed(twin, tmp_path):
    pytest.importorskip("manifold3d", reason="manifold3d is optional")
    words = ("--out", tmp_path / "p", "--scale", "1000", "--bed", "150", "120")
    result = heidi("export", "print", twin, *words)
    assert result.returncode == 0, result.stderr
    tiles = sorted((tmp_path / "p").glob("*.stl"))
    assert tiles
    for tile in tiles:
        body = trimesh.load_mesh(tile)
        assert body.is_watertight
        assert (body.extents[:2] <= (150.01, 120.01)).all()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["gltf", "TWIN", "--out", "a.obj"], "must end in .glb"),
        (["mesh", "TWIN", "--out", "a.glb"], "must end in .obj"),
        (["print", "TWIN", "--out", "p", "--scale", "0.5"], "--scale must be"),
        (["gltf", "TWIN", "--out", "a.glb", "--look", "nice"], "--look must be one of"),
        (["tiles", "TWIN", "--out", "t", "--geoid", "nan"], "geoid"),
        (["cityjson", "TWIN", "--out", "a.txt"], "must end in .json"),
        (["gltf", "nowhere", "--out", "a.glb"], "must be a twin folder"),
    ],
)
def test_bad_words_are_refused_in_one_line(twin, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    result = heidi("export", *[twin if w == "TWIN" else w for w in words])
    assert result.returncode == 2, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("heidi:")]
    assert len(lines) == 1
    assert told in lines[0]
    assert not [path for path in tmp_path.iterdir() if path.suffix in {".glb", ".json"}]
