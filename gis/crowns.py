"""Find trees in a point cloud by the tops of their crowns."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.ndimage import gaussian_filter, maximum_filter
from scipy.spatial import cKDTree

from gis.crs import PLAN
from gis.errors import TerrainError
from gis.faults import count_things
from gis.sources.geotiff import Bounds
from gis.sources.pointcloud import UNCLASSIFIED, VEGETATION, Points, tell_left_out
from gis.terrain import Grid, Terrain
from gis.trees import name_trees

LEAST_HEIGHT, MOST_HEIGHT = 3.0, 50.0
"""Heights that trees are looked for at [m]; lower is a bush, and Sweden's tallest tree has
just under 50 m."""

AROUND_BUILDINGS = 1.0
"""Points this close to a footprint are eaves and walls, not trees [m]."""

SMALLEST_CROWN = 3.0
"""Crowns below this are lamp posts, signs and stray points [m2]."""

CELL = 0.5
"""Side of the cells that the canopy is drawn in [m]."""

MOST_CELLS = 16_000_000
"""Cells of a canopy, 2 km x 2 km at half a metre."""

SMOOTHING = 0.75
"""Standard deviation of the filter that joins branches to one crown [m]; an assumption."""

CROWN_RIM = 0.35
"""Canopy below this share of the top's height is no part of its crown; an assumption."""

LEAST_REACH = 6.0
"""Least distance in which tops can share a crown, and crowns can reach [m]; lindens and
chestnuts in the open are 12 m wide at a height of 10 m."""

SADDLE = 0.15
"""They share it if the canopy between them falls by less than this share of the lower top's
height; an assumption."""

TIP = 0.5
"""Standard uncertainty of a tree's height [m]: pulses miss the tip. An assumption."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Canopy:
    """Height of vegetation above the ground [m], 0 where there is none."""

    grid: Grid
    height: FloatArray


def trees_from_points(
    pieces: Iterable[Points],
    ground: Terrain,
    bounds: Bounds,
    *,
    footprints: npt.NDArray[np.object_] | None = None,
    source: str = "point cloud",
    cell: float = CELL,
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Find trees as local maxima of the canopy.

    Vegetation is what has class 3, 4 or 5; in clouds without any of these it is what is not
    classified and lies outside footprints.

    Parameters
    ----------
    pieces : iterable of Points
        Such as `gis.sources.pointcloud.read_pieces` gives; only the highest of each cell
        is kept.
    ground : Terrain
        The ground.
    bounds : (west, south, east, north)
        Where to look, EPSG:3008 [m].
    footprints : (n,) object, optional
        Buildings, without which roofs of unclassified clouds are taken for trees.
    source : str
        Where the points come from.
    cell : float
        Side of a cell [m].

    Returns
    -------
    trees : GeoDataFrame
        Points, index ``tree`` (named by place, so that it lasts); ``height`` [m],
        ``crown_radius`` [m], ``source``, ``height_uncertainty`` and
        ``crown_uncertainty`` [m].
    notes : tuple of str
        What was found and dropped.

    Raises
    ------
    TerrainError
        If the area is too large for one canopy.

    Notes
    -----
    The window of a maximum grows with height as the crowns of broad-leaved trees do
    (`crown_width`). A cell
    belongs to the nearest top in terms of its crown; the radius is that of a disc of the
    same area. Checked against cones in tests/gis/test_crowns.py.
    """
    canopy, left_out, is_classed = _draw_canopy(pieces, ground, bounds, cell)
    if footprints is not None and len(footprints):
        canopy = _without_buildings(canopy, footprints)
    top, height = _tops(canopy)
    area = _crowns(canopy, top, height)
    wide = area >= SMALLEST_CROWN
    small = int((~wide).sum())
    top, height, area = top[wide], height[wide], area[wide]
    radius = np.sqrt(area / math.pi)
    points = shapely.points(top)
    trees = gpd.GeoDataFrame(
        {
            "height": height.round(2),
            "crown_radius": radius.round(2),
            "source": pd.Series([source] * len(top), dtype=object),
            "height_uncertainty": np.full(len(top), TIP),
            # Half a cell along the whole rim.
            "crown_uncertainty": np.full(len(top), round(cell / 2 + SMOOTHING / 2, 2)),
        },
        geometry=points,
        crs=PLAN,
    )
    notes = [*tell_left_out(left_out), f"{count_things(len(trees), 'tree')} in {source}"]
    if not is_classed:
        notes.append(
            f"{source} has no classes of vegetation: what is not classified, "
            f"{LEAST_HEIGHT:g} m above the ground and outside footprints is taken for trees"
        )
    if small:
        tops = count_things(small, "top")
        notes.append(f"{tops} with a crown below {SMALLEST_CROWN:g} m2 left out")
    return name_trees(trees), tuple(notes)


