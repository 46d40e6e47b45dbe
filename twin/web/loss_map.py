"""Draw in plan which roofs and facades lose light, as inline SVG."""

import math
from dataclasses import dataclass
from html import escape

import matplotlib as mpl
import numpy as np
import shapely

from meshes.polygons import FloatArray, IntArray
from meshes.solids import Kind
from twin.siting import Evaluation, Site
from twin.web.plan_map import svg_path

SHAPE = 1.95
"""Width of the map over its height."""

SHOWN_LOSS = 0.85
"""Share of all lost light that lies on the map."""

SMALLEST, LARGEST = 70.0, 260.0
"""Half the height of the map at least and at most [m]."""

MARGIN = 16.0
"""Ground shown around what must be seen [m]."""

LEAST_SHOWN = 0.5
"""Loss from which on a roof or facade is coloured [kWh/m2 a year]."""

TYPICAL = 0.97
"""Share of the coloured area whose loss is within the scale."""

TOPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Ends of the scale, times a power of ten."""

COLOURS = mpl.colormaps["Reds"](np.linspace(0.12, 1.0, 64))[:, :3]
"""Pale for little, dark for much; no colour of the irradiation's scale."""


@dataclass(frozen=True)
class LossMap:
    """A map and its legend.

    Attributes
    ----------
    svg : str
        The map.
    legend : str
        Its colours, SVG as well.
    top : float
        Loss of the last colour [kWh/m2 a year]; more gets the same.
    """

    svg: str
    legend: str
    top: float


def loss_map(site: Site, evaluation: Evaluation, *, numbered: int) -> LossMap:
    """Draw the loss of each roof and facade around a candidate.

    Parameters
    ----------
    site : Site
        The twin.
    evaluation : Evaluation
        What the candidate does to it.
    numbered : int
        How many neighbours, the largest loss first, get their number.
    """
    district = site.built.district
    facets, which = site.built.facets, evaluation.shaded.facets
    lost = evaluation.shaded.before.facet_annual - evaluation.shaded.after.facet_annual
    area = facets.area[which]
    outline = evaluation.candidate.outline
    frame = _frame(site, outline, which, lost * area)
    west, south, east, north = frame.bounds
    top = scale_top(lost, area)
    wide, high = east - west, north - south
    unit = wide / 100.0
    shown = shapely.intersects(district.buildings.geometry.to_numpy(), frame)
    shapes = [f'<path fill="#c9d9df" d="{svg_path(district.water & frame, west, north)}"/>']
    roofs = np.zeros(len(district.buildings))
    is_roof = facets.kind[which] == Kind.ROOF
    roofs[facets.part[which[is_roof]]] = lost[is_roof]
    for k in np.flatnonzero(shown):
        shape = district.buildings.geometry.iloc[k]
        shapes.append(
            f'<path fill="{loss_colour(roofs[k], top)}" stroke="#6b747b" '
            f'stroke-width="{0.25 * unit:.2f}" d="{svg_path(shape, west, north)}"/>'
        )
    shapes += _walls(site, which[~is_roof], lost[~is_roof], frame, top=top, unit=unit)
    shapes.append(
        f'<path fill="url(#new)" stroke="#0072b2" stroke-width="{0.7 * unit:.2f}" '
        f'd="{svg_path(outline, west, north)}"/>'
    )
    shapes += _numbers(site, evaluation, frame, numbered, unit)
    shapes += _scale_and_north(frame, unit)
    told = (
        "Map of the loss of light a year on roofs and facades around the new building; "
        "the numbers are those of the table."
    )
    svg = (
        f'<svg class="lossmap" viewBox="0 0 {wide:.1f} {high:.1f}" role="img" '
        f'aria-label="{escape(told)}"><defs><pattern id="new" width="{1.6 * unit:.2f}" '
        f'height="{1.6 * unit:.2f}" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="100%" height="100%" fill="#fff"/>'
        f'<rect width="{0.6 * unit:.2f}" height="100%" fill="#0072b2"/></pattern></defs>'
        f'<rect width="100%" height="100%" fill="#f6f4ef"/>{"".join(shapes)}</svg>'
    )
    return LossMap(svg, _legend(top), top)


