"""Read the numbers of a column, whose decimal mark is one for all its cells."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

BLANKS = " \xa0\u202f'"
"""What parts thousands and is no decimal mark anywhere."""

GAPS = ("nan", "null", "na", "-")
"""Texts of cells that hold nothing, in small letters."""

MARKS = (".", ",")

SAMPLE = 1_000
"""Cells that mostly tell already."""


@dataclass(frozen=True)
class Dialect:
    """How the numbers of a file are written, as far as the file tells.

    Attributes
    ----------
    decimal : str
        The decimal mark, where somebody said so; else "".
    usual : str
        That of columns whose cells do not tell.
    sure : bool
        Whether the usual one need not be spoken of.
    """

    decimal: str = ""
    usual: str = "."
    sure: bool = True


@dataclass(frozen=True)
class Numbers:
    """The numbers of a column.

    Attributes
    ----------
    value : (n,) float
        NaN where a cell is empty, or no number.
    told : (n,) bool
        Whether a cell is a finite number or empty.
    fault : str
        Why cells with a decimal mark cannot be read; "" if they can.
    note : str
        What was assumed; "" if nothing.
    """

    value: FloatArray
    told: BoolArray
    fault: str = ""
    note: str = ""


PLAIN = Dialect()


def numbers_of(column: "pa.ChunkedArray", dialect: Dialect = PLAIN) -> Numbers:
    """Return a column of texts or numbers as numbers.

    What one cell proves of the decimal mark holds for all: 1.234 is 1234 beside 1.234,5,
    and a little more than 1 beside 1.5.

    Parameters
    ----------
    column : ChunkedArray
    dialect : Dialect

    Returns
    -------
    Numbers
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    call: Any = pc.call_function
    count = len(column)
    if not pa.types.is_string(column.type):
        try:
            made = column.cast(pa.float64()).combine_chunks()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return Numbers(np.full(count, np.nan), np.zeros(count, dtype=bool))
        return _finite(made.fill_null(np.nan).to_numpy(zero_copy_only=False))
    text = call("utf8_trim", [column], pc.TrimOptions(" \t\xa0\u202f"))
    text = call("if_else", [call("equal", [text, pa.scalar("")]), None, text])
    if "," not in (dialect.decimal, dialect.usual) and (
        dialect.sure or dialect.decimal or not _is_doubtful(text)
    ):
        # Most tables write numbers as programs do.
        try:
            made = text.cast(pa.float64()).combine_chunks()
            return _finite(made.fill_null(np.nan).to_numpy(zero_copy_only=False))
        except pa.ArrowInvalid:
            pass
    mark, fault, note = _mark(text, dialect)
    if fault:
        value, told = _one_by_one(text.to_pylist())
        doubtful = _matches(text, "[.,][0-9]")
        value[doubtful] = np.nan
        return Numbers(value, told & ~doubtful, fault)
    text = _plain(text, mark)
    try:
        made = text.cast(pa.float64()).combine_chunks()
        found = _finite(made.fill_null(np.nan).to_numpy(zero_copy_only=False))
        return Numbers(found.value, found.told, note=note)
    except pa.ArrowInvalid:
        value, told = _one_by_one(text.to_pylist())
    return Numbers(value, told, note=note)


def _mark(text: "pa.ChunkedArray", dialect: Dialect) -> tuple[str, str, str]:
    """Return the decimal mark of a column, why there is none, and what was assumed."""
    if dialect.decimal:
        return dialect.decimal, "", ""
    proofs = {mark: _first(text, _matches(text, _proof(mark))) for mark in MARKS}
    found = [mark for mark in MARKS if proofs[mark]]
    if len(found) == 1:
        return found[0], "", ""
    if found:
        shown = " and ".join(repr(str(proofs[mark])[:40]) for mark in MARKS)
        return "", f"numbers of a column must have one decimal mark, got {shown}", ""
    unclear = {mark: _first(text, _matches(text, _either(mark))) for mark in MARKS}
    found = [mark for mark in MARKS if unclear[mark]]
    if not found:
        return dialect.usual, "", ""
    if found == [dialect.usual]:
        shown = unclear[dialect.usual]
        note = (
            f"{shown!r} and the like are read with {_name(dialect.usual)}s; if these part "
            "thousands, say so with --decimal"
        )
        note = "" if dialect.sure else note
        return dialect.usual, "", note
    shown = " and ".join(repr(unclear[mark]) for mark in found)
    fault = (
        f"a decimal mark must be told from one of thousands, got {shown} and nothing in "
        "the column that tells; say --decimal , or --decimal ."
    )
    return "", fault, ""


