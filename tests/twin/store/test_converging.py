"""However it is delivered, a store comes to the same bits as from clean delivery."""

import json
import random
import resource
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gis.errors import OutputError
from twin.ingest.files import feed_file
from twin.ingest.intake import Intake
from twin.store.embedded import FILE, EmbeddedStore
from twin.store.records import Observation

from ..api.conftest import whole_template  # noqa: F401, TID252
from ..ingest.small_twin import (  # noqa: TID252 - the tests are no package
    DAY,
    ENERGY,
    HEAT,
    HOUR,
    TEMPERATURE,
    clock,
    message,
    small_model,
)
from ..serving import served  # noqa: F401, TID252
from .conformance import digest
from .test_conformance import as_table

UNITS = {ENERGY: "kWh", HEAT: "kW", TEMPERATURE: "degC"}
MODEL = small_model()


def delivered() -> list[Observation]:
    """Return rising registers, powers and temperatures with gaps and corrections."""
    chance = random.Random(12)
    rows = []
    for hour in range(-160, 0):
        for point, step in ((ENERGY, 1.0), (HEAT, 0.01), (TEMPERATURE, 0.02)):
            row = Observation(point, DAY + hour * HOUR, 200 + hour * step, "measured")
            if point == TEMPERATURE:
                row = replace(row, value=25 + hour * step)
            rows.append(row)
            if chance.random() < 0.1:
                # What is meant to stand instead says so by a higher version.
                value = None if chance.random() < 0.5 else row.value + 0.125
                rows.append(replace(row, value=value, version=1 + chance.randrange(3)))
    return rows


def as_message(row: Observation) -> dict[str, object]:
    """Return a row in our own form of messages."""
    return {
        "point": row.point,
        "time_us": row.time,
        "value": row.value,
        "unit": UNITS[row.point],
        "version": row.version,
    }


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """Let no file grow beyond a size [bytes], which stands for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def by_rows(folder: Path, rows: Sequence[Observation]) -> None:
    with EmbeddedStore(folder / FILE) as store:
        store.append(rows)


def by_table(folder: Path, rows: Sequence[Observation]) -> None:
    with EmbeddedStore(folder / FILE) as store:
        store.load(as_table(list(rows)))


def by_messages(folder: Path, rows: Sequence[Observation]) -> None:
    with EmbeddedStore(folder / FILE) as store:
        admission = Intake(MODEL, store, clock=clock).take(
            [message(*map(as_message, rows[k::3])) for k in range(3)]
        )
        assert admission.refused == ()


def by_file(folder: Path, rows: Sequence[Observation]) -> None:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(as_message(row)) + "\n" for row in rows))
    with EmbeddedStore(folder / FILE) as store:
        feed_file(path, MODEL, store)


@pytest.fixture
def by_http(served) -> Callable[[Path, Sequence[Observation]], None]:  # noqa: F811
    clients = {}

    def send(folder: Path, rows: Sequence[Observation]) -> None:
        if folder not in clients:
            clients[folder] = served(folder, writable=True)
        answer = clients[folder].post("/api/ingest", json=[as_message(row) for row in rows])
        if answer.status_code == 503:
            raise OutputError(answer.text)
        assert answer.status_code == 200, answer.text
        assert answer.json()["refused"] == []

    return send


WAYS = {one.__name__: one for one in (by_rows, by_table, by_messages, by_file)}


@pytest.mark.parametrize("way", [*WAYS, pytest.param("by_http", marks=pytest.mark.slow)])
def test_shuffled_doubled_and_on_a_full_disk_it_comes_to_the_same_bits(
    way, tmp_path, request, monkeypatch
):
    """Sealed and opened anew meanwhile: all that can be asked is the same, bit by bit."""
    # Every table takes the way of large ones.
    monkeypatch.setattr("twin.store.embedded.SMALL", 1)
    deliver = WAYS.get(way) or request.getfixturevalue(way)
    clean, hostile = tmp_path / "clean", tmp_path / "hostile"
    for folder in (clean, hostile):
        if way == "by_http":
            shutil.copytree(request.getfixturevalue("whole_template"), folder)
        else:
            folder.mkdir()
    rows = delivered()
    deliver(clean, rows)
    chance = random.Random(way)
    shuffled = rows + chance.sample(rows, len(rows) // 2)
    chance.shuffle(shuffled)
    failed = 0
    for start in range(0, len(shuffled), 40):
        batch = shuffled[start : start + 40]
        if chance.random() < 0.4:
            try:
                with full_disk(chance.randrange(100, 20_000)):
                    deliver(hostile, batch)
            except (OutputError, OSError):
                failed += 1
        deliver(hostile, batch)
        if chance.random() < 0.3:
            with EmbeddedStore(hostile / FILE) as store:
                store.compact()
    assert failed > 2, "the disk was full now and then"
    with EmbeddedStore(clean / FILE) as one, EmbeddedStore(hostile / FILE) as other:
        assert one.sequence == len(rows)
        assert digest(one) == digest(other)
        other.rebuild()
        one.compact()
        assert digest(one) == digest(other)
        one.append([replace(rows[5], value=99.0, version=9)])
        assert digest(one) != digest(other), "one value more is told"
