"""Draw roofs that were fitted beside the samples they were fitted to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from meshes.polygons import FloatArray
from meshes.render.fits_colours import DistanceScale, draw_distance_legend
from meshes.render.fits_views import (
    Body,
    Section,
    Seen,
    from_above,
    oblique,
    section_across,
)
from meshes.render.sheet import DESIGN_HEIGHT, INK, LINE, PAPER, QUIET, Sheet
from meshes.solids import Kind

SIZE = (1920, 1080)
COLUMNS, ROWS = 2, 3
PER_SHEET = COLUMNS * ROWS

MARGIN, HEAD, FOOT, GUTTER = 40.0, 106.0, 40.0, 36.0
"""Frame of a sheet, and the gap between its columns [units]."""

TITLE, WORDS, LEADING = 26.0, 12.5, 17.0
"""Height of a card's title line, type size and line feed of its caption [units]."""

SHARES = (0.33, 0.24, 0.43)
"""Widths of a card's three pictures: oblique, plan, section."""

DOT = 1.5
"""Radius of a sample [units]."""

ROOF, WALL, EDGE, CUT = "#ece7db", "#d3ccbc", "#6b6459", "#1d2730"
LIGHT = np.array([-0.35, -0.45, 0.82])
"""Where the light comes from in the oblique view: the south-west, half high."""

STRETCH = (1, 2, 5, 10)
"""How much higher than wide a section may be drawn, so that flat roofs can be read."""

ROOM_BELOW, ROOM_ABOVE = 1.2, 0.8
"""What a section shows below the eaves and above the highest sample [m]."""

STEPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Round distances for ticks and scale bars [m]."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class FitCard:
    """A building of a sheet.

    Attributes
    ----------
    title, aside : str
        Its name, and what stands at the other end of the line.
    caption : tuple of str
        Lines below the pictures, at most three are shown.
    body : Body
        The building with its samples.
    """

    title: str
    aside: str
    caption: tuple[str, ...]
    body: Body


def write_fit_sheets(
    folder: Path,
    cards: Sequence[FitCard],
    *,
    title: str,
    notes: str,
    credit: str,
    tag: str = "",
    heights: str = "m RH2000",
) -> list[Path]:
    """Write sheets of buildings, each from aslant, from above, cut through.

    Parameters
    ----------
    folder : Path
        Existing folder.
    cards : sequence of FitCard
        Buildings in the order in which they are shown.
    title, notes, credit : str
        Of what place, what is seen, on whose data.
    tag : str
        A warning, such as "SIMULATED", "" for none.
    heights : str
        Unit and system of the heights.

    Returns
    -------
    list of Path
        ``fits_1.png`` and so on. Same input, same bytes.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    pages = [cards[k : k + PER_SHEET] for k in range(0, len(cards), PER_SHEET)]
    written = []
    for number, page in enumerate(pages, start=1):
        sheet = draw_fit_sheet(
            page,
            title=title,
            notes=notes,
            credit=credit,
            tag=tag,
            heights=heights,
            page=f"{number} / {len(pages)}",
        )
        written.append(sheet.save(folder / f"fits_{number}.png"))
    return written


def draw_fit_sheet(
    cards: Sequence[FitCard],
    *,
    title: str,
    notes: str,
    credit: str,
    tag: str = "",
    heights: str = "m RH2000",
    page: str = "",
) -> Sheet:
    """Draw one sheet of at most `PER_SHEET` buildings.

    Parameters are those of `write_fit_sheets`; ``page`` is the number in the corner.
    """
    # One building alone is drawn large; a last sheet ends below its last row.
    columns = min(len(cards), COLUMNS)
    rows = min(-(-len(cards) // columns), ROWS)
    high = (DESIGN_HEIGHT - HEAD - FOOT) / ROWS * (2 if columns == 1 else 1)
    bottom = HEAD + rows * high + FOOT
    sheet, scale = Sheet((SIZE[0], round(bottom)), unit=1.0), DistanceScale()
    right = sheet.width - MARGIN
    legend = 460.0
    sheet.text((MARGIN, 50), title, face="title", height=34)
    end = MARGIN + sheet.measure(title, face="title", height=34)
    if tag:
        wide = sheet.measure(tag, face="bold", height=15)
        sheet.box(end + 20, 28, end + 36 + wide, 54, colour="#8f1d14", radius=4)
        sheet.text((end + 28, 47), tag, face="bold", height=15, colour=PAPER)
    sheet.paragraph(
        (MARGIN, 76),
        notes,
        width=right - legend - 60 - MARGIN,
        height=13.5,
        colour=QUIET,
        leading=1.3,
    )
    draw_distance_legend(sheet, scale, left=right - legend, top=26, width=legend)
    sheet.line([(MARGIN, HEAD), (right, HEAD)], colour=LINE)
    wide = (right - MARGIN - (columns - 1) * GUTTER) / columns
    for place, card in enumerate(cards[:PER_SHEET]):
        row, column = divmod(place, columns)
        left, top = MARGIN + column * (wide + GUTTER), HEAD + row * high
        _draw_card(sheet, card, scale, (left, top + 8, left + wide, top + high), heights)
    sheet.text((MARGIN, bottom - 14), credit, height=12, colour=QUIET)
    sheet.text((right, bottom - 14), page, height=12, colour=QUIET, anchor="rs")
    return sheet


def _draw_card(
    sheet: Sheet, card: FitCard, scale: DistanceScale, box: Box, heights: str
) -> None:
    """Draw one building in a frame."""
    left, top, right, bottom = box
    sheet.text((left, top + 17), card.title, face="bold", height=15.5)
    sheet.text((right, top + 17), card.aside, height=13, colour=QUIET, anchor="rs")
    below = bottom - 10 - LEADING * 3
    edges = left + np.cumsum([0.0, *SHARES]) * (right - left)
    frames: list[Box] = [
        (a + 4, top + TITLE + 4, b - 12, below - 6)
        for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    body, section = card.body, section_across(card.body)
    colours = scale.hex(body.off)
    _draw_oblique(sheet, body, oblique(body), colours, frames[0])
    _draw_plan(sheet, body, from_above(body), section, colours, frames[1])
    _draw_section(sheet, body, section, colours, frames[2], heights)
    y = below + LEADING - 3
    lines = [
        line
        for told in card.caption
        for line in sheet.wrap(told, width=right - left, height=WORDS)
    ]
    for line in lines[:3]:
        sheet.text((left, y), line, height=WORDS)
        y += LEADING
    sheet.line([(left, bottom - 4), (right, bottom - 4)], colour=LINE)


@dataclass(frozen=True)
class _Fit:
    """Metres on the sheet: x to the right, y up."""

    scale: float
    stretch: float
    left: float
    bottom: float

    def __call__(self, places: FloatArray) -> FloatArray:
        """Return places [m] as units of the sheet, (n, 2)."""
        across = self.left + places[:, 0] * self.scale
        up = self.bottom - places[:, 1] * self.scale * self.stretch
        return np.column_stack([across, up])


def _fit(low: FloatArray, high: FloatArray, box: Box, *, stretch: float = 1.0) -> _Fit:
    """Lay an extent of metres into the middle of a frame."""
    left, top, right, bottom = box
    size = np.maximum(high - low, 1e-3)
    scale = float(min((right - left) / size[0], (bottom - top) / (size[1] * stretch)))
    x = (left + right) / 2 - scale * (low[0] + high[0]) / 2
    y = (top + bottom) / 2 + scale * stretch * (low[1] + high[1]) / 2
    return _Fit(scale, stretch, float(x), float(y))


def _extent(seen: Seen) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest places of a view, strays apart."""
    corners = np.concatenate([ring for rings in seen.outlines for ring in rings])
    low, high = corners.min(axis=0), corners.max(axis=0)
    if len(seen.samples):
        low = np.minimum(low, np.quantile(seen.samples, 0.002, axis=0))
        high = np.maximum(high, np.quantile(seen.samples, 0.998, axis=0))
    return low, high


