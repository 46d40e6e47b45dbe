"""Read horizon lines that web services give."""

from pathlib import Path

import numpy as np

from gis.errors import SourceError, TerrainError
from gis.horizon import HorizonLine
from gis.sources.weather_hours import (
    as_float,
    brief,
    listed,
    on_earth,
    read_json,
    read_text,
)

_MOST_DIRECTIONS = 36_000  # hundredths of a degree


def read_pvgis_horizon(path: Path) -> HorizonLine:
    """Read the reply of PVGIS' tool ``printhorizon``, output format JSON.

    Parameters
    ----------
    path : Path
        The reply as it was saved.

    Returns
    -------
    HorizonLine
        Azimuths clockwise from north; PVGIS counts from south (0) over west (90). South is
        stated twice there, as -180 and 180 for north; the first is kept.

    Raises
    ------
    SourceError
        If it is not such a reply.

    Notes
    -----
    Checked in tests/gis/test_horizon_files.py: a hill in the west stays in the west.
    """
    path = Path(path)
    reply = read_json(read_text(path), path.name)
    try:
        profile = reply["outputs"]["horizon_profile"]  # type: ignore[index]
        rows = listed(profile, _MOST_DIRECTIONS, path.name, "directions of a horizon")
        azimuths = np.array([as_float(row["A"]) for row in rows]) + 180.0
        elevations = np.array([as_float(row["H_hor"]) for row in rows])
        location = reply["inputs"]["location"]  # type: ignore[index]
        place = on_earth(location["latitude"], location["longitude"])
    except (KeyError, TypeError, AttributeError) as error:
        message = (
            f"{path.name} must be the JSON of PVGIS' horizon (printhorizon), got a "
            f"fault at {brief(error)}; fetch it again"
        )
        raise SourceError(message) from error
    where = f" at {place[0]:g} N {place[1]:g} E" if place[0] is not None else ""
    turned = np.round(np.mod(azimuths, 360.0), 6) % 360.0
    turned, first = np.unique(turned, return_index=True)
    try:
        return HorizonLine(
            turned,
            elevations[first],
            f"PVGIS horizon{where}, {path.name} ((c) European Union, PVGIS)",
        )
    except TerrainError as error:
        message = f"{path.name} holds no horizon: {error}"
        raise SourceError(message) from error
