"""Measure and change the plan of printed bodies."""

from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from meshes.formats.triangle_mesh import TriangleMesh
from meshes.polygons import FloatArray
from meshes.solids import Kind, Solids

SAME_LEVEL = 1e-3
"""Tops that differ by less are level [mm]."""

MEETING = 1e-6
"""Distance at which a corner lies on an outline [mm]."""

Shapes = NDArray[np.object_]


def in_millimetres(
    solids: Solids, *, corner: FloatArray, scale: float, plinth: float
) -> Solids:
    """Move and shrink solids to the place where they are printed.

    Parameters
    ----------
    solids : Solids
    corner : (3,) float
        Easting, northing and height [m] that come to (0, 0, plinth).
    scale : float
        Such as 1/1000.
    plinth : float
        [mm]
    """
    moved = solids.faces.vertices + (solids.origin - corner)
    vertices = moved * (1000.0 * scale) + np.array([0.0, 0.0, plinth])
    area = solids.faces.area * (1000.0 * scale) ** 2
    return replace(
        solids,
        faces=replace(solids.faces, vertices=vertices, area=area),
        origin=np.zeros(3),
    )


def thin_places(shape: shapely.Geometry, *, width: float) -> shapely.Geometry:
    """Return where a shape is narrower than a width, crumbs left out.

    Parameters
    ----------
    shape : Polygon or MultiPolygon
    width : float
        In the shape's unit.

    Returns
    -------
    Geometry
        What no square pen of this width can draw; empty if all can be drawn.
    """
    pen = width / 2 * 0.999
    drawn = shapely.buffer(
        shapely.buffer(shape, -pen, join_style="mitre"), pen, join_style="mitre"
    )
    rest = shapely.get_parts(
        shapely.difference(shape, shapely.buffer(drawn, 0.02 * width, join_style="mitre"))
    )
    return shapely.union_all(rest[shapely.area(rest) > (0.05 * width) ** 2])


def widen(
    shapes: Shapes, level: FloatArray, *, width: float
) -> tuple[Shapes, NDArray[np.bool_]]:
    """Find what must be added to outlines so that no wall is thinner than a width.

    Parameters
    ----------
    shapes : (n,) Polygon or MultiPolygon
        Outlines of extruded bodies [mm].
    level : (n,) float
        Their tops [mm]. A thin body between others at least as high is no thin wall.
    width : float
        Smallest width [mm].

    Returns
    -------
    added : (n,) Polygon, MultiPolygon or empty
        To be extruded to the same tops.
    lost : (n,) bool
        So small, a quarter of ``width`` squared, that a pin of the width would be another
        thing: to be left out.
    """
    added = np.full(len(shapes), shapely.Polygon(), object)
    lost = np.zeros(len(shapes), np.bool_)
    tree = shapely.STRtree(shapes)
    for k, shape in enumerate(shapes):
        if thin_places(shape, width=width).is_empty:
            continue
        near = tree.query(shape, predicate="dwithin", distance=width)
        beside = near[level[near] >= level[k] - SAME_LEVEL]
        thin = shapely.intersection(
            thin_places(shapely.union_all(shapes[beside]), width=width), shape
        )
        if thin.area <= (0.05 * width) ** 2:
            continue
        if shape.area < width**2 / 4:
            lost[k] = True
        else:
            added[k] = shapely.buffer(thin, width / 2, quad_segs=4)
    return added, lost


def outlines(solids: Solids) -> Shapes:
    """Return the plan of each part from its lower faces, empty where it has none."""
    faces = np.flatnonzero(np.isin(solids.kind, (Kind.GROUND, Kind.UNDERSIDE)))
    some = solids.faces.take(faces)
    shapes = np.full(len(solids.parts), shapely.Polygon(), object)
    by_part: dict[int, list[shapely.Polygon]] = {}
    for k, part in enumerate(solids.part[faces].tolist()):
        rings = [ring[:, :2] for ring in some.rings(k)]
        by_part.setdefault(part, []).append(shapely.Polygon(rings[0], rings[1:]))
    for part, polygons in by_part.items():
        shapes[part] = shapely.orient_polygons(
            shapely.union_all(shapely.make_valid(np.array(polygons, object)))
        )
    return shapes


def swell(mesh: TriangleMesh, shapes: Shapes, *, width: float) -> FloatArray:
    """Move the walls of every part outwards.

    Parameters
    ----------
    mesh : TriangleMesh
        A group per part, with upright walls and corners of its own [mm].
    shapes : (groups,) Polygon or MultiPolygon
        Outlines of the parts; those of empty ones stay.
    width : float
        How far [mm].

    Returns
    -------
    (v, 3) float
        Corners. Neighbours that share a wall now overlap: without this, walls that differ
        by a rounding enclose gaps without thickness, which no library joins cleanly.
    """
    vertices = mesh.vertices.copy()
    order = np.argsort(mesh.group, kind="stable")
    ends = np.searchsorted(mesh.group[order], np.arange(len(shapes) + 1))
    for part, shape in enumerate(shapes):
        chosen = np.unique(mesh.triangles[order[ends[part] : ends[part + 1]]])
        if len(chosen) and not shape.is_empty:
            vertices[chosen, :2] += width * _outward(vertices[chosen, :2], shape)
    return vertices


def _outward(places: FloatArray, shape: shapely.Geometry) -> FloatArray:
    """Return which way places on an outline move when all its sides move by 1, (n, 2)."""
    spots, number = np.unique(places, axis=0, return_inverse=True)
    rings = shapely.get_rings(shapely.get_parts(shape))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    side = np.flatnonzero(ring[1:] == ring[:-1])
    begin, step = xy[side], xy[side + 1] - xy[side]
    length = np.linalg.norm(step, axis=1)
    # Outlines turn left and holes right, so that outside is always on the right.
    normal = np.stack([step[:, 1], -step[:, 0]], axis=1) / length[:, None]
    first = np.r_[True, ring[side][1:] != ring[side][:-1]]
    last = np.r_[first[1:], True]
    before = np.arange(len(side)) - 1
    before[first] = np.flatnonzero(last)
    cosine = np.einsum("sx,sx->s", normal, normal[before])
    corner = (normal + normal[before]) / np.maximum(1 + cosine, 0.2)[:, None]
    moves = np.zeros_like(spots)
    # The nearest side, and the nearest corner where there is one.
    away = spots[:, None] - begin
    along = np.einsum("psx,sx->ps", away, step) / length**2
    foot = np.clip(along, 0, 1)[..., None] * step
    distance = np.linalg.norm(away - foot, axis=2)
    nearest = distance.argmin(axis=1)
    on_side = distance.min(axis=1) < MEETING
    moves[on_side] = normal[nearest[on_side]]
    distance = np.linalg.norm(away, axis=2)
    nearest = distance.argmin(axis=1)
    at_corner = distance.min(axis=1) < MEETING
    moves[at_corner] = corner[nearest[at_corner]]
    return moves[number.reshape(-1)]
