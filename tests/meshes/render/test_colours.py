"""Colours follow the scale, and the scale is that of the sources it names."""

import matplotlib as mpl
import numpy as np
import pytest

from meshes.render.colours import (
    BRIGHTEST,
    DARKEST,
    hex_srgb,
    irradiation_scale,
    to_linear,
    to_srgb,
)


def test_ends_are_the_trimmed_ends_of_inferno():
    scale = irradiation_scale([300.0])
    ends = mpl.colormaps["inferno"]([DARKEST, BRIGHTEST])[:, :3]
    np.testing.assert_allclose(scale.srgb([0.0, scale.top]), ends, atol=0.5 / 255)


def test_scale_is_fixed_and_grows_only_when_it_must():
    assert irradiation_scale([]).top == irradiation_scale([np.nan, 1200.0]).top == 1200.0
    assert irradiation_scale([1210.0, np.nan]).top == 1300.0


def test_lightness_rises_with_irradiation():
    scale = irradiation_scale([0.0])
    light = to_linear(scale.srgb(np.linspace(0, 1200, 50))) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > 0).all()


def test_unknown_irradiation_is_grey():
    red, green, blue = irradiation_scale([0.0]).srgb([np.nan])[0]
    assert max(red, green, blue) - min(red, green, blue) < 0.1


def test_srgb_and_linear_undo_each_other():
    srgb = np.linspace(0, 1, 256, dtype=np.float32)
    np.testing.assert_allclose(to_srgb(to_linear(srgb)), srgb, atol=1e-6)


@pytest.mark.parametrize(
    ("srgb", "linear"),
    [
        pytest.param(0.0, 0.0, id="black"),
        pytest.param(0.5, 0.21404, id="IEC 61966-2-1 at one half"),
        pytest.param(1.0, 1.0, id="white"),
    ],
)
def test_linear_light_has_known_values(srgb, linear):
    assert to_linear(np.float32([srgb]))[0] == pytest.approx(linear, abs=1e-5)


def test_hex_colours_are_red_green_blue():
    np.testing.assert_allclose(hex_srgb("#ff0080"), [1, 0, 128 / 255], atol=1e-6)
