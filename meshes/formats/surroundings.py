"""Lay ground, shore, water and trees around the buildings in light files."""

from dataclasses import dataclass

import numpy as np
import shapely

from gis.district import District
from meshes.ground.mesh import TOLERANCE, Cover, ground_mesh
from meshes.ground.thinning import thin_ground as thin_ground  # found here by printing
from meshes.polygons import FloatArray, IntArray
from meshes.render.looks import DATA

LAYERS = (
    ("ground", Cover.LAND, DATA.outside),
    ("shore", Cover.SHORE, DATA.quay),
    ("water", Cover.WATER, DATA.water),
)
"""Names and colours of the layers."""


@dataclass(frozen=True)
class Layer:
    """Triangles of one material around the buildings.

    Attributes
    ----------
    name : str
        What it is: ``ground``, ``shore``, ``water``.
    corners : (v, 3) float
        Positions [m], east, north, up, relative to the local origin.
    triangles : (t, 3) int
        Corners of each, counter-clockwise seen from above or from the water.
    colour : str
        ``#rrggbb``.
    """

    name: str
    corners: FloatArray
    triangles: IntArray
    colour: str

    def normals(self) -> FloatArray:
        """Return the mean unit normal at each corner, (v, 3), weighted by the area."""
        a, b, c = (self.corners[self.triangles[:, k]] for k in range(3))
        cross = np.cross(b - a, c - a)
        total = np.zeros_like(self.corners)
        for k in range(3):
            np.add.at(total, self.triangles[:, k], cross)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        up = np.array([0.0, 0.0, 1.0])
        return np.where(length > 1e-12, total / np.maximum(length, 1e-12), up)

    def take(self, triangles: IntArray) -> "Layer":
        """Return some of the triangles with the corners they need."""
        used, numbers = np.unique(self.triangles[triangles], return_inverse=True)
        return Layer(self.name, self.corners[used], numbers.reshape(-1, 3), self.colour)


@dataclass(frozen=True)
class TreePlaces:
    """Where trees stand.

    Attributes
    ----------
    foot : (n, 3) float
        Ground below each [m], relative to the local origin.
    height, crown_radius : (n,) float
        [m]
    """

    foot: FloatArray
    height: FloatArray
    crown_radius: FloatArray


@dataclass(frozen=True)
class Surroundings:
    """What stands and lies around the buildings.

    Attributes
    ----------
    layers : tuple of Layer
        Ground, and shore and water where there is some.
    trees : TreePlaces
        May be none.
    """

    layers: tuple[Layer, ...]
    trees: TreePlaces


def surroundings(
    district: District, *, origin: FloatArray, tolerance: float = TOLERANCE
) -> Surroundings:
    """Make the surroundings of a district, coarse where the ground is flat.

    Parameters
    ----------
    district : District
        Terrain, water and trees.
    origin : (3,) float
        Local origin, the solids' own [m].
    tolerance : float
        Largest distance of the ground from the terrain's cells on land [m].

    Returns
    -------
    Surroundings
        The ground ends at the shore, and walls reach down from it into the water.

    Raises
    ------
    TerrainError
        If the tolerance is not positive.
    """
    ground = ground_mesh(district, origin=origin, tolerance=tolerance)
    layers = tuple(
        Layer(name, *ground.take(cover), colour)
        for name, cover, colour in LAYERS
        if (ground.cover == cover).any()
    )
    trees = district.trees
    places = shapely.get_coordinates(trees.geometry.to_numpy())
    foot = np.c_[places, district.terrain.sample(places[:, 0], places[:, 1])] - origin
    level = ground.levels(foot[:, :2])
    # On water and below buildings, where trees are an error of data, the terrain has to do.
    foot[:, 2] = np.where(np.isnan(level), foot[:, 2], level)
    return Surroundings(
        layers,
        TreePlaces(
            foot,
            trees["height"].to_numpy(np.float64),
            trees["crown_radius"].to_numpy(np.float64),
        ),
    )
