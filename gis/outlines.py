"""Draw generalised building outlines from a few measures.

Every shape is drawn around the origin of its own frame: ``p`` runs along the length, ``q``
to the right of it [m]. `place` brings it to the plan. Parts drawn in one frame share their
corners to the last bit, because equal frame coordinates go through equal arithmetic.
"""

import math

import numpy as np
import numpy.typing as npt
import shapely

from gis.errors import GeometryError

SIDES = 32
"""Sides of a full circle; 32 keep 99.4 % of its area."""


def block(length: float, width: float) -> shapely.Polygon:
    """Rectangle centred on the origin [m]."""
    _check_positive(length=length, width=width)
    p, q = length / 2, width / 2
    return shapely.Polygon([(-p, -q), (p, -q), (p, q), (-p, q)])


def court(length: float, width: float, *, wing: float) -> shapely.Polygon:
    """Ring of wings around a courtyard.

    Parameters
    ----------
    length, width : float
        Outer measures [m].
    wing : float
        Depth of the wings [m], less than half of the width and of the length.
    """
    _check_wing(wing, min(length, width) / 2)
    yard = block(length - 2 * wing, width - 2 * wing)
    return shapely.Polygon(block(length, width).exterior, [yard.exterior])


def bay(length: float, width: float, *, wing: float) -> shapely.Polygon:
    """Three wings around a court that is open to the right (positive ``q``) [m]."""
    _check_wing(wing, min(length / 2, width))
    p, q = length / 2, width / 2
    inner, back = p - wing, wing - q
    ring = [(-p, -q), (p, -q), (p, q), (inner, q), (inner, back), (-inner, back)]
    return shapely.Polygon([*ring, (-inner, q), (-p, q)])


def corner(length: float, width: float, *, wing: float) -> shapely.Polygon:
    """Two wings along the left (negative ``q``) and the rear (negative ``p``) side [m]."""
    _check_wing(wing, min(length, width))
    p, q = length / 2, width / 2
    ring = [(-p, -q), (p, -q), (p, wing - q), (wing - p, wing - q), (wing - p, q), (-p, q)]
    return shapely.Polygon(ring)


def disc(diameter: float) -> shapely.Polygon:
    """Regular polygon with its corners on a circle [m]."""
    _check_positive(diameter=diameter)
    turn = np.linspace(0.0, 2 * math.pi, SIDES, endpoint=False)
    return shapely.Polygon(_on_circle(diameter / 2, turn))


def arc(diameter: float, *, wing: float, span: float) -> shapely.Polygon:
    """Curved bar around the origin, its middle on the positive ``p`` axis.

    Parameters
    ----------
    diameter : float
        Outer diameter [m].
    wing : float
        Depth of the bar [m], less than the outer radius.
    span : float
        Angle that the bar covers [degrees], less than a full turn.
    """
    _check_wing(wing, diameter / 2)
    if not 0.0 < span < 360.0:
        message = f"an arc must span more than 0 and less than 360 degrees, got {span}"
        raise GeometryError(message)
    half = math.radians(span / 2)
    steps = math.ceil(SIDES * span / 360.0)
    turn = np.linspace(-half, half, steps + 1)
    outer = _on_circle(diameter / 2, turn)
    inner = _on_circle(diameter / 2 - wing, turn[::-1])
    return shapely.Polygon(np.concatenate([outer, inner]))


def place(
    outline: shapely.Polygon,
    *,
    easting: float,
    northing: float,
    azimuth: float,
    along: float = 0.0,
    across: float = 0.0,
) -> shapely.Polygon:
    """Bring an outline from its frame to the plan.

    Parameters
    ----------
    outline : Polygon
        Corners (p, q) in the frame [m].
    easting, northing : float
        Origin of the frame, EPSG:3008 [m].
    azimuth : float
        Direction of the length, clockwise from north [degrees].
    along, across : float
        Where the outline's own origin lies in the frame [m].

    Returns
    -------
    Polygon
        The same area in the plan, exterior counter-clockwise, holes clockwise.
    """
    sine, cosine = math.sin(math.radians(azimuth)), math.cos(math.radians(azimuth))

    def to_plan(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        p, q = corners[:, 0] + along, corners[:, 1] + across
        return np.stack(
            [easting + p * sine + q * cosine, northing + p * cosine - q * sine], axis=-1
        )

    return shapely.orient_polygons(shapely.transform(outline, to_plan))


def _on_circle(radius: float, turn: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Points (n, 2) at angles [radians] from the positive p axis."""
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=-1)


def _check_positive(**measures: float) -> None:
    """Refuse measures that leave no area."""
    for name, value in measures.items():
        if not (math.isfinite(value) and value > 0.0):
            message = f"{name} must be a positive length, got {value} m"
            raise GeometryError(message)


def _check_wing(wing: float, most: float) -> None:
    """Refuse wings that fill the court they should leave open."""
    if not 0.0 < wing < most:
        message = f"wing must be above 0 and below {most} m to leave a court, got {wing} m"
        raise GeometryError(message)
