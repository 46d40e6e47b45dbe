"""Take the picture of a scene with smooth edges."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from meshes.render.ambient import Openness, measure_openness
from meshes.render.coat import Coat, Painter, make_coat
from meshes.render.colours import to_srgb
from meshes.render.shade import paint
from meshes.render.sight import look_along
from meshes.render.sunlight import Sun

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

MOST_THREADS = 8
"""More would only take memory."""

Float32Array = NDArray[np.float32]
Int64Array = NDArray[np.int64]
T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Exposure:
    """All of a picture that does not depend on the sun.

    Attributes
    ----------
    painter : Painter
        Scene, view and materials.
    openness : Openness
        Ambient occlusion.
    pixels : tuple of Coat
        What the middles of all pixels show, `CHUNK` at a time.
    known : (k,) int
        Pixels whose finer rays are kept, ascending.
    finer : tuple of tuple of Coat
        What they show at each of `SUBPIXELS`, `CHUNK` at a time.
    """

    painter: Painter
    openness: Openness
    pixels: tuple[Coat, ...]
    known: Int64Array
    finer: tuple[tuple[Coat, ...], ...] = ()


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
    return develop(expose(painter), painter.sun)


def expose(painter: Painter, *, openness: Openness | None = None) -> Exposure:
    """Find out all of a picture that does not depend on the sun.

    Parameters
    ----------
    painter : Painter
        Scene, view and materials; its sun plays no part.
    openness : Openness, optional
        That of another exposure from the same place.
    """
    if openness is None:
        openness = _openness(painter)
    width, height = painter.camera.size
    every = np.arange(width * height, dtype=np.int32)
    coats = _make_coats(painter, openness, every, (0.5, 0.5))
    return Exposure(painter, openness, coats, np.empty(0, np.int64))


def keep_edges(exposure: Exposure, suns: Sequence[Sun]) -> Exposure:
    """Keep the finer rays of pixels that are drawn smooth under any of some suns.

    Parameters
    ----------
    exposure : Exposure
        Of which many pictures will be developed.
    suns : sequence of Sun
        Typical ones.

    Notes
    -----
    This only saves time: the pictures are the same.
    """
    width, height = exposure.painter.camera.size
    uneven = np.zeros(width * height, bool)
    for sun in suns:
        picture = _paint_all(exposure.painter, sun, exposure.pixels, finish=to_srgb)
        uneven |= _contrasts(picture.reshape(height, width, 3)).ravel()
    known = np.flatnonzero(uneven)
    finer = tuple(
        _make_coats(exposure.painter, exposure.openness, known, shift)
        for shift in SUBPIXELS
    )
    return Exposure(exposure.painter, exposure.openness, exposure.pixels, known, finer)


def develop(exposure: Exposure, sun: Sun) -> Float32Array:
    """Return the picture of an exposure under a sun, (height, width, 3) sRGB 0..1.

    Parameters
    ----------
    exposure : Exposure
        Scene, view and materials.
    sun : Sun
        Where the sun stands.
    """
    painter = exposure.painter
    width, height = painter.camera.size
    picture = _paint_all(painter, sun, exposure.pixels, finish=to_srgb)
    again = np.flatnonzero(_contrasts(picture.reshape(height, width, 3)))
    kept = np.isin(again, exposure.known, assume_unique=True)
    place = np.searchsorted(exposure.known, again[kept])
    fresh = again[~kept]
    mean = np.zeros((len(again), 3), np.float32)
    for k, shift in enumerate(SUBPIXELS):
        light = np.empty((len(again), 3), np.float32)
        light[~kept] = _paint_all(
            painter, sun, _make_coats(painter, exposure.openness, fresh, shift)
        )
        if exposure.finer:
            light[kept] = _paint_all(painter, sun, exposure.finer[k])[place]
        # Light that is too bright for the picture must not bleed over edges.
        mean += np.minimum(light, 1) / len(SUBPIXELS)
    picture[again] = to_srgb(mean)
    return picture.reshape(height, width, 3)


def _contrasts(picture: Float32Array) -> NDArray[np.bool_]:
    """Whether pixels differ from one of their four neighbours."""
    found = np.zeros(picture.shape[:2], bool)
    # Colour by colour: a maximum along an axis of three is slow.
    down = np.zeros(np.subtract(found.shape, (1, 0)), bool)
    across = np.zeros(np.subtract(found.shape, (0, 1)), bool)
    for colour in np.moveaxis(picture, 2, 0):
        down |= np.abs(np.diff(colour, axis=0)) > CONTRAST
        across |= np.abs(np.diff(colour, axis=1)) > CONTRAST
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


def _make_coats(
    painter: Painter,
    openness: Openness,
    pixels: NDArray[np.integer],
    shift: tuple[float, float],
) -> tuple[Coat, ...]:
    """Look along the rays through pixels, at a place within each."""
    width = painter.camera.size[0]

    def look(start: int) -> Coat:
        rows, columns = np.divmod(pixels[start : start + CHUNK], width)
        x = columns.astype(np.float32) + np.float32(shift[0])
        y = rows.astype(np.float32) + np.float32(shift[1])
        return make_coat(painter, openness, x, y)

    return tuple(_share_out(look, range(0, len(pixels), CHUNK)))


def _paint_all(
    painter: Painter,
    sun: Sun,
    coats: Sequence[Coat],
    *,
    finish: Callable[[Float32Array], Float32Array] = lambda light: light,
) -> Float32Array:
    """Return the light of coats, (n, 3) linear, or what ``finish`` makes of it."""
    pieces = _share_out(
        lambda coat: finish(paint(coat, painter.scene, sun, painter.look)), coats
    )
    return np.concatenate(pieces) if pieces else np.empty((0, 3), np.float32)


def _share_out(work: Callable[[T], U], things: Sequence[T]) -> list[U]:
    """Do independent pieces of work on all processors, results in order."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
        return list(pool.map(work, things))
