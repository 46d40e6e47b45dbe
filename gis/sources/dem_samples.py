"""Sample elevation rasters at scattered places, window by window."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from pyproj import Transformer
from rasterio.windows import Window

from gis.crs import WGS84, horizontal
from gis.sources.geotiff import open_elevations

WINDOW = 1024
"""Side of the windows that are read [cells]; 4 MB each."""

CHUNK = 1_000_000
"""Places that are turned into cells at once."""

PLAUSIBLE = (-500.0, 9000.0)
"""Elevations that land can have [m]; others are taken as missing."""

FloatArray = npt.NDArray[np.float64]


def sample_elevations(
    paths: Sequence[Path], longitude: FloatArray, latitude: FloatArray
) -> tuple[FloatArray, tuple[str, ...]]:
    """Elevation of places, bilinear between cell centres.

    Parameters
    ----------
    paths : sequence of Path
        Rasters of elevations in metres, any reference system; where they overlap the first
        that knows a place counts.
    longitude, latitude : (n,) float
        WGS84 [degrees].

    Returns
    -------
    z : (n,) float
        Elevation [m]; NaN where no raster knows it. Beyond the outermost cell centres the
        value of the nearest one; beside an unknown cell the mean of the known ones.
    notes : tuple of str
        What was taken unchanged.

    Raises
    ------
    SourceError, CrsError, TerrainError
        See `gis.sources.geotiff.read_raster`.

    Notes
    -----
    Only windows that hold a place are read, each once, so that memory does not grow with
    the raster.
    """
    z = np.full(len(longitude), np.nan)
    notes: list[str] = []
    for path in paths:
        with open_elevations(path) as (source, told):
            notes += told
            missing = np.flatnonzero(np.isnan(z))
            for some in np.array_split(missing, max(-(-len(missing) // CHUNK), 1)):
                column, row = _cells(source, longitude[some], latitude[some])
                inside = (column >= 0) & (column < source.width)
                inside &= (row >= 0) & (row < source.height)
                z[some[inside]] = _sample(source, column[inside], row[inside])
    return z, tuple(dict.fromkeys(notes))


def cell_size(path: Path, *, longitude: float, latitude: float) -> float:
    """Side of a raster's cells near a place [m], the shorter one of the two."""
    with open_elevations(path) as (source, _):
        transformer = Transformer.from_crs(
            WGS84, horizontal(source.crs.to_wkt()), always_xy=True
        )
        north = 1e-3
        east = north / max(np.cos(np.radians(latitude)), 1e-3)
        x, y = transformer.transform(
            [longitude, longitude + east, longitude], [latitude, latitude, latitude + north]
        )
        column, row = _in_cells(source, np.asarray(x), np.asarray(y))
        metres = np.radians(north) * 6_371_000.0
        cells = np.hypot(column[1:] - column[0], row[1:] - row[0]).max()
        return float(metres / cells)


def _cells(
    source: rasterio.io.DatasetReader, longitude: FloatArray, latitude: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Column and row of places, counted from the raster's first corner."""
    plane = horizontal(source.crs.to_wkt())
    transformer = Transformer.from_crs(WGS84, plane, always_xy=True)
    x, y = transformer.transform(longitude, latitude)
    column, row = _in_cells(source, np.asarray(x), np.asarray(y))
    outside = ~(np.isfinite(column) & np.isfinite(row))
    return np.where(outside, -1.0, column), np.where(outside, -1.0, row)


def _in_cells(
    source: rasterio.io.DatasetReader, x: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Column and row of coordinates in the raster's own system."""
    t = ~source.transform
    return t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f


def _sample(
    source: rasterio.io.DatasetReader, column: FloatArray, row: FloatArray
) -> FloatArray:
    """Elevations at places given in cells, all of them on the raster."""
    across = -(-source.width // WINDOW)
    tile = (row // WINDOW).astype(np.intp) * across + (column // WINDOW).astype(np.intp)
    order = np.argsort(tile, kind="stable")
    starts = np.flatnonzero(np.diff(tile[order], prepend=-1))
    z = np.empty(len(column))
    for places in np.split(order, starts[1:]) if len(order) else []:
        top, left = divmod(int(tile[places[0]]), across)
        z[places] = _sample_window(
            source, column[places], row[places], top * WINDOW, left * WINDOW
        )
    return z


def _sample_window(
    source: rasterio.io.DatasetReader,
    column: FloatArray,
    row: FloatArray,
    top: int,
    left: int,
) -> FloatArray:
    """Elevations within one window, which is read with a cell more on every side."""
    first_row, first_column = max(top - 1, 0), max(left - 1, 0)
    end_row = min(top + WINDOW + 1, source.height)
    end_column = min(left + WINDOW + 1, source.width)
    window = Window(first_column, first_row, end_column - first_column, end_row - first_row)
    masked = source.read(1, window=window, masked=True).astype(np.float64)
    cells = np.ma.filled(masked, np.nan) * source.scales[0] + source.offsets[0]
    cells[~((cells >= PLAUSIBLE[0]) & (cells <= PLAUSIBLE[1]))] = np.nan
    rows, columns = cells.shape
    # Counted between cell centres; at the raster's border the outermost centre counts.
    v = np.clip(row - first_row - 0.5, 0, rows - 1)
    u = np.clip(column - first_column - 0.5, 0, columns - 1)
    r0 = np.minimum(v.astype(np.intp), max(rows - 2, 0))
    c0 = np.minimum(u.astype(np.intp), max(columns - 2, 0))
    total, weight = np.zeros(len(u)), np.zeros(len(u))
    for r, c, share in _corners(r0, c0, u - c0, v - r0, (rows, columns)):
        value = cells[r, c]
        known = ~np.isnan(value)
        total += np.where(known, value * share, 0.0)
        weight += np.where(known, share, 0.0)
    with np.errstate(invalid="ignore"):
        result: FloatArray = total / weight
    return result


def _corners(
    r0: npt.NDArray[np.intp],
    c0: npt.NDArray[np.intp],
    u: FloatArray,
    v: FloatArray,
    shape: tuple[int, int],
) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], FloatArray]]:
    """Return the four cells around each place with their weights."""
    r1, c1 = np.minimum(r0 + 1, shape[0] - 1), np.minimum(c0 + 1, shape[1] - 1)
    yield r0, c0, (1 - v) * (1 - u)
    yield r0, c1, (1 - v) * u
    yield r1, c0, v * (1 - u)
    yield r1, c1, v * u
