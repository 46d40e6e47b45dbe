"""Tell what is wrong with the log's file in words its user can act on."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gis.errors import HeidiError, OutputError, SourceError

FAULTS: dict[int, tuple[type[HeidiError], str]] = {
    sqlite3.SQLITE_BUSY: (
        OutputError,
        "must be free, but another program holds it; wait for it or stop it",
    ),
    sqlite3.SQLITE_LOCKED: (
        OutputError,
        "must be free, but another program holds it; wait for it or stop it",
    ),
    sqlite3.SQLITE_READONLY: (
        OutputError,
        "must be writable, but it or its folder is not; change the rights or copy it",
    ),
    sqlite3.SQLITE_PERM: (OutputError, "must be writable, but is not; change the rights"),
    sqlite3.SQLITE_CANTOPEN: (
        OutputError,
        "must be a file that can be opened in a folder that can be written, but is not; "
        "change the rights or copy the folder",
    ),
    sqlite3.SQLITE_FULL: (
        OutputError,
        "could not grow, the disk is full; nothing of the last batch is kept: make room, "
        "then feed it again",
    ),
    sqlite3.SQLITE_IOERR: (
        OutputError,
        "could not be read or written; nothing of the last batch is kept: check the disk "
        "and its free space, then feed it again",
    ),
    sqlite3.SQLITE_CORRUPT: (
        SourceError,
        "must be a whole log, but is damaged; restore it from a copy, or remove and feed "
        "it again",
    ),
    sqlite3.SQLITE_NOTADB: (
        SourceError,
        "must be a log, but is another kind of file or damaged; restore it from a copy, or "
        "remove it and feed it again",
    ),
}
"""What SQLite's primary result codes mean for the user. Others are defects of ours."""

REMEDIES: dict[int, str] = {
    errno.EMFILE: "close what else this program holds open, or allow it more (ulimit -n)",
    errno.ENFILE: "end other programs that hold many files open",
    errno.ENOMEM: "end other programs, or ask for less at a time",
    errno.EACCES: "change the rights of the file and its folder",
    errno.EPERM: "change the rights of the file and its folder",
}
"""What to do where the system refuses a file that may well be whole."""

PRIMARY = 0xFF
"""Bits of a result code that name its kind; the others tell details."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a file into one clear line.

    Parameters
    ----------
    path : Path
        The log.

    Raises
    ------
    SourceError
        If it is damaged or no log.
    OutputError
        If it is locked, may not be written or the disk is full.
    """
    try:
        yield
    except sqlite3.Error as error:
        # Python 3.11 leaves the code away where the module itself complains.
        code = getattr(error, "sqlite_errorcode", None)
        known = None if code is None else FAULTS.get(code & PRIMARY)
        if known is None:
            raise
        kind, text = known
        message = f"{path} {text}"
        raise kind(message) from error


@contextmanager
def file_told(path: Path, *, writing: bool = False) -> Iterator[None]:
    """Turn what the system says of a segment into one clear line.

    Raises
    ------
    SourceError
        If it is missing or damaged.
    OutputError
        If it cannot be written, or the system has no room or right left to read it.
    """
    try:
        yield
    except HeidiError:
        raise
    except (OSError, ValueError, KeyError, MemoryError) as error:
        # pyarrow's own errors are among these: ArrowInvalid is a ValueError.
        reason = getattr(error, "strerror", None) or error
        remedy = _remedy(error)
        if remedy:
            message = f"{path} could not be opened or read: {reason}; {remedy}"
            if writing:
                message = (
                    f"{path} could not be written: {reason}; nothing of it is kept: "
                    f"{remedy}, then do it again"
                )
            raise OutputError(message) from error
        if writing:
            message = (
                f"{path} could not be written: {reason}; nothing of it is kept: make room "
                "or change the rights, then do it again"
            )
            raise OutputError(message) from error
        what = "is missing" if isinstance(error, FileNotFoundError) else f"is not: {reason}"
        message = (
            f"{path} must be a whole file of history, but {what}; put it back from a copy "
            "of the folder: all other files of it are still good"
        )
        raise SourceError(message) from error


def _remedy(error: BaseException) -> str | None:
    """Return what to do, where it is the system that refuses and not the file."""
    if isinstance(error, MemoryError):
        return REMEDIES[errno.ENOMEM]
    return REMEDIES.get(getattr(error, "errno", None) or 0)
