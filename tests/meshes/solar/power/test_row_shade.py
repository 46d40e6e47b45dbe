"""Rows shade each other as geometry, pvlib and the shadow kernel say."""

import numpy as np
import pvlib
import pytest

from meshes.mesh_facets import point_facets
from meshes.polygons import make_polygons
from meshes.solar.occluders import open_occluders
from meshes.solar.power.layout import winter_distance
from meshes.solar.power.row_shade import shaded_length
from meshes.solar.shadow import make_caster
from meshes.solar.sky import unit_vectors

UP = np.array([0.0, 0.0, 1.0])


def south(tilt):
    t = np.radians(tilt)
    return np.array([0.0, np.cos(t), np.sin(t)])


def sky(count, seed=3):
    rng = np.random.default_rng(seed)
    azimuth, elevation = rng.uniform(0, 360, count), rng.uniform(1, 85, count)
    return azimuth, elevation, unit_vectors(np.radians(azimuth), np.radians(elevation))


@pytest.mark.parametrize(("tilt", "pitch"), [(15.0, 2.0), (30.0, 1.6), (10.0, 1.2)])
def test_equals_pvlib(tilt, pitch):
    azimuth, elevation, towards = sky(500)
    ahead = pitch - 1.134 * np.cos(np.radians(tilt))
    ours = shaded_length(towards, normal=UP, up=south(tilt), ahead=ahead, depth=1.134)
    faces = np.cos(np.radians(azimuth - 180)) > 0
    theirs = pvlib.shading.shaded_fraction1d(
        90 - elevation,
        azimuth,
        axis_azimuth=90.0,
        shaded_row_rotation=tilt,
        collector_width=1.134,
        pitch=pitch,
    )
    before = towards @ np.cross([1.0, 0, 0], south(tilt)) > 1e-9
    both = faces & before
    assert ours[both] == pytest.approx(theirs[both], abs=1e-9)
    assert (ours[both] > 0).sum() > 20


def test_equals_the_shadow_kernel():
    """A long row in front blocks just the points below the shaded length."""
    _, _, towards = sky(200, seed=8)
    tilt, ahead, depth = 20.0, 0.7, 1.134
    up = south(tilt)
    front = np.array([[-500, -ahead, 0], [500, -ahead, 0]]) + depth * up * [1, 0, 1]
    low = front - depth * up
    row = make_polygons([[np.array([low[0], low[1], front[1], front[0]])]])
    place = (np.arange(50) + 0.5) / 50 * depth
    points = place[:, None] * up
    normal = np.cross([1.0, 0, 0], up)
    facets = point_facets(points, np.tile(normal, (50, 1)))
    caster = make_caster(facets, open_occluders(row))
    share = shaded_length(towards, normal=UP, up=up, ahead=ahead, depth=depth)
    blocked = np.empty(caster.words, np.uint64)
    for direction, expected in zip(towards, share, strict=True):
        if direction @ normal < 0.02 or abs(direction[0] / direction[1]) > 50:
            continue
        caster.cast(direction, blocked)
        shaded = (blocked[facets.sensor_bit // 64] & np.uint64(1)).astype(bool)
        near = np.abs(place / depth - expected) < 0.01
        assert (shaded == (place / depth < expected))[~near].all()


def test_midwinter_noon_just_reaches_the_lower_edge():
    tilt, depth = 15.0, 1.134
    rise = depth * np.sin(np.radians(tilt))
    ahead = winter_distance(rise, latitude=56.0)
    noon = 90 - 56 - 23.44
    for elevation, shaded in ((noon - 0.5, True), (noon + 0.5, False)):
        towards = unit_vectors(np.array([np.pi]), np.radians([elevation]))
        share = shaded_length(towards, normal=UP, up=south(tilt), ahead=ahead, depth=depth)
        assert (share[0] > 0) == shaded


def test_light_from_behind_is_never_shaded():
    _, _, towards = sky(300)
    behind = towards[towards[:, 1] > 0]
    share = shaded_length(behind, normal=UP, up=south(15.0), ahead=0.1, depth=1.0)
    assert not share.any()
