"""Repair building outlines so that they stand side by side in the plan."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.apart import drop_twins, stand_apart
from gis.attributes import feature_names
from gis.errors import GeometryError
from gis.part_names import name_parts
from gis.pieces import Pieces, drop_slivers, take_polygons
from gis.repair_log import Book, Repairs, write_log
from gis.slivers import SMALLEST_AREA, THINNEST
from gis.snapping import SNAP
from gis.stacks import Spans, stand_over

WIDEST_SNAP = 1.0
"""Alleys begin here: walls that far apart are not one [m]."""

Positions = npt.NDArray[np.intp]


def repair_footprints(
    frame: gpd.GeoDataFrame, *, smallest: float = SMALLEST_AREA, snap: float = SNAP
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Make outlines valid, single, free of overlaps and gaps, and identified.

    Parameters
    ----------
    frame : GeoDataFrame
        Outlines in EPSG:3008 with any attributes. A column ``height`` [m], if there is
        one, decides overlaps; one ``underside`` [m above ground] lets parts stand over
        each other, see `gis.stacks.stand_over`.
    smallest : float
        Area below which an outline is a sliver and left out [m2].
    snap : float
        Walls that miss each other by no more than this become one; nothing is moved
        farther by that. 0 leaves gaps and touching walls as they are [m].

    Returns
    -------
    frame : GeoDataFrame
        One valid polygon a row, exterior counter-clockwise, holes kept, no elevation.
        Index ``part`` (unique str); column ``building`` (str) is common to the parts of one
        building; other columns are carried along. Where outlines overlap by more than
        ``snap`` the taller keeps the ground, without heights the larger (then the more
        western). Neighbours share every corner of their common wall. The result does not
        depend on the order of rows.
    notes : tuple of str
        What was repaired or left out, with counts.

    Raises
    ------
    GeometryError
        If no polygon remains, or ``smallest`` or ``snap`` is out of range.

    Notes
    -----
    The ground that is covered stays covered (but for slivers, and for ``snap`` along the
    walls), the result is its own repair; both are tested with arbitrary polygons in
    tests/gis/test_footprints.py. Stages and tolerances are described in docs/footprints.md.
    """
    result, repairs = repair_and_log(frame, smallest=smallest, snap=snap)
    return result, repairs.notes


def repair_and_log(
    frame: gpd.GeoDataFrame,
    *,
    smallest: float = SMALLEST_AREA,
    snap: float = SNAP,
) -> tuple[gpd.GeoDataFrame, Repairs]:
    """Repair outlines as `repair_footprints` does, with a log building by building.

    Parameters
    ----------
    frame, smallest, snap
        As for `repair_footprints`.

    Returns
    -------
    frame : GeoDataFrame
        See `repair_footprints`.
    repairs : Repairs
        The same notes, with a table of single repairs.

    Raises
    ------
    GeometryError
        See `repair_footprints`.
    """
    if not (smallest >= 0.0 and 0.0 <= snap <= WIDEST_SNAP):
        message = (
            f"smallest must not be negative and snap must lie in 0..{WIDEST_SNAP:g} m, "
            f"got {smallest} m2 and {snap} m"
        )
        raise GeometryError(message)
    book = Book()
    names = feature_names(frame)
    pieces = take_polygons(frame.geometry.to_numpy(), names, book)
    pieces, slivers = drop_slivers(pieces, book, smallest=smallest, thinnest=THINNEST)
    what = f"below {smallest:g} m2 or {THINNEST:g} m width left out"
    book.note(slivers, "sliver", what)
    if not len(pieces.polygons):
        message = (
            f"a layer of buildings must hold polygons, none of {len(frame)} features "
            f"is one of {smallest:g} m2 or more; give the layer with the outlines"
        )
        raise GeometryError(message)
    rank, spans = _rank(frame, pieces), _spans(frame)
    level = spans.low[pieces.rows]
    pieces, rank, pairs = drop_twins(pieces, rank, book, snap, level=level)
    limits = {"smallest": smallest, "snap": snap}
    if (spans.low > 0.0).any():
        pieces, low = stand_over(pieces, rank, pairs, spans, book, **limits)
        frame = frame.assign(underside=low)
    else:
        pieces = stand_apart(pieces, rank, pairs, book, **limits)
    result, unnamed, shared = name_parts(frame, pieces.polygons, pieces.rows)
    book.note(int(unnamed.sum()), "footprint", "without identity, named by place")
    book.log("no identity", pieces.rows[unnamed], at=pieces.polygons[unnamed])
    common = result["building"][shared].nunique()
    what = "shared by several footprints, taken as parts of one building"
    book.note(common, "identity", what)
    book.log("shared identity", pieces.rows[shared], at=pieces.polygons[shared])
    return result, write_log(book, result=result, origin=pieces.rows, names=names)


def _spans(frame: gpd.GeoDataFrame) -> Spans:
    """Between which levels the rows stand, as far as the table tells."""
    columns = []
    for column, unknown in (("underside", 0.0), ("height", np.nan)):
        values = np.full(len(frame), unknown)
        if column in frame.columns:
            told = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64)
            values = np.where(np.isnan(told), unknown, told)
        columns.append(values)
    return Spans(np.maximum(columns[0], 0.0), columns[1])


def _rank(frame: gpd.GeoDataFrame, pieces: Pieces) -> Positions:
    """Precedence of the pieces, 0 first: lower, taller, larger, then by place and text."""
    height = np.full(len(frame), np.nan)
    if "height" in frame.columns:
        height = pd.to_numeric(frame["height"], errors="coerce").to_numpy(dtype=np.float64)
    centre = shapely.get_coordinates(shapely.centroid(pieces.polygons))
    keys = pd.DataFrame(
        {
            "underside": _spans(frame).low[pieces.rows],
            "height": -np.nan_to_num(height[pieces.rows], nan=-np.inf),
            "area": -shapely.area(pieces.polygons).round(3),
            "x": centre[:, 0].round(3),
            "y": centre[:, 1].round(3),
        }
    )
    # The rest is long to compare and rarely asked.
    tied = np.flatnonzero(keys.duplicated(keep=False))
    rows = pieces.rows[tied]
    attributes = [
        frame[c].iloc[rows] for c in sorted(frame.columns) if c != frame.geometry.name
    ]
    whole = frame.geometry.to_numpy()[rows]
    last = pd.DataFrame(
        {
            "outline": shapely.to_wkb(shapely.normalize(pieces.polygons[tied])),
            "text": ["|".join(map(str, row)) for row in zip(*attributes, strict=True)]
            if attributes
            else "",
            # Two features may share one part: the rest of them decides whose it is.
            "whole": shapely.to_wkb(shapely.normalize(whole)),
        }
    )
    last = last.sort_values(list(last.columns), kind="stable")
    keys["tie"] = 0
    keys.iloc[tied[last.index.to_numpy()], -1] = np.arange(len(tied))
    order = keys.sort_values(list(keys.columns), kind="stable").index.to_numpy()
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank
