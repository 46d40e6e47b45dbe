"""Write and read what the light of a twin is made of: weather, bits and sums."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gis.errors import SourceError
from gis.files import atomic_path
from gis.weather import Weather
from meshes.facets import Facets
from meshes.polygons import Float32Array, IntArray
from meshes.solar.canopy import Canopy, facets_below
from meshes.solar.courses import Courses
from meshes.solar.crown_shade import CrownBits, CrownShade, sum_crowns
from meshes.solar.facing import facing_weights
from meshes.solar.irradiance import Irradiation
from meshes.solar.light import Light
from meshes.solar.photovoltaics import PvAssumptions, PvPotential
from meshes.solar.sky import SkyPatches
from meshes.solar.sun import SunPath
from meshes.solar.visibility import Visibility, unpack_bits
from twin.tables import (
    COMPRESSION,
    INSTANT,
    LIGHT_PARTS,
    Column,
    Provenance,
    table_schema,
    write_rows,
)

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
REFLECTION_COLUMNS = (
    Column("facet", pa.string(), "", "roof or wall"),
    *(
        Column(
            f"{part}_kwh_m2",
            pa.list_(pa.float64()),
            "kWh/m2",
            f"{meaning}, by UTC month",
        )
        for part, meaning in LIGHT_PARTS.items()
    ),
    *(
        Column(
            f"{part}_bounced",
            pa.list_(pa.float32()),
            "1 or sr",
            f"{LIGHT_PARTS[part]} for each source: 145 groups of sky patches, per W/m2/sr, "
            "then coarse bins of the sun, per W/m2",
        )
        for part in ("ground", "building")
    ),
)
"""Columns of ``facet_light.parquet``: what hours are made of."""

CROWNS = "crowns.parquet"
CROWN_COLUMNS = (
    Column("layer", pa.int8(), "", "layer of the canopy; 0: trunks"),
    Column("set", pa.string(), "", "sky or sun, in the order of visibility.parquet"),
    Column(
        "behind",
        pa.binary(),
        "",
        "zstd of a bit per cell, as in visibility.parquet, of the facets that have trees "
        "before them; 1: a sensor that looks at crowns of the layer",
    ),
)

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


def write_crowns(path: Path, light: Irradiation, *, provenance: Provenance) -> None:
    """Write which sensors look at crowns of trees, a row for each layer and direction.

    Parameters
    ----------
    path : Path
        ``crowns.parquet``.
    light : Irradiation
        With its crowns and their bits.
    provenance : Provenance
        For the file's metadata.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    found = light.crowns.bits if light.crowns is not None else None
    layers = () if found is None else found.layers
    rows = [
        (number, name, text)
        for number, layer in enumerate(layers)
        for name, texts in (("sky", layer.sky), ("sun", layer.sun))
        for text in texts
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    arrays = [
        pa.array(values, column.type)
        for values, column in zip(columns, CROWN_COLUMNS, strict=True)
    ]
    schema = table_schema(CROWN_COLUMNS, provenance, "which sensors look at crowns")
    with atomic_path(path) as temporary:
        pq.write_table(
            pa.Table.from_arrays(arrays, schema=schema),
            temporary,
            compression={"layer": COMPRESSION, "set": COMPRESSION, "behind": "none"},
            use_dictionary=["layer", "set"],
            write_statistics=False,
        )


def read_crowns(
    path: Path,
    facets: Facets,
    canopy: Canopy,
    visibility: Visibility,
    light: Light,
    sun: SunPath,
    sky: SkyPatches,
) -> CrownShade:
    """Read which sensors look at crowns, and sum up again what they get through them.

    Parameters
    ----------
    path : Path
        ``crowns.parquet``.
    facets : Facets
        All facets of the twin.
    canopy : Canopy
        Its trees.
    visibility : Visibility
        What else blocks the view.
    light, sun, sky : Light, SunPath, SkyPatches
        The year's light.

    Raises
    ------
    SourceError
        If the file cannot be read or belongs to other trees, sensors or directions.
    """
    table = read_columns(path, [column.name for column in CROWN_COLUMNS])
    which = facets_below(facets, canopy)
    words = len(facets.words_of(which))
    patches, bins = len(sky.direction), len(sun.bin_direction)
    texts = table["behind"].to_pylist()
    fits = len(texts) == len(canopy.layers) * (patches + bins)
    if fits and texts:
        try:
            unpack_bits(texts[0], words)
        except (OSError, ValueError, pa.ArrowException):
            fits = False
    if not fits:
        message = (
            f"{path} must hold the trees of this twin, but holds others; build the twin "
            "again"
        )
        raise SourceError(message)
    starts = range(0, len(texts), patches + bins)
    layers = tuple(
        Visibility(
            tuple(texts[first : first + patches]),
            tuple(texts[first + patches : first + patches + bins]),
            words,
        )
        for first in starts
    )
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        shade, _ = sum_crowns(
            facets,
            CrownBits(which, layers, canopy.transmittance),
            visibility,
            light,
            sun,
            sky,
            pool=pool,
            workers=workers,
            progress=lambda _text, _share: None,
        )
    return shade


def write_facet_light(path: Path, light: Irradiation, *, provenance: Provenance) -> None:
    """Write the light of each facet by part and month, and what is thrown on it.

    Parameters
    ----------
    path : Path
        ``facet_light.parquet``.
    light : Irradiation
        Of all facets.
    provenance : Provenance
        For the file's metadata.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    arrays = [
        pa.array(light.facets.ids, pa.string()),
        *(_lists(light.facet_parts[:, k]) for k in range(len(LIGHT_PARTS))),
        *(_lists(light.bounced[:, k]) for k in range(2)),
    ]
    schema = table_schema(REFLECTION_COLUMNS, provenance, "light of facets by part")
    with atomic_path(path) as temporary:
        pq.write_table(
            pa.Table.from_arrays(arrays, schema=schema), temporary, compression=COMPRESSION
        )


def _lists(values: NDArray[np.floating]) -> pa.Array:
    """Make a column of lists from rows."""
    starts = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(starts, pa.array(values.ravel()))


def _rows(column: pa.ChunkedArray, count: int) -> NDArray[np.floating]:
    """Return a column of lists as rows; (count, k)."""
    flat: NDArray[np.floating] = column.combine_chunks().flatten().to_numpy()
    return flat.reshape(count, -1) if count else flat.reshape(0, 0)


def read_light(
    folder: Path,
    facets: Facets,
    light: Light,
    path: SunPath,
    sky: SkyPatches,
    courses: Courses,
    *,
    canopy: Canopy | None = None,
) -> Irradiation:
    """Read the light on facets from a twin's tables.

    Parameters
    ----------
    folder : Path
        The twin.
    facets : Facets
        As they were when it was lit.
    light, path, sky, courses : Light, SunPath, SkyPatches, Courses
        As they were.
    canopy : Canopy, optional
        Trees, if they shaded it.

    Returns
    -------
    Irradiation
        The same numbers as when it was lit.

    Raises
    ------
    SourceError
        If a table cannot be read or does not fit the facets.
    """
    names = [f"{part}_kwh_m2" for part in LIGHT_PARTS]
    sensors = read_columns(folder / "sensors.parquet", ["sky_view", *names])
    rows = read_columns(
        folder / "facet_light.parquet", [column.name for column in REFLECTION_COLUMNS]
    )
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
    count = len(facets)
    bounced = np.stack(
        [_rows(rows[f"{part}_bounced"], count) for part in ("ground", "building")], axis=1
    )
    return Irradiation(
        sensor_parts=np.stack([sensors[name].to_numpy() for name in names], axis=1),
        sensor_sky_view=sensors["sky_view"].to_numpy(),
        facet_parts=np.stack([_rows(rows[name], count) for name in names], axis=1),
        patch_view=_patch_view(facets, sky, bits),
        sun_share=_sun_share(facets, bits),
        bounced=bounced,
        facets=facets,
        light=light,
        path=path,
        sky=sky,
        courses=courses if bounced.shape[2] else None,
        visibility=bits,
        crowns=None
        if canopy is None
        else read_crowns(folder / CROWNS, facets, canopy, bits, light, path, sky),
    )


def read_potential(folder: Path, assumptions: PvAssumptions) -> PvPotential:
    """Read what solar cells would yield, without its hours; raises SourceError."""
    columns = ["pv_area_m2", "pv_kwp", "pv_kwh"]
    table = read_columns(folder / "facets.parquet", columns)
    area, power, energy = (table[name].to_numpy() for name in columns)
    return PvPotential(area, power, energy, assumptions)


def _seeing(facets: Facets, packed: Sequence[bytes], words: int) -> IntArray:
    """Return how many sensors of each facet see each direction, (f, d)."""
    starts = facets.bit_start // 64
    found = np.empty((len(facets), len(packed)), np.int64)
    for k, text in enumerate(packed):
        seen = np.bitwise_count(facets.mask & ~unpack_bits(text, words))
        found[:, k] = np.add.reduceat(seen, starts, dtype=np.int64)
    return found


def _sun_share(facets: Facets, bits: Visibility) -> Float32Array:
    """Return the share of each facet's sensors that see each sun bin, (f, b)."""
    seeing = _seeing(facets, bits.sun, bits.words)
    share: Float32Array = (seeing / facets.sensors_per_facet[:, None]).astype(np.float32)
    return share


def _patch_view(facets: Facets, sky: SkyPatches, bits: Visibility) -> Float32Array:
    """Return what each facet receives of each patch, (f, p) [sr]."""
    whole = facing_weights(facets.normal, sky) * _seeing(facets, bits.sky, bits.words)
    view: Float32Array = (whole / facets.sensors_per_facet[:, None]).astype(np.float32)
    return view


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
