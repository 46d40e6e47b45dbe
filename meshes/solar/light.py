"""Tell what light each hour brings: the sun's beam and the radiance of the sky."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gis.weather import HOUR, Weather
from meshes.polygons import FloatArray, IntArray
from meshes.solar.skies import SkyDome, perez_sky
from meshes.solar.sky import SkyPatches

MONTHS = 12


@dataclass(frozen=True)
class Light:
    """Light of sun and sky, hour by hour or in finer steps.

    Attributes
    ----------
    beam : (h,) float
        Of the sun's disc, on a plane that faces it [W/m2].
    dome : SkyDome
        Radiance of the sky's patches [W/m2/sr].
    month : (h,) int
        Month of each row in UTC, 0 to 11.
    step : float
        Length of a row [h].
    """

    beam: FloatArray
    dome: SkyDome
    month: IntArray
    step: float = 1.0

    @property
    def hours(self) -> int:
        """Number of rows, hours unless ``step`` says otherwise."""
        return len(self.beam)

    def monthly_radiance(self) -> FloatArray:
        """Return each patch's radiance, summed by month, (p, 12) [kWh/m2/sr]."""
        sums = np.zeros((len(self.dome.radiance), MONTHS))
        for m in range(MONTHS):
            hours = self.month == m
            sums[:, m] = self.dome.radiance[:, hours].sum(axis=1, dtype=np.float64)
        return sums * (self.step / 1000.0)


def year_of_light(
    weather: Weather,
    patches: SkyPatches,
    *,
    latitude: float,
    longitude: float,
    grid_convergence: float = 0.0,
) -> Light:
    """Split weather, a year or a part of one, into the sun's beam and an all-weather sky.

    Parameters
    ----------
    weather : Weather
        Steps with ``dni``, ``dhi`` [W/m2].
    patches : SkyPatches
        Patches of the sky.
    latitude, longitude : float
        Place of the buildings [degrees].
    grid_convergence : float
        Direction of the plan's north, clockwise from true north [degrees].

    Returns
    -------
    Light
        The sky around the sun is bright: it belongs to the patches, not to the beam.
    """
    index = pd.DatetimeIndex(weather.table.index)
    return Light(
        beam=weather.table["dni"].to_numpy(np.float64),
        dome=perez_sky(
            weather,
            patches,
            latitude=latitude,
            longitude=longitude,
            grid_convergence=grid_convergence,
        ),
        month=index.month.to_numpy().astype(np.int64) - 1,
        step=weather.step_minutes / HOUR,
    )
