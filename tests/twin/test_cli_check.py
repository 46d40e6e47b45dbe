"""Checking on the command line: verdicts, a page, an exit code, or one line."""

import json
import shutil
import sys
from pathlib import Path

import pyogrio
import pytest
import typer

import twin.cli
from gis.typical_year import typical_year
from twin.build import build
from twin.cli import main
from twin.cli.check import check
from twin.folder import write_twin
from twin.reopen import open_twin

FILES = {"quality.json", "quality.html"}


@pytest.fixture(scope="module")
def folder(lit, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("twins") / "twin"
    write_twin(build(lit.district, typical_year(), spacing=4.0), place, stills=False)
    return place


@pytest.fixture
def copied(folder, tmp_path) -> Path:
    """Return a copy of the twin that a test may spoil."""
    target = tmp_path / "twin"
    shutil.copytree(folder, target)
    return target


@pytest.fixture
def heidi(monkeypatch, capsys):
    """Run the command line in this process; return exit code, output and messages."""
    commands = [command.callback for command in twin.cli.app.registered_commands]
    if check not in commands:
        app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
        app.command()(check)
        app.callback()(lambda: None)
        monkeypatch.setattr(twin.cli, "app", app)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["heidi", "check", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        told = capsys.readouterr()
        return int(stopped.value.code or 0), told.out, told.err

    return run


def test_a_sound_twin_ends_with_zero_and_stays_a_twin(heidi, copied):
    before = {path.name for path in copied.iterdir()}
    code, out, err = heidi(copied)
    assert code == 0, err
    assert {path.name for path in copied.iterdir()} == before | FILES
    assert "Small & <bold> district" in out
    assert "Closed bodies" in out
    assert f"{copied / 'quality.html'}" in out
    assert max(map(len, out.splitlines()[:-1])) <= 92
    assert open_twin(copied).district.name == "Small & <bold> district"
    assert heidi(copied)[0] == 0, "the second check is not put off by the first one's files"


def test_a_bad_twin_ends_with_one_and_says_why(heidi, copied):
    path = copied / "buildings.gpkg"
    layer = pyogrio.read_dataframe(path, layer="buildings")
    layer["height_source"] = "assumed: nothing known"
    pyogrio.write_dataframe(layer, path, layer="buildings")
    code, out, _ = heidi(copied)
    assert code == 1
    assert "BAD   Heights" in out
    assert "bad below 50 %" in out
    assert {"quality.json", "quality.html"} <= {p.name for p in copied.iterdir()}


def test_json_is_the_answer_and_nothing_else(heidi, folder, tmp_path):
    code, out, _ = heidi(folder, "--json", "--out", tmp_path / "deep" / "answer")
    assert code == 0
    record = json.loads(out)
    assert {Path(name).name for name in record["files"]} == FILES
    assert all(Path(name).is_file() for name in record["files"])
    written = json.loads(Path(record["files"][0]).read_text("utf-8"))
    assert written["topics"] == record["topics"]
    assert not FILES & {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "heidi.toml").unlink(), "must be a twin"),
        (lambda f: (f / "terrain.tif").unlink(), "terrain.tif"),
        (lambda f: (f / "weather.parquet").write_bytes(b"PAR1"), "weather.parquet"),
        (lambda f: (f / "buildings.gpkg").write_bytes(b""), "buildings.gpkg"),
        (shutil.rmtree, "must be a twin"),
    ],
    ids=["no description", "no terrain", "damaged weather", "no layers", "no folder"],
)
def test_bad_input_is_one_line_and_nothing_is_written(heidi, copied, spoil, words):
    spoil(copied)
    code, out, err = heidi(copied)
    assert code == 2, err
    assert not out
    (line,) = [line for line in err.splitlines() if line.startswith("heidi:")]
    assert words in line
    assert "Traceback" not in err
    assert not copied.exists() or not FILES & {path.name for path in copied.iterdir()}


def test_a_file_is_no_folder_for_the_answer(heidi, folder, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = heidi(folder, "--out", tmp_path / "file")
    assert code == 2
    assert "is a file" in err


def test_help_teaches_with_an_example(heidi):
    code, out, _ = heidi("--help")
    assert code == 0
    assert "Example: heidi check heidi-demo" in out
