"""Take the picture of a scene with smooth edges."""

import numpy as np
from numpy.typing import NDArray

from meshes.render.ambient import Openness, measure_openness
from meshes.render.colours import to_srgb
from meshes.render.shade import Painter, look_along, paint

GRID_STEP = 2
"""Openness is measured at every second pixel in both directions."""

OPENNESS_REACH = 45.0
"""Buildings this far away still darken the ground a little [m]."""

CONTRAST = 0.035
"""Pixels that differ by more from a neighbour (sRGB 0..1) are drawn by several rays."""

SUBPIXELS = ((0.375, 0.125), (0.875, 0.375), (0.625, 0.875), (0.125, 0.625))
"""A square of four rays, turned so that no two share a row or a column."""

CHUNK = 1 << 17
"""Rays shaded at a time: arrays that stay near the processor."""

Float32Array = NDArray[np.float32]


def take_picture(painter: Painter) -> Float32Array:
    """Return the picture of a scene.

    Parameters
    ----------
    painter : Painter
        Scene, view, light and materials.

    Returns
    -------
    (height, width, 3) float32
        sRGB 0..1.

    Notes
    -----
    One ray a pixel; pixels that differ from a neighbour are drawn again by four rays,
    averaged in linear light. Nothing is random.
    """
    width, height = painter.camera.size
    openness = _openness(painter)
    rows, columns = np.divmod(np.arange(width * height, dtype=np.int32), width)
    x, y = columns.astype(np.float32), rows.astype(np.float32)
    picture = to_srgb(_paint_all(painter, openness, x + 0.5, y + 0.5))
    again = np.flatnonzero(_contrasts(picture.reshape(height, width, 3)))
    mean = np.zeros((len(again), 3), np.float32)
    for across, down in SUBPIXELS:
        light = _paint_all(painter, openness, x[again] + across, y[again] + down)
        # Light that is too bright for the picture must not bleed over edges.
        mean += np.minimum(light, 1) / len(SUBPIXELS)
    picture[again] = to_srgb(mean)
    return picture.reshape(height, width, 3)


def _contrasts(picture: Float32Array) -> NDArray[np.bool_]:
    """Whether pixels differ from one of their four neighbours."""
    found = np.zeros(picture.shape[:2], bool)
    down = np.abs(np.diff(picture, axis=0)).max(axis=2) > CONTRAST
    across = np.abs(np.diff(picture, axis=1)).max(axis=2) > CONTRAST
    found[1:] |= down
    found[:-1] |= down
    found[:, 1:] |= across
    found[:, :-1] |= across
    return found


def _openness(painter: Painter) -> Openness:
    """Measure the openness on a coarse grid of the picture."""
    width, height = painter.camera.size
    x = np.arange(GRID_STEP / 2, width, GRID_STEP, dtype=np.float32)
    y = np.arange(GRID_STEP / 2, height, GRID_STEP, dtype=np.float32)
    across, down = np.meshgrid(x, y)
    sight = look_along(painter.scene, painter.camera, across.ravel(), down.ravel())
    return measure_openness(
        painter.scene.tracer,
        sight.points.reshape(*across.shape, 3),
        sight.normals.reshape(*across.shape, 3),
        (sight.triangle >= 0).reshape(across.shape),
        step=GRID_STEP,
        reach=OPENNESS_REACH,
    )


def _paint_all(
    painter: Painter, openness: Openness, x: Float32Array, y: Float32Array
) -> Float32Array:
    """Return the light of picture places, (n, 3) linear, piece by piece."""
    starts = range(0, len(x), CHUNK)
    pieces = [paint(painter, openness, x[k : k + CHUNK], y[k : k + CHUNK]) for k in starts]
    return np.concatenate(pieces) if pieces else np.empty((0, 3), np.float32)
