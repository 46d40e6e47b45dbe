"""Join ground and buildings to one body that a printer can make."""

import importlib
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from gis.crs import PLAN
from gis.errors import ComponentError, GeometryError
from meshes.formats.print_plan import outlines, swell
from meshes.formats.triangle_mesh import TriangleMesh, mesh_of_solids
from meshes.polygons import FloatArray, IntArray, number_points
from meshes.solids import Kind, Solids, lod1_solids

STEP = 1.0 / 1024.0
"""Grid on which corners lie [mm]: exact in the 32 bits of STL and in short decimals."""

PIN = 0.4
"""Radius of pins that join bodies which only touch along an edge [mm]."""

ROUNDS = 5
"""Times that pins are set before giving up."""

CRUMB = 0.01
"""Volume of loose crumbs that are left out [mm3]."""

Manifold = Any


def load_manifold() -> ModuleType:
    """Return the library that joins bodies.

    Raises
    ------
    ComponentError
        If it is not installed.
    """
    try:
        return importlib.import_module("manifold3d")
    except ImportError as error:
        message = (
            "a printed model needs manifold3d, which is not installed; install it with "
            'make extras, or pip install ".[print]" in the checkout'
        )
        raise ComponentError(message) from error


def prisms(shapes: Iterable[shapely.Geometry], base: float, top: FloatArray) -> Solids:
    """Extrude shapes between two levels; a part for each polygon among them."""
    parts, owner = shapely.get_parts(np.array(list(shapes), object), return_index=True)
    proper = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & (
        shapely.area(parts) > STEP
    )
    polygons = shapely.orient_polygons(parts[proper])
    table = gpd.GeoDataFrame(
        {"base": base, "top": np.broadcast_to(top, owner.shape)[proper]}
        if np.ndim(top) == 0
        else {"base": base, "top": np.asarray(top)[owner[proper]]},
        geometry=polygons,
        crs=PLAN,
    )
    return lod1_solids(table, origin=np.zeros(3))


def bodies(
    solids: Solids, *, foot: float | None = None, swollen: float = 0.0
) -> tuple[list[Manifold], IntArray]:
    """Make a body of each part.

    Parameters
    ----------
    solids : Solids
        Closed parts [mm].
    foot : float, optional
        Level down to which the lower faces are drawn [mm].
    swollen : float
        How far walls move outwards [mm], see `meshes.formats.print_plan.swell`.

    Returns
    -------
    bodies : list of Manifold
        Of the parts that are sound.
    unsound : (n,) int
        The other parts.
    """
    library = load_manifold()
    mesh, face = mesh_of_solids(solids)
    vertices = swell(mesh, outlines(solids), width=swollen) if swollen else mesh.vertices
    if foot is not None:
        # What hangs in the air cannot be printed: it is filled down, as bridges are.
        lower = np.isin(solids.kind[face], (Kind.GROUND, Kind.UNDERSIDE))
        ground = mesh.triangles[lower]
        vertices = vertices.copy()
        vertices[np.unique(ground), 2] = foot
    order = np.argsort(mesh.group, kind="stable")
    ends = np.searchsorted(mesh.group[order], np.arange(len(solids.parts) + 1))
    made, unsound = [], []
    for part in range(len(solids.parts)):
        triangles = mesh.triangles[order[ends[part] : ends[part + 1]]]
        body = _body(library, vertices, triangles)
        if body is None:
            unsound.append(part)
        else:
            made.append(body)
    return made, np.array(unsound, np.int64)


def extrude(
    shapes: Iterable[shapely.Geometry], base: float, top: FloatArray | float
) -> list[Manifold]:
    """Make bodies between two levels of shapes [mm]; those that meet themselves grow.

    Parameters
    ----------
    shapes : iterable of Polygon or MultiPolygon
    base, top : float; (n,) float or float
        Levels [mm].
    """
    solids = prisms(shapes, base, np.asarray(top, np.float64))
    made, unsound = bodies(solids)
    if len(unsound):
        # A hole that touches the outline in a corner is a valid shape but no body.
        grown = shapely.buffer(outlines(solids)[unsound], 0.02, join_style="mitre")
        tops = _tops(solids)[unsound]
        made += bodies(prisms(grown, base, tops))[0]
    return made


def _tops(solids: Solids) -> FloatArray:
    """Return the highest corner of each part, (parts,)."""
    owner = np.repeat(solids.part, np.diff(solids.faces.vertex_start))
    top = np.full(len(solids.parts), -np.inf)
    np.maximum.at(top, owner, solids.faces.vertices[:, 2])
    return top


def block(corners: FloatArray, triangles: IntArray) -> Manifold:
    """Make a body between a surface and level 0.

    Parameters
    ----------
    corners : (v, 3) float
        Above 0 [mm].
    triangles : (t, 3) int
        Facing up, without overlaps in plan.

    Raises
    ------
    GeometryError
        If the surface is no single sheet.
    """
    count = len(corners)
    floor = corners * np.array([1.0, 1.0, 0.0])
    edges = np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    back = edges[:, 1] * count + edges[:, 0]
    a, b = edges[~np.isin(edges[:, 0] * count + edges[:, 1], back)].T
    walls = [
        np.stack([b, a, a + count], axis=1),
        np.stack([b, a + count, b + count], axis=1),
    ]
    body = _body(
        load_manifold(),
        np.concatenate([corners, floor]),
        np.concatenate([triangles, triangles[:, ::-1] + count, *walls]),
    )
    if body is None:
        message = "the ground must be one sheet to print it, this one is not; report it"
        raise GeometryError(message)
    return body


