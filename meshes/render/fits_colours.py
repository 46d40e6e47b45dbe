"""Give distances from a roof their colours."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from meshes.render.colours import Float32Array, hex_linear, to_srgb
from meshes.render.sheet import LINE, QUIET, Sheet

TOP = 0.5
"""End of the scale [m]; fixed, so that pictures compare."""

ANCHORS = ("#0a3d91", "#1f78d1", "#868a8c", "#e0662b", "#8f1d14")
"""Below, a little below, on, a little above, above. Grey in the middle: what lies on the
roof says nothing; blue and red-orange differ for all common kinds of colour blindness."""

HALF = 128
"""Colours on either side of the middle."""

TICKS = (-0.5, -0.2, 0.0, 0.2, 0.5)
"""Values that the legend names, shares of the top times `TOP` [m]."""


@dataclass(frozen=True)
class DistanceScale:
    """Colours from ``-top`` to ``top``, the same way far on both sides.

    Attributes
    ----------
    top : float
        Distance of the last colour [m]; more gets the same colour.
    """

    top: float = TOP

    def srgb(self, values: ArrayLike) -> Float32Array:
        """Return colours of distances [m], (n, 3) sRGB 0..1; positive is above the roof."""
        share = np.clip(np.asarray(values, np.float64) / self.top, -1.0, 1.0)
        step = np.round(np.nan_to_num(share) * HALF).astype(np.int64) + HALF
        return _table()[step]

    def hex(self, values: ArrayLike) -> list[str]:
        """Return the same as ``#rrggbb``."""
        whole = np.round(self.srgb(values) * 255).astype(int).tolist()
        return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in whole]


@cache
def _table() -> Float32Array:
    """All colours, mixed in light, (257, 3) sRGB 0..1."""
    light = np.stack([hex_linear(colour) for colour in ANCHORS])
    place = np.linspace(0.0, len(ANCHORS) - 1.0, 2 * HALF + 1)
    mixed = np.stack(
        [np.interp(place, np.arange(len(ANCHORS)), channel) for channel in light.T], axis=1
    )
    srgb = to_srgb(mixed.astype(np.float32))
    table: Float32Array = (np.round(srgb * 255.0) / 255.0).astype(np.float32)
    table.flags.writeable = False
    return table


def draw_distance_legend(
    sheet: Sheet, scale: DistanceScale, *, left: float, top: float, width: float
) -> None:
    """Draw the colours of distances with title, ticks and unit.

    Parameters
    ----------
    sheet : Sheet
        Where to draw.
    scale : DistanceScale
        What to explain.
    left, top, width : float
        Frame [units]; the legend is 58 units high.
    """
    right = left + width
    sheet.text((left, top + 11), "Samples above or below the roof", face="bold", height=13)
    sheet.text((right, top + 11), "metres, vertical", height=13, colour=QUIET, anchor="rs")
    bar = top + 19
    values = np.linspace(-scale.top, scale.top, 2 * HALF + 1)
    sheet.strip(scale.srgb(values), left, bar, right, bar + 13)
    for tick in TICKS:
        value = tick / TOP * scale.top
        x = left + width * (value / scale.top + 1) / 2
        sheet.line([(x, bar + 13), (x, bar + 18)], colour=QUIET)
        end = abs(tick) == TOP
        anchor = "ms" if not end else "ls" if tick < 0 else "rs"
        sign = "≤ −" if end and tick < 0 else "≥ +" if end else "−" if tick < 0 else "+"
        name = f"{sign}{abs(value):g}" if tick else "0"
        sheet.text((x, bar + 33), name, height=12.5, anchor=anchor)
    sheet.line([(left, bar + 13), (right, bar + 13)], colour=LINE)
