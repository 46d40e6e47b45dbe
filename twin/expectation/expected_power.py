"""Hold what plants should give, with what it rests on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from twin.expectation.conditions import BoolArray, FloatArray, IntArray, instants
from twin.quantities import Quantity


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
        Mean of each step [kW], 0 or positive; NaN where the weather is not known or the
        system is not there.
    doubt : (s, t) float
        Its standard deviation [kW]: see `Doubt`.
    light : (s, t) float
        In the plane of the panels or collectors, mean by rated power or area [W/m2].
    cell : (s, t) float
        Temperature of the cells, likewise [deg C]; NaN for collectors.
    basis : Basis
        What it rests on.
    heat : (s,) bool or None
        Which are collectors: their power is heat; None where all are panels.
    area : (s,) float or None
        Gross area of collectors [m2], NaN for panels; None where it is not known.
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
    heat: BoolArray | None = None
    area: FloatArray | None = None

    @property
    def collectors(self) -> BoolArray:
        """Which systems are collectors, (s,)."""
        return np.zeros(len(self.systems), bool) if self.heat is None else self.heat

    @property
    def collector_area(self) -> FloatArray:
        """Gross area of collectors, (s,) [m2]; NaN for panels and where it is not known."""
        return np.full(len(self.systems), np.nan) if self.area is None else self.area

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
        in all tables), ``doubt_kw``, ``light_w_m2``, ``cell_degc``, ``model``, ``weather``,
        ``quantity``: that of panels' or of collectors' power.
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
                "quantity": pd.Categorical.from_codes(
                    np.repeat(self.collectors.astype(np.int64), steps),
                    pd.Index([Quantity.PV_POWER.value, Quantity.SOLAR_HEAT_POWER.value]),
                ),
            }
        )
