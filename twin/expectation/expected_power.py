"""Hold what plants should give, with what it rests on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from twin.expectation.conditions import FloatArray, IntArray, instants


@dataclass(frozen=True)
class Basis:
    """What an expectation rests on; it goes wherever the values go.

    Attributes
    ----------
    model : str
        Hash of geometry, plants, parameters and version.
    geometry : str
        Hash of the twin's inputs.
    weather : str
        Where the weather comes from.
    version : str
        Of this software.
    notes : tuple of str
        What was assumed.
    """

    model: str
    geometry: str
    weather: str
    version: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expected:
    """What plants should give, step by step.

    Attributes
    ----------
    systems : tuple of str
        The s systems.
    rated : (s,) float
        Rated power [kW].
    start : (t,) int
        Starts of the steps [microseconds since 1970, UTC].
    step : int
        Length of a step [microseconds].
    power : (s, t) float
        Mean of each step [kW], 0 or positive; NaN where the weather is not known.
    doubt : (s, t) float
        Its standard deviation [kW]: see `Doubt`.
    light : (s, t) float
        In the plane of the panels or collectors, mean by rated power or area [W/m2].
    cell : (s, t) float
        Temperature of the cells, likewise [deg C]; NaN for collectors.
    basis : Basis
        What it rests on.
    """

    systems: tuple[str, ...]
    rated: FloatArray
    start: IntArray
    step: int
    power: FloatArray
    doubt: FloatArray
    light: FloatArray
    cell: FloatArray
    basis: Basis

    @property
    def hours(self) -> float:
        """Length of a step [h]."""
        return self.step / 3.6e9

    @property
    def energy(self) -> FloatArray:
        """Energy of each step, (s, t) [kWh]."""
        energy: FloatArray = self.power * self.hours
        return energy

    def table(self) -> pd.DataFrame:
        """Lay it out as rows, sorted by system and time.

        Columns ``system``, ``time`` (start, UTC), ``expected_kw`` (generation negative, as
        in all tables), ``doubt_kw``, ``light_w_m2``, ``cell_degc``, ``model``, ``weather``.
        """
        count, steps = self.power.shape
        return pd.DataFrame(
            {
                "system": pd.Categorical.from_codes(
                    np.repeat(np.arange(count), steps), pd.Index(self.systems)
                ),
                "time": instants(np.tile(self.start, count)),
                "expected_kw": (0.0 - self.power).ravel(),
                "doubt_kw": self.doubt.ravel(),
                "light_w_m2": self.light.ravel(),
                "cell_degc": self.cell.ravel(),
                "model": pd.Categorical.from_codes(
                    np.zeros(count * steps, np.int64), pd.Index([self.basis.model])
                ),
                "weather": pd.Categorical.from_codes(
                    np.zeros(count * steps, np.int64), pd.Index([self.basis.weather])
                ),
            }
        )
