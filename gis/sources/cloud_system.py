"""Settle the reference system of a point cloud."""

from pathlib import Path
from typing import Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from gis.crs import (
    HEIGHTS,
    LATITUDES,
    LONGITUDES,
    PLAN,
    WGS84,
    horizontal,
    is_in_area_of_use,
    same_plane,
    vertical,
)
from gis.errors import CrsError
from gis.sources.geotiff import Bounds


def stated_system(header: Any) -> CRS | None:  # noqa: ANN401 (of a library without types)
    """Read the reference system of a header, with its heights where GeoKeys tell them.

    Parameters
    ----------
    header : laspy.LasHeader
        Of a LAS file.

    Returns
    -------
    CRS or None
        None where the file states none.

    Raises
    ------
    CrsError
        If it cannot be understood.
    """
    try:
        crs: CRS | None = header.parse_crs()
    except CRSError as error:
        message = (
            "the reference system of the point cloud must be readable, got "
            f"{str(error)[:80]!r}; write it anew, for example with pdal"
        )
        raise CrsError(" ".join(message.split())) from error
    if crs is None or crs.is_compound:
        return crs
    for record in header.vlrs.get_by_id("LASF_Projection"):
        for key in getattr(record, "geo_keys", ()):
            if key.id == _VERTICAL_KEY and 1024 <= key.value_offset <= 32766:
                try:
                    found: CRS = CRS.from_user_input(
                        f"EPSG:{crs.to_epsg()}+{int(key.value_offset)}"
                    )
                except CRSError:
                    # Old files put other codes there; the plane is still good.
                    return crs
                return found
    return crs


_VERTICAL_KEY = 4096


def check_system(
    stated: CRS | None, assumed: CRS | str | None, path: Path, notes: list[str]
) -> tuple[CRS, float]:
    """Split a reference system into its plane and the unit of its heights.

    Parameters
    ----------
    stated, assumed : CRS, optional
        By the file, and to be taken where the file states none.
    path : Path
        The file, for messages.
    notes : list of str
        Gets a sentence for what is assumed.

    Returns
    -------
    plane : CRS
        Horizontal system.
    metres : float
        Metres in a unit of height.

    Raises
    ------
    CrsError
        If there is no system, or heights are above the ellipsoid.
    """
    if stated is None and assumed is None:
        message = (
            f"a point cloud must have a reference system, {path.name} states none; "
            "name it, for example EPSG:3006+5613 (SWEREF99 TM and RH2000)"
        )
        raise CrsError(message)
    if stated is None:
        stated = CRS.from_user_input(assumed)
        notes.append(f"{path.name} states no reference system, {stated.name} assumed")
    plane = horizontal(stated)
    heights = vertical(stated)
    if heights is None and len(plane.axis_info) == 3:
        message = (
            f"heights must be above sea level, those of {path.name} are above the "
            f"ellipsoid ({plane.name}), some 35 m off in Sweden; convert them to RH2000"
        )
        raise CrsError(message)
    if heights is None:
        notes.append(f"{path.name} does not state its height system, taken as RH2000 in m")
        return plane, 1.0
    metres = float(heights.axis_info[0].unit_conversion_factor)
    if metres != 1.0:
        notes.append(
            f"heights of {path.name} converted from {heights.axis_info[0].unit_name}"
        )
    if not heights.equals(HEIGHTS):
        notes.append(
            f"heights of {path.name} are given in {heights.name} and taken as RH2000 "
            "without a shift"
        )
    return plane, metres


def bounds_in(extent: Bounds, system: CRS, plane: CRS, path: Path) -> Bounds:
    """Bring an extent to another plane.

    Parameters
    ----------
    extent : (west, south, east, north)
        In the system of the file.
    system, plane : CRS
        Of the file, and the one wanted.
    path : Path
        The file, for messages.

    Returns
    -------
    (west, south, east, north)
        In the plane.

    Raises
    ------
    CrsError
        If it cannot be brought there, or the plan does not hold there.
    """
    west, south, east, north = extent
    try:
        if same_plane(plane, PLAN):
            to_degrees = Transformer.from_crs(system, WGS84, always_xy=True)
            x, y = to_degrees.transform(
                [west, east, east, west], [south, south, north, north]
            )
            longitude, latitude = np.asarray(x), np.asarray(y)
            if not is_in_area_of_use(longitude, latitude).all():
                message = (
                    f"the point cloud must lie within {LONGITUDES[0]}..{LONGITUDES[1]} E, "
                    f"{LATITUDES[0]}..{LATITUDES[1]} N, {path.name} covers "
                    f"x {west:.6g}..{east:.6g}, y {south:.6g}..{north:.6g} in "
                    f"{system.name}: the reference system is mislabelled or the place is "
                    "elsewhere"
                )
                raise CrsError(message)
        if same_plane(system, plane):
            return extent
        found = Transformer.from_crs(system, plane, always_xy=True).transform_bounds(
            *extent
        )
    except ProjError as error:
        message = f"{system.name} of {path.name} must be convertible to {plane.name}"
        raise CrsError(message) from error
    if not np.isfinite(found).all():
        message = f"{system.name} of {path.name} must be convertible to {plane.name}"
        raise CrsError(message)
    return (float(found[0]), float(found[1]), float(found[2]), float(found[3]))
