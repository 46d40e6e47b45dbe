"""Let parts of buildings stand over each other where their heights allow it."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gis.apart import Cuts, cut_ground, stand_apart, tell_cuts
from gis.faults import count_things
from gis.heights import LEAST_RISE, STOREY
from gis.overlaps import find_overlaps
from gis.pieces import Pieces
from gis.repair_log import Book
from gis.slivers import THINNEST
from gis.undersides import SEAM, bottom_levels, is_raised

MOSTLY = 0.5
"""Share of a raised part that must lie over another for it to stand on that one."""

SHARED = 0.01
"""Plan overlap of two parts that is still taken as rounding [m2]."""

Flags = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Polygons = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]
Pairs = tuple[Positions, Positions, Polygons]


@dataclass(frozen=True)
class Spans:
    """Between which levels the features of a layer stand.

    Attributes
    ----------
    low : (n,) float
        Underside above the ground [m]; 0 on the ground.
    high : (n,) float
        Top above the ground [m], NaN unknown.
    """

    low: FloatArray
    high: FloatArray


def stand_over(
    pieces: Pieces,
    rank: Positions,
    pairs: Pairs,
    spans: Spans,
    book: Book,
    *,
    smallest: float,
    snap: float,
) -> tuple[Pieces, FloatArray]:
    """Settle common ground where some parts do not stand on it.

    Parameters
    ----------
    pieces : Pieces
        Valid polygons.
    rank : (n,) int
        Who keeps common ground: the smaller number, lower undersides first.
    pairs : tuple
        All pairs of them that overlap, as of `gis.overlaps.find_overlaps`.
    spans : Spans
        Of the rows that the pieces come from.
    book : Book
        Gets notes and log.
    smallest, snap
        As for `gis.apart.stand_apart`.

    Returns
    -------
    pieces : Pieces
        In the order of rows. Two of them overlap only where one begins at or above the
        stated top of the other, or where that top is not known.
    low : (m,) float
        Underside of each row [m above ground].

    Notes
    -----
    A part that begins below the top of another one, lies mostly over it and rises above
    it begins at that top instead; any other yields the common ground to the lower one.
    Parts that overlap lawfully are put on different storeys, and each storey is made to
    stand side by side by itself.
    """
    one, other, _ = pairs
    spans = _raise_onto(pieces, pairs, spans, book)
    clash = _clashes(pieces.rows[one], pieces.rows[other], spans)
    storey = _storeys(rank, one[~clash], other[~clash])
    by_rank = np.empty(int(rank.max(initial=-1)) + 1, np.intp)
    by_rank[rank] = storey
    before, cuts = pieces.rows, Cuts()
    limits = {"smallest": smallest, "thinnest": max(THINNEST, snap)}
    between = clash & (storey[one] != storey[other])
    chosen = one[between], other[between], pairs[2][between]
    pieces, rank, _ = cut_ground(pieces, rank, chosen, cuts, **limits)
    storey = by_rank[rank]
    floors = []
    for number in np.unique(storey):
        mine = pieces.take(storey == number)
        overlaps = find_overlaps(mine.polygons)
        ranked = rank[storey == number]
        floors.append(
            stand_apart(mine, ranked, overlaps, book, smallest=smallest, snap=snap)
        )
    pieces = Pieces(
        np.concatenate([floor.polygons for floor in floors]),
        np.concatenate([floor.rows for floor in floors]),
    )
    storey = np.repeat(np.arange(len(floors)), [len(floor.rows) for floor in floors])
    # Walls that were snapped on one storey may reach into what stands on another.
    one, other, common = find_overlaps(pieces.polygons)
    clash = _clashes(pieces.rows[one], pieces.rows[other], spans)
    clash &= storey[one] != storey[other]
    order = np.empty(len(storey), np.intp)
    order[np.lexsort((storey, spans.low[pieces.rows]))] = np.arange(len(storey))
    chosen = one[clash], other[clash], common[clash]
    pieces, _, _ = cut_ground(pieces, order, chosen, cuts, **limits)
    tell_cuts(before, pieces.rows, cuts, book)
    return pieces.take(np.argsort(pieces.rows, kind="stable")), spans.low


def _raise_onto(pieces: Pieces, pairs: Pairs, spans: Spans, book: Book) -> Spans:
    """Let what lies mostly over another part begin at its top."""
    one, other, common = pairs
    low, high = spans.low.copy(), spans.high
    rows = pieces.rows
    is_upper = low[rows[other]] > low[rows[one]]
    upper, lower = np.where(is_upper, other, one), np.where(is_upper, one, other)
    mostly = shapely.area(common) >= MOSTLY * shapely.area(pieces.polygons[upper])
    upper, lower = rows[upper], rows[lower]
    with np.errstate(invalid="ignore"):
        sunk = high[lower] > spans.low[upper] + SEAM
        room = ~(high[upper] - high[lower] < LEAST_RISE)
    chosen = mostly & sunk & room & (spans.low[upper] > spans.low[lower])
    np.maximum.at(low, upper[chosen], high[lower[chosen]])
    book.note(
        len(np.unique(upper[chosen])), "underside", "raised to the top of the part below"
    )
    return Spans(low, high)


def _clashes(one: Positions, other: Positions, spans: Spans) -> Flags:
    """Whether rows have heights in common; an unknown top ends below what is above it."""
    low_one, low_other = spans.low[one], spans.low[other]
    upper = np.maximum(low_one, low_other)
    top = np.where(low_one < low_other, spans.high[one], spans.high[other])
    with np.errstate(invalid="ignore"):
        meets: Flags = (low_one == low_other) | (top > upper + SEAM)
    return meets


def _storeys(rank: Positions, one: Positions, other: Positions) -> Positions:
    """Put the pieces of each pair on different storeys, the first in rank low."""
    above: dict[int, list[int]] = {}
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        above.setdefault(a, []).append(b)
        above.setdefault(b, []).append(a)
    storey = np.zeros(len(rank), np.intp)
    placed: set[int] = set()
    for piece in sorted(above, key=lambda k: int(rank[k])):
        taken = {int(storey[k]) for k in above[piece] if k in placed}
        storey[piece] = next(n for n in range(len(taken) + 1) if n not in taken)
        placed.add(piece)
    return storey


def settle_stacks(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Fit parts over each other once their heights are known.

    Parameters
    ----------
    frame : GeoDataFrame
        Columns ``building``, ``underside`` and ``height`` [m above ground],
        ``height_source``, ``base`` and ``top`` [m RH2000].

    Returns
    -------
    frame : GeoDataFrame
        A copy without parts for which there is no room. Raised parts and those of the same
        building are counted from one ground; no two of those that overlap in plan have
        heights in common.
    notes : tuple of str
        What was done, with counts.

    Notes
    -----
    Surveys see the roof of what is above, so that a covered part ends at the underside of
    what covers it; a part that lies mostly over another begins at its top.
    """
    raised = is_raised(frame)
    if not raised.any():
        return frame, ()
    notes: list[str] = []
    frame = _thick_enough(frame, notes)
    frame = _on_one_ground(frame, notes)
    under = frame["underside"].to_numpy(np.float64).copy()
    top = frame["top"].to_numpy(np.float64).copy()
    height = frame["height"].to_numpy(np.float64)
    base = frame["base"].to_numpy(np.float64)
    ground = top - height
    bottom = bottom_levels(frame)
    polygons = frame.geometry.to_numpy()
    one, other, common = find_overlaps(polygons)
    deep = shapely.area(common) > SHARED
    one, other, common = one[deep], other[deep], common[deep]
    is_upper = bottom[other] > bottom[one]
    upper, lower = np.where(is_upper, other, one), np.where(is_upper, one, other)
    share = shapely.area(common) / shapely.area(polygons[upper])
    gone = np.zeros(len(frame), np.bool_)
    lifted, lowered = set(), set()
    for k in np.lexsort((top[lower], bottom[upper])).tolist():
        a, b = int(lower[k]), int(upper[k])
        if gone[a] or gone[b] or min(top[a], top[b]) <= max(bottom[a], bottom[b]) + SEAM:
            continue
        if under[b] > 0.0 and share[k] >= MOSTLY and top[b] - top[a] >= LEAST_RISE:
            bottom[b], under[b] = top[a], top[a] - ground[b]
            lifted.add(b)
        elif bottom[b] - max(bottom[a], base[a]) >= LEAST_RISE:
            top[a] = bottom[b]
            lowered.add(a)
        else:
            gone[b] = True
    for count, noun, what in (
        (len(lifted), "underside", "raised to the roof below"),
        (len(lowered), "part", "made to end below what covers it"),
        (int(gone.sum()), "part", "without room above what is below left out"),
    ):
        if count:
            notes.append(f"{count_things(count, noun)} {what}")
    height = np.where(top == frame["top"].to_numpy(np.float64), height, top - ground)
    settled = frame.assign(underside=under, top=top, height=height)
    cut = np.zeros(len(frame), np.bool_)
    cut[sorted(lowered)] = True
    for column in ("eaves", "ridge"):
        if column in settled.columns:
            # What was measured there is the roof of the part above.
            settled[column] = settled[column].mask(cut)
    return settled[~gone], tuple(notes)


