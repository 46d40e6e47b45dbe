"""Cut passages through the buildings that stand over them."""

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.attributes import as_text, feature_names, find_columns, read_numbers
from gis.crs import PLAN, to_plan
from gis.errors import SourceError
from gis.faults import count_things
from gis.heights import LEAST_RISE, LOWEST
from gis.slivers import SMALLEST_AREA
from gis.sources.vector import read_layer

PASSAGE = "building_passage"
"""Value of OpenStreetMap's key ``tunnel`` on a way that leads through a building."""

WIDTH, CLEAR = 4.0, 4.0
"""Width and clear height of a passage for vehicles that tells none [m], assumed: a Swedish
fire engine is to find 4.0 m of clear height and 3.0 m of carriageway (as rescue services
ask for rescue roads by Boverket's building rules), with half a metre to either wall."""

FOOT_WIDTH, FOOT_CLEAR = 2.5, 3.0
"""The same for ways on foot or by bicycle [m]; assumed."""

ON_FOOT = {"footway", "path", "cycleway", "pedestrian", "steps", "corridor"}

NARROWEST, WIDEST = 0.5, 40.0
"""Widths that a passage can have [m]."""

LEAST_LENGTH = 1.0
"""A line that is in a building for less only touches it [m]."""

WIDTH_COLUMNS = ("width", "est_width", "bredd")
CLEAR_COLUMNS = ("clear_height", "height", "maxheight:physical", "maxheight", "fri_hojd")
"""Columns that tell width and clear height [m], in order of trust."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Passages:
    """Ways that lead through buildings.

    Attributes
    ----------
    table : GeoDataFrame
        In EPSG:3008. Areas, from wall to wall, with ``clear`` (clear height [m]), ``line``
        (the way that is meant, None where an area was given) and ``bearing`` of it from
        end to end [degrees from north, NaN for an area].
    notes : tuple of str
        What was assumed, with counts.
    """

    table: gpd.GeoDataFrame
    notes: tuple[str, ...]


def is_passage(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which features are passages by their tags.

    Parameters
    ----------
    frame : DataFrame
        Tags as columns; without a column ``tunnel`` all are.

    Returns
    -------
    (n,) bool
    """
    for column in find_columns(frame, ["tunnel"]):
        passage: npt.NDArray[np.bool_] = (
            as_text(frame[column]).str.lower().eq(PASSAGE).to_numpy(np.bool_)
        )
        return passage
    return np.ones(len(frame), np.bool_)


