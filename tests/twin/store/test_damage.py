"""A byte that changed is told by its file, and never read as a value."""

import random
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from gis.errors import OutputError, SourceError
from twin.store.columns import from_rows
from twin.store.embedded import EmbeddedStore
from twin.store.marks import marked, marks_of
from twin.store.records import Edition, Observation, Refused
from twin.store.schema import COLUMNS
from twin.store.segments import Blocks
from twin.store.tail import FRAME, HEADER, PAGE, passed_over

from .conformance import digest
from .test_conformance import BAD, made_up

MINUTE = 60_000_000
BATCH = 50


def batch(number: int) -> list[Observation]:
    chance = random.Random(number)
    return [
        Observation(f"b{k % 5}/p{k}", number * MINUTE, chance.random(), "m")
        for k in range(BATCH)
    ]


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Return a folder with history and 60 batches in the log, as a power cut leaves it."""
    path = tmp_path / "there" / "live.sqlite"
    path.parent.mkdir()
    with EmbeddedStore(path) as store:
        for number in range(40):
            store.append(batch(number))
        store.compact()
        store.add_edition(Edition(0, "g", '{"a": 1}' * 50))
        for number in range(40, 100):
            store.append(batch(number), refused=BAD)
        shutil.copytree(path.parent, tmp_path / "cut")
    (tmp_path / "cut" / "live.sqlite-shm").unlink()
    return tmp_path / "cut"


def test_all_frames_of_a_sound_log_are_found_good(filled):
    """SQLite's own count is the judge."""
    wal = filled / "live.sqlite-wal"
    frames = (wal.stat().st_size - HEADER) // (FRAME + PAGE)
    assert passed_over(wal) == (0, HEADER + frames * (FRAME + PAGE))
    with sqlite3.connect(filled / "live.sqlite") as raw:
        told = raw.execute("PRAGMA wal_checkpoint").fetchone()
    raw.close()
    assert told[1] == frames


