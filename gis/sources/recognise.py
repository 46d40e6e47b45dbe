"""Recognise data of OpenStreetMap in any file, for its makers must be named."""

import re
from pathlib import Path

from gis.sources.osm import CREDIT

_HEAD = 262_144  # bytes that are looked at
_SIGNS = re.compile(
    rb"openstreetmap|\bosm_(?:way_)?id\b|\"osm3s\"|<osm\s|\"@?id\"\s*:\s*\"(?:node|way|relation)/\d",
    re.IGNORECASE,
)


def credit_of_content(path: Path) -> str:
    """Return whom to name for a file that shows signs of OpenStreetMap.

    Parameters
    ----------
    path : Path
        Any file or folder.

    Returns
    -------
    str
        Its credit, "" where there is no sign. Compressed files show none.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return ""  # a folder, or a fault that its reader tells better
    return CREDIT if _SIGNS.search(head) else ""