def _frame(
    site: Site, outline: shapely.Geometry, which: IntArray, energy: FloatArray
) -> shapely.Polygon:
    """Box of the map: the candidate and the nearest of most of the loss."""
    facets = site.built.facets
    low, high = np.array(outline.bounds[:2]), np.array(outline.bounds[2:])
    middle = (low + high) / 2
    start, end = _base_edges(site, which)
    reach = np.abs((start + end) / 2 - middle).max(axis=1, initial=0.0)
    order = np.argsort(reach, kind="stable")
    summed = np.cumsum(energy[order])
    if len(which) and summed[-1] > 0:
        count = int(np.searchsorted(summed, SHOWN_LOSS * summed[-1])) + 1
        parts = np.unique(facets.part[which[order[:count]]])
        boxes = shapely.bounds(site.built.district.buildings.geometry.to_numpy()[parts])
        low = np.minimum(low, boxes[:, :2].min(axis=0))
        high = np.maximum(high, boxes[:, 2:].max(axis=0))
    # Centred between the things to be seen, but never without the candidate.
    needed = float(((high - low) / 2 / [SHAPE, 1.0]).max()) + MARGIN
    half = min(max(needed, SMALLEST), LARGEST)
    room = half * np.array([SHAPE, 1.0]) - MARGIN
    own = np.array(outline.bounds[2:]) - np.array(outline.bounds[:2])
    slack = np.maximum(room - own / 2, 0.0)
    x, y = np.clip((low + high) / 2, middle - slack, middle + slack)
    return shapely.box(x - SHAPE * half, y - half, x + SHAPE * half, y + half)


def _base_edges(site: Site, which: IntArray) -> tuple[FloatArray, FloatArray]:
    """Both ends of the lower edge of facets' grids, (k, 2) each, EPSG:3008 [m]."""
    facets, origin = site.built.facets, site.built.solids.origin[:2]
    start = facets.corner[which, :2] + origin
    length = (facets.shape[which, 0] * facets.step[which, 0])[:, None]
    return start, start + length * facets.e1[which, :2]


def scale_top(lost: FloatArray, area: FloatArray) -> float:
    """Return the round end of a scale that holds nearly all of the coloured area.

    Parameters
    ----------
    lost, area : (k,) float
        Loss [kWh/m2 a year] and area [m2] of facets.
    """
    seen = lost >= LEAST_SHOWN
    if not seen.any():
        return 10.0
    order = np.argsort(lost[seen])
    share = np.cumsum(area[seen][order]) / area[seen].sum()
    typical = float(lost[seen][order][np.searchsorted(share, TYPICAL)])
    power = 10.0 ** math.floor(math.log10(typical))
    return max(10.0, min(step * power for step in TOPS if step * power >= typical))


def loss_colour(lost: float, top: float) -> str:
    """Return the colour of a loss, white where there is next to none.

    Parameters
    ----------
    lost : float
        Loss [kWh/m2 a year].
    top : float
        That of the last colour.
    """
    if lost < LEAST_SHOWN:
        return "#ffffff"
    step = min(int(lost / top * len(COLOURS)), len(COLOURS) - 1)
    return mpl.colors.to_hex(COLOURS[step])


def _walls(
    site: Site,
    which: IntArray,
    lost: FloatArray,
    frame: shapely.Polygon,
    *,
    top: float,
    unit: float,
) -> list[str]:
    """Draw facades as thick lines just outside their foot, the largest loss last."""
    west, south, east, north = frame.bounds
    start, end = _base_edges(site, which)
    outward = 0.65 * unit * site.built.facets.normal[which, :2]
    start, end = start + outward, end + outward
    order = np.argsort(lost, kind="stable")
    lines = []
    for k in order[lost[order] >= LEAST_SHOWN]:
        (x0, y0), (x1, y1) = start[k], end[k]
        inside = west < (x0 + x1) / 2 < east and south < (y0 + y1) / 2 < north
        if inside:
            lines.append(
                f'<path stroke="{loss_colour(lost[k], top)}" '
                f'stroke-width="{1.3 * unit:.2f}" '
                f'd="M{x0 - west:.1f} {north - y0:.1f}L{x1 - west:.1f} {north - y1:.1f}"/>'
            )
    return lines


