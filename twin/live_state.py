"""Say what the state of every building is at a moment, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twin.judgement import BoolArray, FloatArray, Status, falls_short, is_off
from twin.live import HOUR, NEVER, STALE_AFTER, IntArray, LiveTwin
from twin.live_cells import Roster
from twin.model import Building
from twin.quantities import Quantity


@dataclass(frozen=True)
class PvDay:
    """Measured and expected yields of a day, hour by hour, as far as it is over.

    Attributes
    ----------
    start : int
        Midnight UTC [microseconds since 1970].
    hours : int
        How many hours are over.
    measured : (b, 24) float
        Power [kW], generation negative; NaN where unknown, to come, or without panels.
    expected : (b, 24) float
        The same for the expected power; known for the hours to come as well.
    peak : (b,) float
        Largest expected power of the year [kW], positive.
    """

    start: int
    hours: int
    measured: FloatArray
    expected: FloatArray
    peak: FloatArray

    @cached_property
    def compared(self) -> BoolArray:
        """Hours in which both are known, (b, 24) bool."""
        both: BoolArray = ~np.isnan(self.measured) & ~np.isnan(self.expected)
        return both

    @cached_property
    def residual(self) -> FloatArray:
        """Measured less expected, (b, 24) float [kW]: positive is missing yield."""
        return self.measured - self.expected

    @cached_property
    def short(self) -> BoolArray:
        """Hours below tolerance, (b, 24) bool."""
        return falls_short(self.residual, self.expected, self.peak[:, None])

    @cached_property
    def off(self) -> BoolArray:
        """Hours without yield while the sun shines, (b, 24) bool."""
        return is_off(self.residual, self.expected, self.peak[:, None])

    @cached_property
    def measured_kwh(self) -> FloatArray:
        """Yield of each building in the hours that are compared, (b,) float [kWh]."""
        return _sum(0.0 - self.measured, self.compared)

    @cached_property
    def expected_kwh(self) -> FloatArray:
        """Expected yield of each building in the same hours, (b,) float [kWh]."""
        return _sum(0.0 - self.expected, self.compared)

    @cached_property
    def missing_kwh(self) -> FloatArray:
        """Yield of each building that is missing in its hours below tolerance [kWh]."""
        return _sum(self.residual, self.short)


@dataclass(frozen=True)
class Gaps:
    """Intervals of the day so far without a value.

    Attributes
    ----------
    known : int
        Reported as missing.
    unheard : int
        Nothing came at all.
    due : int
        Intervals of all points that are over.
    """

    known: int
    unheard: int
    due: int


@dataclass(frozen=True)
class LiveState:
    """State of every building at a moment, as arrays in the model's order.

    Attributes
    ----------
    twin : LiveTwin
    moment : int
        [microseconds since 1970, UTC]; an hour counts once it is over, and what comes
        more often counts with its mean.
    sequence : int
        Last number of the log that was looked at.
    values, times : dict
        Latest value of each quantity, (b,) float [its unit], and the start of its
        interval, (b,) int; NaN and `NEVER` where there is none. Of several points powers
        are added up in the newest hour in which all are known; of temperatures it is the
        mean.
    expected : (b,) float
        Expected power in the interval of the measured value [kW], generation negative.
    points, points_known, points_fresh : (b,) int
        Number of points, of those ever heard, and of those with a fresh value.
    newest, age : (b,) int
        Start of the newest interval; age of the oldest of the points [microseconds].
        `NEVER` where there is no value.
    heard : mapping of str to (int, float)
        Newest hour of each point of buildings [microseconds since 1970, UTC] and its
        value; points that were never heard are left out.
    sources : tuple of str
        Of the latest values, joined, per building.
    status : (b,) object
        `Status` of each building.
    day : PvDay
        The panels over the day that holds the last interval.
    gaps : Gaps
        Of that day.
    refusals : dict
        Rows in quarantine by reason, over all time.
    revisions : int
        Values that superseded another, over all time.
    simulated, measured : bool
        Whether any value of the log is made up; whether any is not.
    ends_log : bool
        Whether the moment was chosen as the end of the last logged interval.
    strangers : int
        Points in the log that the model does not know.
    """

    twin: LiveTwin
    moment: int
    sequence: int
    values: Mapping[Quantity, FloatArray]
    times: Mapping[Quantity, IntArray]
    expected: FloatArray
    points: IntArray
    points_known: IntArray
    points_fresh: IntArray
    newest: IntArray
    age: IntArray
    heard: Mapping[str, tuple[int, float]]
    sources: tuple[str, ...]
    status: NDArray[np.object_]
    day: PvDay
    gaps: Gaps
    refusals: Mapping[str, int]
    revisions: int
    simulated: bool
    measured: bool
    ends_log: bool
    strangers: int

    @property
    def buildings(self) -> tuple[Building, ...]:
        """The model's buildings."""
        return self.twin.model.buildings

    @property
    def roster(self) -> Roster:
        """Points of buildings that are there on the day."""
        return self.twin.on(self.day.start)

    def has(self, quantity: Quantity) -> BoolArray:
        """Say which buildings have a point of a quantity, (b,) bool."""
        has: BoolArray = self.roster.number[quantity] > 0
        return has

    @property
    def empty(self) -> bool:
        """Whether the log holds nothing."""
        return self.sequence == 0

    @property
    def label(self) -> str:
        """What every view must say of the values: nothing only where none is made up."""
        if not self.simulated:
            return ""
        return "PARTLY SIMULATED" if self.measured else "SIMULATED"

    @cached_property
    def residual(self) -> FloatArray:
        """Measured less expected power of the panels, (b,) float [kW]."""
        return self.values[Quantity.PV_POWER] - self.expected

    def fresh(self, quantity: Quantity) -> BoolArray:
        """Say which buildings have a fresh value of a quantity, (b,) bool."""
        times = self.times[quantity]
        heard = times != NEVER
        age = np.where(heard, self.moment - times - HOUR, 0)
        fresh: BoolArray = heard & (age <= STALE_AFTER)
        return fresh

    def total(self, quantity: Quantity) -> float:
        """Return the sum over the buildings with a fresh value; NaN where none has one."""
        if not self.has(quantity).any():
            return 0.0
        return _total(self.values[quantity], self.fresh(quantity))

    @property
    def expected_total(self) -> float:
        """Expected power of the panels that are freshly measured [kW]."""
        return _total(self.expected, self.fresh(Quantity.PV_POWER))

    def by_urgency(self) -> list[int]:
        """Return the places of all buildings, what can be acted on first.

        Panels that depart now, panels that were off, points that fell silent, panels that
        were short, buildings that were never heard, all others; the larger loss first.
        """
        off, short = self.day.off.any(axis=1), self.day.short.any(axis=1)
        rank = np.select(
            [
                self.status == Status.DEVIATES,
                off,
                self.status == Status.STALE,
                short,
                self.status == Status.SILENT,
            ],
            [0, 1, 2, 3, 4],
            5,
        )
        return [int(k) for k in np.lexsort((-self.day.missing_kwh, rank))]


def _sum(values: FloatArray, chosen: BoolArray) -> FloatArray:
    """Sum up chosen hours of each building."""
    sums: FloatArray = np.where(chosen, values, 0.0).sum(axis=1)
    return sums


def _total(values: FloatArray, chosen: BoolArray) -> float:
    """Sum up chosen buildings, NaN where none is chosen or known."""
    known = values[chosen & ~np.isnan(values)]
    return float(known.sum()) if len(known) else float("nan")
