"""Read JSON that nobody vouches for."""

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gis.errors import SourceError

MOST_BYTES = 500_000_000
"""Bytes of a text; the buildings of a city of a million take one fifth of it."""


_HALF_LETTER = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape of half a letter (a surrogate), which may lack its other half."""


def read_bytes(path: Path, *, most: int = MOST_BYTES) -> bytes:
    """Read a file that must not be huge.

    Parameters
    ----------
    path : Path
        The file.
    most : int
        Bytes accepted.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    SourceError
        If it is missing, empty, unreadable or larger than accepted.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= most else b""
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; check the path"
        raise SourceError(message) from error
    if size > most:
        message = f"{path.name} must have at most {most:,} bytes, got {size:,}; cut it"
        raise SourceError(message)
    if not content.strip():
        message = f"{path.name} must hold data, it is empty; get it anew"
        raise SourceError(message)
    return content


def decode(content: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """Turn bytes into text.

    Parameters
    ----------
    content : bytes
        UTF-8 or, with a byte order mark, UTF-16 or UTF-32; else taken as Latin-1.
    name : str
        Of the file, for notes.

    Returns
    -------
    text : str
        Without byte order mark.
    notes : tuple of str
        A sentence if the text is not Unicode.

    Raises
    ------
    SourceError
        If it is not text.
    """
    encoding = json.detect_encoding(content[:4].ljust(4, b" "))
    encoding = "utf-8-sig" if encoding.startswith("utf-8") else encoding
    try:
        return content.decode(encoding).removeprefix("\ufeff"), ()
    except UnicodeDecodeError as error:
        if not encoding.startswith("utf-8") or b"\0" in content:
            message = f"{name} must be UTF-8 text, it is not; get it anew"
            raise SourceError(message) from error
    return content.decode("latin-1"), (f"text of {name} is not UTF-8, read as Latin-1",)


def parse(text: str, name: str) -> object:
    """Parse one JSON document.

    Parameters
    ----------
    text : str
        The document.
    name : str
        Of the file, for messages.

    Returns
    -------
    object
        Mappings, lists, texts, numbers; NaN and infinite numbers are taken as written.

    Raises
    ------
    SourceError
        If it is cut off, faulty or nested too deeply.
    """
    try:
        with _without_collector():
            document = json.loads(text)
        return _whole_letters(document) if _HALF_LETTER.search(text) else document
    except RecursionError as error:
        message = f"{name} must be JSON, it is nested too deeply; get it anew"
        raise SourceError(message) from error
    except ValueError as error:
        at = getattr(error, "lineno", None)
        place = f" at line {at}, column {getattr(error, 'colno', 0)}" if at else ""
        reason = getattr(error, "msg", None) or str(error)
        message = f"{name} must be whole JSON, got a fault{place} ({reason}); get it anew"
        raise SourceError(message) from error


def _whole_letters(thing: object) -> object:
    """Replace halves of letters by question marks; no table can hold them."""
    if isinstance(thing, str):
        return thing.encode("utf-8", "replace").decode("utf-8")
    if isinstance(thing, list):
        return [_whole_letters(inner) for inner in thing]
    if isinstance(thing, dict):
        return {_whole_letters(key): _whole_letters(value) for key, value in thing.items()}
    return thing


@contextmanager
def _without_collector() -> Iterator[None]:
    """Stop the search for unused cycles, which JSON has none of, for the length of a block.

    With it on, each million of new values is walked through again and again: half the time
    of parsing a city.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def mapping(thing: object) -> dict[str, object]:
    """Take a thing as a mapping, an empty one if it is none.

    Parameters
    ----------
    thing : object
        Any part of a document.

    Returns
    -------
    dict
        The thing itself or an empty mapping.
    """
    return thing if isinstance(thing, dict) else {}


def sequence(thing: object) -> list[object]:
    """Take a thing as a list, an empty one if it is none.

    Parameters
    ----------
    thing : object
        Any part of a document.

    Returns
    -------
    list
        The thing itself or an empty list.
    """
    return thing if isinstance(thing, list) else []
