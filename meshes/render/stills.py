"""Compose the still pictures of a district."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.ops import substring

from gis.district import District
from gis.errors import OutputError, TableError
from meshes.facets import Facets
from meshes.render.camera import Camera
from meshes.render.colours import IrradiationScale, irradiation_scale
from meshes.render.looks import DATA, MODEL, Look
from meshes.render.marks import (
    LABEL_FADED,
    Box,
    Label,
    Window,
    bar_length,
    draw_labels,
    draw_legend,
    draw_north,
    draw_scale,
    draw_sun_path,
    place_labels,
)
from meshes.render.picture import take_picture
from meshes.render.scene import Scene, build_scene
from meshes.render.shade import Painter
from meshes.render.sheet import DESIGN_HEIGHT, INK, LINE, PAPER, QUIET, Sheet
from meshes.render.sunlight import Sun, day_path, sun_at
from meshes.render.views import (
    building_corners,
    data_view,
    farthest_building,
    model_view,
    plan_view,
)

DATA_TIME = pd.Timestamp("2026-03-20T13:00+01:00")
MODEL_TIME = pd.Timestamp("2026-03-20T16:15+01:00")
"""Spring equinox: the day for which sun studies are commonly drawn."""

SMALLEST = 120
"""Least width and height of a picture [pixels]."""

STRIP = 172.0
"""Height of the strip below a view [units]."""

PANEL = 0.295
"""Width of the panel beside the map, as a share of the sheet's."""

MARGIN = 52.0
UNKNOWN_FADE = 0.55
"""Haze on the map beyond the terrain, where ground and water are only continued."""

HAZE_DEPTH = 0.22
"""Length over which the distance fades, as a share of the way to its start."""

MODEL_WORDS = "Block model (LoD1): flat roofs, upright walls."
DATA_WORDS = (
    f"{MODEL_WORDS} Irradiation is simulated over a year; "
    "the shadows show one moment of it."
)
TREE_WORDS = {
    False: "Trees cast shadows in the picture, not in the irradiation.",
    True: "Trees shade the irradiation too.",
}
SUN_WORDS = f"{MODEL_WORDS} The shadows are computed for the sun at the stated moment."
SYSTEM_WORDS = "SWEREF 99 13 30 (EPSG:3008), heights in RH 2000"
NOTE_SIZES = (14.0, 13.0, 12.0, 11.0, 10.0, 9.0)
"""Type sizes tried until the notes fit [units]."""

SCHEMATIC = "schematic, not survey data"

PLATE = 416.0
"""Width of the plate with north arrow and scale [units]."""

OTHERS_ROOM = 30.0
"""Free space around the names of landmarks [units]: a map of hubs, not of names."""

COLOURFUL = 90
"""Range of red, green, blue (0..255) above which a pixel shows data."""

ABOVE = tuple((dx, -dy) for dy in (2.0, 3.3, 4.6, 5.9, 7.2) for dx in (0.0, 0.8, -0.8))
BESIDE = (
    (1.16, 0.0), (-1.16, 0.0), (0.0, -1.25), (0.0, 1.25), (1.05, -1.1), (-1.05, -1.1),
    (1.05, 1.1), (-1.05, 1.1), (1.2, -2.2), (-1.2, -2.2), (1.2, 2.2), (-1.2, 2.2),
)  # fmt: skip


@dataclass(frozen=True)
class _Subject:
    """What all pictures of one call share."""

    district: District
    scene: Scene
    annual: NDArray[np.float64]
    scale: IrradiationScale
    size: tuple[int, int]
    trees_shade: bool

    @property
    def data_words(self) -> str:
        """What the irradiation rests on."""
        trees = f" {TREE_WORDS[self.trees_shade]}" if len(self.district.trees) else ""
        return DATA_WORDS + trees


