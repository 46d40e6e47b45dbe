"""Answer what ground and buildings throw back, solved once for a scene."""

import os
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from meshes.facets import Facets
from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.courses import Courses, follow, snow_shares
from meshes.solar.gather import Progress
from meshes.solar.light import Light
from meshes.solar.occluders import Occluders
from meshes.solar.reflection.radiosity import Glow, glow, received, tile_light
from meshes.solar.reflection.rays import Scene
from meshes.solar.reflection.receive import light_facets, reflected, sensor_places
from meshes.solar.reflection.sources import SUNS_PER_GROUP, sky_sources, sun_sources
from meshes.solar.reflection.surfaces import (
    Ground,
    check_reflectance,
    reflecting_surfaces,
)
from meshes.solar.reflection.tiles import BUDGET, make_tiles
from meshes.solar.shadow import make_caster
from meshes.solar.sky import SkyPatches
from meshes.solar.sun import SunPath

POINT_RAYS = 1024
"""Rays of a place that lies on no tile."""

RAY_BUDGET = 20_000_000
"""Rays of all places together, from which on each gets fewer."""

FEWEST_RAYS = 64
"""Rays that a place gets in any case."""

NEWCOMER_RAYS = 64
"""Rays of a newcomer's sensor: thrown light is soft, and a facet's mean has thousands of
them. The mean over a tower of 25 x 25 x 80 m differs by 0.002 % from that by 1,024 rays."""

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Reflected:
    """What ground and buildings throw on facets.

    Attributes
    ----------
    ground, building : (n,) float32
        Irradiation of each sensor over the year [kWh/m2].
    facet : (f, 2, k) float32
        Mean of each facet's sensors from the ground and from buildings, for each source
        at strength 1.
    """

    ground: Float32Array
    building: Float32Array
    facet: Float32Array


