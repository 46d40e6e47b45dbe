"""Fit straight lines to many groups of points at once, whatever strays."""

from dataclasses import dataclass

import numpy as np

from gis.roof_cells import order_within, quantiles
from meshes.polygons import FloatArray, IntArray
from meshes.roofs.plots import BoolArray

SMALLEST = 0.05
"""Errors below this weigh the same in the first, coarse fit [m]."""

COARSE, FINE = 6, 4
"""Steps of both fits; further ones change heights by less than a centimetre."""

NORMAL = 1.4826
"""Standard deviation of normal errors by their median absolute value."""


@dataclass(frozen=True)
class Runs:
    """Groups whose members stand together.

    Attributes
    ----------
    owner : (n,) int
        Group of each member, not falling.
    number : (m,) int
        Members of each group.
    """

    owner: IntArray
    number: IntArray

    @staticmethod
    def of(owner: IntArray, count: int) -> "Runs":
        """Count the members of ``count`` groups."""
        return Runs(owner, np.bincount(owner, minlength=count).astype(np.int64))

    @property
    def start(self) -> IntArray:
        """(m + 1,) int: first member of each group."""
        starts: IntArray = np.concatenate([[0], np.cumsum(self.number)]).astype(np.int64)
        return starts

    def sum(self, values: FloatArray) -> FloatArray:
        """Return the sum of each group, (m,)."""
        total = np.zeros(len(self.number))
        full = self.number > 0
        if full.any():
            total[full] = np.add.reduceat(values, self.start[:-1][full])
        return total

    def mean(self, values: FloatArray) -> FloatArray:
        """Return the mean of each group, NaN for empty ones, (m,)."""
        unknown = np.full(len(self.number), np.nan)
        full = self.number > 0
        mean: FloatArray = np.divide(self.sum(values), self.number, out=unknown, where=full)
        return mean

    def median(self, values: FloatArray) -> FloatArray:
        """Return the median of each group, NaN for empty ones, (m,)."""
        ordered = values[order_within(self.owner, values)]
        return quantiles(ordered, self.owner, len(self.number), (0.5,))[0]


@dataclass(frozen=True)
class Lines:
    """A line for each group: height = eaves + rise x surface.

    Attributes
    ----------
    eaves, rise : (m,) float
        Both numbers [m]; NaN where there is no line.
    off : (n,) float
        Distance of each point from its line [m].
    """

    eaves: FloatArray
    rise: FloatArray
    off: FloatArray

    def where(self, which: BoolArray, other: "Lines", runs: Runs) -> "Lines":
        """Return these lines for some groups, those of another for the rest.

        Parameters
        ----------
        which : (m,) bool
            Groups that keep these.
        other : Lines
            Of the same groups.
        runs : Runs
            The groups.
        """
        return Lines(
            np.where(which, self.eaves, other.eaves),
            np.where(which, self.rise, other.rise),
            np.where(which[runs.owner], self.off, other.off),
        )


def fit_lines(surface: FloatArray, z: FloatArray, runs: Runs) -> Lines:
    """Fit lines by least absolute errors, so that a third of strays does little harm.

    Parameters
    ----------
    surface, z : (n,) float
        Abscissa and height [m]; where all of a group's abscissae are equal, rise is 0.
    runs : Runs
        The groups.

    Notes
    -----
    Least squares with weights of one over the error of the step before (Weiszfeld).
    """
    weight = np.ones(len(z))
    lines = _solve(surface, z, weight, runs)
    for _ in range(COARSE):
        lines = _solve(surface, z, 1.0 / np.maximum(lines.off, SMALLEST), runs)
    return lines


def scatter(lines: Lines, runs: Runs) -> FloatArray:
    """Return the standard deviation of points around lines, inf without one, (m,) [m]."""
    noise = NORMAL * runs.median(lines.off)
    return np.where(np.isfinite(noise), noise, np.inf)


def level_off(
    lines: Lines, surface: FloatArray, z: FloatArray, runs: Runs, band: FloatArray
) -> Lines:
    """Fit lines again to the points near them, those far away without any say.

    Parameters
    ----------
    lines : Lines
        A first guess.
    surface, z, runs
        As in `fit_lines`.
    band : (m,) float
        Distance at which the weight of a point vanishes [m].
    """
    for _ in range(FINE):
        with np.errstate(invalid="ignore"):
            share = np.minimum(lines.off / band[runs.owner], 1.0)
        again = _solve(surface, z, (1.0 - share**2) ** 2, runs)
        # Where no point is near, the guess stands.
        lines = again.where(np.isfinite(again.eaves), lines, runs)
    return lines


def _solve(surface: FloatArray, z: FloatArray, weight: FloatArray, runs: Runs) -> Lines:
    """Solve the normal equations of all groups, about their weighted means."""
    total = runs.sum(weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = runs.sum(weight * surface) / total
        height = runs.sum(weight * z) / total
        across, above = surface - centre[runs.owner], z - height[runs.owner]
        spread = runs.sum(weight * across**2)
        rise = runs.sum(weight * across * above) / spread
        rise = np.where(
            spread > 1e-9 * total, rise, np.where(np.isnan(spread), np.nan, 0.0)
        )
        eaves = height - rise * centre
        off = np.abs(z - eaves[runs.owner] - rise[runs.owner] * surface)
    return Lines(eaves, rise, off)
