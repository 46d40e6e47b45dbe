"""Exchange buildings, light and ground with PyVista."""

import importlib
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.crs import HEIGHT_EPSG, PLAN_EPSG
from gis.errors import ComponentError, GeometryError, TableError
from gis.terrain import Terrain
from meshes.facets import Facets
from meshes.formats.painted import paint_faces
from meshes.formats.triangle_mesh import TriangleMesh
from meshes.polygons import FloatArray, IntArray, newell_sums, polygons_from_rings
from meshes.render.colours import IrradiationScale
from meshes.solids import Kind, Solids

VALUE = "irradiation"
"""Name of the values in PyVista, [kWh/m2 a year]."""

PolyData = Any
"""A ``pyvista.PolyData``; its types are known only where it is installed."""


def load_pyvista() -> ModuleType:
    """Return PyVista.

    Raises
    ------
    ComponentError
        If it is not installed.
    """
    try:
        return importlib.import_module("pyvista")
    except ImportError as error:
        message = (
            "VTK models need PyVista, which is not installed; install it with "
            'pip install ".[vtk]" in the checkout'
        )
        raise ComponentError(message) from error


def to_pyvista(
    model: Facets | Solids | TriangleMesh | Terrain,
    *,
    values: ArrayLike | None = None,
    scale: IrradiationScale | None = None,
    origin: FloatArray | None = None,
) -> PolyData:
    """Turn a model into a PyVista surface.

    Parameters
    ----------
    model : Facets, Solids, TriangleMesh or Terrain
        What to show.
    values : (n,) float, optional
        Irradiation of each facet, or of each face of solids [kWh/m2 a year]; a number of
        any meaning for each triangle of a mesh or each cell of a terrain, row after row.
    scale : IrradiationScale, optional
        Colours of irradiation; by default those of all pictures of the twin.
    origin : (3,) float, optional
        Local origin of a terrain [m]; by default the middle of its grid at height 0. Other
        models have one.

    Returns
    -------
    pyvista.PolyData
        x = east, y = north, z = up [m] from the origin. Buildings carry ``kind``, ``part``,
        ``face``, ``irradiation`` and ``colour`` (8-bit sRGB) of each cell, and ``parts``,
        ``origin`` and ``crs`` as field data. A terrain carries ``elevation`` [m RH2000] of
        each point, and its values too.

    Raises
    ------
    ComponentError
        If PyVista is not installed.
    TableError
        If values and model do not belong together.
    """
    if isinstance(model, Terrain):
        return _ground(load_pyvista(), model, values, origin)
    if isinstance(model, TriangleMesh):
        return _triangles(load_pyvista(), model, values)
    painted = paint_faces(model, values=values, scale=scale)
    solids = painted.solids
    cells, face = _cells(solids)
    surface = load_pyvista().PolyData(solids.faces.vertices.copy(), cells)
    surface.cell_data["kind"] = solids.kind[face].astype(np.uint8)
    surface.cell_data["part"] = solids.part[face]
    surface.cell_data["face"] = face
    surface.cell_data["colour"] = np.rint(painted.colour * 255).astype(np.uint8)[face]
    if painted.scale is not None:
        surface.cell_data[VALUE] = painted.irradiation[face]
        surface.set_active_scalars(VALUE, preference="cell")
    _tell(surface, solids.origin)
    surface.field_data["parts"] = list(solids.parts)
    return surface


def from_pyvista(surface: PolyData) -> Solids | TriangleMesh:
    """Take a surface back from PyVista.

    Parameters
    ----------
    surface : pyvista.PolyData
        Other meshes are reduced to their outer surface first.

    Returns
    -------
    Solids or TriangleMesh
        Solids where the cells tell their ``kind`` and ``part``, as those of `to_pyvista`
        do: faces with holes come back as the triangles they were cut into, and cells that
        were changed count as they are now. Else triangles, grouped by ``part`` if there is
        such an array.

    Raises
    ------
    ComponentError
        If PyVista is not installed.
    GeometryError
        If there is no cell with an area, a place is no number, or arrays tell of kinds and
        parts that do not exist.
    """
    library = load_pyvista()
    if not isinstance(surface, library.PolyData):
        surface = surface.extract_surface(algorithm=None)
    data = surface.cell_data
    if surface.n_strips or surface.n_lines or surface.n_verts:
        surface = surface.triangulate()  # takes strips apart, drops what has no area
        data = surface.cell_data
    points = np.asarray(surface.points, np.float64)
    if not np.isfinite(points).all():
        message = "points of a surface must be finite numbers, some are not; clean it"
        raise GeometryError(message)
    if not surface.n_cells:
        message = "a surface must have cells, this one has none; extract_surface may help"
        raise GeometryError(message)
    if "kind" in data and "part" in data and "parts" in surface.field_data:
        return _solids(surface, points)
    flat = surface.triangulate()
    triangles = flat.faces.reshape(-1, 4)[:, 1:].astype(np.int64)
    part = np.zeros(len(triangles), np.int64)
    names: tuple[str, ...] = ("",)
    if "part" in flat.cell_data:
        used, part = np.unique(np.asarray(flat.cell_data["part"]), return_inverse=True)
        names = tuple(f"part {k}" for k in used)
    return TriangleMesh(
        np.asarray(flat.points, np.float64),
        triangles,
        names,
        part.astype(np.int32),
        origin=_origin(surface),
    )


def _tell(surface: PolyData, origin: FloatArray) -> None:
    """Keep the place of a surface with it."""
    surface.field_data["origin"] = np.asarray(origin, np.float64)
    surface.field_data["crs"] = [f"EPSG:{PLAN_EPSG}+{HEIGHT_EPSG}"]