@dataclass(frozen=True)
class TiledReflector:
    """Light between the tiles of a scene.

    Attributes
    ----------
    scene : Scene
        Tiles ready for rays.
    solved : Glow
        Light that leaves every tile: for every source on bare ground, then, where there
        is snow, what it adds.
    courses : Courses
        The year's strength of the sources.
    on_tiles : bool
        Whether facets lie on the tiles' surfaces and take their light from the tiles;
        else every sensor sends rays of its own.
    rays : int, optional
        How many it sends; by default as many as suit the number of sensors.
    """

    scene: Scene
    solved: Glow
    courses: Courses
    on_tiles: bool = True
    rays: int | None = None

    def reflect(self, facets: Facets, dark: BoolArray) -> Reflected:
        """Return what arrives on facets.

        Parameters
        ----------
        facets : Facets
            They carry n sensors.
        dark : (n,) bool
            Sensors that see nothing of the sky: another body may cover them.
        """
        if not self.on_tiles:
            return self._by_rays(facets)
        return self._from_tiles(facets, dark)

    def _covered(self, facets: Facets, dark: BoolArray) -> IntArray:
        """Return the dark sensors that another body covers."""
        chosen = np.flatnonzero(dark)
        owner = facets.sensor_facet[chosen]
        points = sensor_places(facets, chosen, owner)
        covered: IntArray = chosen[self.scene.is_inside(points, facets.normal[owner])]
        return covered

    def _from_tiles(self, facets: Facets, dark: BoolArray) -> Reflected:
        tiles = self.scene.tiles
        annual = self.courses.monthly().sum(axis=1).astype(np.float32)
        parts = received(self.solved.factors, tiles, self.solved.emitted)
        lit = np.ones(facets.sensor_count, np.bool_)
        lit[self._covered(facets, dark)] = False
        light = np.stack([part @ annual for part in parts], axis=1)
        sensors, means = light_facets(tiles, facets, light, lit)
        facet = np.stack([_product(means, part) for part in parts], axis=1)
        return Reflected(sensors[:, 0], sensors[:, 1], facet)

    def _by_rays(self, facets: Facets) -> Reflected:
        points = facets.sensor_positions()
        normals = facets.normal[facets.sensor_facet]
        annual = self.courses.monthly().sum(axis=1).astype(np.float32)
        fair = int(np.clip(RAY_BUDGET // max(len(points), 1), FEWEST_RAYS, POINT_RAYS))
        rays = fair if self.rays is None else self.rays
        parts = reflected(self.scene, self.solved.emitted, points, normals, rays=rays)
        means = _mean_of(facets)
        facet = np.stack([_product(means, part) for part in parts], axis=1)
        return Reflected(parts[0] @ annual, parts[1] @ annual, facet)


def for_newcomers(solved: TiledReflector) -> TiledReflector:
    """Make a solved scene ready for facets that come later; they hide none of its light."""
    return replace(solved, on_tiles=False, rays=NEWCOMER_RAYS)


def _mean_of(facets: Facets) -> csr_array:
    """Return the weights of the means of each facet's sensors, (f, n)."""
    owner, counts = facets.sensor_facet, facets.sensors_per_facet
    weight = (1.0 / counts)[owner].astype(np.float32)
    return csr_array(
        (weight, np.arange(len(owner)), facets.sensor_start),
        shape=(len(facets), len(owner)),
    )


def _product(weights: csr_array, values: Float32Array) -> Float32Array:
    """Return the weighted sums of rows."""
    found: Float32Array = weights @ values
    return found


def make_reflector(
    occluders: Occluders,
    light: Light,
    sky: SkyPatches,
    path: SunPath,
    *,
    ground: Ground,
    albedo: float | FloatArray,
    reflectance: float | FloatArray,
    receivers: FloatArray | None = None,
    budget: int = BUDGET,
    threads: int | None = None,
    progress: Progress | None = None,
) -> TiledReflector:
    """Follow the light from surface to surface until nothing changes.

    Parameters
    ----------
    occluders : Occluders
        Buildings and other surfaces, terrain last.
    light : Light
        The year's sun and sky.
    sky : SkyPatches
        Patches of the sky.
    path : SunPath
        Bins of the sun.
    ground : Ground
        Level or following a terrain; its own albedo does not count.
    albedo : float or (12,) float
        Of the ground, all year or by month.
    reflectance : float or (p,) float
        Of all surfaces, or of each.
    receivers : (n, 3) float, optional
        Loose places [m, local] at which the light is wanted; by default it is wanted on
        the surfaces themselves.
    budget : int
        Tiles, about.
    threads : int, optional
        Working threads; the result does not depend on them.
    progress : callable, optional
        Told how far it is.

    Returns
    -------
    TiledReflector
    """
    told: Progress = progress or (lambda _text, _share: None)
    workers = threads or os.cpu_count() or 1
    told("reflections", 0.0)
    check_reflectance("albedo", np.atleast_1d(np.asarray(albedo, np.float64)))
    surfaces = reflecting_surfaces(occluders, reflectance=reflectance)
    bare = replace(ground, albedo=float(np.min(albedo)))
    tiles = make_tiles(surfaces, bare, receivers=receivers, budget=budget)
    scene = Scene(tiles)
    told("reflections", 0.2)
    # A scene has many sensors that share an error; loose ones show every one.
    suns = SUNS_PER_GROUP if receivers is not None else 1
    sources = sky_sources(sky) + sun_sources(path, most=suns)
    first = tile_light(
        tiles, make_caster(tiles.facets, occluders), sources, threads=workers
    )
    told("reflections", 0.5)
    solved = glow(scene, first)
    snow = snow_shares(albedo)
    if snow is not None:
        # Light rises almost in proportion to albedo: `radiosity.between` tells how nearly.
        white = glow(scene, first, factors=solved.factors, albedo=float(np.max(albedo)))
        added = white.emitted - solved.emitted
        both = np.concatenate([solved.emitted, added], axis=1)
        solved = replace(solved, emitted=both)
    told("reflections", 0.9)
    courses = follow(light, sky, path, snow=snow)
    return TiledReflector(scene, solved, courses, receivers is None)
