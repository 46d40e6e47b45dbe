"""Simulate weeks of the embedded district with planted faults, and count which are found.

Run from a checkout: ``.venv/bin/python bench/hints.py``. Every seed is a run of its own: a
twin folder is fed with it through the intake, what the store then holds is asked for hints
(`twin.expectation.asking.ask`), and these are compared with the truth. A weather station
measures with an instrument's noise, devices have noise, digits and clocks that are off by
seconds, and values get lost, come twice and late.
``--seeds 1,2,3`` chooses the runs, ``--days`` their length, ``--month`` when they begin,
``--step`` the interval of all points in minutes, ``--buildings`` how many are looked at,
``--systems`` gives them all kinds of equipment, ``--faults`` says what goes wrong,
``--weather`` another weather than the twin's year (its first day says ``--date``),
``--detail`` names what was missed and what was said in vain.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from gis.heidi import heidi_district
from gis.typical_year import typical_year
from twin.build import Built, build
from twin.equipment import equipment, with_systems
from twin.expectation.asking import ask
from twin.expectation.hint import Hint, HintKind
from twin.folder import write_twin
from twin.live import open_live
from twin.model import DISTRICT, Model, SystemKind
from twin.simulation.faults import Planted
from twin.simulation.fitting import fit_out
from twin.simulation.run import make_run
from twin.simulation.score import Score, score, table
from twin.simulation.sending import feed_run
from twin.store.opening import open_store
from twin.store.records import Receipt
from twin.things import read_model, write_model


@dataclass(frozen=True)
class Found:
    """What came of a run."""

    scores: dict[HintKind, Score]
    missed: list[Planted]
    wrong: list[Hint]
    planted: int
    rows: int
    receipt: Receipt
    compared: str


def chosen_model(
    model: Model, *, buildings: int, minutes: int, systems: bool = False
) -> Model:
    """Return some buildings, at another interval, with a weather station.

    With ``systems`` they have all kinds of equipment.
    """
    if systems:
        model, _ = fit_out(model, interval=60 * minutes)
    every = max(1, len(model.buildings) // buildings)
    kept = model.buildings[::every][:buildings]
    names = {building.id for building in kept} | ({DISTRICT} if systems else set())
    chosen = tuple(s for s in model.systems if s.building in names)
    ids = {system.id for system in chosen}
    points = tuple(
        replace(p, interval=60 * minutes) for p in model.points if p.system in ids
    )
    small = Model(kept, chosen, points, model.district)
    if systems:
        return small
    station, own = equipment(DISTRICT, SystemKind.WEATHER, interval=60 * minutes)
    return with_systems(small, [station], own)


def trial(
    folder: Path,
    built: Built,
    *,
    seed: int,
    first: date,
    days: int,
    faults: str = "many",
    weather: Path | None = None,
) -> Found:
    """Simulate, feed, ask and compare; the folder's store must be empty."""
    twin = open_live(folder)
    run = make_run(
        built, twin.model, day=first, days=days, seed=seed, faults=faults, weather=weather
    )
    with open_store(folder) as store:
        receipt = feed_run(run, store)
    with open_store(folder, read_only=True) as store:
        held = store.table(run.start, run.end)
        sources = store.sources()
    frame = held.select(["point", "time", "value", "quality"]).to_pandas()
    values, flags = {}, {}
    for name, part in frame.groupby("point", observed=True, sort=False):
        values[str(name)] = (
            part["time"].to_numpy(np.int64),
            part["value"].to_numpy(np.float64),
        )
        flags[str(name)] = part["quality"].to_numpy(np.int64)
    answer = ask(twin, values, sources=sources, quality=flags)
    scores, missed, wrong = score(run.plan.faults, answer.hints)
    return Found(
        scores, missed, wrong, len(run.plan.faults), run.rows, receipt, answer.compared
    )


def fresh_folder(
    built: Built, folder: Path, *, buildings: int, minutes: int, systems: bool = False
) -> Path:
    """Write the twin with some of its buildings."""
    write_twin(built, folder, stills=False)
    model = read_model(folder / "model.json")
    chosen = chosen_model(model, buildings=buildings, minutes=minutes, systems=systems)
    write_model(folder / "model.json", chosen)
    return folder


def forget(folder: Path) -> None:
    """Empty the store."""
    for path in folder.glob("live.sqlite*"):
        path.unlink()
    for path in sorted((folder / "history").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def main() -> None:
    """Run all seeds and print the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--days", type=int, default=45)
    parser.add_argument("--date", default="2026-05-01")
    parser.add_argument("--step", type=int, default=60)
    parser.add_argument("--buildings", type=int, default=40)
    parser.add_argument("--weather", type=Path)
    parser.add_argument("--faults", default="many")
    parser.add_argument("--systems", action="store_true")
    parser.add_argument("--detail", action="store_true")
    asked = parser.parse_args()
    built = build(heidi_district(), typical_year(), spacing=8.0)
    total: dict[HintKind, Score] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = fresh_folder(
            built,
            Path(place) / "twin",
            buildings=asked.buildings,
            minutes=asked.step,
            systems=asked.systems,
        )
        for seed in map(int, asked.seeds.split(",")):
            begun = time.process_time()
            found = trial(
                folder,
                built,
                seed=seed,
                first=date.fromisoformat(asked.date),
                days=asked.days,
                faults=asked.faults,
                weather=asked.weather,
            )
            forget(folder)
            print(
                f"seed {seed}: {found.planted} faults, {found.rows:,} values, new "
                f"{found.receipt.new:,}, repeated {found.receipt.repeated:,}, refused "
                f"{found.receipt.refused:,}; {time.process_time() - begun:.1f} cpu s; "
                f"panels beside {found.compared}"
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
