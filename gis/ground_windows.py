"""Measure the ground under footprints window by window."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely

from gis.cells_inside import cells_inside
from gis.cores import spread
from gis.errors import TerrainError
from gis.faults import count_things
from gis.roof_cells import order_within, quantiles
from gis.sources.geotiff import Bounds, OpenRaster, open_raster
from gis.terrain import HIGHEST, LOWEST, MOST_FILLED, Grid, Terrain
from gis.tiles import footprint_tiles
from gis.voids import fill_voids

MOST_CELLS = 20_000_000
"""Cells of a window; finer rasters are averaged there."""

RIM = 2
"""Cells around footprints that levels between cell centres need."""

MARGIN = 200.0
"""Ground around a window from which missing cells are spanned [m]."""

MOST_RIM = 5_000
"""Known cells beside gaps of a window that are joined by triangles (a third of a second);
with more of them the nearest known cell does, see `gis.voids`."""

FloatArray = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
Polygons = npt.NDArray[np.object_]


@dataclass(frozen=True)
class GroundWindow:
    """Some cells of a grid of elevations.

    Attributes
    ----------
    grid : Grid
        The whole grid: places are counted from its corner, so that a level is the same to
        the bit whatever the window it is taken from.
    top, left : int
        Row and column of the first cell that is held.
    z : (rows, columns) float
        Elevation, RH2000 [m]; NaN everywhere or nowhere.
    missing, asked : int
        Cells that the source does not know, of those that were asked for.
    """

    grid: Grid
    top: int
    left: int
    z: FloatArray
    missing: int
    asked: int

    def sample(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Elevation at places of the window, as `gis.terrain.Terrain.sample` gives it."""
        grid = self.grid
        column = np.clip((x - grid.west) / grid.cell - 0.5, 0, grid.columns - 1)
        row = np.clip((grid.north - y) / grid.cell - 0.5, 0, grid.rows - 1)
        c0 = np.minimum(column.astype(np.intp), max(grid.columns - 2, 0))
        r0 = np.minimum(row.astype(np.intp), max(grid.rows - 2, 0))
        u, v = column - c0, row - r0
        width = self.z.shape[1]
        # One index into the flat array costs a third of a pair of them.
        place = (r0 - self.top) * width + (c0 - self.left)
        east = np.minimum(c0 + 1, grid.columns - 1) - c0
        south = (np.minimum(r0 + 1, grid.rows - 1) - r0) * width
        z = self.z.ravel()
        upper = (1.0 - u) * z[place] + u * z[place + east]
        place += south
        lower = (1.0 - u) * z[place] + u * z[place + east]
        result: FloatArray = (1.0 - v) * upper + v * lower
        return result

    def levels(self, row: Positions, column: Positions) -> FloatArray:
        """Elevation of cells, counted in the whole grid."""
        place = (row - self.top) * self.z.shape[1] + (column - self.left)
        result: FloatArray = self.z.ravel()[place]
        return result


@dataclass(frozen=True)
class Ground:
    """Elevations that can be asked for by window.

    Attributes
    ----------
    grid : Grid
        All cells.
    source : str
        Where the elevations come from.
    notes : tuple of str
        What is converted on the way in.
    """

    grid: Grid
    source: str
    notes: tuple[str, ...]
    _held: Terrain | OpenRaster

    def window(self, bounds: Bounds) -> GroundWindow:
        """Cells around some bounds; several threads may ask.

        Parameters
        ----------
        bounds : (west, south, east, north)
            EPSG:3008 [m]; beyond the grid the nearest cells are given.

        Returns
        -------
        GroundWindow
            Missing cells are spanned between the known ones up to `MARGIN` around, see
            `gis.voids.fill_voids`. Its grid is coarser than the whole where the window
            would have more than `MOST_CELLS` cells.
        """
        grid = self.grid
        if isinstance(self._held, Terrain):
            top, bottom, left, right = _cells_around(grid, bounds, RIM)
            held = np.ascontiguousarray(self._held.z[top:bottom, left:right])
            return GroundWindow(grid, top, left, held, 0, held.size)
        around = _cells_around(grid, bounds, RIM)
        whole, top, left, z = _read(self._held, grid, around)
        gaps = ~((z >= LOWEST) & (z <= HIGHEST))
        missing, asked = int(np.count_nonzero(gaps)), gaps.size
        if missing:
            wide = _cells_around(grid, bounds, RIM + int(np.ceil(MARGIN / grid.cell)))
            whole, top, left, z = _read(self._held, grid, wide)
            z[~((z >= LOWEST) & (z <= HIGHEST))] = np.nan
            if not np.isnan(z).all():
                z = fill_voids(z, most_rim=MOST_RIM)
        return GroundWindow(whole, top, left, z, missing, asked)


