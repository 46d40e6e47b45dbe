"""Keep the things of a twin folder in its store whenever they have changed."""

import tomllib
from pathlib import Path

from gis.errors import SourceError
from twin import things
from twin.store.embedded import now
from twin.store.protocol import Store
from twin.store.records import Edition

ALWAYS = 0
"""From when on the first edition holds [microseconds since 1970, UTC]: nothing is known of
how things were before it, and values of earlier days must not lie outside of every one."""


def present_edition(folder: Path, *, valid_from: int = ALWAYS) -> Edition:
    """Return the things of a folder as they are.

    Parameters
    ----------
    folder : Path
        Twin folder.
    valid_from : int
        From when on they are so [microseconds since 1970, UTC].

    Raises
    ------
    SourceError, TableError
        If it is no twin folder.
    """
    model = things.read_model(folder / things.FILE)
    return Edition(valid_from, geometry_hash(folder), things.model_text(model))


def geometry_hash(folder: Path) -> str:
    """Return the hash of what a folder's geometry was built from, "" where none is told.

    Raises
    ------
    SourceError
        If the folder's description cannot be read.
    """
    path = folder / "heidi.toml"
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8")).get("twin", {})
    except FileNotFoundError:
        # Things may be measured before anybody models the place.
        return ""
    except (OSError, ValueError) as error:
        message = f"{path} must describe a twin: {error}; build the twin again"
        raise SourceError(message) from error
    return str(told.get("inputs", "")) if isinstance(told, dict) else ""


def keep_edition(folder: Path, store: Store, *, at: int | None = None) -> bool:
    """Keep the things of a folder if they are others than those kept last.

    Called by whoever opens a store for writing; costs a read of ``model.json``.

    Parameters
    ----------
    folder : Path
        Twin folder.
    store : Store
        Its store, open for writing.
    at : int, optional
        From when on they are so [microseconds since 1970, UTC]; default now. The first
        edition of a store holds from `ALWAYS` on.

    Returns
    -------
    bool
        Whether there was something to keep.

    Raises
    ------
    SourceError, TableError
        If it is no twin folder.
    OutputError
        If the store cannot be written.
    """
    found = present_edition(folder)
    kept = store.edition()
    if kept is None:
        return store.add_edition(found)
    if (kept.geometry, kept.model) == (found.geometry, found.model):
        return False
    # Said of a time before the last one, it would not be the last.
    since = max(now() if at is None else at, kept.valid_from)
    return store.add_edition(Edition(since, found.geometry, found.model))
