"""Read the triangles of glTF scenes."""

import base64
import binascii
import struct
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from gis.errors import SourceError
from gis.sources import json_text
from meshes.formats.glb import BINARY_CHUNK, JSON_CHUNK, MAGIC, VERSION
from meshes.formats.triangle_mesh import (
    FARTHEST,
    MOST_BYTES,
    MOST_GROUPS,
    TriangleMesh,
    check_count,
    mesh_from_faces,
    read_whole,
)
from meshes.polygons import FloatArray, IntArray

Json = dict[str, object]

NUMBERS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
"""Kinds of accessors, section 3.6.2 of the specification of glTF 2.0."""

TRIANGLES, STRIP, FAN = 4, 5, 6

INSTANCING = "EXT_mesh_gpu_instancing"
SHAPING = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")
"""Ways to squeeze shapes that are not read."""

KNOWN = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "KHR_lights_", "EXT_lights_")
UNDERSTOOD = (
    INSTANCING,
    "EXT_mesh_features",
    "EXT_structural_metadata",
    "KHR_mesh_quantization",
    "KHR_xmp_json_ld",
)
"""Extensions that do not change a shape, or that are read."""

SHARED = 1000
"""Places at most where nodes stand that have another parent already."""

DEEPEST = 200
"""Nodes below each other."""


def read_gltf(path: Path) -> TriangleMesh:
    """Read the triangles of a scene, ``.glb`` or ``.gltf``.

    Parameters
    ----------
    path : Path
        The file; what it points to must lie in its folder or below.

    Returns
    -------
    TriangleMesh
        A group per name of a node, z up. Nodes are placed by their transforms, and meshes
        that several nodes use stand at each; lines, points and looks are left out.

    Raises
    ------
    SourceError
        If it is missing, too large, damaged, holds no triangles, or is compressed with
        Draco or meshopt, or with sparse accessors.
    """
    path = Path(path)
    reading = _Reading(path, *_document(read_whole(path), path.name))
    try:
        return reading.mesh()
    except SourceError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        message = (
            f"{path.name} must be formed as glTF 2.0, it is not ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:80]}); validate it with the glTF validator"
        )
        raise SourceError(message) from error


def _document(data: bytes, name: str) -> tuple[Json, bytes]:
    """Return the parsed document and the binary chunk, empty where there is none."""
    blob = b""
    if data.startswith(MAGIC):
        version, length = struct.unpack_from("<II", data, 4) if len(data) >= 12 else (0, 0)
        if version != VERSION or length > len(data) or length < 20:
            message = (
                f"a binary glTF must be of version 2 and whole, {name} is of version "
                f"{version} and has {len(data):,} of {length:,} bytes; get it anew"
            )
            raise SourceError(message)
        chunks = dict(_chunks(data[:length], name))
        if JSON_CHUNK not in chunks:
            message = f"a binary glTF must begin with its JSON, {name} does not"
            raise SourceError(message)
        data, blob = chunks[JSON_CHUNK], chunks.get(BINARY_CHUNK, b"")
    text, _ = json_text.decode(data, name)
    document = json_text.parse(text, name)
    asset = document.get("asset") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(asset, dict):
        message = f"a glTF must state its asset, {name} does not; is it another format?"
        raise SourceError(message)
    if not str(asset.get("version", "")).startswith("2."):
        message = f"glTF must be of version 2, {name} is {asset.get('version')!r}"
        raise SourceError(message)
    return document, blob


def _chunks(data: bytes, name: str) -> list[tuple[bytes, bytes]]:
    """Cut a binary file into its chunks, the first of each kind last."""
    at, found = 12, []
    while at + 8 <= len(data):
        length, kind = struct.unpack_from("<I4s", data, at)
        if at + 8 + length > len(data):
            message = f"{name} ends within a chunk; get it anew"
            raise SourceError(message)
        found.append((kind, data[at + 8 : at + 8 + length]))
        at += 8 + length
    return found[::-1]


