"""Tie a twin folder to the schema that keeps its observations.

Schemas are called after folders, and two folders may have one name. So that they do not
mix their data, the first that writes leaves an identity in the schema and in itself.
"""

import json
import platform
import secrets
import shlex
import tomllib
import uuid
from dataclasses import dataclass
from pathlib import Path

from gis.errors import SourceError
from gis.files import atomic_path
from twin.store.postgres_driver import psycopg

FILE = "database.toml"
"""What of it lies in the folder."""

_TEXT = """\
# Ties this folder to its observations in PostgreSQL. It goes with every copy of the folder.
[database]
identity = "{number}"
first_fed_from = {origin}
"""


@dataclass(frozen=True)
class Identity:
    """Whose observations a schema keeps.

    Attributes
    ----------
    number : str
        A random UUID.
    origin : str
        Machine and folder that it was first fed from.
    """

    number: str
    origin: str


def new_identity(folder: Path) -> Identity:
    """Return an identity that nobody has."""
    made = uuid.UUID(bytes=secrets.token_bytes(16), version=4)
    place = f"{platform.node()}:{folder.resolve()}"
    # Names of files may hold what is no text; neither side could keep it, nor one line.
    plain = "".join(letter if letter.isprintable() else "?" for letter in place)
    return Identity(str(made), plain)


def read_identity(folder: Path) -> Identity | None:
    """Return the identity that a folder keeps, None if it has none.

    Raises
    ------
    SourceError
        If its file is damaged.
    """
    path = folder / FILE
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))["database"]
        return Identity(str(uuid.UUID(told["identity"])), str(told["first_fed_from"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        message = (
            f"{path} must tell which observations are this folder's, but cannot be read; "
            f"put it back from a copy, or make it anew: {_adoption(folder)}"
        )
        raise SourceError(message) from error


def write_identity(folder: Path, identity: Identity) -> None:
    """Let a folder keep an identity.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    origin = json.dumps(identity.origin, ensure_ascii=False)
    with atomic_path(folder / FILE) as path:
        text = _TEXT.format(number=identity.number, origin=origin)
        path.write_text(text, encoding="utf-8")


def is_own(folder: Path, identity: Identity) -> bool:
    """Return whether an identity is what a folder keeps, whole."""
    try:
        return read_identity(folder) == identity
    except SourceError:
        return False


def kept_identity(connection: psycopg.Connection) -> Identity | None:
    """Return the identity that the schema of a connection keeps, None if it has none."""
    # As JSON, for schemas from before have no such columns.
    row = connection.execute(
        "SELECT to_jsonb(l) ->> 'identity', to_jsonb(l) ->> 'origin' FROM layout l"
    ).fetchone()
    return Identity(row[0], row[1] or "") if row is not None and row[0] else None


def is_tied(connection: psycopg.Connection, folder: Path, *, where: str) -> bool:
    """Return whether a folder and a schema have the same identity.

    Parameters
    ----------
    connection : psycopg.Connection
    folder : Path
    where : str
        Words for the schema.

    Returns
    -------
    bool
        False where the schema has none yet.

    Raises
    ------
    SourceError
        If the schema is another folder's.
    """
    kept, own = kept_identity(connection), read_identity(folder)
    if kept is None:
        return False
    if own is not None and own.number == kept.number:
        return True
    found = f"has no {FILE}" if own is None else f"has identity {own.number[:8]}"
    message = (
        f"{folder} must be the folder whose observations {where} keeps, but those are of "
        f"identity {kept.number[:8]}, first fed from {kept.origin}, and it {found}; give "
        f"it another name, or if they are its own all the same: {_adoption(folder)}"
    )
    raise SourceError(message)


def tie(connection: psycopg.Connection, folder: Path, *, where: str) -> None:
    """Give a folder and a schema the same identity if the schema has none yet.

    Within a transaction that keeps other writers out.

    Raises
    ------
    SourceError
        If the schema is another folder's.
    OutputError
        If the folder cannot be written.
    """
    if is_tied(connection, folder, where=where):
        return
    own = read_identity(folder)
    if own is None:
        own = new_identity(folder)
        # The folder first: should all stop here, it holds an identity that nobody has.
        write_identity(folder, own)
    connection.execute(
        "ALTER TABLE layout ADD COLUMN IF NOT EXISTS identity uuid, "
        "ADD COLUMN IF NOT EXISTS origin text"
    )
    connection.execute(
        "UPDATE layout SET identity = %s, origin = %s", (own.number, own.origin)
    )


def _adoption(folder: Path) -> str:
    """Return the command that ties a folder to a schema on purpose."""
    return f"heidi store adopt {shlex.quote(str(folder))}"
