"""Tell buildings from slivers of their outlines."""

import numpy as np
import numpy.typing as npt
import shapely

SAME_VERTEX = 0.01
"""Vertices closer than this to their predecessor are one [m]."""

SMALLEST_AREA = 1.0
"""Footprints below this are slivers [m2]."""

THINNEST = 0.05
"""Footprints of less mean width are slivers [m]."""


def mean_width(polygons: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """Width of the strip that has the area and the perimeter of each polygon.

    Parameters
    ----------
    polygons : (n,) object
        Polygons.

    Returns
    -------
    (n,) float
        Twice the area by the perimeter [m]; half the side of a square.
    """
    width: npt.NDArray[np.float64] = 2.0 * shapely.area(polygons) / shapely.length(polygons)
    return width


def are_slivers(
    polygons: npt.NDArray[np.object_], *, smallest: float, thinnest: float = THINNEST
) -> npt.NDArray[np.bool_]:
    """Whether polygons are too small or too thin to be buildings.

    Parameters
    ----------
    polygons : (n,) object
        Polygons.
    smallest, thinnest : float
        Least area [m2] and mean width [m] of a building.

    Returns
    -------
    (n,) bool
    """
    area = shapely.area(polygons)
    slim = 2.0 * area < thinnest * shapely.length(polygons)
    slivers: npt.NDArray[np.bool_] = (area < smallest) | slim
    return slivers
