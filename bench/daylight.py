"""Time the daylight of the embedded district: hours of sun, views of the sky, the ground.

Run from a checkout: ``.venv/bin/python bench/daylight.py``. Prints medians of five runs
after one that loads compiled code, in wall clock and processor seconds, and facing rays per
second.
"""

import time
from collections.abc import Callable
from datetime import date

import numpy as np

from gis.heidi import heidi_district
from gis.typical_year import typical_year
from meshes.facets import Facets, make_facets
from meshes.roofs.raising import raise_buildings
from meshes.solar.daylight.exposure import probable_sun, sun_hours
from meshes.solar.daylight.ground import ground_facets
from meshes.solar.daylight.sky_views import SPLIT, sky_views
from meshes.solar.daylight.sun_steps import sun_steps
from meshes.solar.occluders import district_occluders
from meshes.solar.sky import reinhart_patches
from meshes.solids import Kind

RUNS = 5
DAY = date(2026, 3, 20)


def measure(name: str, run: Callable[[], object], rays: int = 0) -> None:
    """Print the median of some runs."""
    run()
    walls, processors = [], []
    for _ in range(RUNS):
        wall, processor = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    wall, processor = np.median(walls), np.median(processors)
    speed = f"{rays / wall / 1e6:8.0f} M rays/s" if rays else ""
    print(f"  {name:<34} {wall:7.3f} s wall {processor:7.3f} s processor {speed}")


def facing(facets: Facets, directions: np.ndarray) -> int:
    """Count the rays that start before their facet's plane."""
    front = (directions @ facets.normal.T) > 0
    return int((front * facets.sensors_per_facet).sum())


def main() -> None:
    district = heidi_district()
    solids, _ = raise_buildings(district.buildings)
    occluders = district_occluders(district, solids)
    place = {"latitude": district.latitude, "longitude": district.longitude}
    weather = typical_year()
    whole = make_facets(solids, spacing=1.0, terrain=district.terrain)
    walls = whole.take(np.flatnonzero(whole.kind == Kind.WALL))

    def lay() -> Facets:
        return ground_facets(district, origin=solids.origin, spacing=1.0).facets

    steps = sun_steps(DAY, **place).direction
    sky = reinhart_patches(SPLIT).direction
    for name, facets in (("facades", walls), ("ground", lay())):
        print(f"{name}: {facets.sensor_count:,} sensors at 1 m, {len(facets):,} facets")
        if name == "ground":
            measure("lay the tiles", lay)
        measure(
            f"sun hours, {len(steps)} steps of 5 min",
            lambda facets=facets: sun_hours(facets, occluders, DAY, **place),
            facing(facets, steps),
        )
        measure(
            f"sky views, {len(sky):,} patches",
            lambda facets=facets: sky_views(facets, occluders),
            facing(facets, sky),
        )
        measure(
            "probable sun of the year",
            lambda facets=facets: probable_sun(facets, occluders, weather, **place),
        )


if __name__ == "__main__":
    main()
