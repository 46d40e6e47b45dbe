"""Write and read meshes as Wavefront OBJ."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gis.errors import SourceError
from gis.files import atomic_path
from meshes.facets import Facets
from meshes.formats.painted import KIND_NAMES, PaintedFaces, missing_colour, paint_faces
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
from meshes.polygons import FloatArray, IntArray
from meshes.render.colours import UNIT, IrradiationScale
from meshes.solids import Kind, Solids

DECIMALS = 6
"""Digits of a metre in the file: corners of one part stay apart or become one."""

CLASS = 50.0
"""Width of the classes that share a material [kWh/m2 a year]."""


def write_obj(
    path: Path,
    model: Facets | Solids,
    *,
    values: ArrayLike | None = None,
    scale: IrradiationScale | None = None,
    title: str = "",
    credits: Sequence[str] = (),
) -> None:
    """Write an object per building part, with the materials in an ``.mtl`` beside it.

    Parameters
    ----------
    path : Path
        Usually ends in ``.obj``.
    model : Facets or Solids
        The buildings.
    values : (n,) float, optional
        Irradiation of each facet, or of each face of solids [kWh/m2 a year]; NaN unknown.
        Without it materials tell roofs, walls and ground faces; with it they are classes
        of 50 kWh/m2, because the format has no colour per face.
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
        If a file cannot be written.

    Notes
    -----
    Axes are x = east, y = north, z = up [m] from the local origin, which a comment tells.
    Equal input gives equal bytes.
    """
    path = Path(path)
    painted = paint_faces(model, values=values, scale=scale)
    names, colours, material = _materials(painted)
    beside = path.with_suffix(".mtl")
    head = [
        "# heidi-twin",
        f"# {place_words(painted.solids.origin)}",
        *(f"# {_line(text)}" for text in (title, *credits) if text),
    ]
    looks = [*head]
    if painted.scale is not None:
        looks.append(f"# irradiation in classes of {CLASS:g} {UNIT}")
    for name, colour in zip(names, colours, strict=True):
        looks += [f"newmtl {name}", f"Kd {_numbers(colour, 4)}", "Ka 0 0 0", "illum 1"]
    lines = [*head, f"mtllib {_word(beside.name)}", *_body(painted, names, material)]
    # Materials first: an OBJ that exists has them.
    for target, text in ((beside, looks), (path, lines)):
        with atomic_path(target) as temporary:
            temporary.write_text("\n".join([*text, ""]), encoding="utf-8", newline="\n")


def read_obj(path: Path) -> TriangleMesh:
    """Read vertices, faces and groups of an OBJ file.

    Parameters
    ----------
    path : Path
        The file; materials, textures, normals, lines and curves are not read.

    Returns
    -------
    TriangleMesh
        A group per object, or per group where there are no objects. Polygons are cut into
        triangles; negative numbers count from the last vertex so far, as the format says.

    Raises
    ------
    SourceError
        If it is missing, too large, holds no faces, or a line cannot be understood.
    """
    path = Path(path)
    data = read_whole(path).replace(b"\\\n", b" ").replace(b"\\\r\n", b" ")
    reading = _Reading(path.name)
    for number, line in enumerate(BytesIO(data), 1):  # no list of millions of lines
        reading.take(number, *line.decode("utf-8", "replace").split(None, 1))
    return reading.mesh()


@dataclass
class _Reading:
    """What has been read of a file so far."""

    name: str
    places: "array[float]" = field(default_factory=lambda: array("d"))
    corners: "array[int]" = field(default_factory=lambda: array("q"))
    start: "array[int]" = field(default_factory=lambda: array("q", [0]))
    objects: "array[int]" = field(default_factory=lambda: array("i"))
    groups: "array[int]" = field(default_factory=lambda: array("i"))
    names: dict[str, int] = field(default_factory=lambda: {"": 0})
    origin: FloatArray | None = None
    has_objects: bool = False
    _object: int = 0
    _group: int = 0

    def take(self, number: int, key: str = "", rest: str = "") -> None:
        """Understand one line."""
        try:
            match key:
                case "v":
                    self._vertex(rest.split())
                case "f":
                    self._face(rest.split())
                case "o":
                    self._object, self.has_objects = self._named(rest), True
                case "g":
                    self._group = self._named(rest)
                case "#" if self.origin is None:
                    self.origin = stated_origin(rest)
        except (ValueError, OverflowError) as error:
            message = (
                f"line {number} of {self.name} must be a vertex or face of numbers, got "
                f"{f'{key} {rest}'.strip()[:60]!r}; export the mesh anew"
            )
            raise SourceError(message) from error

    def _vertex(self, words: list[str]) -> None:
        """Keep a place; a weight or a colour may follow it."""
        x, y, z = words[:3]
        self.places.extend((float(x), float(y), float(z)))
        if len(self.places) % 300_000 == 0:
            check_count(len(self.places) // 3, "vertices", self.name)

    def _face(self, words: list[str]) -> None:
        """Keep the vertices of a face, numbered from 0."""
        for word in words:
            number = int(word.partition("/")[0])
            if number == 0:
                raise ValueError
            first = len(self.places) // 3 if number < 0 else -1
            self.corners.append(first + number)
        self.start.append(len(self.corners))
        self.objects.append(self._object)
        self.groups.append(self._group)
        if len(self.objects) % 100_000 == 0:
            check_count(len(self.corners) - 2 * len(self.objects), "triangles", self.name)

    def _named(self, rest: str) -> int:
        """Return the number of a name."""
        check_count(len(self.names), "names", self.name, most=MOST_GROUPS)
        return self.names.setdefault(rest.strip()[:200], len(self.names))

    def mesh(self) -> TriangleMesh:
        """Check all that was read."""
        check_count(len(self.places) // 3, "vertices", self.name)
        check_count(len(self.corners) - 2 * len(self.objects), "triangles", self.name)
        owner = np.array(self.objects if self.has_objects else self.groups, np.int32)
        used, group = np.unique(owner, return_inverse=True)
        names = tuple(self.names)
        return mesh_from_faces(
            np.array(self.places, np.float64).reshape(-1, 3),
            np.array(self.corners, np.int64),
            np.array(self.start, np.int64),
            name=self.name,
            groups=tuple(names[k] for k in used),
            group=group.astype(np.int32),
            origin=self.origin,
        )


def _materials(painted: PaintedFaces) -> tuple[list[str], FloatArray, IntArray]:
    """Name materials, their colours (m, 3), and tell that of each face."""
    if painted.scale is None:
        kinds, kind = np.unique(painted.solids.kind, return_inverse=True)
        colours = np.zeros((len(kinds), 3))
        colours[kind] = painted.colour
        return [KIND_NAMES[Kind(k)] for k in kinds.tolist()], colours, kind.astype(np.int64)
    known = np.isfinite(painted.irradiation)
    step = np.floor(np.where(known, painted.irradiation, 0.0) / CLASS).astype(np.int64)
    step[~known] = -1
    used, material = np.unique(step, return_inverse=True)
    middle = np.where(used < 0, np.nan, (used + 0.5) * CLASS)
    colours = painted.scale.srgb(middle).astype(np.float64)
    colours[used < 0] = missing_colour()
    names = [f"light-{int(k * CLASS):04d}" if k >= 0 else "unknown" for k in used]
    return names, colours, material.astype(np.int64)


def _body(painted: PaintedFaces, names: list[str], material: IntArray) -> list[str]:
    """List vertices and faces, object after object."""
    solids = painted.solids
    mesh, face = mesh_of_solids(solids)
    lines = [f"v {_numbers(place, DECIMALS)}" for place in mesh.vertices]
    look = material[face]
    order = np.lexsort((look, mesh.group))
    before = (-1, -1)
    rows = zip(
        mesh.group[order].tolist(),
        look[order].tolist(),
        (mesh.triangles[order] + 1).tolist(),
        strict=True,
    )
    for part, kind, (a, b, c) in rows:
        if part != before[0]:
            lines.append(f"o {_word(solids.parts[part])}")
        if (part, kind) != before:
            lines.append(f"usemtl {names[kind]}")
        before = (part, kind)
        lines.append(f"f {a} {b} {c}")
    return lines


def _numbers(values: FloatArray, decimals: int) -> str:
    """Write numbers as short as they are, never as -0."""
    rounded = (np.round(np.asarray(values, np.float64), decimals) + 0.0).tolist()
    return " ".join(repr(x).removesuffix(".0") for x in rounded)


def _word(name: str) -> str:
    """Return a name without gaps, as most readers take only the first word."""
    return "_".join(name.split()) or "_"


def _line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())
