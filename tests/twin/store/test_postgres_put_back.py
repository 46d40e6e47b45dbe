"""A writer whose database falls back, or is put back, goes on from what is there."""

import secrets
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from psycopg.conninfo import make_conninfo

from gis.errors import OutputError, SourceError
from twin.store import postgres
from twin.store.postgres import PostgresStore
from twin.store.postgres_schema import CARE, schema_of
from twin.store.records import Observation


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch):
    monkeypatch.setattr(postgres, "LARGE", 4)


@pytest.fixture
def address(postgres_server) -> str:
    return postgres_server.address


@pytest.fixture
def twin(postgres_store) -> str:
    return postgres_store().twin


def run(address: str, *statements: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def table(times: list[int], value: float, point: str = "b/p") -> pa.Table:
    count = len(times)
    return pa.table(
        {
            "point": [point] * count,
            "time": pa.array(times, pa.int64()),
            "value": [value] * count,
            "source": ["m"] * count,
        }
    )


def one(time: int, value: float = 1.0, point: str = "b/p") -> Observation:
    return Observation(point, time, value, "m")


def told(store: PostgresStore) -> list[tuple[str, int, float | None]]:
    return [(row.point, row.time, row.value) for row in store.since(0)]


def test_packs_of_a_batch_that_a_crash_undid_are_forgotten(postgres_server, twin):
    """The server gives the number of such a pack again, as its counter falls back."""
    with PostgresStore(postgres_server.address, twin=twin) as store:
        store.append([one(0, 0.0)], known=1)
        store.compact()
        run(postgres_server.address, "CHECKPOINT")
        with pytest.raises(OutputError), store.alone():  # noqa: PT012
            store.load(table([100, 200, 300, 400, 500], 1.0), known=2)
            assert store.append([one(200)], known=3).repeated == 1
            postgres_server.restart("immediate")
            store.append([one(900)], known=3)
        store.load(table([110, 210, 310, 410, 510], 7.0), known=4)
        assert store.append([one(200), one(300)], known=5).new == 2
        assert {("b/p", 200, 1.0), ("b/p", 300, 1.0)} <= set(told(store))


def test_packs_of_a_database_that_was_put_back_are_forgotten(postgres_server, twin):
    live, copy = (f"{name}_{secrets.token_hex(4)}" for name in ("live", "copy"))
    address = make_conninfo(postgres_server.address, dbname=live)
    run(postgres_server.address, f"CREATE DATABASE {live}")
    try:
        with PostgresStore(address, twin=twin) as store:
            store.append([one(0, 0.0)], known=1)
            store.compact()
        run(postgres_server.address, f"CREATE DATABASE {copy} TEMPLATE {live}")
        with (
            PostgresStore(address, twin=twin) as store,
            PostgresStore(address, twin=twin) as other,
        ):
            store.load(table([100, 200, 300, 400, 500], 1.0), known=2)
            assert store.append([one(200)], known=3).repeated == 1
            run(
                postgres_server.address,
                f"DROP DATABASE {live} WITH (FORCE)",
                f"ALTER DATABASE {copy} RENAME TO {live}",
            )
            other.load(table([110, 200, 310, 410, 510], 7.0), known=4)
            receipt = store.append([one(200), one(300)], known=5)
            assert (receipt.new, receipt.revised, receipt.repeated) == (1, 1, 0)
            assert [row.value for row in store.history("b/p", 200)] == [7.0, 1.0]
            assert [row.value for row in store.history("b/p", 300)] == [1.0]
    finally:
        for name in (live, copy):
            run(postgres_server.address, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def test_a_schema_that_was_dropped_and_made_again_is_noticed(address, twin):
    """Nobody's connection breaks meanwhile; numbers of points mean others afterwards."""
    with PostgresStore(address, twin=twin) as store:
        reader = PostgresStore(address, twin=twin, read_only=True)
        store.append([one(0, 1.0, "b/first"), one(0, 2.0, "b/second")], known=1)
        store.load(table([100, 200, 300, 400], 1.0, "b/first"), known=2)
        assert store.append([one(200, 1.0, "b/first")], known=3).repeated == 1
        assert len(reader.latest()) == len(reader.since(0)[:2]) == 2
        run(address, f'DROP SCHEMA "{schema_of(twin)}" CASCADE')
        with PostgresStore(address, twin=twin) as other:
            other.append([one(0, 2.0, "b/second"), one(0, 1.0, "b/first")], known=1)
            other.load(table([110, 210, 310, 410], 7.0, "b/second"), known=2)
        assert {row.point: row.value for row in reader.latest()} == {
            "b/first": 1.0,
            "b/second": 7.0,
        }
        assert store.append([one(210, 7.0, "b/second")], known=3).repeated == 1
        assert store.append([one(200, 1.0, "b/first")], known=4).new == 1
        assert told(store) == told(reader)
        assert ("b/first", 200, 1.0) in told(store)
        reader.close()


def test_another_folder_s_schema_in_the_place_of_the_own_is_refused(
    address, twin, tmp_path: Path
):
    folders = [tmp_path / name for name in ("own", "other")]
    for folder in folders:
        folder.mkdir()
    with PostgresStore(address, twin=twin, folder=folders[0]) as store:
        store.append([one(0)], known=1)
        run(address, f'DROP SCHEMA "{schema_of(twin)}" CASCADE')
        with PostgresStore(address, twin=twin, folder=folders[1]) as other:
            other.append([one(5, 5.0, "o/p")], known=1)
            with pytest.raises(SourceError, match="must be the folder whose"):
                store.append([one(1)], known=2)
            with pytest.raises(SourceError, match="must be the folder whose"):
                store.append([one(1)], known=2)
            assert told(other) == [("o/p", 5, 5.0)]


def test_an_earlier_state_in_the_same_tables_is_noticed(address, twin):
    """As ``pg_restore --data-only`` leaves it, beneath an open connection."""
    with PostgresStore(address, twin=twin) as store:
        store.append([one(0, 0.0)], known=1)
        store.append([one(1, 1.0, "b/q"), one(1, 1.0)], known=2)
        run(
            address,
            f'SET search_path = "{schema_of(twin)}"; SET {CARE} = on; '
            "DELETE FROM recent WHERE sequence > 1; DELETE FROM latest WHERE point = 2; "
            "DELETE FROM points WHERE number = 2; "
            "UPDATE latest SET time = 0, value = 0, sequence = 1; "
            "UPDATE head SET sequence = 1, known = 1, last = 0",
        )
        assert store.append([one(1, 1.0, "b/r"), one(1, 1.0)], known=3).new == 2
        assert told(store) == [("b/p", 0, 0.0), ("b/r", 1, 1.0), ("b/p", 1, 1.0)]
        assert [row.point for row in store.latest()] == ["b/p", "b/r"]
        with PostgresStore(address, twin=twin, read_only=True) as reader:
            assert told(reader) == told(store)
