"""Bring coordinates into the plan and check that they belong there."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from gis.errors import CrsError

PLAN_EPSG = 3008
"""SWEREF99 13 30: x = easting, y = northing [m]; the plan of the City of Helsingborg."""

HEIGHT_EPSG = 5613
"""RH2000 [m], the Swedish height system."""

PLAN = CRS.from_epsg(PLAN_EPSG)
HEIGHTS = CRS.from_epsg(HEIGHT_EPSG)
WGS84 = CRS.from_epsg(4326)

LONGITUDES = (10.12, 16.79)
LATITUDES = (54.28, 63.28)
"""Where the plan is accepted [degrees].

EPSG gives 12.12..14.79 E and 55.28..62.28 N as the area of use of EPSG:3008. Two degrees of
longitude and one of latitude are added: there the projection still keeps lengths to 1/1500
(scale error x**2 / (2 R**2) at 225 km from the central meridian).
"""

FloatArray = npt.NDArray[np.float64]


def to_plan(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Reproject a table to the plan (EPSG:3008) and check that it lies there.

    Parameters
    ----------
    frame : GeoDataFrame
        Any geometry in any reference system; missing geometries stay missing.

    Returns
    -------
    GeoDataFrame
        The same rows in EPSG:3008, x = easting, y = northing [m]; elevations unchanged.

    Raises
    ------
    CrsError
        If the table has no reference system, if the system cannot be brought to the plan,
        or if coordinates fall outside the area of use of the plan: the label is wrong,
        the axes are swapped, or the place is elsewhere.
    """
    if frame.crs is None:
        message = (
            "coordinates must come with a reference system, this layer has none; "
            "assign it, for example with ogr2ogr -a_srs EPSG:3008"
        )
        raise CrsError(message)
    crs = horizontal(frame.crs)
    if crs.is_geographic:
        _check_degrees(frame, crs)
    # Elevations are no part of the plan: they pass unchanged.
    level = frame.set_geometry(frame.geometry.to_numpy(), crs=crs)
    try:
        plan = level if same_plane(crs, PLAN) else level.to_crs(PLAN)
    except (ProjError, CRSError) as error:
        message = (
            f"the layer must be convertible to EPSG:{PLAN_EPSG}, got {crs.name}: {error}"
        )
        raise CrsError(" ".join(message.split())) from error
    plan = plan.set_crs(PLAN, allow_override=True)
    _check_area_of_use(plan, frame, crs)
    return plan


def to_wgs84(points: FloatArray) -> FloatArray:
    """Longitude and latitude of points of the plan.

    Parameters
    ----------
    points : (..., 2) float
        Easting and northing, EPSG:3008 [m].

    Returns
    -------
    (..., 2) float
        Longitude and latitude, WGS84 [degrees].

    Examples
    --------
    The central meridian of the plan is 13.5 degrees east, at easting 150 000 m.

    >>> float(to_wgs84(np.array([150_000.0, 6_210_000.0]))[0])
    13.5
    """
    transformer = Transformer.from_crs(PLAN, WGS84, always_xy=True)
    xy = np.asarray(points, dtype=np.float64)
    longitude, latitude = transformer.transform(xy[..., 0], xy[..., 1])
    return np.stack([longitude, latitude], axis=-1)


def from_wgs84(points: FloatArray) -> FloatArray:
    """Points of the plan from longitude and latitude; the inverse of `to_wgs84`.

    Parameters
    ----------
    points : (..., 2) float
        Longitude and latitude, WGS84 [degrees].

    Returns
    -------
    (..., 2) float
        Easting and northing, EPSG:3008 [m].
    """
    transformer = Transformer.from_crs(WGS84, PLAN, always_xy=True)
    lonlat = np.asarray(points, dtype=np.float64)
    x, y = transformer.transform(lonlat[..., 0], lonlat[..., 1])
    return np.stack([x, y], axis=-1)


def horizontal(system: object) -> CRS:
    """Take the horizontal part of a reference system that may also hold heights."""
    try:
        crs: CRS = CRS.from_user_input(system)
    except CRSError as error:
        message = f"the reference system must be known, got {str(system)[:80]!r}"
        raise CrsError(message) from error
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    if not (crs.is_projected or crs.is_geographic):
        message = (
            f"the reference system must be projected or geographic, got {crs.name!r} "
            f"({crs.type_name}); convert the layer to EPSG:{PLAN_EPSG}"
        )
        raise CrsError(message)
    return crs


