"""Merge the coplanar triangles of any mesh to polygons."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis.errors import GeometryError
from gis.faults import count_things
from meshes.planes.edges import HalfEdges, pair_edges
from meshes.planes.growing import grow_regions
from meshes.planes.rings import Rings, needed_corners, trace_rings
from meshes.planes.welding import Welded, components, measures, triple, weld
from meshes.polygons import FloatArray, IntArray, Polygons, polygons_from_rings

DISTANCE = 1e-3
"""Farthest that a corner lies off its polygon's plane [m], as the shadows bear."""

ANGLE = 1.0
"""Largest angle between a triangle and its polygon [degrees]."""

MOST_MEETING = 32
"""Triangles at one edge that are compared; of more each meets its next ones."""

AREA_KEPT = 1e-6
"""Share of its area by which a polygon may differ from its triangles."""

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class MergeReport:
    """What merging met and did.

    Attributes
    ----------
    triangles, polygons : int
        What came and what became of it.
    welded : int
        Corners moved to another one beside them.
    slivers, repeated : int
        Triangles left out: without area, and repeated ones.
    tees : int
        Corners on edges of other triangles.
    open_edges : int
        Edges where the surface ends.
    crowded_edges : int
        Edges of more than two triangles.
    twisted_edges : int
        Edges that two triangles run in one direction: they do not agree about the outside.
    bodies, closed_bodies, footless_bodies : int
        Connected surfaces; those that enclose a volume; those open only at their foot.
    turned_bodies : int
        Closed or footless bodies that looked inward and were turned.
    split_regions : int
        Regions that overlap themselves and were left as triangles.
    """

    triangles: int
    polygons: int
    welded: int
    slivers: int
    repeated: int
    tees: int
    open_edges: int
    crowded_edges: int
    twisted_edges: int
    bodies: int
    closed_bodies: int
    footless_bodies: int
    turned_bodies: int
    split_regions: int

    def notes(self) -> tuple[str, ...]:
        """Return what a user should know, in sentences with counts."""
        triangles = count_things(self.triangles, "triangle")
        polygons = count_things(self.polygons, "planar face")
        bodies = count_things(self.bodies, "body", "bodies")
        told = [
            f"{triangles} merged to {polygons} of {bodies}, {self.closed_bodies:,} closed"
        ]
        told += [
            f"{count_things(count, one, many)} {what}"
            for count, one, many, what in (
                (self.welded, "corner", None, "welded to another one"),
                (self.slivers, "triangle", None, "without area left out"),
                (self.repeated, "repeated triangle", None, "left out"),
                (self.tees, "corner", None, "on edges of other triangles"),
                (self.open_edges, "edge", None, "where a surface ends"),
                (self.crowded_edges, "edge", None, "of more than two triangles"),
                (self.twisted_edges, "edge", None, "of triangles turned opposite ways"),
                (self.footless_bodies, "body", "bodies", "open only at the foot"),
                (self.turned_bodies, "body", "bodies", "turned outward"),
                (self.split_regions, "overlapping face", None, "left as triangles"),
            )
            if count
        ]
        return tuple(told)


@dataclass(frozen=True)
class Merged:
    """Planar polygons of a mesh, with the bodies they bound.

    Attributes
    ----------
    polygons : Polygons
        Their corners are corners of the mesh, bit for bit; faces of closed bodies look
        outward.
    label : (p,) int
        As given.
    body : (p,) int
        Connected surface of each, from 0 on.
    closed : (b,) bool
        Whether a body encloses a volume, without a gap.
    solid : (b,) bool
        Whether it is closed, or open only at its lowest level, as buildings without a
        ground face are: what light from above can tell no difference from.
    volume : (b,) float
        Volume of solid bodies [m3], up from a level foot; 0 for other surfaces.
    polygon : (t,) int
        Polygon of each triangle of the mesh; -1 for those left out.
    report : MergeReport
        What was met and done.
    """

    polygons: Polygons
    label: IntArray
    body: IntArray
    closed: BoolArray
    solid: BoolArray
    volume: FloatArray
    polygon: IntArray
    report: MergeReport

    def __len__(self) -> int:
        """Return the number of polygons."""
        return len(self.polygons)

    @property
    def side(self) -> NDArray[np.int8]:
        """(p,) int8: 1 for faces of solid bodies, 0 for those that block by both sides.

        It is what `meshes.solar.occluders.Occluders` asks for.
        """
        return self.solid[self.body].astype(np.int8)

    def triangles_of(self, polygon: int) -> IntArray:
        """Return the triangles of the mesh that one polygon is made of."""
        return np.flatnonzero(self.polygon == polygon)


