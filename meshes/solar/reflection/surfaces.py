"""Gather the surfaces that reflect light: buildings, open surfaces and the ground."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gis.errors import GeometryError
from gis.terrain import Terrain
from meshes.polygons import Float32Array, FloatArray, IntArray, Polygons, make_polygons
from meshes.solar.occluders import Occluders
from meshes.solar.reflection.splitting import Frames

BURIED = 0.1
"""Faces that look down and lie at most so far above the ground reflect nothing [m]."""


@dataclass(frozen=True)
class Ground:
    """Ground that reflects light: level, or following a terrain.

    Attributes
    ----------
    z : float
        Its height where there is no terrain [m, local]; also of the far ground.
    albedo : float
        Its reflectance [-].
    terrain : Terrain or None
        Elevations [m, RH2000].
    origin : (3,) float
        Local origin of the scene [m], for the terrain.
    """

    z: float = 0.0
    albedo: float = 0.2
    terrain: Terrain | None = None
    origin: FloatArray = field(default_factory=lambda: np.zeros(3))

    def __post_init__(self) -> None:
        """Refuse reflectances that create light."""
        check_reflectance("albedo", np.asarray(self.albedo))

    def height(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return the height of the ground at places (n,) [m, local]."""
        if self.terrain is None:
            return np.full(np.shape(x), self.z)
        found: FloatArray = (
            self.terrain.sample(x + self.origin[0], y + self.origin[1]) - self.origin[2]
        )
        return found


@dataclass(frozen=True)
class Surfaces:
    """Polygons that reflect light.

    Attributes
    ----------
    polygons : Polygons
        Planar polygons [m, local].
    is_open : (p,) bool
        They bound no body: both of their sides reflect. The back of the others is the
        inside of a body, which nothing sees.
    reflectance : (p,) float32
        [-].
    """

    polygons: Polygons
    is_open: NDArray[np.bool_]
    reflectance: Float32Array

    def __len__(self) -> int:
        """Return the number of polygons."""
        return len(self.polygons)


def check_reflectance(name: str, values: NDArray[np.floating]) -> None:
    """Refuse reflectances outside 0..1.

    Raises
    ------
    GeometryError
        With the first bad value.
    """
    bad = ~((values >= 0.0) & (values < 1.0))
    if bad.any():
        message = (
            f"{name} must be at least 0 and below 1, got {float(values[bad].flat[0]):g}; "
            "give a share of light, not percent"
        )
        raise GeometryError(message)


def reflecting_surfaces(
    occluders: Occluders, *, reflectance: float | NDArray[np.floating]
) -> Surfaces:
    """Return what reflects among the occluders: all but the terrain, in their order.

    Parameters
    ----------
    occluders : Occluders
        Bodies, open surfaces and terrain. Terrain must come last, as
        `district_occluders` has it, so that polygons keep their numbers.
    reflectance : float or (p,) float
        Of all of them, or of each.

    Raises
    ------
    GeometryError
        If a reflectance lies outside 0..1, or terrain comes before something else.
    """
    values = np.broadcast_to(np.asarray(reflectance, np.float32), len(occluders.side))
    check_reflectance("reflectance", values)
    kept = np.flatnonzero(occluders.side >= 0)
    if len(kept) and kept[-1] != len(kept) - 1:
        message = (
            "terrain must come last among the occluders, got it before other polygons; "
            "add it last"
        )
        raise GeometryError(message)
    return Surfaces(
        occluders.polygons.take(kept),
        occluders.side[kept] == 0,
        values[kept].astype(np.float32),
    )


def face_frames(polygons: Polygons) -> Frames:
    """Return the planes of polygons, with axes along a longest edge, and their extents.

    Parameters
    ----------
    polygons : Polygons
        Walls get a level first axis, so that the second points up.
    """
    start, end = polygons.edges()
    first = polygons.vertex_start[:-1]
    if not len(first):
        none = np.empty((0, 3))
        return Frames(none, none, none, none[:, 0], none[:, :2], none[:, :2])
    edge = polygons.vertices[end] - polygons.vertices[start]
    length = np.einsum("ex,ex->e", edge, edge).round(6)
    owner = np.repeat(np.arange(len(polygons)), np.diff(polygons.vertex_start))
    order = np.lexsort((np.arange(len(edge)), -length, owner))
    e1 = edge[order[first]]
    normal = polygons.normal
    upright = np.abs(normal[:, 2]) < 1e-9
    level = np.stack([-normal[:, 1], normal[:, 0], np.zeros(len(normal))], axis=-1)
    e1 = np.where(upright[:, None], level, e1)
    e1 = e1 - normal * np.einsum("px,px->p", e1, normal)[:, None]
    e1 /= np.linalg.norm(e1, axis=1, keepdims=True)
    e2 = np.cross(normal, e1)
    u = np.einsum("vx,vx->v", polygons.vertices, e1[owner])
    v = np.einsum("vx,vx->v", polygons.vertices, e2[owner])
    flat = np.stack([u, v], axis=-1)
    low = np.minimum.reduceat(flat, first)
    size = np.maximum.reduceat(flat, first) - low
    height = np.einsum("px,px->p", polygons.vertices[first], normal)
    return Frames(e1, e2, normal, height, low, np.maximum(size, 1e-6))


