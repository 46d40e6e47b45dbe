"""Print tables so that a person can read them in a terminal."""

import math
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import pandas as pd

from twin.columns import MEANINGS
from twin.web.figures import MISSING

GAP = "  "

NARROWEST = 10
"""Letters that a column of text keeps at least."""

MOST_ROWS = 60
"""Rows from which on only the first are printed."""


class Table(pd.DataFrame):
    """A table that prints rounded, with units, as wide as the terminal.

    Its values, and what a notebook shows, are those of the table it is made of. What is
    computed or selected from it is an ordinary DataFrame again: its units may be others.
    """

    _metadata = ["_units"]  # noqa: RUF012 - pandas wants it so
    _units: Mapping[str, str]

    @property
    def _constructor(self) -> type[pd.DataFrame]:  # type: ignore[override]
        """Make ordinary tables of this one."""
        return pd.DataFrame

    def __repr__(self) -> str:
        """Return the lines that `print` shows."""
        known = {name: told.unit for name, told in MEANINGS.items()}
        units = {**known, **getattr(self, "_units", {})}
        return lines_of(self, units, width=shutil.get_terminal_size().columns)


def printable(frame: pd.DataFrame, units: Mapping[str, str] | None = None) -> Table:
    """Return a table that prints well.

    Parameters
    ----------
    frame : DataFrame
        Any.
    units : mapping, optional
        Units by column, where `columns.MEANINGS` does not tell or tells another one.
    """
    table = Table(frame)
    table._units = dict(units or {})  # noqa: SLF001 - pandas forbids it in the constructor
    return table


def lines_of(frame: pd.DataFrame, units: Mapping[str, str], *, width: int) -> str:
    """Write a table: texts wrapped, numbers rounded, units under the names.

    Parameters
    ----------
    frame : DataFrame
        If it has a column ``unit``, each row's values are of that unit.
    units : mapping
        By column.
    width : int
        Letters of a line; last columns that do not fit are left out and named.
    """
    rows = frame.head(MOST_ROWS)
    named = rows.index.name is not None or not isinstance(rows.index, pd.RangeIndex)
    mixed = "unit" in frame.columns
    columns: list[tuple[list[str], list[str], bool]] = []
    for name, values in ([("", rows.index.to_series())] if named else []) + list(
        rows.items()
    ):
        label = str(rows.index.name or "") if name == "" else str(name)
        numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(
            values
        )
        if mixed:
            cells = [
                _one(value, year=unit == "year")
                for value, unit in zip(values, rows["unit"], strict=True)
            ]
        else:
            cells = _column(values, year=units.get(label) == "year")
        unit = "" if mixed else units.get(label, "")
        head = [label, f"[{unit}]"] if unit and numeric else [label]
        columns.append((head, cells, numeric))
    wide, shown = _widths(columns, width)
    printed = [
        line for row in range(-1, len(rows)) for line in _row(columns[:shown], wide, row)
    ]
    left = [head[0] for head, _, _ in columns[shown:]]
    if left:
        printed += textwrap.wrap(f"Further columns: {', '.join(left)}", width)
    if len(frame) > len(rows):
        printed.append(f"The first {len(rows)} of {len(frame):,} rows")
    return "\n".join(printed)


def _column(values: "pd.Series[Any]", *, year: bool) -> list[str]:
    """Write the cells of a column, numbers with equally many digits."""
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return [_one(value) for value in values]
    known = [abs(float(value)) for value in values.dropna()]
    largest = max(known, default=0.0)
    whole = all(value == round(value) for value in known)
    digits = 0 if whole or largest >= 1000 else 1 if largest >= 10 else 3
    form = "{:.0f}" if year else f"{{:,.{digits}f}}"
    return [MISSING if pd.isna(value) else form.format(value) for value in values]


def _one(value: object, *, year: bool = False) -> str:
    """Write a cell on its own."""
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    if not isinstance(value, Real):
        return str(value)
    number = float(value)
    if not math.isfinite(number):
        return MISSING
    if year:
        return f"{number:.0f}"
    whole = number == round(number)
    return f"{number:,.{0 if whole or abs(number) >= 100 else 1}f}"


def _widths(
    columns: Sequence[tuple[list[str], list[str], bool]], width: int
) -> tuple[list[int], int]:
    """Return how wide columns are, and how many of them fit."""
    wide, least = [], []
    for head, cells, numeric in columns:
        pieces = [*head[0].replace("_", "_ ").split(), *" ".join(head[1:]).split()]
        pieces_wide = max((len(piece) for piece in pieces), default=0)
        longest = max((len(cell) for cell in cells), default=0)
        wide.append(max(pieces_wide, longest))
        short = longest if numeric else min(longest, NARROWEST)
        least.append(max(pieces_wide, short))
    shown = len(columns)
    while shown > 1 and sum(least[:shown]) + len(GAP) * (shown - 1) > width:
        shown -= 1
    wide, least = wide[:shown], least[:shown]
    while sum(wide) + len(GAP) * (shown - 1) > width:
        # The widest gives way first, so that texts get about the same room.
        widest = max(range(shown), key=lambda k: (wide[k] > least[k], wide[k]))
        if wide[widest] <= least[widest]:
            break
        wide[widest] -= 1
    return wide, shown


def _row(
    columns: Sequence[tuple[list[str], list[str], bool]], wide: Sequence[int], row: int
) -> list[str]:
    """Return the lines of a row, or of the heading for row -1."""
    blocks = []
    for (head, cells, _), size in zip(columns, wide, strict=True):
        if row >= 0:
            blocks.append(textwrap.wrap(cells[row], size) or [""])
            continue
        # Names may be divided behind an underscore, units between words.
        name = [
            line.replace(" ", "")
            for line in textwrap.wrap(head[0].replace("_", "_ "), size + 1)
        ]
        blocks.append([*name, *(line for unit in head[1:] for line in _fold(unit, size))])
    high = max(len(block) for block in blocks)
    lines = []
    for k in range(high):
        cells = [
            (text.rjust if numeric else text.ljust)(size)
            for (_, _, numeric), size, text in zip(
                columns,
                wide,
                [block[k] if k < len(block) else "" for block in blocks],
                strict=True,
            )
        ]
        lines.append(GAP.join(cells).rstrip())
    return lines


def _fold(unit: str, size: int) -> list[str]:
    """Divide a unit into lines."""
    return textwrap.wrap(unit, size) or [""]
