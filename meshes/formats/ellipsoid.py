"""Place the plan of a district on the ellipsoid of the Earth."""

from dataclasses import dataclass

import numpy as np

from gis.crs import to_wgs84
from gis.errors import CrsError
from meshes.polygons import FloatArray

SEMI_MAJOR, FLATTENING = 6_378_137.0, 1 / 298.257223563
"""Ellipsoid of WGS84 [m] (NIMA TR8350.2); that of SWEREF 99, GRS80, differs by 0.1 mm."""

HELSINGBORG_GEOID = 36.46
"""Height of the sea level of the model EGM96 over the ellipsoid at 56.04 N 12.69 E [m].

RH2000 belongs to the Swedish model SWEN17_RH2000 (Lantmäteriet), which is not part of this
project; there the number may differ by some decimetres. Over two kilometres of the district
it changes by centimetres.
"""

GEOID_RANGE = (-110.0, 90.0)
"""Heights of the geoid that occur on Earth [m] (EGM96: -107..85)."""

BASE_LINE = 100.0
"""Length on which the direction of grid north is measured [m]."""


@dataclass(frozen=True)
class Placement:
    """Where a local frame of the plan lies on the Earth.

    Attributes
    ----------
    origin : (3,) float
        Easting, northing (EPSG:3008) and height (RH2000) of the local origin [m].
    geoid : float
        Height of RH2000's zero above the ellipsoid [m].
    centre : (3,) float
        The origin, geocentric X, Y, Z (EPSG:4978) [m].
    axes : (3, 3) float
        Rows are unit vectors, geocentric: grid east, grid north and up at the origin.
    """

    origin: FloatArray
    geoid: float
    centre: FloatArray
    axes: FloatArray

    @property
    def matrix(self) -> list[float]:
        """Sixteen numbers, column by column: from grid east, north, up to geocentric."""
        whole = np.eye(4)
        whole[:3, :3] = self.axes.T
        whole[:3, 3] = self.centre
        numbers: list[float] = whole.T.ravel().tolist()
        return numbers

    def place(self, points: FloatArray) -> FloatArray:
        """Bend points of the plan to the Earth, still in the frame at the origin.

        Parameters
        ----------
        points : (n, 3) float
            East, north, up relative to the local origin [m].

        Returns
        -------
        (n, 3) float
            Grid east, grid north, up of the tangent plane at the origin [m]; `matrix`
            brings them to their place. At 1 km from the origin they differ by 8 cm in
            height and by some centimetres in plan from ``points``: the Earth is round, and
            the plan is drawn at the scale of the ellipsoid's surface.
        """
        found: FloatArray = (
            geocentric(points + self.origin, geoid=self.geoid) - self.centre
        ) @ self.axes.T
        return found


def make_placement(origin: FloatArray, *, geoid: float = HELSINGBORG_GEOID) -> Placement:
    """Set up the frame of a local origin.

    Parameters
    ----------
    origin : (3,) float
        Easting, northing (EPSG:3008) and height (RH2000) [m].
    geoid : float
        Height of RH2000's zero above the ellipsoid there [m].

    Raises
    ------
    CrsError
        If no place on Earth has such a geoid.
    """
    if not GEOID_RANGE[0] <= geoid <= GEOID_RANGE[1]:
        message = (
            f"the geoid must lie within {GEOID_RANGE[0]:.0f}..{GEOID_RANGE[1]:.0f} m of "
            f"the ellipsoid, got {geoid} m; give that of the place, about 36 m in Scania"
        )
        raise CrsError(message)
    centre = geocentric(origin, geoid=geoid)
    longitude, latitude = np.radians(to_wgs84(origin[:2]))
    up = np.array(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ]
    )
    line = np.array([0.0, BASE_LINE, 0.0])
    north = geocentric(origin + line, geoid=geoid) - geocentric(origin - line, geoid=geoid)
    north -= up * (north @ up)
    north /= np.linalg.norm(north)
    return Placement(origin, geoid, centre, np.stack([np.cross(north, up), north, up]))


def geocentric(points: FloatArray, *, geoid: float) -> FloatArray:
    """Return geocentric coordinates (EPSG:4978) of points of the plan.

    Parameters
    ----------
    points : (..., 3) float
        Easting, northing (EPSG:3008) and height (RH2000) [m].
    geoid : float
        Height of RH2000's zero above the ellipsoid [m].

    Notes
    -----
    Closed form of the ellipsoid, Torge & Müller, Geodesy (2012), section 4.1. Checked
    against PROJ in tests/meshes/formats/test_ellipsoid.py.
    """
    longitude, latitude = np.moveaxis(np.radians(to_wgs84(points[..., :2])), -1, 0)
    height = points[..., 2] + geoid
    square = FLATTENING * (2 - FLATTENING)
    across = SEMI_MAJOR / np.sqrt(1 - square * np.sin(latitude) ** 2)
    flat = (across + height) * np.cos(latitude)
    return np.stack(
        [
            flat * np.cos(longitude),
            flat * np.sin(longitude),
            (across * (1 - square) + height) * np.sin(latitude),
        ],
        axis=-1,
    )
