"""Hold meshes of triangles as plain arrays, whoever made them."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.crs import HEIGHT_EPSG, PLAN_EPSG
from gis.errors import GeometryError, SourceError
from meshes.polygons import (
    FloatArray,
    IntArray,
    Polygons,
    newell_sums,
    number_points,
    polygons_from_rings,
)
from meshes.solids import Solids

MOST_BYTES = 500_000_000
"""Size of a mesh file that is read; a city of 100,000 buildings takes some 300 MB."""

MOST_THINGS = 5_000_000
"""Vertices, and triangles, of a mesh that is read."""

MOST_GROUPS = 1_000_000
"""Names of groups and objects of a mesh that is read."""

MOST_CORNERS = 10_000
"""Corners of one face that is read."""

FARTHEST = 1e8
"""Largest coordinate that is read [m]: ten times what national grids use."""

_NO_AREA = 1e-12


@dataclass(frozen=True)
class TriangleMesh:
    """Triangles in groups.

    Attributes
    ----------
    vertices : (v, 3) float
        As the file has them; in files of this project [m], east, north, up, from `origin`.
    triangles : (t, 3) int
        Corners of each, counter-clockwise seen from outside.
    groups : tuple of str
        Names; at least one if there are triangles.
    group : (t,) int32
        Index into ``groups``.
    origin : (3,) float or None
        Easting, northing (EPSG:3008) and height (RH2000) [m] of the local origin; None
        where the file does not tell.
    left_out : int
        Faces without area that were dropped on the way.
    shift : (3,) float
        What was taken off the coordinates of the file to come near 0 [m], see
        `meshes.formats.mesh_file.read_mesh`; 0 if nothing was.

    Raises
    ------
    GeometryError
        If corners, groups or coordinates do not belong together.
    """

    vertices: FloatArray
    triangles: IntArray
    groups: tuple[str, ...]
    group: NDArray[np.int32]
    origin: FloatArray | None = field(default=None, compare=False)
    left_out: int = 0
    shift: FloatArray = field(default_factory=lambda: np.zeros(3), compare=False)

    def __post_init__(self) -> None:
        """Refuse corners that do not exist and places that are none."""
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3:
            message = f"vertices must be of shape (v, 3), got {self.vertices.shape}"
            raise GeometryError(message)
        if self.triangles.ndim != 2 or self.triangles.shape[1] != 3:
            message = f"triangles must be of shape (t, 3), got {self.triangles.shape}"
            raise GeometryError(message)
        if self.group.shape != (len(self.triangles),):
            message = (
                f"each of {len(self.triangles)} triangles must have a group, got an array "
                f"of shape {self.group.shape}"
            )
            raise GeometryError(message)
        for numbers, count, what in (
            (self.triangles, len(self.vertices), "vertices"),
            (self.group, len(self.groups), "groups"),
        ):
            if numbers.size and not 0 <= numbers.min() <= numbers.max() < count:
                message = (
                    f"triangles must use {what} 0 to {count - 1}, got {numbers.min()} to "
                    f"{numbers.max()}"
                )
                raise GeometryError(message)
        if not np.isfinite(self.vertices).all():
            bad = int((~np.isfinite(self.vertices).all(axis=1)).sum())
            message = f"coordinates must be finite numbers, {bad} vertices have others"
            raise GeometryError(message)

    def __len__(self) -> int:
        """Return the number of triangles."""
        return len(self.triangles)

    def volume(self) -> FloatArray:
        """Return the volume of each group [m3] by the divergence theorem."""
        a, b, c = (self.vertices[self.triangles[:, k]] for k in range(3))
        if not len(a):
            return np.zeros(len(self.groups))
        flux = np.einsum("tx,tx->t", a - a[0], np.cross(b - a[0], c - a[0])) / 6
        volume = np.bincount(self.group, flux, minlength=len(self.groups))
        return volume.astype(np.float64)

    def area(self) -> FloatArray:
        """Return the area of each triangle, (t,) [m2]."""
        a, b, c = (self.vertices[self.triangles[:, k]] for k in range(3))
        area: FloatArray = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
        return area

    def open_groups(self) -> IntArray:
        """Return the groups that are no closed 2-manifold with one side outside.

        Every directed edge must occur once, and its reverse once, within the group;
        corners are the same where their coordinates are.
        """
        group = self.group.astype(np.int64)
        place = number_points(
            self.vertices[self.triangles.ravel()], group=np.repeat(group, 3)
        ).reshape(-1, 3)
        count = place.max(initial=0) + 1
        start, end = place.ravel(), place[:, [1, 2, 0]].ravel()
        edge = pd.factorize(np.concatenate([start * count + end, end * count + start]))[0]
        there, back = edge[: len(start)], edge[len(start) :]
        most = edge.max(initial=-1) + 1
        uses = np.bincount(there, minlength=most)
        returns = np.bincount(back, minlength=most)
        bad = (uses[there] != 1) | (returns[there] != 1)
        return np.unique(np.repeat(group, 3)[bad])


def mesh_of_solids(solids: Solids) -> tuple[TriangleMesh, IntArray]:
    """Cut solids into triangles whose corners are shared within each part.

    Parameters
    ----------
    solids : Solids
        Closed parts stay closed.

    Returns
    -------
    mesh : TriangleMesh
        A group per part.
    face : (t,) int
        Face of the solids that each triangle is a piece of.
    """
    faces = solids.faces
    triangles, face = faces.triangles()
    owner = np.repeat(solids.part, np.diff(faces.vertex_start)).astype(np.int64)
    number = number_points(faces.vertices, group=owner)
    vertices = np.empty((number.max(initial=-1) + 1, 3))
    vertices[number] = faces.vertices
    mesh = TriangleMesh(
        vertices,
        number[triangles],
        solids.parts,
        solids.part[face].astype(np.int32),
        origin=solids.origin,
    )
    return mesh, face


def place_words(origin: FloatArray) -> str:
    """Tell units, axes and place of coordinates in one line of ASCII.

    Parameters
    ----------
    origin : (3,) float
        Local origin [m].

    See Also
    --------
    stated_origin : reads the line again.
    """
    numbers = " ".join(repr(round(float(x), 4)).removesuffix(".0") for x in origin)
    return f"metres z-up EPSG:{PLAN_EPSG}+{HEIGHT_EPSG} origin {numbers}"


def stated_origin(text: str) -> FloatArray | None:
    """Return the local origin (3,) that a comment of our own files tells, else None."""
    words = text.split()
    ours = f"EPSG:{PLAN_EPSG}+{HEIGHT_EPSG}"
    if ours not in words or "origin" not in words:
        return None
    try:
        numbers = [float(word) for word in words[words.index("origin") + 1 :][:3]]
    except ValueError:
        return None
    found = np.array(numbers)
    return found if found.shape == (3,) and (np.abs(found) < FARTHEST).all() else None


def read_whole(path: Path, *, most: int = MOST_BYTES) -> bytes:
    """Read a file of acceptable size.

    Parameters
    ----------
    path : Path
        Any file.
    most : int
        Bytes accepted.

    Raises
    ------
    SourceError
        If it is missing, empty, unreadable or larger than accepted.
    """
    try:
        with path.open("rb") as source:  # reads no further, whatever the size said is
            data = source.read(most + 1)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; check the path"
        raise SourceError(message) from error
    if len(data) > most:
        message = (
            f"a mesh must have at most {most:,} bytes, {path.name} has more; cut it "
            "to the area that is needed"
        )
        raise SourceError(message)
    if not data:
        message = f"a mesh must hold something, {path.name} is empty; get it anew"
        raise SourceError(message)
    return data


def check_count(count: int, what: str, name: str, *, most: int = MOST_THINGS) -> None:
    """Refuse more things than are accepted before memory is taken for them.

    Raises
    ------
    SourceError
        With the name of the file and the remedy.
    """
    if not 0 <= count <= most:
        message = (
            f"a mesh must have at most {most:,} {what}, {name} has {count:,} or more; thin "
            "it out or cut it"
        )
        raise SourceError(message)


def mesh_from_faces(
    vertices: FloatArray,
    corners: IntArray,
    start: IntArray,
    *,
    name: str,
    groups: tuple[str, ...] = ("",),
    group: NDArray[np.int32] | None = None,
    origin: FloatArray | None = None,
) -> TriangleMesh:
    """Make a mesh of the faces of a file that nobody vouches for.

    Parameters
    ----------
    vertices : (v, 3) float
    corners : (n,) int
        Vertices of all faces, face after face.
    start : (f + 1,) int
        First corner of each face.
    name : str
        Of the file, for messages.
    groups, group : tuple of str, (f,) int
        Names, and which one each face has; by default one without name.
    origin : (3,) float, optional
        As in `TriangleMesh`.

    Returns
    -------
    TriangleMesh
        Polygons are cut into triangles; faces without area are counted and left out.

    Raises
    ------
    SourceError
        If a coordinate is no number or too large, or a face uses a vertex that is not
        there, has fewer than three corners or more than `MOST_CORNERS`; if no face is left.
    """
    _check_vertices(vertices, name)
    lengths = np.diff(start)
    _check_faces(corners, lengths, len(vertices), name)
    owner = np.zeros(len(lengths), np.int32) if group is None else group
    simple = np.flatnonzero(lengths == 3)
    triangles = [corners[start[simple][:, None] + np.arange(3)]]
    face = [simple]
    if len(simple) < len(lengths):
        cut, of = _cut(vertices, corners, start, np.flatnonzero(lengths > 3))
        triangles.append(cut)
        face.append(of)
    joined, whose = np.concatenate(triangles), np.concatenate(face)
    order = np.argsort(whose, kind="stable")
    joined, whose = joined[order], whose[order]
    a, b, c = (vertices[joined[:, k]] for k in range(3))
    kept = np.linalg.norm(np.cross(b - a, c - a), axis=1) > _NO_AREA
    left = len(lengths) - len(np.unique(whose[kept]))
    if not kept.any():
        message = f"a mesh must have faces with an area, {name} has none; export it anew"
        raise SourceError(message)
    return TriangleMesh(
        vertices, joined[kept], groups, owner[whose[kept]], origin=origin, left_out=left
    )


def _check_vertices(vertices: FloatArray, name: str) -> None:
    """Refuse places that are none."""
    bad = ~(np.abs(vertices) <= FARTHEST).all(axis=1)  # NaN fails too
    if bad.any():
        first = int(np.argmax(bad))
        message = (
            f"coordinates must be numbers up to {FARTHEST:g} m, {int(bad.sum())} vertices "
            f"of {name} have others, the first is {first + 1}; export it anew"
        )
        raise SourceError(message)


def _check_faces(corners: IntArray, lengths: IntArray, count: int, name: str) -> None:
    """Refuse faces that cannot be, or that are absurdly large."""
    if not len(lengths):
        message = f"a mesh must have faces, {name} has {count:,} vertices and none"
        raise SourceError(message)
    if lengths.min() < 3 or lengths.max() > MOST_CORNERS:
        bad = int(np.argmax((lengths < 3) | (lengths > MOST_CORNERS)))
        message = (
            f"a face must have 3 to {MOST_CORNERS:,} corners, face {bad + 1} of {name} has "
            f"{lengths[bad]:,}; triangulate it before export"
        )
        raise SourceError(message)
    outside = (corners < 0) | (corners >= count)
    if outside.any():
        message = (
            f"faces of {name} must use its {count:,} vertices, {int(outside.sum()):,} "
            "corners are outside; the file is damaged, get it anew"
        )
        raise SourceError(message)


def _cut(
    vertices: FloatArray, corners: IntArray, start: IntArray, chosen: IntArray
) -> tuple[IntArray, IntArray]:
    """Cut polygons into triangles: convex ones into fans, concave ones as their shape."""
    lengths = np.diff(start)[chosen]
    first = np.r_[0, np.cumsum(lengths)]
    inside = np.arange(first[-1]) - np.repeat(first[:-1], lengths)
    own = corners[np.repeat(start[chosen], lengths) + inside]
    places = vertices[own]
    sums = newell_sums(places, first, np.arange(len(first)))
    flat = np.linalg.norm(sums, axis=1) <= 1e-9
    whole = np.flatnonzero(~flat)
    # Faces without area stay as one degenerate triangle, which the caller counts.
    pieces = [own[first[:-1][flat][:, None] + np.arange(3)]]
    face = [chosen[flat]]
    if len(whole):
        runs = np.concatenate([np.arange(first[k], first[k + 1]) for k in whole])
        polygons = polygons_from_rings(
            places[runs], np.r_[0, np.cumsum(lengths[whole])], np.arange(len(whole) + 1)
        )
        found, of = _cut_polygons(polygons)
        pieces.append(own[runs][found])
        face.append(chosen[whole[of]])
    return np.concatenate(pieces), np.concatenate(face)


def _cut_polygons(polygons: Polygons) -> tuple[IntArray, IntArray]:
    """Cut polygons of one ring; those that cross themselves as fans, like the convex."""
    concave = np.flatnonzero(~polygons.is_convex())
    shaped = np.zeros(len(polygons), np.bool_)
    if len(concave):
        _, shapes = polygons.take(concave).in_plane()
        shaped[concave] = shapely.is_valid(shapes)
    triangles, face = [], []
    if shaped.any():
        proper = np.flatnonzero(shaped)
        some = polygons.take(proper)
        found, of = some.triangles()
        shift = polygons.vertex_start[proper] - some.vertex_start[:-1]
        triangles.append(found + shift[of][:, None])
        face.append(proper[of])
    fans = np.flatnonzero(~shaped)
    counts = np.diff(polygons.vertex_start)[fans] - 2
    owner = np.repeat(fans, counts)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    hub = polygons.vertex_start[owner]
    triangles.append(np.stack([hub, hub + step + 1, hub + step + 2], axis=1))
    face.append(owner)
    return np.concatenate(triangles), np.concatenate(face)
