"""Read and write elevation rasters as GeoTIFF."""

import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import CRSError as RasterioCrsError
from rasterio.errors import RasterioError
from rasterio.features import rasterize
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from gis.crs import HEIGHTS, PLAN, PLAN_EPSG, horizontal, same_plane, vertical
from gis.errors import CrsError, OutputError, SourceError, TerrainError
from gis.files import atomic_path
from gis.sources.pointers import OFFLINE, refuse_raster_pointer

MOST_CELLS = 16_000_000
"""Cells kept of one raster (4 km x 4 km at 1 m); beyond it cells are averaged."""

CACHE = 128_000_000
"""Blocks of a raster that are kept for a second look [bytes]."""

Bounds = tuple[float, float, float, float]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Raster:
    """One band on a north-up square grid of the plan.

    Parameters
    ----------
    values : (rows, columns) float
        Row 0 is north; NaN where the file holds nothing.
    west, north : float
        Corner of the first cell, EPSG:3008 [m].
    cell : float
        Side of a cell [m].
    notes : tuple of str
        What was converted on the way in.
    """

    values: FloatArray
    west: float
    north: float
    cell: float
    notes: tuple[str, ...]


TERRAIN, SURFACE = "terrain", "surface model"
"""What messages call a raster of elevations."""


@dataclass(frozen=True)
class OpenRaster:
    """An elevation raster on a north-up square grid of the plan, to be read by window.

    Attributes
    ----------
    name : str
        Of the file.
    west, north, cell : float
        Corner of the first cell and side of a cell, EPSG:3008 [m].
    rows, columns : int
        Cells southwards and eastwards.
    notes : tuple of str
        What is converted on the way in.
    what : str
        What messages call it: ``terrain``, ``surface model``.
    """

    name: str
    west: float
    north: float
    cell: float
    rows: int
    columns: int
    notes: tuple[str, ...]
    what: str
    _cells: "rasterio.io.DatasetReader | WarpedVRT"
    _file: rasterio.io.DatasetReader
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, bounds: Bounds | None, *, most_cells: int = MOST_CELLS) -> Raster:
        """Read a window as `read_raster` does; several threads may take turns."""
        with self._lock:
            return _read_window(self, bounds, most_cells=most_cells)


def read_raster(
    path: Path, bounds: Bounds | None = None, *, most_cells: int = MOST_CELLS
) -> Raster:
    """Read the part of an elevation raster that lies within bounds.

    Only the window that is asked for is read. A raster in another reference system, with
    rotated axes or oblong cells is resampled (bilinear) to square cells of the plan; a
    window of more than ``most_cells`` cells is averaged to coarser ones.

    Parameters
    ----------
    path : Path
        A file that GDAL can read, with one band of elevations in metres.
    bounds : (west, south, east, north), optional
        Extent in EPSG:3008 [m]; the whole raster if not given.
    most_cells : int
        Where averaging begins.

    Returns
    -------
    Raster
        Scaled values; its grid covers the common part of raster and bounds.

    Raises
    ------
    SourceError
        If the file is missing or not a raster.
    CrsError
        If the raster has no reference system, or one that cannot be brought to the plan.
    TerrainError
        If it has not one band of metres, or does not overlap the bounds.
    """
    with open_raster(path) as raster:
        return raster.read(bounds, most_cells=most_cells)


@contextmanager
def open_raster(path: Path, *, what: str = TERRAIN) -> Iterator[OpenRaster]:
    """Open an elevation raster to read windows in the plan; see `read_raster`.

    Parameters
    ----------
    path : Path
        A file that GDAL can read.
    what : str
        What messages call it, as `SURFACE`.
    """
    with ExitStack() as opened:
        source, notes = opened.enter_context(open_elevations(path, what=what))
        cells = source
        if not _lies_straight(source):
            transform, width, height = _target(source, what)
            notes = (*notes, f"{what} resampled from {_name(source)} to EPSG:{PLAN_EPSG}")
            cells = opened.enter_context(
                WarpedVRT(
                    source,
                    src_crs=_plane_wkt(source),
                    crs=PLAN.to_wkt("WKT1_GDAL"),
                    transform=transform,
                    width=width,
                    height=height,
                    resampling=Resampling.bilinear,
                    nodata=source.nodata if source.nodata is not None else math.nan,
                    # Whole decimetres would be rounded again between cells.
                    dtype="float64",
                )
            )
        t = cells.transform
        yield OpenRaster(
            name=path.name,
            west=t.c,
            north=t.f,
            cell=t.a,
            rows=cells.height,
            columns=cells.width,
            notes=notes,
            what=what,
            _cells=cells,
            _file=source,
        )


@contextmanager
def open_elevations(
    path: Path, *, what: str = TERRAIN
) -> Iterator[tuple[rasterio.io.DatasetReader, tuple[str, ...]]]:
    """Open an elevation raster to read windows of it; see `read_raster` for the errors."""
    if not path.is_file():
        message = f"the {what} must be an existing file, got {path}; check the path"
        raise SourceError(message)
    # GDAL would keep blocks in up to 5 % of the machine's memory.
    refuse_raster_pointer(path)
    cache = rasterio.Env(GDAL_CACHEMAX=CACHE, **OFFLINE)
    with _translated(path, what), cache, rasterio.open(path) as source:
        yield source, _check(source, path, what)


