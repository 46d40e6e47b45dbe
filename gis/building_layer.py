"""Read a layer of building outlines with what it tells of each building."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.attributes import as_text, find_columns, given_ids
from gis.crs import PLAN, features_in_area_of_use, to_plan
from gis.decks import is_bridge
from gis.errors import GeometryError, TableError
from gis.faults import count_things
from gis.heights import STOREY_COLUMNS
from gis.sources.buildings import read_buildings
from gis.sources.origin import Origin
from gis.sources.uses import osm_use

NAME_COLUMNS = ("name", "namn", "byggnadsnamn1", "addr:housename")
USE_COLUMNS = (
    "use",
    "andamal1",
    "ändamål1",
    "purpose_resolved",
    "geodb_subtype_name",
    "building:use",
    "class",
    "subtype",
)
YEAR_COLUMNS = ("year", "byggar", "byggår", "year_built", "construction_year", "start_date")

NO_BUILDING = {"", "no", "false", "0", "nej"}
"""Values of the OpenStreetMap key ``building`` that say that there is none."""

_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|20[0-9]{2})(?!\d)")


@dataclass(frozen=True, eq=False)
class BuildingLayer:
    """Outlines of buildings as they were found.

    Attributes
    ----------
    frame : GeoDataFrame
        The features that are buildings, in EPSG:3008, with all their columns.
    bridges : GeoDataFrame
        The features that are bridges, likewise.
    notes : tuple of str
        What was mended or left out, with counts.
    origin : Origin
        Whose data it is.
    mended : mapping of str to mapping
        What the reader mended: how many rings by fault and identity of the feature.
    passages : GeoDataFrame or None
        Ways that lead through the buildings, as they were found.
    """

    frame: gpd.GeoDataFrame
    bridges: gpd.GeoDataFrame
    notes: tuple[str, ...]
    origin: Origin
    mended: Mapping[str, Mapping[str, int]]
    passages: gpd.GeoDataFrame | None = None


def read_building_layer(path: Path) -> BuildingLayer:
    """Read the features of a file that are buildings.

    Parameters
    ----------
    path : Path
        Anything that `gis.sources.buildings.read_buildings` understands. Where a column
        ``building`` is empty or says no (OpenStreetMap), the feature is passed over.

    Returns
    -------
    BuildingLayer

    Raises
    ------
    HeidiError
        One line, if there is no building in it or it cannot be read.
    """
    path = Path(path)
    read = read_buildings(path)
    notes = read.notes
    frame = to_plan(read.frame)
    deck = is_bridge(frame)
    tags = _tag_columns(frame)
    if tags:
        is_building = ~as_text(frame[tags[0]]).str.lower().isin(NO_BUILDING).to_numpy()
        is_building |= deck
        if not is_building.any():
            message = (
                f"features of {path.name} must be buildings, the column {tags[0]} is "
                "empty or no in all of them; fill it or leave it out"
            )
            raise TableError(message)
        if not is_building.all():
            count = count_things(int((~is_building).sum()), "feature")
            notes += (f"{count} not a building by the column {tags[0]}, left out",)
        frame, deck = frame[is_building], deck[is_building]
    present = ~(frame.geometry.isna() | frame.geometry.is_empty).to_numpy()
    far = present & ~features_in_area_of_use(frame)
    if far.any():
        notes += (f"{count_things(int(far.sum()), 'feature')} far off the plan, left out",)
    bridges = frame[~far & deck].reset_index(drop=True)
    if len(bridges):
        notes += (f"{count_things(len(bridges), 'bridge')} among the outlines, no house",)
    frame = frame[~far & ~deck].reset_index(drop=True)
    if not shapely.get_dimensions(frame.geometry.to_numpy()).max(initial=-1) >= 1:
        message = f"a layer of buildings must hold polygons, {path.name} has none"
        raise GeometryError(message)
    return BuildingLayer(frame, bridges, notes, read.origin, read.mended, read.passages)


def describe_buildings(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Reduce a table to outlines with identity, name, use, year and storeys.

    Parameters
    ----------
    frame : GeoDataFrame
        As `BuildingLayer.frame`.

    Returns
    -------
    GeoDataFrame
        ``part`` and ``building``, or ``id``; ``name``, ``use`` ("" unknown), ``year`` [a]
        (NaN unknown); the columns of `gis.heights.STOREY_COLUMNS` as they stand.
    """
    storeys = frame[find_columns(frame, STOREY_COLUMNS)]
    described = gpd.GeoDataFrame(
        {
            "name": _first_text(frame, NAME_COLUMNS),
            "use": _read_use(frame),
            "year": _read_year(frame),
            **{str(column): storeys[column] for column in storeys},
        },
        geometry=frame.geometry.to_numpy(),
        index=frame.index,
        crs=PLAN,
    )
    if _is_named(frame):
        part, building = (find_columns(frame, [name])[0] for name in ("part", "building"))
        return described.assign(part=frame[part], building=frame[building])
    return described.assign(id=given_ids(frame))


def _is_named(frame: gpd.GeoDataFrame) -> bool:
    """Whether a table names the parts of its buildings."""
    return bool(find_columns(frame, ["part"]) and find_columns(frame, ["building"]))


def _tag_columns(frame: gpd.GeoDataFrame) -> list[str]:
    """Column of the OpenStreetMap key; a twin's own table has identities there."""
    return [] if find_columns(frame, ["part"]) else find_columns(frame, ["building"])


def _first_text(frame: gpd.GeoDataFrame, columns: tuple[str, ...]) -> pd.Series:
    """First text a row of several columns, "" where there is none."""
    text = pd.Series("", index=frame.index, dtype=object)
    for column in find_columns(frame, columns):
        text = text.where(text != "", as_text(frame[column]))
    return text


def _read_use(frame: gpd.GeoDataFrame) -> pd.Series:
    """Use of each building in the words of this twin where they are known."""
    use = _first_text(frame, USE_COLUMNS)
    tags = _tag_columns(frame)
    if tags:
        use = use.where(use != "", as_text(frame[tags[0]]).map(osm_use))
    return use


def _read_year(frame: gpd.GeoDataFrame) -> pd.Series:
    """Year of construction [a], NaN where no four-digit year is told."""
    found = _first_text(frame, YEAR_COLUMNS).str.extract(_YEAR, expand=False)
    return pd.to_numeric(found).astype(np.float64)
