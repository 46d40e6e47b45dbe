"""Turn the readings of a cumulative register into amounts over intervals."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gis.errors import TableError
from twin.store.records import Quality

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

HOUR = 3_600_000_000
"""[microseconds]"""

LONGEST_SPIKE = 3
"""Readings in a row that may be wrong before they count as another meter."""

NEAR_END = 0.1
"""Share of a register's range within which both ends lie where it passed its largest
number, if nothing is said of how fast it can go."""

SMALL = 0.1
"""Share of a step below which a split interval says nothing new of the shape."""


@dataclass(frozen=True)
class Increments:
    """What a register counted between its readings.

    Attributes
    ----------
    start, end : (n,) int64
        Times of the two readings [microseconds since 1970, UTC].
    amount : (n,) float
        In the register's unit; NaN where nobody knows, because the meter was changed.
    quality : (n,) int64
        Flags of `Quality`: those of both readings, and what happened between.
    dropped : (m,) int64
        Times of readings that were left out: they stand out and go back.
    findings : tuple of str
        What was found, in words.
    """

    start: IntArray
    end: IntArray
    amount: FloatArray
    quality: IntArray
    dropped: IntArray
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Amounts:
    """Amounts over intervals of one length.

    Attributes
    ----------
    start : (n,) int64
        [microseconds since 1970, UTC]
    amount : (n,) float
        NaN where the readings do not reach, or the meter was changed.
    quality : (n,) int64
        Flags of `Quality`; `Quality.ESTIMATED` where readings do not tell what fell
        before and what after a border, and it was shared out evenly.
    step : int
        Length [microseconds].
    """

    start: IntArray
    amount: FloatArray
    quality: IntArray
    step: int


def increments(
    time: IntArray,
    value: FloatArray,
    *,
    largest: float | None = None,
    most: float | None = None,
    meter: npt.NDArray[np.object_] | None = None,
    quality: IntArray | None = None,
) -> Increments:
    """Return what a register counted between its readings.

    Parameters
    ----------
    time : (n,) int64
        When it was read [microseconds since 1970, UTC], in any order: late rows need no
        care but that all are given again, see `touched`.
    value : (n,) float
        What it showed; NaN where there is no reading.
    largest : float, optional
        Number at which it starts again from 0: ``10 ** digits`` in its unit; default:
        never. Only where this is known a fall can be a roll-over.
    most : float, optional
        Most that it can count in an hour; default: anything.
    meter : (n,) of str, optional
        Which meter was read; where it changes the amount is unknown.
    quality : (n,) int64, optional
        Flags of the readings.

    Returns
    -------
    Increments
        Between readings that hold. A gap is one long increment: its sum is known, its
        shape is not.

    Raises
    ------
    TableError
        If the arrays are not of one length, or a limit is not positive.

    Notes
    -----
    Of equal times the largest value counts. A fall is, in this order: a roll-over, if
    ``largest`` allows; up to `LONGEST_SPIKE` readings that stand out above or below, which
    are left out, the fewest possible; or else a change of the meter (`Quality.RESET`),
    whose amount is not invented.

    Examples
    --------
    >>> hours = 3_600_000_000 * np.arange(4)
    >>> increments(hours, np.array([9.5, 9.9, 0.2, 0.7]), largest=10.0).amount.round(6)
    array([0.4, 0.3, 0.5])
    """
    _check(time, value, meter, quality, largest, most)
    flags = np.zeros(len(time), np.int64) if quality is None else quality
    order, repeated = _order(time, value)
    chain = _Chain(
        times=time[order],
        values=value[order],
        meters=None if meter is None else np.asarray(meter)[order],
        largest=largest,
        most=most,
    )
    kept = np.array(chain.walk(), dtype=np.int64)
    told = flags[order]
    between = kept[1:]
    before = kept[:-1]
    amount = chain.values[between] - chain.values[before]
    happened = np.array([chain.events.get(int(i), 0) for i in between], np.int64)
    rolled = happened == Quality.ROLLOVER
    if largest is not None:
        amount[rolled] += largest
    amount[happened == Quality.RESET] = np.nan
    dropped = np.setdiff1d(np.arange(len(order)), kept)
    return Increments(
        chain.times[before],
        chain.times[between],
        amount,
        told[before] | told[between] | happened,
        chain.times[dropped],
        _findings(happened, dropped, repeated),
    )


def spread(found: Increments, *, step: int) -> Amounts:
    """Share increments out over intervals of one length on whole multiples of it.

    Parameters
    ----------
    found : Increments
        In the order of time.
    step : int
        Length of the intervals [microseconds].

    Returns
    -------
    Amounts
        From the interval of the first reading to that of the last. Where an interval's
        border falls between two readings, their increment is shared evenly in time.

    Raises
    ------
    TableError
        If the step is not positive, or gives more than ten million intervals.
    """
    if step <= 0:
        message = f"a step must be above 0 microseconds, got {step}"
        raise TableError(message)
    if not len(found.start):
        none = np.zeros(0, np.int64)
        return Amounts(none, np.zeros(0), none, step)
    first = int(found.start[0]) // step * step
    last = -(-int(found.end[-1]) // step) * step
    if (last - first) // step > 10_000_000:
        message = (
            "a step must give at most ten million intervals, got "
            f"{(last - first) // step}; take a longer one"
        )
        raise TableError(message)
    edges = np.arange(first, last + 1, step, dtype=np.int64)
    start, end = edges[:-1], edges[1:]
    times = np.concatenate([found.start[:1], found.end])
    unknown = np.isnan(found.amount)
    # Differences keep their digits only if the sum starts at 0.
    total = np.concatenate([[0.0], np.cumsum(np.where(unknown, 0.0, found.amount))])
    offsets = (times - times[0]).astype(float)
    amount = np.diff(np.interp((edges - times[0]).astype(float), offsets, total))
    # Increments that overlap an interval: from `low` to before `high`.
    low = np.searchsorted(found.end, start, side="right")
    high = np.searchsorted(found.start, end, side="left")
    outside = (start < times[0]) | (end > times[-1])
    amount[outside | (_count(unknown, low, high) > 0)] = np.nan
    quality = np.zeros(len(start), np.int64)
    for flag in Quality:
        carried = (found.quality & flag) != 0
        quality[_count(carried, low, high) > 0] |= int(flag)
    guessed = _is_split(found, edges, step)
    quality[(guessed[:-1] | guessed[1:]) & ~np.isnan(amount)] |= int(Quality.ESTIMATED)
    return Amounts(start, amount, quality, step)


def touched(time: IntArray, late: IntArray) -> tuple[int, int] | None:
    """Return the span whose increments change when late readings come.

    Parameters
    ----------
    time : (n,) int64
        Times of the readings known so far, ascending [microseconds].
    late : (m,) int64
        Times of those that came late.

    Returns
    -------
    (int, int) or None
        From the reading before the first to the reading after the last, wide enough for
        spikes that they tell; None if there are no late ones.
    """
    if not len(late):
        return None
    ordered = np.union1d(time, late)
    reach = LONGEST_SPIKE + 1
    first = max(int(np.searchsorted(ordered, late.min())) - reach, 0)
    last = min(int(np.searchsorted(ordered, late.max())) + reach, len(ordered) - 1)
    return int(ordered[first]), int(ordered[last])


class _Chain:
    """Readings in the order of time, of which those are kept that hold together."""

    def __init__(
        self,
        *,
        times: IntArray,
        values: FloatArray,
        meters: npt.NDArray[np.object_] | None,
        largest: float | None,
        most: float | None,
    ) -> None:
        self.times = times
        self.values = values
        self.events: dict[int, int] = {}
        self._meters = meters
        self._largest = largest
        self._most = most

    def walk(self) -> list[int]:
        """Return the places of the readings that are kept; fill ``events``."""
        count = len(self.values)
        if not count:
            return []
        # Only where something is odd a look at its neighbours is needed.
        odd = np.ones(count, dtype=bool)
        odd[1:] = ~self._follow(np.arange(count - 1), np.arange(1, count))
        kept = [0]
        place = 1
        while place < count:
            if not odd[place] and kept[-1] == place - 1:
                kept.append(place)
                place += 1
                continue
            place = self._step(kept, place)
        return kept

    def _step(self, kept: list[int], place: int) -> int:
        """Add or drop what stands at a place; return the place to go on from."""
        before = kept[-1]
        if self._changes(before, place):
            self.events[place] = Quality.RESET.value
        elif self._follows(before, place):
            pass
        elif self._rolls_over(before, place):
            self.events[place] = Quality.ROLLOVER.value
        else:
            ahead = self._ahead(before, place)
            back = self._behind(kept, place)
            if back is not None and (ahead is None or back <= ahead - place):
                # Some that were kept stood out; what seemed a roll-over was none.
                del kept[-back:]
            elif ahead is not None:
                kept.append(ahead)
                return ahead + 1
            else:
                self.events[place] = Quality.RESET.value
        kept.append(place)
        return place + 1

    def _ahead(self, before: int, place: int) -> int | None:
        """Return the next reading that follows, if those between stand out."""
        for later in range(place + 1, min(place + 1 + LONGEST_SPIKE, len(self.values))):
            if self._changes(before, later):
                return None
            if self._follows(before, later):
                return later
        return None

    def _behind(self, kept: list[int], place: int) -> int | None:
        """Return how many of the last kept must go for a reading to follow."""
        for gone in range(1, min(LONGEST_SPIKE, len(kept) - 1) + 1):
            if self._follows(kept[-gone - 1], place):
                return gone
        return None

    def _follows(self, one: int, other: int) -> bool:
        """Return whether a reading may come after another."""
        return bool(self._follow(np.array([one]), np.array([other]))[0])

    def _follow(self, one: IntArray, other: IntArray) -> npt.NDArray[np.bool_]:
        """Return whether readings may come after others, of the same meter."""
        risen = self.values[other] - self.values[one]
        holds: npt.NDArray[np.bool_] = risen >= 0
        holds &= risen <= self._allowed(one, other)
        if self._meters is not None:
            holds &= self._meters[one] == self._meters[other]
        return holds

    def _allowed(self, one: IntArray, other: IntArray) -> FloatArray:
        """Return the most that can be counted between readings."""
        if self._most is None:
            return np.full(len(one), np.inf)
        allowed: FloatArray = self._most * (self.times[other] - self.times[one]) / HOUR
        return allowed

    def _changes(self, one: int, other: int) -> bool:
        """Return whether readings are of two meters."""
        return self._meters is not None and self._meters[one] != self._meters[other]

    def _rolls_over(self, one: int, other: int) -> bool:
        """Return whether the register passed its largest number between readings."""
        if self._largest is None or self.values[other] > self.values[one]:
            return False
        if not (self.values[other] >= 0 and self.values[one] < self._largest):
            # It shows what such a register cannot.
            return False
        if self._most is not None:
            risen = self.values[other] + self._largest - self.values[one]
            return bool(risen <= self._allowed(np.array([one]), np.array([other]))[0])
        high = self.values[one] >= (1 - NEAR_END) * self._largest
        return bool(high and self.values[other] <= NEAR_END * self._largest)


def _order(time: IntArray, value: FloatArray) -> tuple[IntArray, int]:
    """Return places of readings in the order of time, one for a time, and repeats left."""
    held = np.flatnonzero(np.isfinite(value))
    ordered = held[np.lexsort((value[held], time[held]))]
    if not len(ordered):
        return ordered, 0
    # Of equal times the last in order has the largest value.
    last = np.append(np.diff(time[ordered]) > 0, [True])
    return ordered[last], int((~last).sum())


def _count(mask: npt.NDArray[np.bool_], low: IntArray, high: IntArray) -> IntArray:
    """Return how many of a mask are set from one place to before another."""
    sums = np.concatenate([[0], np.cumsum(mask)]).astype(np.int64)
    counts: IntArray = sums[high] - sums[np.minimum(low, high)]
    return counts


def _is_split(found: Increments, edges: IntArray, step: int) -> npt.NDArray[np.bool_]:
    """Return whether borders fall into increments whose shape matters."""
    place = np.searchsorted(found.end, edges, side="left")
    inside = place < len(found.end)
    place = np.minimum(place, len(found.end) - 1)
    inside &= (found.start[place] < edges) & (edges < found.end[place])
    long = found.end[place] - found.start[place] > SMALL * step
    # What did not move between two readings did not move at any time between.
    split: npt.NDArray[np.bool_] = inside & long & (found.amount[place] != 0)
    return split


def _findings(happened: IntArray, dropped: IntArray, repeated: int) -> tuple[str, ...]:
    """Return what was found, in words."""
    told = (
        (int((happened == Quality.ROLLOVER).sum()), "times it passed its largest number"),
        (int((happened == Quality.RESET).sum()), "changes of the meter, amount unknown"),
        (len(dropped), "readings that stand out and go back, left out"),
        (repeated, "readings of a time that has another, left out"),
    )
    return tuple(f"{count} {what}" for count, what in told if count)


def _check(
    time: IntArray,
    value: FloatArray,
    meter: npt.NDArray[np.object_] | None,
    quality: IntArray | None,
    largest: float | None,
    most: float | None,
) -> None:
    """Raise if what is given does not hold together."""
    lengths = [len(part) for part in (time, value, meter, quality) if part is not None]
    if len(set(lengths)) != 1:
        message = f"readings must be of one length, got {lengths}"
        raise TableError(message)
    for what, limit in (("largest", largest), ("most", most)):
        if limit is not None and not 0 < limit < float("inf"):
            message = f"{what} must be above 0, got {limit}"
            raise TableError(message)
