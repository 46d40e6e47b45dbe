"""Time cutting footprints and shores into the ground, against greedy thinning alone.

Run from a checkout: ``.venv/bin/python bench/ground.py [FOLDER]``. Seconds are process time
of one run. With the folder of the harbour model (buildings, terrain, water) that is timed
too; ``profile`` as argument shows where the time of the embedded district goes.
"""

import cProfile
import pstats
import sys
import time
from pathlib import Path

import numpy as np

from gis.assemble import read_district
from gis.district import District
from gis.heidi import heidi_district
from meshes.ground.mesh import Cover, ground_mesh
from meshes.ground.thinning import thin_ground
from meshes.render.ground import lay_land
from meshes.solids import local_origin

TARGET = 10.0
"""Seconds of process time allowed for a district."""

TOLERANCES = (1.0, 0.5, 0.25, 0.1)


def report(district: District) -> None:
    """Print times and counts of one district for some tolerances."""
    origin = local_origin(district.buildings)
    land = lay_land(district)
    begin = time.process_time()
    _, plain = thin_ground(land, tolerance=0.25)
    alone = time.process_time() - begin
    print(
        f"{district.name}: {len(district.buildings):,} parts, {district.terrain.z.size:,} "
        f"terrain cells; thinning {land.terrain.z.size:,} cells alone takes {alone:.2f} s "
        f"and {len(plain):,} triangles"
    )
    heads = ("tolerance m", "s", "corners", "land", "shore", "water", "lift m")
    print("".join(f"{head:>12}" for head in heads))
    for tolerance in TOLERANCES:
        begin = time.process_time()
        mesh = ground_mesh(district, origin=origin, tolerance=tolerance)
        taken = time.process_time() - begin
        counts = [
            int(np.count_nonzero(mesh.cover == cover))
            for cover in (Cover.LAND, Cover.SHORE, Cover.WATER)
        ]
        print(
            f"{tolerance:>12g}{taken:>12.2f}{len(mesh.corners):>12,}"
            + "".join(f"{count:>12,}" for count in counts)
            + f"{mesh.lift:>12.3f}",
            flush=True,
        )
        if tolerance == 0.25:
            met = "met" if taken < TARGET else "MISSED"
            print(f"  target {TARGET:g} s: {met}", flush=True)


def main() -> None:
    if sys.argv[1:] == ["profile"]:
        district = heidi_district()
        with cProfile.Profile() as profile:
            ground_mesh(district, origin=local_origin(district.buildings))
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return
    report(heidi_district())
    for folder in map(Path, sys.argv[1:]):
        report(
            read_district(
                folder / "harbour_buildings_epsg3008.gpkg",
                folder / "harbour_dtm_1m_epsg3008.tif",
                water=folder / "harbour_land_water_epsg3008.gpkg",
            )
        )


if __name__ == "__main__":
    main()
