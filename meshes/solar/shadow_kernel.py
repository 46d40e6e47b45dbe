"""Fill the shadows of polygons on sensor grids: the compiled part of `shadow`.

Arguments are the tuples that `shadow.make_caster` lays out. Directions are unit vectors
towards the light; u and v span the plane across it. A facet's grid coordinates are cells
along its two axes, so that the centre of cell (i, j) is (i + 0.5, j + 0.5).

All of it is one file because numba's cache of compiled code notices changes only in the
file of the outermost function.
"""

import numba
import numpy as np

GRAZING = 1e-9
"""Cosine below which a facet is turned away, or a polygon seen edge-on."""

SLACK = 1e-6
"""Widening of the quick bounds against rounding [cells]; spans decide exactly."""

BIN = 30.0
"""Width of the bins that sort bodies in the plane across the direction [m]."""

MOST_BINS = 512
"""Bins along each side of that plane: one stray polygon far away must not fill memory."""

MARGIN = 1e-3
"""Widening of boxes that are left out against rounding [m]."""

BUCKETS = 1024
"""Classes of distance along the direction that put the bodies in order."""

LEVEL = 1e-12
"""Slope of a normal that is taken for rounding: the facet is level or plumb."""

NARROW = 63
"""Most cells in a row of the facets whose rows are kept in one word each."""

SMALL = 7
"""Most corners of the silhouettes that have a quicker way of their own."""


ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
ONE = np.uint64(1)

compiled = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"nnan", "nsz"})
"""Never with ``inline="always"``: arrays handed to such a function are counted as in use
and as free again with locked instructions, which cost more than what the function does."""


@compiled
def _fill(bits, first, stop):
    """Set the bits first <= k < stop."""
    w0 = first >> 6
    w1 = (stop - 1) >> 6
    head = ALL << np.uint64(first & 63)
    tail = ALL >> np.uint64(63 - ((stop - 1) & 63))
    if w0 == w1:
        bits[w0] |= head & tail
    else:
        bits[w0] |= head
        for w in range(w0 + 1, w1):
            bits[w] = ALL
        bits[w1] |= tail


@compiled
def _cross_convex(gx, gy, corners, r0, r1, crossing):
    """Find where the outline of a convex polygon crosses the rows r0..r1 within its height.

    Each of them is crossed once on the way up and once on the way down, so that nothing
    has to be counted or sorted.
    """
    for k in range(corners):
        m = k + 1 if k + 1 < corners else 0
        # The lower end first: neighbours that share this edge compute the very same
        # crossings and leave no seam.
        rising = gy[k] < gy[m]
        low, high = (k, m) if rising else (m, k)
        ya, yb = gy[low], gy[high]
        if ya > r1 + 0.5 or yb <= r0 + 0.5:
            continue
        # Rows whose centre yc has ya <= yc < yb.
        ra = max(r0, np.int64(np.ceil(max(ya, -1.0) - 0.5)))
        rb = min(r1, np.int64(np.ceil(min(yb, r1 + 2.0) - 0.5)) - 1)
        if rb < ra or ra < 0:
            continue
        slope = (gx[high] - gx[low]) / (yb - ya)
        start = gx[low] + (0.5 - ya) * slope
        side = 0 if rising else 1
        for r in range(ra, rb + 1):
            crossing[side, r] = start + r * slope


@compiled
def _paint_small(gx, gy, edges, r0, r1, nu, line):
    """Fill a convex outline of ``SMALL`` edges on the rows r0..r1 of a narrow facet.

    Rows are done four at a time and without a branch; an edge that does not cross a row,
    and rows beyond the outline, change nothing.
    """
    for k in range(SMALL):
        # The lower end first: neighbours that share this edge compute the very same
        # crossings and leave no seam.
        rising = gy[k] < gy[k + 1]
        xa = gx[k] if rising else gx[k + 1]
        ya = gy[k] if rising else gy[k + 1]
        xb = gx[k + 1] if rising else gx[k]
        yb = gy[k + 1] if rising else gy[k]
        edges[k] = ya
        edges[SMALL + k] = yb
        slope = (xb - xa) / (yb - ya)
        edges[2 * SMALL + k] = xa + (0.5 - ya) * slope
        edges[3 * SMALL + k] = slope
    width = nu * 1.0
    for r in range(np.uint64(r0), np.uint64(r0 + ((r1 - r0 + 4) & ~3))):
        y = np.float64(np.int64(r)) + 0.5
        a = np.inf
        b = -np.inf
        for k in range(SMALL):
            crossed = (edges[k] <= y) & (y < edges[SMALL + k])
            x = edges[2 * SMALL + k] + (y - 0.5) * edges[3 * SMALL + k]
            a = x if crossed & (x < a) else a
            b = x if crossed & (x > b) else b
        first = np.uint64(np.int64(np.ceil(min(max(a, 0.0), width) - 0.5)))
        stop = np.uint64(np.int64(np.floor(min(max(b, 0.0), width) - 0.5)) + 1)
        line[r] |= (ALL << first) & ~(ALL << stop)


