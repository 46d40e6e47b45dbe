"""Add light to the sensors that see it: the compiled part of `irradiance` and `hourly`.

Sky and sun are added by loops of their own, though they are much alike: one sums two
numbers a cell and the other one, and the sums of a word stay in registers from the first
direction to the last.
"""

import numba
import numpy as np

from meshes.solar.vectors_kernel import add_where, load_cells, store_cells

MONTHS = 12

AHEAD = 256
"""Words of neighbouring facets that are read at once."""


@numba.njit(inline="always")
def _popcount(x):
    """Count the set bits of a 64-bit word."""
    x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + (
        (x >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@numba.njit
def _read_ahead(blocked, mask, bit_start, shape, first, stop, seen):
    """Write what a block of directions reaches of the next facets; return their end.

    The facets take at most `AHEAD` words together, or are one. Read facet by facet, every
    direction's few words would be waited for one after the other.
    """
    w0 = bit_start[first] >> 6
    w1, end = w0, first
    while end < stop:
        last = (bit_start[end] >> 6) + (shape[end, 0] * shape[end, 1] + 63) // 64
        if (end > first) & (last - w0 > AHEAD):
            break
        w1, end = last, end + 1
    for k in range(blocked.shape[0]):
        for w in range(w0, w1):
            seen[k, w - w0] = mask[w] & ~blocked[k, w]
    return end


@numba.njit
def _count(seen, k, first, words):
    """Count the sensors of some words that direction k reaches."""
    found = 0
    for w in range(first, first + words):
        found += _popcount(seen[k, w])
    return found


@numba.njit
def _room(count, shape, first, stop):
    """Make room for `_read_ahead` and for numbers of directions."""
    most = AHEAD
    for f in range(first, stop):
        most = max(most, (shape[f, 0] * shape[f, 1] + 63) // 64)
    return np.empty((count, most), np.uint64), np.empty(count, np.int64)


@numba.njit(inline="always")
def _spread(visible, w, weight, into):
    """Add ``weight`` to the visible sensors of one word."""
    base = w * 64
    for k in range(64):
        into[base + k] += weight * np.float32((visible >> np.uint64(k)) & np.uint64(1))


@numba.njit(nogil=True, cache=True, error_model="numpy")
def add_views(
    blocked,
    mask,
    bit_start,
    shape,
    counts,
    offset,
    weights,
    energy,
    first,
    stop,
    diffuse,
    sky,
    view,
):
    """Add a block of sky patches that follow each other: `add_patches`."""
    number = np.arange(offset, offset + blocked.shape[0])
    add_patches(
        blocked, mask, bit_start, shape, counts, number, weights, energy, first, stop,
        diffuse, sky, view,
    )  # fmt: skip


@numba.njit(nogil=True, cache=True, error_model="numpy")
def add_patches(
    blocked,
    mask,
    bit_start,
    shape,
    counts,
    number,
    weights,
    energy,
    first,
    stop,
    diffuse,
    sky,
    view,
):
    """Add a block of sky patches to all sensors that see them.

    ``number`` numbers the patches of the block, ``weights`` is what a free facet receives
    of each per unit of radiance, ``energy`` their radiance of the year; ``diffuse`` and
    ``sky`` take the sensors' irradiation and view, ``view`` the facets' mean weights.

    Light that all sensors of a word see is summed for the word: most words are seen as a
    whole or not at all.
    """
    count = blocked.shape[0]
    seen, some = _room(count, shape, first, stop)
    end, base = first, 0
    for f in range(first, stop):
        w0 = bit_start[f] >> 6
        if f == end:
            base = w0
            end = _read_ahead(blocked, mask, bit_start, shape, f, stop, seen)
        words = (shape[f, 0] * shape[f, 1] + 63) // 64
        all_light = 0.0
        all_view = 0.0
        partly = 0
        for k in range(count):
            weight = weights[f, k]
            if weight <= 0.0:
                continue
            sensors = _count(seen, k, w0 - base, words)
            if sensors == 0:
                continue
            view[f, number[k]] = weight * sensors / counts[f]
            if sensors == counts[f]:
                all_light += weight * energy[k]
                all_view += weight
                continue
            some[partly] = k
            partly += 1
        if (partly == 0) & (all_view <= 0.0):
            continue
        for w in range(words):
            whole = mask[w0 + w]
            lights, parts = load_cells(diffuse, w0 + w), load_cells(sky, w0 + w)
            word_light, word_view = 0.0, 0.0
            for n in range(partly):
                visible = seen[some[n], w0 - base + w]
                if visible == np.uint64(0):
                    continue
                weight = weights[f, some[n]]
                light = weight * energy[some[n]]
                if visible == whole:
                    word_light += light
                    word_view += weight
                else:
                    lights = add_where(lights, visible, light)
                    parts = add_where(parts, visible, weight)
            lights = add_where(lights, whole, all_light + word_light)
            parts = add_where(parts, whole, all_view + word_view)
            store_cells(diffuse, w0 + w, lights)
            store_cells(sky, w0 + w, parts)


@numba.njit
def _sum_bins(number, start, towards, energy, month):
    """Sum the beam of some bins by month, for planes that all positions of a bin face.

    Returns
    -------
    axis : (k, 3) float
        Mean of the positions of each bin.
    swing : (k,) float
        Largest distance from there to any of them: a plane whose normal has a larger
        product with the axis faces all of them.
    run : (k + 1,) int
        First run of each bin: positions that follow each other in one month.
    run_month : (r,) int
        0 to 11.
    flux : (r, 3) float
        Sum of the positions weighted by their energy; its product with a plane's normal
        is what the plane receives.
    """
    count = number.shape[0]
    most = 0
    for k in range(count):
        most += start[number[k] + 1] - start[number[k]]
    axis, swing = np.zeros((count, 3)), np.zeros(count)
    run = np.zeros(count + 1, np.int64)
    run_month, flux = np.zeros(most, np.int64), np.zeros((most, 3))
    runs = 0
    for k in range(count):
        s0, s1 = start[number[k]], start[number[k] + 1]
        run[k] = runs
        for s in range(s0, s1):
            if (s == s0) or (month[s] != month[s - 1]):
                run_month[runs] = month[s]
                runs += 1
            for x in range(3):
                axis[k, x] += towards[s, x] / (s1 - s0)
                flux[runs - 1, x] += energy[s] * towards[s, x]
        for s in range(s0, s1):
            away = 0.0
            for x in range(3):
                away += (towards[s, x] - axis[k, x]) ** 2
            swing[k] = max(swing[k], np.sqrt(away))
        swing[k] += 1e-9
    run[count] = runs
    return axis, swing, run, run_month, flux


@numba.njit(nogil=True, cache=True, error_model="numpy")
def add_beam(
    blocked,
    mask,
    bit_start,
    shape,
    counts,
    normal,
    number,
    start,
    towards,
    energy,
    month,
    first,
    stop,
    direct,
    total,
    share,
):
    """Add the beam of a block of sun bins to all sensors that see them.

    ``number`` numbers the bins of the block; ``direct`` takes the sensors' irradiation of
    the year, ``total`` the facets' by month, ``share`` the share of each facet's sensors
    that see each bin.
    """
    count = blocked.shape[0]
    seen, some = _room(count, shape, first, stop)
    weights = np.zeros(count)
    axis, swing, run, run_month, flux = _sum_bins(number, start, towards, energy, month)
    end, base = first, 0
    for f in range(first, stop):
        w0 = bit_start[f] >> 6
        if f == end:
            base = w0
            end = _read_ahead(blocked, mask, bit_start, shape, f, stop, seen)
        words = (shape[f, 0] * shape[f, 1] + 63) // 64
        nx, ny, nz = normal[f, 0], normal[f, 1], normal[f, 2]
        everywhere = 0.0
        partly = 0
        for k in range(count):
            sensors = _count(seen, k, w0 - base, words)
            if sensors == 0:
                continue
            b = number[k]
            part = sensors / counts[f]
            share[f, b] = part
            cosine = nx * axis[k, 0] + ny * axis[k, 1] + nz * axis[k, 2]
            if cosine < -swing[k]:
                continue
            whole = 0.0
            if cosine > swing[k]:
                for r in range(run[k], run[k + 1]):
                    gain = nx * flux[r, 0] + ny * flux[r, 1] + nz * flux[r, 2]
                    total[f, run_month[r]] += gain * part
                    whole += gain
            else:
                for s in range(start[b], start[b + 1]):
                    cosine = nx * towards[s, 0] + ny * towards[s, 1] + nz * towards[s, 2]
                    if cosine > 0.0:
                        total[f, month[s]] += energy[s] * cosine * part
                        whole += energy[s] * cosine
            if whole <= 0.0:
                continue
            if sensors == counts[f]:
                everywhere += whole
                continue
            weights[partly] = whole
            some[partly] = k
            partly += 1
        if (partly == 0) & (everywhere <= 0.0):
            continue
        for w in range(words):
            whole_word = mask[w0 + w]
            sums = load_cells(direct, w0 + w)
            of_word = 0.0
            for n in range(partly):
                visible = seen[some[n], w0 - base + w]
                if visible == np.uint64(0):
                    continue
                if visible == whole_word:
                    of_word += weights[n]
                else:
                    sums = add_where(sums, visible, weights[n])
            sums = add_where(sums, whole_word, everywhere + of_word)
            store_cells(direct, w0 + w, sums)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def add_beam_hours(
    normal, visible, towards, start, hour, bins, energy, transmission, first, stop, into
):
    """Add the beam of every sun position to its hour, for the facets first..stop.

    Positions are in the order of their hours; hour ``hour[n]`` has those from
    ``start[n]`` on. ``towards`` (3, s) has an axis a row, to be read in one sweep.
    """
    steps = transmission.shape[0] - 1
    is_open = True
    for k in range(steps + 1):
        is_open &= transmission[k] == 1.0
    east, north, up = towards[0], towards[1], towards[2]
    beam = np.empty(energy.shape[0])
    for f in range(first, stop):
        nx, ny, nz = normal[f, 0], normal[f, 1], normal[f, 2]
        share = visible[f]
        if is_open:
            for s in range(beam.shape[0]):
                cosine = nx * east[s] + ny * north[s] + nz * up[s]
                beam[s] = energy[s] * max(cosine, 0.0) * share[bins[s]]
        else:
            for s in range(beam.shape[0]):
                cosine = nx * east[s] + ny * north[s] + nz * up[s]
                place = min(max(cosine, 0.0), 1.0) * steps
                k = min(int(place), steps - 1)
                passed = transmission[k] + (place - k) * (
                    transmission[k + 1] - transmission[k]
                )
                beam[s] = energy[s] * max(cosine, 0.0) * share[bins[s]] * passed
        for n in range(hour.shape[0]):
            total = 0.0
            for s in range(start[n], start[n + 1]):
                total += beam[s]
            into[f, hour[n]] += total


@numba.njit(nogil=True, cache=True)
def split_by_crowns(visible, layers, number, others):
    """Clear the bits of the cells that see through each class of crowns.

    ``visible`` are words of cells that see a direction, ``layers`` the words of each layer
    whose crowns stand before them, ``number`` the class of each set of layers, bit by bit;
    ``others`` takes for every class the words of all other cells and is full of ones.
    """
    count = layers.shape[0]
    for w in range(visible.shape[0]):
        seen = visible[w]
        any_crown = np.uint64(0)
        for j in range(count):
            any_crown |= layers[j, w]
        if (any_crown & seen) == np.uint64(0):
            continue
        for s in range(1, number.shape[0]):
            cells = seen
            for j in range(count):
                if (s >> j) & 1:
                    cells &= layers[j, w]
                else:
                    cells &= ~layers[j, w]
            if cells != np.uint64(0):
                others[number[s], w] &= ~cells