def levels_above(frame: gpd.GeoDataFrame) -> FloatArray:
    """Return the level at which something else begins above each part [m RH2000].

    Parameters
    ----------
    frame : GeoDataFrame
        Parts of which no two that overlap in plan have heights in common, as
        `settle_stacks` returns them.

    Returns
    -------
    (n,) float
        Infinite where nothing stands over a part.
    """
    above = np.full(len(frame), np.inf)
    if not is_raised(frame).any():
        return above
    one, other, common = find_overlaps(frame.geometry.to_numpy())
    deep = shapely.area(common) > SHARED
    bottom = bottom_levels(frame)
    is_upper = bottom[other] > bottom[one]
    upper, lower = np.where(is_upper, other, one), np.where(is_upper, one, other)
    np.minimum.at(above, lower[deep], bottom[upper[deep]])
    return above


def _thick_enough(frame: gpd.GeoDataFrame, notes: list[str]) -> gpd.GeoDataFrame:
    """Make heights and undersides of raised parts agree."""
    under = frame["underside"].to_numpy(np.float64).copy()
    height = frame["height"].to_numpy(np.float64).copy()
    top = frame["top"].to_numpy(np.float64)
    thin = (under > 0.0) & (height < under + LEAST_RISE)
    assumed = frame["height_source"].str.startswith("assumed").to_numpy(np.bool_)
    grown = thin & assumed
    if grown.any():
        count = count_things(int(grown.sum()), "assumed height")
        notes.append(f"{count} made {STOREY:g} m above the underside")
    sunk = thin & ~assumed
    if sunk.any():
        count = count_things(int(sunk.sum()), "underside")
        notes.append(f"{count} above the known height, taken as standing on the ground")
    lift = np.where(grown, under + STOREY - height, 0.0)
    return frame.assign(
        underside=np.where(sunk, 0.0, under), height=height + lift, top=top + lift
    )


