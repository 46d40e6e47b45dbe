"""Keep a log of what was repaired, building by building."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.faults import count_things

FAULTS = {
    "no geometry": "left out",
    "no area": "left out",
    "unclosed ring": "closed by the first vertex",
    "elevations": "flattened",
    "self-crossing": "mended",
    "several parts": "split into parts of one building",
    "sliver": "left out",
    "thin hole": "filled",
    "duplicate": "left out",
    "overlap": "trimmed",
    "covered": "left out",
    "repeated corner": "dropped",
    "gap": "closed",
    "missing corner": "put in",
    "open gap": "left as it is",
    "no identity": "named by place",
    "shared identity": "taken as parts of one building",
}
"""Every fault that is looked for, with what is done about it."""

COLUMNS = ("part", "building", "fault", "action", "amount", "unit", "geometry")

FloatArray = npt.NDArray[np.float64]
Polygons = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Repairs:
    """What was repaired in a layer of footprints.

    Attributes
    ----------
    notes : tuple of str
        Sentences with counts.
    table : GeoDataFrame
        One row a repair: ``part`` ("" if nothing is left of it), ``building``, ``fault``
        and ``action`` (see `FAULTS`), ``amount`` with its ``unit`` (m, m2, parts or
        corners; NaN and "" where there is nothing to measure), and the point where it was,
        in the reference system of the layer (None without usable geometry).
    """

    notes: tuple[str, ...]
    table: gpd.GeoDataFrame


@dataclass(frozen=True)
class Entries:
    """Repairs of one kind.

    Attributes
    ----------
    fault : str
        One of `FAULTS`.
    rows : (k,) int
        Position of the feature in the layer as it was given.
    amount : (k,) float
        How much; NaN where there is nothing to measure.
    unit : str
        Of the amount.
    where : (k, 2) float
        Plan coordinates [m]; NaN if unknown.
    """

    fault: str
    rows: Positions
    amount: FloatArray
    unit: str
    where: FloatArray


@dataclass(frozen=True)
class Book:
    """What the stages of a repair write down.

    Attributes
    ----------
    notes : list of str
        Sentences with counts.
    kinds : list of Entries
        Repairs in the order of the stages.
    """

    notes: list[str] = field(default_factory=list)
    kinds: list[Entries] = field(default_factory=list)

    def note(self, count: int, noun: str, what: str) -> None:
        """Add a sentence on something counted, if there is any."""
        if count:
            self.notes.append(f"{count_things(count, noun)} {what}")

    def log(
        self,
        fault: str,
        rows: Positions,
        *,
        amount: FloatArray | None = None,
        unit: str = "",
        at: Polygons | None = None,
    ) -> None:
        """Add repairs of one kind to the log; the places are the middles of ``at``."""
        if len(rows):
            where = np.full((len(rows), 2), np.nan)
            if at is not None:
                middle = shapely.centroid(at)
                known = ~(shapely.is_missing(middle) | shapely.is_empty(middle))
                where[known] = shapely.get_coordinates(middle[known])
            measured = np.full(len(rows), np.nan) if amount is None else amount
            self.kinds.append(Entries(fault, rows, measured, unit, where))


def write_log(
    book: Book,
    *,
    result: gpd.GeoDataFrame,
    origin: Positions,
    names: Polygons,
) -> Repairs:
    """Tell to which part and building each repair belongs.

    Parameters
    ----------
    book : Book
        What the stages wrote down.
    result : GeoDataFrame
        What is left: index ``part``, column ``building``.
    origin : (n,) int
        Position in the given layer of each row of the result.
    names : (m,) object
        What to call the features of the given layer of which nothing is left.

    Returns
    -------
    Repairs
        Of several parts the one nearest to the place is named.
    """
    kinds = book.kinds
    rows = np.concatenate([np.empty(0, dtype=np.intp), *(k.rows for k in kinds)])
    where = np.concatenate([np.empty((0, 2)), *(k.where for k in kinds)])
    sizes = [len(k.rows) for k in kinds]
    points = shapely.points(where)
    points[np.isnan(where).any(axis=1)] = None
    position = _nearest_part(rows, points, result.geometry.to_numpy(), origin)
    gone = position < 0
    part = np.where(gone, "", result.index.to_numpy()[position])
    building = np.where(gone, names[rows], result["building"].to_numpy()[position])
    table = gpd.GeoDataFrame(
        {
            "part": part.astype(object),
            "building": building.astype(object),
            "fault": np.repeat(np.array([k.fault for k in kinds], dtype=object), sizes),
            "action": np.repeat(
                np.array([FAULTS[k.fault] for k in kinds], dtype=object), sizes
            ),
            "amount": np.concatenate([np.empty(0), *(k.amount for k in kinds)]),
            "unit": np.repeat(np.array([k.unit for k in kinds], dtype=object), sizes),
        },
        geometry=points,
        crs=result.crs,
    )
    order = np.lexsort((np.arange(len(table)), table["part"], table["building"]))
    return Repairs(tuple(book.notes), table.iloc[order].reset_index(drop=True))


def add_mended(
    table: gpd.GeoDataFrame,
    mended: Mapping[str, Mapping[str, int]],
    result: gpd.GeoDataFrame,
) -> gpd.GeoDataFrame:
    """Add what a reader mended before to the log.

    Parameters
    ----------
    table : GeoDataFrame
        As `Repairs.table`.
    mended : mapping of str to mapping
        By fault of `FAULTS`: how many rings of each feature had it, by identity.
    result : GeoDataFrame
        What is left: index ``part``, column ``building``.

    Returns
    -------
    GeoDataFrame
        With a row for each feature and fault; ``part`` is the largest of its building, ""
        and no place if the feature was no building or is gone.
    """
    largest = result.iloc[np.argsort(-shapely.area(result.geometry.to_numpy()))]
    largest = largest.reset_index().drop_duplicates("building").set_index("building")
    rows = [
        (
            largest["part"].get(identity, ""),
            identity,
            fault,
            FAULTS[fault],
            float(count),
            "rings",
            largest.geometry.get(identity),
        )
        for fault, counts in mended.items()
        for identity, count in sorted(counts.items())
    ]
    if not rows:
        return table
    more = gpd.GeoDataFrame(rows, columns=list(COLUMNS), crs=table.crs)
    places = shapely.centroid(more.geometry.to_numpy())
    both = pd.concat([more.set_geometry(places, crs=table.crs), table], ignore_index=True)
    order = np.lexsort((np.arange(len(both)), both["part"], both["building"]))
    return gpd.GeoDataFrame(both.iloc[order].reset_index(drop=True), crs=table.crs)


def _nearest_part(
    rows: Positions, points: Polygons, polygons: Polygons, origin: Positions
) -> Positions:
    """Position of the part of each feature that is nearest to a point, -1 if none."""
    order = np.argsort(origin, kind="stable")
    begin = np.searchsorted(origin[order], rows, side="left")
    many = np.searchsorted(origin[order], rows, side="right") - begin
    entry = np.repeat(np.arange(len(rows)), many)
    within = np.arange(len(entry)) - np.repeat(np.cumsum(many) - many, many)
    part = order[np.repeat(begin, many) + within]
    apart = np.zeros(len(entry))
    several = many[entry] > 1
    apart[several] = shapely.distance(points[entry[several]], polygons[part[several]])
    best = pd.DataFrame({"entry": entry, "part": part, "apart": apart})
    best = best.sort_values(["entry", "apart", "part"], kind="stable")
    best = best.drop_duplicates("entry")
    nearest = np.full(len(rows), -1, dtype=np.intp)
    nearest[best["entry"].to_numpy()] = best["part"].to_numpy()
    return nearest
