"""Set type and draw fine lines on a picture."""

from functools import cache
from pathlib import Path
from typing import Literal

import matplotlib as mpl
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from gis.files import atomic_path

INK, QUIET, PAPER, LINE = "#1d2730", "#56616b", "#fbf9f5", "#d8d3c8"
"""Text, lesser text (6.1:1 on paper), background of text, hairlines."""

DESIGN_HEIGHT = 1080
"""Lengths on a sheet are pixels of a picture of this height, whatever its own."""

FINE = 2
"""Everything is drawn this many times larger, then averaged: Pillow's lines are jagged."""

FACES = {
    "title": "STIXGeneral.ttf",
    "text": "DejaVuSans.ttf",
    "bold": "DejaVuSans-Bold.ttf",
}
"""Typefaces that come with matplotlib, so that pictures are the same everywhere."""

Face = Literal["title", "text", "bold"]
Float32Array = NDArray[np.float32]


class Sheet:
    """A sheet of paper with pictures, type and lines; lengths as if 1080 units high."""

    def __init__(self, size: tuple[int, int], *, unit: float | None = None) -> None:
        """Take a blank sheet.

        Parameters
        ----------
        size : (int, int)
            Width and height [pixels].
        unit : float, optional
            Pixels in a unit, for a sheet that is a part of another.
        """
        self.size = size
        self.unit = size[1] / DESIGN_HEIGHT if unit is None else unit
        self.width = size[0] / self.unit
        self._canvas = Image.new("RGB", (size[0] * FINE, size[1] * FINE), PAPER)
        self._draw = ImageDraw.Draw(self._canvas, "RGBA")
        self._scale = self.unit * FINE

    def picture(self, pixels: Float32Array, corner: tuple[int, int]) -> None:
        """Place a picture; its pixels come out unchanged.

        Parameters
        ----------
        pixels : (h, w, 3) float32
            sRGB 0..1.
        corner : (int, int)
            Left and top edge in pixels, not in units.
        """
        image = Image.fromarray(np.round(pixels * 255).astype(np.uint8))
        large = image.resize(
            (image.width * FINE, image.height * FINE), Image.Resampling.NEAREST
        )
        self._canvas.paste(large, (corner[0] * FINE, corner[1] * FINE))

    def text(
        self,
        place: tuple[float, float],
        words: str,
        *,
        face: Face = "text",
        height: float = 15.0,
        colour: str = INK,
        anchor: str = "ls",
        halo: float = 0.0,
    ) -> None:
        """Set one line of type.

        Parameters
        ----------
        place : (float, float)
            Where the anchor lies [units].
        words : str
            The text.
        height : float
            Type size [units].
        anchor : str
            Pillow's anchor: ``l``, ``m`` or ``r`` and ``s`` (baseline), ``m`` or ``t``.
        halo : float
            Width of a rim in paper colour [units].
        """
        self._draw.text(
            self._at(place),
            words,
            font=self._font(face, height),
            fill=colour,
            anchor=anchor,
            stroke_width=round(halo * self._scale),
            stroke_fill=PAPER if halo else None,
        )

    def measure(self, words: str, *, face: Face = "text", height: float = 15.0) -> float:
        """Return the width of a line of type [units]."""
        return float(self._font(face, height).getlength(words)) / self._scale

    def paragraph(
        self,
        place: tuple[float, float],
        words: str,
        *,
        width: float,
        face: Face = "text",
        height: float = 15.0,
        colour: str = INK,
        leading: float = 1.45,
    ) -> float:
        """Set type in lines of at most ``width`` and return the next baseline [units]."""
        x, y = place
        for line in self.wrap(words, width=width, face=face, height=height):
            self.text((x, y), line, face=face, height=height, colour=colour)
            y += height * leading
        return y

    def wrap(
        self, words: str, *, width: float, face: Face = "text", height: float = 15.0
    ) -> list[str]:
        """Break words into lines of at most ``width`` units; a longer word stands alone."""
        lines: list[str] = []
        for word in words.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.measure(longer, face=face, height=height) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def line(self, points: ArrayLike, *, colour: str = INK, width: float = 1.0) -> None:
        """Draw a polyline through (n, 2) points [units]."""
        places = [self._at(point) for point in np.asarray(points, np.float64).tolist()]
        self._draw.line(
            places, fill=colour, width=max(1, round(width * self._scale)), joint="curve"
        )

    def polygon(self, points: ArrayLike, *, colour: str) -> None:
        """Fill a polygon with (n, 2) corners [units]; the colour may have an opacity."""
        places = [self._at(point) for point in np.asarray(points, np.float64).tolist()]
        self._draw.polygon(places, fill=colour)

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        *,
        colour: str | None = None,
        outline: str | None = None,
        radius: float = 0.0,
    ) -> None:
        """Draw a rectangle [units], its corners rounded by ``radius``."""
        self._draw.rounded_rectangle(
            (*self._at((left, top)), *self._at((right, bottom))),
            radius=radius * self._scale,
            fill=colour,
            outline=outline,
            width=max(1, round(self._scale)),
        )

    def strip(
        self, colours: Float32Array, left: float, top: float, right: float, bottom: float
    ) -> None:
        """Fill a rectangle [units] with (n, 3) sRGB colours from left to right."""
        (x0, y0), (x1, y1) = self._at((left, top)), self._at((right, bottom))
        # Whole pixels of the finished picture, so that averaging leaves the colours alone.
        x0, y0, x1, y1 = (round(k / FINE) * FINE for k in (x0, y0, x1, y1))
        columns = np.arange((x1 - x0) // FINE)
        picked = np.round((columns + 0.5) / len(columns) * len(colours) - 0.5).astype(int)
        row = np.round(np.repeat(colours[picked], FINE, axis=0) * 255).astype(np.uint8)
        self._canvas.paste(Image.fromarray(np.tile(row, (y1 - y0, 1, 1))), (x0, y0))

    def pixels(self) -> NDArray[np.uint8]:
        """Return the finished picture, (height, width, 3) uint8 sRGB."""
        return np.asarray(self._canvas.reduce(FINE))

    def save(self, path: Path) -> Path:
        """Write a PNG without date and return its path; same sheet, same bytes."""
        with atomic_path(path) as temporary:
            self._canvas.reduce(FINE).save(temporary, format="PNG", compress_level=6)
        return path

    def _at(self, place: tuple[float, float] | list[float]) -> tuple[float, float]:
        """Return the canvas coordinates of a place in units."""
        return place[0] * self._scale, place[1] * self._scale

    def _font(self, face: Face, height: float) -> ImageFont.FreeTypeFont:
        """Return a typeface at a height in units."""
        return _load_font(face, max(1, round(height * self._scale)))


@cache
def _load_font(face: Face, height: int) -> ImageFont.FreeTypeFont:
    """Load a typeface once per size [canvas pixels]."""
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / FACES[face]
    # Pillow's own layout: the optional one depends on what a machine has installed.
    return ImageFont.truetype(str(path), height, layout_engine=ImageFont.Layout.BASIC)
