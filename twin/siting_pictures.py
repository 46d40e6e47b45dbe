"""Draw a place before and after a new building is there, from the same spot."""

from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from PIL import Image
from rasterio.features import shapes as trace
from scipy.ndimage import distance_transform_edt

from gis.candidate import Candidate
from meshes.facets import Facets, make_facets
from meshes.polygons import FloatArray, IntArray
from meshes.render.camera import Camera, fit_perspective
from meshes.render.coat import Painter
from meshes.render.colours import IrradiationScale, irradiation_scale
from meshes.render.looks import DATA
from meshes.render.marks import Window, draw_north
from meshes.render.picture import take_picture
from meshes.render.scene import Scene, build_scene
from meshes.render.sheet import INK, PAPER, Sheet
from meshes.render.sight import look_along
from meshes.render.strip import draw_dashes
from meshes.render.sunlight import Sun, sun_at
from meshes.render.views import VIEW_ANGLE, farthest_building
from meshes.solids import lod1_solids
from twin.build import Progress
from twin.siting import EQUINOX, Evaluation, Site

SIZE = (1080, 640)
"""Width and height of a picture: 95 mm of paper at 290 dots an inch [pixels]."""

UNIT = 1.7
"""Pixels in a unit of type, so that 13 units print as 5.5 points and no number less."""

SHADOWS = pd.Timestamp(f"{EQUINOX}T13:00+01:00")
"""Moment of the drawn shadows: the sun stands nearly in the south."""

ACCENT = "#0072b2"
"""Colour of the candidate: blue is far from all colours of the irradiation."""

SHOWN_LOSS = 0.5
"""Share of all lost light that lies within the pictures' circle."""

NEAREST, FARTHEST = 65.0, 110.0
"""Radius of the circle around the candidate that is shown at least and at most [m]."""

AZIMUTHS = tuple(range(0, 360, 15))
PITCHES = (32.0, 40.0)
"""Views that are tried [degrees]: the one in which most lost light is seen is taken."""

SEEN = 0.85
"""The candidate must be seen at least this well, as a share of its best view."""

COLUMNS = 150
"""Views are compared by about so many pixels in a row."""

FRAME = (0.04, 0.16, 0.96, 0.97)
HAZE_DEPTH = 0.22
"""Length over which the distance fades, as a share of the way to its start."""

LEAST_ROOM = 8.0
"""Distance from the edge of what is seen of a building below which no number fits
[units]."""

COMPASS = (92.0, 62.0)
"""Room of the north arrow in the lower left corner, width and height [units]."""

STAIRS = 2.0
"""Outlines of pixels are straightened by so much: a slanting edge is a stair of one
pixel, drawn twice [pixels]."""

QUALITY = 90
"""Of JPEG; steps of colour are not seen."""

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Pictures:
    """A place before and after.

    Attributes
    ----------
    before, after : bytes
        JPEG.
    scale : IrradiationScale
        Colours of both.
    azimuth : float
        Where the view goes [degrees clockwise from north].
    sun : Sun
        Of the drawn shadows.
    """

    before: bytes
    after: bytes
    scale: IrradiationScale
    azimuth: float
    sun: Sun


def draw_pictures(
    site: Site,
    evaluation: Evaluation,
    *,
    numbered: int = 0,
    size: tuple[int, int] = SIZE,
    progress: Progress | None = None,
) -> Pictures:
    """Draw the light of a year on roofs and facades without and with the candidate.

    Parameters
    ----------
    site : Site
        The twin.
    evaluation : Evaluation
        What the candidate does to it.
    numbered : int
        How many neighbours, the largest loss first, get their number where they are seen.
    size : (int, int)
        Width and height [pixels].
    progress : callable, optional
        Told what is being done and how far it is.

    Raises
    ------
    ComponentError
        If embreex is not installed.

    Notes
    -----
    Camera, colours and shadows' moment are the same in both. The camera stands where most
    of the lost light is seen. Trees on the footprint are felled in the second.
    """
    told: Progress = progress or (lambda _text, _share: None)
    told("pictures", 0.0)
    candidate, district = evaluation.candidate, site.built.district
    after_facets = join_candidate(site, candidate)
    before_light, after_light = sensor_light(site, evaluation)
    kept = np.delete(np.arange(len(district.trees)), site.felled(candidate))
    before = build_scene(district, site.built.facets)
    after = build_scene(replace(district, trees=district.trees.iloc[kept]), after_facets)
    lost = np.zeros(after_facets.sensor_count)
    lost[: len(before_light)] = before_light - after_light[: len(before_light)]
    told("pictures", 0.15)
    camera = find_view(site, evaluation, after, lost, size=size)
    told("pictures", 0.3)
    sun = sun_at(SHADOWS, latitude=district.latitude, longitude=district.longitude)
    scale = irradiation_scale(np.concatenate([before_light, after_light]))
    sights = _look(after, camera, 1)
    new = sights >= len(site.built.facets)
    unit = UNIT * size[0] / SIZE[0]
    outlines = _outlines(new.reshape(size[::-1]), unit)
    seen = sights.reshape(size[::-1])
    numbers = _number_places(site, evaluation, seen, numbered, unit=unit)
    far = farthest_building(after, camera)
    drawn = []
    for scene, light in ((before, before_light), (after, after_light)):
        painter = Painter(
            scene=scene,
            camera=camera,
            sun=sun,
            look=DATA,
            annual=light,
            scale=scale,
            haze_start=far,
            haze_depth=HAZE_DEPTH * far,
        )
        sheet = Sheet(size, unit=unit)
        sheet.picture(take_picture(painter), (0, 0))
        _draw_marks(sheet, outlines, numbers, is_after=scene is after)
        level = candidate.floor - float(after.origin[2])
        _draw_compass(sheet, camera, level=level)
        drawn.append(_jpeg(sheet))
        told("pictures", 0.3 + 0.35 * len(drawn))
    forward = camera.forward
    azimuth = float(np.degrees(np.arctan2(forward[0], forward[1])) % 360.0)
    return Pictures(drawn[0], drawn[1], scale, azimuth, sun)


