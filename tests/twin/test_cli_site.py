"""The planner's question on the command line: an answer, or one line that says why not."""

import json
import sys
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis.typical_year import typical_year
from twin.build import build
from twin.cli import main
from twin.cli.site_table import COLUMNS, SHOWN, neighbour_cells, plain_table
from twin.folder import write_twin
from twin.siting_pictures import draw_pictures
from twin.siting_record import NEIGHBOUR_UNITS, OWN_UNITS, TOTAL_UNITS

FILES = {"evaluation.geojson", "evaluation.html"}
CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3008"}}


@pytest.fixture(scope="module")
def folder(lit, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("twins") / "twin"
    write_twin(build(lit.district, typical_year(), spacing=3.0), place, stills=False)
    return place


@pytest.fixture(scope="module")
def corner(lit) -> tuple[float, float]:
    """South-west corner of the buildings, EPSG:3008 [m]."""
    west, south, _, _ = lit.district.buildings.total_bounds
    return west, south


@pytest.fixture
def heidi(monkeypatch, capsys):
    """Run the command line in this process; return exit code, output and messages."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["heidi", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        told = capsys.readouterr()
        return int(stopped.value.code or 0), told.out, told.err

    return run


def feature(corner: tuple[float, float], **changes: object) -> dict:
    """Return a block of 25 x 8 m south of the buildings; changes replace members."""
    x, y = corner[0] + 20, corner[1] - 14
    return {
        "type": "Feature",
        "crs": CRS,
        "properties": {"height_m": 18, "base_m_rh2000": 4.0, "name": "Nya kvarteret"},
        "geometry": shapely.geometry.mapping(shapely.box(x, y, x + 25, y + 8)),
    } | changes


def save(path: Path, content: object) -> Path:
    """Write JSON and return its path."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture
def candidate(tmp_path, corner) -> Path:
    return save(tmp_path / "kvarter.geojson", feature(corner))


def test_the_answer_lies_beside_the_question(heidi, folder, candidate):
    code, out, err = heidi("site", "evaluate", folder, candidate, "--no-pictures")
    assert code == 0, err
    target = candidate.with_name("kvarter-evaluation")
    assert {path.name for path in target.iterdir()} == FILES
    assert "Both rules are kept" in out
    assert out.count("  PASS  ") == 2
    assert "Prisma" in out
    assert str(target / "evaluation.html") in out
    assert "Evaluated in" in out
    assert "evaluating" in err, "progress is told, and not among the answer"
    frame = gpd.read_file(target / "evaluation.geojson")
    assert frame["kind"].iloc[0] == "candidate"
    assert len(frame) > 1


def test_a_broken_rule_ends_with_one(heidi, folder, tmp_path, corner):
    low = save(tmp_path / "low.geojson", feature(corner, properties={"height_m": 18}))
    out_folder = tmp_path / "deep" / "answer"
    code, out, _ = heidi(
        "site", "evaluate", folder, low, "--no-pictures", "--out", out_folder
    )
    assert code == 1
    assert "1 of 2 rules is broken" in out
    assert "  FAIL  flood level" in out
    assert "+3.5 m" in out
    assert {path.name for path in out_folder.iterdir()} == FILES, "a no is an answer, too"


def test_json_is_the_whole_answer_and_nothing_else(heidi, folder, candidate):
    words = ("site", "evaluate", folder, candidate, "--no-pictures", "--json")
    code, out, _ = heidi(*words)
    assert code == 0
    record = json.loads(out)
    assert record["passed"] is True
    assert [rule["rule"] for rule in record["rules"]] == ["flood level", "overlap"]
    assert set(TOTAL_UNITS) == set(record["totals"])
    assert set(OWN_UNITS) <= set(record["candidate"])
    assert all(set(NEIGHBOUR_UNITS) <= set(row) for row in record["neighbours"])
    assert all(Path(path).is_file() for path in record["files"])
    assert record["seconds"]["evaluation"] > 0
    written = json.loads(Path(record["files"][0]).read_text("utf-8"))
    assert written["heidi"]["totals"] == record["totals"]


def test_pictures_are_drawn_unless_refused(heidi, folder, candidate, monkeypatch):
    pytest.importorskip("embreex")

    def small(*things: object, **options: object) -> object:
        return draw_pictures(*things, **options, size=(240, 150))

    monkeypatch.setattr("twin.siting_pictures.draw_pictures", small)
    code, out, _ = heidi("site", "evaluate", folder, candidate)
    assert code == 0
    page = candidate.with_name("kvarter-evaluation") / "evaluation.html"
    assert page.read_text("utf-8").count("data:image/jpeg") == 2
    assert "pictures drawn in" in out


@pytest.mark.slow
def test_without_the_ray_tracer_the_page_comes_without(
    heidi, folder, candidate, monkeypatch
):
    monkeypatch.setattr("meshes.render.rays.EmbreeScene", None)
    code, _, err = heidi("site", "evaluate", folder, candidate)
    assert code == 0, err
    page = candidate.with_name("kvarter-evaluation") / "evaluation.html"
    assert "they need embreex" in page.read_text("utf-8")


def save_plan(
    path: Path, corner: tuple[float, float], *, east: float = 0.0, **rules
) -> Path:
    """Write a plan of one zone around the candidate, or so far east of it [m]."""
    x, y = corner[0] + 20 + east, corner[1] - 14
    shape = shapely.box(x - 5, y - 5, x + 30, y + 13)
    frame = gpd.GeoDataFrame([{"id": "A1"} | rules], geometry=[shape], crs=3008)
    degrees = path.suffix == ".geojson"
    (frame.to_crs(4326) if degrees else frame).to_file(path)
    return path


@pytest.mark.parametrize("name", ["dp.gpkg", "dp.geojson", "dp.shp"])
def test_a_plan_that_is_kept_ends_with_nought(heidi, folder, candidate, corner, name):
    plan = save_plan(candidate.with_name(name), corner, totalhojd="20,1", golvniva="+3,9")
    words = ("site", "evaluate", folder, candidate, "--no-pictures", "--plan", plan)
    code, out, err = heidi(*words)
    assert code == 0, err
    assert "All 4 rules are kept" in out
    assert "  PASS  total height  20.00 m in A1, at most 20.10 m" in out
    assert "  PASS  flood level " in out, "the city's rule is judged as well"
    assert "  PASS  floor level   4.00 m RH2000 in A1, at least 3.90 m RH2000" in out
    assert f"rule: {name}, version not stated" in out
    page = candidate.with_name("kvarter-evaluation") / "evaluation.html"
    assert f"Plan: {name}" in page.read_text("utf-8")


def test_a_broken_plan_ends_with_one_and_open_rules_are_listed(
    heidi, folder, candidate, corner
):
    plan = save_plan(
        candidate.with_name("dp.gpkg"),
        corner,
        totalhojd="12",
        vaningar="3",
        formulering="Fasad ska vara av [red]tegel[/red]",
        lagakraft="2024-05-01",
    )
    words = ("site", "evaluate", folder, candidate, "--no-pictures", "--plan", plan)
    code, out, _ = heidi(*words)
    assert code == 1
    assert "1 of 3 rules is broken; 2 more must be checked by a person" in out
    assert "  FAIL  total height  20.00 m in A1, at most 12.00 m" in out
    assert "rule: dp.gpkg, version 2024-05-01" in out
    asked = out[out.index("To be checked by a person") :]
    assert "  CHECK  A1: at most 3 storeys" in asked
    assert "  CHECK  A1: “Fasad ska vara av [red]tegel[/red]”" in asked
    code, out, _ = heidi(*words, "--json")
    assert code == 1
    record = json.loads(out)
    assert [rule.get("zone") for rule in record["rules"]] == [None, None, "A1"]
    assert record["plan"]["zones"] == ["A1"]
    assert len(record["open_rules"]) == 2


def test_a_plan_of_elsewhere_is_told(heidi, folder, candidate, corner):
    plan = save_plan(candidate.with_name("dp.gpkg"), corner, east=500.0, totalhojd="3")
    words = ("site", "evaluate", folder, candidate, "--no-pictures", "--plan", plan)
    code, out, err = heidi(*words)
    assert code == 0, err
    assert "Both rules are kept; the plan does not reach this place" in out
    assert "outside every zone of the plan" in out


BAD_PLANS = {
    "missing": "must exist",
    "a folder": "vector file",
    "text": "vector file",
    "truncated": "vector file",
    "points": "no polygon",
    "no rules": "must hold rules",
    "no system": "reference system",
    "another country": "where EPSG:3008 holds",
}
"""What is wrong with a plan, and what the line must name."""


def bad_plan(kind: str, path: Path, corner: tuple[float, float]) -> Path:
    """Write a plan that has one fault."""
    if kind == "a folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("Plan A1: 12 m", encoding="utf-8")
    elif kind == "truncated":
        whole = save_plan(path, corner, totalhojd="12").read_bytes()
        path.write_bytes(whole[: len(whole) // 3])
    elif kind == "no system":
        path = save_plan(path.with_suffix(".shp"), corner, totalhojd="12")
        path.with_suffix(".prj").unlink()
    elif kind != "missing":
        shape = shapely.box(corner[0], corner[1], corner[0] + 9, corner[1] + 9)
        told = {"colour": "red"} if kind == "no rules" else {"totalhojd": "12"}
        if kind == "points":
            shape = shape.centroid
        if kind == "another country":
            shape = shapely.affinity.translate(shape, 0, -3e6)
        gpd.GeoDataFrame([told], geometry=[shape], crs=3008).to_file(path)
    return path


@pytest.mark.parametrize("kind", BAD_PLANS)
def test_a_bad_plan_is_one_line_and_nothing_is_written(
    heidi, folder, candidate, corner, kind
):
    plan = bad_plan(kind, candidate.with_name("dp.gpkg"), corner)
    before = sorted(candidate.parent.rglob("*"))
    words = ("site", "evaluate", folder, candidate, "--no-pictures", "--plan", plan)
    line = refusal(heidi(*words))
    assert BAD_PLANS[kind] in line
    assert "dp." in line
    assert sorted(candidate.parent.rglob("*")) == before


def test_help_teaches_the_plan(heidi):
    code, out, _ = heidi("site", "evaluate", "--help")
    assert code == 0
    words = " ".join(out.split())
    assert "--plan plan.gpkg" in words
    assert "nockhojd" in words
    assert "checked by a person" in words


BAD = {
    "outside the district": "inside the district",
    "self-crossing": "must not cross",
    "negative height": "height_m",
    "text for height": "height_m",
    "no height": "height_m",
    "metres without crs": "names no reference system",
    "swapped axes": "axes are swapped",
    "unknown crs": "reference system",
    "no polygon": "Polygon",
    "not GeoJSON": "GeoJSON",
    "no JSON": "no JSON",
    "missing file": "readable",
    "empty": "at least one feature",
}
"""What is wrong, and what the line must name."""


def bad_candidate(kind: str, path: Path, corner: tuple[float, float]) -> Path:
    """Write a candidate that has one fault."""
    x, y = corner[0] + 20, corner[1] - 14
    good = feature(corner)
    if kind == "missing file":
        return path
    if kind == "no JSON":
        path.write_text("{height: 3", encoding="utf-8")
        return path
    changed: dict[str, object] = {
        "outside the district": feature((corner[0] + 5000, corner[1])),
        "self-crossing": feature(
            corner,
            geometry={
                "type": "Polygon",
                "coordinates": [[[x, y], [x + 9, y + 9], [x + 9, y], [x, y + 9], [x, y]]],
            },
        ),
        "negative height": feature(corner, properties={"height_m": -18}),
        "text for height": feature(corner, properties={"height_m": "18 m"}),
        "no height": feature(corner, properties={"use": "office"}),
        "metres without crs": {k: v for k, v in good.items() if k != "crs"},
        "swapped axes": {
            k: v
            for k, v in feature(
                corner,
                geometry=shapely.geometry.mapping(
                    shapely.box(56.0411, 12.6909, 56.0413, 12.6912)
                ),
            ).items()
            if k != "crs"
        },
        "unknown crs": feature(corner, crs={"type": "name", "properties": {"name": "X"}}),
        "no polygon": feature(corner, geometry={"type": "Point", "coordinates": [x, y]}),
        "not GeoJSON": {"building": good},
        "empty": {"type": "FeatureCollection", "features": []},
    }
    return save(path, changed[kind])


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_candidate_is_one_line_and_nothing_is_written(
    heidi, folder, tmp_path, corner, kind
):
    path = bad_candidate(kind, tmp_path / "asked.geojson", corner)
    before = sorted(tmp_path.rglob("*"))
    code, out, err = heidi("site", "evaluate", folder, path, "--no-pictures")
    assert code == 2, err
    assert not out
    lines = [line for line in err.splitlines() if line.startswith("heidi:")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    assert BAD[kind] in lines[0]
    assert sorted(tmp_path.rglob("*")) == before


def refusal(result: tuple[int, str, str]) -> str:
    """Return the one line of a refusal."""
    code, out, err = result
    assert code == 2, err
    assert not out
    (line,) = [line for line in err.splitlines() if line.startswith("heidi:")]
    return line


def test_a_folder_that_is_no_twin_is_told(heidi, candidate, tmp_path):
    (tmp_path / "plain").mkdir()
    line = refusal(heidi("site", "evaluate", tmp_path / "plain", candidate))
    assert "must be a twin" in line
    assert not candidate.with_name("kvarter-evaluation").exists()


def test_the_twin_folder_is_no_place_for_the_answer(heidi, folder, candidate):
    before = {path.name for path in folder.iterdir()}
    line = refusal(heidi("site", "evaluate", folder, candidate, "--out", folder))
    assert "twin's own files" in line
    assert {path.name for path in folder.iterdir()} == before


def test_the_answer_does_not_replace_the_question(heidi, folder, tmp_path, corner):
    asked = save(tmp_path / "evaluation.geojson", feature(corner))
    text = asked.read_text("utf-8")
    line = refusal(heidi("site", "evaluate", folder, asked, "--out", tmp_path))
    assert "must not replace the question" in line
    assert asked.read_text("utf-8") == text


def test_a_file_is_no_folder_for_the_answer(heidi, folder, candidate):
    line = refusal(heidi("site", "evaluate", folder, candidate, "--out", candidate))
    assert "is a file" in line


def test_columns_are_aligned_and_carry_units():
    row = {
        "rank": 1,
        "building": "b1",
        "name": "",
        "label": "b1",
        "distance_m": 12.0,
        "bearing_deg": 10.0,
        "light_lost_percent": None,
        "enough_sun_lost_m2": 0.0,
    }
    for name in ("light_kwh", "pv_kwh", "sun_hours"):
        row |= {f"{name}_{when}": 1234.5 for when in ("before", "after", "lost")}
    long = row | {"label": "Järnvägsgatan " * 9, "light_kwh_before": 123_456_789.0}
    lines = plain_table([neighbour_cells(row), neighbour_cells(long)])
    assert len({len(line) for line in lines[1:]}) == 1
    assert all("[" in title for title, side in COLUMNS[3:] if side == "right")
    assert "–" in lines[2], "what is unknown is a dash"
    assert SHOWN == 15


def test_the_example_of_the_handbook_is_a_good_question():
    from gis.candidate import read_candidate
    from gis.heidi import heidi_district
    from gis.plan import judge_overlap

    path = Path(__file__).parents[2] / "docs" / "examples" / "candidate.geojson"
    district = heidi_district()
    candidate = read_candidate(path, district)
    assert "crs" not in json.loads(path.read_text("utf-8"))
    assert judge_overlap(candidate.outline, district.buildings).passed
    assert candidate.floor >= 4.0
    assert not candidate.notes
