"""Tell where data comes from and whom to name for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd


@dataclass(frozen=True)
class Origin:
    """Who made a data set and on what terms it may be used.

    Attributes
    ----------
    provider : str
        Who made it, such as "OpenStreetMap".
    dataset : str
        What it is, such as "buildings, Overpass extract".
    licence : str
        Short name, such as "ODbL 1.0"; "not stated" where nobody says.
    credit : str
        Line that every map and export must carry; "" where none is asked for.
    year : int or None
        Year of the data, None where it is not told.
    """

    provider: str
    dataset: str
    licence: str
    credit: str
    year: int | None = None


@dataclass(frozen=True)
class SourceTable:
    """What a provider's file tells of buildings or other things.

    Attributes
    ----------
    frame : GeoDataFrame
        One row per feature with a reference system. Columns carry the names that
        `gis.attributes`, `gis.heights` and `gis.assemble` understand (``id``, ``name``,
        ``use``, ``year``, ``height``, ``ground``, ``roof``, ``building:levels``,
        ``min_height``, ``roof:shape``, ``roof:height``; ``building`` with ``part`` where
        parts of one building belong together); what the provider does not tell is absent.
    notes : tuple of str
        What was repaired, merged, assumed or left out, in sentences with counts.
    origin : Origin
        Whose data it is.
    mended : mapping of str to mapping
        Faults that the reader had to mend, by their name in `gis.repair_log.FAULTS`: how
        many rings of each feature had it, by identity.
    passages : GeoDataFrame or None
        Ways that lead through the buildings, as `gis.passages.make_passages` takes them;
        None where the file tells of none.
    """

    frame: gpd.GeoDataFrame
    notes: tuple[str, ...]
    origin: Origin
    mended: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    passages: gpd.GeoDataFrame | None = None
