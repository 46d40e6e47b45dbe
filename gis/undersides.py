"""Tell at which level the bodies of buildings begin."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gis.attributes import feature_names, find_columns, read_numbers
from gis.faults import count_things, name_some
from gis.heights import HIGHEST, LEAST_RISE, STOREY

UNDERSIDE_COLUMNS = ("underside", "min_height", "building:min_height", "minheight")
"""Columns that may tell how far above the ground a part begins [m], in order of trust."""

FLOOR_COLUMNS = ("building:min_level", "min_level", "min_floor")
"""Columns that may tell how many storeys there are not below a part: of OpenStreetMap and
of Overture, which took it over."""

SEAM = 1e-6
"""Heights that two parts over each other may have in common by rounding [m]."""

Flags = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]


def read_undersides(
    frame: gpd.GeoDataFrame, height: FloatArray
) -> tuple[FloatArray, tuple[str, ...]]:
    """Read how far above the ground the parts of a table begin.

    Parameters
    ----------
    frame : GeoDataFrame
        Buildings with any columns; those of `UNDERSIDE_COLUMNS` come first, then those of
        `FLOOR_COLUMNS` times `gis.heights.STOREY`.
    height : (n,) float
        Heights of their tops above the ground [m], NaN unknown.

    Returns
    -------
    underside : (n,) float
        Level of the lower face above the ground [m]; 0 where a part stands on the ground,
        or nothing is told.
    notes : tuple of str
        What was read, assumed and not believed, with counts.
    """
    notes: list[str] = []
    if not find_columns(frame, (*UNDERSIDE_COLUMNS, *FLOOR_COLUMNS)):
        return np.zeros(len(frame)), ()
    names = feature_names(frame)
    told, _ = read_numbers(frame, UNDERSIDE_COLUMNS, names, notes)
    floors, _ = read_numbers(frame, FLOOR_COLUMNS, names, notes)
    by_floor = np.isnan(told) & (floors > 0.0)
    underside = np.where(by_floor, floors * STOREY, told)
    # A cellar begins below the ground, and its building stands on it all the same.
    underside = np.where(underside > 0.0, underside, 0.0)
    with np.errstate(invalid="ignore"):
        odd = (underside > HIGHEST) | (underside > height - LEAST_RISE)
    odd &= underside > 0.0
    if odd.any():
        some = [f"{n}: {u:g} m" for n, u in zip(names[odd], underside[odd], strict=True)]
        notes.append(
            f"{count_things(len(some), 'underside')} not {LEAST_RISE:g} m below the top, "
            f"taken as standing on the ground ({name_some(some)})"
        )
    underside = np.where(odd, 0.0, underside)
    assumed = int((by_floor & (underside > 0.0)).sum())
    if assumed:
        count = count_things(assumed, "underside")
        notes.append(f"{count} assumed as {STOREY:g} m a storey below")
    raised = int((underside > 0.0).sum())
    if raised:
        notes.append(f"{count_things(raised, 'footprint')} beginning above the ground")
    return underside, tuple(notes)


def is_raised(buildings: pd.DataFrame) -> Flags:
    """Tell which parts do not stand on the ground.

    Parameters
    ----------
    buildings : DataFrame
        Column ``underside`` [m above ground] if any is raised.

    Returns
    -------
    (n,) bool
    """
    if "underside" not in buildings.columns:
        return np.zeros(len(buildings), np.bool_)
    return buildings["underside"].to_numpy(np.float64) > 0.0


def bottom_levels(buildings: pd.DataFrame) -> FloatArray:
    """Return the level of the lower face of each part [m RH2000].

    Parameters
    ----------
    buildings : DataFrame
        Column ``base`` [m RH2000]; where a column ``underside`` [m above ground] is above
        0 also ``top`` [m RH2000] and ``height`` [m above ground].

    Returns
    -------
    (n,) float
        The base of what stands on the ground. A raised part is counted from the ground
        that its top is counted from, so that it is as thick as its height less its
        underside.

    Examples
    --------
    >>> table = {"base": [2.0, 2.0], "top": [13.0, 13.0], "height": [10.0, 10.0]}
    >>> bottom_levels(pd.DataFrame(table | {"underside": [0.0, 4.0]})).tolist()
    [2.0, 7.0]
    """
    base = buildings["base"].to_numpy(np.float64)
    raised = is_raised(buildings)
    if not raised.any():
        return base
    top, height, underside = (
        buildings[column].to_numpy(np.float64) for column in ("top", "height", "underside")
    )
    return np.where(raised, top - height + underside, base)


def share_heights(buildings: pd.DataFrame, one: Positions, other: Positions) -> Flags:
    """Tell which pairs of parts stand at the same height somewhere.

    Parameters
    ----------
    buildings : DataFrame
        As for `bottom_levels`, with ``top`` [m RH2000].
    one, other : (p,) int
        Pairs of rows.

    Returns
    -------
    (p,) bool
        False where one part ends at or below the underside of the other.
    """
    bottom, top = bottom_levels(buildings), buildings["top"].to_numpy(np.float64)
    meet: Flags = (
        np.maximum(bottom[one], bottom[other]) < np.minimum(top[one], top[other]) - SEAM
    )
    return meet
