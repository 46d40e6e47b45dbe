"""The page about things says what the program says."""

from itertools import takewhile
from pathlib import Path

import pytest

from twin.exchange.table import COLUMNS
from twin.quantities import BUILDING_QUANTITIES, Quantity
from twin.system_kinds import SystemKind
from twin.units import TABLE, texts_of

PAGE = Path(__file__).parents[2] / "docs" / "things.md"

HEADS = {
    "quantities": "| quantity | unit | kind | sign | range | meaning | Brick |",
    "systems": "| kind | Brick or REC class | usually measured |",
    "units": "| unit | also written |",
    "columns": "| column | what it says |",
}


def cell(text: str) -> str:
    """Return a text as a cell may hold it."""
    return text.replace("|", "\\|")


def rows(name: str) -> list[str]:
    """Return the rows that a table of the page must have."""
    if name == "quantities":
        signs = {1: "use +", -1: "yield -", 0: ""}
        return [
            f"| `{q}` | {q.unit} | {q.kind} | {signs[q.sign]} | {q.low:g} .. {q.high:g} "
            f"| {q.meaning.removesuffix('.')} | {q.brick} |"
            for q in Quantity
        ]
    if name == "systems":
        return [
            f"| `{kind}` | {kind.brick} | {', '.join(kind.quantities)} |"
            for kind in SystemKind
        ]
    if name == "units":
        symbols = [
            line.split()[0] for line in TABLE.replace("\n ", " ").split("\n") if line
        ]
        return [f"| {symbol} | {cell(' '.join(texts_of(symbol)))} |" for symbol in symbols]
    return [f"| `{column}` | {cell(text)} |" for column, text in COLUMNS.items()]


@pytest.mark.parametrize("name", HEADS)
def test_tables_are_those_of_the_program(name):
    """Where this fails, put the rows that it shows into the page."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(HEADS[name]) + 2
    found = list(takewhile(lambda line: line.startswith("|"), lines[start:]))
    assert found == rows(name)


def test_the_quantities_of_buildings_are_named():
    text = PAGE.read_text(encoding="utf-8")
    assert ", ".join(f"`{quantity}`" for quantity in BUILDING_QUANTITIES) in " ".join(
        text.split()
    )
