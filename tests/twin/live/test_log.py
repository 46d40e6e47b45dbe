"""What was acknowledged is kept once, as it was known, and tells what is wrong with it."""

import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import OutputError, SourceError
from twin.store.log import Log
from twin.store.records import Observation, Receipt, Refused

HOUR = 3_600_000_000


def at(point: str, hour: int, value: float | None, source: str = "meter") -> Observation:
    return Observation(point, hour * HOUR, value, source)


@pytest.fixture
def log(tmp_path: Path):
    with Log(tmp_path / "live.sqlite") as opened:
        yield opened


def contents(log: Log) -> list[tuple]:
    return [(row.point, row.time // HOUR, row.value) for row in log.between(0, 99 * HOUR)]


def test_a_receipt_counts_what_became_of_the_rows(log):
    assert log.append([at("a", 1, 5.0), at("b", 1, 6.0)]) == Receipt(2, 0, 0, 0, 2)
    again = [at("a", 1, 5.0), at("a", 2, 7.0), at("b", 1, 6.5)]
    assert log.append(again) == Receipt(new=1, repeated=1, revised=1, refused=0, sequence=4)
    assert log.append(again) == Receipt(0, 3, 0, 0, 4), "the same again has no effect"


def test_a_revision_supersedes_without_erasing(log):
    for version, value in enumerate((5.0, 6.0, None, 6.0)):
        log.append([replace(at("a", 1, value), version=version)])
    assert contents(log) == [("a", 1, 6.0)]
    history = log.history("a", HOUR)
    assert [(row.value, row.revision) for row in history] == [
        (5.0, 0),
        (6.0, 1),
        (None, 2),
        (6.0, 3),
    ]
    assert log.revisions() == 3


def test_an_old_statement_that_comes_once_more_is_no_correction(log):
    """A, B, A of one version: the third is a late copy of the first."""
    receipts = [log.append([at("a", 1, value)]) for value in (5.0, 6.0, 5.0)]
    assert [receipt.repeated for receipt in receipts] == [0, 0, 1]
    assert contents(log) == [("a", 1, 6.0)]


def test_another_source_of_the_same_value_is_a_revision(log):
    log.append([at("a", 1, 5.0, "estimate")])
    assert log.append([at("a", 1, 5.0, "meter")]).revised == 1
    assert log.latest()[0].source == "meter"


def test_rows_of_one_batch_follow_each_other(log):
    receipt = log.append([at("a", 1, 5.0), at("a", 1, 6.0), at("a", 1, 6.0)])
    assert receipt == Receipt(new=1, repeated=1, revised=1, refused=0, sequence=2)
    assert contents(log) == [("a", 1, 6.0)]


def test_latest_goes_by_the_time_of_the_value_and_not_of_arrival(log):
    for hour in (5, 9, 7):
        log.append([at("a", hour, float(hour))])
    assert [row.value for row in log.latest()] == [9.0]
    assert [row.value for row in log.latest(until=8 * HOUR)] == [7.0]
    assert log.latest(until=4 * HOUR) == []


def test_a_gap_is_kept_and_does_not_hide_the_value_before(log):
    log.append([at("a", 1, 5.0), at("a", 2, None)])
    assert contents(log) == [("a", 1, 5.0), ("a", 2, None)]
    assert [row.value for row in log.latest()] == [5.0]
    assert log.coverage(0, 9 * HOUR) == {"a": (2, 1)}


def test_zero_and_a_gap_are_two_things(log):
    log.append([at("a", 1, 0.0)])
    assert log.append([at("a", 1, None)]).revised == 1
    assert contents(log) == [("a", 1, None)]


def test_since_goes_on_where_it_stopped(log):
    log.append([at("a", hour, float(hour)) for hour in range(5)])
    first = log.since(0, count=2)
    rest = log.since(first[-1].sequence)
    assert [row.sequence for row in first + rest] == [1, 2, 3, 4, 5]
    assert log.since(5) == []
    assert log.sequence == 5


def test_between_takes_the_start_and_leaves_the_end(log):
    log.append([at(point, hour, float(hour)) for point in "ba" for hour in (3, 1, 2)])
    rows = log.between(HOUR, 3 * HOUR)
    assert [(row.point, row.value) for row in rows] == [
        ("b", 1.0),
        ("b", 2.0),
        ("a", 1.0),
        ("a", 2.0),
    ]
    assert [row.point for row in log.between(0, 9 * HOUR, points=["a", "ghost"])] == [
        "a"
    ] * 3
    assert len(log.between(0, 9 * HOUR, points=["a", "b"], count=2)) == 4
    assert log.span() == (HOUR, 3 * HOUR)


def test_an_empty_log_has_nothing(log):
    assert (log.latest(), log.span(), log.sequence, log.sources()) == ([], None, 0, ())


def test_what_was_known_never_runs_backwards(log):
    """A clock set back must not make a later statement look like an earlier one."""
    log.append([at("a", 1, 5.0)], known=1_000)
    log.append([at("a", 1, 6.0)], known=400)
    assert [row.known for row in log.history("a", HOUR)] == [1_000, 1_000]


def test_a_batch_is_kept_whole_or_not_at_all(log):
    log.append([at("a", 1, 5.0)])
    with pytest.raises(TypeError):
        log.append([at("a", 2, 6.0), Observation("a", None, 1.0, "meter")])  # type: ignore[arg-type]
    assert contents(log) == [("a", 1, 5.0)]
    assert log.append([at("a", 3, 7.0)]).sequence == 2, "no number was used up"


def test_refused_rows_are_kept_and_counted_once_each(log):
    bad = [Refused(0, "unit", "kW, got W", "{1}"), Refused(4, "range", "too hot", "{2}")]
    assert log.append([], refused=bad).refused == 2
    log.append([], refused=bad[:1])
    assert log.refusals() == {"range": 1, "unit": 2}
    assert {row.row for row in log.quarantine()} == {"{1}", "{2}"}


def test_the_log_refuses_to_be_changed(log, tmp_path):
    log.append([at("a", 1, 5.0)])
    with sqlite3.connect(tmp_path / "live.sqlite") as raw:
        for statement in ("UPDATE observations SET value=1", "DELETE FROM observations"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                raw.execute(statement)
    raw.close()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from("abc"),
                st.integers(0, 3),
                st.one_of(st.none(), st.integers(0, 2).map(float)),
            ),
            max_size=6,
        ),
        max_size=8,
    )
)
def test_any_history_reads_as_a_plain_dictionary_would(tmp_path_factory, batches):
    """The normal view is the last statement of each key; the log holds every one."""
    known: dict[tuple[str, int], float | None] = {}
    changes = 0
    path = tmp_path_factory.mktemp("log") / "live.sqlite"
    with Log(path) as log:
        for batch in batches:
            first = changes
            for point, hour, value in batch:
                changes += 1
                known[point, hour] = value
            log.append(
                [replace(at(*row), version=first + k) for k, row in enumerate(batch)]
            )
    with Log(path, read_only=True) as log:
        assert {(p, h): v for p, h, v in contents(log)} == known
        assert log.sequence == len(log.since(0)) == changes
        last = {(row.point, row.time // HOUR): row.value for row in log.since(0)}
        assert last == known, "the view follows from the log"
        newest = {}
        for (point, hour), value in sorted(known.items()):
            if value is not None:
                newest[point] = hour
        assert {row.point: row.time // HOUR for row in log.latest()} == newest


def test_readers_see_whole_batches_beside_a_writer(tmp_path):
    """Each batch holds one value for both points: a torn one would show different ones."""
    path = tmp_path / "live.sqlite"
    Log(path).close()
    done = threading.Event()

    def write() -> None:
        with Log(path) as log:
            for number in range(150):
                log.append([at("a", 1, float(number)), at("b", 1, float(number))])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    with Log(path, read_only=True) as log:
        while not done.is_set():
            values = [row.value for row in log.latest()]
            assert len(set(values)) <= 1, values
            seen.update(values)
    writer.join()
    with Log(path, read_only=True) as log:
        assert {row.value for row in log.latest()} == {149.0}
    assert len(seen) > 1, "the reader read while values came"


def test_a_snapshot_stands_still(tmp_path):
    path = tmp_path / "live.sqlite"
    with Log(path) as writer, Log(path, read_only=True) as reader:
        writer.append([at("a", 1, 1.0)])
        with reader.snapshot():
            assert reader.sequence == 1
            writer.append([at("a", 2, 2.0)])
            assert reader.sequence == 1
            assert len(reader.latest()) == 1
        assert reader.sequence == 2


def test_what_is_done_alone_is_kept_whole_or_not_at_all(tmp_path, monkeypatch):
    """Question and answer belong together: another writer waits until both are over."""
    monkeypatch.setattr("twin.store.log.WAIT", 0.05)
    with Log(tmp_path / "live.sqlite") as log, Log(tmp_path / "live.sqlite") as other:
        with log.alone():
            log.append([at("a", 1, 5.0)])
            with pytest.raises(OutputError, match="another program holds it"):
                other.append([at("b", 1, 6.0)])
            assert other.sequence == 0, "not committed yet"
        assert contents(other) == [("a", 1, 5.0)]

        def stopped() -> None:
            with log.alone():
                log.append([at("a", 2, 6.0)])
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            stopped()
        assert contents(other) == [("a", 1, 5.0)]
        assert other.append([at("b", 1, 6.0)]).new == 1
        assert log.append([at("a", 2, 7.0)]).new == 1


def test_two_writers_take_turns(tmp_path):
    path = tmp_path / "live.sqlite"

    def write(point: str) -> None:
        with Log(path) as log:
            for hour in range(40):
                log.append([at(point, hour, 1.0)])

    threads = [threading.Thread(target=write, args=(point,)) for point in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Log(path, read_only=True) as log:
        rows = log.since(0)
    assert [row.sequence for row in rows] == list(range(1, 81))
    assert {row.point for row in rows} == {"a", "b"}


def test_a_missing_log_reads_as_empty_and_is_not_made(tmp_path):
    path = tmp_path / "live.sqlite"
    with Log(path, read_only=True) as log:
        assert log.sequence == 0
    assert not path.exists()


def test_a_file_whose_writer_was_stopped_at_once_is_empty(tmp_path):
    path = tmp_path / "live.sqlite"
    path.touch()
    with Log(path, read_only=True) as log:
        assert log.latest() == []
    with Log(path) as log:
        assert log.append([at("a", 1, 1.0)]).new == 1


def test_a_locked_log_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("twin.store.log.WAIT", 0.05)
    path = tmp_path / "live.sqlite"
    Log(path).close()
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    with Log(path) as log, pytest.raises(OutputError, match="another program holds it"):
        log.append([at("a", 1, 1.0)])
    raw.close()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(
            b"not a database, but long enough to be looked at" * 40,
            "another kind",
            id="text",
        ),
        pytest.param(
            b"SQLite format 3\0" + bytes(range(256)) * 16,
            "(another kind|damaged)",
            id="garbage",
        ),
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_what_is_no_log_is_told(tmp_path, content, told, read_only):
    path = tmp_path / "live.sqlite"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=told):
        Log(path, read_only=read_only)
    assert path.read_bytes() == content


@pytest.mark.parametrize("read_only", [True, False])
def test_a_log_of_a_newer_program_is_left_alone(tmp_path, read_only):
    path = tmp_path / "live.sqlite"
    Log(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version=7")
    raw.close()
    with pytest.raises(SourceError, match="version 3, got version 7; update"):
        Log(path, read_only=read_only)


VERSION_1 = """
CREATE TABLE points (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE sources (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE observations (sequence INTEGER PRIMARY KEY,
    point INTEGER NOT NULL REFERENCES points, time INTEGER NOT NULL, value REAL,
    source INTEGER NOT NULL REFERENCES sources, known INTEGER NOT NULL,
    revision INTEGER NOT NULL, UNIQUE (point, time, revision)) STRICT;
CREATE INDEX corrections ON observations (sequence) WHERE revision > 0;
CREATE TRIGGER observations_stand BEFORE UPDATE ON observations
BEGIN SELECT RAISE(ABORT, 'observations are never changed'); END;
CREATE TRIGGER observations_stay BEFORE DELETE ON observations
BEGIN SELECT RAISE(ABORT, 'observations are never deleted'); END;
CREATE TABLE current (point INTEGER NOT NULL REFERENCES points, time INTEGER NOT NULL,
    value REAL, source INTEGER NOT NULL REFERENCES sources, sequence INTEGER NOT NULL,
    known INTEGER NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (point, time)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine (number INTEGER PRIMARY KEY, reason TEXT NOT NULL,
    message TEXT NOT NULL, row TEXT NOT NULL, first_known INTEGER NOT NULL,
    last_known INTEGER NOT NULL, times INTEGER NOT NULL, UNIQUE (reason, row)) STRICT;
INSERT INTO points VALUES (1, 'x/b'), (2, 'x/a');
INSERT INTO sources VALUES (1, 'meter');
INSERT INTO observations VALUES
    (1, 1, 3600000000, 5.0, 1, 100, 0),
    (2, 1, 3600000000, 6.0, 1, 200, 1),
    (3, 1, 3600000000, 5.0, 1, 300, 2), (4, 2, 0, 7.0, 1, 300, 0),
    (5, 2, 3600000000, NULL, 1, 300, 0);
INSERT INTO current VALUES (1, 3600000000, 5.0, 1, 3, 300, 2), (2, 0, 7.0, 1, 4, 300, 0),
    (2, 3600000000, NULL, 1, 5, 300, 0);
INSERT INTO quarantine VALUES (1, 'unit', 'kW, got W', '{1}', 10, 20, 3);
PRAGMA user_version=1;
"""
"""A log of the program's first version: a value, its correction, and back again."""


@pytest.mark.parametrize("read_only", [True, False])
def test_a_log_of_the_first_version_is_read_as_it_was(tmp_path, read_only):
    path = tmp_path / "live.sqlite"
    raw = sqlite3.connect(path)
    raw.executescript(VERSION_1)
    raw.close()
    before = path.read_bytes()
    with Log(path, read_only=read_only) as log:
        assert contents(log) == [("x/b", 1, 5.0), ("x/a", 0, 7.0), ("x/a", 1, None)]
        assert [(row.point, row.value) for row in log.latest()] == [
            ("x/b", 5.0),
            ("x/a", 7.0),
        ]
        assert [row.value for row in log.between(0, 99 * HOUR, known_at=250)] == [6.0]
        assert [row.revision for row in log.history("x/b", HOUR)] == [0, 1, 2]
        assert (log.sequence, log.revisions(), log.refusals()) == (5, 2, {"unit": 3})
        if read_only:
            assert path.read_bytes() == before, "a reader changes nothing"
            return
        assert log.append([at("x/b", 1, 5.0)]).repeated == 1
        assert log.append([at("x/b", 1, 8.0)]).revised == 1
        assert log.compact() == 6
        assert log.append([at("x/b", 1, 6.0), at("x/a", 1, None)]).repeated == 2
        assert contents(log)[0] == ("x/b", 1, 8.0)


def test_two_that_open_an_old_log_at_once_change_it_once(tmp_path):
    path = tmp_path / "live.sqlite"
    raw = sqlite3.connect(path)
    raw.executescript(VERSION_1)
    raw.close()
    opened = []
    threads = [threading.Thread(target=lambda: Log(path).close()) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    opened.append(Log(path, read_only=True))
    with opened[0] as log:
        assert log.sequence == 5


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "live.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE other (x)")
    raw.close()
    with pytest.raises(SourceError, match="another program's"):
        Log(path)


def test_damage_inside_is_told(tmp_path):
    path = tmp_path / "live.sqlite"
    with Log(path) as log:
        log.append([at(f"p{k}", hour, 1.0) for k in range(50) for hour in range(50)])
    content = bytearray(path.read_bytes())
    content[8192:-4096] = b"\xa5" * (len(content) - 8192 - 4096)
    path.write_bytes(content)
    with pytest.raises(SourceError, match="damaged"), Log(path, read_only=True) as log:
        log.since(0)


FULL = """
import resource, sys
from pathlib import Path
from gis.errors import HeidiError
from twin.store.log import Log
from twin.store.records import Observation
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
with Log(Path(sys.argv[1])) as log:
    try:
        for batch in range(1000):
            rows = [Observation("p", (batch * 100 + k) * 3600000000, 1.0, "m")
                    for k in range(100)]
            print(log.append(rows).sequence, flush=True)
    except HeidiError as error:
        print(type(error).__name__, error)
"""


def test_when_the_file_cannot_grow_nothing_acknowledged_is_lost(tmp_path):
    """A limit on the file's size stands in for a full disk."""
    path = tmp_path / "live.sqlite"
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True
    )
    *acknowledged, last = run.stdout.splitlines()
    assert last.startswith("OutputError")
    assert "nothing of the last batch is kept" in last
    with Log(path) as log:
        assert log.sequence == int(acknowledged[-1])
        assert log.append([at("q", 1, 1.0)]).sequence == log.sequence


LOWLY = """
import os, sys
from pathlib import Path
from gis.errors import HeidiError
from twin.store.log import Log
from twin.store.records import Observation
if os.getuid() == 0:
    os.setuid(65534)
path = Path(sys.argv[1])
with Log(path, read_only=True) as log:
    print(log.sequence)
try:
    with Log(path) as log:
        log.append([Observation("a", 0, 1.0, "m")])
except HeidiError as error:
    print(type(error).__name__, error)
"""


def test_a_folder_that_may_not_be_written_can_be_read(tmp_path):
    path = tmp_path / "shelf" / "live.sqlite"
    path.parent.mkdir()
    with Log(path) as log:
        log.append([at("a", 1, 5.0)])
    path.chmod(0o444)
    path.parent.chmod(0o555)
    for above in path.parent.parents:
        if above.stat().st_uid == os.getuid() and str(above).startswith(
            str(tmp_path.parents[1])
        ):
            above.chmod(0o755)
    run = subprocess.run(
        [sys.executable, "-c", LOWLY, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    path.parent.chmod(0o755)
    if "Permission" in run.stderr or "ModuleNotFound" in run.stderr:
        pytest.skip("another user may not run this Python here")
    read, told = run.stdout.splitlines()
    assert read == "1"
    assert told.startswith("OutputError")
    assert "must be" in told
