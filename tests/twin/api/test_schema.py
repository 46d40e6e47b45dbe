"""Whatever is asked within or beside the description, the answers are those it promises."""

import shutil
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from twin.api.app import create_app
from twin.store.embedded import EmbeddedStore
from twin.store.records import Observation

TOKEN = "a token that is long enough"
START = 1_782_000_000_000_000 // 3_600_000_000 * 3_600_000_000

FEW, MANY = 8, 40

WITHOUT_END = "/api/events"
"""A stream has no end that could be judged; it has tests of its own."""


@pytest.fixture(scope="module")
def described(
    whole_template, tmp_path_factory
) -> Iterator[schemathesis.schemas.BaseSchema]:
    folder = shutil.copytree(whole_template, tmp_path_factory.mktemp("schema") / "twin")
    with EmbeddedStore(folder / "live.sqlite") as store:
        store.append(
            Observation("b2/heat/power", START + hour * 3_600_000_000, 1.0 * hour, "m")
            for hour in range(5)
        )
    app = create_app(folder, token=TOKEN)
    yield schemathesis.openapi.from_asgi("/openapi.json", app)
    app.state.desk.close()


def check(described, mode: GenerationMode, count: int) -> int:
    """Ask every address, and judge each answer; return how many were asked."""
    asked = 0
    for found in described.get_all_operations():
        operation = found.ok()
        if operation.path == WITHOUT_END:
            continue

        @settings(
            max_examples=count,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            # No description can say that a start must lie before an end, or which
            # collections there are: good questions may be refused, but as promised.
            case.call_and_validate(
                headers={"Authorization": f"Bearer {TOKEN}"},
                excluded_checks=[positive_data_acceptance],
            )

        try:
            ask()
        except Unsatisfiable:
            # Nothing can be asked wrongly where nothing is asked.
            assert mode is GenerationMode.NEGATIVE
    return asked


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_nothing_is_found(described, mode):
    assert check(described, mode, FEW) > 60


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_nothing_is_found_by_asking_long(described, mode):
    assert check(described, mode, MANY) > 300
