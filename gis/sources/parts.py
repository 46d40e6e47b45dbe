"""Let the outline of a building give way to its mapped parts."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gis.faults import count_things

LEAST_INSIDE = 0.5
"""Share of a part that must lie in an outline for it to belong there."""

THINNEST_REST = 0.5
"""Mean width below which what parts leave of an outline is their inexact drawing [m]."""

METRES_PER_DEGREE = 111_195.0
"""Arc of one degree on a sphere of 6,371 km; good to 0.6 %, used for widths only."""

REACHES = 0.5
"""A part this much below the outline's height, or less, is what the height tells of [m]."""

STOREY = 3.0
"""Height of a storey, to compare storeys with heights [m]."""

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Polygons = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Rest:
    """What parts leave of outlines.

    Attributes
    ----------
    polygons : (n,) object
        Polygon or MultiPolygon; None where the parts cover all.
    cut : (n,) bool
        Whether parts took something.
    """

    polygons: Polygons
    cut: BoolArray


def find_outlines(parts: Polygons, outlines: Polygons) -> IntArray:
    """Find the outline that each part lies in.

    Parameters
    ----------
    parts, outlines : (n,), (m,) object
        Valid areas in one plane.

    Returns
    -------
    (n,) int
        Position of the outline that holds most of the part, at least `LEAST_INSIDE`; of
        equal ones the smallest. -1 where there is none.
    """
    owner = np.full(len(parts), -1, dtype=np.intp)
    if not len(parts) or not len(outlines):
        return owner
    tree = shapely.STRtree(outlines)
    part, outline = tree.query(parts, predicate="covered_by")
    within = np.bincount(part, minlength=len(parts)) > 0
    others = np.flatnonzero(~within)
    crossing, crossed = tree.query(parts[others], predicate="intersects")
    crossing = others[crossing]
    common = shapely.area(shapely.intersection(parts[crossing], outlines[crossed]))
    size = shapely.area(parts)[crossing]
    partly = np.divide(common, size, out=np.zeros(len(common)), where=size > 0.0)
    share = np.concatenate([np.ones(len(part)), partly])
    part, outline = np.append(part, crossing), np.append(outline, crossed)
    inside = share >= LEAST_INSIDE
    part, outline, share = part[inside], outline[inside], share[inside]
    # The best comes last and stays; equal shares are told apart to a thousandth.
    order = np.lexsort((-shapely.area(outlines)[outline], share.round(3)))
    owner[part[order]] = outline[order]
    return owner


def give_way(
    outlines: Polygons, parts: Polygons, owner: IntArray, *, is_degrees: bool
) -> Rest:
    """Take parts out of the outlines they belong to.

    Parameters
    ----------
    outlines, parts : (m,), (n,) object
        Valid areas in one plane.
    owner : (n,) int
        Position of the outline of each part, -1 for none.
    is_degrees : bool
        Whether coordinates are longitude and latitude.

    Returns
    -------
    Rest
        Pieces thinner than `THINNEST_REST` are left out.
    """
    rest = outlines.copy()
    touched = np.unique(owner[owner >= 0])
    order = np.argsort(owner, kind="stable")
    first = np.searchsorted(owner[order], touched, side="left")
    last = np.searchsorted(owner[order], touched, side="right")
    for place, begin, end in zip(touched, first, last, strict=True):
        covered = shapely.union_all(parts[order[begin:end]])
        rest[place] = _thick(shapely.difference(outlines[place], covered), is_degrees)
    cut = np.zeros(len(outlines), dtype=np.bool_)
    cut[touched] = True
    return Rest(rest, cut)


def _thick(geometry: shapely.Geometry, is_degrees: bool) -> shapely.Geometry | None:  # noqa: FBT001
    """Pieces of a geometry that are no slivers, None if there are none."""
    pieces = shapely.get_parts(geometry)
    pieces = pieces[shapely.get_type_id(pieces) == shapely.GeometryType.POLYGON]
    pieces = pieces[shapely.area(pieces) > 0.0]
    if not len(pieces):
        return None
    metric = pieces
    if is_degrees:
        north = METRES_PER_DEGREE
        east = north * np.cos(np.radians(shapely.bounds(geometry)[1]))
        metric = shapely.transform(pieces, lambda xy: xy * (east, north))
    wide = 2.0 * shapely.area(metric) >= THINNEST_REST * shapely.length(metric)
    kept = pieces[wide]
    if not len(kept):
        return None
    return kept[0] if len(kept) == 1 else shapely.multipolygons(kept)


