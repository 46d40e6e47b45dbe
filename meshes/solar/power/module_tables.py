"""Hand out laid modules as tables and maps."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.crs import PLAN
from gis.vector_files import write_map
from meshes.polygons import FloatArray
from meshes.solar.power.layout import Layout

ABOUT = {
    "title": "Solar modules as they fit on roofs and facades",
    "source": "computed; set-backs, taken shares and mounting are assumptions",
}


def layout_table(layout: Layout) -> pd.DataFrame:
    """Return a row a module.

    Returns
    -------
    DataFrame
        Index ``module``, from 1 on; ``facet``, ``part``, ``row``, ``string`` (counted from
        1), ``tilt_degrees``, ``azimuth_degrees`` (clockwise from north, NaN of level
        modules), ``kwp``, ``area_m2``.
    """
    facets = layout.facets
    normal = layout.normal
    azimuth = np.degrees(np.arctan2(normal[:, 0], normal[:, 1])) % 360.0
    level = normal[:, 2] > 1 - 1e-9
    return pd.DataFrame(
        {
            "facet": [facets.ids[k] for k in layout.facet],
            "part": [facets.solids.parts[k] for k in facets.part[layout.facet]],
            "row": layout.row + 1,
            "string": layout.string + 1,
            "tilt_degrees": np.degrees(np.arccos(np.clip(normal[:, 2], -1, 1))).round(3),
            "azimuth_degrees": np.where(level, np.nan, azimuth.round(3)),
            "kwp": layout.module.power,
            "area_m2": layout.module.area,
        },
        index=pd.RangeIndex(1, len(layout) + 1, name="module"),
    )


def module_map(layout: Layout, *, origin: FloatArray | None = None) -> gpd.GeoDataFrame:
    """Return the table of modules with their outlines in space.

    Parameters
    ----------
    layout : Layout
        The modules.
    origin : (3,) float, optional
        Local origin [m]; that of the facets' solids by default.

    Returns
    -------
    GeoDataFrame
        `layout_table` with polygons in EPSG:3008, heights in RH2000 [m].
    """
    start = layout.facets.solids.origin if origin is None else origin
    rings = np.concatenate([layout.corners, layout.corners[:, :1]], axis=1) + start
    return gpd.GeoDataFrame(
        layout_table(layout).reset_index(), geometry=shapely.polygons(rings), crs=PLAN
    )


def write_modules(path: Path, layout: Layout, *, origin: FloatArray | None = None) -> None:
    """Write the outlines of modules as GeoPackage or GeoJSON, by the ending of the path.

    Parameters
    ----------
    path : Path
        File to write; its corners have heights.
    layout : Layout
        The modules.
    origin : (3,) float, optional
        As in `module_map`.

    Raises
    ------
    OutputError
        If the file is called otherwise or cannot be written.
    """
    write_map(path, module_map(layout, origin=origin), layer="modules", about=ABOUT)
