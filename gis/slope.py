"""Measure how steep the ground is and which way it falls."""

import numpy as np
import numpy.typing as npt

from gis.errors import TerrainError
from gis.terrain import Terrain

FLATTEST = 1e-6
"""Gradient below which ground has no direction: float32 elevations of 10 m are rounded to
1e-6 m [m/m]."""

FloatArray = npt.NDArray[np.float64]


def slope_and_aspect(terrain: Terrain) -> tuple[FloatArray, FloatArray]:
    """Slope of the ground and the direction in which it falls.

    Parameters
    ----------
    terrain : Terrain
        At least two rows and two columns.

    Returns
    -------
    slope : (rows, columns) float
        Angle from horizontal [degrees], 0 to below 90.
    aspect : (rows, columns) float
        Where water would run to [degrees clockwise from north], 0 to below 360; NaN where
        the ground is flat.

    Raises
    ------
    TerrainError
        If the grid has a single row or column.

    Notes
    -----
    Central differences over the two neighbours in each direction (Zevenbergen and Thorne,
    1987, doi:10.1002/esp.3290120107), at the border one-sided ones of the same order. Both
    are exact for planes and for surfaces of second degree, and their error falls with the
    square of the cell elsewhere; tests/gis/test_slope.py holds them against planes,
    paraboloids and cones.
    """
    grid = terrain.grid
    if min(grid.rows, grid.columns) < 2:
        message = (
            "slopes need at least two rows and two columns, got "
            f"{grid.rows} rows and {grid.columns} columns; read a larger window"
        )
        raise TerrainError(message)
    south = _rise(terrain.z, grid.cell)
    east = _rise(terrain.z.T, grid.cell).T
    gradient = np.hypot(east, south)
    slope = np.degrees(np.arctan(gradient))
    # Downhill runs against the gradient: (-east, +south) in the frame east, north.
    aspect = np.mod(np.degrees(np.arctan2(-east, south)), 360.0)
    # A tiny negative angle wraps to 360 itself.
    aspect = np.where(aspect >= 360.0, 0.0, aspect)
    return slope, np.where(gradient > FLATTEST, aspect, np.nan)


def _rise(z: FloatArray, cell: float) -> FloatArray:
    """Differentiate along the first axis, which has two places or more [m/m]."""
    rise: FloatArray
    if len(z) < 3:
        rise = np.broadcast_to((z[1] - z[0]) / cell, z.shape)
        return rise
    # Differences first: level ground then has exactly none.
    rise = np.empty_like(z)
    rise[1:-1] = (z[2:] - z[:-2]) / (2.0 * cell)
    rise[0] = (4.0 * (z[1] - z[0]) - (z[2] - z[0])) / (2.0 * cell)
    rise[-1] = (4.0 * (z[-1] - z[-2]) - (z[-1] - z[-3])) / (2.0 * cell)
    return rise
