"""Read CSV and Parquet files of any dialect as tables of texts."""

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gis.errors import TableError

if TYPE_CHECKING:
    import pyarrow as pa

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def read_parquet(path: Path) -> "pa.Table":
    """Return a Parquet file.

    Raises
    ------
    TableError
        If it is none.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_table(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        message = f"{path} must be a Parquet file: {str(error)[:200]}"
        raise TableError(message) from error


def read_csv(
    path: Path, head: bytes, skip: Callable[[int, str, str], None]
) -> tuple["pa.Table", bool]:
    """Return a CSV file as texts, and whether its numbers may have a decimal comma.

    Parameters
    ----------
    path : Path
    head : bytes
        How it begins: a line of column names and some others.
    skip : callable
        Told the number of each line that has too many or too few cells, what is wrong,
        and its text.

    Raises
    ------
    TableError
        If it is no table.
    """
    import pyarrow as pa
    from pyarrow import csv

    encoding = _encoding(path, head)
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    header, _, rest = text.partition("\n")
    delimiter = max(",;\t|", key=header.count)
    if not header.count(delimiter) or "\0" in text:
        message = f"{path} must be a table, a message or several; got none of them"
        raise TableError(message)
    comma = delimiter != "," and "," in rest

    def skipped(row: csv.InvalidRow) -> str:
        text = f"a line must have {row.expected_columns} cells, got {row.actual_columns}"
        skip(row.number or 0, text, str(row.text)[:500])
        return "skip"

    names = [name.strip().strip('"') for name in header.rstrip("\r").split(delimiter)]
    try:
        table = csv.read_csv(
            path,
            read_options=csv.ReadOptions(encoding=encoding, use_threads=False),
            parse_options=csv.ParseOptions(
                delimiter=delimiter, invalid_row_handler=skipped, newlines_in_values=False
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, OSError, ValueError) as error:
        message = f"{path} must be a CSV table: {str(error)[:200]}"
        raise TableError(message) from error
    return table, comma


def _encoding(path: Path, head: bytes) -> str:
    """Return the encoding of a text file."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        # Swedish programs for Windows write it; every byte but five means a letter.
        return "cp1252"
    return "utf-8"


def texts_of(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Return a column as texts."""
    import pyarrow as pa

    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def numbers_of(column: "pa.ChunkedArray", *, comma: bool) -> tuple[FloatArray, BoolArray]:
    """Return a column as numbers.

    Parameters
    ----------
    column : ChunkedArray
        Texts or numbers.
    comma : bool
        Whether texts may have a decimal comma.

    Returns
    -------
    (n,) float
        NaN where a cell is empty, or no number.
    (n,) bool
        Whether it is a finite number or empty.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    call: Any = pc.call_function
    count = len(column)
    if not pa.types.is_string(column.type):
        try:
            made = column.cast(pa.float64()).combine_chunks()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return np.full(count, np.nan), np.zeros(count, dtype=bool)
        return _finite(made.fill_null(np.nan).to_numpy(zero_copy_only=False))
    trim = pc.TrimOptions(" \t\xa0\u202f")
    text = call("utf8_trim", [column], trim)
    if comma:
        # A point in a number that has a comma parts thousands; in others it is decimal.
        with_comma = call("match_substring", [text], pc.MatchSubstringOptions(","))
        other = text
        for old, new in ((" ", ""), ("\xa0", ""), (".", ""), (",", ".")):
            other = call("replace_substring", [other], pc.ReplaceSubstringOptions(old, new))
        text = call("if_else", [with_comma, other, text])
    text = call("if_else", [call("equal", [text, pa.scalar("")]), None, text])
    try:
        made = text.cast(pa.float64()).combine_chunks()
        return _finite(made.fill_null(np.nan).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid:
        pass
    value = np.full(count, np.nan)
    told = np.ones(count, dtype=bool)
    for row, cell in enumerate(text.to_pylist()):
        if cell is not None and cell.casefold() not in ("nan", "null", "na", "-"):
            try:
                value[row] = float(cell)
            except ValueError:
                told[row] = False
            else:
                told[row] = bool(np.isfinite(value[row]))
    return value, told


def _finite(value: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return numbers and which are finite or a gap."""
    return value, ~np.isinf(value)
