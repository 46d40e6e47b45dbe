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

ROUNDS = 25
"""Rounds of reweighting; ten are enough on real meters."""

LIMITS = np.arange(10.0, 21.0)
"""Outdoor temperatures at which heating may begin [deg C]."""

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
        Outdoor temperature of the same steps [deg C]: for heat.

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
    calendar = _calendar(track)
    if outdoor is not None and track.nature is Nature.DEMAND:
        found = _heat(track, calendar, outdoor)
        if found is not None:
            return _finished(track, *found)
    level = _levels(track, calendar)
    own = level[calendar.day]
    adds = track.nature is Nature.STATE
    with np.errstate(divide="ignore", invalid="ignore"):
        shape = track.value - own if adds else np.where(own > 0, track.value / own, np.nan)
    group = calendar.weekend[calendar.day].astype(np.int64)
    key = group * (track.per_day + 1) + calendar.slot
    usual, spread = _by_key(shape, key)
    expected = own + usual if adds else own * usual
    doubt = spread if adds else own * np.maximum(spread, LEAST_DOUBT)
    return _finished(track, expected, doubt)


def _finished(track: Track, expected: FloatArray, doubt: FloatArray) -> Track:
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
    limit = _heating_limit(mean, _daily(air, calendar.day))
    if limit is None:
        return None
    group = calendar.weekend[calendar.day].astype(np.int64)
    key = group * (track.per_day + 1) + calendar.slot
    # Walls and controls answer late, nobody knows by how much: what fits best serves.
    tried = []
    for hours in MEMORY:
        past = max(1, round(hours * HOUR / track.step))
        slow = pd.Series(air).rolling(past, min_periods=1).mean().to_numpy()
        cold = np.maximum(0.0, limit - slow)
        expected = _over_cold(track.value, cold, key)
        tried.append((float(np.nanmean(np.abs(track.value - expected))), expected, cold))
    _, expected, cold = min(tried, key=lambda one: one[0])
    usual = _daily(expected, calendar.day)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(usual > 0, mean / usual, np.nan)
    expected *= _near(ratio, 1.0 / FACTOR, FACTOR, usual=1.0)[calendar.day]
    scale = np.maximum(expected, 0.05 * np.nanquantile(expected, 0.9))
    third = np.digitize(cold, np.quantile(cold, [1 / 3, 2 / 3]))
    _, spread = _by_key(
        (track.value - expected) / scale,
        third * (track.per_day + 1) + calendar.slot,
        centred=True,
    )
    return expected, scale * np.maximum(spread, LEAST_DOUBT)


def _over_cold(value: FloatArray, cold: FloatArray, key: IntArray) -> FloatArray:
    """Return what is usual at each time of day and cold, 0 or more."""
    expected = np.full(len(value), np.nan)
    for kind in np.unique(key):
        own = np.flatnonzero(key == kind)
        told = np.isfinite(value[own])
        if told.sum() >= FEWEST_NEAR:
            table = np.stack([np.ones(len(own)), cold[own]], axis=1)
            expected[own] = table @ _least_absolute(table[told], value[own][told])
    usual: FloatArray = np.maximum(expected, 0.0)
    return usual


def _calendar(track: Track) -> _Calendar:
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


def _heating_limit(mean: FloatArray, air: FloatArray) -> float | None:
    """Return the temperature at which heating begins; None without cold days."""
    known = np.isfinite(mean) & np.isfinite(air)
    if known.sum() < 30 or np.ptp(air[known]) < 5.0:
        return None
    best, found = np.inf, None
    for limit in LIMITS:
        cold = np.maximum(0.0, limit - air[known])
        table = np.stack([np.ones(len(cold)), cold], axis=1)
        line = _least_absolute(table, mean[known])
        missed = float(np.abs(table @ line - mean[known]).sum())
        if missed < best and line[1] >= 0:
            best, found = missed, float(limit)
    return found


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


def _by_key(
    values: FloatArray, key: IntArray, *, centred: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Return each step's median and spread over the steps of the same key."""
    frame = pd.DataFrame({"key": key, "value": values})
    grouped = frame.groupby("key")["value"]
    middle = 0.0 * values if centred else grouped.transform("median").to_numpy()
    apart = pd.Series(np.abs(values - middle)).groupby(key).transform("median")
    return middle, 1.4826 * apart.to_numpy()
