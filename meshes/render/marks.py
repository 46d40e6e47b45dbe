"""Draw legend, north arrow, scale bar, place names on a sheet."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.render.camera import Camera
from meshes.render.colours import IrradiationScale
from meshes.render.sheet import INK, LINE, PAPER, QUIET, Sheet
from meshes.render.sunlight import Sun
from meshes.render.words import ENGLISH, Words, number_words

FloatArray = NDArray[np.float64]
Box = tuple[float, float, float, float]

ROUND_LENGTHS = (1.0, 2.0, 5.0)
SUN_COLOUR = "#e8902b"

RANK_COST = 0.04
"""A label moves to its next place rather than cover 4 % more of the data."""

LABEL_FADED = PAPER + "e6"
"""Background of labels: 90 % paper, 10:1 for ink even over black."""


@dataclass(frozen=True)
class Window:
    """The part of a sheet that shows a camera's picture.

    Attributes
    ----------
    camera : Camera
        What the picture was taken with.
    left, top : float
        Where the picture's corner lies on the sheet [units].
    unit : float
        Pixels in a unit.
    """

    camera: Camera
    left: float
    top: float
    unit: float

    @property
    def box(self) -> Box:
        """Left, top, right, bottom on the sheet [units]."""
        width, height = self.camera.size
        return (
            self.left,
            self.top,
            self.left + width / self.unit,
            self.top + height / self.unit,
        )

    def place(self, points: FloatArray) -> FloatArray:
        """Return where (n, 3) points [m, local] lie on the sheet, (n, 2) [units]."""
        pixels, _ = self.camera.project(points)
        places: FloatArray = pixels / self.unit + np.array([self.left, self.top])
        return places

    def ground(self, place: tuple[float, float], *, level: float) -> FloatArray:
        """Return the point at a height [m, local] that is seen at a place [units]."""
        x, y = (place[0] - self.left) * self.unit, (place[1] - self.top) * self.unit
        return self.camera.ground_point(x, y, level=level)


def draw_legend(
    sheet: Sheet,
    scale: IrradiationScale,
    *,
    left: float,
    top: float,
    width: float,
    words: Words = ENGLISH,
) -> None:
    """Draw the colours of irradiation with title, ticks and unit.

    Parameters
    ----------
    sheet : Sheet
        Where to draw.
    scale : IrradiationScale
        What to explain.
    left, top, width : float
        Frame [units]; the legend is 62 units high.
    words : Words
        The language.
    """
    sheet.text((left, top + 12), words.legend, face="bold", height=15)
    right = left + width
    sheet.text((right, top + 12), words.unit, height=15, colour=QUIET, anchor="rs")
    bar = top + 22
    sheet.strip(scale.srgb(np.linspace(0, scale.top, 256)), left, bar, right, bar + 16)
    for tick in scale.ticks:
        x = left + width * tick / scale.top
        sheet.line([(x, bar + 16), (x, bar + 21)], colour=QUIET)
        anchor = "ls" if tick == 0 else "rs" if tick == scale.top else "ms"
        name = number_words(tick, words)
        sheet.text((x, bar + 38), name, height=14, colour=INK, anchor=anchor)


def north_needle(
    window: Window, place: tuple[float, float], *, level: float, radius: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lay a compass on the ground as the camera sees it.

    Parameters
    ----------
    window : Window
        The picture.
    place : (float, float)
        Middle of the compass [units].
    level : float
        Height of the ground there [m, local].
    radius : float
        Radius as it appears along the picture's rows [units].

    Returns
    -------
    ring : (n, 2) float
        The circle [units].
    needle : (4, 2) float
        Tip in the north, east corner, tail, west corner [units].
    name : (1, 2) float
        Where the N stands [units].
    """
    middle = window.ground(place, level=level)
    side = window.place(np.stack([middle, middle + window.camera.right]))
    reach = radius / float(np.hypot(*(side[1] - side[0])))
    turn = np.linspace(0, 2 * np.pi, 97)
    ring = np.c_[np.sin(turn), np.cos(turn), np.zeros_like(turn)]
    needle = np.array([(0, 0.86, 0), (0.26, -0.5, 0), (0, -0.28, 0), (-0.26, -0.5, 0)])
    name = np.array([(0, 1.42, 0)])
    outlines = [window.place(middle + reach * shape) for shape in (ring, needle, name)]
    return outlines[0], outlines[1], outlines[2]