def turned(frames: Frames) -> Frames:
    """Return the same rectangles seen from behind: axes swapped, normals turned."""
    return Frames(
        frames.e2,
        frames.e1,
        -frames.normal,
        -frames.height,
        frames.low[:, ::-1],
        frames.size[:, ::-1],
    )


def ground_frame(polygons: Polygons, points: FloatArray, ground: Ground) -> Frames:
    """Return the level square of ground that is tiled: what buildings can shade much.

    Parameters
    ----------
    polygons : Polygons
        The buildings.
    points : (n, 3) float
        Receivers; the square reaches under them too.
    ground : Ground
        Its height.

    Notes
    -----
    The margin is three times the height of the buildings, between 50 and 300 m. The
    ground beyond counts as free.
    """
    around = np.concatenate([polygons.vertices, points])
    if not len(around):
        around = np.zeros((1, 3))
    low, high = around.min(axis=0), around.max(axis=0)
    margin = float(np.clip(3 * (high[2] - low[2]), 50.0, 300.0))
    axes = np.eye(3)[:, None]
    return Frames(
        axes[0],
        axes[1],
        axes[2],
        np.array([ground.z]),
        low[None, :2] - margin,
        (high - low)[None, :2] + 2 * margin,
    )


def tilted_frames(
    low: FloatArray, size: FloatArray, ground: Ground
) -> tuple[Frames, Polygons]:
    """Return rectangles of plan as planes fitted to the ground, and their triangles.

    Parameters
    ----------
    low, size : (n, 2) float
        Rectangles, east and north [m, local].
    ground : Ground
        With a terrain.

    Returns
    -------
    frames : Frames
        Planes of least squares through the ground at the four corners.
    polygons : Polygons
        Two triangles a rectangle, whose corners lie on the ground: neighbours of one
        size meet without gaps.
    """
    west, south = low.T
    east, north = (low + size).T
    z = np.stack(
        [
            ground.height(x, y)
            for x, y in ((west, south), (east, south), (east, north), (west, north))
        ]
    )
    dx = (z[1] + z[2] - z[0] - z[3]) / (2 * size[:, 0])
    dy = (z[2] + z[3] - z[0] - z[1]) / (2 * size[:, 1])
    flat = np.zeros(len(z[0]))
    e1 = np.stack([flat + 1, flat, dx], axis=-1)
    e1 /= np.linalg.norm(e1, axis=1, keepdims=True)
    normal = np.stack([-dx, -dy, flat + 1], axis=-1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    e2 = np.cross(normal, e1)
    middle = np.c_[low + size / 2, z.mean(axis=0)]
    extent = size * np.stack([np.hypot(1, dx), np.hypot(1, dy)], axis=-1)
    centre = np.stack([np.einsum("nx,nx->n", middle, axis) for axis in (e1, e2)], axis=-1)
    frames = Frames(
        e1,
        e2,
        normal,
        np.einsum("nx,nx->n", middle, normal),
        centre - extent / 2,
        extent,
    )
    corner = np.stack(
        [
            np.stack([west, south, z[0]], axis=-1),
            np.stack([east, south, z[1]], axis=-1),
            np.stack([east, north, z[2]], axis=-1),
            np.stack([west, north, z[3]], axis=-1),
        ],
        axis=1,
    )
    triangles = np.stack([corner[:, [0, 1, 2]], corner[:, [0, 2, 3]]], axis=1)
    return frames, make_polygons([[one] for one in triangles.reshape(-1, 3, 3)])


def lying_faces(polygons: Polygons, ground: Ground) -> NDArray[np.bool_]:
    """(p,) bool: faces that look down onto the ground they lie on or in."""
    first = polygons.vertex_start[:-1]
    if not len(first):
        return np.empty(0, np.bool_)
    x, y, z = polygons.vertices.T
    above = np.maximum.reduceat(z - ground.height(x, y), first)
    lying: NDArray[np.bool_] = (polygons.normal[:, 2] < -0.9) & (above < BURIED)
    return lying


def outline_points(polygons: Polygons, *, step: float) -> FloatArray:
    """Return points along all edges, not farther apart than ``step`` metres, (n, 3)."""
    start, end = polygons.edges()
    edge = polygons.vertices[end] - polygons.vertices[start]
    pieces = np.maximum(np.ceil(np.linalg.norm(edge, axis=1) / step), 1).astype(np.int64)
    owner: IntArray = np.repeat(np.arange(len(edge)), pieces)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    points: FloatArray = (
        polygons.vertices[start[owner]] + (place / pieces[owner])[:, None] * edge[owner]
    )
    return points
