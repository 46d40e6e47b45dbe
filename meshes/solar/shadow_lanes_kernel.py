"""Fill shadows for eight neighbouring directions at once: the quick way of `shadow`.

Neighbouring directions meet the same bodies from the same facets. So bodies are looked up
once for all of them, and the arithmetic is done for eight directions in a row, which
compilers turn into vector instructions. A direction is a *lane*; where arrays have a last
axis of ``LANES``, it is theirs.

The silhouette of an upright convex block is drawn wall by wall: a wall that faces the
light gives its foot, any other its top, and where two neighbours differ, the upright edge
between them. What gets behind a facet is cut off in space: of a block by a plumb plane or
a level one a block remains, of a convex polygon a convex polygon.

All arguments are as in `shadow_kernel`, whose answers these are. What both do is written
in both: there for single numbers, here for vectors that must stay in registers.
"""
# mypy: ignore-errors

import numpy as np

from meshes.solar.shadow_kernel import (
    ALL,
    GRAZING,
    LEVEL,
    ONE,
    SLACK,
    compiled,
    sort_into_bins,
)
from meshes.solar.vectors_kernel import (
    COUNT,
    any_of,
    as_words,
    ceiling,
    common,
    floor,
    largest,
    least,
    load,
    pick,
    size,
    spread_word,
    store,
    without,
)

LANES = COUNT
"""Directions that are cast at once."""

STRIP = 63
"""Columns of a facet whose bits share a word while it is drawn."""

AX, AY, AZ, BX, BY, BZ, DX, DY, DZ = range(9)
"""Rows of the table of lanes: what a step east, north and up moves the shadow on the grid,
in columns (A) and rows (B); the direction."""


@compiled
def _rows_between(low, high, row0, row1):
    """Return the first and last of the rows row0..row1 whose middles lie in low..high."""
    first = np.int64(np.ceil(max(min(low, row1 + 2.0), -1.0) - 0.5))
    last = np.int64(np.ceil(max(min(high, row1 + 2.0), -1.0) - 0.5)) - 1
    return max(row0, first), min(row1, last)


@compiled
def _aim(cx, cy, cz, ex, ey, ez, nx, ny, nz, lanes):
    """Fill the table of lanes for a facet; those it is turned away from throw nothing.

    c and e are the steps of columns and rows. Returns whether any lane is faced.
    """
    # Columns count along c: by the plane through e and the normal, and vice versa.
    ax, ay, az = ey * nz - ez * ny, ez * nx - ex * nz, ex * ny - ey * nx
    bx, by, bz = ny * cz - nz * cy, nz * cx - nx * cz, nx * cy - ny * cx
    scale = 1.0 / (ax * cx + ay * cy + az * cz)
    ax, ay, az = ax * scale, ay * scale, az * scale
    scale = 1.0 / (bx * ex + by * ey + bz * ez)
    bx, by, bz = bx * scale, by * scale, bz * scale
    dx, dy, dz = load(lanes, DX), load(lanes, DY), load(lanes, DZ)
    cosine = nx * dx + ny * dy + nz * dz
    faced = cosine > GRAZING
    if not any_of(faced):
        return False
    along = (ax * dx + ay * dy + az * dz) / cosine
    across = (bx * dx + by * dy + bz * dz) / cosine
    store(lanes, AX, pick(faced, ax - nx * along, 0.0))
    store(lanes, AY, pick(faced, ay - ny * along, 0.0))
    store(lanes, AZ, pick(faced, az - nz * along, 0.0))
    store(lanes, BX, pick(faced, bx - nx * across, 0.0))
    store(lanes, BY, pick(faced, by - ny * across, 0.0))
    store(lanes, BZ, pick(faced, bz - nz * across, 0.0))
    return True


@compiled
def _meets(lanes, x, y, z, hx, hy, hz, nu, row0, row1):
    """Tell whether a box may shade the rows row0..row1 of a facet in any lane.

    The box is given by its centre, seen from the facet's corner, and its half extent.
    """
    ax, ay, az = load(lanes, AX), load(lanes, AY), load(lanes, AZ)
    bx, by, bz = load(lanes, BX), load(lanes, BY), load(lanes, BZ)
    a = x * ax + y * ay + z * az
    b = x * bx + y * by + z * bz
    c = hx * size(ax) + hy * size(ay) + hz * size(az) + SLACK
    d = hx * size(bx) + hy * size(by) + hz * size(bz) + SLACK
    return any_of(
        (a + c >= 0.5) & (a - c <= nu - 0.5) & (b + d >= row0 + 0.5) & (b - d <= row1 + 0.5)
    )