def open_passages(
    frame: gpd.GeoDataFrame, found: gpd.GeoDataFrame | None, path: Path | None = None
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Cut the passages of a file through buildings, or else those found with them.

    Parameters
    ----------
    frame : GeoDataFrame
        As for `cut_passages`.
    found : GeoDataFrame or None
        Lines or areas that the file of the buildings holds.
    path : Path, optional
        Vector file of passages, which is taken instead.

    Returns
    -------
    frame : GeoDataFrame
        See `cut_passages`; unchanged without passages.
    notes : tuple of str
        What was assumed and cut, with counts.

    Raises
    ------
    SourceError
        If the file has no passages.
    """
    notes: tuple[str, ...] = ()
    if path is not None:
        read, notes = read_layer(Path(path))
        found = read[is_passage(read)]
        if found.empty:
            message = (
                "a layer of passages must have features tagged tunnel=building_passage, "
                f"or no column tunnel, {Path(path).name} has none; check it or leave it out"
            )
            raise SourceError(message)
    if found is None:
        return frame, ()
    cut, told = cut_passages(frame, make_passages(found))
    return cut, (*notes, *told)


def make_passages(frame: gpd.GeoDataFrame) -> Passages:
    """Give passages their ground and their clear height.

    Parameters
    ----------
    frame : GeoDataFrame
        Lines or areas, in any reference system, with what `WIDTH_COLUMNS` and
        `CLEAR_COLUMNS` tell.

    Returns
    -------
    Passages
        Lines become as wide as they tell, and reach over their ends by half of that, for
        a way may meet a wall at any angle.

    Raises
    ------
    SourceError
        If none is a line or an area.
    """
    plan = to_plan(frame)
    shapes = shapely.make_valid(shapely.force_2d(plan.geometry.to_numpy()))
    dimension = shapely.get_dimensions(shapes)
    fit = (dimension >= 1) & ~shapely.is_empty(shapes)
    fit &= np.isfinite(shapely.bounds(shapes)).all(axis=1)
    if not fit.any():
        message = (
            f"passages must be lines or areas, none of {len(frame)} features is; give the "
            "ways that lead through buildings"
        )
        raise SourceError(message)
    plan, shapes, dimension = plan[fit], shapes[fit], dimension[fit]
    notes: list[str] = []
    left = int((~fit).sum())
    if left:
        notes.append(f"{count_things(left, 'passage')} without line or area, left out")
    names = feature_names(plan)
    width, _ = read_numbers(plan, WIDTH_COLUMNS, names, notes)
    clear, _ = read_numbers(plan, CLEAR_COLUMNS, names, notes)
    foot = np.zeros(len(plan), np.bool_)
    for column in find_columns(plan, ["highway"]):
        foot = as_text(plan[column]).str.lower().isin(ON_FOOT).to_numpy(np.bool_)
    line = dimension == 1
    untold = line & ~((width >= NARROWEST) & (width <= WIDEST))
    width = np.where(untold, np.where(foot, FOOT_WIDTH, WIDTH), width)
    low = ~(clear >= LOWEST)
    clear = np.where(low, np.where(foot, FOOT_CLEAR, CLEAR), clear)
    for count, what in ((untold, "width"), (low, "clear height")):
        if count.any():
            some = count_things(int(count.sum()), "passage")
            notes.append(f"{some} of unknown {what}, assumed by the kind of way")
    ground = shapes.copy()
    longer = _extended(shapes[line], width[line] / 2)
    ground[line] = shapely.buffer(
        longer, width[line] / 2, cap_style="flat", join_style="mitre"
    )
    table = gpd.GeoDataFrame(
        {
            "clear": clear,
            "line": np.where(line, shapes, None),
            "bearing": [
                _bearing(s) if own else np.nan for s, own in zip(shapes, line, strict=True)
            ],
        },
        geometry=ground,
        crs=PLAN,
    )
    return Passages(table, tuple(notes))


def cut_passages(
    frame: gpd.GeoDataFrame, passages: Passages
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Split buildings into what stands beside a passage and what hangs over it.

    Parameters
    ----------
    frame : GeoDataFrame
        Outlines in EPSG:3008 as `gis.building_layer.describe_buildings` makes them, with
        ``height`` and ``underside`` [m above ground] and columns of roofs.
    passages : Passages
        Where to cut.

    Returns
    -------
    frame : GeoDataFrame
        With columns ``part`` and ``building``. What stands beside keeps its part; what
        hangs over is a row of its own, ``ID-passage``, of the same building, whose
        ``underside`` is the clear height. Where its roof is known to slope but not which
        way, it falls along the passage, as that of a wing that is crossed does.
    notes : tuple of str
        How many were cut and which were not.
    """
    named = _named(frame)
    shapes = named.geometry.to_numpy().copy()
    table = passages.table
    ways = table.geometry.to_numpy()
    way, row = shapely.STRtree(shapes).query(ways, predicate="intersects")
    order = np.lexsort((way, row))
    under = named["underside"].to_numpy(np.float64)
    height = named["height"].to_numpy(np.float64)
    taken = set(named["part"])
    over: list[pd.Series] = []
    cut, low, idle = set(), set(), set(range(len(table)))
    for k, w in zip(row[order].tolist(), way[order].tolist(), strict=True):
        clear = float(table["clear"].iloc[w])
        if under[k] >= clear:
            idle.discard(w)
            continue
        whole = shapes[k] if shapely.is_valid(shapes[k]) else shapely.make_valid(shapes[k])
        above = _areas(shapely.intersection(whole, ways[w]))
        if above is None or not _leads_through(whole, table["line"].iloc[w]):
            continue
        idle.discard(w)
        if height[k] < LOWEST + LEAST_RISE:
            low.add(k)
            continue
        # A low house has a low passage: something must be left above it.
        clear = min(clear, height[k] - LEAST_RISE) if np.isfinite(height[k]) else clear
        rest = _areas(shapely.difference(whole, ways[w]))
        cut.add(k)
        _name_by_place(named, k, whole)
        piece = named.iloc[k].copy()
        piece["underside"] = clear
        piece["geometry"] = above
        _turn_roof(piece, float(table["bearing"].iloc[w]))
        if rest is None:
            named.loc[named.index[k], "underside"] = clear
            under[k] = clear
            continue
        shapes[k] = rest
        piece["part"] = _free(f"{piece['part']}-passage", taken)
        over.append(piece)
    named = named.set_geometry(shapes, crs=frame.crs)
    if over:
        more = gpd.GeoDataFrame(over, geometry="geometry", crs=frame.crs)
        more = more.astype({c: t for c, t in named.dtypes.items() if c != "geometry"})
        named = gpd.GeoDataFrame(
            pd.concat([named, more], ignore_index=True), geometry="geometry", crs=frame.crs
        )
    notes = list(passages.notes)
    for found, noun, what in (
        (cut, "footprint", "cut by passages: what hangs over them begins above the ground"),
        (low, "footprint", "too low for the passage through it, left whole"),
        (idle, "passage", "that leads through no building, passed over"),
    ):
        if found:
            notes.append(f"{count_things(len(found), noun)} {what}")
    return named, tuple(notes)


def _named(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give every row a part and a building, so that pieces know where they belong."""
    if {"part", "building"} <= set(frame.columns):
        return frame.reset_index(drop=True)
    ids = frame["id"].to_numpy(dtype=object)
    named = frame.drop(columns="id").assign(part=ids, building=ids)
    return named.reset_index(drop=True)


def _name_by_place(named: gpd.GeoDataFrame, row: int, whole: shapely.Geometry) -> None:
    """Name a row that has no identity as `gis.part_names` would, were it not cut."""
    if named.loc[row, "part"] == "":
        middle = shapely.centroid(whole)
        named.loc[row, ["part", "building"]] = f"e{middle.x:.1f}n{middle.y:.1f}"


def _free(name: str, taken: set[str]) -> str:
    """Return a name that nobody has, and take it."""
    fresh, step = name, 1
    while fresh in taken:
        step += 1
        fresh = f"{name}-{step}"
    taken.add(fresh)
    return fresh


def _areas(shape: shapely.Geometry) -> shapely.Geometry | None:
    """Polygons of a geometry that are not too small, None without any."""
    parts = shapely.get_parts(shape)
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    parts = parts[shapely.area(parts) >= SMALLEST_AREA]
    if not len(parts):
        return None
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def _leads_through(whole: shapely.Geometry, line: shapely.Geometry | None) -> bool:
    """Whether the way itself is inside, not only the strip beside it."""
    if line is None:
        return True
    return float(shapely.length(shapely.intersection(whole, line))) >= LEAST_LENGTH


def _turn_roof(piece: pd.Series, bearing: float) -> None:
    """Let a sloped roof of unknown direction fall along the passage."""
    sloped = piece.get("roof_shape", "") not in ("", "flat")
    told = np.isfinite(piece.get("roof_direction", np.nan)) or piece.get(
        "roof_orientation", ""
    )
    if sloped and not told and np.isfinite(bearing):
        piece["roof_direction"] = bearing


def _ends(line: shapely.Geometry) -> FloatArray:
    """Corners of a line, of several lines those of the longest, (n, 2)."""
    parts = shapely.get_parts(line)
    parts = parts[shapely.get_dimensions(parts) == 1]
    corners: FloatArray = shapely.get_coordinates(parts[np.argmax(shapely.length(parts))])
    return corners


def _bearing(line: shapely.Geometry) -> float:
    """Direction from the first to the last corner [degrees from north]."""
    corners = _ends(line)
    east, north = corners[-1] - corners[0]
    if east == north == 0.0:
        return float("nan")
    return float(np.degrees(np.arctan2(east, north)) % 360.0)


def _extended(lines: npt.NDArray[np.object_], by: FloatArray) -> npt.NDArray[np.object_]:
    """Lengthen lines at both ends."""
    longer = np.empty(len(lines), object)
    for k, (line, more) in enumerate(zip(lines, by.tolist(), strict=True)):
        corners = _ends(line)
        corners = corners[np.r_[True, (np.diff(corners, axis=0) != 0.0).any(axis=1)]]
        if len(corners) < 2:
            longer[k] = line
            continue
        first, last = corners[0] - corners[1], corners[-1] - corners[-2]
        corners = corners.copy()
        start = corners[0] + more * first / np.hypot(*first)
        stop = corners[-1] + more * last / np.hypot(*last)
        corners[0], corners[-1] = start, stop
        longer[k] = shapely.linestrings(corners)
    return longer
