"""A twin of version 1 in PostgreSQL goes on as one of version 2."""

import random

import psycopg
import pytest

from gis.errors import OutputError, SourceError
from twin.store import postgres_migration
from twin.store.postgres import PostgresStore
from twin.store.postgres_packs import packed
from twin.store.postgres_schema import schema_of
from twin.store.records import Edition, Observation, Refused

from .test_conformance import made_up

EVER = 2**62
HOUR = 3_600_000_000

STATEMENT = """(
    sequence bigint NOT NULL, time bigint NOT NULL, known bigint NOT NULL,
    stops bigint NOT NULL, version bigint NOT NULL, value double precision,
    point integer NOT NULL, source integer NOT NULL, quality integer NOT NULL,
    revision integer NOT NULL
)"""

VERSION_1 = f"""
    DROP VIEW statements;
    DROP TABLE recent, history, superseded;
    DROP FUNCTION stands(), numbers(bytea), measures(bytea), departures(bytea);
    ALTER TABLE head DROP COLUMN turns;
    ALTER TABLE latest ADD COLUMN stops bigint NOT NULL DEFAULT 9223372036854775807;
    CREATE TABLE recent {STATEMENT} WITH (fillfactor = 90);
    CREATE UNIQUE INDEX ON recent (point, time, revision);
    CREATE UNIQUE INDEX ON recent (sequence);
    CREATE TABLE history {STATEMENT} PARTITION BY RANGE (time);
    CREATE TABLE history_0000_early PARTITION OF history
        FOR VALUES FROM (MINVALUE) TO (0);
    CREATE TABLE history_1970_01 PARTITION OF history FOR VALUES FROM (0) TO (MAXVALUE);
    CREATE UNIQUE INDEX ON history (point, time, revision);
    CREATE INDEX ON history USING brin (sequence) WITH (pages_per_range = 32);
    CREATE INDEX ON history (sequence) WHERE revision > 0;
    CREATE VIEW statements AS SELECT * FROM recent UNION ALL SELECT * FROM history;
    CREATE FUNCTION stands() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'statements are never changed'; END $$;
    CREATE TRIGGER stands BEFORE UPDATE OF value ON recent
        FOR EACH ROW EXECUTE FUNCTION stands();
    CREATE TRIGGER stands BEFORE UPDATE OF value ON history
        FOR EACH ROW EXECUTE FUNCTION stands();
    UPDATE layout SET version = 1;
"""
"""Turns the tables of today back into those that version 1 made."""


def turn_back(address: str, twin: str) -> None:
    """Make the tables of a twin those of version 1."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'SET search_path = "{schema_of(twin)}"')
        told = connection.execute(
            "SELECT sequence, time, known, stops, version, value, point, source, quality, "
            "revision FROM statements ORDER BY sequence"
        ).fetchall()
        connection.execute(VERSION_1)
        marks = ", ".join(["%s"] * 10)
        with connection.cursor() as cursor:
            half = len(told) // 2
            for table, some in (("history", told[:half]), ("recent", told[half:])):
                cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", some)


@pytest.fixture
def old(postgres_server, postgres_store) -> tuple[str, list[object]]:
    """Return the name of a twin of version 1, and what it must answer."""
    twin = postgres_store().twin
    rows = made_up(random.Random(6), 40)
    rows += [Observation("b0/p0", -7 * HOUR, 1.5, "meter")]
    with PostgresStore(postgres_server.address, twin=twin) as store:
        for number, start in enumerate(range(0, len(rows), 150)):
            store.append(rows[start : start + 150], known=number)
        store.append(rows[:5], refused=[Refused(0, "unit", "kW, got W", "{}")], known=99)
        store.add_edition(Edition(3, "g", "{}"), known=100)
        wanted = answers(store)
    turn_back(postgres_server.address, twin)
    return twin, wanted


def answers(store: PostgresStore) -> list[object]:
    return [
        store.since(0, count=10**6),
        store.latest(),
        store.span(),
        store.revisions(),
        store.editions(),
        store.refusals(),
        *(store.between(-EVER, EVER, known_at=known) for known in (None, 0, 1, 2)),
    ]


def test_it_is_changed_in_place_and_nothing_is_lost(postgres_server, old):
    twin, wanted = old
    with PostgresStore(postgres_server.address, twin=twin) as store:
        assert answers(store) == wanted
        assert store.compact() == 0, "all is packed already"
        assert store.append([Observation("new", 1, 1.0, "meter")]).new == 1
        with (
            pytest.raises(psycopg.errors.RaiseException),
            psycopg.connect(postgres_server.address) as connection,
        ):
            connection.execute(f'DELETE FROM "{schema_of(twin)}".history')
    with PostgresStore(postgres_server.address, twin=twin, read_only=True) as store:
        assert store.since(0, count=10**6)[:-1] == wanted[0]


def test_who_may_only_read_is_told_what_to_do(postgres_server, old):
    with pytest.raises(SourceError, match=r"version 1; open it for writing once"):
        PostgresStore(postgres_server.address, twin=old[0], read_only=True)


def test_what_is_stopped_in_the_middle_changes_nothing(postgres_server, old):
    """The last step fails, as somebody's view hangs on a table."""
    twin, wanted = old
    with psycopg.connect(postgres_server.address, autocommit=True) as connection:
        connection.execute(f'SET search_path = "{schema_of(twin)}"')
        connection.execute("CREATE VIEW theirs AS SELECT time FROM recent")
        with pytest.raises(OutputError, match="views of others"):
            PostgresStore(postgres_server.address, twin=twin)
        assert connection.execute("SELECT version FROM layout").fetchall() == [(1,)]
        connection.execute("DROP VIEW theirs")
    with PostgresStore(postgres_server.address, twin=twin) as store:
        assert answers(store) == wanted


def test_no_more_rows_of_one_point_are_moved_at_a_time_than_of_many(
    postgres_server, postgres_store, monkeypatch
):
    """The server's arrays end at 1 GB: 89 million rows, of one point as of many."""
    twin = postgres_store().twin
    days = [
        Observation("long", 24 * HOUR * day, float(day), "m") for day in range(-400, 400)
    ]
    days += [Observation("a", 24 * HOUR, 1.0, "m"), Observation("z", 24 * HOUR, 2.0, "m")]
    with PostgresStore(postgres_server.address, twin=twin) as store:
        store.append(days[:700], known=1)
        store.append(days[600:], known=2)
        wanted = answers(store)
    turn_back(postgres_server.address, twin)
    moved: list[int] = []

    def counted(columns):
        moved.append(len(columns["time"]))
        return packed(columns)

    monkeypatch.setattr(postgres_migration, "ROWS", 60)
    monkeypatch.setattr(postgres_migration, "packed", counted)
    with PostgresStore(postgres_server.address, twin=twin) as store:
        assert answers(store) == wanted
    assert sum(moved) == len(days)
    # A window is the least; that around 1970 is as wide as two.
    assert max(moved) <= 60 + 2 * 31
