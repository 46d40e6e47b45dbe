"""Say how far an expectation can be trusted."""

from dataclasses import dataclass

import numpy as np

from twin.expectation.conditions import Conditions, FloatArray, IntArray


@dataclass(frozen=True)
class Doubt:
    """What makes an expectation uncertain: one standard deviation each, as a share.

    Attributes
    ----------
    sun : float
        Calibration of the instrument that measured the light: 3 % for hourly values of a
        good pyranometer (first class of ISO 9060:1990).
    split : float
        Beam and sky told apart by a correlation, where they were. Assumption.
    planes : float
        From level ground to planes: 3 %, what docs/solar.md finds against measured years.
    system : float
        Rated power, dirt and losses of one plant against what is assumed. Assumption.
    clouds : float
        Share of the change of the sky's clearness from step to step: clouds reach the
        instrument and the plant at different times. Assumption.
    floor : float
        Share of the rated power: low sun, shadows' edges, the inverter's own use.
        Assumption.
    """

    sun: float = 0.03
    split: float = 0.06
    planes: float = 0.03
    system: float = 0.05
    clouds: float = 0.5
    floor: float = 0.01

    def of(
        self, power: FloatArray, rated: FloatArray, conditions: Conditions, rows: IntArray
    ) -> FloatArray:
        """Return the standard deviation of expected powers, (s, t) [kW].

        Parameters
        ----------
        power : (s, t) float
            Expected [kW].
        rated : (s,) float
            Rated powers [kW].
        conditions : Conditions
            Weather of all its steps; ``rows`` (t,) are those of ``power``.
        """
        split = np.where(conditions.split[rows], self.split, 0.0)
        shaky = self.clouds * _unsteadiness(conditions)[rows]
        steady = self.sun**2 + self.planes**2 + self.system**2
        share = np.sqrt(steady + split**2 + shaky**2)
        floor = np.where(power > 0, self.floor * rated[:, None], 0.0)
        whole: FloatArray = np.hypot(power * share, floor)
        return whole


def _unsteadiness(conditions: Conditions) -> FloatArray:
    """Return how much the sky's clearness changes around each step, as a share.

    Half the mean change to the steps before and after, by the clearness itself; 1 at most.
    """
    # The share of light that comes from the sun follows clouds and hardly the sun's height.
    bright = conditions.ghi > 1.0
    clear = np.full(len(conditions), np.nan)
    clear[bright] = 1.0 - np.clip(conditions.dhi[bright] / conditions.ghi[bright], 0.0, 1.0)
    change = np.nan_to_num(np.abs(np.diff(clear)))
    steady: FloatArray = (np.r_[0.0, change] + np.r_[change, 0.0]) / 2
    return steady
