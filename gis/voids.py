"""Fill the cells that an elevation grid lacks."""

import numpy as np
import numpy.typing as npt
from scipy.interpolate import LinearNDInterpolator
from scipy.ndimage import binary_dilation, distance_transform_edt
from scipy.spatial import QhullError

from gis.errors import TerrainError

MOST_RIM = 200_000
"""Known cells beside gaps that are joined by triangles; with more of them the gaps are
noise, not holes, and the nearest cell does (a triangulation takes 10 s a million)."""

FloatArray = npt.NDArray[np.float64]


def fill_voids(z: FloatArray, *, most_rim: int = MOST_RIM) -> FloatArray:
    """Span missing cells by triangles between the known cells around them.

    Parameters
    ----------
    z : (rows, columns) float
        NaN where missing; at least one value known.
    most_rim : int
        Known cells beside gaps above which the nearest known cell is taken instead.

    Returns
    -------
    (rows, columns) float
        Without NaN; known cells unchanged, no value outside the range of the known ones.
        What no triangle reaches (a gap at the border of the grid) takes the nearest known
        cell.

    Raises
    ------
    TerrainError
        If nothing is known.

    Notes
    -----
    A plane is kept exactly in every gap that known cells surround; tests/gis/test_voids.py.
    The nearest cell alone would leave a step in the middle of every hole on a slope.
    """
    gaps = np.isnan(z)
    filled = fill_nearest(z)
    if not gaps.any():
        return filled
    rim = binary_dilation(gaps, np.ones((3, 3), dtype=np.bool_)) & ~gaps
    places = np.argwhere(rim)
    if not 3 <= len(places) <= most_rim or (np.ptp(places, axis=0) == 0).any():
        return filled
    try:
        spanned = LinearNDInterpolator(places, z[rim])(np.argwhere(gaps))
    except QhullError:
        # All known cells lie on one slanting line.
        return filled
    # Rounding of the weights must not leave the range of what is known.
    spanned = np.clip(spanned, z[rim].min(), z[rim].max())
    filled[gaps] = np.where(np.isnan(spanned), filled[gaps], spanned)
    return filled


def fill_nearest(z: FloatArray) -> FloatArray:
    """Give missing cells the value of the nearest known one.

    Parameters
    ----------
    z : (rows, columns) float
        NaN where missing; at least one value known.

    Returns
    -------
    (rows, columns) float
        Without NaN; known cells unchanged.

    Raises
    ------
    TerrainError
        If nothing is known.
    """
    gaps = np.isnan(z)
    if not gaps.any():
        return z.copy()
    if gaps.all():
        message = "a terrain must have known elevations, all cells are missing"
        raise TerrainError(message)
    row, column = distance_transform_edt(gaps, return_distances=False, return_indices=True)
    filled: FloatArray = z[row, column]
    return filled
