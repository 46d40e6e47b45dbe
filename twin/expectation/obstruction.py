"""Find shadows that the model does not know: less at the same places of the sun."""

import numpy as np
from scipy.ndimage import label

from twin.expectation.conditions import BoolArray, FloatArray, IntArray
from twin.expectation.hint import Hint, HintKind, certainty, told
from twin.expectation.scale import daily_ratios
from twin.expectation.tracks import Nature, Track

AZIMUTH, ELEVATION = 10.0, 5.0
"""Width of the places of the sun that are taken as one [degrees]."""

SUNNY = 0.5
"""Least share of the light that must come straight from the sun."""

DEFICIT = 0.25
"""Least share that a shadow takes, on top of what the whole day lacks."""

FEWEST_STEPS = 5
"""Steps in a place of the sun from which on it counts."""

WINDOW = 90
"""Days that are looked at together: scaffolds and trees come and go."""

FEWEST_DAYS = 8
"""Days on which a shadow must be seen."""

LEAST_LOST = 0.003
"""Least share of all expected energy that a shadow takes: low sun beside a surface that
faces a little otherwise than told looks like shade, but costs nothing."""

CERTAIN = 3.0
"""Standard errors by which a deficit must be above nothing."""


def find_shading(track: Track) -> list[Hint]:
    """Return places of the sun at which a plant always gives less than it should.

    Notes
    -----
    Only steps with sun count. What is missing over the whole day is taken off, so that
    dirt and parts that are off are no shadows. Neighbouring places are one shadow.
    """
    if (
        track.nature is not Nature.SOLAR
        or track.azimuth is None
        or track.elevation is None
        or track.beam is None
    ):
        return []
    usable = (
        track.both
        & (track.beam > SUNNY)
        & (track.expected > 0.12 * track.size)
        & (track.elevation > 2.0)
    )
    if usable.sum() < 10 * FEWEST_STEPS:
        return []
    level = _level(track)
    usable &= np.isfinite(level) & (level > 0.3)
    relative = np.full(len(track), np.nan)
    relative[usable] = track.value[usable] / track.expected[usable] / level[usable]
    column = np.floor(track.azimuth / AZIMUTH).astype(np.int64) % int(360 / AZIMUTH)
    row = np.clip(np.floor(track.elevation / ELEVATION), 0, 17).astype(np.int64)
    shape = (18, int(360 / AZIMUTH))
    cell = row * shape[1] + column
    seen = np.zeros(len(track), bool)
    ever = np.zeros(shape[0] * shape[1], np.int64)
    for first in range(0, max(1, track.days - WINDOW // 2), WINDOW // 2):
        now = usable & (track.day >= first) & (track.day < first + WINDOW)
        low = _low_cells(relative, cell, now, shape).ravel()
        ever += low
        seen |= now & low[cell]
    numbers, count = label((ever > 0).reshape(shape), structure=np.ones((3, 3)))
    hints = []
    for number in range(1, count + 1):
        inside = seen & (numbers.ravel()[cell] == number)
        hint = _hint(track, relative, inside, numbers == number)
        if hint is not None:
            hints.append(hint)
    return hints


def _level(track: Track) -> FloatArray:
    """Return what the brighter part of the days around gives, for each step, (n,)."""
    ratio, expected = daily_ratios(track)
    good = np.isfinite(ratio) & (expected > 0.2 * np.nanquantile(expected, 0.9))
    known = np.flatnonzero(good)
    if not len(known):
        return np.full(len(track), np.nan)
    near = np.full(track.days, np.nan)
    for day in range(track.days):
        around = known[np.abs(known - day) <= 15]
        if len(around):
            near[day] = np.quantile(ratio[around], 0.7)
    return near[track.day]


def _low_cells(
    relative: FloatArray, cell: IntArray, usable: BoolArray, shape: tuple[int, int]
) -> BoolArray:
    """Return the places of the sun with a deficit, a bool of `shape`."""
    low = np.zeros(shape[0] * shape[1], bool)
    if not usable.any():
        return low.reshape(shape)
    order = np.argsort(cell[usable], kind="stable")
    values, names = relative[usable][order], cell[usable][order]
    kinds, begin = np.unique(names, return_index=True)
    for kind, part in zip(kinds, np.split(values, begin[1:]), strict=True):
        if len(part) < FEWEST_STEPS:
            continue
        middle = np.median(part)
        error = 1.2533 * 1.4826 * np.median(np.abs(part - middle)) / np.sqrt(len(part))
        low[kind] = middle < 1.0 - DEFICIT and middle + CERTAIN * error < 1.0
    return low.reshape(shape)


def _hint(
    track: Track, relative: FloatArray, inside: BoolArray, cells: BoolArray
) -> Hint | None:
    """Tell of a shadow, if enough days show it."""
    place = np.flatnonzero(inside)
    days = np.unique(track.day[place])
    if len(days) < FEWEST_DAYS:
        return None
    shady = place[relative[place] < 1.0 - DEFICIT / 2]
    if len(shady) < 0.6 * len(place):
        return None
    rows, columns = np.nonzero(cells)
    azimuth = (columns.min() * AZIMUTH, (columns.max() + 1) * AZIMUTH)
    elevation = (rows.min() * ELEVATION, (rows.max() + 1) * ELEVATION)
    missing = 1.0 - float(np.median(relative[place]))
    lost = float(
        ((1.0 - relative[place]) * track.expected[place]).clip(0).sum() * track.hours
    )
    span = (track.day >= days[0]) & (track.day <= days[-1])
    whole = float(np.nansum(track.expected[span]) * track.hours)
    if lost < LEAST_LOST * whole:
        return None
    begin, end = track.time(int(shady[0])), track.time(int(shady[-1]) + 1)
    evidence = (
        f"With the sun at {azimuth[0]:.0f}-{azimuth[1]:.0f} degrees and "
        f"{elevation[0]:.0f}-{elevation[1]:.0f} degrees high {missing:.0%} is missing "
        f"against the rest of the day, in {len(place)} sunny steps on {len(days)} days "
        f"from {told(begin)} on: {lost:,.0f} {track.unit}h in all."
    )
    figures = {
        "azimuth_from": float(azimuth[0]),
        "azimuth_to": float(azimuth[1]),
        "elevation_from": float(elevation[0]),
        "elevation_to": float(elevation[1]),
        "missing_share": missing,
        "days": float(len(days)),
        "lost_energy": lost,
    }
    strength = missing / DEFICIT * np.sqrt(len(days)) / 3
    sure = certainty(float(strength))
    return Hint(HintKind.SHADING, track.point, begin, end, sure, evidence, figures)
