"""Find times in which nothing came in, and in which nothing was made or used."""

import numpy as np

from twin.expectation.conditions import BoolArray
from twin.expectation.hint import Hint, HintKind, certainty, lasting, told
from twin.expectation.tracks import HOUR, Nature, Track, runs

LEAST_GAP = 3 * HOUR
"""Shortest silence worth a hint [microseconds]."""

LEAST_OUTAGE = {Nature.SOLAR: 2 * HOUR, Nature.DEMAND: 4 * HOUR}
"""Shortest outage: hours in which something should have come."""

FEWEST_STEPS = 3
"""Steps of an outage at least: one dark hour and its neighbour are clouds."""

OFF_SHARE = 0.03
"""Share of the expectation up to which a plant counts as off."""

CERTAIN = {Nature.SOLAR: 3.0, Nature.DEMAND: 3.0}
"""Standard deviations by which an expectation must be above nothing."""

LOW_SUN = 0.05
"""Share of its size below which a solar plant may give nothing: inverters start late, snow
and shadows' edges take the rest."""


def find_gaps(track: Track) -> list[Hint]:
    """Return the times without any value."""
    heard = np.flatnonzero(np.isfinite(track.value))
    hints = []
    for first, stop in runs(~np.isfinite(track.value)):
        length = (stop - first) * track.step
        if length < LEAST_GAP or not len(heard):
            continue
        ended = stop < len(track)
        evidence = (
            f"No value for {lasting(length)} from {told(track.time(first))}, "
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
    nights between them. Snow on panels looks the same.
    """
    if track.nature is Nature.STATE:
        return []
    sure = _sure(track)
    place = np.flatnonzero(sure)
    off = np.abs(track.value[place]) <= OFF_SHARE * track.expected[place]
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
        ended = last < len(place)
        verb = "made" if track.nature is Nature.SOLAR else "used"
        evidence = (
            f"Nothing was {verb} in {len(steps):,} steps in a row from "
            f"{told(track.time(begin))} to {told(track.time(end))} in which "
            f"{lost:,.1f} {track.unit}h were to be expected"
            + ("." if ended else ", and it goes on.")
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


def _sure(track: Track) -> BoolArray:
    """Say in which steps something must come."""
    floor = LOW_SUN * track.size if track.nature is Nature.SOLAR else 0.0
    least = track.expected - CERTAIN[track.nature] * track.doubt
    sure: BoolArray = track.both & (least > 0) & (track.expected > floor)
    return sure
