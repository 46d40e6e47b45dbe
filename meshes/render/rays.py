"""Ask Embree what rays hit: the one module that knows the ray tracer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import ComponentError

try:
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene
except ModuleNotFoundError:
    EmbreeScene = TriangleMesh = None

Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]


@dataclass(frozen=True)
class Hits:
    """First hits of rays.

    Attributes
    ----------
    triangle : (n,) int32
        Triangle that is hit, -1 for none.
    distance : (n,) float32
        Distance to it [m]; meaningless for no hit.
    u, v : (n,) float32
        Barycentric weights of the triangle's second and third corner.
    """

    triangle: Int32Array
    distance: Float32Array
    u: Float32Array
    v: Float32Array


class RayTracer:
    """Triangles, sorted so that rays find them quickly."""

    def __init__(self, corners: Float32Array) -> None:
        """Sort triangles.

        Parameters
        ----------
        corners : (t, 3, 3) float32
            Corners [m], relative to a local origin: single precision is too coarse for
            national grid coordinates.

        Raises
        ------
        ComponentError
            If embreex is not installed.
        """
        if EmbreeScene is None:
            message = (
                "pictures need embreex, which is not installed here; install it, or go "
                "without them (--no-stills)"
            )
            raise ComponentError(message)
        # The robust flag closes the hairline gaps between neighbouring triangles.
        self._scene = EmbreeScene(robust=True)
        self._mesh = TriangleMesh(self._scene, np.ascontiguousarray(corners, np.float32))

    def first_hits(self, origins: Float32Array, directions: Float32Array) -> Hits:
        """Return what rays hit first.

        Parameters
        ----------
        origins, directions : (n, 3) float32
            Starts [m, local] and unit directions.
        """
        found = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            query="INTERSECT",
            output=True,
        )
        return Hits(found["primID"], found["tfar"], found["u"], found["v"])

    def is_blocked(
        self, origins: Float32Array, directions: Float32Array, *, reach: float
    ) -> NDArray[np.bool_]:
        """Return whether anything stands in the way of rays within ``reach`` metres.

        Parameters
        ----------
        origins, directions : (n, 3) float32
            Starts [m, local] and unit directions.
        reach : float
            Length of the rays [m].
        """
        found = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            dists=np.float32(reach),
            query="OCCLUDED",
        )
        blocked: NDArray[np.bool_] = found != -1
        return blocked
