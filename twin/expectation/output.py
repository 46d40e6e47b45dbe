"""Write expected powers as files that other tools open."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gis.files import atomic_path, check_ending
from twin.expectation.expected_power import Basis

ENDINGS = (".csv", ".parquet")


def write_expected(path: Path, table: pd.DataFrame, basis: Basis) -> None:
    """Write a table of expected powers.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.parquet``.
    table : DataFrame
        Of `Expected.table` or `Forecast.table`.
    basis : Basis
        What it rests on: in the metadata of Parquet; model and weather stand in every row
        of both.

    Raises
    ------
    OutputError
        If the ending is another one or the file cannot be written.
    """
    check_ending(path, ENDINGS)
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".csv":
            rounded = table.round(
                {name: 4 for name in table.columns if table[name].dtype == "float64"}
            )
            # Night is 0 and not -0.
            numbers = rounded.select_dtypes("float64").columns
            rounded[numbers] += 0.0
            rounded.to_csv(
                temporary,
                index=False,
                date_format="%Y-%m-%dT%H:%M:%SZ",
                lineterminator="\n",
            )
            return
        rows = pa.Table.from_pandas(table, preserve_index=False)
        told = {
            "model": basis.model,
            "geometry": basis.geometry,
            "weather": basis.weather,
            "version": basis.version,
            "notes": json.dumps(basis.notes, ensure_ascii=False),
        }
        rows = rows.replace_schema_metadata(
            {**(rows.schema.metadata or {}), **{k: v.encode() for k, v in told.items()}}
        )
        pq.write_table(rows, temporary, compression="zstd")