def write_stills(
    folder: Path,
    district: District,
    facets: Facets,
    sensor_annual: ArrayLike,
    *,
    when: pd.Timestamp | None = None,
    trees_shade: bool = False,
    size: tuple[int, int] = (1920, 1080),
) -> list[Path]:
    """Write the still pictures of a district.

    Parameters
    ----------
    folder : Path
        Existing folder; files of the same names are replaced.
    district : District
        Ground, water, trees, names and credits.
    facets : Facets
        Its buildings.
    sensor_annual : (n,) float
        Irradiation of each sensor [kWh/m2 a year]; NaN is drawn grey.
    when : Timestamp, optional
        Moment of the shadows, aware of its zone; by default the afternoon of a spring
        equinox, for the model later and with longer shadows than for the data.
    trees_shade : bool
        Whether trees were among the occluders of the irradiation; the captions say so.
    size : (int, int)
        Width and height [pixels].

    Returns
    -------
    list of Path
        ``still_aerial_irradiation.png``, ``still_model_sun.png`` and
        ``still_plan_irradiation.png``. Same input, same bytes.

    Raises
    ------
    TableError
        If there is not one irradiation for each sensor.
    OutputError
        If the size is too small or a file cannot be written.
    """
    values = np.asarray(sensor_annual, np.float64)
    if values.shape != (facets.sensor_count,):
        message = (
            f"each of the {facets.sensor_count} sensors needs one irradiation, "
            f"got an array of shape {values.shape}; compute it for the same facets"
        )
        raise TableError(message)
    if min(size) < SMALLEST:
        message = (
            f"pictures must be {SMALLEST} pixels wide and high, got {size}; ask for larger"
        )
        raise OutputError(message)
    subject = _Subject(
        district,
        build_scene(district, facets),
        values,
        irradiation_scale(values),
        size,
        trees_shade,
    )
    return [
        _aerial(subject, _sun(district, when or DATA_TIME)).save(
            folder / "still_aerial_irradiation.png"
        ),
        _model(subject, _sun(district, when or MODEL_TIME)).save(
            folder / "still_model_sun.png"
        ),
        _plan(subject, _sun(district, when or DATA_TIME)).save(
            folder / "still_plan_irradiation.png"
        ),
    ]


def _sun(district: District, when: pd.Timestamp) -> Sun:
    """Sun over the district."""
    return sun_at(when, latitude=district.latitude, longitude=district.longitude)


def _aerial(subject: _Subject, sun: Sun) -> Sheet:
    """Oblique view of roofs and facades in the colours of their irradiation."""
    camera = data_view(subject.district, subject.scene, _view_size(subject.size))
    sheet, window = _start_view(subject, camera, sun, DATA, with_data=True)
    plate = _plate(subject, window)
    draw_labels(sheet, _labels(subject, sheet, window, others=1, taken=[plate]))
    _draw_strip(
        sheet, subject, sun, "Sunlight on roofs and facades in a year", subject.data_words
    )
    width = min(400.0, sheet.width * 0.24)
    draw_legend(
        sheet,
        subject.scale,
        left=sheet.width - MARGIN - width,
        top=DESIGN_HEIGHT - STRIP + 36,
        width=width,
    )
    return sheet


def _model(subject: _Subject, sun: Sun) -> Sheet:
    """Oblique view as an architect's white model in the sun."""
    size = _view_size(subject.size)
    camera = model_view(subject.district, subject.scene, size, sun=sun)
    sheet, _ = _start_view(subject, camera, sun, MODEL, with_data=False)
    _draw_strip(sheet, subject, sun, "Sun and shadow", SUN_WORDS)
    place = {"latitude": subject.district.latitude, "longitude": subject.district.longitude}
    middle = (sheet.width - MARGIN - 66, DESIGN_HEIGHT - STRIP / 2)
    draw_sun_path(sheet, middle, 56, path=day_path(sun.when, **place), sun=sun)
    words = ("Path of the sun", "on this day;", "rings at 30° and 60°")
    for row, line in enumerate(words):
        spot = (middle[0] - 96, middle[1] - 13 + 21 * row)
        sheet.text(spot, line, height=14, colour=QUIET, anchor="rs")
    return sheet


def _view_size(size: tuple[int, int]) -> tuple[int, int]:
    """Pixels above the strip."""
    return size[0], round(size[1] * (1 - STRIP / DESIGN_HEIGHT))


def _start_view(
    subject: _Subject, camera: Camera, sun: Sun, look: Look, *, with_data: bool
) -> tuple[Sheet, Window]:
    """Take an oblique picture and put it on a sheet with north arrow and scale."""
    far = farthest_building(subject.scene, camera)
    painter = Painter(
        scene=subject.scene,
        camera=camera,
        sun=sun,
        look=look,
        annual=subject.annual if with_data else None,
        scale=subject.scale if with_data else None,
        haze_start=far,
        haze_depth=HAZE_DEPTH * far,
    )
    sheet = Sheet(subject.size)
    sheet.picture(take_picture(painter), (0, 0))
    window = Window(camera, 0.0, 0.0, sheet.unit)
    level = _ground_level(subject)
    bottom = window.box[3]
    length, width = bar_length(window, widest=240, level=level)
    plate = _plate(subject, window)
    sheet.box(*plate, colour=LABEL_FADED, radius=6)
    draw_north(sheet, window, (plate[0] + 76, bottom - 72), level=level, radius=38)
    draw_scale(
        sheet,
        plate[0] + 152,
        bottom - 64,
        length=length,
        width=width,
        note="in the middle of the picture",
    )
    return sheet, window


