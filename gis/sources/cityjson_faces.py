"""Measure footprint and height of city objects by their faces."""

from array import array
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from gis.sources.geojson import build_polygons, check_rings

VERTICAL = 0.05
"""Faces whose normal rises by less than this (3 degrees) are walls."""

SLOPED = (0.10, 0.98)
"""Rise of the normal of a sloped roof: from 84 degrees of pitch down to 11."""

FLAT_BASE = 0.1
"""Faces within this of the lowest point are the base if nothing is labelled so [m]."""

LEAST_COVER = 0.5
"""Share of the ground that a base must cover of what the object covers from above."""

FLAT_SHARE = 0.1
"""A roof with at most this share of sloped faces is called flat."""

GROUND, ROOF, OTHER = 1, 2, 3
KINDS = {"GroundSurface": GROUND, "RoofSurface": ROOF}
"""Labels of faces; faces without a label have 0."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
Polygons = npt.NDArray[np.object_]


@dataclass
class Faces:
    """Faces of many objects, one ring after the other."""

    vertices: "array[int]" = field(default_factory=lambda: array("q"))
    sizes: "array[int]" = field(default_factory=lambda: array("q"))
    face: "array[int]" = field(default_factory=lambda: array("q"))
    kinds: "array[int]" = field(default_factory=lambda: array("q"))
    owners: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, rings: list[list[int]], *, owner: int, kind: int, shift: int) -> None:
        """Append a face: outer ring, then holes, of vertex numbers to be shifted."""
        number = len(self.owners)
        self.owners.append(owner)
        self.kinds.append(kind)
        for ring in rings:
            self.vertices.extend([vertex + shift for vertex in ring] if shift else ring)
            self.sizes.append(len(ring))
            self.face.append(number)


@dataclass(frozen=True)
class Measured:
    """What the faces of each object tell.

    Attributes
    ----------
    footprints : (n,) object
        Polygon or MultiPolygon; None where there is none.
    ground, top : (n,) float
        Lowest point of the base and highest point; NaN without faces.
    roof_height : (n,) float
        Largest vertical extent of a sloped roof face, 0 for a flat roof.
    is_flat : (n,) bool
        Whether the roof is known to be flat.
    projected : (n,) bool
        Whether the footprint is the object seen from above, for want of a base.
    """

    footprints: Polygons
    ground: FloatArray
    top: FloatArray
    roof_height: FloatArray
    is_flat: BoolArray
    projected: BoolArray


def measure(faces: Faces, points: FloatArray, count: int) -> Measured:
    """Measure objects.

    Parameters
    ----------
    faces : Faces
        Vertex numbers must be those of points; owners 0..count - 1.
    points : (m, 3) float
        East, north, up [m]; NaN where a coordinate is absurd, whose faces are left out.
    count : int
        Number of objects.

    Returns
    -------
    Measured
        One value for each object. The footprint is the union of the faces labelled as
        ground, else of those within `FLAT_BASE` of the lowest point; where they cover less
        than `LEAST_COVER` of what is seen from above, the union of all faces but walls.
    """
    corner = np.array(faces.vertices, dtype=np.intp)
    sizes = np.array(faces.sizes, dtype=np.intp)
    face_of = np.array(faces.face, dtype=np.intp)
    owner = np.array(faces.owners, dtype=np.intp)
    kind = np.array(faces.kinds, dtype=np.intp)
    xyz = points[corner]
    usable, _ = check_rings(xyz[:, :2], sizes)
    usable &= ~_any_missing(xyz[:, 2], sizes)
    is_outer = np.append(True, face_of[1:] != face_of[:-1])[: len(sizes)]
    good = np.zeros(len(owner), dtype=np.bool_)
    good[face_of[is_outer & usable]] = True
    nothing = np.full(count, np.nan)
    if not good.any():
        none = np.full(count, None, dtype=object)
        no = np.zeros(count, dtype=np.bool_)
        return Measured(none, nothing, nothing.copy(), nothing.copy(), no, no.copy())
    normal, low, high = _shape(xyz, sizes, is_outer & usable, face_of, len(owner))
    length = np.linalg.norm(normal, axis=1)
    rise = np.divide(np.abs(normal[:, 2]), length, out=np.zeros(len(owner)),
                     where=good & (length > 0.0))  # fmt: skip
    seen = np.where(good & (rise > VERTICAL), np.abs(normal[:, 2]) / 2.0, 0.0)
    lowest, top = _least(low, owner, count), -_least(-high, owner, count)
    base, projected = _choose_base(kind, seen, high, lowest, owner)
    ground = _least(np.where(base, low, np.inf), owner, count)
    ground = np.where(np.isfinite(ground) & ~projected, ground, lowest)
    is_roof = ~base | projected[owner]
    sloped = good & (rise > SLOPED[0]) & (rise < SLOPED[1]) & is_roof
    sloped &= (kind == ROOF) | (kind == 0)
    roof_height = np.zeros(count)
    np.maximum.at(roof_height, owner[sloped], (high - low)[sloped])
    slope_area = np.bincount(owner, np.where(sloped, seen, 0.0), minlength=count)
    roof_area = np.bincount(owner, np.where(is_roof, seen, 0.0), minlength=count)
    is_flat = (roof_area > 0.0) & (slope_area <= FLAT_SHARE * roof_area)
    kept = usable & base[face_of]
    polygons = build_polygons(xyz[:, :2], sizes, kept, face_of)
    footprints = _unite(polygons, owner[np.unique(face_of[kept])], count)
    finite = np.isfinite(top)
    return Measured(
        footprints,
        np.where(finite, ground, np.nan),
        np.where(finite, top, np.nan),
        np.where(finite & ~is_flat, roof_height, np.where(finite, 0.0, np.nan)),
        is_flat,
        projected,
    )


def _choose_base(
    kind: IntArray, seen: FloatArray, high: FloatArray, lowest: FloatArray, owner: IntArray
) -> tuple[BoolArray, BoolArray]:
    """Faces of the footprint of each object, and the objects seen from above instead."""
    count = len(lowest)
    # What is seen from above counts twice in a closed body: roof and base.
    total = np.bincount(owner, seen, minlength=count)
    labelled = (kind == GROUND) & (seen > 0.0)
    low = (high <= lowest[owner] + FLAT_BASE) & (seen > 0.0)
    is_labelled = np.bincount(owner, labelled, minlength=count) > 0
    base = np.where(is_labelled[owner], labelled, low)
    covered = np.bincount(owner, np.where(base, seen, 0.0), minlength=count)
    projected = (covered < LEAST_COVER * total / 2.0) & (total > 0.0)
    chosen: BoolArray = np.where(projected[owner], seen > 0.0, base).astype(np.bool_)
    return chosen, projected


def _shape(
    xyz: FloatArray, sizes: IntArray, outer: BoolArray, face_of: IntArray, count: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Find normal (twice the area long), lowest and highest point of each face.

    The normal is that of Newell (Sutherland et al. 1974), the sum of cross products along
    the ring; coordinates are taken from the ring's first vertex, as those of national grids
    would cancel badly.
    """
    vertices = np.repeat(outer, sizes)
    size = sizes[outer]
    p = xyz[vertices]
    start = np.cumsum(size) - size
    p = p - np.repeat(p[start], size, axis=0) * (1.0, 1.0, 0.0)
    after = np.arange(1, len(p) + 1)
    after[start + size - 1] = start
    normal = np.zeros((count, 3))
    normal[face_of[outer]] = np.add.reduceat(np.cross(p, p[after]), start)
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    low[face_of[outer]] = np.minimum.reduceat(p[:, 2], start)
    high[face_of[outer]] = np.maximum.reduceat(p[:, 2], start)
    return normal, low, high


