"""Time expected powers of the embedded district, and count how well faults are found.

Run from a checkout: ``.venv/bin/python bench/expectation.py``. Prints medians of five runs
in wall clock and processor seconds for a day at 15 minutes and a year of hours of all
panels, and of collectors on all their roofs; then draws districts with planted faults
(``tests/twin/expectation/trials.py``) and prints hints and faults by kind.
``--seeds 201,202`` chooses the districts, ``--quarters`` takes a month at 15 minutes
instead of two years of hours, ``--skip-speed`` leaves the times out.
"""

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gis.heidi import heidi_district
from gis.typical_year import typical_year
from meshes.solids import Kind
from twin.build import build
from twin.expectation.conditions import make_conditions
from twin.expectation.plant import CollectorField, Panels
from twin.expectation.plants import lit_gain, place_of
from twin.expectation.power import expect

RUNS = 5
CHECKOUT = Path(__file__).resolve().parents[1]
DATA = CHECKOUT.parent / "shared" / "data"


def measure(name: str, run: Callable[[], object]) -> None:
    """Print the median of some runs."""
    run()
    walls, processors = [], []
    for _ in range(RUNS):
        wall, processor = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    print(f"{name:<44}{np.median(walls):8.2f} s {np.median(processors):8.2f} cpu s")


def speed() -> None:
    """Time a day and a year."""
    built = build(heidi_district(), typical_year(), spacing=4.0)
    place = place_of(built)
    gain = lit_gain(built.light, built.pv.assumptions)
    parts = built.facets.part
    plants = [
        Panels(part, own, built.pv.power[own], gain[own])
        for number, part in enumerate(built.facets.solids.parts)
        if len(own := np.flatnonzero((parts == number) & (built.pv.power > 0)))
    ]
    fields = [
        CollectorField(plant.id, plant.facets, built.pv.module_area[plant.facets])
        for plant in plants
    ]
    roofs = int((built.facets.kind == Kind.ROOF).sum())
    print(f"{len(plants)} systems on {len(built.facets)} facets, {roofs} of them roofs")
    where = {"latitude": place.latitude, "longitude": place.longitude, "source": "bench"}
    table = built.weather.table
    day = make_conditions(
        table.iloc[24 * 171 : 24 * 172].resample("15min").ffill(), **where
    )
    year = make_conditions(table, **where)
    for name, weather in (("a day at 15 minutes", day), ("a year of hours", year)):
        measure(
            f"{name}, all panels",
            lambda weather=weather: expect(
                built.light, plants, weather, place, geometry="", version=""
            ),
        )
        measure(
            f"{name}, collectors on all their facets",
            lambda weather=weather: expect(
                built.light, fields, weather, place, geometry="", version=""
            ),
        )


def trials(seeds: list[int], *, quarters: bool) -> None:
    """Draw districts, look for faults and print the counts."""
    path = CHECKOUT / "tests" / "twin" / "expectation" / "trials.py"
    spec = importlib.util.spec_from_file_location("trials", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["trials"] = module
    spec.loader.exec_module(module)
    data = DATA if (DATA / "weather").is_dir() else None
    total: dict[str, object] = {}
    spent, points, steps = 0.0, 0, 0
    for seed in seeds:
        if quarters:
            site = module.make_site(module.minute_weather(DATA), seed=seed, step=15, fine=5)
        else:
            site = module.make_site(module.measured_weather(data), seed=seed)
        cases = module.draw_district(site, seed)
        begun = time.process_time()
        scores = module.count(cases)
        spent += time.process_time() - begun
        points += len(cases)
        steps = site.steps
        for key, score in scores.items():
            whole = total.setdefault(key, module.Score())
            for name in ("right", "wrong", "found", "missed"):
                setattr(whole, name, getattr(whole, name) + getattr(score, name))
    print(module.table(total))
    print(f"{points} points of {steps:,} steps: {spent / points:.2f} cpu s a point")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--quarters", action="store_true")
    parser.add_argument("--skip-speed", action="store_true")
    asked = parser.parse_args()
    if not asked.skip_speed:
        speed()
    trials([int(seed) for seed in asked.seeds.split(",")], quarters=asked.quarters)
