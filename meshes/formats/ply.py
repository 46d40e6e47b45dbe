"""Write and read meshes as PLY."""

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import SourceError
from gis.files import atomic_path
from meshes.facets import Facets
from meshes.formats.painted import paint_faces
from meshes.formats.triangle_mesh import (
    MOST_CORNERS,
    MOST_THINGS,
    TriangleMesh,
    check_count,
    mesh_from_faces,
    mesh_of_solids,
    place_words,
    read_whole,
    stated_origin,
)
from meshes.polygons import FloatArray, IntArray
from meshes.render.colours import UNIT, IrradiationScale
from meshes.solids import Solids

TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
WHOLE = {name: form for name, form in TYPES.items() if form[0] != "f"}
LETTERS = dict(
    zip(("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"), "bBhHiIfd", strict=True)
)
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
CORNERS = ("vertex_indices", "vertex_index")

MOST_HEADER = 20_000_000
"""Bytes of a header: comments may name 100,000 parts."""

MOST_NUMBERS = 20 * MOST_THINGS
"""Numbers of a text file: vertices and faces with colours and more."""

LONGEST = 100
"""Letters of a number; doubles have 25."""

PIECE = 4_000_000
"""Bytes of a text that are understood at a time."""

FACE = np.dtype(
    [
        ("count", "u1"),
        ("corners", "<i4", 3),
        ("red", "u1"),
        ("green", "u1"),
        ("blue", "u1"),
        ("quality", "<f4"),
        ("kind", "u1"),
        ("part", "<i4"),
    ]
)


def write_ply(
    path: Path,
    model: Facets | Solids,
    *,
    values: ArrayLike | None = None,
    scale: IrradiationScale | None = None,
    title: str = "",
    credits: Sequence[str] = (),
) -> None:
    """Write binary PLY with colour, value, kind and part of every triangle.

    Parameters
    ----------
    path : Path
        Usually ends in ``.ply``.
    model : Facets or Solids
        The buildings.
    values : (n,) float, optional
        Irradiation of each facet, or of each face of solids [kWh/m2 a year]; NaN unknown.
        It becomes the property ``quality`` of the faces.
    scale : IrradiationScale, optional
        Colours; by default those of all pictures of the twin.
    title : str
        What to call the scene.
    credits : sequence of str
        Whom to name.

    Raises
    ------
    TableError
        If values and model do not belong together.
    OutputError
        If the file cannot be written.

    Notes
    -----
    Corners are shared within a part, in 64 bits, x = east, y = north, z = up [m] from the
    local origin. Comments tell origin, reference systems, kinds and the ids of parts.
    Equal input gives equal bytes.
    """
    painted = paint_faces(model, values=values, scale=scale)
    solids = painted.solids
    mesh, face = mesh_of_solids(solids)
    rows = np.zeros(len(mesh), FACE)
    rows["count"], rows["corners"] = 3, mesh.triangles
    colour = np.rint(painted.colour * 255).astype(np.uint8)[face]
    rows["red"], rows["green"], rows["blue"] = colour.T
    rows["quality"] = painted.irradiation[face]
    rows["kind"], rows["part"] = solids.kind[face], mesh.group
    told = [
        f"heidi-twin {place_words(solids.origin)}",
        f"quality is irradiation in {UNIT}; kind 0 roof, 1 wall, 2 ground",
        *(text for text in (title, *credits) if text),
        *(f"part {k} {name}" for k, name in enumerate(solids.parts)),
    ]
    head = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {' '.join(text.split())}" for text in told),
        f"element vertex {len(mesh.vertices)}",
        *(f"property double {axis}" for axis in "xyz"),
        f"element face {len(mesh)}",
        "property list uchar int vertex_indices",
        *(f"property uchar {name}" for name in ("red", "green", "blue")),
        "property float quality",
        "property uchar kind",
        "property int part",
        "end_header",
        "",
    ]
    data = "\n".join(head).encode("ascii", "backslashreplace")
    data += mesh.vertices.astype("<f8").tobytes() + rows.tobytes()
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(data)


Columns = dict[str, FloatArray]
Lists = dict[str, tuple[IntArray, IntArray]]


@dataclass(frozen=True)
class _Property:
    """A column of an element; a list where ``count`` has a type."""

    name: str
    kind: str
    count: str = ""


def _property(kind: str, *words: str) -> _Property:
    """Understand one line of the header."""
    if kind != "list":
        (what,) = words
        return _Property(what, TYPES[kind])
    count, members, what = words
    return _Property(what, TYPES[members], WHOLE[count])


@dataclass(frozen=True)
class _Element:
    """Rows of one sort, in the order of the file."""

    name: str
    rows: int
    properties: list[_Property]


