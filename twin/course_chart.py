"""Draw the course of a point."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from twin.charts import METER, QUIET, WIDE, chart, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = (METER, "#d55e00", "#009e73", "#cc79a7")
"""Colours of points drawn one over the other."""


def draw_course(
    course: pd.DataFrame,
    gaps: pd.DataFrame,
    *,
    title: str,
    unit: str,
    label: str,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw means with the band from least to largest, or amounts as bars; gaps in grey.

    Parameters
    ----------
    course, gaps : DataFrame
        As `Measured.course` and `Measured.gaps` return them.
    title : str
        Name of the point.
    unit : str
    label : str
        Label and credits.
    ax : Axes, optional
        Where to draw; what is there stays.
    """
    first = ax is None
    ax = chart(WIDE) if ax is None else ax
    drawn = len(ax.lines)
    colour = LINES[drawn % len(LINES)]
    start = pd.DatetimeIndex(course.index)
    step = start[1] - start[0] if len(start) > 1 else pd.Timedelta(hours=1)
    # A value stands from the start of its step to its end, as on a meter's printout.
    edges = start.append(pd.DatetimeIndex([start[-1] + step])) if len(start) else start
    column = "amount" if "amount" in course else "mean"
    values = course[column].to_numpy(np.float64)
    ax.plot(
        edges, np.append(values, values[-1:]), drawstyle="steps-post", color=colour,
        linewidth=1.6, label=title,
    )  # fmt: skip
    if column == "mean":
        ax.fill_between(
            edges,
            np.append(course["low"], course["low"].iloc[-1:]),
            np.append(course["high"], course["high"].iloc[-1:]),
            step="post", color=colour, alpha=0.18, linewidth=0,
        )  # fmt: skip
    for begin, end in zip(gaps["start"], gaps["end"], strict=True):
        ax.axvspan(begin, end, color=QUIET, alpha=0.13, linewidth=0)
    if first:
        per = "" if column == "mean" else f" in steps of {_words(step)}"
        finish(ax, title, f"{unit}{per}", label)
        where: Any = AutoDateLocator(tz=start.tz)  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_locator(where)
        words = ConciseDateFormatter(where, tz=start.tz)  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_formatter(words)
    else:
        ax.set_title("", loc="left")
        ax.legend(frameon=False, fontsize=9.5)
    return ax


def _words(step: pd.Timedelta) -> str:
    """Return a length of time in words."""
    hours = step / pd.Timedelta(hours=1)
    if hours >= 24 and hours % 24 == 0:
        return f"{hours / 24:g} d"
    return f"{hours:g} h" if hours >= 1 else f"{hours * 60:g} min"
