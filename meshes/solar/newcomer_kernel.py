"""Cast the shadows of a few bodies facet by facet: the compiled part of `newcomer`.

The shadow kernel walks over all facets for each direction. A newcomer shades few facets,
each in few directions; so here the facets come first, and of the directions, which are in
order of their azimuth, only those are looked at in which the newcomer's box meets the
facet's. What is drawn is drawn just as `shadow_kernel` does it, with its own functions.

Change this file whenever `shadow_kernel` changes: numba's cache of compiled code does not
notice that itself.
"""

import numba
import numpy as np

from meshes.solar.shadow_kernel import (
    GRAZING,
    SLACK,
    _clip_spans,
    _cross_any,
    _cross_convex,
    _dot,
    _fill,
    _outline_of_block,
    _round_spans,
)
from meshes.solar.sum_kernel import MONTHS, _popcount, _spread

WIDER = 1e-6
"""Widening of boxes against rounding [m]; spans decide exactly."""


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"nnan", "nsz"})
def project(directions, casters, outline_corners):
    """Project all corners across each direction; find the silhouettes of blocks.

    Returns the axes of the plane across each direction, (d, 6), the corners in it, twice
    (d, c), and first corner and number of corners of each silhouette, (d, b, 2).
    """
    vertices, roof = casters[0], casters[7]
    count = roof.shape[0]
    n_vertices = vertices.shape[0]
    n = directions.shape[0]
    axes = np.empty((n, 6))
    pu = np.empty((n, n_vertices + outline_corners))
    pv = np.empty((n, n_vertices + outline_corners))
    outline = np.zeros((n, count, 2), np.int64)
    for i in range(n):
        dx, dy, dz = directions[i, 0], directions[i, 1], directions[i, 2]
        if abs(dz) < 0.9:
            length = np.sqrt(dx * dx + dy * dy)
            ux, uy, uz = -dy / length, dx / length, 0.0
        else:
            length = np.sqrt(dy * dy + dz * dz)
            ux, uy, uz = 0.0, -dz / length, dy / length
        vx, vy, vz = dy * uz - dz * uy, dz * ux - dx * uz, dx * uy - dy * ux
        axes[i, 0], axes[i, 1], axes[i, 2] = ux, uy, uz
        axes[i, 3], axes[i, 4], axes[i, 5] = vx, vy, vz
        for k in range(n_vertices):
            pu[i, k] = vertices[k, 0] * ux + vertices[k, 1] * uy + vertices[k, 2] * uz
            pv[i, k] = vertices[k, 0] * vx + vertices[k, 1] * vy + vertices[k, 2] * vz
        free = n_vertices
        for b in range(count):
            if roof[b] >= 0 and dz > GRAZING:
                corners = _outline_of_block(
                    b,
                    (dx, dy, dz),
                    casters,
                    pu[i],
                    pv[i],
                    (ux, uy, uz),
                    (vx, vy, vz),
                    free,
                )
                outline[i, b, 0] = free
                outline[i, b, 1] = corners
                free += corners
    return axes, pu, pv, outline