def _on_one_ground(frame: gpd.GeoDataFrame, notes: list[str]) -> gpd.GeoDataFrame:
    """Count the parts of buildings with raised parts from one level."""
    top = frame["top"].to_numpy(np.float64)
    ground = top - frame["height"].to_numpy(np.float64)
    raised = is_raised(frame)
    code = frame["building"].astype("category").cat.codes.to_numpy()
    several = np.bincount(code)[code] > 1
    some = np.zeros(int(code.max()) + 1, np.bool_)
    some[code[raised]] = True
    mine = some[code] & several
    area = shapely.area(frame.geometry.to_numpy())
    stands = np.bincount(code, area * ~raised)
    # A building that stands nowhere on the ground is counted from what lies below it.
    weight = np.where(stands[code] > 0.0, area * ~raised, area)
    mean = np.bincount(code, weight * ground) / np.bincount(code, weight)
    level = np.where(mine, mean[code], ground)
    base = frame["base"].to_numpy(np.float64)
    level = np.where(level + (top - ground) < base + LEAST_RISE, ground, level)
    moved = int((np.abs(level - ground) > SEAM).sum())
    if moved:
        notes.append(
            f"{count_things(moved, 'part')} of buildings with raised parts counted from "
            "one ground"
        )
    return frame.assign(top=np.where(mine, level + (top - ground), top))
