"""Race the shadow kernel against ray tracers on the same rays, in one run.

Run from a checkout: ``make bench`` or ``.venv/bin/python bench/kernel.py``. Prints the rays
per second of the kernel and of embreex, the median of their ratios and how many answers
differ; then how the kernel grows with the number of sensors. All get one thread; embreex
gets the rays in its own best form, all of one direction at a time, made beforehand.

Only rays of facets that face the direction count. The directions are some bundles of
those of a year of light, sky and sun: the kernel casts neighbouring ones together, and the
rate of single casts stands beside it. embreex gets some of the same directions, of every
bundle one; it is the fastest vectorised ray tracer among the project's dependencies. Of
those that can be had besides, Mitsuba (LLVM) and packets of 16 called straight in embreex's
library are the quickest; open3d equals it; trimesh, pyvista and VTK lie below. Where
``mitsuba`` can be imported it races too, on one thread; it is no dependency.
"""

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
import shapely.affinity
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from gis.assemble import read_district
from gis.heidi import heidi_district
from gis.typical_year import typical_year
from meshes.facets import Facets, make_facets
from meshes.solar.occluders import Occluders, district_occluders, solid_occluders
from meshes.solar.shadow import Caster, bundle, make_caster
from meshes.solar.shadow_lanes_kernel import LANES
from meshes.solar.sky import reinhart_patches
from meshes.solar.sun import sun_path
from meshes.solids import lod1_solids

REPEATS = 3
"""Runs of each, one after the other in turn; their median counts."""

CHECKED = 8
"""Directions, about, that the ray tracers get."""

LIFT = 1e-2
"""Start of embreex's rays above the facet [m]; single precision needs more than ours."""

HARBOUR = Path(__file__).parents[2] / "shared/data/helsingborg"
"""The real harbour, where the shared data lie beside the checkout."""


