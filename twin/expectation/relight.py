"""Light the facets of a twin with the weather of other days than its year's."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from gis.horizon import HorizonLine
from meshes.solar.courses import follow
from meshes.solar.far_land import behind_land
from meshes.solar.irradiance import Irradiation
from meshes.solar.light import Light
from meshes.solar.skies import perez_dome
from meshes.solar.sky import unit_vectors
from meshes.solar.sun import SunPath, sun_samples
from twin.expectation.conditions import Conditions, IntArray

BLOCK = 2048
"""Steps that are lit at a time: the sky of one takes 2.3 kB."""


def lit_steps(conditions: Conditions) -> IntArray:
    """Return the steps with light; all others are dark or unknown."""
    known = np.isfinite(conditions.dni) & np.isfinite(conditions.dhi)
    lit = known & ((conditions.dni > 0) | (conditions.dhi > 0))
    return np.flatnonzero(lit)


def relight(
    light: Irradiation,
    conditions: Conditions,
    *,
    latitude: float,
    longitude: float,
    grid_convergence: float = 0.0,
    horizon: HorizonLine | None = None,
) -> Irradiation:
    """Put other weather over what the facets see.

    Parameters
    ----------
    light : Irradiation
        A year of light: views, shadows and reflections of the facets.
    conditions : Conditions
        Steps whose light is known everywhere.
    latitude, longitude, grid_convergence : float
        Place and plan [degrees].
    horizon : HorizonLine, optional
        Far land that hides sun and sky.

    Returns
    -------
    Irradiation
        For `meshes.solar.hourly` and all that builds on it: steps take the place of hours.
        Its sums of the year stay those of the twin's weather.

    Notes
    -----
    Sun positions are those of at most ten minutes, as in the year; each takes the shadows
    of the nearest bin that the year's sun has passed. Sky: Perez' all-weather model.
    """
    middle = conditions.middle
    place = {"latitude": latitude, "longitude": longitude}
    dome = perez_dome(
        middle,
        conditions.dni,
        conditions.dhi,
        light.sky,
        interval_minutes=conditions.step_minutes,
        grid_convergence=grid_convergence,
        **place,
    )
    row, azimuth, elevation = sun_samples(
        middle,
        np.flatnonzero(conditions.dni > 0),
        interval_minutes=conditions.step_minutes,
        grid_convergence=grid_convergence,
        **place,
    )
    up = elevation > 0
    row = row[up]
    count = np.bincount(row, minlength=len(conditions))
    towards = unit_vectors(np.radians(azimuth[up]), np.radians(elevation[up]))
    nearest = cKDTree(light.path.bin_direction).query(towards)[1]
    path = SunPath(
        direction=towards,
        hour=row,
        share=1.0 / count[row],
        bin=nearest.astype(np.int64),
        bin_direction=light.path.bin_direction,
        dark=np.flatnonzero((conditions.dni > 0) & (count == 0)),
    )
    now = Light(
        beam=conditions.dni,
        dome=dome,
        month=middle.month.to_numpy().astype(np.int64) - 1,
        step=conditions.step_minutes / 60.0,
    )
    if horizon is not None:
        now, seen = behind_land(
            now, path, light.sky, horizon, grid_convergence=grid_convergence
        )
        # The bins must stay those that the facets' shadows are numbered by.
        kept = cKDTree(path.bin_direction).query(seen.bin_direction)[1].astype(np.int64)
        path = replace(seen, bin=kept[seen.bin], bin_direction=path.bin_direction)
    courses = light.courses
    if courses is not None:
        courses = follow(now, light.sky, path, snow=courses.snow)
    return replace(light, light=now, path=path, courses=courses)


def relight_blocks(
    light: Irradiation,
    conditions: Conditions,
    *,
    latitude: float,
    longitude: float,
    grid_convergence: float = 0.0,
    horizon: HorizonLine | None = None,
    block: int = BLOCK,
) -> Iterator[tuple[IntArray, Irradiation]]:
    """Relight block after block; return the steps of each, and their light.

    Parameters
    ----------
    light, conditions, latitude, longitude, grid_convergence, horizon
        As of `relight`; steps without light are left out.
    block : int
        Steps at a time.
    """
    lit = lit_steps(conditions)
    for first in range(0, len(lit), block):
        rows = lit[first : first + block]
        yield (
            rows,
            relight(
                light,
                conditions.take(rows),
                latitude=latitude,
                longitude=longitude,
                grid_convergence=grid_convergence,
                horizon=horizon,
            ),
        )
