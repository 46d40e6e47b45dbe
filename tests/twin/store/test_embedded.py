"""The embedded store outlives damage, kills and other programs beside it."""

import errno
import json
import random
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis.errors import OutputError, SourceError, TableError
from twin.store import care, sealing
from twin.store.embedded import EmbeddedStore
from twin.store.faults import file_told
from twin.store.manifest import drop_segments
from twin.store.opening import open_store
from twin.store.records import Observation
from twin.store.segments import make_folder

from .conformance import Plain, assert_agree, kept_rows
from .test_conformance import BATCHES, EVER, HOUR, as_table, at, made_up, standing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "live.sqlite"


def filled(path: Path, *, hours: int = 30) -> list[Observation]:
    """Make a store, half of it sealed, and return its statements."""
    rows = made_up(random.Random(6), hours)
    with EmbeddedStore(path) as store:
        store.append(rows[: len(rows) // 2])
        store.compact()
        store.append(rows[len(rows) // 2 :])
    return rows


def segments(path: Path) -> list[Path]:
    return sorted((path.parent / "history").glob("*.parquet"))


# -- history --------------------------------------------------------------------------


def test_a_segment_explains_itself_to_any_program(path):
    """Read by DuckDB alone, without the catalogue: names, gaps, and what stands."""
    rows = [at("a/x", 1, 5.0), at("b/y", 1, None), at("a/x", 1, 6.0, "typed")]
    with EmbeddedStore(path) as store:
        store.append(rows, known=7)
        store.compact()
    (file,) = segments(path)
    found = duckdb.sql(
        f"SELECT point, time, value, source, superseded FROM '{file}' ORDER BY sequence"
    ).fetchall()
    assert found == [
        ("a/x", HOUR, 5.0, "meter", 7),
        ("b/y", HOUR, None, "meter", 2**63 - 1),
        ("a/x", HOUR, 6.0, "typed", 2**63 - 1),
    ]


def test_history_is_clustered_by_building_then_series_then_time(path):
    chance = np.random.default_rng(2)
    rows = [
        Observation(
            f"{chance.integers(9)}/{k % 20}", int(chance.integers(99)) * HOUR, 1.0, "m"
        )
        for k in range(3000)
    ]
    with EmbeddedStore(path) as store:
        store.append(rows)
        store.compact()
        order = {row.point: k for k, row in enumerate(store.latest())}
    table = pq.read_table(segments(path)[0]).to_pylist()
    buildings = [row["point"].split("/")[0] for row in table]
    assert len([k for k in range(1, len(table)) if buildings[k] != buildings[k - 1]]) == 8
    keys = [(order[row["point"]], row["time"]) for row in table]
    for building in set(buildings):
        own = [key for key, name in zip(keys, buildings, strict=True) if name == building]
        assert own == sorted(own)


def test_a_building_may_be_told_where_ids_do_not_begin_with_it(path):
    with EmbeddedStore(path, buildings={"urn:1": "west", "urn:3": "west"}) as store:
        store.append([at(f"urn:{k}", hour, 1.0) for hour in range(3) for k in (1, 2, 3)])
        store.compact()
        assert len(store.between(0, EVER, points=["urn:3"])) == 3
    names = [row["point"] for row in pq.read_table(segments(path)[0]).to_pylist()]
    assert names == ["urn:1"] * 3 + ["urn:3"] * 3 + ["urn:2"] * 3


def test_small_reads_load_no_engine(path):
    """Live views and the terminal must not wait for libraries of long histories."""
    filled(path)
    code = (
        "import sys; from pathlib import Path\n"
        "from twin.store.embedded import EmbeddedStore\n"
        f"with EmbeddedStore(Path({str(path)!r}), read_only=True) as s:\n"
        "    s.latest(); s.span(); s.refusals(); s.revisions(); s.sequence; s.sources()\n"
        "    s.since(s.sequence - 5)\n"
        "    assert 'pyarrow' not in sys.modules\n"
        "    assert s.between(0, 9 * 3600000000)\n"
        "    assert 'duckdb' not in sys.modules and 'pandas' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_many_small_segments_become_few(path):
    plain = Plain()
    with EmbeddedStore(path) as store:
        for hour in range(40):
            rows = [at(f"b{k % 3}/{k}", hour, float(k)) for k in range(5)]
            store.append(rows, known=hour)
            plain.append(rows, known=hour)
            store.compact()
        with sqlite3.connect(path) as raw:
            count = raw.execute("SELECT count(*) FROM segments").fetchone()[0]
        raw.close()
        assert count < 10
        assert_agree(store, plain, [None, 20])
        store.rebuild()
        assert_agree(store, plain, [None, 20])


def test_a_year_is_cut_into_months(path):
    with EmbeddedStore(path) as store:
        store.append([at("a", hour, 1.0) for hour in range(0, 8760, 100)])
        store.compact()
        assert len(segments(path)) == 12
        assert len(store.between(0, EVER)) == 88
        assert store.retire(24 * 31 * HOUR) == 8
        assert store.latest()[0].time == 8700 * HOUR


STEPS = st.lists(
    st.tuples(st.sampled_from(["load", "append", "compact"]), BATCHES), max_size=8
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_tables_that_become_segments_at_once_read_as_a_plain_list(
    tmp_path_factory, monkeypatch, steps
):
    """All tables take the way of large ones here."""
    monkeypatch.setattr("twin.store.embedded.SMALL", 1)
    plain = Plain()
    with EmbeddedStore(tmp_path_factory.mktemp("store") / "live.sqlite") as store:
        for number, (name, batch) in enumerate(steps):
            if name == "compact":
                store.compact()
                continue
            given_to = as_table(batch) if name == "load" else batch
            receipt = getattr(store, name)(given_to, known=number)
            assert receipt == plain.append(batch, known=number)
        assert_agree(store, plain, [None, len(steps) // 2])


def test_any_question_in_sql_sees_history_and_the_hot_log(path):
    filled(path)
    with EmbeddedStore(path) as store:
        question = "SELECT * FROM standing ORDER BY point, time"
        wanted = sorted(store.between(-EVER, EVER), key=lambda row: (row.point, row.time))
        assert kept_rows(store.sql(question)) == wanted
        (row,) = store.sql("SELECT count(*) AS n FROM statements").to_pylist()
        assert row["n"] == store.sequence
        with pytest.raises(TableError, match="SELECT"):
            store.sql("SELEC")
    with EmbeddedStore(path.with_name("new.sqlite")) as store:
        assert store.sql("SELECT * FROM standing").num_rows == 0


# -- damage ---------------------------------------------------------------------------


def test_a_flipped_byte_of_history_is_told_and_never_read(path):
    rows = filled(path)
    (file,) = segments(path)
    whole = file.read_bytes()
    with EmbeddedStore(path) as store:
        wanted = standing(store)
    chance = random.Random(9)
    told = 0
    for _ in range(40):
        place = chance.randrange(len(whole))
        broken = bytearray(whole)
        broken[place] ^= 1 << chance.randrange(8)
        file.write_bytes(broken)
        with EmbeddedStore(path) as store:
            try:
                found = standing(store)
            except SourceError as error:
                found, message = None, str(error)
            if found is None:
                assert file.name in message
                assert "copy" in message
                told += 1
                with pytest.raises(SourceError, match=file.name):
                    store.rebuild()
                # What is not in that file goes on.
                assert len(store.latest()) >= 7
                assert store.append([at("new", 900, 1.0)]).sequence > len(rows)
            else:
                assert found[: len(wanted)] == wanted
    assert told > 30, "nearly every byte matters"
    file.write_bytes(whole)
    with EmbeddedStore(path) as store:
        store.rebuild()


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda file: file.unlink(), id="missing"),
        pytest.param(lambda file: file.write_bytes(b""), id="empty"),
        pytest.param(lambda file: file.write_bytes(b"PAR1 no PAR1" * 99), id="garbage"),
        pytest.param(lambda file: file.write_bytes(file.read_bytes()[:-9]), id="short"),
    ],
)
def test_a_segment_that_is_lost_is_named(path, harm):
    filled(path)
    (file,) = segments(path)
    harm(file)
    with EmbeddedStore(path, read_only=True) as store:
        with pytest.raises(SourceError, match=f"{file.name}.*copy"):
            store.between(-EVER, EVER)
        with pytest.raises(SourceError, match=file.name):
            store.since(0)
        assert len(store.latest()) == 7


def test_a_torn_tail_of_the_log_leaves_the_batches_before(path):
    """Cut the write-ahead log at any byte: a beginning of the batches is there, whole."""
    with EmbeddedStore(path) as store:
        for number in range(30):
            store.append([at(f"p{k}", number, float(k)) for k in range(10)])
        # As a power cut leaves them: copied while open, before the log is worked in.
        for file in path.parent.glob("live.sqlite*"):
            shutil.copy(file, file.with_name(file.name.replace("live", "cut")))
    tail = path.with_name("cut.sqlite-wal")
    whole = tail.read_bytes()
    chance = random.Random(4)
    for _ in range(15):
        copy = path.with_name("copy.sqlite")
        shutil.copy(path.with_name("cut.sqlite"), copy)
        copy.with_name("copy.sqlite-wal").write_bytes(whole[: chance.randrange(len(whole))])
        copy.with_name("copy.sqlite-shm").unlink(missing_ok=True)
        with EmbeddedStore(copy) as store:
            assert store.sequence % 10 == 0
            assert len(store.between(0, EVER)) == store.sequence
            assert store.append([at("q", 1, 1.0)]).new == 1
        for file in path.parent.glob("copy.sqlite*"):
            file.unlink()


def test_rebuild_finds_what_follows_from_the_statements(path):
    filled(path)
    with EmbeddedStore(path) as store:
        wanted = store.latest()
        with sqlite3.connect(path) as raw:
            raw.execute("DELETE FROM latest WHERE point % 2")
            raw.execute("UPDATE latest SET row = zeroblob(80), time = time + 5")
        raw.close()
        with EmbeddedStore(path) as other, pytest.raises(SourceError, match="damaged"):
            other.latest()
        store.rebuild()
        assert store.latest() == wanted
    with EmbeddedStore(path) as store:
        assert store.latest() == wanted


def test_what_is_retired_while_it_is_sealed_does_not_come_back(path, monkeypatch):
    held = sealing.write_segments
    rows = [at("a", hour, 1.0) for hour in range(10)]

    def between(*values):
        """Let another program retire while the file is written."""
        monkeypatch.setattr(sealing, "write_segments", held)
        written = held(*values)
        with pytest.raises(OutputError, match="another program holds it"):
            other.retire(5 * HOUR)
        # A program of before did not wait its turn.
        assert care._retire(other._files, 5 * HOUR, now=0) == 5
        assert other.append(rows[:2]).new == 2
        return written

    with EmbeddedStore(path) as store, EmbeddedStore(path, wait=0.05) as other:
        store.append(rows)
        monkeypatch.setattr(sealing, "write_segments", between)
        assert store.compact() == 7
        hours = [row.time // HOUR for row in store.between(0, EVER)]
        assert hours == [0, 1, *range(5, 10)]
        assert len(store.history("a", 0)) == 1
        assert len(store.since(0)) == 7
        assert len(segments(path)) == 1
        assert other.retire(5 * HOUR) == 2


@pytest.mark.parametrize("work", ["compact", "rebuild"])
def test_rebuild_goes_by_what_another_program_made_of_the_files(path, monkeypatch, work):
    """It was faster by the moment in which this one took its turn."""
    held = sealing.Caretaker.busy

    def second(self):
        monkeypatch.setattr(sealing.Caretaker, "busy", held)
        getattr(other, work)()
        return held(self)

    plain = Plain()
    with EmbeddedStore(path) as store, EmbeddedStore(path) as other:
        for hour in range(sealing.MANY):
            rows = [at(f"b/{k}", hour, float(k)) for k in range(5)]
            store.append(rows, known=hour)
            plain.append(rows, known=hour)
            if hour < sealing.MANY - 1:
                store.compact()
        monkeypatch.setattr(sealing.Caretaker, "busy", second)
        store.rebuild()
        assert_agree(store, plain, [None, 3])
        assert_agree(other, plain, [None])


def test_a_segment_that_is_gone_already_is_not_replaced(path):
    filled(path)
    with EmbeddedStore(path) as store, store.alone():
        connection = store._files.connection
        (one,) = store._files.shelves().manifest.segments
        wrong = replace(one, file="other.parquet")
        with pytest.raises(OutputError, match=r"other\.parquet must stay"):
            drop_segments(connection, [wrong], now=0)
        drop_segments(connection, [one], now=0)
        with pytest.raises(OutputError, match="must stay"):
            drop_segments(connection, [one], now=0)


# -- batches within batches -----------------------------------------------------------


def test_a_batch_that_fails_within_others_leaves_nothing(path):
    with EmbeddedStore(path) as store:
        with store.alone():
            store.append([at("a", 1, 1.0)])
            with pytest.raises(TableError, match="time"):
                store.append([at("b", 1, 1.0), at("c", 2**62, 1.0)])
            with pytest.raises(sqlite3.IntegrityError):
                store.append([at("d", 1, 1.0), Observation("e", 2.5, 1.0, "m")])
            assert store.append([at("d", 2, 2.0)]).sequence == 2
            assert [row.point for row in store.latest()] == ["a", "d"]
        assert [row.point for row in store.since(0)] == ["a", "d"]
        assert [row.point for row in store.latest()] == ["a", "d"]
    with EmbeddedStore(path) as store:
        assert [row.point for row in store.latest()] == ["a", "d"]


def test_a_table_that_fails_within_others_leaves_no_file(path, monkeypatch):
    monkeypatch.setattr("twin.store.embedded.SMALL", 1)
    held, due = sealing.mark_sealed, [False, True]

    def fails(*values):
        if due.pop(0):
            message = "no room"
            raise OutputError(message)
        held(*values)

    monkeypatch.setattr(sealing, "mark_sealed", fails)
    with EmbeddedStore(path) as store:
        with store.alone():
            store.load(as_table([at("a", 1, 1.0)]))
            with pytest.raises(OutputError):
                store.load(as_table([at("b", 1, 1.0)]))
            assert len(segments(path)) == 1
            store.append([at("c", 2, 2.0)])
        assert [row.point for row in store.since(0)] == ["a", "c"]


def test_nothing_is_kept_where_the_whole_was_undone_below(path):
    """As SQLite does by itself on a full disk."""
    with EmbeddedStore(path) as store:

        def undone():
            with store.alone():
                store.append([at("a", 1, 1.0)])
                store._files.connection.execute("ROLLBACK")
                with pytest.raises(OutputError, match="nothing is kept"):
                    store.append([at("b", 1, 1.0)])

        with pytest.raises(OutputError, match="nothing is kept"):
            undone()
        assert store.since(0) == []
        assert store.append([at("b", 1, 1.0)]).sequence == 1


# -- what is kept and asked at the edges ----------------------------------------------


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("time", 2**62, 2**62 - 1),
        ("time", -(2**62), 1 - 2**62),
        ("quality", 2**31, 2**31 - 1),
        ("quality", -(2**31) - 1, -(2**31)),
    ],
)
@pytest.mark.parametrize("small", [1, 20_000])
def test_numbers_that_would_be_cut_are_refused(
    path, monkeypatch, *, name, wrong, right, small
):
    """A whole batch of rows or table, and what is just within comes back as it was."""
    monkeypatch.setattr("twin.store.embedded.SMALL", small)
    good = Observation("a", 0, 1.0, "m")
    with EmbeddedStore(path) as store:
        # The column of a table that could hold it.
        table = as_table([good]).drop_columns([name])
        table = table.append_column(name, pa.array([wrong], pa.int64()))
        with pytest.raises(TableError, match=f"{name} must be from .* got {wrong}"):
            store.load(table)
        with pytest.raises(TableError, match=f"{name} must be from .* got {wrong}"):
            store.append([good, replace(good, **{name: wrong})])
        assert store.since(0) == []
        store.load(as_table([replace(good, **{name: right})]))
        for _ in range(2):
            (row,) = store.between(-(2**62), 2**62)
            assert getattr(row, name) == right
            store.compact()


def test_a_version_beyond_64_bits_is_refused(path):
    with EmbeddedStore(path) as store, pytest.raises(TableError, match="version must be"):
        store.append([at("a", 1, 1.0, version=2**63)])


def test_as_known_at_the_end_of_time_is_as_known_now(path):
    """Also in a file some of whose statements do not stand."""
    with EmbeddedStore(path) as store:
        store.append([at("a", 1, 5.0), at("b", 1, 1.0)], known=5)
        store.append([at("a", 1, 6.0)], known=6)
        store.compact()
        now = store.between(0, EVER)
        assert len(now) == 2
        assert store.between(0, EVER, known_at=2**63 - 1) == now
        assert store.latest(known_at=2**63 - 1) == store.latest()


# -- the system's own limits ----------------------------------------------------------

FEW_FILES = """
import resource, sys
from pathlib import Path
from gis.errors import OutputError
from twin.store.embedded import EmbeddedStore
with EmbeddedStore(Path(sys.argv[1]), read_only=True) as store:
    assert len(store.between(0, 40 * 3_600_000_000)) == 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 4096))
    try:
        store.between(0, 2**60)
        sys.exit("it was enough")
    except OutputError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    assert len(store.between(0, 2**60)) == 40
"""
MONTH = 31 * 24


def test_too_many_open_files_are_not_told_as_damage(path):
    with EmbeddedStore(path) as store:
        store.append([at("a", month * MONTH, 1.0) for month in range(40)])
        store.compact()
    run = subprocess.run(
        [sys.executable, "-c", FEW_FILES, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "ulimit -n" in run.stdout
    assert "copy" not in run.stdout


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "rights"),
        (OSError(errno.ENFILE, "Too many open files in system"), "other programs"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "ask for less"),
        (MemoryError("malloc of size 64 failed"), "ask for less"),
    ],
    ids=lambda value: getattr(value, "strerror", None),
)
def test_what_the_system_refuses_is_told_as_that(path, error, told):
    for writing in (False, True):
        with (
            pytest.raises(OutputError, match=told) as refused,
            file_told(path, writing=writing),
        ):
            raise error
        assert "put it back" not in str(refused.value)


def test_few_files_are_open_at_a_time(path, monkeypatch):
    monkeypatch.setattr("twin.store.manifest.OPEN", 3)
    with EmbeddedStore(path) as store:
        rows = [at("a", month * MONTH, 1.0 * month) for month in range(12)]
        store.append(rows)
        store.compact()
        for _ in range(2):
            assert [row.value for row in store.between(0, EVER)] == [*range(12)]
            assert len(store._files._manifest._open) == 3
        assert len(store.between(0, 2 * MONTH * HOUR)) == 2


def test_the_name_of_a_new_folder_is_on_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("twin.store.segments.sync_folder", synced.append)
    make_folder(tmp_path / "history")
    make_folder(tmp_path / "history")
    assert synced == [tmp_path]
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "file")


def test_the_tail_of_a_writer_that_stays_is_cut_back(path, monkeypatch):
    monkeypatch.setattr("twin.store.connection.TAIL", 200_000)
    tail = path.with_name("live.sqlite-wal")
    with EmbeddedStore(path) as store:
        store.append([at(f"p{k % 99}", k, 1.0) for k in range(20_000)])
        assert tail.stat().st_size > 1_000_000
        store._files.connection.execute("PRAGMA wal_checkpoint")
        store.append([at("q", 1, 1.0)])
        assert tail.stat().st_size <= 200_000


# -- killed caretakers ----------------------------------------------------------------

KILLED = """
import os, sys
from pathlib import Path
from twin.store import care, sealing
from twin.store.embedded import EmbeddedStore
path, work, module, name, when = sys.argv[1:]
module = {"care": care, "sealing": sealing}[module]
held = getattr(module, name)
def killed(*values, **more):
    if when == "before":
        os._exit(9)
    held(*values, **more)
    os._exit(9)
with EmbeddedStore(Path(path)) as store:
    setattr(module, name, killed)
    if work == "compact":
        store.compact()
    elif work == "retire":
        store.retire(4 * 3600000000)
    else:
        import pyarrow as pa
        count = 30_000
        store.load(pa.table({
            "point": pa.array([f"n{k % 9}" for k in range(count)]),
            "time": pa.array([k * 1000 for k in range(count)]),
            "value": pa.array([1.0] * count), "source": pa.array(["m"] * count),
        }))
sys.exit("was not killed")
"""


@pytest.mark.parametrize(
    ("work", "module", "name", "when"),
    [
        ("compact", "sealing", "write_segments", "after"),
        ("compact", "sealing", "take_out", "before"),
        ("compact", "sealing", "take_out", "after"),
        ("compact", "sealing", "enter", "after"),
        ("compact", "sealing", "merged", "after"),
        ("compact", "sealing", "strike", "after"),
        ("load", "sealing", "write_segments", "after"),
        ("load", "sealing", "mark_sealed", "after"),
        ("retire", "sealing", "merged", "after"),
        ("retire", "sealing", "strike", "after"),
    ],
)
def test_killed_within_its_care_a_store_holds_each_statement_once(
    path, work, module, name, when
):
    plain = Plain()
    rows = made_up(random.Random(7), 9)
    with EmbeddedStore(path) as store:
        for number in range(9):
            some = rows[number::9]
            store.append(some, known=number)
            plain.append(some, known=number)
            if number < 7:
                store.compact()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), work, module, name, when],
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == 9, killed.stderr
    with EmbeddedStore(path, read_only=True) as store:
        assert_agree(store, plain, [None, 3])
    with EmbeddedStore(path) as store:
        assert_agree(store, plain, [None])
        with sqlite3.connect(path) as raw:
            held = {
                file
                for (file,) in raw.execute(
                    "SELECT file FROM segments UNION SELECT file FROM leftovers"
                )
            }
        raw.close()
        kept = {file.name for file in (path.parent / "history").iterdir()} - {".lock"}
        assert kept == held, "nothing is left over"
        store.compact()
        assert_agree(store, plain, [None, 3])


