"""Find plants of which a part was off for days on end."""

from dataclasses import dataclass

import numpy as np

from twin.expectation.conditions import FloatArray, IntArray
from twin.expectation.hint import Hint, HintKind, certainty, lasting, told
from twin.expectation.scale import daily_ratios
from twin.expectation.tracks import Nature, Track, segments

BRIGHT = 0.2
"""Expected energy of a day that counts, by that of good days."""

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


@dataclass(frozen=True)
class _Course:
    """Days that count (n,), their ratios and weights (n,), and the noise of ratios."""

    day: IntArray
    ratio: FloatArray
    weight: FloatArray
    noise: float


def find_parts_off(track: Track) -> list[Hint]:
    """Return the times in which part of a plant was off.

    Notes
    -----
    Daily ratios of measured to expected energy are cut into levels. A level that is lower
    than both neighbours by steps is a part that was off. What falls over months and never
    rises at once is ageing or the season of the model, and no hint.
    """
    if track.nature is not Nature.SOLAR:
        return []
    course = _course(track)
    if len(course.day) < 2 * FEWEST:
        return []
    return _partial(track, course, _levels(course))


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
