"""Write and read what the light of a twin is made of: weather, bits and sums."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gis.errors import SourceError
from gis.files import atomic_path
from gis.weather import Weather
from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray
from meshes.solar.irradiance import Irradiation
from meshes.solar.light import Light
from meshes.solar.photovoltaics import PvAssumptions, PvPotential
from meshes.solar.sky import SkyPatches
from meshes.solar.sun import SunPath
from meshes.solar.visibility import Visibility, unpack_bits
from twin.tables import COMPRESSION, INSTANT, Column, Provenance, table_schema, write_rows

WEATHER_COLUMNS = (
    Column("time", INSTANT, "", "start of the hour, UTC"),
    Column("ghi", pa.float64(), "W/m2", "light on level ground"),
    Column("dni", pa.float64(), "W/m2", "light of the sun on a plane that faces it"),
    Column("dhi", pa.float64(), "W/m2", "light of the sky on level ground"),
    Column("temp_air", pa.float64(), "degC", "air temperature"),
    Column("wind_speed", pa.float64(), "m/s", "wind speed"),
    Column("filled", pa.bool_(), "", "whether a value was taken from other hours"),
)
VISIBILITY_COLUMNS = (
    Column("set", pa.string(), "", "sky: a patch of the sky; sun: a bin of the sun's path"),
    Column("x", pa.float64(), "1", "east part of the unit vector to it"),
    Column("y", pa.float64(), "1", "north part"),
    Column("z", pa.float64(), "1", "upward part"),
    Column(
        "blocked",
        pa.binary(),
        "",
        "zstd of a bit per cell of the facets' grids in 64-bit little-endian words, each "
        "facet from a new word on, first along its rows; 1: a sensor that cannot see it",
    ),
)
FACET_VIEWS = {
    "sky_view": "facet_sky_view",
    "horizon_view": "horizon_view",
    "ground_view": "ground_view",
    "facade_view": "facade_view",
}
"""Columns of ``facets.parquet`` and what `Irradiation` calls them."""

SAME = 1e-9
"""Difference up to which two directions are the same."""


def write_weather(path: Path, weather: Weather, *, provenance: Provenance) -> None:
    """Write the year that lit a twin; raises OutputError if that fails."""
    table = weather.table.rename_axis("time").reset_index()
    write_rows(path, table, WEATHER_COLUMNS, "weather of the year", provenance)


def read_weather_table(path: Path) -> pd.DataFrame:
    """Read the table of a `Weather`; raises SourceError if that fails."""
    columns = [column.name for column in WEATHER_COLUMNS]
    table: pd.DataFrame = read_columns(path, columns).to_pandas()
    return table.assign(time=table["time"].dt.as_unit("ns")).set_index("time")


def write_visibility(path: Path, light: Irradiation, *, provenance: Provenance) -> None:
    """Write the bits of all directions, a row each.

    Parameters
    ----------
    path : Path
        ``visibility.parquet``.
    light : Irradiation
        With its visibility.
    provenance : Provenance
        For the file's metadata.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    bits = light.visibility or Visibility((), (), len(light.facets.mask))
    directions = np.concatenate([light.sky.direction, light.path.bin_direction])
    names = ["sky"] * len(bits.sky) + ["sun"] * len(bits.sun)
    arrays = [
        pa.array(names, pa.string()),
        *(pa.array(directions[: len(names), axis]) for axis in range(3)),
        pa.array([*bits.sky, *bits.sun], pa.binary()),
    ]
    schema = table_schema(VISIBILITY_COLUMNS, provenance, "which sensors see what")
    with atomic_path(path) as temporary:
        pq.write_table(
            pa.Table.from_arrays(arrays, schema=schema),
            temporary,
            compression={c.name: COMPRESSION for c in VISIBILITY_COLUMNS[:-1]}
            | {"blocked": "none"},
            use_dictionary=["set"],
            write_statistics=False,
        )


