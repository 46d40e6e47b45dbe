"""Read point clouds by window, in pieces, as points of the plan."""

import datetime as dt
import importlib
import logging
import math
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Transformer

from gis.crs import PLAN, same_plane
from gis.errors import ComponentError, CrsError, SourceError
from gis.sources.cloud_system import bounds_in, check_system, stated_system
from gis.sources.copc import check_hierarchy
from gis.sources.geotiff import Bounds
from gis.sources.las_header import read_head
from gis.sources.laz_chunks import check_chunks

GROUND, BUILDING, WATER = 2, 6, 9
VEGETATION = (3, 4, 5)
UNCLASSIFIED = (0, 1)
NOISE = (7, 18)
OVERLAP_CLASS = 12
"""Classes of the ASPRS LAS specification 1.4 R15, tables 9 and 17; 12 means overlap in the
point formats 0 to 5 only, later ones have a flag for it."""

PIECE = 1_000_000
"""Points held at a time while reading."""

STRAY = 1.0
"""Distance beyond the extent in the header at which points count as stray [m]."""

LOWEST, HIGHEST = -500.0, 9500.0
"""Elevations that points can have [m]: the Earth's land and what stands on it."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_INSTALL = 'install it with make extras, or pip install ".[pointcloud]" in the checkout'
_GPS_EPOCH = dt.date(1980, 1, 6)
_GPS_OFFSET = 1e9
_FIRST_YEAR = 1990


@dataclass(frozen=True)
class Points:
    """Some points of a cloud.

    Attributes
    ----------
    xyz : (n, 3) float
        Easting, northing in the plan and height in RH2000 [m].
    kind : (n,) uint8
        Class by the ASPRS list.
    left_out : Counter of str
        What was dropped on the way to these points, by reason.
    """

    xyz: FloatArray
    kind: npt.NDArray[np.uint8]
    left_out: "Counter[str]" = field(default_factory=Counter)

    def __len__(self) -> int:
        """Count the points."""
        return len(self.xyz)


@dataclass(frozen=True)
class PointCloud:
    """A file of points that can be read.

    Attributes
    ----------
    path : Path
        LAS, LAZ or COPC.
    count : int
        Points by the header.
    system, plane : CRS
        Horizontal system of the file, and the one that points are given in.
    metres : float
        Metres in a unit of the file's heights.
    extent : (west, south, east, north)
        By the header, in the system of the file.
    bounds : (west, south, east, north)
        The same in the plane that points are given in.
    is_copc : bool
        Whether windows can be read without the rest.
    year : int or None
        Year of the flight by the clock of the points, else of the file.
    notes : tuple of str
        What was assumed or converted.
    """

    path: Path
    count: int
    system: CRS
    plane: CRS
    metres: float
    extent: Bounds
    bounds: Bounds
    is_copc: bool
    year: int | None
    notes: tuple[str, ...]


def open_point_cloud(
    path: Path,
    *,
    system: CRS | str | None = None,
    plane: CRS = PLAN,
    year: int | None = None,
) -> PointCloud:
    """Read the header of a point cloud and check that it can be used.

    Parameters
    ----------
    path : Path
        LAS, LAZ or COPC.
    system : CRS or str, optional
        Reference system to assume if the file states none, such as "EPSG:3006+5613".
    plane : CRS
        Horizontal system that points are wanted in; the plan unless the work is elsewhere.
    year : int, optional
        Year of the flight where it is known better than the file tells.

    Returns
    -------
    PointCloud
        For `read_pieces` and `read_points`.

    Raises
    ------
    ComponentError
        If laspy or lazrs is not installed.
    SourceError
        If the file is missing, damaged, cut short or claims what it cannot hold.
    CrsError
        If it has no reference system, or lies outside the plan.
    """
    path = Path(path)
    head = read_head(path)
    laspy = _laspy(compressed=head.is_compressed)
    notes: list[str] = []
    if head.is_compressed and head.count:
        with _translated(path):
            check_chunks(path, head, importlib.import_module("lazrs"))
    with _opened(laspy, path) as reader:
        if reader.header.point_count != head.count:
            message = f"{path.name} tells two numbers of points; export it again"
            raise SourceError(message)
        given = stated_system(reader.header)
        clock = _flight_year(reader) if head.count else None
    if head.is_copc:
        check_hierarchy(path, head)
    given, metres = check_system(given, system, path, notes)
    if year is None:
        year = clock or head.year
        if clock is None and year is not None:
            notes.append(
                f"{path.name} does not say when it was flown, the year of the file "
                f"({year}) is taken"
            )
    bounds = bounds_in(head.extent, given, plane, path)
    return PointCloud(
        path=path,
        count=head.count,
        system=given,
        plane=plane,
        metres=metres,
        extent=head.extent,
        bounds=bounds,
        is_copc=head.is_copc,
        year=year,
        notes=tuple(notes),
    )


def read_pieces(
    cloud: PointCloud, bounds: Bounds | None = None, *, piece: int = PIECE
) -> Iterator[Points]:
    """Read the usable points within bounds, some at a time.

    Withheld points, noise (classes 7 and 18), overlap and points that cannot be of this
    Earth or lie beyond the header's extent are dropped and counted.

    Parameters
    ----------
    cloud : PointCloud
        An open cloud.
    bounds : (west, south, east, north), optional
        Window in the cloud's plane [m]; the western and southern edges belong to it, so
        that windows side by side share no point. All points if not given.
    piece : int
        Most points held at a time; a COPC file is read by parts of the window that hold
        about as many.

    Yields
    ------
    Points
        In the order of the file; pieces can be empty.

    Raises
    ------
    ComponentError, SourceError
        As `open_point_cloud`; a file that is cut short is told when its end is reached.
    """
    window = None if bounds is None else _native_window(cloud, bounds)
    if window is not None and _is_apart(window, cloud.extent):
        return
    laspy = _laspy(compressed=True)
    transformer = _transformer(cloud)
    # A generator stops between pieces: what the caller raises there is not translated.
    with _translated(cloud.path):
        if cloud.is_copc:
            records = _query(laspy, cloud, window, piece)
        else:
            records = _run_through(laspy, cloud, piece)
        for record, part in records:
            yield _take(record, cloud, part or window, bounds, transformer)


def read_points(
    cloud: PointCloud, bounds: Bounds | None = None
) -> tuple[Points, tuple[str, ...]]:
    """Read all usable points within bounds at once.

    Parameters
    ----------
    cloud : PointCloud
        An open cloud.
    bounds : (west, south, east, north), optional
        As in `read_pieces`. Memory grows with the points inside, not with the file.

    Returns
    -------
    points : Points
        In the order of the file.
    notes : tuple of str
        Those of the cloud, and what was dropped.
    """
    pieces = list(read_pieces(cloud, bounds))
    left_out: Counter[str] = Counter()
    for some in pieces:
        left_out.update(some.left_out)
    points = Points(
        np.concatenate([np.empty((0, 3)), *(some.xyz for some in pieces)]),
        np.concatenate([np.empty(0, np.uint8), *(some.kind for some in pieces)]),
        left_out,
    )
    return points, (*cloud.notes, *tell_left_out(left_out))


def tell_left_out(left_out: "Counter[str]") -> tuple[str, ...]:
    """Say what was dropped.

    Parameters
    ----------
    left_out : Counter of str
        As in `Points`.

    Returns
    -------
    tuple of str
        A sentence a reason.
    """
    return tuple(
        f"{count:,} {'point' if count == 1 else 'points'} left out: {reason}"
        for reason, count in sorted(left_out.items())
        if count
    )


def _laspy(*, compressed: bool) -> Any:  # noqa: ANN401 (a module without types)
    """Load the library, or say how to install it."""
    try:
        import laspy
    except ImportError as error:
        message = f"point clouds need the component laspy, which is missing; {_INSTALL}"
        raise ComponentError(message) from error
    if compressed and not laspy.LazBackend.detect_available():
        message = f"compressed point clouds need lazrs, which is missing; {_INSTALL}"
        raise ComponentError(message)
    return laspy


@contextmanager
def _opened(laspy: Any, path: Path) -> Iterator[Any]:  # noqa: ANN401
    """Open a file, and close it also where the library fails on its way."""
    with path.open("rb") as file, _translated(path):
        yield laspy.open(file, closefd=False)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn the faults of the point library into one line."""
    laspy = _laspy(compressed=False)
    faults: tuple[type[BaseException], ...] = (
        laspy.errors.LaspyException,
        struct.error,
        RuntimeError,  # of lazrs
        ValueError,
        KeyError,
        IndexError,
        AttributeError,  # of laspy, where a record it counts on is absent
        AssertionError,
        OverflowError,
        MemoryError,
        EOFError,
        OSError,
    )
    log = logging.getLogger("laspy")
    before = log.level
    # What the library thinks of a broken record would be a second line beside ours.
    log.setLevel(logging.CRITICAL)
    try:
        yield
    except (SourceError, CrsError, ComponentError):
        raise
    except faults as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        message = (
            f"the point cloud must be a readable LAS, LAZ or COPC file, {path.name} is "
            f"damaged or cut short ({reason or type(error).__name__}); fetch it again"
        )
        raise SourceError(message) from error
    finally:
        log.setLevel(before)


