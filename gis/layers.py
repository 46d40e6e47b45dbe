"""Write a district as layers of a GeoPackage, and read them again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from gis.crs import PLAN
from gis.decks import DECK_COLUMNS
from gis.district import BUILDING_COLUMNS, LANDMARK_COLUMNS, TREE_COLUMNS, District
from gis.errors import SourceError, TableError
from gis.files import atomic_path
from gis.plan_rules import PlanRules, plan_layer, read_plan_layer
from gis.records import (
    CONFLICT_COLUMNS,
    IDENTITY_COLUMNS,
    REPAIR_COLUMNS,
    Records,
)
from gis.sources.gdal_options import NO_SIDE_FILES, gdal_options
from gis.sources.pointers import OFFLINE, refuse_pointer
from gis.trees import SPECIES

WRITTEN_AT = "2000-01-01T00:00:00.000Z"
"""Stands in the file for the time of writing, so that equal layers give equal bytes."""

SCHEMATIC = "schematic, not survey data"


def write_buildings(
    path: Path, district: District, results: pd.DataFrame | None = None
) -> None:
    """Write buildings and what surrounds them, each kind of thing as a layer in EPSG:3008.

    Parameters
    ----------
    path : Path
        Ends in ``.gpkg``.
    district : District
        Gives the layers buildings (one feature per part), boundary, landmarks, trees,
        water, decks, plan, and of its records repairs, height_conflicts, identities and
        retired; empty ones are left out.
    results : DataFrame, optional
        Results for the buildings layer. The index holds parts or buildings and is named
        ``part`` or ``building``; a building's results are repeated on each of its parts.
        Columns that the buildings table already has are not taken.

    Raises
    ------
    TableError
        If the results' index is unnamed, repeats an id or holds an unknown one.
    OutputError
        If the file cannot be written.

    Notes
    -----
    Heights are in RH2000 [m]; unknown values are NULL. Equal input gives equal bytes: GDAL
    is told the time it would otherwise take from the clock.
    """
    buildings = _with_results(district.buildings, results)
    described = _describe(district)
    layers = {
        "buildings": buildings.assign(year=buildings["year"].astype("Int32")),
        "boundary": _shapes([district.boundary], name=[described["title"]]),
        "landmarks": district.landmarks,
        "trees": district.trees,
        "water": _shapes(list(district.water.geoms), level=district.water_level),
        "decks": district.decks,
        **_records(district.records),
    }
    if district.plan is not None:
        layers["plan"] = plan_layer(district.plan)
    with atomic_path(path) as temporary, gdal_options({"OGR_CURRENT_DATE": WRITTEN_AT}):
        temporary.unlink(missing_ok=True)
        for name, layer in layers.items():
            if len(layer):
                _append(temporary, name, layer, described)


def _records(records: Records) -> dict[str, pd.DataFrame]:
    """Return the records as layers, all but the repairs without geometry."""
    return {
        "repairs": records.repairs,
        "height_conflicts": records.conflicts,
        "identities": records.identities,
        "retired": pd.DataFrame({"building": pd.Series(records.retired, dtype=object)}),
    }


def _with_results(
    buildings: gpd.GeoDataFrame, results: pd.DataFrame | None
) -> gpd.GeoDataFrame:
    """Put the results beside the parts they belong to."""
    if results is None:
        return buildings
    if results.index.name not in {"part", "building"}:
        message = (
            "the results' index must be named 'part' or 'building', "
            f"got {results.index.name!r}; use rename_axis"
        )
        raise TableError(message)
    keys = buildings.index if results.index.name == "part" else buildings["building"]
    repeated = results.index[results.index.duplicated()]
    unknown = results.index.difference(pd.Index(keys))
    for what, ids in (("unknown", unknown), ("repeated", repeated)):
        if len(ids):
            message = (
                f"results must hold each {results.index.name} of the district once, got "
                f"{len(ids)} {what} ids: {', '.join(str(name) for name in ids[:5])}"
            )
            raise TableError(message)
    fresh = results[[name for name in results.columns if name not in buildings.columns]]
    placed = fresh.reindex(pd.Index(keys)).set_axis(buildings.index)
    shapes = buildings.geometry
    joined = pd.concat([buildings.drop(columns="geometry"), placed], axis=1)
    return gpd.GeoDataFrame(joined, geometry=shapes.to_numpy(), crs=buildings.crs)


def _shapes(shapes: list[shapely.Geometry], **columns: object) -> gpd.GeoDataFrame:
    """Return a layer of shapes with the same values on each or one value for each."""
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=PLAN, index=range(len(shapes)))


def _describe(district: District) -> dict[str, str]:
    """Say what the file holds and whom to name."""
    title = f"{district.name}, {SCHEMATIC}" if district.schematic else district.name
    return {
        "title": title,
        "credits": "; ".join(district.credits),
        "heights": "RH2000 (EPSG:5613), metres",
    }


def _append(path: Path, name: str, layer: pd.DataFrame, described: dict[str, str]) -> None:
    """Write one layer into a new or an existing file."""
    columns = layer if layer.index.name is None else layer.reset_index()
    texts = [
        column
        for column in columns.columns
        if column != "geometry" and pd.api.types.is_string_dtype(columns[column])
    ]
    plain = columns.assign(
        **{t: columns[t].astype(object).where(columns[t] != "", None) for t in texts}
    )
    try:
        pyogrio.write_dataframe(
            plain,
            path,
            layer=name,
            driver="GPKG",
            append=path.exists(),
            dataset_metadata={"heidi": json.dumps(described, ensure_ascii=False)},
            layer_metadata={"IDENTIFIER": name, "DESCRIPTION": described["title"]},
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        # GDAL's errors are no OSErrors; as such atomic_path names the file and the remedy.
        raise OSError(str(error)) from error


@dataclass(frozen=True)
class Layers:
    """What a district's GeoPackage holds, as `District` takes it."""

    buildings: gpd.GeoDataFrame
    boundary: shapely.Polygon | shapely.MultiPolygon
    landmarks: gpd.GeoDataFrame
    trees: gpd.GeoDataFrame
    water: shapely.MultiPolygon
    decks: gpd.GeoDataFrame
    plan: PlanRules | None
    records: Records


