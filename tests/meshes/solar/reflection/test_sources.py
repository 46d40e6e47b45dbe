"""Directions are grouped without losing light."""

import numpy as np
import pandas as pd
import pytest

from meshes.solar.reflection.sources import (
    group_beam,
    group_radiance,
    sky_sources,
    sun_groups,
    sun_sources,
)
from meshes.solar.sky import reinhart_patches
from meshes.solar.sun import SunPath, sun_path


@pytest.fixture(scope="module")
def path() -> SunPath:
    times = pd.date_range("2021-01-01 00:30", periods=8760, freq="h", tz="UTC")[::7]
    beam = np.linspace(100, 900, len(times))
    return sun_path(times, beam, latitude=56.05, longitude=12.7)


@pytest.mark.parametrize("multiplier", [1, 2, 4])
def test_even_sky_gives_a_free_plane_pi(multiplier):
    sources = sky_sources(reinhart_patches(multiplier))
    assert sources.count == 145
    assert (np.diff(sources.group) >= 0).all()
    assert sources.free_ground().sum() == pytest.approx(np.pi)


def test_grouped_radiance_keeps_the_light_of_the_whole_sky():
    sky = reinhart_patches(2)
    radiance = np.random.default_rng(3).uniform(0, 9, (577, 5)).astype(np.float32)
    whole = sky.solid_angle @ radiance
    grouped = np.bincount(sky.parent, sky.solid_angle) @ group_radiance(sky, radiance)
    assert grouped == pytest.approx(whole, rel=1e-5)


def test_groups_of_the_sun_share_out_their_beam(path):
    sources = sun_sources(path)
    share = np.bincount(sources.group, np.linalg.norm(sources.flux, axis=1))
    assert share == pytest.approx(1.0)
    assert (np.bincount(sources.group) == 3).all()


def test_bins_of_a_group_lie_close_together(path):
    sources, group = sun_sources(path, most=1), sun_groups(path)
    cosine = np.einsum("bx,bx->b", path.bin_direction, sources.direction[group])
    # Corners of a square of 6 degrees lie 8.5 degrees apart; bins add half of theirs.
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 11.0


def test_groups_of_the_sun_keep_every_hours_beam(path):
    hours = int(path.hour.max()) + 1
    beam = np.random.default_rng(5).uniform(50, 900, hours)
    lit = np.unique(path.hour)
    assert group_beam(path, beam).sum(axis=0)[lit] == pytest.approx(beam[lit], rel=1e-5)
