"""A server whose disk is full takes nothing by halves, and goes on when there is room."""

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from psycopg.conninfo import make_conninfo

from gis.errors import OutputError
from twin.store.postgres import PostgresStore
from twin.store.records import Observation

from .postgres_server import ACCOUNT

HOUR = 3_600_000_000
SIZE = 6 * 2**20


@pytest.fixture
def small_disk(postgres_server, tmp_path_factory):
    """Return the address of a database that keeps new tables on a small disk."""
    if postgres_server.folder is None or os.geteuid() != 0:
        pytest.skip("making a small disk takes root and a private server")
    folder = postgres_server.folder / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("this machine does not let the tests mount a small disk")
    shutil.chown(folder, ACCOUNT, ACCOUNT)
    with psycopg.connect(postgres_server.address, autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        yield (
            make_conninfo(postgres_server.address, options="-c default_tablespace=small"),
            folder,
        )
        connection.execute('DROP SCHEMA IF EXISTS "heidi_full" CASCADE')
        connection.execute("CHECKPOINT")
        connection.execute("DROP TABLESPACE small")
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_is_told_and_nothing_is_kept_by_halves(small_disk):
    address, folder = small_disk
    with PostgresStore(address, twin="full") as store:
        store.append([Observation("a", 0, 1.0, "m")])
        ballast = folder / "ballast"
        fill(ballast)
        told = []

        def feed() -> None:
            for hour in range(1, 400):
                batch = [Observation(f"p{k}", hour * HOUR, k / 7, "m") for k in range(500)]
                told.append(store.append(batch).sequence)

        with pytest.raises(OutputError, match="disk is full; make room") as error:
            feed()
        assert "\n" not in str(error.value)
        last = told[-1] if told else 1
        assert store.sequence == last
        assert len(store.since(0, count=10**6)) == last
        with pytest.raises(OutputError, match="disk is full"):
            store.load(large(40_000))
        assert store.sequence == last
        ballast.unlink()
        assert store.load(large(20_000)).new == 20_000
        assert store.append([Observation("b", 0, 1.0, "m")]).sequence == last + 20_001
        assert store.latest(points=["a", "b"])[1].value == 1.0


def fill(path: Path) -> None:
    """Take all room but a little."""
    free = shutil.disk_usage(path.parent).free
    path.write_bytes(bytes(free - 300_000))


def large(count: int) -> pa.Table:
    """Return a table of values that no packing makes small."""
    return pa.table(
        {
            "point": pa.array([f"t{k % 10}" for k in range(count)]),
            "time": pa.array([k * HOUR for k in range(count)]),
            "value": pa.array([k / 7 for k in range(count)]),
            "source": pa.array(["m"] * count),
        }
    )
