"""Shape crowns and trunks as closed convex bodies of few faces."""

import numpy as np

from meshes.crowns import Crowns
from meshes.polygons import FloatArray, IntArray, Polygons, polygons_from_rings

SIDES = 8
"""Corners on each level ring of a crown."""

PROFILE = np.array([[0.40, 1.09], [1.11, 0.365], [1.11, -0.365], [0.40, -1.09]])
"""Radius and height of the level rings of a crown whose ellipsoid is the unit sphere, but
for one factor; the first and last ring are its top and bottom face. Of all profiles of four
rings the one whose worst shadow is best, found by Nelder and Mead's search over 1,500
directions."""

TRUNK_SIDES = 6
"""Sides of a trunk's prism."""


def crown_polygons(crowns: Crowns) -> tuple[Polygons, IntArray]:
    """Return each crown as a closed convex body of planar faces.

    Parameters
    ----------
    crowns : Crowns
        Trees.

    Returns
    -------
    polygons : Polygons
        26 faces a crown, turned outward; corners that meet are bit-identical.
    tree : (p,) int
        Tree of each face.

    Notes
    -----
    The mean shadow of a convex body over all directions is a quarter of its surface
    (Cauchy 1841). Each body is sized so that its surface is that of the ellipsoid: it is
    neither inscribed nor circumscribed, and the light it takes is right on average. In a
    single direction the shadow of a round crown is off by at most 6 %, and of crowns from
    0.4 to 2 times as high as wide by at most 7 % (tests/meshes/test_crown_polygons.py).
    """
    out, up = PROFILE.T
    turn = 2.0 * np.pi * np.arange(SIDES) / SIDES
    ball = np.stack(
        [
            np.outer(out, np.cos(turn)),
            np.outer(out, np.sin(turn)),
            np.outer(up, np.ones(SIDES)),
        ],
        axis=-1,
    )
    faces, lengths = _faces(len(PROFILE), SIDES), _lengths(len(PROFILE), SIDES)
    corners = (ball.reshape(-1, 3) * crowns.radii[:, None])[:, faces]
    rough = _polygons(corners, lengths)
    per_tree = rough.area.reshape(len(crowns), len(lengths)).sum(axis=1)
    size = np.sqrt(spheroid_surface(crowns.radii[:, 0], crowns.radii[:, 2]) / per_tree)
    placed = corners * size[:, None, None] + crowns.middle[:, None]
    return _polygons(placed, lengths), np.repeat(np.arange(len(crowns)), len(lengths))


def trunk_polygons(crowns: Crowns) -> tuple[Polygons, IntArray]:
    """Return each trunk as an upright closed prism.

    Parameters
    ----------
    crowns : Crowns
        Trees.

    Returns
    -------
    polygons : Polygons
        8 faces a trunk, turned outward; the highest lies in the middle of the crown.
    tree : (p,) int
        Tree of each face.

    Notes
    -----
    The prism's girth is that of the round trunk, so that its mean width seen from the
    side is the diameter.
    """
    stretch = np.pi / (TRUNK_SIDES * np.sin(np.pi / TRUNK_SIDES))
    turn = 2.0 * np.pi * np.arange(TRUNK_SIDES) / TRUNK_SIDES
    ring = np.c_[np.cos(turn), np.sin(turn), np.zeros(TRUNK_SIDES)] * stretch
    around = ring * crowns.trunk_radius[:, None, None] + crowns.foot[:, None]
    top = around.copy()
    top[..., 2] += crowns.trunk_height[:, None]
    corners = np.concatenate([top, around], axis=1)[:, _faces(2, TRUNK_SIDES)]
    lengths = _lengths(2, TRUNK_SIDES)
    return _polygons(corners, lengths), np.repeat(np.arange(len(crowns)), len(lengths))


def spheroid_surface(across: FloatArray, up: FloatArray) -> FloatArray:
    """Return the surface of ellipsoids with two equal half axes.

    Parameters
    ----------
    across, up : (n,) float
        The two equal half axes and the third [m].

    Returns
    -------
    (n,) float
        [m2]

    Notes
    -----
    The closed forms of oblate and prolate spheroids; near the sphere, where they lose
    their digits, the first term of their series.
    """
    ratio = np.asarray(up, np.float64) / across
    # Eccentricity squared, of whichever axis is the longer.
    squared = np.abs(1.0 - np.minimum(ratio, 1.0 / ratio) ** 2)
    e = np.sqrt(np.maximum(squared, 1e-6))
    flat = 1.0 + (1.0 - e * e) / e * np.arctanh(np.minimum(e, 1.0 - 1e-16))
    tall = 1.0 + ratio / e * np.arcsin(np.minimum(e, 1.0))
    d = ratio - 1.0
    near = 2.0 + 4.0 * d / 3.0
    exact = np.where(ratio < 1.0, flat, tall)
    surface: FloatArray = 2.0 * np.pi * across**2 * np.where(squared < 1e-6, near, exact)
    return surface


def _faces(rings: int, sides: int) -> IntArray:
    """Corners of all faces between level rings: top, bands, bottom, seen from outside."""
    here = np.arange(sides)
    there = (here + 1) % sides
    bands = [
        np.stack(
            [k * sides + here, (k + 1) * sides + here, (k + 1) * sides + there,
             k * sides + there],
            axis=1,
        ).ravel()
        for k in range(rings - 1)
    ]  # fmt: skip
    last = (rings - 1) * sides
    return np.concatenate([here, *bands, last + here[::-1]]).astype(np.int64)


def _lengths(rings: int, sides: int) -> IntArray:
    """Corners of each of these faces."""
    return np.array([sides, *[4] * ((rings - 1) * sides), sides], np.int64)


def _polygons(corners: FloatArray, lengths: IntArray) -> Polygons:
    """Take the same faces of every tree, (n, c, 3), as polygons of one ring."""
    count = len(corners) * len(lengths)
    start = np.r_[0, np.cumsum(np.tile(lengths, len(corners)))].astype(np.int64)
    return polygons_from_rings(corners.reshape(-1, 3), start, np.arange(count + 1))
