"""Learn what a meter should show from others of its kind, where its own past is short."""

import warnings
from collections.abc import Sequence

import numpy as np

from twin.expectation.conditions import BoolArray, FloatArray
from twin.expectation.tracks import HOUR, Nature, Track, runs
from twin.expectation.typical import by_key, calendar_of, finished

FEWEST = 5
"""Meters of a kind that make a course together."""

LEAST_DAYS = 3
"""Days from which on a record says anything of its own habits."""

GROSS = 0.9
"""How far, as a logarithm, values may lie from the course of the others before they are
left out of a meter's own habits: less than a factor of 3.6, more than habits differ."""

APART = 4.0
"""The same for states [K or unit]."""

LASTING = 6 * HOUR
"""Shortest time for which they must lie so far off [microseconds]."""

LEAST_GOOD = 0.4
"""Share of the values that must not be grossly off."""

DOUBT = 0.15
"""Least standard deviation, as a share: a few days do not tell habits better."""

STATE_DOUBT = 0.3
"""The same of states [K or unit]."""


def with_shared_course(tracks: Sequence[Track]) -> list[Track]:
    """Return tracks of one kind with what is to be expected by the course of all of them.

    Parameters
    ----------
    tracks : sequence of Track
        Meters of one quantity with steps of one length; what they expected is left out.

    Returns
    -------
    list of Track
        In the same order. Tracks of less than `LEAST_DAYS`, or for which nobody knows
        what is usual, expect nothing.

    Notes
    -----
    Expected is the meter's own level times the median course of all meters, each by its own
    level, times the meter's own habit at that time of day; for states sums instead of
    products. A first round without habits tells what is grossly off; the second learns
    habits from the rest. So more than half of a day's hours may be wrong, as long as half
    of the record is right, and as long as not all meters are wrong at once.
    """
    if not tracks:
        return []
    step = tracks[0].step
    first = min(track.start for track in tracks)
    count = max((track.start - first) // step + len(track) for track in tracks)
    table = np.full((len(tracks), count), np.nan)
    for row, track in zip(table, tracks, strict=True):
        place = (track.start - first) // step
        row[place : place + len(track)] = track.value
    adds = tracks[0].nature is Nature.STATE
    course = _course(table, adds=adds)
    found = []
    for track in tracks:
        place = (track.start - first) // step
        if track.days < LEAST_DAYS:
            found.append(track)
            continue
        found.append(_judged(track, course[place : place + len(track)]))
    return found


def _course(table: FloatArray, *, adds: bool) -> FloatArray:
    """Return the median course of many meters, each by its own level, (n,)."""
    count = np.isfinite(table).sum(axis=0)
    if len(table) < FEWEST or not count.any():
        return np.full(table.shape[1], 0.0 if adds else 1.0)
    level = _median(table, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = table - level[:, None] if adds else table / level[:, None]
    scaled[~np.isfinite(scaled)] = np.nan
    course = _median(scaled, axis=0)
    course[count < FEWEST] = np.nan
    return course


def _median(table: FloatArray, *, axis: int) -> FloatArray:
    """Return medians of what is known, NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        middle: FloatArray = np.nanmedian(table, axis=axis)
    return middle


def _judged(track: Track, course: FloatArray) -> Track:
    """Return a meter with its expectation."""
    adds = track.nature is Nature.STATE
    value = track.value
    usable = np.isfinite(value) & np.isfinite(course)
    if not adds:
        usable &= course > 0
    if usable.sum() < 2 * track.per_day:
        return track
    level = _level(value, course, usable, adds=adds)
    good = usable & ~_gross(track, course, level, usable)
    if good.sum() < LEAST_GOOD * usable.sum():
        return track
    level = _level(value, course, good, adds=adds)
    base = level + course if adds else level * course
    with np.errstate(divide="ignore", invalid="ignore"):
        habit = np.where(good, value - base if adds else value / base, np.nan)
    middle, _ = by_key(habit, calendar_of(track).slot)
    middle = np.where(np.isfinite(middle), middle, 0.0 if adds else 1.0)
    expected = base + middle if adds else base * middle
    apart = np.abs(value - expected)[good]
    if adds:
        spread = max(1.4826 * float(np.median(apart)), STATE_DOUBT)
        return finished(track, expected, np.full(len(value), spread))
    floor = 0.05 * float(np.quantile(expected[good], 0.9))
    if floor <= 0:
        # A meter that hardly ever shows anything, as of cooling in winter.
        return track
    share = 1.4826 * float(np.median(apart / np.maximum(expected[good], floor)))
    return finished(track, expected, max(share, DOUBT) * np.maximum(expected, 0.0))


def _level(value: FloatArray, course: FloatArray, where: BoolArray, *, adds: bool) -> float:
    """Return a meter's own level."""
    if adds:
        return float(np.median((value - course)[where]))
    return float(np.median(value[where] / course[where]))


def _gross(track: Track, course: FloatArray, level: float, usable: BoolArray) -> BoolArray:
    """Say where values lie far off for hours."""
    off = np.zeros(len(track), np.bool_)
    place = np.flatnonzero(usable)
    value = track.value[place]
    if track.nature is Nature.STATE:
        far = np.abs(value - level - course[place]) > APART
    elif level <= 0:
        return off
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            far = ~(np.abs(np.log(value / (level * course[place]))) < GROSS)
    for first, stop in runs(far):
        if (stop - first) * track.step >= LASTING:
            off[place[first:stop]] = True
    return off
