"""Cut from roofs and facades what solar modules can use."""

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import GeometryError
from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray
from meshes.solar.irradiance import Irradiation
from meshes.solids import Kind

Shapes = NDArray[np.object_]

GRAIN = 1e-3
"""Grain on which cut outlines lie [m]; it keeps splinters of rounding away."""


@dataclass(frozen=True)
class SurfaceRules:
    """What of a surface may carry modules. All are assumptions, to be edited.

    Attributes
    ----------
    setback : float
        Distance kept from every edge [m].
    taken : float
        Share that vents, hatches, windows and balconies take and no data tells of [-].
    least_light : float
        Least irradiation of a usable spot [kWh/m2 a year].
    least_area : float
        Least area of a usable piece [m2].
    """

    setback: float
    taken: float
    least_light: float
    least_area: float

    def __post_init__(self) -> None:
        """Refuse what is no distance, share or area."""
        sound = self.setback >= 0 and 0 <= self.taken < 1 and self.least_area >= 0
        if not (sound and np.isfinite(self.least_light)):
            message = (
                "set-back and least area must be from 0 on, the taken share from 0 to "
                f"below 1, got {self}; correct the rules"
            )
            raise GeometryError(message)


@dataclass(frozen=True)
class UsableRules:
    """Rules of roofs and of facades.

    Attributes
    ----------
    roof : SurfaceRules
        0.5 m to the edge: wind suction is strongest there and somebody must walk. 15 % for
        what stands on roofs. 800 kWh/m2 leaves out what loses a fifth to shade or looks
        north. Assumptions.
    facade : SurfaceRules
        Half of a facade for windows and doors. 600 kWh/m2 leaves out northern and shaded
        facades. Assumptions.
    """

    roof: SurfaceRules = field(
        default=SurfaceRules(setback=0.5, taken=0.15, least_light=800.0, least_area=10.0)
    )
    facade: SurfaceRules = field(
        default=SurfaceRules(setback=0.5, taken=0.50, least_light=600.0, least_area=10.0)
    )

    def of(self, kind: int) -> SurfaceRules:
        """Return the rules of a kind of facet."""
        return self.roof if kind == Kind.ROOF else self.facade


@dataclass(frozen=True)
class Usable:
    """Usable pieces of facets.

    Attributes
    ----------
    shapes : (f,) object
        Shapely polygons along the facet's ``e1`` and ``e2`` from its ``corner`` [m]; empty
        where nothing is usable.
    area : (f,) float
        Their area [m2], what stands on it not yet taken off.
    taken : (f,) float
        Share of it that is taken by what no data tells of.
    """

    shapes: Shapes
    area: FloatArray
    taken: FloatArray


def find_usable(light: Irradiation, *, rules: UsableRules | None = None) -> Usable:
    """Cut edges, badly lit spots and small pieces from every roof and wall.

    Parameters
    ----------
    light : Irradiation
        The year's light on the facets.
    rules : UsableRules, optional
        What may carry modules.

    Returns
    -------
    Usable

    Notes
    -----
    A spot is a cell of the sensor grid. Buried cells and those that a neighbour covers are
    dark and so not usable; what sticks out of the grid's cells at an edge follows the
    set-back alone.
    """
    chosen = rules or UsableRules()
    facets = light.facets
    shapes = facet_shapes(facets)
    of = [chosen.of(kind) for kind in facets.kind.tolist()]
    setback = np.array([one.setback for one in of])
    least_area = np.array([one.least_area for one in of])
    limit = np.array([one.least_light for one in of])
    good = light.sensor_annual >= limit[facets.sensor_facet]
    count = np.bincount(facets.sensor_facet, good, minlength=len(facets))
    shapes[count == 0] = shapely.Polygon()
    kept = np.flatnonzero(count > 0)
    shapes[kept] = shapely.buffer(
        shapes[kept], -setback[kept], join_style="mitre", quad_segs=1
    )
    whole = shapely.area(facet_shapes(facets, kept)) if len(kept) else np.empty(0)
    for facet, area in zip(kept.tolist(), whole.tolist(), strict=True):
        dark = _dark_cells(facets, facet, good, shapes[facet], area)
        if dark is not None:
            shapes[facet] = shapely.difference(shapes[facet], dark, grid_size=GRAIN)
    return Usable(
        shapes := _large_pieces(shapes, least_area),
        shapely.area(shapes).astype(np.float64),
        np.array([one.taken for one in of]),
    )


