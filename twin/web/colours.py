"""Give irradiation the one colour scale that all pages share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from meshes.render import colours
from meshes.render.colours import MISSING, STEPS, UNIT

__all__ = ["MISSING", "UNIT", "ColourScale", "irradiation_scale"]


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
        found = self.colours[step.astype(np.int64)]
        return [
            f"#{r:02x}{g:02x}{b:02x}" if k else MISSING
            for (r, g, b), k in zip(found.tolist(), known.tolist(), strict=True)
        ]

    @property
    def ticks(self) -> list[float]:
        """Four to seven round values from 0 to the top [kWh/m2 a year]."""
        return colours.IrradiationScale(self.top).ticks

    def gradient(self) -> str:
        """CSS gradient from 0 at the left to the top at the right."""
        stops = self.hexes(np.linspace(0.0, self.top, 12))
        return f"linear-gradient(90deg,{','.join(stops)})"


def irradiation_scale(values: ArrayLike) -> ColourScale:
    """Return the scale of the stills, for pages.

    Parameters
    ----------
    values : (n,) float
        Irradiation [kWh/m2 a year]; NaN is ignored.
    """
    table = np.round(colours.palette() * 255.0).astype(np.uint8)
    return ColourScale(colours.irradiation_scale(values).top, table)
