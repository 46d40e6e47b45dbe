"""Hide sun and sky behind far land, for a whole scene at once."""

from dataclasses import replace

import numpy as np

from gis.horizon import HorizonLine
from meshes.polygons import FloatArray
from meshes.solar.light import Light
from meshes.solar.sky import SkyPatches
from meshes.solar.sun import SunPath

COLUMNS = 16
"""Azimuths at which the line is looked up within a patch, 0.4 degrees apart at most of
577 patches."""


def behind_land(
    light: Light,
    path: SunPath,
    patches: SkyPatches,
    horizon: HorizonLine,
    *,
    grid_convergence: float = 0.0,
) -> tuple[Light, SunPath]:
    """Take away the light that comes from below the horizon line.

    Parameters
    ----------
    light : Light
        Sun and sky of each hour.
    path : SunPath
        The sun's positions.
    patches : SkyPatches
        Patches of the sky.
    horizon : HorizonLine
        Seen from the middle of the scene, azimuths from true north.
    grid_convergence : float
        Azimuth of the plan's north, clockwise from true north [degrees].

    Returns
    -------
    light : Light
        Each patch keeps the share of its radiance that its part above the line has.
    path : SunPath
        Without the positions below the line, and the bins that only they are in; what is
        left keeps its share.

    Notes
    -----
    The land itself is black here: what it throws back is far less than what it hides of
    the sky, about a fifth for an albedo of 0.2. One line serves the whole scene: seen r
    away from the middle, land at the distance D stands higher or lower by r / D of its
    elevation. Checked against walls around a scene in tests/meshes/solar/test_far_land.py.
    """
    kept = shares_above(patches, horizon, grid_convergence=grid_convergence)
    radiance = light.dome.radiance * kept[:, None].astype(np.float32)
    seen = ~is_below(path.direction, horizon, grid_convergence=grid_convergence)
    bins, number = np.unique(path.bin[seen], return_inverse=True)
    left = replace(
        path,
        direction=path.direction[seen],
        hour=path.hour[seen],
        share=path.share[seen],
        bin=number,
        bin_direction=path.bin_direction[bins],
    )
    return replace(light, dome=replace(light.dome, radiance=radiance)), left


def shares_above(
    patches: SkyPatches, horizon: HorizonLine, *, grid_convergence: float = 0.0
) -> FloatArray:
    """Return the share of each patch's solid angle above a horizon, (p,) float.

    Parameters
    ----------
    patches : SkyPatches
        Patches in axes of the plan.
    horizon : HorizonLine
        Azimuths from true north.
    grid_convergence : float
        Azimuth of the plan's north [degrees].
    """
    first, last, lower, upper = (edge[:, None] for edge in patches.bounds.T)
    azimuth = first + (last - first) * (np.arange(COLUMNS) + 0.5) / COLUMNS
    line = np.clip(horizon.elevation_at(azimuth + grid_convergence), lower, upper)
    low, cut, high = (np.sin(np.radians(edge)) for edge in (lower, line, upper))
    share: FloatArray = ((high - cut) / (high - low)).mean(axis=1)
    return share


def is_below(
    direction: FloatArray, horizon: HorizonLine, *, grid_convergence: float = 0.0
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which directions, (n, 3) in axes of the plan, lie below a horizon."""
    azimuth = np.degrees(np.arctan2(direction[:, 0], direction[:, 1])) + grid_convergence
    elevation = np.degrees(np.arcsin(np.clip(direction[:, 2], -1.0, 1.0)))
    return horizon.hides(azimuth, elevation)
