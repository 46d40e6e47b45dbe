"""Project the shadows of polygons onto facets, one direction at a time.

All rays towards one direction are parallel. So instead of tracing a ray per sensor, each
occluding polygon is mapped along the direction onto the plane of a facet and the spans of
the facet's sensor grid that it covers are filled, 64 sensors per machine word. The answer
at the sensors is the ray casting answer:

    a sensor at P is blocked in direction d when the ray P + t d meets an occluder at a
    point that lies more than ``EPSILON`` above the plane of the sensor's facet.

Of a closed solid only the faces turned towards d are drawn: every ray that starts outside
or inside of the solid and runs through it leaves it by one of them. Of a height field only
the faces turned away are drawn: a ray that starts above the ground enters it by one of them.

The height above the facet's plane at which the ray of a grid point meets the polygon is a
linear function of the grid coordinates; so a polygon that reaches behind the facet needs no
clipping in space, its spans are cut where that height falls below ``EPSILON``.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from gis.terrain import Terrain
from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray, Polygons, make_polygons
from meshes.solids import Solids

EPSILON = 1e-3
"""Height above a facet's plane below which nothing can block its sensors [m].

Neighbouring walls of real data lie within a millimetre of one plane; any value from 0 to
1e-3 m changes annual sums by less than 0.001 %."""

GRAZING = 1e-9
"""Cosine below which a facet is turned away, or a polygon seen edge-on."""

SLACK = 1e-6
"""Widening of the quick bounds against rounding [cells]; spans decide exactly."""

CURVE_CELL = 16.0
"""Cell of the space-filling curve [m]."""

BIN = 30.0
"""Width of the bins that sort polygons in the plane across the direction [m]."""


@dataclass(frozen=True)
class Occluders:
    """Everything that can block the view.

    Attributes
    ----------
    polygons : Polygons
        Planar polygons [m], in the same local frame as the facets.
    side : (p,) int8
        1: drawn when turned towards the direction (faces of closed solids);
        -1: drawn when turned away (terrain); 0: always drawn (open surfaces).
    """

    polygons: Polygons
    side: NDArray[np.int8]

    def __add__(self, other: "Occluders") -> "Occluders":
        """Return both together."""
        a, b = self.polygons, other.polygons
        joined = Polygons(
            vertices=np.concatenate([a.vertices, b.vertices]),
            ring_start=np.r_[a.ring_start, b.ring_start[1:] + a.ring_start[-1]],
            polygon_start=np.r_[a.polygon_start, b.polygon_start[1:] + a.polygon_start[-1]],
            normal=np.concatenate([a.normal, b.normal]),
            area=np.r_[a.area, b.area],
        )
        return Occluders(joined, np.r_[self.side, other.side])


def solid_occluders(solids: Solids) -> Occluders:
    """Return all faces of closed solids as occluders."""
    return Occluders(solids.faces, np.ones(len(solids.faces), np.int8))


def terrain_occluders(terrain: Terrain, origin: FloatArray, *, cell: float = 20.0) -> Occluders:
    """Return the terrain as coarse triangles that nowhere rise above it.

    Parameters
    ----------
    terrain : Terrain
        Elevation grid [m, RH2000].
    origin : (3,) float
        Local origin of the scene [m].
    cell : float
        Width of the coarse grid [m]; rounded to whole terrain cells.

    Returns
    -------
    Occluders
        Two triangles a cell. Each node takes the lowest elevation of the coarse cells
        that meet there, so that no sensor above ground gets below the surface; ridges
        lose up to the height range of one coarse cell.
    """
    grid = terrain.grid
    step = max(1, round(cell / grid.cell))
    rows, columns = -(-grid.rows // step), -(-grid.columns // step)
    if rows < 2 or columns < 2:
        return Occluders(make_polygons([]), np.empty(0, np.int8))
    padded = np.pad(
        terrain.z,
        ((0, rows * step - grid.rows), (0, columns * step - grid.columns)),
        constant_values=np.inf,
    )
    lowest = padded.reshape(rows, step, columns, step).min(axis=(1, 3))
    around = np.pad(lowest, 1, constant_values=np.inf)
    nodes = np.minimum.reduce([around[:-1, :-1], around[1:, :-1], around[:-1, 1:], around[1:, 1:]])
    x = np.minimum(np.arange(columns + 1) * step, grid.columns) * grid.cell + grid.west
    y = grid.north - np.minimum(np.arange(rows + 1) * step, grid.rows) * grid.cell
    corner = np.stack([*np.meshgrid(x, y), nodes], axis=-1) - origin
    nw, ne, sw, se = corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]
    triangles = np.stack([np.stack([nw, sw, se], axis=2), np.stack([nw, se, ne], axis=2)], axis=2)
    polygons = make_polygons([[triangle] for triangle in triangles.reshape(-1, 3, 3)])
    return Occluders(polygons, np.full(len(polygons), -1, np.int8))


@dataclass(frozen=True)
class Caster:
    """Facets and occluders laid out for the kernel; made once, used for all directions."""

    receivers: tuple[NDArray[np.generic], ...]
    casters: tuple[NDArray[np.generic], ...]
    words: int
    polygon_count: int
    vertex_count: int
    longest: int

    def cast(self, direction: FloatArray, blocked: NDArray[np.uint64]) -> None:
        """Write which cells are blocked towards ``direction``; releases the GIL.

        Parameters
        ----------
        direction : (3,) float
            Unit vector towards the light.
        blocked : (w,) uint64
            One bit per cell, overwritten: 1 = blocked or turned away. Bits of cells
            without sensor are undefined.
        """
        _cast(
            np.ascontiguousarray(direction, np.float64),
            self.receivers,
            self.casters,
            self.longest,
            EPSILON,
            blocked,
        )


def make_caster(facets: Facets, occluders: Occluders) -> Caster:
    """Lay out facets and occluders for the kernel.

    Both are put in the order of a space-filling curve: what is near in space is then near
    in memory, which matters more to the kernel than arithmetic.
    """
    drawn = occluders.polygons
    sequence = curve_order(drawn.vertices[drawn.vertex_start[:-1]])
    polygons, sides = drawn.take(sequence), occluders.side[sequence]
    start = polygons.vertex_start
    count = len(polygons)
    if count:
        low = np.minimum.reduceat(polygons.vertices, start[:-1])
        high = np.maximum.reduceat(polygons.vertices, start[:-1])
        first = polygons.vertices[start[:-1]]
    else:
        low = high = first = np.empty((0, 3))
    offset = np.einsum("px,px->p", polygons.normal, first)
    _, edge_end = polygons.edges()
    receivers = (
        facets.corner,
        facets.e1 * facets.step[:, :1],
        facets.e2 * facets.step[:, 1:],
        facets.normal,
        facets.shape,
        facets.bit_start,
        facets.mask,
    )
    casters = (
        polygons.vertices,
        edge_end,
        start,
        polygons.normal,
        offset,
        (low + high) / 2,
        (high - low) / 2,
        sides,
    )
    order = curve_order(facets.corner)
    return Caster(
        receivers=(
            *(np.ascontiguousarray(array[order]) for array in receivers[:-1]),
            receivers[-1],
        ),
        casters=tuple(np.ascontiguousarray(array) for array in casters),
        words=len(facets.mask),
        polygon_count=count,
        vertex_count=len(polygons.vertices),
        longest=int(np.diff(start).max(initial=0)),
    )


def curve_order(points: FloatArray) -> IntArray:
    """Return the order of points along a Z-curve over the plan.

    Parameters
    ----------
    points : (n, 3) float
        Only east and north matter [m].
    """
    if not len(points):
        return np.empty(0, np.int64)
    cell = np.floor((points[:, :2] - points[:, :2].min(axis=0)) / CURVE_CELL).astype(np.uint64)
    code = np.zeros(len(points), np.uint64)
    for bit in range(20):
        for axis in range(2):
            digit = (cell[:, axis] >> np.uint64(bit)) & np.uint64(1)
            code |= digit << np.uint64(2 * bit + axis)
    return np.argsort(code, kind="stable")


ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@numba.njit(inline="always")
def _fill(bits, first, stop):  # noqa: ANN001, ANN202
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
def _is_full(bits, first, count):  # noqa: ANN001, ANN202
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
def _extent(ou, ov, au, av, bu, bv, nu, row0, row1):  # noqa: ANN001, ANN202
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
def _dot(a, i, x, y, z):  # noqa: ANN001, ANN202
    """Return the scalar product of row i with (x, y, z); scalars, as slices cost more."""
    return a[i, 0] * x + a[i, 1] * y + a[i, 2] * z


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _sort_into_bins(direction, u, v, casters):  # noqa: ANN001, ANN202
    """Project all corners across the direction and list the drawn polygons of each bin.

    Within a bin polygons are in order of their distance along the direction, so that a
    facet meets its nearest occluders first and is often full before the far ones.
    """
    vertices, _, start, normal, _, centre, half, side = casters
    dx, dy, dz = direction[0], direction[1], direction[2]
    ux, uy, uz = u[0], u[1], u[2]
    vx, vy, vz = v[0], v[1], v[2]
    count = start.shape[0] - 1
    n_vertices = vertices.shape[0]
    pu = np.empty(n_vertices)
    pv = np.empty(n_vertices)
    for k in range(n_vertices):
        pu[k] = _dot(vertices, k, ux, uy, uz)
        pv[k] = _dot(vertices, k, vx, vy, vz)
    box = np.empty((count, 5))
    key = np.empty(count)
    drawn = np.empty(count, np.int64)
    n_drawn = 0
    farthest = 0.0
    umin = vmin = np.inf
    umax = vmax = -np.inf
    for p in range(count):
        facing = _dot(normal, p, dx, dy, dz)
        if abs(facing) < GRAZING or facing * side[p] < 0:
            continue
        a0 = b0 = np.inf
        a1 = b1 = -np.inf
        for k in range(start[p], start[p + 1]):
            a0 = min(a0, pu[k])
            a1 = max(a1, pu[k])
            b0 = min(b0, pv[k])
            b1 = max(b1, pv[k])
        box[p, 0] = a0
        box[p, 1] = a1
        box[p, 2] = b0
        box[p, 3] = b1
        middle = _dot(centre, p, dx, dy, dz)
        reach = (
            half[p, 0] * abs(dx)
            + half[p, 1] * abs(dy)
            + half[p, 2] * abs(dz)
        )
        box[p, 4] = middle + reach
        farthest = max(farthest, reach)
        key[n_drawn] = middle
        drawn[n_drawn] = p
        n_drawn += 1
        umin = min(umin, a0)
        umax = max(umax, a1)
        vmin = min(vmin, b0)
        vmax = max(vmax, b1)
    if n_drawn == 0:
        return pu, pv, box.T[:, :0].copy(), np.zeros(2, np.int64), drawn[:0], key[:0], 0.0, 0.0, 0.0, 1, 1
    order = np.argsort(key[:n_drawn], kind="mergesort")
    columns = int((umax - umin) / BIN) + 1
    rows = int((vmax - vmin) / BIN) + 1
    bin_start = np.zeros(columns * rows + 1, np.int64)
    for k in range(n_drawn):
        p = drawn[k]
        for i in range(int((box[p, 0] - umin) / BIN), int((box[p, 1] - umin) / BIN) + 1):
            for j in range(int((box[p, 2] - vmin) / BIN), int((box[p, 3] - vmin) / BIN) + 1):
                bin_start[i * rows + j + 1] += 1
    for b in range(columns * rows):
        bin_start[b + 1] += bin_start[b]
    place = bin_start.copy()
    items = np.empty(bin_start[-1], np.int64)
    distance = np.empty(bin_start[-1])
    bounds = np.empty((5, bin_start[-1]))  # beside the items: read in one sweep
    for k in range(n_drawn):
        p = drawn[order[k]]
        for i in range(int((box[p, 0] - umin) / BIN), int((box[p, 1] - umin) / BIN) + 1):
            for j in range(int((box[p, 2] - vmin) / BIN), int((box[p, 3] - vmin) / BIN) + 1):
                b = i * rows + j
                items[place[b]] = p
                distance[place[b]] = key[order[k]]
                for c in range(5):
                    bounds[c, place[b]] = box[p, c]
                place[b] += 1
    return pu, pv, bounds, bin_start, items, distance, farthest, umin, vmin, columns, rows


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _cast(direction, receivers, casters, longest, epsilon, blocked):  # noqa: ANN001, ANN202
    """Fill the blocked bits of all facets for one direction."""
    corner, cell1, cell2, facet_normal, shape, bit_start, mask = receivers
    vertices, edge_end, start, normal, offset, centre, half, _ = casters
    dx, dy, dz = direction[0], direction[1], direction[2]
    if abs(dz) < 0.9:
        length = np.sqrt(dx * dx + dy * dy)
        ux, uy, uz = -dy / length, dx / length, 0.0
    else:
        length = np.sqrt(dy * dy + dz * dz)
        ux, uy, uz = 0.0, -dz / length, dy / length
    vx, vy, vz = dy * uz - dz * uy, dz * ux - dx * uz, dx * uy - dy * ux
    pu, pv, bounds, bin_start, items, distance, farthest, umin, vmin, columns, rows = _sort_into_bins(
        (dx, dy, dz), (ux, uy, uz), (vx, vy, vz), casters
    )
    seen_by = np.full(start.shape[0], -1, np.int64)
    hits = np.empty(items.shape[0] + 1, np.int64)
    gx = np.empty(longest)
    gy = np.empty(longest)
    height = np.empty(longest)
    most_rows = shape[:, 1].max() if shape.shape[0] else 0
    crossing = np.empty((longest, most_rows))  # most rows have two, side by side
    found = np.empty(most_rows, np.int64)
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
            min(0.0, nu * _dot(cell1, f, dx, dy, dz)) + min(0.0, nv * _dot(cell2, f, dx, dy, dz))
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
                    p = items[item]
                    if seen_by[p] == f:
                        continue
                    seen_by[p] = f
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
                    middle = _dot(centre, p, nx, ny, nz) - level - epsilon
                    reach = (
                        half[p, 0] * abs(nx)
                        + half[p, 1] * abs(ny)
                        + half[p, 2] * abs(nz)
                    )
                    if middle + reach <= 0:
                        continue
                    behind = middle - reach <= 0
                    first = start[p]
                    corners = start[p + 1] - first
                    if behind:
                        # The box is undecided: ask the corners.
                        lowest = np.inf
                        highest = -np.inf
                        for k in range(corners):
                            height[k] = _dot(vertices, first + k, nx, ny, nz) - level - epsilon
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
                    for r in range(r0, r1 + 1):  # a slice would count references
                        found[r] = 0
                    for k in range(corners):
                        # The lower end first: neighbours that share this edge compute
                        # the very same crossings and leave no seam.
                        m = edge_end[first + k] - first
                        low, high = (k, m) if gy[k] < gy[m] else (m, k)
                        ya, yb = gy[low], gy[high]
                        # Rows whose centre yc has ya <= yc < yb.
                        ra = max(r0, int(np.ceil(max(ya, -1.0) - 0.5)))
                        rb = min(r1, int(np.ceil(min(yb, nv + 1.0) - 0.5)) - 1)
                        if rb < ra:
                            continue
                        slope = (gx[high] - gx[low]) / (yb - ya)
                        for r in range(ra, rb + 1):
                            x = gx[low] + (r + 0.5 - ya) * slope
                            t = found[r]
                            found[r] = t + 1
                            while t > 0 and crossing[t - 1, r] > x:
                                crossing[t, r] = crossing[t - 1, r]
                                t -= 1
                            crossing[t, r] = x
                    for r in range(r0, r1 + 1):
                        base = bit_start[f] + r * nu
                        for t in range(0, found[r] - 1, 2):
                            x0 = max(0, int(np.ceil(max(crossing[t, r], -1.0) - 0.5)))
                            x1 = min(nu - 1, int(np.floor(min(crossing[t + 1, r], nu + 1.0) - 0.5)))
                            if behind:
                                rest = h0 + hy * (r + 0.5)
                                if hx > 0:
                                    x0 = max(x0, int(np.ceil(max(-rest / hx, -1.0) - 0.5)))
                                elif hx < 0:
                                    x1 = min(x1, int(np.floor(min(-rest / hx, nu + 1.0) - 0.5)))
                                elif rest <= 0:
                                    break
                            if x1 >= x0:
                                _fill(blocked, base + x0, base + x1 + 1)
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