@compiled
def _place_walls(plan, n, base, top, lanes, ends):
    """Write both ends of each wall's part of the silhouette, in grid coordinates.

    ``plan`` has the corners, the first once more at the end. Of wall k, row 4 k of
    ``ends`` is the column and 4 k + 1 the row where it starts; the next two, where it ends.
    """
    ax, ay, az = load(lanes, AX), load(lanes, AY), load(lanes, AZ)
    bx, by, bz = load(lanes, BX), load(lanes, BY), load(lanes, BZ)
    dx, dy, below = load(lanes, DX), load(lanes, DY), load(lanes, DZ) < 0.0
    a_base, a_top, b_base, b_top = base * az, top * az, base * bz, top * bz
    x0, y0 = plan[0, 0], plan[0, 1]
    p, q = x0 * ax + y0 * ay, x0 * bx + y0 * by
    for k in range(n):
        x1, y1 = plan[k + 1, 0], plan[k + 1, 1]
        low = ((y1 - y0) * dx - (x1 - x0) * dy > 0.0) ^ below
        a, b = pick(low, a_base, a_top), pick(low, b_base, b_top)
        store(ends, 4 * k, p + a)
        store(ends, 4 * k + 1, q + b)
        p, q = x1 * ax + y1 * ay, x1 * bx + y1 * by
        store(ends, 4 * k + 2, p + a)
        store(ends, 4 * k + 3, q + b)
        x0, y0 = x1, y1


@compiled
def _place_polygon(space, n, nx, ny, nz, side, lanes, ends):
    """Write both ends of each edge of a polygon, as `_place_walls`.

    In lanes in which it is not drawn all of it falls on one point.
    """
    slant = nx * load(lanes, DX) + ny * load(lanes, DY) + nz * load(lanes, DZ)
    drawn = (size(slant) >= GRAZING) & (slant * (side * 1.0) >= 0.0)
    ax, ay, az = (
        pick(drawn, load(lanes, AX), 0.0),
        pick(drawn, load(lanes, AY), 0.0),
        pick(drawn, load(lanes, AZ), 0.0),
    )
    bx, by, bz = (
        pick(drawn, load(lanes, BX), 0.0),
        pick(drawn, load(lanes, BY), 0.0),
        pick(drawn, load(lanes, BZ), 0.0),
    )
    for k in range(n):
        for end in range(2):
            x, y, z = space[k + end, 0], space[k + end, 1], space[k + end, 2]
            store(ends, 4 * k + 2 * end, x * ax + y * ay + z * az)
            store(ends, 4 * k + 2 * end + 1, x * bx + y * by + z * bz)


@compiled
def _rows_met(ends, n, nu, row0, row1):
    """Return first and last row among row0..row1 that any lane's outline reaches."""
    left = right = load(ends, 0)
    low = high = load(ends, 1)
    for k in range(1, 2 * n):
        x, y = load(ends, 2 * k), load(ends, 2 * k + 1)
        left, right = pick(x < left, x, left), pick(x > right, x, right)
        low, high = pick(y < low, y, low), pick(y > high, y, high)
    met = (right >= 0.5) & (left <= nu - 0.5)
    lowest = least(pick(met, low, np.inf))
    highest = largest(pick(met, high, -np.inf))
    return _rows_between(lowest, highest, row0, row1)


@compiled
def _cross(ends, p, q, row0, row1, crossing):
    """Widen the crossings of the rows row0..row1 by the edge from p to q of ``ends``."""
    ya, yb = load(ends, p + 1), load(ends, q + 1)
    # The lower end first: neighbours that share this edge compute the very same
    # crossings and leave no seam.
    rising = ya < yb
    low, high = pick(rising, ya, yb), pick(rising, yb, ya)
    first, last = _rows_between(least(low), largest(high), row0, row1)
    if last < first:
        return
    xa, xb = load(ends, p), load(ends, q)
    # An edge along a row crosses none; its slope must only be finite.
    rise = pick(low < high, high - low, 1.0)
    xl, xh = pick(rising, xa, xb), pick(rising, xb, xa)
    slope = (xh - xl) / rise
    start = xl + (0.5 - low) * slope
    for r in range(first, last + 1):
        x = start + r * slope
        crossed = (low <= r + 0.5) & (high > r + 0.5)
        a, b = load(crossing, 2 * r), load(crossing, 2 * r + 1)
        store(crossing, 2 * r, pick(crossed & (x < a), x, a))
        store(crossing, 2 * r + 1, pick(crossed & (x > b), x, b))


