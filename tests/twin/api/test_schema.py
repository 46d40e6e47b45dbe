"""Whatever is asked within or beside the description, the answers are those it promises."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from twin.api.app import create_app
from twin.store.opening import VARIABLE, open_store
from twin.store.records import Observation

TOKEN = "a token that is long enough"
START = 1_782_000_000_000_000 // 3_600_000_000 * 3_600_000_000

FEW, MANY = 8, int(os.environ.get("HEIDI_TEST_EXAMPLES", "40"))

WITHOUT_END = "/api/events"
"""A stream has no end that could be judged; it has tests of its own."""


@contextmanager
def interface(whole_template, place) -> Iterator[schemathesis.schemas.BaseSchema]:
    """Describe the interface of a folder with a few values."""
    folder = shutil.copytree(whole_template, place)
    with open_store(folder) as store:
        store.append(
            Observation("b2/heat/power", START + hour * 3_600_000_000, 1.0 * hour, "m")
            for hour in range(5)
        )
    app = create_app(folder, token=TOKEN)
    yield schemathesis.openapi.from_asgi("/openapi.json", app)
    app.state.desk.close()


@pytest.fixture(scope="module")
def described(whole_template, tmp_path_factory):
    with interface(whole_template, tmp_path_factory.mktemp("schema") / "twin") as found:
        yield found


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


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_nothing_is_found_on_postgres(
    whole_template, tmp_path, postgres_server, monkeypatch, mode
):
    name = f"schema-{mode.value}"
    monkeypatch.setenv(VARIABLE, postgres_server.address)
    try:
        with interface(whole_template, tmp_path / name) as found:
            assert check(found, mode, FEW) > 60
    finally:
        postgres_server.drop([name])
