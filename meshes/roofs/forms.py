"""State what is assumed of each form of roof."""

import numpy as np

from meshes.polygons import FloatArray

PITCH = {
    "shed": 10.0,
    "gabled": 30.0,
    "hipped": 30.0,
    "half-hipped": 35.0,
    "mansard": 45.0,
    "gambrel": 45.0,
    "pyramid": 30.0,
    "dome": 45.0,
    "round": 35.0,
}
"""Pitch from eaves to ridge where neither height nor angle is stated [degrees]; assumed,
within what is common in Sweden (sheds 4 to 14, others 22 to 45). For mansard and gambrel
it is the pitch of the whole, for the dome it gives a half sphere, for the round roof an
arc."""

MOST_SHARE = 0.5
"""Largest part of the building's height that an assumed roof takes; assumed."""

THINNEST = 0.05
"""A lower roof is made flat [m]."""

BREAK_RUN, BREAK_RISE = 0.3, 0.7
"""Where mansard and gambrel break: share of the way and of the height from eaves to ridge.
With the assumed pitch the lower part has 67, the upper 23 degrees."""

HIP_START = 0.5
"""Share of the roof's height where the hips of a half-hipped roof begin; assumed."""

ARC_STEPS = 5
"""Planes on each side of a round roof, rings of a dome."""

SNAP = 12.0
"""A stated direction this near to that of a wall is taken as the wall's [degrees]; half the
distance between the sixteen points of the compass is 11.25."""

SQUARE = 3.0
"""Largest deviation from right angles of what counts as rectangular [degrees]."""

NEXT = {
    "gabled": "hipped",
    "half-hipped": "hipped",
    "mansard": "hipped",
    "gambrel": "mansard",
    "round": "gabled",
    "dome": "pyramid",
    "pyramid": "hipped",
    "hipped": "flat",
    "shed": "flat",
}
"""The next simpler form, taken where one cannot be made on an outline."""


def profile(
    form: str, *, run: FloatArray, rise: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the corners of a roof's cross section from eaves to ridge.

    Parameters
    ----------
    form : str
        One of `gis.roof_words.FORMS`.
    run, rise : (n,) float
        Half span and height of each roof [m].

    Returns
    -------
    way, height : (n, k) float
        Horizontal distance from the eaves and height above them [m]; concave, from
        (0, 0) to (run, rise).

    Notes
    -----
    A round roof is an arc of a circle through eaves and crown, and where it is higher than
    half its span half an ellipse. Corners lie on it in equal angles.
    """
    if form in {"mansard", "gambrel"}:
        way, height = np.array([0.0, BREAK_RUN, 1.0]), np.array([0.0, BREAK_RISE, 1.0])
    elif form == "round":
        return _arc(run, rise)
    else:
        way = height = np.array([0.0, 1.0])
    return run[:, None] * way, rise[:, None] * height


def _arc(run: FloatArray, rise: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Corners of a round roof's cross section."""
    low = np.minimum(rise, run)
    # Circle of radius r through (-run, 0), (0, low), (run, 0); stretched if higher.
    radius = (run**2 + low**2) / (2.0 * low)
    half = np.arctan2(run, radius - low)
    angle = half[:, None] * np.linspace(1.0, 0.0, ARC_STEPS + 1)
    way = run[:, None] - radius[:, None] * np.sin(angle)
    height = radius[:, None] * np.cos(angle) - (radius - low)[:, None]
    way[:, 0] = height[:, 0] = 0.0
    way[:, -1], height[:, -1] = run, low
    return way, height * (rise / low)[:, None]
