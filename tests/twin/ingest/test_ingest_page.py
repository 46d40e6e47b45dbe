"""What docs/ingest.md shows works as it stands there."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twin.cli import app
from twin.ingest.mapping import parse_mapping
from twin.store.embedded import EmbeddedStore

from .small_twin import small_model, write_twin

PAGE = Path(__file__).parents[3] / "docs" / "ingest.md"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [text for what, text in BLOCK.findall(PAGE.read_text("utf-8")) if what == kind]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    write_twin(tmp_path / "twin")
    export, names, _ = blocks("csv")
    (tmp_path / "export.csv").write_text(export, encoding="utf-8")
    # The page has the device of a table and its column apart.
    (tmp_path / "names.csv").write_text(names, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_run_in_their_order(place):
    for block in blocks("sh"):
        for line in block.splitlines():
            words = shlex.split(line)
            assert words[0] == "heidi"
            result = CliRunner().invoke(app, words[1:])
            assert result.exit_code == 0, (line, result.output, result.exception)
    with EmbeddedStore(place / "twin" / "live.sqlite") as store:
        kept = [k.value for k in store.between(0, 2**62)]
        assert kept == [1_234_500, 1_234_700, 1_234_900, 18.2, 17.9, 18.4]
        assert store.refusals() == {}


def test_the_program_runs(place):
    (program,) = blocks("python")
    names: dict[str, object] = {}
    exec(program, names)
    assert names["admission"].receipt.new == 1


def test_the_mapping_holds():
    points = {point.id for point in small_model().points}
    assert len(parse_mapping(blocks("csv")[2], points=points)) == 5
