"""Follow rays through crowns, slowly: the reference of faster ways."""

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import GeometryError, TableError
from meshes.crown_leaves import MONTHS
from meshes.crowns import Crowns
from meshes.polygons import FloatArray

PAIRS = 1_000_000
"""Pairs of rays and trees that are looked at together; a bound on memory."""

SHORTEST = 1e-9
"""Way through a crown or trunk below which a ray touches it only [m]."""

UNIT = 1e-6
"""How far the length of a direction may be off 1."""

HALVINGS = 60
"""Steps of the search for an extinction; each halves what is not known."""


class Law(StrEnum):
    """How a crown weakens light.

    ``CROWN``, the usual one: every ray that meets a crown keeps the crown's share, however
    far it goes through it. That is what was measured behind whole crowns, and what an
    engine can do that only knows whether a ray meets a crown.

    ``PATH``: a ray loses light evenly along its way (Beer-Lambert), so that a crown's rim
    is lighter than its middle. The mean over a crown's whole shadow in level light is the
    same as that of ``CROWN``.
    """

    CROWN = "crown"
    PATH = "path"


def ray_transmittance(
    crowns: Crowns,
    origins: ArrayLike,
    directions: ArrayLike,
    month: int,
    *,
    law: Law = Law.CROWN,
) -> FloatArray:
    """Return the share of light that comes through all trees along rays.

    Parameters
    ----------
    crowns : Crowns
        Trees; where crowns overlap, each takes its share.
    origins : (m, 3) float
        Where rays start [m], in the frame of the trees; inside a crown only the way ahead
        counts.
    directions : (m, 3) or (3,) float
        Unit vectors towards the light.
    month : int
        1..12.
    law : Law
        How a crown weakens light.

    Returns
    -------
    (m,) float
        0..1; 0 behind a trunk.

    Raises
    ------
    GeometryError
        If a direction is not of unit length.
    TableError
        If the month is none.

    Notes
    -----
    Checked in tests/meshes/test_crown_light.py against chords of spheres, the law of
    Beer-Lambert and the means over whole shadows.
    """
    if not 1 <= month <= MONTHS:
        message = f"a month must be 1..12, got {month}"
        raise TableError(message)
    starts = np.asarray(origins, np.float64).reshape(-1, 3)
    ahead = np.broadcast_to(np.asarray(directions, np.float64), starts.shape)
    length = np.linalg.norm(ahead, axis=1)
    if not (np.abs(length - 1.0) < UNIT).all():
        message = (
            "directions must be unit vectors, got one of length "
            f"{length[np.abs(length - 1.0).argmax()]:g}; divide by it"
        )
        raise GeometryError(message)
    through = np.ones(len(starts))
    if not len(crowns):
        return through
    share = crowns.transmittance[:, month - 1]
    lost = extinction(crowns, month) if law is Law.PATH else None
    step = max(1, PAIRS // len(crowns))
    for first in range(0, len(starts), step):
        some = slice(first, first + step)
        chord = crown_chords(crowns, starts[some], ahead[some])
        if lost is None:
            kept = np.where(chord > SHORTEST, share, 1.0)
        else:
            # 0 times infinity: beside a black crown nothing is lost.
            way = np.where(chord > SHORTEST, chord, 0.0)
            depth = np.multiply(way, lost, out=np.zeros_like(way), where=way > 0.0)
            kept = np.exp(-depth)
        behind = trunk_hits(crowns, starts[some], ahead[some]).any(axis=1)
        through[some] = np.where(behind, 0.0, kept.prod(axis=1))
    return through


def crown_chords(crowns: Crowns, origins: FloatArray, directions: FloatArray) -> FloatArray:
    """Return the way of each ray through each crown, (m, n) float [m].

    Parameters
    ----------
    crowns : Crowns
        Trees.
    origins, directions : (m, 3) float
        Rays; directions are unit vectors.
    """
    # In the frame where the crown is the unit sphere; the way keeps its scale.
    start = (origins[:, None] - crowns.middle) / crowns.radii
    ahead = directions[:, None] / crowns.radii
    a = np.einsum("mnx,mnx->mn", ahead, ahead)
    b = np.einsum("mnx,mnx->mn", start, ahead)
    c = np.einsum("mnx,mnx->mn", start, start) - 1.0
    half = np.sqrt(np.maximum(b * b - a * c, 0.0)) / a
    near, far = -b / a - half, -b / a + half
    chord: FloatArray = np.maximum(far, 0.0) - np.maximum(near, 0.0)
    return chord


def trunk_hits(
    crowns: Crowns, origins: FloatArray, directions: FloatArray
) -> NDArray[np.bool_]:
    """Tell which rays meet which trunks, (m, n) bool.

    Parameters
    ----------
    crowns : Crowns
        Trees.
    origins, directions : (m, 3) float
        Rays; directions are unit vectors.
    """
    start = origins[:, None] - crowns.foot
    flat, ahead = start[..., :2], directions[:, None, :2]
    a = np.einsum("mnx,mnx->mn", ahead, ahead)
    b = np.einsum("mnx,mnx->mn", flat, np.broadcast_to(ahead, flat.shape))
    c = np.einsum("mnx,mnx->mn", flat, flat) - crowns.trunk_radius**2
    level = np.maximum(a, 1e-300)
    root = b * b - a * c
    half = np.sqrt(np.maximum(root, 0.0)) / level
    upright = a < UNIT**2
    # A plumb line stays within the trunk for ever, or is never in it.
    near = np.where(upright, np.where(c < 0.0, 0.0, np.inf), -b / level - half)
    far = np.where(upright, np.where(c < 0.0, np.inf, 0.0), -b / level + half)
    rise = directions[:, None, 2]
    steep = np.where(rise == 0.0, 1.0, rise)
    ends = np.stack([-start[..., 2] / steep, (crowns.trunk_height - start[..., 2]) / steep])
    within = (start[..., 2] >= 0.0) & (start[..., 2] <= crowns.trunk_height)
    low = np.where(rise == 0.0, np.where(within, -np.inf, np.inf), ends.min(axis=0))
    high = np.where(rise == 0.0, np.where(within, np.inf, -np.inf), ends.max(axis=0))
    enters = np.maximum(np.maximum(near, low), 0.0)
    leaves = np.minimum(far, high)
    hits: NDArray[np.bool_] = (leaves > enters + SHORTEST) & ((root > 0.0) | upright)
    return hits


def extinction(crowns: Crowns, month: int) -> FloatArray:
    """Return how fast crowns weaken light by the law of Beer-Lambert.

    Parameters
    ----------
    crowns : Crowns
        Trees.
    month : int
        1..12.

    Returns
    -------
    (n,) float
        [1/m]; such that the mean over the shadow in level light is the crown's share;
        infinite where that is 0.

    Notes
    -----
    Level light has a way of at most the crown's diameter, ``2 r``. Over the ellipse of a
    shadow the squares of the ways are evenly spread, so that the mean share is
    ``2 (1 - (1 + t) exp(-t)) / t^2`` with ``t = 2 r k``: see `shadow_mean`.
    """
    shares, number = np.unique(crowns.transmittance[:, month - 1], return_inverse=True)
    depth: FloatArray = _depth_of(shares)[number] / (2.0 * crowns.radius)
    return depth


def shadow_mean(depth: ArrayLike) -> FloatArray:
    """Return the mean share of light over the shadow of an ellipsoid.

    Parameters
    ----------
    depth : (...) float
        Optical depth of its longest way in the direction of the light, at least 0.

    Returns
    -------
    (...) float
        1 for depth 0, falling to 0.
    """
    t = np.asarray(depth, np.float64)
    safe = np.maximum(t, 1e-3)
    exact = 2.0 * (-np.expm1(-safe) - safe * np.exp(-safe)) / (safe * safe)
    # Below, digits cancel in it; the next term of the series is 1e-10.
    mean: FloatArray = np.where(t < 1e-3, 1.0 - 2.0 * t / 3.0 + t * t / 4.0, exact)
    return mean


def _depth_of(share: FloatArray) -> FloatArray:
    """Invert `shadow_mean` by halving; it falls with depth."""
    low = np.zeros_like(share)
    # For large depths the mean is 2 / t^2.
    high = 2.0 / np.sqrt(np.maximum(share, 1e-300))
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        is_light = shadow_mean(middle) > share
        low, high = np.where(is_light, middle, low), np.where(is_light, high, middle)
    depth = (low + high) / 2.0
    depth = np.where(share >= 1.0, 0.0, depth)
    return np.where(share <= 0.0, np.inf, depth)