def read_layers(path: Path) -> Layers:
    """Read the layers that `write_buildings` wrote.

    Parameters
    ----------
    path : Path
        A GeoPackage of a twin.

    Returns
    -------
    Layers
        Equal to those written, without results.

    Raises
    ------
    SourceError
        If the file is missing, unreadable or lacks a layer or column.
    """
    if path.exists():
        refuse_pointer(path)
    try:
        with gdal_options(NO_SIDE_FILES | OFFLINE):
            present = {str(name) for name, _ in pyogrio.list_layers(path)}
            frames = {name: pyogrio.read_dataframe(path, layer=name) for name in present}
        return Layers(
            buildings=_read_table(frames["buildings"], "part", BUILDING_COLUMNS),
            boundary=frames["boundary"].geometry.iloc[0],
            landmarks=_read_table(frames.get("landmarks"), "landmark", LANDMARK_COLUMNS),
            trees=_read_table(frames.get("trees"), "tree", _tree_columns(frames)),
            water=shapely.MultiPolygon(list(frames["water"].geometry))
            if "water" in frames
            else shapely.MultiPolygon(),
            decks=_read_table(frames.get("decks"), "deck", DECK_COLUMNS),
            plan=read_plan_layer(frames["plan"]) if "plan" in frames else None,
            records=_read_records(frames),
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        message = f"{path} must be a readable GeoPackage of a twin; build the twin again"
        raise SourceError(message) from error
    except KeyError as error:
        message = (
            f"{path} must hold the layers and columns of a twin, {error} is missing; build "
            "the twin again"
        )
        raise SourceError(message) from error


@dataclass(frozen=True, eq=False)
class Identities:
    """Whose names an earlier import gave.

    Attributes
    ----------
    buildings : GeoDataFrame
        Index ``part``, columns ``building`` and ``given``.
    retired : tuple of str
        Names that must never be given again.
    """

    buildings: gpd.GeoDataFrame
    retired: tuple[str, ...]


def read_identities(path: Path) -> Identities:
    """Read the identities of an earlier import, also one of an older layout.

    Parameters
    ----------
    path : Path
        ``buildings.gpkg`` of a twin.

    Returns
    -------
    Identities

    Raises
    ------
    SourceError
        If there is no such file, or it holds no identities.
    """
    try:
        with gdal_options(NO_SIDE_FILES | OFFLINE):
            present = {str(name) for name, _ in pyogrio.list_layers(path)}
            table = pyogrio.read_dataframe(path, layer="buildings")
            gone = (
                pyogrio.read_dataframe(path, layer="retired")["building"].astype(str)
                if "retired" in present
                else []
            )
        known = ("building", "given") if "given" in table.columns else ("building",)
        return Identities(_read_table(table, "part", known), tuple(gone))
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        KeyError,
        ValueError,
    ) as error:
        message = (
            f"an earlier twin must hold the identities of its buildings, {path} does not; "
            "name another with --ids-from, or give --new-ids"
        )
        raise SourceError(message) from error


