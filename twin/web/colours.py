"""Give irradiation the one colour scale that all pages share."""

import math
from dataclasses import dataclass
from functools import cache

import matplotlib as mpl
import numpy as np
from numpy.typing import ArrayLike, NDArray

UNIT = "kWh/m² per year"
LOWEST_TOP = 1200.0
"""Top of the scale [kWh/m2 a year]; fixed, so that pictures of districts compare."""

STEPS = 256
DARKEST, BRIGHTEST = 0.12, 0.97
"""Part of matplotlib's inferno that is used: shade stays readable, white stays free."""

MISSING = "#b9b4a8"


@dataclass(frozen=True)
class ColourScale:
    """Colours from 0 to ``top`` in even steps.

    Attributes
    ----------
    top : float
        Irradiation of the last colour [kWh/m2 a year]; more gets the same colour.
    colours : (256, 3) uint8
        sRGB.
    """

    top: float
    colours: NDArray[np.uint8]

    def hexes(self, values: ArrayLike) -> list[str]:
        """Return ``#rrggbb`` for each irradiation [kWh/m2 a year], grey for NaN."""
        share = np.asarray(values, np.float64) / self.top
        known = np.isfinite(share)
        step = np.clip(np.round(np.where(known, share, 0.0) * (STEPS - 1)), 0, STEPS - 1)
        colours = self.colours[step.astype(np.int64)]
        return [
            f"#{r:02x}{g:02x}{b:02x}" if k else MISSING
            for (r, g, b), k in zip(colours.tolist(), known.tolist(), strict=True)
        ]

    @property
    def ticks(self) -> list[float]:
        """Four to seven round values from 0 to the top [kWh/m2 a year]."""
        step = 300.0 if self.top <= 2000.0 else 500.0
        return [step * k for k in range(int(self.top // step) + 1)]

    def gradient(self) -> str:
        """CSS gradient from 0 at the left to the top at the right."""
        stops = self.hexes(np.linspace(0.0, self.top, 12))
        return f"linear-gradient(90deg,{','.join(stops)})"


def irradiation_scale(values: ArrayLike) -> ColourScale:
    """Return the fixed scale, raised to whole hundreds if ``values`` exceed it.

    Parameters
    ----------
    values : (n,) float
        Irradiation [kWh/m2 a year]; NaN is ignored.
    """
    known = np.asarray(values, np.float64)
    highest = float(np.nanmax(known)) if np.isfinite(known).any() else 0.0
    return ColourScale(max(LOWEST_TOP, math.ceil(highest / 100.0) * 100.0), _inferno())


@cache
def _inferno() -> NDArray[np.uint8]:
    """Inferno without its blackest and whitest parts."""
    shares = np.linspace(DARKEST, BRIGHTEST, STEPS)
    colours = mpl.colormaps["inferno"](shares)[:, :3]
    rounded: NDArray[np.uint8] = np.round(colours * 255.0).astype(np.uint8)
    return rounded
