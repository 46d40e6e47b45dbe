"""Find dirt: yields that fall slowly, and rise at once when it is washed off."""

from dataclasses import dataclass

import numpy as np

from twin.expectation.conditions import BoolArray, FloatArray, IntArray
from twin.expectation.hint import Hint, HintKind, certainty, told
from twin.expectation.tracks import Nature, Track

HIGH, CLEAR = 15.0, 0.5
"""Height of the sun [degrees] and share of the light that comes straight from it, from
which on steps tell dirt; among other plants any sky does."""

BRIGHT = 0.12
"""Share of its size that a plant must be expected to give in a step that counts."""

ENOUGH = 1.5
"""Hours of such steps that a day must have."""

LENGTHS = (14, 18, 23, 29, 37, 47, 60, 76, 96, 120)
"""Days over which dirt may settle; steps of a quarter lose little of what fits."""

AROUND = 25
"""Days before and after that tell the clean level."""

FEWEST = 3
"""Days that must be known after the rise and on both halves of the fall, at least."""

LEAST_LOST = 0.035
"""Least share that dirt takes until it is washed off."""

FASTEST = 0.015
"""Largest share a day that dirt takes; what falls faster is no dirt. Assumption."""

CLEAREST = 5.0
"""Standard errors by which the loss must be above nothing."""

ALIKE = 1.6
"""Factor of standard errors for days that resemble the days before. Assumption."""

RISEN = 0.45
"""Least share of the loss by which the level must rise at once."""

BETTER = 4.0
"""Variances by which a fall and rise must leave less than a step or a bend does."""


SLOW = (10, 16, 24)
"""Days over which levels come back that no rain brought back."""


@dataclass(frozen=True)
class _Course:
    """Every day's ratio to the usual one, and what it counts: (d,), 0 where unknown."""

    ratio: FloatArray
    weight: FloatArray


@dataclass(frozen=True)
class _Fit:
    """A fall and rise: end and length [days], loss as a share, its standard error."""

    end: int
    length: int
    lost: float
    error: float


def find_soiling(track: Track) -> list[Hint]:
    """Return the times in which dirt settled and was washed off.

    Notes
    -----
    Daily ratios of measured to expected energy, of bright steps alone, are compared with a
    line that falls for two weeks to four months and comes back in a day, on a level that
    may drift: least squares at every day and for several lengths. The best one counts if
    its loss is certain, if the rise is there, and if neither a step nor a bend without a
    rise explains the days as well. The slope between two recoveries is the idea of
    Deceglie and others (2018), IEEE Journal of Photovoltaics 8, 547-551; its size is
    tested against drawn saw teeth.
    """
    if track.nature is not Nature.SOLAR:
        return []
    course = _course(track)
    hints: list[Hint] = []
    for _ in range(1 + len(course.ratio) // 30):
        fit = _best(course)
        if fit is None:
            break
        hints.append(_hint(track, course, fit))
        taken = np.ones(len(course.ratio), bool)
        taken[max(0, fit.end - fit.length) : fit.end] = False
        course = _Course(course.ratio, course.weight * taken)
    return sorted(hints, key=lambda hint: hint.start)


def _course(track: Track) -> _Course:
    """Return the days' ratios of bright steps."""
    chosen = track.both & (track.expected > BRIGHT * track.size)
    if track.elevation is not None and track.beam is not None:
        clear = track.beam > CLEAR
        chosen &= (track.elevation > HIGH) & (clear | (track.peers > 0))
    energy = track.by_day(track.expected, chosen)
    hours = np.bincount(track.day, chosen, minlength=track.days) * track.hours
    measured = track.by_day(track.value, chosen)
    good = (hours >= ENOUGH) & (energy > 0)
    ratio = np.where(good, measured / np.maximum(energy, 1e-12), 0.0)
    good &= (ratio > 0.2) & (ratio < 2.0)
    if not good.any():
        return _Course(np.zeros(track.days), np.zeros(track.days))
    usual = float(np.median(ratio[good]))
    ratio = np.where(good, ratio / usual, 0.0)
    much = float(np.quantile(energy[good], 0.8))
    weight = np.where(good, np.minimum(energy / much, 1.0), 0.0)
    return _Course(_tamed(ratio, good), weight)


def _tamed(ratio: FloatArray, good: BoolArray) -> FloatArray:
    """Return ratios that no single day pulls far from the days around it."""
    known = ratio[good]
    padded = np.pad(known, 3, mode="edge")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 7), axis=1)
    noise = 1.4826 * float(np.median(np.abs(known - middle)))
    reach = 3.0 * max(noise, 0.005)
    tamed = ratio.copy()
    tamed[good] = np.clip(known, middle - reach, middle + reach)
    return tamed


