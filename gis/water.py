"""Read open water and find its level."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.attributes import as_text, find_columns
from gis.crs import to_plan
from gis.errors import GeometryError
from gis.heights import ground_under
from gis.sources.vector import WATER_LAYERS, read_layer
from gis.terrain import Terrain

Polygons = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Water:
    """Open water of a district.

    Attributes
    ----------
    area : MultiPolygon
        EPSG:3008; empty where there is none.
    level : float
        Of its surface [m RH2000]; 0 where there is none.
    notes : tuple of str
        What was assumed.
    """

    area: shapely.MultiPolygon = field(default_factory=shapely.MultiPolygon)
    level: float = 0.0
    notes: tuple[str, ...] = ()


def read_water(path: Path, ground: Terrain) -> Water:
    """Read open water from a layer of areas.

    Parameters
    ----------
    path : Path
        Any vector file; where a column ``kind`` exists, its rows with ``water``. A column
        ``level`` [m RH2000] tells the level.
    ground : Terrain
        Its extent cuts the water, and it tells the level where nothing else does.

    Returns
    -------
    Water

    Raises
    ------
    SourceError, CrsError, GeometryError
        If the file cannot be read or holds no areas.
    """
    path = Path(path)
    frame, notes = read_layer(path, prefer=WATER_LAYERS)
    frame = to_plan(frame)
    kinds = find_columns(frame, ["kind"])
    if kinds:
        frame = frame[as_text(frame[kinds[0]]).str.lower() == "water"]
    valid = shapely.make_valid(frame.geometry.dropna().to_numpy())
    areas = _polygons(shapely.get_parts(valid))
    if not len(areas):
        message = f"a layer of water must hold polygons, {path.name} has none"
        raise GeometryError(message)
    extent = shapely.box(*ground.grid.bounds)
    parts = _polygons(np.array([shapely.intersection(shapely.union_all(areas), extent)]))
    if not len(parts):
        return Water(notes=(*notes, "no water within the terrain"))
    area = shapely.MultiPolygon(list(parts))
    stated = find_columns(frame, ["level"])
    if stated and pd.api.types.is_numeric_dtype(frame[stated[0]]):
        told = frame[stated[0]].dropna()
        if len(told):
            return Water(area, round(float(told.median()), 2), notes)
    _, middle = ground_under(parts, ground)
    level = round(float(np.average(middle, weights=shapely.area(parts))), 2)
    notes += (f"water level taken as {level:g} m, the terrain under the water",)
    return Water(area, level, notes)


def _polygons(shapes: Polygons) -> Polygons:
    """Return the polygons among the parts of shapes."""
    parts = shapely.get_parts(shapes)
    polygons: Polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return polygons
