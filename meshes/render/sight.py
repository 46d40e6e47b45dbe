"""Follow the rays of a picture to what they show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meshes.render.camera import Camera
from meshes.render.scene import Scene

Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]


@dataclass(frozen=True)
class Sight:
    """What rays show.

    Attributes
    ----------
    triangle : (n,) int32
        Triangle that is seen, -1 for none.
    points, normals, directions : (n, 3) float32
        Place [m, local], unit normal there and unit direction of the ray.
    distance : (n,) float32
        Way to the place [m].
    rim : (n,) float32
        Distance from the nearest drawn edge of its body [m].
    """

    triangle: Int32Array
    points: Float32Array
    normals: Float32Array
    directions: Float32Array
    distance: Float32Array
    rim: Float32Array


def look_along(scene: Scene, camera: Camera, x: Float32Array, y: Float32Array) -> Sight:
    """Follow the rays through picture places.

    Parameters
    ----------
    scene : Scene
        What is there.
    camera : Camera
        From where it is seen.
    x, y : (n,) float32
        Places in the picture [pixels].
    """
    origins, directions = (np.asarray(k, np.float32) for k in camera.rays(x, y))
    hits = scene.tracer.first_hits(origins, directions)
    distance = np.where(hits.triangle < 0, 0, hits.distance).astype(np.float32)
    points = origins + distance[:, None] * directions
    corner = scene.triangles.normals[hits.triangle]
    weights = np.stack([1 - hits.u - hits.v, hits.u, hits.v], axis=1)
    normals = np.einsum("nk,nkx->nx", weights, corner)
    normals /= np.sqrt(np.einsum("nx,nx->n", normals, normals))[:, None]
    rim = (weights * scene.triangles.rim[hits.triangle]).min(axis=1)
    return Sight(hits.triangle, points, normals, directions, distance, rim)