@compiled
def _fill(crossing, row0, row1, nu, strips, line):
    """Fill the spans between the crossings and forget these."""
    for r in range(row0, row1 + 1):
        a, b = load(crossing, 2 * r), load(crossing, 2 * r + 1)
        store(crossing, 2 * r, np.inf)
        store(crossing, 2 * r + 1, -np.inf)
        for s in range(strips):
            left = s * STRIP * 1.0
            right = min(left + STRIP, nu * 1.0)
            c = pick(a > left, pick(a < right, a, right), left)
            d = pick(b > left, pick(b < right, b, right), left)
            first = as_words(ceiling(c - 0.5) - left)
            stop = as_words(floor(d - 0.5) - (left - 1.0))
            at = r * strips + s
            span = without(spread_word(ALL) << first, spread_word(ALL) << stop)
            store(line, at, load(line, at) | span)


@compiled
def _is_dark(line, row, strips, nu):
    """Tell whether a row is full in all lanes."""
    for s in range(strips):
        whole = (ONE << np.uint64(min(nu - s * STRIP, STRIP))) - ONE
        if common(load(line, row * strips + s)) != whole:
            return False
    return True


@compiled
def _open(mask, word, nu, nv, strips, nx, ny, nz, lanes, line):
    """Write the rows of a facet before anything is drawn.

    Cells without sensor count as blocked already, so that a facet is full as soon as all
    of its sensors are; so does all of it in lanes that it is turned away from.
    """
    cosine = nx * load(lanes, DX) + ny * load(lanes, DY) + nz * load(lanes, DZ)
    faced = cosine > GRAZING
    at = 0
    for r in range(nv):
        for s in range(strips):
            width = min(nu - s * STRIP, STRIP)
            whole = (ONE << np.uint64(width)) - ONE
            w, shift = word + (at >> 6), np.uint64(at & 63)
            bits = mask[w] >> shift
            bits |= (mask[w + 1] << ONE) << (np.uint64(63) - shift)
            store(
                line,
                r * strips + s,
                pick(faced, spread_word(~bits & whole), spread_word(whole)),
            )
            at += width


@compiled
def _pack(line, nu, nv, strips, packed, word, count, blocked):
    """Write the rows of a facet one behind the other."""
    at = 0
    bits = spread_word(np.uint64(0))
    for r in range(nv):
        for s in range(strips):
            width = min(nu - s * STRIP, STRIP)
            row = load(line, r * strips + s)
            bits = bits | (row << np.uint64(at))
            at += width
            if at >= 64:
                store(packed, 0, bits)
                for lane in range(count):
                    blocked[lane, word] = packed[0, lane]
                word += 1
                at -= 64
                bits = row >> np.uint64(width - at)
    if at > 0:
        store(packed, 0, bits)
        for lane in range(count):
            blocked[lane, word] = packed[0, lane]


@compiled
def _cut_ring(rings, first, n, cx, cy, nx, ny, epsilon, plan):
    """Write a block's corners, seen from (cx, cy), less what lies behind a plumb plane.

    Returns the number of corners left; the first is written once more.
    """
    count = 0
    px, py = rings[first + n - 1, 0] - cx, rings[first + n - 1, 1] - cy
    before = px * nx + py * ny - epsilon
    for k in range(n):
        x, y = rings[first + k, 0] - cx, rings[first + k, 1] - cy
        here = x * nx + y * ny - epsilon
        if (here > 0) != (before > 0):
            # From the corner in front: a neighbour that shares the wall is cut at the
            # very same point.
            if here > 0:
                share = here / (here - before)
                plan[count, 0], plan[count, 1] = x + share * (px - x), y + share * (py - y)
            else:
                share = before / (before - here)
                plan[count, 0], plan[count, 1] = (
                    px + share * (x - px),
                    py + share * (y - py),
                )
            count += 1
        if here > 0:
            plan[count, 0], plan[count, 1] = x, y
            count += 1
        px, py, before = x, y, here
    plan[count, 0], plan[count, 1] = plan[0, 0], plan[0, 1]
    return count


