"""Find sensors that repeat a value longer than what they measure can stand still."""

import numpy as np

from twin.expectation.conditions import FloatArray, IntArray
from twin.expectation.hint import Hint, HintKind, certainty, lasting, told
from twin.expectation.tracks import DAY, HOUR, Nature, Track

LEAST = {Nature.SOLAR: 2 * HOUR, Nature.DEMAND: 4 * HOUR, Nature.STATE: 12 * HOUR}
"""Shortest repetition worth a hint [microseconds]."""

FEWEST = 3
"""Values that must be the same at least."""

NEAR = 15 * DAY
"""How far around a repetition one looks for how often values repeat anyway."""

CHANCE = 1e-2
"""Chance that repetitions as long are found in a record that is in order."""

RAREST = 0.05
"""Least share of values that is taken to repeat, however few did."""

OWN = 2.0
"""Other values that what is usual of all counts for, beside those of the same size."""

MOST = 0.995
"""Largest share of values that is taken to repeat."""

NOTHING = 0.005
"""Share of its size up to which a plant's value counts as nothing: that is an outage."""

CLIPPED = 0.97
"""Share of its highest values from which on a plant may be held by its inverter."""


def find_stuck(track: Track) -> list[Hint]:
    """Return the times in which a value stood still.

    Notes
    -----
    How often neighbours are equal is taken from the days around, and from how often this
    very value is held at other times: what a device rests at, or is limited to, comes
    again, a sensor that hangs stands anywhere. A run counts if it would hardly come by
    chance in the whole record. Solar plants must have had to change besides, and flat tops
    at the highest power are those of inverters.
    """
    known = np.flatnonzero(np.isfinite(track.value))
    if len(known) < FEWEST:
        return []
    values = track.value[known]
    cuts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    lengths = np.diff(np.r_[cuts, len(values)])
    least = max(FEWEST, LEAST[track.nature] // track.step)
    begun = known[cuts]
    idle = np.abs(values[cuts]) <= NOTHING * track.size
    alive = ~idle | (track.nature is Nature.STATE)
    _, same = np.unique(values[cuts], return_inverse=True)
    held = np.bincount(same, lengths), np.bincount(same)
    hints = []
    for run in np.flatnonzero(lengths >= least):
        first, last = int(cuts[run]), int(cuts[run] + lengths[run])
        value = float(values[first])
        if not alive[run]:
            continue
        near = (np.abs(begun - begun[run]) <= NEAR // track.step + lengths[run]) & alive
        near[run] = False
        again = _repeats(lengths[near])
        # Of this value's other visits: how often it was still there a step later.
        stays = held[0][same[run]] - lengths[run]
        visits = held[1][same[run]] - 1
        of_own = (stays - visits + OWN * again) / (stays + OWN)
        again = float(np.clip(max(again, of_own), RAREST, MOST))
        surprise = (lengths[run] - 1) * -np.log(again) - np.log(len(values) / CHANCE)
        steps = known[first:last]
        if surprise <= 0 or not _should_change(track, steps, value):
            continue
        begin, end = track.time(steps[0]), track.time(int(steps[-1]) + 1)
        awaited = track.expected[steps][np.isfinite(track.expected[steps])]
        span = float(np.ptp(awaited)) if len(awaited) else 0.0
        change = (
            f", while {span:,.3g} {track.unit} of change were to be expected"
            if len(awaited)
            else ""
        )
        evidence = (
            f"{value:g} {track.unit} {int(lengths[run]):,} times in a row for "
            f"{lasting(end - begin)} from {told(begin)}{change}; around it {again:.0%} of "
            "values repeat."
        )
        hints.append(
            Hint(
                HintKind.STUCK,
                track.point,
                begin,
                end,
                certainty(1.0 + float(surprise) / 10.0),
                evidence,
                {
                    "value": value,
                    "steps": float(lengths[run]),
                    "hours": (end - begin) / HOUR,
                    "repeating_share": again,
                    "expected_change": span,
                },
            )
        )
    return hints


def _repeats(lengths: IntArray) -> float:
    """Return the share of values that repeat the one before, by lengths of runs."""
    if not len(lengths):
        return 0.5
    # The longest of a hundred may be faults themselves.
    usual = np.sort(lengths)[: max(1, int(np.ceil(0.99 * len(lengths))))]
    return float(np.clip(1.0 - len(usual) / usual.sum(), RAREST, 0.98))


def _should_change(track: Track, steps: IntArray, value: float) -> bool:
    """Say whether what is expected changed while the value did not."""
    expected = track.expected[steps]
    expected = expected[np.isfinite(expected)]
    if not len(expected):
        return True
    span = float(np.ptp(expected))
    if track.nature is not Nature.SOLAR:
        return span > 0 or track.nature is Nature.STATE
    top = float(np.nanquantile(track.value, 0.999))
    dark = expected <= NOTHING * track.size
    held = value >= CLIPPED * _plateau(track.value, top)
    if held and not dark.any() and (expected >= 0.8 * value).all():
        return False
    by_night = bool(dark.any()) and abs(value) > 0.02 * track.size
    return by_night or span >= 0.08 * track.size


def _plateau(values: FloatArray, top: float) -> float:
    """Return the power that many of the highest values share, or the highest."""
    high = values[np.isfinite(values) & (values >= 0.9 * top)]
    kinds, counts = np.unique(high, return_counts=True)
    return float(kinds[np.argmax(counts)]) if len(counts) and counts.max() >= 10 else top