def merge_coplanar(
    vertices: FloatArray,
    triangles: IntArray,
    *,
    labels: ArrayLike | None = None,
    distance_tolerance: float = DISTANCE,
    angle_tolerance: float = ANGLE,
) -> Merged:
    """Merge triangles that lie beside each other in one plane.

    Parameters
    ----------
    vertices : (v, 3) float
        Corners [m].
    triangles : (t, 3) int
        Corners of each, counter-clockwise seen from outside.
    labels : (t,) int, optional
        Only triangles of equal label become one polygon.
    distance_tolerance : float
        Farthest that a corner lies off the plane of its polygon [m].
    angle_tolerance : float
        Largest angle between a triangle and its polygon [degrees].

    Returns
    -------
    Merged
        The same, bit for bit, in whatever order vertices and triangles come.

    Raises
    ------
    GeometryError
        If the arrays do not belong together, a place is no number, or a tolerance is none.

    Notes
    -----
    Every area is kept. A corner that all its polygons run straight through is left out, so
    that a closed body stays closed. Bodies that touch stay two. On surfaces with two sides
    each side becomes polygons of its own.
    """
    places, corners, label = _checked(vertices, triangles, labels)
    for amount, name, unit in (
        (distance_tolerance, "distance_tolerance", "m"),
        (angle_tolerance, "angle_tolerance", "degrees"),
    ):
        if not 0 < amount < 45:
            message = f"{name} must be above 0 and below 45 {unit}, got {amount} {unit}"
            raise GeometryError(message)
    mesh = weld(places, corners, label)
    label = label[mesh.source]
    double, _, normal = measures(mesh.vertices, mesh.triangles)
    edges = pair_edges(mesh, normal)
    shells = _shells(mesh, edges, double)
    edges = edges.turned(shells.turned)
    turned = shells.turned[:, None]
    faces = np.where(turned, mesh.triangles[:, [0, 2, 1]], mesh.triangles)
    normal = np.where(turned, -normal, normal)
    one, other = _neighbours(edges, label, shells)
    region = grow_regions(
        mesh.vertices,
        faces,
        one,
        other,
        distance=distance_tolerance,
        angle=float(np.radians(angle_tolerance)),
        noise=mesh.tolerance,
    )
    rings, region, split = _trace(mesh, edges, region, double, normal)
    kept = needed_corners(mesh.vertices, rings, tolerance=mesh.tolerance)
    polygons = _polygons(mesh.vertices, rings.keep(kept))
    first = np.unique(region, return_index=True)[1]
    surface = _surfaces(shells, one, other)
    # Body after body, as parts of solids stand.
    order = np.argsort(surface[first], kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    polygon = np.full(len(corners), -1)
    polygon[mesh.source] = rank[region]
    bodies = int(surface.max(initial=-1)) + 1
    closed, solid = np.zeros(bodies, np.bool_), np.zeros(bodies, np.bool_)
    closed[surface], solid[surface] = shells.closed, shells.solid
    volume = np.bincount(
        surface, np.where(shells.solid, shells.share, 0.0), minlength=bodies
    )
    there, back = edges.uses()
    uses = there + back
    report = MergeReport(
        triangles=len(corners),
        polygons=len(polygons),
        welded=mesh.welded,
        slivers=mesh.slivers,
        repeated=mesh.repeated,
        tees=edges.tees,
        open_edges=int(np.count_nonzero(uses == 1)),
        crowded_edges=int(np.count_nonzero(uses > 2)),
        twisted_edges=int(np.count_nonzero((uses == 2) & (there != 1))),
        bodies=bodies,
        closed_bodies=int(np.count_nonzero(closed)),
        footless_bodies=int(np.count_nonzero(solid & ~closed)),
        turned_bodies=len(np.unique(surface[shells.turned])),
        split_regions=split,
    )
    return Merged(
        polygons=polygons.take(order),
        label=label[first][order],
        body=surface[first][order],
        closed=closed,
        solid=solid,
        volume=volume.astype(np.float64),
        polygon=polygon,
        report=report,
    )


def _checked(
    vertices: FloatArray, triangles: IntArray, labels: ArrayLike | None
) -> tuple[FloatArray, IntArray, IntArray]:
    """Return the input as plain arrays that belong together."""
    places = np.asarray(vertices, np.float64).reshape(-1, 3)
    corners = np.asarray(triangles, np.int64).reshape(-1, 3)
    label = (
        np.zeros(len(corners), np.int64) if labels is None else np.asarray(labels, np.int64)
    )
    if label.shape != (len(corners),):
        message = (
            f"each of {len(corners)} triangles needs one label, got shape {label.shape}"
        )
        raise GeometryError(message)
    if corners.size and not 0 <= corners.min() <= corners.max() < len(places):
        message = (
            f"triangles must use vertices 0 to {len(places) - 1}, got {corners.min()} to "
            f"{corners.max()}"
        )
        raise GeometryError(message)
    if not np.isfinite(places[corners]).all():
        message = "corners of triangles must be finite numbers, some are not; export anew"
        raise GeometryError(message)
    return places, corners, label


@dataclass(frozen=True)
class _Shells:
    """Surfaces that are joined across edges.

    Attributes
    ----------
    shell : (t,) int
        Of each triangle.
    closed, solid, turned : (t,) bool
        Whether its shell encloses a volume, does so but for a level foot, looked inward.
    share : (t,) float
        What each triangle adds to the volume [m3].
    """

    shell: IntArray
    closed: BoolArray
    solid: BoolArray
    turned: BoolArray
    share: FloatArray


def _shells(mesh: Welded, edges: HalfEdges, double: FloatArray) -> _Shells:
    """Find shells, and whether they are closed and look outward."""
    count = len(mesh.triangles)
    joined = np.flatnonzero(edges.partner >= 0)
    shell = components(count, edges.triangle[joined], edges.triangle[edges.partner[joined]])
    shells = int(shell.max(initial=-1)) + 1
    lone = np.flatnonzero(edges.partner < 0)
    torn = shell[edges.triangle[lone]]
    gaps = np.bincount(torn, minlength=shells)
    # Volumes count from a corner of each shell: far from the origin that keeps the digits.
    # It lies on the shell's foot, so that a level foot may be missing.
    first = np.unique(shell, return_index=True)[1]
    height = mesh.vertices[mesh.triangles, 2]
    foot = np.full(shells, np.inf)
    np.minimum.at(foot, shell, height.min(axis=1))
    hub = mesh.vertices[mesh.triangles[first, 0]]
    hub[:, 2] = foot
    a, b, c = (mesh.vertices[mesh.triangles[:, k]] - hub[shell] for k in range(3))
    share = triple(a, b, c) / 6
    volume = np.bincount(shell, share, minlength=shells)
    surface = np.bincount(shell, double, minlength=shells) / 2
    above = np.maximum(
        mesh.vertices[edges.start[lone], 2], mesh.vertices[edges.end[lone], 2]
    )
    high = np.bincount(torn, above > foot[torn] + mesh.tolerance, minlength=shells)
    # A sheet with two sides is closed too, but holds nothing.
    solid = (high == 0) & (np.abs(volume) > mesh.tolerance * surface)
    inward = solid & (volume < 0)
    return _Shells(
        shell=shell,
        closed=(solid & (gaps == 0))[shell],
        solid=solid[shell],
        turned=inward[shell],
        share=np.where(inward[shell], -share, share),
    )


def _neighbours(
    edges: HalfEdges, label: IntArray, shells: _Shells
) -> tuple[IntArray, IntArray]:
    """Return pairs of triangles that may be one face: across an edge, of one body."""
    order = np.argsort(edges.edge, kind="stable")
    edge, triangle = edges.edge[order], edges.triangle[order]
    forward = edges.forward[order]
    found = []
    for shift in range(1, MOST_MEETING):
        meet = np.flatnonzero(edge[shift:] == edge[:-shift])
        if not len(meet):
            break
        one, other = triangle[meet], triangle[meet + shift]
        good = forward[meet] != forward[meet + shift]
        good &= label[one] == label[other]
        good &= (shells.shell[one] == shells.shell[other]) | ~(
            shells.solid[one] | shells.solid[other]
        )
        found.append(np.stack([one[good], other[good]]))
    pairs = np.concatenate(found, axis=1) if found else np.empty((2, 0), np.int64)
    return pairs[0], pairs[1]


def _surfaces(shells: _Shells, one: IntArray, other: IntArray) -> IntArray:
    """Join open shells that may share faces; return the body of each triangle."""
    first = np.unique(shells.shell, return_index=True)[1]
    count = len(shells.shell)
    return components(
        count,
        np.r_[np.arange(count), one],
        np.r_[first[shells.shell], other] if count else other,
    )


def _trace(
    mesh: Welded,
    edges: HalfEdges,
    region: IntArray,
    double: FloatArray,
    normal: FloatArray,
) -> tuple[Rings, IntArray, int]:
    """Return rings and regions; those that cannot be one polygon are left as triangles."""
    split = 0
    while True:
        count = int(region.max(initial=-1)) + 1
        mean = np.empty((count, 3))
        for k in range(3):
            mean[:, k] = np.bincount(region, double * normal[:, k], minlength=count)
        mean /= np.linalg.norm(mean, axis=1, keepdims=True)
        rings = trace_rings(
            mesh.vertices, edges.start, edges.end, region[edges.triangle], mean
        )
        area = np.bincount(region, double, minlength=count).astype(np.float64) / 2
        bad = _unsound(mesh.vertices, rings, area, np.bincount(region) > 1)
        if not bad.any():
            return rings, region, split
        split += int(bad.sum())
        alone = bad[region]
        first = np.unique(region, return_index=True)[1]
        names = np.where(alone, np.arange(len(region)), first[region])
        region = components(len(region), np.arange(len(region)), names)


def _unsound(
    places: FloatArray, rings: Rings, area: FloatArray, merged: BoolArray
) -> BoolArray:
    """Tell which merged regions are no polygon with holes that has their area."""
    outlines = np.bincount(rings.region[rings.area > 0], minlength=len(area))
    sums = np.bincount(rings.region, rings.area, minlength=len(area))
    bad: BoolArray = (outlines != 1) | (np.abs(sums - area) > AREA_KEPT * area)
    bad &= merged
    good = (merged & ~bad)[rings.region]
    if not good.any():
        return bad
    corners = np.repeat(good, np.diff(rings.start))
    lengths = np.diff(rings.start)[good]
    region, counts = np.unique(rings.region[good], return_counts=True)
    polygons = polygons_from_rings(
        places[rings.corner[corners]],
        np.r_[0, np.cumsum(lengths)].astype(np.int64),
        np.r_[0, np.cumsum(counts)].astype(np.int64),
    )
    odd = np.flatnonzero(~polygons.is_convex())
    if len(odd):
        shapes = polygons.take(odd).in_plane()[1]
        bad[region[odd[~shapely.is_valid(shapes)]]] = True
    return bad


def _polygons(places: FloatArray, rings: Rings) -> Polygons:
    """Return the polygons of rings, region after region."""
    counts = np.bincount(rings.region) if len(rings.region) else np.empty(0, np.int64)
    return polygons_from_rings(
        places[rings.corner],
        rings.start,
        np.r_[0, np.cumsum(counts)].astype(np.int64),
    )
