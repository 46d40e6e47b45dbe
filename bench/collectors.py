"""Plant faults on simulated collectors, and count which are found.

Run from a checkout: ``.venv/bin/python bench/collectors.py``. As ``bench/hints.py``, whose
intake, store and score are used, but on fields of collectors: one on every building of the
embedded district that has roofs for it and people who live there, beside a weather station.
Fields tell their area; what they lose more than they tell, and by how much their rating is
off, nobody knows. ``--seeds``, ``--days``, ``--date``, ``--step``, ``--detail`` as there;
``--fields`` how many; ``--times 4`` builds fields four times as large as their hot water
wants; ``--offices`` adds offices and schools, which use no hot water on Sundays: full tanks
make fields stand still there; ``--untold`` takes what they tell of their area away.
"""

import argparse
import importlib.util
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import ModuleType

from gis.heidi import heidi_district
from gis.typical_year import typical_year
from twin.build import Built, build
from twin.equipment import equipment
from twin.expectation.hint import HintKind
from twin.folder import write_twin
from twin.model import DISTRICT, Model, SystemKind
from twin.quantities import Quantity
from twin.simulation.collectors import size_collectors
from twin.simulation.fitting import is_home
from twin.simulation.score import Score, table
from twin.things import read_model, write_model


def collector_model(
    built: Built,
    model: Model,
    *,
    fields: int,
    minutes: int,
    times: float = 1.0,
    offices: bool = False,
) -> Model:
    """Return a field of collectors on each of some buildings, and a weather station."""
    homes = {b.id for b in model.buildings if offices or is_home(b)}
    panels = [
        system
        for system in model.systems
        if system.kind is SystemKind.PV and system.building in homes
    ]
    every = max(1, len(panels) // fields)
    chosen = panels[::every][:fields]
    names = {system.building for system in chosen}
    made = [
        equipment(
            system.building,
            SystemKind.SOLAR_THERMAL,
            facets=system.facets,
            quantities=[Quantity.SOLAR_HEAT_POWER],
            interval=60 * minutes,
        )
        for system in chosen
    ]
    made.append(equipment(DISTRICT, SystemKind.WEATHER, interval=60 * minutes))
    whole = Model(
        tuple(b for b in model.buildings if b.id in names),
        tuple(system for system, _ in made),
        tuple(point for _, points in made for point in points),
        model.district,
    )
    sized = size_collectors(built, whole)
    systems = tuple(
        system
        if system.area_m2 is None
        else replace(system, area_m2=times * system.area_m2)
        for system in sized.systems
    )
    return replace(sized, systems=systems)


def hints_bench() -> ModuleType:
    """Return the module that runs trials."""
    path = Path(__file__).resolve().with_name("hints.py")
    spec = importlib.util.spec_from_file_location("bench_hints", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_hints"] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Run all seeds and print the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--days", type=int, default=45)
    parser.add_argument("--date", default="2026-05-01")
    parser.add_argument("--step", type=int, default=60)
    parser.add_argument("--fields", type=int, default=90)
    parser.add_argument("--times", type=float, default=1.0)
    parser.add_argument("--offices", action="store_true")
    parser.add_argument("--untold", action="store_true")
    parser.add_argument("--faults", default="many")
    parser.add_argument("--detail", action="store_true")
    asked = parser.parse_args()
    bench = hints_bench()
    built = build(heidi_district(), typical_year(), spacing=8.0)
    total: dict[HintKind, Score] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "twin"
        write_twin(built, folder, stills=False)
        model = collector_model(
            built,
            read_model(folder / "model.json"),
            fields=asked.fields,
            minutes=asked.step,
            times=asked.times,
            offices=asked.offices,
        )
        if asked.untold:
            model = replace(
                model, systems=tuple(replace(s, area_m2=None) for s in model.systems)
            )
        write_model(folder / "model.json", model)
        print(f"{len(model.systems) - 1} fields")
        for seed in map(int, asked.seeds.split(",")):
            begun = time.process_time()
            found = bench.trial(
                folder,
                built,
                seed=seed,
                first=date.fromisoformat(asked.date),
                days=asked.days,
                faults=asked.faults,
            )
            bench.forget(folder)
            print(
                f"seed {seed}: {found.planted} faults, {found.rows:,} values; "
                f"{time.process_time() - begun:.1f} cpu s; beside {found.compared}"
            )
            if asked.detail:
                for fault in found.missed:
                    hours = (fault.end - fault.start) / 3.6e9
                    print(f"  missed {fault.kind} {fault.point} {hours:.1f} h {fault.size}")
                for hint in found.wrong:
                    print(f"  in vain {hint.kind.value} {hint.point}: {hint.evidence}")
            for kind, one in found.scores.items():
                total[kind] = total.get(kind, Score()) + one
    print(table(total))


if __name__ == "__main__":
    main()