def _plate(subject: _Subject, window: Window) -> Box:
    """Place of north arrow and scale: the lower corner with fewer buildings [units]."""
    _, _, right, bottom = window.box
    low, high = bottom - 126, bottom - 20
    plates = [(k, low, k + PLATE, high) for k in (MARGIN - 16, right - MARGIN + 16 - PLATE)]
    corners = building_corners(subject.scene)
    places = window.place(corners)

    def crowd(plate: Box) -> int:
        inside = (places > plate[:2]) & (places < plate[2:])
        return int(np.count_nonzero(inside.all(axis=1)))

    return min(plates, key=crowd)


def _ground_level(subject: _Subject) -> float:
    """Height of the ground in the middle of the district [m, local]."""
    middle = subject.district.boundary.centroid
    level = subject.scene.land.terrain.sample(middle.x, middle.y)
    return float(level) - float(subject.scene.origin[2])


def _draw_strip(sheet: Sheet, subject: _Subject, sun: Sun, topic: str, words: str) -> None:
    """Write title and notes below a view."""
    top = DESIGN_HEIGHT - STRIP
    sheet.box(0, top, sheet.width, DESIGN_HEIGHT, colour=PAPER)
    sheet.line([(0, top), (sheet.width, top)], colour=LINE)
    column = sheet.width * 0.385
    width = column - MARGIN - 32
    _draw_title(sheet, subject.district.name, MARGIN, top + 62, width=width, height=38)
    sheet.text((MARGIN, top + 96), topic, height=18, colour=QUIET)
    if subject.district.schematic:
        _draw_tag(sheet, MARGIN, top + 116)
    frame = (column, top + 35, column + sheet.width * 0.325, DESIGN_HEIGHT - 16)
    _draw_notes(sheet, subject, sun, words, frame)


def _draw_title(
    sheet: Sheet, words: str, left: float, base: float, *, width: float, height: float
) -> None:
    """Set a title in one line, smaller if it is long."""
    own = sheet.measure(words, face="title", height=height)
    fitting = min(height, height * width / own)
    sheet.text((left, base), words, face="title", height=fitting)


def _draw_tag(sheet: Sheet, left: float, top: float) -> None:
    """Mark the district as schematic."""
    width = sheet.measure(SCHEMATIC, height=14) + 24
    sheet.box(left, top, left + width, top + 28, outline=QUIET, radius=14)
    sheet.text((left + width / 2, top + 14), SCHEMATIC, height=14, anchor="mm")


def _draw_notes(sheet: Sheet, subject: _Subject, sun: Sun, words: str, frame: Box) -> None:
    """Write moment, model and credits in a column, smaller if they are long."""
    left, top, right, bottom = frame
    width = right - left
    credit = "Data: " + " · ".join(_credits(subject.district))
    sheet.text((left, top + 14), sun.date_words, face="bold", height=15)
    sheet.text((left, top + 36), _capital(sun.place_words), height=15, colour=QUIET)
    for size in NOTE_SIZES:
        lines = [sheet.wrap(text, width=width, height=size) for text in (words, credit)]
        if top + 44 + size * 1.4 * (len(lines[0]) + len(lines[1])) <= bottom:
            break
    base = sheet.paragraph((left, top + 62), words, width=width, height=size, leading=1.4)
    sheet.paragraph(
        (left, base + 4), credit, width=width, height=size, colour=QUIET, leading=1.4
    )


def _capital(words: str) -> str:
    """Begin with a capital letter."""
    return words[:1].upper() + words[1:]


def _credits(district: District) -> list[str]:
    """Whom to name; that the district is schematic stands in a place of its own."""
    return [credit for credit in district.credits if "survey data" not in credit]


def _labels(
    subject: _Subject,
    sheet: Sheet,
    window: Window,
    *,
    others: int,
    offsets: tuple[tuple[float, float], ...] = ABOVE,
    taken: list[Box] | None = None,
) -> list[tuple[Label, Box]]:
    """Find places for the names of the hubs and of some landmarks."""
    table = subject.district.landmarks
    table = pd.concat(
        [table[table["kind"] == "hub"], table[table["kind"] != "hub"][:others]]
    )
    if not len(table):
        return []
    anchors = window.place(_tops(subject, table.geometry.to_numpy()))
    labels = [
        Label(_name(str(name), float(accuracy)), (float(x), float(y)), kind == "hub")
        for name, accuracy, kind, (x, y) in zip(
            table["name"], table["accuracy"], table["kind"], anchors.tolist(), strict=True
        )
    ]
    widths = [
        sheet.measure(label.name, face="bold", height=15) + 18
        if label.is_main
        else sheet.measure(label.name, height=13) + 14
        for label in labels
    ]
    left, top, right, bottom = window.box
    return place_labels(
        labels,
        widths,
        (left + 14, top + 14, right - 14, bottom - 14),
        offsets=offsets,
        height=26,
        taken=taken or [],
        room=OTHERS_ROOM,
        cost=_colourful(sheet),
    )