def write_raster(
    values: FloatArray, path: Path, *, west: float, north: float, cell: float
) -> None:
    """Write one band of the plan; the same values give the same bytes.

    Parameters
    ----------
    values : (rows, columns) float
        Row 0 is north; without loss, as 64-bit numbers.
    path : Path
        The file; an existing one is replaced.
    west, north : float
        Corner of the first cell, EPSG:3008 [m].
    cell : float
        Side of a cell [m].

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    rows, columns = values.shape
    profile = {
        "driver": "GTiff",
        "dtype": "float64",
        "count": 1,
        "width": columns,
        "height": rows,
        "crs": PLAN.to_wkt("WKT1_GDAL"),
        "transform": Affine(cell, 0.0, west, 0.0, -cell, north),
        "compress": "deflate",
        "predictor": 3,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "num_threads": 1,
    }
    try:
        with (
            atomic_path(path) as temporary,
            rasterio.open(temporary, "w", **profile) as target,
        ):
            target.write(values, 1)
    except RasterioError as error:
        message = (
            f"cannot write {path}: {_one_line(error)}; choose a folder that can be written"
        )
        raise OutputError(message) from error


def label_cells(
    shapes: npt.NDArray[np.object_],
    *,
    west: float,
    north: float,
    cell: float,
    rows: int,
    columns: int,
) -> npt.NDArray[np.int32]:
    """Find the shape that covers the centre of each cell.

    Parameters
    ----------
    shapes : (n,) object
        Polygons in EPSG:3008 that do not overlap.
    west, north, cell : float
        Corner of the first cell and its side [m].
    rows, columns : int
        Number of cells southwards and eastwards.

    Returns
    -------
    (rows, columns) int
        Position of the shape plus one, 0 where there is none.
    """
    labels: npt.NDArray[np.int32] = rasterize(
        zip(shapes, range(1, len(shapes) + 1), strict=True),
        out_shape=(rows, columns),
        transform=Affine(cell, 0.0, west, 0.0, -cell, north),
        fill=0,
        dtype="int32",
    )
    return labels


@contextmanager
def _translated(path: Path, what: str) -> Iterator[None]:
    """Turn the faults of the raster library into ours, its warnings into nothing."""
    try:
        with warnings.catch_warnings():
            # A raster without georeference is refused below, with a better message.
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            yield
    except RasterioCrsError as error:
        message = f"the reference system of {path.name} must be known: {_one_line(error)}"
        raise CrsError(message) from error
    except RasterioError as error:
        message = f"the {what} must be a readable GeoTIFF, got {path}: {_one_line(error)}"
        raise SourceError(message) from error


def _check(source: rasterio.io.DatasetReader, path: Path, what: str) -> tuple[str, ...]:
    """Refuse what is no elevation raster of a known place; note the height system."""
    bands = [i for i, c in enumerate(source.colorinterp, 1) if c != ColorInterp.alpha]
    if len(bands) != 1 or bands[0] != 1:
        message = (
            f"a {what} must have one band of elevations, {path.name} has {source.count} "
            "bands; give the elevation model, not a picture or an archive of layers"
        )
        raise TerrainError(message)
    if np.dtype(source.dtypes[0]).kind not in "iuf":
        message = f"elevations must be real numbers, {path.name} holds {source.dtypes[0]}"
        raise TerrainError(message)
    if source.crs is None or not source.crs.to_wkt():
        message = (
            f"the {what} must have a reference system, {path.name} has none; "
            "assign it, for example with gdal_edit.py -a_srs EPSG:3008"
        )
        raise CrsError(message)
    if source.transform.is_identity:
        message = f"the {what} must say where it lies, {path.name} has no georeference"
        raise TerrainError(message)
    horizontal(source.crs.to_wkt())
    _check_unit((source.units[0] or "").strip().lower(), path)
    heights = vertical(source.crs.to_wkt())
    if heights is None or heights.equals(HEIGHTS):
        return ()
    factor = heights.axis_info[0].unit_conversion_factor
    if factor != 1.0:
        _check_unit(heights.axis_info[0].unit_name, path)
    return (f"{what} heights are given in {heights.name} and taken as RH2000 unchanged",)


def _check_unit(unit: str, path: Path) -> None:
    """Refuse elevations that are not in metres."""
    if unit not in {"", "m", "metre", "metres", "meter", "meters"}:
        message = (
            f"elevations must be in metres, {path.name} is in {unit!r}; "
            "convert it, for example with gdal_calc.py"
        )
        raise TerrainError(message)


def _plane_wkt(source: rasterio.io.DatasetReader) -> str:
    """Horizontal system of a raster as text."""
    return str(horizontal(source.crs.to_wkt()).to_wkt())


def _name(source: rasterio.io.DatasetReader) -> str:
    """Name of a raster's horizontal system."""
    return str(horizontal(source.crs.to_wkt()).name)


