"""Read CSV and Parquet files of any dialect as tables of texts."""

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gis.errors import TableError
from twin.ingest.decimals import Dialect

if TYPE_CHECKING:
    import pyarrow as pa


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
) -> tuple["pa.Table", Dialect]:
    """Return a CSV file as texts, and how its numbers are written.

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
    has_commas = delimiter != "," and "," in rest
    dialect = Dialect(usual="," if has_commas else ".", sure=delimiter == ",")

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
    return table, dialect


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
