"""Choose where to stand for the pictures of any district."""

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.district import District
from meshes.render.camera import Camera, fit_perspective, fit_plan
from meshes.render.scene import Scene
from meshes.render.sunlight import Sun
from meshes.render.triangles import Surface

FloatArray = NDArray[np.float64]

SUNNY_SIDE = 225.0
"""Side from which facades are seen that get the most light, south-west [degrees]."""

SIDE_LIGHT = 52.0
"""Turn from the sun to the eye: lit and shaded walls both show [degrees]."""

PITCHES = tuple(np.arange(23.0, 35.0, 1.0).tolist())
"""Looks down that are tried [degrees]: the one that fills the picture best is taken."""

VIEW_ANGLE = 38.0
"""Narrow enough to keep uprights upright [degrees]."""

FRAME = (0.05, 0.15, 0.95, 0.94)
"""Share of the picture that the district fills; above it the surroundings fade."""

SKYLINE = 0.03
"""Share of the picture that stays free above the farthest buildings."""

PLAN_FRAME = (0.05, 0.05, 0.95, 0.95)
PLAN_HEIGHT = 3000.0
"""Height of the map's eye [m]."""


def data_view(district: District, scene: Scene, size: tuple[int, int]) -> Camera:
    """Look over the water at the sunny side of the district.

    Parameters
    ----------
    district : District
        Where; without water the eye is in the south-west.
    scene : Scene
        What must be seen.
    size : (int, int)
        Width and height [pixels].
    """
    return _view_from(scene, size, _water_side(district))


def model_view(
    district: District, scene: Scene, size: tuple[int, int], *, sun: Sun
) -> Camera:
    """Stand so that the sun falls in from the side.

    Parameters
    ----------
    district : District
        Where.
    scene : Scene
        What must be seen.
    size : (int, int)
        Width and height [pixels].
    sun : Sun
        Its left or right is taken, whichever is nearer to the water.
    """
    sides = (sun.grid_azimuth + SIDE_LIGHT, sun.grid_azimuth - SIDE_LIGHT)
    water = water_direction(district)
    wanted = SUNNY_SIDE if water is None else water
    side = min(sides, key=lambda k: abs(_turn(wanted, k)))
    return _view_from(scene, size, side)


def plan_view(scene: Scene, size: tuple[int, int]) -> Camera:
    """Look straight down, north up.

    Parameters
    ----------
    scene : Scene
        What must be seen.
    size : (int, int)
        Width and height [pixels].
    """
    low, high = scene.subject.min(axis=0), scene.subject.max(axis=0)
    bounds = (low[0], low[1], high[0], high[1])
    return fit_plan(bounds, size, height=PLAN_HEIGHT, frame=PLAN_FRAME)


def building_corners(scene: Scene) -> FloatArray:
    """Return the corners of all buildings, (n, 3) [m, local]."""
    is_building = scene.triangles.surface <= Surface.WALL
    return scene.triangles.corners[is_building].reshape(-1, 3).astype(np.float64)


def farthest_building(scene: Scene, camera: Camera) -> float:
    """Return the distance from the eye to the farthest corner of a building [m]."""
    return float(np.linalg.norm(building_corners(scene) - camera.position, axis=1).max())


def _view_from(scene: Scene, size: tuple[int, int], side: float) -> Camera:
    """View of the subject from a side [degrees] that fills the picture best."""
    views = [
        fit_perspective(
            scene.subject,
            size,
            azimuth=(side + 180.0) % 360.0,
            pitch=pitch,
            view_angle=VIEW_ANGLE,
            frame=FRAME,
        )
        for pitch in PITCHES
    ]
    whole = [view for view in views if _shows_skyline(view, scene)]
    return max(whole or views[:1], key=lambda view: _filled(view, scene))


def _shows_skyline(view: Camera, scene: Scene) -> bool:
    """Whether no building in a picture is cut by its upper edge."""
    places, depth = view.project(building_corners(scene))
    return bool(places[depth > 0, 1].min() > SKYLINE * view.size[1])


def _filled(view: Camera, scene: Scene) -> float:
    """Area of the box around the subject in a picture [pixels2]."""
    places, _ = view.project(scene.subject)
    return float(np.prod(np.ptp(places, axis=0)))


def _water_side(district: District) -> float:
    """Side halfway between the water and the sunny side [degrees]."""
    water = water_direction(district)
    if water is None:
        return SUNNY_SIDE
    return SUNNY_SIDE + _turn(SUNNY_SIDE, water) / 2


def water_direction(district: District) -> float | None:
    """Return the direction from a district to the water around it [degrees], if any.

    Parameters
    ----------
    district : District
        Where.
    """
    centre = district.boundary.centroid
    reach = math.sqrt(district.boundary.area)
    near = shapely.intersection(district.water, centre.buffer(reach))
    if near.is_empty:
        return None
    water = near.centroid
    return math.degrees(math.atan2(water.x - centre.x, water.y - centre.y))


def _turn(start: float, end: float) -> float:
    """Shortest turn from one direction to another, -180..180 [degrees]."""
    return (end - start + 180.0) % 360.0 - 180.0
