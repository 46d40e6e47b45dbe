"""Draw a district as a map with legend, scale bar, north arrow and credits."""

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import matplotlib as mpl
import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
import shapely
from matplotlib import pyplot as plt
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgba
from matplotlib.patches import Patch, Polygon
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from gis.crs import PLAN_EPSG
from gis.layers import SCHEMATIC
from meshes.render.colours import MISSING, UNIT, irradiation_scale, palette
from twin.columns import MEANINGS
from twin.map_labels import place_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, QUIET, PAPER = "#1d2730", "#56616b", "#fbf9f5"
WATER, LAND, EDGE = "#cfdde3", "#f1ede4", "#fbf9f5"
BOUNDARY = "#8a3b12"

MARGIN = 45.0
"""Ground shown around the district [m]."""

SYSTEM = "SWEREF\u00a099\u00a013\u00a030"
"""Name of the reference system, which no line break divides."""

FIGURE, DOTS = (8.2, 8.0), 100
"""Size of a map that is drawn alone [inches], and pixels of an inch."""

AROUND = 0.4
"""How much of their colour buildings outside the boundary keep."""

OTHER_SCALE, PALEST = "YlGnBu", 0.18
"""Colours of what is not light, so that it is not taken for light; without the palest,
which do not stand out from the ground."""

LARGE = 100_000.0
"""Energies from which on a legend tells MWh [kWh]."""

CATEGORIES = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#d55e00",
    "#56b4e9",
    "#f0e442",
    "#7d5a9c",
    "#4d4d4d",
)
"""Okabe and Ito's colours, which colour-blind people tell apart, and two more."""


@dataclass(frozen=True)
class Ground:
    """What a map shows beside buildings: boundary, water and hubs, EPSG:3008.

    ``schematic`` tells whether shapes are generalised and not surveyed.
    """

    boundary: shapely.Geometry
    water: shapely.Geometry
    hubs: gpd.GeoDataFrame
    schematic: bool


