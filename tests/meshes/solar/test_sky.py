"""Sky patches cover the dome evenly."""

import numpy as np
import pytest

from meshes.solar.sky import reinhart_patches


@pytest.mark.parametrize(("multiplier", "count"), [(1, 145), (2, 577), (4, 2305)])
def test_patches_fill_the_hemisphere(multiplier, count):
    sky = reinhart_patches(multiplier)
    assert len(sky.direction) == count
    assert sky.solid_angle.sum() == pytest.approx(2 * np.pi, rel=1e-12)
    assert np.linalg.norm(sky.direction, axis=1) == pytest.approx(1)


def test_view_of_free_planes_converges_to_the_closed_form():
    """A plane of tilt b sees (1 + cos b) / 2 of an even sky."""
    tilts = np.radians([0, 20, 45, 90])
    normals = np.stack([np.sin(tilts) * 0.6, np.sin(tilts) * 0.8, np.cos(tilts)], axis=-1)
    errors = []
    for multiplier in (1, 2, 4):
        sky = reinhart_patches(multiplier)
        seen = np.maximum(normals @ sky.direction.T, 0) @ sky.solid_angle / np.pi
        errors.append(np.abs(seen - (1 + np.cos(tilts)) / 2).max())
    assert errors[2] < errors[1] < errors[0] < 0.01
