"""Pair the edges of triangles across the solid behind them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from meshes.planes.welding import Welded
from meshes.polygons import FloatArray, IntArray, plane_axes

SAME_ANGLE = 1e-6
"""Angle about an edge up to which faces lie on each other [radians]."""

PROBES = 4
"""Probes along an open edge of mean length, in the search for corners on it."""


@dataclass(frozen=True)
class HalfEdges:
    """Edges of triangles as they run around them, cut where a corner lies on them.

    Attributes
    ----------
    start, end : (h,) int
        Corners.
    triangle : (h,) int
        Whose edge it is, counter-clockwise seen against the normal.
    edge : (h,) int
        Number of the edge, the same for both directions.
    partner : (h,) int
        The half-edge that continues the surface of the same solid; -1 where it ends.
    tees : int
        Corners that lay on an edge of others.
    """

    start: IntArray
    end: IntArray
    triangle: IntArray
    edge: IntArray
    partner: IntArray
    tees: int

    @property
    def forward(self) -> IntArray:
        """(h,) int: 1 where it runs from the lower to the higher corner, else 0."""
        return (self.start < self.end).astype(np.int64)

    def uses(self) -> tuple[IntArray, IntArray]:
        """Return how often each edge is run forward and backward, (e,) int each."""
        count = int(self.edge.max(initial=-1)) + 1
        there = np.bincount(self.edge, self.forward, minlength=count).astype(np.int64)
        return there, np.bincount(self.edge, minlength=count) - there

    def turned(self, triangles: NDArray[np.bool_]) -> "HalfEdges":
        """Return the same with some triangles turned, whose partners must turn too.

        Parameters
        ----------
        triangles : (t,) bool
            Which.
        """
        turn = triangles[self.triangle]
        return replace(
            self,
            start=np.where(turn, self.end, self.start),
            end=np.where(turn, self.start, self.end),
        )


def pair_edges(mesh: Welded, normal: FloatArray) -> HalfEdges:
    """Find for every edge of a triangle the one it is joined to.

    Parameters
    ----------
    mesh : Welded
    normal : (t, 3) float
        Unit normals of its triangles.

    Notes
    -----
    Edges of two triangles in opposite directions are partners. Where more meet, they are
    sorted about the edge, and partners have the solid between them: bodies that touch along
    an edge, or by a face, stay two. What runs in one direction only has no partner.
    """
    start, end = mesh.triangles.ravel(), mesh.triangles[:, [1, 2, 0]].ravel()
    triangle = np.repeat(np.arange(len(mesh.triangles)), 3)
    edge = _numbers(start, end, len(mesh.vertices))
    place, corner = _corners_on_edges(mesh, start, end, edge)
    tees = len(np.unique(corner))
    if len(place):
        start, end, triangle = _cut(start, end, triangle, place, corner)
        edge = _numbers(start, end, len(mesh.vertices))
    edges = HalfEdges(start, end, triangle, edge, np.full(len(start), -1), tees)
    return replace(edges, partner=_partners(edges, mesh.vertices, normal))


def _numbers(start: IntArray, end: IntArray, corners: int) -> IntArray:
    """Give every undirected edge a number, from 0 on."""
    key = np.minimum(start, end) * corners + np.maximum(start, end)
    number: IntArray = np.unique(key, return_inverse=True)[1]
    return number


def _corners_on_edges(
    mesh: Welded, start: IntArray, end: IntArray, edge: IntArray
) -> tuple[IntArray, IntArray]:
    """Find corners on unpaired edges: half-edges with corners, in order along them."""
    none = np.empty(0, np.int64), np.empty(0, np.int64)
    balance = np.bincount(edge, np.where(start < end, 1, -1))
    lone = np.flatnonzero(balance[edge] != 0)
    if not len(lone):
        return none
    is_end = np.zeros(len(mesh.vertices), np.bool_)
    is_end[start[lone]] = is_end[end[lone]] = True
    corners = np.flatnonzero(is_end)
    a, b = mesh.vertices[start[lone]], mesh.vertices[end[lone]]
    length = np.linalg.norm(b - a, axis=1)
    reach = 2 * mesh.tolerance
    # Long edges are probed at many places, so that no ball holds more than it must.
    step = max(float(length.mean()) / PROBES, float(length.sum()) / (8 * len(lone)))
    probes = np.ceil(length / step).astype(np.int64)
    owner = np.repeat(np.arange(len(lone)), probes)
    inside = np.arange(probes.sum()) - np.repeat(np.cumsum(probes) - probes, probes)
    share = (inside + 0.5) / probes[owner]
    middle = a[owner] + share[:, None] * (b - a)[owner]
    radius = length[owner] / probes[owner] / 2 + reach
    tree = cKDTree(mesh.vertices[corners])
    found = tree.query_ball_point(middle, radius)
    counts = np.fromiter(map(len, found), np.int64, len(found))
    near = np.fromiter((k for ks in found for k in ks), np.int64, int(counts.sum()))
    pairs = np.unique(np.repeat(owner, counts) * len(corners) + near)
    row, near = np.divmod(pairs, len(corners))
    spoke = mesh.vertices[corners[near]] - a[row]
    along = np.einsum("nx,nx->n", spoke, (b - a)[row]) / length[row]
    off = np.linalg.norm(spoke - along[:, None] * ((b - a) / length[:, None])[row], axis=1)
    on = (off <= reach) & (along > reach) & (along < length[row] - reach)
    own = mesh.triangles[lone[row] // 3]
    on &= (own != corners[near][:, None]).all(axis=1)
    row, near, along = row[on], near[on], along[on]
    order = np.lexsort((along, row))
    return lone[row[order]], corners[near[order]]


def _cut(
    start: IntArray, end: IntArray, triangle: IntArray, place: IntArray, corner: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Put corners into edges; those of one edge come in their order."""
    # Each corner begins a new piece after the edge's first one.
    beginning = np.insert(start, place + 1, corner)
    owner = np.insert(np.arange(len(start)), place + 1, place)
    last = np.r_[owner[1:] != owner[:-1], True]
    ending = np.where(last, end[owner], np.roll(beginning, -1))
    return beginning, ending, triangle[owner]


