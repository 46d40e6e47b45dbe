"""Write files whole or not at all."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gis.errors import HeidiError, OutputError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` that becomes ``path`` if nothing fails.

    Parameters
    ----------
    path : Path
        The final name; its folder must exist. The temporary name keeps the suffix,
        because several writers choose their format by it.

    Raises
    ------
    OutputError
        If the folder or the file cannot be written.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except HeidiError:
        raise  # says already what is wrong
    except OSError as error:
        reason = error.strerror or error
        message = f"cannot write {path}: {reason}; choose a folder that can be written"
        raise OutputError(message) from error
    finally:
        temporary.unlink(missing_ok=True)


def check_ending(path: Path, endings: Sequence[str]) -> None:
    """Refuse names by which no program would know the format.

    Parameters
    ----------
    path : Path
        Where something shall be written.
    endings : sequence of str
        Those that are known, in lower case with their dot.

    Raises
    ------
    OutputError
        If it has another one.
    """
    if path.suffix.lower() not in endings:
        message = f"the file must end in {' or '.join(endings)}, got {path.name}"
        raise OutputError(message)