def _lies_straight(source: rasterio.io.DatasetReader) -> bool:
    """Whether a raster is north-up, square and in the plan already."""
    t = source.transform
    square = math.isclose(t.a, -t.e, rel_tol=1e-9)
    straight = t.b == 0.0 and t.d == 0.0 and t.a > 0.0
    return square and straight and same_plane(horizontal(source.crs.to_wkt()), PLAN)


def _target(source: rasterio.io.DatasetReader, what: str) -> tuple[Affine, int, int]:
    """Square north-up grid of the plan that covers a raster at its own fineness."""
    corners = [_place(source, *corner) for corner in _corner_cells(source)]
    xs, ys = zip(*corners, strict=True)
    plane = _plane_wkt(source)
    west, south, east, north = transform_bounds(
        plane, PLAN.to_wkt(), min(xs), min(ys), max(xs), max(ys), densify_pts=51
    )
    if not np.isfinite([west, south, east, north]).all():
        message = f"the {what} must be convertible to EPSG:{PLAN_EPSG}, got {_name(source)}"
        raise CrsError(message)
    t = source.transform
    if horizontal(source.crs.to_wkt()).is_geographic:
        x, y = _place(source, source.width / 2, source.height / 2)
        box = (x, y, x + math.hypot(t.a, t.d), y + math.hypot(t.b, t.e))
        w, s, e, n = transform_bounds(plane, PLAN.to_wkt(), *box)
        cell = min(e - w, n - s)
    else:
        cell = min(math.hypot(t.a, t.d), math.hypot(t.b, t.e))
    # Whole decimetres where that costs nothing: cells then fall on readable coordinates.
    cell = max(round(cell, 1), 0.1)
    west, north = math.floor(west / cell) * cell, math.ceil(north / cell) * cell
    width, height = math.ceil((east - west) / cell), math.ceil((north - south) / cell)
    return Affine(cell, 0.0, west, 0.0, -cell, north), width, height


def _place(
    source: rasterio.io.DatasetReader, column: float, row: float
) -> tuple[float, float]:
    """Coordinates of a place given in cells from the raster's first corner."""
    t = source.transform
    return t.a * column + t.b * row + t.c, t.d * column + t.e * row + t.f


def _corner_cells(source: rasterio.io.DatasetReader) -> list[tuple[int, int]]:
    """Column and row of the four corners of a raster."""
    return [(0, 0), (source.width, 0), (0, source.height), (source.width, source.height)]


def _read_window(raster: OpenRaster, bounds: Bounds | None, *, most_cells: int) -> Raster:
    """Read whole cells that touch the bounds, averaged when there are too many."""
    cell, notes = raster.cell, raster.notes
    first_column, first_row, end_column, end_row = 0, 0, raster.columns, raster.rows
    if bounds is not None:
        west, south, east, north = bounds
        first_column = max(math.floor((west - raster.west) / cell), 0)
        end_column = min(math.ceil((east - raster.west) / cell), raster.columns)
        first_row = max(math.floor((raster.north - north) / cell), 0)
        end_row = min(math.ceil((raster.north - south) / cell), raster.rows)
    columns, rows = end_column - first_column, end_row - first_row
    if columns <= 0 or rows <= 0:
        raise TerrainError(_no_overlap(raster, bounds))
    factor = max(math.ceil(math.sqrt(columns * rows / most_cells)), 1)
    if factor > 1:
        columns, rows = max(columns // factor, 1), max(rows // factor, 1)
        notes = (
            *notes,
            f"{raster.what} averaged from {cell:g} m to {cell * factor:g} m cells "
            f"to stay below {most_cells:,} cells",
        )
    window = Window(first_column, first_row, columns * factor, rows * factor)
    # GDAL leaves missing cells out of an average by itself.
    values = raster._cells.read(
        1,
        window=window,
        out_shape=(rows, columns),
        resampling=Resampling.average,
        masked=True,
    )
    filled = np.ma.filled(values.astype(np.float64), np.nan)
    scale, offset = raster._file.scales[0], raster._file.offsets[0]
    if (scale, offset) != (1.0, 0.0):
        filled = filled * scale + offset
    return Raster(
        values=filled,
        west=raster.west + first_column * cell,
        north=raster.north - first_row * cell,
        cell=cell * factor,
        notes=notes,
    )


def _no_overlap(raster: OpenRaster, bounds: Bounds | None) -> str:
    """Say where the raster lies and where it should."""
    west, south, east, north = raster._cells.bounds
    message = (
        f"the {raster.what} must overlap the buildings, {raster.name} covers "
        f"E {west:.0f}..{east:.0f}, N {south:.0f}..{north:.0f}"
    )
    if bounds is not None:
        message += (
            f" and the buildings E {bounds[0]:.0f}..{bounds[2]:.0f}, "
            f"N {bounds[1]:.0f}..{bounds[3]:.0f} (EPSG:{PLAN_EPSG}, with margin)"
        )
    return message + "; check the reference systems of both files"


def _one_line(error: Exception) -> str:
    """First line of a library's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]
