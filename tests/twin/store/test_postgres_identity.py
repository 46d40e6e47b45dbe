"""Two folders of one name do not share a schema unless somebody means it."""

import shutil
import threading
import tomllib
from pathlib import Path

import psycopg
import pytest

from gis.errors import OutputError, SourceError
from twin.store.opening import VARIABLE, open_store
from twin.store.postgres import PostgresStore
from twin.store.postgres_identity import (
    FILE,
    new_identity,
    read_identity,
    write_identity,
)
from twin.store.postgres_schema import schema_of
from twin.store.records import Observation

from ..command import heidi  # noqa: TID252


def row(time: int) -> Observation:
    return Observation("b/power", time, float(time), "m")


@pytest.fixture
def name(postgres_server, postgres_store, monkeypatch) -> str:
    """Return the name of a twin on the server, which all that is opened uses."""
    monkeypatch.setenv(VARIABLE, postgres_server.address)
    return postgres_store().twin


@pytest.fixture
def folders(tmp_path, name) -> list[Path]:
    """Return two twin folders of the same name."""
    made = [tmp_path / place / name for place in ("one", "two")]
    for folder in made:
        folder.mkdir(parents=True)
        (folder / "heidi.toml").write_text("")
    return made


def sql(server, name: str, statement: str) -> list[tuple]:
    with psycopg.connect(server.address, autocommit=True) as connection:
        connection.execute(f'SET search_path = "{schema_of(name)}"')
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def values(folder: Path) -> list[float | None]:
    with open_store(folder, read_only=True) as store:
        return [kept.value for kept in store.between(0, 10**9)]


def test_another_folder_of_the_same_name_is_refused(folders):
    one, two = folders
    with open_store(one) as store:
        store.append([row(1)])
    for read_only in (False, True):
        with pytest.raises(SourceError, match="must be the folder whose") as error:
            open_store(two, read_only=read_only)
        told = str(error.value)
        assert "\n" not in told
        assert f":{one.resolve()}" in told
        assert f"has no {FILE}" in told
        assert f"heidi store adopt '{two}'" in told
    assert not (two / FILE).exists()
    assert values(one) == [1.0]


def test_a_folder_of_another_identity_is_refused(folders):
    one, two = folders
    open_store(one).close()
    write_identity(two, new_identity(two))
    with pytest.raises(SourceError, match=r"and it has identity [0-9a-f]{8};"):
        open_store(two)


def test_both_keep_the_same(folders, name, postgres_server):
    one = folders[0]
    open_store(one).close()
    told = tomllib.loads((one / FILE).read_text())["database"]
    kept = sql(postgres_server, name, "SELECT identity::text, origin FROM layout")
    assert kept == [(told["identity"], told["first_fed_from"])]
    assert "postgresql://" not in (one / FILE).read_text()
    before = (one / FILE).read_bytes()
    open_store(one).close()
    assert (one / FILE).read_bytes() == before


def test_a_copy_of_the_folder_goes_on(folders):
    one, two = folders
    with open_store(one) as store:
        store.append([row(1)])
    shutil.copy(one / FILE, two / FILE)
    with open_store(two) as store:
        store.append([row(2)])
    assert values(one) == values(two) == [1.0, 2.0]


def test_reading_writes_nothing(folders, name, postgres_server):
    one, two = folders
    assert values(one) == []
    assert not (one / FILE).exists()
    PostgresStore(postgres_server.address, twin=name).close()
    assert values(one) == values(two) == []
    assert not (one / FILE).exists()
    assert sql(postgres_server, name, "SELECT identity FROM layout") == [(None,)]


def test_a_reader_of_nothing_is_refused_what_another_folder_makes(folders):
    one, two = folders
    with open_store(two, read_only=True) as reader:
        assert reader.latest() == []
        open_store(one).close()
        with pytest.raises(SourceError, match="must be the folder whose"):
            reader.latest()


def test_a_schema_from_before_is_taken_by_the_first_that_writes(
    folders, name, postgres_server
):
    one, two = folders
    with PostgresStore(postgres_server.address, twin=name) as store:
        store.append([row(1)])
    sql(
        postgres_server,
        name,
        "ALTER TABLE layout DROP COLUMN identity, DROP COLUMN origin",
    )
    assert values(two) == [1.0], "it is nobody's yet"
    with open_store(one) as store:
        store.append([row(2)])
    assert values(one) == [1.0, 2.0]
    with pytest.raises(SourceError, match="must be the folder whose"):
        open_store(two)


