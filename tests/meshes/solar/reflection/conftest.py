"""Build the small scenes of these tests."""

from collections.abc import Callable

import numpy as np
import pytest

from meshes.polygons import make_polygons
from meshes.solar.occluders import Occluders, open_occluders, solid_occluders
from meshes.solids import Kind, Solids

Box = tuple[float, float, float, float, float, float]


def box_faces(box: Box, *, inwards: bool = False) -> list[list[np.ndarray]]:
    """Return the six faces of west, south, base, east, north, top."""
    x0, y0, z0, x1, y1, z1 = box
    corner = np.array([(x, y, z) for z in (z0, z1) for y in (y0, y1) for x in (x0, x1)])
    sides = (
        (4, 5, 7, 6),
        (0, 2, 3, 1),
        (0, 1, 5, 4),
        (3, 2, 6, 7),
        (1, 3, 7, 5),
        (2, 0, 4, 6),
    )
    rings = [corner[list(side)] for side in sides]
    return [[ring[::-1] if inwards else ring] for ring in rings]


@pytest.fixture
def blocks() -> Callable[..., Occluders]:
    """Return a maker of closed boxes."""

    def make(*boxes: Box) -> Occluders:
        faces = [face for box in boxes for face in box_faces(box)]
        kinds = [Kind.ROOF, Kind.GROUND] + [Kind.WALL] * 4
        return solid_occluders(
            Solids(
                make_polygons(faces),
                np.array(kinds * len(boxes), np.int8),
                np.repeat(np.arange(len(boxes), dtype=np.int32), 6),
                tuple(f"box-{k}" for k in range(len(boxes))),
                np.zeros(3),
            )
        )

    return make


@pytest.fixture
def hollow() -> Callable[[Box], Occluders]:
    """Return a maker of boxes of thin sheets, closed all around."""
    return lambda box: open_occluders(make_polygons(box_faces(box, inwards=True)))
