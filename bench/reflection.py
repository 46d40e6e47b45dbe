"""Time reflections of a city and compare their rays with embreex's own in one run.

Run from a checkout: ``.venv/bin/python bench/reflection.py``. Prints the processor's
seconds of each step for about 30,000 tiles, 256 rays a tile and 400 groups of sky and sun,
and how much the whole costs of what embreex alone takes for the same rays.
"""

import time
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import shapely
import shapely.affinity

from gis.heidi import heidi_district
from meshes.render.rays import RayTracer
from meshes.solar.occluders import Occluders, solid_occluders, terrain_occluders
from meshes.solar.reflection.radiosity import received, settle, tile_light
from meshes.solar.reflection.rays import Scene, form_factors
from meshes.solar.reflection.sources import Sources, sky_sources
from meshes.solar.reflection.surfaces import Ground, reflecting_surfaces
from meshes.solar.reflection.tiles import make_tiles
from meshes.solar.shadow import make_caster
from meshes.solar.sky import reinhart_patches, unit_vectors
from meshes.solids import lod1_solids

RAYS = 256
"""Rays a tile."""

SUNS = 255
"""Groups of the sun's path, each of three directions."""


def suns() -> Sources:
    """Return groups of directions spread over the part of the sky the sun passes."""
    rng = np.random.default_rng(0)
    elevation = np.radians(rng.uniform(2, 57, 3 * SUNS))
    towards = unit_vectors(np.radians(rng.uniform(50, 310, 3 * SUNS)), elevation)
    return Sources(towards, np.repeat(np.arange(SUNS), 3), towards / 3, SUNS)


def block_city(side: int) -> gpd.GeoDataFrame:
    """Return a seeded city of turned 20 m blocks, 8 to 40 m high, in 15 m streets."""
    box = shapely.affinity.rotate(shapely.box(0, 0, 20, 20), 17, origin=(0, 0))
    boxes = [
        shapely.affinity.translate(box, 35 * (k % side), 35 * (k // side))
        for k in range(side * side)
    ]
    outlines = shapely.orient_polygons(np.array(boxes, object))
    top = np.random.default_rng(0).uniform(8, 40, side * side)
    return gpd.GeoDataFrame({"base": 0.0, "top": top}, geometry=outlines)


def measure(name: str, occluders: Occluders, ground: Ground, sources: Sources) -> None:
    """Print a line of the table."""
    spent: list[float] = []

    def timed(step: Callable[[], object]) -> object:
        begin = time.process_time()
        found = step()
        spent.append(time.process_time() - begin)
        return found

    surfaces = reflecting_surfaces(occluders, reflectance=0.3)
    tiles = timed(lambda: make_tiles(surfaces, ground))
    caster = make_caster(tiles.facets, occluders)
    light = timed(lambda: tile_light(tiles, caster, sources))
    scene = Scene(tiles)
    view = timed(lambda: form_factors(scene, tiles.position, tiles.normal, rays=RAYS))
    emitted = timed(lambda: settle(tiles, view, light))
    timed(lambda: received(view, tiles, emitted))
    middle = tiles.corners.reshape(-1, 3).mean(axis=0)
    tracer = RayTracer((tiles.corners - middle).astype(np.float32))
    rng = np.random.default_rng(1)
    normal = np.repeat(tiles.normal, RAYS, axis=0)
    towards = rng.normal(size=normal.shape)
    towards = normal + 0.999 * towards / np.linalg.norm(towards, axis=1, keepdims=True)
    towards = (towards / np.linalg.norm(towards, axis=1, keepdims=True)).astype(np.float32)
    start = np.repeat(tiles.position - middle, RAYS, axis=0) + 5e-3 * normal
    start = start.astype(np.float32)
    begin = time.process_time()
    tracer.first_hits(start, towards)
    alone = time.process_time() - begin
    steps = " ".join(f"{seconds:6.2f}" for seconds in spent)
    print(
        f"{name:<22} {len(tiles):6,d} {steps} {sum(spent):6.2f} {sum(spent) / alone:5.1f}x"
    )


def main() -> None:
    """Print the table."""
    sources = sky_sources(reinhart_patches()) + suns()
    blocks = solid_occluders(lod1_solids(block_city(15)))
    # The first run compiles, on a scene of its own.
    few = solid_occluders(lod1_solids(block_city(2)))
    print("                                    seconds of processor                   of")
    print("scene                   tiles  tiles  light   rays settle   send  total embreex")
    measure("(compiling)", few, Ground(), sources)
    measure("225 blocks", blocks, Ground(), sources)
    district = heidi_district()
    solids = lod1_solids(district.buildings)
    ground = Ground(terrain=district.terrain, origin=solids.origin)
    both = solid_occluders(solids) + terrain_occluders(district.terrain, solids.origin)
    measure("HEIDI with its terrain", both, ground, sources)


if __name__ == "__main__":
    main()