def stand_parts(
    frame: gpd.GeoDataFrame, is_part: BoolArray, groups: dict[str, str], notes: list[str]
) -> gpd.GeoDataFrame:
    """Give parts the identity of their building, and its ground.

    Parameters
    ----------
    frame : GeoDataFrame
        Valid areas with columns ``part``, ``building`` (identities), ``name``, ``use``,
        ``address``, ``year``, ``height`` [m] and ``building:levels``.
    is_part : (n,) bool
        Which rows are parts; the others are outlines of whole buildings.
    groups : dict
        Identity of the building by that of the part, where it is told; else a part belongs
        to the outline that holds it.
    notes : list of str
        Gets sentences on what was done.

    Returns
    -------
    GeoDataFrame
        Without the outlines that parts cover wholly; of the others the rest is kept,
        without height where the stated one is that of a part. Parts take from their outline
        what they do not tell.
    """
    shapes = frame.geometry.to_numpy()
    outlines, parts = np.flatnonzero(~is_part), np.flatnonzero(is_part)
    owner = find_outlines(shapes[parts], shapes[outlines])
    ids = frame["building"].to_numpy(dtype=object)
    place = {identity: p for p, identity in enumerate(ids[outlines])}
    building = ids.copy()
    for p, part in enumerate(parts):
        told = groups.get(str(ids[part]))
        if told in place:
            owner[p] = place[told]
        if owner[p] >= 0:
            building[part] = ids[outlines[owner[p]]]
        elif told is not None:
            building[part] = told
    alone = int((owner < 0).sum())
    if alone:
        count = count_things(alone, "part")
        notes.append(f"{count} of a building without an outline around, kept by themselves")
    rest = give_way(
        shapes[outlines],
        shapes[parts],
        owner,
        is_degrees=bool(frame.crs is None or frame.crs.is_geographic),
    )
    own = np.full(len(frame), -1, dtype=np.intp)
    own[parts] = np.where(owner >= 0, outlines[owner], -1)
    result = _inherit(frame.assign(building=building), own, notes)
    left = np.array([shape is not None for shape in rest.polygons], dtype=np.bool_)
    result = _lower_rests(result, own, outlines[rest.cut & left], notes)
    shapes = shapes.copy()
    shapes[outlines] = rest.polygons
    gone = np.array([shape is None for shape in shapes], dtype=np.bool_)
    buildings = int(rest.cut.sum())
    if buildings:
        count = count_things(int((owner >= 0).sum()), "part")
        wholly = count_things(int(gone.sum()), "outline")
        notes.append(
            f"{count} of {count_things(buildings, 'building')} take the place of the "
            f"outline; {wholly} wholly replaced, of the others the rest is kept"
        )
    return result.set_geometry(shapes, crs=frame.crs)[~gone].reset_index(drop=True)


def _inherit(frame: gpd.GeoDataFrame, own: IntArray, notes: list[str]) -> gpd.GeoDataFrame:
    """Let parts take from their outline what they do not tell."""
    has = own >= 0
    columns = {}
    for column in ("name", "use", "address"):
        values = frame[column].to_numpy(dtype=object)
        columns[column] = np.where(has & (values == ""), values[own], values)
    year = frame["year"].to_numpy(dtype=np.float64)
    columns["year"] = np.where(has & np.isnan(year), year[own], year)
    height = frame["height"].to_numpy(dtype=np.float64)
    levels = frame["building:levels"].to_numpy(dtype=np.float64)
    unknown = has & np.isnan(height) & np.isnan(levels)
    taken = unknown & (~np.isnan(height[own]) | ~np.isnan(levels[own]))
    if taken.any():
        columns["height"] = np.where(taken, height[own], height)
        columns["building:levels"] = np.where(taken, levels[own], levels)
        count = count_things(int(taken.sum()), "part")
        notes.append(f"{count} without height or storeys, those of the outline taken")
    return frame.assign(**columns)


def _lower_rests(
    frame: gpd.GeoDataFrame, own: IntArray, cut: IntArray, notes: list[str]
) -> gpd.GeoDataFrame:
    """Forget the height of an outline that is that of one of its parts."""
    height = frame["height"].to_numpy(dtype=np.float64).copy()
    levels = frame["building:levels"].to_numpy(dtype=np.float64).copy()
    reach = np.fmax(height, np.where(np.isnan(height), levels * STOREY, np.nan))
    highest = np.full(len(frame), np.nan)
    has = own >= 0
    highest[own[has]] = -np.inf
    np.fmax.at(highest, own[has], reach[has])
    told = np.zeros(len(frame), dtype=np.bool_)
    told[cut] = highest[cut] >= reach[cut] - REACHES
    height[told], levels[told] = np.nan, np.nan
    if told.any():
        count = count_things(int(told.sum()), "outline")
        notes.append(f"the height of {count} is that of a part, the rest taken as unknown")
    return frame.assign(**{"height": height, "building:levels": levels})
