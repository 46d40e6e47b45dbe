"""Give tests of the interface a small whole twin with points of every kind."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gis.typical_year import typical_year
from twin.build import build
from twin.equipment import equipment, with_systems
from twin.folder import write_twin
from twin.ingest.gate import read_time
from twin.quantities import Quantity
from twin.store.embedded import EmbeddedStore
from twin.store.records import Observation
from twin.system_kinds import SystemKind
from twin.things import FILE, read_model, write_model

from ..serving import heidi, served  # noqa: F401, TID252 - the tests are no package
from ..store.conftest import postgres_server  # noqa: F401, TID252

TOKEN = "a token that is long enough"
START = read_time("2026-06-21T00:00Z")
HOUR = 3_600_000_000
KNOWN = START + 30 * HOUR


@pytest.fixture(scope="session")
def whole_template(lit, tmp_path_factory) -> Path:
    """Build a twin of three blocks once, with a heat register and a weather station."""
    folder = tmp_path_factory.mktemp("whole") / "twin"
    write_twin(build(lit.district, typical_year(), spacing=6.0), folder, stills=False)
    meter, registers = equipment(
        "b2", SystemKind.HEAT, number=2, quantities=[Quantity.HEAT_ENERGY]
    )
    station, weather = equipment(
        "", SystemKind.WEATHER, quantities=[Quantity.GHI, Quantity.AIR_TEMPERATURE]
    )
    model = read_model(folder / FILE)
    more = with_systems(model, [meter, station], [*registers, *weather])
    write_model(folder / FILE, more)
    return folder


@pytest.fixture
def whole(whole_template, tmp_path) -> Path:
    """Return a fresh copy of it."""
    return Path(shutil.copytree(whole_template, tmp_path / "twin"))


@pytest.fixture
def keep() -> Callable[..., None]:
    """Put values of hours of the day into the store of a folder."""

    def put(
        folder: Path,
        point: str,
        values: dict[float, float | None],
        *,
        known: int = KNOWN,
        version: int = 0,
        quality: int = 0,
    ) -> None:
        with EmbeddedStore(folder / "live.sqlite") as store:
            store.append(
                [
                    Observation(
                        point, START + int(hour * HOUR), value, "meter", quality, version
                    )
                    for hour, value in values.items()
                ],
                known=known,
            )

    return put
