"""Read tables that other programs export: long or wide, CSV or Parquet."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gis.errors import SourceError
from twin.ingest.date_columns import ends_of, find_beside, texts_in
from twin.ingest.decimals import PLAIN
from twin.ingest.export_files import read_csv, read_parquet
from twin.ingest.export_table import About, Table
from twin.ingest.export_values import Bad, Export, Reader, Series, Unwanted
from twin.ingest.export_words import columns_of, quality_column
from twin.ingest.quality_words import are_words
from twin.ingest.readings import Fault

__all__ = ["Bad", "Export", "Reader", "Series", "read_export"]

LARGEST = 1 << 29
"""Largest table that is read [bytes]; ten years of a thousand hourly meters take it."""

HEAD = 1 << 16
"""Bytes that tell the dialect of a CSV file."""


def read_export(
    path: Path,
    how: Reader,
    *,
    points: Sequence[str] = (),
    unwanted: Unwanted | None = None,
) -> Export:
    """Read a table of values.

    Parameters
    ----------
    path : Path
        CSV with a line of column names, or Parquet. A column of times; then a series in
        each column (wide), or columns of names and values (long).
    how : Reader
    points : sequence of str
        Points of the twin: columns may be named after them.
    unwanted : callable, optional
        Says which values nobody wants: they need not be numbers.

    Returns
    -------
    Export

    Raises
    ------
    SourceError
        If it cannot be read, or is too large.
    TableError
        If it is no such table.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            message = (
                f"a table must have at most {LARGEST} bytes, {path} has {size}; split it"
            )
            raise SourceError(message)
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        if isinstance(error, SourceError):
            raise
        message = f"{path} must be readable: {error.strerror or error}"
        raise SourceError(message) from error
    bad: list[Bad] = []
    if head.startswith(b"PAR1"):
        table, dialect = read_parquet(path), PLAIN
    else:
        table, dialect = read_csv(
            path,
            head,
            lambda line, text, shown: bad.append(Bad(line, Fault.SHAPE.value, text, shown)),
        )
    names = [str(name) for name in table.column_names]
    beside = find_beside(table, time=how.time) if len(set(names)) == len(names) else None
    quality = quality_column(names)
    if not are_words(texts_in(table, quality)):
        quality = ""
    columns = columns_of(
        names,
        time=beside.date if beside else how.time,
        device=how.device,
        column=how.column,
        quality=quality,
        aside=beside.columns if beside else (),
    )
    if beside is None and (ends := ends_of(table, columns.time)):
        kept = tuple(name for name in columns.numbers if name not in ends)
        columns = replace(columns, numbers=kept or columns.numbers)
    dialect = replace(dialect, decimal=how.decimal)
    about = About(path.stem, frozenset(points), beside, dialect, unwanted)
    return Table(table, columns, how, about, bad).export()
