"""Lay the ground around buildings as one sheet of triangles."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.cells_inside import cells_inside
from gis.district import District
from gis.errors import TerrainError
from gis.terrain import Grid, Terrain
from meshes.ground.banks import quay_terrain
from meshes.ground.linework import Linework, draw_lines
from meshes.ground.thinning import cell_middles, refine
from meshes.ground.units import UNIT, codes, directed_edges, edge_codes, to_units, turns
from meshes.polygons import (
    FloatArray,
    IntArray,
    Polygons,
    polygons_from_rings,
)

TOLERANCE = 0.25
"""Largest distance of the ground from the terrain [m]."""

BEND = 0.5
"""Share of the tolerance that lines between two corners may be off."""

HOVERS = 1.0
"""A part whose base lies this far above all ground around it stands on none [m]."""

BESIDE = 1e-3
"""Corners of the ground this close to an outline lie on it [m]."""

FARTHEST = 5e4
"""Farthest rim from the local origin [m]; beyond it whole numbers overflow."""

BoolArray = NDArray[np.bool_]


class Cover(IntEnum):
    """What a triangle of the ground is."""

    LAND = 0
    PAD = 1
    SHORE = 2
    WATER = 3


@dataclass(frozen=True)
class GroundMesh:
    """Ground, quays and water as triangles that meet edge to edge.

    Attributes
    ----------
    corners : (v, 3) float
        Positions [m], east, north, up, relative to ``origin``; no two are the same.
    triangles : (t, 3) int
        Corners of each. `Cover.LAND`, `Cover.PAD` (below buildings) and `Cover.WATER` face
        up, `Cover.SHORE` is upright and faces the water.
    cover : (t,) int8
        `Cover` of each.
    origin : (3,) float
        Local origin: easting, northing (EPSG:3008) and height (RH2000) [m].
    lift : float
        How far the ground was raised at most to the base of a building or to the water,
        where these lie above the terrain [m].
    """

    corners: FloatArray
    triangles: IntArray
    cover: NDArray[np.int8]
    origin: FloatArray
    lift: float

    def take(self, *covers: Cover) -> tuple[FloatArray, IntArray]:
        """Return the triangles of some covers, and the corners that they need."""
        chosen = self.triangles[np.isin(self.cover, covers)]
        used, number = np.unique(chosen, return_inverse=True)
        return self.corners[used], number.reshape(-1, 3).astype(np.int64)

    def levels(self, plan: FloatArray) -> FloatArray:
        """Return how high the ground lies at places, (n,) [m] above the origin.

        Parameters
        ----------
        plan : (n, 2) float
            Places [m] relative to the origin; NaN is returned on water, beyond the rim,
            and below buildings if there are no pads.
        """
        places = self.corners[self.triangles[self.cover <= Cover.PAD]]
        tree = shapely.STRtree(shapely.polygons(places[..., :2]))
        place, found = tree.query(shapely.points(plan), predicate="intersects")
        a, b, c = (places[found, k] for k in range(3))
        spot = plan[place]
        whole = _cross(b - a, c - a)
        beside, across = _cross(spot - a[:, :2], c - a), _cross(b - a, spot - a[:, :2])
        with np.errstate(invalid="ignore", divide="ignore"):
            rise = beside * (b - a)[:, 2] + across * (c - a)[:, 2]
            level = a[:, 2] + rise / whole
        # A sliver may have no area once its corners are those of the walls.
        sound = np.abs(whole) > UNIT**2
        levels = np.full(len(plan), np.nan)
        levels[place[sound]] = level[sound]
        return levels

    def polygons(self, *covers: Cover) -> Polygons:
        """Return the triangles of some covers as planar polygons, all if none are named.

        Those without area in `meshes.polygons.polygons_from_rings` are left out.
        """
        chosen = np.isin(self.cover, covers or tuple(Cover))
        places = self.corners[self.triangles[chosen]]
        sides = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
        places = places[np.linalg.norm(sides, axis=1) > 1e-8]
        count = len(places)
        return polygons_from_rings(
            places.reshape(-1, 3), 3 * np.arange(count + 1), np.arange(count + 1)
        )


def ground_mesh(
    district: District,
    *,
    origin: FloatArray,
    tolerance: float = TOLERANCE,
    pads: bool = False,
) -> GroundMesh:
    """Lay the ground of a district: outlines and shores cut in, coarse where it is flat.

    Parameters
    ----------
    district : District
        Buildings, terrain and water.
    origin : (3,) float
        Local origin, the solids' own [m].
    tolerance : float
        Largest distance of the ground from the cells of the terrain on land that no
        building covers [m]; cells within 2 mm of an outline or shore are not asked.
    pads : bool
        Whether the ground goes on below buildings.

    Returns
    -------
    GroundMesh
        Along every outline on land its corners in plan are those of the walls, to the bit,
        and at or above their base. Below buildings the ground has a hole if there are no
        pads. All edges but those of holes and of the rim belong to two triangles.

    Raises
    ------
    TerrainError
        If the tolerance is not positive, or the terrain reaches too far from the origin.

    Notes
    -----
    Cells at the water have the level of the quay, see `meshes.ground.banks`. The ground
    ends in the middle of the outermost cells, at the rim.
    """
    if not tolerance > 0:
        message = f"the ground's tolerance must be above 0 m, got {tolerance} m"
        raise TerrainError(message)
    terrain, sea = quay_terrain(district)
    grid = terrain.grid
    if grid.rows < 2 or grid.columns < 2:
        return GroundMesh(
            np.empty((0, 3)), np.empty((0, 3), np.int64), np.empty(0, np.int8), origin, 0.0
        )
    shift = origin[:2]
    rim = _rim(grid, shift)
    shapes, base = _standing(district, terrain)
    outlines = _moved(shapes, shift)
    water = _moved(shapely.get_parts(sea), shift)
    every = np.concatenate([outlines, water])
    lines = draw_lines(every, terrain, shift=shift, rim=rim, tolerance=BEND * tolerance)
    exact = _exact(lines, outlines)
    drawn = terrain.sample(*(exact + shift).T)
    surface = district.water_level
    level = _raised(exact, drawn, outlines, base, water, surface)
    open_land = np.ones((grid.rows, grid.columns), np.bool_)
    _, row, column = cells_inside(np.append(shapes, shapely.get_parts(sea)), grid)
    open_land[row, column] = False
    used, triangles = refine(
        lines,
        level,
        terrain,
        shift=shift,
        matters=open_land.ravel(),
        tolerance=tolerance,
    )
    plan = cell_middles(grid) - shift
    places = np.concatenate([lines.places, to_units(plan)])[used]
    corners = np.concatenate([np.c_[exact, level], np.c_[plan, terrain.z.ravel()]])[used]
    cover = _covers(places, triangles, lines.segments, outlines, water)
    lift = float((level - drawn).max(initial=0.0))
    corners, triangles, cover = _with_shores(corners, triangles, cover, surface, pads=pads)
    corners[:, 2] -= origin[2]
    return GroundMesh(corners, triangles, cover, origin, lift)


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cross products in plan."""
    product: FloatArray = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return product


