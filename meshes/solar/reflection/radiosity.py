"""Follow light from tile to tile until nothing changes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from meshes.polygons import Float32Array, IntArray
from meshes.solar.reflection.light_kernel import add_light, gather, sweep
from meshes.solar.reflection.rays import Scene, form_factors
from meshes.solar.reflection.sources import Sources
from meshes.solar.reflection.tiles import Tiles
from meshes.solar.shadow import Caster, bundle
from meshes.solar.shadow_lanes_kernel import LANES

RAYS = 256
"""Rays of a tile."""

TOLERANCE = 1e-3
"""Change, as a share of the brightest tile, at which the light counts as settled."""

SWEEPS = 100
"""Most passes over all tiles; a reflectance of 0.9 needs about half of them."""

BLOCK = 32
"""Groups solved at once: their light on all tiles should fit the processor's cache."""


@dataclass(frozen=True)
class Glow:
    """Light that leaves and reaches every tile, for sources of strength 1.

    Attributes
    ----------
    emitted : (m + 1, k) float32
        Light that leaves each tile, all bounces included, per area [W/m2 for a source of
        strength 1]; the last row is the far ground's.
    factors : (m, m + 1) float32
        Share of each tile's view that each tile fills.
    """

    emitted: Float32Array
    factors: csr_array


def tile_light(
    tiles: Tiles, caster: Caster, sources: Sources, *, threads: int = 2
) -> Float32Array:
    """Return the light that comes to the tiles straight from sky and sun.

    Parameters
    ----------
    tiles : Tiles
        The m tiles.
    caster : Caster
        Of ``tiles.facets`` and all that blocks light.
    sources : Sources
        Directions in k groups.
    threads : int
        Working threads; the result does not depend on them.

    Returns
    -------
    (m + 1, k) float32
        Irradiance for a source of strength 1; the last row is the far ground's.
    """
    found = np.zeros((sources.count, len(tiles) + 1), np.float32)
    edges = np.searchsorted(sources.group, np.arange(sources.count + 1))

    def cast(groups: IntArray) -> None:
        chosen = np.concatenate([np.arange(edges[g], edges[g + 1]) for g in groups])
        blocked = np.empty((len(chosen), caster.words), np.uint64)
        for part in bundle(sources.direction[chosen]):
            rows = np.empty((len(part), caster.words), np.uint64)
            caster.cast_many(sources.direction[chosen[part]], rows)
            blocked[part] = rows
        for row, k in zip(blocked, chosen.tolist(), strict=True):
            into = found[sources.group[k], :-1]
            add_light(row, tiles.bit, tiles.normal, sources.flux[k], into)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(cast, _neighbours(sources, edges)))
    found[:, -1] = sources.free_ground()
    return np.ascontiguousarray(found.T)