def read_visibility(path: Path, sky: SkyPatches, sun: SunPath, *, words: int) -> Visibility:
    """Read the bits of all directions.

    Parameters
    ----------
    path : Path
        ``visibility.parquet``.
    sky, sun : SkyPatches, SunPath
        Directions they must belong to.
    words : int
        Length of a direction's bits.

    Returns
    -------
    Visibility

    Raises
    ------
    SourceError
        If the file cannot be read or holds other directions or sensors.
    """
    table = read_columns(path, [column.name for column in VISIBILITY_COLUMNS])
    wanted = np.concatenate([sky.direction, sun.bin_direction])
    found = np.stack([table[axis].to_numpy() for axis in ("x", "y", "z")], axis=1)
    blocked = table["blocked"].to_pylist()
    fits = found.shape == wanted.shape and np.allclose(found, wanted, rtol=0, atol=SAME)
    if fits:
        try:
            unpack_bits(blocked[0], words)
        except (OSError, ValueError, pa.ArrowException):
            fits = False
    if not fits:
        message = (
            f"{path} must hold the directions and sensors of this twin, but holds others; "
            "build the twin again"
        )
        raise SourceError(message)
    count = len(sky.direction)
    return Visibility(tuple(blocked[:count]), tuple(blocked[count:]), words)


def read_light(
    folder: Path, facets: Facets, light: Light, path: SunPath, sky: SkyPatches
) -> Irradiation:
    """Read the light on facets from a twin's tables.

    Parameters
    ----------
    folder : Path
        The twin.
    facets : Facets
        As they were when it was lit.
    light, path, sky : Light, SunPath, SkyPatches
        As they were.

    Returns
    -------
    Irradiation
        The same numbers as when it was lit.

    Raises
    ------
    SourceError
        If a table cannot be read or does not fit the facets.
    """
    months = [f"kwh_m2_{m:02d}" for m in range(1, 13)]
    sensors = read_columns(
        folder / "sensors.parquet", ["sky_view", "horizon_view", *months]
    )
    rows = read_columns(folder / "facets.parquet", ["facet", *FACET_VIEWS, *months])
    if (
        sensors.num_rows != facets.sensor_count
        or tuple(rows["facet"].to_pylist()) != facets.ids
    ):
        message = (
            f"the tables of {folder} must belong to its buildings, but hold "
            f"{rows.num_rows} facets and {sensors.num_rows} sensors for {len(facets)} and "
            f"{facets.sensor_count}; build the twin again"
        )
        raise SourceError(message)
    bits = read_visibility(folder / "visibility.parquet", sky, path, words=len(facets.mask))
    return Irradiation(
        sensor_monthly=np.stack([sensors[m].to_numpy() for m in months], axis=1),
        sensor_sky_view=sensors["sky_view"].to_numpy(),
        sensor_horizon_view=sensors["horizon_view"].to_numpy(),
        facet_monthly=np.stack([rows[m].to_numpy() for m in months], axis=1),
        sun_share=_sun_share(facets, bits),
        facets=facets,
        light=light,
        path=path,
        sky=sky,
        visibility=bits,
        **{FACET_VIEWS[name]: rows[name].to_numpy() for name in FACET_VIEWS},
    )


def read_potential(folder: Path, assumptions: PvAssumptions) -> PvPotential:
    """Read what solar cells would yield, without its hours; raises SourceError."""
    columns = ["pv_area_m2", "pv_kwp", "pv_kwh"]
    table = read_columns(folder / "facets.parquet", columns)
    area, power, energy = (table[name].to_numpy() for name in columns)
    return PvPotential(area, power, energy, assumptions)


def _sun_share(facets: Facets, bits: Visibility) -> Float32Array:
    """Return the share of each facet's sensors that see each sun bin, (f, b)."""
    starts = facets.bit_start // 64
    counts = facets.sensors_per_facet
    share = np.empty((len(facets), len(bits.sun)), np.float32)
    for k, packed in enumerate(bits.sun):
        seen = np.bitwise_count(facets.mask & ~unpack_bits(packed, bits.words))
        share[:, k] = np.add.reduceat(seen, starts, dtype=np.int64) / counts
    return share


def facet_views(light: Irradiation) -> dict[str, FloatArray]:
    """Return the facets' shares of diffuse light under the names of their columns."""
    return {name: getattr(light, attribute) for name, attribute in FACET_VIEWS.items()}


def read_columns(path: Path, columns: list[str]) -> pa.Table:
    """Read columns of a twin's table; raises SourceError if that fails."""
    try:
        return pq.read_table(path, columns=columns).combine_chunks()
    except FileNotFoundError as error:
        message = f"the twin must hold {path.name}, but {path} is missing; build it again"
        raise SourceError(message) from error
    except (OSError, pa.ArrowException) as error:
        message = f"{path} must be a whole table of a twin, but: {error}; build it again"
        raise SourceError(message) from error
