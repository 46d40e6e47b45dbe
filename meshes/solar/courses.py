"""Follow the strength of the sources of reflected light over the year.

What walls and ground throw back is soft: it needs neither every patch of the sky nor every
position of the sun. Reflections are solved once for some hundred groups of them, and
weather comes in last.
"""

from dataclasses import dataclass

import numpy as np

from meshes.polygons import Float32Array, FloatArray
from meshes.solar.light import MONTHS, Light
from meshes.solar.reflection.sources import group_beam, group_radiance
from meshes.solar.sky import SkyPatches
from meshes.solar.sun import SunPath


@dataclass(frozen=True)
class Courses:
    """Strengths of groups of sky patches, then of groups of sun bins.

    Attributes
    ----------
    strength : (k, h) float32
        Mean radiance of each group of patches [W/m2/sr] and beam from each group of bins
        [W/m2] at each step; the order of `meshes.solar.reflection.sources`. Where snow
        changes the ground, the same follow once more, times the share of snow.
    light : Light
        Whose they are.
    snow : (12,) float or None
        Share of snow of each month, where there is some.
    """

    strength: Float32Array
    light: Light
    snow: FloatArray | None = None

    def __len__(self) -> int:
        """Return the number of sources."""
        return len(self.strength)

    def snow_share(self, month: int) -> float:
        """Return the share of snow of a month, 0 to 11."""
        return 0.0 if self.snow is None else float(self.snow[month])

    def monthly(self) -> FloatArray:
        """Return the sums by month, (k, 12) [kWh/m2/sr] and [kWh/m2]."""
        sums = np.zeros((len(self), MONTHS))
        for m in range(MONTHS):
            hours = self.light.month == m
            sums[:, m] = self.strength[:, hours].sum(axis=1, dtype=np.float64)
        return sums * (self.light.step / 1000.0)


def follow(
    light: Light, sky: SkyPatches, path: SunPath, *, snow: FloatArray | None = None
) -> Courses:
    """Sum up light group by group.

    Parameters
    ----------
    light : Light
        Sun and sky of each hour.
    sky : SkyPatches
        Its patches.
    path : SunPath
        Its sun.
    snow : (12,) float, optional
        Where the ground's albedo lies in each month between its least, 0, and its
        largest, 1; by default it is the same all year.
    """
    strength = np.concatenate(
        [group_radiance(sky, light.dome.radiance), group_beam(path, light.beam)]
    )
    if snow is not None:
        share = snow[light.month].astype(np.float32)
        strength = np.concatenate([strength, strength * share])
    return Courses(strength, light, snow)


def snow_shares(albedo: float | FloatArray) -> FloatArray | None:
    """Return where each month's albedo lies between the least and the largest, 0 to 1.

    Parameters
    ----------
    albedo : float or (12,) float
        Of the ground by month.

    Returns
    -------
    (12,) float or None
        None if it is the same all year.
    """
    months = np.asarray(albedo, np.float64)
    if months.ndim == 0 or np.ptp(months) == 0:
        return None
    shares: FloatArray = (months - months.min()) / np.ptp(months)
    return shares