def join_candidate(site: Site, candidate: Candidate) -> Facets:
    """Return the twin's facets with the candidate's after them.

    Parameters
    ----------
    site : Site
        The twin.
    candidate : Candidate
        What shall be built.
    """
    built = site.built
    columns = [*built.district.buildings.columns]
    every = pd.concat([built.district.buildings, candidate.parts[columns]])
    solids = lod1_solids(every, origin=built.solids.origin)
    # Facets are laid face by face: those of the twin come out as they were.
    return make_facets(solids, spacing=built.spacing, terrain=built.district.terrain)


def sensor_light(site: Site, evaluation: Evaluation) -> tuple[FloatArray, FloatArray]:
    """Return the light of a year on each sensor [kWh/m2].

    Parameters
    ----------
    site : Site
        The twin.
    evaluation : Evaluation
        What the candidate does to it.

    Returns
    -------
    before : (n,) float
        On the twin's sensors.
    after : (n + m,) float
        On the same with the candidate there, and on the candidate's.
    """
    before = site.built.light.sensor_annual.astype(np.float64)
    after = before.copy()
    touched = site.built.facets.sensors_of(evaluation.shaded.facets)
    after[touched] = evaluation.shaded.after.sensor_annual
    return before, np.concatenate([after, evaluation.light.sensor_annual])


