"""Add light to the sensors that see it: the compiled part of `irradiance` and `hourly`."""

import numba
import numpy as np

MONTHS = 12


@numba.njit(inline="always")
def _popcount(x):
    """Count the set bits of a 64-bit word."""
    x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + (
        (x >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@numba.njit(inline="always")
def _count_visible(blocked, k, mask, w0, w1):
    """Count the sensors of one facet that direction k of the block does not block."""
    count = 0
    for w in range(w0, w1):
        count += _popcount(mask[w] & ~blocked[k, w])
    return count


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
    """Add a block of sky patches to all sensors that see them.

    ``weights`` is what a free facet receives of each patch per unit of radiance, ``energy``
    the patches' radiance of the year; ``diffuse`` and ``sky`` take the sensors' irradiation
    and view, ``view`` the facets' mean weights.
    """
    for f in range(first, stop):
        w0 = bit_start[f] >> 6
        w1 = w0 + (shape[f, 0] * shape[f, 1] + 63) // 64
        all_light = 0.0
        all_view = 0.0
        for k in range(blocked.shape[0]):
            weight = weights[f, k]
            if weight <= 0.0:
                continue
            count = _count_visible(blocked, k, mask, w0, w1)
            if count == 0:
                continue
            view[f, offset + k] = weight * count / counts[f]
            if count == counts[f]:
                all_light += weight * energy[k]
                all_view += weight
            else:
                light, part = np.float32(weight * energy[k]), np.float32(weight)
                for w in range(w0, w1):
                    visible = mask[w] & ~blocked[k, w]
                    if visible != np.uint64(0):
                        _spread(visible, w, light, diffuse)
                        _spread(visible, w, part, sky)
        if all_view > 0.0:
            light, part = np.float32(all_light), np.float32(all_view)
            for w in range(w0, w1):
                _spread(mask[w], w, light, diffuse)
                _spread(mask[w], w, part, sky)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def add_beam(
    blocked,
    mask,
    bit_start,
    shape,
    counts,
    normal,
    offset,
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

    ``direct`` takes the sensors' irradiation of the year, ``total`` the facets' by month,
    ``share`` the share of each facet's sensors that see each bin.
    """
    gain = np.zeros(MONTHS)
    for f in range(first, stop):
        w0 = bit_start[f] >> 6
        w1 = w0 + (shape[f, 0] * shape[f, 1] + 63) // 64
        nx, ny, nz = normal[f, 0], normal[f, 1], normal[f, 2]
        everywhere = 0.0
        for k in range(blocked.shape[0]):
            count = _count_visible(blocked, k, mask, w0, w1)
            if count == 0:
                continue
            b = offset + k
            part = count / counts[f]
            share[f, b] = part
            whole = 0.0
            for s in range(start[b], start[b + 1]):
                cosine = nx * towards[s, 0] + ny * towards[s, 1] + nz * towards[s, 2]
                if cosine > 0.0:
                    gain[month[s]] += energy[s] * cosine
                    whole += energy[s] * cosine
            if whole <= 0.0:
                continue
            for m in range(MONTHS):
                total[f, m] += gain[m] * part
                gain[m] = 0.0
            if count == counts[f]:
                everywhere += whole
            else:
                weight = np.float32(whole)
                for w in range(w0, w1):
                    visible = mask[w] & ~blocked[k, w]
                    if visible != np.uint64(0):
                        _spread(visible, w, weight, direct)
        if everywhere > 0.0:
            weight = np.float32(everywhere)
            for w in range(w0, w1):
                _spread(mask[w], w, weight, direct)


@numba.njit(nogil=True, cache=True)
def add_beam_hours(normal, visible, towards, hour, bins, energy, transmission, into):
    """Add the beam of every sun position to its hour."""
    steps = transmission.shape[0] - 1
    for f in range(normal.shape[0]):
        nx, ny, nz = normal[f, 0], normal[f, 1], normal[f, 2]
        for s in range(towards.shape[0]):
            share = visible[f, bins[s]]
            if share == 0.0:
                continue
            cosine = nx * towards[s, 0] + ny * towards[s, 1] + nz * towards[s, 2]
            if cosine <= 0.0:
                continue
            place = min(cosine, 1.0) * steps
            k = min(int(place), steps - 1)
            passed = transmission[k] + (place - k) * (transmission[k + 1] - transmission[k])
            into[f, hour[s]] += energy[s] * cosine * share * passed


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