def _least(values: FloatArray, owner: IntArray, count: int) -> FloatArray:
    """Least value of each object, infinite where it has none."""
    least = np.full(count, np.inf)
    np.minimum.at(least, owner, values)
    return least


def _any_missing(values: FloatArray, sizes: IntArray) -> BoolArray:
    """Whether a ring has any value that is no number."""
    counts = np.append(0, np.cumsum(~np.isfinite(values)))
    ends = np.cumsum(sizes)
    missing: BoolArray = counts[ends] > counts[ends - sizes]
    return missing


def _unite(polygons: Polygons, owner: IntArray, count: int) -> Polygons:
    """Union of the polygons of each object, None where there are none."""
    united = np.full(count, None, dtype=object)
    bad = np.flatnonzero(~shapely.is_valid(polygons))
    polygons[bad] = shapely.make_valid(
        polygons[bad], method="structure", keep_collapsed=False
    )
    order = np.argsort(owner, kind="stable")
    objects, first, several = np.unique(owner[order], return_index=True, return_counts=True)
    single = several == 1
    united[objects[single]] = polygons[order[first[single]]]
    for position in np.flatnonzero(~single):
        mine = order[first[position] : first[position] + several[position]]
        united[objects[position]] = shapely.union_all(polygons[mine])
    for position in objects:
        united[position] = _areas(united[position])
    return united


def _areas(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """Polygons of a geometry, None if there are none."""
    if geometry.geom_type == "Polygon" and not geometry.is_empty:
        return geometry
    parts = shapely.get_parts(geometry)
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    parts = parts[~shapely.is_empty(parts)]
    if not len(parts):
        return None
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
