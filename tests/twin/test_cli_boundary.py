"""Building a boundary on the command line: a file, a picture, a few lines, or one line."""

import json
import shutil
import sys
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
import typer

import twin.cli
from twin.cli import main
from twin.cli.boundary import MOST_TOLD, WIDTH, boundary, report_lines

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
TOWN, EAST, NORTH = "EPSG:3007", 146_000.0, 6_398_000.0

RECIPE = """
name = "Nyhamn"
plan = "EPSG:3007"
reach = 100
walk = "open"
water = "sea.geojson"
edges = ["roads.geojson", "path.geojson"]
anchors = [
    { name = "Station", at = [146000, 6398000], crs = "EPSG:3007", accuracy = 10 },
    { name = "Mill", at = [146500, 6398000], crs = "EPSG:3007", kind = "landmark" },
]
"""


def write(path, shapes, **columns):
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=TOWN).to_crs("OGC:CRS84")
    path.write_text(frame.to_json(drop_id=True), encoding="utf-8")


@pytest.fixture
def town(tmp_path) -> Path:
    """Return a recipe of an invented town with a shore at y = 40 and a road at y = -60."""
    folder = tmp_path / "town"
    folder.mkdir()

    def line(*points):
        return shapely.LineString([(EAST + x, NORTH + y) for x, y in points])

    sea = shapely.box(EAST - 900, NORTH + 40, EAST + 900, NORTH + 900)
    write(folder / "sea.geojson", [sea])
    write(folder / "roads.geojson", [line((-900, -60), (900, -60))], name=["Storgatan"])
    write(folder / "path.geojson", [line((250, -500), (250, 0))])
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return folder / "recipe.toml"


