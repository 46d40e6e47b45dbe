"""Send rays, look up tiles and pass light on: the compiled part of `reflection`."""
# mypy: disable-error-code="misc, no-untyped-def, no-untyped-call"

import math

import numba
import numpy as np

SKY = -1
"""A ray that leaves into the sky."""

DARK = -2
"""A ray that meets what reflects nothing, such as the inside of a body."""


@numba.njit(nogil=True, cache=True)
def spread_rays(position, normal, lift, pattern, shift, origins, directions):
    """Write the rays of some places: their pattern turned and shifted for each."""
    for i in range(len(position)):
        nx, ny, nz = normal[i, 0], normal[i, 1], normal[i, 2]
        # A basis without branches (Duff and others 2017, JCGT 6(1)).
        sign = math.copysign(1.0, nz)
        a = -1.0 / (sign + nz)
        b = nx * ny * a
        ux, uy, uz = 1.0 + sign * nx * nx * a, sign * b, -sign * nx
        vx, vy, vz = b, sign + ny * ny * a, -ny
        ox = position[i, 0] + lift * nx
        oy = position[i, 1] + lift * ny
        oz = position[i, 2] + lift * nz
        for k in range(len(pattern)):
            s = pattern[k, 0] + shift[i, 0]
            t = pattern[k, 1] + shift[i, 1]
            s -= math.floor(s)
            t -= math.floor(t)
            radius = math.sqrt(s)
            # Not quite level: a level ray could slip along its own plane.
            height = math.sqrt(max(1.0 - s, 1e-8))
            x = radius * math.cos(2 * math.pi * t)
            y = radius * math.sin(2 * math.pi * t)
            row = i * len(pattern) + k
            origins[row, 0] = ox
            origins[row, 1] = oy
            origins[row, 2] = oz
            directions[row, 0] = x * ux + y * vx + height * nx
            directions[row, 1] = x * uy + y * vy + height * ny
            directions[row, 2] = x * uz + y * vz + height * nz


@numba.njit(nogil=True, cache=True)
def first_hits(origins, directions, corner, edge1, edge2, found):
    """Find the first triangle on each ray by testing all of them."""
    for r in range(len(origins)):
        ox, oy, oz = origins[r, 0], origins[r, 1], origins[r, 2]
        dx, dy, dz = directions[r, 0], directions[r, 1], directions[r, 2]
        nearest = np.inf
        found[r] = -1
        for k in range(len(corner)):
            ax, ay, az = edge1[k, 0], edge1[k, 1], edge1[k, 2]
            bx, by, bz = edge2[k, 0], edge2[k, 1], edge2[k, 2]
            px, py, pz = dy * bz - dz * by, dz * bx - dx * bz, dx * by - dy * bx
            det = ax * px + ay * py + az * pz
            if det == 0.0:
                continue
            tx, ty, tz = ox - corner[k, 0], oy - corner[k, 1], oz - corner[k, 2]
            u = (tx * px + ty * py + tz * pz) / det
            if u < 0.0 or u > 1.0:
                continue
            qx, qy, qz = ty * az - tz * ay, tz * ax - tx * az, tx * ay - ty * ax
            v = (dx * qx + dy * qy + dz * qz) / det
            if v < 0.0 or u + v > 1.0:
                continue
            t = (bx * qx + by * qy + bz * qz) / det
            if 0.0 < t < nearest:
                nearest = t
                found[r] = k


@numba.njit(nogil=True, cache=True)
def find_block(root, u, v, axis, cut, child):
    """Descend to the leaf of a tree of halved rectangles that holds a place."""
    node = root
    while axis[node] >= 0:
        value = u if axis[node] == 0 else v
        node = child[node] + (1 if value >= cut[node] else 0)
    return node


