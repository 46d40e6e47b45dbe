"""Read the buildings and facets of a twin folder as features for maps."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.errors import SourceError, UnknownIdError
from meshes.facets import facet_ids
from meshes.formats.ellipsoid import HELSINGBORG_GEOID
from meshes.polygons import FloatArray, IntArray
from meshes.roofs.raising import raise_buildings
from meshes.solids import Kind
from twin.description import read_description
from twin.feature_shapes import (
    CRS84,
    CRS84H,
    PLAN,
    PLAN_HEIGHT,
    ShapeArray,
    System,
    laid_out,
    polygons_in_space,
    seen_from_above,
)
from twin.twin_tables import TwinTables, sum_parts

FACETS = (
    "facet",
    "part",
    "building",
    "kind",
    "azimuth",
    "tilt",
    "area_m2",
    "x",
    "y",
    "z",
    "sky_view",
    "kwh_m2",
    "pv_area_m2",
    "pv_kwp",
    "pv_kwh",
)


@dataclass(frozen=True)
class Box:
    """Where features are looked for.

    Attributes
    ----------
    system : System
        Of the numbers.
    low, high : tuple of float
        Two numbers each, or three with heights, in the order of the system's axes.
    """

    system: System
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Collection:
    """Features of one kind.

    Attributes
    ----------
    id, title, description : str
    ids : tuple of str
        Of the n features.
    shapes : mapping of System to (n,) of shapely geometry
        The first system is the one that is given unless another is asked for.
    heights : (n, 2) float, optional
        Lowest and highest point, RH2000 [m].
    table : DataFrame
        Properties, a row each.
    """

    id: str
    title: str
    description: str
    ids: tuple[str, ...]
    shapes: Mapping[System, ShapeArray]
    heights: FloatArray | None
    table: pd.DataFrame

    @property
    def system(self) -> System:
        """The reference system that is given unless another is asked for."""
        return next(iter(self.shapes))

    @cached_property
    def bounds(self) -> tuple[float, ...]:
        """Least and largest longitude, latitude and, if there are any, heights.

        Heights are above the ellipsoid; zeros where there are no features.
        """
        low, high = (0.0, 0.0), (0.0, 0.0)
        if self.ids:
            west, south, east, north = shapely.total_bounds(self.shapes[CRS84]).tolist()
            low, high = (west, south), (east, north)
        if self.heights is None:
            return *low, *high
        if not self.ids:
            return *low, 0.0, *high, 0.0
        up = shapely.get_coordinates(self.shapes[CRS84H], include_z=True)[:, 2]
        return *low, float(up.min()), *high, float(up.max())

    def chosen(self, box: Box | None, filters: Mapping[str, str]) -> IntArray:
        """Return the places of features that touch a box and have certain properties.

        Parameters
        ----------
        box : Box, optional
            In degrees it passes the antimeridian where west lies east of east. Heights
            count where features have any.
        filters : mapping of str to str
            Values as text; numbers are compared as numbers.
        """
        keep = np.ones(len(self.ids), bool)
        if box is not None:
            keep &= self._touched(box)
        for name, wanted in filters.items():
            keep &= _equal(self.table[name], wanted)
        return np.flatnonzero(keep).astype(np.int64)

    def _touched(self, box: Box) -> NDArray[np.bool_]:
        """Say which features touch a box."""
        (first, second), (last, end) = box.low[:2], box.high[:2]
        spans = [(first, last)]
        if first > last:
            spans = [(first, 180.0), (-180.0, last)]
        # What stands upright is a line in plan: both see it alike.
        flat = self.shapes[CRS84 if box.system.degrees else PLAN]
        touched: NDArray[np.bool_] = np.any(
            [shapely.intersects(flat, shapely.box(a, second, b, end)) for a, b in spans],
            axis=0,
        )
        if len(box.low) == 3 and self.heights is not None:
            shift = HELSINGBORG_GEOID if box.system.degrees else 0.0
            low, high = self.heights.T + shift
            touched &= (low <= box.high[2]) & (high >= box.low[2])
        return touched

    def place(self, feature: str) -> int:
        """Return the place of a feature; raises UnknownIdError if there is none."""
        found = self._places.get(feature)
        if found is None:
            message = f"feature {feature[:80]!r} must be one of {self.id}, {len(self.ids)}"
            raise UnknownIdError(message)
        return found

    @cached_property
    def _places(self) -> dict[str, int]:
        """Place of each feature."""
        return {name: place for place, name in enumerate(self.ids)}

    def features(self, places: IntArray, system: System) -> list[str]:
        """Return features as texts of GeoJSON, in a reference system."""
        rows = self.table.iloc[places].to_dict("records")
        shapes = shapely.to_geojson(self.shapes[system][places])
        return [
            _joined(self.ids[place], shape, row)
            for place, shape, row in zip(places.tolist(), shapes, rows, strict=True)
        ]


def _joined(name: str, shape: str, row: Mapping[Any, Any]) -> str:
    """Write a feature down; it ends with its properties and the closing brace."""
    told = {str(column): _plain(value) for column, value in row.items()}
    return (
        f'{{"type":"Feature","id":{json.dumps(name, ensure_ascii=False)},'
        f'"geometry":{shape},'
        f'"properties":{json.dumps(told, ensure_ascii=False, allow_nan=False)}}}'
    )


def read_collections(folder: Path) -> dict[str, Collection]:
    """Read what can be shown on a map.

    Parameters
    ----------
    folder : Path
        Twin folder.

    Returns
    -------
    dict
        ``buildings`` (outlines, with results) and ``facets`` (roof faces and walls in
        space, with the light on them).

    Raises
    ------
    SourceError
        If files are missing, damaged or of another build.
    """
    description = read_description(folder)
    tables = TwinTables(folder, str(description["twin"]["inputs"]))
    parts = tables.parts(tables.layers())
    buildings = sum_parts(parts)
    facets = tables.rows("facets.parquet", FACETS).set_index("facet")
    name = str(description["twin"]["name"])
    units = "; areas m2, heights m (RH2000), energies kWh a year, power kW"
    outlines = np.asarray(shapely.orient_polygons(buildings.geometry.to_numpy()), object)
    space, plan, heights = _facet_shapes(parts, facets.index)
    return {
        "buildings": Collection(
            "buildings",
            "Buildings",
            f"Outlines of the buildings of {name}, with the light on them{units}.",
            tuple(str(one) for one in buildings.index),
            {system: laid_out(outlines, system) for system in (CRS84, PLAN)},
            None,
            pd.DataFrame(buildings.drop(columns="geometry")),
        ),
        "facets": Collection(
            "facets",
            "Roof faces and walls",
            f"Roof faces and walls of {name} in space, with the light on them{units}. "
            "Without heights (CRS84 or EPSG:3008) walls are lines.",
            tuple(str(one) for one in facets.index),
            {
                CRS84H: laid_out(space, CRS84H),
                CRS84: laid_out(plan, CRS84),
                PLAN_HEIGHT: laid_out(space, PLAN_HEIGHT),
                PLAN: laid_out(plan, PLAN),
            },
            heights,
            facets.drop(columns=["x", "y"]).rename(columns={"z": "height_m"}),
        ),
    }


def _facet_shapes(
    parts: gpd.GeoDataFrame, facets: Iterable[str]
) -> tuple[ShapeArray, ShapeArray, FloatArray]:
    """Return facets in space and in plan (EPSG:3008), and their lowest and highest point.

    Raises SourceError if the buildings have no such faces.
    """
    solids, _ = raise_buildings(parts)
    faces = np.flatnonzero((solids.kind == Kind.ROOF) | (solids.kind == Kind.WALL))
    places = dict(zip(facet_ids(solids, faces), faces.tolist(), strict=True))
    try:
        own = solids.faces.take(np.array([places[name] for name in facets], np.int64))
    except KeyError as error:
        message = (
            f"facets.parquet must hold faces of the buildings, but {error} is none; build "
            "the twin again"
        )
        raise SourceError(message) from error
    space = polygons_in_space(own, solids.origin)
    up = own.vertices[:, 2] + solids.origin[2]
    starts = own.vertex_start[:-1]
    low, high = (
        (np.minimum.reduceat(up, starts), np.maximum.reduceat(up, starts))
        if len(starts)
        else (up, up)
    )
    return space, seen_from_above(space, own.normal), np.column_stack([low, high])


def _equal(column: "pd.Series[Any]", wanted: str) -> NDArray[np.bool_]:
    """Say which values of a column are the wanted one."""
    if pd.api.types.is_bool_dtype(column):
        told = {"true": True, "false": False}.get(wanted.lower())
        found = column == told if told is not None else column.isna() & False
    elif pd.api.types.is_numeric_dtype(column):
        try:
            found = column == float(wanted)
        except ValueError:
            found = column.isna() & False
        found &= column.notna()
    else:
        found = column.astype(str) == wanted
    chosen: NDArray[np.bool_] = found.to_numpy(bool)
    return chosen


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a table holds
    """Return a value for JSON; unknown is None."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if not np.isfinite(value) else round(value, 4)
    return value