def _is_doubtful(text: "pa.ChunkedArray") -> bool:
    """Return whether all points of a column could part thousands."""
    for some in (text.slice(0, SAMPLE), text):
        marked = _matches(some, r"\.")
        if not marked.any() or not _matches(some, _either("."))[marked].all():
            return False
    return True


def _proof(mark: str) -> str:
    """Return the pattern of numbers that can be read only with a decimal mark."""
    other = "," if mark == "." else "."
    mark, other = f"[{mark}]", f"[{other}]"
    power = r"(?:[eE][+-]?[0-9]+)?"
    return (
        rf"^[+-]?(?:[0-9]{{1,3}}(?:{other}[0-9]{{3}})+{mark}[0-9]+"
        rf"|[0-9]{{1,3}}(?:{other}[0-9]{{3}}){{2,}}"
        rf"|[0-9]{{1,3}}(?:[{BLANKS}][0-9]{{3}})+{mark}[0-9]+"
        rf"|[0-9]*{mark}(?:[0-9]{{1,2}}|[0-9]{{4,}}){power}"
        rf"|(?:0[0-9]*|[0-9]{{4,}})?{mark}[0-9]+{power}"
        rf"|[0-9]+{mark}[0-9]+[eE][+-]?[0-9]+)$"
    )


def _either(mark: str) -> str:
    """Return the pattern of numbers in which a mark may part thousands, or not."""
    return rf"^[+-]?[1-9][0-9]{{0,2}}[{mark}][0-9]{{3}}$"


def _name(mark: str) -> str:
    """Return a decimal mark in words."""
    return "decimal comma" if mark == "," else "decimal point"


def _matches(text: "pa.ChunkedArray", pattern: str) -> BoolArray:
    """Return which cells a pattern is found in."""
    import pyarrow.compute as pc

    call: Any = pc.call_function
    options = pc.MatchSubstringOptions(pattern)
    found = call("match_substring_regex", [text], options).fill_null(fill_value=False)
    matches: BoolArray = found.combine_chunks().to_numpy(zero_copy_only=False)
    return matches


def _first(text: "pa.ChunkedArray", found: BoolArray) -> str:
    """Return the first cell of some, "" if there is none."""
    return str(text[int(found.argmax())].as_py()) if found.any() else ""


def _plain(text: "pa.ChunkedArray", mark: str) -> "pa.ChunkedArray":
    """Return numbers as programs write them: nothing parts thousands."""
    import pyarrow.compute as pc

    call: Any = pc.call_function
    other = "," if mark == "." else "."
    parts = f"[{other}{BLANKS}]"
    if _matches(text, parts).any():
        options = pc.ReplaceSubstringOptions(rf"{parts}([0-9]{{3}})\b", r"\1")
        text = call("replace_substring_regex", [text], options)
    if mark == ",":
        # A point that is left parts no thousands: with it a cell is no number.
        if _matches(text, r"\.").any():
            text = call("replace_substring", [text], pc.ReplaceSubstringOptions(".", "?"))
        text = call("replace_substring", [text], pc.ReplaceSubstringOptions(",", "."))
    return text


def _one_by_one(cells: list[str | None]) -> tuple[FloatArray, BoolArray]:
    """Return cells as numbers, and which are numbers or gaps."""
    value = np.full(len(cells), np.nan)
    told = np.ones(len(cells), dtype=bool)
    for row, cell in enumerate(cells):
        if cell is not None and cell.casefold() not in GAPS:
            try:
                value[row] = float(cell)
            except ValueError:
                told[row] = False
            else:
                told[row] = bool(np.isfinite(value[row]))
    return value, told


def _finite(value: FloatArray) -> Numbers:
    """Return numbers and which are finite or a gap."""
    return Numbers(value, ~np.isinf(value))
