"""Raise footprints to closed LoD1 solids, on the ground or above it."""

from dataclasses import dataclass
from enum import IntEnum

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.errors import GeometryError
from gis.undersides import bottom_levels, is_raised
from meshes.polygons import (
    FloatArray,
    IntArray,
    Polygons,
    number_points,
    polygons_from_rings,
)


class Kind(IntEnum):
    """What a face of a building is.

    The underside is the lower face of a body that does not stand on the ground: over a
    passage, of an overhang or a skywalk. It carries no sensors, for no light reaches it
    but what the ground reflects.
    """

    ROOF = 0
    WALL = 1
    GROUND = 2
    UNDERSIDE = 3


@dataclass(frozen=True)
class Solids:
    """Closed building solids as planar faces with meaning.

    Attributes
    ----------
    faces : Polygons
        Roof, walls and ground face or underside of each part, in this order, part after
        part;
        coordinates are relative to ``origin``.
    kind : (f,) int8
        `Kind` of each face.
    part : (f,) int32
        Index into ``parts``.
    parts : tuple of str
        Ids of the building parts, as in the buildings table.
    origin : (3,) float
        Local origin: easting, northing (EPSG:3008) and height (RH2000) [m].
    """

    faces: Polygons
    kind: NDArray[np.int8]
    part: NDArray[np.int32]
    parts: tuple[str, ...]
    origin: FloatArray

    def volume(self) -> FloatArray:
        """Return the volume of each part [m3] by the divergence theorem."""
        first = self.faces.vertices[self.faces.vertex_start[:-1]]
        flux = np.einsum("fx,fx->f", first, self.faces.normal) * self.faces.area / 3
        volume = np.bincount(self.part, flux, minlength=len(self.parts))
        return volume.astype(np.float64)


def local_origin(buildings: gpd.GeoDataFrame) -> FloatArray:
    """Return a round point near the middle of the buildings, height 0 [m]."""
    west, south, east, north = buildings.total_bounds
    middle = np.array([(west + east) / 2, (south + north) / 2, 0.0])
    return np.round(middle / 100) * 100


def lod1_solids(buildings: gpd.GeoDataFrame, *, origin: FloatArray | None = None) -> Solids:
    """Extrude each building part from its base, or its underside, to its top.

    Parameters
    ----------
    buildings : GeoDataFrame
        Columns ``base`` and ``top`` [m, RH2000] and polygons in EPSG:3008, oriented
        counter-clockwise with holes clockwise; the index holds the part ids. Parts whose
        ``underside`` [m above ground] is above 0 begin there, see
        `gis.undersides.bottom_levels`.
    origin : (3,) float, optional
        Local origin [m]; by default a round point in the middle.

    Returns
    -------
    Solids
        One closed, outward oriented solid per part: a roof, a wall per outline edge
        and a ground face, or the underside of what does not stand on the ground. Volume
        equals footprint area times height.

    Raises
    ------
    GeometryError
        If a shape is not one polygon, is empty or has no area, or a top lies at its base.
    """
    start = local_origin(buildings) if origin is None else origin
    plan, ring_start, part_start = _open_rings(buildings.geometry.to_numpy())
    plan = plan - start[:2]
    top = buildings["top"].to_numpy(np.float64) - start[2]
    base = bottom_levels(buildings) - start[2]
    corners, rings = np.diff(ring_start[part_start]), np.diff(part_start)
    part = np.repeat(np.arange(len(buildings)), corners)
    ring = np.repeat(np.arange(len(ring_start) - 1), np.diff(ring_start))
    # A part of n corners owns 6 n: its roof, four of each wall, its ground.
    number = np.arange(len(plan))
    first = ring_start[part_start]
    begin, within = 6 * first[part], number - first[part]
    mirrored = ring_start[ring] + ring_start[ring + 1] - 1 - number
    following = number + 1
    following[ring_start[1:] - 1] = ring_start[:-1]
    vertices = np.empty((6 * len(plan), 3))
    high, low = np.c_[plan, top[part]], np.c_[plan, base[part]]
    vertices[begin + within] = high
    wall = begin + corners[part] + 4 * within
    for place, row in enumerate((low, low[following], high[following], high)):
        vertices[wall + place] = row
    vertices[begin + 5 * corners[part] + mirrored - first[part]] = low
    faces = polygons_from_rings(
        vertices,
        _starts(_blocks(np.diff(ring_start), part_start, corners, wall_value=4)),
        _starts(_blocks(rings, np.arange(len(rings) + 1), corners, wall_value=1)),
    )
    kind = np.full(len(faces), Kind.WALL, np.int8)
    ends = np.cumsum(corners + 2)
    kind[ends - corners - 2] = Kind.ROOF
    kind[ends - 1] = np.where(is_raised(buildings), Kind.UNDERSIDE, Kind.GROUND)
    return Solids(
        faces=faces,
        kind=kind,
        part=np.repeat(np.arange(len(buildings), dtype=np.int32), corners + 2),
        parts=tuple(str(part) for part in buildings.index),
        origin=start,
    )


def _open_rings(shapes: NDArray[np.object_]) -> tuple[FloatArray, IntArray, IntArray]:
    """Return corners without the repeated last ones, starts of rings and of polygons."""
    polygon = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    polygon &= ~shapely.is_empty(shapes)
    if not polygon.all():
        message = (
            f"each part must be one polygon, got {int((~polygon).sum())} others; split or "
            "leave them out with gis.footprints.repair_footprints"
        )
        raise GeometryError(message)
    parts = shapely.get_rings(shapes)
    counts = shapely.get_num_coordinates(parts)
    xy = shapely.get_coordinates(parts)
    last = np.zeros(len(xy), np.bool_)
    last[np.cumsum(counts) - 1] = True
    return (
        xy[~last],
        _starts(counts - 1),
        _starts(shapely.get_num_interior_rings(shapes) + 1),
    )


def _starts(lengths: IntArray) -> IntArray:
    """Return where runs of these lengths begin, and the end of the last."""
    starts: IntArray = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    return starts


def _blocks(
    cap: IntArray, cap_start: IntArray, walls: IntArray, *, wall_value: int
) -> IntArray:
    """List for each part the values of its roof, of each wall, and of its ground."""
    caps = np.diff(cap_start)
    total = 2 * caps + walls
    begin = np.cumsum(total) - total
    values = np.full(total.sum(), wall_value, np.int64)
    owner = np.repeat(np.arange(len(caps)), caps)
    place = begin[owner] + np.arange(len(cap)) - cap_start[owner]
    values[place] = cap
    values[place + (caps + walls)[owner]] = cap
    return values


def closure_defects(solids: Solids) -> IntArray:
    """Return the parts whose faces do not form a closed, consistently oriented surface.

    Every directed edge must meet its reverse exactly once within the part; corners are
    compared exactly, because faces of one part are cut from the same coordinates.
    """
    start, end = solids.faces.edges()
    part = np.repeat(solids.part, np.diff(solids.faces.vertex_start)).astype(np.int64)
    corner = number_points(solids.faces.vertices, group=part)
    count = corner.max(initial=0) + 1
    forward = corner[start] * count + corner[end]
    backward = corner[end] * count + corner[start]
    edge, values = pd.factorize(np.concatenate([forward, backward]))
    there, back = edge[: len(forward)], edge[len(forward) :]
    balance = np.bincount(there, minlength=len(values)) - np.bincount(
        back, minlength=len(values)
    )
    return np.unique(part[balance[there] != 0])
