"""Film the sun's way over the district on one day."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import TableError
from meshes.render.catalogue import Language, Size, Style, View
from meshes.render.exhibition import (
    LOOKS,
    Frame,
    choose_views,
    draw_over,
    make_caption,
    with_turning_point,
)
from meshes.render.marks import draw_legend
from meshes.render.picture import Exposure, develop, expose, keep_edges
from meshes.render.sheet import DESIGN_HEIGHT, QUIET, Sheet
from meshes.render.standpoints import stand
from meshes.render.stills import oblique_painter
from meshes.render.strip import STRIP, Caption, draw_dial, draw_strip, view_size
from meshes.render.subject import Subject
from meshes.render.sunlight import Sun, read_day, solar_day, sun_at
from meshes.render.video import find_ffmpeg, write_video
from meshes.render.words import (
    WORDS,
    Words,
    clock_words,
    day_words,
    offset_words,
)

TWILIGHT = -4.5
"""Height of the sun at which films begin and end [degrees]."""

UPPER_LIMB = -0.27
"""Height of the sun's middle when its rim touches the horizon [degrees]: half its width."""

MOST_FRAMES = 300
"""Frames that a film has at most by default: 12 s."""

HALF_DEGREE = 0.5
"""Heights are told in whole degrees."""

FEWEST_FRAMES = 2
LONGEST_STEP = 60
"""Most minutes between two frames: an hour already makes shadows jump."""

NOTES = {Style.MODEL: (0.305, 0.42), Style.DATA: (0.265, 0.3)}
"""Where the notes begin and how wide they are, shares of the sheet's width."""

LEGEND = (0.592, 300.0)
"""Where the legend begins, share of the sheet's width, and how wide it is [units]."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Shooting:
    """A film before its frames.

    Attributes
    ----------
    frame : Frame
        View and sheet.
    words : Words
        The language.
    moments : DatetimeIndex
        When each frame is, local time.
    minutes : int
        Between frames.
    """

    frame: Frame
    words: Words
    moments: pd.DatetimeIndex
    minutes: int


def write_film(
    folder: Path,
    subject: Subject,
    *,
    date: str,
    view: View = View.SOUND,
    style: Style = Style.MODEL,
    size: Size = Size.FULL,
    language: Language = Language.SV,
    minutes: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a film of one day from dawn to dusk.

    Parameters
    ----------
    folder : Path
        Existing folder.
    subject : Subject
        What is seen.
    date : str
        The day, as in 2026-06-21.
    view, style, size, language : View, Style, Size, Language
        What the film is like.
    minutes : int, optional
        Between frames; by default so few that the film lasts 8 to 12 s.
    progress : callable, optional
        Told which frame is drawn and what share is done.

    Returns
    -------
    Path
        A file as ``film_sound_model_2026-06-21_1080p_sv.mp4``.

    Raises
    ------
    TableError
        If there is no such day, the sun does not rise on it, or frames are too far apart.
    UnknownIdError
        If the district lacks what the view is named after.
    ComponentError
        If there is no ffmpeg.
    OutputError
        If the film cannot be written.
    """
    told: Progress = progress or (lambda _text, _share: None)
    day = read_day(date)
    ffmpeg = find_ffmpeg()
    choose_views(subject, [view])
    moments, step = film_moments(day, minutes=minutes, place=subject.place)
    told("preparing the view", 0.0)
    camera = stand(view, subject.district, subject.scene, view_size(size.pixels))
    frame = Frame(subject, view, style, size.pixels, camera)
    shooting = Shooting(frame, WORDS[language], moments, step)
    path = folder / f"film_{view}_{style}_{day:%Y-%m-%d}_{size}_{language}.mp4"
    frames = draw_frames(shooting, progress=told)
    return write_video(path, frames, size.pixels, ffmpeg=ffmpeg)


def check_minutes(minutes: int) -> None:
    """Refuse times between frames that suit no day; raises TableError."""
    if not 1 <= minutes <= LONGEST_STEP:
        message = (
            f"frames must be 1 to {LONGEST_STEP} minutes apart, got {minutes}; 4 suit a "
            "summer's day"
        )
        raise TableError(message)


