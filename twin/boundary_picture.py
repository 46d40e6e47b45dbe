"""Draw a boundary with what it was built from."""

import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import matplotlib.patheffects as effects
import numpy as np
import shapely
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patches import Polygon as Drawn

from gis.boundary import TracedBoundary
from gis.boundary_account import EDGE, REACH, WATER, credit_lines, follow
from gis.boundary_anchors import anchor_table
from gis.errors import OutputError
from gis.files import atomic_path
from twin.map_labels import place_labels
from twin.maps import BOUNDARY, INK, LAND, PAPER, QUIET
from twin.maps import WATER as SEA

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE, DOTS = (8.6, 8.6), 130
"""Size [inches] and pixels of an inch."""

MARGIN = 0.12
"""Ground shown around the district, as a share of its wider side."""

INSIDE = "#f6dfb8"
SHORE, LIMIT, PASSED = "#1f6f8b", "#7a7f85", "#b9b2a4"
"""Colours of shores, of the limit of the reach and of edges that it does not follow."""

STYLES: dict[str, dict[str, Any]] = {
    WATER: {"color": SHORE, "linewidth": 2.6},
    EDGE: {"color": BOUNDARY, "linewidth": 2.6},
    REACH: {"color": LIMIT, "linewidth": 2.0, "linestyle": (0, (4, 2))},
}

THIN: dict[str, Any] = {"color": PASSED, "linewidth": 1.0}

NO_WATER = "No layer of water was given: the district may reach into water."
DRY = "The layer of water holds none here."


def write_picture(path: Path, traced: TracedBoundary) -> None:
    """Draw a boundary with its anchors, the water and the edges.

    Parameters
    ----------
    path : Path
        Ends in ``.png``; its folder must exist.
    traced : TracedBoundary
        A boundary with what it was built from.

    Raises
    ------
    OutputError
        If the name ends otherwise, or the file cannot be written.
    """
    check_picture(path)
    figure = draw_boundary(traced)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=DOTS, facecolor=PAPER)


def check_picture(path: Path) -> None:
    """Refuse a picture in another format.

    Parameters
    ----------
    path : Path
        Where a picture shall go.

    Raises
    ------
    OutputError
        If the name does not end in ``.png``.
    """
    if path.suffix.lower() != ".png":
        message = f"a picture must be written as .png, got {path.name}; change its name"
        raise OutputError(message)


def draw_boundary(traced: TracedBoundary) -> Figure:
    """Draw a boundary with its anchors, the water and the edges.

    Parameters
    ----------
    traced : TracedBoundary
        A boundary with what it was built from.

    Returns
    -------
    Figure
        One map in metres of the plan, with title, legend, scale bar, north and credits.
    """
    figure = Figure(figsize=FIGURE, dpi=DOTS, facecolor=PAPER)
    ax = figure.add_axes((0.04, 0.115, 0.92, 0.8))
    parts = traced.parts
    anchors = anchor_table(traced.recipe, parts.anchors, parts.sources, within=traced.shape)
    west, south, east, north = _frame(traced, anchors)
    view = shapely.box(west, south, east, north)
    ax.set(xlim=(west, east), ylim=(south, north), aspect="equal", facecolor=LAND)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    if parts.water is not None:
        _paint(ax, shapely.clip_by_rect(parts.water, *view.bounds), SEA, 1)
    _paint(ax, traced.shape, INSIDE, 2)
    for edge in parts.edges:
        _draw_line(ax, shapely.intersection(edge.line, view), 3, THIN)
    stretches = follow(traced)
    for one in stretches:
        _draw_line(ax, one.line, 4, STYLES[one.kind])
    # GeoPandas names the axes.
    ax.set(xlabel="", ylabel="")
    _draw_scale_bar(ax)
    _draw_north(ax)
    _write_words(figure, traced)
    kinds = {one.kind for one in stretches}
    lengths = {k: sum(s.line.length for s in stretches if s.kind == k) for k in kinds}
    _draw_legend(figure, lengths, has_edges=bool(parts.edges))
    _draw_anchors(ax, anchors, traced.shape)
    return figure


def _frame(
    traced: TracedBoundary, anchors: gpd.GeoDataFrame
) -> tuple[float, float, float, float]:
    """Return what the map shows: a square around the district [m]."""
    west, south, east, north = shapely.total_bounds(
        [traced.shape, *anchors.geometry.to_numpy()]
    )
    half = max(east - west, north - south) * (0.5 + MARGIN)
    x, y = (west + east) / 2, (south + north) / 2
    # The axes are a little wider than high.
    wide = half * (FIGURE[0] * 0.92) / (FIGURE[1] * 0.8)
    return x - wide, y - half, x + wide, y + half


def _paint(ax: "Axes", shape: shapely.Geometry, colour: str, above: int) -> None:
    """Fill areas."""
    if not shape.is_empty:
        gpd.GeoSeries([shape]).plot(
            ax=ax, color=colour, edgecolor="none", zorder=above, aspect=None
        )


