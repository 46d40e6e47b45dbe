"""Compose the still pictures of a district."""

from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike

from gis.district import District
from gis.errors import OutputError
from meshes.facets import Facets
from meshes.render.camera import Camera
from meshes.render.catalogue import Style
from meshes.render.coat import Painter
from meshes.render.looks import DATA, MODEL, Look
from meshes.render.marks import (
    Window,
    bar_length,
    draw_labels,
    draw_legend,
    draw_north,
    draw_scale,
)
from meshes.render.names import BESIDE, hubs_and_landmarks, place_names
from meshes.render.picture import take_picture
from meshes.render.sheet import DESIGN_HEIGHT, LINE, PAPER, QUIET, Sheet
from meshes.render.strip import (
    MARGIN,
    STRIP,
    Caption,
    draw_dashes,
    draw_dial,
    draw_notes,
    draw_plate,
    draw_strip,
    draw_tag,
    find_plate,
    view_size,
)
from meshes.render.subject import Subject, make_subject
from meshes.render.sunlight import Sun, sun_at
from meshes.render.views import data_view, farthest_building, model_view, plan_view
from meshes.render.words import ENGLISH, capital, moment_words, sun_words

DATA_TIME = pd.Timestamp("2026-03-20T13:00+01:00")
MODEL_TIME = pd.Timestamp("2026-03-20T16:15+01:00")
"""Spring equinox: the day for which sun studies are commonly drawn."""

SMALLEST = 120
"""Least width and height of a picture [pixels]."""

PANEL = 0.295
"""Width of the panel beside the map, as a share of the sheet's."""

UNKNOWN_FADE = 0.55
"""Haze on the map beyond the terrain, where ground and water are only continued."""

HAZE_DEPTH = 0.22
"""Length over which the distance fades, as a share of the way to its start."""

WORDS = ENGLISH
"""The exhibition has both languages; these go into the report, which is English."""


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
    if min(size) < SMALLEST:
        message = (
            f"pictures must be {SMALLEST} pixels wide and high, got {size}; ask for larger"
        )
        raise OutputError(message)
    subject = make_subject(district, facets, sensor_annual, trees_shade=trees_shade)
    by_data = sun_at(when or DATA_TIME, **subject.place)
    by_model = sun_at(when or MODEL_TIME, **subject.place)
    return [
        _aerial(subject, size, by_data).save(folder / "still_aerial_irradiation.png"),
        _model(subject, size, by_model).save(folder / "still_model_sun.png"),
        _plan(subject, size, by_data).save(folder / "still_plan_irradiation.png"),
    ]


def _aerial(subject: Subject, size: tuple[int, int], sun: Sun) -> Sheet:
    """Oblique view of roofs and facades in the colours of their irradiation."""
    camera = data_view(subject.district, subject.scene, view_size(size))
    sheet, window = _start_view(subject, size, oblique_painter(subject, camera, sun, DATA))
    names = place_names(
        subject,
        sheet,
        window,
        hubs_and_landmarks(subject, others=1),
        words=WORDS,
        taken=[find_plate(subject.scene, window)],
    )
    draw_labels(sheet, names)
    caption = _caption(subject, sun, WORDS.topics[Style.DATA], subject.data_words(WORDS))
    draw_strip(sheet, caption)
    width = min(400.0, sheet.width * 0.24)
    draw_legend(
        sheet,
        subject.scale,
        left=sheet.width - MARGIN - width,
        top=DESIGN_HEIGHT - STRIP + 36,
        width=width,
    )
    return sheet


def _model(subject: Subject, size: tuple[int, int], sun: Sun) -> Sheet:
    """Oblique view as an architect's white model in the sun."""
    camera = model_view(subject.district, subject.scene, view_size(size), sun=sun)
    sheet, _ = _start_view(subject, size, oblique_painter(subject, camera, sun, MODEL))
    notes = f"{subject.model_words(WORDS)} {WORDS.sun}"
    draw_strip(sheet, _caption(subject, sun, WORDS.topics[Style.MODEL], notes))
    middle = draw_dial(sheet, subject, sun, top=DESIGN_HEIGHT - STRIP, words=WORDS)
    for row, line in enumerate(WORDS.path):
        spot = (middle[0] - 96, middle[1] - 13 + 21 * row)
        sheet.text(spot, line, height=14, colour=QUIET, anchor="rs")
    return sheet


