"""Write names beside places so that no name covers another."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import shapely
from matplotlib.transforms import Bbox

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from numpy.typing import NDArray

DISTANCES = (9.0, 24.0, 40.0, 60.0, 85.0, 115.0)
"""Distances of a name from its place that are tried [points]."""

DIRECTIONS = (0, 180, 30, 150, 330, 210, 60, 120, 300, 240, 90, 270)
"""Directions that are tried at each distance [degrees counter-clockwise from the right]."""

MARK = 7.0
"""Half the width of a mark, which no name may cover [points]."""

COST_AWAY = 0.003
"""Share of a name that may be in the way before it moves a point farther off."""

ROOM = 2.0
"""Least gap between two names [points]."""


@dataclass(frozen=True)
class Spot:
    """Where a name may stand.

    Attributes
    ----------
    offset : (float, float)
        Of its anchor from the place, right and up [points].
    anchor : (str, str)
        Side of the text at the anchor, as matplotlib's ``ha`` and ``va``.
    near : bool
        Whether it needs no line.
    """

    offset: tuple[float, float]
    anchor: tuple[str, str]
    near: bool

    def box(self, place: tuple[float, float], size: tuple[float, float]) -> Bbox:
        """Return the box of a text of a size beside a place [points]."""
        left = {"left": 0.0, "center": -0.5, "right": -1.0}[self.anchor[0]]
        low = {"bottom": 0.0, "center": -0.5, "top": -1.0}[self.anchor[1]]
        x = place[0] + self.offset[0] + left * size[0]
        y = place[1] + self.offset[1] + low * size[1]
        return Bbox.from_bounds(x, y, *size)

    def line(self, place: tuple[float, float]) -> shapely.LineString:
        """Return the line from a place to its name, empty if the name is near [points]."""
        end = place[0] + self.offset[0], place[1] + self.offset[1]
        return shapely.LineString() if self.near else shapely.LineString([place, end])


@dataclass(frozen=True)
class _Way:
    """What can be in the way of a name: marks, names, lines, buildings, the edge."""

    taken: tuple[Bbox, ...]
    lines: tuple[shapely.LineString, ...]
    spare: shapely.Geometry
    frame: Bbox

    def cost(
        self, spot: Spot, place: tuple[float, float], size: tuple[float, float]
    ) -> float:
        """Tell how bad a position is.

        Names, lines and the edge count most, then what should be spared; a name that
        stands farther off must be worth its line.
        """
        box = spot.box(place, size).padded(ROOM)
        area = box.width * box.height
        shape = shapely.box(*box.extents)
        line = spot.line(place)
        names = sum(shared_area(box, other) for other in self.taken)
        outside = area - shared_area(box, self.frame)
        hidden = float(shapely.area(shapely.intersection(self.spare, shape)))
        # The place's own mark does not count.
        boxes = [shapely.box(*other.extents) for other in self.taken]
        others = [other for other in boxes if not other.contains(shapely.Point(place))]
        crossed = int(shapely.intersects(line, [*others, *self.lines]).sum())
        crossed += int(shapely.intersects(shape, list(self.lines)).sum())
        away = math.hypot(*spot.offset) - DISTANCES[0]
        covered = (100 * (names + outside) + hidden) / area
        return covered + crossed + away * COST_AWAY


def place_labels(
    ax: "Axes",
    places: "NDArray[np.float64]",
    names: Sequence[str],
    *,
    spare: shapely.Geometry,
    colour: str,
    halo: list[Any],
) -> "list[Annotation]":
    """Write names, each at the nearest free position beside its place.

    Parameters
    ----------
    ax : Axes
        Limits, aspect and all else must be final.
    places : (n, 2) float
        In the units of the axes.
    names : sequence of str
        What to write; may have several lines.
    spare : Geometry
        What names should rather not cover, in the units of the axes.
    colour : str
        Of the text and of the line to it.
    halo : list
        Path effects of the text.

    Returns
    -------
    list of Annotation
        In the same order.
    """
    figure = ax.get_figure(root=True)
    if figure is None:
        return []
    # The layout moves and scales the axes; names are placed where they will stand.
    figure.draw_without_rendering()
    points = 72.0 / figure.dpi
    spots = [(float(x), float(y)) for x, y in ax.transData.transform(places) * points]
    frame = Bbox(ax.get_window_extent().get_points() * points)
    taken = [Bbox.from_bounds(x - MARK, y - MARK, 2 * MARK, 2 * MARK) for x, y in spots]
    covered = shapely.transform(spare, lambda xy: ax.transData.transform(xy) * points)
    notes: list[Annotation] = []
    lines: list[shapely.LineString] = []
    style: dict[str, Any] = {
        "fontsize": 10, "fontweight": "bold", "linespacing": 1.05, "color": colour,
        "path_effects": halo,
    }  # fmt: skip
    for name, place, spot in zip(names, places, spots, strict=True):
        probe = ax.text(float(place[0]), float(place[1]), name, **style)
        extent = probe.get_window_extent()
        probe.remove()
        size = extent.width * points, extent.height * points
        way = _Way(tuple(taken), tuple(lines), covered, frame)
        best = min(_spots(), key=lambda one: way.cost(one, spot, size))
        taken.append(best.box(spot, size).padded(ROOM))
        lines.append(best.line(spot))
        notes.append(_write(ax, name, place, best, style))
    return notes


def _spots() -> Iterator[Spot]:
    """Return the positions beside a place, the best first."""
    for reach in DISTANCES:
        for degrees in DIRECTIONS:
            right, up = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            side = "left" if right > 0.1 else "right" if right < -0.1 else "center"
            edge = "bottom" if up > 0.8 else "top" if up < -0.8 else "center"
            yield Spot((reach * right, reach * up), (side, edge), reach == DISTANCES[0])


def _write(
    ax: "Axes",
    name: str,
    place: "NDArray[np.float64]",
    spot: Spot,
    style: dict[str, Any],
) -> "Annotation":
    """Write a name, with a line to its place if it stands away from it."""
    line = {
        "arrowstyle": "-",
        "color": style["color"],
        "linewidth": 0.9,
        "shrinkA": 1.0,
        "shrinkB": 4.0,
        "relpos": (
            {"left": 0.0, "center": 0.5, "right": 1.0}[spot.anchor[0]],
            {"bottom": 0.0, "center": 0.5, "top": 1.0}[spot.anchor[1]],
        ),
    }
    return ax.annotate(
        name,
        (float(place[0]), float(place[1])),
        spot.offset,
        textcoords="offset points",
        ha=spot.anchor[0],
        va=spot.anchor[1],
        arrowprops=None if spot.near else line,
        zorder=8,
        **style,
    )


def shared_area(one: Bbox, other: Bbox) -> float:
    """Return the area that two boxes share."""
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    high = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(wide * high) if wide > 0 and high > 0 else 0.0
