"""Read delimited text as spreadsheets export it."""

import codecs
import csv
import io
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from gis.errors import SourceError, TableError
from gis.faults import MOST_NAMED, count_things, name_some
from gis.sources.json_text import read_bytes

MOST_BYTES = 20_000_000
"""Bytes of a table; a hundred thousand rows of two hundred letters."""

MOST_ROWS = 100_000
"""Rows of a table, blank ones not counted."""

MOST_COLUMNS = 500
"""Columns of a table; the widest building registers have some hundred."""

DELIMITERS = ";\t,"
"""What may stand between columns. Where the decimal sign is a comma, as in Swedish,
spreadsheets write semicolons."""

_LONGEST_NAME = 60
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)


def read_delimited(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a table of text.

    Parameters
    ----------
    path : Path
        Comma, semicolon or tab between columns; UTF-8 with or without byte order mark,
        UTF-16 with one, else taken as Windows-1252. The first line names the columns; a
        line ``sep=;`` before it is understood.

    Returns
    -------
    table : DataFrame
        All cells as text without blanks around them. Index: the number of the row as a
        spreadsheet shows it, the header being row 1. Blank rows are left out.
    notes : tuple of str
        A sentence where the text is not Unicode.

    Raises
    ------
    SourceError
        If the file is missing, empty, too large or no text.
    TableError
        If there is no table, columns share a name, rows have not as many cells as there
        are columns, or there are too many of either.
    """
    name = path.name
    text, notes = _decode(read_bytes(path, most=MOST_BYTES), name)
    told = _SEPARATOR_LINE.match(text)
    if told:
        text = text[told.end() :]
    delimiter = told.group(1) if told else _delimiter(text, name)
    numbers: list[int] = []
    rows: list[list[str]] = []
    try:
        # Strict, or a quote that is never closed would swallow all rows after it.
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for number, cells in enumerate(reader, start=1):
            if len(cells) > MOST_COLUMNS:
                message = (
                    f"a table must have at most {MOST_COLUMNS} columns, row {number} of "
                    f"{name} has {len(cells):,}; leave out the others"
                )
                raise TableError(message)
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                numbers.append(number)
                rows.append(stripped)
            if len(rows) > MOST_ROWS + 1:
                message = (
                    f"a table must have at most {MOST_ROWS:,} rows, {name} has more; cut it"
                )
                raise TableError(message)
    except (csv.Error, TypeError) as error:
        # TypeError: a delimiter that cannot be one, such as a quote.
        at = numbers[-1] + 1 if numbers else 1
        message = f"{name} must be a table, row {at} is not readable: {error}; mend it"
        raise TableError(message) from error
    if len(rows) < 2 or len(rows[0]) < 2:
        message = (
            f"a table must have a line of column names and rows below, {name} has none; "
            "put comma, semicolon or tab between the columns"
        )
        raise TableError(message)
    header = _header(rows[0], name)
    _check_widths(numbers, rows, delimiter, name)
    table = pd.DataFrame(
        rows[1:], columns=header, index=pd.Index(numbers[1:], name="row"), dtype=object
    )
    unnamed = [c for c, given in zip(header, rows[0], strict=True) if given == ""]
    idle = [c for c in unnamed if (table[c] == "").all()]
    return table.drop(columns=idle), notes


def _decode(content: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """Turn bytes into text."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        if not marked and b"\0" in content:
            message = f"a table must be text, {name} is not; save it as CSV in UTF-8"
            raise SourceError(message)
        return content.decode("utf-16" if marked else "utf-8-sig"), ()
    except UnicodeDecodeError as error:
        if marked:
            message = f"{name} must be whole UTF-16 text, it is not; save it in UTF-8"
            raise SourceError(message) from error
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        message = f"{name} must be text in UTF-8 or Windows-1252, it is not; save it anew"
        raise SourceError(message) from error
    return text, (f"text of {name} is not UTF-8, read as Windows-1252",)


def _delimiter(text: str, name: str) -> str:
    """Find what stands between the columns: what parts the first line most often."""
    start = text.lstrip()
    if not start:
        message = f"a table must have a line of column names, {name} is blank; fill it"
        raise TableError(message)
    line = start.splitlines()[0]
    outside = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=outside.count)


def _header(cells: list[str], name: str) -> list[str]:
    """Names of the columns, "column 7" where one has none."""
    names = [
        " ".join(cell.split())[:_LONGEST_NAME] or f"column {number}"
        for number, cell in enumerate(cells, start=1)
    ]
    repeated = [repr(column) for column, count in Counter(names).items() if count > 1]
    if repeated:
        message = (
            f"columns must have different names, {name} repeats {name_some(repeated)}; "
            "rename or leave out one"
        )
        raise TableError(message)
    return names


def _check_widths(
    numbers: list[int], rows: list[list[str]], delimiter: str, name: str
) -> None:
    """Refuse rows with more or fewer cells than there are columns."""
    width = len(rows[0])
    uneven = [(n, len(r)) for n, r in zip(numbers, rows, strict=True) if len(r) != width]
    if not uneven:
        return
    some = ", ".join(f"row {n} has {cells}" for n, cells in uneven[:MOST_NAMED])
    more = f" and {len(uneven) - MOST_NAMED} more" if len(uneven) > MOST_NAMED else ""
    advice = "mend them"
    if delimiter == "," and any(cells > width for _, cells in uneven):
        advice = "where the decimal sign is a comma, put semicolons between the columns"
    message = (
        f"rows of {name} must have {count_things(width, 'cell')} as the first, "
        f"{some}{more}; {advice}"
    )
    raise TableError(message)
