"""Raise the buildings of a district with the roofs that are known of them."""

import geopandas as gpd
import numpy as np

from gis.stacks import levels_above
from meshes.polygons import FloatArray
from meshes.roofs.lod2 import RoofReport, lod2_solids
from meshes.solids import Solids


def raise_buildings(
    buildings: gpd.GeoDataFrame, *, origin: FloatArray | None = None
) -> tuple[Solids, RoofReport]:
    """Make closed solids of buildings: with roofs where their form is known, else blocks.

    Parameters
    ----------
    buildings : GeoDataFrame
        As `gis.district.District.buildings`. Where eaves and ridge were measured they
        decide; else ``top`` is the ridge.
    origin : (3,) float, optional
        Local origin [m]; by default a round point in the middle.

    Returns
    -------
    solids : Solids
        One for each part, in the order of the table.
    report : RoofReport
        What was made of each, and why it is simpler than told.

    Raises
    ------
    TableError, GeometryError
        See `meshes.roofs.lod2.lod2_solids`.

    Notes
    -----
    The ``height`` of a surveyed building is the level that most of its roof lies below: the
    best height of a block, but not that of a ridge. A ridge that would reach into a part
    above is cut to its underside.
    """
    sloped = ~buildings["roof_shape"].isin(["", "flat"])
    measured = (sloped & buildings["ridge"].gt(buildings["eaves"])).to_numpy()
    ground = buildings["top"] - buildings["height"]
    ridge = np.where(measured, ground + buildings["ridge"], buildings["top"])
    top = np.minimum(ridge, levels_above(buildings))
    told = buildings.assign(
        top=top,
        # Undersides are counted from the ground, which must stay where it is.
        height=top - ground,
        eaves=np.where(measured, ground + buildings["eaves"], np.nan),
    )
    return lod2_solids(told, origin=origin)
