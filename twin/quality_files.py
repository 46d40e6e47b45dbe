"""Read what the quality of a twin is judged by."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import rasterio
import shapely
from pyproj import CRS
from rasterio.errors import RasterioError

from gis.errors import HeidiError, SourceError
from gis.layers import Layers, read_layers
from gis.sources.gdal_options import NO_SIDE_FILES, gdal_options
from gis.terrain import Terrain, read_terrain
from gis.weather import Weather, make_weather
from twin.description import FILE, read_description
from twin.height_kinds import kind_of
from twin.light_files import read_weather_table

LAYERS = "buildings.gpkg"
EXTRA = ("height_year", "height_uncertainty")
"""Columns of the buildings that a twin may have."""

LOGS = ("repairs", "height_conflicts")
"""Layers of the GeoPackage, or files of their own, that a twin may have."""

MOST_ROWS = 2_000_000
"""Rows of a log; more than one for each building of a large city is no log."""

_NUMBERS = ("float", "int")


@dataclass(frozen=True)
class Files:
    """A twin's files.

    Attributes
    ----------
    folder : Path
        The twin.
    description : dict
        What ``heidi.toml`` says.
    layers : Layers
        Buildings as they are, boundary and water made valid.
    shapes : (n,) object
        The buildings' outlines made valid, empty where there is none, to measure with.
    extra : DataFrame
        Index ``part``: those of `EXTRA` that the buildings have.
    systems : dict
        Reference system of each layer and of the terrain, by name; None where unnamed.
    terrain : Terrain
        The ground.
    weather : Weather
        The year that lit it.
    repairs, conflicts : DataFrame or None
        The logs; conflicts with ``part`` (or ``building``) as index.
    """

    folder: Path
    description: dict[str, Any]
    layers: Layers
    shapes: npt.NDArray[np.object_]
    extra: pd.DataFrame
    systems: dict[str, CRS | None]
    terrain: Terrain
    weather: Weather
    repairs: pd.DataFrame | None
    conflicts: pd.DataFrame | None

    @property
    def buildings(self) -> gpd.GeoDataFrame:
        """The building parts."""
        return self.layers.buildings


def read_files(folder: Path) -> Files:
    """Read a twin folder without its light.

    Parameters
    ----------
    folder : Path
        The twin.

    Returns
    -------
    Files

    Raises
    ------
    SourceError
        If the folder is no twin, lacks a file or holds a damaged one.
    """
    description = read_description(folder)
    try:
        source = str(description["frame"]["terrain_source"])
        told = description["weather"]
        weather = make_weather(
            read_weather_table(folder / "weather.parquet"),
            latitude=told.get("latitude"),
            longitude=told.get("longitude"),
            source=str(told["source"]),
            notes=tuple(told["notes"]),
            sun_offset_minutes=float(told["sun_offset_minutes"]),
        )
        twin = description["twin"]
        _ = (twin["name"], twin["version"], twin["inputs"], twin["notes"], twin["credits"])
    except HeidiError:
        raise  # says already what is wrong
    except (KeyError, TypeError, ValueError) as error:
        message = (
            f"{folder / FILE} must describe a whole twin, but {error} is missing or of the "
            "wrong kind; build the twin again"
        )
        raise SourceError(message) from error
    path = folder / LAYERS
    layers = _read_layers(path)
    terrain, _ = read_terrain(folder / "terrain.tif")
    with gdal_options(NO_SIDE_FILES):
        repairs, conflicts = (_read_log(folder, name) for name in LOGS)
        extra = _read_extra(path, layers.buildings.index)
        systems = _read_systems(path, folder / "terrain.tif")
    if conflicts is not None:
        owner = [n for n in ("part", "building") if n in conflicts.columns]
        conflicts = conflicts.set_index(owner[0]) if owner else conflicts
    return Files(
        folder=folder,
        description=description,
        layers=layers,
        shapes=_sound(layers.buildings.geometry.to_numpy()),
        extra=extra,
        systems=systems,
        terrain=Terrain(terrain.grid, terrain.z, source),
        weather=weather,
        repairs=repairs,
        conflicts=conflicts,
    )


def part_table(files: Files) -> gpd.GeoDataFrame:
    """Return what is known of each part, for maps.

    Parameters
    ----------
    files : Files
        The twin.

    Returns
    -------
    GeoDataFrame
        Index ``part``: ``building``, ``area`` [m2], ``height_kind`` (see `kind_of`),
        ``use_known``, ``year_known``.
    """
    buildings = files.buildings
    return gpd.GeoDataFrame(
        {
            "building": buildings["building"],
            "area": shapely.area(files.shapes),
            "height_kind": buildings["height_source"].map(kind_of),
            "use_known": buildings["use"] != "",
            "year_known": buildings["year"].notna(),
        },
        geometry=files.shapes,
        crs=buildings.crs,
    )


def _read_layers(path: Path) -> Layers:
    """Read the layers, whatever someone has drawn in them."""
    try:
        layers = read_layers(path)
        boundary, water = _sound(np.array([layers.boundary, layers.water], dtype=object))
    except HeidiError:
        raise  # says already what is wrong
    except (TypeError, ValueError, IndexError, shapely.errors.ShapelyError) as error:
        raise _damaged(path) from error
    if not len(layers.buildings) or boundary.is_empty:
        message = f"{path} must hold buildings and a boundary, got none; build it again"
        raise SourceError(message)
    return replace(layers, boundary=boundary, water=water)


def _sound(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Make shapes valid; without place they become empty."""
    place = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    known = np.where(place, shapes, shapely.Polygon())
    sound: npt.NDArray[np.object_] = shapely.make_valid(known)
    return sound


