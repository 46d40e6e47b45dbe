"""Collect what a point cloud or a surface model shows inside footprints."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gis.cells_inside import cells_inside
from gis.errors import TerrainError
from gis.ground_windows import Ground, GroundWindow
from gis.heights import ground_under
from gis.roof_cells import order_within, quantiles
from gis.sources.geotiff import Bounds, OpenRaster
from gis.sources.pointcloud import BUILDING, UNCLASSIFIED, Points
from gis.terrain import Grid, Terrain

FEWEST_BUILDING = 5
"""Points of class 6 that make a footprint's other points no roof."""

MOST_CELLS = 20_000_000
"""Cells of a window; finer rasters are averaged."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]
Polygons = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Samples:
    """What stands in footprints, sorted by footprint and then by height.

    Attributes
    ----------
    owner : (n,) int
        Footprint.
    row, column : (n,) int
        Cell southwards and eastwards (any origin; only neighbours matter).
    z, ground : (n,) float
        Level of the sample and of the terrain below, RH2000 [m].
    may_be_roof : (n,) bool
        Whether its class allows it to be one.
    """

    owner: Positions
    row: Positions
    column: Positions
    z: FloatArray
    ground: FloatArray
    may_be_roof: BoolArray


@dataclass(frozen=True)
class Sites:
    """What is known of footprints but for their roofs.

    Attributes
    ----------
    area : (n,) float
        Of the part that was looked at [m2].
    margin : (n,) float
        Rim that was left out [m].
    ground, base : (n,) float
        Median and lowest terrain below, RH2000 [m].
    """

    area: FloatArray
    margin: FloatArray
    ground: FloatArray
    base: FloatArray


def samples_from_surface(
    footprints: Polygons,
    surface: OpenRaster,
    ground: Ground,
    bounds: Bounds,
    margin: float,
) -> tuple[Samples, Sites, float, tuple[str, ...]]:
    """Read the cells of a surface model inside footprints.

    Parameters
    ----------
    footprints : (n,) object
        Polygons in EPSG:3008 that lie close together.
    surface, ground : OpenRaster, Ground
        See `gis.roof_heights.roof_heights_from_surface`.
    bounds : (west, south, east, north)
        Window that holds the footprints [m].
    margin : float
        Rim to leave out [m], rounded up to whole cells. Footprints that keep less than
        four cells or a quarter of them lose no rim.

    Returns
    -------
    samples : Samples
        Cells whose centres lie inside.
    sites : Sites
        The footprints.
    cell : float
        Side of a cell [m].
    notes : tuple of str
        What was converted while reading.
    """
    raster = surface.read(bounds, most_cells=MOST_CELLS)
    rows, columns = raster.values.shape
    grid = Grid(raster.west, raster.north, raster.cell, rows, columns)
    _check_below(ground, bounds)
    window = ground.window(bounds)
    if np.isnan(window.z).any():
        message = f"a terrain must have known elevations, {ground.source} lacks all here"
        raise TerrainError(message)
    owner, row, column = cells_inside(footprints, grid)
    level = _ground_of_cells(window, grid, row, column)
    count = len(footprints)
    low, middle = _under(owner, level, footprints, window)
    rim = max(math.ceil(margin / grid.cell - 1e-9), 1)
    labels = np.full((grid.rows, grid.columns), -1, dtype=np.int32)
    labels[row, column] = owner
    inner = _is_inner(labels, rim)[row, column]
    kept = np.bincount(owner[inner], minlength=count)
    cells = np.bincount(owner, minlength=count)
    thin = (kept < _FEWEST_CELLS) | (kept < cells / 4)
    values = raster.values
    z = values[row, column]
    take = np.flatnonzero((inner | thin[owner]) & np.isfinite(z))
    take = take[order_within(owner[take], z[take])]
    samples = Samples(
        owner=owner[take],
        row=row[take],
        column=column[take],
        z=z[take],
        ground=level[take],
        may_be_roof=np.ones(len(take), dtype=np.bool_),
    )
    sites = Sites(
        area=np.where(thin, cells, kept) * grid.cell**2,
        margin=np.where(thin, 0.0, rim * grid.cell),
        ground=middle,
        base=low,
    )
    return samples, sites, grid.cell, (*raster.notes, *ground.notes)


def samples_from_points(
    footprints: Polygons,
    pieces: Iterable[Points],
    ground: Terrain,
    *,
    margin: float,
    cell: float,
) -> tuple[Samples, Sites, "Counter[str]"]:
    """Pick the points of a cloud inside footprints.

    Parameters
    ----------
    footprints, pieces, ground, margin, cell
        See `gis.roof_heights.roof_heights_from_points`.

    Returns
    -------
    samples : Samples
        The order of the points in the cloud has no say in it.
    sites : Sites
        The footprints.
    left_out : Counter of str
        Points that the reader dropped.
    """
    inner, used = _shrink(footprints, margin)
    tree = shapely.STRtree(inner)
    corner = shapely.bounds(inner).reshape(-1, 4)[:, :2]
    shapely.prepare(inner)
    kept: list[FloatArray] = [np.empty((0, 5))]
    left_out: Counter[str] = Counter()
    for piece in pieces:
        left_out.update(piece.left_out)
        if not len(piece):
            continue
        which, owner = tree.query(shapely.points(piece.xyz[:, :2]))
        xyz = piece.xyz[which]
        inside = shapely.intersects_xy(inner[owner], xyz[:, 0], xyz[:, 1])
        # Doubles hold these whole numbers exactly, and one table sorts at once.
        some = np.column_stack([owner, xyz, piece.kind[which]])
        kept.append(some[inside])
    table = np.concatenate(kept)
    owner, x, y, z, kind = table[
        np.lexsort((table[:, 4], table[:, 2], table[:, 1], table[:, 3], table[:, 0]))
    ].T
    whose, kind = owner.astype(np.int64), kind.astype(np.int64)
    is_building = kind == BUILDING
    classed = np.bincount(whose[is_building], minlength=len(inner)) >= FEWEST_BUILDING
    samples = Samples(
        owner=whose,
        row=np.floor((corner[whose, 1] - y) / cell).astype(np.int64),
        column=np.floor((x - corner[whose, 0]) / cell).astype(np.int64),
        z=z,
        ground=ground.sample(x, y),
        may_be_roof=np.where(
            classed[whose], is_building, is_building | np.isin(kind, UNCLASSIFIED)
        ),
    )
    low, middle = ground_under(footprints, ground)
    return samples, Sites(shapely.area(inner), used, middle, low), left_out


_FEWEST_CELLS = 4


def _check_below(ground: Ground, bounds: Bounds) -> None:
    """Refuse a window that lies off the terrain altogether."""
    west, south, east, north = ground.grid.bounds
    if west < bounds[2] and east > bounds[0] and south < bounds[3] and north > bounds[1]:
        return
    message = (
        f"the terrain must overlap the buildings, {ground.source} covers "
        f"E {west:.0f}..{east:.0f}, N {south:.0f}..{north:.0f} and the buildings "
        f"E {bounds[0]:.0f}..{bounds[2]:.0f}, N {bounds[1]:.0f}..{bounds[3]:.0f}; "
        "check the reference systems of both files"
    )
    raise TerrainError(message)


def _ground_of_cells(
    window: GroundWindow, grid: Grid, row: Positions, column: Positions
) -> FloatArray:
    """Level of the terrain at the centres of cells."""
    down = (window.grid.north - grid.north) / grid.cell
    right = (grid.west - window.grid.west) / grid.cell
    if window.grid.cell == grid.cell and down.is_integer() and right.is_integer():
        inside = (
            right + column.min(initial=0) >= 0
            and right + column.max(initial=0) < window.grid.columns
            and down + row.min(initial=0) >= 0
            and down + row.max(initial=0) < window.grid.rows
        )
        if inside:
            return window.levels(row + int(down), column + int(right))
    return window.sample(grid.x[column], grid.y[row])


def _under(
    owner: Positions, level: FloatArray, footprints: Polygons, window: GroundWindow
) -> tuple[FloatArray, FloatArray]:
    """Lowest and median terrain under footprints; at a point where no cell falls in."""
    order = order_within(owner, level)
    low, middle = quantiles(level[order], owner[order], len(footprints), (0.0, 0.5))
    empty = np.isnan(low)
    if empty.any():
        spot = shapely.get_coordinates(shapely.point_on_surface(footprints[empty]))
        low[empty] = middle[empty] = window.sample(spot[:, 0], spot[:, 1])
    return low, middle


def _is_inner(labels: npt.NDArray[np.int32], rim: int) -> BoolArray:
    """Whether all cells within ``rim`` rows and columns have the same label."""
    padded = np.pad(labels, rim, constant_values=-1)
    rows, columns = labels.shape
    inner = labels >= 0
    for step in range(-rim, rim + 1):
        inner &= padded[rim : rim + rows, rim + step : rim + step + columns] == labels
    middle = np.pad(np.where(inner, labels, -1), rim, constant_values=-1)
    for step in range(-rim, rim + 1):
        inner &= middle[rim + step : rim + step + rows, rim : rim + columns] == labels
    return inner


def _shrink(footprints: Polygons, margin: float) -> tuple[Polygons, FloatArray]:
    """Footprints without their rim, and the rim that each could lose [m]."""
    inner, used = footprints.copy(), np.zeros(len(footprints))
    todo = np.arange(len(footprints))
    for width in (margin, margin / 2):
        smaller = shapely.buffer(footprints[todo], -width, join_style="mitre")
        enough = shapely.area(smaller) >= shapely.area(footprints[todo]) / 4
        inner[todo[enough]], used[todo[enough]] = smaller[enough], width
        todo = todo[~enough]
    return inner, used
