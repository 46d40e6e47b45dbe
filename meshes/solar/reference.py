"""Answer visibility by brute force, the yardstick of the shadow kernel."""

import numpy as np
from numpy.typing import NDArray

from meshes.polygons import FloatArray, Polygons
from meshes.solar.shadow import EPSILON
from meshes.solar.shadow_kernel import GRAZING


def is_blocked(
    points: FloatArray, normals: FloatArray, direction: FloatArray, polygons: Polygons
) -> NDArray[np.bool_]:
    """Test every point against every polygon along one direction, in double precision.

    Parameters
    ----------
    points, normals : (n, 3) float
        Sensors [m] and the unit normals of their facets.
    direction : (3,) float
        Unit vector towards the light.
    polygons : Polygons
        Occluders; all of them count, from both sides.

    Returns
    -------
    (n,) bool
        True where the ray meets a polygon more than ``EPSILON`` above the plane of the
        sensor, or where the sensor is turned away.

    Notes
    -----
    Plane intersection and the even-odd rule in the coordinate plane in which the polygon
    is largest; shares no code with the kernel. Cost is points times polygons.
    """
    facing = normals @ direction
    blocked = facing <= GRAZING
    for p in range(len(polygons)):
        normal = polygons.normal[p]
        slope = normal @ direction
        if abs(slope) < GRAZING:
            continue
        rings = polygons.rings(p)
        distance = ((rings[0][0] - points) @ normal) / slope
        hits = points + distance[:, None] * direction
        flat = np.delete(np.arange(3), np.argmax(np.abs(normal)))
        x, y = hits[:, flat[0]], hits[:, flat[1]]
        inside = np.zeros(len(points), bool)
        for ring in rings:
            for a, b in zip(ring[:, flat], np.roll(ring, -1, axis=0)[:, flat], strict=True):
                if a[1] == b[1]:
                    continue
                spans = (a[1] <= y) != (b[1] <= y)
                inside ^= spans & (x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
        blocked |= inside & (distance * facing > EPSILON)
    return blocked