@compiled
def _pack_rows(line, nu, nv, blocked, word):
    """Write the rows of a narrow facet one behind the other."""
    bits = np.uint64(0)
    at = 0
    for r in range(nv):
        bits |= line[r] << np.uint64(at)
        at += nu
        if at >= 64:
            blocked[word] = bits
            word += 1
            at -= 64
            bits = line[r] >> np.uint64(nu - at)
    if at > 0:
        blocked[word] = bits


@compiled
def _cross_any(
    gx,
    gy,
    edge_end,
    first,
    corners,
    r0,
    r1,
    nv,
    nu,
    crossing,
    found,
):
    """Find and sort the crossings of any polygon; return the most spans in a row."""
    for r in range(r0, r1 + 1):
        found[r] = 0
    most = 0
    for k in range(corners):
        m = edge_end[first + k] - first
        low, high = (k, m) if gy[k] < gy[m] else (m, k)
        ya, yb = gy[low], gy[high]
        if ya > r1 + 0.5 or yb <= r0 + 0.5:
            continue
        ra = max(r0, int(np.ceil(max(ya, -1.0) - 0.5)))
        rb = min(r1, int(np.ceil(min(yb, nv + 1.0) - 0.5)) - 1)
        if rb < ra or ra < 0:
            continue
        slope = (gx[high] - gx[low]) / (yb - ya)
        start = gx[low] + (0.5 - ya) * slope
        for r in range(ra, rb + 1):
            x = start + r * slope
            t = found[r]
            found[r] = t + 1
            most = max(most, t + 1)
            while t > 0 and crossing[t - 1, r] > x:
                crossing[t, r] = crossing[t - 1, r]
                t -= 1
            crossing[t, r] = x
    for r in range(r0, r1 + 1):  # rows with fewer crossings get empty spans
        for t in range(found[r], most):
            crossing[t, r] = nu + 1.0
    return (most + 1) // 2


@compiled
def _round_spans(crossing, pair, r0, r1, nu, span0, span1):
    """Turn a pair of crossings into first cell and end of each row's span."""
    for r in range(max(r0, 0), r1 + 1):
        a = min(crossing[pair, r], crossing[pair + 1, r])
        b = max(crossing[pair, r], crossing[pair + 1, r])
        span0[r] = np.int32(np.ceil(min(max(a, 0.0), nu + 1.0) - 0.5))
        span1[r] = np.int32(np.floor(min(max(b, 0.0), nu * 1.0) - 0.5)) + np.int32(1)


@compiled
def _clip_spans(h0, hx, hy, r0, r1, nu, span0, span1):
    """Cut the spans where the height over the facet, h0 + hx x + hy y, is not positive."""
    for r in range(max(r0, 0), r1 + 1):
        rest = h0 + hy * (r + 0.5)
        if hx > 0:
            cut = min(max(-rest / hx, 0.0), nu + 1.0)
            span0[r] = max(span0[r], np.int32(np.ceil(cut - 0.5)))
        elif hx < 0:
            cut = min(max(-rest / hx, 0.0), nu + 1.0)
            span1[r] = min(span1[r], np.int32(np.floor(cut - 0.5)) + np.int32(1))
        elif rest <= 0:
            span1[r] = 0


@compiled
def _is_full(bits, first, count):
    """Tell whether ``count`` bits from ``first`` on are all set."""
    w0 = first >> 6
    w1 = (first + count - 1) >> 6
    head = ALL << np.uint64(first & 63)
    tail = ALL >> np.uint64(63 - ((first + count - 1) & 63))
    if w0 == w1:
        return (bits[w0] | ~(head & tail)) == ALL
    if (bits[w0] | ~head) != ALL or (bits[w1] | ~tail) != ALL:
        return False
    for w in range(w0 + 1, w1):
        if bits[w] != ALL:
            return False
    return True


@compiled
def _extent(ou, ov, au, av, bu, bv, nu, row0, row1):
    """Return the bounds of grid rows row0..row1 in the plane across the direction."""
    u0 = ou + row0 * bu
    v0 = ov + row0 * bv
    rows = row1 - row0
    return (
        u0 + min(0.0, nu * au) + min(0.0, rows * bu),
        u0 + max(0.0, nu * au) + max(0.0, rows * bu),
        v0 + min(0.0, nu * av) + min(0.0, rows * bv),
        v0 + max(0.0, nu * av) + max(0.0, rows * bv),
    )


@compiled
def _dot(a, i, x, y, z):
    """Return the scalar product of row i with (x, y, z); scalars, as slices cost more."""
    return a[i, 0] * x + a[i, 1] * y + a[i, 2] * z