def read_ply(path: Path) -> TriangleMesh:
    """Read vertices and faces of a PLY file, text or binary.

    Parameters
    ----------
    path : Path
        The file; properties other than places, corners and ``part`` are skipped.

    Returns
    -------
    TriangleMesh
        A group per value of the faces' property ``part``, else one. Polygons are cut into
        triangles.

    Raises
    ------
    SourceError
        If it is missing, too large, truncated or no PLY, or a face cannot be.
    """
    path = Path(path)
    data = read_whole(path)
    order, elements, told, begin = _header(data, path.name)
    cursor: _Cursor = (
        _Binary(data, begin, path.name, order=order)
        if order
        else _Text(data, begin, path.name)
    )
    vertices, faces = np.empty((0, 3)), None
    for element in elements:
        if element.name == "vertex":
            columns, _ = _read(cursor, element)
            lost = [axis for axis in "xyz" if axis not in columns]
            if lost:
                message = f"vertices of {path.name} must have x, y and z, {lost} missing"
                raise SourceError(message)
            vertices = np.stack([columns[axis] for axis in "xyz"], axis=1)
        elif element.name == "face":
            faces = _read(cursor, element)
            break
        else:
            _read(cursor, element)
    if faces is None:
        message = f"a mesh must have faces, {path.name} has none; it may be a point cloud"
        raise SourceError(message)
    columns, lists = faces
    found = [lists[name] for name in CORNERS if name in lists]
    if not found:
        message = f"faces of {path.name} must list vertex_indices, they do not"
        raise SourceError(message)
    corners, start = found[0]
    groups, group = _parts(columns, told, len(start) - 1)
    origin = next((o for o in map(stated_origin, told) if o is not None), None)
    return mesh_from_faces(
        vertices, corners, start, name=path.name, groups=groups, group=group, origin=origin
    )


def _header(data: bytes, name: str) -> tuple[str, list[_Element], list[str], int]:
    """Return byte order ("" for text), elements, comments and where the rows begin."""
    end = data.find(b"end_header", 0, MOST_HEADER)
    stop = data.find(b"\n", end)
    if not data.startswith(b"ply") or end < 0 or stop < 0:
        message = f"a PLY file must run from 'ply' to 'end_header', {name} does not"
        raise SourceError(message)
    order: str | None = None
    elements: list[_Element] = []
    told: list[str] = []
    for line in data[:end].decode("ascii", "replace").splitlines()[1:]:
        try:
            match line.split():
                case ["format", form, *_]:
                    order = ORDERS[form]
                case ["comment" | "obj_info", *rest]:
                    told.append(" ".join(rest))
                case ["element", what, rows]:
                    check_count(int(rows), f"rows of {what[:40]}", name)
                    elements.append(_Element(what, int(rows), []))
                case ["property", *column]:
                    elements[-1].properties.append(_property(*column))
        except (TypeError, ValueError, LookupError) as error:
            message = f"the header of {name} has {line[:60]!r}, which no PLY has"
            raise SourceError(message) from error
    if order is None:
        message = f"the header of {name} must tell its format, it does not"
        raise SourceError(message)
    return order, elements, told, stop + 1


class _Cursor(ABC):
    """Numbers of a file from a place on."""

    def __init__(self, data: bytes, at: int, name: str) -> None:
        """Begin at a place."""
        self.data, self.at, self.name = data, at, name

    @abstractmethod
    def table(self, forms: list[str], rows: int) -> list[FloatArray]:
        """Read rows of numbers of these types, column by column."""

    @abstractmethod
    def run(self, form: str, count: int) -> tuple[float, ...]:
        """Read some numbers of one type."""

    def missing(self) -> SourceError:
        """Say that the file ends too early."""
        return SourceError(
            f"{self.name} ends before all the rows that its header states; get it anew"
        )


class _Binary(_Cursor):
    """Numbers in bytes."""

    def __init__(self, data: bytes, at: int, name: str, *, order: str) -> None:
        """Begin at a byte."""
        super().__init__(data, at, name)
        self._order = order

    def table(self, forms: list[str], rows: int) -> list[FloatArray]:
        """Read rows of numbers of these types, column by column."""
        kind = np.dtype([(f"c{k}", self._order + form) for k, form in enumerate(forms)])
        if self.at + rows * kind.itemsize > len(self.data):
            raise self.missing()
        table = np.frombuffer(self.data, kind, count=rows, offset=self.at)
        self.at += rows * kind.itemsize
        return [table[name].astype(np.float64) for name in kind.names or ()]

    def run(self, form: str, count: int) -> tuple[float, ...]:
        """Read some numbers of one type."""
        pattern = f"{self._order}{count}{LETTERS[form]}"
        size = struct.calcsize(pattern)
        if self.at + size > len(self.data):
            raise self.missing()
        self.at += size
        return struct.unpack_from(pattern, self.data, self.at - size)


