"""What surfaces reflect is told once and known everywhere."""

import json
import tomllib

import numpy as np
import pandas as pd
import pytest

import twin.cli
from gis.errors import GeometryError, HeidiError, TableError, WeatherError
from meshes.solar.albedo import SNOW_COVER, GroundAlbedo, read_albedo
from meshes.solar.materials import find_material, read_reflectance
from meshes.solids import Kind, lod1_solids
from twin.reflectances import Reflectances, read_pairs, read_reflectances, tell_parts
from twin.reopen import open_twin

ROWS = (
    ("a1", 9, "Rött tegel", (12.6930, 56.0400)),
    ("a2", 15, "0.6", (12.6930, 56.0404)),
    ("a3", 12, "cork", (12.6937, 56.0404)),
)


def houses(path):
    """Write three houses with the material of their walls."""
    features = [
        {
            "type": "Feature",
            "properties": {"id": name, "height": height, "vagg": wall},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [
                        [x + dx, y + dy]
                        for dx, dy in (
                            (0, 0), (3e-4, 0), (3e-4, 2e-4), (0, 2e-4), (0, 0),
                        )
                    ]
                ],
            },
        }
        for name, height, wall, (x, y) in ROWS
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def run(*words):
    """Run heidi and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["heidi", *map(str, words)])
        try:
            twin.cli.main()
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return the same town as it is by default, and with told surfaces."""
    place = tmp_path_factory.mktemp("surfaces")
    source = houses(place / "houses.geojson")
    common = ("build", "--buildings", source, "--no-stills", "--spacing", 3, "--out")
    assert run(*common, place / "plain") == 0
    told = (
        "--albedo", "asphalt", "--snow", "skane", "--reflectance", "roof=takpapp",
        "--reflectance-column", "wall=vagg",
    )  # fmt: skip
    assert run(*common, place / "told", *told) == 0
    return place / "plain", place / "told"


def test_numbers_and_materials_mean_what_the_table_says():
    assert read_reflectance("0.35").value == 0.35
    assert read_reflectance("Rött tegel").value == find_material("red brick").reflectance
    assert "Oke" in read_reflectance("red brick").source
    assert read_albedo("asphalt").value == 0.12
    twelve = read_albedo("0.5,0.4,0.3,0.2,0.2,0.2,0.2,0.2,0.2,0.2,0.3,0.4")
    assert twelve.value.tolist()[:3] == [0.5, 0.4, 0.3]


@pytest.mark.parametrize("bare", ["0.1", "grass", ",".join(["0.15"] * 11 + ["0.3"])])
def test_snow_makes_months_brighter_by_its_share(bare):
    white = find_material("old snow").reflectance
    without = np.array(read_albedo(bare).months)
    found = np.array(read_albedo(bare, snow="skane").months)
    assert found == pytest.approx(
        (1 - np.array(SNOW_COVER)) * without + np.array(SNOW_COVER) * white, abs=1e-6
    )
    whole = read_albedo(bare, snow=",".join(["1"] * 12))
    assert whole.value == pytest.approx(white)


@pytest.mark.parametrize(
    ("error", "read"),
    [
        (GeometryError, lambda: read_albedo("20")),
        (GeometryError, lambda: read_albedo("nan")),
        (WeatherError, lambda: read_albedo("0.2,0.3")),
        (WeatherError, lambda: read_albedo("0.2", snow="lappland")),
        (WeatherError, lambda: read_albedo("0.2", snow="2" + ",0" * 11)),
        (HeidiError, lambda: read_albedo("asfallt")),
        (GeometryError, lambda: GroundAlbedo((0.2,) * 11)),
        (TableError, lambda: read_pairs(["tower=1"], "--reflectance", "x", ("wall",))),
        (TableError, lambda: read_pairs(["wall"], "--reflectance", "x", ("wall",))),
        (TableError, lambda: read_reflectances("0.2", None, ["ground=0.3"])),
        (TableError, lambda: read_reflectances(None, None, ["wall=1", "wall=0.2"])),
    ],
)
def test_what_cannot_be_is_one_line(error, read):
    with pytest.raises(error) as caught:
        read()
    assert "\n" not in str(caught.value)