def draw_north(
    sheet: Sheet, window: Window, place: tuple[float, float], *, level: float, radius: float
) -> None:
    """Draw the compass of `north_needle`."""
    ring, needle, name = north_needle(window, place, level=level, radius=radius)
    sheet.line(ring, colour=INK, width=1.2)
    sheet.polygon(needle, colour=INK)
    sheet.polygon(needle[[0, 2, 3]], colour=PAPER)
    sheet.line(needle[[0, 1, 2, 3, 0]], colour=INK, width=1.0)
    sheet.text(
        (float(name[0, 0]), float(name[0, 1])),
        "N",
        face="bold",
        height=16,
        anchor="mm",
        halo=2,
    )


def bar_length(window: Window, *, widest: float, level: float) -> tuple[float, float]:
    """Return a round length [m] and how long it appears in the middle of the picture.

    Parameters
    ----------
    window : Window
        The picture.
    widest : float
        Longest bar wanted [units].
    level : float
        Height of the ground [m, local].

    Returns
    -------
    length, width : float
        Metres, and units along the picture's rows.
    """
    left, top, right, bottom = window.box
    middle = window.ground(((left + right) / 2, (top + bottom) / 2), level=level)
    ends = window.place(np.stack([middle, middle + window.camera.right]))
    metre = float(np.hypot(*(ends[1] - ends[0])))
    most = widest / metre
    power = 10.0 ** math.floor(math.log10(most))
    length = max(k * power for k in ROUND_LENGTHS if k * power <= most)
    return length, length * metre


def draw_scale(
    sheet: Sheet, left: float, base: float, *, length: float, width: float, note: str = ""
) -> None:
    """Draw a scale bar of two halves.

    Parameters
    ----------
    sheet : Sheet
        Where to draw.
    left, base : float
        Left end and lower edge of the bar [units].
    length, width : float
        What it stands for [m] and how long it is [units], see `bar_length`.
    note : str
        Where the scale holds.
    """
    middle, right, top = left + width / 2, left + width, base - 7
    sheet.box(left - 1.5, top - 1.5, right + 1.5, base + 1.5, colour=PAPER)
    sheet.box(left, top, right, base, outline=INK)
    sheet.box(left, top, middle, base, colour=INK)
    names = ((left, "0"), (middle, f"{length / 2:g}"), (right, f"{length:g} m"))
    for x, name in names:
        sheet.text((x, top - 7), name, height=14, anchor="ms", halo=2)
    if note:
        sheet.text((left, base + 20), note, height=14, halo=2)


@dataclass(frozen=True)
class Label:
    """A name to be placed.

    Attributes
    ----------
    name : str
        Text.
    anchor : (float, float)
        What it names [units].
    is_main : bool
        Main names are set bold and always placed; others only where there is room.
    """

    name: str
    anchor: tuple[float, float]
    is_main: bool


def place_labels(
    labels: Sequence[Label],
    widths: Sequence[float],
    frame: Box,
    *,
    offsets: Sequence[tuple[float, float]],
    height: float,
    taken: Sequence[Box] = (),
    room: float = 0.0,
    rank_cost: float = RANK_COST,
    cost: Callable[[Box], float] = lambda _: 0.0,
) -> list[tuple[Label, Box]]:
    """Find places where names cover neither each other nor what they name.

    Parameters
    ----------
    labels : sequence of Label
        Main names first; earlier ones have the choice.
    widths : sequence of float
        Widths of the names [units].
    frame : Box
        Names stay within it [units].
    offsets : sequence of (float, float)
        Wanted places of a label's middle relative to its anchor, best first, in
        multiples of half its width and of ``height``.
    height : float
        Height of a label [units].
    taken : sequence of Box
        Places that must stay free [units].
    room : float
        Free space that names other than main ones keep around them [units].
    rank_cost : float
        What a step down in ``offsets`` costs.
    cost : callable
        What it costs to cover a box, 0..1.

    Returns
    -------
    list of (Label, Box)
        Labels that found a place, and their boxes. A main label that finds none takes
        the best one.
    """
    boxes = list(taken)
    dots = [_around(label.anchor, 12.0, 12.0) for label in labels if label.is_main]
    placed: list[tuple[Label, Box]] = []
    for label, width in zip(labels, widths, strict=True):
        x, y = label.anchor
        if not (frame[0] < x < frame[2] and frame[1] < y < frame[3]):
            continue
        wanted = [
            _around((x + dx * width / 2, y + dy * height), width, height)
            for dx, dy in offsets
        ]
        inside = [box for box in wanted if _is_within(box, frame)]
        own = _around(label.anchor, 12.0, 12.0)
        if not label.is_main and any(_overlap(own, box) for box in boxes):
            continue
        others = [*boxes, *(dot for dot in dots if dot != own)]
        space = 0.0 if label.is_main else room
        free = [
            box
            for box in inside
            if not any(_overlap(_grown(box, space), k) for k in others)
        ]
        if not free and not (label.is_main and inside):
            continue
        costs = [cost(box) + rank_cost * rank for rank, box in enumerate(free or inside)]
        box = (free or inside)[int(np.argmin(costs))]
        boxes += [box, own]
        placed.append((label, box))
    return placed