def film_moments(
    day: pd.Timestamp, *, minutes: int | None, place: dict[str, float]
) -> tuple[pd.DatetimeIndex, int]:
    """Return when each frame of a day's film is, and the minutes between them.

    Parameters
    ----------
    day : Timestamp
        Local midnight, aware of its zone.
    minutes : int, optional
        Between frames; by default as few as `MOST_FRAMES` allow.
    place : dict
        Latitude and longitude [degrees].

    Returns
    -------
    moments : DatetimeIndex
        From twilight before sunrise to twilight after sunset, or the whole day where
        there is no night.
    minutes : int
        Between them.

    Raises
    ------
    TableError
        If the sun does not rise, or frames are too far apart for a film.
    """
    heights = solar_day(day, **place)
    if heights.max() <= UPPER_LIMB:
        message = (
            f"the sun must rise on the day of a film, on {day:%Y-%m-%d} it stays "
            f"{-heights.max():.1f} degrees below the horizon at "
            f"{place['latitude']:.1f} N; choose a lighter date"
        )
        raise TableError(message)
    light = pd.DatetimeIndex(heights.index)[heights.to_numpy() > TWILIGHT]
    span = (light[-1] - light[0]) / pd.Timedelta(minutes=1)
    step = math.ceil(span / MOST_FRAMES) if minutes is None else minutes
    check_minutes(step)
    longest = math.floor(span / (FEWEST_FRAMES - 1))
    if step > longest:
        message = (
            f"frames of so short a day must be 1 to {longest} minutes apart, got {step}"
        )
        raise TableError(message)
    # Whole steps of the clock: a film of every fifth minute shows 04.25 and not 04.27.
    since = (light - day) / pd.Timedelta(minutes=1)
    moments = light[(np.round(since).astype(np.int64) % step) == 0]
    return pd.DatetimeIndex(moments), step


