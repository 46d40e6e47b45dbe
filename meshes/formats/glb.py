"""Collect arrays, bytes and their descriptions into a binary glTF file."""

import json
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.polygons import FloatArray

Json = dict[str, Any]

MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK = b"glTF", 2, b"JSON", b"BIN\0"
"""Container of glTF 2.0, section 4 of its specification (ISO/IEC 12113:2022)."""

ALIGNMENT: Final = 8
"""Every view starts on a multiple of this [bytes], as metadata tables ask for."""

ARRAY_BUFFER, ELEMENT_BUFFER = 34962, 34963
COMPONENTS = {"u1": 5121, "u2": 5123, "u4": 5125, "f4": 5126}
SHAPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
MOST_SHORT = 65_535
"""Corners up to which two bytes number them; the highest number is no corner."""

UNLIT = "KHR_materials_unlit"


class GlbWriter:
    """A glTF 2.0 document that grows by meshes and nodes and becomes bytes at the end.

    Parameters
    ----------
    credit : str
        Whom to name, the asset's copyright; left out where empty.
    extras : dict
        What else to say of the scene, in plain values of JSON.
    """

    def __init__(self, *, credit: str = "", extras: Json | None = None) -> None:
        asset: Json = {"version": "2.0", "generator": "heidi-twin"}
        if credit:
            asset["copyright"] = credit
        self.extensions: Json = {}
        self._asset = asset
        self._scene: Json = {"nodes": []} | ({"extras": extras} if extras else {})
        self._lists: dict[str, list[Json]] = {}
        self._used: set[str] = set()
        self._required: set[str] = set()
        self._blob = bytearray()

    def use(self, extension: str) -> None:
        """Say that the document uses an extension, without asking readers to know it."""
        self._used.add(extension)

    def require(self, extension: str) -> None:
        """Say that the document would show something wrong without an extension."""
        self.use(extension)
        self._required.add(extension)

    def add(self, what: str, thing: Json) -> int:
        """Append to a list of the document (``meshes``, ``nodes``); return its place."""
        things = self._lists.setdefault(what, [])
        things.append(thing)
        return len(things) - 1

    def add_node(self, node: Json) -> int:
        """Put a node into the scene."""
        place = self.add("nodes", node)
        self._scene["nodes"].append(place)
        return place

    def add_view(self, data: bytes, **described: object) -> int:
        """Append bytes on an aligned place; return the number of their view."""
        self._blob += bytes(-len(self._blob) % ALIGNMENT)
        view = {"buffer": 0, "byteOffset": len(self._blob), "byteLength": len(data)}
        self._blob += data
        return self.add("bufferViews", {**view, **described})

    def add_attribute(
        self, values: NDArray[Any], *, normalized: bool = False, bounds: bool = False
    ) -> int:
        """Append one attribute of vertices.

        Parameters
        ----------
        values : (v,) or (v, k) array
            8-bit or 16-bit unsigned or 32-bit floating numbers.
        normalized : bool
            Whether whole numbers stand for 0..1.
        bounds : bool
            Whether to state smallest and largest values; positions must.

        Returns
        -------
        int
            Number of the accessor.
        """
        table = values.reshape(len(values), -1)
        width = table.dtype.itemsize * table.shape[1]
        stride = -(-width // 4) * 4
        padded = np.zeros((len(table), stride), np.uint8)
        padded[:, :width] = np.ascontiguousarray(table).view(np.uint8)
        view = self.add_view(padded.tobytes(), byteStride=stride, target=ARRAY_BUFFER)
        accessor: Json = {
            "bufferView": view,
            "componentType": COMPONENTS[table.dtype.str[1:]],
            "count": len(table),
            "type": SHAPES[table.shape[1]],
        }
        if normalized:
            accessor["normalized"] = True
        if bounds:
            accessor["min"] = table.min(axis=0).tolist()
            accessor["max"] = table.max(axis=0).tolist()
        return self.add("accessors", accessor)

    def add_indices(self, triangles: NDArray[np.int64], *, vertices: int) -> int:
        """Append the corners of triangles, (t, 3); return the number of the accessor."""
        short = np.dtype("<u2") if vertices <= MOST_SHORT else np.dtype("<u4")
        view = self.add_view(triangles.astype(short).tobytes(), target=ELEMENT_BUFFER)
        return self.add(
            "accessors",
            {
                "bufferView": view,
                "componentType": COMPONENTS[short.str[1:]],
                "count": triangles.size,
                "type": "SCALAR",
            },
        )

    def add_material(
        self,
        name: str,
        *,
        colour: FloatArray | None = None,
        texture: int | None = None,
        unlit: bool = False,
    ) -> int:
        """Append a dull material.

        Parameters
        ----------
        name : str
            What it shows.
        colour : (3,) float, optional
            Linear light 0..1; white by default.
        texture : int, optional
            Texture of its colour.
        unlit : bool
            Whether colours show as they are, whatever the light.
        """
        surface: Json = {"metallicFactor": 0, "roughnessFactor": 1}
        if colour is not None:
            surface["baseColorFactor"] = [*np.round(colour, 6).tolist(), 1]
        if texture is not None:
            surface["baseColorTexture"] = {"index": texture}
        material: Json = {"name": name, "pbrMetallicRoughness": surface}
        if unlit:
            self.use(UNLIT)
            material["extensions"] = {UNLIT: {}}
        return self.add("materials", material)

    def to_bytes(self) -> bytes:
        """Return the whole file."""
        blob = bytes(self._blob) + bytes(-len(self._blob) % ALIGNMENT)
        if blob:
            self._lists["buffers"] = [{"byteLength": len(blob)}]
        document: Json = {"asset": self._asset}
        if self._used:
            document["extensionsUsed"] = sorted(self._used)
        if self._required:
            document["extensionsRequired"] = sorted(self._required)
        if self.extensions:
            document["extensions"] = self.extensions
        # Empty lists are not allowed, and a scene without nodes has none.
        scene = {key: value for key, value in self._scene.items() if value}
        document |= {"scene": 0, "scenes": [scene], **self._lists}
        text = json.dumps(
            document, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()
        # Two headers of chunks and one of the file, 28 bytes, come before the blob.
        text += b" " * (-(28 + len(text)) % ALIGNMENT)
        chunks = [(JSON_CHUNK, text)] + ([(BINARY_CHUNK, blob)] if blob else [])
        body = b"".join(
            struct.pack("<I4s", len(data), kind) + data for kind, data in chunks
        )
        return struct.pack("<4sII", MAGIC, VERSION, 12 + len(body)) + body