def vertical(system: object) -> CRS | None:
    """Take the height part of a reference system, None where it says nothing on heights."""
    crs = CRS.from_user_input(system)
    return crs.sub_crs_list[1] if crs.is_compound else None


def same_plane(crs: CRS, other: CRS) -> bool:
    """Whether two systems give the same x (east) and y (north) to a place."""
    if crs.equals(other, ignore_axis_order=True):
        return True
    epsg = crs.to_epsg(min_confidence=90)
    return epsg is not None and epsg == other.to_epsg()


def is_in_area_of_use(longitude: FloatArray, latitude: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether places [degrees] lie where the plan is accepted; False for NaN."""
    inside: npt.NDArray[np.bool_] = (
        (longitude >= LONGITUDES[0])
        & (longitude <= LONGITUDES[1])
        & (latitude >= LATITUDES[0])
        & (latitude <= LATITUDES[1])
    )
    return inside


def _check_degrees(frame: gpd.GeoDataFrame, crs: CRS) -> None:
    """Refuse metres that are labelled as degrees."""
    xy = shapely.get_coordinates(frame.geometry.to_numpy())
    bad = (np.abs(xy[:, 0]) > 360.0) | (np.abs(xy[:, 1]) > 90.0)
    if bad.sum() * 2 > len(xy):
        x, y = xy[bad][0]
        message = (
            f"coordinates in {crs.name} must be degrees, got {x:.7g}, {y:.7g}; "
            "the label of the reference system is wrong, assign the true one "
            f"(perhaps ogr2ogr -a_srs EPSG:{PLAN_EPSG})"
        )
        raise CrsError(message)


def _check_area_of_use(plan: gpd.GeoDataFrame, given: gpd.GeoDataFrame, crs: CRS) -> None:
    """Refuse tables that mostly fall outside the area of use, saying why if possible."""
    inside = features_in_area_of_use(plan)
    present = ~(plan.geometry.isna() | plan.geometry.is_empty).to_numpy()
    outside = int((present & ~inside).sum())
    if outside * 2 <= present.sum():
        return
    bounds = np.asarray(given.geometry.total_bounds, dtype=np.float64)
    hint = "the reference system is mislabelled or the place is elsewhere"
    if _fits_swapped(bounds, crs):
        hint = "the axes are swapped; give x = east first, y = north second"
    message = (
        f"coordinates must lie within {LONGITUDES[0]}..{LONGITUDES[1]} E, "
        f"{LATITUDES[0]}..{LATITUDES[1]} N, where EPSG:{PLAN_EPSG} holds; {outside} of "
        f"{int(present.sum())} features do not (x {bounds[0]:.7g}..{bounds[2]:.7g}, "
        f"y {bounds[1]:.7g}..{bounds[3]:.7g} in {crs.name}): {hint}"
    )
    raise CrsError(message)


def features_in_area_of_use(plan: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    """Whether every corner of each feature's bounds lies in the area of use of the plan.

    Parameters
    ----------
    plan : GeoDataFrame
        A table in EPSG:3008.

    Returns
    -------
    (n,) bool
        False also for missing, empty and non-finite geometries.
    """
    bounds = shapely.bounds(plan.geometry.to_numpy()).reshape(-1, 4)
    finite = np.isfinite(bounds).all(axis=1)
    filled = np.where(finite[:, None], bounds, 0.0)
    corners = to_wgs84(filled.reshape(-1, 2, 2))
    inside = is_in_area_of_use(corners[..., 0], corners[..., 1]).all(axis=1)
    result: npt.NDArray[np.bool_] = inside & finite
    return result


def _fits_swapped(bounds: FloatArray, crs: CRS) -> bool:
    """Whether bounds lie in the area of use once x and y change places."""
    if not np.isfinite(bounds).all():
        return False
    transformer = Transformer.from_crs(crs, WGS84, always_xy=True)
    longitude, latitude = transformer.transform(bounds[[1, 3]], bounds[[0, 2]])
    return bool(is_in_area_of_use(np.asarray(longitude), np.asarray(latitude)).all())
