"""Race the shadow kernel against ray tracers on the same rays, in one run.

Run from a checkout: ``make bench`` or ``.venv/bin/python bench/kernel.py``. Prints the rays
per second of the kernel and of embreex, the median of their ratios and how many answers
differ; then how the kernel grows with the number of sensors. All get one thread; embreex
gets the rays in its own best form, all of one direction at a time, made beforehand.

Only rays of facets that face the direction count. embreex is the fastest vectorised ray
tracer among the project's dependencies. Of those that can be had besides, Mitsuba (LLVM)
and packets of 16 called straight in embreex's library are the quickest, three to four
times embreex by processor time; open3d equals it; trimesh, pyvista and VTK lie below.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
import shapely.affinity
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from gis.assemble import read_district
from gis.heidi import heidi_district
from meshes.facets import Facets, make_facets
from meshes.solar.occluders import Occluders, district_occluders, solid_occluders
from meshes.solar.shadow import Caster, make_caster
from meshes.solids import lod1_solids

REPEATS = 5
"""Runs of each, one after the other in turn; their median counts."""

LIFT = 1e-2
"""Start of embreex's rays above the facet [m]; single precision needs more than ours."""

HARBOUR = Path(__file__).parents[2] / "shared/data/helsingborg"
"""The real harbour, where the shared data lie beside the checkout."""


@dataclass(frozen=True)
class Result:
    """Million rays a second of both, median of the ratios, share of answers that differ."""

    rays: int
    ours: float
    theirs: float
    ratio: float
    different: float


def spread(count: int) -> np.ndarray:
    """Return directions spread evenly over the upper hemisphere, from 2 degrees up."""
    height = np.sin(np.radians(2)) + (np.arange(count) + 0.5) / count * (
        1 - np.sin(np.radians(2))
    )
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - height**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=-1)


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of one run in this thread."""
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def cast_all(caster: Caster, directions: np.ndarray, bits: np.ndarray) -> None:
    """Cast all directions."""
    for direction, row in zip(directions, bits, strict=True):
        caster.cast(direction, row)


def race(
    facets: Facets, occluders: Occluders, directions: np.ndarray, *, checked: int
) -> Result:
    """Cast all directions with the kernel and ``checked`` of them with embreex."""
    caster = make_caster(facets, occluders)
    bits = np.empty((len(directions), caster.words), np.uint64)
    caster.cast(directions[0], bits[0])  # compile
    corners, _ = occluders.polygons.triangles()
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(
        scene=scene,
        vertices=occluders.polygons.vertices.astype(np.float32),
        indices=corners.astype(np.int32),
    )
    owner = facets.sensor_facet
    points = facets.sensor_positions() + LIFT * facets.normal[owner]
    points = points.astype(np.float32)
    chosen = np.linspace(0, len(directions) - 1, checked).astype(int)
    facing = [np.flatnonzero((facets.normal @ directions[k] > 1e-9)[owner]) for k in chosen]
    ours = np.empty(REPEATS)
    theirs = np.zeros(REPEATS)
    different = 0
    for turn in range(REPEATS):
        ours[turn] = seconds(lambda: cast_all(caster, directions, bits))
        for k, some in zip(chosen, facing, strict=True):
            start = points[some]
            towards = np.tile(directions[k].astype(np.float32), (len(start), 1))
            begin = time.thread_time()
            hit = scene.run(start, towards, query="OCCLUDED")
            theirs[turn] += time.thread_time() - begin
            if turn == 0:
                flags = np.unpackbits(bits[k].view(np.uint8), bitorder="little")
                blocked = flags[facets.sensor_bit[some]].astype(bool)
                different += int(((hit == 0) != blocked).sum())
    counts = facets.sensors_per_facet
    rays = sum(int(counts[facets.normal @ d > 1e-9].sum()) for d in directions)
    rays_checked = sum(len(some) for some in facing)
    rates = rays / ours, rays_checked / theirs
    return Result(
        rays,
        float(np.median(rates[0])) / 1e6,
        float(np.median(rates[1])) / 1e6,
        float(np.median(rates[0] / rates[1])),
        different / rays_checked,
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


def alone(buildings: gpd.GeoDataFrame, spacing: float) -> tuple[Facets, Occluders]:
    """Return buildings without ground."""
    facets = make_facets(lod1_solids(buildings), spacing=spacing)
    return facets, solid_occluders(facets.solids)


def harbour(spacing: float) -> tuple[Facets, Occluders]:
    """Return the real harbour on its terrain."""
    district = read_district(
        HARBOUR / "harbour_buildings_epsg3008.gpkg",
        HARBOUR / "harbour_dtm_1m_epsg3008.tif",
        name="harbour",
    )
    solids = lod1_solids(district.buildings)
    facets = make_facets(solids, terrain=district.terrain, spacing=spacing)
    return facets, district_occluders(district, solids)


def growth() -> None:
    """Print the kernel's time by the number of sensors: more city, then a finer grid."""
    print("\ngrowth: blocks  grid [m]    sensors   ms a direction   per million sensors")
    directions = spread(24)
    for side, spacing in ((7, 1.0), (21, 1.0), (66, 1.0), (21, 0.22), (21, 0.1)):
        facets, occluders = alone(block_city(side), spacing)
        caster = make_caster(facets, occluders)
        bits = np.empty((len(directions), caster.words), np.uint64)
        cast_all(caster, directions, bits)
        taken = np.median(
            [seconds(lambda: cast_all(caster, directions, bits)) for _ in range(REPEATS)]  # noqa: B023 - called at once
        ) / len(directions)
        print(
            f"{side * side:14,d} {spacing:9.2f} {facets.sensor_count:10,d} "
            f"{taken * 1e3:16.2f} {taken * 1e9 / facets.sensor_count:21.2f}"
        )


def main() -> None:
    """Print the tables."""
    scenes: list[tuple[str, Callable[[], tuple[Facets, Occluders]]]] = [
        ("225 blocks, 1 m", lambda: alone(block_city(15), 1.0)),
        ("225 blocks, 0.5 m", lambda: alone(block_city(15), 0.5)),
        ("HEIDI, 1 m", lambda: alone(heidi_district().buildings, 1.0)),
        ("HEIDI, 0.5 m", lambda: alone(heidi_district().buildings, 0.5)),
    ]
    if HARBOUR.is_dir():
        scenes += [
            ("harbour, 1 m", lambda: harbour(1.0)),
            ("harbour, 0.5 m", lambda: harbour(0.5)),
        ]
    print("scene                sensors     rays    ours   embreex  ratio  different")
    print("                                  [M]  [M/s]     [M/s]")
    for name, make in scenes:
        facets, occluders = make()
        big = facets.sensor_count > 1e6
        result = race(
            facets, occluders, spread(60 if big else 200), checked=3 if big else 10
        )
        print(
            f"{name:<20} {facets.sensor_count:8,d} {result.rays / 1e6:8.1f} "
            f"{result.ours:6.0f} {result.theirs:8.1f} {result.ratio:6.0f}x "
            f"{result.different:10.1e}",
            flush=True,
        )
    growth()


if __name__ == "__main__":
    main()