def _rim(grid: Grid, shift: FloatArray) -> tuple[int, int, int, int]:
    """West, south, east, north of the ground in units."""
    bounds = np.array([(grid.x[0], grid.y[-1]), (grid.x[-1], grid.y[0])]) - shift
    if np.abs(bounds).max() > FARTHEST:
        message = (
            f"the ground must lie within {FARTHEST / 1000:g} km of the local origin, got "
            f"{np.abs(bounds).max() / 1000:.0f} km; give a smaller terrain"
        )
        raise TerrainError(message)
    west, south, east, north = to_units(bounds).ravel().tolist()
    return west, south, east, north


def _standing(
    district: District, terrain: Terrain
) -> tuple[NDArray[np.object_], FloatArray]:
    """Outlines of the parts that stand on the ground, and their bases [m RH2000]."""
    shapes = district.buildings.geometry.to_numpy()
    base = district.buildings["base"].to_numpy(np.float64)
    xy, owner = shapely.get_coordinates(
        shapely.segmentize(shapes, terrain.grid.cell), return_index=True
    )
    highest = np.full(len(shapes), -np.inf)
    np.maximum.at(highest, owner, terrain.sample(*xy.T))
    x, y = terrain.grid.x, terrain.grid.y
    near = shapely.intersects(shapes, shapely.box(x[0], y[-1], x[-1], y[0]))
    stands = near & (base <= highest + HOVERS)
    return shapes[stands], base[stands]


def _moved(shapes: NDArray[np.object_], shift: FloatArray) -> NDArray[np.object_]:
    """Shapes relative to the local origin, by the same subtraction as the solids'."""
    moved: NDArray[np.object_] = shapely.transform(shapes, lambda xy: xy - shift)
    return moved


