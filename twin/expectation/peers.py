"""Take off plants what the weather's error does to all of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from twin.expectation.conditions import FloatArray
from twin.expectation.tracks import Nature, Track

FEWEST = 3
"""Other plants that must tell of a step."""

ENOUGH = 0.1
"""Share of its size that a plant must be expected to give for its ratio to count."""

SANE = (0.2, 3.0)
"""Ratios to a plant's own usual one that may come from the weather."""


def with_peers(tracks: Sequence[Track]) -> list[Track]:
    """Return tracks whose expectation follows what other plants gave of theirs.

    Parameters
    ----------
    tracks : sequence of Track
        Those that are not solar, or have too few others, come back as they are.

    Returns
    -------
    list of Track
        In the same order. A step's expectation is multiplied with the median, over the
        other plants, of measured by expected power, each by its own usual ratio; where
        fewer than `FEWEST` tell it stays.

    Notes
    -----
    Clouds that passed the instrument and not the district, an instrument that is dirty,
    and the model's error with the season are alike for all; dirt and shadows are one
    plant's own. The idea of common-mode correction is old (for GPS stations Wdowinski and
    others 1997, doi:10.1029/97JB01378); that the plant itself is left out is tested
    against the plain loop.
    """
    found = list(tracks)
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for k, track in enumerate(tracks):
        if track.nature is Nature.SOLAR and track.both.any():
            groups[track.step, track.start % track.step].append(k)
    for members in groups.values():
        if len(members) <= FEWEST:
            continue
        first = min(tracks[k].start for k in members)
        step = tracks[members[0]].step
        place = [(tracks[k].start - first) // step for k in members]
        last = max(p + len(tracks[k]) for p, k in zip(place, members, strict=True))
        table = np.full((len(members), last), np.nan)
        for row, (p, k) in enumerate(zip(place, members, strict=True)):
            table[row, p : p + len(tracks[k])] = _relative(tracks[k])
        others, count = median_of_others(table)
        for row, (p, k) in enumerate(zip(place, members, strict=True)):
            part = slice(p, p + len(tracks[k]))
            told = count[row, part] >= FEWEST
            if not told.any():
                continue
            factor = np.where(told, others[row, part], 1.0)
            track = tracks[k]
            found[k] = replace(
                track,
                expected=track.expected * factor,
                doubt=track.doubt * factor,
                peers=int(np.median(count[row, part][told])),
            )
    return found


def _relative(track: Track) -> FloatArray:
    """Return measured by expected power, by what is usual for the plant, (n,)."""
    good = track.both & (track.expected > ENOUGH * track.size)
    ratio = np.full(len(track), np.nan)
    if not good.any():
        return ratio
    ratio[good] = track.value[good] / track.expected[good]
    usual = float(np.median(ratio[good]))
    if usual <= 0:
        return np.full(len(track), np.nan)
    ratio /= usual
    with np.errstate(invalid="ignore"):
        ratio[(ratio < SANE[0]) | (ratio > SANE[1])] = np.nan
    return ratio


def median_of_others(table: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return of each value the median of the others in its column, and how many they are.

    Parameters
    ----------
    table : (p, t) float
        NaN where unknown.

    Returns
    -------
    median : (p, t) float
        NaN where there are no others.
    count : (p, t) float
        Others that are known.
    """
    rows, columns = table.shape
    order = np.argsort(table, axis=0)
    ranked = np.take_along_axis(table, order, axis=0)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(rows)[:, None], axis=0)
    known = np.isfinite(table)
    count = known.sum(axis=0) - known
    # Places of the middle ones in the column without the value, then in the whole one.
    low, high = (count - 1) // 2, count // 2
    at = np.arange(columns)
    middle = np.zeros_like(table)
    for place in (low, high):
        whole = place + (known & (place >= rank))
        middle += ranked[np.clip(whole, 0, rows - 1), at] / 2.0
    return np.where(count > 0, middle, np.nan), count.astype(np.float64)