@compiled
def _outline_of_block(b, d, casters, pu, pv, u, v, first):
    """Write the corners of a block's silhouette, seen against d, behind those of all faces.

    Below the walls that face d it follows the ground face, else the roof; where it changes
    from one to the other it takes the upright edge. Returns the number of corners. For
    `newcomer_kernel`, which reads `Caster.casters`.
    """
    vertices, start, roof, base = casters[0], casters[2], casters[7], casters[8]
    ring = start[roof[b]]
    n = start[roof[b] + 1] - ring
    count = 0
    px, py = vertices[ring + n - 1, 0], vertices[ring + n - 1, 1]
    qx, qy = vertices[ring, 0], vertices[ring, 1]
    was_lit = (qy - py) * d[0] - (qx - px) * d[1] > 0.0  # wall before the first corner
    for k in range(n):
        x, y, top = qx, qy, vertices[ring + k, 2]
        following = ring + (k + 1 if k + 1 < n else 0)
        qx, qy = vertices[following, 0], vertices[following, 1]
        is_lit = (qy - y) * d[0] - (qx - x) * d[1] > 0.0
        for turn in range(2):
            low = was_lit if turn == 0 else is_lit
            if turn == 1 and is_lit == was_lit:
                continue
            z = base[b] if low else top
            pu[first + count] = x * u[0] + y * u[1] + z * u[2]
            pv[first + count] = x * v[0] + y * v[1] + z * v[2]
            count += 1
        was_lit = is_lit
    return count


@compiled
def _outline_blocks(dx, dy, above, ring, ring_start, span, shown):
    """Return the closed silhouettes of the blocks shown, seen against the direction.

    Seen from above the outline runs along the ground below the walls that face the
    direction and along the roof elsewhere, seen from below the other way round; where it
    changes from one to the other it takes the upright edge.

    Returns
    -------
    (n, 3) float, (b,) int, (b,) int
        Corners [m]; where each block starts; its corners. They are followed by the first
        of them once more, and again until there are more than ``SMALL``.
    """
    outline = np.empty((2 * ring.shape[0] + (SMALL + 1) * span.shape[0], 3))
    outline_start = np.empty(span.shape[0], np.int64)
    corners = np.empty(span.shape[0], np.int64)
    n = 0
    for b in range(span.shape[0]):
        first, last = ring_start[b], ring_start[b + 1] - 1
        outline_start[b] = n
        if not shown[b]:
            corners[b] = 0
            continue
        is_lit = ring[last, 3] * dx - ring[last, 2] * dy > 0.0
        before = span[b, np.int64(is_lit != above)]
        for k in range(first, last + 1):
            is_lit = ring[k, 3] * dx - ring[k, 2] * dy > 0.0
            z = span[b, np.int64(is_lit != above)]
            outline[n, 0], outline[n, 1], outline[n, 2] = ring[k, 0], ring[k, 1], before
            n += 1
            outline[n, 0], outline[n, 1], outline[n, 2] = ring[k, 0], ring[k, 1], z
            n += np.int64(z != before)
            before = z
        corners[b] = n - outline_start[b]
        start = outline_start[b]
        for _ in range(max(1, SMALL + 1 - corners[b])):
            for c in range(3):
                outline[n, c] = outline[start, c]
            n += 1
    return outline, outline_start, corners


@compiled
def _cut_outline(plan, height, n, z, z_cut, az, bz, gx, gy):
    """Cut an outline where it gets behind a plumb plane; return the number of corners.

    ``plan`` has its corners in grid coordinates, ``height`` their heights over the plane.
    The cut is turned away from the light and seen at ``z_cut``.
    """
    count = 0
    for k in range(n):
        here = height[k] > 0
        gx[count], gy[count] = plan[k, 0], plan[k, 1]
        count += np.int64(here)
        if here != (height[k + 1] > 0):
            # From the corner in front: a neighbour that shares the wall is cut at the
            # very same point.
            front, back = (k, k + 1) if here else (k + 1, k)
            share = height[front] / (height[front] - height[back])
            x = plan[front, 0] + share * (plan[back, 0] - plan[front, 0])
            y = plan[front, 1] + share * (plan[back, 1] - plan[front, 1])
            sx, sy = x + (z_cut - z[k]) * az, y + (z_cut - z[k]) * bz
            gx[count], gy[count] = (x, y) if here else (sx, sy)
            gx[count + 1], gy[count + 1] = (sx, sy) if here else (x, y)
            count += 2
    gx[count], gy[count] = gx[0], gy[0]
    return count


@compiled
def _heights(outline, first, count, cx, cy, nx, ny, epsilon, height):
    """Write the heights of an outline over a plumb plane; return the least and the most."""
    lowest = np.inf
    highest = -np.inf
    for k in range(count):
        sx, sy = outline[first + k, 0] - cx, outline[first + k, 1] - cy
        height[k] = sx * nx + sy * ny - epsilon
        lowest, highest = min(lowest, height[k]), max(highest, height[k])
    return lowest, highest


