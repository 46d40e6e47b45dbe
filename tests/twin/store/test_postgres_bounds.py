"""The store in PostgreSQL keeps what it takes, whoever asks for it and from wherever."""

import json
import threading
import time

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from psycopg.conninfo import make_conninfo

from gis.errors import TableError
from twin.store import postgres_unpacking
from twin.store.postgres import PostgresStore
from twin.store.postgres_schema import schema_of
from twin.store.ranges import RANGES
from twin.store.records import Observation

LAST = 2**63 - 1
TIMES, QUALITIES = RANGES["time"], RANGES["quality"]

OF_OLD = [
    statement.replace(f"{postgres_unpacking.SCHEMA}.", "")
    for statement in postgres_unpacking.FUNCTIONS
]
"""The functions as they were made before they found each other."""


@pytest.fixture
def address(postgres_server) -> str:
    return postgres_server.address


@pytest.fixture
def twin(postgres_store) -> str:
    return postgres_store().twin


def rows(*times: int, point: str = "b/p") -> list[Observation]:
    return [Observation(point, time, 0.1 + time, "m") for time in times]


def seen_from_elsewhere(address: str, twin: str) -> list[tuple]:
    """Return what the view shows to somebody with no settings of ours."""
    with psycopg.connect(address) as connection:
        return connection.execute(
            f'SELECT time, value FROM "{schema_of(twin)}".statements ORDER BY sequence'
        ).fetchall()


def test_anybody_reads_the_view_without_any_setting(address, postgres_store):
    place = postgres_store()
    place.twin = twin = f"{place.twin} $$ ' \\ :schema {{}} %s"
    with PostgresStore(address, twin=twin) as store:
        store.append(rows(1, 2, 3, 7), known=5)
        store.compact()
        wanted = [(row.time, row.value) for row in store.since(0)]
    assert seen_from_elsewhere(address, twin) == wanted


def test_a_view_from_before_is_mended_by_the_next_writer(address, twin):
    with PostgresStore(address, twin=twin) as store:
        store.append(rows(1, 2, 3, 7), known=5)
        store.compact()
        wanted = [(row.time, row.value) for row in store.since(0)]
    with psycopg.connect(address) as connection:
        connection.execute(f'SET search_path = "{schema_of(twin)}", public')
        view = connection.execute("SELECT pg_get_viewdef('statements'::regclass)")
        definition = view.fetchall()[0][0]
        connection.execute(
            "DROP VIEW statements; DROP FUNCTION numbers(bytea), measures(bytea), "
            "departures(bytea)"
        )
        for statement in OF_OLD:
            connection.execute(statement)
        connection.execute(f"CREATE VIEW statements AS {definition}")
    with pytest.raises(psycopg.errors.UndefinedFunction):
        seen_from_elsewhere(address, twin)
    PostgresStore(address, twin=twin, read_only=True).close()
    PostgresStore(address, twin=twin).close()
    assert seen_from_elsewhere(address, twin) == wanted


def test_the_view_follows_a_schema_that_is_renamed(address, postgres_store):
    before, after = postgres_store().twin, postgres_store().twin
    with PostgresStore(address, twin=before) as store:
        store.append(rows(1, 2, 3, 7), known=5)
        store.compact()
    with psycopg.connect(address) as connection:
        connection.execute(
            f'ALTER SCHEMA "{schema_of(before)}" RENAME TO "{schema_of(after)}"'
        )
    PostgresStore(address, twin=after).close()
    assert len(seen_from_elsewhere(address, after)) == 4


def test_what_is_learned_after_a_restore_is_not_older_than_what_was(
    address, postgres_store, tmp_path
):
    """Retiring takes the last statement, not when it was learned."""
    one, two = postgres_store().twin, postgres_store().twin
    with PostgresStore(address, twin=one) as store:
        store.append(rows(1), known=1000)
        store.append(rows(0), known=5000)
        store.retire(1)
        store.export(tmp_path / "x")
    assert json.loads((tmp_path / "x" / "store.json").read_text())["known"] == 5000
    with PostgresStore(address, twin=two) as store:
        store.restore(tmp_path / "x")
        store.append(rows(3), known=2000)
        assert [row.known for row in store.since(0)] == [1000, 5000]


