"""Write title, notes, north and scale around a view."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.ops import substring

from meshes.render.marks import (
    LABEL_FADED,
    Box,
    Window,
    bar_length,
    draw_north,
    draw_scale,
    draw_sun_path,
)
from meshes.render.scene import Scene
from meshes.render.sheet import DESIGN_HEIGHT, INK, LINE, PAPER, QUIET, Sheet
from meshes.render.sight import look_along
from meshes.render.subject import Subject
from meshes.render.sunlight import Sun, day_path
from meshes.render.triangles import Surface
from meshes.render.views import building_corners
from meshes.render.words import Words

STRIP = 172.0
"""Height of the strip below a view [units]."""

MARGIN = 52.0
NOTE_SIZES = (14.0, 13.0, 12.0, 11.0, 10.0, 9.0)
"""Type sizes tried until the notes fit [units]."""

PLATE = 416.0
"""Width of the plate with north arrow and scale [units]."""

NOTES_FROM, NOTES_WIDE = 0.385, 0.325
"""Where the notes begin and how wide they are, shares of the sheet's width."""

DIAL = 56.0
"""Radius of the map of the sun's path [units]."""


@dataclass(frozen=True)
class Caption:
    """What the strip below a view says.

    Attributes
    ----------
    title, topic : str
        What is seen, and what it shows.
    tag : str
        A warning in a frame, "" for none.
    moment, sun : str
        When, and where the sun stands.
    notes, credit : str
        What it rests on, and on whose data.
    overline : str
        Stands small above the title.
    """

    title: str
    topic: str
    tag: str
    moment: str
    sun: str
    notes: str
    credit: str
    overline: str = ""


def view_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the pixels above the strip of a sheet, given the sheet's."""
    return size[0], round(size[1] * (1 - STRIP / DESIGN_HEIGHT))


def find_plate(scene: Scene, window: Window) -> Box:
    """Return the place of north arrow and scale [units].

    Parameters
    ----------
    scene : Scene
        What is there.
    window : Window
        The picture: its lower corner with fewer buildings is taken.
    """
    _, _, right, bottom = window.box
    low, high = bottom - 126, bottom - 20
    plates = [(k, low, k + PLATE, high) for k in (MARGIN - 16, right - MARGIN + 16 - PLATE)]
    corners = building_corners(scene)
    places = window.place(corners)

    def crowd(plate: Box) -> int:
        inside = (places > plate[:2]) & (places < plate[2:])
        return int(np.count_nonzero(inside.all(axis=1)))

    return min(plates, key=crowd)


def calm_plate(scene: Scene, window: Window) -> Box:
    """Return the place of north arrow and scale where least is to be seen [units].

    Parameters
    ----------
    scene : Scene
        What is there.
    window : Window
        The picture: of its lower corners, the one with fewer buildings and shores.
    """
    _, _, right, bottom = window.box
    low, high = bottom - 126, bottom - 20
    plates = [(k, low, k + PLATE, high) for k in (MARGIN - 16, right - MARGIN + 16 - PLATE)]

    def stir(plate: Box) -> float:
        x, y = np.meshgrid(
            np.linspace(plate[0], plate[2], 48), np.linspace(plate[1], plate[3], 12)
        )
        places = (k.ravel().astype(np.float32) * window.unit for k in (x, y))
        sight = look_along(scene, window.camera, *places)
        kinds = scene.triangles.surface[sight.triangle].reshape(x.shape)
        built = float((kinds <= Surface.WALL).mean())
        return built + float((np.diff(kinds, axis=1) != 0).mean())

    return min(plates, key=stir)


def draw_plate(
    sheet: Sheet,
    window: Window,
    plate: Box,
    *,
    level: float,
    words: Words,
    indent: float = 152.0,
    widest: float = 240.0,
) -> None:
    """Draw north arrow and scale on a plate.

    Parameters
    ----------
    sheet : Sheet
        Where to draw.
    window : Window
        The picture.
    plate : Box
        See `find_plate`.
    level : float
        Height of the ground [m, local].
    words : Words
        The language.
    indent, widest : float
        Where the scale begins on the plate, and how long it may be [units].
    """
    bottom = window.box[3]
    length, width = bar_length(window, widest=widest, level=level)
    sheet.box(*plate, colour=LABEL_FADED, radius=6)
    draw_north(sheet, window, (plate[0] + 76, bottom - 72), level=level, radius=38)
    draw_scale(
        sheet,
        plate[0] + indent,
        bottom - 64,
        length=length,
        width=width,
        note=words.scale_note,
    )


