"""Compare what was measured with what was expected, over days and months."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from gis.errors import TableError
from meshes.solar.photovoltaics import STC
from twin.expectation.conditions import BoolArray, FloatArray, IntArray, instants
from twin.expectation.expected_power import Expected

POWER_SLOPE = -0.0037
"""Change of the power of crystalline silicon with temperature [1/K]. Data sheets of the
last ten years give -0.003 to -0.0045; assumption."""

STC_CELL = 25.0
"""Temperature of the standard test conditions [deg C]."""

LEAST_LIGHT = 20.0
"""Light in the plane from which on a step counts as daylight [W/m2]: as in IEC 61724."""

PERIODS: Mapping[str, str] = {"day": "D", "month": "MS"}


@dataclass(frozen=True)
class Residual:
    """Measured less expected power, on the same steps.

    Attributes
    ----------
    expected : Expected
        What should be.
    measured : (s, t) float
        Mean power of the same systems in the same steps [kW], generation positive here;
        NaN where nothing is known.
    """

    expected: Expected
    measured: FloatArray

    def __post_init__(self) -> None:
        """Refuse values of other steps."""
        if self.measured.shape != self.expected.power.shape:
            message = (
                "measured values must lie on the systems and steps of the expectation, "
                f"{self.expected.power.shape}, got {self.measured.shape}; use on_steps"
            )
            raise TableError(message)

    @cached_property
    def power(self) -> FloatArray:
        """Measured less expected, (s, t) [kW]: negative is missing yield."""
        return self.measured - self.expected.power

    @cached_property
    def score(self) -> FloatArray:
        """The residual by its standard deviation, (s, t): beyond 3 something is odd."""
        floor = np.maximum(self.expected.doubt, 1e-9)
        score: FloatArray = self.power / floor
        return score

    @cached_property
    def both(self) -> BoolArray:
        """Where both are known, (s, t) bool."""
        known: BoolArray = np.isfinite(self.measured) & np.isfinite(self.expected.power)
        return known


def on_steps(
    times: IntArray, values: FloatArray, *, start: IntArray, step: int
) -> FloatArray:
    """Bring measured means of an even, equal or finer step onto the steps wanted.

    Parameters
    ----------
    times : (n,) int
        Starts of the measured intervals [microseconds since 1970, UTC].
    values : (n,) float
        Means of the intervals, NaN for gaps.
    start : (t,) int
        Starts of the steps wanted, rising.
    step : int
        Their length [microseconds].

    Returns
    -------
    (t,) float
        Means; NaN where less than half of a step is known.

    Notes
    -----
    Intervals longer than a step leave the steps between their starts unknown: a mean of an
    hour says nothing of its quarters. Bring the expectation to the longer step then.
    """
    times = np.asarray(times, np.int64)
    own = int(np.diff(np.unique(times)).min()) if len(times) > 1 else step
    place = np.searchsorted(start, times, side="right") - 1
    inside = (place >= 0) & (times - start[np.maximum(place, 0)] < step)
    good = inside & np.isfinite(values)
    count = np.bincount(place[good], minlength=len(start))
    total = np.bincount(place[good], values[good], minlength=len(start))
    full = max(1, step // max(own, 1))
    enough = count >= 0.5 * full
    mean: FloatArray = np.where(enough, total / np.maximum(count, 1), np.nan)
    return mean


def performance(residual: Residual, period: str = "month") -> pd.DataFrame:
    """Tell the performance of systems by day or month, as IEC 61724 defines it.

    Parameters
    ----------
    residual : Residual
        Measured and expected power.
    period : str
        "day" or "month", in UTC.

    Returns
    -------
    DataFrame
        Index ``system, start``; only steps in which both values are known count:

        ``measured_kwh``, ``expected_kwh``, ``residual_kwh`` (measured less expected),
        ``doubt_kwh`` (standard deviation of the expected energy, what is systematic in a
        period taken as the same in all of its steps), ``final_yield_h`` (energy by rated
        power), ``reference_yield_h`` (light in the plane by 1000 W/m2),
        ``performance_ratio`` of the two, ``performance_ratio_25`` with the cells at 25
        degrees, ``expected_ratio`` (measured by expected energy), ``coverage`` (share of
        the light of the period that fell in steps that count), ``yield_kwh_m2`` (heat by
        gross area of collectors, NaN for panels).

        Collectors have no rating that their yield could be divided by: what they give
        hangs on temperatures, and not on light alone. Their ``performance_ratio`` is that
        of heat to expected heat, and they have no ``performance_ratio_25``.

    Raises
    ------
    TableError
        If the period is another one.

    Notes
    -----
    PR = (E / P0) / (H / G_stc). Corrected for temperature each step's rated power is
    ``P0 (1 + g (Tcell - 25))``, g = `POWER_SLOPE`: IEC 61724-1:2017, 14.3.2.
    """
    if period not in PERIODS:
        message = f"a period must be one of {', '.join(PERIODS)}, got {period!r}"
        raise TableError(message)
    awaited = residual.expected
    index = instants(awaited.start).tz_localize(None).to_period(PERIODS[period][0])
    codes, names = pd.factorize(index, sort=True)
    starts = pd.PeriodIndex(names).to_timestamp().tz_localize("UTC")
    both = residual.both
    hours = awaited.hours
    lit = both & (awaited.light >= LEAST_LIGHT)
    correction = 1.0 + POWER_SLOPE * (np.nan_to_num(awaited.cell, nan=25.0) - STC_CELL)

    def total(values: FloatArray, where: BoolArray) -> FloatArray:
        kept = np.where(where, values, 0.0)
        sums = np.zeros((len(kept), len(starts)))
        for k, row in enumerate(kept):
            sums[k] = np.bincount(codes, row, minlength=len(starts))
        return sums * hours

    energy, expected = total(residual.measured, both), total(awaited.power, both)
    yielded = energy / awaited.rated[:, None]
    reference = total(awaited.light, lit) / STC
    warm = total(awaited.light * correction, lit) / STC
    everything = total(np.nan_to_num(awaited.light), awaited.light >= 0)
    heat = awaited.collectors[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        to_expected = np.where(expected > 0, energy / expected, np.nan)
        to_light = np.where(reference > 0, yielded / reference, np.nan)
        to_cool_light = np.where(warm > 0, yielded / warm, np.nan)
        table = {
            "measured_kwh": energy,
            "expected_kwh": expected,
            "residual_kwh": energy - expected,
            "doubt_kwh": total(awaited.doubt, both),
            "final_yield_h": yielded,
            "reference_yield_h": reference,
            "performance_ratio": np.where(heat, to_expected, to_light),
            "performance_ratio_25": np.where(heat, np.nan, to_cool_light),
            "expected_ratio": to_expected,
            "coverage": np.where(
                everything > 0, total(awaited.light, both) / everything, np.nan
            ),
            "yield_kwh_m2": energy / awaited.collector_area[:, None],
        }
    rows = pd.MultiIndex.from_product([awaited.systems, starts], names=["system", "start"])
    return pd.DataFrame({name: value.ravel() for name, value in table.items()}, index=rows)
