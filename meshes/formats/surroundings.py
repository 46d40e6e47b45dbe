"""Thin out ground, shore, water and trees for light files."""

from dataclasses import dataclass

import numpy as np
import shapely
from matplotlib.tri import Triangulation
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from gis.district import District
from gis.errors import TerrainError
from meshes.polygons import FloatArray, IntArray
from meshes.render.ground import Land, lay_land
from meshes.render.looks import DATA

TOLERANCE = 0.25
"""Largest distance of the thinned ground from the terrain [m]."""

FIRST_STEP = 32
"""Cells between the first corners of the thinned ground."""

DEPTH = 1.0
"""How far shore walls reach below the water [m]; never seen."""

NEAR_SHORE = 0.05
"""Distance from the shore within which an open edge of the ground is the shore [m]."""

MERGED = 4
"""Decimals of a metre to which corners are one corner."""


@dataclass(frozen=True)
class Layer:
    """Triangles of one material around the buildings.

    Attributes
    ----------
    name : str
        What it is: ``ground``, ``shore``, ``water``.
    corners : (v, 3) float
        Positions [m], east, north, up, relative to the local origin.
    triangles : (t, 3) int
        Corners of each, counter-clockwise seen from above or from the water.
    colour : str
        ``#rrggbb``.
    """

    name: str
    corners: FloatArray
    triangles: IntArray
    colour: str

    def normals(self) -> FloatArray:
        """Return the mean unit normal at each corner, (v, 3), weighted by the area."""
        a, b, c = (self.corners[self.triangles[:, k]] for k in range(3))
        cross = np.cross(b - a, c - a)
        total = np.zeros_like(self.corners)
        for k in range(3):
            np.add.at(total, self.triangles[:, k], cross)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        up = np.array([0.0, 0.0, 1.0])
        return np.where(length > 1e-12, total / np.maximum(length, 1e-12), up)

    def take(self, triangles: IntArray) -> "Layer":
        """Return some of the triangles with the corners they need."""
        used, numbers = np.unique(self.triangles[triangles], return_inverse=True)
        return Layer(self.name, self.corners[used], numbers.reshape(-1, 3), self.colour)


@dataclass(frozen=True)
class TreePlaces:
    """Where trees stand.

    Attributes
    ----------
    foot : (n, 3) float
        Ground below each [m], relative to the local origin.
    height, crown_radius : (n,) float
        [m]
    """

    foot: FloatArray
    height: FloatArray
    crown_radius: FloatArray


@dataclass(frozen=True)
class Surroundings:
    """What stands and lies around the buildings.

    Attributes
    ----------
    layers : tuple of Layer
        Ground, and shore and water where there is some.
    trees : TreePlaces
        May be none.
    """

    layers: tuple[Layer, ...]
    trees: TreePlaces


def surroundings(
    district: District, *, origin: FloatArray, tolerance: float = TOLERANCE
) -> Surroundings:
    """Make the surroundings of a district, coarse where the ground is flat.

    Parameters
    ----------
    district : District
        Terrain, water and trees.
    origin : (3,) float
        Local origin, the solids' own [m].
    tolerance : float
        Largest distance of the ground from the terrain's cells on land [m].

    Returns
    -------
    Surroundings
        The ground ends at the shore, and walls reach down from it into the water.

    Raises
    ------
    TerrainError
        If the tolerance is not positive.
    """
    if not tolerance > 0:
        message = f"the ground's tolerance must be above 0 m, got {tolerance} m"
        raise TerrainError(message)
    land = lay_land(district)
    corners, triangles = cut_shore(land, *thin_ground(land, tolerance=tolerance))
    layers = [Layer("ground", corners - origin, triangles, DATA.outside)]
    if not land.water.is_empty:
        walls = _shore_walls(land, corners, triangles)
        layers += [
            _layer("shore", walls - origin, DATA.quay),
            _layer("water", _water(land) - origin, DATA.water),
        ]
    trees = district.trees
    places = shapely.get_coordinates(trees.geometry.to_numpy())
    foot = np.c_[places, land.terrain.sample(places[:, 0], places[:, 1])] - origin
    return Surroundings(
        tuple(layer for layer in layers if len(layer.triangles)),
        TreePlaces(
            foot,
            trees["height"].to_numpy(np.float64),
            trees["crown_radius"].to_numpy(np.float64),
        ),
    )