@pytest.mark.parametrize("known_at", [LAST - 1, LAST, 2**70])
def test_known_at_the_end_of_time_is_now(address, twin, known_at):
    with PostgresStore(address, twin=twin) as store:
        store.append(rows(1, 2), known=5)
        store.append([Observation("b/p", 2, 9.0, "m")], known=6)
        for _ in range(2):
            wanted = store.between(0, 9)
            assert [row.value for row in wanted] == [1.1, 9.0]
            assert store.between(0, 9, known_at=known_at) == wanted
            assert store.between(0, 9, known_at=known_at, count=1) == wanted[:1]
            assert store.table(0, 9, known_at=known_at) == store.table(0, 9)
            assert store.latest(known_at=known_at) == store.latest() == wanted[1:]
            assert store.latest(known_at=known_at, until=1) == wanted[:1]
            summed = store.resample(0, 9, 3, points=["b/p"], known_at=known_at)
            assert summed == store.resample(0, 9, 3, points=["b/p"])
            store.compact()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param(name, number, id=f"{name} {number}")
        for name, (least, most) in (("time", TIMES), ("quality", QUALITIES))
        for number in (least - 1, most + 1, *((LAST, -LAST - 1) if name == "time" else ()))
    ],
)
def test_numbers_that_no_store_keeps_are_refused(address, twin, name, number):
    told = {"time": 3, "quality": 0} | {name: number}
    row = Observation("b/p", told["time"], 1.0, "m", told["quality"])
    table = pa.table(
        {"point": ["b/p"], "value": [1.0], "source": ["m"]}
        | {key: pa.array([value], pa.int64()) for key, value in told.items()}
    )
    with PostgresStore(address, twin=twin) as store:
        for feed in (lambda: store.append([*rows(1), row]), lambda: store.load(table)):
            with pytest.raises(
                TableError, match=f"{name} must be from .*{number}"
            ) as error:
                feed()
            assert "\n" not in str(error.value)
        assert store.sequence == 0
        assert store.append(rows(1)).sequence == 1


def test_numbers_at_the_bounds_stay(address, twin):
    ends = [
        Observation("b/p", time, 1.0, "m", quality)
        for time, quality in zip(TIMES, QUALITIES, strict=True)
    ]
    with PostgresStore(address, twin=twin) as store:
        store.append(ends, known=5)
        wanted = store.since(0)
        store.compact()
        store.rebuild()
        assert store.since(0) == wanted
        assert [row.time for row in wanted] == list(TIMES)
        assert store.latest() == wanted[1:]
        assert np.array_equal([row.quality for row in wanted], QUALITIES)


@pytest.mark.parametrize("level", [r"repeatable\ read", "serializable"])
def test_writers_take_turns_whatever_isolation_the_database_likes(address, twin, level):
    """Who waits for another sees what it left: a snapshot from before would not."""
    strict = make_conninfo(address, options=f"-c default_transaction_isolation={level}")
    with PostgresStore(strict, twin=twin) as one, PostgresStore(strict, twin=twin) as two:
        waiting = threading.Thread(target=lambda: two.append(rows(2), known=2))
        with one.alone():
            waiting.start()
            wait_for_the_lock(address)
            one.append(rows(1), known=1)
        waiting.join(10)
        assert not waiting.is_alive()
        assert [(row.time, row.sequence) for row in one.since(0)] == [(1, 1), (2, 2)]


def wait_for_the_lock(address: str) -> None:
    """Return when somebody waits for another writer."""
    end = time.monotonic() + 4
    with psycopg.connect(address, autocommit=True) as connection:
        while not connection.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        ).fetchone():
            assert time.monotonic() < end
            time.sleep(0.01)
