"""Open the store of a twin folder, wherever its owner keeps it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gis.errors import SourceError
from twin.store.embedded import FILE, EmbeddedStore
from twin.store.protocol import Store

if TYPE_CHECKING:
    from twin.store.postgres import PostgresStore

VARIABLE = "HEIDI_DATABASE"
"""Environment variable with the address of a server; absent means the twin folder."""

SCHEMES = ("postgresql://", "postgres://")


def open_store(folder: Path, *, read_only: bool = False) -> Store:
    """Open the observations of a twin.

    Parameters
    ----------
    folder : Path
        Twin folder.
    read_only : bool
        Whether nothing shall be written.

    Returns
    -------
    Store
        In the folder, or on the server that the environment variable ``HEIDI_DATABASE``
        names, ``postgresql://user:password@host:port/database``, under the folder's name;
        there it must be this folder's (`twin.store.postgres_identity`).

    Raises
    ------
    SourceError
        If the address is no such address, or what is kept is damaged or another folder's.
    OutputError
        If it cannot be reached or written.
    """
    address = _address()
    if address is None:
        return EmbeddedStore(folder / FILE, read_only=read_only)
    from twin.store.postgres import PostgresStore

    place = folder.resolve()
    return PostgresStore(address, read_only=read_only, twin=place.name, folder=folder)


def open_untied(folder: Path) -> "PostgresStore":
    """Open for reading what a server keeps under a folder's name, whosever it is.

    Parameters
    ----------
    folder : Path
        Twin folder.

    Raises
    ------
    SourceError
        If no server is named, or what is kept is damaged.
    OutputError
        If it cannot be reached.
    """
    address = _address()
    if address is None:
        message = (
            f"{VARIABLE} must name the server that keeps the observations, but is not set; "
            "those in the twin folder itself need no tie"
        )
        raise SourceError(message)
    from twin.store.postgres import PostgresStore

    return PostgresStore(address, read_only=True, twin=folder.resolve().name)


def _address() -> str | None:
    """Return the address of the server, None where the twin folder is meant."""
    address = os.environ.get(VARIABLE, "").strip()
    if not address:
        return None
    if not address.startswith(SCHEMES):
        # Not shown: addresses hold passwords.
        message = (
            f"{VARIABLE} must be an address like postgresql://user@host/database, got "
            "another kind; mend it, or unset it to keep observations in the twin folder"
        )
        raise SourceError(message)
    return address
