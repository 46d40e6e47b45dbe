"""Find an earlier twin whose identities a new build keeps."""

from pathlib import Path

from gis.errors import SourceError
from gis.layers import Identities, read_identities
from twin.description import read_description

LAYERS = "buildings.gpkg"


def earlier_twin(out: Path, given: Path | None) -> tuple[Identities | None, str]:
    """Find the identities of the twin that was built before.

    Parameters
    ----------
    out : Path
        Folder of the new twin.
    given : Path, optional
        Twin whose identities shall be kept.

    Returns
    -------
    identities : Identities or None
        Of the twin that is given, else of what an earlier build left in ``out``, even if it
        was interrupted; None if there is nothing but a schematic twin.
    note : str
        What could not be kept, "" if all is well.

    Raises
    ------
    SourceError
        If the twin that is given cannot be read.
    """
    if given is not None:
        return read_identities(given / LAYERS), ""
    path = out / LAYERS
    if not path.is_file() or _is_schematic(out):
        return None, ""
    try:
        return read_identities(path), ""
    except SourceError:
        return None, f"the earlier {LAYERS} in {out} holds no identities, all are new"


def _is_schematic(folder: Path) -> bool:
    """Whether a folder holds the embedded district, whose names are no identities."""
    try:
        return bool(read_description(folder)["twin"].get("schematic"))
    except SourceError:
        return False  # an interrupted build has no description