@dataclass
class _Reading:
    """A scene while it is read."""

    path: Path
    document: Json
    blob: bytes
    vertices: list[FloatArray] = field(default_factory=list)
    triangles: list[IntArray] = field(default_factory=list)
    groups: dict[str, int] = field(default_factory=dict)
    group: list[tuple[int, int]] = field(default_factory=list)
    _buffers: dict[int, bytes] = field(default_factory=dict)
    _shapes: dict[int, list[tuple[FloatArray, IntArray]]] = field(default_factory=dict)
    _counts: list[int] = field(default_factory=lambda: [0, 0])
    _visits: int = 0

    def mesh(self) -> TriangleMesh:
        """Place all meshes of the scene and check them."""
        self._check_extensions()
        for node in self._roots():
            self._place(node, np.eye(4), 0)
        if not self.triangles:
            message = f"a scene must hold triangles, {self.path.name} has none"
            raise SourceError(message)
        corners = np.concatenate(self.triangles)
        names, counts = zip(*self.group, strict=True)
        return mesh_from_faces(
            np.concatenate(self.vertices),
            corners.ravel(),
            np.arange(len(corners) + 1) * 3,
            name=self.path.name,
            groups=tuple(self.groups),
            group=np.repeat(names, counts).astype(np.int32),
            origin=self._origin(),
        )

    def _things(self, what: str) -> list[Json]:
        """Return a list of the document."""
        return [json_text.mapping(thing) for thing in _list(self.document, what)]

    def _check_extensions(self) -> None:
        """Refuse what would be read wrong."""
        required = {str(name) for name in _list(self.document, "extensionsRequired")}
        used = {str(name) for name in _list(self.document, "extensionsUsed")}
        squeezed = sorted((required | used) & set(SHAPING))
        if squeezed:
            message = (
                f"{self.path.name} is compressed with {', '.join(squeezed)}, which is not "
                "read; export it without, or with gltf-transform copy"
            )
            raise SourceError(message)
        odd = sorted(
            name
            for name in required
            if name not in UNDERSTOOD and not name.startswith(KNOWN)
        )
        if odd:
            message = (
                f"{self.path.name} needs extensions that are not read: "
                f"{', '.join(odd)[:100]}; export it without"
            )
            raise SourceError(message)

    def _roots(self) -> list[int]:
        """Return the nodes of the scene that is shown, or those that no other one holds."""
        scenes = self._things("scenes")
        nodes = self._things("nodes")
        if scenes:
            scene = scenes[_whole(self.document.get("scene", 0))]
            return [_whole(k) for k in _list(scene, "nodes")]
        held = {_whole(k) for node in nodes for k in _list(node, "children")}
        return [k for k in range(len(nodes)) if k not in held]

    def _place(self, number: int, above: FloatArray, depth: int) -> None:
        """Place a node and what hangs on it."""
        if depth > DEEPEST:
            message = (
                f"nodes must hang at most {DEEPEST} deep, those of {self.path.name} hang "
                "deeper or in a circle; export it anew"
            )
            raise SourceError(message)
        self._visits += 1
        # The format allows a node one parent; files that share a few are read, but not
        # those that double at every step.
        most = min(MOST_GROUPS, len(self._things("nodes")) + SHARED)
        check_count(self._visits, "nodes", self.path.name, most=most)
        node = self._things_at("nodes", number)
        with np.errstate(all="ignore"):  # absurd numbers are refused at the end
            placed = above @ _transform(node)
        if "mesh" in node:
            mesh = _whole(node["mesh"])
            name = str(
                node.get("name") or self._things_at("meshes", mesh).get("name") or ""
            )
            for instance in self._instances(node):
                self._add(mesh, placed @ instance, name[:200])
        for child in _list(node, "children"):
            self._place(_whole(child), placed, depth + 1)

    def _things_at(self, what: str, number: int) -> Json:
        """Return one thing of a list of the document."""
        things = _list(self.document, what)
        if not 0 <= number < len(things):
            message = (
                f"{self.path.name} must have {what[:-1]} {number}, it has {len(things)}; "
                "the file is damaged, get it anew"
            )
            raise SourceError(message)
        return json_text.mapping(things[number])

    def _instances(self, node: Json) -> list[FloatArray]:
        """Return the transforms of the instances of a node; one that does nothing else."""
        extensions = json_text.mapping(node.get("extensions") or {})
        if INSTANCING not in extensions:
            return [np.eye(4)]
        attributes = json_text.mapping(
            json_text.mapping(extensions[INSTANCING])["attributes"]
        )
        found = {
            key: self._accessor(_whole(attributes[key]))
            for key in ("TRANSLATION", "ROTATION", "SCALE")
            if key in attributes
        }
        count = min((len(table) for table in found.values()), default=0)
        check_count(count, "instances", self.path.name)
        return [
            _compose(*(found[k][row] if k in found else None for k in _PARTS))
            for row in range(count)
        ]

    def _add(self, mesh: int, placed: FloatArray, name: str) -> None:
        """Add the triangles of a mesh at a place."""
        if mesh not in self._shapes:
            primitives = _list(self._things_at("meshes", mesh), "primitives")
            shapes = [self._primitive(json_text.mapping(thing)) for thing in primitives]
            self._shapes[mesh] = [shape for shape in shapes if len(shape[1])]
        for places, triangles in self._shapes[mesh]:
            check_count(len(self.groups), "names", self.path.name, most=MOST_GROUPS)
            self._counts[0] += len(places)
            self._counts[1] += len(triangles)
            check_count(self._counts[0], "vertices", self.path.name)
            check_count(self._counts[1], "triangles", self.path.name)
            with np.errstate(all="ignore"):
                turned = np.linalg.det(placed[:3, :3]) < 0
                standing = places @ placed[:3, :3].T + placed[:3, 3]
            self.triangles.append(
                (triangles[:, ::-1] if turned else triangles)
                + (self._counts[0] - len(places))
            )
            # From y up and -z ahead, as glTF has it, to z up and y ahead.
            x, y, z = standing.T
            self.vertices.append(np.stack([x, 0.0 - z, y], axis=1))
            number = self.groups.setdefault(name, len(self.groups))
            self.group.append((number, len(triangles)))

    def _primitive(self, primitive: Json) -> tuple[FloatArray, IntArray]:
        """Return the places and triangles of one piece of a mesh."""
        none = np.empty((0, 3)), np.empty((0, 3), np.int64)
        mode = _whole(primitive.get("mode", TRIANGLES))
        attributes = json_text.mapping(primitive["attributes"])
        if mode not in (TRIANGLES, STRIP, FAN) or "POSITION" not in attributes:
            return none
        places = self._accessor(_whole(attributes["POSITION"]), width=3)
        if "indices" in primitive:
            told = self._accessor(_whole(primitive["indices"]), width=1)
            corners = told.ravel().astype(np.int64)
        else:
            corners = np.arange(len(places))
        if corners.size and corners.max() >= len(places):
            message = (
                f"indices of {self.path.name} must be below {len(places):,}, got "
                f"{corners.max():,}; the file is damaged, get it anew"
            )
            raise SourceError(message)
        if not (np.abs(places) <= FARTHEST).all():  # NaN fails too
            message = (
                f"coordinates of {self.path.name} must be numbers up to {FARTHEST:g}, some "
                "are not; export it anew"
            )
            raise SourceError(message)
        return places, _triangles(corners, mode)

    def _accessor(self, number: int, *, width: int | None = None) -> FloatArray:
        """Return the numbers of an accessor, (n, width) float."""
        told = self._things_at("accessors", number)
        if "sparse" in told:
            message = (
                f"{self.path.name} has sparse accessors, which are not read; export it "
                "without"
            )
            raise SourceError(message)
        kind = np.dtype(NUMBERS[_whole(told["componentType"])])
        columns = WIDTHS[str(told["type"])]
        count = _whole(told["count"])
        check_count(count, "numbers of an accessor", self.path.name, most=MOST_BYTES // 4)
        if width is not None and columns != width:
            raise ValueError(f"accessor {number} must have {width} columns, has {columns}")  # noqa: EM102 - caught above
        if "bufferView" not in told:
            check_count(count, "empty vertices", self.path.name)
            return np.zeros((count, columns))
        view = self._things_at("bufferViews", _whole(told["bufferView"]))
        data = self._buffer(_whole(view["buffer"]))
        begin = _whole(view.get("byteOffset", 0)) + _whole(told.get("byteOffset", 0))
        size = kind.itemsize * columns
        stride = _whole(view.get("byteStride", size)) or size
        stop = begin + max(count - 1, 0) * stride + (size if count else 0)
        end = _whole(view.get("byteOffset", 0)) + _whole(view["byteLength"])
        if begin < 0 or stride < size or stop > min(end, len(data)):
            message = (
                f"accessor {number} of {self.path.name} reaches beyond its bytes; the file "
                "is damaged, get it anew"
            )
            raise SourceError(message)
        table: NDArray[np.generic] = np.ndarray(
            (count, columns), kind, data, begin, (stride, kind.itemsize)
        )
        values = table.astype(np.float64)
        if told.get("normalized") and kind.kind != "f":
            values = np.maximum(values / np.iinfo(kind).max, -1.0)
        return values

    def _buffer(self, number: int) -> bytes:
        """Return the bytes of a buffer, wherever they are."""
        if number not in self._buffers:
            uri = self._things_at("buffers", number).get("uri")
            self._buffers[number] = self.blob if uri is None else self._fetch(str(uri))
        return self._buffers[number]

    def _fetch(self, uri: str) -> bytes:
        """Read bytes that are written into the document or lie beside it."""
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.partition(",")[2], validate=True)
            except binascii.Error as error:
                message = f"a buffer of {self.path.name} is no base64; get it anew"
                raise SourceError(message) from error
        folder = self.path.resolve().parent
        beside = (folder / unquote(uri)).resolve()
        if "://" in uri or not beside.is_relative_to(folder):
            message = (
                f"buffers of {self.path.name} must lie beside it, got {uri[:80]!r}; put "
                "them there, or export a .glb"
            )
            raise SourceError(message)
        return read_whole(beside)

    def _origin(self) -> FloatArray | None:
        """Return the local origin that scenes of our own tell."""
        asset = json_text.mapping(self.document["asset"])
        scenes = self._things("scenes")
        if asset.get("generator") != "heidi-twin" or not scenes:
            return None
        extras = scenes[0].get("extras")
        origin = extras.get("origin") if isinstance(extras, dict) else None
        if not isinstance(origin, list) or len(origin) != 3:
            return None
        found = np.array(origin, np.float64)
        return found if (np.abs(found) < FARTHEST).all() else None