class _Text(_Cursor):
    """Numbers in words."""

    def __init__(self, data: bytes, at: int, name: str) -> None:
        """Begin at a byte."""
        super().__init__(data, 0, name)
        try:
            self._words = np.concatenate([np.empty(0), *_numbers(data, at, name)])
        except ValueError as error:
            message = f"rows of {name} must be numbers: {str(error)[:80]}; get it anew"
            raise SourceError(message) from error

    def table(self, forms: list[str], rows: int) -> list[FloatArray]:
        """Read rows of numbers, column by column."""
        size = rows * len(forms)
        if self.at + size > len(self._words):
            raise self.missing()
        table = self._words[self.at : self.at + size].reshape(rows, len(forms))
        self.at += size
        return list(table.T)

    def run(self, form: str, count: int) -> tuple[float, ...]:  # noqa: ARG002 - words have no type
        """Read some numbers."""
        if self.at + count > len(self._words):
            raise self.missing()
        self.at += count
        return tuple(self._words[self.at - count : self.at].tolist())


def _numbers(data: bytes, at: int, name: str) -> Iterator[FloatArray]:
    """Read words piece by piece, because lists of them take ten times their bytes."""
    count = 0
    while at < len(data):
        stop = min(at + PIECE, len(data))
        while (
            stop < len(data)
            and stop < at + 2 * PIECE
            and not data[stop : stop + 1].isspace()
        ):
            stop += 1
        words = data[at:stop].split()
        if max(map(len, words), default=0) > LONGEST:
            message = f"a number of {LONGEST} digits at most, got more"
            raise ValueError(message)
        count += len(words)
        check_count(count, "numbers", name, most=MOST_NUMBERS)
        yield np.array(words).astype(np.float64) if words else np.empty(0)
        at = stop


def _read(cursor: _Cursor, element: _Element) -> tuple[Columns, Lists]:
    """Read all rows of an element, lists as members and starts."""
    properties, rows = element.properties, element.rows
    if not properties or not rows:
        none = np.empty(0, np.int64), np.zeros(1, np.int64)
        return {}, {p.name: none for p in properties if p.count}
    begin = cursor.at
    # Nearly all files have lists of one length: then rows are a table.
    lengths = [_length(cursor, p) for p in properties]
    cursor.at = begin
    forms: list[str] = []
    for p, length in zip(properties, lengths, strict=True):
        forms += [p.count, *[p.kind] * length] if p.count else [p.kind]
    try:
        table = cursor.table(forms, rows)
    except SourceError:
        if not any(p.count for p in properties):
            raise
        cursor.at = begin  # shorter lists may follow
        return _read_rows(cursor, element)
    columns, lists, place = {}, {}, 0
    for p, length in zip(properties, lengths, strict=True):
        if p.count:
            if (table[place] != length).any():
                cursor.at = begin
                return _read_rows(cursor, element)
            members = np.stack([np.empty(rows), *table[place + 1 : place + 1 + length]])
            lists[p.name] = (_whole(members[1:].T.ravel()), np.arange(rows + 1) * length)
            place += length
        else:
            columns[p.name] = table[place]
        place += 1
    return columns, lists


def _read_rows(cursor: _Cursor, element: _Element) -> tuple[Columns, Lists]:
    """Read rows whose lists differ in length."""
    columns: dict[str, list[float]] = {p.name: [] for p in element.properties}
    starts: dict[str, list[int]] = {p.name: [0] for p in element.properties if p.count}
    for _ in range(element.rows):
        for p in element.properties:
            count = _count(cursor, p) if p.count else 1
            columns[p.name] += cursor.run(p.kind, count)
            if p.count:
                starts[p.name].append(len(columns[p.name]))
                if len(columns[p.name]) > 4 * MOST_THINGS:
                    check_count(len(columns[p.name]), "corners", cursor.name)
    values = {name: np.array(column, np.float64) for name, column in columns.items()}
    lists = {
        name: (_whole(values.pop(name)), np.array(start, np.int64))
        for name, start in starts.items()
    }
    return values, lists


def _count(cursor: _Cursor, p: _Property) -> int:
    """Read how long a list is."""
    (count,) = cursor.run(p.count, 1)
    if not 0 <= count <= MOST_CORNERS:  # NaN fails too
        message = (
            f"lists of {cursor.name} must have 0 to {MOST_CORNERS:,} members, one has "
            f"{count:g}; the file is damaged, get it anew"
        )
        raise SourceError(message)
    return int(count)


def _length(cursor: _Cursor, p: _Property) -> int:
    """Read a number, or a list, to learn how long the list is."""
    count = _count(cursor, p) if p.count else 1
    cursor.run(p.kind, count)
    return count


def _whole(values: FloatArray) -> IntArray:
    """Return whole numbers; what is none, or too large, becomes -1, which names nothing."""
    good = (values == np.floor(values)) & (np.abs(values) < 2**53)
    return np.where(good, values, -1).astype(np.int64)


def _parts(
    columns: Columns, told: list[str], count: int
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Group faces by the part they state, named as the comments say."""
    if "part" not in columns or len(columns["part"]) != count:
        return ("",), np.zeros(count, np.int32)
    used, group = np.unique(_whole(columns["part"]), return_inverse=True)
    lines = (text.split(" ", 2) for text in told if text.startswith("part "))
    names = {words[1]: words[2] for words in lines if len(words) == 3}
    groups = tuple(names.get(str(k), f"part {k}") for k in used)
    return groups, group.astype(np.int32)