@numba.njit(nogil=True, cache=True)
def find_tiles(
    origins,
    directions,
    triangle,
    plane,
    front,
    back,
    frame,
    tree,
    leaf,
    cells,
    far,
    found,
):
    """Name the tile on which each ray ends, SKY or DARK."""
    normal, offset, surface = plane
    e1, e2, root = frame
    axis, cut, child = tree
    low, step, shape, first = leaf
    for r in range(len(triangle)):
        k = triangle[r]
        if k < 0:
            found[r] = far if directions[r, 2] < 0.0 else SKY
            continue
        fall = 0.0
        height = offset[k]
        for x in range(3):
            fall += directions[r, x] * normal[k, x]
            height -= origins[r, x] * normal[k, x]
        side = front[surface[k]] if fall < 0.0 else back[surface[k]]
        if side < 0:
            found[r] = DARK
            continue
        t = height / fall if fall != 0.0 else 0.0
        u, v = 0.0, 0.0
        for x in range(3):
            p = origins[r, x] + t * directions[r, x]
            u += p * e1[side, x]
            v += p * e2[side, x]
        node = find_block(root[side], u, v, axis, cut, child)
        i = math.floor((u - low[node, 0]) / step[node, 0])
        j = math.floor((v - low[node, 1]) / step[node, 1])
        i = min(max(i, 0), shape[node, 0] - 1)
        j = min(max(j, 0), shape[node, 1] - 1)
        found[r] = cells[first[node] + j * shape[node, 0] + i]


@numba.njit(nogil=True, cache=True)
def blend_tiles(points, side, frame, tree, leaf, cells, tile, weight):
    """Write the four tiles around each point and their bilinear weights."""
    e1, e2, root = frame
    axis, cut, child = tree
    low, step, shape, first = leaf
    for r in range(len(points)):
        s = side[r]
        u, v = 0.0, 0.0
        for x in range(3):
            u += points[r, x] * e1[s, x]
            v += points[r, x] * e2[s, x]
        node = find_block(root[s], u, v, axis, cut, child)
        a = (u - low[node, 0]) / step[node, 0] - 0.5
        b = (v - low[node, 1]) / step[node, 1] - 0.5
        a = min(max(a, 0.0), shape[node, 0] - 1.0)
        b = min(max(b, 0.0), shape[node, 1] - 1.0)
        i, j = int(a), int(b)
        a, b = a - i, b - j
        i1, j1 = min(i + 1, shape[node, 0] - 1), min(j + 1, shape[node, 1] - 1)
        nu = shape[node, 0]
        tile[r, 0] = cells[first[node] + j * nu + i]
        tile[r, 1] = cells[first[node] + j * nu + i1]
        tile[r, 2] = cells[first[node] + j1 * nu + i]
        tile[r, 3] = cells[first[node] + j1 * nu + i1]
        weight[r, 0] = (1 - a) * (1 - b)
        weight[r, 1] = a * (1 - b)
        weight[r, 2] = (1 - a) * b
        weight[r, 3] = a * b


