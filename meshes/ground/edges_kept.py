"""Force lines into a triangulation."""

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import GeometryError
from meshes.ground.units import (
    codes,
    directed_edges,
    distinct_edges,
    edge_codes,
    is_whole,
    turns,
)
from meshes.polygons import IntArray

BoolArray = NDArray[np.bool_]


def keep_edges(
    places: IntArray,
    triangles: IntArray,
    segments: IntArray,
    *,
    area: int,
) -> IntArray:
    """Change a triangulation where lines cross it, so that they become edges of it.

    Parameters
    ----------
    places : (n, 2) int
        Corners in units, see `meshes.ground.units`; no two are the same.
    triangles : (t, 3) int
        Turning left or flat; they fill a rectangle. Corners may be of none.
    segments : (s, 2) int
        Lines between corners that meet at their ends only and pass through no corner.
    area : int
        Twice the area of the rectangle, in units.

    Returns
    -------
    (t, 3) int
        Triangles that turn left and fill the rectangle once, edge to edge; every segment
        is an edge and every place a corner.

    Raises
    ------
    GeometryError
        If segments cross, or corners lie on them.

    Notes
    -----
    All triangles that a line crosses are taken out. What they leave, divided by the lines,
    is cut into triangles of the corners on its rim
    (`shapely.constrained_delaunay_triangles`), so that no corner is made and what stays
    fits on. Decisions are made in whole numbers.
    """
    turn = turns(*(places[triangles[:, k]] for k in range(3)))
    flat = triangles[turn == 0]
    removed = [_long_sides(places, flat)]
    triangles = np.where((turn < 0)[:, None], triangles[:, ::-1], triangles)[turn != 0]
    sides = directed_edges(triangles)
    edges = distinct_edges(sides)
    lines = distinct_edges(segments)
    missing = lines[~np.isin(edge_codes(lines), edge_codes(edges))]
    lonely = _without_edge(missing, edges, len(places))
    removed.append(edge_codes(edges[_is_crossed(places, edges, missing)]))
    gone = np.concatenate(removed)
    owner = np.tile(np.arange(len(triangles)), 3)
    opened = np.zeros(len(triangles), np.bool_)
    opened[owner[np.isin(edge_codes(np.sort(sides, axis=1)), gone)]] = True
    opened[_around(places, triangles, lonely)] = True
    if opened.any():
        around = np.concatenate([triangles[opened], flat])
        rims = distinct_edges(directed_edges(around))
        rims = rims[~np.isin(edge_codes(rims), gone)]
        both = distinct_edges(np.concatenate([rims, missing]))
        triangles = np.concatenate(
            [triangles[~opened], _fill(places, both, triangles[~opened])]
        )
    for corner in np.setdiff1d(np.arange(len(places)), triangles).tolist():
        triangles = _insert(places, triangles, corner)
    drawn = edge_codes(distinct_edges(directed_edges(triangles)))
    kept = np.isin(edge_codes(lines), drawn).all()
    if not (kept and is_whole(places, triangles, area)):
        message = (
            f"{len(lines)} lines of the ground must meet at their ends only; "
            "repair the outlines and the shore"
        )
        raise GeometryError(message)
    return triangles


def _long_sides(places: IntArray, flat: IntArray) -> IntArray:
    """Codes of the longest edges of triangles without area: corners lie on them."""
    sides = np.stack([flat[:, [k, (k + 1) % 3]] for k in range(3)], axis=1)
    reach = np.abs(places[sides[..., 1]] - places[sides[..., 0]]).max(axis=-1)
    longest = sides[np.arange(len(flat)), reach.argmax(axis=1)]
    return edge_codes(np.sort(longest, axis=1))


def _without_edge(missing: IntArray, edges: IntArray, count: int) -> IntArray:
    """Find the ends of lines that are corners of no triangle."""
    met = np.zeros(count, np.bool_)
    met[edges] = True
    ends = np.unique(missing)
    return ends[~met[ends]]


