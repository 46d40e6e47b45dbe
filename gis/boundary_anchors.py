"""Turn the anchors of a boundary into landmarks of a district."""

import re
import unicodedata
from collections.abc import Mapping

import geopandas as gpd
import pandas as pd
import shapely

from gis.boundary_layers import metric_plan
from gis.boundary_parts import find_anchors
from gis.boundary_recipe import ANCHOR_KINDS, Anchor, BoundaryRecipe
from gis.crs import to_plan
from gis.district import LANDMARK_COLUMNS

ASSUMED_ACCURACY = 50.0
"""Accuracy of a place of which none is stated [m]; assumed: a large building or a corner of
it. Labels of landmarks need a number."""

_NO_LETTERS = re.compile(r"[^a-z0-9]+")


def anchor_points(
    recipe: BoundaryRecipe,
    *,
    places: Mapping[str, shapely.Geometry] | None = None,
    within: shapely.Geometry | None = None,
) -> gpd.GeoDataFrame:
    """Anchors of a recipe as landmarks of a district.

    Parameters
    ----------
    recipe : BoundaryRecipe
        Names the anchors.
    places : mapping of str to geometry, optional
        More named places, in the plan of the recipe [m]; they go before those of files.
    within : Polygon or MultiPolygon, optional
        Boundary in the plan of the recipe. Of an anchor with an area or a length the point
        is taken on the part inside.

    Returns
    -------
    GeoDataFrame
        Index ``landmark``, unique text made of the name. Columns ``name``, ``kind`` ("hub"
        unless the recipe says "landmark"), ``accuracy`` [m], ``basis``. Points in
        EPSG:3008, in the order of the walk; a place that the walk passes twice once.

    Raises
    ------
    TableError
        If an anchor has a name that no place has.
    CrsError
        If a place lies where EPSG:3008 does not hold.
    SourceError, GeometryError
        If a file of places cannot be used.

    Notes
    -----
    The point of an area is its centroid, or where that lies outside of it (a courtyard) a
    point on it.
    """
    plan = metric_plan(recipe.plan)
    _, shapes, sources = find_anchors(recipe, plan, places=places)
    table = anchor_table(recipe, shapes, sources, within=within).set_crs(plan)
    return to_plan(table)


def anchor_table(
    recipe: BoundaryRecipe,
    shapes: tuple[shapely.Geometry, ...],
    sources: tuple[str, ...],
    *,
    within: shapely.Geometry | None = None,
) -> gpd.GeoDataFrame:
    """Anchors of a recipe as a table in its own plan.

    Parameters
    ----------
    recipe : BoundaryRecipe
        Names the anchors.
    shapes, sources : tuple
        Places and names of their files, as `gis.boundary_parts.find_anchors` gives them.
    within : Polygon or MultiPolygon, optional
        Where the points should lie.

    Returns
    -------
    GeoDataFrame
        As `anchor_points`, without a reference system.
    """
    rows: dict[tuple[str, float, float], dict[str, object]] = {}
    for anchor, shape, source in zip(recipe.anchors, shapes, sources, strict=True):
        inside = shape if within is None else shape.intersection(within)
        point = _point_of(shape if inside.is_empty else inside)
        row = {**_describe(anchor, source), "geometry": point}
        rows.setdefault((str(row["name"]).casefold(), point.x, point.y), row)
    ids = unique_ids([str(row["name"]) for row in rows.values()])
    return gpd.GeoDataFrame(
        list(rows.values()),
        columns=[*LANDMARK_COLUMNS, "geometry"],
        index=pd.Index(ids, name="landmark", dtype=object),
        geometry="geometry",
    )


def _describe(anchor: str | Anchor, source: str) -> dict[str, object]:
    """Name, kind, accuracy and basis of an anchor."""
    if isinstance(anchor, str):
        name, kind, accuracy = anchor, ANCHOR_KINDS[0], None
        basis = f"place of that name in {source}" if source else "given place of that name"
    else:
        name, kind, accuracy = anchor.name, anchor.kind, anchor.accuracy
        basis = anchor.basis or f"coordinates of the recipe in {anchor.crs}"
    if accuracy is None:
        accuracy = ASSUMED_ACCURACY
        basis += f"; accuracy not stated, {ASSUMED_ACCURACY:g} m assumed"
    return {"name": name, "kind": kind, "accuracy": accuracy, "basis": basis}


def _point_of(shape: shapely.Geometry) -> shapely.Point:
    """Centroid of a shape, or a point on it where the centroid lies outside."""
    middle = shapely.force_2d(shape.centroid)
    return middle if shape.intersects(middle) else shapely.point_on_surface(shape)


def unique_ids(names: list[str]) -> list[str]:
    """Make texts that serve as keys out of names.

    Parameters
    ----------
    names : list of str
        Any texts.

    Returns
    -------
    list of str
        Unique; small letters without accents, digits and hyphens.

    Examples
    --------
    >>> unique_ids(["Öresundsverket", "Norra hamnen 4", "norra  hamnen: 4", "港"])
    ['oresundsverket', 'norra-hamnen-4', 'norra-hamnen-4-2', 'anchor']
    """
    ids: dict[str, None] = {}
    for name in names:
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        stem = _NO_LETTERS.sub("-", plain.lower()).strip("-") or "anchor"
        chosen, count = stem, 1
        while chosen in ids:
            count += 1
            chosen = f"{stem}-{count}"
        ids[chosen] = None
    return list(ids)
