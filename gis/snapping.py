"""Snap walls that nearly touch onto each other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.closing import Closed, close_gaps
from gis.corners import (
    Corners,
    Flags,
    FloatArray,
    Polygons,
    Positions,
    corners_of,
    polygons_of,
)
from gis.neighbours import Near, Scene, find_near, short_walled
from gis.overlaps import find_overlaps
from gis.slivers import are_slivers

SNAP = 0.15
"""Walls that miss each other by less are one wall [m].

In the base map of Helsingborg harbour corners lie off a neighbour's wall by less than this
twice as often as by 0.2 m to 1 m, where the numbers stay level: below it a miss is mostly
an error of drawing, above it mostly a gap. It is also the order of a surveyed corner's
accuracy. See docs/footprints.md.
"""

REACH = 4.0
"""Groups of polygons lie more than this many tolerances apart: whatever moves in two of
them by one tolerance each stays farther apart than one."""

BATCH = 4_000
"""Polygons that are worked on together: few enough for their corners to stay in the cache
of a processor, enough for the arrays to pay."""

MOST_TRIALS = 6
"""Attempts a group gets, each with more of its polygons left where they are."""

ROUNDING = 1e-6
"""Slack of lengths at national coordinates [m]."""


@dataclass(frozen=True)
class Snapped:
    """Outlines with shared walls.

    Attributes
    ----------
    polygons : (n,) object
        In the order given; those that did not change are the same objects.
    way : (n,) float
        How far a corner of it went at most [m].
    where : (n, 2) float
        The corner that went farthest, or one that was put in; NaN if there is none [m].
    left : (n,) bool
        Whether it still misses a neighbour by less than the tolerance, because closing the
        gap would break an outline.
    given_up : (n,) bool
        Whether it is of a group of which nothing was changed for that reason. Only among
        these can outlines that overlapped still do so.
    """

    polygons: Polygons
    way: FloatArray
    where: FloatArray
    left: Flags
    given_up: Flags

    def take(self, kept: Flags | Positions) -> "Snapped":
        """Keep some of the polygons."""
        return Snapped(
            self.polygons[kept],
            self.way[kept],
            self.where[kept],
            self.left[kept],
            self.given_up[kept],
        )

    def join(self, other: "Snapped") -> "Snapped":
        """Append other polygons."""
        return Snapped(
            np.append(self.polygons, other.polygons),
            np.append(self.way, other.way),
            np.append(self.where, other.where, axis=0),
            np.append(self.left, other.left),
            np.append(self.given_up, other.given_up),
        )


def as_they_are(polygons: Polygons, *, given_up: bool = False) -> Snapped:
    """Describe polygons of which nothing was snapped.

    Parameters
    ----------
    polygons : (n,) object
        Polygons.
    given_up : bool
        Whether they should have been, but could not.

    Returns
    -------
    Snapped
    """
    count = len(polygons)
    flags = np.full(count, given_up)
    nowhere = np.full((count, 2), np.nan)
    return Snapped(polygons.copy(), np.zeros(count), nowhere, flags, flags.copy())


def snap_walls(
    polygons: Polygons,
    *,
    tolerance: float = SNAP,
    smallest: float = 0.0,
    slim: Flags | None = None,
) -> Snapped:
    """Make corners and walls of neighbours meet that miss each other by little.

    Parameters
    ----------
    polygons : (n,) object
        Valid polygons in metres, exterior counter-clockwise.
    tolerance : float
        Greatest gap or overlap that is closed, and farthest that anything moves [m].
    smallest : float
        No polygon is made smaller than this, or a sliver [m2].
    slim : (n,) bool, optional
        Polygons that may have tails thinner than the tolerance, left by cutting; these
        tails fold away.

    Returns
    -------
    Snapped
        Every corner that came within the tolerance of another polygon is a corner of that
        polygon too, but for steps in a front, and but for places where that would move a
        wall farther than the tolerance, make an outline invalid or thin, or let two
        overlap: these stay as they were. Snapping the result changes nothing.

    Notes
    -----
    Polygons are handled in groups that lie far apart. A group is taken over only if a
    second snapping leaves it as it is; so the whole is its own result, whatever came in.
    All choices follow lengths, areas and places: the order of polygons has no say.
    Checked against `shapely.coverage_invalid_edges` in tests/gis/test_snapping.py.
    """
    folds = np.zeros(len(polygons), dtype=np.bool_) if slim is None else slim
    corners = corners_of(polygons)
    near = find_near(corners, REACH * tolerance, slim=folds)
    group = _groups(corners, near, len(polygons))
    busy = np.bincount(group)[group] > 1
    busy[short_walled(corners)] = True
    members = _in_order(polygons, group, np.flatnonzero(busy | folds))
    scene = Scene(corners, near, group).arrange(members)
    rules = _Rules(tolerance, smallest)
    result = as_they_are(polygons)
    for begin, end in _batches(scene.group):
        which = members[begin:end]
        part = scene.part(begin, end)
        _fill(result, which, _settle_all(polygons[which], part, folds[which], rules))
    return result


@dataclass(frozen=True)
class _Rules:
    """Greatest gap that is closed [m] and least area of an outline [m2]."""

    tolerance: float
    smallest: float


def _settle_all(before: Polygons, scene: Scene, folds: Flags, rules: _Rules) -> Snapped:
    """Close gaps of a batch of groups."""
    now = _settle(before, scene, rules)
    # What could not be settled with folding tails may be without, as it will be next time.
    again = np.isin(
        scene.group, np.intersect1d(scene.group[now.given_up], scene.group[folds])
    )
    if again.any():
        rest = scene.arrange(np.flatnonzero(again)).without_own()
        _fill(now, again, _settle(before[again], rest, rules))
    return now


def _settle(before: Polygons, scene: Scene, rules: _Rules) -> Snapped:
    """Close gaps until doing so once more changes nothing, or leave a group as it was."""
    group = scene.group
    now, todo = _attempt(before, scene, rules)
    tried = np.zeros(len(before), dtype=np.bool_)
    for _ in range(MOST_TRIALS):
        if not len(todo):
            break
        tried[todo] = True
        flat = np.zeros(len(todo), dtype=np.bool_)
        old = now.take(todo)
        corners = corners_of(old.polygons)
        near = find_near(corners, REACH * rules.tolerance, slim=flat)
        again, _ = _attempt(old.polygons, Scene(corners, near, group[todo]), rules)
        differs = _differ(again.polygons, old.polygons)
        where = np.where(np.isnan(again.where), old.where, again.where)
        _fill(now, todo, replace(again, where=where, given_up=old.given_up))
        todo = todo[np.isin(group[todo], group[todo[differs]])]
    far = np.zeros(len(before), dtype=np.bool_)
    far[todo] = True  # no rest was found
    now.way[tried] = _farthest_ways(before[tried], now.polygons[tried])
    far |= now.way > rules.tolerance + ROUNDING
    # As it was is at least an outline that somebody drew.
    back = np.isin(group, group[far])
    _fill(now, back, as_they_are(before[back], given_up=True))
    return now


def _fill(result: Snapped, places: Flags | Positions, part: Snapped) -> None:
    """Enter what was found for some polygons in a result under way."""
    result.polygons[places] = part.polygons
    result.way[places] = part.way
    result.where[places] = part.where
    result.left[places] = part.left
    result.given_up[places] = part.given_up


def _in_order(polygons: Polygons, group: Positions, busy: Positions) -> Positions:
    """Polygons group by group, within each the largest first, then by place."""
    chosen = polygons[busy]
    centre = shapely.get_coordinates(shapely.centroid(chosen))
    keys = [*centre.T, *shapely.bounds(chosen).T, -shapely.area(chosen), group[busy]]
    return busy[np.lexsort(keys)]


def _batches(group: Positions) -> Iterator[tuple[int, int]]:
    """Spans of whole groups, of some thousand polygons together."""
    ends = np.append(np.flatnonzero(np.diff(group)) + 1, len(group))
    begin = 0
    for end in ends:
        if end - begin >= BATCH or end == len(group) > begin:
            yield begin, int(end)
            begin = int(end)


def _groups(corners: Corners, near: Near, count: int) -> Positions:
    """Tell the group that each polygon belongs to."""
    pairs = corners.polygon[near.corner], corners.polygon[near.wall]
    links = coo_array((np.ones(len(pairs[0]), dtype=np.int8), pairs), shape=(count, count))
    group: Positions = connected_components(links, directed=False)[1]
    return group


def _attempt(polygons: Polygons, scene: Scene, rules: _Rules) -> tuple[Snapped, Positions]:
    """Close gaps; leave alone what breaks by that, then groups that break all the same.

    Also returns which polygons may not be at rest.
    """
    count, group = len(polygons), scene.group
    result = as_they_are(polygons, given_up=True)
    at_work, frozen = np.zeros((2, count), dtype=np.bool_)
    todo = np.arange(count)
    for _ in range(MOST_TRIALS):
        stays = frozen[todo]
        closed = close_gaps(scene, tolerance=rules.tolerance, frozen=stays)
        made, bad = _build(polygons[todo], group[todo], closed, rules)
        fails = np.isin(group[todo], group[todo[bad]])
        good = np.flatnonzero(~fails)
        _fill(result, todo[good], made.take(good))
        at_work[todo[good]] = np.isin(good, np.append(closed.left, closed.unsure))
        progress = bool((~stays[bad]).any())
        frozen[todo[bad]] = True
        scene, todo = scene.arrange(np.flatnonzero(fails)), todo[fails]
        if not (len(todo) and progress):
            break
        scene = scene.without_own(frozen[todo])
    # A group given up is at rest: it would be given up again.
    return result, np.flatnonzero(np.isin(group, group[at_work]))


def _build(
    before: Polygons, group: Positions, closed: Closed, rules: _Rules
) -> tuple[Snapped, Positions]:
    """Polygons of corners, and which of them must not be."""
    built, numbers = polygons_of(closed.corners)
    made, bad = as_they_are(before), np.zeros(len(before), dtype=np.bool_)
    bad[closed.collapsed] = True
    _measure_ways(closed.corners, before, made)
    bad |= made.way > rules.tolerance + ROUNDING
    sound = ~bad[numbers]
    numbers, built = numbers[sound], built[sound]
    differs = _differ(before[numbers], built)
    numbers, built = numbers[differs], built[differs]
    bad[numbers] = ~shapely.is_valid(built) | _are_thin(built, rules.smallest)
    made.polygons[numbers] = shapely.orient_polygons(built)
    made.polygons[bad] = before[bad]
    made.left[closed.left] = True
    # Where all walls match there is no overlap; the rest is looked at pair by pair. Groups
    # with a fault so far are not looked at: the others would seem to overlap it.
    loose = ~shapely.is_empty(shapely.coverage_invalid_edges(made.polygons))
    loose &= ~np.isin(group, group[bad])
    one, other, _ = find_overlaps(made.polygons, np.flatnonzero(loose))
    bad[one] = bad[other] = True
    return made, np.flatnonzero(bad)


def _measure_ways(corners: Corners, before: Polygons, made: Snapped) -> None:
    """Fill in how far corners went; those put in, how far from the outline of before."""
    way = np.hypot(*(corners.xy - corners.origin).T)
    put = np.flatnonzero(corners.given < 0)
    walls = shapely.boundary(before)[corners.polygon[put]]
    way[put] = shapely.distance(shapely.points(corners.xy[put]), walls)
    # Of equal ways a corner put in is told, and of those that did not go at all only that.
    order = np.lexsort((corners.given < 0, way, corners.polygon))
    last = order[np.flatnonzero(np.diff(corners.polygon[order], append=-1))]
    polygon = corners.polygon[last]
    made.way[polygon] = way[last]
    still = (way[last] == 0.0) & (corners.given[last] >= 0)
    made.where[polygon] = np.where(still[:, None], np.nan, corners.xy[last])


def _are_thin(polygons: Polygons, smallest: float) -> Flags:
    """Whether polygons are slivers, or have a hole that is one."""
    thin = are_slivers(polygons, smallest=smallest)
    rings, owner = shapely.get_rings(polygons, return_index=True)
    is_hole = np.diff(owner, prepend=-1) == 0
    holes = shapely.polygons(rings[is_hole])
    thin[owner[is_hole][are_slivers(holes, smallest=0.0)]] = True
    return thin


def _differ(one: Polygons, other: Polygons) -> Flags:
    """Whether polygons are not the same to the bit."""
    differ: Flags = ~shapely.equals_identical(one, other)
    return differ


def _farthest_ways(before: Polygons, after: Polygons) -> FloatArray:
    """How far corners of outlines lie at most from the outlines of before [m].

    Not the other way round: a tail thinner than the tolerance may fold away.
    """
    xy, owner = shapely.get_coordinates(after, return_index=True)
    way = shapely.distance(shapely.points(xy), shapely.boundary(before)[owner])
    begin = np.flatnonzero(np.diff(owner, prepend=-1))
    ways: FloatArray = np.maximum.reduceat(way, begin) if len(after) else np.empty(0)
    return ways