def union(some: Sequence[Manifold]) -> Manifold:
    """Join bodies to one."""
    library = load_manifold()
    return library.Manifold.batch_boolean(list(some), library.OpType.Add)


def settle(body: Manifold) -> tuple[TriangleMesh, int]:
    """Lay the corners of a body on the printer's grid so that it stays closed.

    Parameters
    ----------
    body : Manifold
        [mm]

    Returns
    -------
    mesh : TriangleMesh
        Closed and outward, corners on multiples of `STEP`, in an order of its own.
    pins : int
        Edges along which parts of the body only touched, and that were filled out.

    Raises
    ------
    GeometryError
        If it does not become one closed body.

    Notes
    -----
    Bodies that touch along an edge are two for the library, but one with an edge of four
    faces in a file, which is not printable. A pin makes the contact thick.
    """
    library = load_manifold()
    pins = 0
    box = body.bounding_box()
    for _ in range(ROUNDS):
        body = _whole(body.simplify(STEP / 2))
        mesh = _on_grid(body)
        bad = _bad_edges(mesh)
        if not len(bad):
            check = _body(library, mesh.vertices, mesh.triangles)
            if check is None or not check.volume() > 0:
                break
            return mesh, pins
        lines = mesh.vertices[bad]
        spots = shapely.buffer(shapely.linestrings(lines[..., :2]), PIN, quad_segs=2)
        pins += len(np.unique(shapely.to_wkb(spots)))
        # From within the block up to the upper end of the edge.
        tops = lines[..., 2].max(axis=1)
        filled = union(extrude(spots, box[2], np.maximum(tops, box[2] + STEP)))
        body = _trim(library, body + filled, box)
    message = (
        "a printed model must be one closed body, this one could not be closed; try "
        "another scale, and check the buildings with heidi check"
    )
    raise GeometryError(message)


def _body(
    library: ModuleType, vertices: FloatArray, triangles: IntArray
) -> Manifold | None:
    """Return a body with a volume, or None where the triangles bound none."""
    used, corners = np.unique(triangles, return_inverse=True)
    body = library.Manifold(
        library.Mesh64(
            vert_properties=np.ascontiguousarray(vertices[used]),
            tri_verts=corners.reshape(-1, 3).astype(np.uint64),
        )
    )
    sound = body.status() == library.Error.NoError and body.volume() > 0
    return body if sound else None


def _whole(body: Manifold) -> Manifold:
    """Leave out crumbs that hang on nothing."""
    pieces = body.decompose()
    if len(pieces) == 1:
        return body
    sizes = [abs(piece.volume()) for piece in pieces]
    kept = [p for p, size in zip(pieces, sizes, strict=True) if size > CRUMB]
    return kept[0] if len(kept) == 1 else body


def _trim(library: ModuleType, body: Manifold, box: Sequence[float]) -> Manifold:
    """Cut a body to a box (least x, y, z, most x, y, z)."""
    low, high = np.array(box[:3]), np.array(box[3:])
    cube = library.Manifold.cube((high - low).tolist()).translate(low.tolist())
    return body ^ cube


def _on_grid(body: Manifold) -> TriangleMesh:
    """Round the corners, join equal ones, drop what falls flat, and order the rest."""
    told = body.to_mesh64()
    places = np.rint(np.asarray(told.vert_properties)[:, :3] / STEP) * STEP + 0.0
    vertices, number = np.unique(places, axis=0, return_inverse=True)
    triangles = number.reshape(-1)[np.asarray(told.tri_verts).astype(np.int64)]
    a, b, c = triangles.T
    triangles = triangles[(a != b) & (b != c) & (c != a)]
    # Two sheets that fell on each other cancel.
    turned = _first_least(triangles)
    flipped = _first_least(triangles[:, ::-1])
    count = len(turned)
    same = number_points(
        np.concatenate([turned, flipped]).astype(np.float64),
        group=np.zeros(2 * count, np.int64),
    )
    uses = np.bincount(same[:count], minlength=2 * count)
    reverse = np.bincount(same[count:], minlength=2 * count)
    kept = turned[(uses != reverse)[same[:count]]]
    used, corners = np.unique(kept, return_inverse=True)
    ordered = corners.reshape(-1, 3)
    ordered = ordered[np.lexsort(ordered.T[::-1])]
    return TriangleMesh(
        vertices[used], ordered, ("body",), np.zeros(len(ordered), np.int32)
    )


def _first_least(triangles: IntArray) -> IntArray:
    """Turn triangles so that the least corner comes first."""
    shift = triangles.argmin(axis=1)[:, None]
    turned: IntArray = np.take_along_axis(triangles, (shift + np.arange(3)) % 3, axis=1)
    return turned


def _bad_edges(mesh: TriangleMesh) -> IntArray:
    """Return corners (n, 2) of the edges that do not part two triangles."""
    count = len(mesh.vertices)
    edges = np.concatenate([mesh.triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    low, high = edges.min(axis=1), edges.max(axis=1)
    forward = edges[:, 0] == low
    code, place = np.unique(low * count + high, return_inverse=True)
    there = np.bincount(place[forward], minlength=len(code))
    back = np.bincount(place[~forward], minlength=len(code))
    wrong = code[(there != 1) | (back != 1)]
    return np.stack(np.divmod(wrong, count), axis=1)
