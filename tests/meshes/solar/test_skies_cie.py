"""Standard skies have the brightness their formulas give."""

import numpy as np
import pytest

from gis.errors import WeatherError
from meshes.solar.skies_cie import CLEAR, cie_clear_sky, cie_overcast_sky, cie_sky
from meshes.solar.sky import reinhart_patches, unit_vectors


@pytest.fixture(scope="module")
def patches():
    return reinhart_patches(2)


@pytest.mark.parametrize("kind", range(1, 17))
def test_every_sky_gives_the_light_asked_for(patches, kind):
    dome = cie_sky(
        patches, kind=kind, azimuth=[100, 200], elevation=[20, 50], horizontal=[5e3, 2e4]
    )
    np.testing.assert_allclose(dome.horizontal, [5e3, 2e4], rtol=1e-5)
    assert dome.radiance.min() > 0


@pytest.mark.parametrize("multiplier", [2, 4])
def test_a_wall_under_the_overcast_sky_gets_the_closed_form(multiplier):
    """Vertical over horizontal is 3/14 + 4/(7 pi) = 39.6 %, the greatest VSC."""
    dome = cie_overcast_sky(reinhart_patches(multiplier))
    walls = unit_vectors(np.radians([0.0, 90.0, 225.0]), np.zeros(3))
    share = dome.on_planes(walls)[:, 0]
    np.testing.assert_allclose(share, 3 / 14 + 4 / (7 * np.pi), atol=0.0015)


def test_the_overcast_sky_is_three_times_as_bright_overhead():
    patches = reinhart_patches(8)
    light = cie_overcast_sky(patches).radiance[:, 0]
    horizon = np.sin(np.radians(patches.bounds[0, 3])) / 2
    assert light[-1] / light[0] == pytest.approx(3 / (1 + 2 * horizon), rel=1e-3)


def test_the_standard_overcast_sky_is_near_the_traditional_one(patches):
    """Kind 1 was made to follow it."""
    new = cie_sky(patches, kind=1).radiance
    old = cie_overcast_sky(patches).radiance
    np.testing.assert_allclose(new, old, rtol=0.25)
    fine = cie_sky(reinhart_patches(16), kind=1).radiance[:, 0]
    assert fine[-1] / fine[0] == pytest.approx(1 + 4 * np.exp(-0.7), rel=1e-3)


def test_the_even_sky_is_even(patches):
    np.testing.assert_allclose(cie_sky(patches, kind=5).radiance, 1 / np.pi, rtol=1e-6)


def test_the_clear_sky_has_the_published_ratio_of_glow():
    """Relative luminance by the standard's own formula at some middles of patches."""
    patches = reinhart_patches(4)
    sun = unit_vectors(np.radians(140.0), np.radians(35.0))
    light = cie_clear_sky(patches, azimuth=140.0, elevation=35.0).radiance[:, 0]

    def formula(ray):
        chi = np.arccos(np.clip(ray @ sun, -1, 1))
        glow = (
            1 + 10 * (np.exp(-3 * chi) - np.exp(-3 * np.pi / 2)) + 0.45 * np.cos(chi) ** 2
        )
        return glow * (1 - np.exp(-0.32 / ray[:, 2]))

    expected = formula(patches.middle)
    np.testing.assert_allclose(light / light[-1], expected / expected[-1], rtol=1e-4)


def test_the_sun_of_a_clear_sky_is_where_it_is_brightest(patches):
    dome = cie_clear_sky(patches, azimuth=[75.0, 260.0], elevation=[30.0, 12.0])
    sun = unit_vectors(np.radians([75.0, 260.0]), np.radians([30.0, 12.0]))
    for k in range(2):
        brightest = patches.middle[dome.radiance[:, k].argmax()]
        assert np.degrees(np.arccos(brightest @ sun[k])) < 6


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": 0}, "one of 1 to 16, got 0"),
        ({"kind": 17}, "one of 1 to 16, got 17"),
        ({"kind": CLEAR, "elevation": [10.0, -1.0]}, "0 to 90 degrees high, got -1 to 10"),
        ({"kind": CLEAR, "elevation": np.nan}, "0 to 90 degrees high"),
    ],
)
def test_what_is_no_sky_is_refused(patches, given, said):
    with pytest.raises(WeatherError, match=said):
        cie_sky(patches, **given)