def _flight_year(reader: Any) -> int | None:  # noqa: ANN401
    """Year of the first point by its GPS clock, None where that runs by the week."""
    header = reader.header
    if "gps_time" not in header.point_format.dimension_names:
        return None
    if int(header.global_encoding.gps_time_type) != 1:
        return None
    seconds = float(reader.read_points(1).gps_time[0]) + _GPS_OFFSET
    if not (math.isfinite(seconds) and 0.0 < seconds < 5e9):
        return None
    year = (_GPS_EPOCH + dt.timedelta(seconds=seconds)).year
    return year if year >= _FIRST_YEAR else None


def _native_window(cloud: PointCloud, bounds: Bounds) -> Bounds:
    """Window in the system of the file that covers one of the plane."""
    if same_plane(cloud.system, cloud.plane):
        return bounds
    back = Transformer.from_crs(cloud.plane, cloud.system, always_xy=True)
    found = back.transform_bounds(*bounds)
    return (float(found[0]), float(found[1]), float(found[2]), float(found[3]))


def _is_apart(one: Bounds, other: Bounds) -> bool:
    """Whether two extents share nothing."""
    return (
        one[0] > other[2] + STRAY
        or one[2] < other[0] - STRAY
        or one[1] > other[3] + STRAY
        or one[3] < other[1] - STRAY
    )


