"""Sort trees by what their crowns let through, month by month."""

from dataclasses import dataclass

import numpy as np

from gis.errors import GeometryError
from meshes.crown_polygons import crown_polygons, trunk_polygons
from meshes.crowns import Crowns
from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray, Polygons
from meshes.solar.occluders import Occluders
from meshes.solar.shadow import EPSILON

MOST_CROWNS = 2
"""Crowns of one kind on a ray that are counted; further ones take nothing more.

A facade behind two rows of street trees 6 to 8 m apart gets 0.1 to 0.2 % (in leaf) or 0.5
to 1.6 % (bare) too much of the sky's light; were one crown counted, 3 to 10 %."""

MOST_KINDS = 3
"""Kinds of leaves that are told apart; each takes layers, and these take time."""


@dataclass(frozen=True)
class Grove:
    """Trees of one kind, or the trunks of all.

    Attributes
    ----------
    bodies : Occluders
        Closed convex bodies [m, local], a part for each tree.
    trees : (k,) int
        Which trees they are.
    transmittance : (12,) float
        Share of light that each lets through in each month, 0..1; 0 for trunks.
    most : int
        How many on a ray are counted.
    """

    bodies: Occluders
    trees: IntArray
    transmittance: FloatArray
    most: int


@dataclass(frozen=True)
class Canopy:
    """Trees that shade.

    A ray loses the same share to each crown of a kind that it meets, up to `MOST_CROWNS`.
    So every kind makes layers: the first stands before what is behind one crown or more,
    the second before what is behind two or more.

    Attributes
    ----------
    groves : tuple of Grove
        First all trunks, in one layer.
    """

    groves: tuple[Grove, ...] = ()

    @property
    def layers(self) -> tuple[Occluders, ...]:
        """Bodies of each layer."""
        return tuple(grove.bodies for grove in self.groves for _ in range(grove.most))

    @property
    def transmittance(self) -> FloatArray:
        """(l, 12) float: share of light that each layer lets through in each month."""
        rows = [grove.transmittance for grove in self.groves for _ in range(grove.most)]
        return np.array(rows) if rows else np.empty((0, 12))


def make_canopy(crowns: Crowns) -> Canopy:
    """Sort trees by what they let through.

    Parameters
    ----------
    crowns : Crowns
        Trees, in the local frame of what they shade.

    Returns
    -------
    Canopy
        Without groves if there are no trees.

    Raises
    ------
    GeometryError
        If the trees are of more than `MOST_KINDS` transmittances.

    Notes
    -----
    On a ray that meets `MOST_CROWNS` or fewer crowns of a kind every crown takes its share,
    as in `meshes.crown_light.ray_transmittance`. A further tree never adds light, and none
    depends on the order of the trees. Checked in tests/meshes/solar/test_crown_shade.py.
    """
    if not len(crowns):
        return Canopy()
    kinds, kind = np.unique(crowns.transmittance, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    if len(kinds) > MOST_KINDS:
        message = (
            f"trees must be of at most {MOST_KINDS} kinds of transmittance, got "
            f"{len(kinds)}; give trees of one kind the same shares"
        )
        raise GeometryError(message)
    groves = [Grove(trunk_bodies(crowns), np.arange(len(crowns)), np.zeros(12), 1)]
    for number, share in enumerate(kinds):
        alike = np.flatnonzero(kind == number)
        bodies = crown_bodies(crowns.take(alike))
        groves.append(Grove(bodies, alike, share, MOST_CROWNS))
    return Canopy(tuple(groves))


def facets_below(facets: Facets, canopy: Canopy) -> IntArray:
    """Return the facets that have some tree before them, ascending.

    Parameters
    ----------
    facets : Facets
        Roofs and walls.
    canopy : Canopy
        Trees.

    Returns
    -------
    (k,) int
        All that a tree can shade, and some more: those before whose plane, and above whose
        lowest sensor, some tree reaches.
    """
    if not canopy.groves or not len(facets):
        return np.empty(0, np.int64)
    corners = np.concatenate([grove.bodies.polygons.vertices for grove in canopy.groves])
    height = facets.sensor_positions()[:, 2]
    lowest = np.minimum.reduceat(height, facets.sensor_start[:-1])
    planes, which = np.unique(facets.normal.round(9), axis=0, return_inverse=True)
    farthest = np.array([(corners @ plane).max() for plane in planes])[which.reshape(-1)]
    plane = np.einsum("fx,fx->f", facets.normal, facets.corner)
    # Rounded normals put a corner that is kilometres away off by less than this.
    rises = farthest - plane > -EPSILON
    return np.flatnonzero(rises & (corners[:, 2].max() > lowest))


def trunk_bodies(crowns: Crowns) -> Occluders:
    """Return the trunks of trees as closed bodies, a part for each tree."""
    return _bodies(*trunk_polygons(crowns))


def crown_bodies(crowns: Crowns) -> Occluders:
    """Return the crowns of trees as closed bodies, a part for each tree."""
    return _bodies(*crown_polygons(crowns))


def _bodies(polygons: Polygons, tree: IntArray) -> Occluders:
    """Return closed bodies as occluders, a part for each tree."""
    names = tuple(str(k) for k in range(int(tree.max()) + 1))
    return Occluders(polygons, np.ones(len(polygons), np.int8), tree, names)
