"""Lay tiles on everything that reflects light."""

from dataclasses import dataclass, fields

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray, IntArray, Polygons, make_polygons
from meshes.solar.reflection.light_kernel import DARK
from meshes.solar.reflection.splitting import CellSize, Frames, Tree, halve
from meshes.solar.reflection.surfaces import (
    Ground,
    Surfaces,
    face_frames,
    ground_frame,
    lying_faces,
    outline_points,
    tilted_frames,
    turned,
)
from meshes.solids import Kind, Solids

BUDGET = 30_000
"""Tiles of a scene, about."""

FINEST = 0.75
"""Smallest tiles of a small scene [m]."""

GROUND_SLOPE = 0.25
"""Growth of ground tiles per metre of distance from buildings."""

FOCUS_SLOPE = 0.1
"""Growth of all tiles per metre of distance from the receivers, where these are few."""

OUTLINE_STEP = 4.0
"""Distance of the points that stand for buildings where ground tiles are sized [m]."""

OUTLINE_POINTS = 500_000
"""Points, about, from which on they lie farther apart: a large city has large tiles."""

TERRAIN_CELLS = 8
"""Cells along a planar piece of terrain, at most."""

WIDEST = 1e4
"""Distance at which small faces no longer share tiles, whatever their number [m]."""

FRONT = 0.3
"""Distance before a face at which the ground decides what is buried [m]."""


@dataclass(frozen=True)
class Tiles:
    """Small rectangles that reflect light evenly, and how to find them.

    Tile ``m`` (one past the last) stands for the far ground: free, level and endless.

    Attributes
    ----------
    position, normal : (m, 3) float
        Centres [m, local] and unit normals.
    area : (m,) float
        [m2]; those of a polygon add up to its area above ground.
    reflectance : (m + 1,) float32
        [-]; the last is the far ground's.
    is_ground : (m + 1,) bool
        Ground, near or far; the others are buildings.
    facets : Facets
        The tiles as sensors of planar grids, for the shadow kernel.
    bit : (m,) int
        Bit of each tile.
    ground : Ground
        The ground they follow.
    corners : (t, 3, 3) float
        Triangles that rays can meet [m, local].
    surface : (t,) int
        Surface of each: first the polygons of `Surfaces`, then the ground.
    first_ground : int
        The first surface that is ground.
    front, back : (s,) int
        Frame of each surface's two sides, -1 for a side that reflects nothing.
    frame, tree, leaf : tuple of array
        For `light_kernel.find_tiles`: axes and root of each frame; axis, cut and child
        of each node; lower corner, step, shape and first cell of each leaf.
    cells : (c,) int
        Tile of each cell of the leaves; cells off the polygon have the nearest.
    """

    position: FloatArray
    normal: FloatArray
    area: FloatArray
    reflectance: Float32Array
    is_ground: NDArray[np.bool_]
    facets: Facets
    bit: IntArray
    ground: Ground
    corners: FloatArray
    surface: IntArray
    first_ground: int
    front: IntArray
    back: IntArray
    frame: tuple[FloatArray, FloatArray, IntArray]
    tree: tuple[NDArray[np.int8], FloatArray, IntArray]
    leaf: tuple[FloatArray, FloatArray, IntArray, IntArray]
    cells: IntArray

    def __len__(self) -> int:
        """Return the number of tiles, the far ground not counted."""
        return len(self.position)


