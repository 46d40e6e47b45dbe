"""Find plants that give less for days on end: a part that is off, or dirt."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.expectation.conditions import FloatArray, IntArray
from twin.expectation.hint import Hint, HintKind, certainty, lasting, told
from twin.expectation.scale import daily_ratios
from twin.expectation.tracks import DAY, Nature, Track, segments

BRIGHT = 0.2
"""Expected energy of a day that counts, by that of good days."""

HIGH, CLEAR = 20.0, 0.6
"""Height of the sun [degrees] and share of the light that comes straight from it, from
which on steps tell dirt."""

STEEP = 0.65
"""Least share of what is missing that must go, and come back, at once."""

EVEN = 0.6
"""Least share of what is missing over the day that each third of its energy must miss."""

PENALTY = 16.0
"""What another level costs, in variances."""

SAME = 0.06
"""Levels that differ by less are one."""

DROP = 0.12
"""Least share that is missing while a part is off."""

FEWEST = 2
"""Days that count, at least, at a level."""

MOST = 0.4
"""Largest share of the days that a part may be off: what is there longer is the usual."""

EDGE = 4
"""Days on both sides of a change that are compared."""

LEAST_SOILING = 0.04
"""Least share that dirt takes until it is washed off."""

LEAST_DAYS = 14
"""Shortest time in which dirt shows [days]."""

FASTEST = 0.01
"""Largest share a day that dirt takes; what falls faster is no dirt. Assumption."""

WASHED = 0.03
"""Least rise of the level that looks like rain or cleaning."""


@dataclass(frozen=True)
class _Course:
    """Days that count (n,), their ratios and weights (n,), and the noise of ratios."""

    day: IntArray
    ratio: FloatArray
    weight: FloatArray
    noise: float


def find_level_changes(track: Track) -> list[Hint]:
    """Return the times in which part of a plant was off, and those of dirt.

    Notes
    -----
    Daily ratios of measured to expected energy are cut into levels. A level that is lower
    than both neighbours by steps is a part that was off; one that falls slowly and rises
    at once is dirt. What falls over months and never rises at once is ageing or the season
    of the model, and no hint.
    """
    if track.nature is not Nature.SOLAR:
        return []
    course = _course(track)
    if len(course.day) < 2 * FEWEST:
        return []
    levels = _levels(course)
    partial = _partial(track, course, levels)
    return sorted(partial + _soiling(track, partial), key=lambda hint: hint.start)


def _course(track: Track) -> _Course:
    """Return the days that count."""
    ratio, expected = daily_ratios(track)
    good = expected[expected > 0]
    bright = expected > BRIGHT * np.quantile(good, 0.9) if len(good) else expected > 0
    day = np.flatnonzero(np.isfinite(ratio) & bright & (ratio > 0.02) & (ratio < 3.0))
    kept = ratio[day]
    weight = (
        np.sqrt(expected[day] / max(float(np.quantile(good, 0.9)), 1e-9))
        if len(day)
        else kept
    )
    steps = np.abs(np.diff(kept))
    noise = 1.4826 * float(np.median(steps)) / np.sqrt(2) if len(steps) else 0.05
    return _Course(day, kept, np.minimum(weight, 1.0), max(noise, 0.01))


def _levels(course: _Course) -> list[tuple[int, int]]:
    """Cut the course into levels; neighbours that hardly differ are joined."""
    w, r = course.weight, course.ratio
    # One wild day must not make a level of its own.
    r = np.clip(r, *_fences(r, course.noise))
    sums = [np.r_[0.0, np.cumsum(w * r**power)] for power in (0, 1, 2)]

    def cost(end: int) -> FloatArray:
        weight, first, second = (total[end] - total[:end] for total in sums)
        apart: FloatArray = second - first**2 / np.maximum(weight, 1e-12)
        return apart / course.noise**2

    pieces = segments(len(r), cost, PENALTY)
    joined = [pieces[0]]
    for piece in pieces[1:]:
        last = joined[-1]
        if abs(_mean(course, piece) / _mean(course, last) - 1.0) < SAME:
            joined[-1] = (last[0], piece[1])
        else:
            joined.append(piece)
    return joined


def _fences(ratio: FloatArray, noise: float) -> tuple[FloatArray, FloatArray]:
    """Return how low and high each day may count, by the days around it."""
    padded = np.pad(ratio, 2, mode="edge")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    return middle - 3 * noise, middle + 3 * noise


def _mean(course: _Course, piece: tuple[int, int]) -> float:
    """Return the level of a piece."""
    part = slice(*piece)
    return float(np.average(course.ratio[part], weights=course.weight[part]))


def _partial(track: Track, course: _Course, levels: list[tuple[int, int]]) -> list[Hint]:
    """Find levels between a step down and a step up, or the end."""
    hints = []
    for k, (first, last) in enumerate(levels):
        here = _mean(course, (first, last))
        around = [_mean(course, levels[j]) for j in (k - 1, k + 1) if 0 <= j < len(levels)]
        most = MOST * len(course.day)
        if not FEWEST <= last - first <= most or not around or here <= 0:
            continue
        usual = float(np.mean(around))
        missing = 1.0 - here / usual
        least = max(DROP, 4.0 * _local_noise(course, first, last) / usual / np.sqrt(EDGE))
        # One that began before the record must be clear.
        if missing < (least if k > 0 else 2 * least):
            continue
        steps = [-_step(course, first)] if k > 0 else []
        if k + 1 < len(levels):
            rise = _step(course, last)
            steps.append(rise / (1.0 + rise))
        if min(steps) < STEEP * missing or not _all_day(
            track, course, (first, last), usual
        ):
            continue
        begin = track.day_start(course.day[first])
        end = track.day_start(course.day[last - 1] + 1)
        evidence = (
            f"From {told(begin)} for {lasting(end - begin)} {missing:.0%} of the usual "
            f"yield is missing all day long: {here:.2f} of what was expected on "
            f"{last - first} days, {usual:.2f} before and after."
        )
        strength = missing / (3 * course.noise) * np.sqrt(last - first) / 2
        figures = {
            "missing_share": missing,
            "level": here,
            "usual": usual,
            "days": float(last - first),
        }
        sure = certainty(float(strength))
        hints.append(
            Hint(HintKind.PARTIAL, track.point, begin, end, sure, evidence, figures)
        )
    return hints


def _local_noise(course: _Course, first: int, last: int) -> float:
    """Return the noise of the days around the ends of a level."""
    near = np.r_[max(0, first - 12) : first + 12, max(0, last - 12) : last + 12]
    near = near[near < len(course.ratio) - 1]
    steps = np.abs(np.diff(course.ratio))[near] if len(near) else np.array([course.noise])
    return float(1.4826 * np.median(steps) / np.sqrt(2))


def _all_day(track: Track, course: _Course, piece: tuple[int, int], usual: float) -> bool:
    """Say whether as much is missing in the morning as at noon and in the afternoon."""
    inside = np.zeros(track.days, bool)
    inside[course.day[slice(*piece)]] = True
    chosen = track.both & inside[track.day] & (track.expected > 0)
    if track.azimuth is None or not chosen.any():
        return True
    around, energy = track.azimuth[chosen], track.expected[chosen]
    order = np.argsort(around)
    share = np.cumsum(energy[order]) / energy.sum()
    thirds = np.split(order, np.searchsorted(share, [1 / 3, 2 / 3]))
    value = track.value[chosen]
    levels = [
        1.0 - value[part].sum() / (usual * energy[part].sum())
        for part in thirds
        if len(part)
    ]
    whole = 1.0 - value.sum() / (usual * energy.sum())
    return bool(min(levels) > EVEN * whole)


def _step(course: _Course, place: int) -> float:
    """Return by how much the level changes at once before a day, as a share."""
    before = course.ratio[max(0, place - EDGE) : place]
    after = course.ratio[place : place + EDGE]
    return float(np.median(after) / np.median(before) - 1.0)


def _slope(course: _Course, first: int, last: int) -> float:
    """Return how much the ratio changes a day, Theil and Sen's median of all pairs."""
    days, ratio = course.day[first:last].astype(np.float64), course.ratio[first:last]
    if len(days) < 3:
        return 0.0
    a, b = np.triu_indices(len(days), 1)
    return float(np.median((ratio[b] - ratio[a]) / (days[b] - days[a])))


