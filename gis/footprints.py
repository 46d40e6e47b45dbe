"""Repair building outlines so that they stand side by side in the plan."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.attributes import as_text, feature_names, given_ids
from gis.errors import GeometryError
from gis.faults import count_things, name_some

SAME_VERTEX = 0.01
"""Vertices closer than this to their predecessor are dropped, unless the wall would then
run into a neighbour [m]."""

SMALLEST_AREA = 1.0
"""Footprints below this are slivers [m2]."""

THINNEST = 0.05
"""Footprints of less mean width (twice the area by the perimeter) are slivers [m]."""

SMALLEST_OVERLAP = 1e-4
"""Common area that counts as an overlap [m2]; shared walls have rounding noise below it."""

_POLYGON = 3

Polygons = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Pieces:
    """Single polygons, each with the position of the row it came from."""

    polygons: Polygons
    rows: Positions


def repair_footprints(
    frame: gpd.GeoDataFrame, *, smallest: float = SMALLEST_AREA
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Make outlines valid, single, free of overlaps and identified.

    Parameters
    ----------
    frame : GeoDataFrame
        Outlines in EPSG:3008 with any attributes. A column ``height`` [m], if there is
        one, decides overlaps.
    smallest : float
        Area below which an outline is a sliver and left out [m2].

    Returns
    -------
    frame : GeoDataFrame
        One valid polygon a row, exterior counter-clockwise, holes kept, no elevation.
        Index ``part`` (unique str); column ``building`` (str) is common to the parts of one
        building; other columns are carried along. Where outlines overlap the taller keeps
        the ground, without heights the larger (then the more western); touching outlines
        and gaps stay as they are. The result does not depend on the order of rows.
    notes : tuple of str
        What was repaired or left out, with counts.

    Raises
    ------
    GeometryError
        If no polygon remains.

    Notes
    -----
    The ground that is covered stays covered (but for slivers), the result is its own
    repair; both are tested with arbitrary polygons in tests/gis/test_footprints.py.
    """
    notes: list[str] = []
    geometry = frame.geometry.to_numpy()
    names = feature_names(frame)
    pieces = _take_polygons(geometry, names, notes)
    pieces, slivers = _drop_slivers(pieces, smallest)
    _note(
        notes, slivers, "sliver", f"below {smallest:g} m2 or {THINNEST:g} m width left out"
    )
    if not len(pieces.polygons):
        message = (
            f"a layer of buildings must hold polygons, none of {len(frame)} features "
            f"is one of {smallest:g} m2 or more; give the layer with the outlines"
        )
        raise GeometryError(message)
    rank = _rank(frame, pieces)
    pieces, rank, twins = _drop_twins(pieces, rank)
    _note(notes, twins, "duplicate footprint", "left out")
    before, ground = pieces.rows, float(shapely.area(pieces.polygons).sum())
    pieces, trimmed = _separate(pieces, rank, smallest)
    hidden = np.setdiff1d(before, pieces.rows)
    trimmed = np.setdiff1d(trimmed, hidden)
    _note(notes, len(trimmed), "footprint", "trimmed where a taller or larger one overlaps")
    _note(notes, len(hidden), "footprint", "wholly covered by others, left out")
    if len(trimmed) or len(hidden):
        lost = ground - float(shapely.area(pieces.polygons).sum())
        notes.append(f"{lost:,.1f} m2 of doubly covered ground counted once")
    pieces = _thin(pieces)
    result = _identify(frame, pieces, notes)
    return result, tuple(notes)


def _note(notes: list[str], count: int, noun: str, what: str) -> None:
    """Add a sentence on something counted, if there is any."""
    if count:
        notes.append(f"{count_things(count, noun)} {what}")


def _take_polygons(geometry: Polygons, names: Polygons, notes: list[str]) -> _Pieces:
    """Flatten, mend and explode whatever geometries came, counting each kind of fault."""
    missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    rows = np.flatnonzero(~missing)
    finite = np.isfinite(shapely.bounds(geometry[rows])).all(axis=1)
    xy, owner = shapely.get_coordinates(geometry[rows], return_index=True)
    finite[owner[~np.isfinite(xy).all(axis=1)]] = False
    broken = int(missing.sum() + (~finite).sum())
    _note(notes, broken, "feature", "without usable geometry left out")
    rows = rows[finite]
    raised = int(shapely.has_z(geometry[rows]).sum())
    _note(notes, raised, "footprint", "with elevations in the outline flattened")
    flat = shapely.force_2d(geometry[rows])
    crossed = ~shapely.is_valid(flat) & (shapely.get_dimensions(flat) == 2)
    if crossed.any():
        notes.append(
            f"{count_things(int(crossed.sum()), 'self-crossing footprint')} mended "
            f"({name_some(names[rows[crossed]])})"
        )
    pieces = _explode(_Pieces(_make_valid(flat), rows))
    other = len(rows) - len(np.unique(pieces.rows))
    _note(notes, other, "feature", "without area (points, lines) left out")
    several = int((np.unique(pieces.rows, return_counts=True)[1] > 1).sum())
    _note(notes, several, "multi-part footprint", "split into parts of one building")
    return pieces