@pytest.fixture
def heidi(monkeypatch, capsys):
    """Run the command line in this process; return exit code, output and messages."""
    commands = [command.callback for command in twin.cli.app.registered_commands]
    if boundary not in commands:
        app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
        app.command()(boundary)
        app.callback()(lambda: None)
        monkeypatch.setattr(twin.cli, "app", app)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["heidi", "boundary", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        told = capsys.readouterr()
        return int(stopped.value.code or 0), told.out, told.err

    return run


def test_a_boundary_is_written_and_told_in_a_few_lines(heidi, town, tmp_path):
    out, picture = tmp_path / "district.geojson", tmp_path / "map.png"
    code, told, err = heidi(town, "--out", out, "--picture", picture)
    assert code == 0, err
    (shape,) = gpd.read_file(out).to_crs(TOWN).geometry
    assert shape.bounds[1] == pytest.approx(NORTH - 60, abs=0.02)
    assert shape.bounds[3] == pytest.approx(NORTH + 40, abs=0.02)
    assert picture.stat().st_size > 10_000
    lines = told.splitlines()
    assert lines[0] == "Nyhamn"
    assert max(map(len, lines[:-1])) <= WIDTH
    topics = {line[:11].strip() for line in lines[1:]} - {""}
    assert topics == {"Area", "Extent", "Anchors", "Follows", "No effect", "Written"}
    assert f"{shape.area / 1e6:.3f} km2" in told
    assert "in 1 piece" in told
    assert "Storgatan (roads.geojson)" in told
    assert "path.geojson: the boundary follows nothing of it" in told
    assert "EPSG:3007" in told
    assert str(out) in told


def test_without_out_nothing_is_written(heidi, town):
    before = set(town.parent.iterdir())
    code, told, _ = heidi(town)
    assert code == 0
    assert "nothing; add --out" in told
    assert set(town.parent.iterdir()) == before


def test_json_is_the_answer_and_nothing_else(heidi, town, tmp_path):
    out = tmp_path / "district.gpkg"
    code, told, _ = heidi(town, "--out", out, "--json")
    assert code == 0
    record = json.loads(told)
    assert record["files"] == [str(out)]
    assert record["unused"] == ["path.geojson"]
    assert [one["kind"] for one in record["follows"]] == ["water", "edge", "reach"]
    (shape,) = gpd.read_file(out, layer="boundary").geometry
    assert record["area_m2"] == pytest.approx(shape.area, abs=0.05)


def test_the_example_of_another_city_runs_as_it_is(heidi, tmp_path):
    out = tmp_path / "lindholmen.geojson"
    code, told, err = heidi(EXAMPLES / "lindholmen_boundary.toml", "--out", out)
    assert code == 0, err
    assert told.startswith("Lindholmen, Gothenburg (approximate)\n")
    assert gpd.read_file(out)["anchors"].tolist() == ["Lindholmspiren; Lindholmen"]


@pytest.mark.real
def test_the_example_of_heidi_runs_on_real_water(heidi, shared_data, tmp_path):
    for name in ("heidi_boundary.toml", "heidi_edges.geojson"):
        shutil.copy(EXAMPLES / name, tmp_path)
    water = shared_data / "helsingborg" / "harbour_land_water_epsg3008.gpkg"
    shutil.copy(water, tmp_path)
    out = tmp_path / "heidi.geojson"
    code, told, err = heidi(tmp_path / "heidi_boundary.toml", "--out", out)
    assert code == 0, err
    assert "0.452 km2" in told
    assert "Järnvägsgatan" in told


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda r: r.unlink(), "a recipe must be readable"),
        (lambda r: r.write_text("reach ="), "recipe.toml must be TOML"),
        (lambda r: r.write_bytes(b"\xff\xfe"), "recipe.toml must be TOML"),
        (lambda r: r.write_text(RECIPE + "reech = 1"), "unknown key 'reech'"),
        (lambda r: (r.parent / "sea.geojson").unlink(), "sea.geojson"),
        (lambda r: (r.parent / "roads.geojson").write_text("{"), "roads.geojson"),
        (
            lambda r: r.write_text(RECIPE.replace("6398000], crs", "6398080], crs", 1)),
            "Station at 146000, 6398080 lies in the water",
        ),
        (
            lambda r: r.write_text(
                RECIPE.replace("[146000, 6398000]", "[6398000, 146000]")
            ),
            "axes are swapped",
        ),
    ],
    ids=["none", "no TOML", "no text", "typing error", "no layer", "cut", "sea", "axes"],
)
def test_bad_input_is_one_line_and_nothing_is_written(heidi, town, tmp_path, spoil, words):
    spoil(town)
    out, picture = tmp_path / "a.geojson", tmp_path / "a.png"
    code, told, err = heidi(town, "--out", out, "--picture", picture)
    assert code == 2, err
    assert not told
    (line,) = err.splitlines()
    assert line.startswith("heidi: ")
    assert words in line
    assert not out.exists()
    assert not picture.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "town/a.shp"], ".geojson or .json or .gpkg, got a.shp"),
        (["--out", "none/a.gpkg"], "the folder of a result must exist"),
        (["--out", "town/sea.geojson"], "must not replace what it is made of"),
        (["--picture", "town/a.jpg"], "must be written as .png, got a.jpg"),
        (["--picture", "none/a.png"], "the folder of a result must exist"),
    ],
)
def test_results_that_cannot_be_written_are_refused(
    heidi, town, tmp_path, monkeypatch, options, words
):
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in town.parent.iterdir()}
    code, told, err = heidi(town, *options)
    assert code == 2
    assert not told
    assert words in err
    assert {path: path.read_bytes() for path in town.parent.iterdir()} == before


def test_many_edges_are_told_in_few_lines(heidi, town):
    _, told, _ = heidi(town, "--json")
    record = json.loads(told)
    edge = record["follows"][1]
    record["follows"][1:2] = [{**edge, "name": f"street {n}"} for n in range(40)]
    lines = report_lines(record)
    assert sum(" m " in line and " % " in line for line in lines) == MOST_TOLD - 1
    assert any("... and 33 more" in line for line in lines)
    assert any("limit of its reach" in line for line in lines)


def test_help_teaches_with_an_example(heidi):
    code, told, _ = heidi("--help")
    assert code == 0
    assert "Example: heidi boundary docs/examples/lindholmen_boundary.toml" in told
    assert "Exit code" in told