def _exact(lines: Linework, outlines: NDArray[np.object_]) -> FloatArray:
    """Return the places of lines in metres, (n, 2): at corners of outlines the corners."""
    plan = np.asarray(lines.places * UNIT, np.float64)
    corners = shapely.get_coordinates(outlines)
    number, first = np.unique(codes(to_units(corners)), return_index=True)
    own = codes(lines.places)
    at = np.searchsorted(number, own)
    at[at == len(number)] = 0
    known = number[at] == own if len(number) else np.zeros(len(own), np.bool_)
    plan[known] = corners[first[at[known]]]
    return plan


def _raised(
    plan: FloatArray,
    level: FloatArray,
    outlines: NDArray[np.object_],
    base: FloatArray,
    water: NDArray[np.object_],
    surface: float,
) -> FloatArray:
    """Level of places on lines, not below the bases of buildings there nor the water."""
    raised = level.copy()
    spots = shapely.points(plan)
    tree = shapely.STRtree(spots)
    part, place = tree.query(
        shapely.boundary(outlines), predicate="dwithin", distance=BESIDE
    )
    np.maximum.at(raised, place, base[part])
    _, place = tree.query(shapely.boundary(water), predicate="dwithin", distance=BESIDE)
    raised[place] = np.maximum(raised[place], surface)
    return raised


def _is_open(plan: FloatArray, shapes: NDArray[np.object_]) -> BoolArray:
    """Whether places lie in none of the shapes."""
    is_open = np.ones(len(plan), np.bool_)
    tree = shapely.STRtree(shapely.points(plan))
    is_open[tree.query(shapes, predicate="intersects")[1]] = False
    return is_open


def _covers(
    places: IntArray,
    triangles: IntArray,
    segments: IntArray,
    outlines: NDArray[np.object_],
    water: NDArray[np.object_],
) -> NDArray[np.int8]:
    """Tell what each triangle covers: all that no line divides are the same."""
    sides = np.sort(directed_edges(triangles), axis=1)
    owner = np.tile(np.arange(len(triangles)), 3)
    code = edge_codes(sides)
    free = ~np.isin(code, edge_codes(np.sort(segments, axis=1)))
    order = np.argsort(code[free], kind="stable")
    code, owner = code[free][order], owner[free][order]
    same = np.flatnonzero(code[:-1] == code[1:])
    count = len(triangles)
    joined = coo_array(
        (np.ones(len(same), np.int8), (owner[same], owner[same + 1])), shape=(count, count)
    )
    _, field = connected_components(joined, directed=False)
    area = turns(*(places[triangles[:, k]] for k in range(3)))
    # The largest triangle of each field tells: its middle is farthest from all lines.
    largest = np.lexsort((-area, field))
    largest = largest[np.unique(field[largest], return_index=True)[1]]
    middles = (places[triangles[largest]] * UNIT).mean(axis=1)
    cover = np.where(_is_open(middles, outlines), Cover.LAND, Cover.PAD)
    cover[~_is_open(middles, water)] = Cover.WATER
    told: NDArray[np.int8] = cover.astype(np.int8)[field]
    return told


def _with_shores(
    corners: FloatArray,
    triangles: IntArray,
    cover: NDArray[np.int8],
    surface: float,
    *,
    pads: bool,
) -> tuple[FloatArray, IntArray, NDArray[np.int8]]:
    """Let the water down to its surface and close the step with walls."""
    count = len(corners)
    low = np.arange(count)
    low[corners[:, 2] != surface] += count
    every = np.concatenate([corners, corners])
    every[count:, 2] = surface
    wet = cover == Cover.WATER
    dry = ~wet if pads else cover == Cover.LAND
    sides = directed_edges(triangles)
    of_dry, of_wet = sides[np.tile(dry, 3)], sides[np.tile(wet, 3)]
    a, b = of_dry[np.isin(edge_codes(of_dry), edge_codes(of_wet[:, ::-1]))].T
    walls = np.concatenate([np.c_[b, a, low[a]], np.c_[b, low[a], low[b]]])
    flat = (walls == np.roll(walls, 1, axis=1)).any(axis=1)
    walls = walls[~flat]
    joined = np.concatenate([triangles[dry], walls, low[triangles[wet]]])
    told = np.concatenate(
        [cover[dry], np.full(len(walls), Cover.SHORE, np.int8), cover[wet]]
    )
    used, number = np.unique(joined, return_inverse=True)
    return every[used], number.reshape(-1, 3).astype(np.int64), told
