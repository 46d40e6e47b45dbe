"""Find an earlier twin whose identities a new build keeps."""

from pathlib import Path

from gis.errors import SourceError, TableError
from twin.description import read_description

FIRST_YEAR, LAST_YEAR = 1900, 2100
"""Years in which something can have been surveyed."""


def earlier_twin(out: Path, given: Path | None, name: str) -> Path | None:
    """Find the buildings of the twin that was built before.

    Parameters
    ----------
    out : Path
        Folder of the new twin.
    given : Path, optional
        Twin whose identities shall be kept.
    name : str
        Of the new district.

    Returns
    -------
    Path or None
        ``buildings.gpkg`` of the twin that is given, else of the one in ``out`` if it is of
        the same name and of this layout; None if there is none.

    Raises
    ------
    SourceError
        If the twin that is given cannot be read.
    """
    if given is not None:
        read_description(given)
        return given / "buildings.gpkg"
    try:
        told = read_description(out)
    except SourceError:
        return None  # nothing there, or something that is to be replaced
    return out / "buildings.gpkg" if told["twin"].get("name") == name else None


def checked_year(year: int | None, option: str) -> int | None:
    """Refuse years in which nothing can have been surveyed.

    Parameters
    ----------
    year : int, optional
        As it was given.
    option : str
        Where.

    Returns
    -------
    int or None

    Raises
    ------
    TableError
        If it is out of range.
    """
    if year is not None and not FIRST_YEAR <= year <= LAST_YEAR:
        message = f"{option} must be {FIRST_YEAR}..{LAST_YEAR}, got {year}"
        raise TableError(message)
    return year