def flipped(folder: Path, name: str, chance: random.Random) -> Path:
    """Return a copy with one bit of a file changed."""
    copy = folder.with_name("flipped")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    content = bytearray((copy / name).read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    (copy / name).write_bytes(content)
    return copy / "live.sqlite"


@pytest.mark.parametrize("read_only", [True, False])
def test_a_changed_bit_of_the_write_ahead_log_is_told(filled, read_only):
    """SQLite forgets all that comes after it; only the last batch may be a torn one."""
    copy = shutil.copytree(filled, filled.with_name("whole"))
    with EmbeddedStore(copy / "live.sqlite") as store:
        whole = digest(store)
    chance, told = random.Random(1), 0
    for _ in range(25):
        path = flipped(filled, "live.sqlite-wal", chance)
        try:
            with EmbeddedStore(path, read_only=read_only) as store:
                assert digest(store) == whole or store.sequence == 99 * BATCH
        except SourceError as error:
            told += "live.sqlite-wal must be" in str(error)
            with pytest.raises(SourceError, match="damaged"):
                EmbeddedStore(path)
            # What the message says to do opens it, with a beginning of the batches.
            end = int(str(error).split(" bytes")[0].split()[-1])
            with path.with_name("live.sqlite-wal").open("rb+") as file:
                file.truncate(end)
            with EmbeddedStore(path) as store:
                assert store.sequence % BATCH == 0
                assert store.append(batch(500)).new == BATCH
    assert told > 20


def tail_after(folder: Path, *batches: list[Observation]) -> bytes:
    """Return the write-ahead log of a copy of a folder after more batches."""
    copy = shutil.copytree(folder, folder.with_name("more"))
    with EmbeddedStore(copy / "live.sqlite") as store:
        for rows in batches:
            store.append(rows)
        content = (copy / "live.sqlite-wal").read_bytes()
    shutil.rmtree(copy)
    return content


def many(count: int) -> list[Observation]:
    """Return a batch that makes a tail of its own length."""
    return [
        Observation(f"b/p{k % 9}", 500 * MINUTE + k, 1.0 * k, "m") for k in range(count)
    ]


def over(*tails: bytes) -> bytes:
    """Return tails laid over each other, the last on top."""
    content = b""
    for tail in tails:
        content = tail + content[len(tail) :]
    return content


def test_batches_that_were_refused_are_no_damage(filled):
    """A disk refused three, each shorter than the one before; the fourth was taken.

    SQLite writes each over the last, and the end of every longer one sticks out.
    """
    wal = filled / "live.sqlite-wal"
    refused = [tail_after(filled, many(count)) for count in (2000, 1000, 500)]
    taken = tail_after(filled, batch(500))
    assert len({len(tail) for tail in (*refused, taken)}) == 4
    wal.write_bytes(over(*refused, taken))
    assert passed_over(wal) == (1, len(taken))
    for read_only in (True, False):
        with EmbeddedStore(filled / "live.sqlite", read_only=read_only) as store:
            assert store.sequence == 101 * BATCH


def test_two_power_cuts_that_tore_one_batch_each_are_no_damage(filled):
    wal = filled / "live.sqlite-wal"
    first = wal.read_bytes()
    torn = tail_after(filled, many(2000))
    kept = tail_after(filled, batch(500), batch(501))
    second = tail_after(filled, batch(500), batch(501), many(200))
    assert len(first) < len(kept) < len(second) < len(torn)
    hole = bytes(FRAME + PAGE)
    second = second[: len(kept)] + hole + second[len(kept) + len(hole) :]
    wal.write_bytes(over(torn, second))
    assert passed_over(wal) == (1, len(kept))
    with EmbeddedStore(filled / "live.sqlite") as store:
        assert store.sequence == 102 * BATCH
        assert store.append(batch(900)).new == BATCH


@pytest.mark.parametrize("place", [8, 16, 20, FRAME + 5])
def test_the_last_batch_but_one_is_missed_wherever_it_was_hit(filled, place):
    """Salt, both checksums and page: the batch behind it tells that it was there."""
    wal = filled / "live.sqlite-wal"
    before = len(wal.read_bytes())
    content = bytearray(tail_after(filled, batch(500), batch(501)))
    content[before + place] ^= 4
    wal.write_bytes(content)
    assert passed_over(wal) == (2, before)
    with pytest.raises(SourceError, match=f"copy all of it away.*to {before} bytes"):
        EmbeddedStore(filled / "live.sqlite")


def test_a_tail_that_the_system_refuses_is_told_by_sqlite(tmp_path):
    """Not by a traceback; a folder in its place stands for missing rights."""
    (tmp_path / "live.sqlite").touch()
    (tmp_path / "live.sqlite-wal").mkdir()
    with pytest.raises(OutputError, match=r"live\.sqlite could not be read"):
        EmbeddedStore(tmp_path / "live.sqlite")


def test_a_changed_bit_of_the_log_is_told_at_the_latest_when_it_is_sealed(filled):
    """Every row has a mark; a row that cannot be found is missed by compaction's check."""
    with EmbeddedStore(filled / "live.sqlite") as store:
        whole = digest(store)
        store._files.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    chance, told = random.Random(2), 0
    for _ in range(40):
        path = flipped(filled, "live.sqlite", chance)
        try:
            with EmbeddedStore(path) as store:
                store.compact()
                found = digest(store)
        except SourceError as error:
            told += "live.sqlite" in str(error)
        else:
            assert found == whole
    assert told > 20


def test_rows_that_differ_in_one_column_have_different_marks():
    """Each step of a mark can be undone, so this holds for every bit of every column."""
    row = (5, 3, 7 * MINUTE, 21.5, 1, 0, 2, 99, 0)
    seen = {marked([row])[0][-1]}
    for name in COLUMNS:
        for bit in range(63):
            columns = from_rows([row], COLUMNS)
            columns[name].view(np.int64)[0] ^= 1 << bit
            if name == "value" and np.isnan(columns[name][0]):
                continue
            seen.add(int(marks_of(columns)[0]))
    assert len(seen) >= 1 + len(COLUMNS) * 63 - 63
    gap, other = from_rows([(*row[:3], None, *row[4:])] * 2, COLUMNS), float("-nan")
    gap["value"][1] = other
    assert len(set(marks_of(gap).tolist())) == 1, "all gaps are one"


SECOND = """
CREATE TABLE latest (point INTEGER PRIMARY KEY, time INTEGER, value REAL, source INTEGER,
    quality INTEGER, version INTEGER, sequence INTEGER, known INTEGER, revision INTEGER);
CREATE TABLE blocks (segment INTEGER, place INTEGER, first_rank INTEGER, last_rank INTEGER,
    rows INTEGER, start INTEGER, length INTEGER, checksum INTEGER,
    PRIMARY KEY (segment, place)) WITHOUT ROWID;
"""


@pytest.mark.parametrize("read_only", [True, False])
def test_a_log_of_the_second_version_is_read_as_it_was(tmp_path, read_only):
    """It had no marks, and a table of blocks that told less of them."""
    path = tmp_path / "live.sqlite"
    rows = made_up(random.Random(3), 40)
    with EmbeddedStore(path) as store:
        store.append(rows[:200], refused=[Refused(0, "unit", "kW", "{}")])
        store.compact()
        store.append(rows[200:])
        store.add_edition(Edition(3, "g", "{}"))
        whole, kept = digest(store), store.since(0, count=10**6)
        latest = store._files.latest()
        columns = [(n, *_numbers(store, row)) for n, row in latest.items()]
    raw = sqlite3.connect(path)
    raw.executescript(f"DROP TABLE latest; {SECOND}")
    raw.executemany(
        "INSERT INTO latest(point, sequence, time, value, source, quality, version, known, "
        "revision) VALUES (?,?,?,?,?,?,?,?,?)",
        columns,
    )
    query = "SELECT number, blocks FROM segments"
    for number, content in raw.execute(query).fetchall():
        blocks = Blocks.from_bytes(content)
        for place in range(len(blocks.rows)):
            names = ("first_rank", "last_rank", "rows", "start", "length", "checksum")
            told = [int(getattr(blocks, name)[place]) for name in names]
            raw.execute(
                f"INSERT INTO blocks VALUES ({','.join('?' * 8)})", (number, place, *told)
            )
    raw.executescript(
        "ALTER TABLE segments DROP COLUMN blocks; "
        "ALTER TABLE observations DROP COLUMN mark; PRAGMA user_version=2;"
    )
    raw.close()
    with EmbeddedStore(path, read_only=read_only) as store:
        assert store.since(0, count=10**6) == kept
        assert digest(store) == whole
        if read_only:
            # A writer brings the file up to date beside it.
            with EmbeddedStore(path) as writer:
                assert digest(store) == whole
                new = Observation("later", 5 * MINUTE, 1.0, "m")
                assert writer.append([new]).new == 1
                assert digest(store) == digest(writer) != whole
        else:
            assert store.append(rows).repeated == len(rows)
            store.compact()
            store.rebuild()
            assert digest(store) == whole


def _numbers(store: EmbeddedStore, row) -> tuple:
    sources = {name: number for number, name in store._files.source_names.items()}
    return (
        row.sequence, row.time, row.value, sources[row.source], row.quality, row.version,
        row.known, row.revision,
    )  # fmt: skip
