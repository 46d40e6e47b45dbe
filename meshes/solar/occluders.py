"""Gather the polygons that can block light."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.district import District
from gis.terrain import Terrain
from meshes.polygons import FloatArray, IntArray, Polygons, make_polygons
from meshes.solids import Solids, lod1_solids


@dataclass(frozen=True)
class Occluders:
    """Everything that can block the view.

    Attributes
    ----------
    polygons : Polygons
        Planar polygons [m], in the same local frame as the facets.
    side : (p,) int8
        1: drawn when turned towards the direction (faces of closed solids);
        -1: drawn when turned away (terrain); 0: always drawn (open surfaces).
    part : (p,) int
        Index into ``parts``, -1 for what belongs to no building. Only a hint that saves
        time: faces of the facet's own part are known to lie behind it once and for all.
    parts : tuple of str
        Ids of building parts.
    """

    polygons: Polygons
    side: NDArray[np.int8]
    part: IntArray
    parts: tuple[str, ...] = ()

    def take(self, polygons: IntArray) -> "Occluders":
        """Return some of the polygons."""
        return Occluders(
            self.polygons.take(polygons),
            self.side[polygons],
            self.part[polygons],
            self.parts,
        )

    def __add__(self, other: "Occluders") -> "Occluders":
        """Return both together."""
        a, b = self.polygons, other.polygons
        joined = Polygons(
            vertices=np.concatenate([a.vertices, b.vertices]),
            ring_start=np.r_[a.ring_start, b.ring_start[1:] + a.ring_start[-1]],
            polygon_start=np.r_[a.polygon_start, b.polygon_start[1:] + a.polygon_start[-1]],
            normal=np.concatenate([a.normal, b.normal]),
            area=np.r_[a.area, b.area],
        )
        shifted = np.where(other.part < 0, -1, other.part + len(self.parts))
        return Occluders(
            polygons=joined,
            side=np.r_[self.side, other.side],
            part=np.r_[self.part, shifted],
            parts=self.parts + other.parts,
        )


def solid_occluders(solids: Solids) -> Occluders:
    """Return all faces of closed solids as occluders."""
    return Occluders(
        polygons=solids.faces,
        side=np.ones(len(solids.faces), np.int8),
        part=solids.part.astype(np.int64),
        parts=solids.parts,
    )


def open_occluders(polygons: Polygons) -> Occluders:
    """Return surfaces that bound no volume as occluders; both of their sides block."""
    count = len(polygons)
    return Occluders(polygons, np.zeros(count, np.int8), np.full(count, -1))


def district_occluders(district: District, solids: Solids) -> Occluders:
    """Return what can block light in a district: buildings, bridges and ground.

    Parameters
    ----------
    district : District
        Gives bridges and terrain.
    solids : Solids
        Its buildings.

    Returns
    -------
    Occluders
        Bridges as slabs of their thickness, that light passes below.
    """
    found = solid_occluders(solids)
    if len(district.decks):
        slabs = district.decks.explode(ignore_index=True)
        slabs = slabs.set_geometry(shapely.orient_polygons(slabs.geometry.to_numpy()))
        slabs = slabs.assign(top=slabs["level"], base=slabs["level"] - slabs["thickness"])
        found += solid_occluders(lod1_solids(slabs, origin=solids.origin))
    return found + terrain_occluders(district.terrain, solids.origin)


def terrain_occluders(
    terrain: Terrain, origin: FloatArray, *, cell: float = 20.0
) -> Occluders:
    """Return the terrain as coarse triangles that nowhere rise above it.

    Parameters
    ----------
    terrain : Terrain
        Elevation grid [m, RH2000].
    origin : (3,) float
        Local origin of the scene [m].
    cell : float
        Width of the coarse grid [m]; rounded to whole terrain cells.

    Returns
    -------
    Occluders
        Two triangles a cell. Each node takes the lowest elevation of the coarse cells
        that meet there, so that no sensor above ground gets below the surface; ridges
        lose up to the height range of one coarse cell.
    """
    grid = terrain.grid
    step = max(1, round(cell / grid.cell))
    rows, columns = -(-grid.rows // step), -(-grid.columns // step)
    if rows < 2 or columns < 2:
        return open_occluders(make_polygons([]))
    padded = np.pad(
        terrain.z,
        ((0, rows * step - grid.rows), (0, columns * step - grid.columns)),
        constant_values=np.inf,
    )
    lowest = padded.reshape(rows, step, columns, step).min(axis=(1, 3))
    around = np.pad(lowest, 1, constant_values=np.inf)
    nodes = np.minimum.reduce(
        [around[:-1, :-1], around[1:, :-1], around[:-1, 1:], around[1:, 1:]]
    )
    x = np.minimum(np.arange(columns + 1) * step, grid.columns) * grid.cell + grid.west
    y = grid.north - np.minimum(np.arange(rows + 1) * step, grid.rows) * grid.cell
    corner = np.stack([*np.meshgrid(x, y), nodes], axis=-1) - origin
    nw, ne, sw, se = corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]
    triangles = np.stack(
        [np.stack([nw, sw, se], axis=2), np.stack([nw, se, ne], axis=2)], axis=2
    )
    polygons = make_polygons([[triangle] for triangle in triangles.reshape(-1, 3, 3)])
    count = len(polygons)
    return Occluders(polygons, np.full(count, -1, np.int8), np.full(count, -1))
