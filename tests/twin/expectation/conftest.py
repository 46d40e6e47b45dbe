"""Give tests of expectations a lit district, its folder, and trials with planted faults."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from gis.heidi import heidi_district
from gis.typical_year import typical_year
from twin.build import Built, build
from twin.expectation.plant import Panels, Place
from twin.expectation.plants import place_of, plants_of
from twin.folder import write_twin
from twin.things import read_model

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def built() -> Built:
    return build(heidi_district(), typical_year(), spacing=8.0)


@pytest.fixture(scope="session")
def folder(built, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("expectation") / "twin"
    write_twin(built, place, stills=False)
    return place


@pytest.fixture(scope="session")
def plants(built, folder) -> tuple[Panels, ...]:
    return plants_of(built, read_model(folder / "model.json"))


@pytest.fixture(scope="session")
def place(built) -> Place:
    return place_of(built)


@pytest.fixture(scope="session")
def trials() -> Iterator[ModuleType]:
    """Return the module that plants faults; benchmarks load it as well."""
    spec = importlib.util.spec_from_file_location("trials", HERE / "trials.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["trials"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["trials"]


@pytest.fixture(scope="session")
def measured() -> Path | None:
    """Return the folder of real data, or None: then the embedded year serves."""
    data = HERE.parents[3] / "shared" / "data"
    return data if (data / "weather").is_dir() else None