def _around(middle: tuple[float, float], width: float, height: float) -> Box:
    """Box about a middle."""
    x, y = middle
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _grown(box: Box, by: float) -> Box:
    """Box grown on all sides."""
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _is_within(box: Box, frame: Box) -> bool:
    """Whether a box lies in a frame."""
    return (
        box[0] >= frame[0]
        and box[1] >= frame[1]
        and box[2] <= frame[2]
        and box[3] <= frame[3]
    )


def _overlap(one: Box, other: Box) -> bool:
    """Whether two boxes share ground."""
    return (
        one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    )


def draw_labels(sheet: Sheet, placed: Sequence[tuple[Label, Box]]) -> None:
    """Draw names on small plates with lines to what they name."""
    for label, box in placed:
        x, y = label.anchor
        end = (min(max(x, box[0] + 6), box[2] - 6), min(max(y, box[1]), box[3]))
        sheet.line([(x, y), end], colour=PAPER, width=3.4)
        sheet.line([(x, y), end], colour=INK, width=1.3)
    for label, box in placed:
        x, y = label.anchor
        size = 4.6 if label.is_main else 3.2
        sheet.box(
            x - size - 1.6,
            y - size - 1.6,
            x + size + 1.6,
            y + size + 1.6,
            colour=PAPER,
            radius=size + 1.6,
        )
        sheet.box(x - size, y - size, x + size, y + size, colour=INK, radius=size)
        sheet.box(*box, colour=LABEL_FADED, radius=4)
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        if label.is_main:
            sheet.text(middle, label.name, face="bold", height=15, anchor="mm")
        else:
            sheet.text(middle, label.name, height=13, colour=INK, anchor="mm")


def draw_sun_path(
    sheet: Sheet,
    middle: tuple[float, float],
    radius: float,
    *,
    path: FloatArray,
    sun: Sun,
    letters: tuple[str, str, str, str] = ENGLISH.compass_letters,
) -> None:
    """Draw the sun's way over the sky on one day, seen from below with north up.

    Parameters
    ----------
    sheet : Sheet
        Where to draw.
    middle, radius : (float, float), float
        The horizon's circle [units]; its middle is the zenith.
    path : (n, 2) float
        Azimuth and elevation [degrees] above the horizon.
    sun : Sun
        Drawn as a disc, if it is up.
    letters : (str, str, str, str)
        For north, east, south, west.
    """
    x, y = middle
    for height, colour in ((0.0, INK), (30.0, LINE), (60.0, LINE)):
        ring = dome_place(np.linspace(0, 360, 97), np.full(97, height))
        sheet.line(ring * radius + np.array(middle), colour=colour, width=1.2)
    if len(path):
        sheet.line(
            dome_place(path[:, 0], path[:, 1]) * radius + np.array(middle),
            colour=SUN_COLOUR,
            width=2.6,
        )
    if sun.is_up:
        place = dome_place(np.array([sun.azimuth]), np.array([sun.elevation]))[0]
        u, v = (place * radius + np.array(middle)).tolist()
        sheet.line([(x, y), (u, v)], colour=INK, width=1.2)
        sheet.box(u - 8, v - 8, u + 8, v + 8, colour=SUN_COLOUR, outline=INK, radius=8)
    sides = ((0, -1), (1, 0), (0, 1), (-1, 0))
    for name, (across, down) in zip(letters, sides, strict=True):
        place = (x + across * (radius + 13), y + down * (radius + 13))
        sheet.text(place, name, face="bold", height=13, colour=QUIET, anchor="mm")


def dome_place(azimuth: FloatArray, elevation: FloatArray) -> FloatArray:
    """Return places on a map of the sky, (n, 2): right and down, 1 at the horizon."""
    turn, away = np.radians(azimuth), 1 - elevation / 90
    places: FloatArray = np.c_[np.sin(turn) * away, -np.cos(turn) * away]
    return places