@numba.njit(inline="always")
def _first_at(azimuth, low, high, value):
    """Return the first place in low..high at which a sorted array is not below a value."""
    while low < high:
        half = (low + high) >> 1
        if azimuth[half] < value:
            low = half + 1
        else:
            high = half
    return low


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"nnan", "nsz"})
def shade_facets(
    facets,
    receivers,
    boxes,
    casters,
    bounds,
    longest,
    projected,
    directions,
    azimuth,
    first_direction,
    epsilon,
    bits,
    start,
    blocks,
):
    """Find the words of facets that bodies block in some directions.

    ``boxes`` are the facets' centres and half extents, ``bounds`` those of the bodies, all
    of them together first. ``directions`` are in order of ``azimuth``; they stand from
    ``first_direction`` on in the order of ``bits``, in which the words of facet f follow
    ``start[f]``, direction after direction. ``blocks`` tells what is wanted: if it is
    false, sensors that the bodies block and nothing blocked before, if it is true, all
    sensors that they block.

    Returns facet, direction, word within the facet and bits of each word that is found,
    facet by facet in the order of ``facets``, then by direction and word.
    """
    corner, cell1, cell2, facet_normal, shape, bit_start, mask = receivers
    (
        vertices, edge_end, ring, normal, offset, side,
        face_start, roof, base, centre, half, convex,
    ) = casters  # fmt: skip
    axes, pu, pv, outline = projected
    n_directions = directions.shape[0]
    room = 4096
    count = 0
    out_facet = np.empty(room, np.int64)
    out_direction = np.empty(room, np.int64)
    out_word = np.empty(room, np.int64)
    out_bits = np.empty(room, np.uint64)
    most_rows = 1
    most_words = 1
    for t in range(facets.shape[0]):
        f = facets[t]
        most_rows = max(most_rows, shape[f, 1])
        most_words = max(most_words, (shape[f, 0] * shape[f, 1] + 63) >> 6)
    own = np.zeros(most_words, np.uint64)
    gx = np.empty(longest)
    gy = np.empty(longest)
    height = np.empty(longest)
    crossing = np.empty((longest + 1, most_rows))
    found = np.empty(most_rows, np.int64)
    span0 = np.empty(most_rows, np.int32)
    span1 = np.empty(most_rows, np.int32)
    hits = np.empty(n_directions + 1, np.int64)
    n_bodies = roof.shape[0]
    near = np.empty(n_bodies, np.int64)
    for t in range(facets.shape[0]):
        f = facets[t]
        nu, nv = shape[f, 0], shape[f, 1]
        nx, ny, nz = facet_normal[f, 0], facet_normal[f, 1], facet_normal[f, 2]
        level = _dot(corner, f, nx, ny, nz)
        # Where the bodies' box lies as seen from the facet's: both are one box, seen from
        # one point.
        cx = bounds[0, 0] - boxes[f, 0]
        cy = bounds[0, 1] - boxes[f, 1]
        cz = bounds[0, 2] - boxes[f, 2]
        hx = bounds[0, 3] + boxes[f, 3] + WIDER
        hy = bounds[0, 4] + boxes[f, 4] + WIDER
        hz = bounds[0, 5] + boxes[f, 5] + WIDER
        n_near = 0
        for b in range(n_bodies):
            reach = half[b, 0] * abs(nx) + half[b, 1] * abs(ny) + half[b, 2] * abs(nz)
            if _dot(centre, b, nx, ny, nz) - level - epsilon + reach > 0:
                near[n_near] = b
                n_near += 1
        if n_near == 0:
            continue
        # Directions by azimuth: one range, or two where it runs over the end.
        low, high, again = 0, n_directions, 0
        if abs(cx) > hx or abs(cy) > hy:
            middle = np.arctan2(cx, cy)
            least = most = 0.0
            for k in range(4):
                x = cx + (hx if k & 1 else -hx)
                y = cy + (hy if k & 2 else -hy)
                turn = np.arctan2(x * cy - y * cx, x * cx + y * cy)
                least = min(least, turn)
                most = max(most, turn)
            least += middle - WIDER
            most += middle + WIDER
            low = _first_at(azimuth, 0, n_directions, least)
            high = _first_at(azimuth, 0, n_directions, most)
            if least < -np.pi:
                low = _first_at(azimuth, 0, n_directions, least + 2 * np.pi)
                again = high
                high = n_directions
            elif most > np.pi:
                again = _first_at(azimuth, 0, n_directions, most - 2 * np.pi)
                high = n_directions
        n_hits = 0
        for turn in range(2):
            a, z = (0, again) if turn == 0 else (max(low, again), high)
            for i in range(a, z):
                dx, dy, dz = directions[i, 0], directions[i, 1], directions[i, 2]
                ax, ay, az = abs(dx), abs(dy), abs(dz)
                # Without a branch, for its outcome would be hard to predict.
                hits[n_hits] = i
                n_hits += (
                    (abs(cy * dz - cz * dy) <= hy * az + hz * ay)
                    & (abs(cz * dx - cx * dz) <= hz * ax + hx * az)
                    & (abs(cx * dy - cy * dx) <= hx * ay + hy * ax)
                    & (cx * dx + cy * dy + cz * dz + hx * ax + hy * ay + hz * az >= 0)
                    & (nx * dx + ny * dy + nz * dz > GRAZING)
                )
        words = (nu * nv + 63) >> 6
        w0 = bit_start[f] >> 6
        for hit in range(n_hits):
            i = hits[hit]
            dx, dy, dz = directions[i, 0], directions[i, 1], directions[i, 2]
            facing = _dot(facet_normal, f, dx, dy, dz)
            if facing <= GRAZING:
                continue
            ux, uy, uz = axes[i, 0], axes[i, 1], axes[i, 2]
            vx, vy, vz = axes[i, 3], axes[i, 4], axes[i, 5]
            ou = _dot(corner, f, ux, uy, uz)
            ov = _dot(corner, f, vx, vy, vz)
            au = _dot(cell1, f, ux, uy, uz)
            av = _dot(cell1, f, vx, vy, vz)
            bu = _dot(cell2, f, ux, uy, uz)
            bv = _dot(cell2, f, vx, vy, vz)
            det = 1.0 / (au * bv - av * bu)
            gu, gv, hu, hv = bv * det, -bu * det, -av * det, au * det
            drawn_first, drawn_last = nu * nv, -1
            for n in range(n_near):
                body = near[n]
                middle = _dot(centre, body, nx, ny, nz) - level - epsilon
                reach = (
                    half[body, 0] * abs(nx)
                    + half[body, 1] * abs(ny)
                    + half[body, 2] * abs(nz)
                )
                if middle + reach <= 0:
                    continue
                whole = middle - reach > 0
                if not whole and roof[body] >= 0:
                    # The box is undecided: ask the corners of the block.
                    lowest = np.inf
                    highest = -np.inf
                    for k in range(ring[roof[body]], ring[roof[body] + 1]):
                        rest = vertices[k, 0] * nx + vertices[k, 1] * ny - level - epsilon
                        over = rest + vertices[k, 2] * nz
                        under = rest + base[body] * nz
                        lowest = min(lowest, min(over, under))
                        highest = max(highest, max(over, under))
                    if highest <= 0:
                        continue
                    whole = lowest > 0
                is_outline = whole and outline[i, body, 1] > 0
                last = 1 if is_outline else face_start[body + 1] - face_start[body]
                for turn in range(last):
                    p = face_start[body] + turn
                    first, corners = outline[i, body, 0], outline[i, body, 1]
                    behind = False
                    if not is_outline:
                        first = ring[p]
                        corners = ring[p + 1] - first
                        slant = _dot(normal, p, dx, dy, dz)
                        if abs(slant) < GRAZING or slant * side[p] < 0:
                            continue
                        if not whole:
                            lowest = np.inf
                            highest = -np.inf
                            for k in range(corners):
                                height[k] = (
                                    _dot(vertices, first + k, nx, ny, nz) - level - epsilon
                                )
                                lowest = min(lowest, height[k])
                                highest = max(highest, height[k])
                            if highest <= 0:
                                continue
                            behind = lowest <= 0
                    # Bounds in grid coordinates of the part in front of the facet.
                    xmin = ymin = np.inf
                    xmax = ymax = -np.inf
                    for k in range(corners):
                        du = pu[i, first + k] - ou
                        dv = pv[i, first + k] - ov
                        gx[k] = gu * du + gv * dv
                        gy[k] = hu * du + hv * dv
                        if not behind or height[k] > 0:
                            xmin = min(xmin, gx[k])
                            xmax = max(xmax, gx[k])
                            ymin = min(ymin, gy[k])
                            ymax = max(ymax, gy[k])
                    if behind:
                        for k in range(corners):
                            m = edge_end[first + k] - first
                            if (height[k] > 0) != (height[m] > 0):
                                share = height[k] / (height[k] - height[m])
                                x = gx[k] + share * (gx[m] - gx[k])
                                y = gy[k] + share * (gy[m] - gy[k])
                                xmin = min(xmin, x)
                                xmax = max(xmax, x)
                                ymin = min(ymin, y)
                                ymax = max(ymax, y)
                    if xmax < 0.5 - SLACK or xmin > nu - 0.5 + SLACK:
                        continue
                    r0 = max(0, int(np.ceil(max(ymin, -1.0) - 0.5 - SLACK)))
                    r1 = min(nv - 1, int(np.floor(min(ymax, nv + 1.0) - 0.5 + SLACK)))
                    if r1 < r0:
                        continue
                    if is_outline or convex[p]:
                        ymin = np.inf
                        ymax = -np.inf
                        for k in range(corners):
                            ymin = min(ymin, gy[k])
                            ymax = max(ymax, gy[k])
                        # Exactly the rows that the outline crosses.
                        r0 = max(r0, int(np.ceil(max(ymin, -1.0) - 0.5)))
                        r1 = min(r1, int(np.ceil(min(ymax, nv + 1.0) - 0.5)) - 1)
                        if r1 < r0:
                            continue
                    h0 = h1 = h2 = 0.0
                    if behind:
                        mx, my, mz = normal[p, 0], normal[p, 1], normal[p, 2]
                        scale = facing / (mx * dx + my * dy + mz * dz)
                        h0 = scale * (offset[p] - _dot(corner, f, mx, my, mz)) - epsilon
                        h1 = -scale * _dot(cell1, f, mx, my, mz)
                        h2 = -scale * _dot(cell2, f, mx, my, mz)
                    if is_outline or convex[p]:
                        pairs = 1
                        _cross_convex(gx, gy, corners, r0, r1, crossing)
                    else:
                        pairs = _cross_any(
                            gx,
                            gy,
                            edge_end,
                            first,
                            corners,
                            r0,
                            r1,
                            nv,
                            nu,
                            crossing,
                            found,
                        )
                    for pair in range(pairs):
                        _round_spans(crossing, 2 * pair, r0, r1, nu, span0, span1)
                        if behind:
                            _clip_spans(h0, h1, h2, r0, r1, nu, span0, span1)
                        for r in range(r0, r1 + 1):
                            if span1[r] > span0[r]:
                                a, z = r * nu + span0[r], r * nu + span1[r]
                                _fill(own, a, z)
                                drawn_first = min(drawn_first, a)
                                drawn_last = max(drawn_last, z - 1)
            if drawn_last < 0:
                continue
            if count + words > room:
                room = 2 * room + words
                out_facet = _grown(out_facet, room)
                out_direction = _grown(out_direction, room)
                out_word = _grown(out_word, room)
                out_bits = _grown(out_bits, room)
            at = start[f] + (first_direction + i) * words
            for w in range(drawn_first >> 6, (drawn_last >> 6) + 1):
                drawn = own[w] & mask[w0 + w]
                own[w] = np.uint64(0)
                if not blocks:
                    drawn &= ~bits[at + w]
                if drawn != np.uint64(0):
                    out_facet[count] = f
                    out_direction[count] = first_direction + i
                    out_word[count] = w
                    out_bits[count] = drawn
                    count += 1
    return out_facet[:count], out_direction[:count], out_word[:count], out_bits[:count]


