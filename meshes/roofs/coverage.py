"""Judge how much of each roof was seen."""

import numpy as np
import shapely

from meshes.polygons import FloatArray
from meshes.roofs.robust import Runs

MOST_SIDE = 5
"""Cells along a side of the box around an outline in which points are looked for."""

LEAST_SIDE = 2.0
"""Smaller cells could lie in the rim of a footprint that is left out [m]."""

POINTS_PER_CELL = 4.0
"""Points for each cell on average, so that a cell is seldom empty by chance."""


def seen_share(
    outlines: np.ndarray[tuple[int], np.dtype[np.object_]], runs: Runs, xy: FloatArray
) -> FloatArray:
    """Return the share of outlines where there are points.

    Parameters
    ----------
    outlines : (m,) object
        Polygons.
    runs : Runs
        Points of each.
    xy : (n, 2) float
        The points [m].

    Returns
    -------
    (m,) float
        0..1, by cells of the smallest box around each outline, at most `MOST_SIDE` along
        each of its sides and none shorter than `LEAST_SIDE`.
    """
    boxes = shapely.oriented_envelope(outlines)
    corners = shapely.get_coordinates(boxes).reshape(-1, 5, 2)
    start = corners[:, 0]
    sides = np.stack([corners[:, 1] - start, corners[:, 3] - start], axis=1)
    length = np.linalg.norm(sides, axis=2)
    most = np.clip(np.sqrt(runs.number / POINTS_PER_CELL), 2, MOST_SIDE)
    cells = np.clip(length / LEAST_SIDE, 1, most[:, None]).astype(np.int64)
    place = np.zeros(len(xy), np.int64)
    for k in (0, 1):
        own = cells[runs.owner, k]
        way = sides[:, k] / length[:, k : k + 1] ** 2
        share = ((xy - start[runs.owner]) * way[runs.owner]).sum(axis=1)
        place = place * MOST_SIDE + np.clip((share * own).astype(np.int64), 0, own - 1)
    seen = np.zeros((len(outlines), MOST_SIDE**2), np.bool_)
    seen[runs.owner, place] = True
    number = np.arange(MOST_SIDE)
    share_u, share_v = ((number + 0.5)[None] / cells[:, k : k + 1] for k in (0, 1))
    spots = (
        start[:, None, None]
        + share_u[:, :, None, None] * sides[:, 0, None, None]
        + share_v[:, None, :, None] * sides[:, 1, None, None]
    ).reshape(len(outlines), MOST_SIDE**2, 2)
    # Cells beyond the box, where there are fewer, lie outside anyway.
    within = shapely.contains_xy(outlines[:, None], spots[..., 0], spots[..., 1])
    # An outline so thin that it holds no cell's middle is judged by all its cells.
    within |= ~within.any(axis=1, keepdims=True) & seen
    whole = np.maximum(within.sum(axis=1), 1)
    return np.asarray((seen & within).sum(axis=1) / whole)