def facet_shapes(facets: Facets, chosen: IntArray | None = None) -> Shapes:
    """Return the outlines of facets along their grid's axes from its corner [m].

    Parameters
    ----------
    facets : Facets
        The facets.
    chosen : (k,) int, optional
        Which; all by default.
    """
    which = np.arange(len(facets)) if chosen is None else chosen
    faces = facets.solids.faces.take(facets.face[which])
    owner = which[np.repeat(np.arange(len(faces)), np.diff(faces.vertex_start))]
    offset = faces.vertices - facets.corner[owner]
    flat = np.stack(
        [np.einsum("vx,vx->v", offset, axis[owner]) for axis in (facets.e1, facets.e2)],
        axis=1,
    )
    if not len(faces):
        return np.empty(0, np.object_)
    ring = np.repeat(np.arange(len(faces.ring_start) - 1), np.diff(faces.ring_start))
    polygon = np.repeat(np.arange(len(faces)), np.diff(faces.polygon_start))
    shapes: Shapes = shapely.polygons(
        shapely.linearrings(flat, indices=ring), indices=polygon
    )
    return shapes


def _dark_cells(
    facets: Facets, facet: int, good: NDArray[np.bool_], shape: object, area: float
) -> object | None:
    """Return the cells that are badly lit, dark or buried; None if there are none."""
    first, last = facets.sensor_start[facet], facets.sensor_start[facet + 1]
    nu, nv = facets.shape[facet].tolist()
    su, sv = facets.step[facet].tolist()
    # The area of the facet's sensors is that above ground: less of it means buried cells.
    buried = facets.area[facet] < area * (1 - 1e-9)
    if good[first:last].all() and not buried:
        return None
    usable = np.zeros(nu * nv, np.bool_)
    cells = facets.sensor_bit[first:last] - facets.bit_start[facet]
    usable[cells[good[first:last]]] = True
    dark = np.ones(nu * nv, np.bool_) if buried else np.zeros(nu * nv, np.bool_)
    dark[cells] = True
    dark &= ~usable
    if buried:
        # Cells without sensor count only where their centre lies on the facet.
        empty = dark.copy()
        empty[cells] = False
        row, column = np.divmod(np.flatnonzero(empty), nu)
        on = shapely.contains_xy(shape, (column + 0.5) * su, (row + 0.5) * sv)
        dark[np.flatnonzero(empty)[~on]] = False
    if not dark.any():
        return None
    # Runs of cells along rows make one box each.
    padded = np.pad(dark.reshape(nv, nu), ((0, 0), (1, 1))).astype(np.int8)
    change = np.diff(padded, axis=1)
    row, start = np.nonzero(change == 1)
    _, stop = np.nonzero(change == -1)
    boxes = shapely.box(start * su, row * sv, stop * su, (row + 1) * sv)
    merged: object = shapely.union_all(boxes)
    return merged


def _large_pieces(shapes: Shapes, least: FloatArray) -> Shapes:
    """Drop the pieces below the least area."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    large = shapely.area(parts) >= np.maximum(least[owner], GRAIN)
    large &= shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    pieces = np.full(len(shapes), shapely.MultiPolygon(), np.object_)
    if large.any():
        joined = shapely.multipolygons(
            parts[large], indices=owner[large], out=pieces.copy()
        )
        return np.asarray(joined, np.object_)
    return pieces