def _partners(edges: HalfEdges, vertices: FloatArray, normal: FloatArray) -> IntArray:
    """Find the partners, -1 where there is none."""
    partner = np.full(len(edges.start), -1)
    order = np.argsort(edges.edge, kind="stable")
    counts = np.bincount(edges.edge)
    first = np.r_[0, np.cumsum(counts)[:-1]].astype(np.int64)
    twos = first[counts == 2]
    one, other = order[twos], order[twos + 1]
    opposite = edges.start[one] == edges.end[other]
    one, other = one[opposite], other[opposite]
    partner[one], partner[other] = other, one
    members = order[counts[edges.edge[order]] > 2]
    if len(members):
        _pair_crowded(edges, members, vertices, normal, partner)
    return partner


def _pair_crowded(
    edges: HalfEdges,
    members: IntArray,
    vertices: FloatArray,
    normal: FloatArray,
    partner: IntArray,
) -> None:
    """Write the partners of half-edges that more than two triangles share."""
    forward = edges.forward[members]
    run = vertices[edges.end[members]] - vertices[edges.start[members]]
    run /= np.linalg.norm(run, axis=1, keepdims=True)
    inward = np.cross(normal[edges.triangle[members]], run)
    axis = np.where(forward[:, None] == 1, run, -run)
    u, v = plane_axes(axis)
    angle = np.arctan2(np.einsum("nx,nx->n", inward, v), np.einsum("nx,nx->n", inward, u))
    _, group = np.unique(edges.edge[members], return_inverse=True)
    # Angles count from the first member's, less a little, so that none falls beside 0.
    first = np.unique(group, return_index=True)[1]
    angle = (angle - angle[first][group] + 2 * SAME_ANGLE) % (2 * np.pi)
    order = np.lexsort((angle, group))
    apart = np.ones(len(order), np.bool_)
    apart[1:] = (np.diff(angle[order]) > SAME_ANGLE) | (np.diff(group[order]) != 0)
    # Of faces on each other that which ends a solid comes before that which begins one.
    cluster = np.empty(len(order), np.int64)
    cluster[order] = np.cumsum(apart)
    order = np.lexsort((members, 1 - forward, cluster, group))
    while len(order):
        group_of, ahead = group[order], forward[order] == 1
        begin = np.r_[True, np.diff(group_of) != 0]
        starts = np.flatnonzero(begin)
        following = np.arange(1, len(order) + 1)
        following[np.r_[starts[1:], len(order)] - 1] = starts
        meets = np.flatnonzero(~ahead & ahead[following])
        if not len(meets):
            break
        one, other = members[order[meets]], members[order[following[meets]]]
        partner[one], partner[other] = other, one
        rest = np.ones(len(order), np.bool_)
        rest[meets] = rest[following[meets]] = False
        order = order[rest]
