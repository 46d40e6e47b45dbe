"""Judge whether values can be relied on; every view of the twin asks here."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

RELATIVE_TOLERANCE = 0.2
"""Share of the expected power by which panels may depart from it before they stand out;
assumed, wide enough for hourly weather that is not measured on the spot."""

PEAK_TOLERANCE = 0.02
"""Share of a building's largest expected power that is allowed on top, because dawn and
dusk are all relative error; assumed."""

OUTAGE_SHARE = 0.05
"""Share of the expected power below which panels that fall short are taken to be off;
assumed."""


class Status(StrEnum):
    """How much a building's values can be relied on, the worst first."""

    SILENT = "silent"
    """None of its points has ever been measured."""
    STALE = "stale"
    """A point was never measured or its last value is too old."""
    DEVIATES = "deviates"
    """All is fresh, but the panels depart from what the sun on their facets should give."""
    OK = "ok"


def tolerance(expected: FloatArray, peak: FloatArray) -> FloatArray:
    """Return by how much panels may depart from what is expected [kW].

    Parameters
    ----------
    expected : (...) float
        Expected power [kW], of either sign.
    peak : (...) float
        The building's largest expected power [kW], 0 or positive.
    """
    allowed: FloatArray = RELATIVE_TOLERANCE * np.abs(expected) + PEAK_TOLERANCE * peak
    return allowed


def departs(residual: FloatArray, expected: FloatArray, peak: FloatArray) -> BoolArray:
    """Say where panels depart from what is expected; an unknown residual does not.

    Parameters
    ----------
    residual, expected : (...) float
        Measured less expected power, and expected power [kW].
    peak : (...) float
        The building's largest expected power [kW], 0 or positive.
    """
    apart: BoolArray = np.abs(residual) > tolerance(expected, peak)
    return apart


def falls_short(residual: FloatArray, expected: FloatArray, peak: FloatArray) -> BoolArray:
    """Say where panels depart by yielding too little.

    Parameters
    ----------
    residual, expected, peak : (...) float
        As for `departs`; generation is negative, so that missing yield is positive.
    """
    short: BoolArray = departs(residual, expected, peak) & (residual > 0)
    return short


def is_off(residual: FloatArray, expected: FloatArray, peak: FloatArray) -> BoolArray:
    """Say where panels fall short by yielding next to nothing while the sun shines.

    Parameters
    ----------
    residual, expected, peak : (...) float
        As for `falls_short`.
    """
    measured = residual + expected
    off: BoolArray = falls_short(residual, expected, peak) & (
        -measured <= OUTAGE_SHARE * np.abs(expected)
    )
    return off


def judge(
    *, known: BoolArray, fresh: BoolArray, departing: BoolArray
) -> NDArray[np.object_]:
    """Return the `Status` of every building.

    Parameters
    ----------
    known : (b,) bool
        Whether any of its points has a value.
    fresh : (b,) bool
        Whether all of its points have a fresh value.
    departing : (b,) bool
        Whether its panels depart from what is expected.

    Returns
    -------
    (b,) object
        Members of `Status`.
    """
    worst = np.select([~known, ~fresh, departing], [0, 1, 2], 3)
    members = np.array(list(Status), dtype=object)
    chosen: NDArray[np.object_] = members[worst]
    return chosen
