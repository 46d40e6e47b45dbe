"""Find clocks that are off: values that come too early or too late."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from twin.expectation.conditions import BoolArray, FloatArray, IntArray
from twin.expectation.hint import Hint, HintKind, certainty, lasting, told
from twin.expectation.tracks import HOUR, Nature, Track, coarser, segments

MINUTE = 60_000_000

WIDEST = 190
"""Largest shift that is looked for [min]."""

GRID = 10
"""Distance of the shifts that are tried [min]; between them a parabola is laid."""

LEAST = {Nature.SOLAR: 15.0, Nature.DEMAND: 40.0}
"""Smallest shift worth a hint [min]; half a step at least."""

ALWAYS = 40.0
"""Shift that lasts over the whole record from which on it is the clock's and not that of a
surface that faces otherwise than told [min]: 10 degrees of azimuth look like 20 to 30."""

STEPS_A_DAY = {Nature.SOLAR: 6, Nature.DEMAND: 12}
"""Steps that a day must have."""

WORTH = {Nature.SOLAR: 0.5, Nature.DEMAND: 0.35}
"""Independent steps by steps: what departs stays so for a while."""

MOST_A_DAY = {Nature.SOLAR: 25.0, Nature.DEMAND: 12.0}
"""Most that one day counts."""

PENALTY = 18.0
"""What another piece costs, in units of twice the logarithm of likelihood."""

LEAST_GAIN = {Nature.SOLAR: 25.0, Nature.DEMAND: 45.0}
"""What a shift must gain, likewise: habits change for days without a clock's help."""

FEWEST_DAYS = {Nature.SOLAR: 2, Nature.DEMAND: 7}
"""Days that must show it."""

EXPLAINED = 0.35
"""Least gain by step: below, the course is another one, not a late one."""

SYSTEMATIC = 4.0
"""Standard deviation that no number of days takes away [min]."""


@dataclass(frozen=True)
class _Days:
    """How well each day fits at each shift.

    ``misfit`` (d, k) is n log(SSE / least SSE), ``day`` (d,) the days, ``shift`` (k,)
    [min], ``weight`` (d,) the independent steps.
    """

    misfit: FloatArray
    day: IntArray
    shift: FloatArray
    weight: FloatArray


def find_clock_shifts(track: Track) -> list[Hint]:
    """Return the times in which a clock is off.

    Notes
    -----
    Each day's course is compared with the expected one moved by up to three hours; the
    record is cut where that makes the shifts fit best. A shift that is there all the time
    counts from `ALWAYS` on; shifts of a part of the record are told from the usual one.
    Clocks ahead are positive.
    """
    if track.nature is Nature.STATE:
        return []
    if track.nature is Nature.DEMAND and track.step < HOUR and HOUR % track.step == 0:
        # Habits are those of the hour; its quarters are mostly noise.
        track = coarser(track, HOUR)
    days = _compare(track)
    if len(days.day) < 2:
        return []
    total = np.vstack([np.zeros(len(days.shift)), np.cumsum(days.misfit, axis=0)])
    pieces = segments(
        len(days.day), lambda end: (total[end] - total[:end]).min(axis=1), PENALTY
    )
    found = [_best(days, total, piece) for piece in pieces]
    usual = _usual(found, pieces)
    least = max(LEAST[track.nature], 0.45 * track.step / MINUTE)
    hints = []
    for (first, last), (shift, doubt) in _joined(pieces, found, days, total, usual, least):
        if abs(shift - usual) < least:
            continue
        gain = _gain(days, total, first, last, usual)
        worth = float(days.weight[first:last].sum())
        # A shadow in the morning moves the day a little; a clock explains most of it.
        if (
            gain < LEAST_GAIN[track.nature]
            or last - first < FEWEST_DAYS[track.nature]
            or gain < EXPLAINED * worth
        ):
            continue
        begin = track.day_start(days.day[first])
        end = track.day_start(days.day[last - 1] + 1)
        doubt = float(np.hypot(doubt, SYSTEMATIC))
        way = "late" if shift > usual else "early"
        evidence = (
            f"On {last - first} days from {told(begin)} the course of the day comes "
            f"{abs(shift - usual):.0f} ± {doubt:.0f} min too {way} against "
            f"{'the light' if track.nature is Nature.SOLAR else 'the usual one'}"
            f" ({lasting(end - begin)})."
        )
        figures = {
            "shift_minutes": shift - usual,
            "doubt_minutes": doubt,
            "usual_shift_minutes": usual,
            "days": float(last - first),
            "gain": gain,
        }
        sure = certainty(gain / LEAST_GAIN[track.nature])
        hints.append(Hint(HintKind.CLOCK, track.point, begin, end, sure, evidence, figures))
    return hints