def find_view(
    site: Site,
    evaluation: Evaluation,
    scene: Scene,
    lost: FloatArray,
    *,
    size: tuple[int, int],
) -> Camera:
    """Stand where most of the lost light is seen, and the candidate well enough.

    Parameters
    ----------
    site : Site
        The twin.
    evaluation : Evaluation
        What the candidate does to it.
    scene : Scene
        With the candidate.
    lost : (n,) float
        Light that each of the scene's sensors loses [kWh/m2 a year].
    size : (int, int)
        Width and height [pixels].
    """
    points = _subject(site, evaluation, scene)
    facet_lost = np.bincount(scene.facets.sensor_facet, lost) / np.maximum(
        scene.facets.sensors_per_facet, 1
    )
    views, losses, seen = [], [], []
    for pitch in PITCHES:
        for azimuth in AZIMUTHS:
            camera = fit_perspective(
                points,
                size,
                azimuth=azimuth,
                pitch=pitch,
                view_angle=VIEW_ANGLE,
                frame=FRAME,
            )
            facet = _look(scene, camera, max(1, size[0] // COLUMNS))
            views.append(camera)
            losses.append(facet_lost[facet[facet >= 0]].sum())
            seen.append(np.count_nonzero(facet >= len(site.built.facets)))
    well = np.array(seen) >= SEEN * max(seen)
    return views[int(np.argmax(np.where(well, losses, -1.0)))]


def _subject(site: Site, evaluation: Evaluation, scene: Scene) -> FloatArray:
    """Points that must be seen, (n, 3) local: the candidate and a circle around it."""
    shaded, facets, origin = evaluation.shaded, site.built.facets, scene.origin
    candidate = evaluation.candidate
    middle = np.array(candidate.outline.centroid.coords[0]) - origin[:2]
    reach = NEAREST
    if len(shaded.facets):
        which = shaded.facets
        size = (facets.shape * facets.step)[which] / 2
        centre = facets.corner[which] + (
            size[:, :1] * facets.e1[which] + size[:, 1:] * facets.e2[which]
        )
        away = np.hypot(*(centre[:, :2] - middle).T)
        lost = facets.area[which] * (shaded.before.facet_annual - shaded.after.facet_annual)
        order = np.argsort(away, kind="stable")
        reached = np.cumsum(lost[order])
        reach = away[order][np.searchsorted(reached, SHOWN_LOSS * reached[-1])]
    circle = shapely.Point(middle).buffer(np.clip(reach, NEAREST, FARTHEST)).exterior
    ground = candidate.floor - origin[2]
    rim = np.asarray(circle.coords)
    corners = shapely.get_coordinates(candidate.outline) - origin[:2]
    top = float(candidate.parts["top"].max()) - origin[2]
    points: FloatArray = np.concatenate(
        [np.c_[rim, np.full(len(rim), ground)], np.c_[corners, np.full(len(corners), top)]]
    )
    return points


def _look(scene: Scene, camera: Camera, step: int) -> IntArray:
    """Facet that is seen at every ``step``-th pixel, -1 for none."""
    width, height = camera.size
    across, down = np.meshgrid(
        np.arange(step / 2, width, step, dtype=np.float32),
        np.arange(step / 2, height, step, dtype=np.float32),
    )
    sight = look_along(scene, camera, across.ravel(), down.ravel())
    facet: IntArray = np.where(
        sight.triangle >= 0, scene.triangles.facet[sight.triangle], -1
    ).astype(np.int64)
    return facet


def _outlines(seen: BoolArray, unit: float) -> list[shapely.LineString]:
    """Return the outlines of what is seen of the candidate [units]."""
    rings = []
    for told, value in trace(seen.astype(np.uint8), mask=seen):
        shape = shapely.simplify(shapely.geometry.shape(told), STAIRS)
        if value and shape.area > (LEAST_ROOM * unit) ** 2:
            rings += [shape.exterior, *shape.interiors]
    return [shapely.LineString(shapely.get_coordinates(ring) / unit) for ring in rings]


def _number_places(
    site: Site, evaluation: Evaluation, facet: IntArray, count: int, *, unit: float
) -> dict[int, tuple[float, float]]:
    """Find where the numbers of neighbours fit on what is seen of them [units]."""
    facets = site.built.facets
    owner = site.built.district.buildings["building"].to_numpy()[facets.part]
    codes, names = pd.factorize(owner)
    # The last code is for what is no building of the twin.
    seen = np.append(codes, -1)[np.where(facet < len(facets), facet, -1)]
    seen[-round(COMPASS[1] * unit) :, : round(COMPASS[0] * unit)] = -1
    places = {}
    for number, name in enumerate(evaluation.neighbours.index[:count], 1):
        room = distance_transform_edt(np.pad(seen == list(names).index(name), 1))
        row, column = np.unravel_index(int(np.argmax(room)), room.shape)
        if room[row, column] >= LEAST_ROOM * unit:
            places[number] = (float(column) / unit, float(row) / unit)
    return places


def _draw_marks(
    sheet: Sheet,
    outlines: list[shapely.LineString],
    numbers: dict[int, tuple[float, float]],
    *,
    is_after: bool,
) -> None:
    """Outline the candidate, dashed where it is not there yet, and number neighbours."""
    for line in outlines:
        if is_after:
            corners = shapely.get_coordinates(line)
            sheet.line(corners, colour=PAPER, width=5.0)
            sheet.line(corners, colour=ACCENT, width=2.6)
        else:
            draw_dashes(sheet, line)
    for number, (x, y) in numbers.items():
        sheet.box(x - 9, y - 9, x + 9, y + 9, colour=PAPER, outline=INK, radius=9)
        sheet.text((x, y), str(number), face="bold", height=11.5, anchor="mm")


def _draw_compass(sheet: Sheet, camera: Camera, *, level: float) -> None:
    """Draw a north arrow in the lower left corner."""
    window = Window(camera, 0.0, 0.0, sheet.unit)
    bottom = window.box[3]
    wide, high = COMPASS
    sheet.box(8, bottom - high, wide, bottom - 8, colour=f"{PAPER}e6", radius=5)
    middle = (wide / 2 + 4, bottom - high / 2 - 4)
    draw_north(sheet, window, middle, level=level, radius=22)


def _jpeg(sheet: Sheet) -> bytes:
    """Return a sheet as JPEG without date."""
    stream = BytesIO()
    Image.fromarray(sheet.pixels()).save(
        stream, format="JPEG", quality=QUALITY, subsampling=0, optimize=True
    )
    return stream.getvalue()