def _neighbours(sources: Sources, edges: IntArray) -> list[IntArray]:
    """Put neighbouring groups together that fit the kernel's lanes; each stands once."""
    size = np.diff(edges)
    filled = np.flatnonzero(size)
    middle = np.add.reduceat(sources.direction, edges[:-1][filled])
    middle /= np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), 1e-9)
    found = []
    for count in np.unique(size[filled]).tolist():
        alike = np.flatnonzero(size[filled] == count)
        together = bundle(middle[alike], most=max(1, LANES // count))
        found += [filled[alike[part]] for part in together]
    return found


def settle(
    tiles: Tiles,
    factors: csr_array,
    light: Float32Array,
    *,
    reflectance: Float32Array | None = None,
    tolerance: float = TOLERANCE,
    threads: int = 2,
) -> Float32Array:
    """Return the light that leaves the tiles after all bounces.

    Parameters
    ----------
    tiles : Tiles
        The m tiles.
    factors : (m, m + 1) float32
        From `form_factors` of the tiles.
    light : (m + 1, k) float32
        What comes to them straight from its sources.
    reflectance : (m + 1,) float32, optional
        Instead of the tiles' own, for another albedo.
    tolerance : float
        Largest change that counts as settled, as a share of the brightest tile.
    threads : int
        Working threads; the result does not depend on them.

    Returns
    -------
    (m + 1, k) float32
        B of ``B = R (E + F B)``, by sweeps in place (Gauss and Seidel), which settle
        twice as fast as bounces one by one.

    Notes
    -----
    Since rows of F sum to at most 1 and reflectances lie below 1, each sweep shrinks the
    error at least by the largest reflectance. Checked against an inverted matrix, the
    closed box and the infinite street in tests/meshes/solar/reflection/test_radiosity.py.
    """
    rho = tiles.reflectance if reflectance is None else reflectance
    found = np.empty_like(light)
    start = factors.indptr.astype(np.int64)

    def solve(first: int) -> None:
        chosen = slice(first, first + BLOCK)
        source = np.ascontiguousarray(light[:, chosen])
        leaving = source * rho[:, None]
        brightest = float(leaving.max(initial=0.0))
        for _ in range(SWEEPS):
            change = sweep(start, factors.indices, factors.data, rho, source, leaving)
            if change <= tolerance * brightest:
                break
        found[:, chosen] = leaving

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(solve, range(0, light.shape[1], BLOCK)))
    return found


def glow(
    scene: Scene,
    light: Float32Array,
    *,
    rays: int = RAYS,
    factors: csr_array | None = None,
    albedo: float | None = None,
) -> Glow:
    """Return the light that leaves every tile: form factors, then all bounces.

    Parameters
    ----------
    scene : Scene
        Tiles ready for rays.
    light : (m + 1, k) float32
        From `tile_light`.
    rays : int
        Rays of a tile.
    factors : (m, m + 1) float32, optional
        From an earlier call, if only light or albedo changed.
    albedo : float, optional
        Of the ground, instead of the tiles' own: snow.
    """
    tiles = scene.tiles
    if factors is None:
        factors = form_factors(scene, tiles.position, tiles.normal, rays=rays)
    rho = tiles.reflectance
    if albedo is not None:
        rho = np.where(tiles.is_ground, np.float32(albedo), rho)
    return Glow(settle(tiles, factors, light, reflectance=rho), factors)


def between(
    bare: Float32Array, snow: Float32Array, share: Float32Array | float
) -> Float32Array:
    """Return light between that of bare ground and that of full snow.

    Parameters
    ----------
    bare, snow : (..., k) float32
        The same light for two albedos.
    share : float or (k,) float
        Where the albedo lies between the two, 0 for bare ground, 1 for snow.

    Notes
    -----
    Light rises a little faster than albedo, because light goes to and fro; between 0.2
    and 0.7 the straight line is at most 2 % of the snow's light too high: see
    tests/meshes/solar/reflection/test_radiosity.py.
    """
    blended: Float32Array = bare + (snow - bare) * np.asarray(share, np.float32)
    return blended


def received(
    factors: csr_array, tiles: Tiles, emitted: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Return the light that places receive from tiles, apart by what it left last.

    Parameters
    ----------
    factors : (n, m + 1) float32
        Shares of the places' views.
    tiles : Tiles
        The tiles.
    emitted : (m + 1, k) float32
        What leaves them.

    Returns
    -------
    ground, building : (n, k) float32
        Irradiance by light that left the ground last, and a building last.
    """
    shape = (factors.shape[0], emitted.shape[1])
    ground, building = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    pieces = np.linspace(0, shape[0], 9).astype(np.int64)

    def add(piece: int) -> None:
        low, high = pieces[piece], pieces[piece + 1]
        gather(
            factors.indptr[low : high + 1].astype(np.int64),
            factors.indices,
            factors.data,
            tiles.is_ground,
            np.ascontiguousarray(emitted),
            ground[low:high],
            building[low:high],
        )

    with ThreadPoolExecutor() as pool:
        list(pool.map(add, range(len(pieces) - 1)))
    return ground, building
