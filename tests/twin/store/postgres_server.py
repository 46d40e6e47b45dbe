"""Start a private PostgreSQL server for the tests, or use the one that is named."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from twin.store.postgres_schema import schema_of

ADDRESS = "HEIDI_TEST_DATABASE"
"""Names an empty database to test in; its role must be allowed to make schemas."""

BINARIES = Path("/usr/lib/postgresql")
ACCOUNT = "postgres"
"""Who runs the server where the tests run as root, which PostgreSQL refuses."""

PORT = 5432
"""Part of the socket's name in a folder of its own: nothing listens on the network."""


@dataclass
class Server:
    """A database to test in.

    Attributes
    ----------
    address : str
    folder : Path or None
        Of a private server; None where it is somebody else's and must not be stopped.
    durable : bool
        Whether it waits for its disk: machines lose power, tests only kill processes.
    """

    address: str
    folder: Path | None = None
    durable: bool = False

    def drop(self, twins: Iterable[str]) -> None:
        """Remove twins and all that is in them."""
        import psycopg

        with psycopg.connect(self.address, autocommit=True) as connection:
            for twin in twins:
                schema = psycopg.sql.Identifier(schema_of(twin))
                connection.execute(
                    psycopg.sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema)
                )

    def restart(self, mode: str = "immediate") -> None:
        """Stop it as if the power failed, then start it again."""
        if self.folder is None:
            pytest.skip(f"the server of {ADDRESS} is not ours to restart")
        self.control("restart", "-m", mode)

    def control(self, *what: str) -> None:
        """Run ``pg_ctl``."""
        assert self.folder is not None
        fsync = "on" if self.durable else "off"
        options = f"-k {self.folder} -p {PORT} -c listen_addresses= -c fsync={fsync}"
        run_as_server(
            str(newest_binaries() / "pg_ctl"), *what, "--wait", "--silent",
            "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-o", options,
        )  # fmt: skip


def newest_binaries() -> Path | None:
    """Return the folder of the newest installed server's programs."""
    found = [
        path for path in BINARIES.glob("*/bin") if path.parent.name.isdecimal()
        and int(path.parent.name) >= 15 and (path / "initdb").exists()
    ]  # fmt: skip
    return max(found, key=lambda path: int(path.parent.name), default=None)


def run_as_server(*command: str) -> None:
    """Run a program as somebody whom PostgreSQL lets run a server."""
    if os.geteuid() == 0:
        command = ("runuser", "-u", ACCOUNT, "--", *command)
    # The server keeps what it inherits open: a pipe here would never come to its end.
    with tempfile.TemporaryFile() as told:
        done = subprocess.run(command, cwd="/", stdout=told, stderr=told, timeout=60)
        told.seek(0)
        assert done.returncode == 0, told.read().decode(errors="replace")


@contextmanager
def server(*, durable: bool = False) -> Iterator[Server]:
    """Give a database for the session, or skip with the reason."""
    address = os.environ.get(ADDRESS)
    if address:
        yield Server(address)
        return
    binaries = newest_binaries()
    if binaries is None:
        pytest.skip(f"no PostgreSQL 15 or newer in {BINARIES} and no {ADDRESS} is set")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    # The folder's name is short: that of a socket has 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="heidi-pg-", dir="/tmp"))
    try:
        password = secrets.token_hex(8)
        (folder / "password").write_text(password)
        if os.geteuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, ACCOUNT, ACCOUNT)
        run_as_server(
            str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "heidi",
            "-E", "UTF8", "--locale=C", "-A", "scram-sha-256",
            "--pwfile", str(folder / "password"),
        )  # fmt: skip
        private = Server(
            f"postgresql://heidi:{password}@/postgres?host={folder}&port={PORT}",
            folder,
            durable,
        )
        private.control("start")
        try:
            yield private
        finally:
            private.control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
