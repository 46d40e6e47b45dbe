"""Learn from its own past what a meter usually shows."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from twin.expectation.conditions import BoolArray, FloatArray, IntArray, instants
from twin.expectation.tracks import HOUR, Nature, Track

CLOCK = ZoneInfo("Europe/Stockholm")
"""Clock that people in the district live by."""

NEAR = 21
"""Days before and after that adjust the level of a day."""

FEWEST_NEAR = 5
"""Days that must be known around."""

FACTOR = 1.8
"""By how much, as a factor, a day may be off to count among those around."""

STRAY = 4.0
"""The same for states [K or unit]."""

SEASONS = 250
"""Days from which on a record tells the course of a year."""

ROUNDS = 15
"""Rounds of reweighting; ten are enough on real meters."""

LIMITS, WARM = np.arange(10.0, 21.0), np.arange(14.0, 25.0)
"""Outdoor temperatures at which heating and cooling may begin [deg C]."""

FEWEST_DAYS = 20
"""Days from which on outdoor temperature explains use."""

MEMORY = (2.0, 6.0, 12.0, 24.0)
"""Hours of weather that heat may answer to."""

LEAST_DOUBT = 0.02
"""Least standard deviation, as a share of the level."""


@dataclass(frozen=True)
class _Calendar:
    """Local day of each step (n,), its slot of the day (n,), class of each day (d,)."""

    day: IntArray
    slot: IntArray
    weekend: BoolArray


def with_typical(track: Track, outdoor: FloatArray | None = None) -> Track:
    """Return a track whose expectation is what is usual for it.

    Parameters
    ----------
    track : Track
        Of demand or state; what it expected before is left out.
    outdoor : (n,) float, optional
        Outdoor temperature of the same steps [deg C]: for heat and cold.

    Returns
    -------
    Track
        With the day's level, from outdoor temperature or from the days around, times the
        usual course of a weekday or a weekend by the local clock; for states plus it. The
        doubt is the spread of what it was.

    Notes
    -----
    All by medians: up to half of a record may be wrong. What is wrong all the time cannot
    be seen this way.
    """
    calendar = calendar_of(track)
    if outdoor is not None and track.nature is Nature.DEMAND:
        found = _heat(track, calendar, outdoor)
        if found is not None:
            return finished(track, *found)
    level = _levels(track, calendar)
    own = level[calendar.day]
    adds = track.nature is Nature.STATE
    with np.errstate(divide="ignore", invalid="ignore"):
        shape = track.value - own if adds else np.where(own > 0, track.value / own, np.nan)
    group = calendar.weekend[calendar.day].astype(np.int64)
    key = group * (track.per_day + 1) + calendar.slot
    usual, spread = by_key(shape, key)
    expected = own + usual if adds else own * usual
    doubt = spread if adds else own * np.maximum(spread, LEAST_DOUBT)
    return finished(track, expected, doubt)


def finished(track: Track, expected: FloatArray, doubt: FloatArray) -> Track:
    """Return the track with what is usual, and what is much for it."""
    known = np.abs(expected[np.isfinite(expected)])
    size = float(np.quantile(known, 0.95)) if len(known) and known.max() > 0 else 1.0
    return replace(track, expected=expected, doubt=doubt, size=size)


def _heat(
    track: Track, calendar: _Calendar, outdoor: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """Return usual heat and its spread: at each time of day a line over the cold.

    None without enough cold and warm days to tell.
    """
    known = np.isfinite(outdoor)
    if known.sum() < 0.5 * len(outdoor):
        return None
    air = np.interp(np.arange(len(outdoor)), np.flatnonzero(known), outdoor[known])
    mean = _daily(track.value, calendar.day)
    turn = _turn(mean, _daily(air, calendar.day))
    if turn is None:
        return None
    way, limit = turn
    group = calendar.weekend[calendar.day].astype(np.int64)
    key = group * (track.per_day + 1) + calendar.slot
    # Walls and controls answer late, nobody knows by how much: what fits best serves.
    tried = []
    for hours in MEMORY:
        past = max(1, round(hours * HOUR / track.step))
        slow = pd.Series(air).rolling(past, min_periods=1).mean().to_numpy()
        need = np.maximum(0.0, way * (limit - slow))
        expected = _over_need(track.value, need, key)
        tried.append((float(np.nanmean(np.abs(track.value - expected))), expected, need))
    _, expected, need = min(tried, key=lambda one: one[0])
    usual = _daily(expected, calendar.day)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(usual > 0, mean / usual, np.nan)
    expected *= _near(ratio, 1.0 / FACTOR, FACTOR, usual=1.0)[calendar.day]
    scale = np.maximum(expected, 0.05 * np.nanquantile(expected, 0.9))
    third = np.digitize(need, np.quantile(need, [1 / 3, 2 / 3]))
    _, spread = by_key(
        (track.value - expected) / scale,
        third * (track.per_day + 1) + calendar.slot,
        centred=True,
    )
    return expected, scale * np.maximum(spread, LEAST_DOUBT)


def _over_need(value: FloatArray, need: FloatArray, key: IntArray) -> FloatArray:
    """Return what is usual at each time of day and need, 0 or more."""
    told = np.isfinite(value)
    kinds, group = np.unique(key, return_inverse=True)
    level, slope = least_absolute_lines(
        need[told], value[told], group[told], count=len(kinds)
    )
    known = np.bincount(group[told], minlength=len(kinds)) >= FEWEST_NEAR
    line = level[group] + slope[group] * need
    usual: FloatArray = np.where(known[group], np.maximum(line, 0.0), np.nan)
    return usual


def least_absolute_lines(
    x: FloatArray, y: FloatArray, group: IntArray, *, count: int
) -> tuple[FloatArray, FloatArray]:
    """Return the line of each group with the least absolute misfit, by reweighting.

    Parameters
    ----------
    x, y : (n,) float
        Known values.
    group : (n,) int
        Which of ``count`` groups each belongs to.
    count : int
        Groups; those without values have zeros.

    Returns
    -------
    level, slope : (count,) float
        A group whose x are all the same has the slope 0.
    """
    floor = 1e-4 * max(float(np.median(np.abs(y))) if len(y) else 0.0, 1e-9)
    weight = np.ones(len(x))
    level, slope = np.zeros(count), np.zeros(count)
    # Squares around each group's mean: lines of a single x must not blow up.
    alone = np.maximum(np.bincount(group, minlength=count), 1)
    apart = x - (np.bincount(group, x, minlength=count) / alone)[group]
    for _ in range(ROUNDS):
        sums = np.maximum(np.bincount(group, weight, minlength=count), 1e-300)
        middle = np.bincount(group, weight * apart, minlength=count) / sums
        height = np.bincount(group, weight * y, minlength=count) / sums
        wide = apart - middle[group]
        squares = np.bincount(group, weight * wide**2, minlength=count)
        product = np.bincount(group, weight * wide * (y - height[group]), minlength=count)
        slope = np.where(squares > 1e-9 * sums, product / np.maximum(squares, 1e-300), 0.0)
        level = height - slope * middle
        left = np.abs(level[group] + slope[group] * apart - y)
        weight = 1.0 / np.maximum(left, floor)
    level -= slope * np.bincount(group, x, minlength=count) / alone
    return level, slope


def calendar_of(track: Track) -> _Calendar:
    """Return local days and the time of day of each step."""
    times = instants(track.start + np.arange(len(track)) * track.step).tz_convert(CLOCK)
    naive = times.tz_localize(None)
    days = naive.normalize()
    number = ((days - days[0]) / pd.Timedelta(days=1)).to_numpy().astype(np.int64)
    number -= number.min()
    slot = ((naive - days) / pd.Timedelta(microseconds=track.step)).to_numpy()
    first = pd.Timestamp(days.min())
    every = first.day_of_week + np.arange(number.max() + 1)
    return _Calendar(number, slot.astype(np.int64), (every % 7) >= 5)


def _daily(values: FloatArray, day: IntArray) -> FloatArray:
    """Return the mean of each day, NaN where less than 70 % of it is known."""
    good = np.isfinite(values)
    count = np.bincount(day[good], minlength=day.max() + 1)
    total = np.bincount(day[good], values[good], minlength=day.max() + 1)
    whole = np.bincount(day)
    mean: FloatArray = np.where(count >= 0.7 * whole, total / np.maximum(count, 1), np.nan)
    return mean


def _levels(track: Track, calendar: _Calendar) -> FloatArray:
    """Return the usual mean of each day, (d,)."""
    mean = _daily(track.value, calendar.day)
    stiff = _by_season(mean, calendar.weekend)
    # The days around may move it a little: a fault of weeks must not become usual.
    if track.nature is Nature.STATE:
        moved: FloatArray = stiff + _near(mean - stiff, -STRAY, STRAY)
        return moved
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(stiff > 0, mean / stiff, np.nan)
    level: FloatArray = stiff * _near(ratio, 1.0 / FACTOR, FACTOR, usual=1.0)
    return level


def _near(apart: FloatArray, low: float, high: float, *, usual: float = 0.0) -> FloatArray:
    """Return the median of what is within bounds on the days around, (d,)."""
    known = np.flatnonzero((apart >= low) & (apart <= high))
    near = np.full(len(apart), usual)
    for day in range(len(apart)):
        first, last = np.searchsorted(known, (day - NEAR, day + NEAR + 1))
        if last - first >= FEWEST_NEAR:
            near[day] = np.median(apart[known[first:last]])
    return near


def _by_season(mean: FloatArray, weekend: BoolArray) -> FloatArray:
    """Return a level with a weekend and, in long records, a year."""
    days = np.arange(len(mean), dtype=np.float64)
    columns = [np.ones(len(mean)), weekend.astype(np.float64)]
    known = np.isfinite(mean)
    if known.sum() < 3:
        return np.full(len(mean), np.nanmedian(mean) if known.any() else np.nan)
    if known.sum() > SEASONS:
        angle = 2 * np.pi * days / 365.25
        columns += [np.cos(angle), np.sin(angle)]
    table = np.stack(columns, axis=1)
    level: FloatArray = table @ _least_absolute(table[known], mean[known])
    return level


def _turn(mean: FloatArray, air: FloatArray) -> tuple[float, float] | None:
    """Return how use follows the air: 1 for heating, -1 for cooling, and from where on.

    None without days of either side to tell.
    """
    known = np.isfinite(mean) & np.isfinite(air)
    if known.sum() < FEWEST_DAYS or np.ptp(air[known]) < 5.0:
        return None
    ways = np.r_[np.ones(len(LIMITS)), -np.ones(len(WARM))]
    limits = np.r_[LIMITS, WARM]
    need = np.maximum(0.0, ways[:, None] * (limits[:, None] - air[known]))
    wanted = np.tile(mean[known], (len(limits), 1))
    group = np.repeat(np.arange(len(limits)), known.sum())
    level, slope = least_absolute_lines(
        need.ravel(), wanted.ravel(), group, count=len(limits)
    )
    missed = np.abs(level[:, None] + slope[:, None] * need - wanted).sum(axis=1)
    missed[slope < 0] = np.inf
    best = int(np.argmin(missed))
    return (float(ways[best]), float(limits[best])) if missed[best] < np.inf else None


def _least_absolute(table: FloatArray, wanted: FloatArray) -> FloatArray:
    """Return the line with the least absolute misfit, by reweighting."""
    scale = max(float(np.median(np.abs(wanted))), 1e-9)
    weight = np.ones(len(wanted))
    line: FloatArray = np.zeros(table.shape[1])
    for _ in range(ROUNDS):
        root = np.sqrt(weight)
        found = np.linalg.lstsq(table * root[:, None], wanted * root, rcond=None)[0]
        line = found.astype(np.float64)
        weight = 1.0 / np.maximum(np.abs(table @ line - wanted), 1e-4 * scale)
    return line


def by_key(
    values: FloatArray, key: IntArray, *, centred: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Return each step's median and spread over the steps of the same key."""
    frame = pd.DataFrame({"key": key, "value": values})
    grouped = frame.groupby("key")["value"]
    middle = 0.0 * values if centred else grouped.transform("median").to_numpy()
    apart = pd.Series(np.abs(values - middle)).groupby(key).transform("median")
    return middle, 1.4826 * apart.to_numpy()