def test_a_folder_takes_its_identity_to_another_database(folders, name, postgres_server):
    one = folders[0]
    open_store(one).close()
    before = read_identity(one)
    postgres_server.drop([name])
    open_store(one).close()
    assert read_identity(one) == before


@pytest.mark.parametrize("laid_out", [False, True])
def test_of_two_first_openers_one_gets_it(folders, name, postgres_server, laid_out):
    """Whoever comes second, however close, is refused and nothing of it is written."""
    if laid_out:
        PostgresStore(postgres_server.address, twin=name).close()
    many = [folders[k % 2] for k in range(8)]
    start = threading.Barrier(len(many))
    opened: list[Path] = []
    refused: list[Path] = []

    def enter(folder: Path) -> None:
        start.wait()
        try:
            with open_store(folder) as store:
                store.append([row(1)])
            opened.append(folder)
        except SourceError:
            refused.append(folder)

    threads = [threading.Thread(target=enter, args=(folder,)) for folder in many]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == len(refused) == 4
    assert len(set(opened)) == len(set(refused)) == 1
    winner, loser = opened[0], refused[0]
    assert values(winner) == [1.0]
    assert not (loser / FILE).exists()
    assert not [path for path in loser.iterdir() if path.suffix == ".part"]


def test_a_folder_that_cannot_be_written_gets_nothing(folders, name, postgres_server):
    one = folders[0]
    shutil.rmtree(one)
    with pytest.raises(OutputError, match=FILE):
        open_store(one)
    exists = f"SELECT count(*) FROM pg_namespace WHERE nspname = '{schema_of(name)}'"
    assert sql(postgres_server, name, exists) == [(0,)]


@pytest.mark.parametrize(
    "text",
    ["", "[database]", "database = 1", "[database]\nidentity = 7", "\x00", "[database]\n"
     'identity = "no uuid"\nfirst_fed_from = "x"'],
)  # fmt: skip
def test_a_damaged_file_is_told_and_mended(folders, text):
    one = folders[0]
    open_store(one).close()
    before = read_identity(one)
    (one / FILE).write_text(text)
    with pytest.raises(SourceError, match=f"{FILE} must tell") as error:
        open_store(one)
    assert "\n" not in str(error.value)
    assert heidi("store", "adopt", one, "--yes").returncode == 0
    assert read_identity(one) == before


@pytest.mark.parametrize("odd", ['a "b" \\ c', "å 𝕏", "a\nb\x7f", "\udcff"])
def test_origins_of_any_spelling_are_kept(tmp_path, odd):
    made = new_identity(tmp_path / odd)
    assert made.origin.isprintable()
    write_identity(tmp_path, made)
    assert read_identity(tmp_path) == made
    assert made != new_identity(tmp_path / odd), "no two are the same"


def test_a_folder_is_adopted_on_purpose(folders):
    one, two = folders
    with open_store(one) as store:
        store.append([row(1)])
    asked = heidi("store", "adopt", two)
    assert asked.returncode == 0
    assert "would be tied" in asked.stdout
    assert "1 statements" in asked.stdout
    assert str(one.resolve()) in asked.stdout
    assert not (two / FILE).exists()
    done = heidi("store", "adopt", two, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert values(two) == values(one) == [1.0]
    assert "already" in heidi("store", "adopt", two, "--yes").stdout


def test_what_is_nobody_s_is_not_adopted(folders):
    refused = heidi("store", "adopt", folders[0], "--yes")
    assert refused.returncode == 2
    assert "is nobody's yet" in refused.stderr
    assert not (folders[0] / FILE).exists()


def test_a_copy_of_the_observations_is_taken_back_by_another(
    folders, tmp_path, name, postgres_server
):
    one, _ = folders
    with open_store(one) as store:
        store.append([row(1)])
    out = tmp_path / "copy"
    assert heidi("store", "export", one, "--out", out).returncode == 0
    other = tmp_path / f"{name}-b"
    other.mkdir()
    (other / "heidi.toml").write_text("")
    try:
        assert heidi("store", "restore", out, other).returncode == 0
        assert values(other) == [1.0]
        assert read_identity(other) != read_identity(one)
    finally:
        postgres_server.drop([other.name])