NUMBERS = (
    *(
        "year",
        "height",
        "height_year",
        "height_uncertainty",
        "eaves",
        "ridge",
        "roof_height",
        "roof_direction",
        "roof_angle",
        "parapet_height",
        "parapet_width",
        "underside",
        "base",
        "top",
    ),
    *("accuracy", "crown_radius"),
    *("level", "level_low", "level_high", "thickness"),
    *("amount", "other", "difference", "limit", "share"),
)
"""Columns of numbers; the others hold text, "" where nothing is known."""


def _tree_columns(frames: dict[str, gpd.GeoDataFrame]) -> tuple[str, ...]:
    """Name the columns of trees, with what is told of their species."""
    told = frames["trees"].columns if "trees" in frames else ()
    return (*TREE_COLUMNS, *(column for column in SPECIES if column in told))


def _read_table(
    frame: pd.DataFrame | None, index: str, columns: tuple[str, ...]
) -> gpd.GeoDataFrame:
    """Return a layer's table with its index and the types that `District` promises."""
    table = _read_columns(frame, index, columns)
    shapes = np.empty(0, object) if frame is None else frame.geometry.to_numpy()
    geometry = gpd.GeoSeries(shapes, index=table.index, crs=PLAN)
    return gpd.GeoDataFrame(table, geometry=geometry)


def _read_columns(
    frame: pd.DataFrame | None, index: str, columns: tuple[str, ...]
) -> pd.DataFrame:
    """Return the columns of a layer, with ``index`` as index where the layer has it."""
    if frame is None:
        data = {c: pd.Series([], dtype=float if c in NUMBERS else object) for c in columns}
        return pd.DataFrame(data).rename_axis(index or None)
    table = frame.set_index(index) if index in frame.columns else frame
    values = {
        name: table[name].astype(np.float64)
        if name in NUMBERS
        else table[name].astype(object).where(table[name].notna(), "").astype(str)
        for name in columns
    }
    # Names of pandas' own text type would make a table that is read differ from a made one.
    names = table.index.astype(object) if table.index.name else table.index
    return pd.DataFrame(values, index=names)


def _read_records(frames: Mapping[str, pd.DataFrame]) -> Records:
    """Return what was done to the data, as `gis.records` describes it."""
    retired = frames.get("retired")
    return Records(
        repairs=_read_table(frames.get("repairs"), "", REPAIR_COLUMNS),
        conflicts=_read_columns(frames.get("height_conflicts"), "part", CONFLICT_COLUMNS),
        identities=_read_columns(frames.get("identities"), "", IDENTITY_COLUMNS),
        retired=() if retired is None else tuple(retired["building"].astype(str)),
    )
