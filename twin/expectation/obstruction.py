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

DEFICIT, AMONG = 0.25, 0.2
"""Least share that a shadow takes, on top of what clouds leave lacking: of a plant alone,
and of one whose expectation other plants correct."""

LEAST_EXPECTED = 0.18
"""Share of its size that a plant must be expected to give: light that grazes a surface is
uncertain by as much as it is."""

FEWEST_STEPS = 3
"""Steps in a place of the sun from which on it counts."""

LEAST_STEPS = 50
"""Sunny steps of a record that tell of shadows at all."""

WINDOW = 90
"""Days that are looked at together: scaffolds and trees come and go."""

FEWEST_DAYS = 6
"""Days on which a shadow must be seen."""

LEAST_LOST = 0.003
"""Least share of all expected energy that a shadow takes: low sun beside a surface that
faces a little otherwise than told looks like shade, but costs nothing."""

DULL = 0.3
"""Share of the light that comes straight from the sun up to which shadows take little."""

FEWEST_DULL = 20
"""Such steps that tell how a plant does without shadows."""

EVERY, REACH = 5, 30
"""Days that share such a level, and days around that tell it."""

ROUNDS = 12
"""Rounds of reweighting; the directions stand after eight."""

MOST_TURNED = 0.2
"""Largest error of directions that is taken off [radians]: 11 degrees."""

CERTAIN = 3.0
"""Standard errors by which a deficit must be above nothing."""


def find_shading(track: Track) -> list[Hint]:
    """Return places of the sun at which a plant always gives less than it should.

    Notes
    -----
    Only steps with sun count. What is missing under clouds too is taken off, so that dirt
    and parts that are off are no shadows; so is what surfaces that face otherwise than
    told would make of the sun: a plane's beam is the product of the sun's direction and
    its normal, so that any error of directions is a sum of the three parts of the former.
    Neighbouring places are one shadow.
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
        & (track.expected > LEAST_EXPECTED * track.size)
        & (track.elevation > 2.0)
    )
    if usable.sum() < LEAST_STEPS:
        return []
    level = _level(track)
    usable &= np.isfinite(level) & (level > 0.3)
    if not usable.any():
        return []
    relative = np.full(len(track), np.nan)
    own = track.value[usable] / level[usable]
    turned = _turned(track, usable, own - track.expected[usable])
    relative[usable] = (own - turned) / track.expected[usable]
    column = np.floor(track.azimuth / AZIMUTH).astype(np.int64) % int(360 / AZIMUTH)
    row = np.clip(np.floor(track.elevation / ELEVATION), 0, 17).astype(np.int64)
    shape = (18, int(360 / AZIMUTH))
    deficit = AMONG if track.peers else DEFICIT
    cell = row * shape[1] + column
    seen = np.zeros(len(track), bool)
    ever = np.zeros(shape[0] * shape[1], np.int64)
    for first in range(0, max(1, track.days - WINDOW // 2), WINDOW // 2):
        now = usable & (track.day >= first) & (track.day < first + WINDOW)
        low = _low_cells(relative, cell, now, shape, deficit=deficit).ravel()
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
    """Return what the days around give of the expected, for each step, (n,).

    Under clouds, where shadows take little; where it was never dull, what the brighter
    part of the days gives.
    """
    assert track.beam is not None
    dull = track.both & (track.beam < DULL) & (track.expected > 0.04 * track.size)
    ratio, expected = daily_ratios(track)
    good = np.isfinite(ratio) & (expected > 0.2 * np.nanquantile(expected, 0.9))
    known = np.flatnonzero(good)
    if not len(known):
        return np.full(len(track), np.nan)
    place = np.flatnonzero(dull)
    single, day = track.value[place] / track.expected[place], track.day[place]
    near = np.full(track.days, np.nan)
    for first in range(0, track.days, EVERY):
        a, b = np.searchsorted(day, (first - REACH, first + EVERY + REACH))
        low, high = np.searchsorted(known, (first - REACH // 2, first + EVERY + REACH // 2))
        whole = np.nan if high == low else float(np.quantile(ratio[known[low:high]], 0.7))
        cloudy = float(np.median(single[a:b])) if b - a >= FEWEST_DULL else whole
        # What bright days reach no shadow took.
        near[first : first + EVERY] = np.fmax(whole, cloudy)
    return near[track.day]


def _turned(track: Track, usable: BoolArray, apart: FloatArray) -> FloatArray:
    """Return what planes that face otherwise than told make of the sun, of usable steps.

    The least absolute misfit: what a shadow takes now and then does not count.
    """
    assert track.azimuth is not None
    assert track.elevation is not None
    assert track.beam is not None
    high, around = np.radians(track.elevation[usable]), np.radians(track.azimuth[usable])
    # Meinel and Meinel (1976): clear sun [kW/m2] by the mass of air.
    clear = 1.361 * 0.7 ** (1.0 / np.maximum(np.sin(high), 0.05)) ** 0.678
    sun = track.size * clear * track.beam[usable]
    table = sun[:, None] * np.stack(
        [np.cos(high) * np.sin(around), np.cos(high) * np.cos(around), np.sin(high)], 1
    )
    floor = 1e-3 * track.size
    weight = np.ones(len(apart))
    found = np.zeros(3)
    for _ in range(ROUNDS):
        weighted = table * weight[:, None]
        # A little of a ridge: a week of low sun does not tell three directions.
        normal = table.T @ weighted + 1e-3 * weight.sum() * sun.mean() ** 2 * np.eye(3)
        found = np.linalg.solve(normal, weighted.T @ apart)
        weight = 1.0 / np.maximum(np.abs(apart - table @ found), floor)
    found *= min(1.0, MOST_TURNED / max(float(np.linalg.norm(found)), 1e-9))
    turned: FloatArray = table @ found
    return turned


def _low_cells(
    relative: FloatArray,
    cell: IntArray,
    usable: BoolArray,
    shape: tuple[int, int],
    *,
    deficit: float,
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
        low[kind] = middle < 1.0 - deficit and middle + CERTAIN * error < 1.0
    return low.reshape(shape)


def _hint(
    track: Track, relative: FloatArray, inside: BoolArray, cells: BoolArray
) -> Hint | None:
    """Tell of a shadow, if enough days show it."""
    place = np.flatnonzero(inside)
    days = np.unique(track.day[place])
    if len(days) < FEWEST_DAYS:
        return None
    shady = place[relative[place] < 1.0 - (AMONG if track.peers else DEFICIT) / 2]
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
    among = f" and {track.peers} other plants" if track.peers else ""
    evidence = (
        f"With the sun at {azimuth[0]:.0f}-{azimuth[1]:.0f} degrees and "
        f"{elevation[0]:.0f}-{elevation[1]:.0f} degrees high {missing:.0%} is missing "
        f"against the rest of the time{among}, in {len(place)} sunny steps on "
        f"{len(days)} days from {told(begin)} on: {lost:,.0f} {track.unit}h in all."
    )
    figures = {
        "azimuth_from": float(azimuth[0]),
        "azimuth_to": float(azimuth[1]),
        "elevation_from": float(elevation[0]),
        "elevation_to": float(elevation[1]),
        "missing_share": missing,
        "days": float(len(days)),
        "lost_energy": lost,
        "other_plants": float(track.peers),
    }
    strength = missing / DEFICIT * np.sqrt(len(days)) / 3
    sure = certainty(float(strength))
    return Hint(HintKind.SHADING, track.point, begin, end, sure, evidence, figures)
