"""Tell what reflected light comes to places and sensors."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.errors import GeometryError
from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.reflection.light_kernel import blend_facets, blend_tiles
from meshes.solar.reflection.radiosity import received
from meshes.solar.reflection.rays import Scene, form_factors
from meshes.solar.reflection.tiles import Tiles

RAYS = 1024
"""Rays of a receiver of its own."""

PLACES = 4096
"""Receivers whose form factors are held at once."""

RUNS = 16
"""Runs of facets that threads share out."""


def reflected(
    scene: Scene,
    emitted: Float32Array,
    points: FloatArray,
    normals: FloatArray,
    *,
    rays: int = RAYS,
) -> tuple[Float32Array, Float32Array]:
    """Return the reflected light at any places, by rays of their own.

    Parameters
    ----------
    scene : Scene
        Tiles ready for rays.
    emitted : (m + 1, k) float32
        Light that leaves the tiles: `Glow.emitted`, or its product with the strengths of
        the sources at k times, which is cheaper where times are few.
    points, normals : (n, 3) float
        Places [m, local] and unit normals.
    rays : int
        Rays of each place; the error falls with their number.

    Returns
    -------
    ground, building : (n, k) float32
        Irradiance by light that left the ground last, and a building last.

    Raises
    ------
    GeometryError
        If a normal is not of unit length.
    """
    length = np.linalg.norm(normals, axis=1)
    if len(length) and not np.abs(length - 1).max() < 1e-3:
        worst = float(length[np.abs(length - 1).argmax()])
        message = f"normals must be of unit length, got {worst:g}; divide them by it"
        raise GeometryError(message)
    found = [
        received(
            form_factors(scene, points[k : k + PLACES], normals[k : k + PLACES], rays=rays),
            scene.tiles,
            emitted,
        )
        for k in range(0, max(len(points), 1), PLACES)
    ]
    return (
        np.concatenate([ground for ground, _ in found]),
        np.concatenate([building for _, building in found]),
    )


def tile_blend(
    tiles: Tiles, points: FloatArray, surface: IntArray, normals: FloatArray
) -> csr_array:
    """Return the weights that blend the tiles around places on their own surface.

    Parameters
    ----------
    tiles : Tiles
        The m tiles.
    points, normals : (n, 3) float
        Places on surfaces [m, local] and the normals of the side they lie on.
    surface : (n,) int
        Surface of each: number of its polygon in `Surfaces`.

    Returns
    -------
    (n, m) float32
        Bilinear between the centres of tiles, level beyond the outermost. A place on a
        surface that reflects nothing has an empty row.
    """
    side = _sides(tiles, surface, normals)
    count = len(points)
    tile, weight = np.full((count, 4), -1), np.zeros((count, 4), np.float32)
    lit = np.flatnonzero(side >= 0)
    some, weights = np.empty((len(lit), 4), np.int64), np.empty((len(lit), 4), np.float32)
    blend_tiles(
        np.ascontiguousarray(points[lit]),
        side[lit],
        tiles.frame,
        tiles.tree,
        tiles.leaf,
        tiles.cells,
        some,
        weights,
    )
    tile[lit], weight[lit] = some, weights
    kept = tile >= 0
    weight[~kept] = 0.0
    total = weight.sum(axis=1, keepdims=True)
    weight /= np.where(total > 0, total, 1)
    rows = np.r_[0, np.cumsum(kept.sum(axis=1))]
    return csr_array((weight[kept], tile[kept], rows), shape=(count, len(tiles)))


def _sides(tiles: Tiles, surface: IntArray, normals: FloatArray) -> IntArray:
    """Return the frame of the side of each surface that a normal points to, (n,)."""
    front = tiles.front[surface]
    back = tiles.back[surface]
    e1, e2, _ = tiles.frame
    faces = np.cross(e1[front], e2[front])
    is_back = (np.einsum("nx,nx->n", faces, normals) < 0) & (back >= 0)
    side: IntArray = np.where(is_back, back, front)
    return side


def sensor_places(facets: Facets, sensors: IntArray, owner: IntArray) -> FloatArray:
    """Return the positions of some sensors, (k, 3) [m]; ``owner`` are their facets."""
    cell = facets.sensor_bit[sensors] - facets.bit_start[owner]
    row, column = np.divmod(cell, facets.shape[owner, 0])
    u = (column + 0.5) * facets.step[owner, 0]
    v = (row + 0.5) * facets.step[owner, 1]
    places: FloatArray = facets.corner[owner] + u[:, None] * facets.e1[owner]
    places += v[:, None] * facets.e2[owner]
    return places


def light_facets(
    tiles: Tiles,
    facets: Facets,
    light: Float32Array,
    lit: NDArray[np.bool_],
    *,
    threads: int | None = None,
) -> tuple[Float32Array, csr_array]:
    """Return light on tiles blended on all sensors, and the weights of the facets' means.

    The same as products with `facet_blend`, without weights for each sensor.

    Parameters
    ----------
    tiles : Tiles
        Of the surfaces that the facets lie on: ``facets.face`` numbers them.
    facets : Facets
        Grids with n sensors on f facets.
    light : (m, 2) float32
        On tiles, of two kinds.
    lit : (n,) bool
        Sensors that get light at all.
    threads : int, optional
        Working threads; the result does not depend on them.

    Returns
    -------
    sensors : (n, 2) float32
        Light on sensors.
    means : (f, m) float32
        Weights of tiles in the means over each facet's sensors.
    """
    grids = (
        facets.corner,
        facets.e1 * facets.step[:, :1],
        facets.e2 * facets.step[:, 1:],
        facets.shape[:, 0],
        facets.sensor_start,
        facets.sensor_bit,
        facets.bit_start,
    )
    side = _sides(tiles, facets.face, facets.normal)
    received = np.zeros((facets.sensor_count, 2), np.float32)
    targets = np.linspace(0, facets.sensor_count, RUNS + 1)[1:-1]
    cuts = np.r_[0, np.searchsorted(facets.sensor_start, targets), len(facets)]
    cuts = np.clip(cuts, 0, len(facets))

    def blend(run: int) -> tuple[IntArray, IntArray, Float32Array]:
        found: tuple[IntArray, IntArray, Float32Array] = blend_facets(
            grids,
            side,
            cuts[run],
            cuts[run + 1],
            tiles.frame,
            tiles.tree,
            tiles.leaf,
            tiles.cells,
            np.ascontiguousarray(light),
            lit,
            received,
            np.zeros(len(tiles)),
            np.empty(len(tiles), np.int64),
        )
        return found

    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        found = list(pool.map(blend, range(len(cuts) - 1)))
    starts = np.concatenate([np.zeros(1, np.int64), *(np.diff(part[0]) for part in found)])
    tile = np.concatenate([part[1] for part in found])
    weight = np.concatenate([part[2] for part in found])
    means = csr_array((weight, tile, np.cumsum(starts)), shape=(len(facets), len(tiles)))
    return received, means


def facet_blend(tiles: Tiles, facets: Facets) -> tuple[csr_array, csr_array]:
    """Return the weights of tiles for all sensors of facets, and for the facets' means.

    Parameters
    ----------
    tiles : Tiles
        Of the surfaces that the facets lie on: ``facets.face`` numbers them.
    facets : Facets
        Grids with n sensors on f facets.

    Returns
    -------
    sensors : (n, m) float32
        As `tile_blend`.
    means : (f, m) float32
        Means over each facet's sensors.
    """
    owner = facets.sensor_facet
    sensors = tile_blend(
        tiles, facets.sensor_positions(), facets.face[owner], facets.normal[owner]
    )
    counts = facets.sensors_per_facet
    mean = csr_array(
        (
            np.repeat(1.0 / np.maximum(counts, 1), counts).astype(np.float32),
            np.arange(len(owner)),
            facets.sensor_start,
        ),
        shape=(len(facets), len(owner)),
    )
    return sensors, mean @ sensors
