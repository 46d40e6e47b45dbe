"""Read a mesh of any format."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from gis.crs import PLAN_EPSG, horizontal
from gis.errors import SourceError
from meshes.formats.cityjson_model import CityModel
from meshes.formats.cityjson_read import read_city_model
from meshes.formats.gltf_read import read_gltf
from meshes.formats.obj import read_obj
from meshes.formats.ply import read_ply
from meshes.formats.stl import read_stl
from meshes.formats.triangle_mesh import TriangleMesh, mesh_of_solids

READERS = {
    "OBJ": read_obj,
    "PLY": read_ply,
    "STL": read_stl,
    "glTF": read_gltf,
}

ENDINGS = {
    ".obj": "OBJ",
    ".ply": "PLY",
    ".stl": "STL",
    ".gltf": "glTF",
    ".glb": "glTF",
    ".json": "CityJSON",
    ".jsonl": "CityJSON",
}

FAR = 10_000.0
"""Distance of a mesh from 0 from which its coordinates are shifted [m]: programs that use
32 bits would lose more than a millimetre there."""

ROUND = 100.0
"""Shifts are whole multiples of this [m]."""


def read_mesh(path: Path) -> TriangleMesh:
    """Read OBJ, PLY, STL, glTF or CityJSON, whatever the file is.

    Parameters
    ----------
    path : Path
        Told by its first bytes, and where these tell nothing by its ending.

    Returns
    -------
    TriangleMesh
        In metres, z up; glTF is turned. Of a city model the buildings, a group each part,
        and other objects but ground and plants, a group each type. Far from 0 all
        coordinates are moved by ``shift``, which added to them gives the file's again.

    Raises
    ------
    SourceError
        If it is missing, of another format or damaged.
    CrsError, GeometryError
        As `meshes.formats.cityjson_read.read_city_model` has them.
    """
    path = Path(path)
    form = mesh_format(path)
    if form == "CityJSON":
        return _city_mesh(read_city_model(path))
    return _nearer(READERS[form](path))


def mesh_format(path: Path) -> str:
    """Tell the format of a mesh: OBJ, PLY, STL, glTF or CityJSON.

    Raises
    ------
    SourceError
        If the file is missing or none of them.
    """
    try:
        with path.open("rb") as source:
            head = source.read(4096)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}; check the path"
        raise SourceError(message) from error
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    by_name = ENDINGS.get(path.suffix.lower())
    if head.startswith(b"glTF"):
        return "glTF"
    if head.startswith((b"ply\n", b"ply\r")):
        return "PLY"
    if start.startswith(b"{"):
        if b'"CityJSON' in head:
            return "CityJSON"
        return "CityJSON" if by_name == "CityJSON" else "glTF"
    if by_name is None or by_name == "CityJSON":
        message = (
            f"a mesh must be OBJ, PLY, STL, glTF or CityJSON, {path.name} is none of them "
            f"by its first bytes or its ending; known endings: {', '.join(ENDINGS)}"
        )
        raise SourceError(message)
    return by_name


def _nearer(mesh: TriangleMesh) -> TriangleMesh:
    """Move a mesh that lies far from 0 near to it."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    middle = (low + high) / 2
    if np.abs(middle).max() <= FAR:
        return mesh
    shift = np.round(middle / ROUND) * ROUND * [1, 1, abs(middle[2]) > FAR]
    origin = None if mesh.origin is None else mesh.origin + shift
    return replace(mesh, vertices=mesh.vertices - shift, origin=origin, shift=shift)


def _city_mesh(model: CityModel) -> TriangleMesh:
    """Return the buildings and other bodies of a city model as one mesh."""
    # It brings the light engine along, which no other format needs.
    from meshes.formats.cityjson_light import NO_SHADE

    mesh, _ = mesh_of_solids(model.solids)
    shift = model.solids.origin
    plan = model.system is not None and horizontal(model.system).to_epsg() == PLAN_EPSG
    kinds = np.array(model.other_types, object)
    chosen = np.array([k for k, kind in enumerate(kinds) if kind not in NO_SHADE], np.int64)
    others = model.others.take(chosen)
    corners, face = others.triangles()
    used = sorted({str(kind) for kind in kinds[chosen]})
    number = {kind: len(mesh.groups) + k for k, kind in enumerate(used)}
    group = np.array([number[str(kind)] for kind in kinds[chosen]], np.int32)
    return TriangleMesh(
        np.concatenate([mesh.vertices, others.vertices]),
        np.concatenate([mesh.triangles, corners + len(mesh.vertices)]),
        (*mesh.groups, *used),
        np.concatenate([mesh.group, group[face]]),
        origin=shift if plan else None,
        shift=shift,
    )
