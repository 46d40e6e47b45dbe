"""Shrink outlines event by event: the compiled part of `skeleton`."""

import numba
import numpy as np

from meshes.polygons import FloatArray, IntArray

SAME_TIME = 1e-9
"""Splits this little before an edge vanishes wait for it [m]."""


@numba.njit(error_model="numpy")
def _speed(
    normal: FloatArray, pace: FloatArray, a: int, b: int, parallel: float
) -> tuple[float, float, bool]:
    """Velocity of the corner between two fronts, and whether they face each other."""
    ax, ay, bx, by = normal[a, 0], normal[a, 1], normal[b, 0], normal[b, 1]
    cross, dot = ax * by - ay * bx, ax * bx + ay * by
    if dot >= 0.0 and pace[a] == pace[b]:
        return pace[a] * (ax + bx) / (1.0 + dot), pace[a] * (ay + by) / (1.0 + dot), False
    if abs(cross) < parallel:
        return 0.0, 0.0, True
    # The sum of the normals has lost its digits: solve both equations instead.
    x, y = (pace[a] * by - pace[b] * ay) / cross, (pace[b] * ax - pace[a] * bx) / cross
    return x, y, False


@numba.njit(nogil=True, cache=True, error_model="numpy")
def shrink(
    xy: FloatArray, following: IntArray, pace: FloatArray, touch: float, parallel: float
) -> tuple[FloatArray, IntArray, bool]:
    """Move the edges of an outline inward and record the ways of their corners.

    Parameters
    ----------
    xy : (n, 2) float
        Corners of rings, inside to the left; edge k starts in corner k.
    following : (n,) int
        Corner after each.
    pace : (n,) float
        Speed of each edge, 1 or 0.
    touch : float
        A front this far behind a corner, or beside its end, still touches it [m].
    parallel : float
        Fronts whose directions differ by a lesser sine are parallel.

    Returns
    -------
    nodes : (m, 3) float
        Place and time of the outline's corners, then of all events.
    arcs : (s, 4) int
        Nodes from and to, edges to the left and right of each corner's way.
    done : bool
        Whether nothing is left.
    """
    n = len(xy)
    most = 6 * n + 16
    normal = np.empty((n, 2))
    level = np.empty(n)
    for k in range(n):
        dx, dy = xy[following[k], 0] - xy[k, 0], xy[following[k], 1] - xy[k, 1]
        size = np.hypot(dx, dy)
        normal[k, 0], normal[k, 1] = -dy / size, dx / size
        level[k] = normal[k, 0] * xy[k, 0] + normal[k, 1] * xy[k, 1]
    nodes = np.zeros((most, 3))
    arcs = np.empty((2 * most, 4), np.int64)
    # Corners of the fronts: where and when born, velocity, edges before and after.
    speed = np.zeros((most, 2))
    before, after = np.empty(most, np.int64), np.empty(most, np.int64)
    ahead, back = np.empty(most, np.int64), np.empty(most, np.int64)
    node = np.empty(most, np.int64)
    alive, facing = np.zeros(most, np.bool_), np.zeros(most, np.bool_)
    nodes[:n, :2] = xy
    for k in range(n):
        after[k], before[following[k]] = k, k
        ahead[k], back[following[k]] = following[k], k
        node[k], alive[k] = k, True
    for k in range(n):
        speed[k, 0], speed[k, 1], facing[k] = _speed(
            normal, pace, before[k], after[k], parallel
        )
    corners, points, ways = n, n, 0
    now = 0.0
    for _ in range(most):
        # What comes next: the corners v and w meet, or v splits the front after w.
        best, v_best, w_best, is_split = np.inf, -1, -1, False
        shortest = np.inf
        some = False
        for v in range(corners):
            if not alive[v]:
                continue
            some = True
            w = ahead[v]
            e = after[v]
            ux, uy = normal[e, 1], -normal[e, 0]
            born_v, born_w = nodes[node[v]], nodes[node[w]]
            length = ux * (
                born_w[0]
                + speed[w, 0] * (now - born_w[2])
                - born_v[0]
                - speed[v, 0] * (now - born_v[2])
            ) + uy * (
                born_w[1]
                + speed[w, 1] * (now - born_w[2])
                - born_v[1]
                - speed[v, 1] * (now - born_v[2])
            )
            if facing[v] or facing[w]:
                # Fronts that met along a line: their ridge ends at the nearer corner.
                if best > -np.inf or length < shortest:
                    best, v_best, w_best, shortest = -np.inf, v, w, length
                continue
            rate = ux * (speed[w, 0] - speed[v, 0]) + uy * (speed[w, 1] - speed[v, 1])
            if rate >= -parallel:
                # Between parallel fronts an edge that has vanished stays vanished.
                if rate > parallel or length > touch:
                    continue
                at = now
            else:
                at = now + max(length, 0.0) / -rate
            if at < best:
                best, v_best, w_best = at, v, w
        if not some:
            return nodes[:points], arcs[:ways], True
        if best > -np.inf:
            for v in range(corners):
                if not alive[v]:
                    continue
                a, b = before[v], after[v]
                turn = normal[a, 0] * normal[b, 1] - normal[a, 1] * normal[b, 0]
                if turn >= -parallel:
                    continue
                born = nodes[node[v]]
                x = born[0] + speed[v, 0] * (now - born[2])
                y = born[1] + speed[v, 1] * (now - born[2])
                for w in range(corners):
                    if not alive[w] or w == v or ahead[w] == v:
                        continue
                    e = after[w]
                    rate = normal[e, 0] * speed[v, 0] + normal[e, 1] * speed[v, 1] - pace[e]
                    if rate > -1e-12:
                        continue
                    gap = normal[e, 0] * x + normal[e, 1] * y - level[e] - pace[e] * now
                    if gap < -touch:
                        continue
                    at = now + max(gap, 0.0) / -rate
                    if at >= best - SAME_TIME:
                        continue
                    z = ahead[w]
                    ux, uy = normal[e, 1], -normal[e, 0]
                    place = ux * (x + speed[v, 0] * (at - now)) + uy * (
                        y + speed[v, 1] * (at - now)
                    )
                    low = ux * (nodes[node[w], 0] + speed[w, 0] * (at - nodes[node[w], 2]))
                    low += uy * (nodes[node[w], 1] + speed[w, 1] * (at - nodes[node[w], 2]))
                    high = ux * (nodes[node[z], 0] + speed[z, 0] * (at - nodes[node[z], 2]))
                    high += uy * (
                        nodes[node[z], 1] + speed[z, 1] * (at - nodes[node[z], 2])
                    )
                    if place < low - touch or place > high + touch:
                        continue
                    best, v_best, w_best, is_split = at, v, w, True
        if v_best < 0 or corners + 2 > most or points + 1 > most:
            return nodes[:points], arcs[:ways], False
        if best > now and best < np.inf:
            now = best
        v, w = v_best, w_best
        # The slower corner's place is the surer one.
        sure = v
        if not is_split and (
            facing[v]
            or (
                not facing[w]
                and speed[w, 0] ** 2 + speed[w, 1] ** 2
                < speed[v, 0] ** 2 + speed[v, 1] ** 2
            )
        ):
            sure = w
        born = nodes[node[sure]]
        nodes[points, 0] = born[0] + speed[sure, 0] * (now - born[2])
        nodes[points, 1] = born[1] + speed[sure, 1] * (now - born[2])
        nodes[points, 2] = now
        one = corners
        if is_split:
            arcs[ways] = node[v], points, before[v], after[v]
            ways += 1
            two, z = corners + 1, ahead[w]
            before[one], after[one] = before[v], after[w]
            before[two], after[two] = after[w], after[v]
            back[one], ahead[one] = back[v], z
            back[two], ahead[two] = w, ahead[v]
            ahead[back[v]], back[z] = one, one
            back[ahead[v]], ahead[w] = two, two
            alive[v] = False
            corners += 2
        else:
            arcs[ways] = node[v], points, before[v], after[v]
            arcs[ways + 1] = node[w], points, before[w], after[w]
            ways += 2
            before[one], after[one] = before[v], after[w]
            back[one], ahead[one] = back[v], ahead[w]
            ahead[back[v]], back[ahead[w]] = one, one
            alive[v], alive[w] = False, False
            corners += 1
        for z in range(one, corners):
            node[z], alive[z] = points, True
            speed[z, 0], speed[z, 1], facing[z] = _speed(
                normal, pace, before[z], after[z], parallel
            )
        points += 1
        for z in range(one, corners):
            if not alive[z]:
                continue
            other = ahead[z]
            if other == z:
                alive[z] = False
            elif ahead[other] == z:
                # Two fronts are left and lie upon each other: a ridge between them.
                arcs[ways] = node[other], node[z], before[other], after[other]
                ways += 1
                alive[z] = alive[other] = False
    return nodes[:points], arcs[:ways], False
