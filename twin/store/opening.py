"""Open the store of a twin folder, wherever its owner keeps it."""

import os
from pathlib import Path

from gis.errors import SourceError
from twin.store.embedded import FILE, EmbeddedStore
from twin.store.protocol import Store

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
        names, ``postgresql://user:password@host:port/database``, under the folder's name.

    Raises
    ------
    SourceError
        If the address is no such address, or what is kept is damaged.
    OutputError
        If it cannot be reached or written.
    """
    address = os.environ.get(VARIABLE, "").strip()
    if not address:
        return EmbeddedStore(folder / FILE, read_only=read_only)
    if not address.startswith(SCHEMES):
        # Not shown: addresses hold passwords.
        message = (
            f"{VARIABLE} must be an address like postgresql://user@host/database, got "
            "another kind; mend it, or unset it to keep observations in the twin folder"
        )
        raise SourceError(message)
    from twin.store.postgres import PostgresStore

    return PostgresStore(address, read_only=read_only, twin=folder.resolve().name)
