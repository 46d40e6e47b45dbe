"""Ask for everything that may be wrong with points, in the order in which faults hide."""

from collections.abc import Callable, Iterable

import numpy as np

from twin.expectation.clock import find_clock_shifts
from twin.expectation.hint import Hint
from twin.expectation.levels import find_parts_off
from twin.expectation.obstruction import find_shading
from twin.expectation.peers import with_peers
from twin.expectation.rest import resting
from twin.expectation.scale import find_units
from twin.expectation.silence import find_gaps, find_outages
from twin.expectation.soiling import find_soiling
from twin.expectation.stillness import find_stuck
from twin.expectation.tracks import HOUR, Nature, Track
from twin.expectation.trust import ESTIMATED, find_flagged, has_flag, with_words

SHORT = 20 * HOUR
"""Outages up to here are taken for what a wrong clock makes of morning and evening."""


def find_hints(tracks: Iterable[Track]) -> tuple[Hint, ...]:
    """Return what may be wrong with points.

    Parameters
    ----------
    tracks : iterable of Track
        Points with their expectation. Plants among them that share their weather correct
        each other's expectation before dirt and shadows are looked for.

    Returns
    -------
    tuple of Hint
        By point, then by start.
    """
    listed = list(tracks)
    found: list[list[Hint]] = []
    left: list[Track] = []
    for track in listed:
        rest, hints = _sudden(track)
        left.append(rest)
        found.append(hints)
    for k, (alone, among) in enumerate(zip(left, with_peers(left), strict=True)):
        found[k] += _slow(alone, among)
    return tuple(
        with_words(track, hint)
        for track, hints in zip(listed, found, strict=True)
        for hint in sorted(hints, key=lambda hint: (hint.start, hint.kind))
    )


def hints_of(track: Track) -> list[Hint]:
    """Return what may be wrong with one point, for itself."""
    left, hints = _sudden(track)
    return [with_words(track, hint) for hint in [*hints, *_slow(left, left)]]


def _sudden(track: Track) -> tuple[Track, list[Hint]]:
    """Return the track without what was found, and hints of what begins at once.

    Where nothing is expected only gaps and stuck values can be told. What one fault
    explains is taken out before the next is looked for: a stuck value is off by any factor
    at night, a factor of a thousand looks like an outage, a wrong clock like one every
    morning, and an outage like dirt.
    """
    flagged = find_flagged(track)
    if not np.isfinite(track.value).any():
        return track, flagged
    gaps = find_gaps(track)
    # What was worked out by others may well stand still.
    stuck = find_stuck(track.without(has_flag(track, ESTIMATED)))
    left = track.without(_inside(track, stuck))
    hints = [*flagged, *gaps, *stuck]
    if not left.both.any():
        return left, hints
    # Collectors with a full tank show nothing, and no fault either.
    left = left.without(resting(left))
    left, units = _taken(left, find_units)
    clocks = find_clock_shifts(_before(left))
    outages = [hint for hint in find_outages(left) if not _made_by(hint, clocks)]
    left = left.without(_inside(left, [*outages, *clocks]))
    return left, [*hints, *units, *clocks, *outages]


def _slow(alone: Track, among: Track) -> list[Hint]:
    """Return hints of parts, dirt and shadows, of a plant alone and among others."""
    if alone.nature is not Nature.SOLAR or not alone.both.any():
        return []
    parts = find_parts_off(among)
    whole = _inside(among, parts)
    dirt = find_soiling(among.without(whole))
    if among is not alone:
        # Dirt that all plants share is none among them.
        dirt += [
            hint for hint in find_soiling(alone.without(whole)) if not _known(hint, dirt)
        ]
    shading = find_shading(among.without(_inside(among, [*parts, *dirt])))
    return [*parts, *dirt, *shading]


def _known(hint: Hint, others: list[Hint]) -> bool:
    """Say whether another hint has any of its time."""
    return any(hint.start < one.end and one.start < hint.end for one in others)


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
