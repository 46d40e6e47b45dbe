"""Choose where to cut a printed model to tiles, sparing its buildings."""

from itertools import pairwise

import numpy as np

from meshes.formats.print_body import STEP, Manifold
from meshes.polygons import FloatArray


def choose_cuts(
    length: float, count: int, most: float, ends: FloatArray, wall: float
) -> list[float]:
    """Choose where to cut [mm], from 0 to the length; buildings are spared where possible.

    Parameters
    ----------
    length : float
        Of what is cut [mm].
    count : int
        Tiles.
    most : float
        Longest tile [mm].
    ends : (n, 2) float
        Where buildings begin and end [mm].
    wall : float
        A slice of a building thinner than this is worse than a whole one cut through.
    """
    even = length / count
    # Two neighbours that both move by this still leave no tile too long.
    slack = min((most - even) / 2, even / 4)
    edges = [0.0]
    for k in range(1, count):
        spots = k * even + np.linspace(-slack, slack, 2 * int(slack) + 1)
        begin, end = spots[:, None] - ends[:, 0], ends[:, 1] - spots[:, None]
        through = (begin > 0) & (end > 0)
        thin = through & ((begin < wall) | (end < wall))
        cost = through.sum(axis=1) + 10.0 * thin.sum(axis=1)
        best = np.lexsort((np.abs(spots - k * even), cost))[0]
        edges.append(on_step(float(spots[best])))
    return [*edges, length]


def cut_body(body: Manifold, x: list[float], y: list[float]) -> list[Manifold]:
    """Cut a body upright with a corner of each piece at 0, row by row from the north."""
    pieces = []
    rest = body
    for south in y[-2::-1]:
        strip = rest
        if south > 0:
            strip, rest = rest.split_by_plane((0.0, 1.0, 0.0), south)
        for west, east in pairwise(x):
            tile = strip
            if east < x[-1]:
                tile, strip = strip.split_by_plane((-1.0, 0.0, 0.0), -east)
            pieces.append(tile.translate((-west, -south, 0.0)))
    return pieces


def on_step(length: float) -> float:
    """Return the nearest place on the printer's grid [mm]."""
    return round(length / STEP) * STEP