def _soiling(track: Track, partial: list[Hint]) -> list[Hint]:
    """Find slow falls that end in a rise."""
    taken = np.zeros(track.days + 1, bool)
    for hint in partial:
        a = (hint.start - track.day_start(0)) // DAY
        b = (hint.end - track.day_start(0)) // DAY
        taken[max(0, a) : b] = True
    own = _high_sun(track, taken)
    if len(own.day) < 3 * EDGE:
        return []
    rises = _rises(own)
    hints: list[Hint] = []
    for rise in rises:
        before = [r for r in rises if r < rise and _step(own, r) > _step(own, rise) / 2]
        first = _begin_of_fall(own, rise, max(before, default=0))
        if first is None:
            continue
        length = float(own.day[rise - 1] - own.day[first])
        slope = _slope(own, first, rise)
        lost = -slope * length
        error = own.noise * np.sqrt(12.0 / (rise - first)) / max(length, 1.0)
        gained = _step(own, rise)
        if (
            lost < LEAST_SOILING
            or -slope > FASTEST
            or -slope < 5.0 * error
            or gained <= WASHED
            or not 0.6 * lost < gained < 1.6 * lost + 0.02
        ):
            continue
        begin = track.day_start(own.day[first])
        end = track.day_start(own.day[rise])
        evidence = (
            f"From {told(begin)} on the yield fell by {-slope:.2%} of the expected a day, "
            f"{lost:.0%} in {length:.0f} days, and rose by {gained:.0%} at "
            f"{told(end)}, as after rain or cleaning."
        )
        figures = {
            "share_a_day": -slope,
            "lost_share": lost,
            "recovered_share": gained,
            "days": length,
        }
        hints.append(
            Hint(
                HintKind.SOILING,
                track.point,
                begin,
                end,
                certainty(float(-slope / error / 6.0)),
                evidence,
                figures,
            )
        )
    return hints


