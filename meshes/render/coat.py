"""Find out what rays show apart from the sun: material, data, lines, haze."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.render.ambient import Openness
from meshes.render.camera import Camera
from meshes.render.colours import IrradiationScale, hex_linear
from meshes.render.looks import Look
from meshes.render.scene import Scene
from meshes.render.sight import look_along
from meshes.render.sunlight import Sun
from meshes.render.triangles import Surface

SHORE_FADE = 70.0
"""Distance from the shore at which water is mostly of its deep colour [m]."""

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
Int64Array = NDArray[np.int64]


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
class Coat:
    """What n rays show, whatever the sun.

    Attributes
    ----------
    count : int
        Number of rays, n.
    missed : (m,) int
        Rays that meet nothing.
    clear : (m, 1) float32
        How far they look above the haze, 0..1.
    hit : (h,) int
        Rays that meet something; all that follows is about them.
    points, normals : (h, 3) float32
        Places [m, local] and unit normals.
    free : (h,) float32
        Openness of the places.
    colour : (h, 3) float32
        Colour of the surfaces, linear.
    wet : (w,) int
        Those of ``hit`` that meet water.
    water : (w, 3) float32
        Its own colour, linear.
    mirrored : (w,) float32
        Share of the sky that it mirrors.
    lit : (d,) int
        Those of ``hit`` that show data.
    data : (d, 3) float32
        Their colours, sRGB.
    edge : (h,) float32
        Strength of drawn edges.
    fade : (h,) float32
        Share of the haze.
    """

    count: int
    missed: Int64Array
    clear: Float32Array
    hit: Int64Array
    points: Float32Array
    normals: Float32Array
    free: Float32Array
    colour: Float32Array
    wet: Int64Array
    water: Float32Array
    mirrored: Float32Array
    lit: Int64Array
    data: Float32Array
    edge: Float32Array
    fade: Float32Array


def make_coat(
    painter: Painter, openness: Openness, x: Float32Array, y: Float32Array
) -> Coat:
    """Look along the rays through picture places.

    Parameters
    ----------
    painter : Painter
        Scene, view and materials.
    openness : Openness
        Ambient occlusion of the same view.
    x, y : (n,) float32
        Places in the picture [pixels].
    """
    sight = look_along(painter.scene, painter.camera, x, y)
    found = sight.triangle >= 0
    hit, missed = np.flatnonzero(found), np.flatnonzero(~found)
    triangle, points, normals = sight.triangle[hit], sight.points[hit], sight.normals[hit]
    surface = painter.scene.triangles.surface[triangle]
    pixel = painter.camera.pixel_at(sight.distance[hit])
    wet = np.flatnonzero(surface == Surface.WATER)
    lit, data = np.empty(0, np.int64), np.empty((0, 3), np.float32)
    if painter.scale is not None and painter.annual is not None:
        facet = painter.scene.triangles.facet[triangle]
        lit = np.flatnonzero(facet >= 0)
        sensor = painter.scene.facets.nearest_sensor(
            points[lit].astype(np.float64), facet[lit].astype(np.int64)
        )
        data = painter.scale.srgb(painter.annual[sensor])
    return Coat(
        count=len(x),
        missed=missed,
        clear=_clear_sky(sight.directions[missed]),
        hit=hit,
        points=points,
        normals=normals,
        free=openness.at(x[hit], y[hit], points, normals),
        colour=_material(painter, surface, points, normals, pixel),
        wet=wet,
        water=_water(painter, points[wet]),
        mirrored=_mirrored(sight.directions[hit[wet]]),
        lit=lit,
        data=data,
        edge=_stroke(sight.rim[hit], pixel) * np.minimum(LINE_WIDTH / pixel, 1),
        fade=_fade(painter, points, sight.distance[hit]),
    )


def _clear_sky(directions: Float32Array) -> Float32Array:
    """How far above the haze directions look, (n, 1) 0..1."""
    height = np.clip(directions[:, 2] / CLEAR_SKY, 0, 1)[:, None]
    share: Float32Array = height * (2 - height)
    return share


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
    colour[known] = draw_lines(look, colour[known], lines)
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


def draw_lines(look: Look, colour: Float32Array, strength: Float32Array) -> Float32Array:
    """Mix the line's colour into others."""
    share = (strength * look.line_strength)[:, None]
    drawn: Float32Array = colour + share * (hex_linear(look.line) - colour)
    return drawn


def _water(painter: Painter, points: Float32Array) -> Float32Array:
    """Water's own colour, (n, 3) linear: deeper away from the shore."""
    look = painter.look
    depth = 1 - np.exp(-painter.scene.shore_distance(points) / SHORE_FADE)
    own: Float32Array = hex_linear(look.water) + depth[:, None] * (
        hex_linear(look.deep) - hex_linear(look.water)
    )
    return own


def _mirrored(directions: Float32Array) -> Float32Array:
    """Share of the sky that calm water mirrors, (n,) (Schlick's formula)."""
    grazing: Float32Array = 1 - np.abs(directions[:, 2])
    return WATER_MIRROR + (1 - WATER_MIRROR) * grazing**5


def _fade(painter: Painter, points: Float32Array, distance: Float32Array) -> Float32Array:
    """Share of the haze far behind the subject and beyond the terrain, (n,) 0..1."""
    share = np.zeros(len(points), np.float32)
    if not math.isinf(painter.haze_start):
        beyond = np.maximum(distance - painter.haze_start, 0) / painter.haze_depth
        share = (1 - np.exp(-(beyond**1.5))).astype(np.float32)
    if painter.unknown_fade:
        away = np.clip(painter.scene.outside(points) / UNKNOWN_EDGE, 0, 1)
        share = np.maximum(share, painter.unknown_fade * away).astype(np.float32)
    return share