def test_every_face_gets_its_own(lit):
    solids = lod1_solids(lit.district.buildings)
    assert Reflectances().of_polygons(solids, 100) == 0.2
    parts = pd.DataFrame(
        {"wall": [np.nan, 0.7, np.nan], "roof": [0.4, np.nan, np.nan]},
        index=["p1", "p2", "p3"],
    )
    told = Reflectances(
        wall=read_reflectance("0.3"), roof=read_reflectance("0.1"), parts=parts
    )
    count = len(solids.faces) + 5
    found = told.of_polygons(solids, count)
    assert found.shape == (count,)
    for part, wall, roof in (("p1", 0.3, 0.4), ("p2", 0.7, 0.1), ("p3", 0.3, 0.1)):
        mine = solids.part == solids.parts.index(part)
        faces = found[: len(solids.faces)]
        assert (faces[mine & (solids.kind == Kind.WALL)] == wall).all()
        assert (faces[mine & (solids.kind == Kind.ROOF)] == roof).all()
    assert (found[len(solids.faces) :] == 0.3).all()


def test_a_twin_tells_what_it_was_lit_with(folders):
    plain, told = folders
    light = tomllib.loads((told / "heidi.toml").read_text())["light"]
    assert light["albedo"] == list(read_albedo("asphalt", snow="skane").months)
    assert light["roof_reflectance"] == 0.10
    assert "2 of 3 parts; not understood: cork" in light["reflectance_notes"][0]
    assert "snow" in (told / "report.html").read_text(encoding="utf-8")
    light = tomllib.loads((plain / "heidi.toml").read_text())["light"]
    assert light["albedo"] == [0.2] * 12
    assert (light["albedo_source"], light["wall_reflectance"]) == ("assumed", 0.2)
    assert not (plain / "reflectances.parquet").exists()
    table = pd.read_parquet(told / "reflectances.parquet").set_index("part")
    assert table["wall"].round(3).fillna(-1).to_list() == [0.3, 0.6, -1]


def test_it_opens_again_with_the_same_light(folders):
    for folder in folders:
        built = open_twin(folder)
        light = built.light
        bounced = light.bounced.astype(float) @ light.courses.monthly()
        assert bounced == pytest.approx(light.facet_parts[:, 2:], rel=1e-5, abs=1e-6)


def test_brighter_walls_light_what_they_face(folders):
    plain, told = (open_twin(folder) for folder in folders)
    ground, building = (
        (told.light.facet_parts - plain.light.facet_parts)[:, k] for k in (2, 3)
    )
    walls = plain.facets.normal[:, 2] < 0.5
    # Asphalt reflects less than the ground that is assumed, but for snow in February.
    assert (ground[walls, 5] <= 1e-6).all()
    assert ground[walls, 1].sum() > 0
    # The wall of 0.6 stands north of that of brick.
    names = np.array(plain.facets.solids.parts)[plain.facets.part]
    north = walls & (names == "a1") & (plain.facets.normal[:, 1] > 0.9)
    assert building[north].sum() > 0
    same = told.light.facet_parts[:, :2], plain.light.facet_parts[:, :2]
    np.testing.assert_array_equal(*same)


def test_a_column_without_materials_is_refused(tmp_path):
    source = houses(tmp_path / "houses.geojson")
    parts = pd.DataFrame(
        {"building": ["a1", "a2"], "given": ["a1", "a2"]}, index=["a1", "a2"]
    )
    with pytest.raises(TableError, match="must have the column farg"):
        tell_parts(Reflectances(), parts, source, {"wall": "farg"})
    with pytest.raises(TableError, match="must name materials"):
        tell_parts(Reflectances(), parts, source, {"wall": "height"})