@dataclass(frozen=True)
class Result:
    """Million rays a second of each, and how the kernel compares with embreex.

    ``single`` is the kernel direction by direction; ``mitsuba`` is not a number where it is
    missing; ``ratio`` is the median of the ratios; ``different`` the share of embreex's
    answers that differ.
    """

    rays: int
    ours: float
    single: float
    theirs: float
    ratio: float
    mitsuba: float
    different: float


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of one run in this thread."""
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def year_bundles(count: int) -> list[np.ndarray]:
    """Return some bundles of the directions of a year of light, evenly chosen."""
    weather = typical_year()
    path = sun_path(
        weather.sun_times,
        weather.table["dni"].to_numpy(),
        latitude=56.04,
        longitude=12.7,
    )
    found = []
    for directions in (reinhart_patches().direction, path.bin_direction):
        found += [directions[part] for part in bundle(directions)]
    chosen = np.linspace(0, len(found) - 1, count).astype(int)
    return [found[k] for k in chosen]


def cast_single(caster: Caster, bundles: list[np.ndarray], bits: np.ndarray) -> None:
    """Cast all directions one by one."""
    for directions in bundles:
        for direction, row in zip(directions, bits, strict=False):
            caster.cast(direction, row)


def cast_bundles(caster: Caster, bundles: list[np.ndarray], bits: np.ndarray) -> None:
    """Cast all directions, bundle by bundle."""
    for directions in bundles:
        caster.cast_many(directions, bits[: len(directions)])


def mitsuba_tracer(
    corners: np.ndarray, vertices: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], Callable[[], object]] | None:
    """Return what makes a race of Mitsuba on one thread, if it can be imported."""
    try:
        drjit, mitsuba = (importlib.import_module(name) for name in ("drjit", "mitsuba"))
        mitsuba.set_variant("llvm_ad_rgb")
    except ImportError:  # also where it finds no LLVM
        return None
    drjit.set_thread_count(1)
    mesh = mitsuba.Mesh("city", len(vertices), len(corners))
    parameters = mitsuba.traverse(mesh)
    parameters["vertex_positions"] = vertices.astype(np.float32).ravel()
    parameters["faces"] = corners.astype(np.uint32).ravel()
    parameters.update()
    scene = mitsuba.load_dict({"type": "scene", "city": mesh})

    def prepare(start: np.ndarray, towards: np.ndarray) -> Callable[[], object]:
        origin = mitsuba.Point3f(np.ascontiguousarray(start.T))
        direction = mitsuba.Vector3f(np.ascontiguousarray(towards.T))
        drjit.eval(origin, direction)
        drjit.sync_thread()

        def run() -> object:
            hit = scene.ray_test(mitsuba.Ray3f(origin, direction))
            drjit.eval(hit)
            drjit.sync_thread()
            return hit

        return run

    return prepare


def race(facets: Facets, occluders: Occluders, bundles: list[np.ndarray]) -> Result:
    """Cast all bundles with the kernel and one direction of each with the ray tracers."""
    caster = make_caster(facets, occluders)
    bits = np.empty((LANES, caster.words), np.uint64)
    cast_bundles(caster, bundles[:2], bits)  # compile
    cast_single(caster, bundles[:1], bits)
    corners, _ = occluders.polygons.triangles()
    vertices = occluders.polygons.vertices.astype(np.float32)
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(scene=scene, vertices=vertices, indices=corners.astype(np.int32))
    mitsuba = mitsuba_tracer(corners, vertices)
    owner = facets.sensor_facet
    points = facets.sensor_positions() + LIFT * facets.normal[owner]
    points = points.astype(np.float32)
    checked = bundles[:: max(1, len(bundles) // CHECKED)]
    facing = [np.flatnonzero((facets.normal @ some[0] > 1e-9)[owner]) for some in checked]
    ours, single, theirs, others = np.zeros((4, REPEATS))
    different = 0
    for turn in range(REPEATS):
        ours[turn] = seconds(lambda: cast_bundles(caster, bundles, bits))
        single[turn] = seconds(lambda: cast_single(caster, bundles, bits))
        for directions, some in zip(checked, facing, strict=True):
            start = points[some]
            towards = np.tile(directions[0].astype(np.float32), (len(start), 1))
            begin = time.thread_time()
            hit = scene.run(start, towards, query="OCCLUDED")
            theirs[turn] += time.thread_time() - begin
            if mitsuba is not None:
                run = mitsuba(start, towards)
                begin = time.process_time()
                run()
                others[turn] += time.process_time() - begin
            if turn == 0:
                caster.cast_many(directions, bits[: len(directions)])
                flags = np.unpackbits(bits[0].view(np.uint8), bitorder="little")
                blocked = flags[facets.sensor_bit[some]].astype(bool)
                different += int(((hit == 0) != blocked).sum())
    counts = facets.sensors_per_facet
    rays = sum(
        int(counts[facets.normal @ direction > 1e-9].sum())
        for directions in bundles
        for direction in directions
    )
    rays_checked = sum(len(some) for some in facing)
    rates = rays / ours, rays / single, rays_checked / theirs
    # Mitsuba compiles its kernel in the first run.
    rate = np.nan if mitsuba is None else rays_checked / float(np.median(others[1:]))
    return Result(
        rays,
        float(np.median(rates[0])) / 1e6,
        float(np.median(rates[1])) / 1e6,
        float(np.median(rates[2])) / 1e6,
        float(np.median(rates[0] / rates[2])),
        rate / 1e6,
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
    bundles = year_bundles(6)
    count = sum(map(len, bundles))
    for side, spacing in ((7, 1.0), (21, 1.0), (66, 1.0), (21, 0.22), (21, 0.1)):
        facets, occluders = alone(block_city(side), spacing)
        caster = make_caster(facets, occluders)
        bits = np.empty((LANES, caster.words), np.uint64)
        cast_bundles(caster, bundles, bits)
        work = partial(cast_bundles, caster, bundles, bits)
        taken = np.median([seconds(work) for _ in range(REPEATS)]) / count
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
    print("scene                sensors     rays    ours  single   embreex  ratio  mitsuba")
    print("                                  [M]  [M/s]   [M/s]     [M/s]           [M/s]")
    for name, make in scenes:
        facets, occluders = make()
        result = race(facets, occluders, year_bundles(24))
        print(
            f"{name:<20} {facets.sensor_count:8,d} {result.rays / 1e6:8.1f} "
            f"{result.ours:6.0f} {result.single:7.0f} {result.theirs:9.1f} "
            f"{result.ratio:5.0f}x {result.mitsuba:8.1f}   {result.different:.1e} differ",
            flush=True,
        )
    growth()


if __name__ == "__main__":
    main()
