"""Draw the district in plan as inline SVG with a legend, scale bar and north arrow."""

import math
from html import escape

import numpy as np
import pandas as pd
import shapely

from gis.district import District
from twin.web.colours import UNIT, ColourScale
from twin.web.figures import whole

MARGIN = 45.0
"""Ground shown around the district [m]."""

MARKER_GAP = 0.045
"""Least distance between two place markers, as a share of the map's width."""

SMOOTHEST_CURVE = 0.4
"""Drawn outlines may leave the exact ones by so much [m]."""

BAR_SHARE = 0.22
"""Longest scale bar, as a share of the map's width."""


def plan_map(district: District, parts: pd.DataFrame, scale: ColourScale) -> str:
    """Return the map as HTML: an SVG and what lies over it in constant size.

    Parameters
    ----------
    district : District
        Water, boundary, footprints, places.
    parts : DataFrame
        Results by part with ``roof_kwh_m2`` [kWh/m2 a year].
    scale : ColourScale
        Colours of the footprints.
    """
    named = district.landmarks.union_all().envelope
    west, south, east, north = shapely.union_all(
        [district.boundary.buffer(MARGIN), named.buffer(MARGIN / 3)]
    ).bounds
    frame = shapely.box(west, south, east, north)
    wide, high = east - west, north - south
    shapes = [
        f'<path class="water" d="{svg_path(district.water & frame, west, north)}"/>',
        *_footprints(district, parts, scale, frame),
        f'<path class="boundary" d="{svg_path(district.boundary, west, north)}"/>',
    ]
    bar = _bar_length(wide * BAR_SHARE)
    title = escape(
        f"Map of {district.name}: building footprints coloured by the light on roofs"
    )
    return (
        f'<div class="map" style="aspect-ratio:{wide:.0f}/{high:.0f}">'
        f'<svg viewBox="0 0 {wide:.1f} {high:.1f}" role="img" aria-label="{title}">'
        f"{''.join(shapes)}</svg>"
        f"{''.join(_markers(district, west, north, wide, high))}"
        '<div class="north" aria-label="North is up"><svg viewBox="-12 -16 24 32" '
        'aria-hidden="true"><path d="M0-15 8 9 0 4-8 9Z"/></svg>N</div>'
        f'<div class="scalebar" style="width:{100 * bar / wide:.2f}%">{bar:g} m</div>'
        "</div>"
    )


def map_legend(scale: ColourScale) -> str:
    """Return the legend of the colours as HTML."""
    ticks = "".join(
        f'<span style="left:{100 * tick / scale.top:.1f}%">{whole(tick)}</span>'
        for tick in scale.ticks
    )
    return (
        '<figure class="legend"><figcaption>Solar irradiation on roofs, '
        f"{UNIT}</figcaption>"
        f'<div class="ramp" style="background:{scale.gradient()}"></div>'
        f'<div class="ticks">{ticks}</div></figure>'
    )


def places_list(district: District) -> str:
    """Return the numbered hubs and the other named places as HTML lists."""
    marks = district.landmarks
    hubs = marks[marks["kind"] == "hub"]
    others = marks[marks["kind"] != "hub"]
    items = "".join(f"<li>{escape(str(name))}</li>" for name in hubs["name"])
    text = f'<ol class="hubs">{items}</ol>' if items else ""
    if len(others):
        names = "".join(f"<li>{escape(str(name))}</li>" for name in others["name"])
        text += (
            f"<details><summary>{len(others)} other places (dots)</summary>"
            f'<ul class="others">{names}</ul></details>'
        )
    return text


def _footprints(
    district: District, parts: pd.DataFrame, scale: ColourScale, frame: shapely.Polygon
) -> list[str]:
    """Return a path for each footprint in the frame, those outside the district paler."""
    west, _, _, north = frame.bounds
    values = parts["roof_kwh_m2"].reindex(district.buildings.index).to_numpy(np.float64)
    colours = scale.hexes(values)
    shown = district.buildings.intersects(frame).to_numpy()
    inside = shapely.contains_xy(
        district.boundary,
        *shapely.get_coordinates(district.buildings.representative_point()).T,
    )
    paths = []
    for k in np.flatnonzero(shown):
        row = district.buildings.iloc[k]
        part = str(district.buildings.index[k])
        label = str(row["name"]) or part
        light = f"{values[k]:,.0f} {UNIT}" if np.isfinite(values[k]) else "not computed"
        place = "" if inside[k] else ' class="around"'
        paths.append(
            f'<path{place} data-part="{escape(part)}" fill="{colours[k]}" '
            f'd="{svg_path(row.geometry, west, north)}">'
            f"<title>{escape(label)}: {light}, {row['height']:.1f} m high</title></path>"
        )
    return paths


def svg_path(shape: shapely.Geometry, west: float, north: float) -> str:
    """Return the path data of polygons, metres right and down of the north-west corner.

    Parameters
    ----------
    shape : Polygon or collection
        EPSG:3008 [m]; what is no polygon is left out.
    west, north : float
        The corner [m].
    """
    steps = []
    for polygon in shapely.get_parts(shapely.simplify(shape, SMOOTHEST_CURVE)):
        if polygon.geom_type != "Polygon" or polygon.is_empty:
            continue
        for ring in (polygon.exterior, *polygon.interiors):
            corners = shapely.get_coordinates(ring)[:-1]
            steps.append(
                "M"
                + "L".join(f"{x - west:.1f} {north - y:.1f}" for x, y in corners.tolist())
                + "Z"
            )
    return "".join(steps)


def _markers(
    district: District, west: float, north: float, wide: float, high: float
) -> list[str]:
    """Return numbers for the hubs and dots for other places; numbers do not overlap."""
    marks = district.landmarks
    taken: list[tuple[float, float]] = []
    texts, dots = [], []
    number = 0
    for name, kind, point in zip(marks["name"], marks["kind"], marks.geometry, strict=True):
        x, y = (point.x - west) / wide, (north - point.y) / wide
        if kind == "hub":
            number += 1
            while any(math.dist((x, y), other) < MARKER_GAP for other in taken):
                x += MARKER_GAP / 4
            taken.append((x, y))
        style = f"left:{100 * x:.2f}%;top:{100 * y * wide / high:.2f}%"
        if kind == "hub":
            texts.append(
                f'<b class="hub" style="{style}" title="{escape(name)}">{number}</b>'
            )
        else:
            dots.append(f'<i class="dot" style="{style}" title="{escape(name)}"></i>')
    return dots + texts


def _bar_length(longest: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is no longer [m]."""
    power = 10.0 ** math.floor(math.log10(longest))
    return max(power * step for step in (1, 2, 5) if power * step <= longest)
