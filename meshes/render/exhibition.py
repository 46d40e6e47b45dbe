"""Compose the still pictures of an exhibition."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.errors import UnknownIdError
from meshes.render.camera import Camera
from meshes.render.catalogue import Language, Size, Style, View
from meshes.render.looks import DATA, MODEL, Look
from meshes.render.marks import Window, draw_labels, draw_legend
from meshes.render.names import (
    FAR,
    FAR_COST,
    hubs_and_landmarks,
    place_names,
    visible_points,
)
from meshes.render.picture import Float32Array, develop, expose
from meshes.render.sheet import DESIGN_HEIGHT, QUIET, Sheet
from meshes.render.standpoints import (
    STANDPOINTS,
    default_moment,
    missing_landmark,
    stand,
    view_title,
)
from meshes.render.stills import oblique_painter
from meshes.render.strip import (
    MARGIN,
    STRIP,
    Caption,
    calm_plate,
    draw_dial,
    draw_plate,
    draw_strip,
    view_size,
)
from meshes.render.subject import Subject
from meshes.render.sunlight import Sun, at_clock, read_day, sun_at, turning_point
from meshes.render.words import WORDS, Words, capital, moment_words, sun_words

EQUINOX = "2026-03-20"
"""Spring equinox: the day for which sun studies are commonly drawn."""

LOOKS: dict[Style, Look] = {Style.MODEL: MODEL, Style.DATA: DATA}
LEGEND = 400.0
"""Width of the legend [units]."""

NOTES = (0.305, 0.425)
"""Where the notes begin and how wide they are, shares of the sheet's width."""

