"""Take single sound polygons out of whatever geometries come."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gis.faults import count_things, name_some
from gis.repair_log import Book
from gis.slivers import are_slivers

_POLYGON = 3

Flags = npt.NDArray[np.bool_]
Polygons = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Pieces:
    """Single polygons, each with the position of the row it came from."""

    polygons: Polygons
    rows: Positions

    def take(self, kept: Positions | Flags) -> "Pieces":
        """Keep some of them."""
        return Pieces(self.polygons[kept], self.rows[kept])


def take_polygons(geometry: Polygons, names: Polygons, book: Book) -> Pieces:
    """Flatten, mend and explode whatever geometries came, counting each kind of fault."""
    missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    rows = np.flatnonzero(~missing)
    finite = np.isfinite(shapely.bounds(geometry[rows])).all(axis=1)
    xy, owner = shapely.get_coordinates(geometry[rows], return_index=True)
    finite[owner[~np.isfinite(xy).all(axis=1)]] = False
    broken = np.concatenate([np.flatnonzero(missing), rows[~finite]])
    book.note(len(broken), "feature", "without usable geometry left out")
    book.log("no geometry", broken)
    rows = rows[finite]
    raised = rows[shapely.has_z(geometry[rows])]
    book.note(len(raised), "footprint", "with elevations in the outline flattened")
    flat = shapely.force_2d(geometry[rows])
    book.log("elevations", raised, at=shapely.force_2d(geometry[raised]))
    crossed = ~shapely.is_valid(flat) & (shapely.get_dimensions(flat) == 2)
    mended = _make_valid(flat)
    if crossed.any():
        count = count_things(int(crossed.sum()), "self-crossing footprint")
        book.notes.append(f"{count} mended ({name_some(names[rows[crossed]])})")
        more = np.abs(shapely.area(mended) - shapely.area(flat))[crossed]
        book.log("self-crossing", rows[crossed], amount=more, unit="m2", at=mended[crossed])
    pieces = explode(Pieces(mended, rows))
    flat_ones = np.setdiff1d(rows, pieces.rows)
    book.note(len(flat_ones), "feature", "without area (points, lines) left out")
    book.log("no area", flat_ones, at=flat[np.isin(rows, flat_ones)])
    which, many = np.unique(pieces.rows, return_counts=True)
    several, many = which[many > 1], many[many > 1]
    book.note(len(several), "multi-part footprint", "split into parts of one building")
    whole = mended[np.searchsorted(rows, several)]
    book.log("several parts", several, amount=many.astype(float), unit="parts", at=whole)
    return pieces


def _make_valid(geometry: Polygons) -> Polygons:
    """Mend invalid geometries, leave valid ones untouched to the bit."""
    mended = geometry.copy()
    bad = ~shapely.is_valid(geometry)
    mended[bad] = shapely.make_valid(
        geometry[bad], method="structure", keep_collapsed=False
    )
    return mended


def explode(pieces: Pieces) -> Pieces:
    """Single polygons of all geometries, however nested."""
    polygons, rows = pieces.polygons, pieces.rows
    while (shapely.get_type_id(polygons) > _POLYGON).any():
        polygons, inner = shapely.get_parts(polygons, return_index=True)
        rows = rows[inner]
    keep = (shapely.get_type_id(polygons) == _POLYGON) & ~shapely.is_empty(polygons)
    return Pieces(polygons[keep], rows[keep])


def drop_slivers(
    pieces: Pieces, book: Book, *, smallest: float, thinnest: float
) -> tuple[Pieces, int]:
    """Drop and count polygons, and fill holes, that are too small or thin."""
    sliver = are_slivers(pieces.polygons, smallest=smallest, thinnest=thinnest)
    lost = pieces.take(sliver)
    area = shapely.area(lost.polygons)
    book.log("sliver", lost.rows, amount=area, unit="m2", at=lost.polygons)
    pieces = pieces.take(~sliver)
    whole, owner, holes = fill_thin_holes(pieces.polygons)
    area = shapely.area(holes)
    book.log("thin hole", pieces.rows[owner], amount=area, unit="m2", at=holes)
    turned = shapely.orient_polygons(whole, exterior_cw=False)
    return Pieces(turned, pieces.rows), len(lost.rows)


def fill_thin_holes(polygons: Polygons) -> tuple[Polygons, Positions, Polygons]:
    """Close holes that are no wider than a sliver; courtyards and shafts stay."""
    rings, owner = shapely.get_rings(polygons, return_index=True)
    is_hole = np.diff(owner, prepend=-1) == 0
    holes = np.full(len(rings), None, dtype=object)
    holes[is_hole] = shapely.polygons(rings[is_hole])
    thin = np.zeros(len(rings), dtype=np.bool_)
    thin[is_hole] = are_slivers(holes[is_hole], smallest=0.0)
    filled = polygons.copy()
    for position in np.unique(owner[thin]):
        begin, end = np.searchsorted(owner, [position, position + 1])
        outer, *others = rings[begin:end][~thin[begin:end]]
        filled[position] = shapely.Polygon(outer, others)
    return filled, owner[thin], holes[thin]
