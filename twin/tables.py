"""Write results as Parquet tables that say what they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gis.errors import TableError
from gis.files import atomic_path
from meshes.facets import Facets
from meshes.polygons import FloatArray
from meshes.solids import Kind
from twin.quantities import BUILDING_QUANTITIES

COMPRESSION = "zstd"

ROWS_PER_GROUP = 1_000_000
"""Rows that are compressed together at most, whole buildings each: a query for one building
skips the other groups."""

SCHEMATIC_LABEL = "schematic, not survey data"

INSTANT = pa.timestamp("ms", tz="UTC")
ID = pa.dictionary(pa.int32(), pa.string())

FLAT = 1e-9
"""Horizontal part of a normal below which a facet faces no direction."""


@dataclass(frozen=True)
class Provenance:
    """Where a table comes from; stands in the metadata of every file.

    Attributes
    ----------
    version : str
        Of this software.
    input_hash : str
        Hash of everything the table was computed from.
    schematic : bool
        True where the district is generalised and not surveyed.
    credits : tuple of str
        Whom to name.
    """

    version: str
    input_hash: str
    schematic: bool
    credits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column of a table: name, Arrow type, unit ("" for none) and meaning."""

    name: str
    type: pa.DataType
    unit: str
    meaning: str

    def field(self) -> pa.Field:
        """Return the Arrow field with unit and meaning as metadata."""
        return pa.field(
            self.name, self.type, metadata={"unit": self.unit, "description": self.meaning}
        )


LIGHT_PARTS = {
    "direct": "light of the sun",
    "diffuse": "light of the sky",
    "ground": "light thrown back by the ground",
    "building": "light thrown back by buildings",
}
"""Parts of the light, in the order of `meshes.solar.irradiance.PARTS`."""

FACET_COLUMNS = (
    Column("facet", pa.string(), "", "stable id of a roof or wall"),
    Column("part", pa.string(), "", "building part it belongs to"),
    Column("building", pa.string(), "", "building it belongs to"),
    Column("kind", pa.string(), "", "roof or wall"),
    Column(
        "azimuth", pa.float64(), "degrees", "clockwise from north; null where it lies flat"
    ),
    Column("tilt", pa.float64(), "degrees", "from horizontal: 0 a flat roof, 90 a wall"),
    Column("area_m2", pa.float64(), "m2", "area above ground"),
    Column("sensors", pa.int32(), "", "number of points at which light was computed"),
    Column("x", pa.float64(), "m", "easting of the sensors' mean, EPSG:3008"),
    Column("y", pa.float64(), "m", "northing of the sensors' mean, EPSG:3008"),
    Column("z", pa.float64(), "m", "height of the sensors' mean, RH2000"),
    Column("sky_view", pa.float64(), "1", "cosine-weighted share of the sky dome seen"),
    Column("kwh_m2", pa.float64(), "kWh/m2", "irradiation of the year"),
    *(
        Column(f"{part}_kwh_m2", pa.float64(), "kWh/m2", f"{meaning} in the year")
        for part, meaning in LIGHT_PARTS.items()
    ),
    *(
        Column(f"kwh_m2_{m:02d}", pa.float64(), "kWh/m2", f"irradiation of UTC month {m}")
        for m in range(1, 13)
    ),
    Column("pv_area_m2", pa.float64(), "m2", "area covered by panels"),
    Column("pv_kwp", pa.float64(), "kW", "rated power of the panels"),
    Column("pv_kwh", pa.float64(), "kWh", "yield of the year, positive"),
)

HOURLY_COLUMNS = (
    Column("building", ID, "", "building"),
    Column("time", INSTANT, "", "start of the hour, UTC"),
    Column("roof_kw", pa.float32(), "kW", "sunlight on the roofs, mean of the hour"),
    Column("facade_kw", pa.float32(), "kW", "sunlight on the walls, mean of the hour"),
    Column("pv_kw", pa.float32(), "kW", "expected yield of the panels, 0 or positive"),
)

SENSOR_COLUMNS = (
    Column("facet", ID, "", "roof or wall it lies on"),
    Column("x", pa.float64(), "m", "easting, EPSG:3008"),
    Column("y", pa.float64(), "m", "northing, EPSG:3008"),
    Column("z", pa.float64(), "m", "height, RH2000"),
    Column("kwh_m2", pa.float32(), "kWh/m2", "irradiation of the year"),
    *(
        Column(f"{part}_kwh_m2", pa.float32(), "kWh/m2", f"{meaning} in the year")
        for part, meaning in LIGHT_PARTS.items()
    ),
    Column("sky_view", pa.float32(), "1", "cosine-weighted share of the sky dome seen"),
)

