"""Gather the faces of chosen geometries as flat arrays."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gis.errors import SourceError
from gis.sources.cityjson import MOST_VERTICES
from gis.sources.json_text import mapping, sequence
from meshes.formats.cityjson_bodies import DEPTHS, INSTANCE, Body
from meshes.polygons import FloatArray, IntArray
from meshes.solids import Kind

BY_NORMAL = -1
"""Label of a face whose kind is told by the direction it looks to."""

LABELS = {
    "RoofSurface": int(Kind.ROOF),
    "WallSurface": int(Kind.WALL),
    "GroundSurface": int(Kind.GROUND),
    "OuterCeilingSurface": int(Kind.UNDERSIDE),
}
"""Kinds of labelled faces. What other labels mean for light depends on the direction:
windows lie in walls and in roofs, outer floors are terraces."""


@dataclass(frozen=True)
class FaceTable:
    """Rings of faces, one after the other, as corner numbers.

    Attributes
    ----------
    corner : (m,) int
        Vertex of each corner.
    size, face : (r,) int
        Corners and face of each ring; the first ring of a face is its outline.
    body, shell, number, label : (f,) int
        Of each face: its body, its shell (over all bodies), its place in the geometry (-1
        for a template) and its label, a `Kind` or `BY_NORMAL`.
    is_surface : (s,) bool
        Of each shell whether it belongs to a bare surface and not to a solid.
    hollows : int
        Inner shells that were left out.
    """

    corner: IntArray
    size: IntArray
    face: IntArray
    body: IntArray
    shell: IntArray
    number: IntArray
    label: IntArray
    is_surface: NDArray[np.bool_]
    hollows: int


def _numbers() -> "array[int]":
    """Return an empty list of whole numbers of eight bytes."""
    return array("q")


@dataclass
class _Faces:
    """A table of faces that grows."""

    corner: "array[int]" = field(default_factory=_numbers)
    size: "array[int]" = field(default_factory=_numbers)
    face: "array[int]" = field(default_factory=_numbers)
    body: "array[int]" = field(default_factory=_numbers)
    shell: "array[int]" = field(default_factory=_numbers)
    number: "array[int]" = field(default_factory=_numbers)
    label: "array[int]" = field(default_factory=_numbers)
    is_surface: list[bool] = field(default_factory=list)
    hollows: int = 0

    def add(
        self, body: int, geometry: dict[str, object], *, shift: int, is_template: bool
    ) -> None:
        """Append the outer shells of a geometry."""
        semantics = mapping(geometry.get("semantics"))
        labels = [
            LABELS.get(str(mapping(surface).get("type")), BY_NORMAL)
            for surface in sequence(semantics.get("surfaces"))
        ]
        number = 0
        for faces, told, is_outer in _shells(geometry, semantics.get("values")):
            if not is_outer:
                number += len(faces)
                self.hollows += 1
                continue
            shell = len(self.is_surface)
            self.is_surface.append(DEPTHS[str(geometry["type"])] == 0)
            for rings, value in _paired(faces, told):
                index = len(self.body)
                is_told = type(value) is int and 0 <= value < len(labels)
                self.label.append(labels[value] if is_told else BY_NORMAL)  # type: ignore[call-overload]
                self.body.append(body)
                self.shell.append(shell)
                self.number.append(-1 if is_template else number)
                number += 1
                for ring in sequence(rings):
                    corners = sequence(ring)
                    self.corner.extend([vertex + shift for vertex in corners])  # type: ignore[operator]
                    self.size.append(len(corners))
                    self.face.append(index)

    def table(self) -> FaceTable:
        """Return what was gathered as arrays."""
        names = ("corner", "size", "face", "body", "shell", "number", "label")
        columns = {name: np.array(getattr(self, name), np.int64) for name in names}
        return FaceTable(
            **columns, is_surface=np.array(self.is_surface, bool), hollows=self.hollows
        )


def _shells(
    geometry: dict[str, object], values: object
) -> Iterable[tuple[list[object], object, bool]]:
    """Yield faces and values of every shell, and whether it is the outer one of a solid."""
    depth = DEPTHS[str(geometry["type"])]
    boundaries = geometry.get("boundaries")
    if depth == 0:
        yield sequence(boundaries), values, True
        return
    solids = [(boundaries, values)] if depth == 1 else _paired(boundaries, values)
    for shells, told in solids:
        for place, (faces, inner) in enumerate(_paired(shells, told)):
            yield sequence(faces), inner, place == 0


def _paired(boundaries: object, values: object) -> Iterable[tuple[object, object]]:
    """Members of boundaries with their values, None where there are none."""
    inside, told = sequence(boundaries), sequence(values)
    return zip(inside, told + [None] * (len(inside) - len(told)), strict=False)


@dataclass
class Templates:
    """Geometries that several objects share.

    Attributes
    ----------
    templates : list
        The geometries.
    vertices : (v, 3) float
        Their vertices.
    """

    templates: list[object]
    vertices: FloatArray

    @staticmethod
    def of(head: dict[str, object]) -> "Templates":
        """Take the templates of a document."""
        told = mapping(head.get("geometry-templates"))
        vertices = np.array(sequence(told.get("vertices-templates")), np.float64)
        return Templates(sequence(told.get("templates")), vertices.reshape(-1, 3))

    def of_instance(self, geometry: dict[str, object]) -> dict[str, object]:
        """Return the template of an instance, an empty mapping if it has none."""
        number = geometry.get("template")
        there = type(number) is int and 0 <= number < len(self.templates)
        return mapping(self.templates[number]) if there else {}  # type: ignore[call-overload]

    def place(
        self, geometry: dict[str, object], points: FloatArray, shift: int
    ) -> FloatArray:
        """Return the vertices of an instance, (v, 3), where it stands.

        The matrix (4 rows of 4 numbers) maps the template's vertices; the reference point
        is added to them.
        """
        (number,) = sequence(geometry.get("boundaries"))
        matrix = np.array(geometry["transformationMatrix"], np.float64).reshape(4, 4)
        if type(number) is not int or not 0 <= number + shift < len(points):
            message = f"the reference point of an instance is no vertex, got {number!r}"
            raise ValueError(message)
        with np.errstate(over="ignore", invalid="ignore"):
            turned = self.vertices @ matrix[:3, :3].T + matrix[:3, 3]
        placed: FloatArray = turned + points[number + shift]
        return placed


def gather_faces(
    bodies: list[Body],
    shifts: dict[str, int],
    points: FloatArray,
    templates: Templates,
    name: str,
) -> tuple[FaceTable, FloatArray]:
    """Gather the outer faces of bodies.

    Parameters
    ----------
    bodies : list of Body
        What to gather.
    shifts : dict
        Of each object the number that its vertices are counted from.
    points : (v, 3) float
        All vertices [m].
    templates : Templates
        Shared geometries, which are copied to where they stand.
    name : str
        Of the file, for messages.

    Returns
    -------
    FaceTable
        Rings of corner numbers.
    (w, 3) float
        The vertices and those of the instances [m].

    Raises
    ------
    ValueError
        If a face uses a vertex that does not exist; the reader says which file.
    SourceError
        If instances have too many vertices.
    """
    faces = _Faces()
    placed, count = [points], len(points)
    for number, body in enumerate(bodies):
        shift = shifts[body.identity]
        geometry = body.geometry
        is_template = geometry.get("type") == INSTANCE
        if is_template:
            placed.append(templates.place(geometry, points, shift))
            geometry, shift = templates.of_instance(geometry), count
            count += len(placed[-1])
            if count > MOST_VERTICES:
                message = f"{name} must have at most {MOST_VERTICES:,} vertices; cut it"
                raise SourceError(message)
        faces.add(number, geometry, shift=shift, is_template=is_template)
    table = faces.table()
    outside = (table.corner < 0) | (table.corner >= count)
    if outside.any():
        message = (
            f"faces must use vertices 0..{count - 1}, one uses {table.corner[outside][0]}"
        )
        raise ValueError(message)
    return table, np.concatenate(placed)
