"""Build the boundary of a district from its anchors and natural edges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gis.boundary_parts import BoundaryParts, gather_parts
from gis.boundary_recipe import BoundaryRecipe
from gis.errors import GeometryError
from gis.faults import name_some

BoolArray = npt.NDArray[np.bool_]

SMALLEST_PIECE = 100.0
"""Pieces of ground below this area are crumbs of the cutting [m2]."""


@dataclass(frozen=True)
class TracedBoundary:
    """A boundary with what it was built from.

    Attributes
    ----------
    shape : Polygon or MultiPolygon
        See `district_boundary`.
    recipe : BoundaryRecipe
        What describes it.
    parts : BoundaryParts
        What the recipe names, read and in its plan.
    """

    shape: shapely.Polygon | shapely.MultiPolygon
    recipe: BoundaryRecipe
    parts: BoundaryParts


def build_boundary(
    recipe: BoundaryRecipe,
    *,
    places: Mapping[str, shapely.Geometry] | None = None,
    water: shapely.Geometry | None = None,
    edges: Sequence[shapely.LineString] = (),
) -> shapely.Polygon | shapely.MultiPolygon:
    """Build the boundary that a recipe describes.

    Parameters
    ----------
    recipe : BoundaryRecipe
        Its files are read and brought to its plan.
    places : mapping of str to geometry, optional
        More named places, in the plan [m].
    water : Polygon or MultiPolygon, optional
        More water, in the plan.
    edges : sequence of LineString
        More natural edges, in the plan.

    Returns
    -------
    Polygon or MultiPolygon
        See `gis.boundary.district_boundary`; coordinates of the plan [m].

    Raises
    ------
    GeometryError
        If there are less than two anchors, all at one place, too far apart, or one of them
        in water; or a layer holds no geometry of its kind.
    TableError
        If an anchor has a name that no place has.
    CrsError, SourceError
        If a layer or a reference system cannot be used.
    """
    return trace_boundary(recipe, places=places, water=water, edges=edges).shape


def trace_boundary(
    recipe: BoundaryRecipe,
    *,
    places: Mapping[str, shapely.Geometry] | None = None,
    water: shapely.Geometry | None = None,
    edges: Sequence[shapely.LineString] = (),
) -> TracedBoundary:
    """Build the boundary that a recipe describes, keeping what it was built from.

    Parameters
    ----------
    recipe, places, water, edges
        As in `build_boundary`.

    Returns
    -------
    TracedBoundary

    Raises
    ------
    GeometryError, TableError, CrsError, SourceError
        As in `build_boundary`.
    """
    parts = gather_parts(recipe, places=places, water=water, edges=edges)
    shape = district_boundary(
        parts.anchors,
        reach=recipe.reach,
        water=parts.water,
        edges=[edge.line for edge in parts.edges],
        is_closed=recipe.is_closed,
        narrowest=recipe.narrowest,
        names=parts.names,
    )
    return TracedBoundary(shape, recipe, parts)


def district_boundary(
    anchors: Sequence[shapely.Geometry],
    *,
    reach: float,
    water: shapely.Geometry | None = None,
    edges: Sequence[shapely.LineString] = (),
    is_closed: bool = True,
    narrowest: float = 5.0,
    names: Sequence[str] = (),
) -> shapely.Polygon | shapely.MultiPolygon:
    """Ground that belongs to a walk between anchors, cut by water and natural edges.

    Parameters
    ----------
    anchors : sequence of Point or Polygon
        What the district is made of, in the order of a walk: hubs, landmarks, footprints.
        Coordinates of any metric plan [m].
    reach : float
        How far the district extends from the walk and from every anchor [m].
    water : Polygon or MultiPolygon, optional
        Taken out: quays and shores become the boundary.
    edges : sequence of LineString
        Natural edges, such as a station front, a railway or all streets of a town. An edge
        that crosses the region from side to side cuts it, and so do streets that close a
        block; one that ends inside has no effect.
    is_closed : bool
        Whether the walk returns to its first anchor; if so, what it encloses belongs to
        the district.
    narrowest : float
        Necks and spikes narrower than this are removed [m].
    names : sequence of str, optional
        What to call the anchors in messages; by number if not given.

    Returns
    -------
    Polygon or MultiPolygon
        Valid, counter-clockwise; several polygons where water or edges part the anchors.
        Never in water, never beyond ``reach`` from what the walk encloses.

    Raises
    ------
    GeometryError
        If there is no anchor, or an anchor lies entirely in water.

    Notes
    -----
    The region is the union of everything within ``reach`` of the walk and of the anchors
    with the faces that a closed walk encloses; water is subtracted; the edges cut the rest
    into pieces. Of these are kept, on ground with an anchor: those that hold (a part of) an
    anchor, that lie for more than half in what the walk encloses, that the walk runs
    through for at least their mean width (twice the area by the perimeter: a strip's width,
    a disc's radius), so that it may clip a bend of a railway, and those amid the kept.
    Checked in tests/gis/test_boundary.py against areas in closed form.
    """
    if not anchors:
        message = "a district must have at least one anchor, got none"
        raise GeometryError(message)
    if not (reach > 0.0 and narrowest >= 0.0):
        message = (
            f"reach must be positive and narrowest not negative, got {reach} m and "
            f"{narrowest} m"
        )
        raise GeometryError(message)
    walk, enclosed = _walk(anchors, is_closed=is_closed)
    region = _region(anchors, walk, enclosed, reach=reach)
    if water is not None:
        region = region.difference(water)
    pieces = _cut(region, edges)
    belongs = np.array([_holds_any(piece, anchors) for piece in pieces], dtype=bool)
    if edges:
        belongs |= _lies_on_walk(pieces, region, belongs, walk, enclosed)
    kept = shapely.union_all([pieces[n] for n in np.flatnonzero(belongs)])
    ground = _without_necks(kept, narrowest)
    _check_anchors(anchors, ground, water, names, narrowest)
    return shapely.orient_polygons(ground)


def _walk(
    anchors: Sequence[shapely.Geometry], *, is_closed: bool
) -> tuple[shapely.Geometry, shapely.Geometry]:
    """Line from anchor to anchor and the faces that it encloses, both perhaps empty."""
    stops = [anchor.centroid for anchor in anchors]
    if len(stops) == 1:
        return shapely.LineString(), shapely.Polygon()
    walk = shapely.LineString([*stops, stops[0]] if is_closed else stops)
    # Noding first: a walk that crosses itself encloses several faces.
    faces = shapely.polygonize([shapely.node(walk)]) if is_closed else shapely.Polygon()
    return walk, faces


def _region(
    anchors: Sequence[shapely.Geometry],
    walk: shapely.Geometry,
    enclosed: shapely.Geometry,
    *,
    reach: float,
) -> shapely.Geometry:
    """Everything within reach of the walk, and what a closed walk encloses."""
    around = [anchor.buffer(reach) for anchor in anchors]
    if walk.is_empty:
        return around[0]
    return shapely.union_all([*around, walk.buffer(reach), *shapely.get_parts(enclosed)])


def _cut(
    region: shapely.Geometry, edges: Sequence[shapely.LineString]
) -> list[shapely.Polygon]:
    """Pieces into which the edges part the region."""
    if not edges:
        return list(shapely.get_parts(region))
    lines = shapely.union_all([region.boundary, *edges])
    faces = shapely.get_parts(shapely.polygonize([lines]))
    shapely.prepare(region)
    inside = shapely.contains(region, shapely.point_on_surface(faces))
    return list(faces[inside])


def _holds_any(piece: shapely.Polygon, anchors: Sequence[shapely.Geometry]) -> bool:
    """Whether a piece holds a point anchor or a part of another's area or length."""
    return any(
        piece.intersects(anchor) and not (anchor.length > 0.0 and piece.touches(anchor))
        for anchor in anchors
    )


def _lies_on_walk(
    pieces: Sequence[shapely.Polygon],
    region: shapely.Geometry,
    holds: BoolArray,
    walk: shapely.Geometry,
    enclosed: shapely.Geometry,
) -> BoolArray:
    """Whether a piece without an anchor belongs to the walk or lies amid what does."""
    shapes = np.array(pieces, dtype=object)
    area = shapely.area(shapes)
    inside = shapely.area(shapely.intersection(shapes, shapely.union_all([enclosed])))
    through = shapely.length(shapely.intersection(shapes, walk))
    wide = 2.0 * area / shapely.length(shapes)
    # Water parts grounds for good: an island without anchor stays out.
    points = shapely.point_on_surface(shapes)
    piece, ground = shapely.STRtree(shapely.get_parts(region)).query(points, "within")
    anchored = np.zeros(len(shapes), dtype=bool)
    anchored[piece] = np.isin(ground, ground[holds[piece]])
    belongs = holds | (anchored & ((inside > 0.5 * area) | (through >= wide)))
    around = shapely.get_parts(shapely.union_all(shapes[belongs]))
    outer = shapely.union_all(shapely.polygons(shapely.get_exterior_ring(around)))
    shapely.prepare(outer)
    result: BoolArray = belongs | (anchored & shapely.contains(outer, points))
    return result


def _without_necks(
    ground: shapely.Geometry, narrowest: float
) -> shapely.Polygon | shapely.MultiPolygon:
    """Open the outline with mitred corners."""
    if narrowest > 0.0:
        core = ground.buffer(-narrowest / 2, join_style="mitre")
        # Mitres overshoot where the core has sharper corners than the ground.
        ground = core.buffer(narrowest / 2, join_style="mitre").intersection(ground)
    parts = [
        part
        for part in shapely.get_parts(ground)
        if isinstance(part, shapely.Polygon) and part.area >= SMALLEST_PIECE
    ]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _check_anchors(
    anchors: Sequence[shapely.Geometry],
    ground: shapely.Geometry,
    water: shapely.Geometry | None,
    names: Sequence[str],
    narrowest: float,
) -> None:
    """Refuse anchors that the ground does not even touch."""
    lost = [n for n, anchor in enumerate(anchors) if not ground.intersects(anchor)]
    if not lost:
        return
    called = names or [f"anchor {n}" for n in range(len(anchors))]
    where = []
    for n in lost:
        middle = anchors[n].centroid
        wet = water is not None and water.intersects(anchors[n])
        place = "in the water" if wet else f"on ground narrower than {narrowest:g} m"
        where.append(f"{called[n]} at {middle.x:.0f}, {middle.y:.0f} lies {place}")
    message = (
        f"every anchor must stand on ground, {len(lost)} of {len(anchors)} do not "
        f"({name_some(where)}); move them ashore"
    )
    raise GeometryError(message)
