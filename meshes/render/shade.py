"""Decide the colour of rays: material, sunlight, shadow, irradiation, haze."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.render.ambient import LIFT, Openness
from meshes.render.camera import Camera
from meshes.render.colours import IrradiationScale, hex_linear, to_linear
from meshes.render.looks import Look
from meshes.render.scene import Scene
from meshes.render.sunlight import Sun
from meshes.render.triangles import Surface

SHADOW_REACH = 5000.0
"""Length of rays towards the sun [m]."""

SHADOW_TONE, CORNER_TONE = 0.14, 0.12
"""What full shadow and a closed corner take from a data colour (share of sRGB): enough to
see the shape, too little to be read as another value."""

SHORE_FADE = 70.0
"""Distance from the shore at which water is mostly of its deep colour [m]."""

WATER_SHADOW = 0.22
"""What a shadow takes from the light of water; most of it comes from the sky."""

WATER_MIRROR = 0.02
"""Share of light that water mirrors straight down (Fresnel, refractive index 1.33)."""

CLEAR_SKY = 0.35
"""Sine of the height above the horizon where the haze of the sky ends."""

UNKNOWN_EDGE = 120.0
"""Width of the fade from the terrain to what is not known [m]."""

LINE_WIDTH = 0.35
"""Width of a drawn edge [m]: far away it grows faint and leaves the colours alone."""

CONTOUR_STEP = 2.0
"""Difference in height between contour lines [m]."""

CONTOUR_STRENGTH = 0.5
"""Strength of contour lines as a share of that of buildings' edges."""

Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]


@dataclass(frozen=True)
class Painter:
    """Everything that decides the colour of a ray.

    Attributes
    ----------
    scene : Scene
        What is there.
    camera : Camera
        From where it is seen.
    sun : Sun
        Casts the shadows; below the horizon all light is diffuse.
    look : Look
        Materials.
    annual : (n,) float, optional
        Irradiation of each sensor [kWh/m2 a year].
    scale : IrradiationScale, optional
        Colours of the irradiation; without it roofs and walls are plain.
    haze_start, haze_depth : float
        Where the distance begins to fade, and over which length it does [m].
    unknown_fade : float
        How much of the haze covers what lies beyond the terrain, 0..1.
    """

    scene: Scene
    camera: Camera
    sun: Sun
    look: Look
    annual: NDArray[np.float64] | None = None
    scale: IrradiationScale | None = None
    haze_start: float = math.inf
    haze_depth: float = 1.0
    unknown_fade: float = 0.0


@dataclass(frozen=True)
class Sight:
    """What rays show.

    Attributes
    ----------
    triangle : (n,) int32
        Triangle that is seen, -1 for none.
    points, normals, directions : (n, 3) float32
        Place [m, local], unit normal there and unit direction of the ray.
    distance : (n,) float32
        Way to the place [m].
    rim : (n,) float32
        Distance from the nearest drawn edge of its body [m].
    """

    triangle: Int32Array
    points: Float32Array
    normals: Float32Array
    directions: Float32Array
    distance: Float32Array
    rim: Float32Array


def look_along(scene: Scene, camera: Camera, x: Float32Array, y: Float32Array) -> Sight:
    """Follow the rays through picture places.

    Parameters
    ----------
    scene : Scene
        What is there.
    camera : Camera
        From where it is seen.
    x, y : (n,) float32
        Places in the picture [pixels].
    """
    origins, directions = (np.asarray(k, np.float32) for k in camera.rays(x, y))
    hits = scene.tracer.first_hits(origins, directions)
    distance = np.where(hits.triangle < 0, 0, hits.distance).astype(np.float32)
    points = origins + distance[:, None] * directions
    corner = scene.triangles.normals[hits.triangle]
    weights = np.stack([1 - hits.u - hits.v, hits.u, hits.v], axis=1)
    normals = np.einsum("nk,nkx->nx", weights, corner)
    normals /= np.sqrt(np.einsum("nx,nx->n", normals, normals))[:, None]
    rim = (weights * scene.triangles.rim[hits.triangle]).min(axis=1)
    return Sight(hits.triangle, points, normals, directions, distance, rim)


