"""Give tests of the simulation a lit district with all kinds of equipment, and a run."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gis.heidi import heidi_district
from gis.typical_year import typical_year
from twin.build import Built, build
from twin.folder import write_twin
from twin.model import Model
from twin.simulation.fitting import fit_out
from twin.simulation.run import Run, make_run
from twin.things import read_model, write_model

BUILDINGS = 24
"""Of the district's 189: every eighth or so."""


@pytest.fixture(scope="session")
def built() -> Built:
    return build(heidi_district(), typical_year(), spacing=8.0)


@pytest.fixture(scope="session")
def folder(built, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("simulation") / "twin"
    write_twin(built, place, stills=False)
    model = read_model(place / "model.json")
    write_model(place / "model.json", some_buildings(model, BUILDINGS))
    return place


def some_buildings(model: Model, count: int) -> Model:
    """Return a model of some of the buildings, offices and schools among them."""
    every = len(model.buildings) // count
    chosen = set(model.buildings[::every][: count - 2])
    for use in ("office", "education"):
        chosen.add(next(b for b in model.buildings if b.use == use))
    kept = tuple(building for building in model.buildings if building in chosen)
    names = {building.id for building in kept}
    systems = tuple(s for s in model.systems if s.building in names)
    ids = {system.id for system in systems}
    points = tuple(p for p in model.points if p.system in ids)
    return replace(model, buildings=kept, systems=systems, points=points)


@pytest.fixture(scope="session")
def model(folder) -> Model:
    return read_model(folder / "model.json")


@pytest.fixture(scope="session")
def fitted(model) -> Model:
    """Everything that --systems adds, every quarter of an hour."""
    return fit_out(model, interval=900)[0]


@pytest.fixture(scope="session")
def clean(built, fitted) -> Run:
    """Four days of spring in which nothing goes wrong."""
    return make_run(built, fitted, day=date(2026, 4, 12), days=4, seed=5, faults="none")
