"""Sort trees into layers of crowns that light passes one after the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis.errors import GeometryError
from meshes.crown_polygons import crown_polygons, trunk_polygons
from meshes.crowns import Crowns
from meshes.facets import Facets
from meshes.polygons import FloatArray, IntArray, Polygons
from meshes.solar.occluders import Occluders
from meshes.solar.shadow import EPSILON

LAYERS = 2
"""Layers of the crowns of one kind: how many of them a ray can count.

A facade behind two rows of street trees gets by one layer 5 % (in leaf) to 7 % (bare) too
much of the sky's light, by two 1.6 to 2.8 %, by three 0.8 to 1.4 %: the layers that a ray
meets stand for its crowns."""

MOST_KINDS = 3
"""Kinds of leaves that are told apart; each takes layers, and these take time."""

NEIGHBOURS = 8
"""Neighbours of a tree that should stand in the other layer."""


@dataclass(frozen=True)
class Canopy:
    """Trees that shade, in layers.

    A ray that meets crowns of a layer, one or several, keeps the layer's share of its
    light; layers multiply.

    Attributes
    ----------
    layers : tuple of Occluders
        Closed convex bodies [m, local]. First all trunks.
    transmittance : (l, 12) float
        Share of light that each layer lets through in each month, 0..1; 0 for trunks.
    """

    layers: tuple[Occluders, ...]
    transmittance: FloatArray


def make_canopy(crowns: Crowns) -> Canopy:
    """Sort trees by what they let through, neighbours into different layers.

    Parameters
    ----------
    crowns : Crowns
        Trees, in the local frame of what they shade.

    Returns
    -------
    Canopy
        Without layers if there are no trees.

    Raises
    ------
    GeometryError
        If the trees are of more than `MOST_KINDS` transmittances.

    Notes
    -----
    Where `LAYERS` or fewer crowns of a kind stand on a ray, and these in different layers,
    every crown takes its share, as in `meshes.crown_light.ray_transmittance`; of more
    crowns on one ray some count for nothing. Checked in
    tests/meshes/solar/test_crown_shade.py.
    """
    if not len(crowns):
        return Canopy((), np.empty((0, 12)))
    kinds, kind = np.unique(crowns.transmittance, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    if len(kinds) > MOST_KINDS:
        message = (
            f"trees must be of at most {MOST_KINDS} kinds of transmittance, got "
            f"{len(kinds)}; give trees of one kind the same shares"
        )
        raise GeometryError(message)
    layers = [_bodies(*trunk_polygons(crowns))]
    passed = [np.zeros(12)]
    for number, share in enumerate(kinds):
        alike = np.flatnonzero(kind == number)
        layer = spread_layers(crowns.middle[alike])
        for which in range(LAYERS):
            members = alike[layer == which]
            if len(members):
                layers.append(_bodies(*crown_polygons(crowns.take(members))))
                passed.append(share)
    return Canopy(tuple(layers), np.array(passed))


def spread_layers(places: FloatArray) -> NDArray[np.int8]:
    """Put neighbours into different layers, (n,) int8.

    Parameters
    ----------
    places : (n, 3) float
        Middles of crowns [m].

    Notes
    -----
    From west to east each tree takes the layer whose trees around it are farther away, by
    the sum of their inverse squares: along a row the layers take turns.
    """
    layer = np.full(len(places), -1, np.int8)
    count = min(NEIGHBOURS + 1, len(places))
    distance, near = cKDTree(places).query(places, k=count)
    distance, near = distance.reshape(-1, count), near.reshape(-1, count)
    for tree in np.lexsort(places.T[::-1]).tolist():
        pull = 1.0 / np.maximum(distance[tree], EPSILON) ** 2
        sums = [pull[layer[near[tree]] == k].sum() for k in range(LAYERS)]
        layer[tree] = int(np.argmin(sums))
    return layer


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
    if not canopy.layers or not len(facets):
        return np.empty(0, np.int64)
    corners = np.concatenate([layer.polygons.vertices for layer in canopy.layers])
    height = facets.sensor_positions()[:, 2]
    lowest = np.minimum.reduceat(height, facets.sensor_start[:-1])
    planes, which = np.unique(facets.normal.round(9), axis=0, return_inverse=True)
    farthest = np.array([(corners @ plane).max() for plane in planes])[which.reshape(-1)]
    plane = np.einsum("fx,fx->f", facets.normal, facets.corner)
    # Rounded normals put a corner that is kilometres away off by less than this.
    rises = farthest - plane > -EPSILON
    return np.flatnonzero(rises & (corners[:, 2].max() > lowest))


def _bodies(polygons: Polygons, tree: IntArray) -> Occluders:
    """Return closed bodies as occluders, a part for each tree."""
    names = tuple(str(k) for k in range(int(tree.max()) + 1))
    return Occluders(polygons, np.ones(len(polygons), np.int8), tree, names)