def _draw_canopy(
    pieces: Iterable[Points], ground: Terrain, bounds: Bounds, cell: float
) -> tuple[_Canopy, "Counter[str]", bool]:
    """Highest vegetation above ground in each cell."""
    west, north = math.floor(bounds[0] / cell) * cell, math.ceil(bounds[3] / cell) * cell
    columns = max(math.ceil((bounds[2] - west) / cell), 1)
    rows = max(math.ceil((north - bounds[1]) / cell), 1)
    if rows * columns > MOST_CELLS:
        message = (
            f"trees must be looked for in at most {MOST_CELLS:,} cells at a time, got "
            f"{rows:,} x {columns:,}; take coarser cells or parts of the area"
        )
        raise TerrainError(message)
    grid = Grid(west, north, cell, rows, columns)
    left_out: Counter[str] = Counter()
    # Whether the cloud knows vegetation shows at its end only: both are drawn.
    green, other = np.zeros((2, rows * columns))
    is_classed = False
    for piece in pieces:
        left_out.update(piece.left_out)
        x, y, z = piece.xyz.T
        column = np.floor((x - west) / cell).astype(np.int64)
        row = np.floor((north - y) / cell).astype(np.int64)
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        for kinds, canvas in ((VEGETATION, green), (UNCLASSIFIED, other)):
            take = inside & np.isin(piece.kind, kinds)
            above = z[take] - ground.sample(x[take], y[take])
            possible = (above >= LEAST_HEIGHT) & (above <= MOST_HEIGHT)
            place = (row[take] * columns + column[take])[possible]
            np.maximum.at(canvas, place, above[possible])
        is_classed |= bool(np.isin(piece.kind, VEGETATION).any())
    height = (green if is_classed else other).reshape(rows, columns)
    return _Canopy(grid, height), left_out, is_classed


def _without_buildings(canopy: _Canopy, footprints: npt.NDArray[np.object_]) -> _Canopy:
    """Canopy outside footprints and their eaves."""
    grid = canopy.grid
    row, column = np.nonzero(canopy.height)
    wide = shapely.buffer(footprints, AROUND_BUILDINGS, quad_segs=2)
    shapely.prepare(wide)
    x, y = grid.x[column], grid.y[row]
    place, which = shapely.STRtree(wide).query(shapely.points(x, y))
    covered = place[shapely.intersects_xy(wide[which], x[place], y[place])]
    height = canopy.height.copy()
    height[row[covered], column[covered]] = 0.0
    return _Canopy(grid, height)


def _tops(canopy: _Canopy) -> tuple[FloatArray, FloatArray]:
    """Places and heights of tree tops, the highest first."""
    grid = canopy.grid
    sigma = SMOOTHING / grid.cell
    weight = gaussian_filter((canopy.height > 0).astype(np.float64), sigma)
    smooth = gaussian_filter(canopy.height, sigma)
    # Gaps between the points of a crown neither lower nor raise it.
    smooth = np.where(canopy.height > 0, smooth / np.maximum(weight, 1e-9), 0.0)
    nearest = maximum_filter(smooth, size=3)
    row, column = np.nonzero((smooth > 0) & (smooth >= nearest))
    height = maximum_filter(canopy.height, size=3)[row, column]
    xy = np.column_stack([grid.x[column], grid.y[row]])
    order = np.lexsort((xy[:, 1], xy[:, 0], -height, -smooth[row, column]))
    xy, height = xy[order], height[order]
    keep = _suppress(_Canopy(grid, smooth), xy, height)
    return xy[keep], height[keep]


def _suppress(smooth: _Canopy, xy: FloatArray, height: FloatArray) -> npt.NDArray[np.bool_]:
    """Keep a top unless a higher one that is kept shares its crown."""
    keep = np.ones(len(xy), dtype=np.bool_)
    if not len(xy):
        return keep
    reach = crown_width(height) / 2
    canopy = Terrain(smooth.grid, smooth.height, "canopy")
    way = np.linspace(0.0, 1.0, _STEPS)[:, None, None]
    neighbours = cKDTree(xy).query_ball_point(xy, np.maximum(reach, LEAST_REACH))
    for i, near in enumerate(neighbours):
        lower = np.array([j for j in near if j > i and keep[j]], dtype=np.intp)
        if not keep[i] or not len(lower):
            continue
        distance = np.hypot(*(xy[lower] - xy[i]).T)
        between = xy[i] + way * (xy[lower] - xy[i])
        saddle = canopy.sample(between[..., 0], between[..., 1]).min(axis=0)
        joined = saddle > (1.0 - SADDLE) * height[lower]
        keep[lower[(distance <= reach[i]) | joined]] = False
    return keep


_STEPS = 9


def crown_width(height: npt.ArrayLike) -> FloatArray:
    """Width of the crown of a tree of some height.

    Parameters
    ----------
    height : array_like
        [m].

    Returns
    -------
    float array
        [m]; broad-leaved and mixed woods of the eastern United States, Popescu and Wynne
        (2004), Photogrammetric Engineering and Remote Sensing 70(5), 589-604.

    Examples
    --------
    >>> float(crown_width(20.0).round(2))
    6.12
    """
    result: FloatArray = 2.51503 + 0.00901 * np.asarray(height, dtype=np.float64) ** 2
    return result


def _crowns(canopy: _Canopy, top: FloatArray, height: FloatArray) -> FloatArray:
    """Area of the crown of each top [m2]."""
    if not len(top):
        return np.empty(0)
    grid = canopy.grid
    row, column = np.nonzero(canopy.height)
    xy = np.column_stack([grid.x[column], grid.y[row]])
    distance, owner = cKDTree(top).query(xy)
    tall = canopy.height[row, column] >= CROWN_RIM * height[owner]
    # A crown in the open can be twice as wide as one in the wood that the rule is from.
    near = distance <= np.maximum(crown_width(height[owner]), LEAST_REACH)
    mine = owner[tall & near]
    cells = np.bincount(mine, minlength=len(top)).astype(np.float64)
    area: FloatArray = cells * grid.cell**2
    return area
