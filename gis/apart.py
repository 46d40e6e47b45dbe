"""Make outlines stand side by side, without common ground or gaps."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.cores import in_chunks
from gis.faults import count_things
from gis.overlaps import check_crowd, cut_overlaps, find_overlaps
from gis.pieces import Pieces, explode, fill_thin_holes
from gis.repair_log import Book
from gis.slivers import SAME_VERTEX, THINNEST, are_slivers, mean_width
from gis.snapping import Snapped, snap_walls

NO_WAY = 1e-6
"""A wall moved by less is where it was: rounding of national coordinates [m]."""

Flags = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Polygons = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]
Pairs = tuple[Positions, Positions, Polygons]


@dataclass
class Cuts:
    """What was cut off, over some rounds of cutting."""

    rows: list[Positions] = field(default_factory=list)
    areas: list[FloatArray] = field(default_factory=list)
    places: list[Polygons] = field(default_factory=list)
    ground: float = 0.0


def drop_twins(
    pieces: Pieces,
    rank: Positions,
    book: Book,
    snap: float,
    *,
    level: FloatArray | None = None,
) -> tuple[Pieces, Positions, tuple[Positions, Positions, Polygons]]:
    """Keep the first in rank of outlines that are equal; find who overlaps of the rest.

    Equal are outlines with the same corners to the nearest centimetre, and overlapping
    ones that lie nowhere farther than ``snap`` from each other; where a ``level`` of their
    undersides is given, only if it is the same.
    """
    level = np.zeros(len(rank)) if level is None else level
    coarse = shapely.transform(pieces.polygons, lambda xy: np.round(xy / SAME_VERTEX))
    outline = shapely.to_wkb(shapely.normalize(coarse))
    order = np.argsort(rank)
    twin = np.zeros(len(rank), dtype=np.bool_)
    same = pd.DataFrame({"outline": outline[order], "level": level[order]})
    twin[order] = same.duplicated().to_numpy()
    kept = np.flatnonzero(~twin)
    polygons = pieces.polygons[kept]
    check_crowd(polygons)
    one, other, common = find_overlaps(polygons)
    alike = in_chunks(shapely.hausdorff_distance, polygons[one], polygons[other]) <= snap
    alike &= level[kept[one]] == level[kept[other]]
    again = _followers(one[alike], other[alike], rank[kept])
    twin[kept[again]] = True
    book.note(int(twin.sum()), "duplicate footprint", "left out")
    lost = pieces.take(twin)
    area = shapely.area(lost.polygons)
    book.log("duplicate", lost.rows, amount=area, unit="m2", at=lost.polygons)
    renumbered = np.cumsum(~twin) - 1
    stays = ~(np.isin(one, again) | np.isin(other, again))
    one, other = renumbered[kept[one[stays]]], renumbered[kept[other[stays]]]
    return pieces.take(~twin), rank[~twin], (one, other, common[stays])


def _followers(one: Positions, other: Positions, rank: Positions) -> Positions:
    """Those of pairs that yield to one before them in rank which yields to nobody."""
    is_first = rank[one] < rank[other]
    earlier, later = np.where(is_first, one, other), np.where(is_first, other, one)
    gone: set[int] = set()
    for at in np.lexsort((rank[later], rank[earlier])):
        if int(earlier[at]) not in gone:
            gone.add(int(later[at]))
    return np.array(sorted(gone), dtype=np.intp)


def stand_apart(
    pieces: Pieces,
    rank: Positions,
    pairs: Pairs,
    book: Book,
    *,
    smallest: float,
    snap: float,
) -> Pieces:
    """Give common ground to the first in rank and make neighbours share their walls.

    Parameters
    ----------
    pieces : Pieces
        Valid polygons.
    rank : (n,) int
        Who keeps common ground: the smaller number.
    pairs : tuple
        All pairs of them that overlap, as of `gis.overlaps.find_overlaps`.
    book : Book
        Gets notes and log.
    smallest : float
        Least area of a building [m2].
    snap : float
        Greatest gap that is closed; 0 for none [m].

    Returns
    -------
    Pieces
        In the order of rows.
    """
    rows, cuts = pieces.rows, Cuts()
    one, other, common = pairs
    # An overlap no deeper than the tolerance is a shared wall drawn twice: the greatest
    # circle within a convex shape is at most twice as wide as its mean width.
    deep = 2.0 * mean_width(common) > snap
    limits = {"smallest": smallest, "thinnest": max(THINNEST, snap)}
    pairs = one[deep], other[deep], common[deep]
    pieces, rank, cut = cut_ground(pieces, rank, pairs, cuts, **limits)
    if snap > 0.0:
        snapped = snap_walls(pieces.polygons, tolerance=snap, smallest=smallest, slim=cut)
        rest = pieces.take(snapped.given_up)
        pairs = find_overlaps(rest.polygons)
        if len(pairs[0]):
            # Where a wall drawn twice could not be made one, the overlap is cut off after
            # all, and the groups concerned are snapped once more.
            others = pieces.take(~snapped.given_up)
            rest, _, cut = cut_ground(rest, rank[snapped.given_up], pairs, cuts, **limits)
            again = snap_walls(rest.polygons, tolerance=snap, smallest=smallest, slim=cut)
            pieces = Pieces(
                np.append(others.polygons, rest.polygons),
                np.append(others.rows, rest.rows),
            )
            snapped = snapped.take(~snapped.given_up).join(again)
        tell_cuts(rows, pieces.rows, cuts, book)
        _tell_snaps(pieces, snapped, book, snap)
        order = np.argsort(pieces.rows, kind="stable")
        return Pieces(snapped.polygons, pieces.rows).take(order)
    tell_cuts(rows, pieces.rows, cuts, book)
    thinned = _thin(pieces)
    _tell_thinned(pieces, thinned, book)
    return thinned


def cut_ground(
    pieces: Pieces,
    rank: Positions,
    pairs: Pairs,
    cuts: Cuts,
    *,
    smallest: float,
    thinnest: float,
) -> tuple[Pieces, Positions, Flags]:
    """Cut overlaps off; what is left of an outline must be no sliver.

    Returns the pieces, their rank and which of them were cut.
    """
    one, other, common = pairs
    if not len(one):
        return pieces, rank, np.zeros(len(rank), dtype=np.bool_)
    cut, which = cut_overlaps(pieces.polygons, rank, one, other)
    lost = shapely.area(pieces.polygons[which]) - shapely.area(cut[which])
    # Each cut is told at the largest piece of ground that it took.
    loser = np.where(rank[one] < rank[other], other, one)
    order = np.lexsort((shapely.area(common), loser))
    largest = order[np.append(np.flatnonzero(np.diff(loser[order])), len(order) - 1)]
    cuts.rows.append(pieces.rows[which])
    cuts.areas.append(lost)
    cuts.places.append(common[largest])
    parts = explode(Pieces(cut[which], which))
    keep = ~are_slivers(parts.polygons, smallest=smallest, thinnest=thinnest)
    whole, _, _ = fill_thin_holes(parts.polygons[keep])
    turned = shapely.orient_polygons(whole, exterior_cw=False)
    source = parts.rows[keep]
    same = np.ones(len(rank), dtype=np.bool_)
    same[which] = False
    origin = np.append(np.flatnonzero(same), source)
    polygons = np.append(pieces.polygons[same], turned)
    order = np.argsort(origin, kind="stable")
    ground = shapely.area(pieces.polygons).sum() - shapely.area(polygons).sum()
    cuts.ground += float(ground)
    origin = origin[order]
    return Pieces(polygons[order], pieces.rows[origin]), rank[origin], ~same[origin]


def tell_cuts(before: Positions, after: Positions, cuts: Cuts, book: Book) -> None:
    """Tell of the rows that were trimmed and that vanished by that."""
    if not cuts.rows:
        return
    rows, areas = np.concatenate(cuts.rows), np.concatenate(cuts.areas)
    places = np.concatenate(cuts.places)
    gone = np.isin(rows, np.setdiff1d(before, after))
    hidden, trimmed = len(np.unique(rows[gone])), len(np.unique(rows[~gone]))
    book.note(trimmed, "footprint", "trimmed where a taller or larger one overlaps")
    book.note(hidden, "footprint", "wholly covered by others, left out")
    book.notes.append(f"{cuts.ground:,.1f} m2 of doubly covered ground counted once")
    for fault, which in (("overlap", ~gone), ("covered", gone)):
        amount, at = areas[which], places[which]
        book.log(fault, rows[which], amount=amount, unit="m2", at=at)


def _tell_snaps(before: Pieces, snapped: Snapped, book: Book, snap: float) -> None:
    """Note what snapping moved, put in, dropped and had to leave."""
    count = shapely.get_num_coordinates
    more = count(snapped.polygons) - count(before.polygons)
    moved = snapped.way > NO_WAY
    stutter = (snapped.way <= SAME_VERTEX) & (more < 0)
    moved &= ~stutter
    place = shapely.points(snapped.where)
    place[np.isnan(snapped.where).any(axis=1)] = None
    tellings = (
        ("gap", moved, snapped.way, "m"),
        ("missing corner", more > 0, more.astype(float), "corners"),
        ("repeated corner", stutter, -more.astype(float), "corners"),
    )
    for fault, which, amount, unit in tellings:
        rows, at = before.rows[which], place[which]
        book.log(fault, rows, amount=amount[which], unit=unit, at=at)
    if moved.any():
        book.notes.append(
            f"{count_things(int(moved.sum()), 'footprint')} with walls snapped to those of "
            f"neighbours, by at most {snapped.way.max():.2f} m"
        )
    put = int(more[more > 0].sum())
    book.note(put, "corner", "put in where walls of neighbours meet")
    left = np.flatnonzero(snapped.left)
    book.note(
        len(left),
        "footprint",
        f"less than {snap:g} m from a neighbour left as they are: closing the gap would "
        "break an outline",
    )
    book.log("open gap", before.rows[left], at=snapped.polygons[left])


def _thin(pieces: Pieces) -> Pieces:
    """Drop repeated vertices where no wall is moved into a neighbour by that."""
    # Slivers are gone: a mean width of five centimetres leaves every ring three vertices
    # a centimetre apart, so that none collapses (which is an error in GEOS).
    thinned = shapely.remove_repeated_points(pieces.polygons, SAME_VERTEX)
    usable = shapely.is_valid(thinned) & (
        shapely.get_type_id(thinned) == shapely.GeometryType.POLYGON
    )
    changed = usable & ~shapely.equals_identical(thinned, pieces.polygons)
    while True:
        mixed = np.where(changed, thinned, pieces.polygons)
        one, other, _ = find_overlaps(mixed, np.flatnonzero(changed))
        bad = np.zeros(len(mixed), dtype=np.bool_)
        bad[one] = bad[other] = True
        bad &= changed
        if not bad.any():
            return Pieces(mixed, pieces.rows)
        changed &= ~bad


def _tell_thinned(before: Pieces, after: Pieces, book: Book) -> None:
    """Log repeated corners that were dropped."""
    fewer = shapely.get_num_coordinates(before.polygons) - shapely.get_num_coordinates(
        after.polygons
    )
    rows = np.flatnonzero(fewer)
    book.log(
        "repeated corner",
        before.rows[rows],
        amount=fewer[rows].astype(float),
        unit="corners",
        at=before.polygons[rows],
    )
