"""Name the faults that a body can have."""

from enum import IntEnum
from typing import NamedTuple

from meshes.polygons import FloatArray


class Code(IntEnum):
    """Faults of rings, faces, shells, solids and parts; numbers and names as of val3dity.

    From 1001 on they are laws of this project. Some of the list cannot occur here or
    show as others: rings are stored open (103); shells of one part that share corners
    show as 303 (402), and shells that touch as 401 (404).

    References
    ----------
    Ledoux, val3dity: validation of 3D GIS primitives according to the international
    standards, 2018, doi 10.1186/s40965-018-0043-x.
    """

    TOO_FEW_POINTS = 101
    """A ring has fewer than three different corners."""
    CONSECUTIVE_POINTS_SAME = 102
    """A ring holds a corner twice in a row."""
    RING_SELF_INTERSECTION = 104
    """A ring meets itself, or has no area."""

    INTERSECTION_RINGS = 201
    """Two rings of a face cross or run along each other."""
    DUPLICATED_RINGS = 202
    """Two rings of a face are the same."""
    NON_PLANAR_POLYGON_DISTANCE_PLANE = 203
    """A corner lies too far from the plane of its face."""
    NON_PLANAR_POLYGON_NORMALS_DEVIATION = 204
    """A face is folded, though all its corners are near a plane."""
    POLYGON_INTERIOR_DISCONNECTED = 205
    """Holes cut a face in two."""
    INNER_RING_OUTSIDE = 206
    """A hole lies outside the outline."""
    INNER_RINGS_NESTED = 207
    """A hole lies in another hole."""
    ORIENTATION_RINGS_SAME = 208
    """A hole turns the same way as the outline."""

    TOO_FEW_POLYGONS = 301
    """Fewer than four faces."""
    SHELL_NOT_CLOSED = 302
    """An edge borders one face only."""
    NON_MANIFOLD_CASE = 303
    """More than two faces meet at an edge, or bodies hang together at a corner."""
    MULTIPLE_CONNECTED_COMPONENTS = 305
    """The faces form several bodies that do not touch."""
    SHELL_SELF_INTERSECTION = 306
    """Faces cut or touch each other where they should not."""
    POLYGON_WRONG_ORIENTATION = 307
    """A face looks the other way than its neighbours."""

    INTERSECTION_SHELLS = 401
    """Shells of one part cut or touch each other."""
    INNER_SHELL_OUTSIDE = 403
    """A shell that bounds a cavity lies in no body."""
    WRONG_ORIENTATION_SHELL = 405
    """A body is turned inside out, or a cavity is bounded like a body."""

    BUILDINGPARTS_OVERLAP = 601
    """Two parts fill the same space."""
    CITYOBJECT_HAS_NO_GEOMETRY = 609
    """A part has no faces."""

    COORDINATE_NOT_FINITE = 1001
    """A corner is missing or infinite."""
    NORMAL_OR_AREA_WRONG = 1002
    """The stated normal or area of a face is not that of its corners."""
    KIND_UNKNOWN = 1003
    """A face is neither roof nor wall, ground nor underside."""
    ROOF_LOOKS_DOWN = 1004
    """A roof face does not look up."""
    GROUND_LOOKS_UP = 1005
    """A ground face or an underside does not look down."""
    VOLUME_NOT_AREA_TIMES_HEIGHT = 1006
    """A block does not hold what its roof area times its height makes."""

    @property
    def is_own_law(self) -> bool:
        """Whether it is a law of this project, not one of solids in general."""
        return self >= Code.NORMAL_OR_AREA_WRONG


class Fault(NamedTuple):
    """One thing that is wrong with one part.

    Attributes
    ----------
    part : int
        Index into ``Solids.parts``.
    code : Code
        What it is.
    faces : tuple of int
        Faces that it is about.
    where : (3,) float
        A point to look at [m], relative to the origin of the solids.
    amount : float
        How much; the words tell of what.
    words : str
        A sentence for people.
    """

    part: int
    code: Code
    faces: tuple[int, ...]
    where: FloatArray
    amount: float
    words: str
