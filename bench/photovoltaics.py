"""Time solar modules of the embedded district: usable areas, layout and a year of hours.

Run from a checkout: ``.venv/bin/python bench/photovoltaics.py``. Prints seconds on the
clock and of the processor; the light is computed first and not counted. The layout is to
take less than 10 s. Reference in the same run: the quick potential, which lays nothing
out.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gis.heidi import heidi_district
from gis.typical_year import typical_year
from meshes.facets import make_facets
from meshes.solar.irradiance import irradiate
from meshes.solar.occluders import district_occluders
from meshes.solar.photovoltaics import pv_potential
from meshes.solar.power.arrays import array_yield
from meshes.solar.power.economy import cost_curve
from meshes.solar.power.layout import Facing, Mounting, lay_modules
from meshes.solar.power.usable import find_usable
from meshes.solids import lod1_solids

PLACE = {"latitude": 56.041, "longitude": 12.696}


def timed(name: str, step: Callable) -> object:
    """Run a step and print its seconds."""
    clock, processor = time.perf_counter(), time.process_time()
    found = step()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{name:<34} {clock:8.2f} {processor:8.2f}")
    return found


def main() -> None:
    """Print the table."""
    district = heidi_district()
    solids = lod1_solids(district.buildings)
    facets = make_facets(solids, terrain=district.terrain)
    weather = typical_year()
    light = irradiate(facets, district_occluders(district, solids), weather, **PLACE)
    # The first run compiles, and loads what is imported late.
    few = find_usable(light)
    few = replace(few, area=np.where(np.arange(len(few.area)) < 50, few.area, 0.0))
    array_yield(lay_modules(facets, few, latitude=56.041), light, weather)
    print("step                                 clock processor  [s]")
    usable = timed("usable areas", lambda: find_usable(light))
    layout = timed("layout", lambda: lay_modules(facets, usable, latitude=56.041))
    tents = Mounting(facing=Facing.EAST_WEST, tilt=10.0)
    timed(
        "layout with tents",
        lambda: lay_modules(facets, usable, latitude=56.041, mounting=tents),
    )
    arrays = timed("a year, string by string", lambda: array_yield(layout, light, weather))
    timed("cost curve", lambda: cost_curve(arrays))
    timed("quick potential", lambda: pv_potential(light, weather))
    print(
        f"{len(layout):,} modules, {layout.power / 1000:.1f} MWp, "
        f"{arrays.energy.sum() / 1e6:.2f} GWh, {arrays.specific:.0f} kWh/kWp; "
        f"shade takes {arrays.shading_loss:.1%}, series {arrays.mismatch_loss:.1%}"
    )


if __name__ == "__main__":
    main()