def _best(course: _Course) -> _Fit | None:
    """Return the most certain fall and rise that nothing else explains."""
    best, sure = None, CLEAREST
    for length in LENGTHS:
        if length >= len(course.ratio):
            break
        lost, error = _teeth(course, length)
        certain = lost / (ALIKE * error)
        good = (lost > LEAST_LOST) & (lost < FASTEST * length) & (certain > sure)
        for end in sorted(np.flatnonzero(good), key=lambda e: -certain[e])[:5]:
            fit = _Fit(int(end), length, float(lost[end]), float(ALIKE * error[end]))
            if _holds(course, fit):
                best, sure = fit, float(certain[end])
                break
    return best


def _teeth(course: _Course, length: int) -> tuple[FloatArray, FloatArray]:
    """Return the loss of a fall that ends before each day, and its standard error, (d,).

    Least squares of level, drift and fall over the days around, by sums that slide.
    """
    offset = np.arange(-length - AROUND, AROUND)
    drift: FloatArray = offset / (length + 2.0 * AROUND)
    tooth: FloatArray = np.where(
        (offset >= -length) & (offset < 0), -(offset + length) / length, 0.0
    )
    shapes: tuple[FloatArray, ...] = (np.ones(len(offset)), drift, tooth)
    weight, ratio = course.weight, course.ratio

    def slid(series: FloatArray, kernel: FloatArray) -> FloatArray:
        padded = np.pad(series, (length + AROUND, AROUND - 1))
        sums: FloatArray = np.correlate(padded, kernel, mode="valid")
        return sums

    days = len(ratio)
    normal = np.empty((days, 3, 3))
    right = np.empty((days, 3))
    for i, one in enumerate(shapes):
        right[:, i] = slid(weight * ratio, one)
        for j, other in enumerate(shapes[: i + 1]):
            normal[:, i, j] = normal[:, j, i] = slid(
                weight, (one * other).astype(np.float64)
            )
    squares = slid(weight * ratio**2, shapes[0])
    # Too few days on one side of the rise, or in half of the fall, tell nothing.
    known = (weight > 0).astype(np.float64)
    parts = [
        (offset >= 0),
        (offset < -length / 2) & (offset >= -length),
        (offset >= -length / 2) & (offset < 0),
    ]
    enough = np.all(
        [slid(known, part.astype(np.float64)) >= FEWEST for part in parts], axis=0
    )
    lost, error = np.zeros(days), np.full(days, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio_of = np.linalg.det(normal) / np.prod(
            np.diagonal(normal, axis1=1, axis2=2), axis=1
        )
    where = np.flatnonzero(enough & (ratio_of > 1e-4))
    if len(where):
        inverse = np.linalg.inv(normal[where])
        found = np.einsum("dij,dj->di", inverse, right[where])
        left = squares[where] - np.einsum("di,di->d", found, right[where])
        count = slid(known, shapes[0])[where]
        variance = np.maximum(left, 0.0) / np.maximum(count - 3.0, 1.0)
        lost[where] = found[:, 2] / np.maximum(found[:, 0], 0.1)
        error[where] = np.sqrt(np.maximum(variance * inverse[:, 2, 2], 1e-8))
    return lost, error


def _holds(course: _Course, fit: _Fit) -> bool:
    """Say whether the level rises, and neither a step nor a bend explains the days."""
    first = max(0, fit.end - fit.length - AROUND)
    part = slice(first, min(len(course.ratio), fit.end + AROUND))
    weight, ratio = course.weight[part], course.ratio[part]
    day = np.arange(part.start, part.stop) - fit.end
    inside = (day >= -fit.length) & (day < 0)
    drift: FloatArray = day / fit.length
    tooth: FloatArray = np.where(inside, -(day + fit.length) / fit.length, 0.0)
    ones = np.ones(len(day))
    left = _squares(weight, ratio, (ones, drift, tooth))
    others = [
        _squares(weight, ratio, (ones, drift, np.square(drift))),
        _squares(weight, ratio, (ones, drift, (day >= 0).astype(np.float64))),
        *(
            _squares(
                weight,
                ratio,
                (ones, drift, ((day >= -begin) & (day < 0)).astype(np.float64)),
            )
            for begin in range(3, fit.length + AROUND, max(1, fit.length // 12))
        ),
    ]
    noise = left / max(1.0, float((weight > 0).sum()) - 3.0)
    # A shape explains as well if it leaves hardly more than the fall does.
    clear = all(other - left > BETTER * noise for other in others)
    # What comes back over weeks is no rain.
    slow = min(
        _squares(weight, ratio, (ones, drift, _tent(day, fit.length, back)))
        for back in SLOW
    )
    clear &= slow > left
    before = (day >= -max(4, fit.length // 6)) & (day < 0) & (weight > 0)
    after = (day >= 0) & (day < 8) & (weight > 0)
    if not clear or not before.any() or not after.any():
        return False
    rise = np.average(ratio[after], weights=weight[after]) - np.average(
        ratio[before], weights=weight[before]
    )
    return bool(rise > RISEN * fit.lost)


def _tent(day: IntArray, length: int, back: int) -> FloatArray:
    """Return a fall that comes back as a line, half of it before the rise."""
    middle = -back / 2
    fall = (day + length) / (length + middle)
    tent: FloatArray = np.clip(np.minimum(fall, 1.0 - (day - middle) / back), 0.0, None)
    return tent


def _squares(
    weight: FloatArray, ratio: FloatArray, shapes: tuple[FloatArray, ...]
) -> float:
    """Return the squares that the best sum of shapes leaves."""
    root = np.sqrt(weight)
    table = np.stack(shapes, axis=1) * root[:, None]
    found = np.linalg.lstsq(table, ratio * root, rcond=None)[0]
    return float(((table @ found - ratio * root) ** 2).sum())


def _hint(track: Track, course: _Course, fit: _Fit) -> Hint:
    """Tell of dirt."""
    begin = track.day_start(max(0, fit.end - fit.length))
    end = track.day_start(fit.end)
    first = max(0, fit.end - fit.length)
    days = int((course.weight[first : fit.end] > 0).sum())
    among = (
        f" against {track.peers} other plants" if track.peers else " against the weather"
    )
    evidence = (
        f"From {told(begin)} on the yield fell by {fit.lost / fit.length:.2%} of the usual "
        f"a day{among}, {fit.lost:.0%} ± {fit.error:.0%} in {fit.length} days of which "
        f"{days} were bright, and rose at {told(end)}, as after rain or cleaning."
    )
    figures = {
        "share_a_day": fit.lost / fit.length,
        "lost_share": fit.lost,
        "doubt_share": fit.error,
        "days": float(fit.length),
        "bright_days": float(days),
        "other_plants": float(track.peers),
    }
    sure = certainty(fit.lost / fit.error / CLEAREST)
    return Hint(HintKind.SOILING, track.point, begin, end, sure, evidence, figures)