_PARTS = ("TRANSLATION", "ROTATION", "SCALE")


def _triangles(corners: IntArray, mode: int) -> IntArray:
    """Return the triangles of a run of corners, (t, 3)."""
    if mode == TRIANGLES:
        return corners[: len(corners) // 3 * 3].reshape(-1, 3)
    count = max(len(corners) - 2, 0)
    step = np.arange(count)
    if mode == FAN:
        ends = np.stack([step + 1, step + 2, np.zeros(count, np.int64)], axis=1)
    else:  # every second one of a strip turns the other way
        odd = step % 2
        ends = np.stack([step, step + 1 + odd, step + 2 - odd], axis=1)
    return corners[ends]


def _transform(node: Json) -> FloatArray:
    """Return the transform of a node, (4, 4)."""
    if "matrix" in node:
        matrix = np.array(_numbers(node, "matrix", 16)).reshape(4, 4).T
        if not np.isfinite(matrix).all():
            raise ValueError("a matrix must hold numbers")  # noqa: EM101 - caught above
        return matrix
    told = (
        np.array(_numbers(node, key, width)) if key in node else None
        for key, width in (("translation", 3), ("rotation", 4), ("scale", 3))
    )
    return _compose(*told)


def _compose(
    translation: FloatArray | None, rotation: FloatArray | None, scale: FloatArray | None
) -> FloatArray:
    """Return the matrix that scales, turns by a quaternion (x, y, z, w), then moves."""
    matrix = np.eye(4)
    if rotation is not None:
        x, y, z, w = rotation / np.linalg.norm(rotation)
        matrix[:3, :3] = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    if scale is not None:
        matrix[:3, :3] *= scale
    if translation is not None:
        matrix[:3, 3] = translation
    return matrix


def _numbers(thing: Json, key: str, count: int) -> list[float]:
    """Return a list of numbers of a fixed length."""
    values = [float(str(value)) for value in _list(thing, key)]
    if len(values) != count:
        raise ValueError(f"{key} must have {count} numbers")  # noqa: EM102 - caught above
    return values


def _list(thing: Json, key: str) -> list[object]:
    """Return a list of a mapping, empty where there is none."""
    return json_text.sequence(thing.get(key) or [])


def _whole(value: object) -> int:
    """Return a whole number that is not negative."""
    number = int(str(value))
    if number < 0:
        raise ValueError(f"numbers must not be negative, got {number}")  # noqa: EM102 - caught above
    return number
