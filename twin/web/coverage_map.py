"""Draw in plan what is known of which building, as inline SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from twin.web.plan_map import svg_path

MOST_SHAPES = 20_000
"""Parts up to which each is drawn; beyond it, squares show what most of the area is."""

SQUARES = 120
"""Squares along the longer side of the map."""

MARGIN = 0.03
"""Ground shown around the buildings, as a share of the longer side."""

WATER, LAND, EDGE, BOUNDARY = "#c9d9df", "#f6f4ef", "#ffffff", "#8a3b12"

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Class:
    """Buildings that get the same colour.

    Attributes
    ----------
    name : str
        For the legend.
    colour : str
        Such as "#d55e00".
    members : (n,) bool
        Which parts.
    """

    name: str
    colour: str
    members: npt.NDArray[np.bool_]


def coverage_map(
    parts: gpd.GeoDataFrame,
    classes: Sequence[Class],
    *,
    boundary: shapely.Geometry,
    water: shapely.Geometry,
    label: str,
    most_shapes: int = MOST_SHAPES,
) -> str:
    """Draw building parts coloured by class.

    Parameters
    ----------
    parts : GeoDataFrame
        EPSG:3008.
    classes : sequence of Class
        Each part is in one of them; later ones are drawn above.
    boundary, water : Geometry
        EPSG:3008.
    label : str
        What the map shows, for those who do not see it.
    most_shapes : int
        Parts up to which each is drawn.

    Returns
    -------
    str
        An ``svg`` element, north up, with scale bar.
    """
    shapes = parts.geometry.to_numpy()
    bounds = np.array([*parts.total_bounds, *boundary.bounds]).reshape(2, 4)
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    margin = MARGIN * float((high - low).max())
    west, south = (float(value) for value in low - margin)
    east, north = (float(value) for value in high + margin)
    wide, tall = east - west, north - south
    line = max(wide, tall) / 900.0
    frame = shapely.box(west, south, east, north)
    wet = svg_path(shapely.intersection(shapely.make_valid(water), frame), west, north)
    drawn = [f'<path fill="{WATER}" d="{wet}"/>']
    if len(shapes) > most_shapes:
        drawn += _squares(shapes, classes, (west, south, east, north))
    else:
        for one in classes:
            path = "".join(svg_path(shape, west, north) for shape in shapes[one.members])
            drawn.append(
                f'<path fill="{one.colour}" stroke="{EDGE}" stroke-width="{line / 3:.2f}" '
                f'd="{path}"/>'
            )
    drawn.append(
        f'<path fill="none" stroke="{BOUNDARY}" stroke-width="{2 * line:.2f}" '
        f'stroke-dasharray="{8 * line:.1f} {5 * line:.1f}" '
        f'd="{svg_path(boundary, west, north)}"/>'
    )
    drawn.append(_bar(wide, tall, line))
    return (
        f'<svg viewBox="0 0 {wide:.0f} {tall:.0f}" role="img" aria-label="{escape(label)}">'
        f'<rect width="100%" height="100%" fill="{LAND}"/>{"".join(drawn)}</svg>'
    )


def _squares(
    shapes: npt.NDArray[np.object_],
    classes: Sequence[Class],
    bounds: tuple[float, float, float, float],
) -> list[str]:
    """Draw squares in the colour of the class that most of their built area has."""
    west, south, east, north = bounds
    side = max(east - west, north - south) / SQUARES
    columns = math.ceil((east - west) / side)
    rows = math.ceil((north - south) / side)
    # The first corner will do, squares are coarse; what has none counts in no square.
    place = np.nan_to_num(shapely.bounds(shapes)[:, [0, 3]], nan=west)
    column = ((place[:, 0] - west) // side).astype(np.intp).clip(0, columns - 1)
    row = ((north - place[:, 1]) // side).astype(np.intp).clip(0, rows - 1)
    cell, area = row * columns + column, shapely.area(shapes)
    sums = np.stack(
        [
            np.bincount(cell[c.members], area[c.members], minlength=rows * columns)
            for c in classes
        ]
    )
    best, built = sums.argmax(axis=0), sums.sum(axis=0) > 0.0
    drawn = []
    for number, one in enumerate(classes):
        here = np.flatnonzero(built & (best == number))
        path = "".join(
            f"M{(k % columns) * side:.0f} {(k // columns) * side:.0f}h{side:.1f}"
            f"v{side:.1f}h-{side:.1f}z"
            for k in here.tolist()
        )
        drawn.append(f'<path fill="{one.colour}" d="{path}"/>')
    return drawn


def _bar(wide: float, tall: float, line: float) -> str:
    """Draw a scale bar in the lower left corner and an arrow to the north above it."""
    longest = wide / 3.0
    power = 10.0 ** math.floor(math.log10(longest))
    length = max(power * step for step in (1, 2, 5) if power * step <= longest)
    x, y, size = 18.0 * line, tall - 18.0 * line, 28.0 * line
    words = f"{length:g} m" if length < 1000.0 else f"{length / 1000.0:g} km"
    text = (
        f'font-size="{size:.1f}" font-family="sans-serif" fill="#16232c" stroke="{LAND}" '
        f'stroke-width="{6 * line:.1f}" paint-order="stroke"'
    )
    return (
        f'<path fill="none" stroke="#16232c" stroke-width="{2.5 * line:.2f}" '
        f'd="M{x:.1f} {y - 9 * line:.1f}v{9 * line:.1f}h{length:.1f}v-{9 * line:.1f}"/>'
        f'<text x="{x + length / 2:.1f}" y="{y - 12 * line:.1f}" text-anchor="middle" '
        f"{text}>{words}</text>"
        f'<text x="{wide - 18 * line:.1f}" y="{34 * line:.1f}" text-anchor="end" {text}>'
        "N ↑</text>"
    )