def _make_valid(geometry: Polygons) -> Polygons:
    """Mend invalid geometries, leave valid ones untouched to the bit."""
    mended = geometry.copy()
    bad = ~shapely.is_valid(geometry)
    mended[bad] = shapely.make_valid(
        geometry[bad], method="structure", keep_collapsed=False
    )
    return mended


def _explode(pieces: _Pieces) -> _Pieces:
    """Single polygons of all geometries, however nested."""
    polygons, rows = pieces.polygons, pieces.rows
    while (shapely.get_type_id(polygons) > _POLYGON).any():
        polygons, inner = shapely.get_parts(polygons, return_index=True)
        rows = rows[inner]
    keep = (shapely.get_type_id(polygons) == _POLYGON) & ~shapely.is_empty(polygons)
    return _Pieces(polygons[keep], rows[keep])


def _drop_slivers(pieces: _Pieces, smallest: float) -> tuple[_Pieces, int]:
    """Drop and count polygons, and fill holes, that are too small or thin."""
    thick = _is_thick(pieces.polygons, smallest)
    whole = _fill_thin_holes(pieces.polygons[thick])
    turned = shapely.orient_polygons(whole, exterior_cw=False)
    return _Pieces(turned, pieces.rows[thick]), int((~thick).sum())


def _is_thick(polygons: Polygons, smallest: float) -> npt.NDArray[np.bool_]:
    """Whether polygons have the area and the mean width of more than a sliver."""
    area = shapely.area(polygons)
    wide = 2.0 * area >= THINNEST * shapely.length(polygons)
    thick: npt.NDArray[np.bool_] = (area >= smallest) & wide
    return thick


def _fill_thin_holes(polygons: Polygons) -> Polygons:
    """Close holes that are no wider than a sliver; courtyards and shafts stay."""
    rings, owner = shapely.get_rings(polygons, return_index=True)
    is_hole = pd.Series(owner).duplicated().to_numpy()
    thin = is_hole & ~_is_thick(shapely.polygons(rings), 0.0)
    filled = polygons.copy()
    for position in np.unique(owner[thin]):
        mine = owner == position
        outer, *holes = rings[mine & ~thin]
        filled[position] = shapely.Polygon(outer, holes)
    return filled


def _rank(frame: gpd.GeoDataFrame, pieces: _Pieces) -> Positions:
    """Precedence of the pieces, 0 first: taller, larger, then by place and text."""
    height = np.full(len(frame), np.nan)
    if "height" in frame.columns:
        height = pd.to_numeric(frame["height"], errors="coerce").to_numpy(dtype=np.float64)
    attributes = [frame[c] for c in sorted(frame.columns) if c != frame.geometry.name]
    text = ["|".join(map(str, row)) for row in zip(*attributes, strict=True)] or [""]
    centre = shapely.get_coordinates(shapely.centroid(pieces.polygons))
    rows = frame.geometry.to_numpy()[pieces.rows]
    keys = pd.DataFrame(
        {
            "height": -np.nan_to_num(height[pieces.rows], nan=-np.inf),
            "area": -shapely.area(pieces.polygons).round(3),
            "x": centre[:, 0].round(3),
            "y": centre[:, 1].round(3),
            "outline": shapely.to_wkb(shapely.normalize(pieces.polygons)),
            "text": [text[row] for row in pieces.rows] if attributes else "",
            # Two features may share one part: the rest of them decides whose it is.
            "whole": shapely.to_wkb(shapely.normalize(rows)),
        }
    )
    order = keys.sort_values(list(keys.columns), kind="stable").index.to_numpy()
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank


def _drop_twins(pieces: _Pieces, rank: Positions) -> tuple[_Pieces, Positions, int]:
    """Keep the first in rank of outlines that are equal to the nearest centimetre."""
    coarse = shapely.transform(pieces.polygons, lambda xy: np.round(xy / SAME_VERTEX))
    outline = shapely.to_wkb(shapely.normalize(coarse))
    order = np.argsort(rank)
    first = ~pd.Series(outline[order]).duplicated().to_numpy()
    keep = np.sort(order[first])
    kept = _Pieces(pieces.polygons[keep], pieces.rows[keep])
    return kept, rank[keep], len(order) - len(keep)


def _separate(
    pieces: _Pieces, rank: Positions, smallest: float
) -> tuple[_Pieces, Positions]:
    """Give every overlap to the first in rank; name the rows that were trimmed."""
    cut, touched = _subtract(pieces.polygons, rank)
    trimmed = pieces.rows[touched]
    if not touched.any():
        return pieces, trimmed
    left, _ = _drop_slivers(_explode(_Pieces(cut, pieces.rows)), smallest)
    return left, trimmed