def thin_ground(land: Land, *, tolerance: float) -> tuple[FloatArray, IntArray]:
    """Choose cells of the terrain whose triangles stay close to all the others.

    Parameters
    ----------
    land : Land
        Where.
    tolerance : float
        Largest difference of elevation at cell centres on land [m].

    Returns
    -------
    corners : (v, 3) float
        EPSG:3008 and RH2000 [m].
    triangles : (t, 3) int
        Facing up; together they cover the rectangle of the outermost cell centres.

    Notes
    -----
    Greedy insertion after Garland & Heckbert 1995 (CMU-CS-95-181): every round adds the
    worst cell of each triangle that is off by more than the tolerance.
    """
    grid, z = land.terrain.grid, land.terrain.z
    if grid.rows < 2 or grid.columns < 2:
        return np.empty((0, 3)), np.empty((0, 3), np.int64)
    row, column = (k.ravel() for k in np.mgrid[: grid.rows, : grid.columns])
    cells = np.c_[column, -row].astype(np.float64)
    level = z.ravel()
    # What lies deep under the water is never seen.
    matters = (land.shore <= 2 * grid.cell).ravel()
    chosen = np.flatnonzero(_is_step(row, grid.rows) & _is_step(column, grid.columns))
    while True:
        triangles = Delaunay(cells[chosen]).simplices.astype(np.int64)
        area = _plan_area(cells[chosen][triangles])
        triangles = np.where((area < 0)[:, None], triangles[:, ::-1], triangles)[area != 0]
        off, owner = _distances(triangles, cells, level, chosen)
        bad = np.flatnonzero(matters & (off > tolerance))
        if not bad.size:
            break
        ranked = bad[np.lexsort((bad, -off[bad], owner[bad]))]
        _, first = np.unique(owner[ranked], return_index=True)
        chosen = np.union1d(chosen, ranked[first])
    corners = np.c_[grid.x[column[chosen]], grid.y[row[chosen]], level[chosen]]
    return corners, triangles


def cut_shore(
    land: Land, corners: FloatArray, triangles: IntArray
) -> tuple[FloatArray, IntArray]:
    """Take the water out of the ground; cut triangles stay in their planes."""
    if land.water.is_empty or not len(triangles):
        return corners, triangles
    places = corners[triangles]
    shapes = shapely.polygons(places[..., :2])
    shapely.prepare(land.water)
    wet = shapely.contains(land.water, shapes)
    cut = shapely.intersects(land.water, shapes) & ~wet
    flat, owner = _plan_triangles(shapely.difference(shapes[cut], land.water))
    level = _on_planes(places[cut][owner], flat)
    pieces = np.concatenate([flat, level[..., None]], axis=2)
    return _indexed(np.concatenate([places[~wet & ~cut], pieces]))


def _is_step(number: IntArray, count: int) -> NDArray[np.bool_]:
    """Whether rows or columns are among the first corners; the last one is."""
    chosen: NDArray[np.bool_] = (number % FIRST_STEP == 0) | (number == count - 1)
    return chosen


def _distances(
    triangles: IntArray, cells: FloatArray, level: FloatArray, chosen: IntArray
) -> tuple[FloatArray, IntArray]:
    """How far the triangles are from each cell [m], and which triangle it is."""
    # The search of scipy inverts a matrix per triangle: seconds on a busy machine.
    x, y = cells.T
    finder = Triangulation(x[chosen], y[chosen], triangles).get_trifinder()
    owner = np.asarray(finder(x, y), np.int64)
    places = np.c_[cells, level][chosen][triangles]
    inside = owner >= 0
    off = np.zeros(len(cells))
    found = _on_planes(places[owner[inside]], cells[inside, None])[:, 0]
    off[inside] = np.abs(found - level[inside])
    off[chosen] = 0.0
    return off, owner