def draw_frames(
    shooting: Shooting, *, progress: Progress | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Draw one frame after another.

    Parameters
    ----------
    shooting : Shooting
        What is filmed.
    progress : callable, optional
        Told which frame is drawn and what share is done.

    Yields
    ------
    (height, width, 3) uint8
        The picture is that of a still at the same moment, the strip below has the clock.
    """
    told: Progress = progress or (lambda _text, _share: None)
    frame, moments = shooting.frame, shooting.moments
    subject = frame.subject
    suns = [sun_at(when, **subject.place) for when in moments]
    look = LOOKS[frame.style]
    exposure = expose(oblique_painter(subject, frame.camera, suns[0], look))
    exposure = keep_edges(exposure, _typical(suns))
    overlay = _Overlay(frame, exposure, shooting.words)
    strip = _Strip(shooting, suns)
    for k, sun in enumerate(suns):
        told(f"frame {k + 1} of {len(suns)}", k / len(suns))
        picture = np.round(develop(exposure, sun) * 255).astype(np.uint8)
        yield np.concatenate([overlay.cover(picture), strip.draw(sun)])


def _typical(suns: Sequence[Sun]) -> list[Sun]:
    """Suns whose pictures together have most of the edges of a day."""
    return [suns[len(suns) * k // 4] for k in (1, 2, 3)]


class _Overlay:
    """What lies over every picture of a film: north, scale, names."""

    def __init__(self, frame: Frame, exposure: Exposure, words: Words) -> None:
        noon = Sun(azimuth=180.0, elevation=60.0, when=pd.Timestamp("2026-06-21T12:00Z"))
        sheets = [Sheet(frame.size), Sheet(frame.size)]
        shape = (*view_size(frame.size)[::-1], 3)
        # Over black and over white the same marks tell their colour and what they let
        # through; where names stand best is asked of a picture.
        for sheet, ground in zip(sheets, (0.0, 1.0), strict=True):
            sheet.picture(np.full(shape, ground, np.float32), (0, 0))
        draw_over(sheets, frame, words, picture=develop(exposure, noon))
        black, white = (sheet.pixels()[: shape[0]].astype(np.float32) for sheet in sheets)
        self._mask = (white - black < 255).any(axis=2)
        self._through = (white - black)[self._mask] / 255.0
        self._own = black[self._mask]

    def cover(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture with the marks over it."""
        covered = picture.copy()
        mixed = self._own + self._through * picture[self._mask]
        covered[self._mask] = np.round(mixed).astype(np.uint8)
        return covered


class _Strip:
    """The strip below the pictures of a film: titles that stay and a clock that goes."""

    def __init__(self, shooting: Shooting, suns: Sequence[Sun]) -> None:
        frame = shooting.frame
        self._shooting = shooting
        width, height = frame.size
        unit = height / DESIGN_HEIGHT
        above = view_size(frame.size)[1]
        self._size, self._unit = (width, height - above), unit
        # The strip begins within a row of pixels where a unit is not a whole pixel.
        self._top = DESIGN_HEIGHT - STRIP - above / unit
        self._caption = _caption(shooting, suns)

    def draw(self, sun: Sun) -> NDArray[np.uint8]:
        """Return the strip at a moment, (height, width, 3)."""
        frame, words = self._shooting.frame, self._shooting.words
        sheet = Sheet(self._size, unit=self._unit)
        top = self._top
        draw_strip(sheet, self._caption, top=top, columns=NOTES[frame.style])
        if frame.style is Style.DATA:
            left, width = sheet.width * LEGEND[0], LEGEND[1]
            scale = frame.subject.scale
            draw_legend(sheet, scale, left=left, top=top + 36, width=width, words=words)
        x, y = draw_dial(sheet, frame.subject, sun, top=top, words=words)
        clock = clock_words(sun.when, words)
        sheet.text((x - 100, y + 10), clock, face="title", height=52, anchor="rs")
        told = words.sun_height if sun.elevation > -HALF_DEGREE else words.sun_depth
        told = told.format(height=f"{abs(sun.elevation):.0f}")
        sheet.text((x - 100, y + 38), told, height=15, colour=QUIET, anchor="rs")
        return sheet.pixels()


def _caption(shooting: Shooting, suns: Sequence[Sun]) -> Caption:
    """Return what stands below all frames of a film."""
    frame, words = shooting.frame, shooting.words
    when = suns[len(suns) // 2].when
    one, several = words.film
    film = one if shooting.minutes == 1 else several.format(minutes=shooting.minutes)
    notes = f"{frame.subject.model_words(words)} {film}"
    if frame.style is Style.DATA:
        notes = frame.subject.data_words(words, film=True)
    zone = words.clocks.get(when.tzname() or "", when.tzname() or "")
    rise = rise_words(when, words, place=frame.subject.place)
    return make_caption(
        frame,
        words,
        topic=words.film_topics[frame.style],
        moment=with_turning_point(when, day_words(when, words), words),
        sun=f"{rise} ({zone}, {offset_words(when)})",
        notes=notes,
    )


def rise_words(day: pd.Timestamp, words: Words, *, place: dict[str, float]) -> str:
    """Return when the sun rises and sets, as ``sunrise 04:25 · sunset 21:55``.

    Parameters
    ----------
    day : Timestamp
        Any time of the day, aware of its zone.
    words : Words
        The language.
    place : dict
        Latitude and longitude [degrees].
    """
    heights = solar_day(day, **place)
    up = (heights > UPPER_LIMB).to_numpy()
    if up.all():
        return words.never_sets
    if not up.any():
        return words.never_rises
    rises = np.flatnonzero(up[1:] & ~up[:-1]) + 1
    falls = np.flatnonzero(up[:-1] & ~up[1:]) + 1
    minutes = pd.DatetimeIndex(heights.index)
    parts = [words.rise.format(clock=clock_words(when, words)) for when in minutes[rises]]
    parts += [words.sets.format(clock=clock_words(when, words)) for when in minutes[falls]]
    return " · ".join(parts)