def _thin(pieces: _Pieces) -> _Pieces:
    """Drop repeated vertices where no wall is moved into a neighbour by that."""
    # Slivers are gone: a mean width of five centimetres leaves every ring three vertices
    # a centimetre apart, so that none collapses (which is an error in GEOS).
    thinned = shapely.remove_repeated_points(pieces.polygons, SAME_VERTEX)
    usable = shapely.is_valid(thinned) & (shapely.get_type_id(thinned) == _POLYGON)
    changed = usable & ~shapely.equals_identical(thinned, pieces.polygons)
    while True:
        mixed = np.where(changed, thinned, pieces.polygons)
        later, earlier = _overlapping(mixed)
        bad = np.zeros(len(mixed), dtype=np.bool_)
        bad[later] = bad[earlier] = True
        bad &= changed
        if not bad.any():
            return _Pieces(mixed, pieces.rows)
        changed &= ~bad


def _subtract(
    polygons: Polygons, rank: Positions
) -> tuple[Polygons, npt.NDArray[np.bool_]]:
    """Cut from each polygon those before it in rank; say which were cut."""
    one, other = _overlapping(polygons)
    is_first = rank[one] < rank[other]
    earlier, later = np.where(is_first, one, other), np.where(is_first, other, one)
    touched = np.zeros(len(polygons), dtype=np.bool_)
    touched[later] = True
    cut = polygons.copy()
    order = np.lexsort((rank[earlier], later))
    later, earlier = later[order], earlier[order]
    turn = pd.Series(later).groupby(later).cumcount().to_numpy()
    # The n-th cutter of every polygon at once: one vectorised difference a turn.
    for n in range(int(turn.max(initial=-1)) + 1):
        now = turn == n
        cut[later[now]] = shapely.difference(cut[later[now]], polygons[earlier[now]])
    return cut, touched


def _overlapping(polygons: Polygons) -> tuple[Positions, Positions]:
    """Pairs of polygons with common ground, each pair once."""
    one, other = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    once = one < other
    one, other = one[once], other[once]
    common = shapely.area(shapely.intersection(polygons[one], polygons[other]))
    pair = common > SMALLEST_OVERLAP
    return one[pair], other[pair]


def _identify(
    frame: gpd.GeoDataFrame, pieces: _Pieces, notes: list[str]
) -> gpd.GeoDataFrame:
    """Attach attributes and unique, order-independent identities to the pieces."""
    ids = given_ids(frame).to_numpy()[pieces.rows]
    own = ids != ""
    if not own.all():
        ids = np.where(own, ids, _place_names(pieces))
        _note(notes, int((~own).sum()), "footprint", "without identity, named by place")
    area = shapely.area(pieces.polygons)
    centre = shapely.get_coordinates(shapely.centroid(pieces.polygons))
    order = np.lexsort((centre[:, 1], centre[:, 0], -area.round(3), ids))
    by_id = pd.Series(ids[order])
    number = np.empty(len(ids), dtype=np.intp)
    number[order] = by_id.groupby(by_id).cumcount().to_numpy() + 1
    shared = pd.Series(ids).duplicated(keep=False).to_numpy()
    repeated = pd.Series(ids).groupby(ids).agg("size")
    rows_of = pd.Series(pieces.rows).groupby(ids).nunique()
    _note(
        notes,
        int((rows_of.reindex(repeated.index) > 1).sum()),
        "identity",
        "shared by several footprints, taken as parts of one building",
    )
    parts = _number_parts(ids, number, shared)
    result = frame.iloc[pieces.rows].copy()
    building = ids
    columns = {str(c).lower(): c for c in frame.columns}
    if "part" in columns and "building" in columns:
        named = as_text(result[columns["building"]]).to_numpy()
        building = np.where(named != "", named, ids)
    result = result.drop(
        columns=[c for k, c in columns.items() if k in {"part", "building"}]
    )
    result = result.set_geometry(pieces.polygons, crs=frame.crs)
    result.insert(0, "building", building.astype(object))
    result.index = pd.Index(parts, name="part", dtype=object)
    return result


def _number_parts(
    ids: Polygons, number: Positions, shared: npt.NDArray[np.bool_]
) -> list[str]:
    """Names of parts: the identity alone, or with a running number that is still free."""
    taken = {str(i) for i in ids}
    parts = []
    for identity, n, is_shared in zip(ids, number, shared, strict=True):
        name = str(identity)
        if is_shared:
            name = f"{identity}-{n}"
            while name in taken:
                name += "'"
            taken.add(name)
        parts.append(name)
    return parts


def _place_names(pieces: _Pieces) -> npt.NDArray[np.object_]:
    """Name each row by the centroid of its pieces, to the decimetre."""
    area = shapely.area(pieces.polygons)
    centre = shapely.get_coordinates(shapely.centroid(pieces.polygons))
    sums = pd.DataFrame({"a": area, "x": centre[:, 0] * area, "y": centre[:, 1] * area})
    total = sums.groupby(pieces.rows).transform("sum")
    x, y = total["x"] / total["a"], total["y"] / total["a"]
    return np.array([f"e{u:.1f}n{v:.1f}" for u, v in zip(x, y, strict=True)], dtype=object)
