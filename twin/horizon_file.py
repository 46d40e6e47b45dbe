"""Keep the far horizon of a twin in a table."""

from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from gis.district import District
from gis.errors import SourceError, TerrainError
from gis.far_horizon import Sight, far_horizon
from gis.files import atomic_path
from gis.horizon import HorizonLine
from gis.sources.horizon_files import read_pvgis_horizon

FILE = "horizon.csv"
COLUMNS = ["azimuth_deg", "elevation_deg"]


def write_horizon(path: Path, line: HorizonLine) -> None:
    """Write a horizon as CSV, as ``heidi ground horizon`` does; raises OutputError."""
    values = zip(line.azimuths, line.elevations, strict=True)
    table = pd.DataFrame(values, columns=pd.Index(COLUMNS))
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def read_horizon(path: Path, *, source: str | None = None) -> HorizonLine:
    """Read what `write_horizon` or ``heidi ground horizon`` wrote.

    Parameters
    ----------
    path : Path
        CSV with the columns ``azimuth_deg`` and ``elevation_deg``.
    source : str, optional
        Where the line comes from; the file's name by default.

    Raises
    ------
    SourceError
        If the file cannot be read or holds no horizon.
    """
    try:
        table = pd.read_csv(path, nrows=40_000)
        values = table[COLUMNS].astype(float).to_numpy()
        return HorizonLine(values[:, 0], values[:, 1], source or path.name)
    except FileNotFoundError as error:
        message = f"a horizon must be a file, but {path} is missing; give another"
        raise SourceError(message) from error
    except (OSError, KeyError, ValueError, TerrainError) as error:
        message = (
            f"{path} must be a CSV of azimuth_deg and elevation_deg, but: "
            f"{str(error).splitlines()[0]}; write it with: heidi ground horizon"
        )
        raise SourceError(message) from error


def find_horizon(path: Path, district: District) -> tuple[HorizonLine, tuple[str, ...]]:
    """Read the far horizon of a district, or find it in a raster.

    Parameters
    ----------
    path : Path
        Raster of elevations; CSV as `read_horizon` reads it; JSON of PVGIS.
    district : District
        Gives the middle, and the terrain within which the raster does not count.

    Returns
    -------
    line : HorizonLine
        Seen from the middle of the boundary.
    notes : tuple of str
        How it was found, and what one line for all leaves open.

    Raises
    ------
    SourceError, CrsError, TerrainError
        If the file cannot be used.
    """
    middle = district.boundary.centroid
    notes: tuple[str, ...] = ()
    grid = district.terrain.grid
    sides = (
        middle.x - grid.west,
        grid.west + grid.columns * grid.cell - middle.x,
        grid.north - middle.y,
        middle.y - grid.north + grid.rows * grid.cell,
    )
    nearest = max(min(sides), 0.0)
    if path.suffix.lower() == ".csv":
        line = read_horizon(path)
    elif path.suffix.lower() == ".json":
        line = read_pvgis_horizon(path)
    else:
        line, notes = far_horizon(
            path, easting=middle.x, northing=middle.y, sight=Sight(nearest=nearest)
        )
    corners = shapely.get_coordinates(district.boundary) - [middle.x, middle.y]
    reach = float(np.hypot(*corners.T).max())
    highest = int(line.elevations.argmax())
    told = (
        f"The far horizon ({line.source}) is highest at azimuth "
        f"{line.azimuths[highest]:.0f} degrees, {line.elevations[highest]:.2f} degrees. It "
        f"is that of the middle: {reach:,.0f} m from there land 5 km away stands up to "
        f"{reach / 5000:.0%} higher or lower."
    )
    return line, (*notes, told)
