"""Open the SQLite file of the embedded store and lay it out."""

import os
import sqlite3
from pathlib import Path

from gis.errors import SourceError
from twin.store.migration import migrate
from twin.store.schema import LAYOUT, VERSION
from twin.store.tail import check_tail

TAIL = 1 << 26
"""Size to which the write-ahead log is cut back when it begins anew [bytes]."""


def connect(
    path: Path, *, read_only: bool, wait: float
) -> tuple[sqlite3.Connection, int | None]:
    """Open the file; what nobody has fed yet reads as empty.

    Parameters
    ----------
    path : Path
    read_only : bool
    wait : float
        How long to wait for another writer [s].

    Returns
    -------
    connection : sqlite3.Connection
        In which transactions are begun by name.
    stands_for : int or None
        Version of the file that the connection stands for, in memory: 0 of one that is
        missing or empty. None if it is the file itself.

    Raises
    ------
    SourceError
        If the file is of a newer version, or of another program.
    """
    # Before anything is laid out: what seems empty may be damaged.
    check_tail(path)
    connection = _connected(path, read_only=read_only, wait=wait)
    if connection is None:
        connection = _nothing()
        _lay_out(connection)
        return connection, 0
    try:
        return _opened(connection, path, read_only=read_only)
    except BaseException:
        connection.close()
        raise


def _opened(
    connection: sqlite3.Connection, path: Path, *, read_only: bool
) -> tuple[sqlite3.Connection, int | None]:
    """Set the file up and check whose it is."""
    if not read_only:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        # One great batch would leave the tail that large for as long as the writer lives.
        connection.execute(f"PRAGMA journal_size_limit={TAIL}")
    version = _version(connection)
    if (
        version == 0
        and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    ):
        message = (
            f"{path} must be a HEIDI log, got another program's database; move it away"
        )
        raise SourceError(message)
    if not 0 <= version <= VERSION:
        message = (
            f"{path} must be a log of version {VERSION}, got version {version}; "
            "update this program"
        )
        raise SourceError(message)
    if version < VERSION and read_only:
        # Its writer was stopped before the first word: as good as missing. An older
        # version is read through a copy in memory; the file stays as it is.
        held = connection
        connection = _nothing()
        if version:
            held.backup(connection)
        held.close()
    if version < VERSION:
        _lay_out(connection)
    return connection, version if read_only and version < VERSION else None


def is_outdated(path: Path, stands_for: int, *, wait: float) -> bool:
    """Say whether a file is of another version than a connection in memory stands for."""
    connection = _connected(path, read_only=True, wait=wait)
    if connection is None:
        return False
    try:
        return _version(connection) != stands_for
    finally:
        connection.close()


def _lay_out(connection: sqlite3.Connection) -> None:
    """Give the file the present layout, wholly or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        version = _version(connection)
        if 0 < version < VERSION:
            migrate(connection, version)
        elif version == 0:
            for statement in LAYOUT:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    """Return the version of the file's layout, 0 of an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _connected(path: Path, *, read_only: bool, wait: float) -> sqlite3.Connection | None:
    """Open the file as its rights allow; None if there is none that could be read."""
    if read_only and _is_missing(path):
        return None
    address = path.absolute().as_uri()
    if not read_only:
        return _open_at(f"{address}?mode=rwc", wait)
    folder_open = os.access(path.parent, os.W_OK)
    if folder_open and os.access(path, os.W_OK):
        # What a killed writer left half done can be put right only by who may write.
        connection = _open_at(f"{address}?mode=rw", wait)
        connection.execute("PRAGMA query_only=ON")
        return connection
    # A reader needs to write beside the log to see its tail. Where it may not, and there
    # is no tail, the file is whole by itself.
    whole = not folder_open and _is_missing(path.with_name(f"{path.name}-wal"))
    return _open_at(f"{address}?mode=ro{'&immutable=1' if whole else ''}", wait)


def _is_missing(path: Path) -> bool:
    """Say whether a file is missing; one that may not be looked at is not."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        # SQLite will tell.
        return False
    return False


def _open_at(address: str, wait: float) -> sqlite3.Connection:
    """Open an address of SQLite; transactions are begun by name."""
    return sqlite3.connect(address, uri=True, timeout=wait, isolation_level=None)


def _nothing() -> sqlite3.Connection:
    """Return an empty database that is nowhere, laid out by the caller."""
    return sqlite3.connect(":memory:", isolation_level=None)
