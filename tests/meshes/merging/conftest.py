"""Give tests meshes of triangles as other programs write them."""

from collections.abc import Callable

import numpy as np
import pytest
import trimesh

Mesh = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def town() -> Callable[[int], Mesh]:
    """Return a maker of towns: boxes, some without floor, a bridge, an awning."""

    def make(seed: int) -> Mesh:
        rng = np.random.default_rng(seed)
        parts = []
        for k in range(7):
            part = trimesh.creation.box(rng.uniform(5, 15, 3))
            part.apply_translation([*rng.uniform(0, 60, 2), 0])
            part.vertices[:, 2] -= part.vertices[:, 2].min()
            if k % 3 == 1:
                part = part.subdivide()
            if k % 3 == 2:
                part.update_faces(part.face_normals[:, 2] > -0.5)
            parts.append(part)
        bridge = trimesh.creation.box((30, 4, 1))
        bridge.apply_translation([30, 30, 9])
        awning = trimesh.Trimesh(
            rng.uniform((0, 0, 6), (60, 60, 14), (3, 3)), np.array([[0, 1, 2]])
        )
        parts += [bridge, awning]
        whole = trimesh.util.concatenate(parts)
        labels = np.repeat(np.arange(len(parts)), [len(part.faces) for part in parts])
        return np.asarray(whole.vertices), np.asarray(whole.faces), labels

    return make
