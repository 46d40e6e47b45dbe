"""Set when buildings were built, where somebody answers for it."""

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.faults import count_things, name_some


def set_built(
    frame: gpd.GeoDataFrame, matched: pd.DataFrame
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Set when buildings were built, where somebody answers for it.

    Parameters
    ----------
    frame : GeoDataFrame
        Buildings with unique ids as index; ``year`` (NaN unknown) if there.
    matched : DataFrame
        As `match_declared` gives for them.

    Returns
    -------
    frame : GeoDataFrame
        A copy with the declared years in ``year``, whatever was there.
    notes : tuple of str
        How many years were not known before, and which were others.

    Examples
    --------
    >>> houses = gpd.GeoDataFrame({"year": [np.nan, 2019.0, 1930.0]}, index=["a", "b", "c"])
    >>> told = {"built": [2020.0, 2021.0], "built_source": ["builder", "permit"]}
    >>> dated, notes = set_built(houses, pd.DataFrame(told, index=["a", "b"]))
    >>> dated["year"].to_list()
    [2020.0, 2021.0, 1930.0]
    >>> notes[1]
    '1 year of building other than stated, the declared taken (b: 2021 by permit, not 2019)'
    """
    declared = matched["built"].dropna()
    if declared.empty:
        return frame, ()
    year = pd.Series(np.nan, index=frame.index)
    if "year" in frame.columns:
        year = frame["year"].astype(np.float64)
    before = year[declared.index]
    notes = []
    unknown = int(before.isna().sum())
    if unknown:
        count = count_things(unknown, "year")
        notes.append(f"{count} of building unknown, taken as declared")
    other = before[before.notna() & (before != declared)].index
    if len(other):
        source = matched["built_source"]
        told = [
            f"{part}: {declared[part]:.0f} by {source[part]}, not {before[part]:.0f}"
            for part in other
        ]
        notes.append(
            f"{count_things(len(told), 'year')} of building other than stated, "
            f"the declared taken ({name_some(told)})"
        )
    return frame.assign(year=declared.reindex(frame.index).fillna(year)), tuple(notes)
