"""Find and cut ground that several outlines cover."""

import numpy as np
import numpy.typing as npt
import shapely

from gis.cores import in_chunks, query_tree
from gis.errors import GeometryError

SMALLEST_OVERLAP = 1e-4
"""Common area that counts as an overlap [m2]; shared walls have rounding noise below it."""

MOST_CUTS = 8
"""Outlines with more neighbours to yield to are cut by all of them at once."""

MOST_PAIRS = 1_000_000
"""Pairs of neighbours that are compared in any case; a town of 100,000 has 300,000."""

MOST_NEIGHBOURS = 20
"""Neighbours an outline may have on average in larger layers."""

SAMPLE = 1_000
"""Outlines looked at to judge a layer."""

Polygons = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]


def check_crowd(polygons: Polygons) -> None:
    """Refuse layers whose outlines lie over each other in heaps.

    Parameters
    ----------
    polygons : (n,) object
        Polygons.

    Raises
    ------
    GeometryError
        If comparing all pairs would take more time and memory than a town of that size.
    """
    count = len(polygons)
    if count * (count - 1) < MOST_PAIRS:
        return
    step = max(1, count // SAMPLE)
    hits = shapely.STRtree(polygons).query(polygons[::step])
    share = len(hits[0]) / len(polygons[::step]) - 1.0
    if share * count > max(2 * MOST_PAIRS, MOST_NEIGHBOURS * count):
        message = (
            f"outlines must stand side by side, each of {count:,} meets {share:,.0f} "
            "others on average; give one layer of buildings, each of them once"
        )
        raise GeometryError(message)


def find_overlaps(
    polygons: Polygons, among: Positions | None = None
) -> tuple[Positions, Positions, Polygons]:
    """Find pairs of polygons with common ground.

    Parameters
    ----------
    polygons : (n,) object
        Valid polygons.
    among : (k,) int, optional
        Only pairs with one of these.

    Returns
    -------
    one, other : (p,) int
        Each pair once.
    common : (p,) object
        The ground that they share.
    """
    tree = shapely.STRtree(polygons)
    asked = np.arange(len(polygons)) if among is None else np.unique(among)
    one, other = query_tree(tree, polygons[asked], predicate="intersects")
    one = asked[one]
    if among is None:
        once = one < other
    else:
        twice = np.isin(other, asked)
        once = (one != other) & (~twice | (one < other))
    one, other = one[once], other[once]
    common = in_chunks(shapely.intersection, polygons[one], polygons[other])
    pair = shapely.area(common) > SMALLEST_OVERLAP
    return one[pair], other[pair], common[pair]


def cut_overlaps(
    polygons: Polygons, rank: Positions, one: Positions, other: Positions
) -> tuple[Polygons, Positions]:
    """Cut from each polygon of given pairs the one before it in rank.

    Parameters
    ----------
    polygons : (n,) object
        Valid polygons.
    rank : (n,) int
        Who keeps the common ground: the smaller number.
    one, other : (p,) int
        Pairs, as of `find_overlaps`.

    Returns
    -------
    polygons : (n,) object
        Any areal geometry, perhaps empty; those in no pair as they were.
    cut : (k,) int
        Which were cut.
    """
    is_first = rank[one] < rank[other]
    earlier, later = np.where(is_first, one, other), np.where(is_first, other, one)
    order = np.lexsort((rank[earlier], later))
    later, earlier = later[order], earlier[order]
    which, begin, many = np.unique(later, return_index=True, return_counts=True)
    cut = polygons.copy()
    for n in range(min(MOST_CUTS, int(many.max(initial=0)))):
        # The n-th cutter of every polygon at once: one vectorised difference a turn.
        now = (many > n) & (many <= MOST_CUTS)
        cutter = polygons[earlier[begin[now] + n]]
        cut[which[now]] = shapely.difference(cut[which[now]], cutter)
    for at in np.flatnonzero(many > MOST_CUTS):
        cutters = polygons[earlier[begin[at] : begin[at] + many[at]]]
        cut[which[at]] = shapely.difference(cut[which[at]], shapely.union_all(cutters))
    return cut, which
