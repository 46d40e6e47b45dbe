"""Race the shadow kernel against embreex on the same rays, in one run.

Run from a checkout: ``make bench`` or ``.venv/bin/python bench/kernel.py``. Prints the rays
per second of both, their ratio and how many answers differ. Both get one thread; embreex
gets the rays in its own best form, all of one direction at a time, made beforehand.
"""

import time
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
import shapely.affinity
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from gis.heidi import heidi_district
from meshes.facets import Facets, make_facets
from meshes.solar.occluders import solid_occluders
from meshes.solar.shadow import make_caster
from meshes.solids import lod1_solids

REPEATS = 9
"""Runs of each; the fastest counts, for the machine may have other work."""

LIFT = 1e-2
"""Start of embreex's rays above the facet [m]; single precision needs more than ours."""


@dataclass(frozen=True)
class Result:
    """Rays, seconds of both, answers that differ."""

    rays: int
    ours: float
    theirs: float
    different: int


def spread(count: int) -> np.ndarray:
    """Return directions spread evenly over the upper hemisphere, from 2 degrees up."""
    height = np.sin(np.radians(2)) + (np.arange(count) + 0.5) / count * (
        1 - np.sin(np.radians(2))
    )
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - height**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=-1)


def race(facets: Facets, directions: np.ndarray, *, checked: int) -> Result:
    """Cast all directions with the kernel and ``checked`` of them with embreex."""
    caster = make_caster(facets, solid_occluders(facets.solids))
    bits = np.empty((len(directions), caster.words), np.uint64)
    caster.cast(directions[0], bits[0])  # compile
    ours = np.inf
    for _ in range(REPEATS):
        begin = time.thread_time()
        for direction, row in zip(directions, bits, strict=True):
            caster.cast(direction, row)
        ours = min(ours, time.thread_time() - begin)
    corners, _ = facets.solids.faces.triangles()
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(
        scene=scene,
        vertices=facets.solids.faces.vertices.astype(np.float32),
        indices=corners.astype(np.int32),
    )
    owner = facets.sensor_facet
    points = facets.sensor_positions() + LIFT * facets.normal[owner]
    points = points.astype(np.float32)
    theirs, different, rays_checked = 0.0, 0, 0
    for k in np.linspace(0, len(directions) - 1, checked).astype(int):
        facing = (facets.normal @ directions[k] > 1e-9)[owner]
        start = points[facing]
        towards = np.tile(directions[k].astype(np.float32), (len(start), 1))
        best = np.inf
        for _ in range(REPEATS):
            begin = time.thread_time()
            hit = scene.run(start, towards, query="OCCLUDED")
            best = min(best, time.thread_time() - begin)
        theirs += best
        flags = np.unpackbits(bits[k].view(np.uint8), bitorder="little")
        blocked = flags[facets.sensor_bit[facing]].astype(bool)
        different += int(((hit == 0) != blocked).sum())
        rays_checked += len(start)
    counts = facets.sensors_per_facet
    rays = sum(int(counts[facets.normal @ d > 1e-9].sum()) for d in directions)
    return Result(
        rays, ours, theirs * rays / rays_checked, different * rays // rays_checked
    )


def block_city(side: int) -> gpd.GeoDataFrame:
    """Return a seeded city of turned 20 m blocks, 8 to 40 m high, in 15 m streets."""
    rng = np.random.default_rng(0)
    boxes = [
        shapely.affinity.rotate(shapely.box(0, 0, 20, 20), 17, origin=(0, 0))
        for _ in range(side * side)
    ]
    shifted = [
        shapely.affinity.translate(box, 35 * (k % side), 35 * (k // side))
        for k, box in enumerate(boxes)
    ]
    outlines = shapely.orient_polygons(np.array(shifted, object))
    top = rng.uniform(8, 40, side * side)
    return gpd.GeoDataFrame({"base": 0.0, "top": top}, geometry=outlines)


def main() -> None:
    """Print the table."""
    scenes = [
        ("225 blocks, 1 m", block_city(15), 1.0),
        ("225 blocks, 0.5 m", block_city(15), 0.5),
        ("HEIDI, 1 m", heidi_district().buildings, 1.0),
        ("HEIDI, 0.5 m", heidi_district().buildings, 0.5),
    ]
    print("scene                sensors     rays    ours   embreex  ratio  different")
    print("                                  [M]  [M/s]     [M/s]")
    for name, buildings, spacing in scenes:
        facets = make_facets(lod1_solids(buildings), spacing=spacing)
        result = race(facets, spread(200), checked=10)
        rate, other = result.rays / result.ours / 1e6, result.rays / result.theirs / 1e6
        print(
            f"{name:<20} {facets.sensor_count:8,d} {result.rays / 1e6:8.1f} {rate:6.0f} "
            f"{other:8.1f} {rate / other:6.0f}x {result.different / result.rays:10.1e}"
        )


if __name__ == "__main__":
    main()