def _draw_oblique(
    sheet: Sheet, body: Body, seen: Seen, colours: list[str], box: Box
) -> None:
    """Draw the body with its samples on the roofs."""
    lay = _fit(*_extent(seen), box)
    for face, rings in zip(seen.faces, seen.outlines, strict=True):
        roof = body.kind[face] == Kind.ROOF
        light = float(np.clip(body.faces.normal[face] @ LIGHT, 0.0, 1.0))
        _fill(sheet, lay, rings, _shaded(ROOF if roof else WALL, 0.72 + 0.28 * light))
        for ring in rings:
            sheet.line(lay(np.vstack([ring, ring[:1]])), colour=EDGE, width=0.8)
        own = np.flatnonzero(body.face == face)
        _draw_samples(sheet, lay(seen.samples[own]), body.off[own], colours, own)


def _draw_plan(
    sheet: Sheet,
    body: Body,
    seen: Seen,
    section: Section,
    colours: list[str],
    box: Box,
) -> None:
    """Draw all samples from above, the cut, north and a scale."""
    left, top, right, bottom = box
    lay = _fit(*_extent(seen), (left + 12, top + 18, right - 12, bottom - 40))
    for rings in seen.outlines:
        _fill(sheet, lay, rings, ROOF)
    for rings in seen.outlines:
        for ring in rings:
            sheet.line(lay(np.vstack([ring, ring[:1]])), colour=EDGE, width=0.8)
    every = np.arange(len(body.off))
    _draw_samples(sheet, lay(seen.samples), body.off, colours, every)
    ends = lay(np.stack([section.start, section.end]))
    _draw_cut(sheet, ends)
    most = (right - left) * 0.4 / lay.scale
    length = max((k for k in STEPS if k <= most), default=STEPS[0])
    base = bottom - 4
    sheet.line([(left, base), (left + length * lay.scale, base)], width=2.0)
    sheet.text((left + length * lay.scale + 6, base + 4), f"{length:g} m", height=11.5)
    sheet.line([(right - 8, base), (right - 8, base - 20)], width=1.4)
    arrow = [(right - 8, base - 24), (right - 12, base - 14), (right - 4, base - 14)]
    sheet.polygon(arrow, colour=INK)
    sheet.text((right - 16, base), "N", face="bold", height=11.5, anchor="rs")