def _numbers(
    site: Site, evaluation: Evaluation, frame: shapely.Polygon, count: int, unit: float
) -> list[str]:
    """Write the neighbours' numbers on them."""
    west, _, _, north = frame.bounds
    table = site.built.district.buildings
    places = []
    for number, name in enumerate(evaluation.neighbours.index[:count], 1):
        parts = table.geometry[table["building"] == name].to_numpy()
        seen = shapely.intersection(parts, frame)
        largest = seen[int(np.argmax(shapely.area(seen)))]
        if largest.is_empty:
            continue
        room = shapely.maximum_inscribed_circle(largest)
        spot = room.coords[0]
        x, y = spot[0] - west, north - spot[1]
        if room.length < 1.2 * unit:
            # The number would hide the building: it stands above it.
            y -= room.length + 3.2 * unit
        places.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2.1 * unit:.2f}" fill="#fff" '
            f'stroke="#16232c" stroke-width="{0.25 * unit:.2f}"/>'
            f'<text x="{x:.1f}" y="{y + 1.0 * unit:.1f}" font-size="{2.8 * unit:.2f}" '
            f'font-weight="700" text-anchor="middle">{number}</text>'
        )
    return places


def _scale_and_north(frame: shapely.Polygon, unit: float) -> list[str]:
    """Draw a scale bar in the lower left and a north arrow in the upper right."""
    west, south, east, north = frame.bounds
    wide, high = east - west, north - south
    power = 10.0 ** math.floor(math.log10(0.25 * wide))
    length = max(step * power for step in (1, 2, 5) if step * power <= 0.25 * wide)
    x, y = 3 * unit, high - 3 * unit
    return [
        f'<rect x="{x - unit:.1f}" y="{y - 4.6 * unit:.1f}" '
        f'width="{length + 2 * unit:.1f}" height="{6 * unit:.1f}" fill="#fff" '
        'opacity=".85"/>',
        f'<path d="M{x:.1f} {y - unit:.1f}V{y:.1f}H{x + length:.1f}V{y - unit:.1f}" '
        f'fill="none" stroke="#16232c" stroke-width="{0.35 * unit:.2f}"/>',
        f'<text x="{x + length / 2:.1f}" y="{y - 1.4 * unit:.1f}" '
        f'font-size="{2.7 * unit:.2f}" text-anchor="middle">{length:g} m</text>',
        f'<g transform="translate({wide - 4.5 * unit:.1f} {5.2 * unit:.1f}) '
        f'scale({unit:.3f})"><circle r="4" cy="-.6" fill="#fff" opacity=".85"/>'
        '<path d="M0-4 1.7 .6 0-.4-1.7 .6Z"/><text y="3" font-size="2.7" '
        'font-weight="700" text-anchor="middle">N</text></g>',
    ]


def _legend(top: float) -> str:
    """Draw the colours from none to the most."""
    stops = "".join(
        f'<stop offset="{k / 8:.3f}" '
        f'stop-color="{loss_colour(max(top * k / 8, LEAST_SHOWN), top)}"/>'
        for k in range(9)
    )
    ticks = "".join(
        f'<text x="{x}" y="23" text-anchor="{side}">{value:g}{more}</text>'
        for x, side, value, more in (
            (1, "start", 0, ""),
            (200, "middle", top / 2, ""),
            (399, "end", top, " or more"),
        )
    )
    return (
        '<svg class="scale" viewBox="0 0 400 26" role="img" aria-label="Colours from no '
        f'loss, pale, to {top:g} kWh per square metre and year or more, dark red">'
        f'<defs><linearGradient id="loss">{stops}</linearGradient></defs>'
        '<rect x="1" y="1" width="398" height="9" fill="url(#loss)" stroke="#8a8f93" '
        f'stroke-width=".5"/>{ticks}</svg>'
    )
