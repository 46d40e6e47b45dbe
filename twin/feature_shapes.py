"""Lay shapes out in the reference systems in which features are asked for."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.crs import to_wgs84
from meshes.formats.ellipsoid import HELSINGBORG_GEOID
from meshes.polygons import FloatArray, IntArray, Polygons

DEGREE_DIGITS, METRE_DIGITS = 7, 3
"""Decimals of degrees, a centimetre, and of metres."""

UPRIGHT = 1e-6
"""Upward part of a unit normal below which a face is a line when seen from above."""

ShapeArray = NDArray[np.object_]


@dataclass(frozen=True)
class System:
    """A reference system.

    Attributes
    ----------
    uri : str
    degrees : bool
        Longitude before latitude; else northing before easting, as EPSG has them.
    heights : bool
        Whether there is a third axis: in degrees above the ellipsoid, else RH2000 [m].
    """

    uri: str
    degrees: bool
    heights: bool


_CRS = "http://www.opengis.net/def/crs"
CRS84 = System(f"{_CRS}/OGC/1.3/CRS84", degrees=True, heights=False)
CRS84H = System(f"{_CRS}/OGC/0/CRS84h", degrees=True, heights=True)
PLAN = System(f"{_CRS}/EPSG/0/3008", degrees=False, heights=False)
PLAN_HEIGHT = System(f"{_CRS}/EPSG/0/5847", degrees=False, heights=True)
"""SWEREF99 13 30 with RH2000 heights: EPSG:3008 and EPSG:5613 together."""

SYSTEMS = {system.uri: system for system in (CRS84, CRS84H, PLAN, PLAN_HEIGHT)}


def laid_out(shapes: ShapeArray, system: System) -> ShapeArray:
    """Bring shapes of the plan to a reference system.

    Parameters
    ----------
    shapes : (n,) of shapely geometry
        EPSG:3008, east before north, and RH2000 if there are heights [m].
    system : System
        Heights that it lacks are left away.

    Returns
    -------
    (n,) of shapely geometry
        Rounded to a centimetre or less; without heights all of them valid.
    """

    def move(points: FloatArray) -> FloatArray:
        if system.degrees:
            level = to_wgs84(points[:, :2]).round(DEGREE_DIGITS)
        else:
            level = points[:, [1, 0]].round(METRE_DIGITS)
        if not system.heights:
            return level
        up = points[:, 2] + (HELSINGBORG_GEOID if system.degrees else 0.0)
        return np.column_stack([level, up.round(METRE_DIGITS)])

    moved: ShapeArray = np.asarray(
        shapely.transform(shapes, move, include_z=system.heights), dtype=object
    )
    if not system.heights:
        # Rounding closes slits of less than a millimetre.
        bad = ~shapely.is_valid(moved)
        moved[bad] = shapely.make_valid(
            moved[bad], method="structure", keep_collapsed=False
        )
    return moved


def polygons_in_space(faces: Polygons, origin: FloatArray) -> ShapeArray:
    """Return faces as polygons with heights, corners in the order that they have.

    Parameters
    ----------
    faces : Polygons
        Relative to the origin.
    origin : (3,) float
        EPSG:3008, RH2000 [m].

    Returns
    -------
    (f,) of Polygon
        EPSG:3008 with RH2000 [m]; outlines counter-clockwise seen from outside.
    """
    ring = np.repeat(np.arange(len(faces.ring_start) - 1), np.diff(faces.ring_start))
    face = np.repeat(np.arange(len(faces)), np.diff(faces.polygon_start))
    if not len(face):
        return np.empty(0, dtype=object)
    rings = shapely.linearrings(faces.vertices + origin, indices=ring)
    made = shapely.polygons(rings, indices=face)
    found: ShapeArray = np.asarray(made, dtype=object)
    return found


def seen_from_above(shapes: ShapeArray, normal: FloatArray) -> ShapeArray:
    """Return what faces look like in plan: walls are lines, all others polygons.

    Parameters
    ----------
    shapes : (f,) of Polygon
        As `polygons_in_space` makes them.
    normal : (f, 3) float
        Unit normals.

    Returns
    -------
    (f,) of Polygon and LineString
        Without heights; of the same faces.
    """
    flat: ShapeArray = np.asarray(shapely.force_2d(shapes), dtype=object)
    walls = np.flatnonzero(np.abs(normal[:, 2]) < UPRIGHT)
    points, owner = shapely.get_coordinates(flat[walls], return_index=True)
    if not len(walls):
        return flat
    along = np.column_stack([-normal[walls, 1], normal[walls, 0]])[owner]
    where = np.einsum("nx,nx->n", points - points[0], along)
    first, last = _ends(where, owner)
    lines = np.stack([points[first], points[last]], axis=1)
    flat[walls] = shapely.linestrings(lines)
    return flat


def _ends(where: FloatArray, owner: IntArray) -> tuple[IntArray, IntArray]:
    """Return the places of the least and of the largest value of each owner."""
    order = np.lexsort((where, owner))
    starts = np.flatnonzero(np.r_[True, np.diff(owner[order]) > 0])
    return order[starts], order[np.r_[starts[1:], len(order)] - 1]
