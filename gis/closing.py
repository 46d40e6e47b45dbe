"""Close gaps between walls, one independent set of moves at a time."""

from dataclasses import dataclass, replace

import numpy as np

from gis.corners import (
    Corners,
    Flags,
    FloatArray,
    Positions,
    drop_folds,
    insert_corners,
    join_corners,
    number_places,
    sorted_once,
)
from gis.neighbours import Near, Scene, short_walled, wall_lengths
from gis.slivers import SAME_VERTEX

ON_WALL = 1e-6
"""A corner this near to a wall stands on it: rounding of national coordinates [m]."""

STEEP = 0.7
"""Sine of the angle above which two walls from one corner are a step and no gap; they part
by more than half a right angle."""

MOST_STEPS = 40
"""Rounds of moves; towns need some ten, the limit only ends what might never end."""


@dataclass(frozen=True)
class Closed:
    """Corners after all moves.

    Attributes
    ----------
    corners : Corners
        As they are now.
    collapsed, left, unsure : (k,) int
        Polygons that lost a ring, that still nearly touch another, and that may have more
        to close: a wall too short to be one, or a corner for a neighbour who left it.
    """

    corners: Corners
    collapsed: Positions
    left: Positions
    unsure: Positions


@dataclass(frozen=True)
class _Sites:
    """Places of corners, with the polygons that share each."""

    place: Positions
    """Of each corner."""
    xy: FloatArray
    """Of each place [m]."""
    keys: Positions
    """Sorted ``place * polygons + polygon`` of all that share a place."""
    polygons: int
    order: Positions
    """Corners by place."""
    begin: Positions
    """Where those of each place begin in ``order``, and their end."""

    def holds(self, place: Positions, polygon: Positions) -> Flags:
        """Whether a polygon has a corner at a place."""
        wanted = place * self.polygons + polygon
        found = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        result: Flags = self.keys[found] == wanted
        return result

    def precedence(self) -> Positions:
        """Order of places: shared by most first, then by the first polygon, then west."""
        place, polygon = np.divmod(self.keys, self.polygons)
        share = np.bincount(place, minlength=len(self.xy))
        first = polygon[np.searchsorted(place, np.arange(len(self.xy)))]
        order = np.lexsort((first, -share))
        rank = np.empty(len(order), dtype=np.intp)
        rank[order] = np.arange(len(order))
        return rank


@dataclass(frozen=True)
class _Misses:
    """Corners near a wall that they do not stand on; what would join them.

    Attributes
    ----------
    place : (k,) int
        Where the corners are.
    polygon : (k,) int
        What they nearly touch.
    wall : (k,) int
        Its nearest wall: position of the corner at which it begins.
    end : (k,) int
        The nearer end of that wall: number of its place.
    foot : (k, 2) float
        Nearest point of the wall [m].
    gap, to_end : (k,) float
        Distance to the wall and to that end [m].
    is_joint : (k,) bool
        Whether corner and end should become one, rather than corner and wall meet.
    """

    place: Positions
    polygon: Positions
    wall: Positions
    end: Positions
    foot: FloatArray
    gap: FloatArray
    to_end: FloatArray
    is_joint: Flags

    def take(self, kept: Flags | Positions) -> "_Misses":
        """Keep some of them."""
        return _Misses(
            self.place[kept],
            self.polygon[kept],
            self.wall[kept],
            self.end[kept],
            self.foot[kept],
            self.gap[kept],
            self.to_end[kept],
            self.is_joint[kept],
        )


@dataclass(frozen=True)
class _Moves:
    """What may be done about misses: ``mover`` (-1 for none) goes to ``target``."""

    misses: _Misses
    mover: Positions
    target: FloatArray
    inserts: Flags


