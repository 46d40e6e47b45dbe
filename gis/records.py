"""Keep what was done to the data of a district, row by row."""

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from gis.crs import PLAN

REPAIR_COLUMNS = ("part", "building", "fault", "action", "amount", "unit")
CONFLICT_COLUMNS = (
    "height",
    "source",
    "other",
    "other_source",
    "difference",
    "limit",
    "why",
)
IDENTITY_COLUMNS = ("was", "now", "what", "by", "share")

_NUMBERS = {"amount", "height", "other", "difference", "limit", "share"}


@dataclass(frozen=True, eq=False)
class Records:
    """What was repaired, what disagreed and who was renamed on the way to a district.

    Attributes
    ----------
    repairs : GeoDataFrame
        One row a repair of an outline, see `gis.repair_log.Repairs.table`.
    conflicts : DataFrame
        One row a height that was not taken although it differs, index ``part``,
        see `gis.height_fusion.FusedHeights.conflicts`.
    identities : DataFrame
        What became of each building since the last import, see `gis.identity.Reimport`;
        empty after a first import.
    retired : tuple of str
        Identities that must never be given again, sorted.
    """

    repairs: gpd.GeoDataFrame
    conflicts: pd.DataFrame
    identities: pd.DataFrame
    retired: tuple[str, ...] = ()


def no_records() -> Records:
    """Return the records of data to which nothing was done.

    Returns
    -------
    Records
        Empty tables with all columns.
    """
    repairs = gpd.GeoDataFrame(
        _columns(REPAIR_COLUMNS), geometry=gpd.GeoSeries([], crs=PLAN)
    )
    conflicts = pd.DataFrame(_columns(CONFLICT_COLUMNS)).rename_axis("part")
    return Records(repairs, conflicts, pd.DataFrame(_columns(IDENTITY_COLUMNS)))


def _columns(names: tuple[str, ...]) -> dict[str, pd.Series]:
    """Columns without rows."""
    return {
        name: pd.Series([], dtype=float if name in _NUMBERS else object) for name in names
    }
