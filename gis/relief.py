"""Shape a terrain from scattered levels, quays and water."""

import numpy as np
import numpy.typing as npt
import shapely
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.ndimage import gaussian_filter

from gis.errors import TerrainError
from gis.terrain import Grid

FloatArray = npt.NDArray[np.float64]


def spread_levels(grid: Grid, levels: FloatArray, *, smoothing: float) -> FloatArray:
    """Ground through scattered levels.

    Parameters
    ----------
    grid : Grid
        Where the ground is wanted.
    levels : (n, 3) float
        East, north, elevation [m]; at least three, not on one line.
    smoothing : float
        Standard deviation of the Gaussian that rounds the folds [m].

    Returns
    -------
    (rows, columns) float
        Elevation [m], never outside the range of the levels.

    Raises
    ------
    TerrainError
        If there are fewer than three levels or one is not a number.

    Notes
    -----
    Linear in the triangles between the levels, nearest level outside, then a Gaussian. Both
    steps are weighted means, so nothing overshoots; a thin-plate spline through steep
    and flat ground does, and rings below the sea. A plane is kept away from the border.
    """
    levels = np.asarray(levels, dtype=np.float64)
    if levels.ndim != 2 or levels.shape[1] != 3 or len(levels) < 3:
        message = f"levels must be at least three rows of x, y, z, got {levels.shape}"
        raise TerrainError(message)
    if not np.isfinite(levels).all():
        message = "levels must be finite numbers; leave unknown ones out"
        raise TerrainError(message)
    # Qhull works on numbers near one better than on national-grid coordinates.
    origin = levels[:, :2].mean(axis=0)
    x, y = np.meshgrid(grid.x - origin[0], grid.y - origin[1])
    places, z = levels[:, :2] - origin, levels[:, 2]
    ground = LinearNDInterpolator(places, z)(x, y)
    outside = np.isnan(ground)
    if outside.any():
        ground[outside] = NearestNDInterpolator(places, z)(x[outside], y[outside])
    smooth: FloatArray = gaussian_filter(ground, smoothing / grid.cell, mode="nearest")
    return smooth


def set_level(
    ground: FloatArray,
    grid: Grid,
    zone: shapely.Geometry,
    *,
    level: float,
    ramp: float,
    inward: float = 0.0,
) -> FloatArray:
    """Bring a zone to one level, with a ramp to the ground around it.

    Parameters
    ----------
    ground : (rows, columns) float
        Elevation [m]; not changed.
    grid : Grid
        Where the ground lies.
    zone : Polygon or MultiPolygon
        EPSG:3008 [m].
    level : float
        Elevation inside of the zone [m].
    ramp : float
        Width of the ramp [m].
    inward : float
        Part of the ramp that lies inside of the zone [m]; 0 keeps the whole zone level.

    Returns
    -------
    (rows, columns) float
        ``level`` inside, the ground unchanged beyond the ramp.
    """
    distance = signed_distance(grid, zone, within=ramp)
    share = np.clip((distance + inward) / ramp, 0.0, 1.0)
    return level + share * (ground - level)


def signed_distance(grid: Grid, zone: shapely.Geometry, *, within: float) -> FloatArray:
    """Distance of cell centres to the edge of a zone, negative inside [m].

    Parameters
    ----------
    grid : Grid
        Where it is wanted.
    zone : Polygon or MultiPolygon
        EPSG:3008 [m].
    within : float
        Distances are exact up to this one [m]; farther cells get ``within`` or more
        (``-within`` or less inside), which saves most of the work.

    Returns
    -------
    (rows, columns) float
        Distance [m].
    """
    x, y = (axis.ravel() for axis in np.meshgrid(grid.x, grid.y))
    shapely.prepare(zone)
    inside = shapely.contains_xy(zone, x, y)
    edge = zone.boundary
    # A fixed, coarse strip first: the exact distance is dear, the strip is not.
    strip = edge.buffer(within * 1.1 + 1e-9, quad_segs=4)
    shapely.prepare(strip)
    near = shapely.contains_xy(strip, x, y)
    distance = np.full(x.shape, within)
    distance[near] = shapely.distance(shapely.points(x[near], y[near]), edge)
    signed: FloatArray = np.where(inside, -distance, distance)
    return signed.reshape(grid.rows, grid.columns)
