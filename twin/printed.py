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

TIED = "\u00a0"
"""Space at which no line is divided."""

LONGEST_WORD = 14
"""Letters up to which a word is not cut."""

LONGEST_KEY = 20
"""Letters up to which the first column is not divided: ids are there to be copied."""

WHOLE_NAME = 8
"""Letters up to which the name of a column is not divided."""

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
    def _constructor(self) -> type[pd.DataFrame]:
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
    table._units = dict(units or {})
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
        return f"{value:%Y-%m-%d}{TIED}{value:%H:%M}"
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
    wide: list[int] = []
    least: list[int] = []
    for head, cells, numeric in columns:
        name = [head[0]] if len(head[0]) <= WHOLE_NAME else _pieces(head[0]).split()
        pieces = [*name, *" ".join(head[1:]).split()]
        pieces_wide = max((len(piece) for piece in pieces), default=0)
        longest = max((len(cell) for cell in cells), default=0)
        words = [len(word) for cell in cells for word in _words(cell)]
        short = longest if numeric else min(max(words, default=0), LONGEST_WORD)
        key = not wide and longest <= LONGEST_KEY
        if key or any(TIED in cell for cell in cells):
            short = longest
        least.append(max(pieces_wide, short))
        wide.append(min(max(pieces_wide, longest), max(width, pieces_wide)))
    shown = len(columns)
    while shown > 1 and sum(least[:shown]) + len(GAP) * (shown - 1) > width:
        shown -= 1
    wide, least = wide[:shown], least[:shown]
    while sum(wide) + len(GAP) * (shown - 1) > width:
        # That gives way which makes the table least longer; if several, the widest.
        free = [k for k in range(shown) if wide[k] > least[k]]
        if not free:
            break
        texts = [[len(cell) for cell in cells] for _, cells, _ in columns[:shown]]
        best = min(free, key=lambda k: (_height(texts, wide, narrower=k), -wide[k]))
        wide[best] -= 1
    return wide, shown


def _height(texts: Sequence[Sequence[int]], wide: Sequence[int], *, narrower: int) -> int:
    """Return about how many lines the rows take if one column gives a letter."""
    sizes = [size - (k == narrower) for k, size in enumerate(wide)]
    return sum(
        max(-(-text // size) for text, size in zip(row, sizes, strict=True))
        for row in zip(*texts, strict=True)
    )


def _words(cell: str) -> list[str]:
    """Return what shall stay on one line: words, and pieces of long ones with hyphens."""
    words = cell.split(" ")
    long = [word for word in words if len(word) > LONGEST_WORD and TIED not in word]
    kept = [word for word in words if word not in long]
    return [*kept, *(piece for word in long for piece in word.replace("-", "- ").split())]


def _pieces(name: str) -> str:
    """Return a name with spaces where it can be divided."""
    return name.replace("_", "_ ")


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
        name = _fold_name(head[0], size)
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
        lines.append(GAP.join(cells).replace(TIED, " ").rstrip())
    return lines


def _fold_name(name: str, size: int) -> list[str]:
    """Divide a name into lines behind underscores."""
    lines = [""]
    for piece in _pieces(name).split():
        if lines[-1] and len(lines[-1]) + len(piece) > size:
            lines.append("")
        lines[-1] += piece
    return lines


def _fold(unit: str, size: int) -> list[str]:
    """Divide a unit into lines."""
    return textwrap.wrap(unit, size) or [""]
