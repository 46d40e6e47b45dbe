"""Send rays from places on surfaces and name the tiles they meet."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.errors import ComponentError
from meshes.polygons import FloatArray, IntArray
from meshes.render.rays import RayTracer
from meshes.solar.reflection.light_kernel import (
    DARK,
    count_rows,
    find_tiles,
    first_hits,
    spread_rays,
)
from meshes.solar.reflection.tiles import Tiles
from meshes.solar.sky import PLASTIC

LIFT = 5e-3
"""Start of rays above their surface [m]: single precision must tell the two apart."""

AT_ONCE = 1 << 17
"""Rays of a block; a block is small enough for the processor's cache."""


class Scene:
    """Tiles that rays can meet, sorted so that rays find them quickly.

    With embreex by its ray tracer; without, every ray is tested against every triangle,
    which is as right and takes thousands of times as long. ``notes`` says so.
    """

    def __init__(self, tiles: Tiles) -> None:
        """Sort the triangles of ``tiles``."""
        self.tiles = tiles
        self.notes: tuple[str, ...] = ()
        # Single precision is enough near the middle, not at far coordinates.
        low, high = tiles.corners.min(axis=(0, 1)), tiles.corners.max(axis=(0, 1))
        self._middle = (low + high) / 2
        local = tiles.corners - self._middle
        self._corner = np.ascontiguousarray(local[:, 0])
        self._edge1, self._edge2 = local[:, 1] - local[:, 0], local[:, 2] - local[:, 0]
        normal = np.cross(self._edge1, self._edge2)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
        offset = np.einsum("tx,tx->t", normal, tiles.corners[:, 0])
        self._plane = (normal, offset, tiles.surface)
        self._tracer: RayTracer | None
        try:
            self._tracer = RayTracer(local.astype(np.float32))
        except ComponentError:
            self._tracer = None
            self.notes = (
                "embreex is not installed: reflections test every ray against every "
                "triangle, which is slow",
            )

    def _triangles(self, origins: FloatArray, directions: FloatArray) -> IntArray:
        """Return the first triangle on each ray, -1 for none."""
        start = origins - self._middle
        if self._tracer is None:
            found = np.empty(len(start), np.int64)
            first_hits(start, directions, self._corner, self._edge1, self._edge2, found)
            return found
        hits = self._tracer.first_hits(
            start.astype(np.float32), directions.astype(np.float32)
        )
        return hits.triangle.astype(np.int64)

    def is_inside(self, points: FloatArray, normals: FloatArray) -> NDArray[np.bool_]:
        """(n,) bool: places just before which lies the inside of a body.

        A ray along the normal tells: there it meets the body's face from behind. A place
        on a face that touches another body is covered by it.
        """
        upright = np.zeros((1, 2))
        ends = self._see(points, normals, upright, np.zeros((len(points), 2)))
        inside: NDArray[np.bool_] = ends[:, 0] == DARK
        return inside

    def see(self, points: FloatArray, normals: FloatArray, *, rays: int) -> IntArray:
        """Return what places see in the directions of a cosine-weighted pattern.

        Parameters
        ----------
        points, normals : (n, 3) float
            Places [m, local] and unit normals.
        rays : int
            Directions of each place.

        Returns
        -------
        (n, rays) int
            Tile numbers, or SKY or DARK of `light_kernel`. Each stands for the same share
            of the light that falls on the place.
        """
        return self._see(points, normals, cosine_pattern(rays), pattern_shifts(len(points)))

    def _see(
        self,
        points: FloatArray,
        normals: FloatArray,
        pattern: FloatArray,
        shift: FloatArray,
    ) -> IntArray:
        """Return what places see in the directions of a pattern with shifts: see `see`."""
        rays = len(pattern)
        pattern = np.ascontiguousarray(pattern)
        start = self._unburied(points, normals)
        found = np.empty(len(points) * rays, np.int64)
        step = max(1, AT_ONCE // rays)

        def trace(first: int) -> None:
            chosen = slice(first, first + step)
            count = len(points[chosen]) * rays
            origins, directions = np.empty((count, 3)), np.empty((count, 3))
            spread_rays(
                start[chosen],
                normals[chosen],
                LIFT,
                pattern,
                shift[chosen],
                origins,
                directions,
            )
            find_tiles(
                origins,
                directions,
                self._triangles(origins, directions),
                self._plane,
                self.tiles.front,
                self.tiles.back,
                self.tiles.frame,
                self.tiles.tree,
                self.tiles.leaf,
                self.tiles.cells,
                len(self.tiles),
                found[first * rays : first * rays + count],
            )

        with ThreadPoolExecutor() as pool:
            list(pool.map(trace, range(0, len(points), step)))
        return found.reshape(len(points), rays)

    def _unburied(self, points: FloatArray, normals: FloatArray) -> FloatArray:
        """Lift places that lie below the fitted ground onto it."""
        if self.tiles.ground.terrain is None or not len(points):
            return points
        start = points + LIFT * normals
        triangle = self._triangles(start, np.tile((0.0, 0.0, 1.0), (len(points), 1)))
        normal, offset, surface = self._plane
        below = np.flatnonzero(triangle >= 0)
        below = below[surface[triangle[below]] >= self.tiles.first_ground]
        plane = triangle[below]
        depth = offset[plane] - np.einsum("nx,nx->n", normal[plane], start[below])
        lifted = points.copy()
        lifted[below, 2] += depth / normal[plane, 2] + LIFT
        return lifted


def form_factors(
    scene: Scene, points: FloatArray, normals: FloatArray, *, rays: int
) -> csr_array:
    """Return the share of each place's view that each tile fills.

    Parameters
    ----------
    scene : Scene
        The tiles.
    points, normals : (n, 3) float
        Places [m, local] and unit normals.
    rays : int
        Rays of each place; the error falls with their number.

    Returns
    -------
    (n, m + 1) float32
        Weighted by the cosine; rows sum to 1 less the views of sky and dark.
    """
    tiles = scene.see(points, normals, rays=rays)
    columns, counts = np.empty_like(tiles, np.int32), np.empty_like(tiles, np.float32)
    length = np.empty(len(tiles), np.int64)
    count_rows(tiles, columns, counts, length)
    kept = np.arange(rays) < length[:, None]
    return csr_array(
        (counts[kept] / np.float32(rays), columns[kept], np.r_[0, np.cumsum(length)]),
        shape=(len(tiles), len(scene.tiles) + 1),
    )


def cosine_pattern(rays: int) -> FloatArray:
    """Return places in the unit square that `light_kernel.spread_rays` turns to directions.

    Returns
    -------
    (rays, 2) float
        A lattice of rank one, whose second step is the golden ratio's: as even as a grid
        and, shifted round the square's edges, still as even.
    """
    number = np.arange(rays)
    golden = (np.sqrt(5.0) - 1) / 2
    return np.stack([(number + 0.5) / rays, (number * golden) % 1.0], axis=-1)


def pattern_shifts(count: int) -> FloatArray:
    """Return the shift of the pattern for each place, (count, 2), always the same.

    Neighbours get shifts that lie far apart, so that the mean over neighbours is better
    than each of them.
    """
    number = np.arange(1, count + 1)[:, None]
    shifts: NDArray[np.float64] = (number * np.array(PLASTIC)) % 1.0
    return shifts
