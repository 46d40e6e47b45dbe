"""Draw modules on a roof or facade, and the cost curve."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from gis.errors import TableError, UnknownIdError
from meshes.polygons import FloatArray
from meshes.solar.power.layout import Layout
from meshes.solar.power.usable import Usable, facet_shapes

GROUND, EDGE, CELLS, GOOD = "#d9d5cc", "#5b574f", "#23395b", "#b9cfa8"
KINDS = {"roof": "#c1502e", "facade": "#2e6f8e"}


def draw_facet(
    layout: Layout, facet: str, *, usable: Usable | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the modules of a roof or facade as seen from before it.

    Parameters
    ----------
    layout : Layout
        The modules.
    facet : str
        Id of the facet.
    usable : Usable, optional
        Draws what is usable below them.
    ax : Axes, optional
        Where to draw.

    Raises
    ------
    UnknownIdError
        If there is no such facet.
    """
    facets = layout.facets
    if facet not in facets.ids:
        message = f"no facet is called {facet!r}; one is called {facets.ids[0]!r}"
        raise UnknownIdError(message)
    which = facets.ids.index(facet)
    axes = Figure(figsize=(8, 6), layout="constrained").add_subplot() if ax is None else ax
    # Level surfaces lie as on a map, all others with the level direction across.
    normal = facets.normal[which]
    across = np.array([1.0, 0.0, 0.0])
    if abs(normal[2]) < np.cos(np.radians(1.0)):
        across = np.array([-normal[1], normal[0], 0.0])
    across = across - normal * (across @ normal)
    across /= np.linalg.norm(across)
    screen = np.stack([across, np.cross(normal, across)], axis=1)
    grid = np.stack([facets.e1[which], facets.e2[which]]) @ screen
    shapes = [(facet_shapes(facets, np.array([which]))[0], GROUND)]
    if usable is not None:
        shapes.append((usable.shapes[which], GOOD))
    for shape, colour in shapes:
        for piece in getattr(shape, "geoms", [shape]):
            for k, ring in enumerate([piece.exterior, *piece.interiors]):
                points = np.asarray(ring.coords)[:, :2] @ grid
                axes.fill(
                    *points.T,
                    facecolor="white" if k else colour,
                    edgecolor=EDGE,
                    linewidth=0.8,
                )
    mine = np.flatnonzero(layout.facet == which)
    flat = (layout.corners[mine] - facets.corner[which]) @ screen
    if len(mine):
        axes.add_collection(
            PolyCollection(list(flat), facecolor=CELLS, edgecolor="white", linewidth=0.4)
        )
    axes.set_aspect("equal")
    axes.set_xlabel("m")
    power = len(mine) * layout.module.power
    axes.set_title(f"{facet}: {len(mine):,} modules, {power:,.1f} kWp", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def draw_cost_curve(curve: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the cost of power over the energy that is to be had for it.

    Parameters
    ----------
    curve : DataFrame
        `meshes.solar.power.economy.cost_curve`.
    ax : Axes, optional
        Where to draw.

    Raises
    ------
    TableError
        If the curve has no rows.
    """
    if curve.empty:
        message = "a cost curve needs at least one roof or facade, got none"
        raise TableError(message)
    axes = Figure(figsize=(8, 5), layout="constrained").add_subplot() if ax is None else ax
    right = curve["cumulative_kwh"].to_numpy() / 1e6
    left = right - curve["kwh"].to_numpy() / 1e6
    cost = curve["sek_per_kwh"].to_numpy()
    for kind, colour in KINDS.items():
        mine = (curve["kind"] == kind).to_numpy()
        if mine.any():
            bars: list[FloatArray] = [
                np.array([(a, 0), (b, 0), (b, c), (a, c)])
                for a, b, c in zip(left[mine], right[mine], cost[mine], strict=True)
            ]
            axes.add_collection(
                PolyCollection(bars, facecolor=colour, edgecolor=colour, label=kind)
            )
    # A handful of tiny, badly lit pieces must not squeeze the others.
    shown = np.interp(0.98, right / right[-1], cost)
    axes.set_xlim(0, right[-1])
    axes.set_ylim(0, 1.15 * shown)
    axes.set_xlabel("GWh a year, best first")
    axes.set_ylabel("SEK/kWh over the lifetime")
    axes.legend(frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    return axes
