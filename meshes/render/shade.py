"""Let sun and sky fall on what rays show."""

import math

import numpy as np
from numpy.typing import NDArray

from meshes.render.ambient import LIFT
from meshes.render.coat import Coat, draw_lines
from meshes.render.colours import hex_linear, to_linear
from meshes.render.light import Daylight, daylight
from meshes.render.looks import Look
from meshes.render.scene import Scene
from meshes.render.sunlight import Sun

SHADOW_REACH = 5000.0
"""Length of rays towards the sun [m]."""

SHADOW_TONE, CORNER_TONE = 0.14, 0.12
"""What full shadow and a closed corner take from a data colour (share of sRGB): enough to
see the shape, too little to be read as another value."""

WATER_SHADOW = 0.22
"""What a shadow takes from the light of water; most of it comes from the sky."""

LOWEST_EXPOSED = 8.0
"""Height of the sun below which level ground grows darker [degrees]."""

DATA_GRADE = 0.3
"""How much of the twilight falls on data colours: the legend stays readable."""

Float32Array = NDArray[np.float32]


def paint(coat: Coat, scene: Scene, sun: Sun, look: Look) -> Float32Array:
    """Return the light of rays.

    Parameters
    ----------
    coat : Coat
        What they show.
    scene : Scene
        What casts shadows.
    sun : Sun
        Where the sun stands; below the horizon all light is diffuse.
    look : Look
        Colours of the light.

    Returns
    -------
    (n, 3) float32
        Linear light, 1 is white; lit places may exceed it a little.
    """
    day = daylight(sun)
    haze = day.haze(hex_linear(look.haze))
    light = np.empty((coat.count, 3), np.float32)
    light[coat.missed] = haze * (1 - coat.clear) + hex_linear(look.sky) * coat.clear
    slant = np.clip(coat.normals @ sun.direction, 0, 1) * sun.is_up
    sunny = in_sun(scene, sun, coat.points, coat.normals, slant)
    shown = coat.colour * _illumination(coat, sun, day, look, slant * sunny)
    shown[coat.wet] = _water(coat, day, look, sunny[coat.wet])
    grade = None
    if day.dusk:
        grade = np.broadcast_to(day.grade, shown.shape).copy()
        light[coat.missed] *= day.grade
        grade[coat.lit] = 1 + DATA_GRADE * (grade[coat.lit] - 1)
    if len(coat.lit):
        shone = sunny[coat.lit] * np.clip(4 * slant[coat.lit], 0, 1)
        tone = _data_tone(coat.free[coat.lit], day, shone)
        shown[coat.lit] = to_linear(coat.data * tone[:, None])
    shown = draw_lines(look, shown, coat.edge)
    shown += coat.fade[:, None] * (haze - shown)
    if grade is not None:
        shown *= grade
    light[coat.hit] = shown
    return light


def in_sun(
    scene: Scene, sun: Sun, points: Float32Array, normals: Float32Array, slant: Float32Array
) -> Float32Array:
    """Return 1 where the sun's middle is seen, else 0, (n,) float32.

    Parameters
    ----------
    scene : Scene
        What can cast shadows.
    sun : Sun
        Where the sun stands.
    points, normals : (n, 3) float32
        Places [m, local] and their unit normals.
    slant : (n,) float32
        Cosine between normal and sun; places that face away are not traced.
    """
    sunny = np.zeros(len(points), np.float32)
    facing = np.flatnonzero(slant > 0)
    if len(facing) and sun.is_up:
        towards = np.tile(sun.direction, (len(facing), 1))
        start = points[facing] + LIFT * normals[facing]
        blocked = scene.tracer.is_blocked(start, towards, reach=SHADOW_REACH)
        sunny[facing] = ~blocked
    return sunny


def _illumination(
    coat: Coat, sun: Sun, day: Daylight, look: Look, slant: Float32Array
) -> Float32Array:
    """Light on surfaces, (n, 3) linear: sky by openness, sun by its slant."""
    sunlight, shade = day.sunlight(hex_linear(look.sunlight)), hex_linear(look.shade)
    sky = day.ambient(look.ambient) * coat.free * (0.8 + 0.2 * coat.normals[:, 2])
    light: Float32Array = sky[:, None] * shade
    shone = slant > 0
    if shone.any():
        # slant ** power is 1 for a face that looks into the sun and `level` for the ground.
        rise = min(math.sin(math.radians(max(sun.elevation, LOWEST_EXPOSED))), 0.95)
        power = math.log(look.level) / math.log(rise)
        direct = (1 - look.ambient) * np.where(shone, slant, 0) ** power * shone
        light += day.sun * direct[:, None] * sunlight
        # The sky lights lit surfaces too; its tint must show in the shade alone.
        light += day.sun * (sky * shone)[:, None] * (sunlight - shade)
    return light


def _water(coat: Coat, day: Daylight, look: Look, sunny: Float32Array) -> Float32Array:
    """Return the light of calm water, (n, 3) linear: its colour and a mirrored sky."""
    dim = 1 - WATER_SHADOW * day.sun * (1 - sunny)
    sky = day.haze(hex_linear(look.sky))
    mixed: Float32Array = coat.water * dim[:, None]
    mixed += coat.mirrored[:, None] * (sky - mixed)
    return mixed


def _data_tone(free: Float32Array, day: Daylight, sunny: Float32Array) -> Float32Array:
    """Return the share of a data colour that is shown, (n,): 1 in the open sun."""
    tone: Float32Array = 1 - SHADOW_TONE * day.sun * (1 - sunny) - CORNER_TONE * (1 - free)
    return tone
