"""Gather the trees of a district from a table and a point cloud."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from gis.crs import PLAN
from gis.district import TREE_COLUMNS
from gis.faults import count_things
from gis.surveys import Clouds, trees_of_clouds
from gis.terrain import Terrain
from gis.trees import SPECIES, merge_trees, read_trees


def read_tree_layer(
    path: Path | None, clouds: Clouds | None, solid: gpd.GeoDataFrame, ground: Terrain
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Read trees from a file, and find them in a cloud where the file has none.

    Parameters
    ----------
    path : Path or None
        Trees as `gis.trees.read_trees` takes them.
    clouds : Clouds or None
        Points of a survey.
    solid : GeoDataFrame
        Buildings, in which no tree is looked for.
    ground : Terrain
        Trees beyond it are left out.

    Returns
    -------
    trees : GeoDataFrame
        As `gis.district.District.trees`.
    notes : tuple of str
        What was left out and found.
    """
    trees = empty_points(TREE_COLUMNS, "tree")
    notes: tuple[str, ...] = ()
    if path is not None:
        trees, notes = read_trees(Path(path))
        inside = trees.intersects(shapely.box(*ground.grid.bounds))
        if not inside.all():
            count = count_things(int((~inside).sum()), "tree")
            notes += (f"{count} off the terrain left out",)
            trees = trees[inside]
    if clouds is not None:
        seen, told = trees_of_clouds(clouds, solid, ground)
        notes = (*notes, *told)
        if len(seen):
            if path is None:
                trees, told = seen, ()
            else:
                trees, told = merge_trees(trees, seen)
            notes = (*notes, *told)
    known = [column for column in SPECIES if column in trees.columns]
    return trees[[*TREE_COLUMNS, *known, "geometry"]].rename_axis("tree"), notes


def empty_points(columns: tuple[str, ...], index: str) -> gpd.GeoDataFrame:
    """Table of no points with the right columns."""
    kinds = {"height": float, "crown_radius": float, "accuracy": float}
    data = {c: pd.Series([], dtype=kinds.get(c, object)) for c in columns}
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries([], crs=PLAN)).rename_axis(index)
