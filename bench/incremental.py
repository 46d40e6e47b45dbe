"""Time edits of a lit scene against a new run of all of it, in one run.

Run from a checkout: ``.venv/bin/python bench/incremental.py [buildings.gpkg terrain.tif]
[spacing]``; without files it takes the embedded district. A building of 20 x 20 x 30 m is
put in the widest free place within 400 m of the middle. Prints the seconds of a first
run, of what is made ready once, and the median of five of each edit.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from gis.assemble import read_district
from gis.heidi import heidi_district
from gis.typical_year import typical_year
from meshes.facets import make_facets
from meshes.solar.edits import add, remove, stand
from meshes.solar.irradiance import irradiate
from meshes.solar.lit_scene import light_scene
from meshes.solar.newcomer import shade
from meshes.solar.occluders import district_occluders, solid_occluders
from meshes.solids import lod1_solids

TARGET = 0.05
"""Seconds allowed for all annual results after a building is added."""

SIDE, HEIGHT, AROUND = 20.0, 30.0, 400.0
"""Of the building, and how far from the middle it may stand [m]."""

REPEATS = 5


def median(work: Callable[[], object]) -> tuple[float, float]:
    """Return the median seconds by the clock and of the processor."""
    work()
    clock, processor = [], []
    for _ in range(REPEATS):
        begin, spent = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - begin)
        processor.append(time.process_time() - spent)
    return float(np.median(clock)), float(np.median(processor))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--spacing", type=float, default=1.0)
    asked = parser.parse_args()
    if asked.files:
        buildings, terrain = asked.files
        district = read_district(buildings, terrain, name="scene")
    else:
        district = heidi_district()
    solids = lod1_solids(district.buildings)
    facets = make_facets(solids, spacing=asked.spacing, terrain=district.terrain)
    occluders = district_occluders(district, solids)
    place = {"latitude": district.latitude, "longitude": district.longitude}
    begin = time.perf_counter()
    light = irradiate(
        facets, occluders, typical_year(), albedo=0.0, facade_albedo=0.0, **place
    )
    whole = time.perf_counter() - begin
    print(
        f"{len(facets):,} facets, {facets.sensor_count:,} sensors, first run {whole:.1f} s"
    )
    begin = time.perf_counter()
    scene = light_scene(light)
    print(f"made ready, bits in memory: {time.perf_counter() - begin:.1f} s")
    footprints = shapely.union_all(district.buildings.geometry.to_numpy())
    free = footprints.centroid.buffer(AROUND).difference(footprints.buffer(3))
    spot = shapely.maximum_inscribed_circle(free, tolerance=1).coords[0]
    base = float(district.terrain.sample(np.array([spot[0]]), np.array([spot[1]]))[0])
    table = gpd.GeoDataFrame(
        {"base": [base], "top": [base + HEIGHT]},
        geometry=[shapely.Point(spot).buffer(SIDE / 2, cap_style="square")],
        crs=district.buildings.crs,
        index=["new"],
    )
    new = lod1_solids(table, origin=solids.origin)
    bodies = solid_occluders(new)
    own = make_facets(new, spacing=asked.spacing, terrain=district.terrain)
    touched = shade(scene, bodies).facets
    print(f"the building takes light from {len(touched)} facets")
    print(f"{'edit':<46}{'s':>8}{'cpu s':>8}{'first run/it':>14}")
    standing = stand(light, occluders)
    there = add(standing, bodies, own)
    first = light.facets.solids.parts[0]
    for name, work in {
        f"neighbours' light, target {TARGET} s": lambda: shade(scene, bodies),
        "add, own light and all arrays": lambda: add(standing, bodies, own),
        "remove it again": lambda: remove(there, ["new"]),
        "remove another building": lambda: remove(standing, [first]),
    }.items():
        clock, processor = median(work)
        print(f"{name:<46}{clock:>8.3f}{processor:>8.3f}{whole / clock:>13.0f}x")


if __name__ == "__main__":
    main()
