"""Find the faces of a building part that can never shade its own facets."""

import numba
import numpy as np


@numba.njit(cache=True)
def own_faces_behind(corner, normal, facet_owner, vertices, start, label, epsilon):
    """Mark, one bit a face, which faces of its own part lie nowhere before each facet."""
    parts = 0
    for p in range(label.size):
        parts = max(parts, (label[p] >> 6) + 1)
    first = np.full(parts, -1)
    following = np.full(label.size, -1)
    for p in range(label.size):  # chain the faces of each part
        if label[p] >= 0:
            following[p] = first[label[p] >> 6]
            first[label[p] >> 6] = p
    behind = np.zeros(facet_owner.size, np.uint64)
    for f in range(facet_owner.size):
        if facet_owner[f] < 0 or facet_owner[f] >= parts:
            continue
        level = 0.0
        for axis in range(3):
            level += corner[f, axis] * normal[f, axis]
        p = first[facet_owner[f]]
        while p >= 0:
            highest = -np.inf
            for k in range(start[p], start[p + 1]):
                height = -level - epsilon
                for axis in range(3):
                    height += vertices[k, axis] * normal[f, axis]
                highest = max(highest, height)
            if highest <= 0:
                behind[f] |= np.uint64(1) << np.uint64(label[p] & 63)
            p = following[p]
    return behind