def close_gaps(scene: Scene, *, tolerance: float, frozen: Flags) -> Closed:
    """Join corners with the corners and walls that they nearly touch.

    Parameters
    ----------
    scene : Scene
        With all that is near within three tolerances: each of two may move by one.
    tolerance : float
        Greatest gap that is closed and greatest way of a corner [m].
    frozen : (polygons,) bool
        Polygons whose outlines stay; others still come to them.

    Returns
    -------
    Closed

    Notes
    -----
    A corner moves with all that share its place, so that what touches keeps touching, and
    never farther than the tolerance from its origin. Shortest ways go first; moves of one
    round have no place in common. The result does not depend on the order of rows if the
    polygons come in an order of their own.
    """
    corners, near, group = scene.corners, scene.near, scene.group
    done: list[Corners] = []
    lost_rings = np.zeros(len(frozen), dtype=np.bool_)
    missing = np.zeros(len(frozen), dtype=np.bool_)
    for _ in range(MOST_STEPS):
        sites = _lay_sites(corners, len(frozen))
        misses = _find_misses(corners, sites, near, tolerance)
        moves = _plan_moves(corners, sites, misses, tolerance, frozen)
        moves = _independent(corners, sites, moves)
        # Groups in which nothing moves any more are done, and the rest gets smaller.
        works = np.isin(group, group[moves.misses.polygon])
        over = misses.take(~works[misses.polygon])
        missing[over.polygon] = missing[_sharers(sites, over.place)] = True
        rests = ~works[corners.polygon]
        if rests.any():
            done.append(corners.take(np.flatnonzero(rests)))
        if not works.any():
            break
        moved = _apply(corners, sites, moves)
        moved = moved.take(np.flatnonzero(works[moved.polygon]))
        corners, lost = drop_folds(moved)
        lost_rings[lost] = True
        near = near.take(works[near.polygon])
    else:
        done.append(corners)
    corners = join_corners(done)
    unsure = np.append(short_walled(corners), _deserted(corners))
    return Closed(
        corners, np.flatnonzero(lost_rings), np.flatnonzero(missing), np.unique(unsure)
    )


def _deserted(corners: Corners) -> Positions:
    """Polygons with a corner that was put in for a neighbour who has none there now."""
    place, xy = number_places(corners.xy)
    first = np.zeros(len(xy), dtype=np.bool_)
    first[place[corners.given >= 0]] = True
    return corners.polygon[~first[place]]


def _lay_sites(corners: Corners, polygons: int) -> _Sites:
    """Lay out the places of corners with those who share them."""
    place, xy = number_places(corners.xy)
    keys = sorted_once(place * polygons + corners.polygon)
    order = np.argsort(place, kind="stable")
    begin = np.append(0, np.cumsum(np.bincount(place, minlength=len(xy))))
    return _Sites(place, xy, keys, polygons, order, begin)


def _sharers(sites: _Sites, places: Positions) -> Positions:
    """Polygons that have a corner at one of the places."""
    place, polygon = np.divmod(sites.keys, sites.polygons)
    sharers: Positions = polygon[np.isin(place, places)]
    return sharers