def _transformer(cloud: PointCloud) -> Transformer | None:
    """Way from the system of the file to the plane, None if they are the same."""
    if same_plane(cloud.system, cloud.plane):
        return None
    return Transformer.from_crs(cloud.system, cloud.plane, always_xy=True)


def _run_through(
    laspy: Any,  # noqa: ANN401
    cloud: PointCloud,
    piece: int,
) -> Iterator[tuple[Any, Bounds | None]]:
    """Give the records of a file from first to last."""
    with _opened(laspy, cloud.path) as reader:
        read = 0
        for record in reader.chunk_iterator(piece):
            read += len(record)
            yield record, None
        if read != cloud.count:
            message = (
                f"{cloud.path.name} must hold the {cloud.count:,} points of its header, it "
                f"ends after {read:,}; fetch it again"
            )
            raise SourceError(message)


def _query(
    laspy: Any,  # noqa: ANN401
    cloud: PointCloud,
    window: Bounds | None,
    piece: int,
) -> Iterator[tuple[Any, Bounds | None]]:
    """Give the records of a COPC file by parts of a window, each with its part."""
    # Points on the edge of the extent belong to it, and coordinates are rounded.
    west, south = cloud.extent[0] - STRAY, cloud.extent[1] - STRAY
    east, north = cloud.extent[2] + STRAY, cloud.extent[3] + STRAY
    if window is not None:
        west, south = max(window[0], west), max(window[1], south)
        east, north = min(window[2], east), min(window[3], north)
    if not (west < east and south < north):
        return
    share = (east - west) * (north - south) / max(_area(cloud.extent), 1e-9)
    parts = max(math.ceil(math.sqrt(min(share, 1.0) * cloud.count / piece)), 1)
    xs, ys = np.linspace(west, east, parts + 1), np.linspace(south, north, parts + 1)
    with cloud.path.open("rb") as file:
        reader = laspy.CopcReader(file)
        for y0, y1 in pairwise(ys):
            for x0, x1 in pairwise(xs):
                part = laspy.copc.Bounds(np.array([x0, y0]), np.array([x1, y1]))
                yield reader.query(part), (float(x0), float(y0), float(x1), float(y1))


