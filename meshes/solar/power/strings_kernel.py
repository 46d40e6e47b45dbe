"""Mix the light of modules in series: the compiled part of `arrays`."""
# mypy: disable-error-code="misc, no-untyped-def, no-untyped-call"

import numba
import numpy as np

ALONE = 3
"""Code of a substring without a row in front; with one, the code is its third."""

FEW = 0.25
"""Share of substrings up to which picking out the weakest is quicker than sorting all."""

# Sums and extremes of a string may be taken in any order: that is what makes them quick.
compiled = numba.njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"nnan", "nsz", "reassoc"}
)


@compiled
def _sort_falling(light, order, falling):
    """Write the light in falling order; quick where it nearly falls in the ``order``.

    The order is kept for the next hour, in which shadows lie nearly the same.
    """
    for k in range(light.shape[0]):
        which = order[k]
        value = light[which]
        j = k - 1
        while j >= 0 and falling[j] < value:
            falling[j + 1] = falling[j]
            order[j + 1] = order[j]
            j -= 1
        falling[j + 1] = value
        order[j + 1] = which


@compiled
def _weakest(light, number, rising):
    """Write the ``number`` weakest, rising; quick where the light nearly falls."""
    kept = 0
    for k in range(light.shape[0] - 1, -1, -1):
        value = light[k]
        if kept == number:
            if value >= rising[kept - 1]:
                continue
            kept -= 1
        j = kept - 1
        while j >= 0 and rising[j] > value:
            rising[j + 1] = rising[j]
            j -= 1
        rising[j + 1] = value
        kept += 1


@compiled
def _count_seen(blocked, cells, seen):
    """Count the halves of substrings, (n, 2) cells, that see each bin."""
    times = np.zeros(blocked.shape[1], np.int64)
    for i in range(cells.shape[0]):
        times[cells[i, 0]] += 1
        times[cells[i, 1]] += 1
    # Many halves share a sensor.
    which = np.flatnonzero(times)
    for b in range(blocked.shape[0]):
        count = 2 * cells.shape[0]
        for u in which:
            count -= times[u] * blocked[b, u]
        seen[b] = count


@compiled
def _gains(blocked, cells, seen, row):
    """Return a row of shares for each bin that is seen by some halves only.

    ``row`` gets the number of each bin's row, 0 for those that all halves see.
    """
    full = 2 * cells.shape[0]
    rows = 1
    for b in range(seen.shape[0]):
        row[b] = 0
        if 0 < seen[b] < full:
            row[b] = rows
            rows += 1
    gain = np.ones((rows, cells.shape[0]), np.float32)
    for b in range(seen.shape[0]):
        if row[b] > 0:
            for k in range(cells.shape[0]):
                hidden = blocked[b, cells[k, 0]] + blocked[b, cells[k, 1]]
                gain[row[b], k] = np.float32(0.5) * np.float32(2 - hidden)
    return gain


@compiled
def _add_soft(alone, behind, thrown, most, codes, sky, ground, light):
    """Write the light of the sky, no more than ``most``, and of reflections."""
    for k in range(light.shape[0]):
        above = alone if codes[k] == ALONE else behind
        light[k] = min(above * sky[k], most) + thrown * ground[k]


@compiled
def _add_beam(beam, gain, light):
    """Add a beam that substrings see in part."""
    for k in range(light.shape[0]):
        light[k] += beam * gain[k]


@compiled
def _add_beam_behind(beam, lit, gain, codes, light):
    """Add a beam of which a row in front leaves ``lit`` to each third."""
    for k in range(light.shape[0]):
        share = 1.0 if codes[k] == ALONE else lit[codes[k]]
        light[k] += beam * gain[k] * share


@compiled
def _survey(light):
    """Return sum, least and most of some light."""
    total, least, most = 0.0, np.inf, -np.inf
    for k in range(light.shape[0]):
        total += light[k]
        least = min(least, light[k])
        most = max(most, light[k])
    return total, least, most


@compiled
def _in_series(light, shared, least, most, weight, drop, order, room):
    """Return the most that substrings in series give, ``order`` and ``room`` to work in.

    The weakest counts with the weight of all, the next with one less, and so on. What may
    be bridged is known beforehand: so many that even the best light would give less than
    all together are never worth it, and only weaker ones need to be put in order.
    """
    count = light.shape[0]
    best = (least + shared) * count
    spread = (
        count * (most - least) / ((most + shared) * (1.0 + drop)) if most > least else 0.0
    )
    bridged = min(count - 1, int(spread) + 1)
    if bridged < FEW * count:
        _weakest(light, bridged + 1, room)
        for k in range(1, bridged + 1):
            best = max(best, (room[k] + shared) * weight[count - 1 - k])
        return best
    _sort_falling(light, order, room)
    for k in range(count):
        best = max(best, (room[k] + shared) * weight[k])
    return best


@compiled
def mix_strings(
    start,
    cells,
    front,
    level,
    ratio,
    blocked,
    soft,
    hour_start,
    bins,
    beam,
    lit,
    drop,
    mean,
    mixed,
):
    """Write the mean light of each string and that which counts in series, (s, h).

    String ``s`` owns the substrings ``start[s]:start[s + 1]``; of each, ``cells`` are two
    places in its halves, ``front`` whether a row stands before it, ``level`` its third from
    below, ``ratio`` its light of sky and reflections by that of the facet. ``soft`` (4, h)
    is of the sky without and with a row in front, reflected, and of the whole sky, which no
    ratio may pass; the sun positions of hour ``t`` are
    ``hour_start[t]:hour_start[t + 1]``, with the ``beam`` on the plane and what a row in
    front leaves of it to each third, ``lit``.
    """
    seen = np.empty(blocked.shape[0], np.int64)
    row = np.empty(blocked.shape[0], np.int64)
    for s in range(start.shape[0] - 1):
        first, stop = start[s], start[s + 1]
        count = stop - first
        # The best lit first: then their light nearly falls in every hour.
        order = first + np.argsort(-ratio[first:stop, 0])
        own = np.empty((count, 2), np.int64)
        codes = np.empty(count, np.int64)
        sky, ground, weight = np.empty(count), np.empty(count), np.empty(count)
        light, room = np.empty(count), np.empty(count)
        for k in range(count):
            i = order[k]
            own[k, 0], own[k, 1] = cells[i, 0], cells[i, 1]
            codes[k] = level[i] if front[i] == 1 else ALONE
            sky[k], ground[k] = ratio[i, 0], ratio[i, 1]
            weight[k] = k + 1 - (count - k - 1) * drop
        rows = codes.min() < ALONE
        _count_seen(blocked, own, seen)
        gain = _gains(blocked, own, seen, row)
        place = np.arange(count)
        for t in range(soft.shape[1]):
            _add_soft(
                soft[0, t], soft[1, t], soft[2, t], soft[3, t], codes, sky, ground, light
            )
            shared = 0.0
            for p in range(hour_start[t], hour_start[t + 1]):
                b = bins[p]
                if beam[p] <= 0.0 or seen[b] == 0:
                    continue
                if rows and lit[p, 0] != 1.0:
                    _add_beam_behind(beam[p], lit[p], gain[row[b]], codes, light)
                elif row[b] == 0:
                    shared += beam[p]
                else:
                    _add_beam(beam[p], gain[row[b]], light)
            total, least, most = _survey(light)
            mean[s, t] = total / count + shared
            best = _in_series(light, shared, least, most, weight, drop, place, room)
            mixed[s, t] = best / count