def _find_misses(corners: Corners, sites: _Sites, near: Near, tolerance: float) -> _Misses:
    """Nearest wall of every polygon that a corner nearly touches."""
    corner, wall = _pieces_now(corners, near)
    place, polygon = sites.place[corner], corners.polygon[wall]
    after = corners.following
    one, other = sites.place[wall], sites.place[after[wall]]
    own = corners.polygon[corner] == polygon
    apart = np.where(own, (place != one) & (place != other), ~sites.holds(place, polygon))
    corner, wall, own = corner[apart], wall[apart], own[apart]
    one, other = one[apart], other[apart]
    # Walls are measured from west to east, so that both sides of one give the same foot.
    start, stop = np.minimum(one, other), np.maximum(one, other)
    place = sites.place[corner]
    at, a, b = sites.xy[place], sites.xy[start], sites.xy[stop]
    along = b - a
    square = (along**2).sum(axis=1)
    share = np.zeros(len(square))
    # Of a wall without length, as cutting leaves some, every point is its end.
    np.divide(((at - a) * along).sum(axis=1), square, out=share, where=square > 0.0)
    share = np.clip(share, 0.0, 1.0)
    foot = a + share[:, None] * along
    gap: FloatArray = np.hypot(*(at - foot).T)
    end = np.where(share < 0.5, start, stop)
    to_end: FloatArray = np.hypot(*(at - sites.xy[end]).T)
    is_clipped = (share <= 0.0) | (share >= 1.0)
    gap = np.where(is_clipped, to_end, gap)
    is_joint = to_end <= tolerance
    # A foot beside an end that is itself too far would leave a wall of millimetres.
    beside = np.hypot(*(foot - sites.xy[end]).T) <= SAME_VERTEX
    usable = (gap <= tolerance) & (is_joint | ~beside)
    # A step in a front is no gap: from the shared corner its walls part steeply.
    step = _are_walls(corners, sites, place, end) & (gap > STEEP * to_end)
    calm = np.ones(len(sites.xy), dtype=np.bool_)
    calm[sites.place[(corners.xy != corners.origin).any(axis=1)]] = False
    usable &= ~(step & calm[place] & calm[end] & ~own)
    found = _Misses(
        place, corners.polygon[wall], wall, end, foot, gap, to_end, is_joint
    ).take(usable)
    start, stop = start[usable], stop[usable]
    order = np.lexsort((stop, start, found.gap, found.polygon, found.place))
    key = (found.place * sites.polygons + found.polygon)[order]
    first = np.diff(key, prepend=-1) != 0
    return found.take(order[first])


def _pieces_now(corners: Corners, near: Near) -> tuple[Positions, Positions]:
    """Corners and walls of today that come from those first near each other."""
    count = int(max(near.corner.max(initial=-1), corners.given.max(initial=-1))) + 1
    today = np.full(count, -1, dtype=np.intp)
    known = corners.given >= 0
    today[corners.given[known]] = np.flatnonzero(known)
    corner = today[near.corner]
    last = int(max(near.wall.max(initial=-1), corners.wall.max(initial=-1)))
    pieces = np.bincount(corners.wall, minlength=last + 1)
    begin = (np.cumsum(pieces) - pieces)[near.wall]
    many = np.where(corner < 0, 0, pieces[near.wall])
    total = int(many.sum())
    within = np.arange(total) - np.repeat(np.cumsum(many) - many, many)
    return np.repeat(corner, many), np.repeat(begin, many) + within


def _are_walls(corners: Corners, sites: _Sites, one: Positions, other: Positions) -> Flags:
    """Whether pairs of places are the ends of a wall."""
    count = len(sites.xy)
    a, b = sites.place, sites.place[corners.following]
    walls = sorted_once(np.minimum(a, b) * count + np.maximum(a, b))
    wanted = np.minimum(one, other) * count + np.maximum(one, other)
    found = np.minimum(np.searchsorted(walls, wanted), len(walls) - 1)
    result: Flags = walls[found] == wanted
    return result


def _plan_moves(
    corners: Corners,
    sites: _Sites,
    misses: _Misses,
    tolerance: float,
    frozen: Flags,
) -> _Moves:
    """Choose who moves where, and leave out what must not move."""
    misses = _with_short_walls(corners, sites, misses)
    is_still = np.zeros(len(sites.xy), dtype=np.bool_)
    place, polygon = np.divmod(sites.keys, sites.polygons)
    is_still[place[frozen[polygon]]] = True
    rank = sites.precedence()
    ends, joint = sites.xy[misses.end], misses.is_joint
    may_come = ~is_still[misses.place]
    goal = np.where(joint[:, None], ends, misses.foot)
    may_come &= _farthest(corners, sites, misses.place, goal) <= tolerance
    here = sites.xy[misses.place]
    may_fetch = joint & ~is_still[misses.end]
    may_fetch &= _farthest(corners, sites, misses.end, here) <= tolerance
    fetch = may_fetch & ((rank[misses.end] > rank[misses.place]) | ~may_come)
    come = may_come & ~fetch
    # Who stands on the wall or may not move stays; the wall takes a corner there, and may
    # bend for that if it is free to.
    bends = ~come & ~frozen[misses.polygon]
    stay = ~joint & ((misses.gap <= ON_WALL) | bends)
    come &= ~stay
    mover = np.where(fetch, misses.end, np.where(come, misses.place, -1))
    target = np.where((fetch | stay)[:, None], here, goal)
    able = fetch | come | stay
    return _Moves(misses.take(able), mover[able], target[able], ~joint[able])


