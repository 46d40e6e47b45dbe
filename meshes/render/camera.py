"""Map points of the district to pixels and back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import GeometryError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A perspective or parallel view.

    Pixel coordinates run right and down; the first pixel's centre is (0.5, 0.5).

    Attributes
    ----------
    position : (3,) float
        Eye, or for a parallel view the point in the middle of the picture [m, local].
    right, up, forward : (3,) float
        Orthonormal axes of the picture.
    size : (int, int)
        Width and height [pixels].
    focal : float
        Distance from eye to picture [pixels]; NaN for a parallel view.
    pixel : float
        Side of a pixel [m] in a parallel view; NaN in a perspective one.
    """

    position: FloatArray
    right: FloatArray
    up: FloatArray
    forward: FloatArray
    size: tuple[int, int]
    focal: float = math.nan
    pixel: float = math.nan

    @property
    def is_parallel(self) -> bool:
        """Whether all rays share one direction."""
        return math.isnan(self.focal)

    def rays(self, x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return origin and unit direction of the ray through each picture place.

        Parameters
        ----------
        x, y : (n,) float
            Places in the picture [pixels].

        Returns
        -------
        origins, directions : (n, 3) float
            In metres and without unit, local axes.
        """
        across = np.asarray(x, np.float64) - self.size[0] / 2
        down = np.asarray(y, np.float64) - self.size[1] / 2
        offset = across[:, None] * self.right - down[:, None] * self.up
        if self.is_parallel:
            origins = self.position + self.pixel * offset
            return origins, np.broadcast_to(self.forward, origins.shape)
        length = np.sqrt(self.focal**2 + across**2 + down**2)
        directions = (self.focal * self.forward + offset) / length[:, None]
        return np.broadcast_to(self.position, directions.shape), directions

    def project(self, points: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return where points appear and how far in front of the eye they are.

        Parameters
        ----------
        points : (n, 3) float
            Points [m, local].

        Returns
        -------
        places : (n, 2) float
            x and y in the picture [pixels]; meaningless where the depth is not positive.
        depth : (n,) float
            Distance along the view axis [m].
        """
        offset = np.asarray(points, np.float64) - self.position
        depth = offset @ self.forward
        if self.is_parallel:
            scale = np.full(len(offset), 1.0 / self.pixel)
        else:
            scale = self.focal / np.where(depth == 0.0, math.nan, depth)
        middle = np.array(self.size) / 2
        axes = np.stack([self.right, -self.up], axis=1)
        return middle + scale[:, None] * (offset @ axes), depth

    def pixel_at(self, distance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the size of a pixel at distances from the eye, (n,) [m]."""
        if self.is_parallel:
            return np.full(distance.shape, self.pixel, np.float32)
        return distance / np.float32(self.focal)

    def ground_point(self, x: float, y: float, *, level: float) -> FloatArray:
        """Return the point of a horizontal plane seen at a picture place.

        Parameters
        ----------
        x, y : float
            Place in the picture [pixels].
        level : float
            Height of the plane [m].

        Returns
        -------
        (3,) float
            Point [m, local].

        Raises
        ------
        GeometryError
            If the ray does not meet the plane in front of the eye.
        """
        origins, directions = self.rays(np.array([x]), np.array([y]))
        drop = float(directions[0, 2])
        reach = (level - float(origins[0, 2])) / drop if drop else -1.0
        if reach <= 0.0:
            message = (
                f"the place must look at the plane z = {level} m, "
                f"({x}, {y}) looks past it; choose a place below the horizon"
            )
            raise GeometryError(message)
        point: FloatArray = origins[0] + reach * directions[0]
        return point


def axes_towards(azimuth: float, pitch: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return right, up and forward of a view.

    Parameters
    ----------
    azimuth : float
        Where the view goes, degrees clockwise from north.
    pitch : float
        How far it looks down, degrees below the horizon; at 90 the azimuth is up.
    """
    a, p = math.radians(azimuth), math.radians(pitch)
    right = np.array([math.cos(a), -math.sin(a), 0.0])
    forward = np.array([math.sin(a) * math.cos(p), math.cos(a) * math.cos(p), -math.sin(p)])
    return right, np.cross(right, forward), forward


def fit_perspective(
    points: FloatArray,
    size: tuple[int, int],
    *,
    azimuth: float,
    pitch: float,
    view_angle: float,
    frame: Sequence[float] = (0.0, 0.0, 1.0, 1.0),
) -> Camera:
    """Stand where all points just fill a frame in the picture.

    Parameters
    ----------
    points : (n, 3) float
        What must be seen [m, local].
    size : (int, int)
        Width and height [pixels].
    azimuth, pitch : float
        Direction of the view, see `axes_towards` [degrees].
    view_angle : float
        Angle between the left and right edge of the picture [degrees].
    frame : (left, top, right, bottom)
        Part of the picture to fill, shares of width and height.

    Returns
    -------
    Camera
        The points touch the frame's left and right, or its top and bottom.

    Notes
    -----
    A point left of the frame's right edge satisfies a linear inequality in the eye's
    position, likewise for the other edges; two opposite edges fix the distance that they
    need, and the larger distance holds for both pairs.
    """
    right, up, forward = axes_towards(azimuth, pitch)
    width, height = size
    focal = width / 2 / math.tan(math.radians(view_angle) / 2)
    left, top, far, bottom = frame
    across = _stand((points @ right, points @ forward), *_slopes(left, far, width, focal))
    upward = _stand(
        (points @ up, points @ forward), *_slopes(1 - bottom, 1 - top, height, focal)
    )
    back = min(across[1], upward[1])
    place = np.array([_centre(across, back), _centre(upward, back), back])
    position = place[0] * right + place[1] * up + place[2] * forward
    return Camera(position, right, up, forward, size, focal=focal)


def _slopes(low: float, high: float, pixels: int, focal: float) -> tuple[float, float]:
    """Tangents of the angles under which a frame's two edges appear."""
    return (low - 0.5) * pixels / focal, (high - 0.5) * pixels / focal


def _stand(
    points: tuple[FloatArray, FloatArray], low: float, high: float
) -> tuple[float, float, float]:
    """Eye (sideways, along) whose view touches two edges, and the edges' mean slope."""
    side, along = points
    # side - s <= high (along - a) for all points, and the same for the lower edge.
    upper = float((side - high * along).max())
    lower = float((side - low * along).min())
    back = (lower - upper) / (high - low)
    return upper + high * back, back, (low + high) / 2


def _centre(stand: tuple[float, float, float], back: float) -> float:
    """Sideways place of an eye moved back so that the slack is the same on both edges."""
    sideways, own, slope = stand
    return sideways + slope * (back - own)


def fit_plan(
    bounds: Sequence[float],
    size: tuple[int, int],
    *,
    height: float,
    frame: Sequence[float] = (0.0, 0.0, 1.0, 1.0),
) -> Camera:
    """Look straight down, north up, so that bounds just fill a frame in the picture.

    Parameters
    ----------
    bounds : (west, south, east, north)
        What must be seen [m, local].
    size : (int, int)
        Width and height [pixels].
    height : float
        Where rays start; must be above everything [m].
    frame : (left, top, right, bottom)
        Part of the picture to fill, shares of width and height.
    """
    west, south, east, north = bounds
    left, top, far, bottom = frame
    room = ((far - left) * size[0], (bottom - top) * size[1])
    pixel = max((east - west) / room[0], (north - south) / room[1])
    right, up, forward = axes_towards(0.0, 90.0)
    shift_x = ((left + far) / 2 - 0.5) * size[0] * pixel
    shift_y = ((top + bottom) / 2 - 0.5) * size[1] * pixel
    position = np.array(
        [(west + east) / 2 - shift_x, (south + north) / 2 + shift_y, height]
    )
    return Camera(position, right, up, forward, size, pixel=pixel)