@numba.njit
def _grown(values, room):
    """Return a copy with more room."""
    grown = np.empty(room, values.dtype)
    grown[: len(values)] = values
    return grown


@numba.njit(nogil=True, cache=True, error_model="numpy")
def sum_words(
    first,
    stop,
    entry_start,
    direction,
    word,
    bits,
    word_start,
    counts,
    normal,
    number_of,
    patches,
    weights,
    which,
    radiance,
    beam_start,
    towards,
    energy,
    month,
    sign,
    direct,
    diffuse,
    sky,
    view,
    share,
    beam,
):
    """Sum the light of single words: what facets gain by them, or lose if ``sign`` is -1.

    Entries ``entry_start[t]:entry_start[t + 1]`` belong to facet t, those of a direction
    side by side. ``number_of[d]`` is the number of a direction among the patches, or with
    ``patches`` added among the sun's bins. ``direct``, ``diffuse`` and ``sky`` take the
    sums of cells, ``beam`` the facets' beam by month; ``view`` and ``share``, what facets
    receive of each patch and the share of their sensors that see each bin, are changed.
    """
    gain = np.zeros(MONTHS)
    for t in range(first, stop):
        nx, ny, nz = normal[t, 0], normal[t, 1], normal[t, 2]
        entry = entry_start[t]
        while entry < entry_start[t + 1]:
            d = direction[entry]
            end = entry
            count = 0
            while end < entry_start[t + 1] and direction[end] == d:
                count += _popcount(bits[end])
                end += 1
            number = number_of[d]
            if number < patches:
                weight = weights[which[t], number]
                if weight <= 0.0:
                    entry = end
                    continue
                # The number of sensors is whole: nothing is lost by going back to it.
                seen = np.rint(view[t, number] / weight * counts[t]) + sign * count
                view[t, number] = weight * seen / counts[t]
                light = np.float32(sign * weight * radiance[number])
                part = np.float32(sign * weight)
                for k in range(entry, end):
                    w = word_start[t] + word[k]
                    _spread(bits[k], w, light, diffuse)
                    _spread(bits[k], w, part, sky)
            else:
                whole = 0.0
                for s in range(
                    beam_start[number - patches], beam_start[number - patches + 1]
                ):
                    cosine = nx * towards[s, 0] + ny * towards[s, 1] + nz * towards[s, 2]
                    if cosine > 0.0:
                        gain[month[s]] += energy[s] * cosine
                        whole += energy[s] * cosine
                changed = sign * count / counts[t]
                for m in range(MONTHS):
                    beam[t, m] += gain[m] * changed
                    gain[m] = 0.0
                b = number - patches
                seen = np.rint(share[t, b] * counts[t]) + sign * count
                share[t, b] = seen / counts[t]
                light = np.float32(sign * whole)
                for k in range(entry, end):
                    _spread(bits[k], word_start[t] + word[k], light, direct)
            entry = end


@numba.njit(nogil=True, cache=True)
def pile(key, bits, most):
    """Count in how many words each cell is set; words of a place lie side by side.

    Returns the places, each once, and for them the cells that are set in one word or more,
    in two or more, ... up to ``most``.
    """
    places = np.empty(key.shape[0], np.int64)
    planes = np.zeros((most, key.shape[0]), np.uint64)
    place = -1
    for k in range(key.shape[0]):
        if k == 0 or key[k] != key[k - 1]:
            place += 1
            places[place] = key[k]
        carry = bits[k]
        for r in range(most):
            both = planes[r, place] & carry
            planes[r, place] |= carry
            carry = both
    return places[: place + 1], planes[:, : place + 1]
