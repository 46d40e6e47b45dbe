"""Hold the hours of a weather file as its reader found them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gis.errors import SourceError

VALUES = ("ghi", "dni", "dhi", "temp_air", "wind_speed")
MOST_BYTES = 500_000_000  # a year of minutes with fifty columns


@dataclass(frozen=True)
class RawYear:
    """One year of hours, not yet checked.

    Attributes
    ----------
    table : pd.DataFrame
        UTC labels on whole hours without holes, 8,760 or 8,784 rows; some of `VALUES`, NaN
        where missing.
    latitude, longitude : float or None
        Place [degrees].
    source : str
        Origin in one line.
    notes : tuple of str
        What the reader did.
    """

    table: pd.DataFrame
    latitude: float | None
    longitude: float | None
    source: str
    notes: tuple[str, ...] = ()


def read_text(path: Path) -> str:
    """Read a text file.

    Parameters
    ----------
    path : Path
        UTF-8 with or without byte order mark, or Latin-1 as in older EPW files.

    Returns
    -------
    str
        Its text.

    Raises
    ------
    SourceError
        If the file is absent, unreadable, too large or not text.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MOST_BYTES else None
    except OSError as error:
        message = f"cannot read weather file {path}: {error.strerror}; check the path"
        raise SourceError(message) from error
    if content is None:
        message = (
            f"{path.name} must have at most {MOST_BYTES:,} bytes, got {size:,}; cut it"
        )
        raise SourceError(message)
    if b"\0" in content:
        message = f"weather file must be text, got binary content in {path.name}; unpack it"
        raise SourceError(message)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def brief(text: object, *, length: int = 40) -> str:
    """Quote foreign text so that it fits a line of a message."""
    shown = repr(str(text))
    return shown if len(shown) <= length else f"{shown[: length - 4]}...'"
