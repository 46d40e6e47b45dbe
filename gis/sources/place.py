"""Say where on Earth data is wanted."""

import math
from dataclasses import dataclass

from gis.errors import CrsError

SMALLEST, LARGEST = 10.0, 20_000.0
"""Radii that make sense for a district [m]."""

# Radii of WGS84 [m]: equator, and squared eccentricity.
_EQUATOR, _ECCENTRICITY = 6_378_137.0, 0.006_694_379_990_14
_HIGHEST = 85.0  # [degrees] towards the poles, where a window in degrees fails


@dataclass(frozen=True)
class Window:
    """A rectangle of longitudes and latitudes, WGS84 [degrees]."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True)
class Place:
    """A point on Earth.

    Parameters
    ----------
    latitude, longitude : float
        WGS84 [degrees], north and east positive.

    Raises
    ------
    CrsError
        If it is not on Earth or too near to a pole.
    """

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        """Refuse places that nobody means."""
        # Written so that NaN fails.
        if not (abs(self.latitude) <= _HIGHEST and abs(self.longitude) <= 180.0):
            message = (
                f"a place must be latitude -{_HIGHEST:g}..{_HIGHEST:g} and longitude "
                f"-180..180, got {self.latitude:g},{self.longitude:g}; latitude comes first"
            )
            raise CrsError(message)

    @property
    def words(self) -> str:
        """For file names: 10 m fine."""
        return f"{self.latitude:.4f}_{self.longitude:.4f}"

    def window(self, radius: float) -> Window:
        """Return the smallest window that holds a circle.

        Parameters
        ----------
        radius : float
            [m].

        Returns
        -------
        Window

        Raises
        ------
        CrsError
            If the radius makes no sense or the window crosses the date line.

        Notes
        -----
        With the two radii of curvature of the ellipsoid; checked in
        tests/gis/sources/test_catalogue.py against geodesics.
        """
        if not SMALLEST <= radius <= LARGEST:
            message = (
                f"a radius must be {SMALLEST:g}..{LARGEST:g} m, got {radius:g} m; take "
                "several windows for more"
            )
            raise CrsError(message)
        shape = 1.0 - _ECCENTRICITY * math.sin(math.radians(self.latitude)) ** 2
        meridian = _EQUATOR * (1.0 - _ECCENTRICITY) / shape**1.5
        parallel = _EQUATOR / math.sqrt(shape) * math.cos(math.radians(self.latitude))
        up, right = math.degrees(radius / meridian), math.degrees(radius / parallel)
        west, east = self.longitude - right, self.longitude + right
        if west < -180.0 or east > 180.0:
            message = (
                f"a window must not cross the date line, that around {self.longitude:g} "
                "does; take a smaller radius"
            )
            raise CrsError(message)
        return Window(west, self.latitude - up, east, self.latitude + up)


def read_place(text: str) -> Place:
    """Read a place as people write it.

    Parameters
    ----------
    text : str
        Latitude, then longitude [degrees], with a comma or space between.

    Returns
    -------
    Place

    Raises
    ------
    CrsError
        If it is not two numbers.

    Examples
    --------
    >>> read_place("56.043,12.695")
    Place(latitude=56.043, longitude=12.695)
    """
    words = text.replace(",", " ").split()
    try:
        latitude, longitude = (float(word) for word in words)
    except ValueError as error:
        message = (
            f"a place must be latitude,longitude such as 56.043,12.695, got {text[:40]!r}"
        )
        raise CrsError(message) from error
    return Place(latitude, longitude)