@contextmanager
def open_ground(ground: Terrain | Path) -> Iterator[Ground]:
    """Open a terrain to ask for windows of it.

    Parameters
    ----------
    ground : Terrain or Path
        Elevations in memory, or a GeoTIFF of which only windows are read.

    Yields
    ------
    Ground

    Raises
    ------
    SourceError, CrsError, TerrainError
        See `gis.sources.geotiff.read_raster`.
    """
    if isinstance(ground, Terrain):
        yield Ground(ground.grid, ground.source, (), ground)
        return
    with open_raster(Path(ground)) as raster:
        grid = Grid(raster.west, raster.north, raster.cell, raster.rows, raster.columns)
        yield Ground(grid, raster.name, raster.notes, raster)


def ground_levels(
    polygons: Polygons, ground: Ground
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Lowest and median ground under footprints.

    Parameters
    ----------
    polygons : (n,) object
        Polygons, EPSG:3008 [m].
    ground : Ground
        The terrain.

    Returns
    -------
    lowest, median : (n,) float
        See `gis.heights.ground_under`.
    notes : tuple of str
        What was missing.

    Raises
    ------
    GeometryError
        If a polygon is empty or not finite.
    TerrainError
        If more than `gis.terrain.MOST_FILLED` of the ground around footprints is missing.
    """
    lowest, median = np.full((2, len(polygons)), np.nan)
    missing = cells = 0

    def measure(
        tile: tuple[Positions, Bounds],
    ) -> tuple[Positions, GroundWindow, FloatArray]:
        rows, bounds = tile
        window = ground.window(bounds)
        return rows, window, _levels(polygons[rows], window)

    for rows, window, levels in spread(measure, footprint_tiles(polygons)):
        lowest[rows], median[rows] = levels
        missing += window.missing
        cells += window.asked
    if missing > MOST_FILLED * cells:
        message = (
            f"at least {1 - MOST_FILLED:.0%} of the terrain under the buildings must be "
            f"known, {ground.source} lacks {missing / cells:.0%}; give a terrain that "
            "covers the district"
        )
        raise TerrainError(message)
    notes = []
    if missing:
        notes.append(
            f"{missing:,} terrain cells around footprints were missing, spanned between "
            "the known cells around them (the nearest at the edge)"
        )
    unknown = np.isnan(lowest)
    if unknown.any():
        known = np.flatnonzero(~unknown)
        tree = shapely.STRtree(polygons[known])
        nearest = known[tree.nearest(polygons[unknown])]
        lowest[unknown], median[unknown] = lowest[nearest], median[nearest]
        notes.append(
            f"{count_things(int(unknown.sum()), 'footprint')} without any terrain within "
            f"{MARGIN:g} m, set on the level of the nearest one that has"
        )
    return lowest, median, tuple(notes)


def _levels(polygons: Polygons, window: GroundWindow) -> FloatArray:
    """Lowest and median level of the ground under polygons of a window, (2, n)."""
    count = len(polygons)
    outline, owner = shapely.get_coordinates(
        shapely.segmentize(polygons, window.grid.cell / 2), return_index=True
    )
    edge = window.sample(outline[:, 0], outline[:, 1])
    by_edge = np.minimum.reduceat(edge, np.flatnonzero(np.diff(owner, prepend=-1)))
    inside, row, column = cells_inside(polygons, window.grid)
    level = window.levels(row, column)
    order = order_within(inside, level)
    low, median = quantiles(level[order], inside[order], count, (0.0, 0.5))
    # Finer than the cells: the outline has to do.
    fine = np.isnan(median)
    if fine.any():
        mine = np.flatnonzero(fine[owner])
        order = mine[order_within(owner[mine], edge[mine])]
        median[fine] = quantiles(edge[order], owner[order], count, (0.5,))[0][fine]
    return np.stack([np.fmin(by_edge, low), median])


def _cells_around(grid: Grid, bounds: Bounds, rim: int) -> tuple[int, int, int, int]:
    """First and end row, first and end column of the cells around bounds, at least one."""
    west, south, east, north = bounds
    # Clipped before they become whole numbers, which have no room for absurd coordinates.
    spans = (
        (grid.north - north, grid.north - south, grid.rows),
        (west - grid.west, east - grid.west, grid.columns),
    )
    ends = []
    for begin, end, most in spans:
        first = np.clip(np.floor(begin / grid.cell) - rim, 0, max(most - 1 - rim, 0))
        after = np.clip(np.ceil(end / grid.cell) + rim, min(rim + 1, most), most)
        ends += [int(first), int(after)]
    top, bottom, left, right = ends
    return top, bottom, left, right


def _read(
    raster: OpenRaster, grid: Grid, cells: tuple[int, int, int, int]
) -> tuple[Grid, int, int, FloatArray]:
    """Read some cells; also the grid that they are of, and the first row and column."""
    top, bottom, left, right = cells
    # Between the centres of the outermost cells, so that rounding adds no others.
    window = raster.read(
        (
            grid.west + (left + 0.5) * grid.cell,
            grid.north - (bottom - 0.5) * grid.cell,
            grid.west + (right - 0.5) * grid.cell,
            grid.north - (top + 0.5) * grid.cell,
        ),
        most_cells=MOST_CELLS,
    )
    if window.cell == grid.cell:
        return grid, top, left, window.values
    rows, columns = window.values.shape
    return Grid(window.west, window.north, window.cell, rows, columns), 0, 0, window.values