def _compare(track: Track) -> _Days:
    """Compare every day with the expected course at all shifts."""
    shifts = np.arange(-WIDEST, WIDEST + GRID, GRID, dtype=np.float64)
    floats = track.nature is Nature.DEMAND
    expected = np.nan_to_num(track.expected)
    total = PchipInterpolator(
        np.arange(len(track) + 1, dtype=np.float64), np.r_[0.0, np.cumsum(expected)]
    )
    lit = track.both.copy()
    if track.nature is Nature.SOLAR:
        lit &= (track.expected > 0.01 * track.size) | (track.value > 0.01 * track.size)
        # What the night says counts as well: three hours around the day.
        reach = max(1, 3 * HOUR // track.step)
        around = np.convolve(lit, np.ones(2 * reach + 1))[reach : reach + len(track)]
        lit = around > 0.5
        lit &= track.both
    value = np.where(lit, track.value, 0.0)
    count = np.bincount(track.day, lit, minlength=track.days)
    measured = track.by_day(track.value, lit)
    whole = track.by_day(expected, np.isfinite(track.expected))
    known = track.by_day(expected, track.both)
    usable = (count >= STEPS_A_DAY[track.nature]) & (known >= 0.8 * whole) & (whole > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(whole > 0, measured / whole, 0.0)
    usable &= (ratio > 0.15) & (ratio < 4.0)
    if track.nature is Nature.SOLAR:
        usable &= whole > 0.1 * np.quantile(whole, 0.9)
    places = np.arange(len(track), dtype=np.float64)
    squares = np.empty((track.days, len(shifts)))
    for k, shift in enumerate(shifts):
        moved = places - shift * MINUTE / track.step
        low = np.clip(moved, 0, len(track))
        course = total(np.clip(moved + 1.0, 0, len(track))) - total(low)
        squares[:, k] = _misfit(track, value, course, lit, floats=floats)
    floor = (0.015 * track.size) ** 2 * np.maximum(count, 1)
    if floats:
        floor = 1e-6 * track.by_day(track.value**2, lit) + 1e-12
    squares = np.maximum(squares, 0.0) + floor[:, None]
    weight: FloatArray = WORTH[track.nature] * count.astype(np.float64)
    misfit = weight[:, None] * np.log(squares / squares.min(axis=1, keepdims=True))
    day = np.flatnonzero(usable)
    capped: FloatArray = np.minimum(misfit[day], MOST_A_DAY[track.nature])
    return _Days(capped, day, shifts, weight[day])


def _misfit(
    track: Track, value: FloatArray, course: FloatArray, lit: BoolArray, *, floats: bool
) -> FloatArray:
    """Return each day's sum of squares after the best scale, and offset where it floats."""
    mm = track.by_day(value**2, lit)
    me = track.by_day(value * course, lit)
    ee = track.by_day(course**2, lit)
    if floats:
        n = np.maximum(np.bincount(track.day, lit, minlength=track.days), 1.0)
        m, e = track.by_day(value, lit), track.by_day(course, lit)
        mm, me, ee = mm - m * m / n, me - m * e / n, ee - e * e / n
    gained = np.where((me > 0) & (ee > 0), me**2 / np.maximum(ee, 1e-30), 0.0)
    left: FloatArray = mm - gained
    return left


def _best(days: _Days, total: FloatArray, piece: tuple[int, int]) -> tuple[float, float]:
    """Return the shift of a piece and its standard deviation [min]."""
    sums = total[piece[1]] - total[piece[0]]
    k = int(np.argmin(sums))
    if not 0 < k < len(sums) - 1:
        return float(days.shift[k]), GRID / 2
    before, here, after = sums[k - 1 : k + 2]
    bend = before - 2 * here + after
    if bend <= 0:
        return float(days.shift[k]), GRID / 2
    place = 0.5 * (before - after) / bend
    return float(days.shift[k] + GRID * place), float(GRID * np.sqrt(2.0 / bend))


def _usual(found: list[tuple[float, float]], pieces: list[tuple[int, int]]) -> float:
    """Return the shift that surfaces have by themselves [min], 0 where it is too large."""
    small = [
        (shift, last - first)
        for (shift, _), (first, last) in zip(found, pieces, strict=True)
        if abs(shift) < ALWAYS
    ]
    if not small:
        return 0.0
    shifts, lengths = (np.array(column, np.float64) for column in zip(*small, strict=True))
    order = np.argsort(shifts)
    half = np.searchsorted(np.cumsum(lengths[order]), lengths.sum() / 2)
    return float(shifts[order][min(half, len(order) - 1)])


def _gain(days: _Days, total: FloatArray, first: int, last: int, usual: float) -> float:
    """Return how much better the best shift of a piece fits than the usual one."""
    sums = total[last] - total[first]
    return float(np.interp(usual, days.shift, sums) - sums.min())


def _joined(
    pieces: list[tuple[int, int]],
    found: list[tuple[float, float]],
    days: _Days,
    total: FloatArray,
    usual: float,
    least: float,
) -> list[tuple[tuple[int, int], tuple[float, float]]]:
    """Join neighbours that are off by about the same."""
    joined: list[tuple[tuple[int, int], tuple[float, float]]] = []
    for piece, best in zip(pieces, found, strict=True):
        if joined:
            (first, _), (shift, _) = joined[-1]
            both_off = min(abs(shift - usual), abs(best[0] - usual)) >= least
            if both_off and abs(best[0] - shift) < 2 * GRID:
                whole = (first, piece[1])
                joined[-1] = (whole, _best(days, total, whole))
                continue
        joined.append((piece, best))
    return joined
