"""Measure how much open sky each place of a picture has near it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.render.rays import RayTracer

TILE = 3
"""Neighbouring places take turns: a square of this side shares out all directions."""

RAYS = 8
"""Rays a place; a square of places has ``RAYS * TILE ** 2`` of them."""

LIFT = 0.05
"""Start of rays above their surface, so that it does not block itself [m]."""

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Openness:
    """Openness on a coarse grid of picture places.

    Attributes
    ----------
    step : int
        Distance of the grid's places [pixels]; the first is at half of it.
    value : (rows, columns) float32
        Share of free directions, weighted by the cosine, 0..1; 1 where nothing is hit.
    points, normals : (rows, columns, 3) float32
        What is seen there [m, local].
    """

    step: int
    value: Float32Array
    points: Float32Array
    normals: Float32Array

    def at(
        self, x: Float32Array, y: Float32Array, points: Float32Array, normals: Float32Array
    ) -> Float32Array:
        """Return the openness of other places, from neighbours in the same plane.

        Parameters
        ----------
        x, y : (n,) float32
            Places in the picture [pixels].
        points, normals : (n, 3) float32
            What is seen there [m, local].
        """
        rows, columns = self.value.shape
        column, row = x / self.step - 0.5, y / self.step - 0.5
        c0 = np.clip(np.floor(column), 0, columns - 1).astype(np.int32)
        r0 = np.clip(np.floor(row), 0, rows - 1).astype(np.int32)
        u, v = np.clip(column - c0, 0, 1), np.clip(row - r0, 0, 1)
        c1, r1 = np.minimum(c0 + 1, columns - 1), np.minimum(r0 + 1, rows - 1)
        total = np.zeros(len(x), np.float32)
        weights = np.full(len(x), 1e-9, np.float32)
        flat = self.value.ravel()
        places, facing = self.points.reshape(-1, 3), self.normals.reshape(-1, 3)
        for r, c, near in (
            (r0, c0, (1 - u) * (1 - v)),
            (r0, c1, u * (1 - v)),
            (r1, c0, (1 - u) * v),
            (r1, c1, u * v),
        ):
            k = r * columns + c
            weight = (near + 1e-3) * _likeness(places[k] - points, facing[k], normals)
            total += weight * flat[k]
            weights += weight
        # Where no neighbour lies in the plane, the place is small: call it half open.
        return (total + 0.8e-9) / weights


def measure_openness(
    tracer: RayTracer,
    points: Float32Array,
    normals: Float32Array,
    is_hit: NDArray[np.bool_],
    *,
    step: int,
    reach: float,
) -> Openness:
    """Send short rays from a grid of picture places into their half-spaces.

    Parameters
    ----------
    tracer : RayTracer
        What can stand in the way.
    points, normals : (rows, columns, 3) float32
        What is seen [m, local] and its normals on the side of the eye.
    is_hit : (rows, columns) bool
        Places where anything is seen.
    step : int
        Distance of the places in the picture [pixels].
    reach : float
        Length of the rays [m].

    Returns
    -------
    Openness
        Smoothed over squares of `TILE` places within the same plane.

    Notes
    -----
    Directions are cosine-distributed by a Fibonacci pattern that is dealt out to the
    places of a square, so that the mean over any square uses all of them.
    """
    rows, columns = is_hit.shape
    turn = (np.arange(rows)[:, None] % TILE) * TILE + np.arange(columns)[None] % TILE
    blocked = np.zeros((rows, columns), np.float32)
    hit = np.flatnonzero(is_hit.ravel())
    origin = points.reshape(-1, 3)[hit] + LIFT * normals.reshape(-1, 3)[hit]
    normal = normals.reshape(-1, 3)[hit]
    pattern = cosine_pattern(RAYS * TILE**2)
    share = turn.ravel()[hit]
    count = np.zeros(len(hit), np.float32)
    for k in range(RAYS):
        # A cosine-distributed direction is the normal plus a point on the unit sphere.
        directions = normal + pattern[k * TILE**2 + share]
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        count += tracer.is_blocked(origin, directions, reach=reach)
    blocked.ravel()[hit] = count / RAYS
    value = _smooth(1 - blocked, points, normals)
    return Openness(step, value, points, normals)


def cosine_pattern(count: int) -> Float32Array:
    """Return evenly spread points on the unit sphere, (n, 3), dealt out in mixed order."""
    k = np.arange(count)
    z = 1 - (2 * k + 1) / count
    angle = k * np.pi * (3 - 5**0.5)
    flat = np.sqrt(1 - z**2)
    sphere = np.c_[flat * np.cos(angle), flat * np.sin(angle), z] * 0.999
    # A step prime to the count visits all, so that neighbours get unlike directions.
    mixed: Float32Array = sphere[(k * 29) % count].astype(np.float32)
    return mixed


def _likeness(
    offset: Float32Array, normals: Float32Array, others: Float32Array
) -> Float32Array:
    """Weight 0..1 of how well places lie in the plane of others."""
    away = np.abs(np.einsum("...x,...x->...", offset, others))
    turned = np.einsum("...x,...x->...", normals, others)
    weight: Float32Array = np.clip(1 - away / 0.8, 0, 1) * np.clip(turned * 5 - 4, 0, 1)
    return weight


def _smooth(
    value: Float32Array, points: Float32Array, normals: Float32Array
) -> Float32Array:
    """Average over squares of `TILE` places, as far as they lie in the same plane."""
    half = TILE // 2
    rows, columns = value.shape
    total, weights = value.copy(), np.ones_like(value)
    for down in range(-half, half + 1):
        for across in range(-half, half + 1):
            if not (down or across):
                continue
            here = (_part(down, rows), _part(across, columns))
            there = (_part(-down, rows), _part(-across, columns))
            weight = _likeness(points[there] - points[here], normals[there], normals[here])
            total[here] += weight * value[there]
            weights[here] += weight
    smooth: Float32Array = total / weights
    return smooth


def _part(shift: int, length: int) -> slice:
    """Places whose neighbour ``shift`` places before them exists."""
    return slice(max(shift, 0), length + min(shift, 0))
