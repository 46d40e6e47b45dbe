"""Gather what the boundary of a district is built from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import CRS

from gis.boundary_layers import (
    Edge,
    known_name,
    metric_plan,
    read_edges,
    read_places,
    read_water,
    resolve,
)
from gis.boundary_recipe import BoundaryRecipe
from gis.errors import GeometryError
from gis.faults import name_some

ONE_PLACE = 1.0
"""Anchors that lie closer than this are one [m]."""

WIDEST = 50_000.0
"""Anchors of one district lie within this, and so does its reach [m]; what is farther is an
error of coordinates."""

MOST_ANCHORS = 500
"""Anchors of one district: a walk by more could cross itself a million times."""


@dataclass(frozen=True)
class BoundaryParts:
    """What the boundary of a district is built from, in one plan.

    Attributes
    ----------
    plan : CRS
        Metric reference system of all geometries.
    names : tuple of str
        Names of the anchors.
    anchors : tuple of Geometry
        Their places, in the same order: that of the walk.
    sources : tuple of str
        Names of the files the places are from; "" for coordinates and given places.
    water : Polygon or MultiPolygon or None
        Open water.
    edges : tuple of Edge
        Natural edges.
    """

    plan: CRS
    names: tuple[str, ...]
    anchors: tuple[shapely.Geometry, ...]
    sources: tuple[str, ...]
    water: shapely.Geometry | None
    edges: tuple[Edge, ...]


def gather_parts(
    recipe: BoundaryRecipe,
    *,
    places: Mapping[str, shapely.Geometry] | None = None,
    water: shapely.Geometry | None = None,
    edges: Sequence[shapely.LineString] = (),
) -> BoundaryParts:
    """Read what a recipe names and bring it to its plan.

    Parameters
    ----------
    recipe : BoundaryRecipe
        Names files and anchors.
    places : mapping of str to geometry, optional
        More named places, in the plan [m]; they go before those of files.
    water : Polygon or MultiPolygon, optional
        More water, in the plan.
    edges : sequence of LineString
        More natural edges, in the plan.

    Returns
    -------
    BoundaryParts

    Raises
    ------
    GeometryError
        If there are less than two anchors or too many, all at one place or too far apart;
        if the reach is not a length; or a layer holds no geometry of its kind.
    TableError
        If an anchor has a name that no place has.
    CrsError, SourceError
        If a layer or a reference system cannot be used.
    """
    _check_size(recipe)
    plan = metric_plan(recipe.plan)
    names, anchors, sources = find_anchors(recipe, plan, places=places)
    _check_spread(anchors, names)
    window = shapely.box(*shapely.total_bounds(anchors)).buffer(2.0 * recipe.reach)
    seas = [] if water is None else [water]
    if recipe.water is not None:
        seas += read_water(recipe.water, plan, window)
    lines = [Edge(line) for line in edges]
    for path in recipe.edges:
        lines += read_edges(path, plan, window)
    return BoundaryParts(plan, names, anchors, sources, _together(seas), tuple(lines))


def find_anchors(
    recipe: BoundaryRecipe,
    plan: CRS,
    *,
    places: Mapping[str, shapely.Geometry] | None = None,
) -> tuple[tuple[str, ...], tuple[shapely.Geometry, ...], tuple[str, ...]]:
    """Find where the anchors of a recipe are.

    Parameters
    ----------
    recipe : BoundaryRecipe
        Names anchors and files of places.
    plan : CRS
        What to bring them to.
    places : mapping of str to geometry, optional
        More named places, in the plan [m]; they go before those of files.

    Returns
    -------
    names : tuple of str
        In the order of the walk.
    anchors : tuple of Geometry
        Their places.
    sources : tuple of str
        Names of the files they are from; "" for coordinates and given places.

    Raises
    ------
    TableError, CrsError, SourceError
        As in `gather_parts`.
    """
    known = dict(places or {})
    source = dict.fromkeys(known, "")
    for path in recipe.places:
        for name, place in read_places(path, plan).items():
            known.setdefault(name, place)
            source.setdefault(name, path.name)
    names = tuple(a if isinstance(a, str) else a.name for a in recipe.anchors)
    anchors = tuple(resolve(recipe.anchors, known, plan))
    spelled = [known_name(a, known) if isinstance(a, str) else None for a in recipe.anchors]
    sources = tuple(source[one] if one is not None else "" for one in spelled)
    return names, anchors, sources


def _together(seas: list[shapely.Geometry]) -> shapely.Geometry | None:
    """One water out of several; a single one as it came."""
    if len(seas) > 1:
        return shapely.union_all(seas)
    return seas[0] if seas else None


def _check_size(recipe: BoundaryRecipe) -> None:
    """Refuse recipes that no district can have."""
    if len(recipe.anchors) > MOST_ANCHORS:
        message = (
            f"a district must have at most {MOST_ANCHORS} anchors, got "
            f"{len(recipe.anchors):,}; keep those that shape it"
        )
        raise GeometryError(message)
    if not 0.0 < recipe.reach <= WIDEST:
        message = (
            f"reach must be positive and at most {WIDEST:,.0f} m, got {recipe.reach:g} m"
        )
        raise GeometryError(message)


def _check_spread(anchors: Sequence[shapely.Geometry], names: Sequence[str]) -> None:
    """Refuse anchors that make no district."""
    if len(anchors) < 2:
        message = (
            f"a district must have two or more anchors, got {name_some(names) or 'none'}; "
            "give stations, campuses or addresses"
        )
        raise GeometryError(message)
    middle = shapely.get_coordinates(shapely.centroid(np.array(anchors)))
    width = float(np.hypot(*np.ptp(middle, axis=0)))
    if width < ONE_PLACE:
        x, y = middle[0]
        message = (
            f"anchors must be places apart, all {len(anchors)} ({name_some(names)}) are at "
            f"{x:.0f}, {y:.0f}; give two or more places"
        )
        raise GeometryError(message)
    if width > WIDEST:
        message = (
            f"anchors of one district must lie within {WIDEST / 1000:g} km, got "
            f"{width / 1000:,.0f} km ({name_some(names)}); check their coordinates"
        )
        raise GeometryError(message)