def _with_short_walls(corners: Corners, sites: _Sites, misses: _Misses) -> _Misses:
    """Add the ends of walls that are too short to be one."""
    after = corners.following
    length = wall_lengths(corners)
    wall = np.flatnonzero(length <= SAME_VERTEX)
    place, end = sites.place[wall], sites.place[after[wall]]
    return _Misses(
        np.append(misses.place, place),
        np.append(misses.polygon, corners.polygon[wall]),
        np.append(misses.wall, wall),
        np.append(misses.end, end),
        np.append(misses.foot, sites.xy[end], axis=0),
        np.append(misses.gap, length[wall]),
        np.append(misses.to_end, length[wall]),
        np.append(misses.is_joint, np.ones(len(wall), dtype=np.bool_)),
    )


def _farthest(
    corners: Corners, sites: _Sites, places: Positions, goals: FloatArray
) -> FloatArray:
    """Longest way from an origin, if all corners of a place went to its goal [m]."""
    if not len(places):
        return np.empty(0)
    begin = sites.begin[places]
    many = sites.begin[places + 1] - begin
    first = np.cumsum(many) - many
    within = np.arange(int(many.sum())) - np.repeat(first, many)
    origin = corners.origin[sites.order[np.repeat(begin, many) + within]]
    way = np.hypot(*(np.repeat(goals, many, axis=0) - origin).T)
    farthest: FloatArray = np.maximum.reduceat(way, first)
    return farthest


def _independent(corners: Corners, sites: _Sites, moves: _Moves) -> _Moves:
    """Keep the shortest moves that do not touch each other's places."""
    misses, count = moves.misses, len(moves.mover)
    if not count:
        return moves
    way = np.where(misses.is_joint, misses.to_end, misses.gap)
    order = np.lexsort((misses.end, misses.polygon, misses.place, way))
    turn = np.empty(count, dtype=np.intp)
    turn[order] = np.arange(count)
    moving = moves.mover >= 0
    start = sites.place[misses.wall]
    stop = sites.place[corners.following[misses.wall]]
    fixed = np.where(moves.mover == misses.end, misses.place, misses.end)
    # Each move rests on places that must stay in this round: the corner that it goes to,
    # or the ends of the wall and, if it does not go at all, its own.
    rests = [
        (fixed, misses.is_joint),
        (start, ~misses.is_joint),
        (stop, ~misses.is_joint),
        (misses.place, ~moving),
    ]
    first_to_move = np.full(len(sites.xy), count, dtype=np.intp)
    np.minimum.at(first_to_move, moves.mover[moving], turn[moving])
    first_to_rest = np.full(len(sites.xy), count, dtype=np.intp)
    for place, counts in rests:
        np.minimum.at(first_to_rest, place[counts], turn[counts])
    wins = np.ones(count, dtype=np.bool_)
    wins[moving] = (turn[moving] == first_to_move[moves.mover[moving]]) & (
        turn[moving] < first_to_rest[moves.mover[moving]]
    )
    for place, counts in rests:
        wins[counts] &= turn[counts] < first_to_move[place[counts]]
    return _Moves(
        misses.take(wins), moves.mover[wins], moves.target[wins], moves.inserts[wins]
    )


def _apply(corners: Corners, sites: _Sites, moves: _Moves) -> Corners:
    """Carry moves out: all corners of a place go together, walls take corners."""
    moving, put = moves.mover >= 0, moves.inserts
    xy = sites.xy.copy()
    xy[moves.mover[moving]] = moves.target[moving]
    moved = replace(corners, xy=xy[sites.place])
    return insert_corners(moved, moves.misses.wall[put], moves.target[put])
