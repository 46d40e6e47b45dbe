"""Find the bodies that rays can meet: compiled part of `near`."""

import numba
import numpy as np

WIDER = 1e-6
"""Widening of boxes against rounding [m]."""


@numba.njit(inline="always")
def _meets(cx, cy, cz, hx, hy, hz, dx, dy, dz):
    """Tell whether a ray from the origin meets a box, by its separating axes."""
    ax, ay, az = abs(dx), abs(dy), abs(dz)
    return (
        (abs(cx * dy - cy * dx) <= hx * ay + hy * ax)
        and (abs(cy * dz - cz * dy) <= hy * az + hz * ay)
        and (abs(cz * dx - cx * dz) <= hz * ax + hx * az)
        and (cx * dx + cy * dy + cz * dz + hx * ax + hy * ay + hz * az >= 0)
    )


@numba.njit(nogil=True, cache=True)
def directions_before(body, facets, directions):
    """Return the directions in which rays from a box of facets can meet a body's box.

    ``body`` and ``facets`` are centre and half extent of the boxes.
    """
    found = np.empty(directions.shape[0], np.int64)
    count = 0
    for d in range(directions.shape[0]):
        if _meets(
            body[0] - facets[0],
            body[1] - facets[1],
            body[2] - facets[2],
            body[3] + facets[3] + 2 * WIDER,
            body[4] + facets[4] + 2 * WIDER,
            body[5] + facets[5] + 2 * WIDER,
            directions[d, 0],
            directions[d, 1],
            directions[d, 2],
        ):
            found[count] = d
            count += 1
    return found[:count]


@numba.njit(nogil=True, cache=True)
def bodies_before(bodies, facets, around, directions):
    """Return the bodies that rays from facets in some directions can meet.

    ``bodies`` and ``facets`` are centres and half extents of boxes, ``around`` is the box
    of all facets together.
    """
    found = np.empty(bodies.shape[0], np.int64)
    count = 0
    for b in range(bodies.shape[0]):
        met = False
        for d in range(directions.shape[0]):
            dx, dy, dz = directions[d, 0], directions[d, 1], directions[d, 2]
            if not _meets(
                bodies[b, 0] - around[0],
                bodies[b, 1] - around[1],
                bodies[b, 2] - around[2],
                bodies[b, 3] + around[3] + WIDER,
                bodies[b, 4] + around[4] + WIDER,
                bodies[b, 5] + around[5] + WIDER,
                dx,
                dy,
                dz,
            ):
                continue
            for f in range(facets.shape[0]):
                if _meets(
                    bodies[b, 0] - facets[f, 0],
                    bodies[b, 1] - facets[f, 1],
                    bodies[b, 2] - facets[f, 2],
                    bodies[b, 3] + facets[f, 3] + WIDER,
                    bodies[b, 4] + facets[f, 4] + WIDER,
                    bodies[b, 5] + facets[f, 5] + WIDER,
                    dx,
                    dy,
                    dz,
                ):
                    met = True
                    break
            if met:
                break
        if met:
            found[count] = b
            count += 1
    return found[:count]
