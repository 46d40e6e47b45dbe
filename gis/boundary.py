"""Build the boundary of a district from its anchors and natural edges."""

from collections.abc import Mapping, Sequence

import numpy as np
import shapely

from gis.boundary_layers import metric_plan, read_edges, read_places, read_water, resolve
from gis.boundary_recipe import BoundaryRecipe
from gis.errors import GeometryError
from gis.faults import name_some

SMALLEST_PIECE = 100.0
"""Pieces of ground below this area are crumbs of the cutting [m2]."""

ONE_PLACE = 1.0
"""Anchors that lie closer than this are one [m]."""

WIDEST = 50_000.0
"""Anchors of one district lie within this [m]; farther ones are errors of coordinates."""


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
    plan = metric_plan(recipe.plan)
    known = dict(places or {})
    for path in recipe.places:
        for name, place in read_places(path, plan).items():
            known.setdefault(name, place)
    names = [a if isinstance(a, str) else a.name for a in recipe.anchors]
    anchors = resolve(recipe.anchors, known, plan)
    _check_spread(anchors, names)
    window = shapely.box(*shapely.total_bounds(anchors)).buffer(2.0 * recipe.reach)
    seas = [] if water is None else [water]
    if recipe.water is not None:
        seas += read_water(recipe.water, plan, window)
    lines = [*edges]
    for path in recipe.edges:
        lines += read_edges(path, plan, window)
    return district_boundary(
        anchors,
        reach=recipe.reach,
        water=_together(seas),
        edges=lines,
        is_closed=recipe.is_closed,
        narrowest=recipe.narrowest,
        names=names,
    )


def _together(seas: list[shapely.Geometry]) -> shapely.Geometry | None:
    """One water out of several; a single one as it came."""
    if len(seas) > 1:
        return shapely.union_all(seas)
    return seas[0] if seas else None


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
        Natural edges, such as a station front or a railway. An edge that crosses the
        region from side to side cuts it; one that ends inside has no effect.
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
    into pieces, of which those are kept that hold (a part of) an anchor. Checked in
    tests/gis/test_boundary.py against areas in closed form.
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
    region = _region(anchors, reach=reach, is_closed=is_closed)
    if water is not None:
        region = region.difference(water)
    pieces = _cut(region, edges)
    kept = shapely.union_all([piece for piece in pieces if _holds_any(piece, anchors)])
    ground = _without_necks(kept, narrowest)
    _check_anchors(anchors, ground, water, names, narrowest)
    return shapely.orient_polygons(ground)


def _region(
    anchors: Sequence[shapely.Geometry], *, reach: float, is_closed: bool
) -> shapely.Geometry:
    """Everything within reach of the walk, and what a closed walk encloses."""
    stops = [anchor.centroid for anchor in anchors]
    around = [anchor.buffer(reach) for anchor in anchors]
    if len(stops) == 1:
        return around[0]
    route = [*stops, stops[0]] if is_closed else stops
    walk = shapely.LineString(route)
    # Noding first: a walk that crosses itself encloses several faces.
    faces = shapely.polygonize([shapely.node(walk)]) if is_closed else shapely.Polygon()
    return shapely.union_all([*around, walk.buffer(reach), *shapely.get_parts(faces)])


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
