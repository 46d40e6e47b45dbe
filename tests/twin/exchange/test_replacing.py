"""An import replaces the things of a twin whole or not at all, and can be undone."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from gis.errors import HeidiError, UnknownIdError
from twin.cli import app
from twin.equipment import equipment, with_systems
from twin.exchange.replacing import (
    changes,
    check_fits,
    read_things,
    replace_things,
    write_things,
)
from twin.exchange.table import COLUMNS
from twin.model import Model, SystemKind, district_model
from twin.things import model_text, read_model, write_model

NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)


def basic() -> Model:
    """Return the things of a twin as it is built."""
    table = pd.DataFrame({"name": ["", "Prisma"]}, index=["b1", "b2"])
    return district_model(table, pv_facets={"b1": ["b1-roof"]})


def richer(*, facets: tuple[str, ...] = ()) -> Model:
    """Return the same with a heat pump, and collectors where they shall lie."""
    pump, points = equipment("b2", SystemKind.HEAT_PUMP)
    sun, more = equipment("b2", SystemKind.SOLAR_THERMAL, facets=facets)
    return with_systems(basic(), [pump, sun], [*points, *more])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a twin folder, as far as an import looks at it."""
    path = tmp_path / "twin"
    path.mkdir()
    write_model(path / "model.json", basic())
    facets = pd.DataFrame({"facet": ["b1-roof", "b2-roof"], "kwh_m2": [1.0, 2.0]})
    facets.to_parquet(path / "facets.parquet")
    return path


def run(*words: object, code: int = 0) -> str:
    """Run the command line and return what it said."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if code:
        assert isinstance(result.exception, HeidiError), result.output
        return str(result.exception)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("form", ["jsonld", "csv"])
def test_things_come_in_and_the_old_ones_back(folder, tmp_path, form):
    before = (folder / "model.json").read_bytes()
    out = tmp_path / f"things.{form}"
    write_things(out, richer(facets=("b2-roof",)), form=form)
    told = run("import", "things", out, folder)
    assert "systems: 2 added (b2/heat-pump, b2/solar-thermal)" in told
    assert read_model(folder / "model.json") == richer(facets=("b2-roof",))
    (kept,) = folder.glob("model.2*.json")
    assert kept.read_bytes() == before
    assert f"undo: heidi import things {kept} {folder}" in told
    assert "systems: 2 removed" in run("import", "things", kept, folder)
    assert (folder / "model.json").read_bytes() == before


def test_the_command_writes_what_it_reads(folder, tmp_path):
    for form in ("jsonld", "csv"):
        out = tmp_path / f"out.{form}"
        told = run("export", "things", folder, "--as", form, "--out", out)
        assert "2 buildings, 7 systems, 7 points" in told
        assert read_things(out).model == basic()
        assert "nothing to write" in run("import", "things", out, folder)
    assert sorted(p.name for p in folder.iterdir()) == ["facets.parquet", "model.json"]


def test_a_dry_run_changes_nothing(folder, tmp_path):
    out = tmp_path / "things.csv"
    write_things(out, richer(), form="csv")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    told = run("import", "things", out, folder, "--dry-run")
    assert "points: 11 added" in told
    assert "nothing written" in told
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("b2", "b3"), "must be those of the twin"),
        (lambda text: text.replace("b1-roof", "b9-roof"), "1 unknown: b9-roof"),
        (lambda text: text.replace("kW,", "kWh,"), "a unit of energy"),
        (lambda text: text[: len(text) // 2], f"must have {len(COLUMNS)} cells"),
    ],
)
def test_what_cannot_be_the_twins_is_refused_and_nothing_written(
    folder, tmp_path, change, told
):
    out = tmp_path / "things.csv"
    write_things(out, basic(), form="csv")
    out.write_text(change(out.read_text(encoding="utf-8")), encoding="utf-8")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert told in run("import", "things", out, folder, code=2)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_building_may_have_several_points_of_a_quantity(folder, tmp_path):
    """Two heat meters are usual; the live twin adds them up."""
    more, points = equipment("b1", SystemKind.HEAT, number=2)
    model = with_systems(basic(), [more], points)
    check_fits(folder, basic(), model)
    out = tmp_path / "things.csv"
    write_things(out, model, form="csv")
    run("import", "things", out, folder)
    assert set(read_model(folder / "model.json").points) == set(model.points)


def test_facets_that_only_the_twin_knows_are_taken(folder):
    check_fits(folder, basic(), richer(facets=("b2-roof",)))
    with pytest.raises(UnknownIdError, match="1 unknown: b3-roof"):
        check_fits(folder, basic(), richer(facets=("b3-roof",)))


@pytest.mark.parametrize("most", [100, 3000], ids=["no file", "the old one only"])
def test_a_full_disk_keeps_the_things(folder, tmp_path, most):
    """A limit on the size of files stands for the disk; it binds root as well."""
    out = tmp_path / "things.csv"
    write_things(out, richer(), form="csv")
    before = (folder / "model.json").read_bytes()
    assert 100 < len(before) < 3000 < len(model_text(richer()))
    code = (
        "import resource, sys; from twin.cli import main;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}));"
        f"sys.argv = ['heidi', 'import', 'things', {str(out)!r}, {str(folder)!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("heidi: cannot write")
    assert (folder / "model.json").read_bytes() == before
    assert not list(folder.glob(".*part*"))


def test_two_imports_in_a_second_keep_two_files(folder):
    first = replace_things(folder, richer(), now=NOON)
    second = replace_things(folder, basic(), now=NOON)
    assert [p.name for p in (first, second)] == [
        "model.20260621T120000Z.json",
        "model.20260621T120000Z-2.json",
    ]
    assert read_model(second) == richer()


def test_changes_are_told_by_kind():
    assert changes(basic(), basic()) == (
        "buildings: no change",
        "systems: no change",
        "points: no change",
    )
    assert "points: 11 removed" in changes(richer(), basic())[2]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("export", "things", "TWIN", "--as", "xml", "--out", "x"), "jsonld or csv, got"),
        (("export", "things", "nowhere", "--out", "x"), "must exist"),
        (("import", "things", "x.xlsx", "TWIN"), "must end in .jsonld or .json or .csv"),
        (("import", "things", "missing.csv", "TWIN"), "cannot read"),
    ],
)
def test_bad_words_end_in_one_line(folder, words, told):
    said = run(*(folder if w == "TWIN" else w for w in words), code=2)
    assert told in said
    assert "\n" not in said


def test_help_teaches_with_an_example():
    for words in (("export", "things"), ("import", "things")):
        assert f"Example: heidi {' '.join(words)}" in run(*words, "--help")
    assert "things" in run("import", "--help")


def test_helping_loads_no_heavy_library():
    code = (
        "import sys, twin.cli.things;"
        "assert not {'pandas', 'pyarrow', 'numpy', 'pint'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_written_graph_is_plain_json(folder, tmp_path):
    out = tmp_path / "things.jsonld"
    run("export", "things", folder, "--out", out)
    told = json.loads(out.read_text(encoding="utf-8"))
    assert set(told) == {"@context", "@graph"}
    assert len(told["@graph"]) == 1 + 2 + 7 + 7, "site, buildings, systems, points"