def _origin(surface: PolyData) -> FloatArray | None:
    """Return the local origin that a surface tells."""
    if "origin" not in surface.field_data:
        return None
    origin = np.asarray(surface.field_data["origin"], np.float64).ravel()
    return origin if origin.shape == (3,) and np.isfinite(origin).all() else None


def _cells(solids: Solids) -> tuple[IntArray, IntArray]:
    """List cells, each with its number of corners first, and the face of each cell."""
    faces = solids.faces
    whole = np.diff(faces.polygon_start) == 1
    counts = np.diff(faces.vertex_start)
    cells: list[IntArray] = []
    owner: list[int] = []
    cut, of = faces.take(np.flatnonzero(~whole)).triangles()
    holed = np.flatnonzero(~whole)
    # The corners of holed faces, as they lie among all corners.
    runs = [np.arange(faces.vertex_start[k], faces.vertex_start[k + 1]) for k in holed]
    corners = np.concatenate([*runs, np.empty(0, np.int64)]).astype(np.int64)
    ends = np.searchsorted(of, np.arange(len(holed) + 1))
    place = {face: k for k, face in enumerate(holed.tolist())}
    for face in range(len(faces)):
        if face in place:
            k = place[face]
            for triangle in corners[cut[ends[k] : ends[k + 1]]]:
                cells.append(np.r_[3, triangle])
                owner.append(face)
        else:
            first = faces.vertex_start[face]
            cells.append(np.r_[counts[face], first : first + counts[face]])
            owner.append(face)
    listed = np.concatenate([*cells, np.empty(0, np.int64)]).astype(np.int64)
    return listed, np.array(owner, np.int64)


def _solids(surface: PolyData, points: FloatArray) -> Solids:
    """Read cells with meaning back as faces."""
    listed = np.asarray(surface.faces, np.int64)
    starts = np.asarray(surface.GetPolys().GetOffsetsArray(), np.int64)
    corners = np.delete(listed, starts[:-1] + np.arange(len(starts) - 1))
    kind = np.asarray(surface.cell_data["kind"], np.int64)
    part = np.asarray(surface.cell_data["part"], np.int64)
    parts = tuple(str(name) for name in surface.field_data["parts"])
    wrong = ~np.isin(kind, [int(k) for k in Kind]) | (part < 0) | (part >= len(parts))
    if wrong.any():
        message = (
            f"cells must be of kind 0 to {len(Kind) - 1} and part 0 to {len(parts) - 1}, "
            f"{int(wrong.sum())} are not; keep the arrays of to_pyvista"
        )
        raise GeometryError(message)
    places = points[corners]
    flat = np.linalg.norm(newell_sums(places, starts, np.arange(len(starts))), axis=1)
    kept = flat > 1e-9
    lengths = np.diff(starts)
    if not kept.any():
        message = "a surface must have cells with an area, this one has none"
        raise GeometryError(message)
    faces = polygons_from_rings(
        places[np.repeat(kept, lengths)],
        np.r_[0, np.cumsum(lengths[kept])].astype(np.int64),
        np.arange(int(kept.sum()) + 1),
    )
    origin = _origin(surface)
    return Solids(
        faces,
        kind[kept].astype(np.int8),
        part[kept].astype(np.int32),
        parts,
        np.zeros(3) if origin is None else origin,
    )


def _triangles(
    library: ModuleType, mesh: TriangleMesh, values: ArrayLike | None
) -> PolyData:
    """Turn plain triangles into a surface."""
    cells = np.c_[np.full(len(mesh), 3), mesh.triangles].ravel()
    surface = library.PolyData(mesh.vertices.copy(), cells)
    surface.cell_data["part"] = mesh.group
    if values is not None:
        surface.cell_data["value"] = _checked(values, len(mesh), "triangle")
    if mesh.origin is not None:
        _tell(surface, mesh.origin)
    return surface


def _ground(
    library: ModuleType,
    terrain: Terrain,
    values: ArrayLike | None,
    origin: FloatArray | None,
) -> PolyData:
    """Turn a grid of elevations into a surface that faces up."""
    grid = terrain.grid
    if origin is None:
        middle = [grid.x.mean().round(-2), grid.y.mean().round(-2), 0.0]
        origin = np.array(middle)
    x, y = np.meshgrid(grid.x, grid.y)
    points = np.stack([x, y, terrain.z], axis=-1).reshape(-1, 3) - origin
    place = np.arange(grid.rows * grid.columns).reshape(grid.rows, grid.columns)
    # Row 0 lies in the north: south west, south east, north east, north west.
    corners = (place[1:, :-1], place[1:, 1:], place[:-1, 1:], place[:-1, :-1])
    quads = np.stack([np.full(corners[0].shape, 4), *corners], axis=-1)
    surface = library.PolyData(points, quads.reshape(-1))
    surface.point_data["elevation"] = terrain.z.ravel()
    if values is not None:
        count = grid.rows * grid.columns
        surface.point_data["value"] = _checked(np.ravel(values), count, "cell")
    _tell(surface, np.asarray(origin, np.float64))
    return surface


def _checked(values: ArrayLike, count: int, what: str) -> NDArray[np.float64]:
    """Refuse values of another model."""
    given = np.asarray(values, np.float64)
    if given.shape != (count,):
        message = (
            f"there must be one value per {what}, {count}, got an array of shape "
            f"{given.shape}; give those of the same model"
        )
        raise TableError(message)
    return given
