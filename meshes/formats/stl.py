"""Write and read triangles as STL."""

import re
from array import array
from pathlib import Path

import numpy as np

from gis.errors import SourceError
from gis.files import atomic_path
from meshes.facets import Facets
from meshes.formats.triangle_mesh import (
    MOST_GROUPS,
    TriangleMesh,
    check_count,
    mesh_from_faces,
    mesh_of_solids,
    place_words,
    read_whole,
    stated_origin,
)
from meshes.polygons import FloatArray, IntArray, number_points
from meshes.solids import Solids

HEADER = 80
RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
"""The binary form has 50 bytes a triangle after a header and a count."""

_VERTEX = re.compile(rb"\bvertex[ \t]+(\S{1,40})[ \t]+(\S{1,40})[ \t]+(\S{1,40})")
_SOLID = re.compile(rb"^[ \t]*solid\b[ \t]*([^\r\n]*)", re.MULTILINE)
_FACET = re.compile(rb"^[ \t]*facet\b", re.MULTILINE)


def write_stl(path: Path, model: Facets | Solids | TriangleMesh) -> None:
    """Write binary STL.

    Parameters
    ----------
    path : Path
        Usually ends in ``.stl``.
    model : Facets, Solids or TriangleMesh
        What to write. The format keeps neither parts nor colours.

    Raises
    ------
    OutputError
        If the file cannot be written.

    Notes
    -----
    Coordinates are those of the model, z up, in 32 bits. The header tells units and local
    origin for solids. Equal input gives equal bytes.
    """
    data = stl_bytes(model)
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(data)


def stl_bytes(model: Facets | Solids | TriangleMesh, *, header: str | None = None) -> bytes:
    """Return a whole STL file, see `write_stl`.

    Parameters
    ----------
    model : Facets, Solids or TriangleMesh
    header : str, optional
        ASCII, at most 80 letters count; by default units and place.
    """
    solids = model.solids if isinstance(model, Facets) else model
    mesh = solids if isinstance(solids, TriangleMesh) else mesh_of_solids(solids)[0]
    if header is None:
        place = "" if mesh.origin is None else place_words(mesh.origin)
        header = f"heidi-twin {place}"
    # Readers take a file that begins with "solid" for text.
    head = header.encode("ascii", "replace").removeprefix(b"solid")[:HEADER]
    rows = np.zeros(len(mesh), RECORD)
    corners = mesh.vertices.astype("<f4")[mesh.triangles]
    rows["corners"] = corners
    rows["normal"] = _normals(corners.astype(np.float64))
    return head.ljust(HEADER) + np.uint32(len(mesh)).tobytes() + rows.tobytes()


def read_stl(path: Path) -> TriangleMesh:
    """Read STL, binary or text.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    TriangleMesh
        Equal corners are one vertex. A group per ``solid`` of a text file, else one.

    Raises
    ------
    SourceError
        If it is missing, too large, truncated, or no STL; if coordinates are no numbers.
    """
    path = Path(path)
    data = read_whole(path)
    stated = int.from_bytes(data[HEADER : HEADER + 4], "little")
    size = HEADER + 4 + stated * RECORD.itemsize
    if len(data) >= HEADER + 4 and len(data) == size:
        return _binary(data, stated, path.name)
    if data.lstrip()[:5].lower() == b"solid":
        return _text(data, path.name)
    message = (
        f"an STL file must be text from 'solid' on, or have 84 bytes and 50 per triangle; "
        f"{path.name} has {len(data):,} bytes and would need {size:,}; get it anew"
    )
    raise SourceError(message)


def _normals(corners: FloatArray) -> FloatArray:
    """Return unit normals of triangles (t, 3, 3); zero where there is no area."""
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(cross, axis=1, keepdims=True)
    unit: FloatArray = cross / np.where(length > 0, length, 1.0)
    return unit


def _binary(data: bytes, count: int, name: str) -> TriangleMesh:
    """Read the binary form, whose size has been checked."""
    check_count(count, "triangles", name)
    rows = np.frombuffer(data, RECORD, count=count, offset=HEADER + 4)
    corners = rows["corners"].reshape(-1, 3).astype(np.float64)
    header = data[:HEADER].decode("ascii", "replace")
    start = np.arange(count + 1) * 3
    origin = stated_origin(header)
    return mesh_from_faces(*_joined(corners), start, name=name, origin=origin)


def _text(data: bytes, name: str) -> TriangleMesh:
    """Read the text form."""
    facets = sum(1 for _ in _FACET.finditer(data))
    check_count(facets, "triangles", name)
    numbers, places = array("d"), array("q")
    try:
        for found in _VERTEX.finditer(data):
            numbers.extend(map(float, found.groups()))
            places.append(found.start())
    except ValueError as error:
        message = f"coordinates of {name} must be numbers: {error}; export it anew"
        raise SourceError(message) from error
    if not facets or len(places) != 3 * facets:
        message = (
            f"each facet of a text STL must have 3 vertices, {name} has {facets:,} facets "
            f"and {len(places):,} vertices; it is damaged, get it anew"
        )
        raise SourceError(message)
    corners = np.array(numbers).reshape(-1, 3)
    count = sum(1 for _ in _SOLID.finditer(data))
    check_count(count, "solids", name, most=MOST_GROUPS)
    solids = list(_SOLID.finditer(data))
    begins = np.array([m.start() for m in solids])
    group = np.searchsorted(begins, np.array(places)[::3]) - 1
    titles = [m[1].decode("utf-8", "replace").strip()[:200] for m in solids]
    origin = next((o for o in map(stated_origin, titles) if o is not None), None)
    return mesh_from_faces(
        *_joined(corners),
        np.arange(facets + 1) * 3,
        name=name,
        groups=tuple(titles),
        group=group.astype(np.int32),
        origin=origin,
    )


def _joined(corners: FloatArray) -> tuple[FloatArray, IntArray]:
    """Give equal corners one vertex; return vertices and the vertex of each corner."""
    places = corners + 0.0  # -0 is 0
    number = number_points(places, group=np.zeros(len(places), np.int64))
    vertices = np.empty((number.max(initial=-1) + 1, 3))
    vertices[number] = places
    return vertices, number
