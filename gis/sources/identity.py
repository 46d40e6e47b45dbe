"""Give the pieces of buildings names that stay the same at the next import."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

_AREA_DIGITS = 12
"""Digits of an area that count: a hundredth of a square metre if it is in degrees."""

Texts = npt.NDArray[np.object_]
Polygons = npt.NDArray[np.object_]


def drop_repeats(frame: gpd.GeoDataFrame, ids: Texts) -> tuple[gpd.GeoDataFrame, int]:
    """Leave out rows that repeat both the identity and the outline of another.

    Parameters
    ----------
    frame : GeoDataFrame
        Any table.
    ids : (n,) object
        Identity of each row.

    Returns
    -------
    frame : GeoDataFrame
        The first of each, with a new index.
    count : int
        How many were left out.
    """
    repeated = pd.Series(ids).duplicated(keep=False).to_numpy(copy=True)
    shapes = shapely.normalize(shapely.force_2d(frame.geometry.to_numpy()[repeated]))
    pairs = pd.DataFrame({"id": ids[repeated], "outline": shapely.to_wkb(shapes)})
    repeated[repeated] = pairs.duplicated().to_numpy()
    return frame[~repeated].reset_index(drop=True), int(repeated.sum())


def number_parts(ids: Texts, polygons: Polygons) -> list[str]:
    """Name the pieces of each building apart.

    Parameters
    ----------
    ids : (n,) object
        Identity of the building of each piece.
    polygons : (n,) object
        Outlines of the pieces.

    Returns
    -------
    list of str
        The identity alone where it occurs once, else the identity, a hyphen and a number:
        1 for the largest piece, equal ones from west to east. The order of rows does not
        matter. All names are different.
    """
    area = shapely.area(polygons)
    centre = shapely.centroid(polygons)
    x, y = shapely.get_x(centre), shapely.get_y(centre)
    order = np.lexsort((y, x, -area.round(_AREA_DIGITS), ids))
    by_id = pd.Series(ids[order])
    number = np.empty(len(ids), dtype=np.intp)
    number[order] = by_id.groupby(by_id).cumcount().to_numpy() + 1
    shared = pd.Series(ids).duplicated(keep=False).to_numpy()
    taken = set(ids.tolist())
    names = []
    for identity, n, is_shared in zip(ids, number, shared, strict=True):
        name = str(identity)
        if is_shared:
            name = f"{identity}-{n}"
            while name in taken:
                name += "'"
            taken.add(name)
        names.append(name)
    return names
