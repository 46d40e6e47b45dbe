"""Mix the light of modules in series: the compiled part of `arrays`."""
# mypy: disable-error-code="misc, no-untyped-def, no-untyped-call"

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def _sort_falling(light):
    """Sort in place; fast where most is in order."""
    for k in range(1, light.shape[0]):
        value = light[k]
        j = k - 1
        while j >= 0 and light[j] < value:
            light[j + 1] = light[j]
            j -= 1
        light[j + 1] = value


@numba.njit(nogil=True, cache=True)
def _count_seen(blocked, cells, first, stop, seen):
    """Count the halves of substrings that see each bin."""
    for b in range(blocked.shape[0]):
        count = 2 * (stop - first)
        for i in range(first, stop):
            count -= blocked[b, cells[i, 0]] + blocked[b, cells[i, 1]]
        seen[b] = count


@numba.njit(nogil=True, cache=True, error_model="numpy")
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
    for s in range(start.shape[0] - 1):
        first, stop = start[s], start[s + 1]
        count = stop - first
        _count_seen(blocked, cells, first, stop, seen)
        light = np.empty(count, np.float64)
        order = first + np.argsort(-ratio[first:stop, 0])
        rows = front[first:stop].max()
        for t in range(soft.shape[1]):
            for k in range(count):
                i = order[k]
                sky = min(soft[front[i], t] * ratio[i, 0], soft[3, t])
                light[k] = sky + soft[2, t] * ratio[i, 1]
            shared = 0.0
            for p in range(hour_start[t], hour_start[t + 1]):
                b = bins[p]
                if beam[p] <= 0.0 or seen[b] == 0:
                    continue
                if seen[b] == 2 * count and (rows == 0 or lit[p, 0] == 1.0):
                    shared += beam[p]
                    continue
                half = 0.5 * beam[p]
                for k in range(count):
                    i = order[k]
                    gain = half * (2 - blocked[b, cells[i, 0]] - blocked[b, cells[i, 1]])
                    if front[i] == 1:
                        gain *= lit[p, level[i]]
                    light[k] += gain
            _sort_falling(light)
            total = best = 0.0
            for k in range(count):
                value = light[k] + shared
                total += value
                best = max(best, value * (k + 1 - (count - k - 1) * drop))
            mean[s, t] = total / count
            mixed[s, t] = best / count
