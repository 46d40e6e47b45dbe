"""Read the parapets of flat roofs."""

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.attributes import feature_names, find_columns, read_numbers
from gis.errors import TableError
from gis.faults import count_things

HEIGHT_COLUMNS = ("parapet_height", "roof:parapet:height", "parapet:height", "parapet")
WIDTH_COLUMNS = ("parapet_width", "roof:parapet:width", "parapet:width")
"""Columns that tell of parapets [m], in order of trust."""

PARAPET_COLUMNS = ("parapet_height", "parapet_width")
"""Columns of parapets in a table of buildings."""

PARAPET_WIDTH = 0.3
"""Width of a parapet that tells none [m], assumed: about an outer wall."""

LEAST_PARAPET, MOST_PARAPET = 0.05, 3.0
"""Heights that a parapet can have [m]: below it is an edging, above it a storey."""

WIDEST = 2.0
"""Width above which it is no parapet [m]."""


def read_parapets(
    frame: gpd.GeoDataFrame, *, assumed: float | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read how high and wide the rims of roofs are.

    Parameters
    ----------
    frame : GeoDataFrame
        Buildings with any columns; those of `HEIGHT_COLUMNS` and `WIDTH_COLUMNS` are read.
    assumed : float, optional
        Height that parapets get of which nothing is told [m]; by default there are none.

    Returns
    -------
    parapets : DataFrame
        Same index: `PARAPET_COLUMNS` [m], NaN where there is no parapet. Only flat roofs
        get one, whatever is told here.
    notes : tuple of str
        What was assumed or not believed, with counts.

    Raises
    ------
    TableError
        If the assumed height cannot be that of a parapet.
    """
    if assumed is not None and not LEAST_PARAPET <= assumed <= MOST_PARAPET:
        message = (
            f"a parapet must be {LEAST_PARAPET:g}..{MOST_PARAPET:g} m high, got "
            f"{assumed:g} m; leave it out for roofs without one"
        )
        raise TableError(message)
    unknown = np.full(len(frame), np.nan)
    notes: list[str] = []
    height, width = unknown, unknown
    if find_columns(frame, HEIGHT_COLUMNS):
        names = feature_names(frame)
        height, _ = read_numbers(frame, HEIGHT_COLUMNS, names, notes)
        width, _ = read_numbers(frame, WIDTH_COLUMNS, names, notes)
    untold = np.isnan(height)
    odd = ~untold & ~((height <= MOST_PARAPET) & (height >= 0.0))
    if odd.any():
        count = count_things(int(odd.sum()), "height")
        notes.append(f"{count} of parapets outside 0..{MOST_PARAPET:g} m, left out")
    height = np.where(odd | (height < LEAST_PARAPET), np.nan, height)
    if assumed is not None:
        height = np.where(untold, assumed, height)
        count = count_things(int(untold.sum()), "parapet")
        notes.append(f"{count} assumed {assumed:g} m high where the roof is flat")
    has = ~np.isnan(height)
    told = (width > 0.0) & (width <= WIDEST)
    width = np.where(has, np.where(told, width, PARAPET_WIDTH), np.nan)
    if (has & ~told).any():
        count = count_things(int((has & ~told).sum()), "parapet")
        notes.append(f"{count} of unknown width, assumed {PARAPET_WIDTH:g} m")
    table = pd.DataFrame(
        {"parapet_height": height, "parapet_width": width}, index=frame.index
    )
    return table, tuple(notes)
