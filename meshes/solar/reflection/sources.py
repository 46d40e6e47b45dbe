"""Group the directions of sky and sun into the light that is followed."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from meshes.polygons import Float32Array, FloatArray, IntArray
from meshes.solar.sky import SkyPatches
from meshes.solar.sun import SunPath

SUN_DEGREES = 6.0
"""Width of the groups of sun bins [degrees]: reflected light is smooth."""

SUNS_PER_GROUP = 3
"""Directions that are cast for a group of sun bins."""


@dataclass(frozen=True)
class Sources:
    """Directions of light in groups; each group has one strength at a time.

    Attributes
    ----------
    direction : (d, 3) float
        Unit vectors towards the light.
    group : (d,) int
        Group of each, ascending, 0 to ``count - 1``.
    flux : (d, 3) float
        For a group of strength 1, the irradiance of a plane that sees the direction is
        the product with its normal. Strength is radiance [W/m2/sr] for sky and beam
        [W/m2] for the sun.
    count : int
        Number of groups.
    """

    direction: FloatArray
    group: IntArray
    flux: FloatArray
    count: int

    def __add__(self, other: "Sources") -> "Sources":
        """Return both, the other's groups after one's own."""
        return Sources(
            np.concatenate([self.direction, other.direction]),
            np.r_[self.group, other.group + self.count],
            np.concatenate([self.flux, other.flux]),
            self.count + other.count,
        )

    def free_ground(self) -> FloatArray:
        """Return the irradiance of a free horizontal plane for each group, (count,)."""
        up = np.maximum(self.flux[:, 2], 0.0)
        found = np.bincount(self.group, up, minlength=self.count)
        return found.astype(np.float64)


def sky_sources(sky: SkyPatches) -> Sources:
    """Return the sky in 145 groups; their strength is their mean radiance [W/m2/sr]."""
    order = np.argsort(sky.parent, kind="stable")
    return Sources(
        sky.direction[order],
        sky.parent[order],
        sky.flux[order],
        int(sky.parent.max()) + 1,
    )


def group_radiance(sky: SkyPatches, radiance: Float32Array) -> Float32Array:
    """Return the mean radiance of each group of sky patches.

    Parameters
    ----------
    sky : SkyPatches
        The p patches.
    radiance : (p, ...) float32
        Mean radiance of each patch [W/m2/sr], at any times.

    Returns
    -------
    (145, ...) float32
        Means weighted by solid angle.
    """
    parent = sky.parent
    share = sky.solid_angle / np.bincount(parent, sky.solid_angle)[parent]
    mean = csr_array(
        (share.astype(np.float32), (parent, np.arange(len(parent)))),
        shape=(int(parent.max()) + 1, len(parent)),
    )
    found: Float32Array = mean @ radiance
    return found


def sun_groups(path: SunPath, *, degrees: float = SUN_DEGREES) -> IntArray:
    """Return the group of each sun bin: neighbours within some degrees.

    Parameters
    ----------
    path : SunPath
        Of b bins.
    degrees : float
        Height of the groups, and their width along the circle of equal elevation.

    Returns
    -------
    (b,) int
        From 0 on, without gaps.
    """
    towards = path.bin_direction
    elevation = np.degrees(np.arcsin(np.clip(towards[:, 2], -1, 1)))
    azimuth = np.degrees(np.arctan2(towards[:, 0], towards[:, 1])) % 360.0
    row = np.floor(elevation / degrees).astype(np.int64)
    ring = np.cos(np.radians((row + 0.5) * degrees)) * 360.0 / degrees
    column = np.floor(azimuth / 360.0 * np.maximum(1, np.round(ring))).astype(np.int64)
    return np.unique(row * 100_000 + column, return_inverse=True)[1].astype(np.int64)


def sun_sources(
    path: SunPath, *, degrees: float = SUN_DEGREES, most: int = SUNS_PER_GROUP
) -> Sources:
    """Return the sun's path in groups; their strength is their beam [W/m2].

    Parameters
    ----------
    path : SunPath
        Positions and bins.
    degrees : float
        Width of the groups: see `sun_groups`.
    most : int
        Directions that are cast for a group, spread over the elevations of its bins.
    """
    group = sun_groups(path, degrees=degrees)
    time = np.bincount(path.bin, path.share, minlength=len(group))
    # Bins in order of elevation; directions at even steps of the time spent below them.
    order = np.lexsort((path.bin_direction[:, 2], group))
    count = int(group.max(initial=-1)) + 1
    total = np.bincount(group, time, minlength=count)
    passed = np.cumsum(time[order] / total[group[order]])
    owner = np.repeat(np.arange(count), most)
    wanted = owner + np.tile((np.arange(most) + 0.5) / most, count)
    chosen = order[np.minimum(np.searchsorted(passed, wanted), len(order) - 1)]
    towards = path.bin_direction[chosen]
    return Sources(towards, owner, towards / most, count)


def group_beam(
    path: SunPath, beam: FloatArray, *, degrees: float = SUN_DEGREES
) -> Float32Array:
    """Return the beam that comes from each group of sun bins in each hour.

    Parameters
    ----------
    path : SunPath
        Positions and bins.
    beam : (h,) float
        Beam of each hour [W/m2].
    degrees : float
        As in `sun_sources`.

    Returns
    -------
    (g, h) float32
        Beam [W/m2]; sums over g to the beam of each hour with sun.
    """
    group = sun_groups(path, degrees=degrees)
    found = np.zeros((int(group.max(initial=-1)) + 1, len(beam)), np.float32)
    strength = (path.share * beam[path.hour]).astype(np.float32)
    np.add.at(found, (group[path.bin], path.hour), strength)
    return found