def _area(extent: Bounds) -> float:
    """Area of an extent."""
    return (extent[2] - extent[0]) * (extent[3] - extent[1])


def _take(
    record: Any,  # noqa: ANN401
    cloud: PointCloud,
    window: Bounds | None,
    bounds: Bounds | None,
    transformer: Transformer | None,
) -> Points:
    """Keep the usable points of a record that lie in the window."""
    x, y = np.asarray(record.x, dtype=np.float64), np.asarray(record.y, dtype=np.float64)
    inside = np.ones(len(x), dtype=np.bool_) if window is None else _is_within(x, y, window)
    left_out: Counter[str] = Counter()
    z = np.asarray(record.z, dtype=np.float64) * cloud.metres
    kind = np.asarray(record.classification, dtype=np.uint8)
    west, south, east, north = cloud.extent
    strays = ~(
        (x >= west - STRAY)
        & (x <= east + STRAY)
        & (y >= south - STRAY)
        & (y <= north + STRAY)
        & (z >= LOWEST)
        & (z <= HIGHEST)
    )
    reasons = {
        "beyond the extent of the file or of this Earth": strays,
        "withheld": np.asarray(record.withheld, dtype=np.bool_),
        "noise": np.isin(kind, NOISE),
        "overlap of flight lines": _is_overlap(record, kind),
    }
    keep = inside
    for reason, bad in reasons.items():
        left_out[reason] += int((keep & bad).sum())
        keep = keep & ~bad
    x, y, z, kind = x[keep], y[keep], z[keep], kind[keep]
    if transformer is not None and len(x):
        x, y = transformer.transform(x, y)
    xyz = np.column_stack([x, y, z])
    finite = np.isfinite(xyz).all(axis=1)
    if bounds is not None:
        # The window in the system of the file is a little larger than the one asked for.
        finite &= _is_within(xyz[:, 0], xyz[:, 1], bounds)
    return Points(xyz[finite], kind[finite], left_out)


def _is_within(x: FloatArray, y: FloatArray, window: Bounds) -> BoolArray:
    """Whether places lie in a window that owns its western and southern edge."""
    west, south, east, north = window
    inside: BoolArray = (x >= west) & (x < east) & (y >= south) & (y < north)
    return inside


def _is_overlap(record: Any, kind: npt.NDArray[np.uint8]) -> BoolArray:  # noqa: ANN401
    """Whether points are marked as doubles of another flight line."""
    if "overlap" in record.point_format.dimension_names:
        return np.asarray(record.overlap, dtype=np.bool_)
    result: BoolArray = kind == OVERLAP_CLASS
    return result