def make_tiles(
    surfaces: Surfaces,
    ground: Ground | None = None,
    *,
    receivers: FloatArray | None = None,
    budget: int = BUDGET,
    finest: float = FINEST,
) -> Tiles:
    """Tile all surfaces and the ground around them.

    Parameters
    ----------
    surfaces : Surfaces
        Buildings and anything else.
    ground : Ground, optional
        Level at z = 0 by default. Near buildings its tiles are small, far away large.
    receivers : (n, 3) float, optional
        Places [m, local] that the light is wanted at, if they are few: tiles grow with
        the distance from them. Without, all surfaces are tiled alike.
    budget : int
        Tiles are made larger until there are no more than this. Where the surfaces alone
        are more than half of it, small neighbours that look alike share the tiles of the
        largest of them.
    finest : float
        Smallest size of a tile [m].

    Returns
    -------
    Tiles
    """
    ground = ground or Ground()
    focus = np.empty((0, 3)) if receivers is None else np.asarray(receivers, np.float64)
    standing = np.flatnonzero(~lying_faces(surfaces.polygons, ground))
    chosen, keeper = _keepers(surfaces, standing, most=budget // 2, finest=finest)
    opened = np.flatnonzero(surfaces.is_open[chosen])
    faces = face_frames(surfaces.polygons.take(chosen))
    walls = faces + turned(_some(faces, opened))
    plan = ground_frame(surfaces.polygons, focus, ground)
    cut = _fit(walls, plan, surfaces.polygons, focus, ground, budget, finest)
    wall_tree, plan_tree = cut
    front = np.full(len(surfaces), -1)
    back, behind = front.copy(), np.full(len(chosen), -1)
    behind[opened] = len(chosen) + np.arange(len(opened))
    front[standing] = keeper
    back[standing] = behind[keeper]
    if ground.terrain is None:
        grounds, ground_tree = plan, plan_tree
        shapes = _quad(plan)
        sides = np.zeros(1, np.int64)
    else:
        leaves = plan_tree.leaves
        grounds, shapes = tilted_frames(
            plan_tree.low[leaves], plan_tree.size[leaves], ground
        )
        ground_tree = _single_leaves(grounds, plan_tree.cell[leaves])
        sides = np.repeat(np.arange(len(leaves)), 2)
    corners, owner = surfaces.polygons.triangles()
    more, ground_owner = shapes.triangles()
    return _assemble(
        walls + grounds,
        _joined(wall_tree, ground_tree, len(walls)),
        surfaces,
        np.r_[chosen, chosen[opened]],
        ground,
        np.concatenate([surfaces.polygons.vertices[corners], shapes.vertices[more]]),
        np.r_[owner, ground_owner + len(surfaces)],
        np.r_[front, sides + len(walls)],
        np.r_[back, np.full(len(sides), -1)],
    )


def _keepers(
    surfaces: Surfaces, standing: IntArray, *, most: int, finest: float
) -> tuple[IntArray, IntArray]:
    """Return polygons that get tiles, and which of them each standing one shares."""
    polygons = surfaces.polygons.take(standing)
    is_open = surfaces.is_open[standing]
    if len(standing) + np.count_nonzero(is_open) <= most:
        return standing, np.arange(len(standing))
    start = polygons.vertex_start
    middle = np.add.reduceat(polygons.vertices, start[:-1]) / np.diff(start)[:, None]
    # Normals that round alike lie within about 20 degrees of each other.
    alike = np.c_[np.round(polygons.normal * 2), is_open, surfaces.reflectance[standing]]
    cell = 2 * finest
    while True:
        key = np.c_[np.floor(middle / cell), alike]
        keeper = np.unique(key, axis=0, return_inverse=True)[1].ravel()
        order = np.lexsort((-polygons.area, keeper))
        first = np.unique(keeper[order], return_index=True)[1]
        chosen = order[first]
        if len(chosen) + np.count_nonzero(is_open[chosen]) <= most or cell > WIDEST:
            return standing[chosen], keeper
        cell *= 1.3


def _fit(
    walls: Frames,
    plan: Frames,
    polygons: Polygons,
    focus: FloatArray,
    ground: Ground,
    budget: int,
    finest: float,
) -> tuple[Tree, Tree]:
    """Halve walls and ground with the finest cells that the budget allows."""
    seen = () if not len(focus) else ((cKDTree(focus), FOCUS_SLOPE),)
    start, end = polygons.edges()
    edge = polygons.vertices[end] - polygons.vertices[start]
    length = float(np.linalg.norm(edge, axis=1).sum())
    about = outline_points(polygons, step=max(OUTLINE_STEP, length / OUTLINE_POINTS))
    shaded = seen if not len(about) else (*seen, (cKDTree(about), GROUND_SLOPE))
    most = np.inf if ground.terrain is None else float(TERRAIN_CELLS)
    scale, least = 1.0, len(walls) + 100
    for _ in range(8):
        wall_tree, plan_tree = (
            halve(
                frames,
                CellSize(finest * scale, tuple((tree, k * scale) for tree, k in near)),
                largest=largest,
            )
            for frames, near, largest in ((walls, seen, np.inf), (plan, shaded, most))
        )
        count = sum(
            int(tree.shape()[tree.leaves].prod(axis=1).sum())
            for tree in (wall_tree, plan_tree)
        )
        if count <= max(budget, 1.2 * least):
            break
        scale *= max(1.1, 1.03 * np.sqrt(count / max(budget, least)))
    return wall_tree, plan_tree


def _some(frames: Frames, chosen: IntArray) -> Frames:
    """Return some frames."""
    return Frames(*(getattr(frames, field.name)[chosen] for field in fields(frames)))


def _quad(plan: Frames) -> Polygons:
    """Return the rectangle of one frame as a polygon."""
    corner = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * plan.size[0] + plan.low[0]
    return make_polygons([[plan.place(np.zeros(4, np.int64), corner)]])


def _single_leaves(frames: Frames, cell: FloatArray) -> Tree:
    """Return a tree in which nothing is halved."""
    count = len(frames)
    return Tree(
        np.arange(count),
        np.full(count, -1, np.int8),
        np.zeros(count),
        np.full(count, -1),
        frames.low,
        frames.size,
        cell,
    )


def _joined(a: Tree, b: Tree, frames: int) -> Tree:
    """Return two trees as one; the second's frames come after the first's."""
    nodes = len(a.frame)
    shifted = Tree(b.frame + frames, b.axis, b.cut, b.child + nodes, b.low, b.size, b.cell)
    names = [field.name for field in fields(Tree)]
    return Tree(*(np.concatenate([getattr(a, n), getattr(shifted, n)]) for n in names))


def _assemble(
    frames: Frames,
    tree: Tree,
    surfaces: Surfaces,
    polygon: IntArray,
    ground: Ground,
    corners: FloatArray,
    surface: IntArray,
    front: IntArray,
    back: IntArray,
) -> Tiles:
    """Make tiles of the cells of all leaves; ``polygon`` tells whose frames."""
    leaves, shape = tree.leaves, tree.shape()
    step = tree.size / shape
    counts = shape[leaves].prod(axis=1)
    node = np.repeat(leaves, counts)
    place = np.arange(len(node)) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(place, shape[node, 0])
    uv = tree.low[node] + (np.stack([column, row], axis=-1) + 0.5) * step[node]
    frame = tree.frame[node]
    centre = frames.place(frame, uv)
    wall = np.flatnonzero(frame < len(polygon))
    inside = np.ones(len(node), np.bool_)
    inside[wall] = _inside(frames, surfaces.polygons, polygon, frame[wall], uv[wall])
    ahead = centre[wall] + FRONT * frames.normal[frame[wall]]
    inside[wall] &= centre[wall, 2] > ground.height(ahead[:, 0], ahead[:, 1])
    tile = np.flatnonzero(inside)
    owner, area = frame[tile], step[node[tile]].prod(axis=1)
    is_face = owner < len(polygon)
    reflectance = np.full(len(tile) + 1, ground.albedo, np.float32)
    reflectance[:-1][is_face] = surfaces.reflectance[polygon[owner[is_face]]]
    first = np.full(len(tree.frame), -1)
    first[leaves] = np.cumsum(counts) - counts
    facets, bit = _grids(frames, tree, shape, step, node, place, inside)
    roots = np.unique(tree.frame, return_index=True)[1]
    return Tiles(
        position=centre[tile],
        normal=frames.normal[owner],
        area=area,
        reflectance=reflectance,
        is_ground=np.r_[~is_face, True],
        facets=facets,
        bit=bit,
        ground=ground,
        corners=corners,
        surface=surface,
        first_ground=len(surfaces),
        front=front,
        back=back,
        frame=(frames.e1, frames.e2, roots),
        tree=(tree.axis, tree.cut, tree.child),
        leaf=(tree.low, step, shape, first),
        cells=_with_nearest(tile, centre, frame),
    )


def _inside(
    frames: Frames, polygons: Polygons, polygon: IntArray, frame: IntArray, uv: FloatArray
) -> NDArray[np.bool_]:
    """(c,) bool: cell centres within the polygon of their frame, at least one a frame."""
    inside = np.ones(len(frame), np.bool_)
    box = frames.size[: len(polygon)].prod(axis=1)
    odd = np.flatnonzero(polygons.area[polygon] < box * (1 - 1e-6))
    if not len(odd):
        return inside
    chosen = polygons.take(polygon[odd])
    owner = np.repeat(np.arange(len(odd)), np.diff(chosen.vertex_start))
    flat = np.stack(
        [
            np.einsum("vx,vx->v", chosen.vertices, axis[odd][owner])
            for axis in (frames.e1, frames.e2)
        ],
        axis=-1,
    )
    ring = np.repeat(np.arange(len(chosen.ring_start) - 1), np.diff(chosen.ring_start))
    shapes = shapely.polygons(
        shapely.linearrings(flat, indices=ring),
        indices=np.repeat(np.arange(len(odd)), np.diff(chosen.polygon_start)),
    )
    shapely.prepare(shapes)
    number = np.full(len(polygon), -1)
    number[odd] = np.arange(len(odd))
    cells = np.flatnonzero(number[frame] >= 0)
    which = number[frame[cells]]
    inside[cells] = shapely.contains_xy(shapes[which], uv[cells, 0], uv[cells, 1])
    # A sliver between the centres keeps the cell nearest to its middle.
    empty = np.bincount(which, inside[cells], minlength=len(odd)) == 0
    lost = cells[empty[which]]
    if len(lost):
        middle = np.empty((len(odd), 2))
        found = [shapes[k].representative_point() for k in np.flatnonzero(empty)]
        middle[empty] = [(point.x, point.y) for point in found]
        away = np.linalg.norm(uv[lost] - middle[number[frame[lost]]], axis=1)
        order = np.lexsort((away, frame[lost]))
        nearest = np.unique(frame[lost][order], return_index=True)[1]
        inside[lost[order[nearest]]] = True
    return inside


def _with_nearest(tile: IntArray, centre: FloatArray, frame: IntArray) -> IntArray:
    """Return the tile of each cell, the nearest one of its frame, or DARK for none."""
    cells = np.full(len(frame), DARK)
    cells[tile] = np.arange(len(tile))
    bare = np.flatnonzero((cells == DARK) & np.isin(frame, frame[tile]))
    if len(bare):
        # Frames are set apart by a fourth coordinate that no scene is as wide as.
        keyed = np.c_[centre, frame * 1e6]
        cells[bare] = cKDTree(keyed[tile]).query(keyed[bare])[1]
    return cells


def _grids(
    frames: Frames,
    tree: Tree,
    shape: IntArray,
    step: FloatArray,
    node: IntArray,
    place: IntArray,
    inside: NDArray[np.bool_],
) -> tuple[Facets, IntArray]:
    """Return leaves with tiles as facets, and the bit of each tile."""
    kept = np.unique(node[inside])
    number = np.full(len(tree.frame), -1)
    number[kept] = np.arange(len(kept))
    words = (shape[kept].prod(axis=1) + 63) // 64
    bit_start = np.r_[0, np.cumsum(words)] * 64
    block = number[node[inside]]
    bit = bit_start[block] + place[inside]
    bits = np.zeros(bit_start[-1], np.bool_)
    bits[bit] = True
    frame = tree.frame[kept]
    counts = np.bincount(block, minlength=len(kept))
    facets = Facets(
        ids=tuple(f"tiles-{k}" for k in range(len(kept))),
        face=frame,
        kind=np.full(len(kept), Kind.WALL, np.int8),
        part=np.zeros(len(kept), np.int32),
        normal=frames.normal[frame],
        corner=frames.place(frame, tree.low[kept]),
        e1=frames.e1[frame],
        e2=frames.e2[frame],
        step=step[kept],
        shape=shape[kept],
        area=tree.size[kept].prod(axis=1),
        bit_start=bit_start[:-1],
        mask=np.packbits(bits, bitorder="little").view(np.uint64),
        sensor_start=np.r_[0, np.cumsum(counts)],
        sensor_bit=np.sort(bit),
        solids=Solids(
            make_polygons([]),
            np.empty(0, np.int8),
            np.empty(0, np.int32),
            (),
            np.zeros(3),
        ),
    )
    return facets, bit
