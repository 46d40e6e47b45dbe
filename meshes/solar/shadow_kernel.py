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
"""Width of the bins that sort polygons in the plane across the direction [m]."""

ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
ONE = np.uint64(1)


@numba.njit(inline="always")
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


@numba.njit(inline="always")
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


@numba.njit(inline="always")
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


@numba.njit(inline="always")
def _round_spans(crossing, pair, r0, r1, nu, span0, span1):
    """Turn a pair of crossings into first cell and end of each row's span."""
    for r in range(max(r0, 0), r1 + 1):
        a = min(crossing[pair, r], crossing[pair + 1, r])
        b = max(crossing[pair, r], crossing[pair + 1, r])
        span0[r] = np.int32(np.ceil(min(max(a, 0.0), nu + 1.0) - 0.5))
        span1[r] = np.int32(np.floor(min(max(b, 0.0), nu * 1.0) - 0.5)) + np.int32(1)


@numba.njit(inline="always")
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


@numba.njit(inline="always")
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


@numba.njit(inline="always")
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


@numba.njit(inline="always")
def _dot(a, i, x, y, z):
    """Return the scalar product of row i with (x, y, z); scalars, as slices cost more."""
    return a[i, 0] * x + a[i, 1] * y + a[i, 2] * z


@numba.njit(inline="always")
def _outline_of_block(b, d, casters, pu, pv, u, v, first):
    """Write the corners of a block's silhouette, seen against d, behind those of all faces.

    Below the walls that face d it follows the ground face, else the roof; where it changes
    from one to the other it takes the upright edge. Returns the number of corners.
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


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _sort_into_bins(d, u, v, casters, outline_corners):
    """Project all corners across the direction and list the bodies of each bin.

    Within a bin bodies are in order of their distance along the direction, so that a
    facet meets its nearest occluders first and is often full before the far ones.
    """
    vertices, _, start, normal, _, side, face_start, roof, _, centre, half, _ = casters
    dx, dy, dz = d
    count = roof.shape[0]
    n_vertices = vertices.shape[0]
    pu = np.empty(n_vertices + outline_corners)
    pv = np.empty(n_vertices + outline_corners)
    for k in range(n_vertices):
        pu[k] = vertices[k, 0] * u[0] + vertices[k, 1] * u[1] + vertices[k, 2] * u[2]
        pv[k] = vertices[k, 0] * v[0] + vertices[k, 1] * v[1] + vertices[k, 2] * v[2]
    free = n_vertices
    outline = np.zeros((count, 2), np.int64)  # first corner and number of corners
    box = np.empty((count, 5))
    key = np.empty(count)
    drawn = np.empty(count, np.int64)
    n_drawn = 0
    farthest = 0.0
    umin = vmin = np.inf
    umax = vmax = -np.inf
    for b in range(count):
        if roof[b] >= 0 and dz > GRAZING:
            first = free
            corners = _outline_of_block(b, d, casters, pu, pv, u, v, first)
            free += corners
            outline[b, 0] = first
            outline[b, 1] = corners
        else:
            p = face_start[b]
            facing = _dot(normal, p, dx, dy, dz)
            if roof[b] < 0 and (abs(facing) < GRAZING or facing * side[p] < 0):
                continue
            first = start[p]
            corners = start[face_start[b + 1]] - first
        a0 = b0 = np.inf
        a1 = b1 = -np.inf
        for k in range(first, first + corners):
            a0 = min(a0, pu[k])
            a1 = max(a1, pu[k])
            b0 = min(b0, pv[k])
            b1 = max(b1, pv[k])
        middle = _dot(centre, b, dx, dy, dz)
        reach = half[b, 0] * abs(dx) + half[b, 1] * abs(dy) + half[b, 2] * abs(dz)
        box[b, 0], box[b, 1], box[b, 2], box[b, 3], box[b, 4] = (
            a0,
            a1,
            b0,
            b1,
            middle + reach,
        )
        farthest = max(farthest, reach)
        key[n_drawn] = middle
        drawn[n_drawn] = b
        n_drawn += 1
        umin = min(umin, a0)
        umax = max(umax, a1)
        vmin = min(vmin, b0)
        vmax = max(vmax, b1)
    if n_drawn == 0:
        umin = umax = vmin = vmax = 0.0
    order = np.argsort(key[:n_drawn], kind="mergesort")
    columns = int((umax - umin) / BIN) + 1
    rows = int((vmax - vmin) / BIN) + 1
    bin_start = np.zeros(columns * rows + 1, np.int64)
    for k in range(n_drawn):
        b = drawn[k]
        i0, i1 = int((box[b, 0] - umin) / BIN), int((box[b, 1] - umin) / BIN)
        j0, j1 = int((box[b, 2] - vmin) / BIN), int((box[b, 3] - vmin) / BIN)
        for i in range(i0, i1 + 1):
            for j in range(j0, j1 + 1):
                bin_start[i * rows + j + 1] += 1
    for k in range(columns * rows):
        bin_start[k + 1] += bin_start[k]
    place = bin_start.copy()
    items = np.empty(bin_start[-1], np.int64)
    distance = np.empty(bin_start[-1])
    bounds = np.empty((5, bin_start[-1]))  # beside the items: read in one sweep
    for k in range(n_drawn):
        b = drawn[order[k]]
        i0, i1 = int((box[b, 0] - umin) / BIN), int((box[b, 1] - umin) / BIN)
        j0, j1 = int((box[b, 2] - vmin) / BIN), int((box[b, 3] - vmin) / BIN)
        for i in range(i0, i1 + 1):
            for j in range(j0, j1 + 1):
                spot = place[i * rows + j]
                place[i * rows + j] = spot + 1
                items[spot] = b
                distance[spot] = key[order[k]]
                for c in range(5):
                    bounds[c, spot] = box[b, c]
    return (pu, pv, outline), (
        bounds, bin_start, items, distance, farthest, umin, vmin, columns, rows
    )  # fmt: skip


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"nnan", "nsz"})
def cast_shadows(direction, receivers, casters, longest, outline_corners, epsilon, blocked):
    """Fill the blocked bits of all facets for one direction."""
    corner, cell1, cell2, facet_normal, shape, bit_start, mask = receivers
    (
        vertices, edge_end, start, normal, offset, side,
        face_start, roof, base, centre, half, convex,
    ) = casters  # fmt: skip
    dx, dy, dz = direction[0], direction[1], direction[2]
    if abs(dz) < 0.9:
        length = np.sqrt(dx * dx + dy * dy)
        ux, uy, uz = -dy / length, dx / length, 0.0
    else:
        length = np.sqrt(dy * dy + dz * dz)
        ux, uy, uz = 0.0, -dz / length, dy / length
    vx, vy, vz = dy * uz - dz * uy, dz * ux - dx * uz, dx * uy - dy * ux
    projected, bins = _sort_into_bins(
        (dx, dy, dz), (ux, uy, uz), (vx, vy, vz), casters, outline_corners
    )
    pu, pv, outline = projected
    bounds, bin_start, items, distance, farthest, umin, vmin, columns, rows = bins
    seen_by = np.full(roof.shape[0], -1, np.int64)
    hits = np.empty(items.shape[0] + 1, np.int64)
    gx = np.empty(longest)
    gy = np.empty(longest)
    height = np.empty(longest)
    most_rows = shape[:, 1].max() if shape.shape[0] else 0
    crossing = np.empty((longest + 1, most_rows))  # most rows have two, side by side
    found = np.empty(most_rows, np.int64)
    span0 = np.empty(most_rows, np.int32)
    span1 = np.empty(most_rows, np.int32)
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
        for w in range(w0, w1 + 1):
            blocked[w] = ~mask[w]
        ou = _dot(corner, f, ux, uy, uz)
        ov = _dot(corner, f, vx, vy, vz)
        au = _dot(cell1, f, ux, uy, uz)
        av = _dot(cell1, f, vx, vy, vz)
        bu = _dot(cell2, f, ux, uy, uz)
        bv = _dot(cell2, f, vx, vy, vz)
        det = 1.0 / (au * bv - av * bu)
        gu, gv, hu, hv = bv * det, -bu * det, -av * det, au * det
        row0, row1 = 0, nv - 1  # rows outside row0..row1 are full
        left, right, lower, upper = _extent(ou, ov, au, av, bu, bv, nu, row0, row1 + 1)
        i0 = max(0, int(np.floor((left - umin) / BIN)))
        i1 = min(columns - 1, int(np.floor((right - umin) / BIN)))
        j0 = max(0, int(np.floor((lower - vmin) / BIN)))
        j1 = min(rows - 1, int(np.floor((upper - vmin) / BIN)))
        near = _dot(corner, f, dx, dy, dz) + (
            min(0.0, nu * _dot(cell1, f, dx, dy, dz))
            + min(0.0, nv * _dot(cell2, f, dx, dy, dz))
        )
        level = _dot(corner, f, nx, ny, nz)
        full = False
        for i in range(i0, i1 + 1):
            if full:
                break
            for j in range(j0, j1 + 1):
                if full:
                    break
                stop = bin_start[i * rows + j + 1]
                low, high = bin_start[i * rows + j], stop
                while low < high:  # skip what surely lies behind the facet
                    half_way = (low + high) >> 1
                    if distance[half_way] + farthest < near:
                        low = half_way + 1
                    else:
                        high = half_way
                near_by = 0
                for item in range(low, stop):
                    # Without a branch, for its outcome would be hard to predict.
                    hits[near_by] = item
                    near_by += (
                        (bounds[4, item] >= near)
                        & (bounds[1, item] >= left)
                        & (bounds[0, item] <= right)
                        & (bounds[3, item] >= lower)
                        & (bounds[2, item] <= upper)
                    )
                for hit in range(near_by):
                    item = hits[hit]
                    body = items[item]
                    if seen_by[body] == f:
                        continue
                    seen_by[body] = f
                    # The same bounds again, in grid coordinates and for the rows left.
                    du = 0.5 * (bounds[0, item] + bounds[1, item]) - ou
                    dv = 0.5 * (bounds[2, item] + bounds[3, item]) - ov
                    eu = 0.5 * (bounds[1, item] - bounds[0, item])
                    ev = 0.5 * (bounds[3, item] - bounds[2, item])
                    x = gu * du + gv * dv
                    y = hu * du + hv * dv
                    ex = abs(gu) * eu + abs(gv) * ev + SLACK
                    ey = abs(hu) * eu + abs(hv) * ev + SLACK
                    if (
                        (x + ex < 0.5)
                        | (x - ex > nu - 0.5)
                        | (y + ey < row0 + 0.5)
                        | (y - ey > row1 + 0.5)
                    ):
                        continue
                    middle = _dot(centre, body, nx, ny, nz) - level - epsilon
                    reach = (
                        half[body, 0] * abs(nx)
                        + half[body, 1] * abs(ny)
                        + half[body, 2] * abs(nz)
                    )
                    if middle + reach <= 0:
                        continue
                    whole = middle - reach > 0
                    if not whole and roof[body] >= 0:
                        # The box is undecided: ask the corners of the block.
                        lowest = np.inf
                        highest = -np.inf
                        for k in range(start[roof[body]], start[roof[body] + 1]):
                            rest = (
                                vertices[k, 0] * nx + vertices[k, 1] * ny - level - epsilon
                            )
                            over = rest + vertices[k, 2] * nz
                            under = rest + base[body] * nz
                            lowest = min(lowest, min(over, under))
                            highest = max(highest, max(over, under))
                        if highest <= 0:
                            continue
                        whole = lowest > 0
                    # A block wholly in front hides what its silhouette hides.
                    is_outline = whole and outline[body, 1] > 0
                    last = 1 if is_outline else face_start[body + 1] - face_start[body]
                    for turn in range(last):
                        p = face_start[body] + turn
                        first, corners, behind = outline[body, 0], outline[body, 1], False
                        if not is_outline:
                            first = start[p]
                            corners = start[p + 1] - first
                            slant = _dot(normal, p, dx, dy, dz)
                            if abs(slant) < GRAZING or slant * side[p] < 0:
                                continue
                            if not whole:
                                lowest = np.inf
                                highest = -np.inf
                                for k in range(corners):
                                    height[k] = (
                                        _dot(vertices, first + k, nx, ny, nz)
                                        - level
                                        - epsilon
                                    )
                                    lowest = min(lowest, height[k])
                                    highest = max(highest, height[k])
                                if highest <= 0:
                                    continue
                                behind = lowest <= 0
                        # Bounds in grid coordinates of the part in front of the facet.
                        xmin = ymin = np.inf
                        xmax = ymax = -np.inf
                        for k in range(corners):
                            du = pu[first + k] - ou
                            dv = pv[first + k] - ov
                            gx[k] = gu * du + gv * dv
                            gy[k] = hu * du + hv * dv
                            if not behind or height[k] > 0:
                                xmin = min(xmin, gx[k])
                                xmax = max(xmax, gx[k])
                                ymin = min(ymin, gy[k])
                                ymax = max(ymax, gy[k])
                        if behind:
                            for k in range(corners):
                                m = edge_end[first + k] - first
                                if (height[k] > 0) != (height[m] > 0):
                                    share = height[k] / (height[k] - height[m])
                                    x = gx[k] + share * (gx[m] - gx[k])
                                    y = gy[k] + share * (gy[m] - gy[k])
                                    xmin = min(xmin, x)
                                    xmax = max(xmax, x)
                                    ymin = min(ymin, y)
                                    ymax = max(ymax, y)
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
                            h0 = scale * (offset[p] - _dot(corner, f, mx, my, mz)) - epsilon
                            hx = -scale * _dot(cell1, f, mx, my, mz)
                            hy = -scale * _dot(cell2, f, mx, my, mz)
                        if is_outline or convex[p]:
                            pairs = 1
                            ymin = np.inf
                            ymax = -np.inf
                            for k in range(corners):
                                ymin = min(ymin, gy[k])
                                ymax = max(ymax, gy[k])
                            # Exactly the rows that the outline crosses.
                            r0 = max(r0, int(np.ceil(max(ymin, -1.0) - 0.5)))
                            r1 = min(r1, int(np.ceil(min(ymax, nv + 1.0) - 0.5)) - 1)
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
                                    row_bit = bit_start[f] + r * nu
                                    _fill(blocked, row_bit + span0[r], row_bit + span1[r])
                    before = row1 - row0
                    while row0 <= row1 and _is_full(blocked, bit_start[f] + row0 * nu, nu):
                        row0 += 1
                    while row0 <= row1 and _is_full(blocked, bit_start[f] + row1 * nu, nu):
                        row1 -= 1
                    if row0 > row1:
                        full = True
                        break
                    if row1 - row0 < before:
                        left, right, lower, upper = _extent(
                            ou, ov, au, av, bu, bv, nu, row0, row1 + 1
                        )