METER_COLUMNS = (
    Column("point", ID, "", "measuring point: building/system/point"),
    Column("building", ID, "", "building"),
    Column(
        "quantity",
        ID,
        "",
        "; ".join(f"{q.value}: {q.meaning}" for q in BUILDING_QUANTITIES),
    ),
    Column("time", INSTANT, "", "start of the interval, UTC"),
    Column(
        "value",
        pa.float64(),
        "see column unit",
        "mean of the interval, consumption positive, generation negative",
    ),
    Column("unit", ID, "", "unit of the value"),
    Column("source", ID, "", "how the value is known"),
)


def facet_table(
    facets: Facets,
    building_of: "pd.Series[str]",
    *,
    parts_kwh_m2: FloatArray,
    sky_view: FloatArray,
    pv: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Describe every facet, the light on it and the panels it carries.

    Parameters
    ----------
    facets : Facets
        The f roofs and walls.
    building_of : Series of str
        Building of each part, indexed by part: a district's ``buildings["building"]``.
    parts_kwh_m2 : (f, 4, 12) float
        Mean irradiation of each facet by part (`LIGHT_PARTS`) and UTC month [kWh/m2].
    sky_view : (f,) float
        Mean share of the sky that each facet sees, 0..1.
    pv : DataFrame, optional
        Panels, indexed by facet id: ``pv_area_m2`` [m2], ``pv_kwp`` [kW], ``pv_kwh``
        [kWh a year]. Facets that it does not hold carry none.

    Returns
    -------
    DataFrame
        Columns as in `FACET_COLUMNS`, in the facets' order.

    Raises
    ------
    TableError
        If the arrays' shapes do not fit the facets, or panels lie on unknown facets.
    """
    wanted = {"irradiation": (len(facets), 4, 12), "sky_view": (len(facets),)}
    given = {"irradiation": parts_kwh_m2, "sky_view": sky_view}
    wrong = [
        f"{name} must be {shape}, got {given[name].shape}"
        for name, shape in wanted.items()
        if given[name].shape != shape
    ]
    if wrong:
        message = f"{'; '.join(wrong)}; take those of these facets"
        raise TableError(message)
    panels = ("pv_area_m2", "pv_kwp", "pv_kwh")
    carried = pd.DataFrame(columns=panels, dtype=np.float64) if pv is None else pv
    unknown = carried.index.difference(pd.Index(facets.ids))
    if len(unknown):
        message = (
            f"panels must lie on known facets, got {len(unknown)} unknown: "
            f"{', '.join(str(facet) for facet in unknown[:5])}"
        )
        raise TableError(message)
    parts = np.array(facets.solids.parts, dtype=object)[facets.part]
    east, north, up = facets.normal.T
    level = np.hypot(east, north) < FLAT
    azimuth = np.degrees(np.arctan2(east, north)) % 360
    centre = _centres(facets)
    table = pd.DataFrame(
        {
            "facet": facets.ids,
            "part": parts,
            "building": building_of.loc[parts].to_numpy(),
            "kind": [Kind(kind).name.lower() for kind in facets.kind],
            "azimuth": np.where(level, np.nan, azimuth),
            "tilt": np.degrees(np.arccos(np.clip(up, -1.0, 1.0))),
            "area_m2": facets.area,
            "sensors": facets.sensors_per_facet,
            "x": centre[:, 0],
            "y": centre[:, 1],
            "z": centre[:, 2],
            "sky_view": sky_view,
            "kwh_m2": parts_kwh_m2.sum(axis=(1, 2)),
            **{
                f"{part}_kwh_m2": parts_kwh_m2[:, k].sum(axis=1)
                for k, part in enumerate(LIGHT_PARTS)
            },
            **{f"kwh_m2_{m + 1:02d}": parts_kwh_m2[:, :, m].sum(axis=1) for m in range(12)},
        }
    )
    placed = carried[list(panels)].reindex(list(facets.ids)).fillna(0.0)
    return table.assign(**{name: placed[name].to_numpy(np.float64) for name in panels})


def write_facets(path: Path, facets: pd.DataFrame, *, provenance: Provenance) -> None:
    """Write one row per facet.

    Parameters
    ----------
    path : Path
        ``facets.parquet``.
    facets : DataFrame
        Columns of `FACET_COLUMNS`, as `facet_table` makes them; NaN becomes null.
    provenance : Provenance
        For the file's metadata.

    Raises
    ------
    TableError
        If a column is missing or holds the wrong kind of value.
    OutputError
        If the file cannot be written.
    """
    write_rows(path, facets, FACET_COLUMNS, "facets", provenance)


def write_sensors(
    path: Path,
    facets: Facets,
    *,
    parts_kwh_m2: NDArray[np.float32],
    sky_view: NDArray[np.float32],
    provenance: Provenance,
) -> None:
    """Write one row per sensor, facet after facet.

    Parameters
    ----------
    path : Path
        ``sensors.parquet``.
    facets : Facets
        They carry the n sensors.
    parts_kwh_m2 : (n, 4) float32
        Irradiation of each sensor over the year by part (`LIGHT_PARTS`) [kWh/m2].
    sky_view : (n,) float32
        Sky view factor of each.
    provenance : Provenance
        For the file's metadata.

    Raises
    ------
    TableError
        If there is not one value a sensor.
    OutputError
        If the file cannot be written.
    """
    count = facets.sensor_count
    shapes = (parts_kwh_m2.shape, sky_view.shape)
    if shapes != ((count, len(LIGHT_PARTS)), (count,)):
        message = (
            f"values must be given for {count} sensors, got shapes {shapes}; compute them "
            "from these facets"
        )
        raise TableError(message)
    annual = parts_kwh_m2.sum(axis=1, dtype=np.float32)
    # Millimetres are enough for a place, and round numbers pack better.
    places = (facets.sensor_positions() + facets.solids.origin).round(3)
    owner = pa.DictionaryArray.from_arrays(
        facets.sensor_facet.astype(np.int32), pa.array(facets.ids, pa.string())
    )
    arrays = [
        owner,
        *(pa.array(places[:, axis]) for axis in range(3)),
        *(pa.array(values) for values in (annual, *parts_kwh_m2.T, sky_view)),
    ]
    schema = table_schema(SENSOR_COLUMNS, provenance, "sensors")
    with atomic_path(path) as temporary:
        pq.write_table(
            pa.Table.from_arrays(arrays, schema=schema),
            temporary,
            compression=COMPRESSION,
            use_dictionary=["facet"],
            use_byte_stream_split=[c.name for c in SENSOR_COLUMNS if c.name != "facet"],
            row_group_size=ROWS_PER_GROUP,
        )


def write_meters(path: Path, observations: pd.DataFrame, *, provenance: Provenance) -> None:
    """Write one row per meter value.

    Parameters
    ----------
    path : Path
        ``meters_simulated.parquet``.
    observations : DataFrame
        Columns of `METER_COLUMNS`; ``time`` in UTC.
    provenance : Provenance
        For the file's metadata, whose title names the sources of the values as well.

    Raises
    ------
    TableError
        If a column is missing or holds the wrong kind of value.
    OutputError
        If the file cannot be written.
    """
    sources = sorted(set(observations.get("source", ())))
    what = f"meter values ({', '.join(sources)})"
    write_rows(path, observations, METER_COLUMNS, what, provenance)


def write_hourly(
    path: Path,
    buildings: Sequence[str],
    times: pd.DatetimeIndex,
    *,
    roof_kw: NDArray[np.floating],
    facade_kw: NDArray[np.floating],
    pv_kw: NDArray[np.floating],
    provenance: Provenance,
) -> None:
    """Write the hours of every building, building after building.

    Parameters
    ----------
    path : Path
        ``hourly.parquet``.
    buildings : sequence of str
        The b buildings; rows are sorted by their ids.
    times : (t,) DatetimeIndex
        Starts of the hours in UTC, ascending.
    roof_kw, facade_kw : (b, t) float
        Sunlight on roofs and walls [kW].
    pv_kw : (b, t) float
        Expected yield of the panels [kW], 0 or positive.
    provenance : Provenance
        For the file's metadata.

    Raises
    ------
    TableError
        If shapes do not fit, ids repeat or times are not ascending UTC.
    OutputError
        If the file cannot be written.

    Notes
    -----
    Columns are made as arrays of whole blocks of buildings, and sunlight is stored byte by
    byte across rows, where zstd finds more to save than in whole numbers.
    """
    values = {"roof_kw": roof_kw, "facade_kw": facade_kw, "pv_kw": pv_kw}
    _check_hourly(buildings, times, values)
    order = np.argsort(np.array(buildings, dtype=object), kind="stable")
    names = pa.array([buildings[k] for k in order], pa.string())
    hours = times.as_unit("ms").asi8
    schema = table_schema(HOURLY_COLUMNS, provenance, "hours of buildings")
    per_group = max(1, ROWS_PER_GROUP // max(1, len(times)))
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(
            temporary,
            schema,
            compression=COMPRESSION,
            use_dictionary=["building"],
            column_encoding={
                "time": "DELTA_BINARY_PACKED",
                **dict.fromkeys(values, "BYTE_STREAM_SPLIT"),
            },
        ) as writer,
    ):
        for first in range(0, len(order), per_group):
            block = order[first : first + per_group]
            places = np.arange(first, first + len(block), dtype=np.int32)
            columns = [
                pa.DictionaryArray.from_arrays(places.repeat(len(hours)), names),
                pa.array(np.tile(hours, len(block))).cast(INSTANT),
                *(
                    pa.array(np.asarray(array[block], np.float32).ravel())
                    for array in values.values()
                ),
            ]
            batch = pa.Table.from_arrays(columns, schema=schema)
            writer.write_table(batch, row_group_size=len(block) * len(hours))


def _check_hourly(
    buildings: Sequence[str],
    times: pd.DatetimeIndex,
    values: dict[str, NDArray[np.floating]],
) -> None:
    """Refuse arrays that do not fit each other."""
    shape = (len(buildings), len(times))
    faults = [
        f"{name} must be {shape} (buildings, hours), got {array.shape}"
        for name, array in values.items()
        if array.shape != shape
    ]
    if len(set(buildings)) != len(buildings):
        faults.append(f"building ids must differ, got {len(set(buildings))} of {shape[0]}")
    if str(times.tz) != "UTC" or not times.is_monotonic_increasing or not times.is_unique:
        faults.append(f"times must be ascending UTC hours, got {times.dtype}")
    if faults:
        raise TableError("; ".join(faults))


def write_rows(
    path: Path,
    table: pd.DataFrame,
    columns: tuple[Column, ...],
    what: str,
    provenance: Provenance,
) -> None:
    """Write a table that fits into memory."""
    missing = [column.name for column in columns if column.name not in table.columns]
    if missing:
        message = f"{what} must have the columns {', '.join(missing)}, which are missing"
        raise TableError(message)
    try:
        arrays = [_array(table[column.name], column) for column in columns]
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        message = f"{what} must hold the right kinds of values: {error}"
        raise TableError(message) from error
    rows = pa.Table.from_arrays(arrays, schema=table_schema(columns, provenance, what))
    dictionaries = [
        column.name
        for column in columns
        if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type)
    ]
    with atomic_path(path) as temporary:
        pq.write_table(
            rows,
            temporary,
            compression=COMPRESSION,
            use_dictionary=dictionaries,
            row_group_size=ROWS_PER_GROUP,
        )


def _array(values: "pd.Series[float]", column: Column) -> pa.Array:
    """Return a column of a frame as Arrow array of its type, NaN as null."""
    if pa.types.is_dictionary(column.type):
        return pa.array(values, pa.string(), from_pandas=True).dictionary_encode()
    return pa.array(values, column.type, from_pandas=True)


def table_schema(
    columns: tuple[Column, ...], provenance: Provenance, what: str
) -> pa.Schema:
    """Return the schema with what the file holds and where it comes from."""
    return pa.schema(
        [column.field() for column in columns],
        metadata={
            "title": f"HEIDI twin: {what}",
            "heidi_version": provenance.version,
            "heidi_input_hash": provenance.input_hash,
            "heidi_label": SCHEMATIC_LABEL if provenance.schematic else "",
            "heidi_credits": "; ".join(provenance.credits),
            "heidi_time": "UTC, intervals labelled by their start",
            "heidi_power_sign": "meters: consumption positive, generation negative",
        },
    )


def _centres(facets: Facets) -> FloatArray:
    """Return the mean of each facet's sensors, (f, 3) float, EPSG:3008 and RH2000 [m]."""
    if not len(facets):
        return np.empty((0, 3))
    sums = np.add.reduceat(facets.sensor_positions(), facets.sensor_start[:-1])
    return sums / facets.sensors_per_facet[:, None] + facets.solids.origin
