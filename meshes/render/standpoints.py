"""Choose where to stand for the pictures of an exhibition."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.district import District
from gis.errors import UnknownIdError
from meshes.render.camera import Camera, fit_perspective
from meshes.render.catalogue import Style, View
from meshes.render.scene import Scene
from meshes.render.views import water_direction
from meshes.render.words import Words

FloatArray = NDArray[np.float64]

SOUND_BOX = (12.2, 55.3, 13.2, 56.4)
"""Where the water is the Sound: west, south, east, north, WGS84 [degrees]."""

EVENING, MIDDAY = "16:15", "13:00"
"""Local times at the spring equinox: long shadows seen from afar, short ones close by."""


@dataclass(frozen=True)
class Standpoint:
    """Where the camera stands for a view.

    Attributes
    ----------
    landmark : str
        Name that a landmark or building must begin with; "" for the open water.
    near : str
        Landmark that the parts are measured from, if there is one; by default the first.
    reach : float
        How far from it the parts of the subject may lie [m].
    parts : str
        Pattern of their names; where none fits, all parts within reach are taken.
    azimuth, pitch, angle : float
        Direction, look down, angle between the picture's sides [degrees]; the azimuth
        of the view over water is relative to the one straight from the water.
    frame : (left, top, right, bottom)
        Part of the picture that the subject fills, shares of width and height.
    times : mapping
        Local time at which each look shows it best at an equinox.
    named : tuple of str
        Landmarks that are named in the picture of data, by their ids; () for the hubs.
    """

    landmark: str
    near: str
    reach: float
    parts: str
    azimuth: float
    pitch: float
    angle: float
    frame: tuple[float, float, float, float]
    times: dict[Style, str]
    named: tuple[str, ...]


STANDPOINTS = {
    # From high above the water, the district's outline within the picture.
    View.SOUND: Standpoint(
        landmark="",
        near="",
        reach=0.0,
        parts="",
        azimuth=-4.0,
        pitch=22.0,
        angle=34.0,
        frame=(0.02, 0.15, 0.98, 0.83),
        times={Style.MODEL: EVENING, Style.DATA: MIDDAY},
        named=(),
    ),
    # From the land: the quay leads from the canal to the Sound behind the pier. The blocks
    # stand left of the middle, with the basin in front of them.
    View.OCEANPIREN: Standpoint(
        landmark="Oceanpiren",
        near="Oceanpiren",
        reach=260.0,
        parts="WTC|Prisma|Oceanpiren|GreenHaus|Oceanbryggan|Ophelia|Tura|Oceankajen|Trev",
        azimuth=287.0,
        pitch=16.0,
        angle=38.0,
        frame=(0.11, 0.16, 0.75, 0.84),
        times={Style.MODEL: MIDDAY, Style.DATA: MIDDAY},
        named=("hetch", "wtc", "greenhaus", "ophelias-brygga"),
    ),
    # Steep enough to see the ground between rows of 30 m; from the open end, towards the
    # closed one, with the western facade in the light of the afternoon.
    View.CAMPUS: Standpoint(
        landmark="Campus Helsingborg",
        near="Universitetsplatsen",
        reach=90.0,
        parts="Campus Helsingborg",
        azimuth=138.0,
        pitch=43.0,
        angle=34.0,
        frame=(0.1, 0.035, 0.9, 0.965),
        times={Style.MODEL: MIDDAY, Style.DATA: MIDDAY},
        named=("campus", "mindpark"),
    ),
}


def missing_landmark(view: View, district: District) -> str:
    """Return what a district lacks for a view, "" for nothing.

    Parameters
    ----------
    view : View
        Which.
    district : District
        Where.
    """
    if view is View.SOUND:
        return "" if water_direction(district) is not None else "open water around it"
    name = STANDPOINTS[view].landmark
    return "" if _find(name, district) is not None else f"a landmark named {name}"


def view_title(view: View, district: District, words: Words) -> str:
    """Return the name of a view of a district.

    Parameters
    ----------
    view : View
        Which.
    district : District
        Where.
    words : Words
        The language.
    """
    west, south, east, north = SOUND_BOX
    at_sound = west < district.longitude < east and south < district.latitude < north
    if view is View.SOUND and not at_sound:
        return words.water_view
    return words.views[view]


def stand(view: View, district: District, scene: Scene, size: tuple[int, int]) -> Camera:
    """Return the camera of a view.

    Parameters
    ----------
    view : View
        Which.
    district : District
        Where.
    scene : Scene
        What must be seen.
    size : (int, int)
        Width and height [pixels].

    Raises
    ------
    UnknownIdError
        If the district lacks what the view is named after.
    """
    lack = missing_landmark(view, district)
    if lack:
        message = (
            f"the view {view} needs {lack}, which {district.name} has not; "
            "choose another view"
        )
        raise UnknownIdError(message)
    spot = STANDPOINTS[view]
    azimuth = spot.azimuth
    if view is View.SOUND:
        azimuth += (water_direction(district) or 0.0) + 180.0
    return fit_perspective(
        subject_points(view, district, scene),
        size,
        azimuth=azimuth % 360.0,
        pitch=spot.pitch,
        view_angle=spot.angle,
        frame=spot.frame,
    )


def subject_points(view: View, district: District, scene: Scene) -> FloatArray:
    """Return what a view must show, (n, 3) [m, local].

    Parameters
    ----------
    view : View
        Which.
    district : District
        Where; must have what the view is named after.
    scene : Scene
        Its shapes.
    """
    if view is View.SOUND:
        return scene.subject
    spot = STANDPOINTS[view]
    table = district.buildings
    middle = _find(spot.near, district) or _find(spot.landmark, district)
    if middle is None:
        return scene.subject
    near = table[table.geometry.distance(middle) <= spot.reach]
    called = near[near["name"].str.contains(spot.parts)]
    chosen = called if len(called) else near
    if not len(chosen):
        x, y = shapely.get_coordinates(middle)[0]
        around = shapely.get_coordinates(middle.buffer(spot.reach / 2).exterior)
        level = float(district.terrain.sample(x, y))
        ring: FloatArray = np.c_[around, np.full(len(around), level)] - scene.origin
        return ring
    corners = [
        np.c_[
            np.asarray(shape.exterior.coords)[:, :2], np.full(len(shape.exterior.coords), z)
        ]
        for column in ("base", "top")
        for shape, z in zip(chosen.geometry, chosen[column], strict=True)
    ]
    points: FloatArray = np.concatenate(corners) - scene.origin
    return points


def _find(name: str, district: District) -> shapely.Point | None:
    """Return the place of the landmark or building whose name begins so."""
    pattern = rf"^{re.escape(name)}\b"
    for table in (district.landmarks, district.buildings):
        names = table["name"].astype(str)
        found = table[names.str.contains(pattern, flags=re.IGNORECASE)]
        if len(found):
            point: shapely.Point = found.geometry.iloc[0].representative_point()
            return point
    return None


def default_moment(view: View, style: Style, day: pd.Timestamp) -> pd.Timestamp:
    """Return the local time on a day at which a view is taken.

    Parameters
    ----------
    view, style : View, Style
        Which picture.
    day : Timestamp
        Midnight, aware of its zone.
    """
    hours, minutes = STANDPOINTS[view].times[style].split(":")
    return day.replace(hour=int(hours), minute=int(minutes))
