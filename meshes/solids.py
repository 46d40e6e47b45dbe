"""Raise footprints to closed LoD1 solids that stand on the terrain."""

from dataclasses import dataclass
from enum import IntEnum

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from meshes.polygons import FloatArray, IntArray, Polygons, make_polygons


class Kind(IntEnum):
    """What a face of a building is."""

    ROOF = 0
    WALL = 1
    GROUND = 2


@dataclass(frozen=True)
class Solids:
    """Closed building solids as planar faces with meaning.

    Attributes
    ----------
    faces : Polygons
        Roof, walls and ground face of each part, in this order, part after part;
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
    """Extrude each building part from its base to its top.

    Parameters
    ----------
    buildings : GeoDataFrame
        Columns ``base`` and ``top`` [m, RH2000] and polygons in EPSG:3008, oriented
        counter-clockwise with holes clockwise; the index holds the part ids.
    origin : (3,) float, optional
        Local origin [m]; by default a round point in the middle.

    Returns
    -------
    Solids
        One closed, outward oriented solid per part: a roof, a wall per outline edge
        and a ground face. Volume equals footprint area times height.
    """
    start = local_origin(buildings) if origin is None else origin
    faces: list[list[FloatArray]] = []
    kinds: list[int] = []
    parts: list[int] = []
    tops = buildings["top"].to_numpy(np.float64) - start[2]
    bases = buildings["base"].to_numpy(np.float64) - start[2]
    for index, outline in enumerate(buildings.geometry.array):
        rings = [
            _open_ring(ring) - start[:2] for ring in (outline.exterior, *outline.interiors)
        ]
        roof = [np.c_[ring, np.full(len(ring), tops[index])] for ring in rings]
        ground = [np.c_[ring, np.full(len(ring), bases[index])][::-1] for ring in rings]
        walls = [wall for ring in rings for wall in _walls(ring, bases[index], tops[index])]
        faces += [roof, *([wall] for wall in walls), ground]
        kinds += [Kind.ROOF, *[Kind.WALL] * len(walls), Kind.GROUND]
        parts += [index] * (len(walls) + 2)
    return Solids(
        faces=make_polygons(faces),
        kind=np.array(kinds, np.int8),
        part=np.array(parts, np.int32),
        parts=tuple(str(part) for part in buildings.index),
        origin=start,
    )


def _open_ring(ring: shapely.LinearRing) -> FloatArray:
    """Return the corners of a ring without the repeated last one."""
    corners: FloatArray = shapely.get_coordinates(ring)[:-1]
    return corners


def _walls(ring: FloatArray, base: float, top: float) -> FloatArray:
    """Return one (4, 3) wall per edge, counter-clockwise seen from outside."""
    here, there = ring, np.roll(ring, -1, axis=0)
    low, high = np.full((len(ring), 1), base), np.full((len(ring), 1), top)
    return np.stack(
        [
            np.hstack([here, low]),
            np.hstack([there, low]),
            np.hstack([there, high]),
            np.hstack([here, high]),
        ],
        axis=1,
    )


def closure_defects(solids: Solids) -> IntArray:
    """Return the parts whose faces do not form a closed, consistently oriented surface.

    Every directed edge must meet its reverse exactly once within the part; corners are
    compared exactly, because faces of one part are cut from the same coordinates.
    """
    start, end = solids.faces.edges()
    _, vertex = np.unique(solids.faces.vertices, axis=0, return_inverse=True)
    face_of_vertex = np.repeat(
        np.arange(len(solids.faces)), np.diff(solids.faces.vertex_start)
    )
    part = solids.part[face_of_vertex].astype(np.int64)
    forward = np.c_[part, vertex[start], vertex[end]]
    backward = np.c_[part, vertex[end], vertex[start]]
    both = np.concatenate([forward, backward])
    _, inverse = np.unique(both, axis=0, return_inverse=True)
    n = len(forward)
    balance = np.bincount(inverse[:n], minlength=inverse.max() + 1) - np.bincount(
        inverse[n:], minlength=inverse.max() + 1
    )
    return np.unique(part[balance[inverse[:n]] != 0])
