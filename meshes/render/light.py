"""Say how bright sun and sky are at a height of the sun."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.render.colours import hex_linear
from meshes.render.sunlight import Sun

FULL_SUN = 7.0
"""Height from which on the sun casts its full light; below it fades to none at 0
[degrees], so that no shadow comes or goes at once."""

GOLDEN = 12.0
"""Height below which sunlight turns warm [degrees]."""

DUSK = (5.0, -7.0)
"""Heights between which day turns into twilight [degrees]; civil twilight ends at -6."""

DUSK_AMBIENT = 0.72
"""Light of the sky when the sun has set, as a share of the brightest: without a sun the
exposure is longer."""

WARM, EMBER, TWILIGHT = "#ffe0b8", "#f5e0cb", "#a9b6d6"
"""Tints of low sunlight, of the haze around it, and of everything after sunset."""

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Daylight:
    """Light of a moment, apart from its direction.

    Attributes
    ----------
    sun : float
        Strength of the sunlight and of its shadows, 0..1.
    warmth : float
        How warm it is, 0..1.
    glow : float
        How much the low sun tints the haze, 0..1.
    dusk : float
        How far day has turned into twilight, 0..1.
    """

    sun: float
    warmth: float
    glow: float
    dusk: float

    @property
    def grade(self) -> Float32Array:
        """What twilight leaves of all light, (3,) linear."""
        left: Float32Array = 1 + np.float32(self.dusk) * (hex_linear(TWILIGHT) - 1)
        return left

    def ambient(self, share: float) -> float:
        """Return the light of the open sky, given its share by day."""
        return share + (DUSK_AMBIENT - share) * (1.0 - self.sun)

    def sunlight(self, tint: Float32Array) -> Float32Array:
        """Return the tint of sunlight, given that of a high sun, (3,) linear."""
        warm: Float32Array = tint + np.float32(self.warmth) * (hex_linear(WARM) - tint)
        return warm

    def haze(self, tint: Float32Array) -> Float32Array:
        """Return the colour of the haze, given that of the day, (3,) linear."""
        glowing: Float32Array = tint + np.float32(self.glow) * (hex_linear(EMBER) - tint)
        return glowing


def daylight(sun: Sun) -> Daylight:
    """Return the light of a moment.

    Parameters
    ----------
    sun : Sun
        Where it stands.

    Notes
    -----
    Everything is continuous in the sun's height, and above `GOLDEN` degrees nothing
    depends on it: pictures of the day have one exposure.
    """
    height = sun.elevation
    low = 1.0 - ease(height / GOLDEN)
    return Daylight(
        sun=ease(height / FULL_SUN),
        warmth=low,
        glow=low * ease((height - DUSK[1]) / (0.0 - DUSK[1])),
        dusk=ease((DUSK[0] - height) / (DUSK[0] - DUSK[1])),
    )


def ease(share: float) -> float:
    """Rise from 0 to 1 between the same, without kinks (smoothstep)."""
    part = min(max(share, 0.0), 1.0)
    return part * part * (3.0 - 2.0 * part)
