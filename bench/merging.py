"""Measure how long it takes to merge a mesh of triangles and to lay its sensors.

Run from a checkout: ``.venv/bin/python bench/merging.py [TRIANGLES]``, by default a
million. Prints processor seconds, triangles per second, and beside it trimesh's own search
for facets, which compares neighbours only and so takes all hills for one facet.
"""

import resource
import sys
import time

import numpy as np
import trimesh

from meshes.mesh_facets import mesh_facets
from meshes.planes.merging import merge_coplanar


def boxes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return many boxes whose faces are cut finely, about ``count`` triangles."""
    box = trimesh.creation.box((10, 20, 5))
    for _ in range(3):
        box = box.subdivide()
    number = max(1, count // len(box.faces))
    side = int(np.ceil(number**0.5))
    shift = np.stack(np.meshgrid(np.arange(side), np.arange(side), [0]), -1)
    shift = shift.reshape(-1, 3)[:number] * 30.0
    vertices = (np.asarray(box.vertices)[None] + shift[:, None]).reshape(-1, 3)
    faces = box.faces[None] + np.arange(number)[:, None, None] * len(box.vertices)
    return vertices, faces.reshape(-1, 3)


def hills(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a smooth terrain, the worst case: everything is nearly in one plane."""
    side = int((count / 2) ** 0.5)
    x, y = np.meshgrid(np.arange(side + 1) * 2.0, np.arange(side + 1) * 2.0)
    z = 20 * np.sin(x / 300) * np.cos(y / 200)
    first = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).ravel()
    quads = np.stack([first, first + 1, first + side + 2, first + side + 1], axis=1)
    vertices = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
    return vertices, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for name, scene in (("boxes", boxes), ("hills", hills)):
        vertices, triangles = scene(count)
        begin = time.process_time()
        merged = merge_coplanar(vertices, triangles)
        taken = time.process_time() - begin
        begin = time.process_time()
        facets = mesh_facets(merged, spacing=2.0)
        laid = time.process_time() - begin
        begin = time.process_time()
        theirs = len(trimesh.Trimesh(vertices, triangles, process=False).facets)
        other = time.process_time() - begin
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"{name}: {len(triangles):,} triangles to {len(merged):,} faces in "
            f"{taken:.1f} s ({len(triangles) / taken:,.0f}/s), "
            f"{facets.sensor_count:,} sensors in {laid:.1f} s; "
            f"trimesh {theirs:,} facets in {other:.1f} s; {memory:.1f} GB"
        )


if __name__ == "__main__":
    main()
