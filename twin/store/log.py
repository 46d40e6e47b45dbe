"""Open the log of a twin folder by its file."""

from pathlib import Path

from twin.store.embedded import FILE, EmbeddedStore, now

__all__ = ["FILE", "WAIT", "Log", "now"]

WAIT = 5.0
"""How long to wait for another writer before giving up [s]."""


class Log(EmbeddedStore):
    """The embedded store (`twin.store.embedded.EmbeddedStore`) by the name of its file."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        super().__init__(path, read_only=read_only, wait=WAIT)