def _read_extra(path: Path, index: pd.Index) -> pd.DataFrame:
    """Read the columns of the buildings that not every twin has."""
    try:
        told = pyogrio.read_info(path, layer="buildings")
        kinds = dict(zip(told["fields"], told["dtypes"], strict=True))
        wanted = [name for name in EXTRA if str(kinds.get(name)).startswith(_NUMBERS)]
        if not wanted:
            return pd.DataFrame(index=index)
        table = pyogrio.read_dataframe(
            path, layer="buildings", columns=["part", *wanted], read_geometry=False
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise _damaged(path) from error
    placed: pd.DataFrame = table.set_index("part").reindex(index)
    return placed.astype(dict.fromkeys(wanted, np.float64))


def _read_systems(layers: Path, terrain: Path) -> dict[str, CRS | None]:
    """Read the reference systems that the files name."""
    systems: dict[str, CRS | None] = {}
    try:
        for name, kind in pyogrio.list_layers(layers):
            if kind is not None:
                told = pyogrio.read_info(layers, layer=name)["crs"]
                systems[f"layer {name}"] = CRS.from_user_input(told) if told else None
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise _damaged(layers) from error
    try:
        with rasterio.open(terrain) as raster:
            systems["terrain"] = CRS.from_wkt(raster.crs.to_wkt()) if raster.crs else None
    except RasterioError as error:
        raise _damaged(terrain) from error
    return systems


def _read_log(folder: Path, name: str) -> pd.DataFrame | None:
    """Read one of the logs from wherever it lies."""
    geopackage = folder / LAYERS
    table = folder / f"{name}.parquet"
    try:
        for path in (geopackage, folder / f"{name}.gpkg"):
            if path.exists() and name in {str(n) for n, _ in pyogrio.list_layers(path)}:
                told = pyogrio.read_info(path, layer=name, force_feature_count=True)
                _check_rows(int(told["features"]), path)
                layer: pd.DataFrame = pyogrio.read_dataframe(
                    path, layer=name, read_geometry=False
                )
                return layer
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise _damaged(geopackage) from error
    if not table.exists():
        return None
    try:
        rows = pq.read_metadata(table).num_rows
        if rows <= MOST_ROWS:
            read = pq.read_table(table)
            plain = [n for n in read.column_names if n != "geometry"]
            frame: pd.DataFrame = read.select(plain).to_pandas().reset_index()
            return frame
    except (OSError, pa.ArrowException) as error:
        raise _damaged(table) from error
    _check_rows(rows, table)
    return None


def _check_rows(rows: int, path: Path) -> None:
    """Refuse a log that is none."""
    if rows > MOST_ROWS:
        message = (
            f"a log must have at most {MOST_ROWS:,} rows, that in {path} has {rows:,}; "
            "build the twin again"
        )
        raise SourceError(message)


def _damaged(path: Path) -> SourceError:
    """Say that a file cannot be read."""
    return SourceError(f"{path} must be a whole file of a twin; build the twin again")
