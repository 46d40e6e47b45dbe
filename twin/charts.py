"""Draw the light of months and directions, and a building's day."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from twin.columns import LIGHT
from twin.district_solar import FACINGS
from twin.web.month_chart import MONTHS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, GRID = "#1d2730", "#56616b", "#d8d3c8"
ROOF, FACADE = "#e8702a", "#7b2a6f"
SUN, METER, HEAT, POWER = "#c9c2b2", "#0072b2", "#d55e00", "#009e73"

DOTS = 100
"""Pixels of an inch."""

WIDE = (8.2, 3.8)
"""Width and height of a chart [inches]."""

HIGHER = (8.2, 5.6)
"""The same with two panels."""


def draw_months(table: pd.DataFrame, *, label: str, ax: "Axes | None" = None) -> "Axes":
    """Draw light on roofs and facades by month.

    Parameters
    ----------
    table : DataFrame
        As `Solar.monthly` returns it.
    label : str
        Label and credits.
    ax : Axes, optional
        Where to draw.
    """
    ax = ax or chart(WIDE)
    place = np.arange(12)
    for shift, column, name, colour in (
        (-0.2, "roof_kwh_m2", "roofs", ROOF),
        (0.2, "facade_kwh_m2", "facades", FACADE),
    ):
        values = table[column].to_numpy(np.float64)
        told = f"{name}, {np.nansum(values):,.0f} kWh/m² in a year"
        ax.bar(place + shift, values, 0.38, color=colour, label=told)
    ax.set_xticks(place, MONTHS)
    finish(ax, "Light by month, mean of the area", "kWh/m² per month", label)
    ax.legend(frameon=False, fontsize=9.5)
    return ax


def draw_facings(facades: pd.DataFrame, *, label: str, ax: "Axes | None" = None) -> "Axes":
    """Draw light on facades by the direction they face.

    Parameters
    ----------
    facades : DataFrame
        Rows of `Solar.facades`.
    label : str
        Label and credits.
    ax : Axes, optional
        Where to draw.
    """
    ax = ax or chart(WIDE)
    groups = facades.groupby("facing", observed=False)[["kwh", "open_m2"]].sum()
    groups = groups.reindex(FACINGS[:8])
    light = groups["kwh"] / groups["open_m2"].where(groups["open_m2"] > 0)
    bars = ax.bar(range(8), light.fillna(0.0), 0.7, color=FACADE)
    told = [
        f"{value:,.0f}\n{area:,.0f} m²" if np.isfinite(value) else "none"
        for value, area in zip(light, groups["open_m2"], strict=True)
    ]
    ax.bar_label(bars, told, fontsize=9, color=INK, padding=2)
    ax.set_xticks(range(8), FACINGS[:8])
    ax.margins(y=0.2)
    finish(ax, "Light on facades by direction, mean of the area", LIGHT, label)
    return ax


def draw_day(table: pd.DataFrame, *, title: str, label: str) -> "Figure":
    """Draw what is expected and metered on a day.

    Parameters
    ----------
    table : DataFrame
        As `DistrictBuilding.day` returns it.
    title : str
        Name of the building.
    label : str
        Label and credits.
    """
    metered = [
        (column, colour, what)
        for prefix, colour, what in (
            ("heat_kw_", HEAT, "heat"),
            ("electricity_kw_", POWER, "electricity used"),
        )
        for column in table.columns
        if column.startswith(prefix)
    ]
    figure = plt.figure(figsize=HIGHER if metered else WIDE, dpi=DOTS, layout="constrained")
    panels = figure.subplots(2 if metered else 1, sharex=True, squeeze=False)[:, 0]
    start = pd.Timestamp(table.index[0])
    hours = pd.DatetimeIndex(table.index)
    # Hours since midnight, not hands of the clock: it stands still once a year.
    edges = np.arange(len(hours) + 1)
    top = panels[0]
    top.stairs(
        table["pv_kw_expected"], edges, fill=True, color=SUN, label="expected, typical year"
    )
    for column in [c for c in table.columns if c.startswith("pv_kw_")]:
        if column != "pv_kw_expected":
            source = column.removeprefix("pv_kw_")
            top.stairs(
                table[column], edges, color=METER, linewidth=2, label=f"meter, {source}",
                baseline=None,
            )  # fmt: skip
    for column, colour, what in metered:
        source = column.rsplit("_kw_", 1)[1]
        panels[1].stairs(
            table[column], edges, color=colour, linewidth=2, baseline=None,
            label=f"{what}, {source}",
        )  # fmt: skip
    names = (f"{title}, {start.day} {start:%B %Y}: solar power", "Heat and electricity")
    if any(column.endswith("_simulated") for column in table.columns):
        label = f"Meters: simulated, not measured. {label}"
    for number, (panel, name) in enumerate(zip(panels, names, strict=False)):
        last = number == len(panels) - 1
        finish(panel, name, "kW", label if last else "")
        panel.legend(frameon=False, fontsize=9.5, loc="upper left")
        # Room for the names above the lines.
        panel.set_ylim(0, 1.3 * panel.get_ylim()[1])
    whole = [k for k, hour in enumerate(hours.hour) if hour % 3 == 0]
    clock = [*(f"{hours[k]:%H:%M}" for k in whole), "24:00"]
    panels[-1].set_xticks([*whole, len(hours)], clock)
    panels[-1].set_xlim(0, len(hours))
    panels[-1].set_xlabel(f"clock of Helsingborg ({start:%Z})", color=INK, fontsize=9.5)
    return figure


def chart(size: tuple[float, float]) -> "Axes":
    """Return empty axes."""
    return plt.figure(figsize=size, dpi=DOTS, layout="constrained").add_subplot()


def finish(ax: "Axes", title: str, unit: str, label: str) -> None:
    """Write title, unit and credits, and take off what distracts."""
    ax.set_title(title, loc="left", fontsize=13, color=INK, fontweight="bold", pad=8)
    ax.set_ylabel(unit, color=INK, fontsize=9.5)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(QUIET)
    ax.grid(axis="y", color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(colors=INK, labelsize=9.5, length=0)
    if label:
        ax.figure.text(0.01, -0.01, "\n".join(textwrap.wrap(label, 120)), va="top",
                       fontsize=8.5, color=QUIET)  # fmt: skip