def _plan_area(places: FloatArray) -> FloatArray:
    """Twice the area in plan of triangles (n, 3, 2 or 3); negative if clockwise."""
    a, b, c = places[:, 0, :2], places[:, 1, :2], places[:, 2, :2]
    area: FloatArray = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    return area


def _plan_triangles(shapes: NDArray[np.object_]) -> tuple[FloatArray, IntArray]:
    """Cut shapes into triangles that turn left, (n, 3, 2), and tell whose they are."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    kept = shapely.area(parts) > 1e-6
    pieces, part = shapely.get_parts(
        shapely.constrained_delaunay_triangles(parts[kept]), return_index=True
    )
    turned = shapely.orient_polygons(pieces)
    flat = shapely.get_coordinates(turned).reshape(-1, 4, 2)[:, :3]
    return flat, owner[kept][part].astype(np.int64)


def _on_planes(planes: FloatArray, flat: FloatArray) -> FloatArray:
    """Elevation at places (n, k, 2) on the planes of triangles (n, 3, 3)."""
    a, b, c = (planes[:, None, k] for k in range(3))
    whole = _cross(b - a, c - a)
    beside = _cross(flat - a[..., :2], c - a) / whole
    across = _cross(b - a, flat - a[..., :2]) / whole
    level: FloatArray = a[..., 2] + beside * (b - a)[..., 2] + across * (c - a)[..., 2]
    return level


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cross product in plan."""
    product: FloatArray = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product


def _indexed(places: FloatArray) -> tuple[FloatArray, IntArray]:
    """Give equal corners of triangles (n, 3, 3) one number."""
    corners, number = np.unique(
        places.reshape(-1, 3).round(MERGED), axis=0, return_inverse=True
    )
    triangles = number.reshape(-1, 3).astype(np.int64)
    a, b, c = triangles.T
    return corners, triangles[(a != b) & (b != c) & (c != a)]


def _layer(name: str, places: FloatArray, colour: str) -> Layer:
    """Make a layer of loose triangles (n, 3, 3)."""
    return Layer(name, *_indexed(places), colour)


def _shore_walls(land: Land, corners: FloatArray, triangles: IntArray) -> FloatArray:
    """Upright walls below the edges where the ground ends at the water, (n, 3, 3)."""
    edges = np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    code = edges[:, 0] * len(corners) + edges[:, 1]
    back = edges[:, 1] * len(corners) + edges[:, 0]
    open_edges = edges[~np.isin(code, back)]
    here, there = corners[open_edges[:, 0]], corners[open_edges[:, 1]]
    middle = (here + there) / 2
    west, south, east, north = land.bounds
    rim = shapely.box(west, south, east, north).exterior
    spots = shapely.points(middle[:, :2])
    shore = shapely.dwithin(land.water.boundary, spots, NEAR_SHORE)
    shore &= ~shapely.dwithin(rim, spots, NEAR_SHORE)
    here, there = here[shore], there[shore]
    foot = land.level - DEPTH
    low_here, low_there = here.copy(), there.copy()
    low_here[:, 2] = np.minimum(foot, here[:, 2])
    low_there[:, 2] = np.minimum(foot, there[:, 2])
    walls: FloatArray = np.concatenate(
        [np.stack([there, here, low_here], 1), np.stack([there, low_here, low_there], 1)]
    )
    return walls


def _water(land: Land) -> FloatArray:
    """Return the level surface of the water, (n, 3, 3)."""
    flat, _ = _plan_triangles(np.array(land.water.geoms))
    level = np.full((*flat.shape[:2], 1), land.level)
    return np.concatenate([flat, level], axis=2)
