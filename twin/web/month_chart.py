"""Draw the twelve months as inline SVG bars with a table behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from meshes.polygons import FloatArray
from twin.web.figures import whole

MONTHS = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)

WIDTH, HEIGHT = 460.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 4.0, 12.0, 26.0
BARS = 0.74
"""Share of a month's width that its bars take."""


@dataclass(frozen=True)
class Series:
    """One value a month.

    Attributes
    ----------
    name : str
        What it is.
    kind : str
        CSS class of its bars.
    monthly : (12,) float
        January to December.
    """

    name: str
    kind: str
    monthly: FloatArray


def month_chart(title: str, unit: str, series: Sequence[Series]) -> str:
    """Return a figure with bars, a key if there are several series, and a table."""
    highest = max(float(np.nanmax(one.monthly)) for one in series)
    step = _tick_step(highest)
    top = step * max(1, int(np.ceil(highest / step - 1e-9)))
    plot_high, plot_wide = HEIGHT - TOP - BOTTOM, WIDTH - LEFT - RIGHT
    shapes = []
    for tick in np.arange(0.0, top + step / 2, step):
        y = TOP + plot_high * (1 - tick / top)
        shapes.append(f'<path class="grid" d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}"/>')
        shapes.append(f'<text class="y" x="{LEFT - 7:g}" y="{y + 4:.1f}">{tick:,g}</text>')
    slot = plot_wide / 12
    bar = slot * BARS / len(series)
    for month, label in enumerate(MONTHS):
        start = LEFT + slot * (month + (1 - BARS) / 2)
        for number, one in enumerate(series):
            high = plot_high * float(one.monthly[month]) / top
            low = TOP + plot_high
            shapes.append(
                f'<rect class="{one.kind}" x="{start + bar * number:.1f}" '
                f'y="{low - high:.1f}" width="{bar - 1:.1f}" height="{high:.1f}">'
                f"<title>{label}, {escape(one.name)}: "
                f"{_value(float(one.monthly[month]))} {escape(unit)}</title></rect>"
            )
        middle = LEFT + slot * (month + 0.5)
        shapes.append(f'<text x="{middle:.1f}" y="{HEIGHT - 8:g}">{label}</text>')
    keys = [f'<span class="key {one.kind}">{escape(one.name)}</span>' for one in series]
    key = "".join(keys) if len(keys) > 1 else ""
    label = escape(f"{title}, {unit}, by month")
    return (
        f'<figure class="chart"><figcaption><b>{escape(title)}</b>, {escape(unit)}{key}'
        f'</figcaption><svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'aria-label="{label}">{"".join(shapes)}</svg>'
        f"{_table(label, series)}</figure>"
    )


def _table(label: str, series: Sequence[Series]) -> str:
    """Return the same numbers to read."""
    head = "".join(f'<th scope="col">{escape(one.name)}</th>' for one in series)
    rows = "".join(
        f'<tr><th scope="row">{month}</th>'
        + "".join(f"<td>{_value(float(one.monthly[k]))}</td>" for one in series)
        + "</tr>"
        for k, month in enumerate(MONTHS)
    )
    total = "".join(f"<td>{whole(float(one.monthly.sum()))}</td>" for one in series)
    return (
        f'<details><summary>The numbers</summary><table aria-label="{label}">'
        f'<thead><tr><th scope="col">Month</th>{head}</tr></thead><tbody>{rows}</tbody>'
        f'<tfoot><tr><th scope="row">Year</th>{total}</tr></tfoot></table></details>'
    )


def _value(value: float) -> str:
    """Return a number with as many digits as are worth reading."""
    return f"{value:,.1f}" if abs(value) < 100 else whole(value)


def _tick_step(highest: float) -> float:
    """Return a round step that gives three to six ticks."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(highest))
    for share in (0.2, 0.5, 1.0, 2.0):
        if highest / (power * share) <= 6:
            return float(power * share)
    return float(power * 2.0)
