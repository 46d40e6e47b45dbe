"""Find the times in which collectors stand still because their tank is full."""

import numpy as np

from twin.expectation.conditions import BoolArray, IntArray
from twin.expectation.silence import LEAST_OUTAGE, OFF_SHARE, sure_steps
from twin.expectation.tracks import DAY, HOUR, Nature, Track, runs

HOT = 85.0
"""Supply temperature from which on a field that gives nothing stagnates [degC]: nobody
wants water as hot as that, and tanks are kept below it."""

LONGEST_REST = 3 * DAY
"""Longest rest that can be a habit [microseconds]: from Friday evening to Monday."""

LEAST_REST = 2 * HOUR
"""Shortest rest of a day [microseconds]."""

WEEK = 7
"""Days."""

OTHERS = 2
"""Other days of the week's same day on which the field rested, at least: three in all."""

OFTEN = 0.5
"""Share of those bright enough, at least."""

AS_BRIGHT = 0.5
"""Light of another day, as share of that of the day in question, from which on its tank
could have filled as well."""

MARGIN = 0.2
"""Share of a day's yield by which a rest may take more than on any other such day."""


def resting(track: Track) -> BoolArray:
    """Say when a field of collectors gave nothing without a fault.

    Parameters
    ----------
    track : Track
        Of anything but collectors nothing rests.

    Returns
    -------
    (n,) bool

    Notes
    -----
    Where the temperature of the field is known and above `HOT`, it stagnates. Otherwise it
    must have the habit: a rest of at most `LONGEST_REST` lies on days of the week on which
    it rests as long more often than not, as in offices that use no hot water on Sundays.
    An outage of that very day cannot be told from it; one of other or more days can.
    """
    rest = np.zeros(len(track), bool)
    if not track.tank:
        return rest
    sure = sure_steps(track)
    off = sure & (np.abs(track.value) <= OFF_SHARE * track.expected)
    if track.hot is not None:
        rest |= off & (track.hot >= HOT)
    found = _short(track, np.flatnonzero(sure), off & ~rest)
    usual = _usual(track, found, sure, off)
    for steps in found:
        strange = int((~usual[track.day[steps]]).sum()) * track.step
        if strange < LEAST_OUTAGE[Nature.SOLAR]:
            # What is too dim to be sure of between them and until night rests as well.
            begin, day = int(steps[0]), int(track.day[steps[-1]])
            end = int(np.searchsorted(track.day, day, side="right"))
            low = track.value[begin:end] <= OFF_SHARE * np.maximum(
                track.expected[begin:end], 0.0
            )
            rest[begin:end] |= low
    return rest


def _short(track: Track, place: IntArray, off: BoolArray) -> list[IntArray]:
    """Return the steps of each time without heat that is short enough for a habit."""
    found = [place[first:last] for first, last in runs(off[place])]
    return [
        steps for steps in found if (steps[-1] + 1 - steps[0]) * track.step <= LONGEST_REST
    ]


def _usual(
    track: Track, found: list[IntArray], sure: BoolArray, off: BoolArray
) -> BoolArray:
    """Say on which days a rest is a habit of their day of the week, (days,) bool."""
    still = np.zeros(len(track), bool)
    for steps in found:
        still[steps] = True
    expected = np.nan_to_num(track.expected)
    # What lies in an outage of many days says nothing of habits.
    light = track.by_day(expected, sure & ~(off & ~still))
    lost = track.by_day(expected, still) / np.maximum(light, 1e-9)
    rested = track.by_day(np.full(len(track), float(track.step)), still) >= LEAST_REST
    usual = np.zeros(track.days, bool)
    for day in np.flatnonzero(rested):
        others = np.arange(day % WEEK, track.days, WEEK)
        others = others[(others != day) & (light[others] >= AS_BRIGHT * light[day])]
        alike = others[rested[others]]
        usual[day] = (
            len(alike) >= OTHERS
            and len(alike) >= OFTEN * len(others)
            and lost[day] <= lost[alike].max() + MARGIN
        )
    return usual
