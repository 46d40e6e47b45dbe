"""Lay the ground, the quays and the water, on to the horizon."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter1d, map_coordinates

from gis.district import District
from gis.terrain import Grid, Terrain, fill_nearest
from meshes.render.triangles import (
    Surface,
    Triangles,
    join_triangles,
    make_triangles,
    quads,
)

MOST_CELLS = 420
"""Terrain cells kept along each axis; finer ones are smaller than a pixel."""

BANK = 0.6
"""Ground this close to the shore, in cells, is the slope into the water, not the quay."""

QUAY_DEPTH = 3.0
"""How far quay walls reach below the water [m]; never seen."""

RINGS = (0.0, 0.04, 0.12, 0.3, 0.8, 2.0, 5.0, 12.0)
"""How far outside the edge rings of surroundings lie, as shares of its radius."""

SHORTEST_RUN = 0.012
"""Shortest stretch of water or land that continues outside, as a share of the edge."""

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Land:
    """Ground without the slopes into the water, and the water itself.

    Attributes
    ----------
    terrain : Terrain
        Quays keep their level up to the shore.
    water : MultiPolygon
        Open water within the middles of the outermost terrain cells.
    level : float
        Elevation of the water [m].
    bounds : (west, south, east, north)
        Middles of the outermost terrain cells [m].
    shore : (rows, columns) float32
        Distance of the terrain's cells from land [m].
    """

    terrain: Terrain
    water: shapely.MultiPolygon
    level: float
    bounds: Box
    shore: NDArray[np.float32]

    def shore_distance(self, x: FloatArray, y: FloatArray) -> NDArray[np.float32]:
        """Return how far places on the water are from the shore, (n,) [m].

        Parameters
        ----------
        x, y : (n,) float
            Easting and northing, EPSG:3008 [m].
        """
        grid = self.terrain.grid
        column = (x - grid.west) / grid.cell - 0.5
        row = (grid.north - y) / grid.cell - 0.5
        distance: NDArray[np.float32] = map_coordinates(
            self.shore, np.stack([row, column]), order=1, mode="nearest"
        )
        return distance + self.outside(x, y)

    def outside(self, x: FloatArray, y: FloatArray) -> NDArray[np.float32]:
        """Return how far places lie beyond the terrain, (n,) [m]; 0 within.

        Parameters
        ----------
        x, y : (n,) float
            Easting and northing, EPSG:3008 [m].
        """
        west, south, east, north = self.bounds
        across, along = x - np.clip(x, west, east), y - np.clip(y, south, north)
        return np.hypot(across, along).astype(np.float32)


def lay_land(district: District) -> Land:
    """Thin out the terrain and draw its quays up to the shore.

    Parameters
    ----------
    district : District
        Where; its water may be empty.

    Returns
    -------
    Land
        At most `MOST_CELLS` cells of terrain along each axis.
    """
    terrain = _thin_out(district.terrain)
    grid = terrain.grid
    bounds = (float(grid.x[0]), float(grid.y[-1]), float(grid.x[-1]), float(grid.y[0]))
    water = shapely.intersection(district.water, shapely.box(*bounds))
    polygons = [
        part for part in shapely.get_parts(water) if isinstance(part, shapely.Polygon)
    ]
    inside = shapely.MultiPolygon(shapely.orient_polygons(polygons).tolist())
    shore = np.zeros((grid.rows, grid.columns), np.float32)
    if polygons:
        afloat = shapely.intersects_xy(inside, *np.meshgrid(grid.x, grid.y))
        shore = (distance_transform_edt(afloat) * grid.cell).astype(np.float32)
        bank = shapely.buffer(inside, BANK * district.terrain.grid.cell)
        wet = shapely.contains_xy(bank, *np.meshgrid(grid.x, grid.y))
        if not wet.all():
            terrain = Terrain(
                grid, fill_nearest(np.where(wet, np.nan, terrain.z)), terrain.source
            )
    return Land(terrain, inside, district.water_level, bounds, shore)


def _thin_out(terrain: Terrain) -> Terrain:
    """Average square groups of cells where there are more than pictures can show."""
    grid = terrain.grid
    step = -(-max(grid.rows, grid.columns) // MOST_CELLS)
    rows, columns = grid.rows // step, grid.columns // step
    if step == 1 or not (rows and columns):
        return terrain
    z = terrain.z[: rows * step, : columns * step]
    means = z.reshape(rows, step, columns, step).mean(axis=(1, 3))
    return Terrain(
        Grid(grid.west, grid.north, grid.cell * step, rows, columns), means, terrain.source
    )


def land_triangles(land: Land, *, origin: FloatArray) -> Triangles:
    """Build ground, quay walls and water as far as the horizon.

    Parameters
    ----------
    land : Land
        What to build.
    origin : (3,) float
        Local origin [m].

    Returns
    -------
    Triangles
        Ground and water face upwards, quay walls face the water.
    """
    pieces = [_ground(land, origin), _surroundings(land, origin)]
    if not land.water.is_empty:
        pieces += [_quays(land, origin), _water(land, origin)]
    return join_triangles(pieces)


def _ground(land: Land, origin: FloatArray) -> Triangles:
    """Two triangles a cell; cells at the shore are cut along it."""
    grid = land.terrain.grid
    if grid.rows < 2 or grid.columns < 2:
        return make_triangles(np.empty((0, 3, 3)), Surface.GROUND)
    x, y = np.meshgrid(grid.x, grid.y)
    points = np.stack([x, y, land.terrain.z], axis=-1)
    cells = quads(
        points[1:, :-1].reshape(-1, 3),
        points[1:, 1:].reshape(-1, 3),
        points[:-1, 1:].reshape(-1, 3),
        points[:-1, :-1].reshape(-1, 3),
    ).reshape(-1, 2, 3, 3)
    boxes = shapely.box(
        x[1:, :-1].ravel(), y[1:, :-1].ravel(), x[:-1, 1:].ravel(), y[:-1, 1:].ravel()
    )
    wet, cut = _wet_cells(land.water, boxes)
    dry = cells[~wet & ~cut].reshape(-1, 3, 3)
    corners = np.concatenate([dry, _cut_cells(land, boxes[cut])])
    return make_triangles(
        corners - origin, Surface.GROUND, normals=_smooth_normals(land.terrain, corners)
    )


def _wet_cells(
    water: shapely.MultiPolygon, boxes: NDArray[np.object_]
) -> tuple[BoolArray, BoolArray]:
    """Tell cells in the water from cells on the shore."""
    wet, cut = np.zeros(len(boxes), bool), np.zeros(len(boxes), bool)
    if not water.is_empty:
        tree = shapely.STRtree(boxes)
        wet[tree.query(water, predicate="contains")] = True
        cut[tree.query(water, predicate="intersects")] = True
    return wet, cut & ~wet


def _cut_cells(land: Land, boxes: NDArray[np.object_]) -> FloatArray:
    """Triangles of the dry parts of cells, (n, 3, 3)."""
    flat = _plan_triangles(shapely.difference(boxes, land.water))
    z = land.terrain.sample(flat[..., 0], flat[..., 1])
    return np.concatenate([flat, z[..., None]], axis=2)


def _plan_triangles(shapes: NDArray[np.object_]) -> FloatArray:
    """Cut polygons into triangles that turn counter-clockwise, (n, 3, 2)."""
    parts = shapely.get_parts(shapes)
    parts = parts[shapely.area(parts) > 1e-6]
    pieces = shapely.get_parts(shapely.constrained_delaunay_triangles(parts))
    flat = shapely.get_coordinates(shapely.orient_polygons(pieces)).reshape(-1, 4, 2)[:, :3]
    triangles: FloatArray = flat
    return triangles


def _smooth_normals(terrain: Terrain, corners: FloatArray) -> FloatArray:
    """Measure the ground's normals at corners by central differences over two cells."""
    h = terrain.grid.cell
    x, y = corners[..., 0], corners[..., 1]
    east = (terrain.sample(x + h, y) - terrain.sample(x - h, y)) / (2 * h)
    north = (terrain.sample(x, y + h) - terrain.sample(x, y - h)) / (2 * h)
    normals = np.stack([-east, -north, np.ones_like(east)], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return normals


def _quays(land: Land, origin: FloatArray) -> Triangles:
    """Upright walls along the shore, from below the water to the ground's level."""
    west, south, east, north = land.bounds
    inner = shapely.box(west + 0.01, south + 0.01, east - 0.01, north - 0.01)
    starts, ends = [], []
    for polygon in land.water.geoms:
        for ring in (polygon.exterior, *polygon.interiors):
            places = shapely.get_coordinates(
                shapely.segmentize(ring, land.terrain.grid.cell)
            )
            middle = (places[:-1] + places[1:]) / 2
            kept = shapely.contains_xy(inner, middle[:, 0], middle[:, 1])
            starts.append(places[:-1][kept])
            ends.append(places[1:][kept])
    here, there = np.concatenate(starts), np.concatenate(ends)
    return make_triangles(_walls(land, here, there) - origin, Surface.QUAY)


def _walls(land: Land, here: FloatArray, there: FloatArray) -> FloatArray:
    """Upright walls whose right hand is land and whose front faces the left, (n, 3, 3)."""
    top_here = land.terrain.sample(here[:, 0], here[:, 1])
    top_there = land.terrain.sample(there[:, 0], there[:, 1])
    foot = np.full(len(here), land.level - QUAY_DEPTH)
    return quads(
        np.c_[there, foot],
        np.c_[here, foot],
        np.c_[here, top_here],
        np.c_[there, top_there],
    )


def _water(land: Land, origin: FloatArray) -> Triangles:
    """Return the level water surface within the terrain."""
    flat = _plan_triangles(np.array(land.water.geoms))
    level = np.full((*flat.shape[:2], 1), land.level)
    return make_triangles(np.concatenate([flat, level], axis=2) - origin, Surface.WATER)


def _surroundings(land: Land, origin: FloatArray) -> Triangles:
    """Continue ground and water beyond the terrain, ever smoother, to the horizon."""
    west, south, east, north = land.bounds
    if not (east > west and north > south):
        return make_triangles(np.empty((0, 3, 3)), Surface.GROUND)
    edge = _edge_points(land)
    following = np.roll(edge, -1, axis=0)
    inside = shapely.intersects(land.water, shapely.points((edge + following) / 2))
    wet = merge_runs(inside, np.linalg.norm(following - edge, axis=1))
    centre = np.array([(west + east) / 2, (south + north) / 2])
    z = land.terrain.sample(edge[:, 0], edge[:, 1])
    rings = []
    for ring in RINGS:
        # Outside nothing is known: ridges at the edge must not run on as rays.
        smooth = gaussian_filter1d(z, ring * len(z) / 4, mode="wrap") if ring else z
        rings.append(np.c_[centre + (edge - centre) * (1 + ring), smooth])
    ground, water = [], []
    # Where water meets land across the edge, or along a ray of it, a bank closes the gap.
    here, there = rings[0], np.roll(rings[0], -1, axis=0)
    drained, flooded = inside & ~wet, wet & ~inside
    banks = [
        _banks(land, there[drained], here[drained]),
        _banks(land, here[flooded], there[flooded]),
    ]
    before = np.roll(wet, 1)
    begins, ends = wet & ~before, before & ~wet
    for inner, outer in pairwise(rings):
        inner_next, outer_next = np.roll(inner, -1, axis=0), np.roll(outer, -1, axis=0)
        faces = quads(outer, outer_next, inner_next, inner).reshape(-1, 2, 3, 3)
        ground.append(faces[~wet].reshape(-1, 3, 3))
        level = faces[wet].reshape(-1, 3, 3)
        level[..., 2] = land.level
        water.append(level)
        banks.append(_banks(land, outer[begins], inner[begins]))
        banks.append(_banks(land, inner[ends], outer[ends]))
    return join_triangles(
        [
            make_triangles(np.concatenate(pieces) - origin, surface)
            for pieces, surface in (
                (ground, Surface.GROUND),
                (water, Surface.WATER),
                (banks, Surface.QUAY),
            )
        ]
    )


def _banks(land: Land, here: FloatArray, there: FloatArray) -> FloatArray:
    """Upright walls below lines of the ground that face the right, (n, 3, 3)."""
    flat, foot = np.array([1.0, 1.0, 0.0]), np.array([0.0, 0.0, land.level - QUAY_DEPTH])
    return quads(here * flat + foot, there * flat + foot, there, here)


def merge_runs(is_wet: BoolArray, length: FloatArray) -> BoolArray:
    """Drop short stretches of water or land from a closed edge.

    Parameters
    ----------
    is_wet : (n,) bool
        Whether each piece of the edge lies in water.
    length : (n,) float
        Lengths of the pieces [m].

    Returns
    -------
    (n,) bool
        The shortest stretches joined to their neighbours until each left is at least
        `SHORTEST_RUN` of the edge: a jetty at the edge must not run on to the horizon.
    """
    merged = is_wet.copy()
    while (starts := np.flatnonzero(merged != np.roll(merged, 1))).size:
        run = (np.searchsorted(starts, np.arange(len(merged)), side="right") - 1) % len(
            starts
        )
        total = np.bincount(run, weights=length)
        shortest = int(total.argmin())
        if total[shortest] >= SHORTEST_RUN * length.sum():
            break
        merged[run == shortest] ^= True
    return merged


def _edge_points(land: Land) -> FloatArray:
    """Corners along the terrain's edge, counter-clockwise, shore crossings included."""
    west, south, east, north = land.bounds
    grid = land.terrain.grid
    x, y = grid.x[:-1], grid.y[:0:-1]
    edge = np.concatenate(
        [
            np.c_[x, np.full_like(x, south)],
            np.c_[np.full_like(y, east), y],
            np.c_[grid.x[:0:-1], np.full_like(x, north)],
            np.c_[np.full_like(y, west), grid.y[:-1]],
        ]
    )
    outline = shapely.LinearRing(
        [(west, south), (east, south), (east, north), (west, north)]
    )
    if land.water.is_empty:
        return edge
    shore = shapely.get_coordinates(shapely.intersection(outline, land.water))
    points = np.unique(np.concatenate([edge, shore]).round(6), axis=0)
    along = shapely.line_locate_point(outline, shapely.points(points))
    ordered: FloatArray = points[np.argsort(along, kind="stable")]
    return ordered
