"""Trace the boundaries of regions of triangles as rings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.planes.welding import triple
from meshes.polygons import FloatArray, IntArray, plane_axes


@dataclass(frozen=True)
class Rings:
    """Closed rings of corners, region after region.

    Attributes
    ----------
    corner : (n,) int
        Corners, ring after ring; each begins with its lowest number.
    start : (r + 1,) int
        First corner of each ring.
    region : (r,) int
        Whose boundary it is.
    area : (r,) float
        Area [m2] seen against the region's normal; holes have a negative one. The outline
        of a region, its largest ring, comes first.
    """

    corner: IntArray
    start: IntArray
    region: IntArray
    area: FloatArray

    def keep(self, corners: NDArray[np.bool_]) -> "Rings":
        """Return the rings with some of their corners only."""
        ring = np.repeat(np.arange(len(self.region)), np.diff(self.start))
        lengths = np.bincount(ring[corners], minlength=len(self.region))
        start = np.r_[0, np.cumsum(lengths)].astype(np.int64)
        return Rings(self.corner[corners], start, self.region, self.area)

    def following(self) -> IntArray:
        """(n,) int: place of the next corner of the same ring."""
        after = np.arange(1, len(self.corner) + 1)
        after[self.start[1:] - 1] = self.start[:-1]
        return after


def trace_rings(
    places: FloatArray,
    start: IntArray,
    end: IntArray,
    region: IntArray,
    normal: FloatArray,
) -> Rings:
    """Run along what bounds each region, its inside on the left.

    Parameters
    ----------
    places : (v, 3) float
        Corners [m].
    start, end, region : (h,) int
        Edges of triangles as they run around them, and whose they are. Edges that a region
        has in both directions lie inside.
    normal : (g, 3) float
        Unit normals of the regions.

    Returns
    -------
    Rings
        No ring has a corner twice: where a boundary touches itself, it becomes two rings.
    """
    outer = _uncancelled(start, end, region, len(places))
    start, end, region = start[outer], end[outer], region[outer]
    order = np.lexsort((end, start, region))
    start, end, region = start[order], end[order], region[order]
    leader, rank = _cycles(_successors(places, start, end, region, normal))
    order = np.lexsort((rank, leader))
    corner, leader, owner = start[order], leader[order], region[order]
    cuts = np.flatnonzero(np.diff(leader)) + 1
    ring_start = np.r_[0, cuts, len(corner)] if len(corner) else np.zeros(1, np.int64)
    corner, ring_start, owners = _simple(corner, ring_start, owner)
    area = _areas(places[corner], ring_start, normal[owners])
    order = np.lexsort((corner[ring_start[:-1]], -area, owners))
    lengths = np.diff(ring_start)[order]
    ends = np.cumsum(lengths)
    shift = np.repeat(ring_start[:-1][order] - (ends - lengths), lengths)
    corner = corner[np.arange(len(corner)) + shift]
    starts = np.r_[0, ends].astype(np.int64)
    return Rings(corner, starts, owners[order], area[order])


def _areas(corners: FloatArray, start: IntArray, normal: FloatArray) -> FloatArray:
    """Return the areas of rings seen against their normals [m2]."""
    lengths = np.diff(start)
    ring = np.repeat(np.arange(len(lengths)), lengths)
    after = np.arange(1, len(corners) + 1)
    after[start[1:] - 1] = start[:-1]
    # Relative to the first corner of each ring, which keeps the digits.
    spoke = corners - corners[start[:-1]][ring]
    double = triple(spoke, spoke[after], normal[ring])
    return np.bincount(ring, double, minlength=len(lengths)) / 2


def needed_corners(
    places: FloatArray, rings: Rings, *, tolerance: float
) -> NDArray[np.bool_]:
    """Tell which corners must stay, (n,) bool; the others lie on straight lines.

    Parameters
    ----------
    places : (v, 3) float
        Corners [m].
    rings : Rings
        All rings of a mesh.
    tolerance : float
        Farthest that a corner lies off the line [m].

    Notes
    -----
    A corner goes where all rings that have it run straight through it, so that what shares
    an edge goes on sharing one. Long runs of such corners are compared with the line that
    takes their place, for many small turns make a circle.
    """
    after = rings.following()
    before = np.empty_like(after)
    before[after] = np.arange(len(after))
    here = places[rings.corner]
    off = _off_line(here, here[before], here[after])
    needed = np.zeros(len(places), np.bool_)
    needed[rings.corner[off > tolerance]] = True
    ring = np.repeat(np.arange(len(rings.region)), np.diff(rings.start))
    while True:
        stays = needed[rings.corner]
        fewer = np.bincount(ring, stays, minlength=len(rings.region)) < 3
        last, following = _anchors(rings, stays, fewer[ring])
        off = _off_line(here, here[last], here[following])
        bad = ~stays & (fewer[ring] | (off > tolerance))
        if not bad.any():
            return stays
        needed[rings.corner[bad]] = True


def _anchors(
    rings: Rings, stays: NDArray[np.bool_], skipped: NDArray[np.bool_]
) -> tuple[IntArray, IntArray]:
    """Return the places of the staying corners before and after each corner in its ring."""
    count = len(stays)
    numbers = np.arange(count)
    fixed = stays | skipped
    last = np.maximum.accumulate(np.where(fixed, numbers, -1))
    following = np.minimum.accumulate(np.where(fixed, numbers, count)[::-1])[::-1]
    ring = np.repeat(np.arange(len(rings.region)), np.diff(rings.start))
    begin, stop = rings.start[ring], rings.start[ring + 1]
    # Before the first staying corner of a ring comes its last, and the other way round.
    last = np.where(last < begin, last[stop - 1], last)
    following = np.where(following >= stop, following[begin], following)
    return last, following


def _off_line(here: FloatArray, before: FloatArray, after: FloatArray) -> FloatArray:
    """Return the distances of points from the segments between two others [m]."""
    line, spoke = after - before, here - before
    square = np.einsum("nx,nx->n", line, line)
    along = np.einsum("nx,nx->n", spoke, line) / np.where(square > 0, square, 1.0)
    rest = spoke - np.clip(along, 0.0, 1.0)[:, None] * line
    off: FloatArray = np.sqrt(np.einsum("nx,nx->n", rest, rest))
    return off


def _uncancelled(
    start: IntArray, end: IntArray, region: IntArray, corners: int
) -> IntArray:
    """Return the edges that a region has in one direction more often than in the other."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.lexsort((low * corners + high, region))
    sign = np.where(start < end, 1, -1)[order]
    key = (low * corners + high)[order]
    whose = region[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (np.diff(key) != 0) | (np.diff(whose) != 0)
    group = np.cumsum(new) - 1
    balance = np.bincount(group, sign).astype(np.int64)
    wanted = np.sign(balance)[group] == sign
    # Of several in the wanted direction as many stay as have no counterpart.
    first = np.flatnonzero(new)
    running = np.cumsum(wanted)
    place = running - (running[first] - wanted[first])[group]
    kept: IntArray = order[wanted & (place <= np.abs(balance)[group])]
    return kept


def _successors(
    places: FloatArray,
    start: IntArray,
    end: IntArray,
    region: IntArray,
    normal: FloatArray,
) -> IntArray:
    """Return for each edge of boundaries the one that follows it.

    Edges come sorted by region and start. Where a boundary meets itself in a corner, the
    next edge is the first met on turning clockwise from the one that arrives, through the
    inside of the region.
    """
    count = len(start)
    corner = np.flatnonzero(
        np.r_[True, (np.diff(start) != 0) | (np.diff(region) != 0)][:count]
    )
    node = np.repeat(np.arange(len(corner)), np.diff(np.r_[corner, count]))
    arriving = np.lexsort((end, region))
    # Every corner is left as often as it is reached: both lists have the same nodes.
    follower = np.empty(count, np.int64)
    follower[arriving] = np.arange(count)
    busy = np.bincount(node) > 1
    crowded = busy[node]
    if crowded.any():
        out = np.flatnonzero(crowded)
        come = arriving[out]
        follower[come] = _turn(places, (start, end, region), out, come, node[out], normal)
    return follower


def _turn(
    places: FloatArray,
    edges: tuple[IntArray, IntArray, IntArray],
    out: IntArray,
    come: IntArray,
    node: IntArray,
    normal: FloatArray,
) -> IntArray:
    """Return which edge follows each of those that come, where several leave."""
    start, end, region = edges
    ray = np.concatenate(
        [places[end[out]] - places[start[out]], places[start[come]] - places[end[come]]]
    )
    u, v = plane_axes(normal[np.r_[region[out], region[come]]])
    angle = np.arctan2(np.einsum("nx,nx->n", ray, v), np.einsum("nx,nx->n", ray, u))
    leaves = np.r_[np.ones(len(out), np.bool_), np.zeros(len(come), np.bool_)]
    edge, nodes = np.r_[out, come], np.r_[node, node]
    order = np.lexsort((edge, leaves, -angle, nodes))
    found = np.full(len(start), -1)
    whose, leaving, which = nodes[order], leaves[order], edge[order]
    while len(which):
        begin = np.flatnonzero(np.r_[True, np.diff(whose) != 0])
        following = np.arange(1, len(which) + 1)
        following[np.r_[begin[1:], len(which)] - 1] = begin
        meets = np.flatnonzero(~leaving & leaving[following])
        found[which[meets]] = which[following[meets]]
        rest = np.ones(len(which), np.bool_)
        rest[meets] = rest[following[meets]] = False
        whose, leaving, which = whose[rest], leaving[rest], which[rest]
    following_edges: IntArray = found[come]
    return following_edges


def _cycles(follower: IntArray) -> tuple[IntArray, IntArray]:
    """Return for each member of a permutation its cycle's lowest member, and steps from it.

    Jumps twice as long each time find both in a few rounds for all cycles at once.
    """
    count = len(follower)
    lowest, jump = np.arange(count), follower.copy()
    while True:
        lower = np.minimum(lowest, lowest[jump])
        if (lower == lowest).all():
            break
        lowest, jump = lower, jump[jump]
    # Steps to the member before the lowest one, where each cycle is cut open.
    last = lowest[follower] == follower
    jump = np.where(last, np.arange(count), follower)
    steps = (~last).astype(np.int64)
    while True:
        more = steps[jump]
        if not more.any():
            break
        steps, jump = steps + more, jump[jump]
    length = np.bincount(lowest, minlength=count)
    return lowest, length[lowest] - 1 - steps


def _simple(
    corner: IntArray, start: IntArray, owner: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Split rings that have a corner twice; begin each with its lowest; drop empty ones."""
    ring = np.repeat(np.arange(len(start) - 1), np.diff(start))
    order = np.lexsort((corner, ring))
    again = (np.diff(corner[order]) == 0) & (np.diff(ring[order]) == 0)
    twice = np.unique(ring[order[1:][again]])
    if len(twice):
        pieces: list[IntArray] = []
        owners: list[int] = []
        for k in twice.tolist():
            own = corner[start[k] : start[k + 1]]
            for piece in _loops(own.tolist()):
                pieces.append(np.array(piece, np.int64))
                owners.append(int(owner[start[k]]))
        plain = ~np.isin(ring, twice)
        lengths = np.diff(start)[np.setdiff1d(np.arange(len(start) - 1), twice)]
        lengths = np.r_[lengths, [len(piece) for piece in pieces]].astype(np.int64)
        corner = np.concatenate([corner[plain], *pieces])
        owner = np.concatenate(
            [owner[plain], np.repeat(owners, [len(piece) for piece in pieces])]
        )
        start = np.r_[0, np.cumsum(lengths)]
    lengths = np.diff(start)
    proper = lengths > 2
    kept = np.repeat(proper, lengths)
    corner, owner, lengths = corner[kept], owner[kept], lengths[proper]
    start = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    if not len(lengths):
        return corner, start, np.empty(0, np.int64)
    lowest = np.minimum.reduceat(corner, start[:-1])
    at = np.flatnonzero(corner == np.repeat(lowest, lengths)) - start[:-1]
    inside = np.arange(len(corner)) - np.repeat(start[:-1], lengths)
    turned = (inside + np.repeat(at, lengths)) % np.repeat(lengths, lengths)
    corner = corner[np.repeat(start[:-1], lengths) + turned]
    return corner, start, owner[start[:-1]]


def _loops(ring: list[int]) -> list[list[int]]:
    """Split a ring wherever it comes to a corner again."""
    loops: list[list[int]] = []
    path: list[int] = []
    at: dict[int, int] = {}
    for corner in ring:
        if corner in at:
            begin = at[corner]
            loops.append(path[begin:])
            for gone in path[begin + 1 :]:
                del at[gone]
            path = path[: begin + 1]
        else:
            at[corner] = len(path)
            path.append(corner)
    return [*loops, path]
