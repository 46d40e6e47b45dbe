"""Hold the ground as an elevation grid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gis.errors import TerrainError
from gis.sources.geotiff import Bounds, read_raster, write_raster
from gis.voids import fill_nearest as fill_nearest  # found here by older callers
from gis.voids import fill_voids

LOWEST, HIGHEST = -500.0, 9000.0
"""Elevations that the Earth's land can have [m] (Dead Sea shore -430, Everest 8849)."""

MOST_FILLED = 0.5
"""Share of missing cells under the buildings above which a terrain is refused."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Square cells of the plan, row 0 in the north.

    Parameters
    ----------
    west, north : float
        Outer corner of the first cell, EPSG:3008 [m].
    cell : float
        Side of a cell [m].
    rows, columns : int
        Number of cells southwards and eastwards. The centre of a cell lies at
        ``west + (column + 0.5) * cell``, ``north - (row + 0.5) * cell``.
    """

    west: float
    north: float
    cell: float
    rows: int
    columns: int

    def __post_init__(self) -> None:
        """Refuse grids without cells or place."""
        if not (math.isfinite(self.west) and math.isfinite(self.north)):
            message = f"a grid must lie somewhere, got west={self.west}, north={self.north}"
            raise TerrainError(message)
        if not (math.isfinite(self.cell) and self.cell > 0.0):
            message = f"cells must have a positive side, got {self.cell} m"
            raise TerrainError(message)
        if self.rows < 1 or self.columns < 1:
            message = f"a grid needs cells, got {self.rows} rows and {self.columns} columns"
            raise TerrainError(message)

    @property
    def bounds(self) -> Bounds:
        """Outer west, south, east, north [m]."""
        return (
            self.west,
            self.north - self.rows * self.cell,
            self.west + self.columns * self.cell,
            self.north,
        )

    @property
    def x(self) -> FloatArray:
        """Eastings of the cell centres [m], shape (columns,), rising."""
        return self.west + (np.arange(self.columns, dtype=np.float64) + 0.5) * self.cell

    @property
    def y(self) -> FloatArray:
        """Northings of the cell centres [m], shape (rows,), falling."""
        return self.north - (np.arange(self.rows, dtype=np.float64) + 0.5) * self.cell