@compiled
def _place(outline, first, count, u, v, to_grid, floor, gx, gy):
    """Write an outline in grid coordinates; return its bounds.

    What lies below the height ``floor`` [m] is cut away.
    """
    ux, uy, uz = u
    vx, vy, vz = v
    ou, ov, gu, gv, hu, hv = to_grid
    xmin = ymin = np.inf
    xmax = ymax = -np.inf
    for k in range(count):
        px, py = outline[first + k, 0], outline[first + k, 1]
        pz = max(outline[first + k, 2], floor)
        du = px * ux + py * uy + pz * uz - ou
        dv = px * vx + py * vy + pz * vz - ov
        x, y = gu * du + gv * dv, hu * du + hv * dv
        gx[k], gy[k] = x, y
        xmin, xmax, ymin, ymax = min(xmin, x), max(xmax, x), min(ymin, y), max(ymax, y)
    return xmin, xmax, ymin, ymax


@compiled
def _find_meeting(
    first, end, u0, u1, v0, v1, far, left, right, lower, upper, near, flags, hits
):
    """List the items whose bounds meet those of a facet; return how many there are.

    Two sweeps without branches, whose outcome would be hard to predict; the first works on
    many items at once.
    """
    for k in range(first, end):
        flags[k - first] = (
            (far[k] >= near)
            & (u1[k] >= left)
            & (u0[k] <= right)
            & (v1[k] >= lower)
            & (v0[k] <= upper)
        )
    count = np.uint64(0)
    for k in range(first, end):
        hits[count] = k
        count += np.uint64(flags[k - first])
    return count


@compiled
def _along(x, y, z, hx, hy, hz, dx, dy, dz):
    """Return place and half extent of a box along a direction."""
    return x * dx + y * dy + z * dz, hx * abs(dx) + hy * abs(dy) + hz * abs(dz)


