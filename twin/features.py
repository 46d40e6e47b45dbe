"""Read the buildings and facets of a twin folder as features in WGS84."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.crs import to_wgs84
from gis.errors import UnknownIdError
from twin.description import read_description
from twin.twin_tables import TwinTables, sum_parts

DIGITS = 7
"""Decimals of degrees: a centimetre."""

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
class Collection:
    """Features of one kind.

    Attributes
    ----------
    id, title, description : str
    ids : tuple of str
        Of the n features.
    shapes : (n,) of shapely geometry
        Longitude and latitude, WGS84 [degrees].
    table : DataFrame
        Properties, a row each.
    """

    id: str
    title: str
    description: str
    ids: tuple[str, ...]
    shapes: NDArray[np.object_]
    table: pd.DataFrame

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north [degrees]; zeros where there are no features."""
        if not len(self.shapes):
            return 0.0, 0.0, 0.0, 0.0
        west, south, east, north = (float(v) for v in shapely.total_bounds(self.shapes))
        return west, south, east, north

    def chosen(
        self, box: tuple[float, float, float, float] | None, filters: Mapping[str, str]
    ) -> NDArray[np.int64]:
        """Return the places of features that touch a box and have certain properties.

        Parameters
        ----------
        box : (west, south, east, north), optional
            [degrees]; it passes the antimeridian where west lies east of east.
        filters : mapping of str to str
            Values as text; numbers are compared as numbers.
        """
        keep = np.ones(len(self.ids), bool)
        if box is not None:
            west, south, east, north = box
            parts = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
            touched = [
                shapely.intersects(self.shapes, shapely.box(a, south, b, north))
                for a, b in parts
            ]
            keep &= np.any(touched, axis=0)
        for name, wanted in filters.items():
            keep &= _equal(self.table[name], wanted)
        return np.flatnonzero(keep).astype(np.int64)

    def place(self, feature: str) -> int:
        """Return the place of a feature; raises UnknownIdError if there is none."""
        try:
            return self.ids.index(feature)
        except ValueError as error:
            message = f"feature {feature[:80]!r} must be one of {self.id}, {len(self.ids)}"
            raise UnknownIdError(message) from error

    def feature(self, place: int) -> dict[str, Any]:
        """Return a feature as GeoJSON."""
        row = self.table.iloc[place]
        return {
            "type": "Feature",
            "id": self.ids[place],
            "geometry": shapely.geometry.mapping(self.shapes[place]),
            "properties": {str(name): _plain(value) for name, value in row.items()},
        }


def read_collections(folder: Path) -> dict[str, Collection]:
    """Read what can be shown on a map.

    Parameters
    ----------
    folder : Path
        Twin folder.

    Returns
    -------
    dict
        ``buildings`` (outlines, with results) and ``facets`` (the middle of each roof
        face and wall, with the light on it).

    Raises
    ------
    SourceError
        If files are missing, damaged or of another build.
    """
    description = read_description(folder)
    tables = TwinTables(folder, str(description["twin"]["inputs"]))
    buildings = sum_parts(tables.parts(tables.layers()))
    facets = tables.rows("facets.parquet", FACETS).set_index("facet")
    middles = shapely.points(
        to_wgs84(facets[["x", "y"]].to_numpy(np.float64)).round(DIGITS)
    )
    name = str(description["twin"]["name"])
    units = "; areas m2, heights m (RH2000), energies kWh a year, power kW"
    return {
        "buildings": Collection(
            "buildings",
            "Buildings",
            f"Outlines of the buildings of {name}, with the light on them{units}.",
            tuple(str(one) for one in buildings.index),
            _degrees(buildings.geometry.to_numpy()),
            pd.DataFrame(buildings.drop(columns="geometry")),
        ),
        "facets": Collection(
            "facets",
            "Roof faces and walls",
            f"Middle of each roof face and wall of {name}, with the light on it{units}.",
            tuple(str(one) for one in facets.index),
            np.asarray(middles, dtype=object),
            facets.drop(columns=["x", "y"]).rename(columns={"z": "height_m"}),
        ),
    }


def _degrees(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Bring shapes to longitude and latitude, outer rings counter-clockwise."""
    moved = shapely.transform(shapes, lambda points: to_wgs84(points).round(DIGITS))
    found: NDArray[np.object_] = np.asarray(shapely.orient_polygons(moved), dtype=object)
    return found


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
