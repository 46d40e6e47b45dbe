"""Draw daylight on a map: open ground as a raster, facades as lines."""

from pathlib import Path

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from gis.files import atomic_path, check_ending
from twin.daylight import Daylight
from twin.daylight_question import Measure, Where

INK, QUIET, PAPER = "#1d2730", "#56616b", "#faf8f3"
HOUSE, WATER, LAND = "#d9d4ca", "#cfe0ea", "#f1eee6"

HIGH = 8.2
"""Height [inches]."""

BESIDE, ABOVE = 1.0, 1.2
"""Room for the colours beside the map and for words above and below it [inches]."""

DOTS = 150
"""Pixels of an inch."""

ROOM = 25.0
"""Free room around what is shown [m]."""

TITLES = {
    Measure.SUN_HOURS: "Hours of sun",
    Measure.EN17037: "Hours of sun by EN 17037",
    Measure.APSH: "Share of the year's probable hours of sunshine",
    Measure.SVF: "Share of the sky that is seen, all directions alike",
    Measure.VSC: "Light of an overcast sky, as a share of free level ground",
}
COLOURS = {
    Measure.SUN_HOURS: "inferno",
    Measure.EN17037: "inferno",
    Measure.APSH: "inferno",
    Measure.SVF: "viridis",
    Measure.VSC: "viridis",
}


def draw_daylight(path: Path, found: Daylight) -> None:
    """Write a map as PNG.

    Parameters
    ----------
    path : Path
        Ends in .png.
    found : Daylight
        What was measured.

    Raises
    ------
    OutputError
        If the file is called otherwise or cannot be written.
    """
    check_ending(path, (".png",))
    west, south, east, north = found.place.district.boundary.bounds
    ratio = (east - west + 2 * ROOM) / (north - south + 2 * ROOM)
    wide = max(HIGH * 0.7, (HIGH - ABOVE) * ratio + BESIDE)
    figure = Figure((wide, HIGH), dpi=DOTS, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    measure = found.question.measure
    norm = _scale(found)
    _draw_land(axes, found)
    if found.ground is not None:
        grid = found.ground.grid
        west, south, east, north = grid.bounds
        drawn: ScalarMappable = axes.imshow(
            found.ground.raster(found.values),
            extent=(west, east, south, north),
            norm=norm,
            cmap=COLOURS[measure],
            interpolation="none",
            zorder=2,
        )
    else:
        lines = found.lines()
        # Bright lines last: a dark one must not hide them.
        lines = lines.sort_values(found.column)
        drawn = axes.add_collection(
            LineCollection(
                list(shapely.get_coordinates(lines.geometry.to_numpy()).reshape(-1, 2, 2)),
                array=lines[found.column].to_numpy(),
                norm=norm,
                cmap=COLOURS[measure],
                linewidths=3.2,
                capstyle="butt",
                zorder=4,
            )
        )
    bar = figure.colorbar(drawn, ax=axes, shrink=0.6, pad=0.01, aspect=28)
    bar.outline.set_visible(False)
    bar.ax.minorticks_off()
    bar.ax.tick_params(labelsize=9, colors=QUIET, length=0)
    if found.question.is_of_days:
        bar.ax.set_title("h", fontsize=9, color=QUIET)
    else:
        bar.set_ticks([float(bound) for bound in norm.boundaries[::2]])
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    _finish(figure, axes, found)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, metadata={"Software": None})


def _scale(found: Daylight) -> BoundaryNorm:
    """Return steps of an hour, or of a twentieth, from nothing to all that is possible."""
    most = found.possible
    if found.question.is_of_days:
        bounds = np.arange(0.0, np.ceil(most - 1e-9) + 0.5, 1.0 if most > 4.5 else 0.5)
    else:
        bounds = 0.05 * np.arange(np.ceil(most / 0.05 - 1e-9) + 1)
    return BoundaryNorm(bounds, 256)


def _draw_land(axes: Axes, found: Daylight) -> None:
    """Draw water, boundary and houses."""
    district = found.place.district
    axes.set_facecolor(LAND)
    for shapes, colour, order in (
        ([district.water], WATER, 1),
        (district.buildings.geometry, HOUSE, 3),
    ):
        patches = [
            PathPatch(_outline(part))
            for shape in shapes
            for part in shapely.get_parts(shape)
            if not part.is_empty
        ]
        axes.add_collection(
            PatchCollection(patches, facecolor=colour, edgecolor="none", zorder=order)
        )
    for ring in shapely.get_parts(district.boundary):
        x, y = ring.exterior.xy
        axes.plot(x, y, color=QUIET, lw=0.8, ls=(0, (6, 4)), zorder=5)
    west, south, east, north = district.boundary.bounds
    axes.set_xlim(west - ROOM, east + ROOM)
    axes.set_ylim(south - ROOM, north + ROOM)


def _outline(polygon: shapely.Polygon) -> Outline:
    """Return a polygon with its holes as a path."""
    rings = [polygon.exterior, *polygon.interiors]
    return Outline.make_compound_path(
        *(Outline(np.asarray(ring.coords)[:, :2], closed=True) for ring in rings)
    )


def _finish(figure: Figure, axes: Axes, found: Daylight) -> None:
    """Write title, scale bar and whom to name."""
    question, district = found.question, found.place.district
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    told = [question.words]
    if question.where is Where.FACADES:
        told.append("mean of each facade")
    figure.suptitle(
        TITLES[question.measure], x=0.01, ha="left", fontsize=14, color=INK, weight="bold"
    )
    axes.set_title(", ".join(told), loc="left", fontsize=10, color=QUIET)
    west, _ = axes.get_xlim()
    south, _ = axes.get_ylim()
    axes.plot([west + 20, west + 120], [south + 14] * 2, color=INK, lw=2, zorder=6)
    axes.text(west + 70, south + 20, "100 m", ha="center", fontsize=9, color=INK, zorder=6)
    credits = "; ".join(district.credits)
    is_told = not district.schematic or "schematic" in credits.lower()
    schematic = "" if is_told else "Schematic, not survey data. "
    figure.supxlabel(
        f"{district.name}. {schematic}{credits}",
        fontsize=7.5,
        color=QUIET,
        x=0.01,
        ha="left",
        wrap=True,
    )