@dataclass(frozen=True)
class Painted:
    """Colours of the buildings and what their legend needs.

    Attributes
    ----------
    colours : (b, 4) float
        RGBA 0..1.
    scale : ScalarMappable or None
        Of numbers.
    ticks : tuple of float
        Values that its legend names.
    kinds : tuple of (str, str)
        Names and colours of categories.
    """

    colours: NDArray[np.float64]
    scale: ScalarMappable | None = None
    ticks: tuple[float, ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()


def draw_map(
    buildings: gpd.GeoDataFrame,
    values: "pd.Series[Any]",
    ground: Ground,
    *,
    title: str = "",
    unit: str = "",
    label: str = "",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw buildings coloured by a value.

    Parameters
    ----------
    buildings : GeoDataFrame
        Index ``building``, ``inside``, outlines in EPSG:3008.
    values : Series
        Numbers, truths or texts by building; its name chooses title and unit.
    ground : Ground
        What lies around them.
    title, unit : str
        Instead of those of the column.
    label : str
        Label and credits.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        In metres of EPSG:3008.
    """
    known = MEANINGS.get(str(values.name))
    unit = unit or (known.unit if known else "")
    title = title or (known.title if known else str(values.name or ""))
    painted = paint(values.reindex(buildings.index), unit=unit)
    if ax is None:
        ax = plt.figure(figsize=FIGURE, dpi=DOTS, layout="constrained").add_subplot()
    west, south, east, north = _frame(ground)
    view = shapely.box(west, south, east, north)
    ax.set(xlim=(west, east), ylim=(south, north), aspect="equal", facecolor=LAND)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    if not shapely.is_empty(water := shapely.intersection(ground.water, view)):
        gpd.GeoSeries([water]).plot(ax=ax, color=WATER, zorder=1, aspect=None)
    shown = buildings.intersects(view).to_numpy()
    colours = painted.colours.copy()
    colours[~buildings["inside"].to_numpy(dtype=bool), 3] = AROUND
    gpd.GeoSeries(buildings.geometry[shown]).plot(
        ax=ax, color=colours[shown], edgecolor=EDGE, linewidth=0.5, zorder=2, aspect=None
    )
    edge = gpd.GeoSeries([shapely.intersection(ground.boundary.boundary, view)])
    edge.plot(
        ax=ax, color=BOUNDARY, linewidth=1.3, linestyle=(0, (6, 3)), zorder=3, aspect=None
    )
    # GeoPandas would name the axes, also of what a planner draws on the map.
    ax.xaxis.label.set_visible(False)
    ax.yaxis.label.set_visible(False)
    _draw_title(ax, title, label)
    _draw_legend(ax, painted, unit)
    if painted.scale is not None and values.reindex(buildings.index).isna().any():
        _draw_kinds(ax, (("no value", MISSING),), (1.01, 0.16))
    _draw_scale_bar(ax, east - west)
    _draw_north(ax)
    if ground.schematic:
        _draw_warning(ax)
    _draw_hubs(ax, ground.hubs, buildings.geometry[buildings["inside"]])
    return ax


def paint(values: "pd.Series[Any]", *, unit: str = "") -> Painted:
    """Choose colours for values.

    Parameters
    ----------
    values : (b,) Series
        Numbers get a scale, truths and texts a colour each; NaN and "" are grey.
    unit : str
        Light in kWh/m2 a year gets the scale of all pictures of light.
    """
    if pd.api.types.is_bool_dtype(values):
        return _paint_kinds(values.map({True: "yes", False: "no"}))
    if not pd.api.types.is_numeric_dtype(values):
        return _paint_kinds(values)
    numbers = values.to_numpy(np.float64)
    if unit == UNIT:
        light = irradiation_scale(numbers)
        colours = np.column_stack([light.srgb(numbers), np.ones(len(numbers))])
        cmap, limits = ListedColormap(palette()), Normalize(0.0, light.top)
        return Painted(colours, ScalarMappable(limits, cmap), tuple(light.ticks))
    low, high = _limits(numbers)
    locator = MaxNLocator(5, integer=unit == "year")
    ticks: NDArray[np.float64] = np.asarray(locator.tick_values(low, high))
    if low != 0.0:
        ticks = ticks[(ticks >= low) & (ticks <= high)]
    spread = Normalize(min(low, float(ticks[0])), max(high, float(ticks[-1])))
    tints = ListedColormap(mpl.colormaps[OTHER_SCALE](np.linspace(PALEST, 1.0, 256)))
    colours = tints(spread(np.nan_to_num(numbers, nan=low)))
    colours[~np.isfinite(numbers)] = to_rgba(MISSING)
    return Painted(colours, ScalarMappable(spread, tints), tuple(ticks))


def _limits(numbers: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of a scale: from 0, unless all values are far from it."""
    known = numbers[np.isfinite(numbers)]
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    if 0.0 <= low < high / 2:
        low = 0.0
    return (low, high) if high > low else (low, low + 1.0)


def _paint_kinds(values: "pd.Series[Any]") -> Painted:
    """Give the most frequent texts a colour of their own."""
    texts = values.astype(object).where(values.notna(), "").astype(str)
    counts = texts[texts != ""].value_counts()
    own = list(counts.index[: len(CATEGORIES)])
    colour = dict(zip(own, CATEGORIES, strict=False))
    kinds = [(f"{name} ({counts[name]:,})", colour[name]) for name in own]
    rest, blank = int(counts.iloc[len(own) :].sum()), int((texts == "").sum())
    for name, count in (("others", rest), ("unknown", blank)):
        if count:
            kinds.append((f"{name} ({count:,})", MISSING))
    colours = np.array([to_rgba(colour.get(text, MISSING)) for text in texts])
    return Painted(colours.reshape(-1, 4), kinds=tuple(kinds))


def _frame(ground: Ground) -> tuple[float, float, float, float]:
    """Return what the map shows: west, south, east, north [m]."""
    places = shapely.union_all(ground.hubs.geometry.to_numpy()).envelope
    shapes = [ground.boundary.buffer(MARGIN), places.buffer(MARGIN)]
    west, south, east, north = shapely.union_all(
        [shape for shape in shapes if not shape.is_empty]
    ).bounds
    return west, south, east, north


def _draw_title(ax: "Axes", title: str, label: str) -> None:
    """Write the title above, label, credits and reference system below."""
    ax.set_title(title, loc="left", fontsize=14, color=INK, fontweight="bold", pad=8)
    foot = f"{label} Paler: outside the boundary. Plan: {SYSTEM} (EPSG:{PLAN_EPSG})."
    ax.text(
        0.0,
        -0.012,
        "\n".join(textwrap.wrap(foot, 100)),
        transform=ax.transAxes,
        va="top",
        fontsize=8.5,
        color=QUIET,
    )


def _draw_legend(ax: "Axes", painted: Painted, unit: str) -> None:
    """Draw the colours with their values beside the map."""
    if painted.scale is None:
        _draw_kinds(ax, painted.kinds, (1.01, 0.5))
        return
    factor = 1.0
    if unit.startswith("kWh ") and max(painted.ticks) >= LARGE:
        unit, factor = f"M{unit[1:]}", 1e-3
    bar = ax.inset_axes((1.025, 0.24, 0.03, 0.52))
    drawn = ax.figure.colorbar(painted.scale, cax=bar, ticks=list(painted.ticks))
    form = "{:.0f}" if unit == "year" else "{:,.6g}"
    told = [form.format(tick * factor) for tick in painted.ticks]
    drawn.ax.set_yticks(painted.ticks, told)
    drawn.ax.tick_params(labelsize=9, colors=INK, length=3)
    drawn.outline.set_visible(False)
    bar.set_title(unit, fontsize=9.5, color=INK, loc="left", pad=8)


def _draw_kinds(
    ax: "Axes", kinds: tuple[tuple[str, str], ...], place: tuple[float, float]
) -> None:
    """Draw names with their colours beside the map."""
    handles = [
        Patch(facecolor=colour, label=textwrap.fill(name, 26)) for name, colour in kinds
    ]
    ax.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=place,
        frameon=False,
        fontsize=9,
        labelspacing=0.9,
    )


def _draw_warning(ax: "Axes") -> None:
    """Say in the map what must not be overlooked."""
    ax.text(
        0.985,
        0.02,
        SCHEMATIC,
        transform=ax.transAxes,
        ha="right",
        fontsize=9.5,
        color=BOUNDARY,
        zorder=6,
        bbox={"boxstyle": "round,pad=0.35", "facecolor": PAPER, "edgecolor": BOUNDARY},
    )


def _draw_scale_bar(ax: "Axes", wide: float) -> None:
    """Draw a bar of a round length at the lower left."""
    power = 10.0 ** math.floor(math.log10(wide * 0.25))
    length = max(step * power for step in (1.0, 2.0, 5.0) if step * power <= wide * 0.25)
    west, south = ax.get_xlim()[0], ax.get_ylim()[0]
    x, y = west + wide * 0.03, south + wide * 0.03
    ax.plot(
        [x, x + length], [y, y], color=INK, linewidth=3, zorder=6, solid_capstyle="butt"
    )
    ax.annotate(
        f"{length:,.0f} m",
        (x + length / 2, y),
        (0, 5),
        textcoords="offset points",
        ha="center",
        fontsize=9.5,
        color=INK,
        zorder=6,
        path_effects=_halo(),
    )


def _draw_north(ax: "Axes") -> None:
    """Draw an arrow to the north at the upper right."""
    place = ax.inset_axes((0.925, 0.885, 0.06, 0.1), zorder=6)
    place.set(xlim=(-1, 1), ylim=(-1, 2.2), aspect="equal")
    place.axis("off")
    arrow = [(0.0, 1.0), (0.6, -0.9), (0.0, -0.5), (-0.6, -0.9)]
    place.add_patch(Polygon(arrow, facecolor=INK, edgecolor=PAPER, linewidth=0.8))
    place.text(
        0, 1.15, "N", ha="center", va="bottom", fontsize=11, color=INK, path_effects=_halo()
    )


def _draw_hubs(ax: "Axes", hubs: gpd.GeoDataFrame, shapes: gpd.GeoSeries) -> None:
    """Mark the hubs and write their names where they do not cover each other."""
    if hubs.empty:
        return
    east, north = hubs.geometry.x.to_numpy(), hubs.geometry.y.to_numpy()
    ax.plot(
        east, north, "o", markersize=8, color=PAPER, markeredgecolor=INK, zorder=7,
        markeredgewidth=2,
    )  # fmt: skip
    names = [
        f"{name}\n(within {accuracy:g} m)" if accuracy >= 100.0 else str(name)
        for name, accuracy in zip(hubs["name"], hubs["accuracy"], strict=True)
    ]
    place_labels(
        ax,
        np.column_stack([east, north]),
        names,
        spare=shapely.union_all(shapes.to_numpy()),
        colour=INK,
        halo=_halo(),
    )


def _halo() -> list[effects.AbstractPathEffect]:
    """Return a rim in paper colour, on which text can be read anywhere."""
    return [effects.withStroke(linewidth=3.5, foreground=PAPER)]
