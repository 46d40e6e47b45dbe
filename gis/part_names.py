"""Name parts and buildings so that the order of rows has no say."""

import re

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gis.attributes import as_text, given_ids

Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]

_PLACE = re.compile(r"e-?\d+\.\dn-?\d+\.\d")


def is_place_name(name: str) -> bool:
    """Whether an identity was made of the place, for want of a given one.

    Parameters
    ----------
    name : str
        Identity of a building.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_place_name("e99732.5n6213402.0"), is_place_name("way/4711")
    (True, False)
    """
    return _PLACE.fullmatch(name) is not None


def name_parts(
    frame: gpd.GeoDataFrame, polygons: Names, rows: Positions
) -> tuple[gpd.GeoDataFrame, Flags, Flags]:
    """Attach attributes and unique identities to single polygons.

    Parameters
    ----------
    frame : GeoDataFrame
        The layer as it was given.
    polygons : (n,) object
        Repaired outlines.
    rows : (n,) int
        Position in the layer of the feature that each comes from.

    Returns
    -------
    frame : GeoDataFrame
        Index ``part``, first column ``building``, then the columns of the layer.
    unnamed : (n,) bool
        Named by place.
    shared : (n,) bool
        Of an identity that several features share.
    """
    ids = given_ids(frame).to_numpy()[rows]
    unnamed = ids == ""
    if unnamed.any():
        ids = np.where(unnamed, _place_names(polygons, rows), ids)
    area = shapely.area(polygons)
    centre = shapely.get_coordinates(shapely.centroid(polygons))
    order = np.lexsort((centre[:, 1], centre[:, 0], -area.round(3), ids))
    by_id = pd.Series(ids[order])
    number = np.empty(len(ids), dtype=np.intp)
    number[order] = by_id.groupby(by_id).cumcount().to_numpy() + 1
    several = pd.Series(ids).duplicated(keep=False).to_numpy()
    parts = _number_parts(ids, number, several)
    shared = pd.Series(rows).groupby(ids).transform("nunique").to_numpy() > 1
    building = ids
    result = frame.iloc[rows].copy()
    columns = {str(c).lower(): c for c in frame.columns}
    if "part" in columns and "building" in columns:
        named = as_text(result[columns["building"]]).to_numpy()
        building = np.where(named != "", named, ids)
    result = result.drop(
        columns=[c for k, c in columns.items() if k in {"part", "building"}]
    )
    result = result.set_geometry(polygons, crs=frame.crs)
    result.insert(0, "building", building.astype(object))
    result.index = pd.Index(parts, name="part", dtype=object)
    return result, unnamed, shared


def _number_parts(ids: Names, number: Positions, several: Flags) -> list[str]:
    """Names of parts: the identity alone, or with a running number that is still free."""
    taken = {str(i) for i in ids}
    parts = []
    for identity, n, is_one_of_many in zip(ids, number, several, strict=True):
        name = str(identity)
        if is_one_of_many:
            name = f"{identity}-{n}"
            while name in taken:
                name += "'"
            taken.add(name)
        parts.append(name)
    return parts


def _place_names(polygons: Names, rows: Positions) -> Names:
    """Name each row by the centroid of its pieces, to the decimetre."""
    area = shapely.area(polygons)
    centre = shapely.get_coordinates(shapely.centroid(polygons))
    sums = pd.DataFrame({"a": area, "x": centre[:, 0] * area, "y": centre[:, 1] * area})
    total = sums.groupby(rows).transform("sum")
    x, y = total["x"] / total["a"], total["y"] / total["a"]
    return np.array([f"e{u:.1f}n{v:.1f}" for u, v in zip(x, y, strict=True)], dtype=object)