@dataclass(frozen=True)
class Terrain:
    """Elevation of the ground on a grid.

    Parameters
    ----------
    grid : Grid
        Where the cells lie.
    z : (rows, columns) float
        Elevation at the cell centres, RH2000 [m], without gaps; kept read-only.
    source : str
        Where the elevations come from.

    Raises
    ------
    TerrainError
        If shapes differ or an elevation is missing or not of this Earth.
    """

    grid: Grid
    z: FloatArray
    source: str

    def __post_init__(self) -> None:
        """Check the elevations and guard them against changes."""
        z = np.asarray(self.z, dtype=np.float64).view()
        shape = (self.grid.rows, self.grid.columns)
        if z.shape != shape:
            message = f"elevations must fill the grid of {shape} cells, got shape {z.shape}"
            raise TerrainError(message)
        bad = int(np.count_nonzero(~_is_plausible(z)))
        if bad:
            message = (
                f"elevations must be within {LOWEST:.0f}..{HIGHEST:.0f} m, {bad} of "
                f"{z.size} are missing or outside; fill them first"
            )
            raise TerrainError(message)
        z.flags.writeable = False
        object.__setattr__(self, "z", z)

    def sample(self, x: npt.ArrayLike, y: npt.ArrayLike) -> FloatArray:
        """Elevation at places, bilinear between cell centres.

        Parameters
        ----------
        x, y : array_like
            Easting and northing, EPSG:3008 [m]; broadcast against each other.

        Returns
        -------
        float array of the common shape
            Elevation, RH2000 [m]. Beyond the outermost cell centres the value of the
            nearest place on the border.

        Notes
        -----
        Exact for planes, checked in tests/gis/test_terrain.py.
        """
        grid = self.grid
        column = (np.asarray(x, dtype=np.float64) - grid.west) / grid.cell - 0.5
        row = (grid.north - np.asarray(y, dtype=np.float64)) / grid.cell - 0.5
        column, row = np.broadcast_arrays(
            np.clip(column, 0, grid.columns - 1), np.clip(row, 0, grid.rows - 1)
        )
        c0 = np.minimum(column.astype(np.intp), max(grid.columns - 2, 0))
        r0 = np.minimum(row.astype(np.intp), max(grid.rows - 2, 0))
        c1, r1 = np.minimum(c0 + 1, grid.columns - 1), np.minimum(r0 + 1, grid.rows - 1)
        u, v = column - c0, row - r0
        north = (1.0 - u) * self.z[r0, c0] + u * self.z[r0, c1]
        south = (1.0 - u) * self.z[r1, c0] + u * self.z[r1, c1]
        result: FloatArray = (1.0 - v) * north + v * south
        return result

    def save(self, path: Path) -> None:
        """Write a GeoTIFF in EPSG:3008; the same terrain gives the same bytes.

        Parameters
        ----------
        path : Path
            The file; an existing one is replaced.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        write_raster(
            self.z, path, west=self.grid.west, north=self.grid.north, cell=self.grid.cell
        )


def read_terrain(
    path: Path, bounds: Bounds | None = None, *, margin: float = 200.0
) -> tuple[Terrain, tuple[str, ...]]:
    """Read the ground around some bounds from an elevation raster.

    Parameters
    ----------
    path : Path
        GeoTIFF with elevations in metres, any reference system.
    bounds : (west, south, east, north), optional
        Extent of the buildings, EPSG:3008 [m]; without it the whole raster is read.
    margin : float
        Ground kept around the bounds [m].

    Returns
    -------
    terrain : Terrain
        Without gaps: missing cells are spanned between the known ones, see
        `gis.voids.fill_voids`.
    notes : tuple of str
        What was converted, averaged or filled, with counts.

    Raises
    ------
    SourceError, CrsError, TerrainError
        See `gis.sources.geotiff.read_raster`; also TerrainError if more than half of the
        cells within the bounds are missing.
    """
    padded = None if bounds is None else _pad(bounds, margin)
    raster = read_raster(Path(path), padded)
    rows, columns = raster.values.shape
    grid = Grid(raster.west, raster.north, raster.cell, rows, columns)
    if bounds is not None:
        _check_overlap(grid, bounds, Path(path).name)
    missing = ~np.isfinite(raster.values)
    absurd = ~missing & ~_is_plausible(raster.values)
    _check_gaps(missing | absurd, grid, bounds, Path(path).name)
    notes = list(raster.notes)
    if absurd.any():
        notes.append(
            f"{int(absurd.sum())} terrain cells lie outside {LOWEST:.0f}..{HIGHEST:.0f} m "
            "and were taken as missing"
        )
    gaps = missing | absurd
    if gaps.any():
        notes.append(
            f"{int(gaps.sum()):,} of {gaps.size:,} terrain cells ({gaps.mean():.1%}) were "
            "missing, spanned between the known cells around them (the nearest at the edge)"
        )
    z = fill_voids(np.where(gaps, np.nan, raster.values))
    return Terrain(grid, z, Path(path).name), tuple(notes)


def flat_terrain(bounds: Sequence[float], z: float = 0.0, *, cell: float = 10.0) -> Terrain:
    """Level ground that covers some bounds.

    Parameters
    ----------
    bounds : (west, south, east, north)
        EPSG:3008 [m].
    z : float
        Elevation, RH2000 [m].
    cell : float
        Side of a cell [m].

    Returns
    -------
    Terrain
        On whole multiples of ``cell``.

    Examples
    --------
    >>> flat_terrain((3.0, 5.0, 27.0, 12.0), z=2.5).grid
    Grid(west=0.0, north=20.0, cell=10.0, rows=2, columns=3)
    """
    west, south, east, north = (float(b) for b in bounds)
    if not (west <= east and south <= north):
        message = f"bounds must be west, south, east, north, got {tuple(bounds)}"
        raise TerrainError(message)
    first_column, first_row = math.floor(west / cell), math.ceil(north / cell)
    columns = max(math.ceil(east / cell) - first_column, 1)
    rows = max(first_row - math.floor(south / cell), 1)
    grid = Grid(first_column * cell, first_row * cell, cell, rows, columns)
    return Terrain(grid, np.full((rows, columns), float(z)), "level ground, assumed")


def _pad(bounds: Bounds, margin: float) -> Bounds:
    """Bounds grown by a margin on every side."""
    west, south, east, north = bounds
    return west - margin, south - margin, east + margin, north + margin


def _is_plausible(z: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether elevations can be of this Earth; False for NaN."""
    result: npt.NDArray[np.bool_] = (z >= LOWEST) & (z <= HIGHEST)
    return result


def _check_overlap(grid: Grid, bounds: Bounds, name: str) -> None:
    """Refuse a terrain that only meets the margin around the buildings."""
    west, south, east, north = grid.bounds
    if west < bounds[2] and east > bounds[0] and south < bounds[3] and north > bounds[1]:
        return
    message = (
        f"the terrain must overlap the buildings, {name} ends beside them; "
        "check the reference systems of both files or give the right tile"
    )
    raise TerrainError(message)


def _check_gaps(
    gaps: npt.NDArray[np.bool_], grid: Grid, bounds: Bounds | None, name: str
) -> None:
    """Refuse a terrain that knows too little within the bounds."""
    west, south, east, north = grid.bounds if bounds is None else bounds
    inside_x = (grid.x + grid.cell / 2 > west) & (grid.x - grid.cell / 2 < east)
    inside_y = (grid.y + grid.cell / 2 > south) & (grid.y - grid.cell / 2 < north)
    share = float(gaps[np.ix_(inside_y, inside_x)].mean())
    if share > MOST_FILLED:
        message = (
            f"at least {1 - MOST_FILLED:.0%} of the terrain under the buildings must be "
            f"known, {name} lacks {share:.0%}; give a terrain that covers the district"
        )
        raise TerrainError(message)
