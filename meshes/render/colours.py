"""Turn irradiation into the colours of the pictures."""

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

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class IrradiationScale:
    """Colours from 0 to ``top`` in even steps.

    Attributes
    ----------
    top : float
        Irradiation of the last colour [kWh/m2 a year]; more gets the same colour.
    """

    top: float

    def srgb(self, values: ArrayLike) -> Float32Array:
        """Return colours of irradiation [kWh/m2 a year], (n, 3) sRGB 0..1; NaN grey."""
        share = np.asarray(values, np.float64) / self.top
        known = np.isfinite(share)
        step = np.round(np.clip(np.where(known, share, 0.0), 0.0, 1.0) * (STEPS - 1))
        colours = palette()[step.astype(np.int64)]
        colours[~known] = hex_srgb(MISSING)
        return colours

    @property
    def ticks(self) -> list[float]:
        """Four to seven round values from 0 to the top [kWh/m2 a year]."""
        step = 300.0 if self.top <= 2000.0 else 500.0
        return [step * k for k in range(int(self.top // step) + 1)]


def irradiation_scale(values: ArrayLike) -> IrradiationScale:
    """Return the fixed scale, raised to whole hundreds if ``values`` exceed it.

    Parameters
    ----------
    values : (n,) float
        Irradiation [kWh/m2 a year]; NaN is ignored.
    """
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    highest = float(known.max(initial=0.0))
    return IrradiationScale(max(LOWEST_TOP, math.ceil(highest / 100.0) * 100.0))


@cache
def _inferno_table() -> Float32Array:
    """Inferno without its blackest and whitest parts, (256, 3) sRGB 0..1."""
    colours = mpl.colormaps["inferno"](np.linspace(DARKEST, BRIGHTEST, STEPS))[:, :3]
    # Whole 8-bit steps, so that pictures, legends and pages hold the very same colours.
    table: Float32Array = (np.round(colours * 255.0) / 255.0).astype(np.float32)
    return table


def palette() -> Float32Array:
    """Return the colours from the lowest to the highest value, (256, 3) sRGB 0..1."""
    table = _inferno_table().view()
    table.flags.writeable = False
    return table


def hex_srgb(colour: str) -> Float32Array:
    """Return ``#rrggbb`` as (3,) sRGB 0..1."""
    return np.array([int(colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5)], np.float32)


def hex_linear(colour: str) -> Float32Array:
    """Return ``#rrggbb`` as (3,) linear light 0..1."""
    return to_linear(hex_srgb(colour))


def to_linear(srgb: Float32Array) -> Float32Array:
    """Decode sRGB 0..1 to linear light 0..1 (IEC 61966-2-1)."""
    low = srgb <= 0.04045
    linear = np.where(low, srgb / 12.92, ((np.maximum(srgb, 0.0) + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def to_srgb(linear: Float32Array) -> Float32Array:
    """Encode linear light as sRGB 0..1 (IEC 61966-2-1); light above 1 is cut."""
    light = np.clip(linear, 0.0, 1.0)
    low = light <= 0.0031308
    srgb = np.where(low, light * 12.92, 1.055 * light ** (1.0 / 2.4) - 0.055)
    return srgb.astype(np.float32)
