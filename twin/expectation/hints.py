"""Ask for everything that may be wrong with points, in the order in which faults hide."""

from collections.abc import Callable, Iterable

import numpy as np

from twin.expectation.clock import find_clock_shifts
from twin.expectation.hint import Hint
from twin.expectation.levels import find_level_changes
from twin.expectation.obstruction import find_shading
from twin.expectation.scale import find_units
from twin.expectation.silence import find_gaps, find_outages
from twin.expectation.stillness import find_stuck
from twin.expectation.tracks import HOUR, Track

SHORT = 20 * HOUR
"""Outages up to here are taken for what a wrong clock makes of morning and evening."""


def find_hints(tracks: Iterable[Track]) -> tuple[Hint, ...]:
    """Return what may be wrong with points.

    Parameters
    ----------
    tracks : iterable of Track
        Points with their expectation.

    Returns
    -------
    tuple of Hint
        By point, then by start.
    """
    found: list[Hint] = []
    for track in tracks:
        found += sorted(hints_of(track), key=lambda hint: (hint.start, hint.kind))
    return tuple(found)


def hints_of(track: Track) -> list[Hint]:
    """Return what may be wrong with one point.

    Notes
    -----
    Where nothing is expected only gaps and stuck values can be told. What one fault
    explains is taken out before the next is looked for: a stuck value is off by any factor
    at night, a factor of a thousand looks like an outage, a wrong clock like one every
    morning, and an outage like dirt.
    """
    if not np.isfinite(track.value).any():
        return []
    gaps = find_gaps(track)
    left, stuck = _taken(track, find_stuck)
    if not left.both.any():
        return [*gaps, *stuck]
    left, units = _taken(left, find_units)
    clocks = find_clock_shifts(_before(left))
    outages = [hint for hint in find_outages(left) if not _made_by(hint, clocks)]
    left = left.without(_inside(left, [*outages, *clocks]))
    levels = find_level_changes(left)
    shading = find_shading(left.without(_inside(left, levels)))
    return [*gaps, *stuck, *units, *clocks, *outages, *levels, *shading]


def _taken(track: Track, find: Callable[[Track], list[Hint]]) -> tuple[Track, list[Hint]]:
    """Return the track without what was found, and what was found."""
    hints = find(track)
    return track.without(_inside(track, hints)), hints


def _before(track: Track) -> Track:
    """Return the track without long outages, which say nothing of the clock."""
    long = [hint for hint in find_outages(track) if hint.end - hint.start > SHORT]
    return track.without(_inside(track, long))


def _inside(track: Track, hints: list[Hint]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which steps lie in the time of a hint."""
    mask = np.zeros(len(track), bool)
    for hint in hints:
        first = max(0, (hint.start - track.start) // track.step)
        mask[first : max(0, -(-(hint.end - track.start) // track.step))] = True
    return mask


def _made_by(outage: Hint, clocks: list[Hint]) -> bool:
    """Say whether a short outage is but the edge of a day with a wrong clock."""
    return outage.end - outage.start <= SHORT and any(
        clock.start <= outage.end and outage.start <= clock.end for clock in clocks
    )
