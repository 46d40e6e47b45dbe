"""Project the shadows of polygons onto facets, one direction at a time.

All rays towards one direction are parallel. So instead of tracing a ray per sensor, each
occluding polygon is mapped along the direction onto the plane of a facet and the spans of
the facet's sensor grid that it covers are filled, 64 sensors per machine word. The answer
at the sensors is the ray casting answer:

    a sensor at P is blocked in direction d when the ray P + t d meets an occluder at a
    point that lies more than ``EPSILON`` above the plane of the sensor's facet.

Of a closed solid only the faces turned towards d are drawn: every ray that starts
outside or inside of the solid and runs through it leaves it by one of them. Of a height
field only the faces turned away are drawn: a ray that starts above the ground enters it by
one of them.

The height above the facet's plane at which the ray of a grid point meets the polygon is a
linear function of the grid coordinates; so a polygon that reaches behind the facet needs no
clipping in space, its spans are cut where that height falls below ``EPSILON``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray
from meshes.solar.occluders import Occluders
from meshes.solar.own_kernel import own_faces_behind
from meshes.solar.shadow_kernel import cast_shadows

EPSILON = 1e-3
"""Height above a facet's plane below which nothing can block its sensors [m].

Neighbouring walls of real data lie within about a millimetre of one plane."""

CURVE_CELL = 16.0
"""Cell of the space-filling curve [m]."""


@dataclass(frozen=True)
class Caster:
    """Facets and occluders laid out for the kernel; made once, used for all directions."""

    receivers: tuple[NDArray[np.generic], ...]
    casters: tuple[NDArray[np.generic], ...]
    words: int
    polygon_count: int
    vertex_count: int
    longest: int

    def cast(self, direction: FloatArray, blocked: NDArray[np.uint64]) -> None:
        """Write which cells are blocked towards ``direction``; releases the GIL.

        Parameters
        ----------
        direction : (3,) float
            Unit vector towards the light.
        blocked : (w,) uint64
            One bit per cell, overwritten: 1 = blocked or turned away. Bits of cells
            without sensor are undefined.
        """
        cast_shadows(
            np.ascontiguousarray(direction, np.float64),
            self.receivers,
            self.casters,
            self.longest,
            EPSILON,
            blocked,
        )


def make_caster(facets: Facets, occluders: Occluders) -> Caster:
    """Lay out facets and occluders for the kernel.

    Both are put in the order of a space-filling curve: what is near in space is then near
    in memory, which matters more to the kernel than arithmetic.
    """
    drawn = occluders.polygons
    sequence = curve_order(drawn.vertices[drawn.vertex_start[:-1]])
    polygons, sides = drawn.take(sequence), occluders.side[sequence]
    order = curve_order(facets.corner)
    label, facet_owner = _match_parts(facets, occluders)
    label = label[sequence]
    start = polygons.vertex_start
    count = len(polygons)
    if count:
        low = np.minimum.reduceat(polygons.vertices, start[:-1])
        high = np.maximum.reduceat(polygons.vertices, start[:-1])
        first = polygons.vertices[start[:-1]]
    else:
        low = high = first = np.empty((0, 3))
    offset = np.einsum("px,px->p", polygons.normal, first)
    _, edge_end = polygons.edges()
    receivers = (
        facets.corner,
        facets.e1 * facets.step[:, :1],
        facets.e2 * facets.step[:, 1:],
        facets.normal,
        facets.shape,
        facets.bit_start,
    )
    casters = (
        polygons.vertices,
        edge_end,
        start,
        polygons.normal,
        offset,
        (low + high) / 2,
        (high - low) / 2,
        sides,
        polygons.is_convex(),
        label,
    )
    receivers = (
        *(np.ascontiguousarray(array[order]) for array in receivers),
        facet_owner[order],
        own_faces_behind(
            facets.corner[order],
            facets.normal[order],
            facet_owner[order],
            polygons.vertices,
            start,
            label,
            EPSILON,
        ),
        facets.mask,
    )
    return Caster(
        receivers=receivers,
        casters=tuple(np.ascontiguousarray(array) for array in casters),
        words=len(facets.mask),
        polygon_count=count,
        vertex_count=len(polygons.vertices),
        longest=int(np.diff(start).max(initial=0)),
    )


def _match_parts(facets: Facets, occluders: Occluders) -> tuple[IntArray, IntArray]:
    """Return labels by which the kernel knows the faces of a facet's own building part.

    Returns
    -------
    label : (p,) int
        Of each occluder 64 times its part's number plus its place among the part's faces;
        -1 without a part and from the 65th face on.
    facet_owner : (f,) int
        Number of each facet's part, -2 where the part casts no shadow.
    """
    owner = occluders.part
    by_part = np.argsort(owner, kind="stable")
    first = np.searchsorted(owner[by_part], owner[by_part], side="left")
    place = np.empty(len(owner), np.int64)
    place[by_part] = np.arange(len(owner)) - first
    label = np.where((owner < 0) | (place >= 64), -1, owner * 64 + place)
    number = {part: k for k, part in enumerate(occluders.parts)}
    lookup = np.array([number.get(part, -2) for part in facets.solids.parts], np.int64)
    return label, lookup[facets.part]


def curve_order(points: FloatArray) -> IntArray:
    """Return the order of points along a Z-curve over the plan.

    Parameters
    ----------
    points : (n, 3) float
        Only east and north matter [m].
    """
    if not len(points):
        return np.empty(0, np.int64)
    cell = np.floor((points[:, :2] - points[:, :2].min(axis=0)) / CURVE_CELL).astype(
        np.uint64
    )
    code = np.zeros(len(points), np.uint64)
    for bit in range(20):
        for axis in range(2):
            digit = (cell[:, axis] >> np.uint64(bit)) & np.uint64(1)
            code |= digit << np.uint64(2 * bit + axis)
    return np.argsort(code, kind="stable")