@compiled
def _cut_polygon(vertices, first, n, c, normal, epsilon, space):
    """Write a polygon's corners, seen from c, less what lies behind a plane."""
    cx, cy, cz = c
    nx, ny, nz = normal
    count = 0
    last = first + n - 1
    px, py, pz = vertices[last, 0] - cx, vertices[last, 1] - cy, vertices[last, 2] - cz
    before = px * nx + py * ny + pz * nz - epsilon
    for k in range(first, first + n):
        x, y, z = vertices[k, 0] - cx, vertices[k, 1] - cy, vertices[k, 2] - cz
        here = x * nx + y * ny + z * nz - epsilon
        if (here > 0) != (before > 0):
            if here > 0:
                share = here / (here - before)
                space[count, 0] = x + share * (px - x)
                space[count, 1] = y + share * (py - y)
                space[count, 2] = z + share * (pz - z)
            else:
                share = before / (before - here)
                space[count, 0] = px + share * (x - px)
                space[count, 1] = py + share * (y - py)
                space[count, 2] = pz + share * (z - pz)
            count += 1
        if here > 0:
            space[count, 0], space[count, 1], space[count, 2] = x, y, z
            count += 1
        px, py, pz, before = x, y, z, here
    for i in range(3):
        space[count, i] = space[0, i]
    return count


@compiled
def _may_meet(
    first, end, u0, u1, v0, v1, far, left, right, lower, upper, near, du, dv, flags, hits
):
    """List the items that a facet may meet in any lane; return how many there are.

    Lanes part by ``du`` and ``dv`` a metre of distance. Two sweeps without branches, whose
    outcome would be hard to predict; the first works on many items at once.
    """
    for k in range(first, end):
        away = far[k] - near
        flags[k - first] = (
            (away >= 0)
            & (u1[k] + away * du >= left)
            & (u0[k] - away * du <= right)
            & (v1[k] + away * dv >= lower)
            & (v0[k] - away * dv <= upper)
        )
    count = np.uint64(0)
    for k in range(first, end):
        hits[count] = k
        count += np.uint64(flags[k - first])
    return count