def _draw_line(
    ax: "Axes", line: shapely.Geometry, above: int, style: dict[str, Any]
) -> None:
    """Draw lines."""
    for part in shapely.get_parts(line):
        if part.geom_type in {"LineString", "LinearRing"}:
            xy = shapely.get_coordinates(part)
            ax.plot(xy[:, 0], xy[:, 1], zorder=above, solid_capstyle="butt", **style)


def _write_words(figure: Figure, traced: TracedBoundary) -> None:
    """Write title, size, origin and credits."""
    recipe, plan = traced.recipe, traced.parts.plan
    pieces = int(shapely.get_num_geometries(traced.shape))
    size = f"{traced.shape.area / 1e6:.3f} km² in {pieces} piece{'s' * (pieces != 1)}"
    figure.text(
        0.04, 0.965, textwrap.shorten(recipe.name or "District", 60, placeholder=" ..."),
        fontsize=15, color=INK, fontweight="bold", va="center",
    )  # fmt: skip
    what = f"{size}; built from {len(recipe.anchors)} anchors with a reach of "
    what += f"{recipe.reach:g} m. Not an official boundary."
    figure.text(0.04, 0.932, what, fontsize=9.5, color=QUIET, va="center")
    notes = []
    if traced.parts.water is None:
        notes.append(NO_WATER if recipe.water is None else DRY)
    notes += [f"Plan: {plan.name} ({plan.to_string()}), metres."]
    credit = "; ".join(credit_lines(traced))
    notes += [f"Credits: {credit}."] if credit else []
    figure.text(
        0.04, 0.052, "\n".join(textwrap.wrap(" ".join(notes), 145)[:4]),
        fontsize=8, color=QUIET, va="top",
    )  # fmt: skip


def _draw_legend(figure: Figure, lengths: dict[str, float], *, has_edges: bool) -> None:
    """Tell what the lines are, with their lengths."""
    words = {WATER: "along water", EDGE: "along edges", REACH: "limit of the reach"}
    handles: list[Any] = [Patch(facecolor=INSIDE, label="district")]
    handles += [
        Line2D([], [], label=f"{words[kind]}, {lengths[kind]:,.0f} m", **STYLES[kind])
        for kind in words
        if kind in lengths
    ]
    if has_edges:
        handles.append(Line2D([], [], label="other edges", **THIN))
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.03, 0.105), frameon=False,
        fontsize=8.5, labelcolor=INK, ncols=5, columnspacing=1.4, handlelength=1.8,
        borderaxespad=0.0,
    )  # fmt: skip


def _draw_scale_bar(ax: "Axes") -> None:
    """Draw a bar of a round length at the lower left."""
    (west, east), (south, _) = ax.get_xlim(), ax.get_ylim()
    wide = east - west
    power = 10.0 ** math.floor(math.log10(wide * 0.25))
    length = max(step * power for step in (1.0, 2.0, 5.0) if step * power <= wide * 0.25)
    x, y = west + wide * 0.03, south + wide * 0.03
    ax.plot([x, x + length], [y, y], color=INK, linewidth=3, zorder=6,
            solid_capstyle="butt")  # fmt: skip
    ax.annotate(
        f"{length:,.0f} m", (x + length / 2, y), (0, 5), textcoords="offset points",
        ha="center", fontsize=9.5, color=INK, zorder=6, path_effects=_halo(),
    )  # fmt: skip


def _draw_north(ax: "Axes") -> None:
    """Draw an arrow to the north at the upper right."""
    place = ax.inset_axes((0.925, 0.885, 0.06, 0.1), zorder=6)
    place.set(xlim=(-1, 1), ylim=(-1, 2.2), aspect="equal")
    place.axis("off")
    arrow = [(0.0, 1.0), (0.6, -0.9), (0.0, -0.5), (-0.6, -0.9)]
    place.add_patch(Drawn(arrow, facecolor=INK, edgecolor=PAPER, linewidth=0.8))
    place.text(
        0, 1.15, "N", ha="center", va="bottom", fontsize=11, color=INK, path_effects=_halo()
    )


def _draw_anchors(ax: "Axes", anchors: gpd.GeoDataFrame, shape: shapely.Geometry) -> None:
    """Mark the anchors, hubs larger, with their names."""
    spots = shapely.get_coordinates(anchors.geometry.to_numpy())
    sizes = np.where(anchors["kind"] == "hub", 64.0, 25.0)
    ax.scatter(
        spots[:, 0], spots[:, 1], s=sizes, color=PAPER, edgecolors=INK, linewidths=1.8,
        zorder=7,
    )  # fmt: skip
    names = [textwrap.fill(str(name), 26) for name in anchors["name"]]
    place_labels(ax, spots, names, spare=shape.boundary.buffer(1.0), colour=INK,
                 halo=_halo())  # fmt: skip


def _halo() -> list[effects.AbstractPathEffect]:
    """Return a rim in paper colour, on which text can be read anywhere."""
    return [effects.withStroke(linewidth=3.5, foreground=PAPER)]
