"""Find times in which nothing came in, and in which nothing was made or used."""

from dataclasses import dataclass

import numpy as np

from twin.expectation.conditions import BoolArray, IntArray
from twin.expectation.hint import Hint, HintKind, certainty, lasting, told
from twin.expectation.tracks import HOUR, Nature, Track, runs
from twin.expectation.trust import BAD, ESTIMATED, gaps_without_flags, has_flag

LEAST_GAP = 3 * HOUR
"""Shortest silence worth a hint [microseconds]."""

LEAST_OUTAGE = {Nature.SOLAR: 2 * HOUR, Nature.DEMAND: 4 * HOUR}
"""Shortest outage: hours in which something should have come."""

FEWEST_STEPS = 3
"""Steps of an outage at least: one dark hour and its neighbour are clouds."""

OFF_SHARE = 0.03
"""Share of the expectation up to which a plant counts as off."""

FAULTS = 2
"""Longest idle times elsewhere in a record that may be faults themselves."""

USUAL = 0.1
"""Idle times as long as an outage that a record may be expected to have, at most."""

ALIKE = 1.5
"""Factor within which expectations are alike."""

LONG = 14
"""Days from which on a record must show a like use for two days; else for one."""

MOSTLY = 0.8
"""Share of the steps with a like expectation that must show something."""

FILLED = 0.5
"""Least share of an outage's steps in which something must come, of what rests at times."""

CERTAIN = {Nature.SOLAR: 3.0, Nature.DEMAND: 3.0}
"""Standard deviations by which an expectation must be above nothing."""

LOW_USE = 0.05
"""Share of its size from which on a meter usually shows something."""

LOW_SUN = 0.05
"""Share of its size below which a solar plant may give nothing: inverters start late, snow
and shadows' edges take the rest."""

NO_REST = (
    " A full tank makes collectors stand still as well, but this field has no habit of "
    "resting then, and is not known to have been hot."
)
"""What an outage of collectors says besides, see `twin.expectation.rest`."""


def find_gaps(track: Track) -> list[Hint]:
    """Return the times without any value."""
    heard = np.flatnonzero(np.isfinite(track.value))
    hints = []
    for first, stop in gaps_without_flags(track):
        length = (stop - first) * track.step
        if length < LEAST_GAP or not len(heard):
            continue
        ended = stop < len(track)
        some = has_flag(track, BAD | ESTIMATED)[first:stop].any()
        what = "usable value" if some else "value"
        evidence = (
            f"No {what} for {lasting(length)} from {told(track.time(first))}, "
            f"{stop - first:,} steps of {track.step / 6e7:g} min"
            + ("." if ended else ", and still none at the end.")
        )
        figures = {"steps": float(stop - first), "hours": length / HOUR}
        times = (track.time(first), track.time(stop))
        hints.append(Hint(HintKind.GAP, track.point, *times, 1.0, evidence, figures))
    return hints


def find_outages(track: Track) -> list[Hint]:
    """Return the times in which nothing was made or used though it should have been.

    Notes
    -----
    Only steps count whose expectation is well above nothing; an outage lasts over the
    nights between them. Snow on panels looks the same. Meters that often show nothing
    though something is usual (a heat pump in spring, heat on mild evenings) must do so for
    much longer than they do at other times.
    """
    if track.nature is Nature.STATE:
        return []
    sure = sure_steps(track)
    place = np.flatnonzero(sure)
    off = np.abs(track.value[place]) <= OFF_SHARE * track.expected[place]
    use = _use(track) if track.nature is Nature.DEMAND and off.any() else None
    hints = []
    for first, last in runs(off):
        steps = place[first:last]
        if (
            len(steps) < FEWEST_STEPS
            or len(steps) * track.step < LEAST_OUTAGE[track.nature]
        ):
            continue
        lost = float(track.expected[steps].sum() * track.hours)
        begin, end = int(steps[0]), int(steps[-1]) + 1
        if use is not None and _is_habit(track, use, begin, end):
            continue
        ended = last < len(place)
        verb = "made" if track.nature is Nature.SOLAR else "used"
        evidence = (
            f"Nothing was {verb} in {len(steps):,} steps in a row from "
            f"{told(track.time(begin))} to {told(track.time(end))} in which "
            f"{lost:,.1f} {track.unit}h were to be expected"
            + ("." if ended else ", and it goes on.")
            + (NO_REST if track.tank else "")
        )
        worst = track.doubt[steps] / np.maximum(track.expected[steps], 1e-9)
        strength = len(steps) / (1.0 + 3.0 * float(np.median(worst)))
        hints.append(
            Hint(
                HintKind.OUTAGE,
                track.point,
                track.time(begin),
                track.time(end),
                certainty(strength),
                evidence,
                {"expected_energy": lost, "steps": float(len(steps))},
            )
        )
    return hints


def sure_steps(track: Track) -> BoolArray:
    """Say in which steps something must come, (n,) bool."""
    floor = LOW_SUN * track.size if track.nature is Nature.SOLAR else 0.0
    least = track.expected - CERTAIN[track.nature] * track.doubt
    sure: BoolArray = track.both & (least > 0) & (track.expected > floor)
    return sure


@dataclass(frozen=True)
class _Use:
    """Steps in which a meter usually shows something, and which of them it did not.

    ``place`` (k,) the steps, ``idle`` (k,) bool, ``times`` (r, 2) runs of idle ones.
    """

    place: IntArray
    idle: BoolArray
    times: IntArray


def _use(track: Track) -> _Use:
    """Return when a meter is used."""
    place = np.flatnonzero(track.both & (track.expected > LOW_USE * track.size))
    idle = np.abs(track.value[place]) <= OFF_SHARE * track.expected[place]
    return _Use(place, idle, np.array(runs(idle), np.int64).reshape(-1, 2))


def _is_habit(track: Track, use: _Use, begin: int, end: int) -> bool:
    """Say whether a meter may well show nothing for as long without a fault.

    It may where it rests as long at other times (lengths fall off exponentially, as if each
    step could end them), where it rests at other times and little of this one is sure, and
    where as little use as this hardly ever showed as a value.
    """
    first, last = np.searchsorted(use.place, (begin, end))
    inside = (use.times[:, 0] < last) & (use.times[:, 1] > first)
    lengths = use.times[:, 1] - use.times[:, 0]
    length = int(lengths[inside].sum())
    others = np.sort(lengths[~inside])[: max(0, int((~inside).sum()) - FAULTS)]
    if len(others) and len(others) * np.exp(-length / float(others.mean())) > USUAL:
        return True
    sure = int(sure_steps(track)[begin:end].sum())
    if not inside.all() and sure < FILLED * (end - begin):
        return True
    awaited = track.expected[use.place]
    middle = float(np.median(awaited[first:last])) if last > first else 0.0
    alike = (awaited > middle / ALIKE) & (awaited < middle * ALIKE)
    alike[first:last] = False
    seen = int((alike & ~use.idle).sum())
    enough = (2 if track.days >= LONG else 1) * track.per_day
    return seen < min(length, enough) or seen < MOSTLY * alike.sum()
