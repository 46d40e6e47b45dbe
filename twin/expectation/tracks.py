"""Lay what a point measured beside what it should have, on even steps."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from twin.expectation.conditions import BoolArray, FloatArray, IntArray

DAY = 86_400_000_000
HOUR = 3_600_000_000


class Nature(StrEnum):
    """How a quantity behaves, as far as faults go."""

    SOLAR = "solar"
    """Made from light: nothing at night; generation positive here."""
    DEMAND = "demand"
    """Used by people and buildings: 0 or positive, weekly and daily habits."""
    STATE = "state"
    """A temperature or the like: of either sign, slow."""


@dataclass(frozen=True)
class Track:
    """One point's values and expectation.

    Attributes
    ----------
    point : str
        Id of the point.
    nature : Nature
        How it behaves.
    start, step : int
        First start and length of the n steps [microseconds].
    value : (n,) float
        Measured; solar generation positive. NaN where nothing is known.
    expected, doubt : (n,) float
        What it should be and the standard deviation of that; NaN where nobody knows.
    size : float
        What is much for this point: rated power, or a high value of its own.
    unit : str
        Of the values.
    azimuth, elevation, beam : (n,) float or None
        The sun [degrees], and the share of the light that comes straight from it; for
        solar points.
    flags : (n,) int or None
        What values of a step were flagged with, see `twin.expectation.trust`.
    peers : int
        How many plants under the same sky corrected the expectation, 0 for none.
    tank : bool
        Whether it stands still where nobody takes what it gives: collectors.
    hot : (n,) float or None
        Temperature of the water that collectors give [degC], NaN where nobody knows.
    """

    point: str
    nature: Nature
    start: int
    step: int
    value: FloatArray
    expected: FloatArray
    doubt: FloatArray
    size: float
    unit: str = "kW"
    azimuth: FloatArray | None = None
    elevation: FloatArray | None = None
    beam: FloatArray | None = None
    flags: IntArray | None = None
    peers: int = 0
    tank: bool = False
    hot: FloatArray | None = None

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.value)

    @property
    def hours(self) -> float:
        """Length of a step [h]."""
        return self.step / HOUR

    @property
    def per_day(self) -> int:
        """Steps a day."""
        return DAY // self.step

    @cached_property
    def both(self) -> BoolArray:
        """Where value and expectation are known, (n,) bool."""
        known: BoolArray = np.isfinite(self.value) & np.isfinite(self.expected)
        return known

    @cached_property
    def day(self) -> IntArray:
        """Day of each step in UTC, from 0, (n,) int."""
        first = self.start // DAY
        days: IntArray = (self.start + np.arange(len(self)) * self.step) // DAY - first
        return days

    @property
    def days(self) -> int:
        """Number of days it touches."""
        return int(self.day[-1]) + 1 if len(self) else 0

    def time(self, place: int) -> int:
        """Return the start of a step [microseconds]."""
        return self.start + int(place) * self.step

    def day_start(self, day: int) -> int:
        """Return the start of a day [microseconds]."""
        return (self.start // DAY + int(day)) * DAY

    def by_day(self, values: FloatArray, where: BoolArray) -> FloatArray:
        """Sum up chosen values by day, (days,)."""
        kept = np.where(where, values, 0.0)
        return np.bincount(self.day, kept, minlength=self.days).astype(np.float64)

    def without(self, suspects: BoolArray) -> "Track":
        """Return it with suspect steps unknown."""
        return replace(self, value=np.where(suspects, np.nan, self.value))


def coarser(track: Track, step: int) -> Track:
    """Return a demand or a state by longer steps, as means.

    Parameters
    ----------
    track : Track
        Its step must divide the longer one.
    step : int
        [microseconds].

    Returns
    -------
    Track
        A longer step is known where half of it is. The doubt stays: what departs does so
        for a while. Without the sun's places, and the last step may be incomplete.
    """
    share = step // track.step
    before = int(track.start % step // track.step)
    behind = -(before + len(track)) % share
    reach = (before, behind)

    def mean(values: FloatArray) -> FloatArray:
        table = np.pad(values, reach, constant_values=np.nan).reshape(-1, share)
        good = np.isfinite(table)
        total = np.where(good, table, 0.0).sum(axis=1)
        count = good.sum(axis=1)
        found: FloatArray = np.where(
            2 * count >= share, total / np.maximum(count, 1), np.nan
        )
        return found

    return replace(
        track,
        start=track.start // step * step,
        step=step,
        value=mean(track.value),
        expected=mean(track.expected),
        doubt=mean(track.doubt),
        azimuth=None,
        elevation=None,
        beam=None,
        flags=None,
    )


def runs(mask: BoolArray) -> list[tuple[int, int]]:
    """Return where a mask is true: first and first after, run by run.

    Examples
    --------
    >>> runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def segments(
    count: int, cost: Callable[[int], FloatArray], penalty: float
) -> list[tuple[int, int]]:
    """Cut a row of things into the pieces that cost least.

    Parameters
    ----------
    count : int
        Number of things.
    cost : callable
        Given an end e, costs of the pieces from 0, 1, ... e - 1 up to it, (e,) float.
    penalty : float
        What each further piece costs.

    Returns
    -------
    list of (int, int)
        First and first after of each piece.

    Notes
    -----
    Optimal partitioning by dynamic programming: Jackson and others (2005), IEEE Signal
    Processing Letters 12, 105-108. Compared with trying all cuts in a test.
    """
    best = np.zeros(count + 1)
    back = np.zeros(count + 1, np.int64)
    best[0] = -penalty
    for end in range(1, count + 1):
        whole = best[:end] + cost(end) + penalty
        back[end] = int(np.argmin(whole))
        best[end] = whole[back[end]]
    pieces = []
    end = count
    while end > 0:
        pieces.append((int(back[end]), end))
        end = int(back[end])
    return pieces[::-1]