@numba.njit(nogil=True, cache=True)
def blend_facets(
    grids,
    side,
    first,
    stop,
    frame,
    tree,
    leaf,
    cells,
    light,
    lit,
    received,
    weight,
    touched,
):
    """Blend the tiles on the sensors of the facets first..stop, and on their means.

    Sensors that are not ``lit`` get nothing, but count in the means. ``weight`` (m,) is
    zero and ``touched`` (m,) any; both are for use inside. Returns start, tiles and
    weights of the means, facet after facet.
    """
    corner, along, across, columns, sensor_start, sensor_bit, bit_start = grids
    e1, e2, root = frame
    axis, cut, child = tree
    low, step, shape, first_cell = leaf
    starts = np.zeros(stop - first + 1, np.int64)
    room = 1024
    tiles, weights = np.empty(room, np.int32), np.empty(room, np.float32)
    kept = 0
    for f in range(first, stop):
        s = side[f]
        starts[f - first] = kept
        if s < 0:
            continue
        u0, v0, ui, vi, uj, vj = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for x in range(3):
            u0 += corner[f, x] * e1[s, x]
            v0 += corner[f, x] * e2[s, x]
            ui += along[f, x] * e1[s, x]
            vi += along[f, x] * e2[s, x]
            uj += across[f, x] * e1[s, x]
            vj += across[f, x] * e2[s, x]
        count = 0
        whole = axis[root[s]] < 0
        for n in range(sensor_start[f], sensor_start[f + 1]):
            if not lit[n]:
                continue
            cell = sensor_bit[n] - bit_start[f]
            row = cell // columns[f]
            i, j = cell - row * columns[f] + 0.5, row + 0.5
            u, v = u0 + i * ui + j * uj, v0 + i * vi + j * vj
            node = root[s] if whole else find_block(root[s], u, v, axis, cut, child)
            nu, nv = shape[node, 0], shape[node, 1]
            a = (u - low[node, 0]) / step[node, 0] - 0.5
            b = (v - low[node, 1]) / step[node, 1] - 0.5
            a = min(max(a, 0.0), nu - 1.0)
            b = min(max(b, 0.0), nv - 1.0)
            p, q = int(a), int(b)
            a, b = a - p, b - q
            total = 0.0
            ground, building = 0.0, 0.0
            for k in range(4):
                w = (a if k & 1 else 1 - a) * (b if k & 2 else 1 - b)
                pk, qk = min(p + (k & 1), nu - 1), min(q + (k >> 1), nv - 1)
                t = cells[first_cell[node] + qk * nu + pk]
                # A surface has tiles everywhere or nowhere.
                if t < 0 or w == 0.0:
                    continue
                total += w
                ground += w * light[t, 0]
                building += w * light[t, 1]
                if weight[t] == 0.0:
                    touched[count] = t
                    count += 1
                weight[t] += w
            if total > 0.0:
                received[n, 0] = ground
                received[n, 1] = building
        sensors = max(sensor_start[f + 1] - sensor_start[f], 1)
        if kept + count > room:
            room = 2 * (kept + count)
            more, shares = np.empty(room, np.int32), np.empty(room, np.float32)
            more[:kept], shares[:kept] = tiles[:kept], weights[:kept]
            tiles, weights = more, shares
        for k in range(count):
            tiles[kept], weights[kept] = touched[k], weight[touched[k]] / sensors
            weight[touched[k]] = 0.0
            kept += 1
    starts[stop - first] = kept
    return starts, tiles[:kept], weights[:kept]


@numba.njit(nogil=True, cache=True)
def add_light(blocked, bit, normal, flux, into):
    """Add the light of one direction to the tiles that see it."""
    for t in range(len(bit)):
        if (blocked[bit[t] >> 6] >> np.uint64(bit[t] & 63)) & np.uint64(1):
            continue
        light = 0.0
        for x in range(3):
            light += normal[t, x] * flux[x]
        if light > 0.0:
            into[t] += light


@numba.njit(nogil=True, cache=True)
def count_rows(tiles, columns, counts, length):
    """Sort each row of tiles and fold equal ones together, in place."""
    for i in range(len(tiles)):
        row = np.sort(tiles[i])
        n = -1
        for k in range(len(row)):
            if row[k] < 0:
                continue
            if n >= 0 and columns[i, n] == row[k]:
                counts[i, n] += 1
            else:
                n += 1
                columns[i, n] = row[k]
                counts[i, n] = 1
        length[i] = n + 1


@numba.njit(nogil=True, cache=True, fastmath=True)
def sweep(start, column, share, reflectance, source, light):
    """Pass light on once, tile after tile; return the largest change of any tile."""
    groups = light.shape[1]
    got = np.empty(groups, np.float32)
    largest = np.float32(0.0)
    for i in range(len(start) - 1):
        rho = reflectance[i]
        if rho == 0.0 or start[i] == start[i + 1]:
            continue
        for k in range(groups):
            got[k] = source[i, k]
        for n in range(start[i], start[i + 1]):
            j, f = column[n], share[n]
            for k in range(groups):
                got[k] += f * light[j, k]
        for k in range(groups):
            value = rho * got[k]
            largest = max(largest, abs(value - light[i, k]))
            light[i, k] = value
    return largest


@numba.njit(nogil=True, cache=True, fastmath=True)
def gather(start, column, share, is_ground, light, ground, building):
    """Sum the light that rows receive, apart by what it left last."""
    groups = light.shape[1]
    for i in range(len(start) - 1):
        for n in range(start[i], start[i + 1]):
            j, f = column[n], share[n]
            if is_ground[j]:
                for k in range(groups):
                    ground[i, k] += f * light[j, k]
            else:
                for k in range(groups):
                    building[i, k] += f * light[j, k]