def paint(
    painter: Painter, openness: Openness, x: Float32Array, y: Float32Array
) -> Float32Array:
    """Return the light of picture places.

    Parameters
    ----------
    painter : Painter
        Scene, view, light and materials.
    openness : Openness
        Ambient occlusion of the same view.
    x, y : (n,) float32
        Places in the picture [pixels].

    Returns
    -------
    (n, 3) float32
        Linear light, 1 is white; lit places may exceed it a little.
    """
    sight = look_along(painter.scene, painter.camera, x, y)
    light = _sky(painter.look, sight.directions)
    hit = np.flatnonzero(sight.triangle >= 0)
    triangle, points, normals = sight.triangle[hit], sight.points[hit], sight.normals[hit]
    surface = painter.scene.triangles.surface[triangle]
    free = openness.at(x[hit], y[hit], points, normals)
    slant = np.clip(normals @ painter.sun.direction, 0, 1) * painter.sun.is_up
    sunny = in_sun(painter.scene, painter.sun, points, normals, slant)
    pixel = painter.camera.pixel_at(sight.distance[hit])
    shown = _material(painter, surface, points, normals, pixel)
    shown *= _illumination(painter, normals, free, slant * sunny)
    wet = np.flatnonzero(surface == Surface.WATER)
    shown[wet] = _water(painter, points[wet], sight.directions[hit[wet]], sunny[wet])
    if painter.scale is not None and painter.annual is not None:
        facet = painter.scene.triangles.facet[triangle]
        lit = np.flatnonzero(facet >= 0)
        tone = _data_tone(painter, free[lit], sunny[lit] * np.clip(4 * slant[lit], 0, 1))
        sensor = painter.scene.facets.nearest_sensor(
            points[lit].astype(np.float64), facet[lit].astype(np.int64)
        )
        shown[lit] = to_linear(painter.scale.srgb(painter.annual[sensor]) * tone[:, None])
    edges = _stroke(sight.rim[hit], pixel) * np.minimum(LINE_WIDTH / pixel, 1)
    shown = _draw(painter.look, shown, edges)
    light[hit] = _fade(painter, shown, points, sight.distance[hit])
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


def _sky(look: Look, directions: Float32Array) -> Float32Array:
    """Light of the sky, (n, 3) linear: haze at the horizon, clear above."""
    height = np.clip(directions[:, 2] / CLEAR_SKY, 0, 1)[:, None]
    share = height * (2 - height)
    sky: Float32Array = hex_linear(look.haze) * (1 - share) + hex_linear(look.sky) * share
    return sky


def _material(
    painter: Painter,
    surface: NDArray[np.int8],
    points: Float32Array,
    normals: Float32Array,
    pixel: Float32Array,
) -> Float32Array:
    """Colour of surfaces, (n, 3) linear; contour lines lie on the ground."""
    look = painter.look
    table = np.stack(
        [hex_linear(getattr(look, surface.name.lower())) for surface in Surface]
    )
    colour: Float32Array = table[surface]
    earth = np.flatnonzero(surface == Surface.GROUND)
    outside = earth[~painter.scene.is_within(points[earth])]
    colour[outside] = hex_linear(look.outside)
    known = earth[painter.scene.outside(points[earth]) == 0]
    lines = _contours(
        points[known, 2] + painter.scene.origin[2], normals[known, 2], pixel[known]
    )
    colour[known] = _draw(look, colour[known], lines)
    return colour


def _contours(
    z: NDArray[np.float64], up: Float32Array, pixel: Float32Array
) -> Float32Array:
    """Strength of contour lines at heights, (n,) 0..1; level ground has none."""
    # Quays and squares are often built at whole metres: lines run at odd ones.
    off = np.abs((z % CONTOUR_STEP) - CONTOUR_STEP / 2)
    slope = np.sqrt(np.maximum(1 / np.maximum(up, 0.1) ** 2 - 1, 0))
    away = off / np.maximum(slope, 1e-6)
    seen = np.clip((slope - 0.006) / 0.006, 0, 1)
    strength: Float32Array = (CONTOUR_STRENGTH * seen * _stroke(away, pixel)).astype(
        np.float32
    )
    return strength


