"""Weigh the patches of the sky by how much of their light falls on a plane."""

import numpy as np

from meshes.polygons import FloatArray
from meshes.solar.sky import SkyPatches, unit_vectors

POINTS = 5
"""Points along each side of a patch that a plane cuts."""

BLOCK = 256
"""Planes weighed at once: what is between input and result should fit the cache."""

TURNED = 1e-9
"""Cosine below which the kernel takes a facet for turned away."""


def patch_points(patches: SkyPatches, count: int = POINTS) -> FloatArray:
    """Return points spread evenly over each patch, (p, count * count, 3).

    Parameters
    ----------
    patches : SkyPatches
        The patches.
    count : int
        Points along each side.
    """
    first, last, lower, upper = np.radians(patches.bounds).T[..., None]
    place = (np.arange(count) + 0.5) / count
    low, high = np.sin(lower), np.sin(upper)
    azimuth = first + (last - first) * place
    elevation = np.arcsin(low + (high - low) * place)
    grid = np.broadcast_arrays(azimuth[:, :, None], elevation[:, None, :])
    return unit_vectors(*grid).reshape(len(patches.row), count * count, 3)


def facing_weights(normals: FloatArray, patches: SkyPatches) -> FloatArray:
    """Return what a free plane receives from each patch per unit of its radiance.

    Parameters
    ----------
    normals : (n, 3) float
        Unit normals of the planes.
    patches : SkyPatches
        One ray tells whether a patch is seen.

    Returns
    -------
    (n, p) float
        Solid angle times mean cosine [sr]. A patch whose ray lies behind the plane weighs
        nothing; the part of it that lies before the plane is shared out over the others,
        so that the sum is that of the free plane.
    """
    rounded, which = np.unique(normals.round(9), axis=0, return_inverse=True)
    points = patch_points(patches)
    weights = np.empty((len(rounded), len(patches.row)))
    for first in range(0, len(rounded), BLOCK):
        block = slice(first, first + BLOCK)
        weights[block] = _weights(rounded[block], patches, points)
    return weights[which.reshape(-1)]


def _weights(normals: FloatArray, patches: SkyPatches, points: FloatArray) -> FloatArray:
    """Weigh the patches for some planes: see `facing_weights`."""
    weights = normals @ patches.flux.T
    lowest = np.full_like(weights, np.inf)
    cut = np.zeros_like(weights)
    for k in range(points.shape[1]):
        cosine = normals @ points[:, k].T
        np.minimum(lowest, cosine, out=lowest)
        cut += np.maximum(cosine, 0.0)
    cut *= patches.solid_angle / points.shape[1]
    weights = np.where(lowest > 0, weights, cut)
    whole = weights.sum(axis=1, keepdims=True)
    weights[normals @ patches.direction.T <= TURNED] = 0.0
    left = weights.sum(axis=1, keepdims=True)
    weights *= np.divide(whole, left, out=np.ones_like(whole), where=left > 0)
    return weights
