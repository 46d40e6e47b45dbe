"""Find values that are off by the factor of another unit, or have the wrong sign."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from twin.expectation.conditions import BoolArray, FloatArray, IntArray
from twin.expectation.hint import Hint, HintKind, certainty, lasting, told
from twin.expectation.tracks import DAY, HOUR, Nature, Track, runs

FACTORS = {
    "W for kW": 1000.0,
    "MW for kW": 1e-3,
    "MJ for kWh": 3.6,
    "kWh for MJ": 1 / 3.6,
    "wrong sign": -1.0,
}
"""What is reported, by the true value. Heat meters tell MJ, GJ, kWh or MWh."""

FAR = np.log(2.5)
"""How far, as a logarithm, a ratio may lie from a factor of thousands."""

CLOSE = np.log(1.25)
"""How far from a factor of 3.6, where nothing better is known."""

CLOSEST = np.log(1.07)
"""How far the middle of the days may lie from it where days are alike."""

PLAUSIBLE = (0.4, 1.7)
"""Daily ratios of measured to expected that may be in order."""

FEWEST_DAYS = 2
"""Days that a factor of 3.6 or a sign must last."""

MOST_STEPS = 0.7
"""Share of single steps that must agree with a factor that days show."""

FEWEST_STEPS = 3
"""Steps that a factor of thousands must last."""

LEAST = 2 * HOUR
"""Shortest time of such steps together [microseconds]."""

FEWEST_ALIKE = 12
"""Steps that must show a factor of 3.6 where it does not last whole days."""

STANDS_OUT = 3.5
"""Standard deviations of single steps by which such a factor must stand out."""

FORMS = {
    "kelvin": 1.0,
    "degrees Fahrenheit": 1.8,
    "tenths of degrees": 10.0,
    "tens of degrees": 0.1,
}
"""How temperatures are mistaken, and how many of the unit make a kelvin."""

KELVIN = 273.15

LEAST_SLACK, FAR_OFF = 3.0, 2.5
"""What temperatures may differ from the usual ones at least [K], and by how much more they
must be off to be of another unit."""

HALF = 0.5
"""Share of what values are off by that they must leap when it begins or ends."""


def find_units(track: Track) -> list[Hint]:
    """Return the times in which values look like those of another unit."""
    if track.nature is Nature.STATE:
        return _temperatures(track)
    usual, spread = _usual(track)
    hints = [
        hint
        for name, factor in FACTORS.items()
        for hint in (
            _by_steps(track, name, factor, usual)
            if abs(np.log(abs(factor))) > 3
            else _by_days(track, name, factor, usual, spread)
        )
    ]
    hints += [
        hint
        for name, factor in FACTORS.items()
        if factor > 0 and abs(np.log(factor)) < 3
        for hint in _by_stretch(track, name, factor, usual)
        if not any(hint.start < other.end and other.start < hint.end for other in hints)
    ]
    return _joined(hints)


def _joined(hints: list[Hint]) -> list[Hint]:
    """Join hints of the same factor that follow each other within a day."""
    joined: list[Hint] = []
    for hint in sorted(hints, key=lambda one: one.start):
        last = joined[-1] if joined else None
        if (
            last is None
            or hint.figures["factor"] != last.figures["factor"]
            or hint.start - last.end > DAY
        ):
            joined.append(hint)
            continue
        end = max(last.end, hint.end)
        length = lasting(last.end - last.start), lasting(end - last.start)
        joined[-1] = replace(
            last,
            end=end,
            confidence=max(last.confidence, hint.confidence),
            evidence=last.evidence.replace(*length),
            figures={**last.figures, "days": (end - last.start) / DAY},
        )
    return joined


def _informative(track: Track) -> BoolArray:
    """Say where enough is expected for a ratio."""
    enough: BoolArray = (
        track.both
        & (track.expected > 0.05 * track.size)
        & (track.expected > 2.0 * track.doubt)
    )
    if track.nature is Nature.DEMAND:
        enough = track.both & (track.expected > 2.0 * track.doubt) & (track.expected > 0)
    return enough


def daily_ratios(track: Track) -> tuple[FloatArray, FloatArray]:
    """Return measured by expected energy of each day, and the expected energy.

    NaN where less than half of the usual energy of the day is known.
    """
    where = track.both
    measured = track.by_day(track.value, where)
    expected = track.by_day(track.expected, where)
    whole = track.by_day(np.nan_to_num(track.expected), np.isfinite(track.expected))
    good = (expected > 0.5 * whole) & (expected > 0)
    ratio = np.full(track.days, np.nan)
    ratio[good] = measured[good] / expected[good]
    return ratio, expected


def _usual(track: Track) -> tuple[float, float]:
    """Return the daily ratio that is in order, and its spread as a logarithm."""
    ratio, expected = daily_ratios(track)
    bright = expected > 0.25 * np.nanquantile(expected, 0.9)
    fine = bright & (ratio > PLAUSIBLE[0]) & (ratio < PLAUSIBLE[1])
    if fine.sum() < 0.15 * max(1, np.isfinite(ratio[bright]).sum()) or fine.sum() < 3:
        return 1.0, CLOSE
    logs = np.log(ratio[fine])
    middle = float(np.median(logs))
    return float(np.exp(middle)), float(1.4826 * np.median(np.abs(logs - middle)))


def _by_steps(track: Track, name: str, factor: float, usual: float) -> Iterator[Hint]:
    """Find factors of thousands, step by step."""
    place = np.flatnonzero(_informative(track))
    ratio = track.value[place] / track.expected[place] / (usual * factor)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.abs(np.log(ratio)) < FAR
    for first, last in runs(_closed(off)):
        steps = place[first:last]
        count = int(off[first:last].sum())
        if count < FEWEST_STEPS or count * track.step < LEAST:
            continue
        chosen = steps[off[first:last]]
        found = float(np.median(track.value[chosen] / track.expected[chosen])) / usual
        yield _hint(track, name, factor, found, steps, certainty(len(chosen) / 2))


def _by_days(
    track: Track, name: str, factor: float, usual: float, spread: float
) -> Iterator[Hint]:
    """Find factors of 3.6 and wrong signs, day by day."""
    ratio, expected = daily_ratios(track)
    bright = expected > 0.15 * np.nanquantile(expected, 0.9)
    known = np.flatnonzero(np.isfinite(ratio) & bright)
    relative = ratio[known] / (usual * factor)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(np.log(relative))
    near = float(np.clip(4 * spread, 1.4 * CLOSEST, CLOSE))
    off = apart < (FAR if factor < 0 else near)
    for first, last in runs(_closed(off)):
        days = known[first:last]
        inner = relative[first:last][off[first:last]]
        if len(inner) < FEWEST_DAYS:
            continue
        middle = float(np.median(inner))
        room = np.clip(2.5 * spread / np.sqrt(len(inner)), CLOSEST, CLOSE)
        if factor > 0 and abs(np.log(middle)) > room:
            continue
        if not _step_by_step(track, days, factor * usual, usual):
            continue
        begin, end = _edges(track, days, factor * usual, usual)
        steps = np.arange(begin, end)
        strength = len(inner) * CLOSE / max(abs(float(np.log(middle))), 0.03) / 4
        yield _hint(track, name, factor, middle * factor, steps, certainty(strength))


def _by_stretch(track: Track, name: str, factor: float, usual: float) -> Iterator[Hint]:
    """Find factors of 3.6 that last a day or more, from any hour to any hour.

    Only where single steps are alike enough to tell such a factor from habits.
    """
    place = np.flatnonzero(_informative(track))
    if len(place) < 3 * FEWEST_ALIKE:
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(track.value[place] / (usual * track.expected[place]))
    wanted = float(np.log(factor))
    near = np.abs(ratio - wanted) < np.abs(ratio)
    for first, last in runs(_closed(near)):
        steps = place[first:last]
        inner = ratio[first:last][near[first:last]]
        length = (steps[-1] + 1 - steps[0]) * track.step
        if (
            len(inner) < FEWEST_ALIKE
            or length < DAY
            or len(inner) < MOST_STEPS * len(steps)
        ):
            continue
        beside = np.delete(ratio, np.s_[first:last])
        beside = beside[np.isfinite(beside)]
        if len(beside) < FEWEST_ALIKE:
            continue
        middle = float(np.median(beside))
        spread = 1.4826 * float(np.median(np.abs(beside - middle)))
        found = float(np.median(inner)) - middle
        if abs(wanted) < STANDS_OUT * spread or abs(found - wanted) > CLOSE:
            continue
        yield _hint(
            track, name, factor, float(np.exp(found)), steps, certainty(len(inner) / 12)
        )


def _step_by_step(track: Track, days: IntArray, wrong: float, right: float) -> bool:
    """Say whether single steps are off as well, and not some nothing and others all."""
    inside = _informative(track) & (track.day >= days[0]) & (track.day <= days[-1])
    value, expected = track.value[inside], track.expected[inside]
    nearer = np.abs(value - wrong * expected) < np.abs(value - right * expected)
    alive = np.abs(value) > 0.2 * np.abs(wrong) * expected
    return bool(inside.any() and (nearer & alive).mean() > MOST_STEPS)


def _edges(track: Track, days: IntArray, wrong: float, right: float) -> tuple[int, int]:
    """Return first and last step of a run of days, widened to where values change."""
    inside = np.flatnonzero((track.day >= days[0]) & (track.day <= days[-1]))
    begin, end = int(inside[0]), int(inside[-1]) + 1
    for way in (-1, 1):
        place = begin - 1 if way < 0 else end
        reach = track.per_day
        while 0 <= place < len(track) and reach > 0:
            value, expected = track.value[place], track.expected[place]
            known = track.both[place] and expected > 0.02 * track.size
            if known and abs(value - wrong * expected) > abs(value - right * expected):
                break
            if way < 0:
                begin = place
            else:
                end = place + 1
            place += way
            reach -= 1
    return begin, end


def _closed(off: BoolArray) -> BoolArray:
    """Close holes of one in a mask: a cloud or a shadow does not end a fault."""
    closed: BoolArray = off.copy()
    if len(off) > 2:
        closed[1:-1] |= off[:-2] & off[2:]
    return closed


def _hint(
    track: Track, name: str, factor: float, found: float, steps: IntArray, sure: float
) -> Hint:
    """Make the hint."""
    begin, end = track.time(int(steps[0])), track.time(int(steps[-1]) + 1)
    what = "the opposite sign of" if factor < 0 else f"{found:.3g} times"
    evidence = (
        f"From {told(begin)} for {lasting(end - begin)} values are {what} what is usual "
        f"here: as {name} would be ({factor:.4g})."
    )
    figures = {"ratio": found, "factor": factor, "days": (end - begin) / DAY}
    return Hint(HintKind.UNIT, track.point, begin, end, sure, evidence, figures)


def _temperatures(track: Track) -> list[Hint]:
    """Find kelvin, degrees Fahrenheit and tenths among degrees Celsius."""
    value, expected = track.value, track.expected
    slack = np.maximum(LEAST_SLACK, 4.0 * track.doubt)
    mended = {
        "kelvin": value - KELVIN,
        "degrees Fahrenheit": (value - 32.0) / 1.8,
        "tenths of degrees": value / 10.0,
        "tens of degrees": value * 10.0,
    }
    # Off as they are by much more than they are when mended: weather swings by the rest.
    away = np.abs(value - expected) > FAR_OFF * slack
    place = np.flatnonzero(track.both)
    hints = []
    for name, seen in mended.items():
        off = (away & (np.abs(seen - expected) < slack))[place]
        for first, last in runs(_closed(off)):
            steps = place[first:last]
            if off[first:last].sum() < FEWEST_STEPS or not _leaps(
                track, place, first, last
            ):
                continue
            begin, end = track.time(int(steps[0])), track.time(int(steps[-1]) + 1)
            middle, usual = np.median(value[steps]), np.median(expected[steps])
            evidence = (
                f"From {told(begin)} for {lasting(end - begin)} values lie around "
                f"{middle:.1f} where {usual:.1f} is usual: as {name} would."
            )
            figures = {
                "factor": FORMS[name],
                "median": float(middle),
                "usual": float(usual),
                "days": (end - begin) / DAY,
            }
            sure = certainty(len(steps) / 2)
            hints.append(
                Hint(HintKind.UNIT, track.point, begin, end, sure, evidence, figures)
            )
    return _joined(hints)


def _leaps(track: Track, place: IntArray, first: int, last: int) -> bool:
    """Say whether values leap where they begin or cease to be off: units do, air does not.

    A record that is off from end to end has no such place.
    """
    apart = track.value[place] - track.expected[place]
    leaps = [
        abs(apart[k] - apart[k - 1]) > HALF * abs(apart[inside])
        for k, inside in ((first, first), (last, last - 1))
        if 0 < k < len(place)
    ]
    return any(leaps) or not leaps