def _high_sun(track: Track, taken: NDArray[np.bool_]) -> _Course:
    """Return the days that count for dirt: steps of high sun without clouds alone.

    Low sun shows small errors of the model by season, and clouds pass elsewhere.
    """
    chosen = track.both & ~taken[track.day]
    if track.elevation is not None and track.beam is not None:
        chosen &= (track.elevation > HIGH) & (track.beam > CLEAR)
    chosen &= track.expected > 0.1 * track.size
    energy = track.by_day(track.expected, chosen)
    hours = np.bincount(track.day, chosen, minlength=track.days) * track.hours
    day = np.flatnonzero(hours >= 2.0)
    measured = track.by_day(track.value, chosen)
    ratio = measured[day] / energy[day] if len(day) else np.empty(0)
    sane = (ratio > 0.2) & (ratio < 2.0)
    day, ratio = day[sane], ratio[sane]
    steps = np.abs(np.diff(ratio))
    noise = 1.4826 * float(np.median(steps)) / np.sqrt(2) if len(steps) else 0.05
    return _Course(day, ratio, np.ones(len(day)), max(noise, 0.005))


def _rises(course: _Course) -> list[int]:
    """Return where the level rises at once, the largest of neighbours."""
    count = len(course.day)
    steps = np.zeros(count)
    for place in range(EDGE, count - FEWEST):
        steps[place] = _step(course, place)
    least = max(WASHED, 3.0 * course.noise / np.sqrt(EDGE))
    return [
        place
        for place in range(EDGE, count - FEWEST)
        if steps[place] > least
        and steps[place] >= steps[max(0, place - 2 * EDGE) : place + 2 * EDGE + 1].max()
    ]


def _begin_of_fall(course: _Course, rise: int, earliest: int) -> int | None:
    """Return where the fall before a rise begins: where a bent line fits best."""
    low = max(earliest, int(np.searchsorted(course.day, course.day[rise] - 120)))
    found, best = None, np.inf
    days, ratio = course.day.astype(np.float64), course.ratio
    for first in range(low, rise - 5):
        if days[rise - 1] - days[first] < LEAST_DAYS:
            break
        # Level until the bend, then a line; the level is that of the last month.
        bend = np.maximum(days[low:rise] - days[first], 0.0)
        table = np.stack([np.ones(rise - low), bend], axis=1)
        left = np.linalg.lstsq(table, ratio[low:rise], rcond=None)
        squares = float(((table @ left[0] - ratio[low:rise]) ** 2).sum())
        if left[0][1] < 0 and squares < best:
            found, best = first, squares
    return found
