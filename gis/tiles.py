"""Sort footprints into tiles, so that rasters can be read by window."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import shapely

from gis.errors import GeometryError
from gis.sources.geotiff import Bounds

TILE = 1024.0
"""Side of the windows in which rasters are read [m]."""

Positions = npt.NDArray[np.int64]
Polygons = npt.NDArray[np.object_]


def footprint_tiles(footprints: Polygons) -> Iterator[tuple[Positions, Bounds]]:
    """Group footprints that lie together.

    Parameters
    ----------
    footprints : (n,) object
        Polygons in EPSG:3008.

    Yields
    ------
    rows : (k,) int
        Footprints whose boxes have their middle in one tile, rising; one that is larger
        than a tile is alone.
    bounds : (west, south, east, north)
        Of these footprints [m].

    Raises
    ------
    GeometryError
        If a footprint is empty or not finite.
    """
    if not len(footprints):
        return
    box = shapely.bounds(footprints)
    if not np.isfinite(box).all():
        bad = int((~np.isfinite(box).all(axis=1)).sum())
        message = (
            f"footprints must be polygons with coordinates, {bad} are empty or infinite; "
            "use gis.footprints.repair_footprints"
        )
        raise GeometryError(message)
    column = np.floor((box[:, 0] + box[:, 2]) / 2 / TILE)
    row = np.floor((box[:, 1] + box[:, 3]) / 2 / TILE)
    # What is larger than a tile would make the window of its neighbours as large.
    large = (box[:, 2:] - box[:, :2] > TILE).any(axis=1)
    own = np.where(large, np.arange(len(box)) + 1, 0)
    keys = np.stack([row, column, own])
    order = np.lexsort(keys[::-1])
    breaks = np.flatnonzero((np.diff(keys[:, order]) != 0).any(axis=0)) + 1
    for rows in np.split(order, breaks):
        low, high = box[rows, :2].min(axis=0), box[rows, 2:].max(axis=0)
        yield rows, (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
