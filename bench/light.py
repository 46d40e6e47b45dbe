"""Time a year of light, sensor by sensor and hour by hour, with reflections.

Run from a checkout: ``.venv/bin/python bench/light.py``, with ``--sizes 1e5 1e6 1e7`` and
``--harbour FOLDER``. Prints wall seconds, seconds per million sensors and the largest
memory of the process. The scenes are blocks in streets; each is lit at once: 8,760 hours
of every facet, annual parts of every sensor. With ``--harbour`` the real outlines beside
the checkout are lit at 1 and 0.5 m. The bits of what sees what are not kept, as a year of
light does not need them; a build keeps them, for about a tenth more time.

Cities of more than ``--tiled`` sensors are lit tile by tile. ``--tiles 3`` lights only the
first three tiles of each; the line then tells of how many, and the reflections that all
tiles share are counted in full.
"""

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
import shapely.affinity

from gis.assemble import read_district
from gis.typical_year import typical_year
from meshes.facets import Facets, make_facets
from meshes.solar.hourly import facet_hours
from meshes.solar.irradiance import irradiate
from meshes.solar.occluders import Occluders, district_occluders, solid_occluders
from meshes.solar.reflection.surfaces import Ground
from meshes.solar.tiling import irradiate_tiles, share_out
from meshes.solids import lod1_solids

PLACE = {"latitude": 56.04, "longitude": 12.7}
BLOCK_SENSORS = 2_400
"""Sensors of a block of 20 m at 1 m, about."""

HOURS_AT_ONCE = 512
"""Facets whose hours are held at a time."""


def block_city(side: int) -> gpd.GeoDataFrame:
    """Return a seeded city of turned 20 m blocks, 8 to 40 m high, in 15 m streets."""
    rng = np.random.default_rng(0)
    box = shapely.affinity.rotate(shapely.box(0, 0, 20, 20), 17, origin=(0, 0))
    shapes = [
        shapely.affinity.translate(box, 35 * (k % side), 35 * (k // side))
        for k in range(side * side)
    ]
    outlines = shapely.orient_polygons(np.array(shapes, object))
    top = rng.uniform(8, 40, side * side)
    return gpd.GeoDataFrame({"base": 0.0, "top": top}, geometry=outlines)


def light_year(facets: Facets, occluders: Occluders, ground: Ground) -> float:
    """Light a scene for a year, hours included; return the mean annual light [kWh/m2]."""
    light = irradiate(
        facets, occluders, typical_year(), **PLACE, ground=ground, keep_visibility=False
    )
    for first in range(0, len(facets), HOURS_AT_ONCE):
        facet_hours(light, np.arange(first, min(first + HOURS_AT_ONCE, len(facets))))
    return float(light.sensor_annual.mean(dtype=np.float64))


def timed(name: str, facets: Facets, run: Callable[[], float]) -> None:
    """Run once and print a line."""
    begin, cpu = time.perf_counter(), time.process_time()
    mean = run()
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    tell(name, facets.sensor_count, len(facets), wall, cpu, mean)


def tell(
    name: str, sensors: int, facets: int, wall: float, cpu: float, mean: float
) -> None:
    """Print a line."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{name:<30}{sensors:>12,}{facets:>9,}{wall:>9.1f}{cpu:>9.1f}"
        f"{wall / sensors * 1e6:>12.2f}{cpu / sensors * 1e6:>12.2f}{memory:>9.2f}"
        f"{mean:>9.0f}",
        flush=True,
    )


def light_tiles(side: int, most: int | None) -> None:
    """Light a city tile by tile, or the first ``most`` tiles of it; print a line."""
    solids = lod1_solids(block_city(side))
    tiles = len(share_out(solids, spacing=1.0))
    occluders = solid_occluders(solids)
    begin, cpu = time.perf_counter(), time.process_time()
    sensors = facets = lit = 0
    total = 0.0
    for light in irradiate_tiles(solids, occluders, typical_year(), **PLACE):
        count = len(light.facets)
        for first in range(0, count, HOURS_AT_ONCE):
            facet_hours(light, np.arange(first, min(first + HOURS_AT_ONCE, count)))
        sensors, facets = sensors + light.facets.sensor_count, facets + count
        total += float(light.sensor_annual.sum(dtype=np.float64))
        lit += 1
        if lit == most:
            break
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    name = f"{side * side:,} blocks, {lit}/{tiles} tiles"
    tell(name, sensors, facets, wall, cpu, total / sensors)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", type=float, default=[1e5, 1e6])
    parser.add_argument("--harbour", type=Path)
    parser.add_argument("--tiled", type=float, default=2e7)
    parser.add_argument("--tiles", type=int)
    options = parser.parse_args()
    warm = make_facets(lod1_solids(block_city(2)))
    light_year(warm, solid_occluders(warm.solids), Ground())  # compile
    print(
        f"{'scene':<30}{'sensors':>12}{'facets':>9}{'wall s':>9}{'CPU s':>9}"
        f"{'s/million':>12}{'CPU/million':>12}{'GB':>9}{'kWh/m2':>9}"
    )
    for size in options.sizes:
        side = max(2, round(np.sqrt(size / BLOCK_SENSORS)))
        if size > options.tiled:
            light_tiles(side, options.tiles)
            continue
        solids = lod1_solids(block_city(side))
        facets = make_facets(solids)
        occluders = solid_occluders(solids)
        timed(
            f"{side * side:,} blocks, 1 m",
            facets,
            lambda f=facets, o=occluders: light_year(f, o, Ground()),
        )
    if options.harbour is None:
        return
    district = read_district(
        options.harbour / "harbour_buildings_epsg3008.gpkg",
        options.harbour / "harbour_dtm_1m_epsg3008.tif",
        name="harbour",
    )
    solids = lod1_solids(district.buildings)
    occluders = district_occluders(district, solids)
    ground = Ground(terrain=district.terrain, origin=solids.origin)
    for spacing in (1.0, 0.5):
        facets = make_facets(solids, spacing=spacing, terrain=district.terrain)
        timed(
            f"harbour, {spacing:g} m",
            facets,
            lambda f=facets: light_year(f, occluders, ground),
        )


if __name__ == "__main__":
    main()