def draw_strip(
    sheet: Sheet,
    caption: Caption,
    *,
    top: float = DESIGN_HEIGHT - STRIP,
    columns: tuple[float, float] = (NOTES_FROM, NOTES_WIDE),
) -> None:
    """Write title and notes below a view.

    Parameters
    ----------
    sheet : Sheet
        Where to draw.
    caption : Caption
        What to write.
    top : float
        Where the strip begins [units].
    columns : (float, float)
        Where the notes begin and how wide they are, shares of the sheet's width.
    """
    sheet.box(0, top, sheet.width, top + STRIP + 1, colour=PAPER)
    sheet.line([(0, top), (sheet.width, top)], colour=LINE)
    column = sheet.width * columns[0]
    width = column - MARGIN - 32
    if caption.overline:
        _draw_fitting(sheet, caption.overline, MARGIN, top + 30, width=width, height=15)
    drop = 6 if caption.overline else 0
    draw_title(sheet, caption.title, MARGIN, top + 62 + drop, width=width, height=38)
    _draw_fitting(sheet, caption.topic, MARGIN, top + 96 + drop / 2, width=width, height=18)
    if caption.tag:
        draw_tag(sheet, caption.tag, MARGIN, top + 116 + drop / 2)
    frame = (column, top + 35, column + sheet.width * columns[1], top + STRIP - 16)
    draw_notes(sheet, caption, frame)


def draw_title(
    sheet: Sheet, words: str, left: float, base: float, *, width: float, height: float
) -> None:
    """Set a title in one line, smaller if it is long."""
    own = sheet.measure(words, face="title", height=height)
    fitting = min(height, height * width / own)
    sheet.text((left, base), words, face="title", height=fitting)


def _draw_fitting(
    sheet: Sheet, words: str, left: float, base: float, *, width: float, height: float
) -> None:
    """Set a lesser line, smaller if it is long."""
    own = sheet.measure(words, height=height)
    fitting = min(height, height * width / max(own, 1.0))
    sheet.text((left, base), words, height=fitting, colour=QUIET)


def draw_tag(sheet: Sheet, words: str, left: float, top: float) -> None:
    """Set words in a rounded frame, as a mark of a schematic district."""
    width = sheet.measure(words, height=14) + 24
    sheet.box(left, top, left + width, top + 28, outline=QUIET, radius=14)
    sheet.text((left + width / 2, top + 14), words, height=14, anchor="mm")


def draw_notes(sheet: Sheet, caption: Caption, frame: Box) -> None:
    """Write moment, notes and credits in a column, smaller if they are long."""
    left, top, right, bottom = frame
    width = right - left
    sheet.text((left, top + 14), caption.moment, face="bold", height=15)
    sheet.text((left, top + 36), caption.sun, height=15, colour=QUIET)
    for size in NOTE_SIZES:
        lines = [
            sheet.wrap(text, width=width, height=size)
            for text in (caption.notes, caption.credit)
        ]
        if top + 44 + size * 1.4 * (len(lines[0]) + len(lines[1])) <= bottom:
            break
    base = sheet.paragraph(
        (left, top + 62), caption.notes, width=width, height=size, leading=1.4
    )
    sheet.paragraph(
        (left, base + 4),
        caption.credit,
        width=width,
        height=size,
        colour=QUIET,
        leading=1.4,
    )


def draw_dial(
    sheet: Sheet, subject: Subject, sun: Sun, *, top: float, words: Words
) -> tuple[float, float]:
    """Draw the sun's path at the right end of a strip and return its middle [units].

    Parameters
    ----------
    sheet : Sheet
        Where to draw.
    subject : Subject
        Where the sun is looked up for.
    sun : Sun
        The moment.
    top : float
        Where the strip begins [units].
    words : Words
        The language.
    """
    middle = (sheet.width - MARGIN - 66, top + STRIP / 2)
    path = day_path(sun.when, **subject.place)
    draw_sun_path(sheet, middle, DIAL, path=path, sun=sun, letters=words.compass_letters)
    return middle


def draw_dashes(sheet: Sheet, line: shapely.LineString) -> None:
    """Draw a dashed line that shows on light and dark."""
    sheet.line(shapely.get_coordinates(line), colour=PAPER + "cc", width=4.0)
    for start in np.arange(0.0, line.length, 15.0):
        dash = substring(line, start, min(start + 9.0, line.length))
        sheet.line(shapely.get_coordinates(dash), colour=INK, width=1.6)
