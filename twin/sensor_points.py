"""Read loose sensors and write the light on them."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gis.errors import SourceError
from gis.files import atomic_path
from meshes.polygons import FloatArray
from meshes.solar.hourly import part_hours
from meshes.solar.irradiance import Irradiation
from twin.tables import COMPRESSION, INSTANT, Column

PLACE = ("x", "y", "z")
LOOK = ("nx", "ny", "nz")

ANNUAL = ("direct", "diffuse", "reflected", "total")
"""Columns that are added to the sensors' own [kWh/m2 a year]."""

MOST = 100_000
"""Sensors of a file, at most: each takes 0.1 MB of memory."""

FARTHEST = 1e8
"""Largest coordinate [m]; the same as that of meshes."""

BLOCK = 256
"""Sensors whose hours are held at a time."""

HOURLY_COLUMNS = (
    Column("sensor", pa.int32(), "", "row of the sensors' file, from 0"),
    Column("time", INSTANT, "", "start of the step, UTC"),
    Column("direct", pa.float32(), "W/m2", "light of the sun, mean of the step"),
    Column("diffuse", pa.float32(), "W/m2", "light of the sky"),
    Column("reflected", pa.float32(), "W/m2", "light thrown back by ground and buildings"),
    Column("total", pa.float32(), "W/m2", "all of it"),
)


@dataclass(frozen=True)
class SensorPoints:
    """Loose sensors.

    Attributes
    ----------
    table : DataFrame
        All columns of the file, as text.
    points, normals : (n, 3) float
        Places [m] and unit normals.
    """

    table: pd.DataFrame
    points: FloatArray
    normals: FloatArray


def read_sensor_points(path: Path) -> SensorPoints:
    """Read sensors from a CSV with the columns x, y, z, nx, ny, nz.

    Parameters
    ----------
    path : Path
        Comma-separated, UTF-8, one row a sensor; more columns are kept. Columns of an
        earlier result (`ANNUAL`) are left out.

    Raises
    ------
    SourceError
        If it cannot be read, lacks a column or has one twice, has no rows, or holds a
        place or normal that is no number, or a normal of length 0.
    """
    table = _read_text_table(path)
    missing = [name for name in (*PLACE, *LOOK) if name not in table.columns]
    if missing:
        message = (
            f"{path.name} must have the columns x,y,z,nx,ny,nz, {', '.join(missing)} "
            f"missing; its first line is {','.join(table.columns)[:60]!r}, separate by "
            "commas"
        )
        raise SourceError(message)
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        message = f"{path.name} must have every column once, got {twice[0]!r} twice"
        raise SourceError(message)
    if not 0 < len(table) <= MOST:
        message = (
            f"{path.name} must hold 1 to {MOST:,} sensors, got {len(table):,}; split it"
        )
        raise SourceError(message)
    values = np.empty((len(table), 6))
    for k, name in enumerate((*PLACE, *LOOK)):
        values[:, k] = pd.to_numeric(table[name], errors="coerce")
    length = np.linalg.norm(values[:, 3:], axis=1)
    # Written so that NaN is bad too.
    bad = ~(np.abs(values[:, :3]) <= FARTHEST).all(axis=1)
    bad |= ~((length > 0) & np.isfinite(length))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        told = ",".join(str(table.iloc[row][name]) for name in (*PLACE, *LOOK))
        message = (
            f"every sensor needs six numbers, places up to {FARTHEST:,.0f} m and a normal "
            f"that is not 0; line {table.index[row] + 1} of {path.name} has {told[:80]!r} "
            f"({int(bad.sum()):,} such lines)"
        )
        raise SourceError(message)
    return SensorPoints(
        table.drop(columns=[name for name in ANNUAL if name in table.columns]).reset_index(
            drop=True
        ),
        values[:, :3],
        values[:, 3:] / length[:, None],
    )


def _read_text_table(path: Path) -> pd.DataFrame:
    """Read a CSV with a header as text; the index is the line, from 0."""
    try:
        # The header is read as a row: pandas would rename what is there twice, and take
        # the first column for an index where rows are longer than the header.
        raw = pd.read_csv(
            path,
            header=None,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            skip_blank_lines=False,
            encoding="utf-8-sig",
        )
    except FileNotFoundError as error:
        message = f"cannot read {path}: no such file; check --sensors"
        raise SourceError(message) from error
    except (OSError, ValueError, pd.errors.ParserError) as error:
        first = str(error).splitlines()[0]
        message = f"{path.name} must be a CSV file, comma-separated, in UTF-8, but: {first}"
        raise SourceError(message) from error
    rows = raw[(raw != "").any(axis=1)]
    if rows.empty:
        message = f"{path.name} must hold sensors, got blank lines only"
        raise SourceError(message)
    table = rows.iloc[1:].copy()
    table.columns = pd.Index(rows.iloc[0].str.strip())
    return table


def annual_columns(light: Irradiation) -> pd.DataFrame:
    """Return the year's light on every sensor in the columns `ANNUAL` [kWh/m2]."""
    parts = light.sensor_parts.astype(np.float64)
    reflected = parts[:, 2] + parts[:, 3]
    values = np.c_[parts[:, 0], parts[:, 1], reflected, parts.sum(axis=1)]
    return pd.DataFrame(values, columns=list(ANNUAL))


def write_light(
    path: Path,
    sensors: SensorPoints,
    light: Irradiation,
    *,
    hours: Path | None = None,
    times: pd.DatetimeIndex | None = None,
) -> None:
    """Write the sensors with the year's light, and its hours if wanted: all or nothing.

    Parameters
    ----------
    path : Path
        CSV.
    sensors : SensorPoints
        What the light belongs to.
    light : Irradiation
        Facets of one sensor each.
    hours : Path, optional
        Parquet for the hours of every sensor, `HOURLY_COLUMNS`.
    times : (h,) DatetimeIndex, optional
        Start of each hour, UTC; needed for ``hours``.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    joined = pd.concat([sensors.table, annual_columns(light).round(3)], axis=1)
    with ExitStack() as both:
        if hours is not None and times is not None:
            _write_hours(both.enter_context(atomic_path(hours)), light, times)
        joined.to_csv(
            both.enter_context(atomic_path(path)), index=False, lineterminator="\n"
        )


def _write_hours(path: Path, light: Irradiation, times: pd.DatetimeIndex) -> None:
    """Write the hours, a block of sensors at a time."""
    schema = pa.schema([column.field() for column in HOURLY_COLUMNS])
    with pq.ParquetWriter(path, schema, compression=COMPRESSION) as writer:
        for table in _hour_tables(light, times, schema):
            writer.write_table(table)


def _hour_tables(
    light: Irradiation, times: pd.DatetimeIndex, schema: pa.Schema
) -> Iterator[pa.Table]:
    """Yield the hours of some sensors at a time."""
    count, hours = len(light.facets), len(times)
    for first in range(0, count, BLOCK):
        chosen = np.arange(first, min(first + BLOCK, count))
        parts = [part.ravel() for part in part_hours(light, chosen)]
        yield pa.Table.from_arrays(
            [
                pa.array(np.repeat(chosen, hours).astype(np.int32)),
                pa.array(np.tile(times.to_numpy(), len(chosen))).cast(INSTANT),
                *(pa.array(part) for part in parts),
                pa.array(parts[0] + parts[1] + parts[2]),
            ],
            schema=schema,
        )