def _colourful(sheet: Sheet) -> Callable[[Box], float]:
    """Measure how much of a box is coloured by data, 0..1."""
    pixels = sheet.pixels().astype(np.int16)
    is_data = np.ptp(pixels, axis=2) > COLOURFUL
    sums = np.pad(is_data.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))

    def share(box: Box) -> float:
        left, top, right, bottom = (max(round(k * sheet.unit), 0) for k in box)
        covered = (
            sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        )
        return float(covered) / max((bottom - top) * (right - left), 1)

    return share


def _name(name: str, accuracy: float) -> str:
    """Name with the accuracy of its place where that is rough."""
    return f"{name} (±{accuracy:.0f} m)" if accuracy >= 100.0 else name


def _tops(subject: _Subject, points: NDArray[np.object_]) -> NDArray[np.float64]:
    """Places of points on the roof or ground below them, (n, 3) [m, local]."""
    buildings = subject.district.buildings
    flat = shapely.get_coordinates(points)
    z = subject.scene.land.terrain.sample(flat[:, 0], flat[:, 1])
    which, roof = shapely.STRtree(buildings.geometry.to_numpy()).query(points, "intersects")
    z[which] = buildings["top"].to_numpy()[roof]
    tops: NDArray[np.float64] = np.c_[flat, z] - subject.scene.origin
    return tops


def _plan(subject: _Subject, sun: Sun) -> Sheet:
    """Map of the district with a panel of explanations."""
    width, height = subject.size
    panel = round(width * PANEL)
    camera = plan_view(subject.scene, (width - panel, height))
    painter = Painter(
        scene=subject.scene,
        camera=camera,
        sun=sun,
        look=DATA,
        annual=subject.annual,
        scale=subject.scale,
        unknown_fade=UNKNOWN_FADE,
    )
    sheet = Sheet(subject.size)
    sheet.picture(take_picture(painter), (panel, 0))
    window = Window(camera, panel / sheet.unit, 0.0, sheet.unit)
    _draw_boundary(sheet, subject, window)
    draw_labels(sheet, _labels(subject, sheet, window, others=99, offsets=BESIDE))
    _draw_panel(sheet, subject, sun, window)
    return sheet


def _draw_boundary(sheet: Sheet, subject: _Subject, window: Window) -> None:
    """Draw the district's boundary as a dashed line."""
    parts = getattr(subject.district.boundary, "geoms", [subject.district.boundary])
    for part in parts:
        corners = shapely.get_coordinates(part.exterior)
        points = np.c_[corners, np.zeros(len(corners))] - subject.scene.origin
        _draw_dashes(sheet, shapely.LineString(window.place(points)))


def _draw_dashes(sheet: Sheet, line: shapely.LineString) -> None:
    """Draw a dashed line that shows on light and dark."""
    sheet.line(shapely.get_coordinates(line), colour=PAPER + "cc", width=4.0)
    for start in np.arange(0.0, line.length, 15.0):
        dash = substring(line, start, min(start + 9.0, line.length))
        sheet.line(shapely.get_coordinates(dash), colour=INK, width=1.6)


def _draw_panel(sheet: Sheet, subject: _Subject, sun: Sun, window: Window) -> None:
    """Write title, legend and notes beside the map."""
    edge = window.left
    width = edge - 2 * MARGIN
    sheet.box(0, 0, edge, DESIGN_HEIGHT, colour=PAPER)
    sheet.line([(edge, 0), (edge, DESIGN_HEIGHT)], colour=LINE)
    name = subject.district.name
    widths = [sheet.measure(word, face="title", height=42) for word in name.split()]
    height = min(42.0, 42.0 * width / max(widths, default=width))
    base = sheet.paragraph(
        (MARGIN, 100), name, width=width, face="title", height=height, leading=1.16
    )
    sheet.text((MARGIN, base - 6), "Sunlight on roofs in a year", height=18, colour=QUIET)
    base += 22
    if subject.district.schematic:
        _draw_tag(sheet, MARGIN, base)
        base += 28
    base += 60
    draw_legend(sheet, subject.scale, left=MARGIN, top=base, width=width)
    base += 108
    _draw_dashes(sheet, shapely.LineString([(MARGIN, base), (MARGIN + 48, base)]))
    sheet.text((MARGIN + 62, base), "District boundary", height=15, anchor="lm")
    base += 118
    level = _ground_level(subject)
    length, long = bar_length(window, widest=width - 150, level=level)
    draw_scale(sheet, MARGIN + 2, base, length=length, width=long)
    draw_north(sheet, window, (edge - MARGIN - 40, base - 14), level=level, radius=36)
    words = f"{subject.data_words} {SYSTEM_WORDS}."
    frame = (MARGIN, 850, MARGIN + width, DESIGN_HEIGHT - 40)
    _draw_notes(sheet, subject, sun, words, frame)