@compiled
def sort_into_bins(d, u, v, blocks, polygons, seen, swing, part_u, part_v):
    """List the bodies of each bin of the plane across the direction.

    Within a bin bodies are in order of their distance along the direction, so that a
    facet meets its nearest occluders first and is often full before the far ones.
    Left out is what hides nothing from the box ``seen``, the middle and half extent of
    all facets. For several directions about this one ``swing`` is the largest distance of
    their tips, ``part_u`` and ``part_v`` that of their rays after a metre; else 0.
    """
    ring, ring_start, span, faces = blocks
    vertices, _, start, normal, _, side, _, boxes = polygons
    dx, dy, dz = d
    ux, uy, uz = u
    vx, vy, vz = v
    n_blocks = span.shape[0]
    count = faces.shape[0]
    box = np.empty((count, 5))  # least and most u and v, most distance
    key = np.empty(count)
    drawn = np.empty(count, np.int32)
    n_drawn = 0
    umin = vmin = least = np.inf
    umax = vmax = most = -np.inf
    shown = np.zeros(count, np.bool_)
    su, eu = _along(seen[0], seen[1], seen[2], seen[3], seen[4], seen[5], ux, uy, uz)
    sv, ev = _along(seen[0], seen[1], seen[2], seen[3], seen[4], seen[5], vx, vy, vz)
    sd, ed = _along(seen[0], seen[1], seen[2], seen[3], seen[4], seen[5], dx, dy, dz)
    for b in range(count):
        mx, my, mz = boxes[b, 0], boxes[b, 1], boxes[b, 2]
        hx, hy, hz = boxes[b, 3], boxes[b, 4], boxes[b, 5]
        at, half = _along(mx, my, mz, hx, hy, hz, dx, dy, dz)
        away = at + half - (sd - ed) + MARGIN
        if away < 0.0:
            continue
        at, half = _along(mx, my, mz, hx, hy, hz, ux, uy, uz)
        if abs(at - su) > half + eu + away * part_u + MARGIN:
            continue
        at, half = _along(mx, my, mz, hx, hy, hz, vx, vy, vz)
        if abs(at - sv) > half + ev + away * part_v + MARGIN:
            continue
        a0 = b0 = c0 = np.inf
        a1 = b1 = c1 = -np.inf
        if b < n_blocks:
            for k in range(ring_start[b], ring_start[b + 1]):
                x, y = ring[k, 0], ring[k, 1]
                p, q, s = x * ux + y * uy, x * vx + y * vy, x * dx + y * dy
                a0, a1 = min(a0, p), max(a1, p)
                b0, b1 = min(b0, q), max(b1, q)
                c0, c1 = min(c0, s), max(c1, s)
            low, high = span[b, 0], span[b, 1]
            a0, a1 = a0 + min(low * uz, high * uz), a1 + max(low * uz, high * uz)
            b0, b1 = b0 + min(low * vz, high * vz), b1 + max(low * vz, high * vz)
            c0, c1 = c0 + min(low * dz, high * dz), c1 + max(low * dz, high * dz)
        else:
            face = faces[b, 0]
            facing = _dot(normal, face, dx, dy, dz)
            if abs(facing) < GRAZING - swing or facing * side[face] < -swing:
                continue
            for k in range(start[face], start[face + 1]):
                p = _dot(vertices, k, ux, uy, uz)
                q = _dot(vertices, k, vx, vy, vz)
                s = _dot(vertices, k, dx, dy, dz)
                a0, a1 = min(a0, p), max(a1, p)
                b0, b1 = min(b0, q), max(b1, q)
                c0, c1 = min(c0, s), max(c1, s)
        box[n_drawn, 0], box[n_drawn, 1], box[n_drawn, 2], box[n_drawn, 3] = a0, a1, b0, b1
        box[n_drawn, 4] = c1
        key[n_drawn] = 0.5 * (c0 + c1)
        drawn[n_drawn] = b
        shown[b] = True
        least, most = min(least, key[n_drawn]), max(most, key[n_drawn])
        n_drawn += 1
        umin, umax = min(umin, a0), max(umax, a1)
        vmin, vmax = min(vmin, b0), max(vmax, b1)
    if n_drawn == 0:
        umin = umax = vmin = vmax = least = most = 0.0
    width = max(BIN, max(umax - umin, vmax - vmin) / MOST_BINS)
    columns = int((umax - umin) / width) + 1
    rows = int((vmax - vmin) / width) + 1
    class_start = np.zeros(BUCKETS + 1, np.int64)
    bin_start = np.zeros(columns * rows + 1, np.int64)
    per_metre = (BUCKETS - 1) / max(most - least, 1e-9)
    place_of = np.empty((n_drawn, 4), np.int32)
    for k in range(n_drawn):
        class_start[np.int64((key[k] - least) * per_metre) + 1] += 1
        i0, i1 = int((box[k, 0] - umin) / width), int((box[k, 1] - umin) / width)
        j0, j1 = int((box[k, 2] - vmin) / width), int((box[k, 3] - vmin) / width)
        place_of[k, 0], place_of[k, 1], place_of[k, 2], place_of[k, 3] = i0, i1, j0, j1
        for i in range(i0, i1 + 1):
            for j in range(j0, j1 + 1):
                bin_start[i * rows + j + 1] += 1
    for k in range(BUCKETS):
        class_start[k + 1] += class_start[k]
    for k in range(columns * rows):
        bin_start[k + 1] += bin_start[k]
    order = np.empty(n_drawn, np.int32)
    for k in range(n_drawn):
        c = np.int64((key[k] - least) * per_metre)
        order[class_start[c]] = k
        class_start[c] += 1
    place = bin_start.copy()
    items = np.empty(bin_start[-1], np.int32)
    # Beside the items, to be read in one sweep; in single precision and a little wider.
    bounds = np.empty((5, bin_start[-1]), np.float32)
    slack = 1e-6 * max(umax - umin, vmax - vmin, most - least) + 1e-6
    for n in range(n_drawn):
        k = order[n]
        for i in range(place_of[k, 0], place_of[k, 1] + 1):
            for j in range(place_of[k, 2], place_of[k, 3] + 1):
                spot = place[i * rows + j]
                place[i * rows + j] = spot + 1
                items[spot] = drawn[k]
                bounds[0, spot] = box[k, 0] - umin - slack
                bounds[1, spot] = box[k, 1] - umin + slack
                bounds[2, spot] = box[k, 2] - vmin - slack
                bounds[3, spot] = box[k, 3] - vmin + slack
                bounds[4, spot] = box[k, 4] - least + slack
    return bounds, bin_start, items, shown, umin, vmin, least, columns, rows, width


