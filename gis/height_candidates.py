"""Put what is said of the heights of buildings into one form, source by source."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.attributes import feature_names, read_numbers
from gis.errors import TableError
from gis.faults import name_some
from gis.heights import HIGHEST, LOWEST, STOREY, STOREY_COLUMNS
from gis.roof_heights import BARE_GROUND, MEASURED

DECLARED, POINTS, SURFACE, ATTRIBUTE, STOREYS = KINDS = (
    "declared",
    "points",
    "surface",
    "attribute",
    "storeys",
)
"""Kinds of candidates in order of precedence.

A declared value has somebody who answers for it; points show the roof itself; a surface
model has lost detail to its cells; an attribute rarely tells what it measures, nor when; a
number of storeys leaves the height of a storey open.
"""

DECLARED_ERROR, ATTRIBUTE_ERROR = 1.0, 2.0
"""Standard uncertainty of values that tell none [m]: whole metres above street level; and
heights that may be meant to eaves, ridge or aerial. Assumptions."""

STOREY_ERROR, LEAST_STOREY_ERROR = 0.25, 1.5
"""Standard uncertainty of a height by storeys, as a share of it and at least so much [m].
Published pairs of the district give 3.8 m (WTC, 50 m by 13), 4.4 m and 5.6 m (Prisma, 40 m
by 9 and 28 m by 5) a storey against the 3 m that are assumed for homes."""


@dataclass(frozen=True)
class Candidates:
    """What one source says of the heights of buildings.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    table : DataFrame
        Index: ids of buildings, not all need be there. Columns ``height`` [m above ground,
        NaN unknown], ``source`` (text), ``year`` (that the value is of, NaN unknown),
        ``uncertainty`` [m, NaN unknown], ``ground`` [m RH2000 that the height was counted
        from, NaN unknown], ``refused`` ("" or why the source itself does not stand by it).
    """

    kind: str
    table: pd.DataFrame

    def __post_init__(self) -> None:
        """Refuse tables that cannot be fused."""
        if self.kind not in KINDS:
            message = f"the kind of candidates must be one of {KINDS}, got {self.kind!r}"
            raise TableError(message)
        missing = sorted(set(_COLUMNS) - set(self.table.columns))
        if missing:
            message = f"candidates must have the columns {_COLUMNS}, {missing} missing"
            raise TableError(message)
        repeated = self.table.index[self.table.index.duplicated()]
        if len(repeated):
            message = (
                f"a source must name each building once, {self.kind} repeats "
                f"{name_some(repeated.unique())}; keep one value each"
            )
            raise TableError(message)


_COLUMNS = ("height", "source", "year", "uncertainty", "ground", "refused")


def attribute_candidates(heights: pd.DataFrame, *, year: float = np.nan) -> Candidates:
    """Take the heights that a table of buildings states.

    Parameters
    ----------
    heights : DataFrame
        As `gis.heights.read_heights` gives; those by storeys are passed over.
    year : float
        Of the survey behind them, NaN unknown.

    Returns
    -------
    Candidates
        Of the kind "attribute".
    """
    by_storeys = heights["height_source"].str.startswith("storeys").to_numpy()
    own = heights[~by_storeys & heights["height"].notna().to_numpy()]
    table = pd.DataFrame(
        {
            "height": own["height"],
            "source": own["height_source"],
            "year": float(year),
            "uncertainty": ATTRIBUTE_ERROR,
            "ground": own["ground"],
            "refused": "",
        },
        index=own.index,
    )
    return Candidates(ATTRIBUTE, table)


def storey_candidates(frame: gpd.GeoDataFrame) -> tuple[Candidates, tuple[str, ...]]:
    """Take the storeys that a table of buildings states, whether or not it has heights.

    Parameters
    ----------
    frame : GeoDataFrame
        With any of the columns `gis.heights.STOREY_COLUMNS`.

    Returns
    -------
    candidates : Candidates
        Of the kind "storeys", `gis.heights.STOREY` each.
    notes : tuple of str
        What could not be read.
    """
    notes: list[str] = []
    names = feature_names(frame)
    storeys, column = read_numbers(frame, STOREY_COLUMNS, names, notes)
    usable = (storeys * STOREY >= LOWEST) & (storeys * STOREY <= HIGHEST)
    told = pd.DataFrame(
        {
            "storeys": storeys,
            "source": np.char.add(f"storeys x {STOREY:g} m: ", column).astype(object),
        },
        index=frame.index,
    )
    return _by_storeys(told[usable]), tuple(notes)


def declared_candidates(declared: pd.DataFrame) -> tuple[Candidates, Candidates]:
    """Take what somebody answers for: permits, publications, the owner's word.

    Parameters
    ----------
    declared : DataFrame
        Index: ids of buildings. Columns ``height`` [m] or ``storeys`` or both, ``source``;
        also ``year`` and ``uncertainty`` [m] where known.

    Returns
    -------
    heights, storeys : Candidates
        Of the kinds "declared" and "storeys".

    Raises
    ------
    TableError
        If there is no source, a height is not plausible, or an id is repeated.
    """
    unknown = pd.Series(np.nan, index=declared.index)
    if "source" not in declared.columns or not {"height", "storeys"} & set(
        declared.columns
    ):
        message = (
            "declared heights must have the columns source and height or storeys, got "
            f"{', '.join(map(str, declared.columns))}"
        )
        raise TableError(message)
    height = pd.to_numeric(declared.get("height", unknown), errors="coerce")
    storeys = pd.to_numeric(declared.get("storeys", unknown), errors="coerce")
    year = pd.to_numeric(declared.get("year", unknown), errors="coerce")
    error = pd.to_numeric(declared.get("uncertainty", unknown), errors="coerce")
    value = height.where(height.notna(), storeys * STOREY)
    bad = value.isna() | ~value.between(LOWEST, HIGHEST) | (declared["source"] == "")
    if bad.any():
        some = [f"{n}: {v:g} m" for n, v in zip(value.index[bad], value[bad], strict=True)]
        message = (
            f"a declared height must lie within {LOWEST:g}..{HIGHEST:g} m and name its "
            f"source, {len(some)} do not ({name_some(some)}); correct them"
        )
        raise TableError(message)
    table = pd.DataFrame(
        {
            "height": height,
            "source": "declared: " + declared["source"].astype(str),
            "year": year,
            "uncertainty": error.fillna(DECLARED_ERROR),
            "ground": np.nan,
            "refused": "",
        }
    )
    told = pd.DataFrame(
        {
            "storeys": storeys,
            "source": f"storeys x {STOREY:g} m: " + declared["source"].astype(str),
            "year": year,
        }
    )
    return (
        Candidates(DECLARED, table[height.notna()]),
        _by_storeys(told[storeys.notna()]),
    )


def measured_candidates(
    roofs: pd.DataFrame, *, kind: str, source: str, year: float = np.nan
) -> Candidates:
    """Take heights that were measured.

    Parameters
    ----------
    roofs : DataFrame
        As `gis.roof_heights` gives, with the ids of the buildings as index.
    kind : str
        "points" or "surface".
    source : str
        Such as the name of the file.
    year : float
        Of the survey, NaN unknown.

    Returns
    -------
    Candidates
        Footprints over bare ground are in it with the height 0 and refused, so that the
        disagreement shows.
    """
    bare = (roofs["status"] == BARE_GROUND).to_numpy()
    told = roofs[bare | (roofs["status"] == MEASURED).to_numpy()]
    bare = (told["status"] == BARE_GROUND).to_numpy()
    table = pd.DataFrame(
        {
            "height": told["height"].where(~bare, 0.0),
            "source": f"{kind}: {source}",
            "year": float(year),
            "uncertainty": told["uncertainty"].where(~bare, 0.0),
            "ground": told["ground"],
            "refused": np.where(bare, "the survey shows bare ground", ""),
        },
        index=told.index,
    )
    return Candidates(kind, table)


def _by_storeys(told: pd.DataFrame) -> Candidates:
    """Heights from numbers of storeys."""
    height = told["storeys"] * STOREY
    table = pd.DataFrame(
        {
            "height": height,
            "source": told["source"],
            "year": told.get("year", np.nan),
            "uncertainty": np.maximum(height * STOREY_ERROR, LEAST_STOREY_ERROR),
            "ground": np.nan,
            "refused": "",
        },
        index=told.index,
    )
    return Candidates(STOREYS, table)
