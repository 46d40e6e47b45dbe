"""Trace the outlines of groups of grid cells."""

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from rasterio.features import shapes

from gis.terrain import Grid


def trace_cells(mask: npt.NDArray[np.bool_], grid: Grid) -> shapely.MultiPolygon:
    """Outline the cells of a mask.

    Parameters
    ----------
    mask : (rows, columns) bool
        Cells to outline.
    grid : Grid
        Where they lie.

    Returns
    -------
    MultiPolygon
        Valid, EPSG:3008 [m]; the sides of cells are its edges, so that its area is that of
        the cells. Cells that meet at a corner only are separate polygons.
    """
    if not mask.any():
        return shapely.MultiPolygon()
    # Traced around a corner near by: offsets of 6e6 m would be added to whole cells anyway,
    # but GDAL's own sums are kept short this way.
    flat = Affine(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    marks = mask.astype(np.uint8)
    rings = [outline["coordinates"] for outline, _ in shapes(marks, mask, 4, flat)]
    traced = shapely.MultiPolygon([(outer, inner) for outer, *inner in rings])

    def to_plan(cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.stack(
            [grid.west + cells[:, 0] * grid.cell, grid.north - cells[:, 1] * grid.cell],
            axis=-1,
        )

    return shapely.orient_polygons(shapely.transform(traced, to_plan))