def _is_crossed(places: IntArray, edges: IntArray, lines: IntArray) -> BoolArray:
    """Whether lines cross edges, or end upon them."""
    crossed = np.zeros(len(edges), np.bool_)
    if not len(lines):
        return crossed
    xy = places.astype(np.float64)
    tree = shapely.STRtree(shapely.linestrings(xy[edges]))
    line, edge = tree.query(shapely.linestrings(xy[lines]))
    a, b = (places[edges[edge, k]] for k in range(2))
    p, q = (places[lines[line, k]] for k in range(2))
    side_p, side_q = np.sign(turns(a, b, p)), np.sign(turns(a, b, q))
    side_a, side_b = np.sign(turns(p, q, a)), np.sign(turns(p, q, b))
    through = (side_p * side_q < 0) & (side_a * side_b < 0)
    upon = (side_p == 0) & _is_between(a, b, p) | (side_q == 0) & _is_between(a, b, q)
    crossed[edge[through | upon]] = True
    return crossed


def _is_between(a: IntArray, b: IntArray, p: IntArray) -> BoolArray:
    """Whether places on the line through a and b lie between these."""
    one, other = a - p, b - p
    between: BoolArray = one[:, 0] * other[:, 0] + one[:, 1] * other[:, 1] < 0
    return between


def _around(places: IntArray, triangles: IntArray, lonely: IntArray) -> IntArray:
    """Triangles that hold corners of no triangle."""
    if not len(lonely):
        return np.empty(0, np.int64)
    tree = shapely.STRtree(shapely.polygons(places[triangles].astype(np.float64)))
    spots = shapely.points(places[lonely].astype(np.float64))
    return np.unique(tree.query(spots, predicate="intersects")[1])


def _insert(places: IntArray, triangles: IntArray, corner: int) -> IntArray:
    """Divide the triangles that hold a place, two if it lies on their edge, at it."""
    sides = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1)
    turn = turns(places[sides[..., 0]], places[sides[..., 1]], places[corner])
    around = (turn >= 0).all(axis=1)
    ends = sides[around][turn[around] > 0]
    pieces = np.c_[ends, np.full(len(ends), corner)]
    return np.concatenate([triangles[~around], pieces])


def _fill(places: IntArray, lines: IntArray, kept: IntArray) -> IntArray:
    """Cut the gaps between kept triangles along lines, (t, 3)."""
    faces = shapely.get_parts(
        shapely.polygonize(shapely.linestrings(places[lines].astype(np.float64)))
    )
    faces = shapely.orient_polygons(faces)
    corner, face = shapely.get_coordinates(faces, return_index=True)
    number = _numbers(places, corner)
    here = np.flatnonzero(face[:-1] == face[1:])
    sides = np.c_[number[here], number[here + 1]]
    # Rings follow one another: no side leads from the end of one to the next.
    whole = np.isin(edge_codes(np.sort(sides, axis=1)), edge_codes(np.sort(lines, axis=1)))
    taken = whole & np.isin(edge_codes(sides), edge_codes(directed_edges(kept)))
    gap = np.ones(len(faces), np.bool_)
    gap[face[here[taken]]] = False
    pieces = shapely.get_parts(shapely.constrained_delaunay_triangles(faces[gap]))
    ends = _numbers(places, shapely.get_coordinates(pieces)).reshape(-1, 4)[:, :3]
    turn = turns(*(places[ends[:, k]] for k in range(3)))
    turned: IntArray = np.where((turn < 0)[:, None], ends[:, ::-1], ends)[turn != 0]
    return turned


def _numbers(places: IntArray, spots: NDArray[np.float64]) -> IntArray:
    """Numbers of the corners at spots (n, 2)."""
    own = codes(places)
    order = np.argsort(own)
    found: IntArray = order[
        np.searchsorted(own, codes(spots.astype(np.int64)), sorter=order)
    ]
    return found
