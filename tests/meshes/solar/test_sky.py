"""Sky patches cover the dome evenly."""

import numpy as np
import pytest

from meshes.solar.sky import TREGENZA_ROWS, reinhart_patches, unit_vectors


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize(("multiplier", "count"), [(1, 145), (2, 577), (4, 2305)])
def test_patches_fill_the_hemisphere(multiplier, count, centred):
    sky = reinhart_patches(multiplier, centred=centred)
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


@pytest.mark.parametrize("centred", [False, True])
def test_rays_and_middles_lie_in_their_patches(centred):
    sky = reinhart_patches(2, centred=centred)
    first, last, low, high = sky.bounds.T
    for direction in (sky.direction, sky.middle):
        height = np.degrees(np.arcsin(np.minimum(direction[:, 2], 1)))
        assert ((height >= low - 1e-9) & (height <= high + 1e-9)).all()
        azimuth = np.degrees(np.arctan2(direction[:-1, 0], direction[:-1, 1]))
        turned = (azimuth - first[:-1]) % 360
        assert (turned < (last - first)[:-1]).all(), "the cap has no azimuth"


@pytest.mark.parametrize(("centred", "start"), [(False, 0.0), (True, -3.0)])
def test_rows_start_in_the_north_and_run_clockwise(centred, start):
    sky = reinhart_patches(2, centred=centred)
    assert sky.bounds[0, :2] == pytest.approx([start, start + 6])
    assert sky.bounds[1, :2] == pytest.approx([start + 6, start + 12])
    assert (np.diff(sky.first) == [*np.repeat(TREGENZA_ROWS, 2) * 2, 1]).all()


def test_flux_is_the_integral_of_the_direction():
    """Against a fine even grid of points over some patches, and over the whole dome."""
    sky = reinhart_patches(1)
    for patch in (0, 40, 143, 144):
        first, last, low, high = np.radians(sky.bounds[patch])
        place = (np.arange(400) + 0.5) / 400
        azimuth = first + (last - first) * place
        sine = np.sin(low) + (np.sin(high) - np.sin(low)) * place
        points = unit_vectors(azimuth[:, None], np.arcsin(sine)[None, :])
        brute = points.mean(axis=(0, 1)) * sky.solid_angle[patch]
        np.testing.assert_allclose(sky.flux[patch], brute, atol=1e-7)
    np.testing.assert_allclose(sky.flux.sum(axis=0), [0, 0, np.pi], atol=1e-12)


@pytest.mark.parametrize("multiplier", [2, 4])
@pytest.mark.parametrize("azimuth", [0.0, 90.0, 180.0, 270.0])
def test_planes_along_the_edges_of_patches_see_exactly_half(multiplier, azimuth):
    """Every patch but the cap is wholly before or behind a wall that faces so."""
    sky = reinhart_patches(multiplier)
    wall = unit_vectors(np.radians(azimuth + 90.0), np.array(0.0))
    cut = np.maximum(sky.flux @ wall, 0).sum()
    cap = (1 - np.sin(np.radians(sky.bounds[-1, 2]))) * np.pi
    assert cut == pytest.approx(np.pi / 2, abs=cap)


def test_parents_are_tregenza_s_patches():
    """Two by two patches share the azimuths of one; the rows differ as the cap shrinks."""
    fine, coarse = reinhart_patches(2), reinhart_patches(1)
    assert (coarse.parent == np.arange(145)).all()
    count = np.bincount(fine.parent)
    assert (count == [*[4] * 144, 1]).all()
    for edge in (0, 1):
        inner = [fine.bounds[fine.parent == k, edge] for k in range(144)]
        outer = np.array([one.min() if edge == 0 else one.max() for one in inner])
        np.testing.assert_allclose(outer, coarse.bounds[:144, edge])
