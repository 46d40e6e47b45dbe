"""Build the boundary of a district from its anchors and natural edges."""

from collections.abc import Sequence

import shapely

from gis.errors import GeometryError

SMALLEST_PIECE = 100.0
"""Pieces of ground below this area are crumbs of the cutting [m2]."""


def district_boundary(
    anchors: Sequence[shapely.Geometry],
    *,
    reach: float,
    water: shapely.Geometry | None = None,
    edges: Sequence[shapely.LineString] = (),
    is_closed: bool = True,
    narrowest: float = 5.0,
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
    _check_anchors(anchors, ground)
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


def _check_anchors(anchors: Sequence[shapely.Geometry], ground: shapely.Geometry) -> None:
    """Refuse anchors that the ground does not even touch."""
    lost = [n for n, anchor in enumerate(anchors) if not ground.intersects(anchor)]
    if lost:
        where = ", ".join(f"anchor {n} at {anchors[n].centroid.wkt}" for n in lost[:5])
        message = (
            f"every anchor must stand on ground, {len(lost)} of {len(anchors)} do not "
            f"({where}); move them out of the water"
        )
        raise GeometryError(message)