STILL_SIZES = (Size.FULL, Size.LARGE)

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Exhibition:
    """What was written.

    Attributes
    ----------
    files : tuple of Path
        Pictures.
    notes : tuple of str
        What was left out and why, in sentences.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Frame:
    """A view on a sheet, before its words.

    Attributes
    ----------
    subject : Subject
        What is seen.
    view, style : View, Style
        From where and how.
    size : (int, int)
        Of the sheet [pixels].
    camera : Camera
        The view's.
    """

    subject: Subject
    view: View
    style: Style
    size: tuple[int, int]
    camera: Camera

    @property
    def named(self) -> gpd.GeoDataFrame:
        """Landmarks that are named: none in the model, which has no words."""
        table = self.subject.district.landmarks
        ids = STANDPOINTS[self.view].named
        if self.style is Style.MODEL:
            return table[:0]
        if not ids:
            return hubs_and_landmarks(self.subject, others=1)
        return table[table.index.isin(ids)]


def write_exhibition(
    folder: Path,
    subject: Subject,
    *,
    views: Sequence[View] = (),
    styles: Sequence[Style] = tuple(Style),
    sizes: Sequence[Size] = STILL_SIZES,
    languages: Sequence[Language] = tuple(Language),
    date: str = EQUINOX,
    time: str | None = None,
    progress: Progress | None = None,
) -> Exhibition:
    """Write the still pictures of an exhibition.

    Parameters
    ----------
    folder : Path
        Existing folder; files of the same names are replaced.
    subject : Subject
        What is seen.
    views : sequence of View
        Which; by default all that the district has, and notes about the others.
    styles, sizes, languages : sequence
        Which of each; every combination becomes a file.
    date : str
        Day of the shadows, as in 2026-03-20.
    time : str, optional
        Local time, as in 16:15; by default the one that suits the picture.
    progress : callable, optional
        Told what is being done and how far it is.

    Returns
    -------
    Exhibition
        Files as ``sound_model_1080p_sv.png``. Same input, same bytes.

    Raises
    ------
    TableError
        If there is no such day or time.
    UnknownIdError
        If the district lacks what a view that was asked for is named after, or all.
    OutputError
        If a file cannot be written.
    """
    told: Progress = progress or (lambda _text, _share: None)
    day = read_day(date)
    moment = None if time is None else at_clock(day, time)
    chosen, notes = choose_views(subject, views)
    pictures = [(view, size) for view in chosen for size in sizes]
    files: list[Path] = []
    for k, (view, size) in enumerate(pictures):
        camera = stand(view, subject.district, subject.scene, view_size(size.pixels))
        openness = None
        for j, style in enumerate(styles):
            share = (k + j / len(styles)) / len(pictures)
            told(f"drawing {view} {style} {size}", share)
            frame = Frame(subject, view, style, size.pixels, camera)
            when = moment or default_moment(view, style, day)
            sun = sun_at(when, **subject.place)
            painter = oblique_painter(subject, camera, sun, LOOKS[style])
            exposure = expose(painter, openness=openness)
            openness = exposure.openness
            picture = develop(exposure, sun)
            del exposure
            paths = [folder / f"{view}_{style}_{size}_{name}.png" for name in languages]
            files += _hang(frame, picture, sun, dict(zip(languages, paths, strict=True)))
    return Exhibition(tuple(files), notes)


def choose_views(
    subject: Subject, views: Sequence[View]
) -> tuple[list[View], tuple[str, ...]]:
    """Return the views that a district has, and notes about the others.

    Parameters
    ----------
    subject : Subject
        The district.
    views : sequence of View
        What was asked for by name; nothing for all.

    Raises
    ------
    UnknownIdError
        If one that was asked for is missing, or all are.
    """
    lacks = {view: missing_landmark(view, subject.district) for view in views or View}
    missing = {view: lack for view, lack in lacks.items() if lack}
    name = subject.district.name
    if missing and (views or len(missing) == len(lacks)):
        wants = "; ".join(f"{view} needs {lack}" for view, lack in missing.items())
        message = f"{name} must have what its views are named after: {wants}"
        remedy = "choose another view" if views else "use the stills of the report"
        message = f"{message}; {remedy}"
        raise UnknownIdError(message)
    notes = tuple(
        f"The view {view} was left out: it needs {lack}, which {name} has not."
        for view, lack in missing.items()
    )
    return [view for view in lacks if view not in missing], notes


def _hang(
    frame: Frame, picture: Float32Array, sun: Sun, paths: dict[Language, Path]
) -> list[Path]:
    """Set the sheet in each language and write it."""

    def write(language: Language) -> Path:
        return _set_sheet(frame, picture, sun, WORDS[language]).save(paths[language])

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(write, paths))


def _set_sheet(frame: Frame, picture: Float32Array, sun: Sun, words: Words) -> Sheet:
    """Put a picture on a sheet with everything around it."""
    sheet = Sheet(frame.size)
    sheet.picture(picture, (0, 0))
    draw_over([sheet], frame, words, picture=picture)
    topic = words.topics[frame.style]
    when = with_turning_point(sun.when, moment_words(sun.when, words), words)
    notes = f"{frame.subject.model_words(words)} {words.sun}"
    if frame.style is Style.DATA:
        notes = frame.subject.data_words(words)
    caption = make_caption(
        frame, words, topic=topic, moment=when, sun=sun_words(sun, words), notes=notes
    )
    draw_strip(sheet, caption, columns=NOTES)
    top = DESIGN_HEIGHT - STRIP
    if frame.style is Style.DATA:
        left = sheet.width - MARGIN - LEGEND
        draw_legend(
            sheet, frame.subject.scale, left=left, top=top + 36, width=LEGEND, words=words
        )
        return sheet
    middle = draw_dial(sheet, frame.subject, sun, top=top, words=words)
    for row, line in enumerate(words.path):
        spot = (middle[0] - 96, middle[1] - 13 + 21 * row)
        sheet.text(spot, line, height=14, colour=QUIET, anchor="rs")
    return sheet


def draw_over(
    sheets: Sequence[Sheet], frame: Frame, words: Words, *, picture: Float32Array
) -> None:
    """Draw north, scale and names over the view on some sheets.

    Parameters
    ----------
    sheets : sequence of Sheet
        Where to draw.
    frame : Frame
        What is seen.
    words : Words
        The language.
    picture : (height, width, 3) float32
        What is seen, sRGB: names avoid the colours of data.
    """
    scene, level = frame.subject.scene, frame.subject.ground_level
    window = Window(frame.camera, 0.0, 0.0, sheets[0].unit)
    plate = calm_plate(scene, window)
    points = visible_points(frame.subject, frame.camera, frame.named)
    seen = np.isfinite(points).all(axis=1)
    names = place_names(
        frame.subject,
        sheets[0],
        window,
        frame.named[seen],
        words=words,
        offsets=FAR,
        rank_cost=FAR_COST,
        taken=[plate],
        points=points[seen],
        pixels=np.round(picture * 255).astype(np.uint8),
    )
    for sheet in sheets:
        draw_plate(sheet, window, plate, level=level, words=words, indent=178, widest=200)
        draw_labels(sheet, names)


def make_caption(
    frame: Frame, words: Words, *, topic: str, moment: str, sun: str, notes: str
) -> Caption:
    """Return what stands below a view.

    Parameters
    ----------
    frame : Frame
        What is seen.
    words : Words
        The language.
    topic, moment, sun, notes : str
        See `Caption`.
    """
    subject = frame.subject
    return Caption(
        title=view_title(frame.view, subject.district, words),
        topic=topic,
        tag=words.schematic if subject.district.schematic else "",
        moment=capital(moment),
        sun=capital(sun),
        notes=notes,
        credit=subject.credit_words(words, light=frame.style is Style.DATA),
        overline=subject.district.name,
    )


def with_turning_point(when: pd.Timestamp, text: str, words: Words) -> str:
    """Put the turn of the year before a date on which it falls."""
    turn = turning_point(when)
    return text if turn is None else f"{words.turning_points[turn]}, {text}"