@compiled
def cast_lanes(directions, count, receivers, blocks, polygons, longest, epsilon, blocked):
    """Fill the blocked bits of all facets for ``count`` directions, at most `LANES`.

    ``directions`` (LANES, 3) are near each other and point up; those beyond ``count``
    repeat others. All polygons are convex.
    """
    corner, cell1, cell2, facet_normal, shape, bit_start, mask, seen = receivers
    rings, ring_start, span, faces = blocks
    vertices, _, start, normal, _, side, _, boxes = polygons
    n_blocks = span.shape[0]
    wx, wy, wz = 0.0, 0.0, 0.0
    for lane in range(LANES):
        wx, wy, wz = (
            wx + directions[lane, 0],
            wy + directions[lane, 1],
            wz + directions[lane, 2],
        )
    length = np.sqrt(wx * wx + wy * wy + wz * wz)
    wx, wy, wz = wx / length, wy / length, wz / length
    if abs(wz) < 0.9:
        length = np.sqrt(wx * wx + wy * wy)
        ux, uy, uz = -wy / length, wx / length, 0.0
    else:
        length = np.sqrt(wy * wy + wz * wz)
        ux, uy, uz = 0.0, -wz / length, wy / length
    vx, vy, vz = wy * uz - wz * uy, wz * ux - wx * uz, wx * uy - wy * ux
    swing, part_u, part_v, lowest_dz = 0.0, 0.0, 0.0, 1.0
    for lane in range(LANES):
        dx, dy, dz = directions[lane, 0], directions[lane, 1], directions[lane, 2]
        away = dx * wx + dy * wy + dz * wz
        part_u = max(part_u, abs(dx * ux + dy * uy + dz * uz) / away)
        part_v = max(part_v, abs(dx * vx + dy * vy + dz * vz) / away)
        swing = max(swing, np.sqrt((dx - wx) ** 2 + (dy - wy) ** 2 + (dz - wz) ** 2))
        lowest_dz = min(lowest_dz, dz)
    part_u, part_v = part_u * (1 + 1e-6) + 1e-7, part_v * (1 + 1e-6) + 1e-7
    bounds, bin_start, items, _, umin, vmin, least, columns, rows, width = sort_into_bins(
        (wx, wy, wz), (ux, uy, uz), (vx, vy, vz),
        blocks, polygons, seen, swing, part_u, part_v,
    )  # fmt: skip
    u0, u1, v0, v1, far = bounds[0], bounds[1], bounds[2], bounds[3], bounds[4]
    farthest = far.max() if far.shape[0] else np.float32(0.0)
    highest = -np.inf
    for b in range(boxes.shape[0]):
        highest = max(highest, boxes[b, 2] + boxes[b, 5])
    seen_by = np.full(faces.shape[0], -1, np.int32)
    hits = np.empty(items.shape[0] + 1, np.int32)
    flags = np.empty(items.shape[0] + 1, np.uint8)
    lanes = np.zeros((9, LANES))
    for lane in range(LANES):
        for x in range(3):
            lanes[DX + x, lane] = directions[lane, x]
    outline = np.empty((2 * longest + 4, 3))
    ends = np.empty((8 * longest + 16, LANES))
    most_rows, most_words = 0, 0
    for f in range(shape.shape[0]):
        most_rows = max(most_rows, shape[f, 1])
        most_words = max(most_words, shape[f, 1] * ((shape[f, 0] + STRIP - 1) // STRIP))
    crossing = np.empty((2 * most_rows, LANES))
    for r in range(most_rows):
        store(crossing, 2 * r, np.inf)
        store(crossing, 2 * r + 1, -np.inf)
    line = np.empty((most_words, LANES), np.uint64)
    packed = np.empty((1, LANES), np.uint64)
    for f in range(corner.shape[0]):
        nu, nv = shape[f, 0], shape[f, 1]
        w0 = bit_start[f] >> 6
        nx, ny, nz = facet_normal[f, 0], facet_normal[f, 1], facet_normal[f, 2]
        c1x, c1y, c1z = cell1[f, 0], cell1[f, 1], cell1[f, 2]
        c2x, c2y, c2z = cell2[f, 0], cell2[f, 1], cell2[f, 2]
        if not _aim(c1x, c1y, c1z, c2x, c2y, c2z, nx, ny, nz, lanes):
            for lane in range(count):
                for w in range(w0, ((bit_start[f] + nu * nv - 1) >> 6) + 1):
                    blocked[lane, w] = ALL
            continue
        cx, cy, cz = corner[f, 0], corner[f, 1], corner[f, 2]
        strips = (nu + STRIP - 1) // STRIP
        _open(mask, w0, nu, nv, strips, nx, ny, nz, lanes, line)
        row0, row1 = 0, nv - 1  # rows outside row0..row1 are full
        px, py, pz = c1x * nu, c1y * nu, c1z * nu
        qx, qy, qz = c2x * nv, c2y * nv, c2z * nv
        near = cx * wx + cy * wy + cz * wz - least
        near += min(0.0, px * wx + py * wy + pz * wz) + min(
            0.0, qx * wx + qy * wy + qz * wz
        )
        left = cx * ux + cy * uy + cz * uz - umin
        pu, qu = px * ux + py * uy + pz * uz, qx * ux + qy * uy + qz * uz
        right = left + max(0.0, pu) + max(0.0, qu)
        left += min(0.0, pu) + min(0.0, qu)
        lower = cx * vx + cy * vy + cz * vz - vmin
        pv, qv = px * vx + py * vy + pz * vz, qx * vx + qy * vy + qz * vz
        upper = lower + max(0.0, pv) + max(0.0, qv)
        lower += min(0.0, pv) + min(0.0, qv)
        # Beyond this distance rays have risen above everything.
        rise = highest - (cz + min(0.0, pz) + min(0.0, qz))
        reach = max(0.0, farthest - near)
        if lowest_dz > 1e-3:
            reach = min(reach, max(0.0, rise) / lowest_dz)
        i0 = max(0, int(np.floor((left - reach * part_u) / width)))
        i1 = min(columns - 1, int(np.floor((right + reach * part_u) / width)))
        j0 = max(0, int(np.floor((lower - reach * part_v) / width)))
        j1 = min(rows - 1, int(np.floor((upper + reach * part_v) / width)))
        level = (abs(nx) < LEVEL) & (abs(ny) < LEVEL) & (nz > 0)
        plumb = abs(nz) < LEVEL
        rest_of_plane = cx * nx + cy * ny + cz * nz + epsilon
        full = False
        for i in range(i0, i1 + 1):
            if full:
                break
            for j in range(j0, j1 + 1):
                if full:
                    break
                near_by = _may_meet(
                    np.uint64(bin_start[i * rows + j]),
                    np.uint64(bin_start[i * rows + j + 1]),
                    u0, u1, v0, v1, far,
                    np.float32(left), np.float32(right),
                    np.float32(lower), np.float32(upper), np.float32(near),
                    np.float32(part_u), np.float32(part_v),
                    flags, hits,
                )  # fmt: skip
                for hit in range(near_by):
                    body = np.int64(items[hits[hit]])
                    if seen_by[body] == f:
                        continue
                    seen_by[body] = f
                    mx, my, mz = boxes[body, 0], boxes[body, 1], boxes[body, 2]
                    hx, hy, hz = boxes[body, 3], boxes[body, 4], boxes[body, 5]
                    middle = mx * nx + my * ny + mz * nz
                    half = hx * abs(nx) + hy * abs(ny) + hz * abs(nz)
                    if middle + half + SLACK <= rest_of_plane:
                        continue
                    if (
                        _meets(lanes, mx - cx, my - cy, mz - cz, hx, hy, hz, nu, row0, row1)
                        == 0
                    ):
                        continue
                    straddles = middle - half <= rest_of_plane
                    drawn = False
                    first_face = last_face = faces[body, 0]
                    if (body < n_blocks) & ((not straddles) | level | plumb):
                        base, top = span[body, 0] - cz, span[body, 1] - cz
                        if level:
                            if top <= epsilon:
                                continue
                            base = max(base, epsilon)
                        first = ring_start[body]
                        n = ring_start[body + 1] - first
                        if plumb and straddles:
                            n = _cut_ring(rings, first, n, cx, cy, nx, ny, epsilon, outline)
                            if n < 3:
                                continue
                        else:
                            for k in range(n):
                                outline[k, 0] = rings[first + k, 0] - cx
                                outline[k, 1] = rings[first + k, 1] - cy
                            outline[n, 0], outline[n, 1] = outline[0, 0], outline[0, 1]
                        _place_walls(outline, n, base, top, lanes, ends)
                        r0, r1 = _rows_met(ends, n, nu, row0, row1)
                        if r1 < r0:
                            continue
                        before = n - 1
                        for k in range(n):
                            _cross(ends, 4 * before + 2, 4 * k, r0, r1, crossing)
                            _cross(ends, 4 * k, 4 * k + 2, r0, r1, crossing)
                            before = k
                        _fill(crossing, r0, r1, nu, strips, line)
                        drawn = True
                    else:
                        last_face = faces[body, 1]
                    for p in range(first_face, last_face):
                        first = start[p]
                        n = start[p + 1] - first
                        if straddles:
                            n = _cut_polygon(
                                vertices, first, n,
                                (cx, cy, cz), (nx, ny, nz), epsilon, outline,
                            )  # fmt: skip
                            if n < 3:
                                continue
                        else:
                            for k in range(n):
                                outline[k, 0] = vertices[first + k, 0] - cx
                                outline[k, 1] = vertices[first + k, 1] - cy
                                outline[k, 2] = vertices[first + k, 2] - cz
                            for x in range(3):
                                outline[n, x] = outline[0, x]
                        _place_polygon(
                            outline, n,
                            normal[p, 0], normal[p, 1], normal[p, 2], side[p], lanes, ends,
                        )  # fmt: skip
                        r0, r1 = _rows_met(ends, n, nu, row0, row1)
                        if r1 < r0:
                            continue
                        for k in range(n):
                            _cross(ends, 4 * k, 4 * k + 2, r0, r1, crossing)
                        _fill(crossing, r0, r1, nu, strips, line)
                        drawn = True
                    if drawn:
                        while row0 <= row1 and _is_dark(line, row0, strips, nu):
                            row0 += 1
                        while row0 <= row1 and _is_dark(line, row1, strips, nu):
                            row1 -= 1
                        if row0 > row1:
                            full = True
                            break
        _pack(line, nu, nv, strips, packed, w0, count, blocked)