def _draw_cut(sheet: Sheet, ends: FloatArray) -> None:
    """Draw where the section runs, with A and B at its ends."""
    way = ends[1] - ends[0]
    length = float(np.hypot(*way))
    step = way / max(length, 1e-6)
    for start in np.arange(-6.0, length + 6.0, 9.0):
        dash = [ends[0] + start * step, ends[0] + min(start + 5, length + 6) * step]
        sheet.line(dash, colour=CUT, width=1.3)
    for spot, name, out in ((ends[0], "A", -13.0), (ends[1], "B", 13.0)):
        x, y = (spot + out * step).tolist()
        sheet.text((x, y), name, face="bold", height=12, anchor="mm", halo=2)


def _draw_section(
    sheet: Sheet,
    body: Body,
    section: Section,
    colours: list[str],
    box: Box,
    heights: str,
) -> None:
    """Draw the cut through walls and roofs with the samples beside it."""
    left, top, right, bottom = box
    frame = (left + 46, top + 18, right - 4, bottom - 20)
    lowest, highest = body.levels
    near = section.samples[section.shown]
    if len(near):
        highest = max(highest, float(np.quantile(near[:, 1], 0.995)))
        lowest = min(lowest, float(np.quantile(near[:, 1], 0.005)))
    length = float(np.hypot(*(section.end - section.start)))
    low = np.array([-0.02 * length, lowest - ROOM_BELOW])
    high = np.array([1.02 * length, highest + ROOM_ABOVE])
    wide = (frame[2] - frame[0]) / (high[0] - low[0])
    tall = (frame[3] - frame[1]) / (high[1] - low[1])
    stretch = max(k for k in STRETCH if k == 1 or k * wide <= tall)
    lay = _fit(low, high, frame, stretch=stretch)
    y0, y1 = lay(np.stack([low, high]))[:, 1].tolist()
    x0, x1 = frame[0], frame[2]
    step = next((k for k in STEPS if (high[1] - low[1]) / k <= 5), STEPS[-1])
    for k in range(math.ceil(low[1] / step), math.floor(high[1] / step) + 1):
        y = float(lay(np.array([[0.0, k * step]]))[0, 1])
        sheet.line([(x0, y), (x1, y)], colour=LINE, width=0.8)
        sheet.text((x0 - 6, y + 4), f"{k * step:g}", height=11.5, colour=QUIET, anchor="rs")
    floor = low[1]
    for line in section.wall:
        upright = np.column_stack([line[:, 0], np.maximum(line[:, 1], floor)])
        if np.ptp(upright[:, 1]) > 0:
            sheet.line(lay(upright), colour=CUT, width=1.1)
    for line in section.roof:
        sheet.line(lay(line), colour=CUT, width=1.6)
    own = np.flatnonzero(section.shown)
    _draw_samples(
        sheet, lay(section.samples[own]), body.off[own], colours, own, radius=DOT + 0.3
    )
    for way, name in ((0.0, "A"), (length, "B")):
        x = float(lay(np.array([[way, low[1]]]))[0, 0])
        sheet.text((x, y0 + 14), name, face="bold", height=12, anchor="ms")
    sheet.text((left + 6, y1 - 8), heights, height=11.5, colour=QUIET)
    told = f"samples within {section.half:g} m of the cut"
    if stretch > 1:
        told = f"{told}, heights ×{stretch}"
    sheet.text((x1, y1 - 8), told, height=11.5, colour=QUIET, anchor="rs")
    sheet.line([(x0, y0), (x1, y0)], colour=LINE)
    sheet.line([(x0, y1), (x0, y0)], colour=LINE)


def _draw_samples(
    sheet: Sheet,
    places: FloatArray,
    off: FloatArray,
    colours: list[str],
    own: np.ndarray[tuple[int], np.dtype[np.intp]],
    *,
    radius: float = DOT,
) -> None:
    """Draw samples as dots, those farthest off on top."""
    for k in np.argsort(np.abs(off), kind="stable").tolist():
        x, y = places[k].tolist()
        box = (x - radius, y - radius, x + radius, y + radius)
        sheet.box(*box, colour=colours[own[k]], radius=radius)


def _fill(sheet: Sheet, lay: _Fit, rings: list[FloatArray], colour: str) -> None:
    """Fill a face; one with holes in pieces without."""
    if len(rings) == 1:
        sheet.polygon(lay(rings[0]), colour=colour)
        return
    shape = shapely.Polygon(rings[0], rings[1:])
    pieces = shapely.get_parts(shapely.constrained_delaunay_triangles(shape))
    for piece in pieces:
        sheet.polygon(lay(shapely.get_coordinates(piece)[:-1]), colour=colour)


def _shaded(colour: str, share: float) -> str:
    """Darken ``#rrggbb``."""
    return "#" + "".join(
        f"{round(int(colour[k : k + 2], 16) * min(share, 1.0)):02x}" for k in (1, 3, 5)
    )