def test_files_that_a_reader_may_still_read_stay_a_while(path):
    with EmbeddedStore(path) as store, EmbeddedStore(path, read_only=True) as reader:
        for hour in range(7):
            store.append([at("a", hour, 1.0)])
            store.compact()
        with reader.snapshot():
            assert reader.sequence == 7
            store.append([at("a", 7, 1.0)])
            store.compact()
            store.rebuild()
            assert len(reader.between(0, EVER)) == 7
        assert len(reader.between(0, EVER)) == 8


def test_one_caretaker_at_a_time(path):
    filled(path)
    held = sqlite3.connect(path.parent / "history" / ".lock", isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    with EmbeddedStore(path, wait=0.05) as store:
        with pytest.raises(OutputError, match="another program holds it"):
            store.compact()
        assert store.append([at("a", 999, 1.0)]).new == 1, "feeding goes on"
    held.close()


# -- a full disk ----------------------------------------------------------------------

FULL = """
import json, resource, signal, sys
from pathlib import Path
from gis.errors import OutputError
from twin.store.embedded import EmbeddedStore
from twin.store.records import Observation
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, work = Path(sys.argv[1]), sys.argv[2]
with EmbeddedStore(path) as store:
    before = store.sequence
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    try:
        if work == "compact":
            store.compact()
        else:
            import pyarrow as pa
            count = 200_000
            store.load(pa.table({
                "point": pa.array([f"n{k % 9}" for k in range(count)]),
                "time": pa.array([k * 1000 for k in range(count)]),
                "value": pa.array([hash((k, 7)) * 1e-9 for k in range(count)]),
                "source": pa.array(["m"] * count),
            }))
        sys.exit("there was room")
    except OutputError as error:
        print(error)
    assert store.sequence == before
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    assert store.append([Observation("late", 5, 1.0, "m")]).sequence == before + 1
"""


@pytest.mark.parametrize(("work", "room"), [("compact", 3_000), ("load", 20_000)])
def test_a_full_disk_leaves_nothing_half_kept_and_goes_on_with_room(path, work, room):
    rows = made_up(random.Random(8), 300)
    with EmbeddedStore(path) as store:
        store.append(rows)
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(path), work, str(room)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "nothing of it is kept" in run.stdout
    assert segments(path) == []
    with EmbeddedStore(path) as store:
        assert len(store.since(0)) == store.sequence == len(rows) + 1
        assert store.compact() == len(rows) + 1
        assert len(store.since(0)) == len(rows) + 1


# -- opening --------------------------------------------------------------------------


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "missing"])
def test_who_reads_before_the_first_feed_sees_it_come(path, empty):
    if empty:
        path.touch()
    with EmbeddedStore(path, read_only=True) as reader:
        assert reader.latest() == reader.since(0) == []
        with EmbeddedStore(path) as writer:
            assert reader.latest() == []
            writer.append([at("a", 1, 1.0)])
            with reader.snapshot():
                assert reader.sequence == 1
                writer.append([at("b", 2, 1.0)])
                assert reader.sequence == 1, "one state at a time"
            writer.compact()
            assert reader.since(0) == writer.since(0)
            assert reader.latest() == writer.latest()
        with pytest.raises(OutputError, match="must be writable"):
            reader.append([at("c", 1, 1.0)])


def test_the_folder_is_the_default_and_the_variable_names_a_server(tmp_path, monkeypatch):
    monkeypatch.delenv("HEIDI_DATABASE", raising=False)
    with open_store(tmp_path) as store:
        store.append([at("a", 1, 1.0)])
    with open_store(tmp_path, read_only=True) as store:
        assert store.sequence == 1
    assert (tmp_path / "live.sqlite").exists()
    monkeypatch.setenv("HEIDI_DATABASE", "mysql://user:secret@host/db")
    with pytest.raises(SourceError, match="HEIDI_DATABASE must be") as told:
        open_store(tmp_path)
    assert "secret" not in str(told.value)


def test_an_export_is_plain_parquet_and_json(path, tmp_path):
    rows = filled(path)
    with EmbeddedStore(path) as store:
        store.export(tmp_path / "out")
        kept = store.since(0)
    assert kept_rows(pq.read_table(tmp_path / "out" / "observations.parquet")) == kept
    told = json.loads((tmp_path / "out" / "store.json").read_text(encoding="utf-8"))
    assert told["sequence"] == len(rows)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "observations.parquet",
        "quarantine.parquet",
        "store.json",
    ]
