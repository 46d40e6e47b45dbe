"""A store in PostgreSQL tells what is wrong and stands what servers do."""

import contextlib
import math
import os
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gis.errors import OutputError, SourceError
from twin.store.postgres import PostgresStore
from twin.store.postgres_faults import place, translated
from twin.store.postgres_schema import schema_of
from twin.store.records import Kept, Observation, Refused

HOUR = 3_600_000_000
EVER = 2**62
RESTARTS = int(os.environ.get("HEIDI_RESTARTS", "4"))
"""How often the server is stopped beneath a writer; a long run takes 100."""


def rows(hours: range, value: float = 1.0) -> list[Observation]:
    return [Observation(point, h * HOUR, value, "m") for h in hours for point in ("a", "b")]


@pytest.fixture
def address(postgres_server) -> str:
    return postgres_server.address


@pytest.fixture
def twin(postgres_store) -> str:
    """Return the name of a twin that nobody has fed yet."""
    return postgres_store().twin


def run(address: str, twin: str, statement: str) -> list[tuple]:
    """Let somebody else do something to a twin's tables."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'SET search_path = "{schema_of(twin)}"')
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def one_line(error: pytest.ExceptionInfo) -> str:
    message = str(error.value)
    assert "\n" not in message
    assert "Traceback" not in message
    return message


# -- what is wrong ----------------------------------------------------------------------


def test_a_wrong_password_is_told_and_not_repeated(address, twin):
    wrong = make_conninfo(address, password="open-sesame")
    with pytest.raises(OutputError, match="password") as error:
        PostgresStore(wrong, twin=twin)
    assert "sesame" not in one_line(error)


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param({"host": "/nowhere", "port": "1"}, id="no socket"),
        pytest.param({"host": "127.0.0.1", "port": "1"}, id="nobody listens"),
        pytest.param({"dbname": "no such database"}, id="no such database"),
        pytest.param({"user": "nobody-we-know"}, id="no such user"),
    ],
)
def test_a_server_out_of_reach_is_told_at_once(address, twin, elsewhere):
    password = conninfo_to_dict(address).get("password")
    begun = time.monotonic()
    with pytest.raises(OutputError, match="must be running and let us in") as error:
        PostgresStore(make_conninfo(address, **elsewhere), twin=twin)
    assert password is None or password not in one_line(error)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("bad", ["postgresql://a:secret@[", "host=x secret", "secret"])
def test_what_is_no_address_is_not_repeated(bad):
    with pytest.raises(SourceError, match="address") as error:
        PostgresStore(bad)
    assert "secret" not in one_line(error)
    assert error.value.__suppress_context__


def test_places_are_named_without_passwords():
    told = place("postgresql://ann:secret@h1/heidi?application_name=x")
    assert told == "PostgreSQL database heidi at h1"


@pytest.mark.parametrize("name", ["", "x" * 58, "å" * 29, "a\0b", "\ud800"])
def test_a_twin_has_a_name_that_a_schema_can_have(address, name):
    with pytest.raises(SourceError, match="1 to 57 bytes"):
        PostgresStore(address, twin=name)


def test_tables_of_a_newer_program_are_left_alone(address, twin):
    PostgresStore(address, twin=twin).close()
    run(address, twin, "UPDATE layout SET version = 99")
    for read_only in (False, True):
        with pytest.raises(SourceError, match="version 99; update"):
            PostgresStore(address, twin=twin, read_only=read_only)


def test_another_program_s_schema_is_left_alone(address, twin):
    run(address, twin, f'CREATE SCHEMA "{schema_of(twin)}"')
    run(address, twin, f'CREATE TABLE "{schema_of(twin)}".theirs (x int)')
    with pytest.raises(SourceError, match="another program's"):
        PostgresStore(address, twin=twin)


def test_missing_tables_are_told(address, twin):
    with PostgresStore(address, twin=twin) as store:
        run(address, twin, "DROP TABLE head")
        with pytest.raises(SourceError, match="restore") as error:
            store.append(rows(range(1)))
    one_line(error)


def test_missing_rights_are_told(address, twin):
    with PostgresStore(address, twin=twin) as store:
        store.append(rows(range(1)))
    role = f"guest_{time.time_ns()}"
    run(address, twin, f"CREATE ROLE {role} LOGIN PASSWORD 'guest'")
    try:
        guest = make_conninfo(address, user=role, password="guest")
        with pytest.raises(OutputError, match="rights"):
            PostgresStore(guest, twin=twin)
        with pytest.raises(OutputError, match="rights"):
            PostgresStore(guest, twin=f"{twin} of their own")
    finally:
        run(address, twin, f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (psycopg.errors.DiskFull(), "disk is full"),
        (psycopg.errors.TooManyConnections(), "connections"),
        (psycopg.errors.AdminShutdown(), "stopped or restarted"),
        (psycopg.errors.DataCorrupted(), "damaged"),
        (psycopg.errors.DeadlockDetected(), "another program holds it"),
        (psycopg.OperationalError("server closed the connection"), "stopped or restarted"),
        (psycopg.InterfaceError("the connection is closed"), "stopped or restarted"),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Exception) else "",
)
def test_faults_of_the_server_are_told(fault, words):
    with (
        pytest.raises((OutputError, SourceError), match=words) as error,
        translated("here"),
    ):
        raise fault
    one_line(error)


def test_a_defect_of_ours_stays_one():
    with pytest.raises(psycopg.errors.SyntaxError), translated("here"):
        raise psycopg.errors.SyntaxError


def test_names_that_text_cannot_hold_are_told(address, twin):
    with PostgresStore(address, twin=twin) as store:
        for name in ("a\0b", "\ud800"):
            with pytest.raises(OutputError, match="text"):
                store.append([Observation(name, 1, 1.0, "m")])
        assert store.append(rows(range(1))).new == 2


def test_what_is_refused_is_kept_whatever_it_holds(address, twin):
    bad = Refused(0, "form", "\0 is no \ud800", "{\0}", "a\0", "f", b"\0\xff")
    with PostgresStore(address, twin=twin) as store:
        store.append([], refused=[bad, bad])
        (kept,) = store.quarantine()
    assert (kept.message, kept.row, kept.origin, kept.payload, kept.times) == (
        bad.message, bad.row, bad.origin, bad.payload, 2,
    )  # fmt: skip


def test_a_reader_writes_nothing_and_sees_a_twin_as_soon_as_it_is_there(address, twin):
    with PostgresStore(address, twin=twin, read_only=True) as reader:
        assert reader.latest() == []
        assert reader.span() is None
        with pytest.raises(OutputError, match="reading only"):
            reader.append(rows(range(1)))
        exists = f"SELECT count(*) FROM pg_namespace WHERE nspname = '{schema_of(twin)}'"
        assert run(address, twin, exists) == [(0,)]
        with PostgresStore(address, twin=twin) as writer:
            writer.append(rows(range(1)))
            assert reader.latest() == writer.latest() != []


def test_a_writer_that_keeps_others_out_is_told_to_them(address, twin):
    hasty = make_conninfo(address, options="-c lock_timeout=100")
    with (
        PostgresStore(address, twin=twin) as store,
        PostgresStore(hasty, twin=twin) as other,
    ):
        with store.alone():
            store.append(rows(range(1)))
            with pytest.raises(OutputError, match="another program holds it"):
                other.append(rows(range(2)))
            assert other.latest() == [], "readers do not wait"
        assert other.append(rows(range(2))).repeated == 2


def test_a_closed_store_says_so(address, twin):
    store = PostgresStore(address, twin=twin)
    store.close()
    with pytest.raises(OutputError, match="closed"):
        store.latest()


def test_statements_are_guarded_by_the_server_itself(address, twin):
    with PostgresStore(address, twin=twin) as store:
        store.append(rows(range(1)))
        store.compact()
        store.append(rows(range(1, 2)))
        store.append(rows(range(1), 2.0))
    for change in (
        "UPDATE recent SET value = 2",
        "UPDATE history SET count = 0",
        "UPDATE superseded SET stops = 0",
        "DELETE FROM recent",
        "DELETE FROM history",
        "TRUNCATE superseded",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="never changed or lost"):
            run(address, twin, change)


def test_twins_of_one_database_know_nothing_of_each_other(address, postgres_store):
    with postgres_store().open() as one, postgres_store().open() as two:
        one.append(rows(range(3)))
        assert (two.sequence, two.latest()) == (0, [])
        two.append(rows(range(1), 5.0))
        assert [row.value for row in one.latest()] == [1.0, 1.0]


def test_a_missing_component_is_told():
    program = "import sys; sys.modules['psycopg'] = None; import twin.store.postgres"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("gis.errors.ComponentError: ")
    assert last.endswith('make extras, or pip install ".[postgres]" in the checkout')


# -- tables -----------------------------------------------------------------------------


def test_what_follows_from_the_statements_is_made_again(address, twin):
    with PostgresStore(address, twin=twin) as store:
        store.append(rows(range(30)), known=10)
        store.append(rows(range(5), 2.0), known=20)
        store.compact()
        store.append(rows(range(28, 31), 3.0), known=30)

        def answers() -> list[object]:
            return [
                store.latest(),
                store.span(),
                *(store.between(-EVER, EVER, known_at=k) for k in (None, 10, 20)),
            ]

        before = answers()
        run(
            address,
            twin,
            "SET heidi.care = on; DELETE FROM superseded; DELETE FROM latest; "
            "UPDATE head SET first = 7, last = 7, settled = NULL",
        )
        assert answers() != before
        store.rebuild()
        assert answers() == before


def test_the_history_is_packed_by_month_and_wild_clocks_make_no_packs(address, twin):
    times = [1 - 2**62, 0, 1_767_225_599_999_999, 1_767_225_600_000_000, 2**62 - 1]
    with PostgresStore(address, twin=twin) as store:
        store.append([Observation("a", at, float(n), "m") for n, at in enumerate(times)])
        assert store.compact() == 5
        assert [row.value for row in store.between(-(2**63), 2**63 - 1)] == [0, 1, 2, 3, 4]
    packs = run(address, twin, "SELECT first, last FROM history ORDER BY 1")
    assert packs == [(times[0], times[1]), *((at, at) for at in times[2:])]


def test_anybody_reads_statements_as_rows(address, twin):
    """The view unpacks what the program packed: values, gaps, and what stood when."""
    with PostgresStore(address, twin=twin) as store:
        store.append([*rows(range(40), 0.1), Observation("a", -5, None, "n", 3, 2**40)])
        store.append(rows(range(3), 1 / 3), known=2**62)
        store.compact()
        store.append(rows(range(2, 4), math.pi), known=2**62 + 5)
        told = run(
            address,
            twin,
            "SELECT p.name, time, value, o.name, quality, version, sequence, known, "
            "revision FROM statements s JOIN points p ON p.number = s.point "
            "JOIN sources o ON o.number = s.source ORDER BY sequence",
        )
        assert [Kept(*row) for row in told] == store.since(0)
        for known_at in (2**62 - 1, 2**62, 2**63 - 2):
            stood = run(
                address,
                twin,
                "SELECT value FROM statements WHERE known <= "
                f"{known_at} AND stops > {known_at} ORDER BY point, time",
            )
            wanted = store.between(-EVER, EVER, known_at=known_at)
            assert [value for (value,) in stood] == [row.value for row in wanted]


def test_packs_of_a_month_are_joined_as_they_grow(address, twin):
    with PostgresStore(address, twin=twin) as store:
        for hour in range(64):
            store.append([Observation("a", hour * HOUR, float(hour), "m")])
            store.compact()
        packs = run(address, twin, "SELECT count, number FROM history ORDER BY count")
        assert sum(count for count, _ in packs) == 64
        assert len(packs) <= 9
        assert packs[-1][1] > 64, "made of smaller ones"
        assert [row.value for row in store.between(0, EVER)] == list(range(64))


def test_a_damaged_pack_is_told_and_others_still_answer(address, twin):
    with PostgresStore(address, twin=twin) as store:
        store.append(rows(range(9)))
        store.compact()
        run(
            address,
            twin,
            "ALTER TABLE history DISABLE TRIGGER stands; UPDATE history SET measures = "
            "set_byte(measures, 20, 77) WHERE point = 1; "
            "ALTER TABLE history ENABLE TRIGGER stands",
        )
        with pytest.raises(SourceError, match="damaged; restore") as error:
            store.between(-EVER, EVER)
        one_line(error)
        with pytest.raises(SourceError, match="damaged"):
            store.rebuild()
        assert len(store.between(-EVER, EVER, points=["b"])) == 9
        assert store.append(rows(range(9, 10))).new == 2
        assert len(store.latest()) == 2


@pytest.mark.parametrize("lost", range(3))
def test_a_cached_latest_follows_what_others_do(address, twin, lost):
    """What one instance remembers is never behind, nor ahead of a snapshot."""
    with (
        PostgresStore(address, twin=twin) as store,
        PostgresStore(address, twin=twin, read_only=True) as reader,
    ):
        for hour in range(4):
            store.append([Observation(p, hour * HOUR, float(hour), "m") for p in "cab"])
            assert reader.latest() == store.latest()
        with reader.snapshot():
            before = reader.latest()
            store.append(
                [Observation("a", 9 * HOUR, 1.0, "m"), Observation("0", 1, 1.0, "m")]
            )
            assert reader.latest() == before
        assert [row.point for row in reader.latest()] == ["c", "a", "b", "0"]
        with PostgresStore(address, twin=twin) as other:
            assert other.latest() == reader.latest()
            before = other.latest()
            other.append([Observation("a", 9 * HOUR, None, "m", version=1)])
            assert reader.latest() != before
            assert reader.latest() == other.latest() == store.latest()
            if lost == 0:
                other.retire(4 * HOUR)
            elif lost == 1:
                other.rebuild()
            else:
                with contextlib.suppress(KeyboardInterrupt), other.alone():
                    other.append([Observation("b", 10 * HOUR, 1.0, "m")])
                    assert other.latest() != reader.latest()
                    raise KeyboardInterrupt
            assert reader.latest() == other.latest() == store.latest()


# -- servers that stop ------------------------------------------------------------------


def test_a_restart_between_calls_goes_unnoticed(postgres_server, twin):
    with PostgresStore(postgres_server.address, twin=twin) as store:
        store.append(rows(range(2)))
        postgres_server.restart("fast")
        assert store.append(rows(range(3))).new == 2
        postgres_server.restart("immediate")
        assert len(store.between(-EVER, EVER)) == 6


def test_a_restart_in_the_middle_undoes_the_batch_and_the_next_call_goes_on(
    postgres_server, twin
):
    with PostgresStore(postgres_server.address, twin=twin) as store:
        store.append(rows(range(2)))

        def cut() -> None:
            with store.alone():
                store.append([Observation("new", 1, 1.0, "other")])
                postgres_server.restart("immediate")
                store.append(rows(range(3)))

        with pytest.raises(OutputError, match="feed it again"):
            cut()
        assert store.sequence == 4
        assert store.sources() == ("m",)
        assert store.append([Observation("late", 1, 1.0, "third")]).sequence == 5
        assert [row.point for row in store.latest()] == ["a", "b", "late"]


def test_ingest_survives_restarts_with_the_same_bits(postgres_server, postgres_store):
    """Whoever feeds what was not acknowledged again ends where clean delivery ends."""
    batches = [rows(range(n, n + 3), float(n // 2)) for n in range(150)]
    with postgres_store().open() as clean:
        for batch in batches:
            clean.append(batch, known=1)
        wanted = clean.since(0)
    place = postgres_store()
    refused = 0
    stop = threading.Event()

    def disturb() -> None:
        for _ in range(RESTARTS):
            if not stop.wait(0.1):
                postgres_server.restart("immediate")

    nuisance = threading.Thread(target=disturb)
    with place.open() as store:
        nuisance.start()
        try:
            for batch in batches:
                done = False
                while not done:
                    time.sleep(0.004)
                    try:
                        store.append(batch, known=1)
                        done = True
                    except OutputError:
                        refused += 1
        finally:
            stop.set()
            nuisance.join()
        assert store.since(0) == wanted
        store.rebuild()
        assert store.since(0) == wanted


def test_readers_miss_nothing_while_several_write(postgres_store):
    """Numbers become visible in their order: who asks for what came since gets all."""
    place = postgres_store()
    place.open().close()
    failed: list[BaseException] = []

    def write(name: str) -> None:
        try:
            with place.open() as store:
                for hour in range(25):
                    store.append(
                        [Observation(f"{name}{n}", hour, 1.0, "m") for n in range(9)]
                    )
                    if hour % 10 == 5:
                        store.compact()
        except BaseException as error:
            failed.append(error)
            raise

    writers = [threading.Thread(target=write, args=(name,)) for name in "xyz"]
    seen: list[Kept] = []
    with place.open(read_only=True) as reader:
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            seen += reader.since(seen[-1].sequence if seen else 0, count=50)
        while more := reader.since(seen[-1].sequence if seen else 0):
            seen += more
        assert not failed
        assert [row.sequence for row in seen] == list(range(1, 3 * 25 * 9 + 1))
        assert seen == reader.since(0)
        assert [row.known for row in seen] == sorted(row.known for row in seen)