def _stroke(away: NDArray[np.floating], pixel: Float32Array) -> Float32Array:
    """Strength of a line about a pixel wide at distances from its middle, (n,) 0..1."""
    strength: Float32Array = np.clip(1.25 - away / pixel, 0, 1).astype(np.float32)
    return strength


def _draw(look: Look, colour: Float32Array, strength: Float32Array) -> Float32Array:
    """Mix the line's colour into others."""
    share = (strength * look.line_strength)[:, None]
    drawn: Float32Array = colour + share * (hex_linear(look.line) - colour)
    return drawn


def _illumination(
    painter: Painter, normals: Float32Array, free: Float32Array, slant: Float32Array
) -> Float32Array:
    """Light on surfaces, (n, 3) linear: sky by openness, sun by its slant."""
    look, sun = painter.look, painter.sun
    ambient = look.ambient if sun.is_up else 1.0
    sky = ambient * free * (0.8 + 0.2 * normals[:, 2])
    # slant ** power is 1 for a face that looks into the sun and `level` for the ground.
    rise = min(math.sin(math.radians(max(sun.elevation, 1.0))), 0.95)
    power = math.log(look.level) / math.log(rise)
    direct = (1 - ambient) * np.where(slant > 0, slant, 0) ** power * (slant > 0)
    light: Float32Array = sky[:, None] * hex_linear(look.shade)
    light += direct[:, None] * hex_linear(look.sunlight)
    # The sky lights lit surfaces too; its tint must show in the shade alone.
    light += (sky * (slant > 0))[:, None] * (
        hex_linear(look.sunlight) - hex_linear(look.shade)
    )
    return light


def _water(
    painter: Painter, points: Float32Array, directions: Float32Array, sunny: Float32Array
) -> Float32Array:
    """Return the light of calm water, (n, 3) linear: its colour and a mirrored sky."""
    look = painter.look
    depth = 1 - np.exp(-painter.scene.shore_distance(points) / SHORE_FADE)
    own = hex_linear(look.water) + depth[:, None] * (
        hex_linear(look.deep) - hex_linear(look.water)
    )
    dim = 1 - WATER_SHADOW * (1 - sunny) if painter.sun.is_up else np.ones_like(sunny)
    mirrored = WATER_MIRROR + (1 - WATER_MIRROR) * (1 - np.abs(directions[:, 2])) ** 5
    sky: Float32Array = hex_linear(look.sky)
    mixed: Float32Array = own * dim[:, None]
    mixed += mirrored[:, None] * (sky - mixed)
    return mixed


def _data_tone(painter: Painter, free: Float32Array, sunny: Float32Array) -> Float32Array:
    """Return the share of a data colour that is shown, (n,): 1 in the open sun."""
    shadow = 1 - sunny if painter.sun.is_up else np.zeros_like(sunny)
    tone: Float32Array = 1 - SHADOW_TONE * shadow - CORNER_TONE * (1 - free)
    return tone


def _fade(
    painter: Painter, light: Float32Array, points: Float32Array, distance: Float32Array
) -> Float32Array:
    """Mix light with haze far behind the subject and beyond the terrain."""
    share = np.zeros(len(light), np.float32)
    if not math.isinf(painter.haze_start):
        beyond = np.maximum(distance - painter.haze_start, 0) / painter.haze_depth
        share = 1 - np.exp(-(beyond**1.5))
    if painter.unknown_fade:
        away = np.clip(painter.scene.outside(points) / UNKNOWN_EDGE, 0, 1)
        share = np.maximum(share, painter.unknown_fade * away)
    faded: Float32Array = light + share[:, None] * (hex_linear(painter.look.haze) - light)
    return faded
