"""Split global radiation into beam and diffuse."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pvlib import irradiance

from gis.errors import WeatherError
from gis.weather import HOUR, FloatArray, extraterrestrial, step_of, sun_elevation

MODEL = "DIRINT"
"""Name of the model for notes and reports."""

# Below this cosine of the zenith a few watts of GHI would make any beam.
_LOWEST_SUN = 0.05


@dataclass(frozen=True)
class SplitError:
    """How far a split lies from measured beam and diffuse.

    Attributes
    ----------
    hours : int
        Hours that were compared.
    dni_bias, dni_rmse : float
        Mean and root mean square of modelled less measured DNI [W/m2].
    dhi_bias, dhi_rmse : float
        The same of DHI [W/m2].
    dni_share, dhi_share : float
        Mean error over the measured mean [-].
    """

    hours: int
    dni_bias: float
    dni_rmse: float
    dhi_bias: float
    dhi_rmse: float
    dni_share: float
    dhi_share: float


def split_ghi(
    ghi: FloatArray,
    times: pd.DatetimeIndex,
    *,
    latitude: float,
    longitude: float,
) -> tuple[FloatArray, FloatArray]:
    """Split GHI into DNI and DHI by the DIRINT model.

    Parameters
    ----------
    ghi : (n,) float
        Global horizontal radiation [W/m2] of hours, or of finer even steps, in order; NaN
        where unknown.
    times : (n,) DatetimeIndex
        The moment whose sun represents each step, timezone-aware, rising.
    latitude, longitude : float
        Place [degrees].

    Returns
    -------
    dni, dhi : (n,) float
        [W/m2]; ``ghi = dni cos z + dhi`` holds to rounding, both are 0 or more, DNI is at
        most that outside the atmosphere and 0 with the sun below 3 degrees. NaN where
        ``ghi`` is NaN.

    Raises
    ------
    WeatherError
        If lengths differ or times carry no zone.

    Notes
    -----
    DIRINT [1]_ looks at the clearness of the hours before and after as well (an hour away
    in finer steps, too: in minutes of June 2016 beam is then 0.2 % too high, with the
    minutes before and after 7 %), and was
    nearest to two measured years at Lyngby of the eight models tried (table in
    docs/weather.md; recomputed in tests/gis/test_decomposition.py). pvlib's code; the
    atmosphere is taken at sea level, without humidity.

    References
    ----------
    .. [1] R. Perez, P. Ineichen, E. Maxwell, R. Seals and A. Zelenka, "Dynamic
       global-to-direct irradiance conversion models", ASHRAE Transactions 98 (1992)
       354-369.
    """
    values = np.asarray(ghi, dtype=np.float64)
    if len(values) != len(times) or times.tz is None:
        message = (
            "radiation and its times must be equally many and in a time zone, got "
            f"{len(values)} values and {len(times)} times; give UTC"
        )
        raise WeatherError(message)
    if not len(values):
        return values.copy(), values.copy()
    elevation = sun_elevation(times, latitude=latitude, longitude=longitude)
    height = np.clip(np.sin(np.radians(elevation)), 0.0, None)
    with warnings.catch_warnings():
        # pvlib asks pandas for days by a name that pandas gives up.
        warnings.filterwarnings("ignore", message=".*dayofyear.*")
        # Unknown hours stay unknown: as zeros they would pass for clouds beside others.
        beam = np.zeros(len(values))
        every = round(HOUR / step_of(times))
        for first in range(min(every, len(values))):
            rows = slice(first, None, every)
            model = irradiance.dirint(
                pd.Series(values[rows], index=times[rows]),
                pd.Series(90.0 - elevation[rows], index=times[rows]),
                times[rows],
            )
            beam[rows] = np.nan_to_num(model.to_numpy(dtype=np.float64))
    most = extraterrestrial(times)
    # Beam cannot be more than all there is.
    top = np.minimum(most, np.where(height > 0.0, values / np.maximum(height, 1e-9), 0.0))
    dni = np.where(height > _LOWEST_SUN, np.clip(beam, 0.0, np.maximum(top, 0.0)), 0.0)
    dni = np.where(np.isnan(values), np.nan, dni)
    return dni, np.clip(values - dni * height, 0.0, None)


def split_error(
    dni: FloatArray, dhi: FloatArray, *, true_dni: FloatArray, true_dhi: FloatArray
) -> SplitError:
    """Measure how far a split lies from the truth.

    Parameters
    ----------
    dni, dhi : (n,) float
        Modelled [W/m2].
    true_dni, true_dhi : (n,) float
        Measured [W/m2]; hours with NaN anywhere are left out.

    Returns
    -------
    SplitError

    Raises
    ------
    WeatherError
        If no hour can be compared.
    """
    errors = np.stack([dni - true_dni, dhi - true_dhi])
    use = ~np.isnan(errors).any(axis=0)
    if not use.any():
        message = (
            "a split needs hours with measured DNI and DHI, got none; give a full table"
        )
        raise WeatherError(message)
    errors = errors[:, use]
    bias, rmse = errors.mean(axis=1), np.sqrt((errors**2).mean(axis=1))
    mean = np.array([true_dni[use].mean(), true_dhi[use].mean()])
    share = np.divide(bias, mean, out=np.zeros(2), where=mean > 0.0)
    return SplitError(
        hours=int(use.sum()),
        dni_bias=float(bias[0]),
        dni_rmse=float(rmse[0]),
        dhi_bias=float(bias[1]),
        dhi_rmse=float(rmse[1]),
        dni_share=float(share[0]),
        dhi_share=float(share[1]),
    )