def oblique_painter(subject: Subject, camera: Camera, sun: Sun, look: Look) -> Painter:
    """Return what decides the colours of an oblique view; far away is haze.

    Parameters
    ----------
    subject : Subject
        What is seen.
    camera : Camera
        From where.
    sun : Sun
        Light.
    look : Look
        Materials; with `DATA`, roofs and walls show their irradiation.
    """
    far = farthest_building(subject.scene, camera)
    return Painter(
        scene=subject.scene,
        camera=camera,
        sun=sun,
        look=look,
        annual=subject.annual if look is DATA else None,
        scale=subject.scale if look is DATA else None,
        haze_start=far,
        haze_depth=HAZE_DEPTH * far,
    )


def _start_view(
    subject: Subject, size: tuple[int, int], painter: Painter
) -> tuple[Sheet, Window]:
    """Take an oblique picture and put it on a sheet with north arrow and scale."""
    sheet = Sheet(size)
    sheet.picture(take_picture(painter), (0, 0))
    window = Window(painter.camera, 0.0, 0.0, sheet.unit)
    plate = find_plate(subject.scene, window)
    draw_plate(sheet, window, plate, level=subject.ground_level, words=WORDS)
    return sheet, window


def _caption(subject: Subject, sun: Sun, topic: str, notes: str) -> Caption:
    """Return what stands beside the pictures."""
    return Caption(
        title=subject.district.name,
        topic=topic,
        tag=WORDS.schematic if subject.district.schematic else "",
        moment=moment_words(sun.when, WORDS),
        sun=capital(sun_words(sun, WORDS)),
        notes=notes,
        credit=subject.credit_words(WORDS),
    )


def _plan(subject: Subject, size: tuple[int, int], sun: Sun) -> Sheet:
    """Map of the district with a panel of explanations."""
    width, height = size
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
    sheet = Sheet(size)
    sheet.picture(take_picture(painter), (panel, 0))
    window = Window(camera, panel / sheet.unit, 0.0, sheet.unit)
    _draw_boundary(sheet, subject, window)
    table = hubs_and_landmarks(subject, others=99)
    names = place_names(subject, sheet, window, table, words=WORDS, offsets=BESIDE)
    draw_labels(sheet, names)
    _draw_panel(sheet, subject, sun, window)
    return sheet


def _draw_boundary(sheet: Sheet, subject: Subject, window: Window) -> None:
    """Draw the district's boundary as a dashed line."""
    parts = getattr(subject.district.boundary, "geoms", [subject.district.boundary])
    for part in parts:
        corners = shapely.get_coordinates(part.exterior)
        points = np.c_[corners, np.zeros(len(corners))] - subject.scene.origin
        draw_dashes(sheet, shapely.LineString(window.place(points)))


def _draw_panel(sheet: Sheet, subject: Subject, sun: Sun, window: Window) -> None:
    """Write title, legend and notes beside the map."""
    notes = f"{subject.data_words(WORDS)} {WORDS.system}"
    caption = _caption(subject, sun, WORDS.plan_topic, notes)
    edge = window.left
    width = edge - 2 * MARGIN
    sheet.box(0, 0, edge, DESIGN_HEIGHT, colour=PAPER)
    sheet.line([(edge, 0), (edge, DESIGN_HEIGHT)], colour=LINE)
    name = caption.title
    widths = [sheet.measure(word, face="title", height=42) for word in name.split()]
    height = min(42.0, 42.0 * width / max(widths, default=width))
    base = sheet.paragraph(
        (MARGIN, 100), name, width=width, face="title", height=height, leading=1.16
    )
    sheet.text((MARGIN, base - 6), caption.topic, height=18, colour=QUIET)
    base += 22
    if caption.tag:
        draw_tag(sheet, caption.tag, MARGIN, base)
        base += 28
    base += 60
    draw_legend(sheet, subject.scale, left=MARGIN, top=base, width=width)
    base += 108
    draw_dashes(sheet, shapely.LineString([(MARGIN, base), (MARGIN + 48, base)]))
    sheet.text((MARGIN + 62, base), WORDS.boundary, height=15, anchor="lm")
    base += 118
    level = subject.ground_level
    length, long = bar_length(window, widest=width - 150, level=level)
    draw_scale(sheet, MARGIN + 2, base, length=length, width=long)
    draw_north(sheet, window, (edge - MARGIN - 40, base - 14), level=level, radius=36)
    draw_notes(sheet, caption, (MARGIN, 850, MARGIN + width, DESIGN_HEIGHT - 40))