@compiled
def cast_shadows(direction, receivers, blocks, polygons, longest, epsilon, blocked):
    """Fill the blocked bits of all facets for one direction."""
    corner, cell1, cell2, facet_normal, shape, bit_start, mask, seen = receivers
    rings, ring_start, span, faces = blocks
    vertices, edge_end, start, normal, offset, side, convex, boxes = polygons
    n_blocks = span.shape[0]
    dx, dy, dz = direction[0], direction[1], direction[2]
    if abs(dz) < 0.9:
        length = np.sqrt(dx * dx + dy * dy)
        ux, uy, uz = -dy / length, dx / length, 0.0
    else:
        length = np.sqrt(dy * dy + dz * dz)
        ux, uy, uz = 0.0, -dz / length, dy / length
    vx, vy, vz = dy * uz - dz * uy, dz * ux - dx * uz, dx * uy - dy * ux
    bounds, bin_start, items, shown, umin, vmin, least, columns, rows, width = (
        sort_into_bins(
            (dx, dy, dz), (ux, uy, uz), (vx, vy, vz), blocks, polygons, seen, 0.0, 0.0, 0.0
        )
    )
    above = dz >= 0.0
    outline, outline_start, outline_corners = _outline_blocks(
        dx, dy, above, rings, ring_start, span, shown
    )
    u0, u1, v0, v1, far = bounds[0], bounds[1], bounds[2], bounds[3], bounds[4]
    seen_by = np.full(faces.shape[0], -1, np.int32)
    hits = np.empty(items.shape[0] + 1, np.int32)
    flags = np.empty(items.shape[0] + 1, np.uint8)
    plan = np.empty((2 * longest + SMALL, 2))
    edges = np.empty(4 * SMALL)
    gx = np.empty(4 * longest + 2 * SMALL)
    gy = np.empty(4 * longest + 2 * SMALL)
    height = np.empty(2 * longest + SMALL)
    high = np.empty(2 * longest + SMALL)
    most_rows = shape[:, 1].max() if shape.shape[0] else 0
    crossing = np.empty((longest + 2, most_rows))  # most rows have two, side by side
    found = np.empty(most_rows, np.int64)
    span0 = np.empty(most_rows, np.int32)
    span1 = np.empty(most_rows, np.int32)
    line = np.empty(most_rows + 3, np.uint64)  # of a narrow facet, a row a word
    for f in range(corner.shape[0]):
        nu, nv = shape[f, 0], shape[f, 1]
        nx, ny, nz = facet_normal[f, 0], facet_normal[f, 1], facet_normal[f, 2]
        w0 = bit_start[f] >> 6
        w1 = (bit_start[f] + nu * nv - 1) >> 6
        facing = _dot(facet_normal, f, dx, dy, dz)
        if facing <= GRAZING:
            for w in range(w0, w1 + 1):
                blocked[w] = ALL
            continue
        # Cells without sensor count as blocked already, so that a facet is full as soon
        # as all of its sensors are.
        narrow = nu <= NARROW
        whole_row = (ONE << np.uint64(nu & 63)) - ONE
        if narrow:
            at = 0
            for r in range(nv):
                w, shift = w0 + (at >> 6), np.uint64(at & 63)
                bits = mask[w] >> shift
                bits |= (mask[w + 1] << ONE) << (np.uint64(63) - shift)
                line[r] = ~bits & whole_row
                at += nu
        else:
            for w in range(w0, w1 + 1):
                blocked[w] = ~mask[w]
        cx, cy, cz = corner[f, 0], corner[f, 1], corner[f, 2]
        px, py, pz = cell1[f, 0], cell1[f, 1], cell1[f, 2]
        qx, qy, qz = cell2[f, 0], cell2[f, 1], cell2[f, 2]
        ou, ov = cx * ux + cy * uy + cz * uz, cx * vx + cy * vy + cz * vz
        au, av = px * ux + py * uy + pz * uz, px * vx + py * vy + pz * vz
        bu, bv = qx * ux + qy * uy + qz * uz, qx * vx + qy * vy + qz * vz
        det = 1.0 / (au * bv - av * bu)
        gu, gv, hu, hv = bv * det, -bu * det, -av * det, au * det
        to_grid = (ou, ov, gu, gv, hu, hv)
        # What a step upwards is in grid coordinates.
        az, bz = gu * uz + gv * vz, hu * uz + hv * vz
        row0, row1 = 0, nv - 1  # rows outside row0..row1 are full
        left, right, lower, upper = _extent(
            ou - umin, ov - vmin, au, av, bu, bv, nu, row0, row1 + 1
        )
        i0 = max(0, int(np.floor(left / width)))
        i1 = min(columns - 1, int(np.floor(right / width)))
        j0 = max(0, int(np.floor(lower / width)))
        j1 = min(rows - 1, int(np.floor(upper / width)))
        near = cx * dx + cy * dy + cz * dz - least
        near += min(0.0, nu * (px * dx + py * dy + pz * dz))
        near += min(0.0, nv * (qx * dx + qy * dy + qz * dz))
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
                first_item = np.uint64(bin_start[i * rows + j])
                end = np.uint64(bin_start[i * rows + j + 1])
                near_by = _find_meeting(
                    first_item,
                    end,
                    u0,
                    u1,
                    v0,
                    v1,
                    far,
                    np.float32(left),
                    np.float32(right),
                    np.float32(lower),
                    np.float32(upper),
                    np.float32(near),
                    flags,
                    hits,
                )
                # The same bounds again, in grid coordinates and for the rows left; and
                # whether the body reaches in front of the facet.
                kept = 0
                for hit in range(near_by):
                    item = hits[hit]
                    body = items[item]
                    du = 0.5 * (u0[item] + u1[item]) - (ou - umin)
                    dv = 0.5 * (v0[item] + v1[item]) - (ov - vmin)
                    eu = 0.5 * (u1[item] - u0[item])
                    ev = 0.5 * (v1[item] - v0[item])
                    x = gu * du + gv * dv
                    y = hu * du + hv * dv
                    ex = abs(gu) * eu + abs(gv) * ev + SLACK
                    ey = abs(hu) * eu + abs(hv) * ev + SLACK
                    most = (
                        boxes[body, 0] * nx
                        + boxes[body, 1] * ny
                        + boxes[body, 2] * nz
                        + boxes[body, 3] * abs(nx)
                        + boxes[body, 4] * abs(ny)
                        + boxes[body, 5] * abs(nz)
                    )
                    hits[kept] = body
                    kept += np.int64(
                        (x + ex >= 0.5)
                        & (x - ex <= nu - 0.5)
                        & (y + ey >= row0 + 0.5)
                        & (y - ey <= row1 + 0.5)
                        & (most + SLACK > rest_of_plane)
                        & (seen_by[body] != f)
                    )
                    seen_by[body] = f
                for hit in range(kept):
                    body = np.int64(hits[hit])
                    is_block = body < n_blocks
                    straddles = False
                    if not (is_block & (level | plumb)):
                        lowest = (
                            boxes[body, 0] * nx
                            + boxes[body, 1] * ny
                            + boxes[body, 2] * nz
                            - boxes[body, 3] * abs(nx)
                            - boxes[body, 4] * abs(ny)
                            - boxes[body, 5] * abs(nz)
                        )
                        straddles = lowest <= rest_of_plane
                    # A block hides what its silhouette hides, and so does the part of it
                    # in front of an upright plane or above a level one.
                    first_face = last_face = faces[body, 0]
                    if is_block & ((not straddles) | level | plumb):
                        if level & (span[body, 1] - cz <= epsilon):
                            continue
                        first = np.uint64(outline_start[body])
                        corners = outline_corners[body]
                        # A loop of fixed length costs less than a short one.
                        fixed, free = np.uint64(SMALL + 1), np.uint64(corners + 1)
                        is_small = corners <= SMALL
                        floor = cz + epsilon if level else -np.inf
                        if plumb:
                            if is_small:
                                lowest, highest = _heights(
                                    outline, first, fixed, cx, cy, nx, ny, epsilon, height
                                )
                            else:
                                lowest, highest = _heights(
                                    outline, first, free, cx, cy, nx, ny, epsilon, height
                                )
                            if highest <= 0:
                                continue
                            straddles = lowest <= 0
                        if is_small and not straddles:
                            xmin, xmax, ymin, ymax = _place(
                                outline, first, fixed,
                                (ux, uy, uz), (vx, vy, vz), to_grid, floor, gx, gy,
                            )  # fmt: skip
                        elif not straddles:
                            xmin, xmax, ymin, ymax = _place(
                                outline, first, free,
                                (ux, uy, uz), (vx, vy, vz), to_grid, floor, gx, gy,
                            )  # fmt: skip
                        else:
                            for k in range(np.uint64(corners + 1)):
                                sx, sy = outline[first + k, 0], outline[first + k, 1]
                                sz = outline[first + k, 2]
                                high[k] = sz
                                du = sx * ux + sy * uy + sz * uz - ou
                                dv = sx * vx + sy * vy + sz * vz - ov
                                plan[k, 0] = gu * du + gv * dv
                                plan[k, 1] = hu * du + hv * dv
                            z_cut = span[body, 1] if above else span[body, 0]
                            corners = _cut_outline(
                                plan, height, corners, high, z_cut, az, bz, gx, gy
                            )
                            for k in range(corners, SMALL):
                                gx[k + 1], gy[k + 1] = gx[0], gy[0]
                            xmin = ymin = np.inf
                            xmax = ymax = -np.inf
                            for k in range(np.uint64(corners)):
                                xmin, xmax = min(xmin, gx[k]), max(xmax, gx[k])
                                ymin, ymax = min(ymin, gy[k]), max(ymax, gy[k])
                        # Exactly the rows that the outline crosses.
                        r0 = max(row0, int(np.ceil(max(ymin, -1.0) - 0.5)))
                        r1 = min(row1, int(np.ceil(min(ymax, nv + 1.0) - 0.5)) - 1)
                        if (r1 < r0) | (xmax < 0.5) | (xmin > nu - 0.5):
                            continue
                        if narrow and corners <= SMALL:
                            _paint_small(gx, gy, edges, r0, r1, nu, line)
                        else:
                            _cross_convex(gx, gy, corners, r0, r1, crossing)
                            _round_spans(crossing, 0, r0, r1, nu, span0, span1)
                            for r in range(r0, r1 + 1):
                                if span1[r] > span0[r]:
                                    if narrow:
                                        line[r] |= (ALL << np.uint64(span0[r])) & ~(
                                            ALL << np.uint64(span1[r])
                                        )
                                    else:
                                        row_bit = bit_start[f] + r * nu
                                        _fill(
                                            blocked, row_bit + span0[r], row_bit + span1[r]
                                        )
                    else:
                        last_face = faces[body, 1]
                    for p in range(first_face, last_face):
                        first = start[p]
                        corners = start[p + 1] - first
                        slant = _dot(normal, p, dx, dy, dz)
                        if abs(slant) < GRAZING or slant * side[p] < 0:
                            continue
                        behind = False
                        if straddles:
                            lowest = np.inf
                            highest = -np.inf
                            for k in range(corners):
                                sx = vertices[first + k, 0] - cx
                                sy = vertices[first + k, 1] - cy
                                sz = vertices[first + k, 2] - cz
                                height[k] = sx * nx + sy * ny + sz * nz - epsilon
                                lowest = min(lowest, height[k])
                                highest = max(highest, height[k])
                            if highest <= 0:
                                continue
                            behind = lowest <= 0
                        # Bounds in grid coordinates of the part in front of the facet.
                        xmin = ymin = np.inf
                        xmax = ymax = -np.inf
                        bottom = np.inf
                        top = -np.inf
                        for k in range(corners):
                            du = _dot(vertices, first + k, ux, uy, uz) - ou
                            dv = _dot(vertices, first + k, vx, vy, vz) - ov
                            gx[k] = gu * du + gv * dv
                            gy[k] = hu * du + hv * dv
                            bottom, top = min(bottom, gy[k]), max(top, gy[k])
                            if not behind or height[k] > 0:
                                xmin, xmax = min(xmin, gx[k]), max(xmax, gx[k])
                                ymin, ymax = min(ymin, gy[k]), max(ymax, gy[k])
                        if behind:
                            for k in range(corners):
                                m = edge_end[first + k] - first
                                if (height[k] > 0) != (height[m] > 0):
                                    share = height[k] / (height[k] - height[m])
                                    x = gx[k] + share * (gx[m] - gx[k])
                                    y = gy[k] + share * (gy[m] - gy[k])
                                    xmin, xmax = min(xmin, x), max(xmax, x)
                                    ymin, ymax = min(ymin, y), max(ymax, y)
                        if xmax < 0.5 - SLACK or xmin > nu - 0.5 + SLACK:
                            continue
                        r0 = max(row0, int(np.ceil(max(ymin, -1.0) - 0.5 - SLACK)))
                        r1 = min(row1, int(np.floor(min(ymax, nv + 1.0) - 0.5 + SLACK)))
                        if r1 < r0:
                            continue
                        h0 = hx = hy = 0.0
                        if behind:
                            # Height above the facet's plane where the ray of grid point
                            # (x, y) meets the polygon's plane: h0 + hx x + hy y.
                            mx, my, mz = normal[p, 0], normal[p, 1], normal[p, 2]
                            scale = facing / (mx * dx + my * dy + mz * dz)
                            h0 = (
                                scale * (offset[p] - (cx * mx + cy * my + cz * mz))
                                - epsilon
                            )
                            hx = -scale * (px * mx + py * my + pz * mz)
                            hy = -scale * (qx * mx + qy * my + qz * mz)
                        if convex[p]:
                            pairs = 1
                            r0 = max(r0, int(np.ceil(max(bottom, -1.0) - 0.5)))
                            r1 = min(r1, int(np.ceil(min(top, nv + 1.0) - 0.5)) - 1)
                            if r1 < r0:
                                continue
                            _cross_convex(gx, gy, corners, r0, r1, crossing)
                        else:
                            pairs = _cross_any(
                                gx,
                                gy,
                                edge_end,
                                first,
                                corners,
                                r0,
                                r1,
                                nv,
                                nu,
                                crossing,
                                found,
                            )
                        for pair in range(pairs):
                            _round_spans(crossing, 2 * pair, r0, r1, nu, span0, span1)
                            if behind:
                                _clip_spans(h0, hx, hy, r0, r1, nu, span0, span1)
                            for r in range(r0, r1 + 1):
                                if span1[r] > span0[r]:
                                    if narrow:
                                        line[r] |= (ALL << np.uint64(span0[r])) & ~(
                                            ALL << np.uint64(span1[r])
                                        )
                                    else:
                                        row_bit = bit_start[f] + r * nu
                                        _fill(
                                            blocked, row_bit + span0[r], row_bit + span1[r]
                                        )
                    before = row1 - row0
                    if narrow:
                        while row0 <= row1 and line[row0] == whole_row:
                            row0 += 1
                        while row0 <= row1 and line[row1] == whole_row:
                            row1 -= 1
                    else:
                        while row0 <= row1 and _is_full(
                            blocked, bit_start[f] + row0 * nu, nu
                        ):
                            row0 += 1
                        while row0 <= row1 and _is_full(
                            blocked, bit_start[f] + row1 * nu, nu
                        ):
                            row1 -= 1
                    if row0 > row1:
                        full = True
                        break
                    if row1 - row0 < before:
                        left, right, lower, upper = _extent(
                            ou - umin, ov - vmin, au, av, bu, bv, nu, row0, row1 + 1
                        )
        if narrow:
            _pack_rows(line, nu, nv, blocked, w0)
